//! The operator's own terminal: raw mode and the alternate screen, given back whatever happens. Nothing here waits for it:
//! while it takes no frame none is drawn, and then the newest one.

mod line;
mod pace;
mod thrifty;

use crossbeam_channel::Receiver;
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{self, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, queue};
use line::Line;
pub(crate) use line::Written;
use pace::Pace;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use std::cell::RefCell;
use std::io::{self, Write};
use std::panic;
use std::rc::Rc;
use std::sync::Once;
use std::time::{Duration, Instant};
use thrifty::Thrifty;

/// Buttons, the wheel and dragging are reported, in the form without limits; a mouse that only moves says nothing, which
/// crossterm's own command would ask for (control sequence document of xterm, "Mouse Tracking").
const REPORT_MOUSE: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";

/// Where a frame gathers.
#[derive(Clone, Default)]
struct Batch(Rc<RefCell<Vec<u8>>>);

impl Batch {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.borrow_mut())
    }
}

impl Write for Batch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    /// It goes out as a whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The screen while the console has it. Dropping it gives the terminal back.
pub(crate) struct Screen {
    terminal: Terminal<Thrifty<CrosstermBackend<Batch>>>,
    batch: Batch,
    /// Nothing once the terminal is given back.
    line: Option<Line>,
    pace: Pace,
    /// What the next frame begins with.
    wants: Wants,
}

/// What was asked for since the last frame; a later wish takes the place of an earlier one.
#[derive(Default)]
struct Wants {
    size: Option<(u16, u16)>,
    clear: bool,
    copy: Option<String>,
}

impl Screen {
    /// Takes the terminal. The size is fixed until [`Screen::resize`], so that what is drawn and what is
    /// shown always agree about it.
    ///
    /// # Errors
    /// When standard output is no terminal.
    pub(crate) fn enter(uses_mouse: bool, frames_per_second: u16) -> io::Result<Self> {
        let line = Line::open()?;
        restore_on_panic();
        terminal::enable_raw_mode()?;
        let screen = Self::on(line, uses_mouse, frames_per_second);
        if screen.is_err() {
            restore(false);
        }
        screen
    }

    fn on(line: Line, uses_mouse: bool, frames_per_second: u16) -> io::Result<Self> {
        let mut batch = Batch::default();
        queue!(batch, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        if uses_mouse {
            queue!(batch, Print(REPORT_MOUSE))?;
        }
        let (columns, lines) = terminal::size()?;
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, lines));
        let backend = Thrifty::new(CrosstermBackend::new(batch.clone()));
        let mut terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        terminal.clear()?;
        let (pace, wants) = (Pace::new(frames_per_second), Wants::default());
        Ok(Self { terminal, batch, line: Some(line), pace, wants })
    }

    /// Columns and lines.
    pub(crate) fn size(&mut self) -> (u16, u16) {
        let area = self.terminal.get_frame().area();
        (area.width, area.height)
    }

    /// Has another size from the next frame on.
    pub(crate) fn resize(&mut self, columns: u16, lines: u16) {
        self.wants.size = Some((columns, lines));
    }

    /// Draws everything anew with the next frame.
    pub(crate) fn clear(&mut self) {
        self.wants.clear = true;
    }

    /// Puts text where the terminal lets other programs paste it from (OSC 52), with the next frame.
    pub(crate) fn copy(&mut self, text: String) {
        self.wants.copy = Some(text);
    }

    /// How long the next frame has to wait; nothing while the terminal has not taken the last one, which
    /// [`Screen::written`] says.
    pub(crate) fn until_frame(&self, is_urgent: bool) -> Option<Duration> {
        let is_free = self.line.as_ref().is_some_and(|line| !line.is_busy());
        is_free.then(|| self.pace.wait(Instant::now(), is_urgent))
    }

    /// Where it is said that the terminal has taken a frame, or is gone. What is received there is for [`Screen::take`].
    pub(crate) fn written(&self) -> Receiver<io::Result<Written>> {
        self.line.as_ref().map_or_else(crossbeam_channel::never, |line| line.written().clone())
    }

    /// The terminal has taken a frame.
    pub(crate) fn take(&mut self, written: Written) {
        self.pace.take(written);
        if let Some(line) = &mut self.line {
            line.take();
        }
    }

    /// Draws a frame; only what changed goes out, and nothing if nothing did. To be called when there is no frame on its
    /// way.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let wants = std::mem::take(&mut self.wants);
        if let Some((columns, lines)) = wants.size {
            self.terminal.resize(Rect::new(0, 0, columns, lines))?;
        }
        if wants.clear {
            self.terminal.clear()?;
        }
        self.terminal.draw(view)?;
        if let Some(text) = wants.copy {
            queue!(self.batch, CopyToClipboard::to_clipboard_from(text))?;
        }
        let batch = self.batch.take();
        match &mut self.line {
            Some(line) if !batch.is_empty() => {
                self.pace.send(Instant::now(), batch.len());
                line.send(batch)
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let is_cut = self.line.take().is_some_and(|line| line.is_busy());
        restore(is_cut);
    }
}

/// Gives the terminal back; nothing can be done about one that does not take this. `is_cut` where the last frame may not
/// have come to its end.
fn restore(is_cut: bool) {
    let mut bytes = Vec::new();
    let _ = queue!(bytes, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = line::part(&bytes, is_cut);
    let _ = terminal::disable_raw_mode();
}

/// A panic's message must not be lost on the alternate screen.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore(true);
            former(info);
        }));
    });
}

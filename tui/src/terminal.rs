//! The operator's own terminal: raw mode and the alternate screen, given back whatever happens.

mod thrifty;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste};
use crossterm::style::Print;
use crossterm::terminal::{self, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use std::io::{self, BufWriter, Stdout};
use std::panic;
use std::sync::Once;
use thrifty::Thrifty;

/// Bytes of a frame that go out at once: a whole screen with its colours fits.
const OUTPUT_BUFFER_BYTES: usize = 64 << 10;

/// Buttons, the wheel and dragging are reported, in the form without limits; a mouse that only moves says nothing, which
/// crossterm's own command would ask for (control sequence document of xterm, "Mouse Tracking").
const REPORT_MOUSE: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";

/// The screen while the console has it. Dropping it gives the terminal back.
pub(crate) struct Screen {
    terminal: Terminal<Thrifty<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Screen {
    /// Takes the terminal. The size is fixed until [`Screen::resize`], so that what is drawn and what is
    /// shown always agree about it.
    ///
    /// # Errors
    /// When standard output is no terminal.
    pub(crate) fn enter(uses_mouse: bool) -> io::Result<Self> {
        restore_on_panic();
        terminal::enable_raw_mode()?;
        let taken = execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide);
        let taken = taken
            .and_then(|()| if uses_mouse { execute!(io::stdout(), Print(REPORT_MOUSE)) } else { Ok(()) });
        let screen = taken.and_then(|()| {
            let (columns, lines) = terminal::size()?;
            let backend = CrosstermBackend::new(BufWriter::with_capacity(OUTPUT_BUFFER_BYTES, io::stdout()));
            let viewport = Viewport::Fixed(Rect::new(0, 0, columns, lines));
            let mut terminal = Terminal::with_options(Thrifty::new(backend), TerminalOptions { viewport })?;
            terminal.clear()?;
            Ok(Self { terminal })
        });
        if screen.is_err() {
            restore();
        }
        screen
    }

    /// Columns and lines.
    pub(crate) fn size(&mut self) -> (u16, u16) {
        let area = self.terminal.get_frame().area();
        (area.width, area.height)
    }

    /// Takes another size.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn resize(&mut self, columns: u16, lines: u16) -> io::Result<()> {
        self.terminal.resize(Rect::new(0, 0, columns, lines))
    }

    /// Draws everything anew with the next frame.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Draws a frame; only what changed goes out, and nothing if nothing did.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(view).map(|_| ())
    }

    /// Puts text where the terminal lets other programs paste it from (OSC 52).
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Nothing can be done about a terminal that does not take this.
fn restore() {
    let _ = execute!(
        io::stdout(),
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = terminal::disable_raw_mode();
}

/// A panic's message must not be lost on the alternate screen.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore();
            former(info);
        }));
    });
}

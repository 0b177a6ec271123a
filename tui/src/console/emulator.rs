//! A guest's terminal: the bytes of its console become a screen with a short scrollback.
//!
//! It wraps `alacritty_terminal` and adds what a pane needs: a clock-free parser (synchronized updates
//! are ended by [`Emulator::end_synchronized_update`]), and the answers that the guest's questions call
//! for, which the caller sends or drops. It knows no pane, no guest and no connection.

use alacritty_terminal::event::{Event, EventListener, WindowSize};
use alacritty_terminal::grid::Dimensions;
#[cfg(test)]
use alacritty_terminal::grid::Scroll;
use alacritty_terminal::term::{Config, Osc52, RenderableContent, Term, TermMode};
use alacritty_terminal::vte::ansi::{NamedColor, Processor, Rgb, Timeout};
use browse::RegexSearch;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

mod browse;
pub(crate) use browse::{Motion, Selecting};

/// Lines of scrollback in the engine. A line costs about two kilobytes there, so older output is left
/// to the console log of the VSP.
pub(crate) const SCROLLBACK_LINES: usize = 500;

/// Answers are dropped beyond this: a guest that asks without end must not fill the console's memory.
const ANSWER_LIMIT_BYTES: usize = 4096;

/// The longest window title that is kept, in characters.
const TITLE_LIMIT: usize = 80;

/// Where the engine's events gather until the end of the bytes that caused them.
#[derive(Clone, Default)]
struct Listener(Rc<RefCell<Vec<Event>>>);

impl EventListener for Listener {
    fn send_event(&self, event: Event) {
        let is_needed = matches!(
            event,
            Event::PtyWrite(_)
                | Event::ColorRequest(..)
                | Event::TextAreaSizeRequest(_)
                | Event::Title(_)
                | Event::ResetTitle
                | Event::Bell
        );
        let mut events = self.0.borrow_mut();
        if is_needed && events.len() < ANSWER_LIMIT_BYTES {
            events.push(event);
        }
    }
}

/// A synchronized update that waits for its end; time itself is the caller's.
#[derive(Default)]
struct Waiting(bool);

impl Timeout for Waiting {
    fn set_timeout(&mut self, _duration: Duration) {
        self.0 = true;
    }

    fn clear_timeout(&mut self) {
        self.0 = false;
    }

    fn pending_timeout(&self) -> bool {
        self.0
    }
}

/// A screen's size in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScreenSize {
    /// Cells in a line.
    pub(crate) columns: u16,
    /// Lines.
    pub(crate) lines: u16,
}

impl ScreenSize {
    /// The engine divides by its size and wants room for a wide character.
    fn at_least_usable(self) -> Self {
        Self { columns: self.columns.max(2), lines: self.lines.max(1) }
    }
}

impl Dimensions for ScreenSize {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        usize::from(self.lines)
    }

    fn columns(&self) -> usize {
        usize::from(self.columns)
    }
}

/// A terminal without a window.
pub(crate) struct Emulator {
    term: Term<Listener>,
    parser: Processor<Waiting>,
    listener: Listener,
    size: ScreenSize,
    title: Option<String>,
    has_output: bool,
    /// What was searched for last.
    search: Option<RegexSearch>,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("size", &self.size)
            .field("title", &self.title)
            .finish_non_exhaustive()
    }
}

impl Emulator {
    /// An empty screen.
    pub(crate) fn new(size: ScreenSize) -> Self {
        Self::with_scrollback(size, SCROLLBACK_LINES)
    }

    /// An empty screen that keeps so many lines above it.
    pub(crate) fn with_scrollback(size: ScreenSize, lines: usize) -> Self {
        let size = size.at_least_usable();
        let config = Config { scrolling_history: lines, osc52: Osc52::Disabled, ..Config::default() };
        let listener = Listener::default();
        let term = Term::new(config, &size, listener.clone());
        Self { term, parser: Processor::new(), listener, size, title: None, has_output: false, search: None }
    }

    /// Shows `bytes` and returns what the terminal answers to the questions among them.
    ///
    /// Only the one who writes to the guest may send the answers: otherwise every viewer would answer.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.has_output |= !bytes.is_empty();
        self.parser.advance(&mut self.term, bytes);
        self.answers()
    }

    /// Whether output is held back until the guest ends a synchronized update.
    pub(crate) fn holds_synchronized_update(&self) -> bool {
        self.parser.sync_timeout().pending_timeout()
    }

    /// Shows what a synchronized update holds back. To be called when its time is over.
    pub(crate) fn end_synchronized_update(&mut self) -> Vec<u8> {
        self.parser.stop_sync(&mut self.term);
        self.answers()
    }

    /// Gives the screen another size; long lines are broken anew.
    pub(crate) fn resize(&mut self, size: ScreenSize) {
        let size = size.at_least_usable();
        if size != self.size {
            self.size = size;
            self.term.resize(size);
        }
    }

    /// The screen's size in cells.
    pub(crate) fn size(&self) -> ScreenSize {
        self.size
    }

    /// The title that the guest gave its terminal.
    pub(crate) fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The modes that the guest set.
    pub(crate) fn mode(&self) -> TermMode {
        *self.term.mode()
    }

    /// Moves the shown part within the scrollback.
    #[cfg(test)]
    pub(crate) fn scroll(&mut self, scroll: Scroll) {
        self.term.scroll_display(scroll);
    }

    /// How many lines above the newest screen the shown part lies.
    pub(crate) fn lines_above_newest(&self) -> usize {
        self.term.grid().display_offset()
    }

    /// Whether anything was ever printed.
    pub(crate) fn has_output(&self) -> bool {
        self.has_output
    }

    /// The cells, the cursor and the colours to draw.
    pub(crate) fn content(&self) -> RenderableContent<'_> {
        self.term.renderable_content()
    }

    fn answers(&mut self) -> Vec<u8> {
        let events = std::mem::take(&mut *self.listener.0.borrow_mut());
        let mut answers = Vec::new();
        for event in events {
            match event {
                Event::PtyWrite(text) => answers.extend_from_slice(text.as_bytes()),
                Event::ColorRequest(index, format) => {
                    answers.extend_from_slice(format(xterm_color(index)).as_bytes());
                }
                Event::TextAreaSizeRequest(format) => {
                    answers.extend_from_slice(format(self.window_size()).as_bytes());
                }
                Event::Title(title) => self.title = Some(readable_title(&title)),
                Event::ResetTitle => self.title = None,
                _ => {}
            }
        }
        answers.truncate(ANSWER_LIMIT_BYTES);
        answers
    }

    /// Nobody knows the size of a cell here, so it is that of xterm's usual font.
    fn window_size(&self) -> WindowSize {
        WindowSize { num_lines: self.size.lines, num_cols: self.size.columns, cell_width: 6, cell_height: 13 }
    }
}

fn readable_title(title: &str) -> String {
    title.chars().filter(|character| !character.is_control()).take(TITLE_LIMIT).collect()
}

/// What xterm answers when asked for the colour at `index`: the 16 named, the 6×6×6 cube, the greys, then
/// foreground, background and cursor.
pub(crate) fn xterm_color(index: usize) -> Rgb {
    const NAMED: [(u8, u8, u8); 16] = [
        (0x00, 0x00, 0x00),
        (0xcd, 0x00, 0x00),
        (0x00, 0xcd, 0x00),
        (0xcd, 0xcd, 0x00),
        (0x00, 0x00, 0xee),
        (0xcd, 0x00, 0xcd),
        (0x00, 0xcd, 0xcd),
        (0xe5, 0xe5, 0xe5),
        (0x7f, 0x7f, 0x7f),
        (0xff, 0x00, 0x00),
        (0x00, 0xff, 0x00),
        (0xff, 0xff, 0x00),
        (0x5c, 0x5c, 0xff),
        (0xff, 0x00, 0xff),
        (0x00, 0xff, 0xff),
        (0xff, 0xff, 0xff),
    ];
    let channel = |step: usize| if step == 0 { 0 } else { (55 + 40 * step) as u8 };
    let (r, g, b) = match index {
        0..=15 => NAMED[index],
        16..=231 => {
            let cube = index - 16;
            (channel(cube / 36), channel(cube / 6 % 6), channel(cube % 6))
        }
        232..=255 => {
            let grey = (8 + 10 * (index - 232)) as u8;
            (grey, grey, grey)
        }
        index if index == NamedColor::Background as usize => NAMED[0],
        _ => NAMED[7],
    };
    Rgb { r, g, b }
}

#[cfg(test)]
mod tests;

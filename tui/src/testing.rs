//! What benchmarks measure: the console's parts on samples.

use crate::console::emulator::{Emulator, ScreenSize};
use crate::console::msg::{ConsoleEvent, Msg, VspMsg};
use crate::console::samples;
use crate::console::screens::guest_console::GuestConsole;
use crate::console::state::State;
use crate::console::update::update;
use crate::view;
use crate::view::theme::{Palette, Theme};
use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// A console on a screen in memory.
pub struct Screen {
    state: State,
    theme: Theme,
    terminal: Terminal<TestBackend>,
}

impl Screen {
    /// The overview of so many guests, with figures of five minutes.
    ///
    /// # Panics
    /// Never: a screen in memory cannot fail.
    pub fn overview(columns: u16, lines: u16, guests: u32) -> Self {
        let mut state = samples::connected((columns, lines), samples::guests(guests));
        samples::run_for(&mut state, 300);
        let terminal = Terminal::new(TestBackend::new(columns, lines)).expect("a screen in memory");
        Self { state, theme: Theme::new(Palette::Dark, false), terminal }
    }

    /// A guest's console in front, which takes what is printed there.
    pub fn console(columns: u16, lines: u16) -> Self {
        let mut screen = Self::overview(columns, lines, 1);
        screen.press('c');
        screen
    }

    /// So many guests' consoles in tabs, each with so many lines of output; the last one in front, looked back in.
    pub fn consoles(count: u32, lines: usize) -> Self {
        let mut screen = Self::overview(80, 24, count);
        let guests: Vec<_> = screen.state.guests.all().iter().map(|guest| guest.uuid).collect();
        screen.press('c');
        for guest in guests {
            screen.state.tabs.open(guest);
            screen.press(' ');
            for line in 0..lines {
                screen.print(
                    format!("{line:>6} a line of about as many characters as lines have on average\r\n")
                        .as_bytes(),
                );
            }
        }
        update(&mut screen.state, samples::key(KeyCode::PageUp));
        screen
    }

    /// Draws a frame.
    ///
    /// # Panics
    /// Never: a screen in memory cannot fail.
    pub fn draw(&mut self) {
        let (state, theme) = (&self.state, &self.theme);
        let draw = |frame: &mut ratatui::Frame<'_>| drop(view::draw(state, theme, frame));
        self.terminal.draw(draw).expect("a screen in memory");
    }

    /// Presses a key.
    pub fn press(&mut self, character: char) {
        update(&mut self.state, samples::key(KeyCode::Char(character)));
    }

    /// The guest whose console is in front prints.
    pub fn print(&mut self, bytes: &[u8]) {
        let id = self.state.console().map(|console: &GuestConsole| console.id);
        if let Some(id) = id {
            let event = ConsoleEvent::Output(bytes.to_vec());
            update(&mut self.state, Msg::Vsp(VspMsg::Console { id, event }));
        }
    }
}

/// Shows bytes on a terminal of 80 columns and 24 lines and drops it.
pub fn emulate(bytes: &[u8]) {
    let mut emulator = Emulator::new(ScreenSize { columns: 80, lines: 24 });
    for chunk in bytes.chunks(4096) {
        emulator.feed(chunk);
    }
}

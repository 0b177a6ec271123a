//! A line that says how far something is, on a terminal only.

use std::io::{self, IsTerminal};

use crate::view::format;

/// The line; it is wiped when it is dropped.
pub(super) struct Bar {
    /// What is done with the bytes, such as `copied`.
    verb: &'static str,
    is_shown: bool,
    is_drawn: bool,
}

impl Bar {
    pub(super) fn new(verb: &'static str) -> Bar {
        Bar { verb, is_shown: io::stderr().is_terminal(), is_drawn: false }
    }

    pub(super) fn draw(&mut self, done: u64, total: u64) {
        if self.is_shown {
            let share = done.saturating_mul(100).checked_div(total).unwrap_or(100);
            eprint!("\r\x1b[K{share:>3}% of {} {}", format::bytes(total), self.verb);
            self.is_drawn = true;
        }
    }

    /// Makes room for something else.
    pub(super) fn wipe(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            eprint!("\r\x1b[K");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.wipe();
    }
}

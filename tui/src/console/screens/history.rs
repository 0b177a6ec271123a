//! The results of all actions, so that none is only a flash.

use crate::console::msg::Millis;
use std::collections::VecDeque;

/// Results that are kept.
const KEPT: usize = 200;

/// What came of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When.
    pub(crate) at: Millis,
    /// It was done.
    pub(crate) is_good: bool,
    /// What came of it in a few words.
    pub(crate) title: String,
    /// What there is to say about it; may be empty.
    pub(crate) text: String,
    /// The command that does the same.
    pub(crate) command: Option<String>,
}

/// All results.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<Entry>);

impl History {
    /// Adds the newest.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.0.push_front(entry);
        self.0.truncate(KEPT);
    }

    /// All, newest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }
}

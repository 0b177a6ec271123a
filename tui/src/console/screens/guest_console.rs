//! The consoles of guests: which are open, who writes, their terminals and what of their output is kept.

use crate::console::emulator::{Emulator, ScreenSize};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

/// Consoles that stay open although nothing shows them; the one that was not shown for longest is closed first.
const OPEN_LIMIT: usize = 8;

/// Bytes of output kept for a line of scrollback.
const BYTES_PER_LINE: usize = 100;

/// Names one opening of a console: what a former one still sends is not mixed into a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConsoleId(pub(crate) u64);

/// One guest's console.
#[derive(Debug)]
pub(crate) struct GuestConsole {
    /// This opening of it.
    pub(crate) id: ConsoleId,
    /// Its terminal.
    pub(crate) emulator: Emulator,
    /// Its earlier output while somebody looks at it. It stands still; what is printed meanwhile goes to `emulator`.
    pub(crate) history: Option<Box<Emulator>>,
    /// Whether this client writes.
    pub(crate) access: Access,
    output: Output,
    /// What was typed before the answer to the wish to write.
    typed_early: Vec<u8>,
    /// What arrives is of the past: its questions are answered already.
    pub(crate) is_replaying: bool,
    /// Output was left out since the last key was typed here.
    pub(crate) has_gap: bool,
    /// Ticks since a synchronized update began that has not ended.
    pub(crate) held_ticks: u8,
}

/// Typing that waits for write access is dropped beyond this.
const EARLY_LIMIT_BYTES: usize = 4096;

impl GuestConsole {
    /// Shows `bytes`, keeps them, and returns what the terminal answers.
    pub(crate) fn feed(&mut self, bytes: Vec<u8>, scrollback_lines: usize) -> Vec<u8> {
        let answers = self.emulator.feed(&bytes);
        self.output.push(bytes, scrollback_lines * BYTES_PER_LINE);
        answers
    }

    /// Begins to look at earlier output.
    pub(crate) fn open_history(&mut self, scrollback_lines: usize) {
        if self.history.is_none() {
            let mut history = Emulator::with_scrollback(self.emulator.size(), scrollback_lines);
            self.output.chunks.iter().for_each(|chunk| drop(history.feed(chunk)));
            history.browse();
            self.history = Some(Box::new(history));
        }
    }

    /// What is shown: earlier output while somebody looks at it.
    pub(crate) fn shown(&self) -> &Emulator {
        self.history.as_deref().unwrap_or(&self.emulator)
    }

    /// As [`GuestConsole::shown`].
    pub(crate) fn shown_mut(&mut self) -> &mut Emulator {
        self.history.as_deref_mut().unwrap_or(&mut self.emulator)
    }

    /// What of `bytes` can go to the guest now. Typing waits while nobody knows who writes, and goes
    /// nowhere when it is somebody else.
    pub(crate) fn sendable(&mut self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match self.access {
            Access::Writer => Some(bytes),
            Access::Asked => {
                if self.typed_early.len() + bytes.len() <= EARLY_LIMIT_BYTES {
                    self.typed_early.extend(bytes);
                }
                None
            }
            Access::Viewer | Access::Refused | Access::Ended(_) => None,
        }
    }

    /// Takes the answer to the wish to write, and returns what was typed meanwhile.
    pub(crate) fn settle_access(&mut self, write: bool) -> Option<Vec<u8>> {
        let typed = std::mem::take(&mut self.typed_early);
        self.access = match (write, &self.access) {
            (true, _) => Access::Writer,
            (false, Access::Viewer) => Access::Viewer,
            (false, _) => Access::Refused,
        };
        (write && !typed.is_empty()).then_some(typed)
    }
}

/// The newest output as it came: a line of it takes a twentieth of what it takes in a terminal.
#[derive(Debug, Default)]
struct Output {
    chunks: VecDeque<Box<[u8]>>,
    bytes: usize,
}

/// Small pieces are put together up to this size.
const CHUNK_BYTES: usize = 4096;

impl Output {
    fn push(&mut self, bytes: Vec<u8>, limit: usize) {
        self.bytes += bytes.len();
        match self.chunks.back_mut() {
            Some(last) if last.len() + bytes.len() <= CHUNK_BYTES => {
                *last = [&**last, &bytes].concat().into_boxed_slice();
            }
            _ => self.chunks.push_back(bytes.into_boxed_slice()),
        }
        while self.chunks.len() > 1 && self.bytes - self.chunks[0].len() >= limit {
            let Some(oldest) = self.chunks.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }
}

/// Whether this client writes to a console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It looks on.
    Viewer,
    /// It asked and waits for the answer.
    Asked,
    /// It writes, and its terminal answers.
    Writer,
    /// It asked, or wrote, and somebody else writes.
    Refused,
    /// Nothing arrives any more, and why.
    Ended(String),
}

/// The consoles that are open, by guest.
#[derive(Debug, Default)]
pub(crate) struct Consoles {
    open: BTreeMap<Uuid, GuestConsole>,
    /// Guests by when their console was last shown, the latest last.
    shown: Vec<Uuid>,
    last_id: u64,
}

impl Consoles {
    /// The console of `guest`, if it is open.
    pub(crate) fn get(&self, guest: Uuid) -> Option<&GuestConsole> {
        self.open.get(&guest)
    }

    /// The console of `guest`, if it is open.
    pub(crate) fn get_mut(&mut self, guest: Uuid) -> Option<&mut GuestConsole> {
        self.open.get_mut(&guest)
    }

    /// The console whose opening is `id`, with its guest.
    pub(crate) fn by_id(&mut self, id: ConsoleId) -> Option<(Uuid, &mut GuestConsole)> {
        let found = self.open.iter_mut().find(|(_, console)| console.id == id);
        found.map(|(guest, console)| (*guest, console))
    }

    /// All consoles that are open.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut GuestConsole> {
        self.open.values_mut()
    }

    /// Notes that `guest`'s console is looked at on a screen of `size`. Returns its opening if it was not open.
    pub(crate) fn show(&mut self, guest: Uuid, size: ScreenSize, write: bool) -> Option<ConsoleId> {
        if self.shown.last() != Some(&guest) {
            self.shown.retain(|shown| *shown != guest);
            self.shown.push(guest);
        }
        if let Some(console) = self.open.get_mut(&guest) {
            console.emulator.resize(size);
            if let Some(history) = &mut console.history {
                history.resize(size);
            }
            return None;
        }
        self.last_id += 1;
        let id = ConsoleId(self.last_id);
        let console = GuestConsole {
            id,
            emulator: Emulator::new(size),
            history: None,
            access: if write { Access::Asked } else { Access::Viewer },
            output: Output::default(),
            typed_early: Vec::new(),
            is_replaying: true,
            has_gap: false,
            held_ticks: 0,
        };
        self.open.insert(guest, console);
        Some(id)
    }

    /// Closes those that were not shown for longest, beyond the limit and but for those to `keep`, and returns their
    /// openings.
    pub(crate) fn close_surplus(&mut self, keep: impl Fn(Uuid) -> bool) -> Vec<ConsoleId> {
        let idle: Vec<Uuid> = self.shown.iter().copied().filter(|guest| !keep(*guest)).collect();
        let surplus = idle.len().saturating_sub(OPEN_LIMIT);
        idle[..surplus].iter().filter_map(|guest| self.close(*guest)).collect()
    }

    /// Closes one console and returns its opening.
    pub(crate) fn close(&mut self, guest: Uuid) -> Option<ConsoleId> {
        self.shown.retain(|shown| *shown != guest);
        self.open.remove(&guest).map(|console| console.id)
    }

    /// Closes those for whose guest `keep` says no, and returns their openings.
    pub(crate) fn retain(&mut self, keep: impl Fn(Uuid) -> bool) -> Vec<ConsoleId> {
        let gone: Vec<Uuid> = self.shown.iter().copied().filter(|guest| !keep(*guest)).collect();
        gone.into_iter().filter_map(|guest| self.close(guest)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_output_is_bounded_and_the_newest() {
        let mut output = Output::default();
        for number in 0..10_000 {
            output.push(format!("line {number}\r\n").into_bytes(), 20_000);
        }
        assert!((20_000..20_000 + CHUNK_BYTES).contains(&output.bytes), "{}", output.bytes);
        assert_eq!(output.bytes, output.chunks.iter().map(|chunk| chunk.len()).sum::<usize>());
        assert!(output.chunks.back().is_some_and(|chunk| chunk.ends_with(b"line 9999\r\n")));
        output.push(vec![b'x'; 1 << 20], 20_000);
        assert_eq!(output.chunks.len(), 1, "one message is kept whole");
    }
}

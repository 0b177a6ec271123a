//! The consoles of guests: which are open, who writes, and their terminals.

use crate::console::emulator::{Emulator, ScreenSize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Consoles that stay open at once; the one that was not shown for longest is closed first.
const OPEN_LIMIT: usize = 8;

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
    /// Whether this client writes.
    pub(crate) access: Access,
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

    /// The console whose opening is `id`.
    pub(crate) fn by_id(&mut self, id: ConsoleId) -> Option<&mut GuestConsole> {
        self.open.values_mut().find(|console| console.id == id)
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
            return None;
        }
        self.last_id += 1;
        let id = ConsoleId(self.last_id);
        let console = GuestConsole {
            id,
            emulator: Emulator::new(size),
            access: if write { Access::Asked } else { Access::Viewer },
            typed_early: Vec::new(),
            is_replaying: true,
            has_gap: false,
            held_ticks: 0,
        };
        self.open.insert(guest, console);
        Some(id)
    }

    /// Closes those that were not shown for longest, beyond the limit, and returns their openings.
    pub(crate) fn close_surplus(&mut self) -> Vec<ConsoleId> {
        let surplus = self.shown.len().saturating_sub(OPEN_LIMIT);
        let closed: Vec<Uuid> = self.shown[..surplus].to_vec();
        closed.into_iter().filter_map(|guest| self.close(guest)).collect()
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

//! A drive's tray: what lies in it, and whether it may be taken out (MMC-6 clauses 6.14 and 6.42).
//!
//! ```text
//!             insert, START STOP UNIT load
//!   no disc ─────────────────────────────► disc ──┐ PREVENT ALLOW MEDIUM REMOVAL:
//!      ▲                                    │ ▲   │ eject is refused
//!      └──────── eject ─────────────────────┘ └───┘
//! ```

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::super::Initiator;
use super::super::command::Task;
use super::super::sense::Sense;

/// What is in a drive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiscState {
    /// A disc.
    Present,
    /// Nothing, and the tray is closed.
    Absent,
    /// The tray is open; a disc that was ejected by the guest still lies in it.
    TrayOpen,
}

/// Why a disc is not taken out, or put in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EjectError {
    /// The guest has locked the drive.
    #[error("The guest has locked the drive.")]
    Locked,
    /// There is one already.
    #[error("There is a disc in the drive already.")]
    Occupied,
}

/// What the guests are to be told of a drive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Happened {
    Arrived,
    Left,
}

/// The tray of a drive for discs of a type.
pub(super) struct Tray<D> {
    slot: RwLock<Slot<D>>,
    /// Who prevents removal.
    preventing: Mutex<BTreeSet<Initiator>>,
}

struct Slot<D> {
    disc: Option<D>,
    open: bool,
}

impl<D: Clone> Tray<D> {
    /// Closed, with a disc in it or none.
    pub(super) fn new(disc: Option<D>) -> Tray<D> {
        Tray { slot: RwLock::new(Slot { disc, open: false }), preventing: Mutex::default() }
    }

    pub(super) fn state(&self) -> DiscState {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        match (&slot.disc, slot.open) {
            (_, true) => DiscState::TrayOpen,
            (Some(_), false) => DiscState::Present,
            (None, false) => DiscState::Absent,
        }
    }

    /// The disc, or why there is none.
    pub(super) fn disc(&self) -> Result<D, Sense> {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        match (&slot.disc, slot.open) {
            (_, true) => Err(Sense::TRAY_OPEN),
            (Some(disc), false) => Ok(disc.clone()),
            (None, false) => Err(Sense::NO_MEDIUM),
        }
    }

    /// What lies in it, open or closed.
    pub(super) fn lying(&self) -> Option<D> {
        self.slot.read().unwrap_or_else(PoisonError::into_inner).disc.clone()
    }

    fn preventing(&self) -> MutexGuard<'_, BTreeSet<Initiator>> {
        self.preventing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_locked(&self) -> bool {
        !self.preventing().is_empty()
    }

    /// Who has locked it.
    pub(super) fn locked_by(&self) -> Vec<Initiator> {
        self.preventing().iter().copied().collect()
    }

    /// Whether the tray is out.
    pub(super) fn is_open(&self) -> bool {
        self.slot.read().unwrap_or_else(PoisonError::into_inner).open
    }

    /// As it was under the VSP before.
    pub(super) fn restore_open(&self, is_open: bool) {
        self.slot.write().unwrap_or_else(PoisonError::into_inner).open = is_open;
    }

    pub(super) fn lock_for(&self, initiator: Initiator) {
        self.preventing().insert(initiator);
    }

    /// This one needs the disc no more.
    pub(super) fn unlock_for(&self, initiator: Initiator) {
        self.preventing().remove(&initiator);
    }

    /// Nobody does.
    pub(super) fn unlock(&self) {
        self.preventing().clear();
    }

    /// A disc is put in, in place of one in an open tray, and the tray is closed.
    pub(super) fn insert(&self, disc: D) -> Result<(), EjectError> {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        if slot.disc.is_some() && !slot.open {
            return Err(EjectError::Occupied);
        }
        *slot = Slot { disc: Some(disc), open: false };
        Ok(())
    }

    /// The disc is taken out and the tray closed; a lock is broken by force. Tells whether a guest could see the disc.
    pub(super) fn eject(&self, force: bool) -> Result<bool, EjectError> {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        if slot.disc.is_some() && self.is_locked() && !force {
            return Err(EjectError::Locked);
        }
        let was_present = slot.disc.is_some() && !slot.open;
        *slot = Slot { disc: None, open: false };
        drop(slot);
        self.unlock();
        Ok(was_present)
    }

    /// Another disc, or none, lies in the tray, which is closed; a lock is broken. Tells whether a guest could see the
    /// one before.
    pub(super) fn replace(&self, disc: Option<D>) -> bool {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        let was_present = slot.disc.is_some() && !slot.open;
        *slot = Slot { disc, open: false };
        drop(slot);
        self.unlock();
        was_present
    }

    /// START STOP UNIT: LOEJ with and without START closes and opens the tray.
    pub(super) fn start_stop(&self, task: &Task<'_>) -> Result<Option<Happened>, Sense> {
        let (start, load_eject) = (task.cdb.bit(4, 0), task.cdb.bit(4, 1));
        if !load_eject {
            if start {
                self.disc()?;
            }
            return Ok(None);
        }
        if !start && self.is_locked() {
            return Err(Sense::REMOVAL_PREVENTED);
        }
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        let (was_open, has_disc) = (slot.open, slot.disc.is_some());
        slot.open = !start;
        Ok(match (was_open, start) {
            (true, true) if has_disc => Some(Happened::Arrived),
            (false, false) if has_disc => Some(Happened::Left),
            _ => None,
        })
    }

    /// PREVENT ALLOW MEDIUM REMOVAL. The persistent form is the same to us.
    pub(super) fn prevent(&self, task: &Task<'_>, initiator: Initiator) {
        match task.cdb.bit(4, 0) {
            true => self.lock_for(initiator),
            false => self.unlock_for(initiator),
        }
    }

    /// MECHANISM STATUS (MMC-6 clause 6.10): a drive without a changer.
    pub(super) fn mechanism_status(&self) -> [u8; 8] {
        const DOOR_OPEN: u8 = 0x10;
        let door = if self.state() == DiscState::TrayOpen { DOOR_OPEN } else { 0 };
        [0, door, 0, 0, 0, 0, 0, 0]
    }
}

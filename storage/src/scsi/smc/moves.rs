//! Commands that move cartridges, or would if there were anything to move (SMC-3 clauses 6.3 to 6.6 and 6.10).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::Initiator;
use super::super::Wait;
use super::super::command::{Moved, Stop, Task};
use super::super::sense::Sense;
use super::{Changer, ChangerPort, DataTransferElement, elements, load};
use crate::library::{MoveError, Place};

impl ChangerPort {
    /// MOVE MEDIUM.
    pub(super) fn move_medium(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        check_transport(task)?;
        let (from, to) = (self.place(task, 4)?, self.place(task, 6)?);
        task.may_wait(Wait::Long)?;
        self.changer.relocate((self.initiator, task.delivery), &[(from, to)])?;
        Ok(Moved::NOTHING)
    }

    /// EXCHANGE MEDIUM: the cartridge in the source goes to the first destination, what was there to the second, which
    /// may be the source.
    pub(super) fn exchange_medium(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        check_transport(task)?;
        let (from, first, second) = (self.place(task, 4)?, self.place(task, 6)?, self.place(task, 8)?);
        task.may_wait(Wait::Long)?;
        self.changer.relocate((self.initiator, task.delivery), &[(from, first), (first, second)])?;
        Ok(Moved::NOTHING)
    }

    /// POSITION TO ELEMENT: the transport is everywhere at once.
    pub(super) fn position(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        check_transport(task)?;
        self.place(task, 4)?;
        Ok(Moved::NOTHING)
    }

    /// INITIALIZE ELEMENT STATUS: what is where is always known.
    pub(super) fn initialize(&self, _: &Task<'_>) -> Result<Moved, Stop> {
        Ok(Moved::NOTHING)
    }

    /// INITIALIZE ELEMENT STATUS WITH RANGE.
    pub(super) fn initialize_range(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let (range, start) = (task.cdb.bit(1, 0), task.cdb.be16(2));
        if range && start != elements::TRANSPORT {
            self.place(task, 2)?;
        }
        Ok(Moved::NOTHING)
    }

    /// The place whose element address stands in the CDB from byte `at` on. The transport is none: it cannot hold a
    /// cartridge.
    fn place(&self, task: &Task<'_>, at: usize) -> Result<Place, Sense> {
        let address = task.cdb.be16(at);
        elements::place_at(&self.changer.library(), address).ok_or(Sense::element_field(at as u16))
    }
}

/// There is one medium transport element.
fn check_transport(task: &Task<'_>) -> Result<(), Sense> {
    match task.cdb.be16(2) {
        elements::TRANSPORT => Ok(()),
        _ => Err(Sense::element_field(2)),
    }
}

impl Changer {
    /// Moves cartridges from place to place for an initiator: all of them or none.
    ///
    /// A drive lets go before the new state is written, and gets its new cartridge afterwards. So a process may die at
    /// any moment: the next one gives each drive the cartridge that is written to be there.
    pub(super) fn carry_out(&self, by: Initiator, moves: &[(Place, Place)]) -> Result<(), Sense> {
        let is_port = |place: &Place| matches!(place, Place::Port(_));
        let through_ports = moves.iter().any(|(from, to)| is_port(from) || is_port(to));
        if through_ports && self.open.load(Ordering::Acquire) {
            return Err(Sense::MAGAZINE_NOT_ACCESSIBLE);
        }
        let mut library = self.library();
        let prepared = library.prepare(moves).map_err(|error| match error {
            MoveError::Empty(_) => Sense::SOURCE_EMPTY,
            MoveError::Full(_) => Sense::DESTINATION_FULL,
            MoveError::Nowhere(_) => Sense::INVALID_ELEMENT,
        })?;
        let drive_at = |place: Place| self.drive_at(place).map(|drive| (place, drive));
        let mut emptied: Vec<(Place, Arc<dyn DataTransferElement>)> = Vec::new();
        let mut refusal = None;
        for (place, drive) in moves.iter().filter_map(|(from, _)| drive_at(*from)) {
            match drive.unload(by) {
                Ok(()) => emptied.push((place, drive)),
                Err(_) => refusal = Some(Sense::REMOVAL_PREVENTED),
            }
        }
        if refusal.is_none()
            && let Err(error) = library.carry_out(prepared)
        {
            tracing::error!(directory = %library.directory().display(), %error, "cartridges cannot be moved");
            refusal = Some(Sense::TARGET_FAILURE);
        }
        // Where the drives are that have something else in them than before, or have it again.
        let refilled = match refusal {
            None => moves.iter().filter_map(|(_, to)| drive_at(*to)).collect(),
            Some(_) => emptied,
        };
        for (place, drive) in refilled {
            if let Some(cartridge) = library.at(place)
                && load(&*drive, &library, cartridge).is_err()
            {
                refusal = refusal.or(Some(Sense::LOAD_FAILED));
            }
        }
        refusal.map_or(Ok(()), Err)
    }
}

//! Loading, unloading, locking the door, formatting (SSC-3 clauses 7.2 and 7.4, SPC-4 clause 6.13).

use super::{Moved, Place, Sense, Stop, TapePort, Task, log};

impl TapePort {
    /// LOAD UNLOAD. To retension is nothing to do, and the end of the tape (EOT) no place to unload from.
    pub(super) fn load_unload(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let (load, at_end, hold) = (task.cdb.bit(4, 0), task.cdb.bit(4, 2), task.cdb.bit(4, 3));
        if load && at_end {
            return Err(Sense::cdb_field(4, 2).into());
        }
        let mut inner = self.inner();
        let is_locked = !inner.prevented.is_empty();
        let Some(loaded) = &mut inner.slot else { return Err(Sense::MEDIUM_NOT_PRESENT.into()) };
        if !load && !hold && is_locked {
            inner.alerts.raise(log::NO_REMOVAL);
            return Err(Sense::REMOVAL_PREVENTED.into());
        }
        // HOLD: the cartridge is in the drive, and not threaded.
        let threads = load && !hold;
        let was_threaded = std::mem::replace(&mut loaded.threaded, threads);
        loaded.place = Place::BEGINNING;
        if let Err(error) = loaded.image.flush() {
            return Err(self.unwritable(&mut inner, error).into());
        }
        drop(inner);
        if threads && !was_threaded {
            self.drive.nexuses.tell(Sense::MEDIUM_CHANGED, |other| other != self.initiator);
        }
        Ok(Moved::NOTHING)
    }

    /// PREVENT ALLOW MEDIUM REMOVAL: locked for as long as any initiator wants it.
    pub(super) fn prevent(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let mut inner = self.inner();
        match task.cdb.byte(4) {
            0 => _ = inner.prevented.remove(&self.initiator),
            1 => _ = inner.prevented.insert(self.initiator),
            _ => return Err(Sense::cdb_field(4, 1).into()),
        }
        Ok(Moved::NOTHING)
    }

    /// FORMAT MEDIUM: one partition with nothing on it, as always.
    pub(super) fn format_medium(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        if task.cdb.byte(2) & 0x0f != 0 {
            return Err(Sense::cdb_field(2, 3).into());
        }
        if task.cdb.be16(3) != 0 {
            return Err(Sense::cdb_field(3, 7).into());
        }
        let mut inner = self.inner();
        if inner.loaded()?.place.object != 0 {
            return Err(Sense::PAST_BEGINNING.into());
        }
        self.check_writable(&mut inner)?;
        self.cut(&mut inner)
    }
}

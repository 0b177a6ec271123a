//! Disks that several guests have at once (SHARE=YES, hpvm.md 6.6): the store is opened and locked once, and each guest is
//! an initiator of its own at the one unit, so that reservations hold between them.
//!
//! Whether guests may share a store is decided by others and told here; a store that is not shared is opened anew, which
//! its own lock then forbids.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::identity::Identity;
use crate::scsi::{Disk, Initiator, WeakDisk};
use crate::statement::StorageStatement;

/// The disks that a process has open.
#[derive(Default)]
pub struct OpenDisks(Mutex<State>);

#[derive(Default)]
struct State {
    open: Vec<(Identity, WeakDisk)>,
    shared: BTreeSet<Identity>,
}

impl OpenDisks {
    /// None yet.
    pub const fn new() -> OpenDisks {
        OpenDisks(Mutex::new(State { open: Vec::new(), shared: BTreeSet::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on guests may have the storage of this statement together, or may not. Those that have it keep it.
    pub fn set_shared(&self, statement: &StorageStatement, is_shared: bool) {
        let Some(identity) = identity(statement) else { return };
        let mut state = self.state();
        match is_shared {
            true => state.shared.insert(identity),
            false => state.shared.remove(&identity),
        };
    }

    /// The disk of this statement as `initiator` sees it, if it is open, shared, and not this initiator's already;
    /// otherwise what `open` opens. Nobody else opens meanwhile.
    pub(crate) fn join_or<E>(
        &self,
        statement: &StorageStatement,
        initiator: Initiator,
        open: impl FnOnce() -> Result<Disk, E>,
    ) -> Result<Disk, E> {
        let identity = identity(statement);
        let mut state = self.state();
        state.open.retain(|(_, disk)| disk.is_open());
        let is_this = |known: &Identity| identity.as_ref() == Some(known);
        if state.shared.iter().any(is_this)
            && let Some((_, disk)) = state.open.iter().find(|(known, _)| is_this(known))
            && let Some(disk) = disk.join(initiator)
        {
            return Ok(disk);
        }
        let disk = open()?;
        state.open.extend(identity.map(|identity| (identity, disk.downgrade())));
        Ok(disk)
    }
}

fn identity(statement: &StorageStatement) -> Option<Identity> {
    Some(Identity::of(&std::fs::metadata(statement.location()).ok()?))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::unit::{self, Claim, Unit};

    #[test]
    fn a_store_is_opened_once_for_those_who_may_share_it() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("disk"), directory.path().join("link"));
        std::fs::write(&path, [0; 4096]).unwrap();
        std::fs::hard_link(&path, &link).unwrap();
        let disks = OpenDisks::new();
        let statement = |path: &std::path::Path| -> StorageStatement {
            format!("disk:avio_stor::file:{}", path.display()).parse().unwrap()
        };
        let open = |path: &std::path::Path, guest: u128| -> Result<Unit, String> {
            let claim = Claim { initiator: Initiator(Uuid::from_u128(guest)), ..Claim::default() };
            unit::open_among(&disks, &statement(path), claim).map_err(|error| error.to_string())
        };
        let is_refused =
            |path: &std::path::Path, guest| open(path, guest).is_err_and(|e| e.ends_with("is in use."));
        let first = open(&path, 1).unwrap();
        assert!(is_refused(&path, 2));
        disks.set_shared(&statement(&path), true);
        let second = open(&link, 2).unwrap();
        assert!(is_refused(&path, 1), "a guest has it once");
        // It stays the same disk when the guest that opened it has gone.
        drop(first);
        let third = open(&path, 3).unwrap();
        assert!(unit::open(&statement(&path), Claim::default()).is_err(), "it is locked against others");
        disks.set_shared(&statement(&path), false);
        assert!(is_refused(&path, 4));
        drop((second, third));
        open(&path, 4).unwrap();
    }
}

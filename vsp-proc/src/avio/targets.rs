//! The targets behind one adapter.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use storage::scsi::{Sense, StatisticsSnapshot, Target};

use super::virtio_scsi::MAX_TARGET;

/// The targets of an adapter by their number, 0 to 127. Shared: the VSP adds and removes while guests use them.
#[derive(Default)]
pub struct Targets {
    by_number: RwLock<BTreeMap<u8, Arc<dyn Target>>>,
}

/// Why a target was not added.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TargetError {
    /// Past the last number.
    #[error("target {0} is not in 0-{MAX_TARGET}")]
    Number(u8),
    /// There is one already.
    #[error("target {0} exists already")]
    Taken(u8),
}

impl Targets {
    /// No targets.
    pub fn new() -> Targets {
        Targets::default()
    }

    /// Adds a target.
    pub fn insert(&self, number: u8, target: Arc<dyn Target>) -> Result<(), TargetError> {
        if number > MAX_TARGET {
            return Err(TargetError::Number(number));
        }
        let mut by_number = self.by_number.write().unwrap_or_else(PoisonError::into_inner);
        match by_number.entry(number) {
            std::collections::btree_map::Entry::Occupied(_) => Err(TargetError::Taken(number)),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(target);
                Ok(())
            }
        }
    }

    /// Removes a target. Commands it is executing keep it alive until they end.
    pub fn remove(&self, number: u8) -> Option<Arc<dyn Target>> {
        self.by_number.write().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }

    /// The target with this number.
    pub fn get(&self, number: u8) -> Option<Arc<dyn Target>> {
        self.by_number.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    /// The counters of all targets.
    pub fn statistics(&self) -> Vec<(u8, StatisticsSnapshot)> {
        let by_number = self.by_number.read().unwrap_or_else(PoisonError::into_inner);
        by_number.iter().map(|(number, target)| (*number, target.statistics())).collect()
    }

    /// Those whose storage was resized since last asked, and the unit attention that says so.
    pub(super) fn notice_resizes(&self) -> Vec<(u8, Sense)> {
        let by_number = self.by_number.read().unwrap_or_else(PoisonError::into_inner);
        by_number.iter().filter_map(|(number, target)| Some((*number, target.notice_resize()?))).collect()
    }

    /// All targets.
    pub(super) fn all(&self) -> Vec<Arc<dyn Target>> {
        self.by_number.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

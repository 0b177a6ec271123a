//! Which processors can still do something: a machine none of whose processors can has reached its end.

use std::sync::{Mutex, PoisonError};

/// What a processor is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It executes, or will when an interrupt comes.
    Running,
    /// It waits for another processor to wake it.
    Waiting,
    /// It never does anything again.
    Dead,
}

/// The activity of every processor.
pub(super) struct Activities(Mutex<Vec<Activity>>);

impl Activities {
    pub(super) fn new(processors: usize) -> Activities {
        Activities(Mutex::new(vec![Activity::Running; processors]))
    }

    /// Processor `number` changes over; says whether nobody runs any more.
    pub(super) fn set(&self, number: usize, activity: Activity) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all[number] = activity;
        all.iter().all(|activity| *activity != Activity::Running)
    }

    /// That of every processor.
    pub(super) fn all(&self) -> Vec<Activity> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// After a reset everybody runs.
    pub(super) fn reset(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(Activity::Running);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_running_processor_to_die_ends_the_machine() {
        let activities = Activities::new(3);
        assert!(!activities.set(2, Activity::Waiting));
        assert!(!activities.set(0, Activity::Dead));
        assert!(activities.set(1, Activity::Dead));
        activities.reset();
        assert!(!activities.set(1, Activity::Dead));
    }
}

//! Unit attention conditions (SPC-4 clause 5.14): what has happened to a unit that an initiator has not been told yet.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Completion, Execution, Initiator, Sense, sense::Key};

/// Conditions waiting to be reported, oldest first, each once.
#[derive(Default)]
pub(crate) struct Attentions {
    pending: Mutex<Vec<Sense>>,
    changed: Arc<AtomicBool>,
}

impl Attentions {
    fn locked(&self) -> MutexGuard<'_, Vec<Sense>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn establish(&self, sense: Sense) {
        let mut pending = self.locked();
        if !pending.contains(&sense) {
            pending.push(sense);
            self.changed.store(true, Ordering::Release);
        }
    }

    pub(crate) fn are_pending(&self) -> bool {
        !self.locked().is_empty()
    }

    pub(crate) fn take(&self) -> Option<Sense> {
        let mut pending = self.locked();
        if pending.is_empty() {
            return None;
        }
        self.changed.store(true, Ordering::Release);
        Some(pending.remove(0))
    }

    /// All of them, which stay.
    pub(super) fn pending(&self) -> Vec<Sense> {
        self.locked().clone()
    }
}

/// Whether a command was answered with one. It may be that the answer does not arrive; whoever writes down what is pending
/// waits until the initiator has shown that it did, and tells it twice rather than never.
pub(super) fn is_told(execution: &Execution) -> bool {
    let Execution::Done(Completion { sense: Some(sense), .. }) = execution else { return false };
    sense.key() == Key::UnitAttention
}

/// The initiators of a unit that several have, each with what it is to be told.
#[derive(Default)]
pub(crate) struct Nexuses {
    joined: Mutex<Vec<(Initiator, Weak<Attentions>)>>,
    changed: Arc<AtomicBool>,
}

impl Nexuses {
    fn locked(&self) -> MutexGuard<'_, Vec<(Initiator, Weak<Attentions>)>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more; it is told of things for as long as the result lives.
    pub(crate) fn join(&self, initiator: Initiator) -> Arc<Attentions> {
        let attentions =
            Arc::new(Attentions { pending: Mutex::default(), changed: Arc::clone(&self.changed) });
        self.locked().push((initiator, Arc::downgrade(&attentions)));
        self.note_change();
        attentions
    }

    /// Is there an initiator of which this is true?
    pub(crate) fn any(&self, is_meant: impl Fn(Initiator) -> bool) -> bool {
        let joined = self.locked();
        joined.iter().any(|(initiator, attentions)| attentions.strong_count() > 0 && is_meant(*initiator))
    }

    /// One less.
    pub(super) fn leave(&self, attentions: &Arc<Attentions>) {
        self.locked().retain(|(_, other)| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(attentions)));
        self.note_change();
    }

    /// Each with what it has not been told yet.
    pub(super) fn pending(&self) -> Vec<(Initiator, Vec<Sense>)> {
        let joined = self.locked();
        joined
            .iter()
            .filter_map(|(initiator, attentions)| Some((*initiator, attentions.upgrade()?.pending())))
            .collect()
    }

    /// Tells the initiators `whom` is true of.
    pub(crate) fn tell(&self, sense: Sense, whom: impl Fn(Initiator) -> bool) {
        self.locked().retain(|(initiator, attentions)| match attentions.upgrade() {
            Some(attentions) => {
                if whom(*initiator) {
                    attentions.establish(sense);
                }
                true
            }
            None => false,
        });
    }

    /// Something has changed that is to be written down: who there is, what they are to be told, or of the unit itself.
    pub(super) fn note_change(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// Whether anything has since this was asked last.
    pub(super) fn have_changed(&self) -> bool {
        // Asked for each command, and mostly in vain.
        self.changed.load(Ordering::Relaxed) && self.changed.swap(false, Ordering::AcqRel)
    }
}

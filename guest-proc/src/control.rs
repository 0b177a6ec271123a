//! How a machine ends: whoever decides it says so here, and every vCPU thread looks here when it is asked to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Why a machine stopped running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The guest switched itself off.
    PowerOff,
    /// The guest, or the operator, asked for a reset.
    Reset,
    /// The guest cannot go on; the text says why.
    Fatal(String),
    /// The operator stopped it.
    Stopped,
}

type Waker = Box<dyn Fn() + Send>;

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    wakers: Vec<Waker>,
}

/// The fate of one machine from its start to its end.
#[derive(Default)]
pub struct Control {
    ended: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the machine with `outcome`, unless it has ended already, and wakes every vCPU.
    pub fn end(&self, outcome: Outcome) {
        let mut state = self.state();
        if state.outcome.is_none() {
            state.outcome = Some(outcome);
            self.ended.store(true, Ordering::Release);
            self.changed.notify_all();
        }
        for wake in &state.wakers {
            wake();
        }
    }

    /// Adds something to call when the machine ends.
    pub fn on_end(&self, wake: impl Fn() + Send + 'static) {
        self.state().wakers.push(Box::new(wake));
    }

    /// Has the machine ended?
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.state().outcome.clone()
    }

    /// Waits for the end.
    pub fn wait(&self) -> Outcome {
        let mut state = self.state();
        loop {
            if let Some(outcome) = &state.outcome {
                return outcome.clone();
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the end, but no longer than `limit`.
    pub fn wait_for(&self, limit: Duration) -> Option<Outcome> {
        let state = self.state();
        let running = |state: &mut State| state.outcome.is_none();
        let (state, _) =
            self.changed.wait_timeout_while(state, limit, running).unwrap_or_else(PoisonError::into_inner);
        state.outcome.clone()
    }

    /// The machine starts anew after a reset: no outcome, nobody to wake.
    pub fn restart(&self) {
        let mut state = self.state();
        *state = State::default();
        self.ended.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn the_first_end_counts_and_everybody_is_woken() {
        let (control, woken) = (Control::default(), Arc::new(AtomicU32::new(0)));
        let counter = woken.clone();
        control.on_end(move || _ = counter.fetch_add(1, Ordering::Relaxed));
        assert!(!control.has_ended());
        control.end(Outcome::Reset);
        control.end(Outcome::PowerOff);
        assert_eq!((control.wait(), woken.load(Ordering::Relaxed)), (Outcome::Reset, 2));
        control.restart();
        assert_eq!((control.has_ended(), control.outcome()), (false, None));
    }
}

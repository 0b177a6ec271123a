//! Keeps writes away from a command that must have the medium for itself: COMPARE AND WRITE, which is atomic, and
//! PREEMPT AND ABORT, after which no write of the preempted may be under way.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Any number of writers, or one that is alone.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    writers: usize,
    alone: bool,
    /// Somebody waits to be alone: new writers wait behind it.
    waiting: usize,
}

/// Leave to write, given back when dropped.
pub(super) struct Pass {
    gate: Arc<Gate>,
    alone: bool,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leave to write beside others; `None` when that would have to be waited for.
    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Pass> {
        let mut state = self.state();
        if state.alone || state.waiting > 0 {
            return None;
        }
        state.writers += 1;
        Some(Pass { gate: Arc::clone(self), alone: false })
    }

    /// Leave to write beside others.
    pub(super) fn enter(self: &Arc<Self>) -> Pass {
        let mut state = self.state();
        while state.alone || state.waiting > 0 {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writers += 1;
        Pass { gate: Arc::clone(self), alone: false }
    }

    /// Leave to write while nobody else does.
    pub(super) fn enter_alone(self: &Arc<Self>) -> Pass {
        let mut state = self.state();
        state.waiting += 1;
        while state.alone || state.writers > 0 {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        state.alone = true;
        Pass { gate: Arc::clone(self), alone: true }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        if self.alone {
            state.alone = false;
        } else {
            state.writers -= 1;
        }
        let anybody_waits = self.alone || (state.writers == 0 && state.waiting > 0);
        drop(state);
        if anybody_waits {
            self.gate.moved.notify_all();
        }
    }
}

#[test]
fn one_that_is_alone_waits_for_writers_and_keeps_new_ones_out() {
    let gate = Arc::new(Gate::default());
    let (one, two) = (gate.enter(), gate.try_enter().unwrap());
    let (sender, alone) = std::sync::mpsc::channel();
    let other = Arc::clone(&gate);
    let thread = std::thread::spawn(move || sender.send(other.enter_alone()).unwrap());
    while gate.state().waiting == 0 {
        std::thread::yield_now();
    }
    assert!(gate.try_enter().is_none() && alone.try_recv().is_err());
    drop((one, two));
    let pass = alone.recv().unwrap();
    thread.join().unwrap();
    assert!(gate.try_enter().is_none());
    drop(pass);
    drop(gate.enter());
}

//! Threads for requests that have to wait for the host, as many as requests are waiting at once, up to a limit. A thread
//! without work ends after a while.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::chain::Chain;
use super::engine::Engine;
use super::request::answer_patiently;
use super::ring::Ring;

/// Most requests of an adapter that wait in threads at once. Further ones stay in their rings.
const MAX_THREADS: usize = 32;
/// How long a thread waits for another request.
const REST: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    /// Threads that are executing a request.
    busy: usize,
    /// A ring was left alone because all threads were busy.
    starved: bool,
    stopping: bool,
}

struct Job {
    ring: Arc<Ring>,
    chain: Chain,
}

impl State {
    fn is_full(&self) -> bool {
        self.busy + self.jobs.len() >= MAX_THREADS
    }
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing more should be taken from rings now. They are nudged when that is over.
    pub(super) fn is_full(&self) -> bool {
        let mut state = self.state();
        state.starved |= state.is_full();
        state.is_full()
    }

    /// Has a request executed and returned to its ring.
    pub(super) fn give(&self, engine: &Arc<Engine>, ring: &Arc<Ring>, chain: Chain) {
        let mut state = self.state();
        state.jobs.push_back(Job { ring: Arc::clone(ring), chain });
        if state.jobs.len() + state.busy <= state.threads {
            drop(state);
            return self.moved.notify_one();
        }
        if state.threads >= MAX_THREADS {
            return;
        }
        state.threads += 1;
        drop(state);
        let Err(error) = engine.spawn("wait", |engine| engine.pool.work(engine)) else { return };
        tracing::warn!(%error, "no further thread for I/O");
        let mut state = self.state();
        state.threads -= 1;
        // Without any thread the caller has to do it.
        let job = if state.threads == 0 { state.jobs.pop_back() } else { None };
        drop(state);
        if let Some(job) = job {
            job.run(engine);
        }
    }

    /// Ends the threads that have nothing to do; the others follow when they have not.
    pub(super) fn stop(&self) {
        self.state().stopping = true;
        self.moved.notify_all();
    }

    fn work(&self, engine: &Arc<Engine>) {
        while let Some(job) = self.next() {
            job.run(engine);
            let mut state = self.state();
            state.busy -= 1;
            let was_starved = std::mem::take(&mut state.starved);
            drop(state);
            if was_starved {
                engine.request_rings().iter().for_each(|ring| ring.nudge());
            }
        }
    }

    /// The next job; nothing when there is none for long, or none to come.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        let mut rested = false;
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.busy += 1;
                return Some(job);
            }
            if rested || state.stopping {
                state.threads -= 1;
                return None;
            }
            let (guard, timeout) =
                self.moved.wait_timeout(state, REST).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            rested = timeout.timed_out();
        }
    }
}

impl Job {
    fn run(self, engine: &Engine) {
        let written = answer_patiently(&self.chain, &engine.targets);
        self.ring.complete(&self.chain, written);
    }
}

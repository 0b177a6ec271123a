//! Threads for requests that have to wait for the host, as many as requests are waiting at once, up to a limit. A thread
//! without work ends after a while.
//!
//! A worker that has more large copies before it than it can make alone lends some to a thread. To wake one takes as long
//! as a copy, so the thread then looks for another one for a while before it sleeps.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::chain::Chain;
use super::engine::Engine;
use super::request::answer_patiently;
use super::ring::Ring;

/// Most requests of an adapter that wait in threads at once. Further ones stay in their rings.
const MAX_THREADS: usize = 32;
/// How long a thread waits for another request.
const REST: Duration = Duration::from_secs(10);
/// How long a thread looks for another loan: a few copies.
const LOOK: Duration = Duration::from_micros(64);

#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    moved: Condvar,
    /// As many as `state.jobs`, for threads that look.
    queued: AtomicUsize,
    /// Threads that look for a job and need not be woken.
    looking: AtomicUsize,
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
    is_loan: bool,
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

    /// Has a request executed that must wait, and returned to its ring.
    pub(super) fn give(&self, engine: &Arc<Engine>, ring: &Arc<Ring>, chain: Chain) {
        self.put(engine, Job { ring: Arc::clone(ring), chain, is_loan: false });
    }

    /// Has a request executed that need not wait, if a thread has nothing else to do; otherwise returns it.
    pub(super) fn lend(&self, engine: &Arc<Engine>, ring: &Arc<Ring>, chain: Chain) -> Option<Chain> {
        if self.queued.load(Ordering::Relaxed) > 0 {
            return Some(chain);
        }
        if self.looking.load(Ordering::Relaxed) == 0 && self.state().busy > 0 {
            return Some(chain);
        }
        self.put(engine, Job { ring: Arc::clone(ring), chain, is_loan: true });
        None
    }

    fn put(&self, engine: &Arc<Engine>, job: Job) {
        let mut state = self.state();
        state.jobs.push_back(job);
        self.queued.store(state.jobs.len(), Ordering::Relaxed);
        if state.jobs.len() + state.busy <= state.threads {
            // Who looks will look once more before it sleeps, with the lock held.
            let must_wake = state.jobs.len() > self.looking.load(Ordering::Relaxed);
            drop(state);
            if must_wake {
                self.moved.notify_one();
            }
            return;
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
        self.queued.store(state.jobs.len(), Ordering::Relaxed);
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
        let mut looks = false;
        while let Some(job) = self.next(looks) {
            looks = job.is_loan;
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

    /// Looks for a job to be taken, until there is one or it no longer pays.
    fn look(&self) {
        self.looking.fetch_add(1, Ordering::Relaxed);
        let begin = Instant::now();
        while self.queued.load(Ordering::Relaxed) == 0 && begin.elapsed() < LOOK {
            std::hint::spin_loop();
        }
        self.looking.fetch_sub(1, Ordering::Relaxed);
    }

    /// The next job; nothing when there is none for long, or none to come.
    fn next(&self, looks: bool) -> Option<Job> {
        if looks {
            self.look();
        }
        let mut state = self.state();
        let mut rested = false;
        loop {
            if let Some(job) = state.jobs.pop_front() {
                self.queued.store(state.jobs.len(), Ordering::Relaxed);
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

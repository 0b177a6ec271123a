//! More virtual processors than the host has: they take turns.
//!
//! A virtual processor runs only while it has one of as many seats as the host has processors. The host could share its
//! time among all the threads by itself, but it does not know who waits for whom: a processor that purges translations
//! of all others, or spins for a lock, would wait for one that the host has set aside for milliseconds. One that waits
//! for a seat here is *away* ([`ia64::link`]), and nobody waits for it.
//!
//! A seat that is handed over brings its place: one of the host's processors. Left to itself the host puts a thread that
//! is woken beside the one that woke it, and another processor stays idle.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use ia64::link::Cluster;
use rustix::thread::{CpuSet, Pid, gettid, sched_getaffinity, sched_setaffinity};
use tracing::debug;

/// Instructions until a processor gives up its seat while others wait for one: one to two milliseconds.
const SLICE: u64 = 500_000;
/// Instructions until it has a look at what the rest of the machine wants, otherwise.
const BUDGET: u64 = 4_000_000;

/// How many host processors this process may use, as the host said when it was first asked.
pub(crate) fn host_processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, |n| n.get()))
}

/// The seats and who waits for one.
pub(super) struct Turns {
    cluster: Arc<Cluster>,
    /// Where this process may run.
    host: CpuSet,
    /// Whether there are enough seats for all, always.
    plenty: bool,
    state: Mutex<State>,
    /// One for each virtual processor.
    granted: Vec<Condvar>,
}

/// One seat: the host processor it is at, where seats have one.
type Place = Option<usize>;

struct State {
    free: Vec<Place>,
    waiting: VecDeque<Waiting>,
    /// Oldest first.
    seated: VecDeque<Seated>,
    /// The place each virtual processor's thread is bound to.
    bound: Vec<Place>,
}

struct Waiting {
    number: usize,
    thread: Pid,
}

struct Seated {
    number: usize,
    thread: Pid,
    place: Place,
}

/// A seat; dropping it gives it to the one who has waited longest.
pub(super) struct Seat<'a> {
    turns: &'a Turns,
    number: usize,
}

impl State {
    /// Sees to it that each of those who run is at its own place: one that sat down while there was room enough may be
    /// at another's.
    fn bind_all(&mut self) {
        for seated in &self.seated {
            let bound = std::mem::replace(&mut self.bound[seated.number], seated.place);
            if let Some(place) = seated.place
                && bound != seated.place
            {
                let mut one = CpuSet::new();
                one.set(place);
                bind(Some(seated.thread), &one);
            }
        }
    }
}

impl Turns {
    /// As many seats as this process may use host processors.
    pub(super) fn new(cluster: Arc<Cluster>) -> Turns {
        Turns::with_seats(cluster, host_processors())
    }

    fn with_seats(cluster: Arc<Cluster>, seats: usize) -> Turns {
        let processors = cluster.links().len();
        let host = sched_getaffinity(None).unwrap_or_default();
        let places: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|place| host.is_set(*place)).collect();
        // Where the process has a share of more processors the host alone can tell which of them are free.
        let free = match places.len() == seats {
            true => places.into_iter().map(Some).collect(),
            false => vec![None; seats],
        };
        Turns {
            plenty: processors <= seats,
            state: Mutex::new(State {
                free,
                waiting: VecDeque::new(),
                seated: VecDeque::new(),
                bound: vec![None; processors],
            }),
            granted: (0..processors).map(|_| Condvar::new()).collect(),
            host,
            cluster,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for virtual processor `number`'s turn.
    pub(super) fn take(&self, number: usize) -> Seat<'_> {
        let seat = Seat { turns: self, number };
        if self.plenty {
            return seat;
        }
        let mut state = self.lock();
        if let Some(place) = state.free.pop() {
            state.seated.push_back(Seated { number, thread: gettid(), place });
            // Not crowded: the host may balance as it likes.
            if state.bound[number].take().is_some() {
                bind(None, &self.host);
            }
            return seat;
        }
        if state.waiting.is_empty() {
            self.cluster.set_crowded(true);
            // Whoever sat down before did not expect to have to share.
            if let Some(oldest) = state.seated.front() {
                self.cluster.links()[oldest.number].kick();
            }
        }
        state.waiting.push_back(Waiting { number, thread: gettid() });
        while !state.seated.iter().any(|seated| seated.number == number) {
            state = self.granted[number].wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        seat
    }
}

impl Seat<'_> {
    /// How many instructions the processor may run before it gives up the seat.
    pub(super) fn budget(&self) -> u64 {
        if self.turns.cluster.is_crowded() { SLICE } else { BUDGET }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let turns = self.turns;
        if turns.plenty {
            return;
        }
        let mut state = turns.lock();
        let Some(at) = state.seated.iter().position(|seated| seated.number == self.number) else { return };
        let place = state.seated.remove(at).and_then(|seated| seated.place);
        let Some(next) = state.waiting.pop_front() else {
            state.free.push(place);
            return;
        };
        state.seated.push_back(Seated { number: next.number, thread: next.thread, place });
        state.bind_all();
        if state.waiting.is_empty() {
            turns.cluster.set_crowded(false);
        }
        // Not before the lock is free: on the same host processor the other would only run into it.
        drop(state);
        turns.granted[next.number].notify_one();
    }
}

/// Says where a thread of this process runs (`None`: this one). A host that refuses it only costs speed.
fn bind(thread: Option<Pid>, to: &CpuSet) {
    if let Err(error) = sched_setaffinity(thread, to) {
        debug!(%error, "a virtual processor's thread cannot be bound");
    }
}
#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn never_more_run_than_there_are_seats_and_everybody_does() {
        const SEATS: usize = 2;
        let cluster = Cluster::new(5);
        let turns = Turns::with_seats(cluster.clone(), SEATS);
        let running = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for number in 0..5 {
                let (turns, running) = (&turns, &running);
                scope.spawn(move || {
                    for _ in 0..1000 {
                        let _seat = turns.take(number);
                        assert!(running.fetch_add(1, Ordering::SeqCst) < SEATS);
                        running.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(!cluster.is_crowded());
    }

    #[test]
    fn who_keeps_its_seat_is_kicked_when_others_wait() {
        let cluster = Cluster::new(2);
        let turns = Turns::with_seats(cluster.clone(), 1);
        let seat = turns.take(0);
        std::thread::scope(|scope| {
            scope.spawn(|| drop(turns.take(1)));
            // What a processor does that runs: it looks for kicks.
            while !cluster.links()[0].take_kick() {
                std::thread::yield_now();
            }
            assert!(cluster.is_crowded());
            drop(seat);
        });
        assert!(!cluster.is_crowded());
    }

    #[test]
    fn with_seats_for_all_nobody_is_asked_to_get_up() {
        let cluster = Cluster::new(2);
        let turns = Turns::with_seats(cluster.clone(), 2);
        let _seats = (turns.take(0), turns.take(1));
        assert!(!cluster.is_crowded() && !cluster.links()[0].take_kick());
    }
}

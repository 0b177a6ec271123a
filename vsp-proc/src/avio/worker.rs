//! A thread that serves rings: takes requests, answers those that need no waiting, hands on the others, and returns what
//! the kernel has done meanwhile.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use storage::backing::Patience;
use storage::scsi::{Target, Wait};

use super::chain::Chain;
use super::control;
use super::engine::{COMPLETIONS, Desk, Engine, Io, STOP};
use super::poller::Poller;
use super::request::{Outcome, Request, refuse};
use super::ring::Ring;
use super::uring::Uring;
use super::virtio_scsi::{CONTROL_QUEUE, EVENT_QUEUE};

/// Requests begun before the kernel is told of them.
const BATCH: usize = 16;
/// Requests of a ring taken before others have their turn.
const TURN: usize = 64;
/// Turns of the rings at hand before it is looked whether there are more.
const ROUNDS: usize = 64;
/// Reads that are worth another processor's time, in bytes.
const LARGE: u64 = 64 << 10;
/// So many of them found in the host's cache, one after the other, and the next ones will be: it is more than the host
/// reads ahead of one who reads from a disk.
const STREAM: u32 = 512;

/// A request the kernel is working on.
pub(super) struct Flight {
    pub(super) ring: Arc<Ring>,
    pub(super) chain: Chain,
    pub(super) target: Arc<dyn Target>,
}

struct Worker<'a> {
    engine: &'a Arc<Engine>,
    uring: Option<Uring>,
    /// Large reads in a row that the host's cache had, up to [`STREAM`].
    cached: u32,
    /// Whether the host has a processor for a second thread.
    may_lend: bool,
}

/// Whether a ring has something to be done when it has something in it, often enough to look for that.
fn is_polled(ring: &Ring) -> bool {
    ![CONTROL_QUEUE, EVENT_QUEUE].contains(&ring.index())
}

/// Serves the rings of a desk until the adapter stops.
pub(super) fn work(engine: &Arc<Engine>, desk: &Desk) {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let mut worker = Worker { engine, uring: uring(engine, desk), cached: 0, may_lend: processors > 1 };
    let mut poller = Poller::new(processors);
    let mut events = Vec::with_capacity(8);
    loop {
        events.clear();
        let slept = Instant::now();
        match epoll::wait(&desk.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "cannot wait for kicks");
                return;
            }
        }
        poller.has_slept(slept.elapsed());
        let mut rings = Vec::new();
        for event in &events {
            match event.data.u64() {
                STOP => return,
                COMPLETIONS => {}
                index => rings.extend(u16::try_from(index).ok().and_then(|index| engine.ring(index))),
            }
        }
        worker.serve_until_idle(rings, &poller);
    }
}

/// The kernel's asynchronous I/O, announced at the worker's desk; nothing where the host refuses it.
fn uring(engine: &Engine, desk: &Desk) -> Option<Uring> {
    if engine.io == Io::Threads {
        return None;
    }
    let made = Uring::new().and_then(|uring| {
        epoll::add(&desk.epoll, &uring, EventData::new_u64(COMPLETIONS), EventFlags::IN)?;
        Ok(uring)
    });
    match made {
        Ok(uring) => Some(uring),
        Err(error) => {
            tracing::debug!(%error, "no io_uring: I/O is done by threads");
            None
        }
    }
}

impl Worker<'_> {
    /// Serves these rings, and those of requests that come back, until there is nothing to be done and the drivers have
    /// been asked to kick; or until it is time to look for other rings.
    fn serve_until_idle(&mut self, mut rings: Vec<Arc<Ring>>, poller: &Poller) {
        for _ in 0..ROUNDS {
            rings.iter().for_each(|ring| self.serve(ring));
            self.land(&mut rings);
            let uring = &self.uring;
            let is_full = self.engine.pool.is_full();
            let found = poller.look(|| {
                uring.as_ref().is_some_and(Uring::has_landed)
                    || (!is_full && rings.iter().any(|ring| is_polled(ring) && ring.has_more()))
            });
            if !found && !self.listen(&rings) {
                return;
            }
        }
        rings.iter().for_each(|ring| ring.nudge());
    }

    /// Asks for kicks. Whether there is something to be done already.
    fn listen(&self, rings: &[Arc<Ring>]) -> bool {
        // Buffers for events lie in their ring until there are events.
        let asked = rings.iter().filter(|ring| ring.index() != EVENT_QUEUE);
        let has_more = asked.fold(false, |has_more, ring| ring.listen() | has_more);
        // What must stay in the rings for now will be nudged.
        has_more && !self.engine.pool.is_full()
    }

    fn serve(&mut self, ring: &Arc<Ring>) {
        match ring.index() {
            EVENT_QUEUE => self.engine.events.deliver(ring),
            CONTROL_QUEUE => {
                while let Some(chain) = ring.take() {
                    let requests = self.engine.request_rings();
                    ring.complete(&chain, control::execute(&chain, &requests, &self.engine.targets));
                }
            }
            _ => self.serve_requests(ring),
        }
    }

    fn serve_requests(&mut self, ring: &Arc<Ring>) {
        // We look at the ring again before we sleep: no kicks meanwhile.
        ring.hush();
        let mut begun = 0;
        for _ in 0..TURN {
            if self.engine.pool.is_full() {
                break;
            }
            let Some(chain) = ring.take() else { break };
            begun += usize::from(self.start(ring, chain));
            if begun >= BATCH {
                begun = 0;
                self.submit();
            }
        }
        if begun > 0 {
            self.submit();
        }
    }

    /// Executes a request or hands it on; whether the kernel has to be told of it.
    fn start(&mut self, ring: &Arc<Ring>, chain: Chain) -> bool {
        let Some(chain) = self.lend(ring, chain) else { return false };
        let Ok(request) = Request::parse(&chain) else {
            ring.complete(&chain, refuse(&chain));
            return false;
        };
        let targets = &self.engine.targets;
        let mut outcome = request.execute(targets, Patience::Immediate);
        if chain.writable().len_bytes() >= LARGE {
            let is_cached = matches!(outcome, Outcome::Answered(_));
            self.cached = if is_cached { (self.cached + 1).min(STREAM) } else { 0 };
        }
        let may_begin = match outcome {
            Outcome::MustWait(Wait::Brief) => true,
            Outcome::MustWait(Wait::Long) => self.uring.as_ref().is_some_and(Uring::has_room),
            Outcome::Answered(_) | Outcome::Begun(..) => false,
        };
        if may_begin {
            outcome = request.execute(targets, Patience::Handover);
        }
        match (outcome, &mut self.uring) {
            (Outcome::Answered(written), _) => ring.complete(&chain, written),
            (Outcome::Begun(target, begun), Some(uring)) => {
                let flight = Flight { ring: Arc::clone(ring), chain, target };
                match uring.take_off(flight, begun) {
                    Ok(()) => return true,
                    Err(flight) => self.engine.pool.give(self.engine, ring, flight.chain),
                }
            }
            _ => self.engine.pool.give(self.engine, ring, chain),
        }
        false
    }

    /// Gives a large read of a stream that comes from the host's cache to another thread, if there is another one to be
    /// done meanwhile.
    fn lend(&self, ring: &Arc<Ring>, chain: Chain) -> Option<Chain> {
        let is_worth_it = self.may_lend
            && self.cached == STREAM
            && chain.writable().len_bytes() >= LARGE
            && ring.has_more();
        if is_worth_it { self.engine.pool.lend(self.engine, ring, chain) } else { Some(chain) }
    }

    fn submit(&mut self) {
        if let Some(uring) = &mut self.uring
            && let Err(error) = uring.submit()
        {
            // What was not taken is taken with the next ones.
            tracing::debug!(%error, "kernel did not take requests");
        }
    }

    /// Returns what the kernel has done, and notes in whose rings.
    fn land(&mut self, rings: &mut Vec<Arc<Ring>>) {
        let Some(uring) = &mut self.uring else { return };
        while let Some((flight, begun, result)) = uring.land() {
            let execution = flight.target.finish(begun, result);
            let answered = match Request::parse(&flight.chain) {
                Ok(request) => request.answer(execution),
                Err(_) => Ok(refuse(&flight.chain)),
            };
            match answered {
                Ok(written) => flight.ring.complete(&flight.chain, written),
                Err(_) => self.engine.pool.give(self.engine, &flight.ring, flight.chain),
            }
            if !rings.iter().any(|ring| Arc::ptr_eq(ring, &flight.ring)) {
                rings.push(flight.ring);
            }
        }
        if uring.must_submit() {
            self.submit();
        }
    }
}

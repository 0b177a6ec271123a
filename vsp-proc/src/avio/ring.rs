//! One virtqueue in guest RAM: taking chains out of the available ring, putting them into the used ring, and knowing at
//! any time which ones are in between.
//!
//! ```text
//!   available ring ──take──► in flight ──complete──► used ring ──► call
//!        │                      ▲
//!        └──set_aside──► backlog┘   (task management looked at them; or a dead back-end had taken them)
//! ```
//!
//! A ring whose driver breaks the rules is broken: nothing is taken from it or put into it any more, and the front-end
//! is told through the error eventfd. Other rings, and other guests, do not notice.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use storage::scsi::Delivery;
use storage::throttle::Throttle;
use virtio_queue::{Queue, QueueOwnedT, QueueT};
use vm_memory::{Bytes, GuestAddress};

use super::chain::{Chain, ChainError};
use super::event;
use super::inflight::InflightRing;
use super::latency::Latencies;
use super::memory::GuestRam;
use super::virtio_scsi::target_and_lun;

/// The beginning of a request, by which task management recognizes it: LUN and identifier (virtio 1.2 clause 5.6.6.1).
pub(super) type Tag = [u8; 16];

/// What is wrong with a ring.
#[derive(Debug, thiserror::Error)]
pub(super) enum RingError {
    #[error("ring is not inside RAM or not aligned")]
    Place,
    #[error("ring cannot be used: {0}")]
    Queue(#[from] virtio_queue::Error),
    #[error("bad descriptor chain: {0}")]
    Chain(#[from] ChainError),
    #[error("descriptor {0} is made available again while in flight")]
    Twice(u16),
    #[error("front-end's in-flight region does not fit: {0}")]
    Inflight(#[from] super::inflight::InflightError),
}

/// What a front-end said of a ring before starting it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RingSetup {
    pub(super) size: u16,
    pub(super) descriptors: GuestAddress,
    pub(super) available: GuestAddress,
    pub(super) used: GuestAddress,
    /// Next entry of the available ring to look at.
    pub(super) base: u16,
    pub(super) event_idx: bool,
}

/// A started ring.
pub(super) struct Ring {
    index: u16,
    /// Raised by ourselves when there is more to do than one thread should.
    again: OwnedFd,
    kick: Arc<File>,
    state: Mutex<State>,
    /// A request has left the ring.
    completed: Condvar,
    latencies: Option<Arc<Latencies>>,
}

struct State {
    index: u16,
    queue: Queue,
    ram: Arc<GuestRam>,
    inflight: Option<InflightRing>,
    backlog: VecDeque<u16>,
    in_flight: BTreeMap<u16, InFlight>,
    /// Numbers requests, to tell a new one from an old one with the same head.
    taken: u64,
    call: Option<Arc<File>>,
    error: Option<Arc<File>>,
    /// The driver has been asked to kick.
    listening: bool,
    /// Threads that wait for requests to end.
    waiting: usize,
    stopping: bool,
    broken: bool,
}

#[derive(Clone, Copy)]
struct InFlight {
    number: u64,
    tag: Tag,
    since: Instant,
}

/// A request that is being executed, for waiting until it is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Running {
    head: u16,
    number: u64,
}

impl Ring {
    /// Starts a ring. What a predecessor left unfinished, according to the in-flight region, comes first.
    pub(super) fn start(
        index: u16,
        setup: &RingSetup,
        ram: Arc<GuestRam>,
        mut inflight: Option<InflightRing>,
        kick: Arc<File>,
        call: Option<Arc<File>>,
        error: Option<Arc<File>>,
    ) -> Result<Ring, RingError> {
        let mut queue = Queue::new(setup.size)?;
        queue.try_set_size(setup.size)?;
        queue.try_set_desc_table_address(setup.descriptors)?;
        queue.try_set_avail_ring_address(setup.available)?;
        queue.try_set_used_ring_address(setup.used)?;
        queue.set_event_idx(setup.event_idx);
        queue.set_ready(true);
        if !queue.is_valid(ram.map_ref()) {
            return Err(RingError::Place);
        }
        let used_index = queue.used_idx(ram.map_ref(), Ordering::Acquire)?.0;
        queue.set_next_used(used_index);
        queue.set_next_avail(setup.base);
        let mut backlog = VecDeque::new();
        if let Some(inflight) = &mut inflight {
            backlog.extend(inflight.recover(used_index));
            // What the front-end believes is from before the death of our predecessor.
            queue.set_next_avail(used_index.wrapping_add(backlog.len() as u16));
            if !backlog.is_empty() {
                tracing::info!(ring = index, requests = backlog.len(), "requests in flight taken over");
            }
        }
        let state = State {
            index,
            queue,
            ram,
            inflight,
            backlog,
            in_flight: BTreeMap::new(),
            taken: 0,
            call,
            error,
            listening: false,
            waiting: 0,
            stopping: false,
            broken: false,
        };
        let again = event::new().map_err(|_| RingError::Place)?;
        Ok(Ring { index, again, kick, state: Mutex::new(state), completed: Condvar::new(), latencies: None })
    }

    /// The same ring, whose requests are timed.
    pub(super) fn measured(self, latencies: Arc<Latencies>) -> Ring {
        Ring { latencies: Some(latencies), ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Number of the ring in its device.
    pub(super) fn index(&self) -> u16 {
        self.index
    }

    /// What to wait for: the driver's kick, and our own.
    pub(super) fn wake_ups(&self) -> (&File, &OwnedFd) {
        (&self.kick, &self.again)
    }

    /// Takes the next chain, if there is one now. Whoever finds none asks for kicks before he sleeps.
    pub(super) fn take(&self) -> Option<Chain> {
        let mut state = self.state();
        if state.broken {
            return None;
        }
        match state.next_chain() {
            Ok(chain) => chain,
            Err(error) => {
                self.give_up(&mut state, &error);
                None
            }
        }
    }

    /// Asks for kicks, because the caller is about to sleep. Whether there are requests already.
    pub(super) fn listen(&self) -> bool {
        let mut state = self.state();
        if state.broken {
            return false;
        }
        let has_more = !state.stopping && state.enable_kicks().unwrap_or(false);
        has_more || !state.backlog.is_empty()
    }

    /// Whether there is something to take; costs little.
    pub(super) fn has_more(&self) -> bool {
        let state = self.state();
        !state.broken && (!state.backlog.is_empty() || (!state.stopping && state.sees_more()))
    }

    /// Asks for no kicks, because the caller is about to take again.
    pub(super) fn hush(&self) {
        let mut state = self.state();
        if state.listening && !state.broken {
            // At worst there is a kick nobody needs.
            _ = state.disable_kicks();
        }
    }

    /// Has the ring looked at as if it had been kicked.
    pub(super) fn nudge(&self) {
        event::raise(&self.again);
    }

    /// Returns a chain to the driver, `written` bytes of whose writable part were written.
    pub(super) fn complete(&self, chain: &Chain, written: u32) {
        let mut state = self.state();
        let done = state.in_flight.remove(&chain.head());
        if !state.broken
            && let Err(error) = state.publish(chain.head(), written)
        {
            self.give_up(&mut state, &error);
        }
        let anybody_waits = state.waiting > 0;
        drop(state);
        if anybody_waits {
            self.completed.notify_all();
        }
        if let (Some(latencies), Some(done)) = (&self.latencies, done)
            && let Some((target, _)) = done.tag.first_chunk().and_then(target_and_lun)
        {
            latencies.add(target, done.since.elapsed());
        }
    }

    /// Takes all available chains aside and removes those with a tag that matches; returns them, still in flight, and
    /// the requests with such a tag that are being executed.
    pub(super) fn set_aside(&self, matches: &dyn Fn(&Tag) -> bool) -> (Vec<Chain>, Vec<Running>) {
        let mut state = self.state();
        if state.broken {
            return (Vec::new(), Vec::new());
        }
        let running: Vec<Running> = state
            .in_flight
            .iter()
            .filter(|(_, request)| matches(&request.tag))
            .map(|(head, request)| Running { head: *head, number: request.number })
            .collect();
        match state.remove_waiting(matches) {
            Ok(chains) => (chains, running),
            Err(error) => {
                self.give_up(&mut state, &error);
                (Vec::new(), running)
            }
        }
    }

    /// Whether a request with a tag that matches is being executed.
    pub(super) fn holds(&self, matches: &dyn Fn(&Tag) -> bool) -> bool {
        self.state().in_flight.values().any(|request| matches(&request.tag))
    }

    /// The requests that are being executed, and the targets they are for.
    pub(super) fn executing(&self) -> Vec<(Running, Tag)> {
        let state = self.state();
        let in_flight = state.in_flight.iter();
        in_flight
            .map(|(head, request)| (Running { head: *head, number: request.number }, request.tag))
            .collect()
    }

    /// Waits until none of these requests is being executed, at most until `deadline`; whether that is so.
    pub(super) fn wait_for(&self, running: &[Running], deadline: Instant) -> bool {
        let mut state = self.state();
        let is_running = |state: &State, request: &Running| {
            state.in_flight.get(&request.head).is_some_and(|now| now.number == request.number)
        };
        while running.iter().any(|request| is_running(&state, request)) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
            state = self.wait_completed(state, left);
        }
        true
    }

    /// Takes nothing new, waits until everything taken has been returned, and tells where to go on.
    pub(super) fn stop(&self) -> u16 {
        let mut state = self.state();
        state.stopping = true;
        if !state.backlog.is_empty() {
            self.nudge();
        }
        while !(state.in_flight.is_empty() && (state.backlog.is_empty() || state.broken)) {
            state = self.wait_completed(state, Duration::MAX);
        }
        state.queue.next_avail()
    }

    fn wait_completed<'a>(&self, mut state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let waited = self.completed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner);
        let mut state = waited.0;
        state.waiting -= 1;
        state
    }

    /// Another memory table is in force; guest-physical addresses keep their meaning.
    pub(super) fn set_ram(&self, ram: Arc<GuestRam>) {
        let mut state = self.state();
        if state.queue.is_valid(ram.map_ref()) {
            state.ram = ram;
        } else {
            self.give_up(&mut state, &RingError::Place);
        }
    }

    /// Another eventfd for the driver's interrupt.
    pub(super) fn set_call(&self, call: Option<Arc<File>>) {
        self.state().call = call;
    }

    /// Another eventfd for errors.
    pub(super) fn set_error(&self, error: Option<Arc<File>>) {
        self.state().error = error;
    }

    /// Whether the driver broke a rule.
    pub(super) fn is_broken(&self) -> bool {
        self.state().broken
    }

    fn give_up(&self, state: &mut State, error: &RingError) {
        static THROTTLE: Throttle = Throttle::new();
        state.broken = true;
        if let Some(fd) = &state.error {
            event::raise(fd);
        }
        if let Some(dropped) = THROTTLE.admit() {
            tracing::warn!(ring = self.index, %error, dropped, "ring of a guest is broken and no longer served");
        }
        self.completed.notify_all();
    }
}

impl State {
    fn next_chain(&mut self) -> Result<Option<Chain>, RingError> {
        let head = match self.backlog.pop_front() {
            Some(head) => head,
            None if self.stopping => return Ok(None),
            None => match self.pop_head()? {
                Some(head) => head,
                None => return Ok(None),
            },
        };
        self.open(head).map(Some)
    }

    fn pop_head(&mut self) -> Result<Option<u16>, RingError> {
        // `iter` and not `pop_descriptor_chain`: that one takes an index that ran ahead for an empty ring.
        let Some(chain) = self.queue.iter(self.ram.map_ref())?.next() else { return Ok(None) };
        let head = chain.head_index();
        if head >= self.queue.size() {
            return Err(ChainError::Index(head).into());
        }
        if self.in_flight.contains_key(&head) || self.backlog.contains(&head) {
            return Err(RingError::Twice(head));
        }
        if let Some(inflight) = &mut self.inflight {
            inflight.begin(head);
        }
        Ok(Some(head))
    }

    fn sees_more(&self) -> bool {
        let available = self.queue.avail_idx(self.ram.map_ref(), Ordering::Acquire);
        // An index that cannot be read will be found by whoever takes.
        available.map_or(true, |index| index.0 != self.queue.next_avail())
    }

    fn enable_kicks(&mut self) -> Result<bool, RingError> {
        self.listening = true;
        Ok(self.queue.enable_notification(self.ram.map_ref())?)
    }

    fn disable_kicks(&mut self) -> Result<(), RingError> {
        /// Offset of the ring's entries, and bytes of each (virtio 1.2 clause 2.7.8).
        const ENTRIES: u64 = 4;
        const ENTRY: u64 = 8;
        self.listening = false;
        if !self.queue.event_idx_enabled() {
            return Ok(self.queue.disable_notification(self.ram.map_ref())?);
        }
        // The queue has no way to say so: an index that lies behind is not reached for another 65535 requests.
        let passed = self.queue.next_avail().wrapping_sub(1);
        let offset = ENTRIES + ENTRY * u64::from(self.queue.size());
        let at = self.queue.used_ring().checked_add(offset).ok_or(RingError::Place)?;
        let stored = self.ram.map_ref().store(passed.to_le(), GuestAddress(at), Ordering::Relaxed);
        stored.map_err(|_| RingError::Place)
    }

    fn open(&mut self, head: u16) -> Result<Chain, RingError> {
        let table = GuestAddress(self.queue.desc_table());
        let chain = Chain::follow(&self.ram, table, self.queue.size(), head)?;
        let mut tag = Tag::default();
        // A request too short for a tag matches nothing real.
        chain.readable().read(0, &mut tag);
        self.taken += 1;
        self.in_flight.insert(head, InFlight { number: self.taken, tag, since: Instant::now() });
        let (number, again) = match &self.inflight {
            Some(inflight) => inflight.number(head),
            None => (self.taken, false),
        };
        Ok(chain.delivered(Delivery { queue: self.index, number, again }))
    }

    fn publish(&mut self, head: u16, written: u32) -> Result<(), RingError> {
        if let Some(inflight) = &self.inflight {
            inflight.finish(head);
        }
        self.queue.add_used(self.ram.map_ref(), head, written)?;
        if let Some(inflight) = &self.inflight {
            inflight.finished(head, self.queue.next_used());
        }
        if self.queue.needs_notification(self.ram.map_ref())?
            && let Some(call) = &self.call
        {
            event::raise(call);
        }
        Ok(())
    }

    fn remove_waiting(&mut self, matches: &dyn Fn(&Tag) -> bool) -> Result<Vec<Chain>, RingError> {
        while let Some(head) = self.pop_head()? {
            self.backlog.push_back(head);
        }
        self.enable_kicks()?;
        let mut removed = Vec::new();
        for head in std::mem::take(&mut self.backlog) {
            let chain = self.open(head)?;
            let is_match = self.in_flight.get(&head).is_some_and(|request| matches(&request.tag));
            if is_match {
                removed.push(chain);
            } else {
                self.in_flight.remove(&head);
                self.backlog.push_back(head);
            }
        }
        Ok(removed)
    }
}

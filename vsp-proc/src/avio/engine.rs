//! An adapter at work: its rings, the threads that serve them, and who is told when all of it has ended.
//!
//! ```text
//!   kick ──► worker (one for some of the rings) ──► answered at once: cached, or no I/O at all
//!                     │         ▲                 ─► io_uring of the worker ──┐
//!                     │         └──── completions ────────────────────────────┘
//!                     └────────────────────────────► pool: threads that wait for the host
//! ```
//!
//! Workers never wait for a disk, so a slow command delays no other. The control ring has a worker of its own, for task
//! management waits for requests to end.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use super::control::Events;
use super::event;
use super::pool::Pool;
use super::ring::Ring;
use super::targets::Targets;
use super::virtio_scsi::{CONTROL_QUEUE, EVENT_QUEUE, Event, FIRST_REQUEST_QUEUE};
use super::worker;

/// Epoll's name for the end; rings are named by their index.
pub(super) const STOP: u64 = u64::MAX;
/// Epoll's name for completions of the kernel's.
pub(super) const COMPLETIONS: u64 = u64::MAX - 1;
/// Most workers for the request rings of an adapter.
const MAX_WORKERS: usize = 8;

/// How I/O is done that has to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Io {
    /// By io_uring where the host allows it, by threads otherwise.
    Uring,
    /// By threads.
    Threads,
}

impl Io {
    /// The best there is, unless `KITTSON_IO=threads` says that the host's io_uring is not to be used.
    pub(super) fn preferred() -> Io {
        match std::env::var_os("KITTSON_IO") {
            Some(word) if word == "threads" => Io::Threads,
            _ => Io::Uring,
        }
    }
}

/// A ring, and who serves it.
type Place = (Arc<Ring>, Arc<Desk>);

/// An adapter at work.
pub(super) struct Engine {
    name: String,
    pub(super) targets: Arc<Targets>,
    pub(super) io: Io,
    pub(super) pool: Pool,
    stop: OwnedFd,
    rings: RwLock<BTreeMap<u16, Place>>,
    desks: Mutex<BTreeMap<usize, Arc<Desk>>>,
    pub(super) events: Events,
    /// The driver wants to hear of targets that come and go, and of those that change. Until it has said so it is told
    /// later.
    hotplug: AtomicBool,
    changes: AtomicBool,
    threads: Arc<Threads>,
}

/// Where a worker is reached.
pub(super) struct Desk {
    pub(super) epoll: OwnedFd,
}

/// The threads of an adapter that are alive, the protocol's included.
#[derive(Default)]
struct Threads {
    count: Mutex<usize>,
    ended: Condvar,
}

impl Threads {
    fn count(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of them; counted until dropped, also when it panics.
struct Alive(Arc<Threads>);

impl Alive {
    fn new(threads: &Arc<Threads>) -> Alive {
        *threads.count() += 1;
        Alive(Arc::clone(threads))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        *self.0.count() -= 1;
        self.0.ended.notify_all();
    }
}

impl Engine {
    /// No rings yet, and no threads.
    pub(super) fn new(name: String, targets: Arc<Targets>, io: Io) -> io::Result<Arc<Engine>> {
        Ok(Arc::new(Engine {
            name,
            targets,
            io,
            pool: Pool::default(),
            stop: event::new()?,
            rings: RwLock::default(),
            desks: Mutex::default(),
            events: Events::default(),
            hotplug: AtomicBool::new(true),
            changes: AtomicBool::new(true),
            threads: Arc::default(),
        }))
    }

    /// Runs `body` in a thread that counts as one of the adapter's and whose records name it.
    pub(super) fn spawn(
        self: &Arc<Self>,
        role: &str,
        body: impl FnOnce(&Arc<Engine>) + Send + 'static,
    ) -> io::Result<()> {
        let (alive, engine) = (Alive::new(&self.threads), Arc::clone(self));
        let name = format!("avio {} {role}", self.name);
        let thread = move || {
            // Dropped last, so that whoever waited for the threads finds nothing of the adapter in use.
            let _alive = alive;
            let engine = engine;
            let _adapter = tracing::info_span!("avio", adapter = engine.name).entered();
            body(&engine);
        };
        thread::Builder::new().name(name).spawn(thread).map(drop)
    }

    /// Ends all threads but the caller's as soon as each is done with its request.
    pub(super) fn stop_workers(&self) {
        event::raise(&self.stop);
        self.pool.stop();
    }

    /// Waits until all threads have ended; false when some have not after `limit`.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut count = self.threads.count();
        while *count > 0 {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
            count = self.threads.ended.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Serves a ring from now on.
    pub(super) fn add_ring(self: &Arc<Self>, ring: Arc<Ring>) -> io::Result<()> {
        let index = ring.index();
        let desk = self.desk(index)?;
        let (kick, again) = ring.wake_ups();
        let data = || EventData::new_u64(index.into());
        let place = (Arc::clone(&ring), Arc::clone(&desk));
        self.rings.write().unwrap_or_else(PoisonError::into_inner).insert(index, place);
        // Edge-triggered, so the counters need not be read. Kicks from before count.
        let added = epoll::add(&desk.epoll, again, data(), EventFlags::IN | EventFlags::ET)
            .and_then(|()| epoll::add(&desk.epoll, kick, data(), EventFlags::IN | EventFlags::ET));
        if let Err(error) = added {
            _ = epoll::delete(&desk.epoll, again);
            self.rings.write().unwrap_or_else(PoisonError::into_inner).remove(&index);
            return Err(error.into());
        }
        // Requests may be there whose kick went to a predecessor.
        ring.nudge();
        Ok(())
    }

    /// The desk of the worker that serves the ring with this index, at which he sits from now on.
    fn desk(self: &Arc<Self>, index: u16) -> io::Result<Arc<Desk>> {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        let number = match index {
            CONTROL_QUEUE => 0,
            _ => 1 + usize::from(index.saturating_sub(FIRST_REQUEST_QUEUE)) % workers,
        };
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = desks.get(&number) {
            return Ok(Arc::clone(desk));
        }
        let desk = Arc::new(Desk { epoll: epoll::create(CreateFlags::CLOEXEC)? });
        // Level-triggered: one raise ends all workers.
        epoll::add(&desk.epoll, &self.stop, EventData::new_u64(STOP), EventFlags::IN)?;
        let own = Arc::clone(&desk);
        self.spawn(&format!("io {number}"), move |engine| worker::work(engine, &own))?;
        desks.insert(number, Arc::clone(&desk));
        Ok(desk)
    }

    /// Lets a ring finish what was taken from it and serves it no more; returns where to go on, if it was served.
    pub(super) fn remove_ring(&self, index: u16) -> Option<u16> {
        let (ring, desk) = self.rings.read().unwrap_or_else(PoisonError::into_inner).get(&index).cloned()?;
        let base = ring.stop();
        let (kick, again) = ring.wake_ups();
        for result in [epoll::delete(&desk.epoll, kick), epoll::delete(&desk.epoll, again)] {
            if let Err(error) = result {
                tracing::warn!(ring = index, %error, "kick still listened to");
            }
        }
        self.rings.write().unwrap_or_else(PoisonError::into_inner).remove(&index);
        Some(base)
    }

    /// The ring with this index, if it is served.
    pub(super) fn ring(&self, index: u16) -> Option<Arc<Ring>> {
        let rings = self.rings.read().unwrap_or_else(PoisonError::into_inner);
        rings.get(&index).map(|(ring, _)| Arc::clone(ring))
    }

    /// All rings that are served.
    pub(super) fn rings(&self) -> Vec<Arc<Ring>> {
        let rings = self.rings.read().unwrap_or_else(PoisonError::into_inner);
        rings.values().map(|(ring, _)| Arc::clone(ring)).collect()
    }

    /// The rings for requests.
    pub(super) fn request_rings(&self) -> Vec<Arc<Ring>> {
        self.rings().into_iter().filter(|ring| ring.index() >= FIRST_REQUEST_QUEUE).collect()
    }

    /// Whether the driver negotiated to hear of targets that come and go, and of those that change.
    pub(super) fn set_notices(&self, hotplug: bool, changes: bool) {
        self.hotplug.store(hotplug, Ordering::Release);
        self.changes.store(changes, Ordering::Release);
        self.events.retain(|event| if event.is_change() { changes } else { hotplug });
    }

    /// Tells the driver that a target came or went, if it wants to know.
    pub(super) fn post(&self, event: Event) {
        if self.hotplug.load(Ordering::Acquire) {
            self.notify(event);
        }
    }

    /// Tells the driver that a target changed, if it wants to know.
    pub(super) fn post_change(&self, event: Event) {
        if self.changes.load(Ordering::Acquire) {
            self.notify(event);
        }
    }

    fn notify(&self, event: Event) {
        self.events.post(event);
        if let Some(ring) = self.ring(EVENT_QUEUE) {
            ring.nudge();
        }
    }
}

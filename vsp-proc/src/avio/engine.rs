//! The threads of an adapter. All of them wait on one epoll set; whoever is woken by a kick serves that ring itself.
//!
//! What can be answered without waiting for a disk is answered by the thread that took it, without handing anything
//! over. Before a thread waits for a disk it sees to it that another one listens, so a slow command delays no other.
//! There are as many threads as commands were ever waiting at once, up to a limit; idle ones sleep in the kernel.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use storage::backing::Patience;
use storage::scsi::Wait;

use super::chain::Chain;
use super::control::{self, Events};
use super::event;
use super::request::{Request, refuse};
use super::ring::Ring;
use super::targets::Targets;
use super::virtio_scsi::{CONTROL_QUEUE, EVENT_QUEUE, Event, FIRST_REQUEST_QUEUE};

/// Most threads of an adapter, that is, most commands that wait for disks at once.
const MAX_THREADS: usize = 32;
/// Epoll's name for the end; rings are named by their index.
const STOP: u64 = u64::MAX;

/// An adapter at work.
pub(super) struct Engine {
    name: String,
    pub(super) targets: Arc<Targets>,
    epoll: OwnedFd,
    stop: OwnedFd,
    rings: RwLock<BTreeMap<u16, Arc<Ring>>>,
    events: Events,
    /// The driver wants to hear of targets that come and go.
    hotplug: AtomicBool,
    idle: AtomicUsize,
    threads: Arc<Threads>,
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
    pub(super) fn new(name: String, targets: Arc<Targets>) -> io::Result<Arc<Engine>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let stop = event::new()?;
        // Level-triggered: one raise ends all threads.
        epoll::add(&epoll, &stop, EventData::new_u64(STOP), EventFlags::IN)?;
        Ok(Arc::new(Engine {
            name,
            targets,
            epoll,
            stop,
            rings: RwLock::default(),
            events: Events::default(),
            hotplug: AtomicBool::new(false),
            idle: AtomicUsize::new(0),
            threads: Arc::default(),
        }))
    }

    /// Who it works for, in logs.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Runs `body` in a thread that counts as one of the adapter's.
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
            body(&engine);
        };
        thread::Builder::new().name(name).spawn(thread).map(drop)
    }

    /// Adds a thread that serves rings, unless there are enough.
    pub(super) fn add_worker(self: &Arc<Self>) {
        if *self.threads.count() > MAX_THREADS {
            return;
        }
        if let Err(error) = self.spawn("io", |engine| engine.work()) {
            tracing::warn!(adapter = self.name, %error, "no further thread for I/O");
        }
    }

    /// Ends the worker threads as soon as each is done with its request.
    pub(super) fn stop_workers(&self) {
        event::raise(&self.stop);
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
    pub(super) fn add_ring(&self, ring: Arc<Ring>) -> io::Result<()> {
        let index = ring.index();
        let (kick, again) = ring.wake_ups();
        let data = || EventData::new_u64(index.into());
        // Edge-triggered, so each raise wakes one thread and the counter need not be read. Kicks from before count.
        epoll::add(&self.epoll, again, data(), EventFlags::IN | EventFlags::ET)?;
        if let Err(error) = epoll::add(&self.epoll, kick, data(), EventFlags::IN | EventFlags::ET) {
            _ = epoll::delete(&self.epoll, again);
            return Err(error.into());
        }
        self.rings.write().unwrap_or_else(PoisonError::into_inner).insert(index, Arc::clone(&ring));
        // Requests may be there whose kick went to a predecessor.
        ring.nudge();
        Ok(())
    }

    /// Lets a ring finish what was taken from it and serves it no more; returns where to go on, if it was served.
    pub(super) fn remove_ring(&self, index: u16) -> Option<u16> {
        let ring = self.ring(index)?;
        let base = ring.stop();
        let (kick, again) = ring.wake_ups();
        for result in [epoll::delete(&self.epoll, kick), epoll::delete(&self.epoll, again)] {
            if let Err(error) = result {
                tracing::warn!(adapter = self.name, ring = index, %error, "kick still listened to");
            }
        }
        self.rings.write().unwrap_or_else(PoisonError::into_inner).remove(&index);
        Some(base)
    }

    /// The ring with this index, if it is served.
    pub(super) fn ring(&self, index: u16) -> Option<Arc<Ring>> {
        self.rings.read().unwrap_or_else(PoisonError::into_inner).get(&index).cloned()
    }

    /// All rings that are served.
    pub(super) fn rings(&self) -> Vec<Arc<Ring>> {
        self.rings.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether the driver negotiated to hear of targets that come and go.
    pub(super) fn set_hotplug(&self, wanted: bool) {
        self.hotplug.store(wanted, Ordering::Release);
    }

    /// Tells the driver, if it wants to know.
    pub(super) fn post(&self, event: Event) {
        if self.hotplug.load(Ordering::Acquire) {
            self.events.post(event);
            if let Some(ring) = self.ring(EVENT_QUEUE) {
                ring.nudge();
            }
        }
    }

    fn work(self: &Arc<Self>) {
        let mut events = Vec::with_capacity(1);
        loop {
            events.clear();
            self.idle.fetch_add(1, Ordering::SeqCst);
            let waited = epoll::wait(&self.epoll, spare_capacity(&mut events), None);
            self.idle.fetch_sub(1, Ordering::SeqCst);
            match waited {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!(adapter = self.name, %error, "cannot wait for kicks");
                    return;
                }
            }
            for event in &events {
                match event.data.u64() {
                    STOP => return,
                    index => {
                        if let Some(ring) = u16::try_from(index).ok().and_then(|index| self.ring(index)) {
                            self.serve(&ring);
                        }
                    }
                }
            }
        }
    }

    fn serve(self: &Arc<Self>, ring: &Ring) {
        match ring.index() {
            EVENT_QUEUE => self.events.deliver(ring),
            CONTROL_QUEUE => {
                while let Some(chain) = ring.take() {
                    // Task management waits for other requests.
                    self.let_others_work(ring, Wait::Long);
                    let requests: Vec<_> =
                        self.rings().into_iter().filter(|r| r.index() >= FIRST_REQUEST_QUEUE).collect();
                    ring.complete(&chain, control::execute(&chain, &requests, &self.targets));
                }
            }
            _ => {
                while let Some(chain) = ring.take() {
                    let written = self.execute(ring, &chain);
                    // We look at the ring again at once: no need to wake others for what comes now.
                    ring.hush();
                    ring.complete(&chain, written);
                }
            }
        }
    }

    fn execute(self: &Arc<Self>, ring: &Ring, chain: &Chain) -> u32 {
        let Ok(request) = Request::parse(chain) else { return refuse(chain) };
        match request.execute(&self.targets, Patience::Immediate) {
            Ok(written) => return written,
            Err(wait) => self.let_others_work(ring, wait),
        }
        // A target that would still rather not wait has no right to.
        request
            .execute(&self.targets, Patience::Unlimited)
            .unwrap_or_else(|_| request.respond(super::virtio_scsi::Response::Failure))
    }

    /// This thread will be busy: another one must listen. If it will be for long, that one shall also see to what is in
    /// the ring already.
    fn let_others_work(self: &Arc<Self>, ring: &Ring, wait: Wait) {
        if self.idle.load(Ordering::SeqCst) == 0 {
            self.add_worker();
        }
        if ring.listen() && wait == Wait::Long {
            ring.nudge();
        }
    }
}

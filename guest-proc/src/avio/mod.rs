//! An AVIO storage adapter as the guest sees it: a modern virtio-scsi PCI function. The device itself is in the VSP; here
//! are its registers, its interrupts, and the connection.
//!
//! ```text
//!   driver ──config, BARs──► AvioAdapter ──orders──► link (control thread) ══vhost-user══ VSP
//!      │  kick eventfd ──────────────────────────────────────────────────────────────────► │
//!      ◄── MSI-X or INTx ── interrupt thread ◄── call eventfds ───────────────────────────── ┘
//! ```
//!
//! A vCPU is never kept waiting by the VSP, except for at most `RESET_PATIENCE` when it reads the device status during
//! a reset, because old drivers read it only once.

mod attach;
mod fd;
mod link;
mod pci;
mod registers;

pub use attach::{AttachError, attach, start_back_end};
pub use link::LinkError;

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use vm_memory::GuestMemoryMmap;
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};
use vmm_sys_util::eventfd::EventFd;

use self::link::{CONFIG_LEN, Link, Owner, QueueEvents, Session, Setup};
use self::registers::{Effect, Registers};
use crate::pci::config::command;
use crate::pci::{ConfigSpace, Interrupts, Msix};

/// Most request queues of an adapter.
const MAX_REQUEST_QUEUES: u16 = 16;
/// Queues beside the request queues: control and events.
const OTHER_QUEUES: u16 = 2;
/// Descriptors of a queue, at most.
const QUEUE_SIZE: u16 = 128;
/// How long a vCPU waits for a reset to end when it reads the device status.
const RESET_PATIENCE: Duration = Duration::from_millis(200);
/// How long a reset of the machine waits for requests in flight.
const MACHINE_RESET_PATIENCE: Duration = Duration::from_secs(65);

/// Interrupt status: a queue.
const ISR_QUEUE: u8 = 1;
/// Interrupt status: the configuration, or the device as a whole.
const ISR_CONFIG: u8 = 2;

/// Where and how an adapter is part of the machine.
#[derive(Clone, Debug)]
pub struct AvioOptions {
    /// For logs: bus and slot.
    pub name: String,
    /// Request queues, 1 to 16: one for each vCPU.
    pub request_queues: u16,
    /// Global system interrupt of the function's INTA.
    pub gsi: u32,
}

/// An AVIO storage adapter.
pub struct AvioAdapter {
    core: Arc<Core>,
    link: Link,
}

/// What the threads share with the vCPUs.
struct Core {
    name: String,
    registers: Mutex<Registers>,
    /// A reset has ended.
    rested: Condvar,
    config_space: Mutex<ConfigSpace>,
    places: pci::Places,
    device_config: [u8; CONFIG_LEN],
    msix: Msix,
    isr: AtomicU8,
    interrupts: Arc<dyn Interrupts>,
    gsi: u32,
    events: Arc<[QueueEvents]>,
    /// The machine is being reset or the adapter dropped: no interrupts.
    silent: AtomicBool,
    end: EventFd,
    on_loss: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl AvioAdapter {
    /// An adapter served by the back-end at the other end of `connection`, for a guest with this RAM.
    ///
    /// # Errors
    /// When the back-end does not answer, or cannot do what an adapter needs.
    pub fn connect(
        options: &AvioOptions,
        connection: UnixStream,
        ram: GuestMemoryMmap,
        interrupts: Arc<dyn Interrupts>,
    ) -> Result<Arc<AvioAdapter>, LinkError> {
        let request_queues = options.request_queues.clamp(1, MAX_REQUEST_QUEUES);
        let queues = OTHER_QUEUES + request_queues;
        let session = Session::open(connection, queues)?;
        let mut device_config = session.config;
        // How many queues there are is our part.
        device_config[..4].copy_from_slice(&u32::from(request_queues).to_le_bytes());
        let vectors = queues + 1;
        let msix = Msix::new(vectors, Arc::clone(&interrupts));
        let (config_space, places) = pci::describe(&msix, queues);
        let events: io::Result<Arc<[QueueEvents]>> = (0..queues).map(|_| queue_events()).collect();
        let core = Arc::new(Core {
            name: options.name.clone(),
            registers: Mutex::new(Registers::new(session.features, queues, QUEUE_SIZE, vectors)),
            rested: Condvar::new(),
            config_space: Mutex::new(config_space),
            places,
            device_config,
            msix,
            isr: AtomicU8::new(0),
            interrupts,
            gsi: options.gsi,
            events: events?,
            silent: AtomicBool::new(false),
            end: event()?,
            on_loss: OnceLock::new(),
        });
        let owner: Arc<dyn Owner> = core.clone();
        let link = Link::start(options.name.clone(), session, ram, Arc::clone(&core.events), owner)?;
        let adapter = AvioAdapter { core: Arc::clone(&core), link };
        let epoll = core.listen()?;
        thread::Builder::new()
            .name(format!("avio {} irq", options.name))
            .spawn(move || core.forward_interrupts(&epoll))
            .map_err(LinkError::Host)?;
        Ok(Arc::new(adapter))
    }

    /// Bus and slot, for logs.
    pub fn name(&self) -> &str {
        &self.core.name
    }

    /// Has `tell` called whenever the back-end is lost. Only the first call of this has an effect.
    pub fn on_loss(&self, tell: impl Fn() + Send + Sync + 'static) {
        _ = self.core.on_loss.set(Box::new(tell));
    }

    /// Goes on with another back-end, after the first one was lost. What the guest had requested is not. A back-end that
    /// does not answer, or lacks something its predecessor had, is reported and let go; the caller waits for neither.
    pub fn reconnect(&self, connection: UnixStream) {
        self.link.order_connect(connection);
    }

    fn apply(&self, effect: Effect, registers: MutexGuard<'_, Registers>) {
        match effect {
            Effect::None => {}
            Effect::Start => {
                let setup = Setup { features: registers.features(), queues: registers.queues().to_vec() };
                drop(registers);
                self.link.order_start(setup);
            }
            Effect::Reset => {
                drop(registers);
                self.link.order_stop();
            }
        }
    }
}

impl Drop for AvioAdapter {
    fn drop(&mut self) {
        self.core.silent.store(true, Ordering::Release);
        // An eventfd that cannot be written to has been raised.
        _ = self.core.end.write(1);
    }
}

fn event() -> io::Result<EventFd> {
    EventFd::new(libc::EFD_NONBLOCK | libc::EFD_CLOEXEC)
}

fn queue_events() -> io::Result<QueueEvents> {
    Ok(QueueEvents { kick: event()?, call: event()?, error: event()? })
}

impl Core {
    fn registers(&self) -> MutexGuard<'_, Registers> {
        self.registers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config_space(&self) -> MutexGuard<'_, ConfigSpace> {
        self.config_space.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no reset is going on; whether that is so.
    fn wait_for_rest(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut registers = self.registers();
        while registers.is_resetting() {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
            registers = self.rested.wait_timeout(registers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// An epoll set of all eventfds of the back-end: queue `n` calls as `2n` and fails as `2n + 1`.
    fn listen(&self) -> io::Result<Epoll> {
        let epoll = Epoll::new()?;
        let add = |event: &EventFd, token: u64| {
            epoll.ctl(ControlOperation::Add, event.as_raw_fd(), EpollEvent::new(EventSet::IN, token))
        };
        for (index, events) in self.events.iter().enumerate() {
            add(&events.call, 2 * index as u64)?;
            add(&events.error, 2 * index as u64 + 1)?;
        }
        add(&self.end, u64::MAX)?;
        Ok(epoll)
    }

    fn forward_interrupts(&self, epoll: &Epoll) {
        let mut ready = vec![EpollEvent::default(); 2 * self.events.len() + 1];
        loop {
            let count = match epoll.wait(-1, &mut ready) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!(adapter = self.name, %error, "cannot wait for the AVIO back-end");
                    return;
                }
            };
            for event in &ready[..count] {
                let token = event.data();
                let Some(events) = self.events.get((token / 2) as usize) else { return };
                // Counts are of no interest, and an eventfd read by nobody else is readable now.
                if token % 2 == 0 {
                    _ = events.call.read();
                    self.interrupt_queue((token / 2) as usize);
                } else {
                    _ = events.error.read();
                    tracing::warn!(adapter = self.name, queue = token / 2, "driver broke an AVIO queue");
                    self.fail();
                }
            }
        }
    }

    fn interrupt_queue(&self, index: usize) {
        let vector = self.registers().queues().get(index).map(|queue| queue.vector);
        if let Some(vector) = vector {
            self.interrupt(vector, ISR_QUEUE);
        }
    }

    /// The device cannot go on until the driver resets it.
    fn fail(&self) {
        let (tell, vector) = {
            let mut registers = self.registers();
            (registers.fail(), registers.config_vector())
        };
        if tell {
            self.interrupt(vector, ISR_CONFIG);
        }
    }

    fn interrupt(&self, vector: u16, cause: u8) {
        if self.silent.load(Ordering::Acquire) {
            return;
        }
        if self.msix.is_enabled() {
            self.msix.notify(vector);
        } else {
            self.isr.fetch_or(cause, Ordering::AcqRel);
            self.update_line();
        }
    }

    /// Makes the wire agree with the interrupt status and the command register.
    fn update_line(&self) {
        // The lock orders changes of the wire.
        let mut config_space = self.config_space();
        let pending = self.isr.load(Ordering::Acquire) != 0;
        config_space.set_interrupt_status(pending);
        let is_allowed = config_space.command() & command::INTX_DISABLE == 0 && !self.msix.is_enabled();
        self.interrupts.line(self.gsi, pending && is_allowed);
    }

    /// Reading the interrupt status clears it (virtio 1.2 clause 4.1.4.5).
    fn take_isr(&self) -> u8 {
        let isr = self.isr.swap(0, Ordering::AcqRel);
        self.update_line();
        isr
    }
}

impl Owner for Core {
    fn stopped(&self) {
        self.registers().finish_reset();
        self.isr.store(0, Ordering::Release);
        self.update_line();
        self.rested.notify_all();
    }

    fn lost(&self) {
        if let Some(tell) = self.on_loss.get() {
            tell();
        }
    }

    fn refused(&self) {
        self.fail();
    }

    fn features(&self) -> u64 {
        self.registers().features()
    }
}

#[cfg(test)]
mod tests;

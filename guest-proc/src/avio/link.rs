//! The connection to the back-end: a vhost-user front-end on a control thread of its own, so that no vCPU ever waits for
//! another process.
//!
//! ```text
//!             Start (driver ready)          lost
//!   idle ───────────────────────► serving ───────► stalled
//!    ▲◄───────────────────────────── │ ◄───────────── │
//!             Stop (reset)                 Connect
//! ```
//!
//! The protocol's replies are awaited without a time limit by the crate that speaks it, so a watchdog closes the socket
//! when one is overdue. A lost back-end leaves the guest's requests in their rings; the next one finds them there, and
//! those its predecessor had taken in the in-flight region, which is kept here.

use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use vhost::vhost_user::message::{
    VhostUserConfigFlags, VhostUserHeaderFlag, VhostUserInflight, VhostUserProtocolFeatures,
};
use vhost::vhost_user::{Error as ProtocolError, Frontend, VhostUserFrontend, VhostUserVirtioFeatures};
use vhost::{VhostBackend, VhostUserMemoryRegionInfo, VringConfigData};
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap};
use vmm_sys_util::eventfd::EventFd;

use super::registers::Queue;

/// How long any one exchange with the back-end may take.
const REPLY: Duration = Duration::from_secs(10);
/// How long a back-end may take to finish the requests in flight when the device is reset.
const REST: Duration = Duration::from_secs(60);

/// Bytes of the device configuration.
pub(super) const CONFIG_LEN: usize = 36;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The back-end did not answer, left, or refused.
    #[error("AVIO back-end does not answer or refuses")]
    BackEnd(#[from] vhost::Error),
    /// It lacks something we cannot do without.
    #[error("AVIO back-end does not offer {0}")]
    Missing(&'static str),
    /// The driver put a queue where no RAM is.
    #[error("queue {0} is not in RAM")]
    Queue(usize),
    /// The host refused.
    #[error("AVIO back-end cannot be talked to")]
    Host(#[from] io::Error),
}

impl LinkError {
    /// Whether the driver is at fault, and not the connection.
    fn is_refusal(&self) -> bool {
        match self {
            LinkError::Queue(_) => true,
            LinkError::BackEnd(vhost::Error::VhostUserProtocol(error)) => {
                matches!(error, ProtocolError::BackendInternalError | ProtocolError::InvalidParam)
            }
            _ => false,
        }
    }
}

/// The eventfds of one queue; they live as long as the adapter, whatever becomes of back-ends.
pub(super) struct QueueEvents {
    pub(super) kick: EventFd,
    pub(super) call: EventFd,
    pub(super) error: EventFd,
}

/// What the driver set up.
pub(super) struct Setup {
    pub(super) features: u64,
    pub(super) queues: Vec<Queue>,
}

/// What the rest of the adapter is told.
pub(super) trait Owner: Send + Sync + 'static {
    /// The queues have come to rest; the reset the driver asked for is done.
    fn stopped(&self);
    /// The back-end has gone, or was given up.
    fn lost(&self);
    /// The back-end will not serve what the driver set up.
    fn refused(&self);
    /// The features the driver has, without which it cannot go on.
    fn features(&self) -> u64;
}

enum Order {
    Start(Setup),
    Stop,
    Connect(UnixStream),
    End,
}

/// The control thread, from outside.
pub(super) struct Link {
    orders: Mutex<Sender<Order>>,
    /// Tells the thread of an order.
    wake: Arc<EventFd>,
}

impl Link {
    /// Starts the thread on a session that has been negotiated.
    pub(super) fn start(
        name: String,
        session: Session,
        ram: GuestMemoryMmap,
        events: Arc<[QueueEvents]>,
        owner: Arc<dyn Owner>,
    ) -> io::Result<Link> {
        let (sender, orders) = mpsc::channel();
        let wake = Arc::new(EventFd::new(libc::EFD_NONBLOCK | libc::EFD_CLOEXEC)?);
        let thread = ControlThread {
            name: name.clone(),
            orders,
            wake: Arc::clone(&wake),
            ram,
            events,
            owner,
            session: Some(session),
            setup: None,
            inflight: None,
        };
        thread::Builder::new().name(format!("avio {name}")).spawn(move || thread.run())?;
        Ok(Link { orders: Mutex::new(sender), wake })
    }

    /// Serve the driver's queues.
    pub(super) fn order_start(&self, setup: Setup) {
        self.order(Order::Start(setup));
    }

    /// Bring the queues to rest.
    pub(super) fn order_stop(&self) {
        self.order(Order::Stop);
    }

    /// Go on with the back-end at the other end of `stream`.
    pub(super) fn order_connect(&self, stream: UnixStream) {
        self.order(Order::Connect(stream));
    }

    fn order(&self, order: Order) {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        // The thread ends only when ordered to.
        _ = orders.send(order);
        _ = self.wake.write(1);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.order(Order::End);
    }
}

/// Closes a socket whose peer takes too long, unless dropped before.
struct Watchdog {
    _alive: Sender<()>,
}

impl Watchdog {
    fn over(stream: &UnixStream, limit: Duration) -> io::Result<Watchdog> {
        let stream = stream.try_clone()?;
        let (alive, dropped) = mpsc::channel::<()>();
        thread::Builder::new().name("avio watchdog".to_owned()).spawn(move || {
            if dropped.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                tracing::warn!("AVIO back-end does not answer: giving it up");
                // Already closed is as good.
                _ = stream.shutdown(Shutdown::Both);
            }
        })?;
        Ok(Watchdog { _alive: alive })
    }
}

/// A connection on which features have been exchanged, and no ring is served.
pub(super) struct Session {
    front_end: Frontend,
    stream: UnixStream,
    protocol: VhostUserProtocolFeatures,
    /// Virtio features the back-end offers.
    pub(super) features: u64,
    /// Its device configuration.
    pub(super) config: [u8; CONFIG_LEN],
}

impl Session {
    /// Opens a session with the back-end at the other end of `stream`, for `queues` queues.
    pub(super) fn open(stream: UnixStream, queues: u16) -> Result<Session, LinkError> {
        let _watchdog = Watchdog::over(&stream, REPLY)?;
        let protocol_bit = VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits();
        let mut front_end = Frontend::from_stream(stream.try_clone()?, queues.into());
        front_end.set_owner()?;
        let features = front_end.get_features()?;
        if features & protocol_bit == 0 {
            return Err(LinkError::Missing("protocol features"));
        }
        let wanted = VhostUserProtocolFeatures::MQ
            | VhostUserProtocolFeatures::REPLY_ACK
            | VhostUserProtocolFeatures::CONFIG
            | VhostUserProtocolFeatures::INFLIGHT_SHMFD;
        let protocol = front_end.get_protocol_features()? & wanted;
        if !protocol.contains(VhostUserProtocolFeatures::CONFIG | VhostUserProtocolFeatures::MQ) {
            return Err(LinkError::Missing("configuration and several queues"));
        }
        front_end.set_protocol_features(protocol)?;
        // Otherwise a refusal would go unnoticed.
        front_end.set_hdr_flags(VhostUserHeaderFlag::NEED_REPLY);
        if front_end.get_queue_num()? < queues.into() {
            return Err(LinkError::Missing("as many queues as the guest has vCPUs"));
        }
        let flags = VhostUserConfigFlags::empty();
        let (_, bytes) = front_end.get_config(0, CONFIG_LEN as u32, flags, &[0; CONFIG_LEN])?;
        let config = bytes.try_into().map_err(|_| LinkError::Missing("its configuration"))?;
        Ok(Session { front_end, stream, protocol, features: features & !protocol_bit, config })
    }
}

struct ControlThread {
    name: String,
    orders: Receiver<Order>,
    wake: Arc<EventFd>,
    ram: GuestMemoryMmap,
    events: Arc<[QueueEvents]>,
    owner: Arc<dyn Owner>,
    session: Option<Session>,
    /// What the driver wants served at present.
    setup: Option<Setup>,
    /// Requests in flight, for the back-end after this one.
    inflight: Option<(VhostUserInflight, File)>,
}

impl ControlThread {
    fn run(mut self) {
        loop {
            match self.orders.try_recv() {
                Ok(Order::End) | Err(mpsc::TryRecvError::Disconnected) => return,
                Ok(Order::Start(setup)) => {
                    // A new life of the device: nothing is in flight.
                    (self.setup, self.inflight) = (Some(setup), None);
                    self.serve();
                }
                Ok(Order::Stop) => self.rest(),
                Ok(Order::Connect(stream)) => self.connect(stream),
                Err(mpsc::TryRecvError::Empty) => self.wait(),
            }
        }
    }

    /// Goes on with another back-end, if it can do what its predecessor could.
    fn connect(&mut self, stream: UnixStream) {
        let opened = Session::open(stream, self.events.len() as u16).and_then(|session| {
            match self.owner.features() & !session.features {
                0 => Ok(session),
                _ => Err(LinkError::Missing("the features its predecessor had")),
            }
        });
        match opened {
            Ok(session) => {
                tracing::info!(adapter = self.name, "AVIO back-end connected");
                self.session = Some(session);
                self.serve();
                self.call();
            }
            Err(error) => {
                tracing::warn!(adapter = self.name, %error, "another AVIO back-end is of no use");
            }
        }
    }

    /// Waits for an order, or for the back-end to leave.
    fn wait(&mut self) {
        // It speaks only when spoken to, so anything to read is the end.
        let wake = super::fd::borrow(&self.wake);
        let mut fds = vec![PollFd::new(&wake, PollFlags::IN)];
        if let Some(session) = &self.session {
            fds.push(PollFd::new(&session.stream, PollFlags::IN | PollFlags::RDHUP));
        }
        let polled = poll(&mut fds, None);
        let is_lost = polled.is_ok() && fds.get(1).is_some_and(|fd| !fd.revents().is_empty());
        // Empty unless we were woken by it.
        _ = self.wake.read();
        if is_lost {
            self.lose(&"it has left");
        }
    }

    fn lose(&mut self, reason: &dyn std::fmt::Display) {
        let stalled = self.setup.is_some();
        if stalled {
            tracing::warn!(adapter = self.name, %reason, "AVIO back-end lost: the guest's requests wait");
        } else {
            tracing::debug!(adapter = self.name, %reason, "AVIO back-end lost");
        }
        self.session = None;
        self.owner.lost();
    }

    /// Has the back-end serve what the driver set up, if there are both.
    fn serve(&mut self) {
        let (Some(session), Some(setup)) = (&mut self.session, &self.setup) else { return };
        let result = start(session, setup, &self.ram, &self.events, &mut self.inflight);
        match result {
            Ok(()) => tracing::debug!(adapter = self.name, "AVIO queues served"),
            Err(error) if error.is_refusal() => {
                tracing::warn!(adapter = self.name, %error, "AVIO queues refused");
                self.owner.refused();
            }
            Err(error) => self.lose(&error),
        }
    }

    /// Has the driver look at its queues: a back-end that died may have put something there without saying so.
    fn call(&self) {
        for (_, events) in self.queues().filter(|(queue, _)| queue.enabled) {
            // One that is full has been raised.
            _ = events.call.write(1);
        }
    }

    fn queues(&self) -> impl Iterator<Item = (&Queue, &QueueEvents)> {
        self.setup.iter().flat_map(|setup| &setup.queues).zip(self.events.iter())
    }

    /// Brings the queues to rest.
    fn rest(&mut self) {
        if let (Some(session), Some(setup)) = (&mut self.session, &self.setup)
            && let Err(error) = stop(session, setup)
        {
            self.lose(&error);
        }
        (self.setup, self.inflight) = (None, None);
        self.owner.stopped();
    }
}

fn start(
    session: &mut Session,
    setup: &Setup,
    ram: &GuestMemoryMmap,
    events: &[QueueEvents],
    inflight: &mut Option<(VhostUserInflight, File)>,
) -> Result<(), LinkError> {
    let _watchdog = Watchdog::over(&session.stream, REPLY)?;
    let front_end = &mut session.front_end;
    front_end.set_features(setup.features | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits())?;
    if session.protocol.contains(VhostUserProtocolFeatures::INFLIGHT_SHMFD) {
        if inflight.is_none() {
            let queue_size = setup.queues.iter().map(|queue| queue.size).max().unwrap_or(1);
            let wanted = VhostUserInflight::new(0, 0, setup.queues.len() as u16, queue_size);
            *inflight = Some(front_end.get_inflight_fd(&wanted)?);
        }
        if let Some((region, file)) = inflight {
            front_end.set_inflight_fd(region, file.as_raw_fd())?;
        }
    }
    let regions: Result<Vec<_>, _> = ram.iter().map(VhostUserMemoryRegionInfo::from_guest_region).collect();
    front_end.set_mem_table(&regions?)?;
    for (index, (queue, events)) in setup.queues.iter().zip(events).enumerate() {
        if !queue.enabled {
            continue;
        }
        // The protocol wants addresses of this process.
        let at = |address| {
            let host = ram.get_host_address(GuestAddress(address));
            host.map(|host| host as u64).map_err(|_| LinkError::Queue(index))
        };
        let place = VringConfigData {
            queue_max_size: queue.size,
            queue_size: queue.size,
            flags: 0,
            desc_table_addr: at(queue.descriptors)?,
            used_ring_addr: at(queue.used)?,
            avail_ring_addr: at(queue.available)?,
            log_addr: None,
        };
        front_end.set_vring_num(index, queue.size)?;
        front_end.set_vring_addr(index, &place)?;
        // After a loss the back-end works it out from the ring and the in-flight region.
        front_end.set_vring_base(index, 0)?;
        front_end.set_vring_call(index, &events.call)?;
        front_end.set_vring_err(index, &events.error)?;
        front_end.set_vring_kick(index, &events.kick)?;
        front_end.set_vring_enable(index, true)?;
    }
    Ok(())
}

fn stop(session: &mut Session, setup: &Setup) -> Result<(), LinkError> {
    let _watchdog = Watchdog::over(&session.stream, REST)?;
    for (index, _) in setup.queues.iter().enumerate().filter(|(_, queue)| queue.enabled) {
        // Answered when nothing of the queue is in flight any more.
        session.front_end.get_vring_base(index)?;
    }
    Ok(())
}

//! A vhost-user front-end with its driver: connects to a back-end, kicks and waits.

use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use vhost::vhost_user::message::{VhostUserHeaderFlag, VhostUserInflight, VhostUserProtocolFeatures};
use vhost::vhost_user::{Frontend, VhostUserFrontend, VhostUserVirtioFeatures};
use vhost::{VhostBackend, VhostUserMemoryRegionInfo, VringConfigData};
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap};
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};
use vmm_sys_util::eventfd::{EFD_NONBLOCK, EventFd};

use super::rings::{Answer, Rings};

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The eventfds of a queue, and where the back-end is to begin.
struct Connection {
    base: u16,
    kick: EventFd,
    call: Awaited,
    error: Awaited,
}

impl Connection {
    fn new() -> Connection {
        Connection { base: 0, kick: eventfd(), call: Awaited::new(), error: Awaited::new() }
    }
}

fn eventfd() -> EventFd {
    EventFd::new(EFD_NONBLOCK).expect("eventfd")
}

/// An eventfd to wait for.
struct Awaited {
    fd: EventFd,
    epoll: Epoll,
}

impl Awaited {
    fn new() -> Awaited {
        let (fd, epoll) = (eventfd(), Epoll::new().expect("epoll"));
        let event = EpollEvent::new(EventSet::IN, 0);
        epoll.ctl(ControlOperation::Add, fd.as_raw_fd(), event).expect("epoll");
        Awaited { fd, epoll }
    }

    fn wait(&self, deadline: Instant, what: &str) {
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "waited for {what}");
        let mut events = [EpollEvent::default()];
        if let Err(error) = self.epoll.wait(left.as_millis() as i32 + 1, &mut events) {
            assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        }
        if let Err(error) = self.fd.read() {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        }
    }
}

/// A front-end with its driver.
pub struct Driver {
    rings: Rings,
    /// The protocol's other side.
    pub front_end: Frontend,
    connections: Vec<Connection>,
    /// What is in flight, for the next back-end.
    pub inflight: Option<(VhostUserInflight, File)>,
    /// Features asked for.
    pub features: u64,
    /// Features of the protocol asked for.
    pub protocol: VhostUserProtocolFeatures,
}

impl Deref for Driver {
    type Target = Rings;

    fn deref(&self) -> &Rings {
        &self.rings
    }
}

impl DerefMut for Driver {
    fn deref_mut(&mut self) -> &mut Rings {
        &mut self.rings
    }
}

impl Driver {
    /// A driver with `queues` queues of `size` that wants every feature offered; nothing is negotiated yet.
    pub fn new(connection: UnixStream, ram: GuestMemoryMmap, queues: u16, size: u16) -> Driver {
        let front_end = Frontend::from_stream(connection, queues.into());
        let connections = (0..queues).map(|_| Connection::new()).collect();
        let rings = Rings::new(ram, 0, queues, size);
        let protocol = VhostUserProtocolFeatures::all();
        Driver { rings, front_end, connections, inflight: None, features: u64::MAX, protocol }
    }

    /// Negotiates and starts all rings.
    pub fn start(&mut self) -> Result<(), vhost::Error> {
        self.negotiate()?;
        self.share_ram()?;
        for index in 0..self.queues.len() {
            self.start_ring(index)?;
        }
        Ok(())
    }

    /// Features, protocol features, and the in-flight region: a new one unless there is one already.
    pub fn negotiate(&mut self) -> Result<(), vhost::Error> {
        let front_end = &mut self.front_end;
        front_end.set_owner()?;
        let features = front_end.get_features()?;
        let protocol = front_end.get_protocol_features()? & self.protocol;
        front_end.set_protocol_features(protocol)?;
        if protocol.contains(VhostUserProtocolFeatures::REPLY_ACK) {
            front_end.set_hdr_flags(VhostUserHeaderFlag::NEED_REPLY);
        }
        let kept = self.features | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits();
        front_end.set_features(features & kept)?;
        if protocol.contains(VhostUserProtocolFeatures::INFLIGHT_SHMFD) {
            if self.inflight.is_none() {
                let size = self.rings.queues.first().map_or(0, |queue| queue.size);
                let wanted = VhostUserInflight::new(0, 0, self.rings.queues.len() as u16, size);
                self.inflight = Some(front_end.get_inflight_fd(&wanted)?);
            }
            if let Some((region, file)) = &self.inflight {
                front_end.set_inflight_fd(region, file.as_raw_fd())?;
            }
        }
        Ok(())
    }

    /// Sends the memory table.
    pub fn share_ram(&mut self) -> Result<(), vhost::Error> {
        let regions: Result<Vec<_>, _> =
            self.ram.iter().map(VhostUserMemoryRegionInfo::from_guest_region).collect();
        self.front_end.set_mem_table(&regions?).map(drop)
    }

    fn host_address(&self, at: u64) -> u64 {
        self.ram.get_host_address(GuestAddress(at)).expect("ring in RAM") as u64
    }

    /// Describes one ring to the back-end and enables it.
    pub fn start_ring(&mut self, index: usize) -> Result<(), vhost::Error> {
        let (queue, connection) = (&self.rings.queues[index], &self.connections[index]);
        let place = VringConfigData {
            queue_max_size: queue.size,
            queue_size: queue.size,
            flags: 0,
            desc_table_addr: self.host_address(queue.descriptors()),
            used_ring_addr: self.host_address(queue.used_ring()),
            avail_ring_addr: self.host_address(queue.available_ring()),
            log_addr: None,
        };
        self.front_end.set_vring_num(index, queue.size)?;
        self.front_end.set_vring_addr(index, &place)?;
        self.front_end.set_vring_base(index, connection.base)?;
        self.front_end.set_vring_call(index, &connection.call.fd)?;
        self.front_end.set_vring_err(index, &connection.error.fd)?;
        self.front_end.set_vring_kick(index, &connection.kick)?;
        self.front_end.set_vring_enable(index, true)
    }

    /// Goes on with another back-end: same RAM, same rings, same eventfds.
    pub fn reconnect(&mut self, connection: UnixStream) -> Result<(), vhost::Error> {
        self.front_end = Frontend::from_stream(connection, self.queues.len() as u64);
        self.start()
    }

    /// Makes a chain available and kicks if the device wants to be kicked.
    pub fn make_available(&mut self, queue: usize, head: u16) {
        if self.rings.enter(queue, head) || self.features & 1 << 29 == 0 {
            self.kick_anyway(queue);
        }
    }

    /// Kicks.
    pub fn kick_anyway(&self, queue: usize) {
        self.connections[queue].kick.write(1).expect("kick");
    }

    /// Waits for the next entry of the used ring.
    ///
    /// # Panics
    /// When it takes too long.
    pub fn wait_used(&mut self, queue: usize) -> (u16, u32) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(used) = self.used(queue) {
                return used;
            }
            self.connections[queue].call.wait(deadline, "a completed request");
        }
    }

    /// Waits until the device signals an error of a ring.
    pub fn wait_error(&self, queue: usize) {
        self.connections[queue].error.wait(Instant::now() + PATIENCE, "a broken ring");
    }

    /// Runs one command for LUN 0 of a target on the first request queue.
    pub fn command(&mut self, target: u8, cdb: &[u8], out: &[u8], room: u32) -> Answer {
        self.command_to([1, target, 0x40, 0, 0, 0, 0, 0], cdb, out, room)
    }

    /// Runs one command for any LUN.
    pub fn command_to(&mut self, lun: [u8; 8], cdb: &[u8], out: &[u8], room: u32) -> Answer {
        self.put_request(2, 0, lun, cdb, out, room);
        self.make_available(2, 0);
        let (head, written) = self.wait_used(2);
        assert_eq!(head, 0);
        self.answer(0, written, room)
    }

    /// Sends a control request and returns what the device wrote, at most `room` bytes.
    pub fn control(&mut self, request: &[u8], room: u32) -> Vec<u8> {
        self.send_control(request, room);
        let (_, written) = self.wait_used(0);
        self.control_answer(written)
    }

    /// Sends a control request with room for an answer of `room` bytes.
    pub fn send_control(&mut self, request: &[u8], room: u32) {
        self.put_control(request, room);
        self.make_available(0, 0);
    }

    /// Where the back-end is to begin with a queue when it is started again.
    pub fn set_base(&mut self, queue: usize, base: u16) {
        self.connections[queue].base = base;
    }

    /// As after a reset of the guest: rings empty and zeroed, nothing in flight.
    pub fn forget_rings(&mut self) {
        self.rings.forget();
        self.connections.iter_mut().for_each(|connection| connection.base = 0);
        self.inflight = None;
    }

    /// Waits until the back-end has noted `count` requests of a queue as in flight.
    ///
    /// # Panics
    /// When it takes too long.
    pub fn wait_taken(&self, queue: usize, count: usize) {
        use std::os::unix::fs::FileExt;
        let (region, file) = self.inflight.as_ref().expect("in-flight region");
        let size = u64::from(self.queues[queue].size);
        let start = queue as u64 * (16 + size * 16).next_multiple_of(64) + 16;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut entries = vec![0; size as usize * 16];
            file.read_exact_at(&mut entries, region.mmap_offset + start).expect("in-flight region");
            if entries.chunks(16).filter(|entry| entry[0] != 0).count() >= count {
                return;
            }
            assert!(Instant::now() < deadline, "waited for {count} requests in flight");
            std::thread::yield_now();
        }
    }

    /// Waits for the next entry of the used ring, or for an error of it.
    ///
    /// # Panics
    /// When it takes too long.
    pub fn wait_raised_or_used(&mut self, queue: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.used(queue).is_none() && self.connections[queue].error.fd.read().is_err() {
            assert!(Instant::now() < deadline, "waited for anything to happen");
            std::thread::yield_now();
        }
    }
}

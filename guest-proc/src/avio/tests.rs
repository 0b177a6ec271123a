//! The adapter from the driver's side, with a real back-end behind it: found by its capabilities, set up through its
//! registers, interrupting by message or wire, reset, abandoned and taken over.

use std::sync::atomic::AtomicU64;

use storage::scsi::{Disk, Product};
use storage::testing::{Failing, MemoryStore};
use uuid::Uuid;
use vsp_proc::avio::testing::{Answer, NEXT, Rings};
use vsp_proc::avio::{Adapter, AdapterHandle, RamPolicy, Targets};

use super::*;
use crate::memory::GuestRam;
use crate::pci::PciFunction;

const PATIENCE: Duration = Duration::from_secs(60);
const GSI: u32 = 17;
/// Where the driver keeps its rings and requests.
const RINGS_AT: u64 = 0x200_0000;
const ALL_FEATURES: u64 = 1 << 32 | 1 << 29 | 1 << 28 | 1 << 1;

/// Interrupts as they arrive.
#[derive(Default)]
struct Arrived {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    messages: Vec<(u64, u32)>,
    wire: bool,
}

impl Arrived {
    fn wait<T>(&self, what: &str, condition: impl Fn(&mut State) -> Option<T>) -> T {
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(value) = condition(&mut state) {
                return value;
            }
            let (guard, timeout) = self.changed.wait_timeout(state, PATIENCE).unwrap();
            assert!(!timeout.timed_out(), "waited for {what}");
            state = guard;
        }
    }

    fn message(&self, data: u32) {
        self.wait("a message", |state| {
            let at = state.messages.iter().position(|message| message.1 == data)?;
            assert_eq!(state.messages.remove(at).0, 0xfee0_0000);
            Some(())
        });
    }

    fn wire(&self, level: bool) {
        self.wait("the wire", |state| (state.wire == level).then_some(()));
    }
}

impl Interrupts for Arrived {
    fn msi(&self, address: u64, data: u32) {
        self.state.lock().unwrap().messages.push((address, data));
        self.changed.notify_all();
    }

    fn line(&self, gsi: u32, asserted: bool) {
        assert_eq!(gsi, GSI);
        self.state.lock().unwrap().wire = asserted;
        self.changed.notify_all();
    }
}

/// A guest with one adapter: what its driver knows.
struct Guest {
    adapter: Arc<AvioAdapter>,
    arrived: Arc<Arrived>,
    rings: Rings,
    /// Offsets in BAR 0 as found in the capabilities: common, notify, ISR, device.
    parts: [u64; 4],
    notify_multiplier: u64,
    msix_at: u16,
    uses_messages: bool,
}

fn back_end(store: &Arc<MemoryStore>) -> (AdapterHandle, UnixStream) {
    let targets = Targets::new();
    let disk = Disk::new(store.clone(), Product::FileDisk, Uuid::from_u128(7));
    targets.insert(0, Arc::new(disk)).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let adapter = Adapter {
        name: "test".to_owned(),
        targets: Arc::new(targets),
        request_queues: 1,
        ram: RamPolicy::SealedOnly,
    };
    (adapter.serve(theirs).unwrap(), ours)
}

fn guest(connection: UnixStream, request_queues: u16) -> Guest {
    let ram = GuestRam::new(64 << 20).unwrap();
    let arrived = Arc::new(Arrived::default());
    let options = AvioOptions { name: "0,1".to_owned(), request_queues, gsi: GSI };
    let adapter = AvioAdapter::connect(&options, connection, ram.regions.clone(), arrived.clone()).unwrap();
    let rings = Rings::new(ram.regions, RINGS_AT, 2 + request_queues, 64);
    let mut guest = Guest {
        adapter,
        arrived,
        rings,
        parts: [0; 4],
        notify_multiplier: 0,
        msix_at: 0,
        uses_messages: true,
    };
    guest.find_capabilities();
    guest
}

fn with_disk() -> (AdapterHandle, Guest, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new(1 << 20));
    let (back_end, connection) = back_end(&store);
    let mut guest = guest(connection, 2);
    guest.start();
    (back_end, guest, store)
}

impl Guest {
    fn config(&self, offset: u16, size: u8) -> u32 {
        self.adapter.config_read(offset, size)
    }

    fn find_capabilities(&mut self) {
        let mut at = self.config(0x34, 1) as u16;
        while at != 0 {
            match (self.config(at, 1), self.config(at + 3, 1)) {
                (0x09, kind @ 1..=4) => {
                    assert_eq!(self.config(at + 4, 1), 0, "in BAR 0");
                    let part = [0, 1, 2, 3][kind as usize - 1];
                    self.parts[part] = self.config(at + 8, 4).into();
                    if kind == 2 {
                        self.notify_multiplier = self.config(at + 16, 4).into();
                    }
                }
                (0x11, _) => self.msix_at = at,
                _ => {}
            }
            at = self.config(at + 1, 1) as u16;
        }
    }

    fn read(&self, register: u64, size: u8) -> u64 {
        self.adapter.bar_read(0, self.parts[0] + register, size)
    }

    fn write(&self, register: u64, size: u8, value: u64) {
        self.adapter.bar_write(0, self.parts[0] + register, size, value);
    }

    fn status(&self) -> u64 {
        self.read(0x14, 1)
    }

    /// Brings the device up as a driver does.
    fn start(&mut self) {
        self.adapter.config_write(0x04, 2, 0x0006);
        assert_eq!(self.status(), 0);
        self.write(0x14, 1, 1);
        self.write(0x14, 1, 3);
        for (select, word) in [(0, ALL_FEATURES & 0xffff_ffff), (1, ALL_FEATURES >> 32)] {
            self.write(0x00, 4, select);
            assert_eq!(self.read(0x04, 4) & word, word, "offered");
            self.write(0x08, 4, select);
            self.write(0x0c, 4, word);
        }
        self.write(0x14, 1, 0x0b);
        assert_eq!(self.status(), 0x0b);
        if self.uses_messages {
            self.adapter.config_write(self.msix_at + 2, 2, 0x8000);
            for vector in 0..self.rings.queues.len() as u64 + 1 {
                self.adapter.bar_write(1, vector * 16, 4, 0xfee0_0000);
                self.adapter.bar_write(1, vector * 16 + 8, 4, 0x40 + vector);
                self.adapter.bar_write(1, vector * 16 + 12, 4, 0);
            }
            self.write(0x10, 2, 0);
        }
        for queue in &self.rings.queues {
            self.write(0x16, 2, queue.index.into());
            assert_eq!(self.read(0x18, 2), 128);
            self.write(0x18, 2, queue.size.into());
            if self.uses_messages {
                self.write(0x1a, 2, u64::from(queue.index) + 1);
            }
            self.write(0x20, 8, queue.descriptors());
            self.write(0x28, 8, queue.available_ring());
            self.write(0x30, 8, queue.used_ring());
            self.write(0x1c, 2, 1);
        }
        self.write(0x14, 1, 0x0f);
    }

    fn reset_device(&mut self) {
        self.write(0x14, 1, 0);
        let deadline = Instant::now() + PATIENCE;
        while self.status() != 0 {
            assert!(Instant::now() < deadline, "waited for the reset");
        }
        self.rings.forget();
    }

    fn notify(&self, queue: usize) {
        let at = self.parts[1] + queue as u64 * self.notify_multiplier;
        self.adapter.bar_write(0, at, 2, queue as u64);
    }

    fn submit(&mut self, queue: usize, head: u16, cdb: &[u8], out: &[u8], room: u32) {
        self.rings.put_request(queue, head, [1, 0, 0x40, 0, 0, 0, 0, 0], cdb, out, room);
        if self.rings.enter(queue, head) {
            self.notify(queue);
        }
    }

    /// Waits for the queue's interrupt until a request is done.
    fn completed(&mut self, queue: usize) -> (u16, u32) {
        loop {
            if let Some(used) = self.rings.used(queue) {
                return used;
            }
            if self.uses_messages {
                self.arrived.message(0x41 + queue as u32);
            } else {
                self.arrived.wire(true);
                assert_eq!(self.adapter.bar_read(0, self.parts[2], 1) & 1, 1, "ISR");
            }
        }
    }

    fn command(&mut self, queue: usize, cdb: &[u8], out: &[u8], room: u32) -> Answer {
        self.submit(queue, 0, cdb, out, room);
        let (head, written) = self.completed(queue);
        assert_eq!(head, 0);
        self.rings.answer(0, written, room)
    }

    fn write_and_read_back(&mut self, queue: usize, value: u8) {
        let written = self.command(queue, &[0x2a, 0, 0, 0, 0, 9, 0, 0, 2, 0], &[value; 1024], 0);
        assert_eq!((written.response, written.status), (0, 0));
        let read = self.command(queue, &[0x28, 0, 0, 0, 0, 9, 0, 0, 2, 0], &[], 1024);
        assert_eq!((read.response, read.status, read.residual), (0, 0, 0));
        assert_eq!(read.data, [value; 1024]);
    }
}

#[test]
fn function_is_a_modern_virtio_scsi_device() {
    let (_back_end, guest, _) = with_disk();
    assert_eq!(guest.config(0x00, 4), 0x1048_1af4);
    assert_eq!(guest.config(0x08, 4), 0x0100_0001, "SCSI controller, revision 1");
    assert_eq!(guest.config(0x3d, 1), 1, "INTA");
    assert_eq!(guest.parts, [0x0000, 0x3000, 0x1000, 0x2000]);
    assert_eq!(guest.config(guest.msix_at + 2, 2) & 0x7ff, 4, "five vectors");
    assert_eq!(guest.read(0x12, 2), 4, "two queues beside one for each vCPU");
    let device = |offset: u64, size| guest.adapter.bar_read(0, guest.parts[3] + offset, size);
    assert_eq!(device(0, 4), 2, "request queues");
    assert_eq!((device(20, 4), device(24, 4)), (96, 32), "sense and CDB sizes");
    assert_eq!((device(28, 2), device(30, 2), device(32, 4)), (0, 127, 0));
    assert_eq!(device(36, 4), 0);
}

#[test]
fn every_request_queue_works() {
    let (_back_end, mut guest, store) = with_disk();
    for round in 0..100 {
        guest.write_and_read_back(2 + usize::from(round) % 2, round);
    }
    assert_eq!(store.content(9 * 512, 1024), [99; 1024]);
    let inquiry = guest.command(2, &[0x12, 0, 0, 0, 36, 0], &[], 36);
    assert_eq!(&inquiry.data[8..32], b"KITTSON Virtual FileDisk");
}

#[test]
fn flush_and_errors_go_through() {
    let (_back_end, mut guest, store) = with_disk();
    assert_eq!(guest.command(2, &[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[], 0).status, 0);
    assert_eq!(store.flushes(), 1);
    store.fail(Failing::Writes(libc::EIO));
    let answer = guest.command(2, &[0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0], &[0; 512], 0);
    assert_eq!((answer.response, answer.status, answer.sense), (0, 2, Some((3, 0x0c, 0))));
}

#[test]
fn wire_is_used_without_msix_and_falls_when_the_status_is_read() {
    let store = Arc::new(MemoryStore::new(1 << 20));
    let (_back_end, connection) = back_end(&store);
    let mut guest = guest(connection, 1);
    guest.uses_messages = false;
    guest.start();
    for value in 0..20 {
        guest.write_and_read_back(2, value);
    }
    guest.submit(2, 0, &[0; 6], &[], 0);
    guest.arrived.wire(true);
    assert_eq!(guest.config(0x06, 2) & 8, 8, "interrupt status");
    guest.adapter.config_write(0x04, 2, 0x0406);
    guest.arrived.wire(false);
    guest.adapter.config_write(0x04, 2, 0x0006);
    guest.arrived.wire(true);
    assert_eq!(guest.adapter.bar_read(0, guest.parts[2], 1), 1);
    guest.arrived.wire(false);
    assert_eq!(guest.adapter.bar_read(0, guest.parts[2], 1), 0);
}

#[test]
fn masked_vector_is_delivered_when_unmasked() {
    let (_back_end, mut guest, _) = with_disk();
    guest.adapter.bar_write(1, 3 * 16 + 12, 4, 1);
    guest.submit(2, 0, &[0; 6], &[], 0);
    let deadline = Instant::now() + PATIENCE;
    while guest.adapter.bar_read(1, 0x1000, 4) & 1 << 3 == 0 {
        assert!(Instant::now() < deadline, "waited for the pending bit");
    }
    guest.adapter.bar_write(1, 3 * 16 + 12, 4, 0);
    guest.arrived.message(0x43);
    assert_eq!(guest.rings.used(2).map(|(head, _)| head), Some(0));
}

#[test]
fn device_is_reset_and_set_up_again_any_number_of_times() {
    let (_back_end, mut guest, _) = with_disk();
    for round in 0..8 {
        guest.write_and_read_back(3, round);
        guest.reset_device();
        guest.start();
    }
    guest.write_and_read_back(2, 0xff);
}

#[test]
fn machine_reset_leaves_a_device_as_after_power_on() {
    let (_back_end, mut guest, _) = with_disk();
    for round in 0..4 {
        guest.write_and_read_back(2, round);
        guest.submit(2, 5, &[0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0], &[], 512);
        guest.adapter.reset();
        assert_eq!((guest.status(), guest.config(0x04, 2), guest.config(guest.msix_at + 2, 2)), (0, 0, 4));
        assert!(!guest.arrived.state.lock().unwrap().wire);
        guest.arrived.state.lock().unwrap().messages.clear();
        guest.rings.forget();
        guest.start();
    }
    guest.write_and_read_back(2, 9);
    guest.adapter.reset();
    guest.adapter.reset();
}

#[test]
fn broken_queue_asks_the_driver_for_a_reset_and_works_after_it() {
    let (_back_end, mut guest, _) = with_disk();
    let table = guest.rings.queues[2].descriptors();
    guest.rings.put_descriptor(table, 0, (0x200_0000, 51, NEXT, 0));
    guest.rings.enter(2, 0);
    guest.notify(2);
    guest.arrived.message(0x40);
    assert_eq!(guest.status(), 0x4f, "DEVICE_NEEDS_RESET");
    guest.reset_device();
    guest.start();
    guest.write_and_read_back(2, 1);
}

#[test]
fn queue_outside_ram_asks_the_driver_for_a_reset() {
    let store = Arc::new(MemoryStore::new(1 << 20));
    let (_back_end, connection) = back_end(&store);
    let mut guest = guest(connection, 1);
    // Addresses where there is no RAM.
    let ram = guest.rings.ram.clone();
    let good = std::mem::replace(&mut guest.rings, Rings::new(ram, 0xc000_0000, 3, 64));
    guest.start();
    guest.arrived.message(0x40);
    assert_eq!(guest.status(), 0x4f);
    guest.rings = good;
    guest.reset_device();
    guest.start();
    guest.write_and_read_back(2, 3);
}

#[test]
fn window_capability_reaches_the_registers() {
    let (_back_end, guest, _) = with_disk();
    let mut at = guest.config(0x34, 1) as u16;
    while (guest.config(at, 1), guest.config(at + 3, 1)) != (0x09, 5) {
        at = guest.config(at + 1, 1) as u16;
    }
    let select = |bar: u32, offset: u32, len: u32| {
        guest.adapter.config_write(at + 4, 1, bar);
        guest.adapter.config_write(at + 8, 4, offset);
        guest.adapter.config_write(at + 12, 4, len);
    };
    select(0, 0x12, 2);
    assert_eq!(guest.config(at + 16, 4), 4, "number of queues");
    select(0, 0x16, 2);
    guest.adapter.config_write(at + 16, 4, 3);
    assert_eq!(guest.read(0x16, 2), 3);
    for (bar, offset, len) in
        [(0, 0x4000, 1), (0, 1, 4), (0, 0, 3), (5, 0, 4), (0, u32::MAX, 1), (0, 0, u32::MAX)]
    {
        select(bar, offset, len);
        assert_eq!(guest.config(at + 16, 4), 0);
        guest.adapter.config_write(at + 16, 4, 0);
    }
    assert_eq!(guest.status(), 0x0f);
}

#[test]
fn requests_survive_the_loss_of_the_back_end() {
    let (first, mut guest, store) = with_disk();
    let (tell, lost) = std::sync::mpsc::channel();
    guest.adapter.on_loss(move || tell.send(()).unwrap());
    guest.write_and_read_back(2, 1);
    first.stop();
    assert!(first.wait(PATIENCE));
    lost.recv_timeout(PATIENCE).unwrap();
    // The guest does not notice; its requests wait.
    for head in 1..=10 {
        guest.submit(2, head, &[0x2a, 0, 0, 0, 0, head as u8, 0, 0, 1, 0], &[head as u8; 512], 0);
    }
    assert_eq!(guest.status(), 0x0f);
    let (_second, connection) = back_end(&store);
    guest.adapter.reconnect(connection);
    let mut heads: Vec<u16> = (0..10).map(|_| guest.completed(2).0).collect();
    heads.sort_unstable();
    assert_eq!(heads, (1..=10).collect::<Vec<_>>());
    assert_eq!(store.content(10 * 512, 512), [10; 512]);
    guest.write_and_read_back(3, 2);
}

#[test]
fn device_can_be_reset_and_started_while_there_is_no_back_end() {
    let (first, mut guest, store) = with_disk();
    first.stop();
    assert!(first.wait(PATIENCE));
    guest.reset_device();
    guest.start();
    guest.submit(2, 0, &[0; 6], &[], 0);
    let (_second, connection) = back_end(&store);
    guest.adapter.reconnect(connection);
    assert_eq!(guest.completed(2).0, 0);
    guest.write_and_read_back(2, 7);
}

#[test]
fn silent_successor_holds_up_nobody_but_its_adapter() {
    let (first, mut guest, store) = with_disk();
    guest.write_and_read_back(2, 1);
    first.stop();
    assert!(first.wait(PATIENCE));
    // Whoever waited for its answer would not come to make it leave.
    let (ours, silent) = UnixStream::pair().unwrap();
    guest.adapter.reconnect(ours);
    drop(silent);
    let (_second, connection) = back_end(&store);
    guest.adapter.reconnect(connection);
    guest.write_and_read_back(2, 7);
}

#[test]
fn silent_back_end_blocks_no_vcpu() {
    // One that answers until the device is started, and then no more.
    let (ours, theirs) = UnixStream::pair().unwrap();
    let store = Arc::new(MemoryStore::new(1 << 20));
    let (_back_end, real) = back_end(&store);
    let relay = Relay::start(theirs, real);
    let mut guest = guest(ours, 1);
    relay.freeze();
    guest.start();
    guest.notify(2);
    guest.write(0x14, 1, 0);
    // Whoever had waited for the back-end would find the reset done, for that is given up then.
    assert_ne!(guest.status(), 0);
}

/// Bytes and descriptors between a front-end and a back-end, until frozen.
struct Relay {
    frozen: Arc<AtomicBool>,
    forwarded: Arc<AtomicU64>,
}

impl Relay {
    fn start(front: UnixStream, back: UnixStream) -> Relay {
        let relay = Relay { frozen: Arc::default(), forwarded: Arc::default() };
        for (from, to) in [(front.try_clone().unwrap(), back.try_clone().unwrap()), (back, front)] {
            let (frozen, forwarded) = (relay.frozen.clone(), relay.forwarded.clone());
            thread::spawn(move || {
                let (mut from, mut to) = (from, to);
                let mut bytes = [0; 4096];
                while let Ok(len) = io::Read::read(&mut from, &mut bytes) {
                    if len == 0 {
                        return;
                    }
                    if !frozen.load(Ordering::SeqCst) {
                        // Negotiation carries no descriptors.
                        io::Write::write_all(&mut to, &bytes[..len]).unwrap();
                        forwarded.fetch_add(len as u64, Ordering::SeqCst);
                    }
                }
            });
        }
        relay
    }

    fn freeze(&self) {
        assert!(self.forwarded.load(Ordering::SeqCst) > 0);
        self.frozen.store(true, Ordering::SeqCst);
    }
}

#[test]
fn back_end_that_leaves_at_once_is_an_error() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    let ram = GuestRam::new(64 << 20).unwrap();
    let options = AvioOptions { name: "0,1".to_owned(), request_queues: 1, gsi: GSI };
    let arrived = Arc::new(Arrived::default());
    let refused = AvioAdapter::connect(&options, ours, ram.regions, arrived).err().unwrap();
    assert_eq!(refused.to_string(), "AVIO back-end does not answer or refuses");
}

#[test]
fn dropped_adapter_lets_its_back_end_go() {
    let (back_end, guest, _) = with_disk();
    drop(guest);
    assert!(back_end.wait(PATIENCE));
}

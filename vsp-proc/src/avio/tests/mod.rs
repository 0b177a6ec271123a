//! A real front-end over a real socket against the adapter: what a driver asks for, does wrong, and survives.

mod engines;
mod hostile;
mod restart;
mod tasks;

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use storage::backing::{Access, BlockStore, Patience, RawFile};
use storage::scsi::{Command, Disk, Execution, Product, StatisticsSnapshot};
use storage::testing::{Failing, MemoryStore};
use uuid::Uuid;

use super::testing::{Answer, Driver, PATIENCE, ram, sealed_ram};
use super::*;

const READ_10: u8 = 0x28;
const WRITE_10: u8 = 0x2a;

const GOOD: u8 = 0;
const CHECK_CONDITION: u8 = 2;

/// A transfer of blocks of 512 bytes.
fn cdb(opcode: u8, lba: u32, blocks: u16) -> [u8; 10] {
    let ([a, b, c, d], [e, f]) = (lba.to_be_bytes(), blocks.to_be_bytes());
    [opcode, 0, a, b, c, d, 0, e, f, 0]
}

fn disk(store: Arc<dyn BlockStore>) -> Arc<Disk> {
    Arc::new(Disk::new(store, Product::FileDisk, Uuid::from_u128(1)))
}

fn serve(targets: &Arc<Targets>) -> (AdapterHandle, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let adapter = Adapter {
        name: "test 0,1".to_owned(),
        targets: Arc::clone(targets),
        request_queues: 2,
        ram: RamPolicy::SealedOnly,
    };
    (adapter.serve(theirs).unwrap(), ours)
}

/// An adapter with one target, number 3, and a driver with two request queues.
fn with_target(target: Arc<dyn Target>) -> (AdapterHandle, Driver) {
    let targets = Arc::new(Targets::new());
    targets.insert(3, target).unwrap();
    let (adapter, connection) = serve(&targets);
    let mut driver = Driver::new(connection, sealed_ram(), 4, 128);
    driver.start().unwrap();
    (adapter, driver)
}

fn with_store() -> (AdapterHandle, Driver, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new(1 << 20));
    let (adapter, driver) = with_target(disk(store.clone()));
    (adapter, driver, store)
}

fn good(answer: &Answer) {
    assert_eq!((answer.response, answer.status, answer.sense), (0, GOOD, None), "{answer:?}");
}

#[test]
fn inquiry_reaches_the_target() {
    let (_adapter, mut driver, _) = with_store();
    let answer = driver.command(3, &[0x12, 0, 0, 0, 96, 0], &[], 256);
    good(&answer);
    assert_eq!(&answer.data[8..32], b"KITTSON Virtual FileDisk");
    assert_eq!((answer.residual, answer.written), (256 - 96, 108 + 96));
}

#[test]
fn written_blocks_are_read_back_and_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk");
    RawFile::create(&path, 8 << 20).unwrap();
    let (adapter, mut driver) = with_target(disk(Arc::new(RawFile::open(&path, Access::ReadWrite).unwrap())));
    let data: Vec<u8> = (0..64 << 10).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let write = driver.command(3, &cdb(WRITE_10, 1000, 128), &data, 0);
    good(&write);
    assert_eq!((write.residual, write.written), (0, 108));
    good(&driver.command(3, &cdb(0x35, 0, 0), &[], 0));
    let read = driver.command(3, &cdb(READ_10, 1000, 128), &[], 64 << 10);
    good(&read);
    assert_eq!(read.data, data);
    assert_eq!(&std::fs::read(&path).unwrap()[1000 * 512..][..64 << 10], &data);
    let expected = StatisticsSnapshot {
        reads: 1,
        read_bytes: 64 << 10,
        writes: 1,
        written_bytes: 64 << 10,
        flushes: 1,
        ..StatisticsSnapshot::default()
    };
    assert_eq!(adapter.targets().statistics(), [(3, expected)]);
}

#[test]
fn all_requests_of_a_full_ring_are_answered() {
    let (_adapter, mut driver, store) = with_store();
    for queue in [2, 3] {
        for head in 0..100 {
            let block = [head as u8; 512];
            driver.put_request(
                queue,
                head,
                [1, 3, 0x40, 0, 0, 0, 0, 0],
                &cdb(WRITE_10, head.into(), 1),
                &block,
                0,
            );
            driver.make_available(queue, head);
        }
        let mut heads: Vec<u16> = (0..100).map(|_| driver.wait_used(queue).0).collect();
        heads.sort_unstable();
        assert_eq!(heads, (0..100).collect::<Vec<_>>());
    }
    for block in 0..100 {
        assert_eq!(store.content(block * 512, 512), [block as u8; 512]);
    }
}

#[test]
fn rings_without_event_index_work_too() {
    let store = Arc::new(MemoryStore::new(1 << 20));
    let targets = Arc::new(Targets::new());
    targets.insert(0, disk(store)).unwrap();
    let (_adapter, connection) = serve(&targets);
    let mut driver = Driver::new(connection, sealed_ram(), 3, 16);
    driver.features = !(1 << 29);
    driver.start().unwrap();
    for _ in 0..40 {
        good(&driver.command(0, &cdb(READ_10, 0, 1), &[], 512));
    }
}

#[test]
fn absent_targets_and_units_are_told_apart() {
    let (_adapter, mut driver, _) = with_store();
    let tur = [0; 6];
    assert_eq!(driver.command(4, &tur, &[], 0).response, 3, "BAD_TARGET");
    assert_eq!(driver.command_to([0xc1, 1, 0, 0, 0, 0, 0, 0], &tur, &[], 0).response, 3, "well-known LUN");
    let other = driver.command_to([1, 3, 0x40, 1, 0, 0, 0, 0], &tur, &[], 0);
    assert_eq!((other.response, other.status, other.sense), (0, CHECK_CONDITION, Some((5, 0x25, 0))));
    let inquiry = driver.command_to([1, 3, 0x40, 1, 0, 0, 0, 0], &[0x12, 0, 0, 0, 36, 0], &[], 36);
    assert_eq!(inquiry.data[0], 0x7f);
}

#[test]
fn host_errors_become_sense_data() {
    let (adapter, mut driver, store) = with_store();
    store.fail(Failing::Writes(libc::ENOSPC));
    let answer = driver.command(3, &cdb(WRITE_10, 0, 1), &[1; 512], 0);
    assert_eq!((answer.response, answer.status, answer.sense), (0, CHECK_CONDITION, Some((7, 0x27, 7))));
    assert_eq!(answer.residual, 512);
    store.fail(Failing::Flushes(libc::EIO));
    assert_eq!(driver.command(3, &cdb(0x35, 0, 0), &[], 0).sense, Some((3, 0x0c, 0)));
    store.fail(Failing::Reads(libc::EIO));
    assert_eq!(driver.command(3, &cdb(READ_10, 0, 1), &[], 512).sense, Some((3, 0x11, 0)));
    assert_eq!(driver.command(3, &cdb(READ_10, 5000, 1), &[], 512).sense, Some((5, 0x21, 0)));
    assert_eq!(adapter.targets().statistics()[0].1.errors, 3);
    store.fail(Failing::Nothing);
    good(&driver.command(3, &cdb(READ_10, 0, 1), &[], 512));
}

#[test]
fn command_larger_than_its_buffers_is_an_overrun() {
    let (_adapter, mut driver, store) = with_store();
    assert_eq!(driver.command(3, &cdb(READ_10, 0, 2), &[], 1023).response, 1);
    assert_eq!(driver.command(3, &cdb(WRITE_10, 0, 2), &[1; 1023], 0).response, 1);
    assert_eq!(driver.command(3, &cdb(WRITE_10, 0, 1), &[1; 512], 512).response, 9, "both directions");
    assert_eq!(store.content(0, 1024), vec![0; 1024]);
}

#[test]
fn configuration_is_that_of_the_adapter() {
    use vhost::vhost_user::VhostUserFrontend;
    use vhost::vhost_user::message::VhostUserConfigFlags;
    let (_adapter, mut driver, _) = with_store();
    let flags = VhostUserConfigFlags::WRITABLE;
    let (_, config) = driver.front_end.get_config(0, 36, flags, &[0; 36]).unwrap();
    let words: Vec<u32> =
        config[..28].chunks(4).map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]])).collect();
    assert_eq!(words, [2, 126, 0xffff, 128, 16, 96, 32]);
    assert_eq!(config[28..], [0, 0, 127, 0, 0, 0, 0, 0]);
    driver.front_end.set_config(20, flags, &96u32.to_le_bytes()).unwrap();
    driver.front_end.set_config(24, flags, &32u32.to_le_bytes()).unwrap();
    assert!(driver.front_end.set_config(24, flags, &64u32.to_le_bytes()).is_err());
    assert!(driver.front_end.set_config(0, flags, &1u32.to_le_bytes()).is_err());
}

#[test]
fn targets_come_and_go_and_the_driver_is_told() {
    let (adapter, mut driver, _) = with_store();
    let buffer = 0x10_0000;
    driver.put_descriptor(driver.queues[1].descriptors(), 0, (buffer, 16, testing::WRITE, 0));
    driver.put_descriptor(driver.queues[1].descriptors(), 1, (buffer + 16, 16, testing::WRITE, 0));
    driver.make_available(1, 0);
    adapter.add_target(7, disk(Arc::new(MemoryStore::new(512)))).unwrap();
    assert_eq!(driver.wait_used(1), (0, 16));
    assert_eq!(driver.read(buffer, 16), [1, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    good(&driver.command(7, &[0; 6], &[], 0));
    // No buffer at the moment: the event waits for one.
    assert!(adapter.remove_target(7).is_some());
    assert!(adapter.remove_target(7).is_none());
    driver.make_available(1, 1);
    assert_eq!(driver.wait_used(1), (1, 16));
    assert_eq!(driver.read(buffer + 16, 16), [1, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
    assert_eq!(driver.command(7, &[0; 6], &[], 0).response, 3);
    assert_eq!(adapter.add_target(128, disk(Arc::new(MemoryStore::new(512)))), Err(TargetError::Number(128)));
    assert_eq!(adapter.add_target(3, disk(Arc::new(MemoryStore::new(512)))), Err(TargetError::Taken(3)));
}

#[test]
fn buffers_may_straddle_descriptors_and_lie_in_any_range_of_ram() {
    let (_adapter, mut driver, store) = with_store();
    let (high, table) = (testing::HIGH_RAM_AT, driver.queues[2].descriptors());
    // Request in three pieces, data out in two, of which one begins in the first piece's descriptor.
    driver.put_request(2, 0, [1, 3, 0x40, 0, 0, 0, 0, 0], &cdb(WRITE_10, 7, 1), &[], 0);
    let request = driver.read(0x20_0000, 51);
    driver.write(high, &request[..5]);
    driver.write(high + 0x1000, &[&request[5..], &[0xaa; 100]].concat());
    driver.write(high + 0x2000, &[0xbb; 412]);
    let parts = [(high, 5, 0), (high + 0x1000, 146, 0), (high + 0x2000, 412, 0)];
    let answer = [(high + 0x3000, 50, testing::WRITE), (high + 0x4000, 58, testing::WRITE)];
    for (i, (address, len, flags)) in parts.into_iter().chain(answer).enumerate() {
        let more = if i < 4 { testing::NEXT } else { 0 };
        driver.put_descriptor(table, 10 + i as u16, (address, len, flags | more, 11 + i as u16));
    }
    driver.make_available(2, 10);
    assert_eq!(driver.wait_used(2), (10, 108));
    assert_eq!(driver.read(high + 0x3000 + 10, 2), [GOOD, 0]);
    assert_eq!(store.content(7 * 512, 512), [vec![0xaa; 100], vec![0xbb; 412]].concat());
}

/// A target that answers TEST UNIT READY at once and keeps everything else waiting until let go.
#[derive(Default)]
struct Slow {
    gate: std::sync::Mutex<(usize, bool)>,
    moved: std::sync::Condvar,
    resets: std::sync::atomic::AtomicUsize,
}

impl Slow {
    fn wait_for_waiting(&self, count: usize) {
        let mut gate = self.gate.lock().unwrap();
        while gate.0 < count {
            let (guard, timeout) = self.moved.wait_timeout(gate, PATIENCE).unwrap();
            assert!(!timeout.timed_out(), "waited for {count} requests to arrive");
            gate = guard;
        }
    }

    fn let_go(&self) {
        self.gate.lock().unwrap().1 = true;
        self.moved.notify_all();
    }
}

impl Target for Slow {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        let good = Execution::Done(storage::scsi::Completion { sense: None, data_out: 0, data_in: 0 });
        if command.cdb[0] == 0 {
            return good;
        }
        if patience != Patience::Unlimited {
            return Execution::WouldWait(storage::scsi::Wait::Long);
        }
        let mut gate = self.gate.lock().unwrap();
        gate.0 += 1;
        self.moved.notify_all();
        while !gate.1 {
            gate = self.moved.wait(gate).unwrap();
        }
        good
    }

    fn reset(&self, _: storage::scsi::Reset) {
        self.resets.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }

    fn statistics(&self) -> StatisticsSnapshot {
        StatisticsSnapshot::default()
    }
}

#[test]
fn slow_commands_delay_no_other() {
    let slow = Arc::new(Slow::default());
    let (_adapter, mut driver) = with_target(slow.clone());
    let lun = [1, 3, 0x40, 0, 0, 0, 0, 0];
    for head in 1..=20 {
        driver.put_request(2, head, lun, &cdb(READ_10, 0, 1), &[], 512);
        driver.make_available(2, head);
    }
    slow.wait_for_waiting(20);
    for _ in 0..10 {
        good(&driver.command(3, &[0; 6], &[], 0));
    }
    slow.let_go();
    let mut heads: Vec<u16> = (0..20).map(|_| driver.wait_used(2).0).collect();
    heads.sort_unstable();
    assert_eq!(heads, (1..=20).collect::<Vec<_>>());
}

#[test]
fn adapter_ends_when_its_front_end_leaves() {
    let (adapter, driver, store) = with_store();
    assert!(!adapter.wait(std::time::Duration::ZERO));
    drop(driver);
    assert!(adapter.wait(PATIENCE));
    drop(adapter);
    assert_eq!(Arc::strong_count(&store), 1, "its stores are free");
}

#[test]
fn stopped_adapter_finishes_what_it_has_begun() {
    let slow = Arc::new(Slow::default());
    let (adapter, mut driver) = with_target(slow.clone());
    driver.put_request(2, 1, [1, 3, 0x40, 0, 0, 0, 0, 0], &cdb(READ_10, 0, 1), &[], 512);
    driver.make_available(2, 1);
    slow.wait_for_waiting(1);
    adapter.stop();
    assert!(!adapter.wait(std::time::Duration::from_millis(1)));
    slow.let_go();
    assert!(adapter.wait(PATIENCE));
    assert_eq!(driver.wait_used(2).0, 1);
}

#[test]
fn what_happens_before_the_driver_is_ready_is_told_when_it_is() {
    let targets = Arc::new(Targets::new());
    let (adapter, connection) = serve(&targets);
    adapter.add_target(5, disk(Arc::new(MemoryStore::new(512)))).unwrap();
    adapter.tell_again(6);
    assert!(adapter.has_news(5));
    let mut driver = Driver::new(connection, sealed_ram(), 4, 128);
    driver.start().unwrap();
    let buffer = 0x10_0000;
    for head in 0..2 {
        let at = buffer + 16 * u64::from(head);
        driver.put_descriptor(driver.queues[1].descriptors(), head, (at, 16, testing::WRITE, 0));
        driver.make_available(1, head);
        assert_eq!(driver.wait_used(1), (head, 16));
    }
    assert_eq!(driver.read(buffer, 16), [1, 0, 0, 0, 1, 5, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(driver.read(buffer + 16, 16), [1, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
    assert!(!adapter.has_news(5) && !adapter.is_busy(5));
}

//! A VSP that is killed, or leaves its guests: to them the disk has had power all the time.

use super::*;
use crate::scsi::reservation::Power;

const TEST_UNIT_READY: [u8; 6] = [0; 6];

/// A store and a directory that outlive processes.
struct Host {
    store: Arc<MemoryStore>,
    directory: tempfile::TempDir,
}

impl Host {
    fn new() -> Host {
        let store = Arc::new(MemoryStore::new((BLOCKS * BLOCK) as usize));
        Host { store, directory: tempfile::tempdir().unwrap() }
    }

    /// A process opens the disk for guest 1.
    fn open(&self, power: Power) -> Bench {
        let disk = Disk::with_reservations(
            self.store.clone(),
            Product::FileDisk,
            Uuid::from_u128(7),
            Initiator(Uuid::from_u128(1)),
            Reservations::kept_in(&self.directory.path().join("reservations"), power).unwrap(),
        );
        let disk = disk.kept_in(&self.directory.path().join("state"), power).unwrap();
        Bench { disk, store: self.store.clone() }
    }
}

/// What is dropped by a process that dies leaves no trace.
fn killed(benches: impl IntoIterator<Item = Bench>) {
    for bench in benches {
        bench.disk.leave();
    }
}

fn write_cache(bench: &Bench) -> u8 {
    bench.data(&[0x1a, 0x08, 0x08, 0, 255, 0], 255)[6] & 0x04
}

#[test]
fn settings_and_what_is_to_be_told_survive_the_vsp_and_not_the_power() {
    let host = Host::new();
    let bench = host.open(Power::Lost);
    let other = bench.shared_with(2);
    bench.good(&[0x15, 0x10, 0, 0, 24, 0], &caching_list(0));
    bench.good(&[0x1b, 0, 0, 0, 0, 0], &[]);
    killed([bench, other]);

    let bench = host.open(Power::Kept);
    assert_eq!(write_cache(&bench), 0, "the guest relies on it");
    assert_eq!(bench.sense(&TEST_UNIT_READY, &[]), Sense::STOPPED);
    let other = bench.shared_with(2);
    assert_eq!(other.sense(&TEST_UNIT_READY, &[]), Sense::MODE_CHANGED, "it had not asked before");
    assert_eq!(
        bench.shared_with(3).sense(&TEST_UNIT_READY, &[]),
        Sense::STOPPED,
        "nothing is new to one who is"
    );
    killed([bench, other]);

    let bench = host.open(Power::Lost);
    assert_ne!(write_cache(&bench), 0);
    bench.good(&TEST_UNIT_READY, &[]);
    killed([bench]);
    assert_ne!(write_cache(&host.open(Power::Kept)), 0, "what was before the loss of power is gone for good");
}

#[test]
fn unit_attention_whose_answer_may_be_lost_is_told_twice_rather_than_never() {
    let host = Host::new();
    let bench = host.open(Power::Lost);
    bench.disk.reset(Reset::PowerOn);
    assert_eq!(bench.sense(&TEST_UNIT_READY, &[]), Sense::POWER_ON);
    killed([bench]);
    let bench = host.open(Power::Kept);
    assert_eq!(bench.sense(&TEST_UNIT_READY, &[]), Sense::POWER_ON);
    bench.good(&TEST_UNIT_READY, &[]);
    killed([bench]);
    host.open(Power::Kept).good(&TEST_UNIT_READY, &[]);
}

#[test]
fn store_that_grew_while_there_was_no_vsp_is_announced_to_everybody_who_knew_it_smaller() {
    let host = Host::new();
    let bench = host.open(Power::Lost);
    let other = bench.shared_with(2);
    killed([bench, other]);
    host.store.grow((2 * BLOCKS * BLOCK) as usize);
    let bench = host.open(Power::Kept);
    let other = bench.shared_with(2);
    assert_eq!(bench.disk.notice_resize(), Some(Sense::CAPACITY_CHANGED));
    let new = bench.shared_with(3);
    killed([bench, other, new]);

    let bench = host.open(Power::Kept);
    let (other, new) = (bench.shared_with(2), bench.shared_with(3));
    assert_eq!(bench.disk.notice_resize(), None, "told under the VSP before");
    assert_eq!(bench.sense(&TEST_UNIT_READY, &[]), Sense::CAPACITY_CHANGED, "and not asked yet");
    assert_eq!(other.disk.notice_resize(), Some(Sense::CAPACITY_CHANGED));
    assert_eq!(other.sense(&TEST_UNIT_READY, &[]), Sense::CAPACITY_CHANGED);
    assert_eq!(new.disk.notice_resize(), None);
}

/// The answer to the request of this number with data for the disk, delivered for the first time or `again`.
fn deliver(bench: &Bench, cdb: &[u8], data: &mut [u8], number: u64, again: bool) -> Execution {
    let command = Command {
        cdb,
        data_out: &Segments::from_slice(data),
        data_in: &Segments::empty(),
        delivery: Delivery { queue: 2, number, again },
    };
    bench.disk.execute(&command, Patience::Unlimited)
}

#[test]
fn persistent_reservation_is_made_once() {
    let host = Host::new();
    let register = [0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0];
    let mut list = [&0u64.to_be_bytes()[..], &5u64.to_be_bytes(), &[0; 8]].concat();
    let mut deliver = |bench: &Bench, number, again| deliver(bench, &register, &mut list, number, again);
    let bench = host.open(Power::Lost);
    let answer = deliver(&bench, 1, false);
    killed([bench]);
    let bench = host.open(Power::Kept);
    assert_eq!(deliver(&bench, 1, true), answer);
    assert_eq!(deliver(&bench, 2, false), Execution::Conflict, "the key it has now is another one");
    let keys = bench.data(&[0x5e, 0, 0, 0, 0, 0, 0, 0, 255, 0], 255);
    assert_eq!(keys, [0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5]);
}

#[test]
fn guest_that_went_in_order_is_not_remembered() {
    let host = Host::new();
    let bench = host.open(Power::Lost);
    let other = bench.shared_with(2);
    other.disk.reset(Reset::Nexus);
    drop(other);
    killed([bench]);
    let bench = host.open(Power::Kept);
    bench.shared_with(2).good(&TEST_UNIT_READY, &[]);
}

/// The answer to a COMPARE AND WRITE of block 5, from zeros to sevens.
fn exchange(bench: &Bench, data: [u8; 2], number: u64, again: bool) -> Execution {
    let mut cdb = [0; 16];
    (cdb[0], cdb[9], cdb[13]) = (0x89, 5, 1);
    deliver(bench, &cdb, &mut data.map(block).concat(), number, again)
}

const EXCHANGED: Execution = Execution::Done(Completion { sense: None, data_out: 1024, data_in: 0 });

fn is_miscompare(execution: &Execution) -> bool {
    matches!(execution, Execution::Done(Completion { sense: Some(sense), .. }) if sense.is(Sense::MISCOMPARE))
}

#[test]
fn compare_and_write_is_carried_out_once() {
    let host = Host::new();
    let bench = host.open(Power::Lost);
    assert_eq!(exchange(&bench, [0, 7], 1, false), EXCHANGED);
    killed([bench]);
    let bench = host.open(Power::Kept);
    // Another guest was quicker to come back.
    bench.shared_with(2).good(&extent(0x2a, 5, 1), &block(9));
    assert_eq!(exchange(&bench, [0, 7], 1, true), EXCHANGED);
    assert_eq!(host.store.content(5 * 512, 512), block(9));
    // One that had not come so far, one that is new, and one of another life of the guest's device.
    assert!(is_miscompare(&exchange(&bench, [0, 7], 2, true)));
    assert!(is_miscompare(&exchange(&bench, [0, 7], 3, false)));
    assert!(is_miscompare(&exchange(&bench, [0, 8], 1, true)));
    bench.disk.reset(Reset::PowerOn);
    killed([bench]);
    let bench = host.open(Power::Kept);
    assert_eq!(bench.sense(&TEST_UNIT_READY, &[]), Sense::POWER_ON);
    assert!(is_miscompare(&exchange(&bench, [0, 7], 1, true)), "it begins anew");
}

#[test]
fn compare_and_write_that_was_begun_is_completed() {
    let host = Host::new();
    let bench = host.open(Power::Lost);
    host.store.fail(Failing::Writes(libc::EIO));
    exchange(&bench, [0, 7], 1, false);
    killed([bench]);
    host.store.fail(Failing::Nothing);
    // As far as the host has come with it.
    let bench = host.open(Power::Kept);
    bench.good(&extent(0x2a, 5, 1), &block(7));
    assert_eq!(exchange(&bench, [0, 7], 1, true), EXCHANGED);
    assert_eq!(host.store.content(5 * 512, 512), block(7));
}

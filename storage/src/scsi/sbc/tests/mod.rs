//! Each command of a disk: that it does what it says, and that wrong fields are refused where the standard says.

mod compare;
mod host;
mod kept;
mod pages;
mod reservations;

use std::sync::Arc;

use super::super::Delivery;
use super::super::command::{Needs, rows};
use super::*;
use crate::scsi::sense::Key;
use crate::scsi::tests::{accepted, check_tables, run_with};
use crate::segments::Segments;
use crate::testing::{Failing, MemoryStore};

/// Blocks of the disks here.
const BLOCKS: u64 = 2048;

struct Bench {
    disk: Disk,
    store: Arc<MemoryStore>,
}

/// What came back from one command.
#[derive(Debug)]
struct Answer {
    execution: Execution,
    data: Vec<u8>,
}

impl Bench {
    /// The same disk for another guest.
    fn shared_with(&self, number: u128) -> Bench {
        let initiator = Initiator(Uuid::from_u128(number));
        Bench { disk: self.disk.shared_with(initiator), store: self.store.clone() }
    }

    fn new() -> Bench {
        Bench::on(MemoryStore::new((BLOCKS * BLOCK) as usize))
    }

    fn on(store: MemoryStore) -> Bench {
        let store = Arc::new(store);
        let id = Uuid::from_u128(0x0123_4567_89ab_4cde_8f01_2345_6789_abcd);
        Bench { disk: Disk::new(store.clone(), Product::FileDisk, id), store }
    }

    fn run(&self, cdb: &[u8], data_out: &[u8], room: usize) -> Answer {
        self.run_with(cdb, data_out, room, Patience::Unlimited)
    }

    fn run_with(&self, cdb: &[u8], data_out: &[u8], room: usize, patience: Patience) -> Answer {
        let (execution, data) = run_with(&self.disk, cdb, data_out, room, patience);
        Answer { execution, data }
    }

    /// Data of a command that must succeed, cut to what was transferred.
    fn data(&self, cdb: &[u8], room: usize) -> Vec<u8> {
        let Answer { execution, mut data } = self.run(cdb, &[], room);
        let Execution::Done(Completion { sense: None, data_in, .. }) = execution else {
            panic!("{cdb:02x?}: {execution:?}")
        };
        data.truncate(data_in as usize);
        data
    }

    fn good(&self, cdb: &[u8], data_out: &[u8]) {
        let answer = self.run(cdb, data_out, 0);
        let taken = data_out.len() as u64;
        let expected = Completion { sense: None, data_out: taken, data_in: 0 };
        assert_eq!(answer.execution, Execution::Done(expected), "{cdb:02x?}");
    }

    fn sense(&self, cdb: &[u8], data_out: &[u8]) -> Sense {
        let answer = self.run(cdb, data_out, 4096);
        let Execution::Done(Completion { sense: Some(sense), data_out: 0, data_in: 0 }) = answer.execution
        else {
            panic!("{cdb:02x?}: {answer:?}")
        };
        sense
    }
}

fn block(value: u8) -> Vec<u8> {
    vec![value; BLOCK as usize]
}

/// A CDB with an address and a length in the places of its size.
fn extent(opcode: u8, lba: u64, blocks: u32) -> Vec<u8> {
    let short = (lba as u32).to_be_bytes();
    match opcode {
        0x00..0x20 => vec![opcode, short[1], short[2], short[3], blocks as u8, 0],
        0x20..0x60 => [&[opcode, 0][..], &short, &[0], &(blocks as u16).to_be_bytes(), &[0]].concat(),
        0xa0..0xc0 => [&[opcode, 0][..], &short, &blocks.to_be_bytes(), &[0, 0]].concat(),
        _ => [&[opcode, 0][..], &lba.to_be_bytes(), &blocks.to_be_bytes(), &[0, 0]].concat(),
    }
}

fn with(mut cdb: Vec<u8>, byte: usize, bits: u8) -> Vec<u8> {
    cdb[byte] |= bits;
    cdb
}

const READS: [u8; 4] = [0x08, 0x28, 0xa8, 0x88];
const WRITES: [u8; 4] = [0x0a, 0x2a, 0xaa, 0x8a];
const VERIFIES: [u8; 3] = [0x2f, 0xaf, 0x8f];

/// For each row a CDB (with data-out) that succeeds on a fresh disk.
fn good_cdbs() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut cdbs: Vec<(Vec<u8>, Vec<u8>)> = [
        vec![0x00, 0, 0, 0, 0, 0],
        vec![0x03, 0, 0, 0, 18, 0],
        vec![0x12, 0, 0, 0, 96, 0],
        vec![0x15, 0x10, 0, 0, 0, 0],
        vec![0x1a, 0, 0x3f, 0, 255, 0],
        vec![0x16, 0, 0, 0, 0, 0],
        vec![0x17, 0, 0, 0, 0, 0],
        vec![0x1b, 0, 0, 0, 1, 0],
        vec![0x1d, 0x04, 0, 0, 0, 0],
        vec![0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        vec![0x55, 0x10, 0, 0, 0, 0, 0, 0, 0, 0],
        vec![0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        vec![0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        vec![0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 255, 0],
        vec![0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        vec![0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0],
        vec![0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0],
        vec![0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
        vec![0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0],
        vec![0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    .map(|cdb| (cdb, Vec::new()))
    .into();
    cdbs.extend(READS.map(|opcode| (extent(opcode, 5, 2), Vec::new())));
    cdbs.extend(WRITES.map(|opcode| (extent(opcode, 5, 1), block(1))));
    cdbs.extend(VERIFIES.map(|opcode| (extent(opcode, 5, 1), Vec::new())));
    cdbs.extend([0x2e, 0xae, 0x8e].map(|opcode| (extent(opcode, 5, 1), block(1))));
    cdbs.extend((0..4).map(|action| (vec![0x5e, action, 0, 0, 0, 0, 0, 0, 255, 0], Vec::new())));
    cdbs.extend([0, 6].map(|action| (vec![0x5f, action, 0, 0, 0, 0, 0, 0, 24, 0], vec![0; 24])));
    cdbs.extend([0x35, 0x91].map(|opcode| (extent(opcode, 0, 0), Vec::new())));
    cdbs.extend([0x41, 0x93].map(|opcode| (extent(opcode, 5, 3), block(7))));
    cdbs
}

#[test]
fn every_command_has_a_good_path() {
    // Of the changes of reservations only these can be made by who is not registered.
    let needs_registration =
        |row: &Row<Disk>| row.opcode == 0x5f && ![Some(0), Some(6)].contains(&row.service_action);
    for row in rows::<Disk>().filter(|row| !needs_registration(row)) {
        let action = |cdb: &[u8]| row.service_action.is_none_or(|action| action == cdb[1] & 0x1f);
        let (cdb, data_out) = good_cdbs()
            .into_iter()
            .find(|(cdb, _)| cdb[0] == row.opcode && action(cdb))
            .unwrap_or_else(|| panic!("no test of {}", row.name));
        assert_eq!(cdb.len(), row.usage.len(), "{}", row.name);
        let answer = Bench::new().run(&cdb, &data_out, 4096);
        assert!(
            matches!(answer.execution, Execution::Done(Completion { sense: None, .. })),
            "{}: {answer:?}",
            row.name
        );
    }
}

#[test]
fn every_bit_without_a_meaning_is_refused_where_it_is() {
    for (cdb, data_out) in good_cdbs() {
        let bench = Bench::new();
        let row = rows::<Disk>().find(|row| row.opcode == cdb[0]).unwrap();
        for (byte, used) in row.usage.iter().enumerate().skip(1) {
            for bit in (0..8).filter(|bit| used >> bit & 1 == 0) {
                let sense = bench.sense(&with(cdb.clone(), byte, 1 << bit), &data_out);
                assert_eq!(sense, Sense::cdb_field(byte as u16, bit), "{} byte {byte} bit {bit}", row.name);
            }
        }
    }
}

#[test]
fn table_is_ordered_and_lengths_follow_the_opcode_group() {
    check_tables::<Disk>();
}

#[test]
fn unknown_commands_are_refused() {
    let bench = Bench::new();
    assert_eq!(bench.sense(&[0xff; 16], &[]), Sense::INVALID_OPCODE);
    assert_eq!(
        bench.sense(&[0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]),
        Sense::cdb_field(1, 4)
    );
    assert_eq!(bench.sense(&[0x28, 0, 0], &[]), Sense::INVALID_FIELD_IN_CDB, "cut short");
    assert_eq!(bench.sense(&[], &[]).key(), Key::IllegalRequest);
    assert!(bench.disk.statistics().refused >= 4);
}

#[test]
fn capacity_is_the_last_block_and_its_length() {
    let bench = Bench::new();
    assert_eq!(bench.data(&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8), [0, 0, 7, 0xff, 0, 0, 2, 0]);
    let long = bench.data(&[0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0], 255);
    assert_eq!(long.len(), 32);
    assert_eq!(long[..16], [0, 0, 0, 0, 0, 0, 7, 0xff, 0, 0, 2, 0, 0, 3, 0xc0, 0]);
    assert_eq!(bench.data(&[0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0], 12).len(), 12);
    assert_eq!(bench.run(&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[], 7).execution, Execution::Overrun);
}

#[test]
fn all_sizes_of_read_and_write_agree() {
    for (write, read) in WRITES.into_iter().flat_map(|w| READS.map(|r| (w, r))) {
        let bench = Bench::new();
        let data: Vec<u8> = (0..1024).map(|i| (i * 7 + i / 256) as u8).collect();
        bench.good(&extent(write, 1000, 2), &data);
        assert_eq!(bench.data(&extent(read, 1000, 2), 1024), data);
        assert_eq!(bench.store.content(1000 * 512, 1024), data);
        assert_eq!(bench.store.content(999 * 512, 512), block(0));
        let statistics = bench.disk.statistics();
        assert_eq!((statistics.writes, statistics.written_bytes), (1, 1024));
        assert_eq!((statistics.reads, statistics.read_bytes), (1, 1024));
    }
}

#[test]
fn zero_blocks_are_256_for_the_short_commands_and_none_for_the_others() {
    let bench = Bench::new();
    assert_eq!(bench.data(&extent(0x08, 0, 0), 256 * 512).len(), 256 * 512);
    bench.good(&extent(0x0a, 0, 0), &vec![3; 256 * 512]);
    assert_eq!(bench.store.content(255 * 512, 512), block(3));
    for opcode in [0x28, 0xa8, 0x88] {
        assert_eq!(bench.data(&extent(opcode, BLOCKS, 0), 0).len(), 0);
    }
}

#[test]
fn blocks_beyond_the_end_are_out_of_range() {
    let bench = Bench::new();
    for opcode in READS.into_iter().chain(WRITES).chain(VERIFIES).chain([0x35, 0x91]) {
        for (lba, blocks) in [(BLOCKS, 1), (BLOCKS - 1, 2), (BLOCKS + 1, 0)] {
            if opcode < 0x20 && blocks == 0 {
                continue;
            }
            assert_eq!(bench.sense(&extent(opcode, lba, blocks), &vec![0; 4096]), Sense::LBA_OUT_OF_RANGE);
        }
    }
    for lba in [u64::MAX, u64::MAX - 1, 1 << 63, 1 << 55] {
        for opcode in [0x88, 0x8a, 0x8f, 0x91, 0x93] {
            assert_eq!(bench.sense(&extent(opcode, lba, 2), &block(0)), Sense::LBA_OUT_OF_RANGE);
        }
    }
}

#[test]
fn buffers_smaller_than_the_transfer_are_overruns_and_change_nothing() {
    let bench = Bench::new();
    for opcode in READS {
        assert_eq!(bench.run(&extent(opcode, 0, 2), &[], 1023).execution, Execution::Overrun);
    }
    for opcode in WRITES {
        assert_eq!(bench.run(&extent(opcode, 0, 2), &vec![9; 1023], 0).execution, Execution::Overrun);
    }
    assert_eq!(bench.store.content(0, 1024), vec![0; 1024]);
}

#[test]
fn fua_and_a_disabled_write_cache_make_writes_durable() {
    let bench = Bench::new();
    bench.good(&extent(0x2a, 0, 1), &block(1));
    assert_eq!(bench.store.durable_writes(), 0);
    bench.good(&with(extent(0x2a, 0, 1), 1, 0x08), &block(1));
    assert_eq!(bench.store.durable_writes(), 1);
    bench.good(&[0x15, 0x10, 0, 0, 24, 0], &caching_list(0));
    bench.good(&extent(0x8a, 0, 1), &block(1));
    assert_eq!(bench.store.durable_writes(), 2);
    bench.data(&with(extent(0x28, 0, 1), 1, 0x08), 512);
    assert_eq!(bench.store.flushes(), 1, "a FUA read reads what is on the medium");
}

#[test]
fn synchronize_cache_flushes_the_store() {
    let bench = Bench::new();
    bench.good(&extent(0x35, 0, 0), &[]);
    bench.good(&with(extent(0x91, 3, 5), 1, 0x02), &[]);
    assert_eq!((bench.store.flushes(), bench.disk.statistics().flushes), (2, 2));
    bench.store.fail(Failing::Flushes(libc::EIO));
    assert_eq!(bench.sense(&extent(0x35, 0, 0), &[]), Sense::WRITE_ERROR);
    assert_eq!(bench.disk.statistics().errors, 1);
}

#[test]
fn host_errors_reach_the_guest_as_sense_data() {
    let bench = Bench::new();
    bench.store.fail(Failing::Reads(libc::EIO));
    assert_eq!(bench.sense(&extent(0x28, 0, 1), &[]), Sense::READ_ERROR);
    assert_eq!(bench.sense(&extent(0x2f, 0, 1), &[]), Sense::READ_ERROR);
    bench.store.fail(Failing::Writes(libc::ENOSPC));
    assert_eq!(bench.sense(&extent(0x2a, 0, 1), &block(0)), Sense::NO_SPACE);
    assert_eq!(bench.sense(&extent(0x93, 0, 1), &block(0)), Sense::NO_SPACE);
    bench.store.fail(Failing::Writes(libc::ENODEV));
    assert_eq!(bench.sense(&extent(0x8a, 0, 1), &block(0)), Sense::NOT_READY);
    assert_eq!(bench.sense(&[0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], &unmap_list(&[(0, 8)])), Sense::NOT_READY);
    assert_eq!((bench.disk.statistics().errors, bench.disk.statistics().writes), (6, 0));
    bench.store.fail(Failing::Nothing);
    bench.good(&extent(0x2a, 0, 1), &block(0));
}

#[test]
fn write_protected_disk_says_so() {
    let bench = Bench::on(MemoryStore::read_only(4096));
    for opcode in WRITES {
        assert_eq!(bench.sense(&extent(opcode, 0, 1), &block(0)), Sense::WRITE_PROTECTED);
    }
    assert_eq!(bench.sense(&extent(0x93, 0, 1), &block(0)), Sense::WRITE_PROTECTED);
    assert_eq!(bench.data(&[0x1a, 8, 8, 0, 255, 0], 255)[2], 0x90, "WP and DPOFUA");
    assert_eq!(bench.disk.statistics().errors, 0);
}

#[test]
fn write_same_repeats_one_block() {
    let bench = Bench::new();
    let pattern: Vec<u8> = (0..512).map(|i| (i % 251) as u8).collect();
    bench.good(&extent(0x93, 1, 1030), &pattern);
    assert_eq!(bench.store.content(512, 512), pattern);
    assert_eq!(bench.store.content(1030 * 512, 512), pattern);
    assert_eq!(bench.store.content(0, 512), block(0));
    assert_eq!(bench.store.content(1031 * 512, 512), block(0));
    bench.good(&extent(0x41, 1, 1), &block(0));
    assert_eq!(bench.store.content(512, 512), block(0));
    bench.good(&with(extent(0x93, 2, 3), 1, 0x09), &[]);
    assert_eq!(bench.store.content(2 * 512, 3 * 512), vec![0; 3 * 512], "UNMAP without data-out");
    assert_eq!(bench.disk.statistics().discards, 1);
    assert_eq!(bench.sense(&extent(0x93, 0, 0), &block(0)), Sense::cdb_field(10, 7), "WSNZ");
    assert_eq!(bench.sense(&extent(0x41, 0, 0), &block(0)), Sense::cdb_field(7, 7));
    assert_eq!(bench.sense(&extent(0x93, 0, 0x40001), &block(0)), Sense::cdb_field(10, 7));
    assert_eq!(bench.run(&extent(0x93, 0, 1), &[0; 511], 0).execution, Execution::Overrun);
}

fn unmap_list(ranges: &[(u64, u32)]) -> Vec<u8> {
    let len = ranges.len() as u16 * 16;
    let mut list = [(len + 6).to_be_bytes(), len.to_be_bytes(), [0; 2], [0; 2]].concat();
    for (lba, blocks) in ranges {
        list.extend([&lba.to_be_bytes()[..], &blocks.to_be_bytes(), &[0; 4]].concat());
    }
    list
}

#[test]
fn unmapped_blocks_read_as_zeros() {
    let bench = Bench::new();
    let unmap = |len: u8| [0x42, 0, 0, 0, 0, 0, 0, 0, len, 0];
    bench.good(&extent(0x8a, 0, 16), &vec![5; 16 * 512]);
    bench.good(&unmap(40), &unmap_list(&[(1, 2), (8, 1)]));
    let mut expected = vec![5; 16 * 512];
    for lba in [1, 2, 8] {
        expected[lba * 512..][..512].fill(0);
    }
    assert_eq!(bench.store.content(0, 16 * 512), expected);
    assert_eq!(bench.disk.statistics().discards, 2);

    assert_eq!(bench.sense(&unmap(40), &unmap_list(&[(0, 1), (BLOCKS, 1)])), Sense::LBA_OUT_OF_RANGE);
    assert_eq!(bench.store.content(0, 512), block(5), "all ranges are checked first");
    assert_eq!(bench.sense(&unmap(7), &[0; 7]), Sense::PARAMETER_LIST_LENGTH);
    assert_eq!(bench.run(&unmap(24), &[0; 23], 0).execution, Execution::Overrun);
    let many = vec![(0, 0); 257];
    let cdb = [0x42, 0, 0, 0, 0, 0, 0, 0x10, 0x18, 0];
    assert_eq!(bench.sense(&cdb, &unmap_list(&many)), Sense::parameter_field(2));
}

fn caching_list(wce: u8) -> Vec<u8> {
    let mut list = vec![0; 24];
    list[4] = 0x08;
    list[5] = 18;
    list[6] = wce;
    list
}

#[test]
fn stopped_disk_is_not_ready_until_started() {
    let bench = Bench::new();
    bench.good(&[0x1b, 0, 0, 0, 0, 0], &[]);
    assert_eq!(bench.store.flushes(), 1);
    assert_eq!(bench.sense(&[0; 6], &[]), Sense::STOPPED);
    assert_eq!(bench.sense(&extent(0x28, 0, 1), &[]), Sense::STOPPED);
    bench.data(&[0x12, 0, 0, 0, 96, 0], 96);
    bench.good(&[0x1b, 0, 0, 0, 1, 0], &[]);
    bench.good(&[0; 6], &[]);
    bench.good(&[0x1b, 0, 0, 0, 4, 0], &[]);
    assert_eq!(bench.store.flushes(), 1, "NO_FLUSH");
}

#[test]
fn reset_is_reported_once_and_restores_defaults() {
    let bench = Bench::new();
    bench.good(&[0x15, 0x10, 0, 0, 24, 0], &caching_list(0));
    bench.disk.reset(Reset::LogicalUnit);
    bench.disk.reset(Reset::LogicalUnit);
    bench.data(&[0x12, 0, 0, 0, 96, 0], 96);
    bench.data(&[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0], 16);
    assert_eq!(bench.sense(&extent(0x28, 0, 1), &[]), Sense::RESET_OCCURRED);
    bench.good(&[0; 6], &[]);
    assert_eq!(bench.data(&[0x1a, 0x08, 0x08, 0, 255, 0], 255)[6], 0x04);
}

#[test]
fn request_sense_takes_a_unit_attention() {
    let bench = Bench::new();
    assert_eq!(bench.data(&[0x03, 0, 0, 0, 18, 0], 18)[2], 0x00);
    bench.disk.reset(Reset::LogicalUnit);
    assert_eq!(bench.data(&[0x03, 0, 0, 0, 252, 0], 252), Sense::RESET_OCCURRED.fixed());
    bench.good(&[0; 6], &[]);
    bench.disk.reset(Reset::LogicalUnit);
    assert_eq!(bench.data(&[0x03, 1, 0, 0, 252, 0], 252), [0x72, 0x06, 0x29, 0x03, 0, 0, 0, 0]);
}

#[test]
fn impatient_commands_wait_for_nothing() {
    let bench = Bench::new();
    let run =
        |cdb: &[u8], data_out: &[u8]| bench.run_with(cdb, data_out, 4096, Patience::Immediate).execution;
    let waits = |opcode| [0x1b, 0x5f].contains(&opcode);
    for row in rows::<Disk>().filter(|row| row.needs != Needs::Ready && !waits(row.opcode)) {
        let (cdb, data_out) = good_cdbs().into_iter().find(|(cdb, _)| cdb[0] == row.opcode).unwrap();
        assert!(matches!(run(&cdb, &data_out), Execution::Done(_)), "{}", row.name);
    }
    for (cdb, data_out, wait) in [
        (extent(0x2a, 0, 1), block(1), Wait::Brief),
        (with(extent(0x2a, 0, 1), 1, 8), block(1), Wait::Long),
        (extent(0x35, 0, 0), vec![], Wait::Long),
        (extent(0x2f, 0, 1), vec![], Wait::Long),
        (extent(0x93, 0, 1), block(1), Wait::Long),
        (vec![0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], unmap_list(&[(0, 1)]), Wait::Long),
        (vec![0x1b, 0, 0, 0, 0, 0], vec![], Wait::Long),
        (with(extent(0x28, 0, 1), 1, 8), vec![], Wait::Long),
    ] {
        assert_eq!(run(&cdb, &data_out), Execution::WouldWait(wait), "{cdb:02x?}");
    }
    assert_eq!(bench.store.content(0, 512), block(0));
    assert_eq!(bench.disk.statistics(), StatisticsSnapshot::default());
}

proptest::proptest! {
    #[test]
    fn any_cdb_has_an_answer(
        cdb in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
        row in 0..rows::<Disk>().count(),
        data_out in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
        room in 0usize..600,
    ) {
        let bench = Bench::new();
        bench.run(&cdb, &data_out, room);
        // And one that passes the first checks.
        let known = accepted(rows::<Disk>().nth(row).unwrap(), &cdb);
        bench.run(&known, &data_out, room);
    }
}

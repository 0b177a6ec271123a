//! Each command of a tape drive: that it does what it says, and that wrong fields are refused where the standard says.

mod kills;
mod model;
mod positions;
mod restart;
mod shared;
mod transfers;

use std::path::PathBuf;

use super::*;
use crate::attached::{Device, Wwid};
use crate::scsi::command::rows;
use crate::scsi::tests::check_tables;
use crate::segments::Segments;

/// A drive, one initiator's way to it, and a directory for cartridges.
struct Bench {
    drive: Arc<TapeDrive>,
    port: Arc<TapePort>,
    directory: Arc<tempfile::TempDir>,
}

/// What came back from one command.
#[derive(PartialEq, Eq, Debug)]
struct Answer {
    execution: Execution,
    data: Vec<u8>,
}

fn initiator(number: u128) -> Initiator {
    Initiator(Uuid::from_u128(number))
}

impl Bench {
    /// Without a cartridge, and with nothing to report.
    fn empty() -> Bench {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        Bench::of(Arc::new(TapeDrive::new(Uuid::from_u128(0xd))), directory)
    }

    fn of(drive: Arc<TapeDrive>, directory: Arc<tempfile::TempDir>) -> Bench {
        let port = drive.nexus(initiator(1));
        let bench = Bench { drive, port, directory };
        bench.attention();
        bench
    }

    /// With an empty cartridge of this label.
    fn labelled(label: &str) -> Bench {
        let bench = Bench::empty();
        bench.load_new("A00001L5", label);
        bench
    }

    fn new() -> Bench {
        Bench::labelled("")
    }

    fn with_blocks(blocks: &[&[u8]]) -> Bench {
        let bench = Bench::new();
        blocks.iter().for_each(|block| bench.write(block));
        bench.good(&REWIND, &[]);
        bench
    }

    fn load_new(&self, name: &str, label: &str) -> PathBuf {
        let path = self.directory.path().join(format!("{name}.tap"));
        Image::create(&path).unwrap();
        std::fs::write(path.with_extension("cartridge"), label).unwrap();
        self.drive.load(Cartridge::at(&path).unwrap()).unwrap();
        self.attention();
        path
    }

    /// The same drive for another guest.
    fn shared_with(&self, number: u128) -> Bench {
        let port = self.drive.nexus(initiator(number));
        let bench = Bench { drive: self.drive.clone(), port, directory: self.directory.clone() };
        bench.attention();
        bench
    }

    /// The unit attention that is pending.
    fn attention(&self) -> Sense {
        let sense = self.port.attentions.take().unwrap_or(Sense::NONE);
        self.drive.keep(None);
        sense
    }

    fn run(&self, cdb: &[u8], data_out: &[u8], room: usize) -> Answer {
        self.deliver(cdb, data_out, room, Delivery::default())
    }

    fn deliver(&self, cdb: &[u8], data_out: &[u8], room: usize, delivery: Delivery) -> Answer {
        let (mut out, mut data) = (data_out.to_vec(), vec![0xee; room]);
        let (data_out, data_in) = (Segments::from_slice(&mut out), Segments::from_slice(&mut data));
        let command = Command { cdb, data_out: &data_out, data_in: &data_in, delivery };
        let execution = self.port.execute(&command, Patience::Unlimited);
        drop(data_in);
        if let Execution::Done(completion) = &execution {
            data.truncate(completion.data_in as usize);
        }
        Answer { execution, data }
    }

    /// Data of a command that must succeed.
    fn data(&self, cdb: &[u8], room: usize) -> Vec<u8> {
        let answer = self.run(cdb, &[], room);
        assert!(
            matches!(answer.execution, Execution::Done(Completion { sense: None, .. })),
            "{cdb:02x?}: {:?}",
            answer.execution
        );
        answer.data
    }

    fn good(&self, cdb: &[u8], data_out: &[u8]) {
        let answer = self.run(cdb, data_out, 0);
        let taken = data_out.len() as u64;
        let expected = Completion { sense: None, data_out: taken, data_in: 0 };
        assert_eq!(answer.execution, Execution::Done(expected), "{cdb:02x?}");
    }

    /// Sense of a command that must fail, and the bytes moved before.
    fn partly(&self, cdb: &[u8], data_out: &[u8], room: usize) -> (Sense, u64) {
        match self.run(cdb, data_out, room).execution {
            Execution::Done(Completion { sense: Some(sense), data_out, data_in }) => {
                (sense, data_out + data_in)
            }
            other => panic!("{cdb:02x?}: {other:?}"),
        }
    }

    fn sense(&self, cdb: &[u8]) -> Sense {
        let (sense, moved) = self.partly(cdb, &[], 4096);
        assert_eq!(moved, 0, "{cdb:02x?}");
        sense
    }

    /// Writes one block.
    fn write(&self, block: &[u8]) {
        self.good(&sized(0x0a, 0, block.len() as u32), block);
    }

    /// Reads one block whatever its length.
    fn read(&self) -> Vec<u8> {
        self.data(&sized(0x08, SILI, 100_000), 100_000)
    }

    fn filemarks(&self, count: u32) {
        self.good(&sized(0x10, 0, count), &[]);
    }

    /// Objects before the position.
    fn position(&self) -> u32 {
        let data = self.data(&[0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0], 20);
        u32::from_be_bytes(data[4..8].try_into().unwrap())
    }

    /// MODE SELECT(6) of a block length.
    fn set_block_len(&self, len: u32) {
        let [_, a, b, c] = len.to_be_bytes();
        self.good(&[0x15, 0x10, 0, 0, 12, 0], &[0, 0, 0x10, 8, 0, 0, 0, 0, 0, a, b, c]);
    }
}

const REWIND: [u8; 6] = [0x01, 0, 0, 0, 0, 0];
const FIXED: u8 = 0x01;
const SILI: u8 = 0x02;

/// A CDB of 6 bytes with flags and a length of 24 bits.
fn sized(opcode: u8, flags: u8, len: u32) -> [u8; 6] {
    let [_, a, b, c] = len.to_be_bytes();
    [opcode, flags, a, b, c, 0]
}

/// For each row a CDB that succeeds with a cartridge in the drive at its beginning.
fn good_cdbs() -> Vec<Vec<u8>> {
    rows::<TapePort>()
        .map(|row| {
            let mut cdb = vec![0; row.usage.len()];
            cdb[0] = row.opcode;
            cdb[1] = row.service_action.unwrap_or(0);
            match row.opcode {
                0x12 | 0x03 | 0x1a => cdb[4] = 0xff,
                0x1b => cdb[4] = 1,
                0x5a | 0x44 | 0x4d | 0x5e => cdb[8] = 0xff,
                0x8c | 0xa3 => cdb[if row.opcode == 0x8c { 13 } else { 9 }] = 0xff,
                0xa0 => cdb[9] = 0xff,
                _ => {}
            }
            if matches!(row.opcode, 0x1a | 0x5a) {
                cdb[2] = 0x3f;
            }
            if row.opcode == 0x34 && row.service_action == Some(8) {
                cdb[8] = 32;
            }
            cdb
        })
        .filter(|cdb| cdb[0] != 0x5f)
        .collect()
}

#[test]
fn table_is_in_order_and_each_command_works() {
    check_tables::<TapePort>();
    for cdb in good_cdbs() {
        let bench = Bench::new();
        let execution = bench.run(&cdb, &[], 4096).execution;
        assert!(
            matches!(execution, Execution::Done(Completion { sense: None, .. })),
            "{cdb:02x?}: {execution:?}"
        );
    }
}

#[test]
fn bits_that_are_not_used_make_a_cdb_invalid() {
    for good in good_cdbs() {
        let row = rows::<TapePort>()
            .find(|row| {
                row.opcode == good[0] && row.service_action.is_none_or(|action| action == good[1] & 0x1f)
            })
            .unwrap();
        for byte in 1..good.len() {
            for bit in (0..8).filter(|bit| row.usage[byte] >> bit & 1 == 0) {
                // Another service action is another command.
                if byte == 1 && bit < 5 && row.service_action.is_some() {
                    continue;
                }
                let mut cdb = good.clone();
                cdb[byte] |= 1 << bit;
                assert_eq!(Bench::new().sense(&cdb), Sense::cdb_field(byte as u16, bit), "{cdb:02x?}");
            }
        }
    }
}

#[test]
fn medium_commands_need_a_cartridge_that_is_loaded() {
    let bench = Bench::empty();
    assert_eq!(bench.sense(&[0; 6]), Sense::MEDIUM_NOT_PRESENT);
    assert_eq!(bench.sense(&sized(0x0a, 0, 1)), Sense::MEDIUM_NOT_PRESENT);
    bench.load_new("x", "");
    bench.good(&[0; 6], &[]);
    bench.good(&[0x1b, 0, 0, 0, 0, 0], &[]);
    assert!(!bench.drive.is_loaded() && bench.drive.cartridge().is_some());
    assert_eq!(bench.sense(&[0; 6]), Sense::STOPPED);
    assert_eq!(bench.sense(&REWIND), Sense::STOPPED);
    bench.good(&[0x1b, 0, 0, 0, 1, 0], &[]);
    bench.good(&[0; 6], &[]);
}

#[test]
fn commands_wait_for_each_other_only_where_waiting_is_allowed() {
    let bench = Bench::new();
    let answer = |cdb: &[u8]| {
        let mut room = [0; 96];
        let data_in = Segments::from_slice(&mut room);
        let command =
            Command { cdb, data_out: &Segments::empty(), data_in: &data_in, delivery: Delivery::default() };
        bench.port.execute(&command, Patience::Handover)
    };
    let _busy = locked(&bench.drive.inner);
    assert_eq!(answer(&[0; 6]), Execution::WouldWait(Wait::Long));
    let expected = Completion { sense: None, data_out: 0, data_in: 96 };
    assert_eq!(answer(&[0x12, 0, 0, 0, 96, 0]), Execution::Done(expected));
}

#[test]
fn drive_says_what_it_is() {
    let bench = Bench::empty();
    let inquiry = bench.data(&[0x12, 0, 0, 0, 96, 0], 96);
    assert_eq!(inquiry[..8], [0x01, 0x80, 0x06, 0x12, 91, 0, 0, 0x02]);
    assert_eq!(&inquiry[8..36], b"KITTSON Virtual Tape    0001");
    let vpd = |page| bench.data(&[0x12, 1, page, 0, 255, 0], 255);
    assert_eq!(vpd(0x00), [0x01, 0x00, 0, 5, 0x00, 0x80, 0x83, 0xb0, 0xb1]);
    assert_eq!(&vpd(0x80)[4..], b"0000000000000000000000000000000d");
    assert_eq!(vpd(0xb0), [0x01, 0xb0, 0, 2, 0, 0]);
    assert_eq!(vpd(0xb1)[4..], vpd(0x80)[4..]);
    let name = u64::from_be_bytes(vpd(0x83)[8..16].try_into().unwrap());
    assert_eq!(bench.drive.wwid(), Wwid::naa(name));
    assert_eq!(bench.data(&[0x05, 0, 0, 0, 0, 0], 6), [0, 0xff, 0xff, 0xff, 0, 1]);
}

#[test]
fn mode_parameters_are_those_of_a_tape() {
    let bench = Bench::labelled("barcode A00001L4");
    // What Linux's st asks for: header and block descriptor alone.
    assert_eq!(bench.data(&[0x1a, 0, 0, 0, 12, 0], 12), [11, 0, 0x10, 8, 0x46, 0, 0, 0, 0, 0, 0, 0]);
    bench.set_block_len(10_240);
    assert_eq!(bench.data(&[0x1a, 0, 0, 0, 12, 0], 12)[9..], [0, 0x28, 0]);
    // Without PF, as of SCSI-1; 7Fh: the same density.
    bench.good(&[0x15, 0, 0, 0, 12, 0], &[0, 0, 0x00, 8, 0x7f, 0, 0, 0, 0, 0, 2, 0]);
    assert_eq!(bench.data(&[0x1a, 0, 0, 0, 12, 0], 12)[2..], [0x00, 8, 0x46, 0, 0, 0, 0, 0, 2, 0]);
    let (sense, _) = bench.partly(&[0x15, 0x10, 0, 0, 12, 0], &[0, 0, 0, 8, 0x44, 0, 0, 0, 0, 0, 2, 0], 0);
    assert_eq!(sense, Sense::parameter_field(4), "density cannot be chosen");

    let page = |code| bench.data(&[0x1a, 8, code, 0, 255, 0], 255)[4..].to_vec();
    assert_eq!(page(0x0f)[..4], [0x0f, 14, 0x40, 0x80]);
    let compression = [&[0, 0, 0x10, 0][..], &[0x0f, 14, 0xc0, 0x80, 0, 0, 0, 0x10], &[0; 8]].concat();
    bench.good(&[0x15, 0x10, 0, 0, 20, 0], &compression);
    assert_eq!(page(0x0f)[2], 0xc0);
    let partition = page(0x11);
    assert_eq!(partition[2..4], [0, 0], "one partition");
    let all = bench.data(&[0x5a, 0, 0x3f, 0, 0, 0, 0, 1, 0, 0], 256);
    assert_eq!(usize::from(all[0]) * 256 + usize::from(all[1]) + 2, all.len());
    let mut at = 16;
    let mut codes = Vec::new();
    while at < all.len() {
        codes.push(all[at]);
        at += 2 + usize::from(all[at + 1]);
    }
    assert_eq!((codes, at), (vec![0x01, 0x02, 0x0a, 0x0f, 0x10, 0x11, 0x1c, 0x1d], all.len()));
    bench.port.reset(Reset::LogicalUnit);
    bench.attention();
    assert_eq!(page(0x0f)[2], 0x40);
    assert_eq!(bench.data(&[0x1a, 0, 0, 0, 12, 0], 12)[9..], [0, 0, 0]);
}

#[test]
fn densities_are_those_of_the_media() {
    let bench = Bench::labelled("barcode A00001L3\ncapacity 1G");
    let own = bench.data(&[0x44, 1, 0, 0, 0, 0, 0, 1, 0, 0], 256);
    assert_eq!((own.len(), &own[..4]), (56, &[0, 54, 0, 0][..]));
    assert_eq!(own[4..7], [0x44, 0x44, 0xa0]);
    assert_eq!(own[4 + 12..4 + 16], 1073u32.to_be_bytes(), "megabytes");
    assert_eq!(&own[4 + 16..4 + 32], b"LTO-CVE U-316   ");
    let all = bench.data(&[0x44, 0, 0, 0, 0, 0, 0, 4, 0, 0], 1024);
    assert_eq!(all.len(), 4 + 9 * 52);
    let defaults: Vec<u8> = all[4..].chunks(52).filter(|d| d[2] & 0x20 != 0).map(|d| d[0]).collect();
    assert_eq!(defaults, [0x44]);
    assert_eq!(bench.sense(&[0x44, 2, 0, 0, 0, 0, 0, 4, 0, 0]), Sense::cdb_field(1, 1));
    assert_eq!(Bench::empty().sense(&[0x44, 1, 0, 0, 0, 0, 0, 4, 0, 0]), Sense::MEDIUM_NOT_PRESENT);
}

#[test]
fn log_pages_count_and_alert() {
    let bench = Bench::new();
    let page = |code: u8| bench.data(&[0x4d, 0, 0x40 | code, 0, 0, 0, 0, 4, 0, 0], 1024);
    assert_eq!(page(0), [0, 0, 0, 5, 0x00, 0x02, 0x03, 0x0c, 0x2e]);
    bench.write(&[1; 1000]);
    bench.good(&REWIND, &[]);
    bench.read();
    let moved = page(0x0c);
    let value = |parameter: usize| {
        let at = 4 + 12 * parameter;
        (moved[at + 1], u64::from_be_bytes(moved[at + 4..at + 12].try_into().unwrap()))
    };
    assert_eq!([0, 1, 2, 3].map(value), [(0, 1000), (1, 1000), (2, 1000), (3, 1000)]);
    let flag = |number: usize| page(0x2e)[4 + 5 * (number - 1) + 4];
    assert_eq!(flag(9), 0);
    bench.good(&[0x1e, 0, 0, 0, 1, 0], &[]);
    assert_eq!(bench.sense(&[0x1b, 0, 0, 0, 0, 0]), Sense::REMOVAL_PREVENTED);
    assert_eq!(flag(10), 1);
    assert_eq!(flag(10), 0, "reading clears");
    bench.good(&[0x4c, 2, 0, 0, 0, 0, 0, 0, 0, 0], &[]);
    assert_eq!(page(0x0c)[8..16], [0; 8]);
    assert_eq!(bench.sense(&[0x4d, 0, 0x7f, 0, 0, 0, 0, 4, 0, 0]), Sense::cdb_field(2, 5));
}

#[test]
fn attributes_tell_barcode_and_capacity() {
    let bench = Bench::labelled("barcode HP0007\ncapacity 64M");
    bench.write(&vec![0; 3 << 20]);
    let all = bench.data(&[0x8c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0], 512);
    assert_eq!(u32::from_be_bytes(all[..4].try_into().unwrap()) as usize, all.len() - 4);
    let mut found = BTreeMap::new();
    let mut at = 4;
    while at < all.len() {
        let len = usize::from(u16::from_be_bytes([all[at + 3], all[at + 4]]));
        found.insert(u16::from_be_bytes([all[at], all[at + 1]]), all[at + 5..at + 5 + len].to_vec());
        at += 5 + len;
    }
    assert_eq!(found[&0x0000], 60u64.to_be_bytes(), "megabytes left, framing taken off");
    assert_eq!(found[&0x0001], 64u64.to_be_bytes());
    assert_eq!(found[&0x0806], format!("{:32}", "HP0007").into_bytes());
    let from = bench.data(&[0x8c, 1, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0], 512);
    assert_eq!(from, [0, 0, 0, 8, 0x04, 0x00, 0x04, 0x01, 0x04, 0x08, 0x08, 0x06]);
}

/// WORM cartridges, partitions and another capacity are not to be had; each is refused where it is asked for.
#[test]
fn what_the_drive_cannot_do_is_refused_precisely() {
    let bench = Bench::new();
    assert_eq!(bench.sense(&[0x0b, 0, 0, 0x80, 0, 0]), Sense::INVALID_OPCODE, "SET CAPACITY");
    // FORMAT MEDIUM: 1h makes partitions, 2h makes them anew.
    for format in [1, 2] {
        assert_eq!(bench.sense(&[0x04, 0, format, 0, 0, 0]), Sense::cdb_field(2, 3));
    }
    let one_more = [&[0, 0, 0, 0][..], &[0x11, 6, 0, 1, 0, 1, 0, 0]].concat();
    let refused = bench.run(&[0x15, 0x10, 0, 0, 12, 0], &one_more, 0).execution;
    let expected = Completion { sense: Some(Sense::parameter_field(7)), data_out: 0, data_in: 0 };
    assert_eq!(
        refused,
        Execution::Done(expected),
        "ADDITIONAL PARTITIONS DEFINED of the Medium Partition page"
    );
    assert_eq!(bench.sense(&[0x92, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Sense::cdb_field(3, 7));
    assert_eq!(bench.sense(&[0x2b, 2, 0, 0, 0, 0, 0, 0, 1, 0]), Sense::cdb_field(8, 7));
    assert_eq!(bench.data(&[0x12, 1, 0xb0, 0, 8, 0], 8)[4] & 0x01, 0, "WORM");
}

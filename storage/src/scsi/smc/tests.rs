//! Each command of a changer, for one guest and for several, and what the operator does meanwhile.

mod kept;

use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::library::Plan;
use crate::scsi::command::rows;
use crate::scsi::tests::{self, accepted, check_tables, data, run, sense};
use crate::scsi::{Completion, Delivery};
use crate::segments::Segments;

const PLAN: Plan = Plan { drives: 2, slots: 5, ports: 2, cartridges: 4, capacity: 1 << 20 };

/// A drive that keeps a log, and its cartridge until it is told to unload.
#[derive(Default)]
struct FakeDrive {
    holds: Mutex<Option<Loading>>,
    ejected: AtomicBool,
    loads: AtomicUsize,
}

impl FakeDrive {
    fn eject(&self) {
        self.ejected.store(true, Ordering::SeqCst);
    }

    fn barcode(&self) -> Option<String> {
        self.holds.lock().unwrap().as_ref().map(|cartridge| cartridge.barcode.to_string())
    }
}

impl DataTransferElement for FakeDrive {
    fn load(&self, cartridge: &Loading) -> Result<(), LoadError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.ejected.store(false, Ordering::SeqCst);
        let before = self.holds.lock().unwrap().replace(cartridge.clone());
        assert_eq!(before, None, "two cartridges in one drive");
        match cartridge.image.is_file() {
            true => Ok(()),
            false => Err(LoadError("no image".to_owned())),
        }
    }

    fn unload(&self, _: Initiator) -> Result<(), StillLoaded> {
        match self.is_unloaded() {
            true => Ok(_ = self.holds.lock().unwrap().take()),
            false => Err(StillLoaded),
        }
    }

    fn is_unloaded(&self) -> bool {
        self.barcode().is_none() || self.ejected.load(Ordering::SeqCst)
    }
}

struct Bench {
    changer: Arc<Changer>,
    port: Arc<ChangerPort>,
    drive: Arc<FakeDrive>,
    directory: tempfile::TempDir,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let library = Library::create(directory.path(), &PLAN).unwrap();
    let changer = Arc::new(Changer::new(library, Reservations::new()));
    let drive = Arc::new(FakeDrive::default());
    changer.connect(1, &(Arc::clone(&drive) as _));
    let port = changer.port(Initiator(Uuid::from_u128(1)));
    Bench { changer, port, drive, directory }
}

fn cdb(opcode: u8, bytes: &[(usize, u8)]) -> Vec<u8> {
    tests::cdb::<ChangerPort>(opcode, bytes)
}

fn move_medium(from: u16, to: u16) -> Vec<u8> {
    let ([a, b], [c, d]) = (from.to_be_bytes(), to.to_be_bytes());
    vec![0xa5, 0, 0, 0, a, b, c, d, 0, 0, 0, 0]
}

fn exchange(from: u16, first: u16, second: u16) -> Vec<u8> {
    let ([a, b], [c, d], [e, f]) = (from.to_be_bytes(), first.to_be_bytes(), second.to_be_bytes());
    vec![0xa6, 0, 0, 0, a, b, c, d, e, f, 0, 0]
}

/// READ ELEMENT STATUS: byte 1, first element, number, byte 6, allocation length.
fn status(kind: u8, start: u16, number: u16, ids: u8, len: u16) -> Vec<u8> {
    let ([a, b], [c, d], [e, f]) = (start.to_be_bytes(), number.to_be_bytes(), len.to_be_bytes());
    vec![0xb8, kind, a, b, c, d, ids, 0, e, f, 0, 0]
}

const READY: [u8; 6] = [0; 6];

#[test]
fn table_is_ordered_and_lengths_follow_the_opcode_group() {
    check_tables::<ChangerPort>();
}

#[test]
fn every_command_has_a_good_path_and_refuses_meaningless_bits() {
    for row in rows::<ChangerPort>() {
        let mut bytes = match row.opcode {
            0xa0 => vec![(9, 16)],
            0xa3 => vec![(1, row.service_action.unwrap()), (9, 64)],
            0x5e => vec![(1, row.service_action.unwrap()), (8, 255)],
            // Needs a parameter list and a key; the shared module has its own tests.
            0x5f => continue,
            0x1a | 0x5a => vec![(2, 0x3f)],
            0x1b => vec![(3, 0x10)],
            0x2b => vec![(4, 4)],
            0xa5 => vec![(4, 4), (6, 4), (7, 4)],
            0xa6 => vec![(4, 4), (6, 4), (7, 1), (8, 4)],
            0xb8 => vec![(5, 99), (8, 1)],
            _ => vec![],
        };
        let (execution, _) = run(&*bench().port, &cdb(row.opcode, &bytes), &[], 8192);
        assert!(
            matches!(execution, Execution::Done(Completion { sense: None, .. })),
            "{}: {execution:?}",
            row.name
        );
        let bench = bench();
        for (byte, used) in row.usage.iter().enumerate().skip(1) {
            for bit in (0..8).filter(|bit| used >> bit & 1 == 0) {
                bytes.push((byte, 1 << bit));
                let refusal = sense(&*bench.port, &cdb(row.opcode, &bytes));
                assert_eq!(refusal, Sense::cdb_field(byte as u16, bit), "{} byte {byte}", row.name);
                bytes.pop();
            }
        }
    }
}

#[test]
fn inquiry_data_is_that_of_a_media_changer() {
    let bench = bench();
    let inquiry = data(&*bench.port, &cdb(0x12, &[(4, 96)]));
    assert_eq!(inquiry[..5], [0x08, 0x80, 0x06, 0x12, 91]);
    assert_eq!(std::str::from_utf8(&inquiry[8..36]).unwrap(), "KITTSON Virtual Library 0001");
    assert_eq!(data(&*bench.port, &cdb(0x12, &[(1, 1), (4, 96)])), [8, 0, 0, 3, 0x00, 0x80, 0x83]);
    let serial = data(&*bench.port, &cdb(0x12, &[(1, 1), (2, 0x80), (4, 96)]));
    let text = std::fs::read_to_string(bench.directory.path().join("library.toml")).unwrap();
    let own = std::str::from_utf8(&serial[4..]).unwrap();
    assert!(text.contains(&format!("serial = \"{own}\"")), "{own}: {text}");
}

#[test]
fn mode_pages_tell_where_elements_are_and_what_goes_where() {
    let bench = bench();
    let pages = data(&*bench.port, &cdb(0x1a, &[(1, 8), (2, 0x3f), (4, 255)]));
    #[rustfmt::skip]
    let expected = [
        47, 0, 0, 0,
        0x1d, 18,
        0, 0, 0, 1,             // medium transport: first, number
        4, 0, 0, 5,             // storage
        0, 16, 0, 2,            // import/export
        1, 0, 0, 2,             // data transfer
        0, 0,
        0x1e, 2, 0, 0,
        0x1f, 18,
        0x0e, 0,                // DT, I/E and ST store
        0, 14, 14, 14,          // MOVE MEDIUM from MT, ST, I/E, DT
        0, 0, 0, 0,
        0, 14, 14, 14,          // EXCHANGE MEDIUM
        0, 0, 0, 0,
    ];
    assert_eq!(pages, expected);
}

#[test]
fn element_status_of_all_types_is_in_pages() {
    let bench = bench();
    data(&*bench.port, &move_medium(0x402, 0x100));
    let all = data(&*bench.port, &status(0x10, 0, 0xffff, 0, 0xffff));
    #[rustfmt::skip]
    let expected_start = [
        0, 0, 0, 10, 0, 0, 2, 40,               // first element, number, bytes
        1, 0x80, 0, 52, 0, 0, 0, 52,            // transport page: PVOLTAG, 52 bytes each
        0, 0, 0,
    ];
    assert_eq!(all[..expected_start.len()], expected_start);
    assert_eq!(all.len(), 8 + 4 * 8 + 10 * 52);
    // The drive has what was in slot 3, and does not let go of it.
    let drives = data(&*bench.port, &status(0x14, 0, 0xffff, 0, 0xffff));
    assert_eq!(drives[..16], [1, 0, 0, 2, 0, 0, 0, 112, 4, 0x80, 0, 52, 0, 0, 0, 104]);
    assert_eq!(drives[16..28], [1, 0, 0x01, 0, 0, 0, 0, 0, 0, 0x81, 4, 2], "full, source 402h");
    assert_eq!(&drives[28..60], format!("{:<32}", "KIT003").as_bytes());
    assert_eq!(drives[60..68], [0; 8], "no sequence number, no identifier");
    assert_eq!(drives[68..80], [1, 1, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0], "empty and accessible");
    assert_eq!(drives[80..], [0; 40], "no tag");
    bench.drive.eject();
    assert_eq!(data(&*bench.port, &status(4, 0, 1, 0, 64))[18], 0x09, "now it does");
    // Without tags; from an element on, a number of them, of one type.
    let slots = data(&*bench.port, &status(2, 0x401, 2, 0, 0xffff));
    #[rustfmt::skip]
    let expected = [
        4, 1, 0, 2, 0, 0, 0, 40,
        2, 0, 0, 16, 0, 0, 0, 32,
        4, 1, 0x09, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
        4, 2, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(slots, expected);
    assert_eq!(
        data(&*bench.port, &status(2, 0x401, 2, 0, 8)),
        expected[..8],
        "the header tells the whole length"
    );
    assert_eq!(data(&*bench.port, &status(2, 0x500, 2, 0, 255)), [0; 8], "nothing there");
    assert_eq!(sense(&*bench.port, &status(5, 0, 1, 0, 255)), Sense::cdb_field(1, 3));
}

#[test]
fn drives_are_identified_as_they_identify_themselves() {
    let bench = bench();
    let drives = data(&*bench.port, &status(4, 0, 9, 1, 0xffff));
    let serial = bench.changer.drives()[1];
    assert_eq!(drives[10..12], [0, 12 + 4 + 40]);
    let second = &drives[16 + 56..];
    assert_eq!(second[12..16], [2, 1, 0, 40], "ASCII, T10 vendor identification");
    assert_eq!(second[16..], *format!("KITTSON {}", serial.simple()).as_bytes());
    // The designator of VPD page 83h of a drive with this serial number ends the same.
    assert!(vpd_of(serial).ends_with(&second[12..]));
}

fn vpd_of(unit: Uuid) -> Vec<u8> {
    crate::scsi::vpd::identification(unit)
}

#[test]
fn moves_are_refused_with_the_reason() {
    let bench = bench();
    let port = &bench.port;
    assert_eq!(sense(&**port, &move_medium(0x404, 0x100)), Sense::SOURCE_EMPTY);
    assert_eq!(sense(&**port, &move_medium(0x400, 0x401)), Sense::DESTINATION_FULL);
    assert_eq!(sense(&**port, &move_medium(0x405, 0x100)), Sense::element_field(4));
    assert_eq!(sense(&**port, &move_medium(0x400, 0x102)), Sense::element_field(6));
    assert_eq!(
        sense(&**port, &move_medium(0x400, 0x000)),
        Sense::element_field(6),
        "the transport holds nothing"
    );
    let other_transport = [0xa5, 0, 0, 1, 4, 0, 1, 0, 0, 0, 0, 0];
    assert_eq!(sense(&**port, &other_transport), Sense::element_field(2));
    assert_eq!(Sense::element_field(4).fixed()[12..18], [0x21, 0x01, 0, 0xcf, 0, 4]);

    data(&**port, &move_medium(0x400, 0x100));
    assert_eq!(bench.drive.barcode().as_deref(), Some("KIT001"));
    assert_eq!(sense(&**port, &move_medium(0x100, 0x404)), Sense::REMOVAL_PREVENTED, "not unloaded");
    assert_eq!(sense(&**port, &exchange(0x401, 0x100, 0x404)), Sense::REMOVAL_PREVENTED);
    assert_eq!(bench.changer.inventory()[0].place, Place::Drive(1));
    bench.drive.eject();
    data(&**port, &exchange(0x401, 0x100, 0x400));
    assert_eq!(bench.drive.barcode().as_deref(), Some("KIT002"));
    assert_eq!(bench.changer.inventory()[0].place, Place::Slot(1));
    assert_eq!(
        sense(&**port, &exchange(0x400, 0x404, 0x401)),
        Sense::SOURCE_EMPTY,
        "nothing to make room for"
    );
    // A drive that nobody serves now holds nothing back.
    data(&**port, &move_medium(0x400, 0x101));
    data(&**port, &move_medium(0x101, 0x400));
}

#[test]
fn drive_that_comes_later_finds_its_cartridge() {
    let bench = bench();
    data(&*bench.port, &move_medium(0x400, 0x101));
    let drive = Arc::new(FakeDrive::default());
    bench.changer.connect(2, &(Arc::clone(&drive) as _));
    assert_eq!(drive.barcode().as_deref(), Some("KIT001"));
    bench.changer.connect(0, &(Arc::clone(&drive) as _));
    bench.changer.connect(3, &(Arc::clone(&drive) as _));
    drop(drive);
    data(&*bench.port, &move_medium(0x101, 0x400));
}

#[test]
fn cartridge_without_its_image_is_an_exception() {
    let bench = bench();
    std::fs::remove_file(bench.directory.path().join("KIT001.tap")).unwrap();
    let slot = data(&*bench.port, &status(2, 0x400, 1, 0, 255));
    assert_eq!(slot[16..22], [4, 0, 0x0d, 0, 0x30, 0x00], "incompatible medium installed");
    assert_eq!(sense(&*bench.port, &move_medium(0x400, 0x100)), Sense::LOAD_FAILED);
    assert_eq!(bench.changer.inventory()[0].place, Place::Drive(1), "it is there all the same");
}

#[test]
fn host_that_refuses_leaves_everything_in_its_place() {
    let bench = bench();
    data(&*bench.port, &move_medium(0x400, 0x100));
    bench.drive.eject();
    // The new state is written beside the old one: not where a directory has that name.
    std::fs::create_dir(bench.directory.path().join("library.new")).unwrap();
    assert_eq!(sense(&*bench.port, &move_medium(0x100, 0x400)), Sense::TARGET_FAILURE);
    assert_eq!(
        (bench.drive.barcode().as_deref(), bench.drive.loads.load(Ordering::SeqCst)),
        (Some("KIT001"), 2)
    );
    assert_eq!(bench.changer.inventory()[0].place, Place::Drive(1));
}

#[test]
fn operator_and_guests_share_the_ports() {
    let bench = bench();
    let other = bench.changer.port(Initiator(Uuid::from_u128(2)));
    let import = |name: &str| bench.changer.import(name.parse().unwrap(), 1 << 20, false);
    assert_eq!(import("NEW001").unwrap(), Place::Port(1));
    for port in [&bench.port, &other] {
        assert_eq!(sense(&**port, &READY), Sense::PORT_ACCESSED);
        data(&**port, &READY);
    }
    assert_eq!(data(&*other, &status(3, 0, 9, 0, 255))[18], 0x3b, "by the operator");
    data(&*other, &move_medium(0x10, 0x404));
    data(&*other, &move_medium(0x404, 0x11));
    assert_eq!(data(&*other, &status(3, 0x11, 9, 0, 255))[18], 0x39, "by the library");

    data(&*other, &cdb(0x1e, &[(4, 1)]));
    assert!(matches!(import("NEW002"), Err(LibraryError::Locked)));
    assert_eq!(sense(&*bench.port, &cdb(0x1b, &[(3, 0x10)])), Sense::REMOVAL_PREVENTED);
    data(&*bench.port, &cdb(0x1e, &[]));
    assert!(matches!(import("NEW002"), Err(LibraryError::Locked)), "each for himself");
    drop(other);
    let new = "NEW001".parse().unwrap();
    assert!(bench.changer.export(&new, false).unwrap().is_file());
    assert_eq!(sense(&*bench.port, &READY), Sense::PORT_ACCESSED);

    data(&*bench.port, &cdb(0x1b, &[(3, 0x10)]));
    assert_eq!(data(&*bench.port, &status(3, 0, 1, 0, 255))[18], 0x30, "open: no access");
    assert_eq!(sense(&*bench.port, &move_medium(0x400, 0x10)), Sense::MAGAZINE_NOT_ACCESSIBLE);
    data(&*bench.port, &move_medium(0x400, 0x404));
    data(&*bench.port, &cdb(0x1b, &[(3, 0x10), (4, 1)]));
    data(&*bench.port, &move_medium(0x404, 0x10));
    assert_eq!(sense(&*bench.port, &cdb(0x1b, &[(2, 4)])), Sense::element_field(2), "no door of a slot");
}

#[test]
fn what_one_guest_reserves_the_other_cannot_move() {
    let bench = bench();
    let other = bench.changer.port(Initiator(Uuid::from_u128(2)));
    data(&*bench.port, &cdb(0x16, &[]));
    assert_eq!(run(&*other, &move_medium(0x400, 0x100), &[], 0).0, Execution::Conflict);
    assert_eq!(run(&*other, &status(0, 0, 9, 0, 255), &[], 255).0, Execution::Conflict);
    other.reset(Reset::PowerOn);
    assert_eq!(sense(&*other, &READY), Sense::POWER_ON);
    assert_eq!(
        run(&*other, &READY, &[], 0).0,
        Execution::Conflict,
        "another guest that starts releases nothing"
    );
    bench.port.reset(Reset::Nexus);
    data(&*other, &move_medium(0x400, 0x100));

    let register = |port: &ChangerPort, action: u8, kind: u8, key: u8| {
        let list: Vec<u8> =
            (0..24).map(|i| if i == if action == 0 { 15 } else { 7 } { key } else { 0 }).collect();
        run(port, &[0x5f, action, kind, 0, 0, 0, 0, 0, 24, 0], &list, 0).0
    };
    let good = Execution::Done(Completion { sense: None, data_out: 24, data_in: 0 });
    assert_eq!(sense(&*bench.port, &READY), Sense::NEXUS_LOSS);
    assert_eq!(
        (register(&bench.port, 0, 0, 5), register(&bench.port, 1, 1, 5)),
        (good, register(&bench.port, 1, 1, 5))
    );
    assert_eq!(run(&*other, &move_medium(0x401, 0x404), &[], 0).0, Execution::Conflict, "write exclusive");
    data(&*other, &status(0, 0, 9, 0, 255));
}

#[test]
fn impatient_callers_are_asked_to_wait_before_anything_moves() {
    let bench = bench();
    let none = Segments::empty();
    let command = Command {
        cdb: &move_medium(0x400, 0x100),
        data_out: &none,
        data_in: &none,
        delivery: Delivery::default(),
    };
    let execution = bench.port.execute(&command, Patience::Handover);
    assert_eq!(execution, Execution::WouldWait(super::super::Wait::Long));
    assert_eq!(bench.changer.inventory()[0].place, Place::Slot(1));
}

#[test]
fn log_pages_are_tape_alert_alone() {
    let bench = bench();
    assert_eq!(data(&*bench.port, &cdb(0x4d, &[(8, 255)])), [0, 0, 0, 2, 0x00, 0x2e]);
    let flags = data(&*bench.port, &cdb(0x4d, &[(2, 0x6e), (7, 1)]));
    assert_eq!((flags.len(), &flags[..9]), (4 + 32 * 5, &[0x2e, 0, 0, 160, 0, 1, 3, 1, 0][..]));
    assert_eq!(sense(&*bench.port, &cdb(0x4d, &[(2, 0x11)])), Sense::cdb_field(2, 5));
}

#[test]
fn the_operator_has_cartridges_moved() {
    let bench = bench();
    let barcode = |text: &str| text.parse::<Barcode>().unwrap();
    let carry = |name: &str, to| bench.changer.carry(&barcode(name), to).map_err(|error| error.to_string());
    assert_eq!(carry("KIT001", Place::Drive(1)), Ok(()));
    assert_eq!(bench.drive.barcode().as_deref(), Some("KIT001"));
    let refused = |name: &str, to| carry(name, to).unwrap_err();
    let unmovable = |name: &str, reason: &str| format!("Cartridge {name} cannot be moved: {reason}.");
    assert_eq!(refused("KIT001", Place::Slot(1)), unmovable("KIT001", "drive 1 has not let go of it"));
    assert_eq!(refused("KIT002", Place::Drive(1)), unmovable("KIT002", "drive 1 is full"));
    assert_eq!(refused("KIT002", Place::Slot(99)), unmovable("KIT002", "there is no slot 99"));
    assert_eq!(refused("KIT002", Place::Slot(2)), unmovable("KIT002", "it is in slot 2 already"));
    assert_eq!(refused("KIT999", Place::Slot(1)), "Cartridge KIT999 is not in the library.");
    bench.drive.eject();
    assert_eq!(carry("KIT001", Place::Slot(1)), Ok(()));
    assert_eq!(bench.drive.barcode(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is moved, exchanged and unloaded: the drives have what the library says they have.
    #[test]
    fn drives_and_library_agree(steps in proptest::collection::vec((0u16..11, 0u16..11, 0u16..11, 0u8..4), 1..20)) {
        let bench = bench();
        let address = |n: u16| [0x10, 0x11, 0x100, 0x101, 0x400, 0x401, 0x402, 0x403, 0x404, 0x102, 0][usize::from(n)];
        for (from, to, further, step) in steps {
            match step {
                0 => bench.drive.eject(),
                1 => _ = run(&*bench.port, &exchange(address(from), address(to), address(further)), &[], 0),
                _ => _ = run(&*bench.port, &move_medium(address(from), address(to)), &[], 0),
            }
            let inventory = bench.changer.inventory();
            let places: BTreeSet<Place> = inventory.iter().map(|cartridge| cartridge.place).collect();
            prop_assert_eq!((inventory.len(), places.len()), (4, 4));
            let there = inventory.iter().find(|cartridge| cartridge.place == Place::Drive(1));
            prop_assert_eq!(bench.drive.barcode(), there.map(|cartridge| cartridge.barcode.to_string()));
        }
    }

    #[test]
    fn any_cdb_has_an_answer(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..16),
        row in 0..rows::<ChangerPort>().count(),
        room in 0usize..300,
    ) {
        let bench = bench();
        run(&*bench.port, &bytes, &bytes, room);
        let known = accepted(rows::<ChangerPort>().nth(row).unwrap(), &bytes);
        run(&*bench.port, &known, &bytes, room);
    }
}

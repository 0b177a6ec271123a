//! Several guests at one drive.

use super::*;

#[test]
fn cartridges_come_and_go_and_everybody_is_told() {
    let bench = Bench::empty();
    let other = bench.shared_with(2);
    assert!(bench.drive.unload(false).unwrap().is_none());
    let path = bench.directory.path().join("a.tap");
    Image::create(&path).unwrap();
    let cartridge = Cartridge::at(&path).unwrap();
    bench.drive.load(cartridge.clone()).unwrap();
    assert!(matches!(bench.drive.load(cartridge.clone()), Err(InsertError::Occupied)));
    for bench in [&bench, &other] {
        assert_eq!(bench.sense(&[0; 6]), Sense::MEDIUM_CHANGED);
        bench.good(&[0; 6], &[]);
    }
    assert!(bench.drive.is_loaded());
    assert_eq!(bench.drive.unload(false).unwrap(), Some(cartridge));
    assert_eq!(bench.sense(&[0; 6]), Sense::MEDIUM_NOT_PRESENT);
    let missing = Cartridge::at(&bench.directory.path().join("none.tap")).unwrap();
    assert!(matches!(bench.drive.load(missing), Err(InsertError::Open(OpenError::Missing(_)))));
}

#[test]
fn door_is_locked_while_anybody_wants_it() {
    let bench = Bench::new();
    let other = bench.shared_with(2);
    let (lock, unlock) = ([0x1e, 0, 0, 0, 1, 0], [0x1e, 0, 0, 0, 0, 0]);
    bench.good(&lock, &[]);
    other.good(&lock, &[]);
    bench.good(&unlock, &[]);
    assert!(bench.drive.is_prevented());
    assert!(matches!(bench.drive.unload(false), Err(InsertError::Locked)));
    assert_eq!(bench.sense(&[0x1b, 0, 0, 0, 0, 0]), Sense::REMOVAL_PREVENTED);
    drop(other);
    assert!(!bench.drive.is_prevented(), "the guest is gone");
    bench.good(&lock, &[]);
    bench.drive.unload(true).unwrap().unwrap();
    assert!(!bench.drive.is_prevented());
    assert_eq!(bench.sense(&[0x1e, 0, 0, 0, 2, 0]), Sense::cdb_field(4, 1));
}

#[test]
fn loading_again_is_told_to_the_others() {
    let bench = Bench::new();
    let other = bench.shared_with(2);
    bench.good(&[0x1b, 0, 0, 0, 0, 0], &[]);
    bench.good(&[0x1b, 0, 0, 0, 1, 0], &[]);
    bench.good(&[0; 6], &[]);
    assert_eq!(other.sense(&[0; 6]), Sense::MEDIUM_CHANGED);
    assert_eq!(bench.sense(&[0x1b, 0, 0, 0, 5, 0]), Sense::cdb_field(4, 2));
}

#[test]
fn settings_are_the_drives() {
    let bench = Bench::new();
    let other = bench.shared_with(2);
    bench.set_block_len(512);
    assert_eq!(bench.attention(), Sense::NONE);
    assert_eq!(other.sense(&[0; 6]), Sense::MODE_CHANGED);
    assert_eq!(other.data(&[0x1a, 0, 0, 0, 12, 0], 12)[9..], [0, 2, 0]);
    bench.set_block_len(512);
    assert_eq!(other.attention(), Sense::NONE, "nothing has changed");
}

#[test]
fn reserved_drive_is_refused_to_others() {
    let bench = Bench::with_blocks(&[b"a"]);
    let other = bench.shared_with(2);
    bench.good(&[0x16, 0, 0, 0, 0, 0], &[]);
    for cdb in [vec![0; 6], sized(0x08, 0, 1).to_vec(), REWIND.to_vec(), vec![0x1b, 0, 0, 0, 0, 0]] {
        assert_eq!(other.run(&cdb, &[], 10).execution, Execution::Conflict, "{cdb:02x?}");
    }
    assert_eq!(other.data(&[0x12, 0, 0, 0, 96, 0], 96).len(), 96);
    bench.port.reset(Reset::Nexus);
    assert_eq!(bench.attention(), Sense::NEXUS_LOSS);
    other.good(&[0; 6], &[]);

    let out = |action: u8, key: u64, new_key: u64| {
        let list = [&key.to_be_bytes()[..], &new_key.to_be_bytes(), &[0; 8]].concat();
        ([0x5f, action, 3, 0, 0, 0, 0, 0, 24, 0], list)
    };
    for (cdb, list) in [out(0, 0, 5), out(1, 5, 0)] {
        bench.good(&cdb, &list);
    }
    assert_eq!(other.run(&sized(0x08, 0, 1), &[], 1).execution, Execution::Conflict);
    other.good(&[0; 6], &[]);
    let (cdb, list) = out(2, 5, 0);
    bench.good(&cdb, &list);
    assert_eq!(other.read(), b"a");
}

#[test]
fn guest_that_begins_anew_disturbs_nobody() {
    let bench = Bench::with_blocks(&[b"a", b"b"]);
    let other = bench.shared_with(2);
    bench.set_block_len(512);
    bench.read();
    other.attention();
    for reset in [Reset::PowerOn, Reset::Adapter, Reset::Nexus] {
        other.port.reset(reset);
        assert_eq!(other.attention(), reset.sense());
        assert_eq!(bench.attention(), Sense::NONE);
    }
    assert_eq!(bench.data(&[0x1a, 0, 0, 0, 12, 0], 12)[9..], [0, 2, 0]);
    assert_eq!(bench.read(), b"b");
    other.port.reset(Reset::LogicalUnit);
    assert_eq!(bench.attention(), Sense::RESET_OCCURRED);
    assert_eq!(bench.data(&[0x1a, 0, 0, 0, 12, 0], 12)[9..], [0, 0, 0]);
    assert_eq!(bench.position(), 2, "the tape stays where it is");
}

#[test]
fn changer_gives_and_takes_cartridges_that_guests_let_go_of() {
    use crate::scsi::smc::{DataTransferElement, Loading, StillLoaded};
    let bench = Bench::empty();
    let image = bench.directory.path().join("KIT001L4.tap");
    Image::create(&image).unwrap();
    let loading =
        Loading { image, barcode: "KIT001L4".parse().unwrap(), capacity: 1 << 20, write_protected: false };
    let element: &dyn DataTransferElement = &*bench.drive;
    assert!(element.is_unloaded());
    element.load(&loading).unwrap();
    assert_eq!(bench.sense(&[0; 6]), Sense::MEDIUM_CHANGED);
    bench.write(b"a");
    // A changer that begins anew tells what lies in its drives.
    element.load(&loading).unwrap();
    assert_eq!(bench.position(), 1);
    assert_eq!(element.unload(initiator(1)), Err(StillLoaded));
    bench.good(&[0x1b, 0, 0, 0, 0, 0], &[]);
    assert!(element.is_unloaded());
    element.unload(initiator(1)).unwrap();
    assert_eq!(bench.sense(&[0; 6]), Sense::MEDIUM_NOT_PRESENT);
    assert_eq!(bench.drive.cartridge(), None);
}

//! Each command of a drive, with a disc, without, and while discs come and go.

use super::*;
use crate::scsi::command::rows;
use crate::scsi::tests::{self, accepted, check_tables, data, run, sense};
use crate::segments::Segments;
use crate::testing::{Failing, MemoryStore};

const SECTORS: u32 = 400;

fn disc() -> Arc<MemoryStore> {
    let store = MemoryStore::new(SECTORS as usize * SECTOR as usize);
    for sector in 0..SECTORS {
        let mut bytes = [sector as u8; 8];
        let data = Segments::from_slice(&mut bytes);
        store.write_at(u64::from(sector) * SECTOR, &data, crate::backing::Durability::Cached).unwrap();
    }
    Arc::new(store)
}

fn loaded() -> Dvd {
    Dvd::new(Some(disc()), Drive::FileDvd, Uuid::from_u128(7))
}

fn cdb(opcode: u8, bytes: &[(usize, u8)]) -> Vec<u8> {
    tests::cdb::<Dvd>(opcode, bytes)
}

const READY: [u8; 6] = [0; 6];

#[test]
fn every_command_has_a_good_path_and_refuses_meaningless_bits() {
    for row in rows::<Dvd>() {
        let mut bytes = match row.opcode {
            0xa0 => vec![(9, 16)],
            0xa3 => vec![(1, row.service_action.unwrap()), (9, 64)],
            0x4a => vec![(1, 1)],
            0x52 => vec![(1, 1), (5, 1)],
            0x1a | 0x5a => vec![(2, 0x3f)],
            _ => vec![],
        };
        let (execution, _) = run(&loaded(), &cdb(row.opcode, &bytes), &[], 8192);
        assert!(
            matches!(execution, Execution::Done(Completion { sense: None, .. })),
            "{}: {execution:?}",
            row.name
        );
        for (byte, used) in row.usage.iter().enumerate().skip(1) {
            for bit in (0..8).filter(|bit| used >> bit & 1 == 0) {
                bytes.push((byte, 1 << bit));
                let refusal = sense(&loaded(), &cdb(row.opcode, &bytes));
                assert_eq!(refusal, Sense::cdb_field(byte as u16, bit), "{} byte {byte}", row.name);
                bytes.pop();
            }
        }
    }
}

#[test]
fn table_is_ordered_and_lengths_follow_the_opcode_group() {
    check_tables::<Dvd>();
}

#[test]
fn inquiry_data_is_that_of_a_dvd() {
    for (drive, product) in [
        (Drive::Dvd, "Virtual DVD     "),
        (Drive::FileDvd, "Virtual FileDVD "),
        (Drive::NullDvd, "Virtual NullDVD "),
    ] {
        let inquiry = data(&Dvd::new(None, drive, Uuid::nil()), &cdb(0x12, &[(4, 96)]));
        assert_eq!(inquiry[..5], [0x05, 0x80, 0x06, 0x12, 91], "removable");
        assert_eq!(std::str::from_utf8(&inquiry[8..32]).unwrap(), format!("KITTSON {product}"));
    }
    assert_eq!(data(&loaded(), &cdb(0x12, &[(1, 1), (4, 96)])), [5, 0, 0, 3, 0x00, 0x80, 0x83]);
}

#[test]
fn sectors_have_2048_bytes() {
    let dvd = loaded();
    assert_eq!(data(&dvd, &cdb(0x25, &[])), [0, 0, 1, 0x8f, 0, 0, 8, 0]);
    let read = data(&dvd, &cdb(0x28, &[(5, 9), (8, 2)]));
    assert_eq!((read.len(), read[0], read[2048]), (4096, 9, 10));
    assert_eq!(data(&dvd, &cdb(0xa8, &[(5, 9), (9, 2)])), read);
    assert_eq!(sense(&dvd, &cdb(0x28, &[(4, 1), (5, 0x8f), (8, 2)])), Sense::LBA_OUT_OF_RANGE);
    assert_eq!(run(&dvd, &cdb(0x28, &[(8, 1)]), &[], 2047).0, Execution::Overrun);
    let statistics = dvd.statistics();
    assert_eq!((statistics.reads, statistics.read_bytes, statistics.refused), (2, 8192, 1));
    assert_eq!(sense(&dvd, &[0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0]), Sense::INVALID_OPCODE, "nothing is written");
}

#[test]
fn empty_drive_is_not_ready_but_answers() {
    let dvd = Dvd::new(None, Drive::NullDvd, Uuid::nil());
    for opcode in [0x00, 0x25, 0x28, 0x43, 0x51, 0x52, 0xad] {
        assert_eq!(sense(&dvd, &cdb(opcode, &[])), Sense::NO_MEDIUM, "{opcode:#x}");
    }
    assert_eq!(sense(&dvd, &cdb(0x1b, &[(4, 1)])), Sense::NO_MEDIUM);
    let configuration = data(&dvd, &cdb(0x46, &[(8, 255)]));
    assert_eq!(configuration[6..8], [0, 0], "no current profile");
    assert_eq!(data(&dvd, &cdb(0x4a, &[(1, 1), (4, 0x10), (8, 8)])), [0, 6, 4, 0x10, 0, 0, 0, 0]);
}

#[test]
fn inserted_disc_is_a_unit_attention_and_an_event() {
    let dvd = Dvd::new(None, Drive::NullDvd, Uuid::nil());
    dvd.change(Some(disc()), Drive::FileDvd);
    assert!(dvd.has_news());
    let poll = cdb(0x4a, &[(1, 1), (4, 0x10), (8, 8)]);
    assert_eq!(data(&dvd, &poll), [0, 6, 4, 0x10, 2, 2, 0, 0], "new media, present");
    assert_eq!(data(&dvd, &poll)[4..6], [0, 2]);
    assert_eq!(sense(&dvd, &READY), Sense::MEDIUM_CHANGED);
    assert!(data(&dvd, &READY).is_empty());
    dvd.change(None, Drive::NullDvd);
    assert_eq!(data(&dvd, &poll)[4..6], [3, 0], "removal");
    assert_eq!(sense(&dvd, &READY), Sense::NO_MEDIUM);
}

#[test]
fn locked_drive_keeps_its_disc() {
    let dvd = loaded();
    data(&dvd, &cdb(0x1e, &[(4, 1)]));
    assert_eq!(sense(&dvd, &cdb(0x1b, &[(4, 2)])), Sense::REMOVAL_PREVENTED);
    assert_eq!(dvd.ask_for_disc(), Err(EjectError::Locked));
    assert!(dvd.is_held());
    assert_eq!(data(&dvd, &cdb(0x4a, &[(1, 1), (4, 0x10), (8, 8)]))[4], 1, "the operator asks");
    assert_eq!(data(&dvd, &cdb(0x5a, &[(2, 0x2a), (8, 255)]))[8 + 6], 0x2b, "the page says so");
    assert_eq!(dvd.disc_state(), DiscState::Present);
    data(&dvd, &cdb(0x1e, &[]));
    dvd.ask_for_disc().unwrap();
    dvd.change(None, Drive::NullDvd);
    assert_eq!(dvd.disc_state(), DiscState::Absent);

    let dvd = loaded();
    data(&dvd, &cdb(0x1e, &[(4, 1)]));
    dvd.change(None, Drive::NullDvd);
    assert!(!dvd.is_locked() && dvd.disc_state() == DiscState::Absent);
}

#[test]
fn guest_opens_and_closes_the_tray() {
    let dvd = loaded();
    data(&dvd, &cdb(0x1b, &[(4, 2)]));
    assert_eq!((sense(&dvd, &READY), dvd.disc_state()), (Sense::TRAY_OPEN, DiscState::TrayOpen));
    assert_eq!(data(&dvd, &cdb(0xbd, &[(9, 8)]))[1], 0x10, "door open");
    data(&dvd, &cdb(0x1b, &[(4, 3)]));
    assert_eq!(sense(&dvd, &READY), Sense::MEDIUM_CHANGED);
    data(&dvd, &READY);
    data(&dvd, &cdb(0x1b, &[(4, 2)]));
    dvd.change(Some(disc()), Drive::FileDvd);
    assert_eq!(dvd.disc_state(), DiscState::Present, "another disc in the open tray");
}

#[test]
fn reset_unlocks_the_drive() {
    let dvd = loaded();
    data(&dvd, &cdb(0x1e, &[(4, 1)]));
    dvd.reset(Reset::Adapter);
    assert!(!dvd.is_locked());
    assert_eq!(sense(&dvd, &READY), Sense::ANY_RESET);
}

#[test]
fn table_of_contents_is_one_data_track() {
    let dvd = loaded();
    #[rustfmt::skip]
    let expected = [
        0, 18, 1, 1,
        0, 0x14, 1, 0, 0, 0, 0, 0,
        0, 0x14, 0xaa, 0, 0, 0, 1, 0x90,
    ];
    assert_eq!(data(&dvd, &cdb(0x43, &[(8, 255)])), expected);
    assert_eq!(data(&dvd, &cdb(0x43, &[(6, 0xaa), (8, 255)]))[..4], [0, 10, 1, 1]);
    // 400 + 150 frames: 7 seconds and 25 frames; sector 0 is at 2 seconds.
    let times = data(&dvd, &cdb(0x43, &[(1, 2), (8, 255)]));
    assert_eq!((&times[8..12], &times[16..]), (&[0, 0, 2, 0][..], &[0, 0, 7, 25][..]));
    assert_eq!(data(&dvd, &cdb(0x43, &[(2, 1), (8, 255)])), [0, 10, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0]);
    assert_eq!(data(&dvd, &cdb(0x43, &[(8, 4)])).len(), 4);
    assert_eq!(sense(&dvd, &cdb(0x43, &[(6, 2), (8, 4)])), Sense::cdb_field(6, 7));
    assert_eq!(sense(&dvd, &cdb(0x43, &[(2, 2), (8, 4)])), Sense::cdb_field(2, 3));
    assert_eq!(disc::address(u32::MAX, true), [0, 0xff, 59, 74]);
}

#[test]
fn configuration_lists_features_in_order() {
    let dvd = loaded();
    let all = data(&dvd, &cdb(0x46, &[(7, 1)]));
    assert_eq!(u32::from_be_bytes([all[0], all[1], all[2], all[3]]) as usize, all.len() - 4);
    assert_eq!(all[6..8], [0x00, 0x10], "DVD-ROM");
    let (mut at, mut codes) = (8, Vec::new());
    while at < all.len() {
        codes.push(u16::from_be_bytes([all[at], all[at + 1]]));
        at += 4 + usize::from(all[at + 3]);
    }
    assert_eq!((at, codes), (all.len(), vec![0, 1, 2, 3, 0x10, 0x1f, 0x100]));
    let one = data(&dvd, &cdb(0x46, &[(1, 2), (3, 0x10), (8, 255)]));
    assert_eq!(one[8..], [0, 0x10, 0x01, 8, 0, 0, 8, 0, 0, 16, 0, 0], "current, 2048 bytes");
    let empty = Dvd::new(None, Drive::NullDvd, Uuid::nil());
    let current = data(&empty, &cdb(0x46, &[(1, 1), (3, 0x10), (8, 255)]));
    assert_eq!(current[8..10], [0x01, 0x00], "those of discs are not current");
    assert_eq!(sense(&dvd, &cdb(0x46, &[(1, 3)])), Sense::cdb_field(1, 1));
}

#[test]
fn disc_is_described_as_a_complete_dvd_rom() {
    let dvd = loaded();
    let information = data(&dvd, &cdb(0x51, &[(8, 255)]));
    assert_eq!((information.len(), &information[..7]), (34, &[0, 32, 0x0e, 1, 1, 1, 1][..]));
    let track = data(&dvd, &cdb(0x52, &[(1, 1), (5, 1), (8, 255)]));
    assert_eq!((track.len(), &track[24..28]), (36, &SECTORS.to_be_bytes()[..]));
    assert_eq!(sense(&dvd, &cdb(0x52, &[(1, 1), (5, 2), (8, 255)])), Sense::cdb_field(2, 7));
    let structure = data(&dvd, &cdb(0xad, &[(8, 0x10)]));
    assert_eq!((structure.len(), &structure[..2]), (2052, &[0x08, 0x02][..]));
    assert_eq!(structure[8..16], [0, 3, 0, 0, 0, 3, 1, 0x8f]);
    assert_eq!(data(&dvd, &cdb(0xad, &[(7, 1), (9, 8)])), [0, 6, 0, 0, 0, 0, 0, 0], "no protection");
    assert_eq!(sense(&dvd, &cdb(0xad, &[(7, 2), (9, 8)])), Sense::cdb_field(7, 7));
}

#[test]
fn unreadable_disc_is_a_medium_error() {
    let store = disc();
    let dvd = Dvd::new(Some(store.clone()), Drive::FileDvd, Uuid::nil());
    store.fail(Failing::Reads(libc::EIO));
    assert_eq!(sense(&dvd, &cdb(0x28, &[(8, 1)])), Sense::READ_ERROR);
    store.fail(Failing::Reads(libc::ENOMEDIUM));
    assert_eq!(sense(&dvd, &cdb(0x28, &[(8, 1)])), Sense::NO_MEDIUM);
    assert_eq!(dvd.statistics().errors, 2);
}

#[test]
fn lock_tray_and_news_survive_the_vsp_and_not_the_power() {
    use crate::scsi::reservation::Power;
    let directory = tempfile::tempdir().unwrap();
    let open = |power| loaded().kept_in(&directory.path().join("state"), power).unwrap();
    let (prevent, allow) = (cdb(0x1e, &[(4, 1)]), cdb(0x1e, &[]));
    let (eject, event) = (cdb(0x1b, &[(4, 2)]), cdb(0x4a, &[(1, 1), (4, 0x10), (8, 8)]));
    let dvd = open(Power::Lost);
    dvd.reset(Reset::PowerOn);
    assert_eq!(sense(&dvd, &READY), Sense::POWER_ON);
    data(&dvd, &prevent);
    dvd.change(Some(disc()), Drive::FileDvd);
    data(&dvd, &cdb(0x12, &[(4, 36)]));
    drop(dvd);

    let dvd = open(Power::Kept);
    assert!(!dvd.is_locked(), "another disc was put in by force");
    assert_eq!(data(&dvd, &event)[4], 2, "new media");
    assert_eq!(sense(&dvd, &READY), Sense::MEDIUM_CHANGED);
    data(&dvd, &prevent);
    drop(dvd);

    let dvd = open(Power::Kept);
    assert_eq!(sense(&dvd, &eject), Sense::REMOVAL_PREVENTED);
    assert!(dvd.is_held());
    assert_eq!(data(&dvd, &event)[4], 0);
    data(&dvd, &allow);
    data(&dvd, &eject);
    drop(dvd);

    let dvd = open(Power::Kept);
    assert_eq!((dvd.disc_state(), sense(&dvd, &READY)), (DiscState::TrayOpen, Sense::TRAY_OPEN));
    drop(dvd);
    assert_eq!(open(Power::Lost).disc_state(), DiscState::Present);
}

proptest::proptest! {
    #[test]
    fn any_cdb_has_an_answer(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..16),
        row in 0..rows::<Dvd>().count(),
        room in 0usize..300,
    ) {
        let dvd = loaded();
        run(&dvd, &bytes, &[], room);
        let known = accepted(rows::<Dvd>().nth(row).unwrap(), &bytes);
        run(&dvd, &known, &[], room);
    }
}

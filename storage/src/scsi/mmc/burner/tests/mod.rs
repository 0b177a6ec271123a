//! Each command of a burner, and discs recorded the ways programs record them, compared byte by byte.

mod kept;

use super::*;
use crate::disc::Kind;
use crate::scsi::command::rows;
use crate::scsi::tests::{self, accepted, check_tables, data, refusal, run, send};

struct Bench {
    burner: Arc<Burner>,
    port: Arc<BurnerPort>,
    directory: tempfile::TempDir,
}

fn bench(kind: Kind) -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let disc = Disc::create(&directory.path().join("disc.iso"), kind, Some(50_000)).unwrap();
    let burner = Arc::new(Burner::new(Some(disc), Uuid::from_u128(7)));
    let port = burner.port(Initiator::default());
    Bench { burner, port, directory }
}

impl Bench {
    /// The image as others see it.
    fn image(&self) -> Vec<u8> {
        std::fs::read(self.directory.path().join("disc.iso")).unwrap()
    }
}

fn cdb(opcode: u8, bytes: &[(usize, u8)]) -> Vec<u8> {
    tests::cdb::<BurnerPort>(opcode, bytes)
}

fn write_10(lba: u32, sectors: u16) -> Vec<u8> {
    let ([a, b, c, d], [e, f]) = (lba.to_be_bytes(), sectors.to_be_bytes());
    vec![0x2a, 0, a, b, c, d, 0, e, f, 0]
}

/// MODE SELECT(10) of the write parameters: bytes 2 to 4 of the page.
fn select(port: &BurnerPort, bytes: [u8; 3]) {
    let mut list = vec![0; 8];
    list.extend([0x05, 50]);
    list.extend(bytes);
    list.resize(8 + 52, 0);
    list[8 + 15] = 150;
    send(port, &[0x55, 0x10, 0, 0, 0, 0, 0, 0, 60, 0], &list);
}

const SYNCHRONIZE: [u8; 10] = [0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const CLOSE_TRACK: [u8; 10] = [0x5b, 0, 1, 0, 0, 0xff, 0, 0, 0, 0];
const CLOSE_SESSION: [u8; 10] = [0x5b, 0, 2, 0, 0, 0, 0, 0, 0, 0];
const TRACK_AT_ONCE: u8 = 0x41;
const SESSION_AT_ONCE: u8 = 0x42;
const INCREMENTAL: u8 = 0x40;
const FINAL: u8 = 0x04;
const MULTI_SESSION: u8 = 0xc4;

/// An ISO image of some files, padded to whole groups of 16 sectors; made by genisoimage or xorriso where there is one.
fn iso() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let files = directory.path().join("files");
    std::fs::create_dir(&files).unwrap();
    for n in 0..20u32 {
        let content: Vec<u8> = (0..n * 4099).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        std::fs::write(files.join(format!("file{n}")), content).unwrap();
    }
    let image = directory.path().join("made.iso");
    for maker in [&["genisoimage"][..], &["xorriso", "-as", "mkisofs"]] {
        let made = std::process::Command::new(maker[0])
            .args(&maker[1..])
            .args(["-quiet", "-R", "-o"])
            .args([&image, &files])
            .output();
        if made.is_ok_and(|made| made.status.success()) {
            let mut iso = std::fs::read(&image).unwrap();
            assert_eq!(&iso[0x8001..0x8006], b"CD001", "a primary volume descriptor");
            iso.resize(iso.len().next_multiple_of(32 << 10), 0);
            return iso;
        }
    }
    eprintln!("skipped: genisoimage is not installed; made-up bytes instead");
    (0..40 * 32_768u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect()
}

/// Writes in pieces of 32 KiB from a sector on; tells the sector after the last.
fn record(port: &BurnerPort, from: u32, content: &[u8]) -> u32 {
    let mut lba = from;
    for piece in content.chunks(32 << 10) {
        let sectors = (piece.len() / SECTOR as usize) as u16;
        send(port, &write_10(lba, sectors), piece);
        lba += u32::from(sectors);
    }
    lba
}

fn be32(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]])
}

/// READ TRACK INFORMATION of the track to be written next.
fn next_track(port: &BurnerPort) -> Vec<u8> {
    data(port, &[0x52, 1, 0, 0, 0, 0xff, 0, 0, 36, 0])
}

#[test]
fn table_is_ordered_and_lengths_follow_the_opcode_group() {
    check_tables::<BurnerPort>();
}

#[test]
fn every_command_refuses_meaningless_bits() {
    let bench = bench(Kind::CdR);
    for row in rows::<BurnerPort>() {
        let action = row.service_action.map_or(vec![], |action| vec![(1, action)]);
        for (byte, used) in row.usage.iter().enumerate().skip(1) {
            for bit in (0..8).filter(|bit| used >> bit & 1 == 0) {
                let bytes = [&action[..], &[(byte, 1 << bit)]].concat();
                let sense = refusal(&*bench.port, &cdb(row.opcode, &bytes), &[]);
                assert_eq!(sense, Sense::cdb_field(byte as u16, bit), "{} byte {byte}", row.name);
            }
        }
    }
}

#[test]
fn cd_is_recorded_track_at_once_in_two_sessions() {
    let (bench, iso) = (bench(Kind::CdR), iso());
    let port = &bench.port;
    let blank = data(&**port, &cdb(0x51, &[(8, 34)]));
    assert_eq!(blank[..8], [0, 32, 0x00, 1, 1, 1, 1, 0x20], "empty, session 1, track 1");
    assert_eq!((&blank[16..20], &blank[20..24]), (&[0, 97, 0, 0][..], &[0, 11, 8, 50][..]));
    let next = next_track(port);
    assert_eq!(next[..8], [0, 34, 1, 1, 0, 4, 0x41, 1], "blank, next writable address valid");
    assert_eq!((be32(&next, 12), be32(&next, 16)), (0, 50_000));
    assert_eq!(
        refusal(&**port, &cdb(0x43, &[(8, 255)]), &[]),
        Sense::cdb_field(2, 3),
        "no table of contents"
    );

    select(port, [TRACK_AT_ONCE, MULTI_SESSION, 8]);
    let end = record(port, 0, &iso);
    assert_eq!(refusal(&**port, &write_10(0, 1), &iso[..2048]), Sense::INVALID_WRITE_ADDRESS);
    data(&**port, &SYNCHRONIZE);
    data(&**port, &CLOSE_TRACK);
    data(&**port, &CLOSE_SESSION);
    assert_eq!(bench.image(), iso);
    let appendable = data(&**port, &cdb(0x51, &[(8, 34)]));
    assert_eq!(appendable[2..7], [0x01, 1, 2, 2, 2], "appendable, an empty session 2");
    let second = be32(&next_track(port), 12);
    assert_eq!(second, end + 11_400);
    #[rustfmt::skip]
    let expected = [&[0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0], &end.to_be_bytes()[..]].concat();
    assert_eq!(data(&**port, &cdb(0x43, &[(8, 255)])), expected);

    select(port, [TRACK_AT_ONCE, FINAL, 8]);
    record(port, second, &iso[..65_536]);
    data(&**port, &SYNCHRONIZE);
    data(&**port, &CLOSE_TRACK);
    data(&**port, &CLOSE_SESSION);
    let complete = data(&**port, &cdb(0x51, &[(8, 34)]));
    assert_eq!(complete[2..7], [0x0e, 1, 2, 2, 2], "finalised");
    let sessions = data(&**port, &cdb(0x43, &[(2, 1), (8, 255)]));
    assert_eq!(sessions, [&[0, 10, 1, 2, 0, 0x14, 2, 0][..], &second.to_be_bytes()].concat());
    let lead_ins = data(&**port, &cdb(0x43, &[(1, 2), (2, 2), (8, 255)]));
    assert_eq!((lead_ins.len(), &lead_ins[..4]), (4 + 8 * 11, &[0, 90, 1, 2][..]));
    assert_eq!(lead_ins[4..15], [1, 0x14, 0, 0xa0, 0, 0, 0, 0, 1, 0, 0]);
    assert_eq!(refusal(&**port, &write_10(second + 32, 1), &iso[..2048]), Sense::WRITE_PROTECTED);
    assert_eq!(data(&**port, &[0x28, 0, 0, 0, 0, 16, 0, 0, 1, 0]), iso[0x8000..0x8800]);
    assert_eq!(be32(&data(&**port, &cdb(0x25, &[])), 0), second + 31);
}

#[test]
fn cd_is_recorded_session_at_once_from_a_cue_sheet() {
    let (bench, iso) = (bench(Kind::CdRw), iso());
    let port = &bench.port;
    let end = (iso.len() / 2048) as u32;
    let frames = end + 150;
    let lead_out = [(frames / 4500) as u8, (frames / 75 % 60) as u8, (frames % 75) as u8];
    #[rustfmt::skip]
    let sheet = [
        &[0x41, 0x00, 0, 0x14, 0, 0, 0, 0][..],
        &[0x41, 0x01, 0, 0x10, 0, 0, 0, 0],
        &[0x41, 0x01, 1, 0x10, 0, 0, 2, 0],
        &[0x41, 0xaa, 1, 0x14, 0], &lead_out,
    ].concat();
    let cue = [0x5d, 0, 0, 0, 0, 0, 0, 0, 32, 0];
    assert_eq!(refusal(&**port, &cue, &sheet), Sense::COMMAND_SEQUENCE, "not before the write type");
    // The data block type is that of audio: the cue sheet alone counts.
    select(port, [SESSION_AT_ONCE, FINAL, 0]);
    assert_eq!(refusal(&**port, &write_10(0, 1), &iso[..2048]), Sense::COMMAND_SEQUENCE);
    send(&**port, &cue, &sheet);
    let pre_gap = record(port, (-150i32).cast_unsigned(), &vec![0; 150 * 2048][..128 << 10]);
    assert_eq!(pre_gap.cast_signed(), -86);
    send(&**port, &write_10(pre_gap, 86), &[0; 86 * 2048]);
    record(port, 0, &iso);
    assert_eq!(refusal(&**port, &write_10(end, 1), &iso[..2048]), Sense::END_OF_USER_AREA);
    data(&**port, &SYNCHRONIZE);
    assert_eq!(bench.image(), iso);
    assert_eq!(data(&**port, &cdb(0x51, &[(8, 34)]))[2], 0x1e, "erasable, finalised");
    data(&**port, &cdb(0xa1, &[(1, 0x11)]));
    assert_eq!(data(&**port, &cdb(0x51, &[(8, 34)]))[2], 0x10, "blank again");
    assert_eq!(bench.image(), []);
}

#[test]
fn dvds_are_recorded_in_sequence() {
    for (kind, profile) in [(Kind::DvdMinusR, 0x11), (Kind::DvdMinusRw, 0x14), (Kind::DvdPlusR, 0x1b)] {
        let (bench, iso) = (bench(kind), iso());
        let port = &bench.port;
        // What is left from a disc before: a DVD+R does not know it.
        select(port, [SESSION_AT_ONCE, FINAL, 8]);
        if kind != Kind::DvdPlusR {
            select(port, [INCREMENTAL, MULTI_SESSION, 8]);
        }
        assert_eq!(data(&**port, &cdb(0x46, &[(8, 8)]))[7], profile, "{kind}");
        let sectors = (iso.len() / 2048) as u32;
        let [a, b, c, d] = sectors.to_be_bytes();
        send(&**port, &[0x53, 0, 0, 0, 0, a, b, c, d, 0], &[]);
        let track = data(&**port, &[0x52, 1, 0, 0, 0, 1, 0, 0, 36, 0]);
        assert_eq!((track[6], be32(&track, 24)), (0xc1, sectors), "reserved and blank");
        assert_eq!(record(port, 0, &iso), sectors);
        data(&**port, &SYNCHRONIZE);
        data(&**port, &[0x5b, 0, 1, 0, 0, 1, 0, 0, 0, 0]);
        data(&**port, &CLOSE_SESSION);
        assert_eq!(bench.image(), iso, "{kind}");
        let track = data(&**port, &[0x52, 1, 0, 0, 0, 1, 0, 0, 36, 0]);
        assert_eq!((track[7], be32(&track, 24), be32(&track, 28)), (2, sectors, sectors - 1));
        if kind == Kind::DvdPlusR {
            record(port, be32(&next_track(port), 12), &iso[..32_768]);
            data(&**port, &[0x5b, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
            assert_eq!(data(&**port, &cdb(0x51, &[(8, 34)]))[2], 0x0e, "finalised");
        }
    }
}

#[test]
fn dvd_recorded_at_once_is_finalised_when_it_is_full() {
    let (bench, iso) = (bench(Kind::DvdMinusR), iso());
    select(&bench.port, [SESSION_AT_ONCE, FINAL, 8]);
    let [a, b, c, d] = ((iso.len() / 2048) as u32).to_be_bytes();
    send(&*bench.port, &[0x53, 0, 0, 0, 0, a, b, c, d, 0], &[]);
    record(&bench.port, 0, &iso[..32_768]);
    data(&*bench.port, &SYNCHRONIZE);
    assert_eq!(data(&*bench.port, &cdb(0x51, &[(8, 34)]))[2], 0x05, "incomplete");
    record(&bench.port, 16, &iso[32_768..]);
    data(&*bench.port, &SYNCHRONIZE);
    assert_eq!((data(&*bench.port, &cdb(0x51, &[(8, 34)]))[2], bench.image()), (0x0e, iso));
}

#[test]
fn formatted_dvds_are_written_in_any_order() {
    for (kind, format, profile) in [(Kind::DvdPlusRw, 0x26, 0x1a), (Kind::DvdMinusRw, 0x15, 0x13)] {
        let (bench, iso) = (bench(kind), iso());
        let port = &bench.port;
        let capacities = data(&**port, &cdb(0x23, &[(8, 255)]));
        assert_eq!((capacities[3] as usize, capacities[8]), (capacities.len() - 4, 1), "not formatted");
        assert!(capacities[12..].chunks(8).any(|entry| entry[4] == format << 2));
        let list = [0, 2, 0, 8, 0xff, 0xff, 0xff, 0xff, format << 2, 0, 0, 0];
        send(&**port, &[0x04, 0x11, 0, 0, 0, 0], &list);
        assert_eq!(data(&**port, &cdb(0x46, &[(8, 8)]))[7], profile);
        record(port, 32, &iso[65_536..]);
        record(port, 0, &iso[..65_536]);
        data(&**port, &SYNCHRONIZE);
        assert_eq!(bench.image(), iso, "{kind}");
        assert_eq!(be32(&data(&**port, &cdb(0x25, &[])), 0), 49_999);
        assert_eq!(data(&**port, &cdb(0x43, &[(8, 255)]))[1], 18);
        let unknown = [0, 2, 0, 8, 0xff, 0xff, 0xff, 0xff, 0x31 << 2, 0, 0, 0];
        assert_eq!(refusal(&**port, &[0x04, 0x11, 0, 0, 0, 0], &unknown), Sense::parameter_field(8));
    }
    let bench = bench(Kind::CdR);
    let list = [0, 2, 0, 8, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    assert_eq!(refusal(&*bench.port, &[0x04, 0x11, 0, 0, 0, 0], &list), Sense::CANNOT_WRITE);
    assert_eq!(refusal(&*bench.port, &cdb(0xa1, &[]), &[]), Sense::CANNOT_WRITE);
}

#[test]
fn features_follow_the_disc_in_ascending_order() {
    let current = |bench: &Bench| {
        let all = data(&*bench.port, &cdb(0x46, &[(1, 1), (7, 2)]));
        assert_eq!(be32(&all, 0) as usize, all.len() - 4);
        let (mut at, mut codes) = (8, Vec::new());
        while at < all.len() {
            codes.push(u16::from_be_bytes([all[at], all[at + 1]]));
            assert_eq!(all[at + 3] % 4, 0, "whole words");
            at += 4 + usize::from(all[at + 3]);
        }
        assert!(codes.is_sorted() && at == all.len());
        codes.retain(|code| (0x10..0x100).contains(code));
        codes
    };
    assert_eq!(current(&bench(Kind::CdR)), [0x10, 0x1e, 0x21, 0x2d, 0x2e]);
    assert_eq!(current(&bench(Kind::CdRw)), [0x10, 0x1e, 0x21, 0x2d, 0x2e, 0x37]);
    assert_eq!(current(&bench(Kind::DvdMinusR)), [0x10, 0x1f, 0x21, 0x2f]);
    assert_eq!(current(&bench(Kind::DvdPlusR)), [0x10, 0x1f, 0x2b]);
    assert_eq!(current(&bench(Kind::DvdPlusRw)), [0x10, 0x1f, 0x23, 0x2a]);
    let empty = bench(Kind::CdR);
    empty.burner.eject(false).unwrap();
    assert_eq!(current(&empty), []);
}

#[test]
fn speeds_and_buffer_are_told() {
    let bench = bench(Kind::DvdPlusR);
    let speeds = data(&*bench.port, &cdb(0xac, &[(9, 1), (10, 3)]));
    assert_eq!((speeds.len(), be32(&speeds, 0), be32(&speeds, 20)), (24, 20, 22_160));
    assert_eq!(data(&*bench.port, &cdb(0xac, &[(10, 3)])).len(), 8, "the length alone");
    assert_eq!(data(&*bench.port, &cdb(0x5c, &[(8, 12)])), [0, 10, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0]);
    let page = data(&*bench.port, &cdb(0x5a, &[(2, 0x2a), (8, 255)]));
    assert_eq!((page[8], page[9], page[8 + 31]), (0x2a, 34, 1), "one write speed descriptor");
    send(&*bench.port, &cdb(0xb6, &[(10, 28)]), &[0; 28]);
    send(&*bench.port, &cdb(0x54, &[(1, 1)]), &[]);
}

#[test]
fn disc_comes_and_goes_for_all_guests() {
    let bench = bench(Kind::CdR);
    let other = bench.burner.port(Initiator(Uuid::from_u128(2)));
    let poll = cdb(0x4a, &[(1, 1), (4, 0x10), (8, 8)]);
    data(&*other, &cdb(0x1e, &[(4, 1)]));
    assert_eq!(bench.burner.eject(false), Err(EjectError::Locked));
    assert_eq!(refusal(&*bench.port, &cdb(0x1b, &[(4, 2)]), &[]), Sense::REMOVAL_PREVENTED);
    for port in [&bench.port, &other] {
        assert_eq!(data(&**port, &poll)[4..6], [1, 2], "the operator asks each");
    }
    bench.burner.eject(true).unwrap();
    for port in [&bench.port, &other] {
        assert_eq!((data(&**port, &poll)[4], refusal(&**port, &[0; 6], &[])), (3, Sense::NO_MEDIUM));
    }
    let disc = Disc::open(&bench.directory.path().join("disc.iso")).unwrap();
    bench.burner.insert(disc).unwrap();
    for port in [&bench.port, &other] {
        assert_eq!((data(&**port, &poll)[4], refusal(&**port, &[0; 6], &[])), (2, Sense::MEDIUM_CHANGED));
        data(&**port, &[0; 6]);
    }
}

#[test]
fn test_writing_is_promised_where_it_can_be_done_and_leaves_the_disc_as_it_is() {
    const TEST_WRITE: u8 = 0x10;
    for kind in [Kind::CdR, Kind::CdRw, Kind::DvdMinusR, Kind::DvdMinusRw] {
        let (bench, content) = (bench(kind), vec![7; 64 << 10]);
        let port = &bench.port;
        let status = || data(&**port, &cdb(0x51, &[(8, 34)]))[2] & 0x03;
        let description = || std::fs::read_to_string(bench.directory.path().join("disc.iso.disc")).unwrap();
        // Bit 2 of the first byte of CD Track at Once, CD Mastering and DVD-R/-RW Write.
        let features = data(&**port, &cdb(0x46, &[(7, 0x10)]));
        let mut rest = &features[8..];
        while let [high, low, _, len, first, ..] = *rest {
            let code = u16::from_be_bytes([high, low]);
            assert!(!matches!(code, 0x2d..=0x2f) || first & 0x04 != 0, "{code:04x}");
            rest = &rest[4 + usize::from(len)..];
        }
        let capabilities = data(&**port, &cdb(0x5a, &[(2, 0x2a), (8, 60)]));
        assert_ne!(capabilities[8 + 3] & 0x04, 0, "test write");

        // Something is there already.
        select(port, [TRACK_AT_ONCE, MULTI_SESSION, 8]);
        let end = record(port, 0, &content);
        data(&**port, &CLOSE_TRACK);
        data(&**port, &CLOSE_SESSION);
        let (image, before) = (bench.image(), description());
        let second = be32(&next_track(port), 12);
        select(port, [TRACK_AT_ONCE | TEST_WRITE, FINAL, 8]);
        let after = record(port, second, &content);
        assert_eq!(be32(&next_track(port), 12), after, "it goes on as if it were recorded");
        assert_eq!(refusal(&**port, &write_10(second, 1), &[0; 2048]), Sense::INVALID_WRITE_ADDRESS);
        assert_eq!(
            refusal(&**port, &[0x28, 0, 0, 0, second as u8, 0, 0, 0, 1, 0], &[]),
            Sense::LBA_OUT_OF_RANGE
        );
        data(&**port, &SYNCHRONIZE);
        data(&**port, &CLOSE_TRACK);
        data(&**port, &CLOSE_SESSION);
        assert_eq!((bench.image(), description(), status()), (image.clone(), before.clone(), 1), "{kind}");
        if kind.is_rewritable() {
            data(&**port, &cdb(0xa1, &[(1, 0x11)]));
            assert_eq!(status(), 0);
        }
        record(port, if kind.is_rewritable() { 0 } else { second }, &content);
        // Without the test all that is forgotten.
        select(port, [TRACK_AT_ONCE, FINAL, 8]);
        assert_eq!((bench.image(), description(), status()), (image, before, 1), "{kind}");
        assert_eq!((be32(&next_track(port), 12), end), (second, 32));
        record(port, second, &content);
    }
    // What the write parameters do not concern cannot be tested by them.
    for kind in [Kind::DvdPlusR, Kind::DvdPlusRw] {
        let bench = bench(kind);
        select(&bench.port, [INCREMENTAL | TEST_WRITE, MULTI_SESSION, 8]);
        assert_eq!(refusal(&*bench.port, &write_10(0, 1), &[0; 2048]), Sense::ILLEGAL_MODE);
        assert!(bench.image().is_empty());
    }
}

#[test]
fn audio_is_refused() {
    let bench = bench(Kind::CdR);
    // 2352 bytes of audio, in a track that is no data track.
    select(&bench.port, [TRACK_AT_ONCE, 0xc0, 0]);
    assert_eq!(refusal(&*bench.port, &write_10(0, 1), &[0; 2352]), Sense::ILLEGAL_MODE);
    #[rustfmt::skip]
    let sheet = [
        [0x01, 0x00, 0, 0x00, 0, 0, 0, 0],
        [0x01, 0x01, 0, 0x00, 0, 0, 0, 0],
        [0x01, 0x01, 1, 0x00, 0, 0, 2, 0],
        [0x01, 0xaa, 1, 0x01, 0, 0, 6, 0],
    ].concat();
    select(&bench.port, [SESSION_AT_ONCE, 0xc0, 0]);
    let sense = refusal(&*bench.port, &[0x5d, 0, 0, 0, 0, 0, 0, 0, 32, 0], &sheet);
    assert_eq!(sense, Sense::parameter_field(16), "CONTROL of the track");
    assert!(bench.image().is_empty());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]
    #[test]
    fn any_cdb_has_an_answer(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..16),
        row in 0..rows::<BurnerPort>().count(),
        kind in 0usize..6,
        room in 0usize..300,
    ) {
        let kinds = [Kind::CdR, Kind::CdRw, Kind::DvdMinusR, Kind::DvdMinusRw, Kind::DvdPlusR, Kind::DvdPlusRw];
        let bench = bench(kinds[kind]);
        run(&*bench.port, &bytes, &bytes, room);
        let known = accepted(rows::<BurnerPort>().nth(row).unwrap(), &bytes);
        run(&*bench.port, &known, &bytes, room);
    }
}

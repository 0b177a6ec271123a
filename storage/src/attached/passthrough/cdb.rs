//! How long CDBs are, and how long commands may take.

use std::time::Duration;

use crate::statement::DeviceType;

/// Bytes of the CDB that begins with these bytes: by its group (SPC-4 clause 4.2.5.1), by its own word for those of
/// variable length, and by what is not zero for vendors' own. A transport pads CDBs with zeros.
pub(super) fn len(cdb: &[u8]) -> usize {
    let byte = |n: usize| cdb.get(n).copied().unwrap_or_default();
    let len = match byte(0) {
        0x00..=0x1f => 6,
        0x20..=0x5f => 10,
        0x7f => 8 + usize::from(byte(7)),
        0x80..=0x9f => 16,
        0xa0..=0xbf => 12,
        0x60..=0x7e | 0xc0..=0xff => {
            let used = cdb.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            [6, 10, 12, 16].into_iter().find(|len| used <= *len).unwrap_or(cdb.len())
        }
    };
    len.min(cdb.len())
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Time limit of a command. Generous, since a guest has its own; but a device that has died must not keep a command
/// for ever.
pub(super) fn time_limit(device: DeviceType, opcode: u8) -> Duration {
    #[rustfmt::skip]
    let limit = match (device, opcode) {
        // ERASE, SPACE, LOCATE, REWIND, LOAD UNLOAD, FORMAT MEDIUM, VERIFY: whole tapes.
        (DeviceType::Tape, 0x19) => 8 * HOUR,
        (DeviceType::Tape, 0x01 | 0x04 | 0x11 | 0x13 | 0x1b | 0x2b | 0x91 | 0x92) => 4 * HOUR,
        // READ, WRITE, WRITE FILEMARKS: a position to be found first, buffers to be emptied.
        (DeviceType::Tape, 0x08 | 0x0a | 0x10 | 0x80 | 0x88 | 0x8a | 0x8f) => HOUR,
        // INITIALIZE ELEMENT STATUS, MOVE, EXCHANGE, POSITION, with range.
        (DeviceType::Changer, 0x07 | 0x37) => HOUR,
        (DeviceType::Changer, 0xa5 | 0xa6 | 0x2b | 0xb8) => 15 * MINUTE,
        // BLANK, FORMAT UNIT, CLOSE TRACK SESSION, SYNCHRONIZE CACHE: whole discs.
        (DeviceType::Burner, 0xa1 | 0x04 | 0x5b | 0x35) => 2 * HOUR,
        _ => 3 * MINUTE,
    };
    limit
}

#[test]
fn cdbs_are_as_long_as_their_group_says() {
    let padded = |bytes: &[u8]| {
        let mut cdb = [0; 32];
        cdb[..bytes.len()].copy_from_slice(bytes);
        len(&cdb)
    };
    assert_eq!([padded(&[0x12]), padded(&[0x28]), padded(&[0x88]), padded(&[0xa0])], [6, 10, 16, 12]);
    assert_eq!(padded(&[0x7f, 0, 0, 0, 0, 0, 0, 24]), 32);
    assert_eq!(padded(&[0x7f, 0, 0, 0, 0, 0, 0, 255]), 32);
    assert_eq!([padded(&[0xc0]), padded(&[0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])], [6, 12]);
    assert_eq!((len(&[]), len(&[0x28, 0])), (0, 2));
}

//! What a command means for who holds the device, by device type.
//!
//! What drivers send was read from Linux 6.1 (`drivers/scsi/st.c`, `ch.c`, `sr.c`, `drivers/cdrom/cdrom.c`):
//!
//! * `st` opens with TEST UNIT READY, READ BLOCK LIMITS and MODE SENSE, none of which use the medium. Closing writes a
//!   filemark after writing, and rewinds if the device file is one that rewinds; closing `nst` after reading sends
//!   nothing, so that such a session lasts until a rewind.
//! * `ch` and `mtx` send nothing on closing, so that a changer is held by RESERVE and PREVENT alone, and everything else
//!   only has to find it free.
//! * `sr` locks the door on opening and unlocks it on the last closing; `cdrskin` does the same around everything.
//! * SCSI tape drivers of HP-UX reserve the unit on opening and release it on closing.

use super::Claims;
use crate::statement::DeviceType;

/// Kinds of commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Asks what the device is: always allowed, and changes nothing.
    Free,
    /// Needs a device that nobody else holds, and leaves it as free as it was.
    Passing,
    /// Uses the medium: a session begins.
    Access,
    /// Ends the session.
    Close,
    /// RESERVE.
    Reserve,
    /// RELEASE.
    Release,
    /// PREVENT ALLOW MEDIUM REMOVAL that prevents.
    Prevent,
    /// The same that allows.
    Allow,
    /// PERSISTENT RESERVE OUT that makes a reservation.
    ReservePersistently,
    /// PERSISTENT RESERVE OUT that gives one up.
    ReleasePersistently,
}

impl Class {
    /// Every class.
    #[cfg(test)]
    pub(super) const ALL: [Class; 10] = [
        Class::Free,
        Class::Passing,
        Class::Access,
        Class::Close,
        Class::Reserve,
        Class::Release,
        Class::Prevent,
        Class::Allow,
        Class::ReservePersistently,
        Class::ReleasePersistently,
    ];

    /// Whether it holds the device while it is under way.
    pub(in crate::attached) fn holds(self) -> bool {
        !matches!(self, Class::Free | Class::Passing)
    }

    pub(super) fn makes(self) -> Claims {
        match self {
            Class::Access => Claims::SESSION,
            Class::Reserve => Claims::RESERVATION,
            Class::Prevent => Claims::LOCK,
            Class::ReservePersistently => Claims::PERSISTENT,
            _ => Claims::default(),
        }
    }

    pub(super) fn gives_up(self) -> Claims {
        match self {
            Class::Close => Claims::SESSION,
            Class::Release => Claims::RESERVATION.with(Claims::SESSION),
            Class::Allow => Claims::LOCK.with(Claims::SESSION),
            Class::ReleasePersistently => Claims::PERSISTENT.with(Claims::SESSION),
            _ => Claims::default(),
        }
    }
}

/// Opcodes of one class.
type Row = (Class, &'static [u8]);

/// Commands that mean the same for every device type (SPC-4).
#[rustfmt::skip]
const COMMON: &[Row] = &[
    // REQUEST SENSE, INQUIRY, MODE SENSE(6), LOG SENSE, MODE SENSE(10), PERSISTENT RESERVE IN, REPORT LUNS,
    // MAINTENANCE IN: drivers ask these on finding a device, whoever holds it.
    (Class::Free, &[0x03, 0x12, 0x1a, 0x4d, 0x5a, 0x5e, 0xa0, 0xa3]),
    // RESERVE(6), RESERVE(10), RELEASE(6), RELEASE(10); changers have them of elements, by the same opcodes.
    (Class::Reserve, &[0x16, 0x56]),
    (Class::Release, &[0x17, 0x57]),
];

/// Tapes (SSC-3).
#[rustfmt::skip]
const TAPE: &[Row] = &[
    // FORMAT MEDIUM, READ(6), WRITE(6), SET CAPACITY, READ REVERSE(6), WRITE FILEMARKS(6), SPACE(6), VERIFY(6), RECOVER
    // BUFFERED DATA, ERASE(6), LOCATE(10)
    (Class::Access, &[0x04, 0x08, 0x0a, 0x0b, 0x0f, 0x10, 0x11, 0x13, 0x14, 0x19, 0x2b]),
    // WRITE FILEMARKS(16), READ REVERSE(16), ALLOW OVERWRITE, READ(16), WRITE(16), VERIFY(16), SPACE(16), LOCATE(16),
    // ERASE(16)
    (Class::Access, &[0x80, 0x81, 0x82, 0x88, 0x8a, 0x8f, 0x91, 0x92, 0x93]),
    // REWIND
    (Class::Close, &[0x01]),
];

/// Burners (MMC-6).
#[rustfmt::skip]
const BURNER: &[Row] = &[
    // FORMAT UNIT, WRITE(10), WRITE AND VERIFY(10), SYNCHRONIZE CACHE, RESERVE TRACK, SEND OPC INFORMATION, SEND CUE
    // SHEET, BLANK, WRITE(12), SEND DVD STRUCTURE
    (Class::Access, &[0x04, 0x2a, 0x2e, 0x35, 0x53, 0x54, 0x5d, 0xa1, 0xaa, 0xbf]),
    // GET EVENT STATUS NOTIFICATION: systems poll it all the time.
    (Class::Free, &[0x4a]),
];

const TEST_UNIT_READY: u8 = 0x00;
const LOAD_UNLOAD: u8 = 0x1b;
const PREVENT_ALLOW: u8 = 0x1e;
const CLOSE_TRACK_SESSION: u8 = 0x5b;
const PERSISTENT_RESERVE_OUT: u8 = 0x5f;

/// The class of a command for a device of this type. `parameters` is the beginning of its parameter list, which only
/// PERSISTENT RESERVE OUT needs; bytes that are missing are zeros.
pub fn classify(device: DeviceType, cdb: &[u8], parameters: &[u8]) -> Class {
    let byte = |at: usize| cdb.get(at).copied().unwrap_or(0);
    let own = match device {
        DeviceType::Tape => TAPE,
        DeviceType::Burner => BURNER,
        _ => &[],
    };
    let opcode = byte(0);
    match (opcode, device) {
        (TEST_UNIT_READY, _) => Class::Passing,
        // PREVENT: bit 0 the medium, bit 1 what changes it.
        (PREVENT_ALLOW, _) if byte(4) & 0x03 != 0 => Class::Prevent,
        (PREVENT_ALLOW, _) => Class::Allow,
        // LOAD UNLOAD without LOAD; START STOP UNIT with LOEJ and without START.
        (LOAD_UNLOAD, DeviceType::Tape) if byte(4) & 0x01 == 0 => Class::Close,
        (LOAD_UNLOAD, DeviceType::Burner) if byte(4) & 0x03 == 0x02 => Class::Close,
        // CLOSE FUNCTION: 0 and 1 are about a track or a format that goes on in the background.
        (CLOSE_TRACK_SESSION, DeviceType::Burner) if byte(2) & 0x07 >= 2 => Class::Close,
        (CLOSE_TRACK_SESSION, DeviceType::Burner) => Class::Access,
        (PERSISTENT_RESERVE_OUT, _) => persistent(byte(1) & 0x1f, parameters),
        _ => {
            let mut rows = COMMON.iter().chain(own);
            rows.find(|(_, opcodes)| opcodes.contains(&opcode)).map_or(Class::Passing, |(class, _)| *class)
        }
    }
}

/// PERSISTENT RESERVE OUT by its service action (SPC-4 table 205).
fn persistent(action: u8, parameters: &[u8]) -> Class {
    const REGISTER: u8 = 0;
    const RELEASE: u8 = 2;
    const CLEAR: u8 = 3;
    const REGISTER_AND_IGNORE: u8 = 6;
    let new_key = parameters.get(8..16).unwrap_or_default();
    match action {
        RELEASE | CLEAR => Class::ReleasePersistently,
        REGISTER | REGISTER_AND_IGNORE if new_key.iter().all(|byte| *byte == 0) => Class::ReleasePersistently,
        // A key alone keeps nobody out.
        REGISTER | REGISTER_AND_IGNORE => Class::Passing,
        // RESERVE, PREEMPT, PREEMPT AND ABORT, REGISTER AND MOVE, and what is not known.
        _ => Class::ReservePersistently,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_what_they_are_for_the_device() {
        use Class::*;
        use DeviceType::{Burner, Changer, Tape};
        #[rustfmt::skip]
        let cases: &[(DeviceType, &[u8], Class)] = &[
            // Opening in Linux: st.c check_tape().
            (Tape, &[0x00], Passing), (Tape, &[0x05], Passing), (Tape, &[0x1a, 0, 0, 0, 12, 0], Free),
            // What scanning sends.
            (Tape, &[0x12], Free), (Changer, &[0xa0], Free), (Burner, &[0x03], Free), (Changer, &[0x1a], Free),
            // Using a tape.
            (Tape, &[0x08], Access), (Tape, &[0x0a], Access), (Tape, &[0x10, 0, 0, 0, 1, 0], Access),
            (Tape, &[0x11], Access), (Tape, &[0x2b], Access), (Tape, &[0x91], Access), (Tape, &[0x93], Access),
            // The same opcodes elsewhere: INITIALIZE ELEMENT STATUS, POSITION TO ELEMENT, MOVE MEDIUM.
            (Changer, &[0x07], Passing), (Changer, &[0x2b], Passing), (Changer, &[0xa5], Passing),
            (Burner, &[0x28], Passing), (Burner, &[0x2a], Access), (Burner, &[0xa1], Access),
            // Ending it.
            (Tape, &[0x01], Close), (Tape, &[0x1b, 0, 0, 0, 0, 0], Close), (Tape, &[0x1b, 0, 0, 0, 1, 0], Passing),
            (Burner, &[0x1b, 0, 0, 0, 2, 0], Close), (Burner, &[0x1b, 0, 0, 0, 3, 0], Passing),
            (Burner, &[0x1b, 0, 0, 0, 0, 0], Passing), (Changer, &[0x1b], Passing),
            (Burner, &[0x5b, 0, 1], Access), (Burner, &[0x5b, 0, 2], Close), (Burner, &[0x5b, 0, 6], Close),
            (Burner, &[0x35], Access), (Burner, &[0x4a], Free),
            (Tape, &[0x1e, 0, 0, 0, 1, 0], Prevent), (Burner, &[0x1e, 0, 0, 0, 2, 0], Prevent),
            (Changer, &[0x1e, 0, 0, 0, 0, 0], Allow),
            (Tape, &[0x16], Reserve), (Changer, &[0x56], Reserve), (Tape, &[0x17], Release),
            // Whatever it is, it does not come between.
            (Tape, &[0xd5], Passing), (Tape, &[], Passing), (Tape, &[0x15], Passing),
        ];
        for (device, cdb, class) in cases {
            assert_eq!(classify(*device, cdb, &[]), *class, "{device} {cdb:02x?}");
        }
    }

    #[test]
    fn persistent_reservations_are_told_by_their_action_and_key() {
        let of = |action, parameters: &[u8]| classify(DeviceType::Tape, &[0x5f, action], parameters);
        let with_key = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!([of(0, &with_key), of(6, &with_key)], [Class::Passing; 2]);
        assert_eq!([of(0, &[0; 24]), of(6, &[]), of(2, &[]), of(3, &[])], [Class::ReleasePersistently; 4]);
        assert_eq!([of(1, &[]), of(4, &[]), of(5, &[])], [Class::ReservePersistently; 3]);
    }
}

//! Sense data: what a SCSI target says when a command did not simply succeed (SPC-4 clause 4.5).

use crate::backing::{IoError, IoErrorKind};

/// Sense keys (SPC-4 table 48), as far as targets here use them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Key {
    /// Nothing to report.
    NoSense = 0x0,
    /// The unit cannot be accessed now.
    NotReady = 0x2,
    /// The medium failed.
    MediumError = 0x3,
    /// The unit failed.
    HardwareError = 0x4,
    /// The command or its parameters are wrong.
    IllegalRequest = 0x5,
    /// Something happened that the initiator should know first.
    UnitAttention = 0x6,
    /// The medium may not be changed.
    DataProtect = 0x7,
    /// Nothing is recorded at the position of a sequential medium.
    BlankCheck = 0x8,
    /// The target gave the command up.
    AbortedCommand = 0xb,
    /// A sequential medium is full: data were not written.
    VolumeOverflow = 0xd,
    /// Compared data differ.
    Miscompare = 0xe,
}

impl Key {
    const ALL: [Key; 11] = [
        Key::NoSense,
        Key::NotReady,
        Key::MediumError,
        Key::HardwareError,
        Key::IllegalRequest,
        Key::UnitAttention,
        Key::DataProtect,
        Key::BlankCheck,
        Key::AbortedCommand,
        Key::VolumeOverflow,
        Key::Miscompare,
    ];
}

/// What beyond the code is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Detail {
    None,
    /// A byte of the CDB, and the most significant wrong bit of it.
    CdbField {
        byte: u16,
        bit: u8,
    },
    /// A byte of the parameter list.
    ParameterField {
        byte: u16,
    },
    /// The INFORMATION field.
    Information(u64),
    /// The INFORMATION field of a sequential device: what was asked for and not done, which can be negative (SSC-3
    /// clause 4.2.13).
    Residue(i64),
}

/// FILEMARK, EOM and ILI: what a sequential device met (SPC-4 clause 4.5.3), as they stand in byte 2 of the fixed format.
mod met {
    pub(super) const FILEMARK: u8 = 0x80;
    pub(super) const EOM: u8 = 0x40;
    pub(super) const ILI: u8 = 0x20;
}

/// A sense key with its additional code and qualifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sense {
    key: Key,
    code: u8,
    qualifier: u8,
    detail: Detail,
    /// Bits of [`met`].
    met: u8,
}

/// The triples used here, by their names in SPC-4 annex F.
#[rustfmt::skip] // One triple a line.
impl Sense {
    /// NO ADDITIONAL SENSE INFORMATION
    pub const NONE: Sense = Sense::of(Key::NoSense, 0x00, 0x00);
    /// FILEMARK DETECTED
    pub const FILEMARK_DETECTED: Sense = Sense::of(Key::NoSense, 0x00, 0x01).and(met::FILEMARK);
    /// END-OF-PARTITION/MEDIUM DETECTED: the end comes near
    pub const EARLY_WARNING: Sense = Sense::of(Key::NoSense, 0x00, 0x02).and(met::EOM);
    /// SETMARK DETECTED
    pub const SETMARK_DETECTED: Sense = Sense::of(Key::NoSense, 0x00, 0x03).and(met::FILEMARK);
    /// BEGINNING-OF-PARTITION/MEDIUM DETECTED
    pub const BEGINNING_DETECTED: Sense = Sense::of(Key::NoSense, 0x00, 0x04).and(met::EOM);
    /// NO ADDITIONAL SENSE INFORMATION, of a block of another length than asked for
    pub const INCORRECT_LENGTH: Sense = Sense::NONE.and(met::ILI);
    /// END-OF-DATA DETECTED
    pub const END_OF_DATA: Sense = Sense::of(Key::BlankCheck, 0x00, 0x05);
    /// END-OF-PARTITION/MEDIUM DETECTED: the end was met
    pub const OVERFLOW: Sense = Sense::of(Key::VolumeOverflow, 0x00, 0x02).and(met::EOM);
    /// LOGICAL UNIT NOT READY, CAUSE NOT REPORTABLE
    pub const NOT_READY: Sense = Sense::of(Key::NotReady, 0x04, 0x00);
    /// LOGICAL UNIT NOT READY, INITIALIZING COMMAND REQUIRED
    pub const STOPPED: Sense = Sense::of(Key::NotReady, 0x04, 0x02);
    /// MEDIUM NOT PRESENT
    pub const MEDIUM_NOT_PRESENT: Sense = Sense::of(Key::NotReady, 0x3a, 0x00);
    /// MEDIUM NOT PRESENT, TRAY CLOSED
    pub const NO_MEDIUM: Sense = Sense::of(Key::NotReady, 0x3a, 0x01);
    /// MEDIUM NOT PRESENT, TRAY OPEN
    pub const TRAY_OPEN: Sense = Sense::of(Key::NotReady, 0x3a, 0x02);
    /// WRITE ERROR
    pub const WRITE_ERROR: Sense = Sense::of(Key::MediumError, 0x0c, 0x00);
    /// UNRECOVERED READ ERROR
    pub const READ_ERROR: Sense = Sense::of(Key::MediumError, 0x11, 0x00);
    /// END-OF-DATA NOT FOUND
    pub const END_OF_DATA_NOT_FOUND: Sense = Sense::of(Key::MediumError, 0x14, 0x03);
    /// MEDIUM FORMAT CORRUPTED
    pub const FORMAT_CORRUPTED: Sense = Sense::of(Key::MediumError, 0x31, 0x00);
    /// MEDIA LOAD OR EJECT FAILED
    pub const LOAD_FAILED: Sense = Sense::of(Key::HardwareError, 0x53, 0x00);
    /// INTERNAL TARGET FAILURE
    pub const TARGET_FAILURE: Sense = Sense::of(Key::HardwareError, 0x44, 0x00);
    /// PARAMETER LIST LENGTH ERROR
    pub const PARAMETER_LIST_LENGTH: Sense = Sense::of(Key::IllegalRequest, 0x1a, 0x00);
    /// INVALID COMMAND OPERATION CODE
    pub const INVALID_OPCODE: Sense = Sense::of(Key::IllegalRequest, 0x20, 0x00);
    /// LOGICAL BLOCK ADDRESS OUT OF RANGE
    pub const LBA_OUT_OF_RANGE: Sense = Sense::of(Key::IllegalRequest, 0x21, 0x00);
    /// INVALID ELEMENT ADDRESS
    pub const INVALID_ELEMENT: Sense = Sense::of(Key::IllegalRequest, 0x21, 0x01);
    /// INVALID ADDRESS FOR WRITE
    pub const INVALID_WRITE_ADDRESS: Sense = Sense::of(Key::IllegalRequest, 0x21, 0x02);
    /// INVALID FIELD IN CDB
    pub const INVALID_FIELD_IN_CDB: Sense = Sense::of(Key::IllegalRequest, 0x24, 0x00);
    /// LOGICAL UNIT NOT SUPPORTED
    pub const LUN_NOT_SUPPORTED: Sense = Sense::of(Key::IllegalRequest, 0x25, 0x00);
    /// INVALID FIELD IN PARAMETER LIST
    pub const INVALID_PARAMETER: Sense = Sense::of(Key::IllegalRequest, 0x26, 0x00);
    /// INVALID RELEASE OF PERSISTENT RESERVATION
    pub const INVALID_RELEASE: Sense = Sense::of(Key::IllegalRequest, 0x26, 0x04);
    /// COMMAND SEQUENCE ERROR
    pub const COMMAND_SEQUENCE: Sense = Sense::of(Key::IllegalRequest, 0x2c, 0x00);
    /// CANNOT WRITE MEDIUM - INCOMPATIBLE FORMAT
    pub const CANNOT_WRITE: Sense = Sense::of(Key::IllegalRequest, 0x30, 0x05);
    /// SAVING PARAMETERS NOT SUPPORTED
    pub const SAVING_NOT_SUPPORTED: Sense = Sense::of(Key::IllegalRequest, 0x39, 0x00);
    /// POSITION PAST BEGINNING OF MEDIUM
    pub const PAST_BEGINNING: Sense = Sense::of(Key::IllegalRequest, 0x3b, 0x0c);
    /// MEDIUM DESTINATION ELEMENT FULL
    pub const DESTINATION_FULL: Sense = Sense::of(Key::IllegalRequest, 0x3b, 0x0d);
    /// MEDIUM SOURCE ELEMENT EMPTY
    pub const SOURCE_EMPTY: Sense = Sense::of(Key::IllegalRequest, 0x3b, 0x0e);
    /// MEDIUM MAGAZINE NOT ACCESSIBLE
    pub const MAGAZINE_NOT_ACCESSIBLE: Sense = Sense::of(Key::IllegalRequest, 0x3b, 0x11);
    /// MEDIUM REMOVAL PREVENTED
    pub const REMOVAL_PREVENTED: Sense = Sense::of(Key::IllegalRequest, 0x53, 0x02);
    /// END OF USER AREA ENCOUNTERED ON THIS TRACK
    pub const END_OF_USER_AREA: Sense = Sense::of(Key::IllegalRequest, 0x63, 0x00);
    /// ILLEGAL MODE FOR THIS TRACK
    pub const ILLEGAL_MODE: Sense = Sense::of(Key::IllegalRequest, 0x64, 0x00);
    /// SESSION FIXATION ERROR
    pub const SESSION_FIXATION: Sense = Sense::of(Key::IllegalRequest, 0x72, 0x00);
    /// NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED
    pub const MEDIUM_CHANGED: Sense = Sense::of(Key::UnitAttention, 0x28, 0x00);
    /// IMPORT OR EXPORT ELEMENT ACCESSED
    pub const PORT_ACCESSED: Sense = Sense::of(Key::UnitAttention, 0x28, 0x01);
    /// POWER ON, RESET, OR BUS DEVICE RESET OCCURRED
    pub const ANY_RESET: Sense = Sense::of(Key::UnitAttention, 0x29, 0x00);
    /// POWER ON OCCURRED
    pub const POWER_ON: Sense = Sense::of(Key::UnitAttention, 0x29, 0x01);
    /// BUS DEVICE RESET FUNCTION OCCURRED
    pub const RESET_OCCURRED: Sense = Sense::of(Key::UnitAttention, 0x29, 0x03);
    /// I_T NEXUS LOSS OCCURRED
    pub const NEXUS_LOSS: Sense = Sense::of(Key::UnitAttention, 0x29, 0x07);
    /// MODE PARAMETERS CHANGED
    pub const MODE_CHANGED: Sense = Sense::of(Key::UnitAttention, 0x2a, 0x01);
    /// RESERVATIONS PREEMPTED
    pub const RESERVATIONS_PREEMPTED: Sense = Sense::of(Key::UnitAttention, 0x2a, 0x03);
    /// RESERVATIONS RELEASED
    pub const RESERVATIONS_RELEASED: Sense = Sense::of(Key::UnitAttention, 0x2a, 0x04);
    /// REGISTRATIONS PREEMPTED
    pub const REGISTRATIONS_PREEMPTED: Sense = Sense::of(Key::UnitAttention, 0x2a, 0x05);
    /// CAPACITY DATA HAS CHANGED
    pub const CAPACITY_CHANGED: Sense = Sense::of(Key::UnitAttention, 0x2a, 0x09);
    /// WRITE PROTECTED
    pub const WRITE_PROTECTED: Sense = Sense::of(Key::DataProtect, 0x27, 0x00);
    /// SPACE ALLOCATION FAILED WRITE PROTECT
    pub const NO_SPACE: Sense = Sense::of(Key::DataProtect, 0x27, 0x07);
    /// MISCOMPARE DURING VERIFY OPERATION
    pub const MISCOMPARE: Sense = Sense::of(Key::Miscompare, 0x1d, 0x00);
}

impl Sense {
    /// Length of the fixed format in bytes.
    pub const FIXED_LEN: usize = 18;

    const fn of(key: Key, code: u8, qualifier: u8) -> Sense {
        Sense { key, code, qualifier, detail: Detail::None, met: 0 }
    }

    const fn and(self, met: u8) -> Sense {
        Sense { met: self.met | met, ..self }
    }

    /// The same of a sequential device, with what was asked for and not done: blocks, bytes or marks.
    pub const fn with_residue(self, residue: i64) -> Sense {
        Sense { detail: Detail::Residue(residue), ..self }
    }

    /// The same with ILI: a block had another length than asked for.
    pub const fn with_incorrect_length(self) -> Sense {
        self.and(met::ILI)
    }

    /// The same with EOM: near the end of the medium.
    pub const fn with_end_of_medium(self) -> Sense {
        self.and(met::EOM)
    }

    /// INVALID FIELD IN CDB, pointing at the most significant bit of the field.
    pub const fn cdb_field(byte: u16, bit: u8) -> Sense {
        Sense { detail: Detail::CdbField { byte, bit }, ..Sense::INVALID_FIELD_IN_CDB }
    }

    /// INVALID ELEMENT ADDRESS in the two bytes of the CDB from this one on.
    pub const fn element_field(byte: u16) -> Sense {
        Sense { detail: Detail::CdbField { byte, bit: 7 }, ..Sense::INVALID_ELEMENT }
    }

    /// INVALID FIELD IN PARAMETER LIST, pointing at a byte of the list.
    pub const fn parameter_field(byte: u16) -> Sense {
        Sense { detail: Detail::ParameterField { byte }, ..Sense::INVALID_PARAMETER }
    }

    /// MISCOMPARE DURING VERIFY OPERATION at this byte offset of the compared data.
    pub const fn miscompare_at(offset: u64) -> Sense {
        Sense { detail: Detail::Information(offset), ..Sense::MISCOMPARE }
    }

    /// What a failed read of the store means to the initiator.
    pub fn of_read(error: &IoError) -> Sense {
        Sense::of_host(error, Sense::READ_ERROR)
    }

    /// What a failed write, flush or discard of the store means to the initiator.
    pub fn of_write(error: &IoError) -> Sense {
        Sense::of_host(error, Sense::WRITE_ERROR)
    }

    fn of_host(error: &IoError, medium_error: Sense) -> Sense {
        match error.kind() {
            IoErrorKind::Medium => medium_error,
            IoErrorKind::NoSpace => Sense::NO_SPACE,
            IoErrorKind::ReadOnly => Sense::WRITE_PROTECTED,
            IoErrorKind::Gone => Sense::NOT_READY,
            IoErrorKind::OutOfRange => Sense::LBA_OUT_OF_RANGE,
            IoErrorKind::WouldBlock | IoErrorKind::Host => Sense::TARGET_FAILURE,
        }
    }

    /// The sense key.
    pub fn key(&self) -> Key {
        self.key
    }

    /// ADDITIONAL SENSE CODE and its QUALIFIER.
    pub fn code(&self) -> (u8, u8) {
        (self.code, self.qualifier)
    }

    /// Whether it is the same key and codes, whatever the details.
    pub fn is(&self, other: Sense) -> bool {
        (self.key, self.code, self.qualifier) == (other.key, other.code, other.qualifier)
    }

    /// As words of a line of text, from which [`Sense::from_words`] makes it again.
    pub(super) fn to_words(self) -> String {
        let detail = match self.detail {
            Detail::None => "-".to_owned(),
            Detail::CdbField { byte, bit } => format!("cdb {byte} {bit}"),
            Detail::ParameterField { byte } => format!("parameter {byte}"),
            Detail::Information(value) => format!("information {value}"),
            Detail::Residue(value) => format!("residue {value}"),
        };
        format!("{} {} {} {} {detail}", self.key as u8, self.code, self.qualifier, self.met)
    }

    pub(super) fn from_words(words: &[&str]) -> Option<Sense> {
        let [key, code, qualifier, met, detail @ ..] = words else { return None };
        let key: u8 = key.parse().ok()?;
        let detail = match detail {
            ["-"] => Detail::None,
            ["cdb", byte, bit] => Detail::CdbField { byte: byte.parse().ok()?, bit: bit.parse().ok()? },
            ["parameter", byte] => Detail::ParameterField { byte: byte.parse().ok()? },
            ["information", value] => Detail::Information(value.parse().ok()?),
            ["residue", value] => Detail::Residue(value.parse().ok()?),
            _ => return None,
        };
        Some(Sense {
            key: Key::ALL.into_iter().find(|known| *known as u8 == key)?,
            code: code.parse().ok()?,
            qualifier: qualifier.parse().ok()?,
            met: met.parse().ok()?,
            detail,
        })
    }

    /// SENSE-KEY SPECIFIC field with a field pointer (SPC-4 table 53), or nothing.
    fn field_pointer(&self) -> Option<[u8; 3]> {
        const VALID: u8 = 0x80;
        const IN_CDB: u8 = 0x40;
        const BIT_VALID: u8 = 0x08;
        let (flags, byte) = match self.detail {
            Detail::CdbField { byte, bit } => (VALID | IN_CDB | BIT_VALID | bit, byte),
            Detail::ParameterField { byte } => (VALID, byte),
            Detail::None | Detail::Information(_) | Detail::Residue(_) => return None,
        };
        let [high, low] = byte.to_be_bytes();
        Some([flags, high, low])
    }

    /// Fixed format, response code 70h (SPC-4 clause 4.5.3).
    pub fn fixed(&self) -> [u8; Sense::FIXED_LEN] {
        let mut bytes = [0; Sense::FIXED_LEN];
        bytes[0] = 0x70;
        bytes[2] = self.key as u8 | self.met;
        bytes[7] = Sense::FIXED_LEN as u8 - 8;
        bytes[12] = self.code;
        bytes[13] = self.qualifier;
        if let Some(pointer) = self.field_pointer() {
            bytes[15..18].copy_from_slice(&pointer);
        }
        // Four bytes only: a larger value is left out, VALID stays 0.
        let information = match self.detail {
            Detail::Information(value) => u32::try_from(value).ok(),
            Detail::Residue(value) => i32::try_from(value).ok().map(i32::cast_unsigned),
            _ => None,
        };
        if let Some(value) = information {
            bytes[0] |= 0x80;
            bytes[3..7].copy_from_slice(&value.to_be_bytes());
        }
        bytes
    }

    /// Descriptor format, response code 72h (SPC-4 clause 4.5.2).
    pub fn descriptor(&self) -> Vec<u8> {
        let mut bytes = vec![0x72, self.key as u8, self.code, self.qualifier, 0, 0, 0, 0];
        let information = match self.detail {
            Detail::Information(value) => Some(value),
            Detail::Residue(value) => Some(value.cast_unsigned()),
            _ => None,
        };
        if let Some(value) = information {
            bytes.extend([0x00, 0x0a, 0x80, 0]);
            bytes.extend(value.to_be_bytes());
        }
        if self.met != 0 {
            // Stream commands.
            bytes.extend([0x04, 0x02, 0, self.met]);
        }
        if let Some([flags, high, low]) = self.field_pointer() {
            bytes.extend([0x02, 0x06, 0, 0, flags, high, low, 0]);
        }
        bytes[7] = (bytes.len() - 8) as u8;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_format_has_its_fields_where_spc_puts_them() {
        #[rustfmt::skip]
        let expected = [
            0x70, 0x00,             // current information, fixed format
            0x05,                   // ILLEGAL REQUEST
            0, 0, 0, 0,             // INFORMATION, not valid
            0x0a,                   // ADDITIONAL SENSE LENGTH
            0, 0, 0, 0,             // COMMAND-SPECIFIC INFORMATION
            0x24, 0x00,             // INVALID FIELD IN CDB
            0x00,                   // FIELD REPLACEABLE UNIT CODE
            0xcf, 0x00, 0x02,       // SKSV, C/D, BPV, bit 7, of byte 2
        ];
        assert_eq!(Sense::cdb_field(2, 7).fixed(), expected);
        assert_eq!(Sense::parameter_field(0x0104).fixed()[15..], [0x80, 0x01, 0x04]);
    }

    #[test]
    fn information_that_does_not_fit_is_left_to_the_descriptor_format() {
        assert_eq!(Sense::miscompare_at(0x1234).fixed()[..7], [0xf0, 0, 0x0e, 0, 0, 0x12, 0x34]);
        let large = Sense::miscompare_at(0x1_0000_0000);
        assert_eq!(large.fixed()[..7], [0x70, 0, 0x0e, 0, 0, 0, 0]);
        #[rustfmt::skip]
        let expected = [
            0x72, 0x0e, 0x1d, 0x00, 0, 0, 0, 12,    // descriptor format, MISCOMPARE, 12 more bytes
            0x00, 0x0a, 0x80, 0,                    // information descriptor, valid
            0, 0, 0, 1, 0, 0, 0, 0,
        ];
        assert_eq!(large.descriptor(), expected);
    }

    #[test]
    fn sequential_devices_tell_what_they_met_and_what_is_left() {
        let sense = Sense::FILEMARK_DETECTED.with_residue(3);
        #[rustfmt::skip]
        let expected = [
            0xf0, 0x00,             // VALID
            0x80,                   // FILEMARK, NO SENSE
            0, 0, 0, 3,             // INFORMATION
            0x0a, 0, 0, 0, 0,
            0x00, 0x01, 0, 0, 0, 0, // FILEMARK DETECTED
        ];
        assert_eq!(sense.fixed(), expected);
        #[rustfmt::skip]
        let expected = [
            0x72, 0x00, 0x00, 0x01, 0, 0, 0, 16,
            0x00, 0x0a, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 3,
            0x04, 0x02, 0, 0x80,    // stream commands descriptor
        ];
        assert_eq!(sense.descriptor(), expected);
        let longer = Sense::INCORRECT_LENGTH.with_residue(-2);
        assert_eq!(longer.fixed()[..7], [0xf0, 0, 0x20, 0xff, 0xff, 0xff, 0xfe], "two's complement");
        assert_eq!(longer.descriptor()[12..20], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
        let full = Sense::OVERFLOW.with_residue(0x1_0000_0000);
        assert_eq!(full.fixed()[..7], [0x70, 0, 0x4d, 0, 0, 0, 0], "not valid");
        assert_eq!(full.descriptor()[12..20], [0, 0, 0, 1, 0, 0, 0, 0]);
        let blank = Sense::END_OF_DATA.with_residue(1).with_end_of_medium().fixed();
        assert_eq!((blank[2], blank[12], blank[13]), (0x48, 0x00, 0x05));
    }

    #[test]
    fn sense_survives_as_text() {
        for sense in [
            Sense::NONE,
            Sense::cdb_field(2, 7),
            Sense::parameter_field(0x104),
            Sense::miscompare_at(u64::MAX),
            Sense::OVERFLOW.with_residue(-3).with_incorrect_length(),
        ] {
            let text = sense.to_words();
            assert_eq!(Sense::from_words(&text.split(' ').collect::<Vec<_>>()), Some(sense), "{text}");
        }
        for bad in ["", "1 0 0 0 -", "2 4 0 0", "2 4 0 256 -", "2 4 0 0 cdb 1"] {
            assert_eq!(Sense::from_words(&bad.split(' ').collect::<Vec<_>>()), None, "{bad}");
        }
    }

    #[test]
    fn host_errors_become_different_sense() {
        let of = |kind: IoErrorKind| (Sense::of_read(&kind.into()), Sense::of_write(&kind.into()));
        assert_eq!(of(IoErrorKind::Medium), (Sense::READ_ERROR, Sense::WRITE_ERROR));
        assert_eq!(of(IoErrorKind::NoSpace).1, Sense::NO_SPACE);
        assert_eq!(of(IoErrorKind::ReadOnly).1, Sense::WRITE_PROTECTED);
        assert_eq!(of(IoErrorKind::Gone).0, Sense::NOT_READY);
        assert_eq!(of(IoErrorKind::Host).0, Sense::TARGET_FAILURE);
    }
}

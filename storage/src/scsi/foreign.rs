//! What devices of the host answer, carried back as it is.

/// Most bytes of sense data that are carried (virtio-scsi's default `sense_size`).
pub const FOREIGN_SENSE_LEN: usize = 96;

/// The answer of a device that is not ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Foreign {
    /// Status byte (SAM-5 table 36).
    pub status: u8,
    /// Sense data, in whichever format; empty if there are none. At most [`FOREIGN_SENSE_LEN`] bytes.
    pub sense: Vec<u8>,
    /// Bytes taken from the data-out buffer.
    pub data_out: u64,
    /// Bytes put into the data-in buffer.
    pub data_in: u64,
}

impl Foreign {
    /// The sense key, of either format (SPC-4 clause 4.5.1), where there are sense data.
    pub fn sense_key(&self) -> Option<u8> {
        let byte = match self.sense.first()? & 0x7f {
            0x70 | 0x71 => 2,
            0x72 | 0x73 => 1,
            _ => return None,
        };
        self.sense.get(byte).map(|key| key & 0x0f)
    }
}

/// Why there is no answer. What became of the command is not known, but for [`Undelivered::Busy`] and
/// [`Undelivered::NoDevice`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Undelivered {
    /// The device is not there any more.
    NoDevice,
    /// It could not take the command now.
    Busy,
    /// No answer in time; the host has given the command up.
    TimedOut,
    /// The command fell to a reset.
    Reset,
    /// The way to the device failed.
    Transport,
}

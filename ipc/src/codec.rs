//! Frames: the one place that names the encoding.
//!
//! ```text
//!  0        4         6
//!  | length | version | message |     length counts version and message; both numbers little-endian
//! ```
//!
//! The message is bincode (version 2, standard configuration: variable-length integers). Enum variants are numbered by
//! their order and fields carry no names, so messages only ever grow at their end, and any other change raises
//! [`PROTOCOL_VERSION`]. The length is checked before anything is allocated.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Version of all messages but the [`Hello`](crate::Hello).
pub const PROTOCOL_VERSION: u16 = 7;

/// Version in the frame of a [`Hello`](crate::Hello), whose layout never changes.
pub const HELLO_VERSION: u16 = 0;

/// Longest frame, in bytes, without its length field.
pub const MAX_FRAME: usize = 4 << 20;

/// Bytes of a frame before its message.
pub const HEADER: usize = 6;

const VERSION_BYTES: usize = 2;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<MAX_FRAME>()
}

/// A whole frame around `message`.
///
/// # Errors
/// [`Error::TooLong`] if the frame would exceed [`MAX_FRAME`].
pub fn encode<T: Serialize>(version: u16, message: &T) -> Result<Vec<u8>> {
    let mut frame = vec![0; HEADER];
    bincode::serde::encode_into_std_write(message, &mut frame, config())
        .map_err(|e| Error::Malformed(format!("cannot encode: {e}")))?;
    let length = frame.len() - HEADER + VERSION_BYTES;
    if length > MAX_FRAME {
        return Err(Error::TooLong { length: length as u64, limit: MAX_FRAME as u64 });
    }
    frame[..4].copy_from_slice(&(length as u32).to_le_bytes());
    frame[4..HEADER].copy_from_slice(&version.to_le_bytes());
    Ok(frame)
}

/// The length in bytes of the message behind `header`, and the frame's version.
///
/// # Errors
/// [`Error::TooLong`] and [`Error::Malformed`] for lengths that no frame has.
pub fn decode_header(header: [u8; HEADER]) -> Result<(usize, u16)> {
    let [a, b, c, d, v, w] = header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > MAX_FRAME {
        return Err(Error::TooLong { length: length as u64, limit: MAX_FRAME as u64 });
    }
    match length.checked_sub(VERSION_BYTES) {
        Some(message) => Ok((message, u16::from_le_bytes([v, w]))),
        None => Err(Error::Malformed("a frame without a version".into())),
    }
}

/// The message in `bytes`, all of which must belong to it.
///
/// # Errors
/// [`Error::Malformed`] if the bytes are anything else.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let (message, used) = bincode::serde::decode_from_slice(bytes, config())
        .map_err(|e| Error::Malformed(format!("cannot decode: {e}")))?;
    match bytes.len() - used {
        0 => Ok(message),
        left => Err(Error::Malformed(format!("{left} bytes too many"))),
    }
}

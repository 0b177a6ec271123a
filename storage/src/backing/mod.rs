//! Backing stores: what a virtual disk keeps its bytes in. A store knows bytes and offsets; blocks, commands and sense
//! data are the business of [`crate::scsi`].

mod claims;
#[cfg(test)]
mod device_tests;
mod discs;
mod error;
mod ioctl;
mod open;
mod raw;
pub mod tap;

use std::os::fd::BorrowedFd;
use std::path::Path;

pub use discs::discs_in;
pub use error::{IoError, IoErrorKind, OpenError};
pub use open::{Examined, Kind, MINIMUM_DISK, MINIMUM_DVD, examine, examine_disc_source};
pub(crate) use open::{lock, unlock};
pub use raw::{Access, RawFile};

use crate::identity::Identity;
use crate::segments::Segments;

/// Whether an operation may wait for the host's disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// Only what needs no waiting; otherwise the operation fails with [`IoErrorKind::WouldBlock`] and is as if it had
    /// not been tried (memory it would have read into may be partly written).
    Immediate,
    /// As [`Patience::Immediate`], but of a SCSI target: short waits are taken, and what comes down to one operation of
    /// the host's is begun and handed back. Stores treat it as immediate.
    Handover,
    /// As long as it takes.
    Unlimited,
}

/// When written bytes must have reached the medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// At the next [`BlockStore::flush`].
    Cached,
    /// Before the write returns (SCSI's FUA).
    Durable,
}

/// A store of bytes, shared by any number of threads.
///
/// # Contract
/// * Offsets and lengths are bytes, of any alignment. A range that does not lie inside `0..len_bytes()` fails with
///   [`IoErrorKind::OutOfRange`] and changes nothing; a range of length 0 inside or at the end succeeds.
/// * An operation succeeds whole or fails. After a failed write the range holds any mixture of old and new bytes.
/// * A read that begins after a write returned sees that write. Operations that overlap in time and range are not
///   atomic towards each other.
/// * `flush` returns success only when every write that returned before it began is on stable storage. A failed flush
///   may have lost any of them.
/// * A store that is `read_only` fails every change with [`IoErrorKind::ReadOnly`].
/// * `len_bytes` changes only in `refresh_len`; `read_only` and `identity` do not change during the store's life.
pub trait BlockStore: Send + Sync {
    /// Size in bytes.
    fn len_bytes(&self) -> u64;
    /// Asks the host for the size, which may have been changed there, and makes it the store's.
    fn refresh_len(&self) -> Result<u64, IoError> {
        Ok(self.len_bytes())
    }
    /// The open file that holds byte `n` of the store at offset `n`, if it is as simple as that: for I/O engines of
    /// others, which must check ranges and `read_only` themselves.
    fn file(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// Whether changes are refused.
    fn read_only(&self) -> bool;
    /// Which host storage this is.
    fn identity(&self) -> Identity;
    /// By which path it was opened, for whoever reads logs.
    fn path(&self) -> Option<&Path> {
        None
    }
    /// Fills `into` with the bytes from `offset` on.
    fn read_at(&self, offset: u64, into: &Segments<'_>, patience: Patience) -> Result<(), IoError>;
    /// Replaces the bytes from `offset` on by those of `from`.
    fn write_at(&self, offset: u64, from: &Segments<'_>, durability: Durability) -> Result<(), IoError>;
    /// Makes the range read as zeros while keeping its space allocated where the host can do so.
    fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), IoError>;
    /// Waits until all completed writes are on stable storage.
    fn flush(&self) -> Result<(), IoError>;
    /// The ability to give space back, if the host has it for this store.
    fn discard(&self) -> Option<&dyn Discard>;
}

/// Giving back the space of a range that is no longer needed.
pub trait Discard {
    /// Makes the range read as zeros and returns its space to the host. Bounds and read-only as for writes.
    fn discard_at(&self, offset: u64, len: u64) -> Result<(), IoError>;
}

/// `Ok` when `offset..offset + len` lies in a store of `store_len` bytes.
pub(crate) fn check_range(store_len: u64, offset: u64, len: u64) -> Result<(), IoError> {
    match offset.checked_add(len) {
        Some(end) if end <= store_len => Ok(()),
        _ => Err(IoErrorKind::OutOfRange.into()),
    }
}

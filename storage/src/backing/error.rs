//! What can go wrong between a store and the host.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Kinds of failure a SCSI target answers differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IoErrorKind {
    /// The host has no space left for the store (ENOSPC, EDQUOT, EFBIG).
    NoSpace,
    /// The host's device or file system failed to read or write (EIO and its relatives).
    Medium,
    /// The store, or what it lies on, accepts no changes.
    ReadOnly,
    /// The storage is no longer there (ENODEV, ENXIO, ESTALE), or shrank.
    Gone,
    /// The range does not lie in the store.
    OutOfRange,
    /// Would have to wait; only when [`super::Patience::Immediate`] was asked for.
    WouldBlock,
    /// Anything else the host said.
    Host,
}

/// A failed operation on a store.
#[derive(Debug)]
pub struct IoError {
    kind: IoErrorKind,
    source: Option<io::Error>,
}

impl IoError {
    /// What kind of failure it is.
    pub fn kind(&self) -> IoErrorKind {
        self.kind
    }
}

impl From<IoErrorKind> for IoError {
    fn from(kind: IoErrorKind) -> IoError {
        IoError { kind, source: None }
    }
}

impl From<io::Error> for IoError {
    fn from(source: io::Error) -> IoError {
        let kind = match source.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG) => IoErrorKind::NoSpace,
            // What the block layer says of media, links and time limits; HPVM shows all of it as media errors
            // (hpvm.md 6.5).
            Some(
                libc::EIO
                | libc::EREMOTEIO
                | libc::EBADMSG
                | libc::EUCLEAN
                | libc::ENODATA
                | libc::EILSEQ
                | libc::ENOLINK
                | libc::ETIMEDOUT,
            ) => IoErrorKind::Medium,
            Some(libc::EROFS | libc::EACCES | libc::EPERM | libc::EBADF) => IoErrorKind::ReadOnly,
            Some(libc::ENODEV | libc::ENXIO | libc::ESTALE | libc::ENOMEDIUM | libc::ESHUTDOWN) => {
                IoErrorKind::Gone
            }
            Some(libc::EAGAIN) => IoErrorKind::WouldBlock,
            _ => IoErrorKind::Host,
        };
        IoError { kind, source: Some(source) }
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            IoErrorKind::NoSpace => "no space left for the backing store",
            IoErrorKind::Medium => "the host failed to read or write the backing store",
            IoErrorKind::ReadOnly => "the backing store is read-only",
            IoErrorKind::Gone => "the backing store is gone",
            IoErrorKind::OutOfRange => "beyond the end of the backing store",
            IoErrorKind::WouldBlock => "the backing store would have to be waited for",
            IoErrorKind::Host => "the host refused an operation on the backing store",
        })
    }
}

impl std::error::Error for IoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}

/// Why a store could not be opened or made; the text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing has that name.
    #[error("Device '{}' does not exist.", .0.display())]
    Missing(PathBuf),
    /// Something else than what the storage type wants.
    #[error("'{}' is not a regular file.", .0.display())]
    NotRegular(PathBuf),
    /// Something else than a block device.
    #[error("'{}' is not a block device.", .0.display())]
    NotDevice(PathBuf),
    /// Something else than a volume of LVM.
    #[error("'{}' is not a logical volume.", .0.display())]
    NotVolume(PathBuf),
    /// A part of a disk (hpvm.md 3.2).
    #[error("Disk partition '{}' is not supported as backing device.", .0.display())]
    Partition(PathBuf),
    /// Where an empty DVD is to get its discs from.
    #[error("'{}' is neither a directory nor a drive.", .0.display())]
    NoDiscSource(PathBuf),
    /// A drive without a disc.
    #[error("There is no medium in '{}'.", .0.display())]
    NoMedium(PathBuf),
    /// Smaller than HPVM's minimum for the device type.
    #[error("Device '{}' is smaller than the minimum of {minimum} bytes.", path.display())]
    TooSmall {
        /// The store.
        path: PathBuf,
        /// The least size in bytes.
        minimum: u64,
    },
    /// Somebody holds it open: a guest, another VSP, or another program that locks files.
    #[error("Device '{}' is in use.", .0.display())]
    InUse(PathBuf),
    /// It exists already and would be overwritten.
    #[error("File '{}' already exists.", .0.display())]
    Exists(PathBuf),
    /// The label of a cartridge says what it may not.
    #[error(
        "Write 'capacity SIZE' (64K or more), 'barcode TEXT' or 'write-protected' into '{}' (line {line}).",
        path.display()
    )]
    Label {
        /// The file with the label.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
    /// The host refused.
    #[error("Unable to {attempt} '{}': {source}.", path.display())]
    Host {
        /// What was attempted, as a verb.
        attempt: &'static str,
        /// The store.
        path: PathBuf,
        /// What the host said.
        source: io::Error,
    },
}

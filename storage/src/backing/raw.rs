//! Raw storage as a backing store: byte `n` of the disk is byte `n` of the file or device. Holes of a file stay holes.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{FallocateFlags, fallocate};

use super::open::{self, Kind};
use super::{
    BlockStore, Discard, Durability, IoError, IoErrorKind, OpenError, Patience, check_range, claims,
};
use crate::identity::Identity;
use crate::segments::Segments;
use crate::sysfs::Sysfs;

/// Bytes of zeros written at a time where the file system cannot zero a range itself.
const ZERO_CHUNK: usize = 256 << 10;

/// How a store is opened, and against whom it is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Alone: no other reader or writer that locks.
    ReadWrite,
    /// Beside other readers, for files; devices have one user at a time anyway.
    ReadOnly,
}

/// A raw file or block device, open and locked until dropped.
///
/// A file has an open-file-description lock on its whole length: it also excludes a second opening by the same process
/// and other programs that use such locks, and it vanishes with the process however that ends. A device is opened with
/// O_EXCL, which excludes every other exclusive user of it, its partitions or its disk: file systems, volume managers,
/// and our own kind.
pub struct RawFile {
    file: File,
    path: PathBuf,
    kind: Kind,
    len_bytes: AtomicU64,
    access: Access,
    identity: Identity,
    can_discard: bool,
    reads_without_waiting: AtomicBool,
}

impl RawFile {
    /// Opens and locks the regular file at `path`. Its size is that of the moment, rounded down to 512 bytes.
    pub fn open(path: &Path, access: Access) -> Result<RawFile, OpenError> {
        RawFile::open_as(path, Kind::File, access, &Sysfs::default())
    }

    /// Opens and locks what is at `path`, if it is of this kind.
    pub fn open_as(path: &Path, kind: Kind, access: Access, sysfs: &Sysfs) -> Result<RawFile, OpenError> {
        let opened = open::open(path, kind, access, sysfs)?;
        let can_discard = access == Access::ReadWrite
            && match kind {
                Kind::File => punches_holes(&opened.file, opened.len_bytes),
                Kind::Disk | Kind::LogicalVolume => opened.unmaps,
            };
        let (identity, len_bytes) = (opened.identity, opened.len_bytes);
        tracing::debug!(path = %path.display(), ?kind, %identity, len_bytes, can_discard, "store opened");
        Ok(RawFile {
            file: opened.file,
            path: path.to_owned(),
            kind,
            len_bytes: AtomicU64::new(len_bytes),
            access,
            identity,
            can_discard,
            reads_without_waiting: AtomicBool::new(true),
        })
    }

    /// Makes a new file of `len_bytes` zeros that occupies no space yet, readable and writable by its owner alone.
    pub fn create(path: &Path, len_bytes: u64) -> Result<(), OpenError> {
        open::create(path, len_bytes)
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn check_change(&self, offset: u64, len: u64) -> Result<(), IoError> {
        match self.access {
            Access::ReadOnly => Err(IoErrorKind::ReadOnly.into()),
            Access::ReadWrite => check_range(self.len_bytes(), offset, len),
        }
    }

    /// `fallocate`, repeated while signals interrupt it. `Ok(false)` when the host cannot do it for this range: not at
    /// all, or, on a device, because its blocks are longer than ours.
    fn try_fallocate(&self, mode: FallocateFlags, offset: u64, len: u64) -> Result<bool, IoError> {
        loop {
            match fallocate(&self.file, mode, offset, len) {
                Ok(()) => return Ok(true),
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::OPNOTSUPP) => return Ok(false),
                Err(rustix::io::Errno::INVAL) if self.kind != Kind::File => return Ok(false),
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }
}

impl Drop for RawFile {
    /// By hand, for a process that is just being started may have inherited the open file.
    fn drop(&mut self) {
        match self.kind {
            Kind::File => _ = open::unlock(&self.file),
            Kind::Disk | Kind::LogicalVolume => claims::note_closed(self.identity),
        }
    }
}

impl BlockStore for RawFile {
    fn len_bytes(&self) -> u64 {
        self.len_bytes.load(Ordering::Acquire)
    }

    fn refresh_len(&self) -> Result<u64, IoError> {
        let len = open::len_of(&self.file, self.kind)?;
        self.len_bytes.store(len, Ordering::Release);
        Ok(len)
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }

    fn read_only(&self) -> bool {
        self.access == Access::ReadOnly
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn identity(&self) -> Identity {
        self.identity
    }

    fn read_at(&self, offset: u64, into: &Segments<'_>, patience: Patience) -> Result<(), IoError> {
        check_range(self.len_bytes(), offset, into.len_bytes())?;
        if patience != Patience::Unlimited {
            return self.read_cached(offset, into);
        }
        transfer(offset, into, |part, at| part.read_from(self.file.as_fd(), at, 0))
    }

    fn write_at(&self, offset: u64, from: &Segments<'_>, durability: Durability) -> Result<(), IoError> {
        self.check_change(offset, from.len_bytes())?;
        let flags = match durability {
            Durability::Cached => 0,
            Durability::Durable => libc::RWF_DSYNC,
        };
        transfer(offset, from, |part, at| part.write_to(self.file.as_fd(), at, flags))
    }

    fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), IoError> {
        self.check_change(offset, len)?;
        if len == 0
            || self.try_fallocate(FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE, offset, len)?
        {
            return Ok(());
        }
        let mut zeros = vec![0; ZERO_CHUNK.min(usize::try_from(len).unwrap_or(ZERO_CHUNK))];
        let zeros = Segments::from_slice(&mut zeros);
        let mut done = 0;
        while done < len {
            let part = zeros.slice(0, len - done);
            self.write_at(offset + done, &part, Durability::Cached)?;
            done += part.len_bytes();
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), IoError> {
        if self.read_only() {
            return Ok(());
        }
        loop {
            match rustix::fs::fdatasync(&self.file) {
                Err(rustix::io::Errno::INTR) => continue,
                result => return result.map_err(|error| io::Error::from(error).into()),
            }
        }
    }

    fn discard(&self) -> Option<&dyn Discard> {
        self.can_discard.then_some(self)
    }
}

impl Discard for RawFile {
    fn discard_at(&self, offset: u64, len: u64) -> Result<(), IoError> {
        self.check_change(offset, len)?;
        if len == 0
            || self.try_fallocate(FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, offset, len)?
        {
            return Ok(());
        }
        self.write_zeroes(offset, len)
    }
}

impl RawFile {
    /// Reads from the page cache or not at all.
    fn read_cached(&self, offset: u64, into: &Segments<'_>) -> Result<(), IoError> {
        if !self.reads_without_waiting.load(Ordering::Relaxed) {
            return Err(IoErrorKind::WouldBlock.into());
        }
        match into.read_from(self.file.as_fd(), offset, libc::RWF_NOWAIT) {
            Ok(len) if len == into.len_bytes() => Ok(()),
            Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EINVAL)) => {
                // The file system does not know the flag: there is no point in asking again.
                self.reads_without_waiting.store(false, Ordering::Relaxed);
                Err(IoErrorKind::WouldBlock.into())
            }
            // Partly cached, or an error that the patient way will find again and report.
            Ok(_) | Err(_) => Err(IoErrorKind::WouldBlock.into()),
        }
    }
}

/// Repeats `step` until all of `data` is done, starting at `offset` of the store.
pub(super) fn transfer(
    offset: u64,
    data: &Segments<'_>,
    mut step: impl FnMut(&Segments<'_>, u64) -> io::Result<u64>,
) -> Result<(), IoError> {
    let total = data.len_bytes();
    let mut done = 0;
    while done < total {
        let result =
            if done == 0 { step(data, offset) } else { step(&data.slice(done, total), offset + done) };
        match result {
            // The range was checked against the size at opening, so the file has been cut short since.
            Ok(0) => return Err(IoErrorKind::Gone.into()),
            Ok(len) => done += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether the file system can give space back, asked for a range behind the end where nothing changes.
fn punches_holes(file: &File, len_bytes: u64) -> bool {
    let behind_end = len_bytes.next_multiple_of(1 << 20);
    fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, behind_end, 4096).is_ok()
}

impl std::fmt::Debug for RawFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawFile")
            .field("path", &self.path)
            .field("fd", &self.file.as_raw_fd())
            .field("len_bytes", &self.len_bytes())
            .field("access", &self.access)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::testing::check_block_store;

    fn file(len_bytes: u64) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        RawFile::create(&path, len_bytes).unwrap();
        (dir, path)
    }

    fn allocated(path: &Path) -> u64 {
        std::fs::metadata(path).unwrap().blocks() * 512
    }

    #[test]
    fn conforms_to_the_contract() {
        let (_dir, path) = file(8 << 20);
        check_block_store(&|| Box::new(RawFile::open(&path, Access::ReadWrite).unwrap()));
    }

    #[test]
    fn readers_share_and_cannot_change() {
        let (_dir, path) = file(1 << 20);
        let one = RawFile::open(&path, Access::ReadOnly).unwrap();
        let two = RawFile::open(&path, Access::ReadOnly).unwrap();
        let mut byte = [1];
        let data = Segments::from_slice(&mut byte);
        assert_eq!(one.write_at(0, &data, Durability::Cached).unwrap_err().kind(), IoErrorKind::ReadOnly);
        assert_eq!(two.write_zeroes(0, 1).unwrap_err().kind(), IoErrorKind::ReadOnly);
        assert!(one.discard().is_none());
        one.flush().unwrap();
    }

    #[test]
    fn links_have_one_identity() {
        let (dir, path) = file(1 << 20);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let by_name = RawFile::open(&path, Access::ReadOnly).unwrap();
        let by_link = RawFile::open(&link, Access::ReadOnly).unwrap();
        assert_eq!(by_name.identity(), by_link.identity());
    }

    #[test]
    fn sparse_file_stays_sparse() {
        let (_dir, path) = file(1 << 30);
        let store = RawFile::open(&path, Access::ReadWrite).unwrap();
        let mut data = vec![7; 64 << 10];
        let data = Segments::from_slice(&mut data);
        store.write_at(512 << 20, &data, Durability::Durable).unwrap();
        store.read_at(0, &data, Patience::Unlimited).unwrap();
        assert!(allocated(&path) <= 1 << 20, "{}", allocated(&path));
        if let Some(discard) = store.discard() {
            discard.discard_at(512 << 20, 64 << 10).unwrap();
            store.flush().unwrap();
            assert!(allocated(&path) <= 16 << 10, "{}", allocated(&path));
        }
    }

    #[test]
    fn file_cut_short_is_an_error_not_zeros() {
        let (_dir, path) = file(1 << 20);
        let store = RawFile::open(&path, Access::ReadWrite).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(4096).unwrap();
        let mut data = [0; 512];
        let data = Segments::from_slice(&mut data);
        let error = store.read_at(8192, &data, Patience::Unlimited).unwrap_err();
        assert_eq!(error.kind(), IoErrorKind::Gone);
    }

    #[test]
    fn size_is_looked_up_again_when_asked() {
        let (_dir, path) = file(1 << 20);
        let store = RawFile::open(&path, Access::ReadWrite).unwrap();
        let grow = |len| File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
        grow(2 << 20);
        assert_eq!(store.len_bytes(), 1 << 20);
        assert_eq!((store.refresh_len().unwrap(), store.len_bytes()), (2 << 20, 2 << 20));
        let mut data = [7; 512];
        store.write_at((2 << 20) - 512, &Segments::from_slice(&mut data), Durability::Cached).unwrap();
        grow(0);
        assert_eq!(store.refresh_len().unwrap(), 0);
    }

    #[test]
    fn odd_tail_of_a_file_is_not_offered() {
        let (_dir, path) = file(1000);
        assert_eq!(RawFile::open(&path, Access::ReadOnly).unwrap().len_bytes(), 512);
    }

    #[test]
    fn full_disk_is_told_as_such() {
        for (errno, kind) in [
            (libc::ENOSPC, IoErrorKind::NoSpace),
            (libc::EDQUOT, IoErrorKind::NoSpace),
            (libc::EIO, IoErrorKind::Medium),
            (libc::ENODEV, IoErrorKind::Gone),
            (libc::EROFS, IoErrorKind::ReadOnly),
            (libc::ENOMEM, IoErrorKind::Host),
        ] {
            assert_eq!(IoError::from(io::Error::from_raw_os_error(errno)).kind(), kind);
        }
    }
}

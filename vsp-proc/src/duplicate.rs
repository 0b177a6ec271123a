//! Physical duplication of a store (`hpvmclone -b`): of files, disks and logical volumes, each to any of them. Holes stay
//! holes, zeros of a device become some, and both stores are locked meanwhile.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::PathBuf;

use rustix::fs::{FallocateFlags, SeekFrom, copy_file_range, fallocate, seek};
use rustix::io::Errno;
use storage::backing::{Access, BlockStore, Kind, OpenError, RawFile, examine};
use storage::sysfs::Sysfs;

/// Bytes copied between two looks at whether to go on.
const CHUNK: u64 = 8 << 20;
/// Bytes held in memory where the kernel cannot copy from file to file.
const BUFFER: u64 = 1 << 20;
/// Bytes of a record in what is reported at the end.
const RECORD: u64 = 1 << 20;

/// A store could not be duplicated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// One of the two cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Not enough room.
    #[error("Device '{to}' is smaller than the device to be copied.", to = .0.display())]
    TooSmall(PathBuf),
    /// Whoever wanted it has gone.
    #[error("Interrupted.")]
    Interrupted,
    /// The host failed.
    #[error("Copying '{from}' failed: {source}.", from = from.display())]
    Host {
        /// What was copied.
        from: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// A store as an operator names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
}

impl Place {
    /// Opens it twice: locked against other users here and elsewhere, and as a plain file; also its size in bytes.
    fn open(&self, access: Access) -> Result<(RawFile, File, u64), CopyError> {
        let Place { path, kind } = self;
        let locked = RawFile::open_as(path, *kind, access, &Sysfs::default())?;
        let open = || {
            let file = File::options().read(true).write(access == Access::ReadWrite).open(path)?;
            // The end of a file need not be that of a block.
            let len = if *kind == Kind::File { file.metadata()?.len() } else { locked.len_bytes() };
            Ok((file, len))
        };
        let (file, len) = open().map_err(|source| CopyError::Host { from: path.clone(), source })?;
        Ok((locked, file, len))
    }
}

/// Copies all data of one store into another one, which is as large or larger. `progress` hears how many bytes of how
/// many are done, holes included, and says whether to go on. What was copied is on the medium afterwards. Returns the size
/// of the store in bytes.
///
/// # Errors
/// [`CopyError`]; the contents of `to` are then undefined.
pub(crate) fn duplicate(
    from: &Place,
    to: &Place,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<u64, CopyError> {
    let (_reading, source, total) = from.open(Access::ReadOnly)?;
    let (_writing, target, room) = to.open(Access::ReadWrite)?;
    let failed = |source| CopyError::Host { from: from.path.clone(), source };
    if room < total {
        return Err(CopyError::TooSmall(to.path.clone()));
    }
    // Devices do not say where they have data.
    let copy = if from.kind == Kind::File { copy } else { copy_data };
    let mut done = 0;
    while done < total {
        let data = next_data(&source, done, total).map_err(failed)?;
        clear(&target, done, data - done).map_err(failed)?;
        let end = next_hole(&source, data, total).map_err(failed)?;
        done = data;
        while done < end {
            done += copy(&source, &target, done, CHUNK.min(end - done)).map_err(failed)?;
            if !progress(done, total) {
                return Err(CopyError::Interrupted);
            }
        }
        if !progress(done, total) {
            return Err(CopyError::Interrupted);
        }
    }
    target.sync_all().map_err(failed)?;
    Ok(total)
}

/// `N+M` as `dd` counts: whole records of 1 MiB, and whether there was a shorter one.
pub(crate) fn records(bytes: u64) -> String {
    format!("{}+{}", bytes / RECORD, u64::from(!bytes.is_multiple_of(RECORD)))
}

/// Removes files again unless what they were made for comes about.
#[derive(Debug, Default)]
pub(crate) struct Created(Vec<PathBuf>);

impl Created {
    /// Makes a store like the one at `like` where a file is meant and there is none.
    ///
    /// # Errors
    /// When one of them cannot be.
    pub(crate) fn create_like(
        &mut self,
        like: &Place,
        Place { path, kind }: &Place,
    ) -> Result<(), CopyError> {
        let failed = |source| CopyError::Host { from: like.path.clone(), source };
        if *kind != Kind::File || path.symlink_metadata().is_ok() {
            return Ok(());
        }
        let found = examine(&like.path, like.kind, 0, &Sysfs::default())?;
        RawFile::create(path, found.len_bytes.unwrap_or_default().next_multiple_of(512))?;
        self.0.push(path.clone());
        // What may read a device says nothing about who may read a file.
        if like.kind == Kind::File {
            let mode = fs::metadata(&like.path).map_err(failed)?.mode() & 0o777;
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)?;
        }
        Ok(())
    }

    /// They are needed.
    pub(crate) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        for path in &self.0 {
            // It holds nothing of worth, and its name is known to whoever asked for it.
            let _ = fs::remove_file(path);
        }
    }
}

/// Where data begin, from `at` on.
fn next_data(file: &File, at: u64, end: u64) -> io::Result<u64> {
    match seek(file, SeekFrom::Data(at)) {
        Ok(found) => Ok(found.min(end)),
        // There are none.
        Err(Errno::NXIO) => Ok(end),
        // The file system does not know holes.
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(at),
        Err(error) => Err(error.into()),
    }
}

/// Where the data at `at` end.
fn next_hole(file: &File, at: u64, end: u64) -> io::Result<u64> {
    if at >= end {
        return Ok(end);
    }
    match seek(file, SeekFrom::Hole(at)) {
        Ok(found) => Ok(found.min(end)),
        Err(Errno::NXIO | Errno::INVAL | Errno::OPNOTSUPP) => Ok(end),
        Err(error) => Err(error.into()),
    }
}

/// Zeros, as a hole where that is possible.
fn clear(target: &File, at: u64, len: u64) -> io::Result<()> {
    if len == 0 {
        return Ok(());
    }
    match fallocate(target, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, at, len) {
        Ok(()) => return Ok(()),
        // A device may want it in larger pieces.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    let zeros = vec![0; BUFFER.min(len) as usize];
    let mut done = 0;
    while done < len {
        let part = BUFFER.min(len - done) as usize;
        target.write_all_at(&zeros[..part], at + done)?;
        done += part as u64;
    }
    Ok(())
}

/// Copies up to `len` bytes, at least one.
fn copy(source: &File, target: &File, at: u64, len: u64) -> io::Result<u64> {
    let (mut from, mut to) = (at, at);
    match copy_file_range(source, Some(&mut from), target, Some(&mut to), len as usize) {
        Ok(count) if count > 0 => return Ok(count as u64),
        // Between file systems, or by one that cannot.
        Ok(_) | Err(Errno::XDEV | Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let mut buffer = vec![0; BUFFER.min(len) as usize];
    source.read_exact_at(&mut buffer, at)?;
    target.write_all_at(&buffer, at)?;
    Ok(buffer.len() as u64)
}

/// The same, where zeros are to be found among the data.
fn copy_data(source: &File, target: &File, at: u64, len: u64) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER.min(len) as usize];
    source.read_exact_at(&mut buffer, at)?;
    match buffer.iter().all(|byte| *byte == 0) {
        true => clear(target, at, buffer.len() as u64)?,
        false => target.write_all_at(&buffer, at)?,
    }
    Ok(buffer.len() as u64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn file(path: &Path) -> Place {
        Place { path: path.to_owned(), kind: Kind::File }
    }

    /// A file of 64 MiB with data at three places.
    fn sparse(path: &Path) {
        let file = File::create(path).unwrap();
        file.set_len(64 << 20).unwrap();
        for at in [0, 20 << 20, (64 << 20) - 512] {
            file.write_all_at(&[at as u8 | 1; 512], at).unwrap();
        }
    }

    #[test]
    fn a_copy_has_the_same_data_and_the_same_holes() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        sparse(&from);
        // What was there before must not show through the holes.
        fs::write(&to, vec![0xff; 64 << 20]).unwrap();
        let mut last = (0, 0);
        let total = duplicate(&file(&from), &file(&to), &mut |done, total| {
            assert!(done >= last.0);
            last = (done, total);
            true
        });
        assert_eq!(total.unwrap(), 64 << 20);
        assert_eq!(last, (64 << 20, 64 << 20));
        assert!(fs::read(&from).unwrap() == fs::read(&to).unwrap());
        let allocated = |path: &Path| fs::metadata(path).unwrap().blocks() * 512;
        assert!(allocated(&to) <= allocated(&from) + (1 << 20), "{} bytes", allocated(&to));
        assert_eq!(records(total_of(&from)), "64+0");
        assert_eq!(records((3 << 20) + 1), "3+1");
    }

    fn total_of(path: &Path) -> u64 {
        fs::metadata(path).unwrap().len()
    }

    #[test]
    fn what_cannot_be_copied_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        sparse(&path("from"));
        fs::write(path("small"), [0; 512]).unwrap();
        let refusal = |to: &str| {
            duplicate(&file(&path("from")), &file(&path(to)), &mut |_, _| true).unwrap_err().to_string()
        };
        assert!(refusal("small").ends_with("small' is smaller than the device to be copied."));
        assert!(refusal("none").contains("does not exist"));
        let held = RawFile::open(&path("small"), Access::ReadWrite).unwrap();
        assert!(refusal("small").contains("in use"), "{}", refusal("small"));
        drop(held);
        fs::write(path("to"), vec![0; 64 << 20]).unwrap();
        let interrupted = duplicate(&file(&path("from")), &file(&path("to")), &mut |_, _| false);
        assert!(matches!(interrupted, Err(CopyError::Interrupted)));
    }

    #[test]
    fn files_that_were_made_in_vain_vanish() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        sparse(&path("from"));
        let mut created = Created::default();
        created.create_like(&file(&path("from")), &file(&path("to"))).unwrap();
        assert_eq!(total_of(&path("to")), 64 << 20);
        drop(created);
        assert!(!path("to").exists());
        let mut created = Created::default();
        created.create_like(&file(&path("from")), &file(&path("from"))).unwrap();
        created.create_like(&file(&path("from")), &file(&path("to"))).unwrap();
        created.keep();
        assert!(path("from").exists() && path("to").exists());
    }
}

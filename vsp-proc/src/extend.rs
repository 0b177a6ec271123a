//! Making a store of a size (`hpvmdevmgmt -S`): a file whose blocks are there already, so that no guest finds the disk
//! full. Where that takes its time it is said how far it is. The file gets its name when it is whole, so that half a store
//! is left to nobody, not even by a VSP that is killed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FallocateFlags, Mode, OFlags, RenameFlags, fallocate, linkat, open, renameat_with,
};
use rustix::io::Errno;
use storage::backing::{MINIMUM_DISK, OpenError};

/// Bytes that are reserved at once.
const CHUNK: u64 = 64 << 20;
/// Zeros that are written at once where nothing can be reserved.
const BUFFER: usize = 1 << 20;

/// Makes the file. `progress` hears how many bytes of how many are there, and says whether to go on.
///
/// # Errors
/// One line for the operator; there is no file then.
pub(crate) fn make_store(
    path: &Path,
    size_bytes: u64,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(), String> {
    make(path, size_bytes, (Unfinished::begin, reserve), progress)
}

/// Gives room to a file from some byte on: how many bytes.
type Extend = fn(&File, u64, u64) -> io::Result<u64>;
/// Begins a file.
type Begin = fn(&Path) -> io::Result<Unfinished>;

fn make(
    path: &Path,
    size_bytes: u64,
    (begin, mut extend): (Begin, Extend),
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(), String> {
    if !path.is_absolute() {
        return Err(format!("Illegal file name '{}'. Expected an absolute path.", path.display()));
    }
    if size_bytes < MINIMUM_DISK {
        return Err(OpenError::TooSmall { path: path.to_owned(), minimum: MINIMUM_DISK }.to_string());
    }
    let exists = || OpenError::Exists(path.to_owned()).to_string();
    if path.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let host = |attempt| move |source| OpenError::Host { attempt, path: path.to_owned(), source }.to_string();
    let unfinished = begin(path).map_err(host("create"))?;
    let failed = |error: io::Error| format!("Unable to extend '{}': {error}.", path.display());
    unfinished.file.set_len(size_bytes).map_err(failed)?;
    let mut done = 0;
    while done < size_bytes {
        match extend(&unfinished.file, done, size_bytes - done) {
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => extend = write_zeros,
            Err(error) => return Err(failed(error)),
        }
        if !progress(done, size_bytes) {
            return Err("Interrupted.".into());
        }
    }
    unfinished.appear(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => host("create")(error),
    })
}

/// A file that has not got its name yet.
struct Unfinished {
    file: File,
    /// The name it has instead, where the file system has no files without one. It is gone when this is dropped; one that
    /// was left by a VSP that was killed is removed by whoever makes the same file next.
    beside: Option<PathBuf>,
}

impl Unfinished {
    fn begin(path: &Path) -> io::Result<Unfinished> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        match open(path.parent().unwrap_or(path), flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => Ok(Unfinished { file: file.into(), beside: None }),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => Unfinished::begin_beside(path),
            Err(error) => Err(error.into()),
        }
    }

    fn begin_beside(path: &Path) -> io::Result<Unfinished> {
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".unfinished");
        let beside = path.with_file_name(name);
        let create = || File::options().write(true).create_new(true).mode(0o600).open(&beside);
        let file = match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let left = File::options().read(true).custom_flags(libc::O_NOFOLLOW).open(&beside)?;
                lock(&left)?;
                fs::remove_file(&beside)?;
                create()?
            }
            created => created?,
        };
        lock(&file)?;
        Ok(Unfinished { file, beside: Some(beside) })
    }

    /// Gives it its name, unless there is one of that name.
    fn appear(self, path: &Path) -> io::Result<()> {
        let Some(beside) = &self.beside else {
            let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            return Ok(linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?);
        };
        match renameat_with(CWD, beside, CWD, path, RenameFlags::NOREPLACE) {
            // A file system that cannot is one that has links.
            Err(Errno::INVAL | Errno::NOSYS) => fs::hard_link(beside, path),
            renamed => Ok(renamed?),
        }
    }
}

/// As long as it is open nobody else takes it for one that was left.
fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => io::ErrorKind::ResourceBusy.into(),
        TryLockError::Error(error) => error,
    })
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Renamed, most often; otherwise it holds nothing of worth.
            let _ = fs::remove_file(beside);
        }
    }
}

fn reserve(file: &File, at: u64, len: u64) -> io::Result<u64> {
    let len = len.min(CHUNK);
    match fallocate(file, FallocateFlags::empty(), at, len) {
        Ok(()) => Ok(len),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Err(io::ErrorKind::Unsupported.into()),
        Err(error) => Err(error.into()),
    }
}

fn write_zeros(file: &File, at: u64, len: u64) -> io::Result<u64> {
    static ZEROS: [u8; BUFFER] = [0; BUFFER];
    let len = len.min(BUFFER as u64);
    file.write_all_at(&ZEROS[..len as usize], at)?;
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    const SIZE: u64 = CHUNK + 512;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_store_has_its_size_and_its_blocks_whatever_the_file_system_can() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let without: Extend = |_, _, _| Err(io::ErrorKind::Unsupported.into());
        for how in [(Unfinished::begin as Begin, reserve as Extend), (Unfinished::begin_beside, without)] {
            // As a VSP that was killed leaves it.
            fs::write(directory.path().join(".store.unfinished"), [1; 4096]).unwrap();
            let mut last = 0;
            make(&path, SIZE, how, &mut |done, total| {
                assert!(done >= last && done <= total && total == SIZE);
                assert!(!path.exists(), "it is not whole yet");
                last = done;
                true
            })
            .unwrap();
            assert_eq!(last, SIZE);
            let found = fs::metadata(&path).unwrap();
            assert_eq!(found.len(), SIZE);
            assert_eq!(found.mode() & 0o777, 0o600);
            assert!(found.blocks() * 512 >= SIZE, "{} blocks", found.blocks());
            let again = make_store(&path, 1 << 20, &mut |_, _| true).unwrap_err();
            assert!(again.ends_with("already exists."), "{again}");
            assert_eq!(fs::metadata(&path).unwrap().len(), SIZE, "what was there stays");
            fs::remove_file(&path).unwrap();
        }
        assert_eq!(names(directory.path()), [""; 0]);
    }

    #[test]
    fn an_interrupted_store_or_one_without_room_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let full: Extend = |_, _, _| Err(io::ErrorKind::StorageFull.into());
        for begin in [Unfinished::begin as Begin, Unfinished::begin_beside] {
            let made = make(&path, 4 * CHUNK, (begin, reserve), &mut |done, _| done < 2 * CHUNK);
            assert_eq!(made, Err("Interrupted.".into()));
            let text = make(&path, CHUNK, (begin, full), &mut |_, _| true).unwrap_err();
            assert!(text.starts_with("Unable to extend '"), "{text}");
            // Somebody else was quicker.
            let late = make(&path, CHUNK, (begin, reserve), &mut |_, _| fs::write(&path, b"his").is_ok());
            assert!(late.unwrap_err().ends_with("already exists."));
            assert_eq!(fs::read(&path).unwrap(), b"his");
            fs::remove_file(&path).unwrap();
            assert_eq!(names(directory.path()), [""; 0]);
        }
        assert!(make_store(Path::new("store"), 1 << 20, &mut |_, _| true).unwrap_err().contains("absolute"));
        assert!(make_store(&path, 511, &mut |_, _| true).unwrap_err().contains("minimum of 512 bytes"));
    }

    #[test]
    fn two_that_make_one_file_beside_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let first = Unfinished::begin_beside(&path).unwrap();
        assert!(Unfinished::begin_beside(&path).is_err());
        drop(first);
        Unfinished::begin_beside(&path).unwrap();
    }
}

//! Making a store of a size (`hpvmdevmgmt -S`): a file whose blocks are there already, so that no guest finds the disk
//! full. Where that takes its time it is said how far it is, and half a store is left to nobody.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use storage::backing::RawFile;

use crate::duplicate::Created;

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
    make(path, size_bytes, reserve, progress)
}

/// Gives room to a file from some byte on: how many bytes.
type Extend = fn(&File, u64, u64) -> io::Result<u64>;

fn make(
    path: &Path,
    size_bytes: u64,
    mut extend: Extend,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(), String> {
    if !path.is_absolute() {
        return Err(format!("Illegal file name '{}'. Expected an absolute path.", path.display()));
    }
    RawFile::create(path, size_bytes).map_err(|e| e.to_string())?;
    let created = Created::one(path);
    let failed = |error: io::Error| format!("Unable to extend '{}': {error}.", path.display());
    let file = File::options().write(true).open(path).map_err(failed)?;
    let mut done = 0;
    while done < size_bytes {
        match extend(&file, done, size_bytes - done) {
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => extend = write_zeros,
            Err(error) => return Err(failed(error)),
        }
        if !progress(done, size_bytes) {
            return Err("Interrupted.".into());
        }
    }
    created.keep();
    Ok(())
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

    #[test]
    fn a_store_has_its_size_and_its_blocks_whatever_the_file_system_can() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let without: Extend = |_, _, _| Err(io::ErrorKind::Unsupported.into());
        for extend in [reserve, without] {
            let mut last = 0;
            make(&path, SIZE, extend, &mut |done, total| {
                assert!(done >= last && done <= total && total == SIZE);
                last = done;
                true
            })
            .unwrap();
            assert_eq!(last, SIZE);
            let found = std::fs::metadata(&path).unwrap();
            assert_eq!(found.len(), SIZE);
            assert!(found.blocks() * 512 >= SIZE, "{} blocks", found.blocks());
            let again = make_store(&path, 1 << 20, &mut |_, _| true).unwrap_err();
            assert!(again.ends_with("already exists."), "{again}");
            assert_eq!(std::fs::metadata(&path).unwrap().len(), SIZE, "what was there stays");
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn an_interrupted_store_or_one_without_room_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let made = make_store(&path, 4 * CHUNK, &mut |done, _| done < 2 * CHUNK);
        assert_eq!(made, Err("Interrupted.".into()));
        assert!(!path.exists());
        let full: Extend = |_, _, _| Err(io::ErrorKind::StorageFull.into());
        let text = make(&path, CHUNK, full, &mut |_, _| true).unwrap_err();
        assert!(text.starts_with("Unable to extend '") && !path.exists(), "{text}");
        assert!(make_store(Path::new("store"), 1 << 20, &mut |_, _| true).unwrap_err().contains("absolute"));
    }
}

//! Making a store of a size (`hpvmdevmgmt -S`): a file whose blocks are there already, so that no guest finds the disk
//! full. Where that takes its time it is said how far it is, and half a store is left to nobody.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use storage::backing::RawFile;

use crate::duplicate::Created;

/// Bytes that are reserved between two looks at whether to go on.
const CHUNK: u64 = 64 << 20;

/// Whether the blocks of a new store are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// All of them.
    Reserved,
    /// They come when they are written: the file system cannot reserve them.
    Sparse,
}

/// Makes the file. `progress` hears how many bytes of how many are there, and says whether to go on.
///
/// # Errors
/// One line for the operator; there is no file then.
pub(crate) fn make_store(
    path: &Path,
    size_bytes: u64,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<Room, String> {
    if !path.is_absolute() {
        return Err(format!("Illegal file name '{}'. Expected an absolute path.", path.display()));
    }
    RawFile::create(path, size_bytes).map_err(|e| e.to_string())?;
    let created = Created::one(path);
    let failed = |error: std::io::Error| format!("Unable to extend '{}': {error}.", path.display());
    let file = File::options().write(true).open(path).map_err(failed)?;
    let mut done = 0;
    while done < size_bytes {
        let part = CHUNK.min(size_bytes - done);
        match fallocate(&file, FallocateFlags::empty(), done, part) {
            Ok(()) => done += part,
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                created.keep();
                return Ok(Room::Sparse);
            }
            Err(error) => return Err(failed(error.into())),
        }
        if !progress(done, size_bytes) {
            return Err("Interrupted.".into());
        }
    }
    created.keep();
    Ok(Room::Reserved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_store_has_its_size_and_its_blocks() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let mut heard = Vec::new();
        let room = make_store(&path, CHUNK + (1 << 20), &mut |done, total| {
            heard.push((done, total));
            true
        });
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!(found.len(), CHUNK + (1 << 20));
        if room == Ok(Room::Reserved) {
            assert_eq!(heard, [CHUNK, CHUNK + (1 << 20)].map(|done| (done, CHUNK + (1 << 20))));
            assert!(found.blocks() * 512 >= found.len());
        }
        let again = make_store(&path, 1 << 20, &mut |_, _| true).unwrap_err();
        assert!(again.ends_with("already exists."), "{again}");
        assert_eq!(std::fs::metadata(&path).unwrap().len(), found.len(), "what was there stays");
    }

    #[test]
    fn an_interrupted_store_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        let made = make_store(&path, 4 * CHUNK, &mut |done, _| done < 2 * CHUNK);
        if made != Ok(Room::Sparse) {
            assert_eq!(made, Err("Interrupted.".into()));
            assert!(!path.exists());
        }
        assert!(make_store(Path::new("store"), 1 << 20, &mut |_, _| true).unwrap_err().contains("absolute"));
    }
}

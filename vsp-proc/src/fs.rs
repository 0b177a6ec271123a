//! Files that are replaced whole or not at all.
//!
//! [`write_atomically`] goes through the small [`Fs`] trait, so that a test can make the nth operation fail for every n
//! and look at what is left.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The operations that replacing a file takes.
pub trait Fs {
    /// Makes or empties the file at `path`, writes `contents` and waits until they are on the medium.
    fn write_synced(&mut self, path: &Path, contents: &[u8]) -> io::Result<()>;
    /// Renames a file or directory, replacing what is at `to`.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Waits until the directory's entries are on the medium.
    fn sync_directory(&mut self, path: &Path) -> io::Result<()>;
}

/// The host's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostFs;

impl Fs for HostFs {
    fn write_synced(&mut self, path: &Path, contents: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(contents)?;
        file.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_directory(&mut self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

/// Replaces the file at `path` by one with `contents`. After a failure or crash the file has its old or its new
/// contents, never a part; after success the new ones are on the medium.
///
/// # Errors
/// Whatever the host says; a temporary file may remain and is overwritten next time.
pub fn write_atomically(fs: &mut impl Fs, path: &Path, contents: &[u8]) -> io::Result<()> {
    let temporary = temporary_of(path);
    fs.write_synced(&temporary, contents)?;
    fs.rename(&temporary, path)?;
    fs.sync_directory(path.parent().unwrap_or(Path::new("/")))
}

fn temporary_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// The host's file system until the nth operation, which fails after doing half of its work.
    pub(crate) struct FailingFs {
        pub(crate) remaining: usize,
    }

    impl FailingFs {
        fn spend(&mut self) -> io::Result<()> {
            match self.remaining.checked_sub(1) {
                Some(left) => self.remaining = left,
                None => return Err(io::Error::from(io::ErrorKind::StorageFull)),
            }
            Ok(())
        }
    }

    impl Fs for FailingFs {
        fn write_synced(&mut self, path: &Path, contents: &[u8]) -> io::Result<()> {
            if let Err(e) = self.spend() {
                HostFs.write_synced(path, &contents[..contents.len() / 2])?;
                return Err(e);
            }
            HostFs.write_synced(path, contents)
        }
        fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
            self.spend()?;
            HostFs.rename(from, to)
        }
        fn sync_directory(&mut self, path: &Path) -> io::Result<()> {
            self.spend()?;
            HostFs.sync_directory(path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_fails_at_any_step_leaves_the_old_or_the_new_contents() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("guest.toml");
        for step in 0.. {
            write_atomically(&mut HostFs, &path, b"old contents").unwrap();
            let result =
                write_atomically(&mut testing::FailingFs { remaining: step }, &path, b"new contents");
            let found = std::fs::read(&path).unwrap();
            assert!(found == b"old contents" || found == b"new contents", "step {step}: {found:?}");
            if result.is_ok() {
                assert_eq!(found, b"new contents");
                assert_eq!(step, 3);
                return;
            }
        }
    }
}

//! A file that never grows past a limit: when it would, it becomes `NAME.1` (replacing an older one) and begins anew.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// An appended file and its one predecessor; together they hold at most twice the limit.
#[derive(Debug)]
pub(crate) struct RollingFile {
    path: PathBuf,
    file: File,
    len: u64,
    limit: u64,
}

impl RollingFile {
    /// Opens or makes the file at `path`, limited to `limit` bytes.
    pub(crate) fn open(path: &Path, limit: u64) -> io::Result<RollingFile> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let len = file.metadata()?.len();
        Ok(RollingFile { path: path.to_owned(), file, len, limit })
    }

    /// Appends `bytes` as one piece: a piece is never split over two files.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.len > 0 && self.len + bytes.len() as u64 > self.limit {
            fs::rename(&self.path, predecessor(&self.path))?;
            *self = RollingFile::open(&self.path, self.limit)?;
        }
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }
}

/// Up to `limit` of the last bytes of a rolling file and its predecessor, oldest first. What cannot be read is absent.
pub(crate) fn tail(path: &Path, limit: u64) -> Vec<u8> {
    let recent = tail_of_one(path, limit);
    let mut all = tail_of_one(&predecessor(path), limit - recent.len() as u64);
    all.extend(recent);
    all
}

fn tail_of_one(path: &Path, limit: u64) -> Vec<u8> {
    let read = || {
        let mut file = File::open(path)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(limit)))?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        io::Result::Ok(bytes)
    };
    read().unwrap_or_default()
}

fn predecessor(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_keeps_its_limit_and_the_tail_spans_the_roll() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut file = RollingFile::open(&path, 10).unwrap();
        for piece in ["aaaa", "bbbb", "cccc", "dddd", "eeee"] {
            file.append(piece.as_bytes()).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"eeee");
        assert_eq!(tail(&path, 100), b"ccccddddeeee");
        assert_eq!(tail(&path, 6), b"ddeeee");
        drop(file);
        RollingFile::open(&path, 10).unwrap().append(b"ffff").unwrap();
        assert_eq!(tail(&path, 100), b"ccccddddeeeeffff");
        assert_eq!(tail(&directory.path().join("none"), 5), b"");
    }
}

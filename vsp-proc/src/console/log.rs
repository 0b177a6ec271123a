//! The log of a console: what the guest wrote, byte for byte, in a file that never grows past a limit. When it would, it
//! becomes `NAME.1` (replacing an older one) and begins anew. (A console has no lines that a rolling log of events could
//! be made of, and its limit is a size.)
//!
//! Beside it a note says which of its bytes are of the process that runs now. From that and the file's length a VSP knows
//! what of the process' output its predecessor stored, to the byte, whenever that was killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// An appended file and its one predecessor; together they hold at most twice the limit.
#[derive(Debug)]
pub(super) struct ConsoleLog {
    path: PathBuf,
    limit: u64,
    file: File,
    inode: u64,
    len: u64,
    /// Position in the run's output of the file's first byte: negative while there is output of earlier runs.
    base: i64,
}

impl ConsoleLog {
    /// Opens or makes the file at `path`, limited to `limit` bytes.
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<ConsoleLog> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let found = file.metadata()?;
        let (inode, len) = (found.ino(), found.len());
        // Without a note: everything the process still has is new.
        let base = noted_base(path, inode).unwrap_or(-(len as i64));
        Ok(ConsoleLog { path: path.to_owned(), limit, file, inode, len, base })
    }

    /// What is appended from now on is output of a new process.
    pub(super) fn begin_run(&mut self) -> io::Result<()> {
        self.base = -(self.len as i64);
        self.note()
    }

    /// How much of the process' output is here, or was given up.
    pub(super) fn position(&self) -> u64 {
        self.base.saturating_add_unsigned(self.len).max(0).unsigned_abs()
    }

    /// Appends output of the process as one piece: a piece is never split over two files.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let expected = self.base.saturating_add_unsigned(self.len + bytes.len() as u64);
        let result = self.write(bytes);
        if result.is_err() {
            // Part of it may have been written, but all of it has been taken.
            self.len = self.file.metadata().map_or(self.len, |found| found.len());
            self.base = expected.saturating_sub_unsigned(self.len);
            // On a full disk the note fails, too; then output is stored twice if the VSP is killed now.
            let _ = self.note();
        }
        result
    }

    /// Leaves out `bytes` of the process' output and writes a remark instead.
    pub(super) fn skip(&mut self, bytes: u64, remark: &[u8]) -> io::Result<()> {
        self.write(remark)?;
        self.base = self.base.saturating_add_unsigned(bytes).saturating_sub_unsigned(remark.len() as u64);
        self.note()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.len > 0 && self.len + bytes.len() as u64 > self.limit {
            self.roll()?;
        }
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    fn roll(&mut self) -> io::Result<()> {
        fs::rename(&self.path, predecessor(&self.path))?;
        let base = self.base.saturating_add_unsigned(self.len);
        *self = ConsoleLog { base, ..ConsoleLog::open(&self.path, self.limit)? };
        self.note()
    }

    /// It survives whatever the process that writes it does not, which is all that is asked of it.
    fn note(&self) -> io::Result<()> {
        let new = note_of(&self.path).with_extension("pos.new");
        fs::write(&new, format!("{} {}\n", self.inode, self.base))?;
        fs::rename(&new, note_of(&self.path))
    }
}

/// The base of the file `inode` by the note, which may still be about the file before it.
fn noted_base(path: &Path, inode: u64) -> Option<i64> {
    let note = fs::read_to_string(note_of(path)).ok()?;
    let (noted, base) = note.trim().split_once(' ')?;
    let (noted, base): (u64, i64) = (noted.parse().ok()?, base.parse().ok()?);
    if noted == inode {
        return Some(base);
    }
    let before = fs::metadata(predecessor(path)).ok().filter(|before| before.ino() == noted)?;
    Some(base.saturating_add_unsigned(before.len()))
}

/// Up to `limit` of the last bytes of the file and its predecessor, oldest first. What cannot be read is absent.
pub(super) fn tail(path: &Path, limit: u64) -> Vec<u8> {
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

fn note_of(path: &Path) -> PathBuf {
    path.with_extension("pos")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_keeps_its_limit_and_the_tail_spans_the_roll() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("console.log");
        let mut file = ConsoleLog::open(&path, 10).unwrap();
        for piece in ["aaaa", "bbbb", "cccc", "dddd", "eeee"] {
            file.append(piece.as_bytes()).unwrap();
        }
        assert_eq!(fs::read(&path).unwrap(), b"eeee");
        assert_eq!(tail(&path, 100), b"ccccddddeeee");
        assert_eq!(tail(&path, 6), b"ddeeee");
        drop(file);
        ConsoleLog::open(&path, 10).unwrap().append(b"ffff").unwrap();
        assert_eq!(tail(&path, 100), b"ccccddddeeeeffff");
        assert_eq!(tail(&directory.path().join("none"), 5), b"");
    }

    #[test]
    fn a_later_vsp_knows_how_much_of_the_run_is_stored() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("console.log");
        let reopened = || ConsoleLog::open(&path, 10).unwrap();
        let mut log = reopened();
        assert_eq!(log.position(), 0);
        log.append(b"before").unwrap();
        log.begin_run().unwrap();
        assert_eq!((log.position(), reopened().position()), (0, 0));
        log.append(b"abc").unwrap();
        assert_eq!((log.position(), reopened().position()), (3, 3));
        log.append(b"defgh").unwrap();
        assert_eq!((log.position(), reopened().position()), (8, 8), "rolled");
        log.skip(100, b"!!").unwrap();
        assert_eq!((log.position(), reopened().position()), (108, 108));

        // Killed between the roll and the note about it.
        let note = fs::read(note_of(&path)).unwrap();
        log.append(b"12345").unwrap();
        fs::write(note_of(&path), note).unwrap();
        assert_eq!((log.position(), reopened().position()), (113, 113));

        fs::remove_file(note_of(&path)).unwrap();
        assert_eq!(reopened().position(), 0);
    }
}

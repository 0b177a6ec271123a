//! The log of a console: what the guest wrote, byte for byte, in a file that never grows past a limit. When it would, it
//! becomes `NAME.1` (replacing an older one) and begins anew. (A console has no lines that a rolling log of events could
//! be made of, and its limit is a size.)
//!
//! Beside it a note says which of its bytes are of the process that runs now, and how many there were before them. From
//! that and the file's length a VSP knows what of the process' output its predecessor stored, to the byte, whenever that
//! was killed, and every byte has a place that it keeps when the file rolls.

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
    start: Start,
}

/// Where the first byte of the file belongs.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// In the run's output: negative while there is output of earlier runs.
    base: i64,
    /// Among all that was ever logged.
    place: u64,
}

impl Start {
    /// Of what comes `len` bytes later.
    fn after(self, len: u64) -> Start {
        Start { base: self.base.saturating_add_unsigned(len), place: self.place.saturating_add(len) }
    }
}

impl ConsoleLog {
    /// Opens or makes the file at `path`, limited to `limit` bytes.
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<ConsoleLog> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let found = file.metadata()?;
        let (inode, len) = (found.ino(), found.len());
        // Without a note: everything the process still has is new.
        let start = noted(path, inode).unwrap_or(Start { base: -(len as i64), place: 0 });
        Ok(ConsoleLog { path: path.to_owned(), limit, file, inode, len, start })
    }

    /// What is appended from now on is output of a new process.
    pub(super) fn begin_run(&mut self) -> io::Result<()> {
        self.start.base = -(self.len as i64);
        self.note()
    }

    /// How much of the process' output is here, or was given up.
    pub(super) fn position(&self) -> u64 {
        self.start.after(self.len).base.max(0).unsigned_abs()
    }

    /// The place behind all that was ever logged, as [`end`] tells it later.
    pub(super) fn end(&self) -> u64 {
        self.start.after(self.len).place
    }

    /// Appends output of the process as one piece: a piece is never split over two files.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let expected = self.start.after(self.len + bytes.len() as u64).base;
        let result = self.write(bytes);
        if result.is_err() {
            // Part of it may have been written, but all of it has been taken.
            self.len = self.file.metadata().map_or(self.len, |found| found.len());
            self.start.base = expected.saturating_sub_unsigned(self.len);
            // On a full disk the note fails, too; then output is stored twice if the VSP is killed now.
            let _ = self.note();
        }
        result
    }

    /// Leaves out `bytes` of the process' output and writes a remark instead.
    pub(super) fn skip(&mut self, bytes: u64, remark: &[u8]) -> io::Result<()> {
        self.write(remark)?;
        let base = self.start.base.saturating_add_unsigned(bytes);
        self.start.base = base.saturating_sub_unsigned(remark.len() as u64);
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
        let start = self.start.after(self.len);
        *self = ConsoleLog { start, ..ConsoleLog::open(&self.path, self.limit)? };
        self.note()
    }

    /// It survives whatever the process that writes it does not, which is all that is asked of it.
    fn note(&self) -> io::Result<()> {
        let new = note_of(&self.path).with_extension("pos.new");
        fs::write(&new, format!("{} {} {}\n", self.inode, self.start.base, self.start.place))?;
        fs::rename(&new, note_of(&self.path))
    }
}

/// Where the file `inode` starts by the note, which may still be about the file before it.
fn noted(path: &Path, inode: u64) -> Option<Start> {
    let note = fs::read_to_string(note_of(path)).ok()?;
    let mut numbers = note.split_whitespace();
    let (noted, base) = (numbers.next()?.parse::<u64>().ok()?, numbers.next()?.parse().ok()?);
    // Earlier versions did not note places.
    let start = Start { base, place: numbers.next().map_or(Ok(0), str::parse).ok()? };
    if noted == inode {
        return Some(start);
    }
    let before = fs::metadata(predecessor(path)).ok().filter(|before| before.ino() == noted)?;
    Some(start.after(before.len()))
}

/// The place behind all that was ever logged at `path`.
pub(super) fn end(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| {
        noted(path, found.ino()).map_or(0, |start| start.place).saturating_add(found.len())
    })
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

//! Reading the log files of a process forwards: from somewhere to the end of what there is, and then whatever is added,
//! over any number of files.
//!
//! Files are read in blocks and closed again: a reader that is slow, or one of hundreds, holds neither much memory nor
//! descriptors. Where it is it remembers by the file's identity, so that nothing is skipped or read twice when files
//! are set aside, or their directory is renamed, between two blocks.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::json::from_json;
use super::{LogRecord, LogSource, names};

/// Longest line that is kept together.
pub(super) const MAX_LINE: usize = 1 << 20;
/// Bytes that are read at a time.
pub(super) const BLOCK: usize = 16 << 10;
/// Looks at a directory whose files are being renamed.
const TRIES: usize = 16;

/// A place between two lines of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPosition {
    /// The file, by its inode number, which it keeps when it is set aside.
    pub file: u64,
    /// Bytes before.
    pub offset: u64,
}

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// With the oldest record that is kept.
    Oldest,
    /// With a file that can have records of this moment, in microseconds since 1970-01-01 UTC; earlier ones may come, too.
    Since(i64),
    /// Behind the latest of these places that is in the directory; where none is, with the oldest record.
    After(&'a [LogPosition]),
}

/// A reader of the log files in a directory, which need not exist yet.
#[derive(Debug)]
pub struct Tail {
    directory: PathBuf,
    source: LogSource,
    /// How far it has read; `None` before the first file.
    at: Option<LogPosition>,
    /// What of that has not been given, from this index on.
    buffer: Vec<u8>,
    given: usize,
    /// The file is complete: what is left is a line.
    is_complete: bool,
    /// Time of the last record, for lines that have none.
    last_micros: Option<i64>,
    /// Bytes of all lines that have been given.
    passed: u64,
    missed: bool,
}

impl Tail {
    /// Begins at `start`.
    pub fn open(directory: &Path, source: LogSource, start: Start<'_>) -> Tail {
        let files = Found::all(directory);
        let at = match start {
            Start::Oldest => None,
            Start::Since(micros) => {
                let at = files.iter().find(|found| found.modified_micros >= micros).or(files.last());
                at.map(|found| LogPosition { file: found.file, offset: 0 })
            }
            Start::After(places) => {
                let place = |found: &Found| places.iter().find(|place| place.file == found.file).copied();
                files.iter().rev().find_map(place)
            }
        };
        Tail {
            directory: directory.to_owned(),
            source,
            at,
            buffer: Vec::new(),
            given: 0,
            is_complete: false,
            last_micros: None,
            passed: 0,
            missed: false,
        }
    }

    /// The next record that is there, and the place behind it.
    #[expect(clippy::should_implement_trait, reason = "it goes on after the end when something is added")]
    pub fn next(&mut self) -> Option<(LogRecord, LogPosition)> {
        loop {
            if let Some(record) = self.take_line() {
                return Some((record, self.position()?));
            }
            if !self.fill() {
                return None;
            }
        }
    }

    /// The place behind the last record that was given; `None` where there is no file yet.
    pub fn position(&self) -> Option<LogPosition> {
        let ahead = (self.buffer.len() - self.given) as u64;
        self.at.map(|at| LogPosition { offset: at.offset.saturating_sub(ahead), ..at })
    }

    /// Bytes of all lines that have been given so far.
    pub fn passed_bytes(&self) -> u64 {
        self.passed
    }

    /// Bytes that are there and have not been given.
    pub fn available_bytes(&self) -> u64 {
        let files = Found::all(&self.directory);
        let position = self.position();
        let index = position.and_then(|at| files.iter().position(|found| found.file == at.file));
        let offset = index.and(position).map_or(0, |at| at.offset);
        let len: u64 = files.iter().skip(index.unwrap_or(0)).map(|found| found.len).sum();
        len.saturating_sub(offset)
    }

    /// Have records been deleted before they were read, since this was asked last?
    pub fn take_missed(&mut self) -> bool {
        std::mem::take(&mut self.missed)
    }

    /// Reads another block; false if there is nothing new.
    fn fill(&mut self) -> bool {
        self.buffer.drain(..std::mem::take(&mut self.given));
        let mut tries = 0;
        while tries < TRIES {
            let files = Found::all(&self.directory);
            let index = match self.at {
                None => 0,
                Some(at) => match files.iter().position(|found| found.file == at.file) {
                    Some(index) => index,
                    None => {
                        // Deleted, so it was older than all that are left.
                        self.missed = !files.is_empty();
                        self.buffer.clear();
                        self.at = None;
                        0
                    }
                },
            };
            let Some(found) = files.get(index) else { return false };
            let at = self.at.unwrap_or(LogPosition { file: found.file, offset: 0 });
            match found.read(at.offset, BLOCK) {
                // Renamed since we looked.
                Err(_) => tries += 1,
                Ok(bytes) if !bytes.is_empty() => {
                    self.at = Some(LogPosition { offset: at.offset + bytes.len() as u64, ..at });
                    self.buffer.extend(bytes);
                    return true;
                }
                // It was complete before the next one was begun, which was before we read.
                Ok(_) => match files.get(index + 1) {
                    Some(_) if !self.buffer.is_empty() => {
                        self.is_complete = true;
                        return true;
                    }
                    Some(next) => self.at = Some(LogPosition { file: next.file, offset: 0 }),
                    None => {
                        self.at = Some(at);
                        return false;
                    }
                },
            }
        }
        false
    }

    fn take_line(&mut self) -> Option<LogRecord> {
        loop {
            let rest = &self.buffer[self.given..];
            let end = rest.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
            let end = match end {
                Some(end) => end,
                None if rest.len() >= MAX_LINE || (self.is_complete && !rest.is_empty()) => rest.len(),
                None => break,
            };
            let line = String::from_utf8_lossy(&rest[..end]);
            let record = (!line.trim().is_empty())
                .then(|| from_json(&self.source, &line, || self.last_micros.unwrap_or_else(now)));
            self.given += end;
            self.passed += end as u64;
            if let Some(record) = record {
                self.last_micros = Some(record.time_micros);
                return Some(record);
            }
        }
        self.is_complete = false;
        None
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// A log file.
pub(super) struct Found {
    path: PathBuf,
    pub(super) file: u64,
    pub(super) len: u64,
    pub(super) modified_micros: i64,
}

impl Found {
    /// All log files of a directory, oldest first.
    pub(super) fn all(directory: &Path) -> Vec<Found> {
        let mut names = names::all(directory);
        for _ in 0..TRIES {
            let found = Found::of(directory, &names);
            // A file that is set aside while they are looked at could be missing under both of its names.
            let now = names::all(directory);
            if now == names && found.len() == names.len() {
                return found;
            }
            names = now;
        }
        Found::of(directory, &names)
    }

    fn of(directory: &Path, names: &[names::Name]) -> Vec<Found> {
        let found = |name: &names::Name| {
            let path = directory.join(name.text());
            let metadata = path.metadata().ok()?;
            let modified_micros = metadata.mtime() * 1_000_000 + metadata.mtime_nsec() / 1000;
            Some(Found { path, file: metadata.ino(), len: metadata.len(), modified_micros })
        };
        names.iter().filter_map(found).collect()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Up to `len` bytes at `offset`; an error if the file has another name now.
    pub(super) fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.ino() != self.file {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut bytes = Vec::with_capacity(len);
        file.seek(SeekFrom::Start(offset))?;
        file.take(len as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn messages(tail: &mut Tail) -> Vec<String> {
        std::iter::from_fn(|| tail.next()).map(|(record, _)| record.message).collect()
    }

    fn append(directory: &Path, name: &str, text: &str) {
        let mut file = File::options().append(true).create(true).open(directory.join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn lines_are_read_once_and_whole_across_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut tail = Tail::open(&path, LogSource::Vsp, Start::Oldest);
        assert_eq!(messages(&mut tail), [""; 0]);
        std::fs::create_dir(&path).unwrap();
        append(&path, "2026-11-23.jsonl", "one\ntw");
        assert_eq!(messages(&mut tail), ["one"]);
        append(&path, "2026-11-23.jsonl", "o\n");
        assert_eq!(messages(&mut tail), ["two"]);
        append(&path, "2026-11-23.jsonl", "three\ncut");
        std::fs::rename(path.join("2026-11-23.jsonl"), path.join("2026-11-23.1.jsonl")).unwrap();
        assert_eq!(tail.available_bytes(), 9);
        append(&path, "2026-11-23.jsonl", "four\n");
        append(&path, "2026-11-24.jsonl", "\nfive\n");
        assert_eq!(messages(&mut tail), ["three", "cut", "four", "five"]);
        append(&path, "2026-11-24.jsonl", "six\n");
        assert_eq!(messages(&mut tail), ["six"]);
        assert_eq!((tail.passed_bytes(), tail.available_bytes()), (32, 0));
    }

    #[test]
    fn a_reader_goes_on_behind_a_place_wherever_the_file_went() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        append(path, "2026-11-23.jsonl", "one\ntwo\n");
        let mut tail = Tail::open(path, LogSource::Vsp, Start::Oldest);
        let (_, behind_one) = tail.next().unwrap();
        assert_eq!(Some(behind_one), tail.position());
        std::fs::rename(path.join("2026-11-23.jsonl"), path.join("2026-11-23.1.jsonl")).unwrap();
        append(path, "2026-11-23.jsonl", "three\n");
        let after =
            |places: &[LogPosition]| messages(&mut Tail::open(path, LogSource::Vsp, Start::After(places)));
        assert_eq!(after(&[behind_one]), ["two", "three"]);
        assert_eq!(after(&[LogPosition { file: 1, offset: 0 }]), ["one", "two", "three"]);
        assert_eq!(messages(&mut tail), ["two", "three"]);
        let (_, end) = (tail.next(), tail.position().unwrap());
        assert_eq!(after(&[behind_one, end]), [""; 0]);
        assert!(!tail.take_missed());

        // What is deleted unread is noticed.
        let mut slow = Tail::open(path, LogSource::Vsp, Start::Oldest);
        slow.next().unwrap();
        std::fs::remove_file(path.join("2026-11-23.1.jsonl")).unwrap();
        assert_eq!(messages(&mut slow), ["two", "three"], "a block had been read");
        assert!(slow.take_missed() && !slow.take_missed());
    }

    #[test]
    fn long_lines_span_blocks_and_very_long_ones_are_cut() {
        let directory = tempfile::tempdir().unwrap();
        let long = "x".repeat(3 * BLOCK);
        append(directory.path(), "2026-11-23.jsonl", &format!("{long}\n{}\nend\n", "y".repeat(MAX_LINE)));
        let mut tail = Tail::open(directory.path(), LogSource::Vsp, Start::Oldest);
        let found = messages(&mut tail);
        assert_eq!(found[0], long);
        assert_eq!(found[1..].concat(), "y".repeat(MAX_LINE) + "end");
        assert_eq!(found.last().map(String::as_str), Some("end"));
    }
}

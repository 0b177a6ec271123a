//! Reading the log files of a process backwards, for those who want the last records of many.

use std::path::{Path, PathBuf};

use super::json::from_json;
use super::tail::{BLOCK, Found, LogPosition, MAX_LINE};
use super::{LogRecord, LogSource};

/// The records of a directory as it was, from the last one to the first.
#[derive(Debug)]
pub struct Past {
    directory: PathBuf,
    source: LogSource,
    /// Files that have not been begun, oldest first, by inode.
    files: Vec<u64>,
    /// The beginning of what has been read; `None` without a file.
    at: Option<LogPosition>,
    /// What of that has not been given.
    buffer: Vec<u8>,
    end: Option<LogPosition>,
    /// Time of the record before, for lines that have none.
    last_micros: Option<i64>,
}

impl Past {
    /// Begins behind the last whole line.
    pub fn open(directory: &Path, source: LogSource) -> Past {
        let found = Found::all(directory);
        let files = found.iter().map(|found| found.file).collect();
        let newest = found.last().map(|newest| (newest.len, newest.modified_micros));
        let mut past = Past {
            directory: directory.to_owned(),
            source,
            files,
            at: None,
            buffer: Vec::new(),
            end: None,
            last_micros: newest.map(|(_, modified)| modified),
        };
        past.open_file();
        past.drop_unfinished();
        past.end = past.at.map(|at| LogPosition { offset: at.offset + past.buffer.len() as u64, ..at });
        past
    }

    /// The place behind the last whole line when this was opened.
    pub fn end(&self) -> Option<LogPosition> {
        self.end
    }

    /// The record before the last that was given, and the place where it begins.
    pub fn next_back(&mut self) -> Option<(LogRecord, LogPosition)> {
        loop {
            let at = self.at?;
            let whole = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
            let begin = match whole.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None if at.offset > 0 && self.buffer.len() < MAX_LINE => {
                    if !self.fill() {
                        // Deleted: that is the end.
                        self.at = None;
                    }
                    continue;
                }
                None if self.buffer.is_empty() => {
                    self.open_file();
                    continue;
                }
                None => 0,
            };
            let line = String::from_utf8_lossy(&self.buffer[begin..]).into_owned();
            self.buffer.truncate(begin);
            if !line.trim().is_empty() {
                let record = from_json(&self.source, &line, || self.last_micros.unwrap_or_default());
                self.last_micros = Some(record.time_micros);
                return Some((record, LogPosition { offset: at.offset + begin as u64, ..at }));
            }
        }
    }

    /// Goes to the end of the file before.
    fn open_file(&mut self) {
        let found = Found::all(&self.directory);
        let newest = self.files.pop();
        let newest = newest.and_then(|file| found.into_iter().find(|found| found.file == file));
        self.at = newest.map(|newest| LogPosition { file: newest.file, offset: newest.len });
        self.buffer.clear();
    }

    /// Leaves a line out that is still being written.
    fn drop_unfinished(&mut self) {
        loop {
            if let Some(end) = self.buffer.iter().rposition(|byte| *byte == b'\n') {
                return self.buffer.truncate(end + 1);
            }
            if self.at.is_none_or(|at| at.offset == 0) || self.buffer.len() >= MAX_LINE || !self.fill() {
                return self.buffer.clear();
            }
        }
    }

    /// Reads the block before; false if that cannot be done.
    fn fill(&mut self) -> bool {
        let Some(at) = &mut self.at else { return false };
        let len = at.offset.min(BLOCK as u64);
        let offset = at.offset - len;
        let found = Found::all(&self.directory);
        let read =
            found.iter().find(|found| found.file == at.file).map(|found| found.read(offset, len as usize));
        match read {
            Some(Ok(mut bytes)) if bytes.len() as u64 == len => {
                bytes.append(&mut self.buffer);
                self.buffer = bytes;
                at.offset = offset;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn all(past: &mut Past) -> Vec<(String, u64)> {
        std::iter::from_fn(|| past.next_back()).map(|(record, at)| (record.message, at.offset)).collect()
    }

    #[test]
    fn records_are_read_from_the_last_whole_one_to_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        let open = || Past::open(directory.path(), LogSource::Vsp);
        assert_eq!((all(&mut open()), open().end()), (Vec::new(), None));
        let long = "x".repeat(3 * BLOCK);
        write("2026-11-22.jsonl", &format!("one\n{long}\ntwo"));
        write("2026-11-23.jsonl", "");
        write("2026-11-24.jsonl", "\nthree\nfour\nunfin");
        let mut past = open();
        assert_eq!(past.end().map(|end| end.offset), Some(12));
        let two = (long.len() + 5) as u64;
        let expected = [("four", 7), ("three", 1), ("two", two), (long.as_str(), 4), ("one", 0)];
        assert_eq!(all(&mut past), expected.map(|(text, at)| (text.to_owned(), at)));
        assert!(past.next_back().is_none());

        write("2026-11-25.jsonl", "unfinished");
        let mut past = open();
        assert_eq!(past.end().map(|end| end.offset), Some(0));
        assert_eq!(all(&mut past)[0].0, "unfin", "nobody goes on with an older file");
    }
}

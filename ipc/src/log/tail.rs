//! Reading the log files of a process: the end of what there is, and then whatever is added, over any number of files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::json::from_json;
use super::{LogRecord, LogSource, names};

/// Longest line that is kept together.
const MAX_LINE: usize = 1 << 20;

/// A reader of the log files in a directory, which need not exist yet.
pub struct Tail {
    directory: PathBuf,
    source: LogSource,
    file: Option<File>,
    /// A line whose end has not been read yet.
    partial: Vec<u8>,
    /// The file was entered in the middle of a line.
    skips: bool,
}

impl Tail {
    /// Begins up to `limit` bytes before the end, at a line's beginning.
    pub fn open(directory: &Path, source: LogSource, limit: u64) -> Tail {
        let mut tail =
            Tail { directory: directory.to_owned(), source, file: None, partial: Vec::new(), skips: false };
        let mut left = limit;
        for name in names::all(directory).iter().rev() {
            let Ok(mut file) = File::open(directory.join(name.text())) else { break };
            let Ok(len) = file.metadata().map(|found| found.len()) else { break };
            if left < len {
                if file.seek(SeekFrom::Start(len - left)).is_ok() {
                    (tail.file, tail.skips) = (Some(file), true);
                }
                break;
            }
            left -= len;
            tail.file = Some(file);
        }
        tail
    }

    /// All records that have been added since the last call, oldest first.
    pub fn read(&mut self) -> Vec<LogRecord> {
        let mut records = Vec::new();
        loop {
            self.read_file(&mut records);
            let Some(next) = self.next_file() else { return records };
            // It was complete before the next one was begun, but perhaps not when we read it.
            self.read_file(&mut records);
            self.end_line(&mut records);
            self.file = Some(next);
        }
    }

    /// The file after the one that is read now.
    fn next_file(&self) -> Option<File> {
        let open = |name: &names::Name| File::open(self.directory.join(name.text())).ok();
        let identity = |file: &File| file.metadata().ok().map(|found| (found.dev(), found.ino()));
        let files: Vec<File> = names::all(&self.directory).iter().filter_map(open).collect();
        let current = self.file.as_ref().and_then(identity);
        // A file that has been deleted was older than all that are left.
        let after = match current {
            Some(own) => files.iter().position(|file| identity(file) == Some(own)).map_or(0, |at| at + 1),
            None => 0,
        };
        files.into_iter().nth(after)
    }

    fn read_file(&mut self, records: &mut Vec<LogRecord>) {
        let Some(file) = &mut self.file else { return };
        let mut bytes = Vec::new();
        // What cannot be read now may be later; what was read is there.
        let _ = file.read_to_end(&mut bytes);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.partial.len() > MAX_LINE {
                self.end_line(records);
            }
        }
    }

    fn end_line(&mut self, records: &mut Vec<LogRecord>) {
        let line = std::mem::take(&mut self.partial);
        let text = String::from_utf8_lossy(&line);
        if !std::mem::take(&mut self.skips) && !text.trim().is_empty() {
            records.push(from_json(self.source.clone(), &text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn messages(tail: &mut Tail) -> Vec<String> {
        tail.read().into_iter().map(|record| record.message).collect()
    }

    #[test]
    fn lines_are_read_once_and_whole_across_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut tail = Tail::open(&path, LogSource::Vsp, 100);
        assert_eq!(messages(&mut tail), [""; 0]);
        std::fs::create_dir(&path).unwrap();
        let append = |name: &str, text: &str| {
            let mut file = File::options().append(true).create(true).open(path.join(name)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        append("2026-11-23.jsonl", "one\ntw");
        assert_eq!(messages(&mut tail), ["one"]);
        append("2026-11-23.jsonl", "o\n");
        assert_eq!(messages(&mut tail), ["two"]);
        append("2026-11-23.jsonl", "three\n");
        std::fs::rename(path.join("2026-11-23.jsonl"), path.join("2026-11-23.1.jsonl")).unwrap();
        append("2026-11-23.jsonl", "four\n");
        append("2026-11-24.jsonl", "five\n");
        assert_eq!(messages(&mut tail), ["three", "four", "five"]);
        append("2026-11-24.jsonl", "six\n");
        assert_eq!(messages(&mut tail), ["six"]);

        let last = |limit| messages(&mut Tail::open(&path, LogSource::Vsp, limit));
        assert_eq!(last(4), [""; 0], "nothing but a cut line");
        assert_eq!(last(5), ["six"]);
        assert_eq!(last(9), ["five", "six"]);
        assert_eq!(last(15), ["four", "five", "six"]);
        assert_eq!(last(1000), ["one", "two", "three", "four", "five", "six"]);
    }
}

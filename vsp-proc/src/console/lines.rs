//! What a guest wrote, a record a line with the time it came, for those who search it ([`crate::log`]). The bytes
//! themselves are in the console's log; what they would do to a terminal is left out here.
//!
//! The lines of a piece of output are written at once. The last record of each such batch says up to which place of the
//! console's log the lines are kept, so that a VSP finds where its predecessor was killed: half a batch is cut off, and
//! what is missing is made of the console's log.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ipc::log::LogFile;
use serde::Deserialize;
use vte::{Parser, Perform};

use super::MAX_REPLAY;
use super::log;

/// Longest line that is kept together, in bytes.
const MAX_LINE: usize = 4096;
/// Bytes of the console's log before what is not kept that are looked at for the beginning of its line.
const LINE_BEFORE: u64 = 16 << 10;

/// Writer of the lines of one console.
pub(super) struct Lines {
    directory: PathBuf,
    file: Option<LogFile>,
    parser: Parser,
    screen: Screen,
    /// Up to where the lines are kept.
    end: u64,
    /// A batch could not be written and may have left half a line.
    is_torn: bool,
}

/// Attribute of the last record of a batch.
#[derive(Deserialize)]
struct BatchEnd {
    end: u64,
}

impl Lines {
    /// Goes on in `directory` with the lines of `guest`, whose output so far is logged at `path`.
    pub(super) fn open(guest: &str, directory: &Path, path: &Path) -> Lines {
        let mut lines = Lines {
            directory: directory.to_owned(),
            file: None,
            parser: Parser::new(),
            screen: Screen::new(guest),
            end: log::end(path),
            is_torn: false,
        };
        let kept = ipc::log::cut_to_whole(directory, |line| serde_json::from_str::<BatchEnd>(line).ok());
        // Of a log that says nothing all is kept.
        let kept = kept.ok().flatten().map_or(lines.end, |batch| batch.end);
        let missing = lines.end.saturating_sub(kept).min(MAX_REPLAY - LINE_BEFORE);
        let past = log::tail(path, missing + LINE_BEFORE);
        let (known, missing) = past.split_at(past.len().saturating_sub(missing as usize));
        lines.parser.advance(&mut lines.screen, known);
        if let Err(error) = lines.write(missing, None) {
            tracing::warn!(log = %path.display(), %error, "console output is not kept as lines");
        }
        lines
    }

    /// Takes output, which ends at the place `end` of the console's log, if that is there.
    ///
    /// # Errors
    /// When lines could not be kept; those that come are tried again.
    pub(super) fn write(&mut self, bytes: &[u8], end: Option<u64>) -> io::Result<()> {
        self.end = end.unwrap_or(self.end);
        self.screen.records.begin();
        self.parser.advance(&mut self.screen, bytes);
        self.keep()
    }

    /// What comes is of another run: what was written so far is a line.
    ///
    /// # Errors
    /// As [`Lines::write`].
    pub(super) fn begin_run(&mut self) -> io::Result<()> {
        // Whatever sequence it was in, it is over.
        self.parser = Parser::new();
        self.screen.records.begin();
        self.screen.end();
        self.keep()
    }

    fn keep(&mut self) -> io::Result<()> {
        let Some(batch) = self.screen.records.end(self.end, self.is_torn) else { return Ok(()) };
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(LogFile::open(&self.directory, None)?),
        };
        let written = file.write_all(batch);
        self.is_torn = written.is_err();
        written
    }
}

/// The line that is being written.
struct Screen {
    text: String,
    /// What comes next is written over it from its beginning.
    is_returned: bool,
    records: Records,
}

impl Screen {
    fn new(guest: &str) -> Screen {
        Screen { text: String::new(), is_returned: false, records: Records::new(guest) }
    }

    fn end(&mut self) {
        self.is_returned = false;
        let text = self.text.trim_end();
        if !text.is_empty() {
            self.records.push(text);
        }
        self.text.clear();
    }
}

/// A batch of records as [`ipc::log`] reads them.
struct Records {
    /// What each begins with.
    begin: String,
    batch: Vec<u8>,
    /// Time of the next one, in microseconds since 1970-01-01 UTC. All of a batch came at once, but no two are of the same
    /// time, by which readers find again where they were.
    time_micros: i64,
}

impl Records {
    fn new(guest: &str) -> Records {
        let begin = format!("{{\"guest\":{},\"timestamp\":\"", serde_json::Value::from(guest));
        Records { begin, batch: Vec::new(), time_micros: 0 }
    }

    fn begin(&mut self) {
        self.batch.clear();
        self.time_micros = self.time_micros.max(jiff::Timestamp::now().as_microsecond());
    }

    fn push(&mut self, text: &str) {
        let time = jiff::Timestamp::from_microsecond(self.time_micros).unwrap_or_default();
        self.time_micros += 1;
        // Writing to memory does not fail.
        let _ = write!(
            self.batch,
            "{}{time:.6}\",\"level\":\"INFO\",\"target\":\"console\",\"fields\":{{\"message\":",
            self.begin,
        );
        let _ = serde_json::to_writer(&mut self.batch, text);
        self.batch.extend_from_slice(b"}}\n");
    }

    /// The batch, if there is one, which ends at this place of the console's log.
    fn end(&mut self, end: u64, is_torn: bool) -> Option<&[u8]> {
        self.batch.truncate(self.batch.strip_suffix(b"}\n")?.len());
        let _ = writeln!(self.batch, ",\"end\":{end}}}");
        if is_torn {
            self.batch.insert(0, b'\n');
        }
        Some(&self.batch)
    }
}

impl Perform for Screen {
    fn print(&mut self, letter: char) {
        if std::mem::take(&mut self.is_returned) {
            self.text.clear();
        }
        if self.text.len() >= MAX_LINE {
            self.end();
        }
        self.text.push(letter);
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => self.end(),
            b'\r' => self.is_returned = true,
            b'\t' => self.print('\t'),
            0x08 => drop(self.text.pop()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    use super::log::ConsoleLog;
    use ipc::log::{LogSource, Start, Tail};

    /// A console's log and its lines, as the console writes them.
    struct Kept {
        directory: tempfile::TempDir,
        log: ConsoleLog,
        lines: Lines,
    }

    impl Kept {
        fn new() -> Kept {
            Kept::open(tempfile::tempdir().unwrap())
        }

        fn open(directory: tempfile::TempDir) -> Kept {
            let path = directory.path().join("console.log");
            let lines = Lines::open("ivm1", directory.path(), &path);
            Kept { log: ConsoleLog::open(&path, 100).unwrap(), lines, directory }
        }

        /// Another VSP comes.
        fn reopened(self) -> Kept {
            Kept::open(self.directory)
        }

        fn write(&mut self, output: &str) {
            self.log.append(output.as_bytes()).unwrap();
            self.lines.write(output.as_bytes(), Some(self.log.end())).unwrap();
        }

        fn found(&self) -> Vec<String> {
            let mut tail =
                Tail::open(self.directory.path(), LogSource::Console("ivm1".into()), Start::Oldest);
            std::iter::from_fn(|| tail.next()).map(|(record, _)| record.message).collect()
        }

        /// The file of the lines.
        fn file(&self) -> PathBuf {
            let all = fs::read_dir(self.directory.path()).unwrap().map(|found| found.unwrap().path());
            all.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "jsonl")).unwrap()
        }
    }

    #[test]
    fn lines_are_what_can_be_read_on_the_screen() {
        let mut kept = Kept::new();
        let output = "\x1b[1;32mgr\u{fc}n\x1b[0m\r\n10%\r 20%\r100%\r\n\r\na\tb\x07\r\nab\x08\x08xy\n\"q\\\nroot\x1b]0;title\x07# ";
        for byte in output.as_bytes() {
            kept.lines.write(&[*byte], None).unwrap();
        }
        assert_eq!(kept.found(), ["gr\u{fc}n", "100%", "a\tb", "xy", "\"q\\"]);
        kept.lines.begin_run().unwrap();
        kept.lines.write("z".repeat(MAX_LINE + 1).as_bytes(), None).unwrap();
        kept.lines.write(b"\n", None).unwrap();
        assert_eq!(kept.found()[5..], ["root#".to_owned(), "z".repeat(MAX_LINE), "z".to_owned()]);
    }

    #[test]
    fn records_are_of_the_console_and_of_the_time_when_they_came() {
        let mut kept = Kept::new();
        let begin = jiff::Timestamp::now().as_microsecond();
        kept.write("one\r\ntwo\r\n");
        let mut tail = Tail::open(kept.directory.path(), LogSource::Console("ivm1".into()), Start::Oldest);
        let records: Vec<_> = std::iter::from_fn(|| tail.next()).map(|(record, _)| record).collect();
        for record in &records {
            assert_eq!((record.target.as_str(), record.level), ("console", ipc::log::Level::Info));
            assert_eq!(record.fields, []);
        }
        let times: Vec<i64> = records.iter().map(|record| record.time_micros).collect();
        assert!(begin <= times[0] && times[1] == times[0] + 1, "{times:?} after {begin}");
        let text = fs::read_to_string(kept.file()).unwrap();
        assert!(text.lines().all(|line| line.starts_with("{\"guest\":\"ivm1\",")), "{text}");
    }

    #[test]
    fn a_line_that_was_begun_before_a_restart_is_whole() {
        let mut kept = Kept::new();
        kept.write("one\r\ntw");
        let mut kept = kept.reopened();
        kept.write("o\r\nthree");
        assert_eq!(kept.found(), ["one", "two"]);
        let mut kept = kept.reopened();
        kept.write("\r\n");
        assert_eq!(kept.found(), ["one", "two", "three"]);
    }

    #[test]
    fn lines_that_a_killed_vsp_only_logged_are_kept_by_the_next() {
        let mut kept = Kept::new();
        kept.write("one\r\ntw");
        // It rolls, too.
        let lost = format!("o\r\n{}\r\nfo", "three ".repeat(15));
        kept.log.append(lost.as_bytes()).unwrap();
        let mut kept = kept.reopened();
        kept.write("ur\r\n");
        assert_eq!(kept.found(), ["one", "two", "three ".repeat(15).trim_end(), "four"]);
    }

    #[test]
    fn a_batch_that_a_killed_vsp_left_half_is_written_anew() {
        let mut kept = Kept::new();
        kept.write("one\r\n");
        let before = fs::metadata(kept.file()).unwrap().len();
        kept.write("two\r\nthree\r\nfour\r\n");
        let whole = fs::read(kept.file()).unwrap();
        for len in before..whole.len() as u64 {
            fs::write(kept.file(), &whole[..len as usize]).unwrap();
            kept = kept.reopened();
            assert_eq!(kept.found(), ["one", "two", "three", "four"], "after {len} bytes");
        }
    }

    #[test]
    fn lines_of_an_earlier_version_are_not_kept_twice() {
        let mut kept = Kept::new();
        kept.write("one\r\ntwo\r\n");
        let text = fs::read_to_string(kept.file()).unwrap();
        let former: Vec<&str> = text.lines().map(|line| line.split(",\"end\"").next().unwrap()).collect();
        fs::write(kept.file(), format!("{}\n{}}}\n", former[0], former[1])).unwrap();
        assert_eq!(kept.reopened().found(), ["one", "two"]);
    }
}

//! The rolling log files of one process.
//!
//! `tracing-appender` rolls them by day and keeps a number of them. A guest can make its process write more than that in
//! an hour, so a file that is full is set aside before its day is over and counts as one of them.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder};
use tracing_appender::rolling::{RollingFileAppender, Rotation};

use super::names::{Name, SUFFIX};

/// Where `tracing-subscriber` writes: a queue, never a disk. Lines that find no room there are counted in the file.
pub type LogWriter = tracing_appender::non_blocking::NonBlocking;
/// Dropping it writes what waits.
pub type LogGuard = tracing_appender::non_blocking::WorkerGuard;

/// Bytes of a file.
const LIMIT: u64 = 4 << 20;
/// Files that are kept, the current one included.
const FILES: usize = 8;
/// Lines that may wait for the disk.
const QUEUE: usize = 4096;

/// The log files of one process in a directory of its own.
pub struct LogFile {
    directory: PathBuf,
    appender: RollingFileAppender,
    /// Day of the current file, as its name has it.
    date: String,
    len: u64,
    limit: u64,
    /// Put behind the brace that begins a line.
    mark: String,
    dropped: Arc<OnceLock<ErrorCounter>>,
    told_dropped: usize,
}

impl LogFile {
    /// Goes on in `directory`, which is made if need be. Each line says that it is from `guest`, if there is one.
    ///
    /// # Errors
    /// When directory or file cannot be made.
    pub fn open(directory: &Path, guest: Option<&str>) -> io::Result<LogFile> {
        LogFile::with_limit(directory, guest, LIMIT)
    }

    fn with_limit(directory: &Path, guest: Option<&str>, limit: u64) -> io::Result<LogFile> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let date = today();
        let current = directory.join(Name::current(&date).text());
        let len = current.metadata().map_or(0, |found| found.len());
        let mark = guest.map(|guest| format!("\"guest\":{},", serde_json::Value::from(guest)));
        Ok(LogFile {
            directory: directory.to_owned(),
            appender: appender(directory)?,
            date,
            len,
            limit,
            mark: mark.unwrap_or_default(),
            dropped: Arc::default(),
            told_dropped: 0,
        })
    }

    /// Writes from a thread of its own, so that no one who logs ever waits for a disk.
    pub fn into_writer(self) -> (LogWriter, LogGuard) {
        let dropped = self.dropped.clone();
        let builder =
            NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE).thread_name("log");
        let (writer, guard) = builder.finish(self);
        // Set here and nowhere else.
        let _ = dropped.set(writer.error_counter());
        (writer, guard)
    }

    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        let date = today();
        if date != self.date {
            // The appender begins a new file by itself.
            (self.date, self.len) = (date, 0);
        }
        if self.len > 0 && self.len + line.len() as u64 > self.limit {
            self.set_aside()?;
        }
        self.appender.write_all(line)?;
        self.len += line.len() as u64;
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        let full = self.directory.join(Name::next_full(&self.directory, &self.date).text());
        match std::fs::rename(self.directory.join(Name::current(&self.date).text()), full) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        self.appender = appender(&self.directory)?;
        self.len = 0;
        Ok(())
    }

    fn tell_dropped(&mut self) -> io::Result<()> {
        let dropped = self.dropped.get().map_or(0, ErrorCounter::dropped_lines);
        let count = dropped.saturating_sub(self.told_dropped);
        if count > 0 {
            self.told_dropped = dropped;
            let line = serde_json::json!({
                "timestamp": jiff::Timestamp::now().to_string(),
                "level": "WARN",
                "fields": { "message": "log records were dropped", "count": count },
            });
            self.write_line(format!("{line}\n").as_bytes())?;
        }
        Ok(())
    }
}

impl Write for LogFile {
    /// Takes whole lines, as `tracing-subscriber` writes them. Several at once stay together in one file, and only the
    /// first of them is marked.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.tell_dropped()?;
        match line.split_first() {
            Some((b'{', rest)) if !self.mark.is_empty() => {
                self.write_line(&[b"{", self.mark.as_bytes(), rest].concat())?;
            }
            _ => self.write_line(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.appender.flush()
    }
}

fn appender(directory: &Path) -> io::Result<RollingFileAppender> {
    let builder = RollingFileAppender::builder().rotation(Rotation::DAILY).filename_suffix(SUFFIX);
    builder.max_log_files(FILES).build(directory).map_err(io::Error::other)
}

/// The day as `tracing-appender` sees it.
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Level, LogRecord, LogSource, Start, Tail, names};

    fn records(directory: &Path, source: LogSource) -> Vec<LogRecord> {
        let mut tail = Tail::open(directory, source, Start::Oldest);
        std::iter::from_fn(|| tail.next()).map(|(record, _)| record).collect()
    }

    #[test]
    fn a_flood_fills_its_files_and_no_more_and_the_newest_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = LogFile::with_limit(directory.path(), Some("ivm\"1"), 1000).unwrap();
        for number in 0..1000 {
            let line = format!(
                "{{\"timestamp\":\"2026-11-23T20:00:00Z\",\"level\":\"INFO\",\"fields\":{{\"n\":{number}}}}}\n"
            );
            file.write_all(line.as_bytes()).unwrap();
        }
        let names = names::all(directory.path());
        assert!((2..=FILES).contains(&names.len()), "{names:?}");
        for name in names {
            assert!(directory.path().join(name.text()).metadata().unwrap().len() <= 1000);
        }
        let source = LogSource::Guest("ivm\"1".into());
        let numbers: Vec<String> =
            records(directory.path(), source).into_iter().map(|record| record.fields[0].1.clone()).collect();
        let first = 1000 - numbers.len();
        assert_eq!(numbers, (first..1000).map(|n| n.to_string()).collect::<Vec<_>>());
        assert!(numbers.len() > 30);
    }

    #[test]
    fn a_later_process_goes_on_where_the_file_was_full() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..4 {
            let mut file = LogFile::with_limit(directory.path(), None, 25).unwrap();
            file.write_all(format!("{number}-23456789\n").as_bytes()).unwrap();
        }
        assert_eq!(names::all(directory.path()).len(), 2);
        let found = records(directory.path(), LogSource::Vsp);
        let lines: Vec<_> = found.into_iter().map(|record| (record.level, record.message)).collect();
        let expected = (0..4).map(|number| (Level::Error, format!("{number}-23456789")));
        assert_eq!(lines, expected.collect::<Vec<_>>());
    }
}

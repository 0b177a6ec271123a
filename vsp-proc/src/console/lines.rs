//! What a guest wrote, a record a line with the time it was ended, for those who search it ([`crate::log`]). The bytes
//! themselves are in the console's log; what they would do to a terminal is left out here.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ipc::log::LogFile;
use vte::{Parser, Perform};

/// Longest line that is kept together, in characters.
const MAX_LINE: usize = 4096;

/// Writer of the lines of one console.
pub(super) struct Lines {
    parser: Parser,
    screen: Line,
}

/// The line that is being written.
struct Line {
    directory: PathBuf,
    guest: String,
    file: Option<LogFile>,
    text: String,
    /// What comes next is written over it from its beginning.
    is_returned: bool,
    /// What comes has been kept by an earlier VSP as far as it was whole.
    is_known: bool,
    result: io::Result<()>,
}

impl Lines {
    /// Goes on in `directory` with the lines of `guest`, the end of whose output so far was `before`.
    pub(super) fn open(guest: &str, directory: &Path, before: &[u8]) -> Lines {
        let screen = Line {
            directory: directory.to_owned(),
            guest: guest.to_owned(),
            file: None,
            text: String::new(),
            is_returned: false,
            is_known: true,
            result: Ok(()),
        };
        let mut lines = Lines { parser: Parser::new(), screen };
        lines.parser.advance(&mut lines.screen, before);
        lines.screen.is_known = false;
        lines
    }

    /// Takes output.
    ///
    /// # Errors
    /// When lines could not be kept; those that come are tried again.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.parser.advance(&mut self.screen, bytes);
        std::mem::replace(&mut self.screen.result, Ok(()))
    }

    /// What comes is of another run: what was written so far is a line.
    ///
    /// # Errors
    /// As [`Lines::write`].
    pub(super) fn begin_run(&mut self) -> io::Result<()> {
        // Whatever sequence it was in, it is over.
        self.parser = Parser::new();
        self.screen.end();
        std::mem::replace(&mut self.screen.result, Ok(()))
    }
}

impl Line {
    fn end(&mut self) {
        let text = std::mem::take(&mut self.text);
        self.is_returned = false;
        if !text.trim().is_empty() && !self.is_known {
            let kept = self.keep(text.trim_end());
            self.result = std::mem::replace(&mut self.result, Ok(())).and(kept);
        }
    }

    fn keep(&mut self, text: &str) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(LogFile::open(&self.directory, Some(&self.guest))?),
        };
        let record = serde_json::json!({
            "timestamp": jiff::Timestamp::now().to_string(),
            "level": "INFO",
            "target": "console",
            "fields": { "message": text },
        });
        file.write_all(format!("{record}\n").as_bytes())
    }
}

impl Perform for Line {
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
    use ipc::log::{LogSource, Start, Tail};

    fn found(directory: &Path) -> Vec<String> {
        let mut tail = Tail::open(directory, LogSource::Console("ivm1".into()), Start::Oldest);
        std::iter::from_fn(|| tail.next()).map(|(record, _)| record.message).collect()
    }

    #[test]
    fn lines_are_what_can_be_read_on_the_screen() {
        let directory = tempfile::tempdir().unwrap();
        let mut lines = Lines::open("ivm1", directory.path(), b"");
        let output = "\x1b[1;32mgr\u{fc}n\x1b[0m\r\n10%\r 20%\r100%\r\n\r\na\tb\x07\r\nab\x08\x08xy\nroot\x1b]0;title\x07# ";
        for byte in output.as_bytes() {
            lines.write(&[*byte]).unwrap();
        }
        assert_eq!(found(directory.path()), ["gr\u{fc}n", "100%", "a\tb", "xy"]);
        lines.begin_run().unwrap();
        lines.write("z".repeat(MAX_LINE + 1).as_bytes()).unwrap();
        lines.write(b"\n").unwrap();
        assert_eq!(found(directory.path())[4..], ["root#".to_owned(), "z".repeat(MAX_LINE), "z".to_owned()]);
    }

    #[test]
    fn a_line_that_was_begun_before_a_restart_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        Lines::open("ivm1", directory.path(), b"").write(b"one\r\ntw").unwrap();
        Lines::open("ivm1", directory.path(), b"one\r\ntw").write(b"o\r\n").unwrap();
        assert_eq!(found(directory.path()), ["one", "two"]);
    }
}

//! Lines of text out of a guest's console, for the log: what it prints without what moves the cursor.

use alacritty_terminal::vte::{Parser, Perform};
use std::fmt;

/// A longer line is cut, in bytes.
const LONGEST_LINE_BYTES: usize = 1024;
/// What is read of a console between two ticks; a guest that prints more is not read along with.
const BUDGET_BYTES: usize = 32 << 10;

/// Reads lines out of a stream of terminal output.
#[derive(Default)]
pub(crate) struct LineReader {
    parser: Parser,
    text: Text,
    used: usize,
    skipped: usize,
}

impl fmt::Debug for LineReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineReader").field("used", &self.used).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Text {
    current: String,
    /// What follows is written over what is there.
    has_returned: bool,
    done: Vec<String>,
}

impl Perform for Text {
    fn print(&mut self, character: char) {
        if std::mem::take(&mut self.has_returned) {
            self.current.clear();
        }
        if self.current.len() < LONGEST_LINE_BYTES {
            self.current.push(character);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => {
                self.has_returned = false;
                self.done.push(std::mem::take(&mut self.current));
            }
            b'\r' => self.has_returned = true,
            b'\t' => self.print(' '),
            0x08 => drop(self.current.pop()),
            _ => {}
        }
    }
}

impl LineReader {
    /// Takes output and returns the lines that it ends.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Vec<String> {
        let room = BUDGET_BYTES.saturating_sub(self.used).min(bytes.len());
        self.used += room;
        self.skipped += bytes.len() - room;
        self.parser.advance(&mut self.text, &bytes[..room]);
        let mut lines = std::mem::take(&mut self.text.done);
        lines.retain(|line| !line.trim().is_empty());
        lines
    }

    /// Time has passed: reads on. Returns how many bytes were left out before.
    pub(crate) fn read_on(&mut self) -> usize {
        self.used = 0;
        std::mem::take(&mut self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_without_sequences_however_they_are_cut() {
        let text = b"\x1b[1;32mok\x1b[0m  one\r\n\x1b]0;title\x0710%\rtwo\ttabs\r\nthr".as_slice();
        for cut in 0..text.len() {
            let mut reader = LineReader::default();
            let mut lines = reader.read(&text[..cut]);
            lines.extend(reader.read(&text[cut..]));
            lines.extend(reader.read(b"ee\n"));
            assert_eq!(lines, ["ok  one", "two tabs", "three"], "cut at {cut}");
        }
    }

    #[test]
    fn flood_is_left_out_and_counted() {
        let mut reader = LineReader::default();
        assert_eq!(reader.read(&vec![b'x'; BUDGET_BYTES + 5]), Vec::<String>::new());
        assert_eq!(reader.read(b"y\n"), Vec::<String>::new());
        assert_eq!(reader.read_on(), 7);
        assert_eq!(reader.read(b"\nafter\n").last().map(String::as_str), Some("after"));
    }
}

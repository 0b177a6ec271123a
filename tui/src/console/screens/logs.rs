//! The log pane: what is kept, which of it is shown, and where one looks.

use crate::console::keymap::Action;
use crate::console::msg::Millis;
use crate::view::format;
use ipc::log::{Level, LogRecord, LogSource};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::VecDeque;

/// Lines kept; older ones are in the log files.
const KEPT_LINES: usize = 10_000;
/// What the kept lines' texts may take together, in bytes.
const KEPT_BYTES: usize = 8 << 20;
/// A longer text is cut when it arrives, in bytes.
const LONGEST_TEXT_BYTES: usize = 4096;
/// The rows after a line's first begin this much to the right.
const INDENT: usize = 4;

/// The logs of the VSP and all guests, filtered.
#[derive(Debug)]
pub(crate) struct LogsScreen {
    lines: VecDeque<Line>,
    /// What the texts of `lines` take together, in bytes.
    bytes: usize,
    /// The number of the first line that is kept.
    first: u64,
    /// The least level that is shown.
    pub(crate) level: Level,
    /// Whose lines are shown.
    pub(crate) source: Source,
    /// The text that shown lines contain, in any case of letters; empty shows all.
    pub(crate) filter: String,
    /// Where one looks.
    position: Position,
}

/// Whose lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Everybody's.
    All,
    /// The VSP's.
    Vsp,
    /// The selected guest's.
    SelectedGuest,
}

/// Where one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// At the newest line, always.
    Follow,
    /// At the line with this number as the lowest, whatever arrives.
    At(u64),
}

impl Default for LogsScreen {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            bytes: 0,
            first: 0,
            level: Level::Info,
            source: Source::All,
            filter: String::new(),
            position: Position::Follow,
        }
    }
}

/// A log record with its fields as text.
#[derive(Debug)]
struct Line {
    time_micros: i64,
    level: Level,
    source: LogSource,
    /// Message and fields.
    text: String,
}

impl Line {
    fn new(record: LogRecord) -> Self {
        let mut text = record.message;
        for (name, value) in &record.fields {
            if text.len() > LONGEST_TEXT_BYTES {
                break;
            }
            let quote = if value.contains(char::is_whitespace) { "\"" } else { "" };
            text.push_str(&format!(" {name}={quote}{value}{quote}"));
        }
        if text.len() > LONGEST_TEXT_BYTES {
            text.truncate(text.floor_char_boundary(LONGEST_TEXT_BYTES));
            text.push_str(" [cut]");
        }
        Self { time_micros: record.time_micros, level: record.level, source: record.source, text }
    }

    fn full_text(&self, time_zone: &TimeZone) -> String {
        let time = Timestamp::from_microsecond(self.time_micros)
            .map(|time| time.to_zoned_datetime(time_zone.clone()).strftime("%H:%M:%S%.3f").to_string())
            .unwrap_or_else(|_| "--:--:--.---".to_owned());
        format!("{time} {:<5} {}: {}", self.level.name(), self.source, self.text)
    }
}

/// A line as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShownLine {
    /// Its level, for its colour.
    pub(crate) level: Level,
    /// Its rows; the first has time, level and source before the message.
    pub(crate) rows: Vec<String>,
}

impl LogsScreen {
    /// Adds the newest line.
    pub(crate) fn push(&mut self, record: LogRecord) {
        let line = Line::new(record);
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.text.len();
            self.first += 1;
        }
    }

    /// Says where lines are missing.
    pub(crate) fn note_gap(&mut self, now: Millis, count: u64) {
        let message = format!("{count} log lines are left out here: this console was too slow for them");
        self.push(LogRecord {
            source: LogSource::Vsp,
            time_micros: now.saturating_mul(1000),
            level: Level::Warn,
            target: String::new(),
            message,
            fields: Vec::new(),
        });
    }

    /// Forgets all lines: a new connection sends them again.
    pub(crate) fn clear(&mut self) {
        self.lines.clear();
        self.bytes = 0;
        self.first = 0;
        self.position = Position::Follow;
    }

    /// Whether the newest lines are shown as they arrive.
    pub(crate) fn follows(&self) -> bool {
        self.position == Position::Follow
    }

    /// Shown lines that arrived below the place where one looks.
    pub(crate) fn newer_lines(&self, selected: Option<&str>) -> usize {
        match self.position {
            Position::Follow => 0,
            Position::At(bottom) => {
                let after = self.index(bottom).map_or(0, |index| index + 1);
                self.lines.iter().skip(after).filter(|line| self.shows(line, selected)).count()
            }
        }
    }

    /// Holds the log where it is, or follows it again.
    pub(crate) fn toggle_pause(&mut self) {
        self.position = match self.position {
            Position::Follow => Position::At(self.newest()),
            Position::At(_) => Position::Follow,
        };
    }

    /// The next least level, from the gravest to the finest and round again.
    pub(crate) fn next_level(&mut self) {
        self.level = match self.level {
            Level::Error => Level::Warn,
            Level::Warn => Level::Info,
            Level::Info => Level::Debug,
            Level::Debug => Level::Trace,
            Level::Trace => Level::Error,
        };
    }

    /// The next source.
    pub(crate) fn next_source(&mut self) {
        self.source = match self.source {
            Source::All => Source::Vsp,
            Source::Vsp => Source::SelectedGuest,
            Source::SelectedGuest => Source::All,
        };
    }

    /// Moves the place where one looks, by lines; `page` is the number of rows shown.
    pub(crate) fn navigate(&mut self, action: Action, page: usize, selected: Option<&str>) {
        let shown: Vec<u64> = (self.first..)
            .zip(&self.lines)
            .filter(|(_, line)| self.shows(line, selected))
            .map(|(number, _)| number)
            .collect();
        let Some(last) = shown.len().checked_sub(1) else { return };
        let bottom = match self.position {
            Position::Follow => last,
            Position::At(number) => shown.partition_point(|shown| *shown <= number).saturating_sub(1),
        };
        let bottom = match action {
            Action::Up => bottom.saturating_sub(1),
            Action::Down => bottom.saturating_add(1),
            Action::PageUp => bottom.saturating_sub(page),
            Action::PageDown => bottom.saturating_add(page),
            Action::First => page.saturating_sub(1).min(last),
            _ => last + 1,
        };
        self.position = if bottom > last { Position::Follow } else { Position::At(shown[bottom]) };
    }

    /// The lines to show on `height` rows of `width` columns, oldest first. The first may have more rows
    /// than there is room for: its last ones are to be shown.
    pub(crate) fn shown(
        &self,
        width: usize,
        height: usize,
        selected: Option<&str>,
        time_zone: &TimeZone,
    ) -> Vec<ShownLine> {
        let end = match self.position {
            Position::Follow => self.lines.len(),
            Position::At(bottom) => self.index(bottom).map_or(0, |index| index + 1),
        };
        let mut shown = Vec::new();
        let mut used = 0;
        for line in self.lines.range(..end).rev().filter(|line| self.shows(line, selected)) {
            if used >= height {
                break;
            }
            let rows = format::wrap(&line.full_text(time_zone), width, INDENT);
            used += rows.len();
            shown.push(ShownLine { level: line.level, rows });
        }
        shown.reverse();
        shown
    }

    fn shows(&self, line: &Line, selected: Option<&str>) -> bool {
        let is_source = match self.source {
            Source::All => true,
            Source::Vsp => line.source == LogSource::Vsp,
            Source::SelectedGuest => {
                matches!(&line.source, LogSource::Guest(name) if Some(name.as_str()) == selected)
            }
        };
        // The smaller a level, the graver.
        is_source && line.level <= self.level && contains(&line.text, &self.filter)
    }

    fn newest(&self) -> u64 {
        (self.first + self.lines.len() as u64).saturating_sub(1)
    }

    /// The place of the line with this number; nothing if it is older than all that are kept.
    fn index(&self, number: u64) -> Option<usize> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        (!self.lines.is_empty()).then(|| index.min(self.lines.len() - 1))
    }
}

/// Whether `text` contains `part`, in any case of letters.
fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.to_lowercase().contains(&part.to_lowercase())
}

//! The logs: what is kept, which of it is shown, and where one looks.

use super::matcher::Matcher;
use crate::console::keymap::Action;
use crate::console::msg::Millis;
use crate::view::format;
use ipc::log::{Level, LogRecord, LogSource};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use std::collections::VecDeque;
use std::fmt;

/// Lines kept; older ones are in the log files.
const KEPT_LINES: usize = 10_000;
/// What the kept lines' texts may take together, in bytes.
const KEPT_BYTES: usize = 8 << 20;
/// Lines of consoles among them: a guest that prints without end leaves the records of the VSP where they are.
const KEPT_CONSOLE_LINES: usize = 6000;
/// A longer text is cut when it arrives, in bytes.
const LONGEST_TEXT_BYTES: usize = 4096;
/// The rows after a line's first begin this much to the right.
const INDENT: usize = 4;

/// The logs of the VSP and all guests, filtered.
#[derive(Debug)]
pub(crate) struct LogsScreen {
    /// In the order of their keys.
    lines: VecDeque<Line>,
    /// What the texts of `lines` take together, in bytes.
    bytes: usize,
    /// How many of `lines` are of consoles.
    console_lines: usize,
    /// How many lines have come so far.
    came: u64,
    /// Consoles are read along.
    reads_consoles: bool,
    /// The least level that is shown.
    pub(crate) level: Level,
    /// Whose lines are shown.
    pub(crate) source: Source,
    /// What shown lines contain or match.
    pub(crate) filter: Matcher,
    /// Long lines are broken; otherwise they are cut.
    pub(crate) wraps: bool,
    /// Where one looks.
    position: Position,
}

/// Whose lines are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Everybody's.
    All,
    /// The VSP's.
    Vsp,
    /// All guest processes'.
    Guests,
    /// What guests print at their consoles.
    Consoles,
    /// One guest's process and console.
    Guest(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::All => "all",
            Source::Vsp => "VSP",
            Source::Guests => "guests",
            Source::Consoles => "consoles",
            Source::Guest(name) => name,
        })
    }
}

/// Whose line it is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Origin {
    Vsp,
    Guest(String),
    Console(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Vsp => f.write_str("vsp"),
            Origin::Guest(name) => f.write_str(name),
            Origin::Console(name) => write!(f, "{name}>"),
        }
    }
}

/// Places a line among the others: its time in microseconds since 1970, then its number in the order of arrival.
type Key = (i64, u64);

/// Where one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// At the newest line, always.
    Follow,
    /// At the line with this key, or the one before it, as the lowest, whatever arrives.
    At(Key),
}

impl Default for LogsScreen {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            bytes: 0,
            console_lines: 0,
            came: 0,
            reads_consoles: false,
            level: Level::Info,
            source: Source::All,
            filter: Matcher::default(),
            wraps: true,
            position: Position::Follow,
        }
    }
}

/// A log record with its fields as text.
#[derive(Debug)]
struct Line {
    key: Key,
    level: Level,
    origin: Origin,
    /// Message and fields.
    text: String,
}

impl Line {
    fn new(record: LogRecord, number: u64) -> Self {
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
        let origin = match record.source {
            LogSource::Vsp => Origin::Vsp,
            LogSource::Guest(name) => Origin::Guest(name),
            LogSource::Console(name) => Origin::Console(name),
        };
        Self { key: (record.time_micros, number), level: record.level, origin, text }
    }

    fn is_of_console(&self) -> bool {
        matches!(self.origin, Origin::Console(_))
    }

    fn full_text(&self, time_zone: &TimeZone) -> String {
        let time = Timestamp::from_microsecond(self.key.0)
            .map(|time| time.to_zoned_datetime(time_zone.clone()).strftime("%H:%M:%S%.3f").to_string())
            .unwrap_or_else(|_| "--:--:--.---".to_owned());
        format!("{time} {:<5} {}: {}", self.level.name(), self.origin, self.text)
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
    /// Adds a line. Those of consoles and those of everybody else come on two ways, so it need not be the newest.
    pub(crate) fn push(&mut self, record: LogRecord) {
        self.came += 1;
        let line = Line::new(record, self.came);
        let place = self.lines.partition_point(|other| other.key < line.key);
        self.bytes += line.text.len();
        self.console_lines += usize::from(line.is_of_console());
        self.lines.insert(place, line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.forget(&oldest);
        }
        if self.console_lines > KEPT_CONSOLE_LINES {
            self.thin_consoles();
        }
    }

    /// Forgets the older half of consoles' lines.
    fn thin_consoles(&mut self) {
        let mut surplus = self.console_lines / 2;
        let lines = std::mem::take(&mut self.lines);
        for line in lines {
            if line.is_of_console() && surplus > 0 {
                surplus -= 1;
                self.forget(&line);
            } else {
                self.lines.push_back(line);
            }
        }
    }

    fn forget(&mut self, line: &Line) {
        self.bytes -= line.text.len();
        self.console_lines -= usize::from(line.is_of_console());
    }

    /// Whether consoles are to be read along, which costs something, from now on, where that changes: from which moment
    /// on, in microseconds since 1970, if they are.
    pub(crate) fn reads_consoles(&mut self, is_shown: bool) -> Option<Option<i64>> {
        let is_wanted = is_shown && matches!(self.source, Source::All | Source::Consoles | Source::Guest(_));
        if std::mem::replace(&mut self.reads_consoles, is_wanted) == is_wanted {
            return None;
        }
        let newest = self.lines.iter().rev().find(|line| line.is_of_console());
        Some(is_wanted.then(|| newest.map_or(0, |line| line.key.0.saturating_add(1))))
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
        self.console_lines = 0;
        self.reads_consoles = false;
        self.position = Position::Follow;
    }

    /// Whether the newest lines are shown as they arrive.
    pub(crate) fn follows(&self) -> bool {
        self.position == Position::Follow
    }

    /// Shown lines that arrived below the place where one looks.
    pub(crate) fn newer_lines(&self) -> usize {
        match self.position {
            Position::Follow => 0,
            Position::At(bottom) => {
                let after = self.up_to(bottom);
                self.lines.iter().skip(after).filter(|line| self.shows(line)).count()
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

    /// The next source; the last one is the selected guest.
    pub(crate) fn next_source(&mut self, selected: Option<&str>) {
        self.source = match (&self.source, selected) {
            (Source::All, _) => Source::Vsp,
            (Source::Vsp, _) => Source::Guests,
            (Source::Guests, _) => Source::Consoles,
            (Source::Consoles, Some(name)) => Source::Guest(name.to_owned()),
            (Source::Consoles, None) | (Source::Guest(_), _) => Source::All,
        };
    }

    /// Moves the place where one looks, by lines; `page` is the number of rows shown.
    pub(crate) fn navigate(&mut self, action: Action, page: usize) {
        let shown = self.shown_keys();
        let Some(last) = shown.len().checked_sub(1) else { return };
        let bottom = match self.position {
            Position::Follow => last,
            Position::At(key) => shown.partition_point(|shown| *shown <= key).saturating_sub(1),
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

    /// Goes to the first line of a time or later: it becomes the uppermost of `page` rows.
    ///
    /// # Errors
    /// One line if `text` is no time, or nothing is so late.
    pub(crate) fn jump(
        &mut self,
        text: &str,
        now: Millis,
        time_zone: &TimeZone,
        page: usize,
    ) -> Result<(), String> {
        let micros = parse_time(text, now, time_zone)
            .ok_or_else(|| "Type a time as 14:05 or 14:05:30, or -10m for ten minutes ago".to_owned())?;
        let shown = self.shown_keys();
        let place = shown.partition_point(|(time, _)| *time < micros);
        if place == shown.len() {
            return Err("No line is so late".to_owned());
        }
        let bottom = (place + page.max(1) - 1).min(shown.len() - 1);
        self.position = Position::At(shown[bottom]);
        Ok(())
    }

    fn shown_keys(&self) -> Vec<Key> {
        self.lines.iter().filter(|line| self.shows(line)).map(|line| line.key).collect()
    }

    /// The lines to show on `height` rows of `width` columns, oldest first. The first may have more rows
    /// than there is room for: its last ones are to be shown.
    pub(crate) fn shown(&self, width: usize, height: usize, time_zone: &TimeZone) -> Vec<ShownLine> {
        let end = match self.position {
            Position::Follow => self.lines.len(),
            Position::At(bottom) => self.up_to(bottom),
        };
        let mut shown = Vec::new();
        let mut used = 0;
        for line in self.lines.range(..end).rev().filter(|line| self.shows(line)) {
            if used >= height {
                break;
            }
            let text = line.full_text(time_zone);
            let rows = if self.wraps {
                format::wrap(&text, width, INDENT)
            } else {
                vec![format::fit(&format::printable(&text), width, '>')]
            };
            used += rows.len();
            shown.push(ShownLine { level: line.level, rows });
        }
        shown.reverse();
        shown
    }

    /// The newest `count` lines that are of a guest, or about it, oldest first: time, level and text.
    pub(crate) fn of_guest(&self, name: &str, count: usize, time_zone: &TimeZone) -> Vec<(Level, String)> {
        let about = format!("guest={name}");
        let is_of = |line: &&Line| match &line.origin {
            Origin::Guest(guest) => guest == name,
            Origin::Vsp => line.text.split(' ').any(|word| word == about),
            Origin::Console(_) => false,
        };
        let newest = self.lines.iter().rev().filter(|line| line.level <= Level::Info).filter(is_of);
        let mut lines: Vec<(Level, String)> =
            newest.take(count).map(|line| (line.level, line.full_text(time_zone))).collect();
        lines.reverse();
        lines
    }

    fn shows(&self, line: &Line) -> bool {
        let is_source = match (&self.source, &line.origin) {
            (Source::All, _)
            | (Source::Vsp, Origin::Vsp)
            | (Source::Guests, Origin::Guest(_))
            | (Source::Consoles, Origin::Console(_)) => true,
            (Source::Guest(wanted), Origin::Guest(name) | Origin::Console(name)) => wanted == name,
            _ => false,
        };
        // The smaller a level, the graver.
        is_source
            && line.level <= self.level
            && (self.filter.is_empty()
                || self.filter.chooses(&line.text)
                || self.filter.chooses(&line.origin.to_string()))
    }

    fn newest(&self) -> Key {
        self.lines.back().map_or((i64::MIN, 0), |line| line.key)
    }

    /// How many lines there are up to this one.
    fn up_to(&self, key: Key) -> usize {
        self.lines.partition_point(|line| line.key <= key)
    }
}

/// A moment as an operator types it, in microseconds since 1970: a time of today (of yesterday, if that is still to
/// come), or how long ago.
fn parse_time(text: &str, now: Millis, time_zone: &TimeZone) -> Option<i64> {
    if let Some(ago) = text.strip_prefix('-') {
        let unit = ago.chars().last()?;
        let number: i64 = ago.strip_suffix(unit)?.parse().ok()?;
        let seconds = match unit {
            's' => number,
            'm' => number.checked_mul(60)?,
            'h' => number.checked_mul(3600)?,
            'd' => number.checked_mul(86_400)?,
            _ => return None,
        };
        return now.checked_sub(seconds.checked_mul(1000)?)?.checked_mul(1000);
    }
    let parts: Vec<i8> = text.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let time = match parts[..] {
        [hour, minute] => civil::Time::new(hour, minute, 0, 0),
        [hour, minute, second] => civil::Time::new(hour, minute, second, 0),
        _ => return None,
    };
    let today = Timestamp::from_millisecond(now).ok()?.to_zoned_datetime(time_zone.clone()).date();
    let at = |date: civil::Date| {
        date.to_datetime(time.as_ref().ok().copied()?).to_zoned_datetime(time_zone.clone()).ok()
    };
    let micros = at(today)?.timestamp().as_microsecond();
    match micros <= now.saturating_mul(1000) {
        true => Some(micros),
        false => Some(at(today.yesterday().ok()?)?.timestamp().as_microsecond()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::samples::NOW;

    #[test]
    fn times_are_of_today_or_yesterday_or_ago() {
        // NOW is 20:00.
        let ago = |text| parse_time(text, NOW, &TimeZone::UTC).map(|micros| NOW - micros / 1000);
        assert_eq!(ago("19:59"), Some(60_000));
        assert_eq!(ago("19:59:30"), Some(30_000));
        assert_eq!(ago("20:01"), Some(86_400_000 - 60_000));
        assert_eq!(ago("-10m"), Some(600_000));
        assert_eq!(ago("-2h"), Some(7_200_000));
        for wrong in
            ["", "-", "25:00", "12", "-5y", "-99999999999999999999s", "-9223372036854775807d", "1:2:3:4"]
        {
            assert_eq!(ago(wrong), None, "{wrong}");
        }
    }
}

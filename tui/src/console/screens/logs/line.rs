//! One line of the log, and which lines are wanted.

use super::super::matcher::Matcher;
use ipc::log::{Level, LogRecord, LogSource};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;

/// A longer text is cut when it arrives, in bytes.
const LONGEST_TEXT_BYTES: usize = 4096;

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

impl Source {
    /// Whether lines of consoles are among them.
    pub(crate) fn has_consoles(&self) -> bool {
        matches!(self, Source::All | Source::Consoles | Source::Guest(_))
    }
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
pub(super) enum Origin {
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

/// A log record with its fields as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// In microseconds since 1970.
    pub(crate) time: i64,
    pub(super) level: Level,
    pub(super) origin: Origin,
    /// Message and fields.
    pub(super) text: String,
}

impl From<LogRecord> for Line {
    fn from(record: LogRecord) -> Self {
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
        Self { time: record.time_micros, level: record.level, origin, text }
    }
}

impl Line {
    /// Message and fields.
    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_of_console(&self) -> bool {
        matches!(self.origin, Origin::Console(_))
    }

    pub(super) fn full_text(&self, time_zone: &TimeZone) -> String {
        let time = Timestamp::from_microsecond(self.time)
            .map(|time| time.to_zoned_datetime(time_zone.clone()).strftime("%H:%M:%S%.3f").to_string())
            .unwrap_or_else(|_| "--:--:--.---".to_owned());
        format!("{time} {:<5} {}: {}", self.level.name(), self.origin, self.text)
    }
}

/// Which lines are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Nothing less severe than this.
    pub(crate) level: Level,
    /// Whose.
    pub(crate) source: Source,
    /// What they contain or match.
    pub(crate) filter: Matcher,
}

impl Default for Choice {
    fn default() -> Self {
        Self { level: Level::Info, source: Source::All, filter: Matcher::default() }
    }
}

impl Choice {
    /// Whether a line is wanted.
    pub(crate) fn has(&self, line: &Line) -> bool {
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
}

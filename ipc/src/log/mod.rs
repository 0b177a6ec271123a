//! Structured logs: every process writes its own rolling files, one JSON object a line; the VSP reads them, live and
//! again, and streams their records to clients.
//!
//! ```text
//!   tracing ──▶ LogFile (a thread) ──▶ DIRECTORY/2026-11-23.jsonl ──▶ Tail, Past ──▶ LogRecord
//! ```
//!
//! The files are the truth, so neither a record's way to its readers nor the life of the VSP can lose one.

mod end;
mod file;
mod json;
mod names;
mod past;
mod tail;

pub use end::cut_to_whole;
pub use file::{LogFile, LogGuard, LogWriter};
pub use past::Past;
pub use tail::{LogPosition, Start, Tail};

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LogSource {
    /// The VSP itself.
    Vsp,
    /// The guest process of this name.
    Guest(String),
    /// The console of the guest of this name: what it wrote, a record a line.
    Console(String),
}

impl fmt::Display for LogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogSource::Vsp => f.write_str("vsp"),
            LogSource::Guest(name) => f.write_str(name),
            LogSource::Console(name) => write!(f, "{name} console"),
        }
    }
}

/// Severity; the smaller, the more it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Something the operator asked for did not happen.
    Error,
    /// Abnormal but harmless.
    Warn,
    /// Rare changes of state.
    Info,
    /// For developers.
    Debug,
    /// Every request.
    Trace,
}

impl Level {
    /// Five letters at most, upper case.
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "ERROR",
            Level::Warn => "WARN",
            Level::Info => "INFO",
            Level::Debug => "DEBUG",
            Level::Trace => "TRACE",
        }
    }
}

impl FromStr for Level {
    type Err = String;
    fn from_str(text: &str) -> Result<Level, String> {
        [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace]
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("'{text}' is not a log level (error, warn, info, debug or trace)"))
    }
}

/// One event of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Whose.
    pub source: LogSource,
    /// Microseconds since 1970-01-01 UTC.
    pub time_micros: i64,
    /// Severity.
    pub level: Level,
    /// Module it comes from.
    pub target: String,
    /// What happened.
    pub message: String,
    /// Structured fields in the order they were given, spans' fields first.
    pub fields: Vec<(String, String)>,
}

impl LogRecord {
    /// Whether it belongs to what happens to this guest: its own, its console's, or one of the VSP's that names it or an
    /// adapter of it (`adapter="ivm1 0,0"`).
    pub fn is_about(&self, guest: &str) -> bool {
        let names = |(name, value): &(String, String)| match name.as_str() {
            "guest" => value == guest,
            "adapter" => value.rsplit_once(' ').is_some_and(|(of, _)| of == guest),
            _ => false,
        };
        match &self.source {
            LogSource::Vsp => self.fields.iter().any(names),
            LogSource::Guest(name) | LogSource::Console(name) => name == guest,
        }
    }
}

impl fmt::Display for LogRecord {
    /// `2026-11-23T19:31:04.123Z  INFO vsp: message name=value …`; nothing that a terminal would obey.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_microsecond(self.time_micros).unwrap_or_default();
        write!(f, "{time:.3} {:>5} {}: ", self.level.name(), self.source)?;
        for letter in self.message.chars() {
            match letter.is_control() && letter != '\t' {
                true => write!(f, "{}", letter.escape_default())?,
                false => f.write_char(letter)?,
            }
        }
        for (name, value) in &self.fields {
            match value.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
                true => write!(f, " {name}={value:?}")?,
                false => write!(f, " {name}={value}")?,
            }
        }
        Ok(())
    }
}

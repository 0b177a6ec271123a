//! What clients can be told again and again, and what they are told then.

use serde::{Deserialize, Serialize};

use crate::figures::GuestFigures;
use crate::log::{Level, LogPosition, LogRecord, LogSource};
use crate::message::{GuestRef, GuestSummary};

/// What a client wants to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subscription {
    /// All guests now, then every change: [`Event::Guests`], [`Event::Guest`], [`Event::GuestRemoved`].
    Guests,
    /// A guest's console, across its restarts: [`Event::ConsoleAccess`], then [`Event::Console`].
    Console {
        /// Which.
        guest: GuestRef,
        /// Bytes of earlier output to begin with, at most what is kept.
        replay_bytes: u64,
        /// Ask for write access; it is given if nobody else has it.
        write: bool,
    },
    /// Log records: [`Event::LogPositions`], then [`Event::Log`].
    Log(LogQuery),
    /// What running guests and their storage devices do, now and again and again: [`Event::Figures`].
    Figures {
        /// Time between two events, at least 100 ms.
        interval_millis: u32,
    },
}

/// Which log records. All kept files are searched, whatever their size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogQuery {
    /// The VSP's or a guest's; `None` is those of everybody the client may know of, merged by time.
    pub source: Option<LogSource>,
    /// What of them is on the guests' consoles.
    pub consoles: Consoles,
    /// Nothing less severe than this.
    pub level: Level,
    /// Nothing of the past that is older, in microseconds since 1970-01-01 UTC.
    pub since_micros: Option<i64>,
    /// Nothing that is as new or newer, in microseconds since 1970-01-01 UTC.
    pub until_micros: Option<i64>,
    /// A regular expression: only records whose line, as it is displayed, it matches.
    pub pattern: Option<String>,
    /// Of the past only so many, the last ones.
    pub last: Option<u32>,
    /// Go on behind these places instead, from the beginning where a source has none of them.
    pub after: Option<Vec<LogPosition>>,
    /// Go on with new ones after [`Event::ReplayDone`]; otherwise the connection ends.
    pub follow: bool,
}

impl Default for LogQuery {
    /// Everything of the past down to `info`, without consoles.
    fn default() -> LogQuery {
        LogQuery {
            source: None,
            consoles: Consoles::Without,
            level: Level::Info,
            since_micros: None,
            until_micros: None,
            pattern: None,
            last: None,
            after: None,
            follow: false,
        }
    }
}

/// Are the lines on guests' consoles among the records?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consoles {
    /// No.
    Without,
    /// Yes.
    Also,
    /// Nothing else is.
    Only,
}

/// What a subscription delivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// All guests as of now.
    Guests(Vec<GuestSummary>),
    /// A guest is new or has changed.
    Guest(Box<GuestSummary>),
    /// A guest is no more.
    GuestRemoved {
        /// Its last name.
        name: String,
    },
    /// Console output, as the guest wrote it.
    Console(Vec<u8>),
    /// Whether what this viewer types reaches the guest.
    ConsoleAccess {
        /// It does.
        write: bool,
    },
    /// A log record.
    Log {
        /// It.
        record: LogRecord,
        /// The place behind it in the log of its source.
        end: LogPosition,
    },
    /// The replay is over; what follows is live.
    ReplayDone,
    /// This client did not keep up and missed something here.
    Gap {
        /// Events that were dropped; 0 if nobody knows how many.
        events: u64,
    },
    /// All running guests as of now, ascending by number.
    Figures(Vec<GuestFigures>),
    /// Where the logs of these sources are read from now on. Of others it is their beginning.
    LogPositions(Vec<(LogSource, LogPosition)>),
}

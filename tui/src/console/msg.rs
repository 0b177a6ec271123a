//! Everything that can happen to the console.

use super::screens::guest_console::ConsoleId;
use crossterm::event::KeyEvent;
use ipc::log::LogRecord;
use ipc::message::{Acceptance, GuestSummary, VspStatus};

/// Milliseconds since 1970-01-01 UTC, as they arrive in messages: nothing in the console's state reads a clock.
pub(crate) type Millis = i64;

/// The number that ties a reply to its request.
pub(crate) type RequestId = u64;

/// One event.
#[derive(Clone, Debug)]
pub(crate) enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The screen has this many columns and lines.
    Resize(u16, u16),
    /// Time passes.
    Tick {
        /// Now.
        now: Millis,
        /// The host's load over the last minute, in runnable tasks.
        host_load: Option<f32>,
    },
    /// What comes from the VSP.
    Vsp(VspMsg),
    /// Whether the file at `path`, named in a form, can be used.
    FileChecked {
        /// As it was asked for.
        path: String,
        /// Why it cannot be used.
        problem: Option<String>,
    },
    /// The console was asked to end from outside.
    Terminate,
}

/// One event of the connections to the VSP.
#[derive(Clone, Debug)]
pub(crate) enum VspMsg {
    /// The connection stands.
    Up(Box<VspStatus>),
    /// There is no connection, or no longer; the reason is for the operator.
    Down(String),
    /// All guests as of `at`.
    Guests {
        /// When they arrived.
        at: Millis,
        /// All of them.
        guests: Vec<GuestSummary>,
    },
    /// A guest is new or has changed.
    Guest {
        /// When it arrived.
        at: Millis,
        /// As it is now.
        guest: Box<GuestSummary>,
    },
    /// A guest is no more.
    GuestRemoved {
        /// Its last name.
        name: String,
    },
    /// A line about a request that goes on.
    Progress {
        /// Which request.
        id: RequestId,
        /// What it is at.
        line: String,
    },
    /// The result of a request.
    Reply {
        /// Which request.
        id: RequestId,
        /// What came of it, or why nothing did.
        result: Result<Acceptance, String>,
    },
    /// Something of a guest's console.
    Console {
        /// Which opening of it.
        id: ConsoleId,
        /// What.
        event: ConsoleEvent,
    },
    /// A log record.
    Log(Box<LogRecord>),
    /// That many log records were left out because this client was slow.
    LogGap(u64),
}

/// One event of a guest's console.
#[derive(Clone, Debug)]
pub(crate) enum ConsoleEvent {
    /// Whether what is typed here reaches the guest.
    Access {
        /// It does.
        write: bool,
    },
    /// Output as the guest wrote it.
    Output(Vec<u8>),
    /// What follows is printed now; what came before is from the past and not to be answered.
    ReplayDone,
    /// Output was left out because this client was slow.
    Gap,
    /// Nothing follows; the reason is for the operator.
    Ended(String),
}

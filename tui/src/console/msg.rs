//! Everything that can happen to the console.

use super::figures::HostSample;
use super::keymap::Action;
use super::screens::detail::Part;
use super::screens::guest_console::ConsoleId;
use super::screens::guests::Column;
use super::screens::logs::PastPart;
use super::screens::storage::View;
use super::state::Screen;
use crossterm::event::{KeyEvent, MouseEvent};
use ipc::device::DeviceEntry;
use ipc::figures::GuestFigures;
use ipc::io::{Emulated, IoDevice};
use ipc::log::LogRecord;
use ipc::message::{Acceptance, ConsoleUser, GuestDetail, GuestSummary, VspStatus};
use uuid::Uuid;

/// Milliseconds since 1970-01-01 UTC, as they arrive in messages: nothing in the console's state reads a clock.
pub(crate) type Millis = i64;

/// The number that ties a reply to its request.
pub(crate) type RequestId = u64;

/// One event.
#[derive(Clone, Debug)]
pub(crate) enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse {
        /// What.
        event: MouseEvent,
        /// To what.
        target: Option<Target>,
    },
    /// Text was pasted.
    Paste(String),
    /// The screen has this many columns and lines.
    Resize(u16, u16),
    /// Time passes.
    Tick {
        /// Now.
        now: Millis,
        /// The host now.
        host: HostSample,
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

/// What is drawn at a place and can be clicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A key's name, or something that does what a key does.
    Action(Action),
    /// A screen's name.
    Screen(Screen),
    /// A row of the list in front, by its place.
    Row(usize),
    /// One value of a field that chooses among several.
    Choice {
        /// The place of the field.
        field: usize,
        /// The place of the value.
        value: usize,
    },
    /// The log below the table of guests.
    Log,
    /// What the guest screen shows beside the configuration.
    Part(Part),
    /// What the storage screen shows.
    View(View),
    /// The heading of a column of guests.
    Heading(Column),
    /// A console's tab, by its place.
    Tab(usize),
    /// A cell of a guest's terminal, from its upper left corner.
    Terminal {
        /// Whose.
        guest: Uuid,
        /// Which column.
        column: u16,
        /// Which line.
        line: u16,
    },
    /// The frame of a list or a text: only the wheel does something there.
    Scrolled,
    /// Something that takes the click and does nothing.
    Nothing,
}

/// One event of the connections to the VSP.
#[derive(Clone, Debug)]
pub(crate) enum VspMsg {
    /// The connection stands.
    Up(Box<VspStatus>),
    /// There is no connection, or no longer.
    Down {
        /// For the operator.
        reason: String,
        /// No VSP runs, so that one could be started.
        is_absent: bool,
    },
    /// All guests.
    Guests(Vec<GuestSummary>),
    /// A guest is new or has changed.
    Guest(Box<GuestSummary>),
    /// A guest is no more.
    GuestRemoved {
        /// Its last name.
        name: String,
    },
    /// What running guests do.
    Figures {
        /// When they arrived.
        at: Millis,
        /// All that are on.
        guests: Vec<GuestFigures>,
    },
    /// One guest with everything, or why it cannot be told.
    Detail {
        /// Its name.
        name: String,
        /// What is known.
        result: Result<Box<GuestDetail>, String>,
    },
    /// Who is at a guest's console.
    ConsoleUsers {
        /// The guest's name.
        name: String,
        /// In the order they came; nobody if it cannot be told.
        users: Vec<ConsoleUser>,
    },
    /// Devices of the VSP that guests can be attached to.
    Attachable(Vec<IoDevice>),
    /// The device management database and all guests with everything, or why they cannot be told.
    Inventory(Result<Inventory, String>),
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
    /// A part of the kept logs.
    Past {
        /// Which query it answers.
        id: u64,
        /// The lines, or why there are none.
        result: Result<PastPart, String>,
    },
    /// That many log records were left out because this client was slow.
    LogGap(u64),
}

/// Storage as the VSP knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inventory {
    /// The device management database.
    pub(crate) entries: Vec<DeviceEntry>,
    /// All guests that can be told about.
    pub(crate) guests: Vec<GuestDetail>,
    /// The devices of the VSP.
    pub(crate) devices: Vec<IoDevice>,
    /// What it emulates of them, with the media.
    pub(crate) emulated: Vec<Emulated>,
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

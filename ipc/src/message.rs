//! What clients ask of the VSP and what they hear from it.
//!
//! A connection is used for one purpose: either a sequence of requests, each answered by any number of
//! [`VspToClient::Progress`] and then one other message, or, after [`ClientToVsp::Subscribe`], a stream of
//! [`VspToClient::Event`]s. Events wait in a bounded queue; a client that does not keep up is told what it missed
//! ([`Event::Gap`]) and never holds up the VSP.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::device::{DeviceEntry, DeviceRequest};
use crate::figures::GuestFigures;
use crate::guest::Stats;
use crate::io::{IoAnswer, IoRequest};
use crate::software::{Catalog, SoftwareRequest};
pub use crate::subscription::{Consoles, Event, LogQuery, Subscription};

/// A client's end of its connection.
pub type ClientEnd = crate::Connection<ClientToVsp, VspToClient>;
/// The VSP's end of a client's connection.
pub type VspEnd = crate::Connection<VspToClient, ClientToVsp>;

/// From a client to the VSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientToVsp {
    /// All guests, by number: [`VspToClient::Guests`].
    ListGuests,
    /// One guest with its devices: [`VspToClient::Guest`].
    GuestDetail(GuestRef),
    /// Makes a guest: [`VspToClient::Accepted`].
    CreateGuest {
        /// Its name.
        name: String,
        /// What differs from the defaults.
        settings: Vec<Setting>,
        /// Resource statements of its devices.
        devices: Vec<String>,
        /// Check only, or do it in any case.
        manner: Manner,
    },
    /// Changes a guest; all of it or nothing: [`VspToClient::Accepted`].
    ModifyGuest {
        /// Which.
        guest: GuestRef,
        /// New values.
        settings: Vec<Setting>,
        /// Device changes, in order.
        devices: Vec<DeviceChange>,
        /// Check only, or do it in any case.
        manner: Manner,
    },
    /// Deletes a guest's configuration: [`VspToClient::Accepted`].
    RemoveGuest(GuestRef),
    /// Starts a guest: [`VspToClient::Accepted`] once its process runs.
    StartGuest {
        /// Which.
        guest: GuestRef,
        /// Check only, or do it in any case.
        manner: Manner,
    },
    /// Stops a guest: [`VspToClient::Accepted`] once it is off.
    StopGuest {
        /// Which.
        guest: GuestRef,
        /// How.
        mode: StopMode,
    },
    /// Resets a running guest's machine: [`VspToClient::Accepted`].
    ResetGuest(GuestRef),
    /// About the VSP itself: [`VspToClient::Status`].
    VspStatus,
    /// Stops all guests in order, then the VSP: [`VspToClient::Accepted`] when all guests are off.
    VspShutdown,
    /// Turns this connection into a stream: [`VspToClient::Accepted`], then events.
    Subscribe(Subscription),
    /// On a console subscription: bytes for the guest. Not answered; ignored unless this viewer has write access.
    ConsoleInput(Vec<u8>),
    /// On a console subscription: make this viewer the one who writes.
    ConsoleTakeAccess,
    /// On a console subscription: give write access up, so that whoever comes next has it.
    ConsoleReleaseAccess,
    /// Ends the VSP alone: [`VspToClient::Accepted`]. Guests stay on; their I/O waits for the next VSP.
    VspLeave,
    /// What storage devices of running guests do, of one guest or of all: [`VspToClient::Figures`].
    Figures(Option<GuestRef>),
    /// Makes a guest after another one; [`VspToClient::Copied`] while stores are copied, then [`VspToClient::Accepted`].
    CloneGuest(Box<CloneGuest>),
    /// The device management database: [`VspToClient::Devices`] or [`VspToClient::Accepted`].
    Devices(DeviceRequest),
    /// Software inventories: [`VspToClient::Software`] or [`VspToClient::Accepted`].
    Software(SoftwareRequest),
    /// Who is at a guest's console: [`VspToClient::ConsoleUsers`].
    ConsoleUsers(GuestRef),
    /// Ends somebody's session at a guest's console: [`VspToClient::Accepted`].
    DisconnectUser {
        /// Which guest.
        guest: GuestRef,
        /// [`ConsoleUser::number`].
        number: u64,
    },
    /// The discs that can be put into a DVD drive of a guest: [`VspToClient::Discs`].
    ListDiscs {
        /// Which guest.
        guest: GuestRef,
        /// PCI bus of the drive.
        bus: u8,
        /// PCI slot.
        slot: u8,
        /// Target on the adapter.
        target: u8,
    },
    /// Puts one of these discs into an empty drive, or takes the one in it out, for as long as the guest runs:
    /// [`VspToClient::Accepted`].
    ChangeDisc {
        /// Which guest.
        guest: GuestRef,
        /// PCI bus of the drive.
        bus: u8,
        /// PCI slot.
        slot: u8,
        /// Target on the adapter.
        target: u8,
        /// The disc, by path, or none.
        disc: Option<String>,
    },
    /// Devices of the VSP, and what it emulates: [`VspToClient::Io`] or [`VspToClient::Accepted`].
    Io(IoRequest),
    /// All guests with their devices, except those whose configuration cannot be read: a [`VspToClient::OneOf`] each, by
    /// number, then [`VspToClient::Accepted`].
    AllGuestDetails,
    /// Sends INIT to the processors of a running guest: [`VspToClient::Accepted`].
    InitGuest(GuestRef),
}

/// From the VSP to a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VspToClient {
    /// Done.
    Accepted(Acceptance),
    /// Not done, and nothing changed.
    Refused(Refusal),
    /// A line about a request that is still going on.
    Progress(String),
    /// All guests, ascending by number.
    Guests(Vec<GuestSummary>),
    /// One guest.
    Guest(Box<GuestDetail>),
    /// The VSP.
    Status(VspStatus),
    /// Something happened that this connection subscribed to.
    Event(Event),
    /// Running guests, ascending by number.
    Figures(Vec<GuestFigures>),
    /// Entries of the device management database.
    Devices(Vec<DeviceEntry>),
    /// How far copying is; comes any number of times before the answer.
    Copied {
        /// Bytes of the store that are dealt with, holes included.
        done_bytes: u64,
        /// Size of the store.
        total_bytes: u64,
    },
    /// What is installed, or lies in a depot.
    Software(Catalog),
    /// Who is at a guest's console, in the order they came.
    ConsoleUsers(Vec<ConsoleUser>),
    /// Discs, by path.
    Discs(Vec<String>),
    /// Devices of the VSP.
    Io(IoAnswer),
    /// One of several guests; comes any number of times before the answer.
    OneOf(Box<GuestDetail>),
}

/// Somebody at a guest's console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleUser {
    /// Number of his session, which no other one ever has.
    pub number: u64,
    /// His account.
    pub user: String,
    /// His process.
    pub pid: i32,
    /// Came, microseconds since 1970-01-01 UTC.
    pub since_micros: i64,
    /// Does what he types reach the guest?
    pub writes: bool,
}

/// A guest that is to be made after another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloneGuest {
    /// The original.
    pub guest: GuestRef,
    /// Name of the clone.
    pub name: String,
    /// What differs from the original.
    pub settings: Vec<Setting>,
    /// Device changes, in order.
    pub devices: Vec<DeviceChange>,
    /// `-b`: at the address of a device of the original, the store that its data is copied to.
    pub copies: Vec<String>,
    /// Check only, or do it in any case.
    pub manner: Manner,
}

/// What `-s` and `-F` make of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manner {
    /// Neither.
    #[default]
    Normal,
    /// `-s`: check everything, change nothing.
    CheckOnly,
    /// `-F`: what the host has to say against it is no reason not to.
    Forced,
}

/// Names one guest: `-P name` or `-p number`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GuestRef {
    /// By name.
    Name(String),
    /// By number.
    Number(u32),
}

impl fmt::Display for GuestRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GuestRef::Name(name) => f.write_str(name),
            GuestRef::Number(number) => write!(f, "{number}"),
        }
    }
}

/// A new value for one attribute of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Setting {
    /// New name.
    Name(String),
    /// `-O`, any case.
    OsType(String),
    /// `-c`.
    Vcpus(u32),
    /// `-r`, in bytes.
    MemoryBytes(u64),
    /// `-l`.
    Label(String),
    /// `-B`.
    Start(StartAttribute),
    /// `-e`: per cent of a processor, least and most.
    Entitlement {
        /// Guaranteed share.
        percent: u8,
        /// Cap.
        max_percent: u8,
    },
    /// `-g`: a group with rights on the console.
    Group(Grant),
    /// `-u`: a user with rights on the console.
    User(Grant),
    /// `-x keyword=value`.
    Keyword {
        /// As written before the equals sign.
        keyword: String,
        /// As written behind it.
        value: String,
    },
}

/// A group or user with rights on a guest's console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Group or account.
    pub name: String,
    /// Which rights; `None` takes them away.
    pub rights: Option<Rights>,
}

/// Rights on a guest's console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rights {
    /// Everything about this guest.
    Admin,
    /// The console, its logs and who uses it.
    Oper,
}

/// `-x vm_type`: what kind of guest it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VmType {
    /// A virtual machine.
    #[default]
    Shared,
    /// A virtual partition.
    Vpar,
}

impl VmType {
    /// All of them.
    pub const ALL: [VmType; 2] = [VmType::Shared, VmType::Vpar];

    /// As an operator writes it.
    pub fn word(self) -> &'static str {
        match self {
            VmType::Shared => "shared",
            VmType::Vpar => "vpar",
        }
    }

    /// The text of HPVM's `Type` column.
    pub fn column(self) -> &'static str {
        match self {
            VmType::Shared => "SH",
            VmType::Vpar => "VP",
        }
    }
}

/// Is a guest started when the VSP starts?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartAttribute {
    /// Yes.
    Auto,
    /// By hand only.
    Manual,
}

/// One device option of a modification; the text is a resource statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChange {
    /// `-a`.
    Add(String),
    /// `-d`.
    Delete(String),
    /// `-m`.
    Modify(String),
}

/// How to stop a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopMode {
    /// The power button, then the guest's time limit, then as `Hard`.
    Graceful,
    /// Like a power failure.
    Hard,
}

/// A request was carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Was there nothing to do?
    pub already_done: bool,
    /// Remarks for the operator, such as what takes effect at the guest's next start.
    pub remarks: Vec<Remark>,
}

/// A request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For programs.
    pub kind: RefusalKind,
    /// For people, from the specific to the general; never empty.
    pub remarks: Vec<Remark>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, remark) in self.remarks.iter().enumerate() {
            write!(f, "{}{remark}", if n == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalKind {
    /// There is no such guest.
    UnknownGuest,
    /// The request itself is wrong.
    Invalid,
    /// The guest is in a state in which this cannot be done.
    State,
    /// Something else is in the way: a store in use, a limit.
    Conflict,
    /// The host failed: disk full, no such file, no process.
    Host,
    /// Who asks may not.
    Denied,
}

impl Remark {
    /// A line without a severity.
    pub fn plain(text: impl Into<String>) -> Remark {
        Remark { severity: None, guest: None, text: text.into() }
    }

    /// A line about a guest.
    pub fn about(guest: &str, severity: Severity, text: impl Into<String>) -> Remark {
        Remark { severity: Some(severity), guest: Some(guest.to_owned()), text: text.into() }
    }

    /// What the remark is about: the first name in quotes.
    pub fn item(&self) -> Option<&str> {
        self.text.split('\'').nth(1)
    }
}

/// One line of HPVM's form `command: SEVERITY (guest): text`; the command adds its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// `ERROR`, `WARNING` or nothing.
    pub severity: Option<Severity>,
    /// Guest concerned.
    pub guest: Option<String>,
    /// What is the matter.
    pub text: String,
}

impl fmt::Display for Remark {
    /// `ERROR (guest): text`, without what is absent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.severity.map(|severity| match severity {
            Severity::Warning | Severity::Problem => "WARNING",
            Severity::Error => "ERROR",
        });
        match (word, &self.guest) {
            (Some(word), Some(guest)) => write!(f, "{word} ({guest}): {}", self.text),
            (Some(word), None) => write!(f, "{word}: {}", self.text),
            (None, _) => f.write_str(&self.text),
        }
    }
}

/// Weight of a [`Remark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Severity {
    /// It was done nevertheless.
    Warning,
    /// It was not done.
    Error,
    /// It was done, and may keep the guest from starting.
    Problem,
}

/// A guest's state as an operator sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GuestState {
    /// No process.
    Off,
    /// No process, and not to be started on this host.
    NotRunnable,
    /// A process is being made ready.
    Starting,
    /// In firmware or a boot loader.
    OnEfi,
    /// An operating system runs.
    OnOs,
    /// Asked to stop, not gone yet.
    Stopping,
    /// Its configuration cannot be read.
    Invalid,
}

impl GuestState {
    /// Is there a guest process?
    pub fn is_on(self) -> bool {
        matches!(self, GuestState::Starting | GuestState::OnEfi | GuestState::OnOs | GuestState::Stopping)
    }
}

impl fmt::Display for GuestState {
    /// The text of HPVM's `State` column; a guest on its way up is in its firmware, one on its way down still on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            GuestState::Off => "Off",
            GuestState::NotRunnable => "Off (NR)",
            GuestState::Starting | GuestState::OnEfi => "On (EFI)",
            GuestState::OnOs | GuestState::Stopping => "On (OS)",
            GuestState::Invalid => "Invalid",
        })
    }
}

/// A guest in a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestSummary {
    /// Name.
    pub name: String,
    /// Number on this VSP, from 1.
    pub number: u32,
    /// Identity.
    pub uuid: Uuid,
    /// Upper case: `HPUX`, `LINUX`, `UNKNOWN`.
    pub os_type: String,
    /// Virtual machine or virtual partition.
    pub vm_type: VmType,
    /// State.
    pub state: GuestState,
    /// Shown by tools with screens (`visible_status`).
    pub is_visible: bool,
    /// Virtual processors: while on those that it has, otherwise those of its next start. So also the following three.
    pub vcpus: u32,
    /// Storage devices.
    pub devices: u32,
    /// Network interfaces.
    pub networks: u32,
    /// RAM in bytes.
    pub memory_bytes: u64,
    /// Process id while on.
    pub pid: Option<u32>,
    /// Start of the current run, microseconds since 1970-01-01 UTC.
    pub since_micros: Option<i64>,
    /// How the last run ended, or why the configuration is invalid: one line.
    pub reason: Option<String>,
    /// Last figures of the current run.
    pub stats: Option<Stats>,
}

/// A guest with everything that is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestDetail {
    /// The table's part.
    pub summary: GuestSummary,
    /// Descriptive label.
    pub label: String,
    /// Started with the VSP?
    pub start: StartAttribute,
    /// Guaranteed share of a processor in per cent.
    pub entitlement_percent: u8,
    /// Cap on it.
    pub entitlement_max_percent: u8,
    /// Groups with rights on the console.
    pub groups: Vec<Grant>,
    /// Users with rights on the console.
    pub users: Vec<Grant>,
    /// Storage devices that the guest has now, or will have when it is off; by bus, slot and target.
    pub devices: Vec<DeviceDetail>,
    /// Resource statements of those that are configured, in the same order: those of its next start.
    pub configured: Vec<String>,
    /// `-x` keywords that are set, by keyword.
    pub keywords: Vec<(String, String)>,
    /// Changes that wait for the guest's next start.
    pub pending: Vec<String>,
}

/// A storage device of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceDetail {
    /// `disk`, `dvd`, …
    pub device: String,
    /// `avio_stor`.
    pub adapter: String,
    /// PCI bus.
    pub bus: u8,
    /// PCI slot.
    pub slot: u8,
    /// Target on the adapter.
    pub target: u8,
    /// `file`, `disk`, `lv`, `null`, …
    pub storage: String,
    /// Path or other location on the VSP.
    pub location: String,
    /// The whole as a resource statement.
    pub statement: String,
    /// Size of the store in bytes where known.
    pub size_bytes: Option<u64>,
}

/// The VSP about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VspStatus {
    /// Build.
    pub build: String,
    /// Process id.
    pub pid: u32,
    /// State directory.
    pub root: String,
    /// Started, microseconds since 1970-01-01 UTC.
    pub since_micros: i64,
    /// Configured guests.
    pub guests: u32,
    /// Guests that are on.
    pub running: u32,
    /// Connected clients.
    pub clients: u32,
}

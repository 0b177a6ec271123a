//! Everything that the console asks of the world.

use super::msg::RequestId;
use super::screens::guest_console::ConsoleId;
use super::screens::logs::PastQuery;
use ipc::message::ClientToVsp;

/// One wish; none of them may block the loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Connect to the VSP.
    Connect {
        /// Start one where none runs.
        may_start: bool,
    },
    /// Ask the VSP for something; a reply with `id` follows.
    Request {
        /// Comes back in the reply.
        id: RequestId,
        /// What is wanted.
        request: Box<ClientToVsp>,
    },
    /// Receive a guest's console.
    OpenConsole {
        /// Comes back with its events.
        id: ConsoleId,
        /// The guest's name.
        guest: String,
        /// Ask for write access, which is given if nobody has it.
        write: bool,
    },
    /// Receive it no longer.
    CloseConsole(ConsoleId),
    /// Take write access, even from somebody else.
    TakeAccess(ConsoleId),
    /// Type bytes at a guest's console.
    Input {
        /// Which.
        id: ConsoleId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Ask for one guest with everything.
    AskDetail(String),
    /// Ask for the device management database, all guests with everything, and the devices of the VSP.
    AskInventory {
        /// Look for hardware first, which takes a while.
        scan: bool,
    },
    /// Read what guests print at their consoles line by line, or no longer.
    ReadConsoles {
        /// From this moment on, in microseconds since 1970, but no more than for a screen or two; nothing ends it.
        since_micros: Option<i64>,
    },
    /// Read a part of the kept logs, instead of one that is still being read.
    ReadPast(Box<PastQuery>),
    /// Put text where other programs paste it from.
    Copy(String),
    /// See whether a file can be used.
    CheckFile(String),
    /// Draw the whole screen anew.
    Redraw,
    /// End the console.
    Quit,
}

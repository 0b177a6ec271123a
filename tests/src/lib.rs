//! A framework for stories with the real executable: a VSP of its own for every test, guests, consoles.
//!
//! A story reads like what an operator does; only this package knows paths, sockets and deadlines. Nothing here sleeps to
//! let something happen: [`wait_for`] looks until a condition holds or a named deadline has passed, and then shows the
//! logs. Dropping a [`Vsp`] ends every process it started, guests included.

mod console;
mod executable;
mod guest;
pub mod linux;
mod machine;
mod pty;
pub mod shared;
pub mod simh;
mod terminal;
mod vsp;
mod wait;

pub use console::Console;
pub use executable::hpvm;
pub use guest::{DIAG_PROMPT, Guest};
pub use machine::Machine;
pub use pty::{Program, Pty};
pub use terminal::Terminal;
pub use vsp::{Ran, Vsp, is_alive};
pub use wait::{Deadline, wait_for};

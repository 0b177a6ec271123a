//! The logs of the VSP, of the guest processes and of the guests' consoles, as clients see them.
//!
//! Every process writes its own files ([`ipc::log`]), and the VSP those of the consoles. One thread ([`hub`]) watches
//! their directories and tells those who read them ([`reader`]), each in a thread of its own.

mod hub;
mod reader;
mod watch;

pub(crate) use hub::LogHub;
pub(crate) use reader::{LogReader, Readable};

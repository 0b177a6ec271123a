//! The logs of the VSP and of the guest processes, as clients see them.
//!
//! Every process writes its own files ([`ipc::log`]). One thread ([`hub`]) watches their directories and gives what is
//! added to those who follow them.

mod hub;
mod watch;

pub(crate) use hub::{Follower, LogHub, REPLAY};

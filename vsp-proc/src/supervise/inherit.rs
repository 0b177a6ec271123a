//! What a child process is to have of its parent: one descriptor, and neither its terminal nor its fate.
#![allow(unsafe_code, reason = "a hook runs between fork and exec")]

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::setsid;

/// Lets the process that `command` makes have `descriptor`, under the number that is returned. No other child gets it:
/// the flag that closes it on exec is taken away in the child alone.
pub(crate) fn inherit(command: &mut Command, descriptor: OwnedFd) -> RawFd {
    let number = descriptor.as_raw_fd();
    let keep = move || Ok(fcntl_setfd(descriptor.as_fd(), FdFlags::empty())?);
    // SAFETY: between fork and exec only async-signal-safe calls are allowed: this is one system call on a descriptor
    // that the hook owns, without allocation or locks.
    unsafe { command.pre_exec(keep) };
    number
}

/// Lets the process that `command` makes have a session of its own: an interrupt typed at our terminal is not meant for
/// it, and a stopped process whose parent dies is not hung up on (POSIX, orphaned process groups).
pub(crate) fn own_session(command: &mut Command) {
    let leave = || Ok(setsid().map(drop)?);
    // SAFETY: between fork and exec only async-signal-safe calls are allowed: this is one system call.
    unsafe { command.pre_exec(leave) };
}

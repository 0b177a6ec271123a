//! The descriptor a parent process leaves open for this one.

#![allow(unsafe_code, reason = "a descriptor number on the command line becomes an owned descriptor")]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{FdFlags, fcntl_setfd};

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes possession of the inherited socket with this number. Works once in a process's life.
///
/// # Errors
/// When there is no such descriptor, it is one of the standard three, or one has been taken before.
pub(super) fn socket(number: i32) -> io::Result<UnixStream> {
    if number <= 2 || TAKEN.swap(true, Ordering::Relaxed) {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the borrow ends with this statement; whether the number is open is exactly what the call finds out, and
    // a wrong one only makes it fail.
    fcntl_setfd(unsafe { BorrowedFd::borrow_raw(number) }, FdFlags::CLOEXEC)?;
    // SAFETY: the descriptor is open (checked above), it was opened by the parent so nothing in this process owns it,
    // and `TAKEN` makes sure that no second owner is made.
    Ok(unsafe { UnixStream::from_raw_fd(number) })
}

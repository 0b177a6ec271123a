//! Eventfds: our own, and those a front-end hands over.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};

/// A new eventfd that never blocks.
pub(super) fn new() -> io::Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)
}

/// Adds one. An eventfd that is full is raised already, and one whose other side is gone needs no raising.
pub(super) fn raise(fd: &impl AsFd) {
    _ = rustix::io::write(fd, &1u64.to_ne_bytes());
}

/// A descriptor from a front-end, if it is an eventfd. Writing to anything else might wait for as long as its owner
/// likes; so might an eventfd without O_NONBLOCK, which is therefore set.
pub(super) fn adopt(file: File) -> io::Result<File> {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    if link.as_os_str() != "anon_inode:[eventfd]" {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not an eventfd"));
    }
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags | rustix::fs::OFlags::NONBLOCK)?;
    Ok(file)
}

#[test]
fn only_eventfds_are_adopted() {
    let own = File::from(new().unwrap());
    raise(&adopt(own).unwrap());
    let (pipe, _other) = std::io::pipe().unwrap();
    assert!(adopt(File::from(OwnedFd::from(pipe))).is_err());
    assert!(adopt(tempfile::tempfile().unwrap()).is_err());
}

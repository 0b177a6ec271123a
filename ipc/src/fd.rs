//! Bytes with descriptors over a Unix stream socket.
//!
//! Ancillary data belongs to the bytes it was sent with, so descriptors always travel with the first byte of a frame
//! and every frame's first bytes are read with `recvmsg`.
#![allow(
    unsafe_code,
    reason = "received descriptors arrive as plain numbers and are taken into ownership here"
)]

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

/// Most descriptors one frame may carry; the kernel's own limit is 253.
pub(crate) const MAX_DESCRIPTORS: usize = 128;

/// Sends a first part of `bytes` together with `fds`; how many bytes went is returned.
pub(crate) fn send(stream: &UnixStream, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &[][..] } else { &rights[..] };
    loop {
        let sent =
            sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(bytes)], control, MsgFlags::MSG_NOSIGNAL, None);
        match sent {
            Err(Errno::EINTR) => {}
            other => return other.map_err(io::Error::from),
        }
    }
}

/// Waits until there is something to receive. A thread that waits in `recvmsg` itself would be woken by whatever the peer
/// takes of the other direction, too (Linux, `unix_write_space`).
fn wait(stream: &UnixStream) -> io::Result<()> {
    let limit = match stream.read_timeout()? {
        None => PollTimeout::NONE,
        Some(limit) => PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX),
    };
    match poll(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLIN)], limit) {
        Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Receives into `buffer`; descriptors that come along are added to `fds`. Returns the number of bytes, 0 at the end.
pub(crate) fn receive(stream: &UnixStream, buffer: &mut [u8], fds: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = cmsg_space!([RawFd; MAX_DESCRIPTORS]);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = loop {
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        match recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut space), flags) {
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => wait(stream)?,
            other => break other?,
        }
    };
    // A truncated control message has lost descriptors, which the kernel then closed; what did arrive is owned first.
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(raw) = control {
            // SAFETY: the kernel has just made these descriptors for this process, and nothing else knows them.
            fds.extend(raw.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    Ok(message.bytes)
}

//! What can go wrong on a connection.

use std::io;

use crate::Role;

/// Result of everything in this package.
pub type Result<T> = std::result::Result<T, Error>;

/// Failure of a connection. After any of these the connection is of no further use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The peer closed the connection between two messages.
    #[error("the other side closed the connection")]
    Closed,
    /// The operating system refused to transfer bytes or descriptors.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// A frame longer than the limit was announced or was to be sent.
    #[error("a message of {length} bytes exceeds the limit of {limit} bytes")]
    TooLong {
        /// Announced length in bytes.
        length: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The bytes are not a message of the expected kind.
    #[error("the other side sent something that is not a message: {0}")]
    Malformed(String),
    /// The peer speaks another version of the protocol.
    #[error(
        "protocol version {theirs} (build {build}) does not fit version {ours} of this program (build {}): \
         use the same build on both sides, or restart the VSP ('hpvm vsp stop' stops one of any build)",
        crate::hello::BUILD
    )]
    Version {
        /// Version the peer announced.
        theirs: u16,
        /// Version of this program.
        ours: u16,
        /// Build the peer announced.
        build: String,
    },
    /// The peer is not what this end of the connection is for.
    #[error("expected to talk to a {expected}, but this is a {found}")]
    Role {
        /// The role this side wanted.
        expected: Role,
        /// The role the peer announced.
        found: Role,
    },
    /// A message came with another number of descriptors than it announces.
    #[error("a message came with {found} descriptors where {expected} belong to it")]
    Descriptors {
        /// What the message calls for.
        expected: usize,
        /// What arrived.
        found: usize,
    },
    /// The peer's user may not use this socket.
    #[error("user {uid} may not talk to this VSP: it is neither its owner nor root nor in its group")]
    Denied {
        /// The peer's effective user id.
        uid: u32,
    },
    /// The path is too long for a local socket.
    #[error("the socket path '{0}' is too long: choose a shorter state directory (HPVM_ROOT)")]
    PathTooLong(String),
}

impl Error {
    /// Did a read or write time-out end this?
    pub fn is_timeout(&self) -> bool {
        matches!(self, Error::Io(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }
}

//! What a backing store *is*, as opposed to how it is named: two paths that lead to the same storage are one identity.

use std::fmt;

/// The host object behind a backing store. Equal identities mean the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Identity {
    /// A file, by the device its file system lives on and its inode number: links and bind mounts agree on it.
    File {
        /// `st_dev` of the file.
        device: u64,
        /// `st_ino` of the file.
        inode: u64,
    },
    /// Memory of this process; only tests have such stores.
    Memory(u64),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::File { device, inode } => {
                write!(f, "file {}:{} inode {inode}", libc::major(*device), libc::minor(*device))
            }
            Identity::Memory(number) => write!(f, "memory {number}"),
        }
    }
}

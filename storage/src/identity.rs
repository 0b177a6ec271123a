//! What a backing store *is*, as opposed to how it is named: two paths that lead to the same storage are one identity.

use std::fmt;

use uuid::Uuid;

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

/// The name a guest knows a virtual unit by, made from where the VSP finds its storage: the same location gives the same
/// name on every start and on every VSP.
pub fn unit_id(location: &str) -> Uuid {
    /// FNV-1a of 128 bits: offset basis and prime.
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = location.bytes().fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    // Version 8 (our own scheme) of the variant of RFC 9562.
    uuid::Builder::from_custom_bytes(hash.to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_names_depend_on_the_location_alone() {
        // The FNV-1a 128 of "a" is d228cb696f1a8caf78912b704e4a8964; version and variant bits are overwritten.
        assert_eq!(unit_id("a").to_string(), "d228cb69-6f1a-8caf-b891-2b704e4a8964");
        assert_ne!(unit_id("/disks/a"), unit_id("/disks/b"));
    }
}

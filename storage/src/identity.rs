//! What a backing store *is*, as opposed to how it is named: two paths that lead to the same storage are one identity,
//! and a disk is known to hold its partitions, a volume group its volumes, a file system its files.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use uuid::Uuid;

use crate::sysfs::Sysfs;

/// The host object behind a backing store. Equal identities mean the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Identity {
    /// A file or directory, by the device its file system lives on and its inode number: links and bind mounts agree.
    File {
        /// `st_dev` of the file.
        device: u64,
        /// `st_ino` of the file.
        inode: u64,
    },
    /// A block device, by its number: however many device files lead to it.
    Device(u64),
    /// A device that guests are attached to, by what it is and not by how it is reached.
    Unit(Uuid),
    /// Memory of this process; only tests have such stores.
    Memory(u64),
}

impl Identity {
    /// The object with these metadata.
    pub fn of(metadata: &Metadata) -> Identity {
        match metadata.file_type().is_block_device() {
            true => Identity::Device(metadata.rdev()),
            false => Identity::File { device: metadata.dev(), inode: metadata.ino() },
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |device: u64| format!("{}:{}", libc::major(device), libc::minor(device));
        match self {
            Identity::File { device, inode } => write!(f, "file {} inode {inode}", number(*device)),
            Identity::Device(device) => write!(f, "block device {}", number(*device)),
            Identity::Unit(id) => write!(f, "unit {id}"),
            Identity::Memory(number) => write!(f, "memory {number}"),
        }
    }
}

/// An object and everything its bytes lie on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Footprint {
    own: Identity,
    under: BTreeSet<Identity>,
}

impl Footprint {
    /// Follows what `sysfs` knows downwards: from a file to the device of its file system, from a volume to its
    /// physical volumes, from a partition to its disk, from a loop device to its file.
    pub fn of(metadata: &Metadata, sysfs: &Sysfs) -> Footprint {
        let mut footprint = Footprint { own: Identity::of(metadata), under: BTreeSet::new() };
        match footprint.own {
            Identity::Device(number) => footprint.descend(number, sysfs),
            _ => footprint.add(Identity::Device(metadata.dev()), sysfs),
        }
        footprint
    }

    /// An attached device, and the objects of the host that it consists of.
    pub fn of_unit(id: Uuid, parts: impl IntoIterator<Item = Footprint>) -> Footprint {
        let under = parts.into_iter().flat_map(|part| part.under.into_iter().chain([part.own])).collect();
        Footprint { own: Identity::Unit(id), under }
    }

    /// The object itself.
    pub fn identity(&self) -> Identity {
        self.own
    }

    /// Whether writing to one may change the other: they are the same, or one lies on the other. Two files of a file
    /// system, or two partitions of a disk, do not overlap (hpvm.md 6.4).
    pub fn overlaps(&self, other: &Footprint) -> bool {
        self.own == other.own || self.under.contains(&other.own) || other.under.contains(&self.own)
    }

    fn add(&mut self, below: Identity, sysfs: &Sysfs) {
        // What was there already was followed then; so a circle ends.
        if self.under.insert(below)
            && let Identity::Device(number) = below
        {
            self.descend(number, sysfs);
        }
    }

    fn descend(&mut self, number: u64, sysfs: &Sysfs) {
        let device = sysfs.block_device(number);
        for below in device.partition_of.into_iter().chain(device.slaves) {
            self.add(Identity::Device(below), sysfs);
        }
        if let Some(found) = device.loop_file.and_then(|file| std::fs::metadata(file).ok()) {
            self.add(Identity::of(&found), sysfs);
            self.add(Identity::Device(found.dev()), sysfs);
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
    use rustix::fs::makedev;

    use super::*;
    use crate::sysfs::fake::Tree;

    #[test]
    fn unit_names_depend_on_the_location_alone() {
        // The FNV-1a 128 of "a" is d228cb696f1a8caf78912b704e4a8964; version and variant bits are overwritten.
        assert_eq!(unit_id("a").to_string(), "d228cb69-6f1a-8caf-b891-2b704e4a8964");
        assert_ne!(unit_id("/disks/a"), unit_id("/disks/b"));
    }

    /// What the footprint of a device file with this number would be.
    fn device(tree: &Tree, major: u32, minor: u32) -> Footprint {
        let number = makedev(major, minor);
        let mut footprint = Footprint { own: Identity::Device(number), under: BTreeSet::new() };
        footprint.descend(number, &tree.sysfs());
        footprint
    }

    #[test]
    fn disk_overlaps_its_partitions_and_what_lies_on_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let tree = Tree::usual(file.path());
        let [disk, one, two] = [0, 1, 2].map(|minor| device(&tree, 8, minor));
        let [volume, other] = [0, 1].map(|minor| device(&tree, 253, minor));
        assert!(disk.overlaps(&one) && two.overlaps(&disk) && disk.overlaps(&disk.clone()));
        assert!(volume.overlaps(&two) && disk.overlaps(&volume), "a volume lies on its disks");
        assert!(!one.overlaps(&two) && !volume.overlaps(&other) && !volume.overlaps(&one));
    }

    #[test]
    fn loop_device_overlaps_its_file_but_not_the_neighbours() {
        let directory = tempfile::tempdir().unwrap();
        let [image, other] = ["image", "other"].map(|name| directory.path().join(name));
        std::fs::write(&image, "").unwrap();
        std::fs::write(&other, "").unwrap();
        let tree = Tree::usual(&image);
        let of = |path| Footprint::of(&std::fs::metadata(path).unwrap(), &tree.sysfs());
        let looped = device(&tree, 7, 0);
        assert!(looped.overlaps(&of(&image)) && of(&image).overlaps(&looped));
        assert!(!looped.overlaps(&of(&other)) && !of(&image).overlaps(&of(&other)));
    }

    #[test]
    fn file_overlaps_the_device_of_its_file_system() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let metadata = file.as_file().metadata().unwrap();
        let tree = Tree::new();
        let own = Footprint::of(&metadata, &tree.sysfs());
        let below = device(&tree, libc::major(metadata.dev()), libc::minor(metadata.dev()));
        assert!(own.overlaps(&below));
    }

    #[test]
    fn devices_that_lie_on_each_other_are_followed_once() {
        let tree = Tree::new();
        tree.device("a", "9:0", &[]);
        tree.device("b", "9:1", &[]);
        tree.slave("a", "b");
        tree.slave("b", "a");
        assert!(device(&tree, 9, 0).overlaps(&device(&tree, 9, 1)));
    }
}

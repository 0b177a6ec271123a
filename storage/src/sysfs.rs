//! What the kernel says of block devices, as files under `/sys/dev/block` (Documentation/ABI/stable/sysfs-block).
//!
//! Absent or malformed entries mean that nothing is known: a container may hide all of it.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::makedev;

/// The tree to look at; the real one unless a test made its own.
#[derive(Clone, Debug)]
pub struct Sysfs {
    root: PathBuf,
}

/// A block device as far as stores are concerned.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct BlockDevice {
    /// The whole disk, for a partition.
    pub partition_of: Option<u64>,
    /// The devices it is made of: physical volumes, members of an array.
    pub slaves: Vec<u64>,
    /// Who made it and as what, for a device-mapper device: `LVM-…`, `mpath-…`, `CRYPT-…`.
    pub mapper_uuid: Option<String>,
    /// The file it shows, for a loop device.
    pub loop_file: Option<PathBuf>,
    /// Whether it gives space back and the range then reads as zeros.
    pub unmaps: bool,
    /// Its size in bytes.
    pub len_bytes: Option<u64>,
}

impl Default for Sysfs {
    fn default() -> Sysfs {
        Sysfs::at(Path::new("/sys"))
    }
}

impl Sysfs {
    /// A tree elsewhere.
    pub fn at(root: &Path) -> Sysfs {
        Sysfs { root: root.to_owned() }
    }

    /// What is known of the block device with this number.
    pub fn block_device(&self, number: u64) -> BlockDevice {
        let home = self.home(number);
        let is_partition = home.join("partition").exists();
        let limit = |name: &str| {
            let queue = if is_partition { "../queue" } else { "queue" };
            line(&home.join(queue).join(name)).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
        };
        BlockDevice {
            // The entry is a link to the partition's directory inside that of its disk.
            partition_of: is_partition.then(|| device_number(&home.join("../dev"))).flatten(),
            slaves: members(&home.join("slaves")),
            mapper_uuid: line(&home.join("dm/uuid")).filter(|uuid| !uuid.is_empty()),
            loop_file: line(&home.join("loop/backing_file")).map(PathBuf::from),
            unmaps: limit("discard_max_bytes") > 0 && limit("write_zeroes_max_bytes") > 0,
            // In sectors of 512 bytes, whatever the device's own are.
            len_bytes: line(&home.join("size"))
                .and_then(|text| text.parse::<u64>().ok())
                .and_then(|sectors| sectors.checked_mul(512)),
        }
    }

    /// The numbers of all block devices, ascending.
    pub fn block_devices(&self) -> Vec<u64> {
        members(&self.root.join("dev/block"))
    }

    /// Whether another device of the host is made of this one: a volume, an array, a mapping.
    pub fn is_held(&self, number: u64) -> bool {
        !members(&self.home(number).join("holders")).is_empty()
    }

    /// Whether this is a drive for CDs and DVDs (SCSI device type 5).
    pub fn is_disc_drive(&self, number: u64) -> bool {
        line(&self.home(number).join("device/type")).is_some_and(|text| text == "5")
    }

    /// The device file that the host makes for it: `/dev/sda`, `/dev/mapper/vg-volume`.
    pub fn device_file(&self, number: u64) -> Option<PathBuf> {
        let home = self.home(number);
        if let Some(name) = line(&home.join("dm/name")).filter(|name| !name.is_empty()) {
            return Some(Path::new("/dev/mapper").join(name));
        }
        let uevent = fs::read_to_string(home.join("uevent")).ok()?;
        let name = uevent.lines().find_map(|line| line.strip_prefix("DEVNAME="))?;
        Some(Path::new("/dev").join(name))
    }

    /// The devices of all btrfs file systems that are mounted: each may have several, of which a mount names one.
    pub fn btrfs_devices(&self) -> Vec<u64> {
        let systems = fs::read_dir(self.root.join("fs/btrfs")).into_iter().flatten().flatten();
        systems.flat_map(|system| members(&system.path().join("devices"))).collect()
    }

    fn home(&self, number: u64) -> PathBuf {
        self.root.join(format!("dev/block/{}:{}", libc::major(number), libc::minor(number)))
    }
}

impl BlockDevice {
    /// Whether LVM made it.
    pub fn is_logical_volume(&self) -> bool {
        self.mapper_uuid.as_deref().is_some_and(|uuid| uuid.starts_with("LVM-"))
    }
}

fn line(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim_end_matches('\n').to_owned())
}

fn device_number(path: &Path) -> Option<u64> {
    let text = line(path)?;
    let (major, minor) = text.split_once(':')?;
    Some(makedev(major.parse().ok()?, minor.parse().ok()?))
}

fn members(directory: &Path) -> Vec<u64> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut numbers: Vec<u64> =
        entries.filter_map(|entry| device_number(&entry.path().join("dev"))).collect();
    numbers.sort_unstable();
    numbers
}

/// A tree such as the kernel would show, for tests.
#[cfg(test)]
pub(crate) mod fake {
    use super::*;

    pub(crate) struct Tree {
        pub(crate) directory: tempfile::TempDir,
    }

    impl Tree {
        pub(crate) fn new() -> Tree {
            let directory = tempfile::tempdir().unwrap();
            fs::create_dir_all(directory.path().join("dev/block")).unwrap();
            Tree { directory }
        }

        pub(crate) fn sysfs(&self) -> Sysfs {
            Sysfs::at(self.directory.path())
        }

        /// A device whose directory is `home` under `devices`, with these further files.
        pub(crate) fn device(&self, home: &str, number: &str, files: &[(&str, &str)]) {
            let home = self.directory.path().join("devices").join(home);
            fs::create_dir_all(&home).unwrap();
            for (name, text) in [("dev", number)].iter().chain(files) {
                fs::create_dir_all(home.join(name).parent().unwrap()).unwrap();
                fs::write(home.join(name), format!("{text}\n")).unwrap();
            }
            std::os::unix::fs::symlink(&home, self.directory.path().join("dev/block").join(number)).unwrap();
        }

        /// `slave` is part of `device`; both are homes.
        pub(crate) fn slave(&self, device: &str, slave: &str) {
            let devices = self.directory.path().join("devices");
            let slaves = devices.join(device).join("slaves");
            fs::create_dir_all(&slaves).unwrap();
            let name = Path::new(slave).file_name().unwrap();
            std::os::unix::fs::symlink(devices.join(slave), slaves.join(name)).unwrap();
        }

        /// Disk 8:0 with partitions 8:1 and 8:2; logical volumes 253:0 and 253:1 on 8:2; loop device 7:0 on `file`.
        pub(crate) fn usual(file: &Path) -> Tree {
            let tree = Tree::new();
            let queue = [("queue/discard_max_bytes", "4096"), ("queue/write_zeroes_max_bytes", "4096")];
            tree.device("sda", "8:0", &[&queue[..], &[("size", "2048")]].concat());
            tree.device("sda/sda1", "8:1", &[("partition", "1")]);
            tree.device("sda/sda2", "8:2", &[("partition", "2")]);
            tree.device("dm-0", "253:0", &[("dm/uuid", "LVM-abcdef"), ("queue/discard_max_bytes", "0")]);
            tree.device("dm-1", "253:1", &[("dm/uuid", "LVM-ghijkl")]);
            tree.device("dm-2", "253:2", &[("dm/uuid", "CRYPT-LUKS2-0")]);
            for volume in ["dm-0", "dm-1"] {
                tree.slave(volume, "sda/sda2");
            }
            tree.device("loop0", "7:0", &[("loop/backing_file", file.to_str().unwrap())]);
            tree
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_partitions_and_volumes_are_told_apart() {
        let tree = fake::Tree::usual(Path::new("/image"));
        let device = |major, minor| tree.sysfs().block_device(makedev(major, minor));
        let disk = BlockDevice { unmaps: true, len_bytes: Some(1 << 20), ..BlockDevice::default() };
        assert_eq!(device(8, 0), disk);
        assert_eq!((device(8, 1).partition_of, device(8, 1).unmaps), (Some(makedev(8, 0)), true));
        assert_eq!(device(253, 0).slaves, [makedev(8, 2)]);
        assert!(device(253, 0).is_logical_volume() && !device(253, 0).unmaps);
        assert!(!device(253, 2).is_logical_volume() && !device(8, 0).is_logical_volume());
        assert_eq!(device(7, 0).loop_file.as_deref(), Some(Path::new("/image")));
    }

    #[test]
    fn devices_have_files_and_holders() {
        let tree = fake::Tree::usual(Path::new("/image"));
        tree.device("sr0", "11:0", &[("device/type", "5"), ("uevent", "MAJOR=11\nMINOR=0\nDEVNAME=sr0")]);
        tree.device("dm-9", "253:9", &[("dm/name", "vg-root"), ("uevent", "DEVNAME=dm-9")]);
        tree.device("sdc", "8:32", &[("holders/dm-9/dev", "253:9")]);
        let sysfs = tree.sysfs();
        let [drive, volume, disk] = [(11, 0), (253, 9), (8, 32)].map(|(major, minor)| makedev(major, minor));
        assert_eq!(sysfs.device_file(drive).as_deref(), Some(Path::new("/dev/sr0")));
        assert_eq!(sysfs.device_file(volume).as_deref(), Some(Path::new("/dev/mapper/vg-root")));
        assert_eq!(sysfs.device_file(disk), None);
        assert!(sysfs.is_disc_drive(drive) && !sysfs.is_disc_drive(disk));
        assert!(sysfs.is_held(disk) && !sysfs.is_held(volume));
        assert_eq!(sysfs.block_devices().len(), 10);
    }

    #[test]
    fn nothing_is_known_of_devices_that_are_not_shown() {
        let tree = fake::Tree::new();
        assert_eq!(tree.sysfs().block_device(makedev(8, 0)), BlockDevice::default());
        tree.device("sdb", "8:16", &[("queue/discard_max_bytes", "many"), ("dm/uuid", "")]);
        assert_eq!(tree.sysfs().block_device(makedev(8, 16)), BlockDevice::default());
    }
}

//! Devices that the VSP itself uses: restricted by entries of their own, which come and go with the use (`hpvmhostrdev`,
//! hpvm.md 4.9).
//!
//! Used are the devices of mounted file systems and of swap, and what a volume group, an array or a mapping is made of;
//! with each device also the disks it lies on, among them the one that the VSP was booted from. What else lies on such a
//! disk, another volume or a file, remains for guests. Partitions need no entries, since no guest can have one (hpvm.md
//! 3.2), nor do DVD drives: a mounted disc leaves again.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use ipc::device::DeviceKind;
use rustix::fs::makedev;
use storage::sysfs::Sysfs;

use super::entry::Entry;
use super::identify::identify;
use super::{Contents, DeviceDb, Outcome, SCHEMA, read};
use crate::db::GuestDb;
use crate::fs::{HostFs, write_atomically};

/// Marks an entry that was made here.
pub(super) const MARK: &str = "AUTORDEV";
/// The entry of kind `server` that is there while devices are not restricted whenever a VSP starts, and its attribute.
const SWITCH: &str = "hpvmhostrdev";
const SWITCH_ATTRIBUTE: (&str, &str) = ("AT_START", "DISABLED");

/// What the kernel says of the host's use of its storage.
pub(crate) struct HostStorage {
    /// `/proc/self/mountinfo`, `proc_pid_mountinfo(5)`.
    mountinfo: String,
    /// `/proc/swaps`, `proc_swaps(5)`.
    swaps: String,
    sysfs: Sysfs,
}

impl HostStorage {
    /// As it is now. Where nothing can be read, nothing is used.
    pub(crate) fn read() -> HostStorage {
        let text = |path: &str| {
            fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
        };
        HostStorage {
            mountinfo: text("/proc/self/mountinfo"),
            swaps: text("/proc/swaps"),
            sysfs: Sysfs::default(),
        }
    }

    /// The device files of disks and volumes in use, and swap files.
    fn used(&self) -> BTreeSet<PathBuf> {
        let mut used = BTreeSet::new();
        swaps(&self.swaps)
            .filter_map(|path| block_device(&path))
            .for_each(|number| self.add(number, &mut used));
        let held = self.sysfs.block_devices().into_iter().filter(|number| self.sysfs.is_held(*number));
        let mounted = self.mountinfo.lines().flat_map(mounted);
        for number in mounted.chain(self.sysfs.btrfs_devices()).chain(held) {
            self.add(number, &mut used);
        }
        let is_restricted = |number: &u64| {
            self.sysfs.block_device(*number).partition_of.is_none() && !self.sysfs.is_disc_drive(*number)
        };
        let devices = used.into_iter().filter(is_restricted);
        let devices = devices.filter_map(|number| self.sysfs.device_file(number));
        devices.chain(swaps(&self.swaps).filter(|path| path.is_file())).collect()
    }

    /// A device and all it lies on.
    fn add(&self, number: u64, used: &mut BTreeSet<u64>) {
        // What was there already was followed then; so a circle ends.
        if used.insert(number) {
            let device = self.sysfs.block_device(number);
            device.partition_of.into_iter().chain(device.slaves).for_each(|below| self.add(below, used));
        }
    }
}

/// The block devices that a line of `mountinfo` names: by the file system's device number or, where that is none of a
/// block device, by the mount's source.
fn mounted(line: &str) -> Vec<u64> {
    let (place, system) = line.split_once(" - ").unwrap_or((line, ""));
    let number = place.split(' ').nth(2).and_then(|text| {
        let (major, minor) = text.split_once(':')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    });
    match number {
        Some((major, minor)) if major != 0 => vec![makedev(major, minor)],
        // bcachefs has its devices there, with colons between.
        _ => {
            let source = system.split(' ').nth(1).unwrap_or_default();
            let paths = source.split(':').filter(|path| path.starts_with('/'));
            paths.filter_map(|path| block_device(&unescaped(path))).collect()
        }
    }
}

fn swaps(text: &str) -> impl Iterator<Item = PathBuf> {
    let lines = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    lines.map(unescaped).filter(|path| path.is_absolute())
}

/// A path with blanks as the kernel writes them: `\\040`.
fn unescaped(text: &str) -> PathBuf {
    let bytes = text.as_bytes();
    let mut path = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 4).filter(|_| bytes[at] == b'\\');
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        path.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 4 } else { 1 };
    }
    std::ffi::OsString::from_vec(path).into()
}

/// The number of the block device at a path, if it leads to one.
pub(super) fn block_device(path: &Path) -> Option<u64> {
    let found = fs::metadata(path).ok()?;
    found.file_type().is_block_device().then(|| found.rdev())
}

impl DeviceDb {
    /// Restricts what `host` uses; what was restricted here before and is used no longer is free.
    pub(crate) fn restrict_host(&mut self, host: &HostStorage) -> Outcome {
        let names: Vec<String> = host.used().iter().map(|path| path.display().to_string()).collect();
        let hardware = self.hardware.clone();
        self.change_restrictions(|entries| {
            entries.retain(|entry| !is_marked(entry) || names.iter().any(|name| entry.is_called(name)));
            for name in &names {
                let id = identify(name, &hardware).map(|found| found.id);
                let known = entries.iter_mut().filter(|entry| entry.kind == DeviceKind::Rdev);
                match known.into_iter().find(|entry| entry.is_called(name)) {
                    // A name may have come to mean another device.
                    Some(entry) if is_marked(entry) => entry.id = id.unwrap_or_default(),
                    Some(_) => {}
                    None => {
                        let mut entry = Entry::new(DeviceKind::Rdev, name, &hardware);
                        entry.attributes.insert(MARK.into(), "YES".into());
                        entries.push(entry);
                    }
                }
            }
        })
    }

    /// `-d`: takes away the entries that were made here.
    pub(crate) fn release_host(&mut self) -> Outcome {
        self.change_restrictions(|entries| entries.retain(|entry| !is_marked(entry)))
    }

    /// `-r`: what was changed last by the two above is as before. Guests are dependents as they are now.
    pub(crate) fn restore(&mut self, guests: &GuestDb) -> Outcome {
        let former = read(&self.former()).map_err(|reason| {
            format!("Unable to restore the device database from '{}': {reason}.", self.former().display())
        })?;
        let former = former.ok_or("There is no former state of the device database to be restored.")?;
        self.change(|entries| {
            *entries = former;
            Ok(())
        })?;
        self.adopt_all(guests);
        self.forget_strangers(guests)?;
        let _ = fs::remove_file(self.former());
        Ok(())
    }

    /// `-E` and `-D`.
    pub(crate) fn set_restricting_at_start(&mut self, is_wanted: bool) -> Outcome {
        let hardware = self.hardware.clone();
        self.change(|entries| {
            entries.retain(|entry| !is_switch(entry));
            if !is_wanted {
                let mut entry = Entry::new(DeviceKind::Server, SWITCH, &hardware);
                let (attribute, value) = SWITCH_ATTRIBUTE;
                entry.attributes.insert(attribute.into(), value.into());
                entries.push(entry);
            }
            Ok(())
        })
    }

    /// Is [`DeviceDb::restrict_host`] to be done when a VSP starts?
    pub(crate) fn is_restricting_at_start(&self) -> bool {
        let (attribute, value) = SWITCH_ATTRIBUTE;
        !self.entries.iter().any(|entry| is_switch(entry) && entry.is(attribute, value))
    }

    /// Devices of guests that are restricted here, each with such a guest.
    pub(crate) fn hindered(&self) -> Vec<(String, String)> {
        let restricted: BTreeSet<&str> = self
            .entries
            .iter()
            .filter(|entry| is_marked(entry) && !entry.id.is_empty())
            .map(|entry| entry.id.as_str())
            .collect();
        let used = self.entries.iter().filter(|entry| restricted.contains(entry.id.as_str()));
        used.flat_map(|entry| entry.dependents.iter().map(|guest| (entry.names[0].clone(), guest.clone())))
            .collect()
    }

    /// A change that can be taken back.
    fn change_restrictions(&mut self, change: impl FnOnce(&mut Vec<Entry>)) -> Outcome {
        let former = self.entries.clone();
        let mut entries = former.clone();
        change(&mut entries);
        if entries == former {
            return Ok(());
        }
        let path = self.former();
        let text = toml::to_string(&Contents { schema: SCHEMA, device: former });
        let text = text.map_err(|e| format!("Cannot write the device database: {e}."))?;
        write_atomically(&mut HostFs, &path, text.as_bytes())
            .map_err(|e| format!("Cannot store '{}': {e}.", path.display()))?;
        self.change(|stored| {
            *stored = entries;
            Ok(())
        })
    }

    /// Where the state before the last such change is kept.
    fn former(&self) -> PathBuf {
        self.path.with_extension("former")
    }
}

fn is_marked(entry: &Entry) -> bool {
    entry.kind == DeviceKind::Rdev && entry.is(MARK, "YES")
}

fn is_switch(entry: &Entry) -> bool {
    entry.kind == DeviceKind::Server && entry.is_called(SWITCH)
}

#[cfg(test)]
mod tests;

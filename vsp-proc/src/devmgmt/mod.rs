//! The device management database: which devices guests use or must not use, and what is allowed with them
//! (`hpvmdevmgmt`, hpvm.md 4.8).
//!
//! One readable file, replaced whole. Guests' configurations are the truth about who uses what; an entry only remembers
//! its dependents. Around a change of a guest they are first added and afterwards removed, so that a crash leaves a
//! dependent too many, which the next start takes away.

mod entry;
mod host_use;
mod identify;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io, iter};

use ipc::device::{DeviceEntry, DeviceFilter, DeviceKind};
use serde::{Deserialize, Serialize};
use storage::statement::{DeviceType, StorageStatement, StorageType};
use storage::sysfs::Sysfs;

use crate::db::{Entry as GuestEntry, GuestConfig, GuestDb};
use crate::fs::{HostFs, write_atomically};
use crate::hardware::Hardware;
use crate::root::StateRoot;
pub(crate) use entry::Entry;
use entry::{check_attribute, check_name, spelled, trimmed};
pub(crate) use host_use::HostStorage;
use host_use::block_device;
use identify::identify;

/// Its file, in the directory of what belongs to no guest.
const FILE: &str = "hpvm_mgmtdb";
const SCHEMA: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    schema: u32,
    #[serde(default)]
    device: Vec<Entry>,
}

/// All entries, in memory and on disk.
pub(crate) struct DeviceDb {
    path: PathBuf,
    entries: Vec<Entry>,
    hardware: Hardware,
}

/// Result of a request; the error is one line for the operator.
pub(crate) type Outcome = Result<(), String>;

impl DeviceDb {
    /// Reads the database. A damaged one is kept beside its file, and its copy used; where there is none of either, it is
    /// made from the guests' configurations.
    pub(crate) fn open(root: &StateRoot, guests: &GuestDb, hardware: Hardware) -> DeviceDb {
        let path = root.common().join(FILE);
        let mut db = DeviceDb { path, entries: Vec::new(), hardware };
        let copy = || read(&db.copy()).ok().flatten();
        let found = match read(&db.path) {
            Ok(Some(entries)) => Some(entries),
            Ok(None) => {
                copy().inspect(|_| tracing::error!("the device database is lost; its copy is used instead"))
            }
            Err(reason) => {
                let copy = copy();
                let instead = match copy {
                    Some(_) => "its copy is used instead",
                    None => {
                        "there is no copy: it is made from the guests, restrictions and attributes are lost"
                    }
                };
                tracing::error!(path = %db.path.display(), reason, "the device database is damaged; {instead}");
                let _ = fs::rename(&db.path, db.damaged());
                copy
            }
        };
        match found {
            Some(entries) => db.entries = entries,
            None => db.adopt_all(guests),
        }
        if let Err(error) = db.write(db.entries.clone()) {
            tracing::error!(error, "device database");
        }
        if let Err(error) = db.forget_strangers(guests) {
            tracing::error!(error, "device database");
        }
        db
    }

    fn adopt_all(&mut self, guests: &GuestDb) {
        for config in guests.configs() {
            if let Err(error) = self.before_change(config) {
                tracing::error!(guest = config.name, error, "device database");
            }
        }
    }

    /// Takes away dependents that are no guests any more, or guests that no longer have the device.
    fn forget_strangers(&mut self, guests: &GuestDb) -> Outcome {
        self.change(|entries| {
            for entry in entries.iter_mut() {
                let names = entry.names.clone();
                entry.dependents.retain(|guest| match guests.get(guest) {
                    Some(GuestEntry::Guest(config)) => {
                        config.devices.iter().any(|device| names.iter().any(|name| name == device.location()))
                    }
                    // Nobody knows what a damaged configuration uses.
                    Some(GuestEntry::Damaged(_)) => true,
                    None => false,
                });
            }
            Ok(())
        })
    }

    /// To be called before a guest's configuration is stored: its devices get it as dependent.
    pub(crate) fn before_change(&mut self, config: &GuestConfig) -> Outcome {
        let hardware = self.hardware.clone();
        self.change(|entries| {
            for device in &config.devices {
                let location = device.location();
                let entry = match position_of_store(entries, location, &hardware) {
                    Some(at) => &mut entries[at],
                    None => {
                        entries.push(Entry::new(DeviceKind::Gdev, location, &hardware));
                        let last = entries.len() - 1;
                        &mut entries[last]
                    }
                };
                if !entry.is_called(location) {
                    entry.names.push(location.to_owned());
                }
                entry.dependents.insert(config.name.clone());
            }
            Ok(())
        })
    }

    /// To be called after the configuration of `guest` was stored, with its devices' locations: it is no dependent of
    /// others any more, and entries whose last dependent it was vanish.
    pub(crate) fn after_change(&mut self, guest: &str, locations: &[&str]) -> Outcome {
        self.change(|entries| {
            entries.retain_mut(|entry| {
                let stays = locations.iter().any(|location| entry.is_called(location));
                let was_last = !stays && entry.dependents.remove(guest) && entry.dependents.is_empty();
                !was_last || entry.is("PRESERVE", "YES")
            });
            Ok(())
        })
    }

    /// Entries as listed.
    pub(crate) fn list(&self, kind: Option<DeviceKind>, filter: &DeviceFilter) -> Vec<DeviceEntry> {
        let mut found: Vec<&Entry> =
            self.entries.iter().filter(|entry| kind.is_none_or(|kind| kind == entry.kind)).collect();
        found.sort_by(|a, b| (a.kind, &a.names[0]).cmp(&(b.kind, &b.names[0])));
        let shown = found.into_iter().map(|entry| entry.shown(&self.hardware));
        let is_wanted = |entry: &DeviceEntry| match filter {
            DeviceFilter::All => true,
            DeviceFilter::Name(name) => entry.names.iter().any(|own| trimmed(own) == trimmed(name)),
            DeviceFilter::Dependent(dependent) => entry.dependents.contains(dependent),
            DeviceFilter::Attribute(name, value) => {
                let is_same = |(own, its): &(String, String)| {
                    own.eq_ignore_ascii_case(name) && its.eq_ignore_ascii_case(value)
                };
                entry.attributes.iter().any(is_same)
            }
        };
        shown.filter(is_wanted).collect()
    }

    /// `-a`.
    pub(crate) fn add(&mut self, kind: DeviceKind, name: &str, attributes: &[(String, String)]) -> Outcome {
        check_name(kind, name)?;
        if kind == DeviceKind::Gdev && self.restricts(name) {
            return Err(format!("Device '{name}' is restricted (rdev) and cannot be used by a guest."));
        }
        let hardware = self.hardware.clone();
        self.change(|entries| {
            if position(entries, kind, name).is_some() {
                return Err(format!("Entry '{}:{name}' already exists.", kind.word()));
            }
            let mut entry = Entry::new(kind, name, &hardware);
            attributes.iter().try_for_each(|(attribute, value)| entry.set(attribute, value))?;
            entries.push(entry);
            Ok(())
        })
    }

    /// `-d TYPE:name`.
    pub(crate) fn delete(&mut self, kind: DeviceKind, name: &str) -> Outcome {
        self.change(|entries| {
            let at = known(entries, kind, name)?;
            let entry = &entries[at];
            if !entry.dependents.is_empty() {
                let dependents: Vec<&str> = entry.dependents.iter().map(String::as_str).collect();
                return Err(format!(
                    "Unable to delete '{}': entry has dependents ({}).",
                    entry.title(),
                    dependents.join(", ")
                ));
            }
            entries.remove(at);
            Ok(())
        })
    }

    /// `-d gdev_alias:name`.
    pub(crate) fn delete_alias(&mut self, name: &str) -> Outcome {
        self.change(|entries| {
            let at = known(entries, DeviceKind::Gdev, name)?;
            let entry = &mut entries[at];
            if entry.names.len() == 1 {
                return Err(format!("'{name}' is the only name of its entry."));
            }
            entry.names.retain(|own| trimmed(own) != trimmed(name));
            Ok(())
        })
    }

    /// `-d gdev:{all|name}:depend:guest`. What has lost its last dependent vanishes.
    pub(crate) fn delete_dependent(&mut self, name: Option<&str>, dependent: &str) -> Outcome {
        self.change(|entries| {
            if let Some(name) = name {
                known(entries, DeviceKind::Gdev, name)?;
            }
            let mut found = false;
            entries.retain_mut(|entry| {
                let meant = entry.kind == DeviceKind::Gdev && name.is_none_or(|name| entry.is_called(name));
                let removed = meant && entry.dependents.remove(dependent);
                found |= removed;
                !removed || !entry.dependents.is_empty() || entry.is("PRESERVE", "YES")
            });
            if found { Ok(()) } else { Err(format!("'{dependent}' is no dependent.")) }
        })
    }

    /// `-d TYPE:name:attr:attribute`.
    pub(crate) fn delete_attribute(&mut self, kind: DeviceKind, name: &str, attribute: &str) -> Outcome {
        self.change(|entries| {
            let at = known(entries, kind, name)?;
            let attribute = &spelled(kind, attribute);
            if attribute == host_use::MARK {
                return Err(format!("Attribute '{attribute}' is not changed by hand. See hpvmhostrdev."));
            }
            match entries[at].attributes.remove(attribute) {
                Some(_) => Ok(()),
                None => Err(format!(
                    "Entry '{}' has no attribute '{attribute}' that is set.",
                    entries[at].title()
                )),
            }
        })
    }

    /// `-m TYPE:name:attr:attribute=value`. The entry of a guest device that is there is made if need be.
    pub(crate) fn set_attribute(
        &mut self,
        kind: DeviceKind,
        name: &str,
        attribute: &str,
        value: &str,
    ) -> Outcome {
        check_name(kind, name)?;
        check_attribute(kind, attribute, value)?;
        let is_new = position(&self.entries, kind, name).is_none();
        if is_new && kind == DeviceKind::Gdev && identify(name, &self.hardware).is_some() {
            return self.add(kind, name, &[(attribute.to_owned(), value.to_owned())]);
        }
        self.change(|entries| {
            let at = known(entries, kind, name)?;
            entries[at].set(attribute, value)
        })
    }

    /// Whether an entry has this name.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.is_called(name))
    }

    /// The names of the entry that has this one, and its dependents.
    pub(crate) fn users(&self, name: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let at = known(&self.entries, DeviceKind::Gdev, name)?;
        let entry = &self.entries[at];
        Ok((entry.names.clone(), entry.dependents.iter().cloned().collect()))
    }

    /// After `-n`: the entry of `new[0]` has the others as aliases.
    pub(crate) fn add_aliases(&mut self, new: &[String]) -> Outcome {
        self.change(|entries| {
            let Some((name, aliases)) = new.split_first() else { return Ok(()) };
            if let Some(at) = position(entries, DeviceKind::Gdev, name) {
                let entry = &mut entries[at];
                let fresh: Vec<String> =
                    aliases.iter().filter(|alias| !entry.is_called(alias)).cloned().collect();
                entry.names.extend(fresh);
            }
            Ok(())
        })
    }

    /// `-I`: devices are identified anew.
    pub(crate) fn reidentify(&mut self) -> Outcome {
        let hardware = self.hardware.clone();
        self.change(|entries| {
            for entry in entries.iter_mut() {
                if let Some(found) = entry.names.iter().find_map(|name| identify(name, &hardware)) {
                    entry.id = found.id;
                }
            }
            Ok(())
        })
    }

    /// `-r`: what is out of order, as commands that mend it.
    pub(crate) fn repair<'a>(&self, guests: impl Iterator<Item = &'a GuestConfig>) -> Vec<String> {
        let mut script = vec!["#!/bin/sh".to_owned()];
        for config in guests {
            for device in &config.devices {
                let at = position(&self.entries, DeviceKind::Gdev, device.location());
                if at.is_none_or(|at| !self.entries[at].dependents.contains(&config.name)) {
                    let statement = quoted(&device.to_string());
                    script.push(format!("hpvmmodify -P {} -m {statement}", config.name));
                }
            }
        }
        for entry in self.entries.iter().filter(|entry| entry.kind == DeviceKind::Gdev) {
            let is_there = entry.names.iter().any(|name| identify(name, &self.hardware).is_some());
            if !is_there && entry.dependents.is_empty() {
                script.push(format!("hpvmdevmgmt -d {}", quoted(&entry.title())));
            }
        }
        script
    }

    /// May several running guests have this device? Whoever shares a directory of discs shares the discs (hpvm.md 6.2).
    pub(crate) fn is_device_shared(&self, device: &StorageStatement) -> bool {
        let is_disc = (device.device(), device.storage()) == (DeviceType::Dvd, StorageType::File);
        let directory = Path::new(device.location()).parent().filter(|_| is_disc);
        self.is_shared(device.location())
            || directory.and_then(Path::to_str).is_some_and(|directory| self.is_shared(directory))
    }

    /// May several running guests have this store?
    fn is_shared(&self, location: &str) -> bool {
        position_of_store(&self.entries, location, &self.hardware)
            .is_some_and(|at| self.entries[at].is("SHARE", "YES"))
    }

    /// Is this device, or a directory it lies in, restricted? A loop device is the file that it shows.
    pub(crate) fn restricts(&self, location: &str) -> bool {
        let restrictions: Vec<&Entry> =
            self.entries.iter().filter(|entry| entry.kind == DeviceKind::Rdev).collect();
        if restrictions.is_empty() {
            return false;
        }
        let shown = entry_files(&restrictions);
        with_shown(location).iter().any(|path| {
            let found = identify(path, &self.hardware);
            let canonical = fs::canonicalize(path).unwrap_or_else(|_| path.into());
            restrictions.iter().any(|entry| {
                let is_same = found.as_ref().is_some_and(|found| found.id == entry.id);
                is_same
                    || entry.is_called(path)
                    || entry.names.iter().any(|name| covers(entry, name, &canonical, &self.hardware))
            }) || shown.contains(&canonical)
        })
    }

    /// Is another device than the remembered one at this location, so that a guest must not have it?
    pub(crate) fn is_exchanged(&self, location: &str) -> bool {
        let Some(at) = position(&self.entries, DeviceKind::Gdev, location) else { return false };
        let entry = &self.entries[at];
        let Some(found) = identify(location, &self.hardware) else { return false };
        // A file may be replaced by another one of its name; a disk has an identity of its own.
        !["FILE", "DIR"].contains(&found.devtype)
            && !entry.id.is_empty()
            && found.id != entry.id
            && !entry.is("IGNOREWWID", "YES")
    }

    /// Changes the entries in memory and on disk, or neither.
    fn change(&mut self, change: impl FnOnce(&mut Vec<Entry>) -> Outcome) -> Outcome {
        let mut entries = self.entries.clone();
        change(&mut entries)?;
        if entries == self.entries {
            return Ok(());
        }
        self.write(entries)
    }

    /// Makes these the entries, on disk twice: one file may be damaged, by whoever edits it or by the disk.
    fn write(&mut self, entries: Vec<Entry>) -> Outcome {
        let contents = Contents { schema: SCHEMA, device: entries };
        let text =
            toml::to_string(&contents).map_err(|e| format!("Cannot write the device database: {e}."))?;
        let is_there = |path: &Path| fs::read(path).is_ok_and(|found| found == text.as_bytes());
        for path in [self.path.clone(), self.copy()].iter().filter(|path| !is_there(path)) {
            write_atomically(&mut HostFs, path, text.as_bytes())
                .map_err(|e| format!("Cannot store '{}': {e}.", path.display()))?;
        }
        self.entries = contents.device;
        Ok(())
    }

    fn copy(&self) -> PathBuf {
        self.path.with_extension("copy")
    }

    fn damaged(&self) -> PathBuf {
        self.path.with_extension("damaged")
    }

    /// What the operator has to know of the database itself.
    pub(crate) fn notice(&self) -> Option<String> {
        let damaged = self.damaged();
        damaged.exists().then(|| {
            format!(
                "The device database was damaged and has been recovered. The damaged file is '{}': compare, then remove it.",
                damaged.display()
            )
        })
    }
}

/// Does the restriction of a directory reach this path?
fn covers(entry: &Entry, directory: &str, canonical: &Path, hardware: &Hardware) -> bool {
    let Some(reach) = entry.attributes.get("RECURSIVE") else { return false };
    let Ok(directory) = fs::canonicalize(directory) else { return false };
    let file_system =
        |path: &Path| identify(&path.to_string_lossy(), hardware).map(|found| found.file_system);
    canonical.starts_with(&directory) && (reach == "DIR" || file_system(canonical) == file_system(&directory))
}

/// The path, and the file that it shows if it leads to a loop device, and so on.
fn with_shown(path: &str) -> Vec<String> {
    /// More than anybody puts one on the other.
    const MOST: usize = 8;
    let sysfs = Sysfs::default();
    let shown = |path: &String| {
        let file = sysfs.block_device(block_device(Path::new(path))?).loop_file?;
        file.into_os_string().into_string().ok()
    };
    iter::successors(Some(path.to_owned()), shown).take(MOST).collect()
}

/// The files that these entries' loop devices show.
fn entry_files(entries: &[&Entry]) -> BTreeSet<PathBuf> {
    let names = entries.iter().flat_map(|entry| &entry.names);
    let files = names.flat_map(|name| with_shown(name).into_iter().skip(1));
    files.map(|file| fs::canonicalize(&file).unwrap_or_else(|_| file.into())).collect()
}

fn position(entries: &[Entry], kind: DeviceKind, name: &str) -> Option<usize> {
    entries.iter().position(|entry| entry.kind == kind && entry.is_called(name))
}

/// The guest device at a location, whatever it is called.
fn position_of_store(entries: &[Entry], location: &str, hardware: &Hardware) -> Option<usize> {
    position(entries, DeviceKind::Gdev, location).or_else(|| {
        let id = identify(location, hardware)?.id;
        entries.iter().position(|entry| entry.kind == DeviceKind::Gdev && entry.id == id)
    })
}

fn known(entries: &[Entry], kind: DeviceKind, name: &str) -> Result<usize, String> {
    position(entries, kind, name).ok_or_else(|| format!("Entry '{}:{name}' does not exist.", kind.word()))
}

/// As one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/:,._-+=".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn read(path: &Path) -> Result<Option<Vec<Entry>>, String> {
    let text = match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| e.to_string())?,
    };
    let contents: Contents = toml::from_str(&text).map_err(|e| e.message().replace('\n', " "))?;
    if contents.schema != SCHEMA {
        return Err(format!("it has schema {}, this VSP knows {SCHEMA}", contents.schema));
    }
    let mut names = BTreeSet::new();
    let is_sound = |entry: &Entry| !entry.names.is_empty();
    if !contents.device.iter().all(is_sound) {
        return Err("an entry has no name".into());
    }
    if !contents.device.iter().all(|entry| names.insert((entry.kind, entry.names[0].clone()))) {
        return Err("two entries have the same name".into());
    }
    Ok(Some(contents.device))
}

#[cfg(test)]
mod tests;

//! What stands against a configuration: in itself, on this host, and because of other guests.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use ipc::Peer;
use ipc::message::{DeviceChange, Manner, RefusalKind, Remark, Setting, Severity};
use nix::unistd::{Group, User};
use storage::statement::{DeviceType, Placement, StorageStatement, StorageType};
use storage::sysfs::Sysfs;

use super::Supervisor;
use super::requests::conflict;
use crate::avio_link;
use crate::db::{ConfigError, GuestConfig};
use crate::hardware::Hardware;
use crate::stores::{self, Stores};

/// What an operator wants changed, and how.
pub(super) struct Changes<'a> {
    pub(super) settings: &'a [Setting],
    pub(super) devices: &'a [DeviceChange],
    pub(super) manner: Manner,
}

impl Supervisor {
    /// Applies changes to a configuration that is not stored yet; what is odd but possible is remarked.
    pub(super) fn configure(
        &self,
        config: &mut GuestConfig,
        changes: &Changes<'_>,
    ) -> Result<Vec<Remark>, ConfigError> {
        let mut remarks = Vec::new();
        for setting in changes.settings {
            let invalid = |text| ConfigError { kind: RefusalKind::Invalid, text, device: None };
            let useless = self.check_account(setting).map_err(invalid)?;
            let warning = config.apply(setting)?;
            remarks.extend(
                useless
                    .into_iter()
                    .chain(warning)
                    .map(|text| Remark::about(&config.name, Severity::Warning, text)),
            );
        }
        let warning = config.check_dynamic_memory(changes.settings)?;
        remarks.extend(warning.map(|text| Remark::about(&config.name, Severity::Warning, text)));
        let devices = self.translated(changes.devices)?;
        let changes = &Changes { devices: &devices, ..*changes };
        config.apply_devices(changes.devices)?;
        remarks.extend(warn_of_writable_discs(config, changes.devices));
        let mut problems = Vec::new();
        if !changes.devices.is_empty() {
            problems = check_stores(config, changes, &self.hardware)?;
            self.check_restrictions(config, changes.devices)?;
        }
        self.check_reservations(config)?;
        problems.extend(self.problems(config));
        let problems = problems.into_iter().map(|text| Remark::about(&config.name, Severity::Problem, text));
        remarks.extend(problems);
        if !changes.devices.is_empty() {
            remarks.extend(self.warn_of_missing_software(config));
        }
        Ok(remarks)
    }

    /// Rights are given to accounts and groups of this host only; a warning if they are of no use.
    fn check_account(&self, setting: &Setting) -> Result<Option<String>, String> {
        match setting {
            Setting::User(grant) if grant.rights.is_some() => {
                let name = &grant.name;
                let user = User::from_name(name).ok().flatten();
                let user = user.ok_or_else(|| format!("User '{name}' does not exist."))?;
                let peer = Peer { pid: 0, uid: user.uid.as_raw(), gid: user.gid.as_raw() };
                let useless = self.access.check(peer).is_err();
                Ok(useless.then(|| format!("User '{name}' is not in the group that can connect to the VSP.")))
            }
            Setting::Group(grant) if grant.rights.is_some() => {
                let found = Group::from_name(&grant.name).ok().flatten();
                found.map(|_| None).ok_or_else(|| format!("Group '{}' does not exist.", grant.name))
            }
            _ => Ok(None),
        }
    }

    /// The changes with names of this VSP's devices in the form that statements are kept in.
    fn translated(&self, changes: &[DeviceChange]) -> Result<Vec<DeviceChange>, ConfigError> {
        let translate = |change: &DeviceChange| {
            let (DeviceChange::Add(text) | DeviceChange::Delete(text) | DeviceChange::Modify(text)) = change;
            let refused = |text| ConfigError { device: Some(change.clone()), ..conflict(text) };
            let text = self.hardware.translate(text).map_err(refused)?;
            Ok(match change {
                DeviceChange::Add(_) => DeviceChange::Add(text),
                DeviceChange::Delete(_) => DeviceChange::Delete(text),
                DeviceChange::Modify(_) => DeviceChange::Modify(text),
            })
        };
        changes.iter().map(translate).collect()
    }

    fn check_restrictions(&self, config: &GuestConfig, changes: &[DeviceChange]) -> Result<(), ConfigError> {
        match config.devices.iter().find(|device| self.devices.restricts(device.location())) {
            None => Ok(()),
            Some(device) => Err(ConfigError {
                device: Some(as_typed(device, changes)),
                ..conflict(restricted(device.location()))
            }),
        }
    }

    /// A guest whose resources are reserved gets none that another such guest has (hpvm.md 4.1.2).
    fn check_reservations(&self, config: &GuestConfig) -> Result<(), ConfigError> {
        if !config.resources_reserved {
            return Ok(());
        }
        let others =
            || self.db.configs().filter(|other| other.resources_reserved && other.number != config.number);
        let own = Stores::of(config, &self.hardware);
        for other in others() {
            if let Some(device) = own.shared(&Stores::of(other, &self.hardware), |_| false).next() {
                let (location, name) = (device.location(), &other.name);
                return Err(conflict(format!("Device '{location}' is reserved by guest '{name}'.")));
            }
        }
        let reserved: u64 = others().map(|other| other.memory_bytes).sum();
        match host_memory() {
            Some(total) if reserved.saturating_add(config.memory_bytes) > total => Err(conflict(format!(
                "Insufficient memory to reserve: {}MB wanted, the VSP has {}MB, other guests reserve {}MB.",
                config.memory_bytes >> 20,
                total >> 20,
                reserved >> 20
            ))),
            _ => Ok(()),
        }
    }

    /// What may keep a guest from starting, but not from being configured.
    fn problems(&self, config: &GuestConfig) -> Vec<String> {
        let mut texts = Vec::new();
        let own = Stores::of(config, &self.hardware);
        let mut users: BTreeMap<Placement, Vec<&str>> = BTreeMap::new();
        for other in self.db.configs().filter(|other| other.number != config.number) {
            let theirs = Stores::of(other, &self.hardware);
            let shared = own.shared(&theirs, |device| self.devices.is_device_shared(device));
            shared.for_each(|device| users.entry(device.placement()).or_default().push(&other.name));
        }
        for device in &config.devices {
            if let Some(users) = users.get(&device.placement()) {
                let (location, users) = (device.location(), users.join(", "));
                texts.push(format!("Device file '{location}' in use by another guest ({users})."));
            }
        }
        for path in [&config.kernel, &config.initrd].into_iter().filter(|path| path.starts_with('/')) {
            if !std::path::Path::new(path).is_file() {
                texts.push(format!("File '{path}' does not exist."));
            }
        }
        texts
    }

    /// What keeps a guest from starting now, whoever insists.
    pub(super) fn obstacle(&self, config: &GuestConfig) -> Option<String> {
        for device in &config.devices {
            let location = device.location();
            if self.devices.restricts(location) {
                return Some(restricted(location));
            }
            if self.devices.is_exchanged(location) {
                return Some(format!(
                    "Device WWID does not match: another device is at '{location}'. See hpvmdevmgmt -I."
                ));
            }
        }
        let own = Stores::of(config, &self.hardware);
        let others = self.guests.iter().filter(|(name, _)| **name != config.name);
        for (name, other) in others {
            let Some(running) = &other.running else { continue };
            let theirs = Stores::of(running, &self.hardware);
            let found = own.shared(&theirs, |device| self.devices.is_device_shared(device)).next();
            if let Some(device) = found {
                return Some(format!("Device '{}' is in use by running guest '{name}'.", device.location()));
            }
        }
        // After the guests: a drive that is a virtual DVD of one of them is open on the VSP for that.
        if let Some(reason) = config.devices.iter().find_map(|device| self.hardware.check_free(device).err())
        {
            return Some(reason);
        }
        for device in &config.devices {
            avio_link::set_shared(device, self.devices.is_device_shared(device));
        }
        None
    }
}

/// More than the host even has is refused unless somebody insists; what is free now says little, since guests share the
/// rest by swapping.
pub(super) fn check_memory(config: &GuestConfig) -> Result<(), String> {
    match host_memory() {
        Some(total) if config.memory_bytes > total => Err(format!(
            "Insufficient memory for guest: {}MB configured, the VSP has {}MB.",
            config.memory_bytes >> 20,
            total >> 20
        )),
        _ => Ok(()),
    }
}

/// A guest may have more virtual CPUs than the host has processors, and is then slower than it could be.
pub(super) fn warn_of_processors(config: &GuestConfig) -> Option<Remark> {
    let processors = std::thread::available_parallelism().map_or(u32::MAX, |count| count.get() as u32);
    (config.vcpus > processors).then(|| {
        let text = format!(
            "Guest needs more vcpus than server supports: {} virtual CPUs share {processors} processors.",
            config.vcpus
        );
        Remark::about(&config.name, Severity::Warning, text)
    })
}

/// Memory of the host in bytes.
pub(super) fn host_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"))?;
    Some(total.trim().parse::<u64>().ok()? << 10)
}

fn restricted(location: &str) -> String {
    format!("Device '{location}' is restricted (rdev) and cannot be used by a guest.")
}

/// Are all stores there, and none twice? To who insists, a store that is not there is only a problem.
fn check_stores(
    config: &GuestConfig,
    changes: &Changes<'_>,
    hardware: &Hardware,
) -> Result<Vec<String>, ConfigError> {
    let Err((text, device)) = stores::check(config, hardware) else { return Ok(Vec::new()) };
    let sysfs = Sysfs::default();
    let look = |device| stores::survey(device, hardware, &sysfs).err();
    let missing: Vec<String> = config.devices.iter().filter_map(look).collect();
    match changes.manner {
        Manner::Forced if missing.contains(&text) => Ok(missing),
        _ => {
            let device = Some(as_typed(&device, changes.devices));
            Err(ConfigError { device, ..conflict(text) })
        }
    }
}

/// ISO files that everybody can change are not offered at the console (hpvm.md 6.7).
fn warn_of_writable_discs(config: &GuestConfig, changes: &[DeviceChange]) -> Vec<Remark> {
    let is_new = |device: &&StorageStatement| {
        (device.device(), device.storage()) == (DeviceType::Dvd, StorageType::File)
            && typed(device, changes).is_some()
    };
    let is_writable = |device: &&StorageStatement| {
        fs::metadata(device.location()).is_ok_and(|found| found.is_file() && found.mode() & 0o002 != 0)
    };
    let discs = config.devices.iter().filter(is_new).filter(is_writable);
    let remark = |device: &StorageStatement| {
        let text = format!(
            "File '{}' is world-writable: it is not available at the virtual console. Use chmod o-w.",
            device.location()
        );
        Remark::about(&config.name, Severity::Warning, text)
    };
    discs.map(remark).collect()
}

/// The operator's option that means a device, in his own spelling.
fn as_typed(device: &StorageStatement, changes: &[DeviceChange]) -> DeviceChange {
    typed(device, changes).unwrap_or_else(|| DeviceChange::Add(device.to_string()))
}

/// The same, if there is one.
pub(super) fn typed(device: &StorageStatement, changes: &[DeviceChange]) -> Option<DeviceChange> {
    let is_meant = |change: &&DeviceChange| {
        let (DeviceChange::Add(text) | DeviceChange::Delete(text) | DeviceChange::Modify(text)) = change;
        text.parse::<StorageStatement>().is_ok_and(|typed| {
            typed.placement().address().is_none_or(|address| device.placement() == address.into())
                && (typed.device(), typed.storage(), typed.location())
                    == (device.device(), device.storage(), device.location())
        })
    };
    changes.iter().find(is_meant).cloned()
}

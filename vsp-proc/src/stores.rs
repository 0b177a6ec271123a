//! Backing stores as far as the VSP's databases are concerned: is what a statement names there, and who has it.
//!
//! What is locked against others is decided by the opened store itself (`storage`); this module only looks.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use storage::statement::{DeviceType, StorageStatement, StorageType};

use crate::db::GuestConfig;

/// Least size of a virtual disk in bytes.
const MINIMUM_DISK: u64 = 512;

/// The host object behind a path: two paths to one object are equal.
pub(crate) type Object = (u64, u64);

/// The host object a device of a guest names.
///
/// # Errors
/// In HPVM's words, why it cannot be a backing store.
pub(crate) fn examine(statement: &StorageStatement) -> Result<Object, String> {
    let (device, storage) = (statement.device(), statement.storage());
    if (device, storage) != (DeviceType::Disk, StorageType::File) {
        return Err(format!("Device type '{device}' on storage type '{storage}' is not supported yet."));
    }
    let location = statement.location();
    let found = fs::metadata(Path::new(location)).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => format!("Device '{location}' does not exist."),
        _ => format!("Device '{location}' cannot be used: {e}."),
    })?;
    if !found.is_file() {
        return Err(format!("'{location}' is not a regular file."));
    }
    if found.len() < MINIMUM_DISK {
        return Err(format!("Device '{location}' is smaller than the minimum of {MINIMUM_DISK} bytes."));
    }
    Ok((found.dev(), found.ino()))
}

/// Checks all devices of a guest: each there, none twice.
///
/// # Errors
/// What is wrong, and the statement concerned.
pub(crate) fn check(config: &GuestConfig) -> Result<(), (String, StorageStatement)> {
    let mut seen: Vec<Object> = Vec::new();
    for statement in &config.devices {
        let object = examine(statement).map_err(|text| (text, statement.clone()))?;
        if seen.contains(&object) {
            let text = format!("Device '{}' is already used by this guest.", statement.location());
            return Err((text, statement.clone()));
        }
        seen.push(object);
    }
    Ok(())
}

/// Devices of `config` whose store `other` has too.
pub(crate) fn shared<'a>(
    config: &'a GuestConfig,
    other: &GuestConfig,
) -> impl Iterator<Item = &'a StorageStatement> {
    let theirs: Vec<Object> = other.devices.iter().filter_map(|device| examine(device).ok()).collect();
    config.devices.iter().filter(move |device| examine(device).is_ok_and(|object| theirs.contains(&object)))
}

/// Size in bytes of the store of a device, if it is there.
pub(crate) fn size(statement: &StorageStatement) -> Option<u64> {
    match statement.storage() {
        StorageType::File => fs::metadata(statement.location()).ok().map(|found| found.len()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::message::DeviceChange;

    fn guest(devices: &[String]) -> GuestConfig {
        let mut config = GuestConfig::new("ivm1".into(), 1);
        let changes: Vec<_> = devices.iter().cloned().map(DeviceChange::Add).collect();
        config.apply_devices(&changes).unwrap();
        config
    }

    #[test]
    fn stores_are_recognized_by_what_they_are() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("a"), [0; 4096]).unwrap();
        fs::hard_link(path("a"), path("link")).unwrap();
        fs::write(path("tiny"), [0; 511]).unwrap();
        let disk = |name: &str| format!("disk:avio_stor::file:{}", path(name).display());
        let refusal = |devices: &[String]| check(&guest(devices)).unwrap_err().0;

        check(&guest(&[disk("a")])).unwrap();
        assert!(refusal(&[disk("a"), disk("link")]).ends_with("link' is already used by this guest."));
        assert!(refusal(&[disk("none")]).ends_with("none' does not exist."));
        assert!(refusal(&[disk("tiny")]).ends_with("tiny' is smaller than the minimum of 512 bytes."));
        assert!(refusal(&["disk:avio_stor::file:/".into()]).ends_with("is not a regular file."));
        assert_eq!(shared(&guest(&[disk("a")]), &guest(&[disk("link")])).count(), 1);
    }
}

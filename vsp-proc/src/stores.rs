//! Backing stores as far as the VSP's databases are concerned: is what a statement names there, and who has it.
//!
//! What is locked against others is decided by the opened store itself (`storage`), and of attached devices by their
//! arbiters; this module only looks.

use storage::backing::Examined;
use storage::identity::Footprint;
use storage::statement::{StorageStatement, StorageType};
use storage::sysfs::Sysfs;
use storage::unit;

use crate::db::GuestConfig;
use crate::hardware::Hardware;

/// Looks at what a statement names, without opening it.
///
/// # Errors
/// It cannot be used, for the operator.
pub(crate) fn survey(
    statement: &StorageStatement,
    hardware: &Hardware,
    sysfs: &Sysfs,
) -> Result<Examined, String> {
    match statement.storage() {
        StorageType::AttachPath => hardware.examine(statement),
        _ => unit::survey(statement, sysfs).map_err(|error| error.to_string()),
    }
}

/// Checks all devices of a guest: each there, none twice, none on another.
///
/// # Errors
/// What is wrong, and the statement concerned.
pub(crate) fn check(config: &GuestConfig, hardware: &Hardware) -> Result<(), (String, StorageStatement)> {
    let sysfs = Sysfs::default();
    let mut seen: Vec<(Footprint, &StorageStatement)> = Vec::new();
    for statement in &config.devices {
        let found = survey(statement, hardware, &sysfs).map_err(|text| (text, statement.clone()))?;
        let footprint = found.footprint;
        if let Some((other, earlier)) = seen.iter().find(|(other, _)| other.overlaps(&footprint)) {
            let location = statement.location();
            let text = match other.identity() == footprint.identity() {
                true => format!("Device '{location}' is already used by this guest."),
                false => format!("Device '{location}' overlaps '{}' of this guest.", earlier.location()),
            };
            return Err((text, statement.clone()));
        }
        seen.push((footprint, statement));
    }
    Ok(())
}

/// The stores of a guest, looked at once to be compared with those of many others.
pub(crate) struct Stores<'a> {
    found: Vec<(&'a StorageStatement, Footprint)>,
}

impl<'a> Stores<'a> {
    /// Those of them that are there.
    pub(crate) fn of(config: &'a GuestConfig, hardware: &Hardware) -> Stores<'a> {
        let sysfs = Sysfs::default();
        let look = |statement| Some((statement, survey(statement, hardware, &sysfs).ok()?.footprint));
        Stores { found: config.devices.iter().filter_map(look).collect() }
    }

    /// Devices that have storage in common with one of `others`, and may not.
    pub(crate) fn shared(
        &self,
        others: &Stores<'_>,
        may_be_shared: impl Fn(&StorageStatement) -> bool,
    ) -> impl Iterator<Item = &'a StorageStatement> {
        let collides = move |(own, footprint): &&(&StorageStatement, Footprint)| {
            others.found.iter().any(|(other, theirs)| {
                // Only the very same storage, and only as the same kind of device.
                let is_same = theirs.identity() == footprint.identity() && own.device() == other.device();
                theirs.overlaps(footprint) && !(is_same && may_be_shared(own))
            })
        };
        self.found.iter().filter(collides).map(|(statement, _)| *statement)
    }
}

/// Size in bytes of the store of a device, if it is there and has one.
pub(crate) fn size(statement: &StorageStatement, hardware: &Hardware) -> Option<u64> {
    survey(statement, hardware, &Sysfs::default()).ok()?.len_bytes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::root::StateRoot;
    use ipc::message::DeviceChange;

    fn hardware(directory: &tempfile::TempDir) -> Hardware {
        Hardware::open(&StateRoot::at(directory.path()))
    }

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
        let dvd = |name: &str| format!("dvd:avio_stor::file:{}", path(name).display());
        let hardware = hardware(&directory);
        let refusal = |devices: &[String]| check(&guest(devices), &hardware).unwrap_err().0;

        check(&guest(&[disk("a")]), &hardware).unwrap();
        assert!(refusal(&[disk("a"), disk("link")]).ends_with("link' is already used by this guest."));
        assert!(refusal(&[disk("a"), dvd("link")]).ends_with("link' is already used by this guest."));
        assert!(refusal(&[disk("none")]).ends_with("none' does not exist."));
        assert!(refusal(&[disk("tiny")]).ends_with("tiny' is smaller than the minimum of 512 bytes."));
        assert!(refusal(&[dvd("tiny")]).ends_with("tiny' is smaller than the minimum of 2048 bytes."));
        assert!(refusal(&["disk:avio_stor::file:/".into()]).ends_with("is not a regular file."));
        assert!(refusal(&["disk:avio_stor::disk:/".into()]).ends_with("is not a block device."));
        assert!(
            refusal(&["dvd:avio_stor::null:/dev/null".into()]).ends_with("neither a directory nor a drive.")
        );
        let tape = "tape:avio_stor::attach_path:0/7/1/1.0x500104f00048b29e.0x0";
        assert_eq!(refusal(&[tape.into()]), "Lunpath '0/7/1/1.0x500104f00048b29e.0x0' does not exist.");
    }

    #[test]
    fn only_the_same_kind_of_device_can_be_shared_between_guests() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, [0; 4096]).unwrap();
        let on = |device: &str| guest(&[format!("{device}:avio_stor::file:{}", path.display())]);
        let (disk, dvd) = (on("disk"), on("dvd"));
        let hardware = hardware(&directory);
        let of = |guest| Stores::of(guest, &hardware);
        let count = |one, other, may| of(one).shared(&of(other), |_| may).count();
        for (one, other, is_same) in [(&disk, &disk, true), (&disk, &dvd, false), (&dvd, &dvd, true)] {
            assert_eq!(count(one, other, false), 1);
            assert_eq!(count(one, other, true), usize::from(!is_same));
        }
    }

    #[test]
    fn guest_with_all_its_devices_is_checked_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let devices: Vec<String> = (0..256)
            .map(|number| {
                let path = directory.path().join(format!("disk{number}"));
                fs::write(&path, [0; 512]).unwrap();
                format!("disk:avio_stor::file:{}", path.display())
            })
            .collect();
        let config = guest(&devices);
        let hardware = hardware(&directory);
        check(&config, &hardware).unwrap();
        let of = |config| Stores::of(config, &hardware);
        assert_eq!(of(&config).shared(&of(&config), |_| false).count(), 256);
    }
}

//! Discs of DVD drives, changed at the console: for as long as the guest runs (hpvm.md 6.7).
//!
//! A drive has its discs from one source that the VSP's administrator chose: a drive of the VSP, or a directory. Whoever
//! changes discs at the console has that choice alone.

use std::collections::BTreeSet;
use std::path::Path;

use ipc::message::{DeviceChange, Manner, Refusal};
use storage::backing::discs_in;
use storage::statement::{Address, DeviceType, StorageStatement, StorageType};

use super::Supervisor;
use super::live::{Plan, Progress, When, at};
use super::problems::Changes;
use super::requests::{conflict, host, refuse, state_error};
use crate::db::{ConfigError, GuestConfig};
use crate::supervise::guest::State;

/// Where a drive has its discs from: a directory, or a drive of the VSP. Nothing for what is no drive.
pub(super) fn source(drive: &StorageStatement) -> Option<&Path> {
    let location = Path::new(drive.location());
    match (drive.device(), drive.storage()) {
        (DeviceType::Dvd, StorageType::File) => location.parent(),
        (DeviceType::Dvd, _) => Some(location),
        _ => None,
    }
}

/// Are these the same drive with different discs of one source?
pub(super) fn differ_in_disc(one: &StorageStatement, other: &StorageStatement) -> bool {
    one.placement() == other.placement() && source(one).is_some() && source(one) == source(other)
}

/// The discs that can be put into a drive now, by path.
fn discs(drive: &StorageStatement) -> Result<Vec<String>, ConfigError> {
    let source = source(drive).ok_or_else(no_drive)?;
    if !source.is_dir() {
        return Ok(vec![drive.location().to_owned()]);
    }
    let found = discs_in(source).map_err(|e| host(format!("Cannot read '{}': {e}.", source.display())))?;
    Ok(found.into_iter().filter_map(|path| path.into_os_string().into_string().ok()).collect())
}

/// The drive with this disc, or without one.
fn with_disc(drive: &StorageStatement, disc: Option<&str>) -> Result<StorageStatement, ConfigError> {
    let source = source(drive).ok_or_else(no_drive)?;
    let (storage, location) = match disc {
        Some(disc) if source.is_dir() => (StorageType::File, disc),
        Some(disc) => (StorageType::Disk, disc),
        None => (StorageType::Null, source.to_str().unwrap_or("/")),
    };
    let refused = |refusal: storage::statement::Refusal| conflict(refusal.to_string());
    StorageStatement::new(DeviceType::Dvd, drive.placement(), storage, location).map_err(refused)
}

fn no_drive() -> ConfigError {
    conflict("Guest has no such DVD drive.".into())
}

impl Supervisor {
    /// What a guest has now: while it is off, what is configured.
    pub(super) fn current<'a>(&'a self, name: &str, config: &'a GuestConfig) -> &'a GuestConfig {
        self.guests.get(name).and_then(|guest| guest.running.as_ref()).unwrap_or(config)
    }

    /// The drive at a place, as it is now.
    fn drive(&self, name: &str, address: Option<Address>) -> Result<StorageStatement, Refusal> {
        let current = self.current(name, self.readable(name)?);
        let drive = address.and_then(|address| at(current, address));
        let drive = drive.filter(|device| device.device() == DeviceType::Dvd);
        drive.cloned().ok_or_else(|| refuse(name, no_drive(), UNABLE))
    }

    /// The discs that are offered for a drive.
    pub(super) fn list_discs(&self, name: &str, address: Option<Address>) -> Result<Vec<String>, Refusal> {
        discs(&self.drive(name, address)?).map_err(|error| refuse(name, error, UNABLE))
    }

    /// Puts a disc into a drive, or takes the one in it out: while the guest runs for this run alone.
    pub(super) fn change_disc(
        &mut self,
        name: &str,
        address: Option<Address>,
        disc: Option<&str>,
    ) -> Result<Progress, Refusal> {
        let state = self.guests.get(name).map_or(State::Off, |guest| guest.state.clone());
        if state == State::Reattaching {
            return Ok(Progress::Wait(When::Reached(name.to_owned())));
        }
        let refused = |error: ConfigError| refuse(name, error, UNABLE);
        let drive = self.drive(name, address)?;
        let is_loaded = drive.storage() != StorageType::Null;
        match disc {
            Some(_) if is_loaded => {
                return Err(refused(conflict("There is a disc in the drive already.".into())));
            }
            Some(disc) if !discs(&drive).map_err(refused)?.iter().any(|offered| offered == disc) => {
                return Err(refused(conflict(format!("Disc '{disc}' is not available for the drive."))));
            }
            None if !is_loaded => return Err(refused(conflict("There is no disc in the drive.".into()))),
            _ => {}
        }
        let statement = with_disc(&drive, disc).map_err(refused)?;
        if state == State::Off {
            let changes = [DeviceChange::Modify(statement.to_string())];
            return self.modify(
                name,
                &Changes { settings: &[], devices: &changes, manner: Manner::Normal },
                None,
            );
        }
        let running = self.guests.get(name).and_then(|guest| guest.running.as_ref());
        let (Some(running), Some(address)) = (running.filter(|_| state.has_machine()), address) else {
            return Err(refused(state_error("Guest is still stopping.")));
        };
        let plan = Plan::disc(running, address, &statement);
        self.apply(name, None, plan, &BTreeSet::new()).map_err(|(_, error)| refused(error))?;
        Ok(Progress::Done(Vec::new()))
    }
}

const UNABLE: &str = "Unable to change the disc.";

#[cfg(test)]
mod tests {
    use super::*;

    fn drive(text: &str) -> StorageStatement {
        text.parse().unwrap()
    }

    #[test]
    fn discs_go_back_to_where_they_came_from() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().display();
        let (file, empty) = (
            drive(&format!("dvd:avio_stor:7,7,127:file:{home}/a.iso")),
            format!("dvd:avio_stor:7,7,127:null:{home}"),
        );
        assert_eq!(with_disc(&file, None).unwrap().to_string(), empty);
        let again = with_disc(&drive(&empty), Some(&format!("{home}/b.iso"))).unwrap();
        assert_eq!(again.to_string(), format!("dvd:avio_stor:7,7,127:file:{home}/b.iso"));
        assert!(differ_in_disc(&again, &file) && differ_in_disc(&again, &drive(&empty)));
        let (loaded, empty) =
            (drive("dvd:avio_stor:0,0,1:disk:/dev/sr9"), drive("dvd:avio_stor:0,0,1:null:/dev/sr9"));
        assert_eq!(with_disc(&loaded, None).unwrap(), empty);
        assert_eq!(with_disc(&empty, Some("/dev/sr9")).unwrap(), loaded);
        assert_eq!(discs(&empty).unwrap(), ["/dev/sr9"]);
        assert!(!differ_in_disc(&loaded, &file));
        assert!(with_disc(&drive("disk:avio_stor:0,0,1:file:/a"), None).is_err());
    }
}

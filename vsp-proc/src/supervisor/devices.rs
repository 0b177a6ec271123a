//! `hpvmdevmgmt`: requests about the device management database.

use std::fs::{self, File};
use std::path::Path;

use ipc::device::{DeviceFilter, DeviceKind, DeviceRequest};
use ipc::message::{Acceptance, DeviceChange, Manner, Refusal, RefusalKind, Remark, VspToClient};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use storage::backing::RawFile;
use storage::statement::StorageStatement;

use super::problems::Changes;
use super::requests::{refusal, refuse, state_error};
use super::{Reply, Supervisor};
use crate::db::{GuestConfig, Status};
use crate::supervise::run::Run;

impl Supervisor {
    /// Carries out one request.
    pub(super) fn manage_devices(
        &mut self,
        request: DeviceRequest,
        reply: &Reply,
    ) -> Result<VspToClient, Refusal> {
        let done = match self.named(request) {
            DeviceRequest::List { kind, filter } => {
                return Ok(VspToClient::Devices(self.devices.list(kind, &filter)));
            }
            DeviceRequest::Replace { old, new } => return self.replace_device(&old, &new),
            DeviceRequest::Add { kind, name, attributes } => self.devices.add(kind, &name, &attributes),
            DeviceRequest::Delete { kind, name } => self.devices.delete(kind, &name),
            DeviceRequest::DeleteAlias { name } => self.devices.delete_alias(&name),
            DeviceRequest::DeleteDependent { name, dependent } => {
                self.devices.delete_dependent(name.as_deref(), &dependent)
            }
            DeviceRequest::DeleteAttribute { kind, name, attribute } => {
                self.devices.delete_attribute(kind, &name, &attribute)
            }
            DeviceRequest::SetAttribute { kind, name, attribute, value } => {
                self.devices.set_attribute(kind, &name, &attribute, &value)
            }
            DeviceRequest::Reidentify => {
                // What is another device, or another size, is found out together.
                self.guests.values().filter_map(|guest| guest.run.as_ref()).for_each(Run::look);
                self.devices.reidentify()
            }
            DeviceRequest::Repair => {
                let script = self.devices.repair(self.db.configs());
                script.into_iter().for_each(|line| reply.send(VspToClient::Progress(line)));
                Ok(())
            }
            DeviceRequest::CreateFile { path, size_bytes } => {
                return create_store(Path::new(&path), size_bytes).map(with_remarks).map_err(failed);
            }
        };
        done.map(|()| with_remarks(Vec::new())).map_err(failed)
    }

    /// The request with devices under the names their entries have.
    fn named(&self, mut request: DeviceRequest) -> DeviceRequest {
        let entry_name = |name: &mut String| *name = self.hardware.entry_name(name);
        match &mut request {
            DeviceRequest::List { filter: DeviceFilter::Name(name), .. }
            | DeviceRequest::Add { name, .. }
            | DeviceRequest::Delete { name, .. }
            | DeviceRequest::DeleteDependent { name: Some(name), .. }
            | DeviceRequest::DeleteAttribute { name, .. }
            | DeviceRequest::SetAttribute { name, .. } => entry_name(name),
            DeviceRequest::Replace { old, new } => [old].into_iter().chain(new).for_each(entry_name),
            _ => {}
        }
        request
    }

    /// `-n`: every dependent guest gets the new device; all are checked before the first is changed.
    fn replace_device(&mut self, old: &str, new: &[String]) -> Result<VspToClient, Refusal> {
        let (names, dependents) = self.devices.users(old).map_err(failed)?;
        let Some(successor) = new.first() else { return Err(failed("The new device is missing.".into())) };
        let mut changed: Vec<GuestConfig> = Vec::new();
        for guest in &dependents {
            let refused = |error| refuse(guest, error, "Unable to replace the device.");
            let mut config = self.readable(guest)?.clone();
            if config.modify_status == Status::Disabled {
                let text = "Guest cannot be modified (modify_status=disabled).";
                return Err(refused(state_error(text)));
            }
            self.check_not_cloned(guest).map_err(refused)?;
            let uses_old = |device: &&StorageStatement| names.iter().any(|name| name == device.location());
            let moved = config
                .devices
                .iter()
                .filter(uses_old)
                .map(|device| DeviceChange::Modify(with_location(device, successor)));
            let moved: Vec<DeviceChange> = moved.collect();
            let changes = Changes { settings: &[], devices: &moved, manner: Manner::Normal };
            self.configure(&mut config, &changes).map_err(refused)?;
            changed.push(config);
        }
        if dependents.is_empty() {
            let former = self.devices.list(Some(DeviceKind::Gdev), &DeviceFilter::Name(old.into()));
            let attributes: Vec<(String, String)> =
                former.into_iter().flat_map(|entry| entry.attributes).collect();
            let kept =
                attributes.into_iter().filter(|(name, _)| ["USAGE", "PRESERVE"].contains(&name.as_str()));
            self.devices.add(DeviceKind::Gdev, successor, &kept.collect::<Vec<_>>()).map_err(failed)?;
        }
        for config in changed {
            let name = config.name.clone();
            self.store_changed(&name, config)
                .map_err(|e| refuse(&name, e, "Unable to replace the device."))?;
        }
        // Its last dependent took it along, unless it is preserved or never had one.
        if self.devices.users(old).is_ok() {
            self.devices.delete(DeviceKind::Gdev, old).map_err(failed)?;
        }
        self.devices.add_aliases(new).map_err(failed)?;
        Ok(with_remarks(Vec::new()))
    }
}

/// The statement of a device with another location.
fn with_location(device: &StorageStatement, location: &str) -> String {
    let text = device.to_string();
    format!("{}{location}", &text[..text.len() - device.location().len()])
}

/// Makes a file of its full size: its blocks are there already, so that a guest cannot find the disk full.
fn create_store(path: &Path, size_bytes: u64) -> Result<Vec<Remark>, String> {
    if !path.is_absolute() {
        return Err(format!("Illegal file name '{}'. Expected an absolute path.", path.display()));
    }
    RawFile::create(path, size_bytes).map_err(|e| e.to_string())?;
    let extend = || -> rustix::io::Result<bool> {
        let file = File::options()
            .write(true)
            .open(path)
            .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
        match fallocate(&file, FallocateFlags::empty(), 0, size_bytes) {
            Ok(()) => Ok(true),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
            Err(error) => Err(error),
        }
    };
    match extend() {
        Ok(true) => Ok(Vec::new()),
        Ok(false) => Ok(vec![Remark::plain(format!(
            "File '{}' is sparse: its file system cannot reserve the space.",
            path.display()
        ))]),
        Err(error) => {
            // Half a store is of no use.
            let _ = fs::remove_file(path);
            Err(format!("Unable to extend '{}': {error}.", path.display()))
        }
    }
}

fn with_remarks(remarks: Vec<Remark>) -> VspToClient {
    VspToClient::Accepted(Acceptance { already_done: false, remarks })
}

fn failed(text: String) -> Refusal {
    refusal(RefusalKind::Invalid, vec![Remark::plain(text)])
}

//! `hpvmdevmgmt`: requests about the device management database.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use ipc::device::{DeviceFilter, DeviceKind, DeviceRequest, HostUse};
use ipc::figures::DeviceFigures;
use ipc::message::{Acceptance, DeviceChange, Manner, Refusal, RefusalKind, Remark, Severity, VspToClient};
use storage::statement::StorageStatement;

use super::clone::reports;
use super::live::{Progress, StorageRequest, WATCH, When};
use super::problems::Changes;
use super::requests::{refusal, refuse, state_error};
use super::{Reply, Supervisor};
use crate::db::{GuestConfig, Status};
use crate::devmgmt::HostStorage;
use crate::extend::make_store;
use crate::supervise::guest::State;
use crate::supervise::run::Run;

impl Supervisor {
    /// Carries out one request; without an answer it comes later.
    pub(super) fn manage_devices(
        &mut self,
        request: DeviceRequest,
        reply: &Reply,
    ) -> Result<Option<VspToClient>, Refusal> {
        let done = match self.named(request) {
            DeviceRequest::List { kind, filter } => {
                if let Some(text) = self.devices.notice() {
                    reply.send(VspToClient::Progress(format!("WARNING: {text}")));
                }
                return Ok(Some(VspToClient::Devices(self.devices.list(kind, &filter))));
            }
            DeviceRequest::Replace { old, new } => {
                let request = StorageRequest::Replace { old, new, seen: None };
                self.change_storage(request, reply.clone(), None);
                return Ok(None);
            }
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
            DeviceRequest::HostUse(wanted) => {
                return self.host_use(wanted).map(with_remarks).map(Some).map_err(failed);
            }
            DeviceRequest::CreateFile { path, size_bytes } => {
                self.makings.begin(path, size_bytes, reply.clone())?;
                return Ok(None);
            }
        };
        done.map(|()| Some(with_remarks(Vec::new()))).map_err(failed)
    }

    /// `hpvmhostrdev`; what it means for guests that have such a device is remarked.
    fn host_use(&mut self, wanted: HostUse) -> Result<Vec<Remark>, String> {
        match wanted {
            HostUse::Restrict => self.devices.restrict_host(&HostStorage::read()),
            HostUse::Release => self.devices.release_host(),
            HostUse::Restore => self.devices.restore(&self.db),
            HostUse::AtStart(is_wanted) => self.devices.set_restricting_at_start(is_wanted),
        }?;
        let hindered = self.devices.hindered().into_iter().map(|(device, guest)| {
            let text = format!("Device '{device}' is restricted (rdev): the guest cannot be started.");
            Remark::about(&guest, Severity::Warning, text)
        });
        Ok(hindered.collect())
    }

    /// What every start of a VSP does unless `hpvmhostrdev -D` forbade it.
    pub(super) fn restrict_host_at_start(&mut self) {
        if !self.devices.is_restricting_at_start() {
            return;
        }
        match self.host_use(HostUse::Restrict) {
            Ok(remarks) => remarks.iter().for_each(|remark| tracing::warn!("{remark}")),
            Err(error) => tracing::error!(error, "devices that the VSP uses are not restricted"),
        }
    }

    /// The request with devices under the names their entries have.
    fn named(&self, mut request: DeviceRequest) -> DeviceRequest {
        let entry_name = |name: &mut String| {
            let mut names = self.hardware.entry_names(name);
            let known = names.iter().position(|name| self.devices.is_known(name));
            *name = names.swap_remove(known.unwrap_or(0));
        };
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

    /// `-n`: every dependent guest gets the new device, all of them or none. One that runs gets it at once if it does not
    /// use the old one, otherwise at its next start. `seen` is what the guests' devices had done before the request had
    /// to wait, and is set when it has to.
    pub(super) fn replace_device(
        &mut self,
        old: &str,
        new: &[String],
        seen: &mut Option<BTreeMap<String, Vec<DeviceFigures>>>,
    ) -> Result<Progress, Refusal> {
        let (names, dependents) = self.devices.users(old).map_err(failed)?;
        let Some(successor) = new.first() else { return Err(failed("The new device is missing.".into())) };
        let mut changed: Vec<(GuestConfig, Vec<DeviceChange>)> = Vec::new();
        let mut remarks = Vec::new();
        for guest in &dependents {
            let refused = |error| refuse(guest, error, UNABLE);
            let mut config = self.readable(guest)?.clone();
            if config.modify_status == Status::Disabled {
                let text = "Guest cannot be modified (modify_status=disabled).";
                return Err(refused(state_error(text)));
            }
            self.check_not_cloned(guest).map_err(refused)?;
            let uses_old = |device: &&StorageStatement| names.iter().any(|name| name == device.location());
            let old_ones = config.devices.iter().filter(uses_old);
            let moved = old_ones.map(|device| DeviceChange::Modify(with_location(device, successor)));
            let moved: Vec<DeviceChange> = moved.collect();
            remarks.extend(self.configure(&mut config, &all_of(&moved)).map_err(refused)?);
            changed.push((config, moved));
        }
        let guests = dependents.iter().filter_map(|name| Some((name, self.guests.get(name)?)));
        if let Some((name, _)) = guests.clone().find(|(_, guest)| guest.state == State::Reattaching) {
            return Ok(Progress::Wait(When::Reached(name.clone())));
        }
        let figures = guests.filter_map(|(name, guest)| Some((name.clone(), guest.run.as_ref()?.figures())));
        let figures: BTreeMap<String, Vec<DeviceFigures>> = figures.collect();
        if seen.is_none() && !figures.is_empty() {
            *seen = Some(figures);
            return Ok(Progress::Wait(When::At(Instant::now() + WATCH, Vec::new())));
        }
        self.succeed(old, successor)?;
        for (config, moved) in changed {
            let before = seen.as_ref().and_then(|seen| seen.get(&config.name)).map_or(&[][..], Vec::as_slice);
            remarks.extend(self.give(config, &moved, before)?);
        }
        // Its last dependent took it along, unless it is preserved or never had one.
        if self.devices.users(old).is_ok() {
            self.devices.delete(DeviceKind::Gdev, old).map_err(failed)?;
        }
        self.devices.add_aliases(new).map_err(failed)?;
        Ok(Progress::Done(remarks))
    }

    /// The entry of a device that takes the place of another one: what the operator decided about that stays.
    fn succeed(&mut self, old: &str, successor: &str) -> Result<(), Refusal> {
        if self.devices.users(successor).is_ok() {
            return Ok(());
        }
        let former = self.devices.list(Some(DeviceKind::Gdev), &DeviceFilter::Name(old.into()));
        let attributes = former.into_iter().flat_map(|entry| entry.attributes);
        let kept = attributes.filter(|(name, _)| ["SHARE", "USAGE", "PRESERVE"].contains(&name.as_str()));
        self.devices.add(DeviceKind::Gdev, successor, &kept.collect::<Vec<_>>()).map_err(failed)
    }

    /// Stores the configuration of a guest with a replaced device; what keeps it from having that now is a remark.
    fn give(
        &mut self,
        config: GuestConfig,
        moved: &[DeviceChange],
        seen: &[DeviceFigures],
    ) -> Result<Vec<Remark>, Refusal> {
        let name = config.name.clone();
        match self.store_and_apply(&name, config.clone(), &all_of(moved), Some(seen)) {
            Ok(Progress::Done(remarks)) => Ok(remarks),
            // Nobody waits for a guest twice.
            Ok(Progress::Wait(_)) => Ok(Vec::new()),
            Err(error) => {
                self.store_changed(&name, config).map_err(|error| refuse(&name, error, UNABLE))?;
                let text = format!("{} The guest has the new device at its next start.", error.text);
                Ok(vec![Remark::about(&name, Severity::Warning, text)])
            }
        }
    }
}

const UNABLE: &str = "Unable to replace the device.";

fn all_of(devices: &[DeviceChange]) -> Changes<'_> {
    Changes { settings: &[], devices, manner: Manner::Normal }
}

/// The statement of a device with another location.
fn with_location(device: &StorageStatement, location: &str) -> String {
    let text = device.to_string();
    format!("{}{location}", &text[..text.len() - device.location().len()])
}

/// Files that are being made (`-S`), each by a thread of its own, which also answers.
#[derive(Default)]
pub(super) struct Makings {
    threads: Vec<JoinHandle<()>>,
    /// Is the VSP ending?
    is_over: Arc<AtomicBool>,
}

impl Makings {
    fn begin(&mut self, path: String, size_bytes: u64, reply: Reply) -> Result<(), Refusal> {
        let is_over = self.is_over.clone();
        let work = move || {
            let _request = reply.span.clone().entered();
            let mut report = reports(&reply);
            let mut progress = |done, total| report(done, total) && !is_over.load(Ordering::Relaxed);
            let made = make_store(Path::new(&path), size_bytes, &mut progress);
            reply.send(match made {
                Ok(()) => with_remarks(Vec::new()),
                Err(text) => {
                    tracing::info!(path, reason = text, "store not made");
                    VspToClient::Refused(failed(text))
                }
            });
        };
        let begun = thread::Builder::new().name("store".into()).spawn(work);
        self.threads.retain(|thread| !thread.is_finished());
        self.threads.push(begun.map_err(|error| failed(format!("Unable to make a file: {error}.")))?);
        Ok(())
    }
}

impl Drop for Makings {
    /// None is left half made by a VSP that ends in order.
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

fn with_remarks(remarks: Vec<Remark>) -> VspToClient {
    VspToClient::Accepted(Acceptance { already_done: false, remarks })
}

fn failed(text: String) -> Refusal {
    refusal(RefusalKind::Invalid, vec![Remark::plain(text)])
}

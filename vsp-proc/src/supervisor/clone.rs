//! `hpvmclone`: a guest after another one, with physical duplication of stores where that is asked for (hpvm.md 4.6).
//!
//! Copying takes its time, so a thread of its own does it; meanwhile the name of the clone is taken and the original can
//! be neither started nor changed.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ipc::message::{CloneGuest, DeviceChange, Manner, Refusal, Remark, Severity, VspToClient};
use storage::backing::Kind;
use storage::statement::{DeviceType, StorageStatement, StorageType};

use super::problems::Changes;
use super::requests::{accepted, conflict, host, refuse, state_error};
use super::{Input, Reply, Supervisor};
use crate::db::{ConfigError, GuestConfig};
use crate::duplicate::{Created, Place, duplicate, records};
use crate::stores::Stores;
use crate::supervise::guest::State;

const CLONE_FAILED: &str = "Unable to clone the guest.";
/// Least time between two reports of progress.
const REPORT: Duration = Duration::from_millis(200);

/// Clones whose stores are being copied.
#[derive(Default)]
pub(super) struct Clones(Vec<Clone>);

struct Clone {
    original: String,
    config: GuestConfig,
    remarks: Vec<Remark>,
    created: Created,
    /// Who waits for it.
    reply: Reply,
}

impl Clones {
    /// Is a guest of this name being made?
    pub(super) fn is_made(&self, name: &str) -> bool {
        self.0.iter().any(|clone| clone.config.name == name)
    }
}

/// One store to be duplicated.
struct Copy {
    from: Place,
    to: Place,
    /// The option.
    statement: StorageStatement,
}

impl Supervisor {
    /// Is this guest at rest, as far as clones of it are concerned?
    pub(super) fn check_not_cloned(&self, name: &str) -> Result<(), ConfigError> {
        match self.clones.0.iter().any(|clone| clone.original == name) {
            true => Err(state_error("Guest is being cloned.")),
            false => Ok(()),
        }
    }

    /// Carries out `hpvmclone`; the answer comes at once, or when all is copied.
    pub(super) fn clone_guest(&mut self, wanted: &CloneGuest, reply: Reply) {
        let prepared =
            self.find(&wanted.guest).and_then(|original| self.prepare(&original, wanted, reply.clone()));
        let (clone, copies) = match prepared {
            Ok(prepared) => prepared,
            Err(refusal) => return reply.send(VspToClient::Refused(refusal)),
        };
        if wanted.manner == Manner::CheckOnly {
            return reply_to(clone.reply, Ok(clone.remarks));
        }
        if copies.is_empty() {
            return self.finish(clone, Ok(()));
        }
        let (inbox, name, progress) =
            (self.own_inbox.clone(), clone.config.name.clone(), clone.reply.clone());
        let work = move || {
            let result = copy_all(&copies, &progress);
            // The supervisor may have ended meanwhile; then nobody waits for this.
            let _ = inbox.send(Input::Copied { clone: name, result });
        };
        tracing::info!(guest = clone.config.name, original = clone.original, "copying stores");
        match thread::Builder::new().name("clone".into()).spawn(work) {
            Ok(_) => self.clones.0.push(clone),
            Err(error) => self.finish(clone, Err(format!("Cannot copy: {error}."))),
        }
    }

    /// All stores of a clone are copied, or one could not be.
    pub(super) fn copied(&mut self, name: &str, result: Result<(), String>) {
        if let Some(at) = self.clones.0.iter().position(|clone| clone.config.name == name) {
            let clone = self.clones.0.remove(at);
            self.finish(clone, result);
        }
    }

    fn finish(&mut self, clone: Clone, result: Result<(), String>) {
        let Clone { original, mut config, mut remarks, created, reply } = clone;
        // Others may have been created while stores were copied.
        config.number = self.db.free_number();
        let name = config.name.clone();
        let stored = result.map_err(host).and_then(|()| self.store_new(config));
        if stored.is_ok() {
            created.keep();
            remarks.extend(self.clone_software(&original, &name));
            tracing::info!(guest = name, original, "guest cloned");
        }
        reply_to(reply, stored.map(|()| remarks).map_err(|error| refuse(&name, error, CLONE_FAILED)));
    }

    /// Checks everything and makes the stores that are missing.
    fn prepare(
        &self,
        original: &str,
        wanted: &CloneGuest,
        reply: Reply,
    ) -> Result<(Clone, Vec<Copy>), Refusal> {
        let name = wanted.name.as_str();
        let refused = |error: ConfigError| refuse(name, error, CLONE_FAILED);
        let source = self.readable(original)?;
        self.check_free_name(name).map_err(refused)?;
        let mut created = Created::default();
        let mut devices = wanted.devices.clone();
        let mut todo: Vec<Copy> = Vec::new();
        for text in &wanted.copies {
            let at_fault = |error: ConfigError| {
                refused(ConfigError { device: Some(DeviceChange::Add(text.clone())), ..error })
            };
            let copy = find_copy(source, text).map_err(at_fault)?;
            if todo.iter().any(|other| other.to.path == copy.to.path) {
                let text = format!("Device '{}' is given to more than one -b.", copy.to.path.display());
                return Err(at_fault(conflict(text)));
            }
            self.check_free_store(source, &copy.statement, wanted.manner).map_err(at_fault)?;
            created.create_like(&copy.from, &copy.to).map_err(|e| at_fault(host(e.to_string())))?;
            if !is_added(&devices, &copy.to.path) {
                devices.push(DeviceChange::Modify(text.clone()));
            }
            todo.push(copy);
        }
        let is_off = self.guests.get(original).is_some_and(|guest| guest.state == State::Off);
        if !todo.is_empty() && !is_off {
            return Err(refused(state_error(&format!(
                "Guest '{original}' must be off for its storage to be copied."
            ))));
        }
        let mut config = source.clone();
        config.become_clone(name, self.db.free_number());
        let changes = Changes { settings: &wanted.settings, devices: &devices, manner: wanted.manner };
        // What a copy makes of the clone's devices was asked for by its option.
        let of_copy = |device: Option<DeviceChange>| match device {
            Some(DeviceChange::Modify(text)) if wanted.copies.contains(&text) => {
                Some(DeviceChange::Add(text))
            }
            device => device,
        };
        let mut remarks = self.configure(&mut config, &changes).map_err(|mut error| {
            error.device = of_copy(error.device);
            refused(error)
        })?;
        // That both have the same stores is what a plain clone is (hpvm.md 4.6), and is said when they start.
        let is_inherited = |location: &str| source.devices.iter().any(|device| device.location() == location);
        remarks.retain(|remark| {
            remark.severity != Some(Severity::Problem) || !remark.item().is_some_and(is_inherited)
        });
        Ok((Clone { original: original.to_owned(), config, remarks, created, reply }, todo))
    }

    /// Copying destroys what was in a store: it must be nobody's, or that of a guest that somebody insists to do that to.
    fn check_free_store(
        &self,
        original: &GuestConfig,
        store: &StorageStatement,
        manner: Manner,
    ) -> Result<(), ConfigError> {
        let mut target = original.clone();
        target.devices = vec![store.clone()];
        let target = Stores::of(&target, &self.hardware);
        let is_in = |guest: &&GuestConfig| {
            target.shared(&Stores::of(guest, &self.hardware), |_| false).next().is_some()
        };
        let users = self.db.configs().filter(|guest| manner != Manner::Forced || guest.name == original.name);
        match users.into_iter().find(is_in) {
            None => Ok(()),
            Some(user) => Err(conflict(format!(
                "Device '{}' is a device of guest '{}', whose data would be overwritten.",
                store.location(),
                user.name
            ))),
        }
    }
}

/// The store of the original that a `-b` option means, and its target.
fn find_copy(source: &GuestConfig, text: &str) -> Result<Copy, ConfigError> {
    let invalid = |text: String| ConfigError { kind: ipc::message::RefusalKind::Invalid, text, device: None };
    let wanted: StorageStatement =
        text.parse().map_err(|e: storage::statement::Refusal| invalid(e.to_string()))?;
    let is_meant = |device: &&StorageStatement| {
        wanted.placement().address().is_some()
            && device.placement() == wanted.placement()
            && device.device() == wanted.device()
    };
    let device = source.devices.iter().find(is_meant);
    let device = device.ok_or_else(|| invalid("Guest to be cloned has no such device.".into()))?;
    if device.location() == wanted.location() {
        return Err(conflict(format!("Device '{}' cannot be copied to itself.", device.location())));
    }
    match (place(device), place(&wanted)) {
        (Some(from), Some(to)) => Ok(Copy { from, to, statement: wanted }),
        _ if wanted.device() == DeviceType::Disk => {
            Err(invalid("Only storage of type 'file', 'disk' or 'lv' can be copied, and to these.".into()))
        }
        _ => Err(invalid("Of devices other than disks only storage of type 'file' can be copied.".into())),
    }
}

/// A store that can be read and written here.
fn place(device: &StorageStatement) -> Option<Place> {
    let kind = match (device.device(), device.storage()) {
        (_, StorageType::File) => Kind::File,
        (DeviceType::Disk, StorageType::Disk) => Kind::Disk,
        (DeviceType::Disk, StorageType::Lv) => Kind::LogicalVolume,
        _ => return None,
    };
    Some(Place { path: device.location().into(), kind })
}

/// Is the clone given this store by an option of its own?
fn is_added(devices: &[DeviceChange], store: &Path) -> bool {
    devices.iter().any(|change| match change {
        DeviceChange::Add(text) | DeviceChange::Modify(text) => {
            text.parse::<StorageStatement>().is_ok_and(|device| Path::new(device.location()) == store)
        }
        DeviceChange::Delete(_) => false,
    })
}

fn copy_all(copies: &[Copy], progress: &Reply) -> Result<(), String> {
    for Copy { from, to, .. } in copies {
        let total = duplicate(from, to, &mut reports(progress)).map_err(|e| e.to_string())?;
        let records = records(total);
        let lines = [
            format!("{records} records in"),
            format!("{records} records out"),
            "hpvmclone: Virtual storage cloned successfully.".to_owned(),
        ];
        lines.into_iter().for_each(|line| progress.send(VspToClient::Progress(line)));
    }
    Ok(())
}

/// Tells a client now and then how far something is; false when nobody waits for it any more, who then does not want it.
pub(super) fn reports(progress: &Reply) -> impl FnMut(u64, u64) -> bool + '_ {
    let mut next = Instant::now();
    move |done_bytes, total_bytes| {
        if done_bytes < total_bytes && Instant::now() < next {
            return true;
        }
        next = Instant::now() + REPORT;
        progress.is_heard(VspToClient::Copied { done_bytes, total_bytes })
    }
}

fn reply_to(reply: Reply, outcome: Result<Vec<Remark>, Refusal>) {
    reply.send(accepted(outcome).unwrap_or_else(VspToClient::Refused));
}

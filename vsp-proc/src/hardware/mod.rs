//! The devices of the VSP that have names of their own: the host's disks and drives, SCSI tapes and changers, and the
//! devices the VSP emulates (hpvm.md 7.4, 10.1).
//!
//! ```text
//!   host (/sys) ──┐            ┌─ database: instances, device files, lunpaths
//!   emulated ─────┼──► found ──┤
//!                 │            └─ Shared: arbiter and ports, of those that are attached
//!                 └── holds: who holds what, for the next VSP
//! ```
//!
//! What a device is called is kept in `common/ioconfig`, which devices are emulated in `common/emulated`, who holds which
//! in `run/holds`, and what state they are in, in `run/units`.

mod database;
mod emulated;
mod holds;
mod host;
mod names;
mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipc::io::{CartridgeAction, Emulated, EmulatedPlan, IoDevice, OpenFailure};
use storage::attached::arbiter::Party;
use storage::attached::{Denial, Description, Device, HostDevice, Medium, PassThrough, Shared, Wwid};
use storage::backing::Examined;
use storage::identity::{Footprint, unit_id};
use storage::scsi::reservation::Power;
use storage::scsi::{Initiator, Target};
use storage::statement::{DeviceType, StorageStatement, StorageType};
use storage::sysfs::Sysfs;

use crate::root::StateRoot;
use crate::supervise::record::{Found as GuestFound, Record as GuestRecord};
use database::Database;
use emulated::{Emulations, Keep};
use holds::Holds;
use names::Class;
use state::State;

/// Beginning of the lunpaths of emulated devices: no PCI device is there.
const EMULATED_ADAPTER: &str = "255/0/0";

/// A device that is there.
#[derive(Clone)]
struct Found {
    class: Class,
    /// As what guests can be given it.
    device_type: Option<DeviceType>,
    wwid: Wwid,
    description: Description,
    lunpaths: Vec<String>,
    /// Device files, files and directories of the host that it consists of.
    host: Vec<PathBuf>,
    medium: Option<Medium>,
    source: Source,
}

/// Where a device comes from.
#[derive(Clone)]
enum Source {
    /// A disk of the host, which is not attached but a backing store.
    Disk,
    /// A device of the host that is passed through.
    Host(HostDevice),
    /// The VSP emulates it.
    Emulated(Arc<dyn Device>),
}

/// All devices; clones are the same.
#[derive(Clone)]
pub(crate) struct Hardware(Arc<Inner>);

struct Inner {
    sys: PathBuf,
    holds: Arc<Holds>,
    state: Mutex<State>,
}

impl fmt::Debug for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hardware").finish_non_exhaustive()
    }
}

/// What keeps a guest from a device.
pub(crate) type Reason = String;

impl Hardware {
    /// Reads what is known and looks for hardware.
    pub(crate) fn open(root: &StateRoot) -> Hardware {
        // What drives keep is for guests that run on; without any, the power was off.
        let guests = fs::read_dir(root.guests()).into_iter().flatten().flatten();
        let is_alive = |guest: fs::DirEntry| matches!(GuestRecord::find(&guest.path()), GuestFound::Alive(_));
        let power = if guests.into_iter().any(is_alive) { Power::Kept } else { Power::Lost };
        let keep = Keep { units: root.units(), reservations: root.reservations(), power };
        if power == Power::Lost {
            let _ = fs::remove_dir_all(&keep.units);
        }
        if let Err(error) = fs::create_dir_all(&keep.units) {
            tracing::error!(path = %keep.units.display(), %error, "units cannot keep their state");
        }
        Hardware::open_at(&root.common(), &root.run(), keep, Path::new("/sys"))
    }

    fn open_at(common: &Path, run: &Path, keep: Keep, sys: &Path) -> Hardware {
        let file = common.join("emulated");
        let emulations = Emulations::open(file.clone(), keep.clone()).unwrap_or_else(|reason| {
            tracing::error!(path = %file.display(), reason, "the list of emulated devices is damaged");
            // Kept beside: it names what an operator made.
            let _ = fs::rename(&file, file.with_extension("damaged"));
            Emulations::none(file, keep)
        });
        let state = State {
            database: Database::open(common.join("ioconfig")),
            emulations,
            found: Vec::new(),
            shared: BTreeMap::new(),
            held: BTreeMap::new(),
            guests: BTreeMap::new(),
        };
        let holds = Holds::open(run.join("holds"));
        let hardware = Hardware(Arc::new(Inner { sys: sys.to_owned(), holds, state: Mutex::new(state) }));
        hardware.scan();
        hardware
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for hardware, and gives names to what is new.
    pub(crate) fn scan(&self) {
        let mut found = host::scan(&self.0.sys);
        let mut state = self.state();
        found.extend(state.emulations.objects().into_iter().map(emulated_found));
        for device in &found {
            let names = (device.description.vendor.as_str(), device.description.product.as_str());
            state.database.see(device.class, &device.wwid.0, names, &device.lunpaths);
        }
        state.found = found;
        if let Err(error) = state.database.save() {
            tracing::error!(%error, "cannot store the I/O configuration");
        }
    }

    /// All devices, by class and instance.
    pub(crate) fn list(&self) -> Vec<IoDevice> {
        let state = self.state();
        state.database.records().iter().map(|record| state.shown(record)).collect()
    }

    /// A statement in which names of this VSP's devices are what statements are made of: lunpaths of what is attached,
    /// paths of the host's disks and volumes. Text that is none is left as it is.
    ///
    /// # Errors
    /// A device file that leads to no device.
    pub(crate) fn translate(&self, text: &str) -> Result<String, Reason> {
        let mut fields = text.splitn(5, ':');
        let (Some(_), Some(_), Some(_), Some(storage), Some(location)) =
            (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Ok(text.to_owned());
        };
        let location = match storage.to_ascii_lowercase().as_str() {
            "attach_path" if location.starts_with('/') => self.lunpath(location)?,
            "disk" | "null" => self.host_path(location)?,
            "lv" => host::volume(Path::new(location)).display().to_string(),
            _ => return Ok(text.to_owned()),
        };
        let keep = text.len() - text.splitn(5, ':').last().map_or(0, str::len);
        Ok(format!("{}{location}", &text[..keep]))
    }

    /// The host's path that a device file means; any other path is itself.
    ///
    /// # Errors
    /// A device file that leads to no device.
    pub(crate) fn host_path(&self, name: &str) -> Result<String, Reason> {
        if !names::is_device_file(name) {
            return Ok(name.to_owned());
        }
        let located = self.state().locate(name);
        let found = located.and_then(|located| located.found).filter(|found| found.class == Class::Disk);
        match found.and_then(|found| found.host.into_iter().next()) {
            Some(path) => Ok(host::persistent(&path).display().to_string()),
            // It may be a file of the host after all.
            None if Path::new(name).exists() => Ok(name.to_owned()),
            None => Err(missing(name)),
        }
    }

    /// The names under which the device management database may have a device: lunpath and path of the host, or what was
    /// given. A drive can have both, for it can be attached and be a virtual DVD.
    pub(crate) fn entry_names(&self, name: &str) -> Vec<String> {
        if !names::is_device_file(name) {
            return vec![name.to_owned()];
        }
        let path = self.host_path(name).ok().filter(|path| path != name);
        let lunpath = self.lunpath(name).ok();
        let names: Vec<String> = path.into_iter().chain(lunpath).collect();
        if names.is_empty() { vec![name.to_owned()] } else { names }
    }

    fn lunpath(&self, name: &str) -> Result<String, Reason> {
        let located = self.state().locate(name).ok_or_else(|| missing(name))?;
        let first = located.record.lunpaths.into_iter().next();
        first.map(|lunpath| lunpath.path).ok_or_else(|| missing(name))
    }

    /// Looks at the device an attached device's statement names.
    ///
    /// # Errors
    /// It is not there, or is something else.
    pub(crate) fn examine(&self, statement: &StorageStatement) -> Result<Examined, Reason> {
        let found = self.attachable(statement)?;
        let sysfs = Sysfs::default();
        let parts = found.host.iter().flat_map(|path| with_entries(path));
        let under = parts.filter_map(|path| Some(Footprint::of(&fs::metadata(path).ok()?, &sysfs)));
        let footprint = Footprint::of_unit(unit_id(&found.wwid.0), under);
        Ok(Examined { footprint, len_bytes: found.medium.map(|medium| medium.len_bytes) })
    }

    fn attachable(&self, statement: &StorageStatement) -> Result<Found, Reason> {
        let location = statement.location();
        let absent = || format!("Lunpath '{location}' does not exist.");
        let located = self.state().locate(location).ok_or_else(absent)?;
        let found = located.found.filter(|found| found.lunpaths.iter().any(|path| path == location));
        let found = found.ok_or_else(absent)?;
        match found.device_type == Some(statement.device()) {
            true => Ok(found),
            false => Err(format!("Lunpath '{location}' is not a {} device.", statement.device())),
        }
    }

    /// Whether the VSP itself has the device open, so that it cannot be attached now.
    ///
    /// # Errors
    /// It has.
    pub(crate) fn check_free(&self, statement: &StorageStatement) -> Result<(), Reason> {
        if statement.storage() != StorageType::AttachPath {
            return Ok(());
        }
        let shared = self.shared(&self.attachable(statement)?)?;
        let is_held = match shared.holder() {
            Some(holder) => holder == Party::Host,
            None => shared.device().is_open_on_host(),
        };
        match is_held {
            true => Err(format!("Device '{}' is in use by the VSP.", statement.location())),
            false => Ok(()),
        }
    }

    /// A port of an attached device, for the guest of this name.
    ///
    /// # Errors
    /// The device cannot be used.
    pub(crate) fn port(
        &self,
        statement: &StorageStatement,
        (initiator, guest): (Initiator, &str),
        denial: Denial,
    ) -> Result<Arc<dyn Target>, Reason> {
        let shared = self.shared(&self.attachable(statement)?)?;
        self.state().guests.insert(initiator, guest.to_owned());
        Ok(shared.port(initiator, denial))
    }

    /// Who holds an attached device: a guest's name, or `VSP`.
    pub(crate) fn in_use_by(&self, lunpath: &str) -> Option<String> {
        let state = self.state();
        let located = state.locate(lunpath)?;
        state.in_use_by(&located.record.wwid)
    }

    /// Kind and world-wide name of what a lunpath, or a path of the host, leads to.
    pub(crate) fn identify(&self, name: &str) -> Option<(&'static str, String)> {
        let found = self.state().locate(name)?.found?;
        let kind = match found.device_type {
            Some(DeviceType::Tape) => "TAPE",
            Some(DeviceType::Changer) => "CHANGER",
            Some(DeviceType::Burner) => "BURNER",
            _ => "DISK",
        };
        Some((kind, found.wwid.0.replace([':', ',', ' '], "-")))
    }

    /// Device files of what a lunpath leads to.
    pub(crate) fn files(&self, lunpath: &str) -> Vec<String> {
        let located = self.state().locate(lunpath);
        located.map(|located| located.record.class.files(located.record.instance)).unwrap_or_default()
    }

    /// These guests run, by UUID and name; what others held is free.
    pub(crate) fn keep_holders(&self, running: &BTreeMap<Initiator, String>) {
        let devices: Vec<Found> =
            self.state().found.iter().filter(|found| found.device_type.is_some()).cloned().collect();
        self.state().guests.extend(running.iter().map(|(initiator, name)| (*initiator, name.clone())));
        for device in devices {
            if self.0.holds.is_noted(&device.wwid)
                && let Ok(shared) = self.shared(&device)
            {
                shared.forget_unless(|guest| running.contains_key(&guest));
            }
        }
    }

    /// What `diskinfo` tells of a device, which it opens for that.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn describe(&self, name: &str) -> Result<ipc::io::Description, OpenFailure> {
        let located = self.state().locate(name).ok_or(match Path::new(name).exists() {
            true => OpenFailure::NotADevice,
            false => OpenFailure::NotFound,
        })?;
        let found = located.found.ok_or(OpenFailure::NoDevice)?;
        let shared = match found.device_type {
            Some(_) => Some(self.shared(&found).map_err(|_| OpenFailure::NoDevice)?),
            None => None,
        };
        let _held = shared.as_ref().map(Shared::hold).transpose().map_err(|_| OpenFailure::Busy)?;
        let medium = shared.as_ref().map_or(found.medium, |shared| shared.device().medium());
        let Description { vendor, product, revision, serial } = found.description;
        let kind = match (found.class, found.device_type) {
            (Class::Disk, Some(_)) => "CD-ROM",
            (Class::Disk, None) => "direct access",
            (Class::Tape, _) => "sequential access",
            (Class::Autoch, _) => "medium changer",
        };
        let size = medium.map(|medium| (medium.len_bytes, medium.block_len));
        Ok(ipc::io::Description { vendor, product, revision, serial, kind: kind.into(), size })
    }

    /// Keeps guests away from a device.
    ///
    /// # Errors
    /// One line for the operator.
    pub(crate) fn hold(&self, name: &str) -> Result<(), Reason> {
        let found =
            self.state().locate(name).and_then(|located| located.found).ok_or_else(|| missing(name))?;
        let shared = self.shared(&found)?;
        let mut state = self.state();
        if state.held.contains_key(&found.wwid.0) {
            return Err(format!("Device '{name}' is held already."));
        }
        let held = shared.hold();
        match held {
            Ok(hold) => {
                state.held.insert(found.wwid.0, hold);
                Ok(())
            }
            Err(_) => {
                let holder = state.in_use_by(&found.wwid.0).unwrap_or_else(|| "the host".into());
                Err(format!("Device '{name}' is in use by {holder}."))
            }
        }
    }

    /// Gives a device free that [`Hardware::hold`] has.
    ///
    /// # Errors
    /// One line for the operator.
    pub(crate) fn release(&self, name: &str) -> Result<(), Reason> {
        let mut state = self.state();
        let located = state.locate(name).ok_or_else(|| missing(name))?;
        let held = state.held.remove(&located.record.wwid);
        held.map(drop).ok_or_else(|| format!("Device '{name}' is not held."))
    }

    /// Makes an emulated device.
    ///
    /// # Errors
    /// One line for the operator.
    pub(crate) fn create(&self, path: &str, plan: &EmulatedPlan) -> Result<Vec<IoDevice>, Reason> {
        let names = self.state().emulations.create(Path::new(path), plan)?;
        self.scan();
        let is_new = |device: &IoDevice| names.contains(&device.wwid);
        Ok(self.list().into_iter().filter(is_new).collect())
    }

    /// The lunpaths of an emulated device, by its path or any of its names.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn lunpaths_of(&self, name: &str) -> Result<Vec<String>, Reason> {
        let state = self.state();
        let names = state.emulations.names(&state.emulated_path(name))?;
        let records = state.database.records().iter().filter(|record| names.contains(&record.wwid));
        Ok(records.flat_map(|record| record.lunpaths.iter().map(|lunpath| lunpath.path.clone())).collect())
    }

    /// Takes an emulated device away, which no guest may be configured with.
    ///
    /// # Errors
    /// One line for the operator.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Reason> {
        let mut state = self.state();
        let path = state.emulated_path(name);
        for wwid in state.emulations.remove(&path)? {
            state.database.forget(&wwid);
            state.held.remove(&wwid);
            state.shared.remove(&wwid);
        }
        drop(state);
        self.scan();
        Ok(())
    }

    /// What an operator does with a cartridge.
    ///
    /// # Errors
    /// One line for him.
    pub(crate) fn handle(&self, name: &str, action: &CartridgeAction) -> Result<String, Reason> {
        let mut state = self.state();
        let path = state.emulated_path(name);
        if matches!(action, CartridgeAction::Move { .. }) {
            let devices = state.emulations.names(&path)?;
            if let Some(holder) = devices.first().and_then(|changer| state.in_use_by(changer)) {
                return Err(format!("Device '{name}' is in use by {holder}."));
            }
        }
        state.emulations.handle(&path, action)
    }

    /// All emulated devices with their media.
    pub(crate) fn emulated(&self) -> Vec<Emulated> {
        let state = self.state();
        let files = |wwid: &str| {
            let record = state.database.records().iter().find(|record| record.wwid == wwid);
            record.and_then(|record| record.class.files(record.instance).pop()).into_iter().collect()
        };
        state.emulations.list(files)
    }

    fn shared(&self, found: &Found) -> Result<Arc<Shared>, Reason> {
        let mut state = self.state();
        if let Some(shared) = state.shared.get(&found.wwid.0) {
            return Ok(Arc::clone(shared));
        }
        let device: Arc<dyn Device> = match &found.source {
            Source::Emulated(device) => Arc::clone(device),
            Source::Host(device) => PassThrough::open(device.clone()).map_err(|error| error.to_string())?,
            Source::Disk => {
                let path = found.lunpaths.first().map_or("", String::as_str);
                return Err(format!("Lunpath '{path}' is a disk, which is not attached."));
            }
        };
        let holds = &self.0.holds;
        let shared = Shared::new(device, holds.arbiter(&found.wwid), holds.keeper(found.wwid.clone()));
        state.shared.insert(found.wwid.0.clone(), Arc::clone(&shared));
        Ok(shared)
    }
}

/// A directory's media are part of the device that it is.
fn with_entries(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).chain([path.to_owned()]).collect()
}

fn emulated_found(object: emulated::Object) -> Found {
    let emulated::Object { device, path } = object;
    let wwid = device.wwid();
    let port = wwid.0.strip_prefix("naa.").unwrap_or(&wwid.0);
    let class = match device.device_type() {
        DeviceType::Tape => Class::Tape,
        DeviceType::Changer => Class::Autoch,
        _ => Class::Disk,
    };
    Found {
        class,
        device_type: Some(device.device_type()),
        description: device.description(),
        lunpaths: vec![format!("{EMULATED_ADAPTER}.0x{port}.0x0")],
        host: vec![path],
        medium: None,
        wwid,
        source: Source::Emulated(device),
    }
}

fn missing(name: &str) -> Reason {
    format!("Device '{name}' does not exist.")
}

#[cfg(test)]
mod tests;

//! The devices the VSP emulates: which there are, in a readable file, and the objects they become.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipc::io::{CartridgeAction, Emulated, EmulatedPlan, Medium};
use serde::{Deserialize, Serialize};
use storage::attached::Device;
use storage::library::{Barcode, Library, Plan};
use storage::scsi::{Changer, DataTransferElement, Reservations, TapeDrive};

use crate::fs::{HostFs, write_atomically};

const SCHEMA: u32 = 1;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Library,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Library => "library",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: Kind,
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    schema: u32,
    #[serde(default)]
    device: Vec<Entry>,
}

/// All of them.
pub(super) struct Emulations {
    file: PathBuf,
    /// Where drives keep their state while guests run.
    state: PathBuf,
    all: Vec<Emulation>,
}

/// One, as far as it could be opened.
struct Emulation {
    entry: Entry,
    state: Result<Opened, String>,
}

/// Its objects.
struct Opened {
    changer: Arc<Changer>,
    devices: Vec<Arc<dyn Device>>,
}

/// A device and where its media lie.
pub(super) struct Object {
    pub(super) device: Arc<dyn Device>,
    pub(super) path: PathBuf,
}

impl Emulations {
    /// Opens what the file names.
    ///
    /// # Errors
    /// The file is there and cannot be understood.
    pub(super) fn open(file: PathBuf, state: PathBuf) -> Result<Emulations, String> {
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(|error| error.to_string())?,
        };
        let mut all = Vec::new();
        if !text.is_empty() {
            let contents: Contents = toml::from_str(&text).map_err(|e| e.message().replace('\n', " "))?;
            if contents.schema != SCHEMA {
                return Err(format!("it has schema {}, this VSP knows {SCHEMA}", contents.schema));
            }
            all.extend(contents.device.into_iter().map(|entry| {
                let opened = open(&entry, &state);
                if let Err(reason) = &opened {
                    tracing::error!(path = %entry.path.display(), reason, "an emulated device cannot be used");
                }
                Emulation { entry, state: opened }
            }));
        }
        Ok(Emulations { file, state, all })
    }

    /// None, of a file that was damaged.
    pub(super) fn none(file: PathBuf, state: PathBuf) -> Emulations {
        Emulations { file, state, all: Vec::new() }
    }

    /// The devices that are there.
    pub(super) fn objects(&self) -> Vec<Object> {
        let of = |emulation: &Emulation| {
            let devices = emulation.state.as_ref().map_or(&[][..], |opened| &opened.devices);
            let object = |device: &Arc<dyn Device>| Object {
                device: Arc::clone(device),
                path: emulation.entry.path.clone(),
            };
            devices.iter().map(object).collect::<Vec<_>>()
        };
        self.all.iter().flat_map(of).collect()
    }

    /// Makes one; what is there already is taken as it is. Tells the world-wide names of its devices.
    pub(super) fn create(&mut self, path: &Path, plan: &EmulatedPlan) -> Result<Vec<String>, String> {
        if !path.is_absolute() {
            return Err(format!("Illegal path '{}'. Expected an absolute path.", path.display()));
        }
        if self.position(path).is_some() {
            return Err(format!("'{}' is an emulated device already.", path.display()));
        }
        let kind = match plan {
            EmulatedPlan::Library { drives, slots, ports, cartridges, capacity } => {
                let plan = Plan {
                    drives: *drives,
                    slots: *slots,
                    ports: *ports,
                    cartridges: *cartridges,
                    capacity: *capacity,
                };
                match Library::create(path, &plan) {
                    Ok(_) | Err(storage::library::LibraryError::Exists(_)) => Kind::Library,
                    Err(error) => return Err(error.to_string()),
                }
            }
            EmulatedPlan::Tape { .. } | EmulatedPlan::Burner => {
                return Err("This VSP emulates no such device.".into());
            }
        };
        let path = fs::canonicalize(path).map_err(|e| format!("Unable to use '{}': {e}.", path.display()))?;
        let entry = Entry { kind, path };
        let opened = open(&entry, &self.state)?;
        let names = opened.devices.iter().map(|device| device.wwid().0).collect();
        self.all.push(Emulation { entry, state: Ok(opened) });
        self.save().inspect_err(|_| _ = self.all.pop())?;
        Ok(names)
    }

    /// Takes one away. Tells the world-wide names of what were its devices.
    pub(super) fn remove(&mut self, path: &Path) -> Result<Vec<String>, String> {
        let at = self.position(path).ok_or_else(|| unknown(path))?;
        let removed = self.all.remove(at);
        if let Err(error) = self.save() {
            self.all.insert(at, removed);
            return Err(error);
        }
        let devices = removed.state.map(|opened| opened.devices).unwrap_or_default();
        Ok(devices.iter().map(|device| device.wwid().0).collect())
    }

    /// World-wide names of the devices of one.
    pub(super) fn names(&self, path: &Path) -> Result<Vec<String>, String> {
        let emulation = &self.all[self.position(path).ok_or_else(|| unknown(path))?];
        let devices = emulation.state.as_ref().map_or(&[][..], |opened| &opened.devices);
        Ok(devices.iter().map(|device| device.wwid().0).collect())
    }

    /// The path of the one that a device belongs to.
    pub(super) fn path_of(&self, wwid: &str) -> Option<PathBuf> {
        let has = |emulation: &&Emulation| {
            emulation.state.as_ref().is_ok_and(|opened| opened.devices.iter().any(|own| own.wwid().0 == wwid))
        };
        self.all.iter().find(has).map(|emulation| emulation.entry.path.clone())
    }

    /// What an operator does with a cartridge; one line says what has become of it.
    pub(super) fn handle(&self, path: &Path, action: &CartridgeAction) -> Result<String, String> {
        let emulation = &self.all[self.position(path).ok_or_else(|| unknown(path))?];
        let changer = &emulation.state.as_ref().map_err(Clone::clone)?.changer;
        let barcode = |text: &str| text.parse::<Barcode>().map_err(|e| e.to_string());
        match action {
            CartridgeAction::Import { barcode: name, capacity } => {
                let place = changer.import(barcode(name)?, *capacity, false).map_err(|e| e.to_string())?;
                Ok(format!("Cartridge {name} is in {place}."))
            }
            CartridgeAction::Export { barcode: name } => {
                let image = changer.export(&barcode(name)?, false).map_err(|e| e.to_string())?;
                Ok(format!("Cartridge {name} is out of the library: '{}'.", image.display()))
            }
            CartridgeAction::Move { .. } => Err("Cartridges are moved by guests.".into()),
        }
    }

    /// All, for an operator; `files` tells the device files of a world-wide name.
    pub(super) fn list(&self, files: impl Fn(&str) -> Vec<String>) -> Vec<Emulated> {
        let shown = |emulation: &Emulation| {
            let (devices, media, fault) = match &emulation.state {
                Ok(opened) => (&opened.devices[..], media(&opened.changer), None),
                Err(reason) => (&[][..], Vec::new(), Some(reason.clone())),
            };
            Emulated {
                kind: emulation.entry.kind.word().into(),
                path: emulation.entry.path.display().to_string(),
                files: devices.iter().flat_map(|device| files(&device.wwid().0)).collect(),
                fault,
                media,
            }
        };
        self.all.iter().map(shown).collect()
    }

    fn position(&self, path: &Path) -> Option<usize> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.all.iter().position(|emulation| emulation.entry.path == path)
    }

    fn save(&self) -> Result<(), String> {
        let device = self.all.iter().map(|emulation| emulation.entry.clone()).collect();
        let text = toml::to_string(&Contents { schema: SCHEMA, device }).map_err(|e| e.to_string())?;
        write_atomically(&mut HostFs, &self.file, text.as_bytes())
            .map_err(|e| format!("Cannot store '{}': {e}.", self.file.display()))
    }
}

fn unknown(path: &Path) -> String {
    format!("'{}' is no emulated device.", path.display())
}

fn open(entry: &Entry, state: &Path) -> Result<Opened, String> {
    match entry.kind {
        Kind::Library => {
            let library = Library::open(&entry.path).map_err(|e| e.to_string())?;
            let changer = Arc::new(Changer::new(library, Reservations::new()));
            let mut devices = vec![Arc::clone(&changer) as Arc<dyn Device>];
            for (number, id) in (1..).zip(changer.drives()) {
                let file = state.join(format!("tape-{}", id.simple()));
                let drive = TapeDrive::kept_in(id, &file, Reservations::new()).map_err(|e| e.to_string())?;
                let drive = Arc::new(drive);
                changer.connect(number, &(Arc::clone(&drive) as Arc<dyn DataTransferElement>));
                devices.push(drive);
            }
            Ok(Opened { changer, devices })
        }
    }
}

fn media(changer: &Changer) -> Vec<Medium> {
    let shown = |cartridge: storage::library::Cartridge| Medium {
        name: cartridge.barcode.to_string(),
        place: cartridge.place.to_string(),
        capacity: cartridge.capacity,
        write_protected: cartridge.write_protected,
    };
    changer.inventory().into_iter().map(shown).collect()
}

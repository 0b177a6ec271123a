//! The devices the VSP emulates: which there are, in a readable file, and the objects they become.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipc::io::{CartridgeAction, Emulated, EmulatedPlan, Medium};
use serde::{Deserialize, Serialize};
use storage::attached::{Device, Wwid};
use storage::backing::tap::{Cartridge, Image};
use storage::disc::{Disc, Kind as DiscKind};
use storage::identity::unit_id;
use storage::library::{Barcode, Library, LibraryError, Plan};
use storage::scsi::reservation::Power;
use storage::scsi::{Burner, Changer, DataTransferElement, Reservations, TapeDrive};
use uuid::Uuid;

use crate::fs::{HostFs, write_atomically};

const SCHEMA: u32 = 1;
/// What the image of a disc is called after its name.
const DISC_EXTENSION: &str = "iso";

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Library,
    Tape,
    Burner,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Library => "library",
            Kind::Tape => "tape",
            Kind::Burner => "burner",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: Kind,
    path: PathBuf,
    /// Name of the disc that lies in a burner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disc: Option<String>,
    /// Its devices when it was last opened: what they keep, and who has them, is known also while it cannot be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    units: Vec<Uuid>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    schema: u32,
    #[serde(default)]
    device: Vec<Entry>,
}

/// Where devices keep what is expected of them later.
#[derive(Clone)]
pub(super) struct Keep {
    /// By guests that outlive the VSP: the state of the device.
    pub(super) units: PathBuf,
    /// After a loss of power: persistent reservations.
    pub(super) reservations: PathBuf,
    /// Whether there are such guests.
    pub(super) power: Power,
}

impl Keep {
    fn state(&self, id: Uuid) -> PathBuf {
        self.units.join(id.to_string())
    }

    fn reservations_file(&self, id: Uuid) -> PathBuf {
        self.reservations.join(format!("reservations-{id}"))
    }

    fn reservations(&self, id: Uuid) -> Result<Reservations, String> {
        Reservations::kept_in(&self.reservations_file(id), self.power).map_err(|e| e.to_string())
    }

    /// The device is no more.
    fn forget(&self, id: Uuid) {
        Reservations::remove(&self.reservations_file(id));
        // There is none of a device that could not be opened.
        let _ = fs::remove_file(self.state(id));
    }
}

/// All of them.
pub(super) struct Emulations {
    file: PathBuf,
    keep: Keep,
    all: Vec<Emulation>,
}

/// One, as far as it could be opened.
struct Emulation {
    entry: Entry,
    state: Result<Opened, String>,
}

impl Emulation {
    /// World-wide names of its devices.
    fn names(&self) -> Vec<String> {
        self.entry.units.iter().map(|id| Wwid::local(*id).0).collect()
    }

    /// Takes note of the devices it has now. Those it had forget what they kept.
    fn note_units(&mut self, keep: &Keep) -> bool {
        let Ok(opened) = &self.state else { return false };
        let units = opened.ids();
        self.entry.units.iter().filter(|id| !units.contains(id)).for_each(|id| keep.forget(*id));
        let is_new = self.entry.units != units;
        self.entry.units = units;
        is_new
    }
}

/// Its objects.
enum Opened {
    Library { changer: Arc<Changer>, drives: Vec<Arc<TapeDrive>> },
    Tape(Arc<TapeDrive>),
    Burner(Arc<Burner>),
}

impl Opened {
    /// What guests can have of it, the changer first.
    fn devices(&self) -> Vec<Arc<dyn Device>> {
        match self {
            Opened::Library { changer, drives } => {
                let drives = drives.iter().map(|drive| Arc::clone(drive) as Arc<dyn Device>);
                std::iter::once(Arc::clone(changer) as Arc<dyn Device>).chain(drives).collect()
            }
            Opened::Tape(drive) => vec![Arc::clone(drive) as Arc<dyn Device>],
            Opened::Burner(burner) => vec![Arc::clone(burner) as Arc<dyn Device>],
        }
    }

    /// Where a cartridge can be moved.
    fn places(&self) -> Vec<String> {
        match self {
            Opened::Library { changer, .. } => changer.places().iter().map(ToString::to_string).collect(),
            Opened::Tape(_) | Opened::Burner(_) => Vec::new(),
        }
    }

    /// By which the devices keep their state.
    fn ids(&self) -> Vec<Uuid> {
        match self {
            Opened::Library { changer, .. } => {
                std::iter::once(changer.serial()).chain(changer.drives()).collect()
            }
            Opened::Tape(drive) => vec![drive.id()],
            Opened::Burner(burner) => vec![burner.id()],
        }
    }
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
    pub(super) fn open(file: PathBuf, keep: Keep) -> Result<Emulations, String> {
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(|error| error.to_string())?,
        };
        let mut emulations = Emulations { file, keep, all: Vec::new() };
        if !text.is_empty() {
            let contents: Contents = toml::from_str(&text).map_err(|e| e.message().replace('\n', " "))?;
            if contents.schema != SCHEMA {
                return Err(format!("it has schema {}, this VSP knows {SCHEMA}", contents.schema));
            }
            let keep = &emulations.keep;
            emulations.all.extend(contents.device.into_iter().map(|entry| {
                let state = open(&entry, keep);
                if let Err(reason) = &state {
                    tracing::error!(path = %entry.path.display(), reason, "an emulated device cannot be used");
                }
                Emulation { entry, state }
            }));
        }
        let Emulations { keep, all, .. } = &mut emulations;
        let changes = all.iter_mut().map(|emulation| emulation.note_units(keep));
        if changes.filter(|is_new| *is_new).count() > 0
            && let Err(reason) = emulations.save()
        {
            tracing::error!(reason, "the devices of a library are not noted");
        }
        Ok(emulations)
    }

    /// None, of a file that was damaged.
    pub(super) fn none(file: PathBuf, keep: Keep) -> Emulations {
        Emulations { file, keep, all: Vec::new() }
    }

    /// The devices that are there.
    pub(super) fn objects(&self) -> Vec<Object> {
        let of = |emulation: &Emulation| {
            let devices = emulation.state.as_ref().map(Opened::devices).unwrap_or_default();
            let object = |device| Object { device, path: emulation.entry.path.clone() };
            devices.into_iter().map(object).collect::<Vec<_>>()
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
                    Ok(_) | Err(LibraryError::Exists(_)) => Kind::Library,
                    Err(error) => return Err(error.to_string()),
                }
            }
            EmulatedPlan::Tape { capacity } => {
                create_tape(path, *capacity)?;
                Kind::Tape
            }
            EmulatedPlan::Burner => {
                let made = fs::create_dir_all(path);
                made.map_err(|e| format!("Unable to create '{}': {e}.", path.display()))?;
                Kind::Burner
            }
        };
        let path = fs::canonicalize(path).map_err(|e| format!("Unable to use '{}': {e}.", path.display()))?;
        let entry = Entry { kind, path, disc: None, units: Vec::new() };
        // It is new to every guest, whoever runs.
        let keep = Keep { power: Power::Lost, ..self.keep.clone() };
        let opened = open(&entry, &keep)?;
        let mut emulation = Emulation { entry, state: Ok(opened) };
        emulation.note_units(&keep);
        let names = emulation.names();
        self.all.push(emulation);
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
        removed.entry.units.iter().for_each(|id| self.keep.forget(*id));
        Ok(removed.names())
    }

    /// World-wide names of the devices of one.
    pub(super) fn names(&self, path: &Path) -> Result<Vec<String>, String> {
        Ok(self.all[self.position(path).ok_or_else(|| unknown(path))?].names())
    }

    /// The path of the one that a device belongs to.
    pub(super) fn path_of(&self, wwid: &str) -> Option<PathBuf> {
        let has = |emulation: &&Emulation| emulation.names().iter().any(|own| own == wwid);
        self.all.iter().find(has).map(|emulation| emulation.entry.path.clone())
    }

    /// What an operator does with a cartridge or disc; one line says what has become of it.
    pub(super) fn handle(&mut self, path: &Path, action: &CartridgeAction) -> Result<String, String> {
        let at = self.position(path).ok_or_else(|| unknown(path))?;
        let Emulation { entry, state } = &mut self.all[at];
        let barcode = |text: &str| text.parse::<Barcode>().map_err(|e| e.to_string());
        match (state.as_ref().map_err(Clone::clone)?, action) {
            (Opened::Library { changer, .. }, CartridgeAction::Import { barcode: name, capacity }) => {
                let place = changer.import(barcode(name)?, *capacity, false).map_err(|e| e.to_string())?;
                Ok(format!("Cartridge {name} is in {place}."))
            }
            (Opened::Library { changer, .. }, CartridgeAction::Export { barcode: name }) => {
                let image = changer.export(&barcode(name)?, false).map_err(|e| e.to_string())?;
                Ok(format!("Cartridge {name} is out of the library: '{}'.", image.display()))
            }
            (Opened::Library { changer, .. }, CartridgeAction::Move { barcode: name, to }) => {
                changer.carry(&barcode(name)?, to.clone().try_into()?).map_err(|e| e.to_string())?;
                Ok(format!("Cartridge {name} is in {to}."))
            }
            (Opened::Burner(burner), CartridgeAction::Insert { name, kind }) => {
                let disc = open_disc(&entry.path, name, kind.as_deref())?;
                burner.insert(disc).map_err(|e| e.to_string())?;
                entry.disc = Some(name.clone());
                self.save()?;
                Ok(format!("Disc {name} is in the burner."))
            }
            (Opened::Burner(burner), CartridgeAction::Eject { force }) => {
                burner.eject(*force).map_err(|e| e.to_string())?;
                entry.disc = None;
                self.save()?;
                Ok("The burner is empty.".into())
            }
            (
                _,
                CartridgeAction::Import { .. }
                | CartridgeAction::Export { .. }
                | CartridgeAction::Move { .. },
            ) => Err(format!("'{}' is no tape library.", path.display())),
            (_, CartridgeAction::Insert { .. } | CartridgeAction::Eject { .. }) => {
                Err(format!("'{}' is no burner.", path.display()))
            }
        }
    }

    /// All, for an operator; `files` tells the device files of a world-wide name.
    pub(super) fn list(&self, files: impl Fn(&str) -> Vec<String>) -> Vec<Emulated> {
        let shown = |emulation: &Emulation| {
            let opened = emulation.state.as_ref().ok();
            let names = emulation.names();
            Emulated {
                kind: emulation.entry.kind.word().into(),
                path: emulation.entry.path.display().to_string(),
                files: names.iter().flat_map(|name| files(name)).collect(),
                fault: emulation.state.as_ref().err().cloned(),
                media: opened.map(|opened| media(opened, &emulation.entry)).unwrap_or_default(),
                places: opened.map(Opened::places).unwrap_or_default(),
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

fn open(entry: &Entry, keep: &Keep) -> Result<Opened, String> {
    let path = &entry.path;
    match entry.kind {
        Kind::Library => {
            let library = Library::open(path).map_err(|e| e.to_string())?;
            let (_, _, serial) = library.names();
            let changer = Changer::new(library, keep.reservations(serial)?);
            let changer = changer.kept_in(&keep.state(serial), keep.power).map_err(|e| e.to_string())?;
            let changer = Arc::new(changer);
            let mut all = Vec::new();
            for (number, id) in (1..).zip(changer.drives()) {
                let drive = open_drive(id, keep)?;
                changer.connect(number, &(Arc::clone(&drive) as Arc<dyn DataTransferElement>));
                all.push(drive);
            }
            changer.resume();
            Ok(Opened::Library { changer, drives: all })
        }
        Kind::Tape => {
            let drive = open_drive(unit_id(&format!("tape {}", path.display())), keep)?;
            // One that is taken over has its cartridge already.
            if drive.cartridge().is_none() {
                let cartridge = Cartridge::at(path).map_err(|e| e.to_string())?;
                drive.load(cartridge).map_err(|e| e.to_string())?;
            }
            Ok(Opened::Tape(drive))
        }
        Kind::Burner => {
            let disc = entry.disc.as_deref().map(|name| open_disc(path, name, None)).transpose();
            // A disc that is gone leaves an empty drive.
            let disc = disc.unwrap_or_else(|reason| {
                tracing::error!(path = %path.display(), reason, "the disc in a burner is lost");
                None
            });
            let id = unit_id(&format!("burner {}", path.display()));
            let burner = Burner::new(disc, id).kept_in(&keep.state(id), keep.power);
            Ok(Opened::Burner(Arc::new(burner.map_err(|e| e.to_string())?)))
        }
    }
}

fn open_drive(id: Uuid, keep: &Keep) -> Result<Arc<TapeDrive>, String> {
    let file = keep.state(id);
    if keep.power == Power::Lost {
        // Mostly there is none; whatever it says is over.
        let _ = fs::remove_file(&file);
    }
    let drive = TapeDrive::kept_in(id, &file, keep.reservations(id)?);
    drive.map(Arc::new).map_err(|e| e.to_string())
}

/// Makes the image of a cartridge and its label; an image that is there is taken as it is.
fn create_tape(path: &Path, capacity: u64) -> Result<(), String> {
    if path.exists() {
        return Ok(());
    }
    Image::create(path).map_err(|e| e.to_string())?;
    let label = path.with_extension("cartridge");
    fs::write(&label, format!("capacity {capacity}\n"))
        .map_err(|e| format!("Unable to write '{}': {e}.", label.display()))
}

/// The disc of this name; a new one if a kind is given and there is none.
fn open_disc(directory: &Path, name: &str, kind: Option<&str>) -> Result<Disc, String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(is_name) {
        return Err(format!("Illegal disc name '{name}'."));
    }
    let image = directory.join(name).with_added_extension(DISC_EXTENSION);
    match kind {
        Some(kind) if !image.exists() => {
            let kind: DiscKind = kind.to_ascii_uppercase().parse()?;
            Disc::create(&image, kind, None).map_err(|e| e.to_string())
        }
        _ => Disc::open(&image).map_err(|e| e.to_string()),
    }
}

fn media(opened: &Opened, entry: &Entry) -> Vec<Medium> {
    match opened {
        Opened::Library { changer, .. } => {
            let shown = |cartridge: storage::library::Cartridge| Medium {
                name: cartridge.barcode.to_string(),
                place: cartridge.place.to_string(),
                capacity: cartridge.capacity,
                write_protected: cartridge.write_protected,
            };
            changer.inventory().into_iter().map(shown).collect()
        }
        Opened::Tape(drive) => {
            let shown = |cartridge: Cartridge| Medium {
                name: cartridge.label.barcode,
                place: if drive.is_loaded() { "loaded" } else { "unloaded" }.into(),
                capacity: cartridge.label.capacity,
                write_protected: cartridge.label.write_protected,
            };
            drive.cartridge().into_iter().map(shown).collect()
        }
        Opened::Burner(burner) => {
            let shown = |name: &String| Medium {
                name: name.clone(),
                place: if burner.is_locked() { "locked" } else { "drive" }.into(),
                capacity: burner.medium().map_or(0, |medium| medium.len_bytes),
                write_protected: false,
            };
            entry.disc.iter().map(shown).collect()
        }
    }
}

//! Media changers: tape libraries that several guests may have (SMC-3).
//!
//! ```text
//!   guest ── ChangerPort ──┐                      ┌─ library::Library: what is where, on the host's disk
//!   guest ── ChangerPort ──┼── Changer ───────────┤
//!   operator ──────────────┘                      └─ DataTransferElement: the tape drives, targets of their own
//! ```
//!
//! A port is a changer as one guest sees it: with unit attentions of its own.

mod device;
mod elements;
mod kept;
mod moves;
mod pages;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use uuid::Uuid;

use self::kept::Memory;
use super::attention::{Attentions, Nexuses, is_told};
use super::command::{Against, LogicalUnit, Moved, Needs, Row, Stop, Task, row};
use super::mode::Page;
use super::reservation::{Initiator, Reservations};
use super::reserve::{self, Nexus, Reservable};
use super::{Command, Completion, Execution, Reset, Sense, Statistics, StatisticsSnapshot};
use super::{Target, command, spc};
use crate::backing::Patience;
use crate::library::{Barcode, Cartridge, Library, LibraryError, Place};

/// A cartridge as a drive gets it from a changer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loading {
    /// The image.
    pub image: PathBuf,
    /// Its name, as the volume tag has it.
    pub barcode: Barcode,
    /// Bytes that go on it.
    pub capacity: u64,
    /// Its write-protect tab.
    pub write_protected: bool,
}

/// The drive cannot use a cartridge, which lies in it nevertheless. The text is for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LoadError(pub String);

/// The drive has not unloaded the cartridge, or somebody else has the drive, so that it cannot be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the drive does not let go of its cartridge")]
pub struct StillLoaded;

/// What a changer needs of the tape drive in one of its data transfer elements. The drive must not call the changer.
pub trait DataTransferElement: Send + Sync {
    /// A cartridge was put in, and is to be made ready.
    fn load(&self, cartridge: &Loading) -> Result<(), LoadError>;
    /// The cartridge is taken out for `by`, if the drive has let go of it and nobody else holds the drive.
    fn unload(&self, by: Initiator) -> Result<(), StillLoaded>;
    /// Whether a cartridge in it could be taken out.
    fn is_unloaded(&self) -> bool;
}

/// A media changer with what is in it, shared by its ports.
pub struct Changer {
    directory: PathBuf,
    serial: Uuid,
    /// Held while cartridges are moved.
    turn: Mutex<()>,
    library: Mutex<Library>,
    /// The drives that are there at the moment, by number less one.
    drives: Mutex<Vec<Weak<dyn DataTransferElement>>>,
    nexuses: Nexuses,
    reservations: Reservations,
    /// Who prevents the operator from using the import/export elements.
    preventing: Mutex<BTreeSet<Initiator>>,
    /// A guest has opened the import/export elements.
    open: AtomicBool,
    memory: Mutex<Memory>,
    /// The VSP ends and the guests do not.
    leaving: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A changer as one guest sees it.
pub struct ChangerPort {
    changer: Arc<Changer>,
    initiator: Initiator,
    attentions: Arc<Attentions>,
    statistics: Statistics,
}

impl Changer {
    /// A changer for `library`, with what is reserved of it.
    pub fn new(library: Library, reservations: Reservations) -> Changer {
        let absent = || Weak::<Absent>::new() as Weak<dyn DataTransferElement>;
        let drives = (0..library.drives().len()).map(|_| absent()).collect();
        Changer {
            directory: library.directory().to_owned(),
            serial: library.names().2,
            turn: Mutex::new(()),
            library: Mutex::new(library),
            drives: Mutex::new(drives),
            nexuses: Nexuses::default(),
            reservations,
            preventing: Mutex::default(),
            open: AtomicBool::new(false),
            memory: Mutex::default(),
            leaving: AtomicBool::new(false),
        }
    }

    /// The changer as `initiator` sees it. Dropping it is the loss of that I_T nexus.
    pub fn port(self: &Arc<Self>, initiator: Initiator) -> Arc<ChangerPort> {
        let attentions = self.nexuses.join(initiator);
        let remembered = self.take_nexus(initiator).unwrap_or_default();
        remembered.into_iter().for_each(|sense| attentions.establish(sense));
        self.keep();
        Arc::new(ChangerPort {
            changer: Arc::clone(self),
            initiator,
            attentions,
            statistics: Statistics::default(),
        })
    }

    /// Puts `drive` into data transfer element `number`, from 1; it gets the cartridge that is there. It is gone again
    /// when its last owner drops it: cartridges can be moved nevertheless.
    pub fn connect(&self, number: u16, drive: &Arc<dyn DataTransferElement>) {
        let mut drives = locked(&self.drives);
        let Some(place) = usize::from(number).checked_sub(1).and_then(|index| drives.get_mut(index)) else {
            return;
        };
        *place = Arc::downgrade(drive);
        drop(drives);
        let place = Place::Drive(number);
        let is_being_emptied = self.is_being_emptied(&self.library(), place);
        if !is_being_emptied {
            self.fill(place);
        }
    }

    /// Gives a drive the cartridge that is there; one that has it keeps it.
    fn fill(&self, place: Place) {
        let library = self.library();
        if let (Some(drive), Some(cartridge)) = (self.drive_at(place), library.at(place)) {
            // It stays there, and the drive says what is wrong with it.
            let _ = load(&*drive, &library, cartridge);
        }
    }

    fn library(&self) -> MutexGuard<'_, Library> {
        locked(&self.library)
    }

    fn drive_at(&self, place: Place) -> Option<Arc<dyn DataTransferElement>> {
        let Place::Drive(number) = place else { return None };
        locked(&self.drives).get(usize::from(number).checked_sub(1)?)?.upgrade()
    }

    /// Directory of the library.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its serial number, by which guests know it.
    pub fn serial(&self) -> Uuid {
        self.serial
    }

    /// Serial numbers of the drives, from drive 1 on.
    pub fn drives(&self) -> Vec<Uuid> {
        self.library().drives().collect()
    }

    /// All places a cartridge can be in: drives, slots, import/export elements.
    pub fn places(&self) -> Vec<Place> {
        let (slots, ports, drives) = self.library().sizes();
        let drives = (1..=drives).map(Place::Drive);
        drives.chain((1..=slots).map(Place::Slot)).chain((1..=ports).map(Place::Port)).collect()
    }

    /// What is where.
    pub fn inventory(&self) -> Vec<Cartridge> {
        self.library().cartridges().cloned().collect()
    }

    /// Whether a guest keeps the operator from the import/export elements.
    pub fn is_prevented(&self) -> bool {
        !self.preventing().is_empty()
    }

    /// The operator puts a cartridge from the shelf into an import/export element ([`Library::import`]) and closes it.
    ///
    /// # Errors
    /// A guest has locked the elements, unless they are forced; and those of [`Library::import`].
    pub fn import(&self, barcode: Barcode, capacity: u64, force: bool) -> Result<Place, LibraryError> {
        let place = self.by_hand(force, |library| library.import(barcode, capacity))?;
        tracing::info!(changer = ?self, %place, "cartridge imported");
        Ok(place)
    }

    /// The operator takes a cartridge out of an import/export element and closes it. Tells the path of its image.
    ///
    /// # Errors
    /// A guest has locked the elements, unless they are forced; and those of [`Library::export`].
    pub fn export(&self, barcode: &Barcode, force: bool) -> Result<PathBuf, LibraryError> {
        let image = self.by_hand(force, |library| library.export(barcode))?;
        tracing::info!(changer = ?self, %barcode, "cartridge exported");
        Ok(image)
    }

    /// The operator has the library move a cartridge, as a guest does by MOVE MEDIUM.
    ///
    /// # Errors
    /// It is not there, its goal is full or not there either, the drive has not let go of it, or the host refuses.
    pub fn carry(&self, barcode: &Barcode, to: Place) -> Result<(), LibraryError> {
        let library = self.library();
        let from = library.place_of(barcode)?;
        let unmovable = |reason: String| LibraryError::Unmovable { barcode: barcode.clone(), reason };
        if from == to {
            return Err(unmovable(format!("it is in {to} already")));
        }
        library.prepare(&[(from, to)]).map_err(|error| unmovable(error.to_string()))?;
        drop(library);
        // The operator is no guest: a drive that any of them holds lets nothing go.
        self.carry_out(Initiator::default(), &[(from, to)]).map_err(|sense| {
            unmovable(match sense {
                Sense::REMOVAL_PREVENTED => format!("{from} has not let go of it"),
                Sense::MAGAZINE_NOT_ACCESSIBLE => "the import/export elements are open".to_owned(),
                Sense::LOAD_FAILED => format!("{to} cannot use it"),
                _ => "the library has failed, see its log".to_owned(),
            })
        })?;
        tracing::info!(changer = ?self, %barcode, %from, %to, "cartridge moved");
        Ok(())
    }

    fn by_hand<T>(
        &self,
        force: bool,
        act: impl FnOnce(&mut Library) -> Result<T, LibraryError>,
    ) -> Result<T, LibraryError> {
        if self.is_prevented() && !force {
            return Err(LibraryError::Locked);
        }
        let done = act(&mut self.library())?;
        self.open.store(false, Ordering::Release);
        self.nexuses.tell(Sense::PORT_ACCESSED, |_| true);
        self.keep();
        Ok(done)
    }

    fn preventing(&self) -> MutexGuard<'_, BTreeSet<Initiator>> {
        locked(&self.preventing)
    }
}

/// Gives a drive its cartridge.
fn load(drive: &dyn DataTransferElement, library: &Library, cartridge: &Cartridge) -> Result<(), LoadError> {
    let loaded = drive.load(&Loading {
        image: library.image(&cartridge.barcode),
        barcode: cartridge.barcode.clone(),
        capacity: cartridge.capacity,
        write_protected: cartridge.write_protected,
    });
    loaded.inspect_err(|error| {
        tracing::warn!(barcode = %cartridge.barcode, place = %cartridge.place, %error, "cartridge not loaded");
    })
}

/// No drive: only for pointers that lead nowhere.
struct Absent;

impl DataTransferElement for Absent {
    fn load(&self, _: &Loading) -> Result<(), LoadError> {
        Ok(())
    }

    fn unload(&self, _: Initiator) -> Result<(), StillLoaded> {
        Ok(())
    }

    fn is_unloaded(&self) -> bool {
        true
    }
}

#[rustfmt::skip] // One command a line: opcode, service action, name, CDB usage, needs, reservations against it, function. SMC-3 table 7.
const COMMANDS: &[Row<ChangerPort>] = &[
    row(0x07, None, "INITIALIZE ELEMENT STATUS", &[0x07, 0, 0, 0, 0, 0], Needs::Ready, Against::All, ChangerPort::initialize),
    row(0x1b, None, "OPEN/CLOSE IMPORT/EXPORT ELEMENT", &[0x1b, 0, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::All, ChangerPort::open_close),
    row(0x1e, None, "PREVENT ALLOW MEDIUM REMOVAL", &[0x1e, 0, 0, 0, 0x03, 0], Needs::Attention, Against::All, ChangerPort::prevent),
    row(0x2b, None, "POSITION TO ELEMENT", &[0x2b, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], Needs::Ready, Against::All, ChangerPort::position),
    row(0x37, None, "INITIALIZE ELEMENT STATUS WITH RANGE", &[0x37, 0x03, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0], Needs::Ready, Against::All, ChangerPort::initialize_range),
    row(0x4d, None, "LOG SENSE", &[0x4d, 0, 0x7f, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0], Needs::Attention, Against::Exclusive, ChangerPort::log_sense),
    row(0xa5, None, "MOVE MEDIUM", &[0xa5, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], Needs::Ready, Against::All, ChangerPort::move_medium),
    row(0xa6, None, "EXCHANGE MEDIUM", &[0xa6, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Ready, Against::All, ChangerPort::exchange_medium),
    row(0xb8, None, "READ ELEMENT STATUS", &[0xb8, 0x1f, 0xff, 0xff, 0xff, 0xff, 0x03, 0xff, 0xff, 0xff, 0, 0], Needs::Ready, Against::Exclusive, ChangerPort::read_element_status),
];

impl ChangerPort {
    /// The changer behind it.
    pub fn changer(&self) -> &Arc<Changer> {
        &self.changer
    }

    /// Whatever lasts no longer than the I_T nexus.
    fn forget(&self) {
        self.changer.preventing().remove(&self.initiator);
        self.changer.reservations.reset(Some(self.initiator));
    }

    /// PREVENT ALLOW MEDIUM REMOVAL (SPC-4 clause 6.17, SMC-3 clause 6.8): from the import/export elements, by the operator.
    fn prevent(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        match task.cdb.byte(4) {
            0 => _ = self.changer.preventing().remove(&self.initiator),
            1 => _ = self.changer.preventing().insert(self.initiator),
            // Obsolete forms, of attached changers.
            _ => return Err(Sense::cdb_field(4, 1).into()),
        }
        Ok(Moved::NOTHING)
    }

    /// OPEN/CLOSE IMPORT/EXPORT ELEMENT (SMC-3 clause 6.7): all of them have one door.
    fn open_close(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const OPEN: u8 = 0;
        const CLOSE: u8 = 1;
        let place = elements::place_at(&self.changer.library(), task.cdb.be16(2));
        if !matches!(place, Some(Place::Port(_))) {
            return Err(Sense::element_field(2).into());
        }
        let open = match task.cdb.byte(4) {
            OPEN if self.changer.is_prevented() => return Err(Sense::REMOVAL_PREVENTED.into()),
            OPEN => true,
            CLOSE => false,
            _ => return Err(Sense::cdb_field(4, 4).into()),
        };
        self.changer.open.store(open, Ordering::Release);
        Ok(Moved::NOTHING)
    }

    /// LOG SENSE (SPC-4 clause 6.7), cumulative values of the page.
    fn log_sense(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        if task.cdb.byte(3) != 0 {
            return Err(Sense::cdb_field(3, 7).into());
        }
        let data = pages::log(task.cdb.byte(2) & 0x3f, task.cdb.be16(5)).ok_or(Sense::cdb_field(2, 5))?;
        task.reply(&data, task.cdb.be16(7).into())
    }
}

impl Drop for ChangerPort {
    fn drop(&mut self) {
        if self.changer.leaving.load(Ordering::Acquire) {
            return;
        }
        self.forget();
        self.changer.forget_moves(self.initiator);
        self.changer.nexuses.leave(&self.attentions);
        self.changer.keep();
    }
}

impl Target for ChangerPort {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        if command.delivery.again
            && let Some(sense) = self.changer.outcome_before(self.initiator, command.delivery)
        {
            return Execution::Done(Completion { sense, data_out: 0, data_in: 0 });
        }
        // What the commands before were told has arrived.
        self.changer.keep();
        let execution = command::execute(self, command, patience);
        if !is_told(&execution) {
            self.changer.keep();
        }
        execution
    }

    fn reset(&self, reset: Reset) {
        let changer = &self.changer;
        if reset == Reset::LogicalUnit {
            changer.preventing().clear();
            changer.open.store(false, Ordering::Release);
            changer.reservations.reset(None);
            changer.nexuses.tell(reset.sense(), |_| true);
        } else {
            // A guest that starts anew, or loses its way here, must not undo what the others did.
            self.forget();
            self.attentions.establish(reset.sense());
        }
        if reset == Reset::PowerOn {
            changer.forget_moves(self.initiator);
        }
        changer.keep();
    }

    fn leave(&self) {
        self.changer.leaving.store(true, Ordering::Release);
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.statistics.snapshot()
    }
}

impl LogicalUnit for ChangerPort {
    fn commands() -> &'static [&'static [Row<ChangerPort>]] {
        const { &[COMMANDS, spc::commands(), reserve::commands()] }
    }

    fn counters(&self) -> &Statistics {
        &self.statistics
    }

    fn attentions(&self) -> &Attentions {
        &self.attentions
    }

    fn is_reserved(&self, against: Against) -> bool {
        self.nexus().is_reserved(against)
    }

    fn ready(&self) -> Result<(), Sense> {
        Ok(())
    }

    fn standard_inquiry(&self) -> Vec<u8> {
        let library = self.changer.library();
        let (vendor, product, _) = library.names();
        pages::standard_inquiry(vendor, product)
    }

    fn vpd_pages(&self) -> Vec<(u8, Vec<u8>)> {
        let library = self.changer.library();
        let (vendor, _, serial) = library.names();
        pages::vpd(vendor, serial)
    }

    fn mode_pages(&self) -> Vec<Page> {
        pages::mode(self.changer.library().sizes())
    }
}

impl Reservable for ChangerPort {
    fn nexus(&self) -> Nexus<'_> {
        Nexus {
            initiator: self.initiator,
            all: &self.changer.nexuses,
            reservations: &self.changer.reservations,
        }
    }

    fn drain(&self) {
        // Moves have the library to themselves.
        drop(self.changer.library());
    }
}

impl fmt::Debug for Changer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changer").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl fmt::Debug for ChangerPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangerPort")
            .field("changer", &self.changer)
            .field("initiator", &self.initiator)
            .finish()
    }
}

#[cfg(test)]
mod tests;

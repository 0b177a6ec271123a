//! Sequential-access devices: virtual tape drives on cartridges that are files (SSC-3, and setmarks as in SCSI-2).
//!
//! ```text
//!   TapePort (one a guest) ── commands: table below, transfer, position, movement,
//!        │                    mode, pages, log, density, attributes
//!        ▼
//!   TapeDrive ── Inner: Loaded (cartridge, image, place), Settings, door lock
//!        │
//!        └── kept: the same in a file, after each command that changed it
//! ```
//!
//! Medium commands of all ports come one after another. A drive whose VSP was killed goes on where it was: position,
//! settings, reservations and pending unit attentions are those of the last command that was carried out, and that
//! command is not carried out again when its initiator, who has seen no answer, sends it again.

mod attributes;
mod changer;
mod density;
mod drive;
mod kept;
mod log;
mod mode;
mod movement;
mod pages;
mod position;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use self::log::Alerts;
use self::mode::Settings;
use super::attention::{Attentions, Nexuses};
use super::command::{Against, LogicalUnit, Moved, Needs, Row, Stop, Task, row};
use super::kept::Keeper;
use super::mode::{Geometry, Page};
use super::reserve::{self, Nexus, Reservable};
use super::{Command, Completion, Delivery, Execution, Initiator, Reservations, Reset, Sense, Statistics};
use super::{StatisticsSnapshot, Target, VENDOR, Wait, command, spc, vpd};
use crate::attached::arbiter::Party;
use crate::backing::tap::{Cartridge, Fault, Image, Place};
use crate::backing::{Access, IoError, IoErrorKind, OpenError, Patience};
use crate::throttle::Throttle;

/// Why a cartridge is not put in, or taken out.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    /// There is one already.
    #[error("There is a cartridge in the drive already.")]
    Occupied,
    /// A guest has locked the drive.
    #[error("A guest has locked the drive.")]
    Locked,
    /// It cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The host failed to keep what was written last.
    #[error(transparent)]
    Flush(#[from] IoError),
}

/// A virtual tape drive.
pub struct TapeDrive {
    id: Uuid,
    /// Held while a command is carried out and written down.
    turn: Mutex<()>,
    inner: Mutex<Inner>,
    nexuses: Nexuses,
    reservations: Reservations,
    /// Who keeps others from the drive, as far as that is known outside.
    holder: Mutex<Option<Party>>,
    /// The VSP ends and the guests do not.
    leaving: AtomicBool,
}

struct Inner {
    slot: Option<Loaded>,
    settings: Settings,
    /// Who has locked the door.
    prevented: BTreeSet<Initiator>,
    /// What was carried out last, of each initiator, newest last.
    done: BTreeMap<Initiator, Vec<Done>>,
    alerts: Alerts,
    keeper: Option<Keeper>,
    statistics: Traffic,
}

/// A cartridge in the drive.
struct Loaded {
    cartridge: Cartridge,
    image: Image,
    place: Place,
    /// Ready to be used; otherwise it lies in the mouth of the drive.
    threaded: bool,
}

/// Bytes moved between initiators and tape, ever since the drive was made.
#[derive(Clone, Copy, Default)]
struct Traffic {
    written: u64,
    read: u64,
}

/// A command that was carried out, for when it comes again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Done {
    queue: u16,
    number: u64,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outcome {
    /// It gets the same answer.
    Completed { sense: Option<Sense>, data_out: u64 },
    /// The same, RESERVATION CONFLICT.
    Conflict,
    /// It had data for the initiator: is carried out again, from where it began.
    Read(Place),
}

/// Commands with an effect that an initiator may have under way at once, and that are remembered. Tape drivers have one.
const REMEMBERED: usize = 4;

/// A drive as one initiator sees it.
struct TapePort {
    drive: Arc<TapeDrive>,
    initiator: Initiator,
    attentions: Arc<Attentions>,
    statistics: Statistics,
}

#[rustfmt::skip] // One command a line: opcode, service action, name, CDB usage, needs, reservations against it, function. SSC-3 tables 11 and 13.
const COMMANDS: &[Row<TapePort>] = &[
    row(0x01, None, "REWIND", &[0x01, 0x01, 0, 0, 0, 0], Needs::Ready, Against::All, TapePort::rewind),
    row(0x04, None, "FORMAT MEDIUM", &[0x04, 0x03, 0x0f, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::format_medium),
    row(0x05, None, "READ BLOCK LIMITS", &[0x05, 0, 0, 0, 0, 0], Needs::Attention, Against::Legacy, TapePort::read_block_limits),
    row(0x08, None, "READ(6)", &[0x08, 0x03, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::read),
    row(0x0a, None, "WRITE(6)", &[0x0a, 0x01, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::write),
    row(0x10, None, "WRITE FILEMARKS(6)", &[0x10, 0x03, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::write_filemarks),
    row(0x11, None, "SPACE(6)", &[0x11, 0x0f, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::space_6),
    row(0x13, None, "VERIFY(6)", &[0x13, 0x07, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::verify),
    row(0x19, None, "ERASE(6)", &[0x19, 0x03, 0, 0, 0, 0], Needs::Ready, Against::All, TapePort::erase),
    row(0x1b, None, "LOAD UNLOAD", &[0x1b, 0x01, 0, 0, 0x0f, 0], Needs::Attention, Against::All, TapePort::load_unload),
    row(0x1e, None, "PREVENT ALLOW MEDIUM REMOVAL", &[0x1e, 0, 0, 0, 0x03, 0], Needs::Attention, Against::Legacy, TapePort::prevent),
    row(0x2b, None, "LOCATE(10)", &[0x2b, 0x07, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0], Needs::Ready, Against::All, TapePort::locate_10),
    row(0x34, Some(0), "READ POSITION, SHORT FORM BLOCK ID", &[0x34, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::read_position_short),
    row(0x34, Some(1), "READ POSITION, SHORT FORM VENDOR SPECIFIC", &[0x34, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::read_position_short),
    row(0x34, Some(6), "READ POSITION, LONG FORM", &[0x34, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::read_position_long),
    row(0x34, Some(8), "READ POSITION, EXTENDED FORM", &[0x34, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, Against::All, TapePort::read_position_extended),
    row(0x44, None, "REPORT DENSITY SUPPORT", &[0x44, 0x03, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, Against::Legacy, TapePort::report_density),
    row(0x4c, None, "LOG SELECT", &[0x4c, 0x02, 0xc0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, Against::All, TapePort::log_select),
    row(0x4d, None, "LOG SENSE", &[0x4d, 0x01, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0], Needs::Attention, Against::Exclusive, TapePort::log_sense),
    row(0x8c, Some(0), "READ ATTRIBUTE, ATTRIBUTE VALUES", READ_ATTRIBUTE, Needs::Ready, Against::Exclusive, TapePort::read_attributes),
    row(0x8c, Some(1), "READ ATTRIBUTE, ATTRIBUTE LIST", READ_ATTRIBUTE, Needs::Ready, Against::Exclusive, TapePort::list_attributes),
    row(0x8c, Some(2), "READ ATTRIBUTE, LOGICAL VOLUME LIST", READ_ATTRIBUTE, Needs::Ready, Against::Exclusive, TapePort::list_only),
    row(0x8c, Some(3), "READ ATTRIBUTE, PARTITION LIST", READ_ATTRIBUTE, Needs::Ready, Against::Exclusive, TapePort::list_only),
    row(0x91, None, "SPACE(16)", &[0x91, 0x0f, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Ready, Against::All, TapePort::space_16),
    row(0x92, None, "LOCATE(16)", &[0x92, 0x1b, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], Needs::Ready, Against::All, TapePort::locate_16),
];

/// CDB usage of the service actions of READ ATTRIBUTE (SPC-4 clause 6.26).
const READ_ATTRIBUTE: &[u8] =
    &[0x8c, 0x1f, 0, 0, 0, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0];

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loaded {
    fn open(cartridge: Cartridge) -> Result<Loaded, OpenError> {
        let access = if cartridge.label.write_protected { Access::ReadOnly } else { Access::ReadWrite };
        let image = Image::open(&cartridge.path, access)?;
        Ok(Loaded { cartridge, image, place: Place::BEGINNING, threaded: true })
    }

    /// Whether the end comes near, behind `place`.
    fn is_late(&self, place: Place) -> bool {
        place.offset >= self.cartridge.early_warning()
    }
}

impl Inner {
    /// The cartridge, if it can be used.
    fn loaded(&mut self) -> Result<&mut Loaded, Sense> {
        match &mut self.slot {
            None => Err(Sense::MEDIUM_NOT_PRESENT),
            Some(Loaded { threaded: false, .. }) => Err(Sense::STOPPED),
            Some(loaded) => Ok(loaded),
        }
    }

    fn is_protected(&self) -> bool {
        self.settings.software_protection()
            || self.slot.as_ref().is_some_and(|loaded| loaded.image.read_only())
    }
}

impl TapePort {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        locked(&self.drive.inner)
    }

    /// Sense of what could not be read, noted.
    fn unreadable(&self, inner: &mut Inner, fault: &Fault) -> Sense {
        inner.alerts.raise(log::READ_FAILURE);
        self.failed(
            fault,
            match fault {
                Fault::Truncated => Sense::END_OF_DATA_NOT_FOUND,
                Fault::Damaged => Sense::FORMAT_CORRUPTED,
                Fault::Bad => Sense::READ_ERROR,
                Fault::Host(error) => Sense::of_read(error),
            },
        )
    }

    /// Sense of what could not be written, noted. A host without space is a tape that is shorter than its label says.
    fn unwritable(&self, inner: &mut Inner, error: IoError) -> Sense {
        inner.alerts.raise(log::WRITE_FAILURE);
        let sense = match error.kind() {
            IoErrorKind::NoSpace => Sense::OVERFLOW,
            _ => Sense::of_write(&error),
        };
        self.failed(&Fault::Host(error), sense)
    }

    fn failed(&self, fault: &Fault, sense: Sense) -> Sense {
        static THROTTLE: Throttle = Throttle::new();
        self.statistics.errors.add(1);
        if let Some(dropped) = THROTTLE.admit() {
            let cause = std::error::Error::source(fault).map(|source| source.to_string());
            tracing::warn!(tape = ?self, error = %fault, cause, ?sense, dropped, "cartridge failed");
        }
        sense
    }

    /// What came of a command when it was carried out before.
    fn outcome_before(&self, delivery: Delivery) -> Option<Outcome> {
        let inner = self.inner();
        let is_it = |done: &&Done| (done.queue, done.number) == (delivery.queue, delivery.number);
        let done = inner.done.get(&self.initiator)?.iter().find(is_it)?;
        tracing::info!(tape = ?self, ?done, "command was carried out before the VSP was killed");
        Some(done.outcome)
    }

    /// Goes to a place of a cartridge that is still there; returns where it was.
    fn swap_place(&self, place: Place) -> Option<Place> {
        self.inner().slot.as_mut().map(|loaded| std::mem::replace(&mut loaded.place, place))
    }

    /// Answers a command that was carried out before.
    fn answer_again(&self, command: &Command<'_>, outcome: Outcome) -> Execution {
        match outcome {
            Outcome::Completed { sense, data_out } => {
                Execution::Done(Completion { sense, data_out, data_in: 0 })
            }
            Outcome::Conflict => Execution::Conflict,
            Outcome::Read(place) => {
                let current = self.swap_place(place);
                let execution = command::execute(self, command, Patience::Unlimited);
                current.and_then(|current| self.swap_place(current));
                execution
            }
        }
    }

    fn done(delivery: Delivery, began_at: Option<Place>, execution: &Execution) -> Option<Done> {
        let outcome = match (execution, began_at) {
            (Execution::Done(Completion { data_in: 1.., .. }), Some(place)) => Outcome::Read(place),
            (Execution::Done(Completion { sense, data_out, .. }), _) => {
                Outcome::Completed { sense: *sense, data_out: *data_out }
            }
            (Execution::Conflict, _) => Outcome::Conflict,
            _ => return None,
        };
        Some(Done { queue: delivery.queue, number: delivery.number, outcome })
    }
}

impl Target for TapePort {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        /// What a drive answers while it winds.
        const AT_ONCE: [u8; 2] = [0x12, 0xa0];
        let is_at_once = command.cdb.first().is_some_and(|opcode| AT_ONCE.contains(opcode));
        if !is_at_once && patience != Patience::Unlimited {
            return Execution::WouldWait(Wait::Long);
        }
        if is_at_once {
            return command::execute(self, command, patience);
        }
        let _turn = locked(&self.drive.turn);
        if command.delivery.again
            && let Some(outcome) = self.outcome_before(command.delivery)
        {
            return self.answer_again(command, outcome);
        }
        let began_at = self.inner().slot.as_ref().map(|loaded| loaded.place);
        let execution = command::execute(self, command, patience);
        let done = TapePort::done(command.delivery, began_at, &execution);
        self.drive.keep(done.map(|done| (self.initiator, done)));
        execution
    }

    /// A guest that begins anew, or resets its adapter, does not reset a drive that others use: only its own nexus.
    fn reset(&self, reset: Reset) {
        let _turn = locked(&self.drive.turn);
        let initiator = self.initiator;
        if reset == Reset::LogicalUnit {
            let mut inner = self.inner();
            inner.settings = Settings::default();
            inner.prevented.clear();
            drop(inner);
            self.drive.reservations.reset(None);
            self.drive.nexuses.tell(reset.sense(), |_| true);
        } else {
            self.inner().prevented.remove(&initiator);
            self.drive.reservations.reset(Some(initiator));
            self.attentions.establish(reset.sense());
        }
        if reset == Reset::PowerOn {
            self.inner().done.remove(&initiator);
        }
        self.drive.keep(None);
    }

    fn leave(&self) {
        self.drive.leave();
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.statistics.snapshot()
    }
}

impl Drop for TapePort {
    fn drop(&mut self) {
        let _turn = locked(&self.drive.turn);
        if self.drive.leaving.load(Ordering::Acquire) {
            return;
        }
        let mut inner = self.inner();
        inner.prevented.remove(&self.initiator);
        inner.done.remove(&self.initiator);
        drop(inner);
        self.drive.reservations.reset(Some(self.initiator));
        self.drive.nexuses.leave(&self.attentions);
        self.drive.keep(None);
    }
}

impl LogicalUnit for TapePort {
    fn commands() -> &'static [&'static [Row<TapePort>]] {
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
        self.inner().loaded().map(drop)
    }

    fn standard_inquiry(&self) -> Vec<u8> {
        pages::standard_inquiry()
    }

    fn vpd_pages(&self) -> Vec<(u8, Vec<u8>)> {
        pages::vpd(self.drive.id)
    }

    fn mode_pages(&self) -> Vec<Page> {
        self.inner().settings.pages()
    }

    fn device_specific(&self) -> u8 {
        let inner = self.inner();
        inner.settings.device_specific(inner.is_protected())
    }

    fn geometry(&self) -> Option<Geometry> {
        let inner = self.inner();
        let density = inner.slot.as_ref().map_or(0, |loaded| loaded.cartridge.label.media.density);
        Some(Geometry::Sequential { density, block_len: inner.settings.block_len })
    }

    fn select_medium(&self, device_specific: u8, block_len: Option<u32>) {
        self.change_settings(|settings| settings.select_medium(device_specific, block_len));
    }

    fn select_mode_page(&self, page: &Page) {
        self.change_settings(|settings| settings.select_page(page));
    }
}

impl TapePort {
    /// The settings are the drive's: other initiators are told.
    fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut inner = self.inner();
        let before = inner.settings.clone();
        change(&mut inner.settings);
        if inner.settings != before {
            drop(inner);
            self.drive.nexuses.tell(Sense::MODE_CHANGED, |other| other != self.initiator);
        }
    }
}

impl Reservable for TapePort {
    fn nexus(&self) -> Nexus<'_> {
        Nexus { initiator: self.initiator, all: &self.drive.nexuses, reservations: &self.drive.reservations }
    }

    /// Commands come one after another.
    fn drain(&self) {}
}

impl fmt::Debug for TapePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapePort")
            .field("drive", &self.drive.id)
            .field("initiator", &self.initiator.0)
            .finish()
    }
}

#[cfg(test)]
mod tests;

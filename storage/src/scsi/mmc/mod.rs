//! CD/DVD devices: virtual DVDs, read-only, with discs that come and go, and burners (MMC-6).

mod burner;
mod disc;
mod drive;
mod events;
mod features;
mod kept;
mod pages;
mod tray;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use self::drive::DiscDrive;
use self::events::Events;
use self::tray::{Happened, Tray};
use super::attention::Attentions;
use super::command::{Against, LogicalUnit, Moved, Needs, Row, Stop, Task, row};
use super::kept::Keeper;
use super::mode::Page;
use super::{
    Begun, Command, Completion, Execution, Initiator, Operation, Reset, Sense, Statistics, StatisticsSnapshot,
};
use super::{Target, Wait, command, spc};
use crate::backing::{BlockStore, IoError, IoErrorKind, Patience};
use crate::throttle::Throttle;

pub use burner::{Burner, BurnerPort};
pub use tray::{DiscState, EjectError};

/// Bytes of a sector of a disc.
const SECTOR: u64 = 2048;

/// HPVM's name for a virtual DVD by where its discs come from; the INQUIRY product identification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drive {
    /// A drive of the VSP.
    Dvd,
    /// A file.
    FileDvd,
    /// Empty at first.
    NullDvd,
}

impl Drive {
    /// 16 characters, padded.
    fn identification(self) -> &'static str {
        match self {
            Drive::Dvd => "Virtual DVD     ",
            Drive::FileDvd => "Virtual FileDVD ",
            Drive::NullDvd => "Virtual NullDVD ",
        }
    }
}

/// A virtual DVD.
pub struct Dvd {
    /// What it is by the disc that is in it.
    drive: Mutex<Drive>,
    id: Uuid,
    tray: Tray<Arc<dyn BlockStore>>,
    events: Events,
    attentions: Attentions,
    statistics: Statistics,
    keeper: Mutex<Option<Keeper>>,
}

#[rustfmt::skip] // One command a line: opcode, service action, name, CDB usage, needs, reservations against it, function. MMC-6 table 235.
const COMMANDS: &[Row<Dvd>] = &[
    row(0x25, None, "READ CAPACITY(10)", &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], Needs::Ready, Against::Never, Dvd::read_capacity),
    row(0x28, None, "READ(10)", &[0x28, 0x18, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, |d, t| d.read(t, t.cdb.be32(2), t.cdb.be16(7).into())),
    row(0x2b, None, "SEEK(10)", &[0x2b, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], Needs::Ready, Against::Never, Dvd::seek),
    row(0x43, None, "READ TOC/PMA/ATIP", &[0x43, 0x02, 0x0f, 0, 0, 0, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::Never, Dvd::read_toc),
    row(0x46, None, "GET CONFIGURATION", &[0x46, 0x03, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0], Needs::Nothing, Against::Never, Dvd::get_configuration),
    row(0x51, None, "READ DISC INFORMATION", &[0x51, 0x07, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, Dvd::read_disc_information),
    row(0x52, None, "READ TRACK INFORMATION", &[0x52, 0x03, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, Dvd::read_track_information),
    row(0xa8, None, "READ(12)", &[0xa8, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0], Needs::Ready, Against::Never, |d, t| d.read(t, t.cdb.be32(2), t.cdb.be32(6))),
    row(0xad, None, "READ DISC STRUCTURE", &[0xad, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0, 0], Needs::Ready, Against::Never, Dvd::read_disc_structure),
];

impl Dvd {
    /// A drive with this disc in it, or none, known to the guest as `id`.
    pub fn new(disc: Option<Arc<dyn BlockStore>>, drive: Drive, id: Uuid) -> Dvd {
        Dvd {
            drive: Mutex::new(drive),
            id,
            tray: Tray::new(disc),
            events: Events::default(),
            attentions: Attentions::default(),
            statistics: Statistics::default(),
            keeper: Mutex::default(),
        }
    }

    fn keeper(&self) -> MutexGuard<'_, Option<Keeper>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in the drive.
    pub fn disc_state(&self) -> DiscState {
        self.tray.state()
    }

    /// Whether the guest has locked the drive.
    pub fn is_locked(&self) -> bool {
        self.tray.is_locked()
    }

    /// The operator has the guest unlock the drive; `Err` if it has locked it and there is a disc in it.
    pub fn ask_for_disc(&self) -> Result<(), EjectError> {
        if !self.is_held() {
            return Ok(());
        }
        self.events.eject_requested();
        self.keep();
        Err(EjectError::Locked)
    }

    /// The operator puts another disc in, or none, whatever the guest says, and closes the tray; the drive is then what it
    /// is by that. Reads under way keep the former disc's store open until they end.
    pub fn change(&self, disc: Option<Arc<dyn BlockStore>>, drive: Drive) {
        *self.drive.lock().unwrap_or_else(PoisonError::into_inner) = drive;
        let is_present = disc.is_some();
        let was_present = self.tray.replace(disc);
        match (was_present, is_present) {
            (_, true) => self.tell(Happened::Arrived),
            (true, false) => self.tell(Happened::Left),
            (false, false) => {}
        }
        self.keep();
    }

    /// The disc, or why there is none.
    fn disc(&self) -> Result<Arc<dyn BlockStore>, Sense> {
        self.tray.disc()
    }

    fn has_disc(&self) -> bool {
        self.disc_state() == DiscState::Present
    }

    /// Sectors of the disc.
    fn sectors(&self) -> Result<u32, Sense> {
        Ok(u32::try_from(self.disc()?.len_bytes() / SECTOR).unwrap_or(u32::MAX))
    }

    /// READ(10), (12).
    fn read(&self, task: &Task<'_>, lba: u32, sectors: u32) -> Result<Moved, Stop> {
        let disc = self.disc()?;
        let end = u64::from(lba) + u64::from(sectors);
        if end > disc.len_bytes() / SECTOR {
            return Err(Sense::LBA_OUT_OF_RANGE.into());
        }
        let (offset, len) = (u64::from(lba) * SECTOR, u64::from(sectors) * SECTOR);
        let data = task.data_in(len)?;
        if task.patience == Patience::Handover {
            task.may_wait_for(|| Begun::new(&disc, Operation::Read { offset, len }, None))?;
        }
        disc.read_at(offset, &data, task.patience).map_err(|error| self.failed(&error))?;
        self.has_read(len);
        Ok(Moved { data_in: len, ..Moved::NOTHING })
    }

    fn has_read(&self, len: u64) -> Execution {
        self.statistics.reads.add(1);
        self.statistics.read_bytes.add(len);
        Execution::Done(Completion { sense: None, data_out: 0, data_in: len })
    }

    fn failed(&self, error: &IoError) -> Stop {
        static THROTTLE: Throttle = Throttle::new();
        if error.kind() == IoErrorKind::WouldBlock {
            return Stop::WouldWait(Wait::Long);
        }
        self.statistics.errors.add(1);
        if let Some(dropped) = THROTTLE.admit() {
            tracing::warn!(dvd = ?self, %error, dropped, "disc cannot be read");
        }
        match error.kind() {
            // The drive of the VSP was opened, or unplugged.
            IoErrorKind::Gone => Stop::Check(Sense::NO_MEDIUM),
            _ => Stop::Check(Sense::of_read(error)),
        }
    }

    /// SEEK(10).
    fn seek(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        match task.cdb.be32(2) < self.sectors()? {
            true => Ok(Moved::NOTHING),
            false => Err(Sense::LBA_OUT_OF_RANGE.into()),
        }
    }

    /// READ CAPACITY (MMC-6 clause 6.24).
    fn read_capacity(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let last = self.sectors()?.saturating_sub(1);
        task.reply(&[last.to_be_bytes(), (SECTOR as u32).to_be_bytes()].concat(), 8)
    }
}

impl Target for Dvd {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        // What the commands before were told has arrived.
        self.keep();
        let execution = command::execute(self, command, patience);
        if !drive::is_told(command, &execution) {
            self.keep();
        }
        execution
    }

    fn finish(&self, begun: Begun, result: io::Result<u64>) -> Execution {
        match (begun.operation(), result) {
            (Operation::Read { len, .. }, Ok(moved)) if moved == len => self.has_read(len),
            // Whatever is wrong, the patient way will find it too.
            _ => Execution::WouldWait(Wait::Long),
        }
    }

    fn reset(&self, reset: Reset) {
        self.tray.unlock();
        self.attentions.establish(reset.sense());
        self.keep();
    }

    fn is_held(&self) -> bool {
        self.is_locked() && self.has_disc()
    }

    fn has_news(&self) -> bool {
        self.attentions.are_pending()
    }

    fn tell_again(&self) {
        self.tell(if self.has_disc() { Happened::Arrived } else { Happened::Left });
        self.keep();
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.statistics.snapshot()
    }
}

impl LogicalUnit for Dvd {
    fn commands() -> &'static [&'static [Row<Dvd>]] {
        const { &[COMMANDS, drive::commands(), spc::commands()] }
    }

    fn counters(&self) -> &Statistics {
        &self.statistics
    }

    fn attentions(&self) -> &Attentions {
        &self.attentions
    }

    fn ready(&self) -> Result<(), Sense> {
        self.disc().map(drop)
    }

    fn standard_inquiry(&self) -> Vec<u8> {
        let drive = *self.drive.lock().unwrap_or_else(PoisonError::into_inner);
        pages::standard_inquiry(drive.identification())
    }

    fn vpd_pages(&self) -> Vec<(u8, Vec<u8>)> {
        pages::vpd(self.id)
    }

    fn mode_pages(&self) -> Vec<Page> {
        pages::mode(self.is_locked())
    }
}

impl DiscDrive for Dvd {
    type Disc = Arc<dyn BlockStore>;

    fn tray(&self) -> &Tray<Arc<dyn BlockStore>> {
        &self.tray
    }

    /// There is one, the guest that has it.
    fn initiator(&self) -> Initiator {
        Initiator::default()
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn tell(&self, happened: Happened) {
        self.events.happened(happened);
        if happened == Happened::Arrived {
            self.attentions.establish(Sense::MEDIUM_CHANGED);
        }
    }
}

impl fmt::Debug for Dvd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dvd").field("id", &self.id).field("disc", &self.disc_state()).finish()
    }
}

#[cfg(test)]
mod tests;

//! Burners: drives that record CDs and DVDs, which are images with a description ([`crate::disc`]).
//!
//! A drive is one thing that several guests may have; each has it through a port with unit attentions, events and write
//! parameters of its own.

mod cue;
mod device;
mod features;
mod information;
mod pages;
mod recording;
mod toc;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use uuid::Uuid;

use self::pages::WriteParameters;
use super::super::command::{Against, Attentions, LogicalUnit, Moved, Needs, Nexuses, Row, Stop, Task};
use super::super::mode::{Geometry, Page};
use super::super::reservation::Initiator;
use super::super::{Command, Completion, Execution, Reset, Sense, Statistics, StatisticsSnapshot};
use super::super::{Target, command, sense, spc};
use super::events::Events;
use super::tray::{DiscState, EjectError, Happened, Tray};
use super::{SECTOR, pages as drive_pages};
use crate::backing::{IoError, IoErrorKind, Patience};
use crate::disc::{Disc, RecordError};
use crate::throttle::Throttle;

/// INQUIRY product identification.
const PRODUCT: &str = "Virtual Burner  ";

/// A drive that records, shared by its ports.
pub struct Burner {
    id: Uuid,
    tray: Tray<Arc<Mutex<Disc>>>,
    nexuses: Nexuses,
    events: Mutex<Vec<Weak<Events>>>,
}

/// A burner as one guest sees it.
pub struct BurnerPort {
    burner: Arc<Burner>,
    attentions: Arc<Attentions>,
    events: Arc<Events>,
    parameters: Mutex<WriteParameters>,
    statistics: Statistics,
}

impl Burner {
    /// A drive with this disc in it, or none, known to guests as `id`.
    pub fn new(disc: Option<Disc>, id: Uuid) -> Burner {
        let disc = disc.map(|disc| Arc::new(Mutex::new(disc)));
        Burner { id, tray: Tray::new(disc), nexuses: Nexuses::default(), events: Mutex::default() }
    }

    /// The drive as `initiator` sees it.
    pub fn port(self: &Arc<Self>, initiator: Initiator) -> Arc<BurnerPort> {
        let events = Arc::default();
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&events));
        Arc::new(BurnerPort {
            burner: Arc::clone(self),
            attentions: self.nexuses.join(initiator),
            events,
            parameters: Mutex::default(),
            statistics: Statistics::default(),
        })
    }

    /// What is in the drive.
    pub fn disc_state(&self) -> DiscState {
        self.tray.state()
    }

    /// Whether a guest has locked the drive.
    pub fn is_locked(&self) -> bool {
        self.tray.is_locked()
    }

    /// The operator puts a disc in, in place of one in an open tray, and closes the tray.
    ///
    /// # Errors
    /// There is a disc in the drive.
    pub fn insert(&self, disc: Disc) -> Result<(), EjectError> {
        self.tray.insert(Arc::new(Mutex::new(disc)))?;
        self.tell(Happened::Arrived);
        Ok(())
    }

    /// The operator takes the disc out and closes the tray.
    ///
    /// # Errors
    /// A guest has locked the drive: all are asked to let go, unless they are forced to.
    pub fn eject(&self, force: bool) -> Result<(), EjectError> {
        let was_present =
            self.tray.eject(force).inspect_err(|_| self.each_events(Events::eject_requested))?;
        if was_present {
            self.tell(Happened::Left);
        }
        Ok(())
    }

    fn tell(&self, happened: Happened) {
        self.each_events(|events| events.happened(happened));
        if happened == Happened::Arrived {
            self.nexuses.tell(Sense::MEDIUM_CHANGED, |_| true);
        }
    }

    fn each_events(&self, visit: impl Fn(&Events)) {
        let mut ports = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        ports.retain(|events| events.upgrade().inspect(|events| visit(events)).is_some());
    }
}

#[rustfmt::skip] // One command a line: opcode, service action, name, CDB usage, needs, function. MMC-6 table 235.
const COMMANDS: &[Row<BurnerPort>] = &[
    row(0x00, None, "TEST UNIT READY", &[0x00, 0, 0, 0, 0, 0], Needs::Ready, spc::test_unit_ready),
    row(0x03, None, "REQUEST SENSE", &[0x03, 0x01, 0, 0, 0xff, 0], Needs::Nothing, spc::request_sense),
    row(0x04, None, "FORMAT UNIT", &[0x04, 0x1f, 0, 0, 0, 0], Needs::Ready, BurnerPort::format_unit),
    row(0x12, None, "INQUIRY", &[0x12, 0x01, 0xff, 0xff, 0xff, 0], Needs::Nothing, spc::inquiry),
    row(0x15, None, "MODE SELECT(6)", &[0x15, 0x10, 0, 0, 0xff, 0], Needs::Attention, spc::mode_select_6),
    row(0x1a, None, "MODE SENSE(6)", &[0x1a, 0x08, 0xff, 0xff, 0xff, 0], Needs::Attention, spc::mode_sense_6),
    row(0x1b, None, "START STOP UNIT", &[0x1b, 0x01, 0, 0, 0x03, 0], Needs::Attention, BurnerPort::start_stop),
    row(0x1d, None, "SEND DIAGNOSTIC", &[0x1d, 0x04, 0, 0, 0, 0], Needs::Attention, spc::send_diagnostic),
    row(0x1e, None, "PREVENT ALLOW MEDIUM REMOVAL", &[0x1e, 0, 0, 0, 0x03, 0], Needs::Attention, BurnerPort::prevent),
    row(0x23, None, "READ FORMAT CAPACITIES", &[0x23, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, BurnerPort::read_format_capacities),
    row(0x25, None, "READ CAPACITY(10)", &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], Needs::Ready, BurnerPort::read_capacity),
    row(0x28, None, "READ(10)", &[0x28, 0x18, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, |d, t| d.read(t, t.cdb.be32(2), t.cdb.be16(7).into())),
    row(0x2a, None, "WRITE(10)", &[0x2a, 0x18, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, |d, t| d.write(t, t.cdb.be32(2), t.cdb.be16(7).into())),
    row(0x2b, None, "SEEK(10)", &[0x2b, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], Needs::Ready, BurnerPort::seek),
    row(0x2f, None, "VERIFY(10)", &[0x2f, 0x10, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, BurnerPort::verify),
    row(0x35, None, "SYNCHRONIZE CACHE(10)", &[0x35, 0x02, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, BurnerPort::synchronize),
    row(0x43, None, "READ TOC/PMA/ATIP", &[0x43, 0x02, 0x0f, 0, 0, 0, 0xff, 0xff, 0xff, 0xc0], Needs::Ready, BurnerPort::read_toc),
    row(0x46, None, "GET CONFIGURATION", &[0x46, 0x03, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0], Needs::Nothing, BurnerPort::get_configuration),
    row(0x4a, None, "GET EVENT STATUS NOTIFICATION", &[0x4a, 0x01, 0, 0, 0xff, 0, 0, 0xff, 0xff, 0], Needs::Nothing, BurnerPort::get_event_status),
    row(0x51, None, "READ DISC INFORMATION", &[0x51, 0x07, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, BurnerPort::read_disc_information),
    row(0x52, None, "READ TRACK INFORMATION", &[0x52, 0x07, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, BurnerPort::read_track_information),
    row(0x53, None, "RESERVE TRACK", &[0x53, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0], Needs::Ready, BurnerPort::reserve_track),
    row(0x54, None, "SEND OPC INFORMATION", &[0x54, 0x01, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, BurnerPort::send_opc),
    row(0x55, None, "MODE SELECT(10)", &[0x55, 0x10, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, spc::mode_select_10),
    row(0x5a, None, "MODE SENSE(10)", &[0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, spc::mode_sense_10),
    row(0x5b, None, "CLOSE TRACK/SESSION", &[0x5b, 0x01, 0x07, 0, 0xff, 0xff, 0, 0, 0, 0], Needs::Ready, BurnerPort::close_track_session),
    row(0x5c, None, "READ BUFFER CAPACITY", &[0x5c, 0x01, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, BurnerPort::read_buffer_capacity),
    row(0x5d, None, "SEND CUE SHEET", &[0x5d, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0], Needs::Ready, BurnerPort::send_cue_sheet),
    row(0xa0, None, "REPORT LUNS", &[0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Nothing, spc::report_luns),
    row(0xa1, None, "BLANK", &[0xa1, 0x17, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0], Needs::Ready, BurnerPort::blank),
    row(0xa3, Some(0x0c), "REPORT SUPPORTED OPERATION CODES", &[0xa3, 0x1f, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Attention, spc::report_opcodes),
    row(0xa3, Some(0x0d), "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", &[0xa3, 0x1f, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Attention, spc::report_task_functions),
    row(0xa8, None, "READ(12)", &[0xa8, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0], Needs::Ready, |d, t| d.read(t, t.cdb.be32(2), t.cdb.be32(6))),
    row(0xaa, None, "WRITE(12)", &[0xaa, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0], Needs::Ready, |d, t| d.write(t, t.cdb.be32(2), t.cdb.be32(6))),
    row(0xac, None, "GET PERFORMANCE", &[0xac, 0x1f, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0], Needs::Attention, BurnerPort::get_performance),
    row(0xad, None, "READ DISC STRUCTURE", &[0xad, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0, 0], Needs::Ready, BurnerPort::read_disc_structure),
    row(0xb6, None, "SET STREAMING", &[0xb6, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, BurnerPort::set_streaming),
    row(0xbb, None, "SET CD SPEED", &[0xbb, 0x03, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0], Needs::Attention, |_, _| Ok(Moved::NOTHING)),
    row(0xbd, None, "MECHANISM STATUS", &[0xbd, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], Needs::Attention, BurnerPort::mechanism_status),
    row(0xbe, None, "READ CD", &[0xbe, 0x1e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0, 0], Needs::Ready, BurnerPort::read_cd),
];

const fn row(
    opcode: u8,
    service_action: Option<u8>,
    name: &'static str,
    usage: &'static [u8],
    needs: Needs,
    run: fn(&BurnerPort, &Task<'_>) -> Result<Moved, Stop>,
) -> Row<BurnerPort> {
    // MMC has no reservations; one guest at a time has a burner open.
    Row { opcode, service_action, name, usage, needs, against: Against::Never, run }
}

impl BurnerPort {
    /// The drive behind it.
    pub fn burner(&self) -> &Arc<Burner> {
        &self.burner
    }

    /// Looks at the disc, or changes it, if there is one.
    fn with_disc<T>(&self, act: impl FnOnce(&mut Disc) -> T) -> Result<T, Sense> {
        let disc = self.burner.tray.disc()?;
        let mut disc = disc.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(act(&mut disc))
    }

    fn parameters(&self) -> MutexGuard<'_, WriteParameters> {
        self.parameters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a guest is told when nothing was recorded.
    fn refused(&self, error: RecordError) -> Stop {
        Stop::Check(match error {
            RecordError::Address => Sense::INVALID_WRITE_ADDRESS,
            RecordError::Full => Sense::END_OF_USER_AREA,
            RecordError::Finalised => Sense::WRITE_PROTECTED,
            RecordError::Unsuitable => Sense::CANNOT_WRITE,
            RecordError::Host(error) => self.failed(&error, Sense::of_write(&error)),
        })
    }

    fn failed(&self, error: &IoError, sense: Sense) -> Sense {
        static THROTTLE: Throttle = Throttle::new();
        self.statistics.errors.add(1);
        if let Some(dropped) = THROTTLE.admit() {
            tracing::warn!(burner = ?self.burner, %error, dropped, "image of a disc failed");
        }
        // The image is an ordinary file; one that is gone is a disc that is gone.
        if error.kind() == IoErrorKind::Gone { Sense::NO_MEDIUM } else { sense }
    }

    fn start_stop(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        if let Some(happened) = self.burner.tray.start_stop(task)? {
            self.burner.tell(happened);
        }
        Ok(Moved::NOTHING)
    }

    fn prevent(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        self.burner.tray.prevent(task);
        Ok(Moved::NOTHING)
    }

    fn mechanism_status(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        task.reply(&self.burner.tray.mechanism_status(), task.cdb.be16(8).into())
    }

    fn get_event_status(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        self.events.report(task, self.burner.tray.state())
    }
}

impl Target for BurnerPort {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        let (name, execution) = command::execute(self, command, patience);
        if let Execution::Done(Completion { sense: Some(sense), .. }) = execution {
            if sense.key() == sense::Key::IllegalRequest {
                self.statistics.refused.add(1);
            }
            tracing::debug!(burner = ?self.burner, command = name, ?sense, "check condition");
        } else {
            tracing::trace!(burner = ?self.burner, command = name, ?execution, "command");
        }
        execution
    }

    fn reset(&self, reset: Reset) {
        *self.parameters() = WriteParameters::default();
        if reset == Reset::LogicalUnit {
            self.burner.tray.unlock();
            return self.burner.nexuses.tell(reset.sense(), |_| true);
        }
        self.attentions.establish(reset.sense());
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.statistics.snapshot()
    }
}

impl LogicalUnit for BurnerPort {
    fn commands() -> &'static [Row<BurnerPort>] {
        COMMANDS
    }

    fn attentions(&self) -> &Attentions {
        &self.attentions
    }

    fn ready(&self) -> Result<(), Sense> {
        self.burner.tray.disc().map(drop)
    }

    fn standard_inquiry(&self) -> Vec<u8> {
        drive_pages::standard_inquiry(PRODUCT)
    }

    fn vpd_pages(&self) -> Vec<(u8, Vec<u8>)> {
        drive_pages::vpd(self.burner.id)
    }

    fn mode_pages(&self) -> Vec<Page> {
        let kind = self.with_disc(|disc| disc.kind()).ok();
        pages::mode(&self.parameters(), self.burner.is_locked(), kind)
    }

    fn device_specific(&self) -> u8 {
        0
    }

    fn geometry(&self) -> Option<Geometry> {
        None
    }

    fn select_mode_page(&self, page: &Page) {
        if let Some(parameters) = WriteParameters::selected(page) {
            *self.parameters() = parameters;
        }
    }
}

impl fmt::Debug for Burner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Burner")
            .field("id", &self.id)
            .field("disc", &self.disc_state())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BurnerPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BurnerPort").field(&self.burner).finish()
    }
}

#[cfg(test)]
mod tests;

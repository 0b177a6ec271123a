//! Burners: drives that record CDs and DVDs, which are images with a description ([`crate::disc`]).
//!
//! A drive is one thing that several guests may have; each has it through a port with unit attentions, events and write
//! parameters of its own. What a guest expects of it outlives the process ([`kept`]): a burn goes on.

mod cue;
mod device;
mod features;
mod information;
mod kept;
mod pages;
mod recording;
mod toc;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use uuid::Uuid;

use self::kept::Memory;
use self::pages::{WriteParameters, WriteType};
use super::super::attention::{Attentions, Nexuses};
use super::super::command::{Against, LogicalUnit, Needs, Row, Stop, row};
use super::super::mode::Page;
use super::super::reservation::Initiator;
use super::super::{Command, Execution, Reset, Sense, Statistics, StatisticsSnapshot};
use super::super::{Target, command, spc};
use super::drive::{self, DiscDrive};
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
    views: Mutex<Vec<(Initiator, Weak<View>)>>,
    memory: Mutex<Memory>,
    /// The VSP ends and the guests do not.
    leaving: AtomicBool,
}

/// What a burner is to one guest alone.
#[derive(Default)]
struct View {
    events: Events,
    parameters: Mutex<WriteParameters>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A burner as one guest sees it.
pub struct BurnerPort {
    burner: Arc<Burner>,
    initiator: Initiator,
    attentions: Arc<Attentions>,
    view: Arc<View>,
    statistics: Statistics,
}

impl Burner {
    /// A drive with this disc in it, or none, known to guests as `id`.
    pub fn new(disc: Option<Disc>, id: Uuid) -> Burner {
        let disc = disc.map(|disc| Arc::new(Mutex::new(disc)));
        Burner {
            id,
            tray: Tray::new(disc),
            nexuses: Nexuses::default(),
            views: Mutex::default(),
            memory: Mutex::default(),
            leaving: AtomicBool::new(false),
        }
    }

    /// The drive as `initiator` sees it. Dropping it is the loss of that I_T nexus.
    pub fn port(self: &Arc<Self>, initiator: Initiator) -> Arc<BurnerPort> {
        let attentions = self.nexuses.join(initiator);
        let view = Arc::new(self.welcome(initiator, &attentions));
        locked(&self.views).push((initiator, Arc::downgrade(&view)));
        self.keep();
        Arc::new(BurnerPort {
            burner: Arc::clone(self),
            initiator,
            attentions,
            view,
            statistics: Statistics::default(),
        })
    }

    /// By which guests know it.
    pub fn id(&self) -> Uuid {
        self.id
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
        self.keep();
        Ok(())
    }

    /// The operator takes the disc out and closes the tray.
    ///
    /// # Errors
    /// A guest has locked the drive: all are asked to let go, unless they are forced to.
    pub fn eject(&self, force: bool) -> Result<(), EjectError> {
        let ejected = self.tray.eject(force);
        match ejected {
            Ok(true) => self.tell(Happened::Left),
            Ok(false) => {}
            Err(_) => self.views().iter().for_each(|(_, view)| view.events.eject_requested()),
        }
        self.keep();
        ejected.map(drop)
    }

    fn tell(&self, happened: Happened) {
        self.views().iter().for_each(|(_, view)| view.events.happened(happened));
        match happened {
            Happened::Arrived => self.nexuses.tell(Sense::MEDIUM_CHANGED, |_| true),
            Happened::Left => self.give_up(),
        }
    }

    /// Of the disc that lies in the tray nothing is under way any more.
    fn give_up(&self) {
        if let Some(disc) = self.tray.lying() {
            let mut disc = locked(&disc);
            disc.simulate(false);
            disc.forget_plan();
        }
    }

    fn views(&self) -> Vec<(Initiator, Arc<View>)> {
        let mut views = locked(&self.views);
        views.retain(|(_, view)| view.strong_count() > 0);
        views.iter().filter_map(|(initiator, view)| Some((*initiator, view.upgrade()?))).collect()
    }
}

#[rustfmt::skip] // One command a line: opcode, service action, name, CDB usage, needs, reservations against it, function. MMC-6 table 235.
const COMMANDS: &[Row<BurnerPort>] = &[
    row(0x04, None, "FORMAT UNIT", &[0x04, 0x1f, 0, 0, 0, 0], Needs::Ready, Against::Never, BurnerPort::format_unit),
    row(0x23, None, "READ FORMAT CAPACITIES", &[0x23, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, Against::Never, BurnerPort::read_format_capacities),
    row(0x25, None, "READ CAPACITY(10)", &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], Needs::Ready, Against::Never, BurnerPort::read_capacity),
    row(0x28, None, "READ(10)", &[0x28, 0x18, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, |d, t| d.read(t, t.cdb.be32(2), t.cdb.be16(7).into())),
    row(0x2a, None, "WRITE(10)", &[0x2a, 0x18, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, |d, t| d.write(t, t.cdb.be32(2), t.cdb.be16(7).into())),
    row(0x2b, None, "SEEK(10)", &[0x2b, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], Needs::Ready, Against::Never, BurnerPort::seek),
    row(0x2f, None, "VERIFY(10)", &[0x2f, 0x10, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, BurnerPort::verify),
    row(0x35, None, "SYNCHRONIZE CACHE(10)", &[0x35, 0x02, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, BurnerPort::synchronize),
    row(0x43, None, "READ TOC/PMA/ATIP", &[0x43, 0x02, 0x0f, 0, 0, 0, 0xff, 0xff, 0xff, 0xc0], Needs::Ready, Against::Never, BurnerPort::read_toc),
    row(0x46, None, "GET CONFIGURATION", &[0x46, 0x03, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0], Needs::Nothing, Against::Never, BurnerPort::get_configuration),
    row(0x51, None, "READ DISC INFORMATION", &[0x51, 0x07, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, BurnerPort::read_disc_information),
    row(0x52, None, "READ TRACK INFORMATION", &[0x52, 0x07, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, BurnerPort::read_track_information),
    row(0x53, None, "RESERVE TRACK", &[0x53, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::Never, BurnerPort::reserve_track),
    row(0x54, None, "SEND OPC INFORMATION", &[0x54, 0x01, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, BurnerPort::send_opc),
    row(0x5b, None, "CLOSE TRACK/SESSION", &[0x5b, 0x01, 0x07, 0, 0xff, 0xff, 0, 0, 0, 0], Needs::Ready, Against::Never, BurnerPort::close_track_session),
    row(0x5c, None, "READ BUFFER CAPACITY", &[0x5c, 0x01, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Ready, Against::Never, BurnerPort::read_buffer_capacity),
    row(0x5d, None, "SEND CUE SHEET", &[0x5d, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::Never, BurnerPort::send_cue_sheet),
    row(0xa1, None, "BLANK", &[0xa1, 0x17, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0], Needs::Ready, Against::Never, BurnerPort::blank),
    row(0xa8, None, "READ(12)", &[0xa8, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0], Needs::Ready, Against::Never, |d, t| d.read(t, t.cdb.be32(2), t.cdb.be32(6))),
    row(0xaa, None, "WRITE(12)", &[0xaa, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0], Needs::Ready, Against::Never, |d, t| d.write(t, t.cdb.be32(2), t.cdb.be32(6))),
    row(0xac, None, "GET PERFORMANCE", &[0xac, 0x1f, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0], Needs::Attention, Against::Never, BurnerPort::get_performance),
    row(0xad, None, "READ DISC STRUCTURE", &[0xad, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc0, 0], Needs::Ready, Against::Never, BurnerPort::read_disc_structure),
    row(0xb6, None, "SET STREAMING", &[0xb6, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, Against::Never, BurnerPort::set_streaming),
    row(0xbe, None, "READ CD", &[0xbe, 0x1e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10, 0, 0], Needs::Ready, Against::Never, BurnerPort::read_cd),
];

impl BurnerPort {
    /// The drive behind it.
    pub fn burner(&self) -> &Arc<Burner> {
        &self.burner
    }

    /// Looks at the disc, or changes it, if there is one.
    fn with_disc<T>(&self, act: impl FnOnce(&mut Disc) -> T) -> Result<T, Sense> {
        let disc = self.burner.tray.disc()?;
        let mut disc = locked(&disc);
        Ok(act(&mut disc))
    }

    /// Changes what is recorded on the disc, or what would be, if these are the parameters for a test.
    fn record_on_disc<T>(
        &self,
        act: impl FnOnce(&mut Disc, &WriteParameters) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let parameters = self.parameters().clone();
        self.with_disc(|disc| {
            if parameters.is_test() && !pages::are_of(disc.kind(), disc.status()) {
                return Err(Sense::ILLEGAL_MODE.into());
            }
            disc.simulate(parameters.is_test());
            act(disc, &parameters)
        })?
    }

    fn parameters(&self) -> MutexGuard<'_, WriteParameters> {
        locked(&self.view.parameters)
    }

    /// Other parameters end what was begun by those before.
    fn select(&self, parameters: WriteParameters) {
        let before = std::mem::replace(&mut *self.parameters(), parameters.clone());
        let ends_test = before.is_test() && !parameters.is_test();
        let at_once = |parameters: &WriteParameters| parameters.write_type() == WriteType::SessionAtOnce;
        let ends_session = at_once(&before) && !at_once(&parameters);
        let Some(disc) = self.burner.tray.lying() else { return };
        let mut disc = locked(&disc);
        if ends_test {
            disc.simulate(false);
        }
        if ends_session {
            disc.forget_plan();
        }
    }

    /// Whatever lasts no longer than the I_T nexus.
    fn forget(&self) {
        self.select(WriteParameters::default());
        self.burner.tray.unlock_for(self.initiator);
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
}

impl Target for BurnerPort {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        // What the commands before were told has arrived.
        self.burner.keep();
        let execution = command::execute(self, command, patience);
        if !drive::is_told(command, &execution) {
            self.burner.keep();
        }
        execution
    }

    fn reset(&self, reset: Reset) {
        self.forget();
        if reset == Reset::LogicalUnit {
            self.burner.tray.unlock();
            self.burner.nexuses.tell(reset.sense(), |_| true);
        } else {
            self.attentions.establish(reset.sense());
        }
        self.burner.keep();
    }

    fn leave(&self) {
        self.burner.leaving.store(true, Ordering::Release);
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.statistics.snapshot()
    }
}

impl Drop for BurnerPort {
    fn drop(&mut self) {
        if self.burner.leaving.load(Ordering::Acquire) {
            return;
        }
        self.forget();
        self.burner.nexuses.leave(&self.attentions);
        locked(&self.burner.views).retain(|(_, view)| !std::ptr::eq(view.as_ptr(), Arc::as_ptr(&self.view)));
        self.burner.keep();
    }
}

impl LogicalUnit for BurnerPort {
    fn commands() -> &'static [&'static [Row<BurnerPort>]] {
        const { &[COMMANDS, drive::commands(), spc::commands()] }
    }

    fn counters(&self) -> &Statistics {
        &self.statistics
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

    fn select_mode_page(&self, page: &Page) {
        if let Some(parameters) = WriteParameters::selected(page) {
            self.select(parameters);
        }
    }
}

impl DiscDrive for BurnerPort {
    type Disc = Arc<Mutex<Disc>>;

    fn tray(&self) -> &Tray<Arc<Mutex<Disc>>> {
        &self.burner.tray
    }

    fn initiator(&self) -> Initiator {
        self.initiator
    }

    fn events(&self) -> &Events {
        &self.view.events
    }

    fn tell(&self, happened: Happened) {
        self.burner.tell(happened);
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

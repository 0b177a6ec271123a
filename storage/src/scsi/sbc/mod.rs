//! Direct-access block devices: virtual disks (SBC-3).

mod blocks;
mod compare;
mod exchanges;
mod kept;
mod pace;
mod pages;
mod unmap;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use uuid::Uuid;

use self::blocks::Extent;
use self::exchanges::Exchanges;
use self::pace::Pace;
use super::attention::{Attentions, Nexuses, is_told};
use super::command::{Against, LogicalUnit, Moved, Needs, Row, Stop, Task, row};
use super::gate::{Gate, Pass};
use super::kept::Keeper;
use super::mode::{Geometry, Page};
use super::reservation::{Initiator, Reservations};
use super::reserve::{self, Nexus, Reservable};
use super::{Begun, Command, Completion, Execution, Operation, Reset, Sense, Statistics, StatisticsSnapshot};
use super::{Target, Wait, command, spc};
use crate::backing::{BlockStore, Durability, IoError, Patience};
use crate::throttle::Throttle;

/// Bytes of a logical block.
const BLOCK: u64 = 512;

/// HPVM's name for a virtual disk by the type of its backing store; the INQUIRY product identification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Product {
    /// On a whole disk of the VSP.
    Disk,
    /// On a logical volume.
    LvDisk,
    /// On a file.
    FileDisk,
}

impl Product {
    /// 16 characters, padded.
    fn identification(self) -> &'static str {
        match self {
            Product::Disk => "Virtual Disk    ",
            Product::LvDisk => "Virtual LvDisk  ",
            Product::FileDisk => "Virtual FileDisk",
        }
    }
}

/// A virtual disk with blocks of 512 bytes on a backing store, as one initiator sees it.
pub struct Disk {
    unit: Arc<Unit>,
    initiator: Initiator,
    attentions: Arc<Attentions>,
    statistics: Statistics,
}

/// A disk for as long as anybody has it open.
#[derive(Clone)]
pub struct WeakDisk(Weak<Unit>);

impl WeakDisk {
    /// Has anybody?
    pub fn is_open(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// The disk as a further initiator sees it; nothing if it is closed, or that initiator has it already.
    pub fn join(&self, initiator: Initiator) -> Option<Disk> {
        let unit = self.0.upgrade()?;
        if unit.nexuses.any(|other| other == initiator) { None } else { Some(Disk::of(unit, initiator)) }
    }
}

/// What all initiators share.
struct Unit {
    store: Arc<dyn BlockStore>,
    product: Product,
    id: Uuid,
    /// WCE: whether a write may succeed before it is on stable storage.
    write_cache: AtomicBool,
    stopped: AtomicBool,
    /// The capacity each initiator knows of, in blocks.
    told: Mutex<BTreeMap<Initiator, u64>>,
    exchanges: Mutex<Exchanges>,
    gate: Arc<Gate>,
    pace: Pace,
    reservations: Reservations,
    nexuses: Nexuses,
    keeper: Mutex<Option<Keeper>>,
    /// The VSP ends and the guests do not.
    leaving: AtomicBool,
}

impl Unit {
    /// Blocks of the medium.
    fn blocks(&self) -> u64 {
        self.store.len_bytes() / BLOCK
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[rustfmt::skip] // One command a line: opcode, service action, name, CDB usage, needs, reservations against it, function. SBC-3 table 15.
const COMMANDS: &[Row<Disk>] = &[
    row(0x08, None, "READ(6)", &[0x08, 0x1f, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::Exclusive, |d, t| d.read(t, Extent::of_6(t.cdb))),
    row(0x0a, None, "WRITE(6)", &[0x0a, 0x1f, 0xff, 0xff, 0xff, 0], Needs::Ready, Against::All, |d, t| d.write(t, Extent::of_6(t.cdb))),
    row(0x1b, None, "START STOP UNIT", &[0x1b, 0x01, 0, 0, 0x05, 0], Needs::Attention, Against::All, Disk::start_stop),
    row(0x25, None, "READ CAPACITY(10)", &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], Needs::Ready, Against::Legacy, Disk::read_capacity_10),
    row(0x28, None, "READ(10)", &[0x28, 0x18, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, Against::Exclusive, |d, t| d.read(t, Extent::of_10(t.cdb))),
    row(0x2a, None, "WRITE(10)", &[0x2a, 0x18, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, Against::All, |d, t| d.write(t, Extent::of_10(t.cdb))),
    row(0x2e, None, "WRITE AND VERIFY(10)", &[0x2e, 0x16, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, Against::All, |d, t| d.write_and_verify(t, Extent::of_10(t.cdb))),
    row(0x2f, None, "VERIFY(10)", &[0x2f, 0x16, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, Against::Exclusive, |d, t| d.verify(t, Extent::of_10(t.cdb))),
    row(0x35, None, "SYNCHRONIZE CACHE(10)", &[0x35, 0x02, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, Against::All, |d, t| d.synchronize(t, Extent::of_10(t.cdb))),
    row(0x41, None, "WRITE SAME(10)", &[0x41, 0x08, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, Against::All, |d, t| d.write_same(t, Extent::of_10(t.cdb))),
    row(0x42, None, "UNMAP", &[0x42, 0, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0], Needs::Ready, Against::All, Disk::unmap),
    row(0x88, None, "READ(16)", &[0x88, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::Exclusive, |d, t| d.read(t, Extent::of_16(t.cdb))),
    row(0x89, None, "COMPARE AND WRITE", &[0x89, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0xff, 0x1f, 0], Needs::Ready, Against::All, Disk::compare_and_write),
    row(0x8a, None, "WRITE(16)", &[0x8a, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::All, |d, t| d.write(t, Extent::of_16(t.cdb))),
    row(0x8e, None, "WRITE AND VERIFY(16)", &[0x8e, 0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::All, |d, t| d.write_and_verify(t, Extent::of_16(t.cdb))),
    row(0x8f, None, "VERIFY(16)", &[0x8f, 0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::Exclusive, |d, t| d.verify(t, Extent::of_16(t.cdb))),
    row(0x91, None, "SYNCHRONIZE CACHE(16)", &[0x91, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::All, |d, t| d.synchronize(t, Extent::of_16(t.cdb))),
    row(0x93, None, "WRITE SAME(16)", &[0x93, 0x09, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::All, |d, t| d.write_same(t, Extent::of_16(t.cdb))),
    row(0x9e, Some(0x10), "READ CAPACITY(16)", &[0x9e, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Ready, Against::Legacy, Disk::read_capacity_16),
    row(0xa8, None, "READ(12)", &[0xa8, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::Exclusive, |d, t| d.read(t, Extent::of_12(t.cdb))),
    row(0xaa, None, "WRITE(12)", &[0xaa, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::All, |d, t| d.write(t, Extent::of_12(t.cdb))),
    row(0xae, None, "WRITE AND VERIFY(12)", &[0xae, 0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::All, |d, t| d.write_and_verify(t, Extent::of_12(t.cdb))),
    row(0xaf, None, "VERIFY(12)", &[0xaf, 0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, Against::Exclusive, |d, t| d.verify(t, Extent::of_12(t.cdb))),
];

impl Disk {
    /// A disk on `store`, known to the guest as `id` for as long as it exists. The write cache is on. Nobody else uses
    /// it, and reservations end with it.
    pub fn new(store: Arc<dyn BlockStore>, product: Product, id: Uuid) -> Disk {
        Disk::with_reservations(store, product, id, Initiator::default(), Reservations::new())
    }

    /// The same as seen by `initiator`, with what is reserved.
    pub fn with_reservations(
        store: Arc<dyn BlockStore>,
        product: Product,
        id: Uuid,
        initiator: Initiator,
        reservations: Reservations,
    ) -> Disk {
        let unit = Unit {
            store,
            product,
            id,
            write_cache: AtomicBool::new(true),
            stopped: AtomicBool::new(false),
            told: Mutex::default(),
            exchanges: Mutex::default(),
            gate: Arc::default(),
            pace: Pace::default(),
            reservations,
            nexuses: Nexuses::default(),
            keeper: Mutex::default(),
            leaving: AtomicBool::new(false),
        };
        Disk::of(Arc::new(unit), initiator)
    }

    /// The same disk as another initiator sees it.
    pub fn shared_with(&self, initiator: Initiator) -> Disk {
        Disk::of(Arc::clone(&self.unit), initiator)
    }

    /// A way to the disk that does not keep it open.
    pub fn downgrade(&self) -> WeakDisk {
        WeakDisk(Arc::downgrade(&self.unit))
    }

    fn of(unit: Arc<Unit>, initiator: Initiator) -> Disk {
        let attentions = unit.nexuses.join(initiator);
        unit.welcome(initiator, &attentions);
        unit.keep();
        Disk { unit, initiator, attentions, statistics: Statistics::default() }
    }

    fn blocks(&self) -> u64 {
        self.unit.blocks()
    }

    /// Leave to change the medium. Whoever may not by the time it is given, may not.
    fn enter(&self, task: &Task<'_>) -> Result<Pass, Stop> {
        let pass = match task.patience {
            Patience::Unlimited => self.unit.gate.enter(),
            Patience::Immediate | Patience::Handover => {
                self.unit.gate.try_enter().ok_or(Stop::WouldWait(Wait::Long))?
            }
        };
        match self.is_reserved(Against::All) {
            true => Err(Stop::Conflict),
            false => Ok(pass),
        }
    }

    /// READ CAPACITY(10) (SBC-3 clause 5.15).
    fn read_capacity_10(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        self.notice_resize();
        let last = u32::try_from(self.last_block()).unwrap_or(u32::MAX);
        task.reply(&[last.to_be_bytes(), (BLOCK as u32).to_be_bytes()].concat(), 8)
    }

    /// READ CAPACITY(16) (SBC-3 clause 5.16).
    fn read_capacity_16(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        /// LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT: 8 to the host's pages of 4 KiB.
        const PHYSICAL_EXPONENT: u8 = 3;
        /// LBPME and LBPRZ: blocks can be unmapped, and then read as zeros.
        const PROVISIONING: u8 = 0xc0;
        self.notice_resize();
        let mut data = [0; 32];
        data[..8].copy_from_slice(&self.last_block().to_be_bytes());
        data[8..12].copy_from_slice(&(BLOCK as u32).to_be_bytes());
        data[13] = PHYSICAL_EXPONENT;
        data[14] = if self.unit.store.discard().is_some() { PROVISIONING } else { 0 };
        task.reply(&data, task.cdb.be32(10) as usize)
    }

    /// A store holds at least one block, or is treated as if it did: capacity has no way to say none.
    fn last_block(&self) -> u64 {
        self.blocks().saturating_sub(1)
    }

    /// START STOP UNIT (SBC-3 clause 5.25) with POWER CONDITION 0h.
    fn start_stop(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let (start, no_flush) = (task.cdb.bit(4, 0), task.cdb.bit(4, 2));
        if !start && !no_flush {
            task.may_wait(Wait::Long)?;
            self.flush()?;
        }
        self.unit.stopped.store(!start, Ordering::Release);
        self.unit.nexuses.note_change();
        Ok(Moved::NOTHING)
    }

    /// How durable a write must be: FUA, or the write cache is off.
    fn durability(&self, fua: bool) -> Durability {
        match fua || !self.unit.write_cache.load(Ordering::Acquire) {
            true => Durability::Durable,
            false => Durability::Cached,
        }
    }

    fn flush(&self) -> Result<(), Stop> {
        self.unit.store.flush().map_err(|error| self.failed_write(error))?;
        self.statistics.flushes.add(1);
        Ok(())
    }

    fn failed_read(&self, error: IoError) -> Stop {
        self.failed(&error, Sense::of_read(&error))
    }

    fn failed_write(&self, error: IoError) -> Stop {
        self.failed(&error, Sense::of_write(&error))
    }

    fn failed(&self, error: &IoError, sense: Sense) -> Stop {
        use crate::backing::IoErrorKind;
        static THROTTLE: Throttle = Throttle::new();
        match error.kind() {
            IoErrorKind::WouldBlock => return Stop::WouldWait(Wait::Long),
            // The guest's own mistakes are no failures of the store.
            IoErrorKind::OutOfRange | IoErrorKind::ReadOnly => {}
            _ => {
                self.statistics.errors.add(1);
                if let Some(dropped) = THROTTLE.admit() {
                    let cause = std::error::Error::source(error).map(|source| source.to_string());
                    tracing::warn!(disk = ?self, %error, cause, ?sense, dropped, "backing store failed");
                }
            }
        }
        Stop::Check(sense)
    }
}

/// Bytes of an UNMAP parameter list with one descriptor, as which alone the command is begun and handed over.
const UNMAP_LIST: u64 = 24;

/// Whether another way of asking the host may succeed.
fn is_worth_a_try(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::EINVAL | libc::EOPNOTSUPP))
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.unit.leaving.load(Ordering::Acquire) {
            return;
        }
        locked(&self.unit.told).remove(&self.initiator);
        self.unit.nexuses.leave(&self.attentions);
        self.unit.keep();
    }
}

impl Target for Disk {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        // What the commands before were told has arrived.
        self.unit.keep();
        let execution = command::execute(self, command, patience);
        if !is_told(&execution) {
            self.unit.keep();
        }
        execution
    }

    fn finish(&self, begun: Begun, result: io::Result<u64>) -> Execution {
        let stop = match (begun.operation(), result) {
            (Operation::Read { len, .. }, Ok(moved)) if moved == len => return self.has_read(len),
            (Operation::Write { len, .. }, Ok(moved)) if moved == len => return self.has_written(len),
            (Operation::Flush, Ok(_)) => {
                self.statistics.flushes.add(1);
                return Execution::Done(Completion { sense: None, data_out: 0, data_in: 0 });
            }
            (Operation::Discard { .. }, Ok(_)) => {
                self.statistics.discards.add(1);
                return Execution::Done(Completion { sense: None, data_out: UNMAP_LIST, data_in: 0 });
            }
            // In part: it may be that there is no more, or that the host was interrupted.
            (_, Ok(_)) => return Execution::WouldWait(Wait::Long),
            // What the host cannot do this way it can do another way. A flush alone must not be tried twice: the host
            // tells of a lost write only once.
            (operation, Err(error)) if operation != Operation::Flush && is_worth_a_try(&error) => {
                return Execution::WouldWait(Wait::Long);
            }
            (Operation::Read { .. }, Err(error)) => self.failed_read(error.into()),
            (_, Err(error)) => self.failed_write(error.into()),
        };
        match stop {
            Stop::Check(sense) => Execution::Done(Completion { sense: Some(sense), data_out: 0, data_in: 0 }),
            _ => Execution::WouldWait(Wait::Long),
        }
    }

    fn reset(&self, reset: Reset) {
        let initiator = self.initiator;
        locked(&self.unit.exchanges).forget(initiator);
        if reset == Reset::PowerOn {
            locked(&self.unit.told).insert(initiator, self.blocks());
        }
        // What one guest does to its machine is not for others to feel (SAM-5 clause 6.3.4): they have the unit, too.
        let is_own = reset != Reset::LogicalUnit && self.unit.nexuses.any(|other| other != initiator);
        if is_own || reset == Reset::Nexus {
            self.unit.reservations.reset(Some(initiator));
            self.attentions.establish(reset.sense());
        } else {
            self.unit.write_cache.store(true, Ordering::Release);
            self.unit.stopped.store(false, Ordering::Release);
            self.unit.reservations.reset(None);
            self.unit.nexuses.tell(reset.sense(), |other| reset == Reset::LogicalUnit || other == initiator);
        }
        self.unit.nexuses.note_change();
        self.unit.keep();
    }

    fn leave(&self) {
        self.unit.leaving.store(true, Ordering::Release);
    }

    fn notice_resize(&self) -> Option<Sense> {
        if let Err(error) = self.unit.store.refresh_len() {
            tracing::debug!(disk = ?self, %error, "size of backing store not known");
        }
        let blocks = self.blocks();
        let told = locked(&self.unit.told).insert(self.initiator, blocks);
        if told == Some(blocks) {
            return None;
        }
        tracing::info!(disk = ?self, told, blocks, "backing store was resized");
        // Each initiator is asked for by its own adapter, which announces it.
        self.attentions.establish(Sense::CAPACITY_CHANGED);
        self.unit.keep();
        Some(Sense::CAPACITY_CHANGED)
    }

    fn is_held(&self) -> bool {
        self.unit.reservations.are_held_by(self.initiator)
    }

    fn has_news(&self) -> bool {
        self.attentions.are_pending()
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.statistics.snapshot()
    }
}

impl LogicalUnit for Disk {
    fn commands() -> &'static [&'static [Row<Disk>]] {
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
        if self.unit.stopped.load(Ordering::Acquire) { Err(Sense::STOPPED) } else { Ok(()) }
    }

    fn standard_inquiry(&self) -> Vec<u8> {
        pages::standard_inquiry(self.unit.product)
    }

    fn vpd_pages(&self) -> Vec<(u8, Vec<u8>)> {
        pages::vpd(self.unit.id, self.unit.store.discard().is_some())
    }

    fn mode_pages(&self) -> Vec<Page> {
        pages::mode(self.unit.write_cache.load(Ordering::Acquire))
    }

    fn device_specific(&self) -> u8 {
        pages::device_specific(self.unit.store.read_only())
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(Geometry::Direct { blocks: self.blocks(), block_len: BLOCK as u32 })
    }

    fn select_mode_page(&self, page: &Page) {
        if let Some(write_cache) = pages::selected_write_cache(page) {
            let before = self.unit.write_cache.swap(write_cache, Ordering::AcqRel);
            if before != write_cache {
                self.unit.nexuses.tell(Sense::MODE_CHANGED, |other| other != self.initiator);
                self.unit.nexuses.note_change();
            }
        }
    }
}

impl Reservable for Disk {
    fn nexus(&self) -> Nexus<'_> {
        Nexus { initiator: self.initiator, all: &self.unit.nexuses, reservations: &self.unit.reservations }
    }

    fn drain(&self) {
        drop(self.unit.gate.enter_alone());
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit.store.path() {
            Some(path) => write!(f, "Disk({})", path.display()),
            None => write!(f, "Disk({})", self.unit.store.identity()),
        }
    }
}

#[cfg(test)]
mod tests;

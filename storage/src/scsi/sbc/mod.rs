//! Direct-access block devices: virtual disks (SBC-3).

mod blocks;
mod pages;
mod unmap;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;

use self::blocks::Extent;
use super::command::{Attentions, LogicalUnit, Moved, Needs, Row, Stop, Task};
use super::mode::Page;
use super::{Command, Completion, Execution, Sense, Statistics, StatisticsSnapshot, Target, Wait};
use super::{command, sense, spc};
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

/// A virtual disk with blocks of 512 bytes on a backing store.
pub struct Disk {
    store: Arc<dyn BlockStore>,
    product: Product,
    id: Uuid,
    attentions: Attentions,
    /// WCE: whether a write may succeed before it is on stable storage.
    write_cache: AtomicBool,
    stopped: AtomicBool,
    statistics: Statistics,
}

#[rustfmt::skip] // One command a line: opcode, service action, name, CDB usage, needs, function. SBC-3 table 15.
const COMMANDS: &[Row<Disk>] = &[
    row(0x00, None, "TEST UNIT READY", &[0x00, 0, 0, 0, 0, 0], Needs::Ready, spc::test_unit_ready),
    row(0x03, None, "REQUEST SENSE", &[0x03, 0x01, 0, 0, 0xff, 0], Needs::Nothing, spc::request_sense),
    row(0x08, None, "READ(6)", &[0x08, 0x1f, 0xff, 0xff, 0xff, 0], Needs::Ready, |d, t| d.read(t, Extent::of_6(t.cdb))),
    row(0x0a, None, "WRITE(6)", &[0x0a, 0x1f, 0xff, 0xff, 0xff, 0], Needs::Ready, |d, t| d.write(t, Extent::of_6(t.cdb))),
    row(0x12, None, "INQUIRY", &[0x12, 0x01, 0xff, 0xff, 0xff, 0], Needs::Nothing, spc::inquiry),
    row(0x15, None, "MODE SELECT(6)", &[0x15, 0x10, 0, 0, 0xff, 0], Needs::Attention, spc::mode_select_6),
    row(0x1a, None, "MODE SENSE(6)", &[0x1a, 0x08, 0xff, 0xff, 0xff, 0], Needs::Attention, spc::mode_sense_6),
    row(0x1b, None, "START STOP UNIT", &[0x1b, 0x01, 0, 0, 0x05, 0], Needs::Attention, Disk::start_stop),
    row(0x25, None, "READ CAPACITY(10)", &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], Needs::Ready, Disk::read_capacity_10),
    row(0x28, None, "READ(10)", &[0x28, 0x18, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, |d, t| d.read(t, Extent::of_10(t.cdb))),
    row(0x2a, None, "WRITE(10)", &[0x2a, 0x18, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, |d, t| d.write(t, Extent::of_10(t.cdb))),
    row(0x2f, None, "VERIFY(10)", &[0x2f, 0x12, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, |d, t| d.verify(t, Extent::of_10(t.cdb))),
    row(0x35, None, "SYNCHRONIZE CACHE(10)", &[0x35, 0x02, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, |d, t| d.synchronize(t, Extent::of_10(t.cdb))),
    row(0x41, None, "WRITE SAME(10)", &[0x41, 0x08, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0], Needs::Ready, |d, t| d.write_same(t, Extent::of_10(t.cdb))),
    row(0x42, None, "UNMAP", &[0x42, 0, 0, 0, 0, 0, 0x1f, 0xff, 0xff, 0], Needs::Ready, Disk::unmap),
    row(0x55, None, "MODE SELECT(10)", &[0x55, 0x10, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, spc::mode_select_10),
    row(0x5a, None, "MODE SENSE(10)", &[0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, spc::mode_sense_10),
    row(0x88, None, "READ(16)", &[0x88, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, |d, t| d.read(t, Extent::of_16(t.cdb))),
    row(0x8a, None, "WRITE(16)", &[0x8a, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, |d, t| d.write(t, Extent::of_16(t.cdb))),
    row(0x8f, None, "VERIFY(16)", &[0x8f, 0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, |d, t| d.verify(t, Extent::of_16(t.cdb))),
    row(0x91, None, "SYNCHRONIZE CACHE(16)", &[0x91, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, |d, t| d.synchronize(t, Extent::of_16(t.cdb))),
    row(0x93, None, "WRITE SAME(16)", &[0x93, 0x09, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, |d, t| d.write_same(t, Extent::of_16(t.cdb))),
    row(0x9e, Some(0x10), "READ CAPACITY(16)", &[0x9e, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Ready, Disk::read_capacity_16),
    row(0xa0, None, "REPORT LUNS", &[0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Nothing, spc::report_luns),
    row(0xa3, Some(0x0c), "REPORT SUPPORTED OPERATION CODES", &[0xa3, 0x1f, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Attention, spc::report_opcodes),
    row(0xa8, None, "READ(12)", &[0xa8, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, |d, t| d.read(t, Extent::of_12(t.cdb))),
    row(0xaa, None, "WRITE(12)", &[0xaa, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, |d, t| d.write(t, Extent::of_12(t.cdb))),
    row(0xaf, None, "VERIFY(12)", &[0xaf, 0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], Needs::Ready, |d, t| d.verify(t, Extent::of_12(t.cdb))),
];

const fn row(
    opcode: u8,
    service_action: Option<u8>,
    name: &'static str,
    usage: &'static [u8],
    needs: Needs,
    run: fn(&Disk, &Task<'_>) -> Result<Moved, Stop>,
) -> Row<Disk> {
    Row { opcode, service_action, name, usage, needs, run }
}

impl Disk {
    /// A disk on `store`, known to the guest as `id` for as long as it exists. The write cache is on.
    pub fn new(store: Arc<dyn BlockStore>, product: Product, id: Uuid) -> Disk {
        Disk {
            store,
            product,
            id,
            attentions: Attentions::default(),
            write_cache: AtomicBool::new(true),
            stopped: AtomicBool::new(false),
            statistics: Statistics::default(),
        }
    }

    /// Blocks of the medium.
    fn blocks(&self) -> u64 {
        self.store.len_bytes() / BLOCK
    }

    /// READ CAPACITY(10) (SBC-3 clause 5.15).
    fn read_capacity_10(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let last = u32::try_from(self.last_block()).unwrap_or(u32::MAX);
        task.reply(&[last.to_be_bytes(), (BLOCK as u32).to_be_bytes()].concat(), 8)
    }

    /// READ CAPACITY(16) (SBC-3 clause 5.16).
    fn read_capacity_16(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        /// LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT: 8 to the host's pages of 4 KiB.
        const PHYSICAL_EXPONENT: u8 = 3;
        /// LBPME and LBPRZ: blocks can be unmapped, and then read as zeros.
        const PROVISIONING: u8 = 0xc0;
        let mut data = [0; 32];
        data[..8].copy_from_slice(&self.last_block().to_be_bytes());
        data[8..12].copy_from_slice(&(BLOCK as u32).to_be_bytes());
        data[13] = PHYSICAL_EXPONENT;
        data[14] = if self.store.discard().is_some() { PROVISIONING } else { 0 };
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
        self.stopped.store(!start, Ordering::Release);
        Ok(Moved::NOTHING)
    }

    /// How durable a write must be: FUA, or the write cache is off.
    fn durability(&self, fua: bool) -> Durability {
        match fua || !self.write_cache.load(Ordering::Acquire) {
            true => Durability::Durable,
            false => Durability::Cached,
        }
    }

    fn flush(&self) -> Result<(), Stop> {
        self.store.flush().map_err(|error| self.failed_write(error))?;
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

impl Target for Disk {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        let (name, execution) = command::execute(self, command, patience);
        if let Execution::Done(Completion { sense: Some(sense), .. }) = execution {
            if sense.key() == sense::Key::IllegalRequest {
                self.statistics.refused.add(1);
            }
            tracing::debug!(disk = %self.id, command = name, ?sense, "check condition");
        } else {
            tracing::trace!(disk = %self.id, command = name, ?execution, "command");
        }
        execution
    }

    fn reset(&self) {
        self.write_cache.store(true, Ordering::Release);
        self.stopped.store(false, Ordering::Release);
        self.attentions.establish(Sense::RESET_OCCURRED);
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.statistics.snapshot()
    }
}

impl LogicalUnit for Disk {
    fn commands() -> &'static [Row<Disk>] {
        COMMANDS
    }

    fn attentions(&self) -> &Attentions {
        &self.attentions
    }

    fn ready(&self) -> Result<(), Sense> {
        if self.stopped.load(Ordering::Acquire) { Err(Sense::STOPPED) } else { Ok(()) }
    }

    fn standard_inquiry(&self) -> Vec<u8> {
        pages::standard_inquiry(self.product)
    }

    fn vpd_pages(&self) -> Vec<(u8, Vec<u8>)> {
        pages::vpd(self.id, self.store.discard().is_some())
    }

    fn mode_pages(&self) -> Vec<Page> {
        pages::mode(self.write_cache.load(Ordering::Acquire))
    }

    fn device_specific(&self) -> u8 {
        pages::device_specific(self.store.read_only())
    }

    fn geometry(&self) -> (u64, u32) {
        (self.blocks(), BLOCK as u32)
    }

    fn select_mode_page(&self, page: &Page) {
        if let Some(write_cache) = pages::selected_write_cache(page) {
            self.write_cache.store(write_cache, Ordering::Release);
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("id", &self.id).field("store", &self.store.identity()).finish()
    }
}

#[cfg(test)]
mod tests;

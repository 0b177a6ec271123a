//! Reading, writing and flushing blocks.

use std::sync::Arc;
use std::time::Instant;

use super::super::cdb::Cdb;
use super::super::command::{Moved, Stop, Task};
use super::super::gate::Pass;
use super::super::sense::Sense;
use super::super::{Begun, Completion, Execution, Operation, Wait};
use super::{BLOCK, Disk};
use crate::backing::{Durability, Patience};
use crate::segments::Segments;

/// Bytes repeated at a time.
const CHUNK: u64 = 256 << 10;
/// MAXIMUM WRITE SAME LENGTH in blocks: what one command may occupy a thread with.
pub(super) const MAX_WRITE_SAME: u64 = (128 << 20) / BLOCK;

/// The blocks a command is about.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    lba: u64,
    blocks: u64,
    /// FUA, bit 3 of byte 1.
    fua: bool,
}

impl Extent {
    /// 21 bits of address; a length of 0 means 256.
    pub(super) fn of_6(cdb: Cdb<'_>) -> Extent {
        let blocks = match cdb.byte(4) {
            0 => 256,
            blocks => blocks.into(),
        };
        Extent { lba: (cdb.be32(0) & 0x1f_ffff).into(), blocks, fua: false }
    }

    pub(super) fn of_10(cdb: Cdb<'_>) -> Extent {
        Extent { lba: cdb.be32(2).into(), blocks: cdb.be16(7).into(), fua: cdb.bit(1, 3) }
    }

    pub(super) fn of_12(cdb: Cdb<'_>) -> Extent {
        Extent { lba: cdb.be32(2).into(), blocks: cdb.be32(6).into(), fua: cdb.bit(1, 3) }
    }

    pub(super) fn of_16(cdb: Cdb<'_>) -> Extent {
        Extent { lba: cdb.be64(2), blocks: cdb.be32(10).into(), fua: cdb.bit(1, 3) }
    }

    /// The blocks `lba..lba + blocks`, for parameter lists.
    pub(super) fn of_list(lba: u64, blocks: u32) -> Extent {
        Extent { lba, blocks: blocks.into(), fua: false }
    }

    /// Offset and length in bytes, if the blocks are on a medium of `medium_blocks`.
    pub(super) fn on(self, medium_blocks: u64) -> Result<(u64, u64), Sense> {
        match self.lba.checked_add(self.blocks) {
            Some(end) if end <= medium_blocks => Ok((self.lba * BLOCK, self.blocks * BLOCK)),
            _ => Err(Sense::LBA_OUT_OF_RANGE),
        }
    }
}

impl Disk {
    /// READ(6), (10), (12), (16).
    pub(super) fn read(&self, task: &Task<'_>, extent: Extent) -> Result<Moved, Stop> {
        let (offset, len) = extent.on(self.blocks())?;
        let data = task.data_in(len)?;
        if extent.fua {
            // What is read must be what the medium holds, so cached writes go there first.
            task.may_wait(Wait::Long)?;
            self.flush()?;
        }
        if task.patience == Patience::Handover {
            task.may_wait_for(|| self.begin(Operation::Read { offset, len }, None))?;
        }
        self.unit.store.read_at(offset, &data, task.patience).map_err(|error| self.failed_read(error))?;
        self.has_read(len);
        Ok(Moved { data_in: len, ..Moved::NOTHING })
    }

    /// WRITE(6), (10), (12), (16).
    pub(super) fn write(&self, task: &Task<'_>, extent: Extent) -> Result<Moved, Stop> {
        let (offset, len) = extent.on(self.blocks())?;
        let data = task.data_out(len)?;
        self.check_writable()?;
        let durability = self.durability(extent.fua);
        let is_brief = durability == Durability::Cached && self.unit.pace.is_trusted();
        if task.patience == Patience::Immediate {
            return Err(Stop::WouldWait(if is_brief { Wait::Brief } else { Wait::Long }));
        }
        let pass = self.enter(task)?;
        if task.patience == Patience::Handover && !is_brief {
            task.may_wait_for(|| self.begin(Operation::Write { offset, len, durability }, Some(pass)))?;
            return Err(Stop::WouldWait(Wait::Long));
        }
        let begin = Instant::now();
        self.unit.store.write_at(offset, &data, durability).map_err(|error| self.failed_write(error))?;
        if is_brief {
            self.unit.pace.took(begin.elapsed());
        }
        self.has_written(len);
        drop(pass);
        Ok(Moved { data_out: len, ..Moved::NOTHING })
    }

    pub(super) fn begin(&self, operation: Operation, pass: Option<Pass>) -> Option<Begun> {
        Begun::new(&self.unit.store, operation, pass)
    }

    pub(super) fn check_writable(&self) -> Result<(), Sense> {
        if self.unit.store.read_only() { Err(Sense::WRITE_PROTECTED) } else { Ok(()) }
    }

    /// A read of `len` bytes has succeeded.
    pub(super) fn has_read(&self, len: u64) -> Execution {
        self.statistics.reads.add(1);
        self.statistics.read_bytes.add(len);
        Execution::Done(Completion { sense: None, data_out: 0, data_in: len })
    }

    /// A write of `len` bytes has succeeded.
    pub(super) fn has_written(&self, len: u64) -> Execution {
        if self.statistics.writes.value() == 0 {
            tracing::info!(disk = ?self, "first write");
        }
        self.statistics.writes.add(1);
        self.statistics.written_bytes.add(len);
        Execution::Done(Completion { sense: None, data_out: len, data_in: 0 })
    }

    /// SYNCHRONIZE CACHE(10), (16): the whole cache, whatever the range, and at once even with IMMED.
    pub(super) fn synchronize(&self, task: &Task<'_>, extent: Extent) -> Result<Moved, Stop> {
        extent.on(self.blocks())?;
        if self.unit.store.read_only() {
            return Ok(Moved::NOTHING);
        }
        task.may_wait_for(|| self.begin(Operation::Flush, None))?;
        self.flush()?;
        Ok(Moved::NOTHING)
    }

    /// WRITE SAME(10), (16): one block over and over, or unmapping where UNMAP is set and the block is zeros.
    pub(super) fn write_same(&self, task: &Task<'_>, extent: Extent) -> Result<Moved, Stop> {
        // FUA's bit is UNMAP here.
        let unmap = task.cdb.bit(1, 3);
        let no_data_out = task.cdb.bit(1, 0);
        let length_field = if task.cdb.0.len() == 16 { 10 } else { 7 };
        if extent.blocks == 0 || extent.blocks > MAX_WRITE_SAME {
            return Err(Sense::cdb_field(length_field, 7).into());
        }
        if unmap && self.unit.store.discard().is_none() {
            return Err(Sense::cdb_field(1, 3).into());
        }
        let (offset, len) = extent.on(self.blocks())?;
        let mut block = [0; BLOCK as usize];
        let moved = if no_data_out { 0 } else { BLOCK };
        task.data_out(moved)?.read(0, &mut block);
        self.check_writable()?;
        task.may_wait(Wait::Long)?;
        let _pass = self.enter(task)?;
        let is_zeros = block.iter().all(|b| *b == 0);
        let store = Arc::clone(&self.unit.store);
        let result = match store.discard() {
            Some(discard) if unmap && is_zeros => discard.discard_at(offset, len),
            _ if is_zeros => store.write_zeroes(offset, len),
            _ => repeat(&block, len, |at, data| store.write_at(offset + at, data, Durability::Cached)),
        };
        result.map_err(|error| self.failed_write(error))?;
        if self.durability(false) == Durability::Durable {
            self.flush()?;
        }
        match unmap && is_zeros {
            true => self.statistics.discards.add(1),
            false => {
                self.statistics.writes.add(1);
                self.statistics.written_bytes.add(len);
            }
        }
        Ok(Moved { data_out: moved, ..Moved::NOTHING })
    }
}

/// Writes `len` bytes of repeated `block`.
fn repeat<E>(
    block: &[u8],
    len: u64,
    mut write: impl FnMut(u64, &Segments<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut bytes = block.repeat((CHUNK.min(len) / BLOCK) as usize);
    let chunk = Segments::from_slice(&mut bytes);
    let mut done = 0;
    while done < len {
        let part = chunk.slice(0, len - done);
        write(done, &part)?;
        done += part.len_bytes();
    }
    Ok(())
}

//! Commands that compare what is on the medium: VERIFY, WRITE AND VERIFY, COMPARE AND WRITE.

use super::super::Wait;
use super::super::command::{Moved, Stop, Task};
use super::super::sense::Sense;
use super::blocks::Extent;
use super::exchanges::{Exchange, Stage};
use super::{Against, BLOCK, Disk, LogicalUnit, locked};
use crate::backing::{Durability, Patience};
use crate::segments::Segments;

/// Bytes compared at a time; whole blocks.
const CHUNK: u64 = 256 << 10;
/// MAXIMUM COMPARE AND WRITE LENGTH in blocks.
pub(super) const MAX_COMPARE: u8 = 128;

/// BYTCHK, bits 2 and 1 of byte 1 (SBC-3 table 112).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Check {
    /// The blocks can be read.
    Medium,
    /// The blocks are those of the data-out buffer.
    All,
    /// Each block is the one of the data-out buffer.
    One,
}

impl Check {
    fn of(task: &Task<'_>) -> Result<Check, Sense> {
        match (task.cdb.bit(1, 2), task.cdb.bit(1, 1)) {
            (false, false) => Ok(Check::Medium),
            (false, true) => Ok(Check::All),
            (true, true) => Ok(Check::One),
            (true, false) => Err(Sense::cdb_field(1, 2)),
        }
    }
}

impl Disk {
    /// VERIFY(10), (12), (16) (SBC-3 clause 5.30).
    pub(super) fn verify(&self, task: &Task<'_>, extent: Extent) -> Result<Moved, Stop> {
        let (offset, len) = extent.on(self.blocks())?;
        let check = Check::of(task)?;
        let expected = task.data_out(match check {
            Check::Medium => 0,
            Check::All => len,
            Check::One => BLOCK.min(len),
        })?;
        task.may_wait(Wait::Long)?;
        self.compare(offset, len, &expected)?;
        Ok(Moved { data_out: expected.len_bytes(), ..Moved::NOTHING })
    }

    /// WRITE AND VERIFY(10), (12), (16) (SBC-3 clause 5.40). What is compared is what the host's medium returns, as far
    /// as the host can be made to ask it: the blocks are on stable storage before they are read.
    pub(super) fn write_and_verify(&self, task: &Task<'_>, extent: Extent) -> Result<Moved, Stop> {
        let (offset, len) = extent.on(self.blocks())?;
        if Check::of(task)? == Check::One {
            return Err(Sense::cdb_field(1, 2).into());
        }
        let data = task.data_out(len)?;
        self.check_writable()?;
        task.may_wait(Wait::Long)?;
        let _pass = self.enter(task)?;
        let written = self.unit.store.write_at(offset, &data, Durability::Durable);
        written.map_err(|error| self.failed_write(error))?;
        self.has_written(len);
        self.compare(offset, len, &data)?;
        Ok(Moved { data_out: len, ..Moved::NOTHING })
    }

    /// COMPARE AND WRITE (SBC-3 clause 5.2): no other write comes between the two. One that a VSP was killed over, and that
    /// comes again, goes on where it was: it may have written already what it would be compared with.
    pub(super) fn compare_and_write(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let blocks = task.cdb.byte(13);
        if blocks > MAX_COMPARE {
            return Err(Sense::cdb_field(13, 7).into());
        }
        let extent = Extent::of_list(task.cdb.be64(2), blocks.into());
        let (offset, len) = extent.on(self.blocks())?;
        let data = task.data_out(2 * len)?;
        self.check_writable()?;
        task.may_wait(Wait::Long)?;
        let _alone = self.unit.gate.enter_alone();
        if self.is_reserved(Against::All) {
            return Err(Stop::Conflict);
        }
        let exchange = {
            let mut bytes = vec![0; data.len_bytes() as usize];
            data.read(0, &mut bytes);
            Exchange::new(task.delivery, task.cdb.0, &bytes)
        };
        let before = match task.delivery.again {
            true => locked(&self.unit.exchanges).stage(self.initiator, exchange),
            false => None,
        };
        if before == Some(Stage::Written) {
            return Ok(Moved { data_out: 2 * len, ..Moved::NOTHING });
        }
        if before.is_none() {
            self.compare(offset, len, &data.slice(0, len))?;
            self.note_exchange(exchange, Stage::Compared);
        }
        let durability = self.durability(task.cdb.bit(1, 3));
        let written = self.unit.store.write_at(offset, &data.slice(len, len), durability);
        written.map_err(|error| self.failed_write(error))?;
        self.note_exchange(exchange, Stage::Written);
        self.has_written(len);
        Ok(Moved { data_out: 2 * len, ..Moved::NOTHING })
    }

    fn note_exchange(&self, exchange: Exchange, stage: Stage) {
        locked(&self.unit.exchanges).note(self.initiator, exchange, stage);
        self.unit.nexuses.note_change();
        self.unit.keep();
    }

    /// Reads the range and compares it with `expected`: all of it, or one block over and over, or nothing.
    fn compare(&self, offset: u64, len: u64, expected: &Segments<'_>) -> Result<(), Stop> {
        let mut found = vec![0; CHUNK.min(len) as usize];
        let mut wanted = vec![0; found.len()];
        let repeats = expected.len_bytes() < len;
        if repeats {
            wanted.chunks_mut(BLOCK as usize).for_each(|block| _ = expected.read(0, block));
        }
        let mut done = 0;
        while done < len {
            let part_len = CHUNK.min(len - done) as usize;
            let part = Segments::from_slice(&mut found[..part_len]);
            let result = self.unit.store.read_at(offset + done, &part, Patience::Unlimited);
            result.map_err(|error| self.failed_read(error))?;
            if expected.len_bytes() > 0 {
                let wanted = &mut wanted[..part_len];
                if !repeats {
                    expected.read(done, wanted);
                }
                if let Some(at) = wanted.iter().zip(&found).position(|(wanted, found)| wanted != found) {
                    return Err(Sense::miscompare_at(done + at as u64).into());
                }
            }
            done += part_len as u64;
        }
        Ok(())
    }
}

//! UNMAP (SBC-3 clause 5.28).

use super::super::command::{Moved, Stop, Task};
use super::super::sense::Sense;
use super::super::{Operation, Wait};
use super::blocks::Extent;
use super::{Disk, UNMAP_LIST};
use crate::backing::Durability;

/// MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT.
pub(super) const MAX_DESCRIPTORS: u32 = 256;

/// Bytes of a parameter list with one descriptor.
const LIST_OF_ONE: u16 = UNMAP_LIST as u16;

impl Disk {
    /// All ranges are checked before the first is unmapped.
    pub(super) fn unmap(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let Some(discard) = self.unit.store.discard() else {
            return Err(if self.unit.store.read_only() {
                Sense::WRITE_PROTECTED
            } else {
                Sense::INVALID_OPCODE
            }
            .into());
        };
        let len = task.cdb.be16(7);
        let list = task.parameters(len)?;
        let mut ranges = Vec::new();
        for extent in extents(&list)? {
            ranges.push(extent.on(self.blocks())?);
        }
        let must_flush = self.durability(false) == Durability::Durable;
        match ranges[..] {
            [(offset, range_len)] if range_len > 0 && len == LIST_OF_ONE && !must_flush => {
                let operation = Operation::Discard { offset, len: range_len };
                task.may_wait_for(|| self.begin(operation, Some(self.enter(task).ok()?)))?;
            }
            _ => task.may_wait(Wait::Long)?,
        }
        let _pass = self.enter(task)?;
        for (offset, range_len) in ranges {
            discard.discard_at(offset, range_len).map_err(|error| self.failed_write(error))?;
            self.statistics.discards.add(1);
        }
        if must_flush {
            self.flush()?;
        }
        Ok(Moved { data_out: len.into(), ..Moved::NOTHING })
    }
}

/// The descriptors of a parameter list (SBC-3 table 100). A list cut inside a descriptor leaves that one out.
fn extents(list: &[u8]) -> Result<Vec<Extent>, Sense> {
    let descriptors = match list {
        [] => return Ok(Vec::new()),
        [_, _, high, low, _, _, _, _, rest @ ..] => {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            &rest[..rest.len().min(len)]
        }
        _ => return Err(Sense::PARAMETER_LIST_LENGTH),
    };
    let descriptors = descriptors.as_chunks::<16>().0;
    if descriptors.len() > MAX_DESCRIPTORS as usize {
        return Err(Sense::parameter_field(2));
    }
    Ok(descriptors
        .iter()
        .map(|d| {
            let [a, b, c, d, e, f, g, h, i, j, k, l, ..] = *d;
            Extent::of_list(u64::from_be_bytes([a, b, c, d, e, f, g, h]), u32::from_be_bytes([i, j, k, l]))
        })
        .collect())
}

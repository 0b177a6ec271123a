//! SCSI targets: commands in, data and status out. What carries the commands is not known here.
//!
//! ```text
//!   Target::execute ─► command (find row, check CDB, unit attention, readiness)
//!                         │
//!                         ▼
//!               one table per device type: opcode, name, CDB usage, function
//!                 spc: INQUIRY, MODE SENSE, …     sbc: READ, WRITE, …
//!                 (vpd, mode: the pages)              │
//!                                                     ▼
//!                                           backing::BlockStore
//! ```

mod cdb;
mod command;
pub mod lun;
mod mode;
mod sbc;
pub mod sense;
mod spc;
mod statistics;
mod vpd;

pub use sbc::{Disk, Product};
pub use sense::Sense;
pub use statistics::{Statistics, StatisticsSnapshot};

use crate::backing::Patience;
use crate::segments::Segments;

/// T10 vendor identification of every unit, padded as INQUIRY has it.
pub const VENDOR: &str = "KITTSON ";

/// A command as a transport delivers it.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    /// Command descriptor block; bytes beyond the command's own length are ignored.
    pub cdb: &'a [u8],
    /// Data for the target.
    pub data_out: &'a Segments<'a>,
    /// Room for data from the target.
    pub data_in: &'a Segments<'a>,
}

/// SCSI status (SAM-5 table 36).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
    /// Done.
    Good = 0x00,
    /// See the sense data.
    CheckCondition = 0x02,
}

/// What came of a command that was carried out or refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Completion {
    /// Sense data, if the status is CHECK CONDITION; none means GOOD.
    pub sense: Option<Sense>,
    /// Bytes taken from the data-out buffer.
    pub data_out: u64,
    /// Bytes put into the data-in buffer.
    pub data_in: u64,
}

impl Completion {
    /// The status byte.
    pub fn status(&self) -> Status {
        match self.sense {
            None => Status::Good,
            Some(_) => Status::CheckCondition,
        }
    }
}

/// What became of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Execution {
    /// It has a status.
    Done(Completion),
    /// The CDB speaks of more data than the buffers hold; nothing was done.
    Overrun,
    /// It would have to wait and was asked not to; nothing was done.
    WouldWait(Wait),
}

/// How long a command that has to wait may be expected to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Mostly no longer than a copy takes: a write into the host's cache.
    Brief,
    /// For a disk.
    Long,
}

/// A target with one logical unit, LUN 0. Any number of threads may execute commands at once; each command is its own
/// and they are not ordered among each other (SAM's simple tasks).
pub trait Target: Send + Sync {
    /// Carries out a command for LUN 0.
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution;
    /// Logical unit reset: volatile settings as after power-on, and a unit attention that says so. Commands in flight
    /// are the transport's to end.
    fn reset(&self);
    /// What it has done so far.
    fn statistics(&self) -> StatisticsSnapshot;
}

#[cfg(test)]
mod tests;

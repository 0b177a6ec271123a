//! SCSI targets: commands in, data and status out. What carries the commands is not known here.
//!
//! ```text
//!   Target::execute ─► command (find row, check CDB, unit attention, readiness)
//!                         │
//!                         ▼
//!               one table per device type: opcode, name, CDB usage, function
//!                 spc: INQUIRY, MODE SENSE, …     sbc: disks     mmc: DVDs     ssc: tapes     smc: changers
//!                 (vpd, mode: the pages)          (reservation)      │             │              │
//!                                                     └──────┬───────┘             ▼              ▼
//!                                                            ▼               backing::tap   library::Library
//!                                                   backing::BlockStore
//! ```

mod attention;
mod begun;
mod cdb;
mod command;
mod foreign;
mod gate;
mod kept;
pub mod lun;
mod mmc;
mod mode;
pub mod reservation;
mod reserve;
mod sbc;
pub mod sense;
mod smc;
mod spc;
mod ssc;
mod statistics;
pub(crate) mod vpd;

pub(crate) use attention::Attentions;
pub use begun::{Begun, Operation};
pub use foreign::{FOREIGN_SENSE_LEN, Foreign, Undelivered};
pub use kept::StateError;
pub(crate) use lun::single_lun;
pub use mmc::{Burner, BurnerPort, DiscState, Drive, Dvd, EjectError};
pub use reservation::{Initiator, Reservations};
pub use sbc::{Disk, Product, WeakDisk};
pub use sense::Sense;
pub use smc::{Changer, ChangerPort, DataTransferElement, LoadError, Loading, StillLoaded};
pub use ssc::{InsertError, TapeDrive};
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
    /// Which request it is.
    pub delivery: Delivery,
}

/// Which of an initiator's requests a command is, for units that must not carry one out twice.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Delivery {
    /// Queue it came in.
    pub queue: u16,
    /// Its number there. No other request of the queue has it, until [`Reset::PowerOn`].
    pub number: u64,
    /// A process that died had it before, and may have carried it out.
    pub again: bool,
}

/// SCSI status (SAM-5 table 36).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
    /// Done.
    Good = 0x00,
    /// See the sense data.
    CheckCondition = 0x02,
    /// Another initiator has reserved the unit.
    ReservationConflict = 0x18,
}

/// What came of a command that was carried out or refused. One that ended in CHECK CONDITION may have moved data.
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
#[derive(PartialEq, Eq, Debug)]
pub enum Execution {
    /// It has a status, GOOD or CHECK CONDITION.
    Done(Completion),
    /// Another initiator has reserved the unit: status RESERVATION CONFLICT; nothing was done.
    Conflict,
    /// As if there were no such target: the transport's answer to a selection that nobody responds to; nothing was done.
    Absent,
    /// All that is left is one operation of the host's, which the caller carries out and hands to [`Target::finish`];
    /// only when [`Patience::Handover`] was asked for.
    Begun(Begun),
    /// A device of the host answered; what it said goes back as it is.
    Foreign(Foreign),
    /// A device of the host did not answer.
    Undelivered(Undelivered),
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

/// What made a unit begin anew (SAM-5 clause 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reset {
    /// The guest was started.
    PowerOn,
    /// The guest reset the whole adapter.
    Adapter,
    /// Task management: LOGICAL UNIT RESET.
    LogicalUnit,
    /// Task management: I_T NEXUS RESET.
    Nexus,
}

impl Reset {
    /// The unit attention that tells of it (SAM-5 table 51).
    pub(crate) fn sense(self) -> Sense {
        match self {
            Reset::PowerOn => Sense::POWER_ON,
            Reset::Adapter => Sense::ANY_RESET,
            Reset::LogicalUnit => Sense::RESET_OCCURRED,
            Reset::Nexus => Sense::NEXUS_LOSS,
        }
    }
}

/// A target with one logical unit, LUN 0. Any number of threads may execute commands at once; each command is its own
/// and they are not ordered among each other (SAM's simple tasks).
pub trait Target: Send + Sync {
    /// Carries out a command for LUN 0.
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution;
    /// Ends a command that was begun: `result` is the number of bytes the host moved, or why it did not. The answer may
    /// be that the command has to be executed anew, patiently.
    fn finish(&self, begun: Begun, result: std::io::Result<u64>) -> Execution {
        _ = (begun, result);
        Execution::WouldWait(Wait::Long)
    }
    /// Volatile settings as after power-on, and a unit attention that says what happened. Commands in flight are the
    /// transport's to end.
    fn reset(&self, reset: Reset);
    /// Has a device of the host reset, so that the commands it is executing come back within seconds, with
    /// [`Undelivered::Reset`] if it has forgotten them; before a [`Reset::LogicalUnit`], and when the transport cannot wait
    /// any longer. Whether that was possible. Commands of all other units end by themselves.
    fn recall(&self) -> bool {
        true
    }
    /// Asks the host whether the storage was resized. If so there is a unit attention pending, and it is returned, for
    /// transports that can announce it.
    fn notice_resize(&self) -> Option<Sense> {
        None
    }
    /// Whether the guest has said that it needs the unit: it holds a reservation, or the lock of the drive.
    fn is_held(&self) -> bool {
        false
    }
    /// Whether something has happened to the unit that the guest has not been told of yet.
    fn has_news(&self) -> bool {
        false
    }
    /// What was last done to the unit may not have been told to the guest by who did it: tells it, perhaps once more.
    fn tell_again(&self) {}
    /// The VSP ends and the guest does not, which goes on with the unit under the next VSP. Nothing is executed any more;
    /// what is dropped from now on remains in the state that was kept.
    fn leave(&self) {}
    /// What it has done so far.
    fn statistics(&self) -> StatisticsSnapshot;
}

#[cfg(test)]
mod tests;

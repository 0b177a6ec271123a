//! Reservations as commands: what is asked, and what the initiators are told.

use super::super::Wait;
use super::super::command::{Moved, Stop, Task};
use super::super::reservation::{self, Denial, Out, State};
use super::Disk;

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Stop {
        match denial {
            Denial::Conflict => Stop::Conflict,
            Denial::Check(sense) => Stop::Check(sense),
        }
    }
}

impl Disk {
    /// RESERVE(6), (10): the whole unit, for this initiator.
    pub(super) fn reserve(&self, _: &Task<'_>) -> Result<Moved, Stop> {
        self.unit.reservations.reserve_unit(self.initiator)?;
        Ok(Moved::NOTHING)
    }

    /// RELEASE(6), (10).
    pub(super) fn release(&self, _: &Task<'_>) -> Result<Moved, Stop> {
        self.unit.reservations.release_unit(self.initiator)?;
        Ok(Moved::NOTHING)
    }

    /// PERSISTENT RESERVE IN, READ KEYS (SPC-4 clause 6.15.2).
    pub(super) fn read_keys(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        self.report(task, reservation::keys)
    }

    /// PERSISTENT RESERVE IN, READ RESERVATION (6.15.3).
    pub(super) fn read_reservation(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        self.report(task, reservation::reservation)
    }

    /// PERSISTENT RESERVE IN, READ FULL STATUS (6.15.5).
    pub(super) fn read_full_status(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        self.report(task, reservation::full_status)
    }

    fn report(&self, task: &Task<'_>, bytes: impl Fn(&State) -> Vec<u8>) -> Result<Moved, Stop> {
        task.reply(&bytes(&self.unit.reservations.state()), task.cdb.be16(7).into())
    }

    /// PERSISTENT RESERVE IN, REPORT CAPABILITIES (6.15.4).
    pub(super) fn report_capabilities(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        /// TMV: the types are told. All six of them.
        const TYPES_TOLD: u8 = 0x80;
        const TYPES: [u8; 2] = [0xea, 0x01];
        let can_keep = u8::from(self.unit.reservations.can_keep());
        let keeps = u8::from(self.unit.reservations.state().keep);
        task.reply(&[0, 8, can_keep, TYPES_TOLD | keeps, TYPES[0], TYPES[1], 0, 0], task.cdb.be16(7).into())
    }

    /// PERSISTENT RESERVE OUT (6.16).
    pub(super) fn change_reservations(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let len = Out::list_len(task.cdb)?;
        let reservations = &self.unit.reservations;
        let out = Out::parse(task.cdb, &task.parameters(len)?, reservations.can_keep())?;
        // What is to be kept is written to the host's disk.
        task.may_wait(Wait::Long)?;
        let news = reservations.change(self.initiator, out.key, out.change)?;
        if out.abort {
            // Tasks of the preempted that are writing cannot be called back: they end first.
            drop(self.unit.gate.enter_alone());
        }
        for (initiator, sense) in news {
            self.unit.tell(sense, |other| other == initiator);
        }
        Ok(Moved { data_out: len.into(), ..Moved::NOTHING })
    }
}

//! Reservations as commands: what is asked, and what the initiators are told.

use super::command::{LogicalUnit, Moved, Stop, Task};
use super::reservation::{self, Denial, Initiator, Out, Reservations, State};
use super::{Sense, Wait};

/// CDB usage of the service actions of PERSISTENT RESERVE IN and OUT (SPC-4 clauses 6.15 and 6.16). SCOPE and TYPE are ignored where
/// they mean nothing.
pub(super) const PERSISTENT_IN: &[u8] = &[0x5e, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff, 0];
pub(super) const PERSISTENT_OUT: &[u8] = &[0x5f, 0x1f, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0];

/// A unit that several initiators may have, as one of them sees it.
pub(super) trait Reservable: LogicalUnit {
    /// Who may use the unit.
    fn reservations(&self) -> &Reservations;
    /// Whose view this is.
    fn initiator(&self) -> Initiator;
    /// Establishes a unit attention for another initiator.
    fn tell(&self, whom: Initiator, sense: Sense);
    /// Waits until commands of others that change the medium have ended.
    fn drain(&self);
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Stop {
        match denial {
            Denial::Conflict => Stop::Conflict,
            Denial::Check(sense) => Stop::Check(sense),
        }
    }
}

/// RESERVE(6), (10): the whole unit, for this initiator.
pub(super) fn reserve<U: Reservable>(unit: &U, _: &Task<'_>) -> Result<Moved, Stop> {
    unit.reservations().reserve_unit(unit.initiator())?;
    Ok(Moved::NOTHING)
}

/// RELEASE(6), (10).
pub(super) fn release<U: Reservable>(unit: &U, _: &Task<'_>) -> Result<Moved, Stop> {
    unit.reservations().release_unit(unit.initiator())?;
    Ok(Moved::NOTHING)
}

/// PERSISTENT RESERVE IN, READ KEYS (SPC-4 clause 6.15.2).
pub(super) fn read_keys<U: Reservable>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    report(unit, task, reservation::keys)
}

/// PERSISTENT RESERVE IN, READ RESERVATION (6.15.3).
pub(super) fn read_reservation<U: Reservable>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    report(unit, task, reservation::reservation)
}

/// PERSISTENT RESERVE IN, READ FULL STATUS (6.15.5).
pub(super) fn read_full_status<U: Reservable>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    report(unit, task, reservation::full_status)
}

fn report<U: Reservable>(
    unit: &U,
    task: &Task<'_>,
    bytes: impl Fn(&State) -> Vec<u8>,
) -> Result<Moved, Stop> {
    task.reply(&bytes(&unit.reservations().state()), task.cdb.be16(7).into())
}

/// PERSISTENT RESERVE IN, REPORT CAPABILITIES (6.15.4).
pub(super) fn report_capabilities<U: Reservable>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    /// TMV: the types are told. All six of them.
    const TYPES_TOLD: u8 = 0x80;
    const TYPES: [u8; 2] = [0xea, 0x01];
    let can_keep = u8::from(unit.reservations().can_keep());
    let keeps = u8::from(unit.reservations().state().keep);
    task.reply(&[0, 8, can_keep, TYPES_TOLD | keeps, TYPES[0], TYPES[1], 0, 0], task.cdb.be16(7).into())
}

/// PERSISTENT RESERVE OUT (6.16).
pub(super) fn change<U: Reservable>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    let len = Out::list_len(task.cdb)?;
    let reservations = unit.reservations();
    let out = Out::parse(task.cdb, &task.parameters(len)?, reservations.can_keep())?;
    // What is to be kept is written to the host's disk.
    task.may_wait(Wait::Long)?;
    let news = reservations.change(unit.initiator(), out.key, out.change)?;
    if out.abort {
        // Tasks of the preempted that are writing cannot be called back: they end first.
        unit.drain();
    }
    for (initiator, sense) in news {
        unit.tell(initiator, sense);
    }
    Ok(Moved { data_out: len.into(), ..Moved::NOTHING })
}

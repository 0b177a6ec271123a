//! Reservations as commands: what is asked, and what the initiators are told.

use super::Wait;
use super::attention::Nexuses;
use super::command::{Against, LogicalUnit, Moved, Needs, Row, Stop, Task, row};
use super::reservation::{self, Denial, Initiator, Out, Reservations, State};

/// CDB usage of the service actions of PERSISTENT RESERVE IN and OUT (SPC-4 clauses 6.15 and 6.16). SCOPE and TYPE are ignored where
/// they mean nothing.
const PERSISTENT_IN: &[u8] = &[0x5e, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff, 0];
const PERSISTENT_OUT: &[u8] = &[0x5f, 0x1f, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0];

/// The commands of units that can be reserved.
#[rustfmt::skip] // One command a line, as in every table. SPC-2 table 10, SPC-4 table 146.
pub(super) const fn commands<U: Reservable>() -> &'static [Row<U>] {
    const { &[
        row(0x16, None, "RESERVE(6)", &[0x16, 0, 0, 0, 0, 0], Needs::Attention, Against::Never, reserve),
        row(0x17, None, "RELEASE(6)", &[0x17, 0, 0, 0, 0, 0], Needs::Attention, Against::Never, release),
        row(0x56, None, "RESERVE(10)", &[0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0], Needs::Attention, Against::Never, reserve),
        row(0x57, None, "RELEASE(10)", &[0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0], Needs::Attention, Against::Never, release),
        row(0x5e, Some(0), "PERSISTENT RESERVE IN, READ KEYS", PERSISTENT_IN, Needs::Attention, Against::Legacy, read_keys),
        row(0x5e, Some(1), "PERSISTENT RESERVE IN, READ RESERVATION", PERSISTENT_IN, Needs::Attention, Against::Legacy, read_reservation),
        row(0x5e, Some(2), "PERSISTENT RESERVE IN, REPORT CAPABILITIES", PERSISTENT_IN, Needs::Attention, Against::Legacy, report_capabilities),
        row(0x5e, Some(3), "PERSISTENT RESERVE IN, READ FULL STATUS", PERSISTENT_IN, Needs::Attention, Against::Legacy, read_full_status),
        row(0x5f, Some(0), "PERSISTENT RESERVE OUT, REGISTER", PERSISTENT_OUT, Needs::Attention, Against::Legacy, change),
        row(0x5f, Some(1), "PERSISTENT RESERVE OUT, RESERVE", PERSISTENT_OUT, Needs::Attention, Against::Legacy, change),
        row(0x5f, Some(2), "PERSISTENT RESERVE OUT, RELEASE", PERSISTENT_OUT, Needs::Attention, Against::Legacy, change),
        row(0x5f, Some(3), "PERSISTENT RESERVE OUT, CLEAR", PERSISTENT_OUT, Needs::Attention, Against::Legacy, change),
        row(0x5f, Some(4), "PERSISTENT RESERVE OUT, PREEMPT", PERSISTENT_OUT, Needs::Attention, Against::Legacy, change),
        row(0x5f, Some(5), "PERSISTENT RESERVE OUT, PREEMPT AND ABORT", PERSISTENT_OUT, Needs::Attention, Against::Legacy, change),
        row(0x5f, Some(6), "PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY", PERSISTENT_OUT, Needs::Attention, Against::Legacy, change),
    ] }
}

/// One initiator among those that may have a unit.
pub(super) struct Nexus<'a> {
    /// Whose view this is.
    pub(super) initiator: Initiator,
    /// All of them.
    pub(super) all: &'a Nexuses,
    /// Who may use the unit.
    pub(super) reservations: &'a Reservations,
}

impl Nexus<'_> {
    /// For [`LogicalUnit::is_reserved`].
    pub(super) fn is_reserved(&self, against: Against) -> bool {
        against != Against::Never && self.reservations.is_against(self.initiator, against)
    }
}

/// A unit that several initiators may have, as one of them sees it.
pub(super) trait Reservable: LogicalUnit {
    /// Whose view it is, and of whom else there are views.
    fn nexus(&self) -> Nexus<'_>;
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
    let Nexus { initiator, reservations, .. } = unit.nexus();
    reservations.reserve_unit(initiator)?;
    Ok(Moved::NOTHING)
}

/// RELEASE(6), (10).
pub(super) fn release<U: Reservable>(unit: &U, _: &Task<'_>) -> Result<Moved, Stop> {
    let Nexus { initiator, reservations, .. } = unit.nexus();
    reservations.release_unit(initiator)?;
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
    task.reply(&bytes(&unit.nexus().reservations.state()), task.cdb.be16(7).into())
}

/// PERSISTENT RESERVE IN, REPORT CAPABILITIES (6.15.4).
pub(super) fn report_capabilities<U: Reservable>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    /// TMV: the types are told. All six of them.
    const TYPES_TOLD: u8 = 0x80;
    const TYPES: [u8; 2] = [0xea, 0x01];
    let reservations = unit.nexus().reservations;
    let can_keep = u8::from(reservations.can_keep());
    let keeps = u8::from(reservations.state().keep);
    task.reply(&[0, 8, can_keep, TYPES_TOLD | keeps, TYPES[0], TYPES[1], 0, 0], task.cdb.be16(7).into())
}

/// PERSISTENT RESERVE OUT (6.16).
pub(super) fn change<U: Reservable>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    let len = Out::list_len(task.cdb)?;
    let Nexus { initiator, all, reservations } = unit.nexus();
    let out = Out::parse(task.cdb, &task.parameters(len)?, reservations.can_keep())?;
    // What is to be kept is written to the host's disk.
    task.may_wait(Wait::Long)?;
    let news = reservations.change((initiator, task.delivery), out.key, out.change)?;
    if out.abort {
        // Tasks of the preempted that are writing cannot be called back: they end first.
        unit.drain();
    }
    for (whom, sense) in news {
        all.tell(sense, |other| other == whom);
    }
    Ok(Moved { data_out: len.into(), ..Moved::NOTHING })
}

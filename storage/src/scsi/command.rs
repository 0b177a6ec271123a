//! From a CDB to the function that carries it out: the table of a device type and what is checked before any command.

use std::fmt;

use super::attention::Attentions;
use super::cdb::Cdb;
use super::mode::Geometry;
use super::sense::Key;
use super::{Begun, Command, Completion, Delivery, Execution, Sense, Statistics, Wait};
use crate::backing::Patience;
use crate::segments::Segments;

/// What must be in order before a command runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Needs {
    /// Nothing: these commands work, and leave it pending, when there is a unit attention (SPC-4 clause 5.14).
    Nothing,
    /// No unit attention pending; one is reported instead, once.
    Attention,
    /// That, and a unit that is ready.
    Ready,
}

/// Which reservations of other initiators stand against a command (SPC-4 table 59, SBC-3 table 13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Against {
    /// None.
    Never,
    /// Only those made by RESERVE.
    Legacy,
    /// Also persistent ones of exclusive access: the command reads.
    Exclusive,
    /// All: the command writes, or changes the unit.
    All,
}

/// One command of a device type.
pub(super) struct Row<U> {
    pub(super) opcode: u8,
    /// For opcodes shared by several commands: bits 4-0 of byte 1.
    pub(super) service_action: Option<u8>,
    pub(super) name: &'static str,
    /// CDB USAGE DATA (SPC-4 clause 6.35.3): the bits that are looked at, the opcode itself in byte 0. Its length is
    /// the command's. A bit set in a CDB and not here makes the CDB invalid.
    pub(super) usage: &'static [u8],
    pub(super) needs: Needs,
    pub(super) against: Against,
    pub(super) run: fn(&U, &Task<'_>) -> Result<Moved, Stop>,
}

/// A row in one line of a table.
pub(super) const fn row<U>(
    opcode: u8,
    service_action: Option<u8>,
    name: &'static str,
    usage: &'static [u8],
    needs: Needs,
    against: Against,
    run: fn(&U, &Task<'_>) -> Result<Moved, Stop>,
) -> Row<U> {
    Row { opcode, service_action, name, usage, needs, against, run }
}

/// All commands of a unit, table by table.
pub(super) fn rows<U: LogicalUnit>() -> impl Iterator<Item = &'static Row<U>> {
    U::commands().iter().copied().flatten()
}

/// A command being carried out.
pub(super) struct Task<'a> {
    pub(super) cdb: Cdb<'a>,
    data_out: &'a Segments<'a>,
    data_in: &'a Segments<'a>,
    pub(super) patience: Patience,
    pub(super) delivery: Delivery,
}

/// Bytes moved by a successful command.
#[derive(Clone, Copy, Default)]
pub(super) struct Moved {
    pub(super) data_out: u64,
    pub(super) data_in: u64,
}

/// Why a command did not succeed.
pub(super) enum Stop {
    Check(Sense),
    /// CHECK CONDITION after some data were moved.
    Partly(Sense, Moved),
    Overrun,
    Conflict,
    WouldWait(Wait),
    Begun(Begun),
}

impl From<Sense> for Stop {
    fn from(sense: Sense) -> Stop {
        Stop::Check(sense)
    }
}

impl Moved {
    pub(super) const NOTHING: Moved = Moved { data_out: 0, data_in: 0 };
}

impl Task<'_> {
    /// Answers with parameter data, cut to the allocation length.
    pub(super) fn reply(&self, data: &[u8], allocation_len: usize) -> Result<Moved, Stop> {
        let data = &data[..data.len().min(allocation_len)];
        if self.data_in.len_bytes() < data.len() as u64 {
            return Err(Stop::Overrun);
        }
        self.data_in.write(0, data);
        Ok(Moved { data_in: data.len() as u64, ..Moved::NOTHING })
    }

    /// The parameter list of `len` bytes.
    pub(super) fn parameters(&self, len: u16) -> Result<Vec<u8>, Stop> {
        let mut list = vec![0; usize::from(len)];
        match self.data_out.read(0, &mut list) {
            read if read == list.len() => Ok(list),
            _ => Err(Stop::Overrun),
        }
    }

    /// The first `len` bytes of the data-in buffer.
    pub(super) fn data_in(&self, len: u64) -> Result<Segments<'_>, Stop> {
        exactly(self.data_in, len)
    }

    /// The first `len` bytes of the data-out buffer.
    pub(super) fn data_out(&self, len: u64) -> Result<Segments<'_>, Stop> {
        exactly(self.data_out, len)
    }

    /// For commands that always have to wait.
    pub(super) fn may_wait(&self, wait: Wait) -> Result<(), Stop> {
        match self.patience {
            Patience::Unlimited => Ok(()),
            Patience::Immediate | Patience::Handover => Err(Stop::WouldWait(wait)),
        }
    }

    /// For commands that come down to one operation of the host's: leaves that to whoever wants to do it himself.
    pub(super) fn may_wait_for(&self, begun: impl FnOnce() -> Option<Begun>) -> Result<(), Stop> {
        match (self.patience, begun) {
            (Patience::Handover, begun) => Err(begun().map_or(Stop::WouldWait(Wait::Long), Stop::Begun)),
            _ => self.may_wait(Wait::Long),
        }
    }
}

fn exactly<'a>(buffer: &Segments<'a>, len: u64) -> Result<Segments<'a>, Stop> {
    if buffer.len_bytes() < len { Err(Stop::Overrun) } else { Ok(buffer.slice(0, len)) }
}

/// A logical unit as the shared commands and checks see it.
pub(super) trait LogicalUnit: Sized + fmt::Debug + 'static {
    /// Its commands, in tables: what it is used for first, then what every type has ([`spc::commands`](super::spc::commands)).
    fn commands() -> &'static [&'static [Row<Self>]];
    /// Unit attentions pending.
    fn attentions(&self) -> &Attentions;
    /// What it has done so far.
    fn counters(&self) -> &Statistics;
    /// `Err` when medium commands cannot run now.
    fn ready(&self) -> Result<(), Sense>;
    /// Whether a reservation of another initiator stands against such a command.
    fn is_reserved(&self, against: Against) -> bool {
        _ = against;
        false
    }
    /// Standard INQUIRY data.
    fn standard_inquiry(&self) -> Vec<u8>;
    /// The supported vital product data pages: code and content from byte 4 on, ascending.
    fn vpd_pages(&self) -> Vec<(u8, Vec<u8>)>;
    /// The mode pages, ascending.
    fn mode_pages(&self) -> Vec<super::mode::Page>;
    /// DEVICE-SPECIFIC PARAMETER of the mode parameter header.
    fn device_specific(&self) -> u8 {
        0
    }
    /// What the mode block descriptor says of the medium, for types that have one.
    fn geometry(&self) -> Option<Geometry> {
        None
    }
    /// New values for the changeable bits of a mode page; the rest is as it was.
    fn select_mode_page(&self, page: &super::mode::Page) {
        _ = page;
    }
    /// New values of the mode parameter header and of the block descriptor, where there was one: bytes of a block.
    fn select_medium(&self, device_specific: u8, block_len: Option<u32>) {
        _ = (device_specific, block_len);
    }
}

/// Carries out `command` on `unit`.
pub(super) fn execute<U: LogicalUnit>(unit: &U, command: &Command<'_>, patience: Patience) -> Execution {
    let (name, result) = match find::<U>(command.cdb) {
        Ok(row) => (row.name, run(unit, row, command, patience)),
        Err(sense) => ("unknown", Err(Stop::Check(sense))),
    };
    let execution = match result {
        Ok(moved) => {
            Execution::Done(Completion { sense: None, data_out: moved.data_out, data_in: moved.data_in })
        }
        Err(Stop::Check(sense)) => {
            Execution::Done(Completion { sense: Some(sense), data_out: 0, data_in: 0 })
        }
        Err(Stop::Partly(sense, moved)) => Execution::Done(Completion {
            sense: Some(sense),
            data_out: moved.data_out,
            data_in: moved.data_in,
        }),
        Err(Stop::Overrun) => Execution::Overrun,
        Err(Stop::Conflict) => Execution::Conflict,
        Err(Stop::Begun(begun)) => Execution::Begun(begun),
        Err(Stop::WouldWait(wait)) => Execution::WouldWait(wait),
    };
    if let Execution::Done(Completion { sense: Some(sense), .. }) = execution {
        if sense.key() == Key::IllegalRequest {
            unit.counters().refused.add(1);
        }
        tracing::debug!(?unit, command = name, ?sense, "check condition");
    } else {
        tracing::trace!(?unit, command = name, ?execution, "command");
    }
    execution
}

fn find<U: LogicalUnit>(cdb: &[u8]) -> Result<&'static Row<U>, Sense> {
    let cdb = Cdb(cdb);
    let mut same_opcode = rows::<U>().filter(|row| row.opcode == cdb.byte(0)).peekable();
    if same_opcode.peek().is_none() {
        return Err(Sense::INVALID_OPCODE);
    }
    same_opcode
        .find(|row| row.service_action.is_none_or(|action| action == cdb.byte(1) & 0x1f))
        .ok_or(Sense::cdb_field(1, 4))
}

fn run<U: LogicalUnit>(
    unit: &U,
    row: &Row<U>,
    command: &Command<'_>,
    patience: Patience,
) -> Result<Moved, Stop> {
    let cdb = command.cdb.get(..row.usage.len()).ok_or(Sense::INVALID_FIELD_IN_CDB)?;
    for (byte, (given, used)) in cdb.iter().zip(row.usage).enumerate().skip(1) {
        let excess = given & !used;
        if excess != 0 {
            return Err(Sense::cdb_field(byte as u16, excess.ilog2() as u8).into());
        }
    }
    if row.needs != Needs::Nothing
        && let Some(sense) = unit.attentions().take()
    {
        return Err(sense.into());
    }
    if unit.is_reserved(row.against) {
        return Err(Stop::Conflict);
    }
    if row.needs == Needs::Ready {
        unit.ready()?;
    }
    let task = Task {
        cdb: Cdb(cdb),
        data_out: command.data_out,
        data_in: command.data_in,
        patience,
        delivery: command.delivery,
    };
    (row.run)(unit, &task)
}

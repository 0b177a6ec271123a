//! What every drive does about its disc, whatever it does with what is on it: commands of the tray, and of the structures
//! of DVDs.

use super::super::attention;
use super::super::command::{Against, LogicalUnit, Moved, Needs, Row, Stop, Task, row};
use super::super::sense::Sense;
use super::super::{Command, Execution, Initiator};
use super::events::Events;
use super::tray::{Happened, Tray};

/// A drive with a tray, as a guest sees it.
pub(super) trait DiscDrive: LogicalUnit {
    /// What lies in the tray.
    type Disc: Clone;
    /// The tray.
    fn tray(&self) -> &Tray<Self::Disc>;
    /// The guest.
    fn initiator(&self) -> Initiator;
    /// What this guest has not been told yet.
    fn events(&self) -> &Events;
    /// All guests are told.
    fn tell(&self, happened: Happened);
}

const GET_EVENT_STATUS: u8 = 0x4a;

/// Whether a command was told something that its answer takes from what is pending. It may be that the answer does not
/// arrive: see [`attention::is_told`].
pub(super) fn is_told(command: &Command<'_>, execution: &Execution) -> bool {
    attention::is_told(execution) || command.cdb.first() == Some(&GET_EVENT_STATUS)
}

/// The commands of every drive.
#[rustfmt::skip] // One command a line, as in every table. MMC-6 table 235.
pub(super) const fn commands<U: DiscDrive>() -> &'static [Row<U>] {
    const { &[
        row(0x1b, None, "START STOP UNIT", &[0x1b, 0x01, 0, 0, 0x03, 0], Needs::Attention, Against::Never, start_stop),
        row(0x1e, None, "PREVENT ALLOW MEDIUM REMOVAL", &[0x1e, 0, 0, 0, 0x03, 0], Needs::Attention, Against::Never, prevent),
        row(GET_EVENT_STATUS, None, "GET EVENT STATUS NOTIFICATION", &[GET_EVENT_STATUS, 0x01, 0, 0, 0xff, 0, 0, 0xff, 0xff, 0], Needs::Nothing, Against::Never, get_event_status),
        row(0xbb, None, "SET CD SPEED", &[0xbb, 0x03, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0], Needs::Attention, Against::Never, |_, _| Ok(Moved::NOTHING)),
        row(0xbd, None, "MECHANISM STATUS", &[0xbd, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], Needs::Attention, Against::Never, mechanism_status),
    ] }
}

/// START STOP UNIT (MMC-6 clause 6.42).
fn start_stop<U: DiscDrive>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    if let Some(happened) = unit.tray().start_stop(task)? {
        unit.tell(happened);
    }
    Ok(Moved::NOTHING)
}

/// PREVENT ALLOW MEDIUM REMOVAL (MMC-6 clause 6.14).
fn prevent<U: DiscDrive>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    unit.tray().prevent(task, unit.initiator());
    Ok(Moved::NOTHING)
}

/// GET EVENT STATUS NOTIFICATION (MMC-6 clause 6.6).
fn get_event_status<U: DiscDrive>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    unit.events().report(task, unit.tray().state())
}

/// MECHANISM STATUS (MMC-6 clause 6.10).
fn mechanism_status<U: DiscDrive>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    task.reply(&unit.tray().mechanism_status(), task.cdb.be16(8).into())
}

/// READ DISC STRUCTURE of a DVD of one layer (MMC-6 clause 6.22): the structures there are, by FORMAT, ascending.
pub(super) fn read_structure(task: &Task<'_>, is_dvd: bool, there: &[(u8, Vec<u8>)]) -> Result<Moved, Stop> {
    const DVD: u8 = 0;
    const LIST: u8 = 0xff;
    let (media, layer, format) = (task.cdb.byte(1), task.cdb.byte(6), task.cdb.byte(7));
    if media != DVD || !is_dvd {
        return Err(Sense::cdb_field(1, 3).into());
    }
    if layer != 0 {
        return Err(Sense::cdb_field(6, 7).into());
    }
    let with_header = |content: &[u8]| {
        let [high, low] = (content.len() as u16 + 2).to_be_bytes();
        [&[high, low, 0, 0], content].concat()
    };
    let found = there.iter().find(|(own, _)| *own == format).map(|(_, content)| content.clone());
    let content = found.or_else(|| (format == LIST).then(|| list(LIST, there)));
    let content = content.ok_or(Sense::cdb_field(7, 7))?;
    task.reply(&with_header(&content), task.cdb.be16(8).into())
}

/// The structures, each readable and not writable, by format and length with the header.
fn list(own: u8, there: &[(u8, Vec<u8>)]) -> Vec<u8> {
    const READABLE: u8 = 0x40;
    let own_len = 4 * (there.len() + 1);
    let all = there.iter().map(|(format, content)| (*format, content.len())).chain([(own, own_len)]);
    all.flat_map(|(format, len)| {
        let [high, low] = (len as u16 + 4).to_be_bytes();
        [format, READABLE, high, low]
    })
    .collect()
}

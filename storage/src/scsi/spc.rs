//! Commands every device type has (SPC-4), for any [`LogicalUnit`].

use super::Sense;
use super::command::{Against, LogicalUnit, Moved, Needs, Row, Stop, Task, row, rows};
use super::mode::{self, Form, Geometry, SenseRequest};
use super::vpd;

/// REPORT LUNS data of a target whose only logical unit is LUN 0.
pub(super) const SINGLE_LUN: [u8; 16] = [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// What a unit is, in standard INQUIRY data. Names are printable ASCII.
pub(super) struct Identity<'a> {
    /// PERIPHERAL DEVICE TYPE.
    pub(super) peripheral: u8,
    /// Whether its medium can be removed.
    pub(super) is_removable: bool,
    /// T10 VENDOR IDENTIFICATION, at most 8 characters.
    pub(super) vendor: &'a str,
    /// PRODUCT IDENTIFICATION, at most 16 characters.
    pub(super) product: &'a str,
    /// PRODUCT REVISION LEVEL, at most 4 characters.
    pub(super) revision: &'a str,
    /// Version descriptor of the standard of its type, no version claimed (SPC-4 table 143).
    pub(super) standard: u16,
}

/// Commands every device type has. Which reservations stand against them matters only where there are any.
#[rustfmt::skip] // One command a line, as in every table. SPC-4 table 146.
pub(super) const fn commands<U: LogicalUnit>() -> &'static [Row<U>] {
    const { &[
        row(0x00, None, "TEST UNIT READY", &[0x00, 0, 0, 0, 0, 0], Needs::Ready, Against::Legacy, test_unit_ready),
        row(0x03, None, "REQUEST SENSE", &[0x03, 0x01, 0, 0, 0xff, 0], Needs::Nothing, Against::Never, request_sense),
        row(0x12, None, "INQUIRY", &[0x12, 0x01, 0xff, 0xff, 0xff, 0], Needs::Nothing, Against::Never, inquiry),
        row(0x15, None, "MODE SELECT(6)", &[0x15, 0x10, 0, 0, 0xff, 0], Needs::Attention, Against::All, mode_select_6),
        row(0x1a, None, "MODE SENSE(6)", &[0x1a, 0x08, 0xff, 0xff, 0xff, 0], Needs::Attention, Against::Exclusive, mode_sense_6),
        row(0x1d, None, "SEND DIAGNOSTIC", &[0x1d, 0x04, 0, 0, 0, 0], Needs::Attention, Against::All, send_diagnostic),
        row(0x55, None, "MODE SELECT(10)", &[0x55, 0x10, 0, 0, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, Against::All, mode_select_10),
        row(0x5a, None, "MODE SENSE(10)", &[0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0], Needs::Attention, Against::Exclusive, mode_sense_10),
        row(0xa0, None, "REPORT LUNS", &[0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Nothing, Against::Never, report_luns),
        row(0xa3, Some(0x0c), "REPORT SUPPORTED OPERATION CODES", &[0xa3, 0x1f, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Attention, Against::Exclusive, report_opcodes),
        row(0xa3, Some(0x0d), "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", &[0xa3, 0x1f, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0], Needs::Attention, Against::Exclusive, report_task_functions),
    ] }
}

/// Standard INQUIRY data (SPC-4 table 136) of a connected unit that claims SAM-5, SPC-4 and the standard of its type.
pub(super) fn standard_inquiry(identity: &Identity<'_>) -> Vec<u8> {
    /// SAM-5 and SPC-4, no version claimed (SPC-4 table 143).
    const VERSIONS: [u16; 2] = [0x00a0, 0x0460];
    /// RMB.
    const REMOVABLE: u8 = 0x80;
    let Identity { peripheral, is_removable, vendor, product, revision, standard } = identity;
    let mut data = vec![0; 96];
    data[0] = *peripheral;
    data[1] = if *is_removable { REMOVABLE } else { 0 };
    data[2] = 0x06; // SPC-4.
    data[3] = 0x12; // HISUP, response data format 2.
    data[4] = (data.len() - 5) as u8;
    data[7] = 0x02; // CMDQUE.
    data[8..36].copy_from_slice(format!("{vendor:<8.8}{product:<16.16}{revision:<4.4}").as_bytes());
    for (place, version) in data[58..].chunks_exact_mut(2).zip(VERSIONS.into_iter().chain([*standard])) {
        place.copy_from_slice(&version.to_be_bytes());
    }
    data
}

/// TEST UNIT READY (6.47): that it runs at all is the answer.
pub(super) fn test_unit_ready<U: LogicalUnit>(_: &U, _: &Task<'_>) -> Result<Moved, Stop> {
    Ok(Moved::NOTHING)
}

/// INQUIRY (6.6).
pub(super) fn inquiry<U: LogicalUnit>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    let (vital, page_code) = (task.cdb.bit(1, 0), task.cdb.byte(2));
    let data = match (vital, page_code) {
        (false, 0) => unit.standard_inquiry(),
        (false, _) => return Err(Sense::cdb_field(2, 7).into()),
        (true, code) => {
            let peripheral = unit.standard_inquiry()[0];
            let pages = unit.vpd_pages();
            if code == vpd::SUPPORTED_PAGES {
                let codes: Vec<u8> = [code].into_iter().chain(pages.iter().map(|(code, _)| *code)).collect();
                vpd::page(peripheral, code, &codes)
            } else {
                let page = pages.iter().find(|(own, _)| *own == code);
                let (_, content) = page.ok_or(Sense::cdb_field(2, 7))?;
                vpd::page(peripheral, code, content)
            }
        }
    };
    task.reply(&data, task.cdb.be16(3).into())
}

/// REPORT LUNS (6.33).
pub(super) fn report_luns<U: LogicalUnit>(_: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    const WELL_KNOWN_ONLY: u8 = 1;
    let allocation_len = task.cdb.be32(6) as usize;
    match task.cdb.byte(2) {
        // 00h and 02h: with and without the well-known ones, of which there are none.
        0 | 2 if allocation_len >= 16 => task.reply(&SINGLE_LUN, allocation_len),
        WELL_KNOWN_ONLY if allocation_len >= 16 => task.reply(&[0; 8], allocation_len),
        0..=2 => Err(Sense::cdb_field(6, 7).into()),
        _ => Err(Sense::cdb_field(2, 7).into()),
    }
}

/// REQUEST SENSE (6.39): a pending unit attention, which this clears, or why the unit is not ready.
pub(super) fn request_sense<U: LogicalUnit>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    let sense = unit.attentions().take().or(unit.ready().err()).unwrap_or(Sense::NONE);
    let descriptor_format = task.cdb.bit(1, 0);
    let data = if descriptor_format { sense.descriptor() } else { sense.fixed().to_vec() };
    task.reply(&data, task.cdb.byte(4).into())
}

/// MODE SENSE(6) (6.13).
pub(super) fn mode_sense_6<U: LogicalUnit>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    task.reply(&mode::sense(unit, &sense_request(task, Form::Six))?, task.cdb.byte(4).into())
}

/// MODE SENSE(10) (6.14).
pub(super) fn mode_sense_10<U: LogicalUnit>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    task.reply(&mode::sense(unit, &sense_request(task, Form::Ten))?, task.cdb.be16(7).into())
}

fn sense_request(task: &Task<'_>, form: Form) -> SenseRequest {
    SenseRequest {
        form,
        without_descriptors: task.cdb.bit(1, 3),
        long_lba: form == Form::Ten && task.cdb.bit(1, 4),
        page_control: task.cdb.byte(2) >> 6,
        page: task.cdb.byte(2) & 0x3f,
        subpage: task.cdb.byte(3),
    }
}

/// MODE SELECT(6) (6.11).
pub(super) fn mode_select_6<U: LogicalUnit>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    mode_select(unit, task, Form::Six, task.cdb.byte(4).into())
}

/// MODE SELECT(10) (6.12).
pub(super) fn mode_select_10<U: LogicalUnit>(unit: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    mode_select(unit, task, Form::Ten, task.cdb.be16(7))
}

fn mode_select<U: LogicalUnit>(unit: &U, task: &Task<'_>, form: Form, len: u16) -> Result<Moved, Stop> {
    let page_format = task.cdb.bit(1, 4);
    // Without, what follows the block descriptor is the vendor's (SPC-4 clause 6.11); tapes have nothing there.
    let without_pages = matches!(unit.geometry(), Some(Geometry::Sequential { .. }));
    if !page_format && len != 0 && !without_pages {
        return Err(Sense::cdb_field(1, 4).into());
    }
    mode::select(unit, form, &task.parameters(len)?)?;
    Ok(Moved { data_out: len.into(), ..Moved::NOTHING })
}

/// REPORT SUPPORTED OPERATION CODES (6.35), from the table of the device type itself.
pub(super) fn report_opcodes<U: LogicalUnit>(_: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    const ALL: u8 = 0;
    const BY_OPCODE: u8 = 1;
    const BY_SERVICE_ACTION: u8 = 2;
    const BY_EITHER: u8 = 3;
    let with_timeouts = task.cdb.bit(2, 7);
    let (opcode, action) = (task.cdb.byte(3), task.cdb.be16(4));
    let same_opcode = || rows::<U>().filter(|row| row.opcode == opcode);
    let same_action = || same_opcode().find(|row| row.service_action.map(u16::from) == Some(action));
    let has_actions = same_opcode().any(|row| row.service_action.is_some());
    let data = match task.cdb.byte(2) & 0x07 {
        ALL => all_commands::<U>(with_timeouts),
        BY_OPCODE if has_actions => return Err(Sense::cdb_field(4, 7).into()),
        BY_OPCODE => one_command(same_opcode().next(), with_timeouts),
        BY_SERVICE_ACTION if !has_actions => return Err(Sense::cdb_field(4, 7).into()),
        BY_SERVICE_ACTION => one_command(same_action(), with_timeouts),
        BY_EITHER if has_actions => one_command(same_action(), with_timeouts),
        BY_EITHER => one_command(same_opcode().next().filter(|_| action == 0), with_timeouts),
        _ => return Err(Sense::cdb_field(2, 2).into()),
    };
    task.reply(&data, task.cdb.be32(6) as usize)
}

/// REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS (6.36): those of the transport.
pub(super) fn report_task_functions<U: LogicalUnit>(_: &U, task: &Task<'_>) -> Result<Moved, Stop> {
    /// ATS, ATSS, CTSS, LURS, QTS.
    const BYTE_0: u8 = 0x80 | 0x40 | 0x10 | 0x08 | 0x04;
    /// QTSS, ITNRS.
    const BYTE_1: u8 = 0x02 | 0x01;
    let allocation_len = task.cdb.be32(6) as usize;
    if allocation_len < 4 {
        return Err(Sense::cdb_field(6, 7).into());
    }
    task.reply(&[BYTE_0, BYTE_1, 0, 0], allocation_len)
}

/// SEND DIAGNOSTIC (6.42): the default self-test, which a unit that executes it has passed.
pub(super) fn send_diagnostic<U: LogicalUnit>(_: &U, _: &Task<'_>) -> Result<Moved, Stop> {
    Ok(Moved::NOTHING)
}

/// Command timeouts descriptor (table 174): no times are promised.
const TIMEOUTS: [u8; 12] = [0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn all_commands<U: LogicalUnit>(with_timeouts: bool) -> Vec<u8> {
    const SERVICE_ACTION_VALID: u8 = 0x01;
    const TIMEOUTS_PRESENT: u8 = 0x02;
    let mut all: Vec<&Row<U>> = rows().collect();
    all.sort_by_key(|row| (row.opcode, row.service_action));
    let mut data = vec![0; 4];
    for row in all {
        let flags = if row.service_action.is_some() { SERVICE_ACTION_VALID } else { 0 }
            | if with_timeouts { TIMEOUTS_PRESENT } else { 0 };
        let len = row.usage.len() as u8;
        data.extend([row.opcode, 0, 0, row.service_action.unwrap_or(0), 0, flags, 0, len]);
        if with_timeouts {
            data.extend(TIMEOUTS);
        }
    }
    let len = (data.len() - 4) as u32;
    data[..4].copy_from_slice(&len.to_be_bytes());
    data
}

fn one_command<U>(row: Option<&Row<U>>, with_timeouts: bool) -> Vec<u8> {
    const NOT_SUPPORTED: u8 = 1;
    const AS_STANDARD: u8 = 3;
    const TIMEOUTS_PRESENT: u8 = 0x80;
    const SERVICE_ACTION: u8 = 0x1f;
    let Some(row) = row else { return vec![0, NOT_SUPPORTED, 0, 0] };
    let flags = AS_STANDARD | if with_timeouts { TIMEOUTS_PRESENT } else { 0 };
    let mut usage = row.usage.to_vec();
    // The service action itself stands where the CDB has it, in place of a mask.
    if let Some(action) = row.service_action {
        usage[1] = usage[1] & !SERVICE_ACTION | action;
    }
    let timeouts: &[u8] = if with_timeouts { &TIMEOUTS } else { &[] };
    [&[0, flags, 0, usage.len() as u8], &usage[..], timeouts].concat()
}

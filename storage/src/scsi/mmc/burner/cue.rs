//! Cue sheets: the layout of a CD session that is recorded at once, SEND CUE SHEET (MMC-6 clause 6.33).

use super::super::super::Wait;
use super::super::super::command::{Moved, Stop, Task};
use super::super::super::sense::Sense;
use super::BurnerPort;
use super::pages::WriteType;
use crate::disc::RecordError;

/// A line of a cue sheet.
const LINE: usize = 8;
/// Track numbers of lead-in and lead-out.
const LEAD_IN: u8 = 0x00;
const LEAD_OUT: u8 = 0xaa;

impl BurnerPort {
    /// SEND CUE SHEET.
    pub(super) fn send_cue_sheet(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const MOST: u32 = 0x1000;
        let len = task.cdb.be32(5) & 0x00ff_ffff;
        if self.parameters().write_type() != WriteType::SessionAtOnce {
            return Err(Sense::COMMAND_SEQUENCE.into());
        }
        if len == 0 || len > MOST || !(len as usize).is_multiple_of(LINE) {
            return Err(Sense::cdb_field(6, 7).into());
        }
        let sheet = task.parameters(len as u16)?;
        task.may_wait(Wait::Long)?;
        let tracks = tracks(&sheet)?;
        self.record_on_disc(|disc, parameters| {
            let planned = match disc.kind().is_cd() {
                true => disc.plan(tracks, parameters.is_appendable()),
                false => Err(RecordError::Unsuitable),
            };
            planned.map_err(|error| self.refused(error))
        })?;
        Ok(Moved { data_out: len.into(), ..Moved::NOTHING })
    }
}

/// First sector and length of each track of a sheet. All must be data in sectors of 2048 bytes.
fn tracks(sheet: &[u8]) -> Result<Vec<(u32, u32)>, Sense> {
    /// CONTROL: data.
    const DATA: u8 = 0x40;
    /// ADR 1: positions; others are catalogue numbers.
    const POSITION: u8 = 0x01;
    /// DATA FORM: main data of mode 1 and of mode 2 form 1, 2048 bytes.
    const FORMS: [u8; 2] = [0x10, 0x21];
    let mut starts: Vec<u32> = Vec::new();
    let mut end = None;
    for (line, at) in sheet.chunks_exact(LINE).zip((0u16..).step_by(LINE)) {
        let field = |byte: u16| Sense::parameter_field(at + byte);
        let [control, number, index, form, _, minute, second, frame] = *line else { break };
        if control & 0x0f != POSITION || end.is_some() {
            continue;
        }
        let frames = (u32::from(minute) * 60 + u32::from(second)) * 75 + u32::from(frame);
        match (number, index) {
            (LEAD_IN, _) => {}
            (LEAD_OUT, _) => end = Some(frames.checked_sub(150).ok_or(field(5))?),
            // The pre-gap belongs to no track here.
            (_, 0) => {}
            (_, 1) => {
                if control & DATA == 0 || !FORMS.contains(&form) {
                    return Err(field(if control & DATA == 0 { 0 } else { 3 }));
                }
                starts.push(frames.checked_sub(150).ok_or(field(5))?);
            }
            _ => {}
        }
    }
    let end = end.ok_or(Sense::parameter_field(0))?;
    let ends = starts.iter().skip(1).copied().chain([end]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| end.checked_sub(*start).map(|len| (*start, len)).ok_or(Sense::parameter_field(0)))
        .collect()
}

#[test]
fn sheet_of_two_tracks_gives_their_places() {
    #[rustfmt::skip]
    let sheet = [
        0x41, 0x00, 0, 0x10, 0, 0, 0, 0,
        0x41, 0x01, 0, 0x10, 0, 0, 0, 0,
        0x41, 0x01, 1, 0x10, 0, 0, 2, 0,
        0x41, 0x02, 1, 0x10, 0, 0, 6, 10,
        0x41, 0xaa, 1, 0x10, 0, 0, 8, 0,
    ];
    assert_eq!(tracks(&sheet).unwrap(), [(0, 310), (310, 140)]);
    assert_eq!(tracks(&sheet[..32]), Err(Sense::parameter_field(0)), "no lead-out");
    let mut audio = sheet;
    audio[16] = 0x01;
    assert_eq!(tracks(&audio), Err(Sense::parameter_field(16)));
    let mut early = sheet;
    early[22] = 1;
    assert_eq!(tracks(&early), Err(Sense::parameter_field(21)), "before sector 0");
}

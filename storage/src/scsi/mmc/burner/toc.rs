//! Tables of contents: READ TOC/PMA/ATIP (MMC-6 clause 6.25).

use super::super::super::command::{Moved, Stop, Task};
use super::super::super::sense::Sense;
use super::super::disc::address;
use super::BurnerPort;
use crate::disc::{Disc, TrackState, TrackView};

/// ADR 1, CONTROL 4: a data track.
const DATA_TRACK: u8 = 0x14;
/// Number of the lead-out as a track.
const LEAD_OUT: u8 = 0xaa;
/// Where the lead-in of a blank CD begins: minute 97 (as time, before the 100th minute wraps).
pub(super) const LEAD_IN: [u8; 4] = [0, 97, 0, 0];

impl BurnerPort {
    /// READ TOC/PMA/ATIP: formats 0 (tracks), 1 (sessions), and for CDs 2 (lead-ins), 3 (PMA) and 4 (ATIP).
    pub(super) fn read_toc(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let (as_time, first) = (task.cdb.bit(1, 1), task.cdb.byte(6));
        // Of old, the format stood in the control byte.
        let format = match (task.cdb.byte(2), task.cdb.byte(9) >> 6) {
            (0, old) => old,
            (format, _) => format,
        };
        let data = self.with_disc(|disc| {
            let is_cd = disc.kind().is_cd();
            match format {
                0 => tracks(disc, as_time, first),
                1 => sessions(disc, as_time),
                2 if is_cd => lead_ins(disc, first),
                3 if is_cd => program_memory(disc),
                4 if is_cd => Ok(pregroove(disc)),
                _ => Err(Sense::cdb_field(2, 3)),
            }
        })??;
        task.reply(&data, task.cdb.be16(7).into())
    }
}

/// Tracks of closed sessions: those that a table of contents tells of.
fn recorded(disc: &Disc) -> Result<Vec<TrackView>, Sense> {
    let (sessions, last_closed) = disc.sessions();
    let open_session = if last_closed { None } else { Some(sessions) };
    let mut tracks = disc.tracks();
    tracks.retain(|track| track.state == TrackState::Closed && Some(track.session) != open_session);
    // A blank disc has none.
    if tracks.is_empty() { Err(Sense::cdb_field(2, 3)) } else { Ok(tracks) }
}

fn with_header(first: u8, last: u8, descriptors: &[u8]) -> Vec<u8> {
    let [high, low] = (descriptors.len() as u16 + 2).to_be_bytes();
    [&[high, low, first, last], descriptors].concat()
}

fn end(track: &TrackView) -> u32 {
    track.first + track.len
}

/// Format 0.
fn tracks(disc: &Disc, as_time: bool, first: u8) -> Result<Vec<u8>, Sense> {
    let tracks = recorded(disc)?;
    let (Some(head), Some(tail)) = (tracks.first(), tracks.last()) else { return Ok(Vec::new()) };
    if first != LEAD_OUT && first > tail.number {
        return Err(Sense::cdb_field(6, 7));
    }
    let line = |number: u8, lba: u32| {
        let [a, b, c, d] = address(lba, as_time);
        [0, DATA_TRACK, number, 0, a, b, c, d]
    };
    let wanted =
        tracks.iter().filter(|track| track.number >= first).map(|track| line(track.number, track.first));
    let lines: Vec<u8> = wanted.chain([line(LEAD_OUT, end(tail))]).flatten().collect();
    Ok(with_header(head.number, tail.number, &lines))
}

/// Format 1: the first track of the last closed session.
fn sessions(disc: &Disc, as_time: bool) -> Result<Vec<u8>, Sense> {
    let tracks = recorded(disc)?;
    let last = tracks.last().map_or(1, |track| track.session);
    let Some(track) = tracks.iter().find(|track| track.session == last) else { return Ok(Vec::new()) };
    let [a, b, c, d] = address(track.first, as_time);
    Ok(with_header(1, last, &[0, DATA_TRACK, track.number, 0, a, b, c, d]))
}

/// Format 2: what the lead-ins say, from a session on.
fn lead_ins(disc: &Disc, first: u8) -> Result<Vec<u8>, Sense> {
    const FIRST_TRACK: u8 = 0xa0;
    const LAST_TRACK: u8 = 0xa1;
    const START_OF_LEAD_OUT: u8 = 0xa2;
    let tracks = recorded(disc)?;
    let last = tracks.last().map_or(1, |track| track.session);
    let mut lines = Vec::new();
    for of_session in tracks.chunk_by(|one, other| one.session == other.session) {
        let (Some(head), Some(tail)) = (of_session.first(), of_session.last()) else { continue };
        if head.session < first {
            continue;
        }
        let mut line = |point: u8, [_, minute, second, frame]: [u8; 4]| {
            lines.extend([head.session, DATA_TRACK, 0, point, 0, 0, 0, 0, minute, second, frame]);
        };
        line(FIRST_TRACK, [0, head.number, 0, 0]);
        line(LAST_TRACK, [0, tail.number, 0, 0]);
        line(START_OF_LEAD_OUT, address(end(tail), true));
        of_session.iter().for_each(|track| line(track.number, address(track.first, true)));
    }
    Ok(with_header(1, last, &lines))
}

/// Format 3: the program memory area, tracks whether their session is closed or not.
fn program_memory(disc: &Disc) -> Result<Vec<u8>, Sense> {
    let mut lines = Vec::new();
    for track in disc.tracks().iter().filter(|track| track.state != TrackState::Invisible) {
        let ([_, a, b, c], [_, d, e, f]) = (address(end(track), true), address(track.first, true));
        lines.extend([track.session, DATA_TRACK, 0, track.number, a, b, c, 0, d, e, f]);
    }
    Ok(with_header(0, 0, &lines))
}

/// Format 4: what is in the groove of a blank CD.
fn pregroove(disc: &Disc) -> Vec<u8> {
    const VALID: u8 = 0x80;
    const UNRESTRICTED: u8 = 0x40;
    const ERASABLE: u8 = 0x40;
    let [_, a, b, c] = LEAD_IN;
    let [_, d, e, f] = address(disc.capacity(), true);
    let kind = VALID | if disc.kind().is_rewritable() { ERASABLE } else { 0 };
    let mut lines = vec![VALID, UNRESTRICTED, kind, 0, a, b, c, 0, d, e, f, 0];
    lines.resize(24, 0);
    with_header(0, 0, &lines)
}

//! What a disc is, and what is recorded on it (MMC-6 clauses 6.21 to 6.24, 6.26 and 6.27).

use super::super::super::Wait;
use super::super::super::command::{Moved, Stop, Task};
use super::super::super::sense::Sense;
use super::super::disc::address;
use super::super::drive::read_structure;
use super::recording::FormatType;
use super::{BurnerPort, SECTOR};
use crate::disc::{Disc, Kind, Status, TrackState, TrackView};

impl BurnerPort {
    /// READ CAPACITY: of what is recorded.
    pub(super) fn read_capacity(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let last = self.with_disc(|disc| disc.readable())?.saturating_sub(1);
        task.reply(&[last.to_be_bytes(), (SECTOR as u32).to_be_bytes()].concat(), 8)
    }

    /// READ FORMAT CAPACITIES (MMC-6 clause 6.23).
    pub(super) fn read_format_capacities(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        /// DESCRIPTOR TYPE.
        const UNFORMATTED: u8 = 1;
        const FORMATTED: u8 = 2;
        const NO_MEDIUM: u8 = 3;
        let descriptor = |blocks: u32, kind: u8, parameter: u32| {
            let [_, parameter @ ..] = parameter.to_be_bytes();
            [&blocks.to_be_bytes()[..], &[kind], &parameter].concat()
        };
        let list = self.with_disc(|disc| {
            let (blocks, kind) = match disc.status() {
                Status::Formatted | Status::Finalised | Status::Appendable => (disc.readable(), FORMATTED),
                Status::Blank => (disc.capacity(), UNFORMATTED),
            };
            let formats = FormatType::of(disc.kind()).iter().flat_map(|format| {
                // Of ECC blocks of DVD-RW the type dependent parameter tells the length in sectors.
                let parameter = if disc.kind() == Kind::DvdMinusRw { 16 } else { 0 };
                descriptor(disc.capacity(), (*format as u8) << 2, parameter)
            });
            descriptor(blocks, kind, SECTOR as u32).into_iter().chain(formats).collect::<Vec<u8>>()
        });
        let list = list.unwrap_or_else(|_| descriptor(0, NO_MEDIUM, SECTOR as u32));
        task.reply(&[&[0, 0, 0, list.len() as u8], &list[..]].concat(), task.cdb.be16(7).into())
    }

    /// READ DISC INFORMATION, standard (MMC-6 table 365).
    pub(super) fn read_disc_information(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        if task.cdb.byte(1) != 0 {
            return Err(Sense::cdb_field(1, 2).into());
        }
        let data = self.with_disc(|disc| disc_information(disc))?;
        task.reply(&data, task.cdb.be16(7).into())
    }

    /// READ TRACK INFORMATION (MMC-6 clause 6.26): by sector, by number, or the first of a session.
    pub(super) fn read_track_information(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const BY_SECTOR: u8 = 0;
        const BY_NUMBER: u8 = 1;
        const BY_SESSION: u8 = 2;
        /// The number of a track that nothing is recorded of yet.
        const INVISIBLE: u32 = 0xff;
        let (by, given) = (task.cdb.byte(1) & 0x03, task.cdb.be32(2));
        let open_only = task.cdb.bit(1, 2);
        let (tracks, kind) = self.with_disc(|disc| (disc.tracks(), disc.kind()))?;
        let mut usable = tracks.iter().filter(|track| !open_only || track.state != TrackState::Closed);
        let found = match by {
            BY_SECTOR => usable.find(|t| (t.first..t.first.saturating_add(t.len)).contains(&given)),
            BY_NUMBER if given == INVISIBLE => usable.find(|t| t.state != TrackState::Closed && !t.reserved),
            BY_NUMBER => usable.find(|t| u32::from(t.number) == given),
            BY_SESSION => usable.find(|t| u32::from(t.session) == given),
            _ => return Err(Sense::cdb_field(1, 1).into()),
        };
        let track = found.ok_or(Sense::cdb_field(2, 7))?;
        task.reply(&track_information(track, kind), task.cdb.be16(7).into())
    }

    /// READ DISC STRUCTURE of a DVD: physical format, copyright, and which there are.
    pub(super) fn read_disc_structure(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        task.may_wait(Wait::Brief)?;
        let (kind, capacity) = self.with_disc(|disc| (disc.kind(), disc.capacity()))?;
        // Not protected, for all regions.
        let copyright = vec![0; 4];
        read_structure(task, !kind.is_cd(), &[(0x00, physical_format(kind, capacity)), (0x01, copyright)])
    }
}

fn disc_information(disc: &Disc) -> Vec<u8> {
    const ERASABLE: u8 = 0x10;
    /// DISC STATUS and STATE OF LAST SESSION.
    const EMPTY: u8 = 0;
    const INCOMPLETE: u8 = 1;
    const COMPLETE: u8 = 2;
    const SESSION_COMPLETE: u8 = 3;
    /// URU: no restriction of use.
    const UNRESTRICTED: u8 = 0x20;
    /// BG FORMAT STATUS of DVD+RW: formatted.
    const FORMAT_COMPLETE: u8 = 0x03;
    let tracks = disc.tracks();
    let (sessions, last_closed) = disc.sessions();
    let status = disc.status();
    let (disc_status, session_status) = match status {
        Status::Blank => (EMPTY, EMPTY),
        Status::Appendable if last_closed => (INCOMPLETE, EMPTY),
        Status::Appendable => (INCOMPLETE, INCOMPLETE),
        Status::Finalised | Status::Formatted => (COMPLETE, SESSION_COMPLETE),
    };
    // An empty session that can be recorded counts.
    let last_session = match status {
        Status::Formatted => 1,
        _ => sessions + u8::from(last_closed && status != Status::Finalised),
    };
    let of_last = || tracks.iter().filter(|track| track.session == last_session).map(|track| track.number);
    let (first, last) = (of_last().min().unwrap_or(1), of_last().max().unwrap_or(1));
    let mut data = vec![0; 34];
    data[1] = 32;
    data[2] = disc_status | session_status << 2 | if disc.kind().is_rewritable() { ERASABLE } else { 0 };
    data[3..7].copy_from_slice(&[1, last_session, first, last]);
    data[7] = UNRESTRICTED;
    if disc.kind() == Kind::DvdPlusRw && status == Status::Formatted {
        data[7] |= FORMAT_COMPLETE;
    }
    data[16..24].fill(0xff);
    if disc.kind().is_cd() && status != Status::Finalised {
        // Where the lead-in of the session to be recorded would begin, and the last place for a lead-out.
        let next =
            tracks.last().filter(|track| track.state == TrackState::Invisible).map_or(0, |track| track.first);
        let lead_in =
            if next == 0 { super::toc::LEAD_IN } else { address(next.saturating_sub(4500 + 150), true) };
        data[16..20].copy_from_slice(&lead_in);
        data[20..24].copy_from_slice(&address(disc.capacity(), true));
    }
    data
}

/// Track information block (MMC-6 table 371).
fn track_information(track: &TrackView, kind: Kind) -> Vec<u8> {
    /// TRACK MODE: data, recorded uninterrupted; DATA MODE: mode 1.
    const DATA_TRACK: u8 = 0x04;
    const MODE_1: u8 = 0x01;
    const RESERVED: u8 = 0x80;
    const BLANK: u8 = 0x40;
    const NEXT_WRITABLE_VALID: u8 = 0x01;
    const LAST_RECORDED_VALID: u8 = 0x02;
    let set = |condition: bool, flag: u8| if condition { flag } else { 0 };
    let is_open = track.state != TrackState::Closed;
    let mut data = vec![0; 36];
    data[1] = 34;
    data[2..4].copy_from_slice(&[track.number, track.session]);
    data[5] = DATA_TRACK;
    data[6] = MODE_1 | set(track.reserved, RESERVED) | set(is_open && track.recorded == 0, BLANK);
    let next = track.next_writable();
    data[7] = set(next.is_some(), NEXT_WRITABLE_VALID)
        | set(track.recorded > 0 && !kind.is_cd(), LAST_RECORDED_VALID);
    let free = if is_open { track.len - track.recorded } else { 0 };
    let grain = if kind.is_cd() { 0 } else { 16 };
    let last_recorded = (track.first + track.recorded).saturating_sub(1);
    for (at, value) in [
        (8, track.first),
        (12, next.unwrap_or(0)),
        (16, free),
        (20, grain),
        (24, track.len),
        (28, if track.recorded > 0 { last_recorded } else { 0 }),
    ] {
        data[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    data
}

/// Physical format information of layer 0 (MMC-6 table 410): 120 mm, one layer that can be recorded.
fn physical_format(kind: Kind, capacity: u32) -> Vec<u8> {
    /// Sector number of the first data sector of a DVD.
    const FIRST: u32 = 0x3_0000;
    /// No rate is told.
    const ANY_RATE: u8 = 0x0f;
    const RECORDABLE: u8 = 0x02;
    const REWRITABLE: u8 = 0x04;
    // DISK CATEGORY and PART VERSION.
    let category = match kind {
        Kind::DvdMinusRw => 0x32,
        Kind::DvdPlusRw => 0x92,
        Kind::DvdPlusR => 0xa1,
        Kind::DvdMinusR | Kind::CdR | Kind::CdRw => 0x25,
    };
    let layer = if kind.is_rewritable() { REWRITABLE } else { RECORDABLE };
    let mut data = vec![0; 2048];
    data[..4].copy_from_slice(&[category, ANY_RATE, layer, 0]);
    data[4..8].copy_from_slice(&FIRST.to_be_bytes());
    data[8..12].copy_from_slice(&FIRST.saturating_add(capacity - 1).to_be_bytes());
    data
}

//! What is on a disc: one session with one track of data (MMC-6 clauses 6.21, 6.22, 6.25 to 6.27).

use super::super::command::{Moved, Stop, Task};
use super::super::sense::Sense;
use super::Dvd;
use super::drive::read_structure;

/// ADR 1, CONTROL 4: a data track.
const DATA_TRACK: u8 = 0x14;
/// Number of the lead-out as a track.
const LEAD_OUT: u8 = 0xaa;

/// A sector as minute, second and frame; the last there is when it lies beyond.
pub(super) fn address(lba: u32, as_time: bool) -> [u8; 4] {
    /// Frames of a second, and of the two seconds before sector 0.
    const FRAMES: u32 = 75;
    const PREGAP: u32 = 150;
    if !as_time {
        return lba.to_be_bytes();
    }
    let frames = lba.saturating_add(PREGAP);
    match u8::try_from(frames / (60 * FRAMES)) {
        Ok(minute) => [0, minute, (frames / FRAMES % 60) as u8, (frames % FRAMES) as u8],
        Err(_) => [0, 0xff, 59, 74],
    }
}

impl Dvd {
    /// READ TOC/PMA/ATIP, formats 0 (tracks) and 1 (sessions). The others are of CDs.
    pub(super) fn read_toc(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let (as_time, format, first) = (task.cdb.bit(1, 1), task.cdb.byte(2), task.cdb.byte(6));
        let track = |number, lba| {
            let [a, b, c, d] = address(lba, as_time);
            [0, DATA_TRACK, number, 0, a, b, c, d]
        };
        let lead_out = track(LEAD_OUT, self.sectors()?);
        let descriptors = match (format, first) {
            (0, 0 | 1) => [track(1, 0), lead_out].concat(),
            (0, LEAD_OUT) => lead_out.to_vec(),
            (0, _) => return Err(Sense::cdb_field(6, 7).into()),
            (1, _) => track(1, 0).to_vec(),
            _ => return Err(Sense::cdb_field(2, 3).into()),
        };
        let [high, low] = (descriptors.len() as u16 + 2).to_be_bytes();
        task.reply(&[&[high, low, 1, 1], &descriptors[..]].concat(), task.cdb.be16(7).into())
    }

    /// READ DISC INFORMATION, standard.
    pub(super) fn read_disc_information(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        /// The disc and its last session are complete.
        const COMPLETE: u8 = 0x0e;
        if task.cdb.byte(1) != 0 {
            return Err(Sense::cdb_field(1, 2).into());
        }
        let mut data = [0; 34];
        data[1] = 32;
        data[2..7].copy_from_slice(&[COMPLETE, 1, 1, 1, 1]);
        // Nothing can be recorded: no lead-in, no lead-out.
        data[16..24].fill(0xff);
        task.reply(&data, task.cdb.be16(7).into())
    }

    /// READ TRACK INFORMATION of the one track, by sector, by its number or that of its session.
    pub(super) fn read_track_information(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let sectors = self.sectors()?;
        let given = task.cdb.be32(2);
        let is_there = match task.cdb.byte(1) {
            0 => given < sectors,
            1 | 2 => given == 1,
            _ => return Err(Sense::cdb_field(1, 1).into()),
        };
        if !is_there {
            return Err(Sense::cdb_field(2, 7).into());
        }
        let mut data = [0; 36];
        data[1] = 34;
        // Track 1 of session 1, recorded as data in sectors of mode 1.
        data[2..7].copy_from_slice(&[1, 1, 0, 4, 1]);
        data[24..28].copy_from_slice(&sectors.to_be_bytes());
        task.reply(&data, task.cdb.be16(7).into())
    }

    /// READ DISC STRUCTURE of a DVD: physical format, copyright, manufacturing.
    pub(super) fn read_disc_structure(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        // Not protected, for all regions.
        let copyright = vec![0; 4];
        let manufacturing = vec![0; 2048];
        let there = [(0x00, physical_format(self.sectors()?)), (0x01, copyright), (0x04, manufacturing)];
        read_structure(task, true, &there)
    }
}

/// Physical format information of layer 0 (MMC-6 table 410): DVD-ROM, 120 mm, one embossed layer.
fn physical_format(sectors: u32) -> Vec<u8> {
    /// Sector number of the first data sector of a DVD.
    const FIRST: u32 = 0x3_0000;
    const VERSION: u8 = 0x01;
    /// No rate is told.
    const ANY_RATE: u8 = 0x0f;
    const EMBOSSED: u8 = 0x01;
    let mut layer = vec![0; 2048];
    layer[..4].copy_from_slice(&[VERSION, ANY_RATE, EMBOSSED, 0]);
    layer[4..8].copy_from_slice(&FIRST.to_be_bytes());
    layer[8..12].copy_from_slice(&FIRST.saturating_add(sectors.saturating_sub(1)).to_be_bytes());
    layer
}

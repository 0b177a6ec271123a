//! Commands that record, close, erase and format (MMC-6 clauses 6.1, 6.3, 6.4, 6.30 to 6.49).

use super::super::super::Wait;
use super::super::super::command::{Moved, Stop, Task};
use super::super::super::sense::Sense;
use super::pages::{self, WriteType, speed};
use super::{BurnerPort, SECTOR};
use crate::disc::{Disc, Kind, RecordError, TrackState};

/// FORMAT TYPE (MMC-6 clause 6.4.3) of a format descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FormatType {
    Full = 0x00,
    /// Of DVD-RW.
    QuickGrow = 0x13,
    Quick = 0x15,
    /// Of DVD+RW.
    Basic = 0x26,
}

impl FormatType {
    /// What a kind of disc can be asked for; the usual one first.
    pub(super) fn of(kind: Kind) -> &'static [FormatType] {
        match kind {
            Kind::DvdMinusRw => &[FormatType::Full, FormatType::QuickGrow, FormatType::Quick],
            Kind::DvdPlusRw => &[FormatType::Basic],
            _ => &[],
        }
    }
}

impl BurnerPort {
    /// READ(10), (12).
    pub(super) fn read(&self, task: &Task<'_>, lba: u32, sectors: u32) -> Result<Moved, Stop> {
        let len = u64::from(sectors) * SECTOR;
        let data = task.data_in(len)?;
        task.may_wait(Wait::Long)?;
        self.with_disc(|disc| disc.read(lba, &data))?.map_err(|error| match error {
            RecordError::Host(error) => self.failed(&error, Sense::of_read(&error)),
            _ => Sense::LBA_OUT_OF_RANGE,
        })?;
        self.statistics.reads.add(1);
        self.statistics.read_bytes.add(len);
        Ok(Moved { data_in: len, ..Moved::NOTHING })
    }

    /// READ CD (MMC-6 clause 6.19): user data of data tracks alone.
    pub(super) fn read_cd(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        /// EXPECTED SECTOR TYPE: any, mode 1, mode 2 form 1.
        const EXPECTED: [u8; 3] = [0, 2, 4];
        const USER_DATA: u8 = 0x10;
        let expected = task.cdb.byte(1) >> 2 & 0x07;
        if !EXPECTED.contains(&expected) {
            return Err(Sense::ILLEGAL_MODE.into());
        }
        let sectors = u32::from(task.cdb.byte(6)) << 16 | u32::from(task.cdb.be16(7));
        match task.cdb.byte(9) {
            USER_DATA => self.read(task, task.cdb.be32(2), sectors),
            // No part of the sectors is wanted.
            _ => Ok(Moved::NOTHING),
        }
    }

    /// WRITE(10), (12).
    pub(super) fn write(&self, task: &Task<'_>, lba: u32, sectors: u32) -> Result<Moved, Stop> {
        let len = u64::from(sectors) * SECTOR;
        let data = task.data_out(len)?;
        task.may_wait(Wait::Long)?;
        let again = task.delivery.again;
        self.record_on_disc(|disc, parameters| {
            if disc.kind().is_cd() {
                match (parameters.write_type(), disc.planned()) {
                    (WriteType::SessionAtOnce, None) => return Err(Sense::COMMAND_SEQUENCE.into()),
                    (WriteType::Other, _) => return Err(Sense::ILLEGAL_MODE.into()),
                    // At once, the cue sheet has said what the sectors are.
                    (_, None) if !parameters.is_data() => return Err(Sense::ILLEGAL_MODE.into()),
                    _ => {}
                }
            }
            // The pre-gap of a session recorded at once has negative addresses.
            let sector = match disc.planned() {
                Some(_) => i64::from(lba.cast_signed()),
                None => i64::from(lba),
            };
            disc.write(sector, &data, again).map_err(|error| self.refused(error))
        })?;
        self.statistics.writes.add(1);
        self.statistics.written_bytes.add(len);
        Ok(Moved { data_out: len, ..Moved::NOTHING })
    }

    /// SEEK(10).
    pub(super) fn seek(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        match task.cdb.be32(2) < self.with_disc(|disc| disc.capacity())? {
            true => Ok(Moved::NOTHING),
            false => Err(Sense::LBA_OUT_OF_RANGE.into()),
        }
    }

    /// VERIFY(10) without BYTCHK: whether there is something.
    pub(super) fn verify(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let end = u64::from(task.cdb.be32(2)) + u64::from(task.cdb.be16(7));
        match end <= self.with_disc(|disc| disc.readable())?.into() {
            true => Ok(Moved::NOTHING),
            false => Err(Sense::LBA_OUT_OF_RANGE.into()),
        }
    }

    /// SYNCHRONIZE CACHE(10). The range is that of the whole disc.
    pub(super) fn synchronize(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        task.may_wait(Wait::Long)?;
        let parameters = self.parameters().clone();
        let at_once = parameters.write_type() == WriteType::SessionAtOnce;
        let synchronize = |disc: &mut Disc| {
            disc.sync()?;
            // Of a DVD recorded at once nothing is left to be closed by hand.
            let is_dvd = !disc.kind().is_cd() && pages::are_of(disc.kind(), disc.status());
            match at_once && is_dvd && disc.is_filled() {
                true => disc.close_session(parameters.is_appendable()),
                false => Ok(()),
            }
        };
        self.with_disc(synchronize)?.map_err(|error| self.refused(error))?;
        self.statistics.flushes.add(1);
        Ok(Moved::NOTHING)
    }

    fn change(&self, act: impl FnOnce(&mut Disc) -> Result<(), RecordError>) -> Result<(), Stop> {
        self.record_on_disc(|disc, _| act(disc).map_err(|error| self.refused(error)))
    }

    /// RESERVE TRACK, by size.
    pub(super) fn reserve_track(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        task.may_wait(Wait::Long)?;
        self.change(|disc| disc.reserve(task.cdb.be32(5), task.delivery.again))?;
        Ok(Moved::NOTHING)
    }

    /// CLOSE TRACK/SESSION (MMC-6 clause 6.3).
    pub(super) fn close_track_session(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const STOP_FORMAT: u8 = 0;
        const TRACK: u8 = 1;
        const SESSION: u8 = 2;
        /// Of DVD+R: with less and with all of the lead-out that makes old drives read it.
        const FINALISE: [u8; 2] = [5, 6];
        let (function, number) = (task.cdb.byte(2), task.cdb.be16(4));
        task.may_wait(Wait::Long)?;
        let close = |disc: &mut Disc, appendable: bool| match function {
            STOP_FORMAT => Ok(()),
            TRACK => {
                let is_visible = |number: u8| {
                    let tracks = disc.tracks();
                    tracks.iter().any(|t| t.number == number && t.state != TrackState::Invisible)
                };
                match u8::try_from(number) {
                    // The one that is being recorded.
                    Ok(0xff) => disc.close_track(None),
                    Ok(number) if is_visible(number) => disc.close_track(Some(number)),
                    _ => Err(RecordError::Address),
                }
            }
            // DVD+R is finalised by functions of its own.
            SESSION => disc.close_session(appendable || disc.kind() == Kind::DvdPlusR),
            _ if FINALISE.contains(&function) && disc.kind() == Kind::DvdPlusR => disc.close_session(false),
            _ => Err(RecordError::Address),
        };
        let closed = self.record_on_disc(|disc, parameters| Ok(close(disc, parameters.is_appendable())))?;
        match closed {
            Ok(()) => Ok(Moved::NOTHING),
            // What was being recorded is closed.
            Err(RecordError::Unsuitable) if task.delivery.again => Ok(Moved::NOTHING),
            Err(RecordError::Address) if function == TRACK => Err(Sense::cdb_field(4, 7).into()),
            Err(RecordError::Address) => Err(Sense::cdb_field(2, 2).into()),
            Err(RecordError::Unsuitable) => Err(Sense::SESSION_FIXATION.into()),
            Err(error) => Err(self.refused(error)),
        }
    }

    /// BLANK (MMC-6 clause 6.2): the whole disc. It takes no time, however thorough.
    pub(super) fn blank(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const FULL: u8 = 0;
        const MINIMAL: u8 = 1;
        if !matches!(task.cdb.byte(1) & 0x07, FULL | MINIMAL) {
            return Err(Sense::cdb_field(1, 2).into());
        }
        task.may_wait(Wait::Long)?;
        self.change(Disc::blank)?;
        Ok(Moved::NOTHING)
    }

    /// FORMAT UNIT (MMC-6 clause 6.4), which takes no time either.
    pub(super) fn format_unit(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const FORMAT_DATA: u8 = 0x10;
        const FORMAT_CODE: u8 = 0x01;
        const LIST: u16 = 12;
        const DESCRIPTOR: u16 = 8;
        if task.cdb.byte(1) != FORMAT_DATA | FORMAT_CODE {
            return Err(Sense::cdb_field(1, 4).into());
        }
        let list = task.parameters(LIST)?;
        if u16::from_be_bytes([list[2], list[3]]) != DESCRIPTOR {
            return Err(Sense::parameter_field(2).into());
        }
        let blocks = u32::from_be_bytes([list[4], list[5], list[6], list[7]]);
        let kind = list[8] >> 2;
        task.may_wait(Wait::Long)?;
        let known = |disc: &Disc| FormatType::of(disc.kind()).iter().any(|known| *known as u8 == kind);
        self.record_on_disc(|disc, _| match known(disc) {
            true => {
                // All ones, or nothing said: as much as there is.
                let capacity = disc.capacity();
                let sectors = if matches!(blocks, 0 | u32::MAX) { capacity } else { blocks };
                disc.format(sectors).map_err(|error| match error {
                    RecordError::Full => Sense::parameter_field(4).into(),
                    error => self.refused(error),
                })
            }
            false if FormatType::of(disc.kind()).is_empty() => Err(Sense::CANNOT_WRITE.into()),
            false => Err(Sense::parameter_field(8).into()),
        })?;
        Ok(Moved { data_out: LIST.into(), ..Moved::NOTHING })
    }

    /// SEND OPC INFORMATION: no power has to be found.
    pub(super) fn send_opc(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let len = task.cdb.be16(7);
        task.parameters(len)?;
        Ok(Moved { data_out: len.into(), ..Moved::NOTHING })
    }

    /// SET STREAMING: there is one speed.
    pub(super) fn set_streaming(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let len = task.cdb.be16(9);
        task.parameters(len)?;
        Ok(Moved { data_out: len.into(), ..Moved::NOTHING })
    }

    /// READ BUFFER CAPACITY: always empty.
    pub(super) fn read_buffer_capacity(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const BUFFER: u32 = 512 << 10;
        let in_sectors = task.cdb.bit(1, 0);
        let len = if in_sectors { BUFFER / SECTOR as u32 } else { BUFFER };
        let data = [&[0, 10, 0, u8::from(in_sectors)][..], &len.to_be_bytes(), &len.to_be_bytes()].concat();
        task.reply(&data, task.cdb.be16(7).into())
    }

    /// GET PERFORMANCE (MMC-6 clause 6.8): nominal performance, and write speeds.
    pub(super) fn get_performance(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const PERFORMANCE: u8 = 0x00;
        const WRITE_SPEED: u8 = 0x03;
        let (writing, exceptions) = (task.cdb.bit(1, 2), task.cdb.byte(1) & 0x03);
        let most = usize::from(task.cdb.be16(8));
        let disc = self.with_disc(|disc| (disc.kind(), disc.capacity())).ok();
        let speed = u32::from(speed(disc.map(|(kind, _)| kind))).to_be_bytes();
        let last = disc.map_or(0, |(_, capacity)| capacity - 1).to_be_bytes();
        let (flags, descriptor) = match task.cdb.byte(10) {
            PERFORMANCE if exceptions != 0 => (1, Vec::new()),
            PERFORMANCE => (u8::from(writing) << 1, [[0; 4], speed, last, speed].concat()),
            WRITE_SPEED => (0, [[0x02, 0, 0, 0], last, speed, speed].concat()),
            _ => return Err(Sense::cdb_field(10, 7).into()),
        };
        let len = (descriptor.len() as u32 + 4).to_be_bytes();
        let descriptor = if most > 0 { descriptor } else { Vec::new() };
        let data = [&len[..], &[flags, 0, 0, 0], &descriptor].concat();
        task.reply(&data, data.len())
    }
}

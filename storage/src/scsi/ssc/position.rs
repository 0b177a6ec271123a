//! Winding to a place, and telling it (SSC-3 clauses 6.4, 7.10 to 7.12 and 8.1).

use super::{Inner, Loaded, Moved, Sense, Stop, TapePort, Task};
use crate::backing::tap::{Halt, Mark, Place, Why};

/// A space that met something: what, and how much of the count was done before.
struct Met {
    sense: Sense,
    done: u64,
}

impl TapePort {
    /// REWIND. What was written is on stable storage then.
    pub(super) fn rewind(&self, _: &Task<'_>) -> Result<Moved, Stop> {
        let mut inner = self.inner();
        let loaded = inner.loaded()?;
        loaded.place = Place::BEGINNING;
        match loaded.image.flush() {
            Ok(()) => Ok(Moved::NOTHING),
            Err(error) => Err(self.unwritable(&mut inner, error).into()),
        }
    }

    /// SPACE(6).
    pub(super) fn space_6(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        // 24 bits with sign.
        let count = (task.cdb.be32(1) << 8).cast_signed() >> 8;
        self.space(task, count.into())
    }

    /// SPACE(16), without parameters.
    pub(super) fn space_16(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        if task.cdb.be16(12) != 0 {
            return Err(Sense::cdb_field(12, 7).into());
        }
        self.space(task, task.cdb.be64(4).cast_signed())
    }

    fn space(&self, task: &Task<'_>, count: i64) -> Result<Moved, Stop> {
        const BLOCKS: u8 = 0;
        const FILEMARKS: u8 = 1;
        const SEQUENTIAL_FILEMARKS: u8 = 2;
        const END_OF_DATA: u8 = 3;
        const SETMARKS: u8 = 4;
        const SEQUENTIAL_SETMARKS: u8 = 5;
        let mut inner = self.inner();
        let inner = &mut *inner;
        let distance = count.unsigned_abs();
        let met = match (task.cdb.byte(1) & 0x0f, count) {
            (END_OF_DATA, _) => return self.wind_to_end(inner),
            (BLOCKS..=SETMARKS | SEQUENTIAL_SETMARKS, 0) => Ok(()),
            (BLOCKS, 1..) => self.forward_over_blocks(inner, distance),
            (BLOCKS, _) => self.back_over_blocks(inner, distance),
            (FILEMARKS, 1..) => self.forward_over_marks(inner, Mark::Filemark, distance),
            (FILEMARKS, _) => self.back_over_marks(inner, Mark::Filemark, distance),
            (SETMARKS, 1..) => self.forward_over_marks(inner, Mark::Setmark, distance),
            (SETMARKS, _) => self.back_over_marks(inner, Mark::Setmark, distance),
            (SEQUENTIAL_FILEMARKS, _) => self.over_row(inner, Mark::Filemark, count),
            (SEQUENTIAL_SETMARKS, _) => self.over_row(inner, Mark::Setmark, count),
            _ => return Err(Sense::cdb_field(1, 3).into()),
        };
        met.map(|()| Moved::NOTHING).map_err(|met| {
            let left = i64::try_from(distance.saturating_sub(met.done)).unwrap_or(i64::MAX);
            met.sense.with_residue(left).into()
        })
    }

    fn forward_over_blocks(&self, inner: &mut Inner, count: u64) -> Result<(), Met> {
        for done in 0..count {
            let block = self.meet(inner).map_err(|sense| Met { sense, done })?;
            if let Some(loaded) = &mut inner.slot {
                loaded.place = block.found.behind;
            }
        }
        Ok(())
    }

    fn back_over_blocks(&self, inner: &mut Inner, count: u64) -> Result<(), Met> {
        let reports_setmarks = inner.settings.reports_setmarks();
        let start = inner.loaded().map_err(nothing_done)?.place;
        // The nearest mark that is in the way, before and behind.
        let (mut limit, mut in_the_way) = ((Place::BEGINNING, Place::BEGINNING), None);
        for (mark, sense) in
            [(Mark::Filemark, Sense::FILEMARK_DETECTED), (Mark::Setmark, Sense::SETMARK_DETECTED)]
        {
            if start.marks(mark) == 0 || (mark == Mark::Setmark && !reports_setmarks) {
                continue;
            }
            let found = self.find_mark(inner, mark, start.marks(mark), start)?;
            if found.1.object > limit.1.object {
                (limit, in_the_way) = (found, Some(sense));
            }
        }
        let ignored = if reports_setmarks { 0 } else { start.setmarks - limit.1.setmarks };
        let blocks = start.object - limit.1.object - ignored;
        if count > blocks {
            let loaded = inner.loaded().map_err(nothing_done)?;
            loaded.place = limit.0;
            let sense = in_the_way.unwrap_or(Sense::BEGINNING_DETECTED);
            return Err(Met { sense, done: blocks });
        }
        if ignored == 0 {
            return self.wind_to(inner, start.object - count, start);
        }
        inner.loaded().map_err(nothing_done)?.place = limit.1;
        self.forward_over_blocks(inner, blocks - count).map_err(|met| Met { done: 0, ..met })
    }

    fn forward_over_marks(&self, inner: &mut Inner, mark: Mark, count: u64) -> Result<(), Met> {
        let reports_setmarks = inner.settings.reports_setmarks();
        let loaded = inner.loaded().map_err(nothing_done)?;
        let start = loaded.place;
        let number = start.marks(mark).saturating_add(count);
        let result = loaded.image.find_mark(mark, number, start);
        let reached = match &result {
            Ok((_, behind)) => *behind,
            Err(halt) => halt.at,
        };
        let has_passed_setmark = reached.setmarks > start.setmarks;
        if mark == Mark::Filemark && reports_setmarks && has_passed_setmark {
            let (_, behind) = self.find_mark(inner, Mark::Setmark, start.setmarks + 1, start)?;
            inner.loaded().map_err(nothing_done)?.place = behind;
            let done = behind.filemarks - start.filemarks;
            return Err(Met { sense: Sense::SETMARK_DETECTED, done });
        }
        loaded.place = reached;
        match result {
            Ok(_) => Ok(()),
            Err(halt) => {
                let done = reached.marks(mark) - start.marks(mark);
                Err(Met { sense: self.halted(inner, &halt), done })
            }
        }
    }

    fn back_over_marks(&self, inner: &mut Inner, mark: Mark, count: u64) -> Result<(), Met> {
        let stops_at_setmarks = mark == Mark::Filemark && inner.settings.reports_setmarks();
        let start = inner.loaded().map_err(nothing_done)?.place;
        let goal = match start.marks(mark).checked_sub(count) {
            Some(before) => Some(self.find_mark(inner, mark, before + 1, start)?.0),
            None => None,
        };
        if stops_at_setmarks && start.setmarks > 0 {
            let (before, behind) = self.find_mark(inner, Mark::Setmark, start.setmarks, start)?;
            if goal.is_none_or(|goal| behind.object > goal.object) {
                inner.loaded().map_err(nothing_done)?.place = before;
                let done = start.filemarks - before.filemarks;
                return Err(Met { sense: Sense::SETMARK_DETECTED, done });
            }
        }
        inner.loaded().map_err(nothing_done)?.place = goal.unwrap_or(Place::BEGINNING);
        match goal {
            Some(_) => Ok(()),
            None => Err(Met { sense: Sense::BEGINNING_DETECTED, done: start.marks(mark) }),
        }
    }

    /// To the end of so many marks that follow each other, or backwards to the beginning of them.
    fn over_row(&self, inner: &mut Inner, mark: Mark, count: i64) -> Result<(), Met> {
        let loaded = inner.loaded().map_err(nothing_done)?;
        let (start, len) = (loaded.place, count.unsigned_abs());
        let found = match count {
            1.. => loaded.image.find_marks_in_row(mark, len, start).map(Some),
            _ => loaded.image.find_marks_in_row_before(mark, len, start),
        };
        match found {
            Ok(found) => {
                loaded.place = found.unwrap_or(Place::BEGINNING);
                found.map(drop).ok_or(Met { sense: Sense::BEGINNING_DETECTED, done: 0 })
            }
            Err(halt) => {
                loaded.place = halt.at;
                Err(Met { sense: self.halted(inner, &halt), done: 0 })
            }
        }
    }

    fn wind_to_end(&self, inner: &mut Inner) -> Result<Moved, Stop> {
        let loaded = inner.loaded()?;
        match loaded.image.find_end(loaded.place) {
            Ok(end) => {
                loaded.place = end;
                Ok(Moved::NOTHING)
            }
            Err((at, fault)) => {
                loaded.place = at;
                Err(self.unreadable(inner, &fault).into())
            }
        }
    }

    /// To the place with so many objects before it.
    fn wind_to(&self, inner: &mut Inner, object: u64, from: Place) -> Result<(), Met> {
        let loaded = inner.loaded().map_err(nothing_done)?;
        match loaded.image.find_object(object, from) {
            Ok(place) => {
                loaded.place = place;
                Ok(())
            }
            Err(halt) => {
                loaded.place = halt.at;
                Err(Met { sense: self.halted(inner, &halt), done: 0 })
            }
        }
    }

    /// A mark that was passed before.
    fn find_mark(
        &self,
        inner: &mut Inner,
        mark: Mark,
        number: u64,
        from: Place,
    ) -> Result<(Place, Place), Met> {
        let loaded = inner.loaded().map_err(nothing_done)?;
        loaded
            .image
            .find_mark(mark, number, from)
            .map_err(|halt| Met { sense: self.halted(inner, &halt), done: 0 })
    }

    fn halted(&self, inner: &mut Inner, halt: &Halt) -> Sense {
        match (&halt.why, &inner.slot) {
            (Why::Fault(fault), _) => self.unreadable(inner, fault),
            (Why::End, Some(loaded)) => loaded.near_end(Sense::END_OF_DATA),
            (Why::End, None) => Sense::END_OF_DATA,
        }
    }

    /// LOCATE(10): objects of the one partition, however their numbers are called.
    pub(super) fn locate_10(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        if task.cdb.bit(1, 1) && task.cdb.byte(8) != 0 {
            return Err(Sense::cdb_field(8, 7).into());
        }
        self.locate_object(task.cdb.be32(3).into())
    }

    /// LOCATE(16): objects, files, the end of data.
    pub(super) fn locate_16(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const OBJECT: u8 = 0;
        const FILE: u8 = 1;
        const END_OF_DATA: u8 = 3;
        if task.cdb.bit(1, 1) && task.cdb.byte(3) != 0 {
            return Err(Sense::cdb_field(3, 7).into());
        }
        let number = task.cdb.be64(4);
        match (task.cdb.byte(1) >> 3 & 0x03, number) {
            (OBJECT, _) => self.locate_object(number),
            (FILE, 0) => self.locate_object(0),
            (FILE, _) => {
                let mut inner = self.inner();
                let loaded = inner.loaded()?;
                match loaded.image.find_mark(Mark::Filemark, number, loaded.place) {
                    Ok((_, behind)) => {
                        loaded.place = behind;
                        Ok(Moved::NOTHING)
                    }
                    Err(halt) => {
                        loaded.place = halt.at;
                        Err(self.halted(&mut inner, &halt).into())
                    }
                }
            }
            (END_OF_DATA, _) => self.wind_to_end(&mut self.inner()),
            _ => Err(Sense::cdb_field(1, 4).into()),
        }
    }

    fn locate_object(&self, object: u64) -> Result<Moved, Stop> {
        let mut inner = self.inner();
        let from = inner.loaded()?.place;
        self.wind_to(&mut inner, object, from).map_err(|met| Stop::Check(met.sense))?;
        Ok(Moved::NOTHING)
    }

    /// READ POSITION, short form.
    pub(super) fn read_position_short(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        /// LOLU: the number does not fit.
        const UNKNOWN: u8 = 0x04;
        no_allocation_len(task)?;
        let mut inner = self.inner();
        let loaded = inner.loaded()?;
        let mut data = [0; 20];
        data[0] = loaded.position_flags();
        match u32::try_from(loaded.place.object) {
            Ok(object) => {
                data[4..8].copy_from_slice(&object.to_be_bytes());
                data[8..12].copy_from_slice(&object.to_be_bytes());
            }
            Err(_) => data[0] |= UNKNOWN,
        }
        task.reply(&data, data.len())
    }

    /// READ POSITION, long form. Behind the file's stands the set's number, as SSC-2 has it.
    pub(super) fn read_position_long(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        no_allocation_len(task)?;
        let mut inner = self.inner();
        let loaded = inner.loaded()?;
        let mut data = [0; 32];
        data[0] = loaded.position_flags();
        data[8..16].copy_from_slice(&loaded.place.object.to_be_bytes());
        data[16..24].copy_from_slice(&loaded.place.filemarks.to_be_bytes());
        data[24..32].copy_from_slice(&loaded.place.setmarks.to_be_bytes());
        task.reply(&data, data.len())
    }

    /// READ POSITION, extended form.
    pub(super) fn read_position_extended(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let mut inner = self.inner();
        let loaded = inner.loaded()?;
        let mut data = [0; 32];
        data[0] = loaded.position_flags();
        data[3] = data.len() as u8 - 4;
        data[8..16].copy_from_slice(&loaded.place.object.to_be_bytes());
        data[16..24].copy_from_slice(&loaded.place.object.to_be_bytes());
        task.reply(&data, task.cdb.be16(7).into())
    }
}

impl Loaded {
    /// BOP and EOP.
    fn position_flags(&self) -> u8 {
        const BEGINNING: u8 = 0x80;
        const END: u8 = 0x40;
        (if self.place.object == 0 { BEGINNING } else { 0 }) | if self.is_late(self.place) { END } else { 0 }
    }
}

/// The short and the long form have a length of their own.
fn no_allocation_len(task: &Task<'_>) -> Result<(), Sense> {
    if task.cdb.be16(7) == 0 { Ok(()) } else { Err(Sense::cdb_field(7, 7)) }
}

fn nothing_done(sense: Sense) -> Met {
    Met { sense, done: 0 }
}

//! Reading, writing and erasing (SSC-3 clauses 6.1 and 7.1 to 7.9).

use super::{Inner, Loaded, Moved, Sense, Stop, TapePort, Task};
use crate::backing::IoError;
use crate::backing::tap::{Fault, Found, MARK_LEN, MAX_RECORD, Mark, Object, stored_len};
use crate::segments::Segments;

/// Bytes behind the capacity that marks may take: whoever fills a tape still has to end his file.
const ROOM_FOR_MARKS: u64 = 64 << 10;
/// Bytes compared at a time.
const CHUNK: u64 = 256 << 10;

/// A block that was met.
pub(super) struct Block {
    pub(super) found: Found,
    len: u64,
    bad: bool,
}

/// What a reading command asks for.
struct Wanted {
    /// FIXED: a number of blocks of the block length; otherwise one block of so many bytes.
    fixed: bool,
    /// SILI: blocks of another length are all right.
    any_len: bool,
    /// TRANSFER LENGTH.
    len: u64,
    /// Block length of the mode parameters.
    block_len: u64,
}

impl Wanted {
    fn of(task: &Task<'_>, any_len: bool, inner: &Inner) -> Result<Wanted, Sense> {
        let fixed = task.cdb.bit(1, 0);
        let block_len = inner.settings.block_len.into();
        if fixed && block_len == 0 {
            return Err(Sense::cdb_field(1, 0));
        }
        if fixed && any_len {
            return Err(Sense::cdb_field(1, 1));
        }
        Ok(Wanted { fixed, any_len, len: transfer_len(task), block_len })
    }

    /// Bytes, if all goes well.
    fn bytes(&self) -> u64 {
        if self.fixed { self.len * self.block_len } else { self.len }
    }
}

fn transfer_len(task: &Task<'_>) -> u64 {
    u64::from(task.cdb.be32(1) & 0xff_ffff)
}

impl TapePort {
    /// READ BLOCK LIMITS: any length.
    pub(super) fn read_block_limits(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        const MINIMUM: u16 = 1;
        let [_, most @ ..] = MAX_RECORD.to_be_bytes();
        task.reply(&[&[0], &most[..], &MINIMUM.to_be_bytes()].concat(), 6)
    }

    /// READ(6).
    pub(super) fn read(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let mut inner = self.inner();
        let wanted = Wanted::of(task, task.cdb.bit(1, 1), &inner)?;
        let data = task.data_in(wanted.bytes())?;
        let (result, bytes) = self.take(&mut inner, &wanted, |loaded, found, at, len| {
            loaded.image.read(found, 0, &data.slice(at, len)).map(|()| true)
        });
        inner.statistics.read += bytes;
        self.statistics.read_bytes.add(bytes);
        let moved = Moved { data_in: bytes, ..Moved::NOTHING };
        match result {
            Ok(()) => {
                self.statistics.reads.add(1);
                Ok(moved)
            }
            Err(sense) => Err(Stop::Partly(sense, moved)),
        }
    }

    /// VERIFY(6): reads, and with BYTCMP compares with what the initiator sends.
    pub(super) fn verify(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let mut inner = self.inner();
        let wanted = Wanted::of(task, false, &inner)?;
        let compares = task.cdb.bit(1, 1);
        let data = task.data_out(if compares { wanted.bytes() } else { 0 })?;
        let (result, bytes) = self.take(&mut inner, &wanted, |loaded, found, at, len| {
            if !compares {
                return Ok(true);
            }
            let (mut own, mut given) = (vec![0; len.min(CHUNK) as usize], vec![0; len.min(CHUNK) as usize]);
            let mut done = 0;
            while done < len {
                let some = (len - done).min(CHUNK) as usize;
                loaded.image.read(found, done, &Segments::from_slice(&mut own[..some]))?;
                data.read(at + done, &mut given[..some]);
                if own[..some] != given[..some] {
                    return Ok(false);
                }
                done += some as u64;
            }
            Ok(true)
        });
        let moved = Moved { data_out: if compares { bytes } else { 0 }, ..Moved::NOTHING };
        result.map(|()| moved).map_err(|sense| Stop::Partly(sense, moved))
    }

    /// Goes over the blocks wanted and has `each` do something with so many bytes of each, that lie at an offset of the
    /// whole; it says whether they are what they should be. Returns the bytes of those that were right.
    fn take(
        &self,
        inner: &mut Inner,
        wanted: &Wanted,
        each: impl Fn(&Loaded, &Found, u64, u64) -> Result<bool, IoError>,
    ) -> (Result<(), Sense>, u64) {
        let blocks = if wanted.fixed { wanted.len } else { 1.min(wanted.len) };
        let block_len = if wanted.fixed { wanted.block_len } else { wanted.len };
        let mut bytes = 0;
        for block in 0..blocks {
            let residue = if wanted.fixed { blocks - block } else { wanted.len } as i64;
            let stop = |sense: Sense, bytes| (Err(sense.with_residue(residue)), bytes);
            let Block { found, len, bad } = match self.meet(inner) {
                Ok(block) => block,
                Err(sense) => return stop(sense, bytes),
            };
            let Ok(loaded) = inner.loaded() else { return stop(Sense::MEDIUM_NOT_PRESENT, bytes) };
            if bad {
                loaded.place = found.behind;
                return stop(self.unreadable(inner, &Fault::Bad), bytes);
            }
            let is_right_len = len == block_len;
            if wanted.fixed && !is_right_len {
                loaded.place = found.behind;
                return stop(Sense::INCORRECT_LENGTH, bytes);
            }
            let some = len.min(block_len);
            match each(loaded, &found, bytes, some) {
                Ok(true) => {}
                Ok(false) => {
                    loaded.place = found.behind;
                    return stop(Sense::MISCOMPARE, bytes);
                }
                Err(error) => return stop(self.unreadable(inner, &error.into()), bytes),
            }
            loaded.place = found.behind;
            bytes += some;
            // Longer ones are all right only where no block length is set (SSC-3 table 35).
            let is_suppressed = wanted.any_len && (len < block_len || wanted.block_len == 0);
            if !is_right_len && !is_suppressed {
                let sense = Sense::INCORRECT_LENGTH.with_residue(block_len as i64 - len as i64);
                return (Err(sense), bytes);
            }
        }
        (Ok(()), bytes)
    }

    /// The next block, in front of which the position is then; or what is met instead, behind which it is.
    pub(super) fn meet(&self, inner: &mut Inner) -> Result<Block, Sense> {
        let reports_setmarks = inner.settings.reports_setmarks();
        loop {
            let loaded = inner.loaded()?;
            match loaded.image.next(loaded.place) {
                Ok(Some(found)) => match found.object {
                    Object::Record { len, bad } => return Ok(Block { found, len: len.into(), bad }),
                    Object::Mark(Mark::Filemark) => {
                        loaded.place = found.behind;
                        return Err(loaded.near_end(Sense::FILEMARK_DETECTED));
                    }
                    Object::Mark(Mark::Setmark) => {
                        loaded.place = found.behind;
                        if reports_setmarks {
                            return Err(loaded.near_end(Sense::SETMARK_DETECTED));
                        }
                    }
                },
                Ok(None) => return Err(loaded.near_end(Sense::END_OF_DATA)),
                Err(fault) => return Err(self.unreadable(inner, &fault)),
            }
        }
    }

    /// WRITE(6).
    pub(super) fn write(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let mut inner = self.inner();
        let wanted = Wanted::of(task, false, &inner)?;
        let data = task.data_out(wanted.bytes())?;
        self.check_writable(&mut inner)?;
        if wanted.len == 0 {
            return Ok(Moved::NOTHING);
        }
        let record_len = if wanted.fixed { wanted.block_len } else { wanted.len };
        let blocks = if wanted.fixed { wanted.len } else { 1 };
        let is_buffered = inner.settings.is_buffered();
        let loaded = inner.loaded()?;
        let room = loaded.cartridge.label.capacity.saturating_sub(loaded.place.offset);
        let fitting = blocks.min(room / stored_len(record_len as u32));
        let start = loaded.place;
        let written =
            loaded.image.write_records(start, &data.slice(0, fitting * record_len), record_len as u32);
        let (end, mut failure) = match written {
            Ok(end) => (end, None),
            Err((end, error)) => (end, Some(error)),
        };
        loaded.place = end;
        if !is_buffered && failure.is_none() {
            failure = loaded.image.flush().err();
        }
        let is_late = loaded.is_late(end);
        let done = end.object - start.object;
        let moved = Moved { data_out: done * record_len, ..Moved::NOTHING };
        inner.statistics.written += moved.data_out;
        self.statistics.writes.add(1);
        self.statistics.written_bytes.add(moved.data_out);
        let left = (wanted.len - if wanted.fixed { done } else { done * record_len }) as i64;
        let sense = match failure {
            Some(error) => self.unwritable(&mut inner, error),
            None if fitting < blocks => Sense::OVERFLOW,
            None if is_late => Sense::EARLY_WARNING,
            None => return Ok(moved),
        };
        Err(Stop::Partly(sense.with_residue(left), moved))
    }

    /// WRITE FILEMARKS(6), with WSmk setmarks. None, or without IMMED, also waits until everything is on stable storage.
    pub(super) fn write_filemarks(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let (immediate, setmarks, count) = (task.cdb.bit(1, 0), task.cdb.bit(1, 1), transfer_len(task));
        let mut inner = self.inner();
        if count > 0 {
            self.check_writable(&mut inner)?;
        }
        let mark = if setmarks { Mark::Setmark } else { Mark::Filemark };
        let loaded = inner.loaded()?;
        let limit = loaded.cartridge.label.capacity.saturating_add(ROOM_FOR_MARKS);
        let room = limit.saturating_sub(loaded.place.offset) / MARK_LEN;
        if room < count {
            return Err(Sense::OVERFLOW.with_residue(count as i64).into());
        }
        match loaded.image.write_marks(loaded.place, mark, count as u32) {
            Ok(end) => loaded.place = end,
            Err(error) => return Err(self.unwritable(&mut inner, error).with_residue(count as i64).into()),
        }
        if !immediate && let Err(error) = loaded.image.flush() {
            return Err(self.unwritable(&mut inner, error).into());
        }
        if !immediate {
            self.statistics.flushes.add(1);
        }
        if count > 0 && loaded.is_late(loaded.place) {
            return Err(Sense::EARLY_WARNING.with_residue(0).into());
        }
        Ok(Moved::NOTHING)
    }

    /// ERASE(6), short and long alike: nothing is recorded behind the position.
    pub(super) fn erase(&self, _: &Task<'_>) -> Result<Moved, Stop> {
        let mut inner = self.inner();
        self.check_writable(&mut inner)?;
        self.cut(&mut inner)
    }

    /// Makes the tape end at the position, on stable storage.
    pub(super) fn cut(&self, inner: &mut Inner) -> Result<Moved, Stop> {
        let loaded = inner.loaded()?;
        match loaded.image.erase(loaded.place).and_then(|()| loaded.image.flush()) {
            Ok(()) => Ok(Moved::NOTHING),
            Err(error) => Err(self.unwritable(inner, error).into()),
        }
    }

    pub(super) fn check_writable(&self, inner: &mut Inner) -> Result<(), Sense> {
        if inner.is_protected() {
            inner.alerts.raise(super::log::WRITE_PROTECTED);
            return Err(Sense::WRITE_PROTECTED);
        }
        Ok(())
    }
}

impl Loaded {
    /// What is met behind early warning is told with EOM.
    pub(super) fn near_end(&self, sense: Sense) -> Sense {
        if self.is_late(self.place) { sense.with_end_of_medium() } else { sense }
    }
}

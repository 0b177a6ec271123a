//! From a place of a tape to another.

use std::os::unix::fs::FileExt;

use super::format::{ERASE_GAP, WORD, Word, stored_len};
use super::{Fault, Image, Mark, Object, Place};
use crate::backing::IoError;

/// Bytes looked at together where a tape is erased.
const WINDOW: usize = 64 << 10;

/// An object that was found behind a place.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// What it is.
    pub object: Object,
    /// The place behind it.
    pub behind: Place,
    /// Where in the file its data begin.
    pub(super) data_at: u64,
}

/// Why a walk ended.
#[derive(Debug)]
pub enum Why {
    /// Nothing was written behind.
    End,
    /// What is behind cannot be told.
    Fault(Fault),
}

/// A walk that ended before its goal.
#[derive(Debug)]
pub struct Halt {
    /// How far it came.
    pub at: Place,
    /// Why not further.
    pub why: Why,
}

impl Image {
    /// The object behind `place`; `None` where the data end.
    pub fn next(&mut self, place: Place) -> Result<Option<Found>, Fault> {
        let mut at = place.offset;
        loop {
            let Some(word) = self.word(at)? else {
                return if at >= self.len_bytes { Ok(None) } else { Err(Fault::Truncated) };
            };
            let (object, behind) = match Word::of(word) {
                Word::EndOfMedium => return Ok(None),
                Word::Illegal => return Err(Fault::Damaged),
                Word::Gap(_) if word == ERASE_GAP => {
                    at = self.behind_gap(at + WORD)?;
                    continue;
                }
                Word::Gap(len) => {
                    at += len;
                    continue;
                }
                Word::Filemark => (Object::Mark(Mark::Filemark), at + WORD),
                Word::Setmark => (Object::Mark(Mark::Setmark), at + WORD),
                Word::Record { len, bad, foreign } => {
                    let behind = at.saturating_add(stored_len(len));
                    match self.word(behind - WORD)? {
                        None => return Err(Fault::Truncated),
                        Some(last) if last != word => return Err(Fault::Damaged),
                        Some(_) if foreign => {
                            at = behind;
                            continue;
                        }
                        Some(_) => (Object::Record { len, bad }, behind),
                    }
                }
            };
            let behind = place.behind(object, behind);
            self.map.note(behind);
            return Ok(Some(Found { object, behind, data_at: at + WORD }));
        }
    }

    /// Whether `place` can be one of this image: it may be remembered from another time.
    pub fn is_plausible(&self, place: Place) -> bool {
        let marks = place.filemarks.checked_add(place.setmarks);
        place.offset <= self.len_bytes
            && marks.is_some_and(|marks| marks <= place.object)
            && (place.offset == 0) == (place.object == 0)
            && place.object <= place.offset / WORD
    }

    /// The place with `object` objects before it.
    pub fn find_object(&mut self, object: u64, from: Place) -> Result<Place, Halt> {
        let start = self.nearest(from, |place| place.object <= object);
        if start.object == object {
            return Ok(start);
        }
        self.walk(start, |found| found.behind.object == object).map(|(_, found)| found.behind)
    }

    /// The `number`th mark of a kind, counted from 1: the place before it, and behind it.
    pub fn find_mark(&mut self, mark: Mark, number: u64, from: Place) -> Result<(Place, Place), Halt> {
        let start = self.nearest(from, |place| place.marks(mark) < number);
        let is_it = |found: &Found| found.object == Object::Mark(mark) && found.behind.marks(mark) == number;
        self.walk(start, is_it).map(|(before, found)| (before, found.behind))
    }

    /// Where the data end. A record that was not written whole does not count.
    pub fn find_end(&mut self, from: Place) -> Result<Place, (Place, Fault)> {
        if let Some(end) = self.map.end() {
            return Ok(end);
        }
        let start = self.nearest(from, |_| true);
        match self.walk(start, |_| false) {
            Err(Halt { at, why: Why::End | Why::Fault(Fault::Truncated) }) => {
                self.map.ends_at(at);
                Ok(at)
            }
            Err(Halt { at, why: Why::Fault(fault) }) => Err((at, fault)),
            Ok((_, found)) => Ok(found.behind),
        }
    }

    /// The first of `count` marks of a kind that follow each other without anything between, behind `from`: the place
    /// behind the last of them.
    pub fn find_marks_in_row(&mut self, mark: Mark, count: u64, from: Place) -> Result<Place, Halt> {
        let mut in_row = 0;
        let walked = self.walk(from, |found| {
            in_row = if found.object == Object::Mark(mark) { in_row + 1 } else { 0 };
            in_row == count
        });
        walked.map(|(_, found)| found.behind)
    }

    /// The last of such rows before `from`: the place before the first mark of it. `None` if there is none.
    pub fn find_marks_in_row_before(
        &mut self,
        mark: Mark,
        count: u64,
        from: Place,
    ) -> Result<Option<Place>, Halt> {
        let (mut in_row, mut last_row) = (0, None);
        if from.object == 0 {
            return Ok(None);
        }
        self.walk(Place::BEGINNING, |found| {
            in_row = if found.object == Object::Mark(mark) { in_row + 1 } else { 0 };
            if in_row >= count {
                last_row = Some(found.behind.object - count);
            }
            found.behind.object >= from.object
        })?;
        last_row.map(|object| self.find_object(object, Place::BEGINNING)).transpose()
    }

    /// From where to begin a walk to a goal that `is_before` is true of all places before: `from`, or a place known.
    fn nearest(&self, from: Place, is_before: impl Fn(&Place) -> bool) -> Place {
        let known = self.map.last(&is_before);
        if is_before(&from) && from.object > known.object { from } else { known }
    }

    /// Walks until `is_goal` is true of an object, and gives the place before it, and it.
    fn walk(&mut self, from: Place, mut is_goal: impl FnMut(&Found) -> bool) -> Result<(Place, Found), Halt> {
        let mut at = from;
        loop {
            match self.next(at) {
                Ok(Some(found)) if is_goal(&found) => return Ok((at, found)),
                Ok(Some(found)) => at = found.behind,
                Ok(None) => return Err(Halt { at, why: Why::End }),
                Err(fault) => return Err(Halt { at, why: Why::Fault(fault) }),
            }
        }
    }

    /// The word at `at`, if the file holds all of it.
    fn word(&self, at: u64) -> Result<Option<u32>, IoError> {
        let mut bytes = [0; WORD as usize];
        match self.file.read_exact_at(&mut bytes, at) {
            Ok(()) => Ok(Some(u32::from_le_bytes(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            // Beyond what a file can be.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The first place from `at` on where the tape is not erased.
    fn behind_gap(&self, mut at: u64) -> Result<u64, IoError> {
        let mut window = vec![0; WINDOW];
        loop {
            let len = match self.file.read_at(&mut window, at) {
                Ok(len) => len,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let words = window[..len].chunks_exact(WORD as usize);
            let gaps = words.take_while(|word| **word == ERASE_GAP.to_le_bytes()).count();
            at += gaps as u64 * WORD;
            if gaps < WINDOW / WORD as usize {
                return Ok(at);
            }
        }
    }
}

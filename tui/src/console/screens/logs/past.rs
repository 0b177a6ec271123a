//! A part of the log that lies further back than what the console keeps: the VSP is asked for it, and for what lies before
//! and behind it when one gets there.

use super::line::{Choice, Line};
use super::rows::{Bottom, Room, page_from, uppermost};
use crate::console::keymap::Action;
use std::collections::VecDeque;

/// Lines that are asked for at a time.
pub(crate) const READ_LINES: usize = 1000;
/// Lines that are kept of it; those furthest away are forgotten, and asked for again when one returns.
const KEPT_LINES: usize = 5000;

/// What is asked of the VSP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastQuery {
    /// Comes back in the answer.
    pub(crate) id: u64,
    /// Which lines.
    pub(crate) choice: Choice,
    /// From where on, and which way.
    pub(crate) from: From,
    /// How many of the moment that it begins at are known already.
    pub(crate) known: usize,
}

/// Where reading begins, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// With this moment, forwards.
    Since(i64),
    /// With this moment, backwards.
    UpTo(i64),
}

/// The answer: at most [`READ_LINES`] lines, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastPart {
    /// The lines.
    pub(crate) lines: Vec<Line>,
    /// Nothing lies beyond them.
    pub(crate) is_end: bool,
}

/// The part that is shown.
#[derive(Debug)]
pub(super) struct Past {
    /// All are wanted by this.
    choice: Choice,
    lines: VecDeque<Line>,
    /// What is lowest on the screen.
    bottom: Bottom,
    /// Nothing older is kept by the VSP.
    is_oldest: bool,
    /// Nothing newer was there when it was asked.
    is_newest: bool,
    /// What is under way: its number and the way.
    reading: Option<(u64, Step)>,
    /// What is to be asked next.
    wanted: Option<Step>,
    /// Where one wanted to be, in microseconds since 1970.
    anchor: i64,
    /// The room that they are shown in.
    room: Room,
    /// Why there is no answer.
    problem: Option<String>,
}

/// One request for a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// What begins at the anchor; its first line is the uppermost.
    First,
    Older,
    Newer,
}

/// What moving came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    Within,
    /// Below the last line: to what comes now.
    Out,
}

impl Past {
    /// Lines from a moment on.
    pub(super) fn since(anchor: i64, choice: Choice, room: Room) -> Self {
        Self {
            choice,
            lines: VecDeque::new(),
            bottom: Bottom::default(),
            is_oldest: false,
            is_newest: false,
            reading: None,
            wanted: Some(Step::First),
            anchor,
            room,
            problem: None,
        }
    }

    /// What lies before these lines, with `bottom` as the lowest that is shown.
    pub(super) fn before(lines: VecDeque<Line>, bottom: Bottom, choice: Choice, room: Room) -> Self {
        let anchor = lines.front().map_or(i64::MAX, |line| line.time);
        let mut past = Self { wanted: Some(Step::Older), lines, ..Self::since(anchor, choice, room) };
        past.bottom = bottom;
        past.forget_newest();
        past
    }

    /// The same moment by another choice.
    pub(super) fn chosen_by(&mut self, choice: &Choice) {
        if self.choice == *choice {
            return;
        }
        let anchor = self.lines.get(self.uppermost()).map_or(self.anchor, |line| line.time);
        *self = Self::since(anchor, choice.clone(), self.room);
    }

    /// What is to be asked of the VSP now, as number `id`.
    pub(super) fn query(&mut self, id: u64) -> Option<PastQuery> {
        let step = self.wanted.take()?;
        self.reading = Some((id, step));
        self.problem = None;
        let (first, last) = (self.lines.front(), self.lines.back());
        let alike = |line: &Line| self.lines.iter().filter(|other| other.time == line.time).count();
        let (from, known) = match (step, first, last) {
            (Step::Newer, _, Some(last)) => (From::Since(last.time), alike(last)),
            (Step::Older, Some(first), _) => (From::UpTo(first.time), alike(first)),
            (Step::Older, ..) => (From::UpTo(self.anchor), 0),
            (Step::First | Step::Newer, ..) => (From::Since(self.anchor), 0),
        };
        Some(PastQuery { id, choice: self.choice.clone(), from, known })
    }

    /// The line that is uppermost on the screen.
    fn uppermost(&self) -> usize {
        let rows_of = |line: usize| self.lines.get(line).map_or(1, |line| self.room.rows_of(line));
        uppermost(self.bottom, self.room, rows_of)
    }

    /// There is other room; what was uppermost stays so.
    pub(super) fn change_room(&mut self, room: Room) {
        let top = self.uppermost();
        self.room = room;
        self.bottom = self.page_from(top);
    }

    /// The screen that begins with this line.
    fn page_from(&self, first: usize) -> Bottom {
        page_from(first, self.lines.len(), self.room, |line| self.room.rows_of(&self.lines[line]))
    }

    /// Takes an answer; one that was not waited for comes too late.
    pub(super) fn take(&mut self, id: u64, result: Result<PastPart, String>, room: Room) {
        self.room = room;
        let Some((_, step)) = self.reading.take_if(|(waited, _)| *waited == id) else { return };
        let PastPart { lines, is_end } = match result {
            Ok(part) => part,
            Err(problem) => return self.problem = Some(problem),
        };
        let count = lines.len();
        match step {
            Step::First => {
                // At a moment behind the last line, what was last is shown.
                self.wanted = (count < self.room.rows).then_some(Step::Older);
                self.lines = lines.into();
                self.bottom = self.page_from(0);
                self.is_newest = is_end;
            }
            Step::Newer => {
                self.lines.extend(lines);
                self.is_newest = is_end;
                let surplus = self.lines.len().saturating_sub(KEPT_LINES).min(self.bottom.line);
                self.lines.drain(..surplus);
                self.bottom.line -= surplus;
                self.is_oldest &= surplus == 0;
            }
            Step::Older => {
                let was_empty = self.lines.is_empty();
                lines.into_iter().rev().for_each(|line| self.lines.push_front(line));
                self.is_oldest = is_end;
                self.bottom.line = if was_empty { count.saturating_sub(1) } else { self.bottom.line + count };
                self.forget_newest();
            }
        }
        self.settle();
    }

    /// Forgets what lies too far below what is shown.
    fn forget_newest(&mut self) {
        let kept = KEPT_LINES.max(self.bottom.line + 1);
        if self.lines.len() > kept {
            self.lines.truncate(kept);
            self.is_newest = false;
        }
    }

    /// Keeps a page full, and has more read before one gets there.
    fn settle(&mut self) {
        let last = self.lines.len().saturating_sub(1);
        if self.bottom.line > last {
            self.bottom = Bottom { line: last, hidden: 0 };
        }
        self.bottom = self.bottom.lower(self.page_from(0));
        if self.reading.is_some() || self.wanted.is_some() || self.lines.is_empty() && self.is_oldest {
            return;
        }
        // A line takes a row at least.
        if !self.is_oldest && self.bottom.line + 1 < 2 * self.room.rows {
            self.wanted = Some(Step::Older);
        } else if !self.is_newest && self.bottom.line + self.room.rows > last {
            self.wanted = Some(Step::Newer);
        }
    }

    /// Moves by rows.
    pub(super) fn navigate(&mut self, action: Action, room: Room) -> Moved {
        self.room = room;
        let (lines, bottom) = (&self.lines, self.bottom);
        let rows_of = |line: usize| lines.get(line).map_or(1, |line| room.rows_of(line));
        let moved = match action {
            Action::Last => return Moved::Out,
            Action::First if !self.is_oldest => {
                *self = Self::since(i64::MIN, self.choice.clone(), room);
                self.is_oldest = true;
                return Moved::Within;
            }
            Action::First => Some(self.page_from(0)),
            Action::Up => Some(bottom.up(1, lines.len(), room, rows_of)),
            Action::PageUp => Some(bottom.up(room.rows, lines.len(), room, rows_of)),
            Action::Down => bottom.down(1, lines.len(), rows_of),
            _ => bottom.down(room.rows, lines.len(), rows_of),
        };
        if moved.is_none() && self.is_newest && self.reading.is_none() {
            return Moved::Out;
        }
        self.bottom = moved.unwrap_or(Bottom { line: lines.len().saturating_sub(1), hidden: 0 });
        self.problem = None;
        self.settle();
        Moved::Within
    }

    /// The lines up to the lowest that is shown, those below it, and how many rows of the lowest are not shown.
    pub(super) fn around(
        &self,
    ) -> (impl DoubleEndedIterator<Item = &Line>, impl Iterator<Item = &Line>, usize) {
        let end = (self.bottom.line + 1).min(self.lines.len());
        (self.lines.range(..end), self.lines.range(end..), self.bottom.hidden)
    }

    /// The lowest line that is shown.
    pub(super) fn lowest(&self) -> Option<&Line> {
        self.lines.get(self.bottom.line)
    }

    /// The moment of the last line, in microseconds since 1970.
    pub(super) fn last(&self) -> Option<i64> {
        self.lines.back().map(|line| line.time)
    }

    /// There may be newer lines: they are to be read before one leaves downwards.
    pub(super) fn read_on(&mut self) {
        self.is_newest = false;
        self.settle();
    }

    /// Whether an answer is waited for, and why there was none.
    pub(super) fn state(&self) -> (bool, Option<&str>) {
        (self.reading.is_some() || self.wanted.is_some(), self.problem.as_deref())
    }

    /// Whether the first line and the last line are the first and the last of all.
    pub(super) fn ends(&self) -> (bool, bool) {
        let is_top = !self.page_from(0).is_above(self.bottom);
        let is_bottom = self.bottom.line + 1 >= self.lines.len() && self.bottom.hidden == 0;
        (self.is_oldest && is_top, self.is_newest && is_bottom)
    }
}

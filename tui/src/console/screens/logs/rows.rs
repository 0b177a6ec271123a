//! How lines lie on the rows of a screen: a long one takes several of them, and one may be longer than the screen.
//!
//! Moving counts rows, so that nothing is passed over unseen.

use super::INDENT;
use super::line::Line;
use crate::view::format;
use jiff::tz::TimeZone;

/// The room that there is for lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Columns of a row.
    pub(super) columns: usize,
    /// How many rows, at least one.
    pub(super) rows: usize,
    /// Long lines are cut; otherwise they are broken.
    pub(super) cuts: bool,
}

impl Default for Room {
    fn default() -> Self {
        Self { columns: 80, rows: 1, cuts: false }
    }
}

/// What is lowest on the screen: a line by its place among those that are wanted, and how many of its last rows lie below
/// the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bottom {
    pub(super) line: usize,
    pub(super) hidden: usize,
}

impl Room {
    /// The rows of a line.
    pub(super) fn lay(self, line: &Line, time_zone: &TimeZone) -> Vec<String> {
        let text = line.full_text(time_zone);
        if self.cuts {
            vec![format::fit(&format::printable(&text), self.columns, '>')]
        } else {
            format::wrap(&text, self.columns, INDENT)
        }
    }

    /// How many rows a line takes; its time is as long in every time zone.
    pub(super) fn rows_of(self, line: &Line) -> usize {
        if self.cuts { 1 } else { self.lay(line, &TimeZone::UTC).len() }
    }
}

/// The screen on which line `first` of `count` is uppermost, or the last one there is.
pub(super) fn page_from(first: usize, count: usize, room: Room, rows_of: impl Fn(usize) -> usize) -> Bottom {
    let mut used = 0;
    for line in first..count {
        used += rows_of(line);
        if used >= room.rows {
            return Bottom { line, hidden: used - room.rows };
        }
    }
    Bottom { line: count.saturating_sub(1), hidden: 0 }
}

/// The line that is uppermost on a screen that ends with `bottom`.
pub(super) fn uppermost(bottom: Bottom, room: Room, rows_of: impl Fn(usize) -> usize) -> usize {
    let mut line = bottom.line;
    let mut used = rows_of(line).saturating_sub(bottom.hidden);
    while used < room.rows && line > 0 {
        line -= 1;
        used += rows_of(line);
    }
    line
}

impl Bottom {
    /// So many rows up, but no further than where the first line is uppermost.
    pub(super) fn up(
        mut self,
        by: usize,
        count: usize,
        room: Room,
        rows_of: impl Fn(usize) -> usize,
    ) -> Self {
        self.hidden = self.hidden.saturating_add(by);
        loop {
            let rows = rows_of(self.line);
            if self.hidden < rows {
                return self.lower(page_from(0, count, room, rows_of));
            }
            if self.line == 0 {
                return page_from(0, count, room, rows_of);
            }
            self.hidden -= rows;
            self.line -= 1;
        }
    }

    /// So many rows down; nothing beyond the last one.
    pub(super) fn down(
        mut self,
        mut by: usize,
        count: usize,
        rows_of: impl Fn(usize) -> usize,
    ) -> Option<Self> {
        // The width may be another one than when it was placed.
        self.hidden = self.hidden.min(rows_of(self.line).saturating_sub(1));
        while by > self.hidden {
            by -= self.hidden;
            self.line += 1;
            if self.line >= count {
                return None;
            }
            self.hidden = rows_of(self.line);
        }
        self.hidden -= by;
        Some(self)
    }

    /// The lower one of both.
    pub(super) fn lower(self, other: Self) -> Self {
        if self.is_above(other) { other } else { self }
    }

    /// Whether `other` is further down.
    pub(super) fn is_above(self, other: Self) -> bool {
        (self.line, other.hidden) < (other.line, self.hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of one, two and three rows, again and again.
    fn rows_of(line: usize) -> usize {
        line % 3 + 1
    }

    /// The row that is lowest on the screen, of all rows.
    fn lowest_row(bottom: Bottom) -> usize {
        (0..=bottom.line).map(rows_of).sum::<usize>() - bottom.hidden - 1
    }

    #[test]
    fn every_row_is_passed_on_the_way_up_and_down() {
        let room = Room { rows: 5, ..Room::default() };
        let count = 30;
        let last = Bottom { line: count - 1, hidden: 0 };
        let all = lowest_row(last) + 1;
        let mut bottom = last;
        for step in 0..all + 9 {
            assert_eq!(lowest_row(bottom), (all - 1 - step.min(all - 5)), "{bottom:?}");
            bottom = bottom.up(1, count, room, rows_of);
        }
        assert_eq!(bottom, page_from(0, count, room, rows_of));
        for step in 0..all - 5 {
            assert_eq!(lowest_row(bottom), 4 + step);
            bottom = bottom.down(1, count, rows_of).expect("it is not the last row");
        }
        assert_eq!((bottom, bottom.down(1, count, rows_of)), (last, None));
        assert_eq!(lowest_row(last.up(7, count, room, rows_of)), all - 8);
    }

    #[test]
    fn line_that_is_gone_to_is_uppermost_where_enough_follows() {
        let room = Room { rows: 5, ..Room::default() };
        for first in 0..20 {
            let before: usize = (0..first).map(rows_of).sum();
            assert_eq!(lowest_row(page_from(first, 30, room, rows_of)), before + 4);
        }
        assert_eq!(page_from(29, 30, room, rows_of), Bottom { line: 29, hidden: 0 });
        assert_eq!(page_from(0, 0, room, rows_of), Bottom::default());
    }
}

//! Looking at what a terminal has printed: a cursor that is moved as in `vi`, a selection, a search.

use super::Emulator;
use alacritty_terminal::grid::{Dimensions, Scroll};
use alacritty_terminal::index::{Column, Direction, Line, Point, Side};
use alacritty_terminal::selection::{Selection, SelectionType};
use alacritty_terminal::term::TermMode;
pub(super) use alacritty_terminal::term::search::RegexSearch;
pub(crate) use alacritty_terminal::vi_mode::ViMotion as Motion;

/// A cell of the shown part: column and line from its upper left corner.
pub(crate) type Cell = (u16, u16);

/// What a selection consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selecting {
    /// Characters.
    Characters,
    /// Whole words.
    Words,
    /// Whole lines.
    Lines,
}

impl Selecting {
    fn kind(self) -> SelectionType {
        match self {
            Selecting::Characters => SelectionType::Simple,
            Selecting::Words => SelectionType::Semantic,
            Selecting::Lines => SelectionType::Lines,
        }
    }
}

impl Emulator {
    /// Gives the screen a cursor of its own that [`Emulator::go`] moves. A full-screen program is left aside: it has no
    /// earlier output.
    pub(crate) fn browse(&mut self) {
        if self.mode().contains(TermMode::ALT_SCREEN) {
            self.term.swap_alt();
        }
        if !self.mode().contains(TermMode::VI) {
            self.term.toggle_vi_mode();
        }
    }

    /// Moves the cursor; a selection that was begun goes along.
    pub(crate) fn go(&mut self, motion: Motion) {
        self.term.vi_motion(motion);
        self.extend_to_cursor();
    }

    /// Moves the cursor by half a screen or a whole one, or to the first or the last line.
    pub(crate) fn go_far(&mut self, scroll: Scroll) {
        let before = self.term.vi_mode_cursor.point;
        self.term.scroll_display(scroll);
        let grid = self.term.grid();
        let (top, bottom) = (grid.topmost_line(), grid.bottommost_line());
        let line = match scroll {
            Scroll::Top => top,
            Scroll::Bottom => bottom,
            Scroll::PageUp => before.line - self.size.screen_lines(),
            Scroll::PageDown => before.line + self.size.screen_lines(),
            Scroll::Delta(lines) => before.line - lines,
        };
        let point = Point::new(line.clamp(top, bottom), before.column);
        self.term.vi_goto_point(point);
        self.extend_to_cursor();
    }

    /// Begins to select at the cursor, or ends that.
    pub(crate) fn toggle_selection(&mut self, what: Selecting) {
        let point = self.term.vi_mode_cursor.point;
        self.term.selection = match self.term.selection.take() {
            Some(selection) if selection.ty == what.kind() => None,
            _ => Some(Selection::new(what.kind(), point, Side::Left)),
        };
        self.extend_to_cursor();
    }

    /// Begins to select at a cell.
    pub(crate) fn select_from(&mut self, cell: Cell, what: Selecting) {
        let point = self.point(cell);
        self.term.selection = Some(Selection::new(what.kind(), point, Side::Left));
    }

    /// Selects up to a cell.
    pub(crate) fn select_to(&mut self, cell: Cell) {
        let point = self.point(cell);
        if let Some(selection) = &mut self.term.selection {
            selection.update(point, Side::Right);
        }
    }

    /// Selects nothing.
    pub(crate) fn deselect(&mut self) {
        self.term.selection = None;
    }

    /// The text that is selected; nothing if that is none.
    pub(crate) fn selected_text(&self) -> Option<String> {
        self.term.selection_to_string().filter(|text| !text.is_empty())
    }

    /// Looks for a regular expression from now on.
    ///
    /// # Errors
    /// One line if it is none.
    pub(crate) fn search_for(&mut self, pattern: &str) -> Result<(), String> {
        // As in `less -i`: letters of both cases unless there is a capital among them.
        self.search =
            Some(RegexSearch::new(pattern).map_err(|_| "This is no regular expression".to_owned())?);
        Ok(())
    }

    /// Goes to the next place above the cursor, or below it, that matches; round and round. Whether there is one.
    pub(crate) fn go_to_match(&mut self, upwards: bool) -> bool {
        let Some(mut search) = self.search.take() else { return false };
        let cursor = self.term.vi_mode_cursor.point;
        let (direction, side, origin) = if upwards {
            (Direction::Left, Side::Left, self.before(cursor))
        } else {
            (Direction::Right, Side::Left, self.after(cursor))
        };
        let found = self.term.search_next(&mut search, origin, direction, side, None);
        self.search = Some(search);
        let Some(found) = found else { return false };
        self.term.vi_goto_point(*found.start());
        let mut selection = Selection::new(SelectionType::Simple, *found.start(), Side::Left);
        selection.update(*found.end(), Side::Right);
        self.term.selection = Some(selection);
        true
    }

    /// All lines that are kept, and the screen.
    pub(crate) fn kept_lines(&self) -> usize {
        self.term.grid().total_lines()
    }

    fn extend_to_cursor(&mut self) {
        let point = self.term.vi_mode_cursor.point;
        if let Some(selection) = &mut self.term.selection {
            selection.update(point, Side::Right);
            // The cell where it began is part of it, in either direction.
            selection.include_all();
        }
    }

    fn point(&self, (column, line): Cell) -> Point {
        let line = Line(i32::from(line)) - self.term.grid().display_offset();
        let last = self.term.grid().bottommost_line();
        Point::new(line.min(last), Column(usize::from(column).min(self.size.columns() - 1)))
    }

    fn before(&self, point: Point) -> Point {
        let grid = self.term.grid();
        match (point.column.0, point.line > grid.topmost_line()) {
            (0, true) => Point::new(point.line - 1_i32, grid.last_column()),
            (0, false) => Point::new(grid.bottommost_line(), grid.last_column()),
            (column, _) => Point::new(point.line, Column(column - 1)),
        }
    }

    fn after(&self, point: Point) -> Point {
        let grid = self.term.grid();
        match (point.column < grid.last_column(), point.line < grid.bottommost_line()) {
            (true, _) => Point::new(point.line, point.column + 1),
            (false, true) => Point::new(point.line + 1_i32, Column(0)),
            (false, false) => Point::new(grid.topmost_line(), Column(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ScreenSize;
    use super::*;

    fn printed(lines: usize) -> Emulator {
        let mut emulator = Emulator::with_scrollback(ScreenSize { columns: 20, lines: 5 }, 10_000);
        for line in 0..lines {
            emulator.feed(format!("line {line} end\r\n").as_bytes());
        }
        emulator.browse();
        emulator
    }

    #[test]
    fn selection_follows_the_cursor_in_both_directions() {
        let mut emulator = printed(100);
        emulator.go(Motion::Up);
        emulator.go(Motion::First);
        emulator.toggle_selection(Selecting::Characters);
        (0..3).for_each(|_| emulator.go(Motion::Right));
        assert_eq!(emulator.selected_text().as_deref(), Some("line"));
        emulator.toggle_selection(Selecting::Characters);
        assert_eq!(emulator.selected_text(), None);
        emulator.toggle_selection(Selecting::Lines);
        emulator.go(Motion::Up);
        assert_eq!(emulator.selected_text().as_deref(), Some("line 98 end\nline 99 end\n"));
    }

    #[test]
    fn search_goes_through_everything_that_is_kept_and_round() {
        let mut emulator = printed(5000);
        emulator.search_for("line 1?77 ").expect("it is one");
        assert!(emulator.go_to_match(true));
        assert_eq!(emulator.selected_text().as_deref(), Some("line 177 "));
        assert!(emulator.go_to_match(true));
        assert_eq!(emulator.selected_text().as_deref(), Some("line 77 "));
        assert!(emulator.go_to_match(true));
        assert_eq!(emulator.selected_text().as_deref(), Some("line 177 "), "round");
        assert!(emulator.go_to_match(false));
        assert_eq!(emulator.selected_text().as_deref(), Some("line 77 "));
        assert!(emulator.lines_above_newest() > 4000, "and it is shown");
        emulator.search_for("nowhere").expect("it is one");
        assert!(!emulator.go_to_match(true));
        assert!(emulator.search_for("(").is_err());
    }

    #[test]
    fn cells_are_selected_where_they_are_shown() {
        let mut emulator = printed(100);
        emulator.go_far(Scroll::Top);
        emulator.select_from((5, 2), Selecting::Words);
        emulator.select_to((5, 2));
        assert_eq!(emulator.selected_text().as_deref(), Some("2"));
        emulator.select_from((0, 0), Selecting::Characters);
        emulator.select_to((900, 900));
        assert!(emulator.selected_text().is_some_and(|text| text.starts_with("line 0 end\nline 1 end")));
    }

    #[test]
    fn full_screen_program_hides_no_earlier_output() {
        let mut emulator = printed(50);
        emulator.feed(b"\x1b[?1049hfull screen");
        emulator.browse();
        emulator.go_far(Scroll::Top);
        emulator.toggle_selection(Selecting::Lines);
        assert_eq!(emulator.selected_text().as_deref(), Some("line 0 end\n"));
    }
}

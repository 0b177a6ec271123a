//! Where everything lies on a screen of a given size: pure geometry, used by `update` (how large a
//! guest's terminal is, how far a page goes) and by the view.
//!
//! ```text
//! header                          1 line
//! guests                          up to a third
//! console or log, both when tall  the rest
//! footer                          1 line
//! ```

use super::state::{Pane, State};
use ratatui::layout::Rect;

/// The smallest screen that is drawn.
pub(crate) const MINIMUM: (u16, u16) = (60, 18);
/// From this height on console and log are shown at once.
const TALL_LINES: u16 = 40;
/// A console of 24 lines with its borders.
const CONSOLE_LINES: u16 = 26;
/// Borders above and below, and the headings.
const TABLE_FRAME_LINES: u16 = 3;

/// The parts of the screen. A part that is not shown is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Regions {
    /// The VSP's line.
    pub(crate) header: Option<Rect>,
    /// The table of guests with its borders.
    pub(crate) guests: Option<Rect>,
    /// The console pane with its borders, or without any when it fills the screen.
    pub(crate) console: Option<Rect>,
    /// The log pane with its borders.
    pub(crate) logs: Option<Rect>,
    /// Everything between header and footer.
    pub(crate) body: Rect,
    /// The keys.
    pub(crate) footer: Rect,
    /// The console has no borders.
    pub(crate) is_zoomed: bool,
}

impl Regions {
    /// The parts for what `state` shows, or nothing on a screen that is too small.
    pub(crate) fn of(state: &State) -> Option<Self> {
        let (columns, lines) = state.size;
        if columns < MINIMUM.0 || lines < MINIMUM.1 {
            return None;
        }
        let line = |y, height| Rect::new(0, y, columns, height);
        let footer = line(lines - 1, 1);
        if state.is_zoomed {
            let body = line(0, lines - 1);
            let in_front = |pane| (state.pane == pane).then_some(body);
            return Some(Self {
                header: None,
                guests: None,
                console: in_front(Pane::Console),
                logs: in_front(Pane::Logs),
                body,
                footer,
                is_zoomed: true,
            });
        }
        let body = line(1, lines - 2);
        let most = body.height / 3;
        let rows = u16::try_from(state.guests.rows().len()).unwrap_or(u16::MAX);
        let table = rows.saturating_add(TABLE_FRAME_LINES).clamp(most.min(6), most);
        let below = line(1 + table, body.height - table);
        let (console, logs) = if lines >= TALL_LINES {
            let console = CONSOLE_LINES.max(below.height * 3 / 5).min(below.height - 6);
            (Some(line(below.y, console)), Some(line(below.y + console, below.height - console)))
        } else {
            match state.pane {
                Pane::Console => (Some(below), None),
                Pane::Logs => (None, Some(below)),
            }
        };
        Some(Self {
            header: Some(line(0, 1)),
            guests: Some(line(1, table)),
            console,
            logs,
            body,
            footer,
            is_zoomed: false,
        })
    }

    /// The cells of the guest's terminal.
    pub(crate) fn terminal(&self) -> Option<Rect> {
        let console = self.console?;
        Some(if self.is_zoomed { console } else { within_borders(console) })
    }

    /// The rows of the log.
    pub(crate) fn log_rows(&self) -> Option<Rect> {
        self.logs.map(within_borders)
    }

    /// How many guests the table shows at once.
    pub(crate) fn guest_rows(&self) -> usize {
        self.guests.map_or(1, |table| usize::from(table.height.saturating_sub(TABLE_FRAME_LINES))).max(1)
    }
}

fn within_borders(area: Rect) -> Rect {
    Rect::new(area.x + 1, area.y + 1, area.width.saturating_sub(2), area.height.saturating_sub(2))
}

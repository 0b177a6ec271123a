//! Where everything lies on a screen of a given size: pure geometry, used by `update` (how large a
//! guest's terminal is, how far a page goes) and by the view.
//!
//! ```text
//! header                          1 line: the VSP
//! tabs                            1 line: the screens, what is under way, the last result
//! body                            the screen in front
//! footer                          1 line: keys
//! ```

use super::screens::tabs::Tabs;
use super::state::{Preview, Screen, State};
use ratatui::layout::Rect;
use uuid::Uuid;

/// The smallest screen that is drawn.
pub(crate) const MINIMUM: (u16, u16) = (60, 18);
/// From this height on console and log are shown at once below the table.
const TALL_LINES: u16 = 40;
/// A console of 24 lines with its borders.
const CONSOLE_LINES: u16 = 26;
/// Borders above and below, and the headings.
const TABLE_FRAME_LINES: u16 = 3;

/// The parts of the screen. A part that is not shown is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Regions {
    /// The VSP's line; none while a console fills the screen.
    pub(crate) header: Option<Rect>,
    /// The screens' line.
    pub(crate) tabs: Option<Rect>,
    /// Everything between tabs and footer.
    pub(crate) body: Rect,
    /// The keys.
    pub(crate) footer: Rect,
    /// Overview: the table of guests with its borders.
    pub(crate) guests: Option<Rect>,
    /// Overview: the console of the selected guest with its borders.
    pub(crate) preview: Option<Rect>,
    /// Overview and log screen: the log with its borders.
    pub(crate) logs: Option<Rect>,
    /// Console screen: the line of its tabs.
    pub(crate) console_tabs: Option<Rect>,
    /// Console screen: each guest's pane, and the cells of its terminal.
    pub(crate) panes: Vec<(Uuid, Rect, Rect)>,
    /// Guest screen.
    pub(crate) guest: Option<GuestRegions>,
    /// Storage screen: the list with its borders, and what is below it.
    pub(crate) storage: Option<(Rect, Rect)>,
}

/// The parts of the guest screen, each with its borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GuestRegions {
    /// Configuration.
    pub(crate) facts: Rect,
    /// Charts over time.
    pub(crate) charts: Rect,
    /// Devices.
    pub(crate) devices: Rect,
    /// Recent events; none where there is no room.
    pub(crate) events: Option<Rect>,
}

impl Regions {
    /// The parts for what `state` shows, or nothing on a screen that is too small.
    pub(crate) fn of(state: &State) -> Option<Self> {
        let (columns, lines) = state.size;
        if columns < MINIMUM.0 || lines < MINIMUM.1 {
            return None;
        }
        let line = |y, height| Rect::new(0, y, columns, height);
        let is_full = state.screen == Screen::Console && state.tabs.is_full;
        let top = if is_full { 0 } else { 2 };
        let mut regions = Self {
            header: (!is_full).then(|| line(0, 1)),
            tabs: (!is_full).then(|| line(1, 1)),
            body: line(top, lines - top - 1),
            footer: line(lines - 1, 1),
            guests: None,
            preview: None,
            logs: None,
            console_tabs: None,
            panes: Vec::new(),
            guest: None,
            storage: None,
        };
        let body = regions.body;
        match state.screen {
            Screen::Overview => regions.divide_overview(state.guests.count(), state.preview, lines),
            Screen::Guest => {
                let devices = state.selected_name().and_then(|name| state.detail.of(name));
                regions.guest = Some(guest_regions(body, devices.map_or(1, |guest| guest.devices.len())));
            }
            Screen::Console => regions.divide_consoles(&state.tabs),
            Screen::Storage => {
                let (list, below) = rows(body, (body.height * 3 / 5).max(8));
                regions.storage = Some((list, below));
            }
            Screen::Logs => regions.logs = Some(body),
        }
        Some(regions)
    }

    fn divide_overview(&mut self, guests: usize, preview: Preview, lines: u16) {
        let body = self.body;
        if preview == Preview::Nothing {
            self.guests = Some(body);
            return;
        }
        let rows_wanted = u16::try_from(guests).unwrap_or(u16::MAX).saturating_add(TABLE_FRAME_LINES);
        let most = if lines < TALL_LINES { body.height / 2 } else { body.height * 2 / 5 };
        let (table, below) = rows(body, rows_wanted.clamp(6, most.max(6)));
        self.guests = Some(table);
        match preview {
            Preview::Console if lines >= TALL_LINES => {
                let console = CONSOLE_LINES.min(below.height - 6);
                let (console, logs) = rows(below, console.max(below.height * 3 / 5).min(below.height - 6));
                (self.preview, self.logs) = (Some(console), Some(logs));
            }
            Preview::Console => self.preview = Some(below),
            Preview::Logs | Preview::Nothing => self.logs = Some(below),
        }
    }

    fn divide_consoles(&mut self, tabs: &Tabs) {
        let mut area = self.body;
        let panes = tabs.current().map_or(0, |tab| tab.panes.len());
        if tabs.all().len() > 1 && !tabs.is_full {
            let (line, rest) = rows(area, 1);
            (self.console_tabs, area) = (Some(line), rest);
        }
        let has_borders = !tabs.is_full || panes > 1;
        let inner = |pane| if has_borders { within_borders(pane) } else { pane };
        self.panes = tabs.panes(area).into_iter().map(|(guest, pane)| (guest, pane, inner(pane))).collect();
    }

    /// The guests whose terminals are shown, and their cells.
    pub(crate) fn terminals(&self, state: &State) -> Vec<(Uuid, Rect)> {
        if let (Some(preview), Some(guest)) = (self.preview, state.guests.selected()) {
            return vec![(guest.uuid, within_borders(preview))];
        }
        self.panes.iter().map(|(guest, _, cells)| (*guest, *cells)).collect()
    }

    /// The rows of the log.
    pub(crate) fn log_rows(&self) -> Option<Rect> {
        self.logs.map(within_borders)
    }

    /// How many guests the table shows at once.
    pub(crate) fn guest_rows(&self) -> usize {
        list_rows(self.guests)
    }

    /// How many devices the guest screen shows at once.
    pub(crate) fn device_rows(&self) -> usize {
        list_rows(self.guest.map(|guest| guest.devices))
    }

    /// How many entries the storage screen shows at once.
    pub(crate) fn entry_rows(&self) -> usize {
        list_rows(self.storage.map(|(list, _)| list))
    }
}

fn list_rows(area: Option<Rect>) -> usize {
    area.map_or(1, |area| usize::from(area.height.saturating_sub(TABLE_FRAME_LINES))).max(1)
}

/// From this width on configuration and charts lie beside each other.
const WIDE_COLUMNS: u16 = 100;

fn guest_regions(body: Rect, devices: usize) -> GuestRegions {
    let wanted = u16::try_from(devices).unwrap_or(u16::MAX).saturating_add(TABLE_FRAME_LINES);
    let devices = wanted.clamp(5, (body.height / 3).max(5));
    if body.width >= WIDE_COLUMNS {
        let (upper, lower) = rows(body, (body.height - devices) * 3 / 5);
        let (facts, charts) = columns(upper, 52);
        let (devices, events) = rows(lower, devices);
        return GuestRegions { facts, charts, devices, events: (events.height >= 3).then_some(events) };
    }
    let facts = 8.min(body.height / 3);
    let (facts, rest) = rows(body, facts);
    let (devices, charts) = rows(rest, devices);
    if body.height >= 34 {
        let (charts, events) = rows(charts, charts.height - 8);
        return GuestRegions { facts, charts, devices, events: Some(events) };
    }
    GuestRegions { facts, charts, devices, events: None }
}

fn rows(area: Rect, upper: u16) -> (Rect, Rect) {
    let upper = upper.min(area.height);
    let lower = Rect::new(area.x, area.y + upper, area.width, area.height - upper);
    (Rect { height: upper, ..area }, lower)
}

fn columns(area: Rect, left: u16) -> (Rect, Rect) {
    let left = left.min(area.width);
    let right = Rect::new(area.x + left, area.y, area.width - left, area.height);
    (Rect { width: left, ..area }, right)
}

/// What is left within the borders of a pane.
pub(crate) fn within_borders(area: Rect) -> Rect {
    Rect::new(area.x + 1, area.y + 1, area.width.saturating_sub(2), area.height.saturating_sub(2))
}

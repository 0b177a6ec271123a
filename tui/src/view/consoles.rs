//! Guests' consoles in panes: tabs, borders, who writes.

use super::canvas::Canvas;
use super::{format, terminal};
use crate::console::keymap::{Action, Context, ESCAPE_KEY};
use crate::console::layout::{Regions, within_borders};
use crate::console::msg::Target;
use crate::console::screens::guest_console::{Access, GuestConsole};
use ipc::message::GuestSummary;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;
use uuid::Uuid;

pub(super) fn draw(canvas: &mut Canvas<'_, '_, '_>, regions: &Regions) {
    if let Some(area) = regions.console_tabs {
        draw_tabs(canvas, area);
    }
    for (guest, pane, cells) in &regions.panes {
        let has_keys = canvas.state.types_to(*guest);
        if pane != cells {
            draw_frame(canvas, *guest, *pane, has_keys);
        }
        draw_cells(canvas, *guest, *cells, has_keys);
    }
}

/// The console of the selected guest below the table: it is looked at, not used.
pub(super) fn draw_preview(canvas: &mut Canvas<'_, '_, '_>, area: Rect) {
    let Some(guest) = canvas.state.guests.selected().map(|guest| guest.uuid) else {
        let inner = canvas.pane(area, false, Line::from(" Console "), None);
        let text = "Select a guest to see its console.";
        canvas.draw(Paragraph::new(text).style(canvas.theme.dim()), inner);
        return;
    };
    draw_frame(canvas, guest, area, false);
    draw_cells(canvas, guest, within_borders(area), false);
}

fn draw_tabs(canvas: &mut Canvas<'_, '_, '_>, area: Rect) {
    let mut x = area.x;
    for (place, tab) in canvas.state.tabs.all().iter().enumerate() {
        let guests = tab.panes.iter().filter_map(|guest| canvas.state.guests.by_uuid(*guest));
        let names: Vec<&str> = guests.map(|guest| guest.name.as_str()).collect();
        let text = format!(" {} ", format::fit(&names.join(" + "), 24, canvas.theme.ellipsis()));
        let width = u16::try_from(text.width()).unwrap_or(u16::MAX);
        let width = width.min(area.right().saturating_sub(x));
        let is_front = place == canvas.state.tabs.current_index();
        let style = if is_front { canvas.theme.tab() } else { canvas.theme.dim() };
        let tab = Rect::new(x, area.y, width, 1);
        canvas.draw(Line::from(Span::styled(text, style)), tab);
        canvas.click(tab, Target::Tab(place));
        x += width;
    }
}

fn draw_frame(canvas: &mut Canvas<'_, '_, '_>, guest: Uuid, area: Rect, has_keys: bool) {
    let theme = canvas.theme;
    let console = canvas.state.consoles.get(guest);
    let name = canvas.state.guests.by_uuid(guest).map_or("", |guest| &guest.name);
    let mut title = vec![Span::styled(format!(" Console {name} "), theme.title())];
    if let Some(text) = console.and_then(|console| console.emulator.title()) {
        title.push(Span::styled(format!("({text}) "), theme.dim()));
    }
    let is_preview = canvas.state.screen != crate::console::state::Screen::Console;
    let mut facts = console.map(|console| facts(canvas, console)).unwrap_or_default();
    let is_lost = canvas.state.context() == Context::Lost;
    let (way, action) = match (has_keys, is_preview) {
        (true, _) if is_lost => {
            (Span::styled(format!(" {ESCAPE_KEY} leaves "), theme.key()), Action::Overview)
        }
        (true, _) => (Span::styled(format!(" {ESCAPE_KEY} menu "), theme.key()), Action::Menu),
        (false, true) => (Span::styled(" c uses the console ", theme.dim()), Action::ConsoleScreen),
        (false, false) => (Span::styled(" a click gives the keys ", theme.dim()), Action::ConsoleScreen),
    };
    let width = u16::try_from(way.width()).unwrap_or_default();
    facts.push(way);
    canvas.pane(area, has_keys, Line::from(title), Some(Line::from(facts).right_aligned()));
    let corner = Rect::new(area.right().saturating_sub(width + 1), area.bottom() - 1, width, 1);
    canvas.click(corner, Target::Action(action));
}

/// The lower border: who writes, and whether earlier output is shown.
fn facts(canvas: &Canvas<'_, '_, '_>, console: &GuestConsole) -> Vec<Span<'static>> {
    let theme = canvas.theme;
    let mut spans = Vec::new();
    if let Some(history) = &console.history {
        let (above, all) = (history.lines_above_newest(), history.kept_lines());
        let text = format!(" earlier output: {above} of {all} lines up, Esc ends ");
        spans.push(Span::styled(text, theme.warning()));
    }
    if console.has_gap {
        spans.push(Span::styled(" output was left out ", theme.warning()));
    }
    match &console.access {
        Access::Refused => {
            let text = format!(" read only: somebody else writes ({ESCAPE_KEY} w) ");
            spans.push(Span::styled(text, theme.warning()));
        }
        Access::Ended(reason) => {
            spans.push(Span::styled(format!(" ended: {} ", format::printable(reason)), theme.bad()));
        }
        Access::Viewer | Access::Asked | Access::Writer => {}
    }
    spans
}

fn draw_cells(canvas: &mut Canvas<'_, '_, '_>, guest: Uuid, area: Rect, has_keys: bool) {
    let state = canvas.state;
    let Some((summary, console)) = state.guests.by_uuid(guest).zip(state.consoles.get(guest)) else { return };
    if !console.emulator.has_output() && !summary.state.is_on() {
        draw_off(canvas, summary, area, has_keys);
    } else {
        terminal::draw_cells(console.shown(), canvas.theme, area, canvas.buffer());
        if has_keys
            && state.layers.is_empty()
            && let Some(position) = terminal::cursor(console.shown(), area)
        {
            canvas.cursor(position);
        }
    }
    canvas.click(area, Target::Terminal { guest, column: 0, line: 0 });
}

fn draw_off(canvas: &mut Canvas<'_, '_, '_>, guest: &GuestSummary, area: Rect, has_keys: bool) {
    let way = if has_keys { format!("{ESCAPE_KEY}, then o,") } else { "s".to_owned() };
    let text = format!("{} is off and its console has printed nothing; {way} starts it.", guest.name);
    canvas.draw(Paragraph::new(text).style(canvas.theme.dim()), area);
}

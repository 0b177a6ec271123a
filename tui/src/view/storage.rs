//! Storage: the device management database or the drives and media, a list and all about the selected one below.

use super::canvas::Canvas;
use super::guest::padded;
use super::{format, hardware, widgets};
use crate::console::layout::Regions;
use crate::console::msg::Target;
use crate::console::screens::storage::{StorageScreen, View, attribute};
use ipc::device::DeviceEntry;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Columns of the list: heading, width, on the right side.
const COLUMNS: [(&str, usize, bool); 5] =
    [("Kind", 6, false), ("Type", 7, false), ("Exists", 6, false), ("Shared", 6, false), ("Size", 9, true)];
/// Columns for the labels of facts.
const LABELS: usize = 11;
/// Columns for who uses an entry, on a narrow and on a wide screen.
const USERS: (usize, usize) = (14, 28);
/// From this width on a screen is wide.
const WIDE: u16 = 100;

pub(super) fn draw(canvas: &mut Canvas<'_, '_, '_>, regions: &Regions) {
    let Some((list, below)) = regions.storage else { return };
    let inner = draw_pane(canvas, list, regions.entry_rows());
    match canvas.state.storage.view() {
        View::Database => {
            draw_list(canvas, inner, list.width, regions.entry_rows());
            draw_entry(canvas, below);
        }
        View::Hardware => {
            hardware::draw_list(canvas, inner, regions.entry_rows());
            hardware::draw_item(canvas, below);
        }
    }
}

/// The frame of the list, with the names of both views and the place in the list.
fn draw_pane(canvas: &mut Canvas<'_, '_, '_>, area: Rect, page: usize) -> Rect {
    let storage = &canvas.state.storage;
    let problem = storage.problem.as_ref().map(|problem| {
        Line::from(Span::styled(format!(" {} ", format::printable(problem)), canvas.theme.bad()))
    });
    let inner = canvas.pane(area, true, Line::default(), problem);
    canvas.click(area, Target::Scrolled);
    let mut x = area.x + 1;
    for view in View::ALL {
        let is_shown = view == storage.view();
        let count = if is_shown { format!(" ({})", storage.count()) } else { String::new() };
        let text = format!(" {}{count} ", view.title());
        let style = if is_shown { canvas.theme.title() } else { canvas.theme.dim() };
        let place = Rect::new(x, area.y, text.width() as u16, 1);
        canvas.draw(Line::from(Span::styled(text, style)), place);
        canvas.click(place, Target::View(view));
        x = place.right();
    }
    if !storage.filter().is_empty() {
        let text = format!("with '{}' ", storage.filter());
        let text =
            format::fit(&text, usize::from(area.right().saturating_sub(x + 1)), canvas.theme.ellipsis());
        let place = Rect::new(x, area.y, text.width() as u16, 1);
        canvas.draw(Line::from(Span::styled(text, canvas.theme.warning())), place);
    }
    if storage.count() > page {
        let last = (storage.top() + page).min(storage.count());
        let place = format!(" {}-{last} of {} ", storage.top() + 1, storage.count());
        let corner = Rect::new(area.x + 2, area.bottom() - 1, area.width.saturating_sub(4), 1);
        canvas.draw(Line::from(place).right_aligned(), corner);
    }
    inner
}

fn draw_list(canvas: &mut Canvas<'_, '_, '_>, inner: Rect, width: u16, page: usize) {
    let storage = &canvas.state.storage;
    if storage.count() == 0 {
        let text = match (storage.is_known(), storage.filter().is_empty()) {
            (false, _) => "Asking the VSP.",
            (true, true) => "No device is known. Press a to add one, f to make a file for a virtual disk.",
            (true, false) => "No entry has this text. Press u to show all.",
        };
        canvas.draw(Paragraph::new(text), inner);
        return;
    }
    let users_width = if width < WIDE { USERS.0 } else { USERS.1 };
    let mut heading = String::from(" ");
    for (text, width, is_right) in COLUMNS {
        heading.push(' ');
        heading.push_str(&padded(text, width, is_right));
    }
    heading.push_str(&format!("  {} Name", padded("Used by", users_width, false)));
    canvas.line(Line::from(Span::styled(heading, canvas.theme.heading())), inner, 0);
    for (row, (place, entry, is_selected)) in storage.rows(page).enumerate() {
        let line = Rect::new(inner.x, inner.y + 1 + row as u16, inner.width, 1);
        if line.y >= inner.bottom() {
            break;
        }
        let cells = [
            entry.kind.word().to_owned(),
            attribute(entry, "DEVTYPE").unwrap_or_default().to_lowercase(),
            attribute(entry, "EXIST").unwrap_or_default().to_lowercase(),
            if StorageScreen::is_shared(entry) { "shared".to_owned() } else { String::new() },
            storage.size(entry).map_or_else(String::new, format::bytes),
        ];
        let mut text = String::from(if is_selected { canvas.theme.pointer() } else { " " });
        for ((_, width, is_right), cell) in COLUMNS.iter().zip(&cells) {
            text.push(' ');
            text.push_str(&padded(cell, *width, *is_right));
        }
        let name = entry.names.first().map(String::as_str).unwrap_or_default();
        let users = padded(&entry.dependents.join(" "), users_width, false);
        text.push_str(&format!("  {users} "));
        let room = usize::from(inner.width).saturating_sub(text.width());
        text.push_str(&format::fit_path(name, room, canvas.theme.ellipsis()));
        let text = format::fit(&text, usize::from(inner.width), canvas.theme.ellipsis());
        let style = match attribute(entry, "EXIST") {
            Some("NO") => canvas.theme.warning(),
            _ => ratatui::style::Style::new(),
        };
        canvas.draw(Line::from(Span::styled(text, style)), line);
        if is_selected {
            let style = canvas.theme.selected(true);
            canvas.buffer().set_style(line, style);
        }
        canvas.click(line, Target::Row(place));
    }
}

fn draw_entry(canvas: &mut Canvas<'_, '_, '_>, area: Rect) {
    let Some(entry) = canvas.state.storage.selected() else {
        canvas.pane(area, false, Line::default(), None);
        return;
    };
    let name = entry.names.first().map(String::as_str).unwrap_or_default();
    let title = format!(" {}:{} ", entry.kind.word(), format::printable(name));
    let title = format::fit(&title, usize::from(area.width.saturating_sub(4)), canvas.theme.ellipsis());
    let inner = canvas.pane(area, false, Line::from(Span::styled(title, canvas.theme.title())), None);
    let mut lines = facts(canvas, entry);
    lines.extend(uses(canvas, entry));
    lines.push(Line::from(Span::styled(
        format!("$ hpvmdevmgmt -l {}:{}", entry.kind.word(), format::printable(name)),
        canvas.theme.dim(),
    )));
    for (row, line) in lines.into_iter().enumerate() {
        canvas.line(line, inner, row);
    }
}

fn facts<'a>(canvas: &Canvas<'_, '_, '_>, entry: &DeviceEntry) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    if entry.names.len() > 1 {
        lines.push(widgets::fact(canvas, "Also called", LABELS, entry.names[1..].join(" ")));
    }
    let attributes: Vec<String> =
        entry.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    lines.push(widgets::fact(canvas, "Attributes", LABELS, attributes.join(" ")));
    if !entry.id.is_empty() {
        lines.push(widgets::fact(canvas, "Identity", LABELS, entry.id.clone()));
    }
    lines
}

/// Every device of a guest on it: a guest that is on holds it now.
fn uses(canvas: &Canvas<'_, '_, '_>, entry: &DeviceEntry) -> Vec<Line<'static>> {
    let uses = canvas.state.storage.uses(entry);
    let of_device = uses.iter().map(|used| {
        let held = if used.state.is_on() { "holds it now" } else { "off" };
        let device = used.device;
        let text = format!(
            "{} at {},{},{} of {}: {held}",
            device.device, device.bus, device.slot, device.target, used.guest
        );
        widgets::fact(canvas, "Used as", LABELS, text)
    });
    let mut lines: Vec<Line<'static>> = of_device.collect();
    if lines.is_empty() {
        lines.push(widgets::fact(canvas, "Used as", LABELS, "nothing".to_owned()));
    }
    lines
}

//! The VSP's drives and media: a list, and all about the selected one below.

use super::canvas::Canvas;
use super::guest::padded;
use super::{format, widgets};
use crate::console::msg::{Inventory, Target};
use crate::console::screens::hardware::{Item, guests_with};
use ipc::io::Medium;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Columns of the list: heading, width, on the right side.
const COLUMNS: [(&str, usize, bool); 4] =
    [("Device", 10, false), ("Held by", 12, false), ("Medium", 16, false), ("Capacity", 8, true)];
/// Columns for the labels of facts.
const LABELS: usize = 11;

/// Draws the rows of the list into a pane's room.
pub(super) fn draw_list(canvas: &mut Canvas<'_, '_, '_>, inner: Rect, page: usize) {
    let storage = &canvas.state.storage;
    let items = storage.items();
    if items.is_empty() {
        let text = match (storage.is_known(), storage.filter().is_empty()) {
            (false, _) => "Asking the VSP.",
            (true, true) => "The VSP has no device. Press a to have it emulate one, r to look for hardware.",
            (true, false) => "No row has this text. Press u to show all.",
        };
        canvas.draw(Paragraph::new(text), inner);
        return;
    }
    let mut heading = String::from(" ");
    for (text, width, is_right) in COLUMNS {
        heading.push(' ');
        heading.push_str(&padded(text, width, is_right));
    }
    heading.push_str("  Name");
    canvas.line(Line::from(Span::styled(heading, canvas.theme.heading())), inner, 0);
    let (top, selected) = (storage.top(), storage.selected_row());
    for (row, (place, item)) in items.iter().enumerate().skip(top).take(page).enumerate() {
        let line = Rect::new(inner.x, inner.y + 1 + row as u16, inner.width, 1);
        if line.y >= inner.bottom() {
            break;
        }
        let cells = [
            item.label(),
            item.holder().unwrap_or_default().to_owned(),
            medium(item),
            item.medium.map_or_else(String::new, |medium| format::bytes(medium.capacity)),
        ];
        let mut text = String::from(if place == selected { canvas.theme.pointer() } else { " " });
        for ((_, width, is_right), cell) in COLUMNS.iter().zip(&cells) {
            text.push(' ');
            text.push_str(&padded(cell, *width, *is_right));
        }
        text.push_str("  ");
        let room = usize::from(inner.width).saturating_sub(text.width());
        text.push_str(&format::fit_path(item.name(), room, canvas.theme.ellipsis()));
        let is_lost = item.emulated.is_some_and(|emulated| emulated.fault.is_some())
            || item.device.is_some_and(|device| !device.is_present);
        let style = if is_lost { canvas.theme.warning() } else { Style::new() };
        canvas.draw(Line::from(Span::styled(text, style)), line);
        if place == selected {
            let style = canvas.theme.selected(true);
            canvas.buffer().set_style(line, style);
        }
        canvas.click(line, Target::Row(place));
    }
}

/// What lies there; a place where something could lie is empty.
fn medium(item: &Item<'_>) -> String {
    let is_place = item.place.is_some() || (item.burner().is_some() && item.device.is_some());
    match item.medium {
        Some(Medium { name, write_protected: true, .. }) => format!("{name} (locked)"),
        Some(Medium { name, .. }) => name.clone(),
        None if is_place => "empty".to_owned(),
        None => String::new(),
    }
}

/// Draws all about the selected one.
pub(super) fn draw_item(canvas: &mut Canvas<'_, '_, '_>, area: Rect) {
    let (Some(item), Some(inventory)) = (canvas.state.storage.item(), canvas.state.storage.inventory())
    else {
        canvas.pane(area, false, Line::default(), None);
        return;
    };
    let path = item.emulated.map_or("", |emulated| &emulated.path);
    let title = match (item.place, item.name()) {
        (Some(place), _) => format!(" {path} {place} "),
        (None, name) => format!(" {name} "),
    };
    let title = format::fit(&title, usize::from(area.width.saturating_sub(4)), canvas.theme.ellipsis());
    let title = Line::from(Span::styled(format::printable(&title), canvas.theme.title()));
    let inner = canvas.pane(area, false, title, None);
    for (row, (label, text)) in facts(inventory, &item).into_iter().enumerate() {
        let room = usize::from(inner.width).saturating_sub(LABELS + 1);
        let text = format::fit(&format::printable(&text), room, canvas.theme.ellipsis());
        let line = match label {
            COMMAND => Line::from(Span::styled(format!("$ {text}"), canvas.theme.dim())),
            _ => widgets::fact(canvas, label, LABELS, text),
        };
        canvas.line(line, inner, row);
    }
}

/// Marks the command that tells the same.
const COMMAND: &str = "$";

fn facts(inventory: &Inventory, item: &Item<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(emulated) = item.emulated {
        facts.push(("Emulated", format!("{} in {}", emulated.kind, emulated.path)));
        facts.extend(emulated.fault.iter().map(|fault| ("Not usable", fault.clone())));
    }
    if let Some(medium) = item.medium {
        let locked = if medium.write_protected { ", write-protected" } else { "" };
        let capacity = format::bytes(medium.capacity);
        facts.push(("Medium", format!("{}, {capacity}{locked}, {}", medium.name, medium.place)));
    }
    if let (Some(library), None, None) = (item.library(), item.device, item.place) {
        let count = |kind: &str| library.places.iter().filter(|place| place.starts_with(kind)).count();
        let text = format!(
            "{} cartridges, {} drives, {} slots, {} import/export elements",
            library.media.len(),
            count("drive"),
            count("slot"),
            count("port")
        );
        facts.push(("Has", text));
    }
    if let Some(device) = item.device {
        let held = match (device.is_present, &device.in_use_by) {
            (false, _) => "nobody: it is gone (NO_HW)".to_owned(),
            (true, None) => "nobody".to_owned(),
            (true, Some(holder)) => holder.clone(),
        };
        facts.push(("Held by", held));
        let guests: Vec<String> = guests_with(inventory, device)
            .into_iter()
            .map(|(name, state)| if state.is_on() { name.to_owned() } else { format!("{name} (off)") })
            .collect();
        let guests = if guests.is_empty() { "nobody".to_owned() } else { guests.join(" ") };
        facts.push(("Given to", guests));
        facts.push(("Is", format!("{} {} {}", device.vendor, device.product, device.wwid)));
        facts.push(("Files", device.files.join(" ")));
        facts.extend(device.host_path.iter().map(|path| ("On the host", path.clone())));
        let lunpaths: Vec<&str> = device.lunpaths.iter().map(|(_, path)| path.as_str()).collect();
        facts.push(("Lunpath", format!("{} at {}", lunpaths.join(" "), device.lun_path)));
    }
    let command = match item.emulated {
        Some(emulated) => format!("hpvm {} list", emulated.kind),
        None => "ioscan -m lun".to_owned(),
    };
    facts.push((COMMAND, command));
    facts
}

//! One guest: configuration, charts, devices, recent events.

mod parts;

use super::canvas::Canvas;
use super::widgets::{self, Chart};
use super::{format, guests, logs};
use crate::console::layout::{GuestRegions, Regions};
use crate::console::msg::Target;
use crate::console::screens::detail::Part;
use ipc::message::{DeviceDetail, GuestDetail, GuestSummary, StartAttribute};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Columns for the labels of facts.
const LABELS: usize = 12;

/// What is charted, in the order of importance.
const CHARTS: [Chart; 5] = [
    Chart { title: "CPU", value: |rates| rates.cpu_percent, text: format::percent, least: 100.0 },
    Chart { title: "IOPS", value: |rates| rates.iops, text: format::count, least: 1.0 },
    Chart { title: "Bytes", value: |rates| rates.bytes, text: format::rate, least: 1.0 },
    Chart { title: "Latency p99", value: |rates| rates.p99_micros, text: format::micros, least: 1.0 },
    Chart { title: "Latency p50", value: |rates| rates.p50_micros, text: format::micros, least: 1.0 },
];

/// The least lines of a chart.
const CHART_LINES: u16 = 3;

pub(super) fn draw(canvas: &mut Canvas<'_, '_, '_>, regions: &Regions) {
    let Some(areas) = regions.guest else { return };
    let Some(guest) = canvas.state.guests.selected() else {
        let inner = canvas.pane(regions.body, true, Line::from(" Guest "), None);
        canvas.draw(Paragraph::new("There is no guest. Press 1, then n to create one."), inner);
        return;
    };
    draw_facts(canvas, guest, areas.facts);
    draw_part(canvas, guest, areas.charts);
    draw_devices(canvas, guest, &areas, regions.device_rows());
    if let Some(area) = areas.events {
        draw_events(canvas, guest, area);
    }
}

fn draw_facts(canvas: &mut Canvas<'_, '_, '_>, guest: &GuestSummary, area: Rect) {
    let title = format!(" {} ", format::printable(&guest.name));
    let others = canvas.state.guests.count();
    let place = format!(" {} of {others}: Left, Right ", canvas.state.guests.selected_index() + 1);
    let below = Line::from(Span::styled(place, canvas.theme.dim())).right_aligned();
    let title = Line::from(Span::styled(title, canvas.theme.title()));
    let inner = canvas.pane(area, false, title, Some(below));
    let (state, style) = guests::state_text(canvas, guest.state);
    let mut first = widgets::fact(canvas, "State", LABELS, String::new());
    first.push_span(Span::styled(state, style));
    if let (Some(since), true) = (guest.since_micros, guest.state.is_on()) {
        first.push_span(format!(" for {}", format::elapsed(since / 1000, canvas.state.now)));
    }
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    let mut add = |_: &Canvas<'_, '_, '_>, label: &'static str, value: String| {
        if !value.is_empty() {
            facts.push((label, value));
        }
    };
    let detail = canvas.state.detail.of(&guest.name);
    if let Some(reason) = guest.reason.as_ref().filter(|_| !guest.state.is_on()) {
        add(canvas, "Last run", reason.clone());
    }
    add(canvas, "vCPUs", processors(canvas, guest));
    add(canvas, "Memory", format::bytes(guest.memory_bytes));
    add(canvas, "OS type", guest.os_type.clone());
    add(canvas, "Number", guest.number.to_string());
    add(canvas, "Process", guest.pid.map(|pid| pid.to_string()).unwrap_or_default());
    match detail {
        Some(detail) => configuration(canvas, detail, &mut add),
        None => add(
            canvas,
            "",
            canvas.state.detail.problem.clone().unwrap_or_else(|| "Asking the VSP.".to_owned()),
        ),
    }
    // Where room is short two facts share a line.
    let is_halved = facts.len() >= usize::from(inner.height) && inner.width >= 70;
    let width = if is_halved { inner.width / 2 - 1 } else { inner.width };
    let room = usize::from(width).saturating_sub(LABELS + 1);
    let mut wrapped = Vec::new();
    for (label, value) in &facts {
        let rows = format::wrap(value, room, 0).into_iter().enumerate();
        wrapped.extend(rows.map(|(row, text)| (if row == 0 { *label } else { "" }, text)));
    }
    // A long fact has several lines where there is room for them, otherwise it is cut.
    let shown = if wrapped.len() < usize::from(inner.height) && !is_halved {
        wrapped
    } else {
        let cut = |value: &str| format::fit(&format::printable(value), room, canvas.theme.ellipsis());
        facts.iter().map(|(label, value)| (*label, cut(value))).collect()
    };
    let lines: Vec<Line<'_>> = std::iter::once(first)
        .chain(shown.into_iter().map(|(label, value)| widgets::fact(canvas, label, LABELS, value)))
        .collect();
    let half = if is_halved { lines.len().div_ceil(2) } else { lines.len() };
    for (row, line) in lines.into_iter().enumerate() {
        let x = if row < half { inner.x } else { inner.x + width + 1 };
        canvas.line(line, Rect { x, width, ..inner }, row % half);
    }
}

/// How many, and how busy on average.
fn processors(canvas: &Canvas<'_, '_, '_>, guest: &GuestSummary) -> String {
    let rates = canvas.state.figures.rates(&guest.name).filter(|_| guest.state.is_on());
    match rates {
        Some(rates) if guest.vcpus > 0 => {
            let each = rates.cpu_percent / guest.vcpus as f32;
            let (each, mips) = (format::percent(each), format::count(rates.mips));
            format!("{}, {each} each, {mips} MIPS", guest.vcpus)
        }
        _ => guest.vcpus.to_string(),
    }
}

fn configuration(
    canvas: &Canvas<'_, '_, '_>,
    detail: &GuestDetail,
    add: &mut impl FnMut(&Canvas<'_, '_, '_>, &'static str, String),
) {
    add(canvas, "Label", detail.label.clone());
    let start = match detail.start {
        StartAttribute::Auto => "with the VSP",
        StartAttribute::Manual => "by hand",
    };
    add(canvas, "Start", start.to_owned());
    add(canvas, "Identity", detail.summary.uuid.to_string());
    let (least, most) = (detail.entitlement_percent, detail.entitlement_max_percent);
    add(canvas, "Entitlement", format!("{least}% to {most}%"));
    let who = |grants: &[ipc::message::Grant]| {
        grants.iter().map(|grant| grant.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    add(canvas, "Groups", who(&detail.groups));
    add(canvas, "Users", who(&detail.users));
    let keywords: Vec<String> =
        detail.keywords.iter().map(|(keyword, value)| format!("{keyword}={value}")).collect();
    add(canvas, "Keywords", keywords.join(" "));
    let networks = match detail.summary.networks {
        0 => "none".to_owned(),
        count => count.to_string(),
    };
    add(canvas, "Networks", networks);
    add(canvas, "Type", detail.summary.vm_type.word().to_owned());
    add(canvas, "At next start", detail.pending.join("; "));
}

/// What the operator chose to see beside the configuration; the others' names stand beside its own.
fn draw_part(canvas: &mut Canvas<'_, '_, '_>, guest: &GuestSummary, area: Rect) {
    let chosen = canvas.state.detail.part;
    let below = match chosen {
        Part::Charts => {
            let range = canvas.state.detail.range.title();
            Some(format!(" last {range}: + longer, - shorter "))
        }
        Part::Users => Some(" D ends a session ".to_owned()),
        Part::Vcpus | Part::NextStart => None,
    };
    let below = below.map(|text| Line::from(Span::styled(text, canvas.theme.dim())).right_aligned());
    let inner = canvas.pane(area, false, Line::default(), below);
    let mut x = area.x + 1;
    for part in Part::ALL {
        let text = format!(" {} ", part.title());
        let style = if part == chosen { canvas.theme.title() } else { canvas.theme.dim() };
        let width = text.width() as u16;
        if x + width >= area.right() {
            break;
        }
        let place = Rect::new(x, area.y, width, 1);
        canvas.draw(Line::from(Span::styled(text, style)), place);
        canvas.click(place, Target::Part(part));
        x += width;
    }
    match chosen {
        Part::Charts => draw_charts(canvas, guest, inner),
        Part::Vcpus => parts::draw_vcpus(canvas, guest, inner),
        Part::NextStart => parts::draw_next_start(canvas, guest, inner),
        Part::Users => parts::draw_users(canvas, guest, inner),
    }
}

fn draw_charts(canvas: &mut Canvas<'_, '_, '_>, guest: &GuestSummary, inner: Rect) {
    let range = canvas.state.detail.range;
    let past = canvas.state.figures.guest(&guest.name).map(|guest| guest.past());
    // As many charts as find room, beside each other where it is wide.
    let columns: u16 = if inner.width >= 60 { 2 } else { 1 };
    let lines = inner.height / CHART_LINES;
    let rows = lines.clamp(1, 3.min((CHARTS.len() as u16).div_ceil(columns)));
    let height = inner.height / rows;
    let width = (inner.width - (columns - 1)) / columns;
    for (place, chart) in (0..rows * columns).zip(&CHARTS) {
        let (row, column) = (place / columns, place % columns);
        let chart_area = Rect::new(inner.x + column * (width + 1), inner.y + row * height, width, height);
        widgets::chart(canvas, chart, past, range, chart_area);
    }
}

/// A column of devices: heading, width, on the right side, from this width of the pane on.
type DeviceColumn = (&'static str, usize, bool, u16);

const DEVICE_COLUMNS: [DeviceColumn; 11] = [
    ("Device", 7, false, 0),
    ("Bus,Slot,Tgt", 12, false, 0),
    ("Store", 6, false, 0),
    ("Size", 8, true, 0),
    ("IOPS", 7, true, 0),
    ("Bytes", 9, true, 90),
    ("Mean", 7, true, 90),
    ("p50", 7, true, 110),
    ("p99", 7, true, 0),
    ("Errors", 6, true, 0),
    ("Refused", 7, true, 90),
];

fn draw_devices(canvas: &mut Canvas<'_, '_, '_>, guest: &GuestSummary, areas: &GuestRegions, page: usize) {
    let area = areas.devices;
    let count = canvas.state.detail.of(&guest.name).map_or(0, |detail| detail.devices.len());
    let title = Line::from(Span::styled(format!(" Devices ({count}) "), canvas.theme.title()));
    let inner = canvas.pane(area, true, title, None);
    canvas.click(area, Target::Scrolled);
    let Some(detail) = canvas.state.detail.of(&guest.name) else { return };
    if detail.devices.is_empty() {
        canvas.draw(Paragraph::new("It has no storage device. Press a to add one."), inner);
        return;
    }
    let columns: Vec<&DeviceColumn> = DEVICE_COLUMNS.iter().filter(|column| column.3 <= area.width).collect();
    let mut heading = String::from(" ");
    for (text, width, is_right, _) in columns.iter().copied() {
        heading.push(' ');
        heading.push_str(&padded(text, *width, *is_right));
    }
    heading.push_str("  Backing store");
    canvas.line(Line::from(Span::styled(heading, canvas.theme.heading())), inner, 0);
    let (selected, top) = canvas.state.detail.selection();
    for (row, (place, device)) in detail.devices.iter().enumerate().skip(top).take(page).enumerate() {
        let cells = device_cells(canvas, guest, device);
        let is_selected = place == selected;
        let mut text = String::from(if is_selected { canvas.theme.pointer() } else { " " });
        for ((_, width, is_right, _), cell) in
            DEVICE_COLUMNS.iter().zip(&cells).filter(|((_, _, _, from), _)| *from <= area.width)
        {
            text.push(' ');
            text.push_str(&padded(cell, *width, *is_right));
        }
        let holder = holder(canvas, guest, device);
        text.push_str(&format!("  {holder}"));
        let room = usize::from(inner.width).saturating_sub(text.width());
        text.push_str(&format::fit_path(&device.location, room, canvas.theme.ellipsis()));
        let text = format::fit(&text, usize::from(inner.width), canvas.theme.ellipsis());
        let has_errors = cells[9] != "0" && !cells[9].is_empty();
        let style = if has_errors { canvas.theme.bad() } else { Style::new() };
        let line = Rect::new(inner.x, inner.y + 1 + row as u16, inner.width, 1);
        if line.y >= inner.bottom() {
            break;
        }
        canvas.draw(Line::from(Span::styled(text, style)), line);
        if is_selected {
            let style = canvas.theme.selected(true);
            canvas.buffer().set_style(line, style);
        }
        canvas.click(line, Target::Row(place));
    }
}

/// Who holds an attached device now.
fn holder(canvas: &Canvas<'_, '_, '_>, guest: &GuestSummary, device: &DeviceDetail) -> String {
    if device.storage != "attach_path" {
        return String::new();
    }
    match canvas.state.detail.attached(device).map(|known| (known.is_present, &known.in_use_by)) {
        None => String::new(),
        Some((false, _)) => "gone: ".to_owned(),
        Some((true, None)) => "held by nobody: ".to_owned(),
        Some((true, Some(holder))) if *holder == guest.name => "held: ".to_owned(),
        Some((true, Some(holder))) => format!("held by {}: ", format::printable(holder)),
    }
}

fn device_cells(canvas: &Canvas<'_, '_, '_>, guest: &GuestSummary, device: &DeviceDetail) -> [String; 11] {
    let address = (device.bus, device.slot, device.target);
    let known = canvas.state.figures.guest(&guest.name).filter(|_| guest.state.is_on());
    let figures = known.and_then(|known| known.device(address));
    let figure =
        |text: fn(&crate::console::figures::DeviceRates) -> String| figures.map_or_else(String::new, text);
    let store = match device.storage.as_str() {
        "null" => "empty",
        "attach_path" => "attach",
        other => other,
    };
    [
        device.device.clone(),
        format!("{},{},{}", device.bus, device.slot, device.target),
        store.to_owned(),
        device.size_bytes.map_or_else(String::new, format::bytes),
        figure(|device| format::count(device.rates.iops)),
        figure(|device| format::rate(device.rates.bytes)),
        figure(|device| format::micros(device.mean_micros)),
        figure(|device| format::micros(device.rates.p50_micros)),
        figure(|device| format::micros(device.rates.p99_micros)),
        figure(|device| device.errors.to_string()),
        figure(|device| device.refused.to_string()),
    ]
}

/// A cell of a table, cut or filled to its width.
pub(super) fn padded(text: &str, width: usize, is_right: bool) -> String {
    let text = format::fit(text, width, '>');
    let blanks = " ".repeat(width.saturating_sub(text.width()));
    if is_right { blanks + &text } else { text + &blanks }
}

fn draw_events(canvas: &mut Canvas<'_, '_, '_>, guest: &GuestSummary, area: Rect) {
    let title = Line::from(Span::styled(" Recent events ", canvas.theme.title()));
    let way = Line::from(Span::styled(" l all of its log ", canvas.theme.dim())).right_aligned();
    let inner = canvas.pane(area, false, title, Some(way));
    canvas.click(area, Target::Action(crate::console::keymap::Action::GuestLog));
    let count = usize::from(inner.height);
    let events = canvas.state.logs.of_guest(&guest.name, count, &canvas.state.time_zone);
    if events.is_empty() {
        canvas.draw(Paragraph::new("Nothing was logged about it.").style(canvas.theme.dim()), inner);
        return;
    }
    for (row, (level, text)) in events.iter().enumerate() {
        let text = format::fit(&format::printable(text), usize::from(inner.width), canvas.theme.ellipsis());
        canvas.line(Line::from(Span::styled(text, logs::style(canvas.theme, *level))), inner, row);
    }
}

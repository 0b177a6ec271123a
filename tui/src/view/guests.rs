//! The table of guests.

use super::canvas::Canvas;
use super::{format, widgets};
use crate::console::figures::Rates;
use crate::console::msg::Target;
use crate::console::screens::guests::Column as Order;
use ipc::message::{GuestState, GuestSummary};
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// A column of the table.
struct Column {
    heading: &'static str,
    order: Order,
    width: u16,
    side: Alignment,
    /// The width of the pane from which on it is shown.
    from: u16,
    text: fn(&Canvas<'_, '_, '_>, &GuestSummary, Option<Rates>) -> (String, Style),
}

const fn column(
    heading: &'static str,
    order: Order,
    width: u16,
    side: Alignment,
    from: u16,
    text: fn(&Canvas<'_, '_, '_>, &GuestSummary, Option<Rates>) -> (String, Style),
) -> Column {
    Column { heading, order, width, side, from, text }
}

/// From these widths on the columns that matter less are shown.
const MEDIUM: u16 = 76;
const WIDE: u16 = 96;
const WIDEST: u16 = 120;

const LEFT: Alignment = Alignment::Left;
const RIGHT: Alignment = Alignment::Right;

const COLUMNS: [Column; 13] = [
    column("VM #", Order::Number, 5, RIGHT, 0, |_, guest, _| plain(guest.number.to_string())),
    column("Name", Order::Name, NAME_WIDTH.0, LEFT, 0, |_, guest, _| plain(format::printable(&guest.name))),
    column("OS Type", Order::Os, 8, LEFT, MEDIUM, |_, guest, _| plain(guest.os_type.clone())),
    column("State", Order::State, 8, LEFT, 0, |canvas, guest, _| state_text(canvas, guest.state)),
    column("vCPU", Order::Vcpus, 5, RIGHT, MEDIUM, |_, guest, _| plain(guest.vcpus.to_string())),
    column("Memory", Order::Memory, 7, RIGHT, 0, |_, guest, _| plain(format::bytes(guest.memory_bytes))),
    column("Devs", Order::Devices, 5, RIGHT, WIDE, |_, guest, _| plain(guest.devices.to_string())),
    column("CPU", Order::Cpu, 5, RIGHT, 0, |_, _, rates| {
        plain(rates.map_or_else(String::new, |rates| format::percent(rates.cpu_percent)))
    }),
    column("", Order::Cpu, SPARK, LEFT, MEDIUM, |canvas, guest, _| {
        let width = usize::from(SPARK);
        // A guest that is on has a bar at least, or idle ones would flicker.
        let share = |rates: &Rates| rates.cpu_percent.max(f32::MIN_POSITIVE);
        let bars = |past| widgets::sparkline(canvas, past, width, 100.0, share);
        let past = canvas.state.figures.guest(&guest.name).filter(|_| guest.state.is_on());
        (past.map_or_else(String::new, |guest| bars(guest.past())), canvas.theme.chart())
    }),
    column("MIPS", Order::Mips, 6, RIGHT, WIDE, |_, _, rates| {
        plain(rates.map_or_else(String::new, |rates| format::count(rates.mips)))
    }),
    column("IOPS", Order::Iops, 6, RIGHT, MEDIUM, |_, _, rates| {
        plain(rates.map_or_else(String::new, |rates| format::count(rates.iops)))
    }),
    column("Storage", Order::Bytes, 9, RIGHT, WIDEST, |_, _, rates| {
        plain(rates.map_or_else(String::new, |rates| format::rate(rates.bytes)))
    }),
    column("Uptime", Order::Uptime, 7, RIGHT, 0, |canvas, guest, _| plain(uptime(canvas, guest))),
];

/// Points of a sparkline.
const SPARK: u16 = 8;
/// The least and the most columns of a name; between these it takes what is left.
const NAME_WIDTH: (u16, u16) = (9, 36);

pub(super) fn draw(canvas: &mut Canvas<'_, '_, '_>, area: Rect, page: usize) {
    let guests = &canvas.state.guests;
    let theme = canvas.theme;
    let mut title = vec![Span::styled(" Guests ", theme.title())];
    if !guests.filter().is_empty() {
        title.push(Span::styled(format!("with '{}' ", guests.filter()), theme.warning()));
    }
    if guests.hidden() > 0 {
        title.push(Span::styled(format!("({} hidden: H shows) ", guests.hidden()), theme.dim()));
    }
    let room = usize::from(area.width.saturating_sub(24));
    let mut below = Vec::new();
    if let Some(text) = last_run(canvas) {
        below.push(Span::styled(format!(" {} ", format::fit(&text, room, theme.ellipsis())), theme.dim()));
    }
    let below = (!below.is_empty()).then(|| Line::from(below));
    let inner = canvas.pane(area, true, Line::from(title), below);
    canvas.click(area, Target::Scrolled);
    let count = guests.count();
    if count > page {
        let last = (guests.top() + page).min(count);
        let place = format!(" {}-{last} of {count} ", guests.top() + 1);
        let width = u16::try_from(place.width()).unwrap_or_default();
        let corner = Rect::new(area.right().saturating_sub(width + 2), area.bottom() - 1, width, 1);
        canvas.draw(Line::from(place), corner);
    }
    if count == 0 {
        let text = if guests.all().is_empty() {
            "No vPars or VMs currently configured. Press n to create one."
        } else if guests.listed().next().is_none() {
            "No guest is to be shown (visible_status=disabled). Press H to show them all the same."
        } else {
            "No guest has this text. Press u to show all."
        };
        canvas.draw(Paragraph::new(text), inner);
        return;
    }
    let columns = placed(inner);
    draw_headings(canvas, inner, &columns);
    for (row, (place, guest)) in (1..).zip(guests.rows(page)) {
        let line = Rect::new(inner.x, inner.y + row, inner.width, 1);
        if line.y >= inner.bottom() {
            break;
        }
        let is_selected = place == guests.selected_index();
        let rates = canvas.state.figures.rates(&guest.name).filter(|_| guest.state.is_on());
        if is_selected {
            canvas.draw(Line::from(theme.pointer()), line);
        }
        for (column, x, width) in &columns {
            let (text, style) = (column.text)(canvas, guest, rates);
            let text = format::fit(&text, usize::from(*width), theme.ellipsis());
            let cell = Line::from(Span::styled(text, style)).alignment(column.side);
            canvas.draw(cell, Rect::new(*x, line.y, *width, 1));
        }
        if is_selected {
            canvas.buffer().set_style(line, theme.selected(true));
        }
        canvas.click(line, Target::Row(place));
    }
}

/// The columns that fit, each with its place; a name takes what is left.
fn placed(inner: Rect) -> Vec<(&'static Column, u16, u16)> {
    let shown: Vec<&Column> = COLUMNS.iter().filter(|column| column.from <= inner.width + 2).collect();
    // The pointer stands before all, a blank before each.
    let used: u16 = 1 + shown.iter().map(|column| column.width + 1).sum::<u16>();
    let name = (NAME_WIDTH.0 + inner.width.saturating_sub(used)).min(NAME_WIDTH.1);
    let mut x = inner.x + 1;
    let mut columns = Vec::with_capacity(shown.len());
    for column in shown {
        let width = if column.order == Order::Name { name } else { column.width };
        let start = if columns.is_empty() { x } else { x + 1 };
        let width = width.min(inner.right().saturating_sub(start));
        columns.push((column, start, width));
        x = start + width;
    }
    columns
}

fn draw_headings(canvas: &mut Canvas<'_, '_, '_>, inner: Rect, columns: &[(&'static Column, u16, u16)]) {
    let (order, is_reversed) = canvas.state.guests.order();
    for (column, x, width) in columns {
        let mut text = column.heading.to_owned();
        if column.order == order && !text.is_empty() {
            text.push_str(canvas.theme.sorted(is_reversed));
        }
        let area = Rect::new(*x, inner.y, *width, 1);
        let line = Line::from(Span::styled(text, canvas.theme.heading())).alignment(column.side);
        canvas.draw(line, area);
        canvas.click(area, Target::Heading(column.order));
    }
}

fn plain(text: String) -> (String, Style) {
    (text, Style::new())
}

/// How the selected guest's last run ended.
fn last_run(canvas: &Canvas<'_, '_, '_>) -> Option<String> {
    let guest = canvas.state.guests.selected().filter(|guest| !guest.state.is_on())?;
    let reason = guest.reason.as_ref()?;
    Some(format::printable(&format!("{}: {reason}", guest.name)))
}

/// How long the present run lasts.
fn uptime(canvas: &Canvas<'_, '_, '_>, guest: &GuestSummary) -> String {
    match guest.since_micros.filter(|_| guest.state.is_on()) {
        Some(since) => format::elapsed(since / 1000, canvas.state.now),
        None => String::new(),
    }
}

/// HPVM's words, but with a word for the way up and the way down.
pub(super) fn state_text(canvas: &Canvas<'_, '_, '_>, state: GuestState) -> (String, Style) {
    let theme = canvas.theme;
    match state {
        GuestState::Off | GuestState::NotRunnable => (state.to_string(), theme.dim()),
        GuestState::Starting => ("Starting".to_owned(), theme.warning()),
        GuestState::OnEfi | GuestState::OnOs => (state.to_string(), theme.good()),
        GuestState::Stopping => ("Stopping".to_owned(), theme.warning()),
        GuestState::Invalid => (state.to_string(), theme.bad()),
    }
}

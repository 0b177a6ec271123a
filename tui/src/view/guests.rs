//! The table of guests.

use super::theme::Theme;
use super::{format, pane_block};
use crate::console::screens::guests::GuestRow;
use crate::console::state::State;
use ipc::message::GuestState;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, Paragraph, Row, Table};

/// A column of the table.
struct Column {
    heading: &'static str,
    width: u16,
    side: Alignment,
    /// The width of the pane from which on it is shown.
    from: u16,
    text: fn(&State, &Theme, &GuestRow) -> Span<'static>,
}

/// From these widths on the columns that matter less are shown.
const MEDIUM: u16 = 72;
const WIDE: u16 = 100;

const COLUMNS: [Column; 10] = [
    Column {
        heading: "VM #",
        width: 4,
        side: Alignment::Right,
        from: 0,
        text: |_, _, row| row.summary.number.to_string().into(),
    },
    Column {
        heading: "Name",
        width: NAME_WIDTH.0,
        side: Alignment::Left,
        from: 0,
        text: |_, _, row| row.summary.name.clone().into(),
    },
    Column {
        heading: "OS Type",
        width: 7,
        side: Alignment::Left,
        from: MEDIUM,
        text: |_, _, row| row.summary.os_type.clone().into(),
    },
    Column {
        heading: "State",
        width: 9,
        side: Alignment::Left,
        from: 0,
        text: |_, theme, row| state_text(theme, row.summary.state),
    },
    Column {
        heading: "vCPUs",
        width: 5,
        side: Alignment::Right,
        from: 0,
        text: |_, _, row| row.summary.vcpus.to_string().into(),
    },
    Column {
        heading: "Memory",
        width: 7,
        side: Alignment::Right,
        from: 0,
        text: |_, _, row| format::bytes(row.summary.memory_bytes).into(),
    },
    Column {
        heading: "Devs",
        width: 4,
        side: Alignment::Right,
        from: MEDIUM,
        text: |_, _, row| row.summary.devices.to_string().into(),
    },
    Column {
        heading: "CPU",
        width: 5,
        side: Alignment::Right,
        from: 0,
        text: |_, _, row| {
            row.rates.map_or_else(String::new, |rates| format::percent(rates.cpu_percent)).into()
        },
    },
    Column {
        heading: "MIPS",
        width: 6,
        side: Alignment::Right,
        from: WIDE,
        text: |_, _, row| row.rates.map_or_else(String::new, |rates| format!("{:.0}", rates.mips)).into(),
    },
    Column {
        heading: "Uptime",
        width: 6,
        side: Alignment::Right,
        from: 0,
        text: |state, _, row| uptime(state, row).into(),
    },
];

/// The least and the most columns of a name; between these it takes what is left.
const NAME_WIDTH: (u16, u16) = (8, 40);

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, page: usize, frame: &mut Frame<'_>) {
    let has_keys = !state.pane_has_keys;
    let guests = &state.guests;
    let title = Line::from(Span::styled(" Guests ", theme.title()));
    let room = usize::from(area.width.saturating_sub(24));
    let fact = match &state.notice {
        Some(notice) => Some(Span::styled(format::fit(notice, room, theme.ellipsis()), theme.good())),
        None => {
            last_run(state).map(|text| Span::styled(format::fit(&text, room, theme.ellipsis()), theme.dim()))
        }
    };
    let mut block = pane_block(theme, has_keys, title);
    if let Some(fact) = fact {
        block = block.title_bottom(Line::from(vec![Span::raw(" "), fact, Span::raw(" ")]));
    }
    if guests.rows().len() > page {
        let last = (guests.top() + page).min(guests.rows().len());
        let place = format!(" {}-{last} of {} ", guests.top() + 1, guests.rows().len());
        block = block.title_bottom(Line::from(place).right_aligned());
    }
    if guests.rows().is_empty() {
        let text = "No vPars or VMs currently configured. Press n to create one.";
        frame.render_widget(Paragraph::new(text).block(block), area);
        return;
    }
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.from <= area.width).collect();
    let heading = columns.iter().map(|column| cell(column.heading.into(), column.side));
    let heading = std::iter::once(Cell::default()).chain(heading);
    let shown = guests.rows().iter().enumerate().skip(guests.top()).take(page);
    let rows = shown.map(|(index, guest)| {
        let is_selected = index == guests.selected_index();
        let style = if is_selected { theme.selected(has_keys) } else { Style::new() };
        let pointer = Cell::from(if is_selected { theme.pointer() } else { " " });
        let cells = columns.iter().map(|column| cell((column.text)(state, theme, guest), column.side));
        Row::new(std::iter::once(pointer).chain(cells)).style(style)
    });
    // Borders, the pointer, and a blank before each column.
    let used: u16 = 3 + columns.iter().map(|column| column.width + 1).sum::<u16>();
    let name_width = (NAME_WIDTH.0 + area.width.saturating_sub(used)).min(NAME_WIDTH.1);
    let widths =
        columns.iter().map(|column| if column.heading == "Name" { name_width } else { column.width });
    let widths = std::iter::once(1).chain(widths).map(Constraint::Length);
    let table = Table::new(rows, widths)
        .header(Row::new(heading).style(theme.heading()))
        .column_spacing(1)
        .block(block);
    frame.render_widget(table, area);
}

fn cell(text: Span<'static>, side: Alignment) -> Cell<'static> {
    Cell::from(Text::from(text).alignment(side))
}

/// How the selected guest's last run ended.
fn last_run(state: &State) -> Option<String> {
    let guest = state.selected().filter(|guest| !guest.state.is_on())?;
    let reason = guest.reason.as_ref()?;
    Some(format::printable(&format!("{}: {reason}", guest.name)))
}

/// How long the present run lasts.
fn uptime(state: &State, row: &GuestRow) -> String {
    match row.summary.since_micros.filter(|_| row.summary.state.is_on()) {
        Some(since) => format::elapsed(since / 1000, state.now),
        None => String::new(),
    }
}

/// HPVM's words, but with a word for the way up and the way down.
fn state_text(theme: &Theme, state: GuestState) -> Span<'static> {
    match state {
        GuestState::Off | GuestState::NotRunnable => Span::styled(state.to_string(), theme.dim()),
        GuestState::Starting => Span::styled("Starting", theme.warning()),
        GuestState::OnEfi | GuestState::OnOs => Span::styled(state.to_string(), theme.good()),
        GuestState::Stopping => Span::styled("Stopping", theme.warning()),
        GuestState::Invalid => Span::styled(state.to_string(), theme.bad()),
    }
}

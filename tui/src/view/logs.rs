//! The log pane.

use super::pane_block;
use super::theme::Theme;
use crate::console::screens::logs::{ShownLine, Source};
use crate::console::state::{Layer, Pane, State};
use ipc::log::Level;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let has_keys = state.pane_has_keys && state.pane == Pane::Logs;
    let logs = &state.logs;
    let source = match logs.source {
        Source::All => "all".to_owned(),
        Source::Vsp => "VSP".to_owned(),
        Source::SelectedGuest => state.selected_name().unwrap_or("no guest").to_owned(),
    };
    let facts = format!(" Log{0}{source}{0}{1} and above", theme.separator(), logs.level.name());
    let mut title = vec![Span::styled(facts, theme.title())];
    let typed = match state.layers.last() {
        Some(Layer::Filter { input }) => Some(input),
        _ => None,
    };
    if typed.is_some() || !logs.filter.is_empty() {
        title.push(Span::styled(theme.separator(), theme.dim()));
        title.push(Span::styled(format!("containing: {}", logs.filter), theme.warning()));
    }
    title.push(Span::raw(" "));
    let below = if logs.follows() {
        Line::from(Span::styled(" following ", theme.good()))
    } else {
        let newer = logs.newer_lines(state.selected_name());
        Line::from(Span::styled(format!(" paused, {newer} newer "), theme.warning()))
    };
    let title = Line::from(title);
    if let Some(input) = typed {
        let after_cursor: String = input.value().chars().skip(input.cursor()).collect();
        let column = title.width().saturating_sub(1 + after_cursor.width());
        let column = u16::try_from(column).unwrap_or(u16::MAX).min(area.width.saturating_sub(3));
        frame.set_cursor_position(Position::new(area.x + 1 + column, area.y));
    }
    let block = pane_block(theme, has_keys, title).title_bottom(below.right_aligned());
    let inner = block.inner(area);
    frame.render_widget(block, area);

    let height = usize::from(inner.height);
    let shown = logs.shown(usize::from(inner.width), height, state.selected_name(), &state.time_zone);
    if shown.is_empty() {
        frame.render_widget(Paragraph::new("No log lines to show.").style(theme.dim()), inner);
        return;
    }
    let rows: Vec<Line<'static>> = shown.iter().flat_map(|line| lines(theme, line, &logs.filter)).collect();
    let surplus = rows.len().saturating_sub(height);
    frame.render_widget(Paragraph::new(rows.into_iter().skip(surplus).collect::<Vec<_>>()), inner);
}

fn lines(theme: &Theme, line: &ShownLine, filter: &str) -> Vec<Line<'static>> {
    let style = match line.level {
        Level::Error => theme.bad(),
        Level::Warn => theme.warning(),
        Level::Info => Style::new(),
        Level::Debug | Level::Trace => theme.dim(),
    };
    line.rows.iter().map(|row| Line::from(highlighted(theme, row, filter)).style(style)).collect()
}

/// The row with every occurrence of `filter` marked. Letters whose lower case has another length would
/// shift the places, so such rows stay unmarked.
fn highlighted(theme: &Theme, row: &str, filter: &str) -> Vec<Span<'static>> {
    let (lower, wanted) = (row.to_lowercase(), filter.to_lowercase());
    if wanted.is_empty() || lower.len() != row.len() {
        return vec![Span::raw(row.to_owned())];
    }
    let mut spans = Vec::new();
    let mut rest = 0;
    for (start, found) in lower.match_indices(&wanted) {
        let end = start + found.len();
        let (Some(before), Some(marked)) = (row.get(rest..start), row.get(start..end)) else { break };
        spans.push(Span::raw(before.to_owned()));
        spans.push(Span::styled(marked.to_owned(), theme.found()));
        rest = end;
    }
    spans.push(Span::raw(row.get(rest..).unwrap_or_default().to_owned()));
    spans
}

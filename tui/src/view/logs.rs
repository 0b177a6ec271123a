//! The log.

use super::canvas::Canvas;
use super::format;
use super::theme::Theme;
use crate::console::msg::Target;
use crate::console::screens::logs::ShownLine;
use crate::console::screens::matcher::Matcher;
use ipc::log::Level;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

pub(super) fn draw(canvas: &mut Canvas<'_, '_, '_>, area: Rect, has_keys: bool) {
    let (theme, logs) = (canvas.theme, &canvas.state.logs);
    let choice = logs.choice();
    let facts = format!(" Log{0}{1}{0}{2} and above ", theme.separator(), choice.source, choice.level.name());
    let mut title = vec![Span::styled(facts, theme.title())];
    if !choice.filter.is_empty() {
        let verb = if choice.filter.is_regex() { "matching" } else { "with" };
        title.push(Span::styled(format!("{verb} '{}' ", choice.filter.typed()), theme.warning()));
    }
    let history = logs.place_in_history(&canvas.state.time_zone);
    let below = match &history {
        Some(place) => {
            let room = usize::from(area.width.saturating_sub(6));
            let place = format::fit(&format::printable(place), room, theme.ellipsis());
            Line::from(Span::styled(format!(" {place} "), theme.warning()))
        }
        None if logs.follows() => Line::from(Span::styled(" following ", theme.good())),
        None => Line::from(Span::styled(format!(" paused, {} newer ", logs.newer_lines()), theme.warning())),
    };
    let inner = canvas.pane(area, has_keys, Line::from(title), Some(below.right_aligned()));
    canvas.click(area, if has_keys { Target::Scrolled } else { Target::Log });

    let height = usize::from(inner.height);
    let shown = logs.shown(usize::from(inner.width), height, &canvas.state.time_zone);
    if shown.is_empty() {
        let text = if history.is_some() { "" } else { "No log lines to show." };
        canvas.draw(Paragraph::new(text).style(theme.dim()), inner);
        return;
    }
    let rows: Vec<Line<'static>> = shown.iter().flat_map(|line| lines(theme, line, &choice.filter)).collect();
    let surplus = rows.len().saturating_sub(height);
    canvas.draw(Paragraph::new(rows.into_iter().skip(surplus).collect::<Vec<_>>()), inner);
}

/// How a level is told apart.
pub(super) fn style(theme: &Theme, level: Level) -> Style {
    match level {
        Level::Error => theme.bad(),
        Level::Warn => theme.warning(),
        Level::Info => Style::new(),
        Level::Debug | Level::Trace => theme.dim(),
    }
}

fn lines(theme: &Theme, line: &ShownLine, filter: &Matcher) -> Vec<Line<'static>> {
    let style = style(theme, line.level);
    line.rows.iter().map(|row| Line::from(highlighted(theme, row, filter)).style(style)).collect()
}

/// The row with everything marked that the filter chose it for.
fn highlighted(theme: &Theme, row: &str, filter: &Matcher) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut rest = 0;
    for (start, end) in filter.places(row) {
        spans.push(Span::raw(row[rest..start].to_owned()));
        spans.push(Span::styled(row[start..end].to_owned(), theme.found()));
        rest = end;
    }
    spans.push(Span::raw(row[rest..].to_owned()));
    spans
}

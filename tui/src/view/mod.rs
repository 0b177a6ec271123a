//! Draws the console's state. Pure: what is shown depends on the state, the theme and nothing else.

pub(crate) mod dialogs;
pub(crate) mod format;
mod guests;
mod header;
mod logs;
mod offline;
mod terminal;
pub(crate) mod theme;

use crate::console::keymap::{self, Context};
use crate::console::layout::{MINIMUM, Regions};
use crate::console::state::{Link, State};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Wrap};
use theme::Theme;
use unicode_width::UnicodeWidthStr;

/// Draws everything.
pub(crate) fn draw(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    let Some(regions) = state.regions() else {
        return draw_too_small(state, theme, frame);
    };
    if let Some(area) = regions.header {
        header::draw(state, theme, area, frame);
    }
    match state.link {
        Link::Up(_) => draw_panes(state, theme, &regions, frame),
        Link::Connecting | Link::Down { .. } => offline::draw(state, theme, regions.body, frame),
    }
    dialogs::draw(state, theme, frame);
    draw_footer(state, theme, regions.footer, frame);
}

fn draw_panes(state: &State, theme: &Theme, regions: &Regions, frame: &mut Frame<'_>) {
    if let Some(area) = regions.guests {
        guests::draw(state, theme, area, regions.guest_rows(), frame);
    }
    if let Some(area) = regions.console {
        terminal::draw(state, theme, area, regions.is_zoomed, frame);
    }
    if let Some(area) = regions.logs {
        logs::draw(state, theme, area, frame);
    }
}

fn draw_too_small(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    let (columns, lines) = state.size;
    let text = format!(
        "This screen has {columns} columns and {lines} lines. The console needs {} and {}: make it larger.",
        MINIMUM.0, MINIMUM.1
    );
    let paragraph = Paragraph::new(text).style(theme.warning()).wrap(Wrap { trim: true });
    frame.render_widget(paragraph, frame.area());
}

/// The keys of the present context, as many as fit; what the context says about itself comes first.
fn draw_footer(state: &State, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let context = state.context();
    let mut spans = vec![Span::raw(" ")];
    if let (true, Context::Console | Context::Scrollback, Some(guest)) =
        (state.is_zoomed, context, state.selected_name())
    {
        spans.push(Span::styled(format!("{guest}  "), theme.title()));
    }
    let room = usize::from(area.width).saturating_sub(spans.iter().map(|span| span.content.width()).sum());
    spans.extend(keys_spans(theme, context, room));
    frame.render_widget(Line::from(spans), area);
}

/// The keys of a context with their labels, as many as fit into `room` columns, close together if need be.
fn keys_spans(theme: &Theme, context: Context, room: usize) -> Vec<Span<'static>> {
    let keys: Vec<(String, &str)> = keymap::rows(context)
        .filter(|row| !row.label.is_empty())
        .map(|row| (row.keys[0].to_string(), row.label))
        .collect();
    let needed: usize = keys.iter().map(|(key, label)| key.width() + 1 + label.width() + 2).sum();
    let gap = if needed <= room + 2 { "  " } else { " " };
    let mut spans = Vec::new();
    let mut used = 0;
    for (key, label) in keys {
        used += key.width() + 1 + label.width();
        if used > room {
            break;
        }
        used += gap.len();
        spans.push(Span::styled(key, theme.key()));
        spans.push(Span::raw(format!(" {label}{gap}")));
    }
    spans
}

/// A pane's frame with its title.
fn pane_block<'a>(theme: &Theme, has_keys: bool, title: Line<'a>) -> Block<'a> {
    Block::bordered()
        .border_set(theme.border(has_keys))
        .border_style(theme.border_style(has_keys))
        .title(title)
}

#[cfg(test)]
mod tests;

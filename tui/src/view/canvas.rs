//! What a frame is drawn on: the screen's cells, and what is to be clicked where.

use super::format;
use super::theme::Theme;
use crate::console::keymap::{self, Context};
use crate::console::msg::Target;
use crate::console::state::State;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};
use unicode_width::UnicodeWidthStr;

/// What is drawn where, as far as it can be clicked.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClickMap(Vec<(Rect, Target)>);

impl ClickMap {
    /// What lies uppermost at a place of the screen.
    pub(crate) fn at(&self, column: u16, line: u16) -> Option<Target> {
        let place = Position::new(column, line);
        let (area, target) = self.0.iter().rev().find(|(area, _)| area.contains(place))?;
        Some(match *target {
            Target::Terminal { guest, .. } => {
                Target::Terminal { guest, column: column - area.x, line: line - area.y }
            }
            other => other,
        })
    }

    /// All places.
    #[cfg(test)]
    pub(crate) fn all(&self) -> &[(Rect, Target)] {
        &self.0
    }
}

/// One frame.
pub(super) struct Canvas<'a, 'f, 'b> {
    pub(super) state: &'a State,
    pub(super) theme: &'a Theme,
    pub(super) frame: &'f mut Frame<'b>,
    pub(super) clicks: ClickMap,
}

impl Canvas<'_, '_, '_> {
    /// Makes a place do something when it is clicked.
    pub(super) fn click(&mut self, area: Rect, target: Target) {
        self.clicks.0.push((area, target));
    }

    /// Draws a widget.
    pub(super) fn draw(&mut self, widget: impl Widget, area: Rect) {
        self.frame.render_widget(widget, area);
    }

    /// Draws a line; a place below the area's end is left out.
    pub(super) fn line(&mut self, line: Line<'_>, area: Rect, row: usize) {
        let Ok(row) = u16::try_from(row) else { return };
        if row < area.height {
            self.frame.render_widget(line, Rect::new(area.x, area.y + row, area.width, 1));
        }
    }

    /// Shows the terminal's cursor.
    pub(super) fn cursor(&mut self, position: Position) {
        self.frame.set_cursor_position(position);
    }

    /// The cells.
    pub(super) fn buffer(&mut self) -> &mut Buffer {
        self.frame.buffer_mut()
    }

    /// Draws a pane's frame with its title and, in the lower border, what there is to say; gives the room within.
    pub(super) fn pane(
        &mut self,
        area: Rect,
        has_keys: bool,
        title: Line<'_>,
        below: Option<Line<'_>>,
    ) -> Rect {
        let mut block = Block::bordered()
            .border_set(self.theme.border(has_keys))
            .border_style(self.theme.border_style(has_keys))
            .title(title);
        if let Some(below) = below {
            block = block.title_bottom(below);
        }
        let inner = block.inner(area);
        self.draw(block, area);
        inner
    }

    /// Draws a dialog's frame over everything else; gives the room within, a blank away from the borders.
    pub(super) fn dialog(&mut self, area: Rect, title: &str, style: Style) -> Rect {
        self.draw(Clear, area);
        let room = usize::from(area.width.saturating_sub(6));
        let title = format!(" {} ", format::fit(title, room, self.theme.ellipsis()));
        let inner = self.pane(area, true, Line::from(Span::styled(title, style)), None);
        self.click(area, Target::Nothing);
        Rect::new(inner.x + 1, inner.y, inner.width.saturating_sub(2), inner.height)
    }

    /// Draws the keys of a context with their labels, as many as fit into a line, close together if need be.
    pub(super) fn keys(&mut self, context: Context, area: Rect) {
        let all: Vec<_> = keymap::rows(context).filter(|row| !row.label.is_empty()).collect();
        let width = |row: &keymap::Binding| row.keys[0].to_string().width() + 1 + row.label.width();
        let needed: usize = all.iter().map(|row| width(row) + 2).sum();
        let gap = if needed <= usize::from(area.width) + 2 { 2 } else { 1 };
        // Help and the way out are always shown; what else fits stands before them.
        let is_kept = |row: &keymap::Binding| row.context == Context::Anywhere;
        let mut room = usize::from(area.width)
            .saturating_sub(all.iter().filter(|row| is_kept(row)).map(|row| width(row) + gap).sum());
        let mut x = area.x;
        for row in all {
            let columns = width(row);
            if !is_kept(row) {
                if columns > room {
                    room = 0;
                    continue;
                }
                room = room.saturating_sub(columns + gap);
            }
            let Ok(columns) = u16::try_from(columns) else { continue };
            if x + columns > area.right() {
                break;
            }
            let place = Rect::new(x, area.y, columns, 1);
            let key = Span::styled(row.keys[0].to_string(), self.theme.key());
            self.draw(Line::from(vec![key, Span::raw(format!(" {}", row.label))]), place);
            self.click(place, Target::Action(row.action));
            x += columns + u16::try_from(gap).unwrap_or(1);
        }
    }
}

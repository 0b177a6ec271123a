//! A form: labels, values, what is wrong, and the command that does the same.

use super::canvas::Canvas;
use super::{dialogs, format};
use crate::console::command;
use crate::console::msg::Target;
use crate::console::screens::form::{Form, Rule};
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

/// Columns for the labels.
const LABEL_WIDTH: u16 = 18;
/// Rows for the command.
const COMMAND_ROWS: usize = 3;

pub(super) fn draw(canvas: &mut Canvas<'_, '_, '_>, form: &Form) {
    let count = form.fields().len();
    let area = dialogs::area(canvas.state.size, count + 3 + COMMAND_ROWS);
    let inner = canvas.dialog(area, &form.title(), canvas.theme.title());
    // Where there are more fields than room the one with the keys is among those that are shown.
    let shown = usize::from(inner.height).saturating_sub(3 + COMMAND_ROWS).clamp(1, count.max(1));
    let top = (form.focus() + 1).saturating_sub(shown);
    for (place, row) in (top..count.min(top + shown)).zip(0..) {
        let y = inner.y + row;
        draw_field(canvas, form, place, Rect::new(inner.x, y, inner.width, 1));
    }
    let guests = &canvas.state.guests;
    let advice = match form.complaint(form.focused(), guests) {
        Some(complaint) => Span::styled(complaint, canvas.theme.bad()),
        None => Span::styled(format::printable(&form.focused().hint), canvas.theme.dim()),
    };
    canvas.line(Line::from(advice), inner, shown + 1);
    let is_wrong = form.fields().iter().any(|field| form.complaint(field, guests).is_some());
    let text = match form.request(guests) {
        Some(request) => command::line(&request).map(|line| format!("$ {line}")),
        None if is_wrong => None,
        None => Some("Nothing to do so far.".to_owned()),
    };
    let rows = format::wrap(&text.unwrap_or_default(), usize::from(inner.width), 2);
    for (row, text) in rows.into_iter().take(COMMAND_ROWS).enumerate() {
        canvas.line(Line::from(Span::styled(text, canvas.theme.dim())), inner, shown + 3 + row);
    }
}

fn draw_field(canvas: &mut Canvas<'_, '_, '_>, form: &Form, place: usize, line: Rect) {
    let theme = canvas.theme;
    let field = &form.fields()[place];
    let is_focused = form.focus() == place;
    let complaint = form.complaint(field, &canvas.state.guests);
    let pointer = if is_focused { theme.pointer() } else { " " };
    let label_style = if is_focused { theme.title() } else { Style::new() };
    let label = Line::from(Span::styled(format!("{pointer} {}", field.label), label_style));
    canvas.draw(label, Rect { width: LABEL_WIDTH, ..line });
    canvas.click(line, Target::Row(place));

    let value = Rect::new(line.x + LABEL_WIDTH, line.y, line.width.saturating_sub(LABEL_WIDTH + 2), 1);
    let value_style = if complaint.is_some() { theme.bad() } else { Style::new() };
    if let Rule::Choice(values) = field.rule {
        let mut x = value.x;
        for (number, one) in values.iter().enumerate() {
            let text = format!(" {one} ");
            let style = if *one == field.input.value() { theme.found() } else { theme.dim() };
            let width = (text.width() as u16).min(value.right().saturating_sub(x));
            let cell = Rect::new(x, value.y, width, 1);
            canvas.draw(Line::from(Span::styled(text, style)), cell);
            canvas.click(cell, Target::Choice { field: place, value: number });
            x += width;
        }
        return;
    }
    let scroll =
        if is_focused { field.input.visual_scroll(usize::from(value.width.saturating_sub(1))) } else { 0 };
    let columns = u16::try_from(scroll).unwrap_or(u16::MAX);
    canvas.draw(Paragraph::new(field.input.value()).style(value_style).scroll((0, columns)), value);
    let mark = Line::from(Span::styled(if complaint.is_some() { "!" } else { " " }, theme.bad()));
    canvas.draw(mark, Rect::new(value.right().min(line.right() - 1), line.y, 1, 1));
    if is_focused {
        let column = field.input.visual_cursor().saturating_sub(scroll);
        let column = u16::try_from(column).unwrap_or(u16::MAX).min(value.width.saturating_sub(1));
        canvas.cursor(Position::new(value.x + column, line.y));
    }
}

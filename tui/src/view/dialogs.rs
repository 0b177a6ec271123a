//! What lies over the screen: help, questions, the form, messages, the welcome.

use super::theme::Theme;
use super::{format, keys_spans};
use crate::console::keymap::{self, Context};
use crate::console::screens::confirm::Confirm;
use crate::console::screens::create::{CreateForm, Field};
use crate::console::state::{Layer, Message, State, confirm_context};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

/// The width of a dialog where the screen has room for it.
const WIDTH: u16 = 72;
/// Columns for the keys on the help screen.
const KEYS_WIDTH: usize = 17;
/// Columns for the labels of the form.
const LABEL_WIDTH: u16 = 18;

pub(super) fn draw(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    for layer in &state.layers {
        match layer {
            Layer::Welcome => draw_welcome(state, theme, frame),
            Layer::Help(top) => draw_help(state, theme, *top, frame),
            Layer::Confirm(confirm) => draw_confirm(state, theme, confirm, frame),
            Layer::Form(form) => draw_form(state, theme, form, frame),
            Layer::Message(message) => draw_message(state, theme, message, frame),
            // Typed in the title of the log pane.
            Layer::Filter { .. } => {}
        }
    }
}

/// The largest number of lines by which the help can be scrolled on a screen of `size`.
pub(crate) fn last_help_top(size: (u16, u16)) -> usize {
    help_rows().count().saturating_sub(inner_height(size))
}

/// The largest number of lines by which a message can be scrolled on a screen of `size`.
pub(crate) fn last_message_top(size: (u16, u16), text: &str) -> usize {
    paragraphs(text, dialog_width(size)).len().saturating_sub(inner_height(size))
}

fn dialog_width(size: (u16, u16)) -> usize {
    usize::from(WIDTH.min(size.0.saturating_sub(4)).saturating_sub(4))
}

/// The most rows within a dialog: it leaves the first and the last line of the screen free.
fn inner_height(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(4))
}

/// An empty frame in the middle for `rows` rows; returns the room within.
fn draw_frame(
    state: &State,
    theme: &Theme,
    title: &str,
    title_style: Style,
    rows: usize,
    frame: &mut Frame<'_>,
) -> Rect {
    let (columns, lines) = state.size;
    let width = WIDTH.min(columns.saturating_sub(4));
    let height = u16::try_from(rows.min(inner_height(state.size))).unwrap_or(u16::MAX).saturating_add(2);
    let area = Rect::new((columns - width) / 2, (lines - 1).saturating_sub(height) / 2, width, height);
    let room = usize::from(width.saturating_sub(6));
    let title = format!(" {} ", format::fit(title, room, theme.ellipsis()));
    let block = Block::bordered()
        .border_set(theme.border(true))
        .border_style(theme.border_style(true))
        .title(Line::from(Span::styled(title, title_style)));
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    Rect::new(inner.x + 1, inner.y, inner.width.saturating_sub(2), inner.height)
}

fn paragraphs(text: &str, width: usize) -> Vec<String> {
    text.lines().flat_map(|line| format::wrap(line, width, 0)).collect()
}

fn draw_rows(rows: Vec<Line<'_>>, top: usize, area: Rect, frame: &mut Frame<'_>) {
    let shown: Vec<Line<'_>> = rows.into_iter().skip(top).take(usize::from(area.height)).collect();
    frame.render_widget(Paragraph::new(shown), area);
}

fn draw_welcome(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    let text = "This is the operator console of a Virtualization Services Platform for Itanium guests.\n\n\
                One guest is ready: 'demo', a small Itanium machine with an AVIO disk. \
                Press Enter to start it and to use its console; type 'help' there.\n\n\
                Ctrl-B leaves a guest's console. '?' shows all keys. Quitting stops nothing: \
                guests go on, and 'hpvm' brings you back.";
    let mut rows: Vec<Line<'_>> =
        paragraphs(text, dialog_width(state.size)).into_iter().map(Line::from).collect();
    rows.push(Line::default());
    rows.push(Line::from(keys_spans(theme, Context::Welcome, dialog_width(state.size))));
    let area = draw_frame(state, theme, "Welcome to Kittson", theme.title(), rows.len(), frame);
    draw_rows(rows, 0, area, frame);
}

/// A row of the help screen.
enum HelpRow {
    Heading(&'static str),
    Keys(String, &'static str),
    Blank,
}

fn help_rows() -> impl Iterator<Item = HelpRow> {
    Context::ALL.into_iter().flat_map(|context| {
        let own = keymap::BINDINGS.iter().filter(move |row| row.context == context);
        let keys = own.map(|row| {
            let keys: Vec<String> = row.keys.iter().map(ToString::to_string).collect();
            HelpRow::Keys(keys.join(" "), row.help)
        });
        std::iter::once(HelpRow::Heading(context.title())).chain(keys).chain([HelpRow::Blank])
    })
}

fn draw_help(state: &State, theme: &Theme, top: usize, frame: &mut Frame<'_>) {
    let rows: Vec<Line<'_>> = help_rows()
        .map(|row| match row {
            HelpRow::Heading(text) => Line::from(Span::styled(text, theme.title())),
            HelpRow::Keys(keys, help) => Line::from(vec![
                Span::styled(format!("  {keys:<KEYS_WIDTH$} "), theme.key()),
                Span::raw(help),
            ]),
            HelpRow::Blank => Line::default(),
        })
        .collect();
    let area = draw_frame(state, theme, "Help", theme.title(), rows.len(), frame);
    draw_rows(rows, top, area, frame);
}

fn draw_confirm(state: &State, theme: &Theme, confirm: &Confirm, frame: &mut Frame<'_>) {
    let width = dialog_width(state.size);
    let mut rows: Vec<Line<'_>> = paragraphs(&confirm.question, width)
        .into_iter()
        .map(|row| Line::from(Span::styled(row, theme.title())))
        .collect();
    rows.push(Line::default());
    rows.extend(paragraphs(&confirm.consequence, width).into_iter().map(Line::from));
    rows.push(Line::default());
    rows.push(Line::from(keys_spans(theme, confirm_context(confirm), width)));
    let area = draw_frame(state, theme, "Please confirm", theme.warning(), rows.len(), frame);
    draw_rows(rows, 0, area, frame);
}

fn draw_message(state: &State, theme: &Theme, message: &Message, frame: &mut Frame<'_>) {
    let rows: Vec<Line<'_>> =
        paragraphs(&message.text, dialog_width(state.size)).into_iter().map(Line::from).collect();
    let area = draw_frame(state, theme, &message.title, theme.bad(), rows.len(), frame);
    draw_rows(rows, message.top, area, frame);
}

fn draw_form(state: &State, theme: &Theme, form: &CreateForm, frame: &mut Frame<'_>) {
    let guests = &state.guests;
    let count = Field::ALL.len();
    let area = draw_frame(state, theme, "Create guest", theme.title(), count + 2, frame);
    let value_width = area.width.saturating_sub(LABEL_WIDTH + 2);
    for (row, field) in (0..).zip(Field::ALL) {
        let y = area.y + row;
        if y >= area.bottom() {
            break;
        }
        let is_focused = form.focused() == field;
        let complaint = form.complaint(field, guests);
        let pointer = if is_focused { theme.pointer() } else { " " };
        let label_style = if is_focused { theme.title() } else { Style::new() };
        let label = Rect::new(area.x, y, LABEL_WIDTH, 1);
        let label_text = format!("{pointer} {}", field.label());
        frame.render_widget(Line::from(Span::styled(label_text, label_style)), label);

        let input = form.input(field);
        let scroll =
            if is_focused { input.visual_scroll(usize::from(value_width.saturating_sub(1))) } else { 0 };
        let value_style = if complaint.is_some() { theme.bad() } else { Style::new() };
        let value = Rect::new(area.x + LABEL_WIDTH, y, value_width, 1);
        let scroll_columns = u16::try_from(scroll).unwrap_or(u16::MAX);
        let text = Paragraph::new(input.value()).style(value_style).scroll((0, scroll_columns));
        frame.render_widget(text, value);
        let mark = if complaint.is_some() { "!" } else { " " };
        frame.render_widget(
            Line::from(Span::styled(mark, theme.bad())),
            Rect::new(value.right().min(area.right() - 1), y, 1, 1),
        );
        if is_focused {
            let column = input.visual_cursor().saturating_sub(scroll);
            let column = u16::try_from(column).unwrap_or(u16::MAX).min(value_width.saturating_sub(1));
            frame.set_cursor_position(Position::new(value.x + column, y));
        }
    }
    let below = area.y + u16::try_from(count).unwrap_or(u16::MAX) + 1;
    let advice = match form.complaint(form.focused(), guests) {
        Some(complaint) => Span::styled(complaint, theme.bad()),
        None => Span::styled(form.focused().hint(), theme.dim()),
    };
    if below < area.bottom() {
        frame.render_widget(Line::from(advice), Rect::new(area.x, below, area.width, 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn every_line_of_the_help_fits() {
        for row in help_rows() {
            if let HelpRow::Keys(keys, help) = row {
                assert!(keys.width() <= KEYS_WIDTH, "{keys}");
                assert!(help.width() <= usize::from(WIDTH) - 4 - KEYS_WIDTH - 3, "{help}");
            }
        }
    }
}

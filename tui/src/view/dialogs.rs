//! What lies over the screen: help, questions, menus, messages, the welcome; and the line that is typed in the footer.

use super::canvas::Canvas;
use super::{form, format};
use crate::console::keymap::{self, Context, ESCAPE_KEY};
use crate::console::msg::Target;
use crate::console::screens::confirm::Confirm;
use crate::console::screens::palette::Palette;
use crate::console::state::{Layer, Message, Prompt, State, confirm_context};
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// The width of a dialog where the screen has room for it.
const WIDTH: u16 = 76;
/// Columns for the keys on the help screen and in menus.
const KEYS_WIDTH: usize = 17;

pub(super) fn draw(canvas: &mut Canvas<'_, '_, '_>) {
    let state = canvas.state;
    for layer in &state.layers {
        match layer {
            Layer::Welcome => draw_welcome(canvas),
            Layer::Help(top) => draw_help(canvas, *top),
            Layer::Confirm(confirm) => draw_confirm(canvas, confirm),
            Layer::Form(form) => form::draw(canvas, form),
            Layer::Message(message) => draw_message(canvas, message),
            Layer::Palette(palette) => draw_palette(canvas, palette),
            Layer::History(top) => draw_history(canvas, *top),
            Layer::Vmp => draw_menu(canvas),
            // Typed in the footer.
            Layer::Prompt(_) => {}
        }
    }
}

/// The largest number of lines by which the help can be scrolled on a screen of `size`.
pub(crate) fn last_help_top(size: (u16, u16)) -> usize {
    help_rows().count().saturating_sub(inner_height(size))
}

/// By how many lines the help is scrolled to begin with the keys of `context`, as far as there are enough.
pub(crate) fn help_top(size: (u16, u16), context: Context) -> usize {
    let is_heading = |row: HelpRow| matches!(row, HelpRow::Heading(title) if title == context.title());
    help_rows().position(is_heading).unwrap_or_default().min(last_help_top(size))
}

/// The largest number of lines by which a message can be scrolled on a screen of `size`.
pub(crate) fn last_message_top(size: (u16, u16), text: &str) -> usize {
    paragraphs(text, dialog_width(size)).len().saturating_sub(inner_height(size))
}

/// The largest number of lines by which the messages can be scrolled.
pub(crate) fn last_history_top(state: &State) -> usize {
    history_rows(state).len().saturating_sub(inner_height(state.size))
}

/// How many lines of the palette are shown at once on a screen of `size`.
pub(crate) fn palette_rows(size: (u16, u16)) -> usize {
    usize::from((size.1 / 2).clamp(6, 16))
}

fn dialog_width(size: (u16, u16)) -> usize {
    usize::from(WIDTH.min(size.0.saturating_sub(4)).saturating_sub(4))
}

/// The most rows within a dialog: it leaves the first two lines and the last line of the screen free.
fn inner_height(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(5))
}

/// The place of a dialog of so many rows, in the middle.
pub(super) fn area(size: (u16, u16), rows: usize) -> Rect {
    let (columns, lines) = size;
    let width = WIDTH.min(columns.saturating_sub(4));
    let height = u16::try_from(rows.min(inner_height(size))).unwrap_or(u16::MAX).saturating_add(2);
    let free = lines.saturating_sub(3).saturating_sub(height);
    Rect::new((columns - width) / 2, 2 + free / 2, width, height)
}

/// Lines of at most `width` columns.
pub(super) fn paragraphs(text: &str, width: usize) -> Vec<String> {
    text.lines().flat_map(|line| format::wrap(line, width, 0)).collect()
}

fn draw_rows(canvas: &mut Canvas<'_, '_, '_>, rows: Vec<Line<'_>>, top: usize, area: Rect) {
    for (row, line) in rows.into_iter().skip(top).enumerate() {
        canvas.line(line, area, row);
    }
}

/// A dialog of text with keys as its last line, which can be clicked.
fn draw_question(
    canvas: &mut Canvas<'_, '_, '_>,
    title: &str,
    style: ratatui::style::Style,
    rows: Vec<Line<'_>>,
    context: Context,
) {
    let count = rows.len();
    let area = area(canvas.state.size, count + 2);
    let inner = canvas.dialog(area, title, style);
    draw_rows(canvas, rows, 0, inner);
    let last = Rect::new(inner.x, inner.bottom() - 1, inner.width, 1);
    canvas.keys(context, last);
}

fn draw_welcome(canvas: &mut Canvas<'_, '_, '_>) {
    let text = format!(
        "This is the operator console of a Virtualization Services Platform for Itanium guests.\n\n\
         One guest is ready: 'demo', a small Itanium machine with an AVIO disk. \
         Press Enter to start it and to use its console; type 'help' there.\n\n\
         {ESCAPE_KEY} opens the menu of a guest's console, and x leaves it. '?' shows all keys. Quitting stops \
         nothing: guests go on, and 'hpvm' brings you back."
    );
    let rows = paragraphs(&text, dialog_width(canvas.state.size)).into_iter().map(Line::from).collect();
    draw_question(canvas, "Welcome to Kittson", canvas.theme.title(), rows, Context::Welcome);
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

fn draw_help(canvas: &mut Canvas<'_, '_, '_>, top: usize) {
    let theme = canvas.theme;
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
    let area = area(canvas.state.size, rows.len());
    let inner = canvas.dialog(area, "Help", theme.title());
    draw_rows(canvas, rows, top, inner);
    canvas.click(area, Target::Scrolled);
}

/// The vMP menu: its keys in two columns.
fn draw_menu(canvas: &mut Canvas<'_, '_, '_>) {
    let guest = canvas.state.selected_name().unwrap_or_default().to_owned();
    let rows: Vec<_> = keymap::rows(Context::Vmp).collect();
    let half = rows.len().div_ceil(2);
    let area = area(canvas.state.size, half + 2);
    let inner = canvas.dialog(area, &format!("vMP of {guest}"), canvas.theme.title());
    // On the smallest screen all keys are shown, close together.
    let first = if usize::from(inner.height) > half + 1 { 2 } else { 1 };
    let note = "Everything else is sent to the guest after the menu is closed.";
    canvas.line(Line::from(Span::styled(note, canvas.theme.dim())), inner, 0);
    let width = inner.width / 2;
    for (place, row) in rows.into_iter().enumerate() {
        let (column, line) = if place < half { (0, place) } else { (1, place - half) };
        let Ok(line) = u16::try_from(line + first) else { return };
        if line >= inner.height {
            continue;
        }
        let cell = Rect::new(inner.x + column * width, inner.y + line, width, 1);
        let key = Span::styled(format!("{:>6} ", row.keys[0].to_string()), canvas.theme.key());
        canvas.draw(Line::from(vec![key, Span::raw(row.label)]), cell);
        canvas.click(cell, Target::Action(row.action));
    }
}

fn draw_confirm(canvas: &mut Canvas<'_, '_, '_>, confirm: &Confirm) {
    let width = dialog_width(canvas.state.size);
    let theme = canvas.theme;
    let mut rows: Vec<Line<'_>> = paragraphs(&confirm.question, width)
        .into_iter()
        .map(|row| Line::from(Span::styled(row, theme.title())))
        .collect();
    rows.push(Line::default());
    rows.extend(paragraphs(&confirm.consequence, width).into_iter().map(Line::from));
    if let Some(line) = confirm.wish.command() {
        rows.push(Line::default());
        let command = format::wrap(&format!("$ {line}"), width, 2);
        rows.extend(command.into_iter().map(|row| Line::from(Span::styled(row, theme.dim()))));
    }
    draw_question(canvas, "Please confirm", theme.warning(), rows, confirm_context(confirm));
}

fn draw_message(canvas: &mut Canvas<'_, '_, '_>, message: &Message) {
    let style = if message.is_bad { canvas.theme.bad() } else { canvas.theme.warning() };
    let rows: Vec<Line<'_>> =
        paragraphs(&message.text, dialog_width(canvas.state.size)).into_iter().map(Line::from).collect();
    let area = area(canvas.state.size, rows.len());
    let inner = canvas.dialog(area, &message.title, style);
    draw_rows(canvas, rows, message.top, inner);
    canvas.click(area, Target::Scrolled);
}

/// A row of the messages: whether it tells what came of something, and whether that was done.
type HistoryRow = (String, Option<bool>);

fn history_rows(state: &State) -> Vec<HistoryRow> {
    let width = dialog_width(state.size);
    let mut rows = Vec::new();
    for entry in state.history.entries() {
        let time = jiff::Timestamp::from_millisecond(entry.at).unwrap_or_default();
        let time = time.to_zoned_datetime(state.time_zone.clone()).strftime("%H:%M:%S");
        let title = format::wrap(&format!("{time} {}", entry.title), width, 9);
        rows.extend(title.into_iter().map(|row| (row, Some(entry.is_good))));
        let more = entry.text.lines().map(str::to_owned);
        let command = entry.command.iter().map(|line| format!("$ {line}"));
        for line in more.chain(command) {
            rows.extend(
                format::wrap(&format!("         {line}"), width, 11).into_iter().map(|row| (row, None)),
            );
        }
    }
    if rows.is_empty() {
        rows.push(("Nothing was done yet.".to_owned(), None));
    }
    rows
}

fn draw_history(canvas: &mut Canvas<'_, '_, '_>, top: usize) {
    let theme = canvas.theme;
    let rows: Vec<Line<'_>> = history_rows(canvas.state)
        .into_iter()
        .map(|(text, is_good)| {
            let style = match is_good {
                Some(true) => theme.good(),
                Some(false) => theme.bad(),
                None => theme.dim(),
            };
            Line::from(Span::styled(text, style))
        })
        .collect();
    let area = area(canvas.state.size, rows.len());
    let inner = canvas.dialog(area, "Messages, newest first", theme.title());
    draw_rows(canvas, rows, top, inner);
    canvas.click(area, Target::Scrolled);
}

fn draw_palette(canvas: &mut Canvas<'_, '_, '_>, palette: &Palette) {
    let page = palette_rows(canvas.state.size);
    let area = area(canvas.state.size, page + 2);
    let inner = canvas.dialog(area, palette.title, canvas.theme.title());
    let line =
        Line::from(vec![Span::styled("> ", canvas.theme.key()), Span::raw(palette.input.value().to_owned())]);
    canvas.line(line, inner, 0);
    let column = u16::try_from(2 + palette.input.visual_cursor()).unwrap_or(u16::MAX);
    canvas.cursor(Position::new(inner.x + column.min(inner.width.saturating_sub(1)), inner.y));
    let mut is_empty = true;
    for ((place, item, is_selected), row) in palette.rows(page).zip(2..) {
        is_empty = false;
        let line = Rect::new(inner.x, inner.y + row, inner.width, 1);
        if line.y >= inner.bottom() {
            break;
        }
        let room = usize::from(inner.width).saturating_sub(item.key.width() + 3);
        let text = format::fit(&item.text, room, canvas.theme.ellipsis());
        canvas.draw(Line::from(format!(" {text}")), line);
        let key = Span::styled(format!("{} ", item.key), canvas.theme.key());
        canvas.draw(Line::from(key).right_aligned(), line);
        if is_selected {
            let style = canvas.theme.selected(true);
            canvas.buffer().set_style(line, style);
        }
        canvas.click(line, Target::Row(place));
    }
    if is_empty {
        canvas.line(Line::from(Span::styled(" Nothing is called so.", canvas.theme.dim())), inner, 2);
    }
}

/// The line that is being typed.
pub(super) fn prompt(state: &State) -> Option<&Prompt> {
    match state.layers.last() {
        Some(Layer::Prompt(prompt)) => Some(prompt),
        _ => None,
    }
}

/// Draws it in place of the keys, with its own behind it.
pub(super) fn draw_prompt(canvas: &mut Canvas<'_, '_, '_>, prompt: &Prompt, area: Rect) {
    let label = format!("{}: ", prompt.purpose.label());
    let start = u16::try_from(label.width()).unwrap_or_default();
    let room = usize::from(area.width.saturating_sub(start) / 2);
    let scroll = prompt.input.visual_scroll(room);
    let shown: String = prompt.input.value().chars().skip(scroll).collect();
    let shown = format::fit(&shown, room, canvas.theme.ellipsis());
    let mut spans = vec![Span::styled(label, canvas.theme.title()), Span::raw(shown.clone())];
    let mut used = usize::from(start) + shown.width();
    if let Some(problem) = &prompt.problem {
        let text = format!("  {problem}");
        used += text.width();
        spans.push(Span::styled(text, canvas.theme.bad()));
    }
    canvas.draw(Line::from(spans), area);
    let column = u16::try_from(prompt.input.visual_cursor().saturating_sub(scroll)).unwrap_or(u16::MAX);
    canvas.cursor(Position::new((area.x + start).saturating_add(column).min(area.right() - 1), area.y));
    let used = u16::try_from(used + 3).unwrap_or(u16::MAX).min(area.width);
    canvas.keys(Context::Prompt, Rect { x: area.x + used, width: area.width - used, ..area });
}

#[cfg(test)]
mod tests {
    use super::*;

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

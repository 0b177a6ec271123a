//! A guest's terminal, cell by cell.

use super::theme::Theme;
use crate::console::emulator::Emulator;
use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::vte::ansi::{Color as GuestColor, CursorShape, NamedColor};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier, Style};

/// Combining marks that are drawn on one character; a guest may send any number.
const MARKS_LIMIT: usize = 4;

/// Where the cursor is, if it is shown.
pub(super) fn cursor(emulator: &Emulator, area: Rect) -> Option<Position> {
    let content = emulator.content();
    if content.cursor.shape == CursorShape::Hidden {
        return None;
    }
    let line = usize::try_from(content.cursor.point.line.0).ok()? + content.display_offset;
    position(area, line, content.cursor.point.column.0)
}

fn position(area: Rect, line: usize, column: usize) -> Option<Position> {
    let (line, column) = (u16::try_from(line).ok()?, u16::try_from(column).ok()?);
    let is_inside = line < area.height && column < area.width;
    is_inside.then(|| Position::new(area.x + column, area.y + line))
}

/// Draws what the terminal shows, with what is selected there.
pub(super) fn draw_cells(emulator: &Emulator, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let content = emulator.content();
    let offset = i64::try_from(content.display_offset).unwrap_or(0);
    let selection = content.selection;
    for indexed in content.display_iter {
        let Ok(line) = usize::try_from(i64::from(indexed.point.line.0) + offset) else { continue };
        let column = indexed.point.column.0;
        let Some(position) = position(area, line, column) else { continue };
        let cell = indexed.cell;
        // A wide character's second cell is drawn with its first.
        if cell.flags.contains(Flags::WIDE_CHAR_SPACER) {
            continue;
        }
        let is_cut = cell.flags.contains(Flags::WIDE_CHAR) && position.x + 1 >= area.right();
        let target = &mut buffer[position];
        target.set_style(style(cell, theme));
        if selection.is_some_and(|selection| selection.contains(indexed.point)) {
            target.set_style(theme.found());
        }
        if is_cut || cell.flags.contains(Flags::HIDDEN) || cell.c.is_control() {
            target.set_char(' ');
        } else if let Some(marks) = cell.zerowidth() {
            let symbol: String =
                std::iter::once(cell.c).chain(marks.iter().copied().take(MARKS_LIMIT)).collect();
            target.set_symbol(&symbol);
        } else {
            target.set_char(cell.c);
        }
    }
}

fn style(cell: &Cell, theme: &Theme) -> Style {
    const ATTRIBUTES: [(Flags, Modifier); 5] = [
        (Flags::BOLD, Modifier::BOLD),
        (Flags::DIM, Modifier::DIM),
        (Flags::ITALIC, Modifier::ITALIC),
        (Flags::STRIKEOUT, Modifier::CROSSED_OUT),
        (Flags::INVERSE, Modifier::REVERSED),
    ];
    let mut style = Style::new();
    if theme.shows_guest_colors() {
        style = style.fg(color(cell.fg)).bg(color(cell.bg));
    }
    for (flag, modifier) in ATTRIBUTES {
        if cell.flags.contains(flag) {
            style = style.add_modifier(modifier);
        }
    }
    if cell.flags.intersects(Flags::ALL_UNDERLINES) {
        style = style.add_modifier(Modifier::UNDERLINED);
    }
    style
}

/// A guest's colour in the operator's palette: the guest's default is the operator's default.
fn color(color: GuestColor) -> Color {
    match color {
        GuestColor::Spec(rgb) => Color::Rgb(rgb.r, rgb.g, rgb.b),
        GuestColor::Indexed(index) => Color::Indexed(index),
        GuestColor::Named(name) => match name {
            NamedColor::Black | NamedColor::DimBlack => Color::Black,
            NamedColor::Red | NamedColor::DimRed => Color::Red,
            NamedColor::Green | NamedColor::DimGreen => Color::Green,
            NamedColor::Yellow | NamedColor::DimYellow => Color::Yellow,
            NamedColor::Blue | NamedColor::DimBlue => Color::Blue,
            NamedColor::Magenta | NamedColor::DimMagenta => Color::Magenta,
            NamedColor::Cyan | NamedColor::DimCyan => Color::Cyan,
            NamedColor::White | NamedColor::DimWhite => Color::Gray,
            NamedColor::BrightBlack => Color::DarkGray,
            NamedColor::BrightRed => Color::LightRed,
            NamedColor::BrightGreen => Color::LightGreen,
            NamedColor::BrightYellow => Color::LightYellow,
            NamedColor::BrightBlue => Color::LightBlue,
            NamedColor::BrightMagenta => Color::LightMagenta,
            NamedColor::BrightCyan => Color::LightCyan,
            NamedColor::BrightWhite => Color::White,
            NamedColor::Foreground
            | NamedColor::Background
            | NamedColor::Cursor
            | NamedColor::BrightForeground
            | NamedColor::DimForeground => Color::Reset,
        },
    }
}

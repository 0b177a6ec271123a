//! Draws the console's state. Pure: what is shown depends on the state, the theme and nothing else. Drawing also says
//! what is to be clicked where.

mod canvas;
mod consoles;
pub(crate) mod dialogs;
mod form;
pub(crate) mod format;
mod guest;
mod guests;
mod hardware;
mod header;
mod logs;
mod offline;
mod storage;
mod terminal;
pub(crate) mod theme;
mod widgets;

use crate::console::keymap::Context;
use crate::console::layout::{MINIMUM, Regions};
use crate::console::state::{Link, Screen, State};
use canvas::Canvas;
pub(crate) use canvas::ClickMap;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use theme::Theme;
use unicode_width::UnicodeWidthStr;

/// Draws everything; the result is what can be clicked.
pub(crate) fn draw(state: &State, theme: &Theme, frame: &mut Frame<'_>) -> ClickMap {
    let mut canvas = Canvas { state, theme, frame, clicks: ClickMap::default() };
    let Some(regions) = state.regions() else {
        draw_too_small(&mut canvas);
        return canvas.clicks;
    };
    if let Some(area) = regions.header {
        header::draw(&mut canvas, area);
    }
    if let Some(area) = regions.tabs {
        header::draw_tabs(&mut canvas, area);
    }
    // A VSP that is lost is told in place: what was known of it stays to be read.
    if state.was_welcomed {
        draw_screen(&mut canvas, &regions);
    }
    if !matches!(state.link, Link::Up(_)) {
        offline::draw(&mut canvas, regions.body);
    }
    dialogs::draw(&mut canvas);
    draw_footer(&mut canvas, regions.footer);
    canvas.clicks
}

fn draw_screen(canvas: &mut Canvas<'_, '_, '_>, regions: &Regions) {
    match canvas.state.screen {
        Screen::Overview => {
            if let Some(area) = regions.guests {
                guests::draw(canvas, area, regions.guest_rows());
            }
            if let Some(area) = regions.preview {
                consoles::draw_preview(canvas, area);
            }
            if let Some(area) = regions.logs {
                logs::draw(canvas, area, false);
            }
        }
        Screen::Guest => guest::draw(canvas, regions),
        Screen::Console => consoles::draw(canvas, regions),
        Screen::Storage => storage::draw(canvas, regions),
        Screen::Logs => {
            if let Some(area) = regions.logs {
                logs::draw(canvas, area, true);
            }
        }
    }
}

fn draw_too_small(canvas: &mut Canvas<'_, '_, '_>) {
    let (columns, lines) = canvas.state.size;
    let text = format!(
        "This screen has {columns} columns and {lines} lines. The console needs {} and {}: make it larger.",
        MINIMUM.0, MINIMUM.1
    );
    let paragraph = Paragraph::new(text).style(canvas.theme.warning()).wrap(Wrap { trim: true });
    let area = canvas.frame.area();
    canvas.draw(paragraph, area);
}

/// The keys of the present context, as many as fit; where a console fills the screen its guest comes first.
fn draw_footer(canvas: &mut Canvas<'_, '_, '_>, area: Rect) {
    let context = canvas.state.context();
    let mut area = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    if let Some(prompt) = dialogs::prompt(canvas.state) {
        dialogs::draw_prompt(canvas, prompt, area);
        return;
    }
    let is_full = canvas.state.screen == Screen::Console && canvas.state.tabs.is_full;
    if let (true, Context::Console | Context::Scrollback, Some(guest)) =
        (is_full, context, canvas.state.selected_name())
    {
        let name = format!("{guest}  ");
        let width = u16::try_from(name.width()).unwrap_or(u16::MAX).min(area.width / 2);
        canvas.draw(Line::from(Span::styled(name, canvas.theme.title())), Rect { width, ..area });
        area = Rect { x: area.x + width, width: area.width - width, ..area };
    }
    canvas.keys(context, area);
}

#[cfg(test)]
mod tests;

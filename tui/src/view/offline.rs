//! What lies over the screen without a VSP: why, what goes on, and what can be done.

use super::canvas::Canvas;
use super::{dialogs, format};
use crate::console::keymap::{Action, Context, ESCAPE_KEY};
use crate::console::msg::Target;
use crate::console::state::Link;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// The least and the most columns of it.
const WIDTH: u16 = 72;

pub(super) fn draw(canvas: &mut Canvas<'_, '_, '_>, body: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let width = WIDTH.min(body.width.saturating_sub(4));
    let room = usize::from(width.saturating_sub(4));
    let (title, style, text, offers_start) = match &state.link {
        Link::Up(_) => return,
        Link::Connecting => ("Connecting to the VSP", theme.title(), String::new(), false),
        Link::Down { is_absent: true, is_trying, .. } if !state.was_welcomed => {
            let text = "Guests are run by a Virtualization Services Platform, one process of yours on this host. \
                        It goes on when this console is closed.";
            let doing = if *is_trying { "\n\nStarting it." } else { "" };
            ("No VSP runs here", theme.title(), format!("{text}{doing}"), true)
        }
        Link::Down { reason, since, is_trying, .. } => {
            let attempt = if *is_trying { "Connecting." } else { "The next attempt follows in a moment." };
            let text = format!(
                "No connection to the VSP for {}.\n\n{}\n\nRunning guests go on; their disks wait for the VSP. \
                 This console connects again by itself. {attempt}",
                format::elapsed(*since, state.now),
                format::printable(reason),
            );
            ("The VSP is lost", theme.bad(), text, true)
        }
    };
    let mut rows: Vec<String> = dialogs::paragraphs(&text, room);
    if offers_start {
        rows.push(String::new());
    }
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).saturating_add(2 + u16::from(offers_start));
    let height = height.min(body.height);
    let x = body.x + (body.width - width) / 2;
    let area = Rect::new(x, body.y + (body.height - height) / 3, width, height);
    let inner = canvas.dialog(area, title, style);
    let last = rows.len();
    for (row, text) in rows.into_iter().enumerate() {
        canvas.line(Line::from(text), inner, row);
    }
    if offers_start {
        draw_offers(canvas, inner, last);
    }
}

/// What can be done, each to be clicked.
fn draw_offers(canvas: &mut Canvas<'_, '_, '_>, inner: Rect, row: usize) {
    let leave = ESCAPE_KEY.to_string();
    let offers: &[(&str, &str, Action)] = match canvas.state.context() {
        Context::Lost => &[(&leave, "leaves the console; what is typed goes nowhere", Action::Overview)],
        _ => &[
            ("Enter", "starts a VSP", Action::StartVsp),
            ("r", "tries again", Action::Reconnect),
            ("q", "quits", Action::Quit),
        ],
    };
    let Some(y) = u16::try_from(row).ok().map(|row| inner.y + row).filter(|y| *y < inner.bottom()) else {
        return;
    };
    let mut x = inner.x;
    for (key, text, action) in offers.iter().copied() {
        let width = u16::try_from(key.width() + 1 + text.width()).unwrap_or_default();
        let place = Rect::new(x, y, width.min(inner.right().saturating_sub(x)), 1);
        let key = Span::styled(key, canvas.theme.key());
        canvas.draw(Line::from(vec![key, Span::raw(format!(" {text}"))]), place);
        canvas.click(place, Target::Action(action));
        x += width + 3;
    }
}

//! The screen without a VSP: why, what goes on, and what can be done.

use super::format;
use super::theme::Theme;
use crate::console::state::{Link, State};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let lines = match &state.link {
        Link::Up(_) => return,
        Link::Connecting => vec![
            Line::from(Span::styled("Connecting to the VSP.", theme.title())),
            Line::default(),
            Line::from("It is started if it does not run."),
        ],
        Link::Down { reason, since, is_trying, .. } => {
            let attempt = if *is_trying { "Connecting." } else { "The next attempt follows in a moment." };
            vec![
                Line::from(Span::styled(
                    format!("No connection to the VSP for {}.", format::elapsed(*since, state.now)),
                    theme.bad(),
                )),
                Line::default(),
                Line::from(format::printable(reason)),
                Line::default(),
                Line::from("Running guests go on; their disks wait for the VSP."),
                Line::from(format!("This console connects again by itself. {attempt}")),
                Line::default(),
                Line::from(vec![
                    Span::styled("s", theme.key()),
                    Span::raw(" starts a VSP, "),
                    Span::styled("r", theme.key()),
                    Span::raw(" tries again now, "),
                    Span::styled("q", theme.key()),
                    Span::raw(" quits."),
                ]),
            ]
        }
    };
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4).min(area.height);
    let width = 72.min(area.width.saturating_sub(4));
    let area =
        Rect::new(area.x + (area.width - width) / 2, area.y + (area.height - height) / 3, width, height);
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), area);
}

//! The first line: what the VSP is and how it fares.

use super::format;
use super::theme::Theme;
use crate::console::state::{Link, State};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A request that takes longer than this is shown with its waiting time, in milliseconds.
const SLOW_MILLIS: i64 = 2000;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let separator = || Span::styled(theme.separator(), theme.dim());
    let mut spans = vec![Span::styled(" HPVM", theme.title()), separator()];
    match &state.link {
        Link::Connecting => spans.push(Span::styled("VSP connecting", theme.warning())),
        Link::Down { is_trying, .. } => {
            spans.push(Span::styled("VSP lost", theme.bad()));
            if *is_trying {
                spans.push(Span::styled(" connecting", theme.warning()));
            }
        }
        Link::Up(vsp) => {
            spans.push(Span::styled("VSP up ", theme.good()));
            spans.push(Span::raw(format::elapsed(vsp.since_micros / 1000, state.now)));
        }
    }
    if let Some(waiting) = state.requests.oldest() {
        let millis = state.now.saturating_sub(waiting.since);
        spans.push(separator());
        spans.push(Span::styled(waiting.doing.clone(), theme.warning()));
        if let Some(line) = &waiting.progress {
            spans.push(Span::styled(format!(": {line}"), theme.warning()));
        }
        if millis >= SLOW_MILLIS {
            spans.push(Span::styled(format!(" ({} s)", millis / 1000), theme.warning()));
        }
    }
    if let Link::Up(vsp) = &state.link {
        spans.push(separator());
        spans.push(Span::raw(format!("Kittson {}", vsp.build)));
    }
    if let Some(load) = state.host_load {
        spans.push(separator());
        spans.push(Span::raw(format!("host load {load:.2}")));
    }
    if matches!(state.link, Link::Up(_)) {
        let running = state.guests.rows().iter().filter(|row| row.summary.state.is_on()).count();
        spans.push(separator());
        spans.push(Span::raw(format!("{running} of {} guests on", state.guests.rows().len())));
    }
    frame.render_widget(Line::from(spans), area);
}

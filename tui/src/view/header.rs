//! The first two lines: what the VSP is and how it fares; the screens, what is under way, the last result.

use super::canvas::Canvas;
use super::{format, widgets};
use crate::console::msg::Target;
use crate::console::state::{Link, Screen};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// A request that takes longer than this is shown with its waiting time, in milliseconds.
const SLOW_MILLIS: i64 = 2000;
/// A VSP that said nothing for so long does not answer: figures come every second. In milliseconds.
const SILENT_MILLIS: i64 = 6000;
/// Points of the sparkline of all storage.
const SPARK: usize = 10;
/// From this width on it is shown, and more words.
const SPARK_FROM: u16 = 110;

pub(super) fn draw(canvas: &mut Canvas<'_, '_, '_>, area: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let separator = || Span::styled(theme.separator(), theme.dim());
    let mut spans = vec![Span::styled(" HPVM", theme.title()), separator()];
    match &state.link {
        Link::Connecting => spans.push(Span::styled("VSP connecting", theme.warning())),
        Link::Down { is_trying, is_absent, .. } => {
            let text = if *is_absent && !state.was_welcomed { "no VSP" } else { "VSP lost" };
            spans.push(Span::styled(text, theme.bad()));
            if *is_trying {
                spans.push(Span::styled(" connecting", theme.warning()));
            }
        }
        Link::Up(vsp) => {
            let silent = state.now.saturating_sub(state.heard);
            if silent >= SILENT_MILLIS {
                let text = format!("VSP silent for {} s ", silent / 1000);
                spans.push(Span::styled(text, theme.bad()));
            } else {
                spans.push(Span::styled("VSP up ", theme.good()));
                spans.push(Span::raw(format::elapsed(vsp.since_micros / 1000, state.now)));
            }
            let all = state.guests.all();
            let running = all.iter().filter(|guest| guest.state.is_on()).count();
            spans.push(separator());
            let what = if area.width >= SPARK_FROM { " guests" } else { "" };
            spans.push(Span::raw(format!("{running} of {}{what} on", all.len())));
        }
    }
    let cpu = state.host.cpu_percent.map(format::percent);
    let gigabytes = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let memory = state.host.memory();
    let memory = memory.map(|(used, all)| format!("{:.1} of {:.1} GB", gigabytes(used), gigabytes(all)));
    let host: Vec<String> = cpu.into_iter().chain(memory).collect();
    if !host.is_empty() {
        spans.extend([separator(), Span::styled("host ", theme.dim()), Span::raw(host.join(", "))]);
    }
    if let (Link::Up(vsp), total) = (&state.link, state.figures.total()) {
        let rates = total.last().unwrap_or_default();
        spans.push(separator());
        spans.push(Span::styled("storage ", theme.dim()));
        spans.push(Span::raw(format::rate(rates.bytes)));
        if area.width >= SPARK_FROM {
            spans.push(Span::raw(format!(", {} IOPS ", format::count(rates.iops))));
            let bars = widgets::sparkline(canvas, total, SPARK, 1.0, |rates| rates.bytes);
            spans.push(Span::styled(bars, theme.chart()));
            spans.push(separator());
            spans.push(Span::styled(format!("Kittson {}", vsp.build), theme.dim()));
        }
    }
    canvas.draw(Line::from(spans), area);
}

/// The screens by their keys, then what is under way or what came of the last request.
pub(super) fn draw_tabs(canvas: &mut Canvas<'_, '_, '_>, area: Rect) {
    let mut x = area.x;
    for (key, screen) in (1..).zip(Screen::ALL) {
        let is_front = canvas.state.screen == screen;
        let number = format!(" {key} ");
        let name = format!("{} ", screen.title());
        let width = u16::try_from(number.width() + name.width()).unwrap_or_default();
        let place = Rect::new(x, area.y, width.min(area.right().saturating_sub(x)), 1);
        let spans = if is_front {
            vec![Span::styled(format!("{number}{name}"), canvas.theme.tab())]
        } else {
            vec![Span::styled(number, canvas.theme.key()), Span::raw(name)]
        };
        canvas.draw(Line::from(spans), place);
        canvas.click(place, Target::Screen(screen));
        x += width;
    }
    let rest = Rect::new(x + 1, area.y, area.right().saturating_sub(x + 2), 1);
    let room = usize::from(rest.width);
    let (state, theme) = (canvas.state, canvas.theme);
    let said = if let Some(waiting) = state.requests.oldest() {
        let mut text = waiting.doing.clone();
        let millis = state.now.saturating_sub(waiting.since);
        if millis >= SLOW_MILLIS {
            text.push_str(&format!(" ({} s)", millis / 1000));
        }
        if let Some(line) = &waiting.progress {
            text.push_str(&format!(": {line}"));
        }
        Some((text, theme.warning()))
    } else {
        let style = |is_good| if is_good { theme.good() } else { theme.bad() };
        state.notice.as_ref().map(|notice| (notice.text.clone(), style(notice.is_good)))
    };
    if let Some((text, style)) = said {
        let text = format::fit(&format::printable(&text), room, theme.ellipsis());
        canvas.draw(Line::from(Span::styled(text, style)).right_aligned(), rest);
        canvas.click(rest, Target::Action(crate::console::keymap::Action::Messages));
    }
}

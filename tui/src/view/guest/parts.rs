//! What the guest screen shows beside the configuration: virtual processors, what waits for the next start, who is at the
//! console.

use crate::view::canvas::Canvas;
use crate::view::guest::padded;
use crate::view::{format, widgets};
use ipc::guest::VcpuState;
use ipc::message::{GuestDetail, GuestSummary};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

/// Columns of a virtual processor: number, state, share, MIPS, and a bar.
const VCPU_COLUMNS: u16 = 54;
/// Columns of its bar.
const BAR_COLUMNS: usize = 20;

fn say(canvas: &mut Canvas<'_, '_, '_>, text: &str, area: Rect) {
    canvas.draw(Paragraph::new(text.to_owned()).style(canvas.theme.dim()).wrap(Wrap { trim: true }), area);
}

/// State, share of a host processor and millions of instructions a second of each.
pub(super) fn draw_vcpus(canvas: &mut Canvas<'_, '_, '_>, guest: &GuestSummary, area: Rect) {
    if !guest.state.is_on() {
        return say(canvas, "The guest is off: its processors do nothing.", area);
    }
    let state = canvas.state;
    let vcpus = state.figures.guest(&guest.name).map_or(&[][..], |guest| guest.vcpus());
    if vcpus.is_empty() {
        return say(canvas, "Its first figures come within two seconds.", area);
    }
    let rows = usize::from(area.height.saturating_sub(1)).max(1);
    let columns = vcpus.len().div_ceil(rows);
    let width = (area.width / u16::try_from(columns).unwrap_or(1)).min(VCPU_COLUMNS);
    for (place, vcpu) in vcpus.iter().enumerate() {
        let (column, row) = (place / rows, place % rows);
        let x = area.x + width * u16::try_from(column).unwrap_or_default();
        let column = Rect { x, width: width.min(area.right().saturating_sub(x)), ..area };
        if row == 0 {
            let heading = format!("{:>4} {:<11} {:>5} {:>7}", "vCPU", "State", "Busy", "MIPS");
            canvas.line(Line::from(Span::styled(heading, canvas.theme.heading())), column, 0);
        }
        let (share, mips) = (format::percent(vcpu.cpu_percent), format::count(vcpu.mips));
        let numbers =
            format!("{place:>4} {:<11} {} {}", vcpu.state, padded(&share, 5, true), padded(&mips, 7, true));
        let style = match vcpu.state {
            VcpuState::Running => canvas.theme.good(),
            VcpuState::Halted => ratatui::style::Style::new(),
            VcpuState::Waiting => canvas.theme.dim(),
            VcpuState::Dead => canvas.theme.bad(),
        };
        let bar = widgets::bar(canvas.theme, vcpu.cpu_percent, 100.0, BAR_COLUMNS);
        let spans = vec![Span::styled(numbers, style), Span::styled(format!(" {bar}"), canvas.theme.chart())];
        canvas.line(Line::from(spans), column, row + 1);
    }
}

/// What will be otherwise, in the words of hpvmmodify.
pub(super) fn draw_next_start(canvas: &mut Canvas<'_, '_, '_>, guest: &GuestSummary, area: Rect) {
    let Some(detail) = canvas.state.detail.of(&guest.name) else {
        return say(canvas, "Asking the VSP.", area);
    };
    let changes = changes(detail);
    if changes.is_empty() {
        let text = "Nothing waits for the next start: the guest is as it is configured.";
        return say(canvas, text, area);
    }
    let width = usize::from(area.width);
    let rows = changes.iter().flat_map(|change| format::wrap(change, width, 2));
    for (row, text) in rows.enumerate().collect::<Vec<_>>() {
        let style = match text.chars().next() {
            Some('+') => canvas.theme.good(),
            Some('-') => canvas.theme.warning(),
            _ => ratatui::style::Style::new(),
        };
        canvas.line(Line::from(Span::styled(text, style)), area, row);
    }
}

fn changes(detail: &GuestDetail) -> Vec<String> {
    let has = |statement: &str| detail.devices.iter().any(|device| device.statement == statement);
    let stays = |statement: &String| detail.configured.contains(statement);
    let gone = detail.devices.iter().map(|device| &device.statement).filter(|statement| !stays(statement));
    let new = detail.configured.iter().filter(|statement| !has(statement));
    let pending = detail.pending.iter().cloned();
    pending.chain(gone.map(|s| format!("- {s}"))).chain(new.map(|s| format!("+ {s}"))).collect()
}

/// Everybody at the console, in the order they came.
pub(super) fn draw_users(canvas: &mut Canvas<'_, '_, '_>, guest: &GuestSummary, area: Rect) {
    let state = canvas.state;
    let users = state.detail.users(&guest.name);
    if users.is_empty() {
        return say(canvas, "Nobody is at the console, or you may not know.", area);
    }
    let heading = format!(" {:<16} {:>8} {:>8} Access", "User", "Process", "For");
    canvas.line(Line::from(Span::styled(heading, canvas.theme.heading())), area, 0);
    for (row, user) in users.iter().enumerate() {
        let since = format::elapsed(user.since_micros / 1000, state.now);
        let (access, style) = match user.writes {
            true => ("writes", canvas.theme.good()),
            false => ("looks on", ratatui::style::Style::new()),
        };
        let name = padded(&format::printable(&user.user), 16, false);
        let text = format!(" {name} {:>8} {since:>8} {access}", user.pid);
        canvas.line(Line::from(Span::styled(text, style)), area, row + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::samples;

    #[test]
    fn what_waits_for_the_next_start_is_named() {
        let mut detail = samples::detail();
        assert_eq!(changes(&detail), ["-c 4"]);
        detail.pending.clear();
        detail.configured[0] = "disk:avio_stor:0,1,0:file:/other".to_owned();
        let both = ["- disk:avio_stor:0,1,0:file:/var/tmp/demo.img", "+ disk:avio_stor:0,1,0:file:/other"];
        assert_eq!(changes(&detail), both);
    }
}

//! Small things that several screens draw.

use super::canvas::Canvas;
use super::format;
use super::theme::Theme;
use crate::console::figures::{Past, Range, Rates};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

/// The newest points of a past as one line of bars, the newest on the right; full is `most`, or the largest point.
pub(super) fn sparkline(
    canvas: &Canvas<'_, '_, '_>,
    past: &Past,
    width: usize,
    most: f32,
    value: fn(&Rates) -> f32,
) -> String {
    let points = past.points(Range::Minutes);
    let newest: Vec<f32> = points.range(points.len().saturating_sub(width)..).map(value).collect();
    let most = newest.iter().copied().fold(most, f32::max);
    let blanks = width.saturating_sub(newest.len());
    let bar = |value: &f32| canvas.theme.bar(eighths(*value, most, 8));
    std::iter::repeat_n(" ", blanks).chain(newest.iter().map(bar)).collect()
}

/// A lying bar: as many of `width` columns as a value is of `most`, at least one for what is not nothing.
pub(super) fn bar(theme: &Theme, value: f32, most: f32, width: usize) -> String {
    let filled = eighths(value, most, width);
    format!("{}{}", theme.bar(8).repeat(filled), theme.bar(0).repeat(width - filled))
}

/// How many of `all` eighths a value fills. Whatever is not nothing fills one.
fn eighths(value: f32, most: f32, all: usize) -> usize {
    if value <= 0.0 || most <= 0.0 || value.is_nan() {
        return 0;
    }
    let share = f64::from(value / most).clamp(0.0, 1.0);
    ((share * all as f64).round() as usize).max(1)
}

/// One chart: what it shows and how that is written.
pub(super) struct Chart {
    /// What stands above it.
    pub(super) title: &'static str,
    /// What it shows.
    pub(super) value: fn(&Rates) -> f32,
    /// How a value is written.
    pub(super) text: fn(f32) -> String,
    /// The least that a full bar stands for.
    pub(super) least: f32,
}

/// Draws a past as bars, the newest on the right, below a line with the last and the largest value.
pub(super) fn chart(
    canvas: &mut Canvas<'_, '_, '_>,
    chart: &Chart,
    past: Option<&Past>,
    range: Range,
    area: Rect,
) {
    if area.height < 2 || area.width < 8 {
        return;
    }
    let width = usize::from(area.width);
    let points = past.map(|past| past.points(range));
    let newest: Vec<f32> = points
        .map(|points| points.range(points.len().saturating_sub(width)..).map(chart.value).collect())
        .unwrap_or_default();
    let most = newest.iter().copied().fold(0.0, f32::max);
    let now = newest.last().map_or_else(|| "-".to_owned(), |value| (chart.text)(*value));
    let left = format!("{} {now}", chart.title);
    let right = format!("most {}", (chart.text)(most));
    let gap = width.saturating_sub(left.width() + right.width());
    let heading = vec![
        Span::styled(chart.title, canvas.theme.title()),
        Span::raw(format!(" {now}")),
        Span::raw(" ".repeat(gap)),
        Span::styled(if gap > 0 { right } else { String::new() }, canvas.theme.dim()),
    ];
    canvas.line(Line::from(heading), area, 0);
    let full = most.max(chart.least);
    let height = usize::from(area.height - 1);
    for row in 0..height {
        // Eighths that lie below this row.
        let below = (height - 1 - row) * 8;
        let cells = newest
            .iter()
            .map(|value| canvas.theme.bar(eighths(*value, full, height * 8).saturating_sub(below)));
        let blanks = std::iter::repeat_n(" ", width - newest.len());
        let line: String = blanks.chain(cells).collect();
        canvas.line(Line::from(Span::styled(line, canvas.theme.chart())), area, row + 1);
    }
}

/// `label value`, the label less bright.
pub(super) fn fact<'a>(canvas: &Canvas<'_, '_, '_>, label: &'a str, width: usize, value: String) -> Line<'a> {
    let label = Span::styled(format!("{label:<width$} "), canvas.theme.dim());
    Line::from(vec![label, Span::raw(format::printable(&value))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_full_at_most_and_empty_only_for_nothing() {
        assert_eq!(eighths(0.0, 100.0, 8), 0);
        assert_eq!(eighths(0.001, 100.0, 8), 1);
        assert_eq!(eighths(50.0, 100.0, 8), 4);
        assert_eq!(eighths(1e9, 100.0, 8), 8);
        assert_eq!(eighths(f32::NAN, 100.0, 8), 0);
    }
}

//! Colours and borders by role. Nothing else in the view names a colour.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

/// Which colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Palette {
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// The terminal's own sixteen.
    Sixteen,
    /// None: attributes alone.
    None,
}

impl Palette {
    /// All.
    #[cfg(test)]
    pub(crate) const ALL: [Palette; 4] = [Palette::Dark, Palette::Light, Palette::Sixteen, Palette::None];

    /// The next one, round and round.
    pub(crate) fn next(self) -> Palette {
        match self {
            Palette::Dark => Palette::Light,
            Palette::Light => Palette::Sixteen,
            Palette::Sixteen => Palette::None,
            Palette::None => Palette::Dark,
        }
    }

    /// The colours by role.
    fn colors(self) -> Colors {
        let indexed = |accent, dim, good, warning, bad, chart| Colors {
            accent: Color::Indexed(accent),
            dim: Color::Indexed(dim),
            good: Color::Indexed(good),
            warning: Color::Indexed(warning),
            bad: Color::Indexed(bad),
            chart: Color::Indexed(chart),
        };
        match self {
            Palette::Dark => indexed(81, 246, 114, 221, 203, 74),
            Palette::Light => indexed(25, 241, 22, 94, 160, 31),
            Palette::Sixteen => Colors {
                accent: Color::Cyan,
                // Some make their bright black the background.
                dim: Color::Reset,
                good: Color::Green,
                warning: Color::Yellow,
                bad: Color::Red,
                chart: Color::Blue,
            },
            Palette::None => Colors {
                accent: Color::Reset,
                dim: Color::Reset,
                good: Color::Reset,
                warning: Color::Reset,
                bad: Color::Reset,
                chart: Color::Reset,
            },
        }
    }
}

/// Colours by role.
#[derive(Clone, Copy, Debug)]
struct Colors {
    accent: Color,
    dim: Color,
    good: Color,
    warning: Color,
    bad: Color,
    chart: Color,
}

/// How everything looks.
#[derive(Clone, Debug)]
pub(crate) struct Theme {
    palette: Palette,
    colors: Colors,
    /// Only ASCII for borders and marks.
    is_ascii: bool,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_HEAVY_BORDER: border::Set<'static> = border::Set {
    top_left: "#",
    top_right: "#",
    bottom_left: "#",
    bottom_right: "#",
    vertical_left: "#",
    vertical_right: "#",
    horizontal_top: "=",
    horizontal_bottom: "=",
};

/// Heights in eighths of a cell, from nothing to all of it.
const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII_BARS: [&str; 9] = [" ", ".", ".", ":", ":", "|", "|", "#", "#"];

impl Theme {
    /// `is_ascii` where the terminal lacks UTF-8.
    pub(crate) fn new(palette: Palette, is_ascii: bool) -> Self {
        Self { palette, colors: palette.colors(), is_ascii }
    }

    fn colored(&self, color: Color) -> Style {
        if self.palette == Palette::None { Style::new() } else { Style::new().fg(color) }
    }

    /// Whether a guest's colours are shown.
    pub(crate) fn shows_guest_colors(&self) -> bool {
        self.palette != Palette::None
    }

    /// The borders of a pane; the one that has the keys differs in shape, not in colour alone.
    pub(crate) fn border(&self, has_keys: bool) -> border::Set<'static> {
        match (self.is_ascii, has_keys) {
            (false, false) => border::ROUNDED,
            (false, true) => border::THICK,
            (true, false) => ASCII_BORDER,
            (true, true) => ASCII_HEAVY_BORDER,
        }
    }

    /// The style of a pane's border.
    pub(crate) fn border_style(&self, has_keys: bool) -> Style {
        if has_keys { self.colored(self.colors.accent) } else { self.dim() }
    }

    /// The mark of cut text.
    pub(crate) fn ellipsis(&self) -> char {
        if self.is_ascii { '>' } else { '…' }
    }

    /// What separates facts in a line.
    pub(crate) fn separator(&self) -> &'static str {
        if self.is_ascii { " | " } else { " │ " }
    }

    /// The mark of the selected row.
    pub(crate) fn pointer(&self) -> &'static str {
        if self.is_ascii { ">" } else { "▸" }
    }

    /// The mark of the column that is sorted by.
    pub(crate) fn sorted(&self, is_reversed: bool) -> &'static str {
        match (self.is_ascii, is_reversed) {
            (false, false) => "▾",
            (false, true) => "▴",
            (true, false) => "v",
            (true, true) => "^",
        }
    }

    /// A cell filled to so many eighths.
    pub(crate) fn bar(&self, eighths: usize) -> &'static str {
        let bars = if self.is_ascii { ASCII_BARS } else { BARS };
        bars[eighths.min(8)]
    }

    /// The program's name and a pane's title.
    pub(crate) fn title(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A table's headings.
    pub(crate) fn heading(&self) -> Style {
        self.dim().add_modifier(Modifier::BOLD)
    }

    /// The selected row, in the pane that has the keys or elsewhere.
    pub(crate) fn selected(&self, has_keys: bool) -> Style {
        if has_keys {
            Style::new().add_modifier(Modifier::REVERSED)
        } else {
            Style::new().add_modifier(Modifier::BOLD)
        }
    }

    /// The name of the screen in front.
    pub(crate) fn tab(&self) -> Style {
        self.colored(self.colors.accent).add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// A key's name.
    pub(crate) fn key(&self) -> Style {
        self.colored(self.colors.accent).add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub(crate) fn dim(&self) -> Style {
        match self.palette {
            Palette::Sixteen => Style::new().add_modifier(Modifier::DIM),
            _ => self.colored(self.colors.dim),
        }
    }

    /// What runs, what succeeded.
    pub(crate) fn good(&self) -> Style {
        self.colored(self.colors.good)
    }

    /// What is under way, what is odd.
    pub(crate) fn warning(&self) -> Style {
        self.colored(self.colors.warning)
    }

    /// What failed.
    pub(crate) fn bad(&self) -> Style {
        self.colored(self.colors.bad).add_modifier(Modifier::BOLD)
    }

    /// The bars of charts.
    pub(crate) fn chart(&self) -> Style {
        self.colored(self.colors.chart)
    }

    /// Text that was looked for, or is selected.
    pub(crate) fn found(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::emulator::xterm_color;

    /// Relative luminance (WCAG 2.1, "relative luminance").
    fn luminance(color: Color) -> f64 {
        let Color::Indexed(index) = color else { panic!("{color:?} is what the terminal makes of it") };
        let rgb = xterm_color(index.into());
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(rgb.r) + 0.7152 * linear(rgb.g) + 0.0722 * linear(rgb.b)
    }

    fn contrast(color: Color, background: f64) -> f64 {
        let (a, b) = (luminance(color) + 0.05, background + 0.05);
        a.max(b) / a.min(b)
    }

    /// WCAG 2.1 asks for 4.5 for text and 3 for graphics (1.4.3, 1.4.11).
    #[test]
    fn colours_are_legible_on_their_background() {
        // As dark, and as light, as themes of terminals usually are.
        let (grey, white) = (luminance(Color::Indexed(234)), luminance(Color::Indexed(255)));
        for (palette, backgrounds) in [(Palette::Dark, [0.0, grey]), (Palette::Light, [1.0, white])] {
            let Colors { accent, dim, good, warning, bad, chart } = palette.colors();
            for background in backgrounds {
                for text in [accent, dim, good, warning, bad] {
                    assert!(contrast(text, background) >= 4.5, "{palette:?} {text:?} on {background}");
                }
                assert!(contrast(chart, background) >= 3.0, "{palette:?} {chart:?}");
            }
        }
    }
}

//! Colours and borders by role. Nothing else in the view names a colour.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;

/// How everything looks.
#[derive(Clone, Debug)]
pub(crate) struct Theme {
    /// Colours, or attributes alone.
    has_color: bool,
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

impl Theme {
    /// `has_color` is false where `NO_COLOR` is set; `is_ascii` where the terminal lacks UTF-8.
    pub(crate) fn new(has_color: bool, is_ascii: bool) -> Self {
        Self { has_color, is_ascii }
    }

    fn colored(&self, color: Color) -> Style {
        if self.has_color { Style::new().fg(color) } else { Style::new() }
    }

    /// Whether a guest's colours are shown.
    pub(crate) fn shows_guest_colors(&self) -> bool {
        self.has_color
    }

    /// The borders of a pane; the one that has the keys differs in shape, not in colour alone.
    pub(crate) fn border(&self, has_keys: bool) -> border::Set<'static> {
        match (self.is_ascii, has_keys) {
            (false, false) => border::PLAIN,
            (false, true) => border::THICK,
            (true, false) => ASCII_BORDER,
            (true, true) => ASCII_HEAVY_BORDER,
        }
    }

    /// The style of a pane's border.
    pub(crate) fn border_style(&self, has_keys: bool) -> Style {
        if has_keys { self.colored(Color::Cyan) } else { self.dim() }
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

    /// A key's name.
    pub(crate) fn key(&self) -> Style {
        self.colored(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub(crate) fn dim(&self) -> Style {
        self.colored(Color::DarkGray)
    }

    /// What runs, what succeeded.
    pub(crate) fn good(&self) -> Style {
        self.colored(Color::Green)
    }

    /// What is under way, what is odd.
    pub(crate) fn warning(&self) -> Style {
        self.colored(Color::Yellow)
    }

    /// What failed.
    pub(crate) fn bad(&self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Text that was looked for.
    pub(crate) fn found(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}

//! How the operator wants the console: `console.toml` in the XDG configuration directory, below `hpvm`.

use super::screens::guests::Column;
use crate::view::theme::Palette;
use anyhow::Context as _;
use etcetera::BaseStrategy as _;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// All settings; what a file does not say is as [`Settings::default`] has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// Colours: `dark`, `light`, `16` or `none`.
    pub(crate) theme: Palette,
    /// Borders and marks: `auto` (by the locale), `utf8` or `ascii`.
    pub(crate) borders: Borders,
    /// Where no VSP runs: `ask`, `start` or `wait`.
    pub(crate) vsp: WhereAbsent,
    /// The column by which the table of guests is sorted at first.
    pub(crate) sort: Column,
    /// Lines of earlier output that are kept of each console, 100 to 100000.
    pub(crate) scrollback_lines: usize,
    /// Whether the mouse is used; the terminal's own selection needs Shift then.
    pub(crate) mouse: bool,
}

/// With what borders are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Borders {
    /// As the locale says.
    Auto,
    /// Lines of UTF-8.
    Utf8,
    /// ASCII alone.
    Ascii,
}

/// What to do at first where no VSP runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WhereAbsent {
    /// Ask whether to start one.
    Ask,
    /// Start one.
    Start,
    /// Wait for one.
    Wait,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Palette::Dark,
            borders: Borders::Auto,
            vsp: WhereAbsent::Ask,
            sort: Column::Number,
            scrollback_lines: 10_000,
            mouse: true,
        }
    }
}

/// Where the file is; nothing where no home directory is known.
pub(crate) fn path() -> Option<PathBuf> {
    let directories = etcetera::choose_base_strategy().ok()?;
    Some(directories.config_dir().join("hpvm/console.toml"))
}

/// Reads the settings; where there is no file they are the defaults.
///
/// # Errors
/// One line if the file is not one of settings.
pub(crate) fn read(path: &Path) -> anyhow::Result<Settings> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Settings::default()),
        Err(error) => return Err(error).with_context(|| format!("cannot read '{}'", path.display())),
    };
    parse(&text).with_context(|| format!("'{}' is left aside", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Settings> {
    let settings: Settings = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
        anyhow::anyhow!("line {line}: {}", error.message())
    })?;
    anyhow::ensure!(
        (100..=100_000).contains(&settings.scrollback_lines),
        "scrollback-lines is 100 to 100000, not {}",
        settings.scrollback_lines
    );
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_may_say_some_or_all() {
        assert_eq!(parse("").expect("empty is good"), Settings::default());
        let all = "theme = \"16\"\nborders = \"ascii\"\nvsp = \"start\"\nsort = \"cpu\"\nscrollback-lines = 500\nmouse = false";
        let expected = Settings {
            theme: Palette::Sixteen,
            borders: Borders::Ascii,
            vsp: WhereAbsent::Start,
            sort: Column::Cpu,
            scrollback_lines: 500,
            mouse: false,
        };
        assert_eq!(parse(all).expect("it is good"), expected);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, told) in [
            ("\ntheme = \"pink\"", "line 2: unknown variant `pink`"),
            ("colour = 1", "line 1: unknown field `colour`"),
            ("scrollback-lines = 5", "scrollback-lines is 100 to 100000, not 5"),
            ("theme", "line 1: "),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(told), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn missing_file_is_no_mistake() {
        assert_eq!(read(Path::new("/nonexistent/console.toml")).expect("defaults"), Settings::default());
    }
}

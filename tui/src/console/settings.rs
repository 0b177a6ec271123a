//! How the operator wants the console: `console.toml` in the XDG configuration directory, below `hpvm`.

use super::screens::guests::Column;
use anyhow::Context as _;
use etcetera::BaseStrategy as _;
use serde::{Deserialize, Deserializer, de};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What `frames-per-second` may be.
pub(crate) const FRAMES_PER_SECOND: RangeInclusive<u16> = 1..=60;
/// What `scrollback-lines` may be.
const SCROLLBACK_LINES: RangeInclusive<usize> = 100..=100_000;

/// All settings; what a file does not say is as [`Settings::default`] has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// Colours: `auto` (as the terminal has them), `dark`, `light`, `16` or `none`.
    pub(crate) theme: Colors,
    /// Borders and marks: `auto` (by locale and terminal), `utf8` or `ascii`.
    pub(crate) borders: Borders,
    /// Where no VSP runs: `ask`, `start` or `wait`.
    pub(crate) vsp: WhereAbsent,
    /// The column by which the table of guests is sorted at first.
    pub(crate) sort: Column,
    /// Lines of earlier output that are kept of each console, 100 to 100000.
    #[serde(deserialize_with = "scrollback_lines")]
    pub(crate) scrollback_lines: usize,
    /// Whether the mouse is used; the terminal's own selection needs Shift then.
    pub(crate) mouse: bool,
    /// The most frames a second but for what a key does, 1 to 60.
    #[serde(deserialize_with = "frames_per_second")]
    pub(crate) frames_per_second: u16,
}

/// Which colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Colors {
    /// As many as the terminal is known to have.
    Auto,
    /// For a dark background.
    Dark,
    /// For a light one.
    Light,
    /// The terminal's own sixteen.
    #[serde(rename = "16")]
    Sixteen,
    /// None.
    None,
}

/// With what borders are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Borders {
    /// As locale and terminal say.
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
            theme: Colors::Auto,
            borders: Borders::Auto,
            vsp: WhereAbsent::Ask,
            sort: Column::Number,
            scrollback_lines: 10_000,
            mouse: true,
            frames_per_second: *FRAMES_PER_SECOND.end(),
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
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        anyhow::anyhow!("line {line}: {}", error.message())
    })
}

fn scrollback_lines<'de, D: Deserializer<'de>>(value: D) -> Result<usize, D::Error> {
    within(SCROLLBACK_LINES, usize::deserialize(value)?)
}

fn frames_per_second<'de, D: Deserializer<'de>>(value: D) -> Result<u16, D::Error> {
    within(FRAMES_PER_SECOND, u16::deserialize(value)?)
}

fn within<T: PartialOrd + Display, E: de::Error>(range: RangeInclusive<T>, value: T) -> Result<T, E> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(E::custom(format!("{} to {} are possible, not {value}", range.start(), range.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_may_say_some_or_all() {
        assert_eq!(parse("").expect("empty is good"), Settings::default());
        let all = "theme = \"16\"\nborders = \"ascii\"\nvsp = \"start\"\nsort = \"cpu\"\nscrollback-lines = 500\n\
                   mouse = false\nframes-per-second = 4";
        let expected = Settings {
            theme: Colors::Sixteen,
            borders: Borders::Ascii,
            vsp: WhereAbsent::Start,
            sort: Column::Cpu,
            scrollback_lines: 500,
            mouse: false,
            frames_per_second: 4,
        };
        assert_eq!(parse(all).expect("it is good"), expected);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, told) in [
            (
                "\ntheme = \"pink\"",
                "line 2: unknown variant `pink`, expected one of `auto`, `dark`, `light`, `16`, `none`",
            ),
            ("colour = 1", "line 1: unknown field `colour`, expected one of `theme`, "),
            ("# one\n\n[colours]\nred = 1", "line 3: unknown field `colours`, "),
            ("mouse = true\nscrollback-lines = 5", "line 2: 100 to 100000 are possible, not 5"),
            ("\r\n\r\nframes-per-second = 0", "line 3: 1 to 60 are possible, not 0"),
            ("frames-per-second = -1", "line 1: invalid value: integer `-1`, expected u16"),
            ("\nmouse = \"yes\"", "line 2: invalid type: string \"yes\", expected a boolean"),
            ("mouse = true\nmouse = false", "line 2: duplicate key"),
            ("vsp = \"ask\"\ntheme", "line 2: "),
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

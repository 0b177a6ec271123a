//! What this machine and this process' environment say: the clock, the host's figures, the locale.

use super::figures::HostSample;
use super::msg::Millis;
use crate::view::theme::Palette;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock, in milliseconds since 1970.
pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// The host now, out of files that never keep anybody waiting.
pub(super) fn host() -> HostSample {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    HostSample { cpu: processor_time(&read("/proc/stat")), memory: memory(&read("/proc/meminfo")) }
}

/// Busy and all time out of the first line of `/proc/stat` (proc_stat(5)): user, nice, system, idle, iowait, irq,
/// softirq, steal; guests' time is in user's already.
fn processor_time(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<u64> = line.split_whitespace().take(8).map_while(|time| time.parse().ok()).collect();
    let all: u64 = times.iter().sum();
    let idle = times.get(3)? + times.get(4)?;
    Some((all.saturating_sub(idle), all))
}

/// Memory in use and all of it, in bytes, out of `/proc/meminfo` (proc_meminfo(5)).
fn memory(meminfo: &str) -> Option<(u64, u64)> {
    let kilobytes = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    let all = kilobytes("MemTotal")?;
    let free = kilobytes("MemAvailable")?;
    Some((all.saturating_sub(free) << 10, all << 10))
}

/// A variable of the environment that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a terminal can do, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TerminalKind {
    /// The colours that it has for sure.
    pub(super) palette: Palette,
    /// Its font may lack what borders and marks are drawn with.
    pub(super) has_few_characters: bool,
}

/// The operator's terminal; nothing if it cannot even move its cursor.
pub(super) fn terminal() -> Option<TerminalKind> {
    kind_of(&variable("TERM").unwrap_or_default(), variable("COLORTERM").is_some())
}

/// By the name in terminfo (term(7)); those that set `COLORTERM` have all colours.
fn kind_of(name: &str, has_many_colors: bool) -> Option<TerminalKind> {
    const MANY_COLORS: [&str; 12] = [
        "256color",
        "direct",
        "alacritty",
        "contour",
        "foot",
        "ghostty",
        "iterm",
        "kitty",
        "konsole",
        "mlterm",
        "rio",
        "wezterm",
    ];
    const NO_COLORS: [&str; 4] = ["vt1", "vt2", "vt3", "vt4"];
    if name == "dumb" {
        return None;
    }
    let is_plain = NO_COLORS.iter().any(|start| name.starts_with(start)) || name.ends_with("-m");
    let palette = match name {
        _ if is_plain => Palette::None,
        _ if has_many_colors || MANY_COLORS.iter().any(|part| name.contains(part)) => Palette::Dark,
        _ => Palette::Sixteen,
    };
    Some(TerminalKind { palette, has_few_characters: is_plain || name == "linux" })
}

/// Whether the locale has UTF-8.
pub(super) fn has_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
    locale.to_ascii_lowercase().replace('-', "").contains("utf8")
}

/// Whether the operator wants no colours (no-color.org).
pub(super) fn wants_no_color() -> bool {
    variable("NO_COLOR").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_has_the_colours_that_its_name_promises() {
        for (name, has_many_colors, palette, has_few_characters) in [
            ("xterm-256color", false, Palette::Dark, false),
            ("tmux-256color", true, Palette::Dark, false),
            ("xterm-kitty", false, Palette::Dark, false),
            ("xterm", true, Palette::Dark, false),
            ("xterm", false, Palette::Sixteen, false),
            ("screen", false, Palette::Sixteen, false),
            ("linux", false, Palette::Sixteen, true),
            ("", false, Palette::Sixteen, false),
            ("vt100", false, Palette::None, true),
            ("vt220", true, Palette::None, true),
            ("linux-m", false, Palette::None, true),
        ] {
            let expected = Some(TerminalKind { palette, has_few_characters });
            assert_eq!(kind_of(name, has_many_colors), expected, "{name}");
        }
        assert_eq!(kind_of("dumb", true), None);
    }

    #[test]
    fn figures_are_read_out_of_the_hosts_files() {
        let stat = "cpu  100 10 50 800 40 5 5 10 70 0\ncpu0 1 2 3 4\n";
        assert_eq!(processor_time(stat), Some((180, 1020)));
        let meminfo = "MemTotal:        8000 kB\nMemFree:  100 kB\nMemAvailable:    6000 kB\n";
        assert_eq!(memory(meminfo), Some((2000 << 10, 8000 << 10)));
        assert_eq!((processor_time(""), memory("")), (None, None));
        let sample = host();
        assert!(sample.cpu.is_some() && sample.memory.is_some(), "as on any Linux: {sample:?}");
    }
}

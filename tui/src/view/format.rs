//! Sizes, durations, times and shares as text: one place, so that every screen and every command says them alike.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A size in bytes in HPVM's manner: whole units of powers of two, as `512 MB` or `2 GB`; a size that is
/// no whole number of gigabytes stays in megabytes below 10 GB and gets one decimal above.
pub(crate) fn bytes(bytes: u64) -> String {
    const KB: u64 = 1 << 10;
    const MB: u64 = 1 << 20;
    const GB: u64 = 1 << 30;
    const TB: u64 = 1 << 40;
    match bytes {
        0..MB => format!("{} KB", bytes.div_ceil(KB)),
        MB..GB => format!("{} MB", bytes / MB),
        GB..TB if bytes.is_multiple_of(GB) => format!("{} GB", bytes / GB),
        GB..TB if bytes < 10 * GB => format!("{} MB", bytes / MB),
        GB..TB => format!("{:.1} GB", bytes as f64 / GB as f64),
        _ => format!("{:.1} TB", bytes as f64 / TB as f64),
    }
}

/// The number and the unit of an amount of memory in HPVM's tables: gigabytes where that is a whole number, otherwise
/// megabytes.
pub(crate) fn memory_parts(bytes: u64) -> (u64, &'static str) {
    match bytes {
        _ if bytes > 0 && bytes.is_multiple_of(1 << 30) => (bytes >> 30, "GB"),
        _ => (bytes >> 20, "MB"),
    }
}

/// An amount of memory in HPVM's tables: `2 GB`, `1536 MB`.
pub(crate) fn memory(bytes: u64) -> String {
    let (number, unit) = memory_parts(bytes);
    format!("{number} {unit}")
}

/// The same in tables that leave no blank: `8GB`, `512MB`.
pub(crate) fn memory_close(bytes: u64) -> String {
    let (number, unit) = memory_parts(bytes);
    format!("{number}{unit}")
}

/// Whole per cent with one decimal, as HPVM shows entitlements: `10.0%`.
pub(crate) fn entitlement(percent: f64) -> String {
    format!("{percent:.1}%")
}

/// Time since a moment in microseconds since 1970, as `2 days 03:04:05`.
pub(crate) fn uptime(since_micros: i64, now_micros: i64) -> String {
    let seconds = now_micros.saturating_sub(since_micros).max(0) / 1_000_000;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match seconds / 86_400 {
        0 => clock,
        1 => format!("1 day {clock}"),
        days => format!("{days} days {clock}"),
    }
}

/// A moment in microseconds since 1970, in this machine's time zone.
pub(crate) fn moment(micros: i64) -> String {
    let moment = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    moment.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// A duration in its two largest units: `45s`, `12m03s`, `3h12m`, `5d02h`.
pub(crate) fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// The time from `since` to `now`, both in milliseconds since 1970, as a [`duration`] of whole minutes from the first one
/// on: a screen on which nothing else happens changes once a minute.
pub(crate) fn elapsed(since: i64, now: i64) -> String {
    match u64::try_from(now.saturating_sub(since) / 1000).unwrap_or(0) {
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds => duration(seconds),
    }
}

/// `text` with `·` for control characters, so that no text from elsewhere can act on the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '·' } else { character }).collect()
}

/// A share of one processor in percent: `0.4%`, `12%`, `340%`.
pub(crate) fn percent(value: f32) -> String {
    if value < 9.95 { format!("{value:.1}%") } else { format!("{value:.0}%") }
}

/// Bytes a second: `0`, `512 B/s`, `1.2 MB/s`, `340 MB/s`.
pub(crate) fn rate(bytes: f32) -> String {
    const UNITS: [&str; 4] = ["B/s", "KB/s", "MB/s", "GB/s"];
    let mut value = bytes.max(0.0);
    let mut unit = 0;
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        _ if value < 0.5 => "0".to_owned(),
        1.. if value < 9.95 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// A number of things a second: `0.4`, `340`, `12.3k`, `4M`.
pub(crate) fn count(value: f32) -> String {
    match value.max(0.0) {
        value if value < 0.05 => "0".to_owned(),
        value if value < 9.95 => format!("{value:.1}"),
        value if value < 9999.5 => format!("{value:.0}"),
        value if value < 999_500.0 => format!("{:.1}k", value / 1000.0),
        value => format!("{:.1}M", value / 1e6),
    }
}

/// A short time in microseconds: `95us`, `1.2ms`, `340ms`, `2.5s`; `-` for none.
pub(crate) fn micros(value: f32) -> String {
    match value {
        value if value <= 0.0 || value.is_nan() => "-".to_owned(),
        value if value < 999.5 => format!("{value:.0}us"),
        value if value < 9_950.0 => format!("{:.1}ms", value / 1e3),
        value if value < 999_500.0 => format!("{:.0}ms", value / 1e3),
        value => format!("{:.1}s", value / 1e6),
    }
}

/// `text` cut to `width` columns, the cut marked by `…` (or `>` where only ASCII may be used).
pub(crate) fn fit(text: &str, width: usize, ellipsis: char) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let mut fitted = String::new();
    let mut used = 0;
    for character in text.chars() {
        let columns = character.width().unwrap_or(0);
        if used + columns > room {
            break;
        }
        used += columns;
        fitted.push(character);
    }
    if width > 0 {
        fitted.push(ellipsis);
    }
    fitted
}

/// A path cut to `width` columns: its end matters more than its beginning.
pub(crate) fn fit_path(path: &str, width: usize, ellipsis: char) -> String {
    let path = printable(path);
    if path.width() <= width {
        return path;
    }
    let mut used = usize::from(width > 0);
    let mut start = path.len();
    for (at, character) in path.char_indices().rev() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        start = at;
    }
    let ellipsis = if width > 0 { ellipsis.to_string() } else { String::new() };
    ellipsis + &path[start..]
}

/// `text` as rows of at most `width` columns, broken at blanks where there are any; rows after the first
/// are indented by `indent` blanks. Control characters are shown as `·`, so that no text from elsewhere
/// can act on the terminal. There is always at least one row.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let width = width.max(1);
    let indent = if indent + 8 <= width { indent } else { 0 };
    let mut rows = Vec::new();
    let mut row = String::new();
    let mut used = 0;
    let mut last_blank = None;
    for character in text.chars() {
        let character = if character.is_control() { '·' } else { character };
        let columns = character.width().unwrap_or(0);
        if used + columns > width {
            let rest = match last_blank.take() {
                Some(blank) => {
                    let rest = row.split_off(blank);
                    row.truncate(row.trim_end().len());
                    rest.trim_start().to_owned()
                }
                None => String::new(),
            };
            rows.push(std::mem::take(&mut row));
            row = " ".repeat(indent) + &rest;
            used = row.width();
        }
        row.push(character);
        used += columns;
        if character == ' ' && !row.trim().is_empty() {
            last_blank = Some(row.len());
        }
    }
    rows.push(row);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_powers_of_two_with_a_blank() {
        assert_eq!(bytes(0), "0 KB");
        assert_eq!(bytes(512 << 20), "512 MB");
        assert_eq!(bytes(2 << 30), "2 GB");
        assert_eq!(bytes(1536 << 20), "1536 MB");
        assert_eq!(bytes((16 << 30) + (512 << 20)), "16.5 GB");
        assert_eq!(bytes(3 << 40), "3.0 TB");
    }

    #[test]
    fn memory_is_printed_in_the_largest_whole_unit() {
        assert_eq!(memory(2 << 30), "2 GB");
        assert_eq!(memory(1536 << 20), "1536 MB");
        assert_eq!(memory(0), "0 MB");
        assert_eq!(memory_close(8 << 30), "8GB");
    }

    #[test]
    fn uptime_counts_days() {
        let second = 1_000_000;
        assert_eq!(uptime(5, 5 + 3_725 * second), "01:02:05");
        assert_eq!(uptime(0, 90_000 * second), "1 day 01:00:00");
        assert_eq!(uptime(0, 183_845 * second), "2 days 03:04:05");
        assert_eq!(uptime(10, 0), "00:00:00");
    }

    #[test]
    fn durations_show_two_units() {
        assert_eq!(duration(0), "0s");
        assert_eq!(duration(59), "59s");
        assert_eq!(duration(60), "1m00s");
        assert_eq!(duration(3599), "59m59s");
        assert_eq!(duration(11_520), "3h12m");
        assert_eq!(duration(439_200), "5d02h");
    }

    #[test]
    fn shares_lose_their_decimal_when_large() {
        assert_eq!(percent(0.04), "0.0%");
        assert_eq!(percent(9.94), "9.9%");
        assert_eq!(percent(99.96), "100%");
    }

    #[test]
    fn rates_and_times_have_two_or_three_digits() {
        let rates = [0.0, 100.0, 1200.0, 5.0e6, 1.2e9].map(rate);
        assert_eq!(rates, ["0", "100 B/s", "1.2 KB/s", "4.8 MB/s", "1.1 GB/s"]);
        assert_eq!([0.0, 0.4, 340.0, 12_345.0, 4e6].map(count), ["0", "0.4", "340", "12.3k", "4.0M"]);
        let times = [0.0, 95.0, 1234.0, 45_000.0, 2.5e6].map(micros);
        assert_eq!(times, ["-", "95us", "1.2ms", "45ms", "2.5s"]);
    }

    #[test]
    fn text_is_cut_by_columns_not_by_characters() {
        assert_eq!(fit("guest", 5, '…'), "guest");
        assert_eq!(fit("guests", 5, '…'), "gues…");
        assert_eq!(fit("漢字漢字", 6, '…'), "漢字…");
        assert_eq!(fit("x", 0, '…'), "");
    }

    #[test]
    fn paths_keep_their_end() {
        assert_eq!(fit_path("/a/b", 4, '…'), "/a/b");
        assert_eq!(fit_path("/var/tmp/disk.img", 9, '…'), "…disk.img");
        assert_eq!(fit_path("/漢字", 4, '…'), "…字");
        assert_eq!(fit_path("/a/b", 0, '…'), "");
    }

    #[test]
    fn long_text_breaks_at_blanks_and_indents() {
        assert_eq!(wrap("", 10, 2), [""]);
        assert_eq!(wrap("one two three", 9, 0), ["one two", "three"]);
        assert_eq!(wrap("one two three four", 12, 2), ["one two", "  three four"]);
        assert_eq!(wrap("abcdefghij", 4, 0), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("a\x1b[2Jb", 20, 0), ["a·[2Jb"]);
    }
}

//! Moments of the past as operators write them.

use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp, ZonedDateTime};

/// Reads a moment as [`parse_at`] does, now and in the zone of this machine.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    parse_at(text.trim(), &ZonedDateTime::now())
}

/// Reads a time ago (`10m`, `2h30m`, `3d`), a time of today (`19:30`), or a moment (`2026-11-23T19:30:00Z`; without a zone
/// in that of `now`).
///
/// # Errors
/// One line that says what is understood.
pub(crate) fn parse_at(text: &str, now: &ZonedDateTime) -> Result<Timestamp, String> {
    let wrong = |_| format!("'{text}' is no time: write 10m, 19:30 or 2026-11-23T19:30:00Z");
    let is_ago =
        text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(|c: char| c.is_ascii_alphabetic());
    if is_ago && let Ok(ago) = text.parse::<Span>() {
        return Ok(now.checked_sub(ago).map_err(wrong)?.timestamp());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    if let Ok(moment) = text.parse::<DateTime>() {
        return Ok(moment.to_zoned_datetime(now.time_zone().clone()).map_err(wrong)?.timestamp());
    }
    let today = now.date().to_datetime(text.parse::<Time>().map_err(wrong)?);
    Ok(today.to_zoned_datetime(now.time_zone().clone()).map_err(wrong)?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_form() {
        let now: ZonedDateTime = "2026-11-23T20:00:00+01:00[+01:00]".parse().unwrap();
        let read = |text: &str| parse_at(text, &now).map(|moment| moment.to_string());
        for (text, moment) in [
            ("10m", "2026-11-23T18:50:00Z"),
            ("2h30m", "2026-11-23T16:30:00Z"),
            ("1d", "2026-11-22T19:00:00Z"),
            ("19:30", "2026-11-23T18:30:00Z"),
            ("2026-11-23T19:30:00Z", "2026-11-23T19:30:00Z"),
            ("2026-11-23 19:30", "2026-11-23T18:30:00Z"),
            ("2026-11-23", "2026-11-22T23:00:00Z"),
        ] {
            assert_eq!(read(text), Ok(moment.to_owned()), "{text}");
        }
        for text in ["", "yesterday", "25:00", "-5m"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

//! The wall clock: UTC, the host's plus what the guest has set.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::super::Firmware;
use super::super::call::{Caller, Reply, Unmapped};
use super::status;

/// EFI_TIME: year, month, day, hour, minute, second, pad, nanosecond, time zone, daylight, pad.
const TIME_SIZE: usize = 16;
const UNSPECIFIED_TIMEZONE: i16 = 0x7ff;

fn encode(time: DateTime) -> [u8; TIME_SIZE] {
    let mut bytes = [0; TIME_SIZE];
    bytes[0..2].copy_from_slice(&(time.year() as u16).to_le_bytes());
    for (byte, field) in
        bytes[2..7].iter_mut().zip([time.month(), time.day(), time.hour(), time.minute(), time.second()])
    {
        *byte = field as u8;
    }
    bytes[8..12].copy_from_slice(&(time.subsec_nanosecond() as u32).to_le_bytes());
    bytes[12..14].copy_from_slice(&UNSPECIFIED_TIMEZONE.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; TIME_SIZE]) -> Option<Timestamp> {
    let field = |i: usize| i8::try_from(bytes[i]).ok();
    let nanosecond = i32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    let minutes = i16::from_le_bytes([bytes[12], bytes[13]]);
    let year = i16::from_le_bytes([bytes[0], bytes[1]]);
    let time = DateTime::new(year, field(2)?, field(3)?, field(4)?, field(5)?, field(6)?, nanosecond).ok()?;
    let local = TimeZone::UTC.to_timestamp(time).ok()?;
    match minutes {
        UNSPECIFIED_TIMEZONE => Some(local),
        // Localtime = UTC - TimeZone.
        -1440..=1440 => local.checked_add(SignedDuration::from_mins(minutes as i64)).ok(),
        _ => None,
    }
}

/// `GetTime(time, capabilities)`.
pub(super) fn get_time(
    firmware: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let [time, capabilities, ..] = *arguments;
    if time == 0 {
        return Ok(Reply::status(status::INVALID_PARAMETER));
    }
    let offset = SignedDuration::from_nanos(firmware.state().wall_clock_offset);
    let now = Timestamp::now().checked_add(offset).unwrap_or(Timestamp::UNIX_EPOCH);
    caller.write(time, &encode(TimeZone::UTC.to_datetime(now)))?;
    if capabilities != 0 {
        // Resolution 1 Hz, accuracy 50 parts per million (in 1e-6), setting does not clear the fraction.
        let mut bytes = [0; 12];
        bytes[0..4].copy_from_slice(&1u32.to_le_bytes());
        bytes[4..8].copy_from_slice(&50_000_000u32.to_le_bytes());
        caller.write(capabilities, &bytes)?;
    }
    Ok(Reply::status(status::SUCCESS))
}

/// `SetTime(time)`: moves this guest's clock only.
pub(super) fn set_time(
    firmware: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let mut bytes = [0; TIME_SIZE];
    caller.read(arguments[0], &mut bytes)?;
    let offset = decode(&bytes)
        .and_then(|wanted| i64::try_from(wanted.duration_since(Timestamp::now()).as_nanos()).ok());
    let Some(offset) = offset else { return Ok(Reply::status(status::INVALID_PARAMETER)) };
    firmware.state().wall_clock_offset = offset;
    Ok(Reply::status(status::SUCCESS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_survives_encoding() {
        let time = jiff::civil::date(2026, 11, 23).at(17, 6, 47, 123_456_789);
        let bytes = encode(time);
        assert_eq!(bytes, [0xea, 7, 11, 23, 17, 6, 47, 0, 0x15, 0xcd, 0x5b, 7, 0xff, 7, 0, 0]);
        assert_eq!(TimeZone::UTC.to_datetime(decode(&bytes).unwrap()), time);
    }

    #[test]
    fn time_zone_is_minutes_behind_utc_and_nonsense_is_refused() {
        let mut bytes = encode(jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0));
        bytes[12..14].copy_from_slice(&60i16.to_le_bytes());
        assert_eq!(decode(&bytes).unwrap().to_string(), "2026-01-01T01:00:00Z");
        bytes[2] = 13;
        assert_eq!(decode(&bytes), None);
        assert_eq!(decode(&[0xff; TIME_SIZE]), None);
    }
}

//! Amounts of memory as HPVM writes and prints them.

/// Reads `4G`, `512M`, or megabytes without a unit.
pub(super) fn parse_memory(text: &str) -> Result<u64, String> {
    storage::size::parse(text, 1 << 20).map_err(|e| e.to_string())
}

/// `2 GB`, or megabytes when that is no whole number.
pub(super) fn memory(bytes: u64) -> String {
    let (number, unit) = split(bytes);
    format!("{number} {unit}")
}

/// The number and the unit of an amount.
pub(super) fn split(bytes: u64) -> (u64, &'static str) {
    match bytes {
        _ if bytes > 0 && bytes.is_multiple_of(1 << 30) => (bytes >> 30, "GB"),
        _ => (bytes >> 20, "MB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_printed_in_the_largest_whole_unit() {
        assert_eq!(memory(2 << 30), "2 GB");
        assert_eq!(memory(1536 << 20), "1536 MB");
        assert_eq!(memory(0), "0 MB");
        assert_eq!(parse_memory("512"), Ok(512 << 20));
    }
}

//! Sizes as operators write them: a number and a unit, where units are powers of two (`4G` is 4 x 2^30 bytes).

/// Why a size was not understood.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SizeError {
    /// Not a number with an optional unit.
    #[error("'{0}' is not a size: write a whole number and K, M, G or T")]
    Form(String),
    /// More than 2^63 bytes.
    #[error("'{0}' is too large")]
    TooLarge(String),
}

/// Reads a size in bytes. A bare number is counted in `default_unit` bytes.
pub fn parse(text: &str, default_unit: u64) -> Result<u64, SizeError> {
    let form = || SizeError::Form(text.to_owned());
    let trimmed = text.trim();
    let digits_end = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(digits_end);
    if digits.is_empty() {
        return Err(form());
    }
    let unit = match unit.to_ascii_uppercase().as_str() {
        "" => default_unit,
        "B" => 1,
        "K" | "KB" | "KIB" => 1 << 10,
        "M" | "MB" | "MIB" => 1 << 20,
        "G" | "GB" | "GIB" => 1 << 30,
        "T" | "TB" | "TIB" => 1 << 40,
        _ => return Err(form()),
    };
    let too_large = || SizeError::TooLarge(text.to_owned());
    let count: u64 = digits.parse().map_err(|_| too_large())?;
    count.checked_mul(unit).filter(|bytes| *bytes <= i64::MAX as u64).ok_or_else(too_large)
}

/// Writes a size in the largest unit that leaves a whole number: `4G`, `1536M`, `512`.
pub fn print(bytes: u64) -> String {
    let units = [(40, "T"), (30, "G"), (20, "M"), (10, "K")];
    match units.iter().find(|(shift, _)| bytes != 0 && bytes.trailing_zeros() >= *shift) {
        Some((shift, letter)) => format!("{}{letter}", bytes >> shift),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_two() {
        assert_eq!(parse("4G", 1), Ok(4 << 30));
        assert_eq!(parse("512m", 1), Ok(512 << 20));
        assert_eq!(parse("1024", 1 << 20), Ok(1 << 30));
        assert_eq!(parse(" 7 ", 1), Ok(7));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "G", "-1", "+1", "1.5G", "1 G", "1X", "0x10"] {
            assert!(matches!(parse(bad, 1), Err(SizeError::Form(_))), "{bad}");
        }
        assert!(matches!(parse("8388608T", 1), Err(SizeError::TooLarge(_))));
        assert!(matches!(parse("99999999999999999999999", 1), Err(SizeError::TooLarge(_))));
    }

    #[test]
    fn printing_keeps_the_exact_size() {
        for bytes in [0, 1, 512, 1 << 10, 1536 << 20, 4 << 30, 3 << 40, (4 << 30) + 512] {
            assert_eq!(parse(&print(bytes), 1), Ok(bytes));
        }
        assert_eq!(print(1536 << 20), "1536M");
    }
}

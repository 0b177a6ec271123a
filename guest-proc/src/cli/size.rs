//! Sizes on the command line.

/// Bytes of a size such as `512M`, `1G` or `1024` (megabytes). Units are powers of two.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 10),
        Some((at, 'm' | 'M')) => (&text[..at], 20),
        Some((at, 'g' | 'G')) => (&text[..at], 30),
        _ => (text, 20),
    };
    let number: u64 = digits.parse().map_err(|_| "not a size; write for example 512M or 1G".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "far too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn units_are_powers_of_two_and_megabytes_the_default() {
        assert_eq!(
            ["1G", "512m", "64", "65536K"].map(parse),
            [Ok(1 << 30), Ok(512 << 20), Ok(64 << 20), Ok(64 << 20)]
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "G", "-1M", "1.5G", "12é", "99999999999999999999G", "99999999999G"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

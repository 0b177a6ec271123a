//! Bit fields of instruction words and bundles: the only shifts and masks outside the table's immediates.

/// The `len` bits of `word` that start at bit `lo`. `len` is 1..=63 and `lo + len` at most 64.
#[inline]
pub const fn field(word: u64, lo: u32, len: u32) -> u64 {
    (word >> lo) & ones(len)
}

/// `len` ones at the bottom of a word; `len` is 0..=64.
#[inline]
pub const fn ones(len: u32) -> u64 {
    if len >= 64 { u64::MAX } else { (1 << len) - 1 }
}

/// The low `len` bits of `value` as a signed number; `len` is 1..=64.
#[inline]
pub const fn sext(value: u64, len: u32) -> i64 {
    ((value << (64 - len)) as i64) >> (64 - len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sext_extends_the_top_bit_of_the_field() {
        assert_eq!(sext(0x3fff, 14), -1);
        assert_eq!(sext(0x1fff, 14), 8191);
        assert_eq!(sext(u64::MAX, 64), -1);
    }

    #[test]
    fn field_takes_exactly_its_bits() {
        assert_eq!(field(0xa5 << 37, 37, 4), 5);
        assert_eq!(field(u64::MAX, 1, 63), u64::MAX >> 1);
    }
}

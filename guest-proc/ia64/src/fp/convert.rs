//! Between floating-point values and integers. SDM volume 3, "fcvt.fx", "fcvt.xf", "fpcvt.fx".

use super::round::{Outcome, shift_right_sticky, trap};
use super::status::{Control, Flags, Rounding};
use super::value::{BIAS, Class, Finite, INTEGER_BIT};
use crate::state::Fr;

/// `fcvt.fx`, `fcvt.fxu` and, with a truncating control, their `.trunc` forms: a 64-bit integer in the significand.
#[inline]
pub fn fcvt_fx(f2: Fr, unsigned: bool, control: &Control) -> Outcome {
    if f2.is_natval() {
        return Outcome::exact(Fr::NATVAL);
    }
    to_integer(f2, 64, unsigned, control).map(Fr::from_significand)
}

/// Converts to an integer of `width` (32 or 64) bits, in the low bits of the result. Out of range is an invalid
/// operation and gives the most negative integer.
pub fn to_integer(value: Fr, width: u32, unsigned: bool, control: &Control) -> Outcome<u64> {
    let indefinite = 1 << (width - 1);
    let unnormal = match value.class() {
        Class::Normal | Class::Zero => Flags::empty(),
        Class::Unnormal => Flags::D,
        _ => return Outcome::checked(indefinite, Flags::V, control),
    };
    let Finite { sign, exponent, significand } = Finite::new(value);
    if significand == 0 {
        return Outcome::checked(0, unnormal, control);
    }
    let Ok(right) = u32::try_from(BIAS + 63 - exponent) else {
        return Outcome::checked(indefinite, Flags::V, control);
    };
    // The integer part in the high half, what is cut off in the low half.
    let bits = shift_right_sticky(u128::from(significand) << 64, right);
    let (whole, fraction) = ((bits >> 64) as u64, bits as u64);
    let up = fraction != 0
        && match control.rounding {
            Rounding::Nearest => fraction > 1 << 63 || fraction == 1 << 63 && whole & 1 != 0,
            Rounding::Zero => false,
            Rounding::Down => sign,
            Rounding::Up => !sign,
        };
    // With a fraction the whole part has at most 63 bits.
    let magnitude = whole + up as u64;
    let limit = match (unsigned, sign) {
        (true, true) => 0,
        (true, false) => u64::MAX >> (64 - width),
        (false, true) => indefinite,
        (false, false) => indefinite - 1,
    };
    if magnitude > limit {
        return Outcome::checked(indefinite, Flags::V, control);
    }
    let integer = if sign { magnitude.wrapping_neg() & u64::MAX >> (64 - width) } else { magnitude };
    let mut outcome = Outcome::checked(integer, unnormal, control);
    if fraction != 0 {
        outcome.flags |= Flags::I;
        if !control.masked.contains(Flags::I) {
            outcome.trap = trap::I | if up { trap::FPA } else { 0 };
        }
    }
    outcome
}

/// `fcvt.xf`: the signed integer in the significand, as a normalised number. Always exact.
#[inline]
pub fn fcvt_xf(f2: Fr) -> Fr {
    if f2.is_natval() {
        return Fr::NATVAL;
    }
    let integer = f2.significand as i64;
    if integer == 0 {
        return Fr::ZERO;
    }
    let magnitude = integer.unsigned_abs();
    let zeros = magnitude.leading_zeros();
    let significand = magnitude << zeros;
    debug_assert!(significand & INTEGER_BIT != 0);
    Fr::from_parts(integer < 0, Fr::INTEGER_EXPONENT - zeros, significand)
}

//! Reciprocal and reciprocal square root approximations, `frcpa` and `frsqrta`, and the exact quotients and roots
//! delivered where an approximation could not be refined to the right result. SDM volume 3, "frcpa", "frsqrta",
//! "fprcpa", "fprsqrta".
//!
//! An operation gives a value and a predicate: set, the value is an approximation for Newton-Raphson steps; clear, it
//! is the final quotient or root.

use super::round::{Exact, Outcome, round};
use super::status::{Control, Flags};
use super::value::{BIAS, Class, Finite};
use crate::state::Fr;

/// 11-bit reciprocals of the midpoints of 256 intervals of [1, 2), rounded to nearest: the architected table.
pub static RECIPROCAL: [u16; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        // 2048 / (1 + (i + 1/2) / 256)
        let divisor = 513 + 2 * i as u32;
        table[i] = ((2048 * 512 * 2 + divisor) / (2 * divisor)) as u16;
        i += 1;
    }
    table
};

/// 11-bit reciprocal square roots of the midpoints of 128 intervals, rounded to nearest: of [2, 4) in the first half
/// (biased exponent even), of [1, 2) in the second (odd).
pub static RECIPROCAL_ROOT: [u16; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        // 2048 / √x with x = n / 256
        let n = (257 + 2 * (i as u64 & 127)) << (i < 128) as u64;
        let mut root = 1024;
        // Up while (root + 1/2)² · x < 2048².
        while (2 * root + 1) * (2 * root + 1) * n < 4 * 256 * 2048 * 2048 {
            root += 1;
        }
        table[i] = root as u16;
        i += 1;
    }
    table
};

fn reciprocal(den: Finite) -> Fr {
    let significand = u64::from(RECIPROCAL[(den.significand >> 55 & 0xff) as usize]) << 53;
    Fr::from_parts(den.sign, (2 * BIAS - 1 - den.exponent) as u32, significand)
}

fn reciprocal_root(x: Finite) -> Fr {
    let index = (x.exponent as usize & 1) << 7 | (x.significand >> 56 & 0x7f) as usize;
    let exponent = BIAS - 1 - ((x.exponent - BIAS) >> 1);
    Fr::from_parts(false, exponent as u32, u64::from(RECIPROCAL_ROOT[index]) << 53)
}

/// The operands of a division that is not decided by their classes, or the result that they decide.
fn division(f2: Fr, f3: Fr, control: &Control) -> Result<(Finite, Finite, Flags), Outcome> {
    let (num, den) = (f2.class(), f3.class());
    if num == Class::NatVal || den == Class::NatVal {
        return Err(Outcome::exact(Fr::NATVAL));
    }
    if num == Class::Unsupported || den == Class::Unsupported {
        return Err(Outcome::invalid(control));
    }
    if num.is_nan() || den.is_nan() {
        let signalling = num == Class::SNan || den == Class::SNan;
        let nan = if num.is_nan() { f2 } else { f3 };
        let flags = if signalling { Flags::V } else { Flags::empty() };
        return Err(Outcome::checked(nan.quieted(), flags, control));
    }
    let sign = f2.sign() ^ f3.sign();
    let unnormal = if num == Class::Unnormal || den == Class::Unnormal { Flags::D } else { Flags::empty() };
    match (num, den) {
        (Class::Infinity, Class::Infinity) => return Err(Outcome::invalid(control)),
        (Class::Infinity, _) => return Err(Outcome::checked(Fr::infinity(sign), unnormal, control)),
        (_, Class::Infinity) => return Err(Outcome::checked(Fr::zero(sign), unnormal, control)),
        _ => {}
    }
    let (num, den) = (Finite::new(f2), Finite::new(f3));
    match (num.is_zero(), den.is_zero()) {
        (true, true) => Err(Outcome::invalid(control)),
        (false, true) => Err(Outcome::checked(Fr::infinity(sign), Flags::Z, control)),
        (true, false) => Err(Outcome::checked(Fr::zero(sign), unnormal, control)),
        (false, false) => Ok((num, den, unnormal)),
    }
}

/// Where Newton-Raphson steps would leave the register format's range.
#[inline]
fn is_hard(num: i32, den: i32) -> bool {
    let distance = num - den;
    den <= 0 || den >= 2 * BIAS - 2 || distance <= 2 - BIAS || distance >= BIAS || num <= 64
}

/// `frcpa`: an approximation of 1/f3, or the quotient f2/f3 rounded as the status field says.
#[inline]
pub fn frcpa(f2: Fr, f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    let (num, den) = (f2.exponent() as i32, f3.exponent() as i32);
    if f2.is_normal() && f3.is_normal() && !is_hard(num, den) {
        let den = Finite { sign: f3.sign(), exponent: den, significand: f3.significand };
        return Outcome::exact((reciprocal(den), true));
    }
    uncommon_frcpa(f2, f3, control)
}

#[inline(never)]
fn uncommon_frcpa(f2: Fr, f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    let (num, den, unnormal) = match division(f2, f3, control) {
        Ok(operands) => operands,
        Err(decided) => return decided.map(|value| (value, false)),
    };
    if is_hard(num.exponent, den.exponent) {
        quotient(num, den, control).also(unnormal, control).map(|value| (value, false))
    } else {
        Outcome::checked((reciprocal(den), true), unnormal, control)
    }
}

/// One half of `fprcpa`.
pub fn fprcpa(f2: Fr, f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    let (num, den, unnormal) = match division(f2, f3, control) {
        Ok(operands) => operands,
        Err(decided) => return decided.map(|value| (value, false)),
    };
    // In single range: a denormal divisor, or one whose reciprocal would be denormal.
    const SINGLE_BIAS: i32 = 127;
    let result = if f3.class() == Class::Unnormal {
        (Fr::infinity(den.sign), false)
    } else if den.exponent >= BIAS + SINGLE_BIAS - 2 {
        (Fr::zero(den.sign), false)
    } else {
        let distance = num.exponent - den.exponent;
        let hard =
            distance >= SINGLE_BIAS || distance <= 2 - SINGLE_BIAS || num.exponent <= BIAS - SINGLE_BIAS + 24;
        (reciprocal(den), !hard)
    };
    Outcome::checked(result, unnormal, control)
}

/// The operand of a square root that is not decided by its class, or the result that it decides.
fn radicand(f3: Fr, control: &Control) -> Result<(Finite, Flags), Outcome> {
    let class = f3.class();
    let unnormal = if class == Class::Unnormal { Flags::D } else { Flags::empty() };
    match class {
        Class::NatVal => Err(Outcome::exact(Fr::NATVAL)),
        Class::Unsupported => Err(Outcome::invalid(control)),
        Class::SNan => Err(Outcome::checked(f3.quieted(), Flags::V, control)),
        Class::QNan => Err(Outcome::exact(f3)),
        _ if f3.significand == 0 => Err(Outcome::checked(Fr::zero(f3.sign()), unnormal, control)),
        _ if f3.sign() => Err(Outcome::invalid(control)),
        Class::Infinity => Err(Outcome::exact(f3)),
        _ => Ok((Finite::new(f3), unnormal)),
    }
}

/// `frsqrta`: an approximation of 1/√f3, or the square root of f3 rounded as the status field says.
pub fn frsqrta(f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    let (x, unnormal) = match radicand(f3, control) {
        Ok(operand) => operand,
        Err(decided) => return decided.map(|value| (value, false)),
    };
    if x.exponent <= 64 {
        root(x, control).also(unnormal, control).map(|value| (value, false))
    } else {
        Outcome::checked((reciprocal_root(x), true), unnormal, control)
    }
}

/// One half of `fprsqrta`. Unlike `frsqrta` it gives reciprocals of zero and infinity too.
pub fn fprsqrta(f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    let (x, unnormal) = match radicand(f3, control) {
        Ok(operand) => operand,
        Err(decided) => {
            return decided.map(|value| match value.class() {
                Class::Zero => (Fr::infinity(value.sign()), false),
                Class::Infinity => (Fr::zero(value.sign()), false),
                _ => (value, false),
            });
        }
    };
    Outcome::checked((reciprocal_root(x), x.exponent > BIAS - 127 + 24), unnormal, control)
}

/// num / den, rounded.
fn quotient(num: Finite, den: Finite, control: &Control) -> Outcome {
    let divisor = u128::from(den.significand);
    let dividend = u128::from(num.significand) << 64;
    let (first, rest) = (dividend / divisor, dividend % divisor);
    let rest = rest << 32;
    let bits = first << 32 | (rest / divisor);
    // The quotient is bits · 2^−96, of which bit 96 or bit 95 is the highest.
    let zeros = bits.leading_zeros();
    let sticky = !rest.is_multiple_of(divisor) as u128;
    let exponent = num.exponent - den.exponent + BIAS + 31 - zeros as i32;
    round(Exact { sign: num.sign ^ den.sign, exponent, bits: bits << zeros | sticky }, control)
}

/// √x, rounded.
fn root(x: Finite, control: &Control) -> Outcome {
    let unbiased = x.exponent - BIAS;
    let square = u128::from(x.significand) << (63 + (unbiased & 1));
    let root = square.isqrt();
    let rest = square - root * root;
    // (root + 1/2)² = root² + root + 1/4, and no root is half-way.
    let bits = root << 64 | ((rest > root) as u128) << 63 | (rest != 0) as u128;
    round(Exact { sign: false, exponent: BIAS + (unbiased >> 1), bits }, control)
}

//! Multiply-add: `fma`, `fms`, `fnma` and with them `fadd`, `fsub`, `fmpy`, `fnorm`, `fcvt.xuf`.
//! SDM volume 3, "fma", "fms", "fnma".

use super::round::{Exact, Outcome, nearest, round};
use super::status::{Control, Flags, Format, Rounding};
use super::value::{BIAS, Class, Finite};
use crate::state::Fr;

/// Which signs are turned around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// −(a·b)
    pub negate_product: bool,
    /// −c
    pub negate_addend: bool,
}

impl Form {
    /// a·b + c
    pub const FMA: Form = Form { negate_product: false, negate_addend: false };
    /// a·b − c
    pub const FMS: Form = Form { negate_product: false, negate_addend: true };
    /// −(a·b) + c
    pub const FNMA: Form = Form { negate_product: true, negate_addend: false };
}

/// `±(f3 · f4) ± f2` with one rounding. `f2` is `None` when the instruction names f0 as its addend: the sum is then
/// left out and with it its rule for the sign of zero, so that a product −0 stays −0.
#[inline]
pub fn fma(form: Form, f3: Fr, f4: Fr, f2: Option<Fr>, control: &Control) -> Outcome {
    let sign = f3.sign() ^ f4.sign() ^ form.negate_product;
    match f2 {
        Some(f2) if f3.is_normal() & f4.is_normal() & f2.is_normal() => {
            let product =
                product(sign, f3.exponent() as i32, f3.significand, f4.exponent() as i32, f4.significand);
            let f2 = Finite {
                sign: f2.sign() ^ form.negate_addend,
                exponent: f2.exponent() as i32,
                significand: f2.significand,
            };
            match sum(product, f2) {
                Some(exact) => round(exact, control),
                None => Outcome::exact(cancelled(control)),
            }
        }
        None if f3.is_normal() & f4.is_normal() => {
            let product =
                product(sign, f3.exponent() as i32, f3.significand, f4.exponent() as i32, f4.significand);
            round(product, control)
        }
        _ => uncommon(form, f3, f4, f2, control),
    }
}

/// The same for the ordinary case alone: normalised operands of moderate magnitude, to nearest, a result in range. Gives
/// the value and whether it is inexact, or `None` for [`fma`] to do it. Small enough to stand in the body of an
/// instruction.
#[inline(always)]
pub fn quick(form: Form, f3: Fr, f4: Fr, f2: Option<Fr>, format: &Format) -> Option<(Fr, bool)> {
    let sign = f3.sign() ^ f4.sign() ^ form.negate_product;
    let product = |f3: Fr, f4: Fr| {
        product(sign, f3.exponent() as i32, f3.significand, f4.exponent() as i32, f4.significand)
    };
    let exact = match f2 {
        Some(f2) if are_moderate([f3, f4, f2]) => {
            let sign = f2.sign() ^ form.negate_addend;
            let f2 = Finite { sign, exponent: f2.exponent() as i32, significand: f2.significand };
            sum(product(f3, f4), f2)?
        }
        // A zero added changes nothing but a zero.
        _ if are_moderate([f3, f4]) && f2.is_none_or(|f2| f2.class() == Class::Zero) => product(f3, f4),
        _ => return None,
    };
    nearest(exact, format)
}

/// Are all of these normalised numbers of magnitude 2^−8192 to 2^8192?
#[inline(always)]
fn are_moderate<const N: usize>(operands: [Fr; N]) -> bool {
    const WINDOW: u32 = 8192;
    let (mut all, mut distance) = (u64::MAX, 0);
    for fr in operands {
        all &= fr.significand;
        // The window is a power of two wide: nothing but its low bits may be set, whatever the sign.
        distance |= fr.sign_exponent.wrapping_sub(0xffff - WINDOW);
    }
    all >> 63 != 0 && distance & 0x1ffff & !(2 * WINDOW - 1) == 0
}

/// The product of two normalised significands with their biased exponents.
#[inline(always)]
fn product(sign: bool, e1: i32, s1: u64, e2: i32, s2: u64) -> Exact {
    let bits = u128::from(s1) * u128::from(s2);
    let low = (bits >> 127 == 0) as u32;
    Exact { sign, exponent: e1 + e2 - BIAS + 1 - low as i32, bits: bits << low }
}

/// The sum of a product and a normalised number; `None` when it is exactly zero.
#[inline(always)]
fn sum(product: Exact, addend: Finite) -> Option<Exact> {
    let distance = product.exponent - addend.exponent;
    let addend_bits = u128::from(addend.significand) << 64;
    let opposite = product.sign != addend.sign;
    let (mut sign, mut exponent, big, (small, lost)) = if distance >= 0 {
        (product.sign, product.exponent, product.bits, aligned(addend_bits, distance as u32))
    } else {
        (addend.sign, addend.exponent, addend_bits, aligned(product.bits, distance.unsigned_abs()))
    };
    if !opposite {
        let (total, carry) = big.overflowing_add(small);
        if !carry {
            return Some(Exact { sign, exponent, bits: total | lost as u128 });
        }
        exponent += 1;
        return Some(Exact {
            sign,
            exponent,
            bits: total >> 1 | 1 << 127 | (lost || total & 1 != 0) as u128,
        });
    }
    // What was lost lies strictly between 0 and 1; taking 1 away for it leaves a rest there.
    let (mut difference, negative) = big.overflowing_sub(small + lost as u128);
    if negative {
        // Only without any alignment is the second the greater one.
        difference = difference.wrapping_neg();
        sign = !sign;
    }
    if difference == 0 {
        return None;
    }
    // More than one place is normalised only after an alignment by at most one place, where what was lost and the rest
    // are exactly 1/2. So the rest is the bit just below the difference, or a sticky bit in its place. It never is all
    // that is left: the product of two significands lies at least 2^65 below the next power of two.
    let zeros = difference.leading_zeros();
    let mut bits = difference << zeros;
    if lost {
        bits |= 1 << zeros >> (zeros != 0) as u32;
    }
    Some(Exact { sign, exponent: exponent - zeros as i32, bits })
}

/// `bits` moved right, and whether a bit that was set fell off.
#[inline(always)]
fn aligned(bits: u128, distance: u32) -> (u128, bool) {
    let (high, low) = ((bits >> 64) as u64, bits as u64);
    if distance < 64 {
        (bits >> distance, low & !(u64::MAX << distance) != 0)
    } else if distance < 128 {
        let distance = distance - 64;
        (u128::from(high >> distance), low != 0 || high & !(u64::MAX << distance) != 0)
    } else {
        (0, true)
    }
}

/// The zero that a sum of opposite values gives.
fn cancelled(control: &Control) -> Fr {
    Fr::zero(control.rounding == Rounding::Down)
}

/// Operands of which one at least is not a normalised number.
#[inline(never)]
fn uncommon(form: Form, f3: Fr, f4: Fr, f2: Option<Fr>, control: &Control) -> Outcome {
    let addend = f2.unwrap_or(Fr::ZERO);
    let classes = [f4.class(), addend.class(), f3.class()];
    if classes.contains(&Class::NatVal) {
        return Outcome::exact(Fr::NATVAL);
    }
    if classes.contains(&Class::Unsupported) {
        return Outcome::invalid(control);
    }
    // Of several NaNs the first of f4, f2, f3 is handed on.
    if let Some(i) = classes.iter().position(|c| c.is_nan()) {
        let signalling = classes.contains(&Class::SNan);
        let flags = if signalling { Flags::V } else { Flags::empty() };
        return Outcome::checked([f4, addend, f3][i].quieted(), flags, control);
    }
    let product_sign = f3.sign() ^ f4.sign() ^ form.negate_product;
    let addend_sign = addend.sign() ^ form.negate_addend;
    let [c4, c2, c3] = classes;
    let unnormal = if classes.contains(&Class::Unnormal) { Flags::D } else { Flags::empty() };
    if c3 == Class::Infinity || c4 == Class::Infinity {
        // A pseudo-zero times infinity is infinity: only true zeros are invalid.
        let indeterminate = c3 == Class::Zero || c4 == Class::Zero;
        if indeterminate || c2 == Class::Infinity && product_sign != addend_sign {
            return Outcome::invalid(control);
        }
        return Outcome::checked(Fr::infinity(product_sign), unnormal, control);
    }
    if c2 == Class::Infinity {
        return Outcome::checked(Fr::infinity(addend_sign), unnormal, control);
    }
    let (a, b, c) = (Finite::new(f3), Finite::new(f4), Finite::new(addend));
    let c = Finite { sign: addend_sign, ..c };
    let zero_product = a.is_zero() || b.is_zero();
    let outcome = if zero_product && c.is_zero() {
        Outcome::exact(match f2 {
            None => Fr::zero(product_sign),
            Some(_) if product_sign == addend_sign => Fr::zero(product_sign),
            Some(_) => cancelled(control),
        })
    } else if zero_product {
        let bits = u128::from(c.significand) << 64;
        round(Exact { sign: c.sign, exponent: c.exponent, bits }, control)
    } else {
        let product = product(product_sign, a.exponent, a.significand, b.exponent, b.significand);
        if c.is_zero() {
            round(product, control)
        } else {
            match sum(product, c) {
                Some(exact) => round(exact, control),
                None => Outcome::exact(cancelled(control)),
            }
        }
    };
    outcome.also(unnormal, control)
}

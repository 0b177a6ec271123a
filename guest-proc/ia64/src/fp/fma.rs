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

/// The same for the ordinary case alone: normalised operands, to nearest, a result in range. Gives the value and whether
/// it is inexact, or `None` for [`fma`] to do it. Small enough to stand in the body of an instruction.
#[inline(always)]
pub fn quick(form: Form, f3: Fr, f4: Fr, f2: Option<Fr>, format: &Format) -> Option<(Fr, bool)> {
    let sign = f3.sign() ^ f4.sign() ^ form.negate_product;
    if !(f3.is_normal() & f4.is_normal()) {
        return None;
    }
    let product = product(sign, f3.exponent() as i32, f3.significand, f4.exponent() as i32, f4.significand);
    let exact = match f2 {
        Some(f2) if f2.is_normal() => {
            let sign = f2.sign() ^ form.negate_addend;
            sum(product, Finite { sign, exponent: f2.exponent() as i32, significand: f2.significand })?
        }
        Some(f2) if f2.class() != Class::Zero => return None,
        _ => product,
    };
    nearest(exact, format)
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
    let addend =
        Exact { sign: addend.sign, exponent: addend.exponent, bits: u128::from(addend.significand) << 64 };
    let distance = product.exponent - addend.exponent;
    let (big, small) = if distance > 0 || distance == 0 && product.bits >= addend.bits {
        (product, addend)
    } else {
        (addend, product)
    };
    let distance = distance.unsigned_abs();
    let (shifted, lost) = if distance < 128 {
        let shifted = small.bits >> distance;
        (shifted, shifted << distance != small.bits)
    } else {
        (0, true)
    };
    if big.sign == small.sign {
        let (total, carry) = big.bits.overflowing_add(shifted);
        let carry = carry as u32;
        let lost = lost || total as u32 & carry != 0;
        let bits = total >> carry | u128::from(carry) << 127 | lost as u128;
        return Some(Exact { sign: big.sign, exponent: big.exponent + carry as i32, bits });
    }
    let difference = big.bits - shifted - lost as u128;
    if difference == 0 {
        return None;
    }
    // What was lost lies strictly between 0 and 1; taking 1 away for it leaves a rest there. More than one place is
    // normalised only after an alignment by at most one place, where what was lost and the rest are exactly 1/2. So
    // the rest is the bit just below the difference, or a sticky bit in its place. It never is all that is left: the
    // product of two significands lies at least 2^65 below the next power of two.
    let zeros = difference.leading_zeros();
    let rest = (lost as u128) << zeros >> (zeros != 0) as u32;
    Some(Exact { sign: big.sign, exponent: big.exponent - zeros as i32, bits: difference << zeros | rest })
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

//! Parallel arithmetic: the same operation on the two IEEE singles of a significand, each half on its own, exceptions
//! of both together. SDM volume 1, 5.3.2; volume 3, "fpma" and the other `fp…` pages.

use super::approx;
use super::bits::concatenate;
use super::compare::{self, Extreme};
use super::convert;
use super::fma::{self, Form};
use super::memory::{from_single, to_single};
use super::round::Outcome;
use super::status::Control;
use super::value::{INTEGER_BIT, SPECIAL_EXPONENT};
use crate::op::FpRel;
use crate::state::Fr;

#[inline]
fn high(fr: Fr) -> Fr {
    from_single((fr.significand >> 32) as u32)
}

#[inline]
fn low(fr: Fr) -> Fr {
    from_single(fr.significand as u32)
}

/// Both halves' results as one. The high half reports where a scalar operation would.
fn join(high: Outcome<u32>, low: Outcome<u32>) -> Outcome {
    Outcome {
        value: Fr::from_significand(concatenate(high.value, low.value)),
        flags: high.flags | low.flags,
        fault: high.fault | low.fault << 4,
        trap: high.trap | low.trap >> 4,
    }
}

/// A result of single arithmetic in single format. An exponent out of range, left so by an overflow or underflow that
/// traps, is taken modulo 2^8.
fn single(fr: Fr) -> u32 {
    if fr.exponent() == SPECIAL_EXPONENT || fr.significand & INTEGER_BIT == 0 {
        return to_single(fr);
    }
    let exponent = fr.exponent().wrapping_sub(0xff80) & 0xff;
    (fr.sign() as u32) << 31 | exponent << 23 | (fr.significand << 1 >> 41) as u32
}

/// `fpma`, `fpms`, `fpnma`; `f2` is `None` when the addend is f0 (`fpmpy`, `fpnmpy`).
pub fn fpma(form: Form, f3: Fr, f4: Fr, f2: Option<Fr>, control: &Control) -> Outcome {
    if f3.is_natval() || f4.is_natval() || f2.is_some_and(Fr::is_natval) {
        return Outcome::exact(Fr::NATVAL);
    }
    join(
        fma::fma(form, high(f3), high(f4), f2.map(high), control).map(single),
        fma::fma(form, low(f3), low(f4), f2.map(low), control).map(single),
    )
}

/// `fpmin`, `fpmax`, `fpamin`, `fpamax`.
pub fn extreme(which: Extreme, f2: Fr, f3: Fr, control: &Control) -> Outcome {
    if f2.is_natval() || f3.is_natval() {
        return Outcome::exact(Fr::NATVAL);
    }
    join(
        compare::extreme(which, high(f2), high(f3), control).map(single),
        compare::extreme(which, low(f2), low(f3), control).map(single),
    )
}

/// `fpcmp`: all ones in the halves for which the relation holds.
pub fn fpcmp(relation: FpRel, f2: Fr, f3: Fr, control: &Control) -> Outcome {
    if f2.is_natval() || f3.is_natval() {
        return Outcome::exact(Fr::NATVAL);
    }
    let mask = |holds: Option<bool>| if holds == Some(true) { u32::MAX } else { 0 };
    join(
        compare::fcmp(relation, high(f2), high(f3), control).map(mask),
        compare::fcmp(relation, low(f2), low(f3), control).map(mask),
    )
}

/// `fpcvt.fx`, `fpcvt.fxu` and, with a truncating control, their `.trunc` forms.
pub fn fpcvt_fx(f2: Fr, unsigned: bool, control: &Control) -> Outcome {
    if f2.is_natval() {
        return Outcome::exact(Fr::NATVAL);
    }
    let convert = |half| convert::to_integer(half, 32, unsigned, control).map(|integer| integer as u32);
    join(convert(high(f2)), convert(low(f2)))
}

/// Joins two approximations; the predicate asks for refinement only when both halves do.
fn join_approximations(high: Outcome<(Fr, bool)>, low: Outcome<(Fr, bool)>) -> Outcome<(Fr, bool)> {
    let valid = high.value.1 && low.value.1;
    join(high.map(|(value, _)| single(value)), low.map(|(value, _)| single(value)))
        .map(|value| (value, valid))
}

/// `fprcpa`.
pub fn fprcpa(f2: Fr, f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    if f2.is_natval() || f3.is_natval() {
        return Outcome::exact((Fr::NATVAL, false));
    }
    join_approximations(
        approx::fprcpa(high(f2), high(f3), control),
        approx::fprcpa(low(f2), low(f3), control),
    )
}

/// `fprsqrta`.
pub fn fprsqrta(f3: Fr, control: &Control) -> Outcome<(Fr, bool)> {
    if f3.is_natval() {
        return Outcome::exact((Fr::NATVAL, false));
    }
    join_approximations(approx::fprsqrta(high(f3), control), approx::fprsqrta(low(f3), control))
}

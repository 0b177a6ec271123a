//! From one exact result to the one delivered: rounding, overflow, underflow, inexactness, and which of them trap.
//! SDM volume 1, 5.4.1.3 to 5.4.3 and figure 5-12.

use super::status::{Control, Flags, Format, Rounding};
use super::value::{INDEFINITE, INTEGER_BIT};
use crate::state::Fr;

/// What an operation gives. When `fault` is not zero nothing of the rest may be used: the instruction has not happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Outcome<T = Fr> {
    /// The result.
    pub value: T,
    /// Flags to add to the status field.
    pub flags: Flags,
    /// ISR.code of the floating-point fault to raise instead, or 0.
    /// V, D, Z in bits 2:0 (scalar or high half) and 6:4 (low half).
    pub fault: u8,
    /// Traps to raise afterwards: O, U, I, FPA in bits 3:0 (low half) and 7:4 (scalar or high half); see
    /// [`Outcome::trap_code`].
    pub trap: u8,
}

/// Bits of [`Outcome::trap`] of a scalar operation.
pub mod trap {
    /// Overflow.
    pub const O: u8 = 0x10;
    /// Underflow.
    pub const U: u8 = 0x20;
    /// Inexact.
    pub const I: u8 = 0x40;
    /// The magnitude of the delivered result exceeds that of the exact one.
    pub const FPA: u8 = 0x80;
}

impl<T> Outcome<T> {
    /// A result without any exception.
    #[inline]
    pub const fn exact(value: T) -> Outcome<T> {
        Outcome { value, flags: Flags::empty(), fault: 0, trap: 0 }
    }

    /// A result given together with exceptions of the faulting kind: a fault when any of them is not masked.
    #[inline]
    pub fn checked(value: T, flags: Flags, control: &Control) -> Outcome<T> {
        let fault = flags.difference(control.masked).intersection(Flags::FAULTS).bits();
        Outcome { value, flags, fault, trap: 0 }
    }

    /// The same with `flags` (of the faulting kind) found before the result was computed.
    #[inline]
    pub fn also(self, flags: Flags, control: &Control) -> Outcome<T> {
        let fault = flags.difference(control.masked).intersection(Flags::FAULTS).bits();
        Outcome { flags: self.flags | flags, fault: self.fault | fault, ..self }
    }

    /// ISR.code of the floating-point trap, or 0. SDM volume 2, "Floating-point Trap vector": bit 0 names the kind of
    /// trap, bits 14:7 the causes.
    #[inline]
    pub const fn trap_code(&self) -> u16 {
        if self.trap == 0 { 0 } else { (self.trap as u16) << 7 | 1 }
    }

    /// The same exceptions with another value.
    #[inline]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome { value: f(self.value), flags: self.flags, fault: self.fault, trap: self.trap }
    }
}

impl Outcome<Fr> {
    /// The masked response to an invalid operation that has no NaN operand to hand on.
    #[inline]
    pub fn invalid(control: &Control) -> Outcome {
        Outcome::checked(INDEFINITE, Flags::V, control)
    }
}

/// An exact non-zero magnitude, `bits · 2^(exponent − 65535 − 127)`: bit 127 is set, and bit 0 is set as well when
/// anything smaller than it was cut off.
#[derive(Clone, Copy, Debug)]
pub struct Exact {
    /// Sign.
    pub sign: bool,
    /// Biased exponent of bit 127; any range.
    pub exponent: i32,
    /// The magnitude.
    pub bits: u128,
}

/// A significand cut to the precision of a format.
struct Cut {
    significand: u64,
    /// The cut significand became 2 and was halved.
    carry: bool,
    inexact: bool,
}

/// What to add to `bits` so that cutting them below `lsb` rounds.
#[inline(always)]
fn increment(bits: u128, lsb: u128, sign: bool, rounding: Rounding) -> u128 {
    match rounding {
        Rounding::Nearest => (lsb >> 1) - 1 + (bits & lsb != 0) as u128,
        Rounding::Zero => 0,
        Rounding::Down => (lsb - 1) * sign as u128,
        Rounding::Up => (lsb - 1) * !sign as u128,
    }
}

#[inline(always)]
fn cut(bits: u128, lsb: u64, sign: bool, rounding: Rounding) -> Cut {
    let lsb = (lsb as u128) << 64;
    let (sum, carry) = bits.overflowing_add(increment(bits, lsb, sign, rounding));
    let significand = (sum >> 64) as u64 & !((lsb >> 64) as u64 - 1);
    Cut { significand: significand | (carry as u64) << 63, carry, inexact: bits & (lsb - 1) != 0 }
}

/// Rounds to nearest and delivers the value and whether it is inexact, if it is in range.
#[inline(always)]
pub fn nearest(exact: Exact, format: &Format) -> Option<(Fr, bool)> {
    let cut = cut(exact.bits, format.lsb, exact.sign, Rounding::Nearest);
    let exponent = exact.exponent + cut.carry as i32;
    if exponent < format.emin || exponent > format.emax {
        return None;
    }
    Some((Fr::from_parts(exact.sign, exponent as u32, cut.significand), cut.inexact))
}

/// Rounds `exact` and delivers it.
#[inline]
pub fn round(exact: Exact, control: &Control) -> Outcome {
    let format = control.format;
    let cut = cut(exact.bits, format.lsb, exact.sign, control.rounding);
    let exponent = exact.exponent + cut.carry as i32;
    if exponent >= format.emin
        && exponent <= format.emax
        && (!cut.inexact || control.masked.contains(Flags::I))
    {
        let value = Fr::from_parts(exact.sign, exponent as u32, cut.significand);
        let flags = if cut.inexact { Flags::I } else { Flags::empty() };
        return Outcome { value, flags, fault: 0, trap: 0 };
    }
    exceptional(exact, cut, control)
}

/// Results out of range, and inexact ones that trap.
#[cold]
#[inline(never)]
fn exceptional(exact: Exact, cut: Cut, control: &Control) -> Outcome {
    let format = control.format;
    let sign = exact.sign;
    let exponent = exact.exponent + cut.carry as i32;
    let (value, mut flags, increased) = if exponent > format.emax {
        if !control.masked.contains(Flags::O) {
            return unbounded(exact, cut, Flags::O);
        }
        let infinite = match control.rounding {
            Rounding::Nearest => true,
            Rounding::Zero => false,
            Rounding::Down => sign,
            Rounding::Up => !sign,
        };
        let value = if infinite {
            Fr::infinity(sign)
        } else {
            Fr::from_parts(sign, format.emax as u32, !(format.lsb - 1))
        };
        (value, Flags::O | Flags::I, infinite)
    } else if exponent < format.emin {
        if !control.masked.contains(Flags::U) {
            return unbounded(exact, cut, Flags::U);
        }
        if control.ftz {
            (Fr::zero(sign), Flags::U | Flags::I, false)
        } else {
            let (value, inexact, increased) = denormal(exact, control);
            (value, if inexact { Flags::U | Flags::I } else { Flags::empty() }, increased)
        }
    } else {
        let increased = grew(exact.bits, &cut);
        (Fr::from_parts(sign, exponent as u32, cut.significand), Flags::I, increased)
    };
    let mut trap = 0;
    if flags.contains(Flags::I) && !control.masked.contains(Flags::I) {
        trap = trap::I | if increased { trap::FPA } else { 0 };
    }
    flags &= Flags::O | Flags::U | Flags::I;
    Outcome { value, flags, fault: 0, trap }
}

/// Did rounding add to the magnitude?
fn grew(bits: u128, cut: &Cut) -> bool {
    cut.carry || u128::from(cut.significand) << 64 > bits
}

/// The response to overflow and underflow that trap: the result as if the exponent had no bounds, its exponent modulo
/// 2^17. Inexactness is reported along with it whether it is masked or not.
fn unbounded(exact: Exact, cut: Cut, flag: Flags) -> Outcome {
    let exponent = (exact.exponent + cut.carry as i32) as u32 & 0x1ffff;
    let mut outcome = Outcome {
        value: Fr::from_parts(exact.sign, exponent, cut.significand),
        flags: flag,
        fault: 0,
        trap: if flag == Flags::O { trap::O } else { trap::U },
    };
    if cut.inexact {
        outcome.flags |= Flags::I;
        outcome.trap |= trap::I | if grew(exact.bits, &cut) { trap::FPA } else { 0 };
    }
    outcome
}

/// A tiny result, denormalised and then rounded: the value, whether it is inexact, whether rounding increased it.
fn denormal(exact: Exact, control: &Control) -> (Fr, bool, bool) {
    let format = control.format;
    let distance = (format.emin - exact.exponent) as u32;
    let bits = shift_right_sticky(exact.bits, distance);
    let cut = cut(bits, format.lsb, exact.sign, control.rounding);
    let exponent = match cut.significand {
        0 => 0,
        s if s & INTEGER_BIT != 0 => format.emin as u32,
        _ => format.denormal,
    };
    (Fr::from_parts(exact.sign, exponent, cut.significand), cut.inexact, grew(bits, &cut))
}

/// `bits >> distance` for any distance, with bit 0 set when a set bit was shifted out.
#[inline]
pub fn shift_right_sticky(bits: u128, distance: u32) -> u128 {
    if distance >= 128 {
        return (bits != 0) as u128;
    }
    let shifted = bits >> distance;
    shifted | (shifted << distance != bits) as u128
}

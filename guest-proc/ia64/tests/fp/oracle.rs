//! LLVM's arithmetic as the reference: operations in a format so wide that only its last bit is ever rounded, to odd,
//! and one rounding from there to the format asked for. What is tiny, huge or trapping is decided here from the manual's
//! definitions (SDM volume 1, 5.4), on apfloat's values.

use core::cmp::Ordering;

use ia64::fp::round::trap;
use ia64::fp::{Flags, Outcome, Rounding};
use ia64::state::Fr;
use rustc_apfloat::ieee::{IeeeFloat, Semantics};
use rustc_apfloat::{Float, FloatConvert, Round, Status, StatusAnd};

macro_rules! semantics {
    ($($name:ident = $precision:expr, $exponent:expr;)*) => { $(
        pub(crate) struct $name;
        impl Semantics for $name {
            const BITS: usize = $precision + $exponent;
            const EXP_BITS: usize = $exponent;
        }
    )* };
}

semantics! {
    Wide = 108, 20;
    P24 = 24, 20;
    P53 = 53, 20;
    P64 = 64, 20;
    P24E8 = 24, 8;
    P24E15 = 24, 15;
    P24E17 = 24, 17;
    P53E11 = 53, 11;
    P53E15 = 53, 15;
    P53E17 = 53, 17;
    P64E15 = 64, 15;
    P64E17 = 64, 17;
}

pub(crate) type W = IeeeFloat<Wide>;

/// A result format: significand bits and exponent bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) precision: u32,
    pub(crate) exponent: u32,
}

impl Target {
    /// What the completers and the status field select (SDM volume 1, table 5-6).
    pub(crate) fn new(completer: ia64::op::Precision, pc: u64, wre: bool) -> Target {
        use ia64::op::Precision;
        let (precision, exponent) = match completer {
            Precision::S => (24, 8),
            Precision::D => (53, 11),
            Precision::Dynamic => ([24, 0, 53, 64][pc as usize], 15),
        };
        Target { precision, exponent: if wre { 17 } else { exponent } }
    }

    fn emax(self) -> i32 {
        (1 << (self.exponent - 1)) - 1
    }

    fn emin(self) -> i32 {
        1 - self.emax()
    }
}

pub(crate) fn round(rounding: Rounding) -> Round {
    match rounding {
        Rounding::Nearest => Round::NearestTiesToEven,
        Rounding::Down => Round::TowardNegative,
        Rounding::Up => Round::TowardPositive,
        Rounding::Zero => Round::TowardZero,
    }
}

/// Is the value one that raises the denormal operand exception?
pub(crate) fn is_unnormal(fr: Fr) -> bool {
    let exponent = fr.exponent();
    exponent != 0x1ffff
        && !(fr.significand == 0 && exponent == 0)
        && (exponent == 0 || fr.significand >> 63 == 0)
}

/// The value of a register that holds a finite number or infinity.
pub(crate) fn wide(fr: Fr) -> W {
    let magnitude = if fr.exponent() == 0x1ffff {
        W::INFINITY
    } else {
        let exponent = if fr.exponent() == 0 { 0xc001 } else { fr.exponent() as i32 };
        W::from_u128(u128::from(fr.significand)).value.scalbn(exponent - 0xffff - 63)
    };
    if fr.sign() { -magnitude } else { magnitude }
}

/// Makes a result rounded toward zero one rounded to odd.
pub(crate) fn odd(result: StatusAnd<W>) -> W {
    let bits = result.value.to_bits();
    if result.status.contains(Status::INEXACT) { W::from_bits(bits | 1) } else { result.value }
}

/// `value` in target precision, with the target's range or without bounds, and whether that is inexact.
fn rounded(value: W, target: Target, bounded: bool, rounding: Rounding) -> (W, bool) {
    fn through<S: Semantics>(value: W, round: Round) -> (W, bool)
    where
        IeeeFloat<Wide>: FloatConvert<IeeeFloat<S>>,
        IeeeFloat<S>: FloatConvert<IeeeFloat<Wide>>,
    {
        let mut lost = false;
        let narrow: IeeeFloat<S> = value.convert_r(round, &mut lost).value;
        (narrow.convert(&mut false).value, lost)
    }
    let round = round(rounding);
    match (target.precision, if bounded { target.exponent } else { 20 }) {
        (24, 8) => through::<P24E8>(value, round),
        (24, 15) => through::<P24E15>(value, round),
        (24, 17) => through::<P24E17>(value, round),
        (24, _) => through::<P24>(value, round),
        (53, 11) => through::<P53E11>(value, round),
        (53, 15) => through::<P53E15>(value, round),
        (53, 17) => through::<P53E17>(value, round),
        (53, _) => through::<P53>(value, round),
        (_, 15) => through::<P64E15>(value, round),
        (_, 17) => through::<P64E17>(value, round),
        (_, _) => through::<P64>(value, round),
    }
}

/// The top 64 bits of a finite non-zero value, and its exponent.
fn significand(value: W) -> (u64, i32) {
    let fraction = value.to_bits() & ((1 << 107) - 1);
    (((fraction | 1 << 107) >> 44) as u64, value.ilogb())
}

/// The register encoding of a value of the target format.
fn encode(value: W, target: Target) -> Fr {
    let sign = value.is_negative();
    if value.is_zero() {
        return Fr::zero(sign);
    }
    if value.is_infinite() {
        return Fr::infinity(sign);
    }
    let (significand, exponent) = significand(value);
    if exponent >= target.emin() {
        return Fr::from_parts(sign, (exponent + 0xffff) as u32, significand);
    }
    let encoded = if target.exponent == 15 { 0 } else { (target.emin() + 0xffff) as u32 };
    Fr::from_parts(sign, encoded, significand >> (target.emin() - exponent))
}

/// What the processor has to deliver for `exact`, a result rounded to odd. `zero_sign` is the sign of a zero result.
pub(crate) fn deliver(
    exact: W,
    zero_sign: bool,
    target: Target,
    rounding: Rounding,
    ftz: bool,
    masked: Flags,
) -> Outcome {
    let mut outcome = Outcome { value: Fr::ZERO, flags: Flags::empty(), fault: 0, trap: 0 };
    if exact.is_zero() {
        outcome.value = Fr::zero(zero_sign);
        return outcome;
    }
    let (unbounded, inexact) = rounded(exact, target, false, rounding);
    let huge = unbounded.ilogb() > target.emax();
    let tiny = unbounded.ilogb() < target.emin();
    let wrapped = |flag: Flags, trap: u8| {
        let (significand, exponent) = significand(unbounded);
        let value = Fr::from_parts(exact.is_negative(), (exponent + 0xffff) as u32 & 0x1ffff, significand);
        let grew = unbounded.cmp_abs_normal(exact) == Ordering::Greater;
        let trap = trap | if inexact { trap::I } else { 0 } | if grew { trap::FPA } else { 0 };
        let flags = flag | if inexact { Flags::I } else { Flags::empty() };
        Outcome { value, flags, fault: 0, trap }
    };
    if huge && !masked.contains(Flags::O) {
        return wrapped(Flags::O, trap::O);
    }
    if tiny && !masked.contains(Flags::U) {
        return wrapped(Flags::U, trap::U);
    }
    let (value, inexact) = if tiny && ftz {
        (if exact.is_negative() { -W::ZERO } else { W::ZERO }, true)
    } else {
        rounded(exact, target, true, rounding)
    };
    outcome.value = encode(value, target);
    if inexact {
        outcome.flags |= Flags::I;
    }
    if huge {
        outcome.flags |= Flags::O;
    }
    if tiny && inexact {
        outcome.flags |= Flags::U;
    }
    if inexact && !masked.contains(Flags::I) {
        let grew =
            value.is_infinite() || !value.is_zero() && value.cmp_abs_normal(exact) == Ordering::Greater;
        outcome.trap = trap::I | if grew { trap::FPA } else { 0 };
    }
    outcome
}

//! Comparison, selection of extremes, classification. SDM volume 3, "fcmp", "fmin", "fmax", "famin", "famax", "fclass".

use core::cmp::Ordering;

use super::round::Outcome;
use super::status::{Control, Flags};
use super::value::{Class, compare};
use crate::op::FpRel;
use crate::state::Fr;

/// The order of two operands (`None`: unordered) and the flags that comparing them raises. Quiet comparisons take quiet
/// NaNs without complaint.
fn order(f2: Fr, f3: Fr, quiet: bool) -> (Option<Ordering>, Flags) {
    if is_ordinary(f2) && is_ordinary(f3) {
        return (Some(compare_ordinary(f2, f3)), Flags::empty());
    }
    let classes = [f2.class(), f3.class()];
    let any = |class| classes.contains(&class);
    if any(Class::Unsupported) || any(Class::SNan) {
        (None, Flags::V)
    } else if any(Class::QNan) {
        (None, if quiet { Flags::empty() } else { Flags::V })
    } else {
        let flags = if any(Class::Unnormal) { Flags::D } else { Flags::empty() };
        (Some(compare(f2, f3)), flags)
    }
}

/// Is it a normalised number or a true zero?
#[inline]
fn is_ordinary(fr: Fr) -> bool {
    fr.is_normal() || fr.significand == 0 && fr.exponent() == 0
}

/// Ordinary values compare as sign and magnitude integers.
#[inline]
fn compare_ordinary(a: Fr, b: Fr) -> Ordering {
    let key = |fr: Fr| {
        let magnitude = i128::from(fr.exponent()) << 64 | i128::from(fr.significand);
        if fr.sign() { -magnitude } else { magnitude }
    };
    key(a).cmp(&key(b))
}

/// `fcmp` and each half of `fpcmp`: does the relation hold? `None` when an operand is NaTVal.
#[inline]
pub fn fcmp(relation: FpRel, f2: Fr, f3: Fr, control: &Control) -> Outcome<Option<bool>> {
    if f2.is_natval() || f3.is_natval() {
        return Outcome::exact(None);
    }
    let quiet = matches!(relation, FpRel::Eq | FpRel::Neq | FpRel::Unord | FpRel::Ord);
    let (order, flags) = order(f2, f3, quiet);
    let holds = match relation {
        FpRel::Eq => order == Some(Ordering::Equal),
        FpRel::Lt => order == Some(Ordering::Less),
        FpRel::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        FpRel::Unord => order.is_none(),
        FpRel::Neq => order != Some(Ordering::Equal),
        FpRel::Nlt => order != Some(Ordering::Less),
        FpRel::Nle => !matches!(order, Some(Ordering::Less | Ordering::Equal)),
        FpRel::Ord => order.is_some(),
    };
    Outcome::checked(Some(holds), flags, control)
}

/// Which operand an extreme operation picks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the manual's own mnemonics")]
pub enum Extreme {
    Min,
    Max,
    Amin,
    Amax,
}

/// `fmin`, `fmax`, `famin`, `famax`: `f2` when it is strictly the more extreme, else `f3`, NaNs included.
pub fn extreme(which: Extreme, f2: Fr, f3: Fr, control: &Control) -> Outcome {
    if f2.is_natval() || f3.is_natval() {
        return Outcome::exact(Fr::NATVAL);
    }
    let (order, flags) = match which {
        Extreme::Min | Extreme::Max => order(f2, f3, false),
        Extreme::Amin | Extreme::Amax => order(f2.magnitude(), f3.magnitude(), false),
    };
    let wanted = match which {
        Extreme::Min | Extreme::Amin => Ordering::Less,
        Extreme::Max | Extreme::Amax => Ordering::Greater,
    };
    Outcome::checked(if order == Some(wanted) { f2 } else { f3 }, flags, control)
}

/// Bits of the class mask of `fclass`.
pub mod fclass9 {
    /// Positive.
    pub const POS: u16 = 0x001;
    /// Negative.
    pub const NEG: u16 = 0x002;
    /// Zero.
    pub const ZERO: u16 = 0x004;
    /// Unnormalised, pseudo-zeros included.
    pub const UNORM: u16 = 0x008;
    /// Normalised.
    pub const NORM: u16 = 0x010;
    /// Infinity.
    pub const INF: u16 = 0x020;
    /// Signalling NaN.
    pub const SNAN: u16 = 0x040;
    /// Quiet NaN.
    pub const QNAN: u16 = 0x080;
    /// NaTVal.
    pub const NAT: u16 = 0x100;
}

/// `fclass`: is `f2` of one of the classes in `mask`? `None` (both predicates cleared) for a NaTVal not asked for.
pub fn fclass(f2: Fr, mask: u16) -> Option<bool> {
    let of_sign = mask & if f2.sign() { fclass9::NEG } else { fclass9::POS } != 0;
    Some(match f2.class() {
        Class::NatVal if mask & fclass9::NAT == 0 => return None,
        Class::NatVal => true,
        Class::Unsupported => false,
        Class::QNan => mask & fclass9::QNAN != 0,
        Class::SNan => mask & fclass9::SNAN != 0,
        Class::Infinity => of_sign && mask & fclass9::INF != 0,
        Class::Zero => of_sign && mask & fclass9::ZERO != 0,
        Class::Unnormal => of_sign && mask & fclass9::UNORM != 0,
        Class::Normal => of_sign && mask & fclass9::NORM != 0,
    })
}

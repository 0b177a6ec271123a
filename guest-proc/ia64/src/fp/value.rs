//! What a register holds: classes of operands, and finite values as sign, exponent and normalised significand.
//! SDM volume 1, 5.1.3, table 5-2.

use core::cmp::Ordering;

use crate::state::Fr;

/// Exponent of infinities and NaNs.
pub const SPECIAL_EXPONENT: u32 = 0x1ffff;
/// Exponent bias of the register format.
pub const BIAS: i32 = 0xffff;
/// The integer bit of a significand.
pub const INTEGER_BIT: u64 = 1 << 63;
/// The bit that makes a NaN quiet.
pub const QUIET_BIT: u64 = 1 << 62;
/// Sign bit in `Fr::sign_exponent`.
pub const SIGN: u32 = 1 << 17;
/// The exponent that an encoded exponent of zero stands for (double-extended denormals): −16382.
pub const DENORMAL_EXPONENT: i32 = 0xc001;

/// The quiet NaN delivered by a masked invalid operation ("real indefinite").
pub const INDEFINITE: Fr =
    Fr { significand: INTEGER_BIT | QUIET_BIT, sign_exponent: SIGN | SPECIAL_EXPONENT };

/// The classes of operands that arithmetic distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Not a Thing Value: the token of a deferred speculative load.
    NatVal,
    /// Pseudo-NaNs and pseudo-infinities: exponent all ones, integer bit clear.
    Unsupported,
    /// Signalling NaN.
    SNan,
    /// Quiet NaN.
    QNan,
    /// Infinity.
    Infinity,
    /// True zero: significand and exponent are zero.
    Zero,
    /// Denormals, pseudo-denormals, unnormalised numbers and pseudo-zeros.
    Unnormal,
    /// Normalised finite number.
    Normal,
}

impl Fr {
    /// Builds a register value from its parts.
    #[inline]
    pub const fn from_parts(sign: bool, exponent: u32, significand: u64) -> Fr {
        Fr { significand, sign_exponent: (sign as u32) << 17 | exponent }
    }

    /// Signed infinity.
    #[inline]
    pub const fn infinity(sign: bool) -> Fr {
        Fr::from_parts(sign, SPECIAL_EXPONENT, INTEGER_BIT)
    }

    /// Signed zero.
    #[inline]
    pub const fn zero(sign: bool) -> Fr {
        Fr::from_parts(sign, 0, 0)
    }

    /// Is this a normalised finite number? The test that every fast path starts with.
    #[inline]
    pub const fn is_normal(self) -> bool {
        self.significand >> 63 != 0 && self.exponent().wrapping_sub(1) < SPECIAL_EXPONENT - 1
    }

    /// The class of this value.
    #[inline]
    pub const fn class(self) -> Class {
        let exponent = self.exponent();
        if self.significand & INTEGER_BIT != 0 {
            match exponent {
                SPECIAL_EXPONENT => match self.significand << 1 {
                    0 => Class::Infinity,
                    fraction if fraction >> 63 != 0 => Class::QNan,
                    _ => Class::SNan,
                },
                0 => Class::Unnormal,
                _ => Class::Normal,
            }
        } else if exponent == SPECIAL_EXPONENT {
            Class::Unsupported
        } else if self.is_natval() {
            Class::NatVal
        } else if self.significand == 0 && exponent == 0 {
            Class::Zero
        } else {
            Class::Unnormal
        }
    }

    /// The same NaN, made quiet.
    #[inline]
    pub const fn quieted(self) -> Fr {
        Fr { significand: self.significand | QUIET_BIT, sign_exponent: self.sign_exponent }
    }

    /// The same value with the other sign.
    #[inline]
    pub const fn negated(self) -> Fr {
        Fr { significand: self.significand, sign_exponent: self.sign_exponent ^ SIGN }
    }

    /// The same value without its sign.
    #[inline]
    pub const fn magnitude(self) -> Fr {
        Fr { significand: self.significand, sign_exponent: self.sign_exponent & !SIGN }
    }
}

impl Class {
    /// Either kind of NaN.
    #[inline]
    pub const fn is_nan(self) -> bool {
        matches!(self, Class::SNan | Class::QNan)
    }
}

/// A finite value, `significand · 2^(exponent − 65535 − 63)`, normalised: bit 63 of the significand is set unless the
/// value is zero. The exponent of a normalised unnormal may lie below the register format's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finite {
    /// Set for negative values and for −0.
    pub sign: bool,
    /// Biased exponent of bit 63.
    pub exponent: i32,
    /// Significand; zero only for zero.
    pub significand: u64,
}

impl Finite {
    /// The value of a register that holds a finite number (pseudo-zeros read as zeros).
    #[inline]
    pub const fn new(fr: Fr) -> Finite {
        let encoded = fr.exponent() as i32;
        let exponent = if encoded == 0 { DENORMAL_EXPONENT } else { encoded };
        if fr.significand == 0 {
            return Finite { sign: fr.sign(), exponent: 0, significand: 0 };
        }
        let zeros = fr.significand.leading_zeros();
        Finite { sign: fr.sign(), exponent: exponent - zeros as i32, significand: fr.significand << zeros }
    }

    /// Is it a zero of either sign?
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.significand == 0
    }

    /// Order of magnitudes.
    #[inline]
    fn cmp_magnitude(&self, other: &Finite) -> Ordering {
        // A zero has the smallest significand but not the smallest exponent.
        match (self.is_zero(), other.is_zero()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.exponent.cmp(&other.exponent).then(self.significand.cmp(&other.significand))
            }
        }
    }
}

/// Order of two values that are neither NaN, NaTVal nor unsupported. Zeros of either sign are equal.
pub fn compare(a: Fr, b: Fr) -> Ordering {
    let rank = |fr: Fr| match (fr.class(), fr.sign()) {
        (Class::Infinity, true) => -1,
        (Class::Infinity, false) => 1,
        _ => 0,
    };
    match (rank(a), rank(b)) {
        (0, 0) => {
            let (a, b) = (Finite::new(a), Finite::new(b));
            match (a.sign, b.sign) {
                _ if a.is_zero() && b.is_zero() => Ordering::Equal,
                (false, false) => a.cmp_magnitude(&b),
                (true, true) => b.cmp_magnitude(&a),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
            }
        }
        (a, b) => a.cmp(&b),
    }
}

//! Memory formats, as `ldf*`, `stf*`, `setf`, `getf` and `fpack` convert them. Nothing here rounds or raises anything:
//! a store takes the bits that the format has room for. SDM volume 1, 5.3, figures 5-9 and 5-10.

use super::value::{INTEGER_BIT, SPECIAL_EXPONENT};
use crate::state::Fr;

/// An IEEE memory format narrower than the register's: fraction and exponent widths in bits.
#[derive(Clone, Copy)]
struct Narrow {
    fraction: u32,
    exponent: u32,
}

const SINGLE: Narrow = Narrow { fraction: 23, exponent: 8 };
const DOUBLE: Narrow = Narrow { fraction: 52, exponent: 11 };

impl Narrow {
    #[inline]
    const fn load(self, bits: u64) -> Fr {
        let max = (1 << self.exponent) - 1;
        let rebias = 0xffff - (max >> 1);
        let sign = bits >> (self.fraction + self.exponent) & 1 != 0;
        let exponent = (bits >> self.fraction) as u32 & max;
        let fraction = bits << (64 - self.fraction) >> 1;
        if exponent == 0 {
            let exponent = if fraction == 0 { 0 } else { rebias + 1 };
            Fr::from_parts(sign, exponent, fraction)
        } else {
            let exponent = if exponent == max { SPECIAL_EXPONENT } else { exponent + rebias };
            Fr::from_parts(sign, exponent, INTEGER_BIT | fraction)
        }
    }

    #[inline]
    const fn store(self, fr: Fr) -> u64 {
        let low = (1 << (self.exponent - 1)) - 1;
        let exponent = fr.exponent() >> 16 << (self.exponent - 1) | fr.exponent() & low;
        let exponent = if fr.significand & INTEGER_BIT == 0 { 0 } else { exponent };
        let fraction = fr.significand << 1 >> (64 - self.fraction);
        (fr.sign() as u64) << (self.fraction + self.exponent) | (exponent as u64) << self.fraction | fraction
    }
}

/// `ldfs`, `setf.s`.
#[inline]
pub const fn from_single(bits: u32) -> Fr {
    SINGLE.load(bits as u64)
}

/// `stfs`, `getf.s`, and the halves that `fpack` makes.
#[inline]
pub const fn to_single(fr: Fr) -> u32 {
    SINGLE.store(fr) as u32
}

/// `ldfd`, `setf.d`.
#[inline]
pub const fn from_double(bits: u64) -> Fr {
    DOUBLE.load(bits)
}

/// `stfd`, `getf.d`.
#[inline]
pub const fn to_double(fr: Fr) -> u64 {
    DOUBLE.store(fr)
}

/// `ldfe`: the ten bytes of a double-extended number, as significand and sign-exponent halfword.
#[inline]
pub const fn from_extended(significand: u64, sign_exponent: u16) -> Fr {
    let exponent = match sign_exponent & 0x7fff {
        0 => 0,
        0x7fff => SPECIAL_EXPONENT,
        e => e as u32 + 0xc000,
    };
    Fr::from_parts(sign_exponent >> 15 != 0, exponent, significand)
}

/// `stfe`: the significand and the sign-exponent halfword behind it.
#[inline]
pub const fn to_extended(fr: Fr) -> (u64, u16) {
    let exponent = fr.exponent() >> 16 << 14 | fr.exponent() & 0x3fff;
    (fr.significand, (fr.sign() as u16) << 15 | exponent as u16)
}

/// `ldf.fill`: the two doublewords of a spilled register.
#[inline]
pub const fn from_fill(low: u64, high: u64) -> Fr {
    Fr { significand: low, sign_exponent: high as u32 & 0x3ffff }
}

/// `stf.spill`: the two doublewords that hold a whole register.
#[inline]
pub const fn to_spill(fr: Fr) -> (u64, u64) {
    (fr.significand, fr.sign_exponent as u64)
}

/// `setf.exp`: sign and exponent from bits 17:0, significand 1.0.
#[inline]
pub const fn from_exponent(bits: u64) -> Fr {
    Fr { significand: INTEGER_BIT, sign_exponent: bits as u32 & 0x3ffff }
}

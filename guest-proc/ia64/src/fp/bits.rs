//! Operations on significands as bits and integers: `xma`, logical operations, merges and mixes. They round nothing and
//! raise nothing; all they know of floating point is that a NaTVal operand gives NaTVal. SDM volume 3.

use super::memory::to_single;
use super::value::SIGN;
use crate::state::Fr;

/// `result` as a significand, or NaTVal when one of the operands is.
#[inline]
fn guarded<const N: usize>(operands: [Fr; N], result: impl FnOnce() -> u64) -> Fr {
    if operands.iter().any(|fr| fr.is_natval()) { Fr::NATVAL } else { Fr::from_significand(result()) }
}

#[inline]
const fn high(fr: Fr) -> u32 {
    (fr.significand >> 32) as u32
}

#[inline]
const fn low(fr: Fr) -> u32 {
    fr.significand as u32
}

/// Two halves to one significand.
#[inline]
pub const fn concatenate(high: u32, low: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

/// `xma.l`: low half of `f3 · f4 + f2`.
#[inline]
pub fn xma_l(f3: Fr, f4: Fr, f2: Fr) -> Fr {
    guarded([f3, f4, f2], || f3.significand.wrapping_mul(f4.significand).wrapping_add(f2.significand))
}

/// `xma.h`: high half of the signed product plus the zero-extended `f2`.
#[inline]
pub fn xma_h(f3: Fr, f4: Fr, f2: Fr) -> Fr {
    guarded([f3, f4, f2], || {
        let product = i128::from(f3.significand as i64) * i128::from(f4.significand as i64);
        (product.wrapping_add(i128::from(f2.significand)) >> 64) as u64
    })
}

/// `xma.hu`: high half of the unsigned product plus `f2`.
#[inline]
pub fn xma_hu(f3: Fr, f4: Fr, f2: Fr) -> Fr {
    guarded([f3, f4, f2], || {
        ((u128::from(f3.significand) * u128::from(f4.significand) + u128::from(f2.significand)) >> 64) as u64
    })
}

/// `fselect`: bits of `f3` where `f2` is set, of `f4` elsewhere.
pub fn fselect(f3: Fr, f4: Fr, f2: Fr) -> Fr {
    guarded([f3, f4, f2], || f3.significand & f2.significand | f4.significand & !f2.significand)
}

/// `fand`.
pub fn fand(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || f2.significand & f3.significand)
}

/// `fandcm`.
pub fn fandcm(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || f2.significand & !f3.significand)
}

/// `for`.
pub fn f_or(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || f2.significand | f3.significand)
}

/// `fxor`.
pub fn fxor(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || f2.significand ^ f3.significand)
}

/// The significand of `f3` under the sign and exponent bits given.
#[inline]
fn merged(f2: Fr, f3: Fr, sign_exponent: u32) -> Fr {
    if f2.is_natval() || f3.is_natval() {
        return Fr::NATVAL;
    }
    Fr { significand: f3.significand, sign_exponent }
}

/// `fmerge.s`: `f3` with the sign of `f2`.
#[inline]
pub fn fmerge_s(f2: Fr, f3: Fr) -> Fr {
    merged(f2, f3, f2.sign_exponent & SIGN | f3.exponent())
}

/// `fmerge.ns`: `f3` with the opposite of the sign of `f2`.
#[inline]
pub fn fmerge_ns(f2: Fr, f3: Fr) -> Fr {
    merged(f2, f3, !f2.sign_exponent & SIGN | f3.exponent())
}

/// `fmerge.se`: `f3` with the sign and exponent of `f2`.
#[inline]
pub fn fmerge_se(f2: Fr, f3: Fr) -> Fr {
    merged(f2, f3, f2.sign_exponent)
}

/// `fmix.lr`.
pub fn fmix_lr(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || concatenate(high(f2), low(f3)))
}

/// `fmix.r`.
pub fn fmix_r(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || concatenate(low(f2), low(f3)))
}

/// `fmix.l`.
pub fn fmix_l(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || concatenate(high(f2), high(f3)))
}

/// `fsxt.r`: the sign of the low half of `f2` over the low half of `f3`.
pub fn fsxt_r(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || concatenate((low(f2) as i32 >> 31) as u32, low(f3)))
}

/// `fsxt.l`: the sign of the high half of `f2` over the high half of `f3`.
pub fn fsxt_l(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || concatenate((high(f2) as i32 >> 31) as u32, high(f3)))
}

/// `fpack`: two values in single format.
pub fn fpack(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || concatenate(to_single(f2), to_single(f3)))
}

const SINGLE_SIGN: u32 = 1 << 31;

/// `fswap`.
pub fn fswap(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || concatenate(low(f3), high(f2)))
}

/// `fswap.nl`: the left result negated.
pub fn fswap_nl(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || concatenate(low(f3) ^ SINGLE_SIGN, high(f2)))
}

/// `fswap.nr`: the right result negated.
pub fn fswap_nr(f2: Fr, f3: Fr) -> Fr {
    guarded([f2, f3], || concatenate(low(f3), high(f2) ^ SINGLE_SIGN))
}

/// The bits of `mask`, in both halves, from `f2`, the others from `f3`.
fn lanes_merged(f2: Fr, f3: Fr, mask: u32, flip: u32) -> Fr {
    guarded([f2, f3], || {
        let mask = concatenate(mask, mask);
        (f2.significand ^ concatenate(flip, flip)) & mask | f3.significand & !mask
    })
}

/// `fpmerge.s`.
pub fn fpmerge_s(f2: Fr, f3: Fr) -> Fr {
    lanes_merged(f2, f3, SINGLE_SIGN, 0)
}

/// `fpmerge.ns`.
pub fn fpmerge_ns(f2: Fr, f3: Fr) -> Fr {
    lanes_merged(f2, f3, SINGLE_SIGN, SINGLE_SIGN)
}

/// `fpmerge.se`.
pub fn fpmerge_se(f2: Fr, f3: Fr) -> Fr {
    lanes_merged(f2, f3, 0xff80_0000, 0)
}

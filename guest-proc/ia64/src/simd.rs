//! Parallel integer arithmetic on the elements of a general register, as pure functions. SDM volume 3, chapter 2, the
//! pages of `padd` to `unpack`, `czx`, `mix`, `mux` and `mpy4`.
//!
//! `bytes` is the size of an element: 1, 2 or 4 ([`crate::Insn::x1`]). Element 0 is the least significant. NaT bits are
//! the caller's business.

use crate::op::Saturation;

/// Applies `f` to each pair of elements of `BITS` bits, sign-extended, and keeps the low `BITS` bits of its results.
#[inline(always)]
fn signed<const BITS: u32>(a: u64, b: u64, f: impl Fn(i64, i64) -> i64) -> u64 {
    let extend = |word: u64, lo: u32| ((word << (64 - BITS - lo)) as i64) >> (64 - BITS);
    elements::<BITS>(|lo| f(extend(a, lo), extend(b, lo)) as u64)
}

/// Applies `f` to each pair of elements of `BITS` bits, zero-extended, and keeps the low `BITS` bits of its results.
#[inline(always)]
fn unsigned<const BITS: u32>(a: u64, b: u64, f: impl Fn(i64, i64) -> i64) -> u64 {
    elements::<BITS>(|lo| f((a >> lo & ones(BITS)) as i64, (b >> lo & ones(BITS)) as i64) as u64)
}

/// The word whose element at bit `lo` is the low `BITS` bits of `f(lo)`.
#[inline(always)]
fn elements<const BITS: u32>(f: impl Fn(u32) -> u64) -> u64 {
    (0..64 / BITS).map(|element| element * BITS).fold(0, |word, lo| word | (f(lo) & ones(BITS)) << lo)
}

const fn ones(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// `f` with the element size as a constant.
macro_rules! sized {
    ($bytes:expr, $function:ident($($argument:expr),*)) => {
        match $bytes {
            1 => $function::<8>($($argument),*),
            2 => $function::<16>($($argument),*),
            _ => $function::<32>($($argument),*),
        }
    };
}

/// The nearest value that `bits` bits hold as a signed number.
fn clamp_signed(value: i64, bits: u32) -> i64 {
    value.clamp(-1 << (bits - 1), (1 << (bits - 1)) - 1)
}

/// The nearest value that `bits` bits hold as an unsigned number.
fn clamp_unsigned(value: i64, bits: u32) -> i64 {
    value.clamp(0, (1 << bits) - 1)
}

/// `padd1`, `padd2`, `padd4`; `saturation` is a [`Saturation`].
pub fn padd(bytes: u8, saturation: u8, a: u64, b: u64) -> u64 {
    sized!(bytes, saturating(saturation, a, b, |x, y| x + y))
}

/// `psub1`, `psub2`, `psub4`; `saturation` is a [`Saturation`].
pub fn psub(bytes: u8, saturation: u8, a: u64, b: u64) -> u64 {
    sized!(bytes, saturating(saturation, a, b, |x, y| x - y))
}

#[inline(always)]
fn saturating<const BITS: u32>(saturation: u8, a: u64, b: u64, f: impl Fn(i64, i64) -> i64) -> u64 {
    const SSS: u8 = Saturation::Sss as u8;
    const UUU: u8 = Saturation::Uuu as u8;
    const UUS: u8 = Saturation::Uus as u8;
    match saturation {
        SSS => signed::<BITS>(a, b, |x, y| clamp_signed(f(x, y), BITS)),
        UUU => unsigned::<BITS>(a, b, |x, y| clamp_unsigned(f(x, y), BITS)),
        // The first source unsigned, the second signed.
        UUS => signed::<BITS>(a, b, |x, y| clamp_unsigned(f(x & ones(BITS) as i64, y), BITS)),
        _ => unsigned::<BITS>(a, b, f),
    }
}

/// `pavg1`, `pavg2`: the average, rounded away from zero if `raz` is not 0, else to odd.
pub fn pavg(bytes: u8, raz: u8, a: u64, b: u64) -> u64 {
    if raz == 0 {
        sized!(bytes, unsigned(a, b, |x, y| half_sticky(x + y)))
    } else {
        sized!(bytes, unsigned(a, b, |x, y| (x + y + 1) >> 1))
    }
}

/// `pavgsub1`, `pavgsub2`: half the difference, with the borrow shifted in, rounded to odd.
pub fn pavgsub(bytes: u8, a: u64, b: u64) -> u64 {
    sized!(bytes, unsigned(a, b, |x, y| half_sticky(x - y)))
}

/// Half of `value`; the bit lost stays in the lowest one.
fn half_sticky(value: i64) -> i64 {
    value >> 1 | value & 1
}

/// `pcmp1.eq`, `pcmp2.eq`, `pcmp4.eq`: all ones where the elements are equal.
pub fn pcmp_eq(bytes: u8, a: u64, b: u64) -> u64 {
    sized!(bytes, unsigned(a, b, |x, y| -i64::from(x == y)))
}

/// `pcmp1.gt`, `pcmp2.gt`, `pcmp4.gt`: all ones where the element of `a` is greater, as signed numbers.
pub fn pcmp_gt(bytes: u8, a: u64, b: u64) -> u64 {
    sized!(bytes, signed(a, b, |x, y| -i64::from(x > y)))
}

/// `pmin1.u`, or `pmin2`, which is signed.
pub fn pmin(bytes: u8, a: u64, b: u64) -> u64 {
    if bytes == 1 { unsigned::<8>(a, b, i64::min) } else { signed::<16>(a, b, i64::min) }
}

/// `pmax1.u`, or `pmax2`, which is signed.
pub fn pmax(bytes: u8, a: u64, b: u64) -> u64 {
    if bytes == 1 { unsigned::<8>(a, b, i64::max) } else { signed::<16>(a, b, i64::max) }
}

/// `psad1`: the sum of the absolute differences of the bytes.
pub fn psad1(a: u64, b: u64) -> u64 {
    a.to_le_bytes().into_iter().zip(b.to_le_bytes()).map(|(x, y)| u64::from(x.abs_diff(y))).sum()
}

/// `pshladd2`: `a` shifted left by 1..=3, plus `b`. If the shift overflows, its saturated result is the whole result.
pub fn pshladd2(count: u32, a: u64, b: u64) -> u64 {
    signed::<16>(a, b, |x, y| {
        let shifted = x << count;
        let saturated = clamp_signed(shifted, 16);
        if saturated == shifted { clamp_signed(shifted + y, 16) } else { saturated }
    })
}

/// `pshradd2`: `a` shifted right by 1..=3 with its sign, plus `b`, saturated.
pub fn pshradd2(count: u32, a: u64, b: u64) -> u64 {
    signed::<16>(a, b, |x, y| clamp_signed((x >> count) + y, 16))
}

/// `pmpyshr2`: 16 bits of each product from bit `count` (0..=16); factors are unsigned if `is_unsigned` is not 0.
pub fn pmpyshr2(count: u32, is_unsigned: u8, a: u64, b: u64) -> u64 {
    if is_unsigned == 0 {
        signed::<16>(a, b, |x, y| (x * y) >> count)
    } else {
        unsigned::<16>(a, b, |x, y| (x * y) >> count)
    }
}

/// `pmpy2.r`: the 32-bit products of the signed elements 0 and 2.
pub fn pmpy2_r(a: u64, b: u64) -> u64 {
    signed::<32>(a, b, |x, y| i64::from(x as i16) * i64::from(y as i16))
}

/// `pmpy2.l`: the 32-bit products of the signed elements 1 and 3.
pub fn pmpy2_l(a: u64, b: u64) -> u64 {
    pmpy2_r(a >> 16, b >> 16)
}

/// `mpy4`: the unsigned product of the low halves.
pub fn mpy4(a: u64, b: u64) -> u64 {
    u64::from(a as u32) * u64::from(b as u32)
}

/// `mpyshl4`: the low half of the product of `a`'s high and `b`'s low half, in the high half.
pub fn mpyshl4(a: u64, b: u64) -> u64 {
    mpy4(a >> 32, b) << 32
}

/// `pshr2`, `pshr4`: each element of `a` shifted right; unsigned if `is_unsigned` is not 0. Counts beyond the element's
/// size leave nothing but the sign.
pub fn pshr(bytes: u8, is_unsigned: u8, a: u64, count: u64) -> u64 {
    let count = count.min(32) as u32;
    if is_unsigned == 0 {
        sized!(bytes, signed(a, 0, |x, _| x >> count))
    } else {
        sized!(bytes, unsigned(a, 0, |x, _| x >> count))
    }
}

/// `pshl2`, `pshl4`: each element of `a` shifted left. Counts beyond the element's size leave zero.
pub fn pshl(bytes: u8, a: u64, count: u64) -> u64 {
    let count = count.min(32) as u32;
    sized!(bytes, unsigned(a, 0, |x, _| x << count))
}

/// `mix1.r`, `mix2.r`, `mix4.r`: the even elements, those of `a` above those of `b`.
pub fn mix_r(bytes: u8, a: u64, b: u64) -> u64 {
    let even = even_elements(bytes);
    (a & even) << (8 * u32::from(bytes)) | b & even
}

/// `mix1.l`, `mix2.l`, `mix4.l`: the odd elements, those of `a` above those of `b`.
pub fn mix_l(bytes: u8, a: u64, b: u64) -> u64 {
    let odd = !even_elements(bytes);
    a & odd | (b & odd) >> (8 * u32::from(bytes))
}

/// The bits of the elements with even numbers.
const fn even_elements(bytes: u8) -> u64 {
    match bytes {
        1 => 0x00ff_00ff_00ff_00ff,
        2 => 0x0000_ffff_0000_ffff,
        _ => 0x0000_0000_ffff_ffff,
    }
}

/// `unpack1.h`, `unpack2.h`, `unpack4.h`: the high halves interleaved, each element of `a` above that of `b`.
pub fn unpack_h(bytes: u8, a: u64, b: u64) -> u64 {
    sized!(bytes, interleave(a >> 32, b >> 32))
}

/// `unpack1.l`, `unpack2.l`, `unpack4.l`: the low halves interleaved, each element of `a` above that of `b`.
pub fn unpack_l(bytes: u8, a: u64, b: u64) -> u64 {
    sized!(bytes, interleave(a, b))
}

#[inline(always)]
fn interleave<const BITS: u32>(a: u64, b: u64) -> u64 {
    elements::<BITS>(|lo| {
        let element = lo / BITS;
        (if element % 2 == 1 { a } else { b }) >> (element / 2 * BITS)
    })
}

/// `pack2.uss`: 16-bit elements to bytes with unsigned saturation, those of `b` above those of `a`.
pub fn pack2_uss(a: u64, b: u64) -> u64 {
    pack::<8>(a, b, |x| clamp_unsigned(x, 8))
}

/// `pack2.sss`, `pack4.sss`: elements of `bytes` bytes to half the size with signed saturation, those of `b` above.
pub fn pack_sss(bytes: u8, a: u64, b: u64) -> u64 {
    if bytes == 2 {
        pack::<8>(a, b, |x| clamp_signed(x, 8))
    } else {
        pack::<16>(a, b, |x| clamp_signed(x, 16))
    }
}

#[inline(always)]
fn pack<const RESULT_BITS: u32>(a: u64, b: u64, clamp: impl Fn(i64) -> i64) -> u64 {
    let bits = 2 * RESULT_BITS;
    elements::<RESULT_BITS>(|lo| {
        let (word, lo) = if lo < 32 { (a, 2 * lo) } else { (b, 2 * (lo - 32)) };
        clamp(((word << (64 - bits - lo)) as i64) >> (64 - bits)) as u64
    })
}

/// Sources of the result's bytes, from the least significant, in the permutations of `mux1`.
const MIX: [usize; 8] = [0, 4, 2, 6, 1, 5, 3, 7];
const SHUFFLE: [usize; 8] = [0, 4, 1, 5, 2, 6, 3, 7];
const ALTERNATE: [usize; 8] = [0, 2, 4, 6, 1, 3, 5, 7];
const REVERSE: [usize; 8] = [7, 6, 5, 4, 3, 2, 1, 0];

/// `mux1`: a permutation of the bytes: 0 `@brcst`, 8 `@mix`, 9 `@shuf`, 0xa `@alt`, 0xb `@rev` (others do not decode).
pub fn mux1(permutation: u8, a: u64) -> u64 {
    let sources = match permutation {
        0x8 => MIX,
        0x9 => SHUFFLE,
        0xa => ALTERNATE,
        0xb => REVERSE,
        _ => [0; 8],
    };
    let bytes = a.to_le_bytes();
    u64::from_le_bytes(sources.map(|source| bytes[source]))
}

/// `mux2`: each 16-bit element is the one that two bits of `permutation` name.
pub fn mux2(permutation: u8, a: u64) -> u64 {
    elements::<16>(|lo| a >> (16 * (u32::from(permutation) >> (lo / 8) & 3)))
}

/// `czx1.l`, `czx2.l`: how many elements precede the first zero one, from the most significant; all of them if none is.
pub fn czx_l(bytes: u8, a: u64) -> u64 {
    u64::from(zero_elements(bytes, a).leading_zeros()).min(64) / (8 * u64::from(bytes))
}

/// `czx1.r`, `czx2.r`: how many elements precede the first zero one, from the least significant.
pub fn czx_r(bytes: u8, a: u64) -> u64 {
    u64::from(zero_elements(bytes, a).trailing_zeros()) / (8 * u64::from(bytes))
}

/// All ones in the elements that are zero.
fn zero_elements(bytes: u8, a: u64) -> u64 {
    pcmp_eq(bytes, a, 0)
}

#[cfg(test)]
mod tests;

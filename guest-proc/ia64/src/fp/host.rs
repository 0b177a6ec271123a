//! The short way: arithmetic on ordinary doubles and singles by the host's own, which rounds as IEEE 754 says.
//!
//! It serves when the host's default rounding is the one asked for and inexactness is of no consequence
//! ([`super::status::host_may_round`]), and the operands are normalised, have no bits beyond the format, and lie so far
//! inside its range that no result can leave it. Everything else, exact cancellation included, gives `None` and goes
//! the long way.

use super::fma::Form;
use super::value::SIGN;
use crate::state::Fr;

macro_rules! format {
    ($(#[$doc:meta])* $module:ident, $float:ty, $bits:ty, $fraction:expr, $exponent:expr, $window:expr) => {
        $(#[$doc])*
        pub mod $module {
            use super::*;

            const FRACTION: u32 = $fraction;
            const SIGN_SHIFT: u32 = <$bits>::BITS - 18;
            /// Register exponent less this is the format's exponent field.
            const REBIAS: u32 = 0x10000 - (1 << ($exponent - 1));
            /// Bits of a significand that the format has no room for.
            const EXCESS: u64 = (1 << (63 - FRACTION)) - 1;
            /// Operands are of magnitude 2^−WINDOW to 2^WINDOW. A sum of such a product and such a number is at most
            /// 2^(2·WINDOW + 1), and at least the last bit of the product.
            const WINDOW: u32 = $window;
            const _: () = assert!(2 * WINDOW + 1 + 2 * (FRACTION + 1) < (1 << ($exponent - 1)) - 2);

            /// Are all of these ordinary numbers of the format?
            #[inline(always)]
            fn fit<const N: usize>(operands: [Fr; N]) -> bool {
                let (mut all, mut any, mut distance) = (u64::MAX, 0, 0);
                for fr in operands {
                    all &= fr.significand;
                    any |= fr.significand;
                    // The window is a power of two wide: nothing but its low bits may be set, whatever the sign.
                    distance |= fr.sign_exponent.wrapping_sub(0xffff - WINDOW);
                }
                all >> 63 != 0 && any & EXCESS == 0 && distance & 0x1ffff & !(2 * WINDOW - 1) == 0
            }

            #[inline(always)]
            fn load(fr: Fr, negate: bool) -> $float {
                // Adding the significand's integer bit to the exponent field makes up for the one taken from it here.
                let exponent = (fr.sign_exponent.wrapping_sub(REBIAS + 1) as $bits) << FRACTION;
                let fraction = (fr.significand >> (63 - FRACTION)) as $bits;
                let sign = (fr.sign_exponent ^ if negate { SIGN } else { 0 }) & SIGN;
                <$float>::from_bits(exponent.wrapping_add(fraction) | (sign as $bits) << SIGN_SHIFT)
            }

            #[inline(always)]
            fn store(value: $float) -> Option<Fr> {
                let bits = value.to_bits();
                if bits << 1 == 0 {
                    return None;
                }
                let top = (bits >> FRACTION) as u32;
                let sign = (top & 1 << $exponent) << (17 - $exponent);
                let exponent = (top & ((1 << $exponent) - 1)) + REBIAS;
                Some(Fr { significand: 1 << 63 | (bits as u64) << (63 - FRACTION), sign_exponent: sign | exponent })
            }

            /// `±(a · b) ± c`.
            #[inline(always)]
            pub fn multiply_add(form: Form, a: Fr, b: Fr, c: Fr) -> Option<Fr> {
                if !fit([a, b, c]) {
                    return None;
                }
                store(load(a, form.negate_product).mul_add(load(b, false), load(c, form.negate_addend)))
            }

            /// `±(a · b)`.
            #[inline(always)]
            pub fn multiply(form: Form, a: Fr, b: Fr) -> Option<Fr> {
                if !fit([a, b]) {
                    return None;
                }
                store(load(a, form.negate_product) * load(b, false))
            }

            /// `±a ± c`.
            #[inline(always)]
            pub fn add(form: Form, a: Fr, c: Fr) -> Option<Fr> {
                if !fit([a, c]) {
                    return None;
                }
                store(load(a, form.negate_product) + load(c, form.negate_addend))
            }
        }
    };
}

format! {
    /// Operands and results of 53 bits in double range.
    double, f64, u64, 52, 11, 256
}
format! {
    /// Operands and results of 24 bits in single range.
    single, f32, u32, 23, 8, 32
}

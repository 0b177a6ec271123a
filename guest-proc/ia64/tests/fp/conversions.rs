//! Conversions to and from integers and memory formats.

use ia64::fp::convert::{fcvt_fx, fcvt_xf, to_integer};
use ia64::fp::fma::{Form, fma};
use ia64::fp::memory::{
    from_double, from_extended, from_fill, from_single, to_double, to_extended, to_single, to_spill,
};
use ia64::fp::round::trap;
use ia64::fp::{Control, Flags, parallel};
use ia64::op::Precision;
use ia64::state::Fr;
use rustc_apfloat::{Float, Status};

use crate::operands::Random;
use crate::oracle::{self, is_unnormal, wide};
use crate::{ROUNDINGS, cases, default_control, fpsr};

#[test]
fn conversion_to_integer_equals_llvm() {
    let mut random = Random(0xf1c5);
    for _ in 0..3 * cases() {
        let value = match random.below(3) {
            0 => random.number(),
            _ => {
                let exponent = 0xffff - 3 + random.below(70) as u32;
                let significand = random.significand() & u64::MAX << random.below(64);
                Fr::from_parts(random.flip(), exponent, significand | 1 << 63)
            }
        };
        let rounding = random.pick(&ROUNDINGS);
        let unsigned = random.flip();
        let width = random.pick(&[32, 64]);
        let masked = if random.below(4) == 0 { Flags::all() - Flags::I } else { Flags::all() };
        let control = Control::new(fpsr(masked, false, false, 3, rounding), 0, Precision::Dynamic);
        let got = to_integer(value, width, unsigned, &control);

        let exact = wide(value);
        let round = oracle::round(rounding);
        let (result, status, rounded_up) = if unsigned {
            let result = exact.to_u128_r(width as usize, round, &mut false);
            let back: oracle::W = rustc_apfloat::ieee::IeeeFloat::from_u128(result.value).value;
            let up = back > exact.abs();
            (result.value as u64, result.status, up)
        } else {
            let result = exact.to_i128_r(width as usize, round, &mut false);
            let back: oracle::W = rustc_apfloat::ieee::IeeeFloat::from_i128(result.value).value;
            let up = back.abs() > exact.abs();
            (result.value as u64 & u64::MAX >> (64 - width), result.status, up)
        };
        let context = (value, width, unsigned, rounding);
        if status.contains(Status::INVALID_OP) {
            assert_eq!((got.value, got.flags), (1 << (width - 1), Flags::V), "{context:x?}");
            continue;
        }
        assert_eq!(got.value, result, "{context:x?}");
        assert_eq!(got.flags.contains(Flags::I), status.contains(Status::INEXACT), "{context:x?}");
        assert_eq!(got.flags.contains(Flags::D), is_unnormal(value), "{context:x?}");
        if got.flags.contains(Flags::I) && !masked.contains(Flags::I) {
            assert_eq!(got.trap, trap::I | if rounded_up { trap::FPA } else { 0 }, "{context:x?}");
        } else {
            assert_eq!(got.trap, 0);
        }
    }
}

#[test]
fn conversion_from_integer_and_back_keeps_every_integer() {
    let mut random = Random(0x1f);
    let control = default_control();
    for _ in 0..cases() {
        let integer = random.bits() >> random.below(64);
        let integer = if random.flip() { integer } else { integer.wrapping_neg() };
        let source = Fr::from_significand(integer);
        let float = fcvt_xf(source);
        assert_eq!(wide(float), rustc_apfloat::ieee::IeeeFloat::from_i128(i128::from(integer as i64)).value);
        assert!(integer == 0 || float.is_normal());
        assert_eq!(fcvt_fx(float, false, &control).value, source);
        // fcvt.xuf is a normalising multiply-add.
        let float = fma(Form::FMA, source, Fr::ONE, None, &control).value;
        assert_eq!(fcvt_fx(float, true, &control).value, source);
    }
    assert_eq!(fcvt_xf(Fr::from_significand(0)), Fr::ZERO);
}

#[test]
fn parallel_conversion_converts_each_half() {
    let control = default_control();
    let pair = |high: f32, low: f32| {
        Fr::from_significand(u64::from(high.to_bits()) << 32 | u64::from(low.to_bits()))
    };
    let convert = |fr, unsigned| parallel::fpcvt_fx(fr, unsigned, &control);
    assert_eq!(convert(pair(-1.5, 2.5), false).value.significand, 0xffff_fffe_0000_0002);
    assert_eq!(convert(pair(3e9, -0.25), true).value.significand, 0xb2d0_5e00_0000_0000);
    let out_of_range = convert(pair(3e9, -1.0), false);
    assert_eq!(out_of_range.value.significand, 0x8000_0000_ffff_ffff);
    assert_eq!(out_of_range.flags, Flags::V);
    assert_eq!(
        parallel::fpcvt_fx(pair(-1.9, 1.9), false, &control.truncating()).value.significand,
        0xffff_ffff_0000_0001
    );
}

#[test]
fn singles_and_doubles_survive_the_register_unchanged() {
    let mut random = Random(0x5d);
    let check_double = |bits: u64| {
        let fr = from_double(bits);
        assert_eq!(to_double(fr), bits, "{bits:#x}");
        let value = f64::from_bits(bits);
        if value.is_finite() {
            let mut lost = false;
            let expected: oracle::W = rustc_apfloat::FloatConvert::convert(
                rustc_apfloat::ieee::Double::from_bits(bits.into()),
                &mut lost,
            )
            .value;
            assert_eq!(wide(fr), expected, "{bits:#x}");
        }
        assert_eq!(ia64::fp::compare::fclass(fr, 0x80), Some(value.is_nan() && bits >> 51 & 1 != 0));
        assert_eq!(ia64::fp::compare::fclass(fr, 0x40), Some(value.is_nan() && bits >> 51 & 1 == 0));
    };
    for bits in [0, 1 << 63, 1, (1 << 52) - 1, 1 << 52, 0x7ff << 52, 0xfff << 52, 0x7ff << 52 | 1, u64::MAX] {
        check_double(bits);
    }
    for _ in 0..cases() {
        let bits = random.bits();
        check_double(bits);
        check_double(bits & !(0x7ff << 52));
        let single = bits as u32;
        for single in [single, single & 0x807f_ffff, single | 0x7f80_0000] {
            assert_eq!(to_single(from_single(single)), single);
            let value = f32::from_bits(single);
            if !value.is_nan() {
                assert_eq!(wide(from_single(single)), wide(from_double(f64::from(value).to_bits())));
            }
        }
    }
}

#[test]
fn extended_format_and_spills_keep_every_bit() {
    let mut random = Random(0xe7);
    for _ in 0..cases() {
        let (significand, top) = (random.bits(), random.bits() as u16);
        assert_eq!(to_extended(from_extended(significand, top)), (significand, top));
        let fr = Fr { significand, sign_exponent: random.bits() as u32 & 0x3ffff };
        let (low, high) = to_spill(fr);
        assert_eq!(from_fill(low, high), fr);
    }
    let (low, high) = to_spill(Fr::NATVAL);
    assert_eq!((low, high), (0, 0x1fffe));
    assert!(from_fill(low, high).is_natval());
}

#[test]
fn memory_formats_have_the_manuals_encodings() {
    // SDM volume 1, table 5-2.
    assert_eq!(from_double(1.0f64.to_bits()), Fr::ONE);
    assert_eq!(from_single((-1.0f32).to_bits()), Fr::ONE.negated());
    assert_eq!(from_single(1), Fr::from_parts(false, 0xff81, 1 << 40));
    assert_eq!(from_double(1), Fr::from_parts(false, 0xfc01, 1 << 11));
    assert_eq!(from_extended(1, 0), Fr::from_parts(false, 0, 1));
    assert_eq!(from_double(f64::INFINITY.to_bits()), Fr::infinity(false));
    assert_eq!(from_extended(1 << 63, 0xffff), Fr::infinity(true));
    assert_eq!(to_extended(Fr::ONE), (1 << 63, 0x3fff));
}

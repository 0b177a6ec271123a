//! Comparisons, extremes, classification, and the moves of bits.

use ia64::fp::compare::{Extreme, extreme, fclass, fclass9, fcmp};
use ia64::fp::{Flags, bits, parallel};
use ia64::op::FpRel;
use ia64::state::Fr;
use rustc_apfloat::Float;

use crate::operands::Random;
use crate::oracle::{is_unnormal, wide};
use crate::{cases, default_control};

const RELATIONS: [FpRel; 8] = {
    use FpRel::*;
    [Eq, Lt, Le, Unord, Neq, Nlt, Nle, Ord]
};

/// Two numbers that are often equal, opposite, or the same in different encodings.
fn related(random: &mut Random) -> (Fr, Fr) {
    let a = random.number();
    let b = match random.below(6) {
        0 => a,
        1 => a.negated(),
        2 if a.significand >> 63 != 0
            && a.exponent() > 1
            && a.exponent() < 0x1fff0
            && a.significand & 7 == 0 =>
        {
            Fr { significand: a.significand >> 3, sign_exponent: a.sign_exponent + 3 }
        }
        3 => Fr { significand: a.significand ^ 1, ..a },
        _ => random.number(),
    };
    (a, b)
}

#[test]
fn relations_and_extremes_equal_llvm() {
    let control = default_control();
    let mut random = Random(0xc3);
    for _ in 0..cases() {
        let (a, b) = related(&mut random);
        // Flipping the last bit of an infinity makes a NaN, and may make NaTVal of an unnormal.
        if [a, b].iter().any(|fr| fr.is_natval() || fr.exponent() == 0x1ffff && fr.significand != 1 << 63) {
            continue;
        }
        let (wa, wb) = (wide(a), wide(b));
        let flags = if is_unnormal(a) || is_unnormal(b) { Flags::D } else { Flags::empty() };
        for relation in RELATIONS {
            let holds = match relation {
                FpRel::Eq => wa == wb,
                FpRel::Lt => wa < wb,
                FpRel::Le => wa <= wb,
                FpRel::Unord => false,
                FpRel::Neq => wa != wb,
                FpRel::Nlt => wa >= wb,
                FpRel::Nle => wa > wb,
                FpRel::Ord => true,
            };
            let got = fcmp(relation, a, b, &control);
            assert_eq!((got.value, got.flags), (Some(holds), flags), "{a:x?} {relation:?} {b:x?}");
        }
        let (ma, mb) = (wa.abs(), wb.abs());
        for (which, first) in [
            (Extreme::Min, wa < wb),
            (Extreme::Max, wa > wb),
            (Extreme::Amin, ma < mb),
            (Extreme::Amax, ma > mb),
        ] {
            let got = extreme(which, a, b, &control);
            assert_eq!((got.value, got.flags), (if first { a } else { b }, flags), "{which:?} {a:x?} {b:x?}");
        }
    }
}

#[test]
fn nans_are_unordered_and_only_some_relations_complain() {
    let control = default_control();
    let quiet = Fr::from_parts(false, 0x1ffff, 3 << 62);
    let signalling = Fr::from_parts(false, 0x1ffff, 1 << 63 | 1);
    let unsupported = Fr::from_parts(false, 0x1ffff, 1);
    for (nan, always) in [(quiet, false), (signalling, true), (unsupported, true)] {
        for (a, b) in [(nan, Fr::ONE), (Fr::ONE, nan), (nan, nan)] {
            for relation in RELATIONS {
                let got = fcmp(relation, a, b, &control);
                let negated = matches!(relation, FpRel::Unord | FpRel::Neq | FpRel::Nlt | FpRel::Nle);
                let ordering = matches!(relation, FpRel::Lt | FpRel::Le | FpRel::Nlt | FpRel::Nle);
                let flags = if always || ordering { Flags::V } else { Flags::empty() };
                assert_eq!((got.value, got.flags), (Some(negated), flags), "{relation:?}");
            }
            for which in [Extreme::Min, Extreme::Max, Extreme::Amin, Extreme::Amax] {
                let got = extreme(which, a, b, &control);
                assert_eq!((got.value, got.flags), (b, Flags::V));
            }
        }
    }
    assert_eq!(fcmp(FpRel::Neq, Fr::NATVAL, quiet, &control).value, None);
    assert_eq!(extreme(Extreme::Max, signalling, Fr::NATVAL, &control).value, Fr::NATVAL);
}

#[test]
fn every_encoding_has_exactly_its_class() {
    use fclass9::*;
    let table = [
        (Fr::ZERO, POS | ZERO),
        (Fr::zero(true), NEG | ZERO),
        (Fr::ONE, POS | NORM),
        (Fr::from_parts(true, 0x1fffe, u64::MAX), NEG | NORM),
        (Fr::from_parts(false, 1, 1 << 63), POS | NORM),
        (Fr::from_parts(false, 0, 1), POS | UNORM),
        (Fr::from_parts(true, 0, 1 << 63), NEG | UNORM),
        (Fr::from_significand(7), POS | UNORM),
        (Fr::from_parts(false, 1, 0), POS | UNORM),
        (Fr::from_parts(true, 0x1fffe, 0), NEG | UNORM),
        (Fr::infinity(false), POS | INF),
        (Fr::infinity(true), NEG | INF),
        (Fr::from_parts(false, 0x1ffff, 1 << 63 | 1), SNAN),
        (Fr::from_parts(true, 0x1ffff, 3 << 62), QNAN),
        (Fr::NATVAL, NAT),
        (Fr::from_parts(false, 0x1ffff, 1), 0),
        (Fr::from_parts(true, 0x1ffff, 0), 0),
    ];
    for (fr, class) in table {
        for mask in 0..0x200u16 {
            let sign = class & (POS | NEG);
            let kind = class & !(POS | NEG);
            let member = mask & kind != 0 && (sign == 0 || mask & sign != 0);
            let expected = if fr.is_natval() && mask & NAT == 0 { None } else { Some(member) };
            assert_eq!(fclass(fr, mask), expected, "{fr:x?} {mask:#x}");
        }
    }
}

#[test]
fn parallel_comparison_sets_the_halves_that_hold() {
    let control = default_control();
    let pair = |high: f32, low: f32| {
        Fr::from_significand(u64::from(high.to_bits()) << 32 | u64::from(low.to_bits()))
    };
    let got = parallel::fpcmp(FpRel::Lt, pair(1.0, 2.0), pair(2.0, 1.0), &control);
    assert_eq!((got.value, got.flags), (Fr::from_significand(0xffff_ffff_0000_0000), Flags::empty()));
    let got = parallel::fpcmp(FpRel::Nle, pair(1.0, f32::NAN), pair(2.0, 1.0), &control);
    assert_eq!((got.value, got.flags), (Fr::from_significand(0xffff_ffff), Flags::V));
    let got = parallel::extreme(Extreme::Amax, pair(-3.0, 1.0), pair(2.0, -1.0), &control);
    assert_eq!(got.value, pair(-3.0, -1.0));
}

#[test]
fn bit_moves_do_what_their_pages_say() {
    let a = Fr { significand: 0x8123_4567_89ab_cdef, sign_exponent: 1 << 17 | 0x12345 };
    let b = Fr { significand: 0x0fed_cba9_7654_3210, sign_exponent: 0x0abcd };
    let c = Fr { significand: 0xffff_0000_ffff_0000, sign_exponent: 0 };
    let sig = Fr::from_significand;
    assert_eq!(bits::fmerge_s(a, b), Fr { sign_exponent: 1 << 17 | 0x0abcd, ..b });
    assert_eq!(bits::fmerge_ns(a, b), b);
    assert_eq!(bits::fmerge_se(a, b), Fr { sign_exponent: a.sign_exponent, ..b });
    assert_eq!(bits::fmix_lr(a, b), sig(0x8123_4567_7654_3210));
    assert_eq!(bits::fmix_r(a, b), sig(0x89ab_cdef_7654_3210));
    assert_eq!(bits::fmix_l(a, b), sig(0x8123_4567_0fed_cba9));
    assert_eq!(bits::fsxt_r(a, b), sig(0xffff_ffff_7654_3210));
    assert_eq!(bits::fsxt_l(a, b), sig(0xffff_ffff_0fed_cba9));
    assert_eq!(bits::fsxt_l(b, a), sig(0x8123_4567));
    assert_eq!(bits::fswap(a, b), sig(0x7654_3210_8123_4567));
    assert_eq!(bits::fswap_nl(a, b), sig(0xf654_3210_8123_4567));
    assert_eq!(bits::fswap_nr(a, b), sig(0x7654_3210_0123_4567));
    assert_eq!(bits::fand(a, b), sig(a.significand & b.significand));
    assert_eq!(bits::fandcm(a, b), sig(a.significand & !b.significand));
    assert_eq!(bits::f_or(a, b), sig(a.significand | b.significand));
    assert_eq!(bits::fxor(a, b), sig(a.significand ^ b.significand));
    assert_eq!(bits::fselect(a, b, c), sig(0x8123_cba9_89ab_3210));
    assert_eq!(bits::fpmerge_s(a, b), sig(0x8fed_cba9_f654_3210));
    assert_eq!(bits::fpmerge_ns(a, b), sig(0x0fed_cba9_7654_3210));
    assert_eq!(bits::fpmerge_se(a, b), sig(0x816d_cba9_89d4_3210));
    let pair = bits::fpack(Fr::ONE, Fr::ONE.negated());
    assert_eq!(pair, sig(0x3f80_0000_bf80_0000));
    for operation in
        [bits::fmerge_s, bits::fmix_l, bits::fsxt_r, bits::fpack, bits::fswap, bits::fand, bits::fpmerge_se]
    {
        assert_eq!(operation(Fr::NATVAL, b), Fr::NATVAL);
        assert_eq!(operation(a, Fr::NATVAL), Fr::NATVAL);
    }
    assert_eq!(bits::fselect(a, b, Fr::NATVAL), Fr::NATVAL);
    assert_eq!(bits::xma_l(Fr::NATVAL, b, a), Fr::NATVAL);
}

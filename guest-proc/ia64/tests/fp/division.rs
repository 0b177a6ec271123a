//! Approximations of reciprocals: the tables, their use in division and square root, and the hard operands.

use ia64::fp::approx::{RECIPROCAL, RECIPROCAL_ROOT, frcpa, frsqrta};
use ia64::fp::fma::{Form, fma};
use ia64::fp::memory::{from_double, from_single, to_double};
use ia64::fp::value::INDEFINITE;
use ia64::fp::{Control, Flags, Outcome, Rounding, parallel};
use ia64::op::Precision;
use ia64::state::Fr;
use rustc_apfloat::{Float, Round};

use crate::operands::Random;
use crate::oracle::{Target, deliver, odd, wide};
use crate::{ROUNDINGS, cases, default_control, fpsr};

/// As a host number; only for values well inside its range.
fn host(fr: Fr) -> f64 {
    let value = fr.significand as f64 * 2f64.powi(fr.exponent() as i32 - 0xffff - 63);
    if fr.sign() { -value } else { value }
}

#[test]
fn tables_have_the_manuals_entries() {
    // First, last and middle entries as printed in SDM volume 3, "frcpa" and "frsqrta" (there without the leading bit).
    assert_eq!(
        [RECIPROCAL[0], RECIPROCAL[1], RECIPROCAL[4], RECIPROCAL[128], RECIPROCAL[255]],
        [0x7fc, 0x7f4, 0x7dd, 0x554, 0x401]
    );
    assert_eq!(
        [
            RECIPROCAL_ROOT[0],
            RECIPROCAL_ROOT[1],
            RECIPROCAL_ROOT[127],
            RECIPROCAL_ROOT[128],
            RECIPROCAL_ROOT[255]
        ],
        [0x5a5, 0x5a0, 0x401, 0x7fc, 0x5aa]
    );
}

#[test]
fn approximations_are_as_close_as_the_manual_promises() {
    let control = default_control();
    let bound = 2f64.powf(-8.886);
    let root_bound = 2f64.powf(-8.831);
    let mut random = Random(0xa9);
    for n in 0..cases() {
        let significand = if n < 512 { 1 << 63 | n << 54 } else { random.significand() };
        let exponent = 0xffff - 100 + random.below(200) as u32;
        let x = Fr::from_parts(random.flip(), exponent, significand);
        let y = frcpa(Fr::ONE, x, &control);
        assert!(y.value.1 && y.flags.is_empty());
        assert!((host(y.value.0) * host(x) - 1.0).abs() < bound, "{x:x?}");
        let x = x.magnitude();
        let y = frsqrta(x, &control);
        assert!(y.value.1 && y.flags.is_empty());
        assert!((host(y.value.0) * host(x).sqrt() - 1.0).abs() < root_bound, "{x:x?}");
    }
}

/// Status field 0 as programs have it, status field 1 for intermediate steps: full significand, widest range, no traps.
fn fields() -> (Control, Control, Control, Control) {
    let fpsr = Flags::all().bits() as u64 | (3 << 2) << 6 | (1 << 1 | 3 << 2 | 1 << 6) << 19;
    (
        Control::new(fpsr, 0, Precision::Dynamic),
        Control::new(fpsr, 0, Precision::D),
        Control::new(fpsr, 1, Precision::Dynamic),
        Control::new(fpsr, 1, Precision::D),
    )
}

/// The double division that compilers emit.
fn divide(a: Fr, b: Fr) -> Fr {
    let (s0, d_s0, s1, d_s1) = fields();
    let (y0, refine) = frcpa(a, b, &s0).value;
    if !refine {
        return y0;
    }
    let mul = |x, y| fma(Form::FMA, x, y, None, &s1).value;
    let add = |x, y, z| fma(Form::FMA, x, y, Some(z), &s1).value;
    let sub = |x, y, z| fma(Form::FNMA, x, y, Some(z), &s1).value;
    let q0 = mul(a, y0);
    let e0 = sub(b, y0, Fr::ONE);
    let q1 = add(q0, e0, q0);
    let e1 = mul(e0, e0);
    let y1 = add(y0, e0, y0);
    let q2 = add(q1, e1, q1);
    let e2 = mul(e1, e1);
    let y2 = add(y1, e1, y1);
    let q3 = fma(Form::FMA, q2, e2, Some(q2), &d_s1).value;
    let y3 = add(y2, e2, y2);
    let r = fma(Form::FNMA, b, q3, Some(a), &d_s1).value;
    fma(Form::FMA, r, y3, Some(q3), &d_s0).value
}

/// The double square root that compilers emit.
fn square_root(a: Fr) -> Fr {
    let (s0, d_s0, s1, d_s1) = fields();
    let (y0, refine) = frsqrta(a, &s0).value;
    if !refine {
        return y0;
    }
    let half = from_double(0.5f64.to_bits());
    let mul = |x, y| fma(Form::FMA, x, y, None, &s1).value;
    let add = |x, y, z| fma(Form::FMA, x, y, Some(z), &s1).value;
    let sub = |x, y, z| fma(Form::FNMA, x, y, Some(z), &s1).value;
    let (h0, g0) = (mul(half, y0), mul(a, y0));
    let r0 = sub(g0, h0, half);
    let (h1, g1) = (add(r0, h0, h0), add(r0, g0, g0));
    let r1 = sub(g1, h1, half);
    let (h2, g2) = (add(r1, h1, h1), add(r1, g1, g1));
    let (r2, d2) = (sub(g2, h2, half), sub(g2, g2, a));
    let h3 = add(r2, h2, h2);
    let g3 = fma(Form::FMA, d2, h2, Some(g2), &d_s1).value;
    let d3 = sub(g3, g3, a);
    fma(Form::FMA, d3, h3, Some(g3), &d_s0).value
}

#[test]
fn refined_quotients_and_roots_equal_the_hosts() {
    let mut random = Random(0xd1f);
    for n in 0..cases() {
        let mut double = || {
            let bits = random.bits();
            f64::from_bits(match n % 4 {
                0 => bits & !(0x7ff << 52) | (0x3ff - 20 + (bits >> 52) % 40) << 52,
                // Denormals.
                1 if bits & 0x700 == 0 => bits & !(0x7ff << 52),
                // Small integers: exact and half-way quotients.
                2 => ((bits % 20000) as f64).to_bits(),
                _ => bits,
            })
        };
        let (a, b) = (double(), double());
        if a.is_nan() || b.is_nan() {
            continue;
        }
        let (fa, fb) = (from_double(a.to_bits()), from_double(b.to_bits()));
        let same = |got: Fr, host: f64| {
            let got = f64::from_bits(to_double(got));
            got.to_bits() == host.to_bits() || got.is_nan() && host.is_nan()
        };
        assert!(same(divide(fa, fb), a / b), "{a:e} / {b:e}");
        assert!(same(square_root(fa), a.sqrt()), "sqrt {a:e}");
    }
}

#[test]
fn hard_quotients_are_exact_and_need_no_refinement() {
    let mut random = Random(0x4a4d);
    let mut seen = 0;
    for _ in 0..2 * cases() {
        let (a, b) = (random.normal(), random.normal());
        let pc = random.pick(&[0, 2, 3]);
        let wre = random.flip();
        let rounding = random.pick(&ROUNDINGS);
        let masked =
            if random.flip() { Flags::all() } else { Flags::from_bits_truncate(random.bits() as u8) };
        let ftz = random.below(4) == 0;
        let control = Control::new(fpsr(masked, ftz, wre, pc, rounding), 0, Precision::Dynamic);
        let got = frcpa(a, b, &control);
        let (e2, e3) = (a.exponent() as i32, b.exponent() as i32);
        let hard = e3 >= 0x1fffc || e2 - e3 <= -65533 || e2 - e3 >= 65535 || e2 <= 64;
        assert_eq!(got.value.1, !hard, "{a:x?} / {b:x?}");
        if hard {
            seen += 1;
            let quotient = wide(a).div_r(wide(b), Round::TowardZero);
            let target = Target::new(Precision::Dynamic, pc, wre);
            let expected = deliver(odd(quotient), false, target, rounding, ftz, masked);
            assert_eq!(got.map(|(value, _)| value), expected, "{a:x?} / {b:x?} {control:x?}");
        }
    }
    assert!(seen > 100);
}

#[test]
fn hard_square_roots_are_exact_and_need_no_refinement() {
    let mut random = Random(0x54);
    for _ in 0..cases() {
        let exponent = 1 + random.below(70) as u32;
        let x = Fr::from_parts(false, exponent, random.significand());
        let control =
            |rounding| Control::new(fpsr(Flags::all(), false, true, 3, rounding), 0, Precision::Dynamic);
        let root = |rounding| frsqrta(x, &control(rounding)).value;
        let (nearest, refine) = root(Rounding::Nearest);
        assert_eq!(refine, exponent > 64);
        if refine {
            continue;
        }
        let odd = (exponent ^ 0xffff) & 1 != 0;
        let square = u128::from(x.significand) << (63 + odd as u32);
        // ⌊√square⌋ by its definition, to nearest by that of the half-way point.
        let (down, up) = (root(Rounding::Down).0, root(Rounding::Up).0);
        let r = u128::from(down.significand);
        assert!(r * r <= square && (r + 1).checked_mul(r + 1).is_none_or(|next| next > square));
        if r * r == square {
            assert_eq!((down, nearest), (up, up));
        } else {
            let expected = if square > r * r + r { up } else { down };
            assert_eq!(nearest, expected);
            assert_eq!(down.significand.wrapping_add(1) << 1, up.significand << 1);
        }
        assert_eq!(2 * (down.exponent() as i32 - 0xffff) + odd as i32, exponent as i32 - 0xffff);
    }
}

#[test]
fn special_operands_of_frcpa_give_the_ieee_quotient() {
    let control = default_control();
    let zero = Fr::zero;
    let infinity = Fr::infinity;
    let table = [
        (zero(true), Fr::ONE, zero(true), Flags::empty()),
        (Fr::ONE, infinity(true), zero(true), Flags::empty()),
        (infinity(false), Fr::ONE.negated(), infinity(true), Flags::empty()),
        (infinity(false), zero(true), infinity(true), Flags::empty()),
        (Fr::ONE, zero(true), infinity(true), Flags::Z),
        (zero(false), zero(false), INDEFINITE, Flags::V),
        (infinity(false), infinity(true), INDEFINITE, Flags::V),
        (Fr::NATVAL, Fr::ONE, Fr::NATVAL, Flags::empty()),
        (Fr::ONE, Fr::NATVAL, Fr::NATVAL, Flags::empty()),
        (Fr::from_parts(false, 0x10000, 0), Fr::ONE, zero(false), Flags::D),
    ];
    for (a, b, value, flags) in table {
        let expected = Outcome { value: (value, false), flags, fault: 0, trap: 0 };
        assert_eq!(frcpa(a, b, &control), expected, "{a:x?} / {b:x?}");
    }
    let unmasked = Control::new(
        fpsr(Flags::all() - Flags::Z, false, false, 3, Rounding::Nearest),
        0,
        Precision::Dynamic,
    );
    assert_eq!(frcpa(Fr::ONE, Fr::ZERO, &unmasked).fault, Flags::Z.bits());
}

#[test]
fn special_operands_of_frsqrta_give_the_ieee_root() {
    let control = default_control();
    let table = [
        (Fr::zero(true), Fr::zero(true), Flags::empty()),
        (Fr::infinity(false), Fr::infinity(false), Flags::empty()),
        (Fr::infinity(true), INDEFINITE, Flags::V),
        (Fr::ONE.negated(), INDEFINITE, Flags::V),
        (Fr::NATVAL, Fr::NATVAL, Flags::empty()),
    ];
    for (x, value, flags) in table {
        let expected = Outcome { value: (value, false), flags, fault: 0, trap: 0 };
        assert_eq!(frsqrta(x, &control), expected, "{x:x?}");
    }
}

#[test]
fn parallel_approximations_refuse_what_single_range_cannot_refine() {
    let control = default_control();
    let pair = |high: f32, low: f32| {
        Fr::from_significand(u64::from(high.to_bits()) << 32 | u64::from(low.to_bits()))
    };
    let halves =
        |fr: Fr| (f32::from_bits((fr.significand >> 32) as u32), f32::from_bits(fr.significand as u32));
    let (value, refine) = parallel::fprcpa(pair(1.0, 3.0), pair(2.0, -4.0), &control).value;
    let (high, low) = halves(value);
    assert!(refine && (high - 0.5).abs() < 0.002 && (low + 0.25).abs() < 0.001);
    // One half decides for both.
    let (value, refine) = parallel::fprcpa(pair(1.0, 1.0), pair(2.0, 1e38), &control).value;
    assert!(!refine && halves(value).1 == 0.0);
    let (value, refine) = parallel::fprcpa(pair(1.0, 1.0), pair(1e-40, 2.0), &control).value;
    assert!(!refine && halves(value).0 == f32::INFINITY);
    assert!(!parallel::fprcpa(pair(1e-35, 1.0), pair(1.0, 1.0), &control).value.1);
    let zero_divide = parallel::fprcpa(pair(1.0, -1.0), pair(1.0, 0.0), &control);
    assert_eq!((zero_divide.flags, halves(zero_divide.value.0).1), (Flags::Z, f32::NEG_INFINITY));
    let (value, refine) = parallel::fprsqrta(pair(4.0, 16.0), &control).value;
    let (high, low) = halves(value);
    assert!(refine && (high - 0.5).abs() < 0.002 && (low - 0.25).abs() < 0.001);
    let (value, refine) = parallel::fprsqrta(pair(0.0, f32::INFINITY), &control).value;
    assert!(!refine && halves(value) == (f32::INFINITY, 0.0));
    assert_eq!(from_single(0x7f80_0000), Fr::infinity(false));
}

//! The short ways of multiply-add equal the long one wherever they give an answer.

use ia64::fp::fma::{Form, fma, quick};
use ia64::fp::host::{double, single};
use ia64::fp::status::host_may_round;
use ia64::fp::{Control, Flags, Rounding};
use ia64::op::Precision;
use ia64::state::Fr;

use crate::operands::Random;
use crate::{PRECISIONS, cases, fpsr};

const FORMS: [Form; 3] = [Form::FMA, Form::FMS, Form::FNMA];

/// A number that the host's format holds, often with few bits, seldom out of the window or not of the format.
fn candidate(random: &mut Random, bits: u32) -> Fr {
    let spread = random.pick(&[4, 30, 60, 500]);
    let exponent = (0xffff - spread + random.below(2 * spread as u64 + 1) as i64) as u32;
    let kept = if random.below(50) == 0 { 64 } else { bits };
    let significand = random.significand() & u64::MAX << (64 - kept);
    match random.below(40) {
        0 => random.number(),
        1 => Fr::ONE,
        2 => Fr::zero(random.flip()),
        _ => Fr::from_parts(random.flip(), exponent, significand),
    }
}

/// The addend, sometimes chosen to cancel the product or its leading bits.
fn addend(random: &mut Random, bits: u32, a: Fr, b: Fr) -> Fr {
    let mut c = candidate(random, bits);
    if random.below(4) == 0 {
        let product = u128::from(a.significand) * u128::from(b.significand);
        let zeros = product.leading_zeros();
        if zeros < 2 {
            c.significand = ((product << zeros) >> 64) as u64 & u64::MAX << (64 - bits);
            let exponent = a.exponent() + b.exponent() + 1 - zeros + random.below(3) as u32;
            c.sign_exponent = c.sign_exponent & 1 << 17 | (exponent.wrapping_sub(0x10000) & 0x1ffff);
        }
    }
    c
}

#[test]
fn the_hosts_arithmetic_equals_the_exact_one() {
    let mut random = Random(0x4057);
    let mut answered = 0;
    for _ in 0..5 * cases() {
        let doubles = random.flip();
        let (bits, precision) = if doubles { (53, Precision::D) } else { (24, Precision::S) };
        let wre = random.flip();
        let control =
            Control::new(fpsr(Flags::all(), random.flip(), wre, 3, Rounding::Nearest), 0, precision);
        let (a, b) = (candidate(&mut random, bits), candidate(&mut random, bits));
        let c = addend(&mut random, bits, a, b);
        let form = random.pick(&FORMS);
        let answers = if doubles {
            [double::multiply_add(form, a, b, c), double::multiply(form, a, b), double::add(form, a, c)]
        } else {
            [single::multiply_add(form, a, b, c), single::multiply(form, a, b), single::add(form, a, c)]
        };
        let exact = [
            fma(form, a, b, Some(c), &control),
            fma(form, a, b, None, &control),
            fma(form, a, Fr::ONE, Some(c), &control),
        ];
        for (answer, exact) in answers.into_iter().zip(exact) {
            if let Some(value) = answer {
                answered += 1;
                assert_eq!(value, exact.value, "{form:?} {a:x?} {b:x?} {c:x?} {precision:?}");
                // Nothing but inexactness may go unreported.
                assert_eq!(exact.flags - Flags::I, Flags::empty());
            }
        }
    }
    assert!(answered > 5 * cases(), "the host answers too seldom: {answered}");
}

#[test]
fn the_quick_integer_way_equals_the_exact_one() {
    let mut random = Random(0x9c);
    let mut answered = 0;
    for _ in 0..5 * cases() {
        let precision = random.pick(&PRECISIONS);
        let (wre, pc) = (random.flip(), random.pick(&[0, 2, 3]));
        let control = Control::new(fpsr(Flags::all(), false, wre, pc, Rounding::Nearest), 0, precision);
        let [a, b, c] = match random.below(3) {
            0 => random.interfering(),
            1 => [random.number(), random.number(), random.number()],
            _ => {
                let (a, b) = (candidate(&mut random, 64), candidate(&mut random, 64));
                [a, b, addend(&mut random, 64, a, b)]
            }
        };
        let c = if random.below(5) == 0 { None } else { Some(c) };
        let form = random.pick(&FORMS);
        if let Some((value, inexact)) = quick(form, a, b, c, control.format) {
            answered += 1;
            let exact = fma(form, a, b, c, &control);
            let flags = if inexact { Flags::I } else { Flags::empty() };
            assert_eq!(
                (value, flags),
                (exact.value, exact.flags),
                "{form:?} {a:x?} {b:x?} {c:x?} {control:x?}"
            );
        }
    }
    assert!(answered > 2 * cases(), "the quick way answers too seldom: {answered}");
}

#[test]
fn the_host_may_round_only_where_inexactness_changes_nothing() {
    let nearest = fpsr(Flags::all(), false, false, 3, Rounding::Nearest);
    let flagged = |fpsr: u64| fpsr | 1 << 18;
    assert!(!host_may_round(nearest, 0), "the flag is still to be set");
    assert!(host_may_round(flagged(nearest), 0));
    assert!(!host_may_round(flagged(fpsr(Flags::all() - Flags::I, false, false, 3, Rounding::Nearest)), 0));
    assert!(!host_may_round(flagged(fpsr(Flags::all(), false, false, 3, Rounding::Down)), 0));
    // td masks for its own field.
    let field_1 = 1 << 31 | 1 << 25;
    assert!(host_may_round(field_1, 1));
    assert!(!host_may_round(field_1, 2));
}

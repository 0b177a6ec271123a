//! NaNs, NaTVal, unsupported encodings, priorities of exceptions, and the status register itself.

use ia64::fp::fma::{Form, fma};
use ia64::fp::round::trap;
use ia64::fp::status::{check_flags, clear_flags, flags, set_controls, with_flags};
use ia64::fp::value::INDEFINITE;
use ia64::fp::{Control, Flags, Rounding, parallel};
use ia64::op::Precision;
use ia64::state::Fr;

use crate::{default_control, fpsr};

const QUIET: Fr = Fr::from_parts(true, 0x1ffff, 3 << 62 | 0x111);
const SIGNALLING: Fr = Fr::from_parts(false, 0x1ffff, 1 << 63 | 0x222);
const OTHER_QUIET: Fr = Fr::from_parts(false, 0x1ffff, 3 << 62 | 0x333);
const UNSUPPORTED: Fr = Fr::from_parts(false, 0x1ffff, 0x444);

fn masking(masked: Flags) -> Control {
    Control::new(fpsr(masked, false, false, 3, Rounding::Nearest), 0, Precision::Dynamic)
}

#[test]
fn nan_operands_are_handed_on_in_the_order_f4_f2_f3() {
    let control = default_control();
    for form in [Form::FMA, Form::FMS, Form::FNMA] {
        let run = |f3, f4, f2| {
            let outcome = fma(form, f3, f4, Some(f2), &control);
            (outcome.value, outcome.flags)
        };
        let one = Fr::ONE;
        // A NaN's sign is never turned around.
        assert_eq!(run(QUIET, one, one), (QUIET, Flags::empty()));
        assert_eq!(run(one, QUIET, one), (QUIET, Flags::empty()));
        assert_eq!(run(one, one, QUIET), (QUIET, Flags::empty()));
        assert_eq!(run(OTHER_QUIET, QUIET, OTHER_QUIET), (QUIET, Flags::empty()));
        assert_eq!(run(OTHER_QUIET, one, QUIET), (QUIET, Flags::empty()));
        // A signalling NaN anywhere is invalid; the NaN handed on is still the first.
        assert_eq!(run(SIGNALLING, QUIET, one), (QUIET, Flags::V));
        assert_eq!(run(one, SIGNALLING, QUIET), (SIGNALLING.quieted(), Flags::V));
        assert_eq!(run(one, UNSUPPORTED, QUIET), (INDEFINITE, Flags::V));
        // A NaN hides what else would be wrong.
        assert_eq!(run(Fr::infinity(false), Fr::ZERO, QUIET), (QUIET, Flags::empty()));
        assert_eq!(run(QUIET, Fr::from_significand(1), one), (QUIET, Flags::empty()));
    }
}

#[test]
fn natval_wins_over_everything() {
    let control = masking(Flags::empty());
    for other in [Fr::ONE, QUIET, SIGNALLING, UNSUPPORTED, Fr::infinity(true), Fr::from_significand(3)] {
        for (f3, f4, f2) in
            [(Fr::NATVAL, other, other), (other, Fr::NATVAL, other), (other, other, Fr::NATVAL)]
        {
            let outcome = fma(Form::FMA, f3, f4, Some(f2), &control);
            assert_eq!((outcome.value, outcome.flags, outcome.fault), (Fr::NATVAL, Flags::empty(), 0));
        }
        assert_eq!(parallel::fpma(Form::FMA, other, Fr::NATVAL, None, &control).value, Fr::NATVAL);
    }
}

#[test]
fn infinities_meet_zeros_and_pseudo_zeros() {
    let control = default_control();
    let infinity = Fr::infinity(false);
    let pseudo_zero = Fr::from_parts(false, 0x1003e, 0);
    let run = |f3, f4, f2| {
        let outcome = fma(Form::FMA, f3, f4, Some(f2), &control);
        (outcome.value, outcome.flags)
    };
    assert_eq!(run(infinity, Fr::ZERO, Fr::ONE), (INDEFINITE, Flags::V));
    assert_eq!(run(infinity, pseudo_zero, Fr::ONE), (infinity, Flags::D));
    assert_eq!(run(infinity, Fr::ONE, infinity.negated()), (INDEFINITE, Flags::V));
    assert_eq!(run(Fr::ONE, Fr::ONE, infinity.negated()), (infinity.negated(), Flags::empty()));
    assert_eq!(run(pseudo_zero, Fr::ONE, Fr::ONE), (Fr::ONE, Flags::D));
}

#[test]
fn faults_come_in_their_order_and_name_themselves() {
    let unnormal = Fr::from_significand(1);
    let fault = |f3, f4, f2, masked| fma(Form::FMA, f3, f4, Some(f2), &masking(masked)).fault;
    let none = Flags::empty();
    assert_eq!(fault(unnormal, Fr::ONE, Fr::ONE, none), Flags::D.bits());
    assert_eq!(fault(unnormal, Fr::ONE, Fr::ONE, Flags::D), 0);
    // Invalid comes before denormal, masked or not.
    assert_eq!(fault(unnormal, SIGNALLING, Fr::ONE, none), Flags::V.bits());
    assert_eq!(fault(unnormal, SIGNALLING, Fr::ONE, Flags::V), 0);
    assert_eq!(fault(Fr::infinity(false), Fr::ZERO, unnormal, Flags::D), Flags::V.bits());
}

#[test]
fn parallel_exceptions_tell_the_halves_apart() {
    let pair = |high: f32, low: f32| {
        Fr::from_significand(u64::from(high.to_bits()) << 32 | u64::from(low.to_bits()))
    };
    let control = |masked| Control::parallel(fpsr(masked, false, false, 3, Rounding::Nearest), 0);
    let one = pair(1.0, 1.0);
    let infinity_times_zero = |high, low| {
        parallel::fpma(Form::FMA, pair(high, low), pair(0.0, 0.0), None, &control(Flags::empty()))
    };
    assert_eq!(infinity_times_zero(f32::INFINITY, 1.0).fault, 0x01);
    assert_eq!(infinity_times_zero(1.0, f32::INFINITY).fault, 0x10);
    assert_eq!(infinity_times_zero(f32::INFINITY, f32::INFINITY).fault, 0x11);
    assert_eq!(parallel::fpma(Form::FMA, pair(1.0, 1e-40), one, None, &control(Flags::empty())).fault, 0x20);
    // Overflow, inexact in the high half; the exponent is wrapped: 2^200 becomes 2^-56.
    let big = pair(1.5 * 2f32.powi(100), 1.0);
    let overflow = parallel::fpma(Form::FMA, big, pair(2f32.powi(100), 1.0), None, &control(Flags::empty()));
    assert_eq!(overflow.trap, trap::O);
    assert_eq!(overflow.trap_code(), 0x0801);
    assert_eq!(overflow.flags, Flags::O);
    assert_eq!((overflow.value.significand >> 32) as u32, (1.5 * 2f32.powi(200 - 256)).to_bits());
    let inexact = parallel::fpma(
        Form::FMA,
        pair(1.0, 1.0 + f32::EPSILON),
        pair(1.0, 1.0 + f32::EPSILON),
        None,
        &control(Flags::empty()),
    );
    assert_eq!(inexact.trap, trap::I >> 4);
    assert_eq!(inexact.trap_code(), 0x0201);
}

#[test]
fn traps_report_their_causes_in_isr_code() {
    let huge = Fr::from_parts(false, 0x1fff0, u64::MAX);
    let overflow = fma(Form::FMA, huge, huge, None, &masking(Flags::all() - Flags::O));
    // O, I; the product of all-ones significands rounds down.
    assert_eq!((overflow.trap_code(), overflow.flags), (0x2801, Flags::O | Flags::I));
    assert_eq!(overflow.value.exponent(), (2 * 0x1fff0 - 0xffff + 1) & 0x1ffff);
    let tiny = Fr::from_parts(false, 0x10, 1 << 63);
    let underflow = fma(Form::FMA, tiny, tiny, None, &masking(Flags::all() - Flags::U));
    // Exact, and an enabled underflow needs no inexactness.
    assert_eq!((underflow.trap_code(), underflow.flags), (0x1001, Flags::U));
    let third = fma(
        Form::FMA,
        Fr::from_parts(false, 0xffff, 0xaaaa_aaaa_aaaa_aaab),
        Fr::from_parts(false, 0xffff, 3 << 62),
        None,
        &masking(Flags::all() - Flags::I),
    );
    assert_eq!((third.trap_code(), third.flags), (0x2001, Flags::I));
}

#[test]
fn status_fields_are_where_the_manual_puts_them() {
    // Linux's default: all traps disabled, sf0 nearest and 64 bits, sf1 in addition widest range and traps off.
    let fpsr = 0x0009_804c_0270_033f;
    let sf1 = Control::new(fpsr, 1, Precision::Dynamic);
    assert_eq!((sf1.format.emin, sf1.format.emax, sf1.format.lsb), (1, 0x1fffe, 1));
    let sf0 = Control::new(fpsr, 0, Precision::Dynamic);
    assert_eq!((sf0.format.emin, sf0.format.emax, sf0.format.lsb), (0xc001, 0x13ffe, 1));
    let double = Control::new(fpsr, 0, Precision::D);
    assert_eq!((double.format.emin, double.format.emax, double.format.lsb), (0xfc01, 0x103fe, 1 << 11));
    assert_eq!(Control::new(0x40 << 19, 1, Precision::S).masked, Flags::all());
    assert_eq!(Control::new(0, 1, Precision::S).masked, Flags::empty());
    assert_eq!(Control::new(2 << 10, 0, Precision::S).rounding, Rounding::Up);

    assert_eq!(with_flags(0, 0, Flags::I), 1 << 18);
    assert_eq!(with_flags(0, 3, Flags::V), 1 << 52);
    assert_eq!(flags(with_flags(0, 2, Flags::all()), 2), Flags::all());
    assert_eq!(clear_flags(u64::MAX, 1), !(0x3f << 26));
}

#[test]
fn fsetc_takes_the_controls_of_field_0_and_refuses_reserved_ones() {
    let fpsr = 0x3f | 0x3c << 6;
    assert_eq!(set_controls(fpsr, 2, 0x7f, 0x42), Some(fpsr | 0x7e << 32));
    assert_eq!(set_controls(fpsr, 0, 0x0f, 0x00), Some(0x3f | 0x0c << 6));
    assert_eq!(set_controls(fpsr, 0, 0x7f, 0x40), None, "td of field 0");
    assert_eq!(set_controls(fpsr, 1, 0x73, 0x04), None, "pc of 1");
}

#[test]
fn fchkf_looks_for_flags_that_field_0_lacks_or_that_would_trap() {
    let all_masked = 0x3f;
    assert!(!check_flags(all_masked, 1));
    assert!(check_flags(with_flags(all_masked, 1, Flags::O), 1));
    let both = with_flags(with_flags(all_masked, 1, Flags::O), 0, Flags::O);
    assert!(!check_flags(both, 1));
    assert!(check_flags(both & !0x08, 1), "overflow enabled");
}

//! Multiply-add, scalar and parallel, and integer multiply-add.

use ia64::fp::fma::{Form, fma};
use ia64::fp::value::INDEFINITE;
use ia64::fp::{Control, Flags, Outcome, bits, parallel};
use ia64::op::Precision;
use ia64::state::Fr;
use rustc_apfloat::ieee::Single;
use rustc_apfloat::{Float, Status};

use crate::operands::Random;
use crate::oracle::{self, Target, deliver, is_unnormal, odd, wide};
use crate::{PRECISIONS, ROUNDINGS, cases, fpsr};

const FORMS: [Form; 3] = [Form::FMA, Form::FMS, Form::FNMA];

/// Everything that decides the result of one multiply-add.
#[derive(Clone, Copy, Debug)]
struct Case {
    form: Form,
    f3: Fr,
    f4: Fr,
    f2: Option<Fr>,
    precision: Precision,
    pc: u64,
    wre: bool,
    ftz: bool,
    rounding: ia64::fp::Rounding,
    masked: Flags,
}

impl Case {
    fn control(&self) -> Control {
        Control::new(fpsr(self.masked, self.ftz, self.wre, self.pc, self.rounding), 0, self.precision)
    }

    fn expected(&self) -> Outcome {
        let target = Target::new(self.precision, self.pc, self.wre);
        let round = oracle::round(self.rounding);
        let mut a = wide(self.f3);
        let b = wide(self.f4);
        if self.form.negate_product {
            a = -a;
        }
        let c = self.f2.map(|f2| if self.form.negate_addend { -wide(f2) } else { wide(f2) });
        let infinite = |fr: Fr| fr.exponent() == 0x1ffff;
        let pseudo_zero = |fr: Fr| fr.significand == 0 && fr.exponent() != 0;
        let unnormal = [Some(self.f3), Some(self.f4), self.f2].iter().flatten().any(|&fr| is_unnormal(fr));
        let unnormal = if unnormal { Flags::D } else { Flags::empty() };
        let (in_mode, toward_zero) = match c {
            // A pseudo-zero times infinity is infinity.
            Some(c)
                if infinite(self.f3) && pseudo_zero(self.f4) || infinite(self.f4) && pseudo_zero(self.f3) =>
            {
                let product = rustc_apfloat::ieee::IeeeFloat::INFINITY.copy_sign(a);
                let product = if b.is_negative() { -product } else { product };
                (product.add_r(c, round), product.add_r(c, round))
            }
            None if infinite(self.f3) && pseudo_zero(self.f4)
                || infinite(self.f4) && pseudo_zero(self.f3) =>
            {
                let product = rustc_apfloat::ieee::IeeeFloat::INFINITY.copy_sign(a);
                let product = if b.is_negative() { -product } else { product };
                (Status::OK.and(product), Status::OK.and(product))
            }
            Some(c) => (a.mul_add_r(b, c, round), a.mul_add_r(b, c, rustc_apfloat::Round::TowardZero)),
            None => (a.mul_r(b, round), a.mul_r(b, rustc_apfloat::Round::TowardZero)),
        };
        let checked = |outcome: Outcome, flags: Flags| {
            let fault = flags.difference(self.masked).intersection(Flags::FAULTS).bits();
            Outcome { flags: outcome.flags | flags, fault, ..outcome }
        };
        if in_mode.value.is_nan() {
            return checked(Outcome::exact(INDEFINITE), Flags::V);
        }
        if in_mode.value.is_infinite() {
            return checked(Outcome::exact(Fr::infinity(in_mode.value.is_negative())), unnormal);
        }
        let outcome = deliver(
            odd(toward_zero),
            in_mode.value.is_negative(),
            target,
            self.rounding,
            self.ftz,
            self.masked,
        );
        checked(outcome, unnormal)
    }

    fn check(&self) {
        let got = fma(self.form, self.f3, self.f4, self.f2, &self.control());
        let expected = self.expected();
        if got.fault != 0 || expected.fault != 0 {
            assert_eq!(got.fault, expected.fault, "{self:x?}");
        } else {
            assert_eq!(got, expected, "{self:x?}");
        }
    }
}

fn draw(random: &mut Random) -> Case {
    let [f3, f4, f2] = match random.below(3) {
        0 => [random.number(), random.number(), random.number()],
        1 => [random.normal(), random.normal(), random.normal()],
        _ => random.interfering(),
    };
    let masked = match random.below(4) {
        0 => Flags::from_bits_truncate(random.bits() as u8 & 0x3f),
        1 => Flags::all() - Flags::I,
        _ => Flags::all(),
    };
    Case {
        form: random.pick(&FORMS),
        f3,
        f4: if random.below(16) == 0 { Fr::ONE } else { f4 },
        f2: if random.below(6) == 0 { None } else { Some(f2) },
        precision: random.pick(&PRECISIONS),
        pc: random.pick(&[0, 2, 3, 3]),
        wre: random.flip(),
        ftz: random.below(4) == 0,
        rounding: random.pick(&ROUNDINGS),
        masked,
    }
}

#[test]
fn multiply_add_equals_llvm_in_every_precision_range_mode_and_mask() {
    let mut random = Random(0x1a64);
    for _ in 0..5 * cases() {
        draw(&mut random).check();
    }
}

#[test]
fn ordinary_doubles_and_singles_equal_llvm() {
    let mut random = Random(0xd0b1e);
    for _ in 0..2 * cases() {
        let mut case = draw(&mut random);
        let cut = if random.flip() { !0x7ff } else { !0xff_ffff_ffff };
        let ordinary = |random: &mut Random| {
            let exponent = 0xffff - 60 + random.below(120) as u32;
            Fr::from_parts(random.flip(), exponent, random.significand() & cut)
        };
        case.f3 = ordinary(&mut random);
        case.f4 = ordinary(&mut random);
        case.f2 = Some(ordinary(&mut random));
        case.masked = Flags::all();
        case.precision = random.pick(&[Precision::S, Precision::D]);
        case.check();
    }
}

#[test]
fn products_and_sums_at_the_underflow_edge_equal_llvm() {
    let mut random = Random(0x71f7);
    for _ in 0..2 * cases() {
        let mut case = draw(&mut random);
        let target = Target::new(case.precision, case.pc, case.wre);
        // A product or an addend within a significand's width of the smallest normal number.
        let edge = 0xffff + 2 - (1 << (target.exponent - 1));
        let near = edge - 70 + random.below(75) as i32;
        let e3 = 0xffff - random.below(60000) as i32;
        let e4 = near - e3 + 0xffff;
        case.f3 = Fr::from_parts(random.flip(), e3.clamp(1, 0x1fffe) as u32, random.significand());
        case.f4 = Fr::from_parts(random.flip(), e4.clamp(1, 0x1fffe) as u32, random.significand());
        case.f2 = match random.below(3) {
            0 => None,
            1 => Some(Fr::zero(random.flip())),
            _ => {
                let exponent = (near + random.below(9) as i32 - 4).clamp(1, 0x1fffe) as u32;
                Some(Fr::from_parts(random.flip(), exponent, random.significand()))
            }
        };
        case.check();
    }
}

#[test]
fn sign_of_zero_follows_rounding_mode_unless_the_addend_is_f0() {
    let control =
        |rounding| Control::new(fpsr(Flags::all(), false, false, 3, rounding), 0, Precision::Dynamic);
    let minus = Fr::zero(true);
    for rounding in ROUNDINGS {
        let control = control(rounding);
        let down = rounding == ia64::fp::Rounding::Down;
        assert_eq!(fma(Form::FMA, minus, Fr::ONE, None, &control).value, minus, "fmpy keeps -0");
        assert_eq!(fma(Form::FMA, minus, Fr::ONE, Some(Fr::ZERO), &control).value, Fr::zero(down));
        assert_eq!(fma(Form::FMS, Fr::ONE, Fr::ONE, Some(Fr::ONE), &control).value, Fr::zero(down));
        assert_eq!(fma(Form::FMA, minus, Fr::ONE, Some(minus), &control).value, minus);
    }
}

#[test]
fn the_deepest_cancellation_keeps_its_last_bit() {
    // (2^64 − 1)² against ±2^128: what is left is 2^65 − 1, of which one bit lies below the aligned product.
    let ones = Fr::from_parts(false, 0xffff + 63, u64::MAX);
    let power = Fr::from_parts(true, 0xffff + 128, 1 << 63);
    for precision in PRECISIONS {
        for rounding in ROUNDINGS {
            for form in FORMS {
                Case {
                    form,
                    f3: ones,
                    f4: ones,
                    f2: Some(if form == Form::FMA { power } else { power.negated() }),
                    precision,
                    pc: 3,
                    wre: true,
                    ftz: false,
                    rounding,
                    masked: Flags::all(),
                }
                .check();
            }
        }
    }
}

/// One half of a parallel result from LLVM's single precision: bits, and flags V, O, U, I.
fn single(form: Form, a: u32, b: u32, c: Option<u32>, rounding: ia64::fp::Rounding) -> (u32, Flags) {
    let round = oracle::round(rounding);
    let load = |bits: u32| Single::from_bits(u128::from(bits));
    let a = if form.negate_product { -load(a) } else { load(a) };
    let result = match c {
        Some(c) => {
            let c = if form.negate_addend { -load(c) } else { load(c) };
            a.mul_add_r(load(b), c, round)
        }
        None => a.mul_r(load(b), round),
    };
    let mut flags = Flags::empty();
    for (status, flag) in [(Status::INVALID_OP, Flags::V), (Status::INEXACT, Flags::I)] {
        if result.status.contains(status) {
            flags |= flag;
        }
    }
    (result.value.to_bits() as u32, flags)
}

#[test]
fn parallel_multiply_add_equals_two_single_operations_of_llvm() {
    let mut random = Random(0x51d);
    let half = |random: &mut Random| -> u32 {
        let bits = random.bits() as u32;
        match random.below(8) {
            0 => bits & 0x807f_ffff,
            1 => bits & 0x8000_0000,
            2 => bits & 0x8000_0000 | 0x7f80_0000,
            3 => bits & 0x8fff_ffff | 0x3000_0000,
            // NaNs have their own test.
            _ if bits >> 23 & 0xff == 0xff => bits & 0xbfff_ffff,
            _ => bits,
        }
    };
    for _ in 0..2 * cases() {
        let mut word = || [half(&mut random), half(&mut random)];
        let (a, b, c) = (word(), word(), word());
        let form = random.pick(&FORMS);
        let with_addend = random.below(5) != 0;
        let rounding = random.pick(&ROUNDINGS);
        let fr = |[high, low]: [u32; 2]| Fr::from_significand(bits::concatenate(high, low));
        let control = Control::parallel(fpsr(Flags::all(), false, true, 3, rounding), 0);
        let got = parallel::fpma(form, fr(a), fr(b), with_addend.then(|| fr(c)), &control);
        let lane = |n: usize| {
            let (bits, flags) = single(form, a[n], b[n], with_addend.then_some(c[n]), rounding);
            // The one NaN that can come of numbers is the indefinite.
            let bits = if bits & 0x7fff_ffff > 0x7f80_0000 { 0xffc0_0000 } else { bits };
            (bits, flags)
        };
        let (high, low) = (lane(0), lane(1));
        let context = (form, a, b, c, with_addend, rounding);
        assert_eq!(got.value.significand, bits::concatenate(high.0, low.0), "{context:x?}");
        assert_eq!(got.value.sign_exponent, Fr::INTEGER_EXPONENT);
        assert_eq!(got.flags & (Flags::V | Flags::I), high.1 | low.1, "{context:x?}");
        assert_eq!((got.fault, got.trap), (0, 0));
    }
}

#[test]
fn integer_multiply_add_equals_128_bit_arithmetic() {
    let mut random = Random(0x3a);
    for _ in 0..cases() {
        let mut integer = || {
            let bits = random.bits();
            let bits = match random.below(3) {
                0 => bits,
                1 => bits >> random.below(64),
                _ => !(bits >> random.below(64)),
            };
            (bits, Fr::from_significand(bits))
        };
        let ((a, fa), (b, fb), (c, fc)) = (integer(), integer(), integer());
        let unsigned = u128::from(a) * u128::from(b) + u128::from(c);
        let signed = (i128::from(a as i64) * i128::from(b as i64)).wrapping_add(i128::from(c));
        assert_eq!(bits::xma_l(fa, fb, fc), Fr::from_significand(unsigned as u64));
        assert_eq!(bits::xma_l(fa, fb, fc), Fr::from_significand(signed as u64));
        assert_eq!(bits::xma_hu(fa, fb, fc), Fr::from_significand((unsigned >> 64) as u64));
        assert_eq!(bits::xma_h(fa, fb, fc), Fr::from_significand((signed >> 64) as u64));
    }
}

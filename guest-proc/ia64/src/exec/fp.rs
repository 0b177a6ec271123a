//! Floating-point instructions: registers in, [`crate::fp`], registers, status flags, faults and traps out.
//! SDM volume 3; volume 1, 5.4.
//!
//! The order is everywhere the same: disabled registers, then faults of the operation, then all writes, then traps.

use crate::cpu::Cpu;
use crate::exec::{Done, Handler};
use crate::fault::{Fault, Stop, Vector};
use crate::fp::approx;
use crate::fp::bits;
use crate::fp::compare::{self, Extreme};
use crate::fp::convert;
use crate::fp::fma::{self as multiply_add, Form};
use crate::fp::host::{double, single};
use crate::fp::memory as format;
use crate::fp::parallel;
use crate::fp::status;
use crate::fp::{Control, Flags, Outcome, Rounding};
use crate::insn::Insn;
use crate::op::{FpRel, FpTransfer, Op, Precision};
use crate::state::{Fr, Gr};

const DFL: u64 = 1 << 18;
const DFH: u64 = 1 << 19;

/// The disabled floating-point register fault, if one of `registers` is of a disabled half of the file. Systems keep
/// the high half disabled for programs that do not use it, so that is no reason to look closer.
#[inline(always)]
pub(crate) fn check_enabled(cpu: &Cpu, registers: &[u8]) -> Done {
    if is_enabled(cpu, registers) { Ok(()) } else { check_halves(cpu, registers) }
}

/// As [`check_enabled`] for a load or store: the fault carries the ISR bits `access`.
#[inline(always)]
pub(crate) fn check_enabled_as(cpu: &Cpu, registers: &[u8], access: u64) -> Done {
    check_enabled(cpu, registers).map_err(|stop| stop.fault().map_or(stop, |fault| fault.with(access).into()))
}

#[inline(always)]
fn is_enabled(cpu: &Cpu, registers: &[u8]) -> bool {
    let disabled = cpu.psr.0 & (DFL | DFH);
    disabled == 0 || disabled == DFH && registers.iter().fold(0, |all, r| all | r) < 32
}

#[cold]
fn check_halves(cpu: &Cpu, registers: &[u8]) -> Done {
    let low = cpu.psr.dfl() && registers.iter().any(|r| (2..32).contains(r));
    let high = cpu.psr.dfh() && registers.iter().any(|&r| r >= 32);
    match low as u16 | (high as u16) << 1 {
        0 => Ok(()),
        code => Err(Fault::new(Vector::DisabledFp, code).into()),
    }
}

/// Writes register `r` (2..=127; the engine refuses f0 and f1) and marks its half of the file modified.
#[inline(always)]
pub(crate) fn set_fr(cpu: &mut Cpu, r: u8, value: Fr) {
    cpu.fr[r as usize & 127] = value;
    // PSR.mfl, PSR.mfh.
    cpu.psr.0 |= 1 << (4 + (r >= 32) as u32);
}

#[inline(always)]
fn get(cpu: &Cpu, r: u8) -> Fr {
    cpu.fr[r as usize & 127]
}

/// `fchkf`: would it branch?
pub(crate) fn check_flags(cpu: &Cpu, i: &Insn) -> bool {
    status::check_flags(cpu.ar.fpsr, i.x2)
}

fn fault(code: u8) -> Stop {
    Fault::new(Vector::FpFault, code as u16).into()
}

#[inline(always)]
fn raise_flags(cpu: &mut Cpu, i: &Insn, flags: Flags) {
    cpu.ar.fpsr = status::with_flags(cpu.ar.fpsr, i.x2, flags);
}

/// Completes an operation whose result goes to f1.
#[inline(always)]
fn complete(cpu: &mut Cpu, i: &Insn, outcome: Outcome) -> Done {
    if outcome.fault != 0 {
        return Err(fault(outcome.fault));
    }
    set_fr(cpu, i.r1, outcome.value);
    raise_flags(cpu, i, outcome.flags);
    if outcome.trap != 0 {
        return Err(Fault::new(Vector::FpTrap, outcome.trap_code()).into());
    }
    Ok(())
}

// Constants that multiply-add bodies are specialised by.
const FMA: u8 = 0;
const FMS: u8 = 1;
const FNMA: u8 = 2;
const SINGLE: u8 = Precision::S as u8;
const DOUBLE: u8 = Precision::D as u8;
const DYNAMIC: u8 = Precision::Dynamic as u8;
/// Three operands.
const FULL: u8 = 0;
/// The addend is f0: `fmpy`, `fnorm` and their like.
const PRODUCT: u8 = 1;
/// A factor is f1: `fadd`, `fsub`.
const SUM: u8 = 2;

const fn form(form: u8) -> Form {
    match form {
        FMA => Form::FMA,
        FMS => Form::FMS,
        _ => Form::FNMA,
    }
}

const fn precision(precision: u8) -> Precision {
    match precision {
        SINGLE => Precision::S,
        DOUBLE => Precision::D,
        _ => Precision::Dynamic,
    }
}

/// Multiply-add of singles or doubles: on the host where that is the same, else by [`integer`].
fn host<const FORM: u8, const PRECISION: u8, const SHAPE: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    if is_enabled(cpu, &[i.r1, i.r2, i.r3, i.r4]) && status::host_may_round(cpu.ar.fpsr, i.x2) {
        let (a, b, c) = (get(cpu, i.r3), get(cpu, i.r4), get(cpu, i.r2));
        let form = const { form(FORM) };
        let value = match (PRECISION, SHAPE) {
            (SINGLE, PRODUCT) => single::multiply(form, a, b),
            (SINGLE, SUM) => single::add(form, a, c),
            (SINGLE, _) => single::multiply_add(form, a, b, c),
            (_, PRODUCT) => double::multiply(form, a, b),
            (_, SUM) => double::add(form, a, c),
            _ => double::multiply_add(form, a, b, c),
        };
        if let Some(value) = value {
            set_fr(cpu, i.r1, value);
            return Ok(());
        }
    }
    integer::<FORM, PRECISION>(cpu, i)
}

/// Multiply-add in integer arithmetic: the ordinary case here, the others in [`unusual`].
#[inline(never)]
fn integer<const FORM: u8, const PRECISION: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    check_enabled(cpu, &[i.r1, i.r2, i.r3, i.r4])?;
    let control = Control::new(cpu.ar.fpsr, i.x2, const { precision(PRECISION) });
    if control.rounding == Rounding::Nearest && control.masked.contains(Flags::I) {
        let (form, addend) = (const { form(FORM) }, (i.r2 != 0).then(|| get(cpu, i.r2)));
        let result = multiply_add::quick(form, get(cpu, i.r3), get(cpu, i.r4), addend, control.format);
        if let Some((value, inexact)) = result {
            set_fr(cpu, i.r1, value);
            raise_flags(cpu, i, if inexact { Flags::I } else { Flags::empty() });
            return Ok(());
        }
    }
    unusual(cpu, i, const { form(FORM) }, control)
}

/// Multiply-add with any operands, results and controls.
#[inline(never)]
fn unusual(cpu: &mut Cpu, i: &Insn, form: Form, control: Control) -> Done {
    let addend = (i.r2 != 0).then(|| get(cpu, i.r2));
    let outcome = multiply_add::fma(form, get(cpu, i.r3), get(cpu, i.r4), addend, &control);
    complete(cpu, i, outcome)
}

fn select_form<const FORM: u8>(i: &Insn) -> Handler {
    match (i.x1, i.r2, i.r4) {
        (SINGLE, 0, _) => host::<FORM, SINGLE, PRODUCT>,
        (SINGLE, _, 1) => host::<FORM, SINGLE, SUM>,
        (SINGLE, ..) => host::<FORM, SINGLE, FULL>,
        (DOUBLE, 0, _) => host::<FORM, DOUBLE, PRODUCT>,
        (DOUBLE, _, 1) => host::<FORM, DOUBLE, SUM>,
        (DOUBLE, ..) => host::<FORM, DOUBLE, FULL>,
        _ => integer::<FORM, DYNAMIC>,
    }
}

/// The body of `fma`, `fms` or `fnma`, specialised by signs, precision and constant operands.
pub(super) fn select_multiply_add(i: &Insn) -> Handler {
    match i.op {
        Op::Fma => select_form::<FMA>(i),
        Op::Fms => select_form::<FMS>(i),
        _ => select_form::<FNMA>(i),
    }
}

fn multiply_parallel(cpu: &mut Cpu, i: &Insn, form: Form) -> Done {
    check_enabled(cpu, &[i.r1, i.r2, i.r3, i.r4])?;
    let control = Control::parallel(cpu.ar.fpsr, i.x2);
    let addend = (i.r2 != 0).then(|| get(cpu, i.r2));
    let outcome = parallel::fpma(form, get(cpu, i.r3), get(cpu, i.r4), addend, &control);
    complete(cpu, i, outcome)
}

pub(super) fn fpma(cpu: &mut Cpu, i: &Insn) -> Done {
    multiply_parallel(cpu, i, Form::FMA)
}

pub(super) fn fpms(cpu: &mut Cpu, i: &Insn) -> Done {
    multiply_parallel(cpu, i, Form::FMS)
}

pub(super) fn fpnma(cpu: &mut Cpu, i: &Insn) -> Done {
    multiply_parallel(cpu, i, Form::FNMA)
}

/// Operations on bits with three operands: no status field, no exceptions.
macro_rules! three_operand_bits {
    ($($name:ident = $operation:path;)*) => { $(
        pub(super) fn $name(cpu: &mut Cpu, i: &Insn) -> Done {
            check_enabled(cpu, &[i.r1, i.r2, i.r3, i.r4])?;
            let value = $operation(get(cpu, i.r3), get(cpu, i.r4), get(cpu, i.r2));
            set_fr(cpu, i.r1, value);
            Ok(())
        }
    )* };
}

three_operand_bits! {
    xma_l = bits::xma_l;
    xma_h = bits::xma_h;
    xma_hu = bits::xma_hu;
    fselect = bits::fselect;
}

/// The same with two.
macro_rules! two_operand_bits {
    ($($name:ident = $operation:path;)*) => { $(
        pub(super) fn $name(cpu: &mut Cpu, i: &Insn) -> Done {
            check_enabled(cpu, &[i.r1, i.r2, i.r3])?;
            let value = $operation(get(cpu, i.r2), get(cpu, i.r3));
            set_fr(cpu, i.r1, value);
            Ok(())
        }
    )* };
}

two_operand_bits! {
    fmerge_s = bits::fmerge_s;
    fmerge_ns = bits::fmerge_ns;
    fmerge_se = bits::fmerge_se;
    fmix_lr = bits::fmix_lr;
    fmix_r = bits::fmix_r;
    fmix_l = bits::fmix_l;
    fsxt_r = bits::fsxt_r;
    fsxt_l = bits::fsxt_l;
    fpack = bits::fpack;
    fswap = bits::fswap;
    fswap_nl = bits::fswap_nl;
    fswap_nr = bits::fswap_nr;
    fand = bits::fand;
    fandcm = bits::fandcm;
    for_ = bits::f_or;
    fxor = bits::fxor;
    fpmerge_s = bits::fpmerge_s;
    fpmerge_ns = bits::fpmerge_ns;
    fpmerge_se = bits::fpmerge_se;
}

/// Minimum and maximum, scalar and parallel. They round nothing: of the controls only the traps matter.
macro_rules! extremes {
    ($($name:ident = $operation:path, $which:ident;)*) => { $(
        pub(super) fn $name(cpu: &mut Cpu, i: &Insn) -> Done {
            check_enabled(cpu, &[i.r1, i.r2, i.r3])?;
            let control = Control::parallel(cpu.ar.fpsr, i.x2);
            let outcome = $operation(Extreme::$which, get(cpu, i.r2), get(cpu, i.r3), &control);
            complete(cpu, i, outcome)
        }
    )* };
}

extremes! {
    fmin = compare::extreme, Min;
    fmax = compare::extreme, Max;
    famin = compare::extreme, Amin;
    famax = compare::extreme, Amax;
    fpmin = parallel::extreme, Min;
    fpmax = parallel::extreme, Max;
    fpamin = parallel::extreme, Amin;
    fpamax = parallel::extreme, Amax;
}

fn relation(x1: u8) -> FpRel {
    use FpRel::*;
    [Eq, Lt, Le, Unord, Neq, Nlt, Nle, Ord][x1 as usize & 7]
}

/// Writes the two targets of a compare; `None` is a NaTVal operand and clears both.
#[inline(always)]
fn set_targets(cpu: &mut Cpu, i: &Insn, holds: Option<bool>) {
    cpu.set_pr(i.p1, holds == Some(true));
    cpu.set_pr(i.p2, holds == Some(false));
}

pub(super) fn fcmp(cpu: &mut Cpu, i: &Insn) -> Done {
    if !cpu.pr(i.qp) {
        if i.imm == 1 {
            set_targets(cpu, i, None);
        }
        return Ok(());
    }
    check_enabled(cpu, &[i.r2, i.r3])?;
    let control = Control::parallel(cpu.ar.fpsr, i.x2);
    let outcome = compare::fcmp(relation(i.x1), get(cpu, i.r2), get(cpu, i.r3), &control);
    if outcome.fault != 0 {
        return Err(fault(outcome.fault));
    }
    set_targets(cpu, i, outcome.value);
    raise_flags(cpu, i, outcome.flags);
    Ok(())
}

pub(super) fn fclass(cpu: &mut Cpu, i: &Insn) -> Done {
    if !cpu.pr(i.qp) {
        if i.x1 == 1 {
            set_targets(cpu, i, None);
        }
        return Ok(());
    }
    check_enabled(cpu, &[i.r2])?;
    let member = compare::fclass(get(cpu, i.r2), i.imm as u16);
    set_targets(cpu, i, member);
    Ok(())
}

pub(super) fn fpcmp(cpu: &mut Cpu, i: &Insn) -> Done {
    check_enabled(cpu, &[i.r1, i.r2, i.r3])?;
    let control = Control::parallel(cpu.ar.fpsr, i.x2);
    let outcome = parallel::fpcmp(relation(i.x1), get(cpu, i.r2), get(cpu, i.r3), &control);
    complete(cpu, i, outcome)
}

/// The approximations look at their qualifying predicate themselves: a clear one clears p2.
#[inline(always)]
fn approximation(
    cpu: &mut Cpu,
    i: &Insn,
    registers: &[u8],
    operation: impl FnOnce(&Cpu) -> Outcome<(Fr, bool)>,
) -> Done {
    if !cpu.pr(i.qp) {
        cpu.set_pr(i.p2, false);
        return Ok(());
    }
    check_enabled(cpu, registers)?;
    let outcome = operation(cpu);
    if outcome.fault == 0 {
        cpu.set_pr(i.p2, outcome.value.1);
    }
    complete(cpu, i, outcome.map(|(value, _)| value))
}

pub(super) fn frcpa(cpu: &mut Cpu, i: &Insn) -> Done {
    approximation(cpu, i, &[i.r1, i.r2, i.r3], |cpu| {
        let control = Control::new(cpu.ar.fpsr, i.x2, Precision::Dynamic);
        approx::frcpa(get(cpu, i.r2), get(cpu, i.r3), &control)
    })
}

pub(super) fn fprcpa(cpu: &mut Cpu, i: &Insn) -> Done {
    approximation(cpu, i, &[i.r1, i.r2, i.r3], |cpu| {
        let control = Control::parallel(cpu.ar.fpsr, i.x2);
        parallel::fprcpa(get(cpu, i.r2), get(cpu, i.r3), &control)
    })
}

pub(super) fn frsqrta(cpu: &mut Cpu, i: &Insn) -> Done {
    approximation(cpu, i, &[i.r1, i.r3], |cpu| {
        let control = Control::new(cpu.ar.fpsr, i.x2, Precision::Dynamic);
        approx::frsqrta(get(cpu, i.r3), &control)
    })
}

pub(super) fn fprsqrta(cpu: &mut Cpu, i: &Insn) -> Done {
    approximation(cpu, i, &[i.r1, i.r3], |cpu| {
        let control = Control::parallel(cpu.ar.fpsr, i.x2);
        parallel::fprsqrta(get(cpu, i.r3), &control)
    })
}

/// Bits of the completer of conversions to integer.
const UNSIGNED: u8 = 1;
const TRUNCATE: u8 = 2;

fn conversion_control(cpu: &Cpu, i: &Insn) -> Control {
    let control = Control::parallel(cpu.ar.fpsr, i.x2);
    if i.x1 & TRUNCATE != 0 { control.truncating() } else { control }
}

pub(super) fn fcvt_fx(cpu: &mut Cpu, i: &Insn) -> Done {
    check_enabled(cpu, &[i.r1, i.r2])?;
    let control = conversion_control(cpu, i);
    let outcome = convert::fcvt_fx(get(cpu, i.r2), i.x1 & UNSIGNED != 0, &control);
    complete(cpu, i, outcome)
}

pub(super) fn fpcvt(cpu: &mut Cpu, i: &Insn) -> Done {
    check_enabled(cpu, &[i.r1, i.r2])?;
    let control = conversion_control(cpu, i);
    let outcome = parallel::fpcvt_fx(get(cpu, i.r2), i.x1 & UNSIGNED != 0, &control);
    complete(cpu, i, outcome)
}

pub(super) fn fcvt_xf(cpu: &mut Cpu, i: &Insn) -> Done {
    check_enabled(cpu, &[i.r1, i.r2])?;
    let value = convert::fcvt_xf(get(cpu, i.r2));
    set_fr(cpu, i.r1, value);
    Ok(())
}

pub(super) fn fsetc(cpu: &mut Cpu, i: &Insn) -> Done {
    let (and, or) = (i.imm as u8 & 0x7f, (i.imm >> 7) as u8 & 0x7f);
    cpu.ar.fpsr = status::set_controls(cpu.ar.fpsr, i.x2, and, or).ok_or(Fault::RESERVED_REGISTER_FIELD)?;
    Ok(())
}

pub(super) fn fclrf(cpu: &mut Cpu, i: &Insn) -> Done {
    cpu.ar.fpsr = status::clear_flags(cpu.ar.fpsr, i.x2);
    Ok(())
}

const SIG: u8 = FpTransfer::Sig as u8;
const EXP: u8 = FpTransfer::Exp as u8;
const LOW_SINGLE: u8 = FpTransfer::S as u8;

pub(super) fn setf(cpu: &mut Cpu, i: &Insn) -> Done {
    check_enabled(cpu, &[i.r1])?;
    let source = cpu.gr.get(i.r2);
    let value = if source.is_nat() {
        Fr::NATVAL
    } else {
        match i.x1 {
            SIG => Fr::from_significand(source.value),
            EXP => format::from_exponent(source.value),
            LOW_SINGLE => format::from_single(source.value as u32),
            _ => format::from_double(source.value),
        }
    };
    set_fr(cpu, i.r1, value);
    Ok(())
}

/// A NaTVal becomes a NaT: reading it consumes nothing.
pub(super) fn getf(cpu: &mut Cpu, i: &Insn) -> Done {
    check_enabled(cpu, &[i.r2])?;
    let source = get(cpu, i.r2);
    let value = match i.x1 {
        SIG => source.significand,
        EXP => source.sign_exponent as u64,
        LOW_SINGLE => format::to_single(source) as u64,
        _ => format::to_double(source),
    };
    cpu.gr.set(i.r1, Gr { value, nat: source.is_natval() as u64 });
    Ok(())
}

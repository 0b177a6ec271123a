//! Floating-point instructions as GNU as encodes them, run by the processor: operands and completers arrive where the
//! manual says, faults come before all writes and traps after them.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use ia64::bus::Bus;
use ia64::cpu::{Config, Cpu};
use ia64::fault::Vector;
use ia64::fp::compare::{Extreme, extreme, fclass, fcmp};
use ia64::fp::fma::{Form, fma};
use ia64::fp::{Control, Flags, Outcome, Rounding, approx, bits, convert, memory, parallel, status};
use ia64::link::Cluster;
use ia64::memory::Memory;
use ia64::op::{FpRel, Precision};
use ia64::state::{Fr, Gr};
use object::{Object, ObjectSection};

use crate::fpsr;
use crate::operands::Random;

const AS: &str = "ia64-linux-gnu-as";
const CODE: u64 = 0x10000;
const VECTORS: u64 = 0x8000;

struct NoDevices;

impl Bus for NoDevices {
    fn read(&self, _: u64, _: u8) -> u64 {
        u64::MAX
    }
    fn write(&self, _: u64, _: u8, _: u64) {}
    fn itc(&self) -> u64 {
        0
    }
}

/// One bundle for each instruction: F-unit ones in slot 1, M-unit ones in slot 0. `None` without an assembler.
fn assemble(instructions: &[&str]) -> Option<Vec<u8>> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    for instruction in instructions {
        let bundle = if instruction.contains("setf") || instruction.contains("getf") {
            format!("{{ .mfi\n {instruction}\n nop.f 0\n nop.i 0 ;;\n}}\n")
        } else {
            format!("{{ .mfi\n nop.m 0\n {instruction}\n nop.i 0 ;;\n}}\n")
        };
        file.write_all(bundle.as_bytes()).expect("the source is written");
    }
    let object = tempfile::NamedTempFile::new().expect("a temporary file");
    let status =
        Command::new(AS).arg("-x").arg("-o").args([object.path(), file.path()]).stdin(Stdio::null()).status();
    let Ok(status) = status else {
        println!("skipped: {AS} is not installed");
        return None;
    };
    assert!(status.success(), "{AS} refuses the program");
    let object = std::fs::read(object.path()).expect("the object is read");
    let object = object::File::parse(&*object).expect("the object is ELF");
    let text = object.section_by_name(".text").expect("the object has code");
    Some(text.data().expect("the code is in the file").to_vec())
}

/// A processor in physical mode with `code` at [`CODE`].
fn processor(code: &[u8]) -> Cpu {
    let config = Config { lid: 0, cpuid: [0; 5], firmware: (0, 0) };
    let memory = Arc::new(Memory::heap(0, 1 << 20));
    assert!(memory.write(CODE, code));
    let mut cpu = Cpu::new(config, Cluster::new(1), 0, memory, Arc::new(NoDevices));
    cpu.cr.iva = VECTORS;
    cpu.psr.set_ic(true);
    cpu.ar.fpsr = fpsr(Flags::all(), false, false, 3, Rounding::Nearest);
    cpu
}

/// Runs slot `slot` of bundle `n`.
fn run(cpu: &mut Cpu, n: usize, slot: u8) {
    cpu.ip = CODE + 16 * n as u64;
    cpu.psr.set_ri(slot);
    cpu.step();
}

/// The slot our assembler source put the instruction in.
fn slot(instruction: &str) -> u8 {
    if instruction.contains("setf") || instruction.contains("getf") { 0 } else { 1 }
}

/// Register values: f9, f10, f11.
type Operands = [Fr; 3];
type Expected = fn(Operands, u64) -> Outcome;

fn plain(value: Fr) -> Outcome {
    Outcome::exact(value)
}

fn control(fpsr: u64, sf: u8, precision: Precision) -> Control {
    Control::new(fpsr, sf, precision)
}

fn singles(fpsr: u64, sf: u8) -> Control {
    Control::parallel(fpsr, sf)
}

fn value<T>(outcome: Outcome<(Fr, T)>) -> Outcome {
    outcome.map(|(value, _)| value)
}

/// Instructions with target f8 and sources f9, f10, f11, the status field each names, and what they are to give.
/// `fma f8=f9,f10,f11` is f9·f10 + f11.
#[rustfmt::skip]
const TO_REGISTER: &[(&str, u8, Expected)] = &[
    ("fma.s0 f8=f9,f10,f11", 0, |[a, b, c], r| fma(Form::FMA, a, b, Some(c), &control(r, 0, Precision::Dynamic))),
    ("fma.s.s1 f8=f9,f10,f11", 1, |[a, b, c], r| fma(Form::FMA, a, b, Some(c), &control(r, 1, Precision::S))),
    ("fma.d.s2 f8=f9,f10,f11", 2, |[a, b, c], r| fma(Form::FMA, a, b, Some(c), &control(r, 2, Precision::D))),
    ("fms.d.s3 f8=f9,f10,f11", 3, |[a, b, c], r| fma(Form::FMS, a, b, Some(c), &control(r, 3, Precision::D))),
    ("fms.s0 f8=f9,f10,f11", 0, |[a, b, c], r| fma(Form::FMS, a, b, Some(c), &control(r, 0, Precision::Dynamic))),
    ("fnma.s.s0 f8=f9,f10,f11", 0, |[a, b, c], r| fma(Form::FNMA, a, b, Some(c), &control(r, 0, Precision::S))),
    ("fnma.s1 f8=f9,f10,f11", 1, |[a, b, c], r| fma(Form::FNMA, a, b, Some(c), &control(r, 1, Precision::Dynamic))),
    ("fmpy.d.s0 f8=f9,f10", 0, |[a, b, _], r| fma(Form::FMA, a, b, None, &control(r, 0, Precision::D))),
    ("fnmpy.s.s0 f8=f9,f10", 0, |[a, b, _], r| fma(Form::FNMA, a, b, None, &control(r, 0, Precision::S))),
    ("fadd.d.s0 f8=f9,f10", 0, |[a, b, _], r| fma(Form::FMA, a, Fr::ONE, Some(b), &control(r, 0, Precision::D))),
    ("fsub.s.s1 f8=f9,f10", 1, |[a, b, _], r| fma(Form::FMS, a, Fr::ONE, Some(b), &control(r, 1, Precision::S))),
    ("fnorm.d.s0 f8=f9", 0, |[a, ..], r| fma(Form::FMA, a, Fr::ONE, None, &control(r, 0, Precision::D))),
    ("fcvt.xuf.s0 f8=f9", 0, |[a, ..], r| fma(Form::FMA, a, Fr::ONE, None, &control(r, 0, Precision::Dynamic))),
    ("fpma.s0 f8=f9,f10,f11", 0, |[a, b, c], r| parallel::fpma(Form::FMA, a, b, Some(c), &singles(r, 0))),
    ("fpms.s1 f8=f9,f10,f11", 1, |[a, b, c], r| parallel::fpma(Form::FMS, a, b, Some(c), &singles(r, 1))),
    ("fpnma.s2 f8=f9,f10,f11", 2, |[a, b, c], r| parallel::fpma(Form::FNMA, a, b, Some(c), &singles(r, 2))),
    ("fpmpy.s3 f8=f9,f10", 3, |[a, b, _], r| parallel::fpma(Form::FMA, a, b, None, &singles(r, 3))),
    ("xma.l f8=f9,f10,f11", 0, |[a, b, c], _| plain(bits::xma_l(a, b, c))),
    ("xma.h f8=f9,f10,f11", 0, |[a, b, c], _| plain(bits::xma_h(a, b, c))),
    ("xma.hu f8=f9,f10,f11", 0, |[a, b, c], _| plain(bits::xma_hu(a, b, c))),
    ("fselect f8=f9,f10,f11", 0, |[a, b, c], _| plain(bits::fselect(a, b, c))),
    ("fmin.s0 f8=f9,f10", 0, |[a, b, _], r| extreme(Extreme::Min, a, b, &singles(r, 0))),
    ("fmax.s1 f8=f9,f10", 1, |[a, b, _], r| extreme(Extreme::Max, a, b, &singles(r, 1))),
    ("famin.s2 f8=f9,f10", 2, |[a, b, _], r| extreme(Extreme::Amin, a, b, &singles(r, 2))),
    ("famax.s3 f8=f9,f10", 3, |[a, b, _], r| extreme(Extreme::Amax, a, b, &singles(r, 3))),
    ("fpmin.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::extreme(Extreme::Min, a, b, &singles(r, 0))),
    ("fpmax.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::extreme(Extreme::Max, a, b, &singles(r, 0))),
    ("fpamin.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::extreme(Extreme::Amin, a, b, &singles(r, 0))),
    ("fpamax.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::extreme(Extreme::Amax, a, b, &singles(r, 0))),
    ("fpcmp.eq.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::fpcmp(FpRel::Eq, a, b, &singles(r, 0))),
    ("fpcmp.lt.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::fpcmp(FpRel::Lt, a, b, &singles(r, 0))),
    ("fpcmp.le.s1 f8=f9,f10", 1, |[a, b, _], r| parallel::fpcmp(FpRel::Le, a, b, &singles(r, 1))),
    ("fpcmp.gt.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::fpcmp(FpRel::Lt, b, a, &singles(r, 0))),
    ("fpcmp.unord.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::fpcmp(FpRel::Unord, a, b, &singles(r, 0))),
    ("fpcmp.neq.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::fpcmp(FpRel::Neq, a, b, &singles(r, 0))),
    ("fpcmp.nlt.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::fpcmp(FpRel::Nlt, a, b, &singles(r, 0))),
    ("fpcmp.nle.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::fpcmp(FpRel::Nle, a, b, &singles(r, 0))),
    ("fpcmp.ord.s0 f8=f9,f10", 0, |[a, b, _], r| parallel::fpcmp(FpRel::Ord, a, b, &singles(r, 0))),
    ("fmerge.s f8=f9,f10", 0, |[a, b, _], _| plain(bits::fmerge_s(a, b))),
    ("fmerge.ns f8=f9,f10", 0, |[a, b, _], _| plain(bits::fmerge_ns(a, b))),
    ("fmerge.se f8=f9,f10", 0, |[a, b, _], _| plain(bits::fmerge_se(a, b))),
    ("fmix.lr f8=f9,f10", 0, |[a, b, _], _| plain(bits::fmix_lr(a, b))),
    ("fmix.r f8=f9,f10", 0, |[a, b, _], _| plain(bits::fmix_r(a, b))),
    ("fmix.l f8=f9,f10", 0, |[a, b, _], _| plain(bits::fmix_l(a, b))),
    ("fsxt.r f8=f9,f10", 0, |[a, b, _], _| plain(bits::fsxt_r(a, b))),
    ("fsxt.l f8=f9,f10", 0, |[a, b, _], _| plain(bits::fsxt_l(a, b))),
    ("fpack f8=f9,f10", 0, |[a, b, _], _| plain(bits::fpack(a, b))),
    ("fswap f8=f9,f10", 0, |[a, b, _], _| plain(bits::fswap(a, b))),
    ("fswap.nl f8=f9,f10", 0, |[a, b, _], _| plain(bits::fswap_nl(a, b))),
    ("fswap.nr f8=f9,f10", 0, |[a, b, _], _| plain(bits::fswap_nr(a, b))),
    ("fand f8=f9,f10", 0, |[a, b, _], _| plain(bits::fand(a, b))),
    ("fandcm f8=f9,f10", 0, |[a, b, _], _| plain(bits::fandcm(a, b))),
    ("for f8=f9,f10", 0, |[a, b, _], _| plain(bits::f_or(a, b))),
    ("fxor f8=f9,f10", 0, |[a, b, _], _| plain(bits::fxor(a, b))),
    ("fpmerge.s f8=f9,f10", 0, |[a, b, _], _| plain(bits::fpmerge_s(a, b))),
    ("fpmerge.ns f8=f9,f10", 0, |[a, b, _], _| plain(bits::fpmerge_ns(a, b))),
    ("fpmerge.se f8=f9,f10", 0, |[a, b, _], _| plain(bits::fpmerge_se(a, b))),
    ("fcvt.fx.s0 f8=f9", 0, |[a, ..], r| convert::fcvt_fx(a, false, &singles(r, 0))),
    ("fcvt.fx.trunc.s1 f8=f9", 1, |[a, ..], r| convert::fcvt_fx(a, false, &singles(r, 1).truncating())),
    ("fcvt.fxu.s2 f8=f9", 2, |[a, ..], r| convert::fcvt_fx(a, true, &singles(r, 2))),
    ("fcvt.fxu.trunc.s0 f8=f9", 0, |[a, ..], r| convert::fcvt_fx(a, true, &singles(r, 0).truncating())),
    ("fcvt.xf f8=f9", 0, |[a, ..], _| plain(convert::fcvt_xf(a))),
    ("fpcvt.fx.s0 f8=f9", 0, |[a, ..], r| parallel::fpcvt_fx(a, false, &singles(r, 0))),
    ("fpcvt.fx.trunc.s0 f8=f9", 0, |[a, ..], r| parallel::fpcvt_fx(a, false, &singles(r, 0).truncating())),
    ("fpcvt.fxu.s3 f8=f9", 3, |[a, ..], r| parallel::fpcvt_fx(a, true, &singles(r, 3))),
    ("fpcvt.fxu.trunc.s0 f8=f9", 0, |[a, ..], r| parallel::fpcvt_fx(a, true, &singles(r, 0).truncating())),
    ("frcpa.s0 f8,p6=f9,f10", 0, |[a, b, _], r| value(approx::frcpa(a, b, &control(r, 0, Precision::Dynamic)))),
    ("fprcpa.s1 f8,p6=f9,f10", 1, |[a, b, _], r| value(parallel::fprcpa(a, b, &singles(r, 1)))),
    ("frsqrta.s2 f8,p6=f9", 2, |[a, ..], r| value(approx::frsqrta(a, &control(r, 2, Precision::Dynamic)))),
    ("fprsqrta.s3 f8,p6=f9", 3, |[a, ..], r| value(parallel::fprsqrta(a, &singles(r, 3)))),
];

#[test]
fn every_operation_finds_its_operands_completers_and_status_field() {
    let instructions: Vec<&str> = TO_REGISTER.iter().map(|row| row.0).collect();
    let Some(code) = assemble(&instructions) else { return };
    let mut cpu = processor(&code);
    let mut random = Random(0xe8ec);
    for round in 0..400 {
        // Four different status fields; a reserved precision control never gets there.
        let mut fpsr = 0x3f;
        for sf in 0..4 {
            let controls = random.bits() & 0x33 | random.pick(&[0, 2, 3]) << 2;
            fpsr |= controls << (6 + 13 * sf);
        }
        let pair = |random: &mut Random| {
            let half = |random: &mut Random| ((random.bits() as i32 as f32) * 1e-7).to_bits();
            Fr::from_significand(bits::concatenate(half(random), half(random)))
        };
        let operands: Operands = std::array::from_fn(|_| match round % 4 {
            0 => random.number(),
            1 => pair(&mut random),
            2 => Fr::from_significand(random.bits()),
            _ => random.normal(),
        });
        for (n, (instruction, sf, expected)) in TO_REGISTER.iter().enumerate() {
            cpu.ar.fpsr = fpsr;
            cpu.fr[8] = Fr::ONE;
            cpu.fr[9..12].copy_from_slice(&operands);
            run(&mut cpu, n, 1);
            let expected = expected(operands, fpsr);
            assert_eq!(cpu.ip, CODE + 16 * n as u64, "{instruction}");
            assert_eq!(cpu.fr[8], expected.value, "{instruction} {operands:x?} {fpsr:#x}");
            assert_eq!(
                cpu.ar.fpsr,
                status::with_flags(fpsr, *sf, expected.flags),
                "{instruction} {operands:x?}"
            );
        }
    }
}

#[test]
fn a_flag_already_set_changes_no_result() {
    // Then ordinary operands are computed by the host.
    let program: Vec<&str> = TO_REGISTER.iter().map(|row| row.0).take(12).collect();
    let Some(code) = assemble(&program) else { return };
    let mut cpu = processor(&code);
    let mut random = Random(0x1f1a);
    for _ in 0..2000 {
        let fpsr = (0..4).fold(0x3f, |fpsr, sf| fpsr | (0x0c | 0x20 << 7) << (6 + 13 * sf));
        let mask = random.pick(&[!0x7ff, !0xff_ffff_ffff]);
        let operands: Operands = std::array::from_fn(|_| {
            Fr::from_parts(random.flip(), 0xffff - 15 + random.below(30) as u32, random.significand() & mask)
        });
        for (n, (instruction, sf, expected)) in TO_REGISTER.iter().take(program.len()).enumerate() {
            cpu.ar.fpsr = fpsr;
            cpu.fr[9..12].copy_from_slice(&operands);
            run(&mut cpu, n, 1);
            let expected = expected(operands, fpsr);
            assert_eq!(cpu.fr[8], expected.value, "{instruction} {operands:x?}");
            assert_eq!(
                cpu.ar.fpsr,
                status::with_flags(fpsr, *sf, expected.flags),
                "{instruction} {operands:x?}"
            );
        }
    }
}

#[test]
fn compares_write_both_predicates() {
    type Holds = fn(Fr, Fr, &Control) -> Option<bool>;
    #[rustfmt::skip]
    let table: &[(&str, Holds)] = &[
        ("fcmp.eq.s0 p6,p7=f9,f10", |a, b, c| fcmp(FpRel::Eq, a, b, c).value),
        ("fcmp.lt.s0 p6,p7=f9,f10", |a, b, c| fcmp(FpRel::Lt, a, b, c).value),
        ("fcmp.le.unc.s0 p6,p7=f9,f10", |a, b, c| fcmp(FpRel::Le, a, b, c).value),
        ("fcmp.gt.s0 p6,p7=f9,f10", |a, b, c| fcmp(FpRel::Lt, b, a, c).value),
        ("fcmp.nge.s0 p6,p7=f9,f10", |a, b, c| fcmp(FpRel::Nle, b, a, c).value),
        ("fcmp.unord.s0 p6,p7=f9,f10", |a, b, c| fcmp(FpRel::Unord, a, b, c).value),
        ("fcmp.ord.unc.s0 p6,p7=f9,f10", |a, b, c| fcmp(FpRel::Ord, a, b, c).value),
        ("fclass.m p6,p7=f9,@norm|@pos|@qnan", |a, _, _| fclass(a, 0x91)),
        ("fclass.nm p6,p7=f9,@nat|@unorm|@neg", |a, _, _| fclass(a, 0x10a).map(|member| !member)),
        ("fclass.m.unc p6,p7=f9,@nat", |a, _, _| fclass(a, 0x100)),
    ];
    let instructions: Vec<&str> = table.iter().map(|row| row.0).collect();
    let Some(code) = assemble(&instructions) else { return };
    let mut cpu = processor(&code);
    let control = singles(cpu.ar.fpsr, 0);
    let mut random = Random(0xfc);
    for round in 0..1000 {
        let a = if round % 50 == 0 { Fr::NATVAL } else { random.number() };
        let b = if random.below(4) == 0 { a } else { random.number() };
        for (n, (instruction, holds)) in table.iter().enumerate() {
            (cpu.fr[9], cpu.fr[10]) = (a, b);
            cpu.pr = 1 | 3 << 6;
            run(&mut cpu, n, 1);
            let expected = holds(a, b, &control);
            let got = (cpu.pr >> 6 & 1 != 0, cpu.pr >> 7 & 1 != 0);
            assert_eq!(got, (expected == Some(true), expected == Some(false)), "{instruction} {a:x?} {b:x?}");
        }
    }
}

#[test]
fn predicated_off_only_unc_and_approximations_write() {
    let program = [
        "(p5) fcmp.eq.s0 p6,p7=f9,f10",
        "(p5) fcmp.eq.unc.s0 p6,p7=f9,f10",
        "(p5) fclass.m p6,p7=f9,@norm",
        "(p5) fclass.m.unc p6,p7=f9,@norm",
        "(p5) frcpa.s0 f8,p6=f9,f10",
        "(p5) frsqrta.s0 f8,p6=f9",
        "(p5) fma.s0 f8=f9,f10,f11",
    ];
    let Some(code) = assemble(&program) else { return };
    let mut cpu = processor(&code);
    let left: Vec<(u64, Fr)> = (0..program.len())
        .map(|n| {
            cpu.pr = 1 | 3 << 6;
            cpu.fr[8] = Fr::ZERO;
            run(&mut cpu, n, 1);
            (cpu.pr >> 6, cpu.fr[8])
        })
        .collect();
    assert_eq!(left, [3, 0, 3, 0, 2, 2, 3].map(|pr| (pr, Fr::ZERO)));
}

#[test]
fn an_enabled_fault_writes_nothing() {
    let program = ["fma.d.s1 f8=f9,f10,f11", "frcpa.s0 f8,p6=f9,f10", "fcmp.lt.s0 p6,p7=f9,f10"];
    let Some(code) = assemble(&program) else { return };
    let mut cpu = processor(&code);
    let signalling = Fr::from_parts(false, 0x1ffff, 1 << 63 | 1);
    let mut check = |n: usize, operands: [Fr; 3], code: u64| {
        cpu.ar.fpsr = 0;
        cpu.fr[8] = Fr::ONE;
        cpu.fr[9..12].copy_from_slice(&operands);
        cpu.pr = 1 | 3 << 6;
        cpu.psr.0 = 0;
        cpu.psr.set_ic(true);
        run(&mut cpu, n, 1);
        assert_eq!(cpu.ip, VECTORS + Vector::FpFault as u64);
        assert_eq!((cpu.cr.iip, cpu.cr.ipsr >> 41 & 3), (CODE + 16 * n as u64, 1));
        assert_eq!((cpu.cr.isr & 0xffff, cpu.cr.isr >> 41 & 3), (code, 1));
        assert_eq!((cpu.fr[8], cpu.ar.fpsr, cpu.pr), (Fr::ONE, 0, 1 | 3 << 6));
        assert_eq!(cpu.psr.0 >> 4 & 3, 0, "mfl, mfh");
    };
    check(0, [signalling, Fr::ONE, Fr::ONE], 1);
    check(0, [Fr::from_significand(1), Fr::ONE, Fr::ONE], 2);
    check(1, [Fr::ONE, Fr::ZERO, Fr::ONE], 4);
    check(2, [Fr::ONE, signalling, Fr::ONE], 1);
}

#[test]
fn an_enabled_trap_comes_after_the_writes_and_names_its_slot() {
    let Some(code) = assemble(&["fmpy.d.s2 f8=f9,f10"]) else { return };
    let mut cpu = processor(&code);
    cpu.ar.fpsr = fpsr(Flags::all() - Flags::I, false, false, 3, Rounding::Nearest);
    let third = Fr::from_parts(false, 0xfffd, 0xaaaa_aaaa_aaaa_a800);
    (cpu.fr[9], cpu.fr[10]) = (third, third);
    let expected = fma(Form::FMA, third, third, None, &control(cpu.ar.fpsr, 2, Precision::D));
    let fpsr = cpu.ar.fpsr;
    run(&mut cpu, 0, 1);
    assert_eq!(cpu.ip, VECTORS + Vector::FpTrap as u64);
    assert_eq!(cpu.fr[8], expected.value);
    assert_eq!(cpu.ar.fpsr, status::with_flags(fpsr, 2, Flags::I));
    assert_eq!(cpu.cr.isr & 0xffff, u64::from(expected.trap_code()));
    assert_eq!(cpu.cr.isr >> 41 & 3, 1, "ISR.ei is the slot of the instruction that trapped");
    assert_eq!((cpu.cr.iip, cpu.cr.ipsr >> 41 & 3), (CODE, 2), "it goes on behind it");
    assert_eq!(cpu.cr.iipa, CODE);
}

#[test]
fn disabled_halves_fault_and_written_halves_are_marked() {
    let program = [
        "fma.d.s0 f8=f9,f10,f0",
        "fma.d.s0 f40=f9,f10,f0",
        "fma.d.s0 f8=f9,f50,f0",
        "fmerge.s f8=f0,f1",
        "setf.sig f8=r2",
        "getf.sig r2=f40",
        "fcmp.eq.s0 p6,p7=f0,f33",
        "fclass.m p6,p7=f0,@norm",
    ];
    let Some(code) = assemble(&program) else { return };
    let mut cpu = processor(&code);
    let mut outcome = |n: usize, dfl: bool, dfh: bool| {
        cpu.psr.0 = 0;
        cpu.psr.set_ic(true);
        cpu.psr.set_dfl(dfl);
        cpu.psr.set_dfh(dfh);
        run(&mut cpu, n, slot(program[n]));
        if cpu.ip == VECTORS + Vector::DisabledFp as u64 {
            Err(cpu.cr.isr & 0xffff)
        } else {
            assert!(cpu.ip < CODE + 16 * program.len() as u64 && cpu.ip >= CODE);
            Ok(cpu.psr.0 >> 4 & 3)
        }
    };
    assert_eq!(outcome(0, false, false), Ok(1));
    assert_eq!(outcome(0, false, true), Ok(1));
    assert_eq!(outcome(0, true, false), Err(1));
    assert_eq!(outcome(1, false, false), Ok(2));
    assert_eq!(outcome(1, false, true), Err(2));
    assert_eq!(outcome(1, true, true), Err(3));
    assert_eq!(outcome(2, false, true), Err(2));
    assert_eq!(outcome(3, true, false), Err(1));
    assert_eq!(outcome(4, true, true), Err(1));
    assert_eq!(outcome(5, true, true), Err(2));
    assert_eq!(outcome(6, true, true), Err(2));
    assert_eq!(outcome(7, true, true), Ok(0), "f0 and f1 belong to neither half");
}

#[test]
fn registers_cross_between_the_files() {
    let program = [
        "setf.sig f8=r2",
        "setf.exp f8=r2",
        "setf.s f8=r2",
        "setf.d f8=r2",
        "getf.sig r2=f8",
        "getf.exp r2=f8",
        "getf.s r2=f8",
        "getf.d r2=f8",
    ];
    let Some(code) = assemble(&program) else { return };
    let mut cpu = processor(&code);
    let mut random = Random(0x5e7f);
    for _ in 0..100 {
        let bits = random.bits();
        let to: [Fr; 4] = [
            Fr::from_significand(bits),
            Fr { significand: 1 << 63, sign_exponent: bits as u32 & 0x3ffff },
            memory::from_single(bits as u32),
            memory::from_double(bits),
        ];
        for (n, value) in to.into_iter().enumerate() {
            cpu.gr.set(2, Gr::new(bits));
            run(&mut cpu, n, 0);
            assert_eq!(cpu.fr[8], value);
        }
        let fr = random.number();
        let from: [u64; 4] =
            [fr.significand, fr.sign_exponent.into(), memory::to_single(fr).into(), memory::to_double(fr)];
        for (n, value) in from.into_iter().enumerate() {
            cpu.fr[8] = fr;
            run(&mut cpu, 4 + n, 0);
            assert_eq!(cpu.gr.get(2), Gr::new(value));
        }
    }
    cpu.gr.set(2, Gr { value: 1, nat: 1 });
    run(&mut cpu, 3, 0);
    assert_eq!(cpu.fr[8], Fr::NATVAL, "a NaT becomes a NaTVal");
    cpu.gr.set(2, Gr::new(0));
    run(&mut cpu, 4, 0);
    assert!(cpu.gr.get(2).is_nat(), "and a NaTVal a NaT");
}

#[test]
fn status_field_instructions_change_their_field() {
    let program = ["fsetc.s2 0x7f,0x40", "fsetc.s0 0x7f,0x40", "fclrf.s1", "fchkf.s1 . - 32"];
    let Some(code) = assemble(&program) else { return };
    let mut cpu = processor(&code);
    let start = cpu.ar.fpsr;
    run(&mut cpu, 0, 1);
    assert_eq!(cpu.ar.fpsr, status::set_controls(start, 2, 0x7f, 0x40).unwrap());
    run(&mut cpu, 1, 1);
    assert_eq!((cpu.ip, cpu.cr.isr & 0xffff), (VECTORS + Vector::GeneralException as u64, 0x30));
    cpu.ar.fpsr = status::with_flags(start, 1, Flags::O);
    cpu.psr.set_ic(true);
    run(&mut cpu, 3, 1);
    assert_eq!(cpu.ip, CODE + 16, "a flag that sf0 lacks branches");
    run(&mut cpu, 2, 1);
    assert_eq!(cpu.ar.fpsr, start);
    run(&mut cpu, 3, 1);
    assert_eq!((cpu.ip, cpu.psr.ri()), (CODE + 48, 2), "no flag falls through");
}

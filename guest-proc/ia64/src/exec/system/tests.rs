use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;
use crate::fault::isr::{NA, R, W};
use crate::link::Cluster;
use crate::mmu::tests::{OPEN, map, processor, processor_of, run_code_at};
use crate::op::Op;
use crate::table::ROWS;

const VA: u64 = 0x2000_0000_0001_0000;
const ILLEGAL: u16 = 0x00;
const PRIVILEGED: u16 = 0x10;
const RESERVED: u16 = 0x30;

/// An instruction with register operands r8 = target, r9, r10.
fn insn(op: Op) -> Insn {
    let row = ROWS.iter().position(|row| row.op == op).expect("a row") as u16;
    Insn {
        imm: 0,
        op,
        qp: 0,
        r1: 8,
        r2: 9,
        r3: 10,
        r4: 0,
        p1: 0,
        p2: 0,
        x1: 0,
        x2: 0,
        row,
        slot: 0,
        hints: 0,
        bundle: 0,
        guard: 0,
    }
}

/// A control register move.
fn with_cr(op: Op, number: u8) -> Insn {
    Insn { r3: number, ..insn(op) }
}

fn with_imm(op: Op, imm: i64) -> Insn {
    Insn { imm, ..insn(op) }
}

fn indirect(op: Op, file: u8) -> Insn {
    Insn { x1: file, ..insn(op) }
}

/// r9 and r10.
fn set(cpu: &mut Cpu, r9: u64, r10: u64) {
    cpu.gr.set(9, Gr::new(r9));
    cpu.gr.set(10, Gr::new(r10));
}

fn nat(cpu: &mut Cpu, r: u8) {
    cpu.gr.set(r, Gr { value: 0, nat: 1 });
}

fn level(cpu: &mut Cpu, cpl: u8) {
    let mut psr = cpu.psr;
    psr.set_cpl(cpl);
    cpu.set_psr(psr);
}

fn collect(cpu: &mut Cpu, on: bool) {
    let mut psr = cpu.psr;
    psr.set_ic(on);
    cpu.set_psr(psr);
}

/// The code of a general exception.
fn general(outcome: Done) -> u16 {
    let fault = outcome.expect_err("a fault").fault().expect("a fault");
    assert_eq!(fault.vector(), Vector::GeneralException as u16);
    fault.isr() as u16
}

fn fault(outcome: Done) -> (u16, u64) {
    let fault = outcome.expect_err("a fault").fault().expect("a fault");
    (fault.vector(), fault.isr())
}

#[test]
fn interruption_registers_are_closed_while_collection_is_on() {
    let mut cpu = processor();
    for number in cr::IPSR..=cr::IHA {
        if number == 18 {
            continue;
        }
        collect(&mut cpu, true);
        assert_eq!(general(mov_from_cr(&mut cpu, &with_cr(Op::MovFromCr, number))), ILLEGAL);
        assert_eq!(general(mov_to_cr(&mut cpu, &with_cr(Op::MovToCr, number))), ILLEGAL);
        collect(&mut cpu, false);
        set(&mut cpu, 0x20, 0);
        assert_eq!(mov_to_cr(&mut cpu, &with_cr(Op::MovToCr, number)), Ok(()));
        assert_eq!(mov_from_cr(&mut cpu, &with_cr(Op::MovFromCr, number)), Ok(()));
        assert_eq!(cpu.gr.get(8).value, 0x20, "cr{number}");
    }
}

#[test]
fn control_registers_that_do_not_exist_or_cannot_be_written_are_illegal() {
    let mut cpu = processor();
    level(&mut cpu, 3);
    for number in [3, 7, 9, 15, 18, 26, 63, 75, 79, 82, 127] {
        assert_eq!(general(mov_from_cr(&mut cpu, &with_cr(Op::MovFromCr, number))), ILLEGAL, "cr{number}");
    }
    for number in [cr::IVR, cr::IRR0, cr::IRR0 + 3] {
        assert_eq!(general(mov_to_cr(&mut cpu, &with_cr(Op::MovToCr, number))), ILLEGAL, "cr{number}");
    }
    assert_eq!(general(mov_to_cr(&mut cpu, &with_cr(Op::MovToCr, cr::DCR))), PRIVILEGED);
}

#[test]
fn privilege_comes_before_nat_and_nat_before_reserved_fields() {
    let mut cpu = processor();
    nat(&mut cpu, 9);
    level(&mut cpu, 1);
    let to_dcr = with_cr(Op::MovToCr, cr::DCR);
    assert_eq!(general(mov_to_cr(&mut cpu, &to_dcr)), PRIVILEGED);
    level(&mut cpu, 0);
    assert_eq!(fault(mov_to_cr(&mut cpu, &to_dcr)), (Vector::NatConsumption as u16, 0x10));
    set(&mut cpu, 1 << 20, 0);
    assert_eq!(general(mov_to_cr(&mut cpu, &to_dcr)), RESERVED);
    assert_eq!(cpu.cr.dcr, 0);
}

#[test]
fn reserved_fields_are_refused_register_by_register() {
    let mut cpu = processor();
    collect(&mut cpu, false);
    for (number, bad, good) in [
        (cr::PTA, 14 << 2, 15 << 2 | 1),
        (cr::PTA, 15 << 2 | 2, 61 << 2),
        (cr::IPSR, 1 << 16, 0x1013_0000_2000 & !(1 << 16)),
        (cr::IFS, 1 << 40, 1 << 63 | 5),
        (cr::TPR, 1 << 8, 0x1_00f0),
        (cr::ITV, 1 << 13, 0x1_00ef),
    ] {
        set(&mut cpu, bad, 0);
        assert_eq!(general(mov_to_cr(&mut cpu, &with_cr(Op::MovToCr, number))), RESERVED, "cr{number}");
        set(&mut cpu, good, 0);
        assert_eq!(mov_to_cr(&mut cpu, &with_cr(Op::MovToCr, number)), Ok(()), "cr{number}");
        assert_eq!(mov_from_cr(&mut cpu, &with_cr(Op::MovFromCr, number)), Ok(()));
        assert_eq!(cpu.gr.get(8).value, good, "cr{number}");
    }
}

#[test]
fn psr_is_read_without_its_upper_half_and_written_in_the_lower() {
    let mut cpu = processor();
    let before = cpu.psr;
    mov_from_psr(&mut cpu, &insn(Op::MovFromPsr)).unwrap();
    assert_eq!(cpu.gr.get(8).value, before.0 & (1 << 36 | 0xffff_ffff));
    set(&mut cpu, 1 << 13 | 1 << 14 | 0xffff_ffff << 32, 0);
    assert_eq!(mov_to_psr_l(&mut cpu, &insn(Op::MovToPsrL)), Ok(()));
    assert_eq!(cpu.psr.0, before.0 & !0xffff_ffff | 1 << 13 | 1 << 14);
    set(&mut cpu, 1 << 16, 0);
    assert_eq!(general(mov_to_psr_l(&mut cpu, &insn(Op::MovToPsrL))), RESERVED);
    level(&mut cpu, 3);
    assert_eq!(general(mov_from_psr(&mut cpu, &insn(Op::MovFromPsr))), PRIVILEGED);
}

#[test]
fn masks_set_and_reset_their_bits() {
    let mut cpu = processor();
    let before = cpu.psr.0;
    ssm(&mut cpu, &with_imm(Op::Ssm, 1 << 14 | 1 << 19)).unwrap();
    assert_eq!(cpu.psr.0, before | 1 << 14 | 1 << 19);
    rsm(&mut cpu, &with_imm(Op::Rsm, 1 << 14 | 1 << 17)).unwrap();
    assert_eq!(cpu.psr.0, (before | 1 << 19) & !(1 << 17));
    assert_eq!(general(ssm(&mut cpu, &with_imm(Op::Ssm, 1 << 6))), RESERVED);
    level(&mut cpu, 3);
    assert_eq!(general(rsm(&mut cpu, &with_imm(Op::Rsm, 2))), PRIVILEGED);
    sum(&mut cpu, &with_imm(Op::Sum, 0b1010)).unwrap();
    rum(&mut cpu, &with_imm(Op::Rum, 0b0010)).unwrap();
    mov_from_psr_um(&mut cpu, &insn(Op::MovFromPsrUm)).unwrap();
    assert_eq!(cpu.gr.get(8).value, 0b1000);
    assert_eq!(general(sum(&mut cpu, &with_imm(Op::Sum, 1 << 13))), RESERVED);
}

#[test]
fn secured_monitors_cannot_be_switched_by_programs() {
    let mut cpu = processor();
    let mut psr = cpu.psr;
    psr.set_sp(true);
    cpu.set_psr(psr);
    sum(&mut cpu, &with_imm(Op::Sum, 0b1100)).unwrap();
    assert!(!cpu.psr.up() && cpu.psr.ac());
    set(&mut cpu, 0b0100, 0);
    mov_to_psr_um(&mut cpu, &insn(Op::MovToPsrUm)).unwrap();
    assert!(!cpu.psr.up() && !cpu.psr.ac());
}

#[test]
fn enabling_interrupts_ends_the_block_if_one_waits() {
    let mut cpu = processor();
    set(&mut cpu, 0, 0);
    mov_to_cr(&mut cpu, &with_cr(Op::MovToCr, cr::TPR)).unwrap();
    cpu.link.post_interrupt(0x50);
    assert_eq!(cpu.service(), None);
    assert_eq!(ssm(&mut cpu, &with_imm(Op::Ssm, 1 << 14)), Err(Stop::RELOOK));
}

#[test]
fn ivr_sees_what_was_just_posted() {
    let mut cpu = processor();
    mov_to_cr(&mut cpu, &with_cr(Op::MovToCr, cr::TPR)).unwrap();
    cpu.link.post_interrupt(0xfe);
    mov_from_cr(&mut cpu, &with_cr(Op::MovFromCr, cr::IVR)).unwrap();
    assert_eq!(cpu.gr.get(8).value, 0xfe);
}

#[test]
fn insertion_needs_collection_off_and_a_sound_translation() {
    let mut cpu = processor();
    cpu.cr.ifa = VA;
    cpu.cr.itir = 14 << 2;
    set(&mut cpu, OPEN | 0x4_0000, 3);
    assert_eq!(general(itc_d(&mut cpu, &insn(Op::ItcD))), ILLEGAL);
    collect(&mut cpu, false);
    assert_eq!(itc_d(&mut cpu, &insn(Op::ItcD)), Ok(()));
    assert_eq!(cpu.tpa(VA + 5), Ok(0x4_0005));
    for (pte, itir) in [
        (OPEN | 2, 14 << 2),
        (OPEN | 1 << 50, 14 << 2),
        (OPEN | 1 << 2, 14 << 2),
        (OPEN, 15 << 2),
        (OPEN, 14 << 2 | 1),
    ] {
        cpu.cr.itir = itir;
        set(&mut cpu, pte, 3);
        assert_eq!(general(itc_i(&mut cpu, &insn(Op::ItcI))), RESERVED);
    }
    cpu.cr.itir = 14 << 2;
    // Not present: the rest is software's.
    set(&mut cpu, 0xffff_ffff_ffff_fffe, 3);
    assert_eq!(itr_d(&mut cpu, &insn(Op::ItrD)), Ok(()));
    set(&mut cpu, OPEN, REGISTERS as u64);
    assert_eq!(general(itr_i(&mut cpu, &insn(Op::ItrI))), RESERVED);
    level(&mut cpu, 1);
    assert_eq!(general(itr_i(&mut cpu, &insn(Op::ItrI))), PRIVILEGED);
}

#[test]
fn registers_survive_purges_of_the_cache_but_not_their_own() {
    let mut cpu = processor();
    collect(&mut cpu, false);
    cpu.cr.ifa = VA;
    cpu.cr.itir = 16 << 2;
    set(&mut cpu, OPEN | 0x4_0000, 0);
    itr_d(&mut cpu, &insn(Op::ItrD)).unwrap();
    set(&mut cpu, 14 << 2, VA);
    ptc_l(&mut cpu, &insn(Op::PtcL)).unwrap();
    ptc_e(&mut cpu, &insn(Op::PtcE)).unwrap();
    assert_eq!(cpu.load::<u64>(VA), Ok(0));
    ptr_d(&mut cpu, &insn(Op::PtrD)).unwrap();
    assert!(cpu.load::<u64>(VA).is_err());
}

#[test]
fn region_and_key_registers_refuse_reserved_fields() {
    let mut cpu = processor();
    let to = indirect(Op::MovToInd, RR);
    for bad in [2, 15 << 2, 1 << 32 | 14 << 2] {
        set(&mut cpu, bad, 5 << 61);
        assert_eq!(general(mov_to_ind(&mut cpu, &to)), RESERVED);
    }
    set(&mut cpu, 0x1234 << 8 | 16 << 2 | 1, 5 << 61);
    mov_to_ind(&mut cpu, &to).unwrap();
    mov_from_ind(&mut cpu, &indirect(Op::MovFromInd, RR)).unwrap();
    assert_eq!(cpu.gr.get(8).value, 0x1234 << 8 | 16 << 2 | 1);
    set(&mut cpu, 0x10, 0);
    assert_eq!(general(mov_to_ind(&mut cpu, &indirect(Op::MovToInd, PKR))), RESERVED);
    set(&mut cpu, 1, PROTECTION_KEYS as u64);
    assert_eq!(general(mov_to_ind(&mut cpu, &indirect(Op::MovToInd, PKR))), RESERVED);
}

#[test]
fn cpuid_is_open_to_programs_and_ends_at_four() {
    let mut cpu = processor();
    cpu.config.cpuid[3] = 0x2000_0004;
    level(&mut cpu, 3);
    let from = indirect(Op::MovFromInd, IndirectFile::Cpuid as u8);
    set(&mut cpu, 0, 3);
    mov_from_ind(&mut cpu, &from).unwrap();
    assert_eq!(cpu.gr.get(8).value, 0x2000_0004);
    set(&mut cpu, 0, 5);
    assert_eq!(general(mov_from_ind(&mut cpu, &from)), RESERVED);
    assert_eq!(general(mov_from_ind(&mut cpu, &indirect(Op::MovFromInd, RR))), PRIVILEGED);
}

#[test]
fn hash_and_tag_pass_nat_on() {
    let mut cpu = processor();
    set(&mut cpu, 0, VA);
    thash(&mut cpu, &insn(Op::Thash)).unwrap();
    assert_eq!(cpu.gr.get(8), Gr::new(cpu.vhpt_address(VA)));
    nat(&mut cpu, 10);
    ttag(&mut cpu, &insn(Op::Ttag)).unwrap();
    assert!(cpu.gr.get(8).is_nat());
}

#[test]
fn questions_about_translations_say_who_asked() {
    let mut cpu = processor();
    nat(&mut cpu, 10);
    let consumption = Vector::NatConsumption as u16;
    assert_eq!(fault(tpa(&mut cpu, &insn(Op::Tpa))), (consumption, 0x10 | NA));
    assert_eq!(fault(fc(&mut cpu, &insn(Op::Fc))), (consumption, 0x11 | NA | R));
    assert_eq!(fault(probe_w(&mut cpu, &insn(Op::ProbeW))), (consumption, 0x12 | NA | W));
    assert_eq!(fault(tak(&mut cpu, &insn(Op::Tak))), (consumption, 0x13 | NA));
    let both = Insn { x1: 3, ..insn(Op::ProbeFault) };
    assert_eq!(fault(probe_fault(&mut cpu, &both)), (consumption, 0x15 | NA | R | W));
    level(&mut cpu, 2);
    assert_eq!(general(tak(&mut cpu, &insn(Op::Tak))), PRIVILEGED | 3);
}

#[test]
fn flushing_a_line_makes_its_page_suspect() {
    let mut cpu = processor();
    map(&mut cpu, VA, 14, OPEN | 0x4_0000);
    let index = cpu.memory.page_index(0x4_1000).unwrap();
    let before = cpu.memory.epoch(index);
    set(&mut cpu, 0, VA + 0x1040);
    fc(&mut cpu, &insn(Op::Fc)).unwrap();
    assert_eq!(cpu.memory.epoch(index), before + 1);
    set(&mut cpu, 0, VA + 0x10_0000);
    assert_eq!(fault(fc(&mut cpu, &insn(Op::Fc))).0, Vector::AlternateDataTlb as u16);
}

#[test]
fn break_faults_outside_the_firmware_and_calls_the_host_inside() {
    let mut cpu = processor();
    let with = |row_name: &str, imm| Insn {
        row: ROWS.iter().position(|row| row.name == row_name).unwrap() as u16,
        ..with_imm(Op::Break, imm)
    };
    assert_eq!(fault(break_(&mut cpu, &with("break.m", 0x10_0000))), (Vector::Break as u16, 0));
    assert_eq!(cpu.pending.iim, 0x10_0000);
    break_(&mut cpu, &with("break.x", 1 << 40 | 7)).unwrap_err();
    assert_eq!(cpu.pending.iim, 7);
    break_(&mut cpu, &with("break.b", 9)).unwrap_err();
    assert_eq!(cpu.pending.iim, 0);
    cpu.config.firmware = (0x4_0000, 0x1000);
    run_code_at(&mut cpu, VA, OPEN | 0x4_0000);
    assert_eq!(break_(&mut cpu, &with("break.m", 0x42)), Err(Stop::EXIT));
    assert_eq!(cpu.exit, Exit::HostCall(0x42));
    let next_page = Insn { bundle: 255, ..with("break.m", 0x42) };
    cpu.ip = VA + 0x100;
    assert!(break_(&mut cpu, &next_page).unwrap_err().fault().is_some());
}

#[test]
fn epc_promotes_to_the_level_of_a_promotion_page() {
    let mut cpu = processor();
    for (ar, pl, from, ppl, to) in [(7, 0, 3, 3, 0), (7, 1, 3, 3, 1), (7, 3, 1, 2, 1), (3, 0, 3, 3, 3)] {
        run_code_at(&mut cpu, VA, OPEN & !(3 << 7 | 7 << 9) | pl << 7 | ar << 9);
        level(&mut cpu, from);
        cpu.ar.pfs = ppl << 62;
        assert_eq!(epc(&mut cpu, &insn(Op::Epc)), Err(Stop::RELOOK));
        assert_eq!(cpu.psr.cpl(), to);
    }
    level(&mut cpu, 3);
    cpu.ar.pfs = 2 << 62;
    assert_eq!(general(epc(&mut cpu, &insn(Op::Epc))), ILLEGAL);
}

#[test]
fn rfi_is_privileged_and_knows_no_ia32() {
    let mut cpu = processor();
    cpu.cr.iip = VA | 7;
    cpu.cr.ipsr = 3 << 32 | 1 << 36 | 2 << 41;
    assert_eq!(rfi(&mut cpu, &insn(Op::Rfi)), Err(Stop::TRANSFER));
    assert_eq!((cpu.ip, cpu.psr.cpl(), cpu.psr.ri()), (VA, 3, 2));
    assert_eq!(general(rfi(&mut cpu, &insn(Op::Rfi))), PRIVILEGED);
    level(&mut cpu, 0);
    cpu.cr.ipsr |= 1 << 34;
    assert_eq!(general(rfi(&mut cpu, &insn(Op::Rfi))), ILLEGAL);
}

/// One processor reads a page without pause, the other purges it everywhere: once the purge is over, no read succeeds.
#[test]
fn a_global_purge_is_over_only_when_every_running_processor_has_purged() {
    let cluster = Cluster::new(2);
    let (running, purged) = (AtomicBool::new(false), AtomicBool::new(false));
    let reads = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut cpu = processor_of(Arc::clone(&cluster), 1);
            map(&mut cpu, VA, 14, OPEN);
            cpu.enter();
            loop {
                let over = purged.load(Ordering::SeqCst);
                let outcome = cpu.load::<u64>(VA);
                reads.fetch_add(1, Ordering::SeqCst);
                running.store(true, Ordering::SeqCst);
                match outcome {
                    Ok(_) => assert!(!over, "read through a translation that everybody has purged"),
                    Err(_) => break,
                }
                if cpu.link.attention() {
                    cpu.service();
                }
            }
            cpu.leave();
        });
        let mut cpu = processor_of(Arc::clone(&cluster), 0);
        cpu.enter();
        while !running.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        set(&mut cpu, 14 << 2, VA);
        ptc_ga(&mut cpu, &insn(Op::PtcGa)).unwrap();
        purged.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
    assert!(reads.load(Ordering::SeqCst) > 0);
}

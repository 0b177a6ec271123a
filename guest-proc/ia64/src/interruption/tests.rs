use std::sync::Arc;

use super::*;
use crate::fault::isr::{ED, EI_SHIFT, NI, R, RS, SP, W};
use crate::link::Link;
use crate::mmu::region::RegionRegister;
use crate::mmu::tests::{ED as PTE_ED, OPEN, map, processor, run_code_at};
use crate::state::regs::cr;
use crate::state::{Cr, Gr};

const VA: u64 = 0x2000_0000_0001_0008;
const CODE: u64 = 0x6000_0000_0000_0000;

/// A processor about to fault at slot 1 of a code page, with recognizable registers.
fn faulting() -> Cpu {
    let mut cpu = processor();
    run_code_at(&mut cpu, CODE, OPEN);
    cpu.cr =
        Cr { iva: 0x10_0000, ifs: 7, iim: 8, iha: 9, itir: 10, ifa: 11, pta: cpu.cr.pta, ..Cr::default() };
    cpu.iipa = CODE - 16;
    cpu.psr.set_ri(1);
    cpu
}

fn raise(cpu: &mut Cpu, vector: Vector, bits: u64) {
    cpu.pending.ifa = VA;
    cpu.pending.iim = 0x55;
    cpu.deliver(Fault::with_isr(vector, bits));
}

#[test]
fn a_data_miss_tells_where_why_and_what() {
    let mut cpu = faulting();
    let psr = cpu.psr;
    cpu.cr.pta = 0x1fff_0000_0000_00c1;
    raise(&mut cpu, Vector::DataTlb, R);
    assert_eq!(cpu.ip, 0x10_0800);
    assert_eq!((cpu.cr.iip, cpu.cr.ipsr, cpu.cr.iipa, cpu.cr.ifs), (CODE, psr.0, CODE - 16, 0));
    assert_eq!(cpu.cr.isr, R | 1 << EI_SHIFT);
    assert_eq!(cpu.cr.ifa, VA);
    assert_eq!(cpu.cr.itir, 1 << 8 | 14 << 2);
    assert_eq!(cpu.cr.iha, cpu.vhpt_address(VA));
    assert_eq!(cpu.cr.iim, 8);
}

/// SDM volume 2, table 8-1.
#[test]
fn each_vector_writes_its_own_parameters() {
    let itir = 1 << 8 | 14 << 2;
    let cases = [
        (Vector::AlternateDataTlb, R, VA, itir, 9, 8),
        (Vector::AlternateInstructionTlb, isr::X, VA, itir, 9, 8),
        (Vector::DataKeyMiss, W, VA, itir, 9, 8),
        (Vector::DirtyBit, W, VA, itir, 9, 8),
        (Vector::PageNotPresent, R, VA, itir, 9, 8),
        (Vector::DataAccessRights, R, VA, itir, 9, 8),
        (Vector::UnalignedReference, R, VA, 10, 9, 8),
        (Vector::UnsupportedDataReference, R | W, VA, 10, 9, 8),
        (Vector::Debug, R, VA, 10, 9, 8),
        (Vector::NatConsumption, R | 0x20, VA, 10, 9, 8),
        (Vector::NatConsumption, R | 0x10, 11, 10, 9, 8),
        (Vector::GeneralException, R | 0x30, VA, 10, 9, 8),
        (Vector::GeneralException, 0x30, 11, 10, 9, 8),
        (Vector::Break, 0, 11, 10, 9, 0x55),
        (Vector::ExternalInterrupt, 0, 11, 10, 9, 8),
    ];
    for (vector, bits, ifa, itir, iha, iim) in cases {
        let mut cpu = faulting();
        raise(&mut cpu, vector, bits);
        let found = (cpu.cr.ifa, cpu.cr.itir, cpu.cr.iha, cpu.cr.iim);
        assert_eq!(found, (ifa, itir, iha, iim), "{vector:?}");
    }
}

#[test]
fn a_vhpt_translation_fault_describes_the_tables_region() {
    let mut cpu = faulting();
    cpu.cr.pta = 0xe000_0000_0100_0000 | 1 << 8 | 16 << 2 | 1;
    cpu.mmu.set_rr(7, RegionRegister(0x77 << 8 | 24 << 2));
    raise(&mut cpu, Vector::VhptTranslation, R);
    assert_eq!(cpu.cr.ifa, VA);
    assert_eq!(cpu.cr.iha, cpu.vhpt_address(VA));
    assert_eq!(cpu.cr.itir, 0x77 << 8 | 24 << 2);
}

/// SDM volume 2, table 3-2, column "state after interruption".
#[test]
fn psr_keeps_translation_and_loses_the_rest() {
    let mut cpu = faulting();
    let all = !(1 | 0x1fc0 | 1 << 16 | 0xf << 28 | !0 << 46) & !(1 << 34);
    cpu.set_psr(Psr(all));
    raise(&mut cpu, Vector::Break, 0);
    assert_eq!(cpu.cr.ipsr, all);
    let kept = [2, 4, 5, 15, 17, 27, 35, 36].into_iter().fold(0u64, |bits, bit| bits | 1 << bit);
    assert_eq!(cpu.psr.0, kept);
}

#[test]
fn dcr_gives_byte_order_and_monitoring_to_handlers() {
    let mut cpu = faulting();
    cpu.cr.dcr = 0b11;
    raise(&mut cpu, Vector::Break, 0);
    assert!(cpu.psr.be() && cpu.psr.pp());
}

#[test]
fn handlers_run_on_bank_0_and_rfi_brings_the_other_back() {
    let mut cpu = faulting();
    let mut psr = cpu.psr;
    psr.set_bn(true);
    cpu.set_psr(psr);
    cpu.gr.set(16, Gr::new(0x1111));
    raise(&mut cpu, Vector::Break, 0);
    assert!(!cpu.psr.bn());
    assert_eq!(cpu.gr.get(16).value, 0);
    cpu.gr.set(16, Gr::new(0x2222));
    cpu.return_from_interruption();
    assert_eq!(cpu.gr.get(16).value, 0x1111);
    assert_eq!((cpu.ip, cpu.psr.ri(), cpu.psr.bn(), cpu.psr.ic()), (CODE, 1, true, true));
}

#[test]
fn rfi_restores_the_frame_only_if_ifs_is_valid() {
    let mut cpu = faulting();
    raise(&mut cpu, Vector::Break, 0);
    let before = cpu.cfm;
    cpu.return_from_interruption();
    assert_eq!(cpu.cfm, before);
    cpu.rse.bsp = 0x1_0100;
    cpu.rse.bspstore = 0x1_0100 - 3 * 8;
    cpu.rse.dirty = 3;
    cpu.cr.ifs = 1 << 63 | 3;
    cpu.return_from_interruption();
    assert_eq!((cpu.cfm.sof(), cpu.rse.bsp, cpu.rse.dirty), (3, 0x1_0100 - 3 * 8, 0));
}

#[test]
fn with_collection_off_only_isr_is_written() {
    let mut cpu = faulting();
    cpu.psr.set_ic(false);
    let before = cpu.cr.clone();
    raise(&mut cpu, Vector::DataAccessRights, R);
    assert_eq!(cpu.cr.isr, R | NI | 1 << EI_SHIFT);
    let after = (cpu.cr.iip, cpu.cr.ipsr, cpu.cr.ifa, cpu.cr.itir, cpu.cr.ifs);
    assert_eq!(after, (before.iip, before.ipsr, before.ifa, before.itir, before.ifs));
}

#[test]
fn a_nested_miss_leaves_even_isr_alone() {
    let mut cpu = faulting();
    cpu.psr.set_ic(false);
    cpu.cr.isr = 0x1234;
    raise(&mut cpu, Vector::DataNestedTlb, R);
    assert_eq!((cpu.cr.isr, cpu.ip), (0x1234, 0x10_1400));
}

#[test]
fn isr_ed_is_the_code_pages_for_data_references_of_programs() {
    for (pte, bits, ed) in [
        (OPEN | PTE_ED, R | SP, ED),
        (OPEN, R | SP, 0),
        (OPEN | PTE_ED, R | RS, 0),
        (OPEN | PTE_ED, isr::X, 0),
    ] {
        let mut cpu = faulting();
        run_code_at(&mut cpu, CODE, pte);
        raise(&mut cpu, Vector::PageNotPresent, bits);
        assert_eq!(cpu.cr.isr & ED, ed);
    }
}

#[test]
fn traps_name_the_slot_that_trapped() {
    let mut cpu = faulting();
    cpu.psr.set_ri(2);
    raise(&mut cpu, Vector::SingleStep, 8 | 1 << EI_SHIFT);
    assert_eq!(cpu.cr.isr, 8 | 1 << EI_SHIFT);
    assert_eq!(Psr(cpu.cr.ipsr).ri(), 2);
}

fn accept_interrupts(cpu: &mut Cpu, on: bool) {
    let mut psr = cpu.psr;
    psr.set_i(on);
    cpu.set_psr(psr);
}

#[test]
fn a_posted_interrupt_is_taken_once_psr_i_lets_it_through() {
    let mut cpu = faulting();
    cpu.sapic.write(cr::TPR, 0);
    cpu.link.post_interrupt(0x40);
    assert!(cpu.link.attention());
    assert_eq!(cpu.service(), None);
    assert_eq!(cpu.ip, CODE);
    assert!(!cpu.link.attention() && !cpu.sapic.attention());
    accept_interrupts(&mut cpu, true);
    assert!(cpu.sapic.attention());
    assert_eq!(cpu.service(), None);
    assert_eq!(cpu.ip, 0x10_3000);
    assert_eq!(cpu.cr.isr, 1 << EI_SHIFT);
    assert_eq!(cpu.sapic.read(cr::IVR), Some(0x40));
}

#[test]
fn lowering_tpr_calls_for_attention() {
    let mut cpu = faulting();
    cpu.sapic.write(cr::TPR, 0x80);
    accept_interrupts(&mut cpu, true);
    cpu.link.post_interrupt(0x40);
    assert_eq!(cpu.service(), None);
    assert_eq!(cpu.ip, CODE);
    cpu.sapic.write(cr::TPR, 0);
    assert!(cpu.sapic.attention());
}

#[test]
fn init_and_kicks_leave_the_engine() {
    let mut cpu = faulting();
    cpu.link.post_init();
    assert_eq!(cpu.service(), Some(Exit::Init));
    cpu.link.kick();
    assert_eq!(cpu.service(), Some(Exit::Budget));
    assert_eq!(cpu.service(), None);
}

fn mask_init(cpu: &mut Cpu, on: bool) {
    let mut psr = cpu.psr;
    psr.set_mc(on);
    cpu.set_psr(psr);
}

#[test]
fn init_waits_while_psr_mc_masks_it() {
    let mut cpu = faulting();
    mask_init(&mut cpu, true);
    cpu.link.post_init();
    assert_eq!(cpu.service(), None);
    assert!(!cpu.link.attention());
    cpu.sapic.write(cr::TPR, 0);
    cpu.link.post_interrupt(0xef);
    cpu.halt(|_| unreachable!("no timer is set"));
    assert_eq!(cpu.service(), None);
    mask_init(&mut cpu, false);
    assert!(cpu.link.attention());
    assert_eq!(cpu.service(), Some(Exit::Init));
}

#[test]
fn a_program_that_is_set_aside_goes_on_as_it_was() {
    let mut cpu = faulting();
    let gr = |n: u8| Gr { value: u64::from(n) << 8 | 1, nat: u64::from(n.is_multiple_of(5)) };
    (1..32).for_each(|n| cpu.gr.set(n, gr(n)));
    cpu.gr.other_bank().iter_mut().zip(100..).for_each(|(register, n)| *register = gr(n));
    let marker = Cfm::new(20, 12, 8).with_rrb(3, 0, 7);
    cpu.set_cfm(marker);
    (32..52).for_each(|n| cpu.gr.set(n, gr(n)));
    (cpu.pr, cpu.br[0], cpu.br[1], cpu.rse.rsc) = (0xdead_beef_0000_0001, 16, 32, 0xf);
    (cpu.cr.iip, cpu.cr.ipsr, cpu.cr.ifs) = (0x70, 1 << 13, 1 << 63 | 3);
    let (psr, bsp) = (cpu.psr, cpu.rse.bsp);

    let state = cpu.set_aside();
    let mut masked = Psr::default();
    masked.set_mc(true);
    assert_eq!((cpu.psr, cpu.cfm, cpu.rse.mode()), (masked, Cfm::default(), 0));
    assert_eq!((cpu.cr.iip, cpu.cr.ipsr, cpu.cr.ifs), (CODE, psr.0, 1 << 63 | marker.0));
    // Words of SDM volume 2, figure 11-2, by their offsets: IIP, XIP, b1; bits of r5 and of the other bank's first NaT.
    let bytes = state.to_bytes();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!((word(0x198), word(0x1b0), word(0x1c8)), (CODE, 0x70, 32));
    assert_eq!((word(8 + 4 * 8), word(0) >> 5 & 1, word(0) & 1), (0x501, 1, 0));
    (1..32).for_each(|n| cpu.gr.set(n, Gr::new(0)));
    *cpu.gr.other_bank() = [Gr::new(0); 16];
    (cpu.pr, cpu.br[0], cpu.br[1]) = (1, 0, 0);

    cpu.take_up(&MinState::from_bytes(&bytes));
    assert_eq!((cpu.psr, cpu.ip, cpu.cfm, cpu.rse.bsp), (psr, CODE, marker, bsp));
    assert_eq!((cpu.pr, cpu.br[0], cpu.br[1], cpu.rse.rsc), (0xdead_beef_0000_0001, 16, 32, 0xf));
    assert_eq!((cpu.cr.iip, cpu.cr.ipsr, cpu.cr.ifs), (0x70, 1 << 13, 1 << 63 | 3));
    for n in 1..52 {
        assert_eq!(cpu.gr.get(n), gr(n), "r{n}");
    }
    assert!(cpu.gr.other_bank().iter().zip(100..).all(|(register, n)| *register == gr(n)));
}

#[test]
fn any_bytes_can_be_taken_up() {
    for byte in [0, 0x55, 0xaa, 0xff] {
        let mut cpu = faulting();
        cpu.take_up(&MinState::from_bytes(&[byte; MinState::BYTES]));
        assert!(cpu.cfm.sof() <= 96 && !cpu.psr.is() && !cpu.psr.vm());
    }
}

#[test]
fn a_halt_ends_with_an_interrupt_whatever_psr_i() {
    let mut cpu = faulting();
    cpu.sapic.write(cr::TPR, 0);
    let link: Arc<Link> = cpu.link.clone();
    let poster = std::thread::spawn(move || link.post_interrupt(0xef));
    cpu.halt(|_| unreachable!("no timer is set"));
    poster.join().unwrap();
    assert!(cpu.sapic.unmasked() && cpu.link.attention());
}

#[test]
fn a_kick_ends_a_halt_and_is_left_for_the_engine() {
    let mut cpu = faulting();
    cpu.link.kick();
    cpu.halt(|_| unreachable!("no timer is set"));
    assert_eq!(cpu.service(), Some(Exit::Budget));
}

#[test]
fn purges_wanted_while_away_are_done_on_the_way_in() {
    let mut cpu = processor();
    map(&mut cpu, VA, 14, OPEN);
    assert_eq!(cpu.load::<u64>(VA), Ok(0));
    cpu.enter();
    cpu.leave();
    let other = Arc::new(Link::default());
    let range = cpu.mmu.purge_range(VA, 14 << 2);
    cpu.cluster.clone().purge_others(&other, range, || ());
    assert_eq!(cpu.load::<u64>(VA), Ok(0));
    cpu.enter();
    assert!(cpu.load::<u64>(VA).is_err());
}

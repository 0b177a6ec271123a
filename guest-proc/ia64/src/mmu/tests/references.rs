//! References of every kind: values, faults, their order, and what is deferred.

use super::*;
use crate::fault::isr::{NA, R, RS, SP, W, X};
use crate::memory::PAGE_SIZE;

const VA: u64 = 0x2000_0000_0001_0000;
const PA: u64 = 0x4_0000;

fn mapped(pte: u64) -> Cpu {
    let mut cpu = processor();
    map(&mut cpu, VA, 14, pte | PA);
    cpu
}

fn with_psr(cpu: &mut Cpu, change: impl Fn(&mut Psr)) {
    let mut psr = cpu.psr;
    change(&mut psr);
    cpu.set_psr(psr);
}

#[test]
fn every_size_is_read_and_written_in_both_byte_orders() {
    let mut cpu = mapped(OPEN);
    for big_endian in [false, true] {
        with_psr(&mut cpu, |psr| psr.set_be(big_endian));
        let bytes = |value: u64, n: usize| {
            let le = &value.to_le_bytes()[..n];
            if big_endian { le.iter().rev().copied().collect::<Vec<_>>() } else { le.to_vec() }
        };
        let at = |cpu: &Cpu, n: usize| {
            let mut read = vec![0; n];
            cpu.memory.read(PA + 0x20, &mut read);
            read
        };
        cpu.store::<u64>(VA + 0x20, 0x1122_3344_5566_7788).unwrap();
        assert_eq!(at(&cpu, 8), bytes(0x1122_3344_5566_7788, 8));
        assert_eq!(cpu.load::<u64>(VA + 0x20), Ok(0x1122_3344_5566_7788));
        cpu.store::<u32>(VA + 0x20, 0x99aa_bbcc).unwrap();
        assert_eq!(at(&cpu, 4), bytes(0x99aa_bbcc, 4));
        assert_eq!(cpu.load::<u32>(VA + 0x20), Ok(0x99aa_bbcc));
        cpu.store::<u16>(VA + 0x20, 0xddee).unwrap();
        assert_eq!(cpu.load::<u16>(VA + 0x20), Ok(0xddee));
        cpu.store::<u8>(VA + 0x20, 0xff).unwrap();
        assert_eq!(cpu.load::<u8>(VA + 0x20), Ok(0xff));
        cpu.store16(VA + 0x20, 1, 2).unwrap();
        assert_eq!(cpu.load16(VA + 0x20), Ok((1, 2)));
        let first = if big_endian { 2 } else { 1 };
        assert_eq!(cpu.load::<u64>(VA + 0x20), Ok(first));
        assert_eq!(cpu.load_pair(VA + 0x20), Ok((first, 3 - first)));
        cpu.store10(VA + 0x20, 0x8000_0000_0000_0001, 0x3fff).unwrap();
        assert_eq!(cpu.load10(VA + 0x20), Ok((0x8000_0000_0000_0001, 0x3fff)));
        let top = if big_endian { at(&cpu, 2) } else { at(&cpu, 10)[8..].to_vec() };
        assert_eq!(top, bytes(0x3fff, 2));
    }
}

#[test]
fn semaphores_work_in_both_byte_orders() {
    let mut cpu = mapped(OPEN);
    for big_endian in [false, true] {
        with_psr(&mut cpu, |psr| psr.set_be(big_endian));
        cpu.store16(VA, 5, 6).unwrap();
        let (low, high) = if big_endian { (VA + 8, VA) } else { (VA, VA + 8) };
        assert_eq!(cpu.rmw_fetchadd::<u64>(low, -8), Ok(5));
        assert_eq!(cpu.rmw_xchg::<u64>(low, 7), Ok(5u64.wrapping_sub(8)));
        assert_eq!(cpu.rmw_cmpxchg::<u64>(low, 8, 9), Ok(7));
        assert_eq!(cpu.rmw_cmpxchg::<u64>(low, 7, 9), Ok(7));
        assert_eq!(cpu.rmw_cmp8xchg16(high, 5, (1, 2)), Ok(6));
        assert_eq!(cpu.rmw_cmp8xchg16(high, 6, (0x111, 0x222)), Ok(6));
        assert_eq!(cpu.load16(VA), Ok((0x111, 0x222)));
        cpu.store::<u32>(VA, 0xffff_fffe).unwrap();
        assert_eq!(cpu.rmw_fetchadd::<u32>(VA, 4), Ok(0xffff_fffe));
        assert_eq!(cpu.load::<u32>(VA), Ok(2));
        // The comparison is of 64 bits with the zero-extended operand.
        assert_eq!(cpu.rmw_cmpxchg::<u32>(VA, 1 << 32 | 2, 3), Ok(2));
        assert_eq!(cpu.load::<u32>(VA), Ok(2));
    }
}

#[test]
fn physical_addresses_are_used_as_they_are() {
    let mut cpu = processor();
    with_psr(&mut cpu, |psr| psr.set_dt(false));
    cpu.store::<u64>(0x5000, 77).unwrap();
    assert_eq!(cpu.load::<u64>(0x5000), Ok(77));
    assert_eq!(cpu.load::<u64>(1 << 63 | 0x5000), Ok(77));
    assert_eq!(fault_of(cpu.load::<u64>(1 << 50)), (v(Vector::GeneralException), 0x30 | R));
    assert_eq!(cpu.pending.ifa, 1 << 50);
    // The same bits as a virtual address are something else.
    with_psr(&mut cpu, |psr| psr.set_dt(true));
    assert_eq!(vector_of(cpu.load::<u64>(0x5000)), v(Vector::AlternateDataTlb));
}

#[test]
fn devices_are_read_and_written_over_the_bus() {
    let mut cpu = processor();
    map(&mut cpu, VA, 14, OPEN | UC | 0x1_0000_0000);
    cpu.store::<u32>(VA + 4, 0x1234_5678).unwrap();
    assert_eq!(cpu.load::<u16>(VA + 4), Ok(0x5678));
    assert_eq!(vector_of(cpu.load::<u32>(VA + 6)), v(Vector::UnalignedReference));
    assert_eq!(vector_of(cpu.load16(VA)), v(Vector::UnsupportedDataReference));
    assert_eq!(fault_of(cpu.rmw_xchg::<u32>(VA, 1)), (v(Vector::UnsupportedDataReference), R | W));
    assert_eq!(cpu.load_speculative::<u32>(VA + 4), Ok(None));
}

#[test]
fn semaphores_need_cacheable_memory() {
    let mut cpu = mapped(OPEN | UC);
    cpu.store::<u64>(VA, 1).unwrap();
    assert_eq!(vector_of(cpu.rmw_fetchadd::<u64>(VA, 1)), v(Vector::UnsupportedDataReference));
    assert_eq!(cpu.load::<u64>(VA), Ok(1));
}

#[test]
fn misaligned_references_complete_within_a_page_unless_psr_ac() {
    let mut cpu = mapped(OPEN);
    cpu.memory.write(PA, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for _ in 0..2 {
        assert_eq!(cpu.load::<u64>(VA + 1), Ok(0x0807_0605_0403_0201));
        assert_eq!(vector_of(cpu.load::<u64>(VA + PAGE_SIZE - 4)), v(Vector::UnalignedReference));
        // Now with the page in the fast path.
        cpu.load::<u64>(VA).unwrap();
    }
    assert_eq!(vector_of(cpu.load16(VA + 8)), v(Vector::UnalignedReference));
    assert_eq!(vector_of(cpu.rmw_xchg::<u32>(VA + 2, 0)), v(Vector::UnalignedReference));
    with_psr(&mut cpu, |psr| psr.set_ac(true));
    assert_eq!(fault_of(cpu.load::<u64>(VA + 1)), (v(Vector::UnalignedReference), R));
    assert_eq!(fault_of(cpu.store::<u16>(VA + 1, 0)), (v(Vector::UnalignedReference), W));
    assert_eq!(cpu.pending.ifa, VA + 1);
}

/// SDM volume 2, table 5-6: the page says everything that is wrong at once; repairing it fault by fault shows the order.
#[test]
fn faults_come_in_the_order_of_the_manual() {
    let mut cpu = processor();
    with_psr(&mut cpu, |psr| {
        psr.set_pk(true);
        psr.set_db(true);
        psr.set_ac(true);
    });
    let va = VA + 1;
    // A breakpoint on every write, at every level, of the page.
    cpu.dbr[0] = VA;
    cpu.dbr[1] = 1 << 62 | 0xf << 56 | 0xff_ffff_ffff_c000;
    let store = |cpu: &mut Cpu| vector_of(cpu.store::<u64>(va, 0));
    assert_eq!(store(&mut cpu), v(Vector::AlternateDataTlb));
    let read_only = OPEN & !(7 << 9) & !(1 << 5 | 1 << 6);
    map(&mut cpu, VA, 14, (read_only | NATPAGE | PA) & !1);
    assert_eq!(store(&mut cpu), v(Vector::PageNotPresent));
    map(&mut cpu, VA, 14, read_only | NATPAGE | PA);
    assert_eq!(fault_of(cpu.store::<u64>(va, 0)), (v(Vector::NatConsumption), 0x20 | W));
    map(&mut cpu, VA, 14, read_only | PA);
    assert_eq!(store(&mut cpu), v(Vector::DataKeyMiss));
    cpu.mmu.set_pkr(3, 1 << 8 | 0b11);
    assert_eq!(store(&mut cpu), v(Vector::KeyPermission));
    cpu.mmu.set_pkr(3, 1 << 8 | 0b01);
    assert_eq!(store(&mut cpu), v(Vector::DataAccessRights));
    map(&mut cpu, VA, 14, OPEN & !(1 << 5 | 1 << 6) | PA);
    assert_eq!(store(&mut cpu), v(Vector::DirtyBit));
    map(&mut cpu, VA, 14, OPEN & !(1 << 5) | PA);
    assert_eq!(store(&mut cpu), v(Vector::DataAccessBit));
    map(&mut cpu, VA, 14, OPEN | PA);
    assert_eq!(store(&mut cpu), v(Vector::Debug));
    with_psr(&mut cpu, |psr| psr.set_dd(true));
    assert_eq!(store(&mut cpu), v(Vector::UnalignedReference));
    map(&mut cpu, VA, 14, OPEN | UC | PA);
    assert_eq!(vector_of(cpu.rmw_xchg::<u64>(va, 0)), v(Vector::UnalignedReference));
    assert_eq!(vector_of(cpu.rmw_xchg::<u64>(VA, 0)), v(Vector::UnsupportedDataReference));
}

#[test]
fn code_faults_come_in_the_order_of_the_manual() {
    let mut cpu = processor();
    with_psr(&mut cpu, |psr| psr.set_pk(true));
    let fetch = |cpu: &mut Cpu| fault_of(cpu.fetch(VA + 0x10));
    let put = |cpu: &mut Cpu, pte: u64| _ = cpu.mmu.insert_code(entry(1, 0x1_0000, 14, pte | PA));
    assert_eq!(fetch(&mut cpu), (v(Vector::AlternateInstructionTlb), X));
    let closed = OPEN & !(7 << 9 | 1 << 5);
    put(&mut cpu, (closed | NATPAGE) & !1);
    assert_eq!(fetch(&mut cpu), (v(Vector::PageNotPresent), X));
    put(&mut cpu, closed | NATPAGE);
    assert_eq!(fetch(&mut cpu), (v(Vector::NatConsumption), X | 0x20));
    put(&mut cpu, closed);
    assert_eq!(fetch(&mut cpu), (v(Vector::InstructionKeyMiss), X));
    cpu.mmu.set_pkr(0, 1 << 8 | 0b1001);
    assert_eq!(fetch(&mut cpu), (v(Vector::KeyPermission), X));
    cpu.mmu.set_pkr(0, 1 << 8 | 1);
    assert_eq!(fetch(&mut cpu), (v(Vector::InstructionAccessRights), X));
    put(&mut cpu, OPEN & !(1 << 5));
    assert_eq!(fetch(&mut cpu), (v(Vector::InstructionAccessBit), X));
    assert_eq!(cpu.pending.ifa, VA + 0x10);
    with_psr(&mut cpu, |psr| psr.set_ia(true));
    assert_eq!(cpu.fetch(VA + 0x10).map(|page| page.pa), Ok(PA));
    // For one instruction only.
    with_psr(&mut cpu, |psr| psr.set_ia(false));
    assert_eq!(fetch(&mut cpu), (v(Vector::InstructionAccessBit), X));
    with_psr(&mut cpu, |psr| psr.set_it(false));
    assert_eq!(fault_of(cpu.fetch(1 << 55)), (v(Vector::LowerPrivilegeTransfer), 0x10));
}

#[test]
fn with_collection_off_a_miss_is_nested() {
    let mut cpu = processor();
    with_psr(&mut cpu, |psr| psr.set_ic(false));
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::DataNestedTlb));
    assert_eq!(vector_of(cpu.fetch(VA)), v(Vector::AlternateInstructionTlb));
}

#[test]
fn psr_da_lets_one_store_through_and_leaves_no_trace() {
    let mut cpu = mapped(OPEN & !(1 << 6));
    with_psr(&mut cpu, |psr| psr.set_da(true));
    cpu.store::<u64>(VA, 5).unwrap();
    with_psr(&mut cpu, |psr| psr.set_da(false));
    assert_eq!(vector_of(cpu.store::<u64>(VA, 6)), v(Vector::DirtyBit));
    assert_eq!(cpu.load::<u64>(VA), Ok(5));
}

#[test]
fn a_key_that_disables_reading_holds_for_the_fast_path_too() {
    let mut cpu = mapped(OPEN);
    with_psr(&mut cpu, |psr| psr.set_pk(true));
    cpu.mmu.set_pkr(0, 1 << 8 | 1);
    cpu.load::<u64>(VA).unwrap();
    cpu.mmu.set_pkr(0, 1 << 8 | 0b101);
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::KeyPermission));
    cpu.store::<u64>(VA, 1).unwrap();
    assert_eq!(vector_of(cpu.rmw_xchg::<u64>(VA, 1)), v(Vector::KeyPermission));
    // The same key in another register: the first is no longer valid.
    cpu.mmu.set_pkr(1, 1 << 8 | 1);
    assert_eq!(cpu.load::<u64>(VA), Ok(1));
    assert_eq!(cpu.mmu.pkr(0) & 1, 0);
}

/// SDM volume 2, table 5-4: without the DCR bit the fault is taken; with it, and a code page with ED, it is deferred.
#[test]
fn speculative_loads_defer_what_dcr_says() {
    let unreadable = OPEN & !(3 << 7) | 2 << 9;
    let cases: [(u64, u64, Vector, Option<u64>); 6] = [
        (8, 0, Vector::AlternateDataTlb, None),
        (9, 0, Vector::PageNotPresent, Some(OPEN & !1)),
        (10, 1, Vector::DataKeyMiss, Some(OPEN)),
        (11, 2, Vector::KeyPermission, Some(OPEN)),
        (12, 0, Vector::DataAccessRights, Some(unreadable)),
        (13, 0, Vector::DataAccessBit, Some(OPEN & !(1 << 5))),
    ];
    for (bit, keys, vector, pte) in cases {
        let mut cpu = processor();
        run_code_at(&mut cpu, 0x6000_0000_0000_0000, OPEN | ED);
        with_psr(&mut cpu, |psr| {
            psr.set_cpl(3);
            psr.set_pk(keys != 0);
        });
        if keys == 2 {
            cpu.mmu.set_pkr(0, 1 << 8 | 0b101);
        }
        if let Some(pte) = pte {
            map(&mut cpu, VA, 14, pte | PA);
        }
        assert_eq!(fault_of(cpu.load_speculative::<u64>(VA)), (v(vector), R | SP), "{vector:?}");
        cpu.cr.dcr = 1 << bit;
        assert_eq!(cpu.load_speculative::<u64>(VA), Ok(None), "{vector:?}");
        run_code_at(&mut cpu, 0x6000_0000_0000_0000, OPEN);
        assert_eq!(vector_of(cpu.load_speculative::<u64>(VA)), v(vector), "without ED: {vector:?}");
        with_psr(&mut cpu, |psr| psr.set_ic(false));
        assert_eq!(cpu.load_speculative::<u64>(VA), Ok(None), "with PSR.ic clear: {vector:?}");
    }
}

#[test]
fn nat_pages_always_defer_speculative_loads() {
    let mut cpu = mapped(OPEN | NATPAGE);
    assert_eq!(cpu.load_speculative::<u64>(VA), Ok(None));
    assert_eq!(fault_of(cpu.load::<u64>(VA)), (v(Vector::NatConsumption), 0x20 | R));
}

#[test]
fn psr_ed_defers_even_a_load_that_would_succeed() {
    let mut cpu = mapped(OPEN);
    assert_eq!(cpu.load_speculative::<u64>(VA), Ok(Some(0)));
    with_psr(&mut cpu, |psr| psr.set_ed(true));
    assert_eq!(cpu.load_speculative::<u64>(VA), Ok(None));
    assert_eq!(cpu.lfetch(0x4000_0000_0000_0000, true), Ok(()));
    with_psr(&mut cpu, |psr| psr.set_ed(false));
    assert_eq!(cpu.load_speculative::<u64>(VA), Ok(Some(0)));
}

#[test]
fn prefetches_fault_only_if_they_are_told_to() {
    let mut cpu = mapped(OPEN);
    assert_eq!(cpu.lfetch(VA + 0x10_0000, false), Ok(()));
    let outcome = fault_of(cpu.lfetch(VA + 0x10_0000, true));
    assert_eq!(outcome, (v(Vector::AlternateDataTlb), R | NA | 4));
    assert_eq!(cpu.lfetch(VA, true), Ok(()));
}

#[test]
fn the_register_stack_engine_has_its_own_level_mode_and_byte_order() {
    let kernel_only = OPEN & !(3 << 7);
    let mut cpu = mapped(kernel_only);
    cpu.rse.rsc = 3 << 2;
    assert_eq!(fault_of(cpu.rse_store(VA, 1)), (v(Vector::DataAccessRights), W | RS));
    cpu.rse.rsc = 0;
    cpu.rse_store(VA, 0x0102_0304_0506_0708).unwrap();
    assert_eq!(cpu.rse_load(VA), Ok(0x0102_0304_0506_0708));
    cpu.rse.rsc = 1 << 4;
    assert_eq!(cpu.rse_load(VA), Ok(0x0807_0605_0403_0201));
    cpu.rse.rsc = 0;
    with_psr(&mut cpu, |psr| psr.set_rt(false));
    assert_eq!(cpu.rse_load(PA), Ok(0x0102_0304_0506_0708));
    assert_eq!(cpu.load::<u64>(VA), Ok(0x0102_0304_0506_0708));
}

#[test]
fn probes_answer_for_the_less_privileged_of_two_levels() {
    // Readable everywhere, writable above level 3.
    let mut cpu = mapped(OPEN & !(7 << 9) | 4 << 9);
    assert_eq!(cpu.probe(VA, R, 3), Ok(true));
    assert_eq!(cpu.probe(VA, W, 3), Ok(false));
    assert_eq!(cpu.probe(VA, W, 2), Ok(true));
    with_psr(&mut cpu, |psr| psr.set_cpl(3));
    assert_eq!(cpu.probe(VA, W, 0), Ok(false));
    assert_eq!(fault_of(cpu.probe_fault(VA, W, 0)), (v(Vector::DataAccessRights), W | NA | 5));
    assert_eq!(cpu.probe_fault(VA, R, 0), Ok(()));
    assert_eq!(fault_of(cpu.probe(VA + 0x10_0000, R, 0)), (v(Vector::AlternateDataTlb), R | NA | 2));
}

#[test]
fn tpa_and_tak_ask_the_buffer() {
    let mut cpu = mapped(OPEN);
    assert_eq!(cpu.tpa(VA + 0x123), Ok(PA + 0x123));
    assert_eq!(cpu.tak(VA), 1 << 8);
    assert_eq!(cpu.tak(VA + 0x10_0000), 1);
    assert_eq!(fault_of(cpu.tpa(VA + 0x10_0000)), (v(Vector::AlternateDataTlb), NA));
    map(&mut cpu, VA, 14, PA);
    assert_eq!(fault_of(cpu.tpa(VA)), (v(Vector::PageNotPresent), NA));
    assert_eq!(cpu.tak(VA), 1);
    // With PSR.dt clear the address is still virtual here.
    map(&mut cpu, VA, 14, OPEN | PA);
    with_psr(&mut cpu, |psr| psr.set_dt(false));
    assert_eq!(cpu.tpa(VA), Ok(PA));
}

#[test]
fn data_breakpoints_match_address_level_and_kind() {
    let mut cpu = mapped(OPEN);
    with_psr(&mut cpu, |psr| psr.set_db(true));
    cpu.dbr[2] = VA + 0x100;
    cpu.dbr[3] = 1 << 62 | 1 << (56 + 3) | 0xff_ffff_ffff_fff8;
    assert_eq!(cpu.store::<u64>(VA + 0x100, 1), Ok(()));
    with_psr(&mut cpu, |psr| psr.set_cpl(3));
    assert_eq!(vector_of(cpu.store::<u8>(VA + 0x107, 1)), v(Vector::Debug));
    assert_eq!(vector_of(cpu.store::<u64>(VA + 0xfc, 1)), v(Vector::Debug));
    assert_eq!(cpu.store::<u8>(VA + 0x108, 1), Ok(()));
    assert_eq!(cpu.load::<u64>(VA + 0x100), Ok(1));
    with_psr(&mut cpu, |psr| psr.set_db(false));
    assert_eq!(cpu.store::<u64>(VA + 0x100, 2), Ok(()));
}

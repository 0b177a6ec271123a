//! The VHPT walker, both formats, and the faults around it.

use super::super::region::{Pta, tag};
use super::*;
use crate::mmu::region::OFFSET_MASK;

/// The short-format table that Linux sets up: 2^48 bytes at the top of each region.
const SHORT: u64 = 0x1fff_0000_0000_0000 | 48 << 2 | 1;
const VA: u64 = 0x2000_0000_0123_4000;
const TABLE_PA: u64 = 0x10_0000;

fn walking(pta: u64) -> Cpu {
    let mut cpu = processor();
    cpu.cr.pta = pta;
    for i in 0..8 {
        cpu.mmu.set_rr(i, RegionRegister((i as u64) << 8 | 14 << 2 | 1));
    }
    cpu
}

/// Maps the page of the table that holds the entry for `va`, and writes the entry's words.
fn put_entry(cpu: &mut Cpu, va: u64, words: &[u64]) -> u64 {
    let address = cpu.vhpt_address(va);
    let rid = cpu.mmu.rr_of(address).rid();
    cpu.mmu.insert_data(entry(rid, address & OFFSET_MASK, 14, OPEN | TABLE_PA));
    for (i, word) in (0u64..).zip(words) {
        assert!(cpu.memory.write(TABLE_PA + (address & 0x3fff) + i * 8, &word.to_le_bytes()));
    }
    address
}

#[test]
fn a_short_entry_is_inserted_with_the_regions_page_size_and_identifier() {
    let mut cpu = walking(SHORT);
    put_entry(&mut cpu, VA, &[OPEN | 0x4_0000]);
    cpu.memory.write(0x4_0000 + 0x10, &99u64.to_le_bytes());
    assert_eq!(cpu.load::<u64>(VA + 0x10), Ok(99));
    assert_eq!(cpu.tak(VA), 1 << 8);
    // It stays without the table.
    cpu.cr.pta = 0;
    assert_eq!(cpu.load::<u64>(VA + 0x10), Ok(99));
}

#[test]
fn code_is_found_in_the_table_too() {
    let mut cpu = walking(SHORT);
    put_entry(&mut cpu, VA, &[OPEN | 0x4_0000]);
    assert_eq!(cpu.fetch(VA + 0x1000).map(|page| page.pa), Ok(0x4_1000));
}

#[test]
fn a_long_entry_needs_its_tag() {
    let mut cpu = walking(0xe000_0000_0200_0000 | 1 << 8 | 16 << 2 | 1);
    let rr = cpu.mmu.rr_of(VA);
    let itir = 77 << 8 | 16 << 2;
    put_entry(&mut cpu, VA, &[OPEN | 0x4_0000, itir, tag(rr, VA) | 1 << 63]);
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::DataTlb));
    put_entry(&mut cpu, VA, &[OPEN | 0x4_0000, itir, tag(rr, VA) ^ 1]);
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::DataTlb));
    put_entry(&mut cpu, VA, &[OPEN | 0x4_0000, itir, tag(rr, VA)]);
    assert_eq!(cpu.load::<u64>(VA), Ok(0));
    assert_eq!(cpu.tak(VA), 77 << 8);
    // The entry's own page size: 64 KB.
    assert_eq!(cpu.tpa((VA & !0xffff) + 0xfff0), Ok(0x4_fff0));
}

#[test]
fn an_unmapped_table_is_a_vhpt_translation_fault() {
    let mut cpu = walking(SHORT);
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::VhptTranslation));
    assert_eq!(vector_of(cpu.fetch(VA)), v(Vector::VhptTranslation));
    assert_eq!(cpu.pending.ifa, VA);
}

#[test]
fn reserved_bits_in_an_entry_are_a_tlb_fault() {
    let mut cpu = walking(SHORT);
    put_entry(&mut cpu, VA, &[OPEN | 1 << 50 | 0x4_0000]);
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::DataTlb));
    assert_eq!(vector_of(cpu.fetch(VA)), v(Vector::InstructionTlb));
}

#[test]
fn a_page_that_is_not_present_is_inserted_all_the_same() {
    let mut cpu = walking(SHORT);
    put_entry(&mut cpu, VA, &[0]);
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::PageNotPresent));
    put_entry(&mut cpu, VA, &[OPEN | 0x4_0000]);
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::PageNotPresent));
}

#[test]
fn an_uncacheable_table_stops_the_walker() {
    let mut cpu = walking(SHORT);
    let address = put_entry(&mut cpu, VA, &[OPEN | 0x4_0000]);
    map(&mut cpu, address, 14, OPEN | UC | TABLE_PA);
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::DataTlb));
}

/// SDM volume 2, 4.1.5.2: who may walk, by PTA.ve, RR.ve, PSR.dt, PSR.it and PSR.ic.
#[test]
fn the_walker_is_enabled_by_pta_region_and_psr() {
    let mut cpu = walking(SHORT);
    cpu.cr.pta &= !1;
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::AlternateDataTlb));
    cpu.cr.pta |= 1;
    cpu.mmu.set_rr(1, RegionRegister(1 << 8 | 14 << 2));
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::AlternateDataTlb));
    assert_eq!(vector_of(cpu.fetch(VA)), v(Vector::AlternateInstructionTlb));
    cpu.mmu.set_rr(1, RegionRegister(1 << 8 | 14 << 2 | 1));
    let mut psr = cpu.psr;
    psr.set_dt(false);
    cpu.set_psr(psr);
    assert_eq!(vector_of(cpu.fetch(VA)), v(Vector::AlternateInstructionTlb));
    assert_eq!(vector_of(cpu.rse_load(VA)), v(Vector::AlternateDataTlb));
    assert_eq!(vector_of(cpu.tpa(VA)), v(Vector::AlternateDataTlb));
    psr.set_dt(true);
    psr.set_ic(false);
    cpu.set_psr(psr);
    assert_eq!(vector_of(cpu.fetch(VA)), v(Vector::AlternateInstructionTlb));
    assert_eq!(vector_of(cpu.load::<u64>(VA)), v(Vector::DataNestedTlb));
    // Data are walked for even with collection off.
    put_entry(&mut cpu, VA, &[OPEN | 0x4_0000]);
    assert_eq!(cpu.load::<u64>(VA), Ok(0));
}

#[test]
fn the_walker_reads_in_the_byte_order_of_dcr() {
    let mut cpu = walking(SHORT);
    put_entry(&mut cpu, VA, &[(OPEN | 0x4_0000).swap_bytes()]);
    cpu.cr.dcr = 2;
    assert_eq!(cpu.tpa(VA), Ok(0x4_0000));
}

#[test]
fn the_hash_follows_the_present_registers() {
    let cpu = walking(SHORT);
    let page = (VA & OFFSET_MASK) >> 14;
    assert_eq!(cpu.vhpt_address(VA), Pta(SHORT).hash(cpu.mmu.rr(1), VA));
    assert_eq!(cpu.vhpt_address(VA), 0x3fff_0000_0000_0000 + page * 8);
}

//! The translation buffer with all its fast paths against a list that is searched from end to end.

use super::super::access::{READ, WRITE, rights};
use super::super::region::{OFFSET_MASK, RegionRegister, region_of};
use super::*;
use crate::link::Purge;
use crate::memory::PAGE_SHIFT;
use crate::mmu::tlb::REGISTERS;

struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n
    }
    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// What is translated, as a list.
#[derive(Default)]
struct List {
    cached: Vec<Entry>,
    registers: Vec<(usize, Entry)>,
    rid: [u32; 8],
}

fn range(e: &Entry) -> (u64, u64) {
    (e.va, e.va + (1 << e.ps))
}

fn overlap(a: &Entry, b: &Entry) -> bool {
    a.rid == b.rid && range(a).0 < range(b).1 && range(b).0 < range(a).1
}

impl List {
    fn insert(&mut self, e: Entry) {
        self.cached.retain(|old| !overlap(old, &e));
        self.cached.push(e);
    }
    fn set_register(&mut self, i: usize, e: Entry) {
        self.cached.retain(|old| !overlap(old, &e));
        self.registers.retain(|(j, old)| *j != i && !overlap(old, &e));
        self.registers.push((i, e));
    }
    fn purge(&mut self, e: &Entry) {
        self.cached.retain(|old| !overlap(old, e));
    }
    /// All translations of an address: a cached one may lie below a register.
    fn find(&self, va: u64) -> Option<(&Entry, bool)> {
        let covers = |e: &Entry| {
            e.rid == self.rid[region_of(va)] && (range(e).0..range(e).1).contains(&(va & OFFSET_MASK))
        };
        let register = self.registers.iter().find(|(_, e)| covers(e)).map(|(_, e)| (e, true));
        register.or_else(|| self.cached.iter().find(|e| covers(e)).map(|e| (e, false)))
    }
    /// The physical page, or the vector of the fault.
    fn translate(&self, va: u64, cpl: u8, write: bool) -> Result<u64, Vector> {
        let Some((e, _)) = self.find(va) else { return Err(Vector::AlternateDataTlb) };
        let bits = e.pte.0;
        let wanted = if write { WRITE } else { READ };
        if bits & 1 == 0 {
            return Err(Vector::PageNotPresent);
        }
        if rights((bits >> 9 & 7) as u8, (bits >> 7 & 3) as u8, cpl) & wanted == 0 {
            return Err(Vector::DataAccessRights);
        }
        if write && bits >> 6 & 1 == 0 {
            return Err(Vector::DirtyBit);
        }
        if bits >> 5 & 1 == 0 {
            return Err(Vector::DataAccessBit);
        }
        let within = (1 << e.ps) - 1;
        Ok((bits & 0x3_ffff_ffff_f000 & !within | va & within) >> PAGE_SHIFT)
    }
}

/// Compares one address for reads and writes; says whether the processor had forgotten a cached translation.
fn compare(cpu: &mut Cpu, list: &List, va: u64) -> bool {
    let cpl = cpu.psr.cpl();
    for write in [false, true] {
        let expected = list.translate(va, cpl, write);
        let outcome = if write {
            // Writes what is there: every page holds its own number.
            match expected {
                Ok(page) => cpu.store::<u64>(va, page).map(|()| page),
                Err(_) => cpu.store::<u64>(va, 0xdead).map(|()| 0xdead),
            }
        } else {
            cpu.load::<u64>(va)
        };
        match (outcome, expected) {
            (Ok(page), Ok(expected)) => assert_eq!(page, expected, "{va:#x}"),
            (Err(stop), expected) => {
                let vector = stop.fault().expect("a fault").vector();
                match expected {
                    Err(expected) if vector == expected as u16 => {}
                    _ => {
                        let (_, in_register) = list.find(va).expect("no fault but a miss differs");
                        assert!(
                            !in_register && vector == Vector::AlternateDataTlb as u16,
                            "{va:#x}: {stop:?}"
                        );
                        return true;
                    }
                }
            }
            (Ok(page), Err(expected)) => panic!("{va:#x}: page {page:#x} instead of {expected:?}"),
        }
    }
    false
}

#[test]
fn the_fast_path_agrees_with_a_linear_search() {
    const SIZES: [u8; 6] = [12, 13, 14, 16, 18, 20];
    let mut rng = Rng(0x2545_f491_4f6c_dd1d);
    let mut cpu = processor();
    for page in 0..RAM >> PAGE_SHIFT {
        assert!(cpu.memory.write(page << PAGE_SHIFT, &page.to_le_bytes()));
    }
    let mut list = List { rid: std::array::from_fn(|i| i as u32), ..List::default() };
    let (mut compared, mut forgotten) = (0, 0);
    // Addresses cluster in a few megabytes of few regions, so that everything overlaps with everything.
    let address = |rng: &mut Rng| rng.below(3) << 61 | rng.below(4 << 20) >> PAGE_SHIFT << PAGE_SHIFT;
    for _ in 0..60_000 {
        let va = address(&mut rng);
        let offset = va & OFFSET_MASK;
        let rid = list.rid[region_of(va)];
        match rng.below(100) {
            0..=24 => {
                let ps = rng.one_of(&SIZES);
                let mut pte =
                    OPEN & !(3 << 7 | 7 << 9) | rng.below(4) << 7 | rng.one_of(&[2u64, 2, 3, 0, 4]) << 9;
                if rng.below(8) == 0 {
                    pte &= !rng.one_of(&[1u64, 1 << 5, 1 << 6]);
                }
                let e = entry(rid, offset, ps, pte | rng.below(RAM) >> ps << ps);
                if rng.below(20) == 0 {
                    let i = rng.below(REGISTERS as u64 / 4) as usize;
                    cpu.mmu.set_data_register(i, e);
                    list.set_register(i, e);
                } else {
                    cpu.mmu.insert_data(e);
                    list.insert(e);
                }
            }
            25..=34 => {
                let ps = rng.one_of(&SIZES);
                let e = entry(rid, offset, ps, 0);
                cpu.mmu.purge(Purge { rid, va: e.va, ps });
                list.purge(&e);
            }
            35 => {
                let ps = rng.one_of(&SIZES);
                let e = entry(rid, offset, ps, 0);
                cpu.mmu.purge_data_registers(Purge { rid, va: e.va, ps });
                list.purge(&e);
                list.registers.retain(|(_, old)| !overlap(old, &e));
            }
            36..=40 => {
                let (i, rid) = (rng.below(3) as usize, rng.below(4) as u32);
                cpu.mmu.set_rr(i, RegionRegister(u64::from(rid) << 8 | 14 << 2));
                list.rid[i] = rid;
            }
            41..=46 => {
                let mut psr = cpu.psr;
                psr.set_cpl(rng.below(4) as u8);
                cpu.set_psr(psr);
            }
            47 if rng.below(10) == 0 => {
                cpu.mmu.purge_all();
                list.cached.clear();
            }
            _ => {}
        }
        for _ in 0..6 {
            let va = if rng.below(2) == 0 { va } else { address(&mut rng) };
            compared += 1;
            forgotten += u32::from(compare(&mut cpu, &list, va));
        }
    }
    assert!(forgotten < compared / 100, "{forgotten} of {compared} forgotten");
}

#[test]
fn code_pages_follow_insertions_and_purges() {
    let mut cpu = processor();
    let va = 0x2000_0000_0001_0000;
    let fetch = |cpu: &mut Cpu| cpu.fetch(va).map(|page| page.pa);
    assert_eq!(vector_of(fetch(&mut cpu)), v(Vector::AlternateInstructionTlb));
    cpu.mmu.insert_code(entry(1, 0x1_0000, 14, OPEN | 0x4_0000));
    assert_eq!(fetch(&mut cpu), Ok(0x4_0000));
    let generation = cpu.mmu.fetch_generation;
    cpu.mmu.insert_code(entry(1, 0x1_0000, 16, OPEN | 0x8_0000));
    assert_ne!(cpu.mmu.fetch_generation, generation);
    assert_eq!(fetch(&mut cpu), Ok(0x8_0000));
    let generation = cpu.mmu.fetch_generation;
    cpu.mmu.set_rr(1, RegionRegister(9 << 8 | 14 << 2));
    assert_ne!(cpu.mmu.fetch_generation, generation);
    assert_eq!(vector_of(fetch(&mut cpu)), v(Vector::AlternateInstructionTlb));
    cpu.mmu.set_rr(1, RegionRegister(1 << 8 | 14 << 2));
    assert_eq!(fetch(&mut cpu), Ok(0x8_0000));
    cpu.mmu.purge(Purge { rid: 1, va: 0x1_0000, ps: 12 });
    assert_eq!(vector_of(fetch(&mut cpu)), v(Vector::AlternateInstructionTlb));
}

#[test]
fn a_new_code_translation_makes_each_of_its_pages_suspect_once() {
    let mut cpu = processor();
    let epoch = |cpu: &Cpu, pa: u64| cpu.memory.epoch(cpu.memory.page_index(pa).unwrap());
    cpu.mmu.insert_code(entry(1, 0, 20, OPEN));
    let before = [epoch(&cpu, 0x3000), epoch(&cpu, 0x4000)];
    for _ in 0..3 {
        cpu.fetch(0x2000_0000_0000_3000).unwrap();
        // Another page in between, so that the answer is not merely remembered.
        cpu.fetch(0x2000_0000_0000_3000 + (256 << PAGE_SHIFT)).expect_err("not mapped");
        cpu.mmu.fetches.flush();
    }
    assert_eq!([epoch(&cpu, 0x3000), epoch(&cpu, 0x4000)], [before[0] + 1, before[1]]);
    cpu.mmu.insert_code(entry(1, 0, 20, OPEN));
    cpu.fetch(0x2000_0000_0000_3000).unwrap();
    assert_eq!(epoch(&cpu, 0x3000), before[0] + 2);
}

//! Changing the translations: insertion, purges, and what they do to everything derived from them. SDM volume 2, 4.1.1
//! and table 4-1.

use super::Mmu;
use super::region::{OFFSET_MASK, is_page_size};
use super::tlb::{Entry, REGISTERS, Tlb};
use crate::cpu::Cpu;
use crate::link::{Purge, Purges};
use crate::memory::PAGE_SHIFT;

/// Removes everything that overlaps a translation about to enter a register; as [`Tlb::purge`].
fn clear_way(tlb: &mut Tlb, entry: &Entry) -> Option<u8> {
    let cached = tlb.purge(entry.rid, entry.va, entry.ps);
    cached.max(tlb.purge_registers(entry.rid, entry.va, entry.ps))
}

impl Mmu {
    fn stamped(&mut self, entry: Entry) -> Entry {
        self.stamp += 1;
        Entry { stamp: self.stamp, ..entry }
    }

    /// Inserts into the data cache; overlapping cached translations go.
    pub fn insert_data(&mut self, entry: Entry) -> Entry {
        let entry = self.stamped(entry);
        let removed = self.dtlb.purge(entry.rid, entry.va, entry.ps);
        self.flush_data_around(&entry, removed);
        if let Some(evicted) = self.dtlb.insert(entry) {
            self.flush_data(evicted.rid, evicted.va, evicted.ps);
        }
        entry
    }

    /// Inserts into the instruction cache; overlapping cached translations go.
    pub fn insert_code(&mut self, entry: Entry) -> Entry {
        let entry = self.stamped(entry);
        let removed = self.itlb.purge(entry.rid, entry.va, entry.ps);
        self.flush_code_around(&entry, removed);
        if let Some(evicted) = self.itlb.insert(entry) {
            self.flush_code(evicted.rid, evicted.va, evicted.ps);
        }
        entry
    }

    /// Writes data translation register `i` (0..[`REGISTERS`]): overlapping cached translations go, and so do other
    /// registers (which the manual makes a machine check).
    pub fn set_data_register(&mut self, i: usize, entry: Entry) {
        let entry = self.stamped(entry);
        let removed = clear_way(&mut self.dtlb, &entry);
        self.flush_data_around(&entry, removed);
        if let Some(old) = self.dtlb.set_register(i % REGISTERS, entry) {
            self.flush_data(old.rid, old.va, old.ps);
        }
    }

    /// Writes instruction translation register `i` (0..[`REGISTERS`]), as [`Mmu::set_data_register`].
    pub fn set_code_register(&mut self, i: usize, entry: Entry) {
        let entry = self.stamped(entry);
        let removed = clear_way(&mut self.itlb, &entry);
        self.flush_code_around(&entry, removed);
        if let Some(old) = self.itlb.set_register(i % REGISTERS, entry) {
            self.flush_code(old.rid, old.va, old.ps);
        }
    }

    /// Drops data lines of a range from which translations were removed, the largest of size `removed`.
    fn flush_data_around(&mut self, range: &Entry, removed: Option<u8>) {
        if let Some(largest) = removed {
            let ps = largest.max(range.ps);
            self.flush_data(range.rid, range.va >> ps << ps, ps);
        }
    }

    /// Drops code lines of a range from which translations were removed, the largest of size `removed`.
    fn flush_code_around(&mut self, range: &Entry, removed: Option<u8>) {
        if let Some(largest) = removed {
            let ps = largest.max(range.ps);
            self.flush_code(range.rid, range.va >> ps << ps, ps);
        }
    }

    /// Purges cached translations, data and instruction, that overlap a range.
    pub fn purge(&mut self, purge: Purge) {
        let Purge { rid, va, ps } = purge;
        if !is_page_size(ps) {
            // The manual leaves such a purge undefined; purging more is always right.
            return self.purge_all();
        }
        let range = Entry { rid, va, ps, ..Entry::default() };
        let removed = self.dtlb.purge(rid, va, ps);
        self.flush_data_around(&range, removed);
        let removed = self.itlb.purge(rid, va, ps);
        self.flush_code_around(&range, removed);
    }

    /// Purges every cached translation (`ptc.e`); registers stay.
    pub fn purge_all(&mut self) {
        self.dtlb.purge_all();
        self.itlb.purge_all();
        self.flush_host_caches();
    }

    /// Purges data translations that overlap a range, registers included (`ptr.d`).
    pub fn purge_data_registers(&mut self, purge: Purge) {
        self.purge(purge);
        if self.dtlb.purge_registers(purge.rid, purge.va, purge.ps).is_some() {
            self.flush_host_caches();
        }
    }

    /// Purges instruction translations that overlap a range, registers included (`ptr.i`).
    pub fn purge_code_registers(&mut self, purge: Purge) {
        self.purge(purge);
        if self.itlb.purge_registers(purge.rid, purge.va, purge.ps).is_some() {
            self.flush_host_caches();
        }
    }

    /// Data translation register `i`, if it holds one (PAL_VM_TR_READ).
    pub fn data_register(&self, i: usize) -> Option<&Entry> {
        self.dtlb.register(i)
    }

    /// Instruction translation register `i`, if it holds one (PAL_VM_TR_READ).
    pub fn code_register(&self, i: usize) -> Option<&Entry> {
        self.itlb.register(i)
    }

    /// Forgets all translations, registers included: the state after reset.
    pub fn reset(&mut self) {
        self.dtlb = Tlb::default();
        self.itlb = Tlb::default();
        self.flush_host_caches();
    }

    /// The range that the operands of a purge name.
    pub fn purge_range(&self, va: u64, size: u64) -> Purge {
        let ps = ((size >> 2 & 0x3f) as u8).max(PAGE_SHIFT as u8);
        Purge { rid: self.rr_of(va).rid(), va: (va & OFFSET_MASK) >> ps << ps, ps }
    }
}

impl Cpu {
    /// Performs purges that other processors asked for. Their ALAT half: every entry goes.
    pub(crate) fn perform_purges(&mut self, purges: Purges) {
        if purges.everything {
            self.mmu.purge_all();
        }
        for purge in purges.ranges {
            self.mmu.purge(purge);
        }
        self.alat.invalidate_all();
    }

    /// Purges here and on every other processor, and returns when all have (`ptc.g`, `ptc.ga`).
    pub(crate) fn purge_globally(&mut self, purge: Purge) {
        self.mmu.purge(purge);
        let (cluster, link) = (self.cluster.clone(), self.link.clone());
        cluster.purge_others(&link, purge, || link.serve(|purges| self.perform_purges(purges)));
    }
}

//! The hardware walker: it looks at one entry of the virtual hash page table, and inserts it. SDM volume 2, 4.1.5 to
//! 4.1.8.

use super::access::{Access, Pte, READ, attribute};
use super::region::{OFFSET_MASK, Pta, RegionRegister, is_page_size, tag};
use super::tlb::Entry;
use crate::cpu::Cpu;
use crate::fault::Vector;
use crate::mmu::Scalar;

/// What a walk finds.
enum Walk {
    Found(Entry),
    /// The table itself is not mapped here.
    TableMiss,
    /// No entry for the page, or the walker does not want to read it.
    Abort,
}

/// ITIR bits that must be zero on insertion.
const ITIR_RESERVED: u64 = !0xffff_fffc;

impl Cpu {
    /// Looks for a data translation in the VHPT and inserts it; else the vector of the fault with PSR.ic set.
    pub(super) fn walk_data(&mut self, va: u64, access: Access) -> Result<Entry, Vector> {
        if !access.walks || !self.walker_enabled(va) {
            return Err(Vector::AlternateDataTlb);
        }
        match self.walk(va) {
            Walk::Found(entry) => Ok(self.mmu.insert_data(entry)),
            Walk::TableMiss => Err(Vector::VhptTranslation),
            Walk::Abort => Err(Vector::DataTlb),
        }
    }

    /// Looks for an instruction translation in the VHPT and inserts it; else the vector of the fault.
    pub(super) fn walk_code(&mut self, va: u64) -> Result<Entry, Vector> {
        if !(self.psr.dt() && self.psr.it() && self.psr.ic() && self.walker_enabled(va)) {
            return Err(Vector::AlternateInstructionTlb);
        }
        match self.walk(va) {
            Walk::Found(entry) => Ok(self.mmu.insert_code(entry)),
            Walk::TableMiss => Err(Vector::VhptTranslation),
            Walk::Abort => Err(Vector::InstructionTlb),
        }
    }

    fn walker_enabled(&self, va: u64) -> bool {
        Pta(self.cr.pta).ve() && self.mmu.rr_of(va).ve()
    }

    /// The address of the VHPT entry for `va`: `thash`.
    pub(crate) fn vhpt_address(&self, va: u64) -> u64 {
        Pta(self.cr.pta).hash(self.mmu.rr_of(va), va)
    }

    fn walk(&self, va: u64) -> Walk {
        let pta = Pta(self.cr.pta);
        let rr = self.mmu.rr_of(va);
        let address = pta.hash(rr, va);
        let Some(table) = self.mmu.dtlb.find(self.mmu.rr_of(address).rid(), address & OFFSET_MASK) else {
            return Walk::TableMiss;
        };
        // The walker reads at level 0, and gives up where a program would fault.
        let readable = table.pte.p()
            && table.pte.ma() == attribute::WB
            && table.pte.rights(0) & READ != 0
            && self.allowed_by_key(table.key).is_some_and(|allowed| allowed & READ != 0);
        if !readable {
            return Walk::Abort;
        }
        let words = if pta.long_format() {
            self.read_long(table, address, rr, va)
        } else {
            self.read_short(table, address, rr)
        };
        let Some((pte, itir)) = words else { return Walk::Abort };
        match new_entry(va, rr, pte, itir) {
            Some(entry) => Walk::Found(entry),
            None => Walk::Abort,
        }
    }

    fn read_short(&self, table: &Entry, address: u64, rr: RegionRegister) -> Option<(u64, u64)> {
        Some((self.read_entry_word(table, address)?, rr.default_itir()))
    }

    /// The tag is read before and after: an entry being replaced has its ti bit set meanwhile (SDM volume 2, part 2,
    /// 5.3.3).
    fn read_long(&self, table: &Entry, address: u64, rr: RegionRegister, va: u64) -> Option<(u64, u64)> {
        let wanted = tag(rr, va);
        let matches = || self.read_entry_word(table, address + 16) == Some(wanted);
        let fence = || std::sync::atomic::fence(std::sync::atomic::Ordering::Acquire);
        if !matches() {
            return None;
        }
        fence();
        let words = (self.read_entry_word(table, address)?, self.read_entry_word(table, address + 8)?);
        fence();
        if matches() { Some(words) } else { None }
    }

    /// One aligned word of the table, in the byte order of DCR.be.
    fn read_entry_word(&self, table: &Entry, address: u64) -> Option<u64> {
        let host = self.memory.host(table.pte.physical(address, table.ps), 8)?;
        let word = read_word(host);
        Some(if self.cr.dcr & 2 != 0 { word.swap_bytes() } else { word })
    }
}

#[allow(unsafe_code, reason = "reads guest RAM by host pointer")]
fn read_word(host: *mut u8) -> u64 {
    // SAFETY: `Memory::host` vouched for 8 bytes; VHPT entries are aligned to their size.
    unsafe { u64::load(host) }
}

/// The translation of the page of `va` that `pte` and `itir` describe, unless reserved bits are set in them.
pub(crate) fn new_entry(va: u64, rr: RegionRegister, pte: u64, itir: u64) -> Option<Entry> {
    let ps = (itir >> 2 & 0x3f) as u8;
    if Pte(pte).is_reserved() || itir & ITIR_RESERVED != 0 || !is_page_size(ps) {
        return None;
    }
    Some(Entry {
        va: (va & OFFSET_MASK) >> ps << ps,
        pte: Pte(pte),
        stamp: 0,
        rid: rr.rid(),
        key: (itir >> 8) as u32,
        ps,
    })
}

//! Where instructions come from: the translation of a code page, judged, and host memory behind it.

use super::access::{EXECUTE, attribute};
use super::cache::Mode;
use super::region::OFFSET_MASK;
use super::tlb::Entry;
use super::translate::breakpoint_matches;
use crate::cpu::{Cpu, Exit};
use crate::fault::{Fault, Stop, Vector, isr};
use crate::memory::{PAGE_SHIFT, PAGE_SIZE, PHYS_BITS};
use crate::mmu::Scalar;

const LINES: usize = 256;
const CHECKED: usize = 1024;
const PAGE_MASK: u64 = !(PAGE_SIZE - 1);
/// Bit 63 of a physical address: uncacheable.
const PHYSICAL_UC: u64 = 1 << 63;
/// ISR.code of an unimplemented instruction address. SDM volume 2, table 8-3.
const UNIMPLEMENTED_ADDRESS: u64 = 0x10;
/// A tag that no page has: pages have the low bits of a mode's key, and no mode has this one.
const EMPTY: u64 = 0xfe0;

/// A page of code.
#[derive(Clone, Copy, Debug)]
pub struct FetchPage {
    /// Physical address of the 4 KB page.
    pub pa: u64,
    /// Where it lies in host memory; guest processors and devices may write it at any time.
    pub host: *mut u8,
}

impl FetchPage {
    /// The bundles from byte `offset` (a multiple of 16) to the end of the page, as they are now.
    #[allow(unsafe_code, reason = "reads guest RAM by host pointer")]
    pub fn bundles(&self, offset: u64) -> impl Iterator<Item = [u64; 2]> + use<> {
        let host = self.host;
        (offset & (PAGE_SIZE - 1) & !15..PAGE_SIZE).step_by(16).map(move |at| {
            let word = |at: u64| {
                // SAFETY: `host` is a page of guest RAM, mapped as long as the processor lives; `at` is aligned in it.
                unsafe { u64::load(host.wrapping_add(at as usize)) }
            };
            [word(at), word(at + 8)]
        })
    }
}

#[derive(Clone, Copy)]
struct Line {
    tag: u64,
    page: FetchPage,
}

/// Pages of code recently judged, by virtual page and mode.
///
/// Beside it stands what keeps decoded code true to memory when software relies on the instruction cache being
/// physically coherent only at insertion: a page reached through a translation inserted later than the page was last
/// looked at has its epoch raised, so that its decoded blocks are compared with memory before they run. That costs
/// one comparison for each page and insertion, however large the translation.
pub(super) struct FetchCache {
    lines: Box<[Line; LINES]>,
    /// `(physical page + 1, stamp)`: the page was looked at when translations up to `stamp` had been inserted. May
    /// forget: then the page is compared once more.
    checked: Box<[(u64, u64); CHECKED]>,
}

const EMPTY_LINE: Line = Line { tag: EMPTY, page: FetchPage { pa: 0, host: std::ptr::null_mut() } };

impl Default for FetchCache {
    fn default() -> Self {
        FetchCache { lines: Box::new([EMPTY_LINE; LINES]), checked: Box::new([(0, 0); CHECKED]) }
    }
}

impl FetchCache {
    fn index(tag: u64) -> usize {
        (tag >> PAGE_SHIFT) as usize % LINES
    }

    pub(super) fn flush(&mut self) {
        self.lines.fill(EMPTY_LINE);
    }

    pub(super) fn flush_range(&mut self, va: u64, ps: u8) {
        self.flush_where(|page| (page ^ va) >> ps == 0);
    }

    pub(super) fn flush_regions(&mut self, regions: u8) {
        self.flush_where(|page| regions >> (page >> 61) & 1 != 0);
    }

    /// Physical lines may go with them: they are cheap to bring back.
    fn flush_where(&mut self, stale: impl Fn(u64) -> bool) {
        for line in self.lines.iter_mut() {
            if line.tag & 0xff0 != EMPTY && stale(line.tag & PAGE_MASK) {
                *line = EMPTY_LINE;
            }
        }
    }

    /// Was `pa` last looked at before the translation of stamp `stamp` was inserted? It is looked at now.
    fn is_unchecked(&mut self, pa: u64, stamp: u64) -> bool {
        let page = (pa >> PAGE_SHIFT) + 1;
        let slot = &mut self.checked[page as usize % CHECKED];
        if slot.0 == page && slot.1 >= stamp {
            return false;
        }
        *slot = (page, stamp);
        true
    }
}

impl Cpu {
    /// The page that holds the bundle at `ip`. The answer holds while [`super::Mmu::fetch_generation`] and PSR.it,
    /// PSR.cpl and PSR.pk stay the same.
    ///
    /// # Errors
    /// Any fault of an instruction fetch, with IFA noted; [`Stop::EXIT`] with [`Exit::Fatal`] when the bundle is not in
    /// RAM.
    pub fn fetch(&mut self, ip: u64) -> Result<FetchPage, Stop> {
        self.mmu.flush_stale_regions();
        let mode = Mode::of(self.psr, self.psr.cpl(), self.psr.it());
        // Only the low bits of the key: code pages of the same address at two levels are rare.
        let tag = ip & PAGE_MASK | mode.key() & 0xff0;
        let line = &self.mmu.fetches.lines[FetchCache::index(tag)];
        if line.tag == tag {
            return Ok(line.page);
        }
        self.fetch_slow(ip, tag)
    }

    #[cold]
    fn fetch_slow(&mut self, ip: u64, tag: u64) -> Result<FetchPage, Stop> {
        let (pa, cacheable) = if self.psr.it() {
            let entry = self.judge_code(ip)?;
            let pa = entry.pte.physical(ip, entry.ps) & PAGE_MASK;
            if self.mmu.fetches.is_unchecked(pa, entry.stamp) {
                self.memory.suspect_code(pa, 1);
            }
            (pa, entry.pte.a())
        } else if (ip & !PHYSICAL_UC) >> PHYS_BITS != 0 {
            return self.code_fault(ip, Vector::LowerPrivilegeTransfer, UNIMPLEMENTED_ADDRESS);
        } else {
            (ip & !PHYSICAL_UC & PAGE_MASK, true)
        };
        let Some(host) = self.memory.host(pa, PAGE_SIZE) else {
            self.fatal = format!("instruction fetch from {ip:#x}: physical address {pa:#x} is not RAM");
            self.exit = Exit::Fatal;
            return Err(Stop::EXIT);
        };
        let page = FetchPage { pa, host };
        if cacheable {
            self.mmu.fetches.lines[FetchCache::index(tag)] = Line { tag, page };
        }
        Ok(page)
    }

    /// The translation of virtual `ip`, judged in order of priority. SDM volume 2, table 5-6.
    fn judge_code(&mut self, ip: u64) -> Result<Entry, Stop> {
        let rid = self.mmu.rr_of(ip).rid();
        let entry = match self.mmu.itlb.find(rid, ip & OFFSET_MASK) {
            Some(entry) => *entry,
            None => match self.walk_code(ip) {
                Ok(entry) => entry,
                Err(vector) => return self.code_fault(ip, vector, isr::X),
            },
        };
        let pte = entry.pte;
        if !pte.p() {
            return self.code_fault(ip, Vector::PageNotPresent, isr::X);
        }
        if pte.ma() == attribute::NATPAGE {
            return self.code_fault(ip, Vector::NatConsumption, isr::X | 0x20);
        }
        match self.allowed_by_key(entry.key) {
            None => return self.code_fault(ip, Vector::InstructionKeyMiss, isr::X),
            Some(allowed) if allowed & EXECUTE == 0 => {
                return self.code_fault(ip, Vector::KeyPermission, isr::X);
            }
            Some(_) => {}
        }
        if pte.rights(self.psr.cpl()) & EXECUTE == 0 {
            return self.code_fault(ip, Vector::InstructionAccessRights, isr::X);
        }
        if !pte.a() && !self.psr.ia() {
            return self.code_fault(ip, Vector::InstructionAccessBit, isr::X);
        }
        Ok(entry)
    }

    fn code_fault<T>(&mut self, ip: u64, vector: Vector, bits: u64) -> Result<T, Stop> {
        self.pending.ifa = ip & !15;
        Err(Fault::with_isr(vector, bits).into())
    }

    /// The physical address of running code at `ip`, if it is known without a fault.
    pub(crate) fn code_address(&self, ip: u64) -> Option<u64> {
        if !self.psr.it() {
            return Some(ip & !PHYSICAL_UC);
        }
        let entry = self.mmu.itlb.find(self.mmu.rr_of(ip).rid(), ip & OFFSET_MASK)?;
        Some(entry.pte.physical(ip, entry.ps))
    }

    /// The translation of the running code page, if it is translated and known.
    pub(crate) fn code_page(&self) -> Option<Entry> {
        if !self.psr.it() {
            return None;
        }
        self.mmu.itlb.find(self.mmu.rr_of(self.ip).rid(), self.ip & OFFSET_MASK).copied()
    }

    /// Does the running code page ask for exceptions of speculative loads to be deferred (PSR.it and ITLB.ed)?
    pub(crate) fn code_page_defers(&self) -> bool {
        self.code_page().is_some_and(|entry| entry.pte.ed())
    }

    /// The instruction debug fault of the bundle at `ip`, if an instruction breakpoint register matches. To be asked
    /// for each bundle while PSR.db is set and PSR.id is not. SDM volume 2, 7.1.1.
    pub fn instruction_breakpoint(&mut self, ip: u64) -> Option<Fault> {
        let pl = self.psr.cpl();
        let matches = self.ibr.as_chunks::<2>().0.iter().any(|&[address, control]| {
            control >> 63 != 0 && breakpoint_matches(address, control, ip & !15, 1, pl)
        });
        if !matches {
            return None;
        }
        self.pending.ifa = ip & !15;
        Some(Fault::with_isr(Vector::Debug, isr::X))
    }
}

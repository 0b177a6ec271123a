//! The one place where a data reference is judged: what is checked, in which order, and what a speculative load may
//! turn into a NaT. SDM volume 2, 5.5.5 and table 5-6.

use super::Mmu;
use super::access::{Access, EXECUTE, READ, WRITE, attribute};
use super::cache::{Mode, NEVER};
use super::region::OFFSET_MASK;
use super::tlb::Entry;
use crate::cpu::Cpu;
use crate::fault::{Fault, Stop, Vector, general, isr};
use crate::memory::{PAGE_SIZE, PHYS_BITS};
use crate::state::Psr;

/// Bit 63 of a physical address: uncacheable. SDM volume 2, 4.4.
const PHYSICAL_UC: u64 = 1 << 63;

/// Where a data reference goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Translation {
    /// Physical address.
    pub(crate) pa: u64,
    /// Memory attribute.
    pub(crate) ma: u8,
    /// Rights that the page grants for good (not by PSR bits that hold for one instruction).
    lasting: u8,
}

/// A reference as a whole: where, how much, and its alignment rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) va: u64,
    /// 1, 2, 4, 8, 10 or 16.
    pub(crate) bytes: u64,
    pub(crate) access: Access,
    /// Misaligned is a fault whatever PSR.ac says: semaphores and 16-byte references.
    pub(crate) strict: bool,
}

impl Reference {
    fn is_aligned(&self) -> bool {
        self.va & (self.bytes.next_power_of_two() - 1) == 0
    }
    fn crosses_page(&self) -> bool {
        (self.va & (PAGE_SIZE - 1)) + self.bytes > PAGE_SIZE
    }
}

/// Bits of CR.DCR that let a speculative load defer a fault. SDM volume 2, table 3-4.
mod dcr {
    pub(super) const DM: u64 = 1 << 8;
    pub(super) const DP: u64 = 1 << 9;
    pub(super) const DK: u64 = 1 << 10;
    pub(super) const DX: u64 = 1 << 11;
    pub(super) const DR: u64 = 1 << 12;
    pub(super) const DA: u64 = 1 << 13;
    pub(super) const DD: u64 = 1 << 14;
}

/// When a speculative load may defer a condition. SDM volume 2, table 5-4.
#[derive(Clone, Copy)]
enum Deferral {
    Always,
    /// If PSR.ic is 0, or PSR.it, ITLB.ed and this bit of DCR are 1.
    By(u64),
    /// If PSR.ic is 0, or PSR.it and ITLB.ed are 1.
    ByPage,
}

/// PSR bits that the key of data references follows from: be, pk, dt, db, cpl, ed.
const KEY_BITS: u64 = 1 << 1 | 1 << 15 | 1 << 17 | 1 << 24 | 3 << 32 | 1 << 43;

/// The key of a program's data references in the host caches. Other byte orders, breakpoints and deferral are the slow
/// path's business.
fn data_key(psr: Psr) -> u64 {
    if psr.be() || psr.db() || psr.ed() { NEVER } else { Mode::of(psr, psr.cpl(), psr.dt()).key() }
}

impl Mode {
    /// The mode of references at level `pl`.
    pub(super) fn of(psr: Psr, pl: u8, translated: bool) -> Mode {
        Mode { pl, translated, keys: translated && psr.pk() }
    }
}

impl Cpu {
    /// A data reference by the running program; `bits` are its ISR bits.
    #[inline]
    pub(crate) fn data_access(&self, bits: u64) -> Access {
        let translated = self.psr.dt();
        Access { isr: bits, pl: self.psr.cpl(), translated, walks: translated }
    }

    /// A reference by the register stack engine: at RSC.pl, translated if PSR.rt.
    pub(crate) fn rse_access(&self, bits: u64) -> Access {
        let translated = self.psr.rt();
        let pl = (self.rse.rsc >> 2 & 3) as u8;
        Access { isr: bits | isr::RS, pl, translated, walks: translated && self.psr.dt() }
    }

    /// Works out how the running program's data references take the fast path.
    pub(super) fn renew_key(&mut self) {
        self.mmu.flush_stale_regions();
        self.mmu.key = data_key(self.psr);
    }

    /// PSR has changed from `old`: the key follows at once where that is cheap.
    #[inline]
    pub(crate) fn key_follows_psr(&mut self, old: Psr) {
        if (old.0 ^ self.psr.0) & KEY_BITS != 0 {
            self.mmu.key = if self.mmu.stale_regions == 0 { data_key(self.psr) } else { NEVER };
        }
    }

    /// Judges a reference. `None`: a speculative load that is deferred.
    ///
    /// # Errors
    /// The fault of highest priority, with IFA noted.
    pub(crate) fn translate(&mut self, r: Reference) -> Result<Option<Translation>, Stop> {
        let mut deferred = false;
        let Reference { va, access, .. } = r;
        let mut translation = None;
        if access.translated {
            match self.find_data(va, access) {
                Ok(entry) => translation = self.judge_page(r, &entry, &mut deferred)?,
                Err(vector) => self.meet(r, Fault::new(vector, 0), Deferral::By(dcr::DM), &mut deferred)?,
            }
        } else if (va & !PHYSICAL_UC) >> PHYS_BITS != 0 {
            let fault = Fault::new(Vector::GeneralException, general::RESERVED_REGISTER_FIELD);
            self.meet(r, fault, Deferral::Always, &mut deferred)?;
        } else {
            let ma = if va & PHYSICAL_UC != 0 { attribute::UC } else { attribute::WB };
            translation = Some(Translation { pa: va & !PHYSICAL_UC, ma, lasting: READ | WRITE });
        }
        if self.psr.db() && !self.psr.dd() && self.data_breakpoint(r) {
            self.meet(r, Fault::new(Vector::Debug, 0), Deferral::By(dcr::DD), &mut deferred)?;
        }
        let Some(t) = translation else { return Ok(None) };
        if !r.is_aligned() && (r.strict || self.psr.ac() || r.crosses_page() || self.is_device(t.pa)) {
            self.meet(r, Fault::new(Vector::UnalignedReference, 0), Deferral::ByPage, &mut deferred)?;
        }
        if self.is_unsupported(r, t) {
            self.meet(r, Fault::new(Vector::UnsupportedDataReference, 0), Deferral::Always, &mut deferred)?;
        }
        // Pages that do not allow speculation defer. SDM volume 2, 4.4.6.
        if access.speculative() && t.ma != attribute::WB {
            deferred = true;
        }
        Ok(if deferred { None } else { Some(t) })
    }

    fn is_device(&self, pa: u64) -> bool {
        self.memory.host(pa, 1).is_none()
    }

    /// Semaphores need cacheable memory, 10- and 16-byte references memory that is not a device.
    fn is_unsupported(&self, r: Reference, t: Translation) -> bool {
        let semaphore = r.access.reads() && r.access.writes() && r.access.isr & isr::NA == 0;
        (semaphore && t.ma != attribute::WB) || ((semaphore || r.bytes > 8) && self.is_device(t.pa))
    }

    /// What the page says, in order of priority. `None`: nothing that comes later is of interest but debug.
    fn judge_page(
        &mut self,
        r: Reference,
        entry: &Entry,
        deferred: &mut bool,
    ) -> Result<Option<Translation>, Stop> {
        let Entry { pte, ps, key, .. } = *entry;
        let access = r.access;
        let mut missing = |cpu: &mut Cpu, fault, deferral| cpu.meet(r, fault, deferral, deferred);
        if !pte.p() {
            missing(self, Fault::new(Vector::PageNotPresent, 0), Deferral::By(dcr::DP))?;
            return Ok(None);
        }
        if pte.ma() == attribute::NATPAGE {
            missing(self, Fault::new(Vector::NatConsumption, 0x20), Deferral::Always)?;
            return Ok(None);
        }
        let allowed = self.allowed_by_key(key);
        match allowed {
            None => missing(self, Fault::new(Vector::DataKeyMiss, 0), Deferral::By(dcr::DK))?,
            Some(keyed) if access.needs() & !keyed != 0 => {
                missing(self, Fault::new(Vector::KeyPermission, 0), Deferral::By(dcr::DX))?;
            }
            Some(_) => {}
        }
        let rights = pte.rights(access.pl);
        if access.needs() & !rights != 0 {
            missing(self, Fault::new(Vector::DataAccessRights, 0), Deferral::By(dcr::DR))?;
        }
        if access.writes() && !pte.d() && !self.psr.da() {
            missing(self, Fault::new(Vector::DirtyBit, 0), Deferral::By(dcr::DA))?;
        }
        if !pte.a() && !self.psr.da() {
            missing(self, Fault::new(Vector::DataAccessBit, 0), Deferral::By(dcr::DA))?;
        }
        let mut lasting = if pte.a() { rights & allowed.unwrap_or(0) } else { 0 };
        if !pte.d() || lasting & READ == 0 {
            lasting &= !WRITE;
        }
        Ok(Some(Translation { pa: pte.physical(r.va, ps), ma: pte.ma(), lasting }))
    }

    /// A condition is met: it faults, or a speculative load defers it.
    fn meet(
        &mut self,
        r: Reference,
        fault: Fault,
        deferral: Deferral,
        deferred: &mut bool,
    ) -> Result<(), Stop> {
        let defers = r.access.speculative()
            && (match deferral {
                Deferral::Always => true,
                Deferral::By(bit) => !self.psr.ic() || (self.cr.dcr & bit != 0 && self.code_page_defers()),
                Deferral::ByPage => !self.psr.ic() || self.code_page_defers(),
            });
        if defers {
            *deferred = true;
            return Ok(());
        }
        self.pending.ifa = r.va;
        Err(fault.with(r.access.isr).into())
    }

    /// What the protection key registers allow for `key`; `None`: no register has it. Everything, when keys are off.
    #[inline]
    pub(super) fn allowed_by_key(&self, key: u32) -> Option<u8> {
        if self.psr.pk() { self.mmu.allowed_by_key(key) } else { Some(7) }
    }

    /// The translation of virtual `va`, from the buffer or the VHPT; else the vector of the miss.
    pub(super) fn find_data(&mut self, va: u64, access: Access) -> Result<Entry, Vector> {
        let rid = self.mmu.rr_of(va).rid();
        if let Some(entry) = self.mmu.dtlb.find(rid, va & OFFSET_MASK) {
            return Ok(*entry);
        }
        self.walk_data(va, access)
            .map_err(|vector| if self.psr.ic() { vector } else { Vector::DataNestedTlb })
    }

    /// Does a data breakpoint register match? SDM volume 2, 7.1.1.
    fn data_breakpoint(&self, r: Reference) -> bool {
        self.dbr.as_chunks::<2>().0.iter().any(|&[address, control]| {
            let kinds = control >> 63 != 0 && r.access.reads() || control >> 62 & 1 != 0 && r.access.writes();
            kinds && breakpoint_matches(address, control, r.va, r.bytes, r.access.pl)
        })
    }

    /// Where in host memory a reference just judged goes, if it is RAM; its page is cached.
    pub(super) fn locate(&mut self, r: Reference, t: Translation) -> Option<*mut u8> {
        let page = self.memory.host(t.pa & !(PAGE_SIZE - 1), PAGE_SIZE)?;
        if t.ma == attribute::WB && !self.psr.db() {
            let mode = Mode::of(self.psr, r.access.pl, r.access.translated);
            if t.lasting & READ != 0 {
                self.mmu.reads.fill(r.va, mode, page);
            }
            if t.lasting & WRITE != 0 {
                self.mmu.writes.fill(r.va, mode, page);
            }
        }
        Some(page.wrapping_add((t.pa & (PAGE_SIZE - 1)) as usize))
    }
}

impl Mmu {
    fn allowed_by_key(&self, key: u32) -> Option<u8> {
        let pkr = self.pkr.iter().find(|&&pkr| pkr & 1 != 0 && (pkr >> 8) as u32 == key)?;
        // Disable bits: wd 1, rd 2, xd 3.
        let disabled = (if pkr & 2 != 0 { WRITE } else { 0 })
            | (if pkr & 4 != 0 { READ } else { 0 })
            | (if pkr & 8 != 0 { EXECUTE } else { 0 });
        Some(7 & !disabled)
    }
}

/// The match rule that data and instruction breakpoint registers share. SDM volume 2, 7.1.1, figure 7-1: mask{55:0},
/// plm{59:56}.
pub(super) fn breakpoint_matches(address: u64, control: u64, va: u64, bytes: u64, pl: u8) -> bool {
    let mask = control & ((1 << 56) - 1) | 0xff << 56;
    control >> (56 + pl) & 1 != 0 && (va..va.saturating_add(bytes)).any(|byte| (byte ^ address) & mask == 0)
}

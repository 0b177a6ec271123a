//! Questions about translations: `probe`, `tpa`, `tak`, `fc`. SDM volume 2, table 5-1; volume 3 under each name.

use super::access::{Access, attribute, non_access};
use super::region::OFFSET_MASK;
use super::tlb::Entry;
use super::translate::Reference;
use crate::cpu::Cpu;
use crate::fault::{Fault, Stop, Vector, isr};

impl Cpu {
    /// `probe.r`, `probe.w`: may `va` be read or written (`rights`: ISR.r, ISR.w) at level `pl`, or at the current level if
    /// that is less privileged? With PSR.dt clear the translation buffer alone is asked.
    ///
    /// # Errors
    /// Misses, page not present, NaT page, key miss. What rights and keys forbid is the answer `false`.
    pub fn probe(&mut self, va: u64, rights: u64, pl: u8) -> Result<bool, Stop> {
        let access = Access { pl: pl.max(self.psr.cpl()), ..self.asking(non_access::PROBE | rights) };
        let entry = self.ask(va, access)?;
        let Some(keyed) = self.allowed_by_key(entry.key) else {
            return self.refuse(va, Fault::new(Vector::DataKeyMiss, 0), access);
        };
        Ok(access.needs() & !(entry.pte.rights(access.pl) & keyed) == 0)
    }

    /// `probe.fault`: as [`Cpu::probe`], but every fault that the access would raise is raised. Nothing is checked with
    /// PSR.dt clear.
    ///
    /// # Errors
    /// Any fault of a data reference.
    pub fn probe_fault(&mut self, va: u64, rights: u64, pl: u8) -> Result<(), Stop> {
        if !self.psr.dt() {
            return Ok(());
        }
        let access = Access { pl: pl.max(self.psr.cpl()), ..self.asking(non_access::PROBE_FAULT | rights) };
        self.translate(Reference { va, bytes: 1, access, strict: false })?;
        Ok(())
    }

    /// `tpa`: the physical address of `va`.
    ///
    /// # Errors
    /// Misses, page not present, NaT page.
    pub fn tpa(&mut self, va: u64) -> Result<u64, Stop> {
        let entry = self.ask(va, self.asking(non_access::TPA))?;
        Ok(entry.pte.physical(va, entry.ps))
    }

    /// `tak`: the protection key of `va` in bits 31:8, or 1 if there is no present translation.
    pub fn tak(&mut self, va: u64) -> u64 {
        match self.find_data(va, self.asking(non_access::TAK)) {
            Ok(entry) if entry.pte.p() => u64::from(entry.key) << 8,
            _ => 1,
        }
    }

    /// The physical address that `fc` flushes.
    ///
    /// # Errors
    /// Any fault of a non-access read.
    pub(crate) fn flush_address(&mut self, va: u64) -> Result<u64, Stop> {
        let access = self.data_access(non_access::FC);
        let translation = self.translate(Reference { va, bytes: 1, access, strict: false })?;
        Ok(translation.map_or(0, |t| t.pa))
    }

    /// An access that asks about virtual addresses whatever PSR.dt says; without it the VHPT is not searched.
    fn asking(&self, bits: u64) -> Access {
        Access { translated: true, ..self.data_access(bits) }
    }

    /// The present translation of `va`.
    fn ask(&mut self, va: u64, access: Access) -> Result<Entry, Stop> {
        let entry = match self.find_data(va, access) {
            Ok(entry) => entry,
            Err(vector) => return self.refuse(va, Fault::new(vector, 0), access),
        };
        if !entry.pte.p() {
            return self.refuse(va, Fault::new(Vector::PageNotPresent, 0), access);
        }
        if entry.pte.ma() == attribute::NATPAGE {
            return self.refuse(va, Fault::new(Vector::NatConsumption, 0x20), access);
        }
        Ok(entry)
    }

    fn refuse<T>(&mut self, va: u64, fault: Fault, access: Access) -> Result<T, Stop> {
        self.pending.ifa = va;
        Err(fault.with(access.isr).into())
    }

    /// For debuggers and firmware: the physical address of virtual `va` by the present translations, data before code,
    /// without faults, checks or any change. Physical when PSR.dt and PSR.it are clear.
    pub fn translate_for_host(&self, va: u64) -> Option<u64> {
        if !self.psr.dt() && !self.psr.it() {
            return Some(va & !(1 << 63));
        }
        let rid = self.mmu.rr_of(va).rid();
        let find = |tlb: &super::Tlb| tlb.find(rid, va & OFFSET_MASK).filter(|e| e.pte.p()).copied();
        let entry = find(&self.mmu.dtlb).or_else(|| find(&self.mmu.itlb))?;
        Some(entry.pte.physical(va, entry.ps))
    }
}

/// ISR bits of a probe's completer: 1 read, 2 write, 3 both.
pub(crate) const fn probe_rights(completer: u8) -> u64 {
    (if completer & 1 != 0 { isr::R } else { 0 }) | (if completer & 2 != 0 { isr::W } else { 0 })
}

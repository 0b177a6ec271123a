//! Interruptions: entering a handler and coming back. The only writer of IIP, IPSR, ISR, IFA, ITIR, IHA, IIM, IIPA and
//! IFS besides the program itself. SDM volume 2, 5.5 and chapter 8.
//!
//! ```text
//!   fault, trap, interrupt ──► deliver ──► handler at IVA + vector ──► rfi ──► return_from_interruption
//! ```

mod min_state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::cpu::{Cpu, Exit};
use crate::fault::{Fault, Vector, general, isr};
use crate::state::{Cfm, Psr};

pub use self::min_state::MinState;

/// PSR bits that an interruption leaves as they are: up, mfl, mfh, pk, dt, rt, mc, it. SDM volume 2, table 3-2. All
/// others become 0, but be and pp, which come from DCR.
const KEPT: u64 = 1 << 2 | 1 << 4 | 1 << 5 | 1 << 15 | 1 << 17 | 1 << 27 | 1 << 35 | 1 << 36;
/// CR.DCR: pp is bit 0, be is bit 1.
const DCR_PP: u64 = 1;
const DCR_BE: u64 = 1 << 1;
const PSR_BE: u64 = 1 << 1;
const PSR_PP: u64 = 1 << 21;
/// ISR.ei, which traps carry: the slot of the instruction that trapped.
const EI: u64 = 3 << isr::EI_SHIFT;

/// Where CR.ITIR's default comes from.
#[derive(Clone, Copy)]
enum Itir {
    Keep,
    OfAddress,
    OfTable,
}

/// Which registers an interruption writes besides IIP, IPSR, IIPA, IFS and ISR. SDM volume 2, table 8-1.
#[derive(Clone, Copy)]
struct Written {
    ifa: bool,
    itir: Itir,
    iha: bool,
    iim: bool,
}

fn written(fault: Fault) -> Written {
    const VHPT: u16 = Vector::VhptTranslation as u16;
    const ITLB: u16 = Vector::InstructionTlb as u16;
    const DTLB: u16 = Vector::DataTlb as u16;
    const ALTERNATE_ITLB: u16 = Vector::AlternateInstructionTlb as u16;
    const DATA_ACCESS_BIT: u16 = Vector::DataAccessBit as u16;
    const PAGE_NOT_PRESENT: u16 = Vector::PageNotPresent as u16;
    const DATA_ACCESS_RIGHTS: u16 = Vector::DataAccessRights as u16;
    const GENERAL: u16 = Vector::GeneralException as u16;
    const NAT_CONSUMPTION: u16 = Vector::NatConsumption as u16;
    const BREAK: u16 = Vector::Break as u16;
    const SPECULATION: u16 = Vector::Speculation as u16;
    const DEBUG: u16 = Vector::Debug as u16;
    const UNALIGNED: u16 = Vector::UnalignedReference as u16;
    const UNSUPPORTED: u16 = Vector::UnsupportedDataReference as u16;
    const LOWER_PRIVILEGE: u16 = Vector::LowerPrivilegeTransfer as u16;

    let none = Written { ifa: false, itir: Itir::Keep, iha: false, iim: false };
    let address = Written { ifa: true, ..none };
    let refers = fault.isr() & (isr::R | isr::W | isr::NA) != 0;
    let code = fault.isr() & 0xf0;
    match fault.vector() {
        VHPT => Written { itir: Itir::OfTable, iha: true, ..address },
        ITLB | DTLB => Written { itir: Itir::OfAddress, iha: true, ..address },
        ALTERNATE_ITLB..=DATA_ACCESS_BIT | PAGE_NOT_PRESENT..=DATA_ACCESS_RIGHTS => {
            Written { itir: Itir::OfAddress, ..address }
        }
        // Unimplemented data address.
        GENERAL if refers && code == u64::from(general::RESERVED_REGISTER_FIELD) => address,
        // NaT page, not a NaT in a register.
        NAT_CONSUMPTION if code == 0x20 => address,
        DEBUG | UNALIGNED | UNSUPPORTED => address,
        // Unimplemented instruction address.
        LOWER_PRIVILEGE if code == 0x10 => address,
        BREAK | SPECULATION => Written { iim: true, ..none },
        _ => none,
    }
}

/// Traps carry the slot of their instruction. An unimplemented instruction address is a fault of its fetch.
const fn is_trap(fault: Fault) -> bool {
    const UNIMPLEMENTED_ADDRESS: u64 = 0x10;
    let vector = fault.vector();
    vector == Vector::FpTrap as u16
        || vector == Vector::TakenBranch as u16
        || vector == Vector::SingleStep as u16
        || vector == Vector::LowerPrivilegeTransfer as u16 && fault.isr() & UNIMPLEMENTED_ADDRESS == 0
}

impl Cpu {
    /// Sets PSR and everything that hangs on it: the register bank, fast paths, interrupts that are let through now.
    pub fn set_psr(&mut self, psr: Psr) {
        if psr.bn() != self.psr.bn() {
            self.gr.switch_bank();
        }
        if psr.pk() != self.psr.pk() {
            self.mmu.fetch_generation += 1;
        }
        let old = std::mem::replace(&mut self.psr, psr);
        self.key_follows_psr(old);
        if psr.i() {
            self.sapic.reconsider();
        }
        if old.mc() && !psr.mc() {
            self.link.unmask_init();
        }
    }

    /// Enters the handler of `fault`. `ip` and PSR.ri name the faulting instruction, or for traps and interrupts the
    /// next one; a trap carries the slot of its own instruction in ISR.ei.
    pub fn deliver(&mut self, fault: Fault) {
        let vector = fault.vector();
        let psr = self.psr;
        self.interruptions += 1;
        tracing::trace!(
            vector = format_args!("{vector:#06x}"),
            isr = format_args!("{:#x}", fault.isr()),
            ip = format_args!("{:#x}.{}", self.ip, psr.ri()),
            ifa = format_args!("{:#x}", self.pending.ifa),
            psr = format_args!("{:#x}", psr.0),
            "interruption"
        );
        if vector != Vector::DataNestedTlb as u16 {
            self.cr.isr = self.complete_isr(fault);
        }
        if psr.ic() {
            self.cr.ipsr = psr.0;
            self.cr.iip = self.ip;
            self.cr.iipa = self.iipa & !15;
            self.cr.ifs = 0;
            self.write_parameters(fault);
        }
        let mut entered = Psr(psr.0 & KEPT);
        entered.0 |= if self.cr.dcr & DCR_BE != 0 { PSR_BE } else { 0 };
        entered.0 |= if self.cr.dcr & DCR_PP != 0 { PSR_PP } else { 0 };
        self.set_psr(entered);
        self.rse.cfle = false;
        self.ip = (self.cr.iva & !0x7fff) + u64::from(vector);
    }

    /// The ISR of a fault as found, with what the processor's state adds.
    fn complete_isr(&self, fault: Fault) -> u64 {
        let mut bits = fault.isr();
        if !is_trap(fault) {
            bits = bits & !EI | u64::from(self.psr.ri()) << isr::EI_SHIFT;
        }
        if !self.psr.ic() {
            bits |= isr::NI;
        }
        if self.frame_incomplete() {
            bits |= isr::IR;
        }
        let data = bits & (isr::R | isr::W | isr::NA) != 0 && bits & (isr::RS | isr::X) == 0;
        if data && self.code_page_defers() {
            bits |= isr::ED;
        }
        bits
    }

    fn write_parameters(&mut self, fault: Fault) {
        let Written { ifa, itir, iha, iim } = written(fault);
        let address = self.pending.ifa;
        if ifa {
            self.cr.ifa = address;
        }
        let table = self.vhpt_address(address);
        if iha {
            self.cr.iha = table;
        }
        match itir {
            Itir::Keep => {}
            Itir::OfAddress => self.cr.itir = self.mmu.rr_of(address).default_itir(),
            Itir::OfTable => self.cr.itir = self.mmu.rr_of(table).default_itir(),
        }
        if iim {
            self.cr.iim = self.pending.iim;
        }
    }

    /// `rfi`: PSR from IPSR, the address from IIP, the frame from IFS if it is valid. SDM volume 3, "rfi".
    pub(crate) fn return_from_interruption(&mut self) {
        let mut psr = Psr(self.cr.ipsr);
        psr.set_vm(false);
        self.set_psr(psr);
        self.ip = self.cr.iip & !15;
        self.rse.cfle = true;
        if self.cr.ifs >> 63 != 0 {
            let marker = Cfm(self.cr.ifs & Cfm::MASK);
            self.rse_restore(marker, marker.sof());
        }
    }

    // --- what others want ---

    /// Answers attention between two instructions: takes posted interrupts, performs purges, delivers an external
    /// interrupt that is let through. Returns why the engine must be left, if it must.
    pub fn service(&mut self) -> Option<Exit> {
        self.link.acknowledge();
        self.sapic.request(self.link.take_interrupts());
        let link = self.link.clone();
        link.serve(|purges| self.perform_purges(purges));
        if !self.psr.mc() && self.link.take_init() {
            return Some(Exit::Init);
        }
        if self.link.take_kick() {
            return Some(Exit::Budget);
        }
        self.sapic.considered();
        if self.sapic.pending(self.psr) {
            self.deliver(Fault::new(Vector::ExternalInterrupt, 0));
        }
        None
    }

    /// Looks at the clock: the interval timer may fire.
    #[inline]
    pub fn timer_tick(&mut self) {
        let itc = self.itc();
        self.sapic.tick(itc);
    }

    /// The processor begins to run: from now on others wait for its purges. What they wanted meanwhile is done first.
    /// To be called on entry to the engine.
    pub fn enter(&mut self) {
        let purges = self.link.enter();
        if purges.everything || !purges.ranges.is_empty() {
            self.perform_purges(purges);
        }
        self.mmu.privilege_changed();
        self.sapic.reconsider();
    }

    /// The processor stops running: nobody waits for it. To be called on exit from the engine.
    pub fn leave(&mut self) {
        self.link.leave();
    }

    /// Halts outside the engine until an external interrupt is pending that TPR lets through (whatever PSR.i is), or
    /// INIT or a kick arrives; these are left for the engine. `duration` turns ITC ticks into host time. Says whether
    /// it slept until its own timer ran out.
    pub fn halt(&mut self, duration: impl Fn(u64) -> Duration) -> bool {
        let mut by_timer = false;
        loop {
            self.link.acknowledge();
            self.sapic.request(self.link.take_interrupts());
            let itc = self.itc();
            let left = self.sapic.ticks_left(itc);
            if self.sapic.unmasked() || self.link.is_called_away(self.psr.mc()) {
                // The engine has to look again.
                self.link.call_attention();
                return by_timer;
            }
            let deadline = left.map(|ticks| std::time::Instant::now() + duration(ticks));
            by_timer = !self.link.wait_until(deadline);
        }
    }
}

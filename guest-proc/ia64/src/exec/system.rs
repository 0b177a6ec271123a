//! System instructions: control registers, PSR, translations, barriers, `break`, `rfi`. SDM volume 3 under each name.
//!
//! Checks come in the manual's order: illegal operation, privileged operation, NaT consumption, reserved fields. The
//! processor here is always serialized: a change holds from the next instruction on, which software that serializes as
//! it should cannot tell apart.

#[cfg(test)]
mod tests;

use std::sync::atomic::{Ordering, fence};

use crate::cpu::{Cpu, Exit};
use crate::exec::Done;
use crate::exec::regs::consume;
use crate::fault::{Fault, Stop, Vector};
use crate::insn::Insn;
use crate::link::Purge;
use crate::mmu::access::non_access;
use crate::mmu::region::{Pta, RegionRegister, is_page_size, region_of, tag};
use crate::mmu::tlb::{Entry, REGISTERS};
use crate::mmu::{PROTECTION_KEYS, new_translation, probe_rights};
use crate::op::IndirectFile;
use crate::sapic::Sapic;
use crate::state::regs::cr;
use crate::state::{Cfm, Gr, Psr};
use crate::table::{Format, ROWS};

/// Data and instruction breakpoint registers: four pairs of each (PAL_DEBUG_INFO).
pub(crate) const BREAKPOINT_REGISTERS: usize = 8;
/// Bytes that `fc` makes coherent at least: the stride that PAL_CACHE_INFO reports.
const FLUSH_STRIDE: u64 = 128;

/// PSR bits that do not exist: 0, 12:6, 16, 31:28 and 63:47. SDM volume 2, figure 3-2.
pub(crate) const PSR_RESERVED: u64 = 1 | 0x1fc0 | 1 << 16 | 0xf << 28 | !0 << 47;
/// CR.DCR: pp, be, lc, and the deferral bits 14:8.
const DCR_RESERVED: u64 = !0x7f07;
/// CR.IFS: valid, and the marker.
const IFS_RESERVED: u64 = !(1 << 63 | Cfm::MASK);
/// Protection keys: valid and disable bits, key of 24 bits.
const PKR_RESERVED: u64 = !0xffff_ff0f;

fn privileged(cpu: &Cpu) -> Done {
    if cpu.psr.cpl() != 0 { Err(Fault::PRIVILEGED_OPERATION.into()) } else { Ok(()) }
}

fn privileged_as(cpu: &Cpu, bits: u64) -> Done {
    if cpu.psr.cpl() != 0 { Err(Fault::PRIVILEGED_OPERATION.with(bits).into()) } else { Ok(()) }
}

fn refuse_reserved(value: u64, reserved: u64) -> Done {
    if value & reserved != 0 { Err(Fault::RESERVED_REGISTER_FIELD.into()) } else { Ok(()) }
}

/// A register operand of a non-access instruction.
fn consume_as(cpu: &Cpu, r: u8, bits: u64) -> Result<u64, Stop> {
    let register = cpu.gr.get(r);
    if register.is_nat() {
        Err(Fault::REGISTER_NAT_CONSUMPTION.with(bits).into())
    } else {
        Ok(register.value)
    }
}

/// Ends the block if an interrupt may be let through now.
fn interrupts_reconsidered(cpu: &Cpu) -> Done {
    if cpu.sapic.attention() { Err(Stop::RELOOK) } else { Ok(()) }
}

// --- break, barriers, caches ---

/// `break`: a call of the host within the firmware's range, a fault elsewhere.
pub(super) fn break_(cpu: &mut Cpu, i: &Insn) -> Done {
    let ip = cpu.ip.wrapping_add(u64::from(i.bundle) << 4);
    let (start, len) = cpu.config.firmware;
    if len != 0 && cpu.code_address(ip).is_some_and(|pa| pa.wrapping_sub(start) < len) {
        cpu.exit = Exit::HostCall(i.imm as u64);
        return Err(Stop::EXIT);
    }
    let branch_unit = ROWS.get(usize::from(i.row)).is_some_and(|row| row.format == Format::B9);
    cpu.pending.iim = if branch_unit { 0 } else { i.imm as u64 & 0x1f_ffff };
    Err(Fault::new(Vector::Break, 0).into())
}

/// `fwb`: write buffers are the host's, which drains them.
pub(super) fn fwb(_: &mut Cpu, _: &Insn) -> Done {
    Ok(())
}

/// `mf`: orders memory, and advanced loads with it.
pub(super) fn mf(cpu: &mut Cpu, _: &Insn) -> Done {
    fence(Ordering::SeqCst);
    cpu.alat.invalidate_all();
    Ok(())
}

/// `mf.a`: references to devices are complete when they return.
pub(super) fn mf_a(_: &mut Cpu, _: &Insn) -> Done {
    fence(Ordering::SeqCst);
    Ok(())
}

pub(super) fn srlz_d(cpu: &mut Cpu, _: &Insn) -> Done {
    interrupts_reconsidered(cpu)
}

pub(super) fn srlz_i(_: &mut Cpu, _: &Insn) -> Done {
    Err(Stop::RELOOK)
}

pub(super) fn sync_i(_: &mut Cpu, _: &Insn) -> Done {
    fence(Ordering::SeqCst);
    Ok(())
}

/// `fc`, `fc.i`: decoded code of the line is compared with memory before it runs again.
pub(super) fn fc(cpu: &mut Cpu, i: &Insn) -> Done {
    let va = consume_as(cpu, i.r3, non_access::FC)?;
    let pa = cpu.flush_address(va)?;
    cpu.memory.suspect_code(pa & !(FLUSH_STRIDE - 1), FLUSH_STRIDE);
    Ok(())
}

// --- control registers ---

/// Registers that describe an interruption: accessible only while PSR.ic is clear.
fn describes_interruption(number: u8) -> bool {
    (cr::IPSR..=cr::IHA).contains(&number)
}

fn exists(number: u8) -> bool {
    matches!(number, cr::DCR | cr::ITM | cr::IVA | cr::PTA | cr::IPSR | cr::ISR | cr::IIP..=cr::IHA)
        || matches!(number, cr::LID..=cr::CMCV | cr::LRR0 | cr::LRR1)
}

pub(super) fn mov_from_cr(cpu: &mut Cpu, i: &Insn) -> Done {
    let number = i.r3;
    if !exists(number) || cpu.psr.ic() && describes_interruption(number) {
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    privileged(cpu)?;
    let value = match number {
        cr::DCR => cpu.cr.dcr,
        cr::ITM => cpu.sapic.itm(),
        cr::IVA => cpu.cr.iva,
        cr::PTA => cpu.cr.pta,
        cr::IPSR => cpu.cr.ipsr,
        cr::ISR => cpu.cr.isr,
        cr::IIP => cpu.cr.iip,
        cr::IFA => cpu.cr.ifa,
        cr::ITIR => cpu.cr.itir,
        cr::IIPA => cpu.cr.iipa,
        cr::IFS => cpu.cr.ifs,
        cr::IIM => cpu.cr.iim,
        cr::IHA => cpu.cr.iha,
        _ => {
            if number == cr::IVR || (cr::IRR0..cr::IRR0 + 4).contains(&number) {
                // What is posted but not yet taken counts as pending; and so does a timer that is due.
                cpu.timer_tick();
                cpu.sapic.request(cpu.link.take_interrupts());
            }
            cpu.sapic.read(number).unwrap_or(0)
        }
    };
    cpu.gr.set(i.r1, Gr::new(value));
    Ok(())
}

pub(super) fn mov_to_cr(cpu: &mut Cpu, i: &Insn) -> Done {
    let number = i.r3;
    let read_only = matches!(number, cr::IVR | cr::IRR0..=71);
    if !exists(number) || read_only || cpu.psr.ic() && describes_interruption(number) {
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    privileged(cpu)?;
    let value = consume(cpu, i.r2)?;
    match number {
        cr::DCR => {
            refuse_reserved(value, DCR_RESERVED)?;
            cpu.cr.dcr = value;
        }
        cr::ITM => {
            let itc = cpu.itc();
            cpu.sapic.set_itm(value, itc);
        }
        cr::IVA => cpu.cr.iva = value & !0x7fff,
        cr::PTA => {
            refuse_reserved(value, Pta::RESERVED)?;
            if !(15..=61).contains(&Pta(value).size()) {
                return Err(Fault::RESERVED_REGISTER_FIELD.into());
            }
            cpu.cr.pta = value;
        }
        cr::IPSR => {
            refuse_reserved(value, PSR_RESERVED)?;
            cpu.cr.ipsr = value;
        }
        cr::ISR => cpu.cr.isr = value,
        cr::IIP => cpu.cr.iip = value & !15,
        cr::IFA => cpu.cr.ifa = value,
        cr::ITIR => cpu.cr.itir = value,
        cr::IIPA => cpu.cr.iipa = value & !15,
        cr::IFS => {
            refuse_reserved(value, IFS_RESERVED)?;
            cpu.cr.ifs = value;
        }
        cr::IIM => cpu.cr.iim = value,
        cr::IHA => cpu.cr.iha = value & !3,
        _ => {
            refuse_reserved(value, Sapic::reserved_bits(number).unwrap_or(0))?;
            cpu.sapic.write(number, value);
        }
    }
    interrupts_reconsidered(cpu)
}

// --- PSR ---

pub(super) fn mov_from_psr(cpu: &mut Cpu, i: &Insn) -> Done {
    privileged(cpu)?;
    // Bits 36:35 (it, mc) and 31:0; the rest reads as zero.
    cpu.gr.set(i.r1, Gr::new(cpu.psr.0 & (3 << 35 | 0xffff_ffff)));
    Ok(())
}

pub(super) fn mov_from_psr_um(cpu: &mut Cpu, i: &Insn) -> Done {
    cpu.gr.set(i.r1, Gr::new(cpu.psr.0 & Psr::USER_MASK));
    Ok(())
}

/// Replaces the PSR bits of `mask` and ends the block if an interrupt is let through.
fn change_psr(cpu: &mut Cpu, mask: u64, value: u64) -> Done {
    let psr = Psr(cpu.psr.0 & !mask | value & mask);
    cpu.set_psr(psr);
    interrupts_reconsidered(cpu)
}

pub(super) fn mov_to_psr_l(cpu: &mut Cpu, i: &Insn) -> Done {
    privileged(cpu)?;
    let value = consume(cpu, i.r2)?;
    refuse_reserved(value & 0xffff_ffff, PSR_RESERVED)?;
    change_psr(cpu, 0xffff_ffff, value)
}

/// The user mask bits that may change: performance monitors only while they are not secured.
fn user_mask(cpu: &Cpu) -> u64 {
    const UP: u64 = 1 << 2;
    if cpu.psr.sp() { Psr::USER_MASK & !UP } else { Psr::USER_MASK }
}

pub(super) fn mov_to_psr_um(cpu: &mut Cpu, i: &Insn) -> Done {
    let value = consume(cpu, i.r2)?;
    refuse_reserved(value & 0xff, !Psr::USER_MASK & 0xff)?;
    change_psr(cpu, user_mask(cpu), value)
}

pub(super) fn sum(cpu: &mut Cpu, i: &Insn) -> Done {
    refuse_reserved(i.imm as u64, !Psr::USER_MASK)?;
    change_psr(cpu, user_mask(cpu) & i.imm as u64, !0)
}

pub(super) fn rum(cpu: &mut Cpu, i: &Insn) -> Done {
    refuse_reserved(i.imm as u64, !Psr::USER_MASK)?;
    change_psr(cpu, user_mask(cpu) & i.imm as u64, 0)
}

pub(super) fn ssm(cpu: &mut Cpu, i: &Insn) -> Done {
    privileged(cpu)?;
    refuse_reserved(i.imm as u64 & Psr::SYSTEM_MASK, PSR_RESERVED)?;
    change_psr(cpu, i.imm as u64 & Psr::SYSTEM_MASK, !0)
}

pub(super) fn rsm(cpu: &mut Cpu, i: &Insn) -> Done {
    privileged(cpu)?;
    refuse_reserved(i.imm as u64 & Psr::SYSTEM_MASK, PSR_RESERVED)?;
    change_psr(cpu, i.imm as u64 & Psr::SYSTEM_MASK, 0)
}

pub(super) fn rfi(cpu: &mut Cpu, _: &Insn) -> Done {
    privileged(cpu)?;
    if Psr(cpu.cr.ipsr).is() {
        // No IA-32 instruction set here.
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    cpu.return_from_interruption();
    Err(Stop::TRANSFER)
}

pub(super) fn bsw(cpu: &mut Cpu, i: &Insn) -> Done {
    privileged(cpu)?;
    let mut psr = cpu.psr;
    psr.set_bn(i.x1 != 0);
    cpu.set_psr(psr);
    Ok(())
}

/// `epc`: the level of the page, if that is a promotion page of more privilege.
pub(super) fn epc(cpu: &mut Cpu, _: &Insn) -> Done {
    if ((cpu.ar.pfs >> 62) as u8) < cpu.psr.cpl() {
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    let level = if !cpu.psr.it() {
        0
    } else {
        match cpu.code_page() {
            Some(page) if page.pte.ar() == 7 => page.pte.pl().min(cpu.psr.cpl()),
            _ => cpu.psr.cpl(),
        }
    };
    let mut psr = cpu.psr;
    if level < psr.cpl() && cpu.stepping_ends_at_epc {
        psr.set_ss(false);
        psr.set_tb(false);
    }
    psr.set_cpl(level);
    cpu.set_psr(psr);
    Err(Stop::RELOOK)
}

/// `vmsw`: this processor offers no virtualization.
pub(super) fn vmsw(_: &mut Cpu, _: &Insn) -> Done {
    Err(Fault::ILLEGAL_OPERATION.into())
}

// --- indirect register files ---

const RR: u8 = IndirectFile::Rr as u8;
const DBR: u8 = IndirectFile::Dbr as u8;
const IBR: u8 = IndirectFile::Ibr as u8;
const PKR: u8 = IndirectFile::Pkr as u8;
const PMC: u8 = IndirectFile::Pmc as u8;
const PMD: u8 = IndirectFile::Pmd as u8;

/// The index that a register operand names in a file; reserved if there is none such.
fn index_in(file: u8, operand: u64) -> Result<usize, Stop> {
    let index = if file == RR { region_of(operand) } else { (operand & 0xff) as usize };
    let limit = match file {
        RR => 8,
        DBR | IBR => BREAKPOINT_REGISTERS,
        PKR => PROTECTION_KEYS,
        PMC | PMD => 256,
        _ => 5,
    };
    if index < limit { Ok(index) } else { Err(Fault::RESERVED_REGISTER_FIELD.into()) }
}

pub(super) fn mov_from_ind(cpu: &mut Cpu, i: &Insn) -> Done {
    let open = i.x1 == PMD || i.x1 == IndirectFile::Cpuid as u8;
    if !open {
        privileged(cpu)?;
    }
    let operand = consume(cpu, i.r3)?;
    let index = index_in(i.x1, operand)?;
    let value = match i.x1 {
        RR => cpu.mmu.rr(index).0,
        DBR => cpu.dbr[index],
        IBR => cpu.ibr[index],
        PKR => cpu.mmu.pkr(index),
        // Monitors that are not implemented read as zero.
        PMC => cpu.pmc.get(index).copied().unwrap_or(0),
        PMD => readable_monitor(cpu, index),
        _ => cpu.config.cpuid[index],
    };
    cpu.gr.set(i.r1, Gr::new(value));
    Ok(())
}

/// A performance monitor's data: zero for a program that may not see it (PSR.sp, or a privileged monitor).
fn readable_monitor(cpu: &Cpu, index: usize) -> u64 {
    const PRIVILEGED_MONITOR: u64 = 1 << 6;
    let control = cpu.pmc.get(index).copied().unwrap_or(0);
    if cpu.psr.cpl() != 0 && (cpu.psr.sp() || control & PRIVILEGED_MONITOR != 0) {
        return 0;
    }
    cpu.pmd.get(index).copied().unwrap_or(0)
}

pub(super) fn mov_to_ind(cpu: &mut Cpu, i: &Insn) -> Done {
    privileged(cpu)?;
    let operand = consume(cpu, i.r3)?;
    let value = consume(cpu, i.r2)?;
    let index = index_in(i.x1, operand)?;
    match i.x1 {
        RR => {
            let rr = RegionRegister(value);
            refuse_reserved(value, RegionRegister::RESERVED)?;
            if !is_page_size(rr.ps()) {
                return Err(Fault::RESERVED_REGISTER_FIELD.into());
            }
            cpu.mmu.set_rr(index, rr);
        }
        PKR => {
            refuse_reserved(value, PKR_RESERVED)?;
            cpu.mmu.set_pkr(index, value);
        }
        DBR => {
            cpu.dbr[index] = value;
            cpu.mmu.privilege_changed();
        }
        IBR => cpu.ibr[index] = value,
        PMC => {
            if let Some(pmc) = cpu.pmc.get_mut(index) {
                *pmc = value;
            }
        }
        _ => {
            if let Some(pmd) = cpu.pmd.get_mut(index) {
                *pmd = value;
            }
        }
    }
    Ok(())
}

// --- translations ---

/// The translation that CR.IFA, CR.ITIR and a register describe.
fn described(cpu: &Cpu, pte: u64) -> Result<Entry, Stop> {
    let va = cpu.cr.ifa;
    let entry = new_translation(va, cpu.mmu.rr_of(va), pte, cpu.cr.itir);
    entry.ok_or_else(|| Fault::RESERVED_REGISTER_FIELD.into())
}

/// What every insertion checks first.
fn insertion(cpu: &Cpu) -> Done {
    if cpu.psr.ic() {
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    privileged(cpu)
}

pub(super) fn itc_d(cpu: &mut Cpu, i: &Insn) -> Done {
    insertion(cpu)?;
    let pte = consume(cpu, i.r2)?;
    let entry = described(cpu, pte)?;
    cpu.mmu.insert_data(entry);
    Ok(())
}

pub(super) fn itc_i(cpu: &mut Cpu, i: &Insn) -> Done {
    insertion(cpu)?;
    let pte = consume(cpu, i.r2)?;
    let entry = described(cpu, pte)?;
    cpu.mmu.insert_code(entry);
    Ok(())
}

/// The register number and translation of `itr`.
fn register_insertion(cpu: &Cpu, i: &Insn) -> Result<(usize, Entry), Stop> {
    insertion(cpu)?;
    let (slot, pte) = (consume(cpu, i.r3)? & 0xff, consume(cpu, i.r2)?);
    if slot >= REGISTERS as u64 {
        return Err(Fault::RESERVED_REGISTER_FIELD.into());
    }
    Ok((slot as usize, described(cpu, pte)?))
}

pub(super) fn itr_d(cpu: &mut Cpu, i: &Insn) -> Done {
    let (slot, entry) = register_insertion(cpu, i)?;
    cpu.mmu.set_data_register(slot, entry);
    Ok(())
}

pub(super) fn itr_i(cpu: &mut Cpu, i: &Insn) -> Done {
    let (slot, entry) = register_insertion(cpu, i)?;
    cpu.mmu.set_code_register(slot, entry);
    Ok(())
}

/// The range that a purge names: address in r3, size in r2.
fn range(cpu: &Cpu, i: &Insn) -> Result<Purge, Stop> {
    privileged(cpu)?;
    let (va, size) = (consume(cpu, i.r3)?, consume(cpu, i.r2)?);
    Ok(cpu.mmu.purge_range(va, size))
}

pub(super) fn ptc_l(cpu: &mut Cpu, i: &Insn) -> Done {
    let range = range(cpu, i)?;
    cpu.mmu.purge(range);
    Ok(())
}

/// `ptc.g`: as `ptc.ga`, whose ALAT half is harmless.
pub(super) fn ptc_g(cpu: &mut Cpu, i: &Insn) -> Done {
    let range = range(cpu, i)?;
    // Release: what the program stored before is seen by walks that follow the purge.
    fence(Ordering::SeqCst);
    cpu.purge_globally(range);
    Ok(())
}

pub(super) fn ptc_ga(cpu: &mut Cpu, i: &Insn) -> Done {
    ptc_g(cpu, i)
}

/// `ptc.e`: one is enough (PAL_PTCE_INFO), whatever the operand.
pub(super) fn ptc_e(cpu: &mut Cpu, i: &Insn) -> Done {
    privileged(cpu)?;
    consume(cpu, i.r3)?;
    cpu.mmu.purge_all();
    Ok(())
}

pub(super) fn ptr_d(cpu: &mut Cpu, i: &Insn) -> Done {
    let range = range(cpu, i)?;
    cpu.mmu.purge_data_registers(range);
    Ok(())
}

pub(super) fn ptr_i(cpu: &mut Cpu, i: &Insn) -> Done {
    let range = range(cpu, i)?;
    cpu.mmu.purge_code_registers(range);
    Ok(())
}

/// `thash`: NaT in, NaT out.
pub(super) fn thash(cpu: &mut Cpu, i: &Insn) -> Done {
    let Gr { value, nat } = cpu.gr.get(i.r3);
    let value = cpu.vhpt_address(value);
    cpu.gr.set(i.r1, Gr { value, nat });
    Ok(())
}

/// `ttag`: NaT in, NaT out.
pub(super) fn ttag(cpu: &mut Cpu, i: &Insn) -> Done {
    let Gr { value, nat } = cpu.gr.get(i.r3);
    let value = tag(cpu.mmu.rr_of(value), value);
    cpu.gr.set(i.r1, Gr { value, nat });
    Ok(())
}

pub(super) fn tpa(cpu: &mut Cpu, i: &Insn) -> Done {
    privileged_as(cpu, non_access::TPA)?;
    let va = consume_as(cpu, i.r3, non_access::TPA)?;
    let pa = cpu.tpa(va)?;
    cpu.gr.set(i.r1, Gr::new(pa));
    Ok(())
}

pub(super) fn tak(cpu: &mut Cpu, i: &Insn) -> Done {
    privileged_as(cpu, non_access::TAK)?;
    let va = consume_as(cpu, i.r3, non_access::TAK)?;
    let key = cpu.tak(va);
    cpu.gr.set(i.r1, Gr::new(key));
    Ok(())
}

/// A probe at the level in a register (`r2`) or an immediate.
fn probe(cpu: &mut Cpu, i: &Insn, rights: u64, level: Option<u8>) -> Done {
    let bits = non_access::PROBE | rights;
    let va = consume_as(cpu, i.r3, bits)?;
    let level = match level {
        Some(level) => level,
        None => consume_as(cpu, i.r2, bits)? as u8,
    };
    let granted = cpu.probe(va, rights, level & 3)?;
    cpu.gr.set(i.r1, Gr::new(u64::from(granted)));
    Ok(())
}

pub(super) fn probe_r(cpu: &mut Cpu, i: &Insn) -> Done {
    probe(cpu, i, probe_rights(1), None)
}

pub(super) fn probe_w(cpu: &mut Cpu, i: &Insn) -> Done {
    probe(cpu, i, probe_rights(2), None)
}

pub(super) fn probe_r_imm(cpu: &mut Cpu, i: &Insn) -> Done {
    probe(cpu, i, probe_rights(1), Some(i.imm as u8))
}

pub(super) fn probe_w_imm(cpu: &mut Cpu, i: &Insn) -> Done {
    probe(cpu, i, probe_rights(2), Some(i.imm as u8))
}

pub(super) fn probe_fault(cpu: &mut Cpu, i: &Insn) -> Done {
    let rights = probe_rights(i.x1);
    let va = consume_as(cpu, i.r3, non_access::PROBE_FAULT | rights)?;
    cpu.probe_fault(va, rights, i.imm as u8 & 3)
}

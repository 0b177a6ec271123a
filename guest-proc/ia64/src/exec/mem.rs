//! Loads, stores, semaphores, prefetches. SDM volume 3, "ld", "st", "ldf", "stf", "cmpxchg", "xchg", "fetchadd", "lfetch".
//!
//! Every body has the same order: the base register, the access (which may fault and then leaves everything as it
//! was), the target, the updated base.

use crate::alat::Tag;
use crate::cpu::Cpu;
use crate::exec::{Done, Handler};
use crate::fault::{Fault, Stop, isr};
use crate::fp::memory as format;
use crate::insn::Insn;
use crate::mmu::Scalar;
use crate::op::{FpSize, LdType, Op, StType};
use crate::state::gr::{ANY_KIND, R1_STACKED, R2_STACKED, R3_STACKED};
use crate::state::{Fr, Gr};

/// How a base register is updated after the access.
const PLAIN: u8 = 0;
const BY_REGISTER: u8 = 1;
const BY_IMMEDIATE: u8 = 2;

const NORMAL: u8 = LdType::Normal as u8;
const S: u8 = LdType::S as u8;
const A: u8 = LdType::A as u8;
const SA: u8 = LdType::Sa as u8;
const BIAS: u8 = LdType::Bias as u8;
const ACQ: u8 = LdType::Acq as u8;
const C_CLR: u8 = LdType::CClr as u8;
const C_NC: u8 = LdType::CNc as u8;
const C_CLR_ACQ: u8 = LdType::CClrAcq as u8;

/// The base register of an access that must not be NaT; `access` are the ISR bits of the fault.
#[inline(always)]
fn base<const KINDS: u8>(cpu: &Cpu, i: &Insn, access: u64) -> Result<u64, Stop> {
    let register = cpu.gr.get_known::<KINDS, R3_STACKED>(i.r3);
    if register.is_nat() {
        Err(Fault::REGISTER_NAT_CONSUMPTION.with(access).into())
    } else {
        Ok(register.value)
    }
}

/// Writes the updated base register.
#[inline(always)]
fn update<const UPDATE: u8, const KINDS: u8>(cpu: &mut Cpu, i: &Insn) {
    match UPDATE {
        BY_IMMEDIATE => {
            let old = cpu.gr.get_known::<KINDS, R3_STACKED>(i.r3);
            cpu.gr.set_known::<KINDS, R3_STACKED>(
                i.r3,
                Gr { value: old.value.wrapping_add(i.imm as u64), nat: old.nat },
            );
        }
        BY_REGISTER => {
            let (old, by) = (cpu.gr.get(i.r3), cpu.gr.get(i.r2));
            cpu.gr.set(i.r3, Gr { value: old.value.wrapping_add(by.value), nat: old.nat | by.nat });
        }
        _ => {}
    }
}

/// A barrier where the host orders less than the guest demands.
#[inline(always)]
fn acquire() {
    #[cfg(not(target_arch = "x86_64"))]
    std::sync::atomic::fence(std::sync::atomic::Ordering::Acquire);
}

#[inline(always)]
fn release() {
    #[cfg(not(target_arch = "x86_64"))]
    std::sync::atomic::fence(std::sync::atomic::Ordering::Release);
}

fn ld<T: Scalar, const TYPE: u8, const UPDATE: u8, const KINDS: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    match TYPE {
        NORMAL | BIAS => {
            let va = base::<KINDS>(cpu, i, isr::R)?;
            let Some(value) = cpu.load_hit::<T>(va) else { return ld_missed::<T, UPDATE>(cpu, i) };
            cpu.gr.set_known::<KINDS, R1_STACKED>(i.r1, Gr::new(value.to_u64()));
        }
        ACQ => {
            let va = base::<KINDS>(cpu, i, isr::R)?;
            let value = cpu.load::<T>(va)?;
            acquire();
            cpu.alat.invalidate_all();
            cpu.gr.set_known::<KINDS, R1_STACKED>(i.r1, Gr::new(value.to_u64()));
        }
        S | SA => {
            let register = cpu.gr.get(i.r3);
            let loaded = if register.is_nat() { None } else { cpu.load_speculative::<T>(register.value)? };
            let tag = Tag::gr(i.r1, cpu.rse.base);
            match loaded {
                Some(value) => {
                    cpu.gr.set_known::<KINDS, R1_STACKED>(i.r1, Gr::new(value.to_u64()));
                    if TYPE == SA {
                        cpu.alat.allocate(tag, register.value, T::BYTES);
                    }
                }
                None => {
                    cpu.gr.set_known::<KINDS, R1_STACKED>(i.r1, Gr { value: 0, nat: 1 });
                    if TYPE == SA {
                        cpu.alat.invalidate(tag);
                    }
                }
            }
        }
        A => {
            let va = base::<KINDS>(cpu, i, isr::R)?;
            let value = cpu.load::<T>(va)?;
            cpu.alat.allocate(Tag::gr(i.r1, cpu.rse.base), va, T::BYTES);
            cpu.gr.set_known::<KINDS, R1_STACKED>(i.r1, Gr::new(value.to_u64()));
        }
        _ => {
            let va = base::<KINDS>(cpu, i, isr::R)?;
            let tag = Tag::gr(i.r1, cpu.rse.base);
            // Always loaded anew, as if the entry had just gone: a program may wait in a loop of nothing but this load for
            // another processor's store, which the table does not see.
            let value = cpu.load::<T>(va)?;
            match TYPE {
                C_NC => cpu.alat.allocate(tag, va, T::BYTES),
                C_CLR_ACQ => {
                    acquire();
                    cpu.alat.invalidate_all();
                }
                _ => cpu.alat.invalidate(tag),
            }
            cpu.gr.set_known::<KINDS, R1_STACKED>(i.r1, Gr::new(value.to_u64()));
        }
    }
    update::<UPDATE, KINDS>(cpu, i);
    Ok(())
}

/// A plain load whose page is not cached. Bodies hand over to it as their last act, and so need no frame on the host's stack.
#[cold]
#[inline(never)]
fn ld_missed<T: Scalar, const UPDATE: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    let va = base::<ANY_KIND>(cpu, i, isr::R)?;
    let value = cpu.load_slow::<T>(va)?;
    cpu.gr.set(i.r1, Gr::new(value.to_u64()));
    update::<UPDATE, ANY_KIND>(cpu, i);
    Ok(())
}

/// `ld8.fill`: the NaT bit comes from AR.UNAT.
fn ld8_fill<const UPDATE: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    let va = base::<ANY_KIND>(cpu, i, isr::R)?;
    let value = cpu.load::<u64>(va)?;
    let nat = cpu.ar.unat >> (va >> 3 & 63) & 1;
    cpu.gr.set(i.r1, Gr { value, nat });
    update::<UPDATE, ANY_KIND>(cpu, i);
    Ok(())
}

fn ld_type<T: Scalar, const UPDATE: u8>(i: &Insn) -> Handler {
    match i.x2 {
        NORMAL => specialised!(i, ld::<T, NORMAL, UPDATE>),
        BIAS => ld::<T, BIAS, UPDATE, ANY_KIND>,
        ACQ => ld::<T, ACQ, UPDATE, ANY_KIND>,
        S => ld::<T, S, UPDATE, ANY_KIND>,
        A => ld::<T, A, UPDATE, ANY_KIND>,
        SA => ld::<T, SA, UPDATE, ANY_KIND>,
        C_CLR => ld::<T, C_CLR, UPDATE, ANY_KIND>,
        C_NC => ld::<T, C_NC, UPDATE, ANY_KIND>,
        C_CLR_ACQ => ld::<T, C_CLR_ACQ, UPDATE, ANY_KIND>,
        _ => ld8_fill::<UPDATE>,
    }
}

fn ld_update<T: Scalar>(i: &Insn) -> Handler {
    match i.op {
        Op::Ld => ld_type::<T, PLAIN>(i),
        Op::LdReg => ld_type::<T, BY_REGISTER>(i),
        _ => ld_type::<T, BY_IMMEDIATE>(i),
    }
}

/// The body of an integer load, specialised by size, type and update.
pub(super) fn select_ld(i: &Insn) -> Handler {
    match i.x1 {
        1 => ld_update::<u8>(i),
        2 => ld_update::<u16>(i),
        4 => ld_update::<u32>(i),
        _ => ld_update::<u64>(i),
    }
}

fn st<T: Scalar, const TYPE: u8, const UPDATE: u8, const KINDS: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    const SPILL: u8 = StType::Spill as u8;
    let va = base::<KINDS>(cpu, i, isr::W)?;
    let source = cpu.gr.get_known::<KINDS, R2_STACKED>(i.r2);
    if TYPE != SPILL && source.is_nat() {
        return Err(Fault::REGISTER_NAT_CONSUMPTION.with(isr::W).into());
    }
    if TYPE == StType::Rel as u8 {
        release();
    }
    if !cpu.store_hit(va, T::from_u64(source.value)) {
        return st_missed::<T, TYPE, UPDATE>(cpu, i);
    }
    stored::<T, TYPE, UPDATE, KINDS>(cpu, i, va, source);
    Ok(())
}

/// A store whose page is not cached: see [`ld_missed`].
#[cold]
#[inline(never)]
fn st_missed<T: Scalar, const TYPE: u8, const UPDATE: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    let va = base::<ANY_KIND>(cpu, i, isr::W)?;
    let source = cpu.gr.get(i.r2);
    cpu.store_slow(va, T::BYTES, T::from_u64(source.value).to_u64())?;
    stored::<T, TYPE, UPDATE, ANY_KIND>(cpu, i, va, source);
    Ok(())
}

/// What follows a store of `source` at `va`.
#[inline(always)]
fn stored<T: Scalar, const TYPE: u8, const UPDATE: u8, const KINDS: u8>(
    cpu: &mut Cpu,
    i: &Insn,
    va: u64,
    source: Gr,
) {
    cpu.alat.store(va, T::BYTES);
    if TYPE == StType::Spill as u8 {
        let bit = 1 << (va >> 3 & 63);
        cpu.ar.unat = cpu.ar.unat & !bit | if source.is_nat() { bit } else { 0 };
    }
    update::<UPDATE, KINDS>(cpu, i);
}

fn st_type<T: Scalar, const UPDATE: u8>(i: &Insn) -> Handler {
    match i.x2 {
        0 => specialised!(i, st::<T, { StType::Normal as u8 }, UPDATE>),
        1 => st::<T, { StType::Rel as u8 }, UPDATE, ANY_KIND>,
        _ => st::<T, { StType::Spill as u8 }, UPDATE, ANY_KIND>,
    }
}

fn st_update<T: Scalar>(i: &Insn) -> Handler {
    match i.op {
        Op::St => st_type::<T, PLAIN>(i),
        _ => st_type::<T, BY_IMMEDIATE>(i),
    }
}

/// The body of an integer store, specialised by size, type and update.
pub(super) fn select_st(i: &Insn) -> Handler {
    match i.x1 {
        1 => st_update::<u8>(i),
        2 => st_update::<u16>(i),
        4 => st_update::<u32>(i),
        _ => st_update::<u64>(i),
    }
}

pub(super) fn ld16(cpu: &mut Cpu, i: &Insn) -> Done {
    let va = base::<ANY_KIND>(cpu, i, isr::R)?;
    let (low, high) = cpu.load16(va)?;
    if i.x2 == ACQ {
        acquire();
        cpu.alat.invalidate_all();
    }
    cpu.gr.set(i.r1, Gr::new(low));
    cpu.ar.csd = high;
    Ok(())
}

pub(super) fn st16(cpu: &mut Cpu, i: &Insn) -> Done {
    let va = base::<ANY_KIND>(cpu, i, isr::W)?;
    let source = cpu.gr.get(i.r2);
    if source.is_nat() {
        return Err(Fault::REGISTER_NAT_CONSUMPTION.with(isr::W).into());
    }
    release();
    cpu.store16(va, source.value, cpu.ar.csd)?;
    cpu.alat.store(va, 16);
    Ok(())
}

/// What a semaphore needs before it touches memory: base and source, neither NaT.
fn semaphore_operands(cpu: &Cpu, i: &Insn) -> Result<(u64, u64), Stop> {
    let va = base::<ANY_KIND>(cpu, i, isr::R | isr::W)?;
    let source = cpu.gr.get(i.r2);
    if source.is_nat() {
        return Err(Fault::REGISTER_NAT_CONSUMPTION.with(isr::R | isr::W).into());
    }
    Ok((va, source.value))
}

/// What follows every semaphore: other processors' stores may now be visible.
fn semaphore_done(cpu: &mut Cpu, i: &Insn, old: u64) -> Done {
    cpu.alat.invalidate_all();
    cpu.gr.set(i.r1, Gr::new(old));
    Ok(())
}

pub(super) fn cmpxchg(cpu: &mut Cpu, i: &Insn) -> Done {
    let (va, new) = semaphore_operands(cpu, i)?;
    let expected = cpu.ar.ccv;
    let old = match i.x1 {
        1 => cpu.rmw_cmpxchg::<u8>(va, expected, new)?,
        2 => cpu.rmw_cmpxchg::<u16>(va, expected, new)?,
        4 => cpu.rmw_cmpxchg::<u32>(va, expected, new)?,
        _ => cpu.rmw_cmpxchg::<u64>(va, expected, new)?,
    };
    semaphore_done(cpu, i, old)
}

pub(super) fn cmp8xchg16(cpu: &mut Cpu, i: &Insn) -> Done {
    let (va, new) = semaphore_operands(cpu, i)?;
    let old = cpu.rmw_cmp8xchg16(va, cpu.ar.ccv, (new, cpu.ar.csd))?;
    semaphore_done(cpu, i, old)
}

pub(super) fn xchg(cpu: &mut Cpu, i: &Insn) -> Done {
    let (va, new) = semaphore_operands(cpu, i)?;
    let old = match i.x1 {
        1 => cpu.rmw_xchg::<u8>(va, new)?,
        2 => cpu.rmw_xchg::<u16>(va, new)?,
        4 => cpu.rmw_xchg::<u32>(va, new)?,
        _ => cpu.rmw_xchg::<u64>(va, new)?,
    };
    semaphore_done(cpu, i, old)
}

pub(super) fn fetchadd(cpu: &mut Cpu, i: &Insn) -> Done {
    let va = base::<ANY_KIND>(cpu, i, isr::R | isr::W)?;
    let old = match i.x1 {
        4 => cpu.rmw_fetchadd::<u32>(va, i.imm)?,
        _ => cpu.rmw_fetchadd::<u64>(va, i.imm)?,
    };
    semaphore_done(cpu, i, old)
}

/// Bytes an `FpSize` occupies in memory.
const fn fp_bytes(size: u8) -> u64 {
    match size {
        0 => 4,
        1 | 2 => 8,
        3 => 10,
        _ => 16,
    }
}

/// Reads one floating-point datum with `read8`, `read4` and so on given as closures over the access kind.
#[inline(always)]
fn load_fp<const SIZE: u8>(cpu: &mut Cpu, va: u64) -> Result<Fr, Stop> {
    const E: u8 = FpSize::E as u8;
    Ok(match SIZE {
        0 => format::from_single(cpu.load::<u32>(va)?),
        1 => format::from_double(cpu.load::<u64>(va)?),
        2 => Fr::from_significand(cpu.load::<u64>(va)?),
        E => {
            let (significand, top) = cpu.load10(va)?;
            format::from_extended(significand, top)
        }
        _ => {
            let (low, high) = cpu.load16(va)?;
            format::from_fill(low, high)
        }
    })
}

/// The speculative form: `None` when the access is deferred.
fn load_fp_speculative<const SIZE: u8>(cpu: &mut Cpu, va: u64) -> Result<Option<Fr>, Stop> {
    match SIZE {
        0 => Ok(cpu.load_speculative::<u32>(va)?.map(format::from_single)),
        1 => Ok(cpu.load_speculative::<u64>(va)?.map(format::from_double)),
        2 => Ok(cpu.load_speculative::<u64>(va)?.map(Fr::from_significand)),
        _ => {
            // The whole datum lies in one page or faults as unaligned, so one probe decides for all of it.
            if cpu.load_speculative::<u8>(va)?.is_none() {
                return Ok(None);
            }
            load_fp::<SIZE>(cpu, va).map(Some)
        }
    }
}

fn ldf<const SIZE: u8, const UPDATE: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    let register = cpu.gr.get(i.r3);
    let speculative = matches!(i.x2, S | SA);
    let access = if speculative { isr::R | isr::SP } else { isr::R };
    crate::exec::fp::check_enabled_as(cpu, &[i.r1], access)?;
    if register.is_nat() && !speculative {
        return Err(Fault::REGISTER_NAT_CONSUMPTION.with(isr::R).into());
    }
    let va = register.value;
    let tag = Tag::fr(i.r1);
    let bytes = fp_bytes(SIZE);
    match i.x2 {
        S | SA => {
            let loaded = if register.is_nat() { None } else { load_fp_speculative::<SIZE>(cpu, va)? };
            match loaded {
                Some(_) if i.x2 == SA => cpu.alat.allocate(tag, va, bytes),
                _ => cpu.alat.invalidate(tag),
            }
            crate::exec::fp::set_fr(cpu, i.r1, loaded.unwrap_or(Fr::NATVAL));
        }
        C_CLR | C_NC if cpu.alat.hit(tag, Some((va, bytes))) => {
            if i.x2 == C_CLR {
                cpu.alat.invalidate(tag);
            }
        }
        _ => {
            let value = load_fp::<SIZE>(cpu, va)?;
            if matches!(i.x2, A | C_NC) {
                cpu.alat.allocate(tag, va, bytes);
            } else if i.x2 == C_CLR {
                cpu.alat.invalidate(tag);
            }
            crate::exec::fp::set_fr(cpu, i.r1, value);
        }
    }
    update::<UPDATE, ANY_KIND>(cpu, i);
    Ok(())
}

fn ldf_update<const SIZE: u8>(i: &Insn) -> Handler {
    match i.op {
        Op::Ldf => ldf::<SIZE, PLAIN>,
        Op::LdfReg => ldf::<SIZE, BY_REGISTER>,
        _ => ldf::<SIZE, BY_IMMEDIATE>,
    }
}

/// The body of a floating-point load.
pub(super) fn select_ldf(i: &Insn) -> Handler {
    match i.x1 {
        0 => ldf_update::<0>(i),
        1 => ldf_update::<1>(i),
        2 => ldf_update::<2>(i),
        3 => ldf_update::<3>(i),
        _ => ldf_update::<4>(i),
    }
}

/// `ldfps`, `ldfpd`, `ldfp8`: two data side by side, the pair naturally aligned.
fn ldfp<const SIZE: u8, const UPDATE: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    let register = cpu.gr.get(i.r3);
    let speculative = matches!(i.x2, S | SA);
    let access = if speculative { isr::R | isr::SP } else { isr::R };
    crate::exec::fp::check_enabled_as(cpu, &[i.r1, i.r2], access)?;
    if register.is_nat() && !speculative {
        return Err(Fault::REGISTER_NAT_CONSUMPTION.with(isr::R).into());
    }
    let va = register.value;
    let tag = Tag::fr(i.r1);
    let bytes = 2 * fp_bytes(SIZE);
    if matches!(i.x2, C_CLR | C_NC) && cpu.alat.hit(tag, Some((va, bytes))) {
        if i.x2 == C_CLR {
            cpu.alat.invalidate(tag);
        }
        update::<UPDATE, ANY_KIND>(cpu, i);
        return Ok(());
    }
    let deferred = speculative && (register.is_nat() || cpu.load_speculative::<u64>(va)?.is_none());
    let pair = if deferred {
        (Fr::NATVAL, Fr::NATVAL)
    } else if SIZE == 0 {
        let both = cpu.load::<u64>(va)?;
        let (first, second) = if cpu.psr.be() { (both >> 32, both) } else { (both, both >> 32) };
        (format::from_single(first as u32), format::from_single(second as u32))
    } else {
        let (first, second) = cpu.load_pair(va)?;
        if SIZE == 1 {
            (format::from_double(first), format::from_double(second))
        } else {
            (Fr::from_significand(first), Fr::from_significand(second))
        }
    };
    match i.x2 {
        NORMAL | S => {}
        A | C_NC => cpu.alat.allocate(tag, va, bytes),
        SA if !deferred => cpu.alat.allocate(tag, va, bytes),
        _ => cpu.alat.invalidate(tag),
    }
    crate::exec::fp::set_fr(cpu, i.r1, pair.0);
    crate::exec::fp::set_fr(cpu, i.r2, pair.1);
    update::<UPDATE, ANY_KIND>(cpu, i);
    Ok(())
}

/// The body of a floating-point pair load.
pub(super) fn select_ldfp(i: &Insn) -> Handler {
    match (i.x1, i.op) {
        (0, Op::Ldfp) => ldfp::<0, PLAIN>,
        (0, _) => ldfp::<0, BY_IMMEDIATE>,
        (1, Op::Ldfp) => ldfp::<1, PLAIN>,
        (1, _) => ldfp::<1, BY_IMMEDIATE>,
        (_, Op::Ldfp) => ldfp::<2, PLAIN>,
        _ => ldfp::<2, BY_IMMEDIATE>,
    }
}

fn stf<const SIZE: u8, const UPDATE: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    const E: u8 = FpSize::E as u8;
    const SPILL: u8 = FpSize::Fill as u8;
    crate::exec::fp::check_enabled_as(cpu, &[i.r2], isr::W)?;
    let va = base::<ANY_KIND>(cpu, i, isr::W)?;
    let value = cpu.fr[i.r2 as usize & 127];
    if SIZE != SPILL && value.is_natval() {
        return Err(Fault::REGISTER_NAT_CONSUMPTION.with(isr::W).into());
    }
    match SIZE {
        0 => cpu.store::<u32>(va, format::to_single(value))?,
        1 => cpu.store::<u64>(va, format::to_double(value))?,
        2 => cpu.store::<u64>(va, value.significand)?,
        E => {
            let (significand, top) = format::to_extended(value);
            cpu.store10(va, significand, top)?;
        }
        _ => {
            let (low, high) = format::to_spill(value);
            cpu.store16(va, low, high)?;
        }
    }
    cpu.alat.store(va, fp_bytes(SIZE));
    update::<UPDATE, ANY_KIND>(cpu, i);
    Ok(())
}

/// The body of a floating-point store.
pub(super) fn select_stf(i: &Insn) -> Handler {
    match (i.x1, i.op) {
        (0, Op::Stf) => stf::<0, PLAIN>,
        (0, _) => stf::<0, BY_IMMEDIATE>,
        (1, Op::Stf) => stf::<1, PLAIN>,
        (1, _) => stf::<1, BY_IMMEDIATE>,
        (2, Op::Stf) => stf::<2, PLAIN>,
        (2, _) => stf::<2, BY_IMMEDIATE>,
        (3, Op::Stf) => stf::<3, PLAIN>,
        (3, _) => stf::<3, BY_IMMEDIATE>,
        (_, Op::Stf) => stf::<4, PLAIN>,
        _ => stf::<4, BY_IMMEDIATE>,
    }
}

fn lfetch<const UPDATE: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    let register = cpu.gr.get(i.r3);
    let faulting = i.x1 != 0;
    if register.is_nat() {
        if faulting {
            // Non-access, ISR.code{3:0} = 4: SDM volume 2, table 5-1.
            return Err(Fault::REGISTER_NAT_CONSUMPTION.with(isr::R | isr::NA | 4).into());
        }
    } else {
        cpu.lfetch(register.value, faulting)?;
    }
    update::<UPDATE, ANY_KIND>(cpu, i);
    Ok(())
}

/// The body of a prefetch.
pub(super) fn select_lfetch(i: &Insn) -> Handler {
    match i.op {
        Op::Lfetch => lfetch::<PLAIN>,
        Op::LfetchReg => lfetch::<BY_REGISTER>,
        _ => lfetch::<BY_IMMEDIATE>,
    }
}

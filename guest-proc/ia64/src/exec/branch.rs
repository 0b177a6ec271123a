//! Branches, calls, loops, speculation checks. SDM volume 3, "br", "brl", "chk"; volume 1, 4.5.
//!
//! Targets are relative to the bundle of the branch: `Cpu::ip` is the start of the running block and `Insn::bundle` the
//! distance from it.

use crate::alat::Tag;
use crate::cpu::Cpu;
use crate::exec::Done;
use crate::fault::{Fault, Stop, Vector};
use crate::insn::Insn;
use crate::state::Cfm;

#[inline]
fn bundle_ip(cpu: &Cpu, i: &Insn) -> u64 {
    cpu.ip.wrapping_add((i.bundle as u64) << 4)
}

#[inline]
fn take(cpu: &mut Cpu, target: u64) -> Done {
    cpu.ip = target & !15;
    cpu.psr.set_ri(0);
    Err(Stop::BRANCH)
}

#[inline]
fn take_relative(cpu: &mut Cpu, i: &Insn) -> Done {
    let target = bundle_ip(cpu, i).wrapping_add(i.imm as u64);
    take(cpu, target)
}

/// `br.cond`, `brl.cond`: the engine has tested the predicate.
pub(super) fn cond(cpu: &mut Cpu, i: &Insn) -> Done {
    take_relative(cpu, i)
}

pub(super) fn cond_indirect(cpu: &mut Cpu, i: &Insn) -> Done {
    take(cpu, cpu.br[i.r2 as usize & 7])
}

fn link(cpu: &mut Cpu, i: &Insn) {
    cpu.br[i.r1 as usize & 7] = bundle_ip(cpu, i).wrapping_add(16);
    cpu.ar.pfs = cpu.cfm.0 | (cpu.ar.ec & 0x3f) << 52 | (cpu.psr.cpl() as u64) << 62;
    cpu.rse_call();
}

pub(super) fn call(cpu: &mut Cpu, i: &Insn) -> Done {
    let target = bundle_ip(cpu, i).wrapping_add(i.imm as u64);
    link(cpu, i);
    take(cpu, target)
}

pub(super) fn call_indirect(cpu: &mut Cpu, i: &Insn) -> Done {
    let target = cpu.br[i.r2 as usize & 7];
    link(cpu, i);
    take(cpu, target)
}

pub(super) fn ret(cpu: &mut Cpu, i: &Insn) -> Done {
    let target = cpu.br[i.r2 as usize & 7];
    let pfs = cpu.ar.pfs;
    let marker = Cfm(pfs & Cfm::MASK);
    cpu.ar.ec = pfs >> 52 & 0x3f;
    cpu.rse_restore(marker, marker.sol());
    let demoted = (pfs >> 62) as u8 > cpu.psr.cpl();
    if demoted {
        cpu.psr.set_cpl((pfs >> 62) as u8);
        cpu.mmu.privilege_changed();
    }
    cpu.iipa = bundle_ip(cpu, i);
    cpu.ip = target & !15;
    cpu.psr.set_ri(0);
    if demoted && cpu.psr.lp() {
        return Err(Fault::new(Vector::LowerPrivilegeTransfer, 0x2).into());
    }
    Err(if demoted || cpu.frame_incomplete() { Stop::TRANSFER } else { Stop::BRANCH })
}

/// `br.ia`: the 9000 series has no IA-32 instruction set.
pub(super) fn ia(_: &mut Cpu, _: &Insn) -> Done {
    Err(Fault::ILLEGAL_OPERATION.into())
}

pub(super) fn cloop(cpu: &mut Cpu, i: &Insn) -> Done {
    if i.slot != 2 {
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    if cpu.ar.lc == 0 {
        return Ok(());
    }
    cpu.ar.lc -= 1;
    take_relative(cpu, i)
}

/// Turns every rotating register by one; p63, which becomes p16, is `stage`.
fn rotate(cpu: &mut Cpu, stage: bool) {
    cpu.set_pr(63, stage);
    let cfm = cpu.cfm;
    let down = |base: u32, size: u32| if base == 0 { size.saturating_sub(1) } else { base - 1 };
    cpu.set_cfm(cfm.with_rrb(down(cfm.rrb_gr(), cfm.sor()), down(cfm.rrb_fr(), 96), down(cfm.rrb_pr(), 48)));
}

/// Counted loops: `br.ctop` branches while the loop goes on, `br.cexit` when it ends.
fn counted<const TOP: bool>(cpu: &mut Cpu, i: &Insn) -> Done {
    if i.slot != 2 {
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    let target = bundle_ip(cpu, i).wrapping_add(i.imm as u64);
    let goes_on = if cpu.ar.lc != 0 {
        cpu.ar.lc -= 1;
        rotate(cpu, true);
        true
    } else if cpu.ar.ec != 0 {
        cpu.ar.ec -= 1;
        rotate(cpu, false);
        cpu.ar.ec != 0
    } else {
        cpu.set_pr(63, false);
        false
    };
    if goes_on == TOP { take(cpu, target) } else { Err(Stop::RELOOK) }
}

/// While loops: as counted ones, with the qualifying predicate as the condition.
fn conditional<const TOP: bool>(cpu: &mut Cpu, i: &Insn) -> Done {
    if i.slot != 2 {
        return Err(Fault::ILLEGAL_OPERATION.into());
    }
    let target = bundle_ip(cpu, i).wrapping_add(i.imm as u64);
    let goes_on = if cpu.pr(i.qp) {
        rotate(cpu, false);
        true
    } else if cpu.ar.ec != 0 {
        cpu.ar.ec -= 1;
        rotate(cpu, false);
        cpu.ar.ec != 0
    } else {
        cpu.set_pr(63, false);
        false
    };
    if goes_on == TOP { take(cpu, target) } else { Err(Stop::RELOOK) }
}

pub(super) fn ctop(cpu: &mut Cpu, i: &Insn) -> Done {
    counted::<true>(cpu, i)
}

pub(super) fn cexit(cpu: &mut Cpu, i: &Insn) -> Done {
    counted::<false>(cpu, i)
}

pub(super) fn wtop(cpu: &mut Cpu, i: &Insn) -> Done {
    conditional::<true>(cpu, i)
}

pub(super) fn wexit(cpu: &mut Cpu, i: &Insn) -> Done {
    conditional::<false>(cpu, i)
}

/// `chk.s` of a general register.
pub(super) fn chk_s(cpu: &mut Cpu, i: &Insn) -> Done {
    if cpu.gr.get(i.r2).is_nat() { take_relative(cpu, i) } else { Ok(()) }
}

/// `chk.s` of a floating-point register.
pub(super) fn chk_s_f(cpu: &mut Cpu, i: &Insn) -> Done {
    if cpu.fr[i.r2 as usize & 127].is_natval() { take_relative(cpu, i) } else { Ok(()) }
}

fn chk_a_tag(cpu: &mut Cpu, i: &Insn, tag: Tag) -> Done {
    if !cpu.alat.hit(tag, None) {
        return take_relative(cpu, i);
    }
    if i.x1 != 0 {
        cpu.alat.invalidate(tag);
    }
    Ok(())
}

/// `chk.a` of a general register.
pub(super) fn chk_a(cpu: &mut Cpu, i: &Insn) -> Done {
    let tag = Tag::gr(i.r1, cpu.rse.base);
    chk_a_tag(cpu, i, tag)
}

/// `chk.a` of a floating-point register.
pub(super) fn chk_a_f(cpu: &mut Cpu, i: &Insn) -> Done {
    chk_a_tag(cpu, i, Tag::fr(i.r1))
}

/// `fchkf`: the status field's flags against those that the traps of sf0 leave enabled. SDM volume 3, "fchkf".
pub(super) fn fchkf(cpu: &mut Cpu, i: &Insn) -> Done {
    if crate::exec::fp::check_flags(cpu, i) { take_relative(cpu, i) } else { Ok(()) }
}

/// `clrrrb` and `clrrrb.pr`.
pub(super) fn clrrrb(cpu: &mut Cpu, _: &Insn) -> Done {
    cpu.set_cfm(cpu.cfm.with_rrb(0, 0, 0));
    Err(Stop::RELOOK)
}

pub(super) fn clrrrb_pr(cpu: &mut Cpu, _: &Insn) -> Done {
    let cfm = cpu.cfm;
    cpu.set_cfm(cfm.with_rrb(cfm.rrb_gr(), cfm.rrb_fr(), 0));
    Err(Stop::RELOOK)
}

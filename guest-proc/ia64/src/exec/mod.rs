//! One function for each operation, chosen once when an instruction is decoded into a block.
//!
//! A body reads its operands, does all that can fault, computes, then writes: no write stands above the last `?`.
//! Register numbers are renamed before it runs; the engine has tested the guard predicate and the targets
//! ([`crate::engine`]).

/// Picks the instance of a body generic over the kinds of its three register fields.
macro_rules! specialised {
    ($insn:expr, $body:ident $(:: $path:ident)* $(::<$($fixed:tt),*>)?) => {
        match $crate::exec::kinds($insn) {
            0 => $body$(::$path)*::<$($($fixed,)*)? 0>,
            1 => $body$(::$path)*::<$($($fixed,)*)? 1>,
            2 => $body$(::$path)*::<$($($fixed,)*)? 2>,
            3 => $body$(::$path)*::<$($($fixed,)*)? 3>,
            4 => $body$(::$path)*::<$($($fixed,)*)? 4>,
            5 => $body$(::$path)*::<$($($fixed,)*)? 5>,
            6 => $body$(::$path)*::<$($($fixed,)*)? 6>,
            _ => $body$(::$path)*::<$($($fixed,)*)? 7>,
        }
    };
}

mod alu;
mod branch;
mod cmp;
pub(crate) mod fp;
mod mem;
pub(crate) mod regs;
pub(crate) mod system;

use crate::cpu::{Cpu, Exit};
use crate::fault::{Fault, Stop};
use crate::insn::Insn;
use crate::op::Op;
use crate::state::gr::{R1_STACKED, R2_STACKED, R3_STACKED};

/// Which of the register fields name stacked registers: see [`R1_STACKED`] and its neighbours.
fn kinds(i: &Insn) -> u8 {
    let bit = |register: u8, bit: u8| if register >= 32 { bit } else { 0 };
    bit(i.r1, R1_STACKED) | bit(i.r2, R2_STACKED) | bit(i.r3, R3_STACKED)
}

/// What a body returns: nothing, or why straight-line execution stops here.
pub(crate) type Done = Result<(), Stop>;

/// The body of an operation.
pub(crate) type Handler = fn(&mut Cpu, &Insn) -> Done;

/// An encoding that is an illegal operation, or an instruction whose operands are.
pub(crate) fn illegal(_: &mut Cpu, _: &Insn) -> Done {
    Err(Fault::ILLEGAL_OPERATION.into())
}

/// Stands where a breakpoint is: gives control back before the instruction there runs.
pub(crate) fn leave_for_breakpoint(cpu: &mut Cpu, _: &Insn) -> Done {
    cpu.exit = Exit::Debug;
    Err(Stop::EXIT)
}

/// The body for `i`: exhaustive, so that no operation of the table lacks one.
#[rustfmt::skip] // One line an operation, in the order of `Op`.
pub(crate) fn select(i: &Insn) -> Handler {
    match i.op {
        Op::Add => specialised!(i, alu::add),
        Op::Add1 => specialised!(i, alu::add1),
        Op::Sub => specialised!(i, alu::sub),
        Op::Sub1 => specialised!(i, alu::sub1),
        Op::Addp4 => specialised!(i, alu::addp4),
        Op::And => specialised!(i, alu::and),
        Op::Andcm => specialised!(i, alu::andcm),
        Op::Or => specialised!(i, alu::or),
        Op::Xor => specialised!(i, alu::xor),
        Op::Shladd => specialised!(i, alu::shladd),
        Op::Shladdp4 => specialised!(i, alu::shladdp4),
        Op::SubImm => specialised!(i, alu::sub_imm),
        Op::AndImm => specialised!(i, alu::and_imm),
        Op::AndcmImm => specialised!(i, alu::andcm_imm),
        Op::OrImm => specialised!(i, alu::or_imm),
        Op::XorImm => specialised!(i, alu::xor_imm),
        Op::AddImm if i.r3 == 0 => specialised!(i, alu::load_immediate),
        Op::AddImm if i.imm == 0 => specialised!(i, alu::copy),
        Op::AddImm => specialised!(i, alu::add_imm),
        Op::Addp4Imm => specialised!(i, alu::addp4_imm),
        Op::Cmp | Op::Cmp4 | Op::CmpImm | Op::Cmp4Imm => cmp::select(i),
        Op::Padd => specialised!(i, alu::padd),
        Op::Psub => specialised!(i, alu::psub),
        Op::Pavg => specialised!(i, alu::pavg),
        Op::Pavgsub => specialised!(i, alu::pavgsub),
        Op::PcmpEq => specialised!(i, alu::pcmp_eq),
        Op::PcmpGt => specialised!(i, alu::pcmp_gt),
        Op::Pshladd2 => specialised!(i, alu::pshladd2),
        Op::Pshradd2 => specialised!(i, alu::pshradd2),
        Op::Pmpyshr2 => specialised!(i, alu::pmpyshr2),
        Op::Pmpy2R => specialised!(i, alu::pmpy2_r),
        Op::Pmpy2L => specialised!(i, alu::pmpy2_l),
        Op::MixR => specialised!(i, alu::mix_r),
        Op::MixL => specialised!(i, alu::mix_l),
        Op::PackUss => specialised!(i, alu::pack_uss),
        Op::PackSss => specialised!(i, alu::pack_sss),
        Op::UnpackH => specialised!(i, alu::unpack_h),
        Op::UnpackL => specialised!(i, alu::unpack_l),
        Op::Pmin => specialised!(i, alu::pmin),
        Op::Pmax => specialised!(i, alu::pmax),
        Op::Psad1 => specialised!(i, alu::psad1),
        Op::Mux1 => specialised!(i, alu::mux1),
        Op::Mux2 => specialised!(i, alu::mux2),
        Op::Pshr => specialised!(i, alu::pshr),
        Op::PshrImm => specialised!(i, alu::pshr_imm),
        Op::Pshl => specialised!(i, alu::pshl),
        Op::PshlImm => specialised!(i, alu::pshl_imm),
        Op::Popcnt => specialised!(i, alu::popcnt),
        Op::Clz => specialised!(i, alu::clz),
        Op::Mpy4 => specialised!(i, alu::mpy4),
        Op::Mpyshl4 => specialised!(i, alu::mpyshl4),
        Op::Shr => specialised!(i, alu::shr),
        Op::ShrU => specialised!(i, alu::shr_u),
        Op::Shl => specialised!(i, alu::shl),
        Op::Shrp => specialised!(i, alu::shrp),
        Op::Extr => specialised!(i, alu::extr),
        Op::ExtrU => specialised!(i, alu::extr_u),
        Op::DepZ => specialised!(i, alu::dep_z),
        Op::DepZImm => specialised!(i, alu::load_immediate),
        Op::DepImm => specialised!(i, alu::dep_imm),
        Op::Dep => specialised!(i, alu::dep),
        Op::TbitZ | Op::TnatZ | Op::TfZ => cmp::select_test(i),
        Op::Sxt => match i.x1 { 1 => specialised!(i, alu::sxt1), 2 => specialised!(i, alu::sxt2), _ => specialised!(i, alu::sxt4) },
        Op::Zxt => match i.x1 { 1 => specialised!(i, alu::zxt1), 2 => specialised!(i, alu::zxt2), _ => specialised!(i, alu::zxt4) },
        Op::CzxL => specialised!(i, alu::czx_l),
        Op::CzxR => specialised!(i, alu::czx_r),
        Op::Nop | Op::Brp => regs::nop,
        Op::Hint => regs::hint,
        Op::Break => system::break_,
        Op::MovToBr => regs::mov_to_br,
        Op::MovFromBr => regs::mov_from_br,
        Op::MovToPr => regs::mov_to_pr,
        Op::MovToPrRot => regs::mov_to_pr_rot,
        Op::MovFromPr => regs::mov_from_pr,
        Op::MovFromIp => regs::mov_from_ip,
        Op::MovToAr | Op::MovToArImm | Op::MovFromAr if !regs::reaches_ar(i) => illegal,
        Op::MovToAr => regs::mov_to_ar,
        Op::MovToArImm => regs::mov_to_ar_imm,
        Op::MovFromAr => regs::mov_from_ar,
        Op::MovToCr => system::mov_to_cr,
        Op::MovFromCr => system::mov_from_cr,
        Op::MovToPsrL => system::mov_to_psr_l,
        Op::MovToPsrUm => system::mov_to_psr_um,
        Op::MovFromPsr => system::mov_from_psr,
        Op::MovFromPsrUm => system::mov_from_psr_um,
        Op::MovToInd => system::mov_to_ind,
        Op::MovFromInd => system::mov_from_ind,
        Op::Ld | Op::LdReg | Op::LdImm => mem::select_ld(i),
        Op::Ld16 => mem::ld16,
        Op::St | Op::StImm => mem::select_st(i),
        Op::St16 => mem::st16,
        Op::Ldf | Op::LdfReg | Op::LdfImm => mem::select_ldf(i),
        Op::Stf | Op::StfImm => mem::select_stf(i),
        Op::Ldfp | Op::LdfpImm => mem::select_ldfp(i),
        Op::Lfetch | Op::LfetchReg | Op::LfetchImm => mem::select_lfetch(i),
        Op::Cmpxchg => mem::cmpxchg,
        Op::Cmp8xchg16 => mem::cmp8xchg16,
        Op::Xchg => mem::xchg,
        Op::Fetchadd => mem::fetchadd,
        Op::Setf => fp::setf,
        Op::Getf => fp::getf,
        Op::ChkS => branch::chk_s,
        Op::ChkSF => branch::chk_s_f,
        Op::ChkA => branch::chk_a,
        Op::ChkAF => branch::chk_a_f,
        Op::Invala => regs::invala,
        Op::InvalaE => regs::invala_e,
        Op::InvalaEF => regs::invala_e_f,
        Op::Fwb => system::fwb,
        Op::Mf => system::mf,
        Op::MfA => system::mf_a,
        Op::SrlzD => system::srlz_d,
        Op::SrlzI => system::srlz_i,
        Op::SyncI => system::sync_i,
        Op::Flushrs => regs::flushrs,
        Op::Loadrs => regs::loadrs,
        Op::Fc => system::fc,
        Op::PtcE => system::ptc_e,
        Op::Alloc => regs::alloc,
        Op::ProbeR => system::probe_r,
        Op::ProbeW => system::probe_w,
        Op::ProbeRImm => system::probe_r_imm,
        Op::ProbeWImm => system::probe_w_imm,
        Op::ProbeFault => system::probe_fault,
        Op::ItcD => system::itc_d,
        Op::ItcI => system::itc_i,
        Op::ItrD => system::itr_d,
        Op::ItrI => system::itr_i,
        Op::PtcL => system::ptc_l,
        Op::PtcG => system::ptc_g,
        Op::PtcGa => system::ptc_ga,
        Op::PtrD => system::ptr_d,
        Op::PtrI => system::ptr_i,
        Op::Thash => system::thash,
        Op::Ttag => system::ttag,
        Op::Tpa => system::tpa,
        Op::Tak => system::tak,
        Op::Sum => system::sum,
        Op::Rum => system::rum,
        Op::Ssm => system::ssm,
        Op::Rsm => system::rsm,
        Op::Vmsw => system::vmsw,
        Op::BrCond | Op::BrlCond => branch::cond,
        Op::BrWexit => branch::wexit,
        Op::BrWtop => branch::wtop,
        Op::BrCloop => branch::cloop,
        Op::BrCexit => branch::cexit,
        Op::BrCtop => branch::ctop,
        Op::BrCall | Op::BrlCall => branch::call,
        Op::BrInd => branch::cond_indirect,
        Op::BrIa => branch::ia,
        Op::BrRet => branch::ret,
        Op::BrCallInd => branch::call_indirect,
        Op::Cover => regs::cover,
        Op::Clrrrb => branch::clrrrb,
        Op::ClrrrbPr => branch::clrrrb_pr,
        Op::Rfi => system::rfi,
        Op::Bsw => system::bsw,
        Op::Epc => system::epc,
        Op::Movl => specialised!(i, alu::load_immediate),
        Op::Fma | Op::Fms | Op::Fnma => fp::select_multiply_add(i),
        Op::Fpma => fp::fpma,
        Op::Fpms => fp::fpms,
        Op::Fpnma => fp::fpnma,
        Op::XmaL => fp::xma_l,
        Op::XmaH => fp::xma_h,
        Op::XmaHu => fp::xma_hu,
        Op::Fselect => fp::fselect,
        Op::Fcmp => fp::fcmp,
        Op::Fclass => fp::fclass,
        Op::Frcpa => fp::frcpa,
        Op::Fprcpa => fp::fprcpa,
        Op::Frsqrta => fp::frsqrta,
        Op::Fprsqrta => fp::fprsqrta,
        Op::Fmin => fp::fmin,
        Op::Fmax => fp::fmax,
        Op::Famin => fp::famin,
        Op::Famax => fp::famax,
        Op::Fpmin => fp::fpmin,
        Op::Fpmax => fp::fpmax,
        Op::Fpamin => fp::fpamin,
        Op::Fpamax => fp::fpamax,
        Op::Fpcmp => fp::fpcmp,
        Op::FmergeS => fp::fmerge_s,
        Op::FmergeNs => fp::fmerge_ns,
        Op::FmergeSe => fp::fmerge_se,
        Op::FmixLr => fp::fmix_lr,
        Op::FmixR => fp::fmix_r,
        Op::FmixL => fp::fmix_l,
        Op::FsxtR => fp::fsxt_r,
        Op::FsxtL => fp::fsxt_l,
        Op::Fpack => fp::fpack,
        Op::Fswap => fp::fswap,
        Op::FswapNl => fp::fswap_nl,
        Op::FswapNr => fp::fswap_nr,
        Op::Fand => fp::fand,
        Op::Fandcm => fp::fandcm,
        Op::For => fp::for_,
        Op::Fxor => fp::fxor,
        Op::FpmergeS => fp::fpmerge_s,
        Op::FpmergeNs => fp::fpmerge_ns,
        Op::FpmergeSe => fp::fpmerge_se,
        Op::FcvtFx => fp::fcvt_fx,
        Op::FcvtXf => fp::fcvt_xf,
        Op::Fpcvt => fp::fpcvt,
        Op::Fsetc => fp::fsetc,
        Op::Fclrf => fp::fclrf,
        Op::Fchkf => branch::fchkf,
    }
}

//! Compares and bit tests: everything that writes predicates. SDM volume 3, "cmp", "tbit", "tnat", "tf".

use crate::cpu::Cpu;
use crate::exec::{Done, Handler};
use crate::insn::Insn;
use crate::op::{CmpType, Op, Rel};
use crate::state::gr::{ANY_KIND, R2_STACKED, R3_STACKED};

impl Cpu {
    /// Writes predicate `p`; p0 stays set.
    #[inline]
    pub(crate) fn set_pr(&mut self, p: u8, value: bool) {
        self.pr = self.pr & !(1 << p) | (value as u64) << p | 1;
    }

    /// Is predicate `p` set?
    #[inline]
    pub(crate) fn pr(&self, p: u8) -> bool {
        self.pr >> p & 1 != 0
    }
}

const NORMAL: u8 = CmpType::Normal as u8;
const UNC: u8 = CmpType::Unc as u8;
const AND: u8 = CmpType::And as u8;
const OR: u8 = CmpType::Or as u8;
const OR_ANDCM: u8 = CmpType::OrAndcm as u8;

/// Writes the two targets. `nat` is the NaT of any source.
#[inline(always)]
fn write<const TYPE: u8>(cpu: &mut Cpu, i: &Insn, relation: bool, nat: bool) {
    match TYPE {
        NORMAL | UNC => {
            // Both targets in one update: they differ, since equal ones are an illegal operation.
            let cleared = cpu.pr & !(1 << i.p1 | 1 << i.p2);
            let set = (relation as u64) << i.p1 | (!relation as u64) << i.p2;
            cpu.pr = cleared | if nat { 0 } else { set } | 1;
        }
        AND => {
            if nat || !relation {
                cpu.pr = cpu.pr & !(1 << i.p1 | 1 << i.p2) | 1;
            }
        }
        OR => {
            if !nat && relation {
                cpu.pr |= 1 << i.p1 | 1 << i.p2;
            }
        }
        _ => {
            if !nat && relation {
                cpu.pr = cpu.pr & !(1 << i.p2) | 1 << i.p1 | 1;
            }
        }
    }
}

#[inline(always)]
fn holds<const REL: u8>(a: i64, b: i64) -> bool {
    const EQ: u8 = Rel::Eq as u8;
    const NE: u8 = Rel::Ne as u8;
    const LT: u8 = Rel::Lt as u8;
    const LTU: u8 = Rel::Ltu as u8;
    const GT: u8 = Rel::Gt as u8;
    const GE: u8 = Rel::Ge as u8;
    match REL {
        EQ => a == b,
        NE => a != b,
        LT => a < b,
        LTU => (a as u64) < b as u64,
        GT => a > b,
        GE => a >= b,
        _ => a <= b,
    }
}

/// For `.unc` forms that look at their qualifying predicate themselves: clears the targets when it is clear.
#[inline(always)]
fn unc_and_skip<const TYPE: u8>(cpu: &mut Cpu, i: &Insn) -> bool {
    if TYPE == UNC && !cpu.pr(i.qp) {
        cpu.pr = cpu.pr & !(1 << i.p1 | 1 << i.p2) | 1;
        return true;
    }
    false
}

fn compare<const REL: u8, const TYPE: u8, const IMM: bool, const FOUR: bool, const KINDS: u8>(
    cpu: &mut Cpu,
    i: &Insn,
) -> Done {
    if unc_and_skip::<TYPE>(cpu, i) {
        return Ok(());
    }
    let y = cpu.gr.get_known::<KINDS, R3_STACKED>(i.r3);
    let (a, nat) = if IMM {
        (i.imm, y.nat)
    } else {
        let x = cpu.gr.get_known::<KINDS, R2_STACKED>(i.r2);
        (x.value as i64, x.nat | y.nat)
    };
    let (a, b) = if FOUR { (a as i32 as i64, y.value as i32 as i64) } else { (a, y.value as i64) };
    // Sign extension keeps the order of 32-bit unsigned numbers too.
    write::<TYPE>(cpu, i, holds::<REL>(a, b), nat != 0);
    Ok(())
}

fn by_type<const REL: u8, const IMM: bool, const FOUR: bool>(i: &Insn) -> Handler {
    match i.x2 {
        NORMAL => specialised!(i, compare::<REL, NORMAL, IMM, FOUR>),
        UNC => compare::<REL, UNC, IMM, FOUR, ANY_KIND>,
        AND => compare::<REL, AND, IMM, FOUR, ANY_KIND>,
        OR => compare::<REL, OR, IMM, FOUR, ANY_KIND>,
        _ => compare::<REL, OR_ANDCM, IMM, FOUR, ANY_KIND>,
    }
}

fn by_relation<const IMM: bool, const FOUR: bool>(i: &Insn) -> Handler {
    match i.x1 {
        0 => by_type::<0, IMM, FOUR>(i),
        1 => by_type::<1, IMM, FOUR>(i),
        2 => by_type::<2, IMM, FOUR>(i),
        3 => by_type::<3, IMM, FOUR>(i),
        4 => by_type::<4, IMM, FOUR>(i),
        5 => by_type::<5, IMM, FOUR>(i),
        _ => by_type::<6, IMM, FOUR>(i),
    }
}

/// The body of an integer compare, specialised by relation, type, width and operand kind.
pub(super) fn select(i: &Insn) -> Handler {
    match i.op {
        Op::Cmp => by_relation::<false, false>(i),
        Op::Cmp4 => by_relation::<false, true>(i),
        Op::CmpImm => by_relation::<true, false>(i),
        _ => by_relation::<true, true>(i),
    }
}

/// What `tbit`, `tnat` and `tf` test.
#[inline(always)]
fn tested(cpu: &Cpu, i: &Insn) -> (bool, bool) {
    match i.op {
        Op::TbitZ => {
            let x = cpu.gr.get(i.r3);
            (x.value >> i.imm & 1 != 0, x.is_nat())
        }
        Op::TnatZ => (cpu.gr.get(i.r3).is_nat(), false),
        // `tf` tests feature bits 63:32 of CPUID[4].
        _ => (cpu.config.cpuid[4] >> i.imm & 1 != 0, false),
    }
}

fn test<const TYPE: u8>(cpu: &mut Cpu, i: &Insn) -> Done {
    if unc_and_skip::<TYPE>(cpu, i) {
        return Ok(());
    }
    let (bit, nat) = tested(cpu, i);
    write::<TYPE>(cpu, i, bit == (i.x1 != 0), nat);
    Ok(())
}

/// The body of a bit test, specialised by type.
pub(super) fn select_test(i: &Insn) -> Handler {
    match i.x2 {
        NORMAL => test::<NORMAL>,
        UNC => test::<UNC>,
        AND => test::<AND>,
        OR => test::<OR>,
        _ => test::<OR_ANDCM>,
    }
}

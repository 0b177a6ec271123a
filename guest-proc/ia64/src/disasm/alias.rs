//! Pseudo-operations: the names that objdump prefers for some encodings. The first one that fits is taken.

use crate::insn::Insn;
use crate::op::Op;
use crate::table::Row;

/// Another way to write some encodings of an operation.
struct Alias {
    op: Op,
    /// What the row's mnemonic must begin with, and what is written instead.
    replaces: &'static str,
    name: &'static str,
    operands: &'static str,
    when: fn(&Insn) -> bool,
}

const fn alias(
    op: Op,
    replaces: &'static str,
    name: &'static str,
    operands: &'static str,
    when: fn(&Insn) -> bool,
) -> Alias {
    Alias { op, replaces, name, operands, when }
}

/// A branch that is always executed and statically predicted taken.
fn is_plain_branch(insn: &Insn) -> bool {
    insn.qp == 0 && insn.hints & 3 == 0
}

fn reaches_bit_63(insn: &Insn) -> bool {
    insn.imm + i64::from(insn.x1) == 64
}

fn adds_zero(insn: &Insn) -> bool {
    insn.r2 == 0
}

fn multiplies_by_one(insn: &Insn) -> bool {
    insn.r4 == 1
}

fn has_equal_sources(insn: &Insn) -> bool {
    insn.r2 == insn.r3
}

fn has_positive_sign(insn: &Insn) -> bool {
    insn.r2 == 0
}

#[rustfmt::skip] // One alias a line.
const ALIASES: &[Alias] = &[
    alias(Op::AddImm,    "adds",      "mov",    "r1 = r3",            |insn| insn.imm == 0),
    alias(Op::AddImm,    "addl",      "mov",    "r1 = imm22",         |insn| insn.r3 == 0),
    alias(Op::DepZ,      "dep.z",     "shl",    "r1 = r2, pos6",      reaches_bit_63),
    alias(Op::Extr,      "extr",      "shr",    "r1 = r3, pos6",      reaches_bit_63),
    alias(Op::ExtrU,     "extr",      "shr",    "r1 = r3, pos6",      reaches_bit_63),
    alias(Op::MovToBr,   "mov",       "mov",    "b1 = r2",            |insn| insn.x1 == 0 && insn.hints == 1),
    alias(Op::Alloc,     "alloc",     "alloc",  "r1 = ar.pfs, i, l, o", |_| true),
    alias(Op::BrCond,    "br.cond",   "br",     "target25",           is_plain_branch),
    alias(Op::BrInd,     "br.cond",   "br",     "b2",                 is_plain_branch),
    alias(Op::BrlCond,   "brl.cond",  "brl",    "target64",           is_plain_branch),
    alias(Op::Fma,       "fma",       "fnorm",  "f1 = f3",            |insn| multiplies_by_one(insn) && adds_zero(insn)),
    alias(Op::Fma,       "fma",       "fadd",   "f1 = f3, f2",        multiplies_by_one),
    alias(Op::Fma,       "fma",       "fmpy",   "f1 = f3, f4",        adds_zero),
    alias(Op::Fms,       "fms",       "fsub",   "f1 = f3, f2",        multiplies_by_one),
    alias(Op::Fnma,      "fnma",      "fnmpy",  "f1 = f3, f4",        adds_zero),
    alias(Op::Fpma,      "fpma",      "fpmpy",  "f1 = f3, f4",        adds_zero),
    alias(Op::Fpnma,     "fpnma",     "fpnmpy", "f1 = f3, f4",        adds_zero),
    alias(Op::XmaL,      "xma",       "xmpy",   "f1 = f3, f4",        adds_zero),
    alias(Op::XmaH,      "xma",       "xmpy",   "f1 = f3, f4",        adds_zero),
    alias(Op::XmaHu,     "xma",       "xmpy",   "f1 = f3, f4",        adds_zero),
    alias(Op::FmergeS,   "fmerge.s",  "mov",    "f1 = f3",            has_equal_sources),
    alias(Op::FmergeS,   "fmerge.s",  "fabs",   "f1 = f3",            has_positive_sign),
    alias(Op::FmergeNs,  "fmerge.ns", "fneg",   "f1 = f3",            has_equal_sources),
    alias(Op::FmergeNs,  "fmerge.ns", "fnegabs", "f1 = f3",           has_positive_sign),
    alias(Op::FpmergeS,  "fpmerge.s", "fpabs",  "f1 = f3",            has_positive_sign),
    alias(Op::FpmergeNs, "fpmerge.ns", "fpneg", "f1 = f3",            has_equal_sources),
    alias(Op::FpmergeNs, "fpmerge.ns", "fpnegabs", "f1 = f3",         has_positive_sign),
];

/// How an instruction is written: its mnemonic in two parts, and its operands.
pub(super) struct Written {
    pub(super) name: &'static str,
    pub(super) completers: &'static str,
    pub(super) operands: &'static str,
}

/// How to write `insn`, an instruction of `row`.
pub(super) fn of(row: &'static Row, insn: &Insn) -> Written {
    let own = Written { name: row.name, completers: "", operands: row.operands.text };
    ALIASES
        .iter()
        .filter(|alias| alias.op == row.op && (alias.when)(insn))
        .find_map(|alias| {
            let completers = row.name.strip_prefix(alias.replaces)?;
            Some(Written { name: alias.name, completers, operands: alias.operands })
        })
        .unwrap_or(own)
}

//! Floating-point instructions. SDM volume 3, section 4.6. The status field (`.s0`..`.s3`) is part of the format.

use super::Format::{F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13, F14, F15, F16};
use super::{Bits, Row, major, row};
use crate::op::{FpRel, Op, Precision};

/// F1.
const fn arithmetic(opcode: u64, x: u64) -> Bits {
    major(opcode).at(36, 1, x)
}

/// F2: fixed-point multiply.
const fn fixed(x2: u64) -> Bits {
    major(0xe).at(36, 1, 1).at(34, 2, x2)
}

/// F4.
const fn compare(ra: u64, rb: u64, ta: u64) -> Bits {
    major(4).at(33, 1, ra).at(36, 1, rb).at(12, 1, ta)
}

/// F6 and F7.
const fn approximate(opcode: u64, q: u64) -> Bits {
    major(opcode).at(33, 1, 1).at(36, 1, q)
}

/// F8 to F16; major opcode 1 is the parallel form.
const fn misc(opcode: u64, x6: u64) -> Bits {
    major(opcode).at(33, 1, 0).at(27, 6, x6)
}

/// Bits of `x1` of the conversions to integers.
const UNSIGNED: u8 = 1;
const TRUNCATE: u8 = 2;

impl Row {
    const fn rounds_to(self, precision: Precision) -> Self {
        self.x1(precision as u8)
    }

    const fn tests_for(self, relation: FpRel) -> Self {
        self.x1(relation as u8)
    }
}

#[rustfmt::skip] // One instruction a line.
pub(super) const ROWS: &[Row] = &[
    row(F1, "fma",             arithmetic(0x8, 0), "f1 = f3, f4, f2", Op::Fma).rounds_to(Precision::Dynamic),
    row(F1, "fma.s",           arithmetic(0x8, 1), "f1 = f3, f4, f2", Op::Fma).rounds_to(Precision::S),
    row(F1, "fma.d",           arithmetic(0x9, 0), "f1 = f3, f4, f2", Op::Fma).rounds_to(Precision::D),
    row(F1, "fpma",            arithmetic(0x9, 1), "f1 = f3, f4, f2", Op::Fpma),
    row(F1, "fms",             arithmetic(0xa, 0), "f1 = f3, f4, f2", Op::Fms).rounds_to(Precision::Dynamic),
    row(F1, "fms.s",           arithmetic(0xa, 1), "f1 = f3, f4, f2", Op::Fms).rounds_to(Precision::S),
    row(F1, "fms.d",           arithmetic(0xb, 0), "f1 = f3, f4, f2", Op::Fms).rounds_to(Precision::D),
    row(F1, "fpms",            arithmetic(0xb, 1), "f1 = f3, f4, f2", Op::Fpms),
    row(F1, "fnma",            arithmetic(0xc, 0), "f1 = f3, f4, f2", Op::Fnma).rounds_to(Precision::Dynamic),
    row(F1, "fnma.s",          arithmetic(0xc, 1), "f1 = f3, f4, f2", Op::Fnma).rounds_to(Precision::S),
    row(F1, "fnma.d",          arithmetic(0xd, 0), "f1 = f3, f4, f2", Op::Fnma).rounds_to(Precision::D),
    row(F1, "fpnma",           arithmetic(0xd, 1), "f1 = f3, f4, f2", Op::Fpnma),
    row(F2, "xma.l",           fixed(0),           "f1 = f3, f4, f2", Op::XmaL),
    row(F2, "xma.h",           fixed(3),           "f1 = f3, f4, f2", Op::XmaH),
    row(F2, "xma.hu",          fixed(2),           "f1 = f3, f4, f2", Op::XmaHu),
    row(F3, "fselect",         arithmetic(0xe, 0), "f1 = f3, f4, f2", Op::Fselect),
    row(F4, "fcmp.eq",         compare(0, 0, 0),   "p1, p2 = f2, f3", Op::Fcmp).tests_for(FpRel::Eq),
    row(F4, "fcmp.lt",         compare(0, 1, 0),   "p1, p2 = f2, f3", Op::Fcmp).tests_for(FpRel::Lt),
    row(F4, "fcmp.le",         compare(1, 0, 0),   "p1, p2 = f2, f3", Op::Fcmp).tests_for(FpRel::Le),
    row(F4, "fcmp.unord",      compare(1, 1, 0),   "p1, p2 = f2, f3", Op::Fcmp).tests_for(FpRel::Unord),
    row(F4, "fcmp.eq.unc",     compare(0, 0, 1),   "p1, p2 = f2, f3", Op::Fcmp).tests_for(FpRel::Eq).reads_qp(),
    row(F4, "fcmp.lt.unc",     compare(0, 1, 1),   "p1, p2 = f2, f3", Op::Fcmp).tests_for(FpRel::Lt).reads_qp(),
    row(F4, "fcmp.le.unc",     compare(1, 0, 1),   "p1, p2 = f2, f3", Op::Fcmp).tests_for(FpRel::Le).reads_qp(),
    row(F4, "fcmp.unord.unc",  compare(1, 1, 1),   "p1, p2 = f2, f3", Op::Fcmp).tests_for(FpRel::Unord).reads_qp(),
    row(F5, "fclass.m",        major(5).at(12, 1, 0), "p1, p2 = f2, fclass9", Op::Fclass).x1(0),
    row(F5, "fclass.m.unc",    major(5).at(12, 1, 1), "p1, p2 = f2, fclass9", Op::Fclass).x1(1).reads_qp(),
    row(F6, "frcpa",           approximate(0, 0),  "f1, p2 = f2, f3", Op::Frcpa).reads_qp(),
    row(F6, "fprcpa",          approximate(1, 0),  "f1, p2 = f2, f3", Op::Fprcpa).reads_qp(),
    row(F7, "frsqrta",         approximate(0, 1),  "f1, p2 = f3",     Op::Frsqrta).reads_qp(),
    row(F7, "fprsqrta",        approximate(1, 1),  "f1, p2 = f3",     Op::Fprsqrta).reads_qp(),
    row(F8, "fmin",            misc(0, 0x14),      "f1 = f2, f3",     Op::Fmin),
    row(F8, "fmax",            misc(0, 0x15),      "f1 = f2, f3",     Op::Fmax),
    row(F8, "famin",           misc(0, 0x16),      "f1 = f2, f3",     Op::Famin),
    row(F8, "famax",           misc(0, 0x17),      "f1 = f2, f3",     Op::Famax),
    row(F8, "fpmin",           misc(1, 0x14),      "f1 = f2, f3",     Op::Fpmin),
    row(F8, "fpmax",           misc(1, 0x15),      "f1 = f2, f3",     Op::Fpmax),
    row(F8, "fpamin",          misc(1, 0x16),      "f1 = f2, f3",     Op::Fpamin),
    row(F8, "fpamax",          misc(1, 0x17),      "f1 = f2, f3",     Op::Fpamax),
    row(F8, "fpcmp.eq",        misc(1, 0x30),      "f1 = f2, f3",     Op::Fpcmp).tests_for(FpRel::Eq),
    row(F8, "fpcmp.lt",        misc(1, 0x31),      "f1 = f2, f3",     Op::Fpcmp).tests_for(FpRel::Lt),
    row(F8, "fpcmp.le",        misc(1, 0x32),      "f1 = f2, f3",     Op::Fpcmp).tests_for(FpRel::Le),
    row(F8, "fpcmp.unord",     misc(1, 0x33),      "f1 = f2, f3",     Op::Fpcmp).tests_for(FpRel::Unord),
    row(F8, "fpcmp.neq",       misc(1, 0x34),      "f1 = f2, f3",     Op::Fpcmp).tests_for(FpRel::Neq),
    row(F8, "fpcmp.nlt",       misc(1, 0x35),      "f1 = f2, f3",     Op::Fpcmp).tests_for(FpRel::Nlt),
    row(F8, "fpcmp.nle",       misc(1, 0x36),      "f1 = f2, f3",     Op::Fpcmp).tests_for(FpRel::Nle),
    row(F8, "fpcmp.ord",       misc(1, 0x37),      "f1 = f2, f3",     Op::Fpcmp).tests_for(FpRel::Ord),
    row(F9, "fmerge.s",        misc(0, 0x10),      "f1 = f2, f3",     Op::FmergeS),
    row(F9, "fmerge.ns",       misc(0, 0x11),      "f1 = f2, f3",     Op::FmergeNs),
    row(F9, "fmerge.se",       misc(0, 0x12),      "f1 = f2, f3",     Op::FmergeSe),
    row(F9, "fmix.lr",         misc(0, 0x39),      "f1 = f2, f3",     Op::FmixLr),
    row(F9, "fmix.r",          misc(0, 0x3a),      "f1 = f2, f3",     Op::FmixR),
    row(F9, "fmix.l",          misc(0, 0x3b),      "f1 = f2, f3",     Op::FmixL),
    row(F9, "fsxt.r",          misc(0, 0x3c),      "f1 = f2, f3",     Op::FsxtR),
    row(F9, "fsxt.l",          misc(0, 0x3d),      "f1 = f2, f3",     Op::FsxtL),
    row(F9, "fpack",           misc(0, 0x28),      "f1 = f2, f3",     Op::Fpack),
    row(F9, "fswap",           misc(0, 0x34),      "f1 = f2, f3",     Op::Fswap),
    row(F9, "fswap.nl",        misc(0, 0x35),      "f1 = f2, f3",     Op::FswapNl),
    row(F9, "fswap.nr",        misc(0, 0x36),      "f1 = f2, f3",     Op::FswapNr),
    row(F9, "fand",            misc(0, 0x2c),      "f1 = f2, f3",     Op::Fand),
    row(F9, "fandcm",          misc(0, 0x2d),      "f1 = f2, f3",     Op::Fandcm),
    row(F9, "for",             misc(0, 0x2e),      "f1 = f2, f3",     Op::For),
    row(F9, "fxor",            misc(0, 0x2f),      "f1 = f2, f3",     Op::Fxor),
    row(F9, "fpmerge.s",       misc(1, 0x10),      "f1 = f2, f3",     Op::FpmergeS),
    row(F9, "fpmerge.ns",      misc(1, 0x11),      "f1 = f2, f3",     Op::FpmergeNs),
    row(F9, "fpmerge.se",      misc(1, 0x12),      "f1 = f2, f3",     Op::FpmergeSe),
    row(F10, "fcvt.fx",        misc(0, 0x18),      "f1 = f2",         Op::FcvtFx).x1(0),
    row(F10, "fcvt.fxu",       misc(0, 0x19),      "f1 = f2",         Op::FcvtFx).x1(UNSIGNED),
    row(F10, "fcvt.fx.trunc",  misc(0, 0x1a),      "f1 = f2",         Op::FcvtFx).x1(TRUNCATE),
    row(F10, "fcvt.fxu.trunc", misc(0, 0x1b),      "f1 = f2",         Op::FcvtFx).x1(UNSIGNED | TRUNCATE),
    row(F10, "fpcvt.fx",       misc(1, 0x18),      "f1 = f2",         Op::Fpcvt).x1(0),
    row(F10, "fpcvt.fxu",      misc(1, 0x19),      "f1 = f2",         Op::Fpcvt).x1(UNSIGNED),
    row(F10, "fpcvt.fx.trunc", misc(1, 0x1a),      "f1 = f2",         Op::Fpcvt).x1(TRUNCATE),
    row(F10, "fpcvt.fxu.trunc", misc(1, 0x1b),     "f1 = f2",         Op::Fpcvt).x1(UNSIGNED | TRUNCATE),
    row(F11, "fcvt.xf",        misc(0, 0x1c),      "f1 = f2",         Op::FcvtXf),
    row(F12, "fsetc",          misc(0, 0x04),      "amask7, omask7",  Op::Fsetc),
    row(F13, "fclrf",          misc(0, 0x05),      "",                Op::Fclrf),
    row(F14, "fchkf",          misc(0, 0x08),      "target25",        Op::Fchkf).ends_block(),
    row(F15, "break.f",        misc(0, 0x00),      "imm21",           Op::Break).ends_block(),
    row(F16, "nop.f",          misc(0, 0x01).at(26, 1, 0), "imm21",   Op::Nop),
    row(F16, "hint.f",         misc(0, 0x01).at(26, 1, 1), "imm21",   Op::Hint),
];

//! Integer ALU: instructions that the M and the I unit execute. SDM volume 3, section 4.2.

use super::Format::{A1, A2, A3, A4, A5, A6, A7, A8, A9, A10};
use super::{Bits, Row, major, row};
use crate::op::{CmpType, Op, Rel, Saturation};

/// A1 and A3.
const fn alu(x4: u64, x2b: u64) -> Bits {
    alu_wide(x4).at(27, 2, x2b)
}

/// A2, whose bits 28:27 are a count.
const fn alu_wide(x4: u64) -> Bits {
    major(8).at(34, 2, 0).at(33, 1, 0).at(29, 4, x4)
}

/// A4.
const fn imm14(x2a: u64) -> Bits {
    major(8).at(34, 2, x2a).at(33, 1, 0)
}

#[rustfmt::skip] // One instruction a line.
pub(super) const INTEGER: &[Row] = &[
    row(A1, "add",      alu(0x0, 0),     "r1 = r2, r3",         Op::Add),
    row(A1, "add",      alu(0x0, 1),     "r1 = r2, r3, 1",      Op::Add1),
    row(A1, "sub",      alu(0x1, 1),     "r1 = r2, r3",         Op::Sub),
    row(A1, "sub",      alu(0x1, 0),     "r1 = r2, r3, 1",      Op::Sub1),
    row(A1, "addp4",    alu(0x2, 0),     "r1 = r2, r3",         Op::Addp4),
    row(A1, "and",      alu(0x3, 0),     "r1 = r2, r3",         Op::And),
    row(A1, "andcm",    alu(0x3, 1),     "r1 = r2, r3",         Op::Andcm),
    row(A1, "or",       alu(0x3, 2),     "r1 = r2, r3",         Op::Or),
    row(A1, "xor",      alu(0x3, 3),     "r1 = r2, r3",         Op::Xor),
    row(A2, "shladd",   alu_wide(0x4),   "r1 = r2, count2, r3", Op::Shladd),
    row(A2, "shladdp4", alu_wide(0x6),   "r1 = r2, count2, r3", Op::Shladdp4),
    row(A3, "sub",      alu(0x9, 1),     "r1 = imm8, r3",       Op::SubImm),
    row(A3, "and",      alu(0xb, 0),     "r1 = imm8, r3",       Op::AndImm),
    row(A3, "andcm",    alu(0xb, 1),     "r1 = imm8, r3",       Op::AndcmImm),
    row(A3, "or",       alu(0xb, 2),     "r1 = imm8, r3",       Op::OrImm),
    row(A3, "xor",      alu(0xb, 3),     "r1 = imm8, r3",       Op::XorImm),
    row(A4, "adds",     imm14(2),        "r1 = imm14, r3",      Op::AddImm),
    row(A4, "addp4",    imm14(3),        "r1 = imm14, r3",      Op::Addp4Imm),
    row(A5, "addl",     major(9),        "r1 = imm22, r3",      Op::AddImm),
];

/// A6.
const fn registers(opcode: u64, x2: u64, ta: u64, c: u64) -> Bits {
    immediate(opcode, x2, ta, c).at(36, 1, 0)
}

/// A7: the first source is `r0`, whatever bits 19:13 are.
const fn zero(opcode: u64, x2: u64, ta: u64, c: u64) -> Bits {
    immediate(opcode, x2, ta, c).at(36, 1, 1)
}

/// A8.
const fn immediate(opcode: u64, x2: u64, ta: u64, c: u64) -> Bits {
    major(opcode).at(34, 2, x2).at(33, 1, ta).at(12, 1, c)
}

impl Row {
    const fn compares(self, relation: Rel, kind: CmpType) -> Self {
        let row = self.x1(relation as u8).x2(kind as u8);
        if matches!(kind, CmpType::Unc) { row.reads_qp() } else { row }
    }

    const fn saturates(self, kind: Saturation) -> Self {
        self.x2(kind as u8)
    }
}

/// The twelve compares of two values, with the name, operation, encoding and operands given.
macro_rules! compares {
    ($format:ident, $name:literal, $op:ident, $bits:ident($x2:literal), $operands:literal) => {
        [
            row($format, concat!($name, ".lt"), $bits(0xc, $x2, 0, 0), $operands, Op::$op)
                .compares(Rel::Lt, CmpType::Normal),
            row($format, concat!($name, ".ltu"), $bits(0xd, $x2, 0, 0), $operands, Op::$op)
                .compares(Rel::Ltu, CmpType::Normal),
            row($format, concat!($name, ".eq"), $bits(0xe, $x2, 0, 0), $operands, Op::$op)
                .compares(Rel::Eq, CmpType::Normal),
            row($format, concat!($name, ".lt.unc"), $bits(0xc, $x2, 0, 1), $operands, Op::$op)
                .compares(Rel::Lt, CmpType::Unc),
            row($format, concat!($name, ".ltu.unc"), $bits(0xd, $x2, 0, 1), $operands, Op::$op)
                .compares(Rel::Ltu, CmpType::Unc),
            row($format, concat!($name, ".eq.unc"), $bits(0xe, $x2, 0, 1), $operands, Op::$op)
                .compares(Rel::Eq, CmpType::Unc),
            row($format, concat!($name, ".eq.and"), $bits(0xc, $x2, 1, 0), $operands, Op::$op)
                .compares(Rel::Eq, CmpType::And),
            row($format, concat!($name, ".eq.or"), $bits(0xd, $x2, 1, 0), $operands, Op::$op)
                .compares(Rel::Eq, CmpType::Or),
            row($format, concat!($name, ".eq.or.andcm"), $bits(0xe, $x2, 1, 0), $operands, Op::$op)
                .compares(Rel::Eq, CmpType::OrAndcm),
            row($format, concat!($name, ".ne.and"), $bits(0xc, $x2, 1, 1), $operands, Op::$op)
                .compares(Rel::Ne, CmpType::And),
            row($format, concat!($name, ".ne.or"), $bits(0xd, $x2, 1, 1), $operands, Op::$op)
                .compares(Rel::Ne, CmpType::Or),
            row($format, concat!($name, ".ne.or.andcm"), $bits(0xe, $x2, 1, 1), $operands, Op::$op)
                .compares(Rel::Ne, CmpType::OrAndcm),
        ]
    };
}

/// The twelve compares of zero with a register.
macro_rules! compares_zero {
    ($name:literal, $op:ident, $x2:literal) => {
        [
            row(A7, concat!($name, ".gt.and"), zero(0xc, $x2, 0, 0), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Gt, CmpType::And),
            row(A7, concat!($name, ".gt.or"), zero(0xd, $x2, 0, 0), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Gt, CmpType::Or),
            row(A7, concat!($name, ".gt.or.andcm"), zero(0xe, $x2, 0, 0), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Gt, CmpType::OrAndcm),
            row(A7, concat!($name, ".le.and"), zero(0xc, $x2, 0, 1), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Le, CmpType::And),
            row(A7, concat!($name, ".le.or"), zero(0xd, $x2, 0, 1), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Le, CmpType::Or),
            row(A7, concat!($name, ".le.or.andcm"), zero(0xe, $x2, 0, 1), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Le, CmpType::OrAndcm),
            row(A7, concat!($name, ".ge.and"), zero(0xc, $x2, 1, 0), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Ge, CmpType::And),
            row(A7, concat!($name, ".ge.or"), zero(0xd, $x2, 1, 0), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Ge, CmpType::Or),
            row(A7, concat!($name, ".ge.or.andcm"), zero(0xe, $x2, 1, 0), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Ge, CmpType::OrAndcm),
            row(A7, concat!($name, ".lt.and"), zero(0xc, $x2, 1, 1), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Lt, CmpType::And),
            row(A7, concat!($name, ".lt.or"), zero(0xd, $x2, 1, 1), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Lt, CmpType::Or),
            row(A7, concat!($name, ".lt.or.andcm"), zero(0xe, $x2, 1, 1), "p1, p2 = r0, r3", Op::$op)
                .compares(Rel::Lt, CmpType::OrAndcm),
        ]
    };
}

pub(super) const COMPARE: &[Row] = [
    compares!(A6, "cmp", Cmp, registers(0), "p1, p2 = r2, r3"),
    compares!(A6, "cmp4", Cmp4, registers(1), "p1, p2 = r2, r3"),
    compares_zero!("cmp", Cmp, 0),
    compares_zero!("cmp4", Cmp4, 1),
    compares!(A8, "cmp", CmpImm, immediate(2), "p1, p2 = imm8, r3"),
    compares!(A8, "cmp4", Cmp4Imm, immediate(3), "p1, p2 = imm8, r3"),
]
.as_flattened();

/// A9; `za` and `zb` are both bits of the element size, as in all multimedia formats.
const fn elements(za: u64, zb: u64, x4: u64, x2b: u64) -> Bits {
    elements_count(za, zb, x4).at(27, 2, x2b)
}

/// A10.
const fn elements_count(za: u64, zb: u64, x4: u64) -> Bits {
    major(8).at(34, 2, 1).at(36, 1, za).at(33, 1, zb).at(29, 4, x4)
}

#[rustfmt::skip] // One instruction a line.
pub(super) const MULTIMEDIA: &[Row] = &[
    row(A9, "padd1",      elements(0, 0, 0x0, 0), "r1 = r2, r3", Op::Padd).x1(1).saturates(Saturation::Modulo),
    row(A9, "padd2",      elements(0, 1, 0x0, 0), "r1 = r2, r3", Op::Padd).x1(2).saturates(Saturation::Modulo),
    row(A9, "padd4",      elements(1, 0, 0x0, 0), "r1 = r2, r3", Op::Padd).x1(4).saturates(Saturation::Modulo),
    row(A9, "padd1.sss",  elements(0, 0, 0x0, 1), "r1 = r2, r3", Op::Padd).x1(1).saturates(Saturation::Sss),
    row(A9, "padd2.sss",  elements(0, 1, 0x0, 1), "r1 = r2, r3", Op::Padd).x1(2).saturates(Saturation::Sss),
    row(A9, "padd1.uuu",  elements(0, 0, 0x0, 2), "r1 = r2, r3", Op::Padd).x1(1).saturates(Saturation::Uuu),
    row(A9, "padd2.uuu",  elements(0, 1, 0x0, 2), "r1 = r2, r3", Op::Padd).x1(2).saturates(Saturation::Uuu),
    row(A9, "padd1.uus",  elements(0, 0, 0x0, 3), "r1 = r2, r3", Op::Padd).x1(1).saturates(Saturation::Uus),
    row(A9, "padd2.uus",  elements(0, 1, 0x0, 3), "r1 = r2, r3", Op::Padd).x1(2).saturates(Saturation::Uus),
    row(A9, "psub1",      elements(0, 0, 0x1, 0), "r1 = r2, r3", Op::Psub).x1(1).saturates(Saturation::Modulo),
    row(A9, "psub2",      elements(0, 1, 0x1, 0), "r1 = r2, r3", Op::Psub).x1(2).saturates(Saturation::Modulo),
    row(A9, "psub4",      elements(1, 0, 0x1, 0), "r1 = r2, r3", Op::Psub).x1(4).saturates(Saturation::Modulo),
    row(A9, "psub1.sss",  elements(0, 0, 0x1, 1), "r1 = r2, r3", Op::Psub).x1(1).saturates(Saturation::Sss),
    row(A9, "psub2.sss",  elements(0, 1, 0x1, 1), "r1 = r2, r3", Op::Psub).x1(2).saturates(Saturation::Sss),
    row(A9, "psub1.uuu",  elements(0, 0, 0x1, 2), "r1 = r2, r3", Op::Psub).x1(1).saturates(Saturation::Uuu),
    row(A9, "psub2.uuu",  elements(0, 1, 0x1, 2), "r1 = r2, r3", Op::Psub).x1(2).saturates(Saturation::Uuu),
    row(A9, "psub1.uus",  elements(0, 0, 0x1, 3), "r1 = r2, r3", Op::Psub).x1(1).saturates(Saturation::Uus),
    row(A9, "psub2.uus",  elements(0, 1, 0x1, 3), "r1 = r2, r3", Op::Psub).x1(2).saturates(Saturation::Uus),
    row(A9, "pavg1",      elements(0, 0, 0x2, 2), "r1 = r2, r3", Op::Pavg).x1(1),
    row(A9, "pavg2",      elements(0, 1, 0x2, 2), "r1 = r2, r3", Op::Pavg).x1(2),
    row(A9, "pavg1.raz",  elements(0, 0, 0x2, 3), "r1 = r2, r3", Op::Pavg).x1(1).x2(1),
    row(A9, "pavg2.raz",  elements(0, 1, 0x2, 3), "r1 = r2, r3", Op::Pavg).x1(2).x2(1),
    row(A9, "pavgsub1",   elements(0, 0, 0x3, 2), "r1 = r2, r3", Op::Pavgsub).x1(1),
    row(A9, "pavgsub2",   elements(0, 1, 0x3, 2), "r1 = r2, r3", Op::Pavgsub).x1(2),
    row(A9, "pcmp1.eq",   elements(0, 0, 0x9, 0), "r1 = r2, r3", Op::PcmpEq).x1(1),
    row(A9, "pcmp2.eq",   elements(0, 1, 0x9, 0), "r1 = r2, r3", Op::PcmpEq).x1(2),
    row(A9, "pcmp4.eq",   elements(1, 0, 0x9, 0), "r1 = r2, r3", Op::PcmpEq).x1(4),
    row(A9, "pcmp1.gt",   elements(0, 0, 0x9, 1), "r1 = r2, r3", Op::PcmpGt).x1(1),
    row(A9, "pcmp2.gt",   elements(0, 1, 0x9, 1), "r1 = r2, r3", Op::PcmpGt).x1(2),
    row(A9, "pcmp4.gt",   elements(1, 0, 0x9, 1), "r1 = r2, r3", Op::PcmpGt).x1(4),
    row(A10, "pshladd2",  elements_count(0, 1, 0x4), "r1 = r2, count2, r3", Op::Pshladd2).x1(2),
    row(A10, "pshradd2",  elements_count(0, 1, 0x6), "r1 = r2, count2, r3", Op::Pshradd2).x1(2),
];

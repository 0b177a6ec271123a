//! Multimedia, shifts, bit tests and miscellaneous instructions of the I unit. SDM volume 3, section 4.3.

use super::Format::{
    I1, I2, I3, I4, I5, I6, I7, I8, I9, I10, I11, I12, I13, I14, I15, I16, I17, I18, I19, I20, I21, I22, I23,
    I24, I25, I26, I27, I28, I29, I30,
};
use super::{Bits, Props, Row, major, row};
use crate::op::{CmpType, Op};

/// I2 to I9: `za` and `zb` give the element size.
const fn media(za: u64, zb: u64, x2a: u64, x2b: u64, x2c: u64) -> Bits {
    media_count(za, zb, x2a, x2b).at(30, 2, x2c)
}

/// I1, whose bits 31:30 are a count.
const fn media_count(za: u64, zb: u64, x2a: u64, x2b: u64) -> Bits {
    major(7).at(36, 1, za).at(33, 1, zb).at(32, 1, 0).at(34, 2, x2a).at(28, 2, x2b)
}

#[rustfmt::skip] // One instruction a line.
pub(super) const MULTIMEDIA: &[Row] = &[
    row(I1, "pmpyshr2",   media_count(0, 1, 0, 3), "r1 = r2, r3, count2", Op::Pmpyshr2).x1(2),
    row(I1, "pmpyshr2.u", media_count(0, 1, 0, 1), "r1 = r2, r3, count2", Op::Pmpyshr2).x1(2).x2(1),
    row(I2, "pmpy2.r",    media(0, 1, 2, 1, 3), "r1 = r2, r3",     Op::Pmpy2R).x1(2),
    row(I2, "pmpy2.l",    media(0, 1, 2, 3, 3), "r1 = r2, r3",     Op::Pmpy2L).x1(2),
    row(I2, "mix1.r",     media(0, 0, 2, 0, 2), "r1 = r2, r3",     Op::MixR).x1(1),
    row(I2, "mix2.r",     media(0, 1, 2, 0, 2), "r1 = r2, r3",     Op::MixR).x1(2),
    row(I2, "mix4.r",     media(1, 0, 2, 0, 2), "r1 = r2, r3",     Op::MixR).x1(4),
    row(I2, "mix1.l",     media(0, 0, 2, 2, 2), "r1 = r2, r3",     Op::MixL).x1(1),
    row(I2, "mix2.l",     media(0, 1, 2, 2, 2), "r1 = r2, r3",     Op::MixL).x1(2),
    row(I2, "mix4.l",     media(1, 0, 2, 2, 2), "r1 = r2, r3",     Op::MixL).x1(4),
    row(I2, "pack2.uss",  media(0, 1, 2, 0, 0), "r1 = r2, r3",     Op::PackUss).x1(2),
    row(I2, "pack2.sss",  media(0, 1, 2, 2, 0), "r1 = r2, r3",     Op::PackSss).x1(2),
    row(I2, "pack4.sss",  media(1, 0, 2, 2, 0), "r1 = r2, r3",     Op::PackSss).x1(4),
    row(I2, "unpack1.h",  media(0, 0, 2, 0, 1), "r1 = r2, r3",     Op::UnpackH).x1(1),
    row(I2, "unpack2.h",  media(0, 1, 2, 0, 1), "r1 = r2, r3",     Op::UnpackH).x1(2),
    row(I2, "unpack4.h",  media(1, 0, 2, 0, 1), "r1 = r2, r3",     Op::UnpackH).x1(4),
    row(I2, "unpack1.l",  media(0, 0, 2, 2, 1), "r1 = r2, r3",     Op::UnpackL).x1(1),
    row(I2, "unpack2.l",  media(0, 1, 2, 2, 1), "r1 = r2, r3",     Op::UnpackL).x1(2),
    row(I2, "unpack4.l",  media(1, 0, 2, 2, 1), "r1 = r2, r3",     Op::UnpackL).x1(4),
    row(I2, "pmin1.u",    media(0, 0, 2, 1, 0), "r1 = r2, r3",     Op::Pmin).x1(1),
    row(I2, "pmax1.u",    media(0, 0, 2, 1, 1), "r1 = r2, r3",     Op::Pmax).x1(1),
    row(I2, "pmin2",      media(0, 1, 2, 3, 0), "r1 = r2, r3",     Op::Pmin).x1(2),
    row(I2, "pmax2",      media(0, 1, 2, 3, 1), "r1 = r2, r3",     Op::Pmax).x1(2),
    row(I2, "psad1",      media(0, 0, 2, 3, 2), "r1 = r2, r3",     Op::Psad1).x1(1),
    row(I2, "mpy4",       media(1, 0, 0, 1, 3), "r1 = r2, r3",     Op::Mpy4).x1(4).has(Props::LATER_PROCESSORS),
    row(I2, "mpyshl4",    media(1, 0, 0, 3, 3), "r1 = r2, r3",     Op::Mpyshl4).x1(4).has(Props::LATER_PROCESSORS),
    row(I3, "mux1",       media(0, 0, 3, 2, 2), "r1 = r2, mbtype4", Op::Mux1).x1(1),
    row(I4, "mux2",       media(0, 1, 3, 2, 2), "r1 = r2, mhtype8", Op::Mux2).x1(2),
    row(I5, "pshr2",      media(0, 1, 0, 2, 0), "r1 = r3, r2",     Op::Pshr).x1(2),
    row(I5, "pshr4",      media(1, 0, 0, 2, 0), "r1 = r3, r2",     Op::Pshr).x1(4),
    row(I5, "shr",        media(1, 1, 0, 2, 0), "r1 = r3, r2",     Op::Shr),
    row(I5, "pshr2.u",    media(0, 1, 0, 0, 0), "r1 = r3, r2",     Op::Pshr).x1(2).x2(1),
    row(I5, "pshr4.u",    media(1, 0, 0, 0, 0), "r1 = r3, r2",     Op::Pshr).x1(4).x2(1),
    row(I5, "shr.u",      media(1, 1, 0, 0, 0), "r1 = r3, r2",     Op::ShrU),
    row(I6, "pshr2",      media(0, 1, 1, 3, 0), "r1 = r3, count5", Op::PshrImm).x1(2),
    row(I6, "pshr4",      media(1, 0, 1, 3, 0), "r1 = r3, count5", Op::PshrImm).x1(4),
    row(I6, "pshr2.u",    media(0, 1, 1, 1, 0), "r1 = r3, count5", Op::PshrImm).x1(2).x2(1),
    row(I6, "pshr4.u",    media(1, 0, 1, 1, 0), "r1 = r3, count5", Op::PshrImm).x1(4).x2(1),
    row(I7, "pshl2",      media(0, 1, 0, 0, 1), "r1 = r2, r3",     Op::Pshl).x1(2),
    row(I7, "pshl4",      media(1, 0, 0, 0, 1), "r1 = r2, r3",     Op::Pshl).x1(4),
    row(I7, "shl",        media(1, 1, 0, 0, 1), "r1 = r2, r3",     Op::Shl),
    row(I8, "pshl2",      media(0, 1, 3, 1, 1), "r1 = r2, count5", Op::PshlImm).x1(2),
    row(I8, "pshl4",      media(1, 0, 3, 1, 1), "r1 = r2, count5", Op::PshlImm).x1(4),
    row(I9, "popcnt",     media(0, 1, 1, 1, 2), "r1 = r3",         Op::Popcnt),
    row(I9, "clz",        media(0, 1, 1, 1, 3), "r1 = r3",         Op::Clz).has(Props::LATER_PROCESSORS),
];

/// I10 and I14.
const fn shift(x2: u64, x: u64) -> Bits {
    major(5).at(34, 2, x2).at(33, 1, x)
}

#[rustfmt::skip] // One instruction a line.
pub(super) const SHIFTS: &[Row] = &[
    row(I10, "shrp",   shift(3, 0),              "r1 = r2, r3, count6",       Op::Shrp),
    row(I11, "extr.u", shift(1, 0).at(13, 1, 0), "r1 = r3, pos6, len6",       Op::ExtrU),
    row(I11, "extr",   shift(1, 0).at(13, 1, 1), "r1 = r3, pos6, len6",       Op::Extr),
    row(I12, "dep.z",  shift(1, 1).at(26, 1, 0), "r1 = r2, pos6, len6",       Op::DepZ),
    row(I13, "dep.z",  shift(1, 1).at(26, 1, 1), "r1 = imm8, pos6, len6",     Op::DepZImm),
    row(I14, "dep",    shift(3, 1),              "r1 = imm1, r3, pos6, len6", Op::DepImm),
    row(I15, "dep",    major(4),                 "r1 = r2, r3, pos6, len4",   Op::Dep),
];

/// I16: a bit of a register.
const fn tbit(tb: u64, ta: u64, c: u64) -> Bits {
    shift(0, ta).at(36, 1, tb).at(13, 1, 0).at(12, 1, c)
}

/// I17 and I30: the NaT bit of a register (`x` 0), or a feature (`x` 1).
const fn tnat(tb: u64, ta: u64, c: u64, x: u64) -> Bits {
    shift(0, ta).at(36, 1, tb).at(13, 1, 1).at(12, 1, c).at(19, 1, x)
}

/// The eight tests, with the name, operation, operands and encoding given.
macro_rules! tests {
    ($format:ident, $name:literal, $op:ident, $operands:literal, $bits:ident($($x:literal)?)) => {
        [
            row($format, concat!($name, ".z"), $bits(0, 0, 0 $(, $x)?), $operands, Op::$op).x1(0).x2(CmpType::Normal as u8),
            row($format, concat!($name, ".z.unc"), $bits(0, 0, 1 $(, $x)?), $operands, Op::$op).x1(0).x2(CmpType::Unc as u8).reads_qp(),
            row($format, concat!($name, ".z.and"), $bits(1, 0, 0 $(, $x)?), $operands, Op::$op).x1(0).x2(CmpType::And as u8),
            row($format, concat!($name, ".nz.and"), $bits(1, 0, 1 $(, $x)?), $operands, Op::$op).x1(1).x2(CmpType::And as u8),
            row($format, concat!($name, ".z.or"), $bits(0, 1, 0 $(, $x)?), $operands, Op::$op).x1(0).x2(CmpType::Or as u8),
            row($format, concat!($name, ".nz.or"), $bits(0, 1, 1 $(, $x)?), $operands, Op::$op).x1(1).x2(CmpType::Or as u8),
            row($format, concat!($name, ".z.or.andcm"), $bits(1, 1, 0 $(, $x)?), $operands, Op::$op).x1(0).x2(CmpType::OrAndcm as u8),
            row($format, concat!($name, ".nz.or.andcm"), $bits(1, 1, 1 $(, $x)?), $operands, Op::$op).x1(1).x2(CmpType::OrAndcm as u8),
        ]
    };
}

pub(super) const TESTS: &[Row] = [
    tests!(I16, "tbit", TbitZ, "p1, p2 = r3, pos6", tbit()),
    tests!(I17, "tnat", TnatZ, "p1, p2 = r3", tnat(0)),
    tests!(I30, "tf", TfZ, "p1, p2 = imm5", tnat(1)),
]
.as_flattened();

/// Major opcode 0 with a 3-bit extension.
const fn misc(x3: u64) -> Bits {
    major(0).at(33, 3, x3)
}

/// Major opcode 0 with a 3-bit extension of 0 and a 6-bit one.
const fn misc6(x6: u64) -> Bits {
    misc(0).at(27, 6, x6)
}

#[rustfmt::skip] // One instruction a line.
pub(super) const MISCELLANEOUS: &[Row] = &[
    row(I18, "nop.i",   misc6(0x01).at(26, 1, 0), "imm21",           Op::Nop),
    row(I18, "hint.i",  misc6(0x01).at(26, 1, 1), "imm21",           Op::Hint),
    row(I19, "break.i", misc6(0x00),              "imm21",           Op::Break).ends_block(),
    row(I20, "chk.s.i", misc(1),                  "r2, target25",    Op::ChkS).ends_block(),
    row(I21, "mov",     misc(7).at(22, 1, 0),     "b1 = r2, tag13",  Op::MovToBr),
    row(I21, "mov.ret", misc(7).at(22, 1, 1),     "b1 = r2, tag13",  Op::MovToBr).x1(1),
    row(I22, "mov",     misc6(0x31),              "r1 = b2",         Op::MovFromBr),
    row(I23, "mov",     misc(3),                  "pr = r2, mask17", Op::MovToPr),
    row(I24, "mov",     misc(2),                  "pr.rot = imm44",  Op::MovToPrRot),
    row(I25, "mov",     misc6(0x30),              "r1 = ip",         Op::MovFromIp),
    row(I25, "mov",     misc6(0x33),              "r1 = pr",         Op::MovFromPr),
    row(I26, "mov.i",   misc6(0x2a),              "ar3 = r2",        Op::MovToAr),
    row(I27, "mov.i",   misc6(0x0a),              "ar3 = imm8",      Op::MovToArImm),
    row(I28, "mov.i",   misc6(0x32),              "r1 = ar3",        Op::MovFromAr),
    row(I29, "zxt1",    misc6(0x10),              "r1 = r3",         Op::Zxt).x1(1),
    row(I29, "zxt2",    misc6(0x11),              "r1 = r3",         Op::Zxt).x1(2),
    row(I29, "zxt4",    misc6(0x12),              "r1 = r3",         Op::Zxt).x1(4),
    row(I29, "sxt1",    misc6(0x14),              "r1 = r3",         Op::Sxt).x1(1),
    row(I29, "sxt2",    misc6(0x15),              "r1 = r3",         Op::Sxt).x1(2),
    row(I29, "sxt4",    misc6(0x16),              "r1 = r3",         Op::Sxt).x1(4),
    row(I29, "czx1.l",  misc6(0x18),              "r1 = r3",         Op::CzxL).x1(1),
    row(I29, "czx2.l",  misc6(0x19),              "r1 = r3",         Op::CzxL).x1(2),
    row(I29, "czx1.r",  misc6(0x1c),              "r1 = r3",         Op::CzxR).x1(1),
    row(I29, "czx2.r",  misc6(0x1d),              "r1 = r3",         Op::CzxR).x1(2),
];

//! Memory and system instructions of the M unit. SDM volume 3, section 4.4.

use super::Format::{
    M1, M2, M3, M4, M5, M6, M7, M8, M9, M10, M11, M12, M13, M14, M15, M16, M17, M18, M19, M20, M21, M22, M23,
    M24, M25, M26, M27, M28, M29, M30, M31, M32, M33, M34, M35, M36, M37, M38, M39, M40, M41, M42, M43, M44,
    M45, M46, M47, M48,
};
use super::{Bits, Format, Props, Row, major, row};
use crate::op::{FpSize, FpTransfer, IndirectFile, LdType, Op, StType};

/// Integer accesses without an update of the base register (M1, M4), and with an update from a register (M2).
const fn integer(m: u64, x6: u64) -> Bits {
    major(4).at(36, 1, m).at(27, 1, 0).at(30, 6, x6)
}

/// Integer accesses with an immediate update (M3, M5).
const fn integer_immediate(x6: u64) -> Bits {
    major(5).at(30, 6, x6)
}

/// 16-byte accesses, semaphores and `getf` (M1, M4, M16, M17, M19).
const fn semaphore(x6: u64) -> Bits {
    major(4).at(36, 1, 0).at(27, 1, 1).at(30, 6, x6)
}

const fn load(
    format: Format,
    name: &'static str,
    bits: Bits,
    operands: &'static str,
    op: Op,
    bytes: u8,
    kind: LdType,
) -> Row {
    row(format, name, bits, operands, op).x1(bytes).x2(kind as u8).has(Props::READS_MEMORY)
}

const fn store(
    format: Format,
    name: &'static str,
    bits: Bits,
    operands: &'static str,
    op: Op,
    bytes: u8,
    kind: StType,
) -> Row {
    row(format, name, bits, operands, op).x1(bytes).x2(kind as u8).has(Props::WRITES_MEMORY)
}

/// The integer loads of one addressing mode.
macro_rules! loads {
    ($format:ident, $op:ident, $operands:literal, $bits:ident($($m:literal)?)) => {
        [
            load($format, "ld1", $bits($($m,)? 0x00), $operands, Op::$op, 1, LdType::Normal),
            load($format, "ld2", $bits($($m,)? 0x01), $operands, Op::$op, 2, LdType::Normal),
            load($format, "ld4", $bits($($m,)? 0x02), $operands, Op::$op, 4, LdType::Normal),
            load($format, "ld8", $bits($($m,)? 0x03), $operands, Op::$op, 8, LdType::Normal),
            load($format, "ld1.s", $bits($($m,)? 0x04), $operands, Op::$op, 1, LdType::S),
            load($format, "ld2.s", $bits($($m,)? 0x05), $operands, Op::$op, 2, LdType::S),
            load($format, "ld4.s", $bits($($m,)? 0x06), $operands, Op::$op, 4, LdType::S),
            load($format, "ld8.s", $bits($($m,)? 0x07), $operands, Op::$op, 8, LdType::S),
            load($format, "ld1.a", $bits($($m,)? 0x08), $operands, Op::$op, 1, LdType::A),
            load($format, "ld2.a", $bits($($m,)? 0x09), $operands, Op::$op, 2, LdType::A),
            load($format, "ld4.a", $bits($($m,)? 0x0a), $operands, Op::$op, 4, LdType::A),
            load($format, "ld8.a", $bits($($m,)? 0x0b), $operands, Op::$op, 8, LdType::A),
            load($format, "ld1.sa", $bits($($m,)? 0x0c), $operands, Op::$op, 1, LdType::Sa),
            load($format, "ld2.sa", $bits($($m,)? 0x0d), $operands, Op::$op, 2, LdType::Sa),
            load($format, "ld4.sa", $bits($($m,)? 0x0e), $operands, Op::$op, 4, LdType::Sa),
            load($format, "ld8.sa", $bits($($m,)? 0x0f), $operands, Op::$op, 8, LdType::Sa),
            load($format, "ld1.bias", $bits($($m,)? 0x10), $operands, Op::$op, 1, LdType::Bias),
            load($format, "ld2.bias", $bits($($m,)? 0x11), $operands, Op::$op, 2, LdType::Bias),
            load($format, "ld4.bias", $bits($($m,)? 0x12), $operands, Op::$op, 4, LdType::Bias),
            load($format, "ld8.bias", $bits($($m,)? 0x13), $operands, Op::$op, 8, LdType::Bias),
            load($format, "ld1.acq", $bits($($m,)? 0x14), $operands, Op::$op, 1, LdType::Acq),
            load($format, "ld2.acq", $bits($($m,)? 0x15), $operands, Op::$op, 2, LdType::Acq),
            load($format, "ld4.acq", $bits($($m,)? 0x16), $operands, Op::$op, 4, LdType::Acq),
            load($format, "ld8.acq", $bits($($m,)? 0x17), $operands, Op::$op, 8, LdType::Acq),
            load($format, "ld8.fill", $bits($($m,)? 0x1b), $operands, Op::$op, 8, LdType::Fill),
            load($format, "ld1.c.clr", $bits($($m,)? 0x20), $operands, Op::$op, 1, LdType::CClr),
            load($format, "ld2.c.clr", $bits($($m,)? 0x21), $operands, Op::$op, 2, LdType::CClr),
            load($format, "ld4.c.clr", $bits($($m,)? 0x22), $operands, Op::$op, 4, LdType::CClr),
            load($format, "ld8.c.clr", $bits($($m,)? 0x23), $operands, Op::$op, 8, LdType::CClr),
            load($format, "ld1.c.nc", $bits($($m,)? 0x24), $operands, Op::$op, 1, LdType::CNc),
            load($format, "ld2.c.nc", $bits($($m,)? 0x25), $operands, Op::$op, 2, LdType::CNc),
            load($format, "ld4.c.nc", $bits($($m,)? 0x26), $operands, Op::$op, 4, LdType::CNc),
            load($format, "ld8.c.nc", $bits($($m,)? 0x27), $operands, Op::$op, 8, LdType::CNc),
            load($format, "ld1.c.clr.acq", $bits($($m,)? 0x28), $operands, Op::$op, 1, LdType::CClrAcq),
            load($format, "ld2.c.clr.acq", $bits($($m,)? 0x29), $operands, Op::$op, 2, LdType::CClrAcq),
            load($format, "ld4.c.clr.acq", $bits($($m,)? 0x2a), $operands, Op::$op, 4, LdType::CClrAcq),
            load($format, "ld8.c.clr.acq", $bits($($m,)? 0x2b), $operands, Op::$op, 8, LdType::CClrAcq),
        ]
    };
}

pub(super) const LOADS: &[Row] = &loads!(M1, Ld, "r1 = [r3]", integer(0));
pub(super) const LOADS_16: &[Row] = &[
    load(M1, "ld16", semaphore(0x28), "r1, ar.csd = [r3]", Op::Ld16, 16, LdType::Normal),
    load(M1, "ld16.acq", semaphore(0x2c), "r1, ar.csd = [r3]", Op::Ld16, 16, LdType::Acq),
];
pub(super) const LOADS_REGISTER: &[Row] = &loads!(M2, LdReg, "r1 = [r3], r2", integer(1));
pub(super) const LOADS_IMMEDIATE: &[Row] = &loads!(M3, LdImm, "r1 = [r3], imm9", integer_immediate());

#[rustfmt::skip] // One instruction a line.
pub(super) const STORES: &[Row] = &[
    store(M4, "st1",       integer(0, 0x30),        "[r3] = r2",         Op::St,    1, StType::Normal),
    store(M4, "st2",       integer(0, 0x31),        "[r3] = r2",         Op::St,    2, StType::Normal),
    store(M4, "st4",       integer(0, 0x32),        "[r3] = r2",         Op::St,    4, StType::Normal),
    store(M4, "st8",       integer(0, 0x33),        "[r3] = r2",         Op::St,    8, StType::Normal),
    store(M4, "st1.rel",   integer(0, 0x34),        "[r3] = r2",         Op::St,    1, StType::Rel),
    store(M4, "st2.rel",   integer(0, 0x35),        "[r3] = r2",         Op::St,    2, StType::Rel),
    store(M4, "st4.rel",   integer(0, 0x36),        "[r3] = r2",         Op::St,    4, StType::Rel),
    store(M4, "st8.rel",   integer(0, 0x37),        "[r3] = r2",         Op::St,    8, StType::Rel),
    store(M4, "st8.spill", integer(0, 0x3b),        "[r3] = r2",         Op::St,    8, StType::Spill),
    store(M4, "st16",      semaphore(0x30),         "[r3] = r2, ar.csd", Op::St16, 16, StType::Normal),
    store(M4, "st16.rel",  semaphore(0x34),         "[r3] = r2, ar.csd", Op::St16, 16, StType::Rel),
    store(M5, "st1",       integer_immediate(0x30), "[r3] = r2, imm9",   Op::StImm, 1, StType::Normal),
    store(M5, "st2",       integer_immediate(0x31), "[r3] = r2, imm9",   Op::StImm, 2, StType::Normal),
    store(M5, "st4",       integer_immediate(0x32), "[r3] = r2, imm9",   Op::StImm, 4, StType::Normal),
    store(M5, "st8",       integer_immediate(0x33), "[r3] = r2, imm9",   Op::StImm, 8, StType::Normal),
    store(M5, "st1.rel",   integer_immediate(0x34), "[r3] = r2, imm9",   Op::StImm, 1, StType::Rel),
    store(M5, "st2.rel",   integer_immediate(0x35), "[r3] = r2, imm9",   Op::StImm, 2, StType::Rel),
    store(M5, "st4.rel",   integer_immediate(0x36), "[r3] = r2, imm9",   Op::StImm, 4, StType::Rel),
    store(M5, "st8.rel",   integer_immediate(0x37), "[r3] = r2, imm9",   Op::StImm, 8, StType::Rel),
    store(M5, "st8.spill", integer_immediate(0x3b), "[r3] = r2, imm9",   Op::StImm, 8, StType::Spill),
];

/// Floating-point accesses without an update of the base register (M6, M9, M13), and with one from a register (M7, M14).
const fn floating(m: u64, x6: u64) -> Bits {
    major(6).at(36, 1, m).at(27, 1, 0).at(30, 6, x6)
}

/// Floating-point accesses with an immediate update (M8, M10, M15).
const fn floating_immediate(x6: u64) -> Bits {
    major(7).at(30, 6, x6)
}

/// Pair loads (M11, M12) and `setf` (M18).
const fn floating_pair(m: u64, x6: u64) -> Bits {
    major(6).at(36, 1, m).at(27, 1, 1).at(30, 6, x6)
}

const fn fload(
    format: Format,
    name: &'static str,
    bits: Bits,
    operands: &'static str,
    op: Op,
    size: FpSize,
    kind: LdType,
) -> Row {
    row(format, name, bits, operands, op).x1(size as u8).x2(kind as u8).has(Props::READS_MEMORY)
}

const fn fstore(
    format: Format,
    name: &'static str,
    bits: Bits,
    operands: &'static str,
    op: Op,
    size: FpSize,
) -> Row {
    row(format, name, bits, operands, op).x1(size as u8).has(Props::WRITES_MEMORY)
}

/// The floating-point loads of one addressing mode.
macro_rules! floads {
    ($format:ident, $op:ident, $operands:literal, $bits:ident($($m:literal)?)) => {
        [
            fload($format, "ldfs", $bits($($m,)? 0x02), $operands, Op::$op, FpSize::S, LdType::Normal),
            fload($format, "ldfd", $bits($($m,)? 0x03), $operands, Op::$op, FpSize::D, LdType::Normal),
            fload($format, "ldf8", $bits($($m,)? 0x01), $operands, Op::$op, FpSize::I8, LdType::Normal),
            fload($format, "ldfe", $bits($($m,)? 0x00), $operands, Op::$op, FpSize::E, LdType::Normal),
            fload($format, "ldfs.s", $bits($($m,)? 0x06), $operands, Op::$op, FpSize::S, LdType::S),
            fload($format, "ldfd.s", $bits($($m,)? 0x07), $operands, Op::$op, FpSize::D, LdType::S),
            fload($format, "ldf8.s", $bits($($m,)? 0x05), $operands, Op::$op, FpSize::I8, LdType::S),
            fload($format, "ldfe.s", $bits($($m,)? 0x04), $operands, Op::$op, FpSize::E, LdType::S),
            fload($format, "ldfs.a", $bits($($m,)? 0x0a), $operands, Op::$op, FpSize::S, LdType::A),
            fload($format, "ldfd.a", $bits($($m,)? 0x0b), $operands, Op::$op, FpSize::D, LdType::A),
            fload($format, "ldf8.a", $bits($($m,)? 0x09), $operands, Op::$op, FpSize::I8, LdType::A),
            fload($format, "ldfe.a", $bits($($m,)? 0x08), $operands, Op::$op, FpSize::E, LdType::A),
            fload($format, "ldfs.sa", $bits($($m,)? 0x0e), $operands, Op::$op, FpSize::S, LdType::Sa),
            fload($format, "ldfd.sa", $bits($($m,)? 0x0f), $operands, Op::$op, FpSize::D, LdType::Sa),
            fload($format, "ldf8.sa", $bits($($m,)? 0x0d), $operands, Op::$op, FpSize::I8, LdType::Sa),
            fload($format, "ldfe.sa", $bits($($m,)? 0x0c), $operands, Op::$op, FpSize::E, LdType::Sa),
            fload($format, "ldf.fill", $bits($($m,)? 0x1b), $operands, Op::$op, FpSize::Fill, LdType::Fill),
            fload($format, "ldfs.c.clr", $bits($($m,)? 0x22), $operands, Op::$op, FpSize::S, LdType::CClr),
            fload($format, "ldfd.c.clr", $bits($($m,)? 0x23), $operands, Op::$op, FpSize::D, LdType::CClr),
            fload($format, "ldf8.c.clr", $bits($($m,)? 0x21), $operands, Op::$op, FpSize::I8, LdType::CClr),
            fload($format, "ldfe.c.clr", $bits($($m,)? 0x20), $operands, Op::$op, FpSize::E, LdType::CClr),
            fload($format, "ldfs.c.nc", $bits($($m,)? 0x26), $operands, Op::$op, FpSize::S, LdType::CNc),
            fload($format, "ldfd.c.nc", $bits($($m,)? 0x27), $operands, Op::$op, FpSize::D, LdType::CNc),
            fload($format, "ldf8.c.nc", $bits($($m,)? 0x25), $operands, Op::$op, FpSize::I8, LdType::CNc),
            fload($format, "ldfe.c.nc", $bits($($m,)? 0x24), $operands, Op::$op, FpSize::E, LdType::CNc),
        ]
    };
}

/// The floating-point pair loads of one addressing mode; the two amounts are those added to the base register.
macro_rules! pair_loads {
    ($format:ident, $op:ident, $m:literal, $operands8:literal, $operands16:literal) => {
        [
            fload($format, "ldfps", floating_pair($m, 0x02), $operands8, Op::$op, FpSize::S, LdType::Normal),
            fload($format, "ldfpd", floating_pair($m, 0x03), $operands16, Op::$op, FpSize::D, LdType::Normal),
            fload(
                $format,
                "ldfp8",
                floating_pair($m, 0x01),
                $operands16,
                Op::$op,
                FpSize::I8,
                LdType::Normal,
            ),
            fload($format, "ldfps.s", floating_pair($m, 0x06), $operands8, Op::$op, FpSize::S, LdType::S),
            fload($format, "ldfpd.s", floating_pair($m, 0x07), $operands16, Op::$op, FpSize::D, LdType::S),
            fload($format, "ldfp8.s", floating_pair($m, 0x05), $operands16, Op::$op, FpSize::I8, LdType::S),
            fload($format, "ldfps.a", floating_pair($m, 0x0a), $operands8, Op::$op, FpSize::S, LdType::A),
            fload($format, "ldfpd.a", floating_pair($m, 0x0b), $operands16, Op::$op, FpSize::D, LdType::A),
            fload($format, "ldfp8.a", floating_pair($m, 0x09), $operands16, Op::$op, FpSize::I8, LdType::A),
            fload($format, "ldfps.sa", floating_pair($m, 0x0e), $operands8, Op::$op, FpSize::S, LdType::Sa),
            fload($format, "ldfpd.sa", floating_pair($m, 0x0f), $operands16, Op::$op, FpSize::D, LdType::Sa),
            fload($format, "ldfp8.sa", floating_pair($m, 0x0d), $operands16, Op::$op, FpSize::I8, LdType::Sa),
            fload(
                $format,
                "ldfps.c.clr",
                floating_pair($m, 0x22),
                $operands8,
                Op::$op,
                FpSize::S,
                LdType::CClr,
            ),
            fload(
                $format,
                "ldfpd.c.clr",
                floating_pair($m, 0x23),
                $operands16,
                Op::$op,
                FpSize::D,
                LdType::CClr,
            ),
            fload(
                $format,
                "ldfp8.c.clr",
                floating_pair($m, 0x21),
                $operands16,
                Op::$op,
                FpSize::I8,
                LdType::CClr,
            ),
            fload(
                $format,
                "ldfps.c.nc",
                floating_pair($m, 0x26),
                $operands8,
                Op::$op,
                FpSize::S,
                LdType::CNc,
            ),
            fload(
                $format,
                "ldfpd.c.nc",
                floating_pair($m, 0x27),
                $operands16,
                Op::$op,
                FpSize::D,
                LdType::CNc,
            ),
            fload(
                $format,
                "ldfp8.c.nc",
                floating_pair($m, 0x25),
                $operands16,
                Op::$op,
                FpSize::I8,
                LdType::CNc,
            ),
        ]
    };
}

pub(super) const FP_LOADS: &[Row] = [
    floads!(M6, Ldf, "f1 = [r3]", floating(0)),
    floads!(M7, LdfReg, "f1 = [r3], r2", floating(1)),
    floads!(M8, LdfImm, "f1 = [r3], imm9", floating_immediate()),
]
.as_flattened();

#[rustfmt::skip] // One instruction a line.
pub(super) const FP_STORES: &[Row] = &[
    fstore(M9,  "stfs",      floating(0, 0x32),        "[r3] = f2",       Op::Stf,    FpSize::S),
    fstore(M9,  "stfd",      floating(0, 0x33),        "[r3] = f2",       Op::Stf,    FpSize::D),
    fstore(M9,  "stf8",      floating(0, 0x31),        "[r3] = f2",       Op::Stf,    FpSize::I8),
    fstore(M9,  "stfe",      floating(0, 0x30),        "[r3] = f2",       Op::Stf,    FpSize::E),
    fstore(M9,  "stf.spill", floating(0, 0x3b),        "[r3] = f2",       Op::Stf,    FpSize::Fill),
    fstore(M10, "stfs",      floating_immediate(0x32), "[r3] = f2, imm9", Op::StfImm, FpSize::S),
    fstore(M10, "stfd",      floating_immediate(0x33), "[r3] = f2, imm9", Op::StfImm, FpSize::D),
    fstore(M10, "stf8",      floating_immediate(0x31), "[r3] = f2, imm9", Op::StfImm, FpSize::I8),
    fstore(M10, "stfe",      floating_immediate(0x30), "[r3] = f2, imm9", Op::StfImm, FpSize::E),
    fstore(M10, "stf.spill", floating_immediate(0x3b), "[r3] = f2, imm9", Op::StfImm, FpSize::Fill),
];

pub(super) const FP_PAIR_LOADS: &[Row] = [
    pair_loads!(M11, Ldfp, 0, "f1, f2 = [r3]", "f1, f2 = [r3]"),
    pair_loads!(M12, LdfpImm, 1, "f1, f2 = [r3], 8", "f1, f2 = [r3], 16"),
]
.as_flattened();

/// `lfetch`: a load that delivers nothing.
const fn prefetch(
    format: Format,
    name: &'static str,
    bits: Bits,
    operands: &'static str,
    op: Op,
    fault: u8,
    exclusive: u8,
) -> Row {
    row(format, name, bits, operands, op).x1(fault).x2(exclusive).has(Props::READS_MEMORY)
}

#[rustfmt::skip] // One instruction a line.
pub(super) const PREFETCHES: &[Row] = &[
    prefetch(M13, "lfetch",            floating(0, 0x2c),        "[r3]",       Op::Lfetch,    0, 0),
    prefetch(M13, "lfetch.excl",       floating(0, 0x2d),        "[r3]",       Op::Lfetch,    0, 1),
    prefetch(M13, "lfetch.fault",      floating(0, 0x2e),        "[r3]",       Op::Lfetch,    1, 0),
    prefetch(M13, "lfetch.fault.excl", floating(0, 0x2f),        "[r3]",       Op::Lfetch,    1, 1),
    prefetch(M14, "lfetch",            floating(1, 0x2c),        "[r3], r2",   Op::LfetchReg, 0, 0),
    prefetch(M14, "lfetch.excl",       floating(1, 0x2d),        "[r3], r2",   Op::LfetchReg, 0, 1),
    prefetch(M14, "lfetch.fault",      floating(1, 0x2e),        "[r3], r2",   Op::LfetchReg, 1, 0),
    prefetch(M14, "lfetch.fault.excl", floating(1, 0x2f),        "[r3], r2",   Op::LfetchReg, 1, 1),
    prefetch(M15, "lfetch",            floating_immediate(0x2c), "[r3], imm9", Op::LfetchImm, 0, 0),
    prefetch(M15, "lfetch.excl",       floating_immediate(0x2d), "[r3], imm9", Op::LfetchImm, 0, 1),
    prefetch(M15, "lfetch.fault",      floating_immediate(0x2e), "[r3], imm9", Op::LfetchImm, 1, 0),
    prefetch(M15, "lfetch.fault.excl", floating_immediate(0x2f), "[r3], imm9", Op::LfetchImm, 1, 1),
];

const fn exchange(
    format: Format,
    name: &'static str,
    x6: u64,
    operands: &'static str,
    op: Op,
    bytes: u8,
    release: u8,
) -> Row {
    row(format, name, semaphore(x6), operands, op)
        .x1(bytes)
        .x2(release)
        .has(Props::READS_MEMORY)
        .has(Props::WRITES_MEMORY)
}

const fn transfer(
    format: Format,
    name: &'static str,
    bits: Bits,
    operands: &'static str,
    op: Op,
    form: FpTransfer,
) -> Row {
    row(format, name, bits, operands, op).x1(form as u8)
}

#[rustfmt::skip] // One instruction a line.
pub(super) const SEMAPHORES: &[Row] = &[
    exchange(M16, "cmpxchg1.acq",    0x00, "r1 = [r3], r2, ar.ccv",         Op::Cmpxchg,    1,  0),
    exchange(M16, "cmpxchg2.acq",    0x01, "r1 = [r3], r2, ar.ccv",         Op::Cmpxchg,    2,  0),
    exchange(M16, "cmpxchg4.acq",    0x02, "r1 = [r3], r2, ar.ccv",         Op::Cmpxchg,    4,  0),
    exchange(M16, "cmpxchg8.acq",    0x03, "r1 = [r3], r2, ar.ccv",         Op::Cmpxchg,    8,  0),
    exchange(M16, "cmpxchg1.rel",    0x04, "r1 = [r3], r2, ar.ccv",         Op::Cmpxchg,    1,  1),
    exchange(M16, "cmpxchg2.rel",    0x05, "r1 = [r3], r2, ar.ccv",         Op::Cmpxchg,    2,  1),
    exchange(M16, "cmpxchg4.rel",    0x06, "r1 = [r3], r2, ar.ccv",         Op::Cmpxchg,    4,  1),
    exchange(M16, "cmpxchg8.rel",    0x07, "r1 = [r3], r2, ar.ccv",         Op::Cmpxchg,    8,  1),
    exchange(M16, "cmp8xchg16.acq",  0x20, "r1 = [r3], r2, ar.csd, ar.ccv", Op::Cmp8xchg16, 16, 0),
    exchange(M16, "cmp8xchg16.rel",  0x24, "r1 = [r3], r2, ar.csd, ar.ccv", Op::Cmp8xchg16, 16, 1),
    exchange(M16, "xchg1",           0x08, "r1 = [r3], r2",                 Op::Xchg,       1,  0),
    exchange(M16, "xchg2",           0x09, "r1 = [r3], r2",                 Op::Xchg,       2,  0),
    exchange(M16, "xchg4",           0x0a, "r1 = [r3], r2",                 Op::Xchg,       4,  0),
    exchange(M16, "xchg8",           0x0b, "r1 = [r3], r2",                 Op::Xchg,       8,  0),
    exchange(M17, "fetchadd4.acq",   0x12, "r1 = [r3], inc3",               Op::Fetchadd,   4,  0),
    exchange(M17, "fetchadd8.acq",   0x13, "r1 = [r3], inc3",               Op::Fetchadd,   8,  0),
    exchange(M17, "fetchadd4.rel",   0x16, "r1 = [r3], inc3",               Op::Fetchadd,   4,  1),
    exchange(M17, "fetchadd8.rel",   0x17, "r1 = [r3], inc3",               Op::Fetchadd,   8,  1),
    transfer(M18, "setf.sig", floating_pair(0, 0x1c), "f1 = r2", Op::Setf, FpTransfer::Sig),
    transfer(M18, "setf.exp", floating_pair(0, 0x1d), "f1 = r2", Op::Setf, FpTransfer::Exp),
    transfer(M18, "setf.s",   floating_pair(0, 0x1e), "f1 = r2", Op::Setf, FpTransfer::S),
    transfer(M18, "setf.d",   floating_pair(0, 0x1f), "f1 = r2", Op::Setf, FpTransfer::D),
    transfer(M19, "getf.sig", semaphore(0x1c),        "r1 = f2", Op::Getf, FpTransfer::Sig),
    transfer(M19, "getf.exp", semaphore(0x1d),        "r1 = f2", Op::Getf, FpTransfer::Exp),
    transfer(M19, "getf.s",   semaphore(0x1e),        "r1 = f2", Op::Getf, FpTransfer::S),
    transfer(M19, "getf.d",   semaphore(0x1f),        "r1 = f2", Op::Getf, FpTransfer::D),
];

/// Major opcode 1 with a 3-bit extension.
const fn system1(x3: u64) -> Bits {
    major(1).at(33, 3, x3)
}

/// Major opcode 1 with a 3-bit extension of 0 and a 6-bit one.
const fn system1x6(x6: u64) -> Bits {
    system1(0).at(27, 6, x6)
}

/// Major opcode 0 with a 3-bit extension.
const fn system0(x3: u64) -> Bits {
    major(0).at(33, 3, x3)
}

/// Major opcode 0 with a 3-bit extension of 0, a 4-bit and a 2-bit one.
const fn system0x42(x4: u64, x2: u64) -> Bits {
    system0(0).at(27, 4, x4).at(31, 2, x2)
}

/// Major opcode 0 with a 3-bit extension of 0 and a 4-bit one: the mask instructions.
const fn system0x4(x4: u64) -> Bits {
    system0(0).at(27, 4, x4)
}

const FIRST: Props = Props::FIRST_IN_GROUP;
const LAST: Props = Props::LAST_IN_GROUP;

/// Writes one of the indirect register files.
const fn to_file(name: &'static str, x6: u64, operands: &'static str, file: IndirectFile) -> Row {
    row(M42, name, system1x6(x6), operands, Op::MovToInd).x1(file as u8).privileged().ends_block()
}

/// Reads one of the indirect register files.
const fn from_file(x6: u64, operands: &'static str, file: IndirectFile) -> Row {
    row(M43, "mov", system1x6(x6), operands, Op::MovFromInd).x1(file as u8)
}

#[rustfmt::skip] // One instruction a line.
pub(super) const SYSTEM: &[Row] = &[
    row(M20, "chk.s.m",   system1(1),          "r2, target25",    Op::ChkS).ends_block(),
    row(M21, "chk.s",     system1(3),          "f2, target25",    Op::ChkSF).ends_block(),
    row(M22, "chk.a.nc",  system0(4),          "r1, target25",    Op::ChkA).x1(0).ends_block(),
    row(M22, "chk.a.clr", system0(5),          "r1, target25",    Op::ChkA).x1(1).ends_block(),
    row(M23, "chk.a.nc",  system0(6),          "f1, target25",    Op::ChkAF).x1(0).ends_block(),
    row(M23, "chk.a.clr", system0(7),          "f1, target25",    Op::ChkAF).x1(1).ends_block(),
    row(M24, "invala",    system0x42(0x0, 1),  "",                Op::Invala),
    row(M24, "fwb",       system0x42(0x0, 2),  "",                Op::Fwb),
    row(M24, "mf",        system0x42(0x2, 2),  "",                Op::Mf),
    row(M24, "mf.a",      system0x42(0x3, 2),  "",                Op::MfA),
    row(M24, "srlz.d",    system0x42(0x0, 3),  "",                Op::SrlzD).ends_block(),
    row(M24, "srlz.i",    system0x42(0x1, 3),  "",                Op::SrlzI).ends_block(),
    row(M24, "sync.i",    system0x42(0x3, 3),  "",                Op::SyncI).ends_block(),
    row(M25, "flushrs",   system0x42(0xc, 0),  "",                Op::Flushrs).has(FIRST).has(Props::WRITES_MEMORY),
    row(M25, "loadrs",    system0x42(0xa, 0),  "",                Op::Loadrs).has(FIRST).has(Props::READS_MEMORY),
    row(M26, "invala.e",  system0x42(0x2, 1),  "r1",              Op::InvalaE),
    row(M27, "invala.e",  system0x42(0x3, 1),  "f1",              Op::InvalaEF),
    row(M28, "fc",        system1x6(0x30).at(36, 1, 0), "r3",     Op::Fc).x1(0),
    row(M28, "fc.i",      system1x6(0x30).at(36, 1, 1), "r3",     Op::Fc).x1(1),
    row(M29, "mov.m",     system1x6(0x2a),     "ar3 = r2",        Op::MovToAr),
    row(M30, "mov.m",     system0x42(0x8, 2),  "ar3 = imm8",      Op::MovToArImm),
    row(M31, "mov.m",     system1x6(0x22),     "r1 = ar3",        Op::MovFromAr),
    row(M32, "mov",       system1x6(0x2c),     "cr3 = r2",        Op::MovToCr).privileged().ends_block(),
    row(M33, "mov",       system1x6(0x24),     "r1 = cr3",        Op::MovFromCr).privileged(),
    row(M34, "alloc",     system1(6),          "r1 = ar.pfs, i, l, o, r", Op::Alloc).has(FIRST).has(Props::CHANGES_FRAME),
    row(M35, "mov",       system1x6(0x2d),     "psr.l = r2",      Op::MovToPsrL).privileged().ends_block(),
    row(M35, "mov",       system1x6(0x29),     "psr.um = r2",     Op::MovToPsrUm).ends_block(),
    row(M36, "mov",       system1x6(0x25),     "r1 = psr",        Op::MovFromPsr).privileged(),
    row(M36, "mov",       system1x6(0x21),     "r1 = psr.um",     Op::MovFromPsrUm),
    row(M37, "break.m",   system0x42(0x0, 0),  "imm21",           Op::Break).ends_block(),
    row(M38, "probe.r",   system1x6(0x38),     "r1 = r3, r2",     Op::ProbeR),
    row(M38, "probe.w",   system1x6(0x39),     "r1 = r3, r2",     Op::ProbeW),
    row(M39, "probe.r",   system1x6(0x18),     "r1 = r3, imm2",   Op::ProbeRImm),
    row(M39, "probe.w",   system1x6(0x19),     "r1 = r3, imm2",   Op::ProbeWImm),
    row(M40, "probe.rw.fault", system1x6(0x31), "r3, imm2",       Op::ProbeFault).x1(3),
    row(M40, "probe.r.fault",  system1x6(0x32), "r3, imm2",       Op::ProbeFault).x1(1),
    row(M40, "probe.w.fault",  system1x6(0x33), "r3, imm2",       Op::ProbeFault).x1(2),
    row(M41, "itc.d",     system1x6(0x2e),     "r2",              Op::ItcD).privileged().has(LAST).ends_block(),
    row(M41, "itc.i",     system1x6(0x2f),     "r2",              Op::ItcI).privileged().has(LAST).ends_block(),
    to_file("mov",        0x00,                "rr[r3] = r2",     IndirectFile::Rr),
    to_file("mov",        0x01,                "dbr[r3] = r2",    IndirectFile::Dbr),
    to_file("mov",        0x02,                "ibr[r3] = r2",    IndirectFile::Ibr),
    to_file("mov",        0x03,                "pkr[r3] = r2",    IndirectFile::Pkr),
    to_file("mov",        0x04,                "pmc[r3] = r2",    IndirectFile::Pmc),
    to_file("mov",        0x05,                "pmd[r3] = r2",    IndirectFile::Pmd),
    row(M42, "itr.d",     system1x6(0x0e),     "dtr[r3] = r2",    Op::ItrD).privileged().ends_block(),
    row(M42, "itr.i",     system1x6(0x0f),     "itr[r3] = r2",    Op::ItrI).privileged().ends_block(),
    from_file(0x10, "r1 = rr[r3]",    IndirectFile::Rr).privileged(),
    from_file(0x11, "r1 = dbr[r3]",   IndirectFile::Dbr).privileged(),
    from_file(0x12, "r1 = ibr[r3]",   IndirectFile::Ibr).privileged(),
    from_file(0x13, "r1 = pkr[r3]",   IndirectFile::Pkr).privileged(),
    from_file(0x14, "r1 = pmc[r3]",   IndirectFile::Pmc).privileged(),
    from_file(0x15, "r1 = pmd[r3]",   IndirectFile::Pmd),
    from_file(0x17, "r1 = cpuid[r3]", IndirectFile::Cpuid),
    row(M44, "sum",       system0x4(0x4),      "imm24",           Op::Sum).ends_block(),
    row(M44, "rum",       system0x4(0x5),      "imm24",           Op::Rum).ends_block(),
    row(M44, "ssm",       system0x4(0x6),      "imm24",           Op::Ssm).privileged().ends_block(),
    row(M44, "rsm",       system0x4(0x7),      "imm24",           Op::Rsm).privileged().ends_block(),
    row(M45, "ptc.l",     system1x6(0x09),     "r3, r2",          Op::PtcL).privileged().ends_block(),
    row(M45, "ptc.g",     system1x6(0x0a),     "r3, r2",          Op::PtcG).privileged().has(LAST).ends_block(),
    row(M45, "ptc.ga",    system1x6(0x0b),     "r3, r2",          Op::PtcGa).privileged().has(LAST).ends_block(),
    row(M45, "ptr.d",     system1x6(0x0c),     "r3, r2",          Op::PtrD).privileged().ends_block(),
    row(M45, "ptr.i",     system1x6(0x0d),     "r3, r2",          Op::PtrI).privileged().ends_block(),
    row(M46, "thash",     system1x6(0x1a),     "r1 = r3",         Op::Thash),
    row(M46, "ttag",      system1x6(0x1b),     "r1 = r3",         Op::Ttag),
    row(M46, "tpa",       system1x6(0x1e),     "r1 = r3",         Op::Tpa).privileged(),
    row(M46, "tak",       system1x6(0x1f),     "r1 = r3",         Op::Tak).privileged(),
    row(M47, "ptc.e",     system1x6(0x34),     "r3",              Op::PtcE).privileged().ends_block(),
    row(M48, "nop.m",     system0x42(0x1, 0).at(26, 1, 0), "imm21", Op::Nop),
    row(M48, "hint.m",    system0x42(0x1, 0).at(26, 1, 1), "imm21", Op::Hint),
];

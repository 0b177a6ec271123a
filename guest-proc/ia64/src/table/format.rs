//! Encoding formats: where immediates, variable completers and hints lie in the slot. SDM volume 3, sections 4.2 to 4.7
//! (format diagrams) and 4.8 ("Immediate formation").
//!
//! The registers need no description, because they lie in the same bits everywhere: `r1` 12:6, `r2` 19:13, `r3` 26:20,
//! `r4` 33:27 (`r3` of A5 has only its low two bits), branch registers in the low three bits of the same places, `p1`
//! 11:6, `p2` 32:27 and the qualifying predicate 5:0.

use crate::bits::{field, ones, sext};
use crate::bundle::Unit;
use crate::insn::Insn;

/// An encoding format, as the manual names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[rustfmt::skip] // One unit a paragraph.
#[allow(missing_docs, reason = "the manual's own names")]
pub enum Format {
    A1, A2, A3, A4, A5, A6, A7, A8, A9, A10,
    I1, I2, I3, I4, I5, I6, I7, I8, I9, I10, I11, I12, I13, I14, I15, I16, I17, I18, I19, I20, I21, I22, I23, I24, I25,
    I26, I27, I28, I29, I30,
    M1, M2, M3, M4, M5, M6, M7, M8, M9, M10, M11, M12, M13, M14, M15, M16, M17, M18, M19, M20, M21, M22, M23, M24, M25,
    M26, M27, M28, M29, M30, M31, M32, M33, M34, M35, M36, M37, M38, M39, M40, M41, M42, M43, M44, M45, M46, M47, M48,
    B1, B2, B3, B4, B5, B6, B7, B8, B9,
    F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13, F14, F15, F16,
    X1, X2, X3, X4, X5,
}

use Format::*;

/// Parts of an immediate as (lowest bit, length) in the slot, the least significant part first.
type Parts = [(u32, u32)];

const IMM8: &Parts = &[(13, 7), (36, 1)];
const IMM9_LOAD: &Parts = &[(13, 7), (27, 1), (36, 1)];
const IMM9_STORE: &Parts = &[(6, 7), (27, 1), (36, 1)];
const IMM14: &Parts = &[(13, 7), (27, 6), (36, 1)];
const IMM21: &Parts = &[(6, 20), (36, 1)];
const IMM22: &Parts = &[(13, 7), (27, 9), (22, 5), (36, 1)];
const IMM24: &Parts = &[(6, 21), (31, 2), (36, 1)];
const MASK17: &Parts = &[(6, 7), (24, 8), (36, 1)];
const IMM44: &Parts = &[(6, 27), (36, 1)];
const FCLASS9: &Parts = &[(33, 2), (20, 7)];
/// Targets, in bundles: of branches and `chk.a`, of `chk.s`, and of `fchkf`.
const TARGET_BRANCH: &Parts = &[(13, 20), (36, 1)];
const TARGET_CHECK: &Parts = &[(6, 7), (20, 13), (36, 1)];
const TARGET_FLAGS: &Parts = &[(6, 20), (36, 1)];
/// Tags of branch predictions, in bundles.
const TAG_MOVE: &Parts = &[(24, 9)];
const TAG_PREDICT: &Parts = &[(6, 7), (33, 2)];

/// Shift counts of `pmpyshr2`, by its two-bit field.
const PMPYSHR_COUNTS: [i64; 4] = [0, 7, 15, 16];
/// Magnitudes of the increment of `fetchadd`, by its two-bit field.
const FETCHADD_INCREMENTS: [i64; 4] = [16, 8, 4, 1];

/// The parts put together, unsigned.
fn unsigned(bits: u64, parts: &Parts) -> i64 {
    let (value, _) = parts
        .iter()
        .fold((0, 0), |(value, width), &(lo, len)| (value | (field(bits, lo, len) << width), width + len));
    value as i64
}

/// The parts put together, sign-extended from the topmost.
fn signed(bits: u64, parts: &Parts) -> i64 {
    sext(unsigned(bits, parts) as u64, parts.iter().map(|part| part.1).sum())
}

impl Format {
    /// Whether instructions of this format are issued to `unit`. A-unit formats go to M and I alike.
    pub const fn is_for(self, unit: Unit) -> bool {
        let format = self as u8;
        match unit {
            Unit::M => format <= A10 as u8 || format >= M1 as u8 && format <= M48 as u8,
            Unit::I => format <= I30 as u8,
            Unit::B => format >= B1 as u8 && format <= B9 as u8,
            Unit::F => format >= F1 as u8 && format <= F16 as u8,
            Unit::X => format >= X1 as u8,
            Unit::L => false,
        }
    }

    /// Whether bits 5:0 are a qualifying predicate. The others are executed unconditionally; SDM volume 1, section
    /// 4.3.2 lists them (with `alloc`, whose field exists and is not looked at).
    pub const fn is_predicated(self) -> bool {
        !matches!(self, B2 | B6 | B7 | B8 | M25 | M34)
    }

    /// Whether the base register in brackets is written after the memory access.
    pub const fn writes_base(self) -> bool {
        matches!(self, M2 | M3 | M5 | M7 | M8 | M10 | M12 | M14 | M15)
    }

    /// Whether bits 35:34 select a floating-point status field, which is then `Insn::x2`.
    pub const fn has_status_field(self) -> bool {
        matches!(self, F1 | F4 | F6 | F7 | F8 | F10 | F12 | F13 | F14)
    }

    /// Whether fields that have reserved values hold none of them.
    pub(super) const fn accepts(self, bits: u64) -> bool {
        match self {
            // pshladd2, pshradd2: a shift count of 4 does not exist.
            A10 => field(bits, 27, 2) != 3,
            // mux1: @brcst, @mix, @shuf, @alt, @rev.
            I3 => matches!(field(bits, 20, 4), 0x0 | 0x8..=0xb),
            _ => true,
        }
    }

    /// Sets everything in `insn` that is no register: immediates, completers taken from fields, and hints. `l` is the L
    /// slot of a long instruction, 0 for all others.
    pub(crate) fn fill(self, bits: u64, l: u64, insn: &mut Insn) {
        insn.imm = self.immediate(bits, l);
        insn.hints = self.hints(bits) as u8;
        match self {
            A5 => insn.r3 &= 3,
            // Lengths are encoded less one, and go with the position in `imm` or in `x2`.
            I11 | I12 => insn.x1 = field(bits, 27, 6) as u8 + 1,
            I13 => {
                insn.x1 = field(bits, 27, 6) as u8 + 1;
                insn.x2 = 63 - field(bits, 20, 6) as u8;
                insn.r2 = signed(bits, IMM8) as u8;
            }
            I14 => {
                insn.x1 = field(bits, 27, 6) as u8 + 1;
                insn.x2 = 63 - field(bits, 14, 6) as u8;
            }
            I15 => insn.x1 = field(bits, 27, 4) as u8 + 1,
            B6 | B7 => {
                let tag = unsigned(bits, TAG_PREDICT);
                (insn.x1, insn.x2) = (tag as u8, (tag >> 8) as u8);
            }
            _ if self.has_status_field() => insn.x2 = field(bits, 34, 2) as u8,
            _ => {}
        }
    }

    fn immediate(self, bits: u64, l: u64) -> i64 {
        match self {
            A2 | A10 => field(bits, 27, 2) as i64 + 1,
            A3 | A8 | I27 | M30 => signed(bits, IMM8),
            A4 => signed(bits, IMM14),
            A5 => signed(bits, IMM22),
            I1 => PMPYSHR_COUNTS[field(bits, 30, 2) as usize],
            I3 => field(bits, 20, 4) as i64,
            I4 => field(bits, 20, 8) as i64,
            I6 => field(bits, 14, 5) as i64,
            I8 => 31 - field(bits, 20, 5) as i64,
            I10 => field(bits, 27, 6) as i64,
            I11 | I16 => field(bits, 14, 6) as i64,
            I12 => 63 - field(bits, 20, 6) as i64,
            I13 => {
                let (length, position) = (field(bits, 27, 6) as u32 + 1, 63 - field(bits, 20, 6) as u32);
                ((signed(bits, IMM8) as u64 & ones(length)) << position) as i64
            }
            I14 => -(field(bits, 36, 1) as i64),
            I15 => 63 - field(bits, 31, 6) as i64,
            I30 => 32 + field(bits, 14, 5) as i64,
            I18 | I19 | M37 | M48 | B9 | F15 | F16 => unsigned(bits, IMM21),
            I20 | M20 | M21 => signed(bits, TARGET_CHECK) << 4,
            I21 => signed(bits, TAG_MOVE) << 4,
            I23 => signed(bits, MASK17) << 1,
            I24 => signed(bits, IMM44) << 16,
            M3 | M8 | M15 => signed(bits, IMM9_LOAD),
            M5 | M10 => signed(bits, IMM9_STORE),
            // ldfps moves on by 8 bytes, ldfpd and ldfp8 by 16: the low two bits of x6 tell which.
            M12 => 8 << u32::from(field(bits, 30, 2) != 2),
            M17 => {
                let increment = FETCHADD_INCREMENTS[field(bits, 13, 2) as usize];
                if field(bits, 15, 1) == 1 { -increment } else { increment }
            }
            M22 | M23 | B1 | B2 | B3 | B6 => signed(bits, TARGET_BRANCH) << 4,
            M34 => unsigned(bits, &[(13, 7), (20, 7), (27, 4)]),
            M39 | M40 => field(bits, 13, 2) as i64,
            M44 => unsigned(bits, IMM24),
            F4 => field(bits, 12, 1) as i64,
            F5 => unsigned(bits, FCLASS9),
            F12 => unsigned(bits, &[(13, 7), (20, 7)]),
            F14 => signed(bits, TARGET_FLAGS) << 4,
            X1 | X5 => (l << 21) as i64 | unsigned(bits, IMM21),
            X2 => {
                ((field(bits, 36, 1) << 63) | (l << 22)) as i64
                    | unsigned(bits, &[(13, 7), (27, 9), (22, 5), (21, 1)])
            }
            X3 | X4 => {
                ((field(bits, 36, 1) << 63) | (field(l, 2, 39) << 24)) as i64
                    | (field(bits, 13, 20) << 4) as i64
            }
            _ => 0,
        }
    }

    /// Hint bits, packed from bit 0 upwards: memory `hint`; branch `wh`, `p`, `d`; prediction `wh`, `ih`.
    fn hints(self, bits: u64) -> i64 {
        match self {
            // Later processors have a third bit in a field that those of the 9000 series ignore.
            M1 | M6 => unsigned(bits, &[(28, 2), (19, 1)]),
            M4 | M9 | M13 | M14 | M15 => unsigned(bits, &[(28, 2), (12, 1)]),
            M2 | M3 | M5 | M7 | M8 | M10 | M11 | M12 | M16 | M17 => field(bits, 28, 2) as i64,
            B1 | B2 | B3 | B4 | X3 | X4 => unsigned(bits, &[(33, 2), (12, 1), (35, 1)]),
            B5 => unsigned(bits, &[(32, 3), (12, 1), (35, 1)]),
            B6 | B7 => unsigned(bits, &[(3, 2), (35, 1)]),
            I21 => unsigned(bits, &[(20, 2), (23, 1)]),
            _ => 0,
        }
    }
}

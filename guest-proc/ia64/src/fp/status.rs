//! The floating-point status register as arithmetic sees it: one status field decoded into a [`Control`].
//! SDM volume 1, 5.2, figures 5-7 and 5-8, tables 5-3 to 5-6.

use bitflags::bitflags;

use crate::op::Precision;

bitflags! {
    /// Exceptions, in the order of FPSR.traps and of the flags of each status field.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Flags: u8 {
        /// Invalid operation.
        const V = 1;
        /// Denormal or unnormal operand.
        const D = 2;
        /// Zero divide.
        const Z = 4;
        /// Overflow.
        const O = 8;
        /// Underflow.
        const U = 16;
        /// Inexact.
        const I = 32;
    }
}

impl Flags {
    /// The exceptions that are faults: found before anything is written.
    pub const FAULTS: Flags = Flags::V.union(Flags::D).union(Flags::Z);
}

/// Rounding mode: the `rc` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rounding {
    /// To nearest, ties to even.
    Nearest,
    /// Toward −∞.
    Down,
    /// Toward +∞.
    Up,
    /// Toward zero.
    Zero,
}

impl Rounding {
    const ALL: [Rounding; 4] = [Rounding::Nearest, Rounding::Down, Rounding::Up, Rounding::Zero];
}

/// Precision and exponent range of results.
#[derive(Debug, PartialEq, Eq)]
pub struct Format {
    /// Weight of the last kept bit in a normalised 64-bit significand: `1 << (64 − precision)`.
    pub lsb: u64,
    /// Smallest biased exponent of normalised results.
    pub emin: i32,
    /// Largest biased exponent of finite results.
    pub emax: i32,
    /// Exponent encoded with a result too small to be normalised.
    pub denormal: u32,
}

impl Format {
    /// `denormal` is 0 for the double-extended range, whose denormals have the memory format's exponent.
    const fn new(precision: u32, exponent_bits: u32) -> Format {
        let max = (1 << (exponent_bits - 1)) - 1;
        let emin = 0xffff - max + 1;
        let denormal = if exponent_bits == 15 { 0 } else { emin as u32 };
        Format { lsb: 1 << (64 - precision), emin, emax: 0xffff + max, denormal }
    }

    /// Of parallel arithmetic: IEEE single.
    pub const SINGLE: &'static Format = &FORMATS[8];
}

/// Indexed by completer, `pc` and `wre`: `completer << 3 | pc << 1 | wre`.
static FORMATS: [Format; 24] = {
    // `pc` 1 is reserved and cannot be written into FPSR; it reads as the full significand.
    const E: u32 = 15;
    const W: u32 = 17;
    [
        Format::new(24, E),
        Format::new(24, W),
        Format::new(64, E),
        Format::new(64, W),
        Format::new(53, E),
        Format::new(53, W),
        Format::new(64, E),
        Format::new(64, W),
        Format::new(24, 8),
        Format::new(24, W),
        Format::new(24, 8),
        Format::new(24, W),
        Format::new(24, 8),
        Format::new(24, W),
        Format::new(24, 8),
        Format::new(24, W),
        Format::new(53, 11),
        Format::new(53, W),
        Format::new(53, 11),
        Format::new(53, W),
        Format::new(53, 11),
        Format::new(53, W),
        Format::new(53, 11),
        Format::new(53, W),
    ]
};

/// Everything outside its operands that an operation depends on.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// Precision and range of the result.
    pub format: &'static Format,
    /// Rounding mode.
    pub rounding: Rounding,
    /// Flush tiny results to zero; only effective while underflow is masked.
    pub ftz: bool,
    /// Exceptions that neither fault nor trap.
    pub masked: Flags,
}

/// Bit of FPSR where status field `sf` begins.
#[inline]
const fn shift(sf: u8) -> u32 {
    6 + 13 * (sf as u32 & 3)
}

const FTZ: u64 = 1;
const TD: u64 = 1 << 6;
const CONTROLS: u64 = 0x7f;
const FLAGS_SHIFT: u32 = 7;

impl Control {
    /// Decodes status field `sf` (0..=3) of `fpsr` for an instruction with the given precision completer.
    #[inline]
    pub fn new(fpsr: u64, sf: u8, precision: Precision) -> Control {
        let field = fpsr >> shift(sf);
        Control {
            format: &FORMATS[(precision as usize & 3) % 3 * 8 + (field >> 1 & 7) as usize],
            rounding: Rounding::ALL[(field >> 4 & 3) as usize],
            ftz: field & FTZ != 0,
            // FPSR.traps disables each exception; td disables all of them for its field.
            masked: Flags::from_bits_truncate(if field & TD != 0 { 0x3f } else { fpsr as u8 & 0x3f }),
        }
    }

    /// As [`Control::new`], for parallel instructions: always IEEE single.
    #[inline]
    pub fn parallel(fpsr: u64, sf: u8) -> Control {
        Control { format: Format::SINGLE, ..Control::new(fpsr, sf, Precision::Dynamic) }
    }

    /// The same, rounding toward zero (`.trunc`).
    #[inline]
    pub fn truncating(self) -> Control {
        Control { rounding: Rounding::Zero, ..self }
    }
}

/// Does status field `sf` round to nearest, and would an inexact result change nothing: the exception masked, its flag
/// set already?
#[inline(always)]
pub const fn host_may_round(fpsr: u64, sf: u8) -> bool {
    const INEXACT_FLAG: u64 = 1 << 12;
    const ROUNDING: u64 = 3 << 4;
    let field = fpsr >> shift(sf);
    // td lies one place above the inexact trap's disable bit.
    field & (INEXACT_FLAG | ROUNDING) == INEXACT_FLAG && (fpsr | field >> 1) & Flags::I.bits() as u64 != 0
}

/// `fpsr` with `flags` added to those of status field `sf`.
#[inline]
pub const fn with_flags(fpsr: u64, sf: u8, flags: Flags) -> u64 {
    fpsr | (flags.bits() as u64) << (shift(sf) + FLAGS_SHIFT)
}

/// The flags of status field `sf`.
#[inline]
pub const fn flags(fpsr: u64, sf: u8) -> Flags {
    Flags::from_bits_truncate((fpsr >> (shift(sf) + FLAGS_SHIFT)) as u8)
}

/// `fclrf`: the flags of status field `sf` cleared.
pub const fn clear_flags(fpsr: u64, sf: u8) -> u64 {
    fpsr & !(0x3f << (shift(sf) + FLAGS_SHIFT))
}

/// `fsetc`: the controls of field `sf` become `sf0.controls & and | or` (seven bits each). `None` when that would set a
/// reserved value: `td` in field 0, or a `pc` of 1.
pub const fn set_controls(fpsr: u64, sf: u8, and: u8, or: u8) -> Option<u64> {
    let controls = fpsr >> shift(0) & and as u64 & CONTROLS | or as u64 & CONTROLS;
    if controls >> 2 & 3 == 1 || sf == 0 && controls & TD != 0 {
        return None;
    }
    Some(fpsr & !(CONTROLS << shift(sf)) | controls << shift(sf))
}

/// `fchkf`: does status field `sf` hold a flag whose exception is enabled, or that field 0 lacks?
pub const fn check_flags(fpsr: u64, sf: u8) -> bool {
    let raised = flags(fpsr, sf).bits();
    let traps = fpsr as u8 & 0x3f;
    raised & !traps != 0 || raised & !flags(fpsr, 0).bits() != 0
}

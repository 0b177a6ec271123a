//! General registers: 32 static (16..31 in two banks) and the stacked ones in a sliding window.
//!
//! The 96 physical stacked registers live in a linear array that the frame base moves through, so that a register
//! number becomes an index by one addition. When the base would leave the array the live part is moved to its middle,
//! which happens once in some thousand calls.

/// A general register: 64 bits and the NaT bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Gr {
    /// The value; meaningless to programs while `nat` is set, but kept.
    pub value: u64,
    /// Not a Thing: 0 or 1.
    pub nat: u64,
}

impl Gr {
    /// A register with a value and no NaT.
    #[inline]
    pub const fn new(value: u64) -> Gr {
        Gr { value, nat: 0 }
    }
    /// Is the NaT bit set?
    #[inline]
    pub const fn is_nat(self) -> bool {
        self.nat != 0
    }
}

/// Physical stacked registers of the 9000 series.
pub const N_STACKED: usize = 96;
const STATIC: usize = 32;
/// Size of the whole array: a power of two, so that masking an index costs less than checking it.
const SIZE: usize = 2048;
/// Where r32 lies (less 32) after recentring.
const MIDDLE: usize = SIZE / 2;

/// In a set of register kinds: field `r1` names a stacked register.
pub const R1_STACKED: u8 = 1;
/// Field `r2` names a stacked register.
pub const R2_STACKED: u8 = 2;
/// Field `r3` names a stacked register.
pub const R3_STACKED: u8 = 4;
/// Nothing is known about the fields; each access finds out.
pub const ANY_KIND: u8 = 0x80;

/// The register file, seen through the current frame. It enforces neither frame size nor rotation: the engine renames
/// register numbers and refuses those out of frame before it gets here.
#[derive(Clone)]
pub struct GrFile {
    regs: [Gr; SIZE],
    /// r16..r31 of the bank that is not selected.
    other_bank: [Gr; 16],
    /// Added to the number of a stacked register (32..=127) to index `regs`: `base` is where r32 lies, minus 32.
    delta: usize,
}

impl Default for GrFile {
    fn default() -> Self {
        GrFile { regs: [Gr::default(); SIZE], other_bank: [Gr::default(); 16], delta: MIDDLE }
    }
}

impl GrFile {
    #[inline(always)]
    fn index(&self, r: u8) -> usize {
        // All ones when r >= 32, without a branch: stacked and static operands mix freely in every instruction.
        let stacked = (((31 - r as i32) >> 31) as usize) & self.delta;
        (r as usize + stacked) % SIZE
    }

    /// The index of a register whose kind the caller knows from having chosen its code by it.
    #[inline(always)]
    fn index_known<const KINDS: u8, const FIELD: u8>(&self, r: u8) -> usize {
        if KINDS & ANY_KIND != 0 {
            self.index(r)
        } else if KINDS & FIELD != 0 {
            (r as usize + self.delta) % SIZE
        } else {
            r as usize % STATIC
        }
    }

    /// Register `r` (0..=127) of the current frame.
    #[inline(always)]
    pub fn get(&self, r: u8) -> Gr {
        self.regs[self.index(r)]
    }

    /// Writes register `r` (1..=127); the caller has refused r0.
    #[inline(always)]
    pub fn set(&mut self, r: u8, value: Gr) {
        let index = self.index(r);
        self.regs[index] = value;
    }

    /// As [`GrFile::get`] for the register in instruction field `FIELD` of code specialised for `KINDS`.
    #[inline(always)]
    pub fn get_known<const KINDS: u8, const FIELD: u8>(&self, r: u8) -> Gr {
        self.regs[self.index_known::<KINDS, FIELD>(r)]
    }

    /// As [`GrFile::set`] for the register in instruction field `FIELD` of code specialised for `KINDS`.
    #[inline(always)]
    pub fn set_known<const KINDS: u8, const FIELD: u8>(&mut self, r: u8, value: Gr) {
        let index = self.index_known::<KINDS, FIELD>(r);
        self.regs[index] = value;
    }

    /// The register `n` places above r32 of the current frame; negative `n` are the frames below.
    #[inline]
    pub fn stacked(&mut self, n: i32) -> &mut Gr {
        let index = (self.delta as i64 + STATIC as i64 + n as i64) as usize % SIZE;
        &mut self.regs[index]
    }

    /// Moves the frame base by `n` registers (a call moves it up by the caller's locals, a return down).
    #[inline]
    pub fn move_base(&mut self, n: i32) {
        self.delta = (self.delta as i64 + n as i64) as usize;
        if self.delta < 2 * N_STACKED || self.delta > SIZE - STATIC - 2 * N_STACKED {
            self.recentre();
        }
    }

    /// Copies everything that can be live (96 below and 96 above the base) to the middle of the window.
    #[cold]
    fn recentre(&mut self) {
        let from = self.delta + STATIC - N_STACKED;
        self.regs.copy_within(from..from + 2 * N_STACKED, STATIC + MIDDLE - N_STACKED);
        self.delta = MIDDLE;
    }

    /// Exchanges the two banks of r16..r31.
    pub fn switch_bank(&mut self) {
        self.regs[16..32].swap_with_slice(&mut self.other_bank);
    }

    /// r16..r31 of the bank that is not selected.
    pub fn other_bank(&mut self) -> &mut [Gr; 16] {
        &mut self.other_bank
    }
}

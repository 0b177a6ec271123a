//! General registers: 32 static (16..31 in two banks) and the stacked ones in a sliding window.
//!
//! The 96 physical stacked registers live in a linear array that the frame base moves through, so that a register
//! number becomes an index by one addition. When the base would leave the array the live part is moved to its middle,
//! which happens once in some thousand calls.
//!
//! What one instruction writes the next one reads, so a register's way through the host's store buffer is the longest part
//! of most of them. A host hands a store on to a load of the same bytes at once, but makes a load of both halves wait until
//! two stores of one half each have reached its cache. Value and NaT bit therefore always move one by one.

use std::sync::atomic::{AtomicU64, Ordering};

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

/// A general register where it lies. The NaT bit is an atomic only because compilers join plain neighbours into one wide
/// reference, and relaxed atomic ones never.
#[derive(Default)]
struct Place {
    value: u64,
    nat: AtomicU64,
}

impl Place {
    #[inline(always)]
    fn get(&self) -> Gr {
        Gr { value: self.value, nat: self.nat.load(Ordering::Relaxed) }
    }

    #[inline(always)]
    fn set(&mut self, register: Gr) {
        self.value = register.value;
        self.nat.store(register.nat, Ordering::Relaxed);
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
pub struct GrFile {
    regs: [Place; SIZE],
    /// r16..r31 of the bank that is not selected.
    other_bank: [Gr; 16],
    /// Added to the number of a stacked register (32..=127) to index `regs`: `base` is where r32 lies, minus 32.
    delta: usize,
}

impl Default for GrFile {
    fn default() -> Self {
        GrFile {
            regs: std::array::from_fn(|_| Place::default()),
            other_bank: [Gr::default(); 16],
            delta: MIDDLE,
        }
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
        self.regs[self.index(r)].get()
    }

    /// Writes register `r` (1..=127); the caller has refused r0.
    #[inline(always)]
    pub fn set(&mut self, r: u8, value: Gr) {
        let index = self.index(r);
        self.regs[index].set(value);
    }

    /// As [`GrFile::get`] for the register in instruction field `FIELD` of code specialised for `KINDS`.
    #[inline(always)]
    pub fn get_known<const KINDS: u8, const FIELD: u8>(&self, r: u8) -> Gr {
        self.regs[self.index_known::<KINDS, FIELD>(r)].get()
    }

    /// As [`GrFile::set`] for the register in instruction field `FIELD` of code specialised for `KINDS`.
    #[inline(always)]
    pub fn set_known<const KINDS: u8, const FIELD: u8>(&mut self, r: u8, value: Gr) {
        let index = self.index_known::<KINDS, FIELD>(r);
        self.regs[index].set(value);
    }

    #[inline]
    fn index_stacked(&self, n: i32) -> usize {
        (self.delta as i64 + STATIC as i64 + n as i64) as usize % SIZE
    }

    /// The register `n` places above r32 of the current frame; negative `n` are the frames below.
    #[inline]
    pub fn stacked(&self, n: i32) -> Gr {
        self.regs[self.index_stacked(n)].get()
    }

    /// Writes the register `n` places above r32 of the current frame.
    #[inline]
    pub fn set_stacked(&mut self, n: i32, register: Gr) {
        let index = self.index_stacked(n);
        self.regs[index].set(register);
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
        let live: [Gr; 2 * N_STACKED] = std::array::from_fn(|n| self.regs[from + n].get());
        let to = STATIC + MIDDLE - N_STACKED;
        self.regs[to..to + live.len()].iter_mut().zip(live).for_each(|(place, register)| place.set(register));
        self.delta = MIDDLE;
    }

    /// Exchanges the two banks of r16..r31.
    pub fn switch_bank(&mut self) {
        for (place, other) in self.regs[16..32].iter_mut().zip(&mut self.other_bank) {
            let selected = place.get();
            place.set(std::mem::replace(other, selected));
        }
    }

    /// r16..r31 of the bank that is not selected.
    pub fn other_bank(&mut self) -> &mut [Gr; 16] {
        &mut self.other_bank
    }
}

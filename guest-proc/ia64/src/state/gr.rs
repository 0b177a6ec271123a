//! General registers: 32 static (16..31 in two banks) and the stacked ones in a sliding window.
//!
//! The 96 physical stacked registers live in a linear array that the frame base moves through, so that a register
//! number becomes an index by one addition. When the base would leave the array the live part is moved to its middle
//! ([`GrFile::recentre`]), which happens once in some thousand calls.

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
const WINDOW: usize = 2048;
const STATIC: usize = 32;

/// The register file, seen through the current frame. It enforces neither frame size nor rotation: the engine renames
/// register numbers and refuses those out of frame before it gets here.
#[derive(Clone)]
pub struct GrFile {
    regs: Box<[Gr; STATIC + WINDOW]>,
    /// r16..r31 of the bank that is not selected.
    other_bank: [Gr; 16],
    /// Added to the number of a stacked register (32..=127) to index `regs`: `base` is where r32 lies, minus 32.
    delta: usize,
}

impl Default for GrFile {
    fn default() -> Self {
        GrFile {
            regs: Box::new([Gr::default(); STATIC + WINDOW]),
            other_bank: [Gr::default(); 16],
            delta: WINDOW / 2,
        }
    }
}

impl GrFile {
    #[inline(always)]
    fn index(&self, r: u8) -> usize {
        // All ones when r >= 32, without a branch: stacked and static operands mix freely in every instruction.
        let stacked = (((31 - r as i32) >> 31) as usize) & self.delta;
        r as usize + stacked
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

    /// The register `n` places above r32 of the current frame; negative `n` are the frames below.
    #[inline]
    pub fn stacked(&mut self, n: i32) -> &mut Gr {
        let index = (self.delta as i64 + 32 + n as i64) as usize;
        &mut self.regs[index]
    }

    /// Moves the frame base by `n` registers (a call moves it up by the caller's locals, a return down).
    #[inline]
    pub fn move_base(&mut self, n: i32) {
        self.delta = (self.delta as i64 + n as i64) as usize;
        if self.delta < 2 * N_STACKED || self.delta > WINDOW - 2 * N_STACKED {
            self.recentre();
        }
    }

    /// Copies everything that can be live (96 below and 96 above the base) to the middle of the window.
    #[cold]
    fn recentre(&mut self) {
        let from = self.delta + 32 - N_STACKED;
        self.regs.copy_within(from..from + 2 * N_STACKED, STATIC + WINDOW / 2 - N_STACKED);
        self.delta = WINDOW / 2;
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

//! A decoded instruction: everything that executing, disassembling and compiling it need.

use crate::op::Op;

/// One decoded instruction slot (or the L and X slots together). 24 bytes, `Copy`, no lifetime.
///
/// Register numbers are those written in the instruction, before rotation: see `Row::operands` for which fields name
/// registers of which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// Immediate operand, already assembled and sign-extended. Displacements are in bytes and relative to the bundle.
    pub imm: i64,
    /// What it does.
    pub op: Op,
    /// Qualifying predicate, 0..=63; 0 where the format has none.
    pub qp: u8,
    /// Target register (or the first of two).
    pub r1: u8,
    /// First source register.
    pub r2: u8,
    /// Second source register (the base of memory operations).
    pub r3: u8,
    /// Third source register (`f4` of multiply-add formats).
    pub r4: u8,
    /// First target predicate.
    pub p1: u8,
    /// Second target predicate.
    pub p2: u8,
    /// First completer; its meaning is given beside each [`Op`].
    pub x1: u8,
    /// Second completer; its meaning is given beside each [`Op`].
    pub x2: u8,
    /// Index of its row in the instruction table (`table::ROWS`).
    pub row: u16,
    /// Slot number 0..=2 within the bundle (1 for an L+X pair, which fills slots 1 and 2).
    pub slot: u8,
    /// Hint and ignored-for-meaning bits that only the disassembler prints (branch whether/prefetch/dealloc hints,
    /// locality hints), packed as the format says.
    pub hints: u8,
    /// Index of the bundle within its decoded block, 0..=255; the engine sets it, the decoder leaves 0.
    pub bundle: u8,
    /// The predicate that the engine tests before it calls the operation: `qp`, or 0 where the operation looks at its
    /// qualifying predicate itself (`Row::reads_qp`).
    pub guard: u8,
}

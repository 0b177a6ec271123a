//! Long instructions, which fill the L and X slots. SDM volume 3, section 4.7.

use super::Format::{X1, X2, X3, X4, X5};
use super::{Bits, Props, Row, major, row};
use crate::op::Op;

const fn misc(x6: u64) -> Bits {
    major(0).at(33, 3, 0).at(27, 6, x6)
}

#[rustfmt::skip] // One instruction a line.
pub(super) const ROWS: &[Row] = &[
    row(X1, "break.x",  misc(0x00),              "imm62",         Op::Break).ends_block(),
    row(X2, "movl",     major(6).at(20, 1, 0),   "r1 = imm64",    Op::Movl),
    row(X3, "brl.cond", major(0xc).at(6, 3, 0),  "target64",      Op::BrlCond).ends_block(),
    row(X4, "brl.call", major(0xd),              "b1 = target64", Op::BrlCall).ends_block().has(Props::CHANGES_FRAME),
    row(X5, "nop.x",    misc(0x01).at(26, 1, 0), "imm62",         Op::Nop),
    row(X5, "hint.x",   misc(0x01).at(26, 1, 1), "imm62",         Op::Hint),
];

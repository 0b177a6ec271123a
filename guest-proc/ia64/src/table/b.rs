//! Branches and other instructions of the B unit. SDM volume 3, section 4.5.

use super::Format::{B1, B2, B3, B4, B5, B6, B7, B8, B9};
use super::{Bits, Props, Row, major, row};
use crate::op::Op;

/// B1 and B2.
const fn relative(btype: u64) -> Bits {
    major(4).at(6, 3, btype)
}

/// B4.
const fn indirect(x6: u64, btype: u64) -> Bits {
    misc(x6).at(6, 3, btype)
}

/// B8 and `break.b`.
const fn misc(x6: u64) -> Bits {
    major(0).at(27, 6, x6)
}

/// B7 and the `nop` and `hint` of B9.
const fn predict(x6: u64) -> Bits {
    major(2).at(27, 6, x6)
}

const LAST: Props = Props::LAST_IN_GROUP;
const SLOT_2: Props = Props::SLOT_2;
const FRAME: Props = Props::CHANGES_FRAME;

#[rustfmt::skip] // One instruction a line.
pub(super) const ROWS: &[Row] = &[
    row(B1, "br.cond",    relative(0),       "target25",        Op::BrCond).ends_block(),
    row(B1, "br.wexit",   relative(2),       "target25",        Op::BrWexit).ends_block().reads_qp().has(SLOT_2).has(FRAME),
    row(B1, "br.wtop",    relative(3),       "target25",        Op::BrWtop).ends_block().reads_qp().has(SLOT_2).has(FRAME),
    row(B2, "br.cloop",   relative(5),       "target25",        Op::BrCloop).ends_block().has(SLOT_2),
    row(B2, "br.cexit",   relative(6),       "target25",        Op::BrCexit).ends_block().has(SLOT_2).has(FRAME),
    row(B2, "br.ctop",    relative(7),       "target25",        Op::BrCtop).ends_block().has(SLOT_2).has(FRAME),
    row(B3, "br.call",    major(5),          "b1 = target25",   Op::BrCall).ends_block().has(FRAME),
    row(B4, "br.cond",    indirect(0x20, 0), "b2",              Op::BrInd).ends_block(),
    row(B4, "br.ia",      indirect(0x20, 1), "b2",              Op::BrIa).ends_block(),
    row(B4, "br.ret",     indirect(0x21, 4), "b2",              Op::BrRet).ends_block().has(FRAME),
    row(B5, "br.call",    major(1),          "b1 = b2",         Op::BrCallInd).ends_block().has(FRAME),
    row(B6, "brp",        major(7),          "target25, tag13", Op::Brp),
    row(B7, "brp",        predict(0x10),     "b2, tag13",       Op::Brp),
    row(B7, "brp.ret",    predict(0x11),     "b2, tag13",       Op::Brp),
    row(B8, "cover",      misc(0x02),        "",                Op::Cover).has(LAST).has(FRAME),
    row(B8, "clrrrb",     misc(0x04),        "",                Op::Clrrrb).has(LAST).has(FRAME),
    row(B8, "clrrrb.pr",  misc(0x05),        "",                Op::ClrrrbPr).has(LAST).has(FRAME),
    row(B8, "rfi",        misc(0x08),        "",                Op::Rfi).privileged().has(LAST).has(FRAME).ends_block(),
    row(B8, "bsw.0",      misc(0x0c),        "",                Op::Bsw).x1(0).privileged().has(LAST).ends_block(),
    row(B8, "bsw.1",      misc(0x0d),        "",                Op::Bsw).x1(1).privileged().has(LAST).ends_block(),
    row(B8, "epc",        misc(0x10),        "",                Op::Epc).ends_block(),
    row(B8, "vmsw.0",     misc(0x18),        "",                Op::Vmsw).x1(0).privileged().ends_block(),
    row(B8, "vmsw.1",     misc(0x19),        "",                Op::Vmsw).x1(1).privileged().ends_block(),
    row(B9, "break.b",    misc(0x00),        "imm21",           Op::Break).ends_block(),
    row(B9, "nop.b",      predict(0x00),     "imm21",           Op::Nop),
    row(B9, "hint.b",     predict(0x01),     "imm21",           Op::Hint),
];

//! Decoded blocks: straight runs of instructions with their bodies chosen and their operands checked.
//!
//! A block starts at one slot of one bundle and goes on, past branches that may not be taken, to the first instruction
//! that always leaves it or changes what instructions mean, but never across a 4 KiB page. It is cached by physical
//! address, so it must not depend on anything but the bytes: frame size and rotation are looked at when it is entered.

use std::cell::Cell;

use super::rotation::Rotating;
use crate::bundle::{Bundle, Unit};
use crate::cpu::Cpu;
use crate::decode::{Undecoded, decode_bundle};
use crate::exec::{self, Handler};
use crate::insn::Insn;
use crate::op::Op;
use crate::table::{File, Props, ROWS, Role, Row};

/// Longest block, in bundles: beyond this, decoding ahead costs more than it saves.
const MAX_BUNDLES: usize = 32;

/// One instruction ready to run: 32 bytes.
#[derive(Clone, Copy)]
pub(crate) struct Micro {
    pub(crate) run: Handler,
    pub(crate) insn: Insn,
}

/// A decoded run of instructions.
pub(crate) struct Block {
    /// What runs; instructions without effect are left out.
    pub(crate) micros: Box<[Micro]>,
    /// For each of them, which register fields rotate.
    pub(crate) rotating: Box<[Rotating]>,
    /// The bytes it was decoded from, bundle by bundle.
    pub(crate) bytes: Box<[[u64; 2]]>,
    /// Index of its page of RAM and the page's epoch when the bytes were last compared.
    pub(crate) page: usize,
    pub(crate) epoch: Cell<u32>,
    /// From its first bundle to the one after its last instruction, in bytes, and that instruction's successor's slot:
    /// where a run to the end leads.
    pub(crate) advance: u64,
    pub(crate) end_slot: u8,
    /// Instructions in it, those without effect included.
    pub(crate) instructions: u64,
    /// Slot it starts at.
    pub(crate) slot: u8,
    /// Highest stacked register that is written before the block allocates its own frame; the frame must reach it.
    pub(crate) highest_target: u8,
}

impl Block {
    /// Has nothing been written to its page since its bytes were compared?
    #[inline(always)]
    pub(crate) fn is_current(&self, cpu: &Cpu) -> bool {
        self.epoch.get() == cpu.memory.epoch(self.page)
    }

    /// Instructions from the block's start up to and including slot `slot` of bundle `bundle`.
    pub(crate) fn retired(&self, bundle: u8, slot: u8) -> u64 {
        bundle as u64 * 3 + slot as u64 + 1 - self.slot as u64
    }
}

/// Where a block stops being built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// As far as it goes.
    Whole,
    /// One instruction, for stepping.
    One,
}

/// Decodes a block from `code`, the bundles of its page from its first one on. `breakpoint` tells of addresses (bundle
/// index, slot) that must not be run into.
pub(crate) fn build(
    code: &mut dyn Iterator<Item = [u64; 2]>,
    slot: u8,
    extent: Extent,
    later_processor: bool,
    breakpoint: impl Fn(usize, u8) -> bool,
) -> Block {
    let mut micros: Vec<Micro> = Vec::new();
    let mut bytes = Vec::new();
    let mut frame = Frame { highest_target: 0, allocated: None };
    let mut end_slot = 0;
    'block: for (index, raw) in code.take(MAX_BUNDLES).enumerate() {
        bytes.push(raw);
        let first_slot = if index == 0 { slot } else { 0 };
        let bundle = index as u8;
        let Ok(decoded) = decode_bundle(Bundle(raw)) else {
            micros.push(illegal(bundle, first_slot, 0));
            break;
        };
        for (decoded_slot, decoded) in (0u8..).zip(decoded.slots) {
            let Some(decoded) = decoded else { continue };
            if decoded_slot < first_slot {
                continue;
            }
            end_slot = (decoded_slot + 1) % 3;
            // A step is not held up by a breakpoint at the instruction it is to run.
            if extent == Extent::Whole && breakpoint(index, decoded_slot) {
                micros.push(leave(bundle, decoded_slot));
                break 'block;
            }
            match decoded {
                Err(Undecoded::Ignored) => {}
                Err(Undecoded::IllegalIfPredicated(qp)) => micros.push(illegal(bundle, decoded_slot, qp)),
                Err(Undecoded::Illegal) => {
                    micros.push(illegal(bundle, decoded_slot, 0));
                    break 'block;
                }
                Ok(insn) => {
                    if is_long(&insn) {
                        end_slot = 0;
                    }
                    let ends = ends_block(&insn);
                    if let Some(micro) = prepare(insn, bundle, &mut frame, later_processor) {
                        micros.push(micro);
                    }
                    if ends {
                        break 'block;
                    }
                }
            }
            if extent == Extent::One {
                break 'block;
            }
        }
    }
    let bundles = bytes.len() as u64;
    let whole_bundles = if end_slot == 0 { bundles } else { bundles.saturating_sub(1) };
    Block {
        advance: whole_bundles * 16,
        instructions: (whole_bundles * 3 + end_slot as u64).saturating_sub(slot as u64),
        end_slot,
        rotating: micros.iter().map(|micro| Rotating::of(&micro.insn)).collect(),
        micros: micros.into(),
        bytes: bytes.into(),
        page: 0,
        epoch: Cell::new(0),
        slot,
        highest_target: frame.highest_target,
    }
}

/// What the builder knows about the frame while it goes along a block.
struct Frame {
    highest_target: u8,
    /// Size of the frame once the block has passed an `alloc`.
    allocated: Option<u32>,
}

impl Frame {
    /// May general register `r` be written here? Registers that depend on the frame at entry are remembered.
    fn allows(&mut self, r: u8) -> bool {
        match (r, self.allocated) {
            (0, _) => false,
            (1..32, _) => true,
            (_, Some(sof)) => (r as u32) < 32 + sof,
            (_, None) => {
                self.highest_target = self.highest_target.max(r);
                true
            }
        }
    }
}

fn illegal(bundle: u8, slot: u8, guard: u8) -> Micro {
    Micro { run: exec::illegal, insn: placeholder(bundle, slot, guard) }
}

fn leave(bundle: u8, slot: u8) -> Micro {
    Micro { run: exec::leave_for_breakpoint, insn: placeholder(bundle, slot, 0) }
}

fn placeholder(bundle: u8, slot: u8, guard: u8) -> Insn {
    Insn {
        imm: 0,
        op: Op::Nop,
        qp: guard,
        r1: 0,
        r2: 0,
        r3: 0,
        r4: 0,
        p1: 0,
        p2: 0,
        x1: 0,
        x2: 0,
        row: 0,
        slot,
        hints: 0,
        bundle,
        guard,
    }
}

/// Does the block end behind this instruction? A branch that is taken or not by its predicate lets it go on.
fn ends_block(insn: &Insn) -> bool {
    let props = ROWS[insn.row as usize].props;
    let conditional = match insn.op {
        Op::BrCond | Op::BrInd | Op::BrCall | Op::BrCallInd | Op::BrRet | Op::BrlCond | Op::BrlCall => {
            insn.qp != 0
        }
        Op::BrCloop | Op::ChkS | Op::ChkSF | Op::ChkA | Op::ChkAF | Op::Fchkf => true,
        _ => false,
    };
    props.contains(Props::ENDS_BLOCK) && !conditional
}

/// Chooses the body of `insn` and checks what does not depend on the state: `None` when it has no effect.
fn prepare(mut insn: Insn, bundle: u8, frame: &mut Frame, later_processor: bool) -> Option<Micro> {
    let row = &ROWS[insn.row as usize];
    insn.bundle = bundle;
    insn.guard = if row.props.contains(Props::READS_QP) { 0 } else { insn.qp };
    if matches!(insn.op, Op::Nop | Op::Brp) {
        return None;
    }
    let legal = targets_are_legal(&insn, row, frame)
        && (later_processor || !row.props.contains(Props::LATER_PROCESSORS))
        && (insn.slot == 2 || !row.props.contains(Props::SLOT_2));
    if !legal {
        return Some(Micro { run: exec::illegal, insn });
    }
    if insn.op == Op::Alloc {
        frame.allocated = Some((insn.imm & 0x7f) as u32);
    }
    Some(Micro { run: exec::select(&insn), insn })
}

fn targets_are_legal(insn: &Insn, row: &Row, frame: &mut Frame) -> bool {
    if row.writes_two_predicates() && insn.p1 == insn.p2 {
        return false;
    }
    let registers = [(row.r1(), insn.r1), (row.r2(), insn.r2), (row.r3(), insn.r3), (row.r4(), insn.r4)];
    for (role, number) in registers {
        let legal = match role {
            Some(role) if !role.is_written() => true,
            // `alloc` checks its target against the frame it makes.
            Some(Role { file: File::Gr, .. }) => insn.op == Op::Alloc || frame.allows(number),
            Some(Role { file: File::Fr, .. }) => number > 1,
            _ => true,
        };
        if !legal {
            return false;
        }
    }
    let writes_same_twice = row.writes_base()
        && insn.r1 == insn.r3
        && row.r1().is_some_and(|r| r.file == File::Gr && r.is_written());
    // Both targets of a pair load must be of different halves of the file (SDM volume 3, "ldfp"): one odd, one even.
    let bad_pair = matches!(insn.op, Op::Ldfp | Op::LdfpImm) && insn.r1 & 1 == insn.r2 & 1;
    !(writes_same_twice || bad_pair)
}

/// Does the instruction take slots 1 and 2 of its bundle?
pub(crate) fn is_long(insn: &Insn) -> bool {
    insn.slot == 1 && ROWS[insn.row as usize].format.is_for(Unit::X)
}

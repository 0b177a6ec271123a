//! The interpreter: finds the decoded block at the current address, runs it, and sees to everything that happens between
//! blocks (interrupts, purges asked for by other processors, the timer, incomplete frames, single stepping).
//!
//! ```text
//!   attention? ──► frame complete? ──► one-shot PSR bits, stepping? ──► block at (ip, slot) ──► run ──► why it stopped
//!       │                                        │                        │ jump cache
//!   service()                                  step()                     └ miss: fetch ─► by physical address ─► build
//! ```
//!
//! While a block runs, `Cpu::ip` is the address of its first bundle; everywhere else it is exact.

mod block;

use std::collections::HashMap;

use self::block::{Block, Extent, Micro};
use crate::cpu::{Cpu, Exit};

use crate::fault::{Fault, Stop, Vector, isr};
use crate::memory::PAGE_SIZE;
use crate::state::Psr;

/// Entries of the jump cache; a power of two.
const JUMPS: usize = 8192;

/// Decoded blocks kept before all are dropped and decoding starts anew.
const MAX_BLOCKS: usize = 1 << 17;

/// Blocks run between two looks at the clock.
const BLOCKS_PER_TICK: u32 = 256;

#[derive(Clone, Copy)]
struct Jump {
    ip: u64,
    key: u64,
    block: u32,
}

const NO_JUMP: Jump = Jump { ip: 1, key: 0, block: 0 };

/// Decoded code of one processor.
pub(crate) struct Engine {
    blocks: Vec<Block>,
    by_physical_address: HashMap<u64, u32>,
    jumps: Box<[Jump; JUMPS]>,
}

impl Default for Engine {
    fn default() -> Self {
        Engine { blocks: Vec::new(), by_physical_address: HashMap::new(), jumps: Box::new([NO_JUMP; JUMPS]) }
    }
}

/// PSR bits under which instructions run one at a time.
const STEPPING: u64 = Psr::ONE_INSTRUCTION | 1 << 40 | 1 << 26;

impl Cpu {
    /// Runs about `budget` instructions, or fewer if something needs the caller. Nested calls are not possible.
    pub fn run(&mut self, budget: u64) -> Exit {
        let mut engine = self.engine.take().unwrap_or_default();
        let exit = engine.run(self, budget);
        self.engine = Some(engine);
        exit
    }

    /// Runs one instruction, breakpoint or not.
    pub fn step(&mut self) -> Exit {
        let mut engine = self.engine.take().unwrap_or_default();
        let exit = engine.between_blocks(self).or_else(|| engine.step(self)).unwrap_or(Exit::Debug);
        self.engine = Some(engine);
        exit
    }

    /// Moves on past the instruction at the current address: after a [`Exit::HostCall`] that is done.
    pub fn skip(&mut self) {
        self.next_slot(self.psr.ri(), false);
    }

    /// Sets the addresses (bundle address plus slot) at which [`Cpu::run`] stops.
    pub fn set_breakpoints(&mut self, addresses: &[u64]) {
        self.breakpoints = addresses.to_vec();
        self.engine = None;
    }

    fn next_slot(&mut self, slot: u8, long: bool) {
        if slot >= 2 || long {
            self.ip = self.ip.wrapping_add(16);
            self.psr.set_ri(0);
        } else {
            self.psr.set_ri(slot + 1);
        }
    }
}

/// How a block was left.
enum Left {
    /// It ran to its end.
    End,
    /// This instruction stopped it.
    At(Micro, Stop),
}

#[inline(always)]
fn run_micros(cpu: &mut Cpu, block: &Block) -> Left {
    for micro in &block.micros {
        if cpu.pr >> (micro.insn.guard & 63) & 1 == 0 {
            continue;
        }
        if let Err(stop) = (micro.run)(cpu, &micro.insn) {
            return Left::At(*micro, stop);
        }
    }
    Left::End
}

/// As [`run_micros`], with rotating registers renamed on the way.
fn run_micros_renamed(cpu: &mut Cpu, block: &Block) -> Left {
    for micro in &block.micros {
        if cpu.pr >> (micro.insn.guard & 63) & 1 == 0 {
            continue;
        }
        let insn = block::renamed(&micro.insn, cpu.cfm);
        if let Err(stop) = (micro.run)(cpu, &insn) {
            return Left::At(*micro, stop);
        }
    }
    Left::End
}

impl Engine {
    fn run(&mut self, cpu: &mut Cpu, budget: u64) -> Exit {
        let end = cpu.retired.saturating_add(budget);
        let mut until_tick = 0;
        // A breakpoint at the very address we start from has been reported already.
        if cpu.breakpoints.contains(&(cpu.ip | cpu.psr.ri() as u64)) {
            if let Some(exit) = self.between_blocks(cpu).or_else(|| self.step(cpu)) {
                return exit;
            }
        }
        loop {
            if until_tick == 0 {
                until_tick = BLOCKS_PER_TICK;
                cpu.timer_tick();
                if cpu.retired >= end {
                    return Exit::Budget;
                }
            }
            until_tick -= 1;
            if let Some(exit) = self.between_blocks(cpu) {
                return exit;
            }
            if cpu.psr.0 & STEPPING != 0 {
                if let Some(exit) = self.step(cpu) {
                    return exit;
                }
                continue;
            }
            let index = match self.find(cpu) {
                Ok(index) => index,
                Err(stop) => {
                    cpu.raise(stop);
                    continue;
                }
            };
            let block = &self.blocks[index as usize];
            if block.highest_target as u32 >= 32 + cpu.cfm.sof() && block.highest_target != 0 {
                if let Some(exit) = self.step(cpu) {
                    return exit;
                }
                continue;
            }
            let start = cpu.ip;
            let rotated = cpu.cfm.rrb_gr() | cpu.cfm.rrb_fr() != 0;
            let left = if rotated { run_micros_renamed(cpu, block) } else { run_micros(cpu, block) };
            if let Some(exit) = settle(cpu, block, start, left) {
                return exit;
            }
        }
    }

    /// What has to happen before the next instruction.
    #[inline(always)]
    fn between_blocks(&mut self, cpu: &mut Cpu) -> Option<Exit> {
        if cpu.link.attention() || cpu.sapic.attention() {
            if let Some(exit) = cpu.service() {
                return Some(exit);
            }
        }
        while cpu.frame_incomplete() {
            match cpu.rse_complete_frame() {
                Ok(()) => break,
                Err(stop) => match stop.fault() {
                    Some(fault) => cpu.deliver(fault.with(isr::RS | isr::IR)),
                    None => return Some(cpu.exit),
                },
            }
        }
        None
    }

    /// The block at the current address.
    #[inline]
    fn find(&mut self, cpu: &mut Cpu) -> Result<u32, Stop> {
        let key = lookup_key(cpu);
        let jump = self.jumps[slot_of(cpu.ip)];
        if jump.ip == cpu.ip && jump.key == key {
            let block = &self.blocks[jump.block as usize];
            if cpu.memory.epoch(block.page) == block.epoch {
                return Ok(jump.block);
            }
        }
        self.find_by_fetch(cpu)
    }

    #[cold]
    fn find_by_fetch(&mut self, cpu: &mut Cpu) -> Result<u32, Stop> {
        let page = cpu.fetch(cpu.ip)?;
        let offset = cpu.ip & (PAGE_SIZE - 1);
        let physical = page.pa & !(PAGE_SIZE - 1) | offset | cpu.psr.ri() as u64;
        let page_index = cpu.memory.page_index(page.pa);
        let Some(page_index) = page_index else {
            // Code in device space: there is nothing to cache it by, and no system we know runs any.
            return Err(Fault::new(Vector::UnsupportedDataReference, 0).with(isr::X).into());
        };
        let epoch = cpu.memory.epoch(page_index);
        let index = match self.by_physical_address.get(&physical) {
            Some(&index) => {
                let block = &mut self.blocks[index as usize];
                if block.epoch != epoch {
                    let same = page.bundles(offset).take(block.bytes.len()).eq(block.bytes.iter().copied());
                    if same {
                        block.epoch = epoch;
                    } else {
                        *block = decode(cpu, &page, offset, Extent::Whole, (page_index, epoch));
                    }
                }
                index
            }
            None => {
                if self.blocks.len() >= MAX_BLOCKS {
                    *self = Engine::default();
                }
                let index = self.blocks.len() as u32;
                self.blocks.push(decode(cpu, &page, offset, Extent::Whole, (page_index, epoch)));
                self.by_physical_address.insert(physical, index);
                index
            }
        };
        // `fetch` may have moved the generation on: the key is taken after it.
        self.jumps[slot_of(cpu.ip)] = Jump { ip: cpu.ip, key: lookup_key(cpu), block: index };
        Ok(index)
    }

    /// Runs one instruction with everything that goes with single instructions: one-shot PSR bits end, traps are taken.
    fn step(&mut self, cpu: &mut Cpu) -> Option<Exit> {
        let page = match cpu.fetch(cpu.ip) {
            Ok(page) => page,
            Err(stop) => {
                cpu.raise(stop);
                return None;
            }
        };
        let offset = cpu.ip & (PAGE_SIZE - 1);
        let block = decode(cpu, &page, offset, Extent::One, (0, 0));
        let out_of_frame = block.highest_target != 0 && block.highest_target as u32 >= 32 + cpu.cfm.sof();
        let start = cpu.ip;
        let (single_step, taken_branch) = (cpu.psr.ss(), cpu.psr.tb());
        let one_shot = cpu.psr.0 & Psr::ONE_INSTRUCTION;
        let left = match block.micros.first() {
            Some(micro) if out_of_frame && cpu.pr(micro.insn.guard & 63) => {
                Left::At(*micro, Fault::ILLEGAL_OPERATION.into())
            }
            _ => run_micros_renamed(cpu, &block),
        };
        let branched = matches!(left, Left::At(_, Stop::BRANCH));
        let completed = match &left {
            Left::End => true,
            Left::At(_, stop) => stop.fault().is_none() && *stop != Stop::EXIT,
        };
        let was_rfi = matches!(&left, Left::At(micro, _) if micro.insn.op == crate::op::Op::Rfi);
        let exit = settle(cpu, &block, start, left);
        if completed && !was_rfi {
            // `rfi` loaded the bits anew for the instruction it returns to.
            cpu.psr.0 &= !one_shot;
            let code = (single_step as u16) << 3 | ((taken_branch && branched) as u16) << 2;
            if code != 0 {
                // One trap for both: the single-step vector has the higher priority of the two (SDM volume 2, 5.3).
                let vector = if taken_branch && branched { Vector::TakenBranch } else { Vector::SingleStep };
                cpu.deliver(Fault::new(vector, code));
            }
        }
        exit
    }
}

/// Everything besides the address that decides which block runs: translation generation, privilege, mode, slot.
#[inline(always)]
fn lookup_key(cpu: &Cpu) -> u64 {
    cpu.mmu.fetch_generation << 8 | (cpu.psr.it() as u64) << 4 | (cpu.psr.cpl() as u64) << 2 | cpu.psr.ri() as u64
}

#[inline(always)]
fn slot_of(ip: u64) -> usize {
    ((ip >> 4) ^ (ip >> 17)) as usize % JUMPS
}

fn decode(cpu: &Cpu, page: &crate::mmu::FetchPage, offset: u64, extent: Extent, (index, epoch): (usize, u32)) -> Block {
    let breakpoint =
        |bundle: usize, slot: u8| cpu.breakpoints.contains(&(cpu.ip + bundle as u64 * 16 + slot as u64));
    let later_processor = cpu.config.cpuid[4] >> 32 & 1 != 0;
    let mut block = block::build(&mut page.bundles(offset), cpu.psr.ri(), extent, later_processor, breakpoint);
    block.page = index;
    block.epoch = epoch;
    block
}

/// Brings `ip`, PSR.ri, IIPA and the instruction count up to date after a block, and delivers what stopped it.
#[inline(always)]
fn settle(cpu: &mut Cpu, block: &Block, start: u64, left: Left) -> Option<Exit> {
    match left {
        Left::End => {
            let bundles = block.bytes.len() as u64;
            cpu.retired += bundles * 3 - block.slot as u64;
            cpu.iipa = start.wrapping_add((bundles - 1) * 16);
            cpu.ip = start.wrapping_add(bundles * 16);
            cpu.psr.set_ri(0);
            None
        }
        Left::At(micro, Stop::BRANCH) => {
            cpu.retired += block.retired(micro.insn.bundle, micro.insn.slot);
            cpu.iipa = start.wrapping_add((micro.insn.bundle as u64) << 4);
            None
        }
        Left::At(micro, stop) => settle_stop(cpu, block, start, micro, stop),
    }
}

#[cold]
fn settle_stop(cpu: &mut Cpu, block: &Block, start: u64, micro: Micro, stop: Stop) -> Option<Exit> {
    let insn = micro.insn;
    let here = start.wrapping_add((insn.bundle as u64) << 4);
    cpu.retired += block.retired(insn.bundle, insn.slot);
    let is_trap_after_branch = stop.fault().is_some_and(|f| f.vector() == Vector::LowerPrivilegeTransfer as u16);
    if is_trap_after_branch {
        cpu.iipa = here;
        cpu.raise(stop);
        return None;
    }
    cpu.ip = here;
    cpu.psr.set_ri(insn.slot);
    match stop.fault() {
        None if stop == Stop::EXIT => Some(cpu.exit),
        None => {
            cpu.iipa = here;
            cpu.next_slot(insn.slot, block::is_long(&insn));
            None
        }
        Some(fault) => {
            if fault.vector() == Vector::FpTrap as u16 {
                cpu.iipa = here;
                cpu.next_slot(insn.slot, false);
            } else if insn.bundle != 0 && insn.slot == 0 {
                cpu.iipa = here.wrapping_sub(16);
            } else if insn.slot != 0 {
                cpu.iipa = here;
            }
            cpu.deliver(fault);
            None
        }
    }
}

impl Cpu {
    /// Delivers the fault in `stop`; anything else needs no action here.
    fn raise(&mut self, stop: Stop) {
        if let Some(fault) = stop.fault() {
            self.deliver(fault);
        }
    }
}

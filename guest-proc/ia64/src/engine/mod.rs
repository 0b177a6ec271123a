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
mod rotation;

use std::collections::HashMap;
use std::rc::Rc;

use self::block::{Block, Extent, Micro};
use self::rotation::Rotation;
use crate::cpu::{Cpu, Exit};
use crate::fault::{Fault, Stop, Vector, isr};
use crate::memory::PAGE_SIZE;
use crate::mmu::FetchPage;
use crate::op::Op;
use crate::state::Psr;

/// Entries of the jump cache; a power of two.
const JUMPS: usize = 8192;

/// Decoded blocks kept before all are dropped and decoding starts anew.
const MAX_BLOCKS: usize = 1 << 17;

/// Instructions run between two looks at the clock.
const INSTRUCTIONS_PER_TICK: u64 = 2048;

/// Fetches that fault one after the other, without an instruction between them, before it is clear that none ever will
/// run: a handler's first bundle faults, and so does that fault's handler's.
const BARREN_FETCHES: u32 = 1000;

/// PSR bits under which instructions run one at a time.
const STEPPING: u64 = Psr::ONE_INSTRUCTION | Psr::SINGLE_STEP | Psr::TAKEN_BRANCH | Psr::DEBUG;

/// PSR bits that decide, with the address, which block runs and how. No block is entered in the jump cache under
/// `STEPPING`, so that a look-up then always misses.
const MODE: u64 = STEPPING | Psr::CPL | Psr::IT | Psr::RI;

/// Where an address led to.
struct Jump {
    ip: u64,
    mode: u64,
    generation: u64,
    block: Rc<Block>,
}

/// Decoded code of one processor.
pub(crate) struct Engine {
    by_physical_address: HashMap<u64, Rc<Block>>,
    jumps: Box<[Option<Jump>; JUMPS]>,
}

impl Default for Engine {
    fn default() -> Self {
        Engine { by_physical_address: HashMap::new(), jumps: Box::new([const { None }; JUMPS]) }
    }
}

impl Cpu {
    /// Runs about `budget` instructions, or fewer if something needs the caller. Nested calls are not possible.
    pub fn run(&mut self, budget: u64) -> Exit {
        self.enter();
        let mut engine = self.engine.take().unwrap_or_default();
        let exit = engine.run(self, budget);
        self.engine = Some(engine);
        self.leave();
        exit
    }

    /// Runs one instruction, breakpoint or not.
    pub fn step(&mut self) -> Exit {
        self.enter();
        let mut engine = self.engine.take().unwrap_or_default();
        let exit = between_blocks(self).or_else(|| engine.step(self)).unwrap_or(Exit::Debug);
        self.engine = Some(engine);
        self.leave();
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

    /// Delivers the fault in `stop`; if it is none, the reason to go back to the caller.
    fn raise(&mut self, stop: Stop) -> Option<Exit> {
        match stop.fault() {
            Some(fault) => {
                self.deliver(fault);
                None
            }
            None => Some(self.exit),
        }
    }
}

/// How a block was left.
enum Left<'a> {
    /// It ran to its end.
    End,
    /// This instruction stopped it.
    At(&'a Micro, Stop),
}

#[inline(always)]
fn run_micros<'a>(cpu: &mut Cpu, block: &'a Block) -> Left<'a> {
    for micro in &block.micros {
        if cpu.pr >> (micro.insn.guard & 63) & 1 == 0 {
            continue;
        }
        if let Err(stop) = (micro.run)(cpu, &micro.insn) {
            return Left::At(micro, stop);
        }
    }
    Left::End
}

/// As [`run_micros`], with rotating registers renamed on the way.
#[inline(never)]
fn run_micros_renamed<'a>(cpu: &mut Cpu, block: &'a Block, rotation: &Rotation) -> Left<'a> {
    for (micro, &rotating) in block.micros.iter().zip(&block.rotating) {
        if cpu.pr >> (micro.insn.guard & 63) & 1 == 0 {
            continue;
        }
        let insn = rotation.rename(&micro.insn, rotating);
        if let Err(stop) = (micro.run)(cpu, &insn) {
            return Left::At(micro, stop);
        }
    }
    Left::End
}

/// Runs a block's instructions in the current frame.
#[inline(always)]
fn run_block<'a>(cpu: &mut Cpu, block: &'a Block) -> Left<'a> {
    match Rotation::of(cpu.cfm) {
        None => run_micros(cpu, block),
        Some(rotation) => run_micros_renamed(cpu, block, &rotation),
    }
}

impl Engine {
    fn run(&mut self, cpu: &mut Cpu, budget: u64) -> Exit {
        let end = cpu.retired.saturating_add(budget);
        // A breakpoint at the very address we start from has been reported already.
        if cpu.breakpoints.contains(&(cpu.ip | cpu.psr.ri() as u64))
            && let Some(exit) = between_blocks(cpu).or_else(|| self.step(cpu))
        {
            return exit;
        }
        loop {
            if cpu.retired >= end {
                return Exit::Budget;
            }
            cpu.timer_tick();
            let tick = end.min(cpu.retired.saturating_add(INSTRUCTIONS_PER_TICK));
            if let Some(exit) = self.run_until(cpu, tick) {
                return exit;
            }
        }
    }

    /// Runs to about `tick` instructions retired.
    fn run_until(&mut self, cpu: &mut Cpu, tick: u64) -> Option<Exit> {
        let mut barren = 0;
        while cpu.retired < tick {
            if let Some(exit) = between_blocks(cpu) {
                return Some(exit);
            }
            if cpu.psr.0 & STEPPING != 0 {
                match self.step(cpu) {
                    Some(exit) => return Some(exit),
                    None => continue,
                }
            }
            if self.known(cpu).is_none()
                && let Err(stop) = self.look_up(cpu)
            {
                barren += 1;
                if barren > BARREN_FETCHES {
                    cpu.fatal = format!("endless loop of {stop:?}: the handler itself cannot be fetched");
                    return Some(Exit::Fatal);
                }
                match cpu.raise(stop) {
                    Some(exit) => return Some(exit),
                    None => continue,
                }
            }
            barren = 0;
            // From here on, as long as nothing but branches happens, block follows block without further ado.
            let mut next = self.known(cpu);
            while let Some(block) = next {
                if block.highest_target as u32 >= 32 + cpu.cfm.sof() && block.highest_target != 0 {
                    if let Some(exit) = self.step(cpu) {
                        return Some(exit);
                    }
                    break;
                }
                let (start, generation) = (cpu.ip, cpu.mmu.fetch_generation);
                let left = run_block(cpu, block);
                match settle(cpu, block, left) {
                    Settled::Onward if cpu.retired < tick && !cpu.link.attention() => {}
                    Settled::Exit(exit) => return Some(exit),
                    _ => break,
                }
                // A loop of one block need not be looked for: nothing on the way here can have changed the mode.
                let again = cpu.ip == start
                    && cpu.psr.ri() == block.slot
                    && generation == cpu.mmu.fetch_generation
                    && block.is_current(cpu);
                next = if again { Some(block) } else { self.known(cpu) };
            }
        }
        None
    }

    /// The block at the current address, if the jump cache has it and its bytes are not suspect.
    #[inline(always)]
    fn known(&self, cpu: &Cpu) -> Option<&Block> {
        let jump = self.jumps[slot_of(cpu.ip)].as_ref()?;
        let valid = jump.ip == cpu.ip
            && jump.mode == cpu.psr.0 & MODE
            && jump.generation == cpu.mmu.fetch_generation
            && jump.block.is_current(cpu);
        valid.then_some(&*jump.block)
    }

    /// Makes the block at the current address known to the jump cache.
    #[inline(never)]
    fn look_up(&mut self, cpu: &mut Cpu) -> Result<(), Stop> {
        let page = cpu.fetch(cpu.ip)?;
        let offset = cpu.ip & (PAGE_SIZE - 1);
        let physical = page.pa & !(PAGE_SIZE - 1) | offset | cpu.psr.ri() as u64;
        let Some(page_index) = cpu.memory.page_index(page.pa) else {
            // Code in device space: there is nothing to cache it by, and no system we know runs any.
            return Err(Fault::new(Vector::UnsupportedDataReference, 0).with(isr::X).into());
        };
        let epoch = cpu.memory.epoch(page_index);
        let unchanged = self.by_physical_address.get(&physical).filter(|block| {
            block.epoch.get() == epoch
                || page.bundles(offset).take(block.bytes.len()).eq(block.bytes.iter().copied())
        });
        let block = match unchanged {
            Some(block) => {
                block.epoch.set(epoch);
                block.clone()
            }
            None => {
                if self.by_physical_address.len() >= MAX_BLOCKS {
                    *self = Engine::default();
                }
                let block = Rc::new(decode(cpu, &page, offset, Extent::Whole, (page_index, epoch)));
                self.by_physical_address.insert(physical, block.clone());
                block
            }
        };
        // `fetch` may have moved the generation on: it is read after it.
        let jump = Jump { ip: cpu.ip, mode: cpu.psr.0 & MODE, generation: cpu.mmu.fetch_generation, block };
        self.jumps[slot_of(cpu.ip)] = Some(jump);
        Ok(())
    }

    /// Runs one instruction with everything that goes with single instructions: one-shot PSR bits end, traps are taken.
    fn step(&mut self, cpu: &mut Cpu) -> Option<Exit> {
        if cpu.psr.db()
            && !cpu.psr.id()
            && let Some(fault) = cpu.instruction_breakpoint(cpu.ip)
        {
            cpu.deliver(fault);
            return None;
        }
        let page = match cpu.fetch(cpu.ip) {
            Ok(page) => page,
            Err(stop) => return cpu.raise(stop),
        };
        let offset = cpu.ip & (PAGE_SIZE - 1);
        let block = decode(cpu, &page, offset, Extent::One, (0, 0));
        let out_of_frame = block.highest_target != 0 && block.highest_target as u32 >= 32 + cpu.cfm.sof();
        let own_slot = (cpu.psr.ri() as u64) << isr::EI_SHIFT;
        let one_shot = cpu.psr.0 & Psr::ONE_INSTRUCTION;
        let here = cpu.ip;
        let left = match block.micros.first() {
            Some(micro) if out_of_frame && cpu.pr(micro.insn.guard & 63) => {
                Left::At(micro, Fault::ILLEGAL_OPERATION.into())
            }
            _ => run_block(cpu, &block),
        };
        let branched = matches!(left, Left::At(_, Stop::BRANCH | Stop::TRANSFER));
        let completed = match &left {
            Left::End => true,
            Left::At(_, stop) => stop.fault().is_none() && *stop != Stop::EXIT,
        };
        let was_rfi = matches!(&left, Left::At(micro, _) if micro.insn.op == Op::Rfi);
        let settled = settle(cpu, &block, left);
        if completed && !was_rfi {
            cpu.iipa = here;
            // `rfi` loaded the bits anew for the instruction it returns to.
            cpu.psr.0 &= !one_shot;
            let taken_branch = cpu.psr.tb() && branched;
            let code = (cpu.psr.ss() as u64) << 3 | (taken_branch as u64) << 2;
            if code != 0 {
                // One trap for both, on the vector of the taken branch (SDM volume 2, table 5-2).
                let vector = if taken_branch { Vector::TakenBranch } else { Vector::SingleStep };
                cpu.deliver(Fault::with_isr(vector, code | own_slot));
            }
        }
        match settled {
            Settled::Exit(exit) => Some(exit),
            _ => None,
        }
    }
}

/// What has to happen before the next instruction when something other than a branch happened, or may have.
fn between_blocks(cpu: &mut Cpu) -> Option<Exit> {
    if (cpu.link.attention() || cpu.sapic.attention())
        && let Some(exit) = cpu.service()
    {
        return Some(exit);
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

#[inline(always)]
fn slot_of(ip: u64) -> usize {
    ((ip >> 4) ^ (ip >> 17)) as usize % JUMPS
}

fn decode(cpu: &Cpu, page: &FetchPage, offset: u64, extent: Extent, (index, epoch): (usize, u32)) -> Block {
    let breakpoint =
        |bundle: usize, slot: u8| cpu.breakpoints.contains(&(cpu.ip + bundle as u64 * 16 + slot as u64));
    let later_processor = cpu.config.cpuid[4] >> 32 & 1 != 0;
    let block = block::build(&mut page.bundles(offset), cpu.psr.ri(), extent, later_processor, breakpoint);
    block.epoch.set(epoch);
    Block { page: index, ..block }
}

/// What to do after a block.
enum Settled {
    /// The address is exact and nothing else has changed: the next block may follow at once.
    Onward,
    /// Anything may have changed.
    Changed,
    /// Go back to the caller.
    Exit(Exit),
}

/// Brings `ip`, PSR.ri, IIPA and the instruction count up to date after a block, and delivers what stopped it.
#[inline(always)]
fn settle(cpu: &mut Cpu, block: &Block, left: Left<'_>) -> Settled {
    match left {
        // A branch has written `ip`. IIPA is only looked at after faults and traps, which settle it themselves.
        Left::At(micro, Stop::BRANCH) => {
            cpu.retired += block.retired(micro.insn.bundle, micro.insn.slot);
            Settled::Onward
        }
        Left::End => {
            cpu.retired += block.instructions;
            cpu.ip = cpu.ip.wrapping_add(block.advance);
            cpu.psr.set_ri(block.end_slot);
            Settled::Onward
        }
        Left::At(micro, stop) => settle_stop(cpu, block, micro, stop),
    }
}

#[cold]
fn settle_stop(cpu: &mut Cpu, block: &Block, micro: &Micro, stop: Stop) -> Settled {
    let insn = micro.insn;
    cpu.retired += block.retired(insn.bundle, insn.slot);
    if stop == Stop::TRANSFER {
        return Settled::Changed;
    }
    // A trap carries the slot of its own instruction: the address is that of the next one by then.
    let own_slot = (insn.slot as u64) << isr::EI_SHIFT;
    if let Some(trap) = stop.fault().filter(|f| f.vector() == Vector::LowerPrivilegeTransfer as u16) {
        cpu.deliver(trap.with(own_slot));
        return Settled::Changed;
    }
    let here = cpu.ip.wrapping_add((insn.bundle as u64) << 4);
    cpu.ip = here;
    cpu.psr.set_ri(insn.slot);
    match stop.fault() {
        None if stop == Stop::EXIT => return Settled::Exit(cpu.exit),
        None => {
            cpu.iipa = here;
            cpu.next_slot(insn.slot, block::is_long(&insn));
        }
        Some(fault) if fault.vector() == Vector::FpTrap as u16 => {
            cpu.iipa = here;
            cpu.next_slot(insn.slot, false);
            cpu.deliver(fault.with(own_slot));
        }
        Some(fault) => {
            // The bundle of the last instruction that completed: this one, or the one before if this is its first.
            cpu.iipa = if insn.slot != 0 || insn.bundle == 0 { here } else { here.wrapping_sub(16) };
            cpu.deliver(fault);
        }
    }
    Settled::Changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mmu::tests::processor;

    /// GNU as: `{ (p6) ssm 0x2000; adds r8=1,r0; adds r9=2,r0 }`, `{ rsm 0x4000; adds r10=3,r0; adds r11=4,r0 }`,
    /// `{ nop.m; nop.i; br . }`.
    const BUNDLES: [[u64; 2]; 3] = [
        [0x0880_0006_0100_00c1, 0x8400_0021_2042_0000],
        [0x18a0_0007_0200_0001, 0x8400_0041_6042_0000],
        [0x0000_0001_0000_0011, 0x4000_0000_0000_0200],
    ];

    fn loaded() -> Cpu {
        let mut cpu = processor();
        cpu.set_psr(Psr::default());
        for (at, word) in (0u64..).step_by(8).zip(BUNDLES.as_flattened()) {
            assert!(cpu.memory.write(0x1000 + at, &word.to_le_bytes()));
        }
        cpu.ip = 0x1000;
        cpu
    }

    #[test]
    fn what_follows_an_instruction_that_ends_a_block_runs_too() {
        let mut cpu = loaded();
        assert_eq!(cpu.run(20), Exit::Budget);
        let registers: Vec<u64> = (8..12).map(|r| cpu.gr.get(r).value).collect();
        assert_eq!(registers, [1, 2, 3, 4]);
        assert_eq!((cpu.ip, cpu.psr.ri()), (0x1020, 0));
    }

    #[test]
    fn steps_go_slot_by_slot() {
        let mut cpu = loaded();
        let mut places = Vec::new();
        for _ in 0..8 {
            assert_eq!(cpu.step(), Exit::Debug);
            places.push((cpu.ip, cpu.psr.ri()));
        }
        let expected = [
            (0x1000, 1),
            (0x1000, 2),
            (0x1010, 0),
            (0x1010, 1),
            (0x1010, 2),
            (0x1020, 0),
            (0x1020, 1),
            (0x1020, 2),
        ];
        assert_eq!(places, expected);
        assert_eq!(cpu.retired, 8);
    }
}

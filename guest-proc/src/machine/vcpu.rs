//! One virtual processor's thread: runs the processor, serves its firmware calls, sleeps while it is halted.

use std::sync::Arc;
use std::time::Instant;

use ia64::bundle::Bundle;
use ia64::cpu::{Config, Cpu, Exit};
use ia64::decode::decode_bundle;
use ia64::fault::Fault;
use ia64::interruption::MinState;
use ia64::link::Cluster;
use ia64::state::regs::cr;
use ia64::state::{Gr, Psr};
use ia64::{Insn, Op};
use tracing::{debug, info, warn};

use super::activity::Activity;
use super::idle::Idleness;
use super::turns::Turns;
use super::{Machine, Start};
use crate::control::Outcome;
use crate::firmware::call::{Caller, Reply, Unmapped};
use crate::firmware::sal::init::Init;
use crate::firmware::sal::table::WAKE_UP_VECTOR;
use crate::firmware::{Convention, code};
use crate::gdb::gate::{Next, Stop};
use crate::map;

/// "GenuineIntel", no serial number, a 9000-series processor (family 0x20), long branches and 16-byte atomics.
const CPUID: [u64; 5] =
    [u64::from_le_bytes(*b"GenuineI"), u64::from_le_bytes(*b"ntel\0\0\0\0"), 0, 0x2000_0704, 0x5];

/// A processor and its place in the machine.
pub(super) struct Vcpu {
    machine: Arc<Machine>,
    cluster: Arc<Cluster>,
    turns: Arc<Turns>,
    number: usize,
    cpu: Cpu,
    /// Instructions and interruptions already counted in the machine's figures.
    counted: (u64, u64),
    idleness: Idleness,
    /// Generation of the debugger's breakpoints that `cpu` knows.
    breakpoints: u64,
}

/// Notes the end of its thread. One that ends by a panic ends the machine: nobody may wait for it for ever.
struct Guard(Arc<Machine>, usize);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.control.end(Outcome::Fatal(format!("internal error on virtual processor {}", self.1)));
        }
        self.0.counters.vcpu(self.1).end();
    }
}

fn new_cpu(machine: &Machine, cluster: &Arc<Cluster>, number: usize) -> Cpu {
    let config = Config {
        lid: (number as u64) << 24,
        cpuid: CPUID,
        firmware: (map::PAL_CODE, map::FIRMWARE_CODE_END - map::PAL_CODE),
    };
    let mut cpu = Cpu::new(config, cluster.clone(), number, machine.ram.memory.clone(), machine.bus.clone());
    cpu.stepping_ends_at_epc = true;
    cpu
}

/// Runs one instruction. A kick left over from the call to the gate is answered without one, so it is tried again.
fn step(cpu: &mut Cpu, machine: &Machine) -> Exit {
    loop {
        let exit = cpu.step();
        if exit != Exit::Budget || machine.control.has_ended() {
            return exit;
        }
    }
}

impl Vcpu {
    pub(super) fn new(
        machine: Arc<Machine>,
        cluster: Arc<Cluster>,
        turns: Arc<Turns>,
        number: usize,
    ) -> Vcpu {
        let cpu = new_cpu(&machine, &cluster, number);
        Vcpu {
            machine,
            cluster,
            turns,
            number,
            cpu,
            counted: (0, 0),
            idleness: Idleness::default(),
            breakpoints: 0,
        }
    }

    /// The thread: the boot processor has something to start with, the others wait to be woken.
    pub(super) fn run(mut self, start: Option<Start>) {
        self.machine.counters.vcpu(self.number).begin();
        let _guard = Guard(self.machine.clone(), self.number);
        match start {
            Some(start) => {
                self.enter(start.entry, 0);
                self.cpu.gr.set(28, Gr::new(start.parameters));
            }
            None => self.rendezvous(),
        }
        while !self.machine.control.has_ended() {
            let next = match self.machine.gate.is_closed() {
                true => self.machine.gate.park(self.number, &mut self.cpu, &mut self.breakpoints),
                false => Next::Run,
            };
            let seat = self.turns.take(self.number);
            let exit = if next == Next::Step {
                step(&mut self.cpu, &self.machine)
            } else {
                self.cpu.run(seat.budget())
            };
            drop(seat);
            self.count();
            match exit {
                Exit::Budget => self.look_for_dead_end(),
                Exit::HostCall(number) => self.firmware_call(number),
                Exit::Init => self.init(),
                Exit::Debug if next == Next::Run => {
                    self.machine.gate.stopped(Stop { vcpu: self.number, is_breakpoint: true });
                }
                Exit::Debug => {}
                Exit::Fatal => self.fatal(&self.cpu.fatal.clone()),
            }
            if next == Next::Step {
                self.machine.gate.stopped(Stop { vcpu: self.number, is_breakpoint: false });
            }
        }
    }

    fn count(&mut self) {
        let now = (self.cpu.retired, self.cpu.interruptions);
        let (retired, interruptions) = std::mem::replace(&mut self.counted, now);
        let counters = self.machine.counters.vcpu(self.number);
        counters.retire(now.0.wrapping_sub(retired), now.1.wrapping_sub(interruptions));
    }

    fn fatal(&self, what: &str) {
        let cpu = &self.cpu;
        let text = format!("processor {}: {what} (ip {:#x}.{})", self.number, cpu.ip, cpu.psr.ri());
        debug!(cpu = self.number, psr = format_args!("{:#x}", cpu.psr.0), "{text}");
        self.machine.control.end(Outcome::Fatal(text));
    }

    /// The state in which firmware hands a processor to an operating system: physical mode, bank 1, interrupts off, an
    /// empty register stack with room behind it, the firmware's own interruption vectors, and a way back in b0.
    fn enter(&mut self, address: u64, gp: u64) {
        self.cpu = new_cpu(&self.machine, &self.cluster, self.number);
        self.counted = (0, 0);
        let cpu = &mut self.cpu;
        self.machine.gate.equip(cpu);
        let mut psr = Psr::default();
        psr.set_bn(true);
        cpu.set_psr(psr);
        cpu.ip = address;
        cpu.cr.iva = map::FIRMWARE_IVT;
        cpu.br[0] = code::RENDEZVOUS;
        cpu.gr.set(1, Gr::new(gp));
        let stack = map::BACKING_STORES + self.number as u64 * map::BACKING_STORE_SIZE;
        cpu.rse.bspstore = stack;
        cpu.rse.bsp = stack;
        cpu.ar.k[0] = map::IO_PORTS;
    }

    /// Waits until the OS sends the wake-up interrupt, then enters where it has asked for. SAL specification, 4.5.
    fn rendezvous(&mut self) {
        const WORD: u8 = cr::IRR0 + WAKE_UP_VECTOR / 64;
        debug!(cpu = self.number, "waiting to be woken");
        self.machine.activity.set(self.number, Activity::Waiting);
        // No interrupt is delivered meanwhile, so this only collects what is posted.
        self.cpu.psr.set_i(false);
        loop {
            self.cpu.service();
            if self.machine.control.has_ended() {
                return;
            }
            let requested = self.cpu.sapic.read(WORD).unwrap_or(0);
            if requested >> (WAKE_UP_VECTOR % 64) & 1 != 0 {
                break;
            }
            if self.machine.gate.is_closed() {
                self.machine.gate.park(self.number, &mut self.cpu, &mut self.breakpoints);
                continue;
            }
            self.cpu.link.wait_until(None);
        }
        self.machine.activity.set(self.number, Activity::Running);
        let entry = self.machine.firmware.state().boot_rendezvous;
        if entry.address == 0 {
            return self.fatal("woken, but the operating system has not said where to start");
        }
        info!(cpu = self.number, entry = format_args!("{:#x}", entry.address), "woken");
        self.enter(entry.address, entry.gp);
    }

    /// Sleeps until an interrupt is pending that TPR lets through; PSR.i does not matter.
    fn halt(&mut self) {
        let started = Instant::now();
        let clock = &self.machine.clock;
        let counters = self.machine.counters.vcpu(self.number);
        let lateness = self.idleness.halts(self.cpu.retired);
        counters.halt();
        let by_timer = self.cpu.halt(|ticks| clock.until(clock.itc().saturating_add(ticks)) + lateness);
        self.idleness.wakes(by_timer);
        counters.wake(started.elapsed().as_nanos() as u64);
    }

    fn firmware_call(&mut self, number: u64) {
        if number == code::entry::INTERRUPTION {
            let vector = self.cpu.ip & 0x7fff;
            let what = format!(
                "interruption {vector:#06x} at {:#x} before the operating system has set up its vectors",
                self.cpu.iipa
            );
            return self.fatal(&what);
        }
        let entry = self.cpu.ip;
        let machine = self.machine.clone();
        let mut call = Call { cpu: &mut self.cpu, number: self.number, miss: None };
        match machine.firmware.call(number, &mut call) {
            Ok((reply, convention)) => self.reply(entry, reply, convention),
            Err(Unmapped { address, write }) => match call.miss {
                Some(fault) => self.cpu.deliver(fault),
                None => self.fatal(&format!(
                    "firmware call with an impossible pointer {address:#x} (write: {write})"
                )),
            },
        }
    }

    fn reply(&mut self, entry: u64, reply: Reply, convention: Convention) {
        match reply {
            Reply::Return(values) => self.back(entry, values, convention),
            Reply::HaltLight | Reply::Halt => {
                self.halt();
                self.back(entry, [0; 4], convention);
            }
            Reply::Rendezvous => self.rendezvous(),
            Reply::TakeUp(min_state) => self.take_up(min_state),
            Reply::Leave => {}
        }
    }

    /// INIT: sets the program aside and enters OS_INIT.
    fn init(&mut self) {
        let hand_off = match self.machine.firmware.init(self.number) {
            Init::HandOff(hand_off) => hand_off,
            Init::Ignored => return,
            Init::Reset => {
                info!(cpu = self.number, "the operating system has registered nothing for INIT: reset");
                return self.machine.control.end(Outcome::Reset);
            }
        };
        let state = self.cpu.set_aside();
        self.machine.ram.memory.write(hand_off.min_state, &state.to_bytes());
        for (register, value) in hand_off.registers {
            self.cpu.gr.set(register, Gr::new(value));
        }
        self.cpu.ip = hand_off.entry & !15;
    }

    /// Takes up the program in the min-state save area at a physical address.
    fn take_up(&mut self, min_state: u64) {
        let mut bytes = [0; MinState::BYTES];
        if !self.machine.ram.memory.read(min_state, &mut bytes) {
            return self
                .fatal(&format!("OS_INIT returns to a program at {min_state:#x}, where no memory is"));
        }
        self.cpu.take_up(&MinState::from_bytes(&bytes));
    }

    /// Returns to the caller with r8 to r11, through the bundle that fits how it came.
    fn back(&mut self, entry: u64, values: [u64; 4], convention: Convention) {
        for (register, value) in (8..).zip(values) {
            self.cpu.gr.set(register, Gr::new(value));
        }
        let offset = match convention {
            Convention::Static => code::STATIC_RETURN,
            Convention::Stacked => code::STACKED_RETURN,
        };
        self.cpu.ip = entry.wrapping_add(offset);
        self.cpu.psr.set_ri(0);
    }

    /// A processor that branches to the branch itself with interrupts off does nothing any more; when all others have
    /// ended up so or were never started, the machine has.
    fn look_for_dead_end(&mut self) {
        if self.cpu.psr.i() || !self.is_at_endless_branch() {
            return;
        }
        let text = format!(
            "processor {} is in an endless loop with interrupts off at {:#x}",
            self.number, self.cpu.ip
        );
        if self.machine.activity.set(self.number, Activity::Dead) {
            self.machine.control.end(Outcome::Fatal(text));
        } else {
            warn!("{text}");
            while !self.machine.control.has_ended() {
                if self.cpu.service() == Some(Exit::Init) {
                    self.machine.activity.set(self.number, Activity::Running);
                    return self.init();
                }
                if self.machine.gate.is_closed() {
                    self.machine.gate.park(self.number, &mut self.cpu, &mut self.breakpoints);
                } else {
                    self.cpu.link.wait_until(None);
                }
            }
        }
    }

    /// Is the current bundle nothing but a branch to itself?
    fn is_at_endless_branch(&self) -> bool {
        let mut words = [[0; 8]; 2];
        let Some(pa) = self.cpu.translate_for_host(self.cpu.ip) else { return false };
        if !words.iter_mut().zip([pa, pa + 8]).all(|(word, pa)| self.cpu.memory.read(pa, word)) {
            return false;
        }
        let Ok(bundle) = decode_bundle(Bundle(words.map(u64::from_le_bytes))) else { return false };
        let insns: Vec<_> = bundle.iter().filter_map(|(_, insn)| insn.ok()).collect();
        let is_to_itself = |insn: &Insn| insn.op == Op::BrCond && insn.qp == 0 && insn.imm == 0;
        match insns.iter().find(|insn| insn.op != Op::Nop) {
            Some(first) => is_to_itself(first),
            None => false,
        }
    }
}

/// The processor as its firmware sees it.
struct Call<'a> {
    cpu: &'a mut Cpu,
    number: usize,
    /// The fault behind the last [`Unmapped`].
    miss: Option<Fault>,
}

impl Call<'_> {
    fn missed(&mut self, address: u64, write: bool, stop: ia64::fault::Stop) -> Unmapped {
        self.miss = stop.fault();
        Unmapped { address, write }
    }
}

impl Caller for Call<'_> {
    fn number(&self) -> usize {
        self.number
    }

    fn register(&self, r: u8) -> u64 {
        if r >= 32 && (r - 32) as u32 >= self.cpu.cfm.sof() { 0 } else { self.cpu.gr.get(r).value }
    }

    fn read(&mut self, address: u64, to: &mut [u8]) -> Result<(), Unmapped> {
        for (i, byte) in to.iter_mut().enumerate() {
            let address = address.wrapping_add(i as u64);
            *byte = self.cpu.load::<u8>(address).map_err(|stop| self.missed(address, false, stop))?;
        }
        Ok(())
    }

    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Unmapped> {
        for (i, byte) in from.iter().enumerate() {
            let address = address.wrapping_add(i as u64);
            self.cpu.store::<u8>(address, *byte).map_err(|stop| self.missed(address, true, stop))?;
        }
        Ok(())
    }
}

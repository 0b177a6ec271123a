//! One guest machine: its parts wired together, and its life from power-on to its end.
//!
//! ```text
//!   new ──► load ──► run ──► Outcome ──► reset ──► load ──► …
//!                     │ one thread a vCPU, all ended when run returns
//! ```

mod activity;
mod counters;
mod idle;
mod turns;
mod vcpu;

use std::sync::Arc;

use ia64::link::{Cluster, Link};

use self::activity::Activities;
pub use self::activity::Activity;
pub use self::counters::{Counters, VcpuFigures};
use self::turns::Turns;
pub(crate) use self::turns::host_processors;
use self::vcpu::Vcpu;
use crate::bus::{AddressSpace, PlatformBus};
use crate::clock::Clock;
use crate::control::{Control, Outcome};
use crate::devices::iosapic::IoSapicDevice;
use crate::devices::pm::{self, PowerManagement};
use crate::devices::router::{Delivery, Mode, Router, Target};
use crate::devices::uart::UartDevice;
use crate::firmware::Firmware;
use crate::gdb::gate::Gate;
use crate::loader::{BootSource, LoadError, boot_param};
use crate::map;
use crate::memory::{GuestRam, MemoryError};
use crate::pci::host::{MemoryWindow, PortWindow};
use crate::pci::{Interrupts, PciHost};

/// Why a machine cannot be made or run.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// No memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// An impossible number of processors.
    #[error("{0} virtual processors are not possible: a guest has 1 to 16")]
    Processors(usize),
    /// The host refused a thread.
    #[error("cannot start a virtual processor's thread")]
    Thread(#[source] std::io::Error),
}

/// What the boot processor starts with.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Physical address of its first bundle.
    entry: u64,
    /// Physical address of the boot parameter block, for r28.
    parameters: u64,
}

/// A machine.
pub struct Machine {
    /// Its memory.
    pub ram: Arc<GuestRam>,
    /// Its PCI buses.
    pub pci: Arc<PciHost>,
    /// Its console.
    pub uart: Arc<UartDevice>,
    /// Its power button.
    pub power: Arc<PowerManagement>,
    /// How it ends.
    pub control: Arc<Control>,
    /// Where its processors stand still for a debugger.
    pub gate: Arc<Gate>,
    /// Its figures.
    pub counters: Counters,
    clock: Arc<Clock>,
    router: Arc<Router>,
    iosapic: Arc<IoSapicDevice>,
    bus: Arc<PlatformBus>,
    firmware: Firmware,
    activity: Activities,
    vcpus: usize,
}

impl Target for Arc<Link> {
    fn interrupt(&self, vector: u8) {
        self.post_interrupt(vector);
    }
    fn init(&self) {
        self.post_init();
    }
}

impl Machine {
    /// A machine with `memory` bytes of RAM and `vcpus` processors, no PCI function yet.
    pub fn new(memory: u64, vcpus: usize) -> Result<Machine, MachineError> {
        if !(1..=map::MAX_VCPUS).contains(&vcpus) {
            return Err(MachineError::Processors(vcpus));
        }
        let ram = Arc::new(GuestRam::new(memory)?);
        let clock: Arc<Clock> = Arc::default();
        let control: Arc<Control> = Arc::default();
        let router: Arc<Router> = Arc::default();
        let pci: Arc<PciHost> = Arc::default();
        let iosapic = Arc::new(IoSapicDevice::new(map::GSI_COUNT as u8, router.clone()));
        let uart = Arc::new(UartDevice::new(map::UART_GSI, iosapic.clone()));
        let power =
            Arc::new(PowerManagement::new(map::SCI_GSI, iosapic.clone(), clock.clone(), control.clone()));

        let mut memory = AddressSpace::new("memory");
        let buses = map::PCI_BUSES as u64;
        memory.add(map::PCI_MEMORY_BASE, buses * map::PCI_MEMORY_SIZE, Arc::new(MemoryWindow(pci.clone())));
        memory.add(map::IOSAPIC, map::IOSAPIC_SIZE, iosapic.clone());
        memory.add(map::INTERRUPT_BLOCK, map::INTERRUPT_BLOCK_SIZE, router.clone());
        memory.add(map::UART, map::UART_SIZE, uart.clone());
        let mut ports = AddressSpace::new("ports");
        ports.add(map::PM_PORTS as u64, pm::reg::SIZE, power.clone());
        ports.add(map::PCI_IO_BASE, buses * map::PCI_IO_SIZE, Arc::new(PortWindow(pci.clone())));
        let bus = Arc::new(PlatformBus::new(memory, ports, clock.clone()));

        let firmware = Firmware::new(ram.clone(), pci.clone(), control.clone(), vcpus);
        let gate = Arc::new(Gate::new(vcpus, clock.clone(), control.clone()));
        let (counters, activity) = (Counters::new(vcpus), Activities::new(vcpus));
        Ok(Machine {
            ram,
            pci,
            uart,
            power,
            control,
            gate,
            counters,
            clock,
            router,
            iosapic,
            bus,
            firmware,
            activity,
            vcpus,
        })
    }

    /// What each processor is up to.
    pub fn activities(&self) -> Vec<Activity> {
        self.activity.all()
    }

    /// The crash dump switch: INIT to every processor that an operating system has.
    pub fn press_init_switch(&self) {
        let started = |(_, activity): &(u8, Activity)| *activity != Activity::Waiting;
        let processors: Vec<u8> =
            (0..).zip(self.activities()).filter(started).map(|(number, _)| number).collect();
        self.firmware.state().init.switch(&processors);
        for id in processors {
            self.router.deliver(Delivery { id, eid: 0, mode: Mode::Init, vector: 0 });
        }
    }

    /// Where devices send their interrupts.
    pub fn interrupts(&self) -> Arc<dyn Interrupts> {
        self.iosapic.clone()
    }

    /// Power-on: assigns BARs, writes the firmware's tables and puts `source` into memory.
    pub fn load(&self, source: &BootSource) -> Result<Start, LoadError> {
        self.pci.assign();
        let loaded = source.load(&self.ram)?;
        let system_table = self.firmware.install();
        let parameters = boot_param::install(&self.ram, system_table, &loaded, &source.command_line);
        Ok(Start { entry: loaded.entry, parameters })
    }

    /// Runs the processors until the machine ends.
    pub fn run(self: &Arc<Self>, start: Start) -> Result<Outcome, MachineError> {
        let cluster = Cluster::new(self.vcpus);
        self.router
            .connect(cluster.links().iter().map(|link| Box::new(link.clone()) as Box<dyn Target>).collect());
        self.gate.connect(cluster.links().to_vec());
        for link in cluster.links() {
            let link = link.clone();
            self.control.on_end(move || link.kick());
        }
        let turns = Arc::new(Turns::new(cluster.clone()));
        let mut threads = Vec::new();
        for number in 0..self.vcpus {
            let (machine, cluster, turns) = (self.clone(), cluster.clone(), turns.clone());
            let start = (number == 0).then_some(start);
            let thread = std::thread::Builder::new()
                .name(format!("vcpu{number}"))
                .spawn(move || Vcpu::new(machine, cluster, turns, number).run(start));
            match thread {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    self.control.end(Outcome::Stopped);
                    join(threads);
                    return Err(MachineError::Thread(error));
                }
            }
        }
        let outcome = self.control.wait();
        join(threads);
        Ok(outcome)
    }

    /// Makes an ended machine ready to [`Machine::load`] again: devices as after power-on, memory zero.
    pub fn reset(&self) -> std::io::Result<()> {
        self.pci.reset();
        self.uart.reset();
        self.power.reset();
        self.iosapic.reset();
        self.firmware.reset();
        self.activity.reset();
        self.control.restart();
        self.ram.clear()
    }
}

fn join(threads: Vec<std::thread::JoinHandle<()>>) {
    for thread in threads {
        // A thread that panicked has ended the machine with its reason already.
        _ = thread.join();
    }
}

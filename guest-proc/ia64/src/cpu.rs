//! The processor: all its state in one place, and how to run it.

use std::sync::Arc;

use crate::alat::Alat;
use crate::bus::Bus;
use crate::engine::Engine;
use crate::link::{Cluster, Link};
use crate::memory::Memory;
use crate::mmu::Mmu;
use crate::rse::Rse;
use crate::sapic::Sapic;
use crate::state::{Ar, Cfm, Cr, Fr, GrFile, Psr};

/// What [`Cpu::run`] came back for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The budget of instructions is used up, or somebody asked for attention ([`Link::kick`]).
    Budget,
    /// A firmware call: a `break` with this immediate was executed inside [`Config::firmware`]. The address of the
    /// `break` bundle is in `Cpu::ip`, PSR.ri is its slot; the caller acts and moves on with [`Cpu::skip`] or jumps.
    HostCall(u64),
    /// A breakpoint set by [`Cpu::set_breakpoints`] was reached (nothing at it has executed), or a step ended.
    Debug,
    /// INIT was delivered to this processor ([`Link::post_init`]).
    Init,
    /// The guest cannot go on: what happened is in the text of [`Cpu::fatal`].
    Fatal,
}

/// What differs between processors and models.
#[derive(Clone, Debug)]
pub struct Config {
    /// CR.LID: id in bits 31:24, eid in 23:16.
    pub lid: u64,
    /// CPUID[0..=4].
    pub cpuid: [u64; 5],
    /// Physical range whose `break` instructions call the host (firmware entry points): start and length in bytes.
    pub firmware: (u64, u64),
}

/// Values of a fault that do not fit into [`crate::fault::Fault`], written where it is raised, used at delivery.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending {
    /// Goes to CR.IFA (and gives ITIR and IHA).
    pub ifa: u64,
    /// Goes to CR.IIM.
    pub iim: u64,
}

/// One Itanium processor.
pub struct Cpu {
    /// General registers of the current frame.
    pub gr: GrFile,
    /// Floating-point registers by physical number (rotation is resolved by the engine). f0 and f1 hold their constants.
    pub fr: [Fr; 128],
    /// Predicates as the program names them (already rotated); bit 0 is always set.
    pub pr: u64,
    /// Branch registers.
    pub br: [u64; 8],
    /// Address of the current bundle; the slot is PSR.ri.
    pub ip: u64,
    /// Processor status; `ri` is exact whenever the engine is outside a block.
    pub psr: Psr,
    /// Current frame marker. Change it through [`Cpu::set_cfm`] so that rotated state follows.
    pub cfm: Cfm,
    /// Plain application registers.
    pub ar: Ar,
    /// Register stack engine and its application registers (RSC, BSP, BSPSTORE, RNAT).
    pub rse: Rse,
    /// Advanced load address table.
    pub alat: Alat,
    /// Control registers.
    pub cr: Cr,
    /// Performance monitor configuration and data: storage only.
    pub pmc: [u64; 16],
    /// Performance monitor data.
    pub pmd: [u64; 16],
    /// Data breakpoint registers.
    pub dbr: [u64; 16],
    /// Instruction breakpoint registers.
    pub ibr: [u64; 16],
    /// Region registers, protection keys, translation registers and caches, host-side fast paths.
    pub mmu: Mmu,
    /// Local SAPIC: interrupt registers and in-service state.
    pub sapic: Sapic,
    /// How others reach this processor: interrupts, purges, wake-ups.
    pub link: Arc<Link>,
    /// All processors of the guest: purges go to every one.
    pub cluster: Arc<Cluster>,
    /// RAM.
    pub memory: Arc<Memory>,
    /// Everything else.
    pub bus: Arc<dyn Bus>,
    /// Model and identity.
    pub config: Config,
    /// Address of the last bundle executed successfully, for CR.IIPA.
    pub iipa: u64,
    /// See [`Pending`].
    pub pending: Pending,
    /// Why [`crate::fault::Stop::EXIT`] was raised.
    pub exit: Exit,
    /// The last fatal condition, for the operator.
    pub fatal: String,
    /// Instructions retired (nops and predicated-off ones included).
    pub retired: u64,
    /// Interruptions delivered: faults, traps and external interrupts.
    pub interruptions: u64,
    /// `hint @pause` executed.
    pub(crate) pauses: u32,
    /// An `epc` that raises the privilege level clears PSR.ss and PSR.tb, which the manual does not ask for.
    ///
    /// Linux expects the trap behind such an `epc` and means to send the program round through `break` instead, but its
    /// trap handler changes a by-value copy of the saved registers, and compilers of today drop those stores: the kernel
    /// then steps through itself and locks up in `do_group_exit` (seen with 6.1 built by GCC 12). Off by default.
    pub stepping_ends_at_epc: bool,
    /// Addresses (bundle address plus slot) at which execution stops: [`Cpu::set_breakpoints`].
    pub(crate) breakpoints: Vec<u64>,
    /// Decoded code; taken out while it runs.
    pub(crate) engine: Option<Box<Engine>>,
}

impl Cpu {
    /// A processor after reset: physical mode, level 0, nothing pending, nothing translated. `index` is its place in the
    /// cluster.
    ///
    /// # Panics
    /// When the cluster has no such place.
    pub fn new(
        config: Config,
        cluster: Arc<Cluster>,
        index: usize,
        memory: Arc<Memory>,
        bus: Arc<dyn Bus>,
    ) -> Cpu {
        let mut fr = [Fr::ZERO; 128];
        fr[1] = Fr::ONE;
        Cpu {
            gr: GrFile::default(),
            fr,
            pr: 1,
            br: [0; 8],
            ip: 0,
            psr: Psr::default(),
            cfm: Cfm::default(),
            ar: Ar::default(),
            rse: Rse::default(),
            alat: Alat::default(),
            cr: Cr::default(),
            pmc: [0; 16],
            pmd: [0; 16],
            dbr: [0; 16],
            ibr: [0; 16],
            mmu: Mmu::default(),
            sapic: Sapic::new(config.lid),
            link: cluster.links()[index].clone(),
            cluster,
            memory,
            bus,
            config,
            iipa: 0,
            pending: Pending::default(),
            exit: Exit::Budget,
            fatal: String::new(),
            retired: 0,
            interruptions: 0,
            pauses: 0,
            stepping_ends_at_epc: false,
            breakpoints: Vec::new(),
            engine: None,
        }
    }
}

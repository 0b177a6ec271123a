//! Translation as a whole, through a processor: what a program sees.

mod model;
mod references;
mod walker;

use std::sync::{Arc, Mutex};

use super::access::Pte;
use super::region::RegionRegister;
use super::tlb::Entry;
use crate::bus::Bus;
use crate::cpu::{Config, Cpu};
use crate::fault::{Stop, Vector};
use crate::link::Cluster;
use crate::memory::Memory;
use crate::state::Psr;

/// Devices answer with what was last written anywhere.
#[derive(Default)]
struct Device {
    written: Mutex<u64>,
}

impl Bus for Device {
    fn read(&self, _: u64, size: u8) -> u64 {
        *self.written.lock().unwrap() & (u64::MAX >> (64 - 8 * u32::from(size)))
    }
    fn write(&self, _: u64, _: u8, value: u64) {
        *self.written.lock().unwrap() = value;
    }
    fn itc(&self) -> u64 {
        0
    }
}

const RAM: u64 = 32 << 20;

/// PTE bits: present, accessed, dirty, all rights for everybody.
pub(crate) const OPEN: u64 = 1 | 1 << 5 | 1 << 6 | 3 << 7 | 3 << 9;
const UC: u64 = 4 << 2;
const NATPAGE: u64 = 7 << 2;
pub(crate) const ED: u64 = 1 << 52;

/// A processor with 32 MB of RAM at 0, translation and collection on, region register n = identifier n, 16 KB pages, no
/// walker.
pub(crate) fn processor() -> Cpu {
    processor_of(Cluster::new(1), 0)
}

/// As [`processor`], one of a cluster.
pub(crate) fn processor_of(cluster: Arc<Cluster>, index: usize) -> Cpu {
    let config = Config { lid: 0, cpuid: [0; 5], firmware: (0, 0) };
    let memory = Arc::new(Memory::heap(0, RAM));
    let mut cpu = Cpu::new(config, cluster, index, memory, Arc::new(Device::default()));
    for i in 0..8 {
        cpu.mmu.set_rr(i, RegionRegister((i as u64) << 8 | 14 << 2));
    }
    let mut psr = Psr::default();
    psr.set_dt(true);
    psr.set_it(true);
    psr.set_rt(true);
    psr.set_ic(true);
    cpu.set_psr(psr);
    cpu
}

pub(crate) fn entry(rid: u32, va: u64, ps: u8, pte: u64) -> Entry {
    Entry { va: va >> ps << ps, pte: Pte(pte), stamp: 0, rid, key: rid, ps }
}

/// Maps the page of `va` in its region to the page of `pa`.
pub(crate) fn map(cpu: &mut Cpu, va: u64, ps: u8, pte: u64) {
    let rid = cpu.mmu.rr_of(va).rid();
    cpu.mmu.insert_data(entry(rid, va & super::region::OFFSET_MASK, ps, pte));
}

/// Makes the page of `va` the running code page.
pub(crate) fn run_code_at(cpu: &mut Cpu, va: u64, pte: u64) {
    let rid = cpu.mmu.rr_of(va).rid();
    cpu.mmu.insert_code(entry(rid, va & super::region::OFFSET_MASK, 14, pte));
    cpu.ip = va;
}

/// The vector and ISR bits of a fault.
pub(crate) fn fault_of<T: std::fmt::Debug>(outcome: Result<T, Stop>) -> (u16, u64) {
    let fault = outcome.expect_err("a fault").fault().expect("a fault");
    (fault.vector(), fault.isr())
}

pub(crate) fn vector_of<T: std::fmt::Debug>(outcome: Result<T, Stop>) -> u16 {
    fault_of(outcome).0
}

const fn v(vector: Vector) -> u16 {
    vector as u16
}

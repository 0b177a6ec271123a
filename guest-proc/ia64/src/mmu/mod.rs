//! Addresses to memory: regions, protection keys, translation registers and caches, the VHPT walker, and the loads,
//! stores, semaphores and fetches that go through them. SDM volume 2, chapter 4.
//!
//! ```text
//!   load/store ──► HostCache ── hit ──► host memory
//!                     │ miss
//!                     ▼
//!                 translate ──► Tlb ── miss ──► vhpt walk ──► fault
//!                     │
//!                     ├─► host memory (and fills the HostCache)
//!                     └─► Bus
//! ```
//!
//! One invariant makes the fast path sound: *every line of a host-side cache follows from a live translation under the
//! present region and key registers*. Whatever removes a translation (purge, replacement, eviction) or changes those
//! registers drops the lines too; inserting a translation where there was none touches no line.
//!
//! Misaligned data references with PSR.ac clear complete when they stay within a 4 KB page of RAM and fault when they
//! cross one or address a device (SDM volume 2, 4.5 leaves this to the model); 16-byte references and semaphores are
//! always aligned or fault.
//!
//! Ordering: plain references are relaxed on the host. That is all `ld.acq` and `st.rel` need on x86-64; on other hosts
//! their instruction bodies add the fence. Semaphores are sequentially consistent.

pub mod access;
mod atomic;
mod cache;
mod data;
mod fetch;
mod maintain;
mod probe;
pub mod region;
mod scalar;
#[cfg(test)]
pub(crate) mod tests;
pub mod tlb;
mod translate;
mod vhpt;
mod wide;

pub use access::Access;
pub use fetch::FetchPage;
pub(crate) use probe::probe_rights;
pub use scalar::Scalar;
pub(crate) use vhpt::new_entry as new_translation;

use cache::HostCache;
use fetch::FetchCache;
use region::RegionRegister;
use tlb::Tlb;

/// Protection key registers (PAL_VM_SUMMARY max_pkr + 1).
pub const PROTECTION_KEYS: usize = 16;

/// Everything between a processor's addresses and memory.
pub struct Mmu {
    rr: [RegionRegister; 8],
    pkr: [u64; PROTECTION_KEYS],
    itlb: Tlb,
    dtlb: Tlb,
    /// Pages that the running program may read, and write (and read), at its level.
    reads: HostCache,
    writes: HostCache,
    fetches: FetchCache,
    /// Key of data references in the host caches, or [`cache::NEVER`]: then the slow path works it out.
    key: u64,
    /// Regions whose register changed since the host caches were last flushed of them.
    stale_regions: u8,
    /// Stamp of the last insertion.
    stamp: u64,
    /// Changes whenever what [`crate::cpu::Cpu::fetch`] once answered may no longer hold, other than by a change of
    /// PSR.it, PSR.cpl or PSR.pk.
    pub fetch_generation: u64,
}

impl Default for Mmu {
    fn default() -> Self {
        Mmu {
            rr: [RegionRegister::default(); 8],
            pkr: [0; PROTECTION_KEYS],
            itlb: Tlb::default(),
            dtlb: Tlb::default(),
            reads: HostCache::default(),
            writes: HostCache::default(),
            fetches: FetchCache::default(),
            key: cache::NEVER,
            stale_regions: 0,
            stamp: 0,
            fetch_generation: 0,
        }
    }
}

impl Mmu {
    /// PSR changed in one of the bits be, dt, pk, db, ed or cpl (or anything at all): the next data reference takes
    /// the slow path and works out anew how the fast one is taken.
    #[inline]
    pub fn privilege_changed(&mut self) {
        self.key = cache::NEVER;
    }

    /// Region register `i` (0..=7).
    #[inline]
    pub fn rr(&self, i: usize) -> RegionRegister {
        self.rr[i & 7]
    }

    /// The region register that `va` selects.
    #[inline]
    pub fn rr_of(&self, va: u64) -> RegionRegister {
        self.rr[region::region_of(va)]
    }

    /// Writes region register `i`.
    pub fn set_rr(&mut self, i: usize, value: RegionRegister) {
        let old = std::mem::replace(&mut self.rr[i & 7], value);
        if old.rid() != value.rid() {
            self.stale_regions |= 1 << (i & 7);
            self.privilege_changed();
            self.fetch_generation += 1;
        }
    }

    /// Protection key register `i`.
    #[inline]
    pub fn pkr(&self, i: usize) -> u64 {
        self.pkr[i % PROTECTION_KEYS]
    }

    /// Writes protection key register `i`. Another register with the same key stops being valid. SDM volume 2, 4.1.3.
    pub fn set_pkr(&mut self, i: usize, value: u64) {
        if value & 1 != 0 {
            for pkr in &mut self.pkr {
                if *pkr & 1 != 0 && (*pkr ^ value) >> 8 == 0 {
                    *pkr &= !1;
                }
            }
        }
        self.pkr[i % PROTECTION_KEYS] = value;
        self.flush_host_caches();
    }

    /// Drops what follows from region registers that have changed since.
    fn flush_stale_regions(&mut self) {
        let regions = std::mem::take(&mut self.stale_regions);
        if regions != 0 {
            self.reads.flush_regions(regions);
            self.writes.flush_regions(regions);
            self.fetches.flush_regions(regions);
        }
    }

    /// Drops everything that follows from translations.
    fn flush_host_caches(&mut self) {
        self.stale_regions = 0;
        self.reads.flush();
        self.writes.flush();
        self.fetches.flush();
        self.fetch_generation += 1;
    }

    /// The regions that show region identifier `rid`.
    fn regions_with(&self, rid: u32) -> impl Iterator<Item = u64> + use<> {
        let rr = self.rr;
        (0..8u64).filter(move |&i| rr[i as usize].rid() == rid)
    }

    /// Drops the host lines of data in 2^`ps` bytes from `va` (bits 60:0) of region identifier `rid`.
    fn flush_data(&mut self, rid: u32, va: u64, ps: u8) {
        for region in self.regions_with(rid) {
            self.reads.flush_range(region << 61 | va, ps);
            self.writes.flush_range(region << 61 | va, ps);
        }
    }

    /// Drops the host lines of code in 2^`ps` bytes from `va` (bits 60:0) of region identifier `rid`.
    fn flush_code(&mut self, rid: u32, va: u64, ps: u8) {
        for region in self.regions_with(rid) {
            self.fetches.flush_range(region << 61 | va, ps);
        }
        self.fetch_generation += 1;
    }
}

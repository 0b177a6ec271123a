//! Guest RAM as the processor sees it: host pointers for physical ranges, and an epoch for each page of code.
//!
//! The epochs are how cached decoded code stays true to memory. Whoever knows that instruction bytes of a page may
//! have changed (`fc`, an instruction translation newly inserted, DMA) calls [`Memory::suspect_code`]; a decoded block
//! remembers the epoch at which its bytes were last compared with memory and is compared again when it differs.

#![allow(unsafe_code, reason = "the one place that turns guest-physical addresses into host pointers")]

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Smallest page: the granule of epochs and of every host-side cache.
pub const PAGE_SHIFT: u32 = 12;
/// Bytes of the smallest page.
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;
/// Physical address bits implemented (PAL_VM_SUMMARY phys_add_size).
pub const PHYS_BITS: u32 = 50;

struct Region {
    base: u64,
    len: u64,
    host: *mut u8,
    /// Index of the epoch of its first page in `Memory::epochs`.
    first_page: usize,
}

/// The RAM of one guest.
pub struct Memory {
    regions: Vec<Region>,
    epochs: Box<[AtomicU32]>,
    /// Keeps the mapping alive for as long as host pointers are handed out.
    _owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the pointers are to a shared mapping kept alive by `_owner`; all access through them is by raw reads and
// writes that tolerate concurrent change, and the epochs are atomic.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// Describes RAM: `(physical base, length in bytes, host address)` for each range, page aligned, not overlapping.
    ///
    /// # Safety
    /// Each host range must stay mapped readable and writable for as long as `owner` lives, and nobody may hold Rust
    /// references into it.
    ///
    /// # Panics
    /// When a base or length is not a multiple of [`PAGE_SIZE`].
    pub unsafe fn new(ranges: &[(u64, u64, *mut u8)], owner: Arc<dyn Any + Send + Sync>) -> Memory {
        let mut pages = 0;
        let mut regions: Vec<Region> = ranges
            .iter()
            .map(|&(base, len, host)| {
                assert!(base % PAGE_SIZE == 0 && len % PAGE_SIZE == 0, "RAM ranges are whole pages");
                let first_page = pages;
                pages += (len >> PAGE_SHIFT) as usize;
                Region { base, len, host, first_page }
            })
            .collect();
        regions.sort_by_key(|r| r.base);
        Memory { regions, epochs: (0..pages).map(|_| AtomicU32::new(0)).collect(), _owner: owner }
    }

    /// RAM of `len` bytes (rounded up to pages) at physical `base`, on the heap: for tests and simulators.
    pub fn heap(base: u64, len: u64) -> Memory {
        let len = len.next_multiple_of(PAGE_SIZE);
        let mut block = vec![0u64; (len / 8) as usize + (PAGE_SIZE / 8) as usize];
        let raw = block.as_mut_ptr() as *mut u8;
        let offset = raw.align_offset(PAGE_SIZE as usize);
        // SAFETY: the vector has a page to spare, so the aligned start plus `len` lies inside it; it is moved into
        // the owner without reallocation and never touched through the vector again.
        unsafe { Memory::new(&[(base, len, raw.add(offset))], Arc::new(block)) }
    }

    fn region(&self, pa: u64) -> Option<&Region> {
        self.regions.iter().find(|r| pa.wrapping_sub(r.base) < r.len)
    }

    /// The host address of physical address `pa` if `len` bytes from there on are RAM in one range.
    #[inline]
    pub fn host(&self, pa: u64, len: u64) -> Option<*mut u8> {
        let region = self.region(pa)?;
        let offset = pa - region.base;
        if len > region.len - offset {
            return None;
        }
        Some(region.host.wrapping_add(offset as usize))
    }

    /// The index of the page that holds `pa` among all pages of RAM.
    pub fn page_index(&self, pa: u64) -> Option<usize> {
        let region = self.region(pa)?;
        Some(region.first_page + ((pa - region.base) >> PAGE_SHIFT) as usize)
    }

    /// The epoch of a page by its index; 0 for an index that does not exist.
    #[inline]
    pub fn epoch(&self, page_index: usize) -> u32 {
        self.epochs.get(page_index).map_or(0, |epoch| epoch.load(Ordering::Acquire))
    }

    /// Instruction bytes in `len` bytes from `pa` may have changed: cached code there is compared before it runs again.
    pub fn suspect_code(&self, pa: u64, len: u64) {
        let mut page = pa & !(PAGE_SIZE - 1);
        let end = pa.saturating_add(len);
        while page < end {
            match self.page_index(page) {
                Some(index) => _ = self.epochs[index].fetch_add(1, Ordering::Release),
                None => return,
            }
            page += PAGE_SIZE;
        }
    }

    /// Copies RAM out; `false` (and nothing copied) when the range is not RAM.
    pub fn read(&self, pa: u64, to: &mut [u8]) -> bool {
        let Some(host) = self.host(pa, to.len() as u64) else { return false };
        // SAFETY: `host` vouches for `to.len()` mapped bytes; the guest may write them meanwhile, which at worst
        // gives a mixture of old and new bytes.
        unsafe { std::ptr::copy_nonoverlapping(host, to.as_mut_ptr(), to.len()) };
        true
    }

    /// Copies into RAM and makes code there suspect; `false` (and nothing written) when the range is not RAM.
    pub fn write(&self, pa: u64, from: &[u8]) -> bool {
        let Some(host) = self.host(pa, from.len() as u64) else { return false };
        // SAFETY: as in `read`.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), host, from.len()) };
        self.suspect_code(pa, from.len() as u64);
        true
    }

    /// The ranges of RAM: `(physical base, length)`, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.regions.iter().map(|r| (r.base, r.len))
    }
}

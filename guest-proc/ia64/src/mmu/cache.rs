//! The host-side fast path: a direct-mapped cache from pages of guest addresses to host memory.
//!
//! A line answers for one 4 KB page and one *mode* (privilege level, translation on or off, protection keys on or
//! off). Its tag is the page address exclusive-or the mode's key, so one compare tests page, mode and alignment: the
//! low bits of a misaligned address survive the mask and spoil the match. The key also turns the index, so that the
//! kernel and a program do not fight over a line for the same page. Everything a line allows has been checked when it
//! was filled; whoever withdraws a permission flushes.

use crate::memory::{PAGE_SHIFT, PAGE_SIZE};

/// Lines of a cache: 8 MB of reach.
const LINES: usize = 2048;
const PAGE_MASK: u64 = !(PAGE_SIZE - 1);
/// Bits of a tag or key that hold the mode. Bits 3:0 stay free for the alignment test.
const MODE_MASK: u64 = 0xff0;
/// In the mode bits of a line that holds nothing: no key has it.
const EMPTY: u64 = 0xfa0;
/// In the mode bits of lines for virtual pages.
const TRANSLATED: u64 = 1 << 6;
/// A key that matches no line: everything goes the slow way.
pub(super) const NEVER: u64 = 0xff0;

/// Under which circumstances a line was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    /// Privilege level, 0..=3.
    pub(super) pl: u8,
    /// Virtual addresses?
    pub(super) translated: bool,
    /// Protection keys checked?
    pub(super) keys: bool,
}

impl Mode {
    /// The mode with translation and without keys at level `pl`, and so on: 16 modes.
    const fn from_bits(bits: u64) -> Mode {
        Mode { pl: (bits & 3) as u8, translated: bits & 4 != 0, keys: bits & 8 != 0 }
    }

    /// The key of the mode.
    #[inline]
    pub(super) const fn key(self) -> u64 {
        let bits = (self.pl & 3) as u64 | (self.translated as u64) << 2 | (self.keys as u64) << 3;
        // The multiplier spreads the 16 modes over the index.
        bits << 4 | (bits * 0x2af % LINES as u64) << PAGE_SHIFT
    }
}

#[derive(Clone, Copy)]
struct Line {
    tag: u64,
    /// Added to the guest address gives the host address.
    addend: u64,
}

const EMPTY_LINE: Line = Line { tag: EMPTY, addend: 0 };

/// Lines filled since a region was last flushed that are remembered one by one; beyond this all are looked through.
const LOGGED: usize = LINES / 2;

/// One cache: for reads, or for writes (and semaphores).
pub(super) struct HostCache {
    lines: Box<[Line; LINES]>,
    /// For each region the lines filled with its pages since it was last flushed, so that a context switch costs what
    /// the program before it has used.
    filled: [Vec<u16>; 8],
    /// One bit for each mode that has been filled since the last complete flush.
    modes: u16,
}

impl Default for HostCache {
    fn default() -> Self {
        HostCache { lines: Box::new([EMPTY_LINE; LINES]), filled: Default::default(), modes: 0 }
    }
}

#[inline(always)]
const fn index(tag: u64) -> usize {
    (tag >> PAGE_SHIFT) as usize % LINES
}

impl HostCache {
    /// The host address of `va` for an access of `bytes` (a power of two up to 16) bytes, if the page is cached for the
    /// mode of `key` and `va` is aligned.
    #[inline(always)]
    pub(super) fn hit(&self, va: u64, key: u64, bytes: u64) -> Option<*mut u8> {
        let tag = (va & (PAGE_MASK | (bytes - 1))) ^ key;
        let line = &self.lines[index(tag)];
        if line.tag == tag {
            Some(std::ptr::with_exposed_provenance_mut(va.wrapping_add(line.addend) as usize))
        } else {
            None
        }
    }

    /// Caches the page of `va`, which lies at `host` (the address of the page, not of `va`).
    pub(super) fn fill(&mut self, va: u64, mode: Mode, host: *mut u8) {
        let page = va & PAGE_MASK;
        let tag = page ^ mode.key();
        let addend = (host.expose_provenance() as u64).wrapping_sub(page);
        let index = index(tag);
        self.lines[index] = Line { tag, addend };
        let filled = &mut self.filled[(va >> 61) as usize];
        if mode.translated && filled.len() < LOGGED {
            filled.push(index as u16);
        }
        self.modes |= 1 << ((tag & MODE_MASK) >> 4);
    }

    /// Empties the cache.
    pub(super) fn flush(&mut self) {
        if self.modes != 0 {
            self.lines.fill(EMPTY_LINE);
            self.filled.iter_mut().for_each(Vec::clear);
            self.modes = 0;
        }
    }

    /// Drops virtual pages within 2^`ps` bytes from `va`.
    pub(super) fn flush_range(&mut self, va: u64, ps: u8) {
        let pages = 1usize << ps.saturating_sub(PAGE_SHIFT as u8).min(62);
        if pages > LINES / 8 {
            return self.flush_where(|page| (page ^ va) >> ps == 0);
        }
        for bits in 0..16u64 {
            let mode = Mode::from_bits(bits);
            if !mode.translated || self.modes >> bits & 1 == 0 {
                continue;
            }
            for page in 0..pages as u64 {
                let tag = ((va & PAGE_MASK) + (page << PAGE_SHIFT)) ^ mode.key();
                let line = &mut self.lines[index(tag)];
                if line.tag == tag {
                    *line = EMPTY_LINE;
                }
            }
        }
    }

    /// Drops virtual pages of the regions whose bit is set: what a context switch does.
    pub(super) fn flush_regions(&mut self, regions: u8) {
        for region in (0..8).filter(|region| regions >> region & 1 != 0) {
            let filled = &mut self.filled[region];
            if filled.len() == LOGGED {
                filled.clear();
                self.flush_where(|page| page >> 61 == region as u64);
                continue;
            }
            for index in filled.drain(..) {
                let line = &mut self.lines[usize::from(index) % LINES];
                // Keys leave the region bits of a tag as they are.
                if line.tag & TRANSLATED != 0 && line.tag >> 61 == region as u64 {
                    *line = EMPTY_LINE;
                }
            }
        }
    }

    fn flush_where(&mut self, stale: impl Fn(u64) -> bool) {
        for line in self.lines.iter_mut() {
            let bits = (line.tag & MODE_MASK) >> 4;
            let mode = Mode::from_bits(bits);
            if bits < 16 && mode.translated && stale((line.tag ^ mode.key()) & PAGE_MASK) {
                *line = EMPTY_LINE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: Mode = Mode { pl: 0, translated: true, keys: false };

    #[test]
    fn modes_have_distinct_keys_that_leave_the_alignment_bits_free() {
        let mut low = std::collections::HashSet::new();
        for bits in 0..16 {
            let key = Mode::from_bits(bits).key();
            assert_eq!(key & 15, 0);
            assert!(low.insert(key & MODE_MASK));
            assert!(key & MODE_MASK != EMPTY && key & MODE_MASK != NEVER);
        }
    }

    #[test]
    fn only_aligned_accesses_of_the_same_mode_hit() {
        let mut memory = vec![0u8; 8192];
        let host = memory.as_mut_ptr();
        let mut cache = HostCache::default();
        cache.fill(0xa000_0000_0001_0123, MODE, host);
        let at = |offset: u64| 0xa000_0000_0001_0000 + offset;
        assert_eq!(cache.hit(at(0x128), MODE.key(), 8), Some(host.wrapping_add(0x128)));
        assert_eq!(cache.hit(at(0x129), MODE.key(), 1), Some(host.wrapping_add(0x129)));
        for misaligned in 1..8 {
            assert_eq!(cache.hit(at(misaligned), MODE.key(), 8), None);
        }
        assert_eq!(cache.hit(at(0x128), Mode { pl: 3, ..MODE }.key(), 8), None);
        assert_eq!(cache.hit(at(0x128), NEVER, 8), None);
        assert_eq!(cache.hit(at(0x1128), MODE.key(), 8), None);
    }

    #[test]
    fn an_empty_cache_never_hits() {
        let cache = HostCache::default();
        for bits in 0..16 {
            let key = Mode::from_bits(bits).key();
            for va in (0..64).chain([key, key & PAGE_MASK, EMPTY, NEVER, u64::MAX]) {
                assert_eq!(cache.hit(va, key, 8), None);
                assert_eq!(cache.hit(va, key, 1), None);
            }
        }
    }

    #[test]
    fn flushing_a_range_or_a_region_drops_it_and_nothing_else() {
        let mut memory = vec![0u8; 4096];
        let host = memory.as_mut_ptr();
        let user = Mode { pl: 3, ..MODE };
        let mut cache = HostCache::default();
        let pages = [0x2000_0000_0001_0000u64, 0x2000_0000_0002_3000, 0x6000_0000_0003_0000];
        for ps in [12, 16, 20, 28] {
            pages.iter().for_each(|&page| cache.fill(page, user, host));
            cache.flush_range(0x2000_0000_0000_0000 | (0x1_0000 >> ps << ps), ps);
            assert_eq!(cache.hit(pages[0], user.key(), 8), None);
            assert_eq!(cache.hit(pages[1], user.key(), 8).is_none(), ps > 16);
            assert!(cache.hit(pages[2], user.key(), 8).is_some());
        }
        pages.iter().for_each(|&page| cache.fill(page, user, host));
        cache.flush_regions(1 << 1);
        assert!(cache.hit(pages[0], user.key(), 8).is_none() && cache.hit(pages[2], user.key(), 8).is_some());
    }
}

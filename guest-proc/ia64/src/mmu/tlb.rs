//! One translation buffer (there is one for instructions and one for data): translation registers that stay, and a
//! translation cache that may forget. SDM volume 2, 4.1.1.
//!
//! The cache is set-associative; a page of each size has its own set, and a search tries the sizes in use. It never
//! forgets silently: what it evicts is handed back, so that whatever was derived from it can be dropped too.

use super::access::Pte;

/// Translation registers of each kind (PAL_VM_SUMMARY max_itr_entry + 1, max_dtr_entry + 1).
pub const REGISTERS: usize = 32;
const SETS: usize = 512;
const WAYS: usize = 4;

/// A translation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// First virtual address: bits 60:0, aligned to the size.
    pub va: u64,
    /// Rights, attributes, physical page.
    pub pte: Pte,
    /// When it was inserted: larger is later.
    pub stamp: u64,
    /// Region identifier.
    pub rid: u32,
    /// Protection key.
    pub key: u32,
    /// Size: log2 of bytes.
    pub ps: u8,
}

impl Entry {
    /// Does it translate the address `va` (bits 60:0) of region `rid`?
    #[inline]
    pub const fn covers(&self, rid: u32, va: u64) -> bool {
        self.rid == rid && (self.va ^ va) >> self.ps == 0
    }

    /// Does it share an address with the 2^`ps` bytes from `va`?
    #[inline]
    pub fn overlaps(&self, rid: u32, va: u64, ps: u8) -> bool {
        self.rid == rid && (self.va ^ va) >> self.ps.max(ps) == 0
    }
}

#[derive(Clone, Copy, Default)]
struct Slot {
    entry: Entry,
    /// Live if this is the buffer's epoch: forgetting everything is one addition.
    epoch: u32,
}

/// Translation registers and cache of one kind.
pub struct Tlb {
    registers: [Entry; REGISTERS],
    /// One bit for each register in use.
    valid: u32,
    slots: Box<[[Slot; WAYS]]>,
    victim: Box<[u8]>,
    epoch: u32,
    /// Cached entries of each size, and a bit for each size that has any.
    count: [u32; 64],
    sizes: u64,
}

impl Default for Tlb {
    fn default() -> Self {
        Tlb {
            registers: [Entry::default(); REGISTERS],
            valid: 0,
            slots: vec![[Slot::default(); WAYS]; SETS].into_boxed_slice(),
            victim: vec![0; SETS].into_boxed_slice(),
            epoch: 1,
            count: [0; 64],
            sizes: 0,
        }
    }
}

#[inline]
fn set_of(rid: u32, va: u64, ps: u8) -> usize {
    let page = va >> ps;
    (page ^ page >> 9 ^ page >> 20 ^ u64::from(rid).wrapping_mul(0x9e5)) as usize % SETS
}

/// The set bits of `bits`, ascending.
fn bits(mut bits: u64) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let bit = bits.trailing_zeros() as u8;
        bits &= bits - 1;
        Some(bit)
    })
}

impl Tlb {
    /// The translation of `va` (bits 60:0) in region `rid`.
    #[inline]
    pub fn find(&self, rid: u32, va: u64) -> Option<&Entry> {
        for i in bits(u64::from(self.valid)) {
            let entry = &self.registers[usize::from(i)];
            if entry.covers(rid, va) {
                return Some(entry);
            }
        }
        for ps in bits(self.sizes) {
            let set = &self.slots[set_of(rid, va, ps)];
            for slot in set {
                if slot.epoch == self.epoch && slot.entry.ps == ps && slot.entry.covers(rid, va) {
                    return Some(&slot.entry);
                }
            }
        }
        None
    }

    /// Puts a translation into the cache. The caller has purged what it overlaps. What had to go is returned.
    pub fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let set = set_of(entry.rid, entry.va, entry.ps);
        let epoch = self.epoch;
        let free = self.slots[set].iter().position(|slot| slot.epoch != epoch);
        let way = free.unwrap_or_else(|| {
            self.victim[set] = self.victim[set].wrapping_add(1);
            usize::from(self.victim[set]) % WAYS
        });
        let old = std::mem::replace(&mut self.slots[set][way], Slot { entry, epoch });
        self.counted(entry.ps, 1);
        if free.is_some() {
            return None;
        }
        self.counted(old.entry.ps, -1);
        Some(old.entry)
    }

    /// Puts a translation into register `i`; what was there is returned.
    pub fn set_register(&mut self, i: usize, entry: Entry) -> Option<Entry> {
        let old = std::mem::replace(&mut self.registers[i], entry);
        let was_valid = self.valid >> i & 1 != 0;
        self.valid |= 1 << i;
        was_valid.then_some(old)
    }

    /// Register `i`, if it holds a translation.
    pub fn register(&self, i: usize) -> Option<&Entry> {
        if self.valid >> i & 1 != 0 { self.registers.get(i) } else { None }
    }

    /// Removes cached translations that overlap the 2^`ps` bytes from `va`. The size (log2) of the largest one is
    /// returned, if there were any: all of its addresses are affected.
    pub fn purge(&mut self, rid: u32, va: u64, ps: u8) -> Option<u8> {
        let mut largest = None;
        for size in bits(self.sizes) {
            let pages = 1usize << ps.saturating_sub(size).min(62);
            let mut removed = false;
            if pages > SETS {
                for set in 0..SETS {
                    removed |= self.remove_from(set, |entry| entry.ps == size && entry.overlaps(rid, va, ps));
                }
            } else {
                for page in 0..pages as u64 {
                    let page_va = va.wrapping_add(page << size);
                    let set = set_of(rid, page_va, size);
                    removed |= self.remove_from(set, |entry| entry.ps == size && entry.covers(rid, page_va));
                }
            }
            if removed {
                largest = Some(size);
            }
        }
        largest
    }

    /// Removes registers that overlap the 2^`ps` bytes from `va`. Returns as [`Tlb::purge`].
    pub fn purge_registers(&mut self, rid: u32, va: u64, ps: u8) -> Option<u8> {
        let mut largest = None;
        for i in bits(u64::from(self.valid)) {
            let entry = &self.registers[usize::from(i)];
            if entry.overlaps(rid, va, ps) {
                self.valid &= !(1 << i);
                largest = largest.max(Some(entry.ps));
            }
        }
        largest
    }

    /// Empties the cache.
    pub fn purge_all(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.slots.fill([Slot::default(); WAYS]);
            self.epoch = 1;
        }
        self.count = [0; 64];
        self.sizes = 0;
    }

    fn remove_from(&mut self, set: usize, wanted: impl Fn(&Entry) -> bool) -> bool {
        let mut removed = false;
        for way in 0..WAYS {
            let slot = &mut self.slots[set][way];
            if slot.epoch == self.epoch && wanted(&slot.entry) {
                slot.epoch = 0;
                let ps = slot.entry.ps;
                self.counted(ps, -1);
                removed = true;
            }
        }
        removed
    }

    fn counted(&mut self, ps: u8, by: i32) {
        let count = &mut self.count[usize::from(ps)];
        *count = count.wrapping_add_signed(by);
        if *count == 0 {
            self.sizes &= !(1 << ps);
        } else {
            self.sizes |= 1 << ps;
        }
    }
}

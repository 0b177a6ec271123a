//! Advanced Load Address Table. SDM volume 1, 4.4.5.3.
//!
//! The architecture lets an entry disappear at any time, so precision is only a matter of speed. Addresses are compared
//! by their offset in the smallest page: that holds for every virtual address that can name the same byte. Stores of
//! other processors are covered by dropping everything at acquire operations and fences: between two of those a
//! program may see an advanced load as if it had been performed late or early.

use crate::memory::PAGE_SIZE;

const ENTRIES: usize = 32;

/// A register that can be the target of an advanced load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(u32);

impl Tag {
    const FREE: Tag = Tag(0);

    /// A general register by number (renamed) and the absolute position of the frame base ([`crate::rse::Rse::base`]),
    /// so that a stacked register keeps its tag across calls.
    #[inline]
    pub fn gr(r: u8, base: u32) -> Tag {
        Tag(if r < 32 { r as u32 + 1 } else { 0x4000_0000 | base.wrapping_add(r as u32) & 0x3fff_ffff })
    }

    /// A floating-point register by number (renamed).
    #[inline]
    pub fn fr(r: u8) -> Tag {
        Tag(0x8000_0000 | r as u32)
    }
}

#[derive(Clone, Copy)]
struct Entry {
    tag: Tag,
    offset: u16,
    bytes: u16,
}

/// The table: one entry a register, found by tag.
#[derive(Clone)]
pub struct Alat {
    entries: [Entry; ENTRIES],
    /// One bit for each 8-byte granule (modulo 64) that a live entry covers: a store that misses here misses all.
    filter: u64,
}

impl Default for Alat {
    fn default() -> Self {
        Alat { entries: [Entry { tag: Tag::FREE, offset: 0, bytes: 0 }; ENTRIES], filter: 0 }
    }
}

/// Filter bits of `bytes` (1..=16) bytes at page offset `offset`: at most three granules.
#[inline]
fn granules(offset: u64, bytes: u64) -> u64 {
    let first = offset >> 3;
    let last = (offset + bytes - 1) >> 3;
    1u64.rotate_left(first as u32)
        | 1u64.rotate_left(last as u32)
        | 1u64.rotate_left((first + last).div_ceil(2) as u32)
}

impl Alat {
    fn slot(tag: Tag) -> usize {
        (tag.0 as usize ^ (tag.0 >> 27) as usize) % ENTRIES
    }

    /// Records an advanced load of `bytes` bytes at `va` into the register `tag`.
    pub fn allocate(&mut self, tag: Tag, va: u64, bytes: u64) {
        let offset = va & (PAGE_SIZE - 1);
        self.entries[Alat::slot(tag)] = Entry { tag, offset: offset as u16, bytes: bytes as u16 };
        self.filter |= granules(offset, bytes);
    }

    /// Is there an entry for `tag`, and does it cover the access checked again? `None` for `access` checks the tag only.
    #[inline]
    pub fn hit(&self, tag: Tag, access: Option<(u64, u64)>) -> bool {
        let entry = &self.entries[Alat::slot(tag)];
        entry.tag == tag
            && access.is_none_or(|(va, bytes)| {
                entry.offset as u64 == va & (PAGE_SIZE - 1) && entry.bytes as u64 == bytes
            })
    }

    /// Removes the entry of one register.
    pub fn invalidate(&mut self, tag: Tag) {
        let entry = &mut self.entries[Alat::slot(tag)];
        if entry.tag == tag {
            entry.tag = Tag::FREE;
        }
    }

    /// Removes every entry.
    #[inline]
    pub fn invalidate_all(&mut self) {
        if self.filter != 0 {
            *self = Alat::default();
        }
    }

    /// A store of `bytes` bytes at `va`: entries it overlaps go.
    #[inline(always)]
    pub fn store(&mut self, va: u64, bytes: u64) {
        if self.filter != 0 && self.filter & granules(va & (PAGE_SIZE - 1), bytes) != 0 {
            self.remove_overlapping(va & (PAGE_SIZE - 1), bytes);
        }
    }

    #[cold]
    fn remove_overlapping(&mut self, offset: u64, bytes: u64) {
        self.filter = 0;
        for entry in self.entries.iter_mut().filter(|e| e.tag != Tag::FREE) {
            let (start, end) = (entry.offset as u64, entry.offset as u64 + entry.bytes as u64);
            if offset < end && start < offset + bytes {
                entry.tag = Tag::FREE;
            } else {
                self.filter |= granules(start, entry.bytes as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_store_removes_and_disjoint_store_keeps() {
        for bytes in [1u64, 2, 4, 8, 16] {
            for start in 0..64u64 {
                for store in 0..96u64 {
                    for store_bytes in [1u64, 2, 4, 8, 16] {
                        let mut alat = Alat::default();
                        let tag = Tag::gr(40, 7);
                        alat.allocate(tag, 0x5000 + start, bytes);
                        alat.store(0x9000 + store, store_bytes);
                        let overlap = store < start + bytes && start < store + store_bytes;
                        assert_eq!(alat.hit(tag, Some((0x5000 + start, bytes))), !overlap);
                    }
                }
            }
        }
    }

    #[test]
    fn stacked_register_keeps_its_tag_across_a_call() {
        assert_eq!(Tag::gr(40, 100), Tag::gr(32, 108));
        assert_ne!(Tag::gr(8, 100), Tag::gr(8 + 32, 100));
        assert_ne!(Tag::fr(8), Tag::gr(8, 0));
    }
}

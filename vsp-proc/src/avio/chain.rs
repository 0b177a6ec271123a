//! Descriptor chains: from the index of a chain's head to the guest memory it names (virtio 1.2 clause 2.7).
//!
//! Everything read here is the guest's and may be anything, and change meanwhile: each field is read once. A chain that
//! breaks a rule is an error, never a shorter chain. (`virtio_queue::DescriptorChain` just ends there, and cannot start
//! at a head taken from an in-flight region.)

#![allow(
    unsafe_code,
    reason = "hands host addresses of guest memory to storage, which reads and writes there"
)]

use std::sync::Arc;

use storage::scsi::Delivery;
use storage::segments::Segments;
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend};

use super::memory::GuestRam;

/// Bytes of a descriptor.
const DESCRIPTOR: u64 = 16;
/// Most descriptors of a chain, indirect ones included; a ring has no more (clause 2.7.5.3.1).
pub(super) const MAX_DESCRIPTORS: u32 = 1024;

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// What is wrong with a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum ChainError {
    #[error("descriptor {0} is not in the table")]
    Index(u16),
    #[error("descriptor table is outside RAM")]
    Table,
    #[error("chain is longer than a ring, or a loop")]
    Length,
    #[error("indirect descriptor inside an indirect table")]
    Nested,
    #[error("indirect descriptor with a next one")]
    IndirectNext,
    #[error("indirect table of {0} bytes")]
    IndirectLength(u32),
    #[error("device-readable descriptor after a device-writable one")]
    Order,
    #[error("chain of 4 GiB or more")]
    Bytes,
    #[error("buffer of {len} bytes at {address:#x} is outside RAM")]
    Buffer { address: u64, len: u32 },
}

/// A chain and the RAM it lies in.
pub(super) struct Chain {
    head: u16,
    delivery: Delivery,
    readable: Segments<'static>,
    writable: Segments<'static>,
    /// What makes the segments valid.
    _ram: Arc<GuestRam>,
}

impl Chain {
    /// Index of the head descriptor, which names the chain in the rings.
    pub(super) fn head(&self) -> u16 {
        self.head
    }

    /// Which of the driver's requests it is.
    pub(super) fn delivery(&self) -> Delivery {
        self.delivery
    }

    /// The same chain as that request.
    pub(super) fn delivered(self, delivery: Delivery) -> Chain {
        Chain { delivery, ..self }
    }

    /// What the driver says.
    pub(super) fn readable(&self) -> &Segments<'_> {
        &self.readable
    }

    /// Where the driver wants the answer.
    pub(super) fn writable(&self) -> &Segments<'_> {
        &self.writable
    }

    /// Follows the chain from `head` of the `table` of `size` descriptors.
    pub(super) fn follow(
        ram: &Arc<GuestRam>,
        table: GuestAddress,
        size: u16,
        head: u16,
    ) -> Result<Chain, ChainError> {
        let mut chain = Chain {
            head,
            delivery: Delivery::default(),
            readable: Segments::empty(),
            writable: Segments::empty(),
            _ram: Arc::clone(ram),
        };
        let mut table = Table { start: table, len: size, indirect: false };
        let mut index = head;
        let (mut descriptors, mut bytes) = (0, 0u32);
        loop {
            descriptors += 1;
            if descriptors > MAX_DESCRIPTORS.max(size.into()) {
                return Err(ChainError::Length);
            }
            let descriptor = table.descriptor(ram, index)?;
            if descriptor.flags & INDIRECT != 0 {
                table = table.indirect(&descriptor)?;
                index = 0;
                continue;
            }
            bytes = bytes.checked_add(descriptor.len).ok_or(ChainError::Bytes)?;
            chain.append(ram, &descriptor)?;
            if descriptor.flags & NEXT == 0 {
                return Ok(chain);
            }
            index = descriptor.next;
        }
    }

    fn append(&mut self, ram: &GuestRam, descriptor: &Descriptor) -> Result<(), ChainError> {
        let into = match (descriptor.flags & WRITE != 0, self.writable.len_bytes()) {
            (true, _) => &mut self.writable,
            (false, 0) => &mut self.readable,
            (false, _) => return Err(ChainError::Order),
        };
        let outside = ChainError::Buffer { address: descriptor.address, len: descriptor.len };
        let start = GuestAddress(descriptor.address);
        for slice in GuestMemoryBackend::get_slices(ram.map_ref(), start, descriptor.len as usize) {
            let slice = slice.map_err(|_| outside)?;
            // SAFETY: the slice is mapped for as long as `ram`, which the chain keeps; nobody makes references into
            // guest memory.
            unsafe { into.push(slice.ptr_guard_mut().as_ptr(), slice.len()) };
        }
        Ok(())
    }
}

struct Table {
    start: GuestAddress,
    len: u16,
    indirect: bool,
}

struct Descriptor {
    address: u64,
    len: u32,
    flags: u16,
    next: u16,
}

impl Table {
    fn descriptor(&self, ram: &GuestRam, index: u16) -> Result<Descriptor, ChainError> {
        if index >= self.len {
            return Err(ChainError::Index(index));
        }
        let mut raw = [0; DESCRIPTOR as usize];
        let at = self.start.0.checked_add(u64::from(index) * DESCRIPTOR).ok_or(ChainError::Table)?;
        ram.map_ref().read_slice(&mut raw, GuestAddress(at)).map_err(|_| ChainError::Table)?;
        let [a0, a1, a2, a3, a4, a5, a6, a7, l0, l1, l2, l3, f0, f1, n0, n1] = raw;
        Ok(Descriptor {
            address: u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]),
            len: u32::from_le_bytes([l0, l1, l2, l3]),
            flags: u16::from_le_bytes([f0, f1]),
            next: u16::from_le_bytes([n0, n1]),
        })
    }

    /// The table an indirect descriptor names (clause 2.7.5.3).
    fn indirect(&self, descriptor: &Descriptor) -> Result<Table, ChainError> {
        if self.indirect {
            return Err(ChainError::Nested);
        }
        if descriptor.flags & NEXT != 0 {
            return Err(ChainError::IndirectNext);
        }
        let len = descriptor.len / DESCRIPTOR as u32;
        match u16::try_from(len) {
            Ok(entries)
                if entries > 0
                    && len <= MAX_DESCRIPTORS
                    && descriptor.len.is_multiple_of(DESCRIPTOR as u32) =>
            {
                Ok(Table { start: GuestAddress(descriptor.address), len: entries, indirect: true })
            }
            _ => Err(ChainError::IndirectLength(descriptor.len)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::plain_ram;
    use super::*;

    const RAM: u64 = 0x10_0000;
    const LEN: usize = 0x1_0000;
    const TABLE: u64 = RAM + 0x1000;
    const OTHER: u64 = RAM + 0x2000;
    const SIZE: u16 = 8;

    fn put(ram: &GuestRam, table: u64, index: u64, (address, len, flags, next): (u64, u32, u16, u16)) {
        let at = GuestAddress(table + index * DESCRIPTOR);
        let raw = [&address.to_le_bytes()[..], &len.to_le_bytes(), &flags.to_le_bytes(), &next.to_le_bytes()];
        ram.map_ref().write_slice(&raw.concat(), at).unwrap();
    }

    fn follow(
        table: &[(u64, u32, u16, u16)],
        indirect: &[(u64, u32, u16, u16)],
    ) -> Result<(u64, u64), ChainError> {
        let ram = plain_ram(RAM, LEN);
        for (i, descriptor) in table.iter().enumerate() {
            put(&ram, TABLE, i as u64, *descriptor);
        }
        for (i, descriptor) in indirect.iter().enumerate() {
            put(&ram, OTHER, i as u64, *descriptor);
        }
        let chain = Chain::follow(&ram, GuestAddress(TABLE), SIZE, 0)?;
        Ok((chain.readable().len_bytes(), chain.writable().len_bytes()))
    }

    #[test]
    fn direct_and_indirect_chains_are_followed() {
        let direct = [(RAM, 10, NEXT, 3), (0, 0, 0, 0), (RAM, 7, WRITE, 0), (RAM, 20, NEXT | WRITE, 2)];
        assert_eq!(follow(&direct, &[]), Ok((10, 27)));
        let indirect = [(RAM, 51, NEXT, 1), (RAM, 512, NEXT, 2), (RAM, 108, WRITE, 0)];
        assert_eq!(follow(&[(OTHER, 48, INDIRECT, 0)], &indirect), Ok((563, 108)));
        let tail = [(RAM, 1, NEXT, 1), (OTHER, 48, INDIRECT, 0)];
        assert_eq!(follow(&tail, &indirect), Ok((564, 108)), "an indirect one may end a direct chain");
        assert_eq!(follow(&[(RAM, 0, 0, 0)], &[]), Ok((0, 0)));
    }

    #[test]
    fn loop_is_an_error() {
        assert_eq!(follow(&[(RAM, 1, NEXT, 0)], &[]), Err(ChainError::Length));
        assert_eq!(follow(&[(RAM, 0, NEXT, 1), (RAM, 0, NEXT, 0)], &[]), Err(ChainError::Length));
        assert_eq!(follow(&[(OTHER, 16, INDIRECT, 0)], &[(RAM, 1, NEXT, 0)]), Err(ChainError::Length));
    }

    #[test]
    fn index_outside_the_table_is_an_error() {
        assert_eq!(follow(&[(RAM, 1, NEXT, SIZE)], &[]), Err(ChainError::Index(SIZE)));
        assert_eq!(follow(&[(OTHER, 16, INDIRECT, 0)], &[(RAM, 1, NEXT, 1)]), Err(ChainError::Index(1)));
        let ram = plain_ram(RAM, LEN);
        let far = Chain::follow(&ram, GuestAddress(TABLE), SIZE, 0xffff);
        assert_eq!(far.err(), Some(ChainError::Index(0xffff)));
        let outside = Chain::follow(&ram, GuestAddress(u64::MAX - 15), SIZE, 1);
        assert_eq!(outside.err(), Some(ChainError::Table));
    }

    #[test]
    fn bad_indirect_tables_are_errors() {
        let nested = [(OTHER, 16, INDIRECT, 0)];
        assert_eq!(follow(&nested, &nested), Err(ChainError::Nested));
        assert_eq!(follow(&[(OTHER, 16, INDIRECT | NEXT, 1)], &[]), Err(ChainError::IndirectNext));
        for len in [0, 15, 17, 16 * 1025, u32::MAX] {
            assert_eq!(follow(&[(OTHER, len, INDIRECT, 0)], &[]), Err(ChainError::IndirectLength(len)));
        }
        assert_eq!(follow(&[(RAM - 16, 16, INDIRECT, 0)], &[]), Err(ChainError::Table));
    }

    #[test]
    fn readable_after_writable_is_an_error() {
        assert_eq!(follow(&[(RAM, 1, NEXT | WRITE, 1), (RAM, 1, 0, 0)], &[]), Err(ChainError::Order));
    }

    #[test]
    fn buffers_outside_ram_are_errors() {
        let end = RAM + LEN as u64;
        for (address, len) in [(end, 1), (end - 1, 2), (0, 1), (u64::MAX, 1), (RAM - 1, 2), (RAM, u32::MAX)] {
            assert_eq!(follow(&[(address, len, 0, 0)], &[]), Err(ChainError::Buffer { address, len }));
        }
        assert_eq!(follow(&[(end - 1, 1, 0, 0)], &[]), Ok((1, 0)));
    }

    #[test]
    fn four_gibibytes_in_overlapping_buffers_are_an_error() {
        let ram = plain_ram(RAM, LEN);
        // One buffer over and over, from an indirect table.
        for i in 0..1000 {
            put(&ram, OTHER, i, (RAM, LEN as u32, NEXT, i as u16 + 1));
        }
        put(&ram, OTHER, 999, (RAM, LEN as u32, 0, 0));
        put(&ram, TABLE, 0, (OTHER, 16_000, INDIRECT, 0));
        let chain = Chain::follow(&ram, GuestAddress(TABLE), SIZE, 0).unwrap();
        assert_eq!(chain.readable().len_bytes(), 1000 * LEN as u64, "overlaps are the driver's own affair");
        let ram = plain_ram(RAM, 0x1000_0000);
        for i in 0..17 {
            put(&ram, OTHER, i, (RAM, 0x1000_0000, NEXT, i as u16 + 1));
        }
        put(&ram, TABLE, 0, (OTHER, 17 * 16, INDIRECT, 0));
        let chain = Chain::follow(&ram, GuestAddress(TABLE), SIZE, 0);
        assert_eq!(chain.err(), Some(ChainError::Bytes));
    }
}

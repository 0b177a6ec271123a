//! Guest RAM: one sealed memfd, mapped once, seen by the processors as [`ia64::Memory`] and by the virtio front-ends as
//! `vm_memory` regions (which is also how another process gets it).

#![allow(unsafe_code, reason = "host pointers of the mapping are handed to the processor's memory table")]

use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create,
};
use vm_memory::{FileOffset, GuestAddress, GuestMemoryBackend, GuestMemoryMmap};

use crate::map;

/// Why a guest has no memory.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The size asked for is not possible.
    #[error(
        "guest memory of {0} bytes is not possible: it must be a multiple of 1 MiB from 64 MiB to 64 GiB"
    )]
    Size(u64),
    /// The host refused memory.
    #[error("cannot get {size} bytes of guest memory")]
    Host {
        /// Bytes asked for.
        size: u64,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// RAM of one guest, firmware memory included.
pub struct GuestRam {
    /// For the processors and the firmware.
    pub memory: Arc<ia64::Memory>,
    /// For devices that give it to another process: every region has its file and offset.
    pub regions: GuestMemoryMmap<()>,
    file: Arc<File>,
    ranges: Vec<(u64, u64)>,
}

/// The physical ranges `(base, length)` of a guest with `size` bytes of RAM, beside which the firmware has its own.
fn ranges(size: u64) -> Vec<(u64, u64)> {
    let low = size.min(map::LOW_RAM_END - map::RAM_BASE);
    let mut ranges = vec![(map::FIRMWARE_BASE, map::RAM_BASE + low - map::FIRMWARE_BASE)];
    if size > low {
        ranges.push((map::HIGH_RAM_BASE, size - low));
    }
    ranges
}

impl GuestRam {
    /// `size` bytes of zeroed RAM; the host commits pages when the guest touches them.
    pub fn new(size: u64) -> Result<GuestRam, MemoryError> {
        if !(map::MIN_RAM..=map::MAX_RAM).contains(&size) || !size.is_multiple_of(1 << 20) {
            return Err(MemoryError::Size(size));
        }
        let refused = |source: std::io::Error| MemoryError::Host { size, source };
        let ranges = ranges(size);
        let total = ranges.iter().map(|range| range.1).sum();
        let fd = memfd_create("guest-ram", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map_err(|errno| refused(errno.into()))?;
        ftruncate(&fd, total).map_err(|errno| refused(errno.into()))?;
        // The process at the other end of a virtio ring maps this file too; it must never be able to shrink under it.
        fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
            .map_err(|errno| refused(errno.into()))?;
        let file = Arc::new(File::from(fd));

        let mut offset = 0;
        let mut mappings = Vec::new();
        for &(base, len) in &ranges {
            let file = Some(FileOffset::from_arc(file.clone(), offset));
            mappings.push((GuestAddress(base), len as usize, file));
            offset += len;
        }
        let regions = GuestMemoryMmap::from_ranges_with_files(mappings)
            .map_err(|error| refused(std::io::Error::other(error)))?;
        let mut host_ranges = Vec::new();
        for &(base, len) in &ranges {
            let host = regions
                .get_host_address(GuestAddress(base))
                .map_err(|error| refused(std::io::Error::other(error)))?;
            host_ranges.push((base, len, host));
        }
        // SAFETY: each range is one region of `regions`, mapped readable and writable for its whole length; the clone
        // given as owner keeps the mappings alive; nobody forms references into guest memory.
        let memory = unsafe { ia64::Memory::new(&host_ranges, Arc::new(regions.clone())) };
        Ok(GuestRam { memory: Arc::new(memory), regions, file, ranges })
    }

    /// The physical ranges `(base, length)`, ascending.
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// Makes all of it zero again and gives the pages back to the host.
    pub fn clear(&self) -> std::io::Result<()> {
        let total = self.ranges.iter().map(|range| range.1).sum();
        fallocate(self.file.as_fd(), FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, total)?;
        for &(base, len) in &self.ranges {
            self.memory.suspect_code(base, len);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ram_beyond_three_gib_lies_above_four() {
        assert_eq!(ranges(512 << 20), [(0x10_0000, 0x20f0_0000)]);
        assert_eq!(ranges(8 << 30), [(0x10_0000, 0xbff0_0000), (0x1_0000_0000, (8 << 30) - 0xbf00_0000)]);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        for size in [0, 1, 63 << 20, (64 << 20) + 4096, 65 << 30, u64::MAX] {
            assert!(matches!(GuestRam::new(size), Err(MemoryError::Size(refused)) if refused == size));
        }
    }

    #[test]
    fn both_views_show_the_same_bytes_and_clearing_zeroes_them() {
        use vm_memory::Bytes;
        let ram = GuestRam::new(64 << 20).unwrap();
        assert!(ram.memory.write(0x123_4560, b"here"));
        let mut seen = [0; 4];
        ram.regions.read_slice(&mut seen, GuestAddress(0x123_4560)).unwrap();
        assert_eq!(&seen, b"here");
        ram.clear().unwrap();
        assert!(ram.memory.read(0x123_4560, &mut seen));
        assert_eq!(seen, [0; 4]);
    }

    #[test]
    fn the_file_cannot_shrink() {
        let ram = GuestRam::new(64 << 20).unwrap();
        assert!(ram.file.set_len(0).is_err());
    }
}

//! Guest RAM as a back-end sees it: the regions a front-end shares, mapped here.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use rustix::fs::SealFlags;
use vhost::vhost_user::message::VhostUserMemoryRegion;
use vm_memory::{FileOffset, GuestAddress, GuestMemoryMmap};

/// Whether memory is taken that its owner could cut short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RamPolicy {
    /// Only memory files sealed against shrinking: whoever truncates a mapped file kills those who touch it (SIGBUS).
    SealedOnly,
    /// Any file, for foreign front-ends that are trusted not to truncate it.
    AllowUnsealed,
}

/// Why memory was refused.
#[derive(Debug, thiserror::Error)]
pub enum RamError {
    /// Not one file per region.
    #[error("{files} files for {regions} memory regions")]
    FileCount {
        /// Files given.
        files: usize,
        /// Regions described.
        regions: usize,
    },
    /// The file could shrink under us.
    #[error("memory at {0:#x} is not sealed against shrinking")]
    Unsealed(u64),
    /// Pages of this kind may be missing when touched.
    #[error("memory at {0:#x} is made of huge pages")]
    HugePages(u64),
    /// The file ends before the region does.
    #[error("memory at {0:#x} is longer than its file")]
    PastEnd(u64),
    /// Overlaps another region, or is otherwise impossible.
    #[error("memory regions cannot be mapped: {0}")]
    Regions(String),
    /// The host refused.
    #[error("memory region cannot be examined")]
    Host(#[from] io::Error),
}

/// A file of memory that others share, checked before it is mapped.
pub(super) fn check_file(file: &File, end: Option<u64>, policy: RamPolicy, at: u64) -> Result<(), RamError> {
    /// `f_type` of hugetlbfs.
    const HUGETLBFS: i64 = 0x9584_58f6;
    if policy == RamPolicy::SealedOnly {
        // Files that know no seals fail here; they are as unsealed as any.
        let seals = rustix::fs::fcntl_get_seals(file).unwrap_or(SealFlags::empty());
        if !seals.contains(SealFlags::SHRINK) {
            return Err(RamError::Unsealed(at));
        }
        if rustix::fs::fstatfs(file).map_err(io::Error::from)?.f_type as i64 == HUGETLBFS {
            return Err(RamError::HugePages(at));
        }
    }
    match end {
        Some(end) if end <= file.metadata()?.size() => Ok(()),
        _ => Err(RamError::PastEnd(at)),
    }
}

/// The RAM of a guest, mapped for as long as this lives.
pub(super) struct GuestRam {
    map: GuestMemoryMmap,
    windows: Vec<Window>,
}

/// A region by the front-end's own addresses, in which it speaks of rings.
struct Window {
    front_end_address: u64,
    guest_address: u64,
    len: u64,
}

impl GuestRam {
    /// Maps the regions of a SET_MEM_TABLE message.
    pub(super) fn map(
        regions: &[VhostUserMemoryRegion],
        files: Vec<File>,
        policy: RamPolicy,
    ) -> Result<GuestRam, RamError> {
        if regions.len() != files.len() {
            return Err(RamError::FileCount { files: files.len(), regions: regions.len() });
        }
        let mut ranges = Vec::new();
        let mut windows = Vec::new();
        for (region, file) in regions.iter().zip(files) {
            // The fields lie unaligned in the message.
            let (guest_address, len, offset) =
                (region.guest_phys_addr, region.memory_size, region.mmap_offset);
            check_file(&file, offset.checked_add(len), policy, guest_address)?;
            let size = usize::try_from(len).map_err(|_| RamError::PastEnd(guest_address))?;
            let file = FileOffset::from_arc(Arc::new(file), offset);
            ranges.push((GuestAddress(guest_address), size, Some(file)));
            windows.push(Window { front_end_address: region.user_addr, guest_address, len });
        }
        ranges.sort_by_key(|(start, _, _)| *start);
        let map = GuestMemoryMmap::from_ranges_with_files(ranges)
            .map_err(|error| RamError::Regions(error.to_string()))?;
        Ok(GuestRam { map, windows })
    }

    /// The mapping, by guest-physical address.
    pub(super) fn map_ref(&self) -> &GuestMemoryMmap {
        &self.map
    }

    /// The guest-physical address of an address of the front-end's.
    pub(super) fn guest_address(&self, front_end_address: u64) -> Option<GuestAddress> {
        self.windows.iter().find_map(|window| {
            let offset = front_end_address.checked_sub(window.front_end_address)?;
            (offset < window.len).then_some(GuestAddress(window.guest_address + offset))
        })
    }
}

/// Memory without a front-end, for tests of what lies above: `len` bytes at `base`.
#[cfg(test)]
pub(super) fn plain_ram(base: u64, len: usize) -> Arc<GuestRam> {
    let map = GuestMemoryMmap::from_ranges(&[(GuestAddress(base), len)]).unwrap();
    Arc::new(GuestRam { map, windows: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::MemfdFlags;

    const MIB: u64 = 1 << 20;

    fn memory(len: u64, seals: SealFlags) -> File {
        let file = File::from(rustix::fs::memfd_create("ram", MemfdFlags::ALLOW_SEALING).unwrap());
        file.set_len(len).unwrap();
        rustix::fs::fcntl_add_seals(&file, seals).unwrap();
        file
    }

    fn map(regions: &[(u64, u64, u64, u64)], file: &File, policy: RamPolicy) -> Result<GuestRam, String> {
        let regions: Vec<_> = regions
            .iter()
            .map(|(guest, len, user, offset)| VhostUserMemoryRegion::new(*guest, *len, *user, *offset))
            .collect();
        let files = regions.iter().map(|_| file.try_clone().unwrap()).collect();
        GuestRam::map(&regions, files, policy).map_err(|error| error.to_string())
    }

    #[test]
    fn front_end_addresses_are_translated_region_by_region() {
        let file = memory(2 * MIB, SealFlags::SHRINK);
        // Not in order of address.
        let regions = [(4 << 30, MIB, 0x7000_0000, MIB), (0, MIB, 0x5000_0000, 0)];
        let ram = map(&regions, &file, RamPolicy::SealedOnly).unwrap();
        assert_eq!(ram.guest_address(0x7000_0010), Some(GuestAddress((4 << 30) + 0x10)));
        assert_eq!(ram.guest_address(0x5000_0000 + MIB - 1), Some(GuestAddress(MIB - 1)));
        assert_eq!(ram.guest_address(0x5000_0000 + MIB), None);
        assert_eq!(ram.guest_address(0), None);
    }

    #[test]
    fn memory_that_can_shrink_is_refused_unless_allowed() {
        let file = memory(MIB, SealFlags::empty());
        let regions = [(0, MIB, 0, 0)];
        let refusal = map(&regions, &file, RamPolicy::SealedOnly).err().unwrap();
        assert_eq!(refusal, "memory at 0x0 is not sealed against shrinking");
        map(&regions, &file, RamPolicy::AllowUnsealed).unwrap();
        let plain = tempfile::tempfile().unwrap();
        plain.set_len(MIB).unwrap();
        map(&regions, &plain, RamPolicy::SealedOnly).err().unwrap();
    }

    #[test]
    fn impossible_regions_are_refused() {
        let file = memory(MIB, SealFlags::SHRINK);
        for regions in [
            &[(0, MIB + 4096, 0, 0)][..],
            &[(0, MIB, 0, 4096)],
            &[(0, MIB, 0, u64::MAX)],
            &[(0, u64::MAX, 0, 4096)],
            &[(0, MIB, 0, 0), (MIB / 2, MIB, 0, 0)],
            &[(u64::MAX - 4096, MIB, 0, 0)],
            &[(0, 4096, 0, 1)],
        ] {
            assert!(map(regions, &file, RamPolicy::SealedOnly).is_err(), "{regions:x?}");
        }
        assert!(GuestRam::map(&[], vec![file], RamPolicy::SealedOnly).is_err());
    }
}

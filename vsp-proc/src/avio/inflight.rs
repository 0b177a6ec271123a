//! The in-flight region: memory the front-end keeps for us, in which every request taken from a ring is noted until it
//! has been returned. A back-end that is killed finds there what its predecessor had not finished (vhost-user protocol,
//! "Inflight I/O tracking", split virtqueue).
//!
//! ```text
//!   per ring, rounded up to 64 bytes:
//!     0  features u64 | version u16 | entries u16 | last batch head u16 | used index u16
//!    16  per descriptor:  in flight u8 | 5 unused | next u16 | counter u64
//! ```
//!
//! The front-end can write there too, so what is read is checked like anything from a guest.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::{MemfdFlags, SealFlags};
use vhost::vhost_user::message::VhostUserInflight;
use vm_memory::{Bytes, FileOffset, MmapRegion, VolatileMemory, VolatileSlice};

use super::chain::MAX_DESCRIPTORS;
use super::memory::{RamError, RamPolicy, check_file};

const HEADER: usize = 16;
const ENTRY: usize = 16;
const ALIGNMENT: u64 = 64;
const VERSION: u16 = 1;

// Offsets in the header.
const VERSION_AT: usize = 8;
const ENTRIES_AT: usize = 10;
const LAST_BATCH_AT: usize = 12;
const USED_INDEX_AT: usize = 14;
// Offsets in an entry.
const NEXT_AT: usize = 6;
const COUNTER_AT: usize = 8;

/// Why a region was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum InflightError {
    #[error("in-flight region for {queues} queues of {size} does not fit {len} bytes")]
    Shape { queues: u16, size: u16, len: u64 },
    #[error("in-flight region has version {0}")]
    Version(u16),
    #[error("in-flight region has no part for ring {0}")]
    Ring(u16),
    #[error("in-flight region of {own} entries for a ring of {ring}")]
    Entries { own: u16, ring: u16 },
    #[error(transparent)]
    File(#[from] RamError),
    #[error("in-flight region cannot be mapped: {0}")]
    Map(String),
}

/// The region of all rings, mapped.
pub(super) struct Inflight {
    map: Arc<MmapRegion>,
    queues: u16,
    queue_size: u16,
}

fn queue_len(queue_size: u16) -> u64 {
    (HEADER as u64 + u64::from(queue_size) * ENTRY as u64).next_multiple_of(ALIGNMENT)
}

/// Makes a new, empty region, and says where in the file it is.
pub(super) fn create(queues: u16, queue_size: u16) -> io::Result<(VhostUserInflight, File)> {
    let len = u64::from(queues) * queue_len(queue_size);
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = File::from(rustix::fs::memfd_create("avio-inflight", flags)?);
    file.set_len(len)?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok((VhostUserInflight::new(len, 0, queues, queue_size), file))
}

impl Inflight {
    /// Maps the region a front-end gives back.
    pub(super) fn map(region: &VhostUserInflight, file: File) -> Result<Inflight, InflightError> {
        let (queues, size) = (region.num_queues, region.queue_size);
        let len = u64::from(queues) * queue_len(size);
        let (given_len, offset) = (region.mmap_size, region.mmap_offset);
        if u32::from(size) > MAX_DESCRIPTORS || given_len < len {
            return Err(InflightError::Shape { queues, size, len: given_len });
        }
        check_file(&file, offset.checked_add(len), RamPolicy::SealedOnly, offset)?;
        let file = FileOffset::new(file, offset);
        let map = MmapRegion::from_file(file, len as usize).map_err(|e| InflightError::Map(e.to_string()))?;
        Ok(Inflight { map: Arc::new(map), queues, queue_size: size })
    }

    /// The part of a ring of `size` descriptors. A part never used before is prepared.
    pub(super) fn ring(&self, index: u16, size: u16) -> Result<InflightRing, InflightError> {
        if index >= self.queues {
            return Err(InflightError::Ring(index));
        }
        if size > self.queue_size {
            return Err(InflightError::Entries { own: self.queue_size, ring: size });
        }
        let start = usize::from(index) * queue_len(self.queue_size) as usize;
        let ring = InflightRing { map: Arc::clone(&self.map), start, size, counter: 0, first: 0 };
        match ring.load::<u16>(VERSION_AT) {
            0 => {
                ring.store(ENTRIES_AT, self.queue_size);
                ring.store(VERSION_AT, VERSION);
            }
            VERSION => {}
            version => return Err(InflightError::Version(version)),
        }
        Ok(ring)
    }
}

/// The part of one ring. Only the owner of the ring calls it.
pub(super) struct InflightRing {
    map: Arc<MmapRegion>,
    start: usize,
    size: u16,
    /// Given to the next request taken. It never falls while the region exists.
    counter: u64,
    /// What the counter was when the ring was started: smaller ones were given by a predecessor.
    first: u64,
}

impl InflightRing {
    fn slice(&self) -> VolatileSlice<'_> {
        self.map.as_volatile_slice()
    }

    /// Fields lie inside the mapping by construction, naturally aligned; a failure would be ours, and reads as zero.
    fn load<T: vm_memory::AtomicAccess + Default>(&self, at: usize) -> T {
        let loaded = self.slice().load(self.start + at, Ordering::SeqCst);
        debug_assert!(loaded.is_ok(), "field outside the in-flight region");
        loaded.unwrap_or_default()
    }

    fn store<T: vm_memory::AtomicAccess>(&self, at: usize, value: T) {
        let stored = self.slice().store(value, self.start + at, Ordering::SeqCst);
        debug_assert!(stored.is_ok(), "field outside the in-flight region");
    }

    fn entry(head: u16) -> usize {
        HEADER + usize::from(head) * ENTRY
    }

    /// `head` (inside the ring) was taken from the available ring.
    pub(super) fn begin(&mut self, head: u16) {
        let entry = Self::entry(head);
        self.store(entry + COUNTER_AT, self.counter);
        self.counter = self.counter.wrapping_add(1);
        self.store(entry, 1u8);
    }

    /// Number of the request with this head, and whether a predecessor took it.
    pub(super) fn number(&self, head: u16) -> (u64, bool) {
        let number = self.load(Self::entry(head) + COUNTER_AT);
        (number, number < self.first)
    }

    /// `head` is about to be put into the used ring.
    pub(super) fn finish(&self, head: u16) {
        let last = self.load::<u16>(LAST_BATCH_AT);
        self.store(Self::entry(head) + NEXT_AT, last);
        self.store(LAST_BATCH_AT, head);
    }

    /// `head` is in the used ring, whose index is now `used_index`.
    pub(super) fn finished(&self, head: u16, used_index: u16) {
        self.store(Self::entry(head), 0u8);
        self.store(USED_INDEX_AT, used_index);
    }

    /// After a restart: what was taken and not returned, in the order it was taken. `used_index` is that of the ring.
    pub(super) fn recover(&mut self, used_index: u16) -> Vec<u16> {
        let batch = used_index.wrapping_sub(self.load(USED_INDEX_AT));
        if batch != 0 {
            // The last batch was published and perhaps not cleared.
            let mut head = self.load::<u16>(LAST_BATCH_AT);
            for _ in 0..batch.min(self.size) {
                if head >= self.size {
                    break;
                }
                self.store(Self::entry(head), 0u8);
                head = self.load(Self::entry(head) + NEXT_AT);
            }
            self.store(USED_INDEX_AT, used_index);
        }
        let mut taken: Vec<(u64, u16)> = (0..self.size)
            .filter(|head| self.load::<u8>(Self::entry(*head)) != 0)
            .map(|head| (self.load(Self::entry(head) + COUNTER_AT), head))
            .collect();
        taken.sort_unstable();
        // Of all requests there ever were: units know them by it (`storage::scsi::Delivery`).
        let last = (0..self.size).map(|head| self.load::<u64>(Self::entry(head) + COUNTER_AT)).max();
        self.counter = last.map_or(0, |last| last.wrapping_add(1));
        self.first = self.counter;
        taken.into_iter().map(|(_, head)| head).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region() -> (VhostUserInflight, File) {
        create(3, 8).unwrap()
    }

    /// The same region as a later back-end sees it.
    fn ring(region: &(VhostUserInflight, File)) -> InflightRing {
        let inflight = Inflight::map(&region.0, region.1.try_clone().unwrap()).unwrap();
        inflight.ring(2, 8).unwrap()
    }

    #[test]
    fn layout_is_that_of_the_protocol() {
        use std::os::unix::fs::FileExt;
        let region = region();
        assert_eq!(region.0.mmap_size, 3 * 192, "16 + 8 * 16 bytes, rounded up to 64");
        let mut ring = ring(&region);
        ring.begin(5);
        ring.begin(1);
        ring.finish(5);
        let mut bytes = [0; 192];
        region.1.read_exact_at(&mut bytes, 2 * 192).unwrap();
        #[rustfmt::skip]
        let header = [
            0, 0, 0, 0, 0, 0, 0, 0, // features
            1, 0, 8, 0,             // version, entries
            5, 0, 0, 0,             // last batch head, used index
        ];
        assert_eq!(bytes[..16], header);
        assert_eq!(bytes[16 + 16..][..16], [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[16 + 5 * 16..][..16], [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_was_taken_is_found_again_in_order() {
        let region = region();
        let mut first = ring(&region);
        assert_eq!(first.recover(0), [0u16; 0]);
        [6, 2, 4].into_iter().for_each(|head| first.begin(head));
        drop(first);
        let mut second = ring(&region);
        assert_eq!(second.recover(0), [6, 2, 4]);
        second.begin(0);
        let numbers = [6, 2, 4, 0].map(|head| second.number(head));
        assert!(numbers.is_sorted() && numbers.map(|(_, again)| again) == [true, true, true, false]);
        assert_eq!(ring(&region).recover(0), [6, 2, 4, 0], "the counter goes on");
    }

    #[test]
    fn numbers_of_requests_that_ended_are_not_given_again() {
        let region = region();
        let mut first = ring(&region);
        first.recover(0);
        [6, 2].into_iter().for_each(|head| first.begin(head));
        let (last, _) = first.number(2);
        for (head, used) in [(6, 1), (2, 2)] {
            first.finish(head);
            first.finished(head, used);
        }
        let mut second = ring(&region);
        assert_eq!(second.recover(2), [0u16; 0]);
        second.begin(6);
        assert_eq!(second.number(6), (last + 1, false));
    }

    #[test]
    fn death_at_each_step_of_a_completion_loses_and_repeats_nothing() {
        for steps in 0..=3 {
            let region = region();
            let mut ring_before = ring(&region);
            ring_before.recover(100);
            [3, 7].into_iter().for_each(|head| ring_before.begin(head));
            let mut used_index = 100;
            if steps >= 1 {
                ring_before.finish(3);
            }
            if steps >= 2 {
                used_index = 101;
            }
            if steps >= 3 {
                ring_before.finished(3, used_index);
            }
            let expected: &[u16] = if used_index == 101 { &[7] } else { &[3, 7] };
            assert_eq!(ring(&region).recover(used_index), expected, "died after step {steps}");
        }
    }

    #[test]
    fn hostile_content_is_bounded() {
        use std::os::unix::fs::FileExt;
        let region = region();
        drop(ring(&region));
        region.1.write_all_at(&[0xff; 6], 2 * 192 + 10).unwrap();
        region.1.write_all_at(&[0xff; 128], 2 * 192 + 16).unwrap();
        let mut all = ring(&region).recover(5);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6, 7]);
        region.1.write_all_at(&[9], 2 * 192 + 8).unwrap();
        let inflight = Inflight::map(&region.0, region.1.try_clone().unwrap()).unwrap();
        assert!(matches!(inflight.ring(2, 8), Err(InflightError::Version(9))));
        assert!(matches!(inflight.ring(3, 8), Err(InflightError::Ring(3))));
        assert!(matches!(inflight.ring(1, 16), Err(InflightError::Entries { own: 8, ring: 16 })));
    }

    #[test]
    fn regions_that_do_not_fit_are_refused() {
        let (region, file) = region();
        let with = |size: u64, offset: u64, queues: u16, queue_size: u16| {
            Inflight::map(
                &VhostUserInflight::new(size, offset, queues, queue_size),
                file.try_clone().unwrap(),
            )
        };
        assert!(with(region.mmap_size, 0, 3, 8).is_ok());
        assert!(with(region.mmap_size, 4096, 3, 8).is_err());
        assert!(with(region.mmap_size, u64::MAX, 3, 8).is_err());
        assert!(with(region.mmap_size - 1, 0, 3, 8).is_err());
        assert!(with(u64::MAX, 0, 4, 8).is_err());
        assert!(with(u64::MAX, 0, 1, 2048).is_err());
        let unsealed = tempfile::tempfile().unwrap();
        unsealed.set_len(4096).unwrap();
        assert!(Inflight::map(&VhostUserInflight::new(4096, 0, 1, 8), unsealed).is_err());
    }
}

//! A command's data as a list of host memory ranges, so that bytes go between a store and the guest's RAM without a
//! copy in between.
//!
//! The memory may change under us at any time (a guest owns it), therefore it is never a Rust slice: it is read and
//! written by copies and system calls alone.

#![allow(unsafe_code, reason = "the one place that copies to and from memory named by host address")]

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Most vectors one `preadv` or `pwritev` takes (`IOV_MAX` of Linux).
const MAX_VECTORS: usize = 1024;

/// Ranges of memory, in the order of the data. `'m` is how long the memory is promised to stay mapped.
#[derive(Default)]
pub struct Segments<'m> {
    parts: Vec<libc::iovec>,
    len_bytes: u64,
    memory: PhantomData<&'m ()>,
}

// SAFETY: the list is plain addresses; whoever built it vouched for the memory behind them for `'m`, from any thread.
unsafe impl Send for Segments<'_> {}
// SAFETY: as above; shared use only copies, which concurrent change can make stale but not unsound.
unsafe impl Sync for Segments<'_> {}

impl<'m> Segments<'m> {
    /// No memory: commands without data in that direction.
    pub fn empty() -> Segments<'m> {
        Segments { parts: Vec::new(), len_bytes: 0, memory: PhantomData }
    }

    /// Ordinary memory as one segment.
    pub fn from_slice(memory: &'m mut [u8]) -> Segments<'m> {
        let mut segments = Segments::empty();
        // SAFETY: the exclusive borrow lasts for `'m`.
        unsafe { segments.push(memory.as_mut_ptr(), memory.len()) };
        segments
    }

    /// Appends `len` bytes at `start`.
    ///
    /// # Safety
    /// The range must stay mapped readable and writable for `'m`, and nobody may hold a Rust reference into it while
    /// a method of this list runs.
    pub unsafe fn push(&mut self, start: *mut u8, len: usize) {
        if len > 0 {
            self.parts.push(libc::iovec { iov_base: start.cast(), iov_len: len });
            self.len_bytes += len as u64;
        }
    }

    /// Appends the ranges of `next`.
    pub fn append(&mut self, next: Segments<'m>) {
        self.parts.extend(next.parts);
        self.len_bytes += next.len_bytes;
    }

    /// Total length in bytes.
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// The part from `offset`, at most `len` bytes of it.
    pub fn slice(&self, offset: u64, len: u64) -> Segments<'m> {
        let mut slice = Segments::empty();
        self.each_part(offset, len, |start, part_len| {
            // SAFETY: a part of a range that was vouched for when it was pushed.
            unsafe { slice.push(start, part_len) }
        });
        slice
    }

    /// Copies `from` into the memory from `offset` on; returns how many bytes fitted.
    pub fn write(&self, offset: u64, from: &[u8]) -> usize {
        let mut done = 0;
        self.each_part(offset, from.len() as u64, |start, part_len| {
            // SAFETY: `each_part` gives mapped memory and never more than `from` holds in total; `from` is a Rust
            // slice and so does not overlap.
            unsafe { std::ptr::copy_nonoverlapping(from.as_ptr().add(done), start, part_len) };
            done += part_len;
        });
        done
    }

    /// Copies memory from `offset` on into `to`; returns how many bytes there were.
    pub fn read(&self, offset: u64, to: &mut [u8]) -> usize {
        let mut done = 0;
        self.each_part(offset, to.len() as u64, |start, part_len| {
            // SAFETY: as in `write`.
            unsafe { std::ptr::copy_nonoverlapping(start, to.as_mut_ptr().add(done), part_len) };
            done += part_len;
        });
        done
    }

    fn each_part(&self, offset: u64, len: u64, mut visit: impl FnMut(*mut u8, usize)) {
        let (mut skip, mut left) = (offset, len);
        for part in &self.parts {
            let part_len = part.iov_len as u64;
            if skip >= part_len {
                skip -= part_len;
                continue;
            }
            let take = (part_len - skip).min(left);
            if take == 0 {
                return;
            }
            visit(part.iov_base.cast::<u8>().wrapping_add(skip as usize), take as usize);
            left -= take;
            skip = 0;
        }
    }

    /// The ranges as vectors for a system call of the caller's, who sees to it that the memory stays as promised until
    /// that has ended.
    pub fn into_vectors(self) -> Vec<libc::iovec> {
        self.parts
    }

    /// One `preadv2` of at most the whole list from `offset` in `file`; returns the bytes read, 0 at end of file.
    pub(crate) fn read_from(&self, file: BorrowedFd<'_>, offset: u64, flags: i32) -> io::Result<u64> {
        let count = self.parts.len().min(MAX_VECTORS) as libc::c_int;
        let offset = file_offset(offset)?;
        // SAFETY: the vectors name mapped memory; the kernel checks it again and fails with EFAULT otherwise.
        checked(unsafe { libc::preadv2(file.as_raw_fd(), self.parts.as_ptr(), count, offset, flags) })
    }

    /// One `pwritev2` of at most the whole list to `offset` in `file`; returns the bytes written.
    pub(crate) fn write_to(&self, file: BorrowedFd<'_>, offset: u64, flags: i32) -> io::Result<u64> {
        let count = self.parts.len().min(MAX_VECTORS) as libc::c_int;
        let offset = file_offset(offset)?;
        // SAFETY: as in `read_from`.
        checked(unsafe { libc::pwritev2(file.as_raw_fd(), self.parts.as_ptr(), count, offset, flags) })
    }
}

fn file_offset(offset: u64) -> io::Result<libc::off_t> {
    libc::off_t::try_from(offset).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

fn checked(result: isize) -> io::Result<u64> {
    u64::try_from(result).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_parts(memory: &mut [u8; 12]) -> Segments<'_> {
        let start = memory.as_mut_ptr();
        let mut segments = Segments::empty();
        for (offset, len) in [(8, 4), (0, 3), (3, 5)] {
            // SAFETY: the array outlives the list by the lifetime, and the list is its only user meanwhile.
            unsafe { segments.push(start.add(offset), len) };
        }
        segments
    }

    #[test]
    fn data_follows_the_order_of_the_parts() {
        let mut memory = [0; 12];
        let segments = three_parts(&mut memory);
        assert_eq!(segments.write(0, b"abcdefghijkl"), 12);
        let mut back = [0; 5];
        assert_eq!(segments.read(2, &mut back), 5);
        assert_eq!(&back, b"cdefg");
        assert_eq!(&memory, b"efghijklabcd");
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let mut memory = [0; 12];
        let segments = three_parts(&mut memory);
        assert_eq!(segments.write(10, b"xyz"), 2);
        assert_eq!(segments.write(12, b"xyz"), 0);
        assert_eq!(segments.write(u64::MAX, b"xyz"), 0);
        assert_eq!(segments.slice(4, 100).len_bytes(), 8);
        assert_eq!(segments.slice(4, 2).len_bytes(), 2);
    }
}

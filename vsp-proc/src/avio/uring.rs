//! The kernel's asynchronous I/O (io_uring), one for each worker: operations take off with the request they belong to and
//! land with what came of them.
//!
//! The kernel reads and writes guest memory while an operation is in the air. So the request's chain, which keeps that
//! memory mapped, and the store, which keeps the file open, stay here until it has landed; and when this is dropped
//! earlier it waits for the rest.

#![allow(unsafe_code, reason = "hands addresses to the kernel that it uses after the call")]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use io_uring::types::{Fd, FsyncFlags};
use io_uring::{IoUring, opcode, squeue};
use storage::backing::Durability;
use storage::scsi::{Begun, Operation};

use super::request::data_vectors;
use super::worker::Flight;

/// Most operations in the air.
const ENTRIES: u32 = 256;
/// Most vectors of one operation (`IOV_MAX` of Linux).
const MAX_VECTORS: usize = 1024;

pub(super) struct Uring {
    ring: IoUring,
    air: Vec<Option<InAir>>,
    free: Vec<usize>,
}

struct InAir {
    flight: Flight,
    begun: Begun,
    /// The kernel may read it until the operation is submitted.
    _vectors: Vec<libc::iovec>,
}

impl Uring {
    /// # Errors
    /// The kernel has none, or does not allow it: containers often do not.
    pub(super) fn new() -> io::Result<Uring> {
        let ring = IoUring::builder().setup_clamp().dontfork().build(ENTRIES)?;
        let entries = ring.params().sq_entries() as usize;
        Ok(Uring { ring, air: (0..entries).map(|_| None).collect(), free: (0..entries).rev().collect() })
    }

    /// Whether another operation can take off.
    pub(super) fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    /// Starts an operation between the store and the memory of the flight's chain. It is under way after the next
    /// [`Uring::submit`].
    ///
    /// # Errors
    /// There is no room, or it is nothing for us; the request comes back.
    pub(super) fn take_off(&mut self, flight: Flight, begun: Begun) -> Result<(), Box<Flight>> {
        let vectors = data_vectors(&flight.chain, begun.operation());
        let Some(file) = begun.file().map(|file| Fd(file.as_raw_fd())) else { return Err(Box::new(flight)) };
        if vectors.len() > MAX_VECTORS {
            return Err(Box::new(flight));
        }
        let Some(number) = self.free.pop() else { return Err(Box::new(flight)) };
        let entry = entry(file, begun.operation(), &vectors).user_data(number as u64);
        self.air[number] = Some(InAir { flight, begun, _vectors: vectors });
        // SAFETY: file, vectors and the memory they name live in `air` until the operation has landed.
        if unsafe { self.ring.submission().push(&entry) }.is_ok() {
            return Ok(());
        }
        self.free.push(number);
        match self.air[number].take() {
            Some(in_air) => Err(Box::new(in_air.flight)),
            None => Ok(()),
        }
    }

    /// Tells the kernel of what has taken off.
    pub(super) fn submit(&mut self) -> io::Result<()> {
        self.ring.submit().map(drop)
    }

    /// Whether there is something the kernel was not told of, because it would not take it.
    pub(super) fn must_submit(&mut self) -> bool {
        !self.ring.submission().is_empty()
    }

    /// Whether something has landed.
    pub(super) fn has_landed(&self) -> bool {
        // SAFETY: one thread owns this, and nothing else looks at the queue while it is looked at here.
        self.free.len() < self.air.len() && !unsafe { self.ring.completion_shared() }.is_empty()
    }

    /// The next that has landed: how many bytes were moved, or what went wrong.
    pub(super) fn land(&mut self) -> Option<(Flight, Begun, io::Result<u64>)> {
        loop {
            let completion = self.ring.completion().next()?;
            let number = completion.user_data() as usize;
            let Some(in_air) = self.air.get_mut(number).and_then(Option::take) else { continue };
            self.free.push(number);
            let result = match completion.result() {
                moved if moved >= 0 => Ok(moved as u64),
                errno => Err(io::Error::from_raw_os_error(-errno)),
            };
            return Some((in_air.flight, in_air.begun, result));
        }
    }
}

impl AsFd for Uring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open for as long as the ring, which is borrowed.
        unsafe { BorrowedFd::borrow_raw(self.ring.as_raw_fd()) }
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        while self.free.len() < self.air.len() {
            match self.ring.submit_and_wait(1) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // The memory must not go before the kernel is done with it.
                    tracing::error!(%error, "I/O cannot be waited for; its memory is not freed");
                    std::mem::forget(std::mem::take(&mut self.air));
                    return;
                }
            }
            while self.land().is_some() {}
        }
    }
}

fn entry(file: Fd, operation: Operation, vectors: &[libc::iovec]) -> squeue::Entry {
    let single = match vectors {
        [one] => u32::try_from(one.iov_len).ok().map(|len| (one.iov_base.cast::<u8>(), len)),
        _ => None,
    };
    let count = vectors.len() as u32;
    match operation {
        Operation::Read { offset, .. } => match single {
            Some((start, len)) => opcode::Read::new(file, start, len).offset(offset).build(),
            None => opcode::Readv::new(file, vectors.as_ptr(), count).offset(offset).build(),
        },
        Operation::Write { offset, durability, .. } => {
            let flags = match durability {
                Durability::Cached => 0,
                Durability::Durable => libc::RWF_DSYNC,
            };
            match single {
                Some((start, len)) => {
                    opcode::Write::new(file, start, len).offset(offset).rw_flags(flags).build()
                }
                None => {
                    opcode::Writev::new(file, vectors.as_ptr(), count).offset(offset).rw_flags(flags).build()
                }
            }
        }
        Operation::Flush => opcode::Fsync::new(file).flags(FsyncFlags::DATASYNC).build(),
        Operation::Discard { offset, len } => {
            let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
            opcode::Fallocate::new(file, len).offset(offset).mode(mode).build()
        }
    }
}

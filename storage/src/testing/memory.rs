//! The naive model of a store: a vector of bytes, with failures to order.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backing::{BlockStore, Discard, Durability, IoError, IoErrorKind, Patience, check_range};
use crate::identity::Identity;
use crate::segments::Segments;

/// Which operations of a [`MemoryStore`] fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failing {
    /// None.
    Nothing,
    /// Reads, with this errno.
    Reads(i32),
    /// Writes, zeroing and discarding, with this errno.
    Writes(i32),
    /// Flushes, with this errno.
    Flushes(i32),
}

/// A store in memory.
pub struct MemoryStore {
    bytes: Mutex<Vec<u8>>,
    len_bytes: AtomicU64,
    failing: Mutex<Failing>,
    read_only: bool,
    flushes: AtomicU64,
    durable_writes: AtomicU64,
    number: u64,
}

impl MemoryStore {
    /// `len_bytes` zeros.
    pub fn new(len_bytes: usize) -> MemoryStore {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        MemoryStore {
            bytes: Mutex::new(vec![0; len_bytes]),
            len_bytes: AtomicU64::new(len_bytes as u64),
            failing: Mutex::new(Failing::Nothing),
            read_only: false,
            flushes: AtomicU64::new(0),
            durable_writes: AtomicU64::new(0),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The same, refusing changes.
    pub fn read_only(len_bytes: usize) -> MemoryStore {
        MemoryStore { read_only: true, ..MemoryStore::new(len_bytes) }
    }

    /// From now on `failing` fails.
    pub fn fail(&self, failing: Failing) {
        *self.failing.lock().unwrap() = failing;
    }

    /// The host makes the store longer; it does not know of that yet.
    pub fn grow(&self, len_bytes: usize) {
        self.bytes.lock().unwrap().resize(len_bytes, 0);
    }

    /// How many flushes succeeded.
    pub fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::SeqCst)
    }

    /// How many writes asked to be durable.
    pub fn durable_writes(&self) -> u64 {
        self.durable_writes.load(Ordering::SeqCst)
    }

    /// A copy of a range of the content.
    pub fn content(&self, offset: usize, len: usize) -> Vec<u8> {
        self.bytes.lock().unwrap()[offset..offset + len].to_vec()
    }

    fn check(&self, offset: u64, len: u64, fails: fn(Failing) -> Option<i32>) -> Result<(), IoError> {
        check_range(self.len_bytes(), offset, len)?;
        match fails(*self.failing.lock().unwrap()) {
            Some(errno) => Err(io::Error::from_raw_os_error(errno).into()),
            None => Ok(()),
        }
    }

    fn check_change(&self, offset: u64, len: u64) -> Result<(), IoError> {
        if self.read_only {
            return Err(IoErrorKind::ReadOnly.into());
        }
        self.check(offset, len, |f| if let Failing::Writes(errno) = f { Some(errno) } else { None })
    }
}

impl BlockStore for MemoryStore {
    fn len_bytes(&self) -> u64 {
        self.len_bytes.load(Ordering::SeqCst)
    }

    fn refresh_len(&self) -> Result<u64, IoError> {
        self.len_bytes.store(self.bytes.lock().unwrap().len() as u64, Ordering::SeqCst);
        Ok(self.len_bytes())
    }

    fn read_only(&self) -> bool {
        self.read_only
    }

    fn identity(&self) -> Identity {
        Identity::Memory(self.number)
    }

    fn read_at(&self, offset: u64, into: &Segments<'_>, _: Patience) -> Result<(), IoError> {
        self.check(
            offset,
            into.len_bytes(),
            |f| if let Failing::Reads(errno) = f { Some(errno) } else { None },
        )?;
        let bytes = self.bytes.lock().unwrap();
        into.write(0, &bytes[offset as usize..][..into.len_bytes() as usize]);
        Ok(())
    }

    fn write_at(&self, offset: u64, from: &Segments<'_>, durability: Durability) -> Result<(), IoError> {
        self.check_change(offset, from.len_bytes())?;
        if durability == Durability::Durable {
            self.durable_writes.fetch_add(1, Ordering::SeqCst);
        }
        let mut bytes = self.bytes.lock().unwrap();
        from.read(0, &mut bytes[offset as usize..][..from.len_bytes() as usize]);
        Ok(())
    }

    fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), IoError> {
        self.check_change(offset, len)?;
        self.bytes.lock().unwrap()[offset as usize..][..len as usize].fill(0);
        Ok(())
    }

    fn flush(&self) -> Result<(), IoError> {
        self.check(0, 0, |f| if let Failing::Flushes(errno) = f { Some(errno) } else { None })?;
        self.flushes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn discard(&self) -> Option<&dyn Discard> {
        (!self.read_only).then_some(self)
    }
}

impl Discard for MemoryStore {
    fn discard_at(&self, offset: u64, len: u64) -> Result<(), IoError> {
        self.write_zeroes(offset, len)
    }
}

#[test]
fn memory_store_conforms_to_the_contract() {
    let store = std::sync::Arc::new(MemoryStore::new(8 << 20));
    check_shared(&store);
}

#[cfg(test)]
fn check_shared(store: &std::sync::Arc<MemoryStore>) {
    super::check_block_store(&|| Box::new(store.clone()));
}

impl<S: BlockStore + ?Sized> BlockStore for std::sync::Arc<S> {
    fn len_bytes(&self) -> u64 {
        (**self).len_bytes()
    }

    fn refresh_len(&self) -> Result<u64, IoError> {
        (**self).refresh_len()
    }

    fn file(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        (**self).file()
    }

    fn read_only(&self) -> bool {
        (**self).read_only()
    }

    fn identity(&self) -> Identity {
        (**self).identity()
    }

    fn read_at(&self, offset: u64, into: &Segments<'_>, patience: Patience) -> Result<(), IoError> {
        (**self).read_at(offset, into, patience)
    }

    fn write_at(&self, offset: u64, from: &Segments<'_>, durability: Durability) -> Result<(), IoError> {
        (**self).write_at(offset, from, durability)
    }

    fn write_zeroes(&self, offset: u64, len: u64) -> Result<(), IoError> {
        (**self).write_zeroes(offset, len)
    }

    fn flush(&self) -> Result<(), IoError> {
        (**self).flush()
    }

    fn discard(&self) -> Option<&dyn Discard> {
        (**self).discard()
    }
}

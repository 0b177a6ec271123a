//! Commands that are down to one operation of the host's, for transports with an I/O engine of their own.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::gate::Pass;
use crate::backing::{BlockStore, Durability};

/// One operation on the file of a store, in bytes. Ranges are inside the store, and changes are allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// The first `len` bytes of data-in are to be read from `offset`.
    Read {
        /// Where to.
        offset: u64,
        /// How much.
        len: u64,
    },
    /// The first `len` bytes of data-out are to be written to `offset`.
    Write {
        /// Where to.
        offset: u64,
        /// How much.
        len: u64,
        /// Whether they must be on stable storage then.
        durability: Durability,
    },
    /// What was written is to be on stable storage.
    Flush,
    /// The range is to read as zeros, and its space to be given back.
    Discard {
        /// Where.
        offset: u64,
        /// How much.
        len: u64,
    },
}

/// A command that was begun. It keeps its store open, and other commands out if it must.
pub struct Begun {
    store: Arc<dyn BlockStore>,
    operation: Operation,
    _pass: Option<Pass>,
}

impl Begun {
    /// `operation` on `store`, if that has a file to do it on.
    pub(super) fn new(
        store: &Arc<dyn BlockStore>,
        operation: Operation,
        pass: Option<Pass>,
    ) -> Option<Begun> {
        store.file()?;
        Some(Begun { store: Arc::clone(store), operation, _pass: pass })
    }

    /// What is to be done.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// On which file; always one, for a command that was begun.
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        self.store.file()
    }
}

impl PartialEq for Begun {
    fn eq(&self, other: &Begun) -> bool {
        (self.operation, self.store.identity()) == (other.operation, other.store.identity())
    }
}

impl Eq for Begun {}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("operation", &self.operation).finish_non_exhaustive()
    }
}

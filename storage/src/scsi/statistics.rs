//! Counters of a target since it was made.

use std::sync::atomic::{AtomicU64, Ordering};

/// Declares the counters and their snapshot once.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Live counters of one target.
        #[derive(Default, Debug)]
        pub struct Statistics { $($(#[$doc])* pub(crate) $name: Counter,)* }

        /// The counters at one moment; each only grows.
        #[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
        pub struct StatisticsSnapshot { $($(#[$doc])* pub $name: u64,)* }

        impl Statistics {
            /// The counters now.
            pub fn snapshot(&self) -> StatisticsSnapshot {
                StatisticsSnapshot { $($name: self.$name.value(),)* }
            }
        }
    };
}

counters! {
    /// Read commands that succeeded.
    reads,
    /// Bytes they read.
    read_bytes,
    /// Write commands that succeeded.
    writes,
    /// Bytes they wrote.
    written_bytes,
    /// Flushes that reached the host's disk.
    flushes,
    /// Ranges unmapped.
    discards,
    /// Commands that failed because the backing store failed.
    errors,
    /// Commands refused because they were wrong.
    refused,
}

/// A counter any thread may raise.
#[derive(Default, Debug)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

//! Figures of storage devices, as the VSP that serves them counts.

use serde::{Deserialize, Serialize};

use crate::guest::Stats;

/// A guest that is on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestFigures {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// Last figures of its machine.
    pub machine: Option<Stats>,
    /// Its storage devices, by bus, slot and target.
    pub devices: Vec<DeviceFigures>,
}

/// A storage device since the VSP began to serve it: since the guest's start, or since the VSP took it over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFigures {
    /// PCI bus.
    pub bus: u8,
    /// PCI slot.
    pub slot: u8,
    /// Target on the adapter.
    pub target: u8,
    /// Read commands that succeeded.
    pub reads: u64,
    /// Bytes they read.
    pub read_bytes: u64,
    /// Write commands that succeeded.
    pub writes: u64,
    /// Bytes they wrote.
    pub written_bytes: u64,
    /// Flushes that reached the host's disk.
    pub flushes: u64,
    /// Ranges unmapped.
    pub discards: u64,
    /// Commands that failed because the backing store failed.
    pub errors: u64,
    /// Commands refused because they were wrong.
    pub refused: u64,
    /// All requests, from being taken out of the ring to being back in it.
    pub latency: Latency,
}

/// Upper bounds of all but the last class of [`Latency::counts`], in microseconds.
pub const LATENCY_BOUNDS: [u64; 14] =
    [10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000, 10_000_000];

/// How long requests took.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Requests of each class: those that took up to the bound of [`LATENCY_BOUNDS`] with the same index and longer than
    /// the one before; the last class has no bound.
    pub counts: Vec<u64>,
    /// Time of all requests together, in microseconds.
    pub sum_micros: u64,
    /// Time of the longest, in microseconds.
    pub max_micros: u64,
}

impl Latency {
    /// All requests.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Mean in microseconds; `None` without requests.
    pub fn mean_micros(&self) -> Option<u64> {
        self.sum_micros.checked_div(self.count())
    }

    /// A time in microseconds within which `per_mille` of 1000 requests were done, as near above as the classes tell;
    /// `None` without requests.
    pub fn quantile_micros(&self, per_mille: u64) -> Option<u64> {
        let wanted = (self.count() * per_mille.min(1000)).div_ceil(1000).max(1);
        let mut passed = 0;
        let class = self.counts.iter().position(|count| {
            passed += count;
            passed >= wanted
        })?;
        Some(LATENCY_BOUNDS.get(class).map_or(self.max_micros, |bound| (*bound).min(self.max_micros)))
    }
}

#[test]
fn quantiles_are_bounds_of_their_class() {
    let mut latency = Latency::default();
    assert_eq!((latency.mean_micros(), latency.quantile_micros(500)), (None, None));
    latency.counts = vec![0; LATENCY_BOUNDS.len() + 1];
    (latency.counts[0], latency.counts[2], latency.counts[14]) = (50, 49, 1);
    (latency.sum_micros, latency.max_micros) = (20_000_000, 19_000_000);
    assert_eq!((latency.count(), latency.mean_micros()), (100, Some(200_000)));
    let quantiles = [0, 500, 510, 990, 1000].map(|per_mille| latency.quantile_micros(per_mille));
    assert_eq!(quantiles, [Some(10), Some(10), Some(50), Some(50), Some(19_000_000)]);
}

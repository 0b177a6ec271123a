//! How long the requests of each target take, from the ring and back into it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ipc::figures::{LATENCY_BOUNDS, Latency};

use super::virtio_scsi::MAX_TARGET;

/// One histogram for each target of an adapter.
pub struct Latencies(Vec<Histogram>);

#[derive(Default)]
struct Histogram {
    counts: [AtomicU64; LATENCY_BOUNDS.len() + 1],
    sum: AtomicU64,
    max: AtomicU64,
}

impl Latencies {
    pub(super) fn new() -> Latencies {
        Latencies((0..=MAX_TARGET).map(|_| Histogram::default()).collect())
    }

    /// A request for `target` took this long. Targets that cannot be are not counted.
    pub(super) fn add(&self, target: u8, time: Duration) {
        let Some(histogram) = self.0.get(usize::from(target)) else { return };
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let class = LATENCY_BOUNDS.partition_point(|bound| *bound < micros);
        histogram.counts[class].fetch_add(1, Ordering::Relaxed);
        histogram.sum.fetch_add(micros, Ordering::Relaxed);
        histogram.max.fetch_max(micros, Ordering::Relaxed);
    }

    /// The histogram of a target now.
    pub fn of(&self, target: u8) -> Latency {
        let value = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.0.get(usize::from(target)).map_or_else(Latency::default, |histogram| Latency {
            counts: histogram.counts.iter().map(value).collect(),
            sum_micros: value(&histogram.sum),
            max_micros: value(&histogram.max),
        })
    }
}

#[test]
fn times_fall_into_the_class_whose_bound_they_do_not_exceed() {
    let latencies = Latencies::new();
    for micros in [0, 10, 11, 1_000, 10_000_001] {
        latencies.add(3, Duration::from_micros(micros));
    }
    latencies.add(200, Duration::from_micros(1));
    let latency = latencies.of(3);
    let taken: Vec<_> = latency.counts.iter().enumerate().filter(|(_, count)| **count > 0).collect();
    assert_eq!(taken, [(0, &2), (1, &1), (6, &1), (14, &1)]);
    assert_eq!((latency.sum_micros, latency.max_micros), (10_001_022, 10_000_001));
    assert_eq!((latencies.of(4).count(), latencies.of(200).count()), (0, 0));
}

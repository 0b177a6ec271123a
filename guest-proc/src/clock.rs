//! Guest time: the interval time counter, derived from the host's monotonic clock, which stands still while the
//! machine is stopped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// ITC ticks per second: PAL_FREQ_BASE times the ITC ratio says the same.
pub const ITC_HZ: u64 = 400_000_000;

// Exact in integers: 2 ticks are 5 ns.
const TICKS: u64 = 2;
const NANOS: u64 = 5;

/// The common clock of a machine's processors.
pub struct Clock {
    start: Instant,
    /// Nanoseconds the clock stood still.
    lag: AtomicU64,
    /// Nanoseconds since start at which it stopped, plus one; 0 while it runs.
    stopped_at: AtomicU64,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { start: Instant::now(), lag: AtomicU64::new(0), stopped_at: AtomicU64::new(0) }
    }
}

impl Clock {
    fn host_nanos(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Nanoseconds of guest time since start.
    pub fn nanos(&self) -> u64 {
        let now = match self.stopped_at.load(Ordering::Relaxed) {
            0 => self.host_nanos(),
            stopped => stopped - 1,
        };
        now.saturating_sub(self.lag.load(Ordering::Relaxed))
    }

    /// The interval time counter.
    pub fn itc(&self) -> u64 {
        let nanos = self.nanos();
        nanos / NANOS * TICKS + nanos % NANOS * TICKS / NANOS
    }

    /// How long until the counter reaches `ticks`; zero when it has.
    pub fn until(&self, ticks: u64) -> Duration {
        let left = ticks.saturating_sub(self.itc());
        Duration::from_nanos(
            (left / TICKS).saturating_mul(NANOS).saturating_add((left % TICKS * NANOS).div_ceil(TICKS)),
        )
    }

    /// Stops the clock; nothing when it stands already.
    pub fn stop(&self) {
        let now = self.host_nanos();
        _ = self.stopped_at.compare_exchange(0, now + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Lets the clock run on from where it stopped.
    pub fn resume(&self) {
        let stopped = self.stopped_at.load(Ordering::Relaxed);
        if stopped != 0 {
            self.lag.fetch_add(self.host_nanos().saturating_sub(stopped - 1), Ordering::Relaxed);
            self.stopped_at.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_stands_still_and_never_goes_back() {
        let clock = Clock::default();
        let before = clock.itc();
        clock.stop();
        let stopped = clock.itc();
        assert!(stopped >= before);
        assert_eq!(clock.itc(), stopped);
        clock.resume();
        assert!(clock.itc() >= stopped);
    }

    #[test]
    fn waiting_for_a_tick_does_not_end_before_it() {
        let clock = Clock::default();
        clock.stop();
        let now = clock.itc();
        assert_eq!(clock.until(now), Duration::ZERO);
        assert_eq!(clock.until(0), Duration::ZERO);
        assert!(clock.until(now + ITC_HZ) >= Duration::from_secs(1));
        assert!(clock.until(now + ITC_HZ) < Duration::from_micros(1_000_001));
        assert!(clock.until(u64::MAX) > Duration::from_secs(1 << 32));
    }
}

//! How long a worker that has run out of requests looks for more before it sleeps.
//!
//! To be woken costs the driver a system call and us the host's wake-up, together more than a cached request. So after
//! short naps the worker looks on for a while, longer each time that would have been enough; after long ones it soon
//! stops doing so. A worker whose guest is idle sleeps.

use std::time::{Duration, Instant};

/// Longest time to look.
const LONGEST: Duration = Duration::from_micros(64);
/// Shortest time that can be of use.
const SHORTEST: Duration = Duration::from_micros(8);
/// Looks between two offers of the processor to others.
const LOOKS: u32 = 32;

pub(super) struct Poller {
    window: Duration,
    longest: Duration,
}

impl Poller {
    /// Looks only where there is a processor to spare for it.
    pub(super) fn new(processors: usize) -> Poller {
        let longest = if processors > 1 { LONGEST } else { Duration::ZERO };
        Poller { window: Duration::ZERO, longest }
    }

    /// The worker slept this long for want of work.
    pub(super) fn has_slept(&mut self, time: Duration) {
        self.window = if time <= self.longest {
            (self.window * 2).clamp(SHORTEST.min(self.longest), self.longest)
        } else if self.window > SHORTEST {
            self.window / 2
        } else {
            Duration::ZERO
        };
    }

    /// Looks until `found` something, or for as long as it pays: whether it did.
    pub(super) fn look(&self, mut found: impl FnMut() -> bool) -> bool {
        if self.window.is_zero() {
            return false;
        }
        let begin = Instant::now();
        loop {
            for _ in 0..LOOKS {
                if found() {
                    return true;
                }
                std::hint::spin_loop();
            }
            if begin.elapsed() >= self.window {
                return false;
            }
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_naps_make_it_look_and_long_ones_make_it_stop() {
        let mut poller = Poller::new(2);
        assert!(!poller.look(|| panic!("nothing to expect")));
        for _ in 0..10 {
            poller.has_slept(Duration::from_micros(30));
        }
        assert_eq!(poller.window, LONGEST);
        assert!(poller.look(|| true));
        assert!(!poller.look(|| false));
        for _ in 0..4 {
            poller.has_slept(Duration::from_secs(1));
        }
        assert_eq!(poller.window, Duration::ZERO);
    }

    #[test]
    fn single_processor_is_left_to_others() {
        let mut poller = Poller::new(1);
        poller.has_slept(Duration::ZERO);
        poller.has_slept(Duration::from_micros(1));
        assert_eq!(poller.window, Duration::ZERO);
    }
}

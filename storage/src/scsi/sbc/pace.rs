//! Whether a write into the host's cache can be trusted to be short, so that whoever must not wait may do it himself. Mostly
//! it is a copy; but while the host writes its cache back, or looks for memory, it may take as long as a disk.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A write that took longer was no short one.
const TOO_LONG: Duration = Duration::from_micros(500);
/// After a long write there is no trust for so many times as long: so much of the time at most is spent in long ones.
const CAUTION: u32 = 16;
/// Longest time without trust.
const LONGEST: Duration = Duration::from_millis(500);

/// How long the writes of a store take.
#[derive(Default)]
pub(super) struct Pace {
    careful_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// Whether the next write can be expected to be short.
    pub(super) fn is_trusted(&self) -> bool {
        self.is_trusted_at(Instant::now())
    }

    fn is_trusted_at(&self, now: Instant) -> bool {
        let mut until = self.careful_until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.is_some_and(|until| now < until) {
            return false;
        }
        *until = None;
        true
    }

    /// A write that was expected to be short took this long.
    pub(super) fn took(&self, time: Duration) {
        if time > TOO_LONG {
            let until = Instant::now() + (time * CAUTION).min(LONGEST);
            *self.careful_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        }
    }
}

#[test]
fn trust_is_lost_by_a_long_write_and_comes_back() {
    let pace = Pace::default();
    pace.took(TOO_LONG);
    assert!(pace.is_trusted());
    let before = Instant::now();
    pace.took(Duration::from_secs(1));
    assert!(!pace.is_trusted_at(before));
    assert!(pace.is_trusted_at(Instant::now() + LONGEST));
    assert!(pace.is_trusted());
}

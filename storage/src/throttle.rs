//! Keeps what a guest can trigger from filling a log.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Lets at most one event a second through and counts the others.
pub struct Throttle {
    state: Mutex<State>,
}

struct State {
    next: Option<Instant>,
    dropped: u64,
}

impl Throttle {
    /// Lets the first event through.
    pub const fn new() -> Throttle {
        Throttle { state: Mutex::new(State { next: None, dropped: 0 }) }
    }

    /// Whether to report an event that happens now; if so, how many were passed over since the last report.
    pub fn admit(&self) -> Option<u64> {
        self.admit_at(Instant::now())
    }

    fn admit_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if state.next.is_some_and(|next| now < next) {
            state.dropped += 1;
            return None;
        }
        state.next = Some(now + Duration::from_secs(1));
        Some(std::mem::take(&mut state.dropped))
    }
}

impl Default for Throttle {
    fn default() -> Throttle {
        Throttle::new()
    }
}

#[test]
fn one_event_a_second_passes_and_the_rest_is_counted() {
    let throttle = Throttle::new();
    let start = Instant::now();
    assert_eq!(throttle.admit_at(start), Some(0));
    assert_eq!(throttle.admit_at(start + Duration::from_millis(10)), None);
    assert_eq!(throttle.admit_at(start + Duration::from_millis(999)), None);
    assert_eq!(throttle.admit_at(start + Duration::from_millis(1000)), Some(2));
}

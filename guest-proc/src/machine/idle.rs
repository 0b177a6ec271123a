//! A processor with nothing to do: its timer ticks are let run together.
//!
//! An operating system of this age takes a timer interrupt hundreds of times a second even when it does nothing else,
//! each with thousands of instructions whose data no host cache holds any more. Once a processor does nothing but tick,
//! its halts last a little longer than until the next tick, and the system catches up with the ticks it has missed, as
//! it does after any delay. Every other interrupt wakes it at once, and the first real work ends this.

use std::time::Duration;

/// Halts in a row with nothing but ticks in between until a processor counts as idle.
const HALTS: u32 = 16;
/// Most instructions between two halts that can be a tick's: one of Linux takes about 4500, and 2000 more for each it
/// has missed.
const INSTRUCTIONS: u64 = 40_000;
/// How late the timer of an idle processor may be.
const LATENESS: Duration = Duration::from_millis(32);

/// What is known of one processor.
#[derive(Debug, Default)]
pub(super) struct Idleness {
    /// Halts in a row that only the timer ended and that only ticks led to.
    halts: u32,
    /// Instructions retired until the last halt.
    retired: u64,
}

impl Idleness {
    /// A halt begins, with so many instructions retired: how late it may end when only the timer ends it.
    pub(super) fn halts(&mut self, retired: u64) -> Duration {
        if retired.wrapping_sub(self.retired) > INSTRUCTIONS {
            self.halts = 0;
        }
        self.retired = retired;
        if self.halts >= HALTS { LATENESS } else { Duration::ZERO }
    }

    /// The halt has ended: because the timer ran out, or for any other reason.
    pub(super) fn wakes(&mut self, by_timer: bool) {
        self.halts = if by_timer { self.halts.saturating_add(1) } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks `n` times with so many instructions each; how late the last tick may have been.
    fn tick(idleness: &mut Idleness, n: u32, instructions: u64) -> Duration {
        let mut lateness = Duration::ZERO;
        for _ in 0..n {
            lateness = idleness.halts(idleness.retired + instructions);
            idleness.wakes(true);
        }
        lateness
    }

    #[test]
    fn only_a_processor_that_does_nothing_but_tick_may_be_late() {
        let mut idleness = Idleness::default();
        assert_eq!(tick(&mut idleness, HALTS, 4500), Duration::ZERO);
        assert_eq!(tick(&mut idleness, 1, 4500), LATENESS);
        // Something was done.
        assert_eq!(tick(&mut idleness, 1, 1 << 20), Duration::ZERO);
        assert_eq!(tick(&mut idleness, HALTS, 4500), LATENESS);
        // A device, or another processor.
        idleness.wakes(false);
        assert_eq!(tick(&mut idleness, 1, 4500), Duration::ZERO);
    }
}

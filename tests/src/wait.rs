//! Waiting with a name and a limit.

use std::thread;
use std::time::{Duration, Instant};

/// How long something may take. Generous, because it is reached only when something is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// What a process does by itself: connect, end, write a line.
    Soon,
    /// A guest's small program.
    Guest,
    /// A whole operating system.
    System,
    /// Systems on a machine that is emulated itself.
    Nested,
}

impl Deadline {
    /// Its length.
    pub fn length(self) -> Duration {
        Duration::from_secs(match self {
            Deadline::Soon => 60,
            Deadline::Guest => 180,
            Deadline::System => 900,
            Deadline::Nested => 1800,
        })
    }
}

/// Time between two looks at a condition.
const INTERVAL: Duration = Duration::from_millis(10);

/// Looks until `condition` gives something.
///
/// # Panics
/// After the deadline, with `what` it waited for and what `explain` says.
pub fn wait_for<T>(
    deadline: Deadline,
    what: &str,
    explain: impl Fn() -> String,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + deadline.length();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited {:?} for {what}\n{}", deadline.length(), explain());
        thread::park_timeout(INTERVAL);
    }
}

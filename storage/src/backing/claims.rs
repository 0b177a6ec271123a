//! Stores that somebody has who is about to lose them.
//!
//! A process that is being started has every open file of its parent until it executes its program, so a claim on a device
//! (O_EXCL) may outlive its owner by that moment. A lock on a file can be given up by hand; a claim cannot. And a process
//! that was killed is gone before its files are when io_uring was at work on them: the kernel ends that afterwards, and
//! locks and claims last until then.
//!
//! So whoever finds a device in use that this process has just closed asks again, and so does a process that has just begun
//! to open stores, for it may come after one that was killed. Nobody else waits for a store that is in use.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::OpenError;
use crate::identity::Identity;

/// More than the start of a process, or the end of its I/O, takes on a busy host.
const MOMENT: Duration = Duration::from_secs(2);
/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(2);

/// What was closed, and when.
static CLOSED: Mutex<Vec<(Identity, Instant)>> = Mutex::new(Vec::new());
/// When this process began to open stores.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn closed() -> MutexGuard<'static, Vec<(Identity, Instant)>> {
    let mut closed = CLOSED.lock().unwrap_or_else(PoisonError::into_inner);
    closed.retain(|(_, when)| when.elapsed() < MOMENT);
    closed
}

/// This device is being closed.
pub(super) fn note_closed(device: Identity) {
    closed().push((device, Instant::now()));
}

/// Opens a store, more than once if somebody has it who may be about to lose it.
pub(super) fn open<T>(
    store: Identity,
    attempt: impl FnMut() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let begin = *BEGIN;
    open_while(|| begin.elapsed() < MOMENT || was_ours(store), attempt)
}

fn was_ours(device: Identity) -> bool {
    closed().iter().any(|(other, _)| *other == device)
}

fn open_while<T>(
    may_pass: impl Fn() -> bool,
    mut attempt: impl FnMut() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    loop {
        let opened = attempt();
        if !matches!(opened, Err(OpenError::InUse(_))) || !may_pass() {
            return opened;
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_device_that_was_ours_just_now_is_tried_again() {
        let (ours, other) = (Identity::Device(0xfff0_0001), Identity::Device(0xfff0_0002));
        note_closed(ours);
        let (busy, missing) = (OpenError::InUse as fn(_) -> _, OpenError::Missing as fn(_) -> _);
        let count = |device, free_at: u32, error: fn(std::path::PathBuf) -> OpenError| {
            let mut attempts = 0;
            let opened = open_while(
                || was_ours(device),
                || {
                    attempts += 1;
                    if attempts >= free_at { Ok(()) } else { Err(error("/dev/x".into())) }
                },
            );
            (attempts, opened.is_ok())
        };
        assert_eq!(count(ours, 3, busy), (3, true));
        assert_eq!(count(other, 3, busy), (1, false));
        assert_eq!(count(ours, 3, missing), (1, false));
    }
}

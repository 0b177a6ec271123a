//! Devices that were ours a moment ago.
//!
//! A process that is being started has every open file of its parent until it executes its program, so a claim on a device
//! (O_EXCL) may outlive its owner by that moment. A lock on a file can be given up by hand; a claim cannot. Whoever finds
//! a device in use that this process has just closed asks again, which nobody does about a device of somebody else.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::identity::Identity;

/// More than the start of a process takes on a busy host.
const MOMENT: Duration = Duration::from_secs(2);
/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(2);

/// What was closed, and when.
static CLOSED: Mutex<Vec<(Identity, Instant)>> = Mutex::new(Vec::new());

fn closed() -> MutexGuard<'static, Vec<(Identity, Instant)>> {
    let mut closed = CLOSED.lock().unwrap_or_else(PoisonError::into_inner);
    closed.retain(|(_, when)| when.elapsed() < MOMENT);
    closed
}

/// This device is being closed.
pub(super) fn note_closed(device: Identity) {
    closed().push((device, Instant::now()));
}

/// Opens a device, more than once if somebody has it who can only have inherited it.
pub(super) fn open<T>(device: Identity, mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        let opened = attempt();
        let is_busy = opened.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::EBUSY));
        if !is_busy || !closed().iter().any(|(other, _)| *other == device) {
            return opened;
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> io::Error {
        io::Error::from_raw_os_error(libc::EBUSY)
    }

    #[test]
    fn only_a_device_that_was_ours_just_now_is_tried_again() {
        let (ours, other) = (Identity::Device(0xfff0_0001), Identity::Device(0xfff0_0002));
        note_closed(ours);
        let count = |device, free_at: u32, error: fn() -> io::Error| {
            let mut attempts = 0;
            let opened = open(device, || {
                attempts += 1;
                if attempts >= free_at { Ok(()) } else { Err(error()) }
            });
            (attempts, opened.is_ok())
        };
        assert_eq!(count(ours, 3, busy), (3, true));
        assert_eq!(count(other, 3, busy), (1, false));
        assert_eq!(count(ours, 3, || io::ErrorKind::PermissionDenied.into()), (1, false));
    }
}

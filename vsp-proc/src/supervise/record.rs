//! A note beside a guest's configuration of which process runs it, so that a VSP that was killed leaves no guest behind
//! that nobody knows of.
//!
//! A process number alone says little, since numbers are used again: the process' start time makes it unique.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::fs::{HostFs, write_atomically};

/// Name of the note in a guest's directory.
const FILE: &str = "run.toml";
/// Time a killed process has to vanish.
const END_LIMIT: Duration = Duration::from_secs(10);

/// The process that runs a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pid: u32,
    /// In clock ticks since the host booted, as `/proc/PID/stat` has it.
    start_ticks: u64,
}

impl Record {
    /// Notes that the process `pid` runs the guest whose directory this is.
    pub(crate) fn write(directory: &Path, pid: u32) -> io::Result<()> {
        let record = Record { pid, start_ticks: start_ticks(pid)? };
        let text = toml::to_string(&record).map_err(io::Error::other)?;
        write_atomically(&mut HostFs, &directory.join(FILE), text.as_bytes())
    }

    /// Takes the note away.
    pub(crate) fn erase(directory: &Path) {
        // What remains would name a process that is gone, and is found out by that.
        let _ = fs::remove_file(directory.join(FILE));
    }

    /// The process a former VSP left behind for this guest, if it still lives.
    pub(crate) fn leftover(directory: &Path) -> Option<Leftover> {
        let text = fs::read_to_string(directory.join(FILE)).ok()?;
        let record: Record = toml::from_str(&text).ok()?;
        let pid = i32::try_from(record.pid).ok().and_then(Pid::from_raw)?;
        // First the descriptor, then the comparison: afterwards it can be no other process.
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        let same = start_ticks(record.pid).is_ok_and(|ticks| ticks == record.start_ticks);
        same.then_some(Leftover { pid: record.pid, pidfd })
    }
}

/// A guest process without a VSP.
pub(crate) struct Leftover {
    pub(crate) pid: u32,
    pidfd: OwnedFd,
}

impl Leftover {
    /// Kills it and waits until it is gone.
    ///
    /// # Errors
    /// If it is not ours to kill, or does not vanish.
    pub(crate) fn end(&self) -> io::Result<()> {
        pidfd_send_signal(&self.pidfd, Signal::KILL)?;
        let mut polled = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(END_LIMIT).map_err(io::Error::other)?;
        match poll(&mut polled, limit)? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }
}

/// Field 22 of `/proc/PID/stat`; the second, in parentheses, may hold anything.
fn start_ticks(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields).unwrap_or_default();
    let ticks = fields.split_whitespace().nth(19).and_then(|field| field.parse().ok());
    ticks.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn a_process_that_was_left_behind_is_found_and_ended_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Record::leftover(directory.path()).is_none());
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        Record::write(directory.path(), child.id()).unwrap();
        let leftover = Record::leftover(directory.path()).unwrap();
        assert_eq!(leftover.pid, child.id());
        leftover.end().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert!(Record::leftover(directory.path()).is_none());

        // The same number, but of a process that started at another time.
        let own = Record { pid: std::process::id(), start_ticks: 1 };
        fs::write(directory.path().join(FILE), toml::to_string(&own).unwrap()).unwrap();
        assert!(Record::leftover(directory.path()).is_none());
    }
}

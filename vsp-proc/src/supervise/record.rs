//! Notes beside a guest's configuration of which process runs it and with which configuration, so that a VSP that was
//! killed leaves no guest behind that the next one does not know of.
//!
//! A process number alone says little, since numbers are used again: the process' start time makes it unique.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use ipc::guest::{ConsoleEnd, ExitReason};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use storage::statement::Address;

use super::change::addresses;
use crate::db::GuestConfig;
use crate::fs::{HostFs, write_atomically};

/// Name of the note in a guest's directory.
const FILE: &str = "run.toml";
/// Name of the configuration beside it.
const CONFIG: &str = "running.toml";
/// Where the process itself notes why it ended.
pub(crate) const LAST_WORDS: &str = "exit.json";
/// Where it leaves the end of its console output.
pub(crate) const CONSOLE_END: &str = "console.end";
/// Most bytes that are read of that.
const MAX_CONSOLE_END: u64 = 2 << 20;
/// Time a killed process has to vanish.
const END_LIMIT: Duration = Duration::from_secs(10);

/// The process that runs a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) pid: u32,
    /// In clock ticks since the host booted, as `/proc/PID/stat` has it.
    start_ticks: u64,
    /// Start of the run, microseconds since 1970-01-01 UTC.
    pub(crate) since_micros: i64,
    /// Bus and slot of the adapters its machine has, ascending.
    #[serde(default)]
    pub(crate) adapters: Vec<(u8, u8)>,
    /// Devices of whose last change it may not know yet.
    #[serde(default, with = "addresses")]
    pub(crate) untold: BTreeSet<Address>,
}

/// What a former VSP left behind of a guest.
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// Its process has ended since; why, if it could say so.
    Ended(Option<ExitReason>),
    /// Its process lives.
    Alive(Leftover),
}

impl Record {
    /// What there is to note of the process `pid`, which was just made and has these adapters.
    pub(crate) fn of(pid: u32, since_micros: i64, adapters: Vec<(u8, u8)>) -> io::Result<Record> {
        let start_ticks = start_ticks(pid)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Record { pid, start_ticks, since_micros, adapters, untold: BTreeSet::new() })
    }

    /// Notes that this process runs the guest whose directory this is, with this configuration.
    pub(crate) fn write(&self, directory: &Path, config: &GuestConfig) -> io::Result<()> {
        // In this order: the record is what says that the configuration counts.
        write_atomically(&mut HostFs, &directory.join(CONFIG), config.to_toml().as_bytes())?;
        let text = toml::to_string(self).map_err(io::Error::other)?;
        write_atomically(&mut HostFs, &directory.join(FILE), text.as_bytes())
    }

    /// Notes that the guest has another configuration now, and of which devices it may not know.
    pub(crate) fn change(
        directory: &Path,
        config: &GuestConfig,
        untold: &BTreeSet<Address>,
    ) -> io::Result<()> {
        Record { untold: untold.clone(), ..Record::read(directory)? }.write(directory, config)
    }

    /// The note.
    pub(crate) fn read(directory: &Path) -> io::Result<Record> {
        let text = fs::read_to_string(directory.join(FILE))?;
        toml::from_str(&text).map_err(io::Error::other)
    }

    /// Takes the note away.
    pub(crate) fn erase(directory: &Path) {
        // What remains would name a process that is gone, and is found out by that.
        let _ = fs::remove_file(directory.join(FILE));
    }

    /// What a former VSP left behind of the guest whose directory this is.
    pub(crate) fn find(directory: &Path) -> Found {
        let Ok(text) = fs::read_to_string(directory.join(FILE)) else { return Found::Nothing };
        let process = toml::from_str(&text).ok().and_then(|record: Record| record.process());
        match process {
            Some(process) => Found::Alive(process),
            None => Found::Ended(last_words(&directory.join(LAST_WORDS))),
        }
    }

    /// The configuration which the guest has.
    ///
    /// # Errors
    /// Why it is not known.
    pub(crate) fn config(directory: &Path, name: &str) -> Result<GuestConfig, String> {
        let path = directory.join(CONFIG);
        let text = fs::read_to_string(&path).map_err(|e| format!("'{}': {e}", path.display()))?;
        GuestConfig::from_toml(name, &text)
    }

    fn process(self) -> Option<Leftover> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw)?;
        // First the descriptor, then the comparison: afterwards it can be no other process.
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        let same = start_ticks(self.pid).is_ok_and(|ticks| ticks == Some(self.start_ticks));
        same.then_some(Leftover { record: self, pidfd })
    }
}

/// Why a process ended, if it could say so.
pub(crate) fn last_words(path: &Path) -> Option<ExitReason> {
    ExitReason::from_text(&fs::read_to_string(path).ok()?)
}

/// The end of the console output of a process that has ended, if it could leave it.
pub(crate) fn console_end(path: &Path) -> Option<ConsoleEnd> {
    let mut contents = Vec::new();
    fs::File::open(path).ok()?.take(MAX_CONSOLE_END).read_to_end(&mut contents).ok()?;
    ConsoleEnd::from_file(&contents)
}

/// A guest process without a VSP.
pub(crate) struct Leftover {
    pub(crate) record: Record,
    pub(crate) pidfd: OwnedFd,
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

/// Field 22 of `/proc/PID/stat`; the second, in parentheses, may hold anything. None for a process that has ended and
/// waits for its parent to hear of it.
fn start_ticks(pid: u32) -> io::Result<Option<u64>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields.trim_start()).unwrap_or_default();
    if fields.starts_with(['Z', 'X']) {
        return Ok(None);
    }
    let ticks = fields.split_whitespace().nth(19).and_then(|field| field.parse().ok());
    ticks.map(Some).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn a_process_that_was_left_behind_is_found_and_ended_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let config = GuestConfig::new("ivm1".into(), 7);
        assert!(matches!(Record::find(directory), Found::Nothing));
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let record = Record::of(child.id(), 3, vec![(0, 0), (7, 7)]).unwrap();
        record.write(directory, &config).unwrap();
        let Found::Alive(leftover) = Record::find(directory) else { panic!("it is there") };
        assert_eq!(leftover.record, record);
        assert_eq!(Record::config(directory, "ivm1").unwrap(), config);
        leftover.end().unwrap();
        assert!(matches!(Record::find(directory), Found::Ended(None)), "before it is reaped");
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        fs::write(directory.join(LAST_WORDS), ExitReason::Reset.to_text()).unwrap();
        assert!(matches!(Record::find(directory), Found::Ended(Some(ExitReason::Reset))));

        // The same number, but of a process that started at another time.
        let own = Record { pid: std::process::id(), start_ticks: 1, ..record };
        fs::write(directory.join(FILE), toml::to_string(&own).unwrap()).unwrap();
        assert!(matches!(Record::find(directory), Found::Ended(_)));
        Record::erase(directory);
        assert!(matches!(Record::find(directory), Found::Nothing));
    }
}

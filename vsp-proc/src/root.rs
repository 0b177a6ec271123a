//! The state directory: where everything of one VSP lies, and the lock that makes it the only one there.
//!
//! ```text
//!   HPVM_ROOT, or /var/opt/hpvm for root, or the XDG state directory
//!   ├── vsp.toml                 settings of the VSP, if its owner has made any
//!   ├── lock                     held by the running VSP; its process id is in it
//!   ├── run/vsp.sock             for the commands
//!   ├── run/holds                which guest holds which attached device
//!   ├── run/tape-SERIAL          state of an emulated tape drive
//!   ├── run/gNUMBER.sock         of a running guest process, for the VSP after this one
//!   ├── common/ioconfig          instances and names of the VSP's devices
//!   ├── common/emulated          devices that the VSP emulates
//!   ├── common/hpvm_mgmtdb       device management database; .copy: the same; .damaged: one that could not be read
//!   ├── common/log/              the VSP's structured log, with every request
//!   ├── disks/                   backing stores the VSP itself made
//!   ├── reservations/            persistent reservations of disks that shall outlive their guests' runs (APTPL)
//!   └── guests/NAME/
//!       ├── guest.toml           configuration
//!       ├── run.toml             the process that runs it now
//!       ├── running.toml         the configuration which that one has: as it was started, with what was changed since
//!       ├── change.toml          a change of both configurations that is not through yet
//!       ├── exit.json            why the last one ended, in its own words
//!       ├── reason               the same for the operator
//!       ├── console.end          the end of the last one's console output, in case it was not taken
//!       ├── stderr               what the runtime of the last one complained of
//!       ├── console.log          what the guest wrote; console.pos: how much of that is the last run's
//!       ├── console/             the same line by line, with the time, as a structured log
//!       └── log/                 the guest process' structured log
//! ```

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use etcetera::BaseStrategy;
use rustix::fs::{FlockOperation, flock};

/// Environment variable that names the state directory.
pub const ROOT_VARIABLE: &str = "HPVM_ROOT";

/// Time for the I/O of a VSP that was killed to end.
const END_LIMIT: Duration = Duration::from_secs(15);
/// Time between looks whether it has.
const RETRY: Duration = Duration::from_millis(5);

/// State directory of the superuser's VSP.
const SYSTEM_ROOT: &str = "/var/opt/hpvm";

/// Paths of one VSP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRoot(PathBuf);

/// The state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// Neither `HPVM_ROOT` nor a home directory is known.
    #[error("no state directory: set HPVM_ROOT, or HOME")]
    Unknown,
    /// `HPVM_ROOT` is not absolute.
    #[error("HPVM_ROOT '{0}' is not an absolute path")]
    Relative(PathBuf),
    /// Another VSP has it.
    #[error("a VSP is already running for '{root}' (process {pid})", root = root.display())]
    Locked {
        /// The directory.
        root: PathBuf,
        /// Process id of the VSP that runs, or `?`.
        pid: String,
    },
    /// The host refused.
    #[error("cannot use the state directory '{path}': {source}", path = path.display())]
    Host {
        /// What was touched.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl StateRoot {
    /// The state directory this user's environment asks for.
    ///
    /// # Errors
    /// [`RootError::Unknown`], [`RootError::Relative`].
    pub fn resolve() -> Result<StateRoot, RootError> {
        let named = std::env::var_os(ROOT_VARIABLE).filter(|value| !value.is_empty());
        if let Some(path) = named.map(PathBuf::from) {
            return if path.is_absolute() { Ok(StateRoot(path)) } else { Err(RootError::Relative(path)) };
        }
        if nix::unistd::geteuid().is_root() {
            return Ok(StateRoot(SYSTEM_ROOT.into()));
        }
        if let Some((root, _)) = captive() {
            return Ok(root);
        }
        let base = etcetera::base_strategy::Xdg::new().map_err(|_| RootError::Unknown)?;
        let state = base.state_dir().unwrap_or_else(|| base.home_dir().join(".local/state"));
        Ok(StateRoot(state.join("hpvm")))
    }

    /// A state directory of one's own choice.
    pub fn at(path: impl Into<PathBuf>) -> StateRoot {
        StateRoot(path.into())
    }

    /// What units keep for guests that outlive the VSP.
    pub(crate) fn units(&self) -> PathBuf {
        self.run().join("units")
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// Settings of the VSP.
    pub(crate) fn settings(&self) -> PathBuf {
        self.0.join("vsp.toml")
    }
    /// Whose the directory is.
    ///
    /// # Errors
    /// [`RootError::Host`].
    pub fn owner(&self) -> Result<u32, RootError> {
        let found = std::fs::metadata(&self.0);
        found.map(|found| found.uid()).map_err(|source| RootError::Host { path: self.0.clone(), source })
    }
    /// Lets members of a group pass the directory, or nobody but its owner.
    ///
    /// # Errors
    /// [`RootError::Host`].
    pub(crate) fn admit(&self, group: Option<u32>) -> Result<(), RootError> {
        let mode = if group.is_some() { 0o710 } else { 0o700 };
        let admit = || {
            chown(&self.0, None, group)?;
            std::fs::set_permissions(&self.0, Permissions::from_mode(mode))
        };
        admit().map_err(|source| RootError::Host { path: self.0.clone(), source })
    }
    /// Directory of what matters as long as guests run.
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }
    /// Where the VSP listens.
    pub fn socket(&self) -> PathBuf {
        self.0.join("run/vsp.sock")
    }
    /// Directory of the logs that belong to no guest.
    pub fn common(&self) -> PathBuf {
        self.0.join("common")
    }
    /// Where a guest process listens for the VSP after this one.
    pub fn guest_socket(&self, number: u32) -> PathBuf {
        self.0.join(format!("run/g{number}.sock"))
    }
    /// Directory of the VSP's own log.
    pub fn log(&self) -> PathBuf {
        self.common().join("log")
    }
    /// How a guest's last run ended, as one line.
    pub fn guest_reason(&self, name: &str) -> PathBuf {
        self.guest(name).join("reason")
    }
    /// Directory of a guest process' log.
    pub fn guest_log(&self, name: &str) -> PathBuf {
        self.guest(name).join("log")
    }
    /// Directory of the lines that a guest wrote on its console.
    pub fn console_lines(&self, name: &str) -> PathBuf {
        self.guest(name).join("console")
    }
    /// Directory of backing stores that the VSP made.
    pub fn disks(&self) -> PathBuf {
        self.0.join("disks")
    }
    /// Directory of persistent reservations that are kept.
    pub fn reservations(&self) -> PathBuf {
        self.0.join("reservations")
    }
    /// Directory of the guests' directories.
    pub fn guests(&self) -> PathBuf {
        self.0.join("guests")
    }
    /// Directory of one guest.
    pub fn guest(&self, name: &str) -> PathBuf {
        self.guests().join(name)
    }

    /// Makes the directories and takes the lock, which lasts until the result is dropped or the process ends.
    ///
    /// # Errors
    /// [`RootError::Locked`] if a VSP runs there, [`RootError::Host`] if the directory cannot be used.
    pub fn lock(&self) -> Result<RootLock, RootError> {
        let is_new = !self.guests().exists();
        for directory in [self.0.clone(), self.log(), self.disks(), self.reservations(), self.guests()] {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
            made.map_err(|source| RootError::Host { path: directory, source })?;
        }
        let path = self.0.join("lock");
        let host = |source: io::Error| RootError::Host { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(host)?;
        let deadline = Instant::now() + END_LIMIT;
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                other => break other.map_err(|errno| host(errno.into()))?,
            }
            let mut pid = String::new();
            file.rewind().and_then(|()| file.read_to_string(&mut pid)).map_err(host)?;
            let holder = pid.trim().parse().ok();
            if !holder.is_some_and(has_died) || Instant::now() > deadline {
                // The holder writes its number after locking: for a moment there is none.
                let pid = holder.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
                return Err(RootError::Locked { root: self.0.clone(), pid });
            }
            thread::sleep(RETRY);
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(host)?;
        writeln!(file, "{}", std::process::id()).map_err(host)?;
        Ok(RootLock { _file: file, is_new })
    }
}

/// State directory and guest of a captive console account: its home directory is that of the guest (hpvm.md 4.7).
pub fn captive() -> Option<(StateRoot, String)> {
    let home = PathBuf::from(std::env::var_os("HOME")?);
    let guest = home.file_name()?.to_str()?.to_owned();
    let guests = home.parent().filter(|parent| parent.ends_with("guests"))?;
    Some((StateRoot(guests.parent()?.into()), guest))
}

/// Has this process been killed? What it holds it then holds until its last I/O has ended.
fn has_died(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_none_or(|(_, fields)| fields.trim_start().starts_with(['Z', 'X']))
}

/// Being the only VSP of a state directory.
#[derive(Debug)]
pub struct RootLock {
    _file: File,
    is_new: bool,
}

impl RootLock {
    /// Was the state directory made just now?
    pub fn is_new(&self) -> bool {
        self.is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_vsp_is_refused_with_the_number_of_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let root = StateRoot::at(directory.path());
        let first = root.lock().unwrap();
        let text = root.lock().unwrap_err().to_string();
        let pid = std::process::id();
        assert_eq!(text, format!("a VSP is already running for '{}' (process {pid})", root.path().display()));
        drop(first);
        root.lock().unwrap();
    }
}

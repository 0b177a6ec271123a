//! What a guest process may do to its host. It runs code that nobody vouches for and needs little: the descriptors that it
//! was given, and the directory of its log. The rest is put out of its reach.
//!
//! ```text
//!   begin ──► machine, threads, back-ends ──► finish ──► the processors run
//!   paths, TCP, signals: Landlock             system calls: seccomp
//! ```
//!
//! A kernel that knows less of this restricts less; the log says so, and the guest runs all the same.

mod calls;
mod refused;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::bail;
use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, make_bitflags,
};
use tracing::{info, warn};

/// Environment variable with the [`Mode`].
const VARIABLE: &str = "KITTSON_SANDBOX";

/// How much is restricted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Everything; a system call that is not allowed ends the process.
    On,
    /// The same, but such a system call is only noted in the host's audit log.
    Log,
    /// Nothing.
    Off,
}

/// A process that has taken the first step.
#[derive(Debug)]
#[must_use]
pub(crate) struct Sandbox {
    mode: Mode,
    /// How far the host's kernel restricts paths.
    files: Result<RulesetStatus, RulesetError>,
}

impl Sandbox {
    /// The first step: from now on no path can be used but those inside the log's directory. To be taken before there is
    /// any other thread; those that come later inherit it.
    ///
    /// # Errors
    /// When the environment asks for something that does not exist.
    pub(crate) fn begin(log_directory: Option<&Path>) -> anyhow::Result<Sandbox> {
        let mode = match std::env::var(VARIABLE).as_deref().unwrap_or("on") {
            "on" => Mode::On,
            "log" => Mode::Log,
            "off" => Mode::Off,
            other => bail!("{VARIABLE} is '{other}', not on, log or off"),
        };
        let files = match mode {
            Mode::Off => Ok(RulesetStatus::NotEnforced),
            Mode::On | Mode::Log => restrict_files(log_directory),
        };
        Ok(Sandbox { mode, files })
    }

    /// The second step, for all threads: only the system calls are left that a running guest takes. Says in the log what
    /// holds.
    pub(crate) fn finish(self) {
        if self.mode == Mode::Off {
            return warn!("the guest process is not restricted: {VARIABLE} is off");
        }
        match self.files {
            Ok(RulesetStatus::FullyEnforced) => info!("paths are restricted"),
            Ok(RulesetStatus::PartiallyEnforced) => {
                info!("paths are restricted as far as this kernel does it")
            }
            Ok(_) => warn!("paths are not restricted: this kernel has no Landlock"),
            Err(error) => warn!(%error, "paths are not restricted"),
        }
        match calls::restrict(self.mode == Mode::Log) {
            Ok(()) => info!(only_logged = self.mode == Mode::Log, "system calls are restricted"),
            Err(error) => warn!(%error, "system calls are not restricted"),
        }
    }
}

fn restrict_files(log_directory: Option<&Path>) -> Result<RulesetStatus, RulesetError> {
    // As new as the rules are that we know the meaning of; an older kernel takes what it knows of them.
    const RULES: ABI = ABI::V6;
    let logging = make_bitflags!(AccessFs::{
        ReadFile | WriteFile | Truncate | ReadDir | MakeReg | RemoveFile
    });
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(RULES))?
        .handle_access(AccessNet::from_all(RULES))?
        .scope(Scope::from_all(RULES))?
        .create()?;
    // A directory that cannot be opened cannot be logged into either.
    if let Some(directory) = log_directory.and_then(|directory| PathFd::new(directory).ok()) {
        rules = rules.add_rule(PathBeneath::new(directory, logging))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}

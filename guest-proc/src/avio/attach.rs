//! Adapters in a machine, and for a guest without a VSP the process behind one.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use super::{AvioAdapter, AvioOptions, LinkError};
use crate::machine::Machine;
use crate::map;
use crate::pci::host::{Location, PlaceError};

/// Why a machine did not get an adapter.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Its slot.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Its back-end.
    #[error("AVIO adapter {bus},{slot} has no back-end", bus = .location.bus, slot = .location.slot)]
    Link {
        /// Where it was to be.
        location: Location,
        /// What is wrong with it.
        source: LinkError,
    },
    /// There is no process for the back-end.
    #[error("cannot start {}", program.display())]
    Process {
        /// What was to be started.
        program: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Puts an adapter with `request_queues` request queues into a slot of a machine that has not been loaded yet.
///
/// # Errors
/// When the slot is not free or the back-end behind `connection` does not answer.
pub fn attach(
    machine: &Machine,
    location: Location,
    request_queues: u16,
    connection: UnixStream,
) -> Result<Arc<AvioAdapter>, AttachError> {
    let options = AvioOptions {
        name: format!("{},{}", location.bus, location.slot),
        request_queues,
        gsi: map::pci_gsi(location.bus, location.slot),
    };
    let ram = machine.ram.regions.clone();
    let adapter = AvioAdapter::connect(&options, connection, ram, machine.interrupts())
        .map_err(|source| AttachError::Link { location, source })?;
    machine.pci.add(location, adapter.clone())?;
    Ok(adapter)
}

/// Starts a process that serves these raw files as targets 0, 1, … of one adapter and ends when the other end of the
/// returned connection does.
///
/// # Errors
/// When it cannot be started. What it finds wrong with the files it says itself, on standard error, and leaves.
pub fn start_back_end(disks: &[PathBuf], request_queues: u16) -> Result<(UnixStream, BackEnd), AttachError> {
    let program = executable(&std::env::current_exe().unwrap_or_default());
    let failed = |source| AttachError::Process { program: program.clone(), source };
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let mut command = Command::new(&program);
    command.args(["vsp-proc", "avio", "--socket-fd", "0", "--queues", &request_queues.to_string()]);
    for disk in disks {
        command.arg("--disk").arg(disk);
    }
    // What is typed at the guest's terminal is not meant for it.
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).process_group(0);
    let process = command.spawn().map_err(failed)?;
    let line = ours.try_clone().map_err(failed)?;
    Ok((ours, BackEnd { process, line }))
}

/// The process that serves a stand-alone guest's disks. Dropping it hangs up and waits until the disks are let go, so
/// that whoever comes next finds them free.
#[derive(Debug)]
pub struct BackEnd {
    process: Child,
    line: UnixStream,
}

impl Drop for BackEnd {
    fn drop(&mut self) {
        _ = self.line.shutdown(std::net::Shutdown::Both);
        if let Err(error) = self.process.wait() {
            tracing::warn!(%error, "the AVIO back-end cannot be waited for");
        }
    }
}

/// The executable with all roles: this one, or the one beside the thin one of this package.
fn executable(own: &Path) -> PathBuf {
    match own.file_name() {
        Some(name) if name == "guest-proc" => own.with_file_name("hpvm"),
        _ => own.to_owned(),
    }
}

#[test]
fn thin_executable_looks_beside_itself_for_the_back_end() {
    assert_eq!(executable(Path::new("/a/target/debug/guest-proc")), Path::new("/a/target/debug/hpvm"));
    assert_eq!(executable(Path::new("/usr/bin/hpvm")), Path::new("/usr/bin/hpvm"));
}

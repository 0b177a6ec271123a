//! `hpvm vsp`: the VSP itself, and the process that is one.

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use anyhow::Context;
use clap::{ArgMatches, Args, FromArgMatches, Subcommand};
use ipc::client::ClientError;
use ipc::message::ClientToVsp;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{PidfdFlags, Signal};
use vsp_proc::Image;
use vsp_proc::root::StateRoot;

use super::failure::Failure;
use super::{Spec, link};
use crate::view::format;

/// First argument of a VSP process that was started on demand.
pub(crate) const PROCESS_ROLE: &str = "vsp-proc";
/// The guest in the box.
const DIAG: &[u8] = include_bytes!("../../../guest-proc/diag/diag.elf");
/// First argument of a guest process.
pub(crate) const GUEST_ROLE: &str = "guest-proc";

pub(super) const SPEC: Spec = Spec {
    name: "vsp",
    classic: "hpvm vsp",
    is_linked: false,
    augment: |command| {
        Options::augment_args(command.about("Start, stop or show the VSP")).subcommand_required(true)
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start the VSP; guests whose start attribute is auto start with it
    Start {
        /// Stay in the foreground and write the log to standard error, too
        #[arg(long)]
        foreground: bool,
    },
    /// Stop all guests gracefully, then the VSP
    Stop {
        /// Leave guests running: their I/O waits until there is a VSP again
        #[arg(long)]
        leave_guests: bool,
    },
    /// Show whether the VSP runs
    Status,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    match Options::from_arg_matches(matches)?.action {
        Action::Start { foreground: true } => Ok(vsp_proc::run(options(true)?)?),
        Action::Start { foreground: false } => {
            if link::connect_running()?.is_some() {
                writeln!(out, "hpvm vsp: The VSP is already running.")?;
                return Ok(());
            }
            link::connect()?;
            Ok(())
        }
        Action::Stop { leave_guests } => stop(leave_guests, out),
        Action::Status => status(out),
    }
}

fn stop(leave_guests: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let client = match link::connect_running() {
        Err(error) if !leave_guests && is_of_another_build(&error) => return stop_another_build(out),
        client => client?,
    };
    let Some(mut client) = client else {
        return Err(Failure::message("The VSP is not running."));
    };
    // Taken while it certainly is this process: a number may be used again.
    let process = watch(client.status()?.pid as i32)?;
    let request = if leave_guests { ClientToVsp::VspLeave } else { ClientToVsp::VspShutdown };
    match client.request(&request) {
        // It may end before its answer is read.
        Ok(_) | Err(ClientError::Connection(ipc::Error::Closed)) => {}
        Err(error) => return Err(error.into()),
    }
    wait_for_end(&process)?;
    let guests = if leave_guests { "; its guests stay on" } else { "" };
    writeln!(out, "hpvm vsp: The VSP has stopped{guests}.")?;
    Ok(())
}

fn is_of_another_build(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ipc::Error::Version { .. }))
}

/// Asks a VSP that speaks another version of the protocol by a signal, which every build understands.
fn stop_another_build(out: &mut dyn Write) -> Result<(), Failure> {
    let socket = StateRoot::resolve()?.socket();
    let connection = UnixStream::connect(&socket)
        .with_context(|| format!("cannot connect to the VSP at '{}'", socket.display()))?;
    // Whoever listens there: the VSP, as long as the connection stands.
    let listener = getsockopt(&connection, PeerCredentials).context("cannot see which process the VSP is")?;
    let process = watch(listener.pid())?;
    rustix::process::pidfd_send_signal(&process, Signal::TERM).context("cannot stop the VSP")?;
    wait_for_end(&process)?;
    writeln!(out, "hpvm vsp: The VSP has stopped.")?;
    Ok(())
}

fn watch(pid: i32) -> anyhow::Result<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(pid).context("the VSP has no process number")?;
    rustix::process::pidfd_open(pid, PidfdFlags::empty()).context("cannot watch the VSP")
}

/// A command that follows must not meet what is left of it.
fn wait_for_end(process: &OwnedFd) -> anyhow::Result<()> {
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    rustix::io::retry_on_intr(|| rustix::event::poll(&mut ended, None)).context("cannot wait for the VSP")?;
    Ok(())
}

fn status(out: &mut dyn Write) -> Result<(), Failure> {
    let Some(mut client) = link::connect_running()? else {
        return Err(Failure::message("The VSP is not running."));
    };
    let status = client.status()?;
    let lines = [
        ("State", "running".to_owned()),
        ("Version", status.build),
        ("Process", status.pid.to_string()),
        ("State directory", status.root),
        ("Since", format::moment(status.since_micros)),
        ("Guests", format!("{} ({} running)", status.guests, status.running)),
        ("Clients", status.clients.to_string()),
    ];
    for (label, value) in lines {
        writeln!(out, "{label:<16}: {value}")?;
    }
    Ok(())
}

fn options(log_to_stderr: bool) -> anyhow::Result<vsp_proc::Options> {
    Ok(vsp_proc::Options {
        root: StateRoot::resolve()?,
        guest_command: ["/proc/self/exe", GUEST_ROLE].map(OsString::from).to_vec(),
        images: vec![Image { name: "diag", bytes: DIAG }],
        log_to_stderr,
    })
}

/// A process that another one started: the VSP, or (first argument `avio`) a single AVIO back-end.
pub(crate) fn process(arguments: &[OsString]) -> ExitCode {
    match arguments.first().and_then(|name| name.to_str()) {
        Some("avio") => back_end(arguments),
        _ => on_demand(),
    }
}

/// Tells its starter on standard output that it serves, or why not.
fn on_demand() -> ExitCode {
    // Fails only where this process leads its group already, as under a service manager: then there is nothing to leave.
    let _ = rustix::process::setsid();
    match options(false).and_then(|options| Ok(vsp_proc::run(options)?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn back_end(arguments: &[OsString]) -> ExitCode {
    let command = vsp_proc::avio::AvioArgs::augment_args(clap::Command::new("hpvm vsp-proc avio"));
    let matches = command.try_get_matches_from(arguments).unwrap_or_else(|error| error.exit());
    let run = || vsp_proc::avio::run(vsp_proc::avio::AvioArgs::from_arg_matches(&matches)?);
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hpvm vsp-proc avio: {error:#}");
            ExitCode::FAILURE
        }
    }
}

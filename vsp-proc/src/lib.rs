//! The VSP: the process that owns guests' configurations, their storage and their processes.
//!
//! ```text
//!   clients ──▶ server ──▶ supervisor ──▶ run (one per guest process) ──▶ guest-proc
//!                 │            │  └─ supervise::guest: what may happen, as a pure function
//!                 │            └──── db: one readable file per guest
//!                 ├──▶ console: log and viewers of one guest's console
//!                 └──▶ log: what the VSP and guest processes log, read from their files
//! ```
//!
//! Each piece of state has one owner thread; owners exchange messages and never wait for a client or a guest.

pub mod avio;
mod avio_link;
mod caller;
mod clients;
mod console;
pub mod db;
mod demo;
mod devmgmt;
mod duplicate;
mod extend;
pub mod fs;
mod hardware;
mod log;
pub mod root;
mod server;
mod settings;
mod software;
mod stores;
mod stream;
mod supervise;
mod supervisor;

use std::ffi::OsString;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use crossbeam_channel::unbounded;
use ipc::listener::Listener;
use ipc::log::{LogFile, LogGuard};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::hardware::Hardware;
use crate::log::LogHub;
use crate::root::{RootError, StateRoot};
use crate::server::Server;
pub use crate::supervise::launch::Image;
use crate::supervise::launch::Launcher;
use crate::supervisor::{Input, Supervisor};

/// Environment variable with `tracing` filter directives for the VSP's log; `info` without it.
pub const LOG_VARIABLE: &str = "HPVM_LOG";

/// Line on standard output by which a VSP tells its starter that clients can connect.
pub const READY_LINE: &str = "ready";

/// How a VSP is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// State directory.
    pub root: StateRoot,
    /// Program and first arguments of guest processes; `managed --control-fd N` is added.
    pub guest_command: Vec<OsString>,
    /// Built-in kernels. The one called `diag` makes the guest `demo` on a new state directory.
    pub images: Vec<Image>,
    /// Write the log to standard error, too.
    pub log_to_stderr: bool,
}

/// A VSP could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory cannot be used.
    #[error(transparent)]
    Root(#[from] RootError),
    /// The guest database cannot be read.
    #[error(transparent)]
    Database(#[from] db::StoreError),
    /// Nobody could connect.
    #[error("cannot listen for commands: {0}")]
    Listen(#[from] ipc::Error),
    /// The host refused something basic.
    #[error("cannot start the VSP: {0}")]
    Host(#[from] io::Error),
}

/// The name of this host.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Runs a VSP until it is told to end, by a client or by SIGTERM or SIGINT, and all guests are off.
///
/// # Errors
/// [`StartError`] if it cannot start; once it serves, it ends in order.
pub fn run(options: Options) -> Result<(), StartError> {
    let Options { root, guest_command, images, log_to_stderr } = options;
    let lock = root.lock()?;
    let log = init_tracing(&root, log_to_stderr)?;
    let logs = LogHub::start(root.clone())?;
    tracing::info!(build = env!("CARGO_PKG_VERSION"), root = %root.path().display(), "VSP starts");

    let mut db = db::GuestDb::open(&root)?;
    if lock.is_new() {
        demo::create(&root, &mut db, &images);
    }
    let (supervisor_inbox, inputs) = unbounded();
    let launcher = Launcher { command: guest_command, images, hardware: Hardware::open(&root) };
    let access = settings::access(&root)?;
    root.admit(access.group)?;
    let supervisor =
        Supervisor::new(root.clone(), access, db, launcher, logs.clone(), supervisor_inbox.clone())?;
    forward_signals(supervisor_inbox.clone())?;
    let listener = Listener::bind(&root.socket(), access)?;
    let server = Server::start(listener, access, supervisor_inbox, logs)?;
    // Whoever started us may have gone; that is no reason not to serve.
    let mut out = io::stdout();
    let _ = writeln!(out, "{READY_LINE}").and_then(|()| out.flush());
    // Where there is no service manager there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    supervisor.run(inputs);
    tracing::info!("VSP ends");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    // While the lock is still ours nobody else's socket can be there.
    let _ = std::fs::remove_file(root.socket());
    server.drain(Duration::from_secs(2));
    drop(log);
    drop(lock);
    Ok(())
}

/// The first signal stops the guests in order, any further one at once.
fn forward_signals(supervisor: crossbeam_channel::Sender<Input>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for (count, signal) in signals.forever().enumerate() {
            tracing::info!(signal, "signal");
            if supervisor.send(Input::Shutdown { hard: count > 0 }).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

/// The log reaches its file at the latest when what is returned is dropped.
fn init_tracing(root: &StateRoot, to_stderr: bool) -> io::Result<LogGuard> {
    let (writer, guard) = LogFile::open(&root.log(), None)?.into_writer();
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let file = tracing_subscriber::fmt::layer().json().with_current_span(false).with_writer(writer);
    let stderr =
        to_stderr.then(|| tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false));
    // Fails only if a subscriber is set already, as in a process that runs more than a VSP; then it stays.
    let _ = tracing_subscriber::registry().with(filter).with(file).with(stderr).try_init();
    Ok(guard)
}

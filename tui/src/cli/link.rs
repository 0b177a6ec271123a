//! The way to the VSP, which is started where none runs.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use ipc::client::Client;
use vsp_proc::root::StateRoot;

use super::vsp::PROCESS_ROLE;

/// Time a VSP has to begin to serve.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// Time between two attempts to connect to a VSP that somebody else is starting.
const RETRY: Duration = Duration::from_millis(20);
/// This executable, even after its file was replaced.
const OWN_EXECUTABLE: &str = "/proc/self/exe";
/// Why somebody cannot use a VSP that is not his own (hpvm.md 4.0).
const SUPERUSER: &str = "Superuser privileges required.";

/// Connects to this user's VSP; starts it if none runs.
///
/// # Errors
/// When it cannot be reached, with the reason.
pub(crate) fn connect() -> anyhow::Result<Client> {
    let root = StateRoot::resolve()?;
    if let Some(client) = try_connect(&root)? {
        return Ok(client);
    }
    start(&root)?;
    let deadline = Instant::now() + START_DEADLINE;
    loop {
        if let Some(client) = try_connect(&root)? {
            return Ok(client);
        }
        if Instant::now() > deadline {
            bail!("the VSP did not begin to serve within {} s: see 'hpvm log vsp'", START_DEADLINE.as_secs());
        }
        thread::sleep(RETRY);
    }
}

/// Connects to this user's VSP if one runs.
///
/// # Errors
/// When one seems to run but cannot be talked to.
pub(crate) fn connect_running() -> anyhow::Result<Option<Client>> {
    try_connect(&StateRoot::resolve()?)
}

fn try_connect(root: &StateRoot) -> anyhow::Result<Option<Client>> {
    match Client::connect(&root.socket()) {
        Ok(client) => Ok(Some(client)),
        Err(ipc::Error::Io(e)) if is_absent(&e) => Ok(None),
        // It ended between accepting and greeting.
        Err(ipc::Error::Closed) => Ok(None),
        Err(ipc::Error::Io(e)) if e.kind() == io::ErrorKind::PermissionDenied => bail!(SUPERUSER),
        Err(e) => Err(e).with_context(|| format!("cannot talk to the VSP at '{}'", root.socket().display())),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
    )
}

/// Starts a VSP that outlives this process, and waits until it serves or says why it cannot.
///
/// # Errors
/// What the VSP says.
pub(super) fn start(root: &StateRoot) -> anyhow::Result<()> {
    let own = rustix::process::geteuid();
    if !own.is_root() && root.owner().is_ok_and(|owner| owner != own.as_raw()) {
        bail!("{SUPERUSER} The VSP of '{}' is not running.", root.path().display());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(root.common())
        .with_context(|| format!("cannot make the state directory '{}'", root.path().display()))?;
    let stderr = root.common().join("vsp.stderr");
    let stderr = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&stderr)
        .with_context(|| format!("cannot write '{}'", stderr.display()))?;
    let mut child = Command::new(OWN_EXECUTABLE)
        .arg(PROCESS_ROLE)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .context("cannot start the VSP")?;
    let stdout = child.stdout.take().ok_or_else(|| anyhow!("no pipe to the VSP"))?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).context("cannot read from the VSP")?;
    match line.trim() {
        vsp_proc::READY_LINE => Ok(()),
        // Two commands at once: the other one's VSP won, and this one can be waited for.
        "" => bail!("the VSP ended at once: see '{}/vsp.stderr'", root.common().display()),
        text if text.contains("already running") => Ok(()),
        text => bail!("{text}"),
    }
}

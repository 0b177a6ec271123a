//! `guest-proc managed`: a guest for the VSP. Everything it is arrives with the first message; console bytes travel as
//! messages, log lines go to files. The VSP may die at any time: the guest goes on, and the next VSP takes over.

mod orders;
mod outbox;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use ipc::connection::Receiver;
use ipc::guest::{ExitReason, GuestEnd, GuestStart, Phase, Stats, VcpuState, VcpuStats, VspToGuest};
use ipc::log::{LogFile, LogGuard};
use ipc::{Connection, Role};
use nix::sys::resource::{UsageWho, getrusage};
use tracing::{error, info};
use tracing_subscriber::EnvFilter;

use self::orders::Orders;
use self::outbox::Outbox;
use super::inherited;
use crate::avio;
use crate::control::Outcome;
use crate::loader::{BootSource, Image};
use crate::machine::{Activity, Machine, VcpuFigures};
use crate::pci::host::Location;
use crate::sandbox::Sandbox;

/// Environment variable with the log filter.
const LOG_VARIABLE: &str = "KITTSON_LOG";
const STATS_INTERVAL: Duration = Duration::from_secs(1);

/// What came with the VSP's first message beside the machine's own parts.
struct Ties {
    /// Where the next VSP will connect.
    listener: UnixListener,
    /// Where the end of the console output goes.
    console_end: File,
    /// Where the reason of the end goes.
    last_words: File,
}

/// Runs the guest the VSP describes; returns the exit status.
pub(super) fn run(control_fd: i32, log_directory: Option<&Path>, name: Option<&str>) -> anyhow::Result<u8> {
    // Asked before the host's files are out of reach, which tell what share of the processors is this process'.
    crate::machine::host_processors();
    let file = log_directory.map(|directory| open_log(directory, name)).transpose()?;
    let sandbox = Sandbox::begin(log_directory)?;
    let _log = init_log(file);
    let stream = inherited::socket(control_fd)
        .with_context(|| format!("descriptor {control_fd} is no control socket"))?;
    let connection: GuestEnd = Connection::open(stream, Role::Guest, Role::Vsp)?;
    let (sender, mut receiver) = connection.split();
    let outbox = Outbox::default();
    outbox.connect(sender, 0);
    let talker = outbox.clone();
    spawn("vsp-out", move || talker.talk())?;
    let mut files = None;
    let result = receive_start(&mut receiver).and_then(|(start, parts, ties)| {
        files = Some((ties.console_end, ties.last_words));
        run_guest(&start, parts, ties.listener, &outbox, receiver, sandbox)
    });
    let (code, reason) = match result {
        Ok(outcome) => (super::exit_code(&outcome), exit_reason(&outcome)),
        Err(failure) => {
            error!(error = format_args!("{failure:#}"), "the guest cannot be run");
            (1, ExitReason::Failed(format!("{failure:#}")))
        }
    };
    let note = |(mut console_end, mut last_words): (File, File)| {
        console_end.write_all(&outbox.console_end().to_file())?;
        last_words.write_all(reason.to_text().as_bytes())
    };
    if let Some(Err(error)) = files.map(note) {
        error!(%error, "cannot note how the guest ends");
    }
    outbox.finish(reason);
    Ok(code)
}

fn open_log(directory: &Path, name: Option<&str>) -> anyhow::Result<LogFile> {
    LogFile::open(directory, name).with_context(|| format!("cannot log into '{}'", directory.display()))
}

/// Logs into the files of a directory, or to standard error.
fn init_log(file: Option<LogFile>) -> Option<LogGuard> {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .json()
        .with_current_span(false)
        .with_env_filter(filter);
    let Some(file) = file else {
        lines.with_writer(io::stderr).init();
        return None;
    };
    let (writer, guard) = file.into_writer();
    lines.with_writer(writer).init();
    let complain = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        error!(%panic, "internal error");
        complain(panic);
    }));
    Some(guard)
}

fn exit_reason(outcome: &Outcome) -> ExitReason {
    match outcome {
        Outcome::PowerOff => ExitReason::PowerOff,
        Outcome::Reset => ExitReason::Reset,
        Outcome::Stopped => ExitReason::Stopped,
        Outcome::Fatal(text) => ExitReason::Fatal(text.clone()),
    }
}

fn receive_start(
    receiver: &mut Receiver<VspToGuest>,
) -> anyhow::Result<(GuestStart, impl Iterator<Item = OwnedFd> + use<>, Ties)> {
    let (message, mut descriptors) = receiver.receive_with()?;
    let VspToGuest::Start(start) = message else { bail!("the VSP's first message is not Start") };
    if descriptors.len() != start.descriptor_count() {
        bail!("the VSP sent {} descriptors where {} belong", descriptors.len(), start.descriptor_count());
    }
    let mut last = || descriptors.pop().ok_or_else(|| anyhow!("a descriptor is missing"));
    let (last_words, console_end, socket) = (File::from(last()?), File::from(last()?), last()?);
    let listener = orders::listener(socket).context("cannot listen for a later VSP")?;
    Ok((*start, descriptors.into_iter(), Ties { listener, console_end, last_words }))
}

fn run_guest(
    start: &GuestStart,
    mut descriptors: impl Iterator<Item = OwnedFd>,
    listener: UnixListener,
    outbox: &Outbox,
    receiver: Receiver<VspToGuest>,
    sandbox: Sandbox,
) -> anyhow::Result<Outcome> {
    let mut image = |name: &str| {
        let descriptor = descriptors.next().ok_or_else(|| anyhow!("the VSP sent no {name}"))?;
        anyhow::Ok(Image::new(name.into(), File::from(descriptor)))
    };
    let source = BootSource {
        kernel: image("kernel")?,
        initrd: start.has_initrd.then(|| image("RAM disk")).transpose()?,
        command_line: start.append.clone(),
    };
    let machine = Arc::new(Machine::new(start.memory_bytes, start.vcpus as usize)?);
    let mut adapters = Vec::new();
    for adapter in &start.adapters {
        let (bus, slot) = (adapter.bus, adapter.slot);
        let connection = descriptors.next().ok_or_else(|| anyhow!("the VSP sent no adapter {bus},{slot}"))?;
        let (location, connection) = (Location { bus, slot }, UnixStream::from(connection));
        let attached = avio::attach(&machine, location, adapter.request_queues, connection)?;
        let told = outbox.clone();
        attached.on_loss(move || told.lost((bus, slot)));
        adapters.push(((bus, slot), attached));
    }
    let entry = machine.load(&source)?;
    let output = spawn("console-out", {
        let (machine, outbox) = (machine.clone(), outbox.clone());
        move || {
            while let Some(bytes) = machine.uart.wait_output() {
                outbox.console(&bytes);
            }
        }
    })?;
    let orders = Orders { machine: machine.clone(), adapters, listener, outbox: outbox.clone() };
    spawn("control", move || orders.obey(receiver))?;
    let stats = spawn("stats", {
        let (machine, outbox) = (machine.clone(), outbox.clone());
        move || {
            while machine.control.wait_for(STATS_INTERVAL).is_none() {
                outbox.stats(figures(&machine));
            }
        }
    })?;
    sandbox.finish();
    outbox.started();
    outbox.phase(Phase::Os);
    info!(memory = start.memory_bytes, vcpus = start.vcpus, "the guest runs");
    let outcome = machine.run(entry)?;
    info!(?outcome, "the guest has ended");
    machine.uart.close();
    _ = output.join();
    _ = stats.join();
    outbox.stats(figures(&machine));
    Ok(outcome)
}

fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<std::thread::JoinHandle<T>> {
    std::thread::Builder::new().name(name.into()).spawn(body)
}

fn figures(machine: &Machine) -> Stats {
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
    let counters = &machine.counters;
    Stats {
        instructions: counters.instructions(),
        cpu_micros: getrusage(UsageWho::RUSAGE_SELF)
            .map_or(0, |u| micros(u.user_time()) + micros(u.system_time())),
        idle_micros: counters.idle_nanos() / 1000,
        console_bytes: machine.uart.bytes_written(),
        interruptions: counters.interruptions(),
        vcpus: machine.activities().into_iter().zip(counters.vcpus()).map(vcpu_figures).collect(),
    }
}

fn vcpu_figures((activity, figures): (Activity, VcpuFigures)) -> VcpuStats {
    VcpuStats {
        state: match activity {
            Activity::Running if figures.is_halted => VcpuState::Halted,
            Activity::Running => VcpuState::Running,
            Activity::Waiting => VcpuState::Waiting,
            Activity::Dead => VcpuState::Dead,
        },
        instructions: figures.instructions,
        cpu_micros: figures.cpu_nanos / 1000,
        idle_micros: figures.idle_nanos / 1000,
    }
}

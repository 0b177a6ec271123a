//! `guest-proc managed`: a guest for the VSP. Everything it is arrives with the first message; log lines go to standard
//! error as JSON, console bytes travel as messages.

use std::fs::File;
use std::io::{self};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use ipc::connection::{Receiver, Sender};
use ipc::guest::{ExitReason, GuestEnd, GuestStart, GuestToVsp, Phase, Stats, VspToGuest};
use ipc::{Connection, Role};
use nix::sys::resource::{UsageWho, getrusage};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use super::inherited;
use crate::avio;
use crate::control::Outcome;
use crate::loader::{BootSource, Image};
use crate::machine::Machine;
use crate::pci::host::Location;

/// Environment variable with the log filter.
const LOG_VARIABLE: &str = "KITTSON_LOG";
const STATS_INTERVAL: Duration = Duration::from_secs(1);

/// The VSP as everybody in this process talks to it. When it has gone the guest goes on without.
#[derive(Clone)]
struct Vsp(Arc<Mutex<Option<Sender<GuestToVsp>>>>);

impl Vsp {
    fn send(&self, message: &GuestToVsp) {
        let mut sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Err(error)) = sender.as_mut().map(|sender| sender.send(message)) else { return };
        warn!(%error, "the VSP has gone");
        *sender = None;
    }
}

/// Runs the guest the VSP describes; returns the exit status.
pub(super) fn run(control_fd: i32) -> anyhow::Result<u8> {
    let filter = EnvFilter::try_from_env(LOG_VARIABLE).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .log_internal_errors(false)
        .json()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    let stream = inherited::socket(control_fd)
        .with_context(|| format!("descriptor {control_fd} is no control socket"))?;
    let connection: GuestEnd = Connection::open(stream, Role::Guest, Role::Vsp)?;
    let (sender, mut receiver) = connection.split();
    let vsp = Vsp(Arc::new(Mutex::new(Some(sender))));
    let result = receive_start(&mut receiver).and_then(|(start, descriptors)| {
        let _span = tracing::info_span!("guest", name = start.name, number = start.number).entered();
        run_guest(&start, descriptors, &vsp, receiver)
    });
    match result {
        Ok(outcome) => {
            vsp.send(&GuestToVsp::Exiting(exit_reason(&outcome)));
            Ok(super::exit_code(&outcome))
        }
        Err(failure) => {
            error!(error = format_args!("{failure:#}"), "the guest cannot be run");
            vsp.send(&GuestToVsp::Exiting(ExitReason::Failed(format!("{failure:#}"))));
            Ok(1)
        }
    }
}

fn exit_reason(outcome: &Outcome) -> ExitReason {
    match outcome {
        Outcome::PowerOff => ExitReason::PowerOff,
        Outcome::Reset => ExitReason::Reset,
        Outcome::Stopped => ExitReason::Stopped,
        Outcome::Fatal(text) => ExitReason::Fatal(text.clone()),
    }
}

fn receive_start(receiver: &mut Receiver<VspToGuest>) -> anyhow::Result<(GuestStart, Vec<OwnedFd>)> {
    let (message, descriptors) = receiver.receive_with()?;
    let VspToGuest::Start(start) = message else { bail!("the VSP's first message is not Start") };
    if descriptors.len() != start.descriptor_count() {
        bail!("the VSP sent {} descriptors where {} belong", descriptors.len(), start.descriptor_count());
    }
    Ok((*start, descriptors))
}

fn run_guest(
    start: &GuestStart,
    descriptors: Vec<OwnedFd>,
    vsp: &Vsp,
    receiver: Receiver<VspToGuest>,
) -> anyhow::Result<Outcome> {
    let mut descriptors = descriptors.into_iter();
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
    for adapter in &start.adapters {
        let (bus, slot) = (adapter.bus, adapter.slot);
        let connection = descriptors.next().ok_or_else(|| anyhow!("the VSP sent no adapter {bus},{slot}"))?;
        avio::attach(&machine, Location { bus, slot }, adapter.request_queues, UnixStream::from(connection))?;
    }
    let entry = machine.load(&source)?;
    let output = spawn("console-out", {
        let (machine, vsp) = (machine.clone(), vsp.clone());
        move || {
            while let Some(bytes) = machine.uart.wait_output() {
                vsp.send(&GuestToVsp::ConsoleOutput(bytes));
            }
        }
    })?;
    spawn("control", {
        let machine = machine.clone();
        move || obey(&machine, receiver)
    })?;
    let stats = spawn("stats", {
        let (machine, vsp) = (machine.clone(), vsp.clone());
        move || {
            while machine.control.wait_for(STATS_INTERVAL).is_none() {
                vsp.send(&GuestToVsp::Stats(figures(&machine)));
            }
        }
    })?;
    vsp.send(&GuestToVsp::Started);
    vsp.send(&GuestToVsp::State(Phase::Os));
    info!(memory = start.memory_bytes, vcpus = start.vcpus, "the guest runs");
    let outcome = machine.run(entry)?;
    info!(?outcome, "the guest has ended");
    machine.uart.close();
    _ = output.join();
    _ = stats.join();
    vsp.send(&GuestToVsp::Stats(figures(&machine)));
    Ok(outcome)
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name(name.into()).spawn(body)
}

/// Does what the VSP says until it or the guest has gone.
fn obey(machine: &Machine, mut receiver: Receiver<VspToGuest>) {
    loop {
        match receiver.receive() {
            Ok(VspToGuest::ConsoleInput(bytes)) => _ = machine.uart.receive(&bytes),
            Ok(VspToGuest::PowerButton) => machine.power.press_power_button(),
            Ok(VspToGuest::Reset) => machine.control.end(Outcome::Reset),
            Ok(VspToGuest::Stop) => machine.control.end(Outcome::Stopped),
            Ok(VspToGuest::Start(_)) => warn!("the VSP said Start twice"),
            Err(error) => {
                warn!(%error, "no further orders from the VSP");
                return;
            }
        }
    }
}

fn figures(machine: &Machine) -> Stats {
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64;
    let counters = &machine.counters;
    Stats {
        instructions: counters.instructions.load(Ordering::Relaxed),
        cpu_micros: getrusage(UsageWho::RUSAGE_SELF)
            .map_or(0, |u| micros(u.user_time()) + micros(u.system_time())),
        idle_micros: counters.idle_nanos.load(Ordering::Relaxed) / 1000,
        console_bytes: machine.uart.bytes_written(),
        interruptions: counters.interruptions.load(Ordering::Relaxed),
    }
}

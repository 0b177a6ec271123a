//! The threads that listen to one running guest process, and what is left in the hands of the supervisor.
//!
//! ```text
//!   control ──▶ Console (bytes)          wait ───▶ Gone, once the process is reaped
//!           └─▶ Supervisor (the rest)              and its stores are free
//!   Supervisor, viewers ──▶ queue ──▶ orders ──▶ guest process
//! ```

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select_biased, unbounded};
use ipc::Role;
use ipc::connection::{Receiver as ControlReceiver, Sender as ControlSender};
use ipc::figures::DeviceFigures;
use ipc::guest::{GuestToVsp, VspEnd, VspToGuest};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use storage::statement::Address;

use super::adapters::{Adapters, Obstacle, Prepared, Step};
use super::attach::Stray;
use super::launch::{Launched, Places};
use super::record::{Leftover, console_end, last_words};
use crate::console::Console;
use crate::db::GuestConfig;

/// Pieces of console input that wait for a guest process to read.
const INPUT_QUEUE: usize = 64;
/// Longest time a guest process may leave its control connection unread before it counts as lost.
const SEND_DEADLINE: Duration = Duration::from_secs(60);
/// Longest time to hear what a process has said that has ended.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Time between two looks whether stores were resized.
const LOOK_INTERVAL: Duration = Duration::from_secs(3);
/// Most bytes of a process' standard error that are worth a place in the log.
const MAX_COMPLAINT: u64 = 2000;

/// A running guest process as the supervisor holds it.
pub(crate) struct Run {
    pub(crate) pid: u32,
    pidfd: OwnedFd,
    orders: Sender<Order>,
    /// Asks for a look at the sizes of stores; closed when the run is over.
    look: Sender<()>,
    adapters: Adapters,
}

/// A message, and a stream that goes with it.
type Order = (VspToGuest, Option<UnixStream>);

/// What a run's threads tell the supervisor.
#[derive(Debug)]
pub(crate) enum RunEvent {
    /// A message of the guest process, other than console output.
    Said(GuestToVsp),
    /// The control connection ended; the text says how.
    ControlLost(String),
    /// The process is reaped and its stores are free; the text says how it ended.
    Gone(String),
}

/// A process as its threads know it.
struct Process {
    name: String,
    pid: u32,
    pidfd: OwnedFd,
    /// Absent if it is not our child: a former VSP started it.
    child: Option<Child>,
    places: Places,
    /// Back-ends of its adapters.
    adapters: Adapters,
}

/// The two directions of a control connection on which the first message has been sent.
type Control = (ControlSender<VspToGuest>, ControlReceiver<GuestToVsp>);

impl Run {
    /// Puts threads to a process that was just launched; they give what they hear to `tell`.
    pub(crate) fn begin<T>(
        launched: Launched,
        config: GuestConfig,
        places: &Places,
        console: &Console,
        tell: T,
    ) -> std::io::Result<Run>
    where
        T: Fn(RunEvent) + Clone + Send + 'static,
    {
        let Launched { mut child, control, start, descriptors, served } = launched;
        let pid = child.id();
        let pidfd = match open_pidfd(pid) {
            Ok(pidfd) => pidfd,
            Err(e) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(e);
            }
        };
        let locations = start.adapters.iter().map(|adapter| (adapter.bus, adapter.slot)).collect();
        let process = Process {
            name: start.name.clone(),
            pid,
            pidfd,
            child: Some(child),
            places: places.clone(),
            adapters: Adapters::new(config, places.supply.clone(), locations, served),
        };
        console.begin_run();
        let start = VspToGuest::Start(Box::new(start));
        Run::watch(process, console, tell, move || {
            let (mut sender, receiver) = VspEnd::open(control, Role::Vsp, Role::Guest)?.split();
            let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            sender.send_with(&start, &borrowed)?;
            Ok((sender, receiver))
        })
    }

    /// Puts threads to a process that a former VSP launched for a guest of this configuration.
    pub(crate) fn resume<T>(
        leftover: Leftover,
        config: GuestConfig,
        places: Places,
        console: &Console,
        tell: T,
    ) -> std::io::Result<Run>
    where
        T: Fn(RunEvent) + Clone + Send + 'static,
    {
        let (name, pid, untold) = (config.name.clone(), leftover.record.pid, leftover.record.untold);
        let locations = leftover.record.adapters;
        let adapters = Adapters::new(config, places.supply.clone(), locations, Vec::new());
        let process = Process {
            name: name.clone(),
            pid,
            pidfd: leftover.pidfd.try_clone()?,
            child: None,
            places: places.clone(),
            adapters: adapters.clone(),
        };
        let attaching = console.clone();
        Run::watch(process, console, tell, move || {
            let pidfd = &leftover.pidfd;
            let stray = Stray { pid, pidfd, guest: &name, places: &places, untold: &untold };
            stray.attach(&attaching, &adapters)
        })
    }

    /// `open` makes the control connection.
    fn watch<T>(
        mut process: Process,
        console: &Console,
        tell: T,
        open: impl FnOnce() -> ipc::Result<Control> + Send + 'static,
    ) -> std::io::Result<Run>
    where
        T: Fn(RunEvent) + Clone + Send + 'static,
    {
        let (orders, queue) = unbounded();
        let (typed, input) = bounded(INPUT_QUEUE);
        console.connect(Some(typed));
        let adapters = process.adapters.clone();
        let (look, looks) = bounded(1);
        let run = Run {
            pid: process.pid,
            pidfd: process.pidfd.try_clone()?,
            orders: orders.clone(),
            look,
            adapters: adapters.clone(),
        };

        let name = process.name.clone();
        let spawn = |what: &str| thread::Builder::new().name(format!("{what}-{name}"));
        let (told, ending) = (tell.clone(), console.clone());
        let (conversing, conversation) = bounded::<()>(0);
        spawn("wait").spawn(move || {
            let how = process.wait();
            // Its last words come before the news of its end; nothing is sent on this channel, it only closes.
            let _ = conversation.recv_timeout(LAST_WORDS);
            if let Some(end) = console_end(&process.places.console_end) {
                ending.end_run(end);
            }
            // It may have said so while nobody listened: before we came to it, or because the connection was lost.
            if let Some(reason) = last_words(&process.places.last_words) {
                told(RunEvent::Said(GuestToVsp::Exiting(reason)));
            }
            report_complaint(&process.name, &process.places.stderr);
            // Nobody listens there any more.
            let _ = std::fs::remove_file(&process.places.socket);
            process.adapters.end();
            told(RunEvent::Gone(how));
        })?;
        let looked_at = adapters.clone();
        spawn("look").spawn(move || {
            while looks.recv_timeout(LOOK_INTERVAL) != Err(RecvTimeoutError::Disconnected) {
                looked_at.announce_resized();
            }
        })?;
        let console = console.clone();
        spawn("control").spawn(move || {
            let _conversing = conversing;
            let hear = |said| match said {
                GuestToVsp::ConsoleOutput(bytes) => console.output(bytes),
                GuestToVsp::ConsoleGap { bytes } => console.skip(bytes),
                GuestToVsp::AdapterLost { bus, slot } => {
                    if let Some(stream) = adapters.again((bus, slot)) {
                        // Fails only when nobody forwards orders any more.
                        let _ = orders.send((VspToGuest::Adapter { bus, slot }, Some(stream)));
                    }
                }
                said => tell(RunEvent::Said(said)),
            };
            let end = open().and_then(|control| converse(control, (queue, input), hear));
            let how = end.err().map_or_else(String::new, |e| format!("Lost the guest process: {e}."));
            tell(RunEvent::ControlLost(how));
        })?;
        Ok(run)
    }

    /// Gives the process an order; orders pass console input that waits.
    pub(crate) fn order(&self, order: VspToGuest) {
        // Fails only when the connection is lost, which its own event tells.
        let _ = self.orders.send((order, None));
    }

    /// What its storage devices did so far, by bus, slot and target.
    pub(crate) fn figures(&self) -> Vec<DeviceFigures> {
        self.adapters.figures()
    }

    /// Bus and slot of the adapters its machine has, ascending.
    pub(crate) fn adapters(&self) -> &[(u8, u8)] {
        self.adapters.locations()
    }

    /// Has the sizes of its stores looked at, and the guest told of those that changed.
    pub(crate) fn look(&self) {
        // One look that waits is enough.
        let _ = self.look.try_send(());
    }

    /// The VSP ends and the guest does not: see [`Adapters::leave`].
    pub(crate) fn leave(&self) {
        self.adapters.leave();
    }

    /// See [`Adapters::prepare`].
    pub(crate) fn prepare(
        &self,
        steps: &[Step],
        is_active: impl Fn(Address) -> bool,
    ) -> Result<Prepared, Obstacle> {
        self.adapters.prepare(steps, is_active)
    }

    /// See [`Adapters::apply`].
    pub(crate) fn apply(&self, prepared: Prepared, config: GuestConfig) {
        self.adapters.apply(prepared, config);
    }

    /// Those of `devices` of whose last change the guest does not know yet.
    pub(crate) fn still_untold(&self, devices: &BTreeSet<Address>) -> BTreeSet<Address> {
        devices.iter().copied().filter(|address| !self.adapters.has_told(*address)).collect()
    }

    /// Kills the process.
    pub(crate) fn kill(&self) {
        // Fails only if the process has ended already.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }
}

/// Passes orders on and listens until the connection ends.
fn converse(
    (sender, mut receiver): Control,
    (orders, input): (Receiver<Order>, Receiver<VspToGuest>),
    hear: impl Fn(GuestToVsp),
) -> ipc::Result<()> {
    sender.set_deadline(Some(SEND_DEADLINE))?;
    thread::Builder::new().name("orders".into()).spawn(move || forward(&orders, &input, sender))?;
    loop {
        hear(receiver.receive()?);
    }
}

/// Ends with the run, or when the process does not read any more.
fn forward(orders: &Receiver<Order>, input: &Receiver<VspToGuest>, mut sender: ControlSender<VspToGuest>) {
    loop {
        let order = select_biased! {
            recv(orders) -> order => order,
            recv(input) -> input => input.map(|input| (input, None)),
        };
        match order {
            Ok((order, stream)) => {
                let stream: Vec<_> = stream.iter().map(AsFd::as_fd).collect();
                if sender.send_with(&order, &stream).is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
    }
    sender.close();
}

/// What the runtime of a process that has ended complained of is for the log, too.
fn report_complaint(guest: &str, stderr: &Path) {
    let mut bytes = Vec::new();
    let read = File::open(stderr).and_then(|file| file.take(MAX_COMPLAINT).read_to_end(&mut bytes));
    if let Err(error) = read {
        tracing::warn!(guest, %error, "cannot read what the guest process complained of");
    }
    let text = String::from_utf8_lossy(&bytes);
    if !text.trim().is_empty() {
        tracing::error!(guest, stderr = text.trim(), "the guest process complained");
    }
}

/// The process cannot have been reaped yet, so the number is still its own.
fn open_pidfd(pid: u32) -> std::io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid as i32).ok_or_else(|| std::io::Error::other("no process number"))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

impl Process {
    /// Waits for its end and says how it ended.
    fn wait(&mut self) -> String {
        // The pidfd tells of the end of any process, also of one that is not our child.
        let mut polled = [PollFd::new(self.pidfd.as_fd(), PollFlags::POLLIN)];
        while poll(&mut polled, PollTimeout::NONE).is_err_and(|errno| errno == nix::errno::Errno::EINTR) {}
        match &mut self.child {
            Some(child) => child.wait().map_or_else(|e| format!("unknown end ({e})"), describe),
            // Only a parent is told.
            None => "it was killed or has crashed".into(),
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(number)) => match nix::sys::signal::Signal::try_from(number) {
            Ok(signal) => format!("killed by signal {number} ({signal})"),
            Err(_) => format!("killed by signal {number}"),
        },
        (None, None) => "unknown end".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_processes_are_described() {
        assert_eq!(describe(ExitStatus::from_raw(9)), "killed by signal 9 (SIGKILL)");
        assert_eq!(describe(ExitStatus::from_raw(3 << 8)), "exit status 3");
    }

    /// Whatever a guest process writes, the conversation ends or goes on, and what it passes is closed.
    #[test]
    fn any_words_of_a_guest_process_are_survived() {
        use proptest::prelude::*;
        use std::io::Write;
        let said = [
            GuestToVsp::Started,
            GuestToVsp::ConsoleOutput(b"diag# ".to_vec()),
            GuestToVsp::ConsoleGap { bytes: u64::MAX },
            GuestToVsp::AdapterLost { bus: 255, slot: 255 },
        ];
        let frame = |message| ipc::codec::encode(ipc::codec::PROTOCOL_VERSION, message).unwrap();
        let frames: Vec<Vec<u8>> = said.iter().map(frame).collect();
        let piece = prop_oneof![
            (0..frames.len()).prop_map(move |which| frames[which].clone()),
            prop::collection::vec(any::<u8>(), 0..300),
            // A frame of which not all comes, or that has no sense.
            (0u32..5_000_000, prop::collection::vec(any::<u8>(), 2..40)).prop_map(|(len, bytes)| [
                &len.to_le_bytes()[..],
                &bytes
            ]
            .concat()),
        ];
        let config = ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() };
        proptest::test_runner::TestRunner::new(config)
            .run(&prop::collection::vec(piece, 0..12), |pieces| {
                let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
                let hello = ipc::Hello::new(Role::Guest);
                theirs.write_all(&ipc::codec::encode(ipc::codec::HELLO_VERSION, &hello).unwrap()).unwrap();
                let writer = thread::spawn(move || {
                    // It may hang up before all is said.
                    let _ = theirs.write_all(&pieces.concat());
                    let _ = theirs.shutdown(std::net::Shutdown::Write);
                    theirs
                });
                let control = VspEnd::open(ours, Role::Vsp, Role::Guest).unwrap().split();
                let (orders, queue) = unbounded();
                let (_typed, input) = bounded(1);
                prop_assert!(
                    converse(control, (queue, input), |_| {}).is_err(),
                    "it ends with the connection"
                );
                drop(orders);
                drop(writer.join().unwrap());
                Ok(())
            })
            .unwrap();
    }
}

//! The threads that listen to one running guest process, and what is left in the hands of the supervisor.
//!
//! ```text
//!   control ──▶ Console (bytes)          wait ───▶ Gone, once the process is reaped
//!           └─▶ Supervisor (the rest)              and its stores are free
//!                                        errors ─▶ LogHub (standard error)
//!   Supervisor, viewers ──▶ queue ──▶ orders ──▶ guest process
//! ```

use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ExitStatus};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select_biased, unbounded};
use ipc::Role;
use ipc::connection::Sender as ControlSender;
use ipc::guest::{GuestToVsp, VspEnd, VspToGuest};
use ipc::log::LogSource;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::launch::Launched;
use crate::avio_link::Served;
use crate::console::Console;
use crate::log::{LogHub, from_json};

/// Pieces of console input that wait for a guest process to read.
const INPUT_QUEUE: usize = 64;
/// Longest time a guest process may leave its control connection unread before it counts as lost.
const SEND_DEADLINE: Duration = Duration::from_secs(60);
/// Longest time to hear what a process has said that has ended.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Longest line of a guest process' standard error.
const MAX_LINE: usize = 64 << 10;

/// A running guest process as the supervisor holds it.
pub(crate) struct Run {
    pub(crate) pid: u32,
    pidfd: OwnedFd,
    orders: Sender<VspToGuest>,
}

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

impl Run {
    /// Puts threads to a process that was just launched; they give what they hear to `tell`.
    pub(crate) fn begin<T>(
        launched: Launched,
        console: &Console,
        logs: &LogHub,
        tell: T,
    ) -> std::io::Result<Run>
    where
        T: Fn(RunEvent) + Clone + Send + 'static,
    {
        let Launched { mut child, control, stderr, start, descriptors, served } = launched;
        let (name, pid) = (start.name.clone(), child.id());
        let pidfd = match open_pidfd(pid) {
            Ok(pidfd) => pidfd,
            Err(e) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(e);
            }
        };
        let (orders, queue) = unbounded();
        let (typed, input) = bounded(INPUT_QUEUE);
        console.connect(Some(typed));

        let spawn = |what: &str| thread::Builder::new().name(format!("{what}-{name}"));
        let (logs, source) = (logs.clone(), LogSource::Guest(name.clone()));
        spawn("errors").spawn(move || forward_errors(stderr, &logs, &source))?;
        let (watched, told) = (pidfd.try_clone()?, tell.clone());
        let (conversing, conversation) = bounded::<()>(0);
        spawn("wait").spawn(move || {
            let how = wait(child, &watched);
            // Its last words come before the news of its end; nothing is sent on this channel, it only closes.
            let _ = conversation.recv_timeout(LAST_WORDS);
            served.into_iter().for_each(Served::end);
            told(RunEvent::Gone(how));
        })?;
        let console = console.clone();
        spawn("control").spawn(move || {
            let _conversing = conversing;
            let start = VspToGuest::Start(Box::new(start));
            let end = converse(control, &start, descriptors, (queue, input), &console, &tell);
            let how = end.err().map_or_else(String::new, |e| format!("Lost the guest process: {e}."));
            tell(RunEvent::ControlLost(how));
        })?;
        Ok(Run { pid, pidfd, orders })
    }

    /// Gives the process an order; orders pass console input that waits.
    pub(crate) fn order(&self, order: VspToGuest) {
        // Fails only when the connection is lost, which its own event tells.
        let _ = self.orders.send(order);
    }

    /// Kills the process.
    pub(crate) fn kill(&self) {
        // Fails only if the process has ended already.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }
}

/// Greets the guest process, starts it, and listens until the connection ends.
fn converse(
    control: std::os::unix::net::UnixStream,
    start: &VspToGuest,
    descriptors: Vec<OwnedFd>,
    (orders, input): (Receiver<VspToGuest>, Receiver<VspToGuest>),
    console: &Console,
    tell: &impl Fn(RunEvent),
) -> ipc::Result<()> {
    let (mut sender, mut receiver) = VspEnd::open(control, Role::Vsp, Role::Guest)?.split();
    sender.set_deadline(SEND_DEADLINE)?;
    let borrowed: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
    sender.send_with(start, &borrowed)?;
    drop(borrowed);
    drop(descriptors);
    thread::Builder::new().name("orders".into()).spawn(move || forward(&orders, &input, sender))?;
    loop {
        match receiver.receive()? {
            GuestToVsp::ConsoleOutput(bytes) => console.output(bytes),
            said => tell(RunEvent::Said(said)),
        }
    }
}

/// Ends with the run, or when the process does not read any more.
fn forward(
    orders: &Receiver<VspToGuest>,
    input: &Receiver<VspToGuest>,
    mut sender: ControlSender<VspToGuest>,
) {
    loop {
        let order = select_biased! {
            recv(orders) -> order => order,
            recv(input) -> input => input,
        };
        match order {
            Ok(order) if sender.send(&order).is_ok() => {}
            _ => break,
        }
    }
    sender.close();
}

fn forward_errors(stderr: ChildStderr, logs: &LogHub, source: &LogSource) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(more) = read_line(&mut reader, &mut line) {
        if !line.is_empty() {
            logs.record(from_json(source.clone(), &String::from_utf8_lossy(&line)));
        }
        if !more {
            return;
        }
    }
}

/// Reads a line without its end; longer ones come in pieces. False at the end of the stream.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    while line.len() < MAX_LINE {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return Ok(false);
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&available[..end.unwrap_or(available.len())]);
        let used = end.map_or(available.len(), |at| at + 1);
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(true)
}

/// The process cannot have been reaped yet, so the number is still its own.
fn open_pidfd(pid: u32) -> std::io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid as i32).ok_or_else(|| std::io::Error::other("no process number"))?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// Waits for the end of a process and says how it ended.
fn wait(mut child: Child, pidfd: &OwnedFd) -> String {
    // The pidfd tells of the end of any process, also of one that is not our child.
    let mut polled = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    while poll(&mut polled, PollTimeout::NONE).is_err_and(|errno| errno == nix::errno::Errno::EINTR) {}
    child.wait().map_or_else(|e| format!("unknown end ({e})"), describe)
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

    #[test]
    fn lines_are_read_whole_and_endless_ones_in_pieces() {
        let mut text: &[u8] = b"one\n\ntwo";
        let mut line = Vec::new();
        let mut lines = Vec::new();
        while read_line(&mut text, &mut line).unwrap() {
            lines.push(line.clone());
        }
        assert_eq!((lines, line.as_slice()), (vec![b"one".to_vec(), vec![]], &b"two"[..]));
        let endless = vec![b'x'; 3 * MAX_LINE];
        assert!(read_line(&mut BufReader::new(&endless[..]), &mut line).unwrap());
        assert!((MAX_LINE..2 * MAX_LINE).contains(&line.len()));
    }
}

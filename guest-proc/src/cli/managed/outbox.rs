//! What this process has to say to the VSP, kept until a VSP has taken it.
//!
//! Whoever has something to say puts it here and goes on; a thread of its own talks. A VSP that does not read, or none at
//! all, so holds up nobody. State and figures are kept as they are last; of console output the end is kept even after it
//! was sent, because a VSP that was killed may not have stored it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ipc::connection::Sender;
use ipc::guest::{ConsoleEnd, ExitReason, GuestToVsp, Phase, Stats};
use tracing::warn;

/// Bytes of console output that are kept.
const PAST: usize = 1 << 20;
/// Bytes of console output in one message.
const PIECE: usize = 16 << 10;
/// How long the console waits for a VSP that does not read before the oldest output is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Clones are the same outbox.
#[derive(Clone, Default)]
pub(super) struct Outbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// None while there is no VSP.
    link: Option<Link>,
    links: u64,
    console: Past,
    /// Adapters without a back-end, by bus and slot, of which the VSP has not been told.
    lost: BTreeSet<(u8, u8)>,
    started: bool,
    phase: Option<Phase>,
    stats: Option<Stats>,
    exiting: Option<ExitReason>,
}

/// A VSP, and what it has been told.
struct Link {
    number: u64,
    /// With the thread while it sends.
    sender: Option<Sender<GuestToVsp>>,
    console: u64,
    started: bool,
    phase: Option<Phase>,
    exiting: bool,
}

/// The end of the console output.
#[derive(Default)]
struct Past {
    bytes: VecDeque<u8>,
    /// Position of the first of them in the whole output.
    start: u64,
}

impl Past {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let surplus = self.bytes.len().saturating_sub(PAST);
        self.bytes.drain(..surplus);
        self.start += surplus as u64;
    }

    /// Up to a message's worth of output at `position`, which is not before the first byte.
    fn piece(&self, position: u64) -> Vec<u8> {
        let skipped = usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.bytes.iter().skip(skipped).take(PIECE).copied().collect()
    }
}

impl State {
    /// The next thing to tell the VSP.
    fn next(&mut self) -> Option<GuestToVsp> {
        let link = self.link.as_mut()?;
        if self.started && !link.started {
            link.started = true;
            return Some(GuestToVsp::Started);
        }
        if let Some(phase) = self.phase.filter(|phase| link.phase != Some(*phase)) {
            link.phase = Some(phase);
            return Some(GuestToVsp::State(phase));
        }
        if let Some((bus, slot)) = self.lost.pop_first() {
            return Some(GuestToVsp::AdapterLost { bus, slot });
        }
        if let Some(stats) = self.stats.take() {
            return Some(GuestToVsp::Stats(stats));
        }
        if link.console < self.console.start {
            let bytes = self.console.start - link.console;
            link.console = self.console.start;
            return Some(GuestToVsp::ConsoleGap { bytes });
        }
        if link.console < self.console.end() {
            let piece = self.console.piece(link.console);
            link.console += piece.len() as u64;
            return Some(GuestToVsp::ConsoleOutput(piece));
        }
        let reason = self.exiting.clone().filter(|_| !link.exiting)?;
        link.exiting = true;
        Some(GuestToVsp::Exiting(reason))
    }

    /// A message, and who sends it to whom.
    fn take(&mut self) -> Option<(u64, Sender<GuestToVsp>, GuestToVsp)> {
        self.link.as_ref()?.sender.as_ref()?;
        let message = self.next()?;
        let link = self.link.as_mut()?;
        Some((link.number, link.sender.take()?, message))
    }

    /// Console output that the VSP has not been sent.
    fn unsent(&self) -> usize {
        self.link.as_ref().map_or(0, |link| self.console.end().saturating_sub(link.console) as usize)
    }
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.0.changed.notify_all();
    }

    /// From now on there is this VSP, which has the console output up to `console_from`.
    pub(super) fn connect(&self, sender: Sender<GuestToVsp>, console_from: u64) {
        self.change(|state| {
            state.links += 1;
            // It brings a back-end for each.
            state.lost.clear();
            state.link = Some(Link {
                number: state.links,
                sender: Some(sender),
                console: console_from.min(state.console.end()),
                started: false,
                phase: None,
                exiting: false,
            });
        });
    }

    /// The VSP has gone.
    pub(super) fn disconnect(&self) {
        self.change(|state| state.link = None);
    }

    /// The processors run.
    pub(super) fn started(&self) {
        self.change(|state| state.started = true);
    }

    /// The machine is in this phase.
    pub(super) fn phase(&self, phase: Phase) {
        self.change(|state| state.phase = Some(phase));
    }

    /// Newer figures.
    pub(super) fn stats(&self, stats: Stats) {
        self.change(|state| state.stats = Some(stats));
    }

    /// The adapter at this bus and slot has lost its back-end.
    pub(super) fn lost(&self, location: (u8, u8)) {
        self.change(|state| _ = state.lost.insert(location));
    }

    /// The guest wrote something. Waits a little for a VSP that is behind, but not for ever.
    pub(super) fn console(&self, bytes: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.state();
        while state.unsent() + bytes.len() > PAST {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.console.push(bytes);
        drop(state);
        self.0.changed.notify_all();
    }

    /// The console output that is kept.
    pub(super) fn console_end(&self) -> ConsoleEnd {
        let state = self.state();
        ConsoleEnd { start: state.console.start, bytes: state.console.bytes.iter().copied().collect() }
    }

    /// Tells the VSP why this process ends and waits until it was told, if there is one that listens.
    pub(super) fn finish(&self, reason: ExitReason) {
        self.change(|state| state.exiting = Some(reason));
        // Told is who has his sender back.
        let waits = |state: &mut State| {
            state.link.as_ref().is_some_and(|link| !(link.exiting && link.sender.is_some()))
        };
        // Whoever does not listen in time learns it from the file.
        let _ = self.0.changed.wait_timeout_while(self.state(), PATIENCE, waits);
    }

    /// Talks for as long as the process lives.
    pub(super) fn talk(&self) -> ! {
        let mut state = self.state();
        loop {
            let Some((number, mut sender, message)) = state.take() else {
                state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            let sent = sender.send(&message);
            state = self.state();
            if let Some(link) = state.link.as_mut().filter(|link| link.number == number) {
                match sent {
                    Ok(()) => link.sender = Some(sender),
                    Err(error) => {
                        warn!(%error, "the VSP has gone");
                        state.link = None;
                    }
                }
            }
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::connection::Receiver;
    use ipc::guest::{GuestEnd, VspEnd, VspToGuest};
    use ipc::{Connection, Role};
    use std::os::unix::net::UnixStream;
    use std::thread;

    /// The guest's sender, and the VSP's receiver with what keeps the connection open.
    fn connection() -> (Sender<GuestToVsp>, Receiver<GuestToVsp>, Sender<VspToGuest>) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let vsp =
            thread::spawn(move || -> VspEnd { Connection::open(theirs, Role::Vsp, Role::Guest).unwrap() });
        let guest: GuestEnd = Connection::open(ours, Role::Guest, Role::Vsp).unwrap();
        let (sender, receiver) = vsp.join().unwrap().split();
        (guest.split().0, receiver, sender)
    }

    fn talking() -> Outbox {
        let outbox = Outbox::default();
        let talker = outbox.clone();
        thread::spawn(move || talker.talk());
        outbox
    }

    fn output(receiver: &mut Receiver<GuestToVsp>, len: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len {
            match receiver.receive().unwrap() {
                GuestToVsp::ConsoleOutput(bytes) => all.extend(bytes),
                other => panic!("{other:?}"),
            }
        }
        all
    }

    #[test]
    fn a_later_vsp_is_given_the_state_and_the_output_it_does_not_have() {
        let outbox = talking();
        let (sender, mut receiver, vsp) = connection();
        outbox.connect(sender, 0);
        outbox.started();
        assert_eq!(receiver.receive().unwrap(), GuestToVsp::Started);
        outbox.phase(Phase::Os);
        assert_eq!(receiver.receive().unwrap(), GuestToVsp::State(Phase::Os));
        outbox.console(b"stored, lost, ");
        assert_eq!(output(&mut receiver, 14), b"stored, lost, ");
        drop((receiver, vsp));
        outbox.disconnect();
        outbox.console(b"meanwhile");

        let (sender, mut receiver, _vsp) = connection();
        outbox.connect(sender, 8);
        assert_eq!(receiver.receive().unwrap(), GuestToVsp::Started);
        assert_eq!(receiver.receive().unwrap(), GuestToVsp::State(Phase::Os));
        assert_eq!(output(&mut receiver, 15), b"lost, meanwhile");
        outbox.finish(ExitReason::PowerOff);
        assert_eq!(receiver.receive().unwrap(), GuestToVsp::Exiting(ExitReason::PowerOff));
    }

    #[test]
    fn what_does_not_fit_is_counted_while_there_is_no_vsp() {
        let outbox = talking();
        let line = [b'x'; 4096];
        for _ in 0..PAST / line.len() + 2 {
            outbox.console(&line);
        }
        let (sender, mut receiver, _vsp) = connection();
        outbox.connect(sender, 100);
        let bytes = 2 * line.len() as u64 - 100;
        assert_eq!(receiver.receive().unwrap(), GuestToVsp::ConsoleGap { bytes });
        assert_eq!(output(&mut receiver, PAST).len(), PAST);
    }

    #[test]
    fn without_a_vsp_the_end_is_not_waited_for() {
        let outbox = talking();
        outbox.console(b"last words");
        outbox.finish(ExitReason::PowerOff);
    }
}

//! A guest's console: a log of what it wrote, viewers who see it, and at most one of them who writes.
//!
//! One thread per guest owns log and viewers; it lives as long as the guest is configured, so viewers stay over the
//! guest's restarts. Input goes from the writing viewer's own thread straight to the guest process, so that a guest that
//! does not read holds up nobody but the one who types.

mod lines;
mod log;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use ipc::guest::{ConsoleEnd, VspToGuest};
use ipc::message::{ConsoleUser, Event};
use storage::throttle::Throttle;

use self::lines::Lines;
use self::log::ConsoleLog;
use crate::caller::Caller;
use crate::stream::{self, Delivery, Offering};

/// Bytes of the console log before it rolls.
const FILE_LIMIT: u64 = 1 << 20;
/// Most bytes of the past a viewer can have.
const MAX_REPLAY: u64 = 2 * FILE_LIMIT;
/// Longest piece of console output in one event.
const PIECE: usize = 16 << 10;
/// Bytes that wait for a slow viewer, beyond his replay.
const VIEWER_QUEUE: usize = 1 << 20;
/// Pieces of output that wait for the thread; then the guest process waits. With what sockets hold it must be less than
/// the guest process keeps, or a VSP that is killed loses output.
const QUEUE: usize = 16;

/// Handle of a console.
#[derive(Clone)]
pub(crate) struct Console {
    inbox: Sender<Order>,
    shared: Arc<Shared>,
}

/// Who may write, and to whom.
struct Shared {
    /// Number of the viewer with write access, 0 for nobody.
    writer: AtomicU64,
    next_viewer: AtomicU64,
    guest: Mutex<Option<Sender<VspToGuest>>>,
}

impl Shared {
    /// Nobody writes if `viewer` does; it may have lost that to somebody else.
    fn release(&self, viewer: u64) {
        let _ = self.writer.compare_exchange(viewer, 0, Ordering::AcqRel, Ordering::Acquire);
    }
}

enum Order {
    Output(Vec<u8>),
    Skip(u64),
    BeginRun,
    EndRun(ConsoleEnd),
    Position(Sender<u64>),
    Join { viewer: Seen, replay_bytes: u64, write: bool },
    Users(Sender<Vec<ConsoleUser>>),
    Disconnect(u64, Sender<bool>),
    Keep(Box<dyn Fn(&Caller) -> bool + Send>),
    Taken { former: u64, viewer: u64 },
    Released(u64),
    Leave(u64),
}

impl Console {
    /// Starts the console of the guest called `name`, whose output is logged at `path`, and its lines in `lines`.
    pub(crate) fn start(name: &str, path: &Path, lines: &Path) -> std::io::Result<Console> {
        let (inbox, orders) = bounded(QUEUE);
        let shared = Arc::new(Shared {
            writer: AtomicU64::new(0),
            next_viewer: AtomicU64::new(1),
            guest: Mutex::default(),
        });
        let keeper = Keeper {
            path: path.to_owned(),
            log: None,
            lines: Lines::open(name, lines, path),
            viewers: Vec::new(),
            shared: shared.clone(),
        };
        thread::Builder::new().name(format!("console-{name}")).spawn(move || keeper.run(&orders))?;
        Ok(Console { inbox, shared })
    }

    /// Takes output of the guest; waits if the log is far behind.
    pub(crate) fn output(&self, bytes: Vec<u8>) {
        let _ = self.inbox.send(Order::Output(bytes));
    }

    /// The guest process could not keep `bytes` of its output.
    pub(crate) fn skip(&self, bytes: u64) {
        let _ = self.inbox.send(Order::Skip(bytes));
    }

    /// The output that comes is of a new process.
    pub(crate) fn begin_run(&self) {
        let _ = self.inbox.send(Order::BeginRun);
    }

    /// The process has ended and left this; what has been stored already is not stored again.
    pub(crate) fn end_run(&self, end: ConsoleEnd) {
        let _ = self.inbox.send(Order::EndRun(end));
    }

    /// How much of the output of the process is stored.
    pub(crate) fn position(&self) -> u64 {
        let (reply, position) = bounded(1);
        let _ = self.inbox.send(Order::Position(reply));
        // The thread lives as long as we do.
        position.recv().unwrap_or(0)
    }

    /// From now on input goes to this guest process, or nowhere.
    pub(crate) fn connect(&self, guest: Option<Sender<VspToGuest>>) {
        *self.shared.guest.lock().unwrap_or_else(PoisonError::into_inner) = guest;
    }

    /// Those who see it now.
    pub(crate) fn users(&self) -> Vec<ConsoleUser> {
        let (reply, users) = bounded(1);
        let _ = self.inbox.send(Order::Users(reply));
        users.recv().unwrap_or_default()
    }

    /// Ends a viewer's session; false if there is none of this number.
    pub(crate) fn disconnect(&self, number: u64) -> bool {
        let (reply, done) = bounded(1);
        let _ = self.inbox.send(Order::Disconnect(number, reply));
        done.recv().unwrap_or(false)
    }

    /// Ends the sessions of all others than these.
    pub(crate) fn keep(&self, whom: impl Fn(&Caller) -> bool + Send + 'static) {
        let _ = self.inbox.send(Order::Keep(Box::new(whom)));
    }

    /// Lets somebody see the console, first up to `replay_bytes` of its past.
    pub(crate) fn join(&self, replay_bytes: u64, write: bool, caller: &Caller) -> (Viewer, Delivery) {
        let replay_bytes = replay_bytes.min(MAX_REPLAY);
        let (offering, delivery) = stream::channel(VIEWER_QUEUE + replay_bytes as usize);
        let number = self.shared.next_viewer.fetch_add(1, Ordering::Relaxed);
        let since_micros = jiff::Timestamp::now().as_microsecond();
        let is_over = Arc::<AtomicBool>::default();
        let viewer =
            Seen { number, caller: caller.clone(), since_micros, offering, is_over: is_over.clone() };
        let _ = self.inbox.send(Order::Join { viewer, replay_bytes, write });
        (Viewer { console: self.clone(), number, is_over }, delivery)
    }
}

/// Somebody who sees a console; dropping it ends that.
pub(crate) struct Viewer {
    console: Console,
    number: u64,
    /// His session was ended, though he may not have hung up yet.
    is_over: Arc<AtomicBool>,
}

impl Viewer {
    /// Types at the guest if this viewer may; waits if the guest does not read.
    pub(crate) fn type_bytes(&self, bytes: Vec<u8>) {
        let writer = self.console.shared.writer.load(Ordering::Acquire);
        if writer != self.number || self.is_over.load(Ordering::Acquire) {
            return;
        }
        let guest = self.console.shared.guest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(guest) = guest {
            // Fails when the guest process ends meanwhile: then nobody is there to read it.
            let _ = guest.send(VspToGuest::ConsoleInput(bytes));
        }
    }

    /// Makes this viewer the one who writes; what it types from now on reaches the guest.
    pub(crate) fn take_access(&self) {
        if self.is_over.load(Ordering::Acquire) {
            return;
        }
        let former = self.console.shared.writer.swap(self.number, Ordering::AcqRel);
        let _ = self.console.inbox.send(Order::Taken { former, viewer: self.number });
    }

    /// Lets whoever comes next write, if this viewer is the one who does.
    pub(crate) fn release_access(&self) {
        self.console.shared.release(self.number);
        let _ = self.console.inbox.send(Order::Released(self.number));
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.console.inbox.send(Order::Leave(self.number));
    }
}

/// A viewer as the console sees him.
struct Seen {
    number: u64,
    caller: Caller,
    since_micros: i64,
    offering: Offering,
    is_over: Arc<AtomicBool>,
}

struct Keeper {
    path: PathBuf,
    log: Option<ConsoleLog>,
    lines: Lines,
    viewers: Vec<Seen>,
    shared: Arc<Shared>,
}

impl Keeper {
    fn run(mut self, orders: &Receiver<Order>) {
        for order in orders {
            match order {
                Order::Output(bytes) => self.output(&bytes),
                Order::Skip(bytes) => self.skip(bytes),
                Order::BeginRun => {
                    self.with_log(ConsoleLog::begin_run);
                    let ended = self.lines.begin_run();
                    self.report(ended);
                }
                Order::EndRun(end) => self.end_run(&end),
                Order::Position(reply) => drop(reply.send(self.position().unwrap_or(0))),
                Order::Join { viewer, replay_bytes, write } => self.join(viewer, replay_bytes, write),
                Order::Users(reply) => drop(reply.send(self.users())),
                Order::Disconnect(number, reply) => {
                    let before = self.viewers.len();
                    self.end_sessions(|viewer| viewer.number == number);
                    let _ = reply.send(self.viewers.len() < before);
                }
                Order::Keep(is_kept) => self.end_sessions(|viewer| !is_kept(&viewer.caller)),
                Order::Taken { former, viewer } => {
                    if former != viewer {
                        self.tell_access(former);
                    }
                    self.tell_access(viewer);
                }
                Order::Released(viewer) => self.tell_access(viewer),
                Order::Leave(viewer) => self.leave(viewer),
            }
        }
    }

    /// Does something with the log. A full disk must not silence the guest: viewers still see what the log lost.
    fn with_log(&mut self, action: impl FnOnce(&mut ConsoleLog) -> std::io::Result<()>) {
        if self.log.is_none() {
            self.log = ConsoleLog::open(&self.path, FILE_LIMIT).ok();
        }
        let done = self.log.as_mut().map_or(Ok(()), action);
        self.report(done);
    }

    fn report(&self, done: std::io::Result<()>) {
        if let Err(error) = done {
            static THROTTLE: Throttle = Throttle::new();
            if let Some(dropped) = THROTTLE.admit() {
                tracing::warn!(log = %self.path.display(), %error, dropped, "console output is not logged");
            }
        }
    }

    fn output(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            self.with_log(|log| log.append(piece));
            self.pass(piece);
        }
    }

    fn skip(&mut self, bytes: u64) {
        let remark = format!("\r\n[{bytes} bytes of console output were lost here]\r\n");
        self.with_log(|log| log.skip(bytes, remark.as_bytes()));
        self.pass(remark.as_bytes());
    }

    /// How much of the run's output is stored; `None` without a log.
    fn position(&mut self) -> Option<u64> {
        self.with_log(|_| Ok(()));
        self.log.as_ref().map(ConsoleLog::position)
    }

    fn end_run(&mut self, end: &ConsoleEnd) {
        let Some(position) = self.position() else { return };
        if position < end.start {
            self.skip(end.start - position);
        }
        let stored = usize::try_from(position.saturating_sub(end.start)).unwrap_or(usize::MAX);
        self.output(end.bytes.get(stored..).unwrap_or_default());
    }

    /// To those who search it, and those who see it now.
    fn pass(&mut self, piece: &[u8]) {
        let kept = self.lines.write(piece, self.log.as_ref().map(ConsoleLog::end));
        self.report(kept);
        self.viewers.retain(|viewer| viewer.offering.offer(Event::Console(piece.to_vec())));
    }

    fn users(&self) -> Vec<ConsoleUser> {
        let writer = self.shared.writer.load(Ordering::Acquire);
        let user = |viewer: &Seen| ConsoleUser {
            number: viewer.number,
            user: viewer.caller.user.clone(),
            pid: viewer.caller.pid,
            since_micros: viewer.since_micros,
            writes: viewer.number == writer,
        };
        self.viewers.iter().map(user).collect()
    }

    fn end_sessions(&mut self, ends: impl Fn(&Seen) -> bool) {
        let shared = &self.shared;
        self.viewers.retain(|viewer| {
            if !ends(viewer) {
                return true;
            }
            tracing::info!(user = viewer.caller.user, pid = viewer.caller.pid, "console session ended");
            // His thread hangs up when it has passed on the last event; until then he must not type.
            viewer.is_over.store(true, Ordering::Release);
            shared.release(viewer.number);
            viewer.offering.offer(Event::Console(b"\r\n[Disconnected by the administrator.]\r\n".to_vec()));
            false
        });
    }

    fn join(&mut self, viewer: Seen, replay_bytes: u64, write: bool) {
        let Seen { number, offering, .. } = &viewer;
        let number = *number;
        let past = log::tail(&self.path, replay_bytes);
        // A cut beginning would show half a line, or half an escape sequence.
        let cut = past.len() as u64 == replay_bytes;
        let start = if cut { past.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1) } else { 0 };
        for piece in past[start..].chunks(PIECE) {
            offering.offer(Event::Console(piece.to_vec()));
        }
        offering.offer(Event::ReplayDone);
        self.viewers.push(viewer);
        if write {
            // Only if nobody else writes: access is taken by asking for it, not by coming.
            let _ = self.shared.writer.compare_exchange(0, number, Ordering::AcqRel, Ordering::Acquire);
        }
        self.tell_access(number);
    }

    fn tell_access(&self, viewer: u64) {
        let write = self.shared.writer.load(Ordering::Acquire) == viewer;
        if let Some(seen) = self.viewers.iter().find(|seen| seen.number == viewer) {
            seen.offering.offer(Event::ConsoleAccess { write });
        }
    }

    fn leave(&mut self, viewer: u64) {
        self.viewers.retain(|seen| seen.number != viewer);
        self.shared.release(viewer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn next(delivery: &Delivery) -> Event {
        loop {
            if let Some(event) = delivery.next().unwrap() {
                return event;
            }
            let mut select = crossbeam_channel::Select::new();
            select.recv(delivery.woken());
            select.ready_timeout(Duration::from_secs(60)).expect("an event");
        }
    }

    fn text(bytes: &[u8]) -> Event {
        Event::Console(bytes.to_vec())
    }

    fn access(write: bool) -> Event {
        Event::ConsoleAccess { write }
    }

    fn start(directory: &Path) -> Console {
        Console::start("ivm1", &directory.join("console.log"), &directory.join("console")).unwrap()
    }

    #[test]
    fn what_a_process_leaves_is_added_as_far_as_it_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let console = start(directory.path());
        console.output(b"earlier run".to_vec());
        console.begin_run();
        console.output(b"0123".to_vec());
        let (_viewer, seen) = console.join(0, false, &Caller::owner());
        assert_eq!([next(&seen), next(&seen)], [Event::ReplayDone, access(false)]);
        console.end_run(ConsoleEnd { start: 2, bytes: b"23456".to_vec() });
        assert_eq!(next(&seen), text(b"456"));
        console.end_run(ConsoleEnd { start: 2, bytes: b"23456".to_vec() });
        console.end_run(ConsoleEnd { start: 100, bytes: b"z".to_vec() });
        let lost = "\r\n[93 bytes of console output were lost here]\r\n";
        console.position();
        assert_eq!(next(&seen), text(format!("{lost}z").as_bytes()));
    }

    #[test]
    fn viewers_see_the_past_and_then_the_present_and_one_of_them_writes() {
        let directory = tempfile::tempdir().unwrap();
        let console = start(directory.path());
        let (to_guest, typed) = bounded(10);
        console.connect(Some(to_guest));
        console.output(b"boot\r\nprompt> ".to_vec());

        let (first, seen) = console.join(1000, true, &Caller::owner());
        assert_eq!(
            [next(&seen), next(&seen), next(&seen)],
            [text(b"boot\r\nprompt> "), Event::ReplayDone, access(true)]
        );
        let (second, also_seen) = console.join(10, true, &Caller::owner());
        assert_eq!(
            [next(&also_seen), next(&also_seen), next(&also_seen)],
            [text(b"prompt> "), Event::ReplayDone, access(false)]
        );

        second.type_bytes(b"lost".to_vec());
        first.type_bytes(b"a".to_vec());
        second.take_access();
        assert_eq!(next(&also_seen), access(true));
        assert_eq!(next(&seen), access(false));
        first.type_bytes(b"lost".to_vec());
        second.type_bytes(b"b".to_vec());
        let input = |bytes: &[u8]| VspToGuest::ConsoleInput(bytes.to_vec());
        assert_eq!(typed.try_iter().collect::<Vec<_>>(), [input(b"a"), input(b"b")]);

        console.output(b"x".to_vec());
        assert_eq!((next(&seen), next(&also_seen)), (text(b"x"), text(b"x")));
        first.release_access();
        assert_eq!(next(&seen), access(false), "it had none to give up");
        second.release_access();
        assert_eq!(next(&also_seen), access(false));
        let (third, its) = console.join(0, true, &Caller::owner());
        assert_eq!([next(&its), next(&its)], [Event::ReplayDone, access(true)]);
        drop(third);
        let (_fourth, its) = console.join(0, true, &Caller::owner());
        assert_eq!([next(&its), next(&its)], [Event::ReplayDone, access(true)]);
    }

    #[test]
    fn sessions_are_listed_and_ended() {
        let directory = tempfile::tempdir().unwrap();
        let console = start(directory.path());
        let (to_guest, typed) = bounded(10);
        console.connect(Some(to_guest));
        let (first, seen) = console.join(0, true, &Caller::owner());
        let (_second, also_seen) = console.join(0, true, &Caller::owner());
        let users: Vec<_> = console.users().into_iter().map(|user| (user.number, user.writes)).collect();
        assert_eq!(users, [(1, true), (2, false)]);
        assert!(console.disconnect(1) && !console.disconnect(1));
        first.type_bytes(b"lost".to_vec());
        first.take_access();
        first.type_bytes(b"lost, too".to_vec());
        assert_eq!([next(&seen), next(&seen)], [Event::ReplayDone, access(true)]);
        assert_eq!(next(&seen), text(b"\r\n[Disconnected by the administrator.]\r\n"));
        assert!(seen.next().is_err());
        console.keep(|_| true);
        assert_eq!(console.users().len(), 1);
        console.keep(|_| false);
        assert_eq!(console.users(), []);
        assert_eq!([next(&also_seen), next(&also_seen)], [Event::ReplayDone, access(false)]);
        assert_eq!(typed.try_iter().count(), 0);
    }
}

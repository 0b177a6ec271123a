//! The owner of all guests: one thread that takes requests and what guest processes do, one after the other.
//!
//! It never waits for a guest or a client. What a guest may do next is decided by [`crate::supervise::guest`]; this
//! module carries out the actions ([`life`]) and requests ([`requests`]), keeps the deadlines, and tells subscribers.

mod automatic;
mod clone;
mod devices;
mod hardware;
mod life;
mod live;
mod media;
mod problems;
mod requests;
mod rights;
mod show;
mod software;
mod takeover;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use ipc::Access;
use ipc::guest::Stats;
use ipc::log::LogSource;
use ipc::message::{
    Acceptance, ClientToVsp, Event as ClientEvent, GuestRef, Refusal, RefusalKind, Remark, Rights, Severity,
    VspToClient,
};
use storage::scsi::Initiator;

use crate::caller::Caller;
use crate::console::Console;
use crate::db::{Entry, GuestConfig, GuestDb};
use crate::devmgmt::DeviceDb;
use crate::hardware::Hardware;
use crate::log::LogHub;
use crate::root::StateRoot;
use crate::stream::Offering;
use crate::supervise::guest::{Event, State};
use crate::supervise::launch::Launcher;
use crate::supervise::run::{Run, RunEvent};
use clone::Clones;
use devices::Makings;
use live::Waiting;
pub(crate) use rights::superuser;
use storage::statement::Address;

/// What the supervisor is told.
pub(crate) enum Input {
    /// A client's request, and where its answers go.
    Request(ClientToVsp, Reply),
    /// Tell this subscriber about all guests that he may know of.
    Watch(Offering, Caller),
    /// Somebody wants a guest's console.
    FindConsole {
        /// Which.
        guest: GuestRef,
        /// Who.
        caller: Caller,
        /// What for.
        rights: Rights,
        /// Where to.
        reply: Sender<Result<Console, Refusal>>,
    },
    /// Somebody wants to know which guests he may know of.
    FindVisible {
        /// Who.
        caller: Caller,
        /// Where to.
        reply: Sender<BTreeSet<String>>,
    },
    /// A guest process did something.
    Run {
        /// Whose.
        guest: String,
        /// Which of its processes.
        run: u64,
        /// What.
        event: RunEvent,
    },
    /// The stores of a clone are copied, or could not be: one line for the operator.
    Copied {
        /// Name of the clone.
        clone: String,
        /// How it went.
        result: Result<(), String>,
    },
    /// Stop all guests, at once if `hard`, then the VSP.
    Shutdown {
        /// Do not wait for operating systems.
        hard: bool,
    },
}

/// Way back to a client; a client that has gone is no concern of ours.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    client: Sender<VspToClient>,
    /// The request as the log knows it.
    span: tracing::Span,
    /// Who asks.
    caller: Caller,
}

impl Reply {
    pub(crate) fn new(client: Sender<VspToClient>, span: tracing::Span, caller: Caller) -> Reply {
        Reply { client, span, caller }
    }
    /// Sends something; false when the client has gone.
    fn is_heard(&self, message: VspToClient) -> bool {
        self.client.send(message).is_ok()
    }
    fn send(&self, message: VspToClient) {
        let _ = self.client.send(message);
    }
    fn accept(&self, remarks: Vec<Remark>) {
        self.send(VspToClient::Accepted(Acceptance { already_done: false, remarks }));
    }
}

/// What a client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    On,
    Off,
}

/// A guest as it is now.
struct Guest {
    console: Console,
    state: State,
    run: Option<Run>,
    /// Was the start insisted on, although the guest has more memory than the host?
    is_forced: bool,
    /// Number of the current or last run on this VSP.
    run_number: u64,
    /// Configuration of the current run: as it was started, with the devices it has now.
    running: Option<GuestConfig>,
    /// Devices of whose last change it may not know yet.
    untold: BTreeSet<Address>,
    since_micros: Option<i64>,
    deadline: Option<Instant>,
    reason: Option<String>,
    stats: Option<Stats>,
    waiting: Vec<(Goal, Reply)>,
}

/// The supervisor's parts.
pub(crate) struct Supervisor {
    root: StateRoot,
    /// Who can connect.
    access: Access,
    db: GuestDb,
    devices: DeviceDb,
    hardware: Hardware,
    clones: Clones,
    makings: Makings,
    launcher: Launcher,
    logs: LogHub,
    own_inbox: Sender<Input>,
    guests: BTreeMap<String, Guest>,
    watchers: Vec<(Offering, Caller)>,
    since_micros: i64,
    stopping: Option<Vec<Reply>>,
    /// Who wants the VSP to end without its guests.
    leaving: Option<Reply>,
    /// Guests that asked for a reset while there was no VSP.
    resets: Vec<String>,
    /// Guests that are still to be started because the VSP was.
    automatic: VecDeque<String>,
    /// Requests that wait for their guests.
    storage_requests: Vec<Waiting>,
    /// When it is looked at whether guests have been told of changes.
    next_telling: Option<Instant>,
}

impl Supervisor {
    /// A supervisor of all guests in `db`, which hears of its guest processes through `own_inbox`.
    pub(crate) fn new(
        root: StateRoot,
        access: Access,
        db: GuestDb,
        launcher: Launcher,
        logs: LogHub,
        own_inbox: Sender<Input>,
    ) -> std::io::Result<Supervisor> {
        let hardware = launcher.hardware.clone();
        let devices = DeviceDb::open(&root, &db, hardware.clone());
        let mut supervisor = Supervisor {
            root,
            access,
            db,
            devices,
            hardware,
            clones: Clones::default(),
            makings: Makings::default(),
            launcher,
            logs,
            own_inbox,
            guests: BTreeMap::new(),
            watchers: Vec::new(),
            since_micros: now(),
            stopping: None,
            leaving: None,
            resets: Vec::new(),
            automatic: VecDeque::new(),
            storage_requests: Vec::new(),
            next_telling: None,
        };
        let names: Vec<String> = supervisor.db.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            supervisor.adopt(&name)?;
            supervisor.take_over(&name)?;
        }
        let running = supervisor.guests.values().filter_map(|guest| guest.running.as_ref());
        let running = running.map(|config| (Initiator(config.uuid), config.name.clone())).collect();
        supervisor.hardware.keep_holders(&running);
        supervisor.restrict_host_at_start();
        Ok(supervisor)
    }

    /// Works until the VSP is to end and all guests are off, or are to be left on.
    pub(crate) fn run(mut self, inbox: Receiver<Input>) {
        self.automatic = self.automatic();
        while !self.is_finished() && self.leaving.is_none() {
            self.start_next();
            let input = match self.next_deadline() {
                Some(deadline) => inbox.recv_deadline(deadline),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match input {
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => self.pass_deadlines(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.take_storage_requests();
        }
        if self.leaving.is_some() {
            self.guests.values().filter_map(|guest| guest.run.as_ref()).for_each(Run::leave);
        }
        // Whoever waits for guests to be off while somebody has the VSP leave them, waits for the next VSP.
        for reply in self.stopping.take().unwrap_or_default().into_iter().chain(self.leaving.take()) {
            reply.accept(Vec::new());
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Request(request, reply) => {
                let _request = reply.span.clone().entered();
                self.answer(request, reply);
            }
            Input::Watch(offering, caller) => {
                if offering.offer(ClientEvent::Guests(self.summaries(&caller))) {
                    self.watchers.push((offering, caller));
                }
            }
            Input::FindConsole { guest, caller, rights, reply } => {
                let found = self.find(&guest).and_then(|name| {
                    self.admit_to(&name, &caller, rights)?;
                    Ok(self.guests[&name].console.clone())
                });
                let _ = reply.send(found);
            }
            Input::FindVisible { caller, reply } => {
                let visible = self.guests.keys().filter(|name| self.is_visible(name, &caller));
                let _ = reply.send(visible.cloned().collect());
            }
            Input::Run { guest, run, event } => self.hear(&guest, run, event),
            Input::Copied { clone, result } => self.copied(&clone, result),
            Input::Shutdown { hard } => self.shut_down(hard, None),
        }
    }

    /// Takes a guest of the database under supervision.
    fn adopt(&mut self, name: &str) -> std::io::Result<()> {
        for directory in [self.root.guest_log(name), self.root.console_lines(name)] {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        let (log, lines) = (self.root.guest(name).join("console.log"), self.root.console_lines(name));
        let console = Console::start(name, &log, &lines)?;
        logs_of(name).into_iter().for_each(|source| self.logs.know(source));
        let guest = Guest {
            console,
            state: State::Off,
            run: None,
            is_forced: false,
            run_number: 0,
            running: None,
            untold: BTreeSet::new(),
            since_micros: None,
            deadline: None,
            reason: takeover::last_reason(&self.root, name),
            stats: None,
            waiting: Vec::new(),
        };
        self.guests.insert(name.to_owned(), guest);
        Ok(())
    }

    fn shut_down(&mut self, hard: bool, reply: Option<Reply>) {
        tracing::info!(hard, "stopping the VSP");
        self.stopping.get_or_insert_default().extend(reply);
        self.automatic.clear();
        let names: Vec<String> = self.guests.keys().cloned().collect();
        for name in names {
            self.feed(&name, if hard { Event::StopHard } else { Event::StopGraceful });
        }
    }

    fn is_finished(&self) -> bool {
        self.stopping.is_some() && self.guests.values().all(|guest| guest.state == State::Off)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = self.guests.values().filter_map(|guest| guest.deadline);
        deadlines.chain(self.next_storage_deadline()).min()
    }

    fn pass_deadlines(&mut self) {
        let now = Instant::now();
        let passed = |guest: &Guest| guest.deadline.is_some_and(|deadline| deadline <= now);
        let names: Vec<String> =
            self.guests.iter().filter(|(_, guest)| passed(guest)).map(|(name, _)| name.clone()).collect();
        for name in names {
            if let Some(guest) = self.guests.get_mut(&name) {
                guest.deadline = None;
            }
            self.feed(&name, Event::Deadline);
        }
    }

    /// Tells subscribers about a guest.
    fn publish(&mut self, name: &str) {
        let Some(summary) = self.summary(name) else { return };
        let event = ClientEvent::Guest(Box::new(summary));
        let mut watchers = std::mem::take(&mut self.watchers);
        watchers.retain(|(watcher, caller)| !self.is_visible(name, caller) || watcher.offer(event.clone()));
        self.watchers = watchers;
    }

    /// Everything that was kept under a guest's name is over.
    fn forget(&mut self, name: &str) {
        self.guests.remove(name);
        logs_of(name).iter().for_each(|source| self.logs.forget(source));
        let removed = ClientEvent::GuestRemoved { name: name.to_owned() };
        self.watchers.retain(|(watcher, _)| watcher.offer(removed.clone()));
    }

    fn config(&self, name: &str) -> Option<&GuestConfig> {
        match self.db.get(name) {
            Some(Entry::Guest(config)) => Some(config),
            _ => None,
        }
    }

    /// The name of the guest somebody means.
    fn find(&self, guest: &GuestRef) -> Result<String, Refusal> {
        let name = match guest {
            GuestRef::Name(name) => self.guests.contains_key(name).then(|| name.clone()),
            GuestRef::Number(number) => {
                self.db.configs().find(|config| config.number == *number).map(|config| config.name.clone())
            }
        };
        name.ok_or_else(|| Refusal {
            kind: RefusalKind::UnknownGuest,
            remarks: vec![plain_line(&format!("Unable to find guest '{guest}'."))],
        })
    }
}

fn logs_of(guest: &str) -> [LogSource; 2] {
    [LogSource::Guest(guest.to_owned()), LogSource::Console(guest.to_owned())]
}

fn error_line(guest: &str, text: impl Into<String>) -> Remark {
    Remark::about(guest, Severity::Error, text)
}

fn plain_line(text: &str) -> Remark {
    Remark::plain(text)
}

fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

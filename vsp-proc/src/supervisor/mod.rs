//! The owner of all guests: one thread that takes requests and what guest processes do, one after the other.
//!
//! It never waits for a guest or a client. What a guest may do next is decided by [`crate::supervise::guest`]; this
//! module carries out the actions, keeps the deadlines, answers those who wait, and tells subscribers.

mod automatic;
mod clone;
mod devices;
mod hardware;
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
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use ipc::Access;
use ipc::guest::{GuestToVsp, Stats, VspToGuest};
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
use crate::supervise::guest::{Action, Event, Limit, OVERDUE, State, next};
use crate::supervise::launch::{Launcher, Places, by_adapter};
use crate::supervise::record::Record;
use crate::supervise::run::{Run, RunEvent};
use clone::Clones;
use live::Waiting;
pub(crate) use rights::superuser;
use storage::statement::Address;

/// Time a guest process has to make its machine.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Time a guest process that was found has to answer.
const ATTACH_LIMIT: Duration = Duration::from_secs(120);
/// Time a guest process has to end once it should.
const END_LIMIT: Duration = Duration::from_secs(10);

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

    fn hear(&mut self, name: &str, run: u64, event: RunEvent) {
        let Some(guest) = self.guests.get_mut(name).filter(|guest| guest.run_number == run) else { return };
        let event = match event {
            RunEvent::Said(GuestToVsp::Stats(stats)) => {
                guest.stats = Some(stats);
                return self.publish(name);
            }
            RunEvent::Said(GuestToVsp::Started) => Event::Started,
            RunEvent::Said(GuestToVsp::State(phase)) => Event::Phase(phase),
            RunEvent::Said(GuestToVsp::Exiting(reason)) => {
                if !matches!(guest.state, State::Ending(_)) {
                    tracing::info!(guest = name, ?reason, "guest ends");
                }
                Event::Exiting(reason)
            }
            // The run's own thread keeps these.
            RunEvent::Said(
                GuestToVsp::ConsoleOutput(_) | GuestToVsp::ConsoleGap { .. } | GuestToVsp::AdapterLost { .. },
            ) => return,
            RunEvent::ControlLost(how) => Event::ControlLost(how),
            RunEvent::Gone(how) => {
                tracing::debug!(guest = name, how, "guest process ended");
                Event::Gone(how)
            }
        };
        self.feed(name, event);
    }

    /// Lets something happen to a guest, and does what follows from it.
    fn feed(&mut self, name: &str, event: Event) {
        let mut event = Some(event);
        while let Some(happened) = event.take() {
            let Some(guest) = self.guests.get_mut(name) else { return };
            let before = guest.state.clone();
            let (after, actions) = next(before.clone(), happened);
            if before != after {
                tracing::debug!(guest = name, ?before, ?after, "state");
            }
            guest.state = after;
            for action in actions {
                // A launch that fails is the next thing that happens; no action follows it but its deadline.
                event = self.perform(name, action).or(event);
            }
        }
        self.settle(name);
        self.publish(name);
    }

    fn perform(&mut self, name: &str, action: Action) -> Option<Event> {
        if action == Action::Launch {
            return self.launch(name).err().map(Event::LaunchFailed);
        }
        let graceful = self.config(name).map_or(300, |config| config.graceful_stop_timeout);
        let guest = self.guests.get_mut(name)?;
        match action {
            Action::Launch => {}
            Action::PowerButton => guest.order(VspToGuest::PowerButton),
            Action::PowerOff => guest.order(VspToGuest::Stop),
            Action::Reset => guest.order(VspToGuest::Reset),
            Action::Kill => guest.run.iter().for_each(Run::kill),
            Action::Arm(limit) => {
                let length = match limit {
                    Limit::Start => START_LIMIT,
                    Limit::Attach => ATTACH_LIMIT,
                    Limit::Graceful => Duration::from_secs(graceful.into()),
                    Limit::End => END_LIMIT,
                };
                guest.deadline = Some(Instant::now() + length);
            }
            Action::Disarm => guest.deadline = None,
            Action::Release => {
                guest.release();
                // After a reset the note stays until the new process has one, in case we are killed before.
                if guest.state == State::Off {
                    Record::erase(&self.root.guest(name));
                }
            }
            Action::Report(text) => {
                tracing::info!(guest = name, reason = text, "run is over");
                takeover::remember_reason(&self.root, name, &text);
                guest.reason = Some(text);
            }
        }
        None
    }

    fn launch(&mut self, name: &str) -> Result<(), String> {
        let Some(Entry::Guest(config)) = self.db.get(name) else {
            return Err("The guest's configuration is damaged.".into());
        };
        let config = GuestConfig::clone(config);
        if let Some(text) = self.obstacle(&config) {
            return Err(text);
        }
        let Some(guest) = self.guests.get_mut(name) else { return Ok(()) };
        if !guest.is_forced {
            problems::check_memory(&config)?;
        }
        let waiting: Vec<Reply> = guest
            .waiting
            .iter()
            .filter(|(goal, _)| *goal == Goal::On)
            .map(|(_, reply)| reply.clone())
            .collect();
        let places = Places::of(&self.root, &config, &self.hardware);
        let launched = self.launcher.launch(&config, &places, |line| {
            waiting.iter().for_each(|reply| reply.send(VspToClient::Progress(line.clone())));
        })?;
        for remark in self.warn_of_missing_software(&config) {
            tracing::warn!(guest = name, "{}", remark.text);
            waiting.iter().for_each(|reply| reply.send(VspToClient::Progress(remark.to_string())));
        }
        let Some(guest) = self.guests.get_mut(name) else { return Ok(()) };
        let since_micros = now();
        // Before it is told what to be: if the VSP is killed first, the process ends by itself.
        let pid = launched.child.id();
        let adapters = by_adapter(&config.devices).into_keys().collect();
        let noted = Record::of(pid, since_micros, adapters)
            .and_then(|record| record.write(&self.root.guest(name), &config));
        if let Err(error) = noted {
            tracing::warn!(guest = name, %error, "no note of the guest process: it will not survive this VSP");
        }
        guest.run_number += 1;
        let tell = teller(self.own_inbox.clone(), name, guest.run_number);
        let begun = Run::begin(launched, config.clone(), &places, &guest.console, tell);
        let run = begun.map_err(|e| format!("Cannot watch the guest process: {e}."))?;
        tracing::info!(guest = name, pid = run.pid, "guest process started");
        guest.run = Some(run);
        guest.running = Some(config);
        guest.since_micros = Some(since_micros);
        guest.reason = None;
        Ok(())
    }

    /// Answers those whose goal is reached, or cannot be reached any more.
    fn settle(&mut self, name: &str) {
        let Some(guest) = self.guests.get_mut(name) else { return };
        let reached = match guest.state {
            State::Off => Goal::Off,
            State::Running(_) => Goal::On,
            _ => return,
        };
        let off = reached == Goal::Off;
        for (goal, reply) in std::mem::take(&mut guest.waiting) {
            match goal {
                Goal::Off if off && guest.reason.as_deref() == Some(OVERDUE) => {
                    reply.accept(vec![Remark::about(name, Severity::Warning, OVERDUE)]);
                }
                _ if goal == reached => reply.accept(Vec::new()),
                Goal::On if off => {
                    let text = guest.reason.clone().unwrap_or_else(|| "The guest was stopped.".into());
                    let error = error_line(name, text);
                    let remarks = vec![error, plain_line("Unable to continue.")];
                    reply.send(VspToClient::Refused(Refusal { kind: RefusalKind::Host, remarks }));
                }
                _ => guest.waiting.push((goal, reply)),
            }
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

impl Guest {
    fn order(&self, order: VspToGuest) {
        if let Some(run) = &self.run {
            run.order(order);
        }
    }

    fn release(&mut self) {
        self.console.connect(None);
        self.run = None;
        self.running = None;
        self.untold.clear();
        self.since_micros = None;
        self.stats = None;
    }
}

/// How the threads of a run reach the supervisor.
fn teller(inbox: Sender<Input>, name: &str, run: u64) -> impl Fn(RunEvent) + Clone + Send + use<> {
    let guest = name.to_owned();
    move |event| {
        // A VSP that has left its guests does not listen any more, and the next one asks for itself.
        let _ = inbox.send(Input::Run { guest: guest.clone(), run, event });
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

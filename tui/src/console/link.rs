//! The world beyond the loop: connections to the VSP, and files that a form names.
//!
//! Everything here may block, so every connection has a thread:
//!
//! ```text
//!  vsp       one while connected: guests, figures and logs as they come; its end is the loss of the VSP
//!  console   one for each console that is open: output one way, keys the other
//!  request   one for each request under way: stopping a guest may take minutes
//!  past      one while a part of the kept logs is read
//!  look      one for each screen that asks what is configured
//!  files     one: looks at files
//! ```

mod past;

use super::effect::Effect;
use super::msg::{ConsoleEvent, Inventory, Msg, RequestId, VspMsg};
use super::screens::guest_console::ConsoleId;
use crate::cli;
use crate::view::format;
use crossbeam_channel::{Receiver, Sender, bounded, never, select, unbounded};
use ipc::client::{Client, ClientError, EventStream, Progress};
use ipc::device::{DeviceFilter, DeviceRequest};
use ipc::io::{IoAnswer, IoRequest};
use ipc::log::{Level, LogRecord, LogSource};
use ipc::message::{
    Acceptance, ClientToVsp, Consoles, Event, GuestRef, LogQuery, Remark, Subscription, VspToClient,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::{fs, io, thread};

/// Earlier output of a console to begin with, where somebody uses it: about the lines that are kept of it.
const REPLAY_BYTES: u64 = 1 << 20;
/// The same where somebody only looks on: more than a screen.
const PREVIEW_BYTES: u64 = 32 << 10;
/// Time between two figures.
const FIGURES_MILLIS: u32 = 1000;
/// Log records of the past to begin with.
const REPLAY_RECORDS: u32 = 1000;

/// What to do where no VSP runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhereNoneRuns {
    /// Start one.
    Start,
    /// Give up.
    Fail,
}

/// Makes a connection to the VSP; nothing where none runs and none is to be started.
pub(crate) type Connect = Arc<dyn Fn(WhereNoneRuns) -> anyhow::Result<Option<Client>> + Send + Sync>;

/// Connects to the VSP that runs.
fn running(connect: &Connect) -> anyhow::Result<Client> {
    connect(WhereNoneRuns::Fail)?.ok_or_else(|| anyhow::anyhow!(NO_VSP))
}

/// What is said where none runs.
const NO_VSP: &str = "the VSP is not running";

/// What a console's thread is told.
enum ConsoleOrder {
    Type(Vec<u8>),
    TakeAccess,
}

/// The threads and the way to them.
pub(super) struct Link {
    connect: Connect,
    msgs: Sender<Msg>,
    consoles: BTreeMap<ConsoleId, Sender<ConsoleOrder>>,
    files: Option<Sender<String>>,
    /// Ends the thread that reads consoles when it is dropped.
    lines: Option<Sender<()>>,
    /// Ends the thread that reads kept logs when it is dropped.
    past: Option<Sender<()>>,
}

impl Link {
    /// No thread yet; all will send to `msgs`.
    pub(super) fn new(connect: Connect, msgs: Sender<Msg>) -> Self {
        Self { connect, msgs, consoles: BTreeMap::new(), files: None, lines: None, past: None }
    }

    /// Does what is asked, or has it done. Never blocks. The result is an event for the loop to take at once.
    pub(super) fn perform(&mut self, effect: Effect) -> Option<Msg> {
        let failed = match effect {
            Effect::Connect { may_start } => {
                let where_none_runs = if may_start { WhereNoneRuns::Start } else { WhereNoneRuns::Fail };
                let (connect, msgs) = (self.connect.clone(), self.msgs.clone());
                let thread = spawn("vsp", move || follow_vsp(&connect, where_none_runs, &msgs));
                thread.err().map(|error| VspMsg::Down { reason: error.to_string(), is_absent: false })
            }
            Effect::Request { id, request } => {
                let (connect, msgs) = (self.connect.clone(), self.msgs.clone());
                let thread = spawn("request", move || ask(&connect, id, &request, &msgs));
                thread.err().map(|error| VspMsg::Reply { id, result: Err(error.to_string()) })
            }
            Effect::OpenConsole { id, guest, write } => {
                let (orders, received) = unbounded();
                self.consoles.insert(id, orders);
                let (connect, msgs) = (self.connect.clone(), self.msgs.clone());
                let thread =
                    spawn("console", move || follow_console(&connect, id, guest, write, &received, &msgs));
                thread
                    .err()
                    .map(|error| VspMsg::Console { id, event: ConsoleEvent::Ended(error.to_string()) })
            }
            Effect::CloseConsole(id) => {
                self.consoles.remove(&id);
                None
            }
            Effect::TakeAccess(id) => {
                self.order(id, ConsoleOrder::TakeAccess);
                None
            }
            Effect::Input { id, bytes } => {
                self.order(id, ConsoleOrder::Type(bytes));
                None
            }
            Effect::AskDetail(name) => {
                let (connect, msgs, guest) = (self.connect.clone(), self.msgs.clone(), name.clone());
                let look = move || {
                    let _ = look_at_guest(&connect, guest, &msgs);
                };
                let thread = spawn("look", look);
                thread.err().map(|error| VspMsg::Detail { name, result: Err(error.to_string()) })
            }
            Effect::AskInventory { scan } => {
                let (connect, msgs) = (self.connect.clone(), self.msgs.clone());
                let look = move || {
                    let result = inventory(&connect, scan).map_err(|error| format!("{error:#}"));
                    let _ = send(&msgs, VspMsg::Inventory(result));
                };
                spawn("look", look).err().map(|error| VspMsg::Inventory(Err(error.to_string())))
            }
            Effect::ReadConsoles { since_micros: None } => {
                self.lines = None;
                None
            }
            Effect::ReadConsoles { since_micros: Some(since) } => {
                let (alive, end) = bounded(0);
                self.lines = Some(alive);
                let (connect, msgs) = (self.connect.clone(), self.msgs.clone());
                let thread = spawn("lines", move || read_consoles(&connect, since, &end, &msgs));
                thread.err().map(|error| VspMsg::Log(Box::new(own_record(error.to_string()))))
            }
            Effect::ReadPast(query) => {
                let (alive, end) = bounded(0);
                self.past = Some(alive);
                let (connect, msgs, id) = (self.connect.clone(), self.msgs.clone(), query.id);
                let thread = spawn("past", move || past::read(&connect, &query, &end, &msgs));
                thread.err().map(|error| VspMsg::Past { id, result: Err(error.to_string()) })
            }
            Effect::CheckFile(path) => return self.check_file(path),
            // The loop's own.
            Effect::Redraw | Effect::Copy(_) | Effect::Quit => None,
        };
        failed.map(Msg::Vsp)
    }

    /// A console whose thread has ended has said so itself.
    fn order(&self, id: ConsoleId, order: ConsoleOrder) {
        if let Some(orders) = self.consoles.get(&id) {
            let _ = orders.send(order);
        }
    }

    fn check_file(&mut self, path: String) -> Option<Msg> {
        if self.files.is_none() {
            let (paths, received) = unbounded();
            let msgs = self.msgs.clone();
            if let Err(error) = spawn("files", move || look_at_files(&received, &msgs)) {
                return Some(Msg::FileChecked { path, problem: Some(error.to_string()) });
            }
            self.files = Some(paths);
        }
        let _ = self.files.as_ref()?.send(path);
        None
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(|_| ())
}

/// The loop has ended; nobody needs this thread any more.
struct LoopEnded;

fn send(msgs: &Sender<Msg>, event: VspMsg) -> Result<(), LoopEnded> {
    msgs.send(Msg::Vsp(event)).map_err(|_| LoopEnded)
}

/// The streams of one connection to the VSP.
struct Streams {
    guests: EventStream,
    figures: EventStream,
    /// Only the VSP's owner has it.
    logs: Option<EventStream>,
}

/// Follows guests, figures and logs until the VSP is lost, and says so.
fn follow_vsp(connect: &Connect, where_none_runs: WhereNoneRuns, msgs: &Sender<Msg>) {
    let subscribed = || -> anyhow::Result<_> {
        let Some(mut client) = connect(where_none_runs)? else { return Ok(None) };
        let status = client.status()?;
        let guests = client.subscribe(Subscription::Guests)?;
        let figures = Subscription::Figures { interval_millis: FIGURES_MILLIS };
        let figures = running(connect)?.subscribe(figures)?;
        let logs = running(connect)?.subscribe(Subscription::Log(LogQuery {
            level: Level::Trace,
            last: Some(REPLAY_RECORDS),
            follow: true,
            ..LogQuery::default()
        }));
        let (logs, no_logs) = match logs {
            Ok(logs) => (Some(logs), None),
            Err(ClientError::Refused(refusal)) => (None, Some(refusal.to_string())),
            Err(error) => return Err(error.into()),
        };
        Ok(Some((status, Streams { guests, figures, logs }, no_logs)))
    };
    let (reason, is_absent) = match subscribed() {
        Ok(Some((status, streams, no_logs))) => {
            if send(msgs, VspMsg::Up(Box::new(status))).is_err() {
                return;
            }
            if let Some(reason) = no_logs
                && send(msgs, VspMsg::Log(Box::new(own_record(reason)))).is_err()
            {
                return;
            }
            match pass_on(&streams, msgs) {
                Ok(reason) => (reason, false),
                Err(LoopEnded) => return,
            }
        }
        Ok(None) => (NO_VSP.to_owned(), true),
        Err(error) => (format!("{error:#}"), false),
    };
    let _ = send(msgs, VspMsg::Down { reason, is_absent });
}

/// A line of the console's own in the log: why there are no others.
fn own_record(reason: String) -> LogRecord {
    LogRecord {
        source: LogSource::Vsp,
        time_micros: super::system::now().saturating_mul(1000),
        level: Level::Warn,
        target: String::new(),
        message: format!("the log is not shown: {reason}"),
        fields: Vec::new(),
    }
}

/// Passes events on until one of the streams ends; the result is why.
fn pass_on(streams: &Streams, msgs: &Sender<Msg>) -> Result<String, LoopEnded> {
    let logs = streams.logs.as_ref().map_or_else(never, |logs| logs.events().clone());
    loop {
        let event = select! {
            recv(streams.guests.events()) -> event => event,
            recv(streams.figures.events()) -> event => event,
            recv(logs) -> event => event,
        };
        let event = match event {
            Ok(Ok(event)) => event,
            Ok(Err(error)) => return Ok(error_chain(&error)),
            Err(_) => return Ok("the connection has ended".to_owned()),
        };
        let at = super::system::now();
        let event = match event {
            Event::Guests(guests) => VspMsg::Guests(guests),
            Event::Guest(guest) => VspMsg::Guest(guest),
            Event::GuestRemoved { name } => VspMsg::GuestRemoved { name },
            Event::Log { record, .. } => VspMsg::Log(Box::new(record)),
            Event::Gap { events } => VspMsg::LogGap(events),
            Event::Figures(guests) => VspMsg::Figures { at, guests },
            Event::Console(_) | Event::ConsoleAccess { .. } | Event::ReplayDone | Event::LogPositions(_) => {
                continue;
            }
        };
        send(msgs, event)?;
    }
}

/// Passes the lines of all consoles on until `end` is closed, or the VSP is lost, which the others say.
fn read_consoles(connect: &Connect, since_micros: i64, end: &Receiver<()>, msgs: &Sender<Msg>) {
    let query = LogQuery {
        consoles: Consoles::Only,
        level: Level::Trace,
        since_micros: Some(since_micros),
        last: Some(REPLAY_RECORDS),
        follow: true,
        ..LogQuery::default()
    };
    let subscribed =
        || -> anyhow::Result<EventStream> { Ok(running(connect)?.subscribe(Subscription::Log(query))?) };
    let stream = match subscribed() {
        Ok(stream) => stream,
        Err(error) => {
            let _ = send(msgs, VspMsg::Log(Box::new(own_record(format!("{error:#}")))));
            return;
        }
    };
    loop {
        let event = select! {
            recv(stream.events()) -> event => event,
            recv(end) -> _ => return,
        };
        let event = match event {
            Ok(Ok(Event::Log { record, .. })) => VspMsg::Log(Box::new(record)),
            Ok(Ok(Event::Gap { events })) => VspMsg::LogGap(events),
            Ok(Ok(_)) => continue,
            Ok(Err(_)) | Err(_) => return,
        };
        if send(msgs, event).is_err() {
            return;
        }
    }
}

/// Follows one console, and types there, until it is closed or ends.
fn follow_console(
    connect: &Connect,
    id: ConsoleId,
    guest: String,
    write: bool,
    orders: &Receiver<ConsoleOrder>,
    msgs: &Sender<Msg>,
) {
    let replay_bytes = if write { REPLAY_BYTES } else { PREVIEW_BYTES };
    let subscription = Subscription::Console { guest: GuestRef::Name(guest), replay_bytes, write };
    let subscribed = || -> anyhow::Result<EventStream> { Ok(running(connect)?.subscribe(subscription)?) };
    let reason = match subscribed() {
        Ok(mut stream) => match exchange(&mut stream, id, orders, msgs) {
            Ok(reason) => reason,
            Err(LoopEnded) => return,
        },
        Err(error) => format!("{error:#}"),
    };
    let _ = send(msgs, VspMsg::Console { id, event: ConsoleEvent::Ended(reason) });
}

fn exchange(
    stream: &mut EventStream,
    id: ConsoleId,
    orders: &Receiver<ConsoleOrder>,
    msgs: &Sender<Msg>,
) -> Result<String, LoopEnded> {
    let events = stream.events().clone();
    loop {
        let event = select! {
            recv(events) -> event => match event {
                Ok(Ok(event)) => event,
                Ok(Err(error)) => return Ok(error_chain(&error)),
                Err(_) => return Ok("the connection has ended".to_owned()),
            },
            recv(orders) -> order => {
                let done = match order {
                    Ok(ConsoleOrder::Type(bytes)) => stream.type_bytes(&bytes),
                    Ok(ConsoleOrder::TakeAccess) => stream.take_access(),
                    // The console was closed.
                    Err(_) => return Err(LoopEnded),
                };
                match done {
                    Ok(()) => continue,
                    Err(error) => return Ok(error_chain(&error)),
                }
            }
        };
        let event = match event {
            Event::Console(bytes) => ConsoleEvent::Output(bytes),
            Event::ConsoleAccess { write } => ConsoleEvent::Access { write },
            Event::ReplayDone => ConsoleEvent::ReplayDone,
            Event::Gap { .. } => ConsoleEvent::Gap,
            Event::Guests(_)
            | Event::Guest(_)
            | Event::GuestRemoved { .. }
            | Event::Log { .. }
            | Event::LogPositions(_)
            | Event::Figures(_) => continue,
        };
        send(msgs, VspMsg::Console { id, event })?;
    }
}

/// Asks the VSP for one thing and passes its answer on.
fn ask(connect: &Connect, id: RequestId, request: &ClientToVsp, msgs: &Sender<Msg>) {
    let answer = || -> anyhow::Result<VspToClient> {
        let mut client = running(connect)?;
        let progress = |progress: Progress<'_>| {
            let line = match progress {
                Progress::Line(line) => line.to_owned(),
                Progress::Copied { done_bytes, total_bytes } => {
                    let percent = done_bytes.saturating_mul(100).checked_div(total_bytes).unwrap_or(100);
                    format!("{percent}% of {} copied", format::bytes(total_bytes))
                }
            };
            let _ = send(msgs, VspMsg::Progress { id, line });
        };
        Ok(client.request_watched(request, progress)?)
    };
    let result = match answer() {
        Ok(VspToClient::Accepted(acceptance)) => Ok(acceptance),
        Ok(VspToClient::Io(answer)) => told(request, answer),
        Ok(_) => Err(ClientError::Unexpected.to_string()),
        // It may end before its answer is read.
        Err(error) if is_end(request, &error) => Ok(Acceptance::default()),
        Err(error) => Err(format!("{error:#}")),
    };
    let _ = send(msgs, VspMsg::Reply { id, result });
}

/// Whether an error is the end of the VSP that was asked for.
fn is_end(request: &ClientToVsp, error: &anyhow::Error) -> bool {
    matches!(request, ClientToVsp::VspShutdown | ClientToVsp::VspLeave)
        && matches!(error.downcast_ref(), Some(ClientError::Connection(ipc::Error::Closed)))
}

/// An answer about devices in the words of the commands.
fn told(request: &ClientToVsp, answer: IoAnswer) -> Result<Acceptance, String> {
    let lines: Vec<String> = match (request, answer) {
        (ClientToVsp::Io(IoRequest::Describe { name }), IoAnswer::Describe(found)) => {
            cli::describe(name, &found).lines().map(str::to_owned).collect()
        }
        (ClientToVsp::Io(IoRequest::Describe { name }), IoAnswer::CannotOpen(failure)) => {
            return Err(format!("can't open {name}: {}", failure.text()));
        }
        (_, IoAnswer::Devices(devices)) => {
            devices.iter().filter_map(|device| device.files.last().cloned()).collect()
        }
        _ => return Err(ClientError::Unexpected.to_string()),
    };
    Ok(Acceptance { already_done: false, remarks: lines.into_iter().map(Remark::plain).collect() })
}

/// A guest with everything, who is at its console, and who holds what is attached to it.
fn look_at_guest(connect: &Connect, name: String, msgs: &Sender<Msg>) -> Result<(), LoopEnded> {
    let guest = GuestRef::Name(name.clone());
    let known = running(connect).and_then(|mut client| Ok((client.guest(&guest)?, client)));
    let (detail, mut client) = match known {
        Ok(known) => known,
        Err(error) => return send(msgs, VspMsg::Detail { name, result: Err(format!("{error:#}")) }),
    };
    let has_attached = detail.devices.iter().any(|device| device.storage == "attach_path");
    send(msgs, VspMsg::Detail { name: name.clone(), result: Ok(Box::new(detail)) })?;
    // Who has few rights is told less.
    if let Ok(VspToClient::ConsoleUsers(users)) =
        client.request_with(&ClientToVsp::ConsoleUsers(guest), |_| {})
    {
        send(msgs, VspMsg::ConsoleUsers { name, users })?;
    }
    let list = ClientToVsp::Io(IoRequest::List { scan: false });
    if has_attached
        && let Ok(VspToClient::Io(IoAnswer::Devices(devices))) = client.request_with(&list, |_| {})
    {
        send(msgs, VspMsg::Attachable(devices))?;
    }
    Ok(())
}

/// The device management database, all guests that can be told about, and the devices of the VSP.
fn inventory(connect: &Connect, scan: bool) -> anyhow::Result<Inventory> {
    let mut client = running(connect)?;
    let all = ClientToVsp::Devices(DeviceRequest::List { kind: None, filter: DeviceFilter::All });
    let entries = match client.request_with(&all, |_| {})? {
        VspToClient::Devices(entries) => entries,
        _ => return Err(ClientError::Unexpected.into()),
    };
    let guests = client.all_guests()?;
    let devices = match client.request_with(&ClientToVsp::Io(IoRequest::List { scan }), |_| {})? {
        VspToClient::Io(IoAnswer::Devices(devices)) => devices,
        _ => return Err(ClientError::Unexpected.into()),
    };
    let emulated = match client.request_with(&ClientToVsp::Io(IoRequest::ListEmulated), |_| {})? {
        VspToClient::Io(IoAnswer::Emulated(emulated)) => emulated,
        _ => return Err(ClientError::Unexpected.into()),
    };
    Ok(Inventory { entries, guests, devices, emulated })
}

fn look_at_files(paths: &Receiver<String>, msgs: &Sender<Msg>) {
    for path in paths {
        let problem = match fs::metadata(&path) {
            Ok(file) if file.is_dir() => Some("This is a directory".to_owned()),
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some("There is no such file".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if msgs.send(Msg::FileChecked { path, problem }).is_err() {
            return;
        }
    }
}

/// An error with its causes in one line.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;

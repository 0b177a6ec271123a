//! The world beyond the loop: connections to the VSP, and files that a form names.
//!
//! Everything here may block, so every connection has a thread:
//!
//! ```text
//!  vsp       one while connected: guests and logs as they change; its end is the loss of the VSP
//!  console   one for each console that is open: output one way, keys the other
//!  request   one for each request under way: stopping a guest may take minutes
//!  files     one: looks at files
//! ```

use super::effect::Effect;
use super::msg::{ConsoleEvent, Msg, RequestId, VspMsg};
use super::screens::guest_console::ConsoleId;
use crossbeam_channel::{Receiver, Sender, select, unbounded};
use ipc::client::{Client, ClientError, EventStream};
use ipc::log::Level;
use ipc::message::{ClientToVsp, Event, GuestRef, Subscription, VspToClient};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::{fs, io, thread};

/// Earlier output of a console to begin with: more than the scrollback of its terminal.
const REPLAY_BYTES: u64 = 128 << 10;
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

/// Makes a connection to the VSP.
pub(crate) type Connect = Arc<dyn Fn(WhereNoneRuns) -> anyhow::Result<Client> + Send + Sync>;

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
}

impl Link {
    /// No thread yet; all will send to `msgs`.
    pub(super) fn new(connect: Connect, msgs: Sender<Msg>) -> Self {
        Self { connect, msgs, consoles: BTreeMap::new(), files: None }
    }

    /// Does what is asked, or has it done. Never blocks. The result is an event for the loop to take at once.
    pub(super) fn perform(&mut self, effect: Effect) -> Option<Msg> {
        let failed = match effect {
            Effect::Connect { may_start } => {
                let where_none_runs = if may_start { WhereNoneRuns::Start } else { WhereNoneRuns::Fail };
                let (connect, msgs) = (self.connect.clone(), self.msgs.clone());
                let thread = spawn("vsp", move || follow_vsp(&connect, where_none_runs, &msgs));
                thread.err().map(|error| VspMsg::Down(error.to_string()))
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
            Effect::CheckFile(path) => return self.check_file(path),
            // The loop's own.
            Effect::Redraw | Effect::Quit => None,
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

/// Follows guests and logs until the VSP is lost, and says so.
fn follow_vsp(connect: &Connect, where_none_runs: WhereNoneRuns, msgs: &Sender<Msg>) {
    let subscribed = || -> anyhow::Result<_> {
        let mut client = connect(where_none_runs)?;
        let status = client.status()?;
        let guests = client.subscribe(Subscription::Guests)?;
        let logs = connect(WhereNoneRuns::Fail)?.subscribe(Subscription::Log {
            source: None,
            level: Level::Trace,
            replay: REPLAY_RECORDS,
            follow: true,
        })?;
        Ok((status, guests, logs))
    };
    let reason = match subscribed() {
        Ok((status, guests, logs)) => {
            if send(msgs, VspMsg::Up(Box::new(status))).is_err() {
                return;
            }
            match pass_on(&guests, &logs, msgs) {
                Ok(reason) => reason,
                Err(LoopEnded) => return,
            }
        }
        Err(error) => format!("{error:#}"),
    };
    let _ = send(msgs, VspMsg::Down(reason));
}

/// Passes events on until one of the streams ends; the result is why.
fn pass_on(guests: &EventStream, logs: &EventStream, msgs: &Sender<Msg>) -> Result<String, LoopEnded> {
    loop {
        let event = select! {
            recv(guests.events()) -> event => event,
            recv(logs.events()) -> event => event,
        };
        let event = match event {
            Ok(Ok(event)) => event,
            Ok(Err(error)) => return Ok(error_chain(&error)),
            Err(_) => return Ok("the connection has ended".to_owned()),
        };
        let at = super::now();
        let event = match event {
            Event::Guests(guests) => VspMsg::Guests { at, guests },
            Event::Guest(guest) => VspMsg::Guest { at, guest },
            Event::GuestRemoved { name } => VspMsg::GuestRemoved { name },
            Event::Log(record) => VspMsg::Log(Box::new(record)),
            Event::Gap { events } => VspMsg::LogGap(events),
            Event::Console(_) | Event::ConsoleAccess { .. } | Event::ReplayDone | Event::Figures(_) => {
                continue;
            }
        };
        send(msgs, event)?;
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
    let subscription =
        Subscription::Console { guest: GuestRef::Name(guest), replay_bytes: REPLAY_BYTES, write };
    let subscribed =
        || -> anyhow::Result<EventStream> { Ok(connect(WhereNoneRuns::Fail)?.subscribe(subscription)?) };
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
            | Event::Log(_)
            | Event::Figures(_) => continue,
        };
        send(msgs, VspMsg::Console { id, event })?;
    }
}

/// Asks the VSP for one thing and passes its answer on.
fn ask(connect: &Connect, id: RequestId, request: &ClientToVsp, msgs: &Sender<Msg>) {
    let answer = || -> anyhow::Result<VspToClient> {
        let mut client = connect(WhereNoneRuns::Fail)?;
        let progress = |line: &str| {
            let _ = send(msgs, VspMsg::Progress { id, line: line.to_owned() });
        };
        Ok(client.request_with(request, progress)?)
    };
    let result = match answer() {
        Ok(VspToClient::Accepted(acceptance)) => Ok(acceptance),
        Ok(_) => Err(ClientError::Unexpected.to_string()),
        Err(error) => Err(format!("{error:#}")),
    };
    let _ = send(msgs, VspMsg::Reply { id, result });
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

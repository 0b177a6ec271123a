//! The VSP's socket: one thread per client, which asks the supervisor and waits for the answer; a second one for the other
//! direction of a subscription. A client can hold up nobody but itself.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, Sender, bounded, unbounded};
use ipc::connection::{HELLO_DEADLINE, Sender as SocketSender};
use ipc::device::DeviceRequest;
use ipc::listener::Listener;
use ipc::log::LogSource;
use ipc::message::{
    Acceptance, ClientToVsp, Event, GuestRef, LogQuery, Refusal, RefusalKind, Remark, Rights, Subscription,
    VspEnd, VspToClient,
};
use ipc::software::SoftwareRequest;
use ipc::{Access, Error, Peer, Role, Standing};
use storage::throttle::Throttle;
use tracing::Span;

use crate::caller::Caller;
use crate::clients::Clients;
use crate::console::{Console, Viewer};
use crate::log::{LogHub, LogReader, Readable};
use crate::stream::{self, Delivery, Offering};
use crate::supervisor::{Input, Reply, superuser};

/// Longest time a client may leave an answer or event unread before it is disconnected.
const SEND_DEADLINE: Duration = Duration::from_secs(30);
/// Least time between two events with figures.
const LEAST_INTERVAL: Duration = Duration::from_millis(100);
/// Bytes of a request that are logged.
const LONGEST_LOGGED: usize = 4096;
/// Bytes of events that wait for a client.
const EVENT_QUEUE: usize = 1 << 20;

/// What all client threads share.
#[derive(Clone)]
pub(crate) struct Server {
    access: Access,
    supervisor: Sender<Input>,
    logs: LogHub,
    load: Arc<Load>,
}

/// How many clients there are, and how many requests are being answered.
#[derive(Default)]
struct Load {
    /// Numbers requests, for the log.
    requests: AtomicU64,
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Default)]
struct Counts {
    clients: Clients,
    requests: usize,
}

impl Load {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client's place among all, for as long as it lives.
struct Place(Arc<Load>, u32);

impl Place {
    fn take(load: &Arc<Load>, uid: u32, is_owner: bool) -> Option<Place> {
        load.counts().clients.enter(uid, is_owner).then(|| Place(load.clone(), uid))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.counts().clients.leave(self.1);
    }
}

/// Counts one request for as long as it lives.
struct Busy(Arc<Load>);

impl Busy {
    fn new(load: &Arc<Load>) -> Busy {
        load.counts().requests += 1;
        Busy(load.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.counts().requests -= 1;
        self.0.changed.notify_all();
    }
}

impl Server {
    /// Serves those whom `access` admits at `listener` in a thread of its own until the process ends.
    pub(crate) fn start(
        listener: Listener,
        access: Access,
        supervisor: Sender<Input>,
        logs: LogHub,
    ) -> std::io::Result<Server> {
        let server = Server { access, supervisor, logs, load: Arc::default() };
        let accepting = server.clone();
        thread::Builder::new().name("accept".into()).spawn(move || accepting.accept(&listener))?;
        Ok(server)
    }

    /// Waits until what is answered now has been sent, for `limit` at most.
    pub(crate) fn drain(&self, limit: Duration) {
        let counts = self.load.counts();
        // What is not sent by then is lost with the process, as it would be with a client that does not read.
        let _ = self.load.changed.wait_timeout_while(counts, limit, |counts| counts.requests > 0);
    }

    fn accept(&self, listener: &Listener) {
        loop {
            let (stream, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, most likely: others must end before there is room for a new one.
                    tracing::error!(%error, "cannot accept clients");
                    thread::park_timeout(Duration::from_millis(100));
                    continue;
                }
            };
            let standing = self.access.check(peer);
            let Some(place) = Place::take(&self.load, peer.uid, matches!(standing, Ok(Standing::Owner)))
            else {
                static THROTTLE: Throttle = Throttle::new();
                if let Some(dropped) = THROTTLE.admit() {
                    tracing::warn!(pid = peer.pid, uid = peer.uid, dropped, "client refused: too many");
                }
                continue;
            };
            let server = self.clone();
            let serve = move || {
                let _place = place;
                let served = match standing {
                    Ok(standing) => server.serve(stream, &Caller::of(peer, standing), peer),
                    Err(denied) => {
                        tracing::warn!(error = %denied, pid = peer.pid, "client refused");
                        refuse(stream)
                    }
                };
                if let Err(error) = served {
                    tracing::info!(%error, pid = peer.pid, uid = peer.uid, "client connection ended");
                }
            };
            if let Err(error) = thread::Builder::new().name(format!("client-{}", peer.pid)).spawn(serve) {
                tracing::error!(%error, "cannot serve a client");
            }
        }
    }

    fn serve(&self, stream: UnixStream, caller: &Caller, peer: Peer) -> ipc::Result<()> {
        let (mut sender, mut receiver) = VspEnd::open(stream, Role::Vsp, Role::Client)?.split();
        sender.set_deadline(Some(SEND_DEADLINE))?;
        loop {
            let request = match receiver.receive() {
                Err(Error::Closed) => return Ok(()),
                other => other?,
            };
            let number = self.load.requests.fetch_add(1, Ordering::Relaxed) + 1;
            let span = tracing::info_span!("request", request = number);
            if is_change(&request) {
                let _request = span.enter();
                tracing::info!(what = shortened(&request), pid = peer.pid, uid = peer.uid, "request");
            }
            match request {
                ClientToVsp::Subscribe(subscription) => match self.open(subscription, caller) {
                    Ok(opened) => return stream_events(opened, sender, receiver),
                    Err(refusal) => sender.send(&VspToClient::Refused(refusal))?,
                },
                ClientToVsp::ConsoleUsers(guest) => {
                    let users = self.console(guest, caller, Rights::Oper).map(|console| console.users());
                    sender.send(&users.map_or_else(VspToClient::Refused, VspToClient::ConsoleUsers))?;
                }
                ClientToVsp::DisconnectUser { guest, number } => {
                    let _request = span.enter();
                    let done = self.disconnect(guest, number, caller);
                    sender.send(&done.map_or_else(VspToClient::Refused, VspToClient::Accepted))?;
                }
                request => self.answer(request, span, caller, &mut sender)?,
            }
        }
    }

    fn answer(
        &self,
        request: ClientToVsp,
        span: Span,
        caller: &Caller,
        sender: &mut SocketSender<VspToClient>,
    ) -> ipc::Result<()> {
        let _busy = Busy::new(&self.load);
        let (reply, answers) = unbounded();
        if self.supervisor.send(Input::Request(request, Reply::new(reply, span, caller.clone()))).is_err() {
            return sender.send(&VspToClient::Refused(ending()));
        }
        for mut answer in answers {
            if let VspToClient::Status(status) = &mut answer {
                status.clients = self.load.counts().clients.count() as u32;
            }
            let last = !matches!(
                answer,
                VspToClient::Progress(_) | VspToClient::Copied { .. } | VspToClient::OneOf(_)
            );
            sender.send(&answer)?;
            if last {
                return Ok(());
            }
        }
        sender.send(&VspToClient::Refused(ending()))
    }

    fn disconnect(&self, guest: GuestRef, number: u64, caller: &Caller) -> Result<Acceptance, Refusal> {
        match self.console(guest, caller, Rights::Admin)?.disconnect(number) {
            true => Ok(Acceptance::default()),
            false => {
                let remark = Remark::plain("There is no such session.");
                Err(Refusal { kind: RefusalKind::Invalid, remarks: vec![remark] })
            }
        }
    }

    fn open(&self, subscription: Subscription, caller: &Caller) -> Result<Opened, Refusal> {
        match subscription {
            Subscription::Guests => {
                let (offering, delivery) = stream::channel(EVENT_QUEUE);
                self.supervisor.send(Input::Watch(offering, caller.clone())).map_err(|_| ending())?;
                Ok(Opened::Events(delivery, None))
            }
            Subscription::Figures { interval_millis } => {
                let interval = Duration::from_millis(interval_millis.into()).max(LEAST_INTERVAL);
                let (offering, delivery) = stream::channel(EVENT_QUEUE);
                let (server, caller) = (self.clone(), caller.clone());
                let offer = move || server.offer_figures(&offering, interval, &caller);
                thread::Builder::new().name("figures".into()).spawn(offer).map_err(|_| ending())?;
                Ok(Opened::Events(delivery, None))
            }
            Subscription::Console { guest, replay_bytes, write } => {
                let (viewer, delivery) =
                    self.console(guest, caller, Rights::Oper)?.join(replay_bytes, write, caller);
                Ok(Opened::Events(delivery, Some(viewer)))
            }
            Subscription::Log(query) => Ok(Opened::Log(Box::new(self.open_log(query, caller)?))),
        }
    }

    fn open_log(&self, query: LogQuery, caller: &Caller) -> Result<LogReader, Refusal> {
        match &query.source {
            // Fails for a guest that does not exist.
            Some(LogSource::Guest(name) | LogSource::Console(name)) => {
                self.console(GuestRef::Name(name.clone()), caller, Rights::Oper)?;
            }
            Some(LogSource::Vsp) if !caller.is_owner() => return Err(superuser()),
            Some(LogSource::Vsp) => {}
            None => match self.readable(caller).ok_or_else(ending)? {
                Readable::Guests(names) if names.is_empty() => return Err(superuser()),
                _ => {}
            },
        }
        let (server, caller) = (self.clone(), caller.clone());
        LogReader::new(&self.logs, query, move || server.readable(&caller))
            .map_err(|text| Refusal { kind: RefusalKind::Invalid, remarks: vec![Remark::plain(text)] })
    }

    /// What the caller may read the logs of now; `None` when the VSP ends.
    fn readable(&self, caller: &Caller) -> Option<Readable> {
        if caller.is_owner() {
            return Some(Readable::Everything);
        }
        let (reply, names) = bounded(1);
        self.supervisor.send(Input::FindVisible { caller: caller.clone(), reply }).ok()?;
        names.recv().ok().map(Readable::Guests)
    }

    /// Offers figures again and again until the subscriber has gone or the VSP ends.
    fn offer_figures(&self, offering: &Offering, interval: Duration, caller: &Caller) {
        loop {
            let (reply, figures) = bounded(1);
            let reply = Reply::new(reply, Span::none(), caller.clone());
            let ask = Input::Request(ClientToVsp::Figures(None), reply);
            // Fails when the VSP ends.
            if self.supervisor.send(ask).is_err() {
                return;
            }
            let Ok(VspToClient::Figures(figures)) = figures.recv() else { return };
            if !offering.offer(Event::Figures(figures)) {
                return;
            }
            thread::sleep(interval);
        }
    }

    /// A guest's console, for somebody who has these rights on it.
    fn console(&self, guest: GuestRef, caller: &Caller, rights: Rights) -> Result<Console, Refusal> {
        let (reply, found) = bounded(1);
        let find = Input::FindConsole { guest, caller: caller.clone(), rights, reply };
        self.supervisor.send(find).map_err(|_| ending())?;
        found.recv().unwrap_or_else(|_| Err(ending()))
    }
}

/// Tells somebody who may not be here so, as the answer to whatever he asks.
fn refuse(stream: UnixStream) -> ipc::Result<()> {
    let (mut sender, mut receiver) = VspEnd::open(stream, Role::Vsp, Role::Client)?.split();
    sender.set_deadline(Some(HELLO_DEADLINE))?;
    receiver.set_deadline(Some(HELLO_DEADLINE))?;
    receiver.receive()?;
    sender.send(&VspToClient::Refused(superuser()))
}

/// A request for the log, in which nobody has room for all that he can write.
fn shortened(request: &ClientToVsp) -> String {
    let mut text = format!("{request:?}");
    if text.len() > LONGEST_LOGGED {
        text.truncate(text.floor_char_boundary(LONGEST_LOGGED));
        text.push_str("...");
    }
    text
}

/// Requests that change something are logged, with who asked.
fn is_change(request: &ClientToVsp) -> bool {
    !matches!(
        request,
        ClientToVsp::ListGuests
            | ClientToVsp::GuestDetail(_)
            | ClientToVsp::AllGuestDetails
            | ClientToVsp::VspStatus
            | ClientToVsp::Figures(_)
            | ClientToVsp::Subscribe(_)
            | ClientToVsp::ConsoleInput(_)
            | ClientToVsp::ConsoleTakeAccess
            | ClientToVsp::ConsoleReleaseAccess
            | ClientToVsp::ConsoleUsers(_)
            | ClientToVsp::Devices(DeviceRequest::List { .. } | DeviceRequest::Repair)
            | ClientToVsp::Software(
                SoftwareRequest::List(_) | SoftwareRequest::ListDepot(_) | SoftwareRequest::Missing
            )
    )
}

fn ending() -> Refusal {
    let remark = Remark { severity: None, guest: None, text: "The VSP is ending.".into() };
    Refusal { kind: RefusalKind::State, remarks: vec![remark] }
}

/// What a subscription delivers.
enum Opened {
    /// What somebody offers, perhaps to a viewer of a console.
    Events(Delivery, Option<Viewer>),
    /// What stands in files.
    Log(Box<LogReader>),
}

/// Sends events until the client hangs up or there are no more; takes console input meanwhile.
fn stream_events(
    opened: Opened,
    mut sender: SocketSender<VspToClient>,
    receiver: ipc::connection::Receiver<ClientToVsp>,
) -> ipc::Result<()> {
    sender.send(&VspToClient::Accepted(Acceptance::default()))?;
    let (alive, hung_up) = bounded::<()>(0);
    let hear = |viewer: Option<Viewer>| {
        thread::Builder::new().name("client-input".into()).spawn(move || {
            let _alive = alive;
            take_input(receiver, viewer);
        })
    };
    let result = match opened {
        Opened::Events(delivery, viewer) => {
            hear(viewer)?;
            send_events(&delivery, &hung_up, &mut sender)
        }
        Opened::Log(reader) => {
            hear(None)?;
            // Whoever reads it page by page may take his time: it is his thread alone that waits.
            sender.set_deadline(None)?;
            reader.run(&hung_up, &mut |events| sender.send_all(events.into_iter().map(VspToClient::Event)))
        }
    };
    sender.close();
    result
}

fn send_events(
    delivery: &Delivery,
    hung_up: &Receiver<()>,
    sender: &mut SocketSender<VspToClient>,
) -> ipc::Result<()> {
    loop {
        loop {
            match delivery.next() {
                Ok(Some(event)) => sender.send(&VspToClient::Event(event))?,
                Ok(None) => break,
                Err(stream::Ended) => return Ok(()),
            }
        }
        let mut select = Select::new();
        let events = select.recv(delivery.woken());
        select.recv(hung_up);
        if select.ready() != events {
            return Ok(());
        }
    }
}

fn take_input(mut receiver: ipc::connection::Receiver<ClientToVsp>, viewer: Option<Viewer>) {
    // Any other message, or none: the connection is over.
    while let (Ok(message), Some(viewer)) = (receiver.receive(), &viewer) {
        match message {
            ClientToVsp::ConsoleInput(bytes) => viewer.type_bytes(bytes),
            ClientToVsp::ConsoleTakeAccess => viewer.take_access(),
            ClientToVsp::ConsoleReleaseAccess => viewer.release_access(),
            _ => return,
        }
    }
}

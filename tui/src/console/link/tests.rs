//! Against a VSP of a few lines behind a real socket.

use super::*;
use crate::console::screens::logs::{Choice, From, Line, PastQuery};
use crate::console::screens::matcher::Matcher;
use crossbeam_channel::{Receiver, bounded};
use ipc::Role;
use ipc::log::LogPosition;
use ipc::message::{Acceptance, Refusal, RefusalKind, Remark, Severity, VspEnd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

struct Vsp {
    _directory: tempfile::TempDir,
    socket: PathBuf,
}

impl Vsp {
    /// Serves each connection with `serve` in a thread of its own.
    fn new(serve: fn(VspEnd)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("vsp.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                thread::spawn(move || {
                    if let Ok(end) = VspEnd::open(stream, Role::Vsp, Role::Client) {
                        serve(end);
                    }
                });
            }
        });
        Self { _directory: directory, socket }
    }

    fn link(&self) -> (Link, Receiver<Msg>) {
        let socket = self.socket.clone();
        let (sender, msgs) = bounded(16);
        let connect = move |_| Ok(Some(Client::connect(&socket)?));
        (Link::new(Arc::new(connect), sender), msgs)
    }
}

fn next(msgs: &Receiver<Msg>) -> VspMsg {
    match msgs.recv_timeout(DEADLINE) {
        Ok(Msg::Vsp(event)) => event,
        other => panic!("expected an event of the VSP, got {other:?}"),
    }
}

fn accept(end: &mut VspEnd) {
    let _ = end.send(&VspToClient::Accepted(Acceptance::default()));
}

/// Waits until the client hangs up.
fn wait(mut end: VspEnd) {
    while end.receive().is_ok() {}
}

#[test]
fn guests_and_logs_arrive_until_the_vsp_is_gone() {
    let vsp = Vsp::new(|mut end| {
        while let Ok(request) = end.receive() {
            match request {
                ClientToVsp::VspStatus => {
                    let _ = end.send(&VspToClient::Status(*crate::console::samples::status()));
                }
                ClientToVsp::Subscribe(Subscription::Guests) => {
                    accept(&mut end);
                    let _ = end.send(&VspToClient::Event(Event::Guests(crate::console::samples::guests(2))));
                    return wait(end);
                }
                ClientToVsp::Subscribe(Subscription::Figures { .. }) => {
                    accept(&mut end);
                    let _ = end.send(&VspToClient::Event(Event::Figures(Vec::new())));
                    return wait(end);
                }
                ClientToVsp::Subscribe(Subscription::Log(_)) => {
                    accept(&mut end);
                    let record = crate::console::samples::record("vsp", Level::Info, 0, "ready");
                    let _ = end.send(&VspToClient::Event(Event::Log {
                        record,
                        end: LogPosition { file: 1, offset: 1 },
                    }));
                    // Both were seen when the client's threads asked for more; then the VSP goes.
                    let _ = end.send(&VspToClient::Event(Event::Gap { events: 3 }));
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
    });
    let (mut link, msgs) = vsp.link();
    assert!(link.perform(Effect::Connect { may_start: true }).is_none());
    assert!(matches!(next(&msgs), VspMsg::Up(status) if status.pid == 4242));
    let mut seen = Vec::new();
    loop {
        match next(&msgs) {
            VspMsg::Guests(guests) => seen.push(format!("{} guests", guests.len())),
            VspMsg::Log(record) => {
                let LogRecord { source, message, .. } = *record;
                assert_eq!(source, LogSource::Vsp);
                seen.push(message);
            }
            VspMsg::Figures { .. } => {}
            VspMsg::LogGap(count) => seen.push(format!("gap {count}")),
            VspMsg::Down { reason, is_absent: false } => {
                assert!(!reason.is_empty());
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    seen.retain(|text| text != "2 guests");
    assert_eq!(seen, ["ready", "gap 3"]);
}

#[test]
fn who_may_not_see_the_log_sees_the_rest() {
    let vsp = Vsp::new(|mut end| {
        while let Ok(request) = end.receive() {
            match request {
                ClientToVsp::VspStatus => {
                    let _ = end.send(&VspToClient::Status(*crate::console::samples::status()));
                }
                ClientToVsp::Subscribe(Subscription::Log(_)) => {
                    let remarks = vec![Remark::plain("only the owner may")];
                    let _ = end.send(&VspToClient::Refused(Refusal { kind: RefusalKind::State, remarks }));
                }
                ClientToVsp::Subscribe(_) => {
                    accept(&mut end);
                    let _ = end.send(&VspToClient::Event(Event::Guests(crate::console::samples::guests(2))));
                    return wait(end);
                }
                other => panic!("{other:?}"),
            }
        }
    });
    let (mut link, msgs) = vsp.link();
    link.perform(Effect::Connect { may_start: false });
    assert!(matches!(next(&msgs), VspMsg::Up(_)));
    let VspMsg::Log(record) = next(&msgs) else { panic!("it says why there is no log") };
    assert_eq!(record.message, "the log is not shown: only the owner may");
    assert!(matches!(next(&msgs), VspMsg::Guests(guests) if guests.len() == 2));
}

#[test]
fn vsp_that_is_not_there_is_reported_with_the_reason() {
    let (sender, msgs) = bounded(16);
    let connect = |_| Ok(Some(Client::connect(std::path::Path::new("/nonexistent/vsp.sock"))?));
    let mut link = Link::new(Arc::new(connect), sender);
    link.perform(Effect::Connect { may_start: false });
    let VspMsg::Down { reason, .. } = next(&msgs) else { panic!("it cannot be up") };
    assert!(reason.contains("No such file"), "{reason}");
}

#[test]
fn absence_of_a_vsp_is_no_failure() {
    let (sender, msgs) = bounded(16);
    let mut link = Link::new(Arc::new(|_| Ok(None)), sender);
    link.perform(Effect::Connect { may_start: false });
    assert!(matches!(next(&msgs), VspMsg::Down { is_absent: true, .. }));
}

#[test]
fn storage_and_guests_are_asked_for() {
    let vsp = Vsp::new(|mut end| {
        let inventory = crate::console::samples::inventory();
        while let Ok(request) = end.receive() {
            let answer = match request {
                ClientToVsp::Devices(_) => VspToClient::Devices(inventory.entries.clone()),
                ClientToVsp::Io(IoRequest::List { scan: false }) => {
                    VspToClient::Io(IoAnswer::Devices(inventory.devices.clone()))
                }
                ClientToVsp::Io(IoRequest::ListEmulated) => {
                    VspToClient::Io(IoAnswer::Emulated(inventory.emulated.clone()))
                }
                ClientToVsp::AllGuestDetails => {
                    for guest in &inventory.guests {
                        let _ = end.send(&VspToClient::OneOf(Box::new(guest.clone())));
                    }
                    VspToClient::Accepted(Acceptance::default())
                }
                ClientToVsp::GuestDetail(_) => {
                    let remarks = vec![Remark::plain("it is damaged")];
                    VspToClient::Refused(Refusal { kind: RefusalKind::Host, remarks })
                }
                other => panic!("{other:?}"),
            };
            let _ = end.send(&answer);
        }
    });
    let (mut link, msgs) = vsp.link();
    link.perform(Effect::AskInventory { scan: false });
    let VspMsg::Inventory(Ok(inventory)) = next(&msgs) else { panic!("it was asked for") };
    assert_eq!(inventory, crate::console::samples::inventory());
    link.perform(Effect::AskDetail("guest002".to_owned()));
    let VspMsg::Detail { result: Err(problem), .. } = next(&msgs) else { panic!("it was asked for") };
    assert_eq!(problem, "it is damaged");
}

#[test]
fn silent_vsp_holds_up_nothing_but_its_own_request() {
    let vsp = Vsp::new(|mut end| {
        // The first request is never answered; those that start a guest are.
        while let Ok(request) = end.receive() {
            if matches!(request, ClientToVsp::StartGuest { .. }) {
                accept(&mut end);
            }
        }
    });
    let (mut link, msgs) = vsp.link();
    let guest = GuestRef::Number(1);
    link.perform(Effect::Request { id: 1, request: Box::new(ClientToVsp::ResetGuest(guest.clone())) });
    let request = Box::new(ClientToVsp::StartGuest { guest, manner: ipc::message::Manner::Normal });
    link.perform(Effect::Request { id: 2, request });
    assert!(matches!(next(&msgs), VspMsg::Reply { id: 2, result: Ok(_) }));
}

#[test]
fn refusal_reaches_the_operator_word_for_word() {
    let vsp = Vsp::new(|mut end| {
        let _ = end.receive();
        let remark = Remark {
            severity: Some(Severity::Error),
            guest: Some("ivm1".to_owned()),
            text: "Guest is already running.".to_owned(),
        };
        let _ = end.send(&VspToClient::Progress("looking".to_owned()));
        let _ = end.send(&VspToClient::Refused(Refusal { kind: RefusalKind::State, remarks: vec![remark] }));
        wait(end);
    });
    let (mut link, msgs) = vsp.link();
    let request =
        ClientToVsp::StartGuest { guest: GuestRef::Number(1), manner: ipc::message::Manner::Normal };
    link.perform(Effect::Request { id: 7, request: Box::new(request) });
    assert!(matches!(next(&msgs), VspMsg::Progress { id: 7, line } if line == "looking"));
    let VspMsg::Reply { id: 7, result: Err(text) } = next(&msgs) else { panic!("it was refused") };
    assert_eq!(text, "ERROR (ivm1): Guest is already running.");
}

#[test]
fn console_carries_output_keys_and_access_both_ways() {
    let vsp = Vsp::new(|mut end| {
        let Ok(ClientToVsp::Subscribe(Subscription::Console { guest, write: true, .. })) = end.receive()
        else {
            panic!("a console is asked for");
        };
        assert_eq!(guest, GuestRef::Name("demo".to_owned()));
        accept(&mut end);
        let _ = end.send(&VspToClient::Event(Event::ConsoleAccess { write: false }));
        let _ = end.send(&VspToClient::Event(Event::ReplayDone));
        while let Ok(request) = end.receive() {
            let event = match request {
                ClientToVsp::ConsoleTakeAccess => Event::ConsoleAccess { write: true },
                ClientToVsp::ConsoleInput(bytes) if bytes == b"bye" => return,
                ClientToVsp::ConsoleInput(bytes) => Event::Console(bytes),
                other => panic!("{other:?}"),
            };
            let _ = end.send(&VspToClient::Event(event));
        }
    });
    let (mut link, msgs) = vsp.link();
    let id = ConsoleId(5);
    let next = || match next(&msgs) {
        VspMsg::Console { id: ConsoleId(5), event } => event,
        other => panic!("{other:?}"),
    };
    link.perform(Effect::OpenConsole { id, guest: "demo".to_owned(), write: true });
    assert!(matches!(next(), ConsoleEvent::Access { write: false }));
    assert!(matches!(next(), ConsoleEvent::ReplayDone));
    link.perform(Effect::TakeAccess(id));
    assert!(matches!(next(), ConsoleEvent::Access { write: true }));
    link.perform(Effect::Input { id, bytes: b"echo".to_vec() });
    assert!(matches!(next(), ConsoleEvent::Output(bytes) if bytes == b"echo"));
    link.perform(Effect::Input { id, bytes: b"bye".to_vec() });
    assert!(matches!(next(), ConsoleEvent::Ended(_)));
}

#[test]
fn files_are_looked_at_elsewhere() {
    let (sender, msgs) = bounded(16);
    let mut link = Link::new(Arc::new(|_| anyhow::bail!("none")), sender);
    for (path, expected) in
        [("/", Some("This is a directory")), ("/nonexistent", Some("There is no such file"))]
    {
        link.perform(Effect::CheckFile(path.to_owned()));
        let Ok(Msg::FileChecked { problem, .. }) = msgs.recv_timeout(DEADLINE) else {
            panic!("it was asked for")
        };
        assert_eq!(problem.as_deref(), expected);
    }
}

/// A VSP with four lines, of which it sends the last ones, or those from a moment on.
fn serve_log(mut end: VspEnd) {
    let Ok(ClientToVsp::Subscribe(Subscription::Log(query))) = end.receive() else {
        panic!("a log is asked for")
    };
    accept(&mut end);
    let all = [("one", 1), ("two", 2), ("three", 2), ("four", 3)];
    let is_asked = |time: i64| {
        query.since_micros.is_none_or(|since| time >= since)
            && query.until_micros.is_none_or(|until| time < until)
    };
    let asked: Vec<_> = all.into_iter().filter(|(_, time)| is_asked(*time)).collect();
    let skipped = asked.len().saturating_sub(query.last.map_or(usize::MAX, |last| last as usize));
    for (message, time_micros) in asked.into_iter().skip(skipped) {
        let record = LogRecord {
            time_micros,
            fields: Vec::new(),
            ..crate::console::samples::record("vsp", Level::Info, 0, message)
        };
        let _ = end.send(&VspToClient::Event(Event::Log { record, end: LogPosition { file: 1, offset: 1 } }));
    }
    let _ = end.send(&VspToClient::Event(Event::ReplayDone));
}

#[test]
fn kept_log_is_read_both_ways_without_what_is_known() {
    let vsp = Vsp::new(serve_log);
    let (mut link, msgs) = vsp.link();
    let mut read = |from, known, text: &str| {
        let choice = Choice { filter: Matcher::text(text), ..Choice::default() };
        link.perform(Effect::ReadPast(Box::new(PastQuery { id: 9, choice, from, known })));
        match next(&msgs) {
            VspMsg::Past { id: 9, result: Ok(part) } => {
                assert!(part.is_end);
                part.lines.iter().map(Line::text).map(str::to_owned).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(read(From::Since(2), 0, ""), ["two", "three", "four"]);
    assert_eq!(read(From::Since(2), 1, ""), ["three", "four"]);
    assert_eq!(read(From::Since(2), 2, ""), ["four"]);
    assert_eq!(read(From::UpTo(2), 0, ""), ["one", "two", "three"]);
    assert_eq!(read(From::UpTo(2), 1, ""), ["one", "two"]);
    assert_eq!(read(From::UpTo(3), 0, "o"), ["one", "two", "four"]);
}

//! Real sockets: descriptors, the listener's directory, subscriptions.

use std::fs;
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::thread;

use ipc::client::{Client, ClientError};
use ipc::guest::{GuestEnd, GuestToVsp, VspToGuest};
use ipc::listener::{self, Listener};
use ipc::message::{
    Acceptance, ClientToVsp, Event, Refusal, RefusalKind, Remark, Severity, Subscription, VspEnd, VspToClient,
};
use ipc::{Access, Error, Role};

use crate::samples;

fn guest_pair() -> (ipc::guest::VspEnd, GuestEnd) {
    let (near, far) = UnixStream::pair().unwrap();
    let guest = thread::spawn(move || GuestEnd::open(far, Role::Guest, Role::Vsp).unwrap());
    (ipc::guest::VspEnd::open(near, Role::Vsp, Role::Guest).unwrap(), guest.join().unwrap())
}

#[test]
fn descriptors_arrive_in_order_with_their_message() {
    let (vsp, guest) = guest_pair();
    let (mut to_guest, _) = vsp.split();
    let (_, mut from_vsp) = guest.split();
    let start = samples::start();
    let mut files = Vec::new();
    for n in 0..start.descriptor_count() {
        let mut file = tempfile::tempfile().unwrap();
        write!(file, "file {n}").unwrap();
        file.rewind().unwrap();
        files.push(file);
    }
    let fds: Vec<_> = files.iter().map(AsFd::as_fd).collect();
    to_guest.send(&VspToGuest::PowerButton).unwrap();
    to_guest.send_with(&VspToGuest::Start(Box::new(start.clone())), &fds).unwrap();
    assert_eq!(from_vsp.receive().unwrap(), VspToGuest::PowerButton);
    let (message, fds) = from_vsp.receive_with().unwrap();
    assert_eq!(message, VspToGuest::Start(Box::new(start)));
    for (n, fd) in fds.into_iter().enumerate() {
        let mut text = String::new();
        fs::File::from(fd).read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("file {n}"));
    }
}

#[test]
fn unexpected_descriptors_are_refused() {
    let (mut vsp, guest) = guest_pair();
    let (mut to_vsp, _) = guest.split();
    let file = tempfile::tempfile().unwrap();
    to_vsp.send_with(&GuestToVsp::Started, &[file.as_fd()]).unwrap();
    assert!(matches!(vsp.receive(), Err(Error::Descriptors { expected: 0, found: 1 })));
}

#[test]
fn the_socket_directory_belongs_to_its_owner_alone_and_a_stale_socket_is_replaced() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run/vsp.sock");
    let first = Listener::bind(&path, Access::owner()).unwrap();
    std::mem::forget(first); // as if killed: the socket file stays
    let second = Listener::bind(&path, Access::owner()).unwrap();
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let client = thread::spawn(move || listener::connect(&path).map(drop));
    let (_, peer) = second.accept().unwrap();
    assert_eq!(peer.uid, nix::unistd::geteuid().as_raw());
    client.join().unwrap().unwrap();
}

#[test]
fn a_group_can_reach_the_socket_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run/vsp.sock");
    let group = nix::unistd::getegid().as_raw();
    let _listener = Listener::bind(&path, Access { group: Some(group), ..Access::owner() }).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o710, 0o660));
}

#[test]
fn another_version_is_told_both_versions() {
    use ipc::codec::{HELLO_VERSION, PROTOCOL_VERSION, encode};
    let (near, mut far) = UnixStream::pair().unwrap();
    let hello = ipc::Hello { version: 99, role: Role::Client, build: "9.9".into() };
    far.write_all(&encode(HELLO_VERSION, &hello).unwrap()).unwrap();
    let refused = VspEnd::open(near, Role::Vsp, Role::Client).unwrap_err();
    assert!(matches!(refused, Error::Version { theirs: 99, ours: PROTOCOL_VERSION, .. }));
    assert!(refused.to_string().starts_with("protocol version 99 (build 9.9) does not fit version "));
}

#[test]
fn too_long_a_socket_path_says_what_to_do() {
    let path = std::path::PathBuf::from(format!("/tmp/{}/vsp.sock", "x".repeat(120)));
    let error = listener::connect(&path).unwrap_err();
    assert!(error.to_string().contains("choose a shorter state directory"), "{error}");
}

/// A VSP that serves one client with `script`.
fn vsp(script: impl FnOnce(VspEnd) + Send + 'static) -> (tempfile::TempDir, Client, thread::JoinHandle<()>) {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run/vsp.sock");
    let listener = Listener::bind(&path, Access::owner()).unwrap();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        script(VspEnd::open(stream, Role::Vsp, Role::Client).unwrap());
    });
    let client = Client::connect(&path).unwrap();
    (root, client, server)
}

#[test]
fn a_request_shows_its_progress_and_then_its_refusal() {
    let (_root, mut client, server) = vsp(|mut end| {
        assert!(matches!(end.receive().unwrap(), ClientToVsp::StartGuest { .. }));
        end.send(&VspToClient::Progress("Loading boot image".into())).unwrap();
        let remark = Remark {
            severity: Some(Severity::Error),
            guest: Some("ivm1".into()),
            text: "Guest is already running.".into(),
        };
        end.send(&VspToClient::Refused(Refusal { kind: RefusalKind::State, remarks: vec![remark] })).unwrap();
    });
    let mut lines = Vec::new();
    let request = ClientToVsp::StartGuest {
        guest: ipc::message::GuestRef::Name("ivm1".into()),
        manner: ipc::message::Manner::Normal,
    };
    let error = client.request_with(&request, |line| lines.push(line.to_owned())).unwrap_err();
    assert_eq!(lines, ["Loading boot image"]);
    assert!(matches!(error, ClientError::Refused(_)));
    assert_eq!(error.to_string(), "ERROR (ivm1): Guest is already running.");
    server.join().unwrap();
}

#[test]
fn a_subscription_delivers_events_until_the_end_and_takes_input() {
    let (_root, client, server) = vsp(|mut end| {
        assert!(matches!(end.receive().unwrap(), ClientToVsp::Subscribe(_)));
        end.send(&VspToClient::Accepted(Acceptance::default())).unwrap();
        end.send(&VspToClient::Event(Event::Console(b"diag> ".to_vec()))).unwrap();
        assert_eq!(end.receive().unwrap(), ClientToVsp::ConsoleInput(b"help\r".to_vec()));
    });
    let mut stream = client.subscribe(Subscription::Guests).unwrap();
    assert_eq!(stream.events().recv().unwrap().unwrap(), Event::Console(b"diag> ".to_vec()));
    stream.type_bytes(b"help\r").unwrap();
    assert!(matches!(stream.events().recv().unwrap(), Err(Error::Closed)));
    assert!(stream.events().recv().is_err());
    server.join().unwrap();
}

#[test]
fn dropping_a_subscription_hangs_up() {
    let (_root, client, server) = vsp(|mut end| {
        end.receive().unwrap();
        end.send(&VspToClient::Accepted(Acceptance::default())).unwrap();
        assert!(matches!(end.receive(), Err(Error::Closed)));
    });
    drop(client.subscribe(Subscription::Guests).unwrap());
    server.join().unwrap();
}

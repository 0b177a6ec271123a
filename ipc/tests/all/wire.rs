//! What is on the wire: changes of it show as a difference in `golden/`, and nothing that is not a message hangs or
//! harms the reader.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use crate::samples::{self, Named};
use ipc::codec::{self, HEADER, MAX_FRAME, PROTOCOL_VERSION};
use ipc::message::{ClientEnd, ClientToVsp, VspEnd, VspToClient};
use ipc::{Error, Hello, Role};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn hex<T: Serialize>(message: &T) -> String {
    codec::encode(PROTOCOL_VERSION, message).unwrap().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn lines<T: Serialize>(kind: &str, messages: &Named<T>) -> String {
    messages.iter().map(|(name, message)| format!("{kind}/{name} {}\n", hex(message))).collect()
}

/// `KITTSON_BLESS=1 cargo test -p ipc` writes the file anew: raise the protocol version unless variants were appended.
#[test]
fn wire_is_as_recorded() {
    let now = lines("client-to-vsp", &samples::client_to_vsp())
        + &lines("vsp-to-client", &samples::vsp_to_client())
        + &lines("vsp-to-guest", &samples::vsp_to_guest())
        + &lines("guest-to-vsp", &samples::guest_to_vsp());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages.txt");
    if std::env::var_os("KITTSON_BLESS").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let recorded = std::fs::read_to_string(&file).unwrap();
    for (now, recorded) in now.lines().zip(recorded.lines()) {
        assert_eq!(now, recorded);
    }
    assert_eq!(now, recorded);
}

fn assert_round_trip<T: Serialize + DeserializeOwned + PartialEq + Debug>(messages: Named<T>) {
    for (name, message) in messages {
        let frame = codec::encode(PROTOCOL_VERSION, &message).unwrap();
        let header = frame[..HEADER].try_into().unwrap();
        assert_eq!(codec::decode_header(header).unwrap(), (frame.len() - HEADER, PROTOCOL_VERSION), "{name}");
        assert_eq!(codec::decode::<T>(&frame[HEADER..]).unwrap(), message, "{name}");
        for end in 0..frame.len() - HEADER {
            assert!(codec::decode::<T>(&frame[HEADER..HEADER + end]).is_err(), "{name} cut at {end}");
        }
        let mut longer = frame[HEADER..].to_vec();
        longer.push(0);
        assert!(codec::decode::<T>(&longer).is_err(), "{name} with a byte too many");
    }
}

#[test]
fn every_message_survives_the_wire_and_no_part_of_it_passes_for_a_whole() {
    assert_round_trip(samples::client_to_vsp());
    assert_round_trip(samples::vsp_to_client());
    assert_round_trip(samples::vsp_to_guest());
    assert_round_trip(samples::guest_to_vsp());
}

proptest! {
    #[test]
    fn noise_is_refused_or_read_but_never_harms(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = codec::decode::<ClientToVsp>(&bytes);
        let _ = codec::decode::<VspToClient>(&bytes);
        let _ = codec::decode::<ipc::guest::GuestToVsp>(&bytes);
        let _ = codec::decode::<ipc::guest::VspToGuest>(&bytes);
    }

    #[test]
    fn damaged_messages_are_refused_or_read_but_never_harm(which in 0usize..16, at in any::<u16>(), value: u8) {
        let (_, message) = samples::client_to_vsp().swap_remove(which);
        let mut frame = codec::encode(PROTOCOL_VERSION, &message).unwrap();
        let at = HEADER + at as usize % (frame.len() - HEADER);
        frame[at] = value;
        let _ = codec::decode::<ClientToVsp>(&frame[HEADER..]);
    }
}

#[test]
fn too_long_a_message_is_refused_by_the_sender() {
    let message = ClientToVsp::ConsoleInput(vec![0; MAX_FRAME]);
    assert!(matches!(codec::encode(PROTOCOL_VERSION, &message), Err(Error::TooLong { .. })));
}

/// What the VSP's end makes of a peer that writes `bytes` and leaves.
fn opened_by(bytes: &[u8]) -> ipc::Result<ClientToVsp> {
    let (near, mut far) = UnixStream::pair().unwrap();
    far.write_all(bytes).unwrap();
    far.shutdown(std::net::Shutdown::Write).unwrap();
    VspEnd::open(near, Role::Vsp, Role::Client)?.receive()
}

fn hello(version: u16, role: Role) -> Vec<u8> {
    let hello = Hello { version, role, build: "9.9.9".into() };
    codec::encode(codec::HELLO_VERSION, &hello).unwrap()
}

#[test]
fn another_protocol_version_is_named() {
    let error = opened_by(&hello(77, Role::Client)).unwrap_err();
    assert!(matches!(&error, Error::Version { theirs: 77, .. }));
    assert!(error.to_string().starts_with("protocol version 77 (build 9.9.9) does not fit"), "{error}");
}

#[test]
fn another_role_is_named() {
    let error = opened_by(&hello(PROTOCOL_VERSION, Role::Guest)).unwrap_err();
    assert_eq!(error.to_string(), "expected to talk to a client, but this is a guest process");
}

#[test]
fn garbage_in_place_of_a_greeting_is_an_error_at_once() {
    assert!(matches!(opened_by(b"GET / HTTP/1.1\r\n\r\n"), Err(Error::TooLong { .. })));
    assert!(matches!(opened_by(&[1, 0, 0, 0, 0, 0]), Err(Error::Malformed(_))));
    assert!(matches!(opened_by(&[]), Err(Error::Closed)));
}

#[test]
fn a_stream_that_ends_inside_a_message_is_an_error_at_every_byte() {
    let greeting = hello(PROTOCOL_VERSION, Role::Client);
    let (_, message) = samples::client_to_vsp().swap_remove(2);
    let frame = codec::encode(PROTOCOL_VERSION, &message).unwrap();
    let stream = [greeting.clone(), frame].concat();
    for end in 0..stream.len() {
        let error = opened_by(&stream[..end]).unwrap_err();
        let between = end == 0 || end == greeting.len();
        assert_eq!(matches!(error, Error::Closed), between, "cut at {end}: {error}");
    }
    assert_eq!(opened_by(&stream).unwrap(), message);
}

#[test]
fn both_ends_greet_and_talk() {
    let (near, far) = UnixStream::pair().unwrap();
    let vsp = thread::spawn(move || {
        let mut end = VspEnd::open(near, Role::Vsp, Role::Client).unwrap();
        assert_eq!(end.receive().unwrap(), ClientToVsp::ListGuests);
        end.send(&VspToClient::Guests(vec![])).unwrap();
        assert!(matches!(end.receive(), Err(Error::Closed)));
    });
    let mut client = ClientEnd::open(far, Role::Client, Role::Vsp).unwrap();
    client.send(&ClientToVsp::ListGuests).unwrap();
    assert_eq!(client.receive().unwrap(), VspToClient::Guests(vec![]));
    drop(client);
    vsp.join().unwrap();
}

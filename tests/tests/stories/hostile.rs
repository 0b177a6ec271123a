//! Clients that mean harm: whatever comes to the control socket, by thousands of connections, the VSP answers others.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ipc::client::Client;
use ipc::guest::{AdapterStart, GuestStart, VspEnd, VspToGuest};
use ipc::log::Level;
use ipc::message::{ClientEnd, ClientToVsp, LogQuery, Subscription};
use ipc::{Hello, Role, codec};
use serde::Serialize;
use tests::{Deadline, Vsp, is_alive, wait_for};
use uuid::Uuid;

use crate::guest::PROMPT;

/// Least connections that come with nonsense, one after the other by each of the attackers.
const CONNECTIONS: u64 = 500;
const ATTACKERS: u64 = 4;

/// Others who come meanwhile, and are answered.
const NEWCOMERS: usize = 50;

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.roll(most)).map(|_| self.roll(256) as u8).collect()
    }
}

fn hello(version: u16, role: Role) -> Vec<u8> {
    let hello = Hello { version, role, build: "9".into() };
    codec::encode(codec::HELLO_VERSION, &hello).unwrap()
}

/// What clients ask.
fn requests() -> [ClientToVsp; 5] {
    [
        ClientToVsp::ListGuests,
        ClientToVsp::AllGuestDetails,
        ClientToVsp::Subscribe(Subscription::Guests),
        ClientToVsp::ConsoleInput(vec![3; 100]),
        ClientToVsp::Subscribe(Subscription::Log(LogQuery {
            pattern: Some("(((".into()),
            ..LogQuery::default()
        })),
    ]
}

/// What one connection brings: noise, another version, a good beginning with noise, a part or a damaged whole of a request
/// behind it, or a length that never comes.
fn nonsense<T: Serialize>(dice: &mut Dice, role: Role, requests: &[T]) -> Vec<u8> {
    let good = hello(codec::PROTOCOL_VERSION, role);
    match dice.roll(6) {
        0 => dice.bytes(10_000),
        1 => hello(dice.roll(65_536) as u16, role),
        _ => [good, damaged(dice, requests)].concat(),
    }
}

/// Noise, or what is left of a request.
fn damaged<T: Serialize>(dice: &mut Dice, requests: &[T]) -> Vec<u8> {
    let request = &requests[dice.roll(requests.len() as u64) as usize];
    let mut frame = codec::encode(codec::PROTOCOL_VERSION, request).unwrap();
    match dice.roll(4) {
        0 => dice.bytes(300),
        1 => {
            frame.truncate(dice.roll(frame.len() as u64) as usize);
            frame
        }
        2 => {
            // Not what it asks for: the next request in the list may be one to stop.
            let kept = codec::HEADER + 1;
            let at = kept + dice.roll((frame.len() - kept + 1) as u64) as usize;
            frame.push(0);
            frame[at] = dice.roll(256) as u8;
            frame
        }
        _ => [(dice.roll(1 << 32) as u32).to_le_bytes().to_vec(), dice.bytes(40)].concat(),
    }
}

/// Says at its end that the story is over.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn others_are_answered_whatever_comes_to_the_control_socket() {
    let vsp = Vsp::new();
    vsp.create("ivm1", &[]);
    let (pid, socket) = (vsp.pid().unwrap(), vsp.root().join("run/vsp.sock"));
    // Some say nothing, some ask for everything and read nothing of it.
    let silent: Vec<_> = (0..40).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    let deaf: Vec<_> = (0..40)
        .map(|number| {
            let mut end =
                ClientEnd::open(UnixStream::connect(&socket).unwrap(), Role::Client, Role::Vsp).unwrap();
            let log = LogQuery { level: Level::Trace, follow: true, ..LogQuery::default() };
            let request = match number % 3 {
                0 => ClientToVsp::Subscribe(Subscription::Log(log)),
                1 => ClientToVsp::Subscribe(Subscription::Figures { interval_millis: 0 }),
                _ => ClientToVsp::AllGuestDetails,
            };
            end.send(&request).unwrap();
            if number % 3 == 2 {
                // It is not asked again before the answer is read; what else comes fills the socket.
                let _ = (0..200).try_for_each(|_| end.send(&ClientToVsp::AllGuestDetails));
            }
            end
        })
        .collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..ATTACKERS {
            let (socket, is_over) = (&socket, &is_over);
            scope.spawn(move || {
                let mut dice = Dice(number);
                let mut came = 0;
                while came < CONNECTIONS || !is_over.load(Ordering::Acquire) {
                    came += 1;
                    let Ok(mut stream) = UnixStream::connect(socket) else { continue };
                    // The VSP may hang up before it has read all.
                    let _ = stream.write_all(&nonsense(&mut dice, Role::Client, &requests()));
                    if dice.roll(4) == 0 {
                        let _ = stream.shutdown(std::net::Shutdown::Write);
                        let _ = stream.read(&mut [0; 4096]);
                    }
                }
            });
        }
        // Ends the attackers even when it panics.
        let over = Over(&is_over);
        let mut old = Client::connect(&socket).unwrap();
        for _ in 0..NEWCOMERS {
            old.status().expect("who was there is answered");
            // Who comes may find too many of them there, and comes again.
            let come = || Client::connect(&socket).ok()?.guests().ok();
            assert_eq!(wait_for(Deadline::Soon, "an answer", || vsp.logs(), come).len(), 2);
        }
        drop(over);
    });
    drop((silent, deaf));
    assert!(vsp.run(&["status"]).ok().contains("\nivm1 "));
    assert!(is_alive(pid) && vsp.pid() == Some(pid));
    assert!(!vsp.log().contains("panicked"));
    let complaints = std::fs::read_to_string(vsp.root().join("common/vsp.stderr")).unwrap_or_default();
    assert_eq!(complaints, "");
}

/// What a VSP tells a guest, but nothing that ends or resets it.
fn orders() -> [VspToGuest; 5] {
    let start = GuestStart {
        name: "ivm1".into(),
        number: 1,
        uuid: Uuid::nil(),
        memory_bytes: 64 << 20,
        vcpus: 2,
        append: "run=shutdown".into(),
        has_initrd: true,
        adapters: vec![AdapterStart { bus: 0, slot: 0, request_queues: 1 }],
    };
    [
        VspToGuest::ConsoleInput(vec![b' '; 100]),
        VspToGuest::Attach { console_from: u64::MAX },
        VspToGuest::Adapter { bus: 0, slot: 0 },
        VspToGuest::Adapter { bus: 200, slot: 200 },
        VspToGuest::Start(Box::new(start)),
    ]
}

#[test]
fn a_guest_goes_on_whatever_comes_in_place_of_a_vsp() {
    let vsp = Vsp::new();
    let disk = format!("disk:avio_stor::file:{}", vsp.disk("disk", 16 << 20));
    let options = ["-r", "128M", "-x", "kernel=builtin:diag", "-a", &disk];
    let guest = vsp.create("ivm1", &options);
    guest.start();
    guest.console().expect(PROMPT, Deadline::Guest);
    let socket = vsp.root().join(format!("run/g{}.sock", guest.detail().summary.number));
    let pid = guest.pid();
    vsp.kill();
    let mut dice = Dice(7);
    for _ in 0..CONNECTIONS {
        // There is room for few at a time.
        let connect = || UnixStream::connect(&socket).ok();
        let mut stream = wait_for(Deadline::Soon, "room", String::new, connect);
        // It may hang up before it has read all.
        let _ = stream.write_all(&nonsense(&mut dice, Role::Vsp, &orders()));
    }
    // Some are taken for a VSP and then talk nonsense; behind what they give for a back-end nobody is.
    for number in 0..CONNECTIONS / 100 {
        let connect = || {
            let stream = UnixStream::connect(&socket).ok()?;
            let raw = stream.try_clone().ok()?;
            Some((VspEnd::open(stream, Role::Vsp, Role::Guest).ok()?, raw))
        };
        let (end, mut raw) = wait_for(Deadline::Soon, "a greeting", String::new, connect);
        let (mut sender, _receiver) = end.split();
        let (dead, _) = UnixStream::pair().unwrap();
        let attach = VspToGuest::Attach { console_from: dice.roll(1 << 40) };
        let _ = sender.send_with(&attach, &[dead.as_fd()]);
        for order in orders() {
            let streams = vec![dead.as_fd(); dice.roll(3) as usize];
            let _ = sender.send_with(&order, &streams);
        }
        if number % 2 == 0 {
            let _ = raw.write_all(&damaged(&mut dice, &orders()));
        }
    }
    assert!(is_alive(pid));
    vsp.start();
    guest.wait_until(ipc::message::GuestState::OnOs, Deadline::Soon);
    assert_eq!(guest.pid(), pid);
    let mut console = guest.console();
    console.skip();
    console.line("");
    console.expect(PROMPT, Deadline::Guest);
    console.line("cksum disk0");
    console.expect("16777216", Deadline::Guest);
    guest.stop();
    assert!(!vsp.logs().contains("panicked") && !vsp.logs().contains("internal error"));
}

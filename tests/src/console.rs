//! A guest's console as somebody sees it who reads and types.

use std::time::Instant;

use ipc::client::EventStream;
use ipc::message::{Event, GuestRef, Subscription};

use crate::{Deadline, Vsp};

/// An attached console.
pub struct Console<'a> {
    vsp: &'a Vsp,
    stream: EventStream,
    /// Output that no expectation has passed yet.
    unread: String,
}

impl<'a> Console<'a> {
    pub(crate) fn open(vsp: &'a Vsp, guest: &str) -> Console<'a> {
        let guest = GuestRef::Name(guest.to_owned());
        let subscription = Subscription::Console { guest, replay_bytes: 1 << 20, write: true };
        let stream = vsp.client().subscribe(subscription).expect("the guest has a console");
        Console { vsp, stream, unread: String::new() }
    }

    /// Types something as it is.
    ///
    /// # Panics
    /// If the VSP is gone.
    pub fn type_text(&mut self, text: &str) {
        self.stream.type_bytes(text.as_bytes()).expect("the VSP takes input");
    }

    /// Types a line.
    ///
    /// # Panics
    /// If the VSP is gone.
    pub fn line(&mut self, text: &str) {
        self.type_text(&format!("{text}\r"));
    }

    /// Waits until the guest writes `text`; everything up to it is read and returned.
    ///
    /// # Panics
    /// If that does not happen in time.
    #[track_caller]
    pub fn expect(&mut self, text: &str, deadline: Deadline) -> String {
        let end = Instant::now() + deadline.length();
        loop {
            if let Some(at) = self.unread.find(text) {
                return self.unread.drain(..at + text.len()).collect();
            }
            match self.stream.events().recv_deadline(end) {
                Ok(Ok(Event::Console(bytes))) => self.unread += &String::from_utf8_lossy(&bytes),
                Ok(Ok(Event::Gap { events })) => panic!("missed {events} pieces while waiting for {text:?}"),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => panic!("{error} while waiting for {text:?}\n{}", self.vsp.logs()),
                Err(_) => panic!(
                    "waited {:?} for {text:?}; read {:?}\n{}",
                    deadline.length(),
                    self.unread,
                    self.vsp.logs()
                ),
            }
        }
    }
}

//! A guest's console as somebody sees it who reads and types.

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
        let mut console = Console { vsp, stream, unread: String::new() };
        // What is typed without access would be lost; a viewer who has just left may seem to have it still.
        loop {
            match console.event("write access", Deadline::Soon) {
                Event::ConsoleAccess { write: true } => break,
                Event::ConsoleAccess { write: false } => {
                    console.stream.take_access().expect("the VSP listens")
                }
                _ => {}
            }
        }
        console
    }

    /// Forgets what was written so far.
    pub fn skip(&mut self) {
        self.unread.clear();
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
        while !self.unread.contains(text) {
            self.event(text, deadline);
        }
        let end = self.unread.find(text).unwrap_or_default() + text.len();
        self.unread.drain(..end).collect()
    }

    /// The next event; output is kept as unread.
    #[track_caller]
    fn event(&mut self, waited_for: &str, deadline: Deadline) -> Event {
        match self.stream.events().recv_timeout(deadline.length()) {
            Ok(Ok(Event::Gap { events })) => {
                panic!("missed {events} pieces while waiting for {waited_for:?}")
            }
            Ok(Ok(event)) => {
                if let Event::Console(bytes) = &event {
                    self.unread += &String::from_utf8_lossy(bytes);
                }
                event
            }
            Ok(Err(error)) => panic!("{error} while waiting for {waited_for:?}\n{}", self.vsp.logs()),
            Err(_) => panic!(
                "waited {:?} for {waited_for:?}; read {:?}\n{}",
                deadline.length(),
                self.unread,
                self.vsp.logs()
            ),
        }
    }
}

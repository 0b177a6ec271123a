//! The blocking client of commands and console.

use std::path::Path;
use std::thread;

use crossbeam_channel::{Receiver, bounded};

use crate::connection::Sender;
use crate::figures::GuestFigures;
use crate::message::{
    Acceptance, ClientEnd, ClientToVsp, ConsoleUser, Event, GuestDetail, GuestRef, GuestSummary, Manner,
    Refusal, StopMode, Subscription, VspStatus, VspToClient,
};
use crate::{Error, Role, listener};

/// A request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The VSP understood and refused.
    #[error("{0}")]
    Refused(Refusal),
    /// The connection failed.
    #[error(transparent)]
    Connection(#[from] Error),
    /// The VSP answered a request with something that is no answer to it.
    #[error("the VSP gave an unexpected answer")]
    Unexpected,
}

/// Result of a request.
pub type ClientResult<T> = Result<T, ClientError>;

/// What comes before an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Something to print.
    Line(&'a str),
    /// How far copying is.
    Copied {
        /// Bytes dealt with.
        done_bytes: u64,
        /// Of so many.
        total_bytes: u64,
    },
}

/// One connection for requests, one after the other.
pub struct Client {
    connection: ClientEnd,
}

impl Client {
    /// Connects to the VSP whose socket is at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if no VSP is there; [`Error::Version`] if it is of another kind than this program.
    pub fn connect(path: &Path) -> crate::Result<Client> {
        Ok(Client { connection: ClientEnd::open(listener::connect(path)?, Role::Client, Role::Vsp)? })
    }

    /// Sends a request and waits for its answer; `progress` is given lines that come before it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] and failures of the connection.
    pub fn request_with(
        &mut self,
        request: &ClientToVsp,
        mut progress: impl FnMut(&str),
    ) -> ClientResult<VspToClient> {
        self.request_watched(request, |before| {
            if let Progress::Line(line) = before {
                progress(line);
            }
        })
    }

    /// As [`Client::request_with`], with everything that comes before the answer.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn request_watched(
        &mut self,
        request: &ClientToVsp,
        mut progress: impl FnMut(Progress<'_>),
    ) -> ClientResult<VspToClient> {
        self.connection.send(request)?;
        loop {
            match self.connection.receive()? {
                VspToClient::Progress(line) => progress(Progress::Line(&line)),
                VspToClient::Copied { done_bytes, total_bytes } => {
                    progress(Progress::Copied { done_bytes, total_bytes });
                }
                VspToClient::Refused(refusal) => return Err(ClientError::Refused(refusal)),
                answer => return Ok(answer),
            }
        }
    }

    /// A request that is answered by [`VspToClient::Accepted`].
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn request(&mut self, request: &ClientToVsp) -> ClientResult<Acceptance> {
        match self.request_with(request, |_| {})? {
            VspToClient::Accepted(acceptance) => Ok(acceptance),
            _ => Err(ClientError::Unexpected),
        }
    }

    /// All guests, ascending by number.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn guests(&mut self) -> ClientResult<Vec<GuestSummary>> {
        match self.request_with(&ClientToVsp::ListGuests, |_| {})? {
            VspToClient::Guests(guests) => Ok(guests),
            _ => Err(ClientError::Unexpected),
        }
    }

    /// One guest.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn guest(&mut self, guest: &GuestRef) -> ClientResult<GuestDetail> {
        match self.request_with(&ClientToVsp::GuestDetail(guest.clone()), |_| {})? {
            VspToClient::Guest(detail) => Ok(*detail),
            _ => Err(ClientError::Unexpected),
        }
    }

    /// All guests whose configuration can be read, ascending by number.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn all_guests(&mut self) -> ClientResult<Vec<GuestDetail>> {
        self.connection.send(&ClientToVsp::AllGuestDetails)?;
        let mut guests = Vec::new();
        loop {
            match self.connection.receive()? {
                VspToClient::OneOf(detail) => guests.push(*detail),
                VspToClient::Accepted(_) => return Ok(guests),
                VspToClient::Refused(refusal) => return Err(ClientError::Refused(refusal)),
                _ => return Err(ClientError::Unexpected),
            }
        }
    }

    /// The VSP about itself.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn status(&mut self) -> ClientResult<VspStatus> {
        match self.request_with(&ClientToVsp::VspStatus, |_| {})? {
            VspToClient::Status(status) => Ok(status),
            _ => Err(ClientError::Unexpected),
        }
    }

    /// What running guests and their storage devices do: one of them, or all.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn figures(&mut self, guest: Option<GuestRef>) -> ClientResult<Vec<GuestFigures>> {
        match self.request_with(&ClientToVsp::Figures(guest), |_| {})? {
            VspToClient::Figures(figures) => Ok(figures),
            _ => Err(ClientError::Unexpected),
        }
    }

    /// Who is at a guest's console.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn console_users(&mut self, guest: &GuestRef) -> ClientResult<Vec<ConsoleUser>> {
        match self.request_with(&ClientToVsp::ConsoleUsers(guest.clone()), |_| {})? {
            VspToClient::ConsoleUsers(users) => Ok(users),
            _ => Err(ClientError::Unexpected),
        }
    }

    /// The discs that can be put into the drive at this bus, slot and target, by path.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn discs(
        &mut self,
        guest: &GuestRef,
        (bus, slot, target): (u8, u8, u8),
    ) -> ClientResult<Vec<String>> {
        match self
            .request_with(&ClientToVsp::ListDiscs { guest: guest.clone(), bus, slot, target }, |_| {})?
        {
            VspToClient::Discs(discs) => Ok(discs),
            _ => Err(ClientError::Unexpected),
        }
    }

    /// Starts a guest; returns when its process runs.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn start(&mut self, guest: &GuestRef) -> ClientResult<Acceptance> {
        self.request(&ClientToVsp::StartGuest { guest: guest.clone(), manner: Manner::Normal })
    }

    /// Stops a guest; returns when it is off, which may take minutes in [`StopMode::Graceful`].
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn stop(&mut self, guest: &GuestRef, mode: StopMode) -> ClientResult<Acceptance> {
        self.request(&ClientToVsp::StopGuest { guest: guest.clone(), mode })
    }

    /// Turns this connection into a stream of events, read by a thread of its own.
    ///
    /// # Errors
    /// As [`Client::request_with`].
    pub fn subscribe(mut self, subscription: Subscription) -> ClientResult<EventStream> {
        self.request(&ClientToVsp::Subscribe(subscription))?;
        let (sender, receiver) = self.connection.split();
        let mut receiver = receiver.buffered();
        // A reader that falls behind stops reading; the VSP then counts what it drops.
        let (queue, events) = bounded(QUEUE);
        thread::Builder::new()
            .name("vsp-events".into())
            .spawn(move || {
                loop {
                    let item = match receiver.receive() {
                        Ok(VspToClient::Event(event)) => Ok(event),
                        Ok(_) => Err(Error::Malformed("expected an event".into())),
                        Err(e) => Err(e),
                    };
                    let last = item.is_err();
                    if queue.send(item).is_err() || last {
                        receiver.close();
                        return;
                    }
                }
            })
            .map_err(Error::Io)?;
        Ok(EventStream { events, sender })
    }
}

/// Events that wait between the reading thread and its user.
const QUEUE: usize = 256;

/// A running subscription. Dropping it ends the connection.
pub struct EventStream {
    events: Receiver<crate::Result<Event>>,
    sender: Sender<ClientToVsp>,
}

impl EventStream {
    /// The events; after an error nothing follows. For `select!`, iteration, and cloning into another thread.
    pub fn events(&self) -> &Receiver<crate::Result<Event>> {
        &self.events
    }

    /// Types `bytes` at the console this stream is of.
    ///
    /// # Errors
    /// Failures of the connection.
    pub fn type_bytes(&mut self, bytes: &[u8]) -> crate::Result<()> {
        bytes
            .chunks(MAX_INPUT)
            .try_for_each(|chunk| self.sender.send(&ClientToVsp::ConsoleInput(chunk.into())))
    }

    /// Takes write access to the console this stream is of.
    ///
    /// # Errors
    /// Failures of the connection.
    pub fn take_access(&mut self) -> crate::Result<()> {
        self.sender.send(&ClientToVsp::ConsoleTakeAccess)
    }

    /// Gives write access to the console this stream is of up, if this viewer has it.
    ///
    /// # Errors
    /// Failures of the connection.
    pub fn release_access(&mut self) -> crate::Result<()> {
        self.sender.send(&ClientToVsp::ConsoleReleaseAccess)
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.sender.close();
    }
}

/// Longest piece of console input in one message.
const MAX_INPUT: usize = 4096;

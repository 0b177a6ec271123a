//! A framed stream socket whose two directions carry one message type each.

use std::io::{BufRead, BufReader, Read, Write};
use std::marker::PhantomData;
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{self, HEADER, HELLO_VERSION, PROTOCOL_VERSION};
use crate::{Error, Hello, Result, Role, fd};

/// Time a peer has for its [`Hello`], so that a silent one holds nothing up.
pub const HELLO_DEADLINE: Duration = Duration::from_secs(5);

/// Bytes that are read ahead.
const BUFFER: usize = 64 << 10;

/// Sends `Out`, receives `In`.
#[derive(Debug)]
pub struct Connection<Out, In> {
    sender: Sender<Out>,
    receiver: Receiver<In>,
}

/// The sending half.
#[derive(Debug)]
pub struct Sender<Out> {
    stream: UnixStream,
    kind: PhantomData<fn(Out)>,
}

/// The receiving half.
#[derive(Debug)]
pub struct Receiver<In> {
    stream: UnixStream,
    kind: PhantomData<fn() -> In>,
}

impl<Out: Serialize, In: DeserializeOwned> Connection<Out, In> {
    /// Exchanges [`Hello`]s on a connected stream: this side is `own`, the peer must be `peer`.
    ///
    /// # Errors
    /// [`Error::Version`] or [`Error::Role`] if the peer does not fit; a time-out error if it says nothing within
    /// [`HELLO_DEADLINE`].
    pub fn open(stream: UnixStream, own: Role, peer: Role) -> Result<Self> {
        stream.set_read_timeout(Some(HELLO_DEADLINE))?;
        stream.set_write_timeout(Some(HELLO_DEADLINE))?;
        write_frame(&stream, &codec::encode(HELLO_VERSION, &Hello::new(own))?, &[])?;
        let mut fds = Vec::new();
        let (version, message) = read_frame(&stream, &mut fds)?;
        if version != HELLO_VERSION {
            return Err(Error::Malformed("the first message is not a greeting".into()));
        }
        let hello: Hello = codec::decode(&message)?;
        if hello.version != PROTOCOL_VERSION {
            return Err(Error::Version { theirs: hello.version, ours: PROTOCOL_VERSION, build: hello.build });
        }
        if hello.role != peer {
            return Err(Error::Role { expected: peer, found: hello.role });
        }
        stream.set_read_timeout(None)?;
        stream.set_write_timeout(None)?;
        let receiver = Receiver { stream: stream.try_clone()?, kind: PhantomData };
        Ok(Connection { sender: Sender { stream, kind: PhantomData }, receiver })
    }

    /// Sends one message.
    ///
    /// # Errors
    /// [`Error::TooLong`], or [`Error::Io`] when the peer has gone.
    pub fn send(&mut self, message: &Out) -> Result<()> {
        self.sender.send(message)
    }

    /// Waits for one message.
    ///
    /// # Errors
    /// As [`Receiver::receive`].
    pub fn receive(&mut self) -> Result<In> {
        self.receiver.receive()
    }

    /// Both halves, for two threads.
    pub fn split(self) -> (Sender<Out>, Receiver<In>) {
        (self.sender, self.receiver)
    }
}

impl<Out: Serialize> Sender<Out> {
    /// Sends one message.
    ///
    /// # Errors
    /// [`Error::TooLong`], or [`Error::Io`] when the peer has gone.
    pub fn send(&mut self, message: &Out) -> Result<()> {
        self.send_with(message, &[])
    }

    /// Sends several messages at once.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn send_all(&mut self, messages: impl IntoIterator<Item = Out>) -> Result<()> {
        let encode = |message| codec::encode(PROTOCOL_VERSION, &message);
        let frames: Vec<Vec<u8>> = messages.into_iter().map(encode).collect::<Result<_>>()?;
        write_frame(&self.stream, &frames.concat(), &[])
    }

    /// Sends one message with descriptors, which the receiver finds in this order.
    ///
    /// # Errors
    /// As [`Sender::send`]; [`Error::Descriptors`] for more of them than a frame carries.
    pub fn send_with(&mut self, message: &Out, fds: &[BorrowedFd<'_>]) -> Result<()> {
        if fds.len() > fd::MAX_DESCRIPTORS {
            return Err(Error::Descriptors { expected: fd::MAX_DESCRIPTORS, found: fds.len() });
        }
        write_frame(&self.stream, &codec::encode(PROTOCOL_VERSION, message)?, fds)
    }

    /// Lets a send that makes no progress for `limit` fail; a connection it failed on has lost its framing. `None` waits
    /// for ever.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn set_deadline(&self, limit: Option<Duration>) -> Result<()> {
        Ok(self.stream.set_write_timeout(limit)?)
    }

    /// Ends both directions; a thread that waits in the other half wakes with [`Error::Closed`].
    pub fn close(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// A second sender for the same connection, to be used under the same lock.
    ///
    /// # Errors
    /// [`Error::Io`] when out of descriptors.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Sender { stream: self.stream.try_clone()?, kind: PhantomData })
    }
}

impl<In: DeserializeOwned> Receiver<In> {
    /// Waits for one message that carries no descriptors.
    ///
    /// # Errors
    /// [`Error::Closed`] at an orderly end; [`Error::Malformed`], [`Error::TooLong`], [`Error::Descriptors`] for what
    /// is no such message; [`Error::Io`] for an end inside a message.
    pub fn receive(&mut self) -> Result<In> {
        match self.receive_with()? {
            (message, fds) if fds.is_empty() => Ok(message),
            (_, fds) => Err(Error::Descriptors { expected: 0, found: fds.len() }),
        }
    }

    /// Waits for one message and the descriptors sent with it; the caller compares their number with the message.
    ///
    /// # Errors
    /// As [`Receiver::receive`].
    pub fn receive_with(&mut self) -> Result<(In, Vec<OwnedFd>)> {
        let mut fds = Vec::new();
        let (version, message) = read_frame(&self.stream, &mut fds)?;
        Ok((decode(version, &message)?, fds))
    }

    /// Receives messages from now on that come many at a time, and without descriptors.
    pub fn buffered(self) -> Buffered<In> {
        Buffered { stream: BufReader::with_capacity(BUFFER, self.stream), kind: PhantomData }
    }

    /// Lets a receive fail (see [`Error::is_timeout`]) when nothing arrives for `limit`; `None` waits for ever.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn set_deadline(&self, limit: Option<Duration>) -> Result<()> {
        Ok(self.stream.set_read_timeout(limit)?)
    }

    /// Ends both directions.
    pub fn close(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// A receiving half that reads ahead.
#[derive(Debug)]
pub struct Buffered<In> {
    stream: BufReader<UnixStream>,
    kind: PhantomData<fn() -> In>,
}

impl<In: DeserializeOwned> Buffered<In> {
    /// Waits for one message; descriptors that come with it are closed.
    ///
    /// # Errors
    /// As [`Receiver::receive`].
    pub fn receive(&mut self) -> Result<In> {
        if self.stream.fill_buf()?.is_empty() {
            return Err(Error::Closed);
        }
        let mut header = [0; HEADER];
        self.stream.read_exact(&mut header)?;
        let (length, version) = codec::decode_header(header)?;
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message)?;
        decode(version, &message)
    }

    /// Ends both directions.
    pub fn close(&self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Both);
    }
}

fn decode<In: DeserializeOwned>(version: u16, message: &[u8]) -> Result<In> {
    match version {
        PROTOCOL_VERSION => codec::decode(message),
        version => Err(Error::Malformed(format!("a frame of version {version} after the greeting"))),
    }
}

fn write_frame(mut stream: &UnixStream, frame: &[u8], fds: &[BorrowedFd<'_>]) -> Result<()> {
    let sent = fd::send(stream, frame, fds)?;
    stream.write_all(&frame[sent..])?;
    Ok(())
}

fn read_frame(mut stream: &UnixStream, fds: &mut Vec<OwnedFd>) -> Result<(u16, Vec<u8>)> {
    let mut header = [0; HEADER];
    let first = fd::receive(stream, &mut header, fds)?;
    if first == 0 {
        return Err(Error::Closed);
    }
    stream.read_exact(&mut header[first..])?;
    let (length, version) = codec::decode_header(header)?;
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    Ok((version, message))
}

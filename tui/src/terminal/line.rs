//! The line to the operator's terminal. A thread writes, one batch at a time, so that a terminal which stops reading
//! (Ctrl-S, a stalled ssh) holds up nobody else, and a program that ends leaves it in time.
//!
//! It writes by a file description of its own that never blocks: the one of standard output belongs to the shell, too.

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::termios::{QueueSelector, tcflush};
use rustix::time::Timespec;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A terminal that takes nothing for so long has stopped: that says nothing of the speed of its line.
const STALL: Duration = Duration::from_secs(2);
/// How long a terminal is waited for that is to be given back.
const PARTING: Duration = Duration::from_millis(500);
/// Cancels a control sequence that was cut (ECMA-48, 8.3.6).
const CANCEL: &[u8] = b"\x18";

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// There was room for all of it.
    AtOnce,
    /// It had to wait. While it did, the terminal took so many bytes in so long a time.
    Slowly(usize, Duration),
}

/// The thread and the way to it.
pub(super) struct Line {
    batches: Sender<Vec<u8>>,
    written: Receiver<io::Result<Written>>,
    is_busy: bool,
    /// Ends a wait for the terminal.
    stop: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Line {
    /// The line to the terminal that standard output is.
    ///
    /// # Errors
    /// When it cannot be opened, or there is no thread.
    pub(super) fn open() -> io::Result<Self> {
        let (tty, (stop, stopped)) = (open_tty()?, UnixStream::pair()?);
        let (batches, received) = bounded::<Vec<u8>>(1);
        let (results, written) = bounded(1);
        let work = move || {
            for batch in received {
                match write(&tty, &batch, Some(&stopped), None) {
                    Ok(Some(result)) if results.send(Ok(result)).is_ok() => {}
                    // Stopped, or nobody is there to be told.
                    Ok(_) => return,
                    Err(error) => {
                        let _ = results.send(Err(error));
                        return;
                    }
                }
            }
        };
        let thread = thread::Builder::new().name("screen".to_owned()).spawn(work)?;
        Ok(Self { batches, written, is_busy: false, stop, thread: Some(thread) })
    }

    /// A batch is on its way.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Sends a batch; only where none is on its way.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) fn send(&mut self, batch: Vec<u8>) -> io::Result<()> {
        self.is_busy = true;
        self.batches.try_send(batch).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Where the thread says what became of batches; each result belongs to [`Line::take`].
    pub(super) fn written(&self) -> &Receiver<io::Result<Written>> {
        &self.written
    }

    /// Another batch may be sent.
    pub(super) fn take(&mut self) {
        self.is_busy = false;
    }
}

impl Drop for Line {
    /// Leaves what is not written yet.
    fn drop(&mut self) {
        let _ = self.stop.shutdown(std::net::Shutdown::Both);
        // With its sender the channel ends, and the thread with it.
        self.batches = bounded(0).0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes what gives the terminal back. A terminal that does not take it in time loses what waits on the line, so that
/// this is the first that it reads when it goes on.
///
/// # Errors
/// When the terminal is gone.
pub(super) fn part(bytes: &[u8], is_cut: bool) -> io::Result<()> {
    let tty = open_tty()?;
    let cut = [CANCEL, bytes].concat();
    let whole = if is_cut { &cut } else { bytes };
    if write(&tty, whole, None, Some(Instant::now() + PARTING))?.is_none() {
        tcflush(&tty, QueueSelector::OFlush)?;
        write(&tty, &cut, None, Some(Instant::now()))?;
    }
    Ok(())
}

/// By the descriptor, which needs no name; where the user was changed since (`su`), as the session's own.
fn open_tty() -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let open = |path| File::options().write(true).custom_flags(flags).open(path);
    open("/proc/self/fd/1").or_else(|_| open("/dev/tty"))
}

/// Writes all of `bytes`; nothing where it was stopped, or too late.
fn write(
    mut tty: &File,
    bytes: &[u8],
    stopped: Option<&UnixStream>,
    end: Option<Instant>,
) -> io::Result<Option<Written>> {
    let mut rest = bytes;
    // Since when there was no room, and what was taken since then.
    let mut full: Option<(Instant, usize)> = None;
    while !rest.is_empty() {
        match tty.write(rest) {
            Ok(n @ 1..) => {
                rest = &rest[n..];
                full = full.map(|(since, taken)| (since, taken + n));
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Ok(_) | Err(_) => {}
        }
        let begin = Instant::now();
        if !wait(tty, stopped, end)? {
            return Ok(None);
        }
        if full.is_none() || begin.elapsed() >= STALL {
            full = Some((Instant::now(), 0));
        }
    }
    Ok(Some(full.map_or(Written::AtOnce, |(since, taken)| Written::Slowly(taken, since.elapsed()))))
}

/// Waits until the terminal takes something; whether it does.
fn wait(tty: &File, stopped: Option<&UnixStream>, end: Option<Instant>) -> io::Result<bool> {
    let mut polled = vec![PollFd::new(tty, PollFlags::OUT)];
    polled.extend(stopped.map(|stopped| PollFd::from_borrowed_fd(stopped.as_fd(), PollFlags::IN)));
    let left = end.map(|end| end.saturating_duration_since(Instant::now()));
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    loop {
        match poll(&mut polled, left.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(polled.get(1).is_none_or(|stopped| stopped.revents().is_empty())),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

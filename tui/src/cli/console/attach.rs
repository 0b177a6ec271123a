//! The console itself: bytes of the guest to standard output, bytes of standard input to the guest.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossbeam_channel::{after, never, select};
use ipc::client::EventStream;
use ipc::message::{Event, GuestRef, Subscription};

use super::input::Input;
use crate::cli::failure::Failure;
use crate::cli::link;

/// Back to the menu.
const CTRL_B: u8 = 0x02;
/// Begins the keys that take write access.
const CTRL_E: u8 = 0x05;
/// Bytes of earlier output that are shown.
const REPLAY: u64 = 16 << 10;
/// After the end of a piped input: how long the guest must be quiet until we leave.
const QUIET: Duration = Duration::from_secs(1);

/// What ends an attachment from our side.
pub(super) struct Until {
    text: Vec<u8>,
    /// Output that may be the beginning of the text.
    tail: Vec<u8>,
    limit: Option<Duration>,
}

impl Until {
    /// When the guest has written `text`, within so many seconds.
    pub(super) fn new(text: &str, seconds: Option<u64>) -> Until {
        Until { text: text.into(), tail: Vec::new(), limit: seconds.map(Duration::from_secs) }
    }

    /// Has the text been written with these bytes?
    fn is_reached(&mut self, bytes: &[u8]) -> bool {
        self.tail.extend(bytes);
        let found = self.tail.windows(self.text.len().max(1)).any(|window| window == self.text);
        let keep = self.text.len().saturating_sub(1).min(self.tail.len());
        self.tail.drain(..self.tail.len() - keep);
        found || self.text.is_empty()
    }
}

/// Why an attachment ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Ctrl-B, or the text that was waited for.
    ToMenu,
    /// Standard input is over, and so are we.
    InputEnded,
}

/// What the keyboard means.
#[derive(Debug, Default)]
struct Keys {
    /// How much of Ctrl-E c f has been typed.
    held: Vec<u8>,
}

/// What to do about typed bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    to_guest: Vec<u8>,
    take_access: bool,
    /// Ctrl-B was typed; these bytes came behind it.
    left_with: Option<Vec<u8>>,
}

impl Keys {
    /// Ctrl-E c f means something only to a viewer who cannot write: others type it at the guest.
    fn take(&mut self, bytes: &[u8], can_write: bool) -> Typed {
        const TAKE_ACCESS: [u8; 3] = [CTRL_E, b'c', b'f'];
        let mut typed = Typed::default();
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == CTRL_B {
                typed.left_with = Some(bytes[at + 1..].to_vec());
                return typed;
            }
            if can_write || typed.take_access {
                typed.to_guest.push(*byte);
                continue;
            }
            self.held.push(*byte);
            if self.held == TAKE_ACCESS {
                typed.take_access = true;
                self.held.clear();
            } else if !TAKE_ACCESS.starts_with(&self.held) {
                // Nobody would receive it.
                self.held.clear();
            }
        }
        typed
    }
}

/// A terminal that passes every key on, until this is dropped.
struct RawMode(bool);

impl RawMode {
    fn enter(input: &Input) -> io::Result<RawMode> {
        if input.is_terminal() {
            crossterm::terminal::enable_raw_mode()?;
        }
        Ok(RawMode(input.is_terminal()))
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        if self.0 {
            // Where the terminal has gone there is nothing to restore.
            let _ = crossterm::terminal::disable_raw_mode();
        }
    }
}

/// Connects standard input and output with the console of `guest`.
pub(super) fn attach(
    guest: &str,
    input: &mut Input,
    mut until: Option<&mut Until>,
    quiet: bool,
    out: &mut dyn Write,
) -> Result<Left, Failure> {
    let subscription =
        Subscription::Console { guest: GuestRef::Name(guest.into()), replay_bytes: REPLAY, write: true };
    let mut stream = link::connect()?.subscribe(subscription)?;
    if !quiet {
        write!(out, "\n       (Use Ctrl-B to return to vMP main menu.)\n\n")?;
        writeln!(out, "- - - - - - - - - - Prior Console Output - - - - - - - - - -")?;
    }
    out.flush()?;
    let mut live = Live { is_live: false, can_write: None };
    // Typed bytes wait until it is known whether they may be typed.
    while live.can_write.is_none() {
        let event = stream.events().recv().map_err(|_| lost())?;
        live.show(event.map_err(|_| lost())?, &mut None, quiet, out)?;
    }

    let raw = RawMode::enter(input)?;
    let deadline = match until.as_ref().and_then(|until| until.limit) {
        Some(limit) => after(limit),
        None => never(),
    };
    let mut keys = Keys::default();
    let mut ended_at: Option<Instant> = None;
    let pending = input.take_pending();
    if let Some(rest) = type_bytes(&mut keys, &pending, &live, input, &mut stream)? {
        input.put_back(&rest);
        return Ok(Left::ToMenu);
    }
    loop {
        let quiet_for = match ended_at {
            Some(since) if until.is_none() => after(QUIET.saturating_sub(since.elapsed())),
            _ => never(),
        };
        let typed = if ended_at.is_some() { &never() } else { input.chunks() };
        select! {
            recv(stream.events()) -> event => {
                let event = event.map_err(|_| lost())?.map_err(|_| lost())?;
                ended_at = ended_at.map(|_| Instant::now());
                if live.show(event, &mut until, quiet, out)? {
                    drop(raw);
                    writeln!(out)?;
                    return Ok(Left::ToMenu);
                }
            }
            recv(typed) -> bytes => match bytes {
                Ok(bytes) => {
                    if let Some(rest) = type_bytes(&mut keys, &bytes, &live, input, &mut stream)? {
                        drop(raw);
                        writeln!(out)?;
                        input.put_back(&rest);
                        return Ok(Left::ToMenu);
                    }
                }
                Err(_) => ended_at = Some(Instant::now()),
            },
            recv(quiet_for) -> _ => return Ok(Left::InputEnded),
            recv(deadline) -> _ => {
                drop(raw);
                writeln!(out)?;
                return Err(Failure::message("The guest did not write the expected text in time."));
            }
        }
    }
}

/// Types at the guest; the bytes behind Ctrl-B if that was among them.
fn type_bytes(
    keys: &mut Keys,
    bytes: &[u8],
    live: &Live,
    input: &Input,
    stream: &mut EventStream,
) -> Result<Option<Vec<u8>>, Failure> {
    let mut typed = keys.take(bytes, live.can_write == Some(true));
    if !input.is_terminal() {
        // A line of a file ends as a line that is typed.
        typed.to_guest.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b'\r');
    }
    if typed.take_access {
        stream.take_access()?;
    }
    if !typed.to_guest.is_empty() {
        stream.type_bytes(&typed.to_guest)?;
    }
    Ok(typed.left_with)
}

fn lost() -> Failure {
    Failure::message("The connection to the VSP was lost.")
}

/// The state of what is shown.
struct Live {
    is_live: bool,
    can_write: Option<bool>,
}

impl Live {
    /// Shows an event; true if it was what we waited for.
    fn show(
        &mut self,
        event: Event,
        until: &mut Option<&mut Until>,
        quiet: bool,
        out: &mut dyn Write,
    ) -> Result<bool, Failure> {
        match event {
            Event::Console(bytes) => {
                out.write_all(&bytes)?;
                out.flush()?;
                let reached = until.as_mut().is_some_and(|until| until.is_reached(&bytes));
                return Ok(self.is_live && reached);
            }
            Event::ReplayDone => {
                self.is_live = true;
                if !quiet {
                    write!(out, "\r\n- - - - - - - - - - - - Live Console - - - - - - - - - - - -\r\n")?;
                }
            }
            Event::ConsoleAccess { write } => {
                if !write {
                    write!(out, "\r\n[Read only - use Ctrl-Ecf for console write access.]\r\n")?;
                } else if self.can_write == Some(false) {
                    write!(out, "\r\n[Read - write console access.]\r\n")?;
                }
                self.can_write = Some(write);
            }
            Event::Gap { events } => write!(out, "\r\n[{events} pieces of output were missed here.]\r\n")?,
            _ => {}
        }
        out.flush()?;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_b_leaves_and_what_follows_is_for_the_menu() {
        let typed = Keys::default().take(b"ls\r\x02x\n", true);
        assert_eq!(typed.to_guest, b"ls\r");
        assert_eq!(typed.left_with.as_deref(), Some(&b"x\n"[..]));
    }

    #[test]
    fn ctrl_e_c_f_takes_access_for_a_reader_even_in_pieces_and_is_typed_by_a_writer() {
        let mut keys = Keys::default();
        assert_eq!(keys.take(b"lost\x05", false), Typed::default());
        let typed = keys.take(b"cf", false);
        assert!(typed.take_access && typed.to_guest.is_empty());
        assert_eq!(keys.take(b"\x05cf", true).to_guest, b"\x05cf");
    }

    #[test]
    fn the_awaited_text_is_found_across_pieces() {
        let mut until = Until::new("ready", None);
        assert!(!until.is_reached(b"guest re"));
        assert!(until.is_reached(b"ady\r\n"));
        assert!(!until.is_reached(b"rea"));
        assert!(!until.is_reached(b"d"));
    }
}

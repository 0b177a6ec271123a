//! The operator's terminal as the guest's console: raw mode that is always undone, typed bytes in, guest output out.

use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tracing::debug;

use crate::control::{Control, Outcome};
use crate::devices::uart::UartDevice;

/// Ctrl-]: leaves the console and stops the guest.
pub(crate) const LEAVE_KEY: u8 = 0x1d;

/// Lines written to the terminal need a carriage return of their own while it is raw.
static RAW: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode until dropped.
pub(crate) struct RawTerminal(Option<Termios>);

impl RawTerminal {
    /// Makes standard input raw if it is a terminal.
    pub(crate) fn enter() -> RawTerminal {
        let stdin = io::stdin();
        let Ok(saved) = tcgetattr(stdin.as_fd()) else { return RawTerminal(None) };
        let mut raw = saved.clone();
        raw.make_raw();
        if tcsetattr(stdin.as_fd(), OptionalActions::Flush, &raw).is_err() {
            return RawTerminal(None);
        }
        RAW.store(true, Ordering::Relaxed);
        RawTerminal(Some(saved))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if let Some(saved) = self.0.take() {
            _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Drain, &saved);
            RAW.store(false, Ordering::Relaxed);
        }
    }
}

/// Standard error for log lines, readable in raw mode too.
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !RAW.load(Ordering::Relaxed) {
            return io::stderr().write(bytes);
        }
        let text: Vec<u8> = bytes
            .iter()
            .flat_map(|&b| if b == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(&b) }.to_vec())
            .collect();
        io::stderr().write_all(&text)?;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Copies what the guest prints to standard output until the UART is closed.
pub(crate) fn copy_output(uart: &UartDevice) {
    let mut stdout = io::stdout();
    while let Some(bytes) = uart.wait_output() {
        if stdout.write_all(&bytes).and_then(|()| stdout.flush()).is_err() {
            // Nobody reads: the guest goes on, what it says is lost.
            debug!("standard output is closed");
        }
    }
}

/// Copies what is typed to the guest until the end of input or, on a terminal, the leave key.
pub(crate) fn copy_input(uart: &Arc<UartDevice>, control: &Control) {
    let is_terminal = io::stdin().is_terminal();
    let mut buffer = [0; 4096];
    loop {
        let bytes = match io::stdin().read(&mut buffer) {
            Ok(0) => return,
            Ok(n) => &buffer[..n],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let typed = match bytes.iter().position(|byte| is_terminal && *byte == LEAVE_KEY) {
            Some(at) => &bytes[..at],
            None => bytes,
        };
        if is_terminal {
            // A guest that is not listening and has 64 KiB unread: the rest is lost, as on a real line.
            uart.receive(typed);
        } else {
            uart.receive_all(typed);
        }
        if typed.len() < bytes.len() {
            control.end(Outcome::Stopped);
            return;
        }
    }
}

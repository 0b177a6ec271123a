//! The console UART: [`core::Uart`] on the bus, its interrupt pin on the IOSAPIC, its two ends open to the host.

pub mod core;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::core::Uart;
use crate::bus::Registers;
use crate::pci::Interrupts;

/// How long output gathers after some was taken. A guest that prints on and on writes sixteen bytes at a time, and each
/// time a chain of threads and processes would be woken up to the operator's screen: they keep two host processors so
/// busy with each other that others wait for a tenth of a second.
const GATHER: Duration = Duration::from_millis(2);
/// Bytes of output that need not gather any longer.
const PLENTY: usize = 4096;

struct State {
    uart: Uart,
    /// State of the interrupt line as last reported.
    line: bool,
    closed: bool,
    /// When output was last taken.
    taken: Option<Instant>,
    /// Bytes of output for which the output thread wants to be woken.
    wanted: usize,
}

/// A 16550A at its place in the machine.
pub struct UartDevice {
    state: Mutex<State>,
    output: Condvar,
    /// The guest has read something.
    room: Condvar,
    written: AtomicU64,
    gsi: u32,
    interrupts: Arc<dyn Interrupts>,
}

impl UartDevice {
    /// A UART whose interrupt is `gsi`.
    pub fn new(gsi: u32, interrupts: Arc<dyn Interrupts>) -> UartDevice {
        let state = State { uart: Uart::new(), line: false, closed: false, taken: None, wanted: usize::MAX };
        UartDevice {
            state: Mutex::new(state),
            output: Condvar::new(),
            room: Condvar::new(),
            written: AtomicU64::new(0),
            gsi,
            interrupts,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the registers and tells the interrupt controller and the output thread what came of it.
    fn with<T>(&self, action: impl FnOnce(&mut Uart) -> T) -> T {
        let mut state = self.state();
        let could_receive = state.uart.can_receive();
        let result = action(&mut state.uart);
        if !could_receive && state.uart.can_receive() {
            self.room.notify_all();
        }
        let line = state.uart.interrupts();
        if line != state.line {
            state.line = line;
            // Under the lock, so that the line's changes arrive in the order in which they happened.
            self.interrupts.line(self.gsi, line);
        }
        if state.uart.output_len() >= state.wanted {
            state.wanted = usize::MAX;
            self.output.notify_one();
        }
        result
    }

    /// Bytes typed at the console. Returns how many were taken; the guest has 64 KiB unread when it is fewer.
    pub fn receive(&self, bytes: &[u8]) -> usize {
        self.with(|uart| uart.receive(bytes))
    }

    /// Bytes from a source that can wait: returns once the guest has room for all of them, or the UART is closed.
    pub fn receive_all(&self, mut bytes: &[u8]) {
        loop {
            bytes = &bytes[self.receive(bytes)..];
            if bytes.is_empty() {
                return;
            }
            let full = |state: &mut State| !state.closed && !state.uart.can_receive();
            drop(self.room.wait_while(self.state(), full).unwrap_or_else(PoisonError::into_inner));
            if self.state().closed {
                return;
            }
        }
    }

    /// Waits for output and takes it; `None` once the UART is closed and everything has been taken. The first output
    /// after a pause comes at once, what follows in larger pieces.
    pub fn wait_output(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        while let Some(left) = state.taken.and_then(|taken| GATHER.checked_sub(taken.elapsed()))
            && !state.closed
            && state.uart.output_len() < PLENTY
        {
            state.wanted = PLENTY;
            state = self.output.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        while !state.uart.has_output() {
            if state.closed {
                return None;
            }
            state.wanted = 1;
            state = self.output.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.wanted = usize::MAX;
        state.taken = Some(Instant::now());
        drop(state);
        let bytes = self.with(Uart::take_output);
        self.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Some(bytes)
    }

    /// Bytes of output taken so far.
    pub fn bytes_written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// No more output will come: the thread in [`UartDevice::wait_output`] ends.
    pub fn close(&self) {
        self.state().closed = true;
        self.output.notify_all();
        self.room.notify_all();
    }

    /// Master reset.
    pub fn reset(&self) {
        self.with(Uart::reset);
    }
}

impl Registers for UartDevice {
    fn read(&self, offset: u64, size: u8) -> u64 {
        // Byte-wide registers; a wider access reads neighbours, as a byte-wide device on a wider bus does.
        (0..size as u64)
            .fold(0, |value, i| value | (self.with(|uart| uart.read((offset + i) as u8)) as u64) << (8 * i))
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        for i in 0..size as u64 {
            self.with(|uart| uart.write((offset + i) as u8, (value >> (8 * i)) as u8));
        }
    }
}

//! The 16550A's registers as a state machine: register accesses and received bytes in, transmitted bytes and the state
//! of the interrupt pin out. National Semiconductor PC16550D data sheet, section 8.
//!
//! Time does not pass here: a byte is sent the moment it is written, and received bytes wait outside the FIFO until
//! there is room, so nothing from the host is ever overrun. While the host does not take output, the transmitter
//! reports itself busy.

use std::collections::VecDeque;

/// Registers by offset; what some mean depends on direction and on LCR.DLAB.
mod reg {
    pub(super) const DATA: u8 = 0;
    pub(super) const IER: u8 = 1;
    pub(super) const IIR_FCR: u8 = 2;
    pub(super) const LCR: u8 = 3;
    pub(super) const MCR: u8 = 4;
    pub(super) const LSR: u8 = 5;
    pub(super) const MSR: u8 = 6;
    pub(super) const SCR: u8 = 7;
}

const IER_RECEIVED: u8 = 1 << 0;
const IER_TRANSMITTER_EMPTY: u8 = 1 << 1;
const IER_LINE_STATUS: u8 = 1 << 2;
const IER_MODEM_STATUS: u8 = 1 << 3;

const IIR_NONE: u8 = 0x01;
const IIR_LINE_STATUS: u8 = 0x06;
const IIR_RECEIVED: u8 = 0x04;
const IIR_TIMEOUT: u8 = 0x0c;
const IIR_TRANSMITTER_EMPTY: u8 = 0x02;
const IIR_MODEM_STATUS: u8 = 0x00;
const IIR_FIFO: u8 = 0xc0;

const FCR_ENABLE: u8 = 1 << 0;
const FCR_CLEAR_RECEIVER: u8 = 1 << 1;

const LCR_DLAB: u8 = 1 << 7;
const MCR_LOOPBACK: u8 = 1 << 4;

const LSR_DATA_READY: u8 = 1 << 0;
const LSR_OVERRUN: u8 = 1 << 1;
const LSR_HOLDING_EMPTY: u8 = 1 << 5;
const LSR_TRANSMITTER_EMPTY: u8 = 1 << 6;

const FIFO_DEPTH: usize = 16;
/// Bytes transmitted but not yet taken by the host, beyond which the transmitter is busy.
const OUTPUT_LIMIT: usize = 64 << 10;
/// Bytes received but not yet read by the guest, beyond which the host's are refused.
const INPUT_LIMIT: usize = 64 << 10;

/// CTS, DSR and DCD: a terminal is connected.
const MODEM_LINES: u8 = 0xb0;

/// A 16550A.
#[derive(Default)]
pub struct Uart {
    ier: u8,
    lcr: u8,
    mcr: u8,
    scratch: u8,
    divisor: [u8; 2],
    fifo_enabled: bool,
    /// Bytes in the FIFO that raise the received-data interrupt.
    trigger: usize,
    overrun: bool,
    /// The transmitter ran empty since IIR last said so.
    transmitter_interrupt: bool,
    /// Modem status, delta bits included.
    msr: u8,
    /// What the guest can read now.
    fifo: VecDeque<u8>,
    /// Received bytes for which the FIFO has no room.
    input: VecDeque<u8>,
    output: Vec<u8>,
}

impl Uart {
    /// A UART after power-on.
    pub fn new() -> Uart {
        Uart { trigger: 1, msr: MODEM_LINES, ..Uart::default() }
    }

    /// Master reset: registers as after power-on; what the host typed and has not yet taken is kept.
    pub fn reset(&mut self) {
        let (input, output) = (std::mem::take(&mut self.input), std::mem::take(&mut self.output));
        *self = Uart { input, output, ..Uart::new() };
        self.fill();
    }

    fn is_looped_back(&self) -> bool {
        self.mcr & MCR_LOOPBACK != 0
    }

    fn depth(&self) -> usize {
        if self.fifo_enabled { FIFO_DEPTH } else { 1 }
    }

    /// Moves received bytes into the FIFO as far as they fit. In loopback the receiver is cut off from the outside.
    fn fill(&mut self) {
        while !self.is_looped_back() && self.fifo.len() < self.depth() {
            let Some(byte) = self.input.pop_front() else { break };
            self.fifo.push_back(byte);
        }
    }

    fn can_transmit(&self) -> bool {
        self.output.len() < OUTPUT_LIMIT
    }

    fn line_status(&self) -> u8 {
        let mut status = 0;
        if !self.fifo.is_empty() {
            status |= LSR_DATA_READY;
        }
        if self.overrun {
            status |= LSR_OVERRUN;
        }
        if self.can_transmit() {
            status |= LSR_HOLDING_EMPTY | LSR_TRANSMITTER_EMPTY;
        }
        status
    }

    /// The interrupt of highest priority, as IIR names it.
    fn interrupt(&self) -> u8 {
        if self.ier & IER_LINE_STATUS != 0 && self.overrun {
            IIR_LINE_STATUS
        } else if self.ier & IER_RECEIVED != 0 && self.fifo.len() >= self.trigger {
            IIR_RECEIVED
        } else if self.ier & IER_RECEIVED != 0 && !self.fifo.is_empty() {
            // Below the trigger level, and no byte on the line: four character times have passed at once.
            IIR_TIMEOUT
        } else if self.ier & IER_TRANSMITTER_EMPTY != 0 && self.transmitter_interrupt {
            IIR_TRANSMITTER_EMPTY
        } else if self.ier & IER_MODEM_STATUS != 0 && self.msr & 0x0f != 0 {
            IIR_MODEM_STATUS
        } else {
            IIR_NONE
        }
    }

    /// Is the interrupt pin active?
    pub fn interrupts(&self) -> bool {
        self.interrupt() != IIR_NONE
    }

    /// Reads register `offset` (0 to 7).
    pub fn read(&mut self, offset: u8) -> u8 {
        let divisor = self.lcr & LCR_DLAB != 0;
        match offset {
            reg::DATA | reg::IER if divisor => self.divisor[offset as usize],
            reg::DATA => {
                let byte = self.fifo.pop_front().unwrap_or(0);
                self.fill();
                byte
            }
            reg::IER => self.ier,
            reg::IIR_FCR => {
                let interrupt = self.interrupt();
                if interrupt == IIR_TRANSMITTER_EMPTY {
                    self.transmitter_interrupt = false;
                }
                interrupt | if self.fifo_enabled { IIR_FIFO } else { 0 }
            }
            reg::LCR => self.lcr,
            reg::MCR => self.mcr,
            reg::LSR => {
                let status = self.line_status();
                self.overrun = false;
                status
            }
            reg::MSR => {
                let status = self.msr;
                self.msr &= 0xf0;
                status
            }
            reg::SCR => self.scratch,
            _ => 0xff,
        }
    }

    /// Writes register `offset` (0 to 7).
    pub fn write(&mut self, offset: u8, value: u8) {
        let divisor = self.lcr & LCR_DLAB != 0;
        match offset {
            reg::DATA | reg::IER if divisor => self.divisor[offset as usize] = value,
            reg::DATA => self.transmit(value),
            reg::IER => {
                // Enabling the interrupt with an empty transmitter raises it, even if IIR has reported it before.
                if value & !self.ier & IER_TRANSMITTER_EMPTY != 0 && self.can_transmit() {
                    self.transmitter_interrupt = true;
                }
                self.ier = value & 0x0f;
            }
            reg::IIR_FCR => self.control_fifo(value),
            reg::LCR => self.lcr = value,
            reg::MCR => self.control_modem(value & 0x1f),
            reg::SCR => self.scratch = value,
            _ => {}
        }
    }

    fn transmit(&mut self, byte: u8) {
        if self.is_looped_back() {
            if self.fifo.len() < self.depth() {
                self.fifo.push_back(byte);
            } else {
                self.overrun = true;
            }
        } else {
            // A byte written against LSR is taken as long as a FIFO's worth of room is left, as the chip would.
            if self.output.len() < OUTPUT_LIMIT + FIFO_DEPTH {
                self.output.push(byte);
            }
        }
        self.transmitter_interrupt = self.can_transmit();
    }

    fn control_fifo(&mut self, value: u8) {
        let enable = value & FCR_ENABLE != 0;
        if enable != self.fifo_enabled || (enable && value & FCR_CLEAR_RECEIVER != 0) {
            self.fifo.clear();
        }
        self.fifo_enabled = enable;
        self.trigger = if enable { [1, 4, 8, 14][(value >> 6) as usize] } else { 1 };
        self.fill();
    }

    fn control_modem(&mut self, value: u8) {
        self.mcr = value;
        let lines = if self.is_looped_back() {
            // RTS, DTR, OUT1 and OUT2 come back as CTS, DSR, RI and DCD.
            (value & 2) << 3 | (value & 1) << 5 | (value & 4) << 4 | (value & 8) << 4
        } else {
            MODEM_LINES
        };
        let changed = self.msr ^ lines;
        let mut delta = changed >> 4 & 0b1011;
        if changed & self.msr & 0x40 != 0 {
            delta |= 0b0100; // RI reports only its trailing edge.
        }
        self.msr = lines | self.msr & 0x0f | delta;
        self.fill();
    }

    /// Bytes arrive from the host. Returns how many were taken; the rest is lost on a guest that does not read.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(INPUT_LIMIT - self.input.len().min(INPUT_LIMIT));
        self.input.extend(&bytes[..taken]);
        self.fill();
        taken
    }

    /// Is there room for at least one more byte from the host?
    pub fn can_receive(&self) -> bool {
        self.input.len() < INPUT_LIMIT
    }

    /// Everything transmitted since the last call; makes room.
    pub fn take_output(&mut self) -> Vec<u8> {
        if !self.can_transmit() {
            self.transmitter_interrupt = true;
        }
        std::mem::take(&mut self.output)
    }

    /// Is there output for the host?
    pub fn has_output(&self) -> bool {
        self.output_len() > 0
    }

    /// Bytes of output for the host.
    pub fn output_len(&self) -> usize {
        self.output.len()
    }
}

//! The I/O SAPIC's registers and pins: writes and line changes in, interrupt messages out. Intel 460GX Chipset System
//! Software Developer's Manual, "I/O SAPIC"; it differs from the 82093AA in the EOI register and the id/eid pair.

use super::super::router::{Delivery, Mode};

/// Offsets of the direct registers.
const SELECT: u64 = 0x00;
const WINDOW: u64 = 0x10;
const EOI: u64 = 0x40;

/// Indirect registers.
const VERSION: u8 = 0x01;
const FIRST_ENTRY: u8 = 0x10;

const POLARITY_LOW: u32 = 1 << 13;
const REMOTE_IRR: u32 = 1 << 14;
const LEVEL: u32 = 1 << 15;
const MASKED: u32 = 1 << 16;
/// Vector, delivery mode, polarity, trigger, mask.
const LOW_WRITABLE: u32 = 0x7ff | POLARITY_LOW | LEVEL | MASKED;
const HIGH_WRITABLE: u32 = 0xffff_0000;

#[derive(Clone, Copy)]
struct Pin {
    low: u32,
    high: u32,
    asserted: bool,
}

const AFTER_RESET: Pin = Pin { low: MASKED, high: 0, asserted: false };

/// An I/O SAPIC. `send` arguments take the messages that leave it.
pub struct IoSapic {
    select: u8,
    pins: Vec<Pin>,
}

impl IoSapic {
    /// `pins` (1 to 120) inputs, all masked and deasserted.
    pub fn new(pins: u8) -> IoSapic {
        IoSapic { select: 0, pins: vec![AFTER_RESET; pins as usize] }
    }

    /// Registers as after power-on; the lines keep the state their devices give them.
    pub fn reset(&mut self) {
        self.select = 0;
        for pin in &mut self.pins {
            *pin = Pin { asserted: pin.asserted, ..AFTER_RESET };
        }
    }

    /// Reads a register; unknown ones read 0.
    pub fn read(&self, offset: u64) -> u32 {
        match offset {
            SELECT => self.select as u32,
            WINDOW if self.select == VERSION => (self.pins.len() as u32 - 1) << 16 | 0x20,
            WINDOW => match self.selected() {
                Some((pin, false)) => self.pins[pin].low,
                Some((pin, true)) => self.pins[pin].high,
                None => 0,
            },
            _ => 0,
        }
    }

    /// The pin whose entry is selected, and whether the upper half is.
    fn selected(&self) -> Option<(usize, bool)> {
        let entry = self.select.checked_sub(FIRST_ENTRY)?;
        let pin = (entry / 2) as usize;
        (pin < self.pins.len()).then_some((pin, entry % 2 != 0))
    }

    /// Writes a register; unknown ones ignore it.
    pub fn write(&mut self, offset: u64, value: u32, send: &mut dyn FnMut(Delivery)) {
        match offset {
            SELECT => self.select = value as u8,
            WINDOW => match self.selected() {
                Some((pin, true)) => self.pins[pin].high = value & HIGH_WRITABLE,
                Some((pin, false)) => {
                    self.program(pin, value);
                    self.send_level(pin, send);
                }
                None => {}
            },
            EOI => self.end_of_interrupt(value as u8, send),
            _ => {}
        }
    }

    fn program(&mut self, pin: usize, value: u32) {
        let old = self.pins[pin].low;
        let mut low = old & REMOTE_IRR | value & LOW_WRITABLE;
        // The EOI of what is outstanding carries the old vector, or never comes for an edge: forget it.
        if low & LEVEL == 0 || (low ^ old) & 0xff != 0 {
            low &= !REMOTE_IRR;
        }
        self.pins[pin].low = low;
    }

    fn message(&self, pin: usize) -> Delivery {
        let Pin { low, high, .. } = self.pins[pin];
        Delivery {
            id: (high >> 24) as u8,
            eid: (high >> 16) as u8,
            mode: Mode::from_bits(low >> 8),
            vector: low as u8,
        }
    }

    /// Sends a level interrupt if the line is asserted, unmasked and none is outstanding.
    fn send_level(&mut self, pin: usize, send: &mut dyn FnMut(Delivery)) {
        let Pin { low, asserted, .. } = self.pins[pin];
        if asserted && low & (LEVEL | MASKED | REMOTE_IRR) == LEVEL {
            self.pins[pin].low |= REMOTE_IRR;
            send(self.message(pin));
        }
    }

    fn end_of_interrupt(&mut self, vector: u8, send: &mut dyn FnMut(Delivery)) {
        for pin in 0..self.pins.len() {
            let low = self.pins[pin].low;
            if low & REMOTE_IRR != 0 && low as u8 == vector {
                self.pins[pin].low &= !REMOTE_IRR;
                self.send_level(pin, send);
            }
        }
    }

    /// The line of `pin` is asserted or deasserted (whatever voltage its polarity makes of it). An edge while masked is
    /// lost; an unknown pin is not connected.
    pub fn set_line(&mut self, pin: usize, asserted: bool, send: &mut dyn FnMut(Delivery)) {
        let Some(state) = self.pins.get_mut(pin) else { return };
        let rising = asserted && !state.asserted;
        state.asserted = asserted;
        if state.low & LEVEL != 0 {
            self.send_level(pin, send);
        } else if rising && state.low & MASKED == 0 {
            send(self.message(pin));
        }
    }
}

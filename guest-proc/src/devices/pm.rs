//! ACPI fixed hardware: PM1 event and control registers, the PM timer, the power button. ACPI 2.0, 4.7.3.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::debug;

use crate::bus::Registers;
use crate::clock::Clock;
use crate::control::{Control, Outcome};
use crate::pci::Interrupts;

/// Offsets of the registers in the block; the FADT says the same.
pub mod reg {
    /// PM1 event block: status, then enable; 4 bytes.
    pub const EVENT: u64 = 0;
    /// PM1 enable register.
    pub const ENABLE: u64 = 2;
    /// PM1 control block, 2 bytes.
    pub const CONTROL: u64 = 4;
    /// PM timer, 4 bytes.
    pub const TIMER: u64 = 8;
    /// Bytes of all.
    pub const SIZE: u64 = 12;
}

/// SLP_TYP value of S5; `\_S5_` says the same.
pub const S5_SLEEP_TYPE: u8 = 5;

const POWER_BUTTON: u16 = 1 << 8;
const SCI_ENABLE: u16 = 1 << 0;
const SLEEP_ENABLE: u16 = 1 << 13;
const SLEEP_TYPE: u16 = 7 << 10;
/// Global lock and power button; there is no sleep button, RTC alarm or timer carry event.
const EVENTS: u16 = 1 << 5 | POWER_BUTTON;
/// Hertz of the PM timer.
const TIMER_HZ: u64 = 3_579_545;

#[derive(Default)]
struct State {
    status: u16,
    enable: u16,
    control: u16,
}

/// The power-management block.
pub struct PowerManagement {
    state: Mutex<State>,
    gsi: u32,
    interrupts: Arc<dyn Interrupts>,
    clock: Arc<Clock>,
    control: Arc<Control>,
}

impl PowerManagement {
    /// A block whose SCI is `gsi` and whose soft-off ends the machine through `control`.
    pub fn new(
        gsi: u32,
        interrupts: Arc<dyn Interrupts>,
        clock: Arc<Clock>,
        control: Arc<Control>,
    ) -> PowerManagement {
        PowerManagement { state: Mutex::default(), gsi, interrupts, clock, control }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update_sci(&self, state: &State) {
        self.interrupts.line(self.gsi, state.status & state.enable != 0);
    }

    /// The operator presses the power button; what follows is the guest's affair.
    pub fn press_power_button(&self) {
        let mut state = self.state();
        state.status |= POWER_BUTTON;
        self.update_sci(&state);
    }

    /// Registers as after power-on.
    pub fn reset(&self) {
        let mut state = self.state();
        *state = State::default();
        self.update_sci(&state);
    }

    fn timer(&self) -> u64 {
        (self.clock.nanos() as u128 * TIMER_HZ as u128 / 1_000_000_000) as u64 & 0xffff_ffff
    }

    fn word(&self, offset: u64) -> u64 {
        let state = self.state();
        match offset {
            reg::EVENT => state.status as u64,
            reg::ENABLE => state.enable as u64,
            reg::CONTROL => (state.control | SCI_ENABLE) as u64,
            _ => 0,
        }
    }

    fn write_control(&self, state: &mut State, value: u16) {
        state.control = value & !(SLEEP_ENABLE | SCI_ENABLE);
        if value & SLEEP_ENABLE == 0 {
            return;
        }
        let sleep_type = ((value & SLEEP_TYPE) >> 10) as u8;
        if sleep_type == S5_SLEEP_TYPE {
            self.control.end(Outcome::PowerOff);
        } else {
            debug!(sleep_type, "sleep state not supported");
        }
    }
}

impl Registers for PowerManagement {
    fn read(&self, offset: u64, size: u8) -> u64 {
        let bytes = if offset >= reg::TIMER {
            self.timer() >> (8 * (offset - reg::TIMER))
        } else {
            let aligned = offset & !1;
            (self.word(aligned) | self.word(aligned + 2) << 16) >> (8 * (offset & 1))
        };
        bytes & crate::bus::all_ones(size)
    }

    fn write(&self, offset: u64, size: u8, value: u64) {
        let mut state = self.state();
        for (at, value) in
            [(offset, value), (offset + 2, value >> 16)].into_iter().take(if size >= 4 { 2 } else { 1 })
        {
            // A byte write reaches half a register: the other half keeps its value, or clears nothing.
            let shift = 8 * (at & 1);
            let mask = if size == 1 { 0xff << shift } else { 0xffff };
            let value = (value << shift) as u16 & mask;
            match at & !1 {
                reg::EVENT => state.status &= !value,
                reg::ENABLE => state.enable = (state.enable & !mask | value) & EVENTS,
                reg::CONTROL => {
                    let merged = state.control & !mask | value;
                    self.write_control(&mut state, merged);
                }
                _ => {}
            }
        }
        self.update_sci(&state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[derive(Default)]
    struct Sci(AtomicBool);

    impl Interrupts for Sci {
        fn msi(&self, _address: u64, _data: u32) {
            panic!("the SCI is a wire");
        }
        fn line(&self, gsi: u32, asserted: bool) {
            assert_eq!(gsi, 9);
            self.0.store(asserted, Ordering::Relaxed);
        }
    }

    fn block() -> (Arc<Sci>, Arc<Control>, PowerManagement) {
        let (sci, control) = (Arc::new(Sci::default()), Arc::new(Control::default()));
        let pm = PowerManagement::new(9, sci.clone(), Arc::default(), control.clone());
        (sci, control, pm)
    }

    #[test]
    fn power_button_asserts_the_sci_while_enabled_and_not_cleared() {
        let (sci, _, pm) = block();
        pm.press_power_button();
        assert!(!sci.0.load(Ordering::Relaxed), "not enabled");
        pm.write(2, 2, 0x100);
        assert!(sci.0.load(Ordering::Relaxed));
        assert_eq!((pm.read(0, 2), pm.read(2, 2), pm.read(0, 4)), (0x100, 0x100, 0x0100_0100));
        pm.write(0, 2, 0x001);
        assert!(sci.0.load(Ordering::Relaxed), "another bit");
        pm.write(0, 2, 0x100);
        assert!(!sci.0.load(Ordering::Relaxed));
        assert_eq!(pm.read(0, 2), 0);
    }

    #[test]
    fn soft_off_needs_sleep_enable_and_the_type_of_s5() {
        let (_, control, pm) = block();
        assert_eq!(pm.read(4, 2), 1, "always in ACPI mode");
        pm.write(4, 2, 5 << 10);
        assert_eq!(control.outcome(), None);
        pm.write(4, 2, 1 << 13 | 3 << 10);
        assert_eq!(control.outcome(), None);
        pm.write(4, 2, 1 << 13 | 5 << 10);
        assert_eq!(control.outcome(), Some(Outcome::PowerOff));
    }

    #[test]
    fn timer_follows_the_clock() {
        let (_, _, pm) = block();
        pm.clock.stop();
        let expected = pm.clock.nanos() as u128 * 3_579_545 / 1_000_000_000;
        assert_eq!(pm.read(8, 4) as u128, expected & 0xffff_ffff);
    }
}

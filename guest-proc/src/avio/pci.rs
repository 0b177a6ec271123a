//! The function on the PCI bus: capabilities, BARs, and the way from an access to the register meant (virtio 1.2
//! clause 4.1).
//!
//! ```text
//!   BAR 0  0000 common configuration    BAR 1  0000 MSI-X table
//!          1000 interrupt status               1000 pending bits
//!          2000 device configuration
//!          3000 notification, 4 bytes a queue
//! ```

use std::sync::atomic::Ordering;

use super::registers::Effect;
use super::{AvioAdapter, CONFIG_LEN, MACHINE_RESET_PATIENCE, RESET_PATIENCE};
use crate::pci::config::reg;
use crate::pci::{Bar, BarKind, ConfigSpace, Identity, Msix, PciFunction, msix};

const REGISTERS: u8 = 0;
const VECTORS: u8 = 1;
const BARS: [Bar; 2] = [
    Bar { index: REGISTERS, size: 0x4000, kind: BarKind::Memory32 },
    Bar { index: VECTORS, size: 0x2000, kind: BarKind::Memory32 },
];

const COMMON: u64 = 0x0000;
const ISR: u64 = 0x1000;
const DEVICE: u64 = 0x2000;
const NOTIFY: u64 = 0x3000;
const PART: u64 = 0x1000;
/// Offset of a queue's notification register from the one before.
const NOTIFY_MULTIPLIER: u32 = 4;
/// Bytes of the common configuration.
const COMMON_LEN: u32 = 0x38;
const PENDING_BITS: u32 = 0x1000;
const STATUS: u64 = 0x14;

/// Vendor-specific capability.
const VENDOR_CAPABILITY: u8 = 0x09;

/// Where in configuration space things ended up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// The MSI-X capability.
    msix: u16,
    /// The capability through which BARs are reached by configuration cycles alone (clause 4.1.4.9).
    window: u16,
}

/// Configuration space of an adapter with this many queues.
pub(super) fn describe(msix: &Msix, queues: u16) -> (ConfigSpace, Places) {
    const COMMON_CFG: u8 = 1;
    const NOTIFY_CFG: u8 = 2;
    const ISR_CFG: u8 = 3;
    const DEVICE_CFG: u8 = 4;
    const PCI_CFG: u8 = 5;
    let identity = Identity {
        vendor: 0x1af4,
        device: 0x1048,
        revision: 1,
        // SCSI controller.
        class: 0x01_00_00,
        subsystem_vendor: 0x1af4,
        subsystem: 0x0008,
        interrupt_pin: 1,
    };
    let mut space = ConfigSpace::new(identity, &BARS);
    let body = |kind, offset: u64, len: u32, extra: &[u8]| {
        let fixed = [16 + extra.len() as u8, kind, REGISTERS, 0, 0, 0];
        [&fixed[..], &(offset as u32).to_le_bytes(), &len.to_le_bytes(), extra].concat()
    };
    let notify_len = u32::from(queues) * NOTIFY_MULTIPLIER;
    space.add_capability(VENDOR_CAPABILITY, &body(COMMON_CFG, COMMON, COMMON_LEN, &[]), &[]);
    let multiplier = NOTIFY_MULTIPLIER.to_le_bytes();
    space.add_capability(VENDOR_CAPABILITY, &body(NOTIFY_CFG, NOTIFY, notify_len, &multiplier), &[]);
    space.add_capability(VENDOR_CAPABILITY, &body(ISR_CFG, ISR, 1, &[]), &[]);
    space.add_capability(VENDOR_CAPABILITY, &body(DEVICE_CFG, DEVICE, CONFIG_LEN as u32, &[]), &[]);
    // Bar, offset and length are the driver's; the data are what they name.
    let writable = [0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let window = space.add_capability(VENDOR_CAPABILITY, &body(PCI_CFG, 0, 0, &[0; 4]), &writable);
    let (body, writable) = msix.capability((VECTORS, 0), (VECTORS, PENDING_BITS));
    let msix = space.add_capability(msix::CAPABILITY_ID, &body, &writable);
    (space, Places { msix, window })
}

/// What the window capability points at: BAR, offset, size.
type Window = (u8, u64, u8);

impl AvioAdapter {
    fn window(&self) -> Option<Window> {
        let space = self.core.config_space();
        let at = self.core.places.window;
        let bar = space.read(at + 4, 1) as u8;
        let (offset, len) = (space.read(at + 8, 4), space.read(at + 12, 4));
        let decoded = BARS.iter().find(|b| b.index == bar)?;
        let is_inside = u64::from(offset) + u64::from(len) <= decoded.size;
        match len {
            1 | 2 | 4 if is_inside && offset % len == 0 => Some((bar, offset.into(), len as u8)),
            _ => None,
        }
    }

    fn is_window_data(&self, offset: u16) -> bool {
        offset & !3 == self.core.places.window + 16
    }

    fn read_registers(&self, offset: u64, size: u8) -> u64 {
        match offset & !(PART - 1) {
            COMMON => {
                if offset == STATUS {
                    self.core.wait_for_rest(RESET_PATIENCE);
                }
                self.core.registers().read(offset, size)
            }
            ISR if offset == ISR => self.core.take_isr().into(),
            DEVICE => self.read_device_config(offset - DEVICE, size),
            _ => 0,
        }
    }

    fn read_device_config(&self, offset: u64, size: u8) -> u64 {
        let byte = |at: u64| self.core.device_config.get(at as usize).copied().unwrap_or(0);
        (0..u64::from(size)).fold(0, |value, i| value | u64::from(byte(offset + i)) << (8 * i))
    }

    fn write_registers(&self, offset: u64, size: u8, value: u64) {
        match offset & !(PART - 1) {
            COMMON => {
                let mut registers = self.core.registers();
                let effect = registers.write(offset, size, value);
                self.apply(effect, registers);
            }
            NOTIFY => {
                let queue = (offset - NOTIFY) / u64::from(NOTIFY_MULTIPLIER);
                if let Some(events) = self.core.events.get(queue as usize) {
                    // A full counter has been raised; the back-end need not be there.
                    _ = events.kick.write(1);
                }
            }
            // The driver may write CDB and sense sizes to the device configuration: to what they are anyway.
            _ => {}
        }
    }
}

impl PciFunction for AvioAdapter {
    fn config_read(&self, offset: u16, size: u8) -> u32 {
        if self.is_window_data(offset) {
            return self.window().map_or(0, |(bar, at, len)| self.bar_read(bar, at, len) as u32);
        }
        self.core.config_space().read(offset, size)
    }

    fn config_write(&self, offset: u16, size: u8, value: u32) {
        if self.is_window_data(offset) {
            if let Some((bar, at, len)) = self.window() {
                self.bar_write(bar, at, len, value.into());
            }
            return;
        }
        let control_at = self.core.places.msix + 2;
        let control = {
            let mut space = self.core.config_space();
            space.write(offset, size, value);
            space.read(control_at, 2) as u16
        };
        match offset & !3 {
            at if at == control_at & !3 => {
                self.core.msix.set_control(control);
                self.core.update_line();
            }
            reg::COMMAND => self.core.update_line(),
            _ => {}
        }
    }

    fn bars(&self) -> Vec<Bar> {
        BARS.to_vec()
    }

    fn bar_read(&self, bar: u8, offset: u64, size: u8) -> u64 {
        match bar {
            REGISTERS => self.read_registers(offset, size),
            VECTORS if offset < PENDING_BITS.into() => self.core.msix.table_read(offset, size),
            VECTORS => self.core.msix.pending_read(offset - u64::from(PENDING_BITS), size),
            _ => 0,
        }
    }

    fn bar_write(&self, bar: u8, offset: u64, size: u8, value: u64) {
        match bar {
            REGISTERS => self.write_registers(offset, size, value),
            VECTORS if offset < PENDING_BITS.into() => self.core.msix.table_write(offset, size, value),
            _ => {}
        }
    }

    fn reset(&self) {
        self.core.silent.store(true, Ordering::Release);
        let mut registers = self.core.registers();
        let effect = registers.write(STATUS, 1, 0);
        debug_assert_ne!(effect, Effect::Start);
        self.apply(effect, registers);
        if !self.core.wait_for_rest(MACHINE_RESET_PATIENCE) {
            tracing::error!(adapter = self.core.name, "AVIO requests outlive the reset of their machine");
        }
        self.core.msix.reset();
        self.core.config_space().reset();
        self.core.take_isr();
        self.core.silent.store(false, Ordering::Release);
    }
}

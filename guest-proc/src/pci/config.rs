//! The 256 bytes of configuration space of an ordinary (type 0) function: contents, which bits a write changes,
//! capability list, BAR sizing. PCI Local Bus Specification 3.0, chapter 6.

use super::{Bar, BarKind};

const SIZE: usize = 256;

/// Register offsets of the type 0 header.
#[allow(missing_docs, reason = "the specification's own names")]
pub mod reg {
    pub const VENDOR: u16 = 0x00;
    pub const DEVICE: u16 = 0x02;
    pub const COMMAND: u16 = 0x04;
    pub const STATUS: u16 = 0x06;
    pub const REVISION: u16 = 0x08;
    pub const CACHE_LINE_SIZE: u16 = 0x0c;
    pub const LATENCY_TIMER: u16 = 0x0d;
    pub const HEADER_TYPE: u16 = 0x0e;
    pub const BAR0: u16 = 0x10;
    pub const SUBSYSTEM_VENDOR: u16 = 0x2c;
    pub const SUBSYSTEM: u16 = 0x2e;
    pub const CAPABILITIES: u16 = 0x34;
    pub const INTERRUPT_LINE: u16 = 0x3c;
    pub const INTERRUPT_PIN: u16 = 0x3d;
}

/// Bits of the command register.
pub mod command {
    /// Responds to I/O accesses.
    pub const IO: u16 = 1 << 0;
    /// Responds to memory accesses.
    pub const MEMORY: u16 = 1 << 1;
    /// May access memory itself and send MSIs.
    pub const BUS_MASTER: u16 = 1 << 2;
    /// INTx must stay deasserted.
    pub const INTX_DISABLE: u16 = 1 << 10;
}

const STATUS_INTERRUPT: u8 = 1 << 3;
const STATUS_CAPABILITIES: u8 = 1 << 4;
const FIRST_CAPABILITY: u8 = 0x40;

/// Who a function says it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity {
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Revision id.
    pub revision: u8,
    /// Class code: base class, sub-class and programming interface, 24 bits.
    pub class: u32,
    /// Subsystem vendor id.
    pub subsystem_vendor: u16,
    /// Subsystem id.
    pub subsystem: u16,
    /// INTx pin: 0 none, 1 INTA to 4 INTD.
    pub interrupt_pin: u8,
}

/// Configuration space of one function.
#[derive(Clone, Debug)]
pub struct ConfigSpace {
    bytes: [u8; SIZE],
    /// Bits a write changes.
    writable: [u8; SIZE],
    bars: Vec<Bar>,
    /// Where the next capability goes; 0 when there is no room left.
    next_capability: u8,
    last_capability: u8,
}

impl ConfigSpace {
    /// A function with these ids and BARs, all BARs at address 0 and not decoded.
    ///
    /// # Panics
    /// When a BAR's size is not a power of two or its number is out of range: the device model is wrong.
    pub fn new(identity: Identity, bars: &[Bar]) -> ConfigSpace {
        let mut space = ConfigSpace {
            bytes: [0; SIZE],
            writable: [0; SIZE],
            bars: bars.to_vec(),
            next_capability: FIRST_CAPABILITY,
            last_capability: 0,
        };
        space.put(reg::VENDOR, &identity.vendor.to_le_bytes());
        space.put(reg::DEVICE, &identity.device.to_le_bytes());
        space.put(reg::REVISION, &(identity.class << 8 | identity.revision as u32).to_le_bytes());
        space.put(reg::SUBSYSTEM_VENDOR, &identity.subsystem_vendor.to_le_bytes());
        space.put(reg::SUBSYSTEM, &identity.subsystem.to_le_bytes());
        space.put(reg::INTERRUPT_PIN, &[identity.interrupt_pin]);
        let mut commands = command::BUS_MASTER | command::INTX_DISABLE;
        for bar in bars {
            commands |= if bar.kind == BarKind::Io { command::IO } else { command::MEMORY };
            space.define_bar(bar);
        }
        space.allow(reg::COMMAND, &commands.to_le_bytes());
        space.allow(reg::CACHE_LINE_SIZE, &[0xff, 0xff]);
        space.allow(reg::INTERRUPT_LINE, &[0xff]);
        space
    }

    fn define_bar(&mut self, bar: &Bar) {
        let registers = if bar.kind == BarKind::Memory64 { 2 } else { 1 };
        assert!(bar.size.is_power_of_two() && bar.index + registers <= 6, "impossible BAR: {bar:?}");
        let (kind_bits, low_bits): (u32, u64) = match bar.kind {
            BarKind::Io => (1, 0x3),
            BarKind::Memory32 => (0, 0xf),
            BarKind::Memory64 => (4, 0xf),
        };
        let offset = reg::BAR0 + 4 * bar.index as u16;
        let mask = !(bar.size - 1) & !low_bits;
        self.put(offset, &kind_bits.to_le_bytes());
        self.allow(offset, &(mask as u32).to_le_bytes());
        if registers == 2 {
            self.allow(offset + 4, &((mask >> 32) as u32).to_le_bytes());
        }
    }

    /// Appends a capability: `id`, then the bytes of `body` (what follows the id and the link), of which writes change
    /// the bits set in `writable` (shorter than `body`: the rest is read-only). Returns the capability's offset.
    ///
    /// # Panics
    /// When the 192 bytes behind the header are used up: the device model is wrong.
    pub fn add_capability(&mut self, id: u8, body: &[u8], writable: &[u8]) -> u16 {
        let at = self.next_capability;
        let end = at as usize + 2 + body.len();
        assert!(at != 0 && end <= SIZE, "no room for capability {id:#x}");
        match self.last_capability {
            0 => self.put(reg::CAPABILITIES, &[at]),
            last => self.put(last as u16 + 1, &[at]),
        }
        self.bytes[reg::STATUS as usize] |= STATUS_CAPABILITIES;
        self.put(at as u16, &[id, 0]);
        self.put(at as u16 + 2, body);
        self.allow(at as u16 + 2, writable);
        self.last_capability = at;
        self.next_capability = u8::try_from(end.next_multiple_of(4)).unwrap_or(0);
        at as u16
    }

    /// Reads `size` (1, 2, 4) bytes at `offset`; what lies outside the 256 bytes reads as ones.
    pub fn read(&self, offset: u16, size: u8) -> u32 {
        (0..size as usize).fold(0, |value, i| {
            let byte = self.bytes.get(offset as usize + i).copied().unwrap_or(0xff);
            value | (byte as u32) << (8 * i)
        })
    }

    /// Writes `size` (1, 2, 4) bytes at `offset`; only writable bits change.
    pub fn write(&mut self, offset: u16, size: u8, value: u32) {
        for i in 0..size as usize {
            let at = offset as usize + i;
            if at < SIZE {
                let mask = self.writable[at];
                self.bytes[at] = self.bytes[at] & !mask | (value >> (8 * i)) as u8 & mask;
            }
        }
    }

    /// Sets bytes from the device's side, writable or not.
    ///
    /// # Panics
    /// When they lie outside configuration space.
    pub fn put(&mut self, offset: u16, bytes: &[u8]) {
        self.bytes[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
    }

    fn allow(&mut self, offset: u16, mask: &[u8]) {
        self.writable[offset as usize..offset as usize + mask.len()].copy_from_slice(mask);
    }

    /// The command register, see [`command`].
    pub fn command(&self) -> u16 {
        self.read(reg::COMMAND, 2) as u16
    }

    /// Shows or hides the interrupt in the status register (bit 3).
    pub fn set_interrupt_status(&mut self, pending: bool) {
        let status = &mut self.bytes[reg::STATUS as usize];
        *status = if pending { *status | STATUS_INTERRUPT } else { *status & !STATUS_INTERRUPT };
    }

    /// The BARs as defined.
    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }

    /// Back to the state after power-on: every writable bit 0.
    pub fn reset(&mut self) {
        for (byte, mask) in self.bytes.iter_mut().zip(&self.writable) {
            *byte &= !mask;
        }
        self.set_interrupt_status(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> ConfigSpace {
        let identity = Identity {
            vendor: 0x1af4,
            device: 0x1048,
            revision: 1,
            class: 0x01_00_00,
            ..Identity::default()
        };
        let bars = [
            Bar { index: 0, size: 0x1000, kind: BarKind::Memory32 },
            Bar { index: 2, size: 1 << 33, kind: BarKind::Memory64 },
            Bar { index: 4, size: 0x20, kind: BarKind::Io },
        ];
        ConfigSpace::new(identity, &bars)
    }

    #[test]
    fn writing_ones_to_a_bar_gives_its_size() {
        let mut space = space();
        for offset in (0x10..0x28).step_by(4) {
            space.write(offset, 4, !0);
        }
        let read: Vec<u32> = (0x10..0x28).step_by(4).map(|o| space.read(o, 4)).collect();
        assert_eq!(read, [0xffff_f000, 0, 0x0000_0004, 0xffff_fffe, 0xffff_ffe1, 0]);
    }

    #[test]
    fn header_fields_are_read_only_and_byte_accesses_reach_them() {
        let mut space = space();
        space.write(0, 4, 0xdead_beef);
        space.write(8, 4, 0xdead_beef);
        assert_eq!((space.read(0, 4), space.read(8, 4)), (0x1048_1af4, 0x0100_0001));
        assert_eq!((space.read(1, 1), space.read(2, 2)), (0x1a, 0x1048));
        space.write(4, 2, 0xffff);
        assert_eq!(space.command(), 0x0407);
    }

    #[test]
    fn capabilities_form_a_list() {
        let mut space = space();
        assert_eq!(space.read(reg::STATUS, 2) & 0x10, 0);
        let first = space.add_capability(0x09, &[0; 14], &[]);
        let second = space.add_capability(0x11, &[0; 10], &[0x00, 0xc0]);
        assert_eq!((first, second), (0x40, 0x50));
        assert_eq!(space.read(reg::CAPABILITIES, 1), 0x40);
        assert_eq!((space.read(0x41, 1), space.read(0x51, 1)), (0x50, 0));
        assert_eq!(space.read(reg::STATUS, 2) & 0x10, 0x10);
        space.write(second + 2, 2, 0xffff);
        assert_eq!(space.read(second + 2, 2), 0xc000);
        space.reset();
        assert_eq!(space.read(second + 2, 2), 0);
    }
}

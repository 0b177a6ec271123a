//! The way from a processor to everything that is not RAM: a sorted list of windows, each with its device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tracing::debug;

use crate::clock::Clock;
use crate::map;

/// Registers in memory or port space. Accesses are naturally aligned, come from any vCPU thread and always succeed:
/// what a device does not know reads as it says and is lost when written.
pub trait Registers: Send + Sync {
    /// Reads `size` (1, 2, 4, 8) bytes at `offset` from the start of the window.
    fn read(&self, offset: u64, size: u8) -> u64;
    /// Writes the low `size` (1, 2, 4, 8) bytes of `value` at `offset` from the start of the window.
    fn write(&self, offset: u64, size: u8, value: u64);
}

/// All ones in `size` bytes: what nobody answers.
pub const fn all_ones(size: u8) -> u64 {
    u64::MAX >> (64 - 8 * size as u32)
}

/// At most this many accesses that nobody claims are logged: a guest can make any number.
const UNCLAIMED_LOGGED: u32 = 100;

struct Window {
    base: u64,
    len: u64,
    device: Arc<dyn Registers>,
}

/// Windows of devices in one address space.
pub struct AddressSpace {
    name: &'static str,
    windows: Vec<Window>,
    unclaimed: AtomicU32,
}

impl AddressSpace {
    /// An empty space, named in logs.
    pub fn new(name: &'static str) -> AddressSpace {
        AddressSpace { name, windows: Vec::new(), unclaimed: AtomicU32::new(0) }
    }

    /// Puts `device` at `base` for `len` bytes.
    ///
    /// # Panics
    /// When the window overlaps another: the machine is wired wrongly.
    pub fn add(&mut self, base: u64, len: u64, device: Arc<dyn Registers>) {
        let at = self.windows.partition_point(|window| window.base < base);
        let before = at.checked_sub(1).map(|i| &self.windows[i]);
        assert!(before.is_none_or(|w| w.base + w.len <= base), "{} window at {base:#x} overlaps", self.name);
        assert!(
            self.windows.get(at).is_none_or(|w| base + len <= w.base),
            "{} window at {base:#x} overlaps",
            self.name
        );
        self.windows.insert(at, Window { base, len, device });
    }

    fn find(&self, address: u64, size: u8) -> Option<(&dyn Registers, u64)> {
        let at = self.windows.partition_point(|window| window.base <= address).checked_sub(1)?;
        let window = &self.windows[at];
        let offset = address - window.base;
        (offset < window.len && size as u64 <= window.len - offset).then_some((&*window.device, offset))
    }

    fn report(&self, access: &str, address: u64, size: u8) {
        let seen = self.unclaimed.fetch_add(1, Ordering::Relaxed);
        if seen < UNCLAIMED_LOGGED {
            debug!(space = self.name, access, address = format_args!("{address:#x}"), size, "nobody there");
        } else if seen == UNCLAIMED_LOGGED {
            debug!(space = self.name, "further accesses to empty addresses are not logged");
        }
    }

    /// Reads `size` bytes at `address`; all ones where there is no device.
    pub fn read(&self, address: u64, size: u8) -> u64 {
        match self.find(address, size) {
            Some((device, offset)) => device.read(offset, size),
            None => {
                self.report("read", address, size);
                all_ones(size)
            }
        }
    }

    /// Writes `size` bytes at `address`; lost where there is no device.
    pub fn write(&self, address: u64, size: u8, value: u64) {
        match self.find(address, size) {
            Some((device, offset)) => device.write(offset, size, value),
            None => self.report("write", address, size),
        }
    }
}

/// The I/O ports as the processor reaches them: each 4 KiB page of the window shows four ports, so that an OS can
/// protect them by pages. SDM volume 2, 10.7 "I/O Port Space Model".
pub struct SparsePorts(pub AddressSpace);

fn sparse_port(offset: u64) -> u64 {
    offset >> 12 << 2 | offset & 3
}

impl Registers for SparsePorts {
    fn read(&self, offset: u64, size: u8) -> u64 {
        self.0.read(sparse_port(offset), size)
    }
    fn write(&self, offset: u64, size: u8, value: u64) {
        self.0.write(sparse_port(offset), size, value);
    }
}

/// What the processors of a machine see beyond RAM.
pub struct PlatformBus {
    memory: AddressSpace,
    clock: Arc<Clock>,
}

impl PlatformBus {
    /// A bus with `memory`'s devices and `ports` behind the sparse window.
    pub fn new(mut memory: AddressSpace, ports: AddressSpace, clock: Arc<Clock>) -> PlatformBus {
        memory.add(map::IO_PORTS, map::IO_PORTS_SIZE, Arc::new(SparsePorts(ports)));
        PlatformBus { memory, clock }
    }
}

impl ia64::Bus for PlatformBus {
    fn read(&self, pa: u64, size: u8) -> u64 {
        self.memory.read(pa, size)
    }
    fn write(&self, pa: u64, size: u8, value: u64) {
        self.memory.write(pa, size, value);
    }
    fn itc(&self) -> u64 {
        self.clock.itc()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ia64::Bus;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Log(Mutex<Vec<(u64, u8, u64)>>);

    impl Registers for Log {
        fn read(&self, offset: u64, size: u8) -> u64 {
            offset | (size as u64) << 32
        }
        fn write(&self, offset: u64, size: u8, value: u64) {
            self.0.lock().unwrap().push((offset, size, value));
        }
    }

    #[test]
    fn accesses_reach_their_device_and_others_read_ones() {
        let mut space = AddressSpace::new("test");
        space.add(0x2000, 0x10, Arc::new(Log::default()));
        space.add(0x1000, 0x10, Arc::new(Log::default()));
        assert_eq!(space.read(0x2008, 4), 0x4_0000_0008);
        assert_eq!(space.read(0x100f, 1), 0x1_0000_000f);
        assert_eq!([space.read(0xfff, 1), space.read(0x1010, 2)], [0xff, 0xffff]);
        assert_eq!([space.read(0x100e, 4), space.read(0x9000, 8)], [0xffff_ffff, u64::MAX]);
        space.write(0xfedf_fff0, 8, 0x1c);
    }

    #[test]
    fn ports_are_found_four_to_a_page() {
        let log = Arc::new(Log::default());
        let mut ports = AddressSpace::new("ports");
        ports.add(0x3f8, 8, log.clone());
        let bus = PlatformBus::new(AddressSpace::new("memory"), ports, Arc::default());
        // Linux: base | (port >> 2) << 12 | (port & 0xfff)
        for port in [0x3f8u64, 0x3fb, 0x3fd] {
            bus.write(map::IO_PORTS | (port >> 2) << 12 | port & 0xfff, 1, port);
        }
        assert_eq!(*log.0.lock().unwrap(), [(0, 1, 0x3f8), (3, 1, 0x3fb), (5, 1, 0x3fd)]);
    }
}

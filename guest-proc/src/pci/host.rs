//! The PCI host: which function is where, configuration cycles, BAR assignment, and the way from the memory and port
//! windows to the BAR that decodes an address.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tracing::{debug, error};

use super::config::{command, reg};
use super::{Bar, BarKind, PciFunction};
use crate::bus::{Registers, all_ones};
use crate::map;

/// Place of a function: one function a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Bus, 0 to 7.
    pub bus: u8,
    /// Slot (device number), 0 to 7.
    pub slot: u8,
}

/// Why a function cannot be placed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlaceError {
    /// There is no such slot.
    #[error("there is no PCI slot {slot} on bus {bus}")]
    NoSlot {
        /// Bus asked for.
        bus: u8,
        /// Slot asked for.
        slot: u8,
    },
    /// Another function is there.
    #[error("PCI slot {slot} on bus {bus} is taken")]
    Taken {
        /// Bus asked for.
        bus: u8,
        /// Slot asked for.
        slot: u8,
    },
}

/// An address range that a BAR decodes at present.
struct Decoded {
    base: u64,
    bar: Bar,
    function: Arc<dyn PciFunction>,
}

/// Decoded ranges of memory and of ports, each sorted by address.
#[derive(Default)]
struct Decoder {
    memory: Vec<Decoded>,
    ports: Vec<Decoded>,
}

fn find(ranges: &[Decoded], address: u64, size: u8) -> Option<(&Decoded, u64)> {
    let range = &ranges[ranges.partition_point(|range| range.base <= address).checked_sub(1)?];
    let offset = address - range.base;
    (offset < range.bar.size && size as u64 <= range.bar.size - offset).then_some((range, offset))
}

/// All PCI buses of a machine.
#[derive(Default)]
pub struct PciHost {
    functions: RwLock<BTreeMap<Location, Arc<dyn PciFunction>>>,
    decoder: RwLock<Decoder>,
}

impl PciHost {
    /// Puts a function into a slot, before the machine starts.
    pub fn add(&self, location: Location, function: Arc<dyn PciFunction>) -> Result<(), PlaceError> {
        let Location { bus, slot } = location;
        if bus >= map::PCI_BUSES || slot >= map::PCI_SLOTS {
            return Err(PlaceError::NoSlot { bus, slot });
        }
        let mut functions = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        if functions.contains_key(&location) {
            return Err(PlaceError::Taken { bus, slot });
        }
        functions.insert(location, function);
        Ok(())
    }

    fn function(&self, bus: u8, device: u8, number: u8) -> Option<Arc<dyn PciFunction>> {
        let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner);
        (number == 0).then(|| functions.get(&Location { bus, slot: device }).cloned()).flatten()
    }

    /// Configuration read; all ones where there is no function or no register.
    pub fn config_read(&self, bus: u8, device: u8, number: u8, offset: u16, size: u8) -> u32 {
        match self.function(bus, device, number) {
            Some(function) if offset < 256 => function.config_read(offset, size),
            _ => all_ones(size) as u32,
        }
    }

    /// Configuration write; lost where there is no function or no register.
    pub fn config_write(&self, bus: u8, device: u8, number: u8, offset: u16, size: u8, value: u32) {
        let Some(function) = self.function(bus, device, number).filter(|_| offset < 256) else { return };
        function.config_write(offset, size, value);
        if (reg::COMMAND..reg::BAR0 + 24).contains(&(offset & !3)) {
            self.decode();
        }
    }

    /// Reads anew from all functions what they decode.
    fn decode(&self) {
        let mut decoder = Decoder::default();
        for function in self.functions.read().unwrap_or_else(PoisonError::into_inner).values() {
            let commands = function.config_read(reg::COMMAND, 2) as u16;
            for bar in function.bars() {
                let at = reg::BAR0 + 4 * bar.index as u16;
                let low = function.config_read(at, 4) as u64;
                let (ranges, enable, base) = match bar.kind {
                    BarKind::Io => (&mut decoder.ports, command::IO, low & !3),
                    BarKind::Memory32 => (&mut decoder.memory, command::MEMORY, low & !0xf),
                    BarKind::Memory64 => {
                        let high = function.config_read(at + 4, 4) as u64;
                        (&mut decoder.memory, command::MEMORY, high << 32 | low & !0xf)
                    }
                };
                if commands & enable != 0 && base != 0 {
                    ranges.push(Decoded { base, bar, function: function.clone() });
                }
            }
        }
        decoder.memory.sort_by_key(|range| range.base);
        decoder.ports.sort_by_key(|range| range.base);
        *self.decoder.write().unwrap_or_else(PoisonError::into_inner) = decoder;
    }

    /// Gives every BAR an address inside its bus's window, as firmware does: an OS may only claim what it finds.
    pub fn assign(&self) {
        let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut used = [(0u64, 0u64); map::PCI_BUSES as usize];
        for (location, function) in &functions {
            let mut bars = function.bars();
            bars.sort_by_key(|bar| std::cmp::Reverse(bar.size));
            let (memory_used, ports_used) = &mut used[location.bus as usize];
            for bar in bars {
                let (used, limit, window) = match bar.kind {
                    BarKind::Io => (&mut *ports_used, map::PCI_IO_SIZE, map::PCI_IO_BASE),
                    _ => (&mut *memory_used, map::PCI_MEMORY_SIZE, map::PCI_MEMORY_BASE),
                };
                let offset = used.next_multiple_of(bar.size);
                if offset + bar.size > limit {
                    error!(?location, ?bar, "no room in the bus's window: the OS will not use this BAR");
                    continue;
                }
                *used = offset + bar.size;
                let address = window + location.bus as u64 * limit + offset;
                debug!(
                    ?location,
                    bar = bar.index,
                    address = format_args!("{address:#x}"),
                    size = bar.size,
                    "assigned"
                );
                let at = reg::BAR0 + 4 * bar.index as u16;
                function.config_write(at, 4, address as u32);
                if bar.kind == BarKind::Memory64 {
                    function.config_write(at + 4, 4, (address >> 32) as u32);
                }
            }
        }
        self.decode();
    }

    /// Resets every function.
    pub fn reset(&self) {
        for function in self.functions.read().unwrap_or_else(PoisonError::into_inner).values() {
            function.reset();
        }
        self.decode();
    }

    fn read(&self, ports: bool, address: u64, size: u8) -> u64 {
        let (function, bar, offset) = {
            let decoder = self.decoder.read().unwrap_or_else(PoisonError::into_inner);
            let ranges = if ports { &decoder.ports } else { &decoder.memory };
            let Some((range, offset)) = find(ranges, address, size) else { return all_ones(size) };
            (range.function.clone(), range.bar.index, offset)
        };
        function.bar_read(bar, offset, size)
    }

    fn write(&self, ports: bool, address: u64, size: u8, value: u64) {
        let (function, bar, offset) = {
            let decoder = self.decoder.read().unwrap_or_else(PoisonError::into_inner);
            let ranges = if ports { &decoder.ports } else { &decoder.memory };
            let Some((range, offset)) = find(ranges, address, size) else { return };
            (range.function.clone(), range.bar.index, offset)
        };
        function.bar_write(bar, offset, size, value & all_ones(size));
    }
}

/// The memory windows of all buses on the machine's bus.
pub struct MemoryWindow(pub Arc<PciHost>);

impl Registers for MemoryWindow {
    fn read(&self, offset: u64, size: u8) -> u64 {
        self.0.read(false, map::PCI_MEMORY_BASE + offset, size)
    }
    fn write(&self, offset: u64, size: u8, value: u64) {
        self.0.write(false, map::PCI_MEMORY_BASE + offset, size, value);
    }
}

/// The port windows of all buses.
pub struct PortWindow(pub Arc<PciHost>);

impl Registers for PortWindow {
    fn read(&self, offset: u64, size: u8) -> u64 {
        self.0.read(true, map::PCI_IO_BASE + offset, size)
    }
    fn write(&self, offset: u64, size: u8, value: u64) {
        self.0.write(true, map::PCI_IO_BASE + offset, size, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pci::{ConfigSpace, Identity};
    use std::sync::Mutex;

    struct Probe {
        config: Mutex<ConfigSpace>,
        seen: Mutex<Vec<(u8, u64, u8, u64)>>,
    }

    fn probe() -> Arc<Probe> {
        let identity = Identity { vendor: 0x1234, device: 0x5678, ..Identity::default() };
        let bars = [
            Bar { index: 0, size: 0x100, kind: BarKind::Io },
            Bar { index: 1, size: 0x1000, kind: BarKind::Memory32 },
            Bar { index: 2, size: 0x4000, kind: BarKind::Memory64 },
        ];
        Arc::new(Probe { config: Mutex::new(ConfigSpace::new(identity, &bars)), seen: Mutex::default() })
    }

    impl PciFunction for Probe {
        fn config_read(&self, offset: u16, size: u8) -> u32 {
            self.config.lock().unwrap().read(offset, size)
        }
        fn config_write(&self, offset: u16, size: u8, value: u32) {
            self.config.lock().unwrap().write(offset, size, value);
        }
        fn bars(&self) -> Vec<Bar> {
            self.config.lock().unwrap().bars().to_vec()
        }
        fn bar_read(&self, bar: u8, offset: u64, _size: u8) -> u64 {
            (bar as u64) << 32 | offset
        }
        fn bar_write(&self, bar: u8, offset: u64, size: u8, value: u64) {
            self.seen.lock().unwrap().push((bar, offset, size, value));
        }
        fn reset(&self) {
            self.config.lock().unwrap().reset();
        }
    }

    fn host() -> (Arc<Probe>, Arc<PciHost>) {
        let (function, host) = (probe(), Arc::new(PciHost::default()));
        host.add(Location { bus: 1, slot: 2 }, function.clone()).unwrap();
        host.assign();
        (function, host)
    }

    #[test]
    fn bars_are_assigned_aligned_inside_the_bus_window() {
        let (function, host) = host();
        let at = |register| function.config_read(register, 4);
        assert_eq!([at(0x10), at(0x14), at(0x18), at(0x1c)], [0x2001, 0xc400_4000, 0xc400_0004, 0]);
        assert_eq!(host.config_read(1, 2, 0, 0, 4), 0x5678_1234);
        assert_eq!(host.config_read(1, 2, 1, 0, 4), 0xffff_ffff);
        assert_eq!(host.config_read(0, 2, 0, 0, 2), 0xffff);
        assert_eq!(host.config_read(1, 2, 0, 0x100, 1), 0xff, "no extended configuration space");
    }

    #[test]
    fn a_bar_answers_only_where_it_lies_and_while_enabled() {
        let (function, host) = host();
        let (memory, ports) = (MemoryWindow(host.clone()), PortWindow(host.clone()));
        assert_eq!(memory.read(0x400_0010, 4), 0xffff_ffff, "command register is 0");
        host.config_write(1, 2, 0, 4, 2, 3);
        assert_eq!(memory.read(0x400_0010, 4), 2 << 32 | 0x10);
        assert_eq!(memory.read(0x400_4ffc, 4), 1 << 32 | 0xffc);
        assert_eq!(memory.read(0x400_5000, 1), 0xff);
        assert_eq!(ports.read(0x1004, 1), 4);
        memory.write(0x400_0000, 2, 0xabcd_1234);
        assert_eq!(*function.seen.lock().unwrap(), [(2, 0, 2, 0x1234)]);
        host.config_write(1, 2, 0, 0x18, 4, 0xc500_0000);
        assert_eq!(memory.read(0x500_0008, 8), 2 << 32 | 8, "the OS moved it");
        host.reset();
        assert_eq!(memory.read(0x500_0008, 8), u64::MAX);
    }

    #[test]
    fn slots_hold_one_function() {
        let (_, host) = host();
        let add = |bus, slot| host.add(Location { bus, slot }, probe());
        assert_eq!(add(1, 2), Err(PlaceError::Taken { bus: 1, slot: 2 }));
        assert_eq!(add(8, 0), Err(PlaceError::NoSlot { bus: 8, slot: 0 }));
        assert_eq!(add(7, 7), Ok(()));
    }
}

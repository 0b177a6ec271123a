//! The namespace: `\_S5_`, eight host bridges, the console UART.

use acpi_tables::aml::{
    AddressSpace, AddressSpaceCacheable, Device, EISAName, Interrupt, Memory32Fixed, Name, Package, Path,
    ResourceTemplate, Scope, ZERO,
};
use acpi_tables::{Aml, AmlSink};

use super::{aml_bytes, sdt};
use crate::devices::pm;
use crate::map;

/// A window of I/O ports that a host bridge passes on, reached through the processor's sparse port space. The crate's
/// own address space has no way to say "sparse". ACPI 2.0, 6.4.3.5.1 and 6.4.3.5.5 (I/O resource flags).
struct SparsePorts {
    first: u64,
    count: u64,
}

impl Aml for SparsePorts {
    fn to_aml_bytes(&self, sink: &mut dyn AmlSink) {
        const QWORD_ADDRESS_SPACE: u8 = 0x8a;
        const IO: u8 = 1;
        const FIXED_RANGE: u8 = 1 << 2 | 1 << 3;
        const ENTIRE_RANGE: u8 = 3;
        const TRANSLATED: u8 = 1 << 4;
        const SPARSE: u8 = 1 << 5;
        sink.byte(QWORD_ADDRESS_SPACE);
        sink.word(43);
        sink.byte(IO);
        sink.byte(FIXED_RANGE);
        sink.byte(ENTIRE_RANGE | TRANSLATED | SPARSE);
        for word in [0, self.first, self.first + self.count - 1, map::IO_PORTS, self.count] {
            sink.qword(word);
        }
    }
}

/// One PCI bus: a root of its own. INTA of each slot has its own line of the IOSAPIC.
fn host_bridge(bus: u8) -> Vec<u8> {
    let memory = map::PCI_MEMORY_BASE + bus as u64 * map::PCI_MEMORY_SIZE;
    let ports = map::PCI_IO_BASE + bus as u64 * map::PCI_IO_SIZE;
    let routes: Vec<[u32; 2]> =
        (0..map::PCI_SLOTS).map(|slot| [(slot as u32) << 16 | 0xffff, map::pci_gsi(bus, slot)]).collect();
    let routes: Vec<Package<'_>> =
        routes.iter().map(|[address, gsi]| Package::new(vec![address, &ZERO, &ZERO, gsi])).collect();
    let routes = Package::new(routes.iter().map(|route| route as &dyn Aml).collect());
    aml_bytes(&Device::new(
        Path::new(&format!("PCI{bus}")),
        vec![
            &Name::new("_HID".into(), &EISAName::new("PNP0A03")),
            &Name::new("_UID".into(), &bus),
            &Name::new("_SEG".into(), &ZERO),
            &Name::new("_BBN".into(), &bus),
            &Name::new(
                "_CRS".into(),
                &ResourceTemplate::new(vec![
                    &AddressSpace::<u16>::new_bus_number(bus as u16, bus as u16),
                    &SparsePorts { first: ports, count: map::PCI_IO_SIZE },
                    &AddressSpace::<u32>::new_memory(
                        AddressSpaceCacheable::NotCacheable,
                        true,
                        memory as u32,
                        (memory + map::PCI_MEMORY_SIZE - 1) as u32,
                        None,
                    ),
                ]),
            ),
            &Name::new("_PRT".into(), &routes),
        ],
    ))
}

fn uart() -> Vec<u8> {
    let consumer = true;
    let (edge, active_low, shared) = (false, false, false);
    aml_bytes(&Device::new(
        "COM1".into(),
        vec![
            &Name::new("_HID".into(), &EISAName::new("PNP0501")),
            &Name::new("_UID".into(), &ZERO),
            &Name::new(
                "_CRS".into(),
                &ResourceTemplate::new(vec![
                    &Memory32Fixed::new(true, map::UART as u32, map::UART_SIZE as u32),
                    &Interrupt::new(consumer, edge, active_low, shared, map::UART_GSI),
                ]),
            ),
        ],
    ))
}

/// The DSDT's bytes.
pub fn table() -> Vec<u8> {
    let s5 = Package::new(vec![&pm::S5_SLEEP_TYPE, &ZERO, &ZERO, &ZERO]);
    let mut devices: Vec<u8> = (0..map::PCI_BUSES).flat_map(host_bridge).collect();
    devices.extend(uart());
    let mut table = sdt(b"DSDT", 36, 2);
    table.append_slice(&aml_bytes(&Name::new("_S5_".into(), &s5)));
    table.append_slice(&Scope::raw("_SB_".into(), devices));
    table.as_slice().to_vec()
}

//! ACPI tables: processors, interrupt controller, fixed hardware, and the namespace with host bridges and the console.

pub mod dsdt;
#[cfg(test)]
mod tests;

use acpi_tables::rsdp::Rsdp;
use acpi_tables::sdt::{GenericAddress, Sdt};
use acpi_tables::xsdt::XSDT;
use acpi_tables::{Aml, facs::FACS};

use super::efi::ConfigurationTables;
use crate::devices::pm;
use crate::map;

/// Who made the tables.
pub const OEM_ID: &[u8; 6] = b"KITTSN";
/// Which machine they describe.
pub const OEM_TABLE_ID: &[u8; 8] = b"ITANIUMV";
const OEM_REVISION: u32 = 1;

fn sdt(signature: &[u8; 4], length: u32, revision: u8) -> Sdt {
    Sdt::new(*signature, length, revision, *OEM_ID, *OEM_TABLE_ID, OEM_REVISION)
}

fn aml_bytes(object: &dyn Aml) -> Vec<u8> {
    let mut bytes = Vec::new();
    object.to_aml_bytes(&mut bytes);
    bytes
}

/// The multiple APIC description table: local SAPICs and the IOSAPIC. ACPI 2.0, 5.2.10.4.
pub fn madt(processors: usize) -> Vec<u8> {
    let mut table = sdt(b"APIC", 44, 2);
    table.write_u32(36, map::INTERRUPT_BLOCK as u32);
    // Flags 0: no 8259 beside the IOSAPIC.
    let mut iosapic = [0; 16];
    iosapic[0..2].copy_from_slice(&[6, 16]);
    iosapic[8..16].copy_from_slice(&map::IOSAPIC.to_le_bytes());
    table.append_slice(&iosapic);
    for number in 0..processors as u8 {
        // Type, length, ACPI processor id, id, eid, reserved, enabled, unique id as number and (empty) string.
        let mut lsapic = [0; 20];
        lsapic[0..4].copy_from_slice(&[7, 20, number, number]);
        lsapic[8] = 1;
        lsapic[12] = number;
        lsapic[16] = b'0' + number / 10;
        lsapic[17] = b'0' + number % 10;
        table.append_slice(&lsapic);
    }
    table.as_slice().to_vec()
}

/// The fixed description table, revision 3: Linux/ia64 registers the SCI for no other. ACPI 2.0, 5.2.8.
pub fn fadt(facs: u64, dsdt: u64) -> Vec<u8> {
    const WBINVD: u32 = 1 << 0;
    const NO_SLEEP_BUTTON: u32 = 1 << 5;
    const TIMER_32_BITS: u32 = 1 << 8;
    let port = |offset: u64| map::PM_PORTS + offset as u16;
    let mut table = sdt(b"FACP", 244, 3);
    table.write_u32(36, facs as u32);
    table.write_u32(40, dsdt as u32);
    table.write_u8(45, 4); // preferred profile: enterprise server
    table.write_u16(46, map::SCI_GSI as u16);
    table.write_u32(56, port(pm::reg::EVENT) as u32);
    table.write_u32(64, port(pm::reg::CONTROL) as u32);
    table.write_u32(76, port(pm::reg::TIMER) as u32);
    table.write_bytes(88, &[4, 2, 0, 4]); // lengths: PM1 event, PM1 control, PM2 control, PM timer
    table.write_u16(96, 0xffff); // no C2
    table.write_u16(98, 0xffff); // no C3
    table.write_u32(112, WBINVD | NO_SLEEP_BUTTON | TIMER_32_BITS);
    table.write_u64(132, facs);
    table.write_u64(140, dsdt);
    table.write(148, GenericAddress::io_port_address::<u32>(port(pm::reg::EVENT)));
    table.write(172, GenericAddress::io_port_address::<u16>(port(pm::reg::CONTROL)));
    table.write(208, GenericAddress::io_port_address::<u32>(port(pm::reg::TIMER)));
    table.update_checksum();
    table.as_slice().to_vec()
}

/// Every table with its physical address.
pub fn tables(processors: usize) -> Vec<(&'static str, u64, Vec<u8>)> {
    let mut next = map::ACPI_TABLES;
    let mut place = |name, bytes: Vec<u8>| {
        let address = next;
        next = (next + bytes.len() as u64).next_multiple_of(64);
        (name, address, bytes)
    };
    let rsdp_room = place("RSDP", vec![0; Rsdp::len()]);
    let dsdt = place("DSDT", dsdt::table());
    let fadt = place("FACP", fadt(map::ACPI_NVS, dsdt.1));
    let madt = place("APIC", madt(processors));
    let mut xsdt = XSDT::new(*OEM_ID, *OEM_TABLE_ID, OEM_REVISION);
    for table in [&fadt, &madt] {
        xsdt.add_entry(table.1);
    }
    let xsdt = place("XSDT", aml_bytes(&xsdt));
    let rsdp = ("RSDP", rsdp_room.1, aml_bytes(&Rsdp::new(*OEM_ID, xsdt.1)));
    let facs = ("FACS", map::ACPI_NVS, aml_bytes(&FACS::new()));
    vec![rsdp, dsdt, fadt, madt, xsdt, facs]
}

/// Writes the tables into guest memory.
pub(super) fn install(memory: &ia64::Memory, processors: usize) -> ConfigurationTables {
    let tables = tables(processors);
    for (_, address, bytes) in &tables {
        memory.write(*address, bytes);
    }
    ConfigurationTables { rsdp: tables[0].1 }
}

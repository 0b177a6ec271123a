//! EFI as an operating system sees it once it runs: system table, memory map, runtime services. EFI specification 1.10.

pub mod memory_map;
mod runtime;
#[cfg(test)]
mod tests;
mod time;
pub mod variables;

use crc::{CRC_32_ISO_HDLC, Crc};

use super::call::{Reply, Service, service};
use super::{code, hcdp, sal};
use crate::map;

/// EFI status codes: 0, or an error with the top bit set.
mod status {
    const fn error(code: u64) -> i64 {
        (1 << 63 | code) as i64
    }
    pub(super) const SUCCESS: i64 = 0;
    pub(super) const INVALID_PARAMETER: i64 = error(2);
    pub(super) const UNSUPPORTED: i64 = error(3);
    pub(super) const BUFFER_TOO_SMALL: i64 = error(5);
    pub(super) const OUT_OF_RESOURCES: i64 = error(9);
    pub(super) const NOT_FOUND: i64 = error(14);
}

/// The runtime services in the order of their table.
#[rustfmt::skip]
pub(super) const SERVICES: &[Service] = &[
    service(0,  "GetTime",                   2, time::get_time),
    service(1,  "SetTime",                   1, time::set_time),
    service(2,  "GetWakeupTime",             3, |_, _, _| Ok(Reply::status(status::UNSUPPORTED))),
    service(3,  "SetWakeupTime",             2, |_, _, _| Ok(Reply::status(status::UNSUPPORTED))),
    service(4,  "SetVirtualAddressMap",      4, runtime::set_virtual_address_map),
    service(5,  "ConvertPointer",            2, |_, _, _| Ok(Reply::status(status::UNSUPPORTED))),
    service(6,  "GetVariable",               5, variables::get),
    service(7,  "GetNextVariableName",       3, variables::next_name),
    service(8,  "SetVariable",               5, variables::set),
    service(9,  "GetNextHighMonotonicCount", 1, runtime::next_high_monotonic_count),
    service(10, "ResetSystem",               4, runtime::reset_system),
];

/// Tables of other specifications that the EFI system table points to.
pub struct ConfigurationTables {
    /// Root of the ACPI tables.
    pub rsdp: u64,
}

type Guid = [u8; 16];

/// A GUID from its text form's parts.
const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> Guid {
    let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

const ACPI_2_0: Guid = guid(0x8868e871, 0xe4f1, 0x11d3, [0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81]);
const SAL_SYSTEM_TABLE: Guid =
    guid(0xeb9d2d32, 0x2d88, 0x11d3, [0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d]);
const HCDP: Guid = guid(0xf951938d, 0x620b, 0x42ef, [0x82, 0x79, 0xa8, 0x4b, 0x79, 0x61, 0x78, 0x98]);
/// Linux's own: entropy for its generator, so that it does not have to wait for a guest's rare interrupts.
const LINUX_RANDOM_SEED: Guid =
    guid(0x1ce1e5bc, 0x7ceb, 0x42f2, [0x81, 0xe5, 0x8a, 0xad, 0xf1, 0x80, 0xf5, 0x7b]);

const SYSTEM_TABLE: u64 = map::TABLES;
const RUNTIME_SERVICES: u64 = map::TABLES + 0x100;
/// A function descriptor (entry, gp) for each runtime service.
const DESCRIPTORS: u64 = map::TABLES + 0x200;
const VENDOR: u64 = map::TABLES + 0x400;
const CONFIGURATION: u64 = map::TABLES + 0x500;
const RANDOM_SEED: u64 = map::TABLES + 0x800;
const SAL_TABLE: u64 = map::TABLES + 0x1000;
const HCDP_TABLE: u64 = map::TABLES + 0x2000;
/// Global pointer of all firmware procedures; none uses it.
pub const GP: u64 = map::TABLES;

const REVISION_1_10: u32 = 1 << 16 | 10;
const FIRMWARE_VENDOR: &str = "Kittson";
const FIRMWARE_REVISION: u32 = 1;
const SEED_BYTES: usize = 32;

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A table that starts with EFI's common header: signature, revision, size, CRC.
fn with_header(signature: &[u8; 8], body: &[u8]) -> Vec<u8> {
    let mut table = signature.to_vec();
    table.extend(REVISION_1_10.to_le_bytes());
    table.extend((24 + body.len() as u32).to_le_bytes());
    table.extend([0; 8]);
    table.extend(body);
    let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&table);
    table[16..20].copy_from_slice(&crc.to_le_bytes());
    table
}

/// The function descriptors as they are before SetVirtualAddressMap.
fn descriptors() -> Vec<u8> {
    let pairs: Vec<u64> = (0..SERVICES.len() as u64).flat_map(|n| [code::efi_service(n), GP]).collect();
    words(&pairs)
}

/// Everything the EFI system table reaches, as `(physical address, bytes)`, without the random seed's contents.
pub fn tables(configuration: &ConfigurationTables) -> Vec<(u64, Vec<u8>)> {
    let entries = [
        (ACPI_2_0, configuration.rsdp),
        (SAL_SYSTEM_TABLE, SAL_TABLE),
        (HCDP, HCDP_TABLE),
        (LINUX_RANDOM_SEED, RANDOM_SEED),
    ];
    let services: Vec<u64> = (0..SERVICES.len() as u64).map(|n| DESCRIPTORS + 16 * n).collect();
    // Vendor, revision; console handles and protocols (none: boot services are over); services; tables.
    let system = words(&[
        VENDOR,
        FIRMWARE_REVISION as u64,
        0,
        0,
        0,
        0,
        0,
        0,
        RUNTIME_SERVICES,
        0,
        entries.len() as u64,
        CONFIGURATION,
    ]);
    let vendor: Vec<u8> = FIRMWARE_VENDOR.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let configuration =
        entries.iter().flat_map(|(guid, table)| [&guid[..], &table.to_le_bytes()].concat()).collect();
    let mut seed = (SEED_BYTES as u32).to_le_bytes().to_vec();
    seed.resize(4 + SEED_BYTES, 0);
    vec![
        (SYSTEM_TABLE, with_header(b"IBI SYST", &system)),
        (RUNTIME_SERVICES, with_header(b"RUNTSERV", &words(&services))),
        (DESCRIPTORS, descriptors()),
        (VENDOR, vendor),
        (CONFIGURATION, configuration),
        (RANDOM_SEED, seed),
        (SAL_TABLE, sal::table::bytes(GP)),
        (HCDP_TABLE, hcdp::bytes()),
    ]
}

/// Writes the tables into guest memory. Returns the system table's address.
pub(super) fn install(memory: &ia64::Memory, configuration: &ConfigurationTables) -> u64 {
    for (address, bytes) in tables(configuration) {
        memory.write(address, &bytes);
    }
    let mut seed = [0; SEED_BYTES];
    match getrandom::fill(&mut seed) {
        Ok(()) => _ = memory.write(RANDOM_SEED + 4, &seed),
        Err(error) => tracing::warn!(%error, "no entropy for the guest"),
    }
    SYSTEM_TABLE
}

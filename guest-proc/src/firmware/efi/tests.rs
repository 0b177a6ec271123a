use super::super::call::testing::Fake;
use super::super::call::{Caller, Unmapped};
use super::super::code::entry;
use super::super::testing::firmware;
use super::super::{Convention, Firmware};
use super::memory_map::{Kind, Region};
use super::*;
use crate::control::Outcome;

const NOT_FOUND: u64 = 0x8000_0000_0000_000e;

/// Calls service `n` and returns r8.
fn call(firmware: &Firmware, caller: &mut Fake, n: u64, arguments: &[u64]) -> u64 {
    caller.registers[32..32 + arguments.len()].copy_from_slice(arguments);
    match firmware.call(entry::EFI + n, caller).unwrap() {
        (Reply::Return(values), Convention::Stacked) => values[0],
        other => panic!("{other:?}"),
    }
}

fn word(firmware: &Firmware, address: u64) -> u64 {
    let mut bytes = [0; 8];
    assert!(firmware.ram.memory.read(address, &mut bytes));
    u64::from_le_bytes(bytes)
}

#[test]
fn system_table_leads_to_tables_and_services() {
    let firmware = firmware();
    let system = firmware.install();
    assert_eq!(word(&firmware, system), 0x5453_5953_2049_4249);
    let services = word(&firmware, system + 0x58);
    let get_time = word(&firmware, services + 0x18);
    assert_eq!(word(&firmware, get_time), code::efi_service(0), "a function descriptor");
    let reset_system = word(&firmware, services + 0x68);
    assert_eq!(word(&firmware, reset_system), code::efi_service(10));
    let (count, tables) = (word(&firmware, system + 0x68), word(&firmware, system + 0x70));
    assert_eq!(count, 4);
    let rsdp = word(&firmware, tables + 16);
    assert_eq!(&word(&firmware, rsdp).to_le_bytes(), b"RSD PTR ");
    let sal = word(&firmware, tables + 24 + 16);
    assert_eq!(&word(&firmware, sal).to_le_bytes()[..4], b"SST_");
}

#[test]
fn virtual_address_map_rewrites_the_function_descriptors_once() {
    let firmware = firmware();
    firmware.install();
    let mut map = memory_map::bytes(&memory_map::map(firmware.ram.ranges(), &[]));
    for descriptor in map.chunks_exact_mut(48) {
        let physical = u64::from_le_bytes(descriptor[8..16].try_into().unwrap());
        descriptor[16..24].copy_from_slice(&(physical | 0xe << 60).to_le_bytes());
    }
    let mut caller = Fake::new();
    let base = caller.base;
    caller.write(base, &map).unwrap();
    assert_eq!(call(&firmware, &mut caller, 4, &[map.len() as u64, 48, 1, base]), 0);
    assert_eq!(word(&firmware, DESCRIPTORS), code::efi_service(0) | 0xe << 60);
    assert_eq!(word(&firmware, DESCRIPTORS + 8), GP | 0xe << 60);
    assert_ne!(call(&firmware, &mut caller, 4, &[map.len() as u64, 48, 1, base]), 0);
}

#[test]
fn time_can_be_read_set_and_is_then_ahead() {
    let firmware = firmware();
    let mut caller = Fake::new();
    let base = caller.base;
    assert_eq!(call(&firmware, &mut caller, 0, &[base, 0]), 0);
    assert!(u16::from_le_bytes([caller.memory[0], caller.memory[1]]) >= 2024);
    caller.memory[..16].copy_from_slice(&[0x35, 8, 2, 28, 23, 59, 50, 0, 0, 0, 0, 0, 0xff, 7, 0, 0]);
    assert_eq!(call(&firmware, &mut caller, 1, &[base]), 0);
    assert_eq!(call(&firmware, &mut caller, 0, &[base, base + 16]), 0);
    assert_eq!(caller.memory[..5], [0x35, 8, 2, 28, 23]);
    assert_eq!(call(&firmware, &mut caller, 0, &[0, 0]), 0x8000_0000_0000_0002);
}

#[test]
fn variables_are_stored_listed_replaced_and_deleted() {
    let firmware = firmware();
    let mut caller = Fake::new();
    let base = caller.base;
    let (name, vendor, size, data, attributes) =
        (base, base + 0x100, base + 0x200, base + 0x300, base + 0x400);
    let put_name = |caller: &mut Fake, text: &str| {
        let bytes: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        caller.write(name, &bytes).unwrap();
    };
    put_name(&mut caller, "BootOrder");
    assert_eq!(call(&firmware, &mut caller, 6, &[name, vendor, attributes, size, data]), NOT_FOUND);
    caller.write(data, &[1, 2, 3, 4]).unwrap();
    assert_eq!(call(&firmware, &mut caller, 8, &[name, vendor, 7, 4, data]), 0);

    caller.write(size, &2u64.to_le_bytes()).unwrap();
    assert_eq!(
        call(&firmware, &mut caller, 6, &[name, vendor, attributes, size, data]),
        0x8000_0000_0000_0005
    );
    assert_eq!(read_back(&mut caller, size), 4, "the size it needs");
    caller.write(data, &[0; 4]).unwrap();
    assert_eq!(call(&firmware, &mut caller, 6, &[name, vendor, attributes, size, data]), 0);
    assert_eq!((read_back(&mut caller, data), read_back(&mut caller, attributes)), (0x0403_0201, 7));

    put_name(&mut caller, "");
    caller.write(size, &0x100u64.to_le_bytes()).unwrap();
    assert_eq!(call(&firmware, &mut caller, 7, &[size, name, vendor]), 0);
    assert_eq!(read_back(&mut caller, size), 20);
    assert_eq!(read_back(&mut caller, name), u64::from_le_bytes(*b"B\0o\0o\0t\0"));
    assert_eq!(call(&firmware, &mut caller, 7, &[size, name, vendor]), NOT_FOUND, "the list ends");

    assert_eq!(call(&firmware, &mut caller, 8, &[name, vendor, 7, 0, data]), 0);
    assert_eq!(call(&firmware, &mut caller, 8, &[name, vendor, 7, 0, data]), NOT_FOUND);
    assert_eq!(call(&firmware, &mut caller, 8, &[name, vendor, 7, u64::MAX, data]), 0x8000_0000_0000_0009);
}

fn read_back(caller: &mut Fake, address: u64) -> u64 {
    super::super::call::read_u64(caller, address).unwrap()
}

#[test]
fn a_pointer_that_is_not_mapped_is_retried_without_effect() {
    let firmware = firmware();
    let mut caller = Fake::new();
    caller.registers[32] = 0x4000;
    assert_eq!(firmware.call(entry::EFI, &mut caller).err(), Some(Unmapped { address: 0x4000, write: true }));
    assert_eq!(
        firmware.call(entry::EFI + 9, &mut caller).err(),
        Some(Unmapped { address: 0x4000, write: true })
    );
    assert_eq!(firmware.state().high_monotonic_count, 0);
}

#[test]
fn reset_system_ends_the_machine() {
    for (kind, outcome) in [(0, Outcome::Reset), (1, Outcome::Reset), (2, Outcome::PowerOff)] {
        let firmware = firmware();
        let mut caller = Fake::new();
        caller.registers[32] = kind;
        assert_eq!(firmware.call(entry::EFI + 10, &mut caller).unwrap().0, Reply::Leave);
        assert_eq!(firmware.control.outcome(), Some(outcome));
    }
}

/// Everything a guest of 4 GiB and two processors reads of the firmware, byte for byte, in `testdata/`: a change must be
/// meant. `KITTSON_BLESS=1` rewrites the files.
#[test]
fn tables_are_those_of_the_golden_files() {
    let loaded = [
        Region::around(Kind::LoaderData, 0x400_0000, 0x238_b510),
        Region::around(Kind::LoaderData, 0xbfc0_0000, 0x38_9686),
    ];
    let ranges =
        [(map::FIRMWARE_BASE, map::LOW_RAM_END - map::FIRMWARE_BASE), (map::HIGH_RAM_BASE, 0x4100_0000)];
    let regions = memory_map::map(&ranges, &loaded);
    crate::golden::check("efi-memory-map.hex", &[(0, memory_map::bytes(&regions))]);
    crate::golden::check("efi-tables.hex", &tables(&ConfigurationTables { rsdp: map::ACPI_TABLES }));
}

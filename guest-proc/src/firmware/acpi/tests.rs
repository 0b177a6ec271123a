use super::*;

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn checksums_are_zero_and_lengths_right() {
    for (name, address, bytes) in tables(16) {
        match name {
            "RSDP" => assert_eq!(bytes.iter().fold(0u8, |sum, b| sum.wrapping_add(*b)), 0),
            "FACS" => assert_eq!((word(&bytes, 4), address % 64), (64, 0)),
            _ => {
                assert_eq!(bytes.iter().fold(0u8, |sum, b| sum.wrapping_add(*b)), 0, "{name}");
                assert_eq!(word(&bytes, 4) as usize, bytes.len(), "{name}");
            }
        }
        let end = address + bytes.len() as u64;
        assert!(end <= map::ACPI_TABLES_END || name == "FACS", "{name} does not fit");
    }
}

#[test]
fn madt_lists_every_processor_and_the_iosapic_without_8259() {
    let table = madt(2);
    assert_eq!((word(&table, 36), word(&table, 40)), (0xfee0_0000, 0));
    assert_eq!(table[44..48], [6, 16, 0, 0]);
    assert_eq!(table[52..60], 0xfec0_0000u64.to_le_bytes());
    assert_eq!(table[80..88], [7, 20, 1, 1, 0, 0, 0, 0]);
    assert_eq!((table[88], word(&table, 92), table.len()), (1, 1, 100));
}

#[test]
fn fadt_is_what_linux_ia64_registers_the_sci_for() {
    let table = fadt(0x1000, 0x2000);
    assert_eq!((table[8], table.len()), (3, 244));
    assert_eq!(u16::from_le_bytes([table[46], table[47]]), 9);
    assert_eq!(word(&table, 112) & (1 << 20 | 1 << 4), 0, "full hardware, fixed power button");
    assert_eq!((word(&table, 56), table[88], word(&table, 64), table[89]), (0x500, 4, 0x504, 2));
    assert_eq!(word(&table, 48), 0, "always in ACPI mode");
}

/// See the EFI tables' test of the same name.
#[test]
fn tables_are_those_of_the_golden_files() {
    for (name, address, bytes) in tables(2) {
        crate::golden::check(&format!("acpi-{}.hex", name.to_lowercase()), &[(address, bytes)]);
    }
}

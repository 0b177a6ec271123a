//! The headless console and debug port table (HCDP, "PCDP" from revision 3): where the console UART is.
//! DIG64 HCDP specification 2.0.

use crate::map;

/// Clock of the UART in hertz: divisor 1 is 115200 baud.
const UART_CLOCK: u32 = 1_843_200;
const BAUD: u64 = 115_200;
const PRIMARY_CONSOLE: u8 = 1 << 2;

/// The table's bytes.
pub fn bytes() -> Vec<u8> {
    let mut uart = [0; 48];
    uart[1] = 8; // data bits
    uart[2] = 1; // no parity
    uart[3] = 1; // stop bits
    uart[8..16].copy_from_slice(&BAUD.to_le_bytes());
    uart[16..20].copy_from_slice(&[0, 8, 0, 1]); // system memory, 8 bits wide, byte access
    uart[20..28].copy_from_slice(&map::UART.to_le_bytes());
    uart[28..32].copy_from_slice(&[0xff; 4]); // not a PCI device
    uart[32..36].copy_from_slice(&map::UART_GSI.to_le_bytes());
    uart[36..40].copy_from_slice(&UART_CLOCK.to_le_bytes());
    uart[41] = PRIMARY_CONSOLE;

    let mut table = vec![0; 40];
    table[0..4].copy_from_slice(b"HCDP");
    table[8] = 3;
    table[10..16].copy_from_slice(super::acpi::OEM_ID);
    table[16..24].copy_from_slice(super::acpi::OEM_TABLE_ID);
    table[24..28].copy_from_slice(&1u32.to_le_bytes());
    table[36..40].copy_from_slice(&1u32.to_le_bytes());
    table.extend(uart);
    let length = table.len() as u32;
    table[4..8].copy_from_slice(&length.to_le_bytes());
    table[9] = super::checksum(&table);
    table
}

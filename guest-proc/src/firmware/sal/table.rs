//! The SAL system table. SAL specification, 3.2.

use super::super::code;

/// Vector of the interrupt that wakes a processor out of the rendezvous: one no OS uses.
pub const WAKE_UP_VECTOR: u8 = 0xff;
/// SAL 3.20.
const REVISION: [u8; 2] = [0x20, 0x03];

/// The table's bytes; the global pointer given to SAL is `gp`.
pub fn bytes(gp: u64) -> Vec<u8> {
    let mut entry_point = vec![0; 48];
    entry_point[8..16].copy_from_slice(&code::PAL_PROC.to_le_bytes());
    entry_point[16..24].copy_from_slice(&code::SAL_PROC.to_le_bytes());
    entry_point[24..32].copy_from_slice(&gp.to_le_bytes());

    // No platform feature bit: in particular no ITC drift, and no redirection of interrupts.
    let mut features = vec![0; 16];
    features[0] = 2;

    let mut wake_up = vec![0; 16];
    wake_up[0] = 5;
    wake_up[8..16].copy_from_slice(&(WAKE_UP_VECTOR as u64).to_le_bytes());

    let entries = [entry_point, features, wake_up];
    let mut table = vec![0; 96];
    table[0..4].copy_from_slice(b"SST_");
    table[8..10].copy_from_slice(&REVISION);
    table[10..12].copy_from_slice(&(entries.len() as u16).to_le_bytes());
    table[20..22].copy_from_slice(&[0, 1]);
    table[22..24].copy_from_slice(&[0, 1]);
    table[24..24 + 7].copy_from_slice(b"Kittson");
    table[56..56 + 15].copy_from_slice(b"Virtual Machine");
    table.extend(entries.concat());
    let size = table.len() as u32;
    table[4..8].copy_from_slice(&size.to_le_bytes());
    table[12] = super::super::checksum(&table);
    table
}

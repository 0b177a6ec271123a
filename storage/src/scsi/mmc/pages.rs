//! What a drive says about itself: INQUIRY data, vital product data and mode pages.

use uuid::Uuid;

use super::super::mode::Page;
use super::super::{VENDOR, vpd};

/// PRODUCT REVISION LEVEL.
const REVISION: &[u8; 4] = b"0001";

/// Standard INQUIRY data (SPC-4 table 136) of a product, whose name has 16 characters.
pub(super) fn standard_inquiry(product: &str) -> Vec<u8> {
    /// SAM-5, SPC-4 and MMC-6, no version claimed (SPC-4 table 143).
    const VERSIONS: [u16; 3] = [0x00a0, 0x0460, 0x04e0];
    let mut data = vec![0; 96];
    data[0] = 0x05; // Connected, CD/DVD device.
    data[1] = 0x80; // Removable medium.
    data[2] = 0x06; // SPC-4.
    data[3] = 0x12; // HISUP, response data format 2.
    data[4] = (data.len() - 5) as u8;
    data[7] = 0x02; // CMDQUE.
    data[8..16].copy_from_slice(VENDOR.as_bytes());
    data[16..32].copy_from_slice(product.as_bytes());
    data[32..36].copy_from_slice(REVISION);
    for (place, version) in data[58..].chunks_exact_mut(2).zip(VERSIONS) {
        place.copy_from_slice(&version.to_be_bytes());
    }
    data
}

/// Vital product data pages, without the list of them.
pub(super) fn vpd(id: Uuid) -> Vec<(u8, Vec<u8>)> {
    vec![(vpd::SERIAL_NUMBER, vpd::serial_number(id)), (vpd::IDENTIFICATION, vpd::identification(id))]
}

/// The mode pages: read error recovery, time-out and protect, capabilities and mechanical status.
pub(super) fn mode(locked: bool) -> Vec<Page> {
    vec![
        Page::fixed(0x01, &[0; 10]),
        Page::fixed(0x1d, &[0; 8]),
        Page {
            default: capabilities(false),
            current: capabilities(locked),
            ..Page::fixed(0x2a, &capabilities(false))
        },
    ]
}

/// CD/DVD capabilities (MMC-3 clause 5.5.10), from byte 2 on: reads DVD-ROM; a tray that ejects and locks.
fn capabilities(locked: bool) -> Vec<u8> {
    const READS_DVD_ROM: u8 = 0x08;
    const TRAY: u8 = 0x20;
    const EJECTS: u8 = 0x08;
    const LOCKED: u8 = 0x02;
    const LOCKS: u8 = 0x01;
    /// KB a second: that of a DVD drive of speed 16.
    const SPEED: u16 = 22_160;
    const BUFFER_KB: u16 = 512;
    let mut page = vec![0; 20];
    page[0] = READS_DVD_ROM;
    page[4] = TRAY | EJECTS | LOCKS | if locked { LOCKED } else { 0 };
    page[6..8].copy_from_slice(&SPEED.to_be_bytes());
    page[10..12].copy_from_slice(&BUFFER_KB.to_be_bytes());
    page[12..14].copy_from_slice(&SPEED.to_be_bytes());
    page
}

//! What a drive says about itself: INQUIRY data, vital product data and mode pages.

use uuid::Uuid;

use super::super::mode::Page;
use super::super::spc::{self, Identity};
use super::super::{VENDOR, vpd};

/// PRODUCT REVISION LEVEL.
const REVISION: &str = "0001";

/// Standard INQUIRY data of a product, whose name has at most 16 characters.
pub(super) fn standard_inquiry(product: &str) -> Vec<u8> {
    spc::standard_inquiry(&Identity {
        peripheral: 0x05,
        is_removable: true,
        vendor: VENDOR,
        product,
        revision: REVISION,
        standard: 0x04e0, // MMC-6.
    })
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

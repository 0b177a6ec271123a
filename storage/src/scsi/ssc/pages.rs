//! What a drive says about itself: INQUIRY data and vital product data.

use uuid::Uuid;

use super::{VENDOR, vpd};

/// PRODUCT IDENTIFICATION, padded.
pub(super) const PRODUCT: &str = "Virtual Tape    ";
/// PRODUCT REVISION LEVEL.
pub(super) const REVISION: &str = "0001";

/// Standard INQUIRY data (SPC-4 table 136).
pub(super) fn standard_inquiry() -> Vec<u8> {
    /// SAM-5, SPC-4 and SSC-3, no version claimed (SPC-4 table 143).
    const VERSIONS: [u16; 3] = [0x00a0, 0x0460, 0x0400];
    let mut data = vec![0; 96];
    data[0] = 0x01; // Connected, sequential-access device.
    data[1] = 0x80; // Removable medium.
    data[2] = 0x06; // SPC-4.
    data[3] = 0x12; // HISUP, response data format 2.
    data[4] = (data.len() - 5) as u8;
    data[7] = 0x02; // CMDQUE.
    data[8..16].copy_from_slice(VENDOR.as_bytes());
    data[16..32].copy_from_slice(PRODUCT.as_bytes());
    data[32..36].copy_from_slice(REVISION.as_bytes());
    for (place, version) in data[58..].chunks_exact_mut(2).zip(VERSIONS) {
        place.copy_from_slice(&version.to_be_bytes());
    }
    data
}

/// Vital product data pages, without the list of them.
pub(super) fn vpd(id: Uuid) -> Vec<(u8, Vec<u8>)> {
    vec![
        (vpd::SERIAL_NUMBER, vpd::serial_number(id)),
        (vpd::IDENTIFICATION, vpd::identification(id)),
        // Sequential-access Device Capabilities: no WORM (SSC-3 clause 8.4.2).
        (0xb0, vec![0, 0]),
        // Manufacturer-assigned Serial Number (8.4.3).
        (0xb1, vpd::serial_number(id)),
    ]
}

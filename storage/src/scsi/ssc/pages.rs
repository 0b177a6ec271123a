//! What a drive says about itself: INQUIRY data and vital product data.

use uuid::Uuid;

use super::super::spc::{self, Identity};
use super::{VENDOR, vpd};

/// PRODUCT IDENTIFICATION, padded.
pub(super) const PRODUCT: &str = "Virtual Tape    ";
/// PRODUCT REVISION LEVEL.
pub(super) const REVISION: &str = "0001";

/// Standard INQUIRY data.
pub(super) fn standard_inquiry() -> Vec<u8> {
    spc::standard_inquiry(&Identity {
        peripheral: 0x01,
        is_removable: true,
        vendor: VENDOR,
        product: PRODUCT,
        revision: REVISION,
        standard: 0x0400, // SSC-3.
    })
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

//! What a changer says about itself: INQUIRY data, vital product data, mode and log pages.

use uuid::Uuid;

use super::super::mode::Page;
use super::super::spc::{self, Identity};
use super::super::vpd;
use super::elements::{FIRST_DRIVE, FIRST_PORT, FIRST_SLOT, TRANSPORT};

/// PRODUCT REVISION LEVEL.
pub(super) const REVISION: &str = "0001";

/// Standard INQUIRY data.
pub(super) fn standard_inquiry(vendor: &str, product: &str) -> Vec<u8> {
    /// BARC, of the vendor's: it reads volume tags.
    const READS_BAR_CODES: u8 = 0x01;
    let mut data = spc::standard_inquiry(&Identity {
        peripheral: 0x08,
        is_removable: true,
        vendor,
        product,
        revision: REVISION,
        standard: 0x0480, // SMC-3.
    });
    data[55] = READS_BAR_CODES;
    data
}

/// Vital product data pages, without the list of them.
pub(super) fn vpd(vendor: &str, serial: Uuid) -> Vec<(u8, Vec<u8>)> {
    vec![
        (vpd::SERIAL_NUMBER, vpd::serial_number(serial)),
        (vpd::IDENTIFICATION, vpd::identification_by(&format!("{vendor:<8}"), serial)),
    ]
}

/// The mode pages (SMC-3 clause 7.3) of a library with so many slots, import/export elements and drives: element
/// address assignment, transport geometry parameters, device capabilities.
pub(super) fn mode((slots, ports, drives): (u16, u16, u16)) -> Vec<Page> {
    let addresses = [TRANSPORT, 1, FIRST_SLOT, slots, FIRST_PORT, ports, FIRST_DRIVE, drives, 0];
    let addresses: Vec<u8> = addresses.into_iter().flat_map(u16::to_be_bytes).collect();
    vec![
        Page::fixed(0x1d, &addresses),
        // One transport, which does not turn cartridges over.
        Page::fixed(0x1e, &[0, 0]),
        Page::fixed(0x1f, &capabilities()),
    ]
}

/// From byte 2 on. Everything but the transport holds cartridges, and each can go from each of these to each.
fn capabilities() -> [u8; 18] {
    /// DT, I/E and ST; without MT.
    const ALL: u8 = 0x0e;
    let mut page = [0; 18];
    page[0] = ALL;
    // MOVE MEDIUM from ST, I/E, DT; EXCHANGE MEDIUM of the same.
    page[3..6].fill(ALL);
    page[11..14].fill(ALL);
    page
}

/// Supported Log Pages.
const SUPPORTED: u8 = 0x00;
/// TapeAlert.
const TAPE_ALERT: u8 = 0x2e;

/// A log page (SPC-4 clause 7.3, SMC-3 clause 7.2) from a parameter on; `None` when there is no such page.
pub(super) fn log(page: u8, first_parameter: u16) -> Option<Vec<u8>> {
    /// Flags of a changer; none is ever raised.
    const FLAGS: u16 = 32;
    /// FORMAT AND LINKING: a binary list.
    const BINARY_LIST: u8 = 0x03;
    let content: Vec<u8> = match page {
        SUPPORTED => vec![SUPPORTED, TAPE_ALERT],
        TAPE_ALERT => (first_parameter.max(1)..=FLAGS)
            .flat_map(|flag| {
                let [high, low] = flag.to_be_bytes();
                [high, low, BINARY_LIST, 1, 0]
            })
            .collect(),
        _ => return None,
    };
    let [high, low] = (content.len() as u16).to_be_bytes();
    Some([&[page, 0, high, low], &content[..]].concat())
}

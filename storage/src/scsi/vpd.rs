//! Vital product data: the header all pages share, and the pages that say who a unit is (SPC-4 clause 7.8).

use uuid::Uuid;

use super::VENDOR;

/// Supported VPD Pages.
pub(super) const SUPPORTED_PAGES: u8 = 0x00;
/// Unit Serial Number.
pub(super) const SERIAL_NUMBER: u8 = 0x80;
/// Device Identification.
pub(super) const IDENTIFICATION: u8 = 0x83;

/// A whole page: header and content.
pub(super) fn page(peripheral: u8, code: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    [&[peripheral, code, high, low], content].concat()
}

/// Serial number: the unit's UUID as 32 hexadecimal digits.
pub(super) fn serial_number(unit: Uuid) -> Vec<u8> {
    unit.simple().to_string().into_bytes()
}

/// A name of the NAA's locally assigned kind, made from a UUID.
pub(crate) fn local_name(id: Uuid) -> [u8; 8] {
    const LOCALLY_ASSIGNED: u64 = 0x3;
    let (high, low) = id.as_u64_pair();
    // 60 bits are left to us; both halves take part, for the version nibble is the same in all UUIDs.
    (LOCALLY_ASSIGNED << 60 | (high ^ low.rotate_left(32)) & (u64::MAX >> 4)).to_be_bytes()
}

/// Designators of the unit: a locally assigned NAA name, and one by T10 vendor identification.
pub(super) fn identification(unit: Uuid) -> Vec<u8> {
    identification_by(VENDOR, unit)
}

/// The same for a unit of another vendor, whose name has 8 characters.
pub(super) fn identification_by(vendor: &str, unit: Uuid) -> Vec<u8> {
    const BINARY: u8 = 0x1;
    const NAA: u8 = 0x3;
    [designator(BINARY, NAA, &local_name(unit)), vendor_designator(vendor, unit)].concat()
}

/// Designator by T10 vendor identification.
pub(super) fn vendor_designator(vendor: &str, unit: Uuid) -> Vec<u8> {
    const ASCII: u8 = 0x2;
    const T10_VENDOR: u8 = 0x1;
    designator(ASCII, T10_VENDOR, &[vendor.as_bytes(), &serial_number(unit)].concat())
}

fn designator(code_set: u8, kind: u8, value: &[u8]) -> Vec<u8> {
    [&[code_set, kind, 0, value.len() as u8], value].concat()
}

//! What a disk says about itself: INQUIRY data, vital product data and mode pages.

use uuid::Uuid;

use super::super::mode::Page;
use super::super::spc::{self, Identity};
use super::super::{VENDOR, vpd};
use super::blocks::MAX_WRITE_SAME;
use super::compare::MAX_COMPARE;
use super::unmap::MAX_DESCRIPTORS;
use super::{BLOCK, Product};

/// PRODUCT REVISION LEVEL.
const REVISION: &str = "0001";
/// Blocks of the host's page, the natural unit of the stores.
const GRANULARITY: u16 = (4096 / BLOCK) as u16;

/// Caching mode page code.
const CACHING: u8 = 0x08;
/// WCE in byte 2 of the caching page, which is byte 0 of our content.
const WRITE_CACHE_ENABLE: u8 = 0x04;

/// Standard INQUIRY data.
pub(super) fn standard_inquiry(product: Product) -> Vec<u8> {
    spc::standard_inquiry(&Identity {
        peripheral: 0x00,
        is_removable: false,
        vendor: VENDOR,
        product: product.identification(),
        revision: REVISION,
        standard: 0x04c0, // SBC-3.
    })
}

/// Vital product data pages, without the list of them.
pub(super) fn vpd(id: Uuid, can_unmap: bool) -> Vec<(u8, Vec<u8>)> {
    vec![
        (vpd::SERIAL_NUMBER, vpd::serial_number(id)),
        (vpd::IDENTIFICATION, vpd::identification(id)),
        (0xb0, block_limits(can_unmap)),
        (0xb1, characteristics()),
        (0xb2, provisioning(can_unmap)),
    ]
}

/// Block Limits (SBC-3 clause 6.6.4), from byte 4 of the page on.
fn block_limits(can_unmap: bool) -> Vec<u8> {
    /// WSNZ: WRITE SAME of zero blocks is refused.
    const WRITE_SAME_NON_ZERO: u8 = 0x01;
    /// UGAVALID: the alignment, zero, is meant.
    const ALIGNMENT_VALID: u32 = 1 << 31;
    let mut page = vec![0; 60];
    let mut put = |page_byte: usize, value: &[u8]| {
        page[page_byte - 4..][..value.len()].copy_from_slice(value);
    };
    put(4, &[WRITE_SAME_NON_ZERO, MAX_COMPARE]);
    put(6, &GRANULARITY.to_be_bytes());
    if can_unmap {
        put(20, &u32::MAX.to_be_bytes()); // Any number of blocks …
        put(24, &MAX_DESCRIPTORS.to_be_bytes()); // … in so many descriptors.
        put(28, &u32::from(GRANULARITY).to_be_bytes());
        put(32, &ALIGNMENT_VALID.to_be_bytes());
    }
    put(36, &MAX_WRITE_SAME.to_be_bytes());
    page
}

/// Block Device Characteristics (SBC-3 clause 6.6.2): a medium that does not rotate.
fn characteristics() -> Vec<u8> {
    let mut page = vec![0; 60];
    page[..2].copy_from_slice(&1u16.to_be_bytes());
    page
}

/// Logical Block Provisioning (SBC-3 clause 6.6.7).
fn provisioning(can_unmap: bool) -> Vec<u8> {
    /// LBPU, LBPWS, LBPWS10: UNMAP and both WRITE SAME unmap; LBPRZ: to zeros.
    const UNMAPS: u8 = 0x80 | 0x40 | 0x20 | 0x04;
    const THIN: u8 = 0x02;
    if can_unmap { vec![0, UNMAPS, THIN, 0] } else { vec![0; 4] }
}

/// DEVICE-SPECIFIC PARAMETER (SBC-3 clause 6.4.1).
pub(super) fn device_specific(write_protected: bool) -> u8 {
    const WP: u8 = 0x80;
    const DPOFUA: u8 = 0x10;
    DPOFUA | if write_protected { WP } else { 0 }
}

/// The mode pages: error recovery, caching, control, informational exceptions.
pub(super) fn mode(write_cache: bool) -> Vec<Page> {
    let caching = |write_cache| {
        let mut content = vec![0; 18];
        content[0] = if write_cache { WRITE_CACHE_ENABLE } else { 0 };
        content
    };
    let mut changeable = vec![0; 18];
    changeable[0] = WRITE_CACHE_ENABLE;
    vec![
        // AWRE: the host reallocates what it must by itself.
        Page::fixed(0x01, &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        Page { code: CACHING, current: caching(write_cache), default: caching(true), changeable },
        // QUEUE ALGORITHM MODIFIER 1: commands may be reordered; fixed format sense.
        Page::fixed(0x0a, &[0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0]),
        // DEXCPT: no failure prediction.
        Page::fixed(0x1c, &[0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ]
}

/// The write cache setting in a selected page, if that is the caching page.
pub(super) fn selected_write_cache(page: &Page) -> Option<bool> {
    (page.code == CACHING).then(|| page.current.first().is_some_and(|byte| byte & WRITE_CACHE_ENABLE != 0))
}

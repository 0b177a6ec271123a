//! PAL procedures about virtual memory.

use super::super::Firmware;
use super::super::call::{Caller, Reply, Unmapped};
use super::INVALID_ARGUMENT;

/// Page sizes, bit n for 2^n: 4K 8K 16K 64K 256K 1M 4M 16M 64M 256M 1G 4G.
pub(super) const PAGE_SIZES: u64 = 0x1_5555_7000;
/// Memory attributes, bit n for encoding n: WB, UC, UCE, WC, NaTPage.
pub(super) const MEMORY_ATTRIBUTES: u64 = 0xf1;

const KEY_BITS: u64 = 24;
const KEYS: u64 = 16;
const TRANSLATION_REGISTERS: u64 = 32;
const RID_BITS: u64 = 24;
/// Highest implemented bit of a virtual address below the region bits.
const IMPL_VA_MSB: u64 = 60;
/// Any number of global purges may be under way at once.
const UNLIMITED_PURGES: u64 = 0xffff;
const TC_LEVELS: u64 = 2;
const UNIQUE_TCS: u64 = 4;

pub(super) fn summary(_: &Firmware, _: &mut dyn Caller, _: &[u64; 8]) -> Result<Reply, Unmapped> {
    let r9 = 1
        | (ia64::memory::PHYS_BITS as u64) << 1
        | KEY_BITS << 8
        | (KEYS - 1) << 16
        | 8 << 24
        | (TRANSLATION_REGISTERS - 1) << 32
        | (TRANSLATION_REGISTERS - 1) << 40
        | UNIQUE_TCS << 48
        | TC_LEVELS << 56;
    Ok(Reply::values(r9, IMPL_VA_MSB | RID_BITS << 8 | UNLIMITED_PURGES << 16, 0))
}

/// One purge reaches everything: base 0, one iteration of each loop, strides 0.
pub(super) fn ptce_info(_: &Firmware, _: &mut dyn Caller, _: &[u64; 8]) -> Result<Reply, Unmapped> {
    Ok(Reply::values(0, 1 << 32 | 1, 0))
}

/// Translation caches by level (0, 1) and type (1 instruction, 2 data): fully associative, 32 and 128 entries.
pub(super) fn info(_: &Firmware, _: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    let entries: u64 = match (arguments[0], arguments[1]) {
        (0, 1 | 2) => 32,
        (1, 1 | 2) => 128,
        _ => return Ok(Reply::status(INVALID_ARGUMENT)),
    };
    let tc_info = 1 | entries << 8 | entries << 16;
    Ok(Reply::values(tc_info, PAGE_SIZES, 0))
}

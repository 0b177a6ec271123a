//! PAL procedures about caches. There are none here; the shapes are those of a 9000-series core.

use super::super::Firmware;
use super::super::call::{Caller, Reply, Unmapped};
use super::INVALID_ARGUMENT;

struct Shape {
    unified: bool,
    size: u64,
    ways: u64,
    line_shift: u64,
    /// Cycles of a load and of a store; 0xff where the cache takes none.
    latencies: (u64, u64),
}

const LEVELS: u64 = 3;
const UNIQUE: u64 = 5;
const NO_STORES: u64 = 0xff;

/// Caches by `(level, type)`: type 1 is instruction, 2 data or unified.
fn shape(level: u64, kind: u64) -> Option<Shape> {
    let cache =
        |unified, size, ways, line_shift, latencies| Shape { unified, size, ways, line_shift, latencies };
    Some(match (level, kind) {
        (0, 1) => cache(false, 16 << 10, 4, 6, (1, NO_STORES)),
        (0, 2) => cache(false, 16 << 10, 4, 6, (1, 3)),
        (1, 1) => cache(false, 1 << 20, 8, 7, (7, NO_STORES)),
        (1, 2) => cache(false, 256 << 10, 8, 7, (5, 7)),
        (2, 2) => cache(true, 12 << 20, 12, 7, (14, 7)),
        _ => return None,
    })
}

pub(super) fn summary(_: &Firmware, _: &mut dyn Caller, _: &[u64; 8]) -> Result<Reply, Unmapped> {
    Ok(Reply::values(LEVELS, UNIQUE, 0))
}

pub(super) fn info(_: &Firmware, _: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    let Some(cache) = shape(arguments[0], arguments[1]) else { return Ok(Reply::status(INVALID_ARGUMENT)) };
    let write_back = if cache.unified || arguments[1] == 2 && arguments[0] > 0 { 1 << 1 } else { 0 };
    let (load, store) = cache.latencies;
    let r9 = cache.unified as u64
        | write_back
        | cache.ways << 8
        | cache.line_shift << 16
        // The stride of a flush is the line: whoever flushes by it reaches every byte.
        | cache.line_shift << 24
        | store << 32
        | load << 40
        | 0x03 << 48
        | 0x03 << 56;
    let sets = (cache.size / cache.ways) >> cache.line_shift;
    let tag_low = cache.line_shift + sets.ilog2() as u64;
    let r10 = cache.size | 12 << 32 | tag_low << 40 | 49 << 48;
    Ok(Reply::values(r9, r10, 0))
}

/// Nobody shares a cache: one logical processor, itself.
pub(super) fn shared_info(
    _: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    if shape(arguments[0], arguments[1]).is_none() || arguments[2] > 0 {
        return Ok(Reply::status(INVALID_ARGUMENT));
    }
    Ok(Reply::values(1, 0, caller.number() as u64))
}

/// Memory is always coherent, except with instructions already decoded: flushing makes all of them suspect.
pub(super) fn flush(
    firmware: &Firmware,
    _: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    if !(1..=4).contains(&arguments[0]) {
        return Ok(Reply::status(INVALID_ARGUMENT));
    }
    for &(base, len) in firmware.ram.ranges() {
        firmware.ram.memory.suspect_code(base, len);
    }
    Ok(Reply::status(0))
}

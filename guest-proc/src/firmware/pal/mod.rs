//! PAL, the processor abstraction layer: what the processor is and how it halts. SDM volume 2, chapter 11; values as a
//! 9000-series processor gives them.

mod cache;
mod vm;

use super::call::{Caller, Reply, Service, Unmapped, service};
use super::{Convention, Firmware};
use crate::clock::ITC_HZ;

/// Hertz of the platform's base clock; SAL_FREQ_BASE says the same.
pub const BASE_HZ: u64 = 200_000_000;
/// Core clock over base clock.
const PROCESSOR_RATIO: u64 = 8;
const ITC_RATIO: u64 = ITC_HZ / BASE_HZ;

/// Physical stacked registers.
const STACKED_REGISTERS: u64 = 96;

const INVALID_ARGUMENT: i64 = -2;
const UNIMPLEMENTED: i64 = -1;

const BRAND: &[u8] = b"Dual-Core Intel(R) Itanium(R) 2 Processor 9040\0";

#[rustfmt::skip]
const SERVICES: &[Service] = &[
    service(1,   "PAL_CACHE_FLUSH",         3, cache::flush),
    service(2,   "PAL_CACHE_INFO",          2, cache::info),
    service(3,   "PAL_CACHE_INIT",          3, |_, _, _| Ok(Reply::status(0))),
    service(4,   "PAL_CACHE_SUMMARY",       0, cache::summary),
    service(5,   "PAL_MEM_ATTRIB",          0, |_, _, _| Ok(Reply::values(vm::MEMORY_ATTRIBUTES, 0, 0))),
    service(6,   "PAL_PTCE_INFO",           0, vm::ptce_info),
    service(7,   "PAL_VM_INFO",             2, vm::info),
    service(8,   "PAL_VM_SUMMARY",          0, vm::summary),
    service(9,   "PAL_BUS_GET_FEATURES",    0, |_, _, _| Ok(Reply::values(0, 0, 0))),
    service(10,  "PAL_BUS_SET_FEATURES",    1, |_, _, _| Ok(Reply::status(0))),
    service(11,  "PAL_DEBUG_INFO",          0, |_, _, _| Ok(Reply::values(4, 4, 0))),
    service(12,  "PAL_FIXED_ADDR",          0, |_, caller, _| Ok(Reply::values(caller.number() as u64, 0, 0))),
    service(13,  "PAL_FREQ_BASE",           0, |_, _, _| Ok(Reply::values(BASE_HZ, 0, 0))),
    service(14,  "PAL_FREQ_RATIOS",         0, frequency_ratios),
    service(16,  "PAL_PLATFORM_ADDR",       2, |_, _, _| Ok(Reply::status(0))),
    service(17,  "PAL_PROC_GET_FEATURES",   2, get_features),
    service(18,  "PAL_PROC_SET_FEATURES",   2, set_features),
    service(19,  "PAL_RSE_INFO",            0, |_, _, _| Ok(Reply::values(STACKED_REGISTERS, 0, 0))),
    service(20,  "PAL_VERSION",             0, version),
    service(21,  "PAL_MC_CLEAR_LOG",        0, |_, _, _| Ok(Reply::status(0))),
    service(22,  "PAL_MC_DRAIN",            0, |_, _, _| Ok(Reply::status(0))),
    service(23,  "PAL_MC_EXPECTED",         1, |_, _, _| Ok(Reply::values(0, 0, 0))),
    service(25,  "PAL_MC_ERROR_INFO",       4, |_, _, _| Ok(Reply::status(-6))),
    service(27,  "PAL_MC_REGISTER_MEM",     1, register_min_state),
    service(28,  "PAL_HALT",                1, |_, _, _| Ok(Reply::Halt)),
    service(29,  "PAL_HALT_LIGHT",          0, |_, _, _| Ok(Reply::HaltLight)),
    service(32,  "PAL_PMI_ENTRYPOINT",      1, |_, _, _| Ok(Reply::status(0))),
    service(34,  "PAL_VM_PAGE_SIZE",        0, |_, _, _| Ok(Reply::values(vm::PAGE_SIZES, vm::PAGE_SIZES, 0))),
    service(37,  "PAL_MEM_FOR_TEST",        0, |_, _, _| Ok(Reply::values(0, 1, 0))),
    service(39,  "PAL_REGISTER_INFO",       1, register_info),
    service(41,  "PAL_PREFETCH_VISIBILITY", 1, |_, _, _| Ok(Reply::status(1))),
    service(42,  "PAL_LOGICAL_TO_PHYSICAL", 1, logical_to_physical),
    service(43,  "PAL_CACHE_SHARED_INFO",   3, cache::shared_info),
    service(257, "PAL_HALT_INFO",           1, halt_info),
    service(274, "PAL_BRAND_INFO",          2, brand_info),
];

/// PAL_PROC: the index in r28 decides the convention. SDM volume 2, 11.10.2.
pub(super) fn call(firmware: &Firmware, caller: &mut dyn Caller) -> Result<(Reply, Convention), Unmapped> {
    let index = caller.register(28);
    // 0-255 and 512-767 are static; 256-511 and 768-1023 stacked.
    let (convention, first) =
        if index & 0x100 == 0 { (Convention::Static, 29) } else { (Convention::Stacked, 33) };
    let mut arguments = [0; 8];
    for (i, argument) in arguments.iter_mut().take(3).enumerate() {
        *argument = caller.register(first + i as u8);
    }
    let row = SERVICES.iter().find(|service| service.index == index);
    Ok((firmware.run(row, "PAL", index, caller, &arguments)?, convention))
}

fn frequency_ratios(_: &Firmware, _: &mut dyn Caller, _: &[u64; 8]) -> Result<Reply, Unmapped> {
    let ratio = |numerator: u64| numerator << 32 | 1;
    Ok(Reply::values(ratio(PROCESSOR_RATIO), ratio(2), ratio(ITC_RATIO)))
}

/// Where the processor's min-state save area lies: physical, with or without the bit that makes it uncacheable.
fn register_min_state(
    firmware: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    Ok(Reply::status(match firmware.register_min_state(caller.number(), arguments[0]) {
        true => 0,
        false => INVALID_ARGUMENT,
    }))
}

/// No feature can be switched; sets other than 0 do not exist (and a caller asks for the next until it is told so).
fn get_features(_: &Firmware, _: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    Ok(if arguments[1] == 0 { Reply::values(0, 0, 0) } else { Reply::status(-8) })
}

fn set_features(_: &Firmware, _: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    Ok(Reply::status(if arguments[1] == 0 { 0 } else { -8 }))
}

fn version(_: &Firmware, _: &mut dyn Caller, _: &[u64; 8]) -> Result<Reply, Unmapped> {
    // PAL_B revision and model, vendor 0 (Intel), PAL_A revision and model.
    let version = 0x0000_0007_0000_0007 | 0x20 << 8 | 0x20 << 40;
    Ok(Reply::values(version, version, 0))
}

/// Which application (0) and control registers (2) exist, and which have side effects when read (1, 3): 128 bits each.
fn register_info(_: &Firmware, _: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    let bits = |registers: &[std::ops::RangeInclusive<u32>]| -> u128 {
        registers.iter().flat_map(|range| range.clone()).fold(0, |bits, register| bits | 1 << register)
    };
    let mask = match arguments[0] {
        0 => bits(&[0..=7, 16..=19, 21..=21, 24..=30, 32..=32, 36..=36, 40..=40, 44..=45, 64..=66]),
        1 => 0,
        2 => bits(&[0..=2, 8..=8, 16..=17, 19..=25, 64..=74, 80..=81]),
        3 => bits(&[65..=65]),
        _ => return Ok(Reply::status(INVALID_ARGUMENT)),
    };
    Ok(Reply::values(mask as u64, (mask >> 64) as u64, 0))
}

/// Every processor is a socket of its own with one core and one thread.
fn logical_to_physical(
    firmware: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let own = caller.number() as u64;
    let logical = if arguments[0] == u64::MAX { own } else { arguments[0] };
    if logical >= firmware.processors as u64 {
        return Ok(Reply::status(INVALID_ARGUMENT));
    }
    // num_log, threads per core, cores per processor, physical processor; then thread and core 0; logical address.
    Ok(Reply::values(1 | 1 << 16 | 1 << 32 | logical << 48, 0, logical << 24))
}

/// Two power states: light halt, and a deeper one that costs no more.
fn halt_info(_: &Firmware, caller: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    // Latencies in cycles, power in mW, implemented, coherent.
    let state = |milliwatts: u64| 1 | 1 << 16 | milliwatts << 32 | 3 << 60;
    let mut buffer = [0; 64];
    buffer[..8].copy_from_slice(&state(1000).to_le_bytes());
    buffer[8..16].copy_from_slice(&state(100).to_le_bytes());
    caller.write(arguments[0], &buffer)?;
    Ok(Reply::status(0))
}

fn brand_info(_: &Firmware, caller: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    match arguments[0] {
        0 => {
            caller.write(arguments[1], BRAND)?;
            Ok(Reply::values(BRAND.len() as u64 - 1, 0, 0))
        }
        _ => Ok(Reply::status(UNIMPLEMENTED)),
    }
}

#[cfg(test)]
mod tests;

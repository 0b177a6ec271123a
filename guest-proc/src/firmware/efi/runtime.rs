//! Runtime services about the machine as a whole: virtual addresses, reset.

use tracing::info;

use super::super::Firmware;
use super::super::call::{Caller, Reply, Unmapped};
use super::{DESCRIPTORS, GP, SERVICES, code, memory_map, status, words};
use crate::control::Outcome;

/// Most bytes of a memory map that are looked at.
const MAP_LIMIT: u64 = 1 << 20;

/// `SetVirtualAddressMap(map_size, descriptor_size, version, map)`: the function descriptors of the runtime services
/// are rewritten to the addresses the OS has chosen.
pub(super) fn set_virtual_address_map(
    firmware: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let [size, stride, version, map, ..] = *arguments;
    if firmware.state().is_virtual {
        return Ok(Reply::status(status::UNSUPPORTED));
    }
    if size > MAP_LIMIT || stride < 40 || version != memory_map::VERSION as u64 {
        return Ok(Reply::status(status::INVALID_PARAMETER));
    }
    let mut bytes = vec![0; size as usize];
    caller.read(map, &mut bytes)?;
    let field = |descriptor: &[u8], offset: usize| {
        u64::from_le_bytes(std::array::from_fn(|i| descriptor.get(offset + i).copied().unwrap_or(0)))
    };
    let runtime: Vec<(u64, u64, u64)> = bytes
        .chunks_exact(stride as usize)
        .filter(|descriptor| field(descriptor, 32) & memory_map::attribute::RUNTIME != 0)
        .map(|descriptor| (field(descriptor, 8), field(descriptor, 24), field(descriptor, 16)))
        .collect();
    let to_virtual = |physical: u64| {
        runtime
            .iter()
            .find(|(start, pages, _)| physical.wrapping_sub(*start) / memory_map::PAGE < *pages)
            .map(|(start, _, address)| address.wrapping_add(physical - start))
    };
    let mut descriptors = Vec::new();
    for n in 0..SERVICES.len() as u64 {
        let (Some(entry), Some(gp)) = (to_virtual(code::efi_service(n)), to_virtual(GP)) else {
            return Ok(Reply::status(status::NOT_FOUND));
        };
        descriptors.extend([entry, gp]);
    }
    firmware.ram.memory.write(DESCRIPTORS, &words(&descriptors));
    firmware.state().is_virtual = true;
    Ok(Reply::status(status::SUCCESS))
}

pub(super) fn next_high_monotonic_count(
    firmware: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let next = firmware.state().high_monotonic_count.wrapping_add(1);
    caller.write(arguments[0], &next.to_le_bytes())?;
    firmware.state().high_monotonic_count = next;
    Ok(Reply::status(status::SUCCESS))
}

/// `ResetSystem(type, status, size, data)`: 0 cold, 1 warm, 2 shutdown. Does not return.
pub(super) fn reset_system(
    firmware: &Firmware,
    _: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let kind = arguments[0];
    info!(kind, status = arguments[1], "the guest called ResetSystem");
    firmware.control.end(if kind == 2 { Outcome::PowerOff } else { Outcome::Reset });
    Ok(Reply::Leave)
}

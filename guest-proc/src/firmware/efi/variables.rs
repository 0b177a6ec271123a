//! EFI variables, in memory for the life of the machine. EFI specification 1.10, 5.1 "Variable Services".

use std::collections::BTreeMap;

use super::super::Firmware;
use super::super::call::{Caller, Reply, Unmapped, read_u64};
use super::{Guid, status};

/// Bytes of names and values a guest can store.
const STORE_LIMIT: usize = 64 << 10;
/// Characters of a name.
const NAME_LIMIT: usize = 512;

const NON_VOLATILE: u32 = 1;
const BOOT_SERVICE_ACCESS: u32 = 2;
const RUNTIME_ACCESS: u32 = 4;
const ATTRIBUTES: u32 = NON_VOLATILE | BOOT_SERVICE_ACCESS | RUNTIME_ACCESS;

/// A variable's name: vendor and UCS-2 string without the final 0.
type Key = (Guid, Vec<u16>);

/// All variables.
#[derive(Default)]
pub struct Variables(BTreeMap<Key, (u32, Vec<u8>)>);

impl Variables {
    fn bytes(&self) -> usize {
        self.0.iter().map(|((_, name), (_, value))| 2 * name.len() + value.len()).sum()
    }
}

/// Reads a 0-terminated name; `None` when it is longer than any that could be stored.
fn read_name(caller: &mut dyn Caller, address: u64) -> Result<Option<Vec<u16>>, Unmapped> {
    let mut name = Vec::new();
    while name.len() < NAME_LIMIT {
        let mut character = [0; 2];
        caller.read(address.wrapping_add(2 * name.len() as u64), &mut character)?;
        match u16::from_le_bytes(character) {
            0 => return Ok(Some(name)),
            character => name.push(character),
        }
    }
    Ok(None)
}

fn read_guid(caller: &mut dyn Caller, address: u64) -> Result<Guid, Unmapped> {
    let mut guid = [0; 16];
    caller.read(address, &mut guid)?;
    Ok(guid)
}

/// Stores `value` where the caller has room for `*size` bytes; tells the size it needs in any case.
fn write_sized(caller: &mut dyn Caller, size: u64, buffer: u64, value: &[u8]) -> Result<i64, Unmapped> {
    let room = read_u64(caller, size)?;
    let fits = room >= value.len() as u64;
    if fits {
        caller.write(buffer, value)?;
    }
    caller.write(size, &(value.len() as u64).to_le_bytes())?;
    Ok(if fits { status::SUCCESS } else { status::BUFFER_TOO_SMALL })
}

/// `GetVariable(name, vendor, attributes, size, data)`.
pub(super) fn get(
    firmware: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let [name, vendor, attributes, size, data, ..] = *arguments;
    let vendor = read_guid(caller, vendor)?;
    let Some(name) = read_name(caller, name)? else { return Ok(Reply::status(status::NOT_FOUND)) };
    let Some((bits, value)) = firmware.state().variables.0.get(&(vendor, name)).cloned() else {
        return Ok(Reply::status(status::NOT_FOUND));
    };
    if attributes != 0 {
        caller.write(attributes, &bits.to_le_bytes())?;
    }
    Ok(Reply::status(write_sized(caller, size, data, &value)?))
}

/// `GetNextVariableName(size, name, vendor)`: the empty name asks for the first.
pub(super) fn next_name(
    firmware: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let [size, name, vendor, ..] = *arguments;
    let Some(current) = read_name(caller, name)? else { return Ok(Reply::status(status::INVALID_PARAMETER)) };
    let next = if current.is_empty() {
        firmware.state().variables.0.keys().next().cloned()
    } else {
        let key = (read_guid(caller, vendor)?, current);
        let state = firmware.state();
        if !state.variables.0.contains_key(&key) {
            return Ok(Reply::status(status::INVALID_PARAMETER));
        }
        let after = (std::ops::Bound::Excluded(key), std::ops::Bound::Unbounded);
        state.variables.0.range(after).next().map(|(key, _)| key.clone())
    };
    let Some((guid, next)) = next else { return Ok(Reply::status(status::NOT_FOUND)) };
    let bytes: Vec<u8> = next.iter().copied().chain([0]).flat_map(u16::to_le_bytes).collect();
    if read_u64(caller, size)? >= bytes.len() as u64 {
        caller.write(vendor, &guid)?;
    }
    Ok(Reply::status(write_sized(caller, size, name, &bytes)?))
}

/// `SetVariable(name, vendor, attributes, size, data)`: no data, or no access, deletes.
pub(super) fn set(
    firmware: &Firmware,
    caller: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let [name, vendor, attributes, size, data, ..] = *arguments;
    let vendor = read_guid(caller, vendor)?;
    let attributes = attributes as u32;
    let name = match read_name(caller, name)? {
        Some(name) if !name.is_empty() && attributes & !ATTRIBUTES == 0 => name,
        _ => return Ok(Reply::status(status::INVALID_PARAMETER)),
    };
    if size > STORE_LIMIT as u64 {
        return Ok(Reply::status(status::OUT_OF_RESOURCES));
    }
    let mut value = vec![0; size as usize];
    caller.read(data, &mut value)?;
    let (mut state, key) = (firmware.state(), (vendor, name));
    let replaced = state.variables.0.remove(&key);
    if value.is_empty() || attributes & (BOOT_SERVICE_ACCESS | RUNTIME_ACCESS) == 0 {
        let code = if replaced.is_some() { status::SUCCESS } else { status::NOT_FOUND };
        return Ok(Reply::status(code));
    }
    if state.variables.bytes() + 2 * key.1.len() + value.len() > STORE_LIMIT {
        if let Some(old) = replaced {
            state.variables.0.insert(key, old);
        }
        return Ok(Reply::status(status::OUT_OF_RESOURCES));
    }
    state.variables.0.insert(key, (attributes, value));
    Ok(Reply::status(status::SUCCESS))
}

//! SAL, the system abstraction layer: OS entry points, PCI configuration, the platform's clock. Itanium Processor
//! Family System Abstraction Layer Specification, chapter 9.

pub mod init;
pub mod table;

use super::call::{Caller, Reply, Service, Unmapped, service};
use super::{Firmware, OsEntry, pal};
use crate::clock::ITC_HZ;

const INVALID_ARGUMENT: i64 = -2;
const NO_INFORMATION: i64 = -5;
const UNIMPLEMENTED: i64 = -1;

#[rustfmt::skip]
const SERVICES: &[Service] = &[
    service(0x0100_0000, "SAL_SET_VECTORS",            7, set_vectors),
    service(0x0100_0001, "SAL_GET_STATE_INFO",         3, |_, _, _| Ok(Reply::status(NO_INFORMATION))),
    service(0x0100_0002, "SAL_GET_STATE_INFO_SIZE",    2, |_, _, _| Ok(Reply::status(0))),
    service(0x0100_0003, "SAL_CLEAR_STATE_INFO",       2, |_, _, _| Ok(Reply::status(0))),
    service(0x0100_0004, "SAL_MC_RENDEZ",              0, |_, _, _| Ok(Reply::HaltLight)),
    // Never -2: Linux would ask again for ever.
    service(0x0100_0005, "SAL_MC_SET_PARAMS",          5, |_, _, _| Ok(Reply::status(0))),
    service(0x0100_0006, "SAL_REGISTER_PHYSICAL_ADDR", 2, |_, _, _| Ok(Reply::status(0))),
    service(0x0100_0008, "SAL_CACHE_FLUSH",            1, |_, _, _| Ok(Reply::status(0))),
    service(0x0100_0009, "SAL_CACHE_INIT",             0, |_, _, _| Ok(Reply::status(0))),
    service(0x0100_0010, "SAL_PCI_CONFIG_READ",        3, pci_config_read),
    service(0x0100_0011, "SAL_PCI_CONFIG_WRITE",       4, pci_config_write),
    service(0x0100_0012, "SAL_FREQ_BASE",              1, frequency_base),
    service(0x0100_0013, "SAL_PHYSICAL_ID_INFO",       0, |_, caller, _| Ok(Reply::values(caller.number() as u64, 0, 0))),
    service(0x0100_0020, "SAL_UPDATE_PAL",             3, |_, _, _| Ok(Reply::status(UNIMPLEMENTED))),
];

/// The procedure with this index.
pub(super) fn find(index: u64) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.index == index)
}

/// OS_MCA (0), OS_INIT of the monarch and of the others (1), OS_BOOT_RENDEZ (2). A machine check never happens.
fn set_vectors(firmware: &Firmware, _: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    let [kind, address, gp, _, other_address, other_gp, ..] = *arguments;
    let entry = OsEntry { address, gp };
    match kind {
        0 => {}
        1 => {
            let mut state = firmware.state();
            state.init.monarch = entry;
            state.init.slave = OsEntry { address: other_address, gp: other_gp };
        }
        2 => firmware.state().boot_rendezvous = entry,
        _ => return Ok(Reply::status(INVALID_ARGUMENT)),
    }
    Ok(Reply::status(0))
}

/// A PCI configuration address.
#[derive(Debug, PartialEq, Eq)]
struct PciAddress {
    bus: u8,
    device: u8,
    function: u8,
    register: u16,
}

/// Takes an address apart; `None` when the segment, the alignment or the size is impossible.
fn pci_address(address: u64, size: u64, extended: u64) -> Option<PciAddress> {
    let (segment, bus, devfn, register) = match extended {
        0 => (address >> 24, address >> 16, address >> 8, address & 0xff),
        1 => (address >> 28, address >> 20, address >> 12, address & 0xfff),
        _ => return None,
    };
    if segment != 0 || !matches!(size, 1 | 2 | 4) || register % size != 0 {
        return None;
    }
    let devfn = devfn as u8;
    Some(PciAddress { bus: bus as u8, device: devfn >> 3, function: devfn & 7, register: register as u16 })
}

fn pci_config_read(firmware: &Firmware, _: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    let [address, size, extended, ..] = *arguments;
    let Some(at) = pci_address(address, size, extended) else { return Ok(Reply::status(INVALID_ARGUMENT)) };
    let value = firmware.pci.config_read(at.bus, at.device, at.function, at.register, size as u8);
    Ok(Reply::values(value as u64, 0, 0))
}

fn pci_config_write(
    firmware: &Firmware,
    _: &mut dyn Caller,
    arguments: &[u64; 8],
) -> Result<Reply, Unmapped> {
    let [address, size, value, extended, ..] = *arguments;
    let Some(at) = pci_address(address, size, extended) else { return Ok(Reply::status(INVALID_ARGUMENT)) };
    firmware.pci.config_write(at.bus, at.device, at.function, at.register, size as u8, value as u32);
    Ok(Reply::status(0))
}

/// Clocks by number: 0 platform, 1 interval timer, 2 real-time clock. No drift is known (-1).
fn frequency_base(_: &Firmware, _: &mut dyn Caller, arguments: &[u64; 8]) -> Result<Reply, Unmapped> {
    let hertz = match arguments[0] {
        0 => pal::BASE_HZ,
        1 => ITC_HZ,
        2 => 1,
        _ => return Ok(Reply::status(INVALID_ARGUMENT)),
    };
    Ok(Reply::values(hertz, u64::MAX, 0))
}

#[cfg(test)]
mod tests {
    use super::super::call::testing::Fake;
    use super::super::code::entry;
    use super::super::testing::firmware;
    use super::*;

    fn call(firmware: &Firmware, arguments: &[u64]) -> [u64; 4] {
        let mut caller = Fake::new();
        caller.registers[32..32 + arguments.len()].copy_from_slice(arguments);
        match firmware.call(entry::SAL, &mut caller).unwrap().0 {
            Reply::Return(values) => values,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_rendezvous_entry_is_remembered() {
        let firmware = firmware();
        assert_eq!(call(&firmware, &[0x0100_0000, 2, 0x560_1520, 0x4c0_0000])[0], 0);
        assert_eq!(call(&firmware, &[0x0100_0000, 1, 0x10, 0x20, 0, 0x30, 0x40, 0])[0], 0);
        assert_eq!(call(&firmware, &[0x0100_0000, 3])[0] as i64, -2);
        let state = firmware.state();
        assert_eq!(state.boot_rendezvous, OsEntry { address: 0x560_1520, gp: 0x4c0_0000 });
    }

    #[test]
    fn pci_addresses_are_taken_apart_in_both_forms() {
        // Linux: seg << 24 | bus << 16 | devfn << 8 | reg, or seg << 28 | bus << 20 | devfn << 12 | reg
        let expected = |register| Some(PciAddress { bus: 3, device: 5, function: 1, register });
        assert_eq!(pci_address(3 << 16 | (5 << 3 | 1) << 8 | 0x3c, 1, 0), expected(0x3c));
        assert_eq!(pci_address(3 << 20 | (5 << 3 | 1) << 12 | 0xabc, 4, 1), expected(0xabc));
        assert_eq!(pci_address(1 << 24, 4, 0), None, "another segment");
        assert_eq!((pci_address(2, 4, 0), pci_address(0, 8, 0), pci_address(0, 4, 2)), (None, None, None));
    }

    #[test]
    fn absent_functions_read_all_ones_with_status_0() {
        assert_eq!(call(&firmware(), &[0x0100_0010, 0x0100, 4, 0])[..2], [0, 0xffff_ffff]);
        assert_eq!(call(&firmware(), &[0x0100_0010, 0x0100, 2, 0])[..2], [0, 0xffff]);
    }

    #[test]
    fn no_error_records_exist_and_unknown_procedures_are_unimplemented() {
        assert_eq!(call(&firmware(), &[0x0100_0001, 0, 0, 0])[0] as i64, -5);
        assert_eq!(call(&firmware(), &[0x0100_0002, 0])[..2], [0, 0]);
        assert_eq!(call(&firmware(), &[0x0200_0000])[0] as i64, -1);
    }

    #[test]
    fn table_is_sorted_and_free_of_duplicates() {
        assert!(SERVICES.windows(2).all(|pair| pair[0].index < pair[1].index));
    }
}

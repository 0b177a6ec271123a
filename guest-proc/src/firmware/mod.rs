//! The firmware: EFI runtime services, SAL and PAL procedures and ACPI tables. Procedures are native; the guest enters
//! them through a few real bundles ([`code`]) whose `break` calls the host.
//!
//! ```text
//!   guest: br.call ──► bundle { break } ──► Firmware::call ──► table row (index, name, handler) ──► Reply
//!   guest: ◄── bundle { br.ret b0 } or { br.cond b0 } ◄── r8..r11
//! ```

pub mod acpi;
pub mod call;
pub mod code;
pub mod efi;
pub mod hcdp;
pub mod pal;
pub mod sal;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{debug, trace};

use self::call::{Caller, Reply, Service, Unmapped};
use self::code::entry;
use crate::control::Control;
use crate::memory::GuestRam;
use crate::pci::PciHost;

/// A procedure of the OS, as registered with SAL_SET_VECTORS: physical addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OsEntry {
    /// Its first bundle; 0 when none is registered.
    pub address: u64,
    /// Its global pointer.
    pub gp: u64,
}

/// What the OS has told the firmware.
#[derive(Default)]
pub struct State {
    /// OS_BOOT_RENDEZ: where processors start that the OS wakes.
    pub boot_rendezvous: OsEntry,
    /// OS_INIT, and which processors are in it.
    pub init: sal::init::State,
    /// EFI has been told its virtual addresses.
    pub is_virtual: bool,
    /// Nanoseconds the guest's wall clock is ahead of the host's.
    pub wall_clock_offset: i64,
    /// EFI variables.
    pub variables: efi::variables::Variables,
    /// High half of the monotonic count.
    pub high_monotonic_count: u32,
}

/// The firmware of one machine.
pub struct Firmware {
    ram: Arc<GuestRam>,
    pci: Arc<PciHost>,
    control: Arc<Control>,
    processors: usize,
    state: Mutex<State>,
}

/// How a call came in, which decides how it goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// By a branch: no frame of its own.
    Static,
    /// By a call.
    Stacked,
}

impl Firmware {
    /// The firmware of a machine with these parts.
    pub fn new(ram: Arc<GuestRam>, pci: Arc<PciHost>, control: Arc<Control>, processors: usize) -> Firmware {
        Firmware { ram, pci, control, processors, state: Mutex::default() }
    }

    /// What the OS has told the firmware so far.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what the previous run of the OS registered; variables and the wall clock stay.
    pub fn reset(&self) {
        let mut state = self.state();
        let variables = std::mem::take(&mut state.variables);
        *state = State { variables, wall_clock_offset: state.wall_clock_offset, ..State::default() };
    }

    /// Writes code and tables into guest memory. Returns the address of the EFI system table.
    pub fn install(&self) -> u64 {
        let memory = &self.ram.memory;
        for (address, bundle) in code::image() {
            memory.write(address, &bundle);
        }
        efi::install(memory, &acpi::install(memory, self.processors))
    }

    /// A `break` with immediate `number` was executed in firmware code: runs the procedure.
    pub fn call(&self, number: u64, caller: &mut dyn Caller) -> Result<(Reply, Convention), Unmapped> {
        let stacked: [u64; 8] = std::array::from_fn(|i| caller.register(32 + i as u8));
        match number {
            entry::PAL => pal::call(self, caller),
            entry::SAL => {
                let arguments =
                    [stacked[1], stacked[2], stacked[3], stacked[4], stacked[5], stacked[6], stacked[7], 0];
                let reply = self.run(sal::find(stacked[0]), "SAL", stacked[0], caller, &arguments)?;
                Ok((reply, Convention::Stacked))
            }
            entry::RENDEZVOUS => Ok((Reply::Rendezvous, Convention::Static)),
            entry::INIT_RETURN => Ok((sal::init::back(self, caller), Convention::Static)),
            _ => {
                let index = number.wrapping_sub(entry::EFI);
                let service = efi::SERVICES.get(index as usize);
                let reply = self.run(service, "EFI", index, caller, &stacked)?;
                Ok((reply, Convention::Stacked))
            }
        }
    }

    /// Runs one procedure and traces it; an unknown one answers -1 as all three interfaces have it.
    fn run(
        &self,
        service: Option<&Service>,
        interface: &str,
        index: u64,
        caller: &mut dyn Caller,
        arguments: &[u64; 8],
    ) -> Result<Reply, Unmapped> {
        let cpu = caller.number();
        let Some(service) = service else {
            debug!(cpu, "{interface} procedure {index:#x} is not implemented");
            return Ok(Reply::status(-1));
        };
        let reply = (service.run)(self, caller, arguments)?;
        let (name, arguments) = (service.name, &arguments[..service.arguments]);
        match &reply {
            Reply::Return(values) => debug!(cpu, "{name}({arguments:x?}) = {values:x?}"),
            other => trace!(cpu, "{name}({arguments:x?}): {other:?}"),
        }
        Ok(reply)
    }
}

/// The byte that makes the sum of `bytes` and itself zero, as ACPI, SAL and HCDP tables want it.
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg()
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// The firmware of a small machine with two processors and no PCI function.
    pub(crate) fn firmware() -> Firmware {
        let ram = Arc::new(GuestRam::new(64 << 20).unwrap());
        Firmware::new(ram, Arc::default(), Arc::default(), 2)
    }
}

//! Which places of one guest are taken, and the choice of free ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Address, Placement, Refusal, TARGETS};

/// Most AVIO storage devices of a guest.
pub const MAX_DEVICES: usize = 256;

/// What keeps storage out of a PCI slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotUse {
    /// A network adapter.
    Network,
    /// The platform itself.
    Reserved,
}

impl fmt::Display for SlotUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SlotUse::Network => "in use by a network adapter",
            SlotUse::Reserved => "reserved",
        })
    }
}

/// The storage devices of one guest and the slots they may not use.
///
/// Devices without a place go to the lowest free target of the first storage adapter that has one; then to a new
/// adapter in the first free slot, counting slots of bus 0 first.
#[derive(Clone, Default, Debug)]
pub struct Layout {
    devices: BTreeSet<Address>,
    others: BTreeMap<(u8, u8), SlotUse>,
}

impl Layout {
    /// No devices, every slot free.
    pub fn new() -> Layout {
        Layout::default()
    }

    /// Keeps storage out of a slot.
    pub fn reserve(&mut self, bus: u8, slot: u8, used: SlotUse) {
        self.others.insert((bus, slot), used);
    }

    /// Takes the place asked for, choosing what was left open.
    pub fn take(&mut self, wanted: Placement) -> Result<Address, Refusal> {
        if self.devices.len() >= MAX_DEVICES {
            return Err(Refusal::GuestFull);
        }
        let address = match wanted.bus().zip(wanted.slot()) {
            Some((bus, slot)) => self.on_adapter(bus, slot, wanted.target())?,
            None => self.anywhere(wanted)?,
        };
        self.devices.insert(address);
        Ok(address)
    }

    /// Frees a place; false when it was free.
    pub fn free(&mut self, address: Address) -> bool {
        self.devices.remove(&address)
    }

    /// The places taken, in order.
    pub fn devices(&self) -> impl Iterator<Item = Address> + '_ {
        self.devices.iter().copied()
    }

    fn on_adapter(&self, bus: u8, slot: u8, target: Option<u8>) -> Result<Address, Refusal> {
        if let Some(used) = self.others.get(&(bus, slot)) {
            return Err(Refusal::SlotTaken { bus, slot, used: *used });
        }
        match target {
            Some(target) => {
                let address = Address::new(bus, slot, target)?;
                if self.devices.contains(&address) { Err(Refusal::Taken(address)) } else { Ok(address) }
            }
            None => self.free_target(bus, slot)?.ok_or(Refusal::AdapterFull { bus, slot }),
        }
    }

    fn free_target(&self, bus: u8, slot: u8) -> Result<Option<Address>, Refusal> {
        for target in 0..TARGETS {
            let address = Address::new(bus, slot, target)?;
            if !self.devices.contains(&address) {
                return Ok(Some(address));
            }
        }
        Ok(None)
    }

    /// Existing adapters first, then empty slots, as far as they fit what was fixed.
    fn anywhere(&self, wanted: Placement) -> Result<Address, Refusal> {
        let fits = |(bus, slot): &(u8, u8)| {
            wanted.bus().is_none_or(|b| b == *bus) && wanted.slot().is_none_or(|s| s == *slot)
        };
        let adapters: BTreeSet<_> = self.devices.iter().map(|device| device.adapter()).collect();
        let empty = Address::all_slots().filter(|place| !adapters.contains(place));
        adapters
            .iter()
            .copied()
            .chain(empty)
            .filter(fits)
            .find_map(|(bus, slot)| self.on_adapter(bus, slot, wanted.target()).ok())
            .ok_or(Refusal::NoSlot)
    }
}

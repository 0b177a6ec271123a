//! The place of a device in the guest: PCI bus, PCI slot, AVIO target.

use std::fmt;
use std::str::FromStr;

use super::Refusal;

/// Buses of the guest's platform.
const BUSES: u8 = 8;
/// Slots of each bus.
const SLOTS: u8 = 8;
/// Targets of an AVIO storage adapter.
pub const TARGETS: u8 = 128;

/// The place of one device. The PCI function and the LUN are always 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address {
    bus: u8,
    slot: u8,
    target: u8,
}

/// A place as far as the operator fixed it; what is missing is for the VSP to choose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Placement {
    bus: Option<u8>,
    slot: Option<u8>,
    target: Option<u8>,
}

impl Address {
    /// Bus 0-7, slot 0-7, target 0-127.
    pub fn new(bus: u8, slot: u8, target: u8) -> Result<Address, Refusal> {
        Ok(Address {
            bus: in_range("bus", &bus.to_string(), BUSES)?,
            slot: in_range("slot", &slot.to_string(), SLOTS)?,
            target: in_range("target", &target.to_string(), TARGETS)?,
        })
    }

    /// PCI bus, 0-7.
    pub fn bus(self) -> u8 {
        self.bus
    }

    /// PCI slot, 0-7.
    pub fn slot(self) -> u8 {
        self.slot
    }

    /// AVIO target, 0-127.
    pub fn target(self) -> u8 {
        self.target
    }

    /// The adapter the device is on: bus and slot.
    pub fn adapter(self) -> (u8, u8) {
        (self.bus, self.slot)
    }

    /// Every slot of the platform, in the order they are given out.
    pub(super) fn all_slots() -> impl Iterator<Item = (u8, u8)> {
        (0..BUSES).flat_map(|bus| (0..SLOTS).map(move |slot| (bus, slot)))
    }
}

impl Placement {
    /// PCI bus, if fixed.
    pub fn bus(self) -> Option<u8> {
        self.bus
    }

    /// PCI slot, if fixed.
    pub fn slot(self) -> Option<u8> {
        self.slot
    }

    /// AVIO target, if fixed.
    pub fn target(self) -> Option<u8> {
        self.target
    }

    /// The address, when nothing is left to choose.
    pub fn address(self) -> Option<Address> {
        Some(Address { bus: self.bus?, slot: self.slot?, target: self.target? })
    }
}

impl From<Address> for Placement {
    fn from(address: Address) -> Placement {
        Placement { bus: Some(address.bus), slot: Some(address.slot), target: Some(address.target) }
    }
}

impl FromStr for Placement {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Placement, Refusal> {
        let mut parts = text.split(',');
        let mut next = |field, count| match parts.next() {
            None | Some("") => Ok(None),
            Some(part) => in_range(field, part, count).map(Some),
        };
        let placement = Placement {
            bus: next("bus", BUSES)?,
            slot: next("slot", SLOTS)?,
            target: next("target", TARGETS)?,
        };
        match parts.next() {
            None => Ok(placement),
            Some(_) => Err(Refusal::AddressForm(text.to_owned())),
        }
    }
}

fn in_range(field: &'static str, given: &str, count: u8) -> Result<u8, Refusal> {
    let number = given.bytes().all(|b| b.is_ascii_digit()).then(|| given.parse().ok()).flatten();
    number.filter(|n| *n < count).ok_or_else(|| Refusal::Range {
        field,
        given: given.to_owned(),
        max: count - 1,
    })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.bus, self.slot, self.target)
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.bus, self.slot, self.target];
        let given = parts.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        for (i, part) in parts[..given].iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            match part {
                Some(number) => write!(f, "{comma}{number}")?,
                None => f.write_str(comma)?,
            }
        }
        Ok(())
    }
}

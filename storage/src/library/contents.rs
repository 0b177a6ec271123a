//! What a library has and where its cartridges are, as text:
//!
//! ```toml
//! format = 1
//! vendor = "KITTSON"
//! product = "Virtual Library"
//! serial = "b8bc…"             # 32 hexadecimal digits
//! slots = 20
//! import_export = 2
//!
//! [[drive]]                    # drive 1
//! serial = "0f31…"
//!
//! [[cartridge]]
//! barcode = "KIT001"
//! place = "drive 1"            # or "slot 1" to "slot 20", "port 1", "port 2"
//! source = "slot 1"            # where it was before, if the library has moved it
//! capacity = 1000000000        # bytes
//! write_protected = false
//! ```

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{LibraryError, MAXIMUM_DRIVES, MAXIMUM_PORTS, MAXIMUM_SLOTS, MoveError, Plan};
use crate::durable;
use crate::scsi::VENDOR;

/// Version of the format.
const FORMAT: u32 = 1;

/// What is wrong with the file of a library.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Not TOML, or not with what is expected in it.
    #[error("{0}")]
    Text(#[from] toml::de::Error),
    /// Of another version.
    #[error("format {0} is not known; this is format {FORMAT}.")]
    Format(u32),
    /// A number of drives, slots or import/export elements that cannot be.
    #[error("it has an impossible number of drives, slots or import/export elements.")]
    Size,
    /// A vendor, product or serial number that INQUIRY data cannot say.
    #[error(
        "vendor ({vendor:?}) and product ({product:?}) must be at most 8 and 16 printable ASCII characters."
    )]
    Names {
        /// What stands there.
        vendor: String,
        /// What stands there.
        product: String,
    },
    /// A cartridge in a place that is not there.
    #[error("cartridge {0} is in {1}, which is not there.")]
    Nowhere(Barcode, Place),
    /// Two in one place.
    #[error("there is more than one cartridge in {0}.")]
    Crowded(Place),
    /// One in two places.
    #[error("cartridge {0} is there more than once.")]
    Doubled(Barcode),
}

/// Where a cartridge can be; each kind is numbered from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// A storage slot.
    Slot(u16),
    /// An import/export element: where the operator puts cartridges in and takes them out.
    Port(u16),
    /// A tape drive.
    Drive(u16),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Slot(number) => write!(f, "slot {number}"),
            Place::Port(number) => write!(f, "port {number}"),
            Place::Drive(number) => write!(f, "drive {number}"),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> String {
        place.to_string()
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Place, String> {
        let number = |digits: &str| digits.parse().ok().filter(|number| *number > 0);
        let place = match text.split_once(' ') {
            Some(("slot", digits)) => number(digits).map(Place::Slot),
            Some(("port", digits)) => number(digits).map(Place::Port),
            Some(("drive", digits)) => number(digits).map(Place::Drive),
            _ => None,
        };
        place.ok_or_else(|| format!("'{text}' is not a place: \"slot 1\", \"port 1\" or \"drive 1\""))
    }
}

/// Name of a cartridge: 1 to 32 capital letters, digits, `-` or `_`, as a volume tag can say it and a file be named.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Barcode(String);

impl Barcode {
    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// File name of its image.
    pub(super) fn image(&self) -> String {
        format!("{}.tap", self.0)
    }
}

impl FromStr for Barcode {
    type Err = LibraryError;

    fn from_str(text: &str) -> Result<Barcode, LibraryError> {
        let is_good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        match (1..=32).contains(&text.len()) && text.chars().all(is_good) {
            true => Ok(Barcode(text.to_owned())),
            false => Err(LibraryError::Barcode(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Barcode {
    type Error = LibraryError;

    fn try_from(text: String) -> Result<Barcode, LibraryError> {
        text.parse()
    }
}

impl From<Barcode> for String {
    fn from(barcode: Barcode) -> String {
        barcode.0
    }
}

impl fmt::Display for Barcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A cartridge in the library.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cartridge {
    /// Its name.
    pub barcode: Barcode,
    /// Where it is.
    pub place: Place,
    /// The slot or import/export element it was in last, if the library moved it out of there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Place>,
    /// Bytes that go on it.
    pub capacity: u64,
    /// Its write-protect tab.
    #[serde(default)]
    pub write_protected: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drive {
    #[serde(with = "uuid::serde::simple")]
    serial: Uuid,
}

/// All of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contents {
    format: u32,
    vendor: String,
    product: String,
    #[serde(with = "uuid::serde::simple")]
    serial: Uuid,
    slots: u16,
    import_export: u16,
    #[serde(rename = "drive")]
    drives: Vec<Drive>,
    #[serde(rename = "cartridge", default)]
    cartridges: Vec<Cartridge>,
}

impl Contents {
    /// A new library; `None` when the plan is impossible.
    pub(super) fn new(plan: &Plan) -> Option<Contents> {
        let cartridge = |number: u16| Cartridge {
            barcode: Barcode(format!("KIT{number:03}")),
            place: Place::Slot(number),
            source: None,
            capacity: plan.capacity,
            write_protected: false,
        };
        let contents = Contents {
            format: FORMAT,
            vendor: VENDOR.trim_end().to_owned(),
            product: "Virtual Library".to_owned(),
            serial: Uuid::new_v4(),
            slots: plan.slots,
            import_export: plan.ports,
            drives: (0..plan.drives).map(|_| Drive { serial: Uuid::new_v4() }).collect(),
            cartridges: (1..=plan.cartridges).map(cartridge).collect(),
        };
        contents.check().ok().map(|()| contents)
    }

    pub(super) fn parse(text: &str) -> Result<Contents, Damage> {
        let contents: Contents = toml::from_str(text)?;
        contents.check()?;
        Ok(contents)
    }

    fn check(&self) -> Result<(), Damage> {
        if self.format != FORMAT {
            return Err(Damage::Format(self.format));
        }
        let (slots, ports, drives) = self.sizes();
        let is_possible = (1..=MAXIMUM_SLOTS).contains(&slots)
            && ports <= MAXIMUM_PORTS
            && (1..=MAXIMUM_DRIVES).contains(&drives)
            && self.drives.len() == usize::from(drives);
        if !is_possible {
            return Err(Damage::Size);
        }
        let is_printable = |text: &str| text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        let fits = |text: &str, len| (1..=len).contains(&text.len()) && is_printable(text);
        if !fits(&self.vendor, 8) || !fits(&self.product, 16) {
            return Err(Damage::Names { vendor: self.vendor.clone(), product: self.product.clone() });
        }
        let (mut places, mut barcodes) = (HashSet::new(), HashSet::new());
        for cartridge in &self.cartridges {
            for place in [Some(cartridge.place), cartridge.source].into_iter().flatten() {
                if !self.has(place) {
                    return Err(Damage::Nowhere(cartridge.barcode.clone(), place));
                }
            }
            if !places.insert(cartridge.place) {
                return Err(Damage::Crowded(cartridge.place));
            }
            if !barcodes.insert(&cartridge.barcode) {
                return Err(Damage::Doubled(cartridge.barcode.clone()));
            }
        }
        Ok(())
    }

    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        durable::replace(path, text.as_bytes())
    }

    pub(super) fn names(&self) -> (&str, &str, Uuid) {
        (&self.vendor, &self.product, self.serial)
    }

    pub(super) fn drives(&self) -> impl ExactSizeIterator<Item = Uuid> {
        self.drives.iter().map(|drive| drive.serial)
    }

    pub(super) fn sizes(&self) -> (u16, u16, u16) {
        (self.slots, self.import_export, u16::try_from(self.drives.len()).unwrap_or(u16::MAX))
    }

    fn has(&self, place: Place) -> bool {
        let (slots, ports, drives) = self.sizes();
        match place {
            Place::Slot(number) => (1..=slots).contains(&number),
            Place::Port(number) => (1..=ports).contains(&number),
            Place::Drive(number) => (1..=drives).contains(&number),
        }
    }

    pub(super) fn cartridges(&self) -> impl Iterator<Item = &Cartridge> {
        self.cartridges.iter()
    }

    pub(super) fn at(&self, place: Place) -> Option<&Cartridge> {
        self.cartridges.iter().find(|cartridge| cartridge.place == place)
    }

    pub(super) fn relocate(&mut self, moves: &[(Place, Place)]) -> Result<(), MoveError> {
        // All are lifted before the first is put down, so that an exchange needs no spare place.
        let mut lifted = Vec::new();
        for (from, to) in moves {
            for place in [from, to] {
                if !self.has(*place) {
                    return Err(MoveError::Nowhere(*place));
                }
            }
            let at = self.cartridges.iter().position(|cartridge| cartridge.place == *from);
            lifted.push((
                at.filter(|at| !lifted.iter().any(|(other, _)| other == at))
                    .ok_or(MoveError::Empty(*from))?,
                *to,
            ));
        }
        for (at, to) in &lifted {
            let stays = |other: usize| !lifted.iter().any(|(lifted, _)| *lifted == other);
            let is_full = self.cartridges.iter().enumerate().any(|(other, c)| stays(other) && c.place == *to)
                || lifted.iter().any(|(other, goal)| other != at && goal == to);
            if is_full {
                return Err(MoveError::Full(*to));
            }
        }
        for (at, to) in lifted {
            let cartridge = &mut self.cartridges[at];
            if !matches!(cartridge.place, Place::Drive(_)) {
                cartridge.source = Some(cartridge.place);
            }
            cartridge.place = to;
        }
        Ok(())
    }

    pub(super) fn import(&mut self, barcode: Barcode, capacity: u64) -> Result<Place, LibraryError> {
        if self.cartridges.iter().any(|cartridge| cartridge.barcode == barcode) {
            return Err(LibraryError::Doubled(barcode));
        }
        let mut ports = (1..=self.import_export).map(Place::Port);
        let place = ports.find(|port| self.at(*port).is_none()).ok_or(LibraryError::PortsFull)?;
        let cartridge = Cartridge { barcode, place, source: None, capacity, write_protected: false };
        self.cartridges.push(cartridge);
        Ok(place)
    }

    pub(super) fn export(&mut self, barcode: &Barcode) -> Result<(), LibraryError> {
        let in_port = |cartridge: &Cartridge| matches!(cartridge.place, Place::Port(_));
        let at = self.cartridges.iter().position(|c| c.barcode == *barcode && in_port(c));
        self.cartridges.remove(at.ok_or_else(|| LibraryError::NotInPort(barcode.clone()))?);
        Ok(())
    }
}

//! Storage resource statements: how an operator says what a guest gets and where it sees it.
//!
//! ```text
//!   disk : avio_stor : 0,1,5 : file : /var/disks/a
//!   │      │           │       │      └ location on the VSP
//!   │      │           │       └ storage type
//!   │      │           └ placement: PCI bus, PCI slot, AVIO target; each may be left out
//!   │      └ adapter type
//!   └ device type
//! ```
//!
//! Words are taken in any case and printed in lower case. Parsing knows the grammar, the ranges and which types go together. It does not look at the host.

mod address;
mod layout;

pub use address::{Address, Placement, TARGETS};
pub use layout::{Layout, MAX_DEVICES, SlotUse};

use std::fmt;
use std::str::FromStr;

/// The one storage adapter of HPVM V6, as it is printed.
const ADAPTER: &str = "avio_stor";
/// Longest statement taken, in bytes: a path (PATH_MAX is 4096) and the fields before it.
const MAX_LEN: usize = 4096 + 64;

/// Declares an enum of words of the grammar, in the spelling of the statement.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// All values, in the order of the manual.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The word in a statement.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            fn from_word(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.word().eq_ignore_ascii_case(word))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What the guest sees.
    DeviceType {
        /// A disk whose medium is storage of the VSP.
        Disk = "disk",
        /// A read-only disc.
        Dvd = "dvd",
        /// An attached tape.
        Tape = "tape",
        /// An attached media changer.
        Changer = "changer",
        /// An attached CD or DVD burner.
        Burner = "burner",
    }
}

words! {
    /// Where the storage comes from.
    StorageType {
        /// A whole disk or drive of the VSP, by its device file.
        Disk = "disk",
        /// A logical volume, by its device file.
        Lv = "lv",
        /// A file.
        File = "file",
        /// No medium yet: the drive or directory the next one comes from.
        Null = "null",
        /// A physical device handed to the guest, by its pass-through device file; of the adapters before AVIO.
        Attach = "attach",
        /// A physical device handed to the guest, by its lunpath.
        AttachPath = "attach_path",
    }
}

impl DeviceType {
    /// The storage types HPVM allows for this device type (hpvm.md 3.2).
    pub fn storage_types(self) -> &'static [StorageType] {
        match self {
            DeviceType::Disk => &[StorageType::Disk, StorageType::Lv, StorageType::File],
            DeviceType::Dvd => &[StorageType::Disk, StorageType::File, StorageType::Null],
            DeviceType::Tape | DeviceType::Changer | DeviceType::Burner => {
                &[StorageType::Attach, StorageType::AttachPath]
            }
        }
    }
}

/// A storage resource statement, checked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct StorageStatement {
    device: DeviceType,
    placement: Placement,
    storage: StorageType,
    location: String,
}

/// Why a statement or a placement is refused. The text is the operator's, after `command: ERROR (guest): `.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Not five fields.
    #[error("Illegal resource statement '{0}'. Expected device:adapter:bus,slot,target:storage:location.")]
    Form(String),
    /// Longer than any path makes it.
    #[error("Resource statement is longer than {MAX_LEN} characters.")]
    TooLong,
    /// First field.
    #[error("Illegal device type '{0}'.")]
    DeviceType(String),
    /// First field: a port of a Fibre Channel adapter, shared by NPIV.
    #[error("Device type 'hba' (NPIV) is not supported.")]
    Npiv,
    /// Second field.
    #[error("Illegal adapter type '{0}'. Expected {ADAPTER}.")]
    AdapterType(String),
    /// Third field has more than three parts.
    #[error("Illegal address '{0}'. Expected bus,slot,target.")]
    AddressForm(String),
    /// A part of the third field.
    #[error("Illegal {field} {given} (valid range is 0-{max}).")]
    Range {
        /// `bus`, `slot` or `target`.
        field: &'static str,
        /// As given.
        given: String,
        /// Largest legal value.
        max: u8,
    },
    /// Fourth field.
    #[error("Illegal storage type '{0}'.")]
    StorageType(String),
    /// `null` for something else than a DVD.
    #[error("Storage type 'null' is valid for DVD devices only.")]
    NullStorage,
    /// The storage type of attached devices on the adapters of old.
    #[error("Storage type 'attach' is not supported with avio_stor. Use attach_path.")]
    Attach,
    /// A tape, changer or burner, where only backing stores can be.
    #[error("Attached devices are not backing stores: device type '{0}' cannot be used here.")]
    AttachedDevice(DeviceType),
    /// First and fourth field do not go together.
    #[error("Storage type '{storage}' is not supported for device type '{device}'.")]
    Combination {
        /// First field.
        device: DeviceType,
        /// Fourth field.
        storage: StorageType,
    },
    /// Fifth field, where a path is wanted.
    #[error("Illegal location '{0}'. Expected an absolute path.")]
    Path(String),
    /// Fifth field, where a lunpath is wanted.
    #[error("Illegal lunpath '{0}'.")]
    Lunpath(String),
    /// The place has a device already.
    #[error("Address {0} is already in use.")]
    Taken(Address),
    /// The slot has another kind of adapter.
    #[error("PCI slot {bus},{slot} is {used}.")]
    SlotTaken {
        /// PCI bus.
        bus: u8,
        /// PCI slot.
        slot: u8,
        /// By what.
        used: SlotUse,
    },
    /// All targets of the adapter asked for have a device.
    #[error("Adapter {bus},{slot} has the maximum of {TARGETS} devices.")]
    AdapterFull {
        /// PCI bus.
        bus: u8,
        /// PCI slot.
        slot: u8,
    },
    /// As many devices as a guest may have.
    #[error("Guest has the maximum of {MAX_DEVICES} storage devices.")]
    GuestFull,
    /// No slot is left that fits the request.
    #[error("No free PCI slot for a storage adapter.")]
    NoSlot,
}

impl StorageStatement {
    /// Puts a statement together from checked parts.
    pub fn new(
        device: DeviceType,
        placement: Placement,
        storage: StorageType,
        location: &str,
    ) -> Result<StorageStatement, Refusal> {
        if !device.storage_types().contains(&storage) {
            return Err(match storage {
                StorageType::Null => Refusal::NullStorage,
                _ => Refusal::Combination { device, storage },
            });
        }
        match storage {
            StorageType::AttachPath if !is_lunpath(location) => Err(Refusal::Lunpath(location.to_owned())),
            StorageType::AttachPath => Ok(()),
            _ if !is_absolute_path(location) => Err(Refusal::Path(location.to_owned())),
            _ => Ok(()),
        }?;
        Ok(StorageStatement { device, placement, storage, location: location.to_owned() })
    }

    /// What the guest sees.
    pub fn device(&self) -> DeviceType {
        self.device
    }

    /// Where the guest is to see it.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Where the storage comes from.
    pub fn storage(&self) -> StorageType {
        self.storage
    }

    /// Path or lunpath on the VSP.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Whether the device can be given to a guest, as opposed to only being described.
    ///
    /// # Errors
    /// It is of a storage type that this adapter does not have.
    pub fn check_usable(&self) -> Result<(), Refusal> {
        match self.storage {
            StorageType::Attach => Err(Refusal::Attach),
            _ => Ok(()),
        }
    }

    /// The same statement at a definite place.
    pub fn placed_at(self, address: Address) -> StorageStatement {
        StorageStatement { placement: address.into(), ..self }
    }
}

impl FromStr for StorageStatement {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<StorageStatement, Refusal> {
        if text.len() > MAX_LEN {
            return Err(Refusal::TooLong);
        }
        let mut fields = text.splitn(5, ':');
        let mut next = || fields.next().ok_or_else(|| Refusal::Form(text.to_owned()));
        let (device, adapter, address, storage, location) = (next()?, next()?, next()?, next()?, next()?);
        let device = DeviceType::from_word(device).ok_or_else(|| match device {
            hba if hba.eq_ignore_ascii_case("hba") => Refusal::Npiv,
            other => Refusal::DeviceType(other.to_owned()),
        })?;
        if !is_adapter(adapter) {
            return Err(Refusal::AdapterType(adapter.to_owned()));
        }
        let placement = address.parse()?;
        let storage =
            StorageType::from_word(storage).ok_or_else(|| Refusal::StorageType(storage.to_owned()))?;
        StorageStatement::new(device, placement, storage, location)
    }
}

impl fmt::Display for StorageStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{ADAPTER}:{}:{}:{}", self.device, self.placement, self.storage, self.location)
    }
}

/// Is this how an operator writes the storage adapter?
pub fn is_adapter(word: &str) -> bool {
    [ADAPTER, "aviostor"].iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// A path from the root, of characters that survive a line of text.
fn is_absolute_path(location: &str) -> bool {
    location.starts_with('/') && !location.chars().any(char::is_control)
}

/// A hardware path such as `0/7/1/1.0x500104f00048b29e.0x0`: printable, without blanks.
fn is_lunpath(location: &str) -> bool {
    location.starts_with(|c: char| c.is_ascii_digit()) && location.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests;

//! The I/O devices of the VSP as clients see them (`ioscan`, `diskinfo`; hpvm.md 10), and the devices it emulates.

use serde::{Deserialize, Serialize};

/// What can be asked about the VSP's devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IoRequest {
    /// All devices: [`IoAnswer::Devices`].
    List {
        /// Look for hardware first, instead of telling what is known.
        scan: bool,
    },
    /// What `diskinfo` tells about the device of this name: [`IoAnswer::Describe`]. It must not be in use.
    Describe {
        /// Device file, lunpath, or path of the host.
        name: String,
    },
    /// Keeps guests away from a device, until it is given free or the VSP ends: `Accepted`.
    Hold {
        /// Any of its names.
        name: String,
    },
    /// Gives a device free that the VSP holds: `Accepted`.
    Release {
        /// Any of its names.
        name: String,
    },
    /// Makes an emulated device of this kind, with new media where there are none: [`IoAnswer::Devices`], the new ones.
    Create {
        /// Absolute path of its file or directory.
        path: String,
        /// What it is to be.
        plan: EmulatedPlan,
    },
    /// Takes an emulated device away; its files stay: `Accepted`.
    Remove {
        /// Path of its file or directory, or any of its names.
        name: String,
    },
    /// All emulated devices and their cartridges: [`IoAnswer::Emulated`].
    ListEmulated,
    /// What an operator does with a cartridge: `Accepted`.
    Cartridge {
        /// Any name of the library or drive, or its path.
        name: String,
        /// What.
        action: CartridgeAction,
    },
}

/// What an emulated device is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmulatedPlan {
    /// A tape library in a directory; one that is there is taken as it is.
    Library {
        /// Tape drives.
        drives: u16,
        /// Storage slots.
        slots: u16,
        /// Import/export elements.
        ports: u16,
        /// New cartridges.
        cartridges: u16,
        /// Bytes that go on each.
        capacity: u64,
    },
    /// A tape drive of its own, with a cartridge whose image is a file.
    Tape {
        /// Bytes that go on the cartridge.
        capacity: u64,
    },
    /// A burner whose discs are files in a directory.
    Burner,
}

/// What an operator does with a cartridge or disc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CartridgeAction {
    /// Into an import/export element.
    Import {
        /// Its name.
        barcode: String,
        /// Bytes that go on it, if it is new.
        capacity: u64,
    },
    /// Out of an import/export element.
    Export {
        /// Its name.
        barcode: String,
    },
    /// A disc into a burner.
    Insert {
        /// Its name; the image is the file of that name with `.iso`.
        name: String,
        /// What it is, if it is to be made: `CD-R`, `DVD+RW`, …
        kind: Option<String>,
    },
    /// The disc out of a burner.
    Eject {
        /// Even if a guest has locked it.
        force: bool,
    },
    /// From where it is to another place of the library.
    Move {
        /// Its name.
        barcode: String,
        /// `slot 1`, `port 1` or `drive 1`.
        to: String,
    },
}

/// Answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IoAnswer {
    /// Devices, by class and instance.
    Devices(Vec<IoDevice>),
    /// One device as `diskinfo` tells of it.
    Describe(Description),
    /// The device cannot be opened; errno as HP-UX has it.
    CannotOpen(OpenFailure),
    /// Emulated devices, by path.
    Emulated(Vec<Emulated>),
}

/// Why a device cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OpenFailure {
    /// There is no file of that name.
    NotFound,
    /// Somebody holds it.
    Busy,
    /// There is no hardware behind the name.
    NoDevice,
    /// It is no device that has such a description.
    NotADevice,
}

impl OpenFailure {
    /// HP-UX's text.
    pub fn text(self) -> &'static str {
        match self {
            OpenFailure::NotFound => "No such file or directory",
            OpenFailure::Busy => "Device busy",
            OpenFailure::NoDevice => "No such device or address",
            OpenFailure::NotADevice => "Not a typewriter",
        }
    }
}

/// A device as `ioscan` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoDevice {
    /// `disk`, `tape`, `autoch`.
    pub class: String,
    /// Its number in the class; it stays the same.
    pub instance: u32,
    /// LUN hardware path, `64000/0xfa00/0x0`.
    pub lun_path: String,
    /// `esdisk`, `estape`, `eschgr`.
    pub driver: String,
    /// Whether there is hardware behind it.
    pub is_present: bool,
    /// T10 vendor identification.
    pub vendor: String,
    /// Product identification.
    pub product: String,
    /// World-wide name.
    pub wwid: String,
    /// Paths to it, each with its number among all.
    pub lunpaths: Vec<(u32, String)>,
    /// Device files, in the order of `ioscan`.
    pub files: Vec<String>,
    /// Name of the pass-through device file.
    pub pass_through: String,
    /// The host's own name for it, where it has one.
    pub host_path: Option<String>,
    /// Who holds it now: a guest's name, or `VSP`.
    pub in_use_by: Option<String>,
    /// Guests can be given it as this device type.
    pub attaches_as: Option<String>,
}

/// What `diskinfo` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// T10 vendor identification.
    pub vendor: String,
    /// Product identification.
    pub product: String,
    /// Product revision level.
    pub revision: String,
    /// Unit serial number.
    pub serial: String,
    /// Peripheral device type in HP-UX's words.
    pub kind: String,
    /// Size in bytes and bytes of a block, of devices that have such.
    pub size: Option<(u64, u32)>,
}

/// An emulated device with its media.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emulated {
    /// `library`, `tape` or `burner`.
    pub kind: String,
    /// Its file or directory.
    pub path: String,
    /// Device files of what belongs to it, the changer first, then the drives.
    pub files: Vec<String>,
    /// Why it cannot be used, if so: one line.
    pub fault: Option<String>,
    /// Media and where they are.
    pub media: Vec<Medium>,
    /// All places of a library, as a cartridge can be moved there: drives, slots, then import/export elements.
    pub places: Vec<String>,
}

/// A cartridge or disc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medium {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// Bytes that go on it.
    pub capacity: u64,
    /// Its write-protect tab.
    pub write_protected: bool,
}

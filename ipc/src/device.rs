//! The device management database as clients see it (`hpvmdevmgmt`, hpvm.md 4.8).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// The VSP itself.
    Server,
    /// Its environment.
    Env,
    /// Restricted: not for guests.
    Rdev,
    /// Used by guests, or meant for them.
    Gdev,
}

impl DeviceKind {
    /// All kinds, in the order of listings.
    pub const ALL: [DeviceKind; 4] =
        [DeviceKind::Server, DeviceKind::Env, DeviceKind::Rdev, DeviceKind::Gdev];

    /// As an operator writes it.
    pub fn word(self) -> &'static str {
        match self {
            DeviceKind::Server => "server",
            DeviceKind::Env => "env",
            DeviceKind::Rdev => "rdev",
            DeviceKind::Gdev => "gdev",
        }
    }
}

impl FromStr for DeviceKind {
    type Err = String;
    fn from_str(text: &str) -> Result<DeviceKind, String> {
        let found = DeviceKind::ALL.into_iter().find(|kind| kind.word().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("Illegal entry type '{text}'. Expected server, env, rdev or gdev."))
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceEntry {
    /// What it is about.
    pub kind: DeviceKind,
    /// Its name, then other names of the same device; never empty.
    pub names: Vec<String>,
    /// In the order of the listing, `CONFIG` first.
    pub attributes: Vec<(String, String)>,
    /// Guests that are configured with it.
    pub dependents: Vec<String>,
    /// Identifies the device behind the names; empty where there is none.
    pub id: String,
}

impl fmt::Display for DeviceEntry {
    /// HPVM's line: `name[,alias…]:ATTR=value,…:dependent[,…]:unique-id`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes: Vec<String> =
            self.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (names, dependents) = (self.names.join(","), self.dependents.join(","));
        write!(f, "{names}:{}:{dependents}:{}", attributes.join(","), self.id)
    }
}

/// Which entries somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceFilter {
    /// All.
    All,
    /// The one of this name.
    Name(String),
    /// Those a guest depends on.
    Dependent(String),
    /// Those with this value of an attribute.
    Attribute(String, String),
}

/// What can be asked of the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceRequest {
    /// `-l`: answered by [`VspToClient::Devices`](crate::message::VspToClient::Devices), everything else by `Accepted`.
    List {
        /// Of this kind; of all without.
        kind: Option<DeviceKind>,
        /// Which of them.
        filter: DeviceFilter,
    },
    /// `-a`.
    Add {
        /// Kind.
        kind: DeviceKind,
        /// Path or other name.
        name: String,
        /// With these attributes.
        attributes: Vec<(String, String)>,
    },
    /// `-d`.
    Delete {
        /// Kind.
        kind: DeviceKind,
        /// Any of its names.
        name: String,
    },
    /// `-d gdev_alias:`: one of several names.
    DeleteAlias {
        /// The name.
        name: String,
    },
    /// `-d …:depend:`: the guest itself is not changed.
    DeleteDependent {
        /// Of this entry; of all without.
        name: Option<String>,
        /// The guest.
        dependent: String,
    },
    /// `-d …:attr:`.
    DeleteAttribute {
        /// Kind.
        kind: DeviceKind,
        /// Any of its names.
        name: String,
        /// Attribute.
        attribute: String,
    },
    /// `-m …:attr:`.
    SetAttribute {
        /// Kind.
        kind: DeviceKind,
        /// Any of its names.
        name: String,
        /// Attribute.
        attribute: String,
        /// New value.
        value: String,
    },
    /// `-n`: every dependent guest is modified to use the new device.
    Replace {
        /// Any name of the device to give up.
        old: String,
        /// Its successor, then further names of that.
        new: Vec<String>,
    },
    /// `-I`: identifies all devices anew.
    Reidentify,
    /// `-r`: commands that would mend the database, as progress lines.
    Repair,
    /// `-S`: makes a file to be used as a virtual device.
    CreateFile {
        /// Absolute path; nothing may be there.
        path: String,
        /// Its size in bytes.
        size_bytes: u64,
    },
    /// `hpvmhostrdev`: devices that the VSP itself uses.
    HostUse(HostUse),
}

/// What `hpvmhostrdev` does about the devices that the VSP itself uses (hpvm.md 4.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostUse {
    /// Restrict all that are used now, and no others any more.
    Restrict,
    /// `-d`: take away the restrictions that were made so.
    Release,
    /// `-r`: as the database was before the last of these two that changed it.
    Restore,
    /// `-D` and `-E`: is [`HostUse::Restrict`] done whenever the VSP starts?
    AtStart(bool),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line of the manual page.
    #[test]
    fn entries_are_printed_as_hpvm_lists_them() {
        let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let entry = DeviceEntry {
            kind: DeviceKind::Rdev,
            names: vec!["/dev/rdsk/c10t0d4".into()],
            attributes: vec![
                attribute("CONFIG", "rdev"),
                attribute("EXIST", "YES"),
                attribute("DEVTYPE", "DISK"),
                attribute("SHARE", "NO"),
            ],
            dependents: vec![],
            id: "6005-08b4-0001-15d0-0001-2000-003a-0000".into(),
        };
        assert_eq!(
            entry.to_string(),
            "/dev/rdsk/c10t0d4:CONFIG=rdev,EXIST=YES,DEVTYPE=DISK,SHARE=NO::6005-08b4-0001-15d0-0001-2000-003a-0000"
        );
    }
}

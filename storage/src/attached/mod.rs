//! Attached devices: tapes, media changers and burners that are there once and that several guests can be configured
//! with, whether emulated or passed through.
//!
//! ```text
//!   guest 1 ── port ──┐
//!   guest 2 ── port ──┼──► Device ── medium, position, reservations
//!   VSP ───── port ───┘
//! ```
//!
//! A [`Device`] exists once in the VSP. What a guest's adapter serves is a port of it: a [`Target`] that knows its
//! initiator. What several initiators share (medium, position, door lock, reservations) belongs to the device; what each
//! has of its own (unit attentions, what REQUEST SENSE gives) belongs to the port.
//!
//! Who may use a device when is the [`arbiter`]'s to say; a [`Shared`] device asks it before every command.

pub mod arbiter;
mod guard;
mod passthrough;

pub use guard::{Denial, Hold, Keep, Shared};

pub use passthrough::{HostDevice, HostDevices, PassThrough, PassThroughError};

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::scsi::vpd::local_name;
use crate::scsi::{Initiator, Target};
use crate::statement::DeviceType;

/// Which device this is, world-wide: the text that Linux shows as `wwid` of a SCSI device, from VPD page 83h
/// (`naa.500104f00048b29e`, `eui.…`, `t10.VENDOR  …`). However many paths lead to a device, they have one of these.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Wwid(pub String);

impl Wwid {
    /// One by an NAA name of 64 bits.
    pub fn naa(name: u64) -> Wwid {
        Wwid(format!("naa.{name:016x}"))
    }

    /// That of an emulated device.
    pub fn local(id: Uuid) -> Wwid {
        Wwid::naa(u64::from_be_bytes(local_name(id)))
    }
}

impl fmt::Display for Wwid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a device says of itself: INQUIRY, and VPD page 80h. Without the blanks that pad the fields.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Description {
    /// T10 vendor identification.
    pub vendor: String,
    /// Product identification.
    pub product: String,
    /// Product revision level.
    pub revision: String,
    /// Unit serial number; empty if it has none.
    pub serial: String,
}

/// The medium that is in a device, as far as it has a size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Medium {
    /// Size in bytes.
    pub len_bytes: u64,
    /// Bytes of a block.
    pub block_len: u32,
}

/// A device that can be attached to guests. All of it may be called at any time by any thread, and does not wait for
/// commands under way longer than a mechanical movement takes.
pub trait Device: Send + Sync {
    /// [`DeviceType::Tape`], [`DeviceType::Changer`] or [`DeviceType::Burner`].
    fn device_type(&self) -> DeviceType;
    /// Which device it is.
    fn wwid(&self) -> Wwid;
    /// What it says of itself.
    fn description(&self) -> Description;
    /// What lies in it; `None` for nothing, and where the size of a medium is not a question that is asked (tapes,
    /// changers).
    fn medium(&self) -> Option<Medium> {
        None
    }
    /// A way to it for one initiator: its I_T nexus begins here, with the unit attention of a power-on pending, and ends
    /// when the last reference to the port is dropped: then what the initiator holds by RESERVE, PREVENT MEDIUM REMOVAL
    /// and the like is gone, as after [`Reset::Nexus`](crate::scsi::Reset::Nexus), and nothing else has changed; the
    /// tape stays where it is. Asked for twice, there are two ports that know nothing of each other.
    fn port(self: Arc<Self>, initiator: Initiator) -> Arc<dyn Target>;
    /// Who holds it from now on. A device that another one can interfere with (a drive with its changer) is told.
    fn set_holder(&self, holder: Option<arbiter::Party>) {
        _ = holder;
    }
    /// Whether a program on the host that is not this VSP has the device open, so that nobody can be let in. Emulated
    /// devices are the VSP's own.
    fn is_open_on_host(&self) -> bool {
        false
    }
}

//! Storage as the VSP serves it: resource statements, backing stores and the SCSI targets above them.
//!
//! ```text
//!   attached ──── devices that are there once, and a port for each guest
//!   statement ── where the guest sees a device, and what the VSP gives it
//!   scsi ─────── commands in, data and sense out ──┐
//!   segments ─── the caller's memory               ├─► backing ── bytes on the host
//!   identity ─── which host storage that is  ──────┘
//!   library ──── tape libraries: cartridges, and where they are
//!   disc ─────── recordable discs: sessions and tracks in an image
//! ```
//!
//! Nothing here knows a transport: not virtio, not vhost-user, not the guest's memory map. Errors of the host are
//! [`backing::IoError`] and [`backing::OpenError`]; errors of the guest are sense data, that is, values.

pub mod attached;
pub mod backing;
pub mod disc;
mod durable;
pub mod identity;
pub mod library;
pub mod scsi;
pub mod segments;
pub mod shared;
pub mod size;
pub mod statement;
pub mod sysfs;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod throttle;
pub mod unit;

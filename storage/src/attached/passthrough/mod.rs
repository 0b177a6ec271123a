//! Real devices of the host, given to guests as they are (Linux' SCSI generic driver).
//!
//! ```text
//!   guest's command ──► port ──► sg (SG_IO) ──► device
//!                        │                         │
//!   status, sense ◄──────┴────── unchanged ◄───────┘
//! ```
//!
//! Nothing is interpreted but what would show the guest more than its one unit (REPORT LUNS), and how long a command may
//! take. [`hosts`] finds the devices.

mod cdb;
mod hosts;
mod port;
mod sg;

pub use hosts::{HostDevice, HostDevices};

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Description, Device, Medium, Wwid};
use crate::scsi::{Initiator, Target};
use crate::statement::DeviceType;

/// A device of the host cannot be attached. The text is the operator's.
#[derive(Debug, thiserror::Error)]
pub enum PassThroughError {
    /// The host does not let us.
    #[error("Device '{path}' cannot be opened: {source}.", path = path.display())]
    Open {
        /// Which device file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A device of the host.
pub struct PassThrough {
    found: HostDevice,
    sg: File,
    /// Unit attentions of the device itself go to whoever comes first; each port adds its own at its beginning.
    reserved_by: Mutex<Option<Initiator>>,
}

impl PassThrough {
    /// Opens a device that was found.
    ///
    /// # Errors
    /// The device file is not there, or may not be opened.
    pub fn open(found: HostDevice) -> Result<Arc<PassThrough>, PassThroughError> {
        let path = found.generic.clone();
        let options = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&path);
        let sg = options.map_err(|source| PassThroughError::Open { path, source })?;
        Ok(Arc::new(PassThrough { found, sg, reserved_by: Mutex::new(None) }))
    }

    /// What was found.
    pub fn host_device(&self) -> &HostDevice {
        &self.found
    }

    fn reserved_by(&self) -> std::sync::MutexGuard<'_, Option<Initiator>> {
        self.reserved_by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Device for PassThrough {
    fn device_type(&self) -> DeviceType {
        self.found.device_type
    }

    fn wwid(&self) -> Wwid {
        self.found.wwid.clone()
    }

    fn description(&self) -> Description {
        self.found.description.clone()
    }

    fn medium(&self) -> Option<Medium> {
        match self.found.device_type {
            DeviceType::Burner => sg::medium(&self.sg),
            _ => None,
        }
    }

    fn port(self: Arc<Self>, initiator: Initiator) -> Arc<dyn Target> {
        Arc::new(port::Port::new(self, initiator))
    }

    /// Tapes admit one program at a time, and say so; of drives the mounted ones are in use.
    fn is_open_on_host(&self) -> bool {
        let Some(path) = &self.found.special else { return false };
        let exclusive = match self.found.device_type {
            DeviceType::Burner => libc::O_EXCL,
            _ => 0,
        };
        is_busy(path, libc::O_NONBLOCK | exclusive)
    }
}

fn is_busy(path: &Path, flags: i32) -> bool {
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    opened.is_err_and(|error| error.raw_os_error() == Some(libc::EBUSY))
}

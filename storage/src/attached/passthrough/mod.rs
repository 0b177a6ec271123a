//! Real devices of the host, given to guests as they are (Linux' SCSI generic driver).
//!
//! ```text
//!   guest's command ──► port ──► sg ──► device
//!                        │                 │
//!   status, sense ◄──────┴── unchanged ◄───┘
//! ```
//!
//! Nothing is interpreted but what would show the guest more than its one unit (REPORT LUNS), how long a command may take,
//! and unit attentions: to the device all guests are one initiator, the host, so each is told to all of them. [`hosts`] finds
//! the devices.

mod cdb;
mod hosts;
mod news;
mod port;
mod sg;

pub use hosts::{HostDevice, HostDevices};

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use news::{Circle, News};
use sg::Sg;

use super::{Description, Device, Medium, Wwid};
use crate::scsi::{Foreign, Initiator, Target, Undelivered};
use crate::segments::Segments;
use crate::statement::DeviceType;

const TEST_UNIT_READY: [u8; 6] = [0; 6];
const READ_CAPACITY: [u8; 10] = [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// Time limit of commands of our own, which ask.
const OWN_LIMIT: Duration = Duration::from_secs(30);
/// Most unit attentions that a device is believed to have at once.
const MAX_NEWS: usize = 8;

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
    sg: Sg,
    circle: Circle,
    reserved_by: Mutex<Option<Initiator>>,
}

impl PassThrough {
    /// Opens a device that was found.
    ///
    /// # Errors
    /// The device file is not there, or may not be opened.
    pub fn open(found: HostDevice) -> Result<Arc<PassThrough>, PassThroughError> {
        let path = found.generic.clone();
        let sg = Sg::open(&path).map_err(|source| PassThroughError::Open { path, source })?;
        Ok(Arc::new(PassThrough { found, sg, circle: Circle::default(), reserved_by: Mutex::new(None) }))
    }

    /// What was found.
    pub fn host_device(&self) -> &HostDevice {
        &self.found
    }

    fn reserved_by(&self) -> std::sync::MutexGuard<'_, Option<Initiator>> {
        self.reserved_by.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a command. A unit attention is passed on to all that do not get this answer.
    fn execute(
        &self,
        cdb: &[u8],
        (data_out, data_in): (&Segments<'_>, &Segments<'_>),
        limit: Duration,
        asks: Option<&Arc<News>>,
    ) -> Result<Foreign, Undelivered> {
        let answer = self.sg.execute(cdb, data_out, data_in, limit)?;
        if news::is_unit_attention(&answer) {
            self.circle.tell(&answer.sense, asks);
        }
        Ok(answer)
    }

    /// Sends a command of our own.
    fn ask(&self, cdb: &[u8], data_in: &Segments<'_>) -> Result<Foreign, Undelivered> {
        self.execute(cdb, (&Segments::empty(), data_in), OWN_LIMIT, None)
    }

    /// Takes the device's unit attentions, for guests. Whether it answers.
    fn collect(&self) -> bool {
        for _ in 0..MAX_NEWS {
            match self.ask(&TEST_UNIT_READY, &Segments::empty()) {
                Ok(answer) if news::is_unit_attention(&answer) => {}
                answer => return answer.is_ok(),
            }
        }
        true
    }

    /// Size of the disc in a drive.
    fn disc(&self) -> Option<Medium> {
        self.collect();
        let mut data = [0; 8];
        let segments = Segments::from_slice(&mut data);
        let answer = self.ask(&READ_CAPACITY, &segments).ok()?;
        drop(segments);
        if answer.status != 0 || answer.data_in < 8 {
            return None;
        }
        let word = |at: usize| u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
        let (last, block_len) = (word(0), word(4));
        Some(Medium { len_bytes: (u64::from(last) + 1) * u64::from(block_len), block_len })
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
            DeviceType::Burner => self.disc(),
            _ => None,
        }
    }

    fn port(self: Arc<Self>, initiator: Initiator) -> Arc<dyn Target> {
        Arc::new(port::Port::new(self, initiator))
    }

    /// Tapes admit one program at a time, and say so; of drives the mounted ones are in use. The host's driver sends commands
    /// when it is opened: it would get the unit attentions, and wait for a device that does not answer.
    fn is_open_on_host(&self) -> bool {
        let Some(path) = &self.found.special else { return false };
        if !self.collect() {
            return false;
        }
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

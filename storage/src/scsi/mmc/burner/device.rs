//! A burner as a device that guests share.

use std::sync::{Arc, PoisonError};

use super::super::super::{Initiator, Target};
use super::{Burner, PRODUCT, SECTOR};
use crate::attached::{Description, Device, Medium, Wwid};
use crate::scsi::VENDOR;
use crate::statement::DeviceType;

impl Device for Burner {
    fn device_type(&self) -> DeviceType {
        DeviceType::Burner
    }

    fn wwid(&self) -> Wwid {
        Wwid::local(self.id)
    }

    fn description(&self) -> Description {
        Description {
            vendor: VENDOR.trim_end().to_owned(),
            product: PRODUCT.trim_end().to_owned(),
            revision: String::new(),
            serial: self.id.simple().to_string(),
        }
    }

    fn medium(&self) -> Option<Medium> {
        let disc = self.tray.disc().ok()?;
        let sectors = disc.lock().unwrap_or_else(PoisonError::into_inner).readable();
        Some(Medium { len_bytes: u64::from(sectors) * SECTOR, block_len: SECTOR as u32 })
    }

    fn port(self: Arc<Self>, initiator: Initiator) -> Arc<dyn Target> {
        Burner::port(&self, initiator)
    }
}

//! A changer as a device that guests share.

use std::sync::Arc;

use super::super::{Initiator, Target};
use super::{Changer, pages};
use crate::attached::{Description, Device, Wwid};
use crate::statement::DeviceType;

impl Device for Changer {
    fn device_type(&self) -> DeviceType {
        DeviceType::Changer
    }

    fn wwid(&self) -> Wwid {
        let library = self.library();
        let (_, _, serial) = library.names();
        Wwid::local(serial)
    }

    fn description(&self) -> Description {
        let library = self.library();
        let (vendor, product, serial) = library.names();
        Description {
            vendor: vendor.trim_end().to_owned(),
            product: product.trim_end().to_owned(),
            revision: pages::REVISION.to_owned(),
            serial: serial.simple().to_string(),
        }
    }

    fn port(self: Arc<Self>, initiator: Initiator) -> Arc<dyn Target> {
        Changer::port(&self, initiator)
    }
}

//! The drive as a data transfer element of a media changer.

use super::{Against, Initiator, InsertError, TapeDrive, locked};
use crate::attached::arbiter::Party;
use crate::backing::tap::{Cartridge, Label};
use crate::scsi::smc::{DataTransferElement, LoadError, Loading, StillLoaded};

impl DataTransferElement for TapeDrive {
    /// A drive that was restored has its cartridge already, and goes on with it where it was.
    fn load(&self, loading: &Loading) -> Result<(), LoadError> {
        if self.cartridge().is_some_and(|cartridge| cartridge.path == loading.image) {
            return Ok(());
        }
        let label = Label::new(loading.barcode.as_str(), Some(loading.capacity), loading.write_protected);
        let cartridge = Cartridge { path: loading.image.clone(), label };
        TapeDrive::load(self, cartridge).map_err(|error: InsertError| LoadError(error.to_string()))
    }

    /// Real libraries pull cartridges out of drives whoever has reserved the drive: it is a unit of its own. Here the guest
    /// or operator that holds the drive is protected; to the changer it is a drive that prevents removal.
    fn unload(&self, by: Initiator) -> Result<(), StillLoaded> {
        let is_free = locked(&self.holder).is_none_or(|holder| holder == Party::Guest(by))
            && !self.reservations.is_against(by, Against::All);
        match is_free && self.is_unloaded() && TapeDrive::unload(self, false).is_ok() {
            true => Ok(()),
            false => Err(StillLoaded),
        }
    }

    fn is_unloaded(&self) -> bool {
        locked(&self.inner).slot.as_ref().is_none_or(|loaded| !loaded.threaded)
    }
}

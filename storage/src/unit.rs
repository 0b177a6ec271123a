//! From a storage resource statement to the storage it names, and to the SCSI target a guest sees there.

use std::path::Path;
use std::sync::Arc;

use crate::backing::{
    Access, Examined, Kind, MINIMUM_DISK, MINIMUM_DVD, OpenError, RawFile, examine, examine_disc_source,
};
use crate::identity::unit_id;
use crate::scsi::{Disk, Product};
use crate::statement::{DeviceType, Refusal, StorageStatement, StorageType};
use crate::sysfs::Sysfs;

/// Why a statement names nothing that can be used. The text is the operator's.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// The statement asks for something that is not there to be had.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The storage cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Looks at what a statement names, without opening it.
pub fn survey(statement: &StorageStatement, sysfs: &Sysfs) -> Result<Examined, UnitError> {
    statement.check_usable()?;
    let path = Path::new(statement.location());
    let minimum = match statement.device() {
        DeviceType::Dvd => MINIMUM_DVD,
        _ => MINIMUM_DISK,
    };
    Ok(match kind(statement.storage()) {
        Some(kind) => examine(path, kind, minimum, sysfs)?,
        None => examine_disc_source(path, sysfs)?,
    })
}

/// What the location of a storage type must be; nothing definite for `null`.
fn kind(storage: StorageType) -> Option<Kind> {
    match storage {
        StorageType::File => Some(Kind::File),
        StorageType::Disk => Some(Kind::Disk),
        StorageType::Lv => Some(Kind::LogicalVolume),
        StorageType::Null | StorageType::Attach | StorageType::AttachPath => None,
    }
}

/// Opens what a statement names and puts a SCSI target on it.
pub fn open(statement: &StorageStatement) -> Result<Arc<Disk>, UnitError> {
    statement.check_usable()?;
    let path = Path::new(statement.location());
    let (kind, product) = match (statement.device(), statement.storage()) {
        (DeviceType::Disk, StorageType::File) => (Kind::File, Product::FileDisk),
        (DeviceType::Disk, StorageType::Disk) => (Kind::Disk, Product::Disk),
        (DeviceType::Disk, StorageType::Lv) => (Kind::LogicalVolume, Product::LvDisk),
        (device, storage) => return Err(Refusal::Combination { device, storage }.into()),
    };
    let store = RawFile::open_as(path, kind, Access::ReadWrite, &Sysfs::default())?;
    Ok(Arc::new(Disk::new(Arc::new(store), product, unit_id(&canonical(path)))))
}

/// However the storage was named in the statement.
fn canonical(path: &Path) -> String {
    std::fs::canonicalize(path)
        .map_or_else(|_| path.to_string_lossy(), |found| found.to_string_lossy().into_owned().into())
        .into_owned()
}

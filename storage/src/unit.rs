//! From a storage resource statement to the storage it names, and to the SCSI target a guest sees there.

use std::path::Path;
use std::sync::Arc;

use crate::backing::{
    Access, BlockStore, Examined, Kind, MINIMUM_DISK, MINIMUM_DVD, OpenError, RawFile, examine,
    examine_disc_source,
};
use crate::identity::unit_id;
use crate::scsi::reservation::{KeptError, Power};
use crate::scsi::{Disk, Drive, Dvd, Initiator, Product, Reservations, StateError, Target};
use crate::shared::OpenDisks;
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
    /// Who may use it is not known.
    #[error(transparent)]
    Kept(#[from] KeptError),
    /// Its state cannot be kept.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Looks at what a statement names, without opening it.
pub fn survey(statement: &StorageStatement, sysfs: &Sysfs) -> Result<Examined, UnitError> {
    statement.check_usable()?;
    check_not_attached(statement)?;
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

/// Attached devices are no backing stores: who has them knows what they are.
fn check_not_attached(statement: &StorageStatement) -> Result<(), Refusal> {
    match statement.storage() {
        StorageType::AttachPath => Err(Refusal::AttachedDevice(statement.device())),
        _ => Ok(()),
    }
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

/// What a statement became.
#[derive(Clone)]
pub enum Unit {
    /// A disk.
    Disk(Arc<Disk>),
    /// A DVD drive, whose discs can be changed.
    Dvd(Arc<Dvd>),
    /// A port of an attached device.
    Attached(Arc<dyn Target>),
}

impl Unit {
    /// What an adapter serves.
    pub fn target(&self) -> Arc<dyn Target> {
        match self {
            Unit::Disk(disk) => Arc::clone(disk) as _,
            Unit::Dvd(dvd) => Arc::clone(dvd) as _,
            Unit::Attached(port) => Arc::clone(port),
        }
    }
}

/// For whom a unit is opened.
#[derive(Clone, Copy, Default)]
pub struct Claim<'a> {
    /// The guest, as reservations know it.
    pub initiator: Initiator,
    /// The directory where reservations are kept that shall survive; without it guests cannot ask for that.
    pub keep_in: Option<&'a Path>,
    /// The directory where units keep what a guest expects of them that outlives the VSP; without it they keep nothing.
    pub state_in: Option<&'a Path>,
    /// Whether the guest has had the unit all along, from another process.
    pub power: Power,
}

/// Opens what a statement names and puts a SCSI target on it.
pub fn open(statement: &StorageStatement, claim: Claim<'_>) -> Result<Unit, UnitError> {
    statement.check_usable()?;
    match statement.device() {
        DeviceType::Disk => open_disk(statement, claim).map(|disk| Unit::Disk(Arc::new(disk))),
        DeviceType::Dvd => open_dvd(statement, claim).map(|dvd| Unit::Dvd(Arc::new(dvd))),
        device => Err(Refusal::AttachedDevice(device).into()),
    }
}

/// The same, where guests may have a disk together that one of them has open.
pub fn open_among(
    disks: &OpenDisks,
    statement: &StorageStatement,
    claim: Claim<'_>,
) -> Result<Unit, UnitError> {
    if statement.device() != DeviceType::Disk {
        return open(statement, claim);
    }
    statement.check_usable()?;
    let disk = disks.join_or(statement, claim.initiator, || open_disk(statement, claim))?;
    Ok(Unit::Disk(Arc::new(disk)))
}

fn open_disk(statement: &StorageStatement, claim: Claim<'_>) -> Result<Disk, UnitError> {
    let path = Path::new(statement.location());
    let (kind, product) = match statement.storage() {
        StorageType::File => (Kind::File, Product::FileDisk),
        StorageType::Disk => (Kind::Disk, Product::Disk),
        StorageType::Lv => (Kind::LogicalVolume, Product::LvDisk),
        storage => return Err(Refusal::Combination { device: DeviceType::Disk, storage }.into()),
    };
    let store = RawFile::open_as(path, kind, Access::ReadWrite, &Sysfs::default())?;
    let id = unit_id(&canonical(path));
    let reservations = match claim.keep_in {
        Some(directory) => Reservations::kept_in(&directory.join(format!("reservations-{id}")), claim.power)?,
        None => Reservations::new(),
    };
    let disk = Disk::with_reservations(Arc::new(store), product, id, claim.initiator, reservations);
    Ok(match claim.state_in {
        Some(directory) => disk.kept_in(&directory.join(format!("disk-{id}")), claim.power)?,
        None => disk,
    })
}

fn open_dvd(statement: &StorageStatement, claim: Claim<'_>) -> Result<Dvd, UnitError> {
    let (disc, drive) = open_disc(statement)?;
    // The drive stays the same whatever is in it: it is known by its place in its guest.
    let id = unit_id(&format!("{} {}", claim.initiator.0, statement.placement()));
    let dvd = Dvd::new(disc, drive, id);
    Ok(match claim.state_in {
        Some(directory) => dvd.kept_in(&directory.join(format!("dvd-{id}")), claim.power)?,
        None => dvd,
    })
}

/// Opens the disc that the statement of a DVD names, if there is one; also what the drive is by that.
///
/// # Errors
/// It cannot be used, or has no whole sector.
pub fn open_disc(statement: &StorageStatement) -> Result<(Option<Arc<dyn BlockStore>>, Drive), UnitError> {
    let path = Path::new(statement.location());
    Ok(match statement.storage() {
        StorageType::File => (Some(open_medium(path, Kind::File)?), Drive::FileDvd),
        StorageType::Disk => match open_medium(path, Kind::Disk) {
            Ok(disc) => (Some(disc), Drive::Dvd),
            Err(OpenError::NoMedium(_)) => (None, Drive::Dvd),
            Err(error) => return Err(error.into()),
        },
        _ => {
            examine_disc_source(path, &Sysfs::default())?;
            (None, Drive::NullDvd)
        }
    })
}

/// An image, or what lies in a drive of the VSP.
fn open_medium(path: &Path, kind: Kind) -> Result<Arc<dyn BlockStore>, OpenError> {
    let disc = RawFile::open_as(path, kind, Access::ReadOnly, &Sysfs::default())?;
    match disc.len_bytes() {
        len if len < MINIMUM_DVD => Err(OpenError::TooSmall { path: path.to_owned(), minimum: MINIMUM_DVD }),
        _ => Ok(Arc::new(disc)),
    }
}

/// However the storage was named in the statement.
fn canonical(path: &Path) -> String {
    let found = std::fs::canonicalize(path);
    found.as_deref().unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::DiscState;

    fn open(text: &str) -> Result<Unit, String> {
        let statement: StorageStatement = text.parse().unwrap();
        super::open(&statement, Claim::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn statements_become_the_devices_they_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        std::fs::write(&path, [0; 8192]).unwrap();
        let (path, home) = (path.display(), directory.path().display());
        let dvd = |text: &str| match open(text) {
            Ok(Unit::Dvd(dvd)) => dvd.disc_state(),
            other => panic!("{:?}", other.err()),
        };
        assert!(matches!(open(&format!("disk:avio_stor::file:{path}")), Ok(Unit::Disk(_))));
        assert_eq!(dvd(&format!("dvd:avio_stor::file:{path}")), DiscState::Present);
        assert_eq!(dvd(&format!("dvd:avio_stor::null:{home}")), DiscState::Absent);
        let refused = |text: &str| open(text).err().unwrap();
        assert!(refused(&format!("disk:avio_stor::lv:{path}")).ends_with("is not a logical volume."));
        assert!(refused(&format!("disk:avio_stor::disk:{path}")).ends_with("is not a block device."));
        assert!(
            refused(&format!("dvd:avio_stor::null:{path}")).ends_with("neither a directory nor a drive.")
        );
        assert!(refused("tape:avio_stor::attach_path:0/1.0x0.0x0").starts_with("Attached devices"));
    }

    #[test]
    fn discs_are_read_by_many_and_written_by_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("image");
        std::fs::write(&path, [0; 8192]).unwrap();
        let text = format!("avio_stor::file:{}", path.display());
        let (one, _two) = (open(&format!("dvd:{text}")).unwrap(), open(&format!("dvd:{text}")).unwrap());
        assert!(open(&format!("disk:{text}")).err().unwrap().ends_with("is in use."));
        drop(one);
        std::fs::write(&path, [0; 2047]).unwrap();
        assert!(open(&format!("dvd:{text}")).err().unwrap().ends_with("minimum of 2048 bytes."));
    }

    #[test]
    fn link_and_file_are_one_unit() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("disk"), directory.path().join("link"));
        std::fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(canonical(&path), canonical(&link));
    }
}

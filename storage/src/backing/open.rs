//! From a path to an open, locked file or device: what it must be, and who else may have it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::FcntlArg;

use super::ioctl::device_len;
use super::{Access, OpenError, claims};
use crate::identity::{Footprint, Identity};
use crate::sysfs::{BlockDevice, Sysfs};

/// Least size of a virtual disk in bytes (hpvm.md 3.1).
pub const MINIMUM_DISK: u64 = 512;
/// Least size of the disc in a virtual DVD in bytes (hpvm.md 3.1).
pub const MINIMUM_DVD: u64 = 2048;

/// What a path is to lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A regular file.
    File,
    /// A whole disk or drive of the VSP. Partitions are refused, as by HPVM.
    Disk,
    /// A logical volume of LVM.
    LogicalVolume,
}

/// What a path leads to, found without opening it.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Which storage that is, and what it lies on.
    pub footprint: Footprint,
    /// Its size in bytes, as far as it is known without opening.
    pub len_bytes: Option<u64>,
}

/// An open store.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) len_bytes: u64,
    pub(super) identity: Identity,
    /// For devices: whether they give space back.
    pub(super) unmaps: bool,
}

/// Looks at what is at `path`.
///
/// # Errors
/// It is not there, not of this kind, or smaller than `minimum` bytes.
pub fn examine(path: &Path, kind: Kind, minimum: u64, sysfs: &Sysfs) -> Result<Examined, OpenError> {
    let metadata = metadata(path)?;
    let device = check_kind(path, &metadata, kind, sysfs)?;
    let len_bytes = match kind {
        Kind::File => Some(metadata.len()),
        Kind::Disk | Kind::LogicalVolume => device.len_bytes,
    };
    if len_bytes.is_some_and(|len| len < minimum) {
        return Err(OpenError::TooSmall { path: path.to_owned(), minimum });
    }
    Ok(Examined { footprint: Footprint::of(&metadata, sysfs), len_bytes })
}

/// Looks at the drive or directory an empty DVD gets its discs from.
///
/// # Errors
/// It is not there, or is something else.
pub fn examine_disc_source(path: &Path, sysfs: &Sysfs) -> Result<Examined, OpenError> {
    let metadata = metadata(path)?;
    let kind = metadata.file_type();
    if !kind.is_dir() && !kind.is_block_device() {
        return Err(OpenError::NoDiscSource(path.to_owned()));
    }
    Ok(Examined { footprint: Footprint::of(&metadata, sysfs), len_bytes: None })
}

/// Opens and locks what is at `path`.
pub(super) fn open(path: &Path, kind: Kind, access: Access, sysfs: &Sysfs) -> Result<Opened, OpenError> {
    // Before opening: to open a FIFO or a tape can wait or do things.
    let before = metadata(path)?;
    check_kind(path, &before, kind, sysfs)?;
    let flags = match kind {
        Kind::File => libc::O_NONBLOCK | libc::O_NOCTTY,
        // Without O_NONBLOCK, so that a drive looks whether there is a disc and locks its door.
        Kind::Disk | Kind::LogicalVolume => libc::O_EXCL,
    };
    let mut options = File::options();
    options.read(true).write(access == Access::ReadWrite).custom_flags(flags | libc::O_CLOEXEC);
    let file = claims::open(Identity::of(&before), || {
        let file = options.open(path).map_err(|source| match source.raw_os_error() {
            Some(libc::EBUSY) => OpenError::InUse(path.to_owned()),
            Some(libc::ENOMEDIUM) => OpenError::NoMedium(path.to_owned()),
            _ => host("open", path)(source),
        })?;
        if kind == Kind::File {
            lock(&file, access).map_err(|source| match source.raw_os_error() {
                Some(libc::EAGAIN | libc::EACCES) => OpenError::InUse(path.to_owned()),
                _ => host("lock", path)(source),
            })?;
        }
        Ok(file)
    })?;
    // Again, of what was really opened.
    let metadata = file.metadata().map_err(host("examine", path))?;
    let device = check_kind(path, &metadata, kind, sysfs)?;
    let len_bytes = len_of(&file, kind).map_err(host("examine", path))?;
    if len_bytes < MINIMUM_DISK {
        return Err(OpenError::TooSmall { path: path.to_owned(), minimum: MINIMUM_DISK });
    }
    Ok(Opened { identity: Identity::of(&metadata), len_bytes, unmaps: device.unmaps, file })
}

/// Makes a sparse file.
pub(super) fn create(path: &Path, len_bytes: u64) -> Result<(), OpenError> {
    if len_bytes < MINIMUM_DISK {
        return Err(OpenError::TooSmall { path: path.to_owned(), minimum: MINIMUM_DISK });
    }
    let created = File::options().write(true).create_new(true).mode(0o600).open(path);
    let file = created.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => OpenError::Exists(path.to_owned()),
        _ => host("create", path)(source),
    })?;
    if let Err(source) = file.set_len(len_bytes) {
        // Without its size the file is of no use; that it cannot be removed changes nothing about the failure.
        _ = std::fs::remove_file(path);
        return Err(host("size", path)(source));
    }
    Ok(())
}

/// The size of an open store in bytes now, in whole blocks of 512.
pub(super) fn len_of(file: &File, kind: Kind) -> io::Result<u64> {
    let len = match kind {
        Kind::File => file.metadata()?.size(),
        Kind::Disk | Kind::LogicalVolume => device_len(file)?,
    };
    Ok(len / MINIMUM_DISK * MINIMUM_DISK)
}

pub(super) fn metadata(path: &Path) -> Result<Metadata, OpenError> {
    std::fs::metadata(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => OpenError::Missing(path.to_owned()),
        _ => host("examine", path)(source),
    })
}

pub(super) fn host<'p>(attempt: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> OpenError + 'p {
    move |source| OpenError::Host { attempt, path: path.to_owned(), source }
}

/// `Ok` if this is what it should be: what is known of the device, for devices.
fn check_kind(path: &Path, metadata: &Metadata, kind: Kind, sysfs: &Sysfs) -> Result<BlockDevice, OpenError> {
    let is_device = metadata.file_type().is_block_device();
    match kind {
        Kind::File if metadata.is_file() => return Ok(BlockDevice::default()),
        Kind::File => return Err(OpenError::NotRegular(path.to_owned())),
        Kind::Disk | Kind::LogicalVolume if is_device => {}
        Kind::Disk => return Err(OpenError::NotDevice(path.to_owned())),
        Kind::LogicalVolume => return Err(OpenError::NotVolume(path.to_owned())),
    }
    check_device(path, sysfs.block_device(metadata.rdev()), kind)
}

fn check_device(path: &Path, device: BlockDevice, kind: Kind) -> Result<BlockDevice, OpenError> {
    if kind == Kind::LogicalVolume && !device.is_logical_volume() {
        return Err(OpenError::NotVolume(path.to_owned()));
    }
    match device.partition_of {
        Some(_) => Err(OpenError::Partition(path.to_owned())),
        None => Ok(device),
    }
}

/// Keeps others out who lock files: all of them, or those who write.
pub(crate) fn lock(file: &File, access: Access) -> io::Result<()> {
    set_lock(
        file,
        match access {
            Access::ReadWrite => libc::F_WRLCK,
            Access::ReadOnly => libc::F_RDLCK,
        },
    )
}

/// Lets them in again, although a process that is just being started may have inherited the open file.
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    set_lock(file, libc::F_UNLCK)
}

fn set_lock(file: &File, lock_type: libc::c_int) -> io::Result<()> {
    let whole = libc::flock {
        l_type: lock_type as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    nix::fcntl::fcntl(file, FcntlArg::F_OFD_SETLK(&whole)).map(drop).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use rustix::fs::makedev;

    use super::super::{BlockStore, RawFile};
    use super::*;
    use crate::sysfs::fake::Tree;

    #[test]
    fn second_writer_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        RawFile::create(&path, 1 << 20).unwrap();
        let link = dir.path().join("link");
        std::fs::hard_link(&path, &link).unwrap();
        let first = RawFile::open(&path, Access::ReadWrite).unwrap();
        for access in [Access::ReadWrite, Access::ReadOnly] {
            let refusal = RawFile::open(&link, access).unwrap_err().to_string();
            assert_eq!(refusal, format!("Device '{}' is in use.", link.display()));
        }
        drop(first);
        RawFile::open(&path, Access::ReadWrite).unwrap();
    }

    #[test]
    fn store_is_free_when_its_owner_is_done_whoever_has_inherited_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        RawFile::create(&path, 1 << 20).unwrap();
        let first = RawFile::open(&path, Access::ReadWrite).unwrap();
        // As a process has it that was forked and has not executed its program yet.
        let inherited = std::os::fd::AsFd::as_fd(&first.file().unwrap()).try_clone_to_owned().unwrap();
        drop(first);
        RawFile::open(&path, Access::ReadWrite).unwrap();
        drop(inherited);
    }

    #[test]
    fn refusals_name_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let open =
            |name: &str| RawFile::open(&dir.path().join(name), Access::ReadWrite).unwrap_err().to_string();
        let at = |name: &str| dir.path().join(name).display().to_string();
        assert_eq!(open("none"), format!("Device '{}' does not exist.", at("none")));
        assert_eq!(open(""), format!("'{}' is not a regular file.", at("")));
        std::fs::write(dir.path().join("small"), [0; 511]).unwrap();
        assert_eq!(
            open("small"),
            format!("Device '{}' is smaller than the minimum of 512 bytes.", at("small"))
        );
        let again = RawFile::create(&dir.path().join("small"), 512).unwrap_err().to_string();
        assert_eq!(again, format!("File '{}' already exists.", at("small")));
    }

    #[test]
    fn devices_must_be_what_the_storage_type_says() {
        let tree = Tree::usual(Path::new("/image"));
        let check = |major, minor, kind| {
            let device = tree.sysfs().block_device(makedev(major, minor));
            check_device(Path::new("/dev/x"), device, kind).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(check(8, 0, Kind::Disk), Ok(()));
        assert_eq!(check(253, 0, Kind::LogicalVolume), Ok(()));
        let partition = "Disk partition '/dev/x' is not supported as backing device.".to_owned();
        assert_eq!(check(8, 1, Kind::Disk), Err(partition));
        let volume = Err("'/dev/x' is not a logical volume.".to_owned());
        assert_eq!(check(8, 0, Kind::LogicalVolume), volume);
        assert_eq!(check(253, 2, Kind::LogicalVolume), volume, "another kind of mapping");
        assert_eq!(check(99, 9, Kind::LogicalVolume), volume, "nothing known");
    }

    #[test]
    fn files_are_no_devices_and_directories_no_discs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, [0; 4096]).unwrap();
        let sysfs = Sysfs::default();
        let refusal = |kind, minimum| examine(&path, kind, minimum, &sysfs).unwrap_err().to_string();
        let name = path.display();
        assert_eq!(refusal(Kind::Disk, 512), format!("'{name}' is not a block device."));
        assert_eq!(refusal(Kind::LogicalVolume, 512), format!("'{name}' is not a logical volume."));
        let small = format!("Device '{name}' is smaller than the minimum of 8192 bytes.");
        assert_eq!(refusal(Kind::File, 8192), small);
        assert_eq!(examine(&path, Kind::File, MINIMUM_DVD, &sysfs).unwrap().len_bytes, Some(4096));
        let source = examine_disc_source(&path, &sysfs).unwrap_err().to_string();
        assert_eq!(source, format!("'{name}' is neither a directory nor a drive."));
        examine_disc_source(dir.path(), &sysfs).unwrap();
    }
}

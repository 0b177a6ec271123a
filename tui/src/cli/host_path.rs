//! What a path of the host is, as far as it can be a backing store: read from the file system and from sysfs alone.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Directories of links whose names stay the same over restarts of the host, best first.
const PERSISTENT: [&str; 4] = ["/dev/disk/by-id", "/dev/mapper", "/dev/disk/by-uuid", "/dev/disk/by-path"];

/// Kinds of things a path can lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Disk,
    /// CD or DVD drive.
    Drive,
    /// Of this disk.
    Partition(String),
    /// Called `group/volume`, or as device mapper calls it.
    LogicalVolume(String),
    /// A device that device mapper made and that is no logical volume.
    Mapped(String),
    /// Of this file.
    Loop(String),
    /// A device that is read character by character.
    Character,
    Other,
}

/// A path and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPath {
    pub(super) kind: Kind,
    /// Without links.
    pub(super) canonical: PathBuf,
    /// Bytes, where that has a meaning.
    pub(super) size_bytes: Option<u64>,
    /// Bytes that a file takes up.
    pub(super) allocated_bytes: Option<u64>,
    /// Names that stay, best first.
    pub(super) persistent: Vec<PathBuf>,
    object: Object,
}

/// Equal for all paths to one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    Device(u64),
    File(u64, u64),
}

impl HostPath {
    /// Looks at a path.
    pub(super) fn examine(path: &Path) -> io::Result<HostPath> {
        let canonical = fs::canonicalize(path)?;
        let found = fs::metadata(&canonical)?;
        let file_type = found.file_type();
        let object = object(&found);
        let sysfs = sysfs(found.rdev());
        let is_block = file_type.is_block_device();
        let kind = match () {
            _ if file_type.is_file() => Kind::File,
            _ if file_type.is_dir() => Kind::Directory,
            _ if is_block => block_kind(&sysfs),
            _ if file_type.is_char_device() => Kind::Character,
            _ => Kind::Other,
        };
        let sectors = is_block.then(|| attribute(&sysfs, "size")).flatten();
        Ok(HostPath {
            size_bytes: match kind {
                Kind::File => Some(found.len()),
                _ => sectors.and_then(|sectors| sectors.parse::<u64>().ok()).map(|sectors| sectors * 512),
            },
            allocated_bytes: (kind == Kind::File).then(|| found.blocks() * 512),
            persistent: if is_block { persistent(found.rdev()) } else { Vec::new() },
            kind,
            canonical,
            object,
        })
    }

    /// Does another path lead to the same thing?
    pub(super) fn is_same(&self, other: &str) -> bool {
        fs::metadata(other).is_ok_and(|found| object(&found) == self.object)
    }

    /// The resource statement that gives this to a guest, without an address, or why none does.
    pub(super) fn statement(&self) -> Result<String, &'static str> {
        let name = self.persistent.first().unwrap_or(&self.canonical).display();
        match &self.kind {
            Kind::File if self.is_iso() => Ok(format!("dvd:avio_stor::file:{name}")),
            Kind::File => Ok(format!("disk:avio_stor::file:{name}")),
            Kind::Directory => Ok(format!("dvd:avio_stor::null:{name}")),
            Kind::Disk | Kind::Loop(_) => Ok(format!("disk:avio_stor::disk:{name}")),
            Kind::Drive => Ok(format!("dvd:avio_stor::disk:{name}")),
            Kind::LogicalVolume(_) => Ok(format!("disk:avio_stor::lv:{name}")),
            Kind::Partition(_) => {
                Err("partitions are no backing stores; use the whole disk or a logical volume")
            }
            Kind::Mapped(_) => Err("not a logical volume"),
            Kind::Character => Err("a character device of Linux is no disk"),
            Kind::Other => Err("not a file, directory or disk"),
        }
    }

    fn is_iso(&self) -> bool {
        self.canonical.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("iso"))
    }
}

impl Kind {
    /// One line about it.
    pub(super) fn text(&self) -> String {
        match self {
            Kind::File => "regular file".into(),
            Kind::Directory => "directory".into(),
            Kind::Disk => "whole disk".into(),
            Kind::Drive => "CD/DVD drive".into(),
            Kind::Partition(disk) => format!("partition of {disk}"),
            Kind::LogicalVolume(name) => format!("logical volume {name}"),
            Kind::Mapped(name) => format!("device-mapper device {name}"),
            Kind::Loop(file) => format!("loop device of {file}"),
            Kind::Character => "character device".into(),
            Kind::Other => "neither file, directory nor disk".into(),
        }
    }
}

fn object(found: &fs::Metadata) -> Object {
    match found.file_type().is_block_device() || found.file_type().is_char_device() {
        true => Object::Device(found.rdev()),
        false => Object::File(found.dev(), found.ino()),
    }
}

fn sysfs(device: u64) -> PathBuf {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    Path::new("/sys/dev/block").join(format!("{major}:{minor}"))
}

fn attribute(sysfs: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(sysfs.join(name)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn block_kind(sysfs: &Path) -> Kind {
    /// SCSI's type of CD and DVD drives.
    const CD_ROM: &str = "5";
    let read = |name| attribute(sysfs, name);
    if read("partition").is_some() {
        let real = fs::canonicalize(sysfs).unwrap_or_default();
        let disk = real.parent().and_then(Path::file_name).unwrap_or_default();
        return Kind::Partition(format!("/dev/{}", disk.to_string_lossy()));
    }
    if let Some(uuid) = read("dm/uuid") {
        let name = read("dm/name").unwrap_or_default();
        return if uuid.starts_with("LVM-") { Kind::LogicalVolume(name) } else { Kind::Mapped(name) };
    }
    match (read("loop/backing_file"), read("device/type").as_deref()) {
        (Some(file), _) => Kind::Loop(file),
        (None, Some(CD_ROM)) => Kind::Drive,
        _ => Kind::Disk,
    }
}

fn persistent(device: u64) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in PERSISTENT {
        let Ok(links) = fs::read_dir(directory) else { continue };
        let mut names: Vec<PathBuf> = links
            .flatten()
            .map(|link| link.path())
            .filter(|path| {
                fs::metadata(path)
                    .is_ok_and(|found| found.file_type().is_block_device() && found.rdev() == device)
            })
            .collect();
        names.sort();
        found.extend(names);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_directories_get_the_statement_they_are_good_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("disk"), [0; 1024]).unwrap();
        fs::write(path("hpux.ISO"), [0; 2048]).unwrap();
        std::os::unix::fs::symlink(path("disk"), path("link")).unwrap();
        let statement = |name: &str| HostPath::examine(&path(name)).unwrap().statement();
        let base = fs::canonicalize(directory.path()).unwrap();
        assert_eq!(statement("link"), Ok(format!("disk:avio_stor::file:{}/disk", base.display())));
        assert_eq!(statement("hpux.ISO"), Ok(format!("dvd:avio_stor::file:{}/hpux.ISO", base.display())));
        assert_eq!(statement("."), Ok(format!("dvd:avio_stor::null:{}", base.display())));
        let found = HostPath::examine(&path("link")).unwrap();
        assert_eq!((found.size_bytes, found.kind.clone()), (Some(1024), Kind::File));
        assert!(found.is_same(&path("disk").display().to_string()));
        assert!(!found.is_same("/"));
        assert_eq!(HostPath::examine(Path::new("/dev/null")).unwrap().kind, Kind::Character);
        assert!(HostPath::examine(&path("none")).is_err());
    }

    /// A directory as sysfs has it for a block device.
    fn device(files: &[(&str, &str)]) -> Kind {
        let directory = tempfile::tempdir().unwrap();
        for (name, contents) in files {
            let file = directory.path().join("sdz/entry").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, contents).unwrap();
        }
        fs::create_dir_all(directory.path().join("sdz/entry")).unwrap();
        block_kind(&directory.path().join("sdz/entry"))
    }

    #[test]
    fn block_devices_are_told_apart_by_what_sysfs_says() {
        assert_eq!(device(&[("size", "2048\n")]), Kind::Disk);
        assert_eq!(device(&[("partition", "1\n")]), Kind::Partition("/dev/sdz".into()));
        let volume = [("dm/uuid", "LVM-abc\n"), ("dm/name", "vg-lvol1\n")];
        assert_eq!(device(&volume), Kind::LogicalVolume("vg-lvol1".into()));
        assert_eq!(
            device(&[("dm/uuid", "CRYPT-x\n"), ("dm/name", "secret\n")]),
            Kind::Mapped("secret".into())
        );
        assert_eq!(device(&[("device/type", "5\n")]), Kind::Drive);
        assert_eq!(device(&[("loop/backing_file", "/a\n")]), Kind::Loop("/a".into()));
    }
}

//! What is behind the name of an entry: kind and identity of a host object.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::hardware::Hardware;

/// A host object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// `DEVTYPE` of its entry.
    pub(super) devtype: &'static str,
    /// The same for every name of the object, in groups of four hexadecimal digits where it is a number.
    pub(super) id: String,
    /// Device number of the file system that a file or directory lies on.
    pub(super) file_system: u64,
}

/// The object of that path, or the attached device at that lunpath; nothing if it is not there.
pub(super) fn identify(path: &str, hardware: &Hardware) -> Option<Found> {
    if !path.starts_with('/') {
        let (devtype, id) = hardware.identify(path)?;
        return Some(Found { devtype, id, file_system: 0 });
    }
    let found = fs::metadata(path).ok()?;
    let kind = found.file_type();
    let (devtype, id) = match () {
        // A drive is what it is when it is attached.
        _ if kind.is_block_device()
            && let Some(drive) = hardware.identify(path).filter(|(kind, _)| *kind == "BURNER") =>
        {
            drive
        }
        _ if kind.is_block_device() || kind.is_char_device() => {
            let wwid = kind.is_block_device().then(|| wwid(found.rdev())).flatten();
            ("DISK", wwid.unwrap_or_else(|| groups(&[found.rdev()])))
        }
        _ if kind.is_dir() => ("DIR", groups(&[found.dev(), found.ino()])),
        _ => ("FILE", groups(&[found.dev(), found.ino()])),
    };
    Some(Found { devtype, id, file_system: found.dev() })
}

/// The name the device itself has, where it has one.
fn wwid(device: u64) -> Option<String> {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let directory = Path::new("/sys/dev/block").join(format!("{major}:{minor}"));
    let candidates = ["wwid", "device/wwid", "dm/uuid"];
    let found = candidates.iter().filter_map(|name| fs::read_to_string(directory.join(name)).ok());
    let printable = |text: String| -> String {
        text.trim().chars().map(|c| if c.is_ascii_graphic() && !":,".contains(c) { c } else { '-' }).collect()
    };
    found.map(printable).find(|text| !text.is_empty())
}

/// `0000-0000-0000-fe01-…`
fn groups(numbers: &[u64]) -> String {
    let digits: String = numbers.iter().map(|number| format!("{number:016x}")).collect();
    let groups: Vec<&str> = (0..digits.len()).step_by(4).map(|at| &digits[at..at + 4]).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::StateRoot;

    #[test]
    fn all_names_of_an_object_have_its_identity() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        fs::write(path("a"), b"").unwrap();
        fs::hard_link(path("a"), path("link")).unwrap();
        std::os::unix::fs::symlink(path("a"), path("symlink")).unwrap();
        let hardware = Hardware::open(&StateRoot::at(directory.path()));
        let identify = |path: &str| identify(path, &hardware);
        let found = identify(&path("a")).unwrap();
        assert_eq!((found.devtype, found.id.len()), ("FILE", 39));
        assert_eq!(identify(&path("link")), Some(found.clone()));
        assert_eq!(identify(&path("symlink")), Some(found));
        assert_eq!(identify(&path(".")).unwrap().devtype, "DIR");
        assert_eq!(identify("/dev/null").unwrap().devtype, "DISK");
        assert_eq!((identify(&path("none")), identify("0/7/1/1.0x5.0x0")), (None, None));
    }
}

//! Real block devices, where the host lets us make one: a loop device on a file of ours.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Access, BlockStore, Kind, OpenError, RawFile, examine};
use crate::identity::Identity;
use crate::sysfs::Sysfs;
use crate::testing::check_block_store;

struct LoopDevice {
    path: PathBuf,
}

impl LoopDevice {
    /// A loop device on `file`, or why there is none.
    fn on(file: &Path) -> Result<LoopDevice, String> {
        let made = Command::new("losetup").args(["--show", "-f"]).arg(file).output();
        let made = made.map_err(|error| error.to_string())?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).trim().to_owned());
        }
        Ok(LoopDevice { path: PathBuf::from(String::from_utf8_lossy(&made.stdout).trim()) })
    }

    fn resize(&self) {
        assert!(Command::new("losetup").arg("-c").arg(&self.path).status().unwrap().success());
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        _ = Command::new("losetup").arg("-d").arg(&self.path).status();
    }
}

#[test]
fn block_device_is_a_store_with_one_user() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("image");
    RawFile::create(&file, 8 << 20).unwrap();
    let device = match LoopDevice::on(&file) {
        Ok(device) => device,
        Err(reason) => return println!("skipped: no loop device to be had ({reason})"),
    };
    let sysfs = Sysfs::default();
    let open = || RawFile::open_as(&device.path, Kind::Disk, Access::ReadWrite, &sysfs);
    check_block_store(&|| Box::new(open().unwrap()));

    let first = open().unwrap();
    assert!(matches!(open(), Err(OpenError::InUse(_))));
    let reader = RawFile::open_as(&device.path, Kind::Disk, Access::ReadOnly, &sysfs);
    assert!(matches!(reader, Err(OpenError::InUse(_))));
    let volume = RawFile::open_as(&device.path, Kind::LogicalVolume, Access::ReadWrite, &sysfs);
    assert!(matches!(volume, Err(OpenError::NotVolume(_))));
    assert!(matches!(RawFile::open(&device.path, Access::ReadWrite), Err(OpenError::NotRegular(_))));

    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&device.path, &link).unwrap();
    let look = |path: &Path, kind| examine(path, kind, 512, &sysfs).unwrap();
    let (by_name, by_link) = (look(&device.path, Kind::Disk), look(&link, Kind::Disk));
    assert_eq!(by_name.footprint.identity(), by_link.footprint.identity());
    assert!(matches!(by_name.footprint.identity(), Identity::Device(_)));
    assert_eq!(by_name.len_bytes, Some(8 << 20));
    assert!(by_link.footprint.overlaps(&look(&file, Kind::File).footprint), "the device shows the file");

    std::fs::File::options().write(true).open(&file).unwrap().set_len(12 << 20).unwrap();
    device.resize();
    assert_eq!(first.refresh_len().unwrap(), 12 << 20);
    println!("checked: a loop device as backing store");
}

//! Which devices of the host can be attached: SCSI tapes, changers and CD/DVD drives, as sysfs shows them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Description, Wwid};
use crate::statement::DeviceType;

/// A device of the host, found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostDevice {
    /// What it is.
    pub device_type: DeviceType,
    /// Host, channel, target and LUN, such as `2:0:0:0`.
    pub address: String,
    /// Device file of the SCSI generic driver.
    pub generic: PathBuf,
    /// Device file of the driver for its kind: `/dev/nst0`, `/dev/sch0`, `/dev/sr0`; none if that is not loaded.
    pub special: Option<PathBuf>,
    /// Which device it is.
    pub wwid: Wwid,
    /// What it says of itself.
    pub description: Description,
}

/// Where to look.
#[derive(Clone, Debug)]
pub struct HostDevices {
    sysfs: PathBuf,
    dev: PathBuf,
}

impl Default for HostDevices {
    fn default() -> HostDevices {
        HostDevices::at(Path::new("/sys"), Path::new("/dev"))
    }
}

impl HostDevices {
    /// Trees elsewhere.
    pub fn at(sysfs: &Path, dev: &Path) -> HostDevices {
        HostDevices { sysfs: sysfs.to_owned(), dev: dev.to_owned() }
    }

    /// Every path to every device, by address. Several paths to one device have one [`HostDevice::wwid`].
    pub fn all(&self) -> Vec<HostDevice> {
        let entries = fs::read_dir(self.sysfs.join("class/scsi_generic")).into_iter().flatten().flatten();
        let found = entries.filter_map(|entry| self.look(&entry.path()));
        let mut all: Vec<HostDevice> = found.collect();
        all.sort_by_key(|device| address_key(&device.address));
        all
    }

    /// One path to each device, by its name.
    pub fn distinct(&self) -> BTreeMap<Wwid, HostDevice> {
        let mut distinct = BTreeMap::new();
        for device in self.all() {
            distinct.entry(device.wwid.clone()).or_insert(device);
        }
        distinct
    }

    /// The device behind a device file, whichever of its drivers' it is (`/dev/sg3`, `/dev/st0`, `/dev/nst0`, `/dev/sch0`,
    /// `/dev/sr0`), or a link to one.
    pub fn behind(&self, file: &Path) -> Option<HostDevice> {
        let file = fs::canonicalize(file).ok()?;
        let name = file.file_name()?.to_str()?.to_owned();
        // st0, st0l, st0m, st0a, and the same with n.
        let tape = name.strip_prefix('n').unwrap_or(&name).trim_end_matches(['l', 'm', 'a']).to_owned();
        self.all().into_iter().find(|device| {
            let is_tape =
                || device.device_type == DeviceType::Tape && device.tape_name() == Some(tape.clone());
            device.generic.file_name().is_some_and(|own| own == name.as_str())
                || device.special.as_deref().and_then(Path::file_name).is_some_and(|own| own == name.as_str())
                || is_tape()
        })
    }

    fn look(&self, entry: &Path) -> Option<HostDevice> {
        let home = entry.join("device");
        let device_type = match line(&home.join("type"))?.as_str() {
            "1" => DeviceType::Tape,
            "8" => DeviceType::Changer,
            "5" => DeviceType::Burner,
            _ => return None,
        };
        let address = fs::canonicalize(&home).ok()?.file_name()?.to_str()?.to_owned();
        let text = |name: &str| line(&home.join(name)).unwrap_or_default();
        let description = Description {
            vendor: text("vendor"),
            product: text("model"),
            revision: text("rev"),
            serial: page_text(&home.join("vpd_pg80")).unwrap_or_default(),
        };
        let wwid = line(&home.join("wwid"))
            .filter(|wwid| !wwid.is_empty())
            .or_else(|| designator(&fs::read(home.join("vpd_pg83")).ok()?))
            // A device without a name is known by what it says of itself, or else by its place.
            .or_else(|| {
                let Description { vendor, product, serial, .. } = &description;
                (!serial.is_empty()).then(|| format!("t10.{vendor:<8}{product:<16}{serial}"))
            })
            .unwrap_or_else(|| format!("scsi.{address}"));
        let (class, prefix) = match device_type {
            DeviceType::Tape => ("scsi_tape", "nst"),
            DeviceType::Changer => ("scsi_changer", "sch"),
            _ => ("block", "sr"),
        };
        let special = child_named(&home.join(class), prefix).map(|name| self.dev.join(name));
        Some(HostDevice {
            device_type,
            address,
            generic: self.dev.join(entry.file_name()?),
            special,
            wwid: Wwid(wwid),
            description,
        })
    }
}

impl HostDevice {
    /// `st0` of `/dev/nst0`.
    fn tape_name(&self) -> Option<String> {
        Some(self.special.as_deref()?.file_name()?.to_str()?.strip_prefix('n')?.to_owned())
    }
}

/// Numbers are compared as such.
fn address_key(address: &str) -> Vec<u64> {
    address.split(':').map(|part| part.parse().unwrap_or(u64::MAX)).collect()
}

/// The first entry that is `prefix` and a number: of a tape's eight files the one in mode 0.
fn child_named(directory: &Path, prefix: &str) -> Option<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_meant = |name: &String| {
        name.strip_prefix(prefix)
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    names.filter(is_meant).min()
}

/// UNIT SERIAL NUMBER page (SPC-4 clause 7.8.15).
fn page_text(path: &Path) -> Option<String> {
    let page = fs::read(path).ok()?;
    let len = usize::from(u16::from_be_bytes([*page.get(2)?, *page.get(3)?]));
    let text = page.get(4..4 + len).or_else(|| page.get(4..))?;
    Some(String::from_utf8_lossy(text).trim_matches([' ', '\0']).to_owned())
}

/// The best name of the logical unit in a DEVICE IDENTIFICATION page (SPC-4 clause 7.8.6), as the kernel would write it.
fn designator(page: &[u8]) -> Option<String> {
    let mut rest = page.get(4..)?;
    let mut best: Option<(u8, String)> = None;
    while let [first, second, _, len, ..] = *rest {
        let (body, after) = rest.get(4..)?.split_at_checked(usize::from(len))?;
        rest = after;
        let (code_set, association, kind) = (first & 0x0f, second >> 4 & 3, second & 0x0f);
        if association != 0 {
            continue;
        }
        let hex = || body.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (rank, text) = match (kind, code_set) {
            (3, 1) => (4, format!("naa.{}", hex())),
            (2, 1) => (3, format!("eui.{}", hex())),
            (8, 3) => (2, String::from_utf8_lossy(body).trim_matches([' ', '\0']).to_owned()),
            (1, 2 | 3) => (1, format!("t10.{}", String::from_utf8_lossy(body).trim_end_matches([' ', '\0']))),
            _ => continue,
        };
        if best.as_ref().is_none_or(|(known, _)| rank > *known) {
            best = Some((rank, text));
        }
    }
    best.map(|(_, text)| text)
}

fn line(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A tree as Linux shows it: a device's directory, and links to it from the classes.
    struct Tree(tempfile::TempDir);

    impl Tree {
        fn device(&self, address: &str, sg: &str, files: &[(&str, &[u8])], special: Option<(&str, &str)>) {
            let home = self.0.path().join("sys/devices").join(address);
            let class = home.join("scsi_generic").join(sg);
            fs::create_dir_all(&class).unwrap();
            symlink(&home, class.join("device")).unwrap();
            for (name, contents) in files {
                fs::write(home.join(name), contents).unwrap();
            }
            if let Some((class, name)) = special {
                fs::create_dir_all(home.join(class).join(name)).unwrap();
            }
            let link = self.0.path().join("sys/class/scsi_generic");
            fs::create_dir_all(&link).unwrap();
            symlink(&class, link.join(sg)).unwrap();
            fs::create_dir_all(self.0.path().join("dev")).unwrap();
            fs::write(self.0.path().join("dev").join(sg), "").unwrap();
            if let Some((_, name)) = special {
                fs::write(self.0.path().join("dev").join(name), "").unwrap();
            }
        }

        fn devices(&self) -> HostDevices {
            HostDevices::at(&self.0.path().join("sys"), &self.0.path().join("dev"))
        }
    }

    const TAPE: &[(&str, &[u8])] = &[
        ("type", b"1\n"),
        ("vendor", b"HP      \n"),
        ("model", b"Ultrium 4-SCSI  \n"),
        ("rev", b"U51W\n"),
        ("wwid", b"naa.500104f00048b29e\n"),
        ("vpd_pg80", b"\x01\x80\x00\x0aHU10123456"),
    ];

    #[test]
    fn tapes_changers_and_drives_are_found_by_address() {
        let tree = Tree(tempfile::tempdir().unwrap());
        tree.device("10:0:0:0", "sg1", &[("type", b"5\n"), ("wwid", b"t10.X\n")], Some(("block", "sr0")));
        tree.device("2:0:0:0", "sg0", TAPE, Some(("scsi_tape", "nst0")));
        tree.device("2:0:0:1", "sg2", &[("type", b"8\n")], None);
        tree.device("2:0:1:0", "sg3", &[("type", b"0\n")], None);
        let all = tree.devices().all();
        let short: Vec<_> = all.iter().map(|device| (device.address.as_str(), device.device_type)).collect();
        use DeviceType::{Burner, Changer, Tape};
        assert_eq!(short, [("2:0:0:0", Tape), ("2:0:0:1", Changer), ("10:0:0:0", Burner)]);
        let tape = &all[0];
        assert_eq!(tape.wwid, Wwid("naa.500104f00048b29e".into()));
        assert_eq!(
            (tape.description.product.as_str(), tape.description.serial.as_str()),
            ("Ultrium 4-SCSI", "HU10123456")
        );
        assert_eq!(all[1].wwid, Wwid("scsi.2:0:0:1".into()));
        let dev = tree.0.path().join("dev");
        fs::write(dev.join("st0m"), "").unwrap();
        for (file, found) in [("sg0", 0), ("nst0", 0), ("st0m", 0), ("sr0", 2), ("sg2", 1)] {
            assert_eq!(tree.devices().behind(&dev.join(file)).as_ref(), Some(&all[found]), "{file}");
        }
        assert_eq!(tree.devices().behind(&dev.join("sg3")), None);
    }

    #[test]
    fn two_paths_to_one_drive_are_one_device() {
        let tree = Tree(tempfile::tempdir().unwrap());
        tree.device("2:0:0:0", "sg0", TAPE, None);
        tree.device("3:0:0:0", "sg1", TAPE, None);
        assert_eq!((tree.devices().all().len(), tree.devices().distinct().len()), (2, 1));
    }

    #[test]
    fn the_best_designator_of_the_unit_is_its_name() {
        let page = |designators: &[u8]| [&[1, 0x83, 0, designators.len() as u8], designators].concat();
        let t10 = [&[2, 1, 0, 10][..], b"HP      S1"].concat();
        let naa = [1, 3, 0, 8, 0x50, 1, 4, 0xf0, 0, 0x48, 0xb2, 0x9e];
        // The target port's name is nobody's but the port's.
        let port = [1, 0x93, 0, 8, 0x50, 0, 0, 0, 0, 0, 0, 1];
        assert_eq!(designator(&page(&[&t10[..], &naa, &port].concat())).unwrap(), "naa.500104f00048b29e");
        assert_eq!(designator(&page(&t10)).unwrap(), "t10.HP      S1");
        assert_eq!(designator(&page(&port)), None);
        assert_eq!(designator(&page(&naa[..7])), None);
        assert_eq!(designator(&[]), None);
    }
}

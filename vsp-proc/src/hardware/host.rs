//! The VSP's own devices, as `/sys` shows them: whole disks, and what `storage` finds that can be attached.

use std::fs;
use std::path::{Path, PathBuf};

use storage::attached::{Description, HostDevice, HostDevices, Medium, Wwid};
use storage::statement::DeviceType;

use super::names::Class;
use super::{Found, Source};

/// SCSI peripheral device type of CD and DVD drives (SPC-4 table 143), as sysfs has it.
const CD_DVD: &str = "5";

/// All of them; several paths to one device are one.
pub(super) fn scan(sys: &Path) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    let disks = entries(&sys.join("block")).into_iter().filter_map(|name| disk(sys, &name));
    let attachable = HostDevices::at(sys, Path::new("/dev")).all().into_iter();
    for found in disks.chain(attachable.map(|device| attachable_device(sys, device))) {
        match all.iter_mut().find(|known| (known.class, &known.wwid) == (found.class, &found.wwid)) {
            Some(known) => {
                known.lunpaths.extend(found.lunpaths);
                known.host.extend(found.host);
            }
            None => all.push(found),
        }
    }
    all
}

fn entries(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names
}

fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A block device with hardware behind it that is no drive.
fn disk(sys: &Path, name: &str) -> Option<Found> {
    let home = sys.join("block").join(name);
    let device = fs::canonicalize(home.join("device")).ok()?;
    let own = |attribute: &str| line(&home.join(attribute));
    let of_device = |attribute: &str| line(&device.join(attribute));
    if of_device("type").as_deref() == Some(CD_DVD) {
        return None;
    }
    let wwid = own("wwid").or_else(|| of_device("wwid"));
    let wwid = wwid.or_else(|| own("serial").map(|serial| format!("serial.{serial}")));
    // A number is not the name of a vendor: that is what PCI has.
    let vendor = of_device("vendor").filter(|vendor| !vendor.starts_with("0x"));
    let driver = || device.join("driver").canonicalize().ok()?.file_name()?.to_str().map(str::to_owned);
    Some(Found {
        class: Class::Disk,
        device_type: None,
        wwid: Wwid(wwid.unwrap_or_else(|| format!("name.{name}"))),
        description: Description {
            vendor: vendor.or_else(driver).unwrap_or_default(),
            product: of_device("model").unwrap_or_else(|| name.to_owned()),
            revision: of_device("rev").or_else(|| of_device("firmware_rev")).unwrap_or_default(),
            serial: own("serial").or_else(|| of_device("serial")).unwrap_or_default(),
        },
        lunpaths: vec![lunpath(&device)],
        host: vec![Path::new("/dev").join(name)],
        medium: medium(&home),
        source: Source::Disk,
    })
}

/// Size of a block device in sysfs.
fn medium(home: &Path) -> Option<Medium> {
    let number = |attribute: &str| line(&home.join(attribute))?.parse::<u64>().ok();
    let sectors = number("size").filter(|sectors| *sectors > 0)?;
    let block_len = u32::try_from(number("queue/logical_block_size")?).ok()?;
    // In sectors of 512 bytes, whatever the device's own are.
    Some(Medium { len_bytes: sectors.saturating_mul(512), block_len })
}

/// A tape drive, media changer or CD/DVD drive.
fn attachable_device(sys: &Path, device: HostDevice) -> Found {
    let link = sys.join("bus/scsi/devices").join(&device.address);
    let special_name = device.special.as_deref().and_then(Path::file_name);
    let block = special_name.map(|name| sys.join("block").join(name));
    Found {
        class: match device.device_type {
            DeviceType::Tape => Class::Tape,
            DeviceType::Changer => Class::Autoch,
            _ => Class::Disk,
        },
        device_type: Some(device.device_type),
        wwid: device.wwid.clone(),
        description: device.description.clone(),
        lunpaths: vec![lunpath(&fs::canonicalize(&link).unwrap_or(link))],
        host: device.special.iter().chain([&device.generic]).cloned().collect(),
        medium: block.and_then(|home| medium(&home)),
        source: Source::Host(device),
    }
}

/// The lunpath hardware path of the device whose directory in sysfs this is: the PCI address of its adapter, the port
/// or target, and the logical unit.
fn lunpath(device: &Path) -> String {
    let parts = || device.components().filter_map(|part| part.as_os_str().to_str());
    let adapter = parts().filter_map(pci_address).next_back().unwrap_or_else(|| "255/255/0".to_owned());
    let last = device.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let numbers: Vec<u64> = last.split(':').filter_map(|number| number.parse().ok()).collect();
    let (target, lun) = match numbers[..] {
        [_, _, target, lun] => (target, lun),
        _ => (0, 0),
    };
    // The ports of an adapter may be hosts of their own, each with a target 0.
    let target = target | port_number(device).unwrap_or(0) << 8;
    let port = line(&device.join("sas_address")).unwrap_or_else(|| format!("{target:#x}"));
    // As eight bytes, the number being in the first two (SAM-5 clause 4.7).
    let lun = if lun == 0 { "0x0".to_owned() } else { format!("{:#x}", lun << 48) };
    format!("{adapter}.{port}.{lun}")
}

/// Which port of its adapter the device is at: a port of a SATA adapter, the first being 0; the ports of USB, `1-4.2` being
/// 0x42; the host of an adapter that is none of PCI's. None where the adapter is one host with many targets.
fn port_number(device: &Path) -> Option<u64> {
    let parts = || device.ancestors().filter_map(|path| Some((path, path.file_name()?.to_str()?)));
    let sata = || {
        let (path, name) = parts().find(|(_, name)| number_after(name, "ata").is_some())?;
        let port: u64 = line(&path.join("ata_port").join(name).join("port_no"))?.parse().ok()?;
        port.checked_sub(1)
    };
    let usb = || {
        let ports = parts().find_map(|(_, name)| {
            let (bus, ports) = name.split_once('-')?;
            bus.parse::<u32>().ok()?;
            ports.split('.').map(|port| port.parse::<u64>().ok()).collect::<Option<Vec<u64>>>()
        })?;
        Some(ports.into_iter().fold(0, |chain, port| chain << 4 | port & 0xf))
    };
    let elsewhere = || match parts().any(|(_, name)| pci_address(name).is_some()) {
        true => None,
        false => parts().find_map(|(_, name)| number_after(name, "host")),
    };
    sata().or_else(usb).or_else(elsewhere)
}

fn number_after(text: &str, prefix: &str) -> Option<u64> {
    text.strip_prefix(prefix)?.parse().ok()
}

/// `0000:00:1f.2` as `0/0/31/2`.
fn pci_address(text: &str) -> Option<String> {
    let (domain, rest) = text.split_once(':')?;
    let (bus, rest) = rest.split_once(':')?;
    let (device, function) = rest.split_once('.')?;
    let is_right = [domain.len(), bus.len(), device.len(), function.len()] == [4, 2, 2, 1];
    let number = |text| u32::from_str_radix(text, 16).ok().filter(|_| is_right);
    Some(format!("{}/{}/{}/{}", number(domain)?, number(bus)?, number(device)?, number(function)?))
}

/// The name of a disk that stays the same over restarts of the host, where there is one.
pub(super) fn persistent(device: &Path) -> PathBuf {
    let mut links: Vec<PathBuf> = entries(Path::new("/dev/disk/by-id"))
        .into_iter()
        .map(|name| Path::new("/dev/disk/by-id").join(name))
        .filter(|link| fs::canonicalize(link).is_ok_and(|target| target == device))
        .collect();
    links.sort_by_key(|link| link.as_os_str().len());
    links.into_iter().next().unwrap_or_else(|| device.to_owned())
}

/// The logical volume that HP-UX's name of its character device (`/dev/vg01/rlvol3`) means, where Linux has it without
/// the letter; any other path is itself.
pub(super) fn volume(path: &Path) -> PathBuf {
    let block = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix('r'));
    let block = block.map(|name| path.with_file_name(name));
    let is_meant = |block: &PathBuf| block.exists() && !path.exists();
    block.filter(is_meant).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_known_by_the_name_of_their_character_device() {
        let group = tree(&[("lvol1", ""), ("rlvol2", ""), ("lvol2", "")]);
        let means =
            |name: &str| volume(&group.path().join(name)).strip_prefix(group.path()).unwrap().to_owned();
        for (name, block) in
            [("rlvol1", "lvol1"), ("lvol1", "lvol1"), ("rlvol2", "rlvol2"), ("rlvol9", "rlvol9")]
        {
            assert_eq!(means(name), Path::new(block));
        }
    }

    /// A tree as the kernel shows it: `(path, text)`; a text that begins with `->` is a link.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.strip_prefix("->") {
                Some(target) => std::os::unix::fs::symlink(root.path().join(target), path).unwrap(),
                None => fs::write(path, format!("{text}\n")).unwrap(),
            }
        }
        root
    }

    #[test]
    fn devices_at_the_ports_of_one_adapter_have_paths_of_their_own() {
        let sata = "devices/pci0000:00/0000:00:1f.2/ata3";
        let root = tree(&[(&format!("{sata}/ata_port/ata3/port_no"), "3")]);
        let path = |device: &str| lunpath(&root.path().join(device));
        let second = "devices/pci0000:00/0000:00:1f.2/ata4/host3/target3:0:0/3:0:0:0";
        assert_eq!(path(&format!("{sata}/host2/target2:0:0/2:0:0:0")), "0/0/31/2.0x200.0x0");
        assert_eq!(path(second), "0/0/31/2.0x0.0x0", "nothing is known of its port");
        let usb = "devices/pci0000:00/0000:00:14.0/usb1";
        assert_eq!(
            path(&format!("{usb}/1-4/1-4.2/1-4.2:1.0/host6/target6:0:0/6:0:0:0")),
            "0/0/20/0.0x4200.0x0"
        );
        assert_eq!(
            path(&format!("{usb}/1-3/1-3:1.0/host7/target7:0:0/7:0:0:1")),
            "0/0/20/0.0x300.0x1000000000000"
        );
        let of_none = "devices/pseudo_0/adapter0/host2/target2:0:1/2:0:1:0";
        assert_eq!(path(of_none), "255/255/0.0x201.0x0");
        assert_eq!(
            path("devices/pci0000:00/0000:00:03.0/virtio0/host0/target0:0:1/0:0:1:0"),
            "0/0/3/0.0x1.0x0"
        );
        assert_eq!(path("devices/pci0000:00/0000:00:02.0/virtio1"), "0/0/2/0.0x0.0x0");
    }

    #[test]
    fn hardware_is_found_once_with_all_its_paths() {
        let sas = "devices/pci0000:00/0000:07:01.1/host3/target3:0:0/3:0:0:0";
        let (other, sata) = (
            "devices/pci0000:00/0000:01:01.1/host4/target4:0:2/4:0:2:1",
            "devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:6/0:0:6:0",
        );
        let in_dir = |directory: &str, name: &str| format!("{directory}/{name}");
        let wwid = "naa.500104f00048b29d";
        let mut files: Vec<(String, &str)> = Vec::new();
        for home in [sas, other] {
            files.extend(
                [("type", "1"), ("vendor", "STK     "), ("model", "T9940B          "), ("wwid", wwid)]
                    .map(|(name, text)| (in_dir(home, name), text)),
            );
        }
        files.push((in_dir(sas, "sas_address"), "0x500104f00048b29e"));
        files.push((in_dir(sas, "scsi_tape/nst0/dev"), "9:128"));
        files.extend(
            [("type", "5"), ("vendor", "TEAC"), ("model", "DW-224E"), ("block/sr0/dev", "11:0")]
                .map(|(name, text)| (in_dir(sata, name), text)),
        );
        files.extend(
            [("size", "8601600"), ("queue/logical_block_size", "2048")]
                .map(|(name, text)| (in_dir("devices/block/sr0", name), text)),
        );
        let links = [
            ("bus/scsi/devices/3:0:0:0", sas),
            ("bus/scsi/devices/4:0:2:1", other),
            ("bus/scsi/devices/0:0:6:0", sata),
            ("class/scsi_generic/sg0/device", sata),
            ("class/scsi_generic/sg2/device", sas),
            ("class/scsi_generic/sg3/device", other),
            ("block/sr0", "devices/block/sr0"),
            ("devices/block/sr0/device", sata),
            ("block/loop0", "devices/block/loop0"),
        ]
        .map(|(link, target)| (link.to_owned(), format!("->{target}")));
        files.push(("devices/block/loop0/size".into(), "8"));
        let all: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .chain(links.iter().map(|(link, target)| (link.as_str(), target.as_str())))
            .collect();
        let root = tree(&all);
        let found = scan(root.path());
        let [drive, tape] = &found[..] else { panic!("{} devices", found.len()) };
        assert_eq!(
            (drive.class, drive.device_type, drive.wwid.0.as_str()),
            (Class::Disk, Some(DeviceType::Burner), "scsi.0:0:6:0")
        );
        assert_eq!(drive.lunpaths, ["0/0/31/2.0x6.0x0"]);
        assert_eq!(drive.medium, Some(Medium { len_bytes: 4_300_800 << 10, block_len: 2048 }));
        assert_eq!((tape.class, tape.wwid.0.as_str()), (Class::Tape, wwid));
        assert_eq!(tape.lunpaths, ["0/7/1/1.0x500104f00048b29e.0x0", "0/1/1/1.0x2.0x1000000000000"]);
        assert_eq!((tape.description.vendor.as_str(), tape.host[0].to_str()), ("STK", Some("/dev/nst0")));
    }
}

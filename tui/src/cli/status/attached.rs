//! Who has the attached devices of a guest now.

use std::io::{self, Write};

use ipc::client::Client;
use ipc::io::IoDevice;
use ipc::message::DeviceDetail;

use crate::cli::failure::Failure;
use crate::cli::ioscan;

/// A table of them, where the guest has some.
pub(super) fn print(
    client: &mut Client,
    devices: &[DeviceDetail],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if !devices.iter().any(is_attached) {
        return Ok(());
    }
    match ioscan::devices(client, false) {
        Ok(known) => Ok(table(devices, &known, out)?),
        // Who has rights on a guest only is not told of others.
        Err(Failure::Refused(_)) => Ok(()),
        Err(failure) => Err(failure),
    }
}

fn is_attached(device: &DeviceDetail) -> bool {
    device.storage == "attach_path"
}

fn table(devices: &[DeviceDetail], known: &[IoDevice], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n[Attached Device Usage]")?;
    writeln!(out, "Bus Dev Tgt In use by            Device file")?;
    writeln!(out, "=== === === ==================== =========================")?;
    for device in devices.iter().filter(|device| is_attached(device)) {
        let found =
            known.iter().find(|known| known.lunpaths.iter().any(|(_, path)| *path == device.location));
        let holder = found.and_then(|found| found.in_use_by.as_deref()).unwrap_or("-");
        let file = found.and_then(|found| found.files.iter().find(|file| !file.starts_with("/dev/disk/")));
        let file = file.map_or("-", String::as_str);
        let DeviceDetail { bus, slot, target, .. } = device;
        writeln!(out, "{bus:>3} {slot:>3} {target:>3} {holder:<20} {file}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{detail, text};
    use super::*;

    #[test]
    fn holders_are_listed_by_place() {
        let known = IoDevice {
            class: "tape".into(),
            instance: 1,
            lun_path: "64000/0xfa00/0x0".into(),
            driver: "estape".into(),
            is_present: true,
            vendor: "STK".into(),
            product: "T9940B".into(),
            wwid: "naa.500104f00048b29d".into(),
            lunpaths: vec![(21, "0/7/1/1.0x500104f00048b29e.0x0".into())],
            files: vec!["/dev/rtape/tape1_BEST".into()],
            pass_through: "/dev/pt/pt_tape1".into(),
            host_path: None,
            in_use_by: Some("ivm2".into()),
            attaches_as: Some("tape".into()),
        };
        let lines = |known: &[IoDevice]| text(|out| table(&detail().devices, known, out));
        assert!(lines(&[known]).ends_with("\n  0   4   0 ivm2                 /dev/rtape/tape1_BEST\n"));
        assert!(lines(&[]).ends_with("\n  0   4   0 -                    -\n"));
    }
}

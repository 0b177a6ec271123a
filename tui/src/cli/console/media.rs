//! vMP's IN and EJ: discs of a guest's DVD drives come and go (hpvm.md 4.7, 6.7).
//!
//! A drive without a disc names where its next one comes from: a drive of the VSP, or a directory of ISO files. What is
//! written by everybody is not offered: a guest must not be given what anybody could have put there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ipc::message::{ClientToVsp, DeviceChange, DeviceDetail, Manner};

use super::menu::Menu;
use crate::cli::failure::{Failure, print_remarks};
use crate::cli::link;

impl Menu<'_> {
    /// IN: a disc into a drive that has none.
    pub(super) fn insert(&mut self) -> Result<(), Failure> {
        let devices = self.drives(|device| device.storage == "null")?;
        let Some(device) = self.choose_drive("Insertable Guest Devices", &devices)? else { return Ok(()) };
        let discs = discs(device);
        if discs.is_empty() {
            writeln!(self.out, "There is no disc in '{}'.", device.location)?;
            return Ok(());
        }
        writeln!(self.out, "Num File\n--------------------")?;
        for (n, disc) in discs.iter().enumerate() {
            writeln!(self.out, "[{}] {disc}", n + 1)?;
        }
        match self.choose("Enter menu item number or [Q] Quit: ", discs.len())? {
            Some(chosen) => self.change(loaded(device, &discs[chosen])),
            None => Ok(()),
        }
    }

    /// EJ: the disc out of a drive.
    pub(super) fn eject(&mut self) -> Result<(), Failure> {
        let devices = self.drives(|device| device.storage != "null")?;
        let Some(device) = self.choose_drive("Ejectable Guest Devices", &devices)? else { return Ok(()) };
        write!(self.out, "Confirm eject action [Y/N/Q]: ")?;
        self.out.flush()?;
        match self.input.line() {
            Ok(answer) if answer.eq_ignore_ascii_case("y") => self.change(emptied(device)),
            _ => Ok(()),
        }
    }

    fn drives(&mut self, is_wanted: impl Fn(&DeviceDetail) -> bool) -> Result<Vec<DeviceDetail>, Failure> {
        let mut devices = link::connect()?.guest(&self.guest_ref())?.devices;
        devices.retain(|device| device.device == "dvd" && is_wanted(device));
        Ok(devices)
    }

    fn choose_drive<'d>(
        &mut self,
        heading: &str,
        devices: &'d [DeviceDetail],
    ) -> Result<Option<&'d DeviceDetail>, Failure> {
        writeln!(self.out, "{heading}\nNum Hw-path (Bus,Slot,Tgt) Gdev\n{}", "-".repeat(44))?;
        for (n, device) in devices.iter().enumerate() {
            let DeviceDetail { bus, slot, target, device, .. } = device;
            writeln!(self.out, "[{}] 0/{bus}/{slot}/0.{target}.0 ({bus},{slot},{target}) {device}", n + 1)?;
        }
        let chosen = self.choose("Enter menu item or [Q] Quit: ", devices.len())?;
        Ok(chosen.map(|chosen| &devices[chosen]))
    }

    /// The place of what was chosen out of so many; nothing for Q, the end of the input, or where nothing is to be chosen.
    pub(super) fn choose(&mut self, question: &str, count: usize) -> Result<Option<usize>, Failure> {
        if count == 0 {
            return Ok(None);
        }
        loop {
            write!(self.out, "{question}")?;
            self.out.flush()?;
            let Ok(answer) = self.input.line() else { return Ok(None) };
            match answer.parse::<usize>() {
                Ok(number) if (1..=count).contains(&number) => return Ok(Some(number - 1)),
                _ if answer.eq_ignore_ascii_case("q") => return Ok(None),
                _ => writeln!(self.out, "Invalid menu item.")?,
            }
        }
    }

    fn change(&mut self, statement: String) -> Result<(), Failure> {
        let mut client = link::connect()?;
        let done = client.request(&ClientToVsp::ModifyGuest {
            guest: self.guest_ref(),
            settings: Vec::new(),
            devices: vec![DeviceChange::Modify(statement.clone())],
            manner: Manner::Normal,
        })?;
        print_remarks(super::SPEC.classic, &done.remarks);
        let pending = client.guest(&self.guest_ref())?.pending;
        if pending.iter().any(|change| change.ends_with(&statement)) {
            writeln!(self.out, "The change takes effect at the next start of the guest.")?;
        }
        Ok(())
    }
}

/// Discs that can be put into an empty drive, by path.
fn discs(device: &DeviceDetail) -> Vec<String> {
    let directory = Path::new(&device.location);
    if !directory.is_dir() {
        return vec![device.location.clone()];
    }
    let found = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_offered = |path: &std::path::PathBuf| {
        let is_iso = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("iso"));
        is_iso
            && fs::metadata(path)
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o002 == 0)
    };
    let mut discs: Vec<String> =
        found.filter(is_offered).filter_map(|path| path.into_os_string().into_string().ok()).collect();
    discs.sort();
    discs
}

fn statement(device: &DeviceDetail, storage: &str, location: &str) -> String {
    let DeviceDetail { adapter, bus, slot, target, device, .. } = device;
    format!("{device}:{adapter}:{bus},{slot},{target}:{storage}:{location}")
}

/// The drive with this disc.
fn loaded(device: &DeviceDetail, disc: &str) -> String {
    let storage = if Path::new(disc).is_file() { "file" } else { "disk" };
    statement(device, storage, disc)
}

/// The drive without its disc: the next one comes from the same drive, or the same directory.
fn emptied(device: &DeviceDetail) -> String {
    let location = match device.storage.as_str() {
        "file" => Path::new(&device.location).parent().and_then(Path::to_str).unwrap_or("/"),
        _ => &device.location,
    };
    statement(device, "null", location)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dvd(storage: &str, location: &str) -> DeviceDetail {
        DeviceDetail {
            device: "dvd".into(),
            adapter: "avio_stor".into(),
            bus: 7,
            slot: 7,
            target: 127,
            storage: storage.into(),
            location: location.into(),
            statement: String::new(),
            size_bytes: None,
        }
    }

    #[test]
    fn discs_go_back_to_where_they_came_from() {
        assert_eq!(emptied(&dvd("file", "/iso/a.iso")), "dvd:avio_stor:7,7,127:null:/iso");
        assert_eq!(emptied(&dvd("disk", "/dev/sr0")), "dvd:avio_stor:7,7,127:null:/dev/sr0");
        assert_eq!(loaded(&dvd("null", "/dev/sr0"), "/dev/sr0"), "dvd:avio_stor:7,7,127:disk:/dev/sr0");
    }

    #[test]
    fn only_iso_files_that_not_everybody_writes_are_offered() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["b.iso", "a.ISO", "open.iso", "notes.txt"] {
            fs::write(path(name), b"").unwrap();
            fs::set_permissions(path(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(path("open.iso"), fs::Permissions::from_mode(0o666)).unwrap();
        let text = |name: &str| path(name).display().to_string();
        let offered = discs(&dvd("null", &directory.path().display().to_string()));
        assert_eq!(offered, [text("a.ISO"), text("b.iso")]);
        assert_eq!(discs(&dvd("null", "/dev/sr0")), ["/dev/sr0"]);
        let loaded = loaded(&dvd("null", "/x"), &text("b.iso"));
        assert_eq!(loaded, format!("dvd:avio_stor:7,7,127:file:{}", text("b.iso")));
    }
}

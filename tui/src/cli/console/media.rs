//! vMP's IN and EJ: discs of a guest's DVD drives come and go (hpvm.md 4.7, 6.7).
//!
//! A drive without a disc names where its next one comes from: a drive of the VSP, or a directory of ISO files. Which of
//! them there are, the VSP says.

use ipc::message::{ClientToVsp, DeviceDetail};

use super::menu::Menu;
use crate::cli::failure::{Failure, print_remarks};
use crate::cli::link;

impl Menu<'_> {
    /// IN: a disc into a drive that has none.
    pub(super) fn insert(&mut self) -> Result<(), Failure> {
        let devices = self.drives(|device| device.storage == "null")?;
        let Some(device) = self.choose_drive("Insertable Guest Devices", &devices)? else { return Ok(()) };
        let &DeviceDetail { bus, slot, target, .. } = device;
        let discs = link::connect()?.discs(&self.guest_ref(), (bus, slot, target))?;
        if discs.is_empty() {
            writeln!(self.out, "There is no disc in '{}'.", device.location)?;
            return Ok(());
        }
        writeln!(self.out, "Num File\n--------------------")?;
        for (n, disc) in discs.iter().enumerate() {
            writeln!(self.out, "[{}] {disc}", n + 1)?;
        }
        match self.choose("Enter menu item number or [Q] Quit: ", discs.len())? {
            Some(chosen) => self.change(device, Some(discs[chosen].clone())),
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
            Ok(answer) if answer.eq_ignore_ascii_case("y") => self.change(device, None),
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

    fn change(&mut self, device: &DeviceDetail, disc: Option<String>) -> Result<(), Failure> {
        let &DeviceDetail { bus, slot, target, .. } = device;
        let request = ClientToVsp::ChangeDisc { guest: self.guest_ref(), bus, slot, target, disc };
        let done = link::connect()?.request(&request)?;
        print_remarks(super::SPEC.classic, &done.remarks);
        Ok(())
    }
}

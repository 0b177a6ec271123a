//! `hpvmdevinfo`: which device of the VSP is behind which device of a guest (hpvm.md 4.12).
//!
//! What a guest calls a device is its own affair; the VSP knows the hardware path there, which an HP-UX 11i v3 guest shows
//! as the lunpath (hpvm.md 6.9).

use std::io::{self, Write};

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::{DeviceDetail, GuestDetail};

use super::failure::Failure;
use super::guest::Chosen;
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "devinfo",
    classic: "hpvmdevinfo",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Map devices of guests to devices of the VSP").after_help(
            "The device of the guest is the hardware path at which it finds it. -M prints nine fields: guest, device \
             type, bus, device, target, LUN, backing store type, device of the VSP, device of the guest.",
        ))
    },
    run,
};

#[derive(Args)]
struct Options {
    #[command(flatten)]
    chosen: Chosen,
    /// Verbose: a line for each property
    #[arg(short = 'V', conflicts_with = "machine")]
    verbose: bool,
    /// Machine-readable: a line for each device, fields separated by colons
    #[arg(short = 'M')]
    machine: bool,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let mut client = link::connect()?;
    let guests = match options.chosen.guest() {
        Some(guest) => vec![client.guest(&guest)?],
        None => client.all_guests()?,
    };
    match (options.machine, options.verbose) {
        (true, _) => machine(&guests, out),
        (_, true) => verbose(&guests, out),
        _ => table(&guests, out),
    }?;
    Ok(())
}

/// Devices with the names of their guests.
fn devices(guests: &[GuestDetail]) -> impl Iterator<Item = (&str, &DeviceDetail)> {
    guests.iter().flat_map(|guest| guest.devices.iter().map(|device| (guest.summary.name.as_str(), device)))
}

fn guest_path(device: &DeviceDetail) -> String {
    format!("0/{}/{}/0.{:#x}.0x0", device.bus, device.slot, device.target)
}

fn table(guests: &[GuestDetail], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "Virtual Machine Name Device Type Bus,Device,Target Backing Store Type Host Device Name           Virtual Machine Device Name"
    )?;
    writeln!(
        out,
        "==================== =========== ================= ================== ========================== ==========================="
    )?;
    devices(guests).try_for_each(|(guest, device)| {
        let DeviceDetail { device: kind, bus, slot, target, storage, location, .. } = device;
        let address = format!("{bus},{slot},{target}");
        let path = guest_path(device);
        writeln!(out, "{guest:<20} {kind:<11} {address:<17} {storage:<18} {location:<26} {path}")
    })
}

fn machine(guests: &[GuestDetail], out: &mut dyn Write) -> io::Result<()> {
    devices(guests).try_for_each(|(guest, device)| {
        let DeviceDetail { device: kind, bus, slot, target, storage, location, .. } = device;
        // A colon in a path would be taken for the end of the field.
        let location = location.replace(':', "%3A");
        let path = guest_path(device);
        writeln!(out, "{guest}:{kind}:{bus}:{slot}:{target}:0:{storage}:{location}:{path}")
    })
}

fn verbose(guests: &[GuestDetail], out: &mut dyn Write) -> io::Result<()> {
    for (guest, device) in devices(guests) {
        let lines = [
            ("Virtual Machine Name", guest.to_owned()),
            ("Device Type", device.device.clone()),
            ("Bus,Device,Target", format!("{},{},{}", device.bus, device.slot, device.target)),
            ("Backing Store Type", device.storage.clone()),
            ("Host Device Name", device.location.clone()),
            ("Virtual Machine Device Name", guest_path(device)),
        ];
        lines.iter().try_for_each(|(label, value)| writeln!(out, "{label:<27}: {value}"))?;
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::status::samples::{detail, text};
    use super::*;

    #[test]
    fn devices_are_a_table_lines_or_fields() {
        let guests = [detail()];
        insta::assert_snapshot!("table", text(|out| table(&guests, out)));
        insta::assert_snapshot!("verbose", text(|out| verbose(&guests, out)));
        let lines = text(|out| machine(&guests, out));
        let fields: Vec<&str> = lines.lines().next().unwrap().split(':').collect();
        assert_eq!((fields[1], fields[7], fields[8]), ("disk", "/dev/rdisk/disk17", "0/0/2/0.0x0.0x0"));
        assert_eq!(fields.len(), 9);
    }
}

//! `hpvmdevtranslate`: what a path of the host is, which name of it stays, and who uses it.
//!
//! HPVM's command translated legacy device files to persistent ones; Linux has the same two kinds of names in `/dev/sdX`
//! and `/dev/disk/by-id`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use ipc::client::Client;
use ipc::device::{DeviceEntry, DeviceFilter, DeviceKind, DeviceRequest};
use ipc::io::IoDevice;
use ipc::message::{ClientToVsp, DeviceDetail, GuestRef, VspToClient};

use super::failure::Failure;
use super::host_path::{HostPath, Kind};
use super::{Spec, ioscan, link};
use crate::view::format;

pub(super) const SPEC: Spec = Spec {
    name: "devtranslate",
    classic: "hpvmdevtranslate",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Tell what a path of the host is and who uses it").after_help(
            "For a guest the names are listed that its devices should have instead, since names like /dev/sda may mean \
             another disk after the host's next start.",
        ))
        .group(ArgGroup::new("what").required(true).args(["guest", "number", "paths"]))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Devices of this guest, by name
    #[arg(short = 'P', value_name = "vm-name")]
    guest: Option<String>,
    /// Devices of this guest, by number
    #[arg(short = 'p', value_name = "vm-number")]
    number: Option<u32>,
    /// Files, directories, disks, volumes or drives of the host
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let guest = options.guest.map(GuestRef::Name).or(options.number.map(GuestRef::Number));
    if let Some(guest) = guest {
        let detail = link::connect()?.guest(&guest)?;
        for device in &detail.devices {
            translate(device, out)?;
        }
        return Ok(());
    }
    // Who uses a device is only known where there is a VSP; what it is needs none.
    let (entries, devices) = match link::connect_running()? {
        Some(mut client) => (list(&mut client)?, ioscan::devices(&mut client, false)?),
        None => Default::default(),
    };
    let mut is_missing = false;
    for path in &options.paths {
        let name = path.to_string_lossy();
        let device = devices.iter().find(|device| ioscan::is_called(device, &name));
        // What the host has by this name says more, if it can be a backing store.
        let found = HostPath::examine(path);
        let is_store = found.as_ref().is_ok_and(|found| found.kind != Kind::Character);
        if let Some(device) = device.filter(|_| !is_store) {
            describe_device(&name, device, &entries, out)?;
            continue;
        }
        match found {
            Ok(found) => describe(path, &found, &entries, out)?,
            Err(error) => {
                is_missing = true;
                let text = match error.kind() {
                    io::ErrorKind::NotFound => format!("Device '{}' does not exist.", path.display()),
                    _ => format!("Device '{}' cannot be used: {error}.", path.display()),
                };
                eprintln!("{}: {text}", SPEC.classic);
            }
        }
    }
    if is_missing { Err(Failure::Silent) } else { Ok(()) }
}

fn list(client: &mut Client) -> Result<Vec<DeviceEntry>, Failure> {
    let request = DeviceRequest::List { kind: None, filter: DeviceFilter::All };
    match client.request_with(&ClientToVsp::Devices(request), |_| {})? {
        VspToClient::Devices(entries) => Ok(entries),
        _ => Err(ipc::client::ClientError::Unexpected.into()),
    }
}

/// One device of a guest, and the statement it should have.
fn translate(device: &DeviceDetail, out: &mut dyn Write) -> io::Result<()> {
    let statement = &device.statement;
    let Ok(found) = HostPath::examine(Path::new(&device.location)) else {
        let text = if device.location.starts_with('/') { "does not exist" } else { "not a path" };
        return writeln!(out, "{statement} ({text})");
    };
    let stays = found.persistent.is_empty()
        || found.persistent.iter().any(|name| name == Path::new(&device.location))
        || device.location.starts_with("/dev/disk/");
    match found.persistent.first() {
        Some(name) if !stays => {
            let before = &statement[..statement.len() - device.location.len()];
            writeln!(out, "{statement} -> {before}{}", name.display())
        }
        _ => writeln!(out, "{statement}"),
    }
}

/// A device by one of the names the VSP gave it.
fn describe_device(
    name: &str,
    device: &IoDevice,
    entries: &[DeviceEntry],
    out: &mut dyn Write,
) -> io::Result<()> {
    let IoDevice { vendor, product, class, instance, lun_path, .. } = device;
    let mut lines =
        vec![("Kind", format!("{class}{instance}, {vendor} {product}")), ("Hardware path", lun_path.clone())];
    lines.extend(device.host_path.iter().map(|path| ("Real path", path.clone())));
    lines.extend(device.lunpaths.iter().map(|(_, path)| ("Lunpath", path.clone())));
    lines.extend(device.lunpaths.first().map(|(_, path)| {
        let statement = match (&device.attaches_as, &device.host_path) {
            (Some(kind), _) => format!("{kind}:avio_stor::attach_path:{path}"),
            (None, Some(host)) => format!("disk:avio_stor::disk:{host}"),
            (None, None) => "none: it is not there".to_owned(),
        };
        ("Resource statement", statement)
    }));
    let is_same = |entry: &&DeviceEntry| {
        entry.kind == DeviceKind::Gdev && entry.names.iter().any(|name| ioscan::is_called(device, name))
    };
    for entry in entries.iter().filter(is_same).filter(|entry| !entry.dependents.is_empty()) {
        lines.push(("Used by", entry.dependents.join(", ")));
    }
    lines.extend(device.in_use_by.iter().map(|holder| ("In use by", holder.clone())));
    writeln!(out, "{name}")?;
    lines.iter().try_for_each(|(label, value)| writeln!(out, "    {label:<19}: {value}"))
}

fn describe(path: &Path, found: &HostPath, entries: &[DeviceEntry], out: &mut dyn Write) -> io::Result<()> {
    let mut lines = vec![("Kind", found.kind.text())];
    if found.canonical != path {
        lines.push(("Real path", found.canonical.display().to_string()));
    }
    if let Some(size) = found.size_bytes {
        let allocated = found.allocated_bytes.filter(|allocated| *allocated < size);
        let allocated =
            allocated.map(|bytes| format!(", {} allocated", format::bytes(bytes))).unwrap_or_default();
        lines.push(("Size", format!("{}{allocated}", format::bytes(size))));
    }
    lines.extend(found.persistent.iter().map(|name| ("Persistent name", name.display().to_string())));
    lines.push(match found.statement() {
        Ok(statement) => ("Resource statement", statement),
        Err(reason) => ("Resource statement", format!("none: {reason}")),
    });
    let is_same = |entry: &&DeviceEntry| entry.names.iter().any(|name| found.is_same(name));
    for entry in entries.iter().filter(is_same) {
        match entry.kind {
            DeviceKind::Rdev => lines.push(("Restricted", "not for guests (rdev)".into())),
            DeviceKind::Gdev if entry.dependents.is_empty() => lines.push(("Used by", "no guest".into())),
            DeviceKind::Gdev => lines.push(("Used by", entry.dependents.join(", "))),
            DeviceKind::Env | DeviceKind::Server => {}
        }
        let shared = ("SHARE".to_owned(), "YES".to_owned());
        if entry.attributes.contains(&shared) {
            lines.push(("Shared", "by running guests (SHARE=YES)".into()));
        }
    }
    writeln!(out, "{}", path.display())?;
    lines.iter().try_for_each(|(label, value)| writeln!(out, "    {label:<19}: {value}"))
}

//! `hpvminfo`: is this a VSP or a guest, and which.

use std::fs;
use std::io::Write;

use clap::{ArgMatches, Args, FromArgMatches};
use ipc::message::VspStatus;

use super::failure::Failure;
use super::{Spec, link};
use crate::view::format;

pub(super) const SPEC: Spec = Spec {
    name: "info",
    classic: "hpvminfo",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Tell whether this is a VSP or a guest, and about the VSP"))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Verbose: about this VSP, a line each
    #[arg(short = 'V', conflicts_with = "machine")]
    verbose: bool,
    /// Machine-readable: one line, fields separated by colons: kind, host name, version, processors, memory in MB, and
    /// while the VSP runs its process, guests and running guests
    #[arg(short = 'M')]
    machine: bool,
}

/// What the host says of itself.
struct Host {
    name: String,
    system: String,
    processors: usize,
    memory_bytes: u64,
    serial: Option<String>,
}

impl Host {
    fn of_this_machine() -> Host {
        let system = rustix::system::uname();
        let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
        let serial = fs::read_to_string("/sys/class/dmi/id/product_serial").ok();
        let info = rustix::system::sysinfo();
        Host {
            name: text(system.nodename()),
            system: [system.sysname(), system.release(), system.machine()].map(text).join(" "),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: info.totalram.saturating_mul(info.mem_unit.into()),
            serial: serial.map(|serial| serial.trim().to_owned()).filter(|serial| !serial.is_empty()),
        }
    }
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    if !options.verbose && !options.machine {
        writeln!(out, "hpvminfo: Running on an HPVM host.")?;
        return Ok(());
    }
    let host = Host::of_this_machine();
    let status = match link::connect_running()? {
        Some(mut client) => Some(client.status()?),
        None => None,
    };
    match options.machine {
        true => writeln!(out, "{}", machine(&host, status.as_ref()))?,
        false => verbose(&host, status.as_ref(), out)?,
    }
    Ok(())
}

fn machine(host: &Host, status: Option<&VspStatus>) -> String {
    let mut fields = vec![
        "VSP".to_owned(),
        host.name.clone(),
        env!("CARGO_PKG_VERSION").to_owned(),
        host.processors.to_string(),
        (host.memory_bytes >> 20).to_string(),
    ];
    match status {
        Some(status) => fields.extend([status.pid, status.guests, status.running].map(|n| n.to_string())),
        None => fields.extend([const { String::new() }; 3]),
    }
    fields.join(":")
}

fn verbose(host: &Host, status: Option<&VspStatus>, out: &mut dyn Write) -> std::io::Result<()> {
    let mut lines = vec![
        ("Hostname", host.name.clone()),
        ("Host system", host.system.clone()),
        ("Processors", host.processors.to_string()),
        ("Memory", format!("{} MB", host.memory_bytes >> 20)),
    ];
    lines.extend(host.serial.clone().map(|serial| ("VSP Host serial number", serial)));
    lines.push(("Version", env!("CARGO_PKG_VERSION").to_owned()));
    match status {
        None => lines.push(("VSP", "not running".to_owned())),
        Some(status) => lines.extend([
            ("VSP process", status.pid.to_string()),
            ("State directory", status.root.clone()),
            ("VSP running since", format::moment(status.since_micros)),
            ("Number of guests", status.guests.to_string()),
            ("Number of running guests", status.running.to_string()),
        ]),
    }
    lines.iter().try_for_each(|(label, value)| writeln!(out, "{label:<26}: {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_readable_line_has_a_fixed_number_of_fields() {
        let host = Host {
            name: "vsp1".into(),
            system: "Linux 6.1.0 x86_64".into(),
            processors: 8,
            memory_bytes: 16 << 30,
            serial: None,
        };
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(machine(&host, None), format!("VSP:vsp1:{version}:8:16384:::"));
        let status = VspStatus {
            build: version.into(),
            pid: 42,
            root: "/r".into(),
            since_micros: 0,
            guests: 3,
            running: 1,
            clients: 1,
        };
        assert_eq!(machine(&host, Some(&status)), format!("VSP:vsp1:{version}:8:16384:42:3:1"));
    }
}

//! `hpvmstatus`: guests as tables, in HPVM's layouts.

use std::io::{self, Write};

use clap::{ArgGroup, ArgMatches, Args, FromArgMatches};
use ipc::message::{Grant, GuestDetail, GuestRef, GuestState, GuestSummary, Rights, StartAttribute};

use super::amount;
use super::failure::Failure;
use super::{Spec, link};

pub(super) const SPEC: Spec = Spec {
    name: "status",
    classic: "hpvmstatus",
    is_linked: true,
    augment: |command| {
        Options::augment_args(command.about("Show guests"))
            .group(ArgGroup::new("guest").args(["name", "number"]))
            .group(ArgGroup::new("form").args(["verbose", "devices", "original", "machine"]))
    },
    run,
};

#[derive(Args)]
struct Options {
    /// Guest, by name
    #[arg(short = 'P', value_name = "vm-name")]
    name: Option<String>,
    /// Guest, by number
    #[arg(short = 'p', value_name = "vm-number")]
    number: Option<u32>,
    /// Verbose: everything, a line each
    #[arg(short = 'V')]
    verbose: bool,
    /// Devices as resource statements
    #[arg(short = 'd', requires = "guest")]
    devices: bool,
    /// Devices as configured, before any change of media
    #[arg(short = 'D', requires = "guest")]
    original: bool,
    /// Machine-readable: a line for each guest, fields separated by colons
    #[arg(short = 'M')]
    machine: bool,
}

fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let options = Options::from_arg_matches(matches)?;
    let mut client = link::connect()?;
    let guest = match (&options.name, options.number) {
        (Some(name), _) => Some(GuestRef::Name(name.clone())),
        (None, number) => number.map(GuestRef::Number),
    };
    if let Some(guest) = guest {
        let detail = client.guest(&guest)?;
        match () {
            _ if options.verbose => {
                writeln!(out, "[Virtual Machines Details]")?;
                verbose(&detail, out)
            }
            _ if options.devices || options.original => statements(&detail, out),
            _ if options.machine => machine(&detail, out),
            _ => details(&detail, out),
        }?;
        return Ok(());
    }
    let guests = client.guests()?;
    if guests.is_empty() {
        writeln!(out, "{}: No vPars or VMs currently configured.", SPEC.classic)?;
        return Ok(());
    }
    if !options.verbose && !options.machine {
        summary(&guests, out)?;
        return Ok(());
    }
    if options.verbose {
        writeln!(out, "[Virtual Machines]")?;
    }
    for guest in guests.iter().filter(|guest| guest.state != GuestState::Invalid) {
        let detail = client.guest(&GuestRef::Name(guest.name.clone()))?;
        match options.verbose {
            true => verbose(&detail, out)?,
            false => machine(&detail, out)?,
        }
    }
    Ok(())
}

fn summary(guests: &[GuestSummary], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "[Virtual Machines]")?;
    writeln!(out, "Virtual Machine Name VM #  Type OS Type State     #VCPUs #Devs #Nets Memory")?;
    writeln!(out, "==================== ===== ==== ======= ========= ====== ===== ===== =======")?;
    for guest in guests {
        let GuestSummary { name, number, os_type, state, vcpus, devices, networks, .. } = guest;
        let memory = amount::memory(guest.memory_bytes);
        writeln!(
            out,
            "{name:<20} {number:>5} SH   {os_type:<7} {state:<9} {vcpus:>6} {devices:>5} {networks:>5} {memory:>7}"
        )?;
    }
    Ok(())
}

pub(super) fn details(guest: &GuestDetail, out: &mut dyn Write) -> io::Result<()> {
    let GuestSummary { name, number, os_type, state, vcpus, .. } = &guest.summary;
    writeln!(out, "[Virtual Machine Details]")?;
    writeln!(out, "Virtual Machine Name VM #  Type OS Type State")?;
    writeln!(out, "==================== ===== ==== ======= =========")?;
    writeln!(out, "{name:<20} {number:>5} SH   {os_type:<7} {state:<9}")?;
    if let Some(reason) = &guest.summary.reason {
        writeln!(out, "Last run: {reason}")?;
    }
    writeln!(out, "\n[Authorized Administrators]")?;
    let with = |grants: &[Grant], rights| {
        let names: Vec<&str> = grants
            .iter()
            .filter(|grant| grant.rights == Some(rights))
            .map(|grant| grant.name.as_str())
            .collect();
        names.join(" ")
    };
    writeln!(out, "Oper Groups:  {}", with(&guest.groups, Rights::Oper))?;
    writeln!(out, "Admin Groups: {}", with(&guest.groups, Rights::Admin))?;
    writeln!(out, "Oper Users:   {}", with(&guest.users, Rights::Oper))?;
    writeln!(out, "Admin Users:  {}", with(&guest.users, Rights::Admin))?;
    writeln!(out, "\n[Virtual CPU Details]")?;
    writeln!(out, "#vCPUs Entitlement Maximum")?;
    writeln!(out, "====== =========== =======")?;
    let entitlement = format!("{}.0%", guest.entitlement_percent);
    let maximum = format!("{}.0%", guest.entitlement_max_percent);
    writeln!(out, "{vcpus:>6} {entitlement:>11} {maximum:>7}")?;
    writeln!(out, "\n[Memory Details]")?;
    writeln!(out, "Total    Reserved")?;
    writeln!(out, "Memory   Memory  ")?;
    writeln!(out, "=======  ========")?;
    writeln!(out, "{:>7}  {:>8}", amount::memory(guest.summary.memory_bytes), "64 MB")?;
    writeln!(out, "\n[Storage Interface Details]")?;
    device_heading(out)?;
    for device in &guest.devices {
        writeln!(
            out,
            "{:<7} {:<10} {:>3} {:>3}   0 {:>3}   0 {:<9} {}",
            device.device,
            device.adapter,
            device.bus,
            device.slot,
            device.target,
            device.storage,
            device.location
        )?;
    }
    writeln!(out, "\n[Network Interface Details]")?;
    writeln!(out, "Interface Adaptor    Name/Num   PortNum Bus Dev Ftn Mac Address")?;
    writeln!(out, "========= ========== ========== ======= === === === =================")?;
    writeln!(out, "\n[Misc Interface Details]")?;
    device_heading(out)?;
    writeln!(out, "serial  com1                           tty       console")
}

fn device_heading(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Guest                                 Physical")?;
    writeln!(out, "Device  Adaptor    Bus Dev Ftn Tgt Lun Storage   Device")?;
    writeln!(out, "======= ========== === === === === === ========= =========================")
}

fn statements(guest: &GuestDetail, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "[Virtual Machine Devices]\n")?;
    writeln!(out, "[Storage Interface Details]")?;
    for device in &guest.devices {
        writeln!(out, "{}", device.statement)?;
    }
    writeln!(out, "\n[Network Interface Details]")?;
    writeln!(out, "\n[Misc Interface Details]")?;
    writeln!(out, "serial:com1::tty:console")
}

fn start_word(guest: &GuestDetail) -> &'static str {
    match guest.start {
        StartAttribute::Auto => "Auto",
        StartAttribute::Manual => "Manual",
    }
}

fn verbose(guest: &GuestDetail, out: &mut dyn Write) -> io::Result<()> {
    let summary = &guest.summary;
    let mut lines = vec![
        ("Virtual Machine Name", summary.name.clone()),
        ("Virtual Machine UUID", summary.uuid.to_string()),
        ("Virtual Machine ID", summary.number.to_string()),
        ("Virtual Machine Label", guest.label.clone()),
        ("VM's Config Version", "1".into()),
        ("Operating System", summary.os_type.clone()),
        ("State", summary.state.to_string()),
        ("Virtual Machine Type", "Shared".into()),
        ("Start type", start_word(guest).into()),
        ("Number of virtual CPUs", summary.vcpus.to_string()),
        ("Number of devices", summary.devices.to_string()),
        ("Number of networks", summary.networks.to_string()),
        ("Memory", amount::memory(summary.memory_bytes)),
        ("Entitlement", format!("{}.0%", guest.entitlement_percent)),
        ("Maximum entitlement", format!("{}.0%", guest.entitlement_max_percent)),
    ];
    lines.extend(summary.pid.map(|pid| ("Guest process", pid.to_string())));
    lines.extend(summary.since_micros.map(|since| ("Uptime", uptime(since))));
    lines.extend(summary.reason.clone().map(|reason| ("Last run", reason)));
    for (label, value) in &lines {
        writeln!(out, "{label:<26}: {value}")?;
    }
    for (keyword, value) in &guest.keywords {
        writeln!(out, "{keyword:<26}: {value}")?;
    }
    for change in &guest.pending {
        writeln!(out, "{:<26}: {change}", "At the next start")?;
    }
    writeln!(out, "\n[Storage Interface Details]")?;
    for device in &guest.devices {
        let lines = [
            ("Guest Device type", device.device.clone()),
            ("Guest Adaptor type", device.adapter.clone()),
            ("Bus", device.bus.to_string()),
            ("Device", device.slot.to_string()),
            ("Function", "0".into()),
            ("Target", device.target.to_string()),
            ("Lun", "0".into()),
            ("Physical Storage type", device.storage.clone()),
            ("Physical device", device.location.clone()),
        ];
        for (label, value) in lines {
            writeln!(out, "{label:<26}:{value}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Time since a moment, as `2 days 03:04:05`.
fn uptime(since_micros: i64) -> String {
    let micros = jiff::Timestamp::now().as_microsecond() - since_micros;
    let seconds = micros.max(0) / 1_000_000;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match seconds / 86400 {
        0 => clock,
        days => format!("{days} days {clock}"),
    }
}

/// HPVM's `-M`: of its many fields those are filled whose meaning is known.
fn machine(guest: &GuestDetail, out: &mut dyn Write) -> io::Result<()> {
    let summary = &guest.summary;
    let (memory, unit) = amount::split(summary.memory_bytes);
    let mut fields = vec![String::new(); 21];
    fields[0].clone_from(&summary.name);
    fields[2] = summary.number.to_string();
    fields[4] = "Integrity VM".into();
    fields[10] = if summary.state.is_on() { "On" } else { "Off" }.into();
    fields[11] = start_word(guest).into();
    fields[19] = format!("{};", summary.vcpus);
    fields[20] = format!("{memory}{unit};");
    writeln!(out, "{}", fields.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::message::DeviceDetail;

    fn guest(name: &str, number: u32, os_type: &str, state: GuestState) -> GuestSummary {
        GuestSummary {
            name: name.into(),
            number,
            uuid: uuid::Uuid::from_u128(0x24a7bfa4_b1b2_11e2_8400_b499ba6430e0),
            os_type: os_type.into(),
            state,
            vcpus: 2,
            devices: 1,
            networks: 1,
            memory_bytes: 2 << 30,
            pid: None,
            since_micros: None,
            reason: None,
            stats: None,
        }
    }

    fn detail() -> GuestDetail {
        GuestDetail {
            summary: guest("ivm1", 8, "HPUX", GuestState::Off),
            label: String::new(),
            start: StartAttribute::Manual,
            entitlement_percent: 10,
            entitlement_max_percent: 100,
            groups: vec![],
            users: vec![],
            devices: vec![DeviceDetail {
                device: "disk".into(),
                adapter: "avio_stor".into(),
                bus: 0,
                slot: 2,
                target: 0,
                storage: "disk".into(),
                location: "/dev/rdisk/disk17".into(),
                statement: "disk:avio_stor:0,2,0:disk:/dev/rdisk/disk17".into(),
                size_bytes: None,
            }],
            keywords: vec![],
            pending: vec![],
        }
    }

    fn text(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The guide's own table, with the spacing of the columns as V6.x has them.
    #[test]
    fn summary_is_hpvm_s_table() {
        let guests =
            [guest("vm1", 9, "HPUX", GuestState::OnOs), guest("longer", 11, "LINUX", GuestState::OnEfi)];
        assert_eq!(
            text(|out| summary(&guests, out)),
            "[Virtual Machines]\n\
             Virtual Machine Name VM #  Type OS Type State     #VCPUs #Devs #Nets Memory\n\
             ==================== ===== ==== ======= ========= ====== ===== ===== =======\n\
             vm1                      9 SH   HPUX    On (OS)        2     1     1    2 GB\n\
             longer                  11 SH   LINUX   On (EFI)       2     1     1    2 GB\n"
        );
    }

    #[test]
    fn details_have_the_lines_that_scripts_read() {
        let text = text(|out| details(&detail(), out));
        for line in [
            "disk    avio_stor    0   2   0   0   0 disk      /dev/rdisk/disk17",
            "serial  com1                           tty       console",
            "     2       10.0%  100.0%",
            "   2 GB     64 MB",
            "ivm1                     8 SH   HPUX    Off      ",
        ] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
        }
    }

    #[test]
    fn machine_readable_fields_are_where_collectors_cut_them() {
        let line = text(|out| machine(&detail(), out));
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        assert_eq!((fields[0], fields[10], fields[11]), ("ivm1", "Off", "Manual"));
        assert_eq!((fields[19], fields[20]), ("2;", "2GB;"));
        assert!(line.contains("::8::Integrity"));
    }

    #[test]
    fn statements_can_be_given_back() {
        assert!(
            text(|out| statements(&detail(), out))
                .contains("\ndisk:avio_stor:0,2,0:disk:/dev/rdisk/disk17\n")
        );
    }
}

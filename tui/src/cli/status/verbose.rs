//! `-V`: everything about a guest, a line each. Discovery tools split each line at its last colon (hpvm.md 4.4.5).

use std::io::{self, Write};

use ipc::message::{GuestDetail, Rights, VmType};

use super::machine::start_word;
use crate::view::format;

pub(super) fn print(guest: &GuestDetail, now_micros: i64, out: &mut dyn Write) -> io::Result<()> {
    let summary = &guest.summary;
    let mut lines = vec![
        ("Virtual Machine Name", summary.name.clone()),
        ("Virtual Machine UUID", summary.uuid.to_string()),
        ("Virtual Machine ID", summary.number.to_string()),
        ("Virtual Machine Label", guest.label.clone()),
        ("VM's Serial Number", format!("VM0101{:04}", summary.number)),
        ("VM's Config Version", "1".into()),
        ("Operating System", summary.os_type.clone()),
        ("State", summary.state.to_string()),
        ("Virtual Machine Type", if summary.vm_type == VmType::Vpar { "vPar" } else { "Shared" }.into()),
        ("Start type", start_word(guest).into()),
        ("Number of virtual CPUs", summary.vcpus.to_string()),
        ("Number of devices", summary.devices.to_string()),
        ("Number of networks", summary.networks.to_string()),
        ("Memory", format::memory(summary.memory_bytes)),
        ("Entitlement", format::entitlement(guest.entitlement_percent.into())),
        ("Maximum entitlement", format::entitlement(guest.entitlement_max_percent.into())),
    ];
    lines.extend(summary.pid.map(|pid| ("Guest process", pid.to_string())));
    lines.extend(summary.since_micros.map(|since| ("Uptime", format::uptime(since, now_micros))));
    lines.extend(summary.reason.clone().map(|reason| ("Last run", reason)));
    let grants = guest.groups.iter().map(|grant| ("Group", grant));
    for (label, grant) in grants.chain(guest.users.iter().map(|grant| ("User", grant))) {
        let rights = if grant.rights == Some(Rights::Admin) { "admin" } else { "oper" };
        lines.push((label, format!("{} ({rights})", grant.name)));
    }
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
        let mut lines = vec![
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
        lines.extend(device.size_bytes.map(|size| ("Size", format::bytes(size))));
        for (label, value) in lines {
            writeln!(out, "{label:<26}:{value}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{NOW, detail, running, text};
    use super::*;

    #[test]
    fn everything_is_on_a_line_of_its_own() {
        insta::assert_snapshot!(text(|out| print(&detail(), NOW, out)));
    }

    #[test]
    fn a_running_guest_has_more_to_tell() {
        insta::assert_snapshot!(text(|out| print(&running(), NOW, out)));
    }

    /// The pattern of a discovery product.
    #[test]
    fn labels_are_what_discovery_reads_before_the_last_colon() {
        let text = text(|out| print(&detail(), NOW, out));
        let lines: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.rsplit_once(':'))
            .map(|(l, v)| (l.trim(), v.trim()))
            .collect();
        for expected in [
            ("Virtual Machine Name", "ivm1"),
            ("Virtual Machine UUID", "24a7bfa4-b1b2-11e2-8400-b499ba6430e0"),
            ("Virtual Machine ID", "8"),
            ("VM's Serial Number", "VM01010008"),
            ("Operating System", "HPUX"),
            ("State", "Off"),
            ("Start type", "Manual"),
            ("Number of virtual CPUs", "2"),
            ("Memory", "2 GB"),
            ("Physical device", "/dev/rdisk/disk17"),
        ] {
            assert!(lines.contains(&expected), "{expected:?} is not in\n{text}");
        }
    }
}

//! The tables: all guests, one guest, and its devices as resource statements.

use std::io::{self, Write};

use ipc::message::{Grant, GuestDetail, GuestSummary, Rights};

use crate::view::format;

/// All guests (hpvm.md 4.4.1).
pub(super) fn summary(guests: &[GuestSummary], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "[Virtual Machines]")?;
    writeln!(out, "Virtual Machine Name VM #  Type OS Type State     #VCPUs #Devs #Nets Memory")?;
    writeln!(out, "==================== ===== ==== ======= ========= ====== ===== ===== =======")?;
    for guest in guests {
        let GuestSummary { name, number, vm_type, os_type, state, vcpus, devices, networks, .. } = guest;
        let vm_type = vm_type.column();
        let memory = format::memory(guest.memory_bytes);
        writeln!(
            out,
            "{name:<20} {number:>5} {vm_type:<4} {os_type:<7} {state:<9} {vcpus:>6} {devices:>5} {networks:>5} {memory:>7}"
        )?;
    }
    Ok(())
}

/// One guest (hpvm.md 4.4.2).
pub(super) fn details(guest: &GuestDetail, out: &mut dyn Write) -> io::Result<()> {
    let GuestSummary { name, number, vm_type, os_type, state, vcpus, .. } = &guest.summary;
    writeln!(out, "[Virtual Machine Details]")?;
    writeln!(out, "Virtual Machine Name VM #  Type OS Type State")?;
    writeln!(out, "==================== ===== ==== ======= =========")?;
    writeln!(out, "{name:<20} {number:>5} {:<4} {os_type:<7} {state:<9}", vm_type.column())?;
    if let Some(reason) = &guest.summary.reason {
        writeln!(out, "Last run: {reason}")?;
    }
    writeln!(out, "\n[Authorized Administrators]")?;
    writeln!(out, "Oper Groups:  {}", with(&guest.groups, Rights::Oper))?;
    writeln!(out, "Admin Groups: {}", with(&guest.groups, Rights::Admin))?;
    writeln!(out, "Oper Users:   {}", with(&guest.users, Rights::Oper))?;
    writeln!(out, "Admin Users:  {}", with(&guest.users, Rights::Admin))?;
    writeln!(out, "\n[Virtual CPU Details]")?;
    writeln!(out, "#vCPUs Entitlement Maximum")?;
    writeln!(out, "====== =========== =======")?;
    let entitlement = format::entitlement(guest.entitlement_percent.into());
    let maximum = format::entitlement(guest.entitlement_max_percent.into());
    writeln!(out, "{vcpus:>6} {entitlement:>11} {maximum:>7}")?;
    writeln!(out, "\n[Memory Details]")?;
    writeln!(out, "Total    Reserved")?;
    writeln!(out, "Memory   Memory  ")?;
    writeln!(out, "=======  ========")?;
    writeln!(out, "{:>7}  {:>8}", format::memory(guest.summary.memory_bytes), "64 MB")?;
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

fn with(grants: &[Grant], rights: Rights) -> String {
    let named = grants.iter().filter(|grant| grant.rights == Some(rights));
    named.map(|grant| grant.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn device_heading(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Guest                                 Physical")?;
    writeln!(out, "Device  Adaptor    Bus Dev Ftn Tgt Lun Storage   Device")?;
    writeln!(out, "======= ========== === === === === === ========= =========================")
}

/// Devices as resource statements, which can be given back to `-d` and `-m` (hpvm.md 4.4.3).
pub(super) fn statements<'a>(
    storage: impl IntoIterator<Item = &'a str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "[Virtual Machine Devices]\n")?;
    writeln!(out, "[Storage Interface Details]")?;
    for statement in storage {
        writeln!(out, "{statement}")?;
    }
    writeln!(out, "\n[Network Interface Details]")?;
    writeln!(out, "\n[Misc Interface Details]")?;
    writeln!(out, "serial:com1::tty:console")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{detail, guest, text};
    use super::*;
    use ipc::message::{GuestState, VmType};

    /// The guide's own table, with the spacing of the columns as V6.x has them.
    #[test]
    fn summary_is_hpvm_s_table() {
        let mut guests =
            [guest("vm1", 9, "HPUX", GuestState::OnOs), guest("longer", 11, "LINUX", GuestState::OnEfi)];
        guests[1].vm_type = VmType::Vpar;
        assert_eq!(
            text(|out| summary(&guests, out)),
            "[Virtual Machines]\n\
             Virtual Machine Name VM #  Type OS Type State     #VCPUs #Devs #Nets Memory\n\
             ==================== ===== ==== ======= ========= ====== ===== ===== =======\n\
             vm1                      9 SH   HPUX    On (OS)        2     1     1    2 GB\n\
             longer                  11 VP   LINUX   On (EFI)       2     1     1    2 GB\n"
        );
    }

    #[test]
    fn details_have_the_lines_that_scripts_read() {
        let text = text(|out| details(&detail(), out));
        for line in [
            "disk    avio_stor    0   2   0   0   0 disk      /dev/rdisk/disk17",
            "tape    avio_stor    0   4   0   0   0 attach_path 0/7/1/1.0x500104f00048b29e.0x0",
            "serial  com1                           tty       console",
            "     2       10.0%  100.0%",
            "   2 GB     64 MB",
            "ivm1                     8 SH   HPUX    Off      ",
        ] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in\n{text}");
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn statements_can_be_given_back() {
        assert_eq!(
            text(|out| statements(detail().devices.iter().map(|device| device.statement.as_str()), out)),
            "[Virtual Machine Devices]\n\n\
             [Storage Interface Details]\n\
             disk:avio_stor:0,2,0:disk:/dev/rdisk/disk17\n\
             tape:avio_stor:0,4,0:attach_path:0/7/1/1.0x500104f00048b29e.0x0\n\n\
             [Network Interface Details]\n\n\
             [Misc Interface Details]\n\
             serial:com1::tty:console\n"
        );
    }
}

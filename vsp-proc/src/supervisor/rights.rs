//! What a caller who is not the VSP's owner may ask of it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ipc::message::{ClientToVsp, DeviceChange, GuestRef, Refusal, RefusalKind, Remark, Rights};
use ipc::software::{SoftwareHost, SoftwareRequest};
use storage::statement::{DeviceType, StorageStatement, StorageType};

use super::requests::refusal;
use super::{Supervisor, error_line};
use crate::caller::Caller;
use crate::db::GuestConfig;

/// What a request takes.
enum Need<'a> {
    /// Nothing but being connected; the answer tells of nothing else than the caller may know.
    Nothing,
    /// Rights on a guest.
    Of(&'a GuestRef, Rights),
    /// To be the VSP's owner.
    Owner,
}

fn need(request: &ClientToVsp) -> Need<'_> {
    match request {
        ClientToVsp::ListGuests
        | ClientToVsp::AllGuestDetails
        | ClientToVsp::VspStatus
        | ClientToVsp::Figures(None)
        | ClientToVsp::Software(SoftwareRequest::Missing) => Need::Nothing,
        ClientToVsp::GuestDetail(guest)
        | ClientToVsp::Figures(Some(guest))
        | ClientToVsp::ConsoleUsers(guest)
        | ClientToVsp::Software(SoftwareRequest::List(SoftwareHost::Guest(guest))) => {
            Need::Of(guest, Rights::Oper)
        }
        ClientToVsp::StartGuest { guest, .. }
        | ClientToVsp::StopGuest { guest, .. }
        | ClientToVsp::ResetGuest(guest)
        | ClientToVsp::ListDiscs { guest, .. }
        | ClientToVsp::ChangeDisc { guest, .. }
        | ClientToVsp::DisconnectUser { guest, .. } => Need::Of(guest, Rights::Admin),
        // Which devices is looked at where the guest is known.
        ClientToVsp::ModifyGuest { guest, settings, .. } if settings.is_empty() => {
            Need::Of(guest, Rights::Admin)
        }
        ClientToVsp::CreateGuest { .. }
        | ClientToVsp::ModifyGuest { .. }
        | ClientToVsp::RemoveGuest(_)
        | ClientToVsp::CloneGuest(_)
        | ClientToVsp::Devices(_)
        | ClientToVsp::Io(_)
        | ClientToVsp::Software(_)
        | ClientToVsp::VspShutdown
        | ClientToVsp::VspLeave => Need::Owner,
        // These do not come here by themselves: what they are about was asked for when it began.
        ClientToVsp::Subscribe(_)
        | ClientToVsp::ConsoleInput(_)
        | ClientToVsp::ConsoleTakeAccess
        | ClientToVsp::ConsoleReleaseAccess => Need::Nothing,
    }
}

impl Supervisor {
    /// May this be asked by this caller?
    pub(super) fn admit(&self, request: &ClientToVsp, caller: &Caller) -> Result<(), Refusal> {
        if caller.is_owner() {
            return Ok(());
        }
        match need(request) {
            Need::Nothing => Ok(()),
            Need::Owner => Err(superuser()),
            Need::Of(guest, rights) => {
                let name = self.find(guest)?;
                self.admit_to(&name, caller, rights)?;
                match (request, self.config(&name)) {
                    (ClientToVsp::ModifyGuest { devices, .. }, Some(config))
                        if !devices.iter().all(|change| is_change_of_discs(config, change)) =>
                    {
                        Err(superuser())
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Has the caller these rights on a guest?
    pub(super) fn admit_to(&self, name: &str, caller: &Caller, rights: Rights) -> Result<(), Refusal> {
        // Nobody knows who has rights on a guest whose configuration is damaged.
        let granted = match self.config(name) {
            Some(config) => caller.rights(config),
            None => caller.is_owner().then_some(Rights::Admin),
        };
        let user = &caller.user;
        let text = match (granted, rights) {
            (Some(Rights::Admin), _) | (Some(Rights::Oper), Rights::Oper) => return Ok(()),
            (Some(Rights::Oper), Rights::Admin) => {
                format!("User '{user}' is an operator of this guest; this takes an administrator.")
            }
            (None, _) => format!("User '{user}' has no rights on this guest."),
        };
        tracing::warn!(guest = name, user, pid = caller.pid, "refused: no rights");
        Err(refusal(RefusalKind::Denied, vec![error_line(name, text)]))
    }

    /// Ends the console sessions of those who have no rights on a guest any more, and their reading of its logs.
    pub(super) fn send_away(&self, name: &str) {
        self.logs.tell_of_other_logs();
        if let (Some(config), Some(guest)) = (self.config(name), self.guests.get(name)) {
            let config = config.clone();
            guest.console.keep(move |caller| caller.rights(&config).is_some());
        }
    }

    /// May the caller know of this guest?
    pub(super) fn is_visible(&self, name: &str, caller: &Caller) -> bool {
        caller.is_owner() || self.config(name).is_some_and(|config| caller.rights(config).is_some())
    }
}

/// What is said to somebody who may not.
pub(crate) fn superuser() -> Refusal {
    refusal(RefusalKind::Denied, vec![Remark::plain("Superuser privileges required.")])
}

/// Does a change only take a disc out of a drive, or put in another one of those that the VSP's administrator has given
/// to the guest: what lies in the same drive of the VSP, or in the same directory?
fn is_change_of_discs(config: &GuestConfig, change: &DeviceChange) -> bool {
    let DeviceChange::Modify(text) = change else { return false };
    let Ok(wanted) = text.parse::<StorageStatement>() else { return false };
    let is_meant = |device: &&StorageStatement| {
        wanted.placement().address().is_some() && device.placement() == wanted.placement()
    };
    let Some(device) = config.devices.iter().find(is_meant) else { return false };
    let is_dvd = [device, &wanted].iter().all(|device| device.device() == DeviceType::Dvd);
    is_dvd && source(device) == source(&wanted) && !is_open_to_all(&wanted)
}

/// Where the discs of a drive come from.
fn source(device: &StorageStatement) -> Option<&Path> {
    let location = Path::new(device.location());
    match device.storage() {
        StorageType::File => location.parent(),
        _ => Some(location),
    }
}

/// Files that everybody can write are not available from the console (hpvm.md 6.7).
fn is_open_to_all(device: &StorageStatement) -> bool {
    device.storage() == StorageType::File
        && std::fs::metadata(device.location()).is_ok_and(|found| found.permissions().mode() & 0o002 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_administrators_change_discs_within_what_they_were_given() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        for (name, mode) in [("a.iso", 0o644), ("b.iso", 0o644), ("open.iso", 0o666)] {
            std::fs::write(path(name), [0; 2048]).unwrap();
            std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut config = GuestConfig::new("ivm1".into(), 1);
        let (iso, home) = (path("a.iso"), directory.path().display());
        let devices = [format!("dvd:avio_stor:0,0,0:file:{iso}"), format!("disk:avio_stor:0,0,1:file:{iso}")];
        config.devices = devices.iter().map(|text| text.parse().unwrap()).collect();
        let is_allowed =
            |text: &str| is_change_of_discs(&config, &DeviceChange::Modify(format!("dvd:avio_stor:{text}")));
        assert!(is_allowed(&format!("0,0,0:file:{home}/b.iso")) && is_allowed(&format!("0,0,0:null:{home}")));
        for text in [
            format!("0,0,0:file:{home}/open.iso"),
            format!("0,0,0:file:{home}/../b.iso"),
            "0,0,0:file:/etc/shadow".into(),
            "0,0,0:null:/etc".into(),
            "0,0,0:disk:/dev/sr0".into(),
            format!("0,0,1:file:{home}/b.iso"),
            format!("0,0,7:file:{home}/b.iso"),
            format!(":file:{home}/b.iso"),
        ] {
            assert!(!is_allowed(&text), "{text}");
        }
        let added = DeviceChange::Add(format!("dvd:avio_stor:0,0,0:file:{home}/b.iso"));
        assert!(!is_change_of_discs(&config, &added));
    }
}

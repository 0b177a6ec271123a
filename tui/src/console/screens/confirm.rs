//! A question before something is lost.

use super::form::build::emptied;
use ipc::device::{DeviceEntry, DeviceRequest};
use ipc::message::{ClientToVsp, ConsoleUser, DeviceChange, DeviceDetail, GuestRef, Manner, StopMode};

/// A yes-or-no question; no is the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Confirm {
    /// The question.
    pub(crate) question: String,
    /// What the answers entail.
    pub(crate) consequence: String,
    /// What yes asks of the VSP.
    pub(crate) request: ClientToVsp,
    /// What the harder answer asks of the VSP, where there is one.
    pub(crate) harder: Option<ClientToVsp>,
}

impl Confirm {
    /// Before a guest is stopped.
    pub(crate) fn stop(guest: &str) -> Self {
        let stop = |mode| ClientToVsp::StopGuest { guest: GuestRef::Name(guest.to_owned()), mode };
        Self {
            question: format!("Stop the virtual machine '{guest}'?"),
            consequence: "y presses its power button: an operating system that listens shuts down, and one \
                          that does not is switched off when its time is over.\n\
                          p switches it off at once: what it has not written is lost."
                .to_owned(),
            request: stop(StopMode::Graceful),
            harder: Some(stop(StopMode::Hard)),
        }
    }

    /// Before a guest is reset.
    pub(crate) fn reset(guest: &str) -> Self {
        Self {
            question: format!("Reset the virtual machine '{guest}'?"),
            consequence: "It starts again at once: what its operating system has not written is lost."
                .to_owned(),
            request: ClientToVsp::ResetGuest(GuestRef::Name(guest.to_owned())),
            harder: None,
        }
    }

    /// Before a guest is removed.
    pub(crate) fn remove(guest: &str) -> Self {
        Self {
            question: format!("Remove the virtual machine '{guest}'?"),
            consequence: "Its configuration is deleted. Its backing stores stay as they are.".to_owned(),
            request: ClientToVsp::RemoveGuest(GuestRef::Name(guest.to_owned())),
            harder: None,
        }
    }

    /// Before a device is taken away from a guest.
    pub(crate) fn remove_device(guest: &str, device: &DeviceDetail) -> Self {
        Self {
            question: format!("Take {} away from '{guest}'?", device.statement),
            consequence:
                "The backing store stays as it is. A running guest keeps the device until it is off."
                    .to_owned(),
            request: modify(guest, DeviceChange::Delete(device.statement.clone())),
            harder: None,
        }
    }

    /// Before somebody's session at a guest's console is ended.
    pub(crate) fn disconnect(guest: &str, user: &ConsoleUser) -> Self {
        Self {
            question: format!("End the session of {} (process {}) at the console of '{guest}'?", user.user, user.pid),
            consequence: "Who was at the console there is told so, and can come again. The guest goes on.".to_owned(),
            request: ClientToVsp::DisconnectUser {
                guest: GuestRef::Name(guest.to_owned()),
                number: user.number,
            },
            harder: None,
        }
    }

    /// Before a disc is taken out of a drive.
    pub(crate) fn eject(guest: &str, drive: &DeviceDetail) -> Self {
        Self {
            question: format!("Eject '{}' from '{guest}'?", drive.location),
            consequence: "What the guest reads there fails from now on.".to_owned(),
            request: modify(guest, DeviceChange::Modify(emptied(drive))),
            harder: None,
        }
    }

    /// Before an entry of the device management database is removed.
    pub(crate) fn remove_entry(entry: &DeviceEntry) -> Self {
        let name = entry.names.first().cloned().unwrap_or_default();
        Self {
            question: format!("Remove {}:{name} from the device database?", entry.kind.word()),
            consequence: "What is behind the name stays as it is.".to_owned(),
            request: ClientToVsp::Devices(DeviceRequest::Delete { kind: entry.kind, name }),
            harder: None,
        }
    }
}

fn modify(guest: &str, change: DeviceChange) -> ClientToVsp {
    ClientToVsp::ModifyGuest {
        guest: GuestRef::Name(guest.to_owned()),
        settings: Vec::new(),
        devices: vec![change],
        manner: Manner::Normal,
    }
}

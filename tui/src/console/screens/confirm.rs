//! A question before something is lost.

use super::form::build::emptied;
use crate::console::command;
use ipc::device::{DeviceEntry, DeviceKind, DeviceRequest, HostUse};
use ipc::io::{CartridgeAction, IoRequest};
use ipc::message::{ClientToVsp, ConsoleUser, DeviceChange, DeviceDetail, GuestRef, Manner, StopMode};

/// How many guests a question names.
const NAMED_GUESTS: usize = 12;

/// What an answer asks of the VSP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// One request.
    One(ClientToVsp),
    /// That all these guests stop, as `hpvmstop -a` does it: at the same time.
    StopAll {
        /// Their names.
        guests: Vec<String>,
        /// How.
        mode: StopMode,
    },
}

impl From<ClientToVsp> for Wish {
    fn from(request: ClientToVsp) -> Self {
        Wish::One(request)
    }
}

impl Wish {
    /// The command that does the same.
    pub(crate) fn command(&self) -> Option<String> {
        match self {
            Wish::One(request) => command::line(request),
            Wish::StopAll { mode, .. } => Some(command::stop_all(*mode)),
        }
    }
}

/// A yes-or-no question; no is the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Confirm {
    /// The question.
    pub(crate) question: String,
    /// What the answers entail.
    pub(crate) consequence: String,
    /// What yes asks of the VSP.
    pub(crate) wish: Wish,
    /// What the harder answer asks of the VSP, where there is one.
    pub(crate) harder: Option<Wish>,
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
            wish: stop(StopMode::Graceful).into(),
            harder: Some(stop(StopMode::Hard).into()),
        }
    }

    /// Before all guests are stopped that are on.
    pub(crate) fn stop_all(guests: Vec<String>) -> Self {
        let names = match guests.len() {
            0..=NAMED_GUESTS => guests.join(", "),
            _ => format!("{}, ...", guests[..NAMED_GUESTS].join(", ")),
        };
        let consequence = format!(
            "These are on: {names}.\n\n\
             y presses their power buttons: an operating system that listens shuts down, and one that does not is \
             switched off when its time is over.\n\
             p switches them off at once: what they have not written is lost."
        );
        Self {
            question: match guests.len() {
                1 => "Stop the one virtual machine that is on?".to_owned(),
                count => format!("Stop all {count} virtual machines that are on?"),
            },
            consequence,
            wish: Wish::StopAll { guests: guests.clone(), mode: StopMode::Graceful },
            harder: Some(Wish::StopAll { guests, mode: StopMode::Hard }),
        }
    }

    /// Before a guest is reset.
    pub(crate) fn reset(guest: &str) -> Self {
        Self {
            question: format!("Reset the virtual machine '{guest}'?"),
            consequence: "It starts again at once: what its operating system has not written is lost."
                .to_owned(),
            wish: ClientToVsp::ResetGuest(GuestRef::Name(guest.to_owned())).into(),
            harder: None,
        }
    }

    /// Before a guest is sent INIT.
    pub(crate) fn transfer_control(guest: &str) -> Self {
        Self {
            question: format!("Send INIT to the virtual machine '{guest}'?"),
            consequence:
                "An operating system that listens for it stops to print what its processors do, or to dump \
                          its memory. One that does not is reset: what it has not written is lost."
                    .to_owned(),
            wish: ClientToVsp::InitGuest(GuestRef::Name(guest.to_owned())).into(),
            harder: None,
        }
    }

    /// Before a guest is removed.
    pub(crate) fn remove(guest: &str) -> Self {
        Self {
            question: format!("Remove the virtual machine '{guest}'?"),
            consequence: "Its configuration is deleted. Its backing stores stay as they are.".to_owned(),
            wish: ClientToVsp::RemoveGuest(GuestRef::Name(guest.to_owned())).into(),
            harder: None,
        }
    }

    /// Before a device is taken away from a guest.
    pub(crate) fn remove_device(guest: &str, device: &DeviceDetail) -> Self {
        Self {
            question: format!("Take {} away from '{guest}'?", device.statement),
            consequence:
                "The backing store stays as it is. A running guest loses the device at once, unless it is using it."
                    .to_owned(),
            wish: modify(guest, DeviceChange::Delete(device.statement.clone())).into(),
            harder: None,
        }
    }

    /// Before somebody's session at a guest's console is ended.
    pub(crate) fn disconnect(guest: &str, user: &ConsoleUser) -> Self {
        Self {
            question: format!(
                "End the session of {} (process {}) at the console of '{guest}'?",
                user.user, user.pid
            ),
            consequence: "Who was at the console there is told so, and can come again. The guest goes on."
                .to_owned(),
            wish: ClientToVsp::DisconnectUser {
                guest: GuestRef::Name(guest.to_owned()),
                number: user.number,
            }
            .into(),
            harder: None,
        }
    }

    /// Before a disc is taken out of a drive.
    pub(crate) fn eject(guest: &str, drive: &DeviceDetail) -> Self {
        Self {
            question: format!("Eject '{}' from '{guest}'?", drive.location),
            consequence: "What the guest reads there fails from now on.".to_owned(),
            wish: modify(guest, DeviceChange::Modify(emptied(drive))).into(),
            harder: None,
        }
    }

    /// Before an attribute of an entry has its first value again.
    pub(crate) fn delete_attribute(kind: DeviceKind, name: &str, attribute: &str) -> Self {
        let (name, attribute) = (name.to_owned(), attribute.to_owned());
        Self::database(
            format!("Delete attribute {attribute} of {}:{name}?", kind.word()),
            "It has the value again that it has of itself.",
            DeviceRequest::DeleteAttribute { kind, name, attribute },
        )
    }

    /// Before one of several names of a device is given up.
    pub(crate) fn delete_alias(name: &str) -> Self {
        Self::database(
            format!("Delete the name {name} of its device?"),
            "The device keeps its other names.",
            DeviceRequest::DeleteAlias { name: name.to_owned() },
        )
    }

    /// Before an entry forgets a guest.
    pub(crate) fn delete_dependent(name: &str, dependent: &str) -> Self {
        Self::database(
            format!("Delete dependent {dependent} of gdev:{name}?"),
            "The guest's configuration is not changed: this is for guests that are no longer there.",
            DeviceRequest::DeleteDependent { name: Some(name.to_owned()), dependent: dependent.to_owned() },
        )
    }

    /// Before all devices are looked at.
    pub(crate) fn identify() -> Self {
        Self::database(
            "Identify all devices anew?".to_owned(),
            "Entries get the identities that their devices have now.",
            DeviceRequest::Reidentify,
        )
    }

    /// Before the database is checked.
    pub(crate) fn check() -> Self {
        Self::database(
            "Check the device database?".to_owned(),
            "Nothing is changed: the answer is a script that mends what is found.",
            DeviceRequest::Repair,
        )
    }

    /// Before the VSP's own storage is kept from guests, or not.
    pub(crate) fn host_use(what: &str, wanted: HostUse) -> Self {
        Self::database(
            format!("{what}?"),
            "This is about what is mounted, swapped to, or part of a volume group, and the disks below.",
            DeviceRequest::HostUse(wanted),
        )
    }

    /// Before everything is stopped.
    pub(crate) fn stop_vsp() -> Self {
        Self {
            question: "Stop all guests, then the VSP?".to_owned(),
            consequence: "Each guest's power button is pressed, as when it is stopped by itself.".to_owned(),
            wish: ClientToVsp::VspShutdown.into(),
            harder: None,
        }
    }

    /// Before the VSP alone is stopped.
    pub(crate) fn leave_vsp() -> Self {
        Self {
            question: "Stop the VSP and leave guests running?".to_owned(),
            consequence: "Their I/O waits until there is a VSP again.".to_owned(),
            wish: ClientToVsp::VspLeave.into(),
            harder: None,
        }
    }

    /// Before a cartridge is moved within its library.
    pub(crate) fn move_cartridge(library: &str, barcode: &str, to: &str) -> Self {
        let action = CartridgeAction::Move { barcode: barcode.to_owned(), to: to.to_owned() };
        Self::hardware(
            format!("Move cartridge {barcode} to {to}?"),
            "A drive gives a cartridge away when it was unloaded and nobody uses it.",
            IoRequest::Cartridge { name: library.to_owned(), action },
        )
    }

    /// Before a cartridge is taken out of its library.
    pub(crate) fn export(library: &str, barcode: &str) -> Self {
        let action = CartridgeAction::Export { barcode: barcode.to_owned() };
        Self::hardware(
            format!("Take cartridge {barcode} out of the library?"),
            "Its image stays in the directory; i puts it in again.",
            IoRequest::Cartridge { name: library.to_owned(), action },
        )
    }

    /// Before a disc is taken out of an emulated burner.
    pub(crate) fn eject_disc(burner: &str, disc: &str) -> Self {
        let eject = |force| IoRequest::Cartridge {
            name: burner.to_owned(),
            action: CartridgeAction::Eject { force },
        };
        let harder = Some(ClientToVsp::Io(eject(true)).into());
        let question = format!("Take disc {disc} out of the burner?");
        let consequence = "Its image stays. f takes it out even if a guest has locked the drive.";
        Self { harder, ..Self::hardware(question, consequence, eject(false)) }
    }

    /// Before an emulated device is taken away.
    pub(crate) fn remove_emulated(kind: &str, name: &str, path: &str) -> Self {
        Self::hardware(
            format!("Take the {kind} '{path}' away?"),
            "Its files stay: it can be made again of them. Guests must not be configured with it.",
            IoRequest::Remove { name: name.to_owned() },
        )
    }

    /// Before guests are kept away from a device.
    pub(crate) fn hold(name: &str) -> Self {
        Self::hardware(
            format!("Keep guests away from {name}?"),
            "They find it busy until it is given free, or the VSP ends.",
            IoRequest::Hold { name: name.to_owned() },
        )
    }

    /// Before guests may use a device again.
    pub(crate) fn release(name: &str) -> Self {
        Self::hardware(
            format!("Give {name} free?"),
            "Guests that have it can use it again.",
            IoRequest::Release { name: name.to_owned() },
        )
    }

    fn hardware(question: String, consequence: &str, request: IoRequest) -> Self {
        Self {
            question,
            consequence: consequence.to_owned(),
            wish: ClientToVsp::Io(request).into(),
            harder: None,
        }
    }

    fn database(question: String, consequence: &str, request: DeviceRequest) -> Self {
        let wish = ClientToVsp::Devices(request).into();
        Self { question, consequence: consequence.to_owned(), wish, harder: None }
    }

    /// Before an entry of the device management database is removed.
    pub(crate) fn remove_entry(entry: &DeviceEntry) -> Self {
        let name = entry.names.first().cloned().unwrap_or_default();
        Self {
            question: format!("Remove {}:{name} from the device database?", entry.kind.word()),
            consequence: "What is behind the name stays as it is.".to_owned(),
            wish: ClientToVsp::Devices(DeviceRequest::Delete { kind: entry.kind, name }).into(),
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

//! What is asked of the VSP, and what the operator is told about it.

use crate::console::command;
use crate::console::effect::Effect;
use crate::console::msg::Millis;
use crate::console::screens::confirm::Wish;
use crate::console::state::{State, Waiting};
use ipc::device::{DeviceRequest, HostUse};
use ipc::io::{CartridgeAction, EmulatedPlan, IoRequest};
use ipc::message::{ClientToVsp, DeviceChange, GuestRef, Manner, StopMode};

/// Asks the VSP for something.
pub(super) fn send(state: &mut State, wish: impl Into<Wish>, effects: &mut Vec<Effect>) {
    let request = match wish.into() {
        Wish::One(request) => request,
        Wish::StopAll { guests, mode } => return stop_all(state, guests, mode, effects),
    };
    let Some(waiting) = words_for(&request, state.now) else { return };
    match &request {
        ClientToVsp::CreateGuest { name, .. } => state.guests.await_guest(Some(name.clone())),
        ClientToVsp::CloneGuest(clone) => state.guests.await_guest(Some(clone.name.clone())),
        _ => {}
    }
    state.notice = None;
    let id = state.requests.insert(waiting, 1);
    effects.push(Effect::Request { id, request: Box::new(request) });
}

/// Has guests stopped at the same time: one that takes its time holds up no other.
fn stop_all(state: &mut State, guests: Vec<String>, mode: StopMode, effects: &mut Vec<Effect>) {
    let count = guests.len();
    let waiting = Waiting {
        doing: "stopping all guests".to_owned(),
        done: "All guests are off.".to_owned(),
        already: "All guests are off already.".to_owned(),
        failed: "Unable to stop all guests".to_owned(),
        command: Some(command::stop_all(mode)),
        progress: None,
        report: None,
        since: state.now,
    };
    state.notice = None;
    let id = state.requests.insert(waiting, count);
    effects.extend(guests.into_iter().map(|name| {
        let request = ClientToVsp::StopGuest { guest: GuestRef::Name(name), mode };
        Effect::Request { id, request: Box::new(request) }
    }));
}

/// Starts the guest that actions are about.
pub(super) fn start_selected(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(name) = state.selected_name() {
        let guest = GuestRef::Name(name.to_owned());
        send(state, ClientToVsp::StartGuest { guest, manner: Manner::Normal }, effects);
    }
}

/// What the operator is told about a request; nothing for those that the console never makes.
fn words_for(request: &ClientToVsp, since: Millis) -> Option<Waiting> {
    let (verb, doing, done, already, guest) = match request {
        ClientToVsp::StartGuest { guest, .. } => ("start", "starting", "is started", "is on already", guest),
        ClientToVsp::StopGuest { guest, mode: StopMode::Graceful } => {
            ("stop", "stopping", "is off", "is off already", guest)
        }
        ClientToVsp::StopGuest { guest, mode: StopMode::Hard } => {
            ("switch off", "switching off", "is switched off", "is off already", guest)
        }
        ClientToVsp::DisconnectUser { guest, .. } => {
            let done = "has one session less at its console";
            ("end the session at the console of", "ending a session at the console of", done, done, guest)
        }
        ClientToVsp::ResetGuest(guest) => ("reset", "resetting", "is reset", "is being reset already", guest),
        ClientToVsp::InitGuest(guest) => {
            ("send INIT to", "sending INIT to", "has been sent INIT", "has been sent INIT already", guest)
        }
        ClientToVsp::RemoveGuest(guest) => ("remove", "removing", "is removed", "is removed already", guest),
        ClientToVsp::CreateGuest { name, .. } => {
            ("create", "creating", "is created", "exists already", &GuestRef::Name(name.clone()))
        }
        ClientToVsp::CloneGuest(clone) => {
            ("clone", "cloning", "is cloned", "is cloned already", &clone.guest)
        }
        ClientToVsp::ModifyGuest { guest, devices, .. } => match devices.first() {
            None => ("modify", "modifying", "is modified", "is so already", guest),
            Some(DeviceChange::Add(_)) => {
                ("add the device to", "adding a device to", "has the device", "has the device already", guest)
            }
            Some(DeviceChange::Delete(_)) => {
                let done = "no longer has the device";
                ("take the device away from", "taking a device away from", done, done, guest)
            }
            Some(DeviceChange::Modify(_)) => (
                "change the device of",
                "changing a device of",
                "has the device so",
                "has it so already",
                guest,
            ),
        },
        ClientToVsp::VspShutdown => {
            let verbs = ("stop", "stopping", "Stopped");
            return Some(told(verbs, "all guests and the VSP", request, since));
        }
        ClientToVsp::VspLeave => {
            return Some(told(("stop", "stopping", "Stopped"), "the VSP", request, since));
        }
        ClientToVsp::Devices(request) => return words_for_devices(request, since),
        ClientToVsp::Io(request) => return words_for_hardware(request, since),
        _ => return None,
    };
    Some(Waiting {
        doing: format!("{doing} {guest}"),
        done: format!("Guest {guest} {done}."),
        already: format!("Guest {guest} {already}."),
        failed: format!("Unable to {verb} guest {guest}"),
        command: command::line(request),
        progress: None,
        report: None,
        since,
    })
}

/// What was done comes first: the name of a device may be too long to be seen whole.
fn words_for_devices(request: &DeviceRequest, since: Millis) -> Option<Waiting> {
    let (verb, doing, done, what) = match request {
        DeviceRequest::Add { kind, name, .. } => {
            ("add", "adding", "Added", format!("{}:{name}", kind.word()))
        }
        DeviceRequest::Delete { kind, name } => {
            ("remove", "removing", "Removed", format!("{}:{name}", kind.word()))
        }
        DeviceRequest::SetAttribute { kind, name, attribute, value } => {
            ("set", "setting", "Set", format!("{attribute}={value} of {}:{name}", kind.word()))
        }
        DeviceRequest::CreateFile { path, .. } => ("make", "making", "Made", path.clone()),
        DeviceRequest::DeleteAlias { name } => ("delete", "deleting", "Deleted", format!("the name {name}")),
        DeviceRequest::DeleteDependent { name, dependent } => {
            let name = name.as_deref().unwrap_or("all entries");
            ("delete", "deleting", "Deleted", format!("dependent {dependent} of {name}"))
        }
        DeviceRequest::DeleteAttribute { kind, name, attribute } => {
            ("delete", "deleting", "Deleted", format!("attribute {attribute} of {}:{name}", kind.word()))
        }
        DeviceRequest::Replace { old, new } => {
            ("replace", "replacing", "Replaced", format!("{old} by {}", new.join(",")))
        }
        DeviceRequest::Reidentify => ("identify", "identifying", "Identified", "all devices".to_owned()),
        DeviceRequest::Repair => ("check", "checking", "Checked", "the device database".to_owned()),
        DeviceRequest::HostUse(wanted) => {
            let (verb, doing, done) = match wanted {
                HostUse::Restrict | HostUse::AtStart(true) => ("restrict", "restricting", "Restricted"),
                HostUse::Release | HostUse::AtStart(false) => ("release", "releasing", "Released"),
                HostUse::Restore => ("restore", "restoring", "Restored"),
            };
            let when = if matches!(wanted, HostUse::AtStart(_)) { " at its start" } else { "" };
            (verb, doing, done, format!("the storage of the VSP itself{when}"))
        }
        DeviceRequest::List { .. } => return None,
    };
    let report = (*request == DeviceRequest::Repair).then(Vec::new);
    let request = ClientToVsp::Devices(request.clone());
    Some(Waiting { report, ..told((verb, doing, done), &what, &request, since) })
}

fn words_for_hardware(request: &IoRequest, since: Millis) -> Option<Waiting> {
    let own = |words: &str, what: &str| format!("{words} {what}");
    let (verbs, what) = match request {
        IoRequest::Describe { name } => (("ask", "asking", "Told by"), name.clone()),
        IoRequest::Hold { name } => (("hold", "holding", "Held for the VSP:"), name.clone()),
        IoRequest::Release { name } => (("give free", "giving free", "Given free:"), name.clone()),
        IoRequest::Create { path, plan } => {
            let kind = match plan {
                EmulatedPlan::Library { .. } => "tape library",
                EmulatedPlan::Tape { .. } => "tape drive",
                EmulatedPlan::Burner => "burner",
            };
            (("make", "making", "Made"), own(kind, path))
        }
        IoRequest::Remove { name } => (("take away", "taking away", "Taken away:"), name.clone()),
        IoRequest::Cartridge { action, .. } => match action {
            CartridgeAction::Import { barcode, .. } => {
                (("put in", "putting in", "Put in:"), own("cartridge", barcode))
            }
            CartridgeAction::Export { barcode } => {
                (("take out", "taking out", "Taken out:"), own("cartridge", barcode))
            }
            CartridgeAction::Move { barcode, to } => {
                (("move", "moving", "Moved"), format!("cartridge {barcode} to {to}"))
            }
            CartridgeAction::Insert { name, .. } => (("put in", "putting in", "Put in:"), own("disc", name)),
            CartridgeAction::Eject { .. } => {
                (("take out", "taking out", "Taken out:"), "the disc of the burner".to_owned())
            }
        },
        IoRequest::List { .. } | IoRequest::ListEmulated => return None,
    };
    Some(told(verbs, &what, &ClientToVsp::Io(request.clone()), since))
}

/// Of what is done to `what`: to do it, doing it, and that it was done.
fn told(
    (verb, doing, done): (&str, &str, &str),
    what: &str,
    request: &ClientToVsp,
    since: Millis,
) -> Waiting {
    Waiting {
        doing: format!("{doing} {what}"),
        done: format!("{done} {what}"),
        already: format!("{done} {what} already"),
        failed: format!("Unable to {verb} {what}"),
        command: command::line(request),
        progress: None,
        report: None,
        since,
    }
}

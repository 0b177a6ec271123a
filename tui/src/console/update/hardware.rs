//! What is done to the VSP's drives and their media.

use super::act::{open_form, say};
use super::request;
use crate::console::effect::Effect;
use crate::console::keymap::Action;
use crate::console::screens::confirm::Confirm;
use crate::console::screens::form::Purpose;
use crate::console::screens::hardware::{BURNER, VSP};
use crate::console::screens::palette::{Choice, Palette};
use crate::console::state::{Layer, Notice, State};
use ipc::io::IoRequest;
use ipc::message::ClientToVsp;

/// Whether an action is done here when drives and media are shown.
pub(super) fn takes(action: Action) -> bool {
    matches!(
        action,
        Action::Create
            | Action::Insert
            | Action::Eject
            | Action::Move
            | Action::Hold
            | Action::Attach
            | Action::Describe
            | Action::Scan
            | Action::Remove
    )
}

/// What an action comes to.
enum Outcome {
    /// Something is laid over the screen.
    Open(Layer),
    Fill(Purpose),
    Ask(Effect),
    Send(ClientToVsp),
    /// It cannot be done to what is selected.
    No(&'static str),
}

pub(super) fn act(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    match outcome(state, action) {
        Outcome::Open(layer) => state.layers.push(layer),
        Outcome::Fill(purpose) => open_form(state, purpose, effects),
        Outcome::Ask(effect) => {
            state.notice = Some(Notice { text: "Looking for hardware.".to_owned(), is_good: true });
            effects.push(effect);
        }
        Outcome::Send(wanted) => request::send(state, wanted, effects),
        Outcome::No(why) => say(state, why),
    }
}

fn outcome(state: &State, action: Action) -> Outcome {
    let palette = |palette| Outcome::Open(Layer::Palette(Box::new(palette)));
    let ask = |confirm| Outcome::Open(Layer::Confirm(confirm));
    match action {
        Action::Create => return palette(Palette::emulations()),
        Action::Scan => return Outcome::Ask(Effect::AskInventory { scan: true }),
        _ => {}
    }
    let Some(item) = state.storage.item() else { return Outcome::No("There is no device.") };
    let medium = item.medium.map(|medium| medium.name.as_str());
    match action {
        Action::Insert => match (item.library(), item.burner()) {
            (Some(library), _) => Outcome::Fill(Purpose::Import { library: library.path.clone() }),
            (_, Some(burner)) => Outcome::Fill(Purpose::InsertDisc { burner: burner.path.clone() }),
            _ => Outcome::No("This is no library or burner that the VSP emulates."),
        },
        Action::Eject => match (item.emulated, medium, item.place) {
            (Some(burner), Some(disc), _) if burner.kind == BURNER => {
                ask(Confirm::eject_disc(&burner.path, disc))
            }
            (Some(library), Some(barcode), Some(place)) if place.starts_with("port ") => {
                ask(Confirm::export(&library.path, barcode))
            }
            (_, Some(_), Some(_)) => {
                Outcome::No("Cartridges leave by an import/export element: p moves it there.")
            }
            _ => Outcome::No("There is nothing to be taken out."),
        },
        Action::Move => match (item.library(), medium) {
            (Some(library), Some(barcode)) => palette(Palette::places(library, barcode)),
            _ => Outcome::No("There is no cartridge of a library in this place."),
        },
        Action::Hold => match (item.device, item.holder()) {
            (Some(_), Some(VSP)) => ask(Confirm::release(item.name())),
            (Some(_), _) => ask(Confirm::hold(item.name())),
            (None, _) => Outcome::No("This is no device: select a drive or changer."),
        },
        Action::Attach => match item.device.and_then(|device| device.attaches_as.clone()) {
            Some(kind) => {
                let attached = Some((kind, item.name().to_owned()));
                palette(Palette::guests("Give the device to", state.guests.all(), |guest| {
                    let (guest, attached) = (guest.name.clone(), attached.clone());
                    Choice::Fill(Box::new(Purpose::AddDevice { guest, attached }))
                }))
            }
            None => Outcome::No("This is no device that guests are attached to."),
        },
        Action::Remove => match (item.emulated, item.place) {
            (Some(emulated), None) => {
                let name = emulated.files.first().unwrap_or(&emulated.path);
                ask(Confirm::remove_emulated(&emulated.kind, name, &emulated.path))
            }
            (Some(_), Some(_)) => Outcome::No("Select the library itself to take it away."),
            (None, _) => Outcome::No("Only what the VSP emulates can be taken away."),
        },
        _ => match item.device {
            Some(_) => Outcome::Send(ClientToVsp::Io(IoRequest::Describe { name: item.name().to_owned() })),
            None => Outcome::No("This is no device: select a drive or changer."),
        },
    }
}

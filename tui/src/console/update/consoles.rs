//! Guests' consoles: opening, typing, earlier output.

use crate::console::effect::Effect;
use crate::console::emulator::{Motion, ScreenSize, Selecting};
use crate::console::keymap::{Action, Context};
use crate::console::keys;
use crate::console::screens::guest_console::{Access, GuestConsole};
use crate::console::state::{Notice, Screen, State};
use alacritty_terminal::grid::Scroll;
use alacritty_terminal::term::TermMode;
use crossterm::event::{KeyEvent, KeyModifiers};
use uuid::Uuid;

/// Notes that a console is shown with this size, and opens it if need be: with the wish to write where it has a pane on
/// the console screen, as one that looks on elsewhere.
pub(super) fn show(state: &mut State, guest: Uuid, size: ScreenSize, effects: &mut Vec<Effect>) {
    let Some(name) = state.guests.by_uuid(guest).map(|guest| guest.name.clone()) else { return };
    let write = state.screen == Screen::Console;
    if write && matches!(state.consoles.get(guest).map(|console| &console.access), Some(Access::Viewer)) {
        effects.extend(state.consoles.close(guest).map(Effect::CloseConsole));
    }
    if let Some(id) = state.consoles.show(guest, size, write) {
        effects.push(Effect::OpenConsole { id, guest: name, write });
        let tabs = &state.tabs;
        let surplus = state.consoles.close_surplus(|guest| tabs.has(guest));
        effects.extend(surplus.into_iter().map(Effect::CloseConsole));
    }
}

/// Gives the keys to the console of the guest that actions are about. One that ended is opened anew.
pub(super) fn open_selected(state: &mut State, effects: &mut Vec<Effect>) {
    let selected = match state.screen {
        Screen::Console => state.tabs.focused(),
        _ => state.guests.selected().map(|guest| guest.uuid),
    };
    let Some(guest) = selected else { return };
    if matches!(state.consoles.get(guest).map(|console| &console.access), Some(Access::Ended(_))) {
        effects.extend(state.consoles.close(guest).map(Effect::CloseConsole));
    }
    state.guests.await_guest(None);
    state.tabs.open(guest);
    state.screen = Screen::Console;
}

/// Sends a terminal's answers, but only the writer's, and none to what was asked before it came.
pub(super) fn answer(console: &GuestConsole, answers: Vec<u8>, effects: &mut Vec<Effect>) {
    if console.access == Access::Writer && !console.is_replaying && !answers.is_empty() {
        effects.push(Effect::Input { id: console.id, bytes: answers });
    }
}

/// PgUp belongs to a full-screen program; elsewhere, and with Shift, it shows earlier output.
pub(super) fn scrolls_back(state: &State, key: &KeyEvent) -> bool {
    let Some(console) = state.console() else { return true };
    let is_shifted = key.modifiers.contains(KeyModifiers::SHIFT);
    !console.emulator.mode().contains(TermMode::ALT_SCREEN) || is_shifted
}

/// A key for the guest.
pub(super) fn type_key(state: &mut State, key: &KeyEvent, effects: &mut Vec<Effect>) {
    let Some(console) = state.console() else { return };
    if let Some(bytes) = keys::encode_key(key, console.emulator.mode()) {
        send(state, bytes, effects);
    }
}

/// Sends what was typed, and shows the newest output, where the typing will appear.
pub(super) fn send(state: &mut State, bytes: Vec<u8>, effects: &mut Vec<Effect>) {
    let Some(console) = state.console_mut() else { return };
    console.history = None;
    console.emulator.deselect();
    console.has_gap = false;
    let id = console.id;
    effects.extend(console.sendable(bytes).map(|bytes| Effect::Input { id, bytes }));
}

/// Types the command that tells the guest's shell how large its pane is: a serial line says so in no other way.
pub(super) fn type_size(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(console) = state.console() else { return };
    let ScreenSize { columns, lines } = console.emulator.size();
    send(state, format!("stty rows {lines} columns {columns}\r").into_bytes(), effects);
}

/// Becomes the one who writes to the console that has the keys.
pub(super) fn take_over(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(console) = state.console_mut()
        && console.access == Access::Refused
    {
        console.access = Access::Asked;
        effects.push(Effect::TakeAccess(console.id));
    }
}

/// Shows earlier output of the console that has the keys.
pub(super) fn browse(state: &mut State) {
    let lines = state.settings.scrollback_lines;
    if let Some(console) = state.console_mut() {
        console.open_history(lines);
    }
}

/// Moves in earlier output; a motion beyond its end leaves it where PgDn or the wheel made it.
pub(super) fn go(state: &mut State, context: Context, action: Action) {
    if context == Context::Console {
        browse(state);
    }
    let Some(history) = state.console_mut().and_then(|console| console.history.as_deref_mut()) else {
        return;
    };
    match action {
        Action::Up => history.go(Motion::Up),
        Action::Down => history.go(Motion::Down),
        Action::Left => history.go(Motion::Left),
        Action::Right => history.go(Motion::Right),
        Action::WordLeft => history.go(Motion::SemanticLeft),
        Action::WordRight => history.go(Motion::SemanticRight),
        Action::LineStart => history.go(Motion::First),
        Action::LineEnd => history.go(Motion::Last),
        Action::PageUp | Action::Earlier => history.go_far(Scroll::PageUp),
        Action::PageDown => history.go_far(Scroll::PageDown),
        Action::First => history.go_far(Scroll::Top),
        Action::Last => history.go_far(Scroll::Bottom),
        Action::Select => history.toggle_selection(Selecting::Characters),
        Action::SelectLines => history.toggle_selection(Selecting::Lines),
        _ => {}
    }
}

/// The next place that matches what was searched for.
pub(super) fn next_match(state: &mut State, upwards: bool) {
    let Some(history) = state.console_mut().and_then(|console| console.history.as_deref_mut()) else {
        return;
    };
    if !history.go_to_match(upwards) {
        state.notice = Some(Notice { text: "Nothing matches.".to_owned(), is_good: false });
    }
}

/// Copies what is selected in the console that has the keys, and goes back to the newest output.
pub(super) fn copy(state: &mut State, effects: &mut Vec<Effect>) {
    let text = state.console().and_then(|console| console.shown().selected_text());
    state.notice = Some(match text {
        Some(text) => {
            let notice = format!("{} characters are copied.", text.chars().count());
            effects.push(Effect::Copy(text));
            if let Some(console) = state.console_mut() {
                console.history = None;
                console.emulator.deselect();
            }
            Notice { text: notice, is_good: true }
        }
        None => Notice { text: "Nothing is selected: v begins to select.".to_owned(), is_good: false },
    });
}

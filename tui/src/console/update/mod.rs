//! The whole behaviour of the console: an event changes the state and asks for effects.
//!
//! Pure: no channel, no file, no clock. Every branch can be tested by sending messages.

mod act;
mod consoles;
mod hardware;
mod mouse;
mod request;
mod typing;
mod vsp;

use super::effect::Effect;
use super::emulator::ScreenSize;
use super::figures::HostSample;
use super::keymap::{self, Action, Context};
use super::msg::{Millis, Msg};
use super::settings::WhereAbsent;
use super::state::{Layer, Link, Message, Screen, State};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// The guest that a VSP with an empty state directory has.
pub(crate) const DEMO_GUEST: &str = "demo";

/// The time between two attempts to reach a lost VSP, in milliseconds.
const RETRY_MILLIS: Millis = 1000;
/// Ticks after which a synchronized update that does not end is shown anyway.
const HELD_TICKS: u8 = 2;

/// What the console does first.
pub(crate) fn initial_effects(state: &State) -> Vec<Effect> {
    vec![Effect::Connect { may_start: state.settings.vsp == WhereAbsent::Start }]
}

/// Takes one event.
pub(crate) fn update(state: &mut State, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) if key.kind == KeyEventKind::Release => {}
        // What it was meant for is no longer there.
        Msg::Key(_) | Msg::Mouse { .. } | Msg::Paste(_) if state.is_unseen => {}
        Msg::Key(key) => press(state, key, &mut effects),
        Msg::Mouse { event, target } => mouse::take(state, event, target, &mut effects),
        Msg::Paste(text) => typing::paste(state, &text, &mut effects),
        Msg::Resize(columns, lines) => state.size = (columns, lines),
        Msg::Tick { now, host } => tick(state, now, host, &mut effects),
        Msg::Vsp(event) => {
            let context = state.context();
            vsp::take(state, event, &mut effects);
            state.is_unseen |= state.context() != context;
        }
        Msg::FileChecked { path, problem } => {
            if let Some(Layer::Form(form)) = state.layers.last_mut() {
                form.note_file(path, problem);
            }
        }
        Msg::Terminate => effects.push(Effect::Quit),
    }
    settle(state, &mut effects);
    effects
}

/// Makes what follows from the state true: selected rows are visible, consoles that are shown are open and have the size
/// of their panes, and what a screen shows is asked for.
fn settle(state: &mut State, effects: &mut Vec<Effect>) {
    if state.screen == Screen::Console && state.tabs.focused().is_none() {
        state.screen = Screen::Overview;
    }
    let Some(regions) = state.regions() else { return };
    state.guests.reveal(regions.guest_rows());
    state.storage.reveal(regions.entry_rows());
    state.detail.navigate(Action::Accept, regions.device_rows());
    if let Some(area) = regions.log_rows() {
        state.logs.lay_out(area.width, area.height);
    }
    let Link::Up(_) = state.link else { return };
    for (guest, area) in regions.terminals(state) {
        let size = ScreenSize { columns: area.width, lines: area.height };
        consoles::show(state, guest, size, effects);
    }
    read_consoles_along(state, regions.logs.is_some(), effects);
    effects.extend(state.logs.query().map(|query| Effect::ReadPast(Box::new(query))));
    match state.screen {
        Screen::Guest => {
            let name = state.guests.selected().map(|guest| guest.name.clone());
            if let Some(name) = name.filter(|name| state.detail.must_ask(name, state.now)) {
                effects.push(Effect::AskDetail(name));
            }
        }
        Screen::Storage => {
            if state.storage.must_ask(state.now) {
                effects.push(Effect::AskInventory { scan: false });
            }
        }
        Screen::Overview | Screen::Console | Screen::Logs => {}
    }
}

/// Consoles are read along for the log as long as it shows them.
fn read_consoles_along(state: &mut State, is_log_shown: bool, effects: &mut Vec<Effect>) {
    let is_alone = state.screen == Screen::Logs;
    if let Some(since_micros) = state.logs.reads_consoles(is_log_shown, is_alone) {
        effects.push(Effect::ReadConsoles { since_micros });
    }
}

fn tick(state: &mut State, now: Millis, host: HostSample, effects: &mut Vec<Effect>) {
    state.now = now;
    state.host.take(host);
    if let Link::Down { tried, is_trying: is_trying @ false, .. } = &mut state.link
        && now.saturating_sub(*tried) >= RETRY_MILLIS
    {
        *tried = now;
        *is_trying = true;
        effects.push(Effect::Connect { may_start: false });
    }
    for console in state.consoles.iter_mut() {
        if !console.emulator.holds_synchronized_update() {
            console.held_ticks = 0;
            continue;
        }
        console.held_ticks += 1;
        if console.held_ticks >= HELD_TICKS {
            let answers = console.emulator.end_synchronized_update();
            consoles::answer(console, answers, effects);
        }
    }
}

fn press(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    let context = state.context();
    match (keymap::action(context, &key), context) {
        (Some(Action::Earlier), Context::Console) if !consoles::scrolls_back(state, &key) => {
            consoles::type_key(state, &key, effects)
        }
        (Some(action), _) => act::act(state, context, action, effects),
        (None, Context::Console) => consoles::type_key(state, &key, effects),
        (None, _) if key.modifiers == KeyModifiers::ALT && is_closed_by_escape(context) => {
            // A terminal sends Alt as Esc and the key: this was Esc, and soon after it the key.
            press(state, KeyEvent::from(KeyCode::Esc), effects);
            press(state, KeyEvent::from(key.code), effects);
        }
        (None, Context::Form | Context::Prompt | Context::Palette) => typing::edit(state, &key, effects),
        (None, _) => {}
    }
}

/// Whether Esc leads back to what lies below. A form is not lost by a key that may be another one.
fn is_closed_by_escape(context: Context) -> bool {
    let escape = keymap::action(context, &KeyEvent::from(KeyCode::Esc));
    escape == Some(Action::Cancel) && context != Context::Form
}

fn show_message(state: &mut State, title: String, text: String, is_bad: bool) {
    state.layers.push(Layer::Message(Message { title, text, is_bad, top: 0 }));
}

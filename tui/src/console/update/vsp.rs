//! What the VSP says.

use super::act;
use super::consoles;
use super::request;
use super::{DEMO_GUEST, show_message};
use crate::console::effect::Effect;
use crate::console::msg::{ConsoleEvent, RequestId, VspMsg};
use crate::console::screens::guest_console::{Access, ConsoleId};
use crate::console::screens::history::Entry;
use crate::console::state::{Layer, Link, Notice, Screen, State};
use ipc::message::{Acceptance, GuestState};

pub(super) fn take(state: &mut State, event: VspMsg, effects: &mut Vec<Effect>) {
    state.heard = state.now;
    match event {
        VspMsg::Up(status) => {
            state.link = Link::Up(status);
            state.notice.take_if(|notice| notice.text == act::NO_CONNECTION);
            effects.extend(state.consoles.retain(|_| false).into_iter().map(Effect::CloseConsole));
            state.logs.clear();
            state.figures.interrupt();
            state.detail.expire();
            state.storage.expire();
        }
        VspMsg::Down { reason, is_absent } => go_down(state, reason, is_absent),
        VspMsg::Guests(guests) => {
            change_guests(state, effects, |state| state.guests.replace(guests, &state.figures));
            welcome(state);
        }
        VspMsg::Guest(guest) => {
            change_guests(state, effects, |state| state.guests.renew(*guest, &state.figures));
        }
        VspMsg::GuestRemoved { name } => {
            change_guests(state, effects, |state| state.guests.remove(&name, &state.figures));
            state.figures.retain(|known| known != name);
        }
        VspMsg::Figures { at, guests } => {
            state.figures.take(at, guests);
            state.guests.rearrange(&state.figures);
        }
        VspMsg::Detail { name, result } => {
            state.detail.take(&name, result);
            act::open_awaited_form(state, effects);
        }
        VspMsg::ConsoleUsers { name, users } => state.detail.take_users(name, users),
        VspMsg::Attachable(devices) => state.detail.take_attachable(devices),
        VspMsg::Inventory(result) => state.storage.take(result),
        VspMsg::Progress { id, line } => {
            if let Some(waiting) = state.requests.get_mut(id) {
                if let Some(report) = &mut waiting.report {
                    report.push(line.clone());
                }
                waiting.progress = Some(line);
            }
        }
        VspMsg::Reply { id, result } => take_reply(state, id, result),
        VspMsg::Console { id, event } => take_console_event(state, id, event, effects),
        VspMsg::Log(record) => state.logs.push(*record),
        VspMsg::Past { id, result } => state.logs.take_past(id, result),
        VspMsg::LogGap(count) => state.logs.note_gap(state.now, count),
    }
}

/// A VSP that is gone is waited for; it is never started unasked.
fn go_down(state: &mut State, reason: String, is_absent: bool) {
    let since = match &state.link {
        Link::Down { since, .. } => *since,
        Link::Up(_) | Link::Connecting => state.now,
    };
    state.link = Link::Down { reason, is_absent, since, tried: state.now, is_trying: false };
}

/// Consoles of guests that are gone are closed, with their panes.
fn change_guests(state: &mut State, effects: &mut Vec<Effect>, change: impl FnOnce(&mut State)) {
    let focused = state.tabs.focused();
    change(state);
    let State { guests, tabs, consoles, .. } = state;
    let is_there = |guest| guests.by_uuid(guest).is_some();
    effects.extend(consoles.retain(is_there).into_iter().map(Effect::CloseConsole));
    tabs.retain(is_there);
    // When the guest that had the keys is gone no other guest gets them.
    if state.screen == Screen::Console && state.tabs.focused() != focused {
        state.screen = Screen::Overview;
    }
}

fn take_reply(state: &mut State, id: RequestId, result: Result<Acceptance, String>) {
    let Some((waiting, result)) = state.requests.answer(id, result) else { return };
    state.detail.expire();
    state.storage.expire();
    let (is_good, title, text) = match result {
        Ok(acceptance) => {
            let done = if acceptance.already_done { waiting.already } else { waiting.done };
            let remarks = acceptance.remarks.iter().map(ToString::to_string);
            let remarks: Vec<String> = waiting.report.into_iter().flat_map(script).chain(remarks).collect();
            (true, done, remarks.join("\n"))
        }
        Err(text) => (false, waiting.failed, text),
    };
    state.notice = Some(Notice { text: title.clone(), is_good });
    let entry =
        Entry { at: state.now, is_good, title: title.clone(), text: text.clone(), command: waiting.command };
    state.history.push(entry);
    if !text.is_empty() {
        show_message(state, title, text, !is_good);
    }
}

/// A script, or in a word that it has nothing to do.
fn script(lines: Vec<String>) -> Vec<String> {
    match lines.iter().all(|line| line.starts_with('#')) {
        true => vec!["Nothing is to be mended.".to_owned()],
        false => lines,
    }
}

fn take_console_event(state: &mut State, id: ConsoleId, event: ConsoleEvent, effects: &mut Vec<Effect>) {
    let scrollback = state.settings.scrollback_lines;
    let Some((_, console)) = state.consoles.by_id(id) else { return };
    match event {
        ConsoleEvent::Access { write } => {
            effects.extend(console.settle_access(write).map(|bytes| Effect::Input { id, bytes }));
        }
        ConsoleEvent::Output(bytes) => {
            let answers = console.feed(bytes, scrollback);
            consoles::answer(console, answers, effects);
        }
        ConsoleEvent::ReplayDone => console.is_replaying = false,
        ConsoleEvent::Gap => console.has_gap = true,
        ConsoleEvent::Ended(reason) => console.access = Access::Ended(reason),
    }
}

/// On an empty state directory the VSP has the demonstration guest alone: lead a newcomer to it.
fn welcome(state: &mut State) {
    if std::mem::replace(&mut state.was_welcomed, true) {
        return;
    }
    let is_newcomer = match state.guests.all() {
        [only] => only.name == DEMO_GUEST && only.state == GuestState::Off && only.reason.is_none(),
        _ => false,
    };
    if is_newcomer && state.layers.is_empty() {
        state.layers.push(Layer::Welcome);
    }
}

/// Starts the demonstration guest and shows its console.
pub(super) fn start_demo(state: &mut State, effects: &mut Vec<Effect>) {
    state.guests.select(DEMO_GUEST, &state.figures);
    request::start_selected(state, effects);
    consoles::open_selected(state, effects);
}

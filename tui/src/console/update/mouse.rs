//! The mouse: what is clicked was drawn, so the view says what lies under it.

use super::{act, consoles, typing};
use crate::console::effect::Effect;
use crate::console::emulator::Selecting;
use crate::console::keymap::{self, Action, Context};
use crate::console::keys;
use crate::console::msg::Target;
use crate::console::state::{Layer, Screen, State};
use alacritty_terminal::term::TermMode;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use uuid::Uuid;

/// Lines that one step of the wheel moves.
const WHEEL_LINES: usize = 3;

pub(super) fn take(state: &mut State, event: MouseEvent, target: Option<Target>, effects: &mut Vec<Effect>) {
    if let Some(Target::Terminal { guest, column, line }) = target
        && state.layers.is_empty()
    {
        return on_terminal(state, event, guest, (column, line), effects);
    }
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => click(state, target, effects),
        MouseEventKind::ScrollUp => wheel(state, target, Action::Up, effects),
        MouseEventKind::ScrollDown => wheel(state, target, Action::Down, effects),
        _ => {}
    }
}

fn click(state: &mut State, target: Option<Target>, effects: &mut Vec<Effect>) {
    let context = state.context();
    match target {
        // What lies under a dialog is not to be reached.
        Some(Target::Action(action))
            if state.layers.is_empty() || keymap::rows(context).any(|row| row.action == action) =>
        {
            act::act(state, context, action, effects);
        }
        Some(Target::Screen(screen)) if state.layers.is_empty() => act::go_to(state, screen, effects),
        Some(Target::Heading(column)) if state.layers.is_empty() => {
            state.guests.sort_by(column, &state.figures);
        }
        Some(Target::Part(part)) if state.layers.is_empty() => state.detail.part = part,
        Some(Target::View(view)) if state.layers.is_empty() => state.storage.show(view),
        Some(Target::Tab(place)) if state.layers.is_empty() => state.tabs.go_to(place),
        Some(Target::Log) if state.layers.is_empty() => act::go_to(state, Screen::Logs, effects),
        Some(Target::Row(place)) => select_row(state, place, effects),
        Some(Target::Choice { field, value }) => {
            if let Some(Layer::Form(form)) = state.layers.last_mut() {
                form.choose_value(field, value);
                typing::check_files(form, effects);
            }
        }
        _ => {}
    }
}

/// A row that is selected already is opened.
fn select_row(state: &mut State, place: usize, effects: &mut Vec<Effect>) {
    match state.layers.last_mut() {
        Some(Layer::Palette(palette)) => {
            palette.select_row(place);
            return act::act(state, Context::Palette, Action::Accept, effects);
        }
        Some(Layer::Form(form)) => return form.go_to(place),
        Some(_) => return,
        None => {}
    }
    match state.screen {
        Screen::Overview if state.guests.selected_index() == place && state.guests.count() > 0 => {
            act::act(state, Context::Guests, Action::GuestScreen, effects);
        }
        Screen::Overview => state.guests.select_row(place),
        Screen::Guest => state.detail.select_row(place),
        Screen::Storage => state.storage.select_row(place),
        Screen::Console | Screen::Logs => {}
    }
}

/// The wheel moves the list or the text that it is over; one that lies over the screen wherever it is.
fn wheel(state: &mut State, target: Option<Target>, action: Action, effects: &mut Vec<Effect>) {
    let context = state.context();
    let is_over_list = matches!(target, Some(Target::Scrolled | Target::Row(_) | Target::Heading(_)));
    match context {
        Context::Form
        | Context::Confirm
        | Context::ConfirmStop
        | Context::ConfirmForce
        | Context::Console => {
            return;
        }
        Context::Guests if target == Some(Target::Log) => {
            return (0..WHEEL_LINES).for_each(|_| state.logs.navigate(action));
        }
        Context::Guests | Context::Guest | Context::Storage | Context::Hardware if !is_over_list => return,
        _ => {}
    }
    for _ in 0..WHEEL_LINES {
        act::act(state, context, action, effects);
    }
}

/// A guest that asked for the mouse gets it, but with Shift; otherwise dragging selects and the wheel shows earlier
/// output.
fn on_terminal(
    state: &mut State,
    event: MouseEvent,
    guest: Uuid,
    cell: (u16, u16),
    effects: &mut Vec<Effect>,
) {
    if state.screen != Screen::Console {
        // The console below the table: a click goes there.
        if event.kind == MouseEventKind::Down(MouseButton::Left) {
            consoles::open_selected(state, effects);
        }
        return;
    }
    let is_button = matches!(event.kind, MouseEventKind::Down(_));
    if is_button && !state.types_to(guest) {
        return state.tabs.open(guest);
    }
    let Some(console) = state.consoles.get_mut(guest) else { return };
    let mode = console.emulator.mode();
    let is_guests = mode.intersects(TermMode::MOUSE_MODE)
        && console.history.is_none()
        && !event.modifiers.contains(KeyModifiers::SHIFT);
    if is_guests {
        if let Some(bytes) = keys::encode_mouse(&event, cell, mode).filter(|_| state.types_to(guest)) {
            consoles::send(state, bytes, effects);
        }
        return;
    }
    match event.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            console.shown_mut().select_from(cell, Selecting::Characters);
        }
        MouseEventKind::Down(MouseButton::Right) => console.shown_mut().select_from(cell, Selecting::Words),
        MouseEventKind::Drag(MouseButton::Left) => console.shown_mut().select_to(cell),
        MouseEventKind::Up(MouseButton::Left) => {
            if console.shown().selected_text().is_some_and(|text| text.chars().count() > 1) {
                consoles::copy(state, effects);
            } else {
                console.shown_mut().deselect();
            }
        }
        MouseEventKind::ScrollUp => {
            state.tabs.open(guest);
            consoles::browse(state);
            (0..WHEEL_LINES).for_each(|_| consoles::go(state, Context::Scrollback, Action::Up));
        }
        MouseEventKind::ScrollDown if console.history.is_some() => {
            state.tabs.open(guest);
            (0..WHEEL_LINES).for_each(|_| consoles::go(state, Context::Scrollback, Action::Down));
        }
        _ => {}
    }
}

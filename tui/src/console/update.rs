//! The whole behaviour of the console: an event changes the state and asks for effects.
//!
//! Pure: no channel, no file, no clock. Every branch can be tested by sending messages.

use super::effect::Effect;
use super::emulator::ScreenSize;
use super::keymap::{self, Action, Context, ESCAPE_BYTE};
use super::keys;
use super::msg::{ConsoleEvent, Millis, Msg, RequestId, VspMsg};
use super::screens::confirm::Confirm;
use super::screens::create::CreateForm;
use super::screens::guest_console::{Access, ConsoleId, GuestConsole};
use super::state::{Layer, Link, Message, Pane, State, Waiting};
use crate::view::dialogs;
use alacritty_terminal::grid::Scroll;
use alacritty_terminal::term::TermMode;
use crossterm::event::{Event, KeyEvent, KeyEventKind, KeyModifiers};
use ipc::message::{Acceptance, ClientToVsp, GuestRef, GuestState, StopMode};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

/// The guest that a VSP with an empty state directory has.
pub(crate) const DEMO_GUEST: &str = "demo";

/// The time between two attempts to reach a lost VSP, in milliseconds.
const RETRY_MILLIS: Millis = 1000;
/// Pasted text goes out in pieces of this size.
const PASTE_PIECE_BYTES: usize = 1024;
/// Ticks after which a synchronized update that does not end is shown anyway.
const HELD_TICKS: u8 = 2;
/// What may be typed into one field, in bytes.
const LONGEST_INPUT_BYTES: usize = 4096;

/// What the console does first.
pub(crate) fn initial_effects() -> Vec<Effect> {
    vec![Effect::Connect { may_start: true }]
}

/// Takes one event.
pub(crate) fn update(state: &mut State, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Key(key) if key.kind == KeyEventKind::Release => {}
        Msg::Key(key) => press(state, key, &mut effects),
        Msg::Paste(text) => paste(state, &text, &mut effects),
        Msg::Resize(columns, lines) => state.size = (columns, lines),
        Msg::Tick { now, host_load } => tick(state, now, host_load, &mut effects),
        Msg::Vsp(event) => take_vsp_event(state, event, &mut effects),
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

/// Makes what follows from the state true: the selected row is visible, and the console that is shown is
/// open and has the size of its pane.
fn settle(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(regions) = state.regions() else { return };
    state.guests.reveal(regions.guest_rows());
    let Some(guest) = state.selected() else {
        if state.pane == Pane::Console {
            leave_pane(state);
        }
        return;
    };
    let (guest, name) = (guest.uuid, guest.name.clone());
    let (Link::Up(_), Some(area)) = (&state.link, regions.terminal()) else { return };
    let write = state.types_to_guest();
    let size = ScreenSize { columns: area.width, lines: area.height };
    if let Some(id) = state.consoles.show(guest, size, write) {
        effects.push(Effect::OpenConsole { id, guest: name, write });
        effects.extend(state.consoles.close_surplus().into_iter().map(Effect::CloseConsole));
    }
}

fn tick(state: &mut State, now: Millis, host_load: Option<f32>, effects: &mut Vec<Effect>) {
    state.now = now;
    state.host_load = host_load;
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
            answer(console, answers, effects);
        }
    }
}

fn take_vsp_event(state: &mut State, event: VspMsg, effects: &mut Vec<Effect>) {
    match event {
        VspMsg::Up(status) => {
            state.link = Link::Up(status);
            effects.extend(state.consoles.retain(|_| false).into_iter().map(Effect::CloseConsole));
            state.logs.clear();
        }
        VspMsg::Down(reason) => {
            let since = match &state.link {
                Link::Down { since, .. } => *since,
                Link::Up(_) | Link::Connecting => state.now,
            };
            state.link = Link::Down { reason, since, tried: state.now, is_trying: false };
        }
        VspMsg::Guests { at, guests } => {
            change_guests(state, effects, |state| state.guests.replace(at, guests));
            welcome(state);
        }
        VspMsg::Guest { at, guest } => change_guests(state, effects, |state| state.guests.renew(at, *guest)),
        VspMsg::GuestRemoved { name } => change_guests(state, effects, |state| state.guests.remove(&name)),
        VspMsg::Progress { id, line } => {
            if let Some(waiting) = state.requests.get_mut(id) {
                waiting.progress = Some(line);
            }
        }
        VspMsg::Reply { id, result } => take_reply(state, id, result),
        VspMsg::Console { id, event } => take_console_event(state, id, event, effects),
        VspMsg::Log(record) => state.logs.push(*record),
        VspMsg::LogGap(count) => state.logs.note_gap(state.now, count),
    }
}

/// Consoles of guests that are gone are closed, and when the guest that has the keys is gone no other
/// guest gets them.
fn change_guests(state: &mut State, effects: &mut Vec<Effect>, change: impl FnOnce(&mut State)) {
    let before = state.selected().map(|guest| guest.uuid);
    change(state);
    let guests = &state.guests;
    effects.extend(state.consoles.retain(|guest| guests.has(guest)).into_iter().map(Effect::CloseConsole));
    if state.types_to_guest() && state.selected().map(|guest| guest.uuid) != before {
        leave_pane(state);
    }
}

fn take_reply(state: &mut State, id: RequestId, result: Result<Acceptance, String>) {
    let Some(waiting) = state.requests.remove(id) else { return };
    match result {
        Ok(acceptance) => {
            let done = if acceptance.already_done { waiting.already } else { waiting.done };
            if acceptance.remarks.is_empty() {
                state.notice = Some(done);
            } else {
                let remarks: Vec<String> = acceptance.remarks.iter().map(ToString::to_string).collect();
                show_message(state, done, remarks.join("\n"));
            }
        }
        Err(text) => show_message(state, waiting.failed, text),
    }
}

fn take_console_event(state: &mut State, id: ConsoleId, event: ConsoleEvent, effects: &mut Vec<Effect>) {
    let Some(console) = state.consoles.by_id(id) else { return };
    match event {
        ConsoleEvent::Access { write } => {
            effects.extend(console.settle_access(write).map(|bytes| Effect::Input { id, bytes }));
        }
        ConsoleEvent::Output(bytes) => {
            let answers = console.emulator.feed(&bytes);
            answer(console, answers, effects);
        }
        ConsoleEvent::ReplayDone => console.is_replaying = false,
        ConsoleEvent::Gap => console.has_gap = true,
        ConsoleEvent::Ended(reason) => console.access = Access::Ended(reason),
    }
}

/// Sends a terminal's answers, but only the writer's, and none to what was asked before it came.
fn answer(console: &GuestConsole, answers: Vec<u8>, effects: &mut Vec<Effect>) {
    if console.access == Access::Writer && !console.is_replaying && !answers.is_empty() {
        effects.push(Effect::Input { id: console.id, bytes: answers });
    }
}

/// On an empty state directory the VSP has the demonstration guest alone: lead a newcomer to it.
fn welcome(state: &mut State) {
    if state.was_welcomed {
        return;
    }
    state.was_welcomed = true;
    let is_newcomer = match state.guests.rows() {
        [only] => {
            let guest = &only.summary;
            guest.name == DEMO_GUEST && guest.state == GuestState::Off && guest.reason.is_none()
        }
        _ => false,
    };
    if is_newcomer {
        state.layers.push(Layer::Welcome);
    }
}

fn show_message(state: &mut State, title: String, text: String) {
    state.layers.push(Layer::Message(Message { title, text, top: 0 }));
}

fn press(state: &mut State, key: KeyEvent, effects: &mut Vec<Effect>) {
    let context = state.context();
    match (keymap::action(context, &key), context) {
        (Some(Action::PageUp), Context::Console) if !scrolls_back(state, &key) => {
            type_to_guest(state, &key, effects)
        }
        (Some(action), _) => act(state, context, action, effects),
        (None, Context::Console | Context::Scrollback) => type_to_guest(state, &key, effects),
        (None, Context::Form | Context::Filter) => edit(state, &key, effects),
        (None, _) => {}
    }
}

/// PgUp belongs to a full-screen program; elsewhere, and with Shift, it shows earlier output.
fn scrolls_back(state: &State, key: &KeyEvent) -> bool {
    let Some(console) = state.console() else { return true };
    let is_shifted = key.modifiers.contains(KeyModifiers::SHIFT);
    !console.emulator.mode().contains(TermMode::ALT_SCREEN) || is_shifted
}

fn act(state: &mut State, context: Context, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Help => state.layers.push(Layer::Help(0)),
        Action::Quit => effects.push(Effect::Quit),
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Reconnect => reconnect(state, false, effects),
        Action::StartVsp => reconnect(state, true, effects),
        Action::ToGuests => leave_pane(state),
        Action::ToConsole => go_to(state, Pane::Console, effects),
        Action::ToLogs => go_to(state, Pane::Logs, effects),
        Action::SendEscapeKey => {
            go_to(state, Pane::Console, effects);
            settle(state, effects);
            send_to_guest(state, vec![ESCAPE_BYTE], effects);
        }
        Action::NextPane if state.pane_has_keys => leave_pane(state),
        Action::NextPane => {
            state.pane = match state.pane {
                Pane::Console => Pane::Logs,
                Pane::Logs => Pane::Console,
            };
        }
        Action::Zoom => zoom(state, effects),
        Action::Start => start_selected(state, effects),
        Action::Stop => confirm(state, Confirm::stop),
        Action::Reset => confirm(state, Confirm::reset),
        Action::Remove => confirm(state, Confirm::remove),
        Action::Create => state.layers.push(Layer::Form(Box::default())),
        Action::TakeOver => take_over(state, effects),
        Action::Pause => state.logs.toggle_pause(),
        Action::Level => state.logs.next_level(),
        Action::Source => state.logs.next_source(),
        Action::EditFilter => {
            let input = Input::new(state.logs.filter.clone());
            state.layers.push(Layer::Filter { input });
        }
        Action::ClearFilter => state.logs.filter.clear(),
        Action::Accept => accept(state, effects),
        Action::AcceptHarder => {
            if let Some(Layer::Confirm(Confirm { harder: Some(harder), .. })) = state.layers.pop() {
                request(state, harder, effects);
            }
        }
        Action::Cancel => cancel(state),
        Action::NextField | Action::PreviousField => {
            if let Some(Layer::Form(form)) = state.layers.last_mut() {
                form.step(action == Action::NextField);
                check_files(form, effects);
            }
        }
        Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::First | Action::Last => {
            navigate(state, context, action);
        }
    }
}

fn navigate(state: &mut State, context: Context, action: Action) {
    let regions = state.regions();
    let page = match context {
        Context::Guests => regions.map_or(1, |regions| regions.guest_rows()),
        Context::Logs => {
            regions.and_then(|regions| regions.log_rows()).map_or(1, |area| usize::from(area.height))
        }
        _ => usize::from(state.size.1 / 2),
    };
    match context {
        Context::Guests => state.guests.navigate(action, page),
        Context::Logs => {
            let selected = state.selected_name().map(str::to_owned);
            state.logs.navigate(action, page, selected.as_deref());
        }
        Context::Console | Context::Scrollback => scroll_console(state, action),
        _ => scroll_text(state, action, page),
    }
}

/// Texts that are scrolled know their length only when they are laid out, so the end is found last.
fn scroll_text(state: &mut State, action: Action, page: usize) {
    let size = state.size;
    let (top, last) = match state.layers.last_mut() {
        Some(Layer::Help(top)) => (top, dialogs::last_help_top(size)),
        Some(Layer::Message(message)) => (&mut message.top, dialogs::last_message_top(size, &message.text)),
        _ => return,
    };
    *top = match action {
        Action::Up => top.saturating_sub(1),
        Action::Down => top.saturating_add(1),
        Action::PageUp => top.saturating_sub(page),
        Action::PageDown => top.saturating_add(page),
        Action::First => 0,
        _ => last,
    }
    .min(last);
}

fn scroll_console(state: &mut State, action: Action) {
    let Some(console) = state.console_mut() else { return };
    console.emulator.scroll(match action {
        Action::Up => Scroll::Delta(1),
        Action::Down => Scroll::Delta(-1),
        Action::PageUp => Scroll::PageUp,
        Action::PageDown => Scroll::PageDown,
        Action::First => Scroll::Top,
        _ => Scroll::Bottom,
    });
}

/// Gives the keys to a lower pane. A console that only looked on, or that ended, is opened anew with the
/// wish to write.
fn go_to(state: &mut State, pane: Pane, effects: &mut Vec<Effect>) {
    if pane == Pane::Console {
        let Some(guest) = state.selected().map(|guest| guest.uuid) else { return };
        let is_of_no_use =
            |console: &GuestConsole| matches!(console.access, Access::Viewer | Access::Ended(_));
        if state.console().is_some_and(is_of_no_use) {
            effects.extend(state.consoles.close(guest).map(Effect::CloseConsole));
        }
    }
    state.guests.await_guest(None);
    state.pane = pane;
    state.pane_has_keys = true;
}

fn leave_pane(state: &mut State) {
    state.pane_has_keys = false;
    state.is_zoomed = false;
}

/// A pane that fills the screen has the keys too: there is nothing else to see.
fn zoom(state: &mut State, effects: &mut Vec<Effect>) {
    if state.is_zoomed {
        state.is_zoomed = false;
    } else {
        go_to(state, state.pane, effects);
        state.is_zoomed = state.pane_has_keys;
    }
}

fn reconnect(state: &mut State, may_start: bool, effects: &mut Vec<Effect>) {
    if let Link::Down { tried, is_trying, .. } = &mut state.link {
        *tried = state.now;
        *is_trying = true;
        effects.push(Effect::Connect { may_start });
    }
}

fn confirm(state: &mut State, question: fn(&str) -> Confirm) {
    if let Some(guest) = state.selected_name() {
        let layer = Layer::Confirm(question(guest));
        state.layers.push(layer);
    }
}

fn start_selected(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(name) = state.selected_name() {
        let guest = GuestRef::Name(name.to_owned());
        request(state, ClientToVsp::StartGuest { guest, manner: ipc::message::Manner::Normal }, effects);
    }
}

fn take_over(state: &mut State, effects: &mut Vec<Effect>) {
    go_to(state, Pane::Console, effects);
    if let Some(console) = state.console_mut()
        && console.access == Access::Refused
    {
        console.access = Access::Asked;
        effects.push(Effect::TakeAccess(console.id));
    }
}

fn accept(state: &mut State, effects: &mut Vec<Effect>) {
    match state.layers.pop() {
        Some(Layer::Confirm(confirm)) => request(state, confirm.request, effects),
        Some(Layer::Form(mut form)) => match form.request(&state.guests) {
            Some(create) => request(state, create, effects),
            None => {
                form.go_to_first_problem(&state.guests);
                check_files(&form, effects);
                state.layers.push(Layer::Form(form));
            }
        },
        Some(Layer::Welcome) => {
            state.guests.select(DEMO_GUEST);
            start_selected(state, effects);
            go_to(state, Pane::Console, effects);
        }
        // The filter took effect while it was typed.
        Some(Layer::Filter { .. } | Layer::Help(_) | Layer::Message(_)) | None => {}
    }
}

fn cancel(state: &mut State) {
    if let Some(Layer::Filter { .. }) = state.layers.pop() {
        state.logs.filter.clear();
    }
}

fn request(state: &mut State, request: ClientToVsp, effects: &mut Vec<Effect>) {
    let Some(waiting) = words_for(&request, state.now) else { return };
    if let ClientToVsp::CreateGuest { name, .. } = &request {
        state.guests.await_guest(Some(name.clone()));
    }
    state.notice = None;
    let id = state.requests.insert(waiting);
    effects.push(Effect::Request { id, request: Box::new(request) });
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
        ClientToVsp::ResetGuest(guest) => ("reset", "resetting", "is reset", "is being reset already", guest),
        ClientToVsp::RemoveGuest(guest) => ("remove", "removing", "is removed", "is removed already", guest),
        ClientToVsp::CreateGuest { name, .. } => {
            ("create", "creating", "is created", "exists already", &GuestRef::Name(name.clone()))
        }
        _ => return None,
    };
    Some(Waiting {
        doing: format!("{doing} {guest}"),
        done: format!("Guest {guest} {done}."),
        already: format!("Guest {guest} {already}."),
        failed: format!("Unable to {verb} guest {guest}"),
        progress: None,
        since,
    })
}

fn type_to_guest(state: &mut State, key: &KeyEvent, effects: &mut Vec<Effect>) {
    let Some(console) = state.console() else { return };
    if let Some(bytes) = keys::encode_key(key, console.emulator.mode()) {
        send_to_guest(state, bytes, effects);
    }
}

/// Sends what was typed, and shows the newest output, where the typing will appear.
fn send_to_guest(state: &mut State, bytes: Vec<u8>, effects: &mut Vec<Effect>) {
    let Some(console) = state.console_mut() else { return };
    console.emulator.scroll(Scroll::Bottom);
    console.has_gap = false;
    let id = console.id;
    effects.extend(console.sendable(bytes).map(|bytes| Effect::Input { id, bytes }));
}

fn paste(state: &mut State, text: &str, effects: &mut Vec<Effect>) {
    match state.context() {
        Context::Console | Context::Scrollback => {
            let Some(console) = state.console() else { return };
            let bytes = keys::encode_paste(text, console.emulator.mode());
            for piece in bytes.chunks(PASTE_PIECE_BYTES) {
                send_to_guest(state, piece.to_vec(), effects);
            }
        }
        Context::Form | Context::Filter => {
            for character in text.chars().filter(|character| !character.is_control()) {
                insert(state, character);
            }
            after_edit(state, effects);
        }
        _ => {}
    }
}

fn edited_input(state: &mut State) -> Option<&mut Input> {
    match state.layers.last_mut() {
        Some(Layer::Form(form)) => Some(form.focused_input()),
        Some(Layer::Filter { input }) => Some(input),
        _ => None,
    }
}

fn insert(state: &mut State, character: char) {
    if let Some(input) = edited_input(state)
        && input.value().len() < LONGEST_INPUT_BYTES
    {
        input.handle(tui_input::InputRequest::InsertChar(character));
    }
}

fn edit(state: &mut State, key: &KeyEvent, effects: &mut Vec<Effect>) {
    let Some(input) = edited_input(state) else { return };
    let before = input.clone();
    input.handle_event(&Event::Key(*key));
    if input.value().len() > LONGEST_INPUT_BYTES {
        *input = before;
    }
    after_edit(state, effects);
}

fn after_edit(state: &mut State, effects: &mut Vec<Effect>) {
    match state.layers.last() {
        Some(Layer::Filter { input }) => state.logs.filter = input.value().to_owned(),
        Some(Layer::Form(form)) => check_files(form, effects),
        _ => {}
    }
}

fn check_files(form: &CreateForm, effects: &mut Vec<Effect>) {
    effects.extend(form.unchecked_paths().into_iter().map(Effect::CheckFile));
}

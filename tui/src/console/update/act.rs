//! What each action does.

use super::vsp::start_demo;
use super::{consoles, hardware, request, settle, show_message, typing};
use crate::console::effect::Effect;
use crate::console::keymap::{Action, Context, ESCAPE_BYTE};
use crate::console::screens::confirm::Confirm;
use crate::console::screens::detail::Part;
use crate::console::screens::form::{Form, Purpose};
use crate::console::screens::logs::Source;
use crate::console::screens::matcher::Matcher;
use crate::console::screens::palette::{Choice, Palette};
use crate::console::screens::storage;
use crate::console::screens::tabs::Split;
use crate::console::state::{Layer, Link, Notice, Preview, PromptPurpose, Screen, State};
use crate::view::{dialogs, format};
use ipc::message::{DeviceDetail, GuestDetail};

pub(super) fn act(state: &mut State, context: Context, action: Action, effects: &mut Vec<Effect>) {
    // What the menu leads to is done on the console that it lies over, or takes its place.
    if context == Context::Vmp && action != Action::Help {
        state.layers.pop();
    }
    match action {
        Action::Help => state.layers.push(Layer::Help(dialogs::help_top(state.size, context))),
        Action::Quit => effects.push(Effect::Quit),
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Reconnect => reconnect(state, false, effects),
        Action::StartVsp => reconnect(state, true, effects),
        Action::Theme => state.palette = state.palette.next(),
        Action::About => about(state),
        Action::Messages => state.layers.push(Layer::History(0)),
        Action::Palette => {
            let palette = Palette::commands(context, state.guests.listed());
            state.layers.push(Layer::Palette(Box::new(palette)));
        }

        Action::NextScreen => step_screen(state, true, effects),
        Action::PreviousScreen => step_screen(state, false, effects),
        Action::Overview => go_to(state, Screen::Overview, effects),
        Action::GuestScreen => go_to(state, Screen::Guest, effects),
        Action::ConsoleScreen => go_to(state, Screen::Console, effects),
        Action::StorageScreen => go_to(state, Screen::Storage, effects),
        Action::LogsScreen => go_to(state, Screen::Logs, effects),
        Action::GuestLog => {
            if let Some(name) = state.selected_name().map(str::to_owned) {
                state.logs.choose(|choice| choice.source = Source::Guest(name));
                go_to(state, Screen::Logs, effects);
            }
        }
        Action::Preview => {
            state.preview = match state.preview {
                Preview::Console => Preview::Logs,
                Preview::Logs => Preview::Nothing,
                Preview::Nothing => Preview::Console,
            };
        }

        Action::Database => {
            let palette = Palette::database(state.storage.selected());
            state.layers.push(Layer::Palette(Box::new(palette)));
        }
        _ if context == Context::Hardware && hardware::takes(action) => {
            hardware::act(state, action, effects);
        }
        Action::Hold | Action::Move | Action::Describe | Action::Scan | Action::Attach => {}
        Action::Part if matches!(context, Context::Storage | Context::Hardware) => {
            state.storage.show(state.storage.view().next());
        }
        Action::Part => state.detail.part = state.detail.part.next(),
        Action::ShowUsers => {
            go_to(state, Screen::Guest, effects);
            state.detail.part = Part::Users;
        }
        Action::Disconnect => disconnect(state, context, effects),

        Action::Start => request::start_selected(state, effects),
        Action::Stop => confirm(state, Confirm::stop),
        Action::StopAll => {
            let running = state.guests.all().iter().filter(|guest| guest.state.is_on());
            match running.map(|guest| guest.name.clone()).collect::<Vec<_>>() {
                running if running.is_empty() => say(state, "No guest is on."),
                running => state.layers.push(Layer::Confirm(Confirm::stop_all(running))),
            }
        }
        Action::Reset => confirm(state, Confirm::reset),
        Action::TransferControl => confirm(state, Confirm::transfer_control),
        Action::Remove => remove(state, context),
        Action::Create if context == Context::Storage => open_form(state, Purpose::AddEntry, effects),
        Action::Create => open_form(state, Purpose::Create, effects),
        Action::Modify => modify(state, context, effects),
        Action::Clone => open_guest_form(state, Purpose::Clone, effects),
        Action::AddDevice => {
            if let Some(name) = state.selected_name().map(str::to_owned) {
                open_form(state, Purpose::AddDevice { guest: name, attached: None }, effects);
            }
        }
        Action::ModifyDevice => match selected_device(state) {
            Some((guest, device)) => {
                open_form(state, Purpose::ModifyDevice { guest, device: Box::new(device) }, effects);
            }
            None => say(state, "No device is selected."),
        },
        Action::CreateFile => open_form(state, Purpose::CreateFile, effects),
        Action::Insert => insert(state, context, effects),
        Action::Eject => eject(state, context),

        Action::Sort => state.guests.sort_by_next(&state.figures),
        Action::SortReversed => state.guests.sort_by(state.guests.order().0, &state.figures),
        Action::EditFilter => match context {
            Context::Logs => typing::prompt(state, PromptPurpose::LogText),
            Context::Storage | Context::Hardware => typing::prompt(state, PromptPurpose::StorageFilter),
            _ => typing::prompt(state, PromptPurpose::GuestFilter),
        },
        Action::EditRegex => typing::prompt(state, PromptPurpose::LogRegex),
        Action::ClearFilter => match context {
            Context::Logs => state.logs.choose(|choice| choice.filter = Matcher::default()),
            Context::Storage | Context::Hardware => state.storage.set_filter(""),
            _ => state.guests.set_filter("", &state.figures),
        },
        Action::ShowHidden => {
            if !state.guests.toggle_hidden(&state.figures) {
                say(state, "No guest has visible_status=disabled.");
            }
        }
        Action::LongerRange => state.detail.range = state.detail.range.stepped(true),
        Action::ShorterRange => state.detail.range = state.detail.range.stepped(false),

        Action::Menu => state.layers.push(Layer::Vmp),
        Action::SendEscapeKey => consoles::send(state, vec![ESCAPE_BYTE], effects),
        Action::TakeOver => consoles::take_over(state, effects),
        Action::TypeSize => consoles::type_size(state, effects),
        Action::Full => state.tabs.is_full = !state.tabs.is_full,
        Action::OpenTab => choose_guest(state, "Open the console of", Choice::Open),
        Action::SplitColumns => {
            choose_guest(state, "Beside this console", |guest| Choice::Split(Split::Columns, guest));
        }
        Action::SplitRows => {
            choose_guest(state, "Below this console", |guest| Choice::Split(Split::Rows, guest));
        }
        Action::NextPane => state.tabs.next_pane(),
        Action::NextTab => state.tabs.step(true),
        Action::PreviousTab => state.tabs.step(false),
        Action::ClosePane => {
            if let Some(guest) = state.tabs.focused() {
                state.tabs.close(guest);
                effects.extend(state.consoles.close(guest).map(Effect::CloseConsole));
            }
        }
        Action::Earlier => {
            consoles::browse(state);
            consoles::go(state, Context::Scrollback, Action::PageUp);
        }
        Action::Search => typing::prompt(state, PromptPurpose::Search),
        Action::NextMatch => consoles::next_match(state, true),
        Action::PreviousMatch => consoles::next_match(state, false),
        Action::Copy => consoles::copy(state, effects),
        Action::Select
        | Action::SelectLines
        | Action::WordLeft
        | Action::WordRight
        | Action::LineStart
        | Action::LineEnd => consoles::go(state, context, action),

        Action::Pause => state.logs.toggle_pause(),
        Action::Level => state.logs.next_level(),
        Action::Source => {
            let selected = state.guests.selected().map(|guest| guest.name.clone());
            state.logs.next_source(selected.as_deref());
        }
        Action::JumpToTime => typing::prompt(state, PromptPurpose::LogTime),
        Action::Wrap => state.logs.toggle_wrap(),

        Action::Accept => accept(state, effects),
        Action::AcceptHarder => {
            if let Some(Layer::Confirm(Confirm { harder: Some(harder), .. })) = state.layers.pop() {
                request::send(state, harder, effects);
            }
        }
        Action::Cancel if context == Context::Vmp => {}
        Action::Cancel if context == Context::Scrollback => {
            if let Some(console) = state.console_mut() {
                console.history = None;
            }
        }
        Action::Cancel => {
            if let Some(Layer::Prompt(prompt)) = state.layers.pop() {
                typing::cancel(state, &prompt);
            }
        }
        Action::NextField | Action::PreviousField => {
            if let Some(Layer::Form(form)) = state.layers.last_mut() {
                form.step(action == Action::NextField);
                typing::check_files(form, effects);
            }
        }
        Action::Left | Action::Right if context == Context::Guest => {
            let step = if action == Action::Left { Action::Up } else { Action::Down };
            state.guests.navigate(step, 1);
        }
        Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::First
        | Action::Last
        | Action::Left
        | Action::Right => navigate(state, context, action),
    }
}

fn about(state: &mut State) {
    let text = match &state.link {
        Link::Up(status) => format!(
            "Version {}\nProcess {}, up {}\nState directory {}\n{} guests, {} of them on\n\n$ hpvm info",
            status.build,
            status.pid,
            format::elapsed(status.since_micros / 1000, state.now),
            status.root,
            state.guests.all().len(),
            state.guests.all().iter().filter(|guest| guest.state.is_on()).count(),
        ),
        Link::Connecting | Link::Down { .. } => return say(state, NO_CONNECTION),
    };
    show_message(state, "About the VSP".to_owned(), text, false);
}

fn navigate(state: &mut State, context: Context, action: Action) {
    let regions = state.regions();
    let page = |rows: fn(&crate::console::layout::Regions) -> usize| regions.as_ref().map_or(1, rows);
    match context {
        Context::Guests => state.guests.navigate(action, page(|regions| regions.guest_rows())),
        Context::Guest => state.detail.navigate(action, page(|regions| regions.device_rows())),
        Context::Storage | Context::Hardware => {
            state.storage.navigate(action, page(|regions| regions.entry_rows()))
        }
        Context::Logs => state.logs.navigate(action),
        Context::Console | Context::Scrollback => consoles::go(state, context, action),
        _ => scroll_text(state, action),
    }
}

/// Texts that are scrolled know their length only when they are laid out, so the end is found last.
fn scroll_text(state: &mut State, action: Action) {
    let page = usize::from(state.size.1 / 2);
    let last_of_history = dialogs::last_history_top(state);
    let size = state.size;
    let (top, last) = match state.layers.last_mut() {
        Some(Layer::Help(top)) => (top, dialogs::last_help_top(size)),
        Some(Layer::Message(message)) => (&mut message.top, dialogs::last_message_top(size, &message.text)),
        Some(Layer::History(top)) => (top, last_of_history),
        Some(Layer::Palette(palette)) => return palette.navigate(action, dialogs::palette_rows(size)),
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

/// What is said to who wants to see something that only a VSP can show.
pub(super) const NO_CONNECTION: &str = "There is no connection to a VSP.";

/// Brings a screen to the front. The guest of a console becomes the selected one when that is left.
pub(super) fn go_to(state: &mut State, screen: Screen, effects: &mut Vec<Effect>) {
    // The overview has what can be done without one.
    if !matches!(state.link, Link::Up(_)) && screen != Screen::Overview {
        return say(state, NO_CONNECTION);
    }
    if state.screen == Screen::Console
        && screen != Screen::Console
        && let Some(name) = state.selected_name().map(str::to_owned)
    {
        state.guests.select(&name, &state.figures);
    }
    match screen {
        Screen::Console => consoles::open_selected(state, effects),
        Screen::Guest if state.guests.selected().is_none() => {}
        _ => state.screen = screen,
    }
}

fn step_screen(state: &mut State, forward: bool, effects: &mut Vec<Effect>) {
    // A console takes the Tab key itself, so stepping goes past it.
    let others = [Screen::Overview, Screen::Guest, Screen::Storage, Screen::Logs];
    let place = others.iter().position(|screen| *screen == state.screen).unwrap_or_default();
    let next = if forward { place + 1 } else { place + others.len() - 1 } % others.len();
    let was = state.screen;
    go_to(state, others[next], effects);
    if state.screen == was {
        // There is no guest to show.
        go_to(state, if forward { Screen::Storage } else { Screen::Overview }, effects);
    }
}

fn reconnect(state: &mut State, may_start: bool, effects: &mut Vec<Effect>) {
    if let Link::Down { tried, is_trying, .. } = &mut state.link {
        *tried = state.now;
        *is_trying = true;
        effects.push(Effect::Connect { may_start });
    }
}

pub(super) fn say(state: &mut State, text: &str) {
    state.notice = Some(Notice { text: text.to_owned(), is_good: false });
}

fn confirm(state: &mut State, question: fn(&str) -> Confirm) {
    if let Some(guest) = state.selected_name() {
        let layer = Layer::Confirm(question(guest));
        state.layers.push(layer);
    }
}

fn remove(state: &mut State, context: Context) {
    let question = match context {
        Context::Guest => match selected_device(state) {
            Some((guest, device)) => Confirm::remove_device(&guest, &device),
            None => return say(state, "No device is selected."),
        },
        Context::Storage => match state.storage.selected() {
            Some(entry) if storage::is_removable(entry.kind) => Confirm::remove_entry(entry),
            Some(_) => return say(state, "The entry of the VSP itself cannot be removed."),
            None => return,
        },
        _ => return confirm(state, Confirm::remove),
    };
    state.layers.push(Layer::Confirm(question));
}

pub(super) fn open_form(state: &mut State, purpose: Purpose, effects: &mut Vec<Effect>) {
    let form = Form::new(purpose);
    typing::check_files(&form, effects);
    state.layers.push(Layer::Form(Box::new(form)));
}

fn modify(state: &mut State, context: Context, effects: &mut Vec<Effect>) {
    if context == Context::Storage {
        if let Some(entry) = state.storage.selected() {
            let name = entry.names.first().cloned().unwrap_or_default();
            let purpose = Purpose::EditEntry { kind: entry.kind, name };
            open_form(state, purpose, effects);
        }
        return;
    }
    open_guest_form(state, Purpose::Modify, effects);
}

/// Opens the form that waited for what the guest is so far, unless the operator has gone on to something else.
pub(super) fn open_awaited_form(state: &mut State, effects: &mut Vec<Effect>) {
    let Some((name, purpose)) = state.awaited_form.take() else { return };
    if state.screen == Screen::Guest
        && state.layers.is_empty()
        && let Some(guest) = state.detail.of(&name).cloned()
    {
        open_form(state, purpose(Box::new(guest)), effects);
    }
}

/// Opens a form that begins with what the guest is so far, which the guest screen asks for.
fn open_guest_form(state: &mut State, purpose: fn(Box<GuestDetail>) -> Purpose, effects: &mut Vec<Effect>) {
    let known = state.selected_name().and_then(|name| state.detail.of(name)).cloned();
    match known {
        Some(guest) => open_form(state, purpose(Box::new(guest)), effects),
        None => {
            go_to(state, Screen::Guest, effects);
            state.awaited_form = state.selected_name().map(|name| (name.to_owned(), purpose));
        }
    }
}

/// The selected device of the guest screen, or a drive on the selected entry of the storage screen, with its guest.
fn selected_device(state: &State) -> Option<(String, DeviceDetail)> {
    let name = state.selected_name()?;
    Some((name.to_owned(), state.detail.device(name)?.clone()))
}

fn selected_drive(state: &State, context: Context) -> Option<(String, DeviceDetail)> {
    let found = if context == Context::Storage {
        let uses = state.storage.uses(state.storage.selected()?);
        let found = uses.iter().find(|used| used.device.device == "dvd")?;
        (found.guest.to_owned(), found.device.clone())
    } else {
        selected_device(state)?
    };
    (found.1.device == "dvd").then_some(found)
}

fn insert(state: &mut State, context: Context, effects: &mut Vec<Effect>) {
    match selected_drive(state, context) {
        Some((guest, drive)) if drive.storage == "null" => {
            open_form(state, Purpose::Insert { guest, drive: Box::new(drive) }, effects);
        }
        Some(_) => say(state, "There is a disc in this drive: E ejects it."),
        None => say(state, "This is no DVD drive of a guest."),
    }
}

fn eject(state: &mut State, context: Context) {
    match selected_drive(state, context) {
        Some((guest, drive)) if drive.storage != "null" => {
            state.layers.push(Layer::Confirm(Confirm::eject(&guest, &drive)));
        }
        Some(_) => say(state, "There is no disc in this drive."),
        None => say(state, "This is no DVD drive of a guest."),
    }
}

/// Who is there is known on the guest screen alone.
fn disconnect(state: &mut State, context: Context, effects: &mut Vec<Effect>) {
    if context == Context::Vmp {
        act(state, Context::Guest, Action::ShowUsers, effects);
        return say(state, "These are at the console; D ends the session of one.");
    }
    let Some(name) = state.selected_name().map(str::to_owned) else { return };
    match state.detail.users(&name) {
        [] => say(state, "Nobody is at the console."),
        users => {
            let palette = Palette::console_users(&name, users);
            state.layers.push(Layer::Palette(Box::new(palette)));
        }
    }
}

fn choose_guest(state: &mut State, title: &'static str, choice: fn(uuid::Uuid) -> Choice) {
    let palette = Palette::guests(title, state.guests.listed(), |guest| choice(guest.uuid));
    state.layers.push(Layer::Palette(Box::new(palette)));
}

fn accept(state: &mut State, effects: &mut Vec<Effect>) {
    match state.layers.pop() {
        Some(Layer::Confirm(confirm)) => request::send(state, confirm.wish, effects),
        Some(Layer::Form(mut form)) => match form.request(&state.guests) {
            Some(wanted) => request::send(state, wanted, effects),
            None => {
                form.go_to_first_problem(&state.guests);
                typing::check_files(&form, effects);
                state.layers.push(Layer::Form(form));
            }
        },
        Some(Layer::Welcome) => start_demo(state, effects),
        Some(Layer::Prompt(prompt)) => typing::accept(state, prompt),
        Some(Layer::Palette(palette)) => {
            if let Some(choice) = palette.chosen().cloned() {
                choose(state, choice, effects);
            }
        }
        Some(Layer::Help(_) | Layer::Message(_) | Layer::History(_) | Layer::Vmp) | None => {}
    }
}

fn choose(state: &mut State, choice: Choice, effects: &mut Vec<Effect>) {
    match choice {
        Choice::Do(context, action) => act(state, context, action, effects),
        Choice::OfGuest(name, action) => {
            // Actions are about the selected guest of the overview, wherever the palette was opened.
            go_to(state, Screen::Overview, effects);
            state.guests.select(&name, &state.figures);
            act(state, Context::Guests, action, effects);
        }
        Choice::Ask(confirm) => state.layers.push(Layer::Confirm(*confirm)),
        Choice::Fill(purpose) => open_form(state, *purpose, effects),
        Choice::Disconnect(guest, user) => {
            state.layers.push(Layer::Confirm(Confirm::disconnect(&guest, &user)));
        }
        Choice::Open(guest) => state.tabs.open(guest),
        Choice::Split(split, guest) => state.tabs.split(split, guest),
    }
    settle(state, effects);
}

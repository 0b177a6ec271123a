//! Text that is typed or pasted.

use super::consoles;
use crate::console::effect::Effect;
use crate::console::keymap::Context;
use crate::console::keys;
use crate::console::screens::form::Form;
use crate::console::screens::matcher::Matcher;
use crate::console::state::{Layer, Prompt, PromptPurpose, State};
use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

/// Pasted text goes out in pieces of this size.
const PASTE_PIECE_BYTES: usize = 1024;
/// What may be typed into one field, in bytes.
const LONGEST_INPUT_BYTES: usize = 4096;

pub(super) fn paste(state: &mut State, text: &str, effects: &mut Vec<Effect>) {
    match state.context() {
        Context::Console => {
            let Some(console) = state.console() else { return };
            let bytes = keys::encode_paste(text, console.emulator.mode());
            for piece in bytes.chunks(PASTE_PIECE_BYTES) {
                consoles::send(state, piece.to_vec(), effects);
            }
        }
        Context::Form | Context::Prompt | Context::Palette => {
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
        Some(Layer::Form(form)) => form.focused_input(),
        Some(Layer::Prompt(prompt)) => Some(&mut prompt.input),
        Some(Layer::Palette(palette)) => Some(&mut palette.input),
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

/// A key that is text, or moves within it.
pub(super) fn edit(state: &mut State, key: &KeyEvent, effects: &mut Vec<Effect>) {
    if let Some(Layer::Form(form)) = state.layers.last_mut()
        && matches!(key.code, KeyCode::Left | KeyCode::Right | KeyCode::Char(' '))
        && form.choose(key.code != KeyCode::Left)
    {
        return;
    }
    let Some(input) = edited_input(state) else { return };
    let before = input.clone();
    input.handle_event(&Event::Key(*key));
    if input.value().len() > LONGEST_INPUT_BYTES {
        *input = before;
    }
    after_edit(state, effects);
}

/// Filters take effect while they are typed.
fn after_edit(state: &mut State, effects: &mut Vec<Effect>) {
    match state.layers.last_mut() {
        Some(Layer::Prompt(Prompt { purpose, input, problem })) => {
            let text = input.value().to_owned();
            *problem = None;
            match purpose {
                PromptPurpose::GuestFilter => state.guests.set_filter(&text, &state.figures),
                PromptPurpose::StorageFilter => state.storage.set_filter(&text),
                PromptPurpose::LogText => state.logs.choose(|choice| choice.filter = Matcher::text(&text)),
                PromptPurpose::LogRegex => match Matcher::regex(&text) {
                    Some(matcher) => state.logs.choose(|choice| choice.filter = matcher),
                    None => *problem = Some("no regular expression yet".to_owned()),
                },
                PromptPurpose::LogTime | PromptPurpose::Search => {}
            }
        }
        Some(Layer::Palette(palette)) => palette.search(),
        Some(Layer::Form(form)) => check_files(form, effects),
        _ => {}
    }
}

/// Has files looked at that a form names.
pub(super) fn check_files(form: &Form, effects: &mut Vec<Effect>) {
    effects.extend(form.unchecked_paths().into_iter().map(Effect::CheckFile));
}

/// Begins to type a line.
pub(super) fn prompt(state: &mut State, purpose: PromptPurpose) {
    let text = match purpose {
        PromptPurpose::GuestFilter => state.guests.filter().to_owned(),
        PromptPurpose::StorageFilter => state.storage.filter().to_owned(),
        PromptPurpose::LogText | PromptPurpose::LogRegex => state.logs.choice().filter.typed().to_owned(),
        PromptPurpose::LogTime | PromptPurpose::Search => String::new(),
    };
    state.layers.push(Layer::Prompt(Prompt { purpose, input: Input::new(text), problem: None }));
}

/// The line is finished. One that is wrong stays.
pub(super) fn accept(state: &mut State, mut prompt: Prompt) {
    let text = prompt.input.value().to_owned();
    let result = match prompt.purpose {
        PromptPurpose::LogTime => {
            let State { logs, now, time_zone, .. } = state;
            logs.jump(text.trim(), *now, time_zone)
        }
        PromptPurpose::Search => search(state, &text),
        // These took effect while they were typed.
        PromptPurpose::GuestFilter
        | PromptPurpose::StorageFilter
        | PromptPurpose::LogText
        | PromptPurpose::LogRegex => Ok(()),
    };
    if let Err(problem) = result {
        prompt.problem = Some(problem);
        state.layers.push(Layer::Prompt(prompt));
    }
}

fn search(state: &mut State, pattern: &str) -> Result<(), String> {
    consoles::browse(state);
    let Some(history) = state.console_mut().and_then(|console| console.history.as_deref_mut()) else {
        return Ok(());
    };
    if !pattern.is_empty() {
        history.search_for(pattern)?;
    }
    if history.go_to_match(true) { Ok(()) } else { Err("nothing matches".to_owned()) }
}

/// The line is dropped, and with it what it did.
pub(super) fn cancel(state: &mut State, prompt: &Prompt) {
    match prompt.purpose {
        PromptPurpose::GuestFilter => state.guests.set_filter("", &state.figures),
        PromptPurpose::StorageFilter => state.storage.set_filter(""),
        PromptPurpose::LogText | PromptPurpose::LogRegex => {
            state.logs.choose(|choice| choice.filter = Matcher::default());
        }
        PromptPurpose::LogTime | PromptPurpose::Search => {}
    }
}

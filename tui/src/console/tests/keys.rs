//! Every key that the help and the footers name does something: the screen changes, something is asked for, or it is said
//! why not.

use super::super::keymap::{self, Binding};
use super::*;
use ratatui::buffer::Buffer;

/// A console in which keys of a context hold.
type Situation = fn() -> State;

/// A console after these keys, with everything answered that was asked.
fn after(keys: &str) -> State {
    let mut state = samples::busy((100, 30));
    for number in 0..60 {
        samples::log(&mut state, samples::record("vsp", ipc::log::Level::Info, 1, &format!("line {number}")));
    }
    // A console that is used is opened anew, and has nothing printed before.
    let rest = keys.strip_prefix('c');
    if rest.is_some() {
        press_all(&mut state, "c");
        for number in 0..90 {
            samples::output(&mut state, format!("earlier line {number}\r\n").as_bytes());
        }
    }
    press_all(&mut state, rest.unwrap_or(keys));
    state
}

/// Types each character; `^` is the escape key, `~` Enter, `_` Down, `#` PageDown, `<` PageUp.
fn press_all(state: &mut State, keys: &str) {
    for character in keys.chars() {
        let _ = match character {
            '^' => update(state, ctrl('b')),
            '~' => press(state, KeyCode::Enter),
            '_' => press(state, KeyCode::Down),
            '#' => press(state, KeyCode::PageDown),
            '<' => press(state, KeyCode::PageUp),
            other => press(state, KeyCode::Char(other)),
        };
        samples::answer_questions(state);
    }
}

fn with_many_guests(keys: &str) -> State {
    let mut state = samples::connected((100, 30), samples::guests(300));
    press_all(&mut state, keys);
    state
}

/// A guest with more devices than there is room for, in the middle of them.
fn guest_with_many_devices() -> State {
    let mut state = after("2");
    let mut guest = samples::detail();
    let disk = guest.devices.remove(0);
    guest.devices = (0..40).map(|target| DeviceDetail { target, ..disk.clone() }).collect();
    let result = Ok(Box::new(guest));
    update(&mut state, Msg::Vsp(VspMsg::Detail { name: "demo".to_owned(), result }));
    press(&mut state, KeyCode::PageDown);
    state
}

/// A database with more entries than there is room for, in the middle of them.
fn many_entries(keys: &str) -> State {
    let mut state = after("4");
    let mut inventory = samples::inventory();
    let entry = inventory.entries.remove(0);
    inventory.entries = vec![entry; 60];
    let device = inventory.devices[1].clone();
    let other = |n: u32| ipc::io::IoDevice { lun_path: n.to_string(), ..device.clone() };
    inventory.devices.extend((0..60).map(other));
    update(&mut state, Msg::Vsp(VspMsg::Inventory(Ok(inventory))));
    for character in keys.chars() {
        press(&mut state, if character == '#' { KeyCode::PageDown } else { KeyCode::Char(character) });
    }
    state
}

/// The answers to many requests, the last of them with much to read.
fn after_many_requests(closes: bool) -> State {
    let mut state = samples::busy((100, 30));
    for id in 1..30 {
        press(&mut state, KeyCode::Char('s'));
        let text = (0..40).map(|line| format!("line {line}\n")).collect();
        update(&mut state, Msg::Vsp(VspMsg::Reply { id, result: Err(text) }));
        if closes || id < 29 {
            press(&mut state, KeyCode::Enter);
        }
    }
    state
}

fn situations(context: Context) -> Vec<Situation> {
    match context {
        Context::Guests => vec![|| after(""), || after("_"), || with_many_guests("##"), || after("/demo~")],
        Context::Guest => {
            vec![|| after("2"), || after("2_"), || after("2+"), || after("1_2"), guest_with_many_devices]
        }
        Context::Console => vec![|| after("c")],
        Context::Vmp => vec![|| after("c^"), || after("c^|sles~^tora~^"), || after("c^|sles~^")],
        Context::Scrollback => {
            vec![|| after("c<"), || after("c<<kv"), || after("c^/line 1~"), || after("c^/line 1~n"), || {
                after("c<<lllww")
            }]
        }
        Context::Storage => vec![|| after("4"), || after("4_"), || many_entries("#"), || after("4/iso~")],
        Context::Hardware => {
            vec![|| after("4v"), || after("4v__"), || after("4v______"), || many_entries("v##"), || {
                after("4v/tape~")
            }]
        }
        Context::Logs => vec![|| after("5"), || after("5<"), || after("5/line~"), || after("5<<_")],
        Context::Prompt => vec![|| after("/de")],
        Context::Palette => vec![|| with_many_guests(":"), || with_many_guests(":##")],
        Context::History => vec![
            || {
                let mut state = after_many_requests(true);
                press_all(&mut state, "m");
                state
            },
            || {
                let mut state = after_many_requests(true);
                press_all(&mut state, "m##");
                state
            },
        ],
        Context::Lost => vec![|| {
            let mut state = after("c");
            samples::lose_vsp(&mut state);
            state
        }],
        Context::Offline => vec![
            || {
                let mut state = after("4");
                samples::lose_vsp(&mut state);
                state
            },
            || {
                let mut state = samples::unconnected((100, 30));
                let reason = "the VSP is not running".to_owned();
                update(&mut state, Msg::Vsp(VspMsg::Down { reason, is_absent: true }));
                state.note_drawn();
                state
            },
        ],
        Context::Welcome => {
            vec![|| samples::connected((100, 30), vec![samples::guest(1, "demo", GuestState::Off)])]
        }
        Context::Confirm => vec![|| after("d")],
        Context::ConfirmStop => vec![|| after("x")],
        Context::ConfirmForce => vec![|| after("4v_______E")],
        Context::Form => vec![|| after("n")],
        Context::Message => vec![|| after_many_requests(false), || {
            let mut state = after_many_requests(false);
            press(&mut state, KeyCode::Down);
            state
        }],
        Context::Help => vec![|| after("?"), || after("?##")],
        Context::Anywhere => Vec::new(),
    }
}

fn drawn(state: &State) -> Buffer {
    let theme = Theme::new(state.palette, false);
    let mut terminal =
        Terminal::new(TestBackend::new(state.size.0, state.size.1)).expect("a screen in memory");
    terminal.draw(|frame| drop(view::draw(state, &theme, frame))).expect("a screen in memory");
    terminal.backend().buffer().clone()
}

/// Whether a key of a row does anything in one of these situations.
fn does_something(situations: &[Situation], key: keymap::Key) -> bool {
    situations.iter().any(|situation| {
        let mut state = situation();
        state.note_drawn();
        let before = drawn(&state);
        let event = crossterm::event::KeyEvent::new(key.code, key.modifiers);
        !update(&mut state, Msg::Key(event)).is_empty() || drawn(&state) != before
    })
}

#[test]
fn every_key_does_what_can_be_seen() {
    let mut dead = Vec::new();
    for context in Context::ALL {
        let situations = situations(context);
        let reached: Vec<Context> = situations.iter().map(|situation| situation().context()).collect();
        assert_eq!(reached, vec![context; situations.len()]);
        for Binding { keys, help, .. } in keymap::rows(context).filter(|_| context != Context::Anywhere) {
            let of_row = keys.iter().filter(|key| !does_something(&situations, **key));
            dead.extend(of_row.map(|key| format!("{context:?}: {key} ({help})")));
        }
    }
    // On each screen its own number changes nothing.
    let expected: Vec<String> = [
        (Context::Guests, "1 (Overview)"),
        (Context::Guest, "2 (The selected guest)"),
        (Context::Storage, "4 (Storage)"),
        (Context::Hardware, "4 (Storage)"),
        (Context::Logs, "5 (Logs)"),
    ]
    .map(|(context, key)| format!("{context:?}: {key}"))
    .to_vec();
    assert_eq!(dead, expected);
}

//! Behaviour: events in, state and effects out.

mod forms;
mod hardware;
mod keys;
mod logs;
mod lost;
mod random;

use super::effect::Effect;
use super::keymap::Context;
use super::msg::{ConsoleEvent, Msg, Target, VspMsg};
use super::samples::{self, NOW, ctrl, host, key};
use super::screens::guest_console::{Access, ConsoleId};
use super::state::{Screen, State};
use super::update::update;
use crate::view;
use crate::view::theme::{Palette, Theme};
use crossterm::event::{KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ipc::message::{Acceptance, ClientToVsp, DeviceDetail, GuestRef, GuestState, StopMode};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SIZE: (u16, u16) = (80, 24);

/// A key of an operator who sees what there is.
fn press(state: &mut State, code: KeyCode) -> Vec<Effect> {
    state.note_drawn();
    update(state, key(code))
}

fn requests(effects: &[Effect]) -> Vec<&ClientToVsp> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Request { request, .. } => Some(&**request),
            _ => None,
        })
        .collect()
}

fn demo() -> GuestRef {
    GuestRef::Name("demo".to_owned())
}

fn console_event(state: &mut State, id: ConsoleId, event: ConsoleEvent) -> Vec<Effect> {
    update(state, Msg::Vsp(VspMsg::Console { id, event }))
}

fn notice(state: &State) -> Option<&str> {
    state.notice.as_ref().map(|notice| notice.text.as_str())
}

/// A console on which the operator types to the guest `demo`.
fn typing() -> State {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('c'));
    let id = samples::console_id(&state);
    console_event(&mut state, id, ConsoleEvent::Access { write: true });
    console_event(&mut state, id, ConsoleEvent::ReplayDone);
    state
}

#[test]
fn newcomer_has_the_demo_guest_running_after_one_key() {
    let mut state = samples::connected(SIZE, vec![samples::guest(1, "demo", GuestState::Off)]);
    assert_eq!(state.context(), Context::Welcome);
    let effects = press(&mut state, KeyCode::Enter);
    assert_eq!(
        requests(&effects),
        [&ClientToVsp::StartGuest { guest: demo(), manner: ipc::message::Manner::Normal }]
    );
    assert!(effects.iter().any(|effect| matches!(effect, Effect::OpenConsole { write: true, .. })));
    assert_eq!(state.context(), Context::Console);
}

#[test]
fn welcome_is_for_newcomers_only() {
    let mut used = samples::guest(1, "demo", GuestState::Off);
    used.reason = Some("switched off".to_owned());
    for guests in
        [vec![used], vec![samples::guest(1, "demo", GuestState::OnOs)], samples::guests(2), Vec::new()]
    {
        assert!(samples::connected(SIZE, guests).layers.is_empty());
    }
}

#[test]
fn stopping_asks_first_and_offers_the_hard_way() {
    let mut state = samples::busy(SIZE);
    assert!(requests(&press(&mut state, KeyCode::Char('x'))).is_empty());
    assert!(requests(&press(&mut state, KeyCode::Enter)).is_empty(), "no is the default");
    for (answer, mode) in [('y', StopMode::Graceful), ('p', StopMode::Hard)] {
        press(&mut state, KeyCode::Char('x'));
        let effects = press(&mut state, KeyCode::Char(answer));
        assert_eq!(requests(&effects), [&ClientToVsp::StopGuest { guest: demo(), mode }]);
    }
}

#[test]
fn reset_and_remove_ask_first() {
    let mut state = samples::busy(SIZE);
    for (code, request) in [('r', ClientToVsp::ResetGuest(demo())), ('d', ClientToVsp::RemoveGuest(demo()))] {
        assert!(requests(&press(&mut state, KeyCode::Char(code))).is_empty());
        assert!(requests(&press(&mut state, KeyCode::Char('n'))).is_empty());
        press(&mut state, KeyCode::Char(code));
        assert_eq!(requests(&press(&mut state, KeyCode::Char('y'))), [&request]);
    }
}

#[test]
fn result_stays_until_the_next_request_and_refusal_until_it_is_closed() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('s'));
    let result = Ok(Acceptance { already_done: true, remarks: Vec::new() });
    update(&mut state, Msg::Vsp(VspMsg::Reply { id: 1, result }));
    assert_eq!(notice(&state), Some("Guest demo is on already."));
    press(&mut state, KeyCode::Char('s'));
    assert_eq!(state.notice, None);
    update(&mut state, Msg::Vsp(VspMsg::Reply { id: 2, result: Err("no memory".to_owned()) }));
    update(&mut state, Msg::Tick { now: NOW + 60_000, host: host(300) });
    assert_eq!(state.context(), Context::Message);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.context(), Context::Guests);
    let told: Vec<(bool, &str, Option<&str>)> = state
        .history
        .entries()
        .map(|entry| (entry.is_good, entry.title.as_str(), entry.command.as_deref()))
        .collect();
    let command = Some("hpvmstart -P demo");
    assert_eq!(
        told,
        [(false, "Unable to start guest demo", command), (true, "Guest demo is on already.", command)],
        "both are kept"
    );
}

#[test]
fn form_creates_the_guest_once_nothing_is_wrong() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('n'));
    assert!(requests(&press(&mut state, KeyCode::Enter)).is_empty(), "it has no name yet");
    samples::type_text(&mut state, "lin1");
    for text in ["", "", "", "/boot/vmlinux"] {
        press(&mut state, KeyCode::Tab);
        samples::type_text(&mut state, text);
    }
    let path = "/boot/vmlinux".to_owned();
    update(
        &mut state,
        Msg::FileChecked { path: path.clone(), problem: Some("There is no such file".to_owned()) },
    );
    assert!(requests(&press(&mut state, KeyCode::Enter)).is_empty(), "its kernel is missing");
    update(&mut state, Msg::FileChecked { path, problem: None });
    let effects = press(&mut state, KeyCode::Enter);
    let [ClientToVsp::CreateGuest { name, .. }] = requests(&effects)[..] else { panic!("{effects:?}") };
    assert_eq!(name, "lin1");
    assert!(state.layers.is_empty());
    let guest = Box::new(samples::guest(9, "lin1", GuestState::Off));
    update(&mut state, Msg::Vsp(VspMsg::Guest(guest)));
    assert_eq!(state.selected_name(), Some("lin1"), "it is selected when it appears");
}

#[test]
fn keys_reach_the_guest_until_the_escape_key() {
    let mut state = typing();
    let id = samples::console_id(&state);
    assert_eq!(press(&mut state, KeyCode::Char('q')), [Effect::Input { id, bytes: b"q".to_vec() }]);
    assert_eq!(update(&mut state, ctrl('c')), [Effect::Input { id, bytes: vec![3] }]);
    assert_eq!(press(&mut state, KeyCode::Up), [Effect::Input { id, bytes: b"\x1b[A".to_vec() }]);
    samples::output(&mut state, b"\x1b[?1h");
    assert_eq!(press(&mut state, KeyCode::Up), [Effect::Input { id, bytes: b"\x1bOA".to_vec() }]);
    assert_eq!(update(&mut state, ctrl('b')), []);
    assert_eq!(state.context(), Context::Vmp);
    assert_eq!(update(&mut state, ctrl('b')), [Effect::Input { id, bytes: vec![2] }], "twice sends it");
    assert_eq!(state.context(), Context::Console);
    update(&mut state, ctrl('b'));
    press(&mut state, KeyCode::Char('x'));
    assert_eq!((state.context(), state.selected_name()), (Context::Guests, Some("demo")));
}

#[test]
fn typing_before_the_answer_to_the_wish_to_write_waits_for_it() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('c'));
    let id = samples::console_id(&state);
    samples::type_text(&mut state, "ls");
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    let effects = console_event(&mut state, id, ConsoleEvent::Access { write: true });
    assert_eq!(effects, [Effect::Input { id, bytes: b"ls\r".to_vec() }]);
    assert_eq!(console_event(&mut state, id, ConsoleEvent::Access { write: true }), []);
}

#[test]
fn pasted_text_goes_out_in_pieces() {
    let mut state = typing();
    let effects = update(&mut state, Msg::Paste("x".repeat(2500)));
    let lengths: Vec<usize> = effects
        .iter()
        .map(|effect| match effect {
            Effect::Input { bytes, .. } => bytes.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(lengths, [1024, 1024, 452]);
}

#[test]
fn only_the_writers_terminal_answers_and_not_to_the_past() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('c'));
    let id = samples::console_id(&state);
    let question = || ConsoleEvent::Output(b"\x1b[5n".to_vec());
    assert_eq!(console_event(&mut state, id, question()), []);
    console_event(&mut state, id, ConsoleEvent::Access { write: true });
    assert_eq!(console_event(&mut state, id, question()), [], "the past is still being shown");
    console_event(&mut state, id, ConsoleEvent::ReplayDone);
    assert_eq!(console_event(&mut state, id, question()), [Effect::Input { id, bytes: b"\x1b[0n".to_vec() }]);
    console_event(&mut state, id, ConsoleEvent::Access { write: false });
    assert_eq!(console_event(&mut state, id, question()), []);
}

#[test]
fn somebody_elses_console_is_taken_over_only_on_demand() {
    let mut state = typing();
    let id = samples::console_id(&state);
    console_event(&mut state, id, ConsoleEvent::Access { write: false });
    assert_eq!(press(&mut state, KeyCode::Char('x')), [], "keys go nowhere");
    update(&mut state, ctrl('b'));
    assert_eq!(press(&mut state, KeyCode::Char('w')), [Effect::TakeAccess(id)]);
    console_event(&mut state, id, ConsoleEvent::Access { write: true });
    assert_eq!(press(&mut state, KeyCode::Char('x')), [Effect::Input { id, bytes: b"x".to_vec() }]);
}

#[test]
fn looking_at_a_console_does_not_ask_to_write() {
    let state = &mut samples::unconnected(SIZE);
    update(state, Msg::Vsp(VspMsg::Up(samples::status())));
    let effects = update(state, Msg::Vsp(VspMsg::Guests(samples::guests(3))));
    assert!(matches!(effects[..], [Effect::OpenConsole { write: false, .. }]), "{effects:?}");
    let effects = press(state, KeyCode::Char('c'));
    let old = ConsoleId(1);
    assert!(
        matches!(effects[..], [Effect::CloseConsole(closed), Effect::OpenConsole { write: true, .. }] if closed == old),
        "{effects:?}"
    );
}

#[test]
fn missing_output_is_said_until_something_is_typed() {
    let mut state = typing();
    let has_gap = |state: &State| state.console().is_some_and(|console| console.has_gap);
    let id = samples::console_id(&state);
    console_event(&mut state, id, ConsoleEvent::Gap);
    samples::output(&mut state, b"later output");
    assert!(has_gap(&state));
    press(&mut state, KeyCode::Enter);
    assert!(!has_gap(&state));
}

#[test]
fn events_of_a_former_opening_are_dropped() {
    let mut state = samples::busy(SIZE);
    let old = samples::console_id(&state);
    press(&mut state, KeyCode::Char('c'));
    console_event(&mut state, old, ConsoleEvent::Ended("late".to_owned()));
    assert_eq!(state.console().map(|console| console.access.clone()), Some(Access::Asked));
}

#[test]
fn few_consoles_stay_open() {
    let mut state = samples::connected(SIZE, samples::guests(30));
    let mut open = 1;
    for _ in 0..29 {
        for effect in press(&mut state, KeyCode::Down) {
            match effect {
                Effect::OpenConsole { .. } => open += 1,
                Effect::CloseConsole(_) => open -= 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(open, 8);
}

#[test]
fn keys_never_go_to_another_guest_when_theirs_is_gone() {
    let mut state = typing();
    update(&mut state, ctrl('b'));
    press(&mut state, KeyCode::Char('t'));
    samples::type_text(&mut state, "sles");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.selected_name(), Some("sles01"));
    update(&mut state, Msg::Vsp(VspMsg::GuestRemoved { name: "sles01".to_owned() }));
    assert_eq!(state.context(), Context::Guests);
    let mut state = typing();
    update(&mut state, Msg::Vsp(VspMsg::Guests(Vec::new())));
    assert_eq!(state.context(), Context::Guests);
}

#[test]
fn page_up_is_scrollback_at_a_prompt_and_a_key_in_a_full_screen_program() {
    let mut state = typing();
    for line in 0..50 {
        samples::output(&mut state, format!("{line}\r\n").as_bytes());
    }
    assert_eq!(press(&mut state, KeyCode::PageUp), []);
    assert_eq!(state.context(), Context::Scrollback);
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.context(), Context::Console);
    samples::output(&mut state, b"\x1b[?1049h");
    let id = samples::console_id(&state);
    assert_eq!(press(&mut state, KeyCode::PageUp), [Effect::Input { id, bytes: b"\x1b[5~".to_vec() }]);
}

#[test]
fn earlier_output_is_searched_selected_and_copied() {
    let mut state = typing();
    for line in 0..5000 {
        samples::output(&mut state, format!("line {line} of many\r\n").as_bytes());
    }
    update(&mut state, ctrl('b'));
    press(&mut state, KeyCode::Char('/'));
    samples::type_text(&mut state, "(");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.context(), Context::Prompt, "it is no expression and stays");
    press(&mut state, KeyCode::Backspace);
    samples::type_text(&mut state, "line 7[0-9] ");
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.context(), Context::Scrollback);
    press(&mut state, KeyCode::Char('n'));
    samples::output(&mut state, b"printed meanwhile\r\n");
    assert_eq!(press(&mut state, KeyCode::Char('y')), [Effect::Copy("line 78 ".to_owned())]);
    assert_eq!((state.context(), notice(&state)), (Context::Console, Some("8 characters are copied.")));
}

#[test]
fn consoles_are_shown_beside_each_other_and_in_tabs() {
    let mut state = typing();
    let width = |state: &State| state.console().map(|console| console.emulator.size().columns);
    let whole = width(&state);
    for keys in ["|sles", "toracle"] {
        update(&mut state, ctrl('b'));
        samples::type_text(&mut state, keys);
        press(&mut state, KeyCode::Enter);
    }
    assert_eq!((state.tabs.all().len(), state.selected_name()), (2, Some("oracle-test")));
    update(&mut state, ctrl('b'));
    press(&mut state, KeyCode::Char('n'));
    assert_eq!(state.selected_name(), Some("sles01"));
    assert!(width(&state) < whole.map(|columns| columns / 2));
    update(&mut state, ctrl('b'));
    press(&mut state, KeyCode::Tab);
    let id = samples::console_id(&state);
    assert_eq!(press(&mut state, KeyCode::Char('q')), [Effect::Input { id, bytes: b"q".to_vec() }]);
    assert_eq!(state.selected_name(), Some("demo"));
    update(&mut state, ctrl('b'));
    assert_eq!(press(&mut state, KeyCode::Char('k')), [Effect::CloseConsole(id)]);
    assert_eq!(state.selected_name(), Some("sles01"));
}

#[test]
fn terminal_has_the_size_of_its_pane() {
    let mut state = typing();
    let size = |state: &State| state.console().map(|console| console.emulator.size()).expect("it is open");
    let small = size(&state);
    update(&mut state, Msg::Resize(120, 30));
    assert_eq!(size(&state).columns, small.columns + 40);
    update(&mut state, Msg::Resize(80, 24));
    assert_eq!(size(&state), small);
    update(&mut state, ctrl('b'));
    press(&mut state, KeyCode::Char('f'));
    assert_eq!((size(&state).columns, size(&state).lines), (80, 23));
    assert_eq!(state.context(), Context::Console);
}

#[test]
fn guests_shell_is_told_the_size_of_its_pane() {
    let mut state = typing();
    let id = samples::console_id(&state);
    let size = state.console().map(|console| console.emulator.size()).expect("it is open");
    update(&mut state, ctrl('b'));
    let bytes = format!("stty rows {} columns {}\r", size.lines, size.columns).into_bytes();
    assert_eq!(press(&mut state, KeyCode::Char('z')), [Effect::Input { id, bytes }]);
    assert_eq!(state.context(), Context::Console);
}

#[test]
fn screens_are_reached_by_number_by_tab_and_by_name() {
    let mut state = samples::busy(SIZE);
    for (code, screen) in
        [('2', Screen::Guest), ('4', Screen::Storage), ('5', Screen::Logs), ('1', Screen::Overview)]
    {
        press(&mut state, KeyCode::Char(code));
        assert_eq!(state.screen, screen);
    }
    for screen in [Screen::Guest, Screen::Storage, Screen::Logs, Screen::Overview] {
        press(&mut state, KeyCode::Tab);
        assert_eq!(state.screen, screen);
    }
    press(&mut state, KeyCode::Char(':'));
    samples::type_text(&mut state, "details oracle");
    press(&mut state, KeyCode::Enter);
    assert_eq!((state.screen, state.selected_name()), (Screen::Guest, Some("oracle-test")));
}

#[test]
fn screens_ask_for_what_they_show_once() {
    let mut state = samples::busy(SIZE);
    assert_eq!(press(&mut state, KeyCode::Char('2')), [Effect::AskDetail("demo".to_owned())]);
    assert_eq!(press(&mut state, KeyCode::Char('+')), []);
    assert_eq!(press(&mut state, KeyCode::Char('4')), [Effect::AskInventory { scan: false }]);
    update(&mut state, Msg::Tick { now: NOW + 1000, host: host(300) });
    assert_eq!(
        update(&mut state, Msg::Tick { now: NOW + 6000, host: host(400) }),
        [Effect::AskInventory { scan: false }]
    );
}

#[test]
fn mouse_does_what_is_drawn_under_it() {
    let mut state = samples::busy((160, 50));
    let click_on = |state: &mut State, wanted: Target| {
        let theme = Theme::new(Palette::Dark, false);
        let mut terminal =
            Terminal::new(TestBackend::new(state.size.0, state.size.1)).expect("a screen in memory");
        let mut clicks = view::ClickMap::default();
        terminal.draw(|frame| clicks = view::draw(state, &theme, frame)).expect("a screen in memory");
        let place = clicks.all().iter().find(|(_, target)| *target == wanted).map(|(area, _)| *area);
        let place = place.unwrap_or_else(|| panic!("{wanted:?} is not drawn"));
        let event = |kind| MouseEvent { kind, column: place.x, row: place.y, modifiers: KeyModifiers::NONE };
        let target = clicks.at(place.x, place.y);
        update(state, Msg::Mouse { event: event(MouseEventKind::Down(MouseButton::Left)), target })
    };
    click_on(&mut state, Target::Row(2));
    assert_eq!(state.selected_name(), Some("oracle-test"));
    click_on(&mut state, Target::Row(2));
    assert_eq!(state.screen, Screen::Guest, "once more opens it");
    click_on(&mut state, Target::Screen(Screen::Overview));
    click_on(&mut state, Target::Heading(super::screens::guests::Column::Name));
    assert_eq!(state.guests.order().0, super::screens::guests::Column::Name);
    click_on(&mut state, Target::Action(super::keymap::Action::Help));
    assert_eq!(state.context(), Context::Help);
    press(&mut state, KeyCode::Esc);
    click_on(&mut state, Target::Action(super::keymap::Action::Stop));
    let effects = click_on(&mut state, Target::Action(super::keymap::Action::AcceptHarder));
    assert_eq!(requests(&effects).len(), 1);
}

#[test]
fn dragging_over_a_console_selects_and_copies() {
    let mut state = typing();
    samples::output(&mut state, b"\x1b[2J\x1b[Hhello world\r\n");
    let guest = state.selected().map(|guest| guest.uuid).expect("there is one");
    let mut at = |kind, column| {
        let event = MouseEvent { kind, column, row: 0, modifiers: KeyModifiers::NONE };
        let target = Some(Target::Terminal { guest, column, line: 0 });
        update(&mut state, Msg::Mouse { event, target })
    };
    at(MouseEventKind::Down(MouseButton::Left), 6);
    at(MouseEventKind::Drag(MouseButton::Left), 10);
    let effects = at(MouseEventKind::Up(MouseButton::Left), 10);
    assert_eq!(effects, [Effect::Copy("world".to_owned())]);
    samples::output(&mut state, b"\x1b[?1000h\x1b[?1006h");
    let id = samples::console_id(&state);
    let event =
        MouseEvent { kind: MouseEventKind::ScrollUp, column: 0, row: 0, modifiers: KeyModifiers::NONE };
    let target = Some(Target::Terminal { guest, column: 2, line: 3 });
    let effects = update(&mut state, Msg::Mouse { event, target });
    assert_eq!(effects, [Effect::Input { id, bytes: b"\x1b[<64;3;4M".to_vec() }], "the guest asked for it");
}

#[test]
fn vsp_that_was_never_there_is_started_only_when_asked_for() {
    let mut state = samples::unconnected(SIZE);
    let absent = || Msg::Vsp(VspMsg::Down { reason: "it does not run".to_owned(), is_absent: true });
    assert_eq!(super::update::initial_effects(&state), [Effect::Connect { may_start: false }]);
    assert_eq!(update(&mut state, absent()), []);
    assert_eq!(state.context(), Context::Offline);
    assert_eq!(press(&mut state, KeyCode::Enter), [Effect::Connect { may_start: true }]);
    state.settings.vsp = super::settings::WhereAbsent::Start;
    assert_eq!(super::update::initial_effects(&state), [Effect::Connect { may_start: true }]);
}

#[test]
fn lost_vsp_is_tried_again_by_itself_but_never_started_unasked() {
    let mut state = samples::busy(SIZE);
    let down = || Msg::Vsp(VspMsg::Down { reason: "gone".to_owned(), is_absent: false });
    assert_eq!(update(&mut state, down()), []);
    assert_eq!(state.context(), Context::Offline);
    let tick = |seconds: i64| Msg::Tick { now: NOW + seconds * 1000, host: host(300) };
    assert_eq!(update(&mut state, tick(2)), [Effect::Connect { may_start: false }]);
    assert_eq!(update(&mut state, tick(4)), [], "one attempt at a time");
    assert_eq!(update(&mut state, down()), []);
    assert_eq!(update(&mut state, tick(6)), [Effect::Connect { may_start: false }]);
    update(&mut state, down());
    assert_eq!(press(&mut state, KeyCode::Char('s')), [Effect::Connect { may_start: true }]);
    assert_eq!(press(&mut state, KeyCode::Char('q')), [Effect::Quit]);
}

#[test]
fn reattached_console_is_as_it_was_left() {
    let mut state = typing();
    update(&mut state, Msg::Vsp(VspMsg::Down { reason: "gone".to_owned(), is_absent: false }));
    let closed = update(&mut state, Msg::Vsp(VspMsg::Up(samples::status())));
    assert!(
        matches!(closed[..], [Effect::CloseConsole(_), Effect::OpenConsole { write: true, .. }]),
        "{closed:?}"
    );
    assert_eq!(state.context(), Context::Console);
    assert_eq!(state.selected_name(), Some("demo"));
}

#[test]
fn guests_that_are_not_to_be_seen_are_shown_on_demand() {
    let mut guests = samples::guests(3);
    guests[0].is_visible = false;
    let mut state = samples::connected(SIZE, guests);
    assert_eq!((state.guests.count(), state.selected_name()), (2, Some("guest002")));
    press(&mut state, KeyCode::Char(':'));
    samples::type_text(&mut state, "start guest001");
    assert_eq!(requests(&press(&mut state, KeyCode::Enter)), [] as [&ClientToVsp; 0], "nor in the palette");
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('H'));
    assert_eq!((state.guests.count(), state.selected_name()), (3, Some("guest002")));
    press(&mut state, KeyCode::Char('H'));
    assert_eq!(state.guests.count(), 2);
}

#[test]
fn help_begins_with_the_keys_of_the_screen() {
    for (keys, title) in
        [("?", "Overview"), ("2?", "Guest"), ("4v?", "Storage: drives and media"), ("5?", "Logs")]
    {
        let mut state = samples::busy(SIZE);
        keys.chars().for_each(|key| drop(press(&mut state, KeyCode::Char(key))));
        let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a screen in memory");
        let theme = Theme::new(Palette::Dark, false);
        terminal.draw(|frame| drop(view::draw(&state, &theme, frame))).expect("a screen in memory");
        let screen = terminal.backend().to_string();
        let below: Vec<&str> = screen.lines().skip_while(|line| !line.contains(" Help ")).collect();
        assert!(below[1].contains(&format!("┃ {title} ")), "{screen}");
    }
}

#[test]
fn escape_and_a_key_in_one_piece_are_both() {
    let alt = |code| Msg::Key(crossterm::event::KeyEvent::new(code, KeyModifiers::ALT));
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('m'));
    assert_eq!(update(&mut state, alt(KeyCode::Char('q'))), [Effect::Quit]);
    press(&mut state, KeyCode::Char(':'));
    update(&mut state, alt(KeyCode::Char('/')));
    assert_eq!((state.context(), state.layers.len()), (Context::Prompt, 1));
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Char('n'));
    update(&mut state, alt(KeyCode::Char('x')));
    assert_eq!(state.context(), Context::Form, "what was filled in stays");
    let mut state = typing();
    let id = samples::console_id(&state);
    assert_eq!(
        update(&mut state, alt(KeyCode::Char('q'))),
        [Effect::Input { id, bytes: b"\x1bq".to_vec() }],
        "it is the guest's"
    );
}

#[test]
fn quitting_asks_nothing_of_the_vsp() {
    let mut state = samples::busy(SIZE);
    assert_eq!(press(&mut state, KeyCode::Char('q')), [Effect::Quit]);
    assert_eq!(update(&mut state, ctrl('c')), [Effect::Quit]);
    assert_eq!(update(&mut state, Msg::Terminate), [Effect::Quit]);
}

//! Behaviour: events in, state and effects out.

use super::effect::Effect;
use super::keymap::Context;
use super::msg::{ConsoleEvent, Msg, VspMsg};
use super::samples::{self, NOW, ctrl, key};
use super::screens::guest_console::{Access, ConsoleId};
use super::state::{Layer, Link, Pane, State};
use super::update::update;
use crate::view;
use crate::view::theme::Theme;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers};
use ipc::log::Level;
use ipc::message::{Acceptance, ClientToVsp, GuestRef, GuestState, StopMode};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const SIZE: (u16, u16) = (80, 24);

fn press(state: &mut State, code: KeyCode) -> Vec<Effect> {
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
    assert_eq!(state.notice.as_deref(), Some("Guest demo is on already."));
    press(&mut state, KeyCode::Char('s'));
    assert_eq!(state.notice, None);
    update(&mut state, Msg::Vsp(VspMsg::Reply { id: 2, result: Err("no memory".to_owned()) }));
    update(&mut state, Msg::Tick { now: NOW + 60_000, host_load: None });
    assert_eq!(state.context(), Context::Message);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.context(), Context::Guests);
}

#[test]
fn form_creates_the_guest_once_nothing_is_wrong() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('n'));
    assert!(requests(&press(&mut state, KeyCode::Enter)).is_empty(), "it has no name yet");
    samples::type_text(&mut state, "lin1");
    for text in ["", "", "/boot/vmlinux"] {
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
    update(&mut state, Msg::Vsp(VspMsg::Guest { at: NOW, guest }));
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
    assert_eq!(state.context(), Context::Guests);
    assert_eq!(update(&mut state, ctrl('b')), [Effect::Input { id, bytes: vec![2] }], "twice sends it");
    assert_eq!(state.context(), Context::Console);
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
    let effects = update(state, Msg::Vsp(VspMsg::Guests { at: NOW, guests: samples::guests(3) }));
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
    update(&mut state, Msg::Vsp(VspMsg::GuestRemoved { name: "demo".to_owned() }));
    assert_eq!(state.context(), Context::Guests);
    let mut state = typing();
    update(&mut state, Msg::Vsp(VspMsg::Guests { at: NOW, guests: Vec::new() }));
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
    press(&mut state, KeyCode::PageUp);
    assert_eq!(press(&mut state, KeyCode::Char('x')).len(), 1, "typing goes to the guest");
    assert_eq!(state.context(), Context::Console, "and shows where it appears");
    samples::output(&mut state, b"\x1b[?1049h");
    let id = samples::console_id(&state);
    assert_eq!(press(&mut state, KeyCode::PageUp), [Effect::Input { id, bytes: b"\x1b[5~".to_vec() }]);
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
fn lost_vsp_is_tried_again_by_itself_but_never_started_unasked() {
    let mut state = samples::busy(SIZE);
    let down = || Msg::Vsp(VspMsg::Down("gone".to_owned()));
    assert_eq!(update(&mut state, down()), []);
    assert_eq!(state.context(), Context::Offline);
    let tick = |seconds: i64| Msg::Tick { now: NOW + seconds * 1000, host_load: None };
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
    update(&mut state, Msg::Vsp(VspMsg::Down("gone".to_owned())));
    let closed = update(&mut state, Msg::Vsp(VspMsg::Up(samples::status())));
    assert!(
        matches!(closed[..], [Effect::CloseConsole(_), Effect::OpenConsole { write: true, .. }]),
        "{closed:?}"
    );
    assert_eq!(state.context(), Context::Console);
    assert_eq!(state.selected_name(), Some("demo"));
}

#[test]
fn quitting_asks_nothing_of_the_vsp() {
    let mut state = samples::busy(SIZE);
    assert_eq!(press(&mut state, KeyCode::Char('q')), [Effect::Quit]);
    assert_eq!(update(&mut state, ctrl('c')), [Effect::Quit]);
    assert_eq!(update(&mut state, Msg::Terminate), [Effect::Quit]);
}

#[test]
fn log_follows_until_it_is_held() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('l'));
    assert!(state.logs.follows());
    press(&mut state, KeyCode::Up);
    assert!(!state.logs.follows());
    samples::log(&mut state, samples::record("vsp", Level::Info, 0, "newer"));
    assert_eq!(state.logs.newer_lines(None), 2, "the one that was scrolled past, and the new one");
    press(&mut state, KeyCode::End);
    assert!(state.logs.follows());
    press(&mut state, KeyCode::Char(' '));
    samples::log(&mut state, samples::record("vsp", Level::Info, 0, "newest"));
    assert_eq!(state.logs.newer_lines(None), 1);
    press(&mut state, KeyCode::Char(' '));
    assert!(state.logs.follows());
}

#[test]
fn log_is_filtered_by_level_source_and_text() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('l'));
    let shown = |state: &State| {
        let lines = state.logs.shown(200, 100, state.selected_name(), &state.time_zone);
        lines.into_iter().map(|line| line.rows.concat()).collect::<Vec<_>>()
    };
    assert_eq!(shown(&state).len(), 5, "debug is left out");
    assert_eq!(
        shown(&state)[0],
        "16:44:59.999 INFO  vsp: VSP ready pid=4711".replace("16:44:59.999", "16:45:01.000")
    );
    press(&mut state, KeyCode::Char('v'));
    assert_eq!(shown(&state).len(), 6);
    press(&mut state, KeyCode::Char('o'));
    assert_eq!(shown(&state).len(), 3, "the VSP's");
    press(&mut state, KeyCode::Char('o'));
    assert_eq!(shown(&state).len(), 3, "the selected guest's");
    press(&mut state, KeyCode::Char('o'));
    press(&mut state, KeyCode::Char('/'));
    samples::type_text(&mut state, "GUEST");
    assert_eq!(shown(&state).len(), 2);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.logs.filter, "GUEST");
    press(&mut state, KeyCode::Char('u'));
    assert_eq!(shown(&state).len(), 6);
}

#[test]
fn log_keeps_a_bounded_number_of_lines_and_says_what_is_missing() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('l'));
    press(&mut state, KeyCode::Home);
    for number in 0..12_000 {
        samples::log(&mut state, samples::record("vsp", Level::Info, 0, &format!("line {number}")));
    }
    update(&mut state, Msg::Vsp(VspMsg::LogGap(17)));
    press(&mut state, KeyCode::Home);
    press(&mut state, KeyCode::End);
    let lines = state.logs.shown(100, 20_000, None, &state.time_zone);
    assert_eq!(lines.len(), 10_000);
    assert!(lines.last().is_some_and(|line| line.rows.concat().contains("17 log lines are left out")));
}

#[test]
fn escape_from_the_first_guest_console_of_a_zoomed_pane_shows_the_table_again() {
    let mut state = typing();
    update(&mut state, ctrl('b'));
    press(&mut state, KeyCode::Char('f'));
    assert!(state.is_zoomed);
    update(&mut state, ctrl('b'));
    assert!(!state.is_zoomed);
    assert_eq!((state.context(), state.pane), (Context::Guests, Pane::Console));
}

fn any_key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        4 => prop::sample::select("abcdfghjklnopqrsuvwxyGC /?0.-é漢".chars().collect::<Vec<_>>()).prop_map(KeyCode::Char),
        3 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Up, KeyCode::Down, KeyCode::Left,
            KeyCode::Right, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home, KeyCode::End, KeyCode::Delete,
            KeyCode::Backspace, KeyCode::Insert, KeyCode::Null, KeyCode::CapsLock, KeyCode::Menu,
        ]),
        1 => (0u8..=255).prop_map(KeyCode::F),
    ];
    let modifiers = prop_oneof![
        4 => Just(KeyModifiers::NONE),
        2 => Just(KeyModifiers::CONTROL),
        1 => (0u8..64).prop_map(KeyModifiers::from_bits_truncate),
    ];
    (code, modifiers).prop_map(|(code, modifiers)| KeyEvent {
        code,
        modifiers,
        kind: KeyEventKind::Press,
        state: KeyEventState::NONE,
    })
}

fn any_guest() -> impl Strategy<Value = ipc::message::GuestSummary> {
    let states = vec![
        GuestState::Off,
        GuestState::NotRunnable,
        GuestState::Starting,
        GuestState::OnEfi,
        GuestState::OnOs,
        GuestState::Stopping,
        GuestState::Invalid,
    ];
    (0u32..12, prop::sample::select(states), any::<i64>(), any::<u64>(), "\\PC{0,300}").prop_map(
        |(number, state, since, figures, reason)| {
            let mut guest = samples::guest(number, &format!("g{number}"), state);
            guest.since_micros = Some(since);
            guest.memory_bytes = figures;
            guest.stats = Some(ipc::guest::Stats {
                instructions: figures,
                cpu_micros: figures,
                ..ipc::guest::Stats::default()
            });
            guest.reason = Some(reason);
            guest
        },
    )
}

fn any_console_event() -> impl Strategy<Value = ConsoleEvent> {
    prop_oneof![
        any::<bool>().prop_map(|write| ConsoleEvent::Access { write }),
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(ConsoleEvent::Output),
        Just(ConsoleEvent::Output(b"\x1b[6n\x1b[?1049h\x1b[?2026h".to_vec())),
        Just(ConsoleEvent::ReplayDone),
        Just(ConsoleEvent::Gap),
        ".*".prop_map(ConsoleEvent::Ended),
    ]
}

fn any_msg() -> impl Strategy<Value = Msg> {
    let result = prop_oneof![
        any::<bool>().prop_map(|already_done| Ok(Acceptance { already_done, remarks: Vec::new() })),
        "\\PC{0,3000}".prop_map(Err),
    ];
    let level =
        prop::sample::select(vec![Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace]);
    prop_oneof![
        20 => any_key().prop_map(Msg::Key),
        2 => ".{0,60}".prop_map(Msg::Paste),
        2 => (0u16..200, 0u16..70).prop_map(|(columns, lines)| Msg::Resize(columns, lines)),
        2 => (any::<i64>(), any::<Option<f32>>()).prop_map(|(now, host_load)| Msg::Tick { now, host_load }),
        2 => Just(Msg::Vsp(VspMsg::Up(samples::status()))),
        1 => ".*".prop_map(|reason| Msg::Vsp(VspMsg::Down(reason))),
        2 => (any::<i64>(), proptest::collection::vec(any_guest(), 0..12))
            .prop_map(|(at, guests)| Msg::Vsp(VspMsg::Guests { at, guests })),
        3 => (any::<i64>(), any_guest())
            .prop_map(|(at, guest)| Msg::Vsp(VspMsg::Guest { at, guest: Box::new(guest) })),
        1 => (0u32..12).prop_map(|number| Msg::Vsp(VspMsg::GuestRemoved { name: format!("g{number}") })),
        2 => (0u64..9, result).prop_map(|(id, result)| Msg::Vsp(VspMsg::Reply { id, result })),
        1 => (0u64..9, ".*").prop_map(|(id, line)| Msg::Vsp(VspMsg::Progress { id, line })),
        4 => (0u64..9, any_console_event())
            .prop_map(|(id, event)| Msg::Vsp(VspMsg::Console { id: ConsoleId(id), event })),
        3 => (level, any::<i32>(), "\\PC{0,400}").prop_map(|(level, ago, message)| {
            Msg::Vsp(VspMsg::Log(Box::new(samples::record("g1", level, i64::from(ago), &message))))
        }),
        1 => any::<u64>().prop_map(|count| Msg::Vsp(VspMsg::LogGap(count))),
        1 => (".{0,20}", any::<Option<String>>()).prop_map(|(path, problem)| Msg::FileChecked { path, problem }),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_events_breaks_the_console(
        is_ascii in any::<bool>(),
        msgs in proptest::collection::vec(any_msg(), 1..120),
    ) {
        let theme = Theme::new(true, is_ascii);
        let mut state = samples::busy(SIZE);
        for msg in msgs {
            update(&mut state, msg);
            let (columns, lines) = state.size;
            let mut terminal = Terminal::new(TestBackend::new(columns, lines)).expect("a screen in memory");
            terminal.draw(|frame| view::draw(&state, &theme, frame)).expect("a screen in memory");
            prop_assert!(state.guests.selected_index() <= state.guests.rows().len());
            prop_assert!(!state.is_zoomed || state.pane_has_keys);
            prop_assert!(state.layers.iter().filter(|layer| matches!(layer, Layer::Welcome)).count() <= 1);
            let is_up = matches!(state.link, Link::Up(_));
            prop_assert!(is_up || state.layers.is_empty().then(|| state.context()).is_none_or(|c| c == Context::Offline));
        }
    }
}

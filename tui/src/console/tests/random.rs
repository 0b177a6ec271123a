//! Whatever happens, in whatever order, the console does not break.

use super::*;
use crate::console::screens::logs::PastPart;
use crate::console::state::{Layer, Link};
use crossterm::event::{KeyEvent, KeyEventKind, KeyEventState};
use ipc::log::Level;
use proptest::prelude::*;

fn any_key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        4 => prop::sample::select("abcdefghijklmnopqrstuvwxyzEGNORV12345 /?:@|+-0.$é漢".chars().collect::<Vec<_>>()).prop_map(KeyCode::Char),
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
    let kind = prop_oneof![
        8 => Just(KeyEventKind::Press),
        1 => Just(KeyEventKind::Repeat),
        1 => Just(KeyEventKind::Release),
    ];
    (code, modifiers, kind).prop_map(|(code, modifiers, kind)| KeyEvent {
        code,
        modifiers,
        kind,
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

/// The target is found when it is known what was drawn. Places may lie beyond the screen.
fn any_mouse() -> impl Strategy<Value = Msg> {
    let kinds = vec![
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Right),
        MouseEventKind::Down(MouseButton::Middle),
        MouseEventKind::Up(MouseButton::Right),
        MouseEventKind::Drag(MouseButton::Right),
        MouseEventKind::Moved,
        MouseEventKind::ScrollLeft,
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
    ];
    let place = prop_oneof![8 => (0u16..200, 0u16..70), 1 => (any::<u16>(), any::<u16>())];
    (prop::sample::select(kinds), place, 0u8..8).prop_map(|(kind, (column, row), modifiers)| Msg::Mouse {
        event: MouseEvent { kind, column, row, modifiers: KeyModifiers::from_bits_truncate(modifiers) },
        target: None,
    })
}

/// Mostly usual ones.
fn any_size() -> impl Strategy<Value = (u16, u16)> {
    prop_oneof![
        6 => (60u16..200, 18u16..70),
        2 => (0u16..80, 0u16..24),
        1 => (0u16..=400, 0u16..=120),
        1 => Just((0, 0)),
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
        2 => any_size().prop_map(|(columns, lines)| Msg::Resize(columns, lines)),
        2 => (any::<i64>(), any::<u32>()).prop_map(|(now, ticks)| Msg::Tick { now, host: host(ticks.into()) }),
        8 => any_mouse(),
        2 => (any::<i64>(), 0u64..300).prop_map(|(at, seconds)| {
            let mut guests = samples::figures_at(seconds);
            guests.truncate(usize::try_from(seconds % 4).unwrap_or(0));
            Msg::Vsp(VspMsg::Figures { at, guests })
        }),
        1 => any::<bool>().prop_map(|is_good| {
            let result = if is_good { Ok(Box::new(samples::detail())) } else { Err("no".to_owned()) };
            Msg::Vsp(VspMsg::Detail { name: "demo".to_owned(), result })
        }),
        1 => Just(Msg::Vsp(VspMsg::Inventory(Ok(samples::inventory())))),
        1 => ".*".prop_map(|reason| Msg::Vsp(VspMsg::Inventory(Err(reason)))),
        1 => "(demo|g1)".prop_map(|name| Msg::Vsp(VspMsg::ConsoleUsers { name, users: samples::console_users() })),
        1 => Just(Msg::Vsp(VspMsg::Attachable(samples::attached().1))),
        1 => Just(Msg::Terminate),
        2 => Just(Msg::Vsp(VspMsg::Up(samples::status()))),
        1 => (".*", any::<bool>()).prop_map(|(reason, is_absent)| Msg::Vsp(VspMsg::Down { reason, is_absent })),
        2 => proptest::collection::vec(any_guest(), 0..12).prop_map(|guests| Msg::Vsp(VspMsg::Guests(guests))),
        3 => any_guest().prop_map(|guest| Msg::Vsp(VspMsg::Guest(Box::new(guest)))),
        1 => (0u32..12).prop_map(|number| Msg::Vsp(VspMsg::GuestRemoved { name: format!("g{number}") })),
        2 => (0u64..9, result).prop_map(|(id, result)| Msg::Vsp(VspMsg::Reply { id, result })),
        1 => (0u64..9, ".*").prop_map(|(id, line)| Msg::Vsp(VspMsg::Progress { id, line })),
        4 => (0u64..9, any_console_event())
            .prop_map(|(id, event)| Msg::Vsp(VspMsg::Console { id: ConsoleId(id), event })),
        3 => (level, any::<i32>(), "\\PC{0,400}").prop_map(|(level, ago, message)| {
            Msg::Vsp(VspMsg::Log(Box::new(samples::record("g1", level, i64::from(ago), &message))))
        }),
        1 => any::<u64>().prop_map(|count| Msg::Vsp(VspMsg::LogGap(count))),
        1 => (0u64..5, proptest::collection::vec(any::<i32>(), 0..60), any::<bool>()).prop_map(|(id, ago, is_end)| {
            let line = |ago| samples::record("vsp", Level::Info, i64::from(ago), "long ago").into();
            let result = Ok(PastPart { lines: ago.into_iter().map(line).collect(), is_end });
            Msg::Vsp(VspMsg::Past { id, result })
        }),
        1 => (".{0,20}", any::<Option<String>>()).prop_map(|(path, problem)| Msg::FileChecked { path, problem }),
    ]
}

proptest! {
    #[test]
    fn no_sequence_of_events_breaks_the_console(
        is_ascii in any::<bool>(),
        // While a terminal takes no frames none is drawn.
        msgs in proptest::collection::vec((any_msg(), prop::bool::weighted(0.8)), 1..120),
    ) {
        let mut state = samples::busy(SIZE);
        let mut clicks = view::ClickMap::default();
        for (mut msg, is_drawn) in msgs {
            // A click is about what was drawn last, which may be of another size than the screen by now.
            if let Msg::Mouse { event, target } = &mut msg {
                *target = clicks.at(event.column, event.row);
            }
            update(&mut state, msg);
            if !is_drawn {
                continue;
            }
            let (columns, lines) = state.size;
            let theme = Theme::new(state.palette, is_ascii);
            let mut terminal = Terminal::new(TestBackend::new(columns, lines)).expect("a screen in memory");
            terminal.draw(|frame| clicks = view::draw(&state, &theme, frame)).expect("a screen in memory");
            prop_assert!(state.guests.selected_index() <= state.guests.count());
            prop_assert!(state.layers.iter().filter(|layer| matches!(layer, Layer::Welcome)).count() <= 1);
            let is_up = matches!(state.link, Link::Up(_));
            let is_told = matches!(state.context(), Context::Offline | Context::Lost);
            prop_assert!(is_up || !state.layers.is_empty() || is_told);
            state.note_drawn();
        }
    }
}

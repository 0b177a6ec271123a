//! Every screen at 80×24 and at 160×50, as text.

mod clicks;
mod themes;

use super::*;
use crate::console::msg::{ConsoleEvent, Msg, VspMsg};
use crate::console::samples::{self, NOW};
use crate::console::screens::detail::Part;
use crate::console::state::Layer;
use crate::console::update::update;
use crate::view::theme::Palette;
use crossterm::event::KeyCode;
use ipc::message::{Acceptance, GuestState, Remark, Severity};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (160, 50);

fn drawn(state: &State, theme: &Theme) -> TestBackend {
    let mut terminal =
        Terminal::new(TestBackend::new(state.size.0, state.size.1)).expect("a screen in memory");
    terminal.draw(|frame| drop(draw(state, theme, frame))).expect("a screen in memory");
    terminal.backend().clone()
}

fn buffer(state: &State, theme: &Theme) -> Buffer {
    drawn(state, theme).buffer().clone()
}

/// One snapshot at each size; `prepare` brings a console of that size to the screen.
macro_rules! screens {
    ($($name:ident: $prepare:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let prepare: fn((u16, u16)) -> State = $prepare;
                for (size, suffix) in [(SMALL, "small"), (LARGE, "large")] {
                    let screen = drawn(&prepare(size), &Theme::new(Palette::Dark, false));
                    insta::assert_snapshot!(concat!(stringify!($name), "_").to_owned() + suffix, screen);
                }
            }
        )*

        /// All of them with their names.
        const SCREENS: &[(&str, fn((u16, u16)) -> State)] = &[$((stringify!($name), $prepare)),*];
    };
}

/// The console of `busy` after these keys.
fn busy_after(size: (u16, u16), keys: &[KeyCode]) -> State {
    let mut state = samples::busy(size);
    for code in keys {
        update(&mut state, samples::key(*code));
    }
    state
}

/// The answer to the only request that was made.
fn reply(state: &mut State, result: Result<Acceptance, String>) {
    update(state, Msg::Vsp(VspMsg::Reply { id: 1, result }));
    state.note_drawn();
}

screens! {
    connecting: |size| samples::unconnected(size);
    never_reached: |size| {
        let mut state = samples::unconnected(size);
        update(&mut state, Msg::Vsp(VspMsg::Down {
            reason: "cannot start a VSP: the state directory is on a full disk".to_owned(),
            is_absent: false,
        }));
        state.note_drawn();
        state
    };
    vsp_lost: |size| {
        let mut state = samples::busy(size);
        samples::lose_vsp(&mut state);
        update(&mut state, Msg::Tick { now: NOW + 7000, host: samples::host(300) });
        state
    };
    console_lost: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('c')]);
        samples::output(&mut state, b"/ # vi /etc/fst");
        samples::lose_vsp(&mut state);
        state
    };
    guests_hidden: |size| {
        let mut guests = samples::guests(5);
        guests[1].is_visible = false;
        guests[3].is_visible = false;
        samples::connected(size, guests)
    };
    no_guests: |size| samples::connected(size, Vec::new());
    welcome: |size| samples::connected(size, vec![samples::guest(1, "demo", GuestState::Off)]);
    guests: samples::busy;
    guest_off: |size| busy_after(size, &[KeyCode::End]);
    three_hundred_guests: |size| {
        let mut state = samples::connected(size, samples::guests(300));
        for _ in 0..4 {
            update(&mut state, samples::key(KeyCode::PageDown));
        }
        state
    };
    console_in_use: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('c')]);
        let id = samples::console_id(&state);
        for event in [
            ConsoleEvent::Access { write: true },
            ConsoleEvent::ReplayDone,
            ConsoleEvent::Output(b"/ # uname -m\r\nia64\r\n/ # ".to_vec()),
        ] {
            update(&mut state, Msg::Vsp(VspMsg::Console { id, event }));
        }
        state
    };
    console_of_somebody_else: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('c')]);
        let id = samples::console_id(&state);
        update(&mut state, Msg::Vsp(VspMsg::Console { id, event: ConsoleEvent::Access { write: false } }));
        samples::output(&mut state, b"/ # vi /etc/fstab");
        state
    };
    console_scrolled: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('c')]);
        for line in 0..90 {
            samples::output(&mut state, format!("line {line}\r\n").as_bytes());
        }
        update(&mut state, samples::key(KeyCode::PageUp));
        state
    };
    console_full_screen: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('c')]);
        update(&mut state, samples::ctrl('b'));
        update(&mut state, samples::key(KeyCode::Char('f')));
        samples::output(&mut state, "\x1b[7m top \x1b[0m load 0.1\r\n漢字 wide e\u{301}\r\n".as_bytes());
        state
    };
    log: |size| busy_after(size, &[KeyCode::Char('5')]);
    log_wrapped: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('5')]);
        for number in 0..30 {
            let text = format!("line {number}: {}", "a word and another one, ".repeat(9));
            samples::log(&mut state, samples::record("vsp", ipc::log::Level::Info, 40 - number, &text));
        }
        update(&mut state, samples::key(KeyCode::Char('@')));
        samples::type_text(&mut state, "30s");
        update(&mut state, samples::key(KeyCode::Enter));
        state
    };
    log_filtered: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('5'), KeyCode::Char('v'), KeyCode::Char('/')]);
        samples::type_text(&mut state, "guest");
        state
    };
    log_paused: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('5'), KeyCode::Char(' ')]);
        for _ in 0..3 {
            samples::log(&mut state, samples::record("demo", ipc::log::Level::Info, 1, "one more line"));
        }
        state
    };
    log_history: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('5'), KeyCode::Char('@')]);
        samples::type_text(&mut state, "2026-11-20 08:00");
        let effects = update(&mut state, samples::key(KeyCode::Enter));
        assert_eq!(effects.len(), 1, "the VSP is asked");
        let line = |ago| samples::record("vsp", ipc::log::Level::Info, ago, "a line of long ago").into();
        let lines = (300_000..300_900).rev().map(line).collect();
        let result = Ok(crate::console::screens::logs::PastPart { lines, is_end: false });
        update(&mut state, Msg::Vsp(VspMsg::Past { id: 1, result }));
        state
    };
    vsp_silent: |size| {
        let mut state = samples::busy(size);
        update(&mut state, Msg::Tick { now: NOW + 9000, host: samples::host(300) });
        state
    };
    no_vsp: |size| {
        let mut state = samples::unconnected(size);
        update(&mut state, Msg::Vsp(VspMsg::Down { reason: "the VSP is not running".to_owned(), is_absent: true }));
        state.note_drawn();
        state
    };
    guest: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('2')]);
        samples::answer_questions(&mut state);
        state
    };
    storage: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('4')]);
        samples::answer_questions(&mut state);
        state
    };
    guest_vcpus: |size| guest_part(size, Part::Vcpus);
    guest_next_start: |size| guest_part(size, Part::NextStart);
    guest_users: |size| guest_part(size, Part::Users);
    guest_attached: |size| {
        let mut state = guest_part(size, Part::Charts);
        let (guest, attachable) = samples::attached();
        update(&mut state, Msg::Vsp(VspMsg::Detail { name: "demo".to_owned(), result: Ok(Box::new(guest)) }));
        update(&mut state, Msg::Vsp(VspMsg::Attachable(attachable)));
        state
    };
    clone: |size| {
        let mut state = guest_part(size, Part::Charts);
        update(&mut state, samples::key(KeyCode::Char('y')));
        update(&mut state, samples::key(KeyCode::Tab));
        update(&mut state, samples::key(KeyCode::Right));
        state
    };
    database: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('4')]);
        samples::answer_questions(&mut state);
        update(&mut state, samples::key(KeyCode::Char('w')));
        state
    };
    hardware: |size| drives_and_media(size, &[]);
    hardware_drive: |size| drives_and_media(size, &[KeyCode::Down, KeyCode::Down]);
    hardware_move: |size| {
        let mut state = drives_and_media(size, &[KeyCode::Down, KeyCode::Down, KeyCode::Char('p')]);
        update(&mut state, samples::key(KeyCode::Enter));
        state
    };
    hardware_eject: |size| {
        let mut state = drives_and_media(size, &[KeyCode::End, KeyCode::Up, KeyCode::Up]);
        update(&mut state, samples::key(KeyCode::Char('E')));
        state
    };
    hardware_new: |size| {
        let mut state = drives_and_media(size, &[KeyCode::Char('a'), KeyCode::Enter]);
        samples::type_text(&mut state, "/tapes2");
        state
    };
    vmp_menu: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('c')]);
        update(&mut state, samples::ctrl('b'));
        state
    };
    console_split: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('c')]);
        for keys in ["|sles", "toracle"] {
            update(&mut state, samples::ctrl('b'));
            samples::type_text(&mut state, keys);
            update(&mut state, samples::key(KeyCode::Enter));
        }
        update(&mut state, samples::ctrl('b'));
        update(&mut state, samples::key(KeyCode::Char('p')));
        state
    };
    palette: |size| {
        let mut state = busy_after(size, &[KeyCode::Char(':')]);
        samples::type_text(&mut state, "st");
        state
    };
    messages: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('s')]);
        reply(&mut state, Err("ERROR (demo): Guest is already running.".to_owned()));
        update(&mut state, samples::key(KeyCode::Enter));
        update(&mut state, samples::key(KeyCode::Char('m')));
        state
    };
    modify: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('2')]);
        samples::answer_questions(&mut state);
        update(&mut state, samples::key(KeyCode::Char('e')));
        update(&mut state, samples::key(KeyCode::Tab));
        update(&mut state, samples::key(KeyCode::Tab));
        samples::type_text(&mut state, "4");
        state
    };
    guests_filtered: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('o'), KeyCode::Char('/')]);
        samples::type_text(&mut state, "linux");
        state
    };
    help: |size| busy_after(size, &[KeyCode::Char('?')]);
    help_end: |size| busy_after(size, &[KeyCode::Char('?'), KeyCode::End]);
    create_empty: |size| busy_after(size, &[KeyCode::Char('n')]);
    create_wrong: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('n')]);
        samples::type_text(&mut state, "my guest");
        update(&mut state, samples::key(KeyCode::Tab));
        samples::type_text(&mut state, "7");
        update(&mut state, samples::key(KeyCode::Up));
        state
    };
    confirm_stop: |size| busy_after(size, &[KeyCode::Char('x')]);
    confirm_stop_all: |size| busy_after(size, &[KeyCode::Char('X')]);
    modify_device: |size| {
        let mut state = guest_part(size, Part::Charts);
        update(&mut state, samples::key(KeyCode::Char('b')));
        samples::type_text(&mut state, "2");
        state
    };
    add_device: |size| busy_after(size, &[KeyCode::Char('a')]);
    confirm_remove: |size| busy_after(size, &[KeyCode::Char('d')]);
    request_under_way: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('x'), KeyCode::Char('y')]);
        let line = "waiting for the operating system".to_owned();
        update(&mut state, Msg::Vsp(VspMsg::Progress { id: 1, line }));
        update(&mut state, Msg::Tick { now: NOW + 9000, host: samples::host(300) });
        state
    };
    request_done: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('x'), KeyCode::Char('y')]);
        reply(&mut state, Ok(Acceptance::default()));
        state
    };
    request_done_with_remarks: |size| {
        let mut state = busy_after(size, &[KeyCode::Char('s')]);
        let text = "Memory comes in units of 64 MB: 1000 MB became 1024 MB.".to_owned();
        let remark = Remark { severity: Some(Severity::Warning), guest: Some("demo".to_owned()), text };
        reply(&mut state, Ok(Acceptance { already_done: false, remarks: vec![remark] }));
        state
    };
    request_refused: |size| {
        let mut state = busy_after(size, &[KeyCode::End, KeyCode::Char('s')]);
        let lines = "ERROR (oracle-test): Device '/dev/mapper/vg-oracle' is in use by running guest 'demo'.\n\
                     ERROR (oracle-test): Unable to continue.";
        reply(&mut state, Err(lines.to_owned()));
        state
    };
}

/// The guest screen with one of the things beside the configuration.
fn guest_part(size: (u16, u16), part: Part) -> State {
    let mut state = busy_after(size, &[KeyCode::Char('2')]);
    samples::answer_questions(&mut state);
    while state.detail.part != part {
        update(&mut state, samples::key(KeyCode::Char('v')));
    }
    state
}

/// The storage screen with drives and media, after these keys.
fn drives_and_media(size: (u16, u16), keys: &[KeyCode]) -> State {
    let mut state = busy_after(size, &[KeyCode::Char('4')]);
    samples::answer_questions(&mut state);
    update(&mut state, samples::key(KeyCode::Char('v')));
    for code in keys {
        update(&mut state, samples::key(*code));
    }
    state
}

#[test]
fn too_small_screen_says_so() {
    let screen = drawn(&samples::busy((59, 17)), &Theme::new(Palette::Dark, false));
    insta::assert_snapshot!("too_small", screen);
}

#[test]
fn smallest_screen_is_whole() {
    let screen = drawn(&samples::busy(MINIMUM), &Theme::new(Palette::Dark, false));
    insta::assert_snapshot!("smallest", screen);
}

#[test]
fn ascii_screen_has_only_ascii() {
    let mut state = samples::busy(SMALL);
    update(&mut state, samples::key(KeyCode::Char('?')));
    let screen = drawn(&state, &Theme::new(Palette::Dark, true));
    let cells = screen.buffer().content();
    assert!(cells.iter().all(|cell| cell.symbol().is_ascii()));
    insta::assert_snapshot!("ascii", screen);
}

#[test]
fn no_color_leaves_attributes_alone() {
    let mut state = samples::busy(LARGE);
    samples::output(&mut state, b"\x1b[31;44mcolours\x1b[38;2;1;2;3mtrue\x1b[0m");
    update(&mut state, samples::key(KeyCode::Char('o')));
    let plain = buffer(&state, &Theme::new(Palette::None, false));
    assert!(plain.content().iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(plain.content().iter().any(|cell| cell.modifier.contains(Modifier::REVERSED | Modifier::BOLD)
        || cell.modifier.contains(Modifier::BOLD)));
    let colored = buffer(&state, &Theme::new(Palette::Dark, false));
    assert!(colored.content().iter().any(|cell| cell.fg == Color::Red && cell.bg == Color::Blue));
}

#[test]
fn cursor_is_the_guests_while_its_console_has_the_keys() {
    let mut state = samples::busy(SMALL);
    update(&mut state, samples::key(KeyCode::Char('c')));
    samples::output(&mut state, b"\x1b[H/ # ls");
    let area = state.regions().map(|regions| regions.terminals(&state)).expect("it is large enough")[0].1;
    let mut screen = drawn(&state, &Theme::new(Palette::Dark, false));
    screen.assert_cursor_position((area.x + 6, area.y));
}

#[test]
fn flood_of_combining_marks_is_drawn_short() {
    let mut state = samples::busy(SMALL);
    samples::output(&mut state, format!("\x1b[Ha{}", "\u{301}".repeat(10_000)).as_bytes());
    let cells = buffer(&state, &Theme::new(Palette::Dark, false));
    assert!(cells.content().iter().all(|cell| cell.symbol().chars().count() <= 1 + 4));
}

//! The log screen.

use super::*;
use ipc::log::Level;

#[test]
fn log_follows_until_it_is_held() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    assert!(state.logs.follows());
    press(&mut state, KeyCode::Up);
    assert!(!state.logs.follows());
    samples::log(&mut state, samples::record("vsp", Level::Info, 0, "newer"));
    assert_eq!(state.logs.newer_lines(), 2, "the one that was scrolled past, and the new one");
    press(&mut state, KeyCode::End);
    assert!(state.logs.follows());
    press(&mut state, KeyCode::Char(' '));
    samples::log(&mut state, samples::record("vsp", Level::Info, 0, "newest"));
    assert_eq!(state.logs.newer_lines(), 1);
    press(&mut state, KeyCode::Char(' '));
    assert!(state.logs.follows());
}

/// The lines that the log shows.
fn log_lines(state: &State) -> Vec<String> {
    let lines = state.logs.shown(200, 100, &state.time_zone);
    lines.into_iter().map(|line| line.rows.concat()).collect()
}

#[test]
fn log_is_filtered_by_level_source_text_and_expression() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    assert_eq!(log_lines(&state).len(), 5, "debug is left out");
    assert_eq!(log_lines(&state)[0], "16:45:01.000 INFO  vsp: VSP ready pid=4711");
    press(&mut state, KeyCode::Char('v'));
    assert_eq!(log_lines(&state).len(), 6);
    for (source, count) in [("the VSP's", 3), ("guests'", 3), ("consoles'", 0), ("demo's", 3), ("all", 6)] {
        press(&mut state, KeyCode::Char('o'));
        assert_eq!(log_lines(&state).len(), count, "{source}");
    }
    press(&mut state, KeyCode::Char('/'));
    samples::type_text(&mut state, "GUEST");
    assert_eq!(log_lines(&state).len(), 2);
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.logs.filter.typed(), "GUEST");
    press(&mut state, KeyCode::Char('u'));
    press(&mut state, KeyCode::Char('R'));
    samples::type_text(&mut state, "^guest|pro[ck]e(");
    assert_eq!(log_lines(&state).len(), 2, "what is no expression yet changes nothing");
    press(&mut state, KeyCode::Backspace);
    assert_eq!(log_lines(&state).len(), 2);
    press(&mut state, KeyCode::Esc);
    assert_eq!(log_lines(&state).len(), 6);
}

#[test]
fn log_goes_to_a_time_and_has_what_consoles_print() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    let jump = |state: &mut State, time: &str| {
        press(state, KeyCode::Char('@'));
        samples::type_text(state, time);
        press(state, KeyCode::Enter);
    };
    for _ in 0..100 {
        samples::log(&mut state, samples::record("vsp", Level::Info, 1, "later"));
    }
    jump(&mut state, "19:57:56");
    let page = state.regions().and_then(|regions| regions.log_rows()).expect("it is shown").height;
    let first = state.logs.shown(200, usize::from(page), &state.time_zone).remove(0);
    assert!(first.rows.concat().contains("firmware hands over"), "{first:?}");
    jump(&mut state, "noon");
    assert_eq!(state.context(), Context::Prompt, "it is no time and stays");
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::End);
    samples::log(&mut state, console_record(0, "login: root"));
    assert!(log_lines(&state).last().is_some_and(|line| line.ends_with("INFO  demo>: login: root")));
    // What comes late goes where its time is.
    samples::log(&mut state, console_record(200, "early"));
    let all = state.logs.shown(200, 1000, &state.time_zone);
    let early = all.iter().position(|line| line.rows.concat().contains("demo>: early"));
    assert!(early.is_some_and(|place| place < 5), "{early:?}");
    assert!(log_lines(&state).last().is_some_and(|line| line.ends_with("login: root")));
}

fn console_record(seconds_ago: i64, text: &str) -> ipc::log::LogRecord {
    let source = ipc::log::LogSource::Console("demo".to_owned());
    ipc::log::LogRecord {
        source,
        fields: Vec::new(),
        ..samples::record("demo", Level::Info, seconds_ago, text)
    }
}

#[test]
fn consoles_are_read_along_while_a_log_shows_them() {
    let mut state = samples::busy(SIZE);
    let read = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| match effect {
            Effect::ReadConsoles { since_micros } => Some(since_micros),
            _ => None,
        })
    };
    assert_eq!(read(update(&mut state, samples::key(KeyCode::Char('5')))), Some(Some(0)));
    let line = console_record(1, "login:");
    samples::log(&mut state, line.clone());
    assert_eq!(read(update(&mut state, samples::key(KeyCode::Char('o')))), Some(None), "the VSP's alone");
    assert_eq!(read(update(&mut state, samples::key(KeyCode::Char('o')))), None);
    let again = read(update(&mut state, samples::key(KeyCode::Char('o'))));
    assert_eq!(again, Some(Some(line.time_micros + 1)), "nothing comes twice");
    assert_eq!(read(update(&mut state, samples::key(KeyCode::Char('1')))), Some(None));
}

#[test]
fn consoles_do_not_drive_out_what_the_vsp_says() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    for number in 0..20_000 {
        samples::log(&mut state, console_record(0, &format!("line {number}")));
    }
    let lines = state.logs.shown(100, 20_000, &state.time_zone);
    assert!(lines[0].rows.concat().contains("VSP ready"));
    assert!(lines.last().is_some_and(|line| line.rows.concat().ends_with("line 19999")));
    assert!((3000..6010).contains(&lines.len()), "{}", lines.len());
}

#[test]
fn log_keeps_a_bounded_number_of_lines_and_says_what_is_missing() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    press(&mut state, KeyCode::Home);
    for number in 0..12_000 {
        samples::log(&mut state, samples::record("vsp", Level::Info, 0, &format!("line {number}")));
    }
    update(&mut state, Msg::Vsp(VspMsg::LogGap(17)));
    press(&mut state, KeyCode::Home);
    press(&mut state, KeyCode::End);
    let lines = state.logs.shown(100, 20_000, &state.time_zone);
    assert_eq!(lines.len(), 10_000);
    assert!(lines.last().is_some_and(|line| line.rows.concat().contains("17 log lines are left out")));
}

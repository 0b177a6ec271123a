//! The log screen.

use super::*;
use crate::console::screens::logs::{From, PastPart, PastQuery};
use ipc::log::Level;

#[test]
fn log_follows_until_it_is_held() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    assert!(state.logs.follows());
    press(&mut state, KeyCode::Up);
    assert!(!state.logs.follows());
    samples::log(&mut state, samples::record("vsp", Level::Info, 0, "newer"));
    assert_eq!(state.logs.newer_lines(), 1);
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
    assert_eq!(state.logs.choice().filter.typed(), "GUEST");
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
    assert!(rows(&state)[0].contains("firmware hands over"), "{:?}", rows(&state));
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
fn consoles_are_read_along_below_the_overview_only_where_they_are_asked_for() {
    let mut state = samples::busy((160, 50));
    press(&mut state, KeyCode::Char('5'));
    samples::log(&mut state, console_record(1, "login:"));
    assert!(log_lines(&state).last().unwrap().ends_with("login:"));
    let effects = update(&mut state, samples::key(KeyCode::Char('1')));
    assert!(effects.contains(&Effect::ReadConsoles { since_micros: None }), "{effects:?}");
    assert_eq!(log_lines(&state).len(), 5, "only what the VSP and guests say");
    press(&mut state, KeyCode::Char('5'));
    for _ in 0..3 {
        press(&mut state, KeyCode::Char('o'));
    }
    press(&mut state, KeyCode::Char('1'));
    assert_eq!(log_lines(&state).len(), 1, "consoles alone");
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

/// The query that the VSP is asked.
fn query(effects: Vec<Effect>) -> Option<PastQuery> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::ReadPast(query) => Some(*query),
        _ => None,
    })
}

/// Lines of these seconds before now, all of the VSP.
fn part(seconds_ago: std::ops::RangeInclusive<i64>, is_end: bool) -> Result<PastPart, String> {
    let line = |ago| samples::record("vsp", Level::Info, ago, &format!("line {ago}")).into();
    Ok(PastPart { lines: seconds_ago.rev().map(line).collect(), is_end })
}

fn answer(state: &mut State, query: &PastQuery, result: Result<PastPart, String>) -> Option<PastQuery> {
    self::query(update(state, Msg::Vsp(VspMsg::Past { id: query.id, result })))
}

fn jump(state: &mut State, time: &str) -> Option<PastQuery> {
    press(state, KeyCode::Char('@'));
    samples::type_text(state, time);
    query(press(state, KeyCode::Enter))
}

fn history(state: &State) -> String {
    state.logs.place_in_history(&state.time_zone).unwrap_or_default()
}

/// The first and the last line on the screen.
fn ends(state: &State) -> (String, String) {
    let area = state.regions().and_then(|regions| regions.log_rows()).expect("it is shown");
    let lines = state.logs.shown(area.width.into(), area.height.into(), &state.time_zone);
    let text = |line: Option<&crate::console::screens::logs::ShownLine>| {
        line.map(|line| line.rows.concat()).unwrap_or_default()
    };
    (text(lines.first()), text(lines.last()))
}

#[test]
fn vsp_is_asked_for_what_lies_further_back_than_the_kept_lines() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    let asked = jump(&mut state, "10:00").expect("it is not kept here");
    assert_eq!(asked.from, From::Since((NOW - 36_000_000) * 1000));
    assert_eq!(history(&state), "history: asking the VSP");
    // What lies before and behind is asked for before one gets there.
    let older = answer(&mut state, &asked, part(35_001..=36_000, false)).expect("one may go back");
    assert!(ends(&state).0.contains("10:00:00.000 INFO  vsp: line 36000"));
    assert_eq!((older.from, older.known), (From::UpTo((NOW - 36_000_000) * 1000), 1));
    answer(&mut state, &older, part(36_001..=36_100, true));
    assert!(ends(&state).0.contains("line 36000"), "nothing moves");
    assert_eq!(history(&state), "history: 2026-11-23 10:00:18");
    press(&mut state, KeyCode::Home);
    assert!(ends(&state).0.contains("line 36100"));
    assert_eq!(history(&state), "history: 2026-11-23 09:58:38, the oldest");
    // Forwards up to what is kept here.
    let mut newer = None;
    while newer.is_none() {
        newer = query(press(&mut state, KeyCode::PageDown));
    }
    let newer = newer.expect("it is");
    assert_eq!((newer.from, newer.known), (From::Since((NOW - 35_001_000) * 1000), 1));
    answer(&mut state, &newer, part(10_990..=11_000, true));
    for _ in 0..100 {
        assert_eq!(query(press(&mut state, KeyCode::Down)), None);
        if history(&state).is_empty() {
            break;
        }
    }
    assert_eq!(history(&state), "");
    assert!(ends(&state).1.contains("vsp: VSP ready"), "{:?}", ends(&state));
    press(&mut state, KeyCode::End);
    assert!(state.logs.follows());
}

#[test]
fn paging_up_goes_on_at_the_vsp() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    for _ in 0..40 {
        samples::log(&mut state, samples::record("vsp", Level::Info, 1, "later"));
    }
    let mut asked = None;
    for _ in 0..9 {
        asked = asked.or(query(press(&mut state, KeyCode::PageUp)));
    }
    let asked = asked.expect("there may be more");
    assert_eq!((asked.from, asked.known), (From::UpTo((NOW - 11_699_000) * 1000), 1));
    let more = answer(&mut state, &asked, part(11_700..=11_705, true));
    assert_eq!(more, None);
    press(&mut state, KeyCode::PageUp);
    assert!(ends(&state).0.contains("line 11705"));
    press(&mut state, KeyCode::End);
    assert!(state.logs.follows() && history(&state).is_empty());
    // Once more from the very first one.
    press(&mut state, KeyCode::Home);
    let asked = query(press(&mut state, KeyCode::Home)).expect("the VSP has older ones");
    assert_eq!(asked.from, From::Since(i64::MIN));
    press(&mut state, KeyCode::Char(' '));
    assert!(state.logs.follows());
    assert_eq!(answer(&mut state, &asked, part(1..=5, true)), None, "it comes too late");
    assert!(history(&state).is_empty());
}

#[test]
fn history_is_read_anew_by_another_choice_and_says_what_went_wrong() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    let asked = jump(&mut state, "2026-11-01 12:00").expect("it is not kept here");
    assert_eq!(answer(&mut state, &asked, Err("Permission denied.".to_owned())), None);
    assert_eq!(history(&state), "history: Permission denied.");
    let asked = query(press(&mut state, KeyCode::Char('v'))).expect("other lines are wanted");
    assert_eq!((asked.choice.level, asked.from), (Level::Debug, From::Since(1_793_534_400_000_000)));
    // Nothing is so late: what was last before is shown.
    let older = answer(&mut state, &asked, Ok(PastPart { lines: Vec::new(), is_end: true }))
        .expect("something lies before");
    assert_eq!(older.from, From::UpTo(1_793_534_400_000_000));
    answer(&mut state, &older, part(9_000_000..=9_000_100, false));
    assert!(ends(&state).1.contains("line 9000000"));
    press(&mut state, KeyCode::Char('/'));
    let asked = query(press(&mut state, KeyCode::Char('x'))).expect("other lines are wanted");
    assert_eq!(asked.choice.filter.typed(), "x");
}

/// The log as it lies on the screen.
fn rows(state: &State) -> Vec<String> {
    let area = state.regions().and_then(|regions| regions.log_rows()).expect("it is shown");
    let lines = state.logs.shown(area.width.into(), area.height.into(), &state.time_zone);
    let mut rows: Vec<String> = lines.into_iter().flat_map(|line| line.rows).collect();
    rows.drain(..rows.len().saturating_sub(area.height.into()));
    rows
}

/// The log with sixty lines, every third of them several rows long and one longer than the screen.
fn long_lines() -> State {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    for number in 0..60 {
        let words = match number {
            30 => 400,
            _ if number % 3 == 0 => 40,
            _ => 1,
        };
        let text = format!("first{number} {} last{number}", "word ".repeat(words));
        let record = samples::record("vsp", Level::Info, 60 - number, &text);
        samples::log(&mut state, ipc::log::LogRecord { fields: Vec::new(), ..record });
    }
    state
}

#[test]
fn line_that_is_gone_to_is_on_the_screen_however_long_lines_are() {
    for wraps in [true, false] {
        let mut state = long_lines();
        if !wraps {
            press(&mut state, KeyCode::Char('w'));
        }
        for number in [3, 10, 29, 30, 31, 45, 58] {
            assert_eq!(jump(&mut state, &format!("{}s", 60 - number)), None, "it is kept here");
            let rows = rows(&state);
            let wanted = format!("first{number} ");
            let place = rows.iter().position(|row| row.contains(&wanted));
            let place = place.unwrap_or_else(|| panic!("{wanted} is not among {rows:#?}"));
            // At the end the last screen is shown.
            assert!(place == 0 || rows.iter().any(|row| row.contains("first59 ")), "{wraps}: {rows:#?}");
        }
    }
}

#[test]
fn line_that_was_gone_to_stays_uppermost_when_the_screen_changes() {
    let mut state = long_lines();
    jump(&mut state, "40s");
    let is_on_top = |state: &State| rows(state)[0].contains("first20 ");
    assert!(is_on_top(&state));
    for _ in 0..2 {
        press(&mut state, KeyCode::Char('w'));
        assert!(is_on_top(&state), "{:#?}", rows(&state));
    }
    for size in [(61, 20), (140, 24), (200, 30)] {
        update(&mut state, Msg::Resize(size.0, size.1));
        assert!(is_on_top(&state), "{size:?}: {:#?}", rows(&state));
    }
}

#[test]
fn scrolling_passes_no_row_over() {
    let mut state = long_lines();
    let page = rows(&state).len();
    // From below upwards row by row; where the oldest line is at the top the VSP would be asked.
    let mut seen = rows(&state);
    for _ in 0..1000 {
        press(&mut state, KeyCode::Up);
        if !history(&state).is_empty() {
            break;
        }
        let now = rows(&state);
        if now[1..] == seen[..page - 1] {
            seen.insert(0, now[0].clone());
        } else {
            assert_eq!(now, seen[..page], "one row further or none");
        }
    }
    for number in 0..60 {
        for end in ["first", "last"] {
            let count = seen.iter().filter(|row| row.split(' ').any(|word| word == format!("{end}{number}")));
            assert_eq!(count.count(), 1, "{end}{number}");
        }
    }
    // And by pages, which follow on each other.
    let mut state = long_lines();
    let mut all = rows(&state);
    while all.len() + page <= seen.len() {
        press(&mut state, KeyCode::PageUp);
        all.splice(0..0, rows(&state));
    }
    assert_eq!(all, seen[seen.len() - all.len()..]);
    for _ in 0..seen.len().div_ceil(page) {
        press(&mut state, KeyCode::PageDown);
    }
    assert!(state.logs.follows());
}

#[test]
fn history_is_scrolled_by_rows_too() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('5'));
    let asked = jump(&mut state, "10:00").expect("it is not kept here");
    let line =
        |ago: i64| samples::record("vsp", Level::Info, ago, &format!("first{ago} {}", "word ".repeat(60)));
    let lines = (35_901..=36_000).rev().map(|ago| line(ago).into()).collect();
    answer(&mut state, &asked, Ok(PastPart { lines, is_end: false }));
    let first = rows(&state);
    assert!(first[0].contains("first36000 "), "{first:#?}");
    press(&mut state, KeyCode::Down);
    assert_eq!(rows(&state)[..first.len() - 1], first[1..]);
    press(&mut state, KeyCode::PageDown);
    press(&mut state, KeyCode::PageUp);
    press(&mut state, KeyCode::Up);
    assert_eq!(rows(&state), first);
}

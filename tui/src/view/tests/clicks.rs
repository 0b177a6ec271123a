//! Everything that is drawn to be clicked does what its key does, on every screen.

use super::*;
use crate::console::effect::Effect;
use crate::console::keymap::{self, Action, Key};
use crate::console::msg::Target;
use crate::console::screens::form::Rule;
use crate::console::state::Screen;
use crossterm::event::{KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// The uppermost targets of a screen, each with a place where it is clicked.
fn targets(state: &State) -> Vec<(Position, Target)> {
    let clicks = clicks(state);
    let mut found: Vec<(Position, Target)> = Vec::new();
    let places = clicks.all().iter().flat_map(|(area, _)| [(area.x, area.y), (area.right() - 1, area.y)]);
    for (x, y) in places {
        if let Some(target) = clicks.at(x, y)
            && !found.iter().any(|(_, known)| *known == target)
        {
            found.push((Position::new(x, y), target));
        }
    }
    found
}

fn clicks(state: &State) -> ClickMap {
    let mut terminal =
        Terminal::new(TestBackend::new(state.size.0, state.size.1)).expect("a screen in memory");
    let mut clicks = ClickMap::default();
    let theme = Theme::new(Palette::Dark, false);
    terminal.draw(|frame| clicks = draw(state, &theme, frame)).expect("a screen in memory");
    clicks
}

fn mouse(state: &mut State, kind: MouseEventKind, place: Position) -> Vec<Effect> {
    let event = MouseEvent { kind, column: place.x, row: place.y, modifiers: KeyModifiers::NONE };
    let target = clicks(state).at(place.x, place.y);
    update(state, Msg::Mouse { event, target })
}

fn click(state: &mut State, place: Position) -> Vec<Effect> {
    mouse(state, MouseEventKind::Down(MouseButton::Left), place)
}

fn key_of(state: &State, action: Action) -> Option<Key> {
    keymap::rows(state.context()).find(|row| row.action == action).map(|row| row.keys[0])
}

#[test]
fn click_does_what_the_key_does() {
    let mut counted = 0;
    for (name, prepare) in SCREENS {
        for (place, target) in targets(&prepare(LARGE)) {
            let Target::Action(action) = target else { continue };
            let (mut clicked, mut pressed) = (prepare(LARGE), prepare(LARGE));
            let Some(key) = key_of(&pressed, action) else {
                if !clicked.layers.is_empty() {
                    let before = format!("{clicked:?}");
                    click(&mut clicked, place);
                    assert_eq!(format!("{clicked:?}"), before, "{name}: {action:?} lies under a dialog");
                    continue;
                }
                // What a border or a line of the header says leads there from every screen.
                assert!(
                    matches!(action, Action::Messages | Action::ConsoleScreen | Action::Menu),
                    "{name}: {action:?}"
                );
                continue;
            };
            let by_click = click(&mut clicked, place);
            let by_key = update(&mut pressed, Msg::Key(KeyEvent::new(key.code, key.modifiers)));
            assert_eq!(by_click, by_key, "{name}: {action:?}");
            assert_eq!(format!("{clicked:?}"), format!("{pressed:?}"), "{name}: {action:?}");
            counted += 1;
        }
    }
    assert!(counted > 200, "only {counted} places do something");
}

#[test]
fn tabs_headings_rows_and_choices_are_what_was_clicked() {
    let mut chosen = 0;
    for (name, prepare) in SCREENS {
        for (place, target) in targets(&prepare(LARGE)) {
            let mut state = prepare(LARGE);
            let is_covered = !state.layers.is_empty();
            let before = format!("{state:?}");
            click(&mut state, place);
            match target {
                Target::Nothing | Target::Scrolled => {
                    assert_eq!(format!("{state:?}"), before, "{name}: {target:?}")
                }
                Target::Screen(_)
                | Target::Log
                | Target::Heading(_)
                | Target::Part(_)
                | Target::Tab(_)
                | Target::View(_)
                    if is_covered =>
                {
                    assert_eq!(format!("{state:?}"), before, "{name}: {target:?} lies under a dialog");
                }
                // Where no VSP is connected there is nothing to go to.
                Target::Screen(_) | Target::Log if !matches!(state.link, Link::Up(_)) => {}
                // Without guests there is no console and no guest to show.
                Target::Screen(Screen::Guest | Screen::Console) if state.guests.count() == 0 => {}
                Target::Screen(screen) => assert_eq!(state.screen, screen, "{name}"),
                Target::Log => assert_eq!(state.screen, Screen::Logs, "{name}"),
                Target::Choice { field, value } => {
                    let Some(Layer::Form(form)) = state.layers.last() else { panic!("{name}: no form") };
                    let Rule::Choice(values) = form.fields()[field].rule else { panic!("{name}: no choice") };
                    assert_eq!((form.focus(), form.focused().value()), (field, values[value]), "{name}");
                    chosen += 1;
                }
                Target::Heading(column) => assert_eq!(state.guests.order().0, column, "{name}"),
                Target::Part(part) => assert_eq!(state.detail.part, part, "{name}"),
                Target::View(view) => assert_eq!(state.storage.view(), view, "{name}"),
                Target::Tab(tab) => assert_eq!(state.tabs.current_index(), tab, "{name}"),
                // A row that was selected already is opened.
                Target::Row(_) if is_covered || state.screen != prepare(LARGE).screen => {}
                Target::Row(row) => {
                    let buffer = buffer(&state, &Theme::new(Palette::None, true));
                    let is_selected = buffer[place].modifier.contains(Modifier::REVERSED);
                    assert!(is_selected, "{name}: row {row}");
                }
                Target::Action(_) | Target::Terminal { .. } => {}
            }
        }
    }
    assert!(chosen > 15, "only {chosen} values can be chosen");
}

#[test]
fn row_that_is_selected_is_opened_and_one_of_the_palette_is_done() {
    let row = |state: &State, wanted: usize| {
        let found = targets(state).into_iter().find(|(_, target)| *target == Target::Row(wanted));
        found.unwrap_or_else(|| panic!("no row {wanted}")).0
    };
    let mut state = samples::busy(LARGE);
    let place = row(&state, 0);
    click(&mut state, place);
    assert_eq!(state.screen, Screen::Guest);

    let mut state = busy_after(SMALL, &[KeyCode::Char(':')]);
    samples::type_text(&mut state, "storage");
    let place = row(&state, 0);
    click(&mut state, place);
    assert_eq!((state.screen, state.layers.len()), (Screen::Storage, 0));

    let mut state = busy_after(SMALL, &[KeyCode::Char('n')]);
    let place = row(&state, 2);
    click(&mut state, place);
    let Some(Layer::Form(form)) = state.layers.last() else { panic!("{:?}", state.layers) };
    assert_eq!(form.focus(), 2);
}

/// Lists, texts and earlier output are moved through by the wheel, in both directions.
#[test]
fn wheel_moves_what_it_is_over() {
    let mut state = samples::connected(SMALL, samples::guests(300));
    let middle = |area: Rect| Position::new(area.x + area.width / 2, area.y + area.height / 2);
    let place = state.regions().and_then(|regions| regions.guests).map(middle).expect("there is a table");
    mouse(&mut state, MouseEventKind::ScrollDown, place);
    assert_eq!(state.guests.selected_index(), 3);
    mouse(&mut state, MouseEventKind::ScrollUp, place);
    assert_eq!(state.guests.selected_index(), 0);

    // The log below the table moves, and the table does not.
    let mut state = busy_after(SMALL, &[KeyCode::Char('p')]);
    for line in 0..60 {
        samples::log(&mut state, samples::record("demo", ipc::log::Level::Info, 1, &format!("line {line}")));
    }
    let place = state.regions().and_then(|regions| regions.logs).map(middle).expect("there is a log");
    mouse(&mut state, MouseEventKind::ScrollUp, place);
    assert_eq!((state.guests.selected_index(), state.logs.newer_lines()), (0, 3));
    mouse(&mut state, MouseEventKind::ScrollDown, place);
    mouse(&mut state, MouseEventKind::ScrollDown, place);
    assert!(state.logs.follows());

    let everywhere = Position::new(SMALL.0 / 2, SMALL.1 / 2);
    let moved: [(&str, State); 5] = [
        ("help", busy_after(SMALL, &[KeyCode::Char('?')])),
        ("palette", busy_after(SMALL, &[KeyCode::Char(':')])),
        ("storage", {
            let mut state = busy_after(SMALL, &[KeyCode::Char('4')]);
            samples::answer_questions(&mut state);
            state
        }),
        ("log", {
            let mut state = busy_after(SMALL, &[KeyCode::Char('5')]);
            for line in 0..200 {
                let text = format!("line {line}");
                samples::log(&mut state, samples::record("demo", ipc::log::Level::Info, 1, &text));
            }
            update(&mut state, samples::key(KeyCode::PageUp));
            state
        }),
        ("earlier output", {
            let mut state = busy_after(SMALL, &[KeyCode::Char('c')]);
            for line in 0..200 {
                samples::output(&mut state, format!("line {line}\r\n").as_bytes());
            }
            update(&mut state, samples::key(KeyCode::PageUp));
            state
        }),
    ];
    for (name, mut state) in moved {
        let shown = |state: &State| drawn(state, &Theme::new(Palette::None, true)).to_string();
        let first = shown(&state);
        for _ in 0..20 {
            mouse(&mut state, MouseEventKind::ScrollDown, everywhere);
        }
        let lower = shown(&state);
        for _ in 0..20 {
            mouse(&mut state, MouseEventKind::ScrollUp, everywhere);
        }
        assert!(lower != first || shown(&state) != lower, "{name}: nothing moves");
    }

    let mut state = busy_after(SMALL, &[KeyCode::Char('c')]);
    for line in 0..200 {
        samples::output(&mut state, format!("line {line}\r\n").as_bytes());
    }
    mouse(&mut state, MouseEventKind::ScrollUp, everywhere);
    assert!(
        state.console().is_some_and(|console| console.history.is_some()),
        "the wheel shows earlier output"
    );
}

//! Forms and questions that begin with what the VSP knows.

use super::*;
use crate::console::screens::detail::Part;
use crate::console::state::Layer;

/// The requests among effects, as commands.
fn commands(effects: Vec<Effect>) -> Vec<String> {
    requests(&effects).into_iter().filter_map(crate::console::command::line).collect()
}

#[test]
fn form_that_needs_the_guest_opens_when_it_is_known() {
    let mut state = samples::busy(SIZE);
    assert_eq!(press(&mut state, KeyCode::Char('y')), [Effect::AskDetail("demo".to_owned())]);
    assert!(state.layers.is_empty());
    samples::answer_questions(&mut state);
    assert!(matches!(state.layers.last(), Some(Layer::Form(form)) if form.title() == "Clone guest demo"));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Right);
    assert_eq!(
        commands(press(&mut state, KeyCode::Enter)),
        ["hpvmclone -P demo -N demo-2 -d dvd:avio_stor:0,1,1:null:/iso"]
    );
}

#[test]
fn form_does_not_open_over_something_else() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('e'));
    press(&mut state, KeyCode::Char('5'));
    samples::answer_questions(&mut state);
    assert!(state.layers.is_empty());
    press(&mut state, KeyCode::Char('2'));
    samples::answer_questions(&mut state);
    assert!(state.layers.is_empty(), "the wish is over");
}

#[test]
fn session_at_the_console_is_ended_after_asking() {
    let mut state = samples::busy(SIZE);
    press(&mut state, KeyCode::Char('c'));
    update(&mut state, ctrl('b'));
    press(&mut state, KeyCode::Char('u'));
    assert_eq!((state.screen, state.detail.part), (Screen::Guest, Part::Users));
    samples::answer_questions(&mut state);
    press(&mut state, KeyCode::Char('D'));
    samples::type_text(&mut state, "operator");
    press(&mut state, KeyCode::Enter);
    let guest = GuestRef::Name("demo".to_owned());
    let effects = press(&mut state, KeyCode::Char('y'));
    assert_eq!(requests(&effects), [&ClientToVsp::DisconnectUser { guest, number: 7 }]);
}

#[test]
fn database_is_checked_and_what_would_mend_it_is_shown() {
    for (line, shown) in
        [("#!/bin/sh", "Nothing is to be mended."), ("hpvmdevmgmt -d gdev:/x", "hpvmdevmgmt -d gdev:/x")]
    {
        let mut state = samples::busy(SIZE);
        press(&mut state, KeyCode::Char('4'));
        samples::answer_questions(&mut state);
        press(&mut state, KeyCode::Char('w'));
        samples::type_text(&mut state, "check");
        press(&mut state, KeyCode::Enter);
        assert_eq!(commands(press(&mut state, KeyCode::Char('y'))), ["hpvmdevmgmt -r"]);
        update(&mut state, Msg::Vsp(VspMsg::Progress { id: 1, line: line.to_owned() }));
        update(&mut state, Msg::Vsp(VspMsg::Reply { id: 1, result: Ok(Acceptance::default()) }));
        assert!(matches!(state.layers.last(), Some(Layer::Message(message)) if message.text == shown));
    }
}

#[test]
fn devices_are_added_taken_away_and_discs_inserted() {
    let mut state = samples::busy((100, 30));
    press(&mut state, KeyCode::Char('2'));
    samples::answer_questions(&mut state);
    press(&mut state, KeyCode::Char('a'));
    press(&mut state, KeyCode::Tab);
    samples::type_text(&mut state, "/new.img");
    assert_eq!(
        commands(press(&mut state, KeyCode::Enter)),
        ["hpvmmodify -P demo -a disk:avio_stor::file:/new.img"]
    );
    press(&mut state, KeyCode::Char('i'));
    assert_eq!(notice(&state), Some("This is no DVD drive of a guest."));
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('i'));
    samples::type_text(&mut state, "a.iso");
    assert_eq!(
        commands(press(&mut state, KeyCode::Enter)),
        ["hpvmmodify -P demo -m dvd:avio_stor:0,1,1:file:/iso/a.iso"]
    );
    press(&mut state, KeyCode::Char('d'));
    assert_eq!(
        commands(press(&mut state, KeyCode::Char('y'))),
        ["hpvmmodify -P demo -d dvd:avio_stor:0,1,1:null:/iso"]
    );
}

#[test]
fn device_gets_another_backing_store() {
    let mut state = samples::busy((100, 30));
    press(&mut state, KeyCode::Char('2'));
    press(&mut state, KeyCode::Char('b'));
    assert_eq!(notice(&state), Some("No device is selected."));
    samples::answer_questions(&mut state);
    press(&mut state, KeyCode::Char('b'));
    assert_eq!(commands(press(&mut state, KeyCode::Enter)), [] as [&str; 0], "it is as it was");
    samples::type_text(&mut state, "2");
    assert_eq!(
        commands(press(&mut state, KeyCode::Enter)),
        ["hpvmmodify -P demo -m disk:avio_stor:0,1,0:file:/var/tmp/demo.img2"]
    );
    press(&mut state, KeyCode::Down);
    press(&mut state, KeyCode::Char('b'));
    samples::type_text(&mut state, "other/");
    assert_eq!(
        commands(press(&mut state, KeyCode::Enter)),
        ["hpvmmodify -P demo -m dvd:avio_stor:0,1,1:null:/iso/other/"]
    );
}

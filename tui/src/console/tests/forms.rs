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

#[test]
fn all_guests_are_stopped_at_once_after_asking_and_answer_together() {
    for (answer, mode, command) in
        [('y', StopMode::Graceful, "hpvmstop -a -g -F"), ('p', StopMode::Hard, "hpvmstop -a -h -F")]
    {
        let mut state = samples::connected(SIZE, samples::guests(20));
        assert!(requests(&press(&mut state, KeyCode::Char('X'))).is_empty());
        assert!(requests(&press(&mut state, KeyCode::Enter)).is_empty(), "no is the default");
        press(&mut state, KeyCode::Char('X'));
        let effects = press(&mut state, KeyCode::Char(answer));
        let names = ["guest001", "guest002", "guest010", "guest011", "guest012", "guest020"];
        let asked: Vec<ClientToVsp> =
            names.map(|name| ClientToVsp::StopGuest { guest: GuestRef::Name(name.to_owned()), mode }).into();
        assert_eq!(requests(&effects), asked.iter().collect::<Vec<_>>());
        let reply = |state: &mut State, result| update(state, Msg::Vsp(VspMsg::Reply { id: 1, result }));
        for _ in 0..4 {
            reply(&mut state, Ok(Acceptance::default()));
        }
        reply(&mut state, Err("ERROR (guest020): No.".to_owned()));
        assert_eq!(state.requests.oldest().and_then(|waiting| waiting.progress.as_deref()), Some("1 to go"));
        assert!(state.layers.is_empty(), "the others are still under way");
        reply(&mut state, Ok(Acceptance::default()));
        assert_eq!(notice(&state), Some("Unable to stop all guests"));
        let entry = state.history.entries().next().expect("it is kept");
        assert_eq!((entry.text.as_str(), entry.command.as_deref()), ("ERROR (guest020): No.", Some(command)));
    }
    let mut state = samples::connected(SIZE, vec![samples::guest(1, "a", GuestState::Off)]);
    press(&mut state, KeyCode::Char('X'));
    assert_eq!((state.context(), notice(&state)), (Context::Guests, Some("No guest is on.")));
}

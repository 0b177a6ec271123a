//! A VSP that is lost while somebody types: what was meant for a guest, or for a screen that is gone, does nothing.

use super::*;
use crossterm::event::KeyEvent;

/// Every key that a guest may get, but the escape key.
fn typed() -> Vec<KeyEvent> {
    let characters = (' '..='~').map(KeyCode::Char);
    let others = [
        KeyCode::Enter,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Esc,
        KeyCode::Backspace,
        KeyCode::Delete,
        KeyCode::Up,
        KeyCode::PageUp,
        KeyCode::F(1),
    ];
    let control = ('a'..='z').filter(|c| *c != 'b').map(|c| (KeyCode::Char(c), KeyModifiers::CONTROL));
    let plain = characters.chain(others).map(|code| (code, KeyModifiers::NONE));
    plain.chain(control).map(|(code, modifiers)| KeyEvent::new(code, modifiers)).collect()
}

#[test]
fn what_is_typed_to_a_guest_does_nothing_when_the_vsp_is_lost() {
    for is_browsing in [false, true] {
        let mut state = typing();
        if is_browsing {
            press(&mut state, KeyCode::PageUp);
        }
        samples::lose_vsp(&mut state);
        assert_eq!(state.context(), Context::Lost);
        let before = format!("{state:?}");
        for key in typed() {
            assert_eq!(update(&mut state, Msg::Key(key)), [], "{key:?}");
            assert_eq!(format!("{state:?}"), before, "{key:?}");
        }
        update(&mut state, Msg::Paste("s\rq".to_owned()));
        assert_eq!(format!("{state:?}"), before);
        update(&mut state, ctrl('b'));
        assert_eq!((state.context(), state.selected_name()), (Context::Offline, Some("demo")));
        assert_eq!(press(&mut state, KeyCode::Enter), [Effect::Connect { may_start: true }]);
    }
}

#[test]
fn console_has_the_keys_again_when_the_vsp_is_back() {
    let mut state = typing();
    samples::lose_vsp(&mut state);
    update(&mut state, Msg::Vsp(VspMsg::Up(samples::status())));
    let id = samples::console_id(&state);
    console_event(&mut state, id, ConsoleEvent::Access { write: true });
    assert_eq!(press(&mut state, KeyCode::Char('q')), [Effect::Input { id, bytes: b"q".to_vec() }]);
}

#[test]
fn menu_that_was_open_when_the_vsp_was_lost_still_leads_away() {
    let mut state = typing();
    update(&mut state, ctrl('b'));
    samples::lose_vsp(&mut state);
    press(&mut state, KeyCode::Char('x'));
    assert_eq!(state.context(), Context::Offline);
}

/// A key that comes before the change was drawn was meant for what was there before.
#[test]
fn keys_do_nothing_until_what_they_mean_is_shown() {
    let down = || VspMsg::Down { reason: "gone".to_owned(), is_absent: false };
    let removed = || VspMsg::GuestRemoved { name: "demo".to_owned() };
    let cases: [(fn() -> State, VspMsg); 3] = [
        (|| samples::busy(SIZE), down()),
        (typing, removed()),
        (
            || {
                let mut state = samples::busy(SIZE);
                samples::lose_vsp(&mut state);
                state
            },
            VspMsg::Up(samples::status()),
        ),
    ];
    for (prepare, event) in cases {
        let mut state = prepare();
        update(&mut state, Msg::Vsp(event));
        let before = format!("{state:?}");
        for key in typed() {
            assert_eq!(update(&mut state, Msg::Key(key)), [], "{key:?}");
        }
        assert_eq!(format!("{state:?}"), before);
        state.note_drawn();
        assert_eq!(update(&mut state, samples::key(KeyCode::Char('q'))), [Effect::Quit]);
    }
}

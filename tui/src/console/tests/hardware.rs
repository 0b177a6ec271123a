//! Drives and media on the storage screen.

use super::*;

/// The screen with this row selected.
fn at(row: usize) -> State {
    let mut state = samples::busy((120, 40));
    press(&mut state, KeyCode::Char('4'));
    samples::answer_questions(&mut state);
    press(&mut state, KeyCode::Char('v'));
    for _ in 0..row {
        press(&mut state, KeyCode::Down);
    }
    state
}

/// The commands of what is asked for after these keys.
fn asked_after(row: usize, keys: &[KeyCode]) -> Vec<String> {
    let mut state = at(row);
    let effects: Vec<Effect> = keys.iter().flat_map(|code| press(&mut state, *code)).collect();
    requests(&effects).into_iter().filter_map(super::super::command::line).collect()
}

const YES: KeyCode = KeyCode::Char('y');
const DRIVE: usize = 2;
const FREE_SLOT: usize = 4;
const SLOT: usize = 5;
const PORT: usize = 6;
const BURNER: usize = 7;
const TAPE: usize = 8;

#[test]
fn everything_that_the_commands_do_is_asked_for() {
    let key = KeyCode::Char;
    let cases: [(usize, &[KeyCode], &str); 9] = [
        (DRIVE, &[key('p'), KeyCode::Down, KeyCode::Enter, YES], "hpvm library move /tapes KIT001 slot1"),
        (SLOT, &[key('p'), KeyCode::Enter, YES], "hpvm library move /tapes KIT002 drive2"),
        (PORT, &[key('E'), YES], "hpvm library export /tapes KIT003"),
        (BURNER, &[key('E'), key('f')], "hpvm burner eject /discs --force"),
        (BURNER, &[key('h'), YES], "hpvm hold -r /dev/disk/disk5"),
        (TAPE, &[key('h'), YES], "hpvm hold /dev/rtape/tape0_BEST"),
        (TAPE, &[KeyCode::Enter], "diskinfo -v /dev/rtape/tape0_BEST"),
        (0, &[key('d'), YES], "hpvm library remove /dev/rchgr/autoch1"),
        (
            TAPE,
            &[key('A'), KeyCode::Enter, KeyCode::Enter],
            "hpvmmodify -P demo -a tape:avio_stor::attach_path:/dev/rtape/tape0_BEST",
        ),
    ];
    for (row, keys, command) in cases {
        assert_eq!(asked_after(row, keys), [command], "{keys:?} at {row}");
    }
}

#[test]
fn cartridges_discs_and_devices_are_made_in_forms() {
    let mut state = at(FREE_SLOT);
    press(&mut state, KeyCode::Char('i'));
    samples::type_text(&mut state, "KIT009");
    let effects = press(&mut state, KeyCode::Enter);
    assert_eq!(requests(&effects).len(), 1);
    for (typed, title) in
        [("libr", "Make an emulated tape library"), ("drive", "Make an emulated tape drive")]
    {
        let mut state = at(0);
        press(&mut state, KeyCode::Char('a'));
        samples::type_text(&mut state, typed);
        press(&mut state, KeyCode::Enter);
        assert!(
            matches!(state.layers.last(), Some(super::super::state::Layer::Form(form)) if form.title() == title)
        );
    }
}

#[test]
fn what_cannot_be_done_to_a_row_is_said() {
    let cases = [
        (DRIVE, 'E', "Cartridges leave by an import/export element: p moves it there."),
        (FREE_SLOT, 'p', "There is no cartridge of a library in this place."),
        (FREE_SLOT, 'h', "This is no device: select a drive or changer."),
        (TAPE, 'd', "Only what the VSP emulates can be taken away."),
        (TAPE, 'i', "This is no library or burner that the VSP emulates."),
        (DRIVE, 'd', "Select the library itself to take it away."),
    ];
    for (row, key, text) in cases {
        let mut state = at(row);
        assert_eq!(press(&mut state, KeyCode::Char(key)), []);
        assert_eq!(notice(&state), Some(text));
    }
    assert_eq!(press(&mut at(0), KeyCode::Char('r')), [Effect::AskInventory { scan: true }]);
}

#[test]
fn each_view_keeps_its_row_and_the_filter_is_for_both() {
    let mut state = at(TAPE);
    press(&mut state, KeyCode::Char('v'));
    assert_eq!((state.context(), state.storage.selected_row()), (Context::Storage, 0));
    press(&mut state, KeyCode::Char('v'));
    assert_eq!((state.context(), state.storage.selected_row()), (Context::Hardware, TAPE));
    press(&mut state, KeyCode::Char('/'));
    samples::type_text(&mut state, "KIT00");
    press(&mut state, KeyCode::Enter);
    assert_eq!((state.storage.count(), state.storage.selected_row()), (3, 2));
    assert_eq!(state.storage.item().and_then(|item| item.place), Some("port 1"));
}

//! Whatever is moved, and whenever a process dies: every cartridge is there once.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const PLAN: Plan = Plan { drives: 2, slots: 5, ports: 2, cartridges: 4, capacity: 1 << 20 };

fn barcode(text: &str) -> Barcode {
    text.parse().unwrap()
}

fn relocate(library: &mut Library, moves: &[(Place, Place)]) -> Result<(), MoveError> {
    let prepared = library.prepare(moves)?;
    library.carry_out(prepared).unwrap();
    Ok(())
}

fn places(library: &Library) -> BTreeMap<Place, String> {
    let places: BTreeMap<_, _> = library.cartridges().map(|c| (c.place, c.barcode.to_string())).collect();
    assert_eq!(places.len(), library.cartridges().count(), "two in one place");
    places
}

#[test]
fn new_library_is_readable_text_and_reads_back() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("lib");
    let library = Library::create(&home, &PLAN).unwrap();
    let text = std::fs::read_to_string(home.join("library.toml")).unwrap();
    for line in ["format = 1", "vendor = \"KITTSON\"", "slots = 5", "[[drive]]", "place = \"slot 4\""] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(home.join("KIT004.tap").is_file() && !home.join("KIT005.tap").exists());
    let before = (library.names().2, library.drives().collect::<Vec<_>>(), places(&library));
    assert!(matches!(Library::open(&home), Err(LibraryError::InUse(_))));
    drop(library);
    let again = Library::open(&home).unwrap();
    assert_eq!((again.names().2, again.drives().collect(), places(&again)), before);
    drop(again);
    assert!(matches!(Library::create(&home, &PLAN), Err(LibraryError::Exists(_))));
    assert!(matches!(Library::open(directory.path()), Err(LibraryError::Missing(_))));
    for plan in [Plan { drives: 0, ..PLAN }, Plan { slots: 3, ..PLAN }, Plan { ports: 1000, ..PLAN }] {
        assert!(matches!(Library::create(directory.path(), &plan), Err(LibraryError::Size)));
    }
}

#[test]
fn contradictions_in_the_file_are_named() {
    let directory = tempfile::tempdir().unwrap();
    drop(Library::create(directory.path(), &PLAN).unwrap());
    let file = directory.path().join("library.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    let cases = [
        ("format = 1", "format = 2", "format 2 is not known"),
        ("\"slot 2\"", "\"slot 1\"", "more than one cartridge in slot 1"),
        ("\"slot 2\"", "\"slot 6\"", "cartridge KIT002 is in slot 6, which is not there"),
        ("\"slot 2\"", "\"shelf\"", "'shelf' is not a place"),
        ("\"KIT002\"", "\"KIT001\"", "cartridge KIT001 is there more than once"),
        ("\"KIT002\"", "\"../x\"", "'../x' is not a barcode"),
        ("\"KITTSON\"", "\"KITTSONIAN\"", "at most 8 and 16"),
        ("slots = 5", "slots = 0", "impossible number"),
        ("slots = 5", "slots = 5\nslits = 5", "unknown field"),
    ];
    for (from, to, message) in cases {
        assert!(good.contains(from), "{from}");
        std::fs::write(&file, good.replacen(from, to, 1)).unwrap();
        let Err(error) = Library::open(directory.path()) else { panic!("{to} is accepted") };
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn cartridges_come_and_go_through_the_ports() {
    let directory = tempfile::tempdir().unwrap();
    let mut library = Library::create(directory.path(), &PLAN).unwrap();
    std::fs::write(directory.path().join("OLD1.tap"), "recorded").unwrap();
    assert_eq!(library.import(barcode("OLD1"), 5).unwrap(), Place::Port(1));
    assert_eq!(library.import(barcode("NEW1"), 5).unwrap(), Place::Port(2));
    assert!(matches!(library.import(barcode("NEW1"), 5), Err(LibraryError::Doubled(_))));
    assert!(matches!(library.import(barcode("NEW2"), 5), Err(LibraryError::PortsFull)));
    assert_eq!(std::fs::read(library.image(&barcode("OLD1"))).unwrap(), b"recorded");
    relocate(&mut library, &[(Place::Port(1), Place::Drive(1))]).unwrap();
    assert!(matches!(library.export(&barcode("OLD1")), Err(LibraryError::NotInPort(_))));
    assert_eq!(library.export(&barcode("NEW1")).unwrap(), directory.path().join("NEW1.tap"));
    assert!(library.at(Place::Port(2)).is_none() && directory.path().join("NEW1.tap").exists());
}

/// A place of the plan, or one beyond.
fn any_place() -> impl Strategy<Value = Place> {
    prop_oneof![
        (1u16..=6).prop_map(Place::Slot),
        (1u16..=3).prop_map(Place::Port),
        (1u16..=3).prop_map(Place::Drive)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn moves_follow_a_map_of_places(moves in proptest::collection::vec((any_place(), any_place(), any_place(), any::<bool>()), 1..12)) {
        let directory = tempfile::tempdir().unwrap();
        let mut library = Library::create(directory.path(), &PLAN).unwrap();
        let mut model = places(&library);
        let is_there = |place: Place| match place {
            Place::Slot(n) => n <= 5,
            Place::Port(n) | Place::Drive(n) => n <= 2,
        };
        for (from, to, further, exchange) in moves {
            let (result, expected) = match exchange {
                false => {
                    let can = is_there(from) && is_there(to) && model.contains_key(&from)
                        && (from == to || !model.contains_key(&to));
                    (relocate(&mut library, &[(from, to)]), can)
                }
                true => {
                    let can = [from, to, further].into_iter().all(is_there)
                        && from != to && to != further
                        && model.contains_key(&from) && model.contains_key(&to)
                        && (from == further || !model.contains_key(&further));
                    if to == further { continue; }
                    (relocate(&mut library, &[(from, to), (to, further)]), can)
                }
            };
            prop_assert_eq!(result.is_ok(), expected, "{:?}", result);
            if expected {
                let lifted = model.remove(&from).unwrap();
                if exchange {
                    let second = model.remove(&to).unwrap();
                    model.insert(further, second);
                }
                model.insert(to, lifted);
            }
            prop_assert_eq!(&places(&library), &model);
        }
        drop(library);
        prop_assert_eq!(&places(&Library::open(directory.path()).unwrap()), &model);
    }
}

/// Where the process that is to be killed works.
const VICTIM: &str = "KITTSON_TEST_LIBRARY";

/// Moves cartridges about for as long as it is let live; a test only when called by the one below.
#[test]
fn victim_moves_cartridges_for_ever() {
    let Some(directory) = std::env::var_os(VICTIM) else { return };
    let mut library = Library::open(Path::new(&directory)).unwrap();
    // Every place to every other, so that there is always something to move.
    for round in (0u16..81).cycle() {
        let place = |n: u16| match n % 9 {
            n @ 0..5 => Place::Slot(n + 1),
            n @ 5..7 => Place::Port(n - 4),
            n => Place::Drive(n - 6),
        };
        let _ = relocate(&mut library, &[(place(round), place(round / 9))]);
    }
}

#[test]
fn killed_process_leaves_every_cartridge_in_one_place() {
    let directory = tempfile::tempdir().unwrap();
    drop(Library::create(directory.path(), &PLAN).unwrap());
    let file = directory.path().join("library.toml");
    for round in 0..20 {
        let before = std::fs::read(&file).unwrap();
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "library::tests::victim_moves_cartridges_for_ever", "--nocapture"])
            .env(VICTIM, directory.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Not before it has moved something; then at some moment of a move.
        let deadline = Instant::now() + Duration::from_secs(600);
        while std::fs::read(&file).unwrap() == before {
            assert!(Instant::now() < deadline, "the process has moved nothing");
            std::thread::yield_now();
        }
        (0..round * 997).for_each(|_| std::hint::spin_loop());
        victim.kill().unwrap();
        victim.wait().unwrap();
        let library = Library::open(directory.path()).unwrap();
        let mut names: Vec<String> = places(&library).into_values().collect();
        names.sort();
        assert_eq!(names, ["KIT001", "KIT002", "KIT003", "KIT004"]);
    }
}

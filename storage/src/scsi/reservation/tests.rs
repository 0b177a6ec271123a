//! The rules of SPC-4 clause 5.13, one by one.

use super::*;

const A: Initiator = Initiator(Uuid::from_u128(1));
const B: Initiator = Initiator(Uuid::from_u128(2));
const C: Initiator = Initiator(Uuid::from_u128(3));
const KEYS: [(Initiator, u64); 2] = [(A, 0xa), (B, 0xb)];

fn by(initiator: Initiator) -> (Initiator, Delivery) {
    (initiator, Delivery::default())
}

fn register(new_key: u64) -> Change {
    Change::Register { new_key, ignore_existing: false, keep: false }
}

/// A and B registered, and C not.
fn registered() -> State {
    let mut state = State::default();
    for (initiator, key) in KEYS {
        assert_eq!(state.change(initiator, 0, register(key)), Ok(vec![]));
    }
    state
}

fn held_by_a(kind: Kind) -> State {
    let mut state = registered();
    assert_eq!(state.change(A, 0xa, Change::Reserve(kind)), Ok(vec![]));
    state
}

#[test]
fn registering_takes_the_old_key_unless_told_to_ignore_it() {
    let mut state = registered();
    assert_eq!(state.generation, 2);
    assert_eq!(state.change(A, 0, register(0x11)), Err(Denial::Conflict));
    assert_eq!(state.change(C, 5, register(0x33)), Err(Denial::Conflict), "unregistered has key 0");
    assert_eq!(state.change(A, 0xa, register(0x11)), Ok(vec![]));
    let ignore = Change::Register { new_key: 0x12, ignore_existing: true, keep: false };
    assert_eq!(state.change(A, 77, ignore), Ok(vec![]));
    assert_eq!((state.registrations[&A], state.generation), (0x12, 4));
    assert_eq!(state.change(C, 0, register(0)), Ok(vec![]), "nothing to unregister");
    assert_eq!(state.generation, 4);
}

#[test]
fn reservation_types_keep_out_whom_they_should() {
    use Kind::*;
    // Holder, registered, unregistered: may read, may write.
    let cases = [
        (WriteExclusive, [(true, true), (true, false), (true, false)]),
        (ExclusiveAccess, [(true, true), (false, false), (false, false)]),
        (WriteExclusiveRegistrants, [(true, true), (true, true), (true, false)]),
        (ExclusiveAccessRegistrants, [(true, true), (true, true), (false, false)]),
        (WriteExclusiveAll, [(true, true), (true, true), (true, false)]),
        (ExclusiveAccessAll, [(true, true), (true, true), (false, false)]),
    ];
    for (kind, expected) in cases {
        let state = held_by_a(kind);
        let may = |initiator, command| !state.is_against(initiator, command);
        let found = [A, B, C].map(|i| (may(i, Against::Exclusive), may(i, Against::All)));
        assert_eq!(found, expected, "{kind:?}");
        assert!([A, B, C].iter().all(|i| may(*i, Against::Legacy) && may(*i, Against::Never)));
    }
}

#[test]
fn only_a_registered_initiator_reserves_and_only_once() {
    for kind in Kind::ALL {
        let mut state = held_by_a(kind);
        let before = state.clone();
        assert_eq!(state.change(C, 0, Change::Reserve(kind)), Err(Denial::Conflict));
        assert_eq!(state.change(A, 0xa, Change::Reserve(kind)), Ok(vec![]), "already held");
        let again = if kind.is_held_by_all() { Ok(vec![]) } else { Err(Denial::Conflict) };
        assert_eq!(state.change(B, 0xb, Change::Reserve(kind)), again);
        let other = if kind == Kind::WriteExclusive { Kind::ExclusiveAccess } else { Kind::WriteExclusive };
        assert_eq!(state.change(A, 0xa, Change::Reserve(other)), Err(Denial::Conflict));
        assert_eq!(state, before);
    }
}

#[test]
fn release_names_the_type_and_tells_registrants() {
    for kind in Kind::ALL {
        let mut state = held_by_a(kind);
        let other = if kind == Kind::WriteExclusive { Kind::ExclusiveAccess } else { Kind::WriteExclusive };
        assert_eq!(state.change(A, 0xa, Change::Release(other)), Err(Denial::Check(Sense::INVALID_RELEASE)));
        if !kind.is_held_by_all() {
            assert_eq!(state.change(B, 0xb, Change::Release(kind)), Ok(vec![]), "not the holder");
            assert!(state.held.is_some());
        }
        let news = if kind.admits_registrants() { vec![(B, Sense::RESERVATIONS_RELEASED)] } else { vec![] };
        assert_eq!(state.change(A, 0xa, Change::Release(kind)), Ok(news));
        assert_eq!(state.held, None);
        assert_eq!(state.change(A, 0xa, Change::Release(kind)), Ok(vec![]), "nothing to release");
    }
}

#[test]
fn holder_that_unregisters_releases_unless_others_hold_it_too() {
    for kind in Kind::ALL {
        let mut state = held_by_a(kind);
        let news = state.change(A, 0xa, register(0)).unwrap();
        if kind.is_held_by_all() {
            assert_eq!((state.held, news), (Some((B, kind)), vec![]));
            assert_eq!(state.change(B, 0xb, register(0)), Ok(vec![]));
        } else {
            assert_eq!(news.is_empty(), !kind.admits_registrants());
        }
        assert_eq!(state.held, None);
    }
}

#[test]
fn clear_leaves_nothing_and_tells_the_others() {
    let mut state = held_by_a(Kind::ExclusiveAccess);
    assert_eq!(state.change(C, 0, Change::Clear), Err(Denial::Conflict));
    assert_eq!(state.change(B, 0xb, Change::Clear), Ok(vec![(A, Sense::RESERVATIONS_PREEMPTED)]));
    assert!(state.registrations.is_empty() && state.held.is_none());
    assert_eq!(state.generation, 3);
}

#[test]
fn preempting_the_holder_takes_its_place() {
    let preempt = |victim, kind| Change::Preempt { victim, kind };
    let mut state = held_by_a(Kind::WriteExclusive);
    let news = state.change(B, 0xb, preempt(0xa, Kind::ExclusiveAccess));
    assert_eq!(news, Ok(vec![(A, Sense::REGISTRATIONS_PREEMPTED)]));
    assert_eq!(state.held, Some((B, Kind::ExclusiveAccess)));
    assert_eq!(state.registrations.keys().copied().collect::<Vec<_>>(), [B]);
    assert_eq!(state.generation, 3);

    let mut state = held_by_a(Kind::WriteExclusive);
    let key = Err(Denial::Check(Sense::parameter_field(8)));
    assert_eq!(state.change(B, 0xb, preempt(0, Kind::WriteExclusive)), key);
    assert_eq!(state.change(B, 0xb, preempt(0x77, Kind::WriteExclusive)), Err(Denial::Conflict));
    assert_eq!(state.change(C, 0, preempt(0xa, Kind::WriteExclusive)), Err(Denial::Conflict));
}

#[test]
fn preempting_others_leaves_the_reservation() {
    let mut state = held_by_a(Kind::WriteExclusiveRegistrants);
    let change = Change::Preempt { victim: 0xb, kind: Kind::ExclusiveAccess };
    assert_eq!(state.change(A, 0xa, change), Ok(vec![(B, Sense::REGISTRATIONS_PREEMPTED)]));
    assert_eq!(state.held, Some((A, Kind::WriteExclusiveRegistrants)));
}

#[test]
fn preempting_all_registrants_takes_key_zero() {
    let mut state = held_by_a(Kind::WriteExclusiveAll);
    let change = Change::Preempt { victim: 0, kind: Kind::ExclusiveAccess };
    assert_eq!(state.change(B, 0xb, change), Ok(vec![(A, Sense::REGISTRATIONS_PREEMPTED)]));
    assert_eq!(state.held, Some((B, Kind::ExclusiveAccess)));
    let mut state = held_by_a(Kind::WriteExclusiveAll);
    let change = Change::Preempt { victim: 0xa, kind: Kind::ExclusiveAccess };
    assert_eq!(state.change(B, 0xb, change), Ok(vec![(A, Sense::REGISTRATIONS_PREEMPTED)]));
    assert_eq!(state.held, Some((B, Kind::WriteExclusiveAll)), "the others hold on");
}

#[test]
fn old_and_persistent_reservations_exclude_each_other() {
    let mut state = State::default();
    assert_eq!(state.reserve_unit(A), Ok(()));
    assert_eq!(state.reserve_unit(B), Err(Denial::Conflict));
    assert!(state.is_against(B, Against::Legacy) && !state.is_against(B, Against::Never));
    assert!(!state.is_against(A, Against::All));
    assert_eq!(state.release_unit(B), Ok(()), "without effect");
    assert!(state.is_against(B, Against::Legacy));
    assert_eq!(state.release_unit(A), Ok(()));
    assert!(!state.is_against(B, Against::All));
    assert_eq!(registered().reserve_unit(A), Err(Denial::Conflict));
}

#[test]
fn what_is_to_be_kept_survives_and_the_rest_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("unit");
    let open = || Reservations::kept_in(&file, Power::Lost).unwrap();
    let keep = |new_key, keep| Change::Register { new_key, ignore_existing: true, keep };

    let reservations = open();
    reservations.change(by(A), 0, keep(0xa, false)).unwrap();
    assert_eq!(open().state(), State::default());
    reservations.change(by(A), 0, keep(0xa, true)).unwrap();
    reservations.change(by(B), 0, keep(u64::MAX, true)).unwrap();
    reservations.change(by(A), 0xa, Change::Reserve(Kind::ExclusiveAccessAll)).unwrap();
    let (before, after) = (reservations.state(), open().state());
    assert_eq!((&after.registrations, after.held), (&before.registrations, before.held));
    assert!(after.keep && after.is_against(C, Against::Exclusive));
    reservations.change(by(A), 0, keep(0xa, false)).unwrap();
    assert_eq!(open().state(), State::default());
}

#[test]
fn a_new_process_knows_everything_while_the_power_stays() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("unit");
    let open = |power| Reservations::kept_in(&file, power).unwrap();
    let reservations = open(Power::Lost);
    reservations.reserve_unit(A).unwrap();
    assert!(open(Power::Kept).is_against(B, Against::Legacy));
    reservations.reset(Some(B));
    assert!(open(Power::Kept).is_against(B, Against::Legacy));
    reservations.release_unit(A).unwrap();
    assert!(!file.exists(), "there is nothing to be known");
    let register = Change::Register { new_key: 0xa, ignore_existing: true, keep: false };
    reservations.change(by(A), 0, register).unwrap();
    reservations.change(by(A), 0xa, Change::Reserve(Kind::WriteExclusive)).unwrap();
    assert_eq!(open(Power::Kept).state(), reservations.state());
    assert_eq!(open(Power::Lost).state(), State::default());
}

#[test]
fn change_that_comes_again_is_made_once_and_told_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("unit");
    let first = |initiator, number| (initiator, Delivery { queue: 3, number, again: false });
    let again = |initiator, number| (initiator, Delivery { queue: 3, number, again: true });
    let change = |(initiator, delivery), key, change| {
        // Each time in another process.
        Reservations::kept_in(&file, Power::Kept).unwrap().change((initiator, delivery), key, change)
    };
    let generation = || Reservations::kept_in(&file, Power::Kept).unwrap().state().generation;
    let replaced = Change::Preempt { victim: 0xb, kind: Kind::WriteExclusive };
    let told = vec![(B, Sense::REGISTRATIONS_PREEMPTED)];
    change(by(B), 0, register(0xb)).unwrap();
    for (number, key, step, news) in [
        (1, 0, register(0xa), vec![]),
        (2, 0xa, register(0xaa), vec![]),
        (3, 0xaa, Change::Reserve(Kind::WriteExclusive), vec![]),
        (4, 0xaa, replaced, told),
        (5, 0xaa, Change::Release(Kind::WriteExclusive), vec![]),
        (6, 0xaa, Change::Clear, vec![]),
    ] {
        assert_eq!(change(first(A, number), key, step), Ok(news.clone()));
        let before = generation();
        assert_eq!(change(again(A, number), key, step), Ok(news), "{step:?}");
        assert_eq!(generation(), before);
    }
    assert_eq!(change(again(A, 7), 0xaa, Change::Clear), Err(Denial::Conflict), "another request");
    // Of one that begins anew nothing is expected again.
    let reservations = Reservations::kept_in(&file, Power::Kept).unwrap();
    reservations.reset(Some(A));
    assert_eq!(reservations.change(again(A, 6), 0xaa, Change::Clear), Err(Denial::Conflict));
    assert!(file.exists());
    Reservations::kept_in(&file, Power::Lost).unwrap();
    assert!(!file.exists(), "nothing is left to be known");
}

#[test]
fn change_that_cannot_be_kept_does_not_happen() {
    let directory = tempfile::tempdir().unwrap();
    let reservations = Reservations::kept_in(&directory.path().join("missing/unit"), Power::Lost).unwrap();
    let change = Change::Register { new_key: 1, ignore_existing: false, keep: true };
    assert_eq!(reservations.change(by(A), 0, change), Err(Denial::Check(Sense::TARGET_FAILURE)));
    assert_eq!(reservations.state(), State::default());
}

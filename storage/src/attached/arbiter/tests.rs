//! The rules against a model of them, and threads that fight for one device.

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::test_runner::{RngAlgorithm, TestRng};
use uuid::Uuid;

use super::*;

/// Operations of the long run.
const OPERATIONS: u32 = 1_000_000;

fn parties() -> [Party; 3] {
    [Party::Host, guest(1), guest(2)]
}

fn guest(number: u128) -> Party {
    Party::Guest(Initiator(Uuid::from_u128(number)))
}

/// What one party has to do with the device, written down from the table at the head of the module and nothing else.
#[derive(Default)]
struct Model {
    session: bool,
    lock: bool,
    reservation: bool,
    persistent: bool,
    under_way: Vec<Class>,
}

impl Model {
    fn holds(&self) -> bool {
        let claims = self.session || self.lock || self.reservation || self.persistent;
        claims || self.under_way.iter().any(|class| !matches!(class, Class::Free | Class::Passing))
    }

    fn end(&mut self, at: usize, outcome: Outcome) -> Class {
        let class = self.under_way.swap_remove(at);
        let (done, over) = (outcome == Outcome::Done, outcome != Outcome::Refused);
        match class {
            Class::Free | Class::Passing => {}
            Class::Access => self.session |= done,
            Class::Reserve => self.reservation |= done,
            Class::Prevent => self.lock |= done,
            Class::ReservePersistently => self.persistent |= done,
            Class::Close => self.session &= !over,
            Class::Release => {
                (self.session, self.reservation) = (self.session && !over, self.reservation && !over)
            }
            Class::Allow => (self.session, self.lock) = (self.session && !over, self.lock && !over),
            Class::ReleasePersistently => {
                (self.session, self.persistent) = (self.session && !over, self.persistent && !over);
            }
        }
        class
    }

    fn give_up(&mut self) {
        (self.session, self.lock, self.reservation, self.persistent) = (false, false, false, false);
    }
}

/// Numbers that are the same in every run.
struct Dice(TestRng);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        use proptest::prelude::Rng;
        self.0.next_u32() as usize % limit
    }
}

#[test]
fn a_million_operations_of_three_parties_grant_nothing_twice_and_lose_nothing() {
    let mut dice = Dice(TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let mut arbiter = Arbiter::default();
    let mut models: BTreeMap<Party, Model> = parties().map(|party| (party, Model::default())).into();
    let (mut granted, mut refused) = (0, 0);
    for _ in 0..OPERATIONS {
        let party = parties()[dice.below(3)];
        let other = models.iter().find(|(other, model)| **other != party && model.holds());
        let other = other.map(|(other, _)| *other);
        let own = models.get_mut(&party).unwrap();
        match dice.below(16) {
            0 => {
                arbiter.give_up(party);
                own.give_up();
            }
            1..=7 => {
                let class = Class::ALL[dice.below(Class::ALL.len())];
                let expected = match other {
                    Some(other) if class != Class::Free => Err(Busy(other)),
                    _ => Ok(()),
                };
                assert_eq!(arbiter.begin(party, class), expected, "{party:?} {class:?}");
                match expected {
                    Ok(()) => own.under_way.push(class),
                    Err(_) => refused += 1,
                }
                granted += u32::from(expected.is_ok() && class.holds());
            }
            _ if own.under_way.is_empty() => {}
            _ => {
                let outcome =
                    [Outcome::Done, Outcome::Done, Outcome::WithoutMedium, Outcome::Refused][dice.below(4)];
                let class = own.end(dice.below(own.under_way.len()), outcome);
                arbiter.end(party, class, outcome);
            }
        }
        let holders: Vec<Party> =
            models.iter().filter(|(_, model)| model.holds()).map(|(party, _)| *party).collect();
        assert!(holders.len() <= 1, "granted twice: {holders:?}");
        assert_eq!(arbiter.holder(), holders.first().copied());
    }
    assert!(granted > 50_000 && refused > 50_000, "{granted} granted, {refused} refused");
}

#[test]
fn what_is_remembered_is_what_a_later_vsp_has_to_know() {
    let Party::Guest(initiator) = guest(1) else { unreachable!() };
    let mut arbiter = Arbiter::default();
    arbiter.begin(Party::Host, Class::Access).unwrap();
    assert_eq!(arbiter.remembered(), None, "the VSP's own use ends with it");
    arbiter.end(Party::Host, Class::Access, Outcome::Refused);
    arbiter.begin(guest(1), Class::Reserve).unwrap();
    arbiter.end(guest(1), Class::Reserve, Outcome::Done);
    assert_eq!(arbiter.remembered(), Some((initiator, Claims::RESERVATION)));
    arbiter.begin(guest(1), Class::Access).unwrap();
    let (_, claims) = arbiter.remembered().unwrap();
    assert_eq!(claims.names(), ["session", "reservation"], "it may have been carried out");
    let mut later = Arbiter::held_by(initiator, Claims::named(claims.names()));
    assert_eq!(later.begin(guest(2), Class::Passing), Err(Busy(guest(1))));
    for class in [Class::Release, Class::Access, Class::Close] {
        later.begin(guest(1), class).unwrap();
        later.end(guest(1), class, Outcome::Done);
    }
    assert_eq!((later.holder(), later.remembered()), (None, None));
    assert_eq!(Arbiter::held_by(initiator, Claims::default()).holder(), None);
}

#[test]
fn nobody_comes_in_while_a_command_of_the_last_holder_is_under_way() {
    let mut arbiter = Arbiter::default();
    for class in [Class::Access, Class::Close] {
        arbiter.begin(guest(1), class).unwrap();
    }
    arbiter.end(guest(1), Class::Close, Outcome::Done);
    assert_eq!(arbiter.begin(guest(2), Class::Access), Err(Busy(guest(1))));
    arbiter.give_up(guest(1));
    assert_eq!(arbiter.holder(), Some(guest(1)), "after a reset, too");
    arbiter.end(guest(1), Class::Access, Outcome::Refused);
    arbiter.begin(guest(2), Class::Access).unwrap();
}

/// Each thread is a party with sessions of its own; the device notices whether another is inside.
#[test]
fn threads_find_the_device_to_themselves() {
    const SESSIONS: u32 = 2_000;
    let arbiter = Mutex::new(Arbiter::default());
    let inside: Mutex<Option<Party>> = Mutex::new(None);
    let session = |party: Party| -> bool {
        let ask = |class| arbiter.lock().unwrap().begin(party, class);
        let end = |class, outcome| arbiter.lock().unwrap().end(party, class, outcome);
        if ask(Class::Access).is_err() {
            return false;
        }
        assert_eq!(inside.lock().unwrap().replace(party), None, "somebody is inside");
        end(Class::Access, Outcome::Done);
        for _ in 0..3 {
            ask(Class::Access).expect("it is ours");
            assert_eq!(*inside.lock().unwrap(), Some(party));
            end(Class::Access, Outcome::WithoutMedium);
        }
        ask(Class::Close).expect("it is ours");
        assert_eq!(inside.lock().unwrap().take(), Some(party), "granted twice");
        end(Class::Close, Outcome::Done);
        true
    };
    // Each comes in as often as it wants, whatever the host's scheduler does: no grant is lost.
    std::thread::scope(|scope| {
        let session = &session;
        let work = |party| {
            move || {
                let mut left = SESSIONS;
                while left > 0 {
                    match session(party) {
                        true => left -= 1,
                        false => std::thread::yield_now(),
                    }
                }
            }
        };
        parties().into_iter().for_each(|party| drop(scope.spawn(work(party))));
    });
    assert_eq!(arbiter.lock().unwrap().holder(), None, "nothing is lost");
}

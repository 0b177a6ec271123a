//! Two guests and the VSP fight for one drive by real commands, a million of them, against a model that knows nothing but the
//! tables of `docs/attached-devices.md`; and by threads, each of which notices whether another one is inside.

use std::sync::atomic::{AtomicU64, Ordering};

use proptest::test_runner::{RngAlgorithm, TestRng};

use super::*;

/// Commands and other events of the long run.
const OPERATIONS: u32 = 1_000_000;

/// What the tables say of a command.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Says {
    /// "Always answered."
    Always,
    /// "Needs it free, holds nothing."
    NeedsFree,
    Holds(Claim),
    /// The claim, and the session with it.
    GivesUp(Claim),
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Claim {
    Session,
    Lock,
    Reservation,
    Persistent,
}

const WITH_KEY: [u8; 24] = {
    let mut list = [0; 24];
    list[15] = 1;
    list
};

/// Commands of tapes: CDB, parameter list, and what the tables say of it.
#[rustfmt::skip]
const COMMANDS: &[(&[u8], &[u8], Says)] = &[
    (&[0x12, 0, 0, 0, 36, 0], &[], Says::Always),                       // INQUIRY
    (&[0x03, 0, 0, 0, 18, 0], &[], Says::Always),                       // REQUEST SENSE
    (&[0x1a, 0, 0x3f, 0, 64, 0], &[], Says::Always),                    // MODE SENSE
    (&[0x5e, 0, 0, 0, 0, 0, 0, 0, 64, 0], &[], Says::Always),           // PERSISTENT RESERVE IN
    (&[0x00, 0, 0, 0, 0, 0], &[], Says::NeedsFree),                     // TEST UNIT READY
    (&[0x05, 0, 0, 0, 0, 0], &[], Says::NeedsFree),                     // READ BLOCK LIMITS
    (&[0x15, 0x10, 0, 0, 0, 0], &[], Says::NeedsFree),                  // MODE SELECT
    (&[0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[], Says::NeedsFree),         // READ POSITION
    (&[0x1b, 0, 0, 0, 1, 0], &[], Says::NeedsFree),                     // loading
    (&[0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0], &WITH_KEY, Says::NeedsFree),  // registering
    (&[0x08, 0, 0, 2, 0, 0], &[], Says::Holds(Claim::Session)),         // READ
    (&[0x0a, 0, 0, 2, 0, 0], &[0; 64], Says::Holds(Claim::Session)),    // WRITE
    (&[0x10, 0, 0, 0, 1, 0], &[], Says::Holds(Claim::Session)),         // WRITE FILEMARKS
    (&[0x11, 1, 0, 0, 1, 0], &[], Says::Holds(Claim::Session)),         // SPACE
    (&[0x2b, 0, 0, 0, 0, 0, 1, 0, 0, 0], &[], Says::Holds(Claim::Session)), // LOCATE
    (&[0x19, 0, 0, 0, 0, 0], &[], Says::Holds(Claim::Session)),         // ERASE
    (&[0x16, 0, 0, 0, 0, 0], &[], Says::Holds(Claim::Reservation)),     // RESERVE
    (&[0x1e, 0, 0, 0, 1, 0], &[], Says::Holds(Claim::Lock)),            // PREVENT MEDIUM REMOVAL
    (&[0x5f, 1, 3, 0, 0, 0, 0, 0, 24, 0], &WITH_KEY, Says::Holds(Claim::Persistent)), // RESERVE
    (&[0x5f, 4, 3, 0, 0, 0, 0, 0, 24, 0], &WITH_KEY, Says::Holds(Claim::Persistent)), // PREEMPT
    (&[0x01, 0, 0, 0, 0, 0], &[], Says::GivesUp(Claim::Session)),       // REWIND
    (&[0x1b, 0, 0, 0, 0, 0], &[], Says::GivesUp(Claim::Session)),       // unloading
    (&[0x17, 0, 0, 0, 0, 0], &[], Says::GivesUp(Claim::Reservation)),   // RELEASE
    (&[0x1e, 0, 0, 0, 0, 0], &[], Says::GivesUp(Claim::Lock)),          // ALLOW MEDIUM REMOVAL
    (&[0x5f, 2, 3, 0, 0, 0, 0, 0, 24, 0], &WITH_KEY, Says::GivesUp(Claim::Persistent)), // RELEASE
    (&[0x5f, 3, 0, 0, 0, 0, 0, 0, 24, 0], &WITH_KEY, Says::GivesUp(Claim::Persistent)), // CLEAR
    (&[0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0], &[0; 24], Says::GivesUp(Claim::Persistent)),  // unregistering
];

/// How the device itself ends a command that it gets.
const ANSWERS: [Option<Sense>; 5] =
    [None, None, None, Some(Sense::MEDIUM_NOT_PRESENT), Some(Sense::INVALID_FIELD_IN_CDB)];

fn deliver(target: &Arc<dyn Target>, cdb: &[u8], list: &[u8]) -> Execution {
    let (mut list, mut room) = (list.to_vec(), [0; 64]);
    let (data_out, data_in) = (Segments::from_slice(&mut list), Segments::from_slice(&mut room));
    let command = Command { cdb, data_out: &data_out, data_in: &data_in, delivery: Delivery::default() };
    target.execute(&command, Patience::Unlimited)
}

/// Who has what, by the tables.
#[derive(Default)]
struct Model {
    guests: [Vec<Claim>; 2],
    vsp: usize,
    host: bool,
}

impl Model {
    /// 0 and 1 are guests.
    fn holder(&self) -> Option<usize> {
        (0..2).find(|guest| !self.guests[*guest].is_empty()).or((self.vsp > 0).then_some(2))
    }

    fn lets_in(&self, who: usize, says: Says) -> bool {
        match (says, self.holder()) {
            (Says::Always, _) => true,
            (_, Some(holder)) => holder == who,
            (Says::NeedsFree, None) => true,
            (_, None) => !self.host,
        }
    }

    fn carried_out(&mut self, guest: usize, says: Says, answer: Option<Sense>) {
        let claims = &mut self.guests[guest];
        match says {
            Says::Holds(claim) if answer.is_none() && !claims.contains(&claim) => claims.push(claim),
            // That there is no medium also ends what was about one.
            Says::GivesUp(given) if answer != Some(Sense::INVALID_FIELD_IN_CDB) => {
                claims.retain(|claim| ![given, Claim::Session].contains(claim));
            }
            _ => {}
        }
    }
}

struct Dice(TestRng);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        use proptest::prelude::Rng;
        self.0.next_u32() as usize % limit
    }
}

fn party(number: usize) -> Party {
    if number == 2 { Party::Host } else { Party::Guest(initiator(number as u128 + 1)) }
}

#[test]
fn a_million_commands_of_two_guests_and_the_vsp_are_answered_as_the_tables_say() {
    const DENIALS: [Denial; 2] = [Denial::Busy, Denial::NoDevice];
    let mut dice = Dice(TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]));
    let mut bench = Bench::new(Arbiter::default());
    let port = |bench: &Bench, guest: usize| bench.port(guest as u128 + 1, DENIALS[guest]);
    let mut ports = [port(&bench, 0), port(&bench, 1)];
    let (mut holds, mut model) = (Vec::new(), Model::default());
    let mut seen = [0; 8];
    for _ in 0..OPERATIONS {
        let guest = dice.below(2);
        match dice.below(200) {
            // A reset of any kind.
            0..4 => {
                let resets = [Reset::Adapter, Reset::LogicalUnit, Reset::Nexus, Reset::PowerOn];
                ports[guest].reset(resets[dice.below(4)]);
                model.guests[guest].clear();
                seen[0] += 1;
            }
            // The guest dies, and starts again.
            4..6 => {
                ports[guest] = Arc::new(FakeEnd);
                assert_ne!(bench.shared.holder(), Some(party(guest)), "it is dead");
                ports[guest] = port(&bench, guest);
                model.guests[guest].clear();
                seen[1] += 1;
            }
            // The VSP dies. The next one knows who held the drive, and none that it held itself.
            6 => {
                ports.iter().for_each(|port| port.leave());
                let remembered = bench.kept.lock().unwrap().last().copied().flatten();
                let arbiter = remembered.map(|(guest, claims)| Arbiter::held_by(guest, claims));
                bench = Bench::new(arbiter.unwrap_or_default());
                bench.kept.lock().unwrap().push(remembered);
                bench.tape.open_on_host(model.host);
                ports = [port(&bench, 0), port(&bench, 1)];
                (model.vsp, holds) = (0, Vec::new());
                seen[2] += 1;
            }
            // The VSP wants it, or has enough of it.
            7..30 => match bench.shared.hold() {
                Ok(hold) => {
                    assert!(model.lets_in(2, Says::Holds(Claim::Session)), "granted twice");
                    holds.push(hold);
                    model.vsp += 1;
                    seen[3] += 1;
                }
                Err(Busy(holder)) => {
                    assert_eq!(holder, party(model.holder().unwrap_or(2)));
                    assert!(!model.lets_in(2, Says::Holds(Claim::Session)), "no grant is lost");
                    seen[4] += 1;
                }
            },
            30..60 => {
                if holds.pop().is_some() {
                    model.vsp -= 1;
                }
            }
            // So does another program of the host.
            60..64 => {
                model.host = dice.below(4) == 0;
                bench.tape.open_on_host(model.host);
            }
            _ => {
                let (cdb, list, says) = COMMANDS[dice.below(COMMANDS.len())];
                let answer = ANSWERS[dice.below(ANSWERS.len())];
                let lets_in = model.lets_in(guest, says);
                bench.tape.refuse_next(answer.filter(|_| lets_in));
                let execution = deliver(&ports[guest], cdb, list);
                let expected = match lets_in {
                    true => Execution::Done(Completion { sense: answer, data_out: 0, data_in: 0 }),
                    false => DENIALS[guest].answer(),
                };
                assert_eq!(execution, expected, "guest {guest} {cdb:02x?} while {:?} holds", model.holder());
                if lets_in {
                    model.carried_out(guest, says, answer);
                }
                seen[5 + usize::from(!lets_in)] += 1;
            }
        }
        let holder = model.holder().map(party);
        assert_eq!((bench.shared.holder(), bench.tape.holder()), (holder, holder));
        // The last is all that the next VSP finds.
        let mut kept = bench.kept.lock().unwrap();
        let older = kept.len().saturating_sub(1);
        kept.drain(..older);
        drop(kept);
        seen[7] += u32::from(holder.is_some());
    }
    // All of it has happened, and often.
    assert!(seen.iter().all(|times| *times > 2_000), "{seen:?}");
}

/// A port that leads nowhere, in place of one that is dropped.
struct FakeEnd;

impl Target for FakeEnd {
    fn execute(&self, _: &Command<'_>, _: Patience) -> Execution {
        Execution::Absent
    }

    fn reset(&self, _: Reset) {}

    fn statistics(&self) -> StatisticsSnapshot {
        StatisticsSnapshot::default()
    }
}

#[test]
fn threads_of_guests_and_of_the_vsp_are_never_inside_together_and_all_come_in() {
    const SESSIONS: u64 = 20_000;
    /// How a session begins, goes on and ends: by indices of [`COMMANDS`].
    const KINDS: [[usize; 3]; 6] =
        [[10, 11, 20], [12, 13, 21], [16, 10, 22], [17, 11, 23], [18, 10, 24], [19, 11, 26]];
    let bench = Bench::new(Arbiter::default());
    let inside = Mutex::new(None);
    let attempts = AtomicU64::new(0);
    let enter = |party: Party| assert_eq!(inside.lock().unwrap().replace(party), None, "somebody is inside");
    let leave = |party: Party| assert_eq!(inside.lock().unwrap().take(), Some(party));
    let guest = |number: u128, dice: &mut Dice, port: &mut Arc<dyn Target>| {
        let party = Party::Guest(initiator(number));
        let kind = KINDS[dice.below(KINDS.len())].map(|at| COMMANDS[at]);
        let send = |port: &Arc<dyn Target>, step: usize| is_good(&deliver(port, kind[step].0, kind[step].1));
        if !send(port, 0) {
            return false;
        }
        enter(party);
        assert!(send(port, 1), "it is ours");
        leave(party);
        // Out of it in order, by a reset, or by its end.
        match dice.below(10) {
            0 => port.reset(Reset::Adapter),
            1 => {
                *port = Arc::new(FakeEnd);
                *port = bench.port(number, Denial::Busy);
            }
            _ => assert!(send(port, 2), "it is ours"),
        }
        true
    };
    let vsp = || match bench.shared.hold() {
        Ok(hold) => {
            enter(Party::Host);
            leave(Party::Host);
            drop(hold);
            true
        }
        Err(_) => false,
    };
    let until_done = |mut session: Box<dyn FnMut() -> bool + '_>| {
        let mut left = SESSIONS;
        while left > 0 {
            attempts.fetch_add(1, Ordering::Relaxed);
            match session() {
                true => left -= 1,
                false => std::thread::yield_now(),
            }
        }
    };
    std::thread::scope(|scope| {
        for number in [1, 2] {
            let (guest, until_done, bench) = (&guest, &until_done, &bench);
            scope.spawn(move || {
                let mut dice = Dice(TestRng::from_seed(RngAlgorithm::ChaCha, &[number as u8; 32]));
                let mut port = bench.port(number, Denial::Busy);
                until_done(Box::new(move || guest(number, &mut dice, &mut port)));
            });
        }
        until_done(Box::new(vsp));
    });
    assert_eq!(bench.shared.holder(), None, "nothing is lost");
    assert!(attempts.load(Ordering::Relaxed) >= 3 * SESSIONS);
}

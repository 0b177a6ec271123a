//! What of a changer survives the VSP: who prevents the operator, the door, what initiators are still to be told, and
//! which moves were carried out, so that one that comes again, for nobody has seen its answer, is not refused.
//!
//! ```text
//!   open
//!   prevented <initiator>
//!   moving <initiator> <queue> <number> KIT001 drive 1 KIT002 slot 4
//!   done <initiator> <queue> <number> [<sense>]
//! ```
//!
//! A move is written down before it begins. Whoever finds it in the file finds in the library whether it was carried out,
//! and carries it out otherwise, once the drives are there ([`Changer::resume`]).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use super::super::kept::{self, Keeper, Pending, StateError, parse_initiator, print_line};
use super::super::reservation::Power;
use super::super::{Delivery, Initiator, Sense};
use super::{Changer, locked};
use crate::library::{Barcode, Library, Place};

/// First words of the file.
const HEADING: &str = "kittson changer 1";
/// Moves of an initiator that are remembered. Drivers of changers have one under way.
const REMEMBERED: usize = 4;

/// What has become of moves.
#[derive(Default)]
pub(super) struct Memory {
    /// Under way: there is one transport.
    moving: Option<Moving>,
    /// Carried out or refused last, of each initiator, newest last.
    done: BTreeMap<Initiator, Vec<Done>>,
    keeper: Option<Keeper>,
}

/// Cartridges on their way.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Moving {
    by: Initiator,
    request: Request,
    goals: Vec<(Barcode, Place)>,
}

/// A request of an initiator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Request {
    queue: u16,
    number: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Done {
    request: Request,
    sense: Option<Sense>,
}

impl From<Delivery> for Request {
    fn from(delivery: Delivery) -> Request {
        Request { queue: delivery.queue, number: delivery.number }
    }
}

impl Memory {
    fn remember(&mut self, by: Initiator, request: Request, sense: Option<Sense>) {
        let done = self.done.entry(by).or_default();
        done.drain(..done.len().saturating_sub(REMEMBERED - 1));
        done.push(Done { request, sense });
    }
}

impl Moving {
    fn is_carried_out(&self, library: &Library) -> bool {
        let is_there = |(barcode, place): &(Barcode, Place)| {
            library.at(*place).is_some_and(|cartridge| cartridge.barcode == *barcode)
        };
        self.goals.iter().all(is_there)
    }

    /// From where each goes where; nothing if one of them is not in the library.
    fn moves(&self, library: &Library) -> Option<Vec<(Place, Place)>> {
        let find = |(barcode, goal): &(Barcode, Place)| {
            let cartridge = library.cartridges().find(|cartridge| cartridge.barcode == *barcode)?;
            Some((cartridge.place, *goal))
        };
        self.goals.iter().map(find).collect()
    }
}

impl Changer {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        locked(&self.memory)
    }

    /// The same changer, not connected to its drives yet, with its state in `file` from now on. If its power was kept it
    /// goes on as the file says.
    ///
    /// # Errors
    /// The file cannot be made or read.
    pub fn kept_in(self, file: &Path, power: Power) -> Result<Changer, StateError> {
        let (mut keeper, text) = Keeper::open_after(file, HEADING, power)?;
        let absent = self.restore(text.as_deref().unwrap_or_default());
        keeper.expect(absent);
        let mut memory = self.memory();
        if let Some(moving) = memory.moving.take_if(|moving| moving.is_carried_out(&self.library())) {
            memory.remember(moving.by, moving.request, None);
        }
        memory.keeper = Some(keeper);
        drop(memory);
        self.keep();
        Ok(self)
    }

    /// Carries out what a predecessor had begun, now that the drives are there.
    pub fn resume(&self) {
        let Some(moving) = self.memory().moving.clone() else { return };
        let moves = moving.moves(&self.library()).unwrap_or_default();
        let moved = match moves.is_empty() {
            true => Err(Sense::SOURCE_EMPTY),
            false => self.carry_out(moving.by, &moves),
        };
        let mut memory = self.memory();
        memory.moving = None;
        match moved {
            Ok(()) => memory.remember(moving.by, moving.request, None),
            // It comes again, and is refused by what is the case then.
            Err(sense) => {
                tracing::info!(changer = ?self, ?sense, "a move of a former VSP is not gone on with")
            }
        }
        drop(memory);
        // Drives that were passed over have what is left in them.
        moves.iter().for_each(|(from, _)| self.fill(*from));
        self.keep();
    }

    /// Whether a cartridge is being taken from here by a move that a predecessor began.
    pub(super) fn is_being_emptied(&self, library: &Library, place: Place) -> bool {
        let memory = self.memory();
        let moves = memory.moving.as_ref().and_then(|moving| moving.moves(library));
        moves.is_some_and(|moves| moves.iter().any(|(from, _)| *from == place))
    }

    /// Moves cartridges for a request, and remembers what has become of it.
    pub(super) fn relocate(
        &self,
        (by, delivery): (Initiator, Delivery),
        moves: &[(Place, Place)],
    ) -> Result<(), Sense> {
        let _turn = locked(&self.turn);
        let request = delivery.into();
        let goals: Vec<_> = {
            let library = self.library();
            moves.iter().filter_map(|(from, to)| Some((library.at(*from)?.barcode.clone(), *to))).collect()
        };
        self.memory().moving = Some(Moving { by, request, goals });
        self.keep();
        let moved = self.carry_out(by, moves);
        let mut memory = self.memory();
        memory.moving = None;
        memory.remember(by, request, moved.err());
        drop(memory);
        self.keep();
        moved
    }

    /// What has become of a request that was here before.
    pub(super) fn outcome_before(&self, by: Initiator, delivery: Delivery) -> Option<Option<Sense>> {
        let memory = self.memory();
        let done = memory.done.get(&by)?.iter().find(|done| done.request == delivery.into())?;
        tracing::info!(changer = ?self, ?done, "move was carried out before the VSP was killed");
        Some(done.sense)
    }

    /// The initiator begins anew, or is gone: it repeats nothing.
    pub(super) fn forget_moves(&self, of: Initiator) {
        self.memory().done.remove(&of);
    }

    /// What an initiator of the predecessor was to be told; `None` for a new one.
    pub(super) fn take_nexus(&self, initiator: Initiator) -> Option<Vec<Sense>> {
        self.memory().keeper.as_mut()?.take_nexus(initiator)
    }

    fn restore(&self, text: &str) -> Pending {
        let mut memory = self.memory();
        kept::parse(text, |word, words| {
            match (word, words) {
                ("open", []) => self.open.store(true, Ordering::Release),
                ("prevented", [initiator]) => _ = self.preventing().insert(parse_initiator(initiator)?),
                ("moving", [initiator, queue, number, goals @ ..]) => {
                    let by = parse_initiator(initiator)?;
                    memory.moving = Some(Moving {
                        by,
                        request: parse_request(queue, number)?,
                        goals: parse_goals(goals)?,
                    });
                }
                ("done", [initiator, queue, number, sense @ ..]) => {
                    let sense = match sense {
                        [] => None,
                        words => Some(Sense::from_words(words)?),
                    };
                    memory.remember(parse_initiator(initiator)?, parse_request(queue, number)?, sense);
                }
                _ => return None,
            }
            Some(())
        })
    }

    /// Writes the state down if it changed.
    pub(super) fn keep(&self) {
        if self.leaving.load(Ordering::Acquire) {
            return;
        }
        let mut memory = self.memory();
        let Some(mut keeper) = memory.keeper.take() else { return };
        let text = self.print(&memory);
        if keeper.is_news(&text) {
            keeper.save(text, "", self.serial);
        }
        memory.keeper = Some(keeper);
    }

    fn print(&self, memory: &Memory) -> String {
        let mut text = String::new();
        if self.open.load(Ordering::Acquire) {
            print_line(&mut text, format_args!("open"));
        }
        for initiator in self.preventing().iter() {
            print_line(&mut text, format_args!("prevented {}", initiator.0));
        }
        if let Some(Moving { by, request: Request { queue, number }, goals }) = &memory.moving {
            let goals: String = goals.iter().map(|(barcode, place)| format!(" {barcode} {place}")).collect();
            print_line(&mut text, format_args!("moving {} {queue} {number}{goals}", by.0));
        }
        for (initiator, done) in &memory.done {
            for Done { request: Request { queue, number }, sense } in done {
                let sense = sense.map(|sense| format!(" {}", sense.to_words())).unwrap_or_default();
                print_line(&mut text, format_args!("done {} {queue} {number}{sense}", initiator.0));
            }
        }
        for (initiator, pending) in self.nexuses.pending() {
            kept::print_nexus(&mut text, initiator, &pending);
        }
        text
    }
}

fn parse_request(queue: &str, number: &str) -> Option<Request> {
    Some(Request { queue: queue.parse().ok()?, number: number.parse().ok()? })
}

/// A barcode and two words of a place, each time.
fn parse_goals(words: &[&str]) -> Option<Vec<(Barcode, Place)>> {
    let (goals, []) = words.as_chunks::<3>() else { return None };
    let goal = |[barcode, kind, number]: &[&str; 3]| {
        Some((barcode.parse().ok()?, Place::try_from(format!("{kind} {number}")).ok()?))
    };
    goals.iter().map(goal).collect()
}

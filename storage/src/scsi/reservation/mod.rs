//! Who may use a unit: persistent reservations (SPC-4 clause 5.13) and those of RESERVE and RELEASE (SPC-2 clause 5.5).
//!
//! An initiator is a guest. The rules here know no command and no transport; a rule says what changes and whom to tell.
//!
//! ```text
//!   unregistered ──register──► registered ──reserve──► holder
//!        ▲                         │                      │
//!        └──unregister, clear──────┴───── release ◄───────┘
//!                    preempt: by another registered one
//! ```

mod kept;
mod parameters;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::Delivery;
use super::command::Against;
use super::sense::Sense;

pub use kept::KeptError;
pub(super) use parameters::{Out, full_status, keys, reservation};

/// A guest, by its UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Initiator(pub Uuid);

/// TYPE of a persistent reservation (SPC-4 table 62).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    WriteExclusive = 1,
    ExclusiveAccess = 3,
    WriteExclusiveRegistrants = 5,
    ExclusiveAccessRegistrants = 6,
    WriteExclusiveAll = 7,
    ExclusiveAccessAll = 8,
}

impl Kind {
    const ALL: [Kind; 6] = [
        Kind::WriteExclusive,
        Kind::ExclusiveAccess,
        Kind::WriteExclusiveRegistrants,
        Kind::ExclusiveAccessRegistrants,
        Kind::WriteExclusiveAll,
        Kind::ExclusiveAccessAll,
    ];

    pub(super) fn from_code(code: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u8 == code)
    }

    /// All registrants hold it together.
    fn is_held_by_all(self) -> bool {
        matches!(self, Kind::WriteExclusiveAll | Kind::ExclusiveAccessAll)
    }

    /// All registrants may use the unit.
    fn admits_registrants(self) -> bool {
        !matches!(self, Kind::WriteExclusive | Kind::ExclusiveAccess)
    }

    fn stands_against(self, command: Against) -> bool {
        match self {
            Kind::WriteExclusive | Kind::WriteExclusiveRegistrants | Kind::WriteExclusiveAll => {
                command == Against::All
            }
            Kind::ExclusiveAccess | Kind::ExclusiveAccessRegistrants | Kind::ExclusiveAccessAll => {
                matches!(command, Against::Exclusive | Against::All)
            }
        }
    }
}

/// Why a rule does not let something happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Denial {
    Conflict,
    Check(Sense),
}

/// Whom to tell of a change, by which unit attention.
pub(super) type News = Vec<(Initiator, Sense)>;

/// What PERSISTENT RESERVE OUT asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// New key, or none; whether the old one must be told.
    Register {
        new_key: u64,
        ignore_existing: bool,
        keep: bool,
    },
    Reserve(Kind),
    Release(Kind),
    Clear,
    /// The key of those to be thrown out.
    Preempt {
        victim: u64,
        kind: Kind,
    },
}

/// Everything that is reserved at a unit.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct State {
    /// PRGENERATION.
    pub(super) generation: u32,
    pub(super) registrations: BTreeMap<Initiator, u64>,
    /// Who holds it (one of them, if all do), and of which type.
    pub(super) held: Option<(Initiator, Kind)>,
    /// Who reserved the unit by RESERVE.
    pub(super) legacy: Option<Initiator>,
    /// APTPL: registrations and reservation survive a loss of power.
    pub(super) keep: bool,
    /// What each initiator changed last, newest last.
    pub(super) done: BTreeMap<Initiator, Vec<Done>>,
}

/// A change that was carried out, for when it comes again because its initiator has seen no answer. Another one could not be
/// told from it: the key it brings is not the one that it has made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Done {
    pub(super) queue: u16,
    pub(super) number: u64,
    /// Whoever was told of it may not have been: told twice rather than never.
    pub(super) news: News,
}

/// Changes of an initiator that are remembered. It has one or two under way.
const REMEMBERED: usize = 4;

/// What became of the unit's power before it was opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Power {
    /// It is switched on now.
    #[default]
    Lost,
    /// It was on all the time, in the hands of another process.
    Kept,
}

impl State {
    /// Whether the next process that serves the unit has to know anything.
    fn is_worth_keeping(&self) -> bool {
        self.keep || self.legacy.is_some() || !self.registrations.is_empty() || !self.done.is_empty()
    }

    pub(super) fn is_holder(&self, initiator: Initiator) -> bool {
        self.held.is_some_and(|(holder, kind)| {
            holder == initiator || (kind.is_held_by_all() && self.registrations.contains_key(&initiator))
        })
    }

    /// Whether `command` of `initiator` must be refused.
    fn is_against(&self, initiator: Initiator, command: Against) -> bool {
        if self.legacy.is_some_and(|holder| holder != initiator) {
            return command != Against::Never;
        }
        let Some((_, kind)) = self.held else { return false };
        let is_admitted = kind.admits_registrants() && self.registrations.contains_key(&initiator);
        !self.is_holder(initiator) && !is_admitted && kind.stands_against(command)
    }

    /// What came of a request that was carried out before.
    fn news_of(&self, initiator: Initiator, delivery: Delivery) -> Option<News> {
        let is_it = |done: &&Done| (done.queue, done.number) == (delivery.queue, delivery.number);
        self.done.get(&initiator)?.iter().find(is_it).map(|done| done.news.clone())
    }

    fn remember(&mut self, initiator: Initiator, delivery: Delivery, news: &News) {
        let done = self.done.entry(initiator).or_default();
        done.drain(..done.len().saturating_sub(REMEMBERED - 1));
        done.push(Done { queue: delivery.queue, number: delivery.number, news: news.clone() });
    }

    /// Everybody registered but `initiator` is told `sense`.
    fn tell_others(&self, initiator: Initiator, sense: Sense) -> News {
        self.registrations.keys().filter(|other| **other != initiator).map(|other| (*other, sense)).collect()
    }

    /// RESERVE (SPC-2 clause 7.21): of the whole unit. Not beside persistent reservations.
    fn reserve_unit(&mut self, initiator: Initiator) -> Result<(), Denial> {
        if !self.registrations.is_empty() || self.legacy.is_some_and(|holder| holder != initiator) {
            return Err(Denial::Conflict);
        }
        self.legacy = Some(initiator);
        Ok(())
    }

    /// RELEASE (SPC-2 clause 7.16): what others hold stays.
    fn release_unit(&mut self, initiator: Initiator) -> Result<(), Denial> {
        if !self.registrations.is_empty() {
            return Err(Denial::Conflict);
        }
        self.legacy = self.legacy.filter(|holder| *holder != initiator);
        Ok(())
    }

    /// PERSISTENT RESERVE OUT by `initiator`, who says that `key` is his.
    pub(super) fn change(&mut self, initiator: Initiator, key: u64, change: Change) -> Result<News, Denial> {
        let own = self.registrations.get(&initiator).copied();
        let is_known = match change {
            Change::Register { ignore_existing: true, .. } => true,
            Change::Register { .. } => own.unwrap_or(0) == key,
            _ => own == Some(key),
        };
        if !is_known {
            return Err(Denial::Conflict);
        }
        match change {
            Change::Register { new_key: 0, .. } if own.is_none() => Ok(News::new()),
            Change::Register { new_key, keep, .. } => {
                self.keep = keep;
                self.generation = self.generation.wrapping_add(1);
                match new_key {
                    0 => Ok(self.unregister(initiator)),
                    _ => {
                        self.registrations.insert(initiator, new_key);
                        Ok(News::new())
                    }
                }
            }
            Change::Reserve(kind) => self.reserve(initiator, kind),
            Change::Release(kind) => self.release(initiator, kind),
            Change::Clear => {
                let news = self.tell_others(initiator, Sense::RESERVATIONS_PREEMPTED);
                self.registrations.clear();
                self.held = None;
                self.generation = self.generation.wrapping_add(1);
                Ok(news)
            }
            Change::Preempt { victim, kind } => self.preempt(initiator, victim, kind),
        }
    }

    fn unregister(&mut self, initiator: Initiator) -> News {
        let was_holder = self.is_holder(initiator);
        self.registrations.remove(&initiator);
        let Some((_, kind)) = self.held.filter(|_| was_holder) else { return News::new() };
        if kind.is_held_by_all() {
            // The others hold on to it.
            self.held = self.registrations.keys().next().map(|other| (*other, kind));
            return News::new();
        }
        self.held = None;
        match kind.admits_registrants() {
            true => self.tell_others(initiator, Sense::RESERVATIONS_RELEASED),
            false => News::new(),
        }
    }

    fn reserve(&mut self, initiator: Initiator, kind: Kind) -> Result<News, Denial> {
        match self.held {
            None => self.held = Some((initiator, kind)),
            Some((_, held)) if self.is_holder(initiator) && held == kind => {}
            Some(_) => return Err(Denial::Conflict),
        }
        Ok(News::new())
    }

    fn release(&mut self, initiator: Initiator, kind: Kind) -> Result<News, Denial> {
        match self.held {
            Some((_, held)) if self.is_holder(initiator) => {
                if held != kind {
                    return Err(Denial::Check(Sense::INVALID_RELEASE));
                }
                self.held = None;
                Ok(match kind.admits_registrants() {
                    true => self.tell_others(initiator, Sense::RESERVATIONS_RELEASED),
                    false => News::new(),
                })
            }
            _ => Ok(News::new()),
        }
    }

    fn preempt(&mut self, initiator: Initiator, victim: u64, kind: Kind) -> Result<News, Denial> {
        /// SERVICE ACTION RESERVATION KEY in the parameter list.
        const KEY_AT: u16 = 8;
        let takes_over = match self.held {
            Some((_, held)) if held.is_held_by_all() => victim == 0,
            _ if victim == 0 => return Err(Denial::Check(Sense::parameter_field(KEY_AT))),
            Some((holder, _)) => self.registrations.get(&holder) == Some(&victim),
            None => false,
        };
        let is_victim = |key: u64| victim == 0 || key == victim;
        let out: Vec<Initiator> = self
            .registrations
            .iter()
            .filter(|(other, key)| **other != initiator && is_victim(**key))
            .map(|(other, _)| *other)
            .collect();
        let names_somebody = takes_over || self.registrations.values().any(|key| is_victim(*key));
        if !names_somebody {
            return Err(Denial::Conflict);
        }
        out.iter().for_each(|other| _ = self.registrations.remove(other));
        let mut news: News = out.into_iter().map(|other| (other, Sense::REGISTRATIONS_PREEMPTED)).collect();
        if takes_over {
            let before = self.held.replace((initiator, kind));
            if before.is_some_and(|(_, held)| held != kind && held.admits_registrants()) {
                news.extend(self.tell_others(initiator, Sense::RESERVATIONS_RELEASED));
            }
        } else if let Some((holder, held)) = self.held
            && held.is_held_by_all()
            && !self.registrations.contains_key(&holder)
        {
            self.held = self.registrations.keys().next().map(|other| (*other, held));
        }
        self.generation = self.generation.wrapping_add(1);
        Ok(news)
    }
}

/// The reservations of one unit, shared by its initiators.
#[derive(Default, Debug)]
pub struct Reservations {
    state: Mutex<State>,
    file: Option<PathBuf>,
}

impl Reservations {
    /// None yet, and gone with the process.
    pub fn new() -> Reservations {
        Reservations::default()
    }

    /// Those kept in `file`: all of them if the unit's power was kept, otherwise those of which an initiator wanted it
    /// (APTPL).
    ///
    /// # Errors
    /// The file is there and cannot be read, or is damaged.
    pub fn kept_in(file: &Path, power: Power) -> Result<Reservations, KeptError> {
        let state = kept::load(file, power)?;
        if !state.is_worth_keeping() {
            kept::remove(file);
        }
        Ok(Reservations { state: Mutex::new(state), file: Some(file.to_owned()) })
    }

    /// The unit is not there any more, nor what was kept of it in `file`.
    pub fn remove(file: &Path) {
        kept::remove(file);
    }

    /// Whether registrations can be kept.
    pub(super) fn can_keep(&self) -> bool {
        self.file.is_some()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What another process left behind.
    pub(super) fn replace(&self, state: State) {
        *self.locked() = state;
    }

    /// As it is now.
    pub(super) fn state(&self) -> State {
        self.locked().clone()
    }

    /// Whether this initiator has reserved the unit, alone or with others.
    pub(super) fn are_held_by(&self, initiator: Initiator) -> bool {
        let state = self.locked();
        state.legacy == Some(initiator) || state.is_holder(initiator)
    }

    pub(super) fn is_against(&self, initiator: Initiator, command: Against) -> bool {
        self.locked().is_against(initiator, command)
    }

    pub(super) fn reserve_unit(&self, initiator: Initiator) -> Result<(), Denial> {
        self.transform(|next| next.reserve_unit(initiator))
    }

    pub(super) fn release_unit(&self, initiator: Initiator) -> Result<(), Denial> {
        self.transform(|next| next.release_unit(initiator))
    }

    /// What RESERVE reserved is free after a reset of the unit, or of the initiator that has it, who repeats nothing then.
    pub(super) fn reset(&self, nexus: Option<Initiator>) {
        let freed: Result<(), Denial> = self.transform(|next| {
            next.legacy = next.legacy.filter(|holder| nexus.is_some_and(|initiator| *holder != initiator));
            nexus.map(|initiator| next.done.remove(&initiator));
            Ok(())
        });
        if freed.is_err() {
            // The file says more than is true; the next process would keep others out until their reset.
            tracing::error!("a reset of a disk cannot be noted");
        }
    }

    /// Carries out a change, whole or not at all, and once: what is to be kept is on stable storage before it is in force.
    pub(super) fn change(
        &self,
        (initiator, delivery): (Initiator, Delivery),
        key: u64,
        change: Change,
    ) -> Result<News, Denial> {
        self.transform(|next| {
            if delivery.again
                && let Some(news) = next.news_of(initiator, delivery)
            {
                return Ok(news);
            }
            let news = next.change(initiator, key, change)?;
            next.remember(initiator, delivery, &news);
            Ok(news)
        })
    }

    /// Replaces the state by what `change` makes of it, once that is written down.
    fn transform<T>(&self, change: impl FnOnce(&mut State) -> Result<T, Denial>) -> Result<T, Denial> {
        let mut state = self.locked();
        let mut next = state.clone();
        let result = change(&mut next)?;
        let is_news = next != *state && (next.is_worth_keeping() || state.is_worth_keeping());
        if let Some(file) = self.file.as_ref().filter(|_| is_news)
            && let Err(error) = kept::save(file, &next)
        {
            tracing::error!(file = %file.display(), %error, "reservations of a disk cannot be kept");
            return Err(Denial::Check(Sense::TARGET_FAILURE));
        }
        *state = next;
        Ok(result)
    }
}

#[cfg(test)]
mod tests;

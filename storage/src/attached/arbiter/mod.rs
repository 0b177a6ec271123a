//! Who has an attached device: nobody, the VSP, or one guest. Rules only, without threads, devices or time.
//!
//! Nothing tells the VSP that a program in a guest opens a device file. What shows it are the commands that the guest's
//! driver sends, so a guest *holds* a device while it has a claim to it, or a command under way that would make one:
//!
//! | claim | made by | given up by |
//! | --- | --- | --- |
//! | session | a command that uses the medium | rewind, unload, eject, ending a burn; `RELEASE`; `ALLOW` |
//! | lock | `PREVENT MEDIUM REMOVAL` | `ALLOW MEDIUM REMOVAL` |
//! | reservation | `RESERVE` | `RELEASE` |
//! | persistent | `PERSISTENT RESERVE OUT` that reserves | one that releases, clears or unregisters |
//!
//! All are given up by a reset and when the guest ends. Which command is what is in [`class`]. While somebody holds the
//! device, the others are refused everything but questions about the device itself.

mod class;

pub use class::{Class, classify};

use crate::scsi::{Execution, Initiator, Undelivered, sense};

/// Somebody who can hold a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Party {
    /// The VSP itself.
    Host,
    /// A guest.
    Guest(Initiator),
}

/// Why somebody holds a device: any number of claims.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Claims(u8);

impl Claims {
    /// A command has used the medium.
    pub const SESSION: Claims = Claims(1);
    /// The medium may not be removed.
    pub const LOCK: Claims = Claims(2);
    /// RESERVE.
    pub const RESERVATION: Claims = Claims(4);
    /// PERSISTENT RESERVE OUT.
    pub const PERSISTENT: Claims = Claims(8);

    /// All, by their names in files.
    const NAMES: [(Claims, &'static str); 4] = [
        (Claims::SESSION, "session"),
        (Claims::LOCK, "lock"),
        (Claims::RESERVATION, "reservation"),
        (Claims::PERSISTENT, "persistent"),
    ];

    /// None of them.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        Claims::NAMES.into_iter().filter(|(claim, _)| self.0 & claim.0 != 0).map(|(_, name)| name).collect()
    }

    /// Those of these names; of a name that is none, nothing.
    pub fn named<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Claims {
        let of = |name: S| Claims::NAMES.into_iter().find(|(_, own)| *own == name.as_ref());
        names.into_iter().filter_map(of).fold(Claims::default(), |all, (claim, _)| all.with(claim))
    }

    fn with(self, more: Claims) -> Claims {
        Claims(self.0 | more.0)
    }

    fn without(self, less: Claims) -> Claims {
        Claims(self.0 & !less.0)
    }
}

/// What came of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The device carried it out, perhaps not to a good end.
    Done,
    /// There is no medium, or not the one that the guest thinks of: no session has begun, and none goes on.
    WithoutMedium,
    /// It was not carried out, and will perhaps come again.
    Refused,
}

impl Outcome {
    /// That of a command of this result.
    pub fn of(execution: &Execution) -> Outcome {
        use sense::Key::{IllegalRequest, NotReady, UnitAttention};
        match execution {
            Execution::Done(done) => match done.sense.map(|sense| sense.key()) {
                // While somebody holds the device the only news are of the medium, and of resets.
                Some(NotReady | UnitAttention) => Outcome::WithoutMedium,
                Some(IllegalRequest) => Outcome::Refused,
                _ => Outcome::Done,
            },
            Execution::Foreign(answer) => match answer.sense_key() {
                Some(key) if [NotReady as u8, UnitAttention as u8].contains(&key) => Outcome::WithoutMedium,
                Some(key) if key == IllegalRequest as u8 => Outcome::Refused,
                _ => Outcome::Done,
            },
            Execution::Undelivered(Undelivered::Busy | Undelivered::NoDevice) => Outcome::Refused,
            // Nobody knows what the device has done.
            Execution::Undelivered(_) | Execution::Begun(_) => Outcome::Done,
            Execution::Conflict | Execution::Absent | Execution::Overrun | Execution::WouldWait(_) => {
                Outcome::Refused
            }
        }
    }
}

/// Somebody else holds the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Busy(pub Party);

/// The state of one device.
#[derive(Clone, Default, Debug)]
pub struct Arbiter {
    held: Option<Held>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Held {
    by: Party,
    claims: Claims,
    /// Commands under way that hold the device until they end.
    under_way: u32,
}

impl Arbiter {
    /// Held by a guest already, of which a former VSP remembers these claims.
    pub fn held_by(guest: Initiator, claims: Claims) -> Arbiter {
        let held = Held { by: Party::Guest(guest), claims, under_way: 0 };
        Arbiter { held: Some(held).filter(|held| !held.claims.is_empty()) }
    }

    /// Who holds the device.
    pub fn holder(&self) -> Option<Party> {
        self.held.as_ref().map(|held| held.by)
    }

    /// The guest that holds it and what has to be remembered of it if this process ends now: a command under way may
    /// have been carried out.
    pub fn remembered(&self) -> Option<(Initiator, Claims)> {
        let held = self.held.as_ref()?;
        let Party::Guest(guest) = held.by else { return None };
        Some((guest, if held.under_way > 0 { held.claims.with(Claims::SESSION) } else { held.claims }))
    }

    /// A command of `party` is to be carried out.
    ///
    /// # Errors
    /// It must not. Otherwise [`Arbiter::end`] has to be called once it has ended.
    pub fn begin(&mut self, party: Party, class: Class) -> Result<(), Busy> {
        match &mut self.held {
            _ if class == Class::Free => {}
            Some(held) if held.by != party => return Err(Busy(held.by)),
            Some(held) => held.under_way += u32::from(class.holds()),
            None if class.holds() => {
                self.held = Some(Held { by: party, claims: Claims::default(), under_way: 1 });
            }
            None => {}
        }
        Ok(())
    }

    /// A command that was begun has ended.
    pub fn end(&mut self, party: Party, class: Class, outcome: Outcome) {
        let Some(held) = self.held.as_mut().filter(|held| held.by == party) else { return };
        held.under_way -= u32::from(class.holds());
        held.claims = match outcome {
            Outcome::Done => held.claims.with(class.makes()).without(class.gives_up()),
            Outcome::WithoutMedium => held.claims.without(class.gives_up()),
            Outcome::Refused => held.claims,
        };
        self.settle();
    }

    /// A reset, or the end of the party: it has no claims any more.
    pub fn give_up(&mut self, party: Party) {
        if let Some(held) = self.held.as_mut().filter(|held| held.by == party) {
            held.claims = Claims::default();
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.held.take_if(|held| held.claims.is_empty() && held.under_way == 0);
    }
}

#[cfg(test)]
mod tests;

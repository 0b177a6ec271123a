//! A device with its arbiter: every port asks it before each command.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Device;
use super::arbiter::{Arbiter, Busy, Claims, Class, Outcome, Party, classify};
use crate::backing::Patience;
use crate::scsi::{Begun, Command, Execution, Initiator, Reset, Sense, StatisticsSnapshot, Target};

/// How a guest is told that somebody else holds the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denial {
    /// Status RESERVATION CONFLICT: HP-UX 11i v3 makes `Device busy` of it.
    Busy,
    /// As if no target were there: HP-UX 11i v2 makes `No such device or address` of it.
    NoDevice,
}

impl Denial {
    fn answer(self) -> Execution {
        match self {
            Denial::Busy => Execution::Conflict,
            Denial::NoDevice => Execution::Absent,
        }
    }
}

/// Told what has to be remembered of the holder, in the order of the changes. It is called while the device is locked.
pub type Keep = Box<dyn Fn(Option<(Initiator, Claims)>) + Send + Sync>;

/// A device that guests and the VSP share, one at a time.
pub struct Shared {
    device: Arc<dyn Device>,
    state: Mutex<State>,
    keep: Keep,
}

#[derive(Default)]
struct State {
    arbiter: Arbiter,
    /// Ports of each guest.
    ports: BTreeMap<Initiator, usize>,
    remembered: Option<(Initiator, Claims)>,
    /// The VSP ends and the guests do not.
    is_leaving: bool,
}

impl Shared {
    /// A device held as `arbiter` says.
    pub fn new(device: Arc<dyn Device>, arbiter: Arbiter, keep: Keep) -> Arc<Shared> {
        let remembered = arbiter.remembered();
        device.set_holder(arbiter.holder());
        let state = State { arbiter, ports: BTreeMap::new(), remembered, is_leaving: false };
        Arc::new(Shared { device, state: Mutex::new(state), keep })
    }

    /// The device itself.
    pub fn device(&self) -> &Arc<dyn Device> {
        &self.device
    }

    /// Who holds it now.
    pub fn holder(&self) -> Option<Party> {
        self.state().arbiter.holder()
    }

    /// A port for a guest, which is told in its own way when it has to stay out.
    pub fn port(self: &Arc<Shared>, initiator: Initiator, denial: Denial) -> Arc<dyn Target> {
        *self.state().ports.entry(initiator).or_default() += 1;
        let port = Arc::clone(&self.device).port(initiator);
        Arc::new(Guarded { shared: Arc::clone(self), initiator, denial, port })
    }

    /// Lets the VSP hold it.
    ///
    /// # Errors
    /// A guest, or another program of the host, has it.
    pub fn hold(self: &Arc<Shared>) -> Result<Hold, Busy> {
        self.begin(Party::Host, Class::Access)?;
        Ok(Hold(Arc::clone(self)))
    }

    /// Takes the device from a guest that is not there any more and has no port.
    pub fn forget_unless(&self, is_there: impl Fn(Initiator) -> bool) {
        let gone = self.change(|state| match state.arbiter.holder() {
            Some(Party::Guest(guest)) if !state.ports.contains_key(&guest) && !is_there(guest) => {
                state.arbiter.give_up(Party::Guest(guest));
                Some(guest)
            }
            _ => None,
        });
        // Its nexus ends with its port, and with that whatever the device itself keeps for it: locks, reservations.
        gone.map(|guest| Arc::clone(&self.device).port(guest));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let before = state.arbiter.holder();
        let result = change(&mut state);
        let holder = state.arbiter.holder();
        if holder != before {
            self.device.set_holder(holder);
        }
        let remembered = state.arbiter.remembered();
        if remembered != state.remembered {
            state.remembered = remembered;
            (self.keep)(remembered);
        }
        result
    }

    fn begin(&self, party: Party, class: Class) -> Result<(), Busy> {
        // Asked before the state is locked, for it may take its time; and only by a command that begins to hold the device,
        // for to open a tape is to send it commands: the host's driver would get the unit attentions that are the guest's.
        if class.holds() && self.holder().is_none() && self.device.is_open_on_host() {
            return Err(Busy(Party::Host));
        }
        self.change(|state| state.arbiter.begin(party, class))
    }

    fn end(&self, party: Party, class: Class, outcome: Outcome) {
        self.change(|state| state.arbiter.end(party, class, outcome));
    }
}

/// The VSP has the device as long as this lives.
pub struct Hold(Arc<Shared>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.end(Party::Host, Class::Access, Outcome::Refused);
    }
}

/// A port behind the arbiter.
struct Guarded {
    shared: Arc<Shared>,
    initiator: Initiator,
    denial: Denial,
    port: Arc<dyn Target>,
}

impl Guarded {
    fn party(&self) -> Party {
        Party::Guest(self.initiator)
    }
}

impl Target for Guarded {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        let mut parameters = [0; 16];
        command.data_out.read(0, &mut parameters);
        let class = classify(self.shared.device.device_type(), command.cdb, &parameters);
        if let Err(Busy(holder)) = self.shared.begin(self.party(), class) {
            tracing::debug!(guest = %self.initiator.0, ?holder, opcode = command.cdb.first(), "kept out");
            return self.denial.answer();
        }
        // What is begun here has to be over when the arbiter is told.
        let patience = match patience {
            Patience::Handover => Patience::Immediate,
            patience => patience,
        };
        let execution = self.port.execute(command, patience);
        self.shared.end(self.party(), class, Outcome::of(&execution));
        execution
    }

    fn finish(&self, begun: Begun, result: std::io::Result<u64>) -> Execution {
        self.port.finish(begun, result)
    }

    fn reset(&self, reset: Reset) {
        let own = self.party();
        let held_by_another = self.shared.holder().is_some_and(|holder| holder != own);
        // Whoever holds it is not disturbed.
        self.port.reset(if held_by_another { Reset::Nexus } else { reset });
        self.shared.change(|state| state.arbiter.give_up(own));
    }

    fn recall(&self) -> bool {
        let held_by_another = self.shared.holder().is_some_and(|holder| holder != self.party());
        held_by_another || self.port.recall()
    }

    fn is_held(&self) -> bool {
        self.shared.holder() == Some(self.party()) || self.port.is_held()
    }

    fn has_news(&self) -> bool {
        self.port.has_news()
    }

    fn notice_resize(&self) -> Option<Sense> {
        self.port.notice_resize()
    }

    fn leave(&self) {
        self.shared.state().is_leaving = true;
        self.port.leave();
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.port.statistics()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.shared.change(|state| {
            if state.is_leaving {
                return;
            }
            let ports = state.ports.get_mut(&self.initiator);
            let is_last = ports.is_none_or(|ports| {
                *ports -= 1;
                *ports == 0
            });
            if is_last {
                state.ports.remove(&self.initiator);
                state.arbiter.give_up(Party::Guest(self.initiator));
            }
        });
    }
}

#[cfg(test)]
mod tests;

//! Guests that start with the VSP (hpvm.md 4.1 `-B`, 4.5): the heaviest first, one after the other, so that a host that
//! comes up makes one machine at a time. One that cannot start keeps no other from it.

use std::collections::VecDeque;

use ipc::message::StartAttribute;

use super::Supervisor;
use super::problems::host_memory;
use crate::db::GuestConfig;
use crate::supervise::guest::{Event, State};

/// What a guest's weight is compared with.
struct Host {
    processors: u64,
    memory_bytes: u64,
}

impl Host {
    /// This one. What it does not tell of itself is large: then the guests' sizes alone decide.
    fn own() -> Host {
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
        Host { processors, memory_bytes: host_memory().unwrap_or(1 << 40) }
    }

    /// The part of the host that a guest takes, in millionths: its guaranteed processing power and its memory together.
    fn weight(&self, guest: &GuestConfig) -> u64 {
        let part = |used: u64, whole: u64| u128::from(used) * 1_000_000 / u128::from(whole.max(1));
        let processing = u64::from(guest.entitlement.percent) * u64::from(guest.vcpus);
        let weight = part(processing, 100 * self.processors) + part(guest.memory_bytes, self.memory_bytes);
        u64::try_from(weight).unwrap_or(u64::MAX)
    }
}

impl Supervisor {
    /// Which guests are to be started now, in their order: first those that were on and asked for a reset.
    pub(super) fn automatic(&mut self) -> VecDeque<String> {
        let host = Host::own();
        let mut automatic: Vec<&GuestConfig> =
            self.db.configs().filter(|config| config.start == StartAttribute::Auto).collect();
        automatic.sort_by_key(|config| (std::cmp::Reverse(host.weight(config)), config.number));
        let names = automatic.into_iter().map(|config| config.name.clone());
        std::mem::take(&mut self.resets).into_iter().chain(names).collect()
    }

    /// Starts the next of them if none is being started.
    pub(super) fn start_next(&mut self) {
        while !self.guests.values().any(|guest| guest.state == State::Starting)
            && let Some(name) = self.automatic.pop_front()
        {
            // On already: taken over, or started by somebody.
            if self.guests.get(&name).is_none_or(|guest| guest.state != State::Off) {
                continue;
            }
            match self.admit_start(&name) {
                Ok(()) => self.feed(&name, Event::Start),
                Err(refusal) => tracing::warn!(guest = name, %refusal, "guest was not started"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_is_what_a_guest_takes_of_the_host() {
        let host = Host { processors: 4, memory_bytes: 16 << 30 };
        let guest = |vcpus, percent, gigabytes: u64| {
            let mut config = GuestConfig::new("ivm1".into(), 1);
            (config.vcpus, config.memory_bytes) = (vcpus, gigabytes << 30);
            config.entitlement.percent = percent;
            host.weight(&config)
        };
        assert_eq!(guest(4, 100, 16), 2_000_000);
        assert_eq!(guest(2, 50, 4), 500_000);
        assert!(guest(1, 10, 8) > guest(4, 10, 4) && guest(4, 100, 2) > guest(1, 10, 8));
        let mut largest = GuestConfig::new("ivm1".into(), 1);
        largest.memory_bytes = u64::MAX;
        assert_eq!(Host { processors: 0, memory_bytes: 0 }.weight(&largest), u64::MAX);
    }
}

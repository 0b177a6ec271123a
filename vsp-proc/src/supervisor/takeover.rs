//! Guests across the life of a VSP: leaving them to the next one, and finding those of the last one.

use std::io;
use std::time::Instant;

use super::life::teller;
use super::{Reply, Supervisor, now};
use crate::avio_link;
use crate::db::GuestConfig;
use crate::root::StateRoot;
use crate::supervise::guest::{Event, describe};
use crate::supervise::launch::{Places, by_adapter};
use crate::supervise::record::{CONSOLE_END, Found, Leftover, Record, console_end};
use crate::supervise::run::Run;
use ipc::guest::ExitReason;

/// Keeps how a run ended for the VSP after this one.
pub(super) fn remember_reason(root: &StateRoot, name: &str, reason: &str) {
    // A line for the operator that he has been shown already; nothing depends on it.
    if let Err(error) = std::fs::write(root.guest_reason(name), reason) {
        tracing::debug!(guest = name, %error, "cannot keep the reason");
    }
}

/// How the last run ended, if it is known.
pub(super) fn last_reason(root: &StateRoot, name: &str) -> Option<String> {
    std::fs::read_to_string(root.guest_reason(name)).ok()
}

impl Supervisor {
    /// Ends the VSP and leaves guests as they are; to them it is as if it had been killed.
    pub(super) fn leave(&mut self, reply: Reply) {
        tracing::info!("the VSP leaves its guests");
        self.leaving = Some(reply);
    }

    /// Looks for what a former VSP left behind of a guest.
    ///
    /// # Errors
    /// When a process cannot be taken over nor ended: this VSP must not start the guest a second time.
    pub(super) fn take_over(&mut self, name: &str) -> io::Result<()> {
        let directory = self.root.guest(name);
        self.finish_change(name);
        let found = Record::find(&directory);
        if let (Found::Ended(_), Some(guest)) = (&found, self.guests.get(name))
            && let Some(end) = console_end(&directory.join(CONSOLE_END))
        {
            guest.console.end_run(end);
        }
        let reason = match found {
            Found::Nothing => return Ok(()),
            Found::Alive(leftover) => match Record::config(&directory, name) {
                Ok(config) => return self.resume(name, leftover, config),
                Err(error) => {
                    tracing::error!(
                        guest = name,
                        pid = leftover.record.pid,
                        error,
                        "ending a guest nobody can serve"
                    );
                    leftover.end()?;
                    "Ended because its VSP had died and it is not known how it was started.".into()
                }
            },
            Found::Ended(Some(ExitReason::Reset)) => {
                // The note stays until the new process has one: this VSP, too, may be killed.
                self.resets.push(name.to_owned());
                return Ok(());
            }
            Found::Ended(Some(reason)) => describe(reason),
            Found::Ended(None) => "The guest process ended unexpectedly while there was no VSP.".into(),
        };
        tracing::info!(guest = name, reason, "the guest's run ended while there was no VSP");
        remember_reason(&self.root, name, &reason);
        Record::erase(&directory);
        if let Some(guest) = self.guests.get_mut(name) {
            guest.reason = Some(reason);
        }
        Ok(())
    }

    fn resume(&mut self, name: &str, mut leftover: Leftover, config: GuestConfig) -> io::Result<()> {
        let Some(guest) = self.guests.get_mut(name) else { return Ok(()) };
        let record = &mut leftover.record;
        if record.adapters.is_empty() {
            // Written by a VSP that did not note them: they are those of its devices.
            record.adapters = by_adapter(&config.devices).into_keys().collect();
        }
        let since_micros = record.since_micros.min(now());
        guest.untold = record.untold.clone();
        self.next_telling = Some(Instant::now());
        let places = Places::of(&self.root, &config, &self.hardware);
        // Guests that had a store together were allowed to, whatever was decided since (hpvm.md 6.6).
        config.devices.iter().for_each(|device| avio_link::set_shared(device, true));
        guest.run_number += 1;
        let tell = teller(self.own_inbox.clone(), name, guest.run_number);
        guest.run = Some(Run::resume(leftover, config.clone(), places, &guest.console, tell)?);
        guest.running = Some(config);
        guest.since_micros = Some(since_micros);
        guest.reason = None;
        self.feed(name, Event::Found);
        Ok(())
    }
}

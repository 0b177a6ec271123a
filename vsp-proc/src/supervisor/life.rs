//! The life of guests, carried out: what their processes do is fed to [`crate::supervise::guest`], and what that wants done
//! is done.

use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use ipc::guest::{GuestToVsp, VspToGuest};
use ipc::message::{Refusal, RefusalKind, Remark, Severity, VspToClient};

use super::{Goal, Guest, Input, Reply, Supervisor, error_line, now, plain_line, problems, takeover};
use crate::db::{Entry, GuestConfig};
use crate::supervise::guest::{Action, Event, Limit, OVERDUE, State, next};
use crate::supervise::launch::{Places, by_adapter};
use crate::supervise::record::Record;
use crate::supervise::run::{Run, RunEvent};

/// Time a guest process has to make its machine.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Time a guest process that was found has to answer.
const ATTACH_LIMIT: Duration = Duration::from_secs(120);
/// Time a guest process has to end once it should.
const END_LIMIT: Duration = Duration::from_secs(10);

impl Supervisor {
    pub(super) fn hear(&mut self, name: &str, run: u64, event: RunEvent) {
        let Some(guest) = self.guests.get_mut(name).filter(|guest| guest.run_number == run) else { return };
        let event = match event {
            RunEvent::Said(GuestToVsp::Stats(stats)) => {
                guest.stats = Some(stats);
                return self.publish(name);
            }
            RunEvent::Said(GuestToVsp::Started) => Event::Started,
            RunEvent::Said(GuestToVsp::State(phase)) => Event::Phase(phase),
            RunEvent::Said(GuestToVsp::Exiting(reason)) => {
                if !matches!(guest.state, State::Ending(_)) {
                    tracing::info!(guest = name, ?reason, "guest ends");
                }
                Event::Exiting(reason)
            }
            // The run's own thread keeps these.
            RunEvent::Said(
                GuestToVsp::ConsoleOutput(_) | GuestToVsp::ConsoleGap { .. } | GuestToVsp::AdapterLost { .. },
            ) => return,
            RunEvent::ControlLost(how) => Event::ControlLost(how),
            RunEvent::Gone(how) => {
                tracing::debug!(guest = name, how, "guest process ended");
                Event::Gone(how)
            }
        };
        self.feed(name, event);
    }

    /// Lets something happen to a guest, and does what follows from it.
    pub(super) fn feed(&mut self, name: &str, event: Event) {
        let mut event = Some(event);
        while let Some(happened) = event.take() {
            let Some(guest) = self.guests.get_mut(name) else { return };
            let before = guest.state.clone();
            let (after, actions) = next(before.clone(), happened);
            if before != after {
                tracing::debug!(guest = name, ?before, ?after, "state");
            }
            guest.state = after;
            for action in actions {
                // A launch that fails is the next thing that happens; no action follows it but its deadline.
                event = self.perform(name, action).or(event);
            }
        }
        self.settle(name);
        self.publish(name);
    }

    fn perform(&mut self, name: &str, action: Action) -> Option<Event> {
        if action == Action::Launch {
            return self.launch(name).err().map(Event::LaunchFailed);
        }
        let graceful = self.config(name).map_or(300, |config| config.graceful_stop_timeout);
        let guest = self.guests.get_mut(name)?;
        match action {
            Action::Launch => {}
            Action::PowerButton => guest.order(VspToGuest::PowerButton),
            Action::PowerOff => guest.order(VspToGuest::Stop),
            Action::Reset => guest.order(VspToGuest::Reset),
            Action::Init => guest.order(VspToGuest::Init),
            Action::Kill => guest.run.iter().for_each(Run::kill),
            Action::Arm(limit) => {
                let length = match limit {
                    Limit::Start => START_LIMIT,
                    Limit::Attach => ATTACH_LIMIT,
                    Limit::Graceful => Duration::from_secs(graceful.into()),
                    Limit::End => END_LIMIT,
                };
                guest.deadline = Some(Instant::now() + length);
            }
            Action::Disarm => guest.deadline = None,
            Action::Release => {
                guest.release();
                // After a reset the note stays until the new process has one, in case we are killed before.
                if guest.state == State::Off {
                    Record::erase(&self.root.guest(name));
                }
            }
            Action::Report(text) => {
                tracing::info!(guest = name, reason = text, "run is over");
                takeover::remember_reason(&self.root, name, &text);
                guest.reason = Some(text);
            }
        }
        None
    }

    fn launch(&mut self, name: &str) -> Result<(), String> {
        let Some(Entry::Guest(config)) = self.db.get(name) else {
            return Err("The guest's configuration is damaged.".into());
        };
        let config = GuestConfig::clone(config);
        if let Some(text) = self.obstacle(&config) {
            return Err(text);
        }
        let Some(guest) = self.guests.get_mut(name) else { return Ok(()) };
        if !guest.is_forced {
            problems::check_memory(&config)?;
        }
        let waiting: Vec<Reply> = guest
            .waiting
            .iter()
            .filter(|(goal, _)| *goal == Goal::On)
            .map(|(_, reply)| reply.clone())
            .collect();
        let places = Places::of(&self.root, &config, &self.hardware);
        let launched = self.launcher.launch(&config, &places, |line| {
            waiting.iter().for_each(|reply| reply.send(VspToClient::Progress(line.clone())));
        })?;
        let software = self.warn_of_missing_software(&config);
        for remark in problems::warn_of_processors(&config).into_iter().chain(software) {
            tracing::warn!(guest = name, "{}", remark.text);
            waiting.iter().for_each(|reply| reply.send(VspToClient::Progress(remark.to_string())));
        }
        let Some(guest) = self.guests.get_mut(name) else { return Ok(()) };
        let since_micros = now();
        // Before it is told what to be: if the VSP is killed first, the process ends by itself.
        let pid = launched.child.id();
        let adapters = by_adapter(&config.devices).into_keys().collect();
        let noted = Record::of(pid, since_micros, adapters)
            .and_then(|record| record.write(&self.root.guest(name), &config));
        if let Err(error) = noted {
            tracing::warn!(guest = name, %error, "no note of the guest process: it will not survive this VSP");
        }
        guest.run_number += 1;
        let tell = teller(self.own_inbox.clone(), name, guest.run_number);
        let begun = Run::begin(launched, config.clone(), &places, &guest.console, tell);
        let run = begun.map_err(|e| format!("Cannot watch the guest process: {e}."))?;
        tracing::info!(guest = name, pid = run.pid, "guest process started");
        guest.run = Some(run);
        guest.running = Some(config);
        guest.since_micros = Some(since_micros);
        guest.reason = None;
        Ok(())
    }

    /// Answers those whose goal is reached, or cannot be reached any more.
    fn settle(&mut self, name: &str) {
        let Some(guest) = self.guests.get_mut(name) else { return };
        let reached = match guest.state {
            State::Off => Goal::Off,
            State::Running(_) => Goal::On,
            _ => return,
        };
        let off = reached == Goal::Off;
        for (goal, reply) in std::mem::take(&mut guest.waiting) {
            match goal {
                Goal::Off if off && guest.reason.as_deref() == Some(OVERDUE) => {
                    reply.accept(vec![Remark::about(name, Severity::Warning, OVERDUE)]);
                }
                _ if goal == reached => reply.accept(Vec::new()),
                Goal::On if off => {
                    let text = guest.reason.clone().unwrap_or_else(|| "The guest was stopped.".into());
                    let error = error_line(name, text);
                    let remarks = vec![error, plain_line("Unable to continue.")];
                    reply.send(VspToClient::Refused(Refusal { kind: RefusalKind::Host, remarks }));
                }
                _ => guest.waiting.push((goal, reply)),
            }
        }
    }
}

impl Guest {
    fn order(&self, order: VspToGuest) {
        if let Some(run) = &self.run {
            run.order(order);
        }
    }

    fn release(&mut self) {
        self.console.connect(None);
        self.run = None;
        self.running = None;
        self.untold.clear();
        self.since_micros = None;
        self.stats = None;
    }
}

/// How the threads of a run reach the supervisor.
pub(super) fn teller(inbox: Sender<Input>, name: &str, run: u64) -> impl Fn(RunEvent) + Clone + Send + use<> {
    let guest = name.to_owned();
    move |event| {
        // A VSP that has left its guests does not listen any more, and the next one asks for itself.
        let _ = inbox.send(Input::Run { guest: guest.clone(), run, event });
    }
}

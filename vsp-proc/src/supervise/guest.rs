//! The life of a guest as a pure function of its state and what happens: no I/O, no clock.
//!
//! ```text
//!            start                Started                 Phase
//!    ┌─ Off ───────▶ Starting ───────────▶ Running(phase) ◀──▶
//!    │   ▲              │ │                 │ │ │
//!    │   │              │ │ stop            │ │ └ power button ─▶ ShuttingDown ─┐
//!    │   │              │ └──────┐   hard   │ │                      │ time, hard
//!    │   │              │        ▼   stop   ▼ │                      ▼          │
//!    │   │              │       PoweringOff ◀─┼──────────────────────┘          │
//!    │   │              │ Exiting  │ time     │ Exiting                         │ Exiting
//!    │   │              ▼          ▼          ▼                                 │
//!    │   └── Gone ── Ending ◀── Killed     Ending ◀─────────────────────────────┘
//!    └──── Gone after a reset: Launch again
//!
//!   Off ── Found ──▶ Reattaching ── Phase ──▶ Running: a process that a former VSP left; otherwise as Running
//! ```
//!
//! Invariants, tested over any sequence of events: there is never a second process while one may live; `Off` is reached
//! only when the process is reaped; every state that waits for the guest has a deadline armed.

use ipc::guest::{ExitReason, Phase};
use ipc::message::GuestState;

/// Where a guest is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No process.
    Off,
    /// The process is there, the machine is being made.
    Starting,
    /// The process was there before this VSP, which has not heard of it yet.
    Reattaching,
    /// The processors run.
    Running(Phase),
    /// The power button was pressed.
    ShuttingDown(Phase),
    /// The process was told to power off.
    PoweringOff,
    /// The same, because the operating system did not shut down in time.
    Overdue,
    /// The process was killed and is not reaped yet.
    Killed,
    /// The control connection was lost and the process has not ended yet; the text says how.
    Lost(String),
    /// The process said why it ends and has not ended yet.
    Ending(ExitReason),
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The operator wants it on.
    Start,
    /// The operator wants it off, in order.
    StopGraceful,
    /// The operator wants it off.
    StopHard,
    /// The operator resets it.
    Reset,
    /// The operator sends INIT to its processors.
    Init,
    /// A process of a former VSP runs it.
    Found,
    /// It could not be launched.
    LaunchFailed(String),
    /// The guest process says its processors run.
    Started,
    /// The guest process reports another phase.
    Phase(Phase),
    /// The guest process says why it ends.
    Exiting(ExitReason),
    /// The control connection ended or carried nonsense.
    ControlLost(String),
    /// The armed deadline passed.
    Deadline,
    /// The process has ended and is reaped; the text says how.
    Gone(String),
}

/// What is to be done about it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Open stores and start a process; arm the start deadline.
    Launch,
    /// Tell the process.
    PowerButton,
    /// Tell the process.
    PowerOff,
    /// Tell the process.
    Reset,
    /// Tell the process.
    Init,
    /// Kill the process.
    Kill,
    /// Set the deadline anew.
    Arm(Limit),
    /// No deadline any more.
    Disarm,
    /// Stores and sockets of the run are free again.
    Release,
    /// How the run ended, or the launch failed: one line for the operator.
    Report(String),
}

/// Time limits, whose lengths are the caller's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// From the launch to `Started`.
    Start,
    /// From finding a process to its first message.
    Attach,
    /// From the power button to the end.
    Graceful,
    /// From the order to power off, the announcement of an end or the loss of the connection to the end.
    End,
}

/// How a run ended that should have ended by itself.
pub(crate) const OVERDUE: &str = "The guest did not shut down within its time limit and was powered off.";

/// What happens next.
pub(crate) fn next(state: State, event: Event) -> (State, Vec<Action>) {
    use Action as A;
    use Event as E;
    use State as S;
    match (state, event) {
        (S::Off, E::Start) => (S::Starting, vec![A::Launch, A::Arm(Limit::Start)]),
        (S::Off, E::Found) => (S::Reattaching, vec![A::Arm(Limit::Attach)]),
        (S::Off, _) => (S::Off, vec![]),

        (S::Reattaching, E::Phase(phase)) => (S::Running(phase), vec![A::Disarm]),
        // What it is told waits until it can be.
        (S::Reattaching, E::StopGraceful) => {
            (S::ShuttingDown(Phase::Os), vec![A::PowerButton, A::Arm(Limit::Graceful)])
        }
        (S::Reattaching, E::Reset) => (S::Reattaching, vec![A::Reset]),
        (state @ (S::Reattaching | S::Running(_) | S::ShuttingDown(_)), E::Init) => (state, vec![A::Init]),
        (S::Reattaching, E::Deadline) => kill("The guest process did not answer the new VSP."),

        (S::Starting, E::LaunchFailed(why)) => (S::Off, vec![A::Disarm, A::Report(why), A::Release]),
        (S::Starting, E::Started) => (S::Running(Phase::Firmware), vec![A::Disarm]),
        (S::Starting, E::Deadline) => kill("The guest process did not start in time."),
        (S::Running(_), E::Phase(phase)) => (S::Running(phase), vec![]),
        (S::ShuttingDown(_), E::Phase(phase)) => (S::ShuttingDown(phase), vec![]),

        (S::Running(phase), E::StopGraceful) => {
            (S::ShuttingDown(phase), vec![A::PowerButton, A::Arm(Limit::Graceful)])
        }
        (S::Starting, E::StopGraceful | E::StopHard)
        | (S::Running(_) | S::Reattaching | S::ShuttingDown(_), E::StopHard) => {
            (S::PoweringOff, vec![A::PowerOff, A::Arm(Limit::End)])
        }
        (S::ShuttingDown(_), E::Deadline) => (S::Overdue, vec![A::PowerOff, A::Arm(Limit::End)]),
        (S::Running(phase), E::Reset) => (S::Running(phase), vec![A::Reset]),

        (S::Overdue, E::Exiting(ExitReason::Stopped)) => {
            (S::Ending(ExitReason::Failed(OVERDUE.into())), vec![A::Arm(Limit::End)])
        }
        (S::Overdue, E::Gone(_)) => off(Some(OVERDUE.into())),
        (S::PoweringOff | S::Overdue | S::Ending(_), E::Deadline) => {
            kill("The guest process did not end in time and was killed.")
        }
        // A reset that ends the process while the operator wants the guest off is the end of it.
        (S::PoweringOff | S::Overdue | S::ShuttingDown(_), E::Exiting(ExitReason::Reset)) => {
            (S::Ending(ExitReason::Stopped), vec![A::Arm(Limit::End)])
        }
        (S::Ending(ExitReason::Reset), E::StopHard | E::StopGraceful) => {
            (S::Ending(ExitReason::Stopped), vec![])
        }
        (
            S::Starting
            | S::Reattaching
            | S::Running(_)
            | S::ShuttingDown(_)
            | S::PoweringOff
            | S::Overdue
            | S::Lost(_),
            E::Exiting(reason),
        ) => (S::Ending(reason), vec![A::Arm(Limit::End)]),
        // Most often the process is dead, and how it died tells more than that its connection ended.
        (S::Starting | S::Reattaching | S::Running(_) | S::ShuttingDown(_), E::ControlLost(why)) => {
            (S::Lost(why), vec![A::Arm(Limit::End)])
        }
        (S::Lost(why), E::Deadline) => kill(&why),

        (S::Ending(ExitReason::Reset), E::Gone(_)) => {
            (S::Starting, vec![A::Release, A::Launch, A::Arm(Limit::Start)])
        }
        (S::Ending(reason), E::Gone(_)) => off(Some(describe(reason))),
        (S::PoweringOff, E::Gone(_)) => off(Some(describe(ExitReason::Stopped))),
        (S::Killed, E::Gone(_)) => off(None),
        (S::Starting | S::Reattaching | S::Running(_) | S::ShuttingDown(_) | S::Lost(_), E::Gone(how)) => {
            off(Some(format!("The guest process ended unexpectedly: {how}.")))
        }

        // Everything else is late or redundant: a second stop, a phase while ending, a deadline that was disarmed.
        (state, _) => (state, vec![]),
    }
}

fn kill(why: &str) -> (State, Vec<Action>) {
    (State::Killed, vec![Action::Disarm, Action::Report(why.to_owned()), Action::Kill])
}

fn off(report: Option<String>) -> (State, Vec<Action>) {
    // The report first: a VSP that is killed in between finds the run again and reports it again.
    let mut actions = vec![Action::Disarm];
    actions.extend(report.map(Action::Report));
    actions.push(Action::Release);
    (State::Off, actions)
}

/// For the operator.
pub(crate) fn describe(reason: ExitReason) -> String {
    match reason {
        ExitReason::PowerOff => "Powered off by the guest.".into(),
        ExitReason::Reset => "Reset.".into(),
        ExitReason::Stopped => "Stopped.".into(),
        ExitReason::Fatal(text) => format!("The guest crashed: {text}"),
        ExitReason::Failed(text) => text,
    }
}

impl State {
    /// Whether there is a machine that things can be done with, as opposed to one that ends or that is not reached yet.
    pub(crate) fn has_machine(&self) -> bool {
        matches!(self, State::Starting | State::Running(_) | State::ShuttingDown(_))
    }

    /// As an operator sees it.
    pub(crate) fn shown(&self) -> GuestState {
        match self {
            State::Off => GuestState::Off,
            State::Starting => GuestState::Starting,
            State::Running(Phase::Firmware) => GuestState::OnEfi,
            State::Running(Phase::Os) | State::Reattaching => GuestState::OnOs,
            State::Ending(ExitReason::Reset) => GuestState::OnEfi,
            State::ShuttingDown(_)
            | State::PoweringOff
            | State::Overdue
            | State::Killed
            | State::Lost(_)
            | State::Ending(_) => GuestState::Stopping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(events: &[Event]) -> (State, Vec<Action>) {
        let mut state = State::Off;
        let mut all = Vec::new();
        for event in events {
            let (after, actions) = next(state, event.clone());
            state = after;
            all.extend(actions);
        }
        (state, all)
    }

    fn report(actions: &[Action]) -> Option<&str> {
        actions.iter().rev().find_map(|action| match action {
            Action::Report(text) => Some(text.as_str()),
            _ => None,
        })
    }

    #[test]
    fn a_guest_that_is_killed_is_off_with_the_reason() {
        let gone = Event::Gone("killed by signal 9 (SIGKILL)".into());
        let (state, actions) = run(&[
            Event::Start,
            Event::Started,
            Event::Phase(Phase::Os),
            Event::ControlLost("the other side closed the connection".into()),
            gone,
        ]);
        assert_eq!(state, State::Off);
        assert!(actions.contains(&Action::Release));
        let text = report(&actions).unwrap();
        assert_eq!(text, "The guest process ended unexpectedly: killed by signal 9 (SIGKILL).");
    }

    #[test]
    fn a_graceful_stop_that_takes_too_long_becomes_a_power_off_and_then_a_kill() {
        let events = [Event::Start, Event::Started, Event::StopGraceful, Event::Deadline, Event::Deadline];
        let (state, actions) = run(&events);
        assert_eq!(state, State::Killed);
        let order = [Action::PowerButton, Action::PowerOff, Action::Kill];
        assert_eq!(actions.into_iter().filter(|action| order.contains(action)).collect::<Vec<_>>(), order);
    }

    #[test]
    fn a_reset_starts_a_new_process_only_when_the_old_one_is_gone() {
        let mut events = vec![Event::Start, Event::Started, Event::Exiting(ExitReason::Reset)];
        let launches = |actions: &[Action]| actions.iter().filter(|a| **a == Action::Launch).count();
        assert_eq!(launches(&run(&events).1), 1);
        events.push(Event::Gone("exit status 0".into()));
        let (state, actions) = run(&events);
        assert_eq!((state, launches(&actions)), (State::Starting, 2));
    }

    #[test]
    fn a_reset_during_a_stop_ends_the_guest() {
        let events = [
            Event::Start,
            Event::Started,
            Event::StopGraceful,
            Event::Exiting(ExitReason::Reset),
            Event::Gone("exit status 0".into()),
        ];
        assert_eq!(run(&events).0, State::Off);
    }

    #[test]
    fn a_process_that_is_found_runs_once_it_says_so_and_is_killed_if_it_never_does() {
        assert_eq!(
            run(&[Event::Found, Event::Started, Event::Phase(Phase::Os)]).0,
            State::Running(Phase::Os)
        );
        let (state, actions) = run(&[Event::Found, Event::Deadline]);
        assert_eq!(
            (state, report(&actions)),
            (State::Killed, Some("The guest process did not answer the new VSP."))
        );
    }

    #[test]
    fn a_guest_that_ends_before_the_next_vsp_has_reached_it_is_off_with_its_own_reason() {
        let lost = Event::ControlLost("the other side closed the connection".into());
        let gone = Event::Gone("it was killed or has crashed".into());
        let (state, actions) = run(&[Event::Found, lost, Event::Exiting(ExitReason::PowerOff), gone]);
        assert_eq!((state, report(&actions)), (State::Off, Some("Powered off by the guest.")));
    }

    #[test]
    fn stop_while_stopping_changes_nothing() {
        let events = [Event::Start, Event::Started, Event::StopHard];
        let (state, _) = run(&events);
        assert_eq!(next(state.clone(), Event::StopHard), (state.clone(), vec![]));
        assert_eq!(next(state.clone(), Event::StopGraceful), (state, vec![]));
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let reason = prop_oneof![
            Just(ExitReason::PowerOff),
            Just(ExitReason::Reset),
            Just(ExitReason::Stopped),
            Just(ExitReason::Fatal("loop".into())),
            Just(ExitReason::Failed("no memory".into())),
        ];
        prop_oneof![
            3 => Just(Event::Start),
            1 => Just(Event::StopGraceful),
            1 => Just(Event::StopHard),
            1 => Just(Event::Reset),
            1 => Just(Event::Init),
            1 => Just(Event::Found),
            1 => Just(Event::LaunchFailed("no such file".into())),
            3 => Just(Event::Started),
            1 => prop_oneof![Just(Phase::Firmware), Just(Phase::Os)].prop_map(Event::Phase),
            1 => reason.prop_map(Event::Exiting),
            1 => Just(Event::ControlLost("closed".into())),
            1 => Just(Event::Deadline),
            2 => Just(Event::Gone("exit status 0".into())),
        ]
    }

    proptest! {
        #[test]
        fn invariants_hold_for_any_sequence_of_events(events in prop::collection::vec(any_event(), 0..40)) {
            let (mut state, mut processes, mut armed) = (State::Off, 0, false);
            for event in events {
                // The world: a process ends only if there is one, and a launch fails only while launching.
                match &event {
                    Event::Gone(_) if processes == 0 => continue,
                    Event::Gone(_) => processes -= 1,
                    Event::Found if state != State::Off => continue,
                    Event::Found => processes += 1,
                    Event::LaunchFailed(_) if state != State::Starting => continue,
                    Event::LaunchFailed(_) => processes = 0,
                    Event::Deadline if !armed => continue,
                    Event::Deadline => armed = false,
                    _ => {}
                }
                let (after, actions) = next(state, event);
                state = after;
                for action in actions {
                    match action {
                        Action::Launch => processes += 1,
                        Action::Arm(_) => armed = true,
                        Action::Disarm => armed = false,
                        _ => {}
                    }
                }
                prop_assert!(processes <= 1, "two processes");
                prop_assert_eq!(processes == 0, state == State::Off);
                let waits = matches!(state,
                    State::Starting | State::Reattaching | State::ShuttingDown(_) | State::PoweringOff
                    | State::Overdue | State::Ending(_) | State::Lost(_));
                prop_assert_eq!(waits, armed, "deadline in {:?}", state);
            }
        }
    }
}

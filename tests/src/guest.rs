//! A guest of a VSP under test.

use ipc::message::{GuestDetail, GuestRef, GuestState};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{Console, Deadline, Ran, Vsp, wait_for};

/// Names a guest; whether it exists is another matter.
pub struct Guest<'a> {
    vsp: &'a Vsp,
    name: String,
}

impl<'a> Guest<'a> {
    pub(crate) fn new(vsp: &'a Vsp, name: &str) -> Guest<'a> {
        Guest { vsp, name: name.to_owned() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a command on it: `-P name` is added.
    pub fn run(&self, command: &str, options: &[&str]) -> Ran {
        self.vsp.run(&[&[command, "-P", &self.name], options].concat())
    }

    /// Starts it.
    ///
    /// # Panics
    /// If that fails.
    #[track_caller]
    pub fn start(&self) {
        let ran = self.run("start", &[]);
        let last = format!("hpvmstart: Successful start initiation of guest '{}'\n", self.name);
        assert!(ran.ok().ends_with(&last), "{ran:?}");
    }

    /// Stops it hard, without a question.
    ///
    /// # Panics
    /// If that fails.
    #[track_caller]
    pub fn stop(&self) {
        assert_eq!(self.run("stop", &["-F"]).ok(), format!("hpvmstop: Guest '{}' stopped\n", self.name));
    }

    /// What the VSP knows of it.
    ///
    /// # Panics
    /// If it is not there.
    pub fn detail(&self) -> GuestDetail {
        self.vsp.client().guest(&GuestRef::Name(self.name.clone())).expect("the guest is there")
    }

    /// Its state.
    ///
    /// # Panics
    /// If it is not there.
    pub fn state(&self) -> GuestState {
        self.detail().summary.state
    }

    /// Waits until it is in a state.
    ///
    /// # Panics
    /// If that does not happen in time.
    #[track_caller]
    pub fn wait_until(&self, state: GuestState, deadline: Deadline) {
        let what = format!("guest {} to be {state:?}", self.name);
        wait_for(deadline, &what, || self.vsp.logs(), || (self.state() == state).then_some(()));
    }

    /// How its last run ended.
    ///
    /// # Panics
    /// If it has not run.
    pub fn reason(&self) -> String {
        self.detail().summary.reason.expect("it has run")
    }

    /// Process id of its process.
    ///
    /// # Panics
    /// If it is off.
    pub fn pid(&self) -> i32 {
        self.detail().summary.pid.expect("it is on") as i32
    }

    /// Sends a signal to its process.
    ///
    /// # Panics
    /// If it is off.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).expect("it can be signalled");
    }

    /// Its console, with write access and everything it wrote so far.
    ///
    /// # Panics
    /// If there is none.
    pub fn console(&self) -> Console<'a> {
        Console::open(self.vsp, &self.name)
    }
}

//! A guest of a VSP under test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ipc::message::{GuestDetail, GuestRef, GuestState};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{Console, Deadline, Ran, Vsp, wait_for};

/// What the program in the box writes when it waits for a command.
pub const DIAG_PROMPT: &str = "diag# ";

/// Says that something is over, also where it failed.
struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

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

    /// Starts it; its program is the one in the box, which waits for commands then.
    ///
    /// # Panics
    /// If that fails.
    #[track_caller]
    pub fn start_diag(&self) {
        let mut console = self.console();
        self.start();
        console.expect(DIAG_PROMPT, Deadline::Guest);
    }

    /// Keeps the program in the box printing while `work` goes on.
    pub fn flood<T>(&self, work: impl FnOnce() -> T) -> T {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let over = OnDrop(&is_over);
            scope.spawn(|| {
                let mut console = self.console();
                let line = vec!["help"; 50].join(";");
                while !is_over.load(Ordering::Relaxed) {
                    console.line(&line);
                    console.expect(DIAG_PROMPT, Deadline::Guest);
                }
            });
            let result = work();
            drop(over);
            result
        })
    }

    /// Bytes that it has printed since it was started.
    ///
    /// # Panics
    /// If the VSP does not say.
    pub fn printed(&self) -> u64 {
        let figures = self.vsp.client().figures(None).expect("the VSP has figures");
        let own = figures.iter().find(|guest| guest.name == self.name);
        own.and_then(|guest| guest.machine.as_ref()).map_or(0, |machine| machine.console_bytes)
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

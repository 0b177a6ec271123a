//! A real terminal, by tmux: what an operator types at a shell, and what the screen shows.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Deadline, Vsp, hpvm, wait_for};

/// Names the only window.
const SESSION: &str = "journey";

/// A shell on a screen of 80 columns and 24 lines, with a state directory of its own.
pub struct Terminal {
    vsp: Vsp,
}

impl Terminal {
    /// Opens one; nothing, and a line that says so, where there is no tmux.
    ///
    /// # Panics
    /// If tmux does not work.
    pub fn open() -> Option<Terminal> {
        let found = Command::new("tmux").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            println!("skipped: there is no tmux on this machine");
            return None;
        }
        let terminal = Terminal { vsp: Vsp::new() };
        let directory = hpvm().parent().expect("hpvm lies in a directory");
        let path = std::env::join_paths([directory, Path::new("/bin"), Path::new("/usr/bin")]);
        let mut tmux = terminal.tmux();
        tmux.args(["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "-s", SESSION, "/bin/sh"]);
        tmux.env_clear().env("PATH", path.expect("a search path")).env("HPVM_ROOT", terminal.vsp.root());
        tmux.env("LANG", "C.UTF-8").env("TERM", "xterm-256color");
        assert!(tmux.status().expect("tmux runs").success());
        // What programs copy (OSC 52) is kept.
        let set = terminal.tmux().args(["set", "-s", "set-clipboard", "on"]).status();
        assert!(set.expect("tmux runs").success());
        Some(terminal)
    }

    /// Gives the screen another size.
    ///
    /// # Panics
    /// If tmux does not take it.
    pub fn resize(&self, columns: u16, lines: u16) {
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let mut tmux = self.tmux();
        tmux.args(["resize-window", "-t", SESSION, "-x", &columns, "-y", &lines]);
        assert!(tmux.status().expect("tmux runs").success());
    }

    /// Waits until `text` is what was copied last.
    ///
    /// # Panics
    /// After the deadline, with what it is, or if tmux does not say.
    pub fn see_copied(&self, text: &str) {
        let copied = || {
            let output = self.tmux().arg("show-buffer").output().expect("tmux runs");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let is_copied = || (copied() == text).then_some(());
        wait_for(Deadline::Soon, &format!("'{text}' to be copied"), copied, is_copied);
    }

    /// The VSP that commands here talk to.
    pub fn vsp(&self) -> &Vsp {
        &self.vsp
    }

    /// Presses keys by the names that tmux has for them.
    ///
    /// # Panics
    /// If tmux does not take them.
    pub fn press(&self, keys: &[&str]) {
        let mut tmux = self.tmux();
        assert!(tmux.args(["send-keys", "-t", SESSION]).args(keys).status().expect("tmux runs").success());
    }

    /// Types text as it is.
    ///
    /// # Panics
    /// If tmux does not take it.
    pub fn type_text(&self, text: &str) {
        self.press(&["-l", text]);
    }

    /// Types a line.
    ///
    /// # Panics
    /// If tmux does not take it.
    pub fn line(&self, text: &str) {
        self.type_text(text);
        self.press(&["Enter"]);
    }

    /// What the screen shows now.
    ///
    /// # Panics
    /// If tmux does not say.
    pub fn screen(&self) -> String {
        let output = self.tmux().args(["capture-pane", "-p", "-t", SESSION]).output().expect("tmux runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the screen shows now, with the control sequences of attributes and colours.
    ///
    /// # Panics
    /// If tmux does not say.
    pub fn coloured_screen(&self) -> String {
        let output = self.tmux().args(["capture-pane", "-e", "-p", "-t", SESSION]).output();
        String::from_utf8_lossy(&output.expect("tmux runs").stdout).into_owned()
    }

    /// Waits until the screen is as `is_there` wants it, and returns it.
    ///
    /// # Panics
    /// After the deadline, with the screen and all logs.
    pub fn see(&self, deadline: Deadline, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let explain = || format!("the screen:\n{}\n{}", self.screen(), self.vsp.logs());
        wait_for(deadline, what, explain, || Some(self.screen()).filter(|screen| is_there(screen)))
    }

    /// Waits until the screen shows `text`, and returns the screen.
    ///
    /// # Panics
    /// As [`Terminal::see`].
    pub fn see_text(&self, deadline: Deadline, text: &str) -> String {
        self.see(deadline, text, |screen| screen.contains(text))
    }

    fn tmux(&self) -> Command {
        let socket: PathBuf = self.vsp.path("tmux");
        let mut command = Command::new("tmux");
        command.arg("-S").arg(socket);
        command
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").stderr(Stdio::null()).status();
    }
}

//! A VSP with a state directory of its own, and the commands that talk to it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipc::client::Client;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};
use tempfile::TempDir;

use crate::{Deadline, Guest, hpvm, wait_for};

/// A state directory and whatever runs in it.
pub struct Vsp {
    directory: TempDir,
    foreground: Mutex<Option<Child>>,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ran {
    what: String,
    output: Output,
}

impl Ran {
    /// Its exit status.
    ///
    /// # Panics
    /// If it was killed.
    pub fn status(&self) -> i32 {
        self.output.status.code().unwrap_or_else(|| panic!("{self:?} was killed"))
    }

    /// Its standard output.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Its standard error.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// It succeeded and had nothing to complain of; its standard output.
    #[track_caller]
    pub fn ok(&self) -> String {
        assert!(self.output.status.success(), "{}\n{}{}", self.what, self.stdout(), self.stderr());
        assert_eq!(self.stderr(), "", "{}", self.what);
        self.stdout()
    }

    /// It succeeded, and all it had to remark is which patches of HP-UX attached devices miss; its standard output.
    #[track_caller]
    pub fn done(&self) -> String {
        assert_eq!(self.status(), 0, "{self:?}");
        for line in self.stderr().lines() {
            assert!(line.contains("Patch PHKL_"), "{}: {line}", self.what);
        }
        self.stdout()
    }

    /// It failed with status 1 and exactly these lines on standard error.
    #[track_caller]
    pub fn refused(&self, lines: &[&str]) {
        assert_eq!(self.stderr().lines().collect::<Vec<_>>(), lines, "{}", self.what);
        assert_eq!(self.status(), 1, "{}", self.what);
    }
}

impl Default for Vsp {
    fn default() -> Self {
        Vsp::new()
    }
}

impl Vsp {
    /// A new, empty state directory; no process yet.
    ///
    /// # Panics
    /// If there is no room for it.
    pub fn new() -> Vsp {
        // Short, because the path of a socket is.
        let directory = tempfile::Builder::new().prefix("hpvm-").tempdir_in("/tmp").expect("a directory");
        Vsp { directory, foreground: Mutex::default() }
    }

    /// The state directory.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// A path for a file of the test's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes a file for the test.
    ///
    /// # Panics
    /// If there is no room for it.
    pub fn file(&self, name: &str, contents: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, contents).expect("a file");
        path.display().to_string()
    }

    /// Makes a sparse file of a size in bytes, as a backing store.
    ///
    /// # Panics
    /// If there is no room for it.
    pub fn disk(&self, name: &str, size: u64) -> String {
        let path = self.path(name);
        fs::File::create(&path).and_then(|file| file.set_len(size)).expect("a sparse file");
        path.display().to_string()
    }

    /// A command of this VSP, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(hpvm());
        command.args(arguments).env("HPVM_ROOT", self.root()).env_remove("HPVM_LOG").stdin(Stdio::null());
        command
    }

    /// Runs `hpvm` with these arguments.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().expect("hpvm runs");
        Ran { what: format!("hpvm {}", arguments.join(" ")), output }
    }

    /// Runs `hpvm` with these arguments until it prints what `is_there` wants, and returns that. Logs are written a
    /// moment after what they tell of.
    ///
    /// # Panics
    /// After the deadline, or if it fails.
    pub fn run_until(&self, arguments: &[&str], is_there: impl Fn(&str) -> bool) -> String {
        let run = || self.run(arguments).ok();
        wait_for(Deadline::Soon, &format!("hpvm {}", arguments.join(" ")), run, || {
            Some(run()).filter(|printed| is_there(printed))
        })
    }

    /// Runs `hpvm` with these arguments and standard input.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        finish(self.command(arguments), arguments, input)
    }

    /// Lets every account of this host come as far as the state directory.
    ///
    /// # Panics
    /// If that is not possible.
    pub fn open_way(&self) {
        fs::set_permissions(self.directory.path(), fs::Permissions::from_mode(0o711)).expect("own directory");
    }

    /// A command that an account of this host runs while it is in a group, not started yet. Only root can do that.
    ///
    /// # Panics
    /// If there is no such account or group.
    pub fn command_as(&self, user: &str, group: &str, arguments: &[&str]) -> Command {
        let uid = User::from_name(user).ok().flatten().expect("an account").uid;
        let gid = nix::unistd::Group::from_name(group).ok().flatten().expect("a group").gid;
        let mut command = self.command(arguments);
        command.current_dir("/").env_remove("HOME").uid(uid.as_raw()).gid(gid.as_raw());
        command
    }

    /// Runs such a command with standard input.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn run_as(&self, user: &str, group: &str, arguments: &[&str], input: &str) -> Ran {
        finish(self.command_as(user, group, arguments), arguments, input)
    }

    /// Starts the VSP in the foreground and waits until it serves.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(&self) {
        let mut command = self.command(&["vsp", "start", "--foreground"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("hpvm runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        *self.foreground() = Some(child);
        assert_eq!(line, "ready\n", "{}", self.logs());
    }

    /// Process id of the VSP that runs.
    pub fn pid(&self) -> Option<i32> {
        let pid = fs::read_to_string(self.root().join("lock")).ok()?.trim().parse().ok()?;
        is_alive(pid).then_some(pid)
    }

    /// Kills the VSP as if by accident, and waits until it is gone.
    ///
    /// # Panics
    /// If there is none.
    pub fn kill(&self) {
        let pid = self.pid().expect("a VSP runs");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it can be killed");
        if let Some(mut child) = self.foreground().take() {
            let _ = child.wait();
        }
        wait_for(Deadline::Soon, "the VSP to be gone", || self.logs(), || (!is_alive(pid)).then_some(()));
    }

    /// A connection of one's own.
    ///
    /// # Panics
    /// If no VSP can be reached.
    pub fn client(&self) -> Client {
        Client::connect(&self.root().join("run/vsp.sock")).expect("a VSP runs")
    }

    /// Handle of a guest, which need not exist.
    pub fn guest(&self, name: &str) -> Guest<'_> {
        Guest::new(self, name)
    }

    /// Creates a guest with these options and gives its handle.
    ///
    /// # Panics
    /// If it is refused.
    #[track_caller]
    pub fn create(&self, name: &str, options: &[&str]) -> Guest<'_> {
        let arguments = [&["create", "-P", name, "-B", "manual"], options].concat();
        assert_eq!(self.run(&arguments).ok(), "");
        self.guest(name)
    }

    /// The VSP's own log as it is in its files.
    pub fn log(&self) -> String {
        let files = entries(&self.root().join("common/log"));
        files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect()
    }

    /// The ends of all logs.
    pub fn logs(&self) -> String {
        let mut all = String::new();
        let mut files = entries(&self.root().join("common/log"));
        files.push(self.root().join("common/vsp.stderr"));
        for guest in entries(&self.root().join("guests")) {
            files.extend(entries(&guest.join("log")));
            files.extend(["stderr", "console.log"].map(|name| guest.join(name)));
        }
        for file in files {
            let Ok(bytes) = fs::read(&file) else { continue };
            let tail = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(4000)..]).into_owned();
            all += &format!("--- {}\n{tail}\n", file.display());
        }
        all
    }

    fn foreground(&self) -> MutexGuard<'_, Option<Child>> {
        self.foreground.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guest_pids(&self) -> Vec<i32> {
        let guests = fs::read_dir(self.root().join("guests")).into_iter().flatten().flatten();
        guests
            .filter_map(|guest| pid_in(&guest.path().join("run.toml")))
            .filter(|pid| is_alive(*pid))
            .collect()
    }
}

impl Drop for Vsp {
    fn drop(&mut self) {
        let mut pids = self.guest_pids();
        pids.extend(self.pid());
        for pid in pids {
            // It may have ended just now.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        if let Some(mut child) = self.foreground().take() {
            let _ = child.wait();
        }
    }
}

/// Runs a command with standard input to its end.
fn finish(mut command: Command, arguments: &[&str], input: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("hpvm runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that does not read it all may close the pipe.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("hpvm ends");
    Ran { what: format!("hpvm {}", arguments.join(" ")), output }
}

/// What is in a directory, by name; nothing if it is none.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<_> = found.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The process id in a note beside a guest's configuration.
pub(crate) fn pid_in(path: &Path) -> Option<i32> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix("pid = "))?.trim().parse().ok()
}

/// Is there such a process, other than one that only waits to be reaped?
pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}

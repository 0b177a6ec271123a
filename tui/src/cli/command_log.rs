//! `common/command.log`: the commands run on this VSP (hpvm.md 5.5), a line each when it has ended.
//!
//! ```text
//!   2026-11-27T07:03:39Z root(0) exit 1: hpvmstart -P ivm1
//! ```
//!
//! Moment of the start, account, exit status (hpvm.md 4.0), command. Written for the owner of the state directory, who alone
//! can write there; what others ask is in the VSP's log. A command that was killed is not in it.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jiff::Timestamp;
use nix::unistd::{User, geteuid};
use vsp_proc::root::StateRoot;

const FILE: &str = "command.log";
/// Name of the file that was full.
const FORMER: &str = "command.log.1";
/// Size in bytes at which a new file is begun.
const FULL: u64 = 4 << 20;

/// Notes a command that has ended with `status`. That it cannot be noted is no reason for it to fail.
pub(super) fn append(started: Timestamp, command: &str, arguments: &[OsString], status: u8) {
    let Ok(root) = StateRoot::resolve() else { return };
    if root.owner().is_ok_and(|owner| owner == geteuid().as_raw()) {
        let _ = write(&root.common(), &line(started, &account(), command, arguments, status));
    }
}

/// The account that runs this process.
fn account() -> String {
    let id = geteuid();
    let name = User::from_uid(id).ok().flatten().map(|user| user.name);
    format!("{}({id})", name.unwrap_or_default())
}

fn line(started: Timestamp, account: &str, command: &str, arguments: &[OsString], status: u8) -> String {
    let word = |argument: &OsString| {
        let text = argument.to_string_lossy();
        let is_plain = |c: char| c.is_ascii_graphic() && !"'\"\\".contains(c);
        // In quotes no argument looks like another one, or like another line.
        if !text.is_empty() && text.chars().all(is_plain) { text.into_owned() } else { format!("{text:?}") }
    };
    let arguments: String = arguments.iter().map(|argument| format!(" {}", word(argument))).collect();
    format!("{started:.0} {account} exit {status}: {command}{arguments}\n")
}

fn write(directory: &Path, line: &str) -> io::Result<()> {
    let path = directory.join(FILE);
    if fs::metadata(&path).is_ok_and(|found| found.len() >= FULL) {
        fs::rename(&path, directory.join(FORMER))?;
    }
    // In one call, so that lines of several commands do not mix.
    OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line_whatever_its_arguments_are() {
        let started = Timestamp::from_second(1_795_464_000).unwrap();
        let arguments = ["-P", "ivm1", "-l", "two\nlines \"x\"", ""].map(OsString::from);
        assert_eq!(
            line(started, "root(0)", "hpvmmodify", &arguments, 1),
            "2026-11-23T20:00:00Z root(0) exit 1: hpvmmodify -P ivm1 -l \"two\\nlines \\\"x\\\"\" \"\"\n"
        );
    }

    #[test]
    fn a_full_log_is_kept_and_a_new_one_begun() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        write(directory.path(), "one\n").unwrap();
        write(directory.path(), "two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        fs::File::options().write(true).open(&path).unwrap().set_len(FULL).unwrap();
        write(directory.path(), "three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        assert_eq!(fs::metadata(directory.path().join(FORMER)).unwrap().len(), FULL);
    }
}

//! Each restriction in a process of its own: this executable again, which does what it may not and says how it went.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

use landlock::RulesetStatus;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use tempfile::TempDir;

use super::*;

const DIRECTORY: &str = "KITTSON_TEST_DIRECTORY";

/// Runs the test of this name in another process, where [`inside`] gives it a directory.
fn in_a_process(name: &str, mode: &str) -> Output {
    let directory = TempDir::new().unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("sandbox::tests::{name}"), "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory.path())
        .env(VARIABLE, mode)
        .output()
        .unwrap()
}

fn inside() -> Option<PathBuf> {
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn no_path_is_left_but_the_log_s() {
    let Some(directory) = inside() else {
        let output = in_a_process("no_path_is_left_but_the_log_s", "on");
        assert!(output.status.success(), "{}", said(&output));
        return;
    };
    let own = std::env::current_exe().unwrap();
    let sandbox = Sandbox::begin(Some(&directory)).unwrap();
    if !matches!(sandbox.files, Ok(RulesetStatus::FullyEnforced)) {
        println!("skipped: this kernel gives {:?}", sandbox.files);
        return;
    }
    let denied = |error: std::io::Error| assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    denied(File::open(own).unwrap_err());
    denied(fs::read_dir("/").unwrap_err());
    denied(File::create(directory.parent().unwrap().join("kittson-test")).unwrap_err());
    denied(TcpListener::bind("127.0.0.1:0").unwrap_err());
    let (log, old) = (directory.join("log"), directory.join("old"));
    fs::write(&log, "line").unwrap();
    fs::rename(&log, &old).unwrap();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    fs::remove_file(old).unwrap();
    sandbox.finish();
    std::thread::spawn(move || fs::write(log, "line").unwrap()).join().unwrap();
}

fn open_a_socket() {
    println!("{:?}", socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None).map(|_| ()));
}

#[test]
fn a_system_call_that_is_not_left_ends_the_process_and_is_named() {
    if let Some(directory) = inside() {
        Sandbox::begin(Some(&directory)).unwrap().finish();
        return open_a_socket();
    }
    for (mode, survives) in [("on", false), ("log", true), ("off", true)] {
        let output = in_a_process("a_system_call_that_is_not_left_ends_the_process_and_is_named", mode);
        let text = format!("system call {} is not allowed to a guest process", libc::SYS_socket);
        assert_eq!((output.status.success(), said(&output).contains(&text)), (survives, !survives), "{mode}");
    }
}

#[test]
fn what_the_environment_asks_for_exists() {
    if let Some(directory) = inside() {
        let error = Sandbox::begin(Some(&directory)).unwrap_err();
        assert_eq!(error.to_string(), "KITTSON_SANDBOX is 'maybe', not on, log or off");
        return;
    }
    let output = in_a_process("what_the_environment_asks_for_exists", "maybe");
    assert!(output.status.success(), "{}", said(&output));
}

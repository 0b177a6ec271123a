//! hpvm log: choosing among what is kept, following it, consoles, and who sees what.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use tests::{Deadline, Vsp};

use crate::commands_show::Running;
use crate::guest::{PROMPT, diag, running};
use crate::rights;

#[test]
fn logs_are_chosen_by_time_and_text() {
    let vsp = Vsp::new();
    vsp.create("ivm1", &[]);
    vsp.create("ivm2", &[]);
    let log = |options: &[&str]| vsp.run(&[&["log", "vsp"], options].concat()).ok();
    let created = ["log", "vsp", "--grep", "guest created.*guest=ivm[12]"];
    vsp.run_until(&created, |log| log.lines().count() == 2);
    assert!(log(&["--since", "5m"]).contains("guest=ivm1"));
    assert_eq!(log(&["--since", "2100-01-01"]), "");
    assert_eq!(log(&["-n", "1"]).lines().count(), 1);
    assert_eq!(log(&["-n", "1", "--grep", "guest created"]).matches("guest=ivm2").count(), 1);
    assert_eq!(vsp.run(&["log", "--since", "yesterday"]).status(), 1);
    assert_eq!(vsp.run(&["log", "--grep", "("]).status(), 1);
}

#[test]
fn a_followed_log_says_that_the_vsp_ended_and_returned() {
    let vsp = Vsp::new();
    vsp.run(&["status"]).ok();
    let mut command = vsp.command(&["log", "-f", "vsp", "--grep", "VSP starts"]);
    let mut follower = Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut records = BufReader::new(follower.0.stdout.take().unwrap()).lines();
    let mut remarks = BufReader::new(follower.0.stderr.take().unwrap()).lines();
    assert!(records.next().unwrap().unwrap().contains("VSP starts"));
    vsp.kill();
    assert_eq!(remarks.next().unwrap().unwrap(), "hpvm log: the VSP has ended; waiting for it to return");
    vsp.run(&["status"]).ok();
    assert_eq!(remarks.next().unwrap().unwrap(), "hpvm log: the VSP has returned");
    assert!(records.next().unwrap().unwrap().contains("VSP starts"));
}

#[test]
fn logs_are_followed_over_a_restart_of_the_vsp() {
    let vsp = Vsp::new();
    let guest = diag(&vsp, "ivm1");
    let mut follower =
        vsp.command(&["log", "-f", "ivm1"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines().map_while(Result::ok);
    guest.start();
    assert!(lines.any(|line| line.contains(" INFO ivm1: the guest runs ")));
    vsp.kill();
    vsp.run(&["status"]).ok();
    assert!(lines.any(|line| line.contains(" INFO ivm1: a VSP has taken over")));
    guest.stop();
    guest.start();
    assert!(lines.any(|line| line.contains(" INFO ivm1: the guest runs ")));
    guest.stop();
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn consoles_are_searched_replayed_and_followed_over_a_restart_of_the_vsp() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    vsp.create("ivm2", &[]);
    let found = vsp.run(&["log", "--console", "--grep", "diagnostic guest"]).ok();
    assert!(found.ends_with(" INFO ivm1 console: Kittson diagnostic guest 1.0\n"), "{found}");
    assert_eq!(vsp.run(&["log", "--console", "ivm2"]).ok(), "");
    vsp.run_until(&["log", "--console=also", "ivm1", "-n", "1000"], |log| {
        log.contains(" INFO ivm1: the guest runs ") && log.contains(" INFO ivm1 console: ")
    });
    let alone = vsp.run_until(&["log", "ivm1"], |log| log.contains(" INFO vsp: guest process started "));
    assert!(!alone.contains("console: "), "{alone}");
    let replayed = vsp.run(&["log", "--console=raw", "ivm1"]).ok();
    assert_eq!(replayed, std::fs::read_to_string(vsp.root().join("guests/ivm1/console.log")).unwrap());
    assert_eq!(
        vsp.run(&["log", "--console", "--pace=1000", "ivm1"]).ok(),
        vsp.run(&["log", "--console", "ivm1"]).ok()
    );
    vsp.run(&["log", "--console=raw"]).refused(&["hpvm log: --console=raw takes the name of a guest."]);

    let mut command = vsp.command(&["log", "-f", "--console", "ivm1", "--grep", "diag# number "]);
    let mut follower = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(follower.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let say = |number: u32| {
        let mut console = guest.console();
        console.skip();
        console.line(&format!("number {number}"));
        console.expect(&format!("number {number}\r\n"), Deadline::Guest);
        console.expect(PROMPT, Deadline::Guest);
    };
    let mut next = || lines.next().expect("a line").rsplit(' ').next().unwrap().parse::<u32>().unwrap();
    for number in 0..6 {
        say(number);
        if number % 2 == 0 {
            // It may have shown this one already, or not.
            vsp.kill();
            vsp.run(&["status"]).ok();
        }
    }
    assert_eq!([(); 6].map(|()| next()), [0, 1, 2, 3, 4, 5]);
    guest.stop();
}

#[test]
fn a_console_is_followed_byte_for_byte_over_a_restart_of_the_vsp() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let mut command = vsp.command(&["log", "-f", "--console=raw", "ivm1"]);
    let mut follower = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut stdout = follower.0.stdout.take().unwrap();
    let mut seen = Vec::new();
    for number in 0..4 {
        let mut console = guest.console();
        console.skip();
        console.line(&format!("number {number}"));
        console.expect(&format!("number {number}\r\n"), Deadline::Guest);
        console.expect(PROMPT, Deadline::Guest);
        if number % 2 == 0 {
            vsp.kill();
            vsp.run(&["status"]).ok();
        }
        // Until it has come as far as the guest: what it has of it is what is kept.
        let log = std::fs::read(vsp.root().join("guests/ivm1/console.log")).unwrap();
        let mut part = vec![0; log.len() - seen.len()];
        stdout.read_exact(&mut part).unwrap();
        seen.extend(part);
        assert_eq!(String::from_utf8_lossy(&seen), String::from_utf8_lossy(&log));
    }
    guest.stop();
}

#[test]
fn who_has_rights_on_some_guests_sees_their_records_and_no_others() {
    let Some(vsp) = rights::shared() else { return };
    let guests = ["ivm1", "ivm2", "ivm3"].map(|name| diag(&vsp, name));
    for guest in &guests {
        guest.start();
        guest.console().expect(PROMPT, Deadline::Guest);
    }
    rights::grant(&guests[0], "news:oper");
    rights::grant(&guests[1], "news:admin");
    let sources = |arguments: &[&str]| {
        // Each guest's process says so, in a file of its own.
        vsp.run_until(&["log", "-n", "10000", "--grep", "the guest runs"], |log| log.lines().count() == 3);
        let log = rights::run(&vsp, "news", &[&["log", "-n", "10000"], arguments].concat()).ok();
        let source = |line: &str| line.get(31..).and_then(|rest| rest.split_once(": ")).unwrap().0.to_owned();
        log.lines().map(source).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(sources(&[]), ["ivm1", "ivm2"]);
    assert_eq!(sources(&["--console=also"]), ["ivm1", "ivm1 console", "ivm2", "ivm2 console"]);
    rights::run(&vsp, "games", &["log"]).refused(&[&format!("hpvm log: {}", rights::SUPERUSER)]);

    let mut command = vsp.command_as("news", rights::GROUP, &["log", "-f", "-n", "0"]);
    let mut follower = Running(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(follower.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    for guest in guests.iter().rev() {
        guest.stop();
    }
    let ends = |line: String| line.contains("outcome=").then(|| line[31..35].to_owned());
    assert_eq!([(); 2].map(|()| lines.find_map(ends).expect("a line")), ["ivm2", "ivm1"]);
}

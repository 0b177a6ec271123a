//! The commands on guests that are off.

use std::os::unix::process::CommandExt;
use std::process::Command;

use ipc::message::GuestState;
use tests::{Vsp, hpvm};

#[test]
fn a_guest_is_created_shown_modified_renamed_and_removed() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    let statement = format!("disk:avio_stor::file:{disk}");
    let guest = vsp.create("ivm1", &["-O", "linux", "-c", "2", "-r", "1G", "-a", &statement]);
    assert!(
        vsp.run(&["status"])
            .ok()
            .ends_with("\nivm1                     2 SH   LINUX   Off            2     1     0    1 GB\n")
    );
    guest.run("modify", &["-c", "4", "-r", "512M", "-N", "ivm2", "-l", "Virtual Machine number One"]).ok();
    let renamed = vsp.guest("ivm2");
    let detail = renamed.detail();
    assert_eq!((detail.summary.vcpus, detail.summary.memory_bytes), (4, 512 << 20));
    assert_eq!(detail.label, "Virtual Machine number One");
    assert!(renamed.run("status", &["-d"]).ok().contains(&format!("\ndisk:avio_stor:0,0,0:file:{disk}\n")));
    assert!(
        renamed.run("status", &[]).ok().contains("\ndisk    avio_stor    0   0   0   0   0 file      /tmp/")
    );
    renamed.run("modify", &["-d", &format!("disk:avio_stor:0,0,0:file:{disk}")]).ok();
    renamed.run("remove", &["-F"]).ok();
    renamed.run("status", &[]).refused(&["hpvmstatus: Unable to find guest 'ivm2'."]);
    assert!(std::path::Path::new(&disk).exists());
}

#[test]
fn several_changes_are_made_all_or_none() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    let guest = vsp.create("ivm1", &[]);
    let (good, bad) = (format!("disk:avio_stor::file:{disk}"), "disk:avio_stor:0,8,0:file:/x");
    guest.run("modify", &["-c", "4", "-a", &good, "-a", bad]).refused(&[
        "hpvmmodify: ERROR (ivm1): Illegal slot 8 (valid range is 0-7).",
        "hpvmmodify: Unable to create device disk:avio_stor:0,8,0:file:/x.",
        "hpvmmodify: Unable to modify the guest.",
    ]);
    let detail = guest.detail();
    assert_eq!((detail.summary.vcpus, detail.devices.len()), (1, 0));
}

#[test]
fn questions_are_asked_and_no_is_the_default() {
    let vsp = Vsp::new();
    vsp.create("ivm1", &[]);
    let asked = "hpvmremove: Remove the virtual machine 'ivm1'? [n]: ";
    for answer in ["", "n\n", "perhaps\n"] {
        let ran = vsp.run_with_input(&["remove", "-P", "ivm1"], answer);
        assert_eq!((ran.stdout().as_str(), ran.stderr().as_str(), ran.status()), (asked, "", 1));
    }
    assert_eq!(vsp.guest("ivm1").state(), GuestState::Off);
    assert_eq!(vsp.run_with_input(&["remove", "-P", "ivm1"], "y\n").ok(), asked);
}

#[test]
fn checking_only_changes_nothing() {
    let vsp = Vsp::new();
    vsp.run(&["create", "-P", "ivm1", "-s"]).ok();
    vsp.run(&["status", "-P", "ivm1"]).refused(&["hpvmstatus: Unable to find guest 'ivm1'."]);
}

#[test]
fn classic_names_work_through_links() {
    let vsp = Vsp::new();
    let directory = vsp.path("bin");
    vsp.run(&["install-links", &directory.display().to_string()]).ok();
    vsp.create("ivm1", &[]);
    let mut command = Command::new(directory.join("hpvmstatus"));
    let output = command.args(["-P", "ivm1", "-M"]).env("HPVM_ROOT", vsp.root()).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("ivm1::2::Integrity VM:"));
    // The name a program was called by need not be the name of its file.
    let output = Command::new(hpvm())
        .arg0("hpvmstop")
        .args(["-P", "ivm1", "-F"])
        .env("HPVM_ROOT", vsp.root())
        .output();
    assert_eq!(
        String::from_utf8(output.unwrap().stderr).unwrap(),
        "hpvmstop: ERROR (ivm1): Guest is not running.\nhpvmstop: Unable to continue.\n"
    );
}

#[test]
fn wrong_usage_is_a_failure() {
    let vsp = Vsp::new();
    for arguments in [&["start"][..], &["create"], &["create", "-P", "x", "-r", "lots"], &["dance"]] {
        assert_eq!(vsp.run(arguments).status(), 1, "{arguments:?}");
    }
    assert!(!vsp.root().exists(), "wrong usage starts no VSP");
}

#[test]
fn the_log_shows_requests_and_everything_of_one_guest() {
    let vsp = Vsp::new();
    vsp.create("ivm1", &[]);
    let is_created =
        |line: &str| line.contains(" INFO vsp: guest created request=") && line.ends_with(" guest=ivm1");
    vsp.run_until(&["log", "vsp"], |log| log.lines().any(is_created));
    vsp.run(&["log", "nobody"]).refused(&["hpvm log: Unable to find guest 'nobody'."]);
}

#[test]
fn every_command_is_noted_with_its_exit_status() {
    let vsp = Vsp::new();
    vsp.run(&["info"]).ok();
    assert!(!vsp.root().exists(), "the log makes no state directory");
    vsp.create("ivm1", &["-l", "two words"]);
    vsp.run(&["start", "-P", "none"]);
    vsp.run(&["start"]);
    vsp.run(&["net", "-S", "vlan1"]);
    let log = std::fs::read_to_string(vsp.root().join("common/command.log")).unwrap();
    // Moment and account go before.
    let ends: Vec<&str> = log.lines().filter_map(|line| line.split_once(") ")).map(|(_, end)| end).collect();
    assert!(
        ends[0].starts_with("exit 0: hpvmcreate -P ivm1") && ends[0].contains(" -l \"two words\""),
        "{log}"
    );
    assert_eq!(
        ends[1..],
        ["exit 1: hpvmstart -P none", "exit 1: hpvmstart", "exit 1: hpvmnet -S vlan1"],
        "{log}"
    );
}

#[test]
fn commands_without_a_counterpart_say_so() {
    let vsp = Vsp::new();
    vsp.run(&["net"])
        .refused(&["hpvmnet: This VSP has no virtual switches: guests have no network devices."]);
    assert!(vsp.run(&["net", "-v"]).ok().starts_with("hpvmnet Version "));
    assert!(vsp.run(&["net", "-H"]).ok().starts_with("This VSP has no virtual switches"));
    let directory = vsp.path("bin");
    vsp.run(&["install-links", &directory.display().to_string()]).ok();
    let output = Command::new(directory.join("hpvmsuspend")).args(["-P", "ivm1"]).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "hpvmsuspend: Guests of this VSP cannot be suspended. Use hpvmstop -g.\n"
    );
}

#[test]
fn stopping_all_where_none_runs_is_nothing_to_do() {
    let vsp = Vsp::new();
    vsp.create("ivm1", &[]);
    assert_eq!(vsp.run(&["stop", "-a", "-F"]).ok(), "");
}

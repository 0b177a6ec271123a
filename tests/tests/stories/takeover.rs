//! A VSP that is killed at any instant, or leaves, while guests run: they notice a pause at most, and the next VSP has
//! them all.

use std::thread;
use std::time::{Duration, SystemTime};

use ipc::message::GuestState;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::{Deadline, Guest, Vsp, is_alive, wait_for};

use crate::guest::{PROMPT, running};
use crate::linux;

/// Times the VSP is killed under load; more in a long run.
fn kills() -> u32 {
    std::env::var("KITTSON_VSP_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Lets some time pass, so that what follows happens at any moment of what goes on.
fn some_time(most: Duration) {
    let nanos = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |now| now.subsec_nanos());
    thread::sleep(most.mul_f64(f64::from(nanos % 1000) / 1000.0));
}

/// Kills the VSP; the next command starts another one.
fn replace(vsp: &Vsp) {
    vsp.kill();
    vsp.run(&["status"]).ok();
}

#[test]
fn a_guest_outlives_its_vsp_and_the_next_one_has_it_whole() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let before = guest.detail().summary;
    guest.run("modify", &["-c", "2"]).ok();
    replace(&vsp);
    guest.wait_until(GuestState::OnOs, Deadline::Soon);
    let after = guest.detail();
    assert_eq!((after.summary.pid, after.summary.since_micros), (before.pid, before.since_micros));
    assert_eq!(after.pending, ["vcpus: 2"], "it is known how the guest was started");
    guest
        .run("start", &[])
        .refused(&["hpvmstart: ERROR (ivm1): Guest is already running.", "hpvmstart: Unable to continue."]);
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    console.line("machinfo");
    console.expect("Itanium(R) 2 Processor", Deadline::Guest);
    guest.run("stop", &["-g", "-F"]).ok();
    assert_eq!(guest.reason(), "Powered off by the guest.");
    assert!(!vsp.root().join("run/g2.sock").exists(), "nothing is left of the run");
    guest.start();
    guest.console().expect("\n2 x ", Deadline::Guest);
    guest.stop();
}

#[test]
fn a_vsp_can_leave_its_guests_to_the_next_one() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let pid = guest.pid();
    let said = vsp.run(&["vsp", "stop", "--leave-guests"]).ok();
    assert_eq!(said, "hpvm vsp: The VSP has stopped; its guests stay on.\n");
    assert_eq!(vsp.pid(), None);
    assert_eq!(guest_after_restart(&vsp, "ivm1").pid(), pid);
    vsp.run(&["vsp", "stop"]).ok();
    wait_for(
        Deadline::Soon,
        "the guest to be stopped with the VSP",
        || vsp.logs(),
        || (!is_alive(pid)).then_some(()),
    );
}

fn guest_after_restart<'a>(vsp: &'a Vsp, name: &str) -> Guest<'a> {
    vsp.run(&["status"]).ok();
    vsp.guest(name)
}

#[test]
fn how_a_guest_ended_while_there_was_no_vsp_is_known_and_a_reset_is_carried_out() {
    let vsp = Vsp::new();
    let batch = |name: &str, run: &str| {
        let append = format!("append=run={run}");
        vsp.create(name, &["-r", "128M", "-x", "kernel=builtin:diag", "-x", &append])
    };
    let (off, reset) = (batch("off", "stress+2"), batch("reset", "stress+2;reboot"));
    let killed = running(&vsp, "killed");
    let mut pids = Vec::new();
    for guest in [&off, &reset] {
        guest.start();
        pids.push(guest.pid());
    }
    pids.push(killed.pid());
    killed.console().line("stress 600");
    vsp.kill();
    kill(Pid::from_raw(pids[2]), Signal::SIGKILL).unwrap();
    for pid in &pids {
        wait_for(Deadline::Guest, "the guests to end", || vsp.logs(), || (!is_alive(*pid)).then_some(()));
    }
    vsp.run(&["status"]).ok();
    assert_eq!(off.reason(), "Powered off by the guest.");
    assert_eq!(killed.reason(), "The guest process ended unexpectedly while there was no VSP.");
    assert!(reset.detail().summary.pid.is_some_and(|pid| pid as i32 != pids[1]), "it boots again");
    killed.start();
    killed.stop();
}

#[test]
fn a_guest_killed_after_a_takeover_is_off_with_the_reason() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    replace(&vsp);
    guest.wait_until(GuestState::OnOs, Deadline::Soon);
    guest.signal(Signal::SIGKILL);
    guest.wait_until(GuestState::Off, Deadline::Soon);
    assert_eq!(guest.reason(), "The guest process ended unexpectedly: it was killed or has crashed.");
    guest.start();
    guest.stop();
}

#[test]
fn a_guest_that_does_not_answer_the_next_vsp_at_once_is_waited_for() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    guest.signal(Signal::SIGSTOP);
    let pid = guest.pid();
    replace(&vsp);
    assert_eq!(guest.state(), GuestState::OnOs);
    kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    console.line("machinfo");
    console.expect("Itanium(R) 2 Processor", Deadline::Guest);
    guest.stop();
    assert_eq!(guest.reason(), "Stopped.");
}

#[test]
fn console_output_is_whole_however_often_the_vsp_is_killed() {
    let vsp = Vsp::new();
    let options = ["-r", "128M", "-x", "kernel=builtin:diag", "-x", "append=run=selfcheck"];
    let cases = |guest: &Guest<'_>| {
        let log = std::fs::read(vsp.root().join("guests").join(guest.name()).join("console.log")).unwrap();
        let log = String::from_utf8(log).unwrap();
        // Their verdicts are others' business: timing under this load is nobody's.
        let case = |line: &str| Some(line[line.find("KITTSON ")?..].split(" status=").next()?.to_owned());
        log.lines().filter_map(case).collect::<Vec<_>>()
    };
    let undisturbed = vsp.create("quiet", &options);
    undisturbed.start();
    undisturbed.wait_until(GuestState::Off, Deadline::Guest);
    let expected = cases(&undisturbed);
    assert!(expected.len() > 100, "{expected:?}");

    let disturbed = vsp.create("loud", &options);
    disturbed.start();
    for _ in 0..kills() {
        some_time(Duration::from_millis(400));
        replace(&vsp);
    }
    disturbed.wait_until(GuestState::Off, Deadline::Guest);
    assert_eq!(disturbed.reason(), "Powered off by the guest.");
    assert_eq!(cases(&disturbed), expected);
}

#[test]
fn disks_under_load_are_right_however_often_the_vsp_is_killed() {
    let vsp = Vsp::new();
    let disks = ["one", "two"].map(|name| format!("disk:avio_stor::file:{}", vsp.disk(name, 16 << 20)));
    let guest = vsp.create(
        "ivm1",
        &["-r", "128M", "-c", "2", "-x", "kernel=builtin:diag", "-a", &disks[0], "-a", &disks[1]],
    );
    guest.start();
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    console.line("pattern write disk1 seed=7");
    console.expect(PROMPT, Deadline::Guest);
    let pid = guest.pid();
    console.line(&format!("stress {} disk0", 3 * kills()));
    for _ in 0..kills() {
        some_time(Duration::from_secs(3));
        replace(&vsp);
    }
    let mut console = guest.console();
    let output = console.expect(" rounds on ", Deadline::Guest);
    assert!(output.contains("\nstress: PASS"), "{output}");
    console.expect(PROMPT, Deadline::Guest);
    for command in ["pattern verify disk1 seed=7", "dd if=disk1 of=disk0", "pattern verify disk0 seed=7"] {
        console.line(command);
        // Its echo: it has been taken.
        console.expect(command, Deadline::Guest);
        replace(&vsp);
        console = guest.console();
        console.expect(command, Deadline::Guest);
        console.expect(PROMPT, Deadline::Guest);
    }
    assert_eq!(guest.pid(), pid);
    guest.stop();
    let image = |name: &str| std::fs::read(vsp.path(name)).unwrap();
    assert!(image("one") == image("two"), "dd copied the one disk onto the other");
}

#[test]
fn what_linux_was_acknowledged_is_there_however_often_the_vsp_is_killed() {
    let vsp = Vsp::new();
    let Some(guest) = linux::guest(&vsp, "2") else { return };
    let mut console = linux::boot(&guest);
    let pid = guest.pid();
    // Two writers of 16 KiB blocks on 16 MiB.
    linux::shell(&mut console, "iostorm write $DATA 100000 2 16 16 & STORM=$!");
    let mut acknowledged = 0;
    for _ in 0..kills() {
        acknowledged = linux::next_acknowledgement(&mut console, acknowledged);
        some_time(Duration::from_secs(3));
        replace(&vsp);
        console = guest.console();
    }
    acknowledged = linux::next_acknowledgement(&mut console, acknowledged);
    console.skip();
    console.line("");
    linux::shell(&mut console, "kill $STORM; wait $STORM; true");
    let output = linux::shell(&mut console, &format!("iostorm verify $DATA {acknowledged} 16 16"));
    assert!(output.contains("iostorm: PASS"), "{output}");
    assert_eq!((guest.pid(), guest.state()), (pid, GuestState::OnOs));
    // Each of the two disks was switched on once, with the guest.
    let resets = linux::shell(&mut console, "dmesg | grep -c 'Power-on or device reset'; true");
    assert!(resets.lines().any(|line| line.trim() == "2"), "{resets}");
    let errors =
        linux::shell(&mut console, "dmesg | grep -v Power-on | grep -ciE 'i/o error|abort|reset'; true");
    assert!(errors.lines().any(|line| line.trim() == "0"), "{errors}");
    guest.stop();
    println!("checked: Linux iostorm under a VSP that was killed {} times", kills());
}

#[test]
fn a_disk_whose_vsp_did_not_answer_in_time_is_served_once_it_does() {
    let vsp = Vsp::new();
    let Some(guest) = linux::guest(&vsp, "1") else { return };
    vsp.run(&["status"]).ok();
    let own = Pid::from_raw(vsp.pid().unwrap());
    guest.start();
    // Long before the kernel comes to its disks.
    kill(own, Signal::SIGSTOP).unwrap();
    let given_up = || vsp.logs().contains("giving it up").then_some(());
    wait_for(Deadline::System, "the guest to give its back-end up", || vsp.logs(), given_up);
    kill(own, Signal::SIGCONT).unwrap();
    let mut console = guest.console();
    linux::come_up(&mut console);
    linux::shell(&mut console, "dd if=/dev/zero of=$DATA bs=1M count=4 conv=fsync");
    guest.stop();
    println!("checked: Linux with a VSP that paused while its driver began");
}

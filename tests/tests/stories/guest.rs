//! Guests that run: real ia64 code on a real console. The guest is the diagnostic program, so nothing but this
//! repository is needed.

use ipc::message::{Event, GuestRef, GuestState, Subscription};
use nix::sys::signal::Signal;
use tests::{Console, Deadline, Guest, Vsp};

pub(crate) const PROMPT: &str = "diag# ";

/// A guest with the diagnostic program, off.
pub(crate) fn diag<'a>(vsp: &'a Vsp, name: &str) -> Guest<'a> {
    vsp.create(name, &["-r", "128M", "-x", "kernel=builtin:diag"])
}

/// The same at its prompt.
pub(crate) fn running<'a>(vsp: &'a Vsp, name: &str) -> Guest<'a> {
    let guest = diag(vsp, name);
    guest.start();
    guest.console().expect(PROMPT, Deadline::Guest);
    guest
}

/// Types a command at the prompt; what it wrote.
pub(crate) fn command(console: &mut Console<'_>, line: &str) -> String {
    console.skip();
    console.line(line);
    console.expect(line, Deadline::Guest);
    console.expect(PROMPT, Deadline::Guest)
}

#[test]
fn a_guest_is_started_used_and_stopped() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    assert_eq!(guest.state(), GuestState::OnOs);
    assert!(vsp.run(&["status"]).ok().contains("\nivm1                     2 SH   UNKNOWN On (OS)  "));
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    console.line("machinfo");
    console.expect("Itanium(R) 2 Processor", Deadline::Guest);
    console.expect(PROMPT, Deadline::Guest);
    drop(console);
    let ran = vsp.run_with_input(
        &["console", "-P", "ivm1", "-q", "-c", "co", "--until", "Kittson Virtual"],
        "machinfo\n",
    );
    assert!(ran.ok().contains("SAL product:"), "{ran:?}");
    guest
        .run("start", &[])
        .refused(&["hpvmstart: ERROR (ivm1): Guest is already running.", "hpvmstart: Unable to continue."]);
    guest.stop();
    assert_eq!(guest.state(), GuestState::Off);
    assert_eq!(guest.reason(), "Stopped.");
}

#[test]
fn a_guest_that_switches_itself_off_is_off() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    guest.console().line("shutdown");
    guest.wait_until(GuestState::Off, Deadline::Guest);
    assert_eq!(guest.reason(), "Powered off by the guest.");
}

#[test]
fn a_graceful_stop_lets_the_guest_switch_itself_off() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    guest.run("stop", &["-g", "-F"]).ok();
    assert_eq!(guest.reason(), "Powered off by the guest.");
}

#[test]
fn a_reset_by_either_side_boots_again_and_viewers_stay() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    console.line("reboot");
    console.expect("Kittson diagnostic guest", Deadline::Guest);
    console.expect(PROMPT, Deadline::Guest);
    guest.run("reset", &["-F"]).ok();
    console.expect("Kittson diagnostic guest", Deadline::Guest);
    console.expect(PROMPT, Deadline::Guest);
    guest.stop();
}

#[test]
fn changes_take_effect_at_the_next_start() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    guest.run("modify", &["-c", "2"]).ok();
    assert_eq!(guest.detail().pending, ["vcpus: 2"]);
    guest.stop();
    guest.start();
    let mut console = guest.console();
    console.expect("\n2 x ", Deadline::Guest);
    assert!(guest.detail().pending.is_empty());
    guest.stop();
}

#[test]
fn a_killed_guest_is_off_with_the_reason_and_others_are_unaffected() {
    let vsp = Vsp::new();
    let (victim, other) = (running(&vsp, "victim"), running(&vsp, "other"));
    victim.signal(Signal::SIGKILL);
    victim.wait_until(GuestState::Off, Deadline::Soon);
    let reason = "The guest process ended unexpectedly: killed by signal 9 (SIGKILL).";
    assert_eq!(victim.reason(), reason);
    assert!(victim.run("status", &[]).ok().contains(&format!("\nLast run: {reason}\n")));
    let mut console = other.console();
    console.expect(PROMPT, Deadline::Guest);
    console.line("machinfo");
    console.expect("Firmware info", Deadline::Guest);
    victim.start();
    victim.stop();
}

#[test]
fn a_guest_that_does_not_answer_is_stopped_nevertheless() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    guest.run("modify", &["-x", "graceful_stop_timeout=1"]).ok();
    guest.signal(Signal::SIGSTOP);
    guest.run("stop", &["-g", "-F"]).ok();
    assert_eq!(guest.reason(), "The guest process did not end in time and was killed.");
}

#[test]
fn a_guest_that_loops_for_ever_is_off_with_the_reason() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    guest.console().line("crash loop");
    guest.wait_until(GuestState::Off, Deadline::Guest);
    assert!(
        guest.reason().starts_with("The guest crashed: processor 0 is in an endless loop"),
        "{}",
        guest.reason()
    );
}

#[test]
fn the_past_of_a_console_is_shown_and_one_viewer_writes() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let mut first = guest.console();
    first.expect(PROMPT, Deadline::Guest);
    let ran = vsp.run_with_input(&["console", "-P", "ivm1", "-c", "co"], "shutdown\n");
    let shown = ran.ok();
    assert!(
        shown.contains("- - Prior Console Output - -") && shown.contains("Type help for the commands."),
        "{shown}"
    );
    assert!(shown.contains("[Read only - use Ctrl-Ecf for console write access.]"), "{shown}");
    assert_eq!(guest.state(), GuestState::OnOs);
    // Ctrl-E c f, and then it is obeyed.
    vsp.run_with_input(&["console", "-P", "ivm1", "-q", "-c", "co"], "\x05cfshutdown\n").ok();
    guest.wait_until(GuestState::Off, Deadline::Guest);
}

#[test]
fn vmp_has_its_menus() {
    let vsp = Vsp::new();
    diag(&vsp, "ivm1");
    let shown = vsp.run_with_input(&["console", "-P", "ivm1"], "vm\npc -on\nhello\npc -off\ny\nx\n").ok();
    assert!(shown.starts_with("\n   vMP MAIN MENU\n"), "{shown}");
    for text in [
        "[ivm1] vMP> [Virtual Machine Details]\n",
        "[ivm1] vMP> Guest 'ivm1' is on.\n",
        "[ivm1] vMP> Invalid command.\n",
        "Power off the virtual machine 'ivm1'? [n]: Guest 'ivm1' is off.\n",
    ] {
        assert!(shown.contains(text), "{text:?} is not in\n{shown}");
    }
}

#[test]
fn a_viewer_who_does_not_read_holds_up_nobody() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    // Attached and never read from.
    let _stuck = guest.console();
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    for _ in 0..50 {
        vsp.client().status().unwrap();
    }
    guest.stop();
}

#[test]
fn what_a_guest_does_with_its_disks_is_counted() {
    let vsp = Vsp::new();
    let disk = format!("disk:avio_stor:0,2,5:file:{}", vsp.disk("disk", 16 << 20));
    let guest = vsp.create("ivm1", &["-r", "128M", "-x", "kernel=builtin:diag", "-a", &disk]);
    assert_eq!(vsp.client().figures(None).unwrap(), []);
    guest.start();
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    let before = vsp.client().figures(None).unwrap();
    let stream = vsp.client().subscribe(Subscription::Figures { interval_millis: 0 }).unwrap();
    console.line("pattern write disk0");
    console.expect(" bytes in ", Deadline::Guest);
    let [device] = <[_; 1]>::try_from(before[0].devices.clone()).unwrap();
    assert_eq!((before[0].number, device.bus, device.slot, device.target), (2, 0, 2, 5));
    assert_eq!(device.written_bytes, 0);

    let name = Some(GuestRef::Name("ivm1".into()));
    let device = &vsp.client().figures(name).unwrap()[0].devices[0];
    assert_eq!((device.written_bytes, device.errors), (16 << 20, 0));
    assert!(device.latency.count() >= device.writes + device.reads, "{device:?}");
    assert!(device.latency.max_micros >= device.latency.mean_micros().unwrap(), "{device:?}");
    let is_news = |event: &ipc::Result<Event>| match event {
        Ok(Event::Figures(guests)) => guests[0].devices[0].written_bytes == 16 << 20,
        other => panic!("{other:?}"),
    };
    assert!(stream.events().iter().any(|event| is_news(&event)));
    guest.stop();
}

#[test]
fn a_vsp_that_stops_stops_its_guests_in_order() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let pid = guest.pid();
    vsp.run(&["vsp", "stop"]).ok();
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    vsp.run_until(&["log", "ivm1"], |log| log.contains("outcome=PowerOff"));
}

#[test]
fn boot_images_that_are_none_are_refused_with_one_line() {
    let vsp = Vsp::new();
    let host = std::fs::read("/proc/self/exe").unwrap();
    let diag = include_bytes!("../../../guest-proc/diag/diag.elf");
    let mut damaged = diag.to_vec();
    damaged[32..40].fill(0xff);
    let images = [
        ("empty", vsp.file("empty", b"")),
        ("text", vsp.file("text", b"This is no kernel.\n")),
        ("noise", vsp.file("noise", &[0x5a; 100_000])),
        ("foreign", vsp.file("foreign", &host)),
        ("cut", vsp.file("cut", &diag[..100])),
        ("damaged", vsp.file("damaged", &damaged)),
        ("gzip", vsp.file("gzip", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff])),
    ];
    for (name, path) in images {
        let guest = vsp.create(name, &["-r", "128M", "-x", &format!("kernel={path}")]);
        let ran = guest.run("start", &["-Q"]);
        let text = ran.stderr();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(ran.status(), 1, "{name}");
        assert_eq!(lines.len(), 2, "{name}: {text}");
        assert!(lines[0].starts_with(&format!("hpvmstart: ERROR ({name}): ")), "{text}");
        assert!(!lines[0].contains("panicked"), "{text}");
        println!("{}", lines[0]);
        assert_eq!(guest.state(), GuestState::Off);
    }
}

#[test]
fn the_diagnostic_guest_finds_nothing_wrong_and_leaves_nothing_out() {
    let vsp = Vsp::new();
    let disk = format!("disk:avio_stor::file:{}", vsp.disk("disk", 64 << 20));
    let options =
        ["-r", "128M", "-c", "2", "-x", "kernel=builtin:diag", "-x", "append=run=selfcheck", "-a", &disk];
    let guest = vsp.create("ivm1", &options);
    guest.start();
    guest.wait_until(GuestState::Off, Deadline::Guest);
    let log = std::fs::read_to_string(vsp.root().join("guests/ivm1/console.log")).unwrap();
    let cases = log.lines().filter_map(|line| line.trim_end().strip_prefix("KITTSON suite="));
    let mut made = Vec::new();
    for case in cases.filter(|case| !case.starts_with("run ")) {
        let (name, status) = case.split_once(" status=").unwrap_or_else(|| panic!("{case}"));
        // How long something takes is nobody's business on a host that is busy.
        assert!(status == "PASS" || name.starts_with("timer "), "{case}\n{log}");
        made.push(name.replace("case=", ""));
    }
    let listed = include_str!("../../../guest-proc/diag/selfcheck.cases");
    assert_eq!(made, listed.lines().collect::<Vec<_>>());
}

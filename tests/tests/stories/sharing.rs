//! Stores of several guests: SHARE=YES, and what is refused without it.

use nix::sys::signal::Signal;
use tests::{Deadline, Guest, Vsp};

use crate::guest::PROMPT;

const DIAG: [&str; 4] = ["-r", "128M", "-x", "kernel=builtin:diag"];

/// A guest that has what others may have, too; the warning about that is expected.
fn guest<'a>(vsp: &'a Vsp, name: &str, device: &str) -> Guest<'a> {
    let ran = vsp.run(&[&["create", "-P", name, "-B", "manual", "-a", device][..], &DIAG].concat());
    assert_eq!(ran.status(), 0, "{ran:?}");
    vsp.guest(name)
}

fn share(vsp: &Vsp, path: &str, value: &str) {
    vsp.run(&["devmgmt", "-m", &format!("gdev:{path}:attr:SHARE={value}")]).ok();
}

#[test]
fn two_guests_write_to_one_disk_if_it_is_shared() {
    let vsp = Vsp::new();
    let path = vsp.disk("disk", 4 << 20);
    let device = format!("disk:avio_stor:0,0,0:file:{path}");
    let (one, two) = (guest(&vsp, "ivm1", &device), guest(&vsp, "ivm2", &device));
    one.start();
    let refusal = [
        &format!("hpvmstart: ERROR (ivm2): Device '{path}' is in use by running guest 'ivm1'."),
        "hpvmstart: Unable to continue.",
    ];
    two.run("start", &["-s"]).refused(&refusal.map(String::from).each_ref().map(String::as_str));
    two.run("start", &["-F"]).refused(&refusal.map(String::from).each_ref().map(String::as_str));
    share(&vsp, &path, "YES");
    two.start();
    for guest in [&one, &two] {
        guest.console().expect(PROMPT, Deadline::Guest);
    }
    one.console().line("pattern write disk0");
    one.console().expect(" bytes in ", Deadline::Guest);
    two.console().line("pattern verify disk0");
    two.console().expect("bytes in ", Deadline::Guest);
    // Locked against everybody else, and still both guests' after a VSP that died.
    vsp.kill();
    share(&vsp, &path, "NO");
    for guest in [&one, &two] {
        let mut console = guest.console();
        console.expect(PROMPT, Deadline::Guest);
        console.line("pattern verify disk0");
        console.expect(" bytes in ", Deadline::Guest);
    }
    one.stop();
    one.run("start", &[]).refused(&[
        &format!("hpvmstart: ERROR (ivm1): Device '{path}' is in use by running guest 'ivm2'."),
        "hpvmstart: Unable to continue.",
    ]);
    two.stop();
}

#[test]
fn discs_are_shared_only_deliberately_and_never_as_disks() {
    let vsp = Vsp::new();
    let path = vsp.disk("image.iso", 1 << 20);
    let (dvd, disk) = (format!("dvd:avio_stor::file:{path}"), format!("disk:avio_stor::file:{path}"));
    let (one, two, three) =
        (guest(&vsp, "ivm1", &dvd), guest(&vsp, "ivm2", &dvd), guest(&vsp, "ivm3", &disk));
    one.start();
    let refused = |guest: &Guest<'_>| {
        guest.run("start", &[]).refused(&[
            &format!(
                "hpvmstart: ERROR ({}): Device '{path}' is in use by running guest 'ivm1'.",
                guest.name()
            ),
            "hpvmstart: Unable to continue.",
        ]);
    };
    refused(&two);
    share(&vsp, &path, "YES");
    two.start();
    refused(&three);
    one.stop();
    two.stop();
}

/// The guide's example: a directory of discs for two guests.
#[test]
fn a_shared_directory_shares_its_discs() {
    let vsp = Vsp::new();
    let directory = vsp.path("isos").display().to_string();
    std::fs::create_dir(&directory).unwrap();
    let disc = vsp.disk("isos/image.iso", 1 << 20);
    let empty = format!("dvd:avio_stor:0,0,0:null:{directory}/");
    let (one, two) = (guest(&vsp, "ivm1", &empty), guest(&vsp, "ivm2", &empty));
    share(&vsp, &format!("{directory}/"), "YES");
    one.start();
    two.start();
    let loaded = format!("dvd:avio_stor:0,0,0:file:{disc}");
    one.run("modify", &["-m", &loaded]).ok();
    two.run("modify", &["-m", &loaded]).ok();
    two.run("modify", &["-m", &empty]).ok();
    share(&vsp, &directory, "NO");
    two.run("modify", &["-m", &loaded]).refused(&[
        &format!("hpvmmodify: ERROR (ivm2): Device '{disc}' is in use by running guest 'ivm1'."),
        &format!("hpvmmodify: Unable to modify device {loaded}."),
        "hpvmmodify: Unable to modify the guest.",
    ]);
    two.run("modify", &["-d", empty.trim_end_matches('/')]).ok();
    one.stop();
    two.stop();
}

#[test]
fn stores_of_a_killed_guest_are_free_for_others() {
    let vsp = Vsp::new();
    let path = vsp.disk("disk", 1 << 20);
    let device = format!("disk:avio_stor::file:{path}");
    let (one, two) = (guest(&vsp, "ivm1", &device), guest(&vsp, "ivm2", &device));
    one.start();
    one.signal(Signal::SIGKILL);
    one.wait_until(ipc::message::GuestState::Off, Deadline::Soon);
    two.start();
    two.stop();
}

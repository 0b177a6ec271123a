//! Storage that changes while a guest runs. The guest is the diagnostic program; see [`crate::hot_linux`] for the other.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use tests::{Deadline, Guest, Vsp, wait_for};

use crate::guest::{PROMPT, command};

const CHANGED: &str = "storage configuration has changed";

/// A guest at its prompt with one disk, `root`, at 0,0,0.
fn running<'a>(vsp: &'a Vsp, name: &str) -> Guest<'a> {
    let disk = format!("disk:avio_stor:0,0,0:file:{}", vsp.disk(&format!("{name}-root"), 4 << 20));
    let guest = vsp.create(name, &["-r", "128M", "-x", "kernel=builtin:diag", "-a", &disk]);
    guest.start();
    guest.console().expect(PROMPT, Deadline::Guest);
    guest
}

fn statement(vsp: &Vsp, target: u8, name: &str) -> String {
    format!("disk:avio_stor:0,0,{target}:file:{}", vsp.disk(name, 8 << 20))
}

/// What the guest has, and what it is configured to have.
fn devices(guest: &Guest<'_>) -> (Vec<String>, Vec<String>) {
    let detail = guest.detail();
    (detail.devices.into_iter().map(|device| device.statement).collect(), detail.configured)
}

/// Both of them are these, and nothing waits.
#[track_caller]
fn assert_has(guest: &Guest<'_>, expected: &[&str]) {
    let (now, configured) = devices(guest);
    assert_eq!((&now[..], &configured[..]), (&configured[..], &now[..]));
    assert_eq!(now, expected);
    assert_eq!(guest.detail().pending, [""; 0]);
}

#[test]
fn a_disk_comes_is_used_and_goes() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let (root, data) = (devices(&guest).0.remove(0), statement(&vsp, 5, "data"));
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    assert_eq!(guest.run("modify", &["-a", &data]).ok(), "");
    console.expect(CHANGED, Deadline::Guest);
    assert_has(&guest, &[&root, &data]);
    assert!(guest.run("status", &["-d"]).ok().contains(&data));
    let found = command(&mut console, "ioscan -fN -C disk");
    assert_eq!(found.matches("CLAIMED").count(), 2, "{found}");
    command(&mut console, "pattern write disk1 seed=7");
    let verified = command(&mut console, "pattern verify disk1 seed=7");
    assert!(verified.contains(" bytes in "), "{verified}");
    let image = fs::read(vsp.path("data")).unwrap();
    assert!(image.chunks(512).all(|block| block.iter().any(|byte| *byte != 0)), "all of it is written");

    assert_eq!(guest.run("modify", &["-d", &data]).ok(), "");
    console.expect(CHANGED, Deadline::Guest);
    assert_has(&guest, &[&root]);
    let gone = command(&mut console, "dd if=disk1 of=/dev/null count=1");
    assert!(gone.contains("No such device or address"), "{gone}");
    let found = command(&mut console, "ioscan -fN -C disk");
    assert_eq!((found.matches("CLAIMED").count(), found.matches("NO_HW").count()), (1, 1), "{found}");
    fs::OpenOptions::new().write(true).open(vsp.path("data")).unwrap();
    let other = vsp.create("ivm2", &["-r", "128M", "-x", "kernel=builtin:diag", "-a", &data]);
    other.start();
    other.stop();
    guest.stop();
}

#[test]
fn a_disk_in_use_stays_and_so_does_everything_else() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let (root, data, more) =
        (devices(&guest).0.remove(0), statement(&vsp, 1, "data"), statement(&vsp, 2, "more"));
    guest.run("modify", &["-a", &data]).ok();
    let mut console = guest.console();
    console.expect(CHANGED, Deadline::Guest);
    command(&mut console, "ioscan -fN");
    console.line("stress 6 disk1");
    console.expect("overwriting disk1", Deadline::Guest);
    let writes = || vsp.client().figures(None).unwrap()[0].devices[1].writes;
    wait_for(Deadline::Guest, "writes", || vsp.logs(), || (writes() > 0).then_some(()));
    let is_noted = |line: &str| {
        line.contains(" INFO vsp: first write adapter=\"ivm1 0,0\" disk=") && line.contains("data")
    };
    vsp.run_until(&["log", "ivm1"], |log| log.lines().any(is_noted));
    let refused = [
        "hpvmmodify: ERROR (ivm1): Device disk:avio_stor:0,0,1 is in use by the guest.",
        &format!("hpvmmodify: Unable to delete device {data}."),
        "hpvmmodify: Unable to modify the guest.",
    ];
    guest.run("modify", &["-l", "label", "-a", &more, "-d", &data]).refused(&refused);
    assert_has(&guest, &[&root, &data]);
    assert_eq!(guest.detail().label, "");
    let output = console.expect("stress: ", Deadline::Guest) + &console.expect(PROMPT, Deadline::Guest);
    assert!(output.contains("stress: PASS"), "{output}");
    // Another store in its place is another disk, which the guest is told of.
    let other = statement(&vsp, 1, "other");
    assert_eq!(guest.run("modify", &["-l", "label", "-a", &more, "-m", &other]).ok(), "");
    assert_has(&guest, &[&root, &other, &more]);
    assert_eq!(guest.detail().label, "label");
    console.expect(CHANGED, Deadline::Guest);
    command(&mut console, "ioscan -fN");
    command(&mut console, "pattern write disk1 seed=9");
    assert!(fs::read(vsp.path("other")).unwrap().iter().any(|byte| *byte != 0));
    // Only the place is another one: it stays the same disk.
    let moved = other.replace("0,0,1", "0,0,9");
    guest.run("modify", &["-d", &other, "-a", &moved]).ok();
    assert_has(&guest, &[&root, &more, &moved]);
    guest.stop();
}

/// A process that has a file locked, as another virtualization host would.
struct Holder(Child);

impl Holder {
    fn of(vsp: &Vsp, path: &str) -> Holder {
        let socket = vsp.path("holder.sock");
        let arguments = ["vsp-proc", "avio", "--listen", socket.to_str().unwrap(), "--disk", path];
        let child = vsp.command(&arguments).stderr(Stdio::null()).spawn().unwrap();
        wait_for(Deadline::Soon, "the file to be held", String::new, || socket.exists().then_some(()));
        Holder(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn of_several_changes_all_are_made_or_none() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let root = devices(&guest).0.remove(0);
    let added: Vec<String> = (1..5).map(|n| statement(&vsp, n, &format!("disk{n}"))).collect();
    let held = vsp.path("disk3").display().to_string();
    let options =
        |added: &[String]| added.iter().flat_map(|one| ["-a".to_owned(), one.clone()]).collect::<Vec<_>>();
    let all = options(&added);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let holder = Holder::of(&vsp, &held);
    let with_removal = [&["-d", &root], &all[..]].concat();
    guest.run("modify", &with_removal).refused(&[
        &format!("hpvmmodify: ERROR (ivm1): Device '{held}' is in use."),
        &format!("hpvmmodify: Unable to create device {}.", added[2]),
        "hpvmmodify: Unable to modify the guest.",
    ]);
    assert_has(&guest, &[&root]);
    guest.run("modify", &[&["-s"], &all[..]].concat()).refused(&[
        &format!("hpvmmodify: ERROR (ivm1): Device '{held}' is in use."),
        &format!("hpvmmodify: Unable to create device {}.", added[2]),
        "hpvmmodify: Unable to modify the guest.",
    ]);
    // None of the others is held by the VSP.
    let other = vsp.create("ivm2", &["-r", "128M", "-x", "kernel=builtin:diag", "-a", &added[0]]);
    other.start();
    other.stop();
    vsp.run(&["remove", "-P", "ivm2", "-F"]).ok();
    drop(holder);
    assert_eq!(guest.run("modify", &[&["-s"], &all[..]].concat()).ok(), "");
    assert_has(&guest, &[&root]);
    guest.run("modify", &all).ok();
    let expected: Vec<&str> = [&root].into_iter().chain(&added).map(String::as_str).collect();
    assert_has(&guest, &expected);
    guest.stop();
}

#[test]
fn a_device_on_a_new_adapter_waits_for_the_next_start() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let root = devices(&guest).0.remove(0);
    let data = statement(&vsp, 3, "data").replace("0,0,3", "0,2,3");
    let ran = guest.run("modify", &["-a", &data]);
    let remark = "hpvmmodify: WARNING (ivm1): Adapter 0,2 cannot be added while the guest is running. \
                  Its devices are added at the next start of the guest.\n";
    assert_eq!((ran.status(), ran.stderr().as_str()), (0, remark));
    assert_eq!(devices(&guest), (vec![root.clone()], vec![root.clone(), data.clone()]));
    assert_eq!(guest.detail().pending, [format!("added: {data}")]);
    assert!(!guest.run("status", &["-d"]).ok().contains(&data));
    assert!(guest.run("status", &["-D"]).ok().contains(&data));
    guest.stop();
    guest.start();
    assert_has(&guest, &[&root, &data]);
    guest.console().expect(PROMPT, Deadline::Guest);
    // The last device of an adapter goes, and a VSP comes: the adapter is still there for another one.
    guest.run("modify", &["-d", &data]).ok();
    vsp.kill();
    assert_eq!(guest.run("modify", &["-a", &data]).ok(), "");
    assert_has(&guest, &[&root, &data]);
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    command(&mut console, "ioscan -fN");
    let written = command(&mut console, "pattern write disk1");
    assert!(written.contains(" bytes in "), "{written}");
    guest.stop();
}

#[test]
fn a_disk_that_was_added_just_before_the_vsp_died_is_there_after() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let (root, data) = (devices(&guest).0.remove(0), statement(&vsp, 1, "data"));
    guest.run("modify", &["-a", &data]).ok();
    vsp.kill();
    assert_has(&guest_after_restart(&vsp), &[&root, &data]);
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    command(&mut console, "ioscan -fN");
    command(&mut console, "pattern write disk1 seed=3");
    vsp.kill();
    vsp.run(&["status"]).ok();
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    let verified = command(&mut console, "pattern verify disk1 seed=3");
    assert!(verified.contains(" bytes in "), "{verified}");
    guest.run("modify", &["-d", &data]).ok();
    vsp.kill();
    assert_has(&guest_after_restart(&vsp), &[&root]);
    guest.stop();
}

fn guest_after_restart(vsp: &Vsp) -> Guest<'_> {
    vsp.run(&["status"]).ok();
    vsp.guest("ivm1")
}

#[test]
fn a_change_is_whole_or_absent_whenever_the_vsp_dies() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let (root, data) = (devices(&guest).0.remove(0), statement(&vsp, 1, "data"));
    let (mut made, mut has) = (0, false);
    for moment in 0..20 {
        let option = if has { "-d" } else { "-a" };
        let arguments = ["modify", "-P", "ivm1", option, &data];
        let mut changing =
            vsp.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Deletions wait until they know that nobody uses the disk.
        let begin = if has { 1000 } else { 0 };
        thread::sleep(Duration::from_millis(begin + moment));
        vsp.kill();
        let succeeded = changing.wait().unwrap().success();
        let guest = guest_after_restart(&vsp);
        guest.wait_until(ipc::message::GuestState::OnOs, Deadline::Soon);
        let had = std::mem::replace(&mut has, devices(&guest).0.contains(&data));
        assert!(!succeeded || had != has, "what was reported is so");
        made += usize::from(had != has);
        assert_has(&guest, &[root.as_str(), data.as_str()][..1 + usize::from(has)]);
    }
    assert!(made > 0, "some changes came through");
    println!("{made} of 20 changes came through");
    if !has {
        guest.run("modify", &["-a", &data]).ok();
    }
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    command(&mut console, "ioscan -fN");
    let written = command(&mut console, "pattern write disk1");
    assert!(written.contains(" bytes in "), "{written}");
    guest.stop();
}

#[test]
fn discs_are_changed_at_once_and_what_the_console_changed_lasts_as_long_as_the_run() {
    let vsp = Vsp::new();
    let isos = vsp.path("isos").display().to_string();
    fs::create_dir(&isos).unwrap();
    for (name, sectors, mode) in [("one.iso", 100, 0o644), ("two.iso", 200, 0o644), ("open.iso", 300, 0o666)]
    {
        let path = format!("{isos}/{name}");
        fs::write(&path, vec![1; sectors * 2048]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let drive = |disc: &str| format!("dvd:avio_stor:0,0,7:{disc}");
    let one = drive(&format!("file:{isos}/one.iso"));
    let guest = vsp.create("ivm1", &["-r", "128M", "-x", "kernel=builtin:diag", "-a", &one]);
    guest.start();
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    let mut size = || {
        command(&mut console, "ioscan -fN -C disk");
        command(&mut console, "diskinfo /dev/rdisk/disk0")
    };
    assert!(size().contains("size: 200 Kbytes"));
    let at_menu = |input: &str| vsp.run_with_input(&["console", "-P", "ivm1", "-q"], input);

    // Ejected and inserted at the console: for this run.
    at_menu("ej\n1\ny\nx\n").ok();
    assert!(!size().contains("size:"));
    let empty = drive(&format!("null:{isos}"));
    assert_eq!(devices(&guest), (vec![empty.clone()], vec![one.clone()]));
    assert_eq!(guest.detail().pending, [""; 0]);
    let shown = at_menu("in\n1\n2\nx\n").ok();
    assert!(shown.contains(&format!("[1] {isos}/one.iso\n[2] {isos}/two.iso\nEnter")), "{shown}");
    assert!(size().contains("size: 400 Kbytes"));
    let two = drive(&format!("file:{isos}/two.iso"));
    assert!(guest.run("status", &["-d"]).ok().contains(&two));
    assert!(guest.run("status", &["-D"]).ok().contains(&one));
    // The next VSP has the disc that is in the drive.
    vsp.kill();
    vsp.run(&["status"]).ok();
    assert_eq!(devices(&guest), (vec![two.clone()], vec![one.clone()]));
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    let mut size = || {
        command(&mut console, "ioscan -fN -C disk");
        command(&mut console, "diskinfo /dev/rdisk/disk0")
    };
    assert!(size().contains("size: 400 Kbytes"));
    guest.run("reset", &["-F"]).ok();
    wait_for(
        Deadline::Guest,
        "the original disc",
        || vsp.logs(),
        || (devices(&guest).0 == [one.as_str()]).then_some(()),
    );

    // By command: for good.
    guest.wait_until(ipc::message::GuestState::OnOs, Deadline::Guest);
    assert_eq!(guest.run("modify", &["-m", &two]).ok(), "");
    assert_has(&guest, &[&two]);
    guest.stop();
    assert_has(&guest, &[&two]);
}

#[test]
fn a_store_that_grew_is_noticed() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    let grow =
        |size| fs::OpenOptions::new().write(true).open(vsp.path("ivm1-root")).unwrap().set_len(size).unwrap();
    // By itself.
    grow(8 << 20);
    console.expect(CHANGED, Deadline::Guest);
    command(&mut console, "ioscan -fN");
    assert!(command(&mut console, "diskinfo disk0").contains("size: 8192 Kbytes"));
    grow(16 << 20);
    vsp.run(&["devmgmt", "-I"]).ok();
    console.expect(CHANGED, Deadline::Guest);
    command(&mut console, "ioscan -fN");
    assert!(command(&mut console, "diskinfo disk0").contains("size: 16384 Kbytes"));
    guest.stop();
}

/// Everybody gets it: who is off, who runs and does not use the old one at once, who uses it at his next start.
#[test]
fn a_device_is_replaced_in_guests_that_run() {
    let vsp = Vsp::new();
    let (old, new) = (vsp.disk("old", 8 << 20), vsp.disk("new", 8 << 20));
    vsp.run(&["devmgmt", "-a", &format!("gdev:{old}")]).ok();
    vsp.run(&["devmgmt", "-m", &format!("gdev:{old}:attr:SHARE=YES")]).ok();
    let (was, is) = (format!("disk:avio_stor:0,0,1:file:{old}"), format!("disk:avio_stor:0,0,1:file:{new}"));
    let guests = ["idle", "busy"].map(|name| running(&vsp, name));
    let off = vsp.create("off", &["-a", &was]);
    for guest in &guests {
        guest.run("modify", &["-a", &was]).ok();
    }
    let [idle, busy] = &guests;
    let mut console = busy.console();
    console.expect(CHANGED, Deadline::Guest);
    command(&mut console, "ioscan -fN");
    console.line("stress 6 disk1");
    console.expect("overwriting disk1", Deadline::Guest);
    let writes = || vsp.client().figures(None).unwrap().iter().map(|guest| guest.devices[1].writes).max();
    wait_for(Deadline::Guest, "writes", || vsp.logs(), || (writes() > Some(0)).then_some(()));
    let replaced = vsp.run(&["devmgmt", "-n", &format!("gdev:{old}:{new}")]);
    let warning = "hpvmdevmgmt: WARNING (busy): Device disk:avio_stor:0,0,1 is in use by the guest. The guest has the \
                   new device at its next start.\n";
    assert_eq!((replaced.status(), replaced.stderr()), (0, warning.to_owned()));
    assert_eq!(devices(idle).0[1], is);
    assert_eq!((devices(busy).0.remove(1), devices(busy).1.remove(1)), (was, is.clone()));
    assert_eq!(devices(&off).1[0], is);
    let output = console.expect("stress: ", Deadline::Guest) + &console.expect(PROMPT, Deadline::Guest);
    assert!(output.contains("stress: PASS"), "{output}");
    let listed = vsp.run(&["devmgmt", "-l", "gdev"]).ok();
    assert!(
        listed.contains(&format!("{new}:CONFIG=gdev,EXIST=YES,DEVTYPE=FILE,SHARE=YES:busy,idle,off:")),
        "{listed}"
    );
    busy.stop();
    busy.start();
    assert_has(busy, &[&devices(busy).0[0], &is]);
    busy.stop();
    idle.stop();
}

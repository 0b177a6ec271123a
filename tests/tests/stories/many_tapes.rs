//! A guest with as many tapes as a guest has devices: configured in a few calls, and found by two systems.

use tests::linux::{self, shell};
use tests::{Deadline, Vsp};

use crate::guest::{PROMPT, command};

/// Devices of a guest: its disk, and tapes.
const DEVICES: usize = 256;

/// Four libraries with 255 drives; the statements of a guest with a disk and all of these, 128 on each of two adapters.
fn statements(vsp: &Vsp) -> Vec<String> {
    for (library, drives) in [("a", "64"), ("b", "64"), ("c", "64"), ("d", "63")] {
        let directory = vsp.path(library).display().to_string();
        let size = ["--slots", "4", "--cartridges", "1", "--capacity", "1M"];
        vsp.run(&[&["library", "create", &directory, "--drives", drives][..], &size].concat()).ok();
    }
    let listed = vsp.run(&["ioscan", "-kfnNC", "tape"]).ok();
    let tapes = listed.split_whitespace().filter(|word| word.ends_with("_BEST"));
    let tapes = tapes.map(|tape| format!("tape:avio_stor::attach_path:{tape}"));
    let disk = format!("disk:avio_stor::file:{}", vsp.disk("first", 4 << 20));
    let statements: Vec<String> = [disk].into_iter().chain(tapes).collect();
    assert_eq!(statements.len(), DEVICES);
    statements
}

#[test]
fn the_diagnostic_guest_has_255_tapes() {
    let vsp = Vsp::new();
    let statements = statements(&vsp);
    let mut arguments =
        vec!["create", "-P", "many", "-B", "manual", "-r", "128M", "-x", "kernel=builtin:diag"];
    arguments.extend(statements.iter().flat_map(|statement| ["-a", statement]));
    let created = vsp.run(&arguments);
    assert_eq!(created.status(), 0, "{created:?}");
    let many = vsp.guest("many");
    assert_eq!(many.detail().summary.devices as usize, DEVICES);
    // One more is one too many.
    vsp.run(&["tape", "create", vsp.path("one.tap").to_str().unwrap(), "--capacity", "1M"]).ok();
    let refused = many.run("modify", &["-a", "tape:avio_stor::attach_path:/dev/rtape/tape256_BEST"]);
    let text = "hpvmmodify: ERROR (many): Guest has the maximum of 256 storage devices.";
    assert!(refused.status() == 1 && refused.stderr().contains(text), "{refused:?}");

    assert_eq!(many.run("start", &[]).status(), 0);
    let mut console = many.console();
    console.expect(PROMPT, Deadline::Guest);
    let listed = command(&mut console, "ioscan -fnN -C tape");
    assert_eq!(listed.matches("KITTSON Virtual Tape").count(), DEVICES - 1, "{listed}");
    // The last of them is used, and shown to be.
    let name = listed.split_whitespace().rfind(|word| word.ends_with("_BEST")).expect("a tape").to_owned();
    command(&mut console, &format!("mt -f {name}nb res"));
    let used = vsp.run(&["ioscan", "-kNP", "in_use_by", "-C", "tape"]).ok();
    assert_eq!(used.lines().filter(|line| line.ends_with(" many")).count(), 1, "{used}");
    many.stop();
    println!("checked: a guest with 255 tapes");
}

#[test]
fn linux_has_255_tapes() {
    let vsp = Vsp::new();
    let statements = statements(&vsp);
    let Some(guest) = linux::create(&vsp, "lin", "1", &statements[..1]) else { return };
    let tapes: Vec<&str> = statements[1..].iter().flat_map(|statement| ["-a", statement]).collect();
    assert_eq!(guest.run("modify", &tapes).status(), 0);
    let mut console = guest.console();
    console.skip();
    assert_eq!(guest.run("start", &[]).status(), 0);
    linux::come_up_bare(&mut console);
    let tapes = DEVICES - 1;
    let count = "$(grep -c Sequential-Access /proc/scsi/scsi)";
    shell(&mut console, &format!("until [ {count} -eq {tapes} ]; do usleep 100000; done"));
    shell(
        &mut console,
        &format!(
            "until [ $(ls -d /sys/class/scsi_tape/nst*[0-9] | wc -l) -eq {tapes} ]; do usleep 100000; done"
        ),
    );
    println!("checked: Linux/ia64 with 255 tapes");
}

//! Tapes and libraries of real Linux guests whose VSP is killed: in the middle of backups, of restores, of moves; and what of a
//! reservation outlives guests and VSP.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use tests::linux::{attempt, boot, shell};
use tests::{Console, Guest, Vsp, simh};

use crate::attached::{file, guest, meets_a_reservation};
use crate::checked;
use crate::deaths::{kills, replace_vsp};

/// Waits for a background job that says so in this file when it is over.
fn wait_over(console: &mut Console<'_>, file: &str) {
    shell(console, &format!("until [ -e {file} ]; do usleep 100000; done"));
}

/// The file with this number of a backup, as text.
fn number(archive: &[u8]) -> String {
    let mut tar = Command::new("tar");
    tar.args(["-xf", "-", "-O", "a/number"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = tar.spawn().expect("tar runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // What is behind the end of an archive may not be read any more.
    let _ = stdin.write_all(archive);
    drop(stdin);
    let output = child.wait_with_output().expect("tar ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("a number").trim().to_owned()
}

#[test]
fn backups_and_restores_go_on_while_the_vsp_is_killed() {
    const TAR: &str = "dd if=/dev/nst0 bs=10k 2>/dev/null | tar xf - -C /tmp/b";
    let vsp = Vsp::new();
    let image = vsp.path("one.tap");
    vsp.run(&["tape", "create", &image.display().to_string(), "--capacity", "8G"]).ok();
    let Some(guest) = guest(&vsp, "lin", &[], &["tape /dev/rtape/tape1_BEST"]) else { return };
    let mut console = boot(&guest);
    file(&mut console, "/dev/nst0");
    shell(&mut console, "mkdir -p /tmp/a /tmp/b; dd if=/dev/urandom of=/tmp/a/data bs=1k count=200");
    // One archive after the other, each with its number in it.
    let write = "n=0; while [ ! -e /tmp/stop ]; do n=$((n+1)); echo $n >/tmp/a/number; \
                 tar cf - -C /tmp a | dd of=/dev/nst0 bs=10k 2>/tmp/error || { echo $n >/tmp/failed; break; }; \
                 echo $n >/tmp/count; done; touch /tmp/over";
    shell(&mut console, &format!("({write}) & true"));
    for _ in 0..kills() {
        console = replace_vsp(&vsp, &guest);
    }
    shell(&mut console, "touch /tmp/stop");
    wait_over(&mut console, "/tmp/over");
    let (failed, what) = attempt(&mut console, "cat /tmp/failed /tmp/error");
    assert!(failed != 0, "backup {what} failed\n{}", vsp.logs());
    let written = shell(&mut console, "cat /tmp/count");
    let written: usize = written.lines().find_map(|line| line.trim().parse().ok()).expect("a number");

    shell(&mut console, "mt -f /dev/nst0 rewind; rm -f /tmp/over");
    let read = format!(
        "n=0; while [ $n -lt {written} ]; do n=$((n+1)); \
         {TAR} && cmp /tmp/a/data /tmp/b/a/data && [ $(cat /tmp/b/a/number) = $n ] || {{ echo $n >/tmp/failed; break; }}; \
         done; touch /tmp/over"
    );
    shell(&mut console, &format!("({read}) & true"));
    for _ in 0..kills().min(10) {
        console = replace_vsp(&vsp, &guest);
    }
    wait_over(&mut console, "/tmp/over");
    let (failed, what) = attempt(&mut console, "cat /tmp/failed");
    assert!(failed != 0, "restore {what} of {written}\n{}", vsp.logs());
    // The tape is where it is: behind the last file.
    let (status, _) = attempt(&mut console, "mt -f /dev/nst0 fsf 1");
    assert_ne!(status, 0, "there is nothing behind it");
    shell(&mut console, "mt -f /dev/nst0 rewind");
    drop(console);
    guest.stop();
    let files = simh::files(&fs::read(&image).unwrap());
    assert_eq!(files.len(), written);
    for (file, expected) in files.iter().zip(1..) {
        assert_eq!(number(file), expected.to_string());
    }
    println!("{written} backups while the VSP was killed {} times, {} bytes", kills(), files.concat().len());
    checked("Linux tar on a tape whose VSP is killed, restored in the guest and read outside");
}

/// The tape's device file at a target, and its generic one.
fn tape_at(console: &mut Console<'_>, target: u8) -> (String, String) {
    (named(console, target, "scsi_tape/nst?"), named(console, target, "scsi_generic/sg*"))
}

fn changer_at(console: &mut Console<'_>, target: u8) -> String {
    named(console, target, "scsi_generic/sg*")
}

/// The device file of what Linux has of a target, once it has it.
fn named(console: &mut Console<'_>, target: u8, what: &str) -> String {
    let pattern = format!("/sys/bus/scsi/devices/0:0:{target}:0/{what}");
    shell(console, &format!("until ls -d {pattern} >/dev/null 2>&1; do usleep 100000; done"));
    let listed = shell(console, &format!("echo name=$(basename {pattern})="));
    // The kernel may say something meanwhile, and the line itself has no name in it.
    let names = listed.split("name=").filter_map(|text| text.split('=').next());
    let name =
        names.filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())).last();
    format!("/dev/{}", name.unwrap_or_else(|| panic!("no name in {listed}")))
}

#[test]
fn a_library_of_two_guests_outlives_the_vsp_and_a_reservation_everything() {
    const ATTACHED: [&str; 3] =
        ["changer /dev/rchgr/autoch1", "tape /dev/rtape/tape1_BEST", "tape /dev/rtape/tape2_BEST"];
    let vsp = Vsp::new();
    let library = vsp.path("tapes").display().to_string();
    let plan = ["--drives", "2", "--slots", "4", "--cartridges", "2", "--capacity", "64M"];
    vsp.run(&[&["library", "create", &library][..], &plan].concat()).ok();
    let (Some(one), Some(two)) = (guest(&vsp, "one", &[], &ATTACHED), guest(&vsp, "two", &[], &ATTACHED))
    else {
        return;
    };
    for name in ATTACHED.map(|device| device.split(' ').nth(1).expect("a file")) {
        vsp.run(&["devmgmt", "-m", &format!("gdev:{name}:attr:SHARE=YES")]).done();
    }
    let (mut first, mut second) = (boot(&one), boot(&two));
    moves_are_carried_out_once(&vsp, [&one, &two], [&mut first, &mut second]);

    // A reservation that is to survive a loss of power, of a drive with a cartridge in it.
    (first, second) = (replace_vsp(&vsp, &one), two.console());
    second.skip();
    let changer = changer_at(&mut first, 2);
    shell(&mut first, &format!("chroot /programs mtx -f {changer} load 1 0"));
    let persist = |console: &mut Console<'_>, options: &str| {
        let (_, sg) = tape_at(console, 3);
        attempt(console, &format!("chroot /programs sg_persist -n {options} {sg} 2>&1"))
    };
    let write = |console: &mut Console<'_>| {
        let (tape, _) = tape_at(console, 3);
        format!("dd if=/bin/busybox of={tape} bs=10k count=10")
    };
    let writes = |console: &mut Console<'_>| {
        let command = write(console);
        shell(console, &command);
    };
    let is_kept_out = |console: &mut Console<'_>| {
        let command = write(console);
        meets_a_reservation(console, &command);
    };
    let held = |console: &mut Console<'_>| {
        // It may be told of a power-on and of the cartridge first.
        let mut asked = (0..3).map(|_| persist(console, "-i -r"));
        let (status, held) = asked.find(|(status, _)| *status == 0).unwrap_or_default();
        assert!(status == 0 && held.contains("Key=0xa1") && held.contains("Write Exclusive"), "{held}");
    };
    for options in ["-o -G -S 0xa1 -Z", "-o -R -K 0xa1 -T 1"] {
        // The cartridge is news.
        persist(&mut first, "-i -k");
        let (status, output) = persist(&mut first, options);
        assert_eq!(status, 0, "{options}: {output}");
    }
    let busy = ["diskinfo: can't open /dev/rtape/tape1_BEST: Device busy"];
    for death in [false, true] {
        if death {
            drop((first, second));
            first = replace_vsp(&vsp, &one);
            second = two.console();
            second.skip();
        }
        held(&mut second);
        is_kept_out(&mut second);
        vsp.run(&["diskinfo", "/dev/rtape/tape1_BEST"]).refused(&busy);
        writes(&mut first);
    }
    drop((first, second));
    one.stop();
    two.stop();
    vsp.run(&["vsp", "stop"]).ok();

    // Its guest is not even there; the drive still knows who may use it.
    assert_eq!(vsp.run(&["status"]).status(), 0);
    let mut second = boot(&two);
    held(&mut second);
    is_kept_out(&mut second);
    let mut first = boot(&one);
    writes(&mut first);
    assert_eq!(persist(&mut first, "-o -C -K 0xa1").0, 0);
    let (tape, _) = tape_at(&mut first, 3);
    shell(&mut first, &format!("mt -f {tape} rewind"));
    writes(&mut second);
    drop((first, second));
    one.stop();
    two.stop();
    checked("Linux mtx in two guests under a VSP that is killed; sg_persist of a tape over guests and VSP");
}

/// Each guest carries its own cartridge to and fro between a slot and a drive.
fn moves_are_carried_out_once<'a>(vsp: &'a Vsp, guests: [&'a Guest<'a>; 2], consoles: [&mut Console<'a>; 2]) {
    for ((console, slot), drive) in consoles.into_iter().zip([1, 2]).zip([0, 1]) {
        let changer = changer_at(console, 2);
        let (tape, _) = tape_at(console, 3 + drive);
        let mtx = format!("chroot /programs mtx -f {changer}");
        let work = format!(
            "n=0; while [ ! -e /tmp/stop ]; do n=$((n+1)); \
             {mtx} load {slot} {drive} && mt -f {tape} offline && {mtx} unload {slot} {drive} \
             || {{ echo $n >/tmp/failed; break; }}; echo $n >/tmp/count; done; touch /tmp/over"
        );
        shell(console, &format!("({work}) >/tmp/log 2>&1 & true"));
    }
    for _ in 0..2 * kills() {
        let _ = replace_vsp(vsp, guests[0]);
    }
    let library = vsp.run(&["library", "list"]);
    let mut moved = Vec::new();
    for guest in guests {
        let mut console = guest.console();
        console.skip();
        crate::deaths::at_prompt(&mut console);
        shell(&mut console, "touch /tmp/stop");
        wait_over(&mut console, "/tmp/over");
        let (failed, what) = attempt(&mut console, "cat /tmp/failed && tail -n 20 /tmp/log");
        assert!(failed != 0, "{}: {what}\n{library:?}\n{}", guest.name(), vsp.logs());
        let count = shell(&mut console, "cat /tmp/count");
        moved.push(count.lines().find_map(|line| line.trim().parse::<u32>().ok()).expect("a number"));
    }
    let listed = vsp.run(&["library", "list"]).stdout();
    for place in ["KIT001      slot 1", "KIT002      slot 2"] {
        assert!(listed.contains(place), "{listed}");
    }
    println!("{moved:?} loads and unloads while the VSP was killed {} times", 2 * kills());
}

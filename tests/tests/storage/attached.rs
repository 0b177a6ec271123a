//! Attached devices as a real Linux uses them: `st` with `mt` and `tar`, `mtx`, `cdrskin`, and who is kept out.

use std::fs;

use tests::linux::{attempt, boot, create, programs, shell};
use tests::{Console, Guest, Vsp, simh};

use crate::checked;

const TAPE: &str = "/dev/rtape/tape1_BEST";

/// A guest with programs, an empty disk and these attached devices at targets 2 and up.
pub(crate) fn guest<'a>(vsp: &'a Vsp, name: &str, settings: &[&str], attached: &[&str]) -> Option<Guest<'a>> {
    let programs = format!("disk:avio_stor:0,0,0:file:{}", programs(vsp, &format!("programs-{name}"))?);
    let data = format!("disk:avio_stor:0,0,1:file:{}", vsp.disk(&format!("data-{name}"), 64 << 20));
    let guest = create(vsp, name, "1", &[programs, data])?;
    for (target, device) in (2..).zip(attached) {
        let (kind, file) = device.split_once(' ').expect("a kind and a file");
        // That another guest has it, too, is remarked.
        let ran = guest.run("modify", &["-a", &format!("{kind}:avio_stor:0,0,{target}:attach_path:{file}")]);
        assert_eq!(ran.status(), 0, "{ran:?}");
    }
    if !settings.is_empty() {
        let ran = guest.run("modify", settings);
        assert_eq!(ran.status(), 0, "{ran:?}");
    }
    Some(guest)
}

/// Waits until the guest has a device file by this shell pattern, and names it.
pub(crate) fn file(console: &mut Console<'_>, pattern: &str) -> String {
    shell(console, &format!("until ls {pattern} >/dev/null 2>&1; do usleep 100000; done"));
    let named = shell(console, &format!("ls -d {pattern} | head -n 1"));
    named.lines().find(|line| line.starts_with("/dev/")).expect("a device file").trim().to_owned()
}

/// The generic device file of the first device of this SCSI type.
pub(crate) fn generic(console: &mut Console<'_>, kind: u8) -> String {
    let find = format!("grep -lx {kind} /sys/class/scsi_generic/sg*/device/type");
    shell(console, &format!("until {find} >/dev/null 2>&1; do usleep 100000; done"));
    let found = shell(console, &format!("{find} | head -n 1"));
    let name =
        found.lines().find_map(|line| line.strip_prefix("/sys/class/scsi_generic/")?.split('/').next());
    format!("/dev/{}", name.expect("a generic device"))
}

/// Runs a command that must fail because of a reservation conflict, which Linux names in its log.
#[track_caller]
pub(crate) fn meets_a_reservation(console: &mut Console<'_>, command: &str) {
    shell(console, "dmesg -c >/dev/null");
    let (status, output) = attempt(console, command);
    assert_ne!(status, 0, "{command}: {output}");
    let log = shell(console, "dmesg");
    assert!(log.contains("reservation conflict"), "{command}: {output}{log}");
}

#[test]
fn linux_writes_and_reads_a_tape() {
    let vsp = Vsp::new();
    let image = vsp.path("one.tap");
    vsp.run(&["tape", "create", &image.display().to_string(), "--capacity", "64M"]).ok();
    let Some(guest) = guest(&vsp, "lin", &[], &[&format!("tape {TAPE}")]) else { return };
    let mut console = boot(&guest);
    let linux = &mut console;
    file(linux, "/dev/nst0");
    let sg = generic(linux, 1);
    let info = |console: &mut Console<'_>| shell(console, &format!("chroot /programs tapeinfo -f {sg}"));
    shell(linux, "mkdir -p /tmp/a; cp /bin/busybox /etc/profile /tmp/a; cd /tmp");
    assert!(info(linux).contains("BOP: yes"), "at the beginning");
    // Two files of archives, and one of fixed blocks.
    shell(
        linux,
        "tar cf - a | dd of=/dev/nst0 bs=10k && tar cf - -C /etc profile passwd | dd of=/dev/nst0 bs=10k",
    );
    shell(
        linux,
        "mt -f /dev/nst0 setblk 512 && dd if=/bin/busybox of=/dev/nst0 bs=512 count=200 && mt -f /dev/nst0 setblk 0",
    );
    shell(
        linux,
        "mt -f /dev/nst0 rewind && mkdir b && dd if=/dev/nst0 bs=10k | tar xf - -C b && cmp /bin/busybox b/a/busybox",
    );
    shell(
        linux,
        "mt -f /dev/nst0 rewind && mt -f /dev/nst0 fsf 1 && dd if=/dev/nst0 bs=10k | tar tf - | grep -x passwd",
    );
    shell(linux, "mt -f /dev/nst0 rewind && mt -f /dev/nst0 fsf 2 && mt -f /dev/nst0 setblk 512");
    shell(
        linux,
        "dd if=/dev/nst0 bs=512 of=c && dd if=/bin/busybox bs=512 count=200 of=d && cmp c d && mt -f /dev/nst0 setblk 0",
    );
    shell(
        linux,
        "mt -f /dev/nst0 rewind && mt -f /dev/nst0 fsf 2 && mt -f /dev/nst0 bsf 1 && mt -f /dev/nst0 bsr 1 && mt -f /dev/nst0 tell",
    );
    shell(linux, "mt -f /dev/nst0 eom && mt -f /dev/nst0 tell");
    let (status, output) = attempt(linux, "mt -f /dev/nst0 fsf 1");
    assert_ne!(status, 0, "there is nothing behind the end: {output}");
    shell(linux, "mt -f /dev/nst0 rewind");
    drop(console);
    guest.stop();
    // Readers of SIMH's format find three files: their marks, and the end.
    let tape = simh::read(&fs::read(&image).unwrap());
    let marks = tape.iter().filter(|object| **object == simh::Object::Mark).count();
    assert_eq!(marks, 3, "of {} objects", tape.len());
    assert!(tape.len() > 200);
    checked("Linux st: mt and tar on an emulated tape");
}

#[test]
fn whoever_does_not_hold_the_drive_is_kept_out_in_the_way_of_his_system() {
    let vsp = Vsp::new();
    vsp.run(&["tape", "create", &vsp.path("one.tap").display().to_string(), "--capacity", "64M"]).ok();
    let tape = format!("tape {TAPE}");
    let Some(holder) = guest(&vsp, "v3", &["-O", "hpux", "-x", "os_version=11iv3"], &[&tape]) else { return };
    let Some(other) = guest(&vsp, "v2", &["-O", "hpux", "-x", "os_version=11iv2"], &[&tape]) else { return };
    vsp.run(&["devmgmt", "-m", &format!("gdev:{TAPE}:attr:SHARE=YES")]).ok();
    let (mut one, mut two) = (boot(&holder), boot(&other));
    file(&mut one, "/dev/nst0");
    file(&mut two, "/dev/nst0");
    let busy = [format!("diskinfo: can't open {TAPE}: Device busy")];
    let busy: Vec<&str> = busy.iter().map(String::as_str).collect();

    shell(&mut one, "dd if=/bin/busybox of=/dev/nst0 bs=64k");
    let (status, output) = attempt(&mut two, "dd if=/dev/nst0 of=/dev/null bs=64k count=1");
    // HP-UX 11i v2 makes ENXIO of a target that does not answer; Linux' st has EIO for that.
    assert!(status != 0 && output.contains("Input/output error"), "{output}");
    vsp.run(&["diskinfo", TAPE]).refused(&busy);
    shell(&mut one, "mt -f /dev/nst0 rewind");
    shell(&mut two, "dd if=/dev/nst0 bs=64k of=/tmp/copy && cmp /tmp/copy /bin/busybox");
    // HP-UX 11i v3 makes EBUSY of a reservation conflict; Linux' st has EIO.
    meets_a_reservation(&mut one, "dd if=/dev/nst0 of=/dev/null bs=64k count=1");
    vsp.run(&["diskinfo", TAPE]).refused(&busy);
    // A guest that dies lets go.
    other.stop();
    shell(&mut one, "mt -f /dev/nst0 rewind");
    vsp.run(&["diskinfo", TAPE]).ok();
    checked("two Linux guests and the VSP on one drive: reservation conflict, no target, Device busy");
}

#[test]
fn a_cartridge_goes_from_one_guest_to_another() {
    let vsp = Vsp::new();
    let library = vsp.path("tapes").display().to_string();
    let plan = ["--drives", "2", "--slots", "4", "--cartridges", "2", "--capacity", "64M"];
    vsp.run(&[&["library", "create", &library][..], &plan].concat()).ok();
    let changer = "changer /dev/rchgr/autoch1";
    let Some(one) = guest(&vsp, "one", &[], &[changer, "tape /dev/rtape/tape1_BEST"]) else { return };
    let Some(two) = guest(&vsp, "two", &[], &["tape /dev/rtape/tape2_BEST"]) else { return };
    let (mut first, mut second) = (boot(&one), boot(&two));
    let sg = generic(&mut first, 8);
    let mtx = |console: &mut Console<'_>, what: &str| {
        shell(console, &format!("chroot /programs mtx -f {sg} {what}"))
    };
    assert!(mtx(&mut first, "status").contains("2 Drives, 5 Slots ( 1 Import/Export )"));
    mtx(&mut first, "load 1 0");
    assert!(mtx(&mut first, "status").contains("Data Transfer Element 0:Full (Storage Element 1 Loaded)"));
    file(&mut first, "/dev/nst0");
    shell(
        &mut first,
        "cd /tmp && tar cf - -C /bin busybox | dd of=/dev/nst0 bs=10k && mt -f /dev/nst0 offline",
    );
    mtx(&mut first, "unload 1 0");
    mtx(&mut first, "load 1 1");
    file(&mut second, "/dev/nst0");
    shell(
        &mut second,
        "cd /tmp && dd if=/dev/nst0 bs=10k | tar xf - && cmp busybox /bin/busybox && mt -f /dev/nst0 offline",
    );
    let (status, output) = attempt(&mut first, &format!("chroot /programs mtx -f {sg} load 3 0"));
    assert_ne!(status, 0, "an empty slot: {output}");
    mtx(&mut first, "unload 1 1");
    checked("Linux mtx: a cartridge written by one guest is read by another");
}

#[test]
fn linux_burns_a_disc() {
    let vsp = Vsp::new();
    let directory = vsp.path("discs").display().to_string();
    let made = vsp.run(&["burner", "create", &directory]).ok();
    let burner = made.split_whitespace().next().expect("a device file").to_owned();
    assert_eq!(vsp.run(&["burner", "insert", &directory, "d1", "--kind", "CD-RW"]).status(), 0);
    let Some(guest) = guest(&vsp, "lin", &[], &[&format!("burner {burner}")]) else { return };
    let mut console = boot(&guest);
    let linux = &mut console;
    let drive = file(linux, "/dev/sr0");
    shell(
        linux,
        "mount -t tmpfs tmp /programs/tmp && dd if=/dev/urandom of=/programs/tmp/x bs=2048 count=300",
    );
    let burn = |image: &str| format!("chroot /programs cdrskin dev={drive} -sao -eject padsize=0 {image}");
    let load =
        |console: &mut Console<'_>| shell(console, &format!("chroot /programs cdrskin dev={drive} -load"));
    shell(linux, &burn("/tmp/x"));
    load(linux);
    shell(linux, &format!("dd if={drive} bs=2048 count=300 of=/tmp/y && cmp /tmp/y /programs/tmp/x"));
    shell(linux, &format!("chroot /programs cdrskin dev={drive} blank=fast"));
    shell(linux, "dd if=/dev/urandom of=/programs/tmp/x bs=2048 count=200");
    shell(linux, &burn("/tmp/x"));
    shell(linux, "cp /programs/tmp/x /tmp/x; md5sum /tmp/x");
    let sum = shell(linux, "md5sum < /tmp/x").split_whitespace().next().expect("a sum").to_owned();
    drop(console);
    guest.stop();
    let image = fs::read(vsp.path("discs").join("d1.iso")).unwrap();
    let cut = vsp.file("burnt", &image[..200 * 2048]);
    let output = std::process::Command::new("md5sum").arg(cut).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with(&sum));
    checked("Linux cdrskin: a CD-RW burnt twice");
}

//! Storage that changes under a running Linux/ia64, whose own drivers must notice it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::{Console, Deadline, Vsp, wait_for};

use crate::linux::{self, shell};

/// Waits in the guest until a test of its shell succeeds.
#[track_caller]
fn until(console: &mut Console<'_>, test: &str) {
    shell(console, &format!("until [ {test} ]; do usleep 100000; done"));
}

/// The disk at a target, once the guest has found it.
fn disk(console: &mut Console<'_>, target: u8) -> String {
    let block = format!("/sys/bus/scsi/devices/0:0:{target}:0/block");
    until(console, &format!("-e {block}/sd?"));
    let listed = shell(console, &format!("echo $(ls {block})"));
    let name = listed.split_whitespace().find(|word| word.starts_with("sd") && word.len() == 3);
    name.unwrap_or_else(|| panic!("no disk in {listed:?}")).to_owned()
}

#[test]
fn disks_come_go_and_grow() {
    let vsp = Vsp::new();
    let Some(guest) = linux::guest(&vsp, "2") else { return };
    let mut console = linux::boot(&guest);
    let statement = format!("disk:avio_stor:0,0,5:file:{}", vsp.disk("hot", 64 << 20));
    assert_eq!(guest.run("modify", &["-a", &statement]).ok(), "");
    let name = disk(&mut console, 5);
    shell(&mut console, &format!("chroot /programs mkfs.ext4 -q /dev/{name} && mount /dev/{name} /mnt"));
    shell(&mut console, "dd if=/dev/urandom of=/mnt/data bs=1M count=16; sync");

    // The VSP dies: the guest goes on with the disk that was not there when it started.
    vsp.kill();
    let mut console = console_of_the_next(&vsp);
    let written = linux::checksum(&mut console, "/mnt/data");
    shell(&mut console, "echo 3 > /proc/sys/vm/drop_caches");
    assert_eq!(linux::checksum(&mut console, "/mnt/data"), written);

    // Writing all the time, it is not taken away.
    shell(
        &mut console,
        "touch /busy; while [ -e /busy ]; do dd if=/dev/zero of=/mnt/more bs=64k count=64 oflag=direct; done 2>/dev/null & BUSY=$!",
    );
    let writes = || vsp.client().figures(None).unwrap()[0].devices[2].writes;
    let before = writes();
    wait_for(Deadline::System, "writes", || vsp.logs(), || (writes() > before + 10).then_some(()));
    guest.run("modify", &["-d", &statement]).refused(&[
        "hpvmmodify: ERROR (lin): Device disk:avio_stor:0,0,5 is in use by the guest.",
        &format!("hpvmmodify: Unable to delete device {statement}."),
        "hpvmmodify: Unable to modify the guest.",
    ]);
    shell(&mut console, "rm /busy; wait $BUSY; umount /mnt");
    assert_eq!(guest.run("modify", &["-d", &statement]).ok(), "");
    until(&mut console, "! -e /sys/bus/scsi/devices/0:0:5:0");
    until(&mut console, &format!("! -e /dev/{name}"));

    // It is found again as it was, elsewhere.
    let elsewhere = statement.replace("0,0,5", "0,0,77");
    guest.run("modify", &["-a", &elsewhere]).ok();
    let name = disk(&mut console, 77);
    shell(&mut console, &format!("mount -r /dev/{name} /mnt"));
    assert_eq!(linux::checksum(&mut console, "/mnt/data"), written);

    // 256 MiB become 384.
    let data = fs::OpenOptions::new().write(true).open(vsp.path("data")).unwrap();
    data.set_len(384 << 20).unwrap();
    until(&mut console, "$(cat /sys/block/${DATA#/dev/}/size) = 786432");
    shell(&mut console, "dd if=/dev/zero of=$DATA bs=1M seek=383 count=1 conv=fsync");
    let errors = shell(&mut console, "dmesg | grep -ciE 'i/o error|abort' ; true");
    assert!(errors.lines().any(|line| line.trim() == "0"), "{errors}");
    guest.stop();
    println!("checked: Linux with disks that come, go and grow while it runs");
}

/// The guest's console at the VSP after the one that died.
fn console_of_the_next(vsp: &Vsp) -> Console<'_> {
    vsp.run(&["status"]).ok();
    let mut console = vsp.guest("lin").console();
    console.skip();
    console
}

/// The disc is full of this letter, so many sectors of it.
#[track_caller]
fn assert_disc(console: &mut Console<'_>, letter: &str, sectors: u32) {
    let content = shell(console, "dd if=/dev/sr0 bs=2048 2>/dev/null | tr -s AB; echo");
    assert!(content.lines().any(|line| line.trim() == letter), "{content}");
    let read = shell(console, "dd if=/dev/sr0 bs=2048 of=/dev/null");
    assert!(read.contains(&format!("{sectors}+0 records in")), "{read}");
}

#[test]
fn discs_are_ejected_and_changed() {
    let vsp = Vsp::new();
    let Some(guest) = linux::guest(&vsp, "1") else { return };
    let isos = vsp.path("isos").display().to_string();
    fs::create_dir(&isos).unwrap();
    for (name, byte, sectors) in [("one.iso", b'A', 1000), ("two.iso", b'B', 3000)] {
        let path = format!("{isos}/{name}");
        fs::write(&path, vec![byte; sectors * 2048]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    guest.run("modify", &["-a", &format!("dvd:avio_stor:0,0,9:file:{isos}/one.iso")]).ok();
    let mut console = linux::boot(&guest);
    until(&mut console, "-e /sys/bus/scsi/devices/0:0:9:0/block/sr0");
    assert_disc(&mut console, "A", 1000);
    let at_menu = |input: &str| vsp.run_with_input(&["console", "-P", "lin", "-q"], input);

    // Open, and therefore locked.
    shell(&mut console, "exec 3</dev/sr0");
    let ran = at_menu("ej\n1\ny\nx\n");
    let refused = "hpvmconsole: ERROR (lin): Device dvd:avio_stor:0,0,9 is locked by the guest.\n\
                   hpvmconsole: Unable to change the disc.\n";
    assert_eq!(ran.stderr(), refused);
    guest.run("modify", &["-m", &format!("dvd:avio_stor:0,0,9:file:{isos}/two.iso")]).refused(&[
        "hpvmmodify: ERROR (lin): Device dvd:avio_stor:0,0,9 is locked by the guest.",
        &format!("hpvmmodify: Unable to modify device dvd:avio_stor:0,0,9:file:{isos}/two.iso."),
        "hpvmmodify: Unable to modify the guest.",
    ]);
    assert_disc(&mut console, "A", 1000);
    shell(&mut console, "exec 3<&-");
    assert_eq!(at_menu("ej\n1\ny\nx\n").stderr(), "");
    let empty = shell(&mut console, "dd if=/dev/sr0 bs=2048 count=1; true");
    assert!(empty.contains("No medium found"), "{empty}");
    assert_eq!(at_menu("in\n1\n2\nx\n").stderr(), "");
    assert_disc(&mut console, "B", 3000);
    // One is taken out and the other put in while the guest does not look.
    guest.run("modify", &["-m", &format!("dvd:avio_stor:0,0,9:file:{isos}/one.iso")]).ok();
    vsp.kill();
    let mut console = console_of_the_next(&vsp);
    assert_disc(&mut console, "A", 1000);
    guest.stop();
    println!("checked: Linux with discs that are ejected and changed while it runs");
}

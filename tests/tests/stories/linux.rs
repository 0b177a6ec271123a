//! An unmodified Linux/ia64 with AVIO disks. The images are not part of the repository; without them nothing is done.

use std::fs::File;
use std::process::{Command, Stdio};

use ipc::message::GuestState;
use nix::sys::signal::Signal;
use tests::{Console, Deadline, Guest, Vsp, shared::guest_file};

const PROMPT: &str = "guest# ";

/// The kernel with its RAM disk, and two AVIO disks: target 0 with programs, target 1 empty. `None` where the images are
/// missing.
pub(crate) fn guest<'a>(vsp: &'a Vsp, vcpus: &str) -> Option<Guest<'a>> {
    let (kernel, initrd) = (guest_file("vmlinux.gz")?, guest_file("initramfs.gz")?);
    let packed = guest_file("linux-root.ext4.xz")?;
    let programs = vsp.path("programs.ext4");
    let unpacked = File::create(&programs).unwrap();
    let status = Command::new("xz").args(["-dc", &packed]).stdout(Stdio::from(unpacked)).status();
    if !status.is_ok_and(|status| status.success()) {
        println!("skipped: xz cannot unpack '{packed}'");
        return None;
    }
    let kernel = format!("kernel={kernel}");
    let initrd = format!("initrd={initrd}");
    let programs = format!("disk:avio_stor:0,0,0:file:{}", programs.display());
    let data = format!("disk:avio_stor:0,0,1:file:{}", vsp.disk("data", 256 << 20));
    let mut options = vec!["-O", "linux", "-c", vcpus, "-r", "512M", "-x", &kernel, "-x", &initrd];
    options.extend(["-x", "append=console=ttyS0", "-a", &programs, "-a", &data]);
    Some(vsp.create("lin", &options))
}

/// Boots to a shell where `$DATA` is the empty disk and the programs' file system is at `/programs`.
pub(crate) fn boot<'a>(guest: &Guest<'a>) -> Console<'a> {
    let mut console = guest.console();
    console.skip();
    guest.start();
    come_up(&mut console);
    console
}

/// Waits for the shell of a guest that boots, and prepares it as [`boot`] says.
pub(crate) fn come_up(console: &mut Console<'_>) {
    console.expect("guest ready", Deadline::System);
    console.expect(PROMPT, Deadline::System);
    // Linux names disks in the order in which it finds them, which is any, and finds them when it has time for it.
    shell(console, "until [ -e /sys/bus/scsi/devices/0:0:1:0/block/sd? ]; do usleep 100000; done");
    shell(console, "until [ -e /sys/bus/scsi/devices/0:0:0:0/block/sd? ]; do usleep 100000; done");
    let disk = |target| format!("/dev/$(ls /sys/bus/scsi/devices/0:0:{target}:0/block)");
    shell(console, &format!("DATA={}", disk(1)));
    shell(console, "mkdir -p /programs /mnt");
    shell(console, &format!("mount -r {} /programs && mount -o bind /dev /programs/dev", disk(0)));
}

/// Runs a command at the guest's shell, which must succeed; what it wrote.
#[track_caller]
pub(crate) fn shell(console: &mut Console<'_>, command: &str) -> String {
    // The echo of the line has no digit there.
    console.line(&format!("{command}; echo status=$?="));
    let output = console.expect("status=0=", Deadline::System);
    console.expect(PROMPT, Deadline::System);
    output
}

/// Waits until `iostorm` has been acknowledged a generation of writes after `last`; which one.
pub(crate) fn next_acknowledgement(console: &mut Console<'_>, last: u64) -> u64 {
    loop {
        console.expect("ack ", Deadline::System);
        let line = console.expect("\n", Deadline::System);
        let generation = line.split_whitespace().next().and_then(|word| word.parse().ok());
        // A line of the shell may have come between.
        if let Some(generation) = generation.filter(|generation| *generation > last) {
            return generation;
        }
    }
}

fn checksum(console: &mut Console<'_>) -> String {
    let output = shell(console, "sha256sum /mnt/data");
    let is_sum = |word: &&str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    output.split_whitespace().find(is_sum).unwrap_or_else(|| panic!("no sum in {output:?}")).to_owned()
}

#[test]
fn a_file_system_on_an_avio_disk_is_found_again_after_a_restart() {
    let vsp = Vsp::new();
    let Some(guest) = guest(&vsp, "2") else { return };
    let mut console = boot(&guest);
    shell(&mut console, "chroot /programs mkfs.ext4 -q $DATA");
    shell(&mut console, "mount $DATA /mnt");
    shell(&mut console, "dd if=/dev/urandom of=/mnt/data bs=1M count=32");
    let written = checksum(&mut console);
    shell(&mut console, "umount /mnt");
    console.line("poweroff");
    guest.wait_until(GuestState::Off, Deadline::System);
    assert_eq!(guest.reason(), "Powered off by the guest.");

    let mut console = boot(&guest);
    shell(&mut console, "chroot /programs fsck.ext4 -fn $DATA");
    shell(&mut console, "mount $DATA /mnt");
    assert_eq!(checksum(&mut console), written);
    // This system has no program that listens to the power button.
    guest.run("modify", &["-x", "graceful_stop_timeout=1"]).ok();
    guest.run("stop", &["-g", "-F"]).ok();
    assert_eq!(guest.reason(), "Stopped.");
    println!("checked: Linux ext4 under the VSP, compared after a restart");
}

#[test]
fn what_a_disk_acknowledged_is_there_after_the_guest_was_killed() {
    let vsp = Vsp::new();
    let Some(guest) = guest(&vsp, "2") else { return };
    let mut console = boot(&guest);
    console.line("iostorm write $DATA 600");
    let mut acknowledged = String::new();
    for _ in 0..5 {
        console.expect("ack ", Deadline::System);
        acknowledged = console.expect("\n", Deadline::System);
    }
    guest.signal(Signal::SIGKILL);
    guest.wait_until(GuestState::Off, Deadline::Soon);
    let generation = acknowledged.split_whitespace().next().expect("a generation").to_owned();

    let mut console = boot(&guest);
    let output = shell(&mut console, &format!("iostorm verify $DATA {generation}"));
    assert!(output.contains("PASS"), "{output}");
    guest.stop();
    println!("checked: Linux iostorm, verified after its guest was killed");
}

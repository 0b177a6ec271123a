//! An unmodified Linux/ia64 with AVIO disks. The images are not part of the repository; without them nothing is done.

use ipc::message::GuestState;
use nix::sys::signal::Signal;
use tests::{Console, Deadline, Vsp};

pub(crate) use tests::linux::{boot, come_up, guest, shell};

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

/// The check sum of a file.
pub(crate) fn checksum(console: &mut Console<'_>, path: &str) -> String {
    let output = shell(console, &format!("sha256sum {path}"));
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
    let written = checksum(&mut console, "/mnt/data");
    shell(&mut console, "umount /mnt");
    console.line("poweroff");
    guest.wait_until(GuestState::Off, Deadline::System);
    assert_eq!(guest.reason(), "Powered off by the guest.");

    let mut console = boot(&guest);
    shell(&mut console, "chroot /programs fsck.ext4 -fn $DATA");
    shell(&mut console, "mount $DATA /mnt");
    assert_eq!(checksum(&mut console, "/mnt/data"), written);
    // This system has no program that listens to the power button.
    guest.run("modify", &["-x", "graceful_stop_timeout=1"]).ok();
    let stopped = guest.run("stop", &["-g", "-F"]);
    let text = "The guest did not shut down within its time limit and was powered off.";
    assert_eq!((stopped.status(), stopped.stderr()), (0, format!("hpvmstop: WARNING (lin): {text}\n")));
    assert_eq!(guest.reason(), text);
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

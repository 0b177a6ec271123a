//! An unmodified Linux/ia64 as a guest of a VSP: its images, its shell, and the programs of its root file system. The images
//! are no part of the repository; without them a story says `skipped:` and ends.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::shared::guest_file;
use crate::{Console, Deadline, Guest, Vsp};

const PROMPT: &str = "guest# ";

/// A guest with the kernel, its RAM disk and these devices, off.
pub fn create<'a>(vsp: &'a Vsp, name: &str, vcpus: &str, devices: &[String]) -> Option<Guest<'a>> {
    let kernel = format!("kernel={}", guest_file("vmlinux.gz")?);
    let initrd = format!("initrd={}", guest_file("initramfs.gz")?);
    let mut options = vec!["-O", "linux", "-c", vcpus, "-r", "512M", "-x", &kernel, "-x", &initrd];
    // The kernel's news would come between the letters of what programs write. `dmesg` has them.
    options.extend(["-x", "append=console=ttyS0 loglevel=5"]);
    options.extend(devices.iter().flat_map(|device| ["-a", device]));
    Some(vsp.create(name, &options))
}

/// The root file system, unpacked into a file of this name: the programs that the RAM disk has no room for.
///
/// # Panics
/// If there is no room for it.
pub fn programs(vsp: &Vsp, name: &str) -> Option<String> {
    let packed = guest_file("linux-root.ext4.xz")?;
    let path = vsp.path(name);
    let unpacked = File::create(&path).expect("a file can be made");
    let status = Command::new("xz").args(["-dc", &packed]).stdout(Stdio::from(unpacked)).status();
    if !status.is_ok_and(|status| status.success()) {
        println!("skipped: xz cannot unpack '{packed}'");
        return None;
    }
    Some(path.display().to_string())
}

/// Two AVIO disks: target 0 with programs, target 1 empty.
pub fn guest<'a>(vsp: &'a Vsp, vcpus: &str) -> Option<Guest<'a>> {
    let programs = format!("disk:avio_stor:0,0,0:file:{}", programs(vsp, "programs.ext4")?);
    let data = format!("disk:avio_stor:0,0,1:file:{}", vsp.disk("data", 256 << 20));
    create(vsp, "lin", vcpus, &[programs, data])
}

/// Boots to a shell where `$DATA` is the disk at target 1 and the programs' file system, at target 0, is at `/programs`.
pub fn boot<'a>(guest: &Guest<'a>) -> Console<'a> {
    let mut console = begin(guest);
    come_up(&mut console);
    console
}

/// Starts a guest: its console from then on.
pub fn begin<'a>(guest: &Guest<'a>) -> Console<'a> {
    let mut console = guest.console();
    console.skip();
    guest.start();
    console
}

/// Waits for the shell of a guest that boots, and prepares it as [`boot`] says.
pub fn come_up(console: &mut Console<'_>) {
    come_up_bare(console);
    // Linux names disks in the order in which it finds them, which is any, and finds them when it has time for it.
    shell(console, "until [ -e /sys/bus/scsi/devices/0:0:1:0/block/sd? ]; do usleep 100000; done");
    shell(console, "until [ -e /sys/bus/scsi/devices/0:0:0:0/block/sd? ]; do usleep 100000; done");
    let disk = |target| format!("/dev/$(ls /sys/bus/scsi/devices/0:0:{target}:0/block)");
    shell(console, &format!("DATA={}", disk(1)));
    shell(console, "mkdir -p /programs /mnt");
    shell(console, &format!("mount -r {} /programs && mount -o bind /dev /programs/dev", disk(0)));
}

/// Waits for the shell of a guest that boots, whatever disks it has.
pub fn come_up_bare(console: &mut Console<'_>) {
    console.expect("guest ready", Deadline::System);
    console.expect(PROMPT, Deadline::System);
}

/// Runs a command at the guest's shell, which must succeed; what it wrote.
///
/// # Panics
/// If it fails.
#[track_caller]
pub fn shell(console: &mut Console<'_>, command: &str) -> String {
    let (status, output) = attempt(console, command);
    assert_eq!(status, 0, "{command}: {output}");
    output
}

/// Runs a command at the guest's shell: its status, and what it wrote.
///
/// # Panics
/// If it does not end.
#[track_caller]
pub fn attempt(console: &mut Console<'_>, command: &str) -> (i32, String) {
    // The echo of the line has no digit there.
    console.line(&format!("{command}; echo status=$?="));
    loop {
        let mut output = console.expect("status=", Deadline::System);
        let word = console.expect("=", Deadline::System);
        if let Ok(status) = word.trim_end_matches('=').parse() {
            console.expect(PROMPT, Deadline::System);
            output.truncate(output.len() - "status=".len());
            return (status, output.replace('\r', ""));
        }
    }
}

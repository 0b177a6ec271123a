//! Errors of the host reach the guest as what they are: no space left, a medium that fails, one that is write protected.
//! Needs the right to mount and a loop device; without them the story says `skipped:`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use tests::linux::{self, attempt, boot, shell};
use tests::{Console, Vsp};

use crate::checked;

const MIB: u64 = 1 << 20;

/// Runs a program of the host's; what it wrote, or why it did not succeed.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output: Output =
        Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// A file system of 16 MiB in memory.
struct Small(TempDir);

impl Small {
    fn mounted() -> Result<Small, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        run("mount", &["-t", "tmpfs", "-o", "size=16m", "tmpfs", &directory.path().display().to_string()])?;
        Ok(Small(directory))
    }

    fn disk(&self) -> String {
        let path = self.0.path().join("disk");
        File::create(&path).and_then(|file| file.set_len(64 * MIB)).expect("a sparse file");
        path.display().to_string()
    }

    fn grow(&self) {
        run("mount", &["-o", "remount,size=64m", &self.0.path().display().to_string()]).expect("it can grow");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        _ = run("umount", &["-l", &self.0.path().display().to_string()]);
    }
}

/// A block device on a file.
struct Loop {
    device: String,
    file: PathBuf,
}

impl Loop {
    fn on(file: PathBuf) -> Result<Loop, String> {
        File::create(&file).and_then(|file| file.set_len(64 * MIB)).map_err(|error| error.to_string())?;
        Ok(Loop { device: run("losetup", &["--show", "-f", &file.display().to_string()])?, file })
    }

    /// From here on there is nothing behind the device.
    fn cut(&self, len: u64) {
        File::options()
            .write(true)
            .open(&self.file)
            .and_then(|file| file.set_len(len))
            .expect("it can be cut");
    }

    fn protect(&self) {
        run("blockdev", &["--setro", &self.device]).expect("it can be protected");
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        // Its next user finds it as this leaves it.
        _ = run("blockdev", &["--setrw", &self.device]);
        _ = run("losetup", &["-d", &self.device]);
    }
}

/// Runs a command that must fail, with these words of its own and of the kernel's.
fn fails(console: &mut Console<'_>, command: &str, said: &str, logged: &str) {
    shell(console, "dmesg -c >/dev/null");
    let (status, output) = attempt(console, &format!("{command} 2>&1"));
    assert!(status != 0 && output.contains(said), "{command}: {status} {output}");
    let log = shell(console, "dmesg");
    assert!(log.contains(logged), "no {logged:?} in {log}");
}

#[test]
fn errors_of_the_host_are_told_to_the_guest_as_what_they_are() {
    // Dropped after the guest has ended with its VSP.
    let directory = tempfile::tempdir().unwrap();
    let (small, device) = match (Small::mounted(), Loop::on(directory.path().join("file"))) {
        (Ok(small), Ok(device)) => (small, device),
        (Err(reason), _) | (_, Err(reason)) => return println!("skipped: no storage that fails ({reason})"),
    };
    let vsp = Vsp::new();
    let Some(guest) = linux::guest(&vsp, "1") else { return };
    let statements = [
        format!("disk:avio_stor:0,0,2:file:{}", small.disk()),
        format!("disk:avio_stor:0,0,3:disk:{}", device.device),
    ];
    guest.run("modify", &["-a", &statements[0], "-a", &statements[1]]).ok();
    let mut console = boot(&guest);
    for (name, target) in [("SMALL", 2), ("LOOP", 3)] {
        let path = format!("/sys/bus/scsi/devices/0:0:{target}:0/block");
        shell(
            &mut console,
            &format!("until [ -e {path}/sd? ]; do usleep 100000; done; {name}=/dev/$(ls {path})"),
        );
    }
    // This kernel tells sense codes by their numbers.
    let fill = "dd if=/dev/zero of=$SMALL bs=1M count=32 oflag=direct";
    fails(&mut console, fill, "No space left on device", "ASC=0x27 ASCQ=0x7");
    shell(&mut console, "dd if=$SMALL of=/dev/null bs=1M count=4");
    small.grow();
    shell(&mut console, fill);

    shell(&mut console, "dd if=/dev/zero of=$LOOP bs=1M count=4 conv=fsync");
    device.cut(8 * MIB);
    let read = "dd if=$LOOP of=/dev/null bs=1M skip=16 count=1 iflag=direct";
    fails(&mut console, read, "No data available", "ASC=0x11 ASCQ=0x0");
    device.protect();
    let write = "dd if=/dev/zero of=$LOOP bs=1M count=1 oflag=direct";
    fails(&mut console, write, "Remote I/O error", "ASC=0x27 ASCQ=0x0");
    shell(&mut console, "dd if=$LOOP of=/dev/null bs=1M count=4");
    // Other disks work as ever.
    shell(&mut console, "dd if=/dev/zero of=$DATA bs=1M count=4 conv=fsync");
    guest.stop();
    assert!(Path::new(&device.device).exists());
    checked("no space, a medium error and write protection of the host, as Linux is told of them");
}

/// A restriction of a directory ends where another file system is mounted, or does not (hpvm.md 4.8).
#[test]
fn restrictions_of_directories_end_at_mount_points_or_go_on() {
    let small = match Small::mounted() {
        Ok(small) => small,
        Err(reason) => return println!("skipped: nothing can be mounted ({reason})"),
    };
    let vsp = Vsp::new();
    let (own, mounted) = (vsp.disk("disk", MIB), small.disk());
    // Both lie there, one of them in a file system of its own.
    let above = Path::new("/tmp");
    if !small.0.path().starts_with(above) {
        return println!("skipped: temporary files are not in '{}'", above.display());
    }
    let create = |name: &str, path: &str| {
        let device = format!("disk:avio_stor::file:{path}");
        vsp.run(&["create", "-P", name, "-B", "manual", "-a", &device])
    };
    let refuse = |name: &str, path: &str| {
        let text =
            format!("ERROR ({name}): Device '{path}' is restricted (rdev) and cannot be used by a guest.");
        let ran = create(name, path);
        assert!(ran.status() == 1 && ran.stderr().contains(&text), "{ran:?}");
    };
    vsp.run(&["devmgmt", "-a", &format!("rdev:{}:attr:RECURSIVE=FS", above.display())]).ok();
    refuse("own", &own);
    assert_eq!(create("mounted", &mounted).ok(), "");
    vsp.run(&["remove", "-P", "mounted", "-F"]).ok();
    vsp.run(&["devmgmt", "-m", &format!("rdev:{}:attr:RECURSIVE=DIR", above.display())]).ok();
    refuse("own", &own);
    refuse("mounted", &mounted);
    vsp.run(&["devmgmt", "-d", &format!("rdev:{}:attr:RECURSIVE", above.display())]).ok();
    assert_eq!(create("own", &own).ok(), "");
}

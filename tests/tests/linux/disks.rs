//! AVIO disks under Linux: what was written is there after a restart.

use std::process::{Command, Stdio};

use tests::Vsp;
use tests::shared::guest_file;

use crate::checked;
use crate::run::boot;

const MIB: u64 = 1 << 20;

/// The root file system, unpacked into the story's own directory.
fn root_disk(vsp: &Vsp) -> Option<String> {
    let packed = guest_file("linux-root.ext4.xz")?;
    let path = vsp.path("root.ext4");
    let file = std::fs::File::create(&path).expect("a file can be made");
    let status =
        Command::new("xz").args(["-dc", &packed]).stdout(Stdio::from(file)).status().expect("xz runs");
    assert!(status.success(), "the root disk cannot be unpacked");
    Some(path.display().to_string())
}

#[test]
fn selftest_passes_from_a_root_disk_with_shared_libraries() {
    let vsp = Vsp::new();
    let Some(root) = root_disk(&vsp) else { return };
    let Some(ended) = boot("selftest-dynamic").disk(&root).root_on_disk().run() else { return };
    ended.well().says("selftest: PASS");
    checked("Linux selftest-dynamic from the root disk");
}

#[test]
fn a_file_system_keeps_its_files_over_a_restart() {
    let vsp = Vsp::new();
    let Some(root) = root_disk(&vsp) else { return };
    // One disk, because Linux names several in the order in which their probes happen to end.
    // The command line has no quoting, and what a shell separates by blanks travels as '+'.
    let write = "mount /dev/sda /mnt && dd if=/dev/urandom of=/mnt/a bs=1M count=8 && cd /mnt && \
                 find . -type f | xargs md5sum > /tmp/sums && cp /tmp/sums /mnt/sums && cd / && umount /mnt";
    let Some(ended) = boot(write).disk(&root).run() else { return };
    ended.well();
    let verify = "mount /dev/sda /mnt && cd /mnt && md5sum -c sums && echo all-files-are-whole";
    let Some(ended) = boot(verify).disk(&root).run() else { return };
    ended.well().says("all-files-are-whole");
    checked("Linux ext4 on an AVIO disk, compared after a restart");
}

#[test]
fn nothing_acknowledged_is_lost_or_torn() {
    let vsp = Vsp::new();
    let disk = vsp.disk("storm", 32 * MIB);
    let Some(ended) = boot("iostorm write /dev/sda 5").disk(&disk).run() else { return };
    let ended = ended.well();
    let acknowledged = ended.console.lines().filter_map(|line| line.trim().strip_prefix("ack ")).next_back();
    let generation =
        acknowledged.and_then(|ack| ack.split(' ').next()).expect("iostorm acknowledges generations");
    let Some(ended) = boot(&format!("iostorm verify /dev/sda {generation}")).disk(&disk).run() else {
        return;
    };
    ended.well().says("PASS");
    checked("Linux iostorm, verified after a restart");
}

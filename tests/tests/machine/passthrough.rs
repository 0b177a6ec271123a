//! A SCSI tape drive of a host, passed through to an ia64 guest. The host is the machine, its drive one that the VSP emulates
//! and QEMU puts into it; inside, a second VSP finds the drive by Linux' drivers and gives it to a guest.

use std::fs;
use std::process::Command;

use tests::{Machine, hpvm};

use crate::back_end::BackEnd;
use crate::checked;
use crate::script::with_guests;

/// Bytes of a record that the guest writes.
const RECORD: usize = 64 << 10;

/// Runs as root in the machine: a guest with the drive, which writes a record of 64 KiB and marks to the tape, and then what
/// the host itself finds on it.
const SCRIPT: &str = r#"
cat /sys/class/scsi_generic/sg0/device/type /sys/class/scsi_generic/sg0/device/wwid
hpvm ioscan -m lun
hpvm diskinfo /dev/rtape/tape1_BEST
truncate -s 1M /tmp/disk
hpvm create -P inner -B manual -r 128M -x kernel=builtin:diag \
    -x 'append=run=mt+-f+tape+status;dd+if=/dev/random+of=tape+bs=64k+count=3+seed=7;mt+-f+tape+rew;cksum+/dev/rtape/tape1_BESTn;mt+-f+tape+rew' \
    -a disk:avio_stor:0,0,0:file:/tmp/disk -a tape:avio_stor:0,0,1:attach_path:/dev/rtape/tape1_BEST
echo "== open on the host"
( exec 3</dev/nst0; hpvm start -P inner || true )
hpvm start -P inner
await off inner
cat $(log inner)
mt -f /dev/nst0 rewind
dd if=/dev/nst0 bs=64k of=/tmp/read
md5sum /tmp/read
mt -f /dev/nst0 rewind
hpvm vsp stop
"#;

#[test]
fn a_tape_drive_of_the_host_is_passed_through_to_a_guest() {
    let Some(machine) = Machine::new() else { return };
    let directory = tempfile::tempdir().unwrap();
    let tape = directory.path().join("one.tap");
    fs::write(&tape, "").unwrap();
    let back_end = BackEnd::listen(directory.path(), &["--tape", tape.to_str().unwrap()]);
    let printed =
        machine.with_executable("hpvm", hpvm()).with_adapter(back_end.socket()).run(&with_guests(SCRIPT));
    assert!(printed.contains("type: sequential access"), "{printed}");
    let refused = printed.split("== open on the host\n").nth(1).unwrap_or_default();
    let is_refusal = |line: &str| {
        line.starts_with("hpvmstart: ERROR (inner): Device '") && line.ends_with("' is in use by the VSP.")
    };
    assert!(refused.lines().any(is_refusal), "{printed}");
    assert!(printed.contains("DONE passed=5 failed=0"), "{printed}");
    // What the guest wrote is what it read, what its host read by a driver of its own, and what lies in the image.
    let image = fs::read(&tape).unwrap();
    let record = |n: usize| &image[n * (RECORD + 8) + 4..][..RECORD];
    assert_eq!(image[..4], u32::try_from(RECORD).unwrap().to_le_bytes(), "a record of 64 KiB comes first");
    let data = directory.path().join("data");
    fs::write(&data, (0..3).flat_map(record).copied().collect::<Vec<u8>>()).unwrap();
    let sum = |program: &str| {
        let output = Command::new(program).arg(&data).output().expect("it runs").stdout;
        String::from_utf8(output).expect("text").split_whitespace().next().expect("a sum").to_owned()
    };
    for sum in
        [format!("{} 196608 /dev/rtape/tape1_BESTn", sum("cksum")), format!("{}  /tmp/read", sum("md5sum"))]
    {
        assert!(printed.contains(&sum), "no '{sum}' in\n{printed}");
    }
    checked("a host's tape drive passed through to an ia64 guest, in a machine of QEMU's");
}

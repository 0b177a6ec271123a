//! Debian's `virtio_scsi` driver on an adapter of the VSP, by QEMU's `vhost-user-scsi-pci`.

use std::fs;

use tests::Machine;

use crate::back_end::BackEnd;
use crate::checked;

#[test]
fn linux_on_another_machine_writes_to_a_disk_of_the_vsp() {
    let Some(machine) = Machine::new() else { return };
    let directory = tempfile::tempdir().unwrap();
    let disk = directory.path().join("disk");
    fs::write(&disk, vec![0; 4 << 20]).unwrap();
    let back_end = BackEnd::listen(directory.path(), &["--disk", disk.to_str().unwrap()]);
    let printed = machine.with_adapter(back_end.socket()).run(
        "cat /sys/block/sda/device/model
         for n in $(seq 1 2048); do echo \"line $n of the pattern\"; done > /tmp/pattern
         dd if=/tmp/pattern of=/dev/sda bs=64k conv=fsync
         md5sum < /tmp/pattern",
    );
    assert!(printed.contains("Virtual FileDisk"), "{printed}");
    let pattern: String = (1..=2048).map(|n| format!("line {n} of the pattern\n")).collect();
    assert_eq!(fs::read(&disk).unwrap()[..pattern.len()], *pattern.as_bytes());
    checked("Linux/x86 in QEMU writes to a disk of the VSP");
}

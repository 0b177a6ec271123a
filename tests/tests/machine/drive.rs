//! One drive of the host with a disc in it, a virtual DVD of one guest and attached to another (hpvm.md 7.3): whichever starts
//! first has it. The host is the machine, its drive is QEMU's.

use std::fs;
use std::process::Command;

use tests::{Machine, hpvm};

use crate::checked;
use crate::script::with_guests;

/// Runs as root in the machine. The guests are named after what the drive is to them.
const SCRIPT: &str = r#"
drive=/dev/rdisk/disk1
hpvm diskinfo $drive
create() {
    truncate -s 1M /tmp/$1
    hpvm create -P $1 -B manual -r 128M -x kernel=builtin:diag -a disk:avio_stor:0,0,0:file:/tmp/$1 -a $2
}
create dvd dvd:avio_stor:0,0,1:disk:$drive
create null dvd:avio_stor:0,0,1:null:$drive
create burner burner:avio_stor:0,0,1:attach_path:$drive
echo "== both in one guest"
hpvm modify -P dvd -a burner:avio_stor:0,0,2:attach_path:$drive || echo refused
hpvm modify -P burner -a dvd:avio_stor:0,0,2:disk:$drive || echo refused
pairs() {
    for pair in dvd:burner burner:dvd null:burner burner:null; do
        first=${pair%:*} second=${pair#*:}
        echo "-- $first then $second"
        hpvm start -P $first >/dev/null 2>&1
        if hpvm start -P $second 2>/tmp/refusal; then echo STARTED; else grep ERROR /tmp/refusal; fi
        hpvm stop -P $first -F >/dev/null
        await off $first
    done
}
echo "== as it is"; pairs
hpvm devmgmt -m gdev:$drive:attr:SHARE=YES
echo "== shared"; pairs
hpvm devmgmt -l gdev:$drive
# Each alone reads what is on the disc.
for name in dvd burner; do
    hpvm modify -P $name -x append=run=cksum+disk1+bs=2048
    hpvm start -P $name >/dev/null 2>&1
    await off $name
    echo "== $name"; cat $(log $name)
done
# One drive that the host reaches by two adapters.
insmod /modules/scsi_debug.ko ptype=5 dev_size_mb=8 add_host=2 vpd_use_hostno=0
echo "== two paths"
hpvm ioscan -m lun -C disk
paths=$(hpvm ioscan -kfnN | awk '/LUN path for disk2/ { print $3 }')
for path in $paths; do hpvm modify -P burner -a burner:avio_stor::attach_path:$path 2>&1 | grep ERROR || echo "added $path"; done
hpvm vsp stop
"#;

#[test]
fn a_drive_is_a_virtual_dvd_or_attached_whichever_guest_starts_first() {
    let Some(machine) = Machine::new() else { return };
    let directory = tempfile::tempdir().unwrap();
    let disc = directory.path().join("disc.iso");
    let contents: Vec<u8> = (0..512u32).flat_map(|block| [block.to_le_bytes(); 512]).flatten().collect();
    fs::write(&disc, contents).unwrap();
    let drive = format!("file={},format=raw,if=none,id=disc,media=cdrom,readonly=on", disc.display());
    let printed = machine
        .with_executable("hpvm", hpvm())
        .with_options(&["-device", "virtio-scsi-pci", "-drive", &drive, "-device", "scsi-cd,drive=disc"])
        .run(&with_guests(SCRIPT));
    // Both ways, whatever the device database says, and an empty drive as a full one.
    let (_, tried) = printed.split_once("== as it is\n").unwrap_or_else(|| panic!("{printed}"));
    let (unshared, shared) = tried.split_once("== shared\n").unwrap_or_else(|| panic!("{printed}"));
    for refusals in [unshared, shared] {
        for [first, second, name] in [
            ["dvd", "burner", "0/0/3/0.0x0.0x0"],
            ["burner", "dvd", "/dev/sr0"],
            ["null", "burner", "0/0/3/0.0x0.0x0"],
            ["burner", "null", "/dev/sr0"],
        ] {
            let refusal = format!(
                "-- {first} then {second}\nhpvmstart: ERROR ({second}): Device '{name}' is in use by running guest '{first}'.\n"
            );
            assert!(refusals.contains(&refusal), "no {refusal}: {printed}");
        }
    }
    assert_eq!(printed.matches("of this guest.\n").count(), 2, "{printed}");
    // Two paths to one drive are one device, which a guest has once.
    let paths = "             255/255/0.0x100.0x0\n             255/255/0.0x200.0x0\n";
    assert!(printed.contains(paths), "{printed}");
    assert!(printed.contains("added 255/255/0.0x100.0x0\n"), "{printed}");
    let twice = "hpvmmodify: ERROR (burner): Device '255/255/0.0x200.0x0' is already used by this guest.\n";
    assert!(printed.contains(twice), "{printed}");
    let sum = Command::new("cksum").arg(&disc).output().expect("cksum runs").stdout;
    let sum = String::from_utf8(sum).expect("text").split(' ').take(2).collect::<Vec<_>>().join(" ");
    assert_eq!(printed.matches(&format!("{sum} ")).count(), 2, "{printed}");
    checked("a drive with a disc, virtual DVD and burner in both orders, in a machine of QEMU's");
}

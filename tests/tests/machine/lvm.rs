//! Logical volumes that LVM made (hpvm.md 3.2) as disks of a guest: whatever they are called, they are one disk; what lies
//! on what is known; they grow under a running guest, cannot be removed, and fail as they do. The host is the machine with
//! Debian's `lvm2`, the guest is Linux/ia64.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tests::{Machine, hpvm, shared};

use crate::checked;

/// Bytes of the disk with the volume group, and of the one that is only partitioned.
const GROUP: u64 = 64 << 20;
const PLAIN: u64 = 16 << 20;

/// Runs as root in the machine. Without udev, whose work LVM then does itself.
const SCRIPT: &str = r#"
export HPVM_ROOT=/tmp/hpvm
insmod /modules/dm-mod.ko
insmod /modules/loop.ko
mkdir -p /run/lock/lvm /etc/lvm
cat > /etc/lvm/lvm.conf <<'END'
activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }
devices { use_devicesfile = 0 obtain_device_list_from_udev = 0 external_device_info_source = "none" }
END
for disk in /sys/block/sd*; do
    case $(cat $disk/size) in
        131072) pv=/dev/${disk##*/} ;;
        32768) plain=/dev/${disk##*/} ;;
    esac
done
echo "pv=$pv plain=$plain"
lvm pvcreate -q $pv
lvm vgcreate -q vg $pv
lvm lvcreate -q -y -L 16M -n lv vg
lvm lvcreate -q -y -L 8M -n other vg
lvm lvs --noheadings -o lv_name,lv_size vg

log() { echo $HPVM_ROOT/guests/$1/console.log; }
count() { grep -c "$2" $(log $1) || true; }
# Waits for so many lines of a guest's.
wait_for() { for n in $(seq 1 300); do [ $(count $1 "$2") -ge $3 ] && return; sleep 1; done; echo "no '$2' of $1"; tail -n 30 $(log $1); false; }
type_to() { echo "$2" | hpvm console -P $1 -q -c co >/dev/null; }
# A command at the guest's prompt.
at() { ends=$(($(count $1 'status=[0-9]') + 1)); type_to $1 "$2; echo status=\$?"; wait_for $1 'status=[0-9]' $ends; }
add() { if hpvm modify -P $1 -a $2 2>/tmp/refusal; then echo "added $2"; else cat /tmp/refusal; fi; }

hpvm create -P one -B manual -O linux -r 256M -x kernel=/guest/vmlinux.gz -x initrd=/guest/initramfs.gz -x append=console=ttyS0 \
    -a disk:avio_stor:0,0,0:lv:/dev/vg/rlv
for path in /dev/vg/lv /dev/mapper/vg-lv /dev/dm-0 ; do add one disk:avio_stor::lv:$path; done
add one disk:avio_stor::disk:/dev/vg/lv
add one disk:avio_stor::disk:$pv
hpvm create -P two -B manual -r 128M -x kernel=builtin:diag
# What a volume group is made of is the host's.
add two disk:avio_stor:0,0,0:disk:$pv
hpvm hostrdev -d
for path in $plain ${plain}1; do add one disk:avio_stor::lv:$path; done
add one disk:avio_stor:0,0,1:lv:/dev/mapper/vg-other
start() { if hpvm start -P $1 >/dev/null 2>/tmp/refusal; then echo "started $1"; else cat /tmp/refusal; fi; }
for path in disk:$pv lv:/dev/dm-0 disk:/dev/mapper/vg-lv; do
    echo "-- two with $path"
    hpvm modify -P two -a disk:avio_stor:0,0,0:$path >/dev/null
    # Whoever is first has it; and nobody has a disk that the kernel has volumes on.
    start one
    start two
    hpvm stop -P one -F
    start two
    case $path in lv:* | *mapper*)
        start one
        hpvm stop -P two -F
    esac
    hpvm modify -P two -d disk:avio_stor:0,0,0:$path >/dev/null
done

echo "== loop"
truncate -s 1M /tmp/secret
losetup /dev/loop0 /tmp/secret
hpvm devmgmt -a rdev:/tmp/secret
add two disk:avio_stor::disk:/dev/loop0
hpvm devmgmt -d rdev:/tmp/secret
hpvm devmgmt -a rdev:/dev/loop0
add two disk:avio_stor::file:/tmp/secret
hpvm devmgmt -d rdev:/dev/loop0
add two disk:avio_stor::file:/tmp/secret

echo "== running"
hpvm start -P one
wait_for one 'guest# ' 1
at one 'lv=$(ls /sys/bus/scsi/devices/0:0:0:0/block) other=$(ls /sys/bus/scsi/devices/0:0:1:0/block)'
at one 'cat /sys/bus/scsi/devices/0:0:0:0/model'
at one 'yes KITTSON | head -c 4194304 > /tmp/data; dd if=/tmp/data of=/dev/$lv bs=64k conv=fsync'
at one 'echo first; md5sum < /tmp/data'
# By another name of it, past the guest and the VSP.
echo "host $(dd if=/dev/mapper/vg-lv bs=64k count=64 iflag=direct 2>/dev/null | md5sum)"
at one 'echo size before; cat /sys/block/$lv/size'
if lvm lvremove -q -f vg/lv 2>&1; then echo VOLUME REMOVED; fi
if lvm lvchange -q -an vg/lv 2>&1; then echo VOLUME DEACTIVATED; fi
lvm lvextend -q -L 24M vg/lv
wait_for one 'capacity change from' 1
at one 'echo size after; cat /sys/block/$lv/size'
at one 'dd if=/tmp/data of=/dev/$lv bs=64k seek=320 count=64 conv=fsync'
echo "tail $(dd if=/dev/mapper/vg-lv bs=64k skip=320 count=64 iflag=direct 2>/dev/null | md5sum)"
hpvm stop -P one -F
if lvm lvremove -q -f vg/other; then echo OTHER REMOVED; fi
if hpvm start -P one 2>/tmp/refusal; then echo STARTED; else cat /tmp/refusal; fi
hpvm modify -P one -d disk:avio_stor:0,0,1:lv:/dev/mapper/vg-other

echo "== failing"
starts=$(($(count one 'guest# ') + 1))
hpvm start -P one
wait_for one 'guest# ' $starts
at one 'lv=$(ls /sys/bus/scsi/devices/0:0:0:0/block); dd if=/dev/$lv bs=64k count=1 | md5sum'
# The disk under the volume goes.
echo 1 > /sys/block/${pv##*/}/device/delete
at one 'echo PART GONE; dd if=/dev/zero of=/dev/$lv bs=64k count=1 conv=fsync'
hpvm stop -P one -F
echo "== log"; tr -d '\r' < $(log one)
hpvm vsp stop
"#;

#[test]
fn logical_volumes_of_lvm_are_disks_of_a_guest() {
    const LVM: &str = "/sbin/lvm";
    let Some(machine) = Machine::new() else { return };
    let (Some(kernel), Some(initrd)) = (shared::guest_file("vmlinux.gz"), shared::guest_file("initramfs.gz"))
    else {
        return;
    };
    if !Path::new(LVM).exists() {
        println!("skipped: lvm2 is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let image = |name: &str, len: u64| {
        let path = directory.path().join(name);
        File::create(&path).unwrap().set_len(len).unwrap();
        path
    };
    let (group, plain) = (image("group", GROUP), image("plain", PLAIN));
    // One partition: boot indicator, CHS, type, CHS, first sector, sectors; and the signature.
    let entry = [&[0, 0, 0, 0, 0x83, 0, 0, 0][..], &2048u32.to_le_bytes(), &16384u32.to_le_bytes()].concat();
    let table = File::options().write(true).open(&plain).unwrap();
    table.write_all_at(&entry, 446).unwrap();
    table.write_all_at(&[0x55, 0xaa], 510).unwrap();

    let drive = |id: &str, path: &Path| format!("file={},format=raw,if=none,id={id}", path.display());
    let printed = machine
        .with_executable("hpvm", hpvm())
        .with_executable("lvm", Path::new(LVM))
        .with_file("guest/vmlinux.gz", Path::new(&kernel))
        .with_file("guest/initramfs.gz", Path::new(&initrd))
        .with_options(&["-m", "2048", "-smp", "2", "-device", "virtio-scsi-pci"])
        .with_options(&["-drive", &drive("group", &group), "-device", "scsi-hd,drive=group"])
        .with_options(&["-drive", &drive("plain", &plain), "-device", "scsi-hd,drive=plain"])
        .run(SCRIPT);
    let word = |name: &str| {
        let (_, rest) = printed.split_once(name).unwrap_or_else(|| panic!("no {name}: {printed}"));
        rest.split_whitespace().next().unwrap_or_default()
    };
    let (pv, plain) = (word("pv="), word("plain="));
    let says = |text: &str| assert!(printed.contains(text), "not there: {text}\n{printed}");
    let refused = |guest: &str, text: &str| says(&format!("ERROR ({guest}): {text}\n"));

    // One volume, whatever it is called; and nothing that it lies on.
    for statement in ["lv:/dev/vg/lv", "lv:/dev/mapper/vg-lv", "lv:/dev/dm-0", "disk:/dev/vg/lv"] {
        let (_, path) = statement.split_once(':').unwrap();
        let why = format!("ERROR (one): Device '{path}' is already used by this guest.\n");
        says(&format!("{why}hpvmmodify: Unable to create device disk:avio_stor::{statement}.\n"));
    }
    refused("one", &format!("Device '{pv}' overlaps '/dev/vg/lv' of this guest."));
    refused("two", &format!("Device '{pv}' is restricted (rdev) and cannot be used by a guest."));
    for path in [plain.to_owned(), format!("{plain}1")] {
        refused("one", &format!("'{path}' is not a logical volume."));
    }
    says("added disk:avio_stor:0,0,1:lv:/dev/mapper/vg-other\n");
    let part = |statement: &str| {
        let (_, part) = printed.split_once(&format!("-- two with {statement}\n")).expect("a part");
        part.split("\n-- ").next().unwrap_or_default().split("\n== ").next().unwrap_or_default()
    };
    let second = |path: &str, first: &str| format!("Device '{path}' is in use by running guest '{first}'.");
    // No volume is the whole disk.
    let whole = part(&format!("disk:{pv}"));
    assert!(
        whole.contains(&format!("started one\nhpvmstart: ERROR (two): {}", second(pv, "one"))),
        "{whole}"
    );
    assert!(
        whole.contains(&format!("Device '{pv}' is in use.\n")) && !whole.contains("started two"),
        "{whole}"
    );
    for statement in ["lv:/dev/dm-0", "disk:/dev/mapper/vg-lv"] {
        let (part, (_, path)) = (part(statement), statement.split_once(':').unwrap());
        assert!(
            part.contains(&format!("started one\nhpvmstart: ERROR (two): {}", second(path, "one"))),
            "{part}"
        );
        let back = format!("started two\nhpvmstart: ERROR (one): {}", second("/dev/vg/lv", "two"));
        assert!(part.contains(&back), "{part}");
    }
    for path in ["/dev/loop0", "/tmp/secret"] {
        refused("two", &format!("Device '{path}' is restricted (rdev) and cannot be used by a guest."));
    }
    says("added disk:avio_stor::file:/tmp/secret\n");

    // What the guest writes is in the volume, also in what it has grown by.
    let (_, console) = printed.split_once("== log\n").unwrap_or_else(|| panic!("{printed}"));
    let after = |line: &str| {
        let (_, rest) =
            console.split_once(&format!("\n{line}\n")).unwrap_or_else(|| panic!("no {line}: {printed}"));
        rest.lines().next().unwrap_or_default().to_owned()
    };
    assert!(console.contains("Virtual LvDisk"), "{printed}");
    let sum = after("first");
    assert_eq!(sum.len(), 32 + 3, "{printed}");
    says(&format!("\nhost {sum}\n"));
    says(&format!("\ntail {sum}\n"));
    assert_eq!(after("size before"), "32768", "{printed}");
    assert_eq!(after("size after"), "49152", "{printed}");
    assert_eq!(console.matches("detected capacity change from 32768 to 49152").count(), 1, "{printed}");
    // The kernel keeps what is in use, and not what is not.
    for text in ["VOLUME REMOVED", "VOLUME DEACTIVATED"] {
        assert!(!printed.contains(text), "{printed}");
    }
    says("Logical volume vg/lv in use.\n");
    says("\nOTHER REMOVED\n");
    says("Device '/dev/mapper/vg-other' does not exist.");
    let (_, gone) = console.split_once("\nPART GONE\n").unwrap_or_else(|| panic!("{printed}"));
    // MEDIUM ERROR, WRITE ERROR.
    for text in ["Sense Key : 0x3 [current]", "ASC=0xc ASCQ=0x0", ": Input/output error", "\nstatus=1\n"] {
        assert!(gone.contains(text), "no {text}: {printed}");
    }
    checked("logical volumes made by LVM, in a machine of QEMU's");
}

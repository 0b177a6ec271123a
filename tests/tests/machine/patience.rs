//! A host's device that forgets commands, takes long over them, is reset and has something to tell, passed through to guests.
//! The host is the machine, its devices are CD drives of Linux' `scsi_debug` driver; two guests are Linux/ia64, whose drivers
//! and `sg3-utils` are what this is checked against, and one is the diagnostic guest. All of them wait as long as the VSP does:
//! Linux' `virtio_scsi` sets a command's timer anew whenever it runs out.

use std::path::Path;

use tests::{Machine, Vsp, hpvm, linux, shared};

use crate::checked;
use crate::script::with_guests;

/// Runs as root in the machine. Drive 1 is that of the Linux guests `one` and `two`, drive 2 that of `lost`.
const SCRIPT: &str = r#"
insmod /modules/scsi_debug.ko ptype=5 num_tgts=2 dev_size_mb=8
first=$(hpvm ioscan -kfN | grep scsi_debug | head -n 1 | awk '{ print $2 }')
shared=/dev/rdisk/disk$first other=/dev/rdisk/disk$((first + 1))

# What a Linux guest reads from its second disk: its programs, its drive, and commands for that.
cat > /tmp/setup <<'END'
mkdir -p /programs
mount -r /dev/$(ls /sys/bus/scsi/devices/0:0:0:0/block) /programs
mount -o bind /dev /programs/dev
drive=/dev/$(ls /sys/bus/scsi/devices/0:0:2:0/scsi_generic)
program() { echo "= $*"; chroot /programs /bin/"$@" 2>&1; }
ready() { program sg_raw -v $drive 0 0 0 0 0 0; }
read_block() { program sg_raw -t 5 -r 512 -o /dev/null $drive 28 0 0 0 0 0 0 0 1 0; }
END
yes '' | head -c 8192 >> /tmp/setup
truncate -s 8192 /tmp/setup

# A command at a Linux guest's prompt.
at() { ends=$(($(count $1 'status=[0-9]') + 1)); type_to $1 "$2; echo status=\$?"; await has $1 'status=[0-9]' $ends; }
# Faults from now on, until a command has fallen to them: the driver tells what it is given.
forget() { dmesg -c >/dev/null; echo 5 > $faults/opts; echo 1 > $faults/every_nth; }
forgotten() { await given 28 1; echo 0 > $faults/every_nth; echo 0 > $faults/opts; }

truncate -s 1M /tmp/lost
hpvm create -P lost -B manual -r 128M -x kernel=builtin:diag -a disk:avio_stor:0,0,0:file:/tmp/lost -a burner:avio_stor:0,0,1:attach_path:$other
disk=0
for name in one two; do
    disk=$((disk + 1))
    cp /tmp/setup /tmp/setup-$name
    hpvm create -P $name -B manual -O linux -r 256M -x kernel=/guest/vmlinux.gz -x initrd=/guest/initramfs.gz -x append=console=ttyS0 \
        -a disk:avio_stor:0,0,0:disk:/dev/rdisk/disk$disk -a disk:avio_stor:0,0,1:file:/tmp/setup-$name -a burner:avio_stor:0,0,2:attach_path:$shared
done
hpvm devmgmt -m gdev:$shared:attr:SHARE=YES
for name in lost one two; do hpvm start -P $name; done
await has lost 'diag# ' 1
forget
type_to lost 'dd if=disk1 of=/dev/null bs=512 count=1'
forgotten
for name in one two; do
    await has $name 'guest# ' 1
    at $name 'dmesg -n 1; until [ -e /sys/bus/scsi/devices/0:0:2:0/scsi_generic ]; do usleep 100000; done; . /dev/$(ls /sys/bus/scsi/devices/0:0:1:0/block)'
    at $name ready
    at $name ready
done

at one 'echo PART FORGOTTEN'
forget
at one 'read_block > /tmp/read & sleep 1'
forgotten
at one 'program sg_reset -d $drive; wait; cat /tmp/read'
at one ready
at one ready
at one read_block
at two 'echo PART RESET-BY-ONE'
at two ready
at two ready

at one 'echo PART SLOW'
echo 3000 > $faults/delay
at one read_block
await eval 'echo 1 > $faults/delay'
at one ready
at one read_block

at one 'echo PART ATTENTION'
at two 'echo PART ATTENTION'
echo 1 > $faults/virtual_gb
for name in two two one one; do at $name ready; done

at two 'echo PART OWN-RESET'
at two 'program sg_reset -d $drive'
for name in two two; do at $name ready; done
at one 'echo PART RESET-BY-TWO'
for name in one one; do at $name ready; done

at one 'echo PART END'
at two 'echo PART END'
await has lost ' bytes in ' 1
type_to lost 'dd if=disk1 of=/dev/null bs=512 count=1'
await has lost ' bytes in ' 2
# A guest that is stopped while its drive does not answer, and started again.
forget
type_to lost 'dd if=disk1 of=/dev/null bs=512 count=1'
forgotten
begun=$(cut -d. -f1 /proc/uptime)
hpvm stop -P lost -F
echo "stopped after $(($(cut -d. -f1 /proc/uptime) - begun)) s"
await hpvm start -P lost
await has lost 'diag# ' 1
type_to lost 'dd if=disk1 of=/dev/null bs=512 count=1'
await has lost ' bytes in ' 3
for name in lost one two; do echo "== $name"; tr -d '\r' < $(log $name); done
echo "== log"; hpvm log vsp | tail -n 40
for name in lost one two; do hpvm stop -P $name -F; done
hpvm vsp stop
"#;

#[test]
fn forgotten_commands_end_and_resets_and_unit_attentions_reach_all_guests() {
    let Some(machine) = Machine::new() else { return };
    let vsp = Vsp::new();
    let (Some(kernel), Some(initrd), Some(programs)) = (
        shared::guest_file("vmlinux.gz"),
        shared::guest_file("initramfs.gz"),
        linux::programs(&vsp, "programs.ext4"),
    ) else {
        return;
    };
    let drive = |id: &str| format!("file={programs},format=raw,if=none,id={id},snapshot=on");
    let printed = machine
        .with_executable("hpvm", hpvm())
        .with_file("guest/vmlinux.gz", Path::new(&kernel))
        .with_file("guest/initramfs.gz", Path::new(&initrd))
        .with_options(&["-m", "2048", "-smp", "2", "-device", "virtio-scsi-pci"])
        .with_options(&["-drive", &drive("first"), "-device", "scsi-hd,drive=first"])
        .with_options(&["-drive", &drive("second"), "-device", "scsi-hd,drive=second"])
        .run(&with_guests(SCRIPT));
    let of = |guest: &str| {
        let (_, own) = printed.split_once(&format!("== {guest}\n")).unwrap_or_else(|| panic!("{printed}"));
        own.split("\n== ").next().unwrap_or_default().to_owned()
    };
    let part = |guest: &str, name: &str| {
        let (_, own) = guest.split_once(&format!("\nPART {name}\n")).unwrap_or_else(|| panic!("{printed}"));
        own.split("echo PART ").next().unwrap_or_default().to_owned()
    };
    // Forgotten for ever: the VSP's time limit, then an error, and the drive works on. Forgotten and the guest stopped.
    let lost = of("lost");
    assert_eq!(lost.matches("I/O error (transport response 2)").count(), 1, "{printed}");
    assert_eq!(lost.matches("\n1+0 records in").count(), 2, "{printed}");
    assert!(lost.find("I/O error") < lost.find("1+0 records in"), "{printed}");
    let (one, two) = (of("one"), of("two"));
    // Reset while one is forgotten: it comes back, and works when sent again. Both guests are told of the reset, once.
    let forgotten = part(&one, "FORGOTTEN");
    assert_eq!(forgotten.matches("transport error: Host_status=").count(), 1, "{forgotten}");
    assert!(forgotten.contains("Writing 512 bytes of data"), "{forgotten}");
    // What the driver makes of a reset, in fixed format.
    let reset = "70 00 06 00 00 00 00 0a  00 00 00 00 29 00 00 00";
    let grown = "70 00 06 00 00 00 00 0a  00 00 00 00 2a 09 00 00";
    for (text, sense) in [
        (&forgotten, reset),
        (&part(&two, "RESET-BY-ONE"), reset),
        (&part(&one, "ATTENTION"), grown),
        (&part(&two, "ATTENTION"), grown),
        (&part(&two, "OWN-RESET"), reset),
        (&part(&one, "RESET-BY-TWO"), reset),
    ] {
        assert_eq!(text.matches(sense).count(), 1, "{sense}: {text}");
        assert_eq!(text.matches("Sense key: Unit Attention").count(), 1, "{text}");
        let told = text.find(sense);
        assert!(text.rfind("SCSI Status: Good") > told, "{text}");
    }
    // Twelve seconds are not too long.
    let slow = part(&one, "SLOW");
    assert_eq!((slow.matches("Writing 512 bytes").count(), slow.matches("error").count()), (2, 0), "{slow}");
    checked("commands that a host's device forgets, resets and unit attentions, in a machine of QEMU's");
}

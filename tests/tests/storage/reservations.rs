//! Persistent reservations between two Linux guests that share a disk, by `sg_persist` on either side: who may write,
//! who takes it over, and what of it outlives a VSP that dies, guests that stop, and both.

use tests::linux::{self, attempt, boot, shell};
use tests::{Console, Vsp};

use crate::checked;

/// Exit status of `sg_persist` for a reservation conflict.
const CONFLICT: i32 = 24;
const WRITE: &str = "dd if=/dev/zero of=$DATA bs=4k count=1 oflag=direct";
const READ: &str = "dd if=$DATA of=/dev/null bs=4k count=1 iflag=direct";

/// `sg_persist` on the shared disk: its exit status, and what it wrote.
fn persist(console: &mut Console<'_>, options: &str) -> (i32, String) {
    attempt(console, &format!("chroot /programs sg_persist -n {options} $D 2>&1"))
}

#[track_caller]
fn ok(console: &mut Console<'_>, options: &str) -> String {
    let (status, output) = persist(console, options);
    assert_eq!(status, 0, "{options}: {output}");
    output
}

/// Takes the unit attention of what others did, if there is one.
fn attend(console: &mut Console<'_>) {
    attempt(console, "chroot /programs sg_turs $D");
}

#[track_caller]
fn may_write(console: &mut Console<'_>, may: bool) {
    let (status, output) = attempt(console, WRITE);
    assert_eq!(status == 0, may, "{output}");
    shell(console, READ);
}

fn name_disk(console: &mut Console<'_>) {
    shell(console, "D=/dev/$(ls /sys/bus/scsi/devices/0:0:1:0/scsi_generic)");
}

#[test]
fn two_linux_guests_agree_by_reservations_that_outlive_everything() {
    let vsp = Vsp::new();
    let disk = vsp.disk("shared", 64 << 20);
    vsp.run(&["devmgmt", "-a", &format!("gdev:{disk}")]).ok();
    vsp.run(&["devmgmt", "-m", &format!("gdev:{disk}:attr:SHARE=YES")]).ok();
    let guest = |name: &str| {
        let programs = linux::programs(&vsp, &format!("{name}.ext4"))?;
        let devices =
            [format!("disk:avio_stor:0,0,0:file:{programs}"), format!("disk:avio_stor:0,0,1:file:{disk}")];
        linux::create(&vsp, name, "1", &devices)
    };
    let (Some(one), Some(two)) = (guest("one"), guest("two")) else { return };
    let (mut a, mut b) = (boot(&one), boot(&two));
    name_disk(&mut a);
    name_disk(&mut b);

    ok(&mut a, "-o -G -S 0xa1");
    ok(&mut b, "-o -G -S 0xb2");
    let keys = ok(&mut b, "-i -k");
    assert!(
        keys.contains("2 registered reservation keys") && keys.contains("0xa1") && keys.contains("0xb2"),
        "{keys}"
    );
    // Write exclusive.
    ok(&mut a, "-o -R -K 0xa1 -T 1");
    may_write(&mut a, true);
    may_write(&mut b, false);
    assert_eq!(persist(&mut b, "-o -R -K 0xb2 -T 1").0, CONFLICT);
    assert_eq!(persist(&mut b, "-o -L -K 0xa1 -T 1").0, CONFLICT, "a key that is not its own");

    ok(&mut b, "-o -P -K 0xb2 -S 0xa1 -T 1");
    attend(&mut a);
    may_write(&mut b, true);
    may_write(&mut a, false);
    let keys = ok(&mut a, "-i -k");
    assert!(keys.contains("1 registered reservation key follows") && keys.contains("0xb2"), "{keys}");

    // To be kept over a loss of power: over a VSP that dies under them, and then over the end of all.
    ok(&mut b, "-o -G -K 0xb2 -S 0xb3 -Z");
    drop((a, b));
    vsp.kill();
    vsp.run(&["status"]).ok();
    let (mut a, mut b) = (one.console(), two.console());
    a.skip();
    b.skip();
    may_write(&mut b, true);
    may_write(&mut a, false);
    drop((a, b));
    one.stop();
    two.stop();
    vsp.run(&["vsp", "stop"]).ok();

    vsp.run(&["status"]).ok();
    let mut a = boot(&one);
    name_disk(&mut a);
    attend(&mut a);
    let held = ok(&mut a, "-i -r");
    assert!(held.contains("Key=0xb3") && held.contains("Write Exclusive"), "{held}");
    may_write(&mut a, false);
    let mut b = boot(&two);
    name_disk(&mut b);
    attend(&mut b);
    may_write(&mut b, true);
    ok(&mut b, "-o -C -K 0xb3");
    attend(&mut a);
    may_write(&mut a, true);
    assert!(ok(&mut a, "-i -k").contains("there are NO registered reservation keys"));
    drop((a, b));
    one.stop();
    two.stop();
    checked("sg_persist between two Linux guests on one disk, over a VSP killed and all restarted");
}

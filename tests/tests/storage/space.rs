//! Space of the host: taken when a guest writes, given back when it discards.

use std::fs;
use std::os::unix::fs::MetadataExt;

use tests::Vsp;
use tests::linux::{self, boot, shell};

use crate::checked;

const MIB: u64 = 1 << 20;

#[test]
fn what_linux_discards_is_given_back_to_the_host() {
    let vsp = Vsp::new();
    let Some(guest) = linux::guest(&vsp, "2") else { return };
    let allocated = || fs::metadata(vsp.path("data")).unwrap().blocks() * 512;
    assert_eq!(allocated(), 0);
    let mut console = boot(&guest);
    shell(&mut console, "chroot /programs mkfs.ext4 -q $DATA && mount $DATA /mnt");
    let empty = allocated();
    assert!(empty < 16 * MIB, "{empty}");
    shell(&mut console, "dd if=/dev/urandom of=/mnt/data bs=1M count=32 && sync");
    let full = allocated();
    // A little of what mkfs wrote may have been given back meanwhile.
    assert!(full >= empty + 30 * MIB, "{empty} {full}");
    shell(&mut console, "rm /mnt/data && sync && fstrim /mnt");
    let trimmed = allocated();
    assert!(trimmed <= empty + MIB, "{empty} {full} {trimmed}");
    shell(&mut console, "umount /mnt && blkdiscard $DATA");
    assert_eq!(allocated(), 0);
    shell(&mut console, "dd if=$DATA bs=1M count=256 | tr -d '\\000' | head -c 1 | wc -c | grep -qx 0");
    guest.stop();
    checked("space of an AVIO disk, given back by fstrim and blkdiscard in Linux");
}

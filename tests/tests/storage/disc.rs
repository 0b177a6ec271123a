//! A DVD with a file system that another program made.

use std::fs;
use std::process::{Command, Stdio};

use tests::Vsp;
use tests::linux::{self, come_up_bare, shell};

use crate::checked;

/// Bytes of the files on the disc.
const SIZES: [u64; 4] = [1, 2048, 100_000, 3 << 20];
/// Least size of the disc.
pub(crate) const ISO: u64 = 3 << 20;

/// A disc made by genisoimage of files with all kinds of names, and of their checksums; `None`, and a line that says so,
/// where there is none to make it.
pub(crate) fn iso(vsp: &Vsp) -> Option<String> {
    let tree = vsp.path("tree");
    fs::create_dir_all(tree.join("a directory/deep")).unwrap();
    let mut sums = Vec::new();
    for (number, size) in SIZES.into_iter().enumerate() {
        let name =
            ["small", "a directory/One Sector.DAT", "a directory/deep/umlauts-äöü.text", "large.bin"][number];
        let path = tree.join(name);
        let mut state = size;
        let bytes = (0..size).map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        });
        fs::write(&path, bytes.collect::<Vec<_>>()).unwrap();
        sums.extend(Command::new("md5sum").arg(name).current_dir(&tree).output().unwrap().stdout);
    }
    fs::write(tree.join("sums"), sums).unwrap();
    let iso = vsp.path("disc.iso").display().to_string();
    let mut make = Command::new("genisoimage");
    make.args(["-quiet", "-input-charset", "utf-8", "-R", "-V", "KITTSON", "-o", &iso]).arg(&tree);
    match make.stderr(Stdio::null()).status() {
        Ok(status) if status.success() => Some(iso),
        _ => {
            println!("skipped: genisoimage is not installed");
            None
        }
    }
}

#[test]
fn a_disc_is_mounted_and_every_byte_read() {
    let vsp = Vsp::new();
    let Some(iso) = iso(&vsp) else { return };
    let Some(guest) = linux::create(&vsp, "lin", "1", &[format!("dvd:avio_stor:0,0,0:file:{iso}")]) else {
        return;
    };
    let mut console = linux::begin(&guest);
    come_up_bare(&mut console);
    shell(&mut console, "until [ -e /dev/sr0 ]; do usleep 100000; done; mkdir -p /mnt");
    shell(&mut console, "mount -t iso9660 -r /dev/sr0 /mnt && cd /mnt");
    let output = shell(&mut console, "md5sum -c sums");
    assert_eq!(output.matches(": OK").count(), SIZES.len(), "{output}");
    let output = shell(&mut console, "cd / && umount /mnt && dd if=/dev/sr0 bs=64k | md5sum");
    let sum = Command::new("md5sum").arg(&iso).output().unwrap().stdout;
    let sum = String::from_utf8_lossy(&sum[..32]);
    assert!(output.contains(&*sum), "{sum}: {output}");
    guest.stop();
    checked("a DVD made by genisoimage, mounted and read in Linux");
}

//! QEMU as the front-end: an x86 machine boots from a disk whose rings the VSP's back-end serves.

use std::fs;
use std::process::{Child, Command, Stdio};

use tests::{Deadline, hpvm, wait_for};

const BLOCK: usize = 512;
const OK: &str = "K";

/// A boot sector. It reads block 1 of the disk it was started from and writes it to block 2, both by the firmware's
/// extended disk services (INT 13h, AH=42h and 43h), says `K` or, after an error, `E` on the serial line, and ends QEMU
/// through its `isa-debug-exit` device.
#[rustfmt::skip]
const BOOT_SECTOR: [u8; 70] = [
    0xfa,                         // 00  cli
    0x31, 0xc0,                   // 01  xor  %ax,%ax
    0x8e, 0xd8,                   // 03  mov  %ax,%ds
    0x8e, 0xc0,                   // 05  mov  %ax,%es
    0x8e, 0xd0,                   // 07  mov  %ax,%ss
    0xbc, 0x00, 0x7c,             // 09  mov  $0x7c00,%sp
    0xfb,                         // 0c  sti
    0xbe, 0x36, 0x7c,             // 0d  mov  $0x7c36,%si
    0xb4, 0x42,                   // 10  mov  $0x42,%ah
    0xcd, 0x13,                   // 12  int  $0x13
    0x72, 0x13,                   // 14  jc   0x29
    0xc6, 0x06, 0x3e, 0x7c, 0x02, // 16  movb $2,0x7c3e
    0xbe, 0x36, 0x7c,             // 1b  mov  $0x7c36,%si
    0xb8, 0x00, 0x43,             // 1e  mov  $0x4300,%ax
    0xcd, 0x13,                   // 21  int  $0x13
    0x72, 0x04,                   // 23  jc   0x29
    0xb0, b'K',                   // 25  mov  $'K',%al
    0xeb, 0x02,                   // 27  jmp  0x2b
    0xb0, b'E',                   // 29  mov  $'E',%al
    0xba, 0xf8, 0x03,             // 2b  mov  $0x3f8,%dx
    0xee,                         // 2e  out  %al,(%dx)
    0x30, 0xc0,                   // 2f  xor  %al,%al
    0xe6, 0xf4,                   // 31  out  %al,$0xf4
    0xf4,                         // 33  hlt
    0xeb, 0xfd,                   // 34  jmp  0x33
    // 36  disk address packet: its size, 1 block, at 0000:8000, from block 1
    0x10, 0, 1, 0, 0x00, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
];

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[test]
fn qemu_boots_from_a_disk_of_the_vsp_and_writes_to_it() {
    const QEMU: &str = "qemu-system-x86_64";
    if Command::new(QEMU).arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: {QEMU} is not installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (disk, socket, serial) = (path("disk"), path("socket"), path("serial"));
    let pattern: Vec<u8> = (0..BLOCK).map(|n| (n * 7 + 3) as u8).collect();
    let mut image = vec![0; 1 << 20];
    image[..BOOT_SECTOR.len()].copy_from_slice(&BOOT_SECTOR);
    image[BLOCK - 2..BLOCK].copy_from_slice(&[0x55, 0xaa]);
    image[BLOCK..2 * BLOCK].copy_from_slice(&pattern);
    fs::write(&disk, image).unwrap();

    let back_end = Command::new(hpvm())
        .args(["vsp-proc", "avio", "--listen", &socket, "--disk", &disk])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let _back_end = Ended(back_end);
    wait_for(
        Deadline::Soon,
        "the back-end to listen",
        || path("socket"),
        || fs::exists(&socket).unwrap().then_some(()),
    );
    let chardev = format!("socket,id=vsp,path={socket}");
    let serial_line = format!("file:{serial}");
    let mut qemu = Command::new(QEMU);
    qemu.args(["-accel", "kvm", "-accel", "tcg", "-m", "64", "-display", "none", "-no-reboot"]);
    qemu.args(["-object", "memory-backend-memfd,id=ram,size=64M,share=on", "-numa", "node,memdev=ram"]);
    qemu.args(["-chardev", &chardev, "-device", "vhost-user-scsi-pci,chardev=vsp,bootindex=1"]);
    qemu.args(["-serial", &serial_line, "-device", "isa-debug-exit,iobase=0xf4"]);
    let mut qemu = Ended(qemu.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    wait_for(
        Deadline::System,
        "QEMU to end",
        || fs::read_to_string(&serial).unwrap_or_default(),
        || qemu.0.try_wait().unwrap(),
    );
    assert_eq!(fs::read_to_string(&serial).unwrap(), OK);
    assert_eq!(fs::read(&disk).unwrap()[2 * BLOCK..3 * BLOCK], pattern);
    println!("checked: QEMU boots from a disk of the VSP and writes to it");
}

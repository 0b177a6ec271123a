//! `sg3-utils` from inside the guest, asserted on what they print and return (their exit statuses are those of
//! `sg_lib.h`). Where a command changes the disk, its image is looked at afterwards.

use std::fs::File;
use std::os::unix::fs::FileExt;

use tests::linux::{self, attempt, boot, shell};
use tests::{Console, Vsp};

use crate::checked;
use crate::disc::{self, ISO};

const BLOCK: usize = 512;

/// Exit statuses.
const GOOD: i32 = 0;
const NOT_READY: i32 = 2;
const ILLEGAL: i32 = 5;
const ATTENTION: i32 = 6;
const INVALID_OPCODE: i32 = 9;
const MISCOMPARE: i32 = 14;
const OUT_OF_RANGE: i32 = 22;
const CONFLICT: i32 = 24;

/// A command, its exit status, and what is among what it prints. `D` is the disk, `C` the drive with a disc.
type Case = (&'static str, i32, &'static [&'static str]);

#[rustfmt::skip]
const DISK: &[Case] = &[
    ("sg_inq D", GOOD, &["PQual=0  PDT=0  RMB=0", "version=0x06  [SPC-4]", "Resp_data_format=2", "CmdQue=1", "length=96 (0x60)", "KITTSON", "Virtual FileDisk"]),
    ("sg_inq -e D", GOOD, &["0x80", "0x83", "0xb0", "0xb1", "0xb2"]),
    ("sg_vpd -a D", GOOD, &[
        "designator type: NAA,  code set: Binary\n      0x3", "vendor id: KITTSON", "WSNZ): 1", "Maximum compare and write length: 128 blocks",
        "Optimal transfer length granularity: 8 blocks", "Maximum unmap LBA count: -1 [unbounded]", "Unmap granularity alignment valid: true",
        "Maximum write same length: 0x40000 blocks", "Non-rotating medium", "(LBPU): 1", "(LBPWS): 1", "(LBPWS10): 1", "(LBPRZ): 1", "2 (thin provisioned)",
    ]),
    ("sg_raw -r 96 D 12 1 b9 0 60 0", ILLEGAL, &["Error in Command: byte 2 bit 7"]),
    ("sg_readcap D", GOOD, &["Last LBA=524287 (0x7ffff)", "Logical block length=512 bytes", "Device size: 268435456 bytes"]),
    ("sg_readcap -l D", GOOD, &["prot_en=0", "lbpme=1, lbprz=1", "Last LBA=524287 (0x7ffff)", "physical block length=4096 bytes"]),
    ("sg_luns D", GOOD, &["1 lun entry", "    0000000000000000\n"]),
    ("sg_luns -s 1 D", GOOD, &["0 lun entries"]),
    ("sg_modes -a D", GOOD, &["WP=0, DpoFua=1", "00     00 08 00 00 00 00 02 00", "Read-Write error recovery", "Caching", "00     08 12 04 00", "Control", "Informational exceptions"]),
    ("sg_modes -6 -a D", GOOD, &["Mode data length=68", "00     08 12 04 00"]),
    ("sg_opcodes D", GOOD, &["Read(16)", "Write same(16)", "Unmap", "Compare and write", "Persistent reserve out, preempt and abort", "Report supported operation codes"]),
    ("sg_opcodes -t D", GOOD, &["Abort task\n", "Logical unit reset", "I_T nexus reset"]),
    // The service action stands in the usage data as it is, the rest as a mask (SPC-4 clause 6.35.3).
    ("sg_opcodes -o 0x5f -s 1 D", GOOD, &["Command is supported [conforming to SCSI standard]", "Usage data: 5f 01 ff 00 00 ff ff ff ff 00"]),
    ("sg_opcodes -o 0x9e -s 0x10 D", GOOD, &["Usage data: 9e 10 00 00"]),
    ("sg_opcodes -o 0x04 D", GOOD, &["Command is NOT supported"]),
    ("sg_turs -n 10 D", GOOD, &["Completed 10 Test Unit Ready commands with 0 errors"]),
    ("sg_requests D", GOOD, &["Fixed format, current; Sense key: No Sense"]),
    ("sg_requests -d D", GOOD, &["Descriptor format, current; Sense key: No Sense"]),
    ("sg_raw -r 8 D 25 0 0 0 0 0 0 0 0 0", GOOD, &["00     00 07 ff ff 00 00 02 00"]),
    ("sg_raw D fe 0 0 0 0 0", INVALID_OPCODE, &["Invalid command operation code"]),
    ("sg_raw -r 512 D 28 0 0 8 0 0 0 0 1 0", OUT_OF_RANGE, &["Logical block address out of range"]),
    ("sg_raw -r 512 D 28 20 0 0 0 0 0 0 1 0", ILLEGAL, &["Error in Command: byte 1 bit 5"]),
    ("sg_raw -r 64 D 1a 0 c8 0 40 0", ILLEGAL, &["Saving parameters not supported"]),
    ("sg_logs -a D", INVALID_OPCODE, &[]),
    ("sg_prevent -p 1 D", INVALID_OPCODE, &[]),
    // What makes no difference yet: reads of a disk of zeros.
    ("sg_verify -c 2048 D", GOOD, &[]),
    ("sg_verify -l 524288 -c 1 D", OUT_OF_RANGE, &[]),
    ("sg_verify -E 1 -c 1 -n 512 -i /dev/zero D", GOOD, &[]),
    ("sg_verify -E 1 -c 1 -n 512 -i /tmp/a D", MISCOMPARE, &["MISCOMPARE: started at LBA 0x0"]),
    ("sg_verify -S -E 2 -c 1 -n 512 -i /tmp/a D", ILLEGAL, &[]),
    // Block 0: zeros become a, a becomes b, and no second time.
    ("sg_compare_and_write -l 0 -n 1 -i /tmp/0a D", GOOD, &[]),
    ("sg_compare_and_write -l 0 -n 1 -i /tmp/ab D", GOOD, &[]),
    ("sg_compare_and_write -l 0 -n 1 -i /tmp/ab D", MISCOMPARE, &["Miscompare at byte offset: 0"]),
    ("sg_compare_and_write -l 524288 -n 1 -i /tmp/ab D", OUT_OF_RANGE, &[]),
    // Blocks 8 to 31: a, of which 16 to 23 are unmapped and 24 to 27 become b.
    ("sg_write_same -S -l 8 -n 24 -i /tmp/a -x 512 D", GOOD, &[]),
    ("sg_verify -S -E 3 -l 8 -c 24 -n 512 -i /tmp/a D", GOOD, &[]),
    ("sg_unmap -f -l 16 -n 8 D", GOOD, &[]),
    ("sg_unmap -f -l 524288 -n 8 D", OUT_OF_RANGE, &[]),
    ("sg_write_same --10 -l 24 -n 4 -i /tmp/b -x 512 D", GOOD, &[]),
    // Blocks 64 to 95: a, half of which is unmapped by the other two ways.
    ("sg_write_same -S -l 64 -n 32 -i /tmp/a -x 512 D", GOOD, &[]),
    ("sg_write_same -S -U -l 64 -n 8 -i /dev/zero -x 512 D", GOOD, &[]),
    ("sg_write_same -N -U -l 72 -n 8 D", GOOD, &[]),
    ("sg_write_same -S -l 64 -n 0 -i /dev/zero -x 512 D", ILLEGAL, &[]),
    ("sg_write_same -l 64 -n 262145 -i /dev/zero -x 512 D", ILLEGAL, &[]),
    ("sg_sync D", GOOD, &[]),
    ("sg_sync -S -l 8 -c 8 D", GOOD, &[]),
    ("sg_sync -l 524288 -c 8 D", OUT_OF_RANGE, &[]),
    // A unit that is stopped says why it does not, also to who polls it.
    ("sg_start 0 D", GOOD, &[]),
    ("sg_turs D", NOT_READY, &["device not ready"]),
    ("sg_requests D", GOOD, &["Sense key: Not Ready", "initializing command required"]),
    ("sg_inq D", GOOD, &["KITTSON"]),
    ("sg_start 1 D", GOOD, &[]),
    ("sg_turs D", GOOD, &[]),
    ("sg_reset -d D", GOOD, &[]),
    ("sg_turs -vv D", ATTENTION, &["Bus device reset function occurred"]),
    ("sg_turs D", GOOD, &[]),
];

#[rustfmt::skip]
const RESERVATIONS: &[Case] = &[
    ("sg_persist -n -i -k D", GOOD, &["there are NO registered reservation keys"]),
    ("sg_persist -n -o -R -K 0x11 -T 5 D", CONFLICT, &[]),
    ("sg_persist -n -o -G -S 0x11 D", GOOD, &[]),
    ("sg_persist -n -i -k D", GOOD, &["1 registered reservation key follows", "    0x11\n"]),
    ("sg_persist -n -o -R -K 0x11 -T 5 D", GOOD, &[]),
    ("sg_persist -n -i -r D", GOOD, &["Key=0x11", "Write Exclusive, registrants only"]),
    ("sg_persist -n -i -s D", GOOD, &["<< Reservation holder >>", "Relative port address: 0x1"]),
    ("sg_persist -n -i -c D", GOOD, &["Type Mask Valid(TMV): 1", "Exclusive Access, all registrants: 1"]),
    // Another key, another type.
    ("sg_persist -n -o -R -K 0x12 -T 5 D", CONFLICT, &[]),
    ("sg_persist -n -o -R -K 0x11 -T 1 D", CONFLICT, &[]),
    ("sg_persist -n -o -L -K 0x11 -T 1 D", ILLEGAL, &[]),
    ("sg_persist -n -o -P -K 0x11 -S 0x11 -T 3 D", GOOD, &[]),
    ("sg_persist -n -i -r D", GOOD, &["Exclusive Access"]),
    ("sg_persist -n -o -A -K 0x11 -S 0x99 -T 3 D", CONFLICT, &[]),
    ("sg_persist -n -o -L -K 0x11 -T 3 D", GOOD, &[]),
    ("sg_persist -n -o -I -S 0x22 D", GOOD, &[]),
    ("sg_persist -n -o -R -K 0x22 -T 8 D", GOOD, &[]),
    ("sg_persist -n -i -r D", GOOD, &["Key=0x0\n", "Exclusive Access, all registrants"]),
    ("sg_persist -n -o -C -K 0x22 D", GOOD, &[]),
    ("sg_persist -n -i -k D", GOOD, &["there are NO registered reservation keys"]),
    ("sg_persist -n -o -C -K 0x22 D", CONFLICT, &[]),
];

#[rustfmt::skip]
const DVD: &[Case] = &[
    ("sg_inq C", GOOD, &["PQual=0  PDT=5  RMB=1", "cd/dvd", "Virtual FileDVD"]),
    ("sg_vpd -a C", GOOD, &["designator type: NAA", "Unit serial number"]),
    ("sg_readcap C", GOOD, &["Logical block length=2048 bytes"]),
    ("sg_luns C", GOOD, &["1 lun entry"]),
    ("sg_modes -a C", GOOD, &["Timeout and protect", "MM capabilities and mechanical status"]),
    ("sg_opcodes C", GOOD, &["Get configuration", "Get event status notification", "Read TOC/PMA/ATIP"]),
    ("sg_get_config C", GOOD, &["Current profile: DVD-ROM", "Logical block size=0x800", "Load=1, Eject=1, Prevent jumper=0, Lock=1", "DVD read feature\n    version=1, persist=0, current=1"]),
    ("sg_turs C", GOOD, &[]),
    // One track of data from sector 0, then the lead-out.
    ("sg_raw -r 20 C 43 0 0 0 0 0 0 0 14 0", GOOD, &["00     00 12 01 01 00 14 01 00  00 00 00 00 00 14 aa 00"]),
    // The event class asked for, with a disc and a closed door.
    ("sg_raw -r 8 C 4a 1 0 0 10 0 0 0 8 0", GOOD, &["00     00 06 04 10 00 02 00 00"]),
    ("sg_raw -s 2048 -i /dev/zero C 2a 0 0 0 0 10 0 0 1 0", INVALID_OPCODE, &[]),
    ("sg_prevent -p 1 C", GOOD, &[]),
    ("sg_start --eject C", ILLEGAL, &[]),
    ("sg_prevent -p 0 C", GOOD, &[]),
    ("sg_start --eject C", GOOD, &[]),
    ("sg_turs -vv C", NOT_READY, &["Medium not present - tray open"]),
    ("sg_requests C", GOOD, &["Sense key: Not Ready", "Medium not present - tray open"]),
    ("sg_get_config -c C", GOOD, &["No current profile"]),
    ("sg_start --load C", GOOD, &[]),
    ("sg_turs -vv C", ATTENTION, &["Not ready to ready change, medium may have changed"]),
    ("sg_turs C", GOOD, &[]),
];

/// What is not as it should be; all of it, for one thing seldom goes wrong alone.
fn wrong(console: &mut Console<'_>, cases: &[Case]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (command, status, texts) in cases {
        let named = command.replace(" D", " $D").replace(" C", " $C");
        let (ended, output) = attempt(console, &format!("chroot /programs {named} 2>&1"));
        let missing: Vec<_> = texts.iter().filter(|text| !output.contains(**text)).collect();
        if ended != *status || !missing.is_empty() {
            wrong.push(format!("{command}: status {ended}, not {status}; no {missing:?} in {output}"));
        }
    }
    wrong
}

#[test]
fn sg3_utils_find_disks_and_drives_as_the_standards_want_them() {
    let vsp = Vsp::new();
    let Some(guest) = linux::guest(&vsp, "2") else { return };
    let Some(iso) = disc::iso(&vsp) else { return };
    guest.run("modify", &["-a", &format!("dvd:avio_stor:0,0,2:file:{iso}")]).ok();
    let mut console = boot(&guest);
    let generic = |target| format!("/dev/$(ls /sys/bus/scsi/devices/0:0:{target}:0/scsi_generic)");
    shell(&mut console, &format!("D={}; C={}", generic(1), generic(2)));
    shell(&mut console, "mount -t tmpfs tmpfs /programs/tmp && cd /programs/tmp");
    for letter in ["a", "b"] {
        shell(&mut console, &format!("yes {letter} | tr -d '\\n' | head -c {BLOCK} > {letter}"));
    }
    shell(&mut console, &format!("head -c {BLOCK} /dev/zero > 0; cat 0 a > 0a; cat a b > ab; cd /"));
    let wrong: Vec<_> =
        [DISK, RESERVATIONS, DVD].iter().flat_map(|cases| wrong(&mut console, cases)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    guest.stop();

    let image = File::open(vsp.path("data")).unwrap();
    let mut blocks = vec![0; 128 * BLOCK];
    image.read_exact_at(&mut blocks, 0).unwrap();
    let of = |range: std::ops::Range<usize>, byte| {
        blocks[range.start * BLOCK..range.end * BLOCK].iter().all(|b| *b == byte)
    };
    assert!(of(0..1, b'b') && of(1..8, 0), "COMPARE AND WRITE");
    assert!(of(8..16, b'a') && of(16..24, 0) && of(28..32, b'a'), "UNMAP");
    assert!(of(24..28, b'b') && of(32..64, 0), "WRITE SAME(10)");
    assert!(of(64..80, 0) && of(80..96, b'a') && of(96..128, 0), "WRITE SAME(16), unmapping");
    let commands = DISK.len() + RESERVATIONS.len() + DVD.len();
    assert!(std::fs::metadata(iso).unwrap().len() >= ISO);
    checked(&format!("sg3-utils in Linux, {commands} commands on an AVIO disk and a DVD"));
}

//! Odd answers of a host's device, passed through to an ia64 guest. The host is the machine, and its device is a CD drive of
//! Linux' `scsi_debug` driver, which does on request what broken drives do.

use tests::{Machine, hpvm};

use crate::checked;
use crate::script::with_guests;

/// A fault of the driver's, and what a guest that reads is told.
struct Fault {
    /// Bits of its parameter `opts` (<https://doug-gilbert.github.io/scsi_debug.html>).
    opts: u32,
    /// Block to read.
    block: u32,
    told: &'static str,
}

const NONE: u32 = 0;
const MEDIUM_ERROR: u32 = 0x2;
const RECOVERED_ERROR: u32 = 0x8;
const TRANSPORT_ERROR: u32 = 0x10;
const PROTECTION_OF_MEDIUM: u32 = 0x20;
const PROTECTION_OF_HOST: u32 = 0x40;
const SHORT_TRANSFER: u32 = 0x100;
/// The adapter has no room for any command; and all of them are told in the kernel's log.
const HOST_BUSY: u32 = 0x8001;

/// Sense data are the driver's own; those of protection come with DID_ABORT.
const FAULTS: &[Fault] = &[
    Fault { opts: NONE, block: 0, told: "2+0 records in" },
    Fault { opts: MEDIUM_ERROR, block: 0x1234, told: "(sense key 3, code 11/00)" },
    Fault { opts: MEDIUM_ERROR, block: 0, told: "2+0 records in" },
    Fault { opts: RECOVERED_ERROR, block: 0, told: "(sense key 1, code 5d/00)" },
    Fault { opts: TRANSPORT_ERROR, block: 0, told: "(sense key b, code 4b/03)" },
    Fault { opts: PROTECTION_OF_MEDIUM, block: 0, told: "(sense key b, code 10/01)" },
    Fault { opts: PROTECTION_OF_HOST, block: 0, told: "(sense key 5, code 10/01)" },
    Fault { opts: SHORT_TRANSFER, block: 0, told: "(short transfer)" },
    Fault { opts: NONE, block: 0, told: "2+0 records in" },
];

/// All commands are forgotten; and told.
const FORGET: u32 = 0x5;

/// Runs as root in the machine, with a line `fault OPTS BLOCK` for each of them in the place of `FAULTS`, and the numbers above.
const SCRIPT: &str = r#"
insmod /modules/scsi_debug.ko ptype=5 dev_size_mb=8
hpvm ioscan -fnNC disk
truncate -s 1M /tmp/odd
hpvm create -P odd -B manual -r 128M -x kernel=builtin:diag -a disk:avio_stor:0,0,0:file:/tmp/odd \
    -a burner:avio_stor:0,0,1:attach_path:/dev/rdisk/disk1
hpvm start -P odd
await has odd 'diag# ' 1
fault() {
    echo 1 > $faults/every_nth
    echo $1 > $faults/opts
    diag odd "dd if=disk1 of=/dev/null bs=512 count=2 skip=$2"
    echo 0 > $faults/opts
    echo 0 > $faults/every_nth
}
FAULTS
# An adapter that has no room for any command, for a while.
dmesg -c >/dev/null
echo 1 > $faults/every_nth
echo HOST_BUSY > $faults/opts
prompts=$(($(count odd 'diag# ') + 1))
type_to odd 'dd if=disk1 of=/dev/null bs=512 count=2'
await given 28 3
echo "through meanwhile: $(($(count odd 'diag# ') - prompts + 1))"
echo 0 > $faults/opts
await has odd 'diag# ' $prompts
echo 0 > $faults/every_nth
# A VSP that is killed while the drive has a command, which it forgets.
dmesg -c >/dev/null
echo 1 > $faults/every_nth
echo FORGET > $faults/opts
prompts=$(($(count odd 'diag# ') + 1))
type_to odd 'dd if=disk1 of=/dev/null bs=512 count=2'
await given 28 1
echo 0 > $faults/opts
echo 0 > $faults/every_nth
begun=$(cut -d. -f1 /proc/uptime)
kill -9 $(cat $HPVM_ROOT/lock)
hpvm status >/dev/null 2>&1
await has odd 'diag# ' $prompts
echo "answered after $(($(cut -d. -f1 /proc/uptime) - begun)) s"
diag odd 'dd if=disk1 of=/dev/null bs=512 count=2'
echo "== odd"; tr -d '\r' < $(log odd); echo
echo "== log"; hpvm log vsp | tail -n 30
hpvm stop -P odd -F; hpvm vsp stop
"#;

#[test]
fn odd_answers_come_back_as_they_are() {
    let Some(machine) = Machine::new() else { return };
    let lines: Vec<String> =
        FAULTS.iter().map(|fault| format!("fault {:#x} {:#x}", fault.opts, fault.block)).collect();
    let script = SCRIPT.replace("FAULTS", &lines.join("\n")).replace("HOST_BUSY", &HOST_BUSY.to_string());
    let script = script.replace("FORGET", &FORGET.to_string());
    let script = with_guests(&script);
    let printed = machine.with_executable("hpvm", hpvm()).run(&script);
    let (_, after) = printed.split_once("== odd\n").unwrap_or_else(|| panic!("{printed}"));
    let (odd, _log) = after.split_once("== log\n").unwrap_or_else(|| panic!("{printed}"));
    let answers: Vec<&str> = odd.split("diag# dd ").skip(1).collect();
    assert_eq!(answers.len(), FAULTS.len() + 3, "{printed}");
    for (fault, answer) in FAULTS.iter().zip(&answers) {
        assert!(answer.contains(fault.told), "opts {:#x}: not {}\n{printed}", fault.opts, fault.told);
        let is_error = fault.told.starts_with('(');
        assert_eq!(answer.matches("I/O error").count(), usize::from(is_error), "{answer}");
    }
    // The host's SCSI layer keeps what its adapter has no room for, and the guest waits.
    assert!(printed.contains("through meanwhile: 0\n"), "{printed}");
    assert!(answers[FAULTS.len()].contains("2+0 records in"), "{printed}");
    // Nobody knows what became of a command whose VSP is killed: the next one does not send it again, and says RESET.
    let [forgotten, after] = &answers[FAULTS.len() + 1..] else { panic!("{printed}") };
    assert!(forgotten.contains("I/O error (transport response 4)"), "{printed}");
    assert!(after.contains("2+0 records in"), "{printed}");
    checked(&format!("{} odd answers of scsi_debug passed through, in a machine of QEMU's", FAULTS.len()));
}

//! Odd answers of a host's device, passed through to an ia64 guest. The host is the machine, and its device is a CD drive of
//! Linux' `scsi_debug` driver, which does on request what broken drives do.

use tests::{Machine, hpvm};

use crate::checked;

/// Runs as root in the machine.
const SCRIPT: &str = r#"
export HPVM_ROOT=/tmp/hpvm
insmod /modules/scsi_debug.ko ptype=5 dev_size_mb=8
faults=/sys/bus/pseudo/drivers/scsi_debug
hpvm ioscan -fnNC disk
# Types a command at a guest's prompt and waits until it is through, as many as there were.
type_only() { echo "$2" | hpvm console -P $1 -q -c co >/dev/null; }
lines() { grep -c ' bytes in ' $HPVM_ROOT/guests/$1/console.log || true; }
finish() { for n in $(seq 1 60); do [ $(lines $1) -ge $2 ] && break; sleep 1; done; }
truncate -s 1M /tmp/odd
hpvm create -P odd -B manual -r 128M -x kernel=builtin:diag -a disk:avio_stor:0,0,0:file:/tmp/odd \
    -a burner:avio_stor:0,0,1:attach_path:/dev/rdisk/disk1
hpvm start -P odd
# Its console may have shown the prompt before anybody came to it.
for n in $(seq 1 60); do grep -q 'diag# ' $HPVM_ROOT/guests/odd/console.log && break; sleep 1; done

type_only odd 'dd if=disk1 of=/dev/null bs=512 count=1'
finish odd 1
echo 2 > $faults/opts
type_only odd 'dd if=disk1 of=/dev/null bs=512 count=1 skip=0x1234'
finish odd 2
echo 1 > $faults/every_nth
echo 8 > $faults/opts
type_only odd 'dd if=disk1 of=/dev/null bs=512 count=1'
finish odd 3
echo 16 > $faults/opts
type_only odd 'dd if=disk1 of=/dev/null bs=512 count=1'
finish odd 4
echo 0 > $faults/opts
echo 0 > $faults/every_nth
type_only odd 'dd if=disk1 of=/dev/null bs=512 count=1'
finish odd 5
echo "== odd"; cat $HPVM_ROOT/guests/odd/console.log

echo "== log"; hpvm log vsp | tail -n 30
hpvm stop -P odd -F; hpvm vsp stop
"#;

#[test]
fn odd_answers_come_back_as_they_are() {
    let Some(machine) = Machine::new() else { return };
    let printed = machine.with_executable("hpvm", hpvm()).run(SCRIPT);
    let (_, after) = printed.split_once("== odd\n").unwrap_or_else(|| panic!("{printed}"));
    let (odd, _log) = after.split_once("== log\n").unwrap_or_else(|| panic!("{printed}"));
    // Sense data are the driver's own: medium error, recovered error, aborted command.
    let errors: Vec<&str> = odd.lines().filter(|line| line.contains("I/O error")).collect();
    let expected = ["3, code 11/00", "1, code 5d/00", "b, code 4b/03"];
    assert_eq!(errors.len(), expected.len(), "{printed}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.contains(&format!("(sense key {expected})")), "{error}: not {expected}");
    }
    let complete = odd.lines().filter(|line| *line == "1+0 records in").count();
    assert_eq!(complete, 2, "before and after: {odd}");
    checked("odd answers of scsi_debug passed through, in a machine of QEMU's");
}

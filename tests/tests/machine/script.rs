//! What the scripts in the machine have in common.

/// Functions of the machine's shell for guests of a VSP in it. Whatever is waited for is waited for generously, and the script
/// fails where it does not come.
const GUESTS: &str = r#"
export HPVM_ROOT=/tmp/hpvm
# Waits until a command succeeds.
await() { for n in $(seq 1 900); do "$@" && return; sleep 1; done; echo "waited in vain for: $*"; hpvm log vsp | tail -n 40; false; }
off() { hpvm status -P $1 2>/dev/null | grep -q Off; }
# What a guest has printed, how often this is in it, and whether it is so often.
log() { echo $HPVM_ROOT/guests/$1/console.log; }
count() { grep -o "$2" $(log $1) | wc -l; }
has() { [ $(count $1 "$2") -ge $3 ]; }
# Types a line on the console of a guest; and at the prompt of the diagnostic guest, where the next one comes when it is through.
type_to() { echo "$2" | hpvm console -P $1 -q -c co >/dev/null; }
diag() { prompts=$(($(count $1 'diag# ') + 1)); type_to $1 "$2"; await has $1 'diag# ' $prompts; }
# Whether the host's scsi_debug driver was given a command so often since the kernel's log was cleared; it tells with opts 1.
given() { [ $(dmesg | grep -c "cmd $1 ") -ge $2 ]; }
faults=/sys/bus/pseudo/drivers/scsi_debug
"#;

/// A script with these functions.
pub(crate) fn with_guests(script: &str) -> String {
    format!("{GUESTS}{script}")
}

//! A tape library of a host, passed through to an ia64 guest that moves a cartridge and uses it. The host is the machine; the
//! library is one that the VSP emulates and QEMU puts into it.

use std::fs;

use tests::{Machine, Vsp, hpvm};

use crate::back_end::BackEnd;
use crate::checked;
use crate::script::with_guests;

/// Runs as root in the machine: a guest with changer and drive, which has a cartridge moved, writes to it, reads it and has
/// it put back, and then what the host's own drivers say.
const SCRIPT: &str = r#"
hpvm ioscan -m lun
ls /dev/sch0 /dev/nst0
truncate -s 1M /tmp/disk
hpvm create -P inner -B manual -r 128M -x kernel=builtin:diag \
    -x 'append=run=mc+-r+DS;mc+-s+S2+-d+D1;dd+if=/dev/random+of=tape+bs=64k+count=3+seed=7;mt+-f+tape+rew;cksum+tape;mt+-f+tape+offl;mc+-s+D1+-d+S4+-r+DS' \
    -a disk:avio_stor:0,0,0:file:/tmp/disk -a tape:avio_stor:0,0,1:attach_path:/dev/rtape/tape1_BEST \
    -a changer:avio_stor:0,0,2:attach_path:/dev/rchgr/autoch1
hpvm start -P inner
await off inner
cat $(log inner)
hpvm vsp stop
"#;

#[test]
fn a_changer_of_the_host_is_passed_through_to_a_guest() {
    let Some(machine) = Machine::new() else { return };
    let vsp = Vsp::new();
    let library = vsp.path("tapes");
    let plan = ["--drives", "1", "--slots", "4", "--cartridges", "2", "--capacity", "64M"];
    vsp.run(&[&["library", "create", library.to_str().unwrap()][..], &plan].concat()).ok();
    vsp.run(&["vsp", "stop"]).ok();
    let back_end = BackEnd::listen(&vsp.path(""), &["--library", library.to_str().unwrap()]);
    let printed =
        machine.with_executable("hpvm", hpvm()).with_adapter(back_end.socket()).run(&with_guests(SCRIPT));
    assert!(printed.contains("DONE passed=7 failed=0"), "{printed}");
    let places = |first: [&str; 5]| {
        let names = ["DT_slot_1", "ST_slot_1", "ST_slot_2", "ST_slot_3", "ST_slot_4"];
        names.into_iter().zip(first).map(|(name, state)| format!("{name} {state}\n")).collect::<String>()
    };
    let before = places(["EMPTY", "FULL", "FULL", "EMPTY", "EMPTY"]);
    let after = places(["EMPTY", "FULL", "EMPTY", "EMPTY", "FULL"]);
    let at = |text: &str| printed.find(text).unwrap_or_else(|| panic!("no {text:?} in\n{printed}"));
    assert!(at(&before) < at(&after));
    // The library's own record says the same, and the guest's data are on that cartridge's image alone.
    drop(back_end);
    let record = fs::read_to_string(library.join("library.toml")).unwrap();
    let moved = record.split("[[cartridge]]").find(|part| part.contains("\"KIT002\"")).expect("a cartridge");
    assert!(moved.contains("place = \"slot 4\""), "{record}");
    let image = fs::read(library.join("KIT002.tap")).unwrap();
    assert_eq!(image[..4], (64u32 << 10).to_le_bytes(), "a record of 64 KiB comes first");
    assert_eq!(fs::metadata(library.join("KIT001.tap")).unwrap().len(), 0);
    checked("a host's media changer passed through to an ia64 guest, in a machine of QEMU's");
}

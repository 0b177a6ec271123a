//! Processor, kernel and C library, checked by programs that run under Linux.

use crate::checked;
use crate::run::boot;

/// The checksums of `bench` at scale 1: the same on every machine.
const BENCH: [(&str, &str); 7] = [
    ("int", "e61ab99351218c18"),
    ("branch", "00000000f1256ccc"),
    ("call", "000000000003b462"),
    ("fp", "72cb892063d9dbd7"),
    ("mem", "f1af7ae8fe7a4fec"),
    ("chase", "00000000000c5340"),
    ("sha", "5d6970c1ef90b187"),
];

fn selftest_passes_with(vcpus: u32) {
    let Some(ended) = boot("selftest").vcpus(vcpus).run() else { return };
    ended.well().says("selftest: PASS (0 of 67 failed)");
    checked(&format!("Linux selftest, all 67, {vcpus} processor(s)"));
}

#[test]
fn selftest_passes_on_one_processor() {
    selftest_passes_with(1);
}

#[test]
fn selftest_passes_on_two_processors() {
    selftest_passes_with(2);
}

#[test]
fn selftest_passes_on_four_processors() {
    selftest_passes_with(4);
}

#[test]
fn stress_passes_on_four_processors() {
    let seconds = std::env::var("KITTSON_STRESS_SECONDS").unwrap_or_else(|_| "10".to_owned());
    let Some(ended) = boot(&format!("stress {seconds}")).vcpus(4).run() else { return };
    ended.well().says("stress: PASS");
    checked(&format!("Linux stress {seconds}, 4 processors"));
}

#[test]
fn bench_gives_the_checksums_of_every_other_machine() {
    let Some(ended) = boot("bench all 1").run() else { return };
    let ended = ended.well();
    for (kernel, checksum) in BENCH {
        let line = ended.console.lines().find(|line| line.split_whitespace().take(2).eq([kernel, "1"]));
        assert!(line.is_some_and(|line| line.trim_end().ends_with(checksum)), "{kernel}: {line:?}");
    }
    checked("Linux bench, seven checksums");
}

#[test]
fn reboot_starts_the_machine_anew() {
    let Some(ended) = boot("reboot -f").option("--no-reboot").run() else { return };
    assert!(ended.console.contains("guest ready"), "{}", ended.console);
    assert!(ended.status.is_some_and(|status| status != 0), "a reset is told by the exit status");
    checked("Linux reboot");
}

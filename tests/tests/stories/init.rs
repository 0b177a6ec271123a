//! INIT, as vMP's TC sends it: an operating system that has registered for it reports and goes on, all others are reset.

use tests::linux::{begin, come_up_bare, create, shell};
use tests::{Deadline, Guest, Ran, Vsp};

use crate::guest::{PROMPT, diag, running};

/// TC at the guest's vMP, and this answer to its question.
fn transfer_control(vsp: &Vsp, guest: &Guest<'_>, answer: &str) -> Ran {
    vsp.run_with_input(&["console", "-P", guest.name(), "-q", "-c", "TC"], answer)
}

#[test]
fn a_guest_that_knows_no_init_is_reset() {
    let vsp = Vsp::new();
    let guest = running(&vsp, "ivm1");
    let mut console = guest.console();
    console.expect(PROMPT, Deadline::Guest);
    let question = "Send INIT to the virtual machine 'ivm1'? [n]: ";
    assert_eq!(transfer_control(&vsp, &guest, "n\n").ok(), question);
    console.line("machinfo");
    console.expect(PROMPT, Deadline::Guest);
    assert_eq!(
        transfer_control(&vsp, &guest, "y\n").ok(),
        format!("{question}INIT is sent to guest 'ivm1'.\n")
    );
    console.expect("Kittson diagnostic guest", Deadline::Guest);
    console.expect(PROMPT, Deadline::Guest);
    vsp.run_until(&["log", "ivm1"], |log| log.contains("has registered nothing for INIT"));
    guest.stop();
}

#[test]
fn init_is_nothing_for_a_guest_that_is_off() {
    let vsp = Vsp::new();
    let guest = diag(&vsp, "ivm1");
    let ran = transfer_control(&vsp, &guest, "y\n");
    assert_eq!(
        (ran.status(), ran.stderr().as_str()),
        (1, "hpvmconsole: ERROR (ivm1): Guest is not running.\nhpvmconsole: Unable to continue.\n")
    );
}

#[test]
fn linux_reports_its_processors_and_tasks_at_init_and_goes_on() {
    for vcpus in ["1", "2"] {
        let vsp = Vsp::new();
        let Some(guest) = create(&vsp, "lin", vcpus, &[]) else { return };
        let mut console = begin(&guest);
        come_up_bare(&mut console);
        shell(&mut console, "dmesg -n 8");
        shell(&mut console, "while :; do :; done & ls -lR /sys >/dev/null");
        for _ in 0..2 {
            transfer_control(&vsp, &guest, "y\n").ok();
            console.expect("Entered OS INIT", Deadline::System);
            console.expect("Processes interrupted by INIT", Deadline::System);
            let report = console.expect("INIT dump complete", Deadline::System);
            for task in ["Backtrace of pid 1 (", "Backtrace of pid 2 (kthreadd)"] {
                assert!(report.contains(task), "{task}: {report}");
            }
            console.expect("returning to normal service", Deadline::System);
            if vcpus == "2" {
                console.expect("Slave on cpu", Deadline::System);
            }
        }
        console.line("");
        console.expect("guest# ", Deadline::System);
        assert_eq!(shell(&mut console, "nproc; kill %1").lines().nth(1), Some(vcpus));
        guest.stop();
        println!("checked: Linux reports INIT on {vcpus} processors and goes on");
    }
}

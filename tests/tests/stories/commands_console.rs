//! vMP's commands about discs and records, on a guest that is off.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::Vsp;

#[test]
fn discs_are_ejected_and_inserted_at_the_menu() {
    let vsp = Vsp::new();
    let isos = vsp.path("isos").canonicalize().unwrap_or_else(|_| vsp.path("isos"));
    fs::create_dir(&isos).unwrap();
    for name in ["one.iso", "two.iso"] {
        fs::write(isos.join(name), [0; 4096]).unwrap();
        fs::set_permissions(isos.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let isos = isos.display();
    let guest = vsp.create("guest1", &["-a", &format!("dvd:avio_stor:7,7,127:file:{isos}/one.iso")]);
    let at_menu = |input: &str| vsp.run_with_input(&["console", "-P", "guest1", "-q"], input).ok();
    let statement = || guest.detail().devices[0].statement.clone();

    let shown = at_menu("ej\n1\nn\nej\n1\ny\nx\n");
    let list = "Ejectable Guest Devices\n\
                Num Hw-path (Bus,Slot,Tgt) Gdev\n\
                --------------------------------------------\n\
                [1] 0/7/7/0.127.0 (7,7,127) dvd\n\
                Enter menu item or [Q] Quit: Confirm eject action [Y/N/Q]: ";
    assert!(shown.starts_with(&format!("[guest1] vMP> {list}[guest1] vMP> {list}")), "{shown}");
    assert_eq!(statement(), format!("dvd:avio_stor:7,7,127:null:{isos}"));
    let shown = at_menu("cm\nin\n9\n1\n2\nej\nq\nx\n");
    assert!(shown.contains("Invalid menu item.\n"), "{shown}");
    assert!(
        shown.contains(&format!("Num File\n--------------------\n[1] {isos}/one.iso\n[2] {isos}/two.iso\n")),
        "{shown}"
    );
    assert_eq!(statement(), format!("dvd:avio_stor:7,7,127:file:{isos}/two.iso"));
    // One command and out, as scripts do it.
    assert!(guest.run("console", &["-q", "-c", "rec -view"]).ok().trim().is_empty());
    assert!(guest.run("console", &["-q", "-c", "rec"]).ok().contains("always recorded"));
}

#[test]
fn a_single_command_of_the_menu_fails_if_it_cannot_be_done() {
    let vsp = Vsp::new();
    let guest = vsp.create("ivm1", &[]);
    guest
        .run("console", &["-q", "-c", "dance"])
        .refused(&["hpvmconsole: Invalid command 'dance'. See -c help."]);
    let help = guest.run("console", &["-q", "-c", "topics"]).ok();
    assert_eq!(help, guest.run("console", &["-q", "-c", "he"]).ok());
    assert!(
        vsp.run_with_input(&["console", "-P", "ivm1", "-q"], "dance\nx\n")
            .ok()
            .contains("Invalid command.\n")
    );
}

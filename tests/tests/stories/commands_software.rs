//! `swlist`, `swinstall`, `swremove`, and what attached devices are warned to miss.

use tests::Vsp;

/// The depot that is documented.
const DEPOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/depots/avio-attached");

#[test]
fn attached_device_support_needs_its_patch() {
    let vsp = Vsp::new();
    vsp.create("compass1", &["-O", "hpux"]);
    let alone = "autoselect_dependencies=false";
    let install =
        |options: &[&str]| vsp.run(&[&["swinstall", "-s", DEPOT, "-P", "compass1"], options].concat());
    let refused = install(&["-x", alone, "GuestAVIOStor"]);
    assert_eq!(refused.status(), 1);
    let session = refused.stdout().split_whitespace().collect::<Vec<_>>().join(" ");
    for line in [
        "The prerequisite \"PHKL_38604.CORE2-KRN\" for fileset \"AVIO-GVSD.GVSD-KRN,r=B.11.31.1203\" cannot be \
         successfully resolved.",
        "ERROR: The dependencies for fileset \"AVIO-GVSD.GVSD-KRN,r=B.11.31.1203\" cannot be resolved (see previous \
         lines).",
    ] {
        assert!(session.contains(line), "{session}");
    }
    assert!(!vsp.run(&["swlist", "-P", "compass1"]).ok().contains("AVIO-GVSD"));

    assert!(install(&["GuestAVIOStor"]).ok().contains("Installed fileset \"PHKL_38604.CORE2-KRN,r=1.0\"."));
    let listed = vsp.run(&["swlist", "@", "compass1"]).ok();
    assert!(listed.contains("  GuestAVIOStor                 B.11.31.1203   HPVM Guest AVIO"), "{listed}");
    let kept = vsp.run(&["swremove", "-P", "compass1", "PHKL_38604"]);
    assert_eq!(kept.status(), 1, "{kept:?}");
    vsp.run(&["swremove", "-P", "compass1", "GuestAVIOStor", "PHKL_38604"]).ok();
    assert!(!vsp.run(&["swlist", "-P", "compass1"]).ok().contains("PHKL"));
    let log = std::fs::read_to_string(vsp.root().join("common/sw/swinstall.log")).expect("a log");
    assert_eq!(log.matches("END swinstall SESSION").count(), 2);
}

#[test]
fn software_of_11i_v3_is_not_for_11i_v2_and_other_systems_have_no_inventory() {
    let vsp = Vsp::new();
    vsp.create("old", &["-O", "hpux", "-x", "os_version=11i v2"]);
    vsp.create("lin1", &["-O", "linux"]);
    let install = |guest: &str| vsp.run(&["swinstall", "-s", DEPOT, "-P", guest, "PHKL_38604"]);
    assert!(install("old").stdout().contains("incompatible with"));
    install("lin1").refused(&[
        "swinstall: ERROR (lin1): Guest runs LINUX; software inventories are kept for HP-UX guests only.",
    ]);
}

#[test]
fn mistakes_are_named() {
    let vsp = Vsp::new();
    let depot = vsp.path("depot");
    std::fs::create_dir(&depot).expect("a directory");
    let path = depot.display().to_string();
    vsp.run(&["swlist", "-s", &path])
        .refused(&[&format!("swlist: '{path}' is not a depot: it has no .toml file.")]);
    vsp.run(&["swinstall", "-s", DEPOT])
        .refused(&["swinstall: Software is missing: name products, or '*' for everything in the depot."]);
    let unknown = vsp.run(&["swlist", "PHKL_1"]);
    assert!(unknown.stderr().starts_with("ERROR:   Software \"PHKL_1\" was not found on host \""));
    assert_eq!(unknown.status(), 1);
    let preview = vsp.run(&["swinstall", "-p", "-s", DEPOT, "PHKL_38605"]).ok();
    assert!(preview.contains("Would install fileset \"PHKL_38605.CORE2-KRN,r=1.0\"."), "{preview}");
    assert!(!vsp.run(&["swlist"]).ok().contains("PHKL_38605"));
}

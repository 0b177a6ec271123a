//! `swlist`, `swinstall`, `swremove`, and what attached devices are warned to miss.

use tests::{Guest, Vsp};

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

/// How a patch is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    /// "Enforced during swinstall."
    Hard,
    /// "Required only if attached devices are configured. No enforcement using swinstall."
    Soft,
    Recommended,
}
use Want::{Hard, Recommended, Soft};

/// The guide's Table 20, "Patch Dependencies for AVIO Attached Devices": on the VSP, and in a guest. All of it is of 11i v3.
const TABLE_20: [(&str, Option<Want>, Option<Want>); 3] = [
    ("PHKL_38604", Some(Soft), Some(Hard)),
    ("PHKL_38605", Some(Soft), None),
    ("PHKL_38750", Some(Recommended), Some(Recommended)),
];

/// What guests have of it.
const SUPPORT: &str = "GuestAVIOStor";

/// The only thing that a command has to remark where a patch is missing on the VSP, or in the guest of this name.
fn remark(command: &str, patch: &str, want: Want, guest: Option<&str>) -> String {
    let (word, how) = match want {
        Hard | Soft => ("WARNING", "required"),
        Recommended => ("NOTE", "recommended"),
    };
    let (name, place) = match guest {
        None => (String::new(), "VSP"),
        Some(guest) => (format!(" ({guest})"), "guest"),
    };
    format!(
        "{command}: {word}{name}: Patch {patch} is {how} for attached devices and not installed on the {place}.\n"
    )
}

/// What is reported as missing: by one patch, or nothing.
#[track_caller]
fn reported(vsp: &Vsp, missing: Option<(&str, Want, Option<&str>)>) {
    for (command, arguments) in
        [("hpvmstatus", vec!["status"]), ("hpvmdevmgmt", vec!["devmgmt", "-l", "gdev"])]
    {
        let ran = vsp.run(&arguments);
        let expected = missing.map(|(patch, want, guest)| remark(command, patch, want, guest));
        assert_eq!((ran.status(), ran.stderr()), (0, expected.unwrap_or_default()));
    }
}

#[test]
fn table_20_of_the_guide() {
    const TAPE: &str = "/dev/rtape/tape1_BEST";
    let vsp = Vsp::new();
    let release = |name, options: &[&str]| {
        let disk = format!("disk:avio_stor::file:{}", vsp.disk(name, 1 << 20));
        let own = ["-r", "128M", "-x", "kernel=builtin:diag", "-a", &disk];
        vsp.create(name, &[&own, options].concat())
    };
    let v3 = release("new", &["-O", "hpux", "-x", "os_version=11iv3"]);
    let v2 = release("old", &["-O", "hpux", "-x", "os_version=11iv2"]);
    let linux = release("lin", &["-O", "linux"]);
    let image = vsp.path("one.tap").display().to_string();
    vsp.run(&["tape", "create", &image, "--capacity", "1M"]).ok();
    let swinstall = |on: &[&str], what: &[&str]| {
        vsp.run(&[&["swinstall", "-s", DEPOT, "-x", "autoselect_dependencies=false"], on, what].concat())
    };
    let (on_vsp, in_guest): (&[&str], &[&str]) = (&[], &["-P", "new"]);
    // Nothing is wanted where nothing is attached.
    reported(&vsp, None);

    // In the guest: what is enforced is that, and the rest is not.
    for (patch, _, want) in TABLE_20 {
        let others: Vec<&str> = TABLE_20.iter().map(|row| row.0).filter(|other| *other != patch).collect();
        swinstall(in_guest, &others).ok();
        assert_eq!(swinstall(in_guest, &[SUPPORT]).status(), i32::from(want == Some(Hard)), "{patch}");
        vsp.run(&["swremove", "-P", "new", "*"]).ok();
    }

    swinstall(on_vsp, &["PHKL_38604", "PHKL_38605", "PHKL_38750"]).ok();
    swinstall(in_guest, &["*"]).ok();
    let statement = format!("tape:avio_stor:0,1,0:attach_path:{TAPE}");
    let configure = |guest: &Guest<'_>| guest.run("modify", &["-a", &statement]);
    for guest in [&v3, &v2, &linux] {
        configure(guest);
    }
    vsp.run(&["devmgmt", "-m", &format!("gdev:{TAPE}:attr:SHARE=YES")]).ok();
    reported(&vsp, None);
    for (patch, want, wanted_in_guest) in TABLE_20 {
        // Whatever system a guest has, it is the VSP that wants it. What is soft is said, and nothing is refused.
        vsp.run(&["swremove", patch]).ok();
        reported(&vsp, want.map(|want| (patch, want, None)));
        for guest in [&v3, &v2, &linux] {
            guest.run("modify", &["-d", &statement]);
            let configured = configure(guest);
            let warnings = configured.stderr().matches("Patch").count();
            let warning = remark("hpvmmodify", patch, Soft, None);
            assert_eq!(warnings, usize::from(want == Some(Soft)), "{configured:?}");
            assert_eq!(configured.stderr().contains(&warning), want == Some(Soft), "{configured:?}");
            assert_eq!(configured.status(), 0, "{configured:?}");
            let started = guest.run("start", &[]);
            let warning = remark("", patch, Soft, None);
            let said = started.ok().contains(warning.trim_start_matches(": "));
            assert_eq!(said, want == Some(Soft), "{started:?}");
            guest.stop();
        }
        swinstall(on_vsp, &[patch]).ok();

        // In the guest of 11i v3: others need what is hard, and it can be taken from them only with force.
        let removed = vsp.run(&["swremove", "-P", "new", patch]);
        assert_eq!(removed.status(), i32::from(wanted_in_guest == Some(Hard)), "{removed:?}");
        let forced = vsp.run(&["swremove", "-P", "new", "-x", "enforce_dependencies=false", patch]);
        assert_eq!(forced.status(), i32::from(removed.status() == 0), "{forced:?}");
        reported(&vsp, wanted_in_guest.map(|want| (patch, want, Some("new"))));
        swinstall(in_guest, &[patch]).ok();
        reported(&vsp, None);
    }

    // 11i v2 has its support without any of them.
    let depot = vsp.path("depot");
    std::fs::create_dir(&depot).expect("a directory");
    let products = "\
[[product]]
tag = \"AVIO-GVSD\"
revision = \"B.11.23.0712\"
title = \"HPVM Guest AVIO Storage Software\"
os_release = \"?.11.23*\"
fileset = [{ tag = \"GVSD-KRN\" }]
[[bundle]]
tag = \"GuestAVIOStor\"
revision = \"B.11.23.0712\"
title = \"HPVM Guest AVIO Storage Software\"
contents = [\"AVIO-GVSD\"]
";
    std::fs::write(depot.join("guest.toml"), products).expect("a file");
    vsp.run(&["swinstall", "-s", &depot.display().to_string(), "-P", "old", SUPPORT]).ok();
    // A clone has what its original has.
    let clone = vsp.run(&["clone", "-P", "old", "-N", "copy"]);
    assert_eq!(clone.status(), 0, "{clone:?}");
    assert!(
        vsp.run(&["swlist", "-P", "copy"]).ok().contains("  GuestAVIOStor                 B.11.23.0712   ")
    );
    reported(&vsp, None);
}

//! What an operator can get wrong: one clear line each, and nothing is changed.

use tests::Vsp;

#[test]
fn impossible_guests_are_refused_with_the_reason() {
    let vsp = Vsp::new();
    vsp.create("ivm1", &[]);
    let cases: [(&[&str], &str); 7] = [
        (&["-P", "ivm1"], "ERROR (ivm1): Guest 'ivm1' already exists."),
        (&["-P", "12"], "ERROR (12): Illegal guest name '12'."),
        (&["-P", "a/b"], "ERROR (a/b): Illegal guest name 'a/b'."),
        (&["-P", "x", "-c", "17"], "ERROR (x): Illegal number of vcpus 17 (valid range is 1-16)."),
        (
            &["-P", "x", "-r", "1024G"],
            "ERROR (x): Illegal memory size 1T (valid range is 64M-256G in multiples of 64M).",
        ),
        (&["-P", "x", "-x", "colour=red"], "ERROR (x): Keyword 'colour' is not supported."),
        (
            &["-P", "x", "-x", "kernel=vmlinux"],
            "ERROR (x): Illegal kernel 'vmlinux'. Expected an absolute path.",
        ),
    ];
    for (options, line) in cases {
        let line = format!("hpvmcreate: {line}");
        vsp.run(&[&["create"], options].concat())
            .refused(&[&line, "hpvmcreate: Unable to create the guest."]);
    }
    vsp.run(&["status", "-P", "x"]).refused(&["hpvmstatus: Unable to find guest 'x'."]);
}

#[test]
fn stores_that_cannot_be_are_refused_with_the_statement() {
    let vsp = Vsp::new();
    let (disk, tiny) = (vsp.disk("disk", 4096), vsp.disk("tiny", 511));
    let statement = |path: &str| format!("disk:avio_stor::file:{path}");
    let missing = vsp.path("missing").display().to_string();
    let cases = [
        (statement(&missing), format!("Device '{missing}' does not exist.")),
        (statement(&tiny), format!("Device '{tiny}' is smaller than the minimum of 512 bytes.")),
        (statement("/dev"), "'/dev' is not a regular file.".to_owned()),
        (format!("disk:scsi::file:{disk}"), "Illegal adapter type 'scsi'.".to_owned()),
        (
            format!("disk:avio_stor::null:{disk}"),
            "Storage type 'null' is valid for DVD devices only.".to_owned(),
        ),
    ];
    for (statement, text) in cases {
        let lines = [
            format!("hpvmcreate: ERROR (x): {text}"),
            format!("hpvmcreate: Unable to create device {statement}."),
            "hpvmcreate: Unable to create the guest.".to_owned(),
        ];
        vsp.run(&["create", "-P", "x", "-a", &statement]).refused(&lines.each_ref().map(String::as_str));
    }
}

#[test]
fn a_start_without_its_files_is_refused() {
    let vsp = Vsp::new();
    let guest = vsp.create("ivm1", &[]);
    let refusal =
        |text: &str| [format!("hpvmstart: ERROR (ivm1): {text}"), "hpvmstart: Unable to continue.".into()];
    let refused = |text: &str| guest.run("start", &[]).refused(&refusal(text).each_ref().map(String::as_str));

    refused("Guest has no boot image. Set one with hpvmmodify -P ivm1 -x kernel=PATH.");
    let kernel = vsp.file("kernel", b"");
    guest.run("modify", &["-x", &format!("kernel={kernel}")]).ok();
    std::fs::remove_file(&kernel).unwrap();
    refused(&format!("The boot image '{kernel}' does not exist."));
    guest.run("modify", &["-x", "kernel=builtin:nothing"]).ok();
    refused("There is no built-in boot image 'nothing'.");
    guest.run("modify", &["-x", "kernel=builtin:diag", "-r", "256G"]).ok();
    let ran = guest.run("start", &[]);
    assert!(ran.stderr().contains("Insufficient memory for guest: 262144MB configured"), "{ran:?}");
}

//! What an operator can get wrong: one clear line each, and nothing is changed.

use tests::Vsp;

#[test]
fn impossible_guests_are_refused_with_the_reason() {
    let vsp = Vsp::new();
    vsp.create("ivm1", &[]);
    let cases: [(&[&str], &str); 9] = [
        (&["-P", "ivm1"], "ERROR (ivm1): Guest 'ivm1' already exists."),
        (&["-P", "12"], "ERROR (12): Illegal guest name '12'."),
        (&["-P", "a/b"], "ERROR (a/b): Illegal guest name 'a/b'."),
        (&["-P", "-ab"], "ERROR (-ab): Illegal guest name '-ab'."),
        (
            &["-P", "x", "-l", "a/b"],
            "ERROR (x): Illegal character '/' in the label (A-Z a-z 0-9 - _ . and blanks).",
        ),
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
        (format!("disk:scsi::file:{disk}"), "Illegal adapter type 'scsi'. Expected avio_stor.".to_owned()),
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

/// The reference's table of refusals (hpvm.md 11.2), as far as a statement alone makes them.
#[test]
fn statements_are_refused_in_hpvm_s_words() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    let full: Vec<String> =
        (0..128).map(|target| format!("disk:avio_stor:0,1,{target}:file:{disk}")).collect();
    let at = |address: &str| format!("disk:avio_stor:{address}:file:{disk}");
    let lunpath = "0/7/1/1.0x500104f00048b29e.0x0";
    let cases = [
        (vec![], at("0,1,128"), "Illegal target 128 (valid range is 0-127).".to_owned()),
        (vec![], at("8,0,0"), "Illegal bus 8 (valid range is 0-7).".to_owned()),
        (vec![], at("0,8,0"), "Illegal slot 8 (valid range is 0-7).".to_owned()),
        (vec![at("0,1,5")], at("0,1,5"), "Address 0,1,5 is already in use.".to_owned()),
        (full, at("0,1"), "Adapter 0,1 has the maximum of 128 devices.".to_owned()),
        (vec![at("")], at(""), format!("Device '{disk}' is already used by this guest.")),
        (
            vec![],
            "tape:avio_stor::attach:/dev/pt/pt_tape1".to_owned(),
            "Storage type 'attach' is not supported with avio_stor. Use attach_path.".to_owned(),
        ),
        (
            vec![],
            format!("tape:avio_stor::attach_path:{lunpath}"),
            format!("Lunpath '{lunpath}' does not exist."),
        ),
        (
            vec![],
            "disk:avio_stor::disk:/dev/rdsk/c6t2d0".to_owned(),
            "Legacy device file '/dev/rdsk/c6t2d0' is not supported as backing device. Use the persistent device file."
                .to_owned(),
        ),
        (
            vec![],
            "disk:avio_stor::disk:/dev/rdisk/disk99".to_owned(),
            "Device '/dev/rdisk/disk99' does not exist.".to_owned(),
        ),
    ];
    for (before, statement, text) in cases {
        let mut arguments = vec!["create", "-P", "x"];
        before.iter().chain([&statement]).for_each(|statement| arguments.extend(["-a", statement]));
        vsp.run(&arguments).refused(&[
            &format!("hpvmcreate: ERROR (x): {text}"),
            &format!("hpvmcreate: Unable to create device {statement}."),
            "hpvmcreate: Unable to create the guest.",
        ]);
    }
    vsp.run(&["status", "-P", "x"]).refused(&["hpvmstatus: Unable to find guest 'x'."]);
}

/// The same, as far as a guest's state makes them.
#[test]
fn states_are_refused_in_hpvm_s_words() {
    let vsp = Vsp::new();
    let guest = vsp.create("ivm1", &["-x", "runnable_status=disabled"]);
    let refused = |command: &str, options: &[&str], text: &str, last: &str| {
        guest
            .run(command, options)
            .refused(&[&format!("hpvm{command}: ERROR (ivm1): {text}"), &format!("hpvm{command}: {last}")]);
    };
    refused("start", &[], "Guest is not runnable on this host.", "Unable to continue.");
    refused("stop", &["-F"], "Guest is not running.", "Unable to continue.");
    guest.run("modify", &["-x", "modify_status=disabled"]).ok();
    refused(
        "modify",
        &["-c", "2"],
        "Guest cannot be modified (modify_status=disabled).",
        "Unable to modify the guest.",
    );
    guest.run("modify", &["-x", "register_status=enabled", "-x", "kernel=builtin:diag"]).ok();
    guest.run("start", &[]);
    refused("start", &[], "Guest is already running.", "Unable to continue.");
    refused("remove", &["-F"], "Guest is running. Stop it first.", "Unable to remove the guest.");
    guest.run("stop", &["-F"]).ok();
}

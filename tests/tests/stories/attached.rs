//! Attached devices: names, configuration, and who is kept out.

use tests::{Deadline, Guest, Vsp};

use crate::guest::{PROMPT, command};

const AUTOCH: &str = "/dev/rchgr/autoch1";

/// A library with one drive; the changer's lunpath.
fn library(vsp: &Vsp) -> String {
    let directory = vsp.path("tapes").display().to_string();
    let made = vsp
        .run(&["library", "create", &directory, "--slots", "3", "--cartridges", "2", "--capacity", "1M"])
        .ok();
    let line = made.lines().find(|line| line.starts_with(AUTOCH)).expect("a changer");
    line.split_whitespace().nth(1).expect("its lunpath").to_owned()
}

fn guest<'a>(vsp: &'a Vsp, name: &str) -> Guest<'a> {
    let disk = format!("disk:avio_stor:0,0,0:file:{}", vsp.disk(name, 4 << 20));
    vsp.create(name, &["-r", "128M", "-x", "kernel=builtin:diag", "-a", &disk])
}

#[test]
fn devices_have_names_that_all_commands_take() {
    let vsp = Vsp::new();
    let lunpath = library(&vsp);
    let listed = vsp.run(&["ioscan", "-kfnNC", "autoch"]).ok();
    let expected = "\
Class     I  H/W Path  Driver S/W State   H/W Type     Description
===================================================================
autoch    1  64000/0xfa00/";
    assert!(listed.starts_with(expected), "{listed}");
    assert!(listed.ends_with(&format!("{:22}{AUTOCH}\n", "")), "{listed}");
    let mapped = vsp.run(&["ioscan", "-m", "lun", AUTOCH]).ok();
    assert!(mapped.contains(&format!("\n{:13}{lunpath}\n", "")), "{mapped}");
    let found = vsp.run(&["ioscan", "-kfnNH", &lunpath]).ok();
    assert!(found.contains("LUN_PATH     LUN path for autoch1"), "{found}");
    let described = vsp.run(&["diskinfo", AUTOCH]).ok();
    assert!(
        described.starts_with(&format!("SCSI describe of {AUTOCH}:\n             vendor: ")),
        "{described}"
    );
    let translated = vsp.run(&["devtranslate", AUTOCH]).ok();
    assert!(translated.contains(&format!("changer:avio_stor::attach_path:{lunpath}")), "{translated}");

    let ivm1 = guest(&vsp, "ivm1");
    ivm1.run("modify", &["-a", &format!("changer:avio_stor:0,1,0:attach_path:{AUTOCH}")]).done();
    let statement = format!("changer:avio_stor:0,1,0:attach_path:{lunpath}");
    assert!(ivm1.run("status", &["-d"]).done().contains(&statement));
    let entry = vsp.run(&["devmgmt", "-l", &format!("gdev:{AUTOCH}")]).done();
    let expected =
        format!("{lunpath},{AUTOCH}:CONFIG=gdev,EXIST=YES,DEVTYPE=CHANGER,SHARE=NO,INUSE=NO:ivm1:naa.");
    assert!(entry.starts_with(&expected), "{entry}");
    ivm1.run("modify", &["-d", &format!("changer:avio_stor::attach_path:{AUTOCH}")]).done();
    assert!(!ivm1.run("status", &["-d"]).done().contains(&statement));
}

#[test]
fn what_cannot_be_attached_is_refused_with_the_reason() {
    let vsp = Vsp::new();
    let lunpath = library(&vsp);
    let ivm1 = guest(&vsp, "ivm1");
    let refused = |statement: &str, reason: &str| {
        ivm1.run("modify", &["-a", statement]).refused(&[
            &format!("hpvmmodify: ERROR (ivm1): {reason}"),
            &format!("hpvmmodify: Unable to create device {statement}."),
            "hpvmmodify: Unable to modify the guest.",
        ]);
    };
    refused(
        &format!("tape:avio_stor::attach_path:{lunpath}"),
        &format!("Lunpath '{lunpath}' is not a tape device."),
    );
    refused(
        "tape:avio_stor::attach_path:0/7/1/1.0x500104f00048b29e.0x0",
        "Lunpath '0/7/1/1.0x500104f00048b29e.0x0' does not exist.",
    );
    refused(
        "tape:avio_stor::attach:/dev/pt/pt_tape1",
        "Storage type 'attach' is not supported with avio_stor. Use attach_path.",
    );
    refused(
        "tape:avio_stor::attach_path:/dev/rtape/tape9_BEST",
        "Device '/dev/rtape/tape9_BEST' does not exist.",
    );
    let statement = format!("changer:avio_stor:0,1,0:attach_path:{lunpath}");
    ivm1.run("modify", &["-a", &statement]).done();
    refused(
        &format!("changer:avio_stor:0,1,1:attach_path:{lunpath}"),
        &format!("Device '{lunpath}' is already used by this guest."),
    );
    vsp.run(&["library", "remove", AUTOCH])
        .refused(&[&format!("hpvm library: ERROR: Device '{}' is configured for guest 'ivm1'.", AUTOCH)]);
}

#[test]
fn the_vsp_and_other_guests_keep_a_device_from_being_attached() {
    let vsp = Vsp::new();
    let lunpath = library(&vsp);
    let statement = format!("changer:avio_stor:0,0,1:attach_path:{lunpath}");
    let (ivm1, ivm2) = (guest(&vsp, "ivm1"), guest(&vsp, "ivm2"));
    ivm1.run("modify", &["-a", &statement]).done();
    let shared = ivm2.run("modify", &["-a", &statement]);
    assert_eq!(shared.status(), 0);
    assert!(shared.stderr().contains(&format!("'{lunpath}' in use by another guest (ivm1).")), "{shared:?}");

    vsp.run(&["hold", AUTOCH]).ok();
    let refused = ivm1.run("start", &[]);
    assert!(refused.stderr().contains(&format!("Device '{lunpath}' is in use by the VSP.")), "{refused:?}");
    let usage = ivm1.run("status", &[]).done();
    assert!(usage.contains(&format!("  0   0   1 VSP                  {AUTOCH}\n")), "{usage}");
    vsp.run(&["hold", "-r", AUTOCH]).ok();
    ivm1.run("start", &[]).done();
    ivm1.console().expect(PROMPT, Deadline::Guest);

    // Configured for both, but running at once only where that is allowed.
    let refused = ivm2.run("start", &[]);
    let text = format!("Device '{lunpath}' is in use by running guest 'ivm1'.");
    assert!(refused.stderr().contains(&text), "{refused:?}");
    vsp.run(&["devmgmt", "-m", &format!("gdev:{AUTOCH}:attr:SHARE=YES")]).done();
    ivm2.run("start", &[]).done();
    ivm2.console().expect(PROMPT, Deadline::Guest);
    // Taken away and given back while it runs.
    ivm2.run("modify", &["-d", &statement]).done();
    assert!(!ivm2.run("status", &["-d"]).done().contains(&lunpath));
    ivm2.run("modify", &["-a", &statement]).done();
    assert!(ivm2.run("status", &["-d"]).done().contains(&statement));
    ivm1.stop();
    ivm2.stop();
}

/// hpvm.md 7.6: the three who may come late, and the ways a device becomes free.
#[test]
fn who_comes_late_is_told_in_the_way_of_his_system() {
    const TAPE: &str = "/dev/rtape/tape1_BEST";
    let vsp = Vsp::new();
    let image = vsp.path("backup.tap").display().to_string();
    vsp.run(&["tape", "create", &image, "--capacity", "1M"]).ok();
    let statement = format!("tape:avio_stor:0,0,1:attach_path:{TAPE}");
    let with_tape = |name, version: &str| {
        let guest = guest(&vsp, name);
        let version = format!("os_version={version}");
        let ran = guest.run("modify", &["-O", "hpux", "-x", &version, "-a", &statement]);
        assert_eq!(ran.status(), 0, "{ran:?}");
        guest
    };
    let guests = [with_tape("ivm1", "11iv3"), with_tape("ivm2", "11iv3"), with_tape("ivm3", "11iv2")];
    vsp.run(&["devmgmt", "-m", &format!("gdev:{TAPE}:attr:SHARE=YES")]).done();
    for guest in &guests {
        guest.run("start", &[]).done();
    }
    let [mut one, mut two, mut three] = guests.each_ref().map(|guest| {
        let mut console = guest.console();
        console.expect(PROMPT, Deadline::Guest);
        console
    });
    let listed = command(&mut one, "ioscan -fnN -C tape");
    let name = listed.split_whitespace().find(|word| word.ends_with("_BEST")).expect("a tape").to_owned();
    let (hold, release) = (format!("mt -f {name}nb res"), format!("mt -f {name}nb rel"));
    let ask = format!("diskinfo {name}");
    let busy = format!("diskinfo: can't open {name}: Device busy");
    let none = format!("diskinfo: can't open {name}: No such device or address");
    let free = format!("SCSI describe of {name}:");
    let vsp_is_kept_out = || {
        vsp.run(&["diskinfo", TAPE]).refused(&[&format!("diskinfo: can't open {TAPE}: Device busy")]);
    };

    command(&mut one, &hold);
    vsp_is_kept_out();
    let (answers, expected) = ([command(&mut two, &ask), command(&mut three, &ask)], [&busy, &none]);
    for (answer, expected) in answers.iter().zip(expected) {
        assert!(answer.contains(expected.as_str()), "{answer}");
    }
    assert!(command(&mut one, &ask).contains(&free));
    let entry = vsp.run(&["devmgmt", "-l", &format!("gdev:{TAPE}")]).done();
    assert!(entry.contains("DEVTYPE=TAPE,SHARE=YES,INUSE=ivm1:ivm1,ivm2,ivm3:"), "{entry}");
    let usage = guests[1].run("status", &[]).done();
    assert!(usage.contains(&format!("  0   0   1 ivm1                 {TAPE}\n")), "{usage}");

    // A VSP that comes after one that was killed knows it, too.
    vsp.kill();
    vsp_is_kept_out();
    [one, two, three] = guests.each_ref().map(Guest::console);
    assert!(command(&mut two, &ask).contains(&busy));

    command(&mut one, &release);
    vsp.run(&["diskinfo", TAPE]).ok();
    for console in [&mut two, &mut three] {
        let answer = command(console, &ask);
        assert!(answer.contains(&free), "{answer}");
    }

    // While the VSP has it no guest does.
    vsp.run(&["hold", TAPE]).ok();
    assert!(command(&mut one, &ask).contains(&busy));
    assert!(command(&mut three, &ask).contains(&none));
    vsp.run(&["hold", "-r", TAPE]).ok();

    // A guest that ends holds nothing.
    command(&mut three, &hold);
    vsp_is_kept_out();
    guests[2].stop();
    vsp.run(&["diskinfo", TAPE]).ok();
    guests[0].stop();
    guests[1].stop();
}

/// hpvm.md 7.3: where HPVM's check at boot failed in one order, and for a drive that was empty.
#[test]
fn a_drive_is_not_dvd_in_one_guest_and_burner_in_another() {
    let vsp = Vsp::new();
    let discs = vsp.path("discs").display().to_string();
    vsp.run(&["burner", "create", &discs]).ok();
    assert_eq!(vsp.run(&["burner", "insert", &discs, "d1", "--kind", "CD-RW"]).status(), 0);
    std::fs::write(vsp.path("discs/d1.iso"), vec![0; 1 << 20]).unwrap();
    let listed = vsp.run(&["burner", "list"]).ok();
    let burner = listed.split_whitespace().find(|word| word.starts_with("/dev/r")).expect("a device file");
    let one = guest(&vsp, "burns");
    one.run("modify", &["-a", &format!("burner:avio_stor:0,1,0:attach_path:{burner}")]).done();
    let other = guest(&vsp, "reads");
    // A disc that lies in the burner is the burner's.
    let disc = format!("dvd:avio_stor:0,1,0:file:{discs}/d1.iso");
    let configured = other.run("modify", &["-a", &disc]);
    assert!(configured.stderr().contains("in use by another guest (burns)."), "{configured:?}");
    assert_eq!(other.run("start", &[]).status(), 1);
    other.run("modify", &["-d", &disc]).done();
    // An empty drive on the same directory, for which HPVM did not look at all.
    let dvd = format!("dvd:avio_stor:0,1,0:null:{discs}");
    let configured = other.run("modify", &["-a", &dvd]);
    assert!(configured.stderr().contains("in use by another guest (burns)."), "{configured:?}");
    // SHARE=YES allows the same use twice, and this is another one.
    for share in ["NO", "YES"] {
        for name in [burner, &discs] {
            vsp.run(&["devmgmt", "-m", &format!("gdev:{name}:attr:SHARE={share}")]).done();
        }
        for (first, second) in [(&one, &other), (&other, &one)] {
            first.run("start", &[]).done();
            let refused = second.run("start", &[]);
            let text = format!("is in use by running guest '{}'.", first.name());
            assert!(refused.status() == 1 && refused.stderr().contains(&text), "{refused:?}");
            first.stop();
        }
    }
    println!("checked: a drive that is DVD here and burner there, in both orders of starting");
}

/// Cartridges lie in the directory of a library, and are parts of it.
#[test]
fn media_of_an_emulated_device_are_not_a_disk_or_dvd_of_somebody_else() {
    let vsp = Vsp::new();
    library(&vsp);
    let (one, other) = (guest(&vsp, "has"), guest(&vsp, "wants"));
    one.run("modify", &["-a", &format!("changer:avio_stor:0,1,0:attach_path:{AUTOCH}")]).done();
    for cartridge in ["KIT001.tap", "KIT002.tap"] {
        // Tape marks.
        std::fs::write(vsp.path("tapes").join(cartridge), vec![0; 4096]).unwrap();
    }
    for (device, file) in [("disk", "KIT001.tap"), ("dvd", "KIT002.tap")] {
        let path = vsp.path("tapes").join(file).display().to_string();
        let statement = format!("{device}:avio_stor:0,1,1:file:{path}");
        let configured = other.run("modify", &["-a", &statement]);
        assert!(
            configured.status() == 0 && configured.stderr().contains("in use by another guest (has)."),
            "{configured:?}"
        );
        for (first, second) in [(&one, &other), (&other, &one)] {
            let text = format!("is in use by running guest '{}'.", first.name());
            first.run("start", &[]).done();
            let refused = second.run("start", &[]);
            assert!(refused.status() == 1 && refused.stderr().contains(&text), "{refused:?}");
            first.run("stop", &["-F"]).done();
        }
        other.run("modify", &["-d", &statement]).done();
    }
}

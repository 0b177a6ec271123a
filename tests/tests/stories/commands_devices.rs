//! hpvmclone, hpvmdevmgmt, hpvmdevtranslate, hpvminfo.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::process::Command;

use tests::Vsp;

/// A sparse store with data at its beginning and end.
fn store(vsp: &Vsp, name: &str) -> String {
    let path = vsp.disk(name, 64 << 20);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(b"beginning", 0).unwrap();
    file.write_all_at(b"end", (64 << 20) - 3).unwrap();
    path
}

#[test]
fn a_plain_clone_is_the_same_but_for_its_identity() {
    let vsp = Vsp::new();
    let disk = store(&vsp, "disk");
    let original = vsp.create("ivm1", &["-c", "3", "-a", &format!("disk:avio_stor:0,1,5:file:{disk}")]);
    assert_eq!(original.run("clone", &["-N", "ivm_clone01", "-B", "manual"]).ok(), "");
    let (original, clone) = (original.detail(), vsp.guest("ivm_clone01").detail());
    assert_eq!((clone.summary.vcpus, &clone.devices), (3, &original.devices));
    assert_ne!(clone.summary.uuid, original.summary.uuid);
    assert_ne!(clone.summary.number, original.summary.number);
    vsp.guest("ivm1").run("clone", &["-N", "ivm_clone01"]).refused(&[
        "hpvmclone: ERROR (ivm_clone01): Guest 'ivm_clone01' already exists.",
        "hpvmclone: Unable to clone the guest.",
    ]);
}

#[test]
fn physical_duplication_copies_data_and_keeps_holes() {
    let vsp = Vsp::new();
    let (one, two) = (store(&vsp, "one"), store(&vsp, "two"));
    let statement = |target: u8, path: &str| format!("disk:avio_stor:0,2,{target}:file:{path}");
    let original = vsp.create("ivm1", &["-a", &statement(0, &one), "-a", &statement(1, &two)]);
    let [new_one, new_two] = ["new1", "new2"].map(|name| vsp.path(name).display().to_string());
    // One is taken over by -b alone, the other one as in HPVM's own examples; neither file is there yet.
    let ran = original.run(
        "clone",
        &[
            "-N",
            "vxcl01",
            "-b",
            &statement(0, &new_one),
            "-b",
            &statement(1, &new_two),
            "-d",
            &statement(1, &two),
            "-a",
            &format!("disk:avio_stor::file:{new_two}"),
        ],
    );
    let copied = "64+0 records in\n64+0 records out\nhpvmclone: Virtual storage cloned successfully.\n";
    assert_eq!(ran.ok(), copied.repeat(2));
    for (from, to) in [(&one, &new_one), (&two, &new_two)] {
        assert!(fs::read(from).unwrap() == fs::read(to).unwrap());
        assert!(fs::metadata(to).unwrap().blocks() * 512 < 1 << 20, "holes stay holes");
    }
    let listed = vsp.guest("vxcl01").run("status", &["-d"]).ok();
    assert!(
        listed.contains(&format!("{}\n{}\n", statement(0, &new_one), statement(1, &new_two))),
        "{listed}"
    );
}

#[test]
fn a_clone_that_is_refused_leaves_nothing() {
    let vsp = Vsp::new();
    let disk = store(&vsp, "disk");
    let (small, new) = (vsp.disk("small", 4096), vsp.path("new").display().to_string());
    let original = vsp.create("ivm1", &["-a", &format!("disk:avio_stor:0,0,0:file:{disk}")]);
    let statement = |address: &str, path: &str| format!("disk:avio_stor:{address}:file:{path}");
    let device = |statement: &str| format!("hpvmclone: Unable to create device {statement}.");
    let last = "hpvmclone: Unable to clone the guest.";
    let absent = statement("0,0,1", &new);
    original.run("clone", &["-N", "x", "-b", &absent]).refused(&[
        "hpvmclone: ERROR (x): Guest to be cloned has no such device.",
        &device(&absent),
        last,
    ]);
    let too_small = statement("0,0,0", &small);
    original.run("clone", &["-N", "x", "-b", &too_small]).refused(&[
        &format!("hpvmclone: ERROR (x): Device '{small}' is smaller than the device to be copied."),
        last,
    ]);
    original
        .run("clone", &["-N", "x", "-c", "99", "-b", &statement("0,0,0", &new)])
        .refused(&["hpvmclone: ERROR (x): Illegal number of vcpus 99 (valid range is 1-16).", last]);
    assert_eq!(original.run("clone", &["-N", "x", "-s", "-b", &statement("0,0,0", &new)]).ok(), "");
    assert!(!std::path::Path::new(&new).exists(), "made files vanish again");
    vsp.run(&["status", "-P", "x"]).refused(&["hpvmstatus: Unable to find guest 'x'."]);
}

/// Every option at once, on a guest that runs.
#[test]
fn a_clone_differs_from_its_original_in_what_was_asked_for() {
    let vsp = Vsp::new();
    let [one, two, three] = ["one", "two", "three"].map(|name| vsp.disk(name, 1 << 20));
    let at = |target: u8, path: &str| format!("disk:avio_stor:0,1,{target}:file:{path}");
    let options = ["-O", "hpux", "-c", "2", "-r", "64M", "-u", "root:admin", "-x", "kernel=builtin:diag"];
    let original = vsp.create("ivm1", &[&options[..], &["-a", &at(0, &one), "-a", &at(1, &two)]].concat());
    original.start();
    let ran = original.run(
        "clone",
        &[
            &[
                "-N",
                "ivm2",
                "-O",
                "linux",
                "-c",
                "3",
                "-r",
                "128M",
                "-E",
                "400M:800M",
                "-l",
                "two",
                "-B",
                "Manual",
            ],
            &["-g", "root:Oper", "-u", "-root", "-x", "vm_type=vpar", "-x", "graceful_stop_timeout=9"][..],
            &["-d", &at(1, &two), "-m", &at(0, &three)],
        ]
        .concat(),
    );
    let warning = "hpvmclone: WARNING (ivm2): A vPar of this VSP has no processors of its own: its virtual CPUs share \
                   the VSP's as those of a VM do.\n";
    assert_eq!((ran.status(), ran.stdout().as_str(), ran.stderr().as_str()), (0, "", warning));
    let shown = vsp.guest("ivm2").run("status", &["-V"]).ok();
    for line in [
        "Operating System          : LINUX",
        "State                     : Off",
        "Virtual Machine Type      : vPar",
        "Start type                : Manual",
        "Number of virtual CPUs    : 3",
        "Memory                    : 128 MB",
        "Virtual Machine Label     : two",
        "Entitlement               : 25.0%",
        "Maximum entitlement       : 50.0%",
        "Group                     : root (oper)",
        "graceful_stop_timeout     : 9",
        "kernel                    : builtin:diag",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line} is not in\n{shown}");
    }
    assert!(!shown.contains("User  "), "{shown}");
    let summary = vsp.run(&["status"]).ok();
    assert!(summary.contains("\nivm2                     3 VP   LINUX   Off "), "{summary}");
    let devices: Vec<String> = vsp.guest("ivm2").detail().devices.into_iter().map(|d| d.statement).collect();
    assert_eq!(devices, [at(0, &three)]);
    original.stop();
}

#[test]
fn copies_overwrite_no_store_of_a_guest() {
    let vsp = Vsp::new();
    let [one, two, other] = ["one", "two", "other"].map(|name| store(&vsp, name));
    fs::write(&other, vec![7; 64 << 20]).unwrap();
    let at = |target: u8, path: &str| format!("disk:avio_stor:0,1,{target}:file:{path}");
    let original = vsp.create("ivm1", &["-a", &at(0, &one), "-a", &at(1, &two)]);
    vsp.create("ivm2", &["-a", &at(0, &other)]);
    let new = vsp.path("new").display().to_string();
    let refused = |options: &[&str], text: &str, statement: &str| {
        original.run("clone", &[&["-N", "x"], options].concat()).refused(&[
            &format!("hpvmclone: ERROR (x): {text}"),
            &format!("hpvmclone: Unable to create device {statement}."),
            "hpvmclone: Unable to clone the guest.",
        ]);
    };
    let used = |path: &str, guest: &str| {
        format!("Device '{path}' is a device of guest '{guest}', whose data would be overwritten.")
    };
    refused(&["-b", &at(0, &other)], &used(&other, "ivm2"), &at(0, &other));
    refused(&["-b", &at(0, &two)], &used(&two, "ivm1"), &at(0, &two));
    refused(&["-F", "-b", &at(0, &two)], &used(&two, "ivm1"), &at(0, &two));
    let twice = format!("Device '{new}' is given to more than one -b.");
    refused(&["-b", &at(0, &new), "-b", &at(1, &new)], &twice, &at(1, &new));
    refused(&["-b", &at(0, &new), "-d", &at(0, &one)], "Guest has no such device.", &at(0, &new));
    assert!(fs::read(&other).unwrap() == vec![7; 64 << 20] && !std::path::Path::new(&new).exists());
    let ran = original.run("clone", &["-N", "x", "-F", "-b", &at(0, &other), "-d", &at(1, &two)]);
    assert_eq!(ran.status(), 0, "{ran:?}");
    assert!(fs::read(&other).unwrap() == fs::read(&one).unwrap());
}

#[test]
fn the_device_database_follows_the_guests() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    let guest = vsp.create("ivm1", &["-a", &format!("disk:avio_stor::file:{disk}")]);
    vsp.create("ivm2", &[]);
    let list = |what: &str| vsp.run(&["devmgmt", "-l", what]).ok();
    let line = list(&format!("gdev:{disk}"));
    assert!(line.starts_with(&format!("{disk}:CONFIG=gdev,EXIST=YES,DEVTYPE=FILE,SHARE=NO:ivm1:")), "{line}");
    assert_eq!(list("all:depend:ivm1"), line);
    assert_eq!(list("all:depend:ivm2"), "");
    assert!(list("all").contains(&line));
    vsp.run(&["devmgmt", "-d", &format!("gdev:{disk}")])
        .refused(&[&format!("hpvmdevmgmt: Unable to delete 'gdev:{disk}': entry has dependents (ivm1).")]);
    vsp.run(&["devmgmt", "-m", &format!("gdev:{disk}:attr:SHARE=YES")]).ok();
    assert!(list("gdev:SHARE=YES").contains(",SHARE=YES:ivm1:"));
    guest.run("modify", &["-N", "ivm9"]).ok();
    assert!(list("gdev").contains(",SHARE=YES:ivm9:"));
    // It outlives the VSP, and goes with its last dependent.
    vsp.kill();
    assert!(list("gdev").contains(",SHARE=YES:ivm9:"));
    vsp.run(&["remove", "-P", "ivm9", "-F"]).ok();
    assert!(!list("gdev").contains(&disk));
}

#[test]
fn devices_are_replaced_in_all_guests_at_once() {
    let vsp = Vsp::new();
    let (old, new) = (vsp.disk("old", 1 << 20), vsp.disk("new", 1 << 20));
    let statement = format!("disk:avio_stor:0,3,7:file:{old}");
    vsp.create("ivm1", &["-a", &statement]);
    vsp.run(&["create", "-P", "ivm2", "-B", "manual", "-a", &statement]);
    vsp.run(&["devmgmt", "-n", &format!("gdev:{old}:{new},/dev/an-alias")]).ok();
    for guest in ["ivm1", "ivm2"] {
        assert_eq!(vsp.guest(guest).detail().devices[0].statement, statement.replace(&old, &new));
    }
    let listed = vsp.run(&["devmgmt", "-l", "gdev"]).ok();
    assert!(listed.contains(&format!("{new},/dev/an-alias:CONFIG=gdev")), "{listed}");
    assert!(!listed.contains(&old), "{listed}");
    // By one that somebody has already: that is told.
    let other = vsp.disk("other", 1 << 20);
    vsp.create("ivm3", &["-a", &format!("disk:avio_stor::file:{other}")]);
    let ran = vsp.run(&["devmgmt", "-n", &format!("gdev:{other}:{new}")]);
    let problem = format!("Device file '{new}' in use by another guest (ivm1, ivm2).");
    assert!(ran.status() == 0 && ran.stderr().contains(&problem), "{ran:?}");
}

#[test]
fn a_damaged_device_database_is_recovered_and_named() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    vsp.create("ivm1", &["-a", &format!("disk:avio_stor::file:{disk}")]);
    vsp.run(&["devmgmt", "-a", "rdev:/etc:attr:RECURSIVE=FS"]).ok();
    vsp.run(&["devmgmt", "-m", &format!("gdev:{disk}:attr:SHARE=YES")]).ok();
    let list = || vsp.run(&["devmgmt", "-l", "all"]);
    let intact = list().ok();
    vsp.run(&["vsp", "stop"]).ok();
    let file = vsp.root().join("common/hpvm_mgmtdb");
    let half = std::fs::read(&file).unwrap();
    std::fs::write(&file, &half[..half.len() / 2]).unwrap();
    let damaged = file.with_extension("damaged");
    let warning = format!(
        "hpvmdevmgmt: WARNING: The device database was damaged and has been recovered. The damaged file is '{}': \
         compare, then remove it.\n",
        damaged.display()
    );
    let recovered = list();
    assert_eq!((recovered.status(), recovered.stdout(), recovered.stderr()), (0, intact.clone(), warning));
    vsp.run_until(&["log", "vsp"], |log| {
        log.contains("the device database is damaged; its copy is used instead")
    });
    assert_eq!(std::fs::read(&damaged).unwrap(), half[..half.len() / 2]);
    std::fs::remove_file(damaged).unwrap();
    assert_eq!(list().ok(), intact);
}

#[test]
fn restricted_devices_are_not_for_guests() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    let directory = vsp.path(".").canonicalize().unwrap().display().to_string();
    vsp.run(&["devmgmt", "-a", &format!("rdev:{directory}:attr:RECURSIVE=DIR")]).ok();
    let statement = format!("disk:avio_stor::file:{disk}");
    vsp.run(&["create", "-P", "ivm1", "-a", &statement]).refused(&[
        &format!(
            "hpvmcreate: ERROR (ivm1): Device '{disk}' is restricted (rdev) and cannot be used by a guest."
        ),
        &format!("hpvmcreate: Unable to create device {statement}."),
        "hpvmcreate: Unable to create the guest.",
    ]);
    vsp.run(&["devmgmt", "-d", &format!("rdev:{directory}")]).ok();
    let guest = vsp.create("ivm1", &["-a", &statement, "-x", "kernel=builtin:diag"]);
    vsp.run(&["devmgmt", "-a", &format!("rdev:{disk}")]).ok();
    guest.run("start", &["-F"]).refused(&[
        &format!(
            "hpvmstart: ERROR (ivm1): Device '{disk}' is restricted (rdev) and cannot be used by a guest."
        ),
        "hpvmstart: Unable to continue.",
    ]);
}

#[test]
fn stores_are_made_by_their_size_and_wrong_requests_are_refused() {
    let vsp = Vsp::new();
    let file = vsp.path("store").display().to_string();
    vsp.run(&["devmgmt", "-S", "3M", &file]).ok();
    assert_eq!(fs::metadata(&file).unwrap().len(), 3 << 20);
    vsp.run(&["devmgmt", "-S", "3M", &file])
        .refused(&[&format!("hpvmdevmgmt: File '{file}' already exists.")]);
    let listed = vsp.path("listed").display().to_string();
    vsp.run(&["devmgmt", "-A", "-S", "1M", &listed]).ok();
    let entry = vsp.run(&["devmgmt", "-l", &format!("gdev:{listed}")]).ok();
    assert!(entry.contains("DEVTYPE=FILE,SHARE=NO,USAGE=DISK::"), "{entry}");
    assert_eq!(vsp.run(&["devmgmt", "-A", "-l", "all"]).status(), 1);
    let home = vsp.path(".").canonicalize().unwrap().display().to_string();
    vsp.run(&["devmgmt", "-a", &format!("rdev:{home}:attr:RECURSIVE=fs")]).ok();
    let both = vsp.path("both").display().to_string();
    vsp.run(&["devmgmt", "-V", "-A", "-S", "1M", &both]).refused(&[&format!(
        "hpvmdevmgmt: Device '{both}' is restricted (rdev) and cannot be used by a guest."
    )]);
    assert!(!std::path::Path::new(&both).exists(), "file and entry, or neither");
    vsp.run(&["devmgmt", "-d", &format!("rdev:{home}")]).ok();
    vsp.run(&["devmgmt", "-m", &format!("GDEV:{listed}:attr:share=yes")]).ok();
    assert!(vsp.run(&["devmgmt", "-l", "gdev:Share=Yes"]).ok().contains("SHARE=YES"));
    vsp.run(&["devmgmt", "-m", "gdev:myswitch:attr:SHARE=NO"]).refused(&[
        "hpvmdevmgmt: Illegal entry name 'myswitch'. Expected an absolute path or a lunpath (this VSP has no virtual switches).",
    ]);
    vsp.run(&["devmgmt", "-a", "floppy:/x"])
        .refused(&["hpvmdevmgmt: Illegal entry type 'floppy'. Expected server, env, rdev or gdev."]);
    vsp.run(&["devmgmt", "-d", "gdev:/x"]).refused(&["hpvmdevmgmt: Entry 'gdev:/x' does not exist."]);
    assert_eq!(vsp.run(&["devmgmt"]).status(), 1);
    assert_eq!(vsp.run(&["devmgmt", "-I"]).ok(), "");
    assert_eq!(vsp.run(&["devmgmt", "-r"]).ok(), "#!/bin/sh\n");
}

#[test]
fn paths_are_translated_to_what_they_are() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    let link = vsp.path("link").display().to_string();
    std::os::unix::fs::symlink(&disk, &link).unwrap();
    let shown = vsp.run(&["devtranslate", &link]).ok();
    assert!(shown.starts_with(&format!("{link}\n    Kind               : regular file\n")), "{shown}");
    assert!(vsp.pid().is_none(), "it needs no VSP");
    vsp.create("ivm1", &["-a", &format!("disk:avio_stor::file:{disk}")]);
    let shown = vsp.run(&["devtranslate", &link]).ok();
    assert!(shown.contains("    Used by            : ivm1\n"), "{shown}");
    assert!(shown.contains(&format!("    Resource statement : disk:avio_stor::file:{disk}\n")), "{shown}");
    assert_eq!(vsp.run(&["devtranslate", "-P", "ivm1"]).ok(), format!("disk:avio_stor:0,0,0:file:{disk}\n"));
    vsp.run(&["devtranslate", "/no/such/thing"])
        .refused(&["hpvmdevtranslate: Device '/no/such/thing' does not exist."]);
}

#[test]
fn info_says_where_it_runs_without_a_vsp() {
    let vsp = Vsp::new();
    assert_eq!(vsp.run(&["info"]).ok(), "hpvminfo: Running on an HPVM host.\n");
    assert!(vsp.run(&["info", "-V"]).ok().contains("\nVSP                       : not running\n"));
    assert!(vsp.pid().is_none());
    vsp.run(&["status"]).ok();
    let line = vsp.run(&["info", "-M"]).ok();
    let pid = vsp.pid().unwrap().to_string();
    assert_eq!(line.trim().split(':').skip(5).collect::<Vec<_>>(), [pid.as_str(), "1", "0"]);
    assert!(vsp.run(&["info", "-v"]).ok().contains("Version "));
}

/// A loop device, which is a disk like any other; detached when dropped.
struct LoopDevice(String);

impl LoopDevice {
    /// One on `file`, or nothing where the host gives none.
    fn on(file: &str) -> Option<LoopDevice> {
        let made = Command::new("losetup").args(["--show", "-f", file]).output().ok()?;
        made.status.success().then(|| LoopDevice(String::from_utf8_lossy(&made.stdout).trim().to_owned()))
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        let _ = Command::new("losetup").arg("-d").arg(&self.0).status();
    }
}

#[test]
fn stores_are_copied_between_files_and_disks() {
    let vsp = Vsp::new();
    let from = store(&vsp, "from");
    let (behind, small) = (vsp.disk("behind", 64 << 20), vsp.disk("small", 1 << 20));
    // What was there before must not show through the holes.
    fs::write(&behind, vec![0xff; 64 << 20]).unwrap();
    let (Some(disk), Some(too_small)) = (LoopDevice::on(&behind), LoopDevice::on(&small)) else {
        println!("skipped: no loop device to be had");
        return;
    };
    let original = vsp.create("ivm1", &["-a", &format!("disk:avio_stor:0,0,0:file:{from}")]);
    let to_disk = |disk: &LoopDevice| format!("disk:avio_stor:0,0,0:disk:{}", disk.0);
    original.run("clone", &["-N", "x", "-b", &to_disk(&too_small)]).refused(&[
        &format!("hpvmclone: ERROR (x): Device '{}' is smaller than the device to be copied.", too_small.0),
        "hpvmclone: Unable to clone the guest.",
    ]);
    let copied = "64+0 records in\n64+0 records out\nhpvmclone: Virtual storage cloned successfully.\n";
    assert_eq!(original.run("clone", &["-N", "ivm2", "-b", &to_disk(&disk)]).ok(), copied);
    assert!(fs::read(&from).unwrap() == fs::read(&disk.0).unwrap());
    assert_eq!(vsp.guest("ivm2").detail().devices[0].statement, to_disk(&disk));
    // And back into a file, where the zeros of the disk become holes.
    let back = vsp.path("back").display().to_string();
    let to_file = format!("disk:avio_stor:0,0,0:file:{back}");
    assert_eq!(vsp.guest("ivm2").run("clone", &["-N", "ivm3", "-b", &to_file]).ok(), copied);
    assert!(fs::read(&from).unwrap() == fs::read(&back).unwrap());
    assert!(fs::metadata(&back).unwrap().blocks() * 512 < 4 << 20, "zeros become holes");
}

#[test]
fn storage_of_the_vsp_itself_is_restricted_when_it_starts() {
    let vsp = Vsp::new();
    let restricted = || vsp.run(&["devmgmt", "-l", "rdev:AUTORDEV=YES"]).ok();
    let at_start = restricted();
    vsp.run(&["hostrdev", "-u"]).ok();
    assert_eq!(restricted(), at_start);
    // A container may show no disk at all.
    if let Some(disk) = at_start.lines().find(|line| line.contains("DEVTYPE=DISK")) {
        let disk = disk.split([',', ':']).next().unwrap();
        let statement = format!("disk:avio_stor::disk:{disk}");
        let ran = vsp.run(&["create", "-P", "ivm1", "-a", &statement]);
        ran.refused(&[
            &format!(
                "hpvmcreate: ERROR (ivm1): Device '{disk}' is restricted (rdev) and cannot be used by a guest."
            ),
            &format!("hpvmcreate: Unable to create device {statement}."),
            "hpvmcreate: Unable to create the guest.",
        ]);
        vsp.run(&["hostrdev", "-d"]).ok();
        assert_eq!(restricted(), "");
        vsp.run(&["hostrdev", "-r"]).ok();
        assert_eq!(restricted(), at_start);
    }
    vsp.run(&["hostrdev", "-d"]).ok();
    vsp.run(&["hostrdev", "-D"]).ok();
    assert_eq!(
        vsp.run(&["devmgmt", "-l", "server"]).ok(),
        "hpvmhostrdev:CONFIG=server,AT_START=DISABLED::\n"
    );
    vsp.kill();
    assert_eq!(restricted(), "", "and nothing is restricted by the next start");
    vsp.run(&["hostrdev", "-E"]).ok();
    assert_eq!(restricted(), "");
    vsp.kill();
    assert_eq!(restricted(), at_start);
    assert_eq!(vsp.run(&["hostrdev", "-d", "-u"]).status(), 1);
}

#[test]
fn devices_of_guests_are_mapped_to_those_of_the_vsp() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    vsp.create("ivm1", &["-a", &format!("disk:avio_stor:0,2,22:file:{disk}")]);
    let lines = vsp.run(&["devinfo", "-M", "-P", "ivm1"]).ok();
    assert_eq!(lines, format!("ivm1:disk:0:2:22:0:file:{disk}:0/0/2/0.0x16.0x0\n"));
    assert!(vsp.run(&["devinfo", "-M"]).ok().contains(&lines));
    assert!(vsp.run(&["devinfo"]).ok().contains("\nivm1                 disk        0,2,22 "));
    vsp.run(&["devinfo", "-P", "x"]).refused(&["hpvmdevinfo: Unable to find guest 'x'."]);
}

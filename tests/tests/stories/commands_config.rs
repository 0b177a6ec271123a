//! hpvmcreate and hpvmmodify: many devices in one call, checks without doing, rights, reserved resources.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;

use tests::Vsp;

/// A rest of HPVM's cascade.
const MODIFY: &str = "hpvmmodify: Unable to modify the guest.";

fn disks(vsp: &Vsp, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("disk:avio_stor::file:{}", vsp.disk(&format!("d{n}"), 1 << 20))).collect()
}

#[test]
fn a_guest_gets_256_devices_in_a_few_calls_and_the_257th_is_refused() {
    let vsp = Vsp::new();
    let statements = disks(&vsp, 257);
    let options = |statements: &[String]| -> Vec<String> {
        statements.iter().flat_map(|statement| ["-a".to_owned(), statement.clone()]).collect()
    };
    let first = options(&statements[..100]);
    let guest = vsp.create("ivm1", &first.iter().map(String::as_str).collect::<Vec<_>>());
    for part in [&statements[100..200], &statements[200..256]] {
        let options = options(part);
        assert_eq!(guest.run("modify", &options.iter().map(String::as_str).collect::<Vec<_>>()).ok(), "");
    }
    let detail = guest.detail();
    assert_eq!(detail.summary.devices, 256);
    // 128 targets on each of two adapters.
    let last = &detail.devices[255];
    assert_eq!((last.bus, last.slot, last.target), (0, 1, 127));
    guest.run("modify", &["-c", "4", "-a", &statements[256]]).refused(&[
        "hpvmmodify: ERROR (ivm1): Guest has the maximum of 256 storage devices.",
        &format!("hpvmmodify: Unable to create device {}.", statements[256]),
        MODIFY,
    ]);
    assert_eq!(guest.detail().summary.vcpus, 1, "nothing of a refused call is done");
    // And all of them leave in one call, by the statements that hpvmstatus prints.
    let listed = guest.run("status", &["-d"]).ok();
    let removals: Vec<&str> =
        listed.lines().filter(|line| line.starts_with("disk:")).flat_map(|line| ["-d", line]).collect();
    assert_eq!(removals.len(), 512);
    guest.run("modify", &removals).ok();
    assert_eq!(guest.detail().summary.devices, 0);
}

#[test]
fn the_129th_device_of_an_adapter_is_refused() {
    let vsp = Vsp::new();
    let mut statements = disks(&vsp, 129);
    statements.iter_mut().for_each(|statement| *statement = statement.replace("::", ":0,1:"));
    let options: Vec<&str> = statements.iter().flat_map(|statement| ["-a", statement.as_str()]).collect();
    vsp.run(&[&["create", "-P", "ivm1"], options.as_slice()].concat()).refused(&[
        "hpvmcreate: ERROR (ivm1): Adapter 0,1 has the maximum of 128 devices.",
        &format!("hpvmcreate: Unable to create device {}.", statements[128]),
        "hpvmcreate: Unable to create the guest.",
    ]);
}

#[test]
fn changes_of_devices_are_one_transaction_in_the_order_given() {
    let vsp = Vsp::new();
    let [a, b, c] = ["a", "b", "c"].map(|name| vsp.disk(name, 1 << 20));
    let guest = vsp.create("ivm1", &["-a", &format!("disk:avio_stor:0,1,0:file:{a}")]);
    guest
        .run(
            "modify",
            &[
                "-m",
                &format!("disk:avio_stor:0,1,0:file:{b}"),
                "-a",
                &format!("disk:avio_stor:0,1:file:{a}"),
                "-a",
                &format!("disk:avio_stor:0,2,9:file:{c}"),
                "-d",
                &format!("disk:avio_stor:0,2,9:file:{c}"),
            ],
        )
        .ok();
    let mut expected = String::new();
    for (target, path) in [(0, &b), (1, &a)] {
        writeln!(expected, "disk:avio_stor:0,1,{target}:file:{path}").unwrap();
    }
    assert!(guest.run("status", &["-d"]).ok().contains(&expected));
    let wrong = format!("disk:avio_stor:0,1,1:file:{b}");
    guest.run("modify", &["-d", &wrong]).refused(&[
        "hpvmmodify: ERROR (ivm1): Guest has no such device.",
        &format!("hpvmmodify: Unable to delete device {wrong}."),
        MODIFY,
    ]);
    let twice = format!("disk:avio_stor:0,1,1:file:{b}");
    guest.run("modify", &["-m", &twice]).refused(&[
        &format!("hpvmmodify: ERROR (ivm1): Device '{b}' is already used by this guest."),
        &format!("hpvmmodify: Unable to modify device {twice}."),
        MODIFY,
    ]);
}

#[test]
fn a_store_of_another_guest_is_a_problem_that_is_told() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    let statement = format!("disk:avio_stor::file:{disk}");
    vsp.create("ivm1", &["-a", &statement]);
    let ran = vsp.run(&["create", "-P", "ivm2", "-a", &statement]);
    assert_eq!(ran.status(), 0);
    assert_eq!(
        ran.stderr(),
        format!(
            "HPVM guest ivm2 configuration problems:\n    \
             Warning 1 on item {disk}: Device file '{disk}' in use by another guest (ivm1).\n    \
             These problems may prevent HPVM guest ivm2 from booting.\n\
             hpvmcreate: The creation process is continuing.\n"
        )
    );
    vsp.run(&["devmgmt", "-m", &format!("gdev:{disk}:attr:SHARE=YES")]).ok();
    vsp.guest("ivm2").run("modify", &["-l", "shared deliberately"]).ok();
}

#[test]
fn stores_that_are_not_there_are_taken_only_by_force() {
    let vsp = Vsp::new();
    let missing = vsp.path("missing").display().to_string();
    let statement = format!("disk:avio_stor::file:{missing}");
    let guest = vsp.create("ivm1", &[]);
    guest.run("modify", &["-a", &statement]).refused(&[
        &format!("hpvmmodify: ERROR (ivm1): Device '{missing}' does not exist."),
        &format!("hpvmmodify: Unable to create device {statement}."),
        MODIFY,
    ]);
    assert_eq!(guest.run("modify", &["-s", "-F"]).status(), 1, "-s and -F exclude each other");
    let ran = guest.run("modify", &["-F", "-a", &statement]);
    assert_eq!(ran.status(), 0, "{ran:?}");
    assert!(
        ran.stderr().contains(&format!("Warning 1 on item {missing}: Device '{missing}' does not exist."))
    );
    assert_eq!(guest.detail().devices.len(), 1);
}

#[test]
fn what_is_odd_but_possible_is_a_warning() {
    let vsp = Vsp::new();
    let disc = vsp.disk("disc.iso", 4096);
    std::fs::set_permissions(&disc, std::fs::Permissions::from_mode(0o666)).unwrap();
    let guest = vsp.create("ivm1", &["-r", "64M", "-x", "kernel=builtin:diag"]);
    let ran = guest.run("modify", &["-a", &format!("dvd:avio_stor::file:{disc}")]);
    let warning = format!(
        "hpvmmodify: WARNING (ivm1): File '{disc}' is world-writable: it is not available at the virtual console. Use \
         chmod o-w.\n"
    );
    assert_eq!((ran.status(), ran.stderr()), (0, warning));
    let processors = std::thread::available_parallelism().unwrap().get();
    if processors < 16 {
        let vcpus = processors + 1;
        guest.run("modify", &["-c", &vcpus.to_string()]).ok();
        let warning = format!(
            "\nhpvmstart: WARNING (ivm1): Guest needs more vcpus than server supports: {vcpus} virtual CPUs share \
             {processors} processors.\n"
        );
        assert!(guest.run("start", &[]).ok().contains(&warning));
        guest.stop();
    }
}

#[test]
fn rights_are_given_to_accounts_that_exist() {
    let vsp = Vsp::new();
    let guest = vsp.create("ivm1", &["-u", "root:admin", "-g", "root"]);
    let shown = guest.run("status", &[]).ok();
    for line in ["Oper Groups:  root\n", "Admin Users:  root\n", "Oper Users:   \n"] {
        assert!(shown.contains(line), "{shown}");
    }
    guest
        .run("modify", &["-u", "+nobody-at-all:oper"])
        .refused(&["hpvmmodify: ERROR (ivm1): User 'nobody-at-all' does not exist.", MODIFY]);
    guest
        .run("modify", &["-g", "no-such-group:admin"])
        .refused(&["hpvmmodify: ERROR (ivm1): Group 'no-such-group' does not exist.", MODIFY]);
    guest.run("modify", &["-u", "-root", "-g", "-root"]).ok();
    assert!(guest.detail().users.is_empty() && guest.detail().groups.is_empty());
}

#[test]
fn reserved_resources_belong_to_one_guest() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    let statement = format!("disk:avio_stor::file:{disk}");
    let reserved = ["-x", "resources_reserved=true", "-r", "64M"];
    vsp.create("ivm1", &[&reserved[..], &["-a", &statement]].concat());
    let create = [&["create", "-P", "ivm2"], &reserved[..]].concat();
    vsp.run(&[create.as_slice(), &["-a", &statement]].concat()).refused(&[
        &format!("hpvmcreate: ERROR (ivm2): Device '{disk}' is reserved by guest 'ivm1'."),
        "hpvmcreate: Unable to create the guest.",
    ]);
    assert_eq!(vsp.run(&create).ok(), "");
    vsp.guest("ivm2")
        .run("modify", &["-x", "resources_reserved=false", "-x", "resources_reserved=maybe"])
        .refused(&[
            "hpvmmodify: ERROR (ivm2): Illegal resources_reserved 'maybe'. Expected true or false.",
            MODIFY,
        ]);
}

/// The manual's example, and what must be off for it.
#[test]
fn a_guest_becomes_a_vpar_while_it_is_off() {
    let vsp = Vsp::new();
    let guest = vsp.create("vm1", &["-r", "64M", "-x", "kernel=builtin:diag"]);
    guest.start();
    guest
        .run("modify", &["-l", "no", "-x", "vm_type=vpar"])
        .refused(&["hpvmmodify: ERROR (vm1): Guest must be off for its vm_type to be changed.", MODIFY]);
    guest.run("modify", &["-x", "vm_type=shared", "-e", "20", "-l", "label"]).ok();
    // What waits for the next start is not shown before.
    guest.run("modify", &["-c", "2", "-r", "128M"]).ok();
    let verbose = guest.run("status", &["-V"]).ok();
    for change in ["vcpus: 2", "memory: 128M"] {
        assert!(verbose.contains(&format!("\nAt the next start         : {change}\n")), "{verbose}");
    }
    let shown = || guest.run("status", &[]).ok();
    assert!(shown().contains("\n     1       20.0%  100.0%\n") && shown().contains("\n  64 MB     64 MB\n"));
    guest.stop();
    assert!(shown().contains("\n     2       20.0%  100.0%\n") && shown().contains("\n 128 MB     64 MB\n"));
    assert_eq!(guest.run("modify", &["-x", "vm_type=vpar", "-x", "resources_reserved=true"]).status(), 0);
    let line = "\nvm1                      2 VP   UNKNOWN Off ";
    assert!(shown().contains(line) && vsp.run(&["status"]).ok().contains(line));
    assert!(vsp.run(&["status", "-M", "-P", "vm1"]).ok().starts_with("vm1::2::Integrity vPar:"));
}

#[test]
fn what_hpvm_has_and_linux_has_not_is_said() {
    let vsp = Vsp::new();
    let guest = vsp.create("ivm1", &["-x", "vm_type=shared", "-x", "ram_dyn_type=none", "-e", "20:50"]);
    let told = |keyword: &str, warning: &str| {
        let ran = guest.run("modify", &["-x", keyword]);
        let line = format!("hpvmmodify: WARNING (ivm1): {warning}\n");
        assert_eq!((ran.status(), ran.stdout().as_str(), ran.stderr()), (0, "", line));
    };
    told(
        "ram_dyn_type=driver",
        "Keyword ram_dyn_type=driver is kept and has no effect: this VSP has no dynamic memory.",
    );
    told(
        "online_migration=enabled",
        "Keyword online_migration=enabled is kept and has no effect: this VSP has no online migration.",
    );
    guest.run("modify", &["-x", "online_migration=disabled", "-m", "hba:avio_stor:0,1"]).refused(&[
        "hpvmmodify: ERROR (ivm1): Guest has no adapter 0,1.",
        "hpvmmodify: Unable to modify device hba:avio_stor:0,1.",
        MODIFY,
    ]);
    let shown = guest.run("status", &["-V"]).ok();
    for line in ["ram_dyn_type              : driver\n", "online_migration          : enabled\n"] {
        assert!(shown.contains(line), "{shown}");
    }
    guest.run("modify", &["-a", "network:avio_lan::vswitch:localnet"]).refused(&[
        "hpvmmodify: ERROR (ivm1): Network devices are not supported by this VSP.",
        "hpvmmodify: Unable to create device network:avio_lan::vswitch:localnet.",
        MODIFY,
    ]);
    assert!(guest.run("status", &[]).ok().contains("\n     1       20.0%   50.0%\n"));
    guest.run("modify", &["-E", "400M:800M"]).ok();
    assert!(guest.run("status", &[]).ok().contains("\n     1       25.0%   50.0%\n"));
    let types = vsp.run(&["status", "-C"]).ok();
    assert!(types.contains("\nivm1                     2    2 GB Interleaved\n"), "{types}");
    assert_eq!(guest.run("status", &["-C"]).ok().lines().count(), 4);
    let servers = vsp.run(&["status", "-m"]).ok();
    assert_eq!(servers, "hpvmstatus: This VSP belongs to no multi-server environment.\n");
}

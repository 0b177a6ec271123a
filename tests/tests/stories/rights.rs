//! Who may use a VSP, and what guests' operators and administrators may do. Accounts are those of any Debian host.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use ipc::message::GuestState;
use tests::{Deadline, Guest, Ran, Vsp, hpvm, is_alive, wait_for};

/// The group whose members may connect.
pub(crate) const GROUP: &str = "games";
pub(crate) const SUPERUSER: &str = "Superuser privileges required.";

/// A VSP that members of the group may connect to, or nothing where this cannot be tried.
pub(crate) fn shared() -> Option<Vsp> {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: only root can run commands as others");
        return None;
    }
    let vsp = Vsp::new();
    vsp.open_way();
    fs::create_dir(vsp.root()).unwrap();
    fs::write(vsp.root().join("vsp.toml"), format!("group = \"{GROUP}\"\n")).unwrap();
    vsp.start();
    // The executable must be within everybody's reach.
    let tried = vsp.command_as("news", GROUP, &["-V"]).stderr(Stdio::null()).stdout(Stdio::null()).status();
    if tried.is_err() {
        println!("skipped: other accounts cannot run '{}'", hpvm().display());
        return None;
    }
    Some(vsp)
}

/// Gives rights to somebody who is in the group in this test only.
pub(crate) fn grant(guest: &Guest<'_>, user: &str) {
    let ran = guest.run("modify", &["-u", user]);
    let name = user.split(':').next().unwrap();
    let warning = format!("User '{name}' is not in the group that can connect to the VSP.");
    let line = format!("hpvmmodify: WARNING ({}): {warning}\n", guest.name());
    assert_eq!((ran.status(), ran.stderr()), (0, line));
}

/// A command of somebody in the group.
pub(crate) fn run(vsp: &Vsp, user: &str, arguments: &[&str]) -> Ran {
    vsp.run_as(user, GROUP, arguments, "")
}

#[test]
fn others_than_owner_root_and_group_are_refused() {
    let Some(vsp) = shared() else { return };
    vsp.create("ivm1", &[]);
    let mode = |path: &str| fs::metadata(vsp.root().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        ["", "run", "run/vsp.sock", "guests", "common"].map(mode),
        [0o710, 0o710, 0o660, 0o700, 0o700]
    );
    assert!(run(&vsp, "news", &["vsp", "status"]).ok().starts_with("State           : running\n"));
    let stranger = |arguments: &[&str]| vsp.run_as("nobody", "nogroup", arguments, "");
    stranger(&["status"]).refused(&[&format!("hpvmstatus: {SUPERUSER}")]);
    // And if directories let him through, the VSP itself does not.
    for path in ["", "run", "run/vsp.sock"] {
        fs::set_permissions(vsp.root().join(path), Permissions::from_mode(0o777)).unwrap();
    }
    stranger(&["status"]).refused(&[&format!("hpvmstatus: {SUPERUSER}")]);
    stranger(&["stop", "-P", "ivm1", "-F"]).refused(&[&format!("hpvmstop: {SUPERUSER}")]);
    let is_logged = || vsp.log().contains("user 65534 may not talk to this VSP").then_some(());
    wait_for(Deadline::Soon, "a record", || vsp.logs(), is_logged);
    // Nor does anybody but its owner start a VSP there.
    vsp.kill();
    run(&vsp, "news", &["status"]).refused(&[&format!(
        "hpvmstatus: {SUPERUSER} The VSP of '{}' is not running.",
        vsp.root().display()
    )]);
    assert_eq!(vsp.pid(), None);
}

#[test]
fn operators_see_their_guest_and_administrators_run_it() {
    let Some(vsp) = shared() else { return };
    let options = ["-r", "128M", "-x", "kernel=builtin:diag"];
    let guest = vsp.create("ivm1", &[&options[..], &["-u", "games:admin", "-g", "mail:admin"]].concat());
    grant(&guest, "news:oper");
    vsp.create("ivm2", &options);
    let (oper, admin) = ("news", "games");
    for user in [oper, admin] {
        let shown = run(&vsp, user, &["status"]).ok();
        assert!(shown.contains("\nivm1 ") && !shown.contains("\nivm2 "), "{user}: {shown}");
        run(&vsp, user, &["status", "-P", "ivm2"])
            .refused(&[&format!("hpvmstatus: ERROR (ivm2): User '{user}' has no rights on this guest.")]);
        run(&vsp, user, &["log", "vsp"]).refused(&[&format!("hpvm log: {SUPERUSER}")]);
        run(&vsp, user, &["log", "ivm1"]).ok();
        for arguments in [
            &["create", "-P", "ivm3"][..],
            &["modify", "-P", "ivm1", "-c", "2"],
            &["modify", "-P", "ivm1", "-u", "news:admin"],
            &["clone", "-P", "ivm1", "-N", "ivm3"],
            &["remove", "-P", "ivm1", "-F"],
            &["devmgmt", "-l", "all"],
            &["vsp", "stop"],
        ] {
            let ran = run(&vsp, user, arguments);
            assert!(ran.status() == 1 && ran.stderr().ends_with(&format!(": {SUPERUSER}\n")), "{ran:?}");
        }
    }
    let takes_admin = "User 'news' is an operator of this guest; this takes an administrator.";
    run(&vsp, oper, &["start", "-P", "ivm1"]).refused(&[&format!("hpvmstart: ERROR (ivm1): {takes_admin}")]);
    assert!(run(&vsp, admin, &["start", "-P", "ivm1"]).ok().contains("Successful start initiation"));
    for arguments in [&["stop", "-P", "ivm1", "-F"][..], &["reset", "-P", "ivm1", "-F"]] {
        let ran = run(&vsp, oper, arguments);
        assert!(ran.stderr().ends_with(&format!(": ERROR (ivm1): {takes_admin}\n")), "{ran:?}");
    }
    let figures = run(&vsp, oper, &["metrics"]).ok();
    assert!(figures.contains("guest=\"ivm1\"") && !figures.contains("guest=\"ivm2\""), "{figures}");
    guest.wait_until(GuestState::OnOs, Deadline::Guest);
    run(&vsp, admin, &["stop", "-P", "ivm1", "-F"]).ok();
}

#[test]
fn console_users_are_shown_disconnected_and_sent_away() {
    let Some(vsp) = shared() else { return };
    let guest = vsp.create("ivm1", &["-r", "128M", "-x", "kernel=builtin:diag", "-u", "games:admin"]);
    grant(&guest, "news:oper");
    guest.start();
    guest.console().expect(crate::guest::PROMPT, Deadline::Guest);
    let attach = || {
        let mut command = vsp.command_as("news", GROUP, &["console", "-P", "ivm1", "-q", "-c", "co"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut shown = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // It is there when it sees something.
        shown.read_line(&mut line).unwrap();
        (child, shown)
    };
    let (mut child, mut shown) = attach();
    child.stdin.as_mut().unwrap().write_all(b"machinfo\r").unwrap();
    let mut lines = (&mut shown).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("Firmware info")), "an operator writes");
    let menu = |user, commands| vsp.run_as(user, GROUP, &["console", "-P", "ivm1", "-q"], commands);
    let who = menu("games", "who\nx\n").ok();
    assert!(who.contains(&format!("[1] news             {:>7} write ", child.id())), "{who}");
    let refusal = menu("news", "di\n1\nx\n").stderr();
    assert!(refusal.contains("this takes an administrator."), "{refusal}");
    let done = menu("games", "di\n1\nx\n").ok();
    assert!(done.contains(&format!("User 'news' (process {}) is disconnected.", child.id())), "{done}");
    assert!(lines.any(|line| line.contains("[Disconnected by the administrator.]")));
    child.wait().unwrap();

    let (mut child, _shown) = attach();
    let pid = child.id() as i32;
    guest.run("modify", &["-u", "-news"]).ok();
    wait_for(Deadline::Soon, "the session to end", || vsp.logs(), || (!is_alive(pid)).then_some(()));
    child.wait().unwrap();
    let refused = run(&vsp, "news", &["console", "-P", "ivm1", "-q", "-c", "cl"]);
    refused.refused(&["hpvmconsole: ERROR (ivm1): User 'news' has no rights on this guest."]);
    guest.stop();
}

#[test]
fn a_captive_account_has_its_guest_without_naming_it() {
    let Some(vsp) = shared() else { return };
    grant(&vsp.create("ivm1", &[]), "news:oper");
    let mut command = vsp.command_as("news", GROUP, &[]);
    // As a login shell is called.
    command.arg0("-hpvmconsole").env_remove("HPVM_ROOT").env("HOME", vsp.root().join("guests/ivm1"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"vm\nx\n").unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(output.contains("[ivm1] vMP> [Virtual Machine Details]\n"), "{output}");
}

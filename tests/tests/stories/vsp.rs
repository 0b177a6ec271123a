//! The VSP itself: started on demand, stopped, killed, damaged.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use ipc::message::GuestState;
use tests::{Deadline, Vsp, wait_for};

#[test]
fn commands_start_the_vsp_and_it_can_be_stopped() {
    let vsp = Vsp::new();
    vsp.run(&["vsp", "status"]).refused(&["hpvm vsp: The VSP is not running."]);
    vsp.run(&["status"]).ok();
    assert!(vsp.run(&["vsp", "status"]).ok().starts_with("State           : running\n"));
    assert_eq!(vsp.run(&["vsp", "stop"]).ok(), "hpvm vsp: The VSP has stopped.\n");
    assert_eq!(vsp.pid(), None);
    vsp.run(&["vsp", "stop"]).refused(&["hpvm vsp: The VSP is not running."]);
}

#[test]
fn many_commands_at_once_start_one_vsp() {
    let vsp = Vsp::new();
    let status = || vsp.command(&["status"]).stdout(Stdio::null()).spawn().unwrap();
    let commands: Vec<_> = (0..8).map(|_| status()).collect();
    for mut command in commands {
        assert!(command.wait().unwrap().success());
    }
    // What it logs is in its file when it has ended.
    vsp.run(&["vsp", "stop"]).ok();
    assert_eq!(vsp.log().matches("VSP starts").count(), 1);
}

#[test]
fn a_second_vsp_is_refused() {
    let vsp = Vsp::new();
    vsp.start();
    let pid = vsp.pid().unwrap();
    let text = format!("hpvm vsp: a VSP is already running for '{}' (process {pid})", vsp.root().display());
    vsp.run(&["vsp", "start", "--foreground"]).refused(&[&text]);
    assert_eq!(vsp.run(&["vsp", "start"]).ok(), "hpvm vsp: The VSP is already running.\n");
    assert_eq!(vsp.pid(), Some(pid));
}

#[test]
fn a_new_state_directory_has_the_demonstration_guest_and_only_once() {
    let vsp = Vsp::new();
    let detail = vsp.run(&["status", "-P", "demo", "-V"]).ok();
    assert!(detail.contains("\nkernel                    : builtin:diag\n"));
    assert!(detail.contains("\nPhysical Storage type     :file\n"));
    vsp.run(&["remove", "-P", "demo", "-F"]).ok();
    vsp.run(&["vsp", "stop"]).ok();
    assert_eq!(vsp.run(&["status"]).ok(), "hpvmstatus: No vPars or VMs currently configured.\n");
}

#[test]
fn configurations_survive_a_killed_vsp() {
    let vsp = Vsp::new();
    vsp.create("ivm1", &["-c", "3"]);
    vsp.kill();
    assert_eq!(vsp.run(&["status", "-P", "ivm1", "-M"]).ok().split(':').nth(19), Some("3;"));
}

#[test]
fn guests_start_with_the_vsp_if_they_are_to_the_heaviest_first() {
    let vsp = Vsp::new();
    let create = |name: &str, memory: &str, start: &str| {
        vsp.create(name, &["-r", memory, "-x", "kernel=builtin:diag"]);
        vsp.run(&["modify", "-P", name, "-B", start]).ok();
    };
    create("by_hand", "128M", "manual");
    create("light", "128M", "auto");
    create("heavy", "512M", "auto");
    create("middle", "256M", "auto");
    create("adopted", "192M", "auto");
    // One that cannot start keeps no other from it.
    vsp.create("broken", &["-r", "384M", "-x", "kernel=builtin:none"]);
    vsp.run(&["modify", "-P", "broken", "-B", "auto"]).ok();
    let adopted = vsp.guest("adopted");
    adopted.start();
    let pid = adopted.pid();
    vsp.run(&["vsp", "stop", "--leave-guests"]).ok();
    vsp.run(&["status"]).ok();
    for name in ["light", "middle", "heavy"] {
        vsp.guest(name).wait_until(GuestState::OnOs, Deadline::Guest);
    }
    let log = vsp.run_until(&["log", "vsp", "--grep", "guest process started"], |log| {
        ["light", "middle", "heavy"].iter().all(|name| log.contains(&format!(" guest={name} ")))
    });
    let started = |name: &str| log.find(&format!(" guest={name} ")).expect("it was started");
    assert!(started("heavy") < started("middle") && started("middle") < started("light"), "{log}");
    assert_eq!(log.matches("guest=adopted").count(), 1, "by hand: {log}");
    assert_eq!((adopted.pid(), adopted.state()), (pid, GuestState::OnOs));
    assert_eq!(vsp.guest("by_hand").state(), GuestState::Off);
    assert_eq!(vsp.guest("broken").reason(), "There is no built-in boot image 'none'.");
    vsp.run(&["vsp", "stop"]).ok();
}

#[test]
fn a_configuration_damaged_under_a_running_guest_loses_nothing() {
    let vsp = Vsp::new();
    let guest = vsp.create("ivm1", &["-r", "128M", "-x", "kernel=builtin:diag"]);
    guest.start();
    let pid = guest.pid();
    let file = vsp.root().join("guests/ivm1/guest.toml");
    let intact = fs::read(&file).unwrap();
    fs::write(&file, &intact[..intact.len() / 2]).unwrap();
    vsp.kill();
    let shown = vsp.run(&["status"]).ok();
    assert!(shown.contains("\nivm1                     0 SH   UNKNOWN Invalid "), "{shown}");
    fs::write(&file, &intact).unwrap();
    vsp.run(&["vsp", "stop", "--leave-guests"]).ok();
    vsp.run(&["status"]).ok();
    assert_eq!((guest.pid(), guest.state()), (pid, GuestState::OnOs));
    guest.stop();
}

#[test]
fn a_damaged_configuration_is_named_and_harms_no_other_guest() {
    let vsp = Vsp::new();
    vsp.create("bad", &[]);
    vsp.create("good", &[]);
    vsp.run(&["vsp", "stop"]).ok();
    let file = vsp.root().join("guests/bad/guest.toml");
    fs::write(&file, "schema = 1\nvcpus = \"many\"\n").unwrap();
    assert!(vsp.run(&["status"]).ok().contains("\nbad                      0 SH   UNKNOWN Invalid "));
    assert_eq!(vsp.guest("good").state(), GuestState::Off);
    let refusal = vsp.run(&["start", "-P", "bad"]);
    assert_eq!(refusal.status(), 1);
    assert!(
        refusal.stderr().contains(&format!("'{}' cannot be read: line 2", file.display())),
        "{refusal:?}"
    );
    vsp.run(&["remove", "-P", "bad", "-F"]).ok();
    assert!(!file.exists());
}

#[test]
fn garbage_on_the_socket_ends_that_connection_alone() {
    let vsp = Vsp::new();
    vsp.start();
    let mut other = vsp.client();
    let hello = ipc::codec::encode(ipc::codec::HELLO_VERSION, &ipc::Hello::new(ipc::Role::Client)).unwrap();
    let frame = |bytes: &[u8]| [&hello[..], &(bytes.len() as u32).to_le_bytes(), bytes].concat();
    let garbage = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 64 << 10],
        vec![0; 6],
        frame(&[1, 0, 0xfd, 0xff, 0xff]),
        frame(&[9, 0, 1, 2, 3]),
        [hello.clone(), vec![0xff, 0xff, 0xff, 0x7f, 1, 0]].concat(),
    ];
    for bytes in garbage {
        let mut stream = UnixStream::connect(vsp.root().join("run/vsp.sock")).unwrap();
        // The VSP may hang up before it has read all.
        let _ = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(other.status().is_ok(), "after {bytes:?}");
    }
}

#[test]
fn another_version_is_refused_by_either_side() {
    let vsp = Vsp::new();
    vsp.start();
    let hello = |role| {
        let hello = ipc::Hello { version: 99, role, build: "9.9".into() };
        ipc::codec::encode(ipc::codec::HELLO_VERSION, &hello)
    };
    let mut stream = UnixStream::connect(vsp.root().join("run/vsp.sock")).unwrap();
    stream.write_all(&hello(ipc::Role::Client).unwrap()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    // It says what it is, and nothing else.
    let own = ipc::codec::encode(ipc::codec::HELLO_VERSION, &ipc::Hello::new(ipc::Role::Vsp)).unwrap();
    assert_eq!(answer, own);
    let version = ipc::codec::PROTOCOL_VERSION;
    let text = format!("protocol version 99 (build 9.9) does not fit version {version} of this program");
    wait_for(Deadline::Soon, "a record", || vsp.logs(), || vsp.log().contains(&text).then_some(()));
    vsp.kill();

    let socket = vsp.root().join("run/vsp.sock");
    fs::remove_file(&socket).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&hello(ipc::Role::Vsp).unwrap()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let build = env!("CARGO_PKG_VERSION");
    vsp.run(&["status"]).refused(&[&format!(
        "hpvmstatus: cannot talk to the VSP at '{}': {text} (build {build}): use the same build on both sides, or \
         restart the VSP ('hpvm vsp stop' stops one of any build)",
        socket.display()
    )]);
    other.join().unwrap();

    // Another process, because it is going to be stopped.
    fs::remove_file(&socket).unwrap();
    let script = "use IO::Socket::UNIX; $SIG{PIPE} = 'IGNORE'; \
        $listener = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 9); \
        while ($client = $listener->accept) { $client->syswrite(pack('H*', $ARGV[1])); push @clients, $client }";
    let greeting: String = hello(ipc::Role::Vsp).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut other =
        Command::new("perl").args(["-e", script]).arg(&socket).arg(greeting).spawn().expect("perl");
    wait_for(Deadline::Soon, "a listener", || vsp.logs(), || UnixStream::connect(&socket).ok());
    vsp.run(&["vsp", "stop", "--leave-guests"]).refused(&[&format!(
        "hpvm vsp: cannot talk to the VSP at '{}': {text} (build {build}): use the same build on both sides, or \
         restart the VSP ('hpvm vsp stop' stops one of any build)",
        socket.display()
    )]);
    assert_eq!(vsp.run(&["vsp", "stop"]).ok(), "hpvm vsp: The VSP has stopped.\n");
    assert!(!other.wait().unwrap().success());
}

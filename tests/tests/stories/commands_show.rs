//! hpvmstatus in its forms, figures, completions and manual pages.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use tests::Vsp;

/// Ends a command that runs until it is interrupted.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn guests_are_shown_in_every_form() {
    let vsp = Vsp::new();
    let disk = vsp.disk("disk", 1 << 20);
    let guest = vsp.create("ivm1", &["-O", "hpux", "-a", &format!("disk:avio_stor:0,2,0:file:{disk}")]);
    let xml = vsp.run(&["status", "-X"]).ok();
    assert!(xml.contains("<virtual_machine name=\"ivm1\" local_id=\"2\""), "{xml}");
    assert!(xml.contains("<memory><total unit=\"GB\">2</total></memory>"), "{xml}");
    let json = guest.run("status", &["--json"]).ok();
    assert!(json.contains("\"name\": \"ivm1\"") && json.contains("\"size_bytes\": 1048576"), "{json}");
    assert!(vsp.run(&["status", "--json"]).ok().starts_with("[\n"));
    assert_eq!(vsp.run(&["status", "-M"]).ok().lines().count(), 2);
    let verbose = vsp.run(&["status", "-V"]).ok();
    assert!(verbose.starts_with("[Virtual Machines]\n"), "{verbose}");
    assert_eq!(verbose.matches("\nVirtual Machine Name      : ").count(), 2);
    let resources = guest.run("status", &["-r"]).ok();
    assert!(
        resources.starts_with("[Virtual Machine entitlements]\n Percent       Cumulative\n"),
        "{resources}"
    );
    assert!(vsp.run(&["status", "-s"]).ok().starts_with("[HPVM Server Resources]\n"));
    assert_eq!(vsp.run(&["status", "-V", "-r"]).status(), 1, "one form at a time");
    assert_eq!(vsp.run(&["status", "-M", "-X"]).status(), 1, "one format at a time");
    assert_eq!(vsp.run(&["status", "-V", "-M"]).ok().lines().count(), 2, "-M has everything");
    assert_eq!(guest.run("status", &["-d", "-M"]).ok(), format!("disk:avio_stor:0,2,0:file:{disk}\n"));
    vsp.run(&["status", "-S"])
        .refused(&["hpvmstatus: Options -A, -i, -R and -S have no counterpart on this VSP."]);
    vsp.run(&["status", "-M", "-P", "none"]).refused(&["hpvmstatus: Unable to find guest 'none'."]);
}

#[test]
fn figures_are_shown_and_served() {
    let vsp = Vsp::new();
    vsp.run(&["metrics"]).refused(&["hpvm metrics: The VSP is not running."]);
    let disk = vsp.disk("disk", 1 << 20);
    vsp.create("ivm1", &["-a", &format!("disk:avio_stor:0,2,0:file:{disk}")]);
    let text = vsp.run(&["metrics"]).ok();
    assert!(text.contains("\nhpvm_guest_memory_bytes{guest=\"ivm1\"} 2147483648.0\n"), "{text}");
    assert!(text.contains("hpvm_device_size_bytes{guest=\"ivm1\",address=\"0,2,0\""), "{text}");
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(vsp.run(&["metrics", "--listen", "0.0.0.0:0"]).status(), 1);

    let mut command = vsp.command(&["metrics", "--listen", "127.0.0.1:0"]);
    let mut server = Running(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("hpvm metrics: listening on http://").unwrap();
    let address = address.strip_suffix("/metrics").unwrap();
    let get = || {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = get();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text"), "{answer}");
    assert!(answer.ends_with("# EOF\n"), "{answer}");
    vsp.kill();
    assert!(get().starts_with("HTTP/1.1 503 "));
}

#[test]
fn completions_and_manual_pages_cover_every_name() {
    let vsp = Vsp::new();
    let scripts = vsp.run(&["completions", "bash"]).ok();
    for name in ["hpvm", "hpvmcreate", "hpvmdevmgmt", "hpvmconsole"] {
        assert!(scripts.contains(&format!("complete -F _{name} ")), "{name}");
    }
    let (pages, files) = (vsp.path("man").display().to_string(), vsp.path("zsh").display().to_string());
    let written = vsp.run(&["man", &pages]).ok();
    for name in ["hpvm.1", "hpvmclone.1", "hpvm-clone.1", "hpvm-log.1"] {
        assert!(written.contains(&format!("/{name}\n")), "{name}");
    }
    let page = std::fs::read_to_string(vsp.path("man/hpvmclone.1")).unwrap();
    assert!(page.contains(".TH hpvmclone 1") && page.contains("EXIT STATUS"), "{page}");
    assert!(vsp.run(&["completions", "zsh", "--dir", &files]).ok().contains("/_hpvmstatus\n"));
    assert!(vsp.pid().is_none(), "none of these needs a VSP");
}

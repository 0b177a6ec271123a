//! A sheet of what is hard for a terminal, printed by a Linux guest, looks in the operator console as it does in a terminal.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};

use tests::Deadline::{Soon, System};
use tests::{Terminal, Vsp, linux, wait_for};

/// What a console that fills the screen of 80 columns and 24 lines leaves of it: the footer is its last line.
const LINES: usize = 23;
/// The guest reads the sheet in blocks of this size.
const BLOCK: usize = 4096;

/// No line ends in it, which the guest's terminal driver might change.
fn sheet() -> Vec<u8> {
    let mut text = String::from("\x1bc\x1b[2J\x1b[H");
    text.push_str(&"megabytes without a newline ".repeat(40_000));
    text.push_str("\x1b[2J\x1b#8\x1b[5;10H\x1b[1J\x1b[17;60H\x1b[0J\x1b[1K\x1b[9;71H\x1b[0K");
    for n in 0..9_u8 {
        let _ = write!(text, "\x1b[{};{}H{}", 5 + n, 12 + n, char::from(b'a' + n));
    }
    text.push_str(
        "\x1b[3A<up\x1b[5B<down\x1b[9D<left\x1b[4C<right\x1b7\x1b[1;1Hsaved\x1b8<restored\x1bM<index",
    );
    text.push_str("\x1b[3;6H\x1b[4@\x1b[4;6H\x1b[7P\x1b[6;6H\x1b[6X\x1b[7;1H\x1b[2L\x1b[12;1H\x1b[3M\x1b[15;5H\x1b[4hINSERT\x1b[4l");
    text.push_str("\x1b[10;13r\x1b[13;1H\x1bD\x1bDscrolled\x1b[10;1H\x1bMpushed\x1b[r");
    text.push_str("\x1b[18;1H\x1b[K漢字かな 한글 e\u{301} äöü €\x1b[19;79H漢字\x1b[21;1H漢漢漢漢\x1b[21;4Hx\x1b[1;4;31mbold\x1b[0m");
    let mut bytes = text.into_bytes();
    bytes
        .extend_from_slice(b"\x1b[22;1H\x1b[Kinvalid \xff and \xc0\xaf \x1b]0;title\x07 \x1bP1$r\x1b\\ done");
    bytes.extend_from_slice(b"\x1b[0m\x1b[23;60Hthe end");
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// What a terminal of this size shows after these bytes: tmux is one.
fn shown(vsp: &Vsp, bytes: &[u8]) -> Vec<String> {
    let (socket, path) = (vsp.path("reference"), vsp.file("sheet", bytes));
    let tmux = || {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&socket).env("LANG", "C.UTF-8").stderr(Stdio::null());
        command
    };
    let lines = LINES.to_string();
    let shell = format!("stty raw -echo; cat '{path}'; sleep 1000");
    let mut open = tmux();
    open.args(["-f", "/dev/null", "-u", "new-session", "-d", "-x", "80", "-y", &lines, &shell]);
    assert!(open.env("TERM", "xterm-256color").status().expect("tmux runs").success());
    // Its own status line would take the last one.
    tmux().args(["set", "-g", "status", "off"]).status().expect("tmux runs");
    let capture = || {
        let output = tmux().args(["capture-pane", "-p"]).output().expect("tmux runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let has_end = || Some(capture()).filter(|screen| screen.contains("the end"));
    let screen = wait_for(Soon, "the end of the sheet", capture, has_end);
    let _ = tmux().arg("kill-server").status();
    trimmed(&screen)
}

/// A line without what stands for bytes that are no character: some versions of tmux leave it out.
fn known(line: &str) -> String {
    line.replace(char::REPLACEMENT_CHARACTER, "")
}

fn trimmed(screen: &str) -> Vec<String> {
    let mut lines: Vec<String> = screen.lines().take(LINES).map(|line| line.trim_end().to_owned()).collect();
    lines.resize(LINES, String::new());
    lines
}

#[test]
fn torture_sheet_of_a_linux_guest_looks_as_in_a_terminal() {
    let Some(terminal) = Terminal::open() else { return };
    let sheet = sheet();
    let vsp = terminal.vsp();
    vsp.start();
    let Some(guest) = linux::guest(vsp, "1") else { return };
    let disk = fs::File::options().write(true).open(vsp.path("data")).expect("the guest's disk");
    disk.write_all_at(&sheet, 0).expect("the guest's disk");
    drop(linux::boot(&guest));
    let expected = shown(vsp, &sheet);

    terminal.line("clear; hpvm");
    terminal.see_text(Soon, "n new");
    terminal.press(&["End"]);
    terminal.see(Soon, "the guest selected", |screen| screen.contains("Console lin"));
    terminal.press(&["c", "C-b"]);
    terminal.see_text(Soon, "vMP of lin");
    terminal.press(&["f"]);
    terminal.see(Soon, "the console alone", |screen| !screen.contains("Overview"));
    terminal.line(&format!(
        "clear; dd if=$DATA bs={BLOCK} count={} 2>/dev/null; sleep 10000",
        sheet.len() / BLOCK
    ));
    let screen = terminal.see_text(System, "the end");
    for (number, (ours, theirs)) in (1..).zip(trimmed(&screen).iter().zip(&expected)) {
        assert_eq!(known(ours), known(theirs), "line {number} of\n{screen}");
    }
    println!("checked: a torture sheet of a Linux guest looks as in tmux");
}

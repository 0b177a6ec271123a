//! The same bytes through tmux, a terminal that somebody else wrote, and through ours: the screens must be the same.
//!
//! The sheets are in the manner of vttest: each puts a terminal through one chapter of what it must know.

use super::super::*;
use super::screen;
use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SIZE: ScreenSize = ScreenSize { columns: 80, lines: 24 };
/// Longer than tmux takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// Printed last, at the lower right, so that one knows when tmux has read everything.
const END: &str = "\x1b[0m\x1b(B\x0f\x1b[?6l\x1b[r\x1b[24;70Hthe end";

/// Name and contents of each sheet.
fn sheets() -> Vec<(&'static str, Vec<u8>)> {
    let mut movements = String::from("\x1b#8\x1b[9;10H\x1b[1J\x1b[18;60H\x1b[0J\x1b[1K\x1b[9;71H\x1b[0K");
    for n in 0..13 {
        let _ = write!(movements, "\x1b[{};{}H{}", 5 + n, 12 + n, char::from(b'a' + n));
    }
    movements.push_str("\x1b[3A<up\x1b[5B<down\x1b[9D<left\x1b[4C<right\x1bM\x1bM<index\x1bD\x1bE<next");
    movements.push_str(
        "\x1b7\x1b[1;1Hsaved\x1b8<restored\x1b[99;99H\x1b[99D\x1b[3G<column\x1b[7d<line\x08\x08\x08xyz",
    );

    let mut edits = String::new();
    for line in 1..=20 {
        let _ = write!(edits, "\x1b[{line};1Hline {line:02} {}", "abcdefghij".repeat(3));
    }
    edits.push_str("\x1b[3;6H\x1b[4@\x1b[4;6H\x1b[7P\x1b[5;6H\x1b[6X\x1b[7;1H\x1b[2L\x1b[12;1H\x1b[3M\x1b[15;5H\x1b[4hINSERT\x1b[4l");
    edits.push_str(
        "\x1b[16;70Hwrap at the right edge of it\x1b[18;70H\x1b[?7lno wrap at all here\x1b[?7h\x1b[2S\x1b[1T",
    );

    let mut regions = String::from("\x1b[2J\x1b[5;10r\x1b[?6h\x1b[1;1H");
    for n in 0..12 {
        let _ = write!(regions, "in the region {n}\r\n");
    }
    regions.push_str("\x1b[?6l\x1b[5;1H\x1bM\x1bMpushed\x1b[r\x1b[20;1Hbelow\x1b[2;22r\x1b[22;1H\n\n\x1b[r");

    let tabs = "\x1b[3gone\r\x1b[10C\x1bH\x1b[7C\x1bH\r\ta\tb\tc\r\n\x1b[g\ta\tb\r\n\x1b[Zback".to_owned();

    let characters = "\x1b[1;4;7mbold\x1b[0m \
                      漢字かな 한글 e\u{301}a\u{308} äöüß €\r\n\x1b[7;79H漢字\x1b[9;80Hx漢\r\n\x1b[11;1H漢漢漢漢\x1b[11;4Hx\
                      \x1b[12;1H漢漢漢漢\x1b[12;3H\x1b[1P";

    let mut flood = "x".repeat(3 << 20);
    flood.push_str("\r\n\x1b[2;5Hstill here\x1b[10;1H");
    flood.push_str(&"0123456789".repeat(50));

    let invalid = b"\x1b[2Jok \xff\xfe ok \xe2\x82 ok \xc0\xaf ok\r\n\x1b]0;never ended\x1b\\after\r\n\x1b[999999999;5Hfar\x1b[1;1H\
                    \x1b[38;5;300mcolour\x1b[38;2;1;2mshort\x1b[0m \x1bP1$r0m\x1b\\dcs \x1b_apc\x1b\\done";
    vec![
        ("movements", movements.into_bytes()),
        ("insertions and deletions", edits.into_bytes()),
        ("scrolling regions", regions.into_bytes()),
        ("tab stops", tabs.into_bytes()),
        ("wide characters", characters.as_bytes().to_vec()),
        ("megabytes without a newline", flood.into_bytes()),
        ("what is not well formed", invalid.to_vec()),
    ]
}

/// What tmux shows after these bytes.
fn shown_by_tmux(bytes: &[u8]) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let (socket, sheet) = (directory.path().join("tmux"), directory.path().join("sheet"));
    std::fs::write(&sheet, bytes).expect("a file");
    let tmux = || {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&socket).env("LANG", "C.UTF-8").stderr(Stdio::null());
        command
    };
    let shell = format!("stty raw -echo; cat '{}'; sleep 1000", sheet.display());
    let mut open = tmux();
    open.args(["-f", "/dev/null", "-u", "new-session", "-d", "-x", "80", "-y", "24", &shell]);
    assert!(open.env("TERM", "xterm-256color").status().expect("tmux runs").success());
    tmux().args(["set", "-g", "status", "off"]).status().expect("tmux runs");
    let end = Instant::now() + DEADLINE;
    let lines = loop {
        let output = tmux().args(["capture-pane", "-p"]).output().expect("tmux runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.contains("the end") || Instant::now() > end {
            break text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        }
        std::thread::park_timeout(Duration::from_millis(20));
    };
    let _ = tmux().arg("kill-server").status();
    lines
}

#[test]
fn torture_sheets_look_as_in_tmux() {
    let found = Command::new("tmux").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        println!("skipped: there is no tmux on this machine");
        return;
    }
    let count = sheets().len();
    for (name, mut bytes) in sheets() {
        bytes.extend_from_slice(END.as_bytes());
        let mut emulator = Emulator::new(SIZE);
        bytes.chunks(977).for_each(|chunk| drop(emulator.feed(chunk)));
        let mut theirs = shown_by_tmux(&bytes);
        theirs.resize(usize::from(SIZE.lines), String::new());
        let ours = screen(&emulator);
        for (number, (ours, theirs)) in (1..).zip(ours.iter().zip(&theirs)) {
            // Some versions of tmux leave out what stands for bytes that are no character.
            let known = |line: &String| line.replace(char::REPLACEMENT_CHARACTER, "");
            assert_eq!(known(ours), known(theirs), "{name}, line {number}");
        }
    }
    println!("checked: {count} torture sheets look as in tmux");
}

//! Full-screen programs of a Linux guest look in the operator console as in a terminal of their own: cell by cell, with
//! attributes and colours, as tmux shows the same bytes.

use std::collections::BTreeSet;
use std::fs;
use std::iter;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tests::Deadline::{Guest as GuestTime, Soon};
use tests::{Terminal, Vsp, linux, wait_for};

/// The same bytes in a terminal of their own.
struct Reference {
    socket: PathBuf,
    lines: usize,
}

impl Reference {
    /// Shows what the guest prints from now on.
    fn follow(vsp: &Vsp, guest: &str, name: &str, (columns, lines): (u16, u16)) -> Reference {
        let log = vsp.root().join("guests").join(guest).join("console.log");
        let end = fs::metadata(&log).expect("the guest has printed").len();
        let reference = Reference { socket: vsp.path(name), lines: lines.into() };
        let shell = format!("stty raw -echo; exec tail -c +{} -f '{}'", end + 1, log.display());
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let mut open = reference.tmux();
        open.args(["-f", "/dev/null", "-u", "new-session", "-d", "-x", &columns, "-y", &lines, &shell]);
        assert!(open.env("TERM", "xterm-256color").status().expect("tmux runs").success());
        // Its own status line would take the last one.
        assert!(reference.tmux().args(["set", "-g", "status", "off"]).status().expect("tmux runs").success());
        reference
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).env("LANG", "C.UTF-8").stderr(Stdio::null());
        command
    }

    fn coloured_screen(&self) -> String {
        let output = self.tmux().args(["capture-pane", "-e", "-p"]).output().expect("tmux runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Waits until the console shows each of `wanted`, and everything as it is here.
    fn compare(&self, terminal: &Terminal, what: &str, wanted: &[&str]) {
        let both = || {
            let (ours, theirs) = (terminal.coloured_screen(), self.coloured_screen());
            (cells(&ours, self.lines), cells(&theirs, self.lines))
        };
        let explain = || {
            let (ours, theirs) = both();
            let places = (0..self.lines)
                .flat_map(|line| (0..ours[line].len().max(theirs[line].len())).map(move |at| (line, at)));
            let first = places.map(|(line, at)| (line, at, ours[line].get(at), theirs[line].get(at)));
            let first = first.into_iter().find(|(_, _, ours, theirs)| ours != theirs);
            format!("the first difference: {first:?}\n{}", terminal.screen())
        };
        let is_same = || {
            let (ours, theirs) = both();
            let shown = text(&ours);
            (ours == theirs && wanted.iter().all(|wanted| shown.contains(wanted))).then_some(())
        };
        wait_for(GuestTime, &format!("{what}, as tmux shows it"), explain, is_same);
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").status();
    }
}

/// Attributes by their numbers, then the colours of characters and ground, as in SGR (ECMA-48, 8.3.117).
#[derive(Clone, Debug, Default, PartialEq)]
struct Style(BTreeSet<u32>, [Vec<u32>; 2]);

impl Style {
    fn take(&mut self, parameters: &[u32]) {
        let Style(attributes, colours) = self;
        match *parameters {
            [] | [0] => *self = Style::default(),
            [22] => attributes.retain(|number| ![1, 2].contains(number)),
            [off @ 23..=29] => attributes.retain(|number| *number != off - 20),
            [39] => colours[0].clear(),
            [49] => colours[1].clear(),
            // The first sixteen colours have short names, too.
            [colour @ (30..=37 | 90..=97)] => {
                colours[0] = vec![colour % 10 + if colour > 89 { 8 } else { 0 }]
            }
            [colour @ (40..=47 | 100..=107)] => {
                colours[1] = vec![colour % 10 + if colour > 99 { 8 } else { 0 }]
            }
            [ground @ (38 | 48), 5, index] => colours[usize::from(ground == 48)] = vec![index],
            [ground @ (38 | 48), ref rgb @ ..] => colours[usize::from(ground == 48)] = rgb.to_vec(),
            [number] => drop(attributes.insert(number)),
            // Several at once, with one colour at most, which comes last.
            [first, ref rest @ ..] => {
                self.take(&[first]);
                self.take(rest);
            }
        }
    }
}

/// The cells of so many lines with their styles, without blanks at the ends.
fn cells(screen: &str, lines: usize) -> Vec<Vec<(char, Style)>> {
    let mut style = Style::default();
    let mut all: Vec<_> = screen.lines().take(lines).map(|line| cells_of_line(line, &mut style)).collect();
    all.resize(lines, Vec::new());
    all
}

fn cells_of_line(line: &str, style: &mut Style) -> Vec<(char, Style)> {
    let mut cells = Vec::new();
    let mut rest = line;
    while let Some(character) = rest.chars().next() {
        let sequence = rest.strip_prefix("\x1b[").and_then(|sequence| sequence.split_once('m'));
        if let Some((parameters, after)) = sequence {
            let parameters: Vec<u32> =
                parameters.split(';').filter_map(|number| number.parse().ok()).collect();
            style.take(&parameters);
            rest = after;
        } else {
            cells.push((character, style.clone()));
            rest = &rest[character.len_utf8()..];
        }
    }
    while cells.last().is_some_and(|(character, style)| *character == ' ' && *style == Style::default()) {
        cells.pop();
    }
    cells
}

/// Each line after a line feed.
fn text(cells: &[Vec<(char, Style)>]) -> String {
    let line = |cells: &Vec<_>| iter::once('\n').chain(cells.iter().map(|(letter, _)| *letter)).collect();
    cells.iter().map::<String, _>(line).collect()
}

/// Has the guest's shell told the size of its pane, and clears both screens.
fn begin(terminal: &Terminal, vsp: &Vsp, name: &str, size: (u16, u16)) -> Reference {
    terminal.press(&["C-b"]);
    terminal.see_text(Soon, "vMP of lin");
    terminal.press(&["z"]);
    terminal.see_text(GuestTime, &format!("stty rows {} columns {}", size.1, size.0));
    terminal.line("stty size; echo asked");
    terminal.see(GuestTime, "the size as the guest knows it", |screen| {
        screen.contains(&format!("{} {}", size.1, size.0)) && screen.contains("\nasked")
    });
    let reference = Reference::follow(vsp, "lin", name, size);
    terminal.line("printf '\\033c'; echo both begin");
    reference.compare(terminal, "a cleared screen", &["both begin"]);
    reference
}

#[test]
fn vi_top_and_less_of_a_linux_guest_look_as_in_a_terminal() {
    let Some(terminal) = Terminal::open() else { return };
    let vsp = terminal.vsp();
    vsp.start();
    let Some(guest) = linux::create(vsp, "lin", "1", &[]) else { return };
    let mut console = linux::begin(&guest);
    linux::come_up_bare(&mut console);
    let line = "the quick brown fox jumps over the lazy dog and goes on until the line is broken at its end";
    linux::shell(
        &mut console,
        &format!("for n in $(seq 200); do echo \"line $n: {line}\"; done > /tmp/text"),
    );
    drop(console);

    terminal.line("clear; hpvm");
    terminal.see_text(Soon, "n new");
    terminal.press(&["End"]);
    terminal.see_text(Soon, "Console lin");
    terminal.press(&["c", "C-b"]);
    terminal.see_text(Soon, "vMP of lin");
    terminal.press(&["f"]);
    terminal.see(Soon, "the console alone", |screen| !screen.contains("Overview"));

    let vsp = terminal.vsp();
    let reference = begin(&terminal, vsp, "reference", (80, 23));
    programs(&terminal, &reference, "line 12: ");
    terminal.resize(110, 36);
    let reference = begin(&terminal, vsp, "larger", (110, 35));
    programs(&terminal, &reference, "line 35: ");
    println!("checked: vi, top and less of a Linux guest look as in tmux");
}

/// `second_page` is what `less` begins its second page with.
///
/// `less` of BusyBox has the line cooked for a moment after each key: a key of that moment is echoed, and Enter comes as
/// a line feed, which it does not take. So its keys come one by one, when it waits for them.
fn programs(terminal: &Terminal, reference: &Reference, second_page: &str) {
    let steps: [(&str, &[&str], &[&str]); 22] = [
        ("vi", &["-l", "vi /tmp/text\r"], &["line 1: "]),
        ("the last line", &["G"], &["line 200: "]),
        ("a page up", &["C-b", "C-b"], &["line 17"]),
        (
            "a line that is inserted",
            &["-l", "1GOtyped by hand and rather long, so that it reaches the end"],
            &["typed by hand"],
        ),
        ("no more insertion", &["Escape"], &["- /tmp/text"]),
        ("five lines less", &["-l", "jj5dd"], &["line 8: "]),
        ("a substitution", &["-l", ":%s/quick/QUICK/g\r"], &["QUICK"]),
        ("a search", &["-l", "/line 77\r"], &["line 77: "]),
        ("back at the shell", &["-l", ":q!\r"], &["guest#"]),
        ("top", &["-l", "top\r"], &["Load average"]),
        ("top by memory", &["M"], &["Load average"]),
        ("the shell again", &["q"], &["guest#"]),
        ("less", &["-l", "less -N /tmp/text\r"], &["line 1: ", "\n/tmp/text"]),
        ("the next page", &["Space"], &[second_page, "\n:"]),
        ("a search that begins", &["/"], &["\n/"]),
        ("what it is for", &["z"], &["\n/z"]),
        ("what was found, marked", &["Enter"], &["lazy", "\n:"]),
        ("its end", &["G"], &["line 200: "]),
        ("its beginning", &["g"], &["line 1: "]),
        ("the shell once more", &["q"], &["guest#"]),
        ("coloured names", &["-l", "ls --color=always -l / /bin | tail -60\r"], &["guest#"]),
        ("a clear screen", &["-l", "clear\r"], &["guest#"]),
    ];
    for (what, keys, wanted) in steps {
        terminal.press(keys);
        reference.compare(terminal, what, wanted);
    }
}

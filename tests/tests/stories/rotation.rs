//! Logs that roll over while they are followed, by `hpvm log -f` and in the operator console, and a VSP that is killed
//! meanwhile: no line is lost, none comes twice.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use ipc::message::{ClientToVsp, GuestRef};
use tests::Deadline::{Guest, Soon};
use tests::{Console, Terminal, Vsp};

use crate::commands_show::Running;
use crate::guest::{PROMPT, diag};

/// How often each log is to roll.
const ROLLS: usize = 3;
/// Names of one call of the guest's help; a line has room for so many calls and a word.
const CALLS: usize = 49;
/// Requests after which the follower is waited for.
const REQUESTS: usize = 100;

/// `hpvm log -f` from the first record on.
struct Follower {
    _program: Running,
    lines: Receiver<String>,
}

impl Follower {
    fn open(vsp: &Vsp, options: &[&str]) -> Follower {
        let mut command = vsp.command(&[&["log", "-f", "-n", "100000"], options].concat());
        let mut program = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("hpvm runs");
        let stdout = BufReader::new(program.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        // It never waits for us.
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Follower { _program: Running(program), lines }
    }

    /// The next lines as far as one that contains `last`, each from behind `before` on.
    fn read_to(&self, last: &str, before: &str) -> Vec<String> {
        let mut read = Vec::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(Guest.length()) else {
                panic!("waited for {last:?} after {read:#?}")
            };
            let (_, message) = line.split_once(before).unwrap_or(("", &line));
            read.push(message.to_owned());
            if line.contains(last) {
                return read;
            }
        }
    }
}

/// Files of a log.
fn files(directory: &Path) -> usize {
    fs::read_dir(directory).expect("there are logs").count()
}

/// What the guest writes as its last word of a piece.
fn mark(number: usize) -> String {
    format!("mark{number}: not found")
}

/// Has the guest print some 80 kB whose last line is this mark. `meanwhile` is done when it has begun; after that the
/// console is looked at anew. All it wrote since the line was typed, without the next prompt.
fn print<'a>(
    vsp: &'a Vsp,
    mut console: Console<'a>,
    number: usize,
    meanwhile: Option<&dyn Fn()>,
) -> (Console<'a>, String) {
    let line = format!("{}mark{number}", "help;".repeat(CALLS));
    console.skip();
    console.line(&line);
    let mut text = console.expect("this list", Guest);
    if let Some(meanwhile) = meanwhile {
        meanwhile();
        console = vsp.guest("ivm1").console();
        text.clear();
    }
    text += &console.expect(&mark(number), Guest);
    text += &console.expect(PROMPT, Guest);
    let begin = text.rfind(&line).expect("it was echoed");
    let end = text.len() - PROMPT.len();
    (console, format!("{PROMPT}{}", &text[begin..end]))
}

/// Lines as a reader sees them.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Has the VSP log a request about a guest of this number, which there is not.
fn request(client: &mut ipc::client::Client, number: usize) {
    let name = format!("nobody{number}-{}", "x".repeat(1000));
    client.request(&ClientToVsp::RemoveGuest(GuestRef::Name(name))).expect_err("there is no such guest");
}

#[test]
fn console_that_rolls_is_followed_line_by_line_over_killed_vsps() {
    let vsp = Vsp::new();
    let guest = diag(&vsp, "ivm1");
    let follower = Follower::open(&vsp, &["--console", "ivm1"]);
    guest.start();
    let mut console = guest.console();
    console.expect(PROMPT, Guest);
    let directory = vsp.root().join("guests/ivm1/console");
    let restart = || {
        vsp.kill();
        vsp.run(&["status"]).ok();
    };
    let mut is_first = true;
    let mut number = 0;
    while files(&directory) <= ROLLS {
        let printed;
        (console, printed) = print(&vsp, console, number, (number % 5 == 4).then_some(&restart as &dyn Fn()));
        let mut read = follower.read_to(&mark(number), " ivm1 console: ");
        if std::mem::take(&mut is_first) {
            let begin = read.iter().position(|line| line.starts_with(PROMPT)).expect("the echo");
            read.drain(..begin);
        }
        assert_eq!(read, lines(&printed), "piece {number}");
        number += 1;
    }
    assert!(number > 5, "the VSP was killed");
    // What is kept has the same marks.
    let kept = vsp.run(&["log", "--console", "ivm1", "--grep", "mark[0-9]+: not found"]).ok();
    let marks: Vec<&str> = kept.lines().map(|line| line.split(' ').nth_back(6).unwrap_or(line)).collect();
    assert_eq!(marks, (0..number).map(|number| format!("mark{number}:")).collect::<Vec<_>>(), "{kept}");
    guest.stop();
}

#[test]
fn log_of_the_vsp_that_rolls_is_followed_record_by_record_over_killed_vsps() {
    let vsp = Vsp::new();
    vsp.run(&["status"]).ok();
    let follower = Follower::open(&vsp, &["vsp", "--grep", "nobody"]);
    let directory = vsp.root().join("common/log");
    let mut number = 0;
    for roll in 0..ROLLS {
        let mut client = vsp.client();
        while files(&directory) <= roll + 1 {
            for number in number..number + REQUESTS {
                request(&mut client, number);
            }
            number += REQUESTS;
            let last = format!("nobody{}-", number - 1);
            let read = follower.read_to(&last, "Name(\"");
            let read: Vec<_> = read.iter().map(|record| record.split('-').next().unwrap()).collect();
            let expected: Vec<_> =
                (number - REQUESTS..number).map(|number| format!("nobody{number}")).collect();
            assert_eq!(read, expected);
        }
        vsp.kill();
        vsp.run(&["status"]).ok();
    }
}

/// The numbers behind `word` in what the screen shows, from top to bottom.
fn numbers(screen: &str, word: &str) -> Vec<usize> {
    let number = |rest: &str| rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok();
    screen.split(word).skip(1).filter_map(number).collect()
}

/// What the screen shows when the newest of the lines behind `word` has come: none is missing among them.
fn see_newest(terminal: &Terminal, word: &str, newest: usize) {
    let what = format!("{word}{newest}");
    let screen = terminal.see(Soon, &what, |screen| numbers(screen, word).contains(&newest));
    let shown = numbers(&screen, word);
    let expected: Vec<usize> = (newest + 1 - shown.len().min(newest + 1)..=newest).collect();
    assert_eq!(shown, expected, "{screen}");
}

#[test]
fn logs_that_roll_are_followed_on_the_screen_over_a_killed_vsp() {
    let Some(terminal) = Terminal::open() else { return };
    let vsp = terminal.vsp();
    vsp.start();
    diag(vsp, "ivm1").start_diag();
    terminal.resize(160, 50);
    terminal.line("clear; hpvm; echo left with $?");
    terminal.see_text(Soon, "n new");
    terminal.press(&["5"]);
    terminal.see_text(Soon, "following");
    terminal.press(&["R"]);
    terminal.type_text("mark.*: not found|guest created.*late");
    terminal.press(&["Enter"]);
    terminal.see_text(Soon, "matching 'mark.*: not found|guest created.*late'");
    let (of_console, of_vsp) = (vsp.root().join("guests/ivm1/console"), vsp.root().join("common/log"));
    let (mut printed, mut requests) = (0, 0);
    for roll in 0..ROLLS {
        while files(&of_console) <= roll + 1 {
            print(vsp, vsp.guest("ivm1").console(), printed, None);
            see_newest(&terminal, " mark", printed);
            printed += 1;
        }
        let mut client = vsp.client();
        while files(&of_vsp) <= roll + 1 {
            request(&mut client, requests);
            requests += 1;
        }
        vsp.create(&format!("late{roll}"), &[]);
        see_newest(&terminal, "guest=late", roll);
        if roll == 0 {
            vsp.kill();
            terminal.see_text(Soon, "No connection to the VSP");
            vsp.start();
            terminal.see(Soon, "the connection", |screen| {
                screen.contains("VSP up") && !screen.contains("No connection")
            });
        }
    }
    terminal.see_text(Soon, "following");
    terminal.press(&["Escape"]);
    terminal.see(Soon, "all lines", |screen| !screen.contains("matching"));
    terminal.press(&["q"]);
    terminal.see_text(Soon, "left with 0");
}

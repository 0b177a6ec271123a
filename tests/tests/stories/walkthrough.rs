//! The walks through of `docs/tape-walkthrough.md` and `docs/tape-walkthrough-linux.md`, typed from the pages: their blocks
//! `console VSP` are commands of a shell, and `console GUEST` what somebody types on that guest's console, each followed by what
//! is printed.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tests::linux::come_up_bare;
use tests::shared::guest_file;
use tests::{Console, Deadline, Vsp, hpvm, simh};

use crate::guest;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// What the VSP's blocks are called, and the prompt of its shell.
const SHELL: (&str, &str) = ("VSP", "# ");
/// In what is printed: anything.
const ANYTHING: &str = "…";

/// A page, and how its guests are.
struct Page {
    name: &'static str,
    prompt: &'static str,
    /// Waits for the first prompt.
    come_up: fn(&mut Console<'_>),
}

const DIAG: Page = Page {
    name: "tape-walkthrough.md",
    prompt: guest::PROMPT,
    come_up: |console| drop(console.expect(guest::PROMPT, Deadline::Guest)),
};

const LINUX: Page = Page { name: "tape-walkthrough-linux.md", prompt: "guest# ", come_up: come_up_bare };

/// A command of the page.
struct Step {
    /// `VSP` or a guest.
    at: String,
    command: String,
    expected: Vec<String>,
    /// Line of the page.
    line: usize,
}

/// The commands of a page, in their order.
fn steps(page: &Page) -> Vec<Step> {
    let text = fs::read_to_string(format!("{ROOT}/docs/{}", page.name)).unwrap();
    let mut steps: Vec<Step> = Vec::new();
    let mut block = None;
    for (line, text) in (1..).zip(text.lines()) {
        if let Some(kind) = text.strip_prefix("```") {
            block = kind.strip_prefix("console ");
            continue;
        }
        let Some(at) = block else { continue };
        let prompt = if at == SHELL.0 { SHELL.1 } else { page.prompt };
        match (text.strip_prefix(prompt), steps.last_mut()) {
            (Some(command), _) => steps.push(Step {
                at: at.to_owned(),
                command: command.to_owned(),
                expected: Vec::new(),
                line,
            }),
            (None, Some(step)) => step.expected.push(text.to_owned()),
            (None, None) => panic!("line {line}: no command"),
        }
    }
    steps
}

/// Whether a line is as the page has it.
fn is_as(printed: &str, expected: &str) -> bool {
    match expected.split_once(ANYTHING) {
        None => printed == expected,
        Some((before, after)) => {
            let rest = printed.strip_prefix(before);
            rest.is_some_and(|rest| {
                rest.char_indices().any(|(at, _)| is_as(&rest[at..], after)) || after.is_empty()
            })
        }
    }
}

/// What is not as the page has it.
fn difference(step: &Step, printed: &str) -> Option<String> {
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let same = printed.len() == step.expected.len()
        && printed.iter().zip(&step.expected).all(|(printed, expected)| is_as(printed, expected));
    let Step { at, command, expected, line } = step;
    (!same).then(|| format!("line {line}, {at}: {command}\nprinted {printed:#?}\nnot {expected:#?}\n"))
}

/// What comes after the echo of a line, which a terminal breaks where it is full.
fn after_echo<'a>(text: &'a str, line: &str) -> &'a str {
    let next = |rest: &'a str, typed: char| rest.trim_start_matches('\n').strip_prefix(typed);
    let rest = line.chars().try_fold(text, next).unwrap_or(text);
    rest.strip_prefix('\n').unwrap_or(rest)
}

/// Types a page in the directory `place`; its commands.
fn walk(vsp: &Vsp, page: &Page, place: &Path) -> Vec<Step> {
    fs::create_dir(place).unwrap();
    vsp.run(&["install-links", &place.join("bin").display().to_string()]).ok();
    let own = [place.join("bin"), hpvm().parent().unwrap().to_owned(), "/usr/bin".into(), "/bin".into()];
    let path = std::env::join_paths(own).unwrap();
    let guests = guest_file("vmlinux.gz").map(|file| Path::new(&file).parent().unwrap().to_owned());
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec 2>&1; {command}")]).current_dir(place).stdin(Stdio::null());
        shell.env("PATH", &path).env("HPVM_ROOT", vsp.root()).env("KITTSON", ROOT).env_remove("HPVM_LOG");
        shell.envs(guests.iter().map(|guests| ("GUESTS", guests)));
        String::from_utf8(shell.output().expect("a shell").stdout).expect("text")
    };
    let steps = steps(page);
    let mut consoles: HashMap<String, Console<'_>> = HashMap::new();
    let mut differences = String::new();
    for step in &steps {
        if step.at == SHELL.0 {
            differences.extend(difference(step, &shell(&step.command)));
            continue;
        }
        let console = consoles.entry(step.at.clone()).or_insert_with(|| {
            let mut console = vsp.guest(&step.at).console();
            (page.come_up)(&mut console);
            console
        });
        console.skip();
        console.line(&step.command);
        let answer = console.expect(page.prompt, Deadline::System).replace('\r', "");
        let answer = after_echo(&answer, &step.command);
        differences.extend(difference(step, answer.trim_end_matches(page.prompt)));
    }
    assert!(differences.is_empty(), "docs/{}:\n{differences}", page.name);
    steps
}

/// The page must not have lost what it is for.
fn shows_twice(steps: &[Step], messages: &[&str]) {
    let printed: Vec<&str> = steps.iter().flat_map(|step| &step.expected).map(String::as_str).collect();
    for message in messages {
        assert!(printed.iter().filter(|line| *line == message).count() >= 2, "{message}");
    }
}

#[test]
fn the_walk_through_with_linux_guests_is_as_its_page_says() {
    if guest_file("vmlinux.gz").is_none() {
        return;
    }
    let vsp = Vsp::new();
    let place = vsp.path("walk");
    let steps = walk(&vsp, &LINUX, &place);
    shows_twice(&steps, &["mt: can't open '/dev/nst…': Input/output error"]);
    let tape = simh::files(&fs::read(place.join("tapes/KIT001.tap")).unwrap());
    assert_eq!(tape.len(), 1);
    assert_eq!(&tape[0][257..262], b"ustar", "an archive");
    println!("checked: the walk through with Linux guests, as documented");
}

#[test]
fn the_walk_through_is_as_its_page_says() {
    let vsp = Vsp::new();
    let place = vsp.path("walk");
    let steps = walk(&vsp, &DIAG, &place);
    // The tape itself, by somebody else's reading of its format: one file, which is what was backed up last.
    let tape = simh::files(&fs::read(place.join("tapes/KIT001.tap")).unwrap());
    let disk = fs::read(place.join("ivm2.img")).unwrap();
    assert_eq!(tape.len(), 1);
    assert!(tape[0] == disk[..2 << 20], "{} bytes on the tape", tape[0].len());
    shows_twice(
        &steps,
        &[
            "diskinfo: can't open /dev/rtape/tape1_BEST: Device busy",
            "diskinfo: can't open /dev/rmt/c0t1d0BEST: No such device or address",
            "the same",
        ],
    );
    println!("checked: the walk through of one tape library and two guests, as documented");
}

//! The walk through of `docs/tape-walkthrough.md`, typed from the page: its blocks `console VSP` are commands of a shell, and
//! `console GUEST` what somebody types on that guest's console, each followed by what is printed.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};

use tests::{Console, Deadline, Vsp, hpvm, simh};

use crate::guest::PROMPT;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// What the VSP's blocks are called, and the prompt of its shell.
const SHELL: (&str, &str) = ("VSP", "# ");
/// In what is printed: anything.
const ANYTHING: &str = "…";

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
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut block = None;
    for (line, text) in (1..).zip(page.lines()) {
        if let Some(kind) = text.strip_prefix("```") {
            block = kind.strip_prefix("console ");
            continue;
        }
        let Some(at) = block else { continue };
        let prompt = if at == SHELL.0 { SHELL.1 } else { PROMPT };
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

fn compare(step: &Step, printed: &str) {
    let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let same = printed.len() == step.expected.len()
        && printed.iter().zip(&step.expected).all(|(printed, expected)| is_as(printed, expected));
    let Step { at, command, expected, line } = step;
    assert!(
        same,
        "docs/tape-walkthrough.md, line {line}, {at}: {command}\nprinted {printed:#?}\nnot {expected:#?}"
    );
}

#[test]
fn the_walk_through_is_as_its_page_says() {
    let vsp = Vsp::new();
    let place = vsp.path("walk");
    fs::create_dir(&place).unwrap();
    vsp.run(&["install-links", &place.join("bin").display().to_string()]).ok();
    let own = [place.join("bin"), hpvm().parent().unwrap().to_owned(), "/usr/bin".into(), "/bin".into()];
    let path = std::env::join_paths(own).unwrap();
    let shell = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec 2>&1; {command}")]).current_dir(&place).stdin(Stdio::null());
        shell.env("PATH", &path).env("HPVM_ROOT", vsp.root()).env("KITTSON", ROOT).env_remove("HPVM_LOG");
        String::from_utf8(shell.output().expect("a shell").stdout).expect("text")
    };
    let page = fs::read_to_string(format!("{ROOT}/docs/tape-walkthrough.md")).unwrap();
    let steps = steps(&page);
    let mut consoles: HashMap<String, Console<'_>> = HashMap::new();
    for step in &steps {
        if step.at == SHELL.0 {
            compare(step, &shell(&step.command));
            continue;
        }
        let console = consoles.entry(step.at.clone()).or_insert_with(|| {
            let mut console = vsp.guest(&step.at).console();
            console.expect(PROMPT, Deadline::Guest);
            console
        });
        console.skip();
        console.line(&step.command);
        console.expect(&step.command, Deadline::Guest);
        let answer = console.expect(PROMPT, Deadline::Guest);
        compare(step, answer.trim_start_matches("\r\n").trim_end_matches(PROMPT));
    }
    // The tape itself, by somebody else's reading of its format: one file, which is what was backed up last.
    let tape = simh::files(&fs::read(place.join("tapes/KIT001.tap")).unwrap());
    let disk = fs::read(place.join("ivm2.img")).unwrap();
    assert_eq!(tape.len(), 1);
    assert!(tape[0] == disk[..2 << 20], "{} bytes on the tape", tape[0].len());
    // The page must not have lost what it is for.
    let printed: Vec<&str> = steps.iter().flat_map(|step| &step.expected).map(String::as_str).collect();
    for message in [
        "diskinfo: can't open /dev/rtape/tape1_BEST: Device busy",
        "diskinfo: can't open /dev/rmt/c0t1d0BEST: No such device or address",
        "the same",
    ] {
        assert!(printed.iter().filter(|line| **line == message).count() >= 2, "{message}");
    }
    println!("checked: the walk through of one tape library and two guests, as documented");
}

//! What an operator does in the console, in a real terminal; asserted is what the screen shows.

use tests::Deadline::{Guest, Soon};
use tests::Terminal;

/// The prompt of the guest in the box.
const PROMPT: &str = "diag#";

/// What the shell says after the console was left.
const LEFT: &str = "left with 0";

fn open(terminal: &Terminal) {
    terminal.line("clear; hpvm; echo left with $?");
}

/// The line of the table that shows `guest`, which begins with its number and its name.
fn row<'a>(screen: &'a str, guest: &str) -> &'a str {
    let shows_guest = |line: &&str| {
        let mut words = line.trim_start_matches(['│', '┃', '▸', ' ']).split_whitespace();
        words.next().is_some_and(|word| word.parse::<u32>().is_ok()) && words.next() == Some(guest)
    };
    screen.lines().find(shows_guest).unwrap_or_default()
}

/// Runs a command at the guest's prompt and waits for the next one.
fn run_in_guest(terminal: &Terminal, command: &str) -> String {
    terminal.line(command);
    terminal.see(Guest, &format!("'{command}' and a prompt below it"), |screen| {
        let below = screen.rsplit_once(&format!("{PROMPT} {command}")).map(|(_, below)| below);
        below.is_some_and(|below| below.contains(PROMPT))
    })
}

#[test]
fn newcomer_starts_demo_uses_its_shell_leaves_comes_back_and_stops_it() {
    let Some(terminal) = Terminal::open() else { return };
    open(&terminal);
    terminal.see_text(Soon, "Welcome to Kittson");
    terminal.press(&["Enter"]);
    terminal.see_text(Guest, PROMPT);
    let screen = run_in_guest(&terminal, "ioscan");
    assert!(screen.contains("HPVM AVIO Stor Adapter") && screen.contains("Virtual FileDisk"), "{screen}");
    run_in_guest(&terminal, "pattern write disk0 count=100 seed=7");

    terminal.press(&["C-b"]);
    terminal.see_text(Soon, "n new");
    terminal.press(&["q"]);
    terminal.see_text(Soon, LEFT);

    open(&terminal);
    let screen = terminal.see(Soon, "demo running, with what it printed before", |screen| {
        row(screen, "demo").contains(" On ") && screen.contains("pattern write")
    });
    assert!(!screen.contains("Welcome"), "a newcomer no more:\n{screen}");
    terminal.press(&["c"]);
    terminal.see_text(Soon, "Ctrl-B leaves the console");
    let screen = run_in_guest(&terminal, "pattern verify disk0 count=100 seed=7");
    assert_eq!(screen.matches("51200 bytes").count(), 2, "written and found again:\n{screen}");

    terminal.press(&["C-b"]);
    terminal.see_text(Soon, "n new");
    terminal.press(&["x"]);
    terminal.see_text(Soon, "Stop the virtual machine 'demo'?");
    terminal.press(&["y"]);
    terminal.see_text(Guest, "Guest demo is off.");
    terminal.see(Soon, "demo off", |screen| row(screen, "demo").contains(" Off "));
    terminal.press(&["q"]);
    terminal.see_text(Soon, LEFT);
}

#[test]
fn guest_is_created_refused_its_start_and_removed() {
    let Some(terminal) = Terminal::open() else { return };
    open(&terminal);
    terminal.see_text(Soon, "Welcome to Kittson");
    terminal.press(&["Escape"]);
    terminal.see_text(Soon, "n new");
    terminal.press(&["n"]);
    terminal.see_text(Soon, "Create guest");
    terminal.type_text("demo");
    terminal.see_text(Soon, "Guest 'demo' already exists");
    terminal.type_text("2");
    terminal.press(&["Tab", "Tab", "Tab"]);
    terminal.type_text("/nonexistent");
    terminal.see_text(Soon, "There is no such file");
    terminal.press(&["C-u", "Enter"]);
    terminal.see_text(Soon, "Guest demo2 is created.");
    terminal.see(Soon, "demo2 in the table", |screen| row(screen, "demo2").contains(" Off "));
    terminal.press(&["s"]);
    terminal.see_text(Soon, "Unable to start guest demo2");
    terminal.press(&["Enter", "d"]);
    terminal.see_text(Soon, "Remove the virtual machine 'demo2'?");
    terminal.press(&["y"]);
    let screen = terminal.see_text(Soon, "Guest demo2 is removed.");
    assert!(row(&screen, "demo2").is_empty() && !row(&screen, "demo").is_empty(), "{screen}");
    terminal.press(&["q"]);
    terminal.see_text(Soon, LEFT);
}

#[test]
fn killed_vsp_is_reported_in_place_and_reattached_when_it_is_back() {
    let Some(mut terminal) = Terminal::open() else { return };
    open(&terminal);
    terminal.see_text(Soon, "Welcome to Kittson");
    terminal.press(&["Escape"]);
    terminal.see_text(Soon, "n new");
    terminal.vsp().kill();
    terminal.see_text(Soon, "No connection to the VSP");
    terminal.vsp().start();
    let screen = terminal.see_text(Soon, "VSP up");
    assert!(!row(&screen, "demo").is_empty(), "{screen}");
    terminal.press(&["q"]);
    terminal.see_text(Soon, LEFT);
}

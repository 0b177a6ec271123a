//! What an operator does in the console, in a real terminal; asserted is what the screen shows.

use tests::Deadline::{Guest, Soon};
use tests::Terminal;

/// The prompt of the guest in the box.
const PROMPT: &str = "diag#";

/// What the shell says after the console was left.
const LEFT: &str = "left with 0";

/// In the footer of the overview.
const OVERVIEW: &str = "n new";

fn open(terminal: &Terminal) {
    terminal.line("clear; hpvm; echo left with $?");
}

/// Opens the console where no VSP runs yet, and has one started.
fn open_for_the_first_time(terminal: &Terminal) {
    open(terminal);
    terminal.see_text(Soon, "No VSP runs here");
    terminal.press(&["Enter"]);
    terminal.see_text(Soon, "Welcome to Kittson");
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

/// Leaves a guest's console by its menu.
fn leave_console(terminal: &Terminal) {
    terminal.press(&["C-b"]);
    terminal.see_text(Soon, "vMP of demo");
    terminal.press(&["x"]);
    terminal.see_text(Soon, OVERVIEW);
}

fn quit(terminal: &Terminal) {
    terminal.press(&["q"]);
    terminal.see_text(Soon, LEFT);
}

#[test]
fn newcomer_starts_demo_uses_its_shell_leaves_comes_back_and_stops_it() {
    let Some(terminal) = Terminal::open() else { return };
    open_for_the_first_time(&terminal);
    terminal.press(&["Enter"]);
    terminal.see_text(Guest, PROMPT);
    let screen = run_in_guest(&terminal, "ioscan");
    assert!(screen.contains("HPVM AVIO Stor Adapter") && screen.contains("Virtual FileDisk"), "{screen}");
    run_in_guest(&terminal, "pattern write disk0 count=100 seed=7");
    leave_console(&terminal);
    quit(&terminal);

    open(&terminal);
    let screen = terminal.see(Soon, "demo running, with what it printed before", |screen| {
        row(screen, "demo").contains(" On ") && screen.contains("pattern write")
    });
    assert!(!screen.contains("Welcome"), "a newcomer no more:\n{screen}");
    terminal.press(&["c"]);
    terminal.see_text(Soon, "Ctrl-B menu");
    let screen = run_in_guest(&terminal, "pattern verify disk0 count=100 seed=7");
    assert_eq!(screen.matches("51200 bytes").count(), 2, "written and found again:\n{screen}");
    leave_console(&terminal);

    terminal.press(&["x"]);
    terminal.see_text(Soon, "Stop the virtual machine 'demo'?");
    terminal.press(&["y"]);
    terminal.see_text(Guest, "Guest demo is off.");
    terminal.see(Soon, "demo off", |screen| row(screen, "demo").contains(" Off "));
    terminal.press(&["m"]);
    terminal.see_text(Soon, "$ hpvmstop -P demo -g -F");
    terminal.press(&["Escape"]);
    terminal.see(Soon, "the messages closed", |screen| !screen.contains("newest first"));
    quit(&terminal);
}

#[test]
fn guest_is_created_refused_its_start_and_removed() {
    let Some(terminal) = Terminal::open() else { return };
    open_for_the_first_time(&terminal);
    terminal.press(&["Escape"]);
    terminal.see_text(Soon, OVERVIEW);
    terminal.press(&["n"]);
    terminal.see_text(Soon, "Create guest");
    terminal.type_text("demo");
    terminal.see_text(Soon, "Guest 'demo' already exists");
    terminal.type_text("2");
    terminal.press(&["Tab", "Tab", "Tab", "Tab"]);
    terminal.type_text("/nonexistent");
    terminal.see_text(Soon, "There is no such file");
    terminal.press(&["C-u"]);
    terminal.see_text(Soon, "$ hpvmcreate -P demo2");
    terminal.press(&["Enter"]);
    terminal.see_text(Soon, "Guest demo2 is created.");
    terminal.see(Soon, "demo2 in the table", |screen| row(screen, "demo2").contains(" Off "));
    terminal.press(&["s"]);
    terminal.see_text(Soon, "Unable to start guest demo2");
    terminal.press(&["Enter", "d"]);
    terminal.see_text(Soon, "Remove the virtual machine 'demo2'?");
    terminal.press(&["y"]);
    let screen = terminal.see_text(Soon, "Guest demo2 is removed.");
    assert!(row(&screen, "demo2").is_empty() && !row(&screen, "demo").is_empty(), "{screen}");
    quit(&terminal);
}

#[test]
fn disk_is_made_added_and_seen_by_the_guest_and_the_database() {
    let Some(terminal) = Terminal::open() else { return };
    let path = terminal.vsp().path("second.img").display().to_string();
    open_for_the_first_time(&terminal);
    terminal.press(&["Escape"]);
    terminal.see_text(Soon, OVERVIEW);
    terminal.press(&["4", "f"]);
    terminal.see_text(Soon, "Make a file for a virtual disk");
    terminal.type_text(&path);
    terminal.press(&["Tab", "C-u"]);
    terminal.type_text("64M");
    terminal.press(&["Enter"]);
    terminal.see_text(Soon, "Made /tmp/");
    terminal.press(&["2", "a"]);
    terminal.see_text(Soon, "Add a device to guest demo");
    terminal.press(&["Tab"]);
    terminal.type_text(&path);
    terminal.see_text(Soon, "$ hpvmmodify -P demo -a");
    terminal.press(&["Enter"]);
    terminal.see(Soon, "the disk among the devices", |screen| {
        screen.contains("second.img") && screen.contains("Devices (2)")
    });
    terminal.press(&["4"]);
    terminal.see(Soon, "the file with its user", |screen| {
        screen.lines().any(|line| line.contains(" demo ") && line.contains("second.img"))
    });
    terminal.press(&["1", "s", "c"]);
    terminal.see_text(Guest, PROMPT);
    let screen = run_in_guest(&terminal, "ioscan");
    assert!(screen.contains("0/0/0/0.1.0  disk"), "{screen}");
    leave_console(&terminal);
    quit(&terminal);
}

#[test]
fn logs_are_followed_filtered_and_searched() {
    let Some(terminal) = Terminal::open() else { return };
    open_for_the_first_time(&terminal);
    terminal.press(&["Escape"]);
    terminal.see_text(Soon, OVERVIEW);
    terminal.press(&["5"]);
    terminal.see_text(Soon, "INFO and above");
    terminal.see_text(Soon, "following");
    terminal.press(&["1", "s"]);
    terminal.see_text(Guest, "Guest demo is started.");
    terminal.press(&["5", "o", "o"]);
    terminal.see(Guest, "the guest's own lines", |screen| {
        screen.contains("demo: ") && !screen.contains(" vsp: ")
    });
    terminal.press(&["R"]);
    terminal.type_text("no(thing|where) like this");
    terminal.see_text(Soon, "No log lines to show.");
    terminal.press(&["Escape"]);
    terminal.see(Soon, "all lines again", |screen| screen.contains("demo: "));
    quit(&terminal);
}

/// Opens the menu over the console that has the keys and presses one there.
fn menu(terminal: &Terminal, guest: &str, key: &str) {
    terminal.press(&["C-b"]);
    terminal.see_text(Soon, &format!("vMP of {guest}"));
    terminal.press(&[key]);
}

#[test]
fn consoles_lie_side_by_side_and_in_tabs_are_searched_copied_and_taken_over() {
    let Some(terminal) = Terminal::open() else { return };
    let vsp = terminal.vsp();
    vsp.start();
    for name in ["east", "west"] {
        vsp.create(name, &["-r", "128M", "-x", "kernel=builtin:diag"]).start_diag();
    }
    open(&terminal);
    terminal.see_text(Soon, OVERVIEW);
    terminal.type_text("/east");
    terminal.press(&["Enter", "c"]);
    terminal.see_text(Soon, "Ctrl-B menu");
    menu(&terminal, "east", "-");
    terminal.see_text(Soon, "Below this console");
    terminal.type_text("west");
    terminal.press(&["Enter"]);
    terminal.see(Soon, "both consoles", |screen| {
        screen.contains("Console east")
            && screen.contains("Console west")
            && screen.matches(PROMPT).count() >= 2
    });
    terminal.type_text("to the west");
    terminal.see_text(Soon, "diag# to the west");
    menu(&terminal, "west", "Tab");
    terminal.type_text("to the east");
    let screen = terminal.see_text(Soon, "diag# to the east");
    let place = |text| screen.find(text).unwrap_or_else(|| panic!("{text}:\n{screen}"));
    assert!(place("to the east") < place("Console west") && place("Console west") < place("to the west"));
    terminal.press(&["C-u"]);

    menu(&terminal, "east", "t");
    terminal.see_text(Soon, "Open the console of");
    terminal.type_text("demo");
    terminal.press(&["Enter"]);
    terminal
        .see(Soon, "two tabs", |screen| screen.contains("east + west") && screen.contains("Console demo"));
    menu(&terminal, "demo", "p");
    terminal.see_text(Soon, "Console east");
    menu(&terminal, "east", "f");
    terminal.see(Soon, "the two alone", |screen| !screen.contains("Overview"));
    menu(&terminal, "east", "f");
    terminal.see_text(Soon, "Overview");

    run_in_guest(&terminal, "rescan");
    terminal.press(&["PageUp"]);
    terminal.see_text(Soon, "earlier output");
    terminal.press(&["/"]);
    terminal.see_text(Soon, "Search upwards for");
    terminal.type_text("nothing like this");
    terminal.press(&["Enter"]);
    terminal.see_text(Soon, "nothing matches");
    terminal.press(&["C-u"]);
    terminal.type_text("Dual-Core Intel.R. Itanium");
    terminal.press(&["Enter"]);
    terminal.see(Soon, "the search over", |screen| !screen.contains("Search upwards"));
    terminal.press(&["y"]);
    terminal.see_text(Soon, "characters are copied");
    terminal.see_copied("Dual-Core Intel(R) Itanium");

    let guest = terminal.vsp().guest("east");
    let somebody = guest.console();
    terminal.see_text(Soon, "read only: somebody else writes");
    terminal.type_text("lost");
    menu(&terminal, "east", "w");
    terminal.see(Soon, "write access", |screen| !screen.contains("read only"));
    drop(somebody);
    let screen = run_in_guest(&terminal, "dd if=/dev/zero of=/dev/null count=1");
    assert!(!screen.contains("lost"), "{screen}");
    menu(&terminal, "east", "x");
    terminal.see_text(Soon, OVERVIEW);
    quit(&terminal);
}

#[test]
fn console_is_used_again_when_a_killed_vsp_is_back() {
    let Some(terminal) = Terminal::open() else { return };
    open_for_the_first_time(&terminal);
    terminal.press(&["Enter"]);
    terminal.see_text(Guest, PROMPT);
    run_in_guest(&terminal, "pattern write disk0 count=100 seed=7");
    terminal.vsp().kill();
    terminal.see_text(Soon, "No connection to the VSP");
    terminal.vsp().start();
    terminal.see(Soon, "the connection", |screen| {
        screen.contains("VSP up") && !screen.contains("No connection") && screen.contains("Ctrl-B menu")
    });
    let screen = run_in_guest(&terminal, "pattern verify disk0 count=100 seed=7");
    assert_eq!(screen.matches("51200 bytes").count(), 2, "the guest has gone on:\n{screen}");
    leave_console(&terminal);
    quit(&terminal);
}

#[test]
fn killed_vsp_is_reported_in_place_and_reattached_when_it_is_back() {
    let Some(terminal) = Terminal::open() else { return };
    open_for_the_first_time(&terminal);
    terminal.press(&["Escape"]);
    terminal.see_text(Soon, OVERVIEW);
    terminal.vsp().kill();
    let screen = terminal.see_text(Soon, "No connection to the VSP");
    assert!(!row(&screen, "demo").is_empty(), "what was known stays:\n{screen}");
    terminal.vsp().start();
    let screen = terminal.see_text(Soon, "VSP up");
    assert!(!row(&screen, "demo").is_empty(), "{screen}");
    quit(&terminal);
}

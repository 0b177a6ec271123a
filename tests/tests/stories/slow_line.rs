//! An operator's terminal that takes little, or nothing for a while, as one behind a slow or a stalled line does.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::Deadline::{Guest as GuestTime, Soon};
use tests::{Guest, Program, Pty, Vsp, wait_for};

const SIZE: (u16, u16) = (160, 50);
/// What lies on the way to a terminal and cannot be taken back, in bytes: the kernel keeps 8 KiB for it and a page
/// more, the console has one frame on its way, and the newest one follows.
const ON_THE_WAY: u64 = 64 << 10;
/// Printed by the guest while nobody reads, in bytes.
const FLOOD: u64 = 4 << 20;
/// By how much the console may grow meanwhile, in KiB.
const GROWTH_KIB: u64 = 8 << 10;

fn open(vsp: &Vsp) -> anyhow::Result<Pty> {
    let mut terminal = Pty::open(&vsp.command(&[]), SIZE)?;
    terminal.see(Soon.length(), "the overview", |screen| screen.contains("n new"))?;
    Ok(terminal)
}

/// The same with the guest that prints selected, whose console is shown below the table.
fn open_at_flood(vsp: &Vsp) -> anyhow::Result<Pty> {
    let mut terminal = open(vsp)?;
    terminal.press(b"/flood\r")?;
    terminal.see(Soon.length(), "the console that is flooded", |screen| screen.contains("Console flood"))?;
    Ok(terminal)
}

/// Waits until the guest has printed so much that anything without bounds had to show it.
fn wait_for_flood(guest: &Guest<'_>) {
    let begin = guest.printed();
    let more = || (guest.printed() >= begin + FLOOD).then_some(());
    wait_for(GuestTime, "the guest to print", || format!("{} bytes", guest.printed() - begin), more);
}

fn resident_kib(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().expect("a process has a size")
}

/// Waits until the console has ended; its status.
fn end(program: &mut Program) -> Option<i32> {
    let status =
        wait_for(Soon, "the console to end", String::new, || program.ended().expect("it is a child"));
    status.code()
}

#[test]
fn terminal_that_stops_reading_holds_up_nothing_and_then_shows_the_newest() -> anyhow::Result<()> {
    let vsp = Vsp::new();
    vsp.start();
    let guest = vsp.create("flood", &["-r", "128M", "-x", "kernel=builtin:diag"]);
    guest.start_diag();
    guest.flood(|| -> anyhow::Result<()> {
        let mut terminal = open_at_flood(&vsp)?;
        terminal.press(b"c")?;
        terminal.see(Soon.length(), "the console", |screen| screen.contains("Ctrl-B"))?;
        let pid = terminal.program().pid();
        wait_for_flood(&guest);
        let before = resident_kib(pid);
        wait_for_flood(&guest);
        terminal.press(b"\x02x4")?;
        wait_for_flood(&guest);
        let grown = resident_kib(pid).saturating_sub(before);
        assert!(grown < GROWTH_KIB, "{grown} KiB");

        let before = terminal.bytes();
        terminal.see(Soon.length(), "the storage screen", |screen| screen.contains("Device database"))?;
        let read = terminal.bytes() - before;
        assert!(read < ON_THE_WAY, "{read} bytes before the newest frame");
        println!("stopped terminal: {grown} KiB more, the newest after {read} bytes");
        Ok(())
    })
}

#[test]
fn console_ends_at_once_although_its_terminal_has_stopped_and_gives_it_back() -> anyhow::Result<()> {
    let vsp = Vsp::new();
    vsp.start();
    let guest = vsp.create("flood", &["-r", "128M", "-x", "kernel=builtin:diag"]);
    guest.start_diag();
    guest.flood(|| -> anyhow::Result<()> {
        for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
            let mut terminal = open_at_flood(&vsp)?;
            wait_for_flood(&guest);
            kill(Pid::from_raw(terminal.program().pid()), signal)?;
            assert_eq!(end(terminal.program()), Some(0), "{signal}");
            while terminal.read(4096, Instant::now() + Duration::from_millis(1))? > 0 {}
            assert!(terminal.is_given_back()?, "{signal}:\n{}", terminal.screen());
        }
        let terminal = open_at_flood(&vsp)?;
        wait_for_flood(&guest);
        end(&mut terminal.hang_up());
        Ok(())
    })
}

#[test]
fn slow_line_has_differences_only_and_is_left_free_for_keys() -> anyhow::Result<()> {
    const PIECE: usize = 100;
    const PIECES_PER_SECOND: u32 = 100;
    const KEYS: usize = 10;
    const HELP: &str = "Use the selected guest's console";
    /// A key's frame, and what may lie before it: the kernel's share and a frame. In bytes.
    const KEY_BYTES: u64 = 24 << 10;
    let vsp = Vsp::new();
    vsp.start();
    let guest = vsp.create("flood", &["-r", "128M", "-x", "kernel=builtin:diag"]);
    guest.start_diag();
    let mut terminal = guest.flood(|| -> anyhow::Result<Pty> {
        let mut terminal = open_at_flood(&vsp)?;
        terminal.take_read();
        let mut next = Instant::now();
        let mut read_slowly = |terminal: &mut Pty, is_there: &dyn Fn(&str) -> bool| -> anyhow::Result<u64> {
            let (begin, end) = (terminal.bytes(), Instant::now() + Soon.length());
            while !is_there(&terminal.screen()) {
                anyhow::ensure!(Instant::now() < end, "waited in vain:\n{}", terminal.screen());
                thread::park_timeout(next.saturating_duration_since(Instant::now()));
                next = next.max(Instant::now()) + Duration::from_secs(1) / PIECES_PER_SECOND;
                terminal.read(PIECE, next)?;
            }
            Ok(terminal.bytes() - begin)
        };
        let mut bytes = Vec::new();
        for _ in 0..KEYS {
            for (key, is_shown) in [(b"?", true), (b"q", false)] {
                let until = terminal.bytes() + 5000;
                while terminal.bytes() < until {
                    let before = terminal.bytes();
                    let look = terminal.screen();
                    read_slowly(&mut terminal, &|screen| screen != look)?;
                    anyhow::ensure!(terminal.bytes() > before, "nothing is printed");
                }
                terminal.press(key)?;
                let read = read_slowly(&mut terminal, &|screen| screen.contains(HELP) == is_shown)?;
                bytes.push(read);
            }
        }
        bytes.sort_unstable();
        let (median, worst) = (bytes[bytes.len() / 2], bytes[bytes.len() - 1]);
        println!("slow line: a key is seen after {median} bytes, {worst} at most");
        assert!(worst < KEY_BYTES, "a key is seen after {worst} bytes");
        Ok(terminal)
    })?;
    terminal.read_until(Instant::now() + Duration::from_secs(2))?;
    let read = terminal.take_read();
    let whole = read.windows(4).filter(|bytes| bytes == b"\x1b[2J").count();
    assert_eq!(whole, 0, "the screen is never drawn anew");
    Ok(())
}

#[test]
fn keys_and_a_new_size_that_come_at_once_are_both_taken() -> anyhow::Result<()> {
    let vsp = Vsp::new();
    vsp.start();
    vsp.create("ivm1", &[]);
    let mut terminal = open(&vsp)?;
    let console = Pid::from_raw(terminal.program().pid());
    let rounds: [(&[u8], _, _); 2] = [(b"4", (100, 30), "Device database"), (b"1", (120, 40), "Guests")];
    for (key, (columns, lines), shown) in rounds.into_iter().cycle().take(40) {
        kill(console, Signal::SIGSTOP)?;
        terminal.press(key)?;
        terminal.resize(columns, lines)?;
        kill(console, Signal::SIGCONT)?;
        // The footer is the last line of the new size.
        let is_there = |screen: &str| {
            screen.contains(shown) && screen.lines().last().is_some_and(|line| line.contains("? help"))
        };
        terminal.see(Soon.length(), "the other screen in the new size", is_there)?;
    }
    Ok(())
}

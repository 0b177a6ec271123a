//! The operator console in a terminal, as an operator has it: how long from a key to what it changes on the screen, while
//! nothing is printed and while a guest prints without end; what an idle console costs its host; and what `htop` and
//! `btop` cost in the same terminal, where they are installed.
//!
//!     cargo bench -p tests --bench console [-- idle | keys]
//!
//! The terminal is a pseudo-terminal of 160 columns and 50 lines whose output a terminal emulator reads; a key's time is
//! from its writing until the emulator's screen shows the effect. Guests print by their own programs: the diagnostic one
//! lists its commands again and again, Linux (where its images are) runs `yes`. Nothing else should be running.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::unistd::{SysconfVar, sysconf};
use tests::{DIAG_PROMPT, Guest, Pty, Vsp, linux};

const COLUMNS: u16 = 160;
const LINES: u16 = 50;
/// Pairs of keys of one measurement.
const PAIRS: usize = 100;
/// Longest time for a key to have its effect, and for a program to show its first screen.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a program is left alone before it counts as idle, and how long it is watched then.
const SETTLING: Duration = Duration::from_secs(5);
const WATCH: Duration = Duration::from_secs(60);

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_chosen = |what: &str| chosen.is_empty() || chosen.iter().any(|word| word == what);
    let vsp = Vsp::new();
    vsp.start();
    let quiet = diag(&vsp, "quiet");
    if is_chosen("keys") {
        keys(&vsp, "nothing is printed", &quiet, None)?;
        let flood = diag(&vsp, "flood");
        flood.flood(|| keys(&vsp, "the diagnostic guest prints", &quiet, Some(&flood)))?;
        flood.stop();
        if let Some(lin) = linux::create(&vsp, "lin", "2", &[]) {
            let mut console = linux::begin(&lin);
            linux::come_up_bare(&mut console);
            // Both processors are busy, and one of them prints.
            console
                .line("while :; do :; done & yes 'a line of what a guest prints when it prints without end'");
            drop(console);
            keys(&vsp, "Linux prints", &quiet, Some(&lin))?;
            lin.stop();
        }
    }
    if is_chosen("idle") {
        println!("{:16} {:>9} {:>9} {:>10} {:>9}", "idle", "start ms", "% a core", "bytes/min", "MiB");
        idle("hpvm", vsp.command(&[]), "quiet")?;
        for (program, shown) in [("htop", "F10"), ("btop", "cpu")] {
            match idle(program, Command::new(program), shown) {
                Ok(()) => {}
                Err(error) => println!("skipped: {program}: {error}"),
            }
        }
    }
    Ok(())
}

/// A guest with the diagnostic program that waits for commands.
fn diag<'a>(vsp: &'a Vsp, name: &str) -> Guest<'a> {
    let guest = vsp.create(name, &["-r", "128M", "-x", "kernel=builtin:diag"]);
    guest.start_diag();
    guest
}

/// Measures keys of the console's own, and keys that another guest than the one that prints echoes.
fn keys(vsp: &Vsp, case: &str, quiet: &Guest<'_>, flood: Option<&Guest<'_>>) -> Result<()> {
    let mut terminal = Terminal::open(&vsp.command(&[]))?;
    terminal.see("the overview", |screen| screen.contains("quiet"))?;
    let mut before = Usage::of(vsp, &mut terminal, flood)?;
    let begin = Instant::now();
    let first = flood.unwrap_or(quiet);
    terminal.pty.press(format!("/{}\r", first.name()).as_bytes())?;
    terminal.see("the guest alone", |screen| screen.contains("Guests with"))?;
    let help = terminal.pairs((b"?", "Use the selected guest's console"), b"\x1b")?;
    report(case, "the help over a preview", help);
    terminal.pty.press(b"c")?;
    terminal.see("the console", |screen| screen.contains("Ctrl-B"))?;
    let menu = terminal.pairs((b"\x02", "vMP of"), b"\x1b")?;
    report(case, "the menu over a console", menu);
    if flood.is_some() {
        terminal.pty.press(b"\x02|")?;
        terminal.see("the choice", |screen| screen.contains(quiet.name()))?;
        terminal.pty.press(quiet.name().as_bytes())?;
        terminal.pty.press(b"\r")?;
    }
    terminal.see("the prompt", |screen| screen.contains(DIAG_PROMPT))?;
    let echo = terminal.pairs((b"x", "diag# x"), b"\x7f")?;
    report(case, "the echo of a guest", echo);
    let after = Usage::of(vsp, &mut terminal, flood)?;
    before.report(case, &after, begin.elapsed());
    Ok(())
}

fn report(case: &str, what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "{case}: {what}: median {:.2} ms, p95 {:.2}, p99 {:.2}, worst {:.2}",
        at(50),
        at(95),
        at(99),
        at(100)
    );
}

/// What the processes have used so far, in clock ticks; bytes printed and drawn.
struct Usage {
    ticks: BTreeMap<&'static str, u64>,
    printed: u64,
    drawn: u64,
}

impl Usage {
    fn of(vsp: &Vsp, terminal: &mut Terminal, flood: Option<&Guest<'_>>) -> Result<Usage> {
        let mut ticks = BTreeMap::from([("console", ticks(terminal.pty.program().pid())?)]);
        ticks.insert("VSP", crate::ticks(vsp.pid().ok_or("no VSP")?)?);
        let mut printed = 0;
        if let Some(flood) = flood {
            ticks.insert("guest", crate::ticks(flood.pid())?);
            printed = flood.printed();
        }
        Ok(Usage { ticks, printed, drawn: terminal.pty.bytes() })
    }

    fn report(&mut self, case: &str, after: &Usage, time: Duration) {
        let seconds = time.as_secs_f64();
        print!("{case}:");
        for (name, ticks) in &after.ticks {
            let share = (ticks - self.ticks[name]) as f64 / ticks_per_second() / seconds;
            print!(" {name} {:.0} % of a core,", 100.0 * share);
        }
        let kilobytes = |bytes: u64| bytes as f64 / 1e3 / seconds;
        let (printed, drawn) = (after.printed - self.printed, after.drawn - self.drawn);
        println!(" {:.0} kB/s printed, {:.1} kB/s drawn", kilobytes(printed), kilobytes(drawn));
    }
}

fn ticks_per_second() -> f64 {
    sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100) as f64
}

/// User and system time of a process (proc_pid_stat(5)).
fn ticks(pid: i32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(')').ok_or("no stat")?.1.split_whitespace().collect();
    Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
}

/// Resident memory of a process, in MiB.
fn resident(pid: i32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

/// What a program costs that nobody uses.
fn idle(name: &str, command: Command, shown: &str) -> Result<()> {
    let begin = Instant::now();
    let mut terminal = Terminal::open(&command)?;
    terminal.see(shown, |screen| screen.contains(shown))?;
    let start = begin.elapsed();
    terminal.pty.read_until(Instant::now() + SETTLING)?;
    let pid = terminal.pty.program().pid();
    let (bytes, used) = (terminal.pty.bytes(), ticks(pid)?);
    terminal.pty.read_until(Instant::now() + WATCH)?;
    let share = (ticks(pid)? - used) as f64 / ticks_per_second() / WATCH.as_secs_f64();
    println!(
        "{name:16} {:9.0} {:9.2} {:10} {:9.1}",
        start.as_secs_f64() * 1e3,
        100.0 * share,
        (terminal.pty.bytes() - bytes) * 60 / WATCH.as_secs(),
        resident(pid)?
    );
    Ok(())
}

/// A program in a terminal of its own, and the times at which keys are pressed there.
struct Terminal {
    pty: Pty,
    /// Spreads the times.
    random: u64,
}

impl Terminal {
    fn open(command: &Command) -> Result<Terminal> {
        Ok(Terminal { pty: Pty::open(command, (COLUMNS, LINES))?, random: 0x2545_f491 })
    }

    fn see(&mut self, what: &str, is_there: impl Fn(&str) -> bool) -> Result<()> {
        Ok(self.pty.see(PATIENCE, what, is_there)?)
    }

    /// Presses a key that makes a text appear, and one that makes it disappear, by turns: how long each took.
    fn pairs(&mut self, (show, text): (&[u8], &str), hide: &[u8]) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..PAIRS {
            for (key, is_shown) in [(show, true), (hide, false)] {
                self.random ^= self.random << 13;
                self.random ^= self.random >> 7;
                self.random ^= self.random << 17;
                self.pty.read_until(Instant::now() + Duration::from_millis(25 + self.random % 50))?;
                let begin = Instant::now();
                self.pty.press(key)?;
                self.see(text, |screen| screen.contains(text) == is_shown)?;
                times.push(begin.elapsed());
            }
        }
        Ok(times)
    }
}

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
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::term::{Config, Term};
use alacritty_terminal::vte::ansi::{Processor, StdSyncHandler};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{SysconfVar, sysconf};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tests::{Deadline, Guest, Vsp, linux};

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
        feed(&flood, || keys(&vsp, "the diagnostic guest prints", &quiet, Some(&flood)))?;
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
    let mut console = guest.console();
    guest.start();
    console.expect(PROMPT, Deadline::Guest);
    guest
}

/// What the diagnostic program writes when it waits for a command.
const PROMPT: &str = "diag# ";

/// Keeps a diagnostic guest printing while `work` goes on.
fn feed<T>(guest: &Guest<'_>, work: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut console = guest.console();
            let line = vec!["help"; 50].join(";");
            while !is_over.load(Ordering::Relaxed) {
                console.line(&line);
                console.expect(PROMPT, Deadline::Guest);
            }
        });
        let result = work();
        is_over.store(true, Ordering::Relaxed);
        result
    })
}

/// Measures keys of the console's own, and keys that another guest than the one that prints echoes.
fn keys(vsp: &Vsp, case: &str, quiet: &Guest<'_>, flood: Option<&Guest<'_>>) -> Result<()> {
    let mut terminal = Terminal::open(vsp.command(&[]))?;
    terminal.see("the overview", |screen| screen.contains("quiet"))?;
    let mut before = Usage::of(vsp, &terminal, flood)?;
    let begin = Instant::now();
    let first = flood.unwrap_or(quiet);
    terminal.press(format!("/{}\r", first.name()).as_bytes())?;
    terminal.see("the guest alone", |screen| screen.contains("Guests with"))?;
    let help = terminal.pairs((b"?", "Use the selected guest's console"), b"\x1b")?;
    report(case, "the help over a preview", help);
    terminal.press(b"c")?;
    terminal.see("the console", |screen| screen.contains("Ctrl-B"))?;
    let menu = terminal.pairs((b"\x02", "vMP of"), b"\x1b")?;
    report(case, "the menu over a console", menu);
    if flood.is_some() {
        terminal.press(b"\x02|")?;
        terminal.see("the choice", |screen| screen.contains(quiet.name()))?;
        terminal.press(quiet.name().as_bytes())?;
        terminal.press(b"\r")?;
    }
    terminal.see("the prompt", |screen| screen.contains(PROMPT))?;
    let echo = terminal.pairs((b"x", "diag# x"), b"\x7f")?;
    report(case, "the echo of a guest", echo);
    let after = Usage::of(vsp, &terminal, flood)?;
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
    fn of(vsp: &Vsp, terminal: &Terminal, flood: Option<&Guest<'_>>) -> Result<Usage> {
        let mut ticks = BTreeMap::from([("console", ticks(terminal.child.id() as i32)?)]);
        ticks.insert("VSP", crate::ticks(vsp.pid().ok_or("no VSP")?)?);
        let mut printed = 0;
        if let Some(flood) = flood {
            ticks.insert("guest", crate::ticks(flood.pid())?);
            let figures = vsp.client().figures(None)?;
            let own = figures.iter().find(|guest| guest.name == flood.name());
            printed = own.and_then(|guest| guest.machine.as_ref()).map_or(0, |machine| machine.console_bytes);
        }
        Ok(Usage { ticks, printed, drawn: terminal.bytes })
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
    let mut terminal = Terminal::open(command)?;
    terminal.see(shown, |screen| screen.contains(shown))?;
    let start = begin.elapsed();
    terminal.read_until(Instant::now() + SETTLING)?;
    let pid = terminal.child.id() as i32;
    let (bytes, used) = (terminal.bytes, ticks(pid)?);
    terminal.read_until(Instant::now() + WATCH)?;
    let share = (ticks(pid)? - used) as f64 / ticks_per_second() / WATCH.as_secs_f64();
    println!(
        "{name:16} {:9.0} {:9.2} {:10} {:9.1}",
        start.as_secs_f64() * 1e3,
        100.0 * share,
        (terminal.bytes - bytes) * 60 / WATCH.as_secs(),
        resident(pid)?
    );
    Ok(())
}

/// A program in a terminal of its own.
struct Terminal {
    child: Child,
    master: File,
    emulator: Term<VoidListener>,
    parser: Processor<StdSyncHandler>,
    /// Written by the program so far.
    bytes: u64,
    /// Spreads the times at which keys are pressed.
    random: u64,
}

/// The size of an emulator.
struct Size;

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        LINES.into()
    }

    fn screen_lines(&self) -> usize {
        LINES.into()
    }

    fn columns(&self) -> usize {
        COLUMNS.into()
    }
}

impl Terminal {
    /// Starts a program as the leader of a session of this terminal.
    fn open(command: Command) -> Result<Terminal> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        tcsetwinsize(&master, Winsize { ws_row: LINES, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 })?;
        let path = ptsname(&master, Vec::new())?;
        let slave = File::options().read(true).write(true).open(path.to_str()?)?;
        let end = || -> Result<Stdio> { Ok(Stdio::from(OwnedFd::from(slave.try_clone()?))) };
        let mut session = Command::new("setsid");
        session.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        session.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        let child = session.stdin(end()?).stdout(end()?).stderr(end()?).spawn()?;
        let emulator = Term::new(Config::default(), &Size, VoidListener);
        let master = File::from(master);
        Ok(Terminal { child, master, emulator, parser: Processor::new(), bytes: 0, random: 0x2545_f491 })
    }

    fn press(&mut self, keys: &[u8]) -> Result<()> {
        Ok(self.master.write_all(keys)?)
    }

    /// Shows what the program writes, until `end` at most; whether it wrote something.
    fn read(&mut self, end: Instant) -> Result<bool> {
        let left = end.saturating_duration_since(Instant::now());
        let wait = PollTimeout::try_from(left.as_millis() + 1)?;
        let mut polled = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, wait)? == 0 {
            return Ok(false);
        }
        let mut buffer = [0; 1 << 16];
        let n = self.master.read(&mut buffer)?;
        self.bytes += n as u64;
        self.parser.advance(&mut self.emulator, &buffer[..n]);
        Ok(true)
    }

    fn read_until(&mut self, end: Instant) -> Result<()> {
        while Instant::now() < end {
            self.read(end)?;
        }
        Ok(())
    }

    fn screen(&self) -> String {
        let mut screen = String::new();
        for cell in self.emulator.grid().display_iter() {
            screen.push(cell.c);
            if cell.point.column.0 + 1 == usize::from(COLUMNS) {
                screen.push('\n');
            }
        }
        screen
    }

    /// Waits until the screen is so.
    fn see(&mut self, what: &str, is_there: impl Fn(&str) -> bool) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !is_there(&self.screen()) {
            if Instant::now() > end {
                return Err(format!("waited for {what}; the screen:\n{}", self.screen()).into());
            }
            self.read(end)?;
        }
        Ok(())
    }

    /// Presses a key that makes a text appear, and one that makes it disappear, by turns: how long each took.
    fn pairs(&mut self, (show, text): (&[u8], &str), hide: &[u8]) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..PAIRS {
            for (key, is_shown) in [(show, true), (hide, false)] {
                self.random ^= self.random << 13;
                self.random ^= self.random >> 7;
                self.random ^= self.random << 17;
                self.read_until(Instant::now() + Duration::from_millis(25 + self.random % 50))?;
                let begin = Instant::now();
                self.press(key)?;
                self.see(text, |screen| screen.contains(text) == is_shown)?;
                times.push(begin.elapsed());
            }
        }
        Ok(times)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has nothing to lose.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

//! A program in a pseudo-terminal whose output is read at the pace of a test: by turns, slowly, or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::term::{Config, Term, TermMode};
use alacritty_terminal::vte::ansi::{Processor, StdSyncHandler};
use anyhow::{Context as _, bail};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// What one read takes at most.
const PIECE_BYTES: usize = 1 << 16;

/// A program that does not outlive its test.
pub struct Program(Child);

impl Program {
    /// Its process.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap_or(i32::MAX)
    }

    /// How it has ended, if it has.
    ///
    /// # Errors
    /// If that is not to be known.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.0.try_wait().context("no process")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has nothing to lose.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program, its terminal, and what that shows of what was read.
pub struct Pty {
    program: Program,
    master: File,
    /// Kept so that the terminal outlives the program.
    slave: File,
    emulator: Term<VoidListener>,
    parser: Processor<StdSyncHandler>,
    size: Size,
    read: Vec<u8>,
    bytes: u64,
}

/// Columns and lines.
#[derive(Clone, Copy)]
struct Size(u16, u16);

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.1.into()
    }

    fn screen_lines(&self) -> usize {
        self.1.into()
    }

    fn columns(&self) -> usize {
        self.0.into()
    }
}

impl From<Size> for Winsize {
    fn from(Size(ws_col, ws_row): Size) -> Winsize {
        Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 }
    }
}

impl Pty {
    /// Starts a program as the leader of a session of this terminal.
    ///
    /// # Errors
    /// If there is no pseudo-terminal, or no such program.
    pub fn open(command: &Command, (columns, lines): (u16, u16)) -> anyhow::Result<Pty> {
        let size = Size(columns, lines);
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        tcsetwinsize(&master, size.into())?;
        let path = ptsname(&master, Vec::new())?;
        let slave = File::options().read(true).write(true).open(path.to_str()?)?;
        let end = || -> io::Result<Stdio> { Ok(Stdio::from(OwnedFd::from(slave.try_clone()?))) };
        let mut session = Command::new("setsid");
        session.arg("--ctty").arg(command.get_program()).args(command.get_args());
        session.env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        let program = Program(session.stdin(end()?).stdout(end()?).stderr(end()?).spawn()?);
        let emulator = Term::new(Config::default(), &size, VoidListener);
        let (master, parser) = (File::from(master), Processor::new());
        Ok(Pty { program, master, slave, emulator, parser, size, read: Vec::new(), bytes: 0 })
    }

    /// The program.
    pub fn program(&mut self) -> &mut Program {
        &mut self.program
    }

    /// Bytes that were read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What was read since this was asked last.
    pub fn take_read(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.read)
    }

    /// Presses keys, as the bytes that a terminal sends for them.
    ///
    /// # Errors
    /// If the program's terminal is gone.
    pub fn press(&mut self, keys: &[u8]) -> anyhow::Result<()> {
        Ok(self.master.write_all(keys)?)
    }

    /// Gives the terminal another size.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn resize(&mut self, columns: u16, lines: u16) -> anyhow::Result<()> {
        self.size = Size(columns, lines);
        self.emulator.resize(self.size);
        Ok(tcsetwinsize(&self.master, self.size.into())?)
    }

    /// Shows what the program writes, no more than so many bytes at once and until `end` at most; how many there were.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn read(&mut self, most: usize, end: Instant) -> anyhow::Result<usize> {
        let left = end.saturating_duration_since(Instant::now());
        let wait = PollTimeout::try_from(left.as_millis() + 1)?;
        let mut polled = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, wait)? == 0 {
            return Ok(0);
        }
        let mut buffer = vec![0; most.min(PIECE_BYTES)];
        let n = self.master.read(&mut buffer)?;
        self.bytes += n as u64;
        self.read.extend_from_slice(&buffer[..n]);
        self.parser.advance(&mut self.emulator, &buffer[..n]);
        Ok(n)
    }

    /// Shows everything that the program writes until then.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn read_until(&mut self, end: Instant) -> anyhow::Result<()> {
        while Instant::now() < end {
            self.read(PIECE_BYTES, end)?;
        }
        Ok(())
    }

    /// What the screen shows: lines of all columns.
    pub fn screen(&self) -> String {
        let mut screen = String::new();
        for cell in self.emulator.grid().display_iter() {
            screen.push(cell.c);
            if cell.point.column.0 + 1 == self.size.columns() {
                screen.push('\n');
            }
        }
        screen
    }

    /// Reads until the screen is so.
    ///
    /// # Errors
    /// After `patience`, with the screen; if the terminal is gone.
    pub fn see(
        &mut self,
        patience: Duration,
        what: &str,
        is_there: impl Fn(&str) -> bool,
    ) -> anyhow::Result<()> {
        let end = Instant::now() + patience;
        while !is_there(&self.screen()) {
            if Instant::now() > end {
                bail!("waited for {what}; the screen:\n{}", self.screen());
            }
            self.read(PIECE_BYTES, end)?;
        }
        Ok(())
    }

    /// Whether the terminal is as a shell wants it: lines are edited and echoed, there is no alternate screen, no report
    /// of the mouse, and the cursor is shown.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn is_given_back(&self) -> anyhow::Result<bool> {
        let modes = tcgetattr(&self.slave)?.local_modes;
        let screen = *self.emulator.mode();
        Ok(modes.contains(LocalModes::ICANON | LocalModes::ECHO)
            && screen.contains(TermMode::SHOW_CURSOR)
            && !screen.intersects(TermMode::ALT_SCREEN | TermMode::MOUSE_MODE | TermMode::BRACKETED_PASTE))
    }

    /// Ends the terminal as one does whose window is closed; the program that is left.
    pub fn hang_up(self) -> Program {
        self.program
    }
}

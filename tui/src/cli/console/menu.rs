//! vMP's menus.

use std::io::Write;

use ipc::log::LogSource;
use ipc::message::{ClientToVsp, Event, GuestRef, LogQuery, StopMode, Subscription};

use super::attach::{Left, Until, attach};
use super::input::{Ended, Input};
use crate::cli::failure::{Failure, print_remarks};
use crate::cli::link;

/// Bytes of the console log that CL shows.
const LOG_BYTES: u64 = 256 << 10;
/// Records of the guest's log that are shown.
const LOG_RECORDS: u32 = 200;

const MAIN: &str = "
   vMP MAIN MENU

         CO: Console
         CM: Command Menu
         CL: Console Log
         SL: Show Event Logs
         VM: Virtual Machine Menu
         HE: Main Help Menu
         X: Exit Connection
";

const COMMANDS: &str = "
   vMP COMMAND MENU

         PC: Power Control (-on, -off, -cycle)
         RS: Reset the guest
         TC: Transfer of control (INIT)
         GR: Graceful shutdown
         IN: Insert a disc
         EJ: Eject a disc
         REC: Recorded console output (-view)
         WHO: Who is at the console
         DI: Disconnect somebody
         HE: Help
         MA: Main menu
";

const HELP: &str = "
   Commands may be typed in any case, and those of the command menu here, too.
   Operators of the guest have CO, CL, SL, VM, REC and WHO; its administrators have all of them.

         CO  attach to the guest's console; Ctrl-B returns here
         CL  show the stored console output
         SL  show the log of the guest's process
         VM  show the guest's state
         PC  power control: PC -on, PC -off, PC -cycle
         RS  reset the guest
         TC  transfer of control: INIT to the guest's processors; its operating system
             reports their state, or the guest is reset if it does not know INIT
         GR  ask the guest's operating system to shut down
         IN  put a disc into a DVD drive that has none
         EJ  take the disc out of a DVD drive
         REC show recorded console output: REC -view
         WHO show who is at the console
         DI  end somebody's session at the console
         MA  main menu
         CM  command menu
         HE  this text; TOPICS is the same
         X   leave
";

/// One session at a guest's vMP.
pub(super) struct Menu<'a> {
    pub(super) guest: String,
    pub(super) input: Input,
    pub(super) quiet: bool,
    pub(super) until: Option<Until>,
    pub(super) out: &'a mut dyn Write,
}

/// What a command leads to.
#[derive(PartialEq, Eq)]
enum Next {
    Menu(Place),
    Exit,
    /// There is no such command.
    Unknown,
}

/// Which menu a prompt belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Main,
    Commands,
}

impl Menu<'_> {
    /// Shows the main menu and obeys until the user leaves.
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        if !self.quiet {
            writeln!(self.out, "{MAIN}")?;
        }
        let mut menu = Place::Main;
        loop {
            let prompt = if menu == Place::Main { "vMP>" } else { "vMP:CM>" };
            write!(self.out, "[{}] {prompt} ", self.guest)?;
            self.out.flush()?;
            let Ok(line) = self.input.line() else {
                writeln!(self.out)?;
                return Ok(());
            };
            match self.obey(&line, menu) {
                Ok(Next::Menu(next)) => menu = next,
                Ok(Next::Unknown) => writeln!(self.out, "Invalid command.")?,
                Ok(Next::Exit) => return Ok(()),
                // A refusal is no reason to leave.
                Err(Failure::Refused(refusal)) => print_remarks(super::SPEC.classic, &refusal.remarks),
                Err(other) => return Err(other),
            }
        }
    }

    /// Obeys one command.
    pub(super) fn run_one(&mut self, command: &str) -> Result<(), Failure> {
        match self.obey(command, Place::Main)? {
            Next::Unknown => Err(Failure::message(format!("Invalid command '{command}'. See -c help."))),
            Next::Menu(_) | Next::Exit => Ok(()),
        }
    }

    fn obey(&mut self, line: &str, menu: Place) -> Result<Next, Failure> {
        let words: Vec<String> = line.split_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] => {}
            ["co"] => {
                let left =
                    attach(&self.guest, &mut self.input, self.until.as_mut(), self.quiet, &mut *self.out)?;
                if left == Left::InputEnded {
                    return Ok(Next::Exit);
                }
            }
            ["cm"] => {
                writeln!(self.out, "{COMMANDS}")?;
                return Ok(Next::Menu(Place::Commands));
            }
            ["ma"] => {
                writeln!(self.out, "{MAIN}")?;
                return Ok(Next::Menu(Place::Main));
            }
            // Everything is recorded, so both show the same.
            ["cl"] | ["rec", "-view"] => self.console_log()?,
            ["rec", ..] => writeln!(self.out, "The console is always recorded. Usage: REC -view.")?,
            ["in"] => self.insert()?,
            ["ej"] => self.eject()?,
            ["who"] => self.who()?,
            ["di"] => self.disconnect()?,
            ["sl"] => self.event_log()?,
            ["vm"] => self.show_guest()?,
            ["he" | "help" | "top" | "topics"] => writeln!(self.out, "{HELP}")?,
            ["x"] => return Ok(Next::Exit),
            ["pc", "-on"] => self.power_on()?,
            ["pc", "-off"] => self.stop(StopMode::Hard, "Power off")?,
            ["pc", "-cycle"] => {
                self.stop(StopMode::Hard, "Power cycle")?;
                self.power_on()?;
            }
            ["pc"] => writeln!(self.out, "Usage: PC -on, PC -off or PC -cycle.")?,
            ["gr"] => self.stop(StopMode::Graceful, "Shut down")?,
            ["rs"] => {
                if self.is_confirmed("Reset")? {
                    let request = ClientToVsp::ResetGuest(self.guest_ref());
                    link::connect()?.request(&request)?;
                    writeln!(self.out, "Guest '{}' is reset.", self.guest)?;
                }
            }
            ["tc"] => {
                if self.is_confirmed("Send INIT to")? {
                    let request = ClientToVsp::InitGuest(self.guest_ref());
                    link::connect()?.request(&request)?;
                    writeln!(self.out, "INIT is sent to guest '{}'.", self.guest)?;
                }
            }
            _ => return Ok(Next::Unknown),
        }
        Ok(Next::Menu(menu))
    }

    pub(super) fn guest_ref(&self) -> GuestRef {
        GuestRef::Name(self.guest.clone())
    }

    fn is_confirmed(&mut self, what: &str) -> Result<bool, Failure> {
        write!(self.out, "{what} the virtual machine '{}'? [n]: ", self.guest)?;
        self.out.flush()?;
        Ok(match self.input.line() {
            Ok(answer) => matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"),
            Err(Ended) => false,
        })
    }

    fn power_on(&mut self) -> Result<(), Failure> {
        link::connect()?.start(&self.guest_ref())?;
        writeln!(self.out, "Guest '{}' is on.", self.guest)?;
        Ok(())
    }

    fn stop(&mut self, mode: StopMode, what: &str) -> Result<(), Failure> {
        if self.is_confirmed(what)? {
            link::connect()?.stop(&self.guest_ref(), mode)?;
            writeln!(self.out, "Guest '{}' is off.", self.guest)?;
        }
        Ok(())
    }

    fn console_log(&mut self) -> Result<(), Failure> {
        let subscription =
            Subscription::Console { guest: self.guest_ref(), replay_bytes: LOG_BYTES, write: false };
        self.replay(subscription)
    }

    fn event_log(&mut self) -> Result<(), Failure> {
        let source = Some(LogSource::Guest(self.guest.clone()));
        self.replay(Subscription::Log(LogQuery { source, last: Some(LOG_RECORDS), ..LogQuery::default() }))
    }

    /// Shows the past of something.
    fn replay(&mut self, subscription: Subscription) -> Result<(), Failure> {
        let stream = link::connect()?.subscribe(subscription)?;
        for event in stream.events() {
            match event {
                Ok(Event::Console(bytes)) => self.out.write_all(&bytes)?,
                Ok(Event::Log { record, .. }) => writeln!(self.out, "{record}")?,
                Ok(Event::ReplayDone) | Err(_) => break,
                Ok(_) => {}
            }
        }
        writeln!(self.out)?;
        Ok(())
    }

    fn show_guest(&mut self) -> Result<(), Failure> {
        crate::cli::status::show(&mut link::connect()?, &self.guest_ref(), &mut *self.out)
    }
}

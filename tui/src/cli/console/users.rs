//! vMP's WHO and DI: who is at the console, and the end of somebody's session there.

use ipc::message::{ClientToVsp, ConsoleUser};

use super::menu::Menu;
use crate::cli::failure::{Failure, print_remarks};
use crate::cli::link;
use crate::view::format;

impl Menu<'_> {
    /// WHO: those who are at the console.
    pub(super) fn who(&mut self) -> Result<(), Failure> {
        let users = link::connect()?.console_users(&self.guest_ref())?;
        self.list(&users)
    }

    /// DI: ends a session.
    pub(super) fn disconnect(&mut self) -> Result<(), Failure> {
        let users = link::connect()?.console_users(&self.guest_ref())?;
        self.list(&users)?;
        let Some(chosen) = self.choose("Enter menu item or [Q] Quit: ", users.len())? else { return Ok(()) };
        let user = &users[chosen];
        let request = ClientToVsp::DisconnectUser { guest: self.guest_ref(), number: user.number };
        let done = link::connect()?.request(&request)?;
        print_remarks(super::SPEC.classic, &done.remarks);
        writeln!(self.out, "User '{}' (process {}) is disconnected.", user.user, user.pid)?;
        Ok(())
    }

    fn list(&mut self, users: &[ConsoleUser]) -> Result<(), Failure> {
        if users.is_empty() {
            writeln!(self.out, "Nobody is at the console.")?;
            return Ok(());
        }
        writeln!(self.out, "Num User             Process Access     Since\n{}", "-".repeat(61))?;
        for (n, user) in users.iter().enumerate() {
            let access = if user.writes { "write" } else { "read only" };
            let since = format::moment(user.since_micros);
            writeln!(self.out, "[{}] {:<16} {:>7} {access:<10} {since}", n + 1, user.user, user.pid)?;
        }
        Ok(())
    }
}

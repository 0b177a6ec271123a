//! What of a virtual DVD survives the VSP: the lock and the tray, and what the guest is still to be told.
//!
//! ```text
//!   locked 1
//!   open 0
//!   event 2                       event code of the media class
//! ```

use std::path::Path;

use super::super::kept::{self, Keeper, StateError, print_line};
use super::super::reservation::Power;
use super::Dvd;
use super::drive::DiscDrive;

/// First words of the file.
const HEADING: &str = "kittson dvd 1";

impl Dvd {
    /// The same drive, with its state in `file` from now on. If its power was kept it goes on as the file says.
    ///
    /// # Errors
    /// The file cannot be made or read.
    pub fn kept_in(self, file: &Path, power: Power) -> Result<Dvd, StateError> {
        let (keeper, text) = Keeper::open_after(file, HEADING, power)?;
        let pending =
            kept::parse(text.as_deref().unwrap_or_default(), |word, words| self.restore(word, words));
        pending.into_values().flatten().for_each(|sense| self.attentions.establish(sense));
        *self.keeper() = Some(keeper);
        self.keep();
        Ok(self)
    }

    fn restore(&self, word: &str, words: &[&str]) -> Option<()> {
        let [value] = words else { return None };
        let value: u8 = value.parse().ok()?;
        match word {
            "locked" if value != 0 => self.tray.lock_for(self.initiator()),
            "locked" => self.tray.unlock(),
            "open" => self.tray.restore_open(value != 0),
            "event" => self.events.restore(value),
            _ => return None,
        }
        Some(())
    }

    /// Writes the state down if it changed.
    pub(super) fn keep(&self) {
        let mut keeper = self.keeper();
        let Some(keeper) = keeper.as_mut() else { return };
        let mut text = String::new();
        let (is_locked, is_open) = (self.tray.is_locked(), self.tray.is_open());
        for (name, value) in
            [("locked", u8::from(is_locked)), ("open", u8::from(is_open)), ("event", self.events.pending())]
        {
            print_line(&mut text, format_args!("{name} {value}"));
        }
        kept::print_nexus(&mut text, self.initiator(), &self.attentions.pending());
        if keeper.is_news(&text) {
            keeper.save(text, "", self.id);
        }
    }
}

//! What of a burner survives the VSP: locks and tray, write parameters, a burn that is planned or simulated, and what guests
//! are still to be told. Of what is recorded on the disc its image and description tell ([`crate::disc`]).
//!
//! ```text
//!   open 0
//!   locked <initiator>
//!   parameters <initiator> 41c408…        the mode page from byte 2 on
//!   event <initiator> 2                   event code of the media class
//!   disc /discs/d1.iso                    of which the following is:
//!   planned …    simulated …              see crate::disc::volatile
//! ```
//!
//! A command that comes again is carried out again. That is as good as once: recording says to which sector, closing closes
//! what is closed, and so on; who reserves a track is looked at twice ([`Disc::reserve`](crate::disc::Disc::reserve)).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::TryLockError;
use std::sync::atomic::Ordering;

use super::super::super::attention::Attentions;
use super::super::super::kept::{self, Keeper, StateError, escaped, parse_initiator, print_line, unescaped};
use super::super::super::reservation::{Initiator, Power};
use super::pages::WriteParameters;
use super::{Burner, View, locked};

/// First words of the file.
const HEADING: &str = "kittson burner 1";

/// The file, and what stood there of initiators who have not come yet.
#[derive(Default)]
pub(super) struct Memory {
    keeper: Option<Keeper>,
    absent: BTreeMap<Initiator, View>,
}

impl Burner {
    /// The same burner, with its state in `file` from now on. If its power was kept it goes on as the file says, with the disc
    /// that it has.
    ///
    /// # Errors
    /// The file cannot be made or read.
    pub fn kept_in(self, file: &Path, power: Power) -> Result<Burner, StateError> {
        let (mut keeper, text) = Keeper::open_after(file, HEADING, power)?;
        let mut absent = BTreeMap::new();
        let mut is_same_disc = false;
        let nexuses = kept::parse(text.as_deref().unwrap_or_default(), |word, words| match word {
            "disc" => {
                let path = unescaped(&words.join(" "))?;
                is_same_disc = self.tray.lying().is_some_and(|disc| locked(&disc).path() == path);
                Some(())
            }
            "planned" | "simulated" if is_same_disc => {
                self.tray.lying().and_then(|disc| locked(&disc).resume(word, words))
            }
            "planned" | "simulated" => Some(()),
            _ => self.restore(&mut absent, word, words),
        });
        keeper.expect(nexuses);
        *locked(&self.memory) = Memory { keeper: Some(keeper), absent };
        self.keep();
        Ok(self)
    }

    fn restore(&self, absent: &mut BTreeMap<Initiator, View>, word: &str, words: &[&str]) -> Option<()> {
        match (word, words) {
            ("open", [is_open]) => self.tray.restore_open(*is_open == "1"),
            ("locked", [initiator]) => self.tray.lock_for(parse_initiator(initiator)?),
            ("parameters", [initiator, content]) => {
                let view = absent.entry(parse_initiator(initiator)?).or_default();
                *locked(&view.parameters) = WriteParameters::from_word(content)?;
            }
            ("event", [initiator, event]) => {
                let view = absent.entry(parse_initiator(initiator)?).or_default();
                view.events.restore(event.parse().ok()?);
            }
            _ => return None,
        }
        Some(())
    }

    /// An initiator comes: one that had the burner of the VSP before goes on with it.
    pub(super) fn welcome(&self, initiator: Initiator, attentions: &Attentions) -> View {
        let mut memory = locked(&self.memory);
        let pending = memory.keeper.as_mut().and_then(|keeper| keeper.take_nexus(initiator));
        pending.into_iter().flatten().for_each(|sense| attentions.establish(sense));
        memory.absent.remove(&initiator).unwrap_or_default()
    }

    /// Writes the state down if it changed.
    pub(super) fn keep(&self) {
        let mut memory = locked(&self.memory);
        let Memory { keeper: Some(keeper), absent } = &mut *memory else { return };
        if self.leaving.load(Ordering::Acquire) {
            return;
        }
        if let Some(text) = self.print(absent)
            && keeper.is_news(&text)
        {
            keeper.save(text, "", self.id);
        }
    }

    /// Nothing while a command is at the disc, which may take long: after that it is written down.
    fn print(&self, absent: &BTreeMap<Initiator, View>) -> Option<String> {
        let mut text = String::new();
        print_line(&mut text, format_args!("open {}", u8::from(self.tray.is_open())));
        for initiator in self.tray.locked_by() {
            print_line(&mut text, format_args!("locked {}", initiator.0));
        }
        let mut print_view = |initiator: &Initiator, view: &View| {
            let parameters = locked(&view.parameters).to_word();
            print_line(&mut text, format_args!("parameters {} {parameters}", initiator.0));
            print_line(&mut text, format_args!("event {} {}", initiator.0, view.events.pending()));
        };
        self.views().iter().for_each(|(initiator, view)| print_view(initiator, view));
        absent.iter().for_each(|(initiator, view)| print_view(initiator, view));
        if let Some(disc) = self.tray.lying() {
            let disc = match disc.try_lock() {
                Err(TryLockError::WouldBlock) => return None,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Ok(disc) => disc,
            };
            print_line(&mut text, format_args!("disc {}", escaped(disc.path())));
            disc.volatile().iter().for_each(|line| print_line(&mut text, format_args!("{line}")));
        }
        for (initiator, pending) in self.nexuses.pending() {
            kept::print_nexus(&mut text, initiator, &pending);
        }
        Some(text)
    }
}

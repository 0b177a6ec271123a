//! What of a disk survives the VSP: the settings of MODE SELECT and START STOP UNIT, what each initiator was told of the
//! capacity, what it is still to be told, and which of its COMPARE AND WRITE commands were carried out.
//!
//! ```text
//!   write-cache 1
//!   stopped 0
//!   told <initiator> <blocks>
//!   exchange …                    (`exchanges`)
//! ```

use std::path::Path;
use std::sync::atomic::Ordering;

use super::super::Initiator;
use super::super::kept::{self, Keeper, StateError, parse_initiator, print_line};
use super::super::reservation::Power;
use super::{Disk, Unit, locked};

/// First words of the file.
const HEADING: &str = "kittson disk 1";

impl Disk {
    /// The same disk, just opened, with its state in `file` from now on. If its power was kept it goes on as the file says;
    /// a capacity that has changed meanwhile is then for [`notice_resize`](crate::scsi::Target::notice_resize) to find.
    ///
    /// # Errors
    /// The file cannot be made or read.
    pub fn kept_in(self, file: &Path, power: Power) -> Result<Disk, StateError> {
        let (mut keeper, text) = Keeper::open_after(file, HEADING, power)?;
        if let Some(text) = text {
            let absent = kept::parse(&text, |word, words| self.unit.restore(word, words));
            keeper.expect(absent);
        }
        *locked(&self.unit.keeper) = Some(keeper);
        self.unit.welcome(self.initiator, &self.attentions);
        self.unit.keep();
        Ok(self)
    }
}

impl Unit {
    fn restore(&self, word: &str, words: &[&str]) -> Option<()> {
        let is_on = |words: &[&str]| match words {
            ["0"] => Some(false),
            ["1"] => Some(true),
            _ => None,
        };
        match word {
            "write-cache" => self.write_cache.store(is_on(words)?, Ordering::Release),
            "stopped" => self.stopped.store(is_on(words)?, Ordering::Release),
            "told" => {
                let [initiator, blocks] = words else { return None };
                locked(&self.told).insert(parse_initiator(initiator)?, blocks.parse().ok()?);
            }
            "exchange" => locked(&self.exchanges).restore(words)?,
            _ => return None,
        }
        Some(())
    }

    /// An initiator comes: one that had the disk of the VSP before goes on with it, to others it is as large as it is.
    pub(super) fn welcome(&self, initiator: Initiator, attentions: &super::Attentions) {
        let remembered = locked(&self.keeper).as_mut().and_then(|keeper| keeper.take_nexus(initiator));
        match remembered {
            Some(pending) => pending.into_iter().for_each(|sense| attentions.establish(sense)),
            None => _ = locked(&self.told).insert(initiator, self.blocks()),
        }
    }

    /// Writes down what has changed since the last time, if anything.
    pub(super) fn keep(&self) {
        if !self.nexuses.have_changed() || self.leaving.load(Ordering::Acquire) {
            return;
        }
        let mut keeper = locked(&self.keeper);
        let Some(keeper) = keeper.as_mut() else { return };
        let text = self.print();
        if keeper.is_news(&text) {
            keeper.save(text, "", self.id);
        }
    }

    fn print(&self) -> String {
        let mut text = String::new();
        let mut switch = |name: &str, is_on: bool| {
            print_line(&mut text, format_args!("{name} {}", u8::from(is_on)));
        };
        switch("write-cache", self.write_cache.load(Ordering::Acquire));
        switch("stopped", self.stopped.load(Ordering::Acquire));
        for (initiator, blocks) in locked(&self.told).iter() {
            print_line(&mut text, format_args!("told {} {blocks}", initiator.0));
        }
        locked(&self.exchanges).print(&mut text);
        for (initiator, pending) in self.nexuses.pending() {
            kept::print_nexus(&mut text, initiator, &pending);
        }
        text
    }
}

//! The guest screen: what is known of the selected guest beyond the table.

use super::guests::{revealed, stepped};
use crate::console::figures::Range;
use crate::console::keymap::Action;
use crate::console::msg::Millis;
use ipc::message::{DeviceDetail, GuestDetail};

/// What is known is asked for anew after this time, in milliseconds.
pub(crate) const STALE_MILLIS: Millis = 5000;

/// One guest with everything.
#[derive(Debug, Default)]
pub(crate) struct DetailScreen {
    /// The guest last asked about, and when.
    asked: Option<(String, Millis)>,
    /// Its answer.
    known: Option<Box<GuestDetail>>,
    /// Why there is none.
    pub(crate) problem: Option<String>,
    /// What the charts show.
    pub(crate) range: Range,
    selected: usize,
    top: usize,
}

impl DetailScreen {
    /// The guest of this name, if that is the one that is known.
    pub(crate) fn of(&self, name: &str) -> Option<&GuestDetail> {
        self.known.as_deref().filter(|known| known.summary.name == name)
    }

    /// Whether the VSP is to be asked about `name` now; notes that it is.
    pub(crate) fn must_ask(&mut self, name: &str, now: Millis) -> bool {
        let is_fresh = matches!(&self.asked, Some((asked, at)) if asked == name && now.saturating_sub(*at) < STALE_MILLIS);
        if !is_fresh {
            if self.asked.as_ref().is_none_or(|(asked, _)| asked != name) {
                (self.selected, self.top) = (0, 0);
            }
            self.asked = Some((name.to_owned(), now));
        }
        !is_fresh
    }

    /// Something has changed: what is known is to be asked for anew.
    pub(crate) fn expire(&mut self) {
        self.asked = None;
    }

    /// Takes an answer; one about another guest comes too late.
    pub(crate) fn take(&mut self, name: &str, result: Result<Box<GuestDetail>, String>) {
        if self.asked.as_ref().is_none_or(|(asked, _)| asked != name) {
            return;
        }
        match result {
            Ok(detail) => {
                self.selected = self.selected.min(detail.devices.len().saturating_sub(1));
                (self.known, self.problem) = (Some(detail), None);
            }
            Err(problem) => (self.known, self.problem) = (None, Some(problem)),
        }
    }

    /// The selected device of the guest of this name.
    pub(crate) fn device(&self, name: &str) -> Option<&DeviceDetail> {
        self.of(name)?.devices.get(self.selected)
    }

    /// The place of the selected device, and of the first that is shown.
    pub(crate) fn selection(&self) -> (usize, usize) {
        (self.selected, self.top)
    }

    /// Moves the selection; `page` devices are shown.
    pub(crate) fn navigate(&mut self, action: Action, page: usize) {
        let count = self.known.as_ref().map_or(0, |known| known.devices.len());
        self.selected = stepped(action, self.selected, page, count);
        self.top = revealed(self.top, self.selected, page, count);
    }

    /// Selects the device at this place.
    pub(crate) fn select_row(&mut self, place: usize) {
        let count = self.known.as_ref().map_or(0, |known| known.devices.len());
        self.selected = place.min(count.saturating_sub(1));
    }
}

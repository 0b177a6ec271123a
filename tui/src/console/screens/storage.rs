//! The storage screen: the device management database, joined with who uses each entry and how.

use super::guests::{revealed, stepped};
use crate::console::keymap::Action;
use crate::console::msg::{Inventory, Millis};
use ipc::device::{DeviceEntry, DeviceKind};
use ipc::message::{DeviceDetail, GuestState};

/// What is known is asked for anew after this time, in milliseconds.
const STALE_MILLIS: Millis = 5000;

/// Everything about storage.
#[derive(Debug, Default)]
pub(crate) struct StorageScreen {
    /// When it was last asked for.
    asked: Option<Millis>,
    /// Nothing before the first answer.
    inventory: Option<Inventory>,
    /// Why there is no newer answer.
    pub(crate) problem: Option<String>,
    /// The places of the entries that the filter lets through.
    shown: Vec<usize>,
    filter: String,
    selected: usize,
    top: usize,
}

/// A guest's device on an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use<'a> {
    /// The guest.
    pub(crate) guest: &'a str,
    /// Its state.
    pub(crate) state: GuestState,
    /// The device.
    pub(crate) device: &'a DeviceDetail,
}

impl StorageScreen {
    /// Whether the VSP is to be asked now; notes that it is.
    pub(crate) fn must_ask(&mut self, now: Millis) -> bool {
        let is_fresh = self.asked.is_some_and(|at| now.saturating_sub(at) < STALE_MILLIS);
        if !is_fresh {
            self.asked = Some(now);
        }
        !is_fresh
    }

    /// Something has changed: everything is to be asked for anew.
    pub(crate) fn expire(&mut self) {
        self.asked = None;
    }

    /// Takes an answer.
    pub(crate) fn take(&mut self, result: Result<Inventory, String>) {
        match result {
            Ok(inventory) => (self.inventory, self.problem) = (Some(inventory), None),
            Err(problem) => self.problem = Some(problem),
        }
        self.choose();
    }

    /// Whether anything is known.
    pub(crate) fn is_known(&self) -> bool {
        self.inventory.is_some()
    }

    /// The text that shown entries have in a name, an attribute or a dependent.
    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }

    /// Shows only entries with this text.
    pub(crate) fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
        self.choose();
    }

    /// How many entries are shown.
    pub(crate) fn count(&self) -> usize {
        self.shown.len()
    }

    /// The entries of `page` rows, with their places and whether they are selected.
    pub(crate) fn rows(&self, page: usize) -> impl Iterator<Item = (usize, &DeviceEntry, bool)> {
        let shown = self.shown.iter().enumerate().skip(self.top).take(page);
        shown.filter_map(|(place, index)| Some((place, self.entry(*index)?, place == self.selected)))
    }

    /// The first row that is shown.
    pub(crate) fn top(&self) -> usize {
        self.top
    }

    /// The selected entry.
    pub(crate) fn selected(&self) -> Option<&DeviceEntry> {
        self.entry(*self.shown.get(self.selected)?)
    }

    /// Moves the selection; `page` entries are shown.
    pub(crate) fn navigate(&mut self, action: Action, page: usize) {
        self.selected = stepped(action, self.selected, page, self.shown.len());
    }

    /// Selects the entry at this place.
    pub(crate) fn select_row(&mut self, place: usize) {
        self.selected = place.min(self.shown.len().saturating_sub(1));
    }

    /// Brings the selected row among the `page` rows that are shown.
    pub(crate) fn reveal(&mut self, page: usize) {
        self.top = revealed(self.top, self.selected, page, self.shown.len());
    }

    /// The devices of guests on an entry. An empty drive uses the place its discs come from.
    pub(crate) fn uses(&self, entry: &DeviceEntry) -> Vec<Use<'_>> {
        let guests = self.inventory.iter().flat_map(|inventory| &inventory.guests);
        let names: Vec<&str> = entry.names.iter().map(|name| name.trim_end_matches('/')).collect();
        guests
            .flat_map(|guest| guest.devices.iter().map(move |device| (guest, device)))
            .filter(|(_, device)| names.contains(&device.location.trim_end_matches('/')))
            .map(|(guest, device)| Use { guest: &guest.summary.name, state: guest.summary.state, device })
            .collect()
    }

    /// The size of what is behind an entry, in bytes, where a guest's device tells it.
    pub(crate) fn size(&self, entry: &DeviceEntry) -> Option<u64> {
        self.uses(entry).iter().find_map(|used| used.device.size_bytes)
    }

    /// Whether several running guests may have it.
    pub(crate) fn is_shared(entry: &DeviceEntry) -> bool {
        attribute(entry, "SHARE") == Some("YES")
    }

    fn entry(&self, index: usize) -> Option<&DeviceEntry> {
        self.inventory.as_ref()?.entries.get(index)
    }

    fn choose(&mut self) {
        let filter = self.filter.to_lowercase();
        let entries = self.inventory.as_ref().map_or(&[][..], |inventory| &inventory.entries);
        let is_shown = |entry: &DeviceEntry| {
            filter.is_empty() || format!("{} {entry}", entry.kind.word()).to_lowercase().contains(&filter)
        };
        self.shown = (0..entries.len()).filter(|index| is_shown(&entries[*index])).collect();
        self.selected = self.selected.min(self.shown.len().saturating_sub(1));
    }
}

/// The value of an attribute of an entry.
pub(crate) fn attribute<'a>(entry: &'a DeviceEntry, name: &str) -> Option<&'a str> {
    entry.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// Whether an operator may remove entries of this kind by hand.
pub(crate) fn is_removable(kind: DeviceKind) -> bool {
    !matches!(kind, DeviceKind::Server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::samples;

    #[test]
    fn entries_know_who_uses_them() {
        let mut screen = StorageScreen::default();
        assert!(screen.must_ask(0) && !screen.must_ask(10) && screen.must_ask(6000));
        screen.take(Ok(samples::inventory()));
        let entry = screen.rows(9).next().map(|(_, entry, _)| entry.clone()).expect("there is one");
        let uses: Vec<&str> = screen.uses(&entry).iter().map(|used| used.guest).collect();
        assert_eq!(uses, ["demo"]);
        assert_eq!(screen.size(&entry), Some(10 << 30));
        screen.set_filter("SHARE=YES");
        assert_eq!(screen.count(), 1);
        assert!(screen.selected().is_some_and(StorageScreen::is_shared));
    }
}

//! The storage screen: the device management database, joined with who uses each entry and how; beside it the VSP's drives
//! with their media.

use super::guests::{revealed, stepped};
use super::hardware::{self, Item};
use crate::console::keymap::Action;
use crate::console::msg::{Inventory, Millis};
use ipc::device::{DeviceEntry, DeviceKind};
use ipc::message::{DeviceDetail, GuestState};

/// What is known is asked for anew after this time, in milliseconds.
const STALE_MILLIS: Millis = 5000;

/// What the screen shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum View {
    /// The device management database.
    #[default]
    Database,
    /// Tapes, changers, burners and the other devices of the VSP.
    Hardware,
}

impl View {
    /// Both, in their order.
    pub(crate) const ALL: [View; 2] = [View::Database, View::Hardware];

    /// Its name.
    pub(crate) fn title(self) -> &'static str {
        match self {
            View::Database => "Device database",
            View::Hardware => "Drives and media",
        }
    }

    /// The other one.
    pub(crate) fn next(self) -> View {
        match self {
            View::Database => View::Hardware,
            View::Hardware => View::Database,
        }
    }
}

/// The selected row, and the first that is shown.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    selected: usize,
    top: usize,
}

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
    /// Which part of it is shown.
    view: View,
    /// Of the database, and of the devices.
    cursors: [Cursor; 2],
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

    /// Which part of it is shown.
    pub(crate) fn view(&self) -> View {
        self.view
    }

    /// Shows the other part.
    pub(crate) fn show(&mut self, view: View) {
        self.view = view;
    }

    /// How many rows the view has.
    pub(crate) fn count(&self) -> usize {
        match self.view {
            View::Database => self.shown.len(),
            View::Hardware => self.items().len(),
        }
    }

    /// Everything that the VSP told.
    pub(crate) fn inventory(&self) -> Option<&Inventory> {
        self.inventory.as_ref()
    }

    /// The devices that the filter lets through, with what lies in them.
    pub(crate) fn items(&self) -> Vec<Item<'_>> {
        let filter = self.filter.to_lowercase();
        let items = self.inventory.as_ref().map(hardware::items).unwrap_or_default();
        items.into_iter().filter(|item| filter.is_empty() || item.has_text(&filter)).collect()
    }

    /// The selected one of them.
    pub(crate) fn item(&self) -> Option<Item<'_>> {
        self.items().get(self.cursors[View::Hardware as usize].selected).copied()
    }

    fn cursor(&self) -> Cursor {
        self.cursors[self.view as usize]
    }

    fn cursor_mut(&mut self) -> &mut Cursor {
        &mut self.cursors[self.view as usize]
    }

    /// The entries of `page` rows, with their places and whether they are selected.
    pub(crate) fn rows(&self, page: usize) -> impl Iterator<Item = (usize, &DeviceEntry, bool)> {
        let Cursor { selected, top } = self.cursors[View::Database as usize];
        let shown = self.shown.iter().enumerate().skip(top).take(page);
        shown.filter_map(move |(place, index)| Some((place, self.entry(*index)?, place == selected)))
    }

    /// The first row that is shown.
    pub(crate) fn top(&self) -> usize {
        self.cursor().top
    }

    /// The place of the selected row.
    pub(crate) fn selected_row(&self) -> usize {
        self.cursor().selected
    }

    /// The selected entry of the database.
    pub(crate) fn selected(&self) -> Option<&DeviceEntry> {
        self.entry(*self.shown.get(self.cursors[View::Database as usize].selected)?)
    }

    /// Moves the selection; `page` rows are shown.
    pub(crate) fn navigate(&mut self, action: Action, page: usize) {
        let selected = stepped(action, self.cursor().selected, page, self.count());
        self.cursor_mut().selected = selected;
    }

    /// Selects the row at this place.
    pub(crate) fn select_row(&mut self, place: usize) {
        let last = self.count().saturating_sub(1);
        self.cursor_mut().selected = place.min(last);
    }

    /// Brings the selected row among the `page` rows that are shown.
    pub(crate) fn reveal(&mut self, page: usize) {
        let count = self.count();
        let Cursor { selected, top } = self.cursor();
        let selected = selected.min(count.saturating_sub(1));
        *self.cursor_mut() = Cursor { selected, top: revealed(top, selected, page, count) };
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
        let cursor = &mut self.cursors[View::Database as usize];
        cursor.selected = cursor.selected.min(self.shown.len().saturating_sub(1));
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

//! The table of guests: what is known of them, their order, which one is selected and which rows are shown.

use crate::console::figures::{Figures, Rates};
use crate::console::keymap::Action;
use ipc::message::GuestSummary;
use std::cmp::Ordering;
use uuid::Uuid;

/// A column by which the table can be sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Column {
    /// The guest's number.
    #[default]
    Number,
    /// Its name.
    Name,
    /// Its operating system.
    Os,
    /// Its state.
    State,
    /// Virtual processors.
    Vcpus,
    /// RAM.
    Memory,
    /// Storage devices.
    Devices,
    /// Host processor time.
    Cpu,
    /// Guest instructions.
    Mips,
    /// Storage requests.
    Iops,
    /// Storage bytes.
    Bytes,
    /// How long it is on.
    Uptime,
}

impl Column {
    const ALL: [Column; 12] = [
        Column::Number,
        Column::Name,
        Column::Os,
        Column::State,
        Column::Vcpus,
        Column::Memory,
        Column::Devices,
        Column::Cpu,
        Column::Mips,
        Column::Iops,
        Column::Bytes,
        Column::Uptime,
    ];

    /// Figures begin with the largest, everything else with the smallest.
    fn begins_with_largest(self) -> bool {
        matches!(
            self,
            Column::Vcpus
                | Column::Memory
                | Column::Devices
                | Column::Cpu
                | Column::Mips
                | Column::Iops
                | Column::Bytes
        )
    }
}

/// Guests with order and selection.
#[derive(Debug, Default)]
pub(crate) struct GuestsScreen {
    /// All, by number.
    guests: Vec<GuestSummary>,
    /// The places in `guests` of those that the filter lets through, in the order of the table.
    shown: Vec<usize>,
    /// The place of the selected one in `shown`.
    selected: usize,
    top: usize,
    /// The name of a guest to select as soon as it is there.
    awaited: Option<String>,
    /// The text that shown guests have in their name, operating system or state.
    filter: String,
    /// Guests that are not to be shown (`visible_status=disabled`) are.
    shows_hidden: bool,
    column: Column,
    is_reversed: bool,
}

impl GuestsScreen {
    /// A table in this order.
    pub(crate) fn sorted_by(column: Column) -> Self {
        Self { column, ..Self::default() }
    }

    /// All guests by number, whatever the filter.
    pub(crate) fn all(&self) -> &[GuestSummary] {
        &self.guests
    }

    /// Those that may be seen, by number, whatever the filter.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &GuestSummary> {
        self.guests.iter().filter(|guest| self.shows_hidden || guest.is_visible)
    }

    /// How many guests are not shown because their configuration says so (`visible_status=disabled`).
    pub(crate) fn hidden(&self) -> usize {
        self.guests.len() - self.listed().count()
    }

    /// Shows guests that are not to be shown, or no longer. Whether there are any.
    pub(crate) fn toggle_hidden(&mut self, figures: &Figures) -> bool {
        self.shows_hidden = !self.shows_hidden;
        self.rearrange(figures);
        self.guests.iter().any(|guest| !guest.is_visible)
    }

    /// How many guests the filter lets through.
    pub(crate) fn count(&self) -> usize {
        self.shown.len()
    }

    /// The guests of `page` rows from the first shown one on, with their places in the table.
    pub(crate) fn rows(&self, page: usize) -> impl Iterator<Item = (usize, &GuestSummary)> {
        let shown = self.shown.iter().enumerate().skip(self.top).take(page);
        shown.filter_map(|(place, index)| Some((place, self.guests.get(*index)?)))
    }

    /// What the order is by, and whether it is the other way round.
    pub(crate) fn order(&self) -> (Column, bool) {
        (self.column, self.is_reversed)
    }

    /// The text of the filter; empty shows all.
    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }

    /// Shows `guests`, all there are; the selected guest stays selected while it exists.
    pub(crate) fn replace(&mut self, mut guests: Vec<GuestSummary>, figures: &Figures) {
        let selected = self.selected().map(|guest| guest.uuid);
        guests.sort_by_key(|guest| guest.number);
        self.guests = guests;
        self.arrange(selected, figures);
    }

    /// A guest is new or has changed.
    pub(crate) fn renew(&mut self, guest: GuestSummary, figures: &Figures) {
        let selected = self.selected().map(|guest| guest.uuid);
        match self.guests.iter_mut().find(|known| known.uuid == guest.uuid) {
            Some(known) => *known = guest,
            None => self.guests.push(guest),
        }
        self.guests.sort_by_key(|guest| guest.number);
        self.arrange(selected, figures);
    }

    /// A guest is no more.
    pub(crate) fn remove(&mut self, name: &str, figures: &Figures) {
        let selected = self.selected().map(|guest| guest.uuid);
        self.guests.retain(|guest| guest.name != name);
        self.arrange(selected, figures);
    }

    /// New figures may change the order.
    pub(crate) fn rearrange(&mut self, figures: &Figures) {
        let selected = self.selected().map(|guest| guest.uuid);
        self.arrange(selected, figures);
    }

    /// Sorts by `column`, or the other way round where that is the order already.
    pub(crate) fn sort_by(&mut self, column: Column, figures: &Figures) {
        self.is_reversed = self.column == column && !self.is_reversed;
        self.column = column;
        self.rearrange(figures);
    }

    /// Sorts by the next column.
    pub(crate) fn sort_by_next(&mut self, figures: &Figures) {
        let place = Column::ALL.iter().position(|column| *column == self.column).unwrap_or_default();
        self.column = Column::ALL[(place + 1) % Column::ALL.len()];
        self.is_reversed = false;
        self.rearrange(figures);
    }

    /// Shows only guests that have `text` in their name, operating system or state.
    pub(crate) fn set_filter(&mut self, text: &str, figures: &Figures) {
        text.clone_into(&mut self.filter);
        self.rearrange(figures);
    }

    /// The selected guest; none only when no guests are shown.
    pub(crate) fn selected(&self) -> Option<&GuestSummary> {
        self.guests.get(*self.shown.get(self.selected)?)
    }

    /// Its place in the table.
    pub(crate) fn selected_index(&self) -> usize {
        self.selected
    }

    /// The place of the first row that is shown.
    pub(crate) fn top(&self) -> usize {
        self.top
    }

    /// The guest of this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<&GuestSummary> {
        self.guests.iter().find(|guest| guest.name == name)
    }

    /// This guest.
    pub(crate) fn by_uuid(&self, guest: Uuid) -> Option<&GuestSummary> {
        self.guests.iter().find(|known| known.uuid == guest)
    }

    /// Selects the row at this place of the table.
    pub(crate) fn select_row(&mut self, place: usize) {
        self.awaited = None;
        if place < self.shown.len() {
            self.selected = place;
        }
    }

    /// Selects the guest of this name; whatever hides it is dropped.
    pub(crate) fn select(&mut self, name: &str, figures: &Figures) {
        let place = |screen: &Self| screen.shown.iter().position(|index| screen.guests[*index].name == name);
        if place(self).is_none()
            && let Some(guest) = self.by_name(name)
        {
            self.shows_hidden |= !guest.is_visible;
            self.filter.clear();
            self.rearrange(figures);
        }
        if let Some(place) = place(self) {
            self.selected = place;
        }
    }

    /// Selects the guest of this name as soon as it appears, unless another selection comes first.
    pub(crate) fn await_guest(&mut self, name: Option<String>) {
        self.awaited = name;
    }

    /// Moves the selection.
    pub(crate) fn navigate(&mut self, action: Action, page: usize) {
        self.awaited = None;
        self.selected = stepped(action, self.selected, page, self.shown.len());
    }

    /// Brings the selected row among the `page` rows that are shown.
    pub(crate) fn reveal(&mut self, page: usize) {
        self.top = revealed(self.top, self.selected, page, self.shown.len());
    }

    fn arrange(&mut self, selected: Option<Uuid>, figures: &Figures) {
        let filter = self.filter.to_lowercase();
        let is_shown = |guest: &GuestSummary| {
            let texts = [guest.name.as_str(), guest.os_type.as_str(), &guest.state.to_string()];
            let has_text =
                filter.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&filter));
            has_text && (self.shows_hidden || guest.is_visible)
        };
        let mut shown: Vec<usize> =
            (0..self.guests.len()).filter(|index| is_shown(&self.guests[*index])).collect();
        let rates = |guest: &GuestSummary| figures.rates(&guest.name).unwrap_or_default();
        let flip = self.is_reversed != self.column.begins_with_largest();
        shown.sort_by(|a, b| {
            let (a, b) = (&self.guests[*a], &self.guests[*b]);
            let order = compare(self.column, a, b, rates);
            if flip { order.reverse() } else { order }
        });
        self.shown = shown;
        let place =
            selected.and_then(|guest| self.shown.iter().position(|index| self.guests[*index].uuid == guest));
        self.selected = place.unwrap_or(self.selected).min(self.shown.len().saturating_sub(1));
        let is_there = |name: &String| self.guests.iter().any(|guest| guest.name == *name);
        if let Some(name) = self.awaited.take_if(|name| is_there(name)) {
            self.select(&name, figures);
        }
    }
}

fn compare(
    column: Column,
    a: &GuestSummary,
    b: &GuestSummary,
    rates: impl Fn(&GuestSummary) -> Rates,
) -> Ordering {
    let by_rate = |rate: fn(&Rates) -> f32| rate(&rates(a)).total_cmp(&rate(&rates(b)));
    match column {
        Column::Number => a.number.cmp(&b.number),
        Column::Name => a.name.cmp(&b.name),
        Column::Os => a.os_type.cmp(&b.os_type),
        // Those that are on come first.
        Column::State => {
            let key = |guest: &GuestSummary| (!guest.state.is_on(), guest.state.to_string());
            key(a).cmp(&key(b))
        }
        Column::Vcpus => a.vcpus.cmp(&b.vcpus),
        Column::Memory => a.memory_bytes.cmp(&b.memory_bytes),
        Column::Devices => a.devices.cmp(&b.devices),
        Column::Cpu => by_rate(|rates| rates.cpu_percent),
        Column::Mips => by_rate(|rates| rates.mips),
        Column::Iops => by_rate(|rates| rates.iops),
        Column::Bytes => by_rate(|rates| rates.bytes),
        Column::Uptime => {
            let since = |guest: &GuestSummary| guest.since_micros.unwrap_or(i64::MAX);
            since(a).cmp(&since(b))
        }
    }
}

/// Where a selection in a list of `count` rows goes; `page` rows are shown at once.
pub(crate) fn stepped(action: Action, selected: usize, page: usize, count: usize) -> usize {
    let last = count.saturating_sub(1);
    match action {
        Action::Up => selected.saturating_sub(1),
        Action::Down => selected.saturating_add(1),
        Action::PageUp => selected.saturating_sub(page),
        Action::PageDown => selected.saturating_add(page),
        Action::First => 0,
        Action::Last => last,
        _ => selected,
    }
    .min(last)
}

/// The first of `page` rows out of `count`, near `top`, so that the selected one is among them.
pub(crate) fn revealed(top: usize, selected: usize, page: usize, count: usize) -> usize {
    let page = page.max(1);
    let lowest_top = (selected + 1).saturating_sub(page);
    let last_top = count.saturating_sub(page);
    top.clamp(lowest_top, selected.max(lowest_top)).min(last_top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::samples;
    use ipc::message::GuestState;

    fn names(screen: &GuestsScreen) -> Vec<&str> {
        screen.rows(100).map(|(_, guest)| guest.name.as_str()).collect()
    }

    #[test]
    fn selection_stays_on_its_guest_while_others_come_and_go() {
        let (mut screen, none) = (GuestsScreen::default(), Figures::default());
        let off = |number, name| samples::guest(number, name, GuestState::Off);
        screen.replace(vec![off(2, "b"), off(3, "c")], &none);
        screen.select("c", &none);
        screen.renew(off(1, "a"), &none);
        assert_eq!(screen.selected().map(|guest| guest.name.as_str()), Some("c"));
        screen.remove("b", &none);
        assert_eq!(screen.selected().map(|guest| guest.name.as_str()), Some("c"));
        screen.remove("c", &none);
        assert_eq!(screen.selected().map(|guest| guest.name.as_str()), Some("a"));
        screen.remove("a", &none);
        assert_eq!(screen.selected(), None);
    }

    #[test]
    fn table_is_sorted_by_any_column_both_ways_and_filtered() {
        let mut screen = GuestsScreen::default();
        let figures = samples::figures_of(&[("a", 10), ("b", 90), ("c", 50)]);
        let mut guests = vec![
            samples::guest(1, "b", GuestState::OnOs),
            samples::guest(2, "c", GuestState::OnOs),
            samples::guest(3, "a", GuestState::Off),
        ];
        guests[2].os_type = "HPUX".to_owned();
        screen.replace(guests, &figures);
        screen.sort_by(Column::Name, &figures);
        assert_eq!(names(&screen), ["a", "b", "c"]);
        screen.sort_by(Column::Name, &figures);
        assert_eq!(names(&screen), ["c", "b", "a"]);
        screen.sort_by(Column::Cpu, &figures);
        assert_eq!(names(&screen), ["b", "c", "a"]);
        screen.set_filter("linux", &figures);
        assert_eq!(names(&screen), ["b", "c"]);
        screen.select("a", &figures);
        assert_eq!((screen.filter(), names(&screen).len()), ("", 3), "what is wanted is not hidden");
    }

    #[test]
    fn guests_that_are_not_to_be_seen_are_shown_when_asked_for() {
        let (mut screen, none) = (GuestsScreen::default(), Figures::default());
        let mut guests = samples::guests(3);
        guests[1].is_visible = false;
        screen.replace(guests, &none);
        assert_eq!((names(&screen), screen.hidden()), (vec!["guest001", "guest003"], 1));
        assert!(screen.toggle_hidden(&none));
        assert_eq!((screen.count(), screen.hidden()), (3, 0));
        screen.toggle_hidden(&none);
        assert_eq!(screen.listed().count(), 2);
        screen.select("guest002", &none);
        assert_eq!(screen.selected().map(|guest| guest.number), Some(2), "what is wanted is not hidden");
    }

    #[test]
    fn selected_row_is_always_shown() {
        let mut screen = GuestsScreen::default();
        screen.replace(samples::guests(300), &Figures::default());
        for action in
            [Action::Last, Action::PageUp, Action::Up, Action::First, Action::PageDown, Action::Down]
        {
            screen.navigate(action, 7);
            screen.reveal(7);
            let shown = screen.top()..screen.top() + 7;
            assert!(shown.contains(&screen.selected_index()), "{action:?}");
        }
    }
}

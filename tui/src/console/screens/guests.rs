//! The table of guests: what is known of them, which one is selected and which rows are shown.

use crate::console::keymap::Action;
use crate::console::msg::Millis;
use ipc::message::GuestSummary;
use uuid::Uuid;

/// Rates are taken over at least this time, in milliseconds.
const RATE_MILLIS: Millis = 900;

/// Guests by number, with the selection.
#[derive(Debug, Default)]
pub(crate) struct GuestsScreen {
    rows: Vec<GuestRow>,
    selected: usize,
    top: usize,
    /// The name of a guest to select as soon as it is there.
    awaited: Option<String>,
}

/// One guest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GuestRow {
    /// What the VSP says of it.
    pub(crate) summary: GuestSummary,
    /// Its speed, once two figures of one run are known.
    pub(crate) rates: Option<Rates>,
    sample: Option<Sample>,
}

/// How busy a guest is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// Host processor time, in per cent of one processor.
    pub(crate) cpu_percent: f32,
    /// Millions of guest instructions a second.
    pub(crate) mips: f32,
}

/// Figures at a point in time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    at: Millis,
    cpu_micros: u64,
    instructions: u64,
}

impl Sample {
    fn of(at: Millis, guest: &GuestSummary) -> Option<Self> {
        let stats = guest.stats.as_ref().filter(|_| guest.state.is_on())?;
        Some(Self { at, cpu_micros: stats.cpu_micros, instructions: stats.instructions })
    }
}

impl GuestRow {
    fn new(at: Millis, summary: GuestSummary) -> Self {
        Self { rates: None, sample: Sample::of(at, &summary), summary }
    }

    fn renew(&mut self, at: Millis, summary: GuestSummary) {
        match (self.sample, Sample::of(at, &summary)) {
            // Figures that fall belong to another run.
            (Some(old), Some(new))
                if new.instructions >= old.instructions && new.cpu_micros >= old.cpu_micros =>
            {
                let millis = new.at.saturating_sub(old.at);
                if millis >= RATE_MILLIS {
                    let millis = millis as f32;
                    self.rates = Some(Rates {
                        cpu_percent: (new.cpu_micros - old.cpu_micros) as f32 / millis / 10.0,
                        mips: (new.instructions - old.instructions) as f32 / millis / 1000.0,
                    });
                    self.sample = Some(new);
                }
            }
            (_, new) => {
                self.sample = new;
                self.rates = None;
            }
        }
        self.summary = summary;
    }
}

impl GuestsScreen {
    /// All guests in the order of the table.
    pub(crate) fn rows(&self) -> &[GuestRow] {
        &self.rows
    }

    /// Shows `guests`, all there are; the selected guest stays selected while it exists.
    pub(crate) fn replace(&mut self, at: Millis, guests: Vec<GuestSummary>) {
        let selected = self.selected().map(|guest| guest.uuid);
        self.rows.retain(|row| guests.iter().any(|guest| guest.uuid == row.summary.uuid));
        for guest in guests {
            self.put(at, guest);
        }
        self.order(selected);
    }

    /// A guest is new or has changed.
    pub(crate) fn renew(&mut self, at: Millis, guest: GuestSummary) {
        let selected = self.selected().map(|guest| guest.uuid);
        self.put(at, guest);
        self.order(selected);
    }

    /// A guest is no more.
    pub(crate) fn remove(&mut self, name: &str) {
        let selected = self.selected().map(|guest| guest.uuid);
        self.rows.retain(|row| row.summary.name != name);
        self.order(selected);
    }

    /// The selected guest; none only when there are no guests.
    pub(crate) fn selected(&self) -> Option<&GuestSummary> {
        self.rows.get(self.selected).map(|row| &row.summary)
    }

    /// Its place in the table.
    pub(crate) fn selected_index(&self) -> usize {
        self.selected
    }

    /// The first row that is shown.
    pub(crate) fn top(&self) -> usize {
        self.top
    }

    /// Whether there is a guest of this name.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.rows.iter().any(|row| row.summary.name == name)
    }

    /// Whether there is this guest.
    pub(crate) fn has(&self, guest: Uuid) -> bool {
        self.rows.iter().any(|row| row.summary.uuid == guest)
    }

    /// Selects the guest of this name, if it is there.
    pub(crate) fn select(&mut self, name: &str) {
        if let Some(index) = self.rows.iter().position(|row| row.summary.name == name) {
            self.selected = index;
        }
    }

    /// Selects the guest of this name as soon as it appears, unless another selection comes first.
    pub(crate) fn await_guest(&mut self, name: Option<String>) {
        self.awaited = name;
    }

    /// Moves the selection.
    pub(crate) fn navigate(&mut self, action: Action, page: usize) {
        self.awaited = None;
        let last = self.rows.len().saturating_sub(1);
        self.selected = match action {
            Action::Up => self.selected.saturating_sub(1),
            Action::Down => self.selected.saturating_add(1),
            Action::PageUp => self.selected.saturating_sub(page),
            Action::PageDown => self.selected.saturating_add(page),
            Action::First => 0,
            Action::Last => last,
            _ => self.selected,
        }
        .min(last);
    }

    /// Brings the selected row among the `page` rows that are shown.
    pub(crate) fn reveal(&mut self, page: usize) {
        let page = page.max(1);
        let lowest_top = (self.selected + 1).saturating_sub(page);
        let last_top = self.rows.len().saturating_sub(page);
        self.top = self.top.clamp(lowest_top, self.selected.max(lowest_top)).min(last_top);
    }

    fn put(&mut self, at: Millis, guest: GuestSummary) {
        match self.rows.iter_mut().find(|row| row.summary.uuid == guest.uuid) {
            Some(row) => row.renew(at, guest),
            None => self.rows.push(GuestRow::new(at, guest)),
        }
    }

    fn order(&mut self, selected: Option<Uuid>) {
        self.rows.sort_by_key(|row| row.summary.number);
        let place = selected.and_then(|guest| self.rows.iter().position(|row| row.summary.uuid == guest));
        self.selected = place.unwrap_or(self.selected).min(self.rows.len().saturating_sub(1));
        if let Some(name) = self.awaited.take_if(|name| self.rows.iter().any(|row| row.summary.name == *name))
        {
            self.select(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::samples;
    use ipc::message::GuestState;

    #[test]
    fn selection_stays_on_its_guest_while_others_come_and_go() {
        let mut screen = GuestsScreen::default();
        screen.replace(
            0,
            vec![samples::guest(2, "b", GuestState::Off), samples::guest(3, "c", GuestState::Off)],
        );
        screen.select("c");
        screen.renew(0, samples::guest(1, "a", GuestState::Off));
        assert_eq!(screen.selected().map(|guest| guest.name.as_str()), Some("c"));
        screen.remove("b");
        assert_eq!(screen.selected().map(|guest| guest.name.as_str()), Some("c"));
        screen.remove("c");
        assert_eq!(screen.selected().map(|guest| guest.name.as_str()), Some("a"));
        screen.remove("a");
        assert_eq!(screen.selected(), None);
    }

    #[test]
    fn rates_come_from_two_figures_of_one_run() {
        let mut screen = GuestsScreen::default();
        let figures = |cpu_micros, instructions| {
            let mut guest = samples::guest(1, "a", GuestState::OnOs);
            guest.stats = Some(ipc::guest::Stats { cpu_micros, instructions, ..Default::default() });
            guest
        };
        screen.renew(10_000, figures(1_000_000, 50_000_000));
        assert_eq!(screen.rows()[0].rates, None);
        screen.renew(12_000, figures(2_000_000, 250_000_000));
        let rates = screen.rows()[0].rates.expect("two figures are known");
        assert_eq!((rates.cpu_percent, rates.mips), (50.0, 100.0));
        screen.renew(14_000, figures(10, 10));
        assert_eq!(screen.rows()[0].rates, None, "another run began");
    }

    #[test]
    fn selected_row_is_always_shown() {
        let mut screen = GuestsScreen::default();
        screen.replace(0, samples::guests(300));
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

//! The console screen's tabs, and the panes within them.

use ratatui::layout::Rect;
use uuid::Uuid;

/// Panes within one tab.
pub(crate) const MOST_PANES: usize = 4;
/// Tabs at once.
const MOST_TABS: usize = 12;

/// How the panes of a tab lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Split {
    /// Beside each other.
    #[default]
    Columns,
    /// One below the other.
    Rows,
}

/// One tab: never without a pane.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    /// Guests, in the order of the panes.
    pub(crate) panes: Vec<Uuid>,
    /// How they lie.
    pub(crate) split: Split,
    /// The pane that has the keys.
    pub(crate) focus: usize,
}

/// All tabs.
#[derive(Debug, Default)]
pub(crate) struct Tabs {
    tabs: Vec<Tab>,
    current: usize,
    /// The tab fills the screen.
    pub(crate) is_full: bool,
}

impl Tabs {
    /// All tabs in their order.
    pub(crate) fn all(&self) -> &[Tab] {
        &self.tabs
    }

    /// The place of the tab in front.
    pub(crate) fn current_index(&self) -> usize {
        self.current
    }

    /// The tab in front.
    pub(crate) fn current(&self) -> Option<&Tab> {
        self.tabs.get(self.current)
    }

    /// The guest whose pane has the keys.
    pub(crate) fn focused(&self) -> Option<Uuid> {
        let tab = self.current()?;
        tab.panes.get(tab.focus).copied()
    }

    /// Whether any tab shows this guest.
    pub(crate) fn has(&self, guest: Uuid) -> bool {
        self.tabs.iter().any(|tab| tab.panes.contains(&guest))
    }

    /// Brings the pane of `guest` to the front, in a tab of its own where it has none yet.
    pub(crate) fn open(&mut self, guest: Uuid) {
        let place = self.tabs.iter().position(|tab| tab.panes.contains(&guest));
        if let Some(place) = place {
            self.current = place;
            let tab = &mut self.tabs[place];
            tab.focus = tab.panes.iter().position(|pane| *pane == guest).unwrap_or_default();
            return;
        }
        if self.tabs.len() == MOST_TABS {
            self.tabs.remove(0);
        }
        self.tabs.push(Tab { panes: vec![guest], split: Split::default(), focus: 0 });
        self.current = self.tabs.len() - 1;
    }

    /// Puts a pane for `guest` beside the one that has the keys; where it has one elsewhere, that is moved here.
    pub(crate) fn split(&mut self, split: Split, guest: Uuid) {
        let is_full = self.current().is_none_or(|tab| tab.panes.len() >= MOST_PANES);
        if is_full || self.current().is_some_and(|tab| tab.panes.contains(&guest)) {
            return self.open(guest);
        }
        let here = self.focused();
        self.close(guest);
        if let Some(here) = here {
            self.open(here);
        }
        if let Some(tab) = self.tabs.get_mut(self.current) {
            tab.split = split;
            tab.focus = (tab.focus + 1).min(tab.panes.len());
            tab.panes.insert(tab.focus, guest);
        }
    }

    /// Takes the pane of `guest` away, and its tab if it was the last one there.
    pub(crate) fn close(&mut self, guest: Uuid) {
        for tab in &mut self.tabs {
            tab.panes.retain(|pane| *pane != guest);
            tab.focus = tab.focus.min(tab.panes.len().saturating_sub(1));
        }
        let before = self.tabs.iter().take(self.current).filter(|tab| tab.panes.is_empty()).count();
        self.tabs.retain(|tab| !tab.panes.is_empty());
        self.current = (self.current - before).min(self.tabs.len().saturating_sub(1));
    }

    /// Takes away panes of guests for which `keep` says no.
    pub(crate) fn retain(&mut self, keep: impl Fn(Uuid) -> bool) {
        let panes: Vec<Uuid> = self.tabs.iter().flat_map(|tab| tab.panes.iter().copied()).collect();
        panes.into_iter().filter(|guest| !keep(*guest)).for_each(|guest| self.close(guest));
    }

    /// To the next or the previous tab, round and round.
    pub(crate) fn step(&mut self, forward: bool) {
        self.current = rotated(self.current, self.tabs.len(), forward);
    }

    /// To the tab at this place.
    pub(crate) fn go_to(&mut self, place: usize) {
        if place < self.tabs.len() {
            self.current = place;
        }
    }

    /// Gives the keys to the next pane of the tab.
    pub(crate) fn next_pane(&mut self) {
        if let Some(tab) = self.tabs.get_mut(self.current) {
            tab.focus = rotated(tab.focus, tab.panes.len(), true);
        }
    }

    /// Where the panes of the tab in front lie within `area`.
    pub(crate) fn panes(&self, area: Rect) -> Vec<(Uuid, Rect)> {
        let Some(tab) = self.current() else { return Vec::new() };
        let count = u16::try_from(tab.panes.len()).unwrap_or(1).max(1);
        let part = |at: u16, length: u16| (length / count * at, length / count);
        (0..count)
            .zip(&tab.panes)
            .map(|(at, guest)| {
                // The last one has what cannot be shared out.
                let rest = |length: u16| if at + 1 == count { length % count } else { 0 };
                let place = match tab.split {
                    Split::Columns => {
                        let (x, width) = part(at, area.width);
                        Rect::new(area.x + x, area.y, width + rest(area.width), area.height)
                    }
                    Split::Rows => {
                        let (y, height) = part(at, area.height);
                        Rect::new(area.x, area.y + y, area.width, height + rest(area.height))
                    }
                };
                (*guest, place)
            })
            .collect()
    }
}

fn rotated(place: usize, count: usize, forward: bool) -> usize {
    let count = count.max(1);
    (if forward { place + 1 } else { place + count - 1 }) % count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn guest_has_one_pane_wherever_it_is_opened() {
        let mut tabs = Tabs::default();
        for number in [1, 2, 3, 2] {
            tabs.open(guest(number));
        }
        assert_eq!((tabs.all().len(), tabs.focused()), (3, Some(guest(2))));
        tabs.split(Split::Rows, guest(1));
        assert_eq!(tabs.all().len(), 2, "its own tab is gone");
        assert_eq!(tabs.current().map(|tab| tab.panes.clone()), Some(vec![guest(2), guest(1)]));
        assert_eq!(tabs.focused(), Some(guest(1)));
        tabs.next_pane();
        assert_eq!(tabs.focused(), Some(guest(2)));
        tabs.retain(|kept| kept == guest(3));
        assert_eq!((tabs.all().len(), tabs.focused()), (1, Some(guest(3))));
        tabs.close(guest(3));
        assert_eq!(tabs.focused(), None);
    }

    #[test]
    fn panes_cover_their_tab_exactly() {
        let area = Rect::new(3, 2, 101, 31);
        let mut tabs = Tabs::default();
        tabs.open(guest(1));
        for number in 2..7 {
            for split in [Split::Columns, Split::Rows] {
                tabs.split(split, guest(number));
                let panes = tabs.panes(area);
                assert!(panes.len() <= MOST_PANES);
                assert_eq!(panes.iter().map(|(_, pane)| pane.area()).sum::<u32>(), area.area());
                assert!(panes.iter().all(|(_, pane)| area.intersection(*pane) == *pane));
            }
        }
    }
}

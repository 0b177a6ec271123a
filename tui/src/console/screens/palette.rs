//! The command palette: everything that can be done, found by a part of its name.

use crate::console::keymap::{self, Action, Context};
use crate::console::screens::confirm::Confirm;
use crate::console::screens::form::Purpose;
use crate::console::screens::guests::{revealed, stepped};
use crate::console::screens::hardware;
use crate::console::screens::tabs::Split;
use ipc::device::{DeviceEntry, DeviceKind, HostUse};
use ipc::io::Emulated;
use ipc::message::{ConsoleUser, GuestSummary};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::Input;
use uuid::Uuid;

/// What choosing a line does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// As the key does.
    Do(Context, Action),
    /// Selects a guest, then as the key does in the table of guests.
    OfGuest(String, Action),
    /// Asks before something is done.
    Ask(Box<Confirm>),
    /// Opens a form.
    Fill(Box<Purpose>),
    /// Ends a session at the console of a guest, after asking.
    Disconnect(String, ConsoleUser),
    /// Opens a guest's console in a tab.
    Open(Uuid),
    /// Opens a guest's console beside or below the present one.
    Split(Split, Uuid),
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// What it is.
    pub(crate) text: String,
    /// The key that does the same.
    pub(crate) key: String,
    /// What choosing it does.
    pub(crate) choice: Choice,
}

/// Attributes that an operator may take away from an entry.
const SET_BY_HAND: [&str; 5] = ["SHARE", "PRESERVE", "USAGE", "RECURSIVE", "IGNOREWWID"];

/// Lines to choose from.
#[derive(Debug)]
pub(crate) struct Palette {
    /// Its title.
    pub(crate) title: &'static str,
    /// What is typed.
    pub(crate) input: Input,
    items: Vec<Item>,
    /// The places in `items` of those that match, the best first.
    shown: Vec<usize>,
    selected: usize,
    top: usize,
}

/// What can be done to any guest.
const OF_GUESTS: [(&str, Action); 8] = [
    ("console", Action::ConsoleScreen),
    ("details", Action::GuestScreen),
    ("start", Action::Start),
    ("stop", Action::Stop),
    ("reset", Action::Reset),
    ("INIT", Action::TransferControl),
    ("log", Action::GuestLog),
    ("remove", Action::Remove),
];

/// What the palette has no use for: it moves something within a screen.
fn is_movement(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::First
            | Action::Last
            | Action::Left
            | Action::Right
            | Action::Palette
            | Action::Accept
            | Action::Cancel
    )
}

impl Palette {
    /// All commands of `context`, and those for every guest.
    pub(crate) fn commands<'a>(context: Context, guests: impl IntoIterator<Item = &'a GuestSummary>) -> Self {
        let own = keymap::rows(context).filter(|row| !is_movement(row.action)).map(|row| Item {
            text: row.help.to_owned(),
            key: row.keys[0].to_string(),
            choice: Choice::Do(context, row.action),
        });
        let of_guests = guests.into_iter().flat_map(|guest| {
            OF_GUESTS.iter().map(|(word, action)| Item {
                text: format!("{word} {}", guest.name),
                key: String::new(),
                choice: Choice::OfGuest(guest.name.clone(), *action),
            })
        });
        let of_vsp = [
            ("Stop all guests, then the VSP", "hpvm vsp stop", Confirm::stop_vsp()),
            ("Stop the VSP alone; guests go on", "--leave-guests", Confirm::leave_vsp()),
        ];
        let of_vsp = of_vsp.map(|(text, key, confirm)| Item {
            text: text.to_owned(),
            key: key.to_owned(),
            choice: Choice::Ask(Box::new(confirm)),
        });
        Self::new("Commands", own.chain(of_vsp).chain(of_guests).collect())
    }

    /// What else hpvmdevmgmt does: to an entry, and to the whole database.
    pub(crate) fn database(entry: Option<&DeviceEntry>) -> Self {
        let item =
            |text: String, option: &str, choice| Item { text, key: format!("hpvmdevmgmt {option}"), choice };
        let ask = |confirm| Choice::Ask(Box::new(confirm));
        let mut items = Vec::new();
        if let Some(entry) = entry {
            let (kind, name) = (entry.kind, entry.names.first().cloned().unwrap_or_default());
            let set = SET_BY_HAND
                .into_iter()
                .filter(|wanted| entry.attributes.iter().any(|(own, _)| own == wanted));
            for attribute in set {
                let confirm = Confirm::delete_attribute(kind, &name, attribute);
                items.push(item(format!("Delete attribute {attribute} of {name}"), "-d", ask(confirm)));
            }
            if kind == DeviceKind::Gdev {
                for alias in entry.names.iter().skip(1) {
                    let confirm = Confirm::delete_alias(alias);
                    items.push(item(format!("Delete other name {alias}"), "-d", ask(confirm)));
                }
                for guest in &entry.dependents {
                    let confirm = Confirm::delete_dependent(&name, guest);
                    items.push(item(format!("Delete dependent {guest} of {name}"), "-d", ask(confirm)));
                }
                let fill = Choice::Fill(Box::new(Purpose::Replace { old: name.clone() }));
                items.push(item(format!("Replace {name} in all guests"), "-n", fill));
            }
        }
        items.push(item("Identify all devices anew".to_owned(), "-I", ask(Confirm::identify())));
        items.push(item("Check the database".to_owned(), "-r", ask(Confirm::check())));
        for (text, option, wanted) in [
            ("Keep the storage that the VSP uses from guests", "-u", HostUse::Restrict),
            ("Give the storage that the VSP uses to guests", "-d", HostUse::Release),
            ("Restore the database before such a change", "-r", HostUse::Restore),
            ("Keep it from guests whenever the VSP starts", "-E", HostUse::AtStart(true)),
            ("Keep it from guests only when asked", "-D", HostUse::AtStart(false)),
        ] {
            items.push(Item {
                text: text.to_owned(),
                key: format!("hpvmhostrdev {option}"),
                choice: ask(Confirm::host_use(text, wanted)),
            });
        }
        Self::new("Device database", items)
    }

    /// What the VSP can emulate.
    pub(crate) fn emulations() -> Self {
        let kinds = [
            ("Tape library", "hpvm library create", Purpose::NewLibrary),
            ("Tape drive", "hpvm tape create", Purpose::NewTape),
            ("Burner", "hpvm burner create", Purpose::NewBurner),
        ];
        let items = kinds.map(|(text, key, purpose)| Item {
            text: text.to_owned(),
            key: key.to_owned(),
            choice: Choice::Fill(Box::new(purpose)),
        });
        Self::new("Have the VSP emulate", items.into())
    }

    /// Where a cartridge can be moved.
    pub(crate) fn places(library: &Emulated, barcode: &str) -> Self {
        let items = hardware::free_places(library).into_iter().map(|place| Item {
            text: place.to_owned(),
            key: "hpvm library move".to_owned(),
            choice: Choice::Ask(Box::new(Confirm::move_cartridge(&library.path, barcode, place))),
        });
        Self::new("Move the cartridge to", items.collect())
    }

    /// Sessions at a guest's console, one of which is to be ended.
    pub(crate) fn console_users(guest: &str, users: &[ConsoleUser]) -> Self {
        let items = users.iter().map(|user| Item {
            text: format!("{} (process {})", user.user, user.pid),
            key: if user.writes { "writes" } else { "looks on" }.to_owned(),
            choice: Choice::Disconnect(guest.to_owned(), user.clone()),
        });
        Self::new("End the session of", items.collect())
    }

    /// Guests, one of which is to be chosen.
    pub(crate) fn guests<'a>(
        title: &'static str,
        guests: impl IntoIterator<Item = &'a GuestSummary>,
        choice: impl Fn(&GuestSummary) -> Choice,
    ) -> Self {
        let items = guests.into_iter().map(|guest| Item {
            text: guest.name.clone(),
            key: guest.state.to_string(),
            choice: choice(guest),
        });
        Self::new(title, items.collect())
    }

    fn new(title: &'static str, items: Vec<Item>) -> Self {
        let shown = (0..items.len()).collect();
        Self { title, input: Input::default(), items, shown, selected: 0, top: 0 }
    }

    /// Chooses anew what matches what is typed.
    pub(crate) fn search(&mut self) {
        let pattern = Pattern::parse(self.input.value(), CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (place, item) in self.items.iter().enumerate() {
            let score = pattern.score(Utf32Str::new(&item.text, &mut buffer), &mut matcher);
            scored.extend(score.map(|score| (score, place)));
        }
        // Equally good ones stay in their order.
        scored.sort_by_key(|(score, place)| (std::cmp::Reverse(*score), *place));
        self.shown = scored.into_iter().map(|(_, place)| place).collect();
        (self.selected, self.top) = (0, 0);
    }

    /// Moves the selection; `page` lines are shown.
    pub(crate) fn navigate(&mut self, action: Action, page: usize) {
        self.selected = stepped(action, self.selected, page, self.shown.len());
        self.top = revealed(self.top, self.selected, page, self.shown.len());
    }

    /// Selects the line at this place.
    pub(crate) fn select_row(&mut self, place: usize) {
        self.selected = place.min(self.shown.len().saturating_sub(1));
    }

    /// The lines of `page` rows, with their places and whether they are selected.
    pub(crate) fn rows(&self, page: usize) -> impl Iterator<Item = (usize, &Item, bool)> {
        let shown = self.shown.iter().enumerate().skip(self.top).take(page);
        shown.filter_map(|(place, index)| Some((place, self.items.get(*index)?, place == self.selected)))
    }

    /// What is selected.
    pub(crate) fn chosen(&self) -> Option<&Choice> {
        self.items.get(*self.shown.get(self.selected)?).map(|item| &item.choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::samples;

    fn found(typed: &str) -> Vec<String> {
        let mut palette = Palette::commands(Context::Guests, &samples::guests(200));
        palette.input = Input::new(typed.to_owned());
        palette.search();
        palette.rows(3).map(|(_, item, _)| item.text.clone()).collect()
    }

    #[test]
    fn part_of_a_name_finds_it() {
        assert_eq!(found("start guest042")[0], "start guest042");
        assert_eq!(found("cons 117")[0], "console guest117");
        assert_eq!(found("crea")[0], "Create a guest");
        assert!(found("xyzzy").is_empty());
        assert_eq!(found("").len(), 3);
    }
}

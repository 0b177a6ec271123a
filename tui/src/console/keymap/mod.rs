//! The one table of keys: dispatch, footer, help screen, command palette and what is clicked in the footer all come from
//! it.
//!
//! It knows which key means which [`Action`] in which [`Context`] and how to say so; what an action does
//! is decided in `update`. Keys that are text (typed into a field, or sent to a guest) are not in it.

mod action;
mod key;
mod table;

pub(crate) use action::Action;
use crossterm::event::KeyEvent;
pub(crate) use key::Key;
pub(crate) use table::BINDINGS;

/// Where a key was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// The table of guests.
    Guests,
    /// One guest.
    Guest,
    /// A guest's console: keys go to the guest.
    Console,
    /// A guest's console while it shows earlier output.
    Scrollback,
    /// The menu over a guest's console.
    Vmp,
    /// The device management database.
    Storage,
    /// The VSP's drives and their media.
    Hardware,
    /// The log.
    Logs,
    /// A line that is being typed: a filter, a search, a time.
    Prompt,
    /// The command palette.
    Palette,
    /// Results of earlier actions.
    History,
    /// No VSP is connected.
    Offline,
    /// No VSP is connected, and the keys are those of a guest's console.
    Lost,
    /// The first start's welcome.
    Welcome,
    /// A yes-or-no question.
    Confirm,
    /// The same with a harder answer, about a guest.
    ConfirmStop,
    /// The same about something that may be locked.
    ConfirmForce,
    /// A form.
    Form,
    /// A message that waits to be read.
    Message,
    /// The help screen.
    Help,
    /// Every screen where keys are commands.
    Anywhere,
}

impl Context {
    /// All contexts, in the order in which the help screen shows them.
    pub(crate) const ALL: [Context; 21] = [
        Context::Guests,
        Context::Guest,
        Context::Console,
        Context::Vmp,
        Context::Scrollback,
        Context::Lost,
        Context::Storage,
        Context::Hardware,
        Context::Logs,
        Context::Anywhere,
        Context::Prompt,
        Context::Palette,
        Context::History,
        Context::Form,
        Context::Confirm,
        Context::ConfirmStop,
        Context::ConfirmForce,
        Context::Message,
        Context::Welcome,
        Context::Offline,
        Context::Help,
    ];

    /// The heading of this context on the help screen.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Context::Guests => "Overview",
            Context::Guest => "Guest",
            Context::Console => "Guest console (all other keys go to the guest)",
            Context::Vmp => "Guest console, vMP menu",
            Context::Scrollback => "Guest console, earlier output",
            Context::Storage => "Storage: device database",
            Context::Hardware => "Storage: drives and media",
            Context::Logs => "Logs",
            Context::Prompt => "Filter, search, time",
            Context::Palette => "Command palette",
            Context::History => "Messages",
            Context::Offline => "No VSP",
            Context::Lost => "Guest console whose VSP is lost (all other keys do nothing)",
            Context::Welcome => "Welcome",
            Context::Confirm => "Question",
            Context::ConfirmStop => "Question before a guest is stopped",
            Context::ConfirmForce => "Question before something that may be locked is taken",
            Context::Form => "Form",
            Context::Message => "Message",
            Context::Help => "Help",
            Context::Anywhere => "Every screen but a guest's console",
        }
    }

    /// Whether [`Context::Anywhere`]'s keys work here too.
    fn has_common_keys(self) -> bool {
        matches!(
            self,
            Context::Guests
                | Context::Guest
                | Context::Storage
                | Context::Hardware
                | Context::Logs
                | Context::Offline
        )
    }
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Binding {
    /// Where it holds.
    pub(crate) context: Context,
    /// The keys that do the same; the first is shown in the footer.
    pub(crate) keys: &'static [Key],
    /// What they ask for.
    pub(crate) action: Action,
    /// A word for the footer; empty keeps it out of there.
    pub(crate) label: &'static str,
    /// A line for the help screen.
    pub(crate) help: &'static str,
}

/// The key that leaves a guest's console, as in HPVM's virtual management processor.
pub(crate) const ESCAPE_KEY: Key = Key::ctrl('b');
/// The byte that a terminal sends for [`ESCAPE_KEY`].
pub(crate) const ESCAPE_BYTE: u8 = 0x02;

/// What `event` asks for in `context`, if anything.
pub(crate) fn action(context: Context, event: &KeyEvent) -> Option<Action> {
    rows(context).find(|row| row.keys.iter().any(|key| key.matches(event))).map(|row| row.action)
}

/// The rows that hold in `context`: its own, then the common ones.
pub(crate) fn rows(context: Context) -> impl Iterator<Item = &'static Binding> {
    let own = BINDINGS.iter().filter(move |row| row.context == context);
    let common =
        BINDINGS.iter().filter(move |row| context.has_common_keys() && row.context == Context::Anywhere);
    own.chain(common)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyModifiers};

    #[test]
    fn no_key_means_two_things_in_one_context() {
        for context in Context::ALL {
            let keys: Vec<Key> = rows(context).flat_map(|row| row.keys.iter().copied()).collect();
            for (index, key) in keys.iter().enumerate() {
                assert!(!keys[..index].contains(key), "{key} is bound twice in {context:?}");
            }
        }
    }

    #[test]
    fn every_row_is_reached_by_each_of_its_keys() {
        for row in BINDINGS {
            for key in row.keys {
                let event = KeyEvent::new(key.code, key.modifiers);
                assert_eq!(action(row.context, &event), Some(row.action), "{key} in {:?}", row.context);
            }
            assert!(!row.help.is_empty());
        }
    }

    #[test]
    fn every_context_says_in_its_footer_how_to_get_out() {
        for context in Context::ALL {
            let leaves = |row: &Binding| {
                matches!(row.action, Action::Cancel | Action::Quit | Action::Menu | Action::Overview)
                    && !row.label.is_empty()
            };
            assert!(rows(context).any(leaves), "{context:?}");
        }
    }

    #[test]
    fn capital_letters_are_their_own_keys() {
        let shifted = KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT);
        assert_eq!(action(Context::Guests, &shifted), Some(Action::Last));
        let plain = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::NONE);
        assert_eq!(action(Context::Guests, &plain), Some(Action::First));
    }

    #[test]
    fn keys_are_named_as_on_a_keyboard() {
        assert_eq!(ESCAPE_KEY.to_string(), "Ctrl-B");
        assert_eq!(Key::shift(KeyCode::PageUp).to_string(), "Shift-PgUp");
        assert_eq!(Key::char('?').to_string(), "?");
        assert_eq!(Key::plain(KeyCode::BackTab).to_string(), "Shift-Tab");
        assert_eq!(Key::plain(KeyCode::F(1)).to_string(), "F1");
    }
}

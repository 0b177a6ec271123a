//! The one table of keys: dispatch, footer and help screen all come from it.
//!
//! It knows which key means which [`Action`] in which [`Context`] and how to say so; what an action does
//! is decided in `update`. Keys that are text (typed into a field, or sent to a guest) are not in it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;

/// Where a key was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Context {
    /// The table of guests.
    Guests,
    /// The console pane: keys go to the guest.
    Console,
    /// The console pane while it shows earlier output.
    Scrollback,
    /// The log pane.
    Logs,
    /// The text filter of the log pane.
    Filter,
    /// No VSP is connected.
    Offline,
    /// The first start's welcome.
    Welcome,
    /// A yes-or-no question.
    Confirm,
    /// The same with a harder answer.
    ConfirmStop,
    /// The form that makes a guest.
    Form,
    /// A message that waits to be read.
    Message,
    /// The help screen.
    Help,
    /// Every context in which keys are commands.
    Anywhere,
}

impl Context {
    /// All contexts, in the order in which the help screen shows them.
    pub(crate) const ALL: [Context; 13] = [
        Context::Guests,
        Context::Console,
        Context::Scrollback,
        Context::Logs,
        Context::Filter,
        Context::Form,
        Context::Confirm,
        Context::ConfirmStop,
        Context::Message,
        Context::Welcome,
        Context::Offline,
        Context::Help,
        Context::Anywhere,
    ];

    /// The heading of this context on the help screen.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Context::Guests => "Guests",
            Context::Console => "Guest console (all other keys go to the guest)",
            Context::Scrollback => "Guest console, earlier output (all other keys go to the guest)",
            Context::Logs => "Log",
            Context::Filter => "Log, filter text",
            Context::Offline => "No VSP",
            Context::Welcome => "Welcome",
            Context::Confirm => "Question",
            Context::ConfirmStop => "Question before a guest is stopped",
            Context::Form => "Create guest",
            Context::Message => "Message",
            Context::Help => "Help",
            Context::Anywhere => "Guests, log, no VSP",
        }
    }

    /// Whether [`Context::Anywhere`]'s keys work here too.
    fn has_common_keys(self) -> bool {
        matches!(self, Context::Guests | Context::Logs | Context::Offline)
    }
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the beginning.
    First,
    /// To the end.
    Last,
    /// Give the keys to the next pane.
    NextPane,
    /// Give the keys back to the table of guests.
    ToGuests,
    /// Give the keys to the console of the selected guest.
    ToConsole,
    /// As [`Action::ToConsole`], and send the escape key itself.
    SendEscapeKey,
    /// Give the keys to the log.
    ToLogs,
    /// The lower pane takes the whole screen, or gives it back.
    Zoom,
    /// Start the selected guest.
    Start,
    /// Ask, then stop the selected guest.
    Stop,
    /// Ask, then reset the selected guest.
    Reset,
    /// Ask, then remove the selected guest.
    Remove,
    /// Open the form for a new guest.
    Create,
    /// Become the one who writes to this console.
    TakeOver,
    /// Hold the log, or follow it again.
    Pause,
    /// The next least level to show.
    Level,
    /// The next source of log lines to show.
    Source,
    /// Type the text that shown lines contain.
    EditFilter,
    /// Drop the text filter.
    ClearFilter,
    /// Yes, do it; create it; start it.
    Accept,
    /// Yes, and the hard way.
    AcceptHarder,
    /// No; close; go back.
    Cancel,
    /// To the next field.
    NextField,
    /// To the previous field.
    PreviousField,
    /// Try to reach the VSP now.
    Reconnect,
    /// Start a VSP.
    StartVsp,
    /// Open the help screen.
    Help,
    /// Draw everything anew.
    Redraw,
    /// Leave; guests go on.
    Quit,
}

/// A key as the table names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Which key.
    pub(crate) code: KeyCode,
    /// What is held with it.
    pub(crate) modifiers: KeyModifiers,
}

impl Key {
    const fn plain(code: KeyCode) -> Self {
        Self { code, modifiers: KeyModifiers::NONE }
    }

    const fn char(character: char) -> Self {
        Self::plain(KeyCode::Char(character))
    }

    const fn ctrl(character: char) -> Self {
        Self { code: KeyCode::Char(character), modifiers: KeyModifiers::CONTROL }
    }

    const fn shift(code: KeyCode) -> Self {
        Self { code, modifiers: KeyModifiers::SHIFT }
    }

    /// Whether `event` is this key. Shift is part of a character already.
    fn matches(self, event: &KeyEvent) -> bool {
        let mut modifiers = event.modifiers;
        if matches!(event.code, KeyCode::Char(_) | KeyCode::BackTab) {
            modifiers -= KeyModifiers::SHIFT;
        }
        event.code == self.code && modifiers == self.modifiers
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("Ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::SHIFT) {
            f.write_str("Shift-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(character) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                write!(f, "{}", character.to_ascii_uppercase())
            }
            KeyCode::Char(character) => write!(f, "{character}"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::F(number) => write!(f, "F{number}"),
            KeyCode::Delete => f.write_str("Del"),
            other => write!(f, "{other:?}"),
        }
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

const fn row(
    context: Context,
    keys: &'static [Key],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { context, keys, action, label, help }
}

/// The key that leaves a guest's console, as in HPVM's virtual management processor.
pub(crate) const ESCAPE_KEY: Key = Key::ctrl('b');
/// The byte that a terminal sends for [`ESCAPE_KEY`].
pub(crate) const ESCAPE_BYTE: u8 = 0x02;

const UP: Key = Key::plain(KeyCode::Up);
const DOWN: Key = Key::plain(KeyCode::Down);
const PAGE_UP: Key = Key::plain(KeyCode::PageUp);
const PAGE_DOWN: Key = Key::plain(KeyCode::PageDown);
const HOME: Key = Key::plain(KeyCode::Home);
const END: Key = Key::plain(KeyCode::End);
const TAB: Key = Key::plain(KeyCode::Tab);
const BACK_TAB: Key = Key::plain(KeyCode::BackTab);
const ENTER: Key = Key::plain(KeyCode::Enter);
const ESC: Key = Key::plain(KeyCode::Esc);
const DELETE: Key = Key::plain(KeyCode::Delete);

/// Every key. Within a context the order is that of the footer.
#[rustfmt::skip]
pub(crate) const BINDINGS: &[Binding] = &[
    row(Context::Guests, &[Key::char('s')], Action::Start, "start", "Start the selected guest"),
    row(Context::Guests, &[Key::char('c'), ENTER], Action::ToConsole, "console", "Use the selected guest's console"),
    row(Context::Guests, &[Key::char('x')], Action::Stop, "stop", "Stop the selected guest, after asking"),
    row(Context::Guests, &[Key::char('r')], Action::Reset, "reset", "Reset the selected guest, after asking"),
    row(Context::Guests, &[Key::char('n')], Action::Create, "new", "Create a guest"),
    row(Context::Guests, &[Key::char('d'), DELETE], Action::Remove, "remove", "Remove the selected guest, after asking"),
    row(Context::Guests, &[Key::char('l')], Action::ToLogs, "log", "Use the log"),
    row(Context::Guests, &[Key::char('f')], Action::Zoom, "full", "The lower pane fills the screen, or not"),
    row(Context::Guests, &[TAB], Action::NextPane, "", "Show the other lower pane"),
    row(Context::Guests, &[ESCAPE_KEY], Action::SendEscapeKey, "", "Back to the console, sending it a Ctrl-B"),
    row(Context::Guests, &[Key::char('w')], Action::TakeOver, "", "Take over writing to the console"),
    row(Context::Guests, &[UP, Key::char('k')], Action::Up, "", "Previous guest"),
    row(Context::Guests, &[DOWN, Key::char('j')], Action::Down, "", "Next guest"),
    row(Context::Guests, &[PAGE_UP], Action::PageUp, "", "One page of guests up"),
    row(Context::Guests, &[PAGE_DOWN], Action::PageDown, "", "One page of guests down"),
    row(Context::Guests, &[HOME, Key::char('g')], Action::First, "", "First guest"),
    row(Context::Guests, &[END, Key::char('G')], Action::Last, "", "Last guest"),

    row(Context::Console, &[ESCAPE_KEY], Action::ToGuests, "leaves the console", "Leave; twice sends the guest a Ctrl-B"),
    row(Context::Console, &[PAGE_UP, Key::shift(KeyCode::PageUp)], Action::PageUp, "earlier output", "Earlier output (not in full-screen programs)"),

    row(Context::Scrollback, &[ESCAPE_KEY], Action::ToGuests, "leaves the console", "Leave the console"),
    row(Context::Scrollback, &[ESC, END], Action::Last, "newest", "Back to the newest output"),
    row(Context::Scrollback, &[PAGE_UP, Key::shift(KeyCode::PageUp)], Action::PageUp, "up", "One page up"),
    row(Context::Scrollback, &[PAGE_DOWN, Key::shift(KeyCode::PageDown)], Action::PageDown, "down", "One page down"),
    row(Context::Scrollback, &[UP], Action::Up, "", "One line up"),
    row(Context::Scrollback, &[DOWN], Action::Down, "", "One line down"),
    row(Context::Scrollback, &[HOME], Action::First, "", "Oldest output that is kept"),

    row(Context::Logs, &[ESC], Action::ToGuests, "guests", "Back to the table of guests"),
    row(Context::Logs, &[Key::char(' ')], Action::Pause, "pause", "Hold the log, or follow it again"),
    row(Context::Logs, &[Key::char('v')], Action::Level, "level", "Next level: error, warn, info, debug, trace"),
    row(Context::Logs, &[Key::char('o')], Action::Source, "source", "Next source: all, VSP, selected guest"),
    row(Context::Logs, &[Key::char('/')], Action::EditFilter, "filter", "Show only lines that contain a text"),
    row(Context::Logs, &[Key::char('u')], Action::ClearFilter, "unfilter", "Drop the text filter"),
    row(Context::Logs, &[Key::char('f')], Action::Zoom, "full", "The log fills the screen, or not"),
    row(Context::Logs, &[TAB], Action::NextPane, "", "Back to the table of guests"),
    row(Context::Logs, &[Key::char('c')], Action::ToConsole, "", "Use the selected guest's console"),
    row(Context::Logs, &[UP, Key::char('k')], Action::Up, "", "One line up"),
    row(Context::Logs, &[DOWN, Key::char('j')], Action::Down, "", "One line down"),
    row(Context::Logs, &[PAGE_UP], Action::PageUp, "", "One page up"),
    row(Context::Logs, &[PAGE_DOWN], Action::PageDown, "", "One page down"),
    row(Context::Logs, &[HOME, Key::char('g')], Action::First, "", "Oldest line that is kept"),
    row(Context::Logs, &[END, Key::char('G')], Action::Last, "", "Newest line, and follow"),

    row(Context::Filter, &[ENTER], Action::Accept, "keep", "Keep the filter"),
    row(Context::Filter, &[ESC], Action::Cancel, "drop", "Drop the filter"),

    row(Context::Form, &[ENTER], Action::Accept, "create", "Create it, or go to the first wrong field"),
    row(Context::Form, &[TAB, DOWN], Action::NextField, "next field", "Next field"),
    row(Context::Form, &[BACK_TAB, UP], Action::PreviousField, "previous field", "Previous field"),
    row(Context::Form, &[ESC], Action::Cancel, "cancel", "Create nothing"),

    row(Context::Confirm, &[Key::char('y')], Action::Accept, "yes", "Yes, do it"),
    row(Context::Confirm, &[Key::char('n'), ESC, ENTER, Key::char('q')], Action::Cancel, "no", "No"),

    row(Context::ConfirmStop, &[Key::char('y')], Action::Accept, "power button", "Press the guest's power button"),
    row(Context::ConfirmStop, &[Key::char('p')], Action::AcceptHarder, "power off now", "Switch the guest off at once"),
    row(Context::ConfirmStop, &[Key::char('n'), ESC, ENTER, Key::char('q')], Action::Cancel, "no", "No"),

    row(Context::Message, &[ENTER, ESC, Key::char('q'), Key::char(' ')], Action::Cancel, "close", "Close the message"),
    row(Context::Message, &[UP, Key::char('k')], Action::Up, "", "One line up"),
    row(Context::Message, &[DOWN, Key::char('j')], Action::Down, "", "One line down"),

    row(Context::Welcome, &[ENTER, Key::char('s')], Action::Accept, "start demo", "Start the guest demo, use its console"),
    row(Context::Welcome, &[ESC], Action::Cancel, "look around", "Look around first"),
    row(Context::Welcome, &[Key::char('?')], Action::Help, "help", "All keys"),
    row(Context::Welcome, &[Key::char('q'), Key::ctrl('c')], Action::Quit, "quit", "Quit"),

    row(Context::Offline, &[Key::char('s')], Action::StartVsp, "start VSP", "Start a VSP"),
    row(Context::Offline, &[Key::char('r')], Action::Reconnect, "try now", "Try to reach the VSP now"),

    row(Context::Help, &[ESC, Key::char('q'), Key::char('?'), ENTER], Action::Cancel, "close", "Close the help"),
    row(Context::Help, &[DOWN, Key::char('j')], Action::Down, "down", "One line down"),
    row(Context::Help, &[UP, Key::char('k')], Action::Up, "up", "One line up"),
    row(Context::Help, &[PAGE_DOWN, Key::char(' ')], Action::PageDown, "", "One page down"),
    row(Context::Help, &[PAGE_UP], Action::PageUp, "", "One page up"),
    row(Context::Help, &[HOME, Key::char('g')], Action::First, "", "To the beginning"),
    row(Context::Help, &[END, Key::char('G')], Action::Last, "", "To the end"),

    row(Context::Anywhere, &[Key::char('?'), Key::plain(KeyCode::F(1))], Action::Help, "help", "This help"),
    row(Context::Anywhere, &[Key::char('q'), Key::ctrl('c')], Action::Quit, "quit", "Quit; guests and VSP go on"),
    row(Context::Anywhere, &[Key::ctrl('l')], Action::Redraw, "", "Draw the screen anew"),
];

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
                matches!(row.action, Action::Cancel | Action::Quit | Action::ToGuests)
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
        assert_eq!(BACK_TAB.to_string(), "Shift-Tab");
        assert_eq!(Key::plain(KeyCode::F(1)).to_string(), "F1");
    }
}

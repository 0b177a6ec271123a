//! The table itself. Within a context the order is that of the footer.

use super::{Action, Binding, Context, ESCAPE_KEY, Key};
use crossterm::event::KeyCode;

const fn row(
    context: Context,
    keys: &'static [Key],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { context, keys, action, label, help }
}

const UP: Key = Key::plain(KeyCode::Up);
const DOWN: Key = Key::plain(KeyCode::Down);
const LEFT: Key = Key::plain(KeyCode::Left);
const RIGHT: Key = Key::plain(KeyCode::Right);
const PAGE_UP: Key = Key::plain(KeyCode::PageUp);
const PAGE_DOWN: Key = Key::plain(KeyCode::PageDown);
const HOME: Key = Key::plain(KeyCode::Home);
const END: Key = Key::plain(KeyCode::End);
const TAB: Key = Key::plain(KeyCode::Tab);
const BACK_TAB: Key = Key::plain(KeyCode::BackTab);
const ENTER: Key = Key::plain(KeyCode::Enter);
const ESC: Key = Key::plain(KeyCode::Esc);
const DELETE: Key = Key::plain(KeyCode::Delete);
const SHIFT_PAGE_UP: Key = Key::shift(KeyCode::PageUp);
const SHIFT_PAGE_DOWN: Key = Key::shift(KeyCode::PageDown);

/// Every key.
#[rustfmt::skip]
pub(crate) const BINDINGS: &[Binding] = &[
    row(Context::Guests, &[Key::char('s')], Action::Start, "start", "Start the selected guest"),
    row(Context::Guests, &[Key::char('c')], Action::ConsoleScreen, "console", "Use the selected guest's console"),
    row(Context::Guests, &[Key::char('x')], Action::Stop, "stop", "Stop the selected guest, after asking"),
    row(Context::Guests, &[Key::char('n')], Action::Create, "new", "Create a guest"),
    row(Context::Guests, &[ENTER], Action::GuestScreen, "details", "All about the selected guest"),
    row(Context::Guests, &[Key::char('/')], Action::EditFilter, "filter", "Show only guests with a text in name, OS or state"),
    row(Context::Guests, &[Key::char('o')], Action::Sort, "sort", "Sort by the next column"),
    row(Context::Guests, &[Key::char('O')], Action::SortReversed, "", "Sort the other way round"),
    row(Context::Guests, &[Key::char('u'), ESC], Action::ClearFilter, "", "Show all guests again"),
    row(Context::Guests, &[Key::char('r')], Action::Reset, "", "Reset the selected guest, after asking"),
    row(Context::Guests, &[Key::char('e')], Action::Modify, "", "Modify the selected guest"),
    row(Context::Guests, &[Key::char('y')], Action::Clone, "", "Clone the selected guest"),
    row(Context::Guests, &[Key::char('a')], Action::AddDevice, "", "Add a device to the selected guest"),
    row(Context::Guests, &[Key::char('d'), DELETE], Action::Remove, "", "Remove the selected guest, after asking"),
    row(Context::Guests, &[Key::char('p')], Action::Preview, "", "Below the table: the console, the log, or nothing"),
    row(Context::Guests, &[Key::char('l')], Action::GuestLog, "", "The log of the selected guest"),
    row(Context::Guests, &[UP, Key::char('k')], Action::Up, "", "Previous guest"),
    row(Context::Guests, &[DOWN, Key::char('j')], Action::Down, "", "Next guest"),
    row(Context::Guests, &[PAGE_UP], Action::PageUp, "", "One page of guests up"),
    row(Context::Guests, &[PAGE_DOWN], Action::PageDown, "", "One page of guests down"),
    row(Context::Guests, &[HOME, Key::char('g')], Action::First, "", "First guest"),
    row(Context::Guests, &[END, Key::char('G')], Action::Last, "", "Last guest"),

    row(Context::Guest, &[Key::char('s')], Action::Start, "start", "Start the guest"),
    row(Context::Guest, &[Key::char('c')], Action::ConsoleScreen, "console", "Use its console"),
    row(Context::Guest, &[Key::char('x')], Action::Stop, "stop", "Stop it, after asking"),
    row(Context::Guest, &[Key::char('e')], Action::Modify, "modify", "Modify it"),
    row(Context::Guest, &[Key::char('a')], Action::AddDevice, "add device", "Add a device"),
    row(Context::Guest, &[Key::char('v')], Action::Part, "view", "Charts, vCPUs, next start, who is at the console"),
    row(Context::Guest, &[Key::char('D')], Action::Disconnect, "", "End somebody's session at the console (vMP's DI)"),
    row(Context::Guest, &[Key::char('+'), Key::char('=')], Action::LongerRange, "range", "Charts over a longer time"),
    row(Context::Guest, &[Key::char('-')], Action::ShorterRange, "", "Charts over a shorter time"),
    row(Context::Guest, &[Key::char('i')], Action::Insert, "", "Insert a disc into the selected drive"),
    row(Context::Guest, &[Key::char('E')], Action::Eject, "", "Eject the disc of the selected drive"),
    row(Context::Guest, &[Key::char('d'), DELETE], Action::Remove, "", "Take the selected device away, after asking"),
    row(Context::Guest, &[Key::char('r')], Action::Reset, "", "Reset the guest, after asking"),
    row(Context::Guest, &[Key::char('y')], Action::Clone, "", "Clone it"),
    row(Context::Guest, &[LEFT, Key::char('h'), Key::char('[')], Action::Left, "", "Previous guest"),
    row(Context::Guest, &[RIGHT, Key::char(']')], Action::Right, "", "Next guest"),
    row(Context::Guest, &[Key::char('l')], Action::GuestLog, "", "Its log"),
    row(Context::Guest, &[UP, Key::char('k')], Action::Up, "", "Previous device"),
    row(Context::Guest, &[DOWN, Key::char('j')], Action::Down, "", "Next device"),
    row(Context::Guest, &[PAGE_UP], Action::PageUp, "", "One page of devices up"),
    row(Context::Guest, &[PAGE_DOWN], Action::PageDown, "", "One page of devices down"),
    row(Context::Guest, &[HOME, Key::char('g')], Action::First, "", "First device"),
    row(Context::Guest, &[END, Key::char('G')], Action::Last, "", "Last device"),
    row(Context::Guest, &[ESC], Action::Overview, "back", "Back to the overview"),

    row(Context::Console, &[ESCAPE_KEY], Action::Menu, "menu: leave, tabs, splits, power", "The vMP menu"),
    row(Context::Console, &[PAGE_UP, SHIFT_PAGE_UP], Action::Earlier, "earlier output", "Earlier output (not in full-screen programs)"),

    row(Context::Vmp, &[Key::char('c'), ENTER, ESC], Action::Cancel, "CO  back to the console", "Back to the console"),
    row(Context::Vmp, &[Key::char('x'), Key::char('q')], Action::Overview, "X   leave the console", "Leave the console"),
    row(Context::Vmp, &[ESCAPE_KEY], Action::SendEscapeKey, "send Ctrl-B to the guest", "Send the guest a Ctrl-B"),
    row(Context::Vmp, &[Key::char('e'), PAGE_UP], Action::Earlier, "CL  earlier output", "Earlier output"),
    row(Context::Vmp, &[Key::char('/')], Action::Search, "search in it", "Search in earlier output"),
    row(Context::Vmp, &[Key::char('t')], Action::OpenTab, "open another console", "Another guest's console in a tab"),
    row(Context::Vmp, &[Key::char('|'), Key::char('v')], Action::SplitColumns, "another console beside", "Another guest's console beside this one"),
    row(Context::Vmp, &[Key::char('-')], Action::SplitRows, "another console below", "Another guest's console below this one"),
    row(Context::Vmp, &[TAB], Action::NextPane, "next pane", "Next pane of the tab"),
    row(Context::Vmp, &[Key::char('n'), RIGHT], Action::NextTab, "next tab", "Next tab"),
    row(Context::Vmp, &[Key::char('p'), LEFT], Action::PreviousTab, "previous tab", "Previous tab"),
    row(Context::Vmp, &[Key::char('k')], Action::ClosePane, "close this pane", "Close this pane"),
    row(Context::Vmp, &[Key::char('f')], Action::Full, "full screen, or not", "The console fills the screen, or not"),
    row(Context::Vmp, &[Key::char('w')], Action::TakeOver, "take over writing", "Take over writing to the console"),
    row(Context::Vmp, &[Key::char('o')], Action::Start, "PC  power on", "Power on"),
    row(Context::Vmp, &[Key::char('g')], Action::Stop, "GR  shut down, power off", "Shut down or power off, after asking"),
    row(Context::Vmp, &[Key::char('r')], Action::Reset, "RS  reset", "Reset, after asking"),
    row(Context::Vmp, &[Key::char('l')], Action::GuestLog, "SL  event log", "The guest's log"),
    row(Context::Vmp, &[Key::char('m')], Action::GuestScreen, "VM  state, IN and EJ of discs", "State and devices; discs go in and out there"),
    row(Context::Vmp, &[Key::char('u')], Action::ShowUsers, "WHO who is at the console", "Who is at the console"),
    row(Context::Vmp, &[Key::char('d')], Action::Disconnect, "DI  disconnect somebody", "End somebody's session at the console"),
    row(Context::Vmp, &[Key::char('?')], Action::Help, "HE  help", "All keys"),

    row(Context::Scrollback, &[ESC, Key::char('q')], Action::Cancel, "newest", "Back to the newest output"),
    row(Context::Scrollback, &[Key::char('/')], Action::Search, "search", "Search upwards for a regular expression"),
    row(Context::Scrollback, &[Key::char('n')], Action::NextMatch, "next", "Next match upwards"),
    row(Context::Scrollback, &[Key::char('N')], Action::PreviousMatch, "", "Next match downwards"),
    row(Context::Scrollback, &[Key::char('v'), Key::char(' ')], Action::Select, "select", "Begin or end to select"),
    row(Context::Scrollback, &[Key::char('V')], Action::SelectLines, "lines", "Begin or end to select whole lines"),
    row(Context::Scrollback, &[Key::char('y'), ENTER], Action::Copy, "copy", "Copy what is selected"),
    row(Context::Scrollback, &[ESCAPE_KEY], Action::Menu, "menu", "The vMP menu"),
    row(Context::Scrollback, &[UP, Key::char('k')], Action::Up, "", "One line up"),
    row(Context::Scrollback, &[DOWN, Key::char('j')], Action::Down, "", "One line down"),
    row(Context::Scrollback, &[LEFT, Key::char('h')], Action::Left, "", "One character to the left"),
    row(Context::Scrollback, &[RIGHT, Key::char('l')], Action::Right, "", "One character to the right"),
    row(Context::Scrollback, &[Key::char('w')], Action::WordRight, "", "One word to the right"),
    row(Context::Scrollback, &[Key::char('b')], Action::WordLeft, "", "One word to the left"),
    row(Context::Scrollback, &[Key::char('0')], Action::LineStart, "", "To the beginning of the line"),
    row(Context::Scrollback, &[Key::char('$')], Action::LineEnd, "", "To the end of the line"),
    row(Context::Scrollback, &[PAGE_UP, SHIFT_PAGE_UP], Action::PageUp, "", "One page up"),
    row(Context::Scrollback, &[PAGE_DOWN, SHIFT_PAGE_DOWN], Action::PageDown, "", "One page down"),
    row(Context::Scrollback, &[HOME, Key::char('g')], Action::First, "", "Oldest output that is kept"),
    row(Context::Scrollback, &[END, Key::char('G')], Action::Last, "", "Newest line"),

    row(Context::Storage, &[Key::char('v')], Action::Part, "drives", "Drives and media"),
    row(Context::Storage, &[Key::char('a')], Action::Create, "add", "Add an entry"),
    row(Context::Storage, &[Key::char('e'), ENTER], Action::Modify, "edit", "Set an attribute of the entry, such as SHARE"),
    row(Context::Storage, &[Key::char('d'), DELETE], Action::Remove, "remove", "Remove the selected entry, after asking"),
    row(Context::Storage, &[Key::char('w')], Action::Database, "more", "All else that hpvmdevmgmt does, such as replace"),
    row(Context::Storage, &[Key::char('f')], Action::CreateFile, "file", "Make a file to be used as a virtual disk"),
    row(Context::Storage, &[Key::char('i')], Action::Insert, "insert", "Insert a disc into the selected drive"),
    row(Context::Storage, &[Key::char('E')], Action::Eject, "eject", "Eject the selected disc"),
    row(Context::Storage, &[Key::char('/')], Action::EditFilter, "", "Show only entries with a text"),
    row(Context::Storage, &[Key::char('u'), ESC], Action::ClearFilter, "", "Show all entries again"),
    row(Context::Storage, &[UP, Key::char('k')], Action::Up, "", "Previous entry"),
    row(Context::Storage, &[DOWN, Key::char('j')], Action::Down, "", "Next entry"),
    row(Context::Storage, &[PAGE_UP], Action::PageUp, "", "One page up"),
    row(Context::Storage, &[PAGE_DOWN], Action::PageDown, "", "One page down"),
    row(Context::Storage, &[HOME, Key::char('g')], Action::First, "", "First entry"),
    row(Context::Storage, &[END, Key::char('G')], Action::Last, "", "Last entry"),

    row(Context::Hardware, &[Key::char('v')], Action::Part, "database", "The device database"),
    row(Context::Hardware, &[Key::char('p')], Action::Move, "move", "Move the cartridge: to a drive, a slot, out"),
    row(Context::Hardware, &[Key::char('i')], Action::Insert, "insert", "A cartridge into the library, a disc into the burner"),
    row(Context::Hardware, &[Key::char('E')], Action::Eject, "eject", "Take the cartridge or disc out"),
    row(Context::Hardware, &[Key::char('h')], Action::Hold, "hold", "Keep guests away from the device, or give it free"),
    row(Context::Hardware, &[Key::char('a')], Action::Create, "new", "Have the VSP emulate a library, tape or burner"),
    row(Context::Hardware, &[Key::char('A')], Action::Attach, "to a guest", "Give the device to a guest"),
    row(Context::Hardware, &[Key::char('d'), DELETE], Action::Remove, "", "Take the emulated device away, after asking"),
    row(Context::Hardware, &[ENTER], Action::Describe, "", "What the device says of itself (diskinfo)"),
    row(Context::Hardware, &[Key::char('r')], Action::Scan, "", "Look for hardware (ioscan)"),
    row(Context::Hardware, &[Key::char('/')], Action::EditFilter, "", "Show only rows with a text"),
    row(Context::Hardware, &[Key::char('u'), ESC], Action::ClearFilter, "", "Show all rows again"),
    row(Context::Hardware, &[UP, Key::char('k')], Action::Up, "", "Previous row"),
    row(Context::Hardware, &[DOWN, Key::char('j')], Action::Down, "", "Next row"),
    row(Context::Hardware, &[PAGE_UP], Action::PageUp, "", "One page up"),
    row(Context::Hardware, &[PAGE_DOWN], Action::PageDown, "", "One page down"),
    row(Context::Hardware, &[HOME, Key::char('g')], Action::First, "", "First row"),
    row(Context::Hardware, &[END, Key::char('G')], Action::Last, "", "Last row"),

    row(Context::Logs, &[Key::char(' ')], Action::Pause, "pause", "Hold the log, or follow it again"),
    row(Context::Logs, &[Key::char('v')], Action::Level, "level", "Next level: error, warn, info, debug, trace"),
    row(Context::Logs, &[Key::char('o')], Action::Source, "source", "Next source: all, VSP, guests, consoles, one guest"),
    row(Context::Logs, &[Key::char('/')], Action::EditFilter, "filter", "Show only lines that contain a text"),
    row(Context::Logs, &[Key::char('R')], Action::EditRegex, "regex", "Show only lines that match a regular expression"),
    row(Context::Logs, &[Key::char('u'), ESC], Action::ClearFilter, "", "Drop the text filter"),
    row(Context::Logs, &[Key::char('@')], Action::JumpToTime, "time", "To a time, as 14:05 or -10m"),
    row(Context::Logs, &[Key::char('w')], Action::Wrap, "wrap", "Break long lines, or cut them"),
    row(Context::Logs, &[Key::char('c')], Action::ConsoleScreen, "", "Use the selected guest's console"),
    row(Context::Logs, &[UP, Key::char('k')], Action::Up, "", "One line up"),
    row(Context::Logs, &[DOWN, Key::char('j')], Action::Down, "", "One line down"),
    row(Context::Logs, &[PAGE_UP], Action::PageUp, "", "One page up"),
    row(Context::Logs, &[PAGE_DOWN], Action::PageDown, "", "One page down"),
    row(Context::Logs, &[HOME, Key::char('g')], Action::First, "", "Oldest line that is kept"),
    row(Context::Logs, &[END, Key::char('G')], Action::Last, "", "Newest line, and follow"),

    row(Context::Prompt, &[ENTER], Action::Accept, "keep", "Keep it"),
    row(Context::Prompt, &[ESC], Action::Cancel, "drop", "Drop it"),

    row(Context::Palette, &[ENTER], Action::Accept, "do it", "Do the selected one"),
    row(Context::Palette, &[DOWN, Key::ctrl('n')], Action::Down, "next", "Next one"),
    row(Context::Palette, &[UP, Key::ctrl('p')], Action::Up, "previous", "Previous one"),
    row(Context::Palette, &[PAGE_DOWN], Action::PageDown, "", "One page down"),
    row(Context::Palette, &[PAGE_UP], Action::PageUp, "", "One page up"),
    row(Context::Palette, &[ESC], Action::Cancel, "close", "Do nothing"),

    row(Context::History, &[ESC, Key::char('q'), Key::char('m'), ENTER], Action::Cancel, "close", "Close the messages"),
    row(Context::History, &[DOWN, Key::char('j')], Action::Down, "down", "One line down"),
    row(Context::History, &[UP, Key::char('k')], Action::Up, "up", "One line up"),
    row(Context::History, &[PAGE_DOWN, Key::char(' ')], Action::PageDown, "", "One page down"),
    row(Context::History, &[PAGE_UP], Action::PageUp, "", "One page up"),
    row(Context::History, &[HOME, Key::char('g')], Action::First, "", "To the newest"),
    row(Context::History, &[END, Key::char('G')], Action::Last, "", "To the oldest"),

    row(Context::Form, &[ENTER], Action::Accept, "do it", "Do it, or go to the first wrong field"),
    row(Context::Form, &[TAB, DOWN], Action::NextField, "next field", "Next field"),
    row(Context::Form, &[BACK_TAB, UP], Action::PreviousField, "previous field", "Previous field"),
    row(Context::Form, &[ESC], Action::Cancel, "cancel", "Do nothing"),

    row(Context::Confirm, &[Key::char('y')], Action::Accept, "yes", "Yes, do it"),
    row(Context::Confirm, &[Key::char('n'), ESC, ENTER, Key::char('q')], Action::Cancel, "no", "No"),

    row(Context::ConfirmStop, &[Key::char('y')], Action::Accept, "power button", "Press the guest's power button"),
    row(Context::ConfirmStop, &[Key::char('p')], Action::AcceptHarder, "power off now", "Switch the guest off at once"),
    row(Context::ConfirmStop, &[Key::char('n'), ESC, ENTER, Key::char('q')], Action::Cancel, "no", "No"),

    row(Context::ConfirmForce, &[Key::char('y')], Action::Accept, "yes", "Yes, do it"),
    row(Context::ConfirmForce, &[Key::char('f')], Action::AcceptHarder, "by force", "Yes, whoever has locked it"),
    row(Context::ConfirmForce, &[Key::char('n'), ESC, ENTER, Key::char('q')], Action::Cancel, "no", "No"),

    row(Context::Message, &[ENTER, ESC, Key::char('q'), Key::char(' ')], Action::Cancel, "close", "Close the message"),
    row(Context::Message, &[UP, Key::char('k')], Action::Up, "", "One line up"),
    row(Context::Message, &[DOWN, Key::char('j')], Action::Down, "", "One line down"),

    row(Context::Welcome, &[ENTER, Key::char('s')], Action::Accept, "start demo", "Start the guest demo, use its console"),
    row(Context::Welcome, &[ESC], Action::Cancel, "look around", "Look around first"),
    row(Context::Welcome, &[Key::char('?')], Action::Help, "help", "All keys"),
    row(Context::Welcome, &[Key::char('q'), Key::ctrl('c')], Action::Quit, "quit", "Quit"),

    row(Context::Offline, &[ENTER, Key::char('s')], Action::StartVsp, "start VSP", "Start a VSP"),
    row(Context::Offline, &[Key::char('r')], Action::Reconnect, "try now", "Try to reach the VSP now"),

    row(Context::Help, &[ESC, Key::char('q'), Key::char('?'), ENTER], Action::Cancel, "close", "Close the help"),
    row(Context::Help, &[DOWN, Key::char('j')], Action::Down, "down", "One line down"),
    row(Context::Help, &[UP, Key::char('k')], Action::Up, "up", "One line up"),
    row(Context::Help, &[PAGE_DOWN, Key::char(' ')], Action::PageDown, "", "One page down"),
    row(Context::Help, &[PAGE_UP], Action::PageUp, "", "One page up"),
    row(Context::Help, &[HOME, Key::char('g')], Action::First, "", "To the beginning"),
    row(Context::Help, &[END, Key::char('G')], Action::Last, "", "To the end"),

    row(Context::Anywhere, &[Key::char(':'), Key::ctrl('p')], Action::Palette, "commands", "Command palette: type part of what you want"),
    row(Context::Anywhere, &[Key::char('?'), Key::plain(KeyCode::F(1))], Action::Help, "help", "This help"),
    row(Context::Anywhere, &[Key::char('q'), Key::ctrl('c')], Action::Quit, "quit", "Quit; guests and VSP go on"),
    row(Context::Anywhere, &[Key::char('1')], Action::Overview, "", "Overview"),
    row(Context::Anywhere, &[Key::char('2')], Action::GuestScreen, "", "The selected guest"),
    row(Context::Anywhere, &[Key::char('3')], Action::ConsoleScreen, "", "Consoles"),
    row(Context::Anywhere, &[Key::char('4')], Action::StorageScreen, "", "Storage"),
    row(Context::Anywhere, &[Key::char('5')], Action::LogsScreen, "", "Logs"),
    row(Context::Anywhere, &[TAB], Action::NextScreen, "", "Next screen"),
    row(Context::Anywhere, &[BACK_TAB], Action::PreviousScreen, "", "Previous screen"),
    row(Context::Anywhere, &[Key::char('m')], Action::Messages, "", "Messages: results of all actions"),
    row(Context::Anywhere, &[Key::char('t')], Action::Theme, "", "Next theme: dark, light, 16 colours, none"),
    row(Context::Anywhere, &[Key::ctrl('l')], Action::Redraw, "", "Draw the screen anew"),
];

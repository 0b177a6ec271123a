//! What a key, a click or a line of the command palette asks for.

/// One wish of the operator.
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
    /// To the left; the previous guest; the previous choice.
    Left,
    /// To the right; the next guest; the next choice.
    Right,
    /// To the next screen.
    NextScreen,
    /// To the previous screen.
    PreviousScreen,
    /// To the overview.
    Overview,
    /// To the selected guest.
    GuestScreen,
    /// To the console of the selected guest.
    ConsoleScreen,
    /// To the device management database.
    StorageScreen,
    /// To the log.
    LogsScreen,
    /// To the log of the selected guest alone.
    GuestLog,
    /// What is below the table: a console, the log, nothing.
    Preview,
    /// Choose what else to do to the device management database.
    Database,
    /// The next of what the guest screen shows beside the configuration, or of what the storage screen shows.
    Part,
    /// Show who is at the console.
    ShowUsers,
    /// Choose whose session at the console ends.
    Disconnect,
    /// Start the selected guest.
    Start,
    /// Ask, then stop the selected guest.
    Stop,
    /// Ask, then stop all guests.
    StopAll,
    /// Ask, then reset the selected guest.
    Reset,
    /// Ask, then send the selected guest INIT.
    TransferControl,
    /// Ask, then remove what is selected.
    Remove,
    /// Open the form for a new guest, or a new entry.
    Create,
    /// Open the form that changes what is selected.
    Modify,
    /// Open the form for a guest after the selected one.
    Clone,
    /// Open the form for a device of the selected guest.
    AddDevice,
    /// Open the form that changes the selected device.
    ModifyDevice,
    /// Open the form for a file to be used as a virtual disk.
    CreateFile,
    /// Open the form for a disc into the selected drive.
    Insert,
    /// Ask, then take the disc out of the selected drive.
    Eject,
    /// Ask, then keep guests away from the selected device, or give it free.
    Hold,
    /// Choose where the selected cartridge is moved.
    Move,
    /// Have the selected device tell what it is.
    Describe,
    /// Look for hardware.
    Scan,
    /// Give the selected device to a guest.
    Attach,
    /// Sort by the next column.
    Sort,
    /// Sort the other way round.
    SortReversed,
    /// Type a filter.
    EditFilter,
    /// Type a regular expression as filter.
    EditRegex,
    /// Show everything again.
    ClearFilter,
    /// Show guests that are not to be shown, or no longer.
    ShowHidden,
    /// A longer range of charts.
    LongerRange,
    /// A shorter range of charts.
    ShorterRange,
    /// Open the menu over a console.
    Menu,
    /// Send the escape key itself to the guest.
    SendEscapeKey,
    /// Become the one who writes to this console.
    TakeOver,
    /// The console fills the screen, or not.
    Full,
    /// Type the command that tells the guest's shell the size of the pane.
    TypeSize,
    /// Another guest's console in a tab.
    OpenTab,
    /// Another guest's console beside this one.
    SplitColumns,
    /// Another guest's console below this one.
    SplitRows,
    /// To the next pane of the tab.
    NextPane,
    /// To the next tab.
    NextTab,
    /// To the previous tab.
    PreviousTab,
    /// Close this pane.
    ClosePane,
    /// Look at earlier output.
    Earlier,
    /// Search in earlier output.
    Search,
    /// The next place that matches, upwards.
    NextMatch,
    /// The next place that matches, downwards.
    PreviousMatch,
    /// Begin or end to select characters.
    Select,
    /// Begin or end to select lines.
    SelectLines,
    /// Copy what is selected.
    Copy,
    /// To the next word.
    WordRight,
    /// To the previous word.
    WordLeft,
    /// To the beginning of the line.
    LineStart,
    /// To the end of the line.
    LineEnd,
    /// Hold the log, or follow it again.
    Pause,
    /// The next least level to show.
    Level,
    /// The next source of log lines to show.
    Source,
    /// To a time.
    JumpToTime,
    /// Break long lines, or cut them.
    Wrap,
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
    /// Open the command palette.
    Palette,
    /// Open the results of earlier actions.
    Messages,
    /// Show what the VSP is.
    About,
    /// The next theme.
    Theme,
    /// Open the help screen.
    Help,
    /// Draw everything anew.
    Redraw,
    /// Leave; guests go on.
    Quit,
}

//! Everything that the console is, as plain data: no channel, no clock, nothing of the screen but its size.

use super::keymap::Context;
use super::layout::Regions;
use super::msg::{Millis, RequestId};
use super::screens::confirm::Confirm;
use super::screens::create::CreateForm;
use super::screens::guest_console::{Consoles, GuestConsole};
use super::screens::guests::GuestsScreen;
use super::screens::logs::LogsScreen;
use ipc::message::{GuestSummary, VspStatus};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use tui_input::Input;

/// The console.
#[derive(Debug)]
pub(crate) struct State {
    /// Columns and lines of the screen.
    pub(crate) size: (u16, u16),
    /// The time of the last tick.
    pub(crate) now: Millis,
    /// For the times of log lines.
    pub(crate) time_zone: TimeZone,
    /// The host's load over the last minute, in runnable tasks.
    pub(crate) host_load: Option<f32>,
    /// The connection to the VSP.
    pub(crate) link: Link,
    /// The table of guests.
    pub(crate) guests: GuestsScreen,
    /// The consoles that are open.
    pub(crate) consoles: Consoles,
    /// The logs.
    pub(crate) logs: LogsScreen,
    /// The lower pane that is in front where only one fits, and that gets the keys when a pane does.
    pub(crate) pane: Pane,
    /// The lower pane has the keys; otherwise the table has them.
    pub(crate) pane_has_keys: bool,
    /// The pane in front fills the screen.
    pub(crate) is_zoomed: bool,
    /// What lies over the screen; the last one has the keys.
    pub(crate) layers: Vec<Layer>,
    /// The result of the last request that succeeded.
    pub(crate) notice: Option<String>,
    /// What was asked and is not yet answered.
    pub(crate) requests: Requests,
    /// The VSP was seen once since the start.
    pub(crate) was_welcomed: bool,
}

/// A lower pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pane {
    /// The console of the selected guest.
    Console,
    /// The log.
    Logs,
}

/// The connection to the VSP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// On the way; nothing is known yet.
    Connecting,
    /// It stands.
    Up(Box<VspStatus>),
    /// It broke, or never stood.
    Down {
        /// Why.
        reason: String,
        /// Since when.
        since: Millis,
        /// When the last attempt to connect began.
        tried: Millis,
        /// An attempt is under way.
        is_trying: bool,
    },
}

/// Something that lies over the screen.
#[derive(Debug)]
pub(crate) enum Layer {
    /// The first start's greeting.
    Welcome,
    /// All keys; the number of lines scrolled.
    Help(usize),
    /// A yes-or-no question.
    Confirm(Confirm),
    /// A new guest.
    Form(Box<CreateForm>),
    /// Something to be read.
    Message(Message),
    /// The text filter of the log is being typed; it takes effect at once.
    Filter {
        /// What is typed.
        input: Input,
    },
}

impl Layer {
    fn context(&self) -> Context {
        match self {
            Layer::Welcome => Context::Welcome,
            Layer::Help(_) => Context::Help,
            Layer::Confirm(confirm) => confirm_context(confirm),
            Layer::Form(_) => Context::Form,
            Layer::Message(_) => Context::Message,
            Layer::Filter { .. } => Context::Filter,
        }
    }
}

/// The keys of a question: one with a harder answer has a key more.
pub(crate) fn confirm_context(confirm: &Confirm) -> Context {
    if confirm.harder.is_some() { Context::ConfirmStop } else { Context::Confirm }
}

/// A result that stays until it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// What was tried.
    pub(crate) title: String,
    /// What came of it.
    pub(crate) text: String,
    /// Lines scrolled.
    pub(crate) top: usize,
}

/// What was asked of the VSP and is not yet answered.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    last: RequestId,
    waiting: BTreeMap<RequestId, Waiting>,
}

/// A request that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// For the header: `starting demo`.
    pub(crate) doing: String,
    /// For the message line when it is done: `Guest demo: started.`
    pub(crate) done: String,
    /// For the message line when there was nothing to do: `Guest demo was on already.`
    pub(crate) already: String,
    /// For the title of the message when it is refused: `Unable to start guest demo`.
    pub(crate) failed: String,
    /// What the VSP last said about it.
    pub(crate) progress: Option<String>,
    /// When it was sent.
    pub(crate) since: Millis,
}

impl Requests {
    /// Notes a request and gives it its number.
    pub(crate) fn insert(&mut self, waiting: Waiting) -> RequestId {
        self.last += 1;
        self.waiting.insert(self.last, waiting);
        self.last
    }

    /// Takes out the request that `id` answers.
    pub(crate) fn remove(&mut self, id: RequestId) -> Option<Waiting> {
        self.waiting.remove(&id)
    }

    /// The request that `id` will answer.
    pub(crate) fn get_mut(&mut self, id: RequestId) -> Option<&mut Waiting> {
        self.waiting.get_mut(&id)
    }

    /// The request that has waited longest.
    pub(crate) fn oldest(&self) -> Option<&Waiting> {
        self.waiting.values().next()
    }
}

impl State {
    /// A console that has not seen its VSP yet.
    pub(crate) fn new(size: (u16, u16), now: Millis, time_zone: TimeZone) -> Self {
        Self {
            size,
            now,
            time_zone,
            host_load: None,
            link: Link::Connecting,
            guests: GuestsScreen::default(),
            consoles: Consoles::default(),
            logs: LogsScreen::default(),
            pane: Pane::Console,
            pane_has_keys: false,
            is_zoomed: false,
            layers: Vec::new(),
            notice: None,
            requests: Requests::default(),
            was_welcomed: false,
        }
    }

    /// Who gets the next key.
    pub(crate) fn context(&self) -> Context {
        if let Some(layer) = self.layers.last() {
            return layer.context();
        }
        match (&self.link, self.pane_has_keys, self.pane) {
            (Link::Connecting | Link::Down { .. }, _, _) => Context::Offline,
            (Link::Up(_), false, _) => Context::Guests,
            (Link::Up(_), true, Pane::Logs) => Context::Logs,
            (Link::Up(_), true, Pane::Console) if self.is_console_scrolled() => Context::Scrollback,
            (Link::Up(_), true, Pane::Console) => Context::Console,
        }
    }

    /// The selected guest.
    pub(crate) fn selected(&self) -> Option<&GuestSummary> {
        self.guests.selected()
    }

    /// The name of the selected guest.
    pub(crate) fn selected_name(&self) -> Option<&str> {
        self.selected().map(|guest| guest.name.as_str())
    }

    /// The console of the selected guest, if it is open.
    pub(crate) fn console(&self) -> Option<&GuestConsole> {
        self.consoles.get(self.selected()?.uuid)
    }

    /// The console of the selected guest, if it is open.
    pub(crate) fn console_mut(&mut self) -> Option<&mut GuestConsole> {
        let guest = self.selected()?.uuid;
        self.consoles.get_mut(guest)
    }

    /// Whether keys go to the selected guest.
    pub(crate) fn types_to_guest(&self) -> bool {
        self.pane_has_keys && self.pane == Pane::Console
    }

    /// The parts of the screen.
    pub(crate) fn regions(&self) -> Option<Regions> {
        Regions::of(self)
    }

    fn is_console_scrolled(&self) -> bool {
        self.console().is_some_and(|console| console.emulator.lines_above_newest() > 0)
    }
}

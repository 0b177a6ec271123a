//! Everything that the console is, as plain data: no channel, no clock, nothing of the screen but its size.

use super::figures::{Figures, Host};
use super::keymap::Context;
use super::layout::Regions;
use super::msg::{Millis, RequestId};
use super::screens::confirm::{Confirm, Wish};
use super::screens::detail::DetailScreen;
use super::screens::form::{Form, Purpose};
use super::screens::guest_console::{Consoles, GuestConsole};
use super::screens::guests::GuestsScreen;
use super::screens::history::History;
use super::screens::logs::LogsScreen;
use super::screens::palette::Palette;
use super::screens::storage::{StorageScreen, View};
use super::screens::tabs::Tabs;
use super::settings::Settings;
use crate::view::theme;
use ipc::message::{Acceptance, ClientToVsp, GuestDetail, GuestSummary, VspStatus};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use tui_input::Input;
use uuid::Uuid;

/// The console.
#[derive(Debug)]
pub(crate) struct State {
    /// Columns and lines of the terminal.
    pub(crate) size: (u16, u16),
    /// The time of the last tick.
    pub(crate) now: Millis,
    /// For the times of log lines.
    pub(crate) time_zone: TimeZone,
    /// How the operator wants it.
    pub(crate) settings: Settings,
    /// The colours now.
    pub(crate) palette: theme::Palette,
    /// The VSP's host.
    pub(crate) host: Host,
    /// The connection to the VSP.
    pub(crate) link: Link,
    /// When the VSP was last heard.
    pub(crate) heard: Millis,
    /// The screen in front.
    pub(crate) screen: Screen,
    /// The table of guests; what is selected there is the guest of all other screens.
    pub(crate) guests: GuestsScreen,
    /// What is shown below the table.
    pub(crate) preview: Preview,
    /// How busy guests and devices are.
    pub(crate) figures: Figures,
    /// The guest screen.
    pub(crate) detail: DetailScreen,
    /// The form that is opened when that guest is known.
    pub(crate) awaited_form: Option<AwaitedForm>,
    /// The consoles that are open.
    pub(crate) consoles: Consoles,
    /// The tabs of the console screen.
    pub(crate) tabs: Tabs,
    /// The storage screen.
    pub(crate) storage: StorageScreen,
    /// The logs.
    pub(crate) logs: LogsScreen,
    /// What lies over the screen; the last one has the keys.
    pub(crate) layers: Vec<Layer>,
    /// The result of the last request.
    pub(crate) notice: Option<Notice>,
    /// The results of all.
    pub(crate) history: History,
    /// What was asked and is not yet answered.
    pub(crate) requests: Requests,
    /// The VSP was seen once since the start.
    pub(crate) was_welcomed: bool,
    /// What the VSP said has changed what keys mean, and the screen does not show it yet: keys that were meant for what
    /// was there before do nothing.
    pub(crate) is_unseen: bool,
}

/// The name of a guest, and the form that begins with what it is.
pub(crate) type AwaitedForm = (String, fn(Box<GuestDetail>) -> Purpose);

/// A whole screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    /// All guests.
    Overview,
    /// One guest.
    Guest,
    /// Guests' consoles.
    Console,
    /// The device management database.
    Storage,
    /// The logs.
    Logs,
}

impl Screen {
    /// All, in the order of their tabs.
    pub(crate) const ALL: [Screen; 5] =
        [Screen::Overview, Screen::Guest, Screen::Console, Screen::Storage, Screen::Logs];

    /// Its name.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Screen::Overview => "Overview",
            Screen::Guest => "Guest",
            Screen::Console => "Console",
            Screen::Storage => "Storage",
            Screen::Logs => "Logs",
        }
    }
}

/// What is shown below the table of guests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Preview {
    /// The console of the selected guest, and the log where there is room for both.
    #[default]
    Console,
    /// The log.
    Logs,
    /// Nothing.
    Nothing,
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
        /// No VSP runs, so that one could be started.
        is_absent: bool,
        /// Since when.
        since: Millis,
        /// When the last attempt to connect began.
        tried: Millis,
        /// An attempt is under way.
        is_trying: bool,
    },
}

/// The result of a request in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// What came of it.
    pub(crate) text: String,
    /// It was done.
    pub(crate) is_good: bool,
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
    /// Something to be filled in.
    Form(Box<Form>),
    /// Something to be read.
    Message(Message),
    /// A line that is being typed.
    Prompt(Prompt),
    /// Commands or guests to choose from.
    Palette(Box<Palette>),
    /// Results of earlier actions; the number of lines scrolled.
    History(usize),
    /// The menu over a console.
    Vmp,
}

impl Layer {
    fn context(&self) -> Context {
        match self {
            Layer::Welcome => Context::Welcome,
            Layer::Help(_) => Context::Help,
            Layer::Confirm(confirm) => confirm_context(confirm),
            Layer::Form(_) => Context::Form,
            Layer::Message(_) => Context::Message,
            Layer::Prompt(_) => Context::Prompt,
            Layer::Palette(_) => Context::Palette,
            Layer::History(_) => Context::History,
            Layer::Vmp => Context::Vmp,
        }
    }
}

/// The keys of a question: one with a harder answer has a key more.
pub(crate) fn confirm_context(confirm: &Confirm) -> Context {
    match (&confirm.harder, &confirm.wish) {
        (None, _) => Context::Confirm,
        (Some(_), Wish::One(ClientToVsp::StopGuest { .. }) | Wish::StopAll { .. }) => Context::ConfirmStop,
        (Some(_), _) => Context::ConfirmForce,
    }
}

/// A result that stays until it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// What was tried.
    pub(crate) title: String,
    /// What came of it.
    pub(crate) text: String,
    /// It is a refusal or a failure.
    pub(crate) is_bad: bool,
    /// Lines scrolled.
    pub(crate) top: usize,
}

/// A line that is being typed.
#[derive(Debug)]
pub(crate) struct Prompt {
    /// What for.
    pub(crate) purpose: PromptPurpose,
    /// What is typed.
    pub(crate) input: Input,
    /// What is wrong with it.
    pub(crate) problem: Option<String>,
}

/// What a line is typed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PromptPurpose {
    /// The filter of the table of guests; takes effect at once.
    GuestFilter,
    /// The filter of the storage screen; takes effect at once.
    StorageFilter,
    /// The text filter of the log; takes effect at once.
    LogText,
    /// The same as a regular expression.
    LogRegex,
    /// A time in the log.
    LogTime,
    /// A search in a console's earlier output.
    Search,
}

impl PromptPurpose {
    /// What stands before the line.
    pub(crate) fn label(self) -> &'static str {
        match self {
            PromptPurpose::GuestFilter => "Guests with",
            PromptPurpose::StorageFilter => "Entries with",
            PromptPurpose::LogText => "Lines with",
            PromptPurpose::LogRegex => "Lines matching",
            PromptPurpose::LogTime => "Go to (14:05, -10m, 2026-11-23 14:05)",
            PromptPurpose::Search => "Search upwards for",
        }
    }
}

/// What was asked of the VSP and is not yet answered.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    last: RequestId,
    waiting: BTreeMap<RequestId, Pending>,
}

/// A request that is not yet answered by all who are to answer it.
#[derive(Debug)]
struct Pending {
    waiting: Waiting,
    /// Answers to come.
    left: usize,
    accepted: Acceptance,
    refusals: Vec<String>,
}

/// A request that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// While it goes on: `starting demo`.
    pub(crate) doing: String,
    /// When it is done: `Guest demo: started.`
    pub(crate) done: String,
    /// When there was nothing to do: `Guest demo was on already.`
    pub(crate) already: String,
    /// For the title of the message when it is refused: `Unable to start guest demo`.
    pub(crate) failed: String,
    /// The command that does the same.
    pub(crate) command: Option<String>,
    /// What the VSP last said about it.
    pub(crate) progress: Option<String>,
    /// Everything that it said, where that is its answer.
    pub(crate) report: Option<Vec<String>>,
    /// When it was sent.
    pub(crate) since: Millis,
}

impl Requests {
    /// Notes a request that is answered so many times and gives it its number.
    pub(crate) fn insert(&mut self, waiting: Waiting, answers: usize) -> RequestId {
        self.last += 1;
        let accepted = Acceptance { already_done: true, remarks: Vec::new() };
        let pending = Pending { waiting, left: answers, accepted, refusals: Vec::new() };
        self.waiting.insert(self.last, pending);
        self.last
    }

    /// Takes an answer to the request `id`. With the last one the request is over: what came of it, all refusals together
    /// if there are any.
    pub(crate) fn answer(
        &mut self,
        id: RequestId,
        answer: Result<Acceptance, String>,
    ) -> Option<(Waiting, Result<Acceptance, String>)> {
        let pending = self.waiting.get_mut(&id)?;
        match answer {
            Ok(Acceptance { already_done, remarks }) => {
                pending.accepted.already_done &= already_done;
                pending.accepted.remarks.extend(remarks);
            }
            Err(refusal) => pending.refusals.push(refusal),
        }
        pending.left = pending.left.saturating_sub(1);
        if pending.left > 0 {
            pending.waiting.progress = Some(format!("{} to go", pending.left));
            return None;
        }
        let Pending { waiting, accepted, refusals, .. } = self.waiting.remove(&id)?;
        Some((waiting, if refusals.is_empty() { Ok(accepted) } else { Err(refusals.join("\n")) }))
    }

    /// The request that `id` will answer.
    pub(crate) fn get_mut(&mut self, id: RequestId) -> Option<&mut Waiting> {
        self.waiting.get_mut(&id).map(|pending| &mut pending.waiting)
    }

    /// The request that has waited longest.
    pub(crate) fn oldest(&self) -> Option<&Waiting> {
        self.waiting.values().next().map(|pending| &pending.waiting)
    }
}

impl State {
    /// A console that has not seen its VSP yet.
    pub(crate) fn new(size: (u16, u16), now: Millis, time_zone: TimeZone, settings: Settings) -> Self {
        Self {
            size,
            now,
            time_zone,
            host: Host::default(),
            link: Link::Connecting,
            heard: now,
            screen: Screen::Overview,
            guests: GuestsScreen::sorted_by(settings.sort),
            settings,
            palette: theme::Palette::Dark,
            preview: Preview::default(),
            figures: Figures::default(),
            detail: DetailScreen::default(),
            awaited_form: None,
            consoles: Consoles::default(),
            tabs: Tabs::default(),
            storage: StorageScreen::default(),
            logs: LogsScreen::default(),
            layers: Vec::new(),
            notice: None,
            history: History::default(),
            requests: Requests::default(),
            was_welcomed: false,
            is_unseen: false,
        }
    }

    /// The screen shows what there is.
    pub(crate) fn note_drawn(&mut self) {
        self.is_unseen = false;
    }

    /// Who gets the next key.
    pub(crate) fn context(&self) -> Context {
        if let Some(layer) = self.layers.last() {
            return layer.context();
        }
        match (&self.link, self.screen) {
            // Who types to a guest goes on for a while.
            (Link::Connecting | Link::Down { .. }, Screen::Console) => Context::Lost,
            (Link::Connecting | Link::Down { .. }, _) => Context::Offline,
            (Link::Up(_), Screen::Overview) => Context::Guests,
            (Link::Up(_), Screen::Guest) => Context::Guest,
            (Link::Up(_), Screen::Storage) => match self.storage.view() {
                View::Database => Context::Storage,
                View::Hardware => Context::Hardware,
            },
            (Link::Up(_), Screen::Logs) => Context::Logs,
            (Link::Up(_), Screen::Console) if self.is_browsing() => Context::Scrollback,
            (Link::Up(_), Screen::Console) => Context::Console,
        }
    }

    /// The guest that actions are about: that of the console with the keys, otherwise the selected one.
    pub(crate) fn selected(&self) -> Option<&GuestSummary> {
        match self.screen {
            Screen::Console => self.guests.by_uuid(self.tabs.focused()?),
            _ => self.guests.selected(),
        }
    }

    /// Its name.
    pub(crate) fn selected_name(&self) -> Option<&str> {
        self.selected().map(|guest| guest.name.as_str())
    }

    /// Its console, if that is open.
    pub(crate) fn console(&self) -> Option<&GuestConsole> {
        self.consoles.get(self.selected()?.uuid)
    }

    /// Its console, if that is open.
    pub(crate) fn console_mut(&mut self) -> Option<&mut GuestConsole> {
        let guest = self.selected()?.uuid;
        self.consoles.get_mut(guest)
    }

    /// Whether `guest`'s console is where keys go to.
    pub(crate) fn types_to(&self, guest: Uuid) -> bool {
        self.screen == Screen::Console && self.tabs.focused() == Some(guest)
    }

    /// The parts of the screen.
    pub(crate) fn regions(&self) -> Option<Regions> {
        Regions::of(self)
    }

    fn is_browsing(&self) -> bool {
        self.console().is_some_and(|console| console.history.is_some())
    }
}

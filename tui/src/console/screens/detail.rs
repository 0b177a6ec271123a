//! The guest screen: what is known of the selected guest beyond the table.

use super::guests::{revealed, stepped};
use crate::console::figures::Range;
use crate::console::keymap::Action;
use crate::console::msg::Millis;
use ipc::io::IoDevice;
use ipc::message::{ConsoleUser, DeviceDetail, GuestDetail};

/// What is known is asked for anew after this time, in milliseconds.
pub(crate) const STALE_MILLIS: Millis = 5000;

/// What is shown of a guest beside its configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Part {
    /// Charts over time.
    #[default]
    Charts,
    /// Its virtual processors.
    Vcpus,
    /// What will be otherwise when it is started again.
    NextStart,
    /// Who is at its console.
    Users,
}

impl Part {
    /// All, in their order.
    pub(crate) const ALL: [Part; 4] = [Part::Charts, Part::Vcpus, Part::NextStart, Part::Users];

    /// Its name.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Part::Charts => "Charts",
            Part::Vcpus => "vCPUs",
            Part::NextStart => "Next start",
            Part::Users => "At the console",
        }
    }

    /// The next one, and round again.
    pub(crate) fn next(self) -> Part {
        match self {
            Part::Charts => Part::Vcpus,
            Part::Vcpus => Part::NextStart,
            Part::NextStart => Part::Users,
            Part::Users => Part::Charts,
        }
    }
}

/// One guest with everything.
#[derive(Debug, Default)]
pub(crate) struct DetailScreen {
    /// The guest last asked about, and when.
    asked: Option<(String, Millis)>,
    /// Its answer.
    known: Option<Box<GuestDetail>>,
    /// Why there is none.
    pub(crate) problem: Option<String>,
    /// Who is at the console of the guest of this name.
    users: (String, Vec<ConsoleUser>),
    /// Devices of the VSP that can be attached.
    attachable: Vec<IoDevice>,
    /// What is shown beside the configuration.
    pub(crate) part: Part,
    /// What the charts show.
    pub(crate) range: Range,
    selected: usize,
    top: usize,
}

impl DetailScreen {
    /// The guest of this name, if that is the one that is known.
    pub(crate) fn of(&self, name: &str) -> Option<&GuestDetail> {
        self.known.as_deref().filter(|known| known.summary.name == name)
    }

    /// Whether the VSP is to be asked about `name` now; notes that it is.
    pub(crate) fn must_ask(&mut self, name: &str, now: Millis) -> bool {
        let is_fresh = matches!(&self.asked, Some((asked, at)) if asked == name && now.saturating_sub(*at) < STALE_MILLIS);
        if !is_fresh {
            if self.asked.as_ref().is_none_or(|(asked, _)| asked != name) {
                (self.selected, self.top) = (0, 0);
            }
            self.asked = Some((name.to_owned(), now));
        }
        !is_fresh
    }

    /// Something has changed: what is known is to be asked for anew.
    pub(crate) fn expire(&mut self) {
        self.asked = None;
    }

    /// Takes an answer; one about another guest comes too late.
    pub(crate) fn take(&mut self, name: &str, result: Result<Box<GuestDetail>, String>) {
        if self.asked.as_ref().is_none_or(|(asked, _)| asked != name) {
            return;
        }
        match result {
            Ok(detail) => {
                self.selected = self.selected.min(detail.devices.len().saturating_sub(1));
                (self.known, self.problem) = (Some(detail), None);
            }
            Err(problem) => (self.known, self.problem) = (None, Some(problem)),
        }
    }

    /// Takes the answer to who is at the console of the guest of this name.
    pub(crate) fn take_users(&mut self, name: String, users: Vec<ConsoleUser>) {
        self.users = (name, users);
    }

    /// Who is at the console of the guest of this name, as far as that is known.
    pub(crate) fn users(&self, name: &str) -> &[ConsoleUser] {
        if self.users.0 == name { &self.users.1 } else { &[] }
    }

    /// Takes the devices of the VSP that can be attached.
    pub(crate) fn take_attachable(&mut self, devices: Vec<IoDevice>) {
        self.attachable = devices;
    }

    /// The VSP's device behind an attached device of a guest.
    pub(crate) fn attached(&self, device: &DeviceDetail) -> Option<&IoDevice> {
        let is_it = |known: &&IoDevice| known.lunpaths.iter().any(|(_, path)| *path == device.location);
        self.attachable.iter().find(is_it)
    }

    /// The selected device of the guest of this name.
    pub(crate) fn device(&self, name: &str) -> Option<&DeviceDetail> {
        self.of(name)?.devices.get(self.selected)
    }

    /// The place of the selected device, and of the first that is shown.
    pub(crate) fn selection(&self) -> (usize, usize) {
        (self.selected, self.top)
    }

    /// Moves the selection; `page` devices are shown.
    pub(crate) fn navigate(&mut self, action: Action, page: usize) {
        let count = self.known.as_ref().map_or(0, |known| known.devices.len());
        self.selected = stepped(action, self.selected, page, count);
        self.top = revealed(self.top, self.selected, page, count);
    }

    /// Selects the device at this place.
    pub(crate) fn select_row(&mut self, place: usize) {
        let count = self.known.as_ref().map_or(0, |known| known.devices.len());
        self.selected = place.min(count.saturating_sub(1));
    }
}

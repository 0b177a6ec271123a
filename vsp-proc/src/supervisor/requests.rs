//! Requests of clients: what is admitted, and HPVM's words for what is not.

use ipc::message::{
    ClientToVsp, DeviceChange, Refusal, RefusalKind, Remark, Setting, Severity, StopMode, VspToClient,
};

use storage::statement::StorageStatement;

use super::{Goal, Reply, Supervisor, error_line, plain_line};
use crate::db::{ConfigError, Entry, GuestConfig, Status};
use crate::stores::{self, Stores};
use crate::supervise::guest::{Event, State};

type Outcome = Result<Vec<Remark>, Refusal>;

impl Supervisor {
    /// Carries out a request; its answer may come later.
    pub(super) fn answer(&mut self, request: ClientToVsp, reply: Reply) {
        let answer = match request {
            ClientToVsp::ListGuests => Ok(VspToClient::Guests(self.summaries())),
            ClientToVsp::VspStatus => Ok(VspToClient::Status(self.status())),
            ClientToVsp::Figures(guest) => {
                let only = guest.map(|guest| self.find(&guest)).transpose();
                only.map(|only| VspToClient::Figures(self.figures(only.as_deref())))
            }
            ClientToVsp::GuestDetail(guest) => self.find(&guest).and_then(|name| self.show(&name)),
            ClientToVsp::CreateGuest { name, settings, devices, check_only } => {
                accepted(self.create(&name, &settings, devices, check_only))
            }
            ClientToVsp::ModifyGuest { guest, settings, devices, check_only } => accepted(
                self.find(&guest).and_then(|name| self.modify(&name, &settings, &devices, check_only)),
            ),
            ClientToVsp::RemoveGuest(guest) => {
                accepted(self.find(&guest).and_then(|name| self.remove(&name)))
            }
            ClientToVsp::ResetGuest(guest) => accepted(self.find(&guest).and_then(|name| self.reset(&name))),
            ClientToVsp::StartGuest { guest, check_only } => {
                let admitted = self.find(&guest).and_then(|name| self.admit_start(&name).map(|()| name));
                return match admitted {
                    Err(refusal) => reply.send(VspToClient::Refused(refusal)),
                    Ok(name) if check_only => reply.send(self.check_start(&name)),
                    Ok(name) => self.begin(&name, Goal::On, Event::Start, reply),
                };
            }
            ClientToVsp::StopGuest { guest, mode } => {
                let admitted = self.find(&guest).and_then(|name| self.admit_running(&name).map(|()| name));
                let event = match mode {
                    StopMode::Graceful => Event::StopGraceful,
                    StopMode::Hard => Event::StopHard,
                };
                return match admitted {
                    Err(refusal) => reply.send(VspToClient::Refused(refusal)),
                    Ok(name) => self.begin(&name, Goal::Off, event, reply),
                };
            }
            ClientToVsp::VspShutdown => return self.shut_down(false, Some(reply)),
            ClientToVsp::VspLeave => return self.leave(reply),
            // The server deals with these before they come here.
            ClientToVsp::Subscribe(_)
            | ClientToVsp::ConsoleInput(_)
            | ClientToVsp::ConsoleTakeAccess
            | ClientToVsp::ConsoleReleaseAccess => {
                Err(refusal(RefusalKind::Invalid, vec![plain_line("Not a request.")]))
            }
        };
        reply.send(answer.unwrap_or_else(VspToClient::Refused));
    }

    /// Lets something happen that a client waits for the end of.
    fn begin(&mut self, name: &str, goal: Goal, event: Event, reply: Reply) {
        if let Some(guest) = self.guests.get_mut(name) {
            guest.waiting.push((goal, reply));
        }
        self.feed(name, event);
    }

    fn show(&self, name: &str) -> Result<VspToClient, Refusal> {
        let config = self.readable(name)?;
        let detail = self.detail(config);
        detail.map(|detail| VspToClient::Guest(Box::new(detail))).ok_or_else(|| damaged(name, "it is gone"))
    }

    fn readable(&self, name: &str) -> Result<&GuestConfig, Refusal> {
        match self.db.get(name) {
            Some(Entry::Guest(config)) => Ok(config),
            Some(Entry::Damaged(reason)) => Err(damaged(name, reason)),
            None => Err(damaged(name, "There is no configuration.")),
        }
    }

    fn create(
        &mut self,
        name: &str,
        settings: &[Setting],
        devices: Vec<String>,
        check_only: bool,
    ) -> Outcome {
        let general = "Unable to create the guest.";
        let refused = |error: ConfigError| refuse(name, error, general);
        GuestConfig::check_name(name).map_err(refused)?;
        if self.db.get(name).is_some() {
            return Err(refused(conflict(format!("Guest '{name}' already exists."))));
        }
        let mut config = GuestConfig::new(name.to_owned(), self.db.free_number());
        let changes: Vec<DeviceChange> = devices.into_iter().map(DeviceChange::Add).collect();
        let mut remarks = apply(&mut config, settings, &changes).map_err(refused)?;
        remarks.extend(self.problems(&config));
        if check_only {
            return Ok(remarks);
        }
        self.db.put(config).map_err(|e| refused(host(format!("{e}."))))?;
        if let Err(e) = self.adopt(name) {
            // Without its console a guest is of no use; undo what was stored.
            let _ = self.db.remove(name);
            return Err(refused(host(format!("Cannot start a console: {e}."))));
        }
        tracing::info!(guest = name, "guest created");
        self.publish(name);
        Ok(remarks)
    }

    fn modify(
        &mut self,
        name: &str,
        settings: &[Setting],
        devices: &[DeviceChange],
        check_only: bool,
    ) -> Outcome {
        let general = "Unable to modify the guest.";
        let refused = |error: ConfigError| refuse(name, error, general);
        let mut config = self.readable(name)?.clone();
        if config.modify_status == Status::Disabled && !settings.iter().any(GuestConfig::unlocks) {
            let text = "Guest cannot be modified (modify_status=disabled).";
            return Err(refused(state_error(text)));
        }
        let mut remarks = apply(&mut config, settings, devices).map_err(refused)?;
        let is_on = self.guests.get(name).is_some_and(|guest| guest.state != State::Off);
        let renamed = config.name != name;
        if renamed && is_on {
            return Err(refused(state_error("Guest must be off to be renamed.")));
        }
        if renamed && self.db.get(&config.name).is_some() {
            return Err(refused(conflict(format!("Guest '{}' already exists.", config.name))));
        }
        remarks.extend(self.problems(&config));
        if check_only {
            return Ok(remarks);
        }
        let new_name = config.name.clone();
        let stored = if renamed { self.db.rename(name, config) } else { self.db.put(config) };
        stored.map_err(|e| refused(host(format!("{e}."))))?;
        if renamed {
            self.forget(name);
            self.adopt(&new_name).map_err(|e| refused(host(format!("Cannot start a console: {e}."))))?;
        }
        tracing::info!(guest = new_name, "guest modified");
        self.publish(&new_name);
        Ok(remarks)
    }

    fn remove(&mut self, name: &str) -> Outcome {
        let refused = |error: ConfigError| refuse(name, error, "Unable to remove the guest.");
        if self.guests.get(name).is_some_and(|guest| guest.state != State::Off) {
            return Err(refused(state_error("Guest is running. Stop it first.")));
        }
        self.db.remove(name).map_err(|e| refused(host(format!("{e}."))))?;
        self.forget(name);
        tracing::info!(guest = name, "guest removed");
        Ok(Vec::new())
    }

    fn reset(&mut self, name: &str) -> Outcome {
        self.admit_running(name)?;
        self.feed(name, Event::Reset);
        Ok(Vec::new())
    }

    /// May this guest be started now?
    pub(super) fn admit_start(&self, name: &str) -> Result<(), Refusal> {
        let refused = |text: &str| Err(refuse(name, state_error(text), "Unable to continue."));
        let config = self.readable(name)?;
        let state = self.guests.get(name).map(|guest| &guest.state);
        match state {
            _ if self.stopping.is_some() => refused("The VSP is stopping."),
            Some(State::Off) if config.runnable_status == Status::Disabled => {
                refused("Guest is not runnable on this host.")
            }
            Some(State::Off) => Ok(()),
            Some(State::Starting | State::Reattaching | State::Running(_)) => {
                refused("Guest is already running.")
            }
            _ => refused("Guest is still stopping."),
        }
    }

    fn admit_running(&self, name: &str) -> Result<(), Refusal> {
        match self.guests.get(name).map(|guest| &guest.state) {
            Some(State::Off) | None => {
                Err(refuse(name, state_error("Guest is not running."), "Unable to continue."))
            }
            Some(_) => Ok(()),
        }
    }

    fn check_start(&self, name: &str) -> VspToClient {
        let check = self.config(name).map_or(Ok(()), |config| {
            let free = self.store_in_use(config).map_or(Ok(()), Err);
            free.and_then(|()| self.launcher.check(config))
        });
        match check {
            Ok(()) => accepted(Ok(Vec::new())).unwrap_or_else(VspToClient::Refused),
            Err(text) => VspToClient::Refused(refuse(name, host(text), "Unable to continue.")),
        }
    }

    /// What may keep a guest from starting, but not from being configured.
    fn problems(&self, config: &GuestConfig) -> Vec<Remark> {
        let mut texts = Vec::new();
        let own = Stores::of(config);
        for other in self.db.configs().filter(|other| other.number != config.number) {
            let theirs = Stores::of(other);
            let shared = own.shared(&theirs);
            let name = &other.name;
            texts.extend(shared.map(|device| {
                format!("Device file '{}' is in use by another guest ({name}).", device.location())
            }));
        }
        for path in [&config.kernel, &config.initrd].into_iter().filter(|path| path.starts_with('/')) {
            if !std::path::Path::new(path).is_file() {
                texts.push(format!("File '{path}' does not exist."));
            }
        }
        texts.into_iter().map(|text| warning_line(&config.name, text)).collect()
    }
}

fn apply(
    config: &mut GuestConfig,
    settings: &[Setting],
    devices: &[DeviceChange],
) -> Result<Vec<Remark>, ConfigError> {
    let mut remarks = Vec::new();
    for setting in settings {
        let warning = config.apply(setting)?;
        remarks.extend(warning.map(|text| warning_line(&config.name, text)));
    }
    config.apply_devices(devices)?;
    if !devices.is_empty() {
        stores::check(config).map_err(|(text, statement)| ConfigError {
            kind: RefusalKind::Conflict,
            text,
            statement: Some(as_typed(&statement, devices)),
        })?;
    }
    Ok(remarks)
}

/// The operator's own spelling of a device that one of his options means.
fn as_typed(device: &StorageStatement, changes: &[DeviceChange]) -> String {
    let typed = changes.iter().map(|change| match change {
        DeviceChange::Add(text) | DeviceChange::Delete(text) | DeviceChange::Modify(text) => text,
    });
    let is_meant = |text: &&String| {
        text.parse::<StorageStatement>().is_ok_and(|typed| {
            typed.placement().address().is_none_or(|address| device.placement() == address.into())
                && (typed.device(), typed.storage(), typed.location())
                    == (device.device(), device.storage(), device.location())
        })
    };
    typed.into_iter().find(is_meant).cloned().unwrap_or_else(|| device.to_string())
}

fn accepted(outcome: Outcome) -> Result<VspToClient, Refusal> {
    outcome.map(|remarks| VspToClient::Accepted(ipc::message::Acceptance { already_done: false, remarks }))
}

/// HPVM's cascade: the specific, the device if one is at fault, the general.
fn refuse(guest: &str, error: ConfigError, general: &str) -> Refusal {
    let mut remarks = vec![error_line(guest, error.text)];
    remarks.extend(error.statement.map(|device| plain_line(&format!("Unable to create device {device}."))));
    remarks.push(plain_line(general));
    refusal(error.kind, remarks)
}

fn refusal(kind: RefusalKind, remarks: Vec<Remark>) -> Refusal {
    Refusal { kind, remarks }
}

fn damaged(guest: &str, reason: &str) -> Refusal {
    refusal(RefusalKind::Host, vec![error_line(guest, reason)])
}

fn warning_line(guest: &str, text: String) -> Remark {
    Remark { severity: Some(Severity::Warning), guest: Some(guest.to_owned()), text }
}

fn conflict(text: String) -> ConfigError {
    ConfigError { kind: RefusalKind::Conflict, text, statement: None }
}

fn state_error(text: &str) -> ConfigError {
    ConfigError { kind: RefusalKind::State, text: text.to_owned(), statement: None }
}

fn host(text: String) -> ConfigError {
    ConfigError { kind: RefusalKind::Host, text, statement: None }
}

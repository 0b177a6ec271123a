//! Requests of clients: what is admitted, and HPVM's words for what is not.

use ipc::figures::DeviceFigures;
use ipc::message::{ClientToVsp, DeviceChange, Manner, Refusal, RefusalKind, Remark, StopMode, VspToClient};
use storage::statement::Address;

use super::live::{Progress, StorageRequest};
use super::problems::Changes;
use super::{Goal, Reply, Supervisor, error_line, plain_line};
use crate::db::{ConfigError, Entry, GuestConfig, Status};
use crate::supervise::guest::{Event, State};
use crate::supervise::run::Run;

pub(super) type Outcome = Result<Vec<Remark>, Refusal>;

impl Supervisor {
    /// Carries out a request; its answer may come later.
    pub(super) fn answer(&mut self, request: ClientToVsp, reply: Reply) {
        if let Err(refusal) = self.admit(&request, &reply.caller) {
            return reply.send(VspToClient::Refused(refusal));
        }
        let answer = match request {
            ClientToVsp::ListGuests => Ok(VspToClient::Guests(self.summaries(&reply.caller))),
            ClientToVsp::VspStatus => Ok(VspToClient::Status(self.status())),
            ClientToVsp::Figures(guest) => {
                let only = guest.map(|guest| self.find(&guest)).transpose();
                only.map(|only| VspToClient::Figures(self.figures(only.as_deref(), &reply.caller)))
            }
            ClientToVsp::GuestDetail(guest) => self.find(&guest).and_then(|name| self.show(&name)),
            ClientToVsp::AllGuestDetails => {
                self.show_all(&reply);
                accepted(Ok(Vec::new()))
            }
            ClientToVsp::CreateGuest { name, settings, devices, manner } => {
                let devices: Vec<DeviceChange> = devices.into_iter().map(DeviceChange::Add).collect();
                accepted(self.create(&name, Changes { settings: &settings, devices: &devices, manner }))
            }
            ClientToVsp::ModifyGuest { guest, settings, devices, manner } => {
                let request = StorageRequest::Modify { guest, settings, devices, manner };
                return self.change_storage(request, reply, None);
            }
            ClientToVsp::ChangeDisc { guest, bus, slot, target, disc } => {
                let drive = Address::new(bus, slot, target).ok();
                return self.change_storage(StorageRequest::Disc { guest, drive, disc }, reply, None);
            }
            ClientToVsp::ListDiscs { guest, bus, slot, target } => {
                let drive = Address::new(bus, slot, target).ok();
                let discs = self.find(&guest).and_then(|name| self.list_discs(&name, drive));
                discs.map(VspToClient::Discs)
            }
            ClientToVsp::CloneGuest(wanted) => return self.clone_guest(&wanted, reply),
            ClientToVsp::Devices(request) => match self.manage_devices(request, &reply).transpose() {
                Some(answer) => answer,
                None => return,
            },
            ClientToVsp::Io(request) => self.manage_hardware(request),
            ClientToVsp::Software(request) => self.manage_software(request, &reply),
            ClientToVsp::RemoveGuest(guest) => {
                accepted(self.find(&guest).and_then(|name| self.remove(&name)))
            }
            ClientToVsp::ResetGuest(guest) => accepted(self.find(&guest).and_then(|name| self.reset(&name))),
            ClientToVsp::InitGuest(guest) => accepted(self.find(&guest).and_then(|name| self.init(&name))),
            ClientToVsp::StartGuest { guest, manner } => {
                let admitted = self.find(&guest).and_then(|name| self.admit_start(&name).map(|()| name));
                return match admitted {
                    Err(refusal) => reply.send(VspToClient::Refused(refusal)),
                    Ok(name) if manner == Manner::CheckOnly => reply.send(self.check_start(&name)),
                    Ok(name) => {
                        if let Some(guest) = self.guests.get_mut(&name) {
                            guest.is_forced = manner == Manner::Forced;
                        }
                        self.begin(&name, Goal::On, Event::Start, reply);
                    }
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
            | ClientToVsp::ConsoleReleaseAccess
            | ClientToVsp::ConsoleUsers(_)
            | ClientToVsp::DisconnectUser { .. } => {
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

    /// Everything about all guests the asker may know of, one after the other.
    fn show_all(&self, reply: &Reply) {
        let mut configs: Vec<&GuestConfig> =
            self.db.configs().filter(|config| self.is_visible(&config.name, &reply.caller)).collect();
        configs.sort_by_key(|config| config.number);
        for detail in configs.into_iter().filter_map(|config| self.detail(config)) {
            if !reply.is_heard(VspToClient::OneOf(Box::new(detail))) {
                return;
            }
        }
    }

    pub(super) fn readable(&self, name: &str) -> Result<&GuestConfig, Refusal> {
        match self.db.get(name) {
            Some(Entry::Guest(config)) => Ok(config),
            Some(Entry::Damaged(reason)) => Err(damaged(name, reason)),
            None => Err(damaged(name, "There is no configuration.")),
        }
    }

    fn create(&mut self, name: &str, changes: Changes<'_>) -> Outcome {
        let refused = |error: ConfigError| refuse(name, error, CREATE_FAILED);
        self.check_free_name(name).map_err(refused)?;
        let mut config = GuestConfig::new(name.to_owned(), self.db.free_number());
        let remarks = self.configure(&mut config, &changes).map_err(refused)?;
        if changes.manner == Manner::CheckOnly {
            return Ok(remarks);
        }
        self.store_new(config).map_err(refused)?;
        tracing::info!(guest = name, "guest created");
        Ok(remarks)
    }

    /// Can there be a new guest of this name?
    pub(super) fn check_free_name(&self, name: &str) -> Result<(), ConfigError> {
        GuestConfig::check_name(name)?;
        match self.db.get(name).is_some() || self.clones.is_made(name) {
            true => Err(conflict(format!("Guest '{name}' already exists."))),
            false => Ok(()),
        }
    }

    /// Stores the configuration of a guest that is new.
    pub(super) fn store_new(&mut self, config: GuestConfig) -> Result<(), ConfigError> {
        let name = config.name.clone();
        self.devices.before_change(&config).map_err(host)?;
        self.db.put(config).map_err(|e| host(format!("{e}.")))?;
        if let Err(e) = self.adopt(&name) {
            // Without its console a guest is of no use; undo what was stored.
            let _ = self.db.remove(&name);
            return Err(host(format!("Cannot start a console: {e}.")));
        }
        self.publish(&name);
        Ok(())
    }

    /// `hpvmmodify`. `seen` is what the guest's devices had done before the request had to wait.
    pub(super) fn modify(
        &mut self,
        name: &str,
        changes: &Changes<'_>,
        seen: Option<&[DeviceFigures]>,
    ) -> Result<Progress, Refusal> {
        let refused = |error: ConfigError| refuse(name, error, MODIFY_FAILED);
        let mut config = self.readable(name)?.clone();
        if config.modify_status == Status::Disabled && !changes.settings.iter().any(GuestConfig::unlocks) {
            let text = "Guest cannot be modified (modify_status=disabled).";
            return Err(refused(state_error(text)));
        }
        self.check_not_cloned(name).map_err(refused)?;
        let mut remarks = self.configure(&mut config, changes).map_err(refused)?;
        let is_on = self.guests.get(name).is_some_and(|guest| guest.state != State::Off);
        let renamed = config.name != name;
        if renamed && is_on {
            return Err(refused(state_error("Guest must be off to be renamed.")));
        }
        if is_on && self.config(name).is_some_and(|before| before.vm_type != config.vm_type) {
            return Err(refused(state_error("Guest must be off for its vm_type to be changed.")));
        }
        if renamed {
            self.check_free_name(&config.name).map_err(refused)?;
        }
        let progress = self.store_and_apply(name, config, changes, seen).map_err(refused)?;
        self.guests.get(name).and_then(|guest| guest.run.as_ref()).into_iter().for_each(Run::look);
        Ok(match progress {
            Progress::Done(more) => {
                remarks.extend(more);
                Progress::Done(remarks)
            }
            wait @ Progress::Wait(_) => wait,
        })
    }

    /// Stores a changed, and perhaps renamed, configuration of the guest called `name`.
    pub(super) fn store_changed(&mut self, name: &str, config: GuestConfig) -> Result<(), ConfigError> {
        let new_name = config.name.clone();
        let locations: Vec<String> =
            config.devices.iter().map(|device| device.location().to_owned()).collect();
        self.devices.before_change(&config).map_err(host)?;
        let renamed = new_name != name;
        let stored = if renamed { self.db.rename(name, config) } else { self.db.put(config) };
        stored.map_err(|e| host(format!("{e}.")))?;
        if renamed {
            self.forget(name);
            self.forget_dependent(name);
            self.adopt(&new_name).map_err(|e| host(format!("Cannot start a console: {e}.")))?;
        }
        let locations: Vec<&str> = locations.iter().map(String::as_str).collect();
        if let Err(error) = self.devices.after_change(&new_name, &locations) {
            // The guest is as it should be; the next start of the VSP takes such dependents away.
            tracing::error!(guest = new_name, error, "device database");
        }
        tracing::info!(guest = new_name, "guest modified");
        self.send_away(&new_name);
        self.publish(&new_name);
        Ok(())
    }

    /// A guest of this name is no more.
    fn forget_dependent(&mut self, name: &str) {
        if let Err(error) = self.devices.after_change(name, &[]) {
            tracing::error!(guest = name, error, "device database");
        }
    }

    fn remove(&mut self, name: &str) -> Outcome {
        let refused = |error: ConfigError| refuse(name, error, "Unable to remove the guest.");
        if self.guests.get(name).is_some_and(|guest| guest.state != State::Off) {
            return Err(refused(state_error("Guest is running. Stop it first.")));
        }
        self.check_not_cloned(name).map_err(refused)?;
        self.db.remove(name).map_err(|e| refused(host(format!("{e}."))))?;
        self.forget(name);
        self.forget_dependent(name);
        tracing::info!(guest = name, "guest removed");
        Ok(Vec::new())
    }

    fn reset(&mut self, name: &str) -> Outcome {
        self.admit_running(name)?;
        self.feed(name, Event::Reset);
        Ok(Vec::new())
    }

    fn init(&mut self, name: &str) -> Outcome {
        match self.guests.get(name).map(|guest| &guest.state) {
            Some(State::Reattaching | State::Running(_) | State::ShuttingDown(_)) => {
                tracing::info!(guest = name, "INIT");
                self.feed(name, Event::Init);
                Ok(Vec::new())
            }
            _ => Err(refuse(name, state_error("Guest is not running."), "Unable to continue.")),
        }
    }

    /// May this guest be started now?
    pub(super) fn admit_start(&self, name: &str) -> Result<(), Refusal> {
        let refused = |text: &str| Err(refuse(name, state_error(text), "Unable to continue."));
        let config = self.readable(name)?;
        self.check_not_cloned(name).map_err(|error| refuse(name, error, "Unable to continue."))?;
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
            self.obstacle(config).map_or(Ok(()), Err)?;
            super::problems::check_memory(config)?;
            self.launcher.check(config)
        });
        match check {
            Ok(()) => accepted(Ok(Vec::new())).unwrap_or_else(VspToClient::Refused),
            Err(text) => VspToClient::Refused(refuse(name, host(text), "Unable to continue.")),
        }
    }
}

const CREATE_FAILED: &str = "Unable to create the guest.";
const MODIFY_FAILED: &str = "Unable to modify the guest.";

pub(super) fn accepted(outcome: Outcome) -> Result<VspToClient, Refusal> {
    outcome.map(|remarks| VspToClient::Accepted(ipc::message::Acceptance { already_done: false, remarks }))
}

/// HPVM's cascade: the specific, the device if one is at fault, the general.
pub(super) fn refuse(guest: &str, error: ConfigError, general: &str) -> Refusal {
    let mut remarks = vec![error_line(guest, error.text)];
    remarks.extend(error.device.map(|device| match device {
        DeviceChange::Add(text) => Remark::plain(format!("Unable to create device {text}.")),
        DeviceChange::Delete(text) => Remark::plain(format!("Unable to delete device {text}.")),
        DeviceChange::Modify(text) => Remark::plain(format!("Unable to modify device {text}.")),
    }));
    remarks.push(plain_line(general));
    refusal(error.kind, remarks)
}

pub(super) fn refusal(kind: RefusalKind, remarks: Vec<Remark>) -> Refusal {
    Refusal { kind, remarks }
}

fn damaged(guest: &str, reason: &str) -> Refusal {
    refusal(RefusalKind::Host, vec![error_line(guest, reason)])
}

pub(super) fn conflict(text: String) -> ConfigError {
    ConfigError { kind: RefusalKind::Conflict, text, device: None }
}

pub(super) fn state_error(text: &str) -> ConfigError {
    ConfigError { kind: RefusalKind::State, text: text.to_owned(), device: None }
}

pub(super) fn host(text: String) -> ConfigError {
    ConfigError { kind: RefusalKind::Host, text, device: None }
}

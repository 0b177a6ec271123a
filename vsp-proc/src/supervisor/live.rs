//! Changes of storage that take effect while a guest runs (hpvm.md 6.8): what they come down to, and all or none of them.
//!
//! ```text
//!   options ─► new configuration ─► Plan: steps ─► prepare: opened, nobody uses what goes ─► Change: noted ─► apply
//! ```
//!
//! A request that takes devices away waits a moment, in which I/O on them shows that they are in use; one that comes while
//! a new VSP has not reached the guest's process waits until it has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use ipc::figures::DeviceFigures;
use ipc::guest::Phase;
use ipc::message::{DeviceChange, GuestRef, Manner, Remark, Setting, Severity, VspToClient};
use storage::statement::{Address, DeviceType, StorageStatement};
use storage::sysfs::Sysfs;

use super::problems::{Changes, typed};
use super::requests::{accepted, conflict, host, state_error};
use super::{Reply, Supervisor};
use crate::db::{ConfigError, GuestConfig};
use crate::hardware::Hardware;
use crate::stores;
use crate::supervise::adapters::{Prepared, Step};
use crate::supervise::change::Change;
use crate::supervise::guest::State;
use crate::supervise::record::Record;
use crate::supervise::run::Run;

/// How long I/O on a device that is to go is looked for.
pub(super) const WATCH: Duration = Duration::from_secs(1);
/// Time between two looks whether guests have been told of changes.
const TELL_INTERVAL: Duration = Duration::from_secs(2);

/// A request about a guest's storage, which may have to wait for that guest.
pub(super) enum StorageRequest {
    /// `hpvmmodify`, with everything else that belongs to the call.
    Modify { guest: GuestRef, settings: Vec<Setting>, devices: Vec<DeviceChange>, manner: Manner },
    /// Another disc, or none, in a drive.
    Disc { guest: GuestRef, drive: Option<Address>, disc: Option<String> },
    /// `hpvmdevmgmt -n`; what the guests' devices had done when it began to wait.
    Replace { old: String, new: Vec<String>, seen: Option<BTreeMap<String, Vec<DeviceFigures>>> },
}

/// Bus, slot and target.
type Place = (u8, u8, u8);

/// Why a plan cannot be carried out, and the step at fault if it is one.
pub(super) type Failed = (Option<usize>, ConfigError);

/// What came of a request.
pub(super) enum Progress {
    Done(Vec<Remark>),
    /// It is to be made again.
    Wait(When),
}

/// When a request is made again.
pub(super) enum When {
    /// Then; the figures tell what its devices had done before.
    At(Instant, Vec<DeviceFigures>),
    /// When this guest's process has been reached, or is given up.
    Reached(String),
}

/// A request that waits.
pub(super) struct Waiting {
    when: When,
    request: StorageRequest,
    reply: Reply,
}

/// What a changed configuration means to the guest that runs.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// What it has afterwards.
    pub(super) running: GuestConfig,
    /// Adapters that come with its next start alone.
    new_adapters: BTreeSet<(u8, u8)>,
}

impl Plan {
    /// The way from what a guest with these adapters has to a configuration that was changed from `before` to `after`.
    /// What was not changed stays as it is, even if it is not as configured.
    fn new(
        running: &GuestConfig,
        adapters: &[(u8, u8)],
        (before, after): (&GuestConfig, &GuestConfig),
        changes: &Changes<'_>,
        hardware: &Hardware,
    ) -> Plan {
        let configured = |config: &GuestConfig| config.devices.iter().filter_map(address).collect::<Vec<_>>();
        let mut touched: BTreeSet<Address> =
            configured(before).into_iter().chain(configured(after)).collect();
        touched.retain(|address| at(before, *address) != at(after, *address));
        // Named by the operator, be it that it is already configured so: a disc that was changed at the console.
        touched.extend(changes.devices.iter().filter_map(|change| match change {
            DeviceChange::Modify(text) => address(&text.parse().ok()?),
            DeviceChange::Add(_) | DeviceChange::Delete(_) => None,
        }));
        let mut plan = Plan { steps: Vec::new(), running: running.clone(), new_adapters: BTreeSet::new() };
        let sysfs = Sysfs::default();
        for address in touched {
            let (now, wanted) = (at(running, address), at(after, address));
            if !adapters.contains(&address.adapter()) {
                plan.new_adapters.extend(wanted.map(|_| address.adapter()));
                continue;
            }
            // To who insists, a store that is not there waits for the next start.
            let is_absent = |device: &StorageStatement| stores::survey(device, hardware, &sysfs).is_err();
            if changes.manner == Manner::Forced && wanted.is_some_and(is_absent) {
                continue;
            }
            plan.replace(address, now, wanted);
        }
        plan
    }

    fn replace(
        &mut self,
        address: Address,
        now: Option<&StorageStatement>,
        wanted: Option<&StorageStatement>,
    ) {
        let is_drive = |device: Option<&StorageStatement>| {
            device.is_some_and(|device| device.device() == DeviceType::Dvd)
        };
        match wanted {
            Some(wanted) if is_drive(now) && is_drive(Some(wanted)) => {
                self.steps.push(Step::Disc(wanted.clone()));
            }
            _ if now == wanted => return,
            wanted => {
                self.steps.extend(now.map(|_| Step::Remove(address)));
                self.steps.extend(wanted.cloned().map(Step::Add));
            }
        }
        self.running.devices.retain(|device| device.placement() != address.into());
        self.running.devices.extend(wanted.cloned());
        self.running.devices.sort_by_key(|device| device.placement().address());
    }

    /// Another disc in one drive, for this run alone.
    pub(super) fn disc(running: &GuestConfig, drive: Address, statement: &StorageStatement) -> Plan {
        let mut plan = Plan { steps: Vec::new(), running: running.clone(), new_adapters: BTreeSet::new() };
        plan.replace(drive, at(running, drive), Some(statement));
        plan
    }

    fn takes_away(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Remove(_)))
    }

    /// The devices that come with these steps, as a guest of their own.
    fn with(&self, steps: &[Step]) -> GuestConfig {
        let added = steps.iter().filter_map(|step| match step {
            Step::Add(statement) | Step::Disc(statement) => Some(statement.clone()),
            Step::Remove(_) => None,
        });
        let mut guest = self.running.clone();
        guest.devices = added.collect();
        guest
    }

    /// The option that each step comes from.
    fn options(
        &self,
        configs: [Option<&GuestConfig>; 2],
        changes: &[DeviceChange],
    ) -> Vec<Option<DeviceChange>> {
        let devices = |address| configs.into_iter().flatten().filter_map(move |config| at(config, address));
        let option = |address| devices(address).find_map(|device| typed(device, changes));
        self.steps.iter().map(|step| step.address().and_then(option)).collect()
    }

    /// What the operator should know.
    fn remarks(&self) -> impl Iterator<Item = Remark> {
        let name = &self.running.name;
        self.new_adapters.iter().map(move |(bus, slot)| {
            let text = format!(
                "Adapter {bus},{slot} cannot be added while the guest is running. \
                 Its devices are added at the next start of the guest."
            );
            Remark::about(name, Severity::Warning, text)
        })
    }
}

/// The device at a place.
pub(super) fn at(config: &GuestConfig, address: Address) -> Option<&StorageStatement> {
    config.devices.iter().find(|device| device.placement() == address.into())
}

fn address(device: &StorageStatement) -> Option<Address> {
    device.placement().address()
}

/// Firmware knows of no device that goes (hpvm.md 6.8).
fn check_phase(state: &State, steps: &[Step]) -> Result<(), Failed> {
    let removal = steps.iter().position(|step| matches!(step, Step::Remove(_)));
    match (state, removal) {
        (State::Running(Phase::Firmware), Some(step)) => {
            let text =
                "Guest is at EFI, where no device can be taken away. Stop it with hpvmstop and repeat.";
            Err((Some(step), state_error(text)))
        }
        _ => Ok(()),
    }
}

/// The devices that did I/O since `before`.
fn active(before: &[DeviceFigures], now: &[DeviceFigures]) -> BTreeSet<Place> {
    let place = |figures: &DeviceFigures| (figures.bus, figures.slot, figures.target);
    let done = |f: &DeviceFigures| (f.reads, f.writes, f.flushes, f.discards, f.errors);
    let is_idle = |now: &DeviceFigures| {
        before
            .iter()
            .find(|before| place(before) == place(now))
            .is_none_or(|before| done(before) == done(now))
    };
    now.iter().filter(|now| !is_idle(now)).map(place).collect()
}

impl Supervisor {
    /// Carries a request out, now or when its guest can take it.
    pub(super) fn change_storage(
        &mut self,
        mut request: StorageRequest,
        reply: Reply,
        seen: Option<&[DeviceFigures]>,
    ) {
        let progress = match &mut request {
            StorageRequest::Modify { guest, settings, devices, manner } => {
                let changes = Changes { settings, devices, manner: *manner };
                self.find(guest).and_then(|name| self.modify(&name, &changes, seen))
            }
            StorageRequest::Disc { guest, drive, disc } => {
                self.find(guest).and_then(|name| self.change_disc(&name, *drive, disc.as_deref()))
            }
            StorageRequest::Replace { old, new, seen } => self.replace_device(old, new, seen),
        };
        let outcome = match progress {
            Ok(Progress::Wait(when)) => {
                self.storage_requests.push(Waiting { when, request, reply });
                return;
            }
            Ok(Progress::Done(remarks)) => Ok(remarks),
            Err(refusal) => Err(refusal),
        };
        reply.send(accepted(outcome).unwrap_or_else(VspToClient::Refused));
    }

    /// When the first of the requests that wait for a moment is to be made again, or a guest is to be looked at.
    pub(super) fn next_storage_deadline(&self) -> Option<Instant> {
        let moments = self.storage_requests.iter().filter_map(|waiting| match waiting.when {
            When::At(moment, _) => Some(moment),
            When::Reached(_) => None,
        });
        moments.chain(self.next_telling).min()
    }

    /// Makes the requests again that have waited long enough.
    pub(super) fn take_storage_requests(&mut self) {
        let now = Instant::now();
        let is_reached =
            |name: &str| self.guests.get(name).is_none_or(|guest| guest.state != State::Reattaching);
        let is_due = |waiting: &mut Waiting| match &waiting.when {
            When::At(moment, _) => *moment <= now,
            When::Reached(name) => is_reached(name),
        };
        let due: Vec<Waiting> = self.storage_requests.extract_if(.., is_due).collect();
        for Waiting { when, request, reply } in due {
            let _request = reply.span.clone().entered();
            match when {
                When::At(_, seen) => self.change_storage(request, reply, Some(&seen)),
                When::Reached(_) => self.change_storage(request, reply, None),
            }
        }
        if self.next_telling.is_some_and(|moment| moment <= now) {
            self.look_at_untold();
        }
    }

    /// Stores a changed configuration and changes what the guest has as far as that can be done while it runs.
    ///
    /// # Errors
    /// Nothing has changed then.
    pub(super) fn store_and_apply(
        &mut self,
        name: &str,
        config: GuestConfig,
        changes: &Changes<'_>,
        seen: Option<&[DeviceFigures]>,
    ) -> Result<Progress, ConfigError> {
        let is_check = changes.manner == Manner::CheckOnly;
        let plan = match self.guests.get(name) {
            Some(guest) if guest.state == State::Reattaching && !changes.devices.is_empty() => {
                return Ok(Progress::Wait(When::Reached(name.to_owned())));
            }
            Some(guest) if guest.state.has_machine() => {
                let before = self.config(name).unwrap_or(&config);
                guest.run.as_ref().zip(guest.running.as_ref()).map(|(run, running)| {
                    Plan::new(running, run.adapters(), (before, &config), changes, &self.hardware)
                })
            }
            _ => None,
        };
        let remarks: Vec<Remark> = plan.iter().flat_map(Plan::remarks).collect();
        let Some(plan) = plan.filter(|plan| !plan.steps.is_empty()) else {
            if !is_check {
                self.store_changed(name, config)?;
            }
            return Ok(Progress::Done(remarks));
        };
        let now = self.guests.get(name).and_then(|guest| guest.run.as_ref()).map(Run::figures);
        let now = now.unwrap_or_default();
        if plan.takes_away() && seen.is_none() {
            return Ok(Progress::Wait(When::At(Instant::now() + WATCH, now)));
        }
        let active = active(seen.unwrap_or_default(), &now);
        let options = plan.options([Some(&config), self.config(name)], changes.devices);
        let done = match is_check {
            true => self.make_ready(name, &plan, &active).map(drop),
            false => self.apply(name, Some(config), plan, &active),
        };
        match done {
            Ok(()) => Ok(Progress::Done(remarks)),
            Err((step, error)) => {
                let option = step.and_then(|step| options.into_iter().nth(step).flatten());
                Err(ConfigError { device: error.device.or(option), ..error })
            }
        }
    }

    /// Everything about a plan that can fail before it is noted.
    fn make_ready(&self, name: &str, plan: &Plan, active: &BTreeSet<Place>) -> Result<Prepared, Failed> {
        if let Some(text) = self.obstacle(&plan.with(&plan.steps)) {
            let is_at_fault = |step: &Step| self.obstacle(&plan.with(std::slice::from_ref(step))).is_some();
            return Err((plan.steps.iter().position(is_at_fault), conflict(text)));
        }
        let guest = self.guests.get(name);
        if let Some(guest) = guest {
            check_phase(&guest.state, &plan.steps)?;
        }
        let run = guest.and_then(|guest| guest.run.as_ref());
        let run = run.ok_or((None, state_error("Guest is not running.")))?;
        let is_active = |at: Address| active.contains(&(at.bus(), at.slot(), at.target()));
        run.prepare(&plan.steps, is_active).map_err(|(step, text)| (Some(step), conflict(text)))
    }

    /// Changes what a guest has, and its configuration if there is another one: all or nothing, whenever the VSP dies.
    pub(super) fn apply(
        &mut self,
        name: &str,
        configured: Option<GuestConfig>,
        plan: Plan,
        active: &BTreeSet<Place>,
    ) -> Result<(), Failed> {
        let prepared = self.make_ready(name, &plan, active)?;
        let Some(guest) = self.guests.get(name) else { return Ok(()) };
        let mut untold = guest.untold.clone();
        untold.extend(plan.steps.iter().filter_map(Step::address));
        let change = Change { untold, configured, running: plan.running };
        self.note(name, &change).map_err(|error| (None, error))?;
        let Change { untold, running, .. } = change;
        if let Some(guest) = self.guests.get_mut(name) {
            if let Some(run) = &guest.run {
                run.apply(prepared, running.clone());
            }
            tracing::info!(guest = name, steps = ?plan.steps, "storage of a running guest changed");
            (guest.running, guest.untold) = (Some(running), untold);
            self.next_telling = Some(Instant::now() + TELL_INTERVAL);
        }
        self.publish(name);
        Ok(())
    }

    /// Writes a change into all files it concerns, or none.
    fn note(&mut self, name: &str, change: &Change) -> Result<(), ConfigError> {
        let directory = self.root.guest(name);
        let failed = |error: std::io::Error| host(format!("Cannot note the change: {error}."));
        let undone = |error: ConfigError| {
            // A note that stayed would be carried out by the next VSP.
            if let Err(error) = Change::forget(&directory)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::error!(guest = name, %error, "the note of a change that was refused stays");
            }
            error
        };
        let before = self.config(name).cloned();
        change.begin(&directory).map_err(failed).map_err(undone)?;
        if let Some(configured) = &change.configured {
            self.store_changed(name, configured.clone()).map_err(undone)?;
        }
        let finished = change.finish(&directory);
        if finished.is_err()
            && let Some(before) = before.filter(|_| change.configured.is_some())
            && let Err(error) = self.store_changed(name, before)
        {
            tracing::error!(guest = name, error = error.text, "a change that was refused stays configured");
        }
        finished.map_err(failed).map_err(undone)
    }

    /// Finishes a change that a former VSP has begun.
    pub(super) fn finish_change(&mut self, name: &str) {
        let directory = self.root.guest(name);
        match Change::find(&directory, name) {
            Ok(None) => {}
            Ok(Some(change)) => {
                tracing::info!(guest = name, "finishing a change of the last VSP");
                if let Err(error) = self.note(name, &change) {
                    tracing::error!(guest = name, error = error.text, "a change is lost");
                }
            }
            Err(error) => {
                tracing::error!(guest = name, error, "the note of a change is damaged");
                let _ = Change::forget(&directory);
            }
        }
    }

    /// Forgets what guests have been told since.
    fn look_at_untold(&mut self) {
        let mut is_any_left = false;
        for (name, guest) in &mut self.guests {
            let (Some(run), Some(running)) = (&guest.run, &guest.running) else { continue };
            let still = run.still_untold(&guest.untold);
            is_any_left |= !still.is_empty();
            if still == guest.untold {
                continue;
            }
            match Record::change(&self.root.guest(name), running, &still) {
                Ok(()) => guest.untold = still,
                Err(error) => tracing::warn!(guest = name, %error, "the note of the guest process is old"),
            }
        }
        self.next_telling = is_any_left.then(|| Instant::now() + TELL_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_away_from_a_guest_at_efi() {
        let statement: StorageStatement = "disk:avio_stor:0,0,1:file:/a".parse().unwrap();
        let removal = Step::Remove(Address::new(0, 0, 1).unwrap());
        let steps = [Step::Disc(statement.clone()), removal, Step::Add(statement.clone())];
        let (at_efi, in_system) = (State::Running(Phase::Firmware), State::Running(Phase::Os));
        let Err((step, error)) = check_phase(&at_efi, &steps) else { panic!("it is") };
        assert_eq!((step, error.text.starts_with("Guest is at EFI")), (Some(1), true));
        assert!(check_phase(&in_system, &steps).is_ok());
        assert!(check_phase(&at_efi, &[Step::Add(statement)]).is_ok());
    }
}

//! What clients see of guests.

use std::collections::BTreeMap;

use ipc::figures::GuestFigures;
use ipc::message::{
    DeviceDetail, Grant as GrantShown, GuestDetail, GuestState, GuestSummary, VmType, VspStatus,
};
use storage::statement::StorageStatement;
use uuid::Uuid;

use super::Supervisor;
use super::media::differ_in_disc;
use crate::caller::Caller;
use crate::db::{Entry, Grant, GuestConfig, Status};
use crate::hardware::Hardware;
use crate::stores;
use crate::supervise::guest::State;

impl Supervisor {
    /// All guests the caller may know of, by number; those whose file is damaged last.
    pub(super) fn summaries(&self, caller: &Caller) -> Vec<GuestSummary> {
        let visible = self.guests.keys().filter(|name| self.is_visible(name, caller));
        let mut all: Vec<GuestSummary> = visible.filter_map(|name| self.summary(name)).collect();
        all.sort_by_key(|guest| (guest.number == 0, guest.number));
        all
    }

    /// One guest for a table.
    pub(super) fn summary(&self, name: &str) -> Option<GuestSummary> {
        let guest = self.guests.get(name)?;
        let summary = GuestSummary {
            name: name.to_owned(),
            number: 0,
            uuid: Uuid::nil(),
            os_type: "UNKNOWN".into(),
            vm_type: VmType::default(),
            state: guest.state.shown(),
            is_visible: true,
            vcpus: 0,
            devices: 0,
            networks: 0,
            memory_bytes: 0,
            pid: guest.run.as_ref().map(|run| run.pid),
            since_micros: guest.since_micros,
            reason: guest.reason.clone(),
            stats: guest.stats.clone(),
        };
        Some(match self.db.get(name)? {
            Entry::Damaged(reason) => {
                GuestSummary { state: GuestState::Invalid, reason: Some(reason.clone()), ..summary }
            }
            Entry::Guest(config) => GuestSummary {
                number: config.number,
                uuid: config.uuid,
                os_type: config.os_type.clone(),
                vm_type: config.vm_type,
                state: match (&guest.state, config.runnable_status) {
                    (State::Off, Status::Disabled) => GuestState::NotRunnable,
                    (state, _) => state.shown(),
                },
                is_visible: config.visible_status == Status::Enabled,
                vcpus: self.current(name, config).vcpus,
                devices: self.current(name, config).devices.len() as u32,
                memory_bytes: self.current(name, config).memory_bytes,
                ..summary
            },
        })
    }

    /// What the running guests do, by number: one of them, or all the caller may know of.
    pub(super) fn figures(&self, only: Option<&str>, caller: &Caller) -> Vec<GuestFigures> {
        let is_wanted = |name: &str| only.is_none_or(|only| only == name) && self.is_visible(name, caller);
        let guests = self.guests.iter().filter(|(name, _)| is_wanted(name));
        let running = guests.filter_map(|(name, guest)| {
            let (run, config) = (guest.run.as_ref()?, guest.running.as_ref()?);
            Some(GuestFigures {
                name: name.clone(),
                number: config.number,
                machine: guest.stats.clone(),
                devices: run.figures(),
            })
        });
        let mut all: Vec<_> = running.collect();
        all.sort_by_key(|guest| guest.number);
        all
    }

    /// One guest whole.
    pub(super) fn detail(&self, config: &GuestConfig) -> Option<GuestDetail> {
        let running = self.guests.get(&config.name).and_then(|guest| guest.running.as_ref());
        Some(GuestDetail {
            summary: self.summary(&config.name)?,
            label: config.label.clone(),
            start: config.start,
            entitlement_percent: config.entitlement.percent,
            entitlement_max_percent: config.entitlement.max_percent,
            groups: config.groups.iter().map(shown).collect(),
            users: config.users.iter().map(shown).collect(),
            devices: devices(running.unwrap_or(config), &self.hardware),
            configured: config.devices.iter().map(ToString::to_string).collect(),
            keywords: keywords(config),
            pending: running.map(|running| pending(running, config)).unwrap_or_default(),
        })
    }

    /// The VSP itself; the server adds its clients.
    pub(super) fn status(&self) -> VspStatus {
        VspStatus {
            build: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            root: self.root.path().display().to_string(),
            since_micros: self.since_micros,
            guests: self.guests.len() as u32,
            running: self.guests.values().filter(|guest| guest.state != State::Off).count() as u32,
            clients: 0,
        }
    }
}

fn shown(grant: &Grant) -> GrantShown {
    GrantShown { name: grant.name.clone(), rights: Some(grant.rights) }
}

fn devices(config: &GuestConfig, hardware: &Hardware) -> Vec<DeviceDetail> {
    let detail = |statement: &storage::statement::StorageStatement| {
        let address = statement.placement().address()?;
        Some(DeviceDetail {
            device: statement.device().word().into(),
            adapter: "avio_stor".into(),
            bus: address.bus(),
            slot: address.slot(),
            target: address.target(),
            storage: statement.storage().word().into(),
            location: statement.location().into(),
            statement: statement.to_string(),
            size_bytes: stores::size(statement, hardware),
        })
    };
    config.devices.iter().filter_map(detail).collect()
}

fn keywords(config: &GuestConfig) -> Vec<(String, String)> {
    let all = [
        ("append", config.append.clone()),
        ("graceful_stop_timeout", config.graceful_stop_timeout.to_string()),
        ("initrd", config.initrd.clone()),
        ("kernel", config.kernel.clone()),
        ("modify_status", config.modify_status.word().into()),
        (
            "os_version",
            if config.os_type == "HPUX" { config.os_version.word().into() } else { String::new() },
        ),
        ("resources_reserved", config.resources_reserved.to_string()),
        ("runnable_status", config.runnable_status.word().into()),
        ("visible_status", config.visible_status.word().into()),
    ];
    let set = all.into_iter().filter(|(_, value)| !value.is_empty());
    let set = set.map(|(keyword, value)| (keyword.to_owned(), value));
    // By keyword.
    set.chain(config.kept.clone()).collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// What of `configured` waits for the next start of a guest that runs as `running`.
fn pending(running: &GuestConfig, configured: &GuestConfig) -> Vec<String> {
    let mut all = Vec::new();
    if running.vcpus != configured.vcpus {
        all.push(format!("vcpus: {}", configured.vcpus));
    }
    if running.memory_bytes != configured.memory_bytes {
        all.push(format!("memory: {}", storage::size::print(configured.memory_bytes)));
    }
    let keywords = [
        ("kernel", &running.kernel, &configured.kernel),
        ("initrd", &running.initrd, &configured.initrd),
        ("append", &running.append, &configured.append),
    ];
    let changed = keywords.into_iter().filter(|(_, before, after)| before != after);
    all.extend(changed.map(|(keyword, _, after)| format!("{keyword}: {after}")));
    // A drive whose disc was changed at the console has nothing to wait for: that lasts as long as the run.
    let is_in = |devices: &[StorageStatement], device: &StorageStatement| {
        devices.iter().any(|other| other == device || differ_in_disc(other, device))
    };
    let added = configured.devices.iter().filter(|device| !is_in(&running.devices, device));
    all.extend(added.map(|device| format!("added: {device}")));
    let removed = running.devices.iter().filter(|device| !is_in(&configured.devices, device));
    all.extend(removed.map(|device| format!("removed: {device}")));
    all
}

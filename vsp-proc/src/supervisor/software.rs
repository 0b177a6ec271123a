//! Software inventories of the VSP and its guests: `swlist`, `swinstall`, `swremove`, and what attached devices miss.

use std::path::{Path, PathBuf};

use ipc::message::{Refusal, RefusalKind, Remark, Severity, VspToClient};
use ipc::software::{Session, SoftwareHost, SoftwareRequest};
use storage::statement::DeviceType;

use super::requests::{accepted, refusal};
use super::{Reply, Supervisor, error_line};
use crate::caller::Caller;
use crate::db::{GuestConfig, OsVersion};
use crate::software::{
    Inventory, Missing, Plan, SessionLog, Target, Verb, missing_in_guest, missing_on_vsp, plan_install,
    plan_removal, read_depot,
};

/// The release of HP-UX that HPVM V6.1 runs on.
const VSP_RELEASE: &str = OsVersion::V3.release();

/// An inventory and whose it is.
struct Owned {
    inventory: Inventory,
    /// Name for sessions.
    name: String,
    release: &'static str,
}

impl Supervisor {
    /// Carries out one request.
    pub(super) fn manage_software(
        &self,
        request: SoftwareRequest,
        reply: &Reply,
    ) -> Result<VspToClient, Refusal> {
        match request {
            SoftwareRequest::List(host) => {
                Ok(VspToClient::Software(self.inventory_of(&host)?.inventory.catalog))
            }
            SoftwareRequest::ListDepot(depot) => {
                Ok(VspToClient::Software(read_depot(Path::new(&depot)).map_err(failed)?))
            }
            SoftwareRequest::Missing => accepted(Ok(self.missing_software(&reply.caller))),
            SoftwareRequest::Install { host, depot, selections, session } => {
                let mut owned = self.inventory_of(&host)?;
                let depot = read_depot(Path::new(&depot)).map_err(failed)?;
                let target = Target { installed: &owned.inventory.catalog, release: owned.release };
                let plan = plan_install(&depot, &target, &selections, &session);
                self.conclude(Verb::Install, &mut owned, plan, &session, reply)
            }
            SoftwareRequest::Remove { host, selections, session } => {
                let mut owned = self.inventory_of(&host)?;
                let plan = plan_removal(&owned.inventory.catalog, &selections, &session);
                self.conclude(Verb::Remove, &mut owned, plan, &session, reply)
            }
        }
    }

    fn inventory_of(&self, host: &SoftwareHost) -> Result<Owned, Refusal> {
        let (directory, name, release) = match host {
            SoftwareHost::Vsp => (self.root.common(), crate::host_name(), VSP_RELEASE),
            SoftwareHost::Guest(guest) => {
                let name = self.find(guest)?;
                let config = self.readable(&name)?;
                if !may_run_hpux(config) {
                    let text = format!(
                        "Guest runs {}; software inventories are kept for HP-UX guests only.",
                        config.os_type
                    );
                    return Err(refusal(RefusalKind::Invalid, vec![error_line(&name, text)]));
                }
                let release = config.os_version.release();
                (self.root.guest(&name), name, release)
            }
        };
        let inventory = Inventory::open(&directory).map_err(failed)?;
        Ok(Owned { inventory, name, release })
    }

    /// Logs a session and stores what it leads to.
    fn conclude(
        &self,
        verb: Verb,
        owned: &mut Owned,
        plan: Plan,
        session: &Session,
        reply: &Reply,
    ) -> Result<VspToClient, Refusal> {
        let directory = self.software_logs();
        let mut log =
            SessionLog::begin(&directory, verb, &crate::host_name(), &session.user).map_err(failed)?;
        log.tell(&format!("Target:  {}:/", owned.name));
        log.report("Analysis of dependencies and installed software.", &plan);
        let stored = match session.preview || plan.changes.is_empty() {
            true => Ok(()),
            false => owned.inventory.replace(plan.after),
        };
        let done = match (verb, session.preview) {
            (Verb::Install, false) => "Installed",
            (Verb::Install, true) => "Would install",
            (Verb::Remove, false) => "Removed",
            (Verb::Remove, true) => "Would remove",
        };
        match &stored {
            Err(text) => log.fail(text),
            Ok(()) if plan.changes.is_empty() => log.tell("There is nothing to be done."),
            Ok(()) => plan.changes.iter().for_each(|title| log.tell(&format!("{done} fileset \"{title}\"."))),
        }
        let is_done = stored.is_ok() && !plan.is_faulty;
        log.tell(if is_done { "The session succeeded." } else { "The session ended with errors." });
        log.end().into_iter().for_each(|line| reply.send(VspToClient::Progress(line)));
        match is_done {
            true => accepted(Ok(Vec::new())),
            false => {
                let text =
                    format!("Errors occurred on '{}'. See {}/swagent.log.", owned.name, directory.display());
                Err(failed(text))
            }
        }
    }

    /// A clone has the software of the guest whose stores it has, or copies of them; a warning where that cannot be noted.
    pub(super) fn clone_software(&self, original: &str, clone: &str) -> Option<Remark> {
        let from = Inventory::open(&self.root.guest(original));
        let copied = from.and_then(|from| match from.catalog.products.is_empty() {
            true => Ok(()),
            false => Inventory::open(&self.root.guest(clone))?.replace(from.catalog),
        });
        copied.err().map(|text| Remark::about(clone, Severity::Warning, text))
    }

    fn software_logs(&self) -> PathBuf {
        self.root.common().join("sw")
    }

    /// What attached devices miss in the way of patches: on the VSP if any guest has some, and in these guests.
    pub(super) fn missing_software(&self, caller: &Caller) -> Vec<Remark> {
        let is_concerned =
            |config: &&GuestConfig| has_attached_device(config) && caller.rights(config).is_some();
        let concerned: Vec<&GuestConfig> = self.db.configs().filter(is_concerned).collect();
        let mut remarks = match concerned.is_empty() {
            true => Vec::new(),
            false => self.missing_on_vsp(),
        };
        remarks.extend(concerned.into_iter().flat_map(|config| self.missing_in(config)));
        remarks
    }

    /// Warnings about a guest that is being configured or started: what is required for its attached devices and missing
    /// on the VSP. They never refuse anything.
    pub(super) fn warn_of_missing_software(&self, config: &GuestConfig) -> Vec<Remark> {
        if !has_attached_device(config) {
            return Vec::new();
        }
        let required = |remark: &Remark| remark.severity == Some(Severity::Warning);
        self.missing_on_vsp().into_iter().filter(required).collect()
    }

    fn missing_on_vsp(&self) -> Vec<Remark> {
        match Inventory::open(&self.root.common()) {
            Ok(inventory) => {
                missing_on_vsp(&inventory.catalog).into_iter().map(|what| remark(None, what)).collect()
            }
            Err(text) => vec![Remark { severity: Some(Severity::Warning), guest: None, text }],
        }
    }

    fn missing_in(&self, config: &GuestConfig) -> Vec<Remark> {
        if config.os_type != "HPUX" || config.os_version != OsVersion::V3 {
            return Vec::new();
        }
        let name = config.name.as_str();
        match Inventory::open(&self.root.guest(name)) {
            Ok(inventory) => {
                let missing = missing_in_guest(&inventory.catalog).into_iter();
                missing.map(|what| remark(Some(name), what)).collect()
            }
            Err(text) => vec![Remark::about(name, Severity::Warning, text)],
        }
    }
}

fn remark(guest: Option<&str>, missing: Missing) -> Remark {
    let severity = missing.is_required.then_some(Severity::Warning);
    // Remarks have no word for advice.
    let text = match (missing.is_required, guest) {
        (true, _) => missing.text,
        (false, None) => format!("NOTE: {}", missing.text),
        (false, Some(guest)) => format!("NOTE ({guest}): {}", missing.text),
    };
    Remark { severity, guest: guest.map(ToOwned::to_owned), text }
}

/// Of a guest whose system is not known it may be kept as well.
fn may_run_hpux(config: &GuestConfig) -> bool {
    ["HPUX", "UNKNOWN"].contains(&config.os_type.as_str())
}

fn has_attached_device(config: &GuestConfig) -> bool {
    let is_attached = |device| matches!(device, DeviceType::Tape | DeviceType::Changer | DeviceType::Burner);
    config.devices.iter().any(|statement| is_attached(statement.device()))
}

fn failed(text: String) -> Refusal {
    refusal(RefusalKind::Invalid, vec![Remark::plain(text)])
}

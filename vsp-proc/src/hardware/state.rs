//! What is known of all devices, and which one a name means.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use ipc::io::IoDevice;
use storage::attached::arbiter::Party;
use storage::attached::{Hold, Shared};
use storage::scsi::Initiator;

use super::database::{Database, Record};
use super::emulated::Emulations;
use super::{Found, Source, names};

pub(super) struct State {
    pub(super) database: Database,
    pub(super) emulations: Emulations,
    pub(super) found: Vec<Found>,
    /// Devices that are attached or were looked at, by world-wide name.
    pub(super) shared: BTreeMap<String, Arc<Shared>>,
    /// What an operator keeps guests away from.
    pub(super) held: BTreeMap<String, Hold>,
    pub(super) guests: BTreeMap<Initiator, String>,
}

/// A device by one of its names.
pub(super) struct Located {
    pub(super) record: Record,
    pub(super) found: Option<Found>,
}

impl State {
    pub(super) fn locate(&self, name: &str) -> Option<Located> {
        let records = self.database.records();
        let by_file = names::parse(name);
        let by_file = by_file.and_then(|(class, instance)| {
            records.iter().find(|record| (record.class, record.instance) == (class, instance))
        });
        let has_path = |record: &&Record| record.lunpaths.iter().any(|lunpath| lunpath.path == name);
        let record = by_file.or_else(|| records.iter().find(has_path)).or_else(|| {
            let path = fs::canonicalize(name).ok().filter(|_| name.starts_with("/dev/"))?;
            let found = self.found.iter().find(|found| found.host.contains(&path))?;
            records.iter().find(|record| (record.class, &record.wwid) == (found.class, &found.wwid.0))
        })?;
        Some(Located { record: record.clone(), found: self.found(record).cloned() })
    }

    fn found(&self, record: &Record) -> Option<&Found> {
        self.found.iter().find(|found| (found.class, &found.wwid.0) == (record.class, &record.wwid))
    }

    /// The path of an emulated device, whatever it was called by.
    pub(super) fn emulated_path(&self, name: &str) -> PathBuf {
        let located = self.locate(name);
        located
            .and_then(|located| self.emulations.path_of(&located.record.wwid))
            .unwrap_or_else(|| name.into())
    }

    pub(super) fn in_use_by(&self, wwid: &str) -> Option<String> {
        Some(match self.shared.get(wwid)?.holder()? {
            Party::Host => "VSP".to_owned(),
            Party::Guest(guest) => self.guests.get(&guest).cloned().unwrap_or_else(|| guest.0.to_string()),
        })
    }

    pub(super) fn shown(&self, record: &Record) -> IoDevice {
        let found = self.found(record);
        let host_path = found.filter(|found| !matches!(found.source, Source::Emulated(_)));
        let host_path = host_path.and_then(|found| found.host.first());
        IoDevice {
            class: record.class.word().into(),
            instance: record.instance,
            lun_path: names::lun_path(record.lun),
            driver: record.class.driver().into(),
            is_present: found.is_some(),
            vendor: record.vendor.clone(),
            product: record.product.clone(),
            wwid: record.wwid.clone(),
            lunpaths: record.lunpaths.iter().map(|path| (path.instance, path.path.clone())).collect(),
            files: record.class.files(record.instance),
            pass_through: record.class.pass_through(record.instance),
            host_path: host_path.map(|path| path.display().to_string()),
            in_use_by: self.in_use_by(&record.wwid),
            attaches_as: found.and_then(|found| found.device_type).map(|device| device.word().to_owned()),
        }
    }
}

//! A change of a running guest's storage, of its configuration and of what it has, as one step for whoever reads the
//! files afterwards: it is noted whole, then carried out file by file, and a VSP that finds the note carries it out.
//!
//! ```text
//!   change.toml ──► guest.toml (the database's) ──► running.toml, run.toml ──► change.toml is removed ──► the guest
//! ```
//!
//! Before the guest sees a device, every VSP after this one would serve it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use storage::statement::{Address, Placement};

use super::record::Record;
use crate::db::GuestConfig;
use crate::fs::{HostFs, write_atomically};

/// Name of the note in a guest's directory.
const FILE: &str = "change.toml";

/// What is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// Devices of which the guest has to be told.
    #[serde(with = "addresses")]
    pub(crate) untold: BTreeSet<Address>,
    /// The configuration for its next start, unless that stays as it is.
    pub(crate) configured: Option<GuestConfig>,
    /// What it has now.
    pub(crate) running: GuestConfig,
}

impl Change {
    /// Notes the change; from now on it happens.
    pub(crate) fn begin(&self, directory: &Path) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        write_atomically(&mut HostFs, &directory.join(FILE), text.as_bytes())
    }

    /// Carries out what the database has not: the rest is known to every VSP after this.
    pub(crate) fn finish(&self, directory: &Path) -> io::Result<()> {
        Record::change(directory, &self.running, &self.untold)?;
        Change::forget(directory)
    }

    /// The change does not happen, or is through.
    pub(crate) fn forget(directory: &Path) -> io::Result<()> {
        fs::remove_file(directory.join(FILE))?;
        fs::File::open(directory)?.sync_all()
    }

    /// What a former VSP has begun for the guest of this name, whose directory this is.
    ///
    /// # Errors
    /// The note is damaged; it is of no use then.
    pub(crate) fn find(directory: &Path, name: &str) -> Result<Option<Change>, String> {
        let text = match fs::read_to_string(directory.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| error.to_string())?,
        };
        let mut change: Change = toml::from_str(&text).map_err(|error| error.message().replace('\n', " "))?;
        name.clone_into(&mut change.running.name);
        if let Some(configured) = &mut change.configured {
            name.clone_into(&mut configured.name);
        }
        Ok(Some(change))
    }
}

/// Places of devices as text.
pub(super) mod addresses {
    use super::{Address, BTreeSet, Deserialize, Deserializer, Placement, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        addresses: &BTreeSet<Address>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(addresses.iter().map(ToString::to_string))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeSet<Address>, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        let address = |text: &String| text.parse::<Placement>().ok()?.address();
        let found = texts.iter().map(address).collect::<Option<_>>();
        found.ok_or_else(|| serde::de::Error::custom("expected bus,slot,target"))
    }
}

#[cfg(test)]
mod tests {
    use ipc::message::DeviceChange;

    use super::*;

    fn guest(devices: &[&str]) -> GuestConfig {
        let mut config = GuestConfig::new("ivm1".into(), 1);
        let changes: Vec<_> = devices.iter().map(|device| DeviceChange::Add((*device).to_owned())).collect();
        config.apply_devices(&changes).unwrap();
        config
    }

    #[test]
    fn a_change_that_was_begun_is_found_whole_and_finished_once() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let before = guest(&["disk:avio_stor::file:/a"]);
        Record::of(std::process::id(), 5, vec![(0, 0)]).unwrap().write(directory, &before).unwrap();
        assert_eq!(Change::find(directory, "ivm1"), Ok(None));
        let after = guest(&["disk:avio_stor::file:/a", "disk:avio_stor::file:/b"]);
        let untold = BTreeSet::from([Address::new(0, 0, 1).unwrap()]);
        let change =
            Change { untold: untold.clone(), configured: Some(after.clone()), running: after.clone() };
        change.begin(directory).unwrap();
        assert_eq!(Record::config(directory, "ivm1").unwrap(), before);
        let found = Change::find(directory, "ivm1").unwrap().unwrap();
        assert_eq!(found, change);
        found.finish(directory).unwrap();
        assert_eq!(Record::config(directory, "ivm1").unwrap(), after);
        assert_eq!(Record::read(directory).unwrap().untold, untold);
        assert_eq!(Change::find(directory, "ivm1"), Ok(None));
        fs::write(directory.join(FILE), "untold = [\"0,0\"]\n").unwrap();
        assert!(Change::find(directory, "ivm1").is_err());
    }
}

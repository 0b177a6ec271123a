//! The numbers devices have, kept in a readable file: the same device has the same instance and the same device files
//! for ever, whether it is there or not.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::names::Class;
use crate::fs::{HostFs, write_atomically};

const SCHEMA: u32 = 1;

/// A device as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) class: Class,
    /// From 1, in its class.
    pub(crate) instance: u32,
    /// From 0, among all: the end of its LUN hardware path.
    pub(crate) lun: u32,
    /// Which device it is.
    pub(crate) wwid: String,
    /// As it was last seen.
    pub(crate) vendor: String,
    pub(crate) product: String,
    pub(crate) lunpaths: Vec<Lunpath>,
}

/// A path to a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lunpath {
    /// From 1, among all.
    pub(crate) instance: u32,
    pub(crate) path: String,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    schema: u32,
    #[serde(default)]
    device: Vec<Record>,
}

/// All of them, in memory and on disk.
pub(crate) struct Database {
    path: PathBuf,
    records: Vec<Record>,
}

impl Database {
    /// Reads the file. A damaged one is kept beside, and devices get numbers anew.
    pub(crate) fn open(path: PathBuf) -> Database {
        let records = read(&path).unwrap_or_else(|reason| {
            tracing::error!(path = %path.display(), reason, "I/O configuration is damaged; devices are numbered anew");
            // If it cannot be moved it is overwritten; nothing in it is of use.
            let _ = fs::rename(&path, path.with_extension("damaged"));
            Vec::new()
        });
        Database { path, records }
    }

    /// By class and instance.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Gives numbers to a device that has none, and remembers what it is now.
    pub(crate) fn see(&mut self, class: Class, wwid: &str, names: (&str, &str), lunpaths: &[String]) {
        let next_path = |records: &[Record]| {
            records.iter().flat_map(|record| &record.lunpaths).map(|path| path.instance).max().unwrap_or(0)
                + 1
        };
        let mut path_instance = next_path(&self.records);
        let at = self.records.iter().position(|record| (record.class, record.wwid.as_str()) == (class, wwid));
        let at = at.unwrap_or_else(|| {
            let instances = self.records.iter().filter(|record| record.class == class);
            self.records.push(Record {
                class,
                instance: instances.map(|record| record.instance).max().unwrap_or(0) + 1,
                lun: self.records.iter().map(|record| record.lun + 1).max().unwrap_or(0),
                wwid: wwid.to_owned(),
                vendor: String::new(),
                product: String::new(),
                lunpaths: Vec::new(),
            });
            self.records.len() - 1
        });
        let record = &mut self.records[at];
        (record.vendor, record.product) = (names.0.to_owned(), names.1.to_owned());
        record.lunpaths.retain(|known| lunpaths.contains(&known.path));
        for path in lunpaths {
            if !record.lunpaths.iter().any(|known| known.path == *path) {
                record.lunpaths.push(Lunpath { instance: path_instance, path: path.clone() });
                path_instance += 1;
            }
        }
        self.records.sort_by_key(|record| (record.class, record.instance));
    }

    /// Forgets a device, as `rmsf` does.
    pub(crate) fn forget(&mut self, wwid: &str) {
        self.records.retain(|record| record.wwid != wwid);
    }

    /// Writes the file, if it is not as it should be.
    pub(crate) fn save(&self) -> io::Result<()> {
        let contents = Contents { schema: SCHEMA, device: self.records.clone() };
        let text = toml::to_string(&contents).map_err(io::Error::other)?;
        match fs::read(&self.path) {
            Ok(before) if before == text.as_bytes() => Ok(()),
            _ => write_atomically(&mut HostFs, &self.path, text.as_bytes()),
        }
    }
}

fn read(path: &Path) -> Result<Vec<Record>, String> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| error.to_string())?,
    };
    let mut contents: Contents = toml::from_str(&text).map_err(|e| e.message().replace('\n', " "))?;
    if contents.schema != SCHEMA {
        return Err(format!("it has schema {}, this VSP knows {SCHEMA}", contents.schema));
    }
    contents.device.sort_by_key(|record| (record.class, record.instance));
    let is_double = |pair: &[Record]| (pair[0].class, pair[0].instance) == (pair[1].class, pair[1].instance);
    match contents.device.windows(2).any(is_double) {
        true => Err("two devices have the same number".into()),
        false => Ok(contents.device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_keep_their_numbers() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ioconfig");
        let open = || Database::open(path.clone());
        let see = |db: &mut Database, class, wwid: &str, paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            db.see(class, wwid, ("STK", "T9940B"), &paths);
            db.save().unwrap();
        };
        let numbers = |db: &Database| -> Vec<(String, u32, u32, Vec<u32>)> {
            let of = |record: &Record| {
                let paths = record.lunpaths.iter().map(|path| path.instance).collect();
                (format!("{} {}", record.class.word(), record.wwid), record.instance, record.lun, paths)
            };
            db.records().iter().map(of).collect()
        };
        let mut db = open();
        see(&mut db, Class::Tape, "b", &["0/1.0x1.0x0", "0/2.0x1.0x0"]);
        see(&mut db, Class::Tape, "a", &["0/1.0x2.0x0"]);
        see(&mut db, Class::Disk, "d", &[]);
        let mut db = open();
        // One path has gone, another has come.
        see(&mut db, Class::Tape, "b", &["0/2.0x1.0x0", "0/3.0x1.0x0"]);
        let entry = |name: &str, instance, lun, paths| (name.to_owned(), instance, lun, paths);
        let expected = [
            entry("disk d", 1, 2, vec![]),
            entry("tape b", 1, 0, vec![2, 4]),
            entry("tape a", 2, 1, vec![3]),
        ];
        assert_eq!(numbers(&db), expected);
        db.forget("b");
        db.save().unwrap();
        assert_eq!(numbers(&open()), [expected[0].clone(), expected[2].clone()]);
        fs::write(&path, "schema = 1\n[[device]]\nclass = \"tape\"\n").unwrap();
        assert_eq!(open().records(), []);
        assert!(path.with_extension("damaged").exists());
    }
}

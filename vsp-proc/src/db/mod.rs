//! The guest database: one readable file per guest, `guests/NAME/guest.toml`.
//!
//! A file that cannot be read makes that one guest [`Entry::Damaged`] and harms no other. Every change is on the medium
//! before it counts.

mod config;
mod keywords;
mod v1;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use config::{ConfigError, Warning};
pub use v1::{BUILTIN_PREFIX, Entitlement, Grant, GuestConfig, OsVersion, Status};

use crate::fs::{Fs, HostFs, write_atomically};
use crate::root::StateRoot;

const FILE: &str = "guest.toml";
/// Directories of guests that are being removed begin with this; no guest's name can.
const REMOVED_PREFIX: &str = ".removed-";

/// What a guest's file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A configuration.
    Guest(Box<GuestConfig>),
    /// Something that is none; the text says why.
    Damaged(String),
}

/// The database failed to store something; nothing changed.
#[derive(Debug, thiserror::Error)]
#[error("cannot store '{path}': {source}", path = path.display())]
pub struct StoreError {
    path: PathBuf,
    source: io::Error,
}

/// All guests of a VSP, in memory and on disk.
pub struct GuestDb<F: Fs = HostFs> {
    fs: F,
    directory: PathBuf,
    entries: BTreeMap<String, Entry>,
}

impl GuestDb<HostFs> {
    /// Reads the database of `root`.
    ///
    /// # Errors
    /// [`StoreError`] if its directory cannot be read at all.
    pub fn open(root: &StateRoot) -> Result<Self, StoreError> {
        GuestDb::open_with(HostFs, root.guests())
    }
}

impl<F: Fs> GuestDb<F> {
    fn open_with(fs: F, directory: PathBuf) -> Result<Self, StoreError> {
        let failed = |source| StoreError { path: directory.clone(), source };
        let mut entries = BTreeMap::new();
        for found in fs::read_dir(&directory).map_err(failed)? {
            let found = found.map_err(failed)?;
            let Ok(name) = found.file_name().into_string() else { continue };
            if name.starts_with(REMOVED_PREFIX) {
                // Removal was interrupted after the guest had ceased to exist.
                let _ = fs::remove_dir_all(found.path());
                continue;
            }
            if let Some(entry) = read(&name, &found.path().join(FILE)) {
                if let Entry::Damaged(reason) = &entry {
                    tracing::error!(guest = %name, reason, "guest configuration is damaged");
                }
                entries.insert(name, entry);
            }
        }
        Ok(GuestDb { fs, directory, entries })
    }

    /// All guests by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// All guests whose configuration can be read.
    pub fn configs(&self) -> impl Iterator<Item = &GuestConfig> {
        self.entries.values().filter_map(|entry| match entry {
            Entry::Guest(config) => Some(config.as_ref()),
            Entry::Damaged(_) => None,
        })
    }

    /// One guest.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Is nothing configured at all?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The least number no guest has.
    pub fn free_number(&self) -> u32 {
        let taken: std::collections::BTreeSet<u32> = self.configs().map(|config| config.number).collect();
        (1..).find(|number| !taken.contains(number)).unwrap_or(u32::MAX)
    }

    /// Stores a new or changed configuration under its name.
    ///
    /// # Errors
    /// [`StoreError`]; the old configuration then stands.
    pub fn put(&mut self, config: GuestConfig) -> Result<(), StoreError> {
        let directory = self.directory.join(&config.name);
        let failed = |source| StoreError { path: directory.join(FILE), source };
        match fs::create_dir(&directory) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(failed(e)),
            _ => {}
        }
        write_atomically(&mut self.fs, &directory.join(FILE), config.to_toml().as_bytes()).map_err(failed)?;
        self.fs.sync_directory(&self.directory).map_err(failed)?;
        self.entries.insert(config.name.clone(), Entry::Guest(Box::new(config)));
        Ok(())
    }

    /// Gives a guest another name (with everything in its directory) and configuration at once. The directory's name
    /// is what counts, so a crash between the two steps leaves a renamed guest with its former settings.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rename(&mut self, old: &str, config: GuestConfig) -> Result<(), StoreError> {
        let (from, to) = (self.directory.join(old), self.directory.join(&config.name));
        let failed = |source| StoreError { path: to.clone(), source };
        self.fs.rename(&from, &to).map_err(failed)?;
        self.fs.sync_directory(&self.directory).map_err(failed)?;
        if let Some(Entry::Guest(mut former)) = self.entries.remove(old) {
            former.name.clone_from(&config.name);
            self.entries.insert(config.name.clone(), Entry::Guest(former));
        }
        self.put(config)
    }

    /// Removes a guest with its directory. Backing stores lie elsewhere and stay.
    ///
    /// # Errors
    /// [`StoreError`]; the guest then still exists.
    pub fn remove(&mut self, name: &str) -> Result<(), StoreError> {
        let from = self.directory.join(name);
        let to = self.directory.join(format!("{REMOVED_PREFIX}{name}"));
        let failed = |source| StoreError { path: from.clone(), source };
        let _ = fs::remove_dir_all(&to);
        self.fs.rename(&from, &to).map_err(failed)?;
        self.entries.remove(name);
        self.fs.sync_directory(&self.directory).map_err(failed)?;
        // From here on the guest is gone; what cannot be deleted now is deleted at the next start.
        let _ = fs::remove_dir_all(&to);
        Ok(())
    }
}

/// The entry of one directory; `None` if it is no guest's.
fn read(name: &str, path: &Path) -> Option<Entry> {
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "it is not text".to_owned()),
        // A guest that was being created when the VSP died: it never was.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return None,
        Err(e) => Err(e.to_string()),
    };
    let entry = text.and_then(|text| GuestConfig::from_toml(name, &text));
    Some(match entry {
        Ok(config) => Entry::Guest(Box::new(config)),
        Err(reason) => Entry::Damaged(format!(
            "'{}' cannot be read: {reason}. Repair it or remove the guest.",
            path.display()
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::testing::FailingFs;

    fn open(directory: &Path) -> GuestDb {
        GuestDb::open_with(HostFs, directory.to_owned()).unwrap()
    }

    fn config(name: &str, number: u32) -> GuestConfig {
        GuestConfig::new(name.into(), number)
    }

    fn changed(name: &str) -> GuestConfig {
        let mut config = config(name, 1);
        config.vcpus = 4;
        config
    }

    #[test]
    fn what_was_stored_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let mut first = config("ivm1", 1);
        first.label = "Virtual Machine number One".into();
        first.append = "console=ttyS0 run=\"a b\"".into();
        first.devices = vec!["disk:avio_stor:0,1,5:file:/tmp/x".parse().unwrap()];
        let mut db = open(directory.path());
        db.put(first.clone()).unwrap();
        db.put(config("ivm2", 2)).unwrap();
        let again = open(directory.path());
        assert_eq!(again.get("ivm1"), Some(&Entry::Guest(Box::new(first))));
        assert_eq!(again.free_number(), 3);
    }

    #[test]
    fn a_damaged_file_is_named_and_the_others_still_work() {
        let directory = tempfile::tempdir().unwrap();
        let mut db = open(directory.path());
        db.put(config("bad", 1)).unwrap();
        db.put(config("good", 2)).unwrap();
        let text = db.config_text("good");
        let cases: [(&[u8], &str); 5] = [
            (b"", "there is no schema number"),
            (b"\xff\xfe", "it is not text"),
            (b"schema = 1\nname = 3", "line 2"),
            (b"schema = 99", "written by a newer VSP (schema 99, this one knows 1)"),
            (&text.as_bytes()[..60], ""),
        ];
        for (contents, expected) in cases {
            fs::write(directory.path().join("bad").join(FILE), contents).unwrap();
            let again = open(directory.path());
            let Some(Entry::Damaged(reason)) = again.get("bad") else { panic!("{expected}: not damaged") };
            assert!(reason.contains(expected) && reason.contains("bad/guest.toml"), "{reason}");
            assert!(!reason.contains('\n'), "{reason}");
            assert!(matches!(again.get("good"), Some(Entry::Guest(_))));
        }
    }

    impl<F: Fs> GuestDb<F> {
        fn config_text(&self, name: &str) -> String {
            match self.get(name) {
                Some(Entry::Guest(config)) => config.to_toml(),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn removal_and_renaming_last() {
        let directory = tempfile::tempdir().unwrap();
        let mut db = open(directory.path());
        db.put(config("a", 1)).unwrap();
        db.put(config("b", 2)).unwrap();
        db.remove("a").unwrap();
        db.rename("b", config("c", 2)).unwrap();
        let again = open(directory.path());
        assert_eq!(again.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["c"]);
        assert_eq!(again.free_number(), 1);
    }

    #[test]
    fn an_operation_that_fails_at_any_step_leaves_a_database_that_opens_with_one_version_of_each_guest() {
        type Operation = fn(&mut GuestDb<FailingFs>) -> Result<(), StoreError>;
        let operations: [Operation; 3] =
            [|db| db.put(changed("a")), |db| db.rename("a", changed("z")), |db| db.remove("a")];
        for operation in operations {
            for step in 0.. {
                let directory = tempfile::tempdir().unwrap();
                open(directory.path()).put(config("a", 1)).unwrap();
                let fs = FailingFs { remaining: step };
                let mut db = GuestDb::open_with(fs, directory.path().to_owned()).unwrap();
                let done = operation(&mut db).is_ok();
                let again = open(directory.path());
                assert!(again.iter().count() <= 1);
                assert!(again.iter().all(|(_, entry)| matches!(entry, Entry::Guest(_))), "step {step}");
                if done {
                    break;
                }
            }
        }
    }
}

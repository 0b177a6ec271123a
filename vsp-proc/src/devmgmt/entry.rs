//! One entry of the database and the rules of its attributes (hpvm.md 4.8).

use std::collections::{BTreeMap, BTreeSet};

use ipc::device::{DeviceEntry, DeviceKind};
use serde::{Deserialize, Serialize};

use super::identify::identify;
use crate::hardware::Hardware;

/// An entry as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(super) kind: DeviceKind,
    /// Never empty; the first is its name, the others are aliases.
    pub(super) names: Vec<String>,
    /// Identity of the device when it was last looked at; empty if it was not there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) dependents: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) attributes: BTreeMap<String, String>,
}

/// Attributes that the VSP computes.
const COMPUTED: [&str; 4] = ["CONFIG", "EXIST", "DEVTYPE", "INUSE"];

impl Entry {
    /// An entry for what is at `name` now.
    pub(super) fn new(kind: DeviceKind, name: &str, hardware: &Hardware) -> Entry {
        Entry {
            kind,
            names: vec![name.to_owned()],
            id: identify(name, hardware).map(|found| found.id).unwrap_or_default(),
            dependents: BTreeSet::new(),
            attributes: BTreeMap::new(),
        }
    }

    /// Is this one of its names? A slash at the end makes no difference.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| trimmed(own) == trimmed(name))
    }

    pub(super) fn is(&self, attribute: &str, value: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|own| own == value)
    }

    /// `TYPE:name`, as operators write it.
    pub(super) fn title(&self) -> String {
        format!("{}:{}", self.kind.word(), self.names[0])
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// One line if there is no such attribute, or not with this value.
    pub(super) fn set(&mut self, attribute: &str, value: &str) -> Result<(), String> {
        check_attribute(self.kind, attribute, value)?;
        let (attribute, value) = (spelled(self.kind, attribute), spelled(self.kind, value));
        match value.as_str() {
            // Not set is the same.
            "NO" => self.attributes.remove(&attribute),
            _ => self.attributes.insert(attribute, value),
        };
        Ok(())
    }

    /// As listed: what is computed first, as of now.
    pub(super) fn shown(&self, hardware: &Hardware) -> DeviceEntry {
        let mut names = self.names.clone();
        let mut attributes = vec![("CONFIG".to_owned(), self.kind.word().to_owned())];
        if matches!(self.kind, DeviceKind::Rdev | DeviceKind::Gdev) {
            let found = self.names.iter().find_map(|name| identify(name, hardware));
            let exists = if found.is_some() { "YES" } else { "NO" };
            let devtype = found.map_or("UNKNOWN", |found| found.devtype);
            let share = self.attributes.get("SHARE").map_or("NO", String::as_str);
            let computed = [("EXIST", exists), ("DEVTYPE", devtype), ("SHARE", share)];
            attributes.extend(computed.map(|(name, value)| (name.to_owned(), value.to_owned())));
            // All names of a device lead to the same files.
            let files = self.names.iter().map(|name| hardware.files(name)).find(|files| !files.is_empty());
            if let Some(files) = files {
                names.extend(files);
                let holder = self.names.iter().find_map(|name| hardware.in_use_by(name));
                attributes.push(("INUSE".to_owned(), holder.unwrap_or_else(|| "NO".to_owned())));
            }
        }
        let stored = self.attributes.iter().filter(|(name, _)| *name != "SHARE");
        attributes.extend(stored.map(|(name, value)| (name.clone(), value.clone())));
        DeviceEntry {
            kind: self.kind,
            names,
            attributes,
            dependents: self.dependents.iter().cloned().collect(),
            id: self.id.clone(),
        }
    }
}

/// A path without the slash that a directory may be written with.
pub(super) fn trimmed(name: &str) -> &str {
    match name.trim_end_matches('/') {
        "" => name,
        trimmed => trimmed,
    }
}

/// An attribute's name or value as it is kept: of devices in capitals, as HPVM lists them, whatever case was typed.
pub(super) fn spelled(kind: DeviceKind, word: &str) -> String {
    match kind {
        DeviceKind::Gdev | DeviceKind::Rdev => word.to_ascii_uppercase(),
        DeviceKind::Server | DeviceKind::Env => word.to_owned(),
    }
}

/// Checks an attribute of an operator.
pub(super) fn check_attribute(kind: DeviceKind, attribute: &str, value: &str) -> Result<(), String> {
    let (spelled, value) = (spelled(kind, attribute), spelled(kind, value));
    let value = value.as_str();
    let expected: &[&str] = match (kind, spelled.as_str()) {
        _ if COMPUTED.contains(&spelled.as_str()) => {
            return Err(format!("Attribute '{attribute}' cannot be set."));
        }
        (_, "AUTORDEV") => return Err("Attribute 'AUTORDEV' is not set by hand.".into()),
        (DeviceKind::Gdev | DeviceKind::Rdev, "SHARE" | "IGNOREWWID" | "PRESERVE") => &["YES", "NO"],
        (DeviceKind::Gdev, "USAGE") => &["DISK", "DVD"],
        (DeviceKind::Rdev, "RECURSIVE") => &["FS", "DIR"],
        (DeviceKind::Gdev | DeviceKind::Rdev, _) => return Err(format!("Illegal attribute '{attribute}'.")),
        (DeviceKind::Server | DeviceKind::Env, _) => {
            check_word("attribute", attribute)?;
            return check_word("value", value);
        }
    };
    match expected.contains(&value) {
        true => Ok(()),
        false => Err(format!(
            "Illegal value '{value}' of attribute {attribute}. Expected {}.",
            expected.join(" or ")
        )),
    }
}

/// Checks the name of an entry.
pub(super) fn check_name(kind: DeviceKind, name: &str) -> Result<(), String> {
    check_word("entry name", name)?;
    let is_device = name.starts_with('/') || name.starts_with(|c: char| c.is_ascii_digit());
    match kind {
        DeviceKind::Gdev | DeviceKind::Rdev if !is_device => Err(format!(
            "Illegal entry name '{name}'. Expected an absolute path or a lunpath (this VSP has no virtual switches)."
        )),
        _ => Ok(()),
    }
}

fn check_word(what: &str, text: &str) -> Result<(), String> {
    let legal = !text.is_empty() && text.len() <= 4096 && !text.chars().any(char::is_control);
    if legal { Ok(()) } else { Err(format!("Illegal {what} '{}'.", text.escape_debug())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::StateRoot;

    #[test]
    fn attributes_are_checked() {
        let directory = tempfile::tempdir().unwrap();
        let hardware = &Hardware::open(&StateRoot::at(directory.path()));
        let mut entry = Entry::new(DeviceKind::Gdev, "/a", hardware);
        entry.set("SHARE", "YES").unwrap();
        entry.set("Usage", "dvd").unwrap();
        assert!(entry.is("USAGE", "DVD"));
        assert!(entry.is("SHARE", "YES"));
        entry.set("share", "no").unwrap();
        assert!(!entry.attributes.contains_key("SHARE"));
        let cases = [
            ("SHARE", "MAYBE", "Illegal value 'MAYBE' of attribute SHARE. Expected YES or NO."),
            ("USAGE", "TAPE", "Illegal value 'TAPE' of attribute USAGE. Expected DISK or DVD."),
            ("EXIST", "YES", "Attribute 'EXIST' cannot be set."),
            ("COLOUR", "RED", "Illegal attribute 'COLOUR'."),
            ("RECURSIVE", "FS", "Illegal attribute 'RECURSIVE'."),
        ];
        for (attribute, value, refusal) in cases {
            assert_eq!(entry.set(attribute, value), Err(refusal.to_owned()));
        }
        Entry::new(DeviceKind::Rdev, "/a", hardware).set("RECURSIVE", "FS").unwrap();
        Entry::new(DeviceKind::Env, "site", hardware).set("COLOUR", "RED").unwrap();
    }

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        let directory = tempfile::tempdir().unwrap();
        let hardware = &Hardware::open(&StateRoot::at(directory.path()));
        let entry = Entry::new(DeviceKind::Gdev, "/iso/hpux/", hardware);
        assert!(entry.is_called("/iso/hpux") && entry.is_called("/iso/hpux/") && !entry.is_called("/iso"));
        assert!(Entry::new(DeviceKind::Rdev, "/", hardware).is_called("/"));
    }
}

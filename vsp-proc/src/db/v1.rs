//! Version 1 of a guest's file, which is also what the VSP works with.

use std::collections::BTreeMap;

use ipc::message::{Rights, StartAttribute, VmType};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use storage::statement::{Layout, StorageStatement};
use uuid::Uuid;

/// Schema number of this version.
const SCHEMA: u32 = 1;

/// Kernels that are part of the VSP are named by this and a word.
pub const BUILTIN_PREFIX: &str = "builtin:";

/// A guest as configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestConfig {
    schema: u32,
    /// Name; the directory's is what counts.
    pub name: String,
    /// Number on this VSP, from 1.
    pub number: u32,
    /// Identity.
    pub uuid: Uuid,
    /// Upper case.
    pub os_type: String,
    /// Release of HP-UX, where it is HP-UX.
    #[serde(default)]
    pub os_version: OsVersion,
    /// Virtual machine or virtual partition: kept and shown alone.
    #[serde(default)]
    pub vm_type: VmType,
    /// Descriptive label, or nothing.
    pub label: String,
    /// Virtual processors.
    pub vcpus: u32,
    /// RAM in bytes, a multiple of 64 MiB; written with a unit.
    #[serde(rename = "memory", serialize_with = "print_size", deserialize_with = "parse_size")]
    pub memory_bytes: u64,
    /// Start with the VSP?
    pub start: StartAttribute,
    /// Seconds between the power button and pulling the plug.
    pub graceful_stop_timeout: u32,
    /// Path of the kernel, or `builtin:` and its name; empty if none is set.
    pub kernel: String,
    /// Path of the initial RAM disk, or empty.
    pub initrd: String,
    /// Kernel command line.
    pub append: String,
    /// May it be started here?
    pub runnable_status: Status,
    /// May it be changed?
    pub modify_status: Status,
    /// Do graphical tools show it?
    pub visible_status: Status,
    /// Are its memory and devices kept for it while it is off?
    #[serde(default)]
    pub resources_reserved: bool,
    /// Storage devices, each with a full address, in its order.
    #[serde(serialize_with = "print_statements", deserialize_with = "parse_statements")]
    pub devices: Vec<StorageStatement>,
    /// Share of a processor.
    pub entitlement: Entitlement,
    /// Keywords of HPVM that are kept and shown and have no effect here, with their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, String>,
    /// Groups with rights on the console.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Grant>,
    /// Users with rights on the console.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<Grant>,
}

/// A switch in HPVM's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Yes.
    Enabled,
    /// No.
    Disabled,
}

impl Status {
    /// As an operator writes it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Enabled => "enabled",
            Status::Disabled => "disabled",
        }
    }
}

/// Release of HP-UX that a guest is declared to run. What attached devices answer while somebody else has them, and which
/// patches they want, depends on it; other systems are treated as 11i v3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OsVersion {
    /// B.11.23.
    #[serde(rename = "11iv2")]
    V2,
    /// B.11.31.
    #[default]
    #[serde(rename = "11iv3")]
    V3,
}

impl OsVersion {
    /// As an operator writes it.
    pub fn word(self) -> &'static str {
        match self {
            OsVersion::V2 => "11iv2",
            OsVersion::V3 => "11iv3",
        }
    }

    /// As HP-UX itself says it.
    pub const fn release(self) -> &'static str {
        match self {
            OsVersion::V2 => "B.11.23",
            OsVersion::V3 => "B.11.31",
        }
    }

    /// The version of either spelling; blanks and case do not matter.
    pub(super) fn parse(text: &str) -> Option<OsVersion> {
        let word: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let is_meant = |version: &OsVersion| {
            [version.word(), version.release()].iter().any(|spelling| spelling.eq_ignore_ascii_case(&word))
        };
        [OsVersion::V2, OsVersion::V3].into_iter().find(is_meant)
    }
}

/// Per cent of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// Guaranteed.
    pub percent: u8,
    /// Cap.
    pub max_percent: u8,
}

/// Rights of a group or user on the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub name: String,
    /// What.
    pub rights: Rights,
}

impl GuestConfig {
    /// A guest with HPVM's defaults and a new identity.
    pub fn new(name: String, number: u32) -> GuestConfig {
        GuestConfig {
            schema: SCHEMA,
            name,
            number,
            uuid: Uuid::new_v4(),
            os_type: "UNKNOWN".into(),
            os_version: OsVersion::default(),
            vm_type: VmType::default(),
            label: String::new(),
            vcpus: 1,
            memory_bytes: 2 << 30,
            start: StartAttribute::Auto,
            graceful_stop_timeout: 300,
            kernel: String::new(),
            initrd: String::new(),
            append: String::new(),
            runnable_status: Status::Enabled,
            modify_status: Status::Enabled,
            visible_status: Status::Enabled,
            resources_reserved: false,
            devices: Vec::new(),
            entitlement: Entitlement { percent: 10, max_percent: 100 },
            kept: BTreeMap::new(),
            groups: Vec::new(),
            users: Vec::new(),
        }
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a guest's fields all have a TOML form")
    }

    /// Reads the text of the file of the guest called `name`.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub fn from_toml(name: &str, text: &str) -> Result<GuestConfig, String> {
        let one_line = |e: toml::de::Error| match e.span() {
            Some(span) => {
                let line = text[..span.start.min(text.len())].matches('\n').count() + 1;
                format!("line {line}: {}", e.message().replace('\n', " "))
            }
            None => e.message().replace('\n', " "),
        };
        let table: toml::Table = toml::from_str(text).map_err(one_line)?;
        match table.get("schema").and_then(toml::Value::as_integer) {
            None => return Err("there is no schema number".into()),
            Some(schema) if schema == i64::from(SCHEMA) => {}
            Some(schema) => {
                return Err(format!(
                    "it was written by a newer VSP (schema {schema}, this one knows {SCHEMA})"
                ));
            }
        }
        let mut config: GuestConfig = toml::from_str(text).map_err(one_line)?;
        config.name = name.to_owned();
        config.check_values()?;
        config.layout()?;
        Ok(config)
    }

    /// The places its devices take.
    ///
    /// # Errors
    /// One line if two devices have the same place, or a device has none.
    pub fn layout(&self) -> Result<Layout, String> {
        let mut layout = Layout::new();
        for device in &self.devices {
            if device.placement().address().is_none() {
                return Err(format!("device {device} has no full address"));
            }
            layout.take(device.placement()).map_err(|refusal| refusal.to_string())?;
        }
        Ok(layout)
    }
}

fn print_size<S: Serializer>(bytes: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&storage::size::print(*bytes))
}

fn parse_size<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    storage::size::parse(&text, 1 << 20).map_err(serde::de::Error::custom)
}

fn print_statements<S: Serializer>(devices: &[StorageStatement], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(devices.iter().map(ToString::to_string))
}

fn parse_statements<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<StorageStatement>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

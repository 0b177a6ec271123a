//! `-x keyword=value` (hpvm.md 4.1.1). Keywords of HPVM that mean nothing here are taken with the value that changes nothing,
//! so that scripts go on working, and refused with the reason otherwise.

use super::config::{ConfigError, Result};
use super::v1::{BUILTIN_PREFIX, GuestConfig, OsVersion, Status};

/// Keywords without a counterpart on this VSP: what they are about, and the values that ask for nothing.
const WITHOUT_COUNTERPART: &[(&str, &str, &[&str])] = &[
    ("vm_type", "A vPar", &["shared"]),
    ("online_migration", "Online migration", &["disabled"]),
    ("sched_preference", "Cell-local memory", &["ilm"]),
    ("dynamic_memory_control", "Dynamic memory", &["0"]),
    ("ram_dyn_type", "Dynamic memory", &["none"]),
    ("ram_dyn_min", "Dynamic memory", &[]),
    ("ram_dyn_max", "Dynamic memory", &[]),
    ("ram_dyn_target_start", "Dynamic memory", &[]),
    ("ram_dyn_entitlement", "Dynamic memory", &[]),
    ("ram_target", "Dynamic memory", &[]),
    ("amr_enable", "Automatic memory reallocation", &["0"]),
    ("amr_chunk_size", "Automatic memory reallocation", &[]),
];

impl GuestConfig {
    pub(super) fn apply_keyword(&mut self, keyword: &str, value: &str) -> Result<()> {
        match keyword {
            "kernel" if value.starts_with(BUILTIN_PREFIX) => self.kernel = value.into(),
            "kernel" => self.kernel = file(keyword, value)?,
            "initrd" => self.initrd = file(keyword, value)?,
            "append" => self.append = value.into(),
            "graceful_stop_timeout" => {
                let seconds = value.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
                self.graceful_stop_timeout = seconds.ok_or_else(|| {
                    ConfigError::invalid(format!("Illegal {keyword} '{value}' (valid range is 1-3600 s)."))
                })?;
            }
            "os_version" => {
                let version = OsVersion::parse(value);
                self.os_version = version.ok_or_else(|| expected(keyword, value, "11iv2 or 11iv3"))?;
            }
            "resources_reserved" => {
                self.resources_reserved = match value.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => return Err(expected(keyword, value, "true or false")),
                };
            }
            "runnable_status" => self.runnable_status = status(keyword, value)?,
            "modify_status" => self.modify_status = status(keyword, value)?,
            "visible_status" => self.visible_status = status(keyword, value)?,
            "register_status" => {
                let status = status(keyword, value)?;
                self.runnable_status = status;
                self.modify_status = status;
                self.visible_status = status;
            }
            _ => check_without_counterpart(keyword, value)?,
        }
        Ok(())
    }
}

fn check_without_counterpart(keyword: &str, value: &str) -> Result<()> {
    let Some((_, subject, neutral)) = WITHOUT_COUNTERPART.iter().find(|(known, ..)| *known == keyword) else {
        return Err(ConfigError::invalid(format!("Keyword '{keyword}' is not supported.")));
    };
    match neutral.iter().any(|word| word.eq_ignore_ascii_case(value)) {
        true => Ok(()),
        false => Err(ConfigError::invalid(format!(
            "{subject} has no counterpart on this VSP: {keyword}={value} is not supported."
        ))),
    }
}

fn file(keyword: &str, value: &str) -> Result<String> {
    let legal = value.is_empty() || (value.starts_with('/') && !value.chars().any(char::is_control));
    if legal { Ok(value.into()) } else { Err(expected(keyword, value, "an absolute path")) }
}

fn status(keyword: &str, value: &str) -> Result<Status> {
    match value.to_ascii_lowercase().as_str() {
        "enabled" => Ok(Status::Enabled),
        "disabled" => Ok(Status::Disabled),
        _ => Err(expected(keyword, value, "enabled or disabled")),
    }
}

fn expected(keyword: &str, value: &str, what: &str) -> ConfigError {
    ConfigError::invalid(format!("Illegal {keyword} '{value}'. Expected {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(keyword: &str, value: &str) -> String {
        GuestConfig::new("ivm1".into(), 1).apply_keyword(keyword, value).unwrap_err().text
    }

    #[test]
    fn keywords_without_a_counterpart_are_taken_only_where_they_ask_for_nothing() {
        let mut guest = GuestConfig::new("ivm1".into(), 1);
        let before = guest.clone();
        for (keyword, value) in [("vm_type", "shared"), ("ram_dyn_type", "none"), ("amr_enable", "0")] {
            guest.apply_keyword(keyword, value).unwrap();
        }
        assert_eq!(guest, before);
        assert_eq!(
            refusal("ram_dyn_type", "driver"),
            "Dynamic memory has no counterpart on this VSP: ram_dyn_type=driver is not supported."
        );
        assert_eq!(
            refusal("vm_type", "vpar"),
            "A vPar has no counterpart on this VSP: vm_type=vpar is not supported."
        );
    }

    #[test]
    fn keywords_are_checked() {
        assert_eq!(refusal("colour", "red"), "Keyword 'colour' is not supported.");
        assert_eq!(refusal("kernel", "vmlinux"), "Illegal kernel 'vmlinux'. Expected an absolute path.");
        assert_eq!(
            refusal("resources_reserved", "yes"),
            "Illegal resources_reserved 'yes'. Expected true or false."
        );
        assert_eq!(refusal("os_version", "11i v1"), "Illegal os_version '11i v1'. Expected 11iv2 or 11iv3.");
        let mut guest = GuestConfig::new("ivm1".into(), 1);
        assert_eq!(guest.os_version, OsVersion::V3);
        for spelling in ["11i v2", "B.11.23", "11iv2"] {
            guest.os_version = OsVersion::V3;
            guest.apply_keyword("os_version", spelling).unwrap();
            assert_eq!(guest.os_version, OsVersion::V2);
        }
        guest.apply_keyword("register_status", "Disabled").unwrap();
        assert_eq!((guest.runnable_status, guest.modify_status), (Status::Disabled, Status::Disabled));
    }
}

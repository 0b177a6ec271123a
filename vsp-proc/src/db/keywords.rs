//! `-x keyword=value` (hpvm.md 4.1.1), in any case. Keywords of HPVM that mean nothing here are kept and shown, so that
//! scripts that pass them go on working, with a warning where they ask for something that this VSP has not; what cannot
//! wait for a better VSP is refused.

use ipc::message::{Setting, VmType};

use super::config::{ConfigError, Result, Warning};
use super::v1::{BUILTIN_PREFIX, GuestConfig, OsVersion, Status};

/// A keyword without a counterpart on this VSP.
struct Kept {
    keyword: &'static str,
    /// What it is about, and this VSP has not.
    subject: &'static str,
    values: Values,
}

/// What a keyword can be set to.
enum Values {
    /// One of these; the first asks for nothing that this VSP has not.
    Words(&'static [&'static str]),
    /// An amount of memory.
    Amount,
}

const DYNAMIC_MEMORY: &str = "dynamic memory";
const REALLOCATION: &str = "automatic memory reallocation";
/// All of them; [`GuestConfig::kept`] has their values.
const KEPT: &[Kept] = &[
    Kept::words("online_migration", "online migration", &["disabled", "enabled"]),
    Kept::words("sched_preference", "cell-local memory", &["ilm", "cell"]),
    Kept::words("dynamic_memory_control", DYNAMIC_MEMORY, &["0", "1"]),
    Kept::words("ram_dyn_type", DYNAMIC_MEMORY, &["none", "any", "driver"]),
    Kept::amount(RAM_DYN_MIN, DYNAMIC_MEMORY),
    Kept::amount(RAM_DYN_MAX, DYNAMIC_MEMORY),
    Kept::amount(RAM_DYN_TARGET_START, DYNAMIC_MEMORY),
    Kept::amount("ram_dyn_entitlement", DYNAMIC_MEMORY),
    Kept::words("amr_enable", REALLOCATION, &["0", "1"]),
    Kept::amount("amr_chunk_size", REALLOCATION),
];
const RAM_DYN_MIN: &str = "ram_dyn_min";
const RAM_DYN_MAX: &str = "ram_dyn_max";
const RAM_DYN_TARGET_START: &str = "ram_dyn_target_start";

impl Kept {
    const fn words(keyword: &'static str, subject: &'static str, words: &'static [&'static str]) -> Kept {
        Kept { keyword, subject, values: Values::Words(words) }
    }

    const fn amount(keyword: &'static str, subject: &'static str) -> Kept {
        Kept { keyword, subject, values: Values::Amount }
    }

    /// The value in the form that is kept, and whether it asks for something that this VSP has not.
    fn value(&self, given: &str) -> Result<(String, bool)> {
        match self.values {
            Values::Words(words) => {
                let at = words.iter().position(|word| word.eq_ignore_ascii_case(given));
                let at = at.ok_or_else(|| expected(self.keyword, given, &words.join(" or ")))?;
                Ok((words[at].to_owned(), at > 0))
            }
            Values::Amount => {
                let bytes = storage::size::parse(given, 1 << 20);
                let bytes = bytes.map_err(|_| expected(self.keyword, given, "an amount, with M or G"))?;
                Ok((storage::size::print(bytes), true))
            }
        }
    }
}

impl GuestConfig {
    pub(super) fn apply_keyword(&mut self, keyword: &str, value: &str) -> Result<Option<Warning>> {
        let keyword = keyword.to_ascii_lowercase();
        let keyword = keyword.as_str();
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
            "vm_type" => return self.apply_vm_type(value),
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
            "ram_target" => {
                return Err(ConfigError::invalid(
                    "The memory of a running guest cannot be changed by ram_target: this VSP has no dynamic memory. \
                     Use -r, which takes effect at the guest's next start.",
                ));
            }
            _ => return self.keep(keyword, value),
        }
        Ok(None)
    }

    fn apply_vm_type(&mut self, value: &str) -> Result<Option<Warning>> {
        let vm_type = VmType::ALL.into_iter().find(|known| known.word().eq_ignore_ascii_case(value));
        self.vm_type = vm_type.ok_or_else(|| expected("vm_type", value, "shared or vpar"))?;
        let warning = "A vPar of this VSP has no processors of its own: its virtual CPUs share the VSP's as those of a VM do.";
        Ok((self.vm_type == VmType::Vpar).then(|| warning.to_owned()))
    }

    fn keep(&mut self, keyword: &str, value: &str) -> Result<Option<Warning>> {
        let Some(known) = KEPT.iter().find(|known| known.keyword == keyword) else {
            return Err(ConfigError::invalid(format!("Keyword '{keyword}' is not supported.")));
        };
        let (value, is_in_vain) = known.value(value)?;
        if (keyword, value.as_str()) == ("ram_dyn_type", "none") {
            // Then the guest has no ranges either (hpvm.md 5.7).
            self.kept.retain(|keyword, _| !keyword.starts_with("ram_dyn_"));
        }
        let subject = known.subject;
        let warning =
            format!("Keyword {keyword}={value} is kept and has no effect: this VSP has no {subject}.");
        self.kept.insert(keyword.to_owned(), value);
        Ok(is_in_vain.then_some(warning))
    }

    /// Checks the ranges of dynamic memory when all settings of a call are made.
    ///
    /// # Errors
    /// There is no such range.
    pub fn check_dynamic_memory(&self, settings: &[Setting]) -> Result<Option<Warning>> {
        let is_about = |setting: &Setting| matches!(setting, Setting::Keyword { keyword, .. } if keyword.to_ascii_lowercase().starts_with("ram_dyn_"));
        if !settings.iter().any(is_about) {
            return Ok(None);
        }
        let text = |keyword: &str| self.kept.get(keyword).map_or("", String::as_str);
        let bytes = |keyword: &str| storage::size::parse(text(keyword), 1 << 20).ok();
        let (least, most) = (bytes(RAM_DYN_MIN), bytes(RAM_DYN_MAX));
        if least.zip(most).is_some_and(|(least, most)| least >= most) {
            let most = text(RAM_DYN_MAX);
            let wanted = format!("less than {RAM_DYN_MAX} ({most})");
            return Err(expected(RAM_DYN_MIN, text(RAM_DYN_MIN), &wanted));
        }
        let target = bytes(RAM_DYN_TARGET_START);
        let is_outside = |target: u64| least.is_some_and(|l| target < l) || most.is_some_and(|m| target > m);
        Ok(target.filter(|target| is_outside(*target)).map(|_| {
            let target = text(RAM_DYN_TARGET_START);
            format!("{RAM_DYN_TARGET_START} {target} lies outside {RAM_DYN_MIN} and {RAM_DYN_MAX}.")
        }))
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

    fn guest() -> GuestConfig {
        GuestConfig::new("ivm1".into(), 1)
    }

    fn refusal(keyword: &str, value: &str) -> String {
        guest().apply_keyword(keyword, value).unwrap_err().text
    }

    /// Every keyword of the reference (hpvm.md 4.1.1) with every kind of value.
    #[test]
    fn keywords_without_a_counterpart_are_kept_with_a_warning_where_they_ask_for_something() {
        let mut guest = guest();
        let silent = [
            ("vm_type", "shared"),
            ("online_migration", "Disabled"),
            ("sched_preference", "ilm"),
            ("dynamic_memory_control", "0"),
            ("ram_dyn_type", "none"),
            ("amr_enable", "0"),
        ];
        for (keyword, value) in silent {
            assert_eq!(guest.apply_keyword(keyword, value).unwrap(), None, "{keyword}");
        }
        let in_vain = [
            ("online_migration", "enabled", "online migration"),
            ("sched_preference", "cell", "cell-local memory"),
            ("dynamic_memory_control", "1", "dynamic memory"),
            ("ram_dyn_type", "driver", "dynamic memory"),
            ("ram_dyn_min", "1G", "dynamic memory"),
            ("ram_dyn_max", "4G", "dynamic memory"),
            ("ram_dyn_target_start", "2G", "dynamic memory"),
            ("ram_dyn_entitlement", "1536M", "dynamic memory"),
            ("amr_enable", "1", "automatic memory reallocation"),
            ("amr_chunk_size", "256M", "automatic memory reallocation"),
        ];
        for (keyword, value, subject) in in_vain {
            let warning =
                format!("Keyword {keyword}={value} is kept and has no effect: this VSP has no {subject}.");
            assert_eq!(guest.apply_keyword(keyword, value).unwrap(), Some(warning));
            assert_eq!(guest.kept[keyword], value);
        }
        let again = GuestConfig::from_toml("ivm1", &guest.to_toml()).unwrap();
        assert_eq!(again, guest);
        guest.apply_keyword("ram_dyn_type", "none").unwrap();
        let left: Vec<&str> = guest.kept.keys().map(String::as_str).collect();
        let expected = [
            "amr_chunk_size",
            "amr_enable",
            "dynamic_memory_control",
            "online_migration",
            "ram_dyn_type",
            "sched_preference",
        ];
        assert_eq!(left, expected);
        assert!(guest.apply_keyword("VM_Type", "VPAR").unwrap().unwrap().starts_with("A vPar of this VSP"));
        assert_eq!(guest.vm_type, VmType::Vpar);
    }

    #[test]
    fn ranges_of_dynamic_memory_are_ranges() {
        let set = |values: &[(&str, &str)]| {
            let mut guest = guest();
            let keyword = |(keyword, value): &(&str, &str)| Setting::Keyword {
                keyword: (*keyword).into(),
                value: (*value).into(),
            };
            let settings: Vec<Setting> = values.iter().map(keyword).collect();
            settings.iter().for_each(|setting| drop(guest.apply(setting).unwrap()));
            guest.check_dynamic_memory(&settings).map_err(|error| error.text)
        };
        assert_eq!(set(&[("ram_dyn_min", "1G"), ("ram_dyn_max", "4096")]), Ok(None));
        assert_eq!(
            set(&[("ram_dyn_max", "1G"), ("ram_dyn_min", "2G")]),
            Err("Illegal ram_dyn_min '2G'. Expected less than ram_dyn_max (1G).".into())
        );
        assert_eq!(
            set(&[("ram_dyn_max", "1G"), ("ram_dyn_target_start", "2G")]),
            Ok(Some("ram_dyn_target_start 2G lies outside ram_dyn_min and ram_dyn_max.".into()))
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
        assert_eq!(refusal("vm_type", "npar"), "Illegal vm_type 'npar'. Expected shared or vpar.");
        assert_eq!(
            refusal("ram_dyn_type", "on"),
            "Illegal ram_dyn_type 'on'. Expected none or any or driver."
        );
        assert_eq!(
            refusal("ram_dyn_min", "lots"),
            "Illegal ram_dyn_min 'lots'. Expected an amount, with M or G."
        );
        assert!(refusal("ram_target", "1G").contains("Use -r"));
        let mut guest = guest();
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

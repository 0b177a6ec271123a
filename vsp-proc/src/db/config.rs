//! Changing a configuration: pure, all or nothing. What is refused here is refused in HPVM's words.

use ipc::message::{DeviceChange, Grant as GrantChange, RefusalKind, Setting};
use storage::statement::{Address, Layout, StorageStatement};

use super::v1::{BUILTIN_PREFIX, Entitlement, Grant, GuestConfig, Status};

/// Memory comes in granules of 64 MiB.
const GRANULE: u64 = 64 << 20;
/// Most memory of a guest: 256 GiB.
const MAX_MEMORY: u64 = 256 << 30;
/// Most virtual processors of a guest.
const MAX_VCPUS: u32 = 16;
/// Longest name or label, in characters.
const MAX_TEXT: usize = 255;
/// Longest kernel command line in bytes: Linux/ia64 takes 2048 with the terminating zero.
const MAX_APPEND: usize = 2047;

/// A change was refused; the text is for the operator. `statement` is the device option at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// For programs.
    pub kind: RefusalKind,
    /// What is wrong.
    pub text: String,
    /// The resource statement concerned, if it was one.
    pub statement: Option<String>,
}

/// Something odd that was done nevertheless.
pub type Warning = String;

impl ConfigError {
    fn invalid(text: impl Into<String>) -> ConfigError {
        ConfigError { kind: RefusalKind::Invalid, text: text.into(), statement: None }
    }
    fn device(text: impl ToString, statement: &str) -> ConfigError {
        let statement = Some(statement.to_owned());
        ConfigError { kind: RefusalKind::Invalid, text: text.to_string(), statement }
    }
}

type Result<T> = std::result::Result<T, ConfigError>;

impl GuestConfig {
    /// Checks a guest's name.
    ///
    /// # Errors
    /// `Illegal guest name …`.
    pub fn check_name(name: &str) -> Result<()> {
        let legal = (1..=MAX_TEXT).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !name.bytes().all(|b| b.is_ascii_digit())
            // A leading dot would hide the guest's directory; "." and ".." are not even names.
            && !name.starts_with(['-', '.']);
        if legal { Ok(()) } else { Err(ConfigError::invalid(format!("Illegal guest name '{name}'."))) }
    }

    /// Changes one attribute. The name is not changed here.
    ///
    /// # Errors
    /// A refusal for a value out of range or an unknown keyword.
    pub fn apply(&mut self, setting: &Setting) -> Result<Option<Warning>> {
        let mut warning = None;
        match setting {
            Setting::Name(name) => {
                Self::check_name(name)?;
                self.name.clone_from(name);
            }
            Setting::OsType(os) => {
                let word = os.to_ascii_uppercase();
                let legal = (1..=16).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric());
                if !legal {
                    return Err(ConfigError::invalid(format!("Illegal OS type '{os}'.")));
                }
                self.os_type = word;
            }
            Setting::Vcpus(vcpus) => self.vcpus = *vcpus,
            Setting::MemoryBytes(bytes) => {
                self.memory_bytes = bytes.checked_next_multiple_of(GRANULE).unwrap_or(u64::MAX);
                if self.memory_bytes != *bytes && self.memory_bytes <= MAX_MEMORY {
                    let rounded = storage::size::print(self.memory_bytes);
                    warning = Some(format!("Memory rounded up to {rounded}, a multiple of 64 MB."));
                }
            }
            Setting::Label(label) => self.label.clone_from(label),
            Setting::Start(start) => self.start = *start,
            Setting::Entitlement { percent, max_percent } => {
                self.entitlement = Entitlement { percent: *percent, max_percent: *max_percent };
            }
            Setting::Group(grant) => apply_grant(&mut self.groups, grant),
            Setting::User(grant) => apply_grant(&mut self.users, grant),
            Setting::Keyword { keyword, value } => self.apply_keyword(keyword, value)?,
        }
        self.check_values().map_err(ConfigError::invalid)?;
        Ok(warning)
    }

    /// Checks ranges that hold for a stored configuration too.
    pub(super) fn check_values(&self) -> std::result::Result<(), String> {
        if !(1..=MAX_VCPUS).contains(&self.vcpus) {
            return Err(format!("Illegal number of vcpus {} (valid range is 1-{MAX_VCPUS}).", self.vcpus));
        }
        if self.memory_bytes == 0
            || self.memory_bytes > MAX_MEMORY
            || !self.memory_bytes.is_multiple_of(GRANULE)
        {
            let given = storage::size::print(self.memory_bytes);
            return Err(format!(
                "Illegal memory size {given} (valid range is 64M-256G in multiples of 64M)."
            ));
        }
        let Entitlement { percent, max_percent } = self.entitlement;
        if !(5..=100).contains(&percent) || !(percent..=100).contains(&max_percent) {
            return Err(format!("Illegal entitlement {percent}:{max_percent} (valid range is 5-100)."));
        }
        if self.label.chars().count() > MAX_TEXT || self.label.chars().any(char::is_control) {
            return Err(format!("Illegal label (at most {MAX_TEXT} printable characters)."));
        }
        if self.append.len() > MAX_APPEND || self.append.contains('\0') {
            return Err(format!("Kernel command line is longer than {MAX_APPEND} bytes."));
        }
        Ok(())
    }

    fn apply_keyword(&mut self, keyword: &str, value: &str) -> Result<()> {
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
            "runnable_status" => self.runnable_status = status(keyword, value)?,
            "modify_status" => self.modify_status = status(keyword, value)?,
            "visible_status" => self.visible_status = status(keyword, value)?,
            "register_status" => {
                let status = status(keyword, value)?;
                self.runnable_status = status;
                self.modify_status = status;
                self.visible_status = status;
            }
            "vm_type" if value == "shared" => {}
            "vm_type" => return Err(ConfigError::invalid(format!("vm_type '{value}' is not supported."))),
            _ => return Err(ConfigError::invalid(format!("Keyword '{keyword}' is not supported."))),
        }
        Ok(())
    }

    /// Does `setting` lift the ban on changes itself?
    pub fn unlocks(setting: &Setting) -> bool {
        matches!(setting, Setting::Keyword { keyword, value }
            if ["modify_status", "register_status"].contains(&keyword.as_str()) && value == "enabled")
    }

    /// Changes the devices as the options say, in their order.
    ///
    /// # Errors
    /// A refusal that names the statement at fault.
    pub fn apply_devices(&mut self, changes: &[DeviceChange]) -> Result<()> {
        let mut layout = self.layout().map_err(ConfigError::invalid)?;
        for change in changes {
            match change {
                DeviceChange::Add(text) => self.add_device(&mut layout, text)?,
                DeviceChange::Delete(text) => {
                    let (at, address) = self.find_device(text)?;
                    layout.free(address);
                    self.devices.remove(at);
                }
                DeviceChange::Modify(text) => {
                    let (at, address) = self.find_device(text)?;
                    self.devices[at] = parse(text)?.placed_at(address);
                }
            }
        }
        self.devices.sort_by_key(|device| device.placement().address());
        Ok(())
    }

    fn add_device(&mut self, layout: &mut Layout, text: &str) -> Result<()> {
        let statement = parse(text)?;
        let address =
            layout.take(statement.placement()).map_err(|refusal| ConfigError::device(refusal, text))?;
        self.devices.push(statement.placed_at(address));
        Ok(())
    }

    /// The device a statement of `-d` or `-m` means: by its address if it has one, otherwise by its store.
    fn find_device(&self, text: &str) -> Result<(usize, Address)> {
        let wanted = parse(text)?;
        let same = |device: &StorageStatement| match wanted.placement().address() {
            Some(_) => device.placement() == wanted.placement() && device.device() == wanted.device(),
            None => device.location() == wanted.location() && device.storage() == wanted.storage(),
        };
        let found = self.devices.iter().position(same).and_then(|at| {
            let address = self.devices[at].placement().address()?;
            Some((at, address))
        });
        found.ok_or_else(|| ConfigError::device("Guest has no such device.", text))
    }
}

fn parse(text: &str) -> Result<StorageStatement> {
    text.parse::<StorageStatement>().map_err(|refusal| ConfigError::device(refusal, text))
}

fn file(keyword: &str, value: &str) -> Result<String> {
    let legal = value.is_empty() || (value.starts_with('/') && !value.chars().any(char::is_control));
    match legal {
        true => Ok(value.into()),
        false => {
            Err(ConfigError::invalid(format!("Illegal {keyword} '{value}'. Expected an absolute path.")))
        }
    }
}

fn status(keyword: &str, value: &str) -> Result<Status> {
    match value {
        "enabled" => Ok(Status::Enabled),
        "disabled" => Ok(Status::Disabled),
        _ => Err(ConfigError::invalid(format!("Illegal {keyword} '{value}'. Expected enabled or disabled."))),
    }
}

fn apply_grant(grants: &mut Vec<Grant>, change: &GrantChange) {
    grants.retain(|grant| grant.name != change.name);
    if let Some(rights) = change.rights {
        grants.push(Grant { name: change.name.clone(), rights });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest() -> GuestConfig {
        GuestConfig::new("ivm1".into(), 1)
    }

    fn refusal(setting: Setting) -> String {
        guest().apply(&setting).unwrap_err().text
    }

    fn keyword(keyword: &str, value: &str) -> Setting {
        Setting::Keyword { keyword: keyword.into(), value: value.into() }
    }

    #[test]
    fn illegal_names_are_refused() {
        for bad in ["", "-a", "123", "a b", "ä", ".", "..", ".a", "a/b", &"x".repeat(256)] {
            let text = GuestConfig::check_name(bad).unwrap_err().text;
            assert_eq!(text, format!("Illegal guest name '{bad}'."));
        }
        for good in ["a", "1a", "ivm-1_x.y", &"x".repeat(255)] {
            GuestConfig::check_name(good).unwrap();
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        assert_eq!(refusal(Setting::Vcpus(0)), "Illegal number of vcpus 0 (valid range is 1-16).");
        assert_eq!(refusal(Setting::Vcpus(17)), "Illegal number of vcpus 17 (valid range is 1-16).");
        for bytes in [0, 257 << 30, u64::MAX] {
            assert!(refusal(Setting::MemoryBytes(bytes)).starts_with("Illegal memory size"), "{bytes}");
        }
        assert_eq!(
            refusal(Setting::Entitlement { percent: 50, max_percent: 20 }),
            "Illegal entitlement 50:20 (valid range is 5-100)."
        );
    }

    #[test]
    fn memory_is_rounded_up_to_the_granule() {
        let mut guest = guest();
        let warning = guest.apply(&Setting::MemoryBytes(100 << 20)).unwrap();
        assert_eq!(guest.memory_bytes, 128 << 20);
        assert_eq!(warning.as_deref(), Some("Memory rounded up to 128M, a multiple of 64 MB."));
    }

    #[test]
    fn keywords_are_checked() {
        assert_eq!(refusal(keyword("colour", "red")), "Keyword 'colour' is not supported.");
        assert_eq!(
            refusal(keyword("kernel", "vmlinux")),
            "Illegal kernel 'vmlinux'. Expected an absolute path."
        );
        let mut guest = guest();
        guest.apply(&keyword("register_status", "disabled")).unwrap();
        assert_eq!((guest.runnable_status, guest.modify_status), (Status::Disabled, Status::Disabled));
    }

    fn add(text: &str) -> DeviceChange {
        DeviceChange::Add(text.into())
    }

    fn devices(guest: &GuestConfig) -> Vec<String> {
        guest.devices.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn devices_are_placed_found_and_replaced() {
        let mut guest = guest();
        guest.apply_devices(&[add("disk:avio_stor::file:/a"), add("disk:avio_stor:0,1,5:file:/b")]).unwrap();
        assert_eq!(devices(&guest), ["disk:avio_stor:0,0,0:file:/a", "disk:avio_stor:0,1,5:file:/b"]);
        guest
            .apply_devices(&[
                DeviceChange::Modify("disk:avio_stor:0,1,5:file:/c".into()),
                DeviceChange::Delete("disk:avio_stor::file:/a".into()),
            ])
            .unwrap();
        assert_eq!(devices(&guest), ["disk:avio_stor:0,1,5:file:/c"]);
    }

    #[test]
    fn device_refusals_name_the_statement() {
        let mut guest = guest();
        let error = guest.apply_devices(&[add("disk:avio_stor:0,0,128:file:/a")]).unwrap_err();
        assert_eq!(error.text, "Illegal target 128 (valid range is 0-127).");
        assert_eq!(error.statement.as_deref(), Some("disk:avio_stor:0,0,128:file:/a"));
        let error =
            guest.apply_devices(&[DeviceChange::Delete("disk:avio_stor:0,0,1:file:/a".into())]).unwrap_err();
        assert_eq!(error.text, "Guest has no such device.");
    }

    #[test]
    fn the_257th_device_is_refused() {
        let mut guest = guest();
        let changes: Vec<_> = (0..257).map(|n| add(&format!("disk:avio_stor::file:/d{n}"))).collect();
        guest.apply_devices(&changes[..256]).unwrap();
        let error = guest.clone().apply_devices(&changes[256..]).unwrap_err();
        assert_eq!(error.text, "Guest has the maximum of 256 storage devices.");
    }
}

//! Changing a configuration: pure, all or nothing. What is refused here is refused in HPVM's words.

use ipc::message::{DeviceChange, Grant as GrantChange, RefusalKind, Setting};
use storage::statement::{Placement, StorageStatement};

use super::v1::{Entitlement, Grant, GuestConfig, Status};

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

/// A change was refused; the text is for the operator. `device` is the option at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// For programs.
    pub kind: RefusalKind,
    /// What is wrong.
    pub text: String,
    /// The device option concerned, if it was one.
    pub device: Option<DeviceChange>,
}

/// Something odd that was done nevertheless.
pub type Warning = String;

impl ConfigError {
    pub(super) fn invalid(text: impl Into<String>) -> ConfigError {
        ConfigError { kind: RefusalKind::Invalid, text: text.into(), device: None }
    }
    fn device(text: impl ToString, change: &DeviceChange) -> ConfigError {
        ConfigError { kind: RefusalKind::Invalid, text: text.to_string(), device: Some(change.clone()) }
    }
}

pub(super) type Result<T> = std::result::Result<T, ConfigError>;

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
            Setting::Label(label) => {
                // As the reference has it; what is stored already may be freer.
                let is_legal = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
                if let Some(other) = label.chars().find(|c| !is_legal(*c) && !c.is_control()) {
                    let text =
                        format!("Illegal character '{other}' in the label (A-Z a-z 0-9 - _ . and blanks).");
                    return Err(ConfigError::invalid(text));
                }
                self.label.clone_from(label);
            }
            Setting::Start(start) => self.start = *start,
            Setting::Entitlement { percent, max_percent } => {
                self.entitlement = Entitlement { percent: *percent, max_percent: *max_percent };
            }
            Setting::Group(grant) => apply_grant(&mut self.groups, grant),
            Setting::User(grant) => apply_grant(&mut self.users, grant),
            Setting::Keyword { keyword, value } => warning = self.apply_keyword(keyword, value)?,
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

    /// Does `setting` lift the ban on changes itself?
    pub fn unlocks(setting: &Setting) -> bool {
        matches!(setting, Setting::Keyword { keyword, value }
            if ["modify_status", "register_status"].iter().any(|known| known.eq_ignore_ascii_case(keyword))
                && value.eq_ignore_ascii_case("enabled"))
    }

    /// Changes the devices as the options say, in their order.
    ///
    /// # Errors
    /// A refusal that names the statement at fault.
    pub fn apply_devices(&mut self, changes: &[DeviceChange]) -> Result<()> {
        let mut layout = self.layout().map_err(ConfigError::invalid)?;
        for change in changes {
            let refused = |text: String| ConfigError::device(text, change);
            match change {
                DeviceChange::Add(text) => {
                    let statement = parse(text).map_err(refused)?;
                    let address = layout.take(statement.placement()).map_err(|e| refused(e.to_string()))?;
                    self.devices.push(statement.placed_at(address));
                }
                DeviceChange::Delete(text) => {
                    let wanted = parse(text).map_err(refused)?;
                    let found = self.devices.iter().position(|device| is_meant(&wanted, device));
                    let at = found.ok_or_else(|| refused(NO_DEVICE.into()))?;
                    let device = self.devices.remove(at);
                    device.placement().address().map(|address| layout.free(address));
                }
                DeviceChange::Modify(text) if is_of_type(text, "hba") => {
                    self.check_conversion(text).map_err(refused)?;
                }
                DeviceChange::Modify(text) => {
                    let wanted = parse(text).map_err(refused)?;
                    let address = wanted.placement().address().ok_or_else(|| {
                        refused(format!(
                            "Illegal address '{}'. Expected bus,slot,target.",
                            wanted.placement()
                        ))
                    })?;
                    let is_there = |device: &&mut StorageStatement| {
                        device.placement() == wanted.placement() && device.device() == wanted.device()
                    };
                    let device = self.devices.iter_mut().find(is_there);
                    *device.ok_or_else(|| refused(NO_DEVICE.into()))? = wanted.placed_at(address);
                }
            }
        }
        self.devices.sort_by_key(|device| device.placement().address());
        Ok(())
    }

    /// `-m hba:ADAPTER:bus,slot`, by which older releases converted an adapter: it must be what it is already.
    fn check_conversion(&self, text: &str) -> std::result::Result<(), String> {
        let fields: Vec<&str> = text.split(':').collect();
        let [_, adapter, place] = fields[..] else { return parse(text).map(drop) };
        if !storage::statement::is_adapter(adapter) {
            return Err("An adapter cannot be converted: all are avio_stor.".into());
        }
        let place: Placement = place.parse().map_err(|e: storage::statement::Refusal| e.to_string())?;
        let adapter = place.bus().zip(place.slot()).filter(|_| place.target().is_none());
        let is_there = |device: &StorageStatement| {
            device.placement().address().is_some_and(|address| Some(address.adapter()) == adapter)
        };
        match self.devices.iter().any(is_there) {
            true => Ok(()),
            false => Err(format!("Guest has no adapter {place}.")),
        }
    }

    /// Makes this configuration that of another guest: the clone of this one.
    pub fn become_clone(&mut self, name: &str, number: u32) {
        let GuestConfig { name, number, uuid, .. } = GuestConfig::new(name.to_owned(), number);
        (self.name, self.number, self.uuid) = (name, number, uuid);
        self.runnable_status = Status::Enabled;
        self.modify_status = Status::Enabled;
        self.visible_status = Status::Enabled;
    }
}

const NO_DEVICE: &str = "Guest has no such device.";

/// Does `wanted`, of `-d`, mean this device of a guest? What it leaves out of the address is any.
fn is_meant(wanted: &StorageStatement, device: &StorageStatement) -> bool {
    let (wanted_at, at) = (wanted.placement(), device.placement());
    let fits = |wanted: Option<u8>, own: Option<u8>| wanted.is_none() || wanted == own;
    fits(wanted_at.bus(), at.bus())
        && fits(wanted_at.slot(), at.slot())
        && fits(wanted_at.target(), at.target())
        && (wanted.device(), wanted.storage()) == (device.device(), device.storage())
        // A directory may be written with a slash at its end.
        && wanted.location().trim_end_matches('/') == device.location().trim_end_matches('/')
}

/// Device types of HPVM that this VSP has not, and why.
const ABSENT: &[(&str, &str)] = &[
    ("network", "Network devices are not supported by this VSP."),
    ("hba", "NPIV adapters are not supported by this VSP."),
    ("serial", "Every guest has one console, which cannot be changed."),
    ("mem", "Memory is given by -r, not by a resource statement."),
    ("cpu", "Virtual CPUs are given by -c, not by a resource statement."),
];

/// Is this a statement of such a device?
fn is_of_type(text: &str, device: &str) -> bool {
    text.split(':').next().is_some_and(|word| word.eq_ignore_ascii_case(device))
}

/// Reads a statement; what HPVM has and this VSP has not is named.
fn parse(text: &str) -> std::result::Result<StorageStatement, String> {
    for (device, reason) in ABSENT {
        if is_of_type(text, device) {
            return Err((*reason).into());
        }
    }
    let statement: StorageStatement = text.parse().map_err(|e: storage::statement::Refusal| e.to_string())?;
    let location = statement.location();
    if ["/dev/dsk/", "/dev/rdsk/"].iter().any(|legacy| location.starts_with(legacy)) {
        return Err(format!(
            "Legacy device file '{location}' is not supported as backing device. Use the persistent device file."
        ));
    }
    Ok(statement)
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
    fn labels_are_of_hpvm_s_characters() {
        let label = |text: &str| Setting::Label(text.into());
        for text in ["", "Virtual Machine number One", &"x".repeat(255)] {
            guest().apply(&label(text)).unwrap();
        }
        assert_eq!(refusal(label(&"x".repeat(256))), "Illegal label (at most 255 printable characters).");
        assert_eq!(refusal(label("a\nb")), "Illegal label (at most 255 printable characters).");
        let text = "Illegal character ':' in the label (A-Z a-z 0-9 - _ . and blanks).";
        assert_eq!(refusal(label("a:b")), text);
    }

    #[test]
    fn memory_is_rounded_up_to_the_granule() {
        let mut guest = guest();
        let warning = guest.apply(&Setting::MemoryBytes(100 << 20)).unwrap();
        assert_eq!(guest.memory_bytes, 128 << 20);
        assert_eq!(warning.as_deref(), Some("Memory rounded up to 128M, a multiple of 64 MB."));
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
        assert_eq!(error.device, Some(add("disk:avio_stor:0,0,128:file:/a")));
        guest.apply_devices(&[add("disk:avio_stor::file:/a")]).unwrap();
        let cases = [
            (DeviceChange::Delete("disk:avio_stor:0,0,1:file:/a".into()), "Guest has no such device."),
            (DeviceChange::Delete("disk:avio_stor:0,0,0:file:/b".into()), "Guest has no such device."),
            (DeviceChange::Modify("disk:avio_stor:0,0,1:file:/b".into()), "Guest has no such device."),
            (
                DeviceChange::Modify("disk:avio_stor::file:/b".into()),
                "Illegal address ''. Expected bus,slot,target.",
            ),
            (add("network:avio_lan::vswitch:localnet"), "Network devices are not supported by this VSP."),
            (
                add("hba:avio_stor:1,1,0x50060b00006499a8,0x50060b00006499a9:npiv:/dev/fcd0"),
                "NPIV adapters are not supported by this VSP.",
            ),
            (
                DeviceChange::Modify("hba:scsi:0,0".into()),
                "An adapter cannot be converted: all are avio_stor.",
            ),
            (DeviceChange::Modify("hba:avio_stor:0,5".into()), "Guest has no adapter 0,5."),
            (DeviceChange::Modify("hba:avio_stor:0,0,0".into()), "Guest has no adapter 0,0,0."),
            (add("mem::1024"), "Memory is given by -r, not by a resource statement."),
            (add("cpu::2"), "Virtual CPUs are given by -c, not by a resource statement."),
            (add("serial:com1::tty:console"), "Every guest has one console, which cannot be changed."),
            (
                add("disk:avio_stor::disk:/dev/rdsk/c6t2d0"),
                "Legacy device file '/dev/rdsk/c6t2d0' is not supported as backing device. Use the persistent device file.",
            ),
        ];
        for (change, text) in cases {
            let error = guest.apply_devices(std::slice::from_ref(&change)).unwrap_err();
            assert_eq!((error.text.as_str(), error.device), (text, Some(change)));
        }
        guest.apply_devices(&[DeviceChange::Modify("hba:avio_stor:0,0".into())]).unwrap();
        guest.apply_devices(&[add("dvd:avio_stor::null:/isos/")]).unwrap();
        guest.apply_devices(&[DeviceChange::Delete("dvd:avio_stor::null:/isos".into())]).unwrap();
        guest.apply_devices(&[DeviceChange::Delete("disk:avio_stor:0:file:/a".into())]).unwrap();
        assert!(guest.devices.is_empty());
    }

    #[test]
    fn a_clone_is_the_original_with_an_identity_of_its_own() {
        let mut original = guest();
        original.apply(&Setting::Vcpus(4)).unwrap();
        original.apply(&keyword("register_status", "disabled")).unwrap();
        let mut clone = original.clone();
        clone.become_clone("copy", 7);
        assert_eq!((clone.name.as_str(), clone.number, clone.vcpus), ("copy", 7, 4));
        assert_ne!(clone.uuid, original.uuid);
        assert_eq!(clone.runnable_status, Status::Enabled);
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

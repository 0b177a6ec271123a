//! Options that name a guest, or say what it is to be.

use clap::{ArgMatches, Args, Command, FromArgMatches};
use ipc::message::{Grant, GuestRef, Manner, Rights, Setting, StartAttribute};

// `-P name` or `-p number`, or neither. Other options refer to the group `guest`.
#[derive(Args, Debug)]
#[group(id = "guest", multiple = false)]
pub(super) struct Chosen {
    /// Guest, by name
    #[arg(short = 'P', value_name = "vm-name")]
    name: Option<String>,
    /// Guest, by number
    #[arg(short = 'p', value_name = "vm-number", value_parser = number)]
    number: Option<u32>,
}

impl Chosen {
    pub(super) fn guest(&self) -> Option<GuestRef> {
        self.name.clone().map(GuestRef::Name).or(self.number.map(GuestRef::Number))
    }
}

/// `-P name` or `-p number`: one of them.
#[derive(Debug)]
pub(super) struct Which(GuestRef);

impl Which {
    pub(super) fn guest(&self) -> GuestRef {
        self.0.clone()
    }
}

impl Args for Which {
    fn augment_args(command: Command) -> Command {
        Chosen::augment_args(command).mut_group("guest", |group| group.required(true))
    }
    fn augment_args_for_update(command: Command) -> Command {
        Chosen::augment_args_for_update(command)
    }
}

impl FromArgMatches for Which {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Which, clap::Error> {
        let guest = Chosen::from_arg_matches(matches)?.guest();
        guest.map(Which).ok_or_else(|| clap::Error::new(clap::error::ErrorKind::MissingRequiredArgument))
    }
    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Which::from_arg_matches(matches)?;
        Ok(())
    }
}

// What `hpvmcreate`, `hpvmmodify` and `hpvmclone` have in common. (Documentation here would become that of the command.)
#[derive(Args, Debug)]
pub(super) struct Attributes {
    /// Operating system: hpux, linux, windows, ...; a new guest has UNKNOWN
    #[arg(short = 'O', value_name = "os_type")]
    os_type: Option<String>,
    /// Number of virtual CPUs, 1-16; a new guest has 1
    #[arg(short = 'c', value_name = "number_vcpus", value_parser = number)]
    vcpus: Option<u32>,
    /// Share of a processor that each virtual CPU is entitled to, in per cent, 5-100; a new guest has 10:100. Kept and
    /// shown, but the host shares its processors among guests as among any processes
    #[arg(short = 'e', value_name = "percent[:max_percent]", value_parser = entitlement)]
    entitlement: Option<(u8, u8)>,
    /// The same in cycles a second, with M or G, of a processor of 1600 MHz; a bare number is megahertz
    #[arg(short = 'E', value_name = "cycles[:max_cycles]", value_parser = cycles, conflicts_with = "entitlement")]
    cycles: Option<(u8, u8)>,
    /// Memory, with M or G, 64M-256G, rounded up to a multiple of 64M; a bare number is megabytes; a new guest has 2G
    #[arg(short = 'r', value_name = "amount", value_parser = memory)]
    memory: Option<u64>,
    /// Descriptive label: up to 255 characters of A-Z a-z 0-9 - _ . and blanks
    #[arg(short = 'l', value_name = "vm_label")]
    label: Option<String>,
    /// Start the guest with the VSP (auto, as a new guest has it) or by hand only (manual)
    #[arg(short = 'B', value_name = "start_attr", value_parser = start_attribute)]
    start: Option<StartAttribute>,
    /// Group with rights on the console, oper unless given; a leading - takes them away, a leading + is taken as well
    #[arg(short = 'g', value_name = "group[:{admin|oper}]", value_parser = grant, allow_hyphen_values = true)]
    groups: Vec<Grant>,
    /// User with rights on the console, oper unless given; a leading - takes them away, a leading + is taken as well
    #[arg(short = 'u', value_name = "user[:{admin|oper}]", value_parser = grant, allow_hyphen_values = true)]
    users: Vec<Grant>,
    /// Further attribute: kernel=PATH, initrd=PATH and append=STRING boot a kernel directly (an extension);
    /// graceful_stop_timeout=SECONDS; os_version={11iv2|11iv3} of an HP-UX guest; resources_reserved={true|false};
    /// runnable_status, modify_status, visible_status or register_status={enabled|disabled}; vm_type={shared|vpar}. Kept
    /// and shown, without effect on this VSP: online_migration, sched_preference, dynamic_memory_control, ram_dyn_type,
    /// ram_dyn_min, ram_dyn_max, ram_dyn_target_start, ram_dyn_entitlement, amr_enable, amr_chunk_size
    #[arg(short = 'x', value_name = "keyword=value", value_parser = keyword)]
    keywords: Vec<(String, String)>,
    /// Check only, change nothing
    #[arg(short = 's', conflicts_with = "force")]
    check_only: bool,
    /// Force: stores that are not there are only a problem
    #[arg(short = 'F')]
    force: bool,
}

impl Attributes {
    /// What `-s` and `-F` ask for.
    pub(super) fn manner(&self) -> Manner {
        manner(self.check_only, self.force)
    }

    /// What was given, in the form the VSP wants.
    pub(super) fn settings(self) -> Vec<Setting> {
        let mut all = Vec::new();
        all.extend(self.os_type.map(Setting::OsType));
        all.extend(self.vcpus.map(Setting::Vcpus));
        all.extend(
            self.entitlement
                .or(self.cycles)
                .map(|(percent, max_percent)| Setting::Entitlement { percent, max_percent }),
        );
        all.extend(self.memory.map(Setting::MemoryBytes));
        all.extend(self.label.map(Setting::Label));
        all.extend(self.start.map(Setting::Start));
        all.extend(self.groups.into_iter().map(Setting::Group));
        all.extend(self.users.into_iter().map(Setting::User));
        all.extend(self.keywords.into_iter().map(|(keyword, value)| Setting::Keyword { keyword, value }));
        all
    }
}

/// How resource statements are written, for the help of the commands that take them.
pub(super) const STATEMENTS: &str = "Resource statements are DEVICE:avio_stor:[BUS,SLOT,TARGET]:STORAGE:LOCATION, with bus and \
     slot 0-7 and target 0-127; what is left out of the address is chosen. A guest has up to 256 devices, 128 on each bus and slot.\n\
     disk:avio_stor::file:/FILE, disk:avio_stor::disk:/dev/DISK, disk:avio_stor::lv:/dev/GROUP/VOLUME: a disk\n\
     dvd:avio_stor::file:/FILE.ISO, dvd:avio_stor::disk:/dev/DRIVE: a DVD; null instead, with a directory or the drive: an empty one\n\
     tape:avio_stor::attach_path:LUNPATH, also changer and burner: an attached device, see 'hpvm ioscan -m lun'";

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "expected a number".to_owned())
}

/// What `-s` and `-F` ask for.
pub(super) fn manner(check_only: bool, force: bool) -> Manner {
    match (check_only, force) {
        (true, _) => Manner::CheckOnly,
        (false, true) => Manner::Forced,
        (false, false) => Manner::Normal,
    }
}

/// Clock of a virtual processor in hertz, as its firmware has it.
const PROCESSOR_HERTZ: u64 = 1_600_000_000;

/// Cycles a second as a share of a processor, rounded up to whole per cent.
fn cycles(text: &str) -> Result<(u8, u8), String> {
    let percent = |text: &str| {
        let digits = text.trim_end_matches(['M', 'm', 'G', 'g']);
        let unit = match &text[digits.len()..] {
            "" | "M" | "m" => 1_000_000,
            "G" | "g" => 1_000_000_000,
            _ => return Err("not a number of cycles"),
        };
        let hertz = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        let hertz = hertz.ok_or("not a number of cycles")?;
        u8::try_from(hertz.saturating_mul(100).div_ceil(PROCESSOR_HERTZ))
            .map_err(|_| "more cycles than a processor has")
    };
    match text.split_once(':') {
        Some((least, most)) => Ok((percent(least)?, percent(most)?)),
        None => Ok((percent(text)?, 100)),
    }
}

/// Reads `4G`, `512M`, or megabytes without a unit.
fn memory(text: &str) -> Result<u64, String> {
    storage::size::parse(text, 1 << 20).map_err(|e| e.to_string())
}

/// Reads `20` or `20:50`, per cent.
pub(crate) fn entitlement(text: &str) -> Result<(u8, u8), String> {
    let percent = |text: &str| {
        text.trim_end_matches('%').parse::<u8>().map_err(|_| "expected whole per cent, 5-100".to_owned())
    };
    match text.split_once(':') {
        Some((least, most)) => Ok((percent(least)?, percent(most)?)),
        None => Ok((percent(text)?, 100)),
    }
}

fn start_attribute(text: &str) -> Result<StartAttribute, String> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(StartAttribute::Auto),
        "manual" => Ok(StartAttribute::Manual),
        _ => Err("expected auto or manual".into()),
    }
}

/// Reads `ops`, `ops:admin`, or `-ops`.
pub(crate) fn grant(text: &str) -> Result<Grant, String> {
    let (takes, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (name, rights) = match text.split_once(':') {
        None => (text, Rights::Oper),
        Some((name, oper)) if oper.eq_ignore_ascii_case("oper") => (name, Rights::Oper),
        Some((name, admin)) if admin.eq_ignore_ascii_case("admin") => (name, Rights::Admin),
        Some(_) => return Err("expected admin or oper behind the colon".into()),
    };
    match name {
        "" => Err("the name is missing".into()),
        _ => Ok(Grant { name: name.into(), rights: (!takes).then_some(rights) }),
    }
}

/// Reads `keyword=value`.
pub(crate) fn keyword(text: &str) -> Result<(String, String), String> {
    let (keyword, value) = text.split_once('=').ok_or("expected keyword=value")?;
    Ok((keyword.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_values_are_understood_or_refused() {
        assert_eq!(entitlement("20:50"), Ok((20, 50)));
        assert_eq!(entitlement("10%"), Ok((10, 100)));
        assert!(entitlement("300").is_err());
        assert_eq!(cycles("160"), Ok((10, 100)));
        assert_eq!(cycles("400M:1G"), Ok((25, 63)));
        assert!(cycles("5G").is_err() && cycles("fast").is_err() && cycles("18446744073709551615G").is_err());
        assert_eq!(memory("512"), Ok(512 << 20));
        assert_eq!(start_attribute("AUTO"), Ok(StartAttribute::Auto));
        assert!(start_attribute("never").is_err());
        assert_eq!(keyword("append=console=ttyS0"), Ok(("append".into(), "console=ttyS0".into())));
        assert!(keyword("kernel").is_err());
        let admin = |rights| Ok(Grant { name: "ops".into(), rights });
        assert_eq!(grant("+ops:admin"), admin(Some(Rights::Admin)));
        assert_eq!(grant("-ops:admin"), admin(None));
        assert!(grant("ops:root").is_err() && grant(":admin").is_err());
    }
}

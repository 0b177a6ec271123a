//! What may be typed into a field, in the words of one that is told that it may not.

use crate::console::screens::guests::GuestsScreen;
use storage::library::Barcode;
use storage::size;
use vsp_proc::db::BUILTIN_PREFIX;

/// What may be typed into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The name of a guest that is not there yet, or the guest's own.
    GuestName,
    /// How many virtual processors.
    Vcpus,
    /// How much memory a guest has.
    Memory,
    /// Any text.
    Text,
    /// What options of `hpvmcreate` say.
    Options,
    /// Text that is not empty.
    Word,
    /// A file that is there, a built-in one, or nothing.
    File,
    /// A file or device that is there, or a directory with a slash at its end.
    Store,
    /// A path where something may be made or not, or nothing.
    Path,
    /// A path that is not empty.
    SomePath,
    /// PCI bus, slot and target, or nothing.
    Address,
    /// The size of a file.
    Size,
    /// A number from one to another.
    Count(u16, u16),
    /// The name of a cartridge.
    Barcode,
    /// The name of a disc.
    DiscName,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// The longest guest name, in characters (HPVM V6).
const LONGEST_NAME: usize = 255;
const MOST_VCPUS: u32 = 16;
const MEGABYTE: u64 = 1 << 20;
/// Memory comes in units of 64 MB.
const GRANULE_BYTES: u64 = 64 * MEGABYTE;
/// The most memory of a guest (HPVM V6.3).
const MOST_MEMORY_BYTES: u64 = 256 << 30;
/// Longer text is no path and no command line.
pub(super) const LONGEST_TEXT: usize = 4000;

/// What is wrong with `value`; a guest may have the name that is its `own` already.
pub(super) fn problem(rule: Rule, value: &str, guests: &GuestsScreen, own: Option<&str>) -> Option<String> {
    match rule {
        _ if value.len() > LONGEST_TEXT => Some("This is too long".to_owned()),
        Rule::GuestName if own == Some(value) => None,
        Rule::GuestName => name_problem(value, guests),
        Rule::Vcpus => match value.parse::<u32>() {
            Ok(1..=MOST_VCPUS) => None,
            _ => Some(format!("A guest has 1 to {MOST_VCPUS} vCPUs")),
        },
        Rule::Memory => parse_memory(value).err(),
        Rule::Text | Rule::Choice(_) | Rule::Options => None,
        Rule::Word => value.is_empty().then(|| "This cannot be empty".to_owned()),
        Rule::SomePath | Rule::Store if value.is_empty() => {
            Some("Type the whole path, from '/' on".to_owned())
        }
        Rule::File if value.starts_with(BUILTIN_PREFIX) => None,
        Rule::File | Rule::Store | Rule::Path | Rule::SomePath => {
            let is_good = value.is_empty() || value.starts_with('/');
            (!is_good).then(|| "Type the whole path, from '/' on".to_owned())
        }
        Rule::Address => address_problem(value),
        Rule::Size => match parse_size(value) {
            Some(1..) => None,
            _ => Some("Type a size as 512M or 2G".to_owned()),
        },
        Rule::Count(least, most) => match value.parse::<u16>() {
            Ok(count) if (least..=most).contains(&count) => None,
            _ => Some(format!("Type a number from {least} to {most}")),
        },
        Rule::Barcode => value
            .parse::<Barcode>()
            .err()
            .map(|_| "A barcode has 1 to 32 capital letters, digits, '-' and '_'".to_owned()),
        Rule::DiscName => {
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            let is_good = !value.is_empty() && !value.starts_with('.') && value.chars().all(is_allowed);
            (!is_good).then(|| "A disc's name has letters, digits, '-', '_' and '.'".to_owned())
        }
    }
}

/// A name has 1 to 255 of `a-z A-Z 0-9 - _ .`, one of them no digit, and no dash in front (HPVM V6).
pub(super) fn name_problem(name: &str, guests: &GuestsScreen) -> Option<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let problem = if name.is_empty() {
        "A guest needs a name".to_owned()
    } else if let Some(wrong) = name.chars().find(|c| !is_allowed(*c)) {
        format!("A name cannot contain '{}'", wrong.escape_default())
    } else if name.len() > LONGEST_NAME {
        format!("A name has at most {LONGEST_NAME} characters")
    } else if name.starts_with('-') {
        "A name cannot begin with '-'".to_owned()
    } else if name.bytes().all(|b| b.is_ascii_digit()) {
        "A name of digits alone would be a number".to_owned()
    } else if matches!(name, "." | "..") {
        "This name means a directory".to_owned()
    } else if guests.by_name(name).is_some() {
        format!("Guest '{name}' already exists")
    } else {
        return None;
    };
    Some(problem)
}

/// A size as `512M`, `2G` or `2048` (megabytes), in bytes: a multiple of 64 MB.
pub(super) fn parse_memory(text: &str) -> Result<u64, String> {
    match size::parse(text, MEGABYTE).map_err(|_| "Type a size as 512M or 2G".to_owned())? {
        ..GRANULE_BYTES => Err("A guest needs at least 64 MB".to_owned()),
        bytes if bytes > MOST_MEMORY_BYTES => Err("A guest has at most 256 GB".to_owned()),
        bytes if !bytes.is_multiple_of(GRANULE_BYTES) => Err("Memory comes in units of 64 MB".to_owned()),
        bytes => Ok(bytes),
    }
}

/// A file's size: a bare number is bytes.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    size::parse(text, 1).ok()
}

/// The values of an attribute of the device management database (hpvm.md 4.8).
pub(super) fn value_problem(attribute: &str, value: &str) -> Option<String> {
    let values: &[&str] = match attribute {
        "SHARE" | "PRESERVE" | "IGNOREWWID" => &["YES", "NO"],
        "USAGE" => &["DISK", "DVD"],
        "RECURSIVE" => &["FS", "DIR"],
        _ => return None,
    };
    (!values.contains(&value)).then(|| format!("{attribute} is {}", values.join(" or ")))
}

/// Buses and slots are 0 to 7, targets 0 to 127 (HPVM's hpvmresources).
fn address_problem(text: &str) -> Option<String> {
    let parts: Vec<Option<u8>> = text.split(',').map(|part| part.parse().ok()).collect();
    let is_good = match parts[..] {
        _ if text.is_empty() => true,
        [Some(bus), Some(slot), Some(target)] => bus <= 7 && slot <= 7 && target <= 127,
        _ => false,
    };
    (!is_good).then(|| "Type bus,slot,target as 0,1,0: bus and slot up to 7, target up to 127".to_owned())
}

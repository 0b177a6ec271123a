//! The fields of each form, and the request that comes of them.

use super::rule::{Rule, parse_memory, parse_size};
use super::{Form, Key, Purpose, hardware, settings};
use crate::view::format;
use ipc::device::{DeviceKind, DeviceRequest};
use ipc::message::{
    ClientToVsp, CloneGuest, DeviceChange, DeviceDetail, GuestDetail, GuestRef, Manner, Setting,
    StartAttribute,
};

/// Key, label, rule, initial text, hint.
type FieldRow = (Key, String, Rule, String, String);
/// The same of a field that is always there.
pub(super) type FixedRow = (Key, &'static str, Rule, String, &'static str);

const OS_TYPES: Rule = Rule::Choice(&["unknown", "linux", "hpux", "windows", "openvms"]);
const YES_NO: Rule = Rule::Choice(&["no", "yes"]);
const START: Rule = Rule::Choice(&["manual", "auto"]);

const NAME_HINT: &str = "Letters, digits, '-', '_' and '.', at least one of them no digit";
const MEMORY_HINT: &str = "As 512M or 2G, in steps of 64 MB";
const KERNEL_HINT: &str = "Path of a vmlinux or vmlinux.gz, or builtin:diag; empty for none";
pub(super) const SIZE_HINT: &str = "Bytes that go on each cartridge, as 512M or 10G";
const START_HINT: &str = "auto: with the VSP; Left and Right choose";
const LABEL_HINT: &str = "A description";
const ENTITLEMENT_HINT: &str = "Least and most share of a processor, as 10:100 (per cent)";
const GROUPS_HINT: &str = "Who may use the console, as ops:admin staff:oper";
const USERS_HINT: &str = "Who may use the console, as anna:admin bert:oper";
const KEYWORDS_HINT: &str = "As graceful_stop_timeout=60 os_version=11iv3 vm_type=vpar";
const ADDRESS_HINT: &str = "As 0,1,0; empty lets the VSP choose";

pub(super) fn fields(purpose: &Purpose) -> Vec<FieldRow> {
    let fixed = match purpose {
        Purpose::Clone(guest) => return clone_fields(guest),
        _ => fixed_fields(purpose),
    };
    let own = |(key, label, rule, text, hint): FixedRow| (key, label.to_owned(), rule, text, hint.to_owned());
    fixed.into_iter().map(own).collect()
}

fn fixed_fields(purpose: &Purpose) -> Vec<FixedRow> {
    let own = str::to_owned;
    match purpose {
        Purpose::Create => vec![
            (Key::Name, "Name", Rule::GuestName, own(""), NAME_HINT),
            (Key::Os, "OS type", OS_TYPES, own("linux"), "Left and Right choose"),
            (Key::Vcpus, "vCPUs", Rule::Vcpus, own("1"), "1 to 16"),
            (Key::Memory, "Memory", Rule::Memory, own("512M"), MEMORY_HINT),
            (Key::Kernel, "Kernel", Rule::File, own(""), KERNEL_HINT),
            (Key::Initrd, "Initial RAM disk", Rule::File, own(""), "Path; empty for none"),
            (Key::Append, "Command line", Rule::Text, own(""), "What the kernel gets; may be empty"),
            (Key::Path, "Disk file", Rule::File, own(""), "File that becomes a virtual disk; empty for none"),
            (Key::Start, "Start", START, own("manual"), START_HINT),
            (Key::Label, "Label", Rule::Options, own(""), LABEL_HINT),
            (Key::Entitlement, "Entitlement", Rule::Options, own(""), ENTITLEMENT_HINT),
            (Key::Groups, "Groups", Rule::Options, own(""), GROUPS_HINT),
            (Key::Users, "Users", Rule::Options, own(""), USERS_HINT),
            (Key::Keywords, "Other keywords", Rule::Options, own(""), KEYWORDS_HINT),
        ],
        Purpose::Modify(guest) => modify_fields(guest),
        // Its fields are as many as the guest has devices.
        Purpose::Clone(_) => Vec::new(),
        Purpose::AddDevice { attached, .. } => {
            let (kind, path) = attached.clone().unwrap_or_else(|| (own("disk"), own("")));
            vec![
                (
                    Key::Device,
                    "Device",
                    DEVICES,
                    kind,
                    "tape, changer, burner: attached; Left and Right choose",
                ),
                (Key::Path, "Backing store", Rule::Store, path, STORE_HINT),
                (Key::Address, "Bus,slot,target", Rule::Address, own(""), ADDRESS_HINT),
            ]
        }
        Purpose::ModifyDevice { device, .. } => {
            vec![(Key::Path, "Backing store", Rule::Store, store_text(device), MODIFY_HINT)]
        }
        Purpose::Insert { drive, .. } => {
            let place = if drive.location.ends_with('/') {
                own(&drive.location)
            } else {
                format!("{}/", drive.location)
            };
            let place = if drive.location.starts_with("/dev/") { own(&drive.location) } else { place };
            vec![(Key::Path, "Disc", Rule::File, place, "An ISO file, or a drive of the VSP")]
        }
        Purpose::AddEntry => vec![
            (
                Key::Kind,
                "Kind",
                Rule::Choice(&["gdev", "rdev"]),
                own("gdev"),
                "gdev: for guests; rdev: kept from guests",
            ),
            (Key::Name, "Device", Rule::SomePath, own(""), "Path of a file, directory or block device"),
            (Key::Share, "Shared", YES_NO, own("no"), "yes: several running guests may have it"),
        ],
        Purpose::EditEntry { kind, .. } => {
            let attributes = match kind {
                DeviceKind::Gdev => Rule::Choice(&["SHARE", "PRESERVE", "USAGE", "IGNOREWWID"]),
                DeviceKind::Rdev => Rule::Choice(&["RECURSIVE", "SHARE", "PRESERVE", "IGNOREWWID"]),
                DeviceKind::Server | DeviceKind::Env => Rule::Word,
            };
            let (name, value) = match kind {
                DeviceKind::Gdev => ("SHARE", "YES"),
                DeviceKind::Rdev => ("RECURSIVE", "DIR"),
                DeviceKind::Server | DeviceKind::Env => ("", ""),
            };
            vec![
                (Key::Attribute, "Attribute", attributes, own(name), "Left and Right choose"),
                (
                    Key::Value,
                    "Value",
                    Rule::Word,
                    own(value),
                    "YES or NO; USAGE: DISK or DVD; RECURSIVE: FS or DIR",
                ),
            ]
        }
        Purpose::Replace { .. } => vec![
            (Key::Path, "New device", Rule::SomePath, own(""), "Path of the device that takes its place"),
            (
                Key::Aliases,
                "Other names",
                Rule::Text,
                own(""),
                "Further names of it, with commas between; may be empty",
            ),
        ],
        Purpose::CreateFile => vec![
            (Key::Path, "File", Rule::SomePath, own(""), "Path where nothing is yet"),
            (Key::Size, "Size", Rule::Size, own("10G"), "As 512M or 10G; the room is reserved"),
        ],
        Purpose::NewLibrary
        | Purpose::NewTape
        | Purpose::NewBurner
        | Purpose::Import { .. }
        | Purpose::InsertDisc { .. } => hardware::fields(purpose),
    }
}

const DEVICES: Rule = Rule::Choice(&["disk", "dvd", "tape", "changer", "burner"]);
/// Devices that are a device of the VSP's own.
pub(super) const ATTACHED: [&str; 3] = ["tape", "changer", "burner"];
const STORE_HINT: &str =
    "File or device; dvd: ISO file, or directory/ for an empty drive; tape: as ioscan says";

const MODIFY_HINT: &str = "What it is on from now on; a running guest must not be using the device";

/// What is typed for the store that a device has: a directory of discs with a slash at its end.
fn store_text(device: &DeviceDetail) -> String {
    match device.storage.as_str() {
        "null" if !device.location.ends_with('/') => format!("{}/", device.location),
        _ => device.location.clone(),
    }
}

/// What becomes of the data of a device that is copied.
pub(super) const COPIED: &str = "copy";
const LEFT_OUT: &str = "leave out";
const FATES: Rule = Rule::Choice(&["share", COPIED, LEFT_OUT]);
/// Of a device that has no data of its own.
const FEW_FATES: Rule = Rule::Choice(&["share", LEFT_OUT]);

/// A name, for every device whether the clone has it, too, or a copy, and what else may be otherwise.
fn clone_fields(guest: &GuestDetail) -> Vec<FieldRow> {
    let name = format!("{}-2", guest.summary.name);
    let mut rows = vec![(Key::Name, "Name".to_owned(), Rule::GuestName, name, NAME_HINT.to_owned())];
    for (place, device) in guest.devices.iter().enumerate() {
        let DeviceDetail { device: kind, bus, slot, target, location, storage, .. } = device;
        let has_data = kind == "disk" && matches!(storage.as_str(), "file" | "disk" | "lv");
        let label = format!("{kind} {bus},{slot},{target}");
        let fates = if has_data { FATES } else { FEW_FATES };
        rows.push((Key::Fate(place), label, fates, "share".to_owned(), location.clone()));
        if has_data {
            let hint = "Where its copy goes; a file is made, a device must be as large or larger";
            let copy = if storage == "file" { beside(location) } else { String::new() };
            rows.push((Key::Copy(place), "  copied to".to_owned(), Rule::Path, copy, hint.to_owned()));
        }
    }
    let own = |(key, label, rule, text, hint): FixedRow| (key, label.to_owned(), rule, text, hint.to_owned());
    rows.extend(cloned_settings(guest).into_iter().map(own));
    rows
}

/// What may be otherwise in a clone, as the original has it.
fn cloned_settings(guest: &GuestDetail) -> Vec<FixedRow> {
    let wanted = [Key::Vcpus, Key::Memory, Key::Label];
    modify_fields(guest).into_iter().filter(|(key, ..)| wanted.contains(key)).collect()
}

/// A name for a copy beside a file: `/a/b.img` is copied to `/a/b-2.img`.
fn beside(path: &str) -> String {
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    let end = path[name..].rfind('.').filter(|dot| *dot > 0).map_or(path.len(), |dot| name + dot);
    format!("{}-2{}", &path[..end], &path[end..])
}

fn modify_fields(guest: &GuestDetail) -> Vec<FixedRow> {
    let keyword = |name: &str| {
        let found = guest.keywords.iter().find(|(keyword, _)| keyword == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let option = |key, label, hint| (key, label, Rule::Options, settings::text(key, guest), hint);
    let summary = &guest.summary;
    vec![
        (Key::Name, "Name", Rule::GuestName, summary.name.clone(), "A new name; the guest must be off"),
        (Key::Os, "OS type", OS_TYPES, summary.os_type.to_lowercase(), "Left and Right choose"),
        (Key::Vcpus, "vCPUs", Rule::Vcpus, summary.vcpus.to_string(), "1 to 16"),
        (Key::Memory, "Memory", Rule::Memory, memory_text(summary.memory_bytes), MEMORY_HINT),
        option(Key::Label, "Label", LABEL_HINT),
        (Key::Kernel, "Kernel", Rule::File, keyword("kernel"), KERNEL_HINT),
        (Key::Initrd, "Initial RAM disk", Rule::File, keyword("initrd"), "Path; empty for none"),
        (Key::Append, "Command line", Rule::Text, keyword("append"), "What the kernel gets; may be empty"),
        (Key::Start, "Start", START, start_text(guest.start).to_owned(), START_HINT),
        option(Key::Entitlement, "Entitlement", ENTITLEMENT_HINT),
        option(Key::Groups, "Groups", GROUPS_HINT),
        option(Key::Users, "Users", USERS_HINT),
        option(Key::Keywords, "Other keywords", KEYWORDS_HINT),
    ]
}

fn memory_text(bytes: u64) -> String {
    let (number, unit) = format::memory_parts(bytes);
    format!("{number}{}", &unit[..1])
}

fn start_text(start: StartAttribute) -> &'static str {
    match start {
        StartAttribute::Auto => "auto",
        StartAttribute::Manual => "manual",
    }
}

/// The request of a form in which nothing is wrong; nothing if it would change nothing.
pub(super) fn request(form: &Form) -> Option<ClientToVsp> {
    let text = |key| form.value(key).to_owned();
    let modify = |guest: &str, change| ClientToVsp::ModifyGuest {
        guest: GuestRef::Name(guest.to_owned()),
        settings: Vec::new(),
        devices: vec![change],
        manner: Manner::Normal,
    };
    Some(match &form.purpose {
        Purpose::Create => {
            let given =
                form.fields.iter().filter(|field| field.key != Key::Name && !field.value().is_empty());
            let disk = Some(form.value(Key::Path)).filter(|path| !path.is_empty());
            ClientToVsp::CreateGuest {
                name: text(Key::Name),
                settings: given.flat_map(|field| settings_of(form, field.key, "")).collect(),
                devices: disk.into_iter().map(|path| statement("disk", "", path)).collect(),
                manner: Manner::Normal,
            }
        }
        Purpose::Modify(guest) => {
            // Only what differs is asked for.
            let before = modify_fields(guest);
            let settings = changed_settings(form, &before);
            if settings.is_empty() {
                return None;
            }
            let guest = GuestRef::Name(guest.summary.name.clone());
            ClientToVsp::ModifyGuest { guest, settings, devices: Vec::new(), manner: Manner::Normal }
        }
        Purpose::Clone(guest) => {
            let mut devices = Vec::new();
            let mut copies = Vec::new();
            for (place, device) in guest.devices.iter().enumerate() {
                match form.value(Key::Fate(place)) {
                    COPIED => copies.push(with_store(device, form.value(Key::Copy(place)))),
                    LEFT_OUT => devices.push(DeviceChange::Delete(device.statement.clone())),
                    _ => {}
                }
            }
            ClientToVsp::CloneGuest(Box::new(CloneGuest {
                guest: GuestRef::Name(guest.summary.name.clone()),
                name: text(Key::Name),
                settings: changed_settings(form, &cloned_settings(guest)),
                devices,
                copies,
                manner: Manner::Normal,
            }))
        }
        Purpose::AddDevice { guest, .. } => {
            let added = statement(form.value(Key::Device), form.value(Key::Address), form.value(Key::Path));
            modify(guest, DeviceChange::Add(added))
        }
        Purpose::ModifyDevice { guest, device } => {
            let path = form.value(Key::Path);
            if path == store_text(device) {
                return None;
            }
            modify(guest, DeviceChange::Modify(with_store(device, path)))
        }
        Purpose::Insert { guest, drive } => {
            modify(guest, DeviceChange::Modify(with_store(drive, form.value(Key::Path))))
        }
        Purpose::AddEntry => ClientToVsp::Devices(DeviceRequest::Add {
            kind: form.value(Key::Kind).parse().ok()?,
            name: text(Key::Name),
            attributes: match form.value(Key::Share) {
                "yes" => vec![("SHARE".to_owned(), "YES".to_owned())],
                _ => Vec::new(),
            },
        }),
        Purpose::EditEntry { kind, name } => ClientToVsp::Devices(DeviceRequest::SetAttribute {
            kind: *kind,
            name: name.clone(),
            attribute: text(Key::Attribute),
            value: text(Key::Value),
        }),
        Purpose::Replace { old } => {
            let aliases = form.value(Key::Aliases).split(',').map(str::trim).filter(|name| !name.is_empty());
            let new = std::iter::once(form.value(Key::Path)).chain(aliases).map(str::to_owned).collect();
            ClientToVsp::Devices(DeviceRequest::Replace { old: old.clone(), new })
        }
        Purpose::CreateFile => ClientToVsp::Devices(DeviceRequest::CreateFile {
            path: text(Key::Path),
            size_bytes: parse_size(form.value(Key::Size))?,
        }),
        Purpose::NewLibrary
        | Purpose::NewTape
        | Purpose::NewBurner
        | Purpose::Import { .. }
        | Purpose::InsertDisc { .. } => return hardware::request(form),
    })
}

/// What differs from the texts of these fields.
fn changed_settings(form: &Form, before: &[FixedRow]) -> Vec<Setting> {
    let changed = before.iter().filter(|(key, _, _, text, _)| form.value(*key) != text.trim());
    changed.flat_map(|(key, _, _, text, _)| settings_of(form, *key, text)).collect()
}

/// What a field sets, whose text was `before`.
fn settings_of(form: &Form, key: Key, before: &str) -> Vec<Setting> {
    match key {
        Key::Label | Key::Entitlement | Key::Groups | Key::Users | Key::Keywords => {
            settings::read_change(key, before, form.value(key))
        }
        _ => setting(form, key).into_iter().collect(),
    }
}

fn setting(form: &Form, key: Key) -> Option<Setting> {
    let value = form.value(key);
    let keyword = |keyword: &str| Setting::Keyword { keyword: keyword.to_owned(), value: value.to_owned() };
    Some(match key {
        Key::Name => Setting::Name(value.to_owned()),
        Key::Os => Setting::OsType(value.to_owned()),
        Key::Vcpus => Setting::Vcpus(value.parse().ok()?),
        Key::Memory => Setting::MemoryBytes(parse_memory(value).ok()?),
        Key::Start if value == "auto" => Setting::Start(StartAttribute::Auto),
        Key::Start => Setting::Start(StartAttribute::Manual),
        Key::Kernel => keyword("kernel"),
        Key::Initrd => keyword("initrd"),
        Key::Append => keyword("append"),
        _ => return None,
    })
}

/// A device of a guest on another store.
fn with_store(device: &DeviceDetail, path: &str) -> String {
    let DeviceDetail { adapter, bus, slot, target, device, storage, .. } = device;
    let storage = match storage.as_str() {
        "attach_path" => "attach_path",
        // A volume is replaced by a volume, as far as its name tells.
        "lv" if path.starts_with("/dev/") => "lv",
        _ => storage_of(path),
    };
    format!("{device}:{adapter}:{bus},{slot},{target}:{storage}:{path}")
}

fn statement(device: &str, address: &str, path: &str) -> String {
    let storage = if ATTACHED.contains(&device) { "attach_path" } else { storage_of(path) };
    format!("{device}:avio_stor:{address}:{storage}:{path}")
}

/// A number that is typed; 0 before it is one.
pub(super) fn number(text: &str) -> u32 {
    text.parse().unwrap_or_default()
}

/// HPVM's word for what is behind a path: devices are below `/dev`, a directory is where discs of an empty drive come
/// from, everything else is a file.
fn storage_of(path: &str) -> &'static str {
    match path {
        _ if path.ends_with('/') => "null",
        _ if path.starts_with("/dev/") => "disk",
        _ => "file",
    }
}

/// The drive without its disc: the next one comes from the same drive, or the same directory (hpvm.md 6.7).
pub(crate) fn emptied(drive: &DeviceDetail) -> String {
    let DeviceDetail { adapter, bus, slot, target, device, location, .. } = drive;
    let place = match drive.storage.as_str() {
        "file" => {
            location.rsplit_once('/').map(|(directory, _)| directory).filter(|d| !d.is_empty()).unwrap_or("/")
        }
        _ => location,
    };
    format!("{device}:{adapter}:{bus},{slot},{target}:null:{place}")
}

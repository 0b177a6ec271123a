//! The command line that does the same as a request: shown before and after every action, so that what is done here can
//! be done again in a script.

use ipc::device::{DeviceRequest, HostUse};
use ipc::io::{CartridgeAction, EmulatedPlan, IoRequest};
use ipc::message::{
    ClientToVsp, CloneGuest, DeviceChange, Grant, GuestRef, Manner, Rights, Setting, StartAttribute, StopMode,
};

/// The command that does what `request` asks for; nothing for what no command does.
pub(crate) fn line(request: &ClientToVsp) -> Option<String> {
    let words = match request {
        ClientToVsp::CreateGuest { name, settings, devices, manner } => {
            let mut words = vec!["hpvmcreate".to_owned(), "-P".to_owned(), name.clone()];
            settings.iter().for_each(|setting| push_setting(setting, &mut words));
            devices.iter().for_each(|device| push("-a", device, &mut words));
            push_manner(*manner, &mut words);
            words
        }
        ClientToVsp::ModifyGuest { guest, settings, devices, manner } => {
            let mut words = for_guest("hpvmmodify", guest);
            settings.iter().for_each(|setting| push_setting(setting, &mut words));
            devices.iter().for_each(|change| push_change(change, &mut words));
            push_manner(*manner, &mut words);
            words
        }
        ClientToVsp::CloneGuest(clone) => {
            let CloneGuest { guest, name, settings, devices, copies, manner } = &**clone;
            let mut words = for_guest("hpvmclone", guest);
            push("-N", name, &mut words);
            settings.iter().for_each(|setting| push_setting(setting, &mut words));
            devices.iter().for_each(|change| push_change(change, &mut words));
            copies.iter().for_each(|copy| push("-b", copy, &mut words));
            push_manner(*manner, &mut words);
            words
        }
        ClientToVsp::RemoveGuest(guest) => with(for_guest("hpvmremove", guest), "-F"),
        ClientToVsp::StartGuest { guest, manner } => {
            let mut words = for_guest("hpvmstart", guest);
            push_manner(*manner, &mut words);
            words
        }
        ClientToVsp::StopGuest { guest, mode } => with(with(for_guest("hpvmstop", guest), way(*mode)), "-F"),
        ClientToVsp::ResetGuest(guest) => with(for_guest("hpvmreset", guest), "-F"),
        ClientToVsp::VspShutdown => ["hpvm", "vsp", "stop"].map(str::to_owned).to_vec(),
        ClientToVsp::VspLeave => ["hpvm", "vsp", "stop", "--leave-guests"].map(str::to_owned).to_vec(),
        ClientToVsp::Devices(request) => devmgmt(request)?,
        ClientToVsp::Io(request) => hardware(request)?,
        _ => return None,
    };
    Some(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// The command that stops all guests.
pub(crate) fn stop_all(mode: StopMode) -> String {
    format!("hpvmstop -a {} -F", way(mode))
}

fn way(mode: StopMode) -> &'static str {
    match mode {
        StopMode::Graceful => "-g",
        StopMode::Hard => "-h",
    }
}

fn for_guest(command: &str, guest: &GuestRef) -> Vec<String> {
    let option = match guest {
        GuestRef::Name(_) => "-P",
        GuestRef::Number(_) => "-p",
    };
    vec![command.to_owned(), option.to_owned(), guest.to_string()]
}

fn with(mut words: Vec<String>, word: &str) -> Vec<String> {
    words.push(word.to_owned());
    words
}

fn push(option: &str, value: &str, words: &mut Vec<String>) {
    words.extend([option.to_owned(), value.to_owned()]);
}

fn push_manner(manner: Manner, words: &mut Vec<String>) {
    match manner {
        Manner::Normal => {}
        Manner::CheckOnly => words.push("-s".to_owned()),
        Manner::Forced => words.push("-F".to_owned()),
    }
}

fn push_change(change: &DeviceChange, words: &mut Vec<String>) {
    match change {
        DeviceChange::Add(statement) => push("-a", statement, words),
        DeviceChange::Delete(statement) => push("-d", statement, words),
        DeviceChange::Modify(statement) => push("-m", statement, words),
    }
}

fn push_setting(setting: &Setting, words: &mut Vec<String>) {
    match setting {
        Setting::Name(name) => push("-N", name, words),
        Setting::OsType(os_type) => push("-O", os_type, words),
        Setting::Vcpus(count) => push("-c", &count.to_string(), words),
        Setting::MemoryBytes(bytes) => push("-r", &memory(*bytes), words),
        Setting::Label(label) => push("-l", label, words),
        Setting::Start(StartAttribute::Auto) => push("-B", "auto", words),
        Setting::Start(StartAttribute::Manual) => push("-B", "manual", words),
        Setting::Entitlement { percent, max_percent } => {
            push("-e", &format!("{percent}:{max_percent}"), words);
        }
        Setting::Group(grant) => push("-g", &granted(grant), words),
        Setting::User(grant) => push("-u", &granted(grant), words),
        Setting::Keyword { keyword, value } => push("-x", &format!("{keyword}={value}"), words),
    }
}

fn granted(grant: &Grant) -> String {
    match grant.rights {
        Some(Rights::Admin) => format!("{}:admin", grant.name),
        Some(Rights::Oper) => format!("{}:oper", grant.name),
        None => format!("-{}", grant.name),
    }
}

fn memory(bytes: u64) -> String {
    let (number, unit) = crate::view::format::memory_parts(bytes);
    format!("{number}{}", &unit[..1])
}

fn devmgmt(request: &DeviceRequest) -> Option<Vec<String>> {
    let attribute = |attribute: &(String, String)| format!(":attr:{}={}", attribute.0, attribute.1);
    let (option, value) = match request {
        DeviceRequest::Add { kind, name, attributes } => {
            // The command takes one; more are set one after the other.
            let attribute = attributes.first().map(attribute).unwrap_or_default();
            ("-a", format!("{}:{name}{attribute}", kind.word()))
        }
        DeviceRequest::Delete { kind, name } => ("-d", format!("{}:{name}", kind.word())),
        DeviceRequest::DeleteAlias { name } => ("-d", format!("gdev_alias:{name}")),
        DeviceRequest::DeleteDependent { name, dependent } => {
            ("-d", format!("gdev:{}:depend:{dependent}", name.as_deref().unwrap_or("all")))
        }
        DeviceRequest::DeleteAttribute { kind, name, attribute } => {
            ("-d", format!("{}:{name}:attr:{attribute}", kind.word()))
        }
        DeviceRequest::SetAttribute { kind, name, attribute, value } => {
            ("-m", format!("{}:{name}:attr:{attribute}={value}", kind.word()))
        }
        DeviceRequest::Replace { old, new } => ("-n", format!("gdev:{old}:{}", new.join(","))),
        DeviceRequest::Reidentify => return Some(vec!["hpvmdevmgmt".to_owned(), "-I".to_owned()]),
        DeviceRequest::CreateFile { path, size_bytes } => {
            let words = ["hpvmdevmgmt", "-S", &size_bytes.to_string(), path];
            return Some(words.map(str::to_owned).to_vec());
        }
        DeviceRequest::HostUse(wanted) => {
            let option = match wanted {
                HostUse::Restrict => "-u",
                HostUse::Release => "-d",
                HostUse::Restore => "-r",
                HostUse::AtStart(true) => "-E",
                HostUse::AtStart(false) => "-D",
            };
            return Some(["hpvmhostrdev", option].map(str::to_owned).to_vec());
        }
        DeviceRequest::Repair => return Some(vec!["hpvmdevmgmt".to_owned(), "-r".to_owned()]),
        DeviceRequest::List { .. } => return None,
    };
    Some(vec!["hpvmdevmgmt".to_owned(), option.to_owned(), value])
}

fn hardware(request: &IoRequest) -> Option<Vec<String>> {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let words = match request {
        IoRequest::List { scan: true } => own(&["ioscan"]),
        IoRequest::List { scan: false } => own(&["ioscan", "-k"]),
        IoRequest::Describe { name } => own(&["diskinfo", "-v", name]),
        IoRequest::Hold { name } => own(&["hpvm", "hold", name]),
        IoRequest::Release { name } => own(&["hpvm", "hold", "-r", name]),
        IoRequest::Create { path, plan } => {
            let capacity = |capacity: &u64| storage::size::print(*capacity);
            match plan {
                EmulatedPlan::Library { drives, slots, ports, cartridges, capacity: bytes } => {
                    let mut words = own(&["hpvm", "library", "create", path]);
                    for (option, value) in [
                        ("--drives", drives.to_string()),
                        ("--slots", slots.to_string()),
                        ("--ports", ports.to_string()),
                        ("--cartridges", cartridges.to_string()),
                        ("--capacity", capacity(bytes)),
                    ] {
                        push(option, &value, &mut words);
                    }
                    words
                }
                EmulatedPlan::Tape { capacity: bytes } => {
                    own(&["hpvm", "tape", "create", path, "--capacity", &capacity(bytes)])
                }
                EmulatedPlan::Burner => own(&["hpvm", "burner", "create", path]),
            }
        }
        IoRequest::Remove { name } => own(&["hpvm", emulated_kind(name), "remove", name]),
        IoRequest::ListEmulated => return None,
        IoRequest::Cartridge { name, action } => match action {
            CartridgeAction::Import { barcode, capacity } => {
                let capacity = storage::size::print(*capacity);
                own(&["hpvm", "library", "import", name, barcode, "--capacity", &capacity])
            }
            CartridgeAction::Export { barcode } => own(&["hpvm", "library", "export", name, barcode]),
            CartridgeAction::Move { barcode, to } => {
                own(&["hpvm", "library", "move", name, barcode, &to.replace(' ', "")])
            }
            CartridgeAction::Insert { name: disc, kind } => {
                let mut words = own(&["hpvm", "burner", "insert", name, disc]);
                kind.iter().for_each(|kind| push("--kind", kind, &mut words));
                words
            }
            CartridgeAction::Eject { force } => {
                let words = own(&["hpvm", "burner", "eject", name]);
                if *force { with(words, "--force") } else { words }
            }
        },
    };
    Some(words)
}

/// Which command takes an emulated device away, by the name it is given.
fn emulated_kind(name: &str) -> &'static str {
    match name {
        _ if name.starts_with("/dev/rtape/") || name.ends_with(".tap") => "tape",
        _ if name.starts_with("/dev/disk/") || name.starts_with("/dev/rdisk/") => "burner",
        _ => "library",
    }
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::device::DeviceKind;

    fn demo() -> GuestRef {
        GuestRef::Name("demo".to_owned())
    }

    /// One of every request that the console makes.
    fn requests() -> Vec<ClientToVsp> {
        let keyword = Setting::Keyword { keyword: "append".into(), value: "it's root=/dev/sda quiet".into() };
        let own = str::to_owned;
        let settings = vec![
            Setting::OsType("linux".into()),
            Setting::Vcpus(4),
            Setting::MemoryBytes(2 << 30),
            Setting::Label("a label".into()),
            Setting::Start(StartAttribute::Manual),
            Setting::Entitlement { percent: 10, max_percent: 50 },
            Setting::Group(Grant { name: "ops".into(), rights: Some(Rights::Oper) }),
            keyword,
        ];
        let gdev = DeviceKind::Gdev;
        let devices = [
            DeviceRequest::Add { kind: gdev, name: own("/d"), attributes: vec![(own("SHARE"), own("YES"))] },
            DeviceRequest::Delete { kind: DeviceKind::Rdev, name: own("/d") },
            DeviceRequest::SetAttribute {
                kind: gdev,
                name: own("/d"),
                attribute: own("SHARE"),
                value: own("NO"),
            },
            DeviceRequest::Replace { old: own("/a"), new: vec![own("/b")] },
            DeviceRequest::CreateFile { path: own("/f"), size_bytes: 1 << 30 },
            DeviceRequest::Reidentify,
            DeviceRequest::Repair,
            DeviceRequest::DeleteAlias { name: own("/a") },
            DeviceRequest::DeleteDependent { name: Some(own("/d")), dependent: own("gone") },
            DeviceRequest::DeleteAttribute { kind: gdev, name: own("/d"), attribute: own("SHARE") },
        ];
        let statement = own("disk:avio_stor:0,1,2:file:/with blank");
        let changes = vec![DeviceChange::Add(statement.clone()), DeviceChange::Modify(statement.clone())];
        let mut all = vec![
            ClientToVsp::CreateGuest {
                name: own("lin1"),
                settings: settings.clone(),
                devices: vec![statement],
                manner: Manner::Forced,
            },
            ClientToVsp::ModifyGuest {
                guest: demo(),
                settings: [settings.clone(), vec![Setting::Name(own("new"))]].concat(),
                devices: changes.clone(),
                manner: Manner::Normal,
            },
            ClientToVsp::CloneGuest(Box::new(CloneGuest {
                guest: GuestRef::Number(3),
                name: own("copy"),
                settings,
                devices: changes,
                copies: vec![own("disk:avio_stor:0,1,2:file:/copy")],
                manner: Manner::Normal,
            })),
            ClientToVsp::RemoveGuest(demo()),
            ClientToVsp::StartGuest { guest: demo(), manner: Manner::Normal },
            ClientToVsp::StopGuest { guest: demo(), mode: StopMode::Graceful },
            ClientToVsp::StopGuest { guest: demo(), mode: StopMode::Hard },
            ClientToVsp::ResetGuest(demo()),
        ];
        all.extend(devices.map(ClientToVsp::Devices));
        all.extend([ClientToVsp::VspShutdown, ClientToVsp::VspLeave]);
        let host_use = [HostUse::Restrict, HostUse::Release, HostUse::Restore, HostUse::AtStart(true)];
        all.extend(host_use.map(|wanted| ClientToVsp::Devices(DeviceRequest::HostUse(wanted))));
        let tapes = || own("/tapes");
        let library =
            EmulatedPlan::Library { drives: 2, slots: 8, ports: 1, cartridges: 4, capacity: 1536 << 20 };
        let cartridge = |action| IoRequest::Cartridge { name: own("/tapes"), action };
        let kit = || own("KIT001");
        let hardware = [
            IoRequest::List { scan: true },
            IoRequest::Describe { name: own("/dev/disk/disk7") },
            IoRequest::Hold { name: own("/dev/rtape/tape1_BEST") },
            IoRequest::Release { name: own("/dev/rtape/tape1_BEST") },
            IoRequest::Create { path: tapes(), plan: library },
            IoRequest::Create { path: own("/t.tap"), plan: EmulatedPlan::Tape { capacity: 1000 } },
            IoRequest::Create { path: own("/discs"), plan: EmulatedPlan::Burner },
            IoRequest::Remove { name: own("/dev/rchgr/autoch1") },
            IoRequest::Remove { name: own("/dev/rdisk/disk5") },
            cartridge(CartridgeAction::Import { barcode: kit(), capacity: 4 << 30 }),
            cartridge(CartridgeAction::Export { barcode: kit() }),
            cartridge(CartridgeAction::Move { barcode: kit(), to: own("drive 1") }),
            cartridge(CartridgeAction::Insert { name: own("backup1"), kind: Some(own("DVD+R")) }),
            cartridge(CartridgeAction::Eject { force: true }),
        ];
        all.extend(hardware.map(ClientToVsp::Io));
        all
    }

    /// The words that a shell makes of a line.
    fn words(line: &str) -> Vec<String> {
        let output = std::process::Command::new("sh")
            .args(["-c", &format!("printf '%s\\n' {line}")])
            .output()
            .expect("a shell");
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_line_is_one_that_the_commands_take() {
        for request in requests() {
            let line = line(&request).expect("it has a command");
            assert_eq!(crate::cli::check(&words(&line)), Ok(()), "{line}");
        }
    }

    #[test]
    fn lines_read_as_operators_write_them() {
        let lines: Vec<String> = requests().iter().filter_map(line).collect();
        assert_eq!(
            lines[0],
            "hpvmcreate -P lin1 -O linux -c 4 -r 2G -l 'a label' -B manual -e 10:50 -g ops:oper \
             -x 'append=it'\\''s root=/dev/sda quiet' -a 'disk:avio_stor:0,1,2:file:/with blank' -F"
        );
        assert_eq!(lines[5], "hpvmstop -P demo -g -F");
        assert_eq!(lines[8], "hpvmdevmgmt -a gdev:/d:attr:SHARE=YES");
        let library =
            "hpvm library create /tapes --drives 2 --slots 8 --ports 1 --cartridges 4 --capacity 1536M";
        let moved = "hpvm library move /tapes KIT001 drive1";
        for line in
            [library, moved, "hpvm burner remove /dev/rdisk/disk5", "hpvm tape create /t.tap --capacity 1000"]
        {
            assert!(lines.iter().any(|own| own == line), "{line}");
        }
    }
}

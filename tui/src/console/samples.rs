//! Guests, log records and whole consoles for tests and benchmarks.

#[cfg(test)]
use super::figures::Figures;
use super::figures::HostSample;
#[cfg(test)]
use super::msg::ConsoleEvent;
#[cfg(test)]
use super::msg::Inventory;
use super::msg::{Millis, Msg, VspMsg};
#[cfg(test)]
use super::screens::guest_console::ConsoleId;
use super::settings::Settings;
use super::state::State;
use super::update::update;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
#[cfg(test)]
use ipc::device::{DeviceEntry, DeviceKind};
use ipc::figures::{DeviceFigures, GuestFigures, LATENCY_BOUNDS, Latency};
use ipc::guest::{Stats, VcpuState, VcpuStats};
#[cfg(test)]
use ipc::io::{Emulated, IoDevice, Medium};
#[cfg(test)]
use ipc::log::{Level, LogRecord, LogSource};
#[cfg(test)]
use ipc::message::{ConsoleUser, DeviceDetail, GuestDetail, StartAttribute};
use ipc::message::{GuestState, GuestSummary, VmType, VspStatus};
use jiff::tz::TimeZone;
use uuid::Uuid;

/// 2026-11-23 20:00:00 UTC.
pub(crate) const NOW: Millis = 1_795_464_000_000;

/// A guest that is in `state` for two minutes.
pub(crate) fn guest(number: u32, name: &str, state: GuestState) -> GuestSummary {
    let is_on = state.is_on();
    GuestSummary {
        name: name.to_owned(),
        number,
        uuid: Uuid::from_u128(u128::from(number)),
        os_type: "LINUX".to_owned(),
        vm_type: VmType::Shared,
        state,
        is_visible: true,
        vcpus: 2,
        devices: 1,
        networks: 0,
        memory_bytes: 512 << 20,
        pid: is_on.then_some(4711),
        since_micros: is_on.then_some((NOW - 123_000) * 1000),
        reason: None,
        stats: is_on.then(Stats::default),
    }
}

/// As many guests, the first three of each ten running.
pub(crate) fn guests(count: u32) -> Vec<GuestSummary> {
    let state = |number| if number % 10 < 3 { GuestState::OnOs } else { GuestState::Off };
    (1..=count).map(|number| guest(number, &format!("guest{number:03}"), state(number))).collect()
}

/// A VSP that runs for three hours and a quarter.
pub(crate) fn status() -> Box<VspStatus> {
    Box::new(VspStatus {
        build: "0.1.0".to_owned(),
        pid: 4242,
        root: "/var/opt/hpvm".to_owned(),
        since_micros: (NOW - 11_700_000) * 1000,
        guests: 3,
        running: 1,
        clients: 1,
    })
}

/// A log record of `source`, some seconds ago.
#[cfg(test)]
pub(crate) fn record(source: &str, level: Level, seconds_ago: Millis, message: &str) -> LogRecord {
    LogRecord {
        source: if source == "vsp" { LogSource::Vsp } else { LogSource::Guest(source.to_owned()) },
        time_micros: (NOW - seconds_ago * 1000) * 1000,
        level,
        target: "vsp".to_owned(),
        message: message.to_owned(),
        fields: vec![("pid".to_owned(), "4711".to_owned())],
    }
}

/// A disk and an empty drive.
#[cfg(test)]
fn devices() -> Vec<DeviceDetail> {
    let device = |device: &str, target: u8, storage: &str, location: &str, size_bytes| DeviceDetail {
        device: device.to_owned(),
        adapter: "avio_stor".to_owned(),
        bus: 0,
        slot: 1,
        target,
        storage: storage.to_owned(),
        location: location.to_owned(),
        statement: format!("{device}:avio_stor:0,1,{target}:{storage}:{location}"),
        size_bytes,
    };
    vec![
        device("disk", 0, "file", "/var/tmp/demo.img", Some(10 << 30)),
        device("dvd", 1, "null", "/iso", None),
    ]
}

/// The guest `demo` with an attached tape drive that another one holds, and the devices of the VSP.
#[cfg(test)]
pub(crate) fn attached() -> (GuestDetail, Vec<IoDevice>) {
    let mut guest = detail();
    let location = "0/7/1/1.0x500104f00048b29e.0x0".to_owned();
    guest.devices.push(DeviceDetail {
        device: "tape".to_owned(),
        slot: 4,
        storage: "attach_path".to_owned(),
        statement: format!("tape:avio_stor:0,4,0:attach_path:{location}"),
        location: location.clone(),
        size_bytes: None,
        ..devices().remove(0)
    });
    let drive = IoDevice {
        class: "tape".to_owned(),
        instance: 1,
        lun_path: "64000/0xfa00/0x0".to_owned(),
        driver: "estape".to_owned(),
        is_present: true,
        vendor: "STK".to_owned(),
        product: "T9940B".to_owned(),
        wwid: "naa.500104f00048b29d".to_owned(),
        lunpaths: vec![(21, location)],
        files: vec!["/dev/rtape/tape1_BEST".to_owned()],
        pass_through: "/dev/pt/pt_tape1".to_owned(),
        host_path: None,
        in_use_by: Some("sles01".to_owned()),
        attaches_as: Some("tape".to_owned()),
    };
    (guest, vec![drive])
}

/// The guest `demo` with everything.
#[cfg(test)]
pub(crate) fn detail() -> GuestDetail {
    GuestDetail {
        summary: guest(1, "demo", GuestState::OnOs),
        label: "the first one".to_owned(),
        start: StartAttribute::Auto,
        entitlement_percent: 10,
        entitlement_max_percent: 100,
        groups: Vec::new(),
        users: Vec::new(),
        devices: devices(),
        configured: devices().into_iter().map(|device| device.statement).collect(),
        keywords: vec![("kernel".to_owned(), "/boot/vmlinux.gz".to_owned())],
        pending: vec!["-c 4".to_owned()],
    }
}

/// A device of the VSP, by class, instance and holder.
#[cfg(test)]
fn io_device(class: &str, instance: u32, holder: Option<&str>) -> IoDevice {
    let (attaches_as, files) = match class {
        "autoch" => (Some("changer"), vec![format!("/dev/rchgr/autoch{instance}")]),
        "tape" => {
            (Some("tape"), ["", "nb"].map(|end| format!("/dev/rtape/tape{instance}_BEST{end}")).to_vec())
        }
        _ => (None, ["disk", "rdisk"].map(|kind| format!("/dev/{kind}/disk{instance}")).to_vec()),
    };
    IoDevice {
        class: class.to_owned(),
        instance,
        lun_path: format!("64000/0xfa00/{class}{instance}"),
        driver: format!("es{class}"),
        is_present: true,
        vendor: "KITTSON".to_owned(),
        product: "Virtual Library".to_owned(),
        wwid: format!("naa.500104f00048b29{instance}"),
        lunpaths: vec![(21, format!("255/0/0.{class}{instance}.0x0"))],
        files,
        pass_through: format!("/dev/pt/pt_{class}{instance}"),
        host_path: None,
        in_use_by: holder.map(str::to_owned),
        attaches_as: attaches_as.map(str::to_owned),
    }
}

/// A library with two drives, a burner with a disc, a tape and a disk of the host.
#[cfg(test)]
fn hardware() -> (Vec<IoDevice>, Vec<Emulated>) {
    let burner = IoDevice { attaches_as: Some("burner".to_owned()), ..io_device("disk", 5, Some("VSP")) };
    let of_host = IoDevice { host_path: Some("/dev/nst0".to_owned()), ..io_device("tape", 0, None) };
    let devices = vec![
        io_device("autoch", 1, None),
        io_device("disk", 1, None),
        burner,
        of_host,
        io_device("tape", 1, Some("sles01")),
        io_device("tape", 2, None),
    ];
    let medium = |name: &str, place: &str, write_protected| Medium {
        name: name.to_owned(),
        place: place.to_owned(),
        capacity: 1 << 30,
        write_protected,
    };
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let library = Emulated {
        kind: "library".to_owned(),
        path: "/tapes".to_owned(),
        files: own(&["/dev/rchgr/autoch1", "/dev/rtape/tape1_BESTnb", "/dev/rtape/tape2_BESTnb"]),
        fault: None,
        media: vec![
            medium("KIT001", "drive 1", false),
            medium("KIT002", "slot 2", true),
            medium("KIT003", "port 1", false),
        ],
        places: own(&["drive 1", "drive 2", "slot 1", "slot 2", "port 1"]),
    };
    let burner = Emulated {
        kind: "burner".to_owned(),
        path: "/discs".to_owned(),
        files: own(&["/dev/rdisk/disk5"]),
        fault: None,
        media: vec![medium("backup1", "drive", false)],
        places: Vec::new(),
    };
    (devices, vec![library, burner])
}

/// Three entries, one of them with a guest.
#[cfg(test)]
pub(crate) fn inventory() -> Inventory {
    let entry = |kind, name: &str, attributes: &[(&str, &str)], dependents: &[&str]| DeviceEntry {
        kind,
        names: vec![name.to_owned()],
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        dependents: dependents.iter().map(|guest| (*guest).to_owned()).collect(),
        id: "0000-0000-0000-fe01-0000-0000-0000-0042".to_owned(),
    };
    let there = [("CONFIG", "gdev"), ("EXIST", "YES"), ("DEVTYPE", "FILE"), ("SHARE", "NO")];
    let shared = [("CONFIG", "gdev"), ("EXIST", "YES"), ("DEVTYPE", "DIR"), ("SHARE", "YES")];
    let gone = [("CONFIG", "rdev"), ("EXIST", "NO"), ("DEVTYPE", "UNKNOWN"), ("SHARE", "NO")];
    let (devices, emulated) = hardware();
    let mut guest = detail();
    guest.devices.push(DeviceDetail {
        device: "tape".to_owned(),
        slot: 4,
        storage: "attach_path".to_owned(),
        location: devices[4].lunpaths[0].1.clone(),
        size_bytes: None,
        ..self::devices().remove(0)
    });
    Inventory {
        devices,
        emulated,
        entries: vec![
            entry(DeviceKind::Gdev, "/var/tmp/demo.img", &there, &["demo"]),
            entry(DeviceKind::Gdev, "/iso", &shared, &["demo"]),
            entry(DeviceKind::Rdev, "/dev/sda", &gone, &[]),
        ],
        guests: vec![guest],
    }
}

/// Figures of a guest that has run for so many seconds at this share of a processor, with its disk.
fn guest_figures(name: &str, number: u32, seconds: u64, percent: u64) -> GuestFigures {
    let requests = seconds * percent + seconds / 3 * 10;
    let mut counts = vec![0; LATENCY_BOUNDS.len() + 1];
    (counts[3], counts[7]) = (requests - requests / 20, requests / 20);
    let device = DeviceFigures {
        slot: 1,
        reads: requests,
        read_bytes: requests * 16_384,
        latency: Latency { counts, sum_micros: requests * 180, max_micros: 2100 },
        ..DeviceFigures::default()
    };
    GuestFigures {
        name: name.to_owned(),
        number,
        machine: Some(Stats {
            cpu_micros: seconds * percent * 10_000,
            instructions: seconds * percent * 3_000_000,
            vcpus: vec![
                VcpuStats {
                    state: VcpuState::Running,
                    instructions: seconds * percent * 2_000_000,
                    cpu_micros: seconds * percent * 7_000,
                    idle_micros: 0,
                },
                VcpuStats {
                    state: VcpuState::Halted,
                    instructions: seconds * percent * 1_000_000,
                    cpu_micros: seconds * percent * 3_000,
                    idle_micros: 0,
                },
            ],
            ..Stats::default()
        }),
        devices: vec![device],
    }
}

/// Figures of guests at these shares of a processor.
#[cfg(test)]
pub(crate) fn figures_of(guests: &[(&str, u64)]) -> Figures {
    let mut figures = Figures::default();
    for seconds in [10, 11] {
        let all = guests.iter().map(|(name, percent)| guest_figures(name, 1, seconds, *percent));
        figures.take(NOW + seconds as Millis * 1000, all.collect());
    }
    figures
}

/// Figures of three guests that have run for so many seconds.
#[cfg(test)]
pub(crate) fn figures_at(seconds: u64) -> Vec<GuestFigures> {
    ["demo", "g1", "g2"].into_iter().zip(1..).map(|(name, n)| guest_figures(name, n, seconds, 50)).collect()
}

/// Figures of all running guests over so many seconds.
pub(crate) fn run_for(state: &mut State, seconds: u64) {
    let running: Vec<(String, u32)> = state
        .guests
        .all()
        .iter()
        .filter(|guest| guest.state.is_on())
        .map(|guest| (guest.name.clone(), guest.number))
        .collect();
    for second in 1..=seconds {
        let of = |(name, number): &(String, u32)| {
            guest_figures(name, *number, second, u64::from(*number % 5) * 20 + 52)
        };
        let at = NOW - (seconds - second) as Millis * 1000;
        update(state, Msg::Vsp(VspMsg::Figures { at, guests: running.iter().map(of).collect() }));
    }
}

/// A host half busy, and some of its memory used.
pub(crate) fn host(ticks: u64) -> HostSample {
    HostSample { cpu: Some((ticks, ticks * 2)), memory: Some((3 << 30, 8 << 30)) }
}

/// A console before its first connection.
pub(crate) fn unconnected(size: (u16, u16)) -> State {
    let mut state = State::new(size, NOW, TimeZone::UTC, Settings::default());
    for ticks in [100, 200] {
        update(&mut state, Msg::Tick { now: NOW, host: host(ticks) });
    }
    state
}

/// A console on a VSP with these guests.
pub(crate) fn connected(size: (u16, u16), guests: Vec<GuestSummary>) -> State {
    let mut state = unconnected(size);
    update(&mut state, Msg::Vsp(VspMsg::Up(status())));
    update(&mut state, Msg::Vsp(VspMsg::Guests(guests)));
    state.note_drawn();
    state
}

/// A console on a VSP with three guests, one running and selected, its console and the log filled.
#[cfg(test)]
pub(crate) fn busy(size: (u16, u16)) -> State {
    let mut off = guest(3, "oracle-test", GuestState::Off);
    off.reason = Some("switched off by its operating system".to_owned());
    off.memory_bytes = 16 << 30;
    off.os_type = "HPUX".to_owned();
    let running = guest(1, "demo", GuestState::OnOs);
    let mut state = connected(size, vec![running, guest(2, "sles01", GuestState::Starting), off]);
    run_for(&mut state, 40);
    output(&mut state, b"Linux version 6.6.144 (ia64-unknown-linux-gnu-gcc) #1 SMP\r\n");
    output(&mut state, b"\x1b[32mguest ready\x1b[0m\r\n/ # ");
    for (source, level, ago, message) in [
        ("vsp", Level::Info, 11_699, "VSP ready"),
        ("vsp", Level::Info, 125, "guest started"),
        ("demo", Level::Info, 123, "firmware hands over"),
        ("demo", Level::Debug, 122, "PCI configuration write"),
        ("demo", Level::Warn, 60, "unimplemented SAL procedure, the guest was told so"),
        ("vsp", Level::Error, 5, "backing store cannot be opened: No such file or directory (os error 2)"),
    ] {
        log(&mut state, record(source, level, ago, message));
    }
    state
}

/// Two at the console of a guest.
#[cfg(test)]
pub(crate) fn console_users() -> Vec<ConsoleUser> {
    let user = |number, user: &str, writes| ConsoleUser {
        number,
        user: user.to_owned(),
        pid: 4700 + number as i32,
        since_micros: (NOW - 600_000) * 1000,
        writes,
    };
    vec![user(3, "root", true), user(7, "operator", false)]
}

/// The answers to what the guest and the storage screen ask.
#[cfg(test)]
pub(crate) fn answer_questions(state: &mut State) {
    update(state, Msg::Vsp(VspMsg::ConsoleUsers { name: "demo".to_owned(), users: console_users() }));
    let result = Ok(Box::new(detail()));
    update(state, Msg::Vsp(VspMsg::Detail { name: "demo".to_owned(), result }));
    update(state, Msg::Vsp(VspMsg::Inventory(Ok(inventory()))));
    state.note_drawn();
}

/// The connection to the VSP is lost, and the operator sees it.
#[cfg(test)]
pub(crate) fn lose_vsp(state: &mut State) {
    let reason = "the other side closed the connection".to_owned();
    update(state, Msg::Vsp(VspMsg::Down { reason, is_absent: false }));
    state.note_drawn();
}

/// The opening of the console that is shown.
#[cfg(test)]
pub(crate) fn console_id(state: &State) -> ConsoleId {
    state.console().expect("a console is open").id
}

/// The shown guest prints; on a screen too small for any console nobody listens.
#[cfg(test)]
pub(crate) fn output(state: &mut State, bytes: &[u8]) {
    let Some(id) = state.console().map(|console| console.id) else { return };
    update(state, Msg::Vsp(VspMsg::Console { id, event: ConsoleEvent::Output(bytes.to_vec()) }));
}

/// A log record arrives.
#[cfg(test)]
pub(crate) fn log(state: &mut State, record: LogRecord) {
    update(state, Msg::Vsp(VspMsg::Log(Box::new(record))));
}

/// A key without modifiers.
pub(crate) fn key(code: KeyCode) -> Msg {
    Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// A character held with Ctrl.
#[cfg(test)]
pub(crate) fn ctrl(character: char) -> Msg {
    Msg::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL))
}

/// Types every character of `text`.
#[cfg(test)]
pub(crate) fn type_text(state: &mut State, text: &str) {
    for character in text.chars() {
        update(state, key(KeyCode::Char(character)));
    }
}

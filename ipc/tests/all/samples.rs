//! One example of every variant of every message, with a name each.

use std::fmt::Debug;

use ipc::device::{DeviceEntry, DeviceFilter, DeviceKind, DeviceRequest};
use ipc::figures::{DeviceFigures, GuestFigures, Latency};
use ipc::guest::{
    AdapterStart, ExitReason, GuestStart, GuestToVsp, Phase, Stats, VcpuState, VcpuStats, VspToGuest,
};
use ipc::io::{
    CartridgeAction, Description, Emulated, EmulatedPlan, IoAnswer, IoDevice, IoRequest, Medium, OpenFailure,
};
use ipc::log::{Level, LogPosition, LogRecord, LogSource};
use ipc::message::*;
use ipc::software::{Bundle, Catalog, Fileset, PatchState, Product, Session, SoftwareHost, SoftwareRequest};
use uuid::Uuid;

const POSITION: LogPosition = LogPosition { file: 9_437_201, offset: 65_536 };

pub(crate) type Named<T> = Vec<(String, T)>;

/// Names each message by the start of its debug text, made unique.
fn named<T: Debug>(messages: Vec<T>) -> Named<T> {
    let name = |(n, m): (usize, T)| {
        let text = format!("{m:?}");
        let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
        (format!("{n:02}-{}", &text[..end]), m)
    };
    messages.into_iter().enumerate().map(name).collect()
}

fn demo() -> GuestRef {
    GuestRef::Name("demo".into())
}

fn stats() -> Stats {
    Stats {
        instructions: 1 << 40,
        cpu_micros: 7,
        idle_micros: 300,
        console_bytes: 70_000,
        interruptions: 251,
        vcpus: vec![
            VcpuStats { state: VcpuState::Running, instructions: 1 << 39, cpu_micros: 4, idle_micros: 0 },
            VcpuStats { state: VcpuState::Waiting, instructions: 0, cpu_micros: 0, idle_micros: 251 },
        ],
    }
}

fn summary() -> GuestSummary {
    GuestSummary {
        name: "demo".into(),
        number: 1,
        uuid: Uuid::from_u128(0x24a7bfa4_b1b2_11e2_8400_b499ba6430e0),
        os_type: "UNKNOWN".into(),
        vm_type: VmType::Vpar,
        state: GuestState::OnOs,
        is_visible: true,
        vcpus: 2,
        devices: 1,
        networks: 0,
        memory_bytes: 256 << 20,
        pid: Some(4711),
        since_micros: Some(1_795_462_264_000_000),
        reason: None,
        stats: Some(stats()),
    }
}

fn remark(severity: Option<Severity>, guest: Option<&str>) -> Remark {
    Remark { severity, guest: guest.map(Into::into), text: "Guest is already running.".into() }
}

pub(crate) fn client_to_vsp() -> Named<ClientToVsp> {
    let settings = vec![
        Setting::Name("next".into()),
        Setting::OsType("linux".into()),
        Setting::Vcpus(4),
        Setting::MemoryBytes(1 << 30),
        Setting::Label("Virtual Machine number One".into()),
        Setting::Start(StartAttribute::Auto),
        Setting::Start(StartAttribute::Manual),
        Setting::Entitlement { percent: 10, max_percent: 100 },
        Setting::Group(Grant { name: "ops".into(), rights: Some(Rights::Oper) }),
        Setting::User(Grant { name: "compass1".into(), rights: Some(Rights::Admin) }),
        Setting::User(Grant { name: "compass2".into(), rights: None }),
        Setting::Keyword { keyword: "kernel".into(), value: "/boot/vmlinux.gz".into() },
    ];
    let mut all = vec![
        ClientToVsp::ListGuests,
        ClientToVsp::GuestDetail(demo()),
        ClientToVsp::CreateGuest {
            name: "demo".into(),
            settings,
            devices: vec!["disk:avio_stor::file:/tmp/d".into()],
            manner: Manner::CheckOnly,
        },
        ClientToVsp::ModifyGuest {
            guest: GuestRef::Number(300),
            settings: vec![],
            devices: vec![
                DeviceChange::Add("a".into()),
                DeviceChange::Delete("d".into()),
                DeviceChange::Modify("m".into()),
            ],
            manner: Manner::Normal,
        },
        ClientToVsp::RemoveGuest(demo()),
        ClientToVsp::StartGuest { guest: demo(), manner: Manner::Normal },
        ClientToVsp::StopGuest { guest: demo(), mode: StopMode::Graceful },
        ClientToVsp::StopGuest { guest: demo(), mode: StopMode::Hard },
        ClientToVsp::ResetGuest(demo()),
        ClientToVsp::ListDiscs { guest: demo(), bus: 7, slot: 6, target: 127 },
        ClientToVsp::ChangeDisc {
            guest: demo(),
            bus: 7,
            slot: 6,
            target: 127,
            disc: Some("/isos/one.iso".into()),
        },
        ClientToVsp::AllGuestDetails,
        ClientToVsp::VspStatus,
        ClientToVsp::VspShutdown,
        ClientToVsp::Subscribe(Subscription::Guests),
        ClientToVsp::Subscribe(Subscription::Console { guest: demo(), replay_bytes: 65_536, write: true }),
        ClientToVsp::Subscribe(Subscription::Log(LogQuery {
            source: Some(LogSource::Guest("demo".into())),
            last: Some(50),
            follow: true,
            ..LogQuery::default()
        })),
        ClientToVsp::Subscribe(Subscription::Log(LogQuery {
            consoles: Consoles::Only,
            since_micros: Some(1_795_462_264_000_000),
            pattern: Some("panic".into()),
            after: Some(vec![POSITION]),
            ..LogQuery::default()
        })),
        ClientToVsp::ConsoleInput(b"help\r".to_vec()),
        ClientToVsp::ConsoleTakeAccess,
        ClientToVsp::ConsoleReleaseAccess,
        ClientToVsp::VspLeave,
        ClientToVsp::Figures(None),
        ClientToVsp::Subscribe(Subscription::Figures { interval_millis: 1000 }),
        ClientToVsp::CloneGuest(Box::new(CloneGuest {
            guest: demo(),
            name: "copy".into(),
            settings: vec![],
            devices: vec![],
            copies: vec!["disk:avio_stor:0,0,0:file:/tmp/c".into()],
            manner: Manner::Forced,
        })),
    ];
    let (kind, name) = (DeviceKind::Gdev, || "/tmp/d".to_owned());
    let share = || "SHARE".to_owned();
    let requests = [
        DeviceRequest::List { kind: None, filter: DeviceFilter::All },
        DeviceRequest::List { kind: Some(DeviceKind::Server), filter: DeviceFilter::Name(name()) },
        DeviceRequest::List { kind: Some(DeviceKind::Env), filter: DeviceFilter::Dependent("demo".into()) },
        DeviceRequest::List {
            kind: Some(DeviceKind::Rdev),
            filter: DeviceFilter::Attribute(share(), "NO".into()),
        },
        DeviceRequest::Add { kind, name: name(), attributes: vec![(share(), "YES".into())] },
        DeviceRequest::Delete { kind, name: name() },
        DeviceRequest::DeleteAlias { name: name() },
        DeviceRequest::DeleteDependent { name: Some(name()), dependent: "demo".into() },
        DeviceRequest::DeleteAttribute { kind, name: name(), attribute: share() },
        DeviceRequest::SetAttribute { kind, name: name(), attribute: share(), value: "YES".into() },
        DeviceRequest::Replace { old: name(), new: vec!["/tmp/e".into()] },
        DeviceRequest::Reidentify,
        DeviceRequest::Repair,
        DeviceRequest::CreateFile { path: name(), size_bytes: 4 << 30 },
    ];
    all.extend(requests.map(ClientToVsp::Devices));
    let session = Session {
        user: "root@vsp1".into(),
        preview: false,
        enforce_dependencies: true,
        autoselect: true,
        reinstall: false,
    };
    let selections = vec!["PHKL_38604".to_owned()];
    let requests = [
        SoftwareRequest::List(SoftwareHost::Vsp),
        SoftwareRequest::ListDepot("/depot".into()),
        SoftwareRequest::Missing,
        SoftwareRequest::Install {
            host: SoftwareHost::Vsp,
            depot: "/depot".into(),
            selections: selections.clone(),
            session: session.clone(),
        },
        SoftwareRequest::Remove { host: SoftwareHost::Guest(demo()), selections, session },
    ];
    all.extend(requests.map(ClientToVsp::Software));
    all.push(ClientToVsp::ConsoleUsers(demo()));
    all.push(ClientToVsp::DisconnectUser { guest: demo(), number: 3 });
    let tape = || "/dev/rtape/tape1_BEST".to_owned();
    let library = || "/tapes".to_owned();
    let cartridge = |action| IoRequest::Cartridge { name: library(), action };
    let barcode = || "KIT001".to_owned();
    let requests = [
        IoRequest::List { scan: true },
        IoRequest::Describe { name: tape() },
        IoRequest::Hold { name: tape() },
        IoRequest::Release { name: tape() },
        IoRequest::Create {
            path: library(),
            plan: EmulatedPlan::Library { drives: 2, slots: 8, ports: 1, cartridges: 4, capacity: 1 << 30 },
        },
        IoRequest::Create { path: "/tape".into(), plan: EmulatedPlan::Tape { capacity: 1 << 30 } },
        IoRequest::Create { path: "/discs".into(), plan: EmulatedPlan::Burner },
        IoRequest::Remove { name: library() },
        IoRequest::ListEmulated,
        cartridge(CartridgeAction::Insert { name: "backup1".into(), kind: Some("CD-R".into()) }),
        cartridge(CartridgeAction::Import { barcode: barcode(), capacity: 1 << 30 }),
        cartridge(CartridgeAction::Export { barcode: barcode() }),
        cartridge(CartridgeAction::Eject { force: true }),
        cartridge(CartridgeAction::Move { barcode: barcode(), to: "drive 1".into() }),
    ];
    all.extend(requests.map(ClientToVsp::Io));
    all.push(ClientToVsp::InitGuest(demo()));
    named(all)
}

fn figures() -> GuestFigures {
    let latency = Latency { counts: vec![1, 0, 300], sum_micros: 9000, max_micros: 48 };
    let device =
        DeviceFigures { slot: 1, target: 2, reads: 3, read_bytes: 70_000, latency, ..Default::default() };
    GuestFigures { name: "demo".into(), number: 1, machine: Some(stats()), devices: vec![device] }
}

pub(crate) fn vsp_to_client() -> Named<VspToClient> {
    let device = DeviceDetail {
        device: "disk".into(),
        adapter: "avio_stor".into(),
        bus: 0,
        slot: 1,
        target: 127,
        storage: "file".into(),
        location: "/tmp/d".into(),
        statement: "disk:avio_stor:0,1,127:file:/tmp/d".into(),
        size_bytes: Some(64 << 20),
    };
    let detail = GuestDetail {
        summary: summary(),
        label: "one".into(),
        start: StartAttribute::Auto,
        entitlement_percent: 10,
        entitlement_max_percent: 100,
        groups: vec![],
        users: vec![Grant { name: "compass1".into(), rights: Some(Rights::Admin) }],
        devices: vec![device],
        configured: vec!["disk:avio_stor:0,1,127:file:/tmp/d".into()],
        keywords: vec![("kernel".into(), "/boot/vmlinux.gz".into())],
        pending: vec!["4 virtual processors".into()],
    };
    let status = VspStatus {
        build: "0.1.0".into(),
        pid: 99,
        root: "/var/opt/hpvm".into(),
        since_micros: 1,
        guests: 2,
        running: 1,
        clients: 3,
    };
    let record = LogRecord {
        source: LogSource::Vsp,
        time_micros: 1_795_462_264_000_000,
        level: Level::Warn,
        target: "vsp_proc::supervise".into(),
        message: "guest ended".into(),
        fields: vec![("guest".into(), "demo".into())],
    };
    let refusal = Refusal {
        kind: RefusalKind::State,
        remarks: vec![remark(Some(Severity::Error), Some("demo")), remark(None, None)],
    };
    let acceptance =
        Acceptance { already_done: true, remarks: vec![remark(Some(Severity::Warning), Some("demo"))] };
    let mut all = vec![
        VspToClient::Accepted(acceptance),
        VspToClient::Refused(refusal),
        VspToClient::Progress("Loading boot image".into()),
        VspToClient::Guests(vec![summary()]),
        VspToClient::Guest(Box::new(detail.clone())),
        VspToClient::OneOf(Box::new(detail)),
        VspToClient::Status(status),
        VspToClient::Event(Event::Guests(vec![])),
        VspToClient::Event(Event::Guest(Box::new(summary()))),
        VspToClient::Event(Event::GuestRemoved { name: "demo".into() }),
        VspToClient::Event(Event::Console(b"diag> ".to_vec())),
        VspToClient::Event(Event::ConsoleAccess { write: true }),
        VspToClient::Event(Event::Log { record, end: POSITION }),
        VspToClient::Event(Event::LogPositions(vec![
            (LogSource::Vsp, POSITION),
            (LogSource::Console("demo".into()), POSITION),
        ])),
        VspToClient::Event(Event::ReplayDone),
        VspToClient::Event(Event::Gap { events: 1000 }),
        VspToClient::Figures(vec![figures()]),
        VspToClient::Event(Event::Figures(vec![])),
    ];
    let kinds = [
        RefusalKind::UnknownGuest,
        RefusalKind::Invalid,
        RefusalKind::State,
        RefusalKind::Conflict,
        RefusalKind::Host,
        RefusalKind::Denied,
    ];
    all.extend(kinds.map(|kind| VspToClient::Refused(Refusal { kind, remarks: vec![] })));
    let states = [
        GuestState::Off,
        GuestState::NotRunnable,
        GuestState::Starting,
        GuestState::OnEfi,
        GuestState::OnOs,
        GuestState::Stopping,
        GuestState::Invalid,
    ];
    all.extend(
        states.map(|state| VspToClient::Event(Event::Guest(Box::new(GuestSummary { state, ..summary() })))),
    );
    all.push(VspToClient::Devices(vec![DeviceEntry {
        kind: DeviceKind::Gdev,
        names: vec!["/tmp/d".into()],
        attributes: vec![("SHARE".into(), "NO".into())],
        dependents: vec!["demo".into()],
        id: "0001".into(),
    }]));
    all.push(VspToClient::Copied { done_bytes: 1 << 20, total_bytes: 1 << 30 });
    let fileset = Fileset {
        tag: "CORE2-KRN".into(),
        revision: "1.0".into(),
        title: "part".into(),
        prerequisites: vec!["A.B".into()],
        corequisites: vec![],
        patch_state: PatchState::Superseded,
    };
    let product = Product {
        tag: "PHKL_38604".into(),
        revision: "1.0".into(),
        title: "patch".into(),
        patch: true,
        supersedes: vec!["PHKL_1".into()],
        os_release: "*".into(),
        filesets: vec![fileset],
    };
    let bundle = Bundle {
        tag: "B".into(),
        revision: "1".into(),
        title: "bundle".into(),
        contents: vec!["PHKL_38604".into()],
    };
    all.push(VspToClient::Software(Catalog { products: vec![product], bundles: vec![bundle] }));
    let device = IoDevice {
        class: "tape".into(),
        instance: 1,
        lun_path: "64000/0xfa00/0x0".into(),
        driver: "estape".into(),
        is_present: true,
        vendor: "STK".into(),
        product: "T9940B".into(),
        wwid: "naa.500104f00048b29d".into(),
        lunpaths: vec![(21, "0/7/1/1.0x500104f00048b29e.0x0".into())],
        files: vec!["/dev/rtape/tape1_BEST".into()],
        pass_through: "/dev/pt/pt_tape1".into(),
        host_path: Some("/dev/nst0".into()),
        in_use_by: Some("demo".into()),
        attaches_as: Some("tape".into()),
    };
    let description = Description {
        vendor: "TEAC".into(),
        product: "DW-224E".into(),
        revision: "1.0".into(),
        serial: "17".into(),
        kind: "CD-ROM".into(),
        size: Some((700 << 20, 2048)),
    };
    let emulated = Emulated {
        kind: "library".into(),
        path: "/tapes".into(),
        files: vec!["/dev/rchgr/autoch1".into()],
        fault: Some("Tape library '/tapes' is in use.".into()),
        media: vec![Medium {
            name: "KIT001".into(),
            place: "slot 1".into(),
            capacity: 1 << 30,
            write_protected: true,
        }],
        places: vec!["drive 1".into(), "slot 1".into()],
    };
    let answers = [
        IoAnswer::Devices(vec![device]),
        IoAnswer::Describe(description),
        IoAnswer::CannotOpen(OpenFailure::NotFound),
        IoAnswer::CannotOpen(OpenFailure::Busy),
        IoAnswer::CannotOpen(OpenFailure::NoDevice),
        IoAnswer::CannotOpen(OpenFailure::NotADevice),
        IoAnswer::Emulated(vec![emulated]),
    ];
    all.extend(answers.map(VspToClient::Io));
    all.push(VspToClient::Discs(vec!["/isos/one.iso".into()]));
    let problem = remark(Some(Severity::Problem), Some("demo"));
    all.push(VspToClient::Accepted(Acceptance { already_done: false, remarks: vec![problem] }));
    all.push(VspToClient::ConsoleUsers(vec![ConsoleUser {
        number: 3,
        user: "anna".into(),
        pid: 4711,
        since_micros: 1_764_200_000_000_000,
        writes: true,
    }]));
    named(all)
}

pub(crate) fn start() -> GuestStart {
    GuestStart {
        name: "demo".into(),
        number: 1,
        uuid: Uuid::from_u128(0x24a7bfa4_b1b2_11e2_8400_b499ba6430e0),
        memory_bytes: 512 << 20,
        vcpus: 2,
        append: "console=ttyS0".into(),
        has_initrd: true,
        adapters: vec![AdapterStart { bus: 0, slot: 1, request_queues: 2 }],
    }
}

pub(crate) fn vsp_to_guest() -> Named<VspToGuest> {
    named(vec![
        VspToGuest::Start(Box::new(start())),
        VspToGuest::ConsoleInput(b"\r".to_vec()),
        VspToGuest::PowerButton,
        VspToGuest::Reset,
        VspToGuest::Stop,
        VspToGuest::Attach { console_from: 1_000_000 },
        VspToGuest::Adapter { bus: 0, slot: 7 },
        VspToGuest::Init,
    ])
}

pub(crate) fn guest_to_vsp() -> Named<GuestToVsp> {
    named(vec![
        GuestToVsp::Started,
        GuestToVsp::State(Phase::Firmware),
        GuestToVsp::State(Phase::Os),
        GuestToVsp::ConsoleOutput(b"guest# ".to_vec()),
        GuestToVsp::Stats(stats()),
        GuestToVsp::Exiting(ExitReason::PowerOff),
        GuestToVsp::Exiting(ExitReason::Reset),
        GuestToVsp::Exiting(ExitReason::Stopped),
        GuestToVsp::Exiting(ExitReason::Fatal("endless fault at 0x4000".into())),
        GuestToVsp::Exiting(ExitReason::Failed("not a kernel".into())),
        GuestToVsp::ConsoleGap { bytes: 70_000 },
        GuestToVsp::AdapterLost { bus: 7, slot: 1 },
    ])
}

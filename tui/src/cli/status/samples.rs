//! A guest for the tests of all forms.

use std::io::{self, Write};

use ipc::guest::{Stats, VcpuState, VcpuStats};
use ipc::message::{
    DeviceDetail, Grant, GuestDetail, GuestState, GuestSummary, Rights, StartAttribute, VmType,
};

/// 2026-11-23 20:00:00 UTC in microseconds.
pub(in crate::cli) const NOW: i64 = 1_795_464_000_000_000;

pub(in crate::cli) fn guest(name: &str, number: u32, os_type: &str, state: GuestState) -> GuestSummary {
    GuestSummary {
        name: name.into(),
        number,
        uuid: uuid::Uuid::from_u128(0x24a7bfa4_b1b2_11e2_8400_b499ba6430e0),
        os_type: os_type.into(),
        vm_type: VmType::Shared,
        state,
        is_visible: true,
        vcpus: 2,
        devices: 1,
        networks: 1,
        memory_bytes: 2 << 30,
        pid: None,
        since_micros: None,
        reason: None,
        stats: None,
    }
}

/// A guest that is off.
pub(in crate::cli) fn detail() -> GuestDetail {
    let device = |device: &str, slot, storage: &str, location: &str, size_bytes| DeviceDetail {
        device: device.into(),
        adapter: "avio_stor".into(),
        bus: 0,
        slot,
        target: 0,
        storage: storage.into(),
        location: location.into(),
        statement: format!("{device}:avio_stor:0,{slot},0:{storage}:{location}"),
        size_bytes,
    };
    GuestDetail {
        summary: GuestSummary { devices: 2, networks: 0, ..guest("ivm1", 8, "HPUX", GuestState::Off) },
        label: "Number <One>".into(),
        start: StartAttribute::Manual,
        entitlement_percent: 10,
        entitlement_max_percent: 100,
        groups: vec![Grant { name: "ops".into(), rights: Some(Rights::Oper) }],
        users: vec![Grant { name: "compass1".into(), rights: Some(Rights::Admin) }],
        devices: vec![
            device("disk", 2, "disk", "/dev/rdisk/disk17", Some(64 << 30)),
            device("tape", 4, "attach_path", "0/7/1/1.0x500104f00048b29e.0x0", None),
        ],
        configured: vec!["disk:avio_stor:0,2,0:disk:/dev/rdisk/disk17".into()],
        keywords: vec![("kernel".into(), "/boot/vmlinux.gz".into())],
        pending: vec![],
    }
}

/// The same, running for a hundred seconds, a quarter of the time of its two processors busy.
pub(in crate::cli) fn running() -> GuestDetail {
    let mut detail = detail();
    detail.summary.state = GuestState::OnOs;
    detail.summary.pid = Some(4711);
    detail.summary.since_micros = Some(NOW - 100_000_000);
    detail.summary.stats = Some(Stats {
        instructions: 4_000_000_000,
        cpu_micros: 50_000_000,
        idle_micros: 150_000_000,
        console_bytes: 5000,
        interruptions: 99,
        vcpus: vec![
            VcpuStats {
                state: VcpuState::Running,
                instructions: 3_000_000_000,
                cpu_micros: 40_000_000,
                idle_micros: 60_000_000,
            },
            VcpuStats {
                state: VcpuState::Halted,
                instructions: 1_000_000_000,
                cpu_micros: 10_000_000,
                idle_micros: 90_000_000,
            },
        ],
    });
    detail.pending = vec!["vcpus: 4".into()];
    detail
}

pub(in crate::cli) fn text(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    print(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

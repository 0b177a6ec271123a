//! The figures: each is a row of one of the tables below.

use std::fmt;
use std::sync::atomic::AtomicU64;

use ipc::figures::{DeviceFigures, GuestFigures};
use ipc::guest::{Stats, VcpuStats};
use ipc::message::{DeviceDetail, GuestDetail, VspStatus};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

type Labels = Vec<(&'static str, String)>;

/// One figure: name behind its prefix, what it is, unit, and the value where there is one.
struct Row<T> {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    value: fn(&T) -> Option<f64>,
}

const fn row<T>(
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    value: fn(&T) -> Option<f64>,
) -> Row<T> {
    Row { name, help, unit, value }
}

const VSP: &[Row<VspStatus>] = &[
    row("start_time", "When the VSP was started, since 1970", Some(Unit::Seconds), |vsp| {
        Some(vsp.since_micros as f64 / 1e6)
    }),
    row("guests", "Configured guests", None, |vsp| Some(vsp.guests.into())),
    row("running_guests", "Guests that are on", None, |vsp| Some(vsp.running.into())),
    row("clients", "Connected commands and consoles", None, |vsp| Some(vsp.clients.into())),
];

const GUEST: &[Row<GuestDetail>] = &[
    row("on", "Is the guest on", None, |guest| Some(f64::from(u8::from(guest.summary.state.is_on())))),
    row("start_time", "When the current run began, since 1970", Some(Unit::Seconds), |guest| {
        guest.summary.since_micros.map(|since| since as f64 / 1e6)
    }),
    row("vcpus", "Virtual processors", None, |guest| Some(guest.summary.vcpus.into())),
    row("memory", "Memory", Some(Unit::Bytes), |guest| Some(guest.summary.memory_bytes as f64)),
    row("devices", "Storage devices", None, |guest| Some(guest.summary.devices.into())),
    row("pending_changes", "Changes that wait for the next start", None, |guest| {
        Some(guest.pending.len() as f64)
    }),
];

/// Since the start of the current run.
const RUN: &[Row<Stats>] = &[
    row("cpu", "Host processor time of virtual processors", Some(Unit::Seconds), |stats| {
        Some(stats.cpu_micros as f64 / 1e6)
    }),
    row("idle", "Time virtual processors were halted", Some(Unit::Seconds), |stats| {
        Some(stats.idle_micros as f64 / 1e6)
    }),
    row("instructions", "Instructions retired", None, |stats| Some(stats.instructions as f64)),
    row("console", "Bytes written to the console", Some(Unit::Bytes), |stats| {
        Some(stats.console_bytes as f64)
    }),
    row("interruptions", "Interruptions delivered", None, |stats| Some(stats.interruptions as f64)),
];

/// Since the start of the current run, of one virtual processor.
const VCPU: &[Row<VcpuStats>] = &[
    row("cpu", "Host processor time of the virtual processor", Some(Unit::Seconds), |vcpu| {
        Some(vcpu.cpu_micros as f64 / 1e6)
    }),
    row("idle", "Time the virtual processor was halted", Some(Unit::Seconds), |vcpu| {
        Some(vcpu.idle_micros as f64 / 1e6)
    }),
    row("instructions", "Instructions the virtual processor retired", None, |vcpu| {
        Some(vcpu.instructions as f64)
    }),
];

const DEVICE: &[Row<DeviceDetail>] =
    &[row("size", "Size of the backing store", Some(Unit::Bytes), |device| {
        device.size_bytes.map(|bytes| bytes as f64)
    })];

/// Since the VSP began to serve the device.
const SERVED: &[Row<DeviceFigures>] = &[
    row("reads", "Read commands that succeeded", None, |device| Some(device.reads as f64)),
    row("read", "Bytes they read", Some(Unit::Bytes), |device| Some(device.read_bytes as f64)),
    row("writes", "Write commands that succeeded", None, |device| Some(device.writes as f64)),
    row("written", "Bytes they wrote", Some(Unit::Bytes), |device| Some(device.written_bytes as f64)),
    row("flushes", "Flushes that reached the disk of the host", None, |device| Some(device.flushes as f64)),
    row("discards", "Ranges unmapped", None, |device| Some(device.discards as f64)),
    row("errors", "Commands that failed because the store did", None, |device| Some(device.errors as f64)),
    row("refused", "Commands refused because they were wrong", None, |device| Some(device.refused as f64)),
    row("requests", "Requests of all kinds", None, |device| Some(device.latency.count() as f64)),
    row("request_time", "Time that requests took together", Some(Unit::Seconds), |device| {
        Some(device.latency.sum_micros as f64 / 1e6)
    }),
];

/// Shares of all requests, as a label and in thousandths.
const QUANTILES: &[(&str, u64)] = &[("0.5", 500), ("0.99", 990), ("1", 1000)];

/// All figures as OpenMetrics text; `served` tells of the guests that are on.
pub(super) fn text(
    vsp: &VspStatus,
    guests: &[GuestDetail],
    served: &[GuestFigures],
) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("hpvm");
    let build = Info::new(vec![("version", vsp.build.clone()), ("root", vsp.root.clone())]);
    registry.register("vsp", "The VSP", build);
    let of_guest = |guest: &GuestDetail| -> Labels { vec![("guest", guest.summary.name.clone())] };
    gauges(&mut registry, "vsp", VSP, || std::iter::once((Labels::new(), vsp)));
    gauges(&mut registry, "guest", GUEST, || guests.iter().map(|guest| (of_guest(guest), guest)));
    let state = Family::<Labels, Gauge>::default();
    for guest in guests {
        let state_of = ("state", guest.summary.state.to_string());
        state.get_or_create(&[of_guest(guest), vec![state_of]].concat()).set(1);
    }
    registry.register("guest_state", "The state a guest is in", state);
    let running = || guests.iter().filter_map(|guest| Some((of_guest(guest), guest.summary.stats.as_ref()?)));
    counters(&mut registry, "guest", RUN, running);
    let vcpus = || running().flat_map(|(labels, stats)| of_vcpus(labels, stats));
    counters(&mut registry, "vcpu", VCPU, vcpus);
    let state = Family::<Labels, Gauge>::default();
    for (labels, vcpu) in vcpus() {
        let state_of = ("state", vcpu.state.to_string());
        state.get_or_create(&[labels, vec![state_of]].concat()).set(1);
    }
    registry.register("vcpu_state", "The state a virtual processor is in", state);
    let devices = || {
        guests.iter().flat_map(|guest| {
            guest.devices.iter().map(move |device| (of_device(of_guest(guest), device), device))
        })
    };
    gauges(&mut registry, "device", DEVICE, devices);
    let served = || {
        guests.iter().flat_map(|guest| {
            let figures = served.iter().find(|served| served.name == guest.summary.name);
            let figures = figures.map_or(&[][..], |served| &served.devices);
            guest.devices.iter().filter_map(move |device| {
                let found = figures.iter().find(|found| {
                    (found.bus, found.slot, found.target) == (device.bus, device.slot, device.target)
                })?;
                Some((of_device(of_guest(guest), device), found))
            })
        })
    };
    counters(&mut registry, "device", SERVED, served);
    let latency = Family::<Labels, Gauge<f64, AtomicU64>>::default();
    for (labels, device) in served() {
        for (quantile, per_mille) in QUANTILES {
            if let Some(micros) = device.latency.quantile_micros(*per_mille) {
                let labels = [labels.clone(), vec![("quantile", (*quantile).to_owned())]].concat();
                latency.get_or_create(&labels).set(micros as f64 / 1e6);
            }
        }
    }
    let help = "Time within which that share of all requests was done, about";
    registry.register_with_unit("device_latency", help, Unit::Seconds, latency);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn of_vcpus(labels: Labels, stats: &Stats) -> impl Iterator<Item = (Labels, &VcpuStats)> {
    let labelled = move |number: usize| [labels.clone(), vec![("vcpu", number.to_string())]].concat();
    stats.vcpus.iter().enumerate().map(move |(number, vcpu)| (labelled(number), vcpu))
}

fn of_device(mut labels: Labels, device: &DeviceDetail) -> Labels {
    let DeviceDetail { bus, slot, target, .. } = device;
    labels.extend([
        ("address", format!("{bus},{slot},{target}")),
        ("device", device.device.clone()),
        ("storage", device.storage.clone()),
        ("location", device.location.clone()),
    ]);
    labels
}

/// Registers a gauge for each row, with a series for each of `items` that has a value.
fn gauges<'a, T: 'a, I: Iterator<Item = (Labels, &'a T)>>(
    registry: &mut Registry,
    prefix: &str,
    rows: &[Row<T>],
    items: impl Fn() -> I,
) {
    for row in rows {
        let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
        for (labels, item) in items() {
            if let Some(value) = (row.value)(item) {
                family.get_or_create(&labels).set(value);
            }
        }
        register(registry, prefix, row, family);
    }
}

/// The same with counters.
fn counters<'a, T: 'a, I: Iterator<Item = (Labels, &'a T)>>(
    registry: &mut Registry,
    prefix: &str,
    rows: &[Row<T>],
    items: impl Fn() -> I,
) {
    for row in rows {
        let family = Family::<Labels, Counter<f64, AtomicU64>>::default();
        for (labels, item) in items() {
            if let Some(value) = (row.value)(item) {
                family.get_or_create(&labels).inc_by(value);
            }
        }
        register(registry, prefix, row, family);
    }
}

fn register<T>(
    registry: &mut Registry,
    prefix: &str,
    row: &Row<T>,
    metric: impl prometheus_client::registry::Metric,
) {
    let name = format!("{prefix}_{}", row.name);
    match &row.unit {
        Some(unit) => registry.register_with_unit(name, row.help, unit.clone(), metric),
        None => registry.register(name, row.help, metric),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::figures::Latency;

    use crate::cli::status::samples::{detail, running};

    fn vsp() -> VspStatus {
        VspStatus {
            build: "0.1.0".into(),
            pid: 42,
            root: "/var/opt/hpvm".into(),
            since_micros: 1_795_464_000_000_000,
            guests: 2,
            running: 1,
            clients: 1,
        }
    }

    #[test]
    fn figures_are_openmetrics_text() {
        let mut on = running();
        on.summary.name = "busy".into();
        let device = DeviceFigures {
            slot: 2,
            reads: 3,
            read_bytes: 4096,
            latency: Latency { counts: vec![0, 3], sum_micros: 60, max_micros: 25 },
            ..Default::default()
        };
        let served = GuestFigures { name: "busy".into(), devices: vec![device], ..Default::default() };
        let text = text(&vsp(), &[detail(), on], &[served]).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.pop(), Some("# EOF"));
        // A family's series come in no particular order.
        lines.sort_unstable();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn names_of_devices_cannot_break_the_format() {
        let mut guest = detail();
        guest.devices[0].location = "/a\"b\\c\nd".into();
        let text = text(&vsp(), &[guest], &[]).unwrap();
        assert!(text.contains(r#"location="/a\"b\\c\nd""#), "{text}");
    }
}

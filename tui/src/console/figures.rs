//! How busy guests, their devices and the host are: rates out of figures that only grow, and their past.
//!
//! A past is kept in three steps of fineness, so that a day of two hundred guests takes a few megabytes:
//!
//! ```text
//!  a second each, 5 minutes ──▶ 15 seconds each, an hour ──▶ 5 minutes each, a day
//! ```

use super::msg::Millis;
use ipc::figures::{DeviceFigures, GuestFigures, LATENCY_BOUNDS, Latency};
use ipc::guest::VcpuState;
use std::collections::{BTreeMap, VecDeque};

/// How busy something is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rates {
    /// Host processor time, in per cent of one processor.
    pub(crate) cpu_percent: f32,
    /// Millions of guest instructions a second.
    pub(crate) mips: f32,
    /// Requests to storage devices a second.
    pub(crate) iops: f32,
    /// Bytes to and from storage devices a second.
    pub(crate) bytes: f32,
    /// Time within which half of the requests were done, in microseconds; zero without requests.
    pub(crate) p50_micros: f32,
    /// Time within which 99 of 100 requests were done, in microseconds; zero without requests.
    pub(crate) p99_micros: f32,
}

impl Rates {
    /// What is shown when these were shown before and it is `now` so: the same, unless something has changed that is more
    /// than what a guest without work does by itself. An idle screen is not drawn again and again for that.
    fn steady(self, now: Rates) -> Rates {
        Rates {
            cpu_percent: held(self.cpu_percent, now.cpu_percent, 1.0),
            mips: held(self.mips, now.mips, 1.0),
            ..now
        }
    }

    /// The mean of several; of latencies, the worst.
    fn mean(all: impl ExactSizeIterator<Item = Rates>) -> Rates {
        let count = all.len().max(1) as f32;
        let mut sum = Rates::default();
        for rates in all {
            sum.cpu_percent += rates.cpu_percent / count;
            sum.mips += rates.mips / count;
            sum.iops += rates.iops / count;
            sum.bytes += rates.bytes / count;
            sum.p50_micros = sum.p50_micros.max(rates.p50_micros);
            sum.p99_micros = sum.p99_micros.max(rates.p99_micros);
        }
        sum
    }
}

/// `shown`, unless it is off by more than `play`.
fn held(shown: f32, now: f32, play: f32) -> f32 {
    if now > 0.0 && (now - shown).abs() <= play { shown } else { now }
}

/// How much of the past a chart shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Range {
    /// Five minutes.
    #[default]
    Minutes,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

/// Entries of a [`Past`] step, and how many of them make one of the next.
struct Step {
    kept: usize,
    in_next: usize,
}

const STEPS: [Step; 3] = [
    Step { kept: 300, in_next: 15 },
    Step { kept: 240, in_next: 20 },
    Step { kept: 288, in_next: usize::MAX },
];

impl Range {
    /// The shorter or the longer one.
    pub(crate) fn stepped(self, longer: bool) -> Range {
        match (self, longer) {
            (Range::Minutes, true) | (Range::Day, false) => Range::Hour,
            (Range::Hour | Range::Day, true) => Range::Day,
            (Range::Minutes | Range::Hour, false) => Range::Minutes,
        }
    }

    /// As an operator reads it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Range::Minutes => "5 minutes",
            Range::Hour => "1 hour",
            Range::Day => "1 day",
        }
    }
}

/// What something did until now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    steps: [VecDeque<Rates>; 3],
    /// Entries of each step since the last one of the next.
    since: [usize; 3],
}

impl Past {
    fn push(&mut self, rates: Rates) {
        let mut rates = rates;
        for (at, step) in STEPS.iter().enumerate() {
            let kept = &mut self.steps[at];
            kept.push_back(rates);
            if kept.len() > step.kept {
                kept.pop_front();
            }
            self.since[at] += 1;
            if self.since[at] < step.in_next {
                return;
            }
            self.since[at] = 0;
            let newest = kept.range(kept.len().saturating_sub(step.in_next)..);
            rates = Rates::mean(newest.copied());
        }
    }

    /// Points of a range, oldest first.
    pub(crate) fn points(&self, range: Range) -> &VecDeque<Rates> {
        &self.steps[range as usize]
    }

    /// The newest point.
    pub(crate) fn last(&self) -> Option<Rates> {
        self.steps[0].back().copied()
    }
}

/// PCI bus, slot and target of a device.
pub(crate) type Address = (u8, u8, u8);

/// A storage device of a guest.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeviceRates {
    /// Of the last interval.
    pub(crate) rates: Rates,
    /// Mean time of a request in the last interval, in microseconds; zero without requests.
    pub(crate) mean_micros: f32,
    /// Commands that failed because the store did, since the guest's start.
    pub(crate) errors: u64,
    /// Commands refused because they were wrong, since the guest's start.
    pub(crate) refused: u64,
}

/// A virtual processor of a guest in the last interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct VcpuRates {
    /// What it is up to now.
    pub(crate) state: VcpuState,
    /// Host processor time, in per cent of one processor.
    pub(crate) cpu_percent: f32,
    /// Millions of instructions a second.
    pub(crate) mips: f32,
}

/// One guest.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuestPast {
    sample: Option<(Millis, GuestFigures)>,
    past: Past,
    /// The newest figures without their noise.
    shown: Option<Rates>,
    vcpus: Vec<VcpuRates>,
    devices: BTreeMap<Address, DeviceRates>,
}

impl GuestPast {
    /// The past of the guest as a whole.
    pub(crate) fn past(&self) -> &Past {
        &self.past
    }

    /// One of its devices.
    pub(crate) fn device(&self, address: Address) -> Option<&DeviceRates> {
        self.devices.get(&address)
    }

    /// Its virtual processors, in the order of their numbers.
    pub(crate) fn vcpus(&self) -> &[VcpuRates] {
        &self.vcpus
    }

    /// Takes figures; the result is how busy the guest was since the last ones.
    fn take(&mut self, at: Millis, figures: GuestFigures) -> Option<Rates> {
        let rates = self.sample.as_ref().and_then(|(before, old)| {
            let seconds = at.saturating_sub(*before) as f32 / 1000.0;
            (seconds > 0.05).then(|| rates_between(old, &figures, seconds, &mut self.devices)).flatten()
        });
        if let (Some((before, old)), Some(_)) = (&self.sample, rates) {
            let seconds = at.saturating_sub(*before) as f32 / 1000.0;
            let now = vcpus_between(old, &figures, seconds);
            self.vcpus = steady_vcpus(&self.vcpus, now);
        }
        self.sample = Some((at, figures));
        if let Some(rates) = rates {
            self.past.push(rates);
            self.shown = Some(self.shown.map_or(rates, |shown| shown.steady(rates)));
        }
        rates
    }
}

/// All guests, and the VSP as a whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    guests: BTreeMap<String, GuestPast>,
    total: Past,
}

impl Figures {
    /// Takes the figures of all guests that are on.
    pub(crate) fn take(&mut self, at: Millis, guests: Vec<GuestFigures>) {
        let mut total = Rates::default();
        for (name, guest) in &mut self.guests {
            if !guests.iter().any(|figures| figures.name == *name) {
                (guest.sample, guest.shown) = (None, None);
                guest.devices.clear();
                guest.vcpus.clear();
                guest.past.push(Rates::default());
            }
        }
        for figures in guests {
            let guest = self.guests.entry(figures.name.clone()).or_default();
            let Some(rates) = guest.take(at, figures) else { continue };
            total.cpu_percent += rates.cpu_percent;
            total.mips += rates.mips;
            total.iops += rates.iops;
            total.bytes += rates.bytes;
            total.p99_micros = total.p99_micros.max(rates.p99_micros);
        }
        self.total.push(total);
    }

    /// Forgets guests for which `keep` says no.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.guests.retain(|name, _| keep(name));
    }

    /// A new connection: what was counted before does not go on.
    pub(crate) fn interrupt(&mut self) {
        self.guests.values_mut().for_each(|guest| guest.sample = None);
    }

    /// One guest.
    pub(crate) fn guest(&self, name: &str) -> Option<&GuestPast> {
        self.guests.get(name)
    }

    /// How busy a guest is now, to 1 % of a processor and a million instructions a second; nothing while it is off or
    /// nobody knows.
    pub(crate) fn rates(&self, name: &str) -> Option<Rates> {
        let guest = self.guests.get(name)?;
        guest.sample.as_ref()?;
        guest.shown
    }

    /// All guests together.
    pub(crate) fn total(&self) -> &Past {
        &self.total
    }
}

/// What happened between two figures of one run; nothing if they are not of one run.
fn rates_between(
    old: &GuestFigures,
    new: &GuestFigures,
    seconds: f32,
    devices: &mut BTreeMap<Address, DeviceRates>,
) -> Option<Rates> {
    let mut rates = Rates::default();
    if let (Some(old), Some(new)) = (&old.machine, &new.machine) {
        // Figures that fall belong to another run.
        rates.cpu_percent = new.cpu_micros.checked_sub(old.cpu_micros)? as f32 / seconds / 10_000.0;
        rates.mips = new.instructions.checked_sub(old.instructions)? as f32 / seconds / 1e6;
    }
    let mut classes = vec![0; LATENCY_BOUNDS.len() + 1];
    let mut shown = BTreeMap::new();
    for device in &new.devices {
        let address = (device.bus, device.slot, device.target);
        let before = old.devices.iter().find(|old| (old.bus, old.slot, old.target) == address);
        let mut own =
            DeviceRates { errors: device.errors, refused: device.refused, ..DeviceRates::default() };
        if let Some(since) = before.and_then(|before| device_since(before, device)) {
            own.rates.iops = since.latency.count() as f32 / seconds;
            own.rates.bytes = since.read_bytes.saturating_add(since.written_bytes) as f32 / seconds;
            own.rates.p50_micros = quantile(&since.latency, 500);
            own.rates.p99_micros = quantile(&since.latency, 990);
            own.mean_micros = since.latency.mean_micros().unwrap_or_default() as f32;
            rates.iops += own.rates.iops;
            rates.bytes += own.rates.bytes;
            for (sum, count) in classes.iter_mut().zip(&since.latency.counts) {
                *sum += count;
            }
        }
        shown.insert(address, own);
    }
    *devices = shown;
    let longest = new.devices.iter().map(|device| device.latency.max_micros).max().unwrap_or_default();
    let all = Latency { counts: classes, sum_micros: 0, max_micros: longest };
    rates.p50_micros = quantile(&all, 500);
    rates.p99_micros = quantile(&all, 990);
    Some(rates)
}

/// What each virtual processor did between two figures of one run.
fn vcpus_between(old: &GuestFigures, new: &GuestFigures, seconds: f32) -> Vec<VcpuRates> {
    let (Some(old), Some(new)) = (&old.machine, &new.machine) else { return Vec::new() };
    let both = old.vcpus.iter().zip(&new.vcpus);
    both.map(|(old, new)| VcpuRates {
        state: new.state,
        cpu_percent: new.cpu_micros.saturating_sub(old.cpu_micros) as f32 / seconds / 10_000.0,
        mips: new.instructions.saturating_sub(old.instructions) as f32 / seconds / 1e6,
    })
    .collect()
}

/// As [`Rates::steady`], of each virtual processor.
fn steady_vcpus(shown: &[VcpuRates], mut now: Vec<VcpuRates>) -> Vec<VcpuRates> {
    for (shown, now) in shown.iter().zip(&mut now) {
        now.cpu_percent = held(shown.cpu_percent, now.cpu_percent, 1.0);
        now.mips = held(shown.mips, now.mips, 1.0);
    }
    now
}

fn quantile(latency: &Latency, per_mille: u64) -> f32 {
    latency.quantile_micros(per_mille).unwrap_or_default() as f32
}

/// What a device did between two figures; nothing if it began anew. The longest time is that of all times, which only
/// bounds a quantile.
fn device_since(old: &DeviceFigures, new: &DeviceFigures) -> Option<DeviceFigures> {
    let mut counts = Vec::with_capacity(new.latency.counts.len());
    for (at, count) in new.latency.counts.iter().enumerate() {
        counts.push(count.checked_sub(old.latency.counts.get(at).copied().unwrap_or_default())?);
    }
    let latency = Latency {
        counts,
        sum_micros: new.latency.sum_micros.checked_sub(old.latency.sum_micros)?,
        max_micros: new.latency.max_micros,
    };
    Some(DeviceFigures {
        read_bytes: new.read_bytes.checked_sub(old.read_bytes)?,
        written_bytes: new.written_bytes.checked_sub(old.written_bytes)?,
        latency,
        ..DeviceFigures::default()
    })
}

/// What the host says of itself at one moment. The VSP is reached through a socket of this host, so it is the VSP's host.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct HostSample {
    /// Processor time since the host's start, busy and all, in ticks.
    pub(crate) cpu: Option<(u64, u64)>,
    /// Memory in use and all of it, in bytes.
    pub(crate) memory: Option<(u64, u64)>,
}

/// The host.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Host {
    sample: HostSample,
    /// Share of all processors that was busy between the last two samples, in per cent; it may be off by [`HOST_PLAY`].
    pub(crate) cpu_percent: Option<f32>,
    /// Memory in use as it is shown, in bytes; it may be off by [`MEMORY_PLAY`].
    used: u64,
}

/// A host on which nothing happens is busy now with one per cent, now with three.
const HOST_PLAY: f32 = 3.0;
/// And its memory comes and goes, in bytes.
const MEMORY_PLAY: u64 = 128 << 20;

impl Host {
    /// Takes a sample.
    pub(crate) fn take(&mut self, sample: HostSample) {
        if let (Some(old), Some(new)) = (self.sample.cpu, sample.cpu)
            && let (Some(busy), Some(all)) = (new.0.checked_sub(old.0), new.1.checked_sub(old.1))
            && all > 0
        {
            let now = (busy as f32 / all as f32 * 100.0).min(100.0);
            self.cpu_percent = Some(self.cpu_percent.map_or(now, |shown| held(shown, now, HOST_PLAY)));
        }
        if let Some((used, _)) = sample.memory
            && (self.sample.memory.is_none() || used.abs_diff(self.used) > MEMORY_PLAY)
        {
            self.used = used;
        }
        self.sample = sample;
    }

    /// Memory in use and all of it, in bytes.
    pub(crate) fn memory(&self) -> Option<(u64, u64)> {
        self.sample.memory.map(|(_, all)| (self.used, all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::guest::{Stats, VcpuStats};

    fn figures(cpu_micros: u64, instructions: u64, reads: u64) -> GuestFigures {
        let mut counts = vec![0; LATENCY_BOUNDS.len() + 1];
        counts[3] = reads;
        GuestFigures {
            name: "a".to_owned(),
            number: 1,
            machine: Some(Stats {
                cpu_micros,
                instructions,
                vcpus: vec![VcpuStats { state: VcpuState::Halted, instructions, cpu_micros, idle_micros: 0 }],
                ..Stats::default()
            }),
            devices: vec![DeviceFigures {
                slot: 1,
                reads,
                read_bytes: reads * 4096,
                errors: 2,
                latency: Latency { counts, sum_micros: reads * 80, max_micros: 95 },
                ..DeviceFigures::default()
            }],
        }
    }

    #[test]
    fn rates_come_from_two_figures_of_one_run() {
        let mut all = Figures::default();
        all.take(10_000, vec![figures(1_000_000, 50_000_000, 10)]);
        assert_eq!(all.rates("a"), None);
        all.take(12_000, vec![figures(2_000_000, 250_000_000, 210)]);
        let rates = all.rates("a").expect("two figures are known");
        assert_eq!((rates.cpu_percent, rates.mips), (50.0, 100.0));
        assert_eq!((rates.iops, rates.bytes), (100.0, 409_600.0));
        // The class of the requests ends at 100 microseconds, the longest took 95.
        assert_eq!((rates.p50_micros, rates.p99_micros), (95.0, 95.0));
        let halted = VcpuRates { state: VcpuState::Halted, cpu_percent: 50.0, mips: 100.0 };
        assert_eq!(all.guest("a").map(GuestPast::vcpus), Some(&[halted][..]));
        let device = all.guest("a").and_then(|guest| guest.device((0, 1, 0))).expect("it has a device");
        assert_eq!((device.mean_micros, device.errors), (80.0, 2));
        all.take(14_000, vec![figures(10, 10, 0)]);
        assert_eq!(all.guest("a").map(|guest| guest.past().points(Range::Minutes).len()), Some(1));
        all.take(15_000, Vec::new());
        assert_eq!(all.rates("a"), None, "it is off");
    }

    #[test]
    fn what_an_idle_guest_and_its_host_do_changes_nothing_that_is_shown() {
        let (mut all, mut host) = (Figures::default(), Host::default());
        let (mut cpu, mut instructions, mut busy) = (0, 0, 0);
        let mut shown = Vec::new();
        // Hundredths of a core in microseconds, thousandths of a million instructions, ticks of 200.
        for (at, (noise, ticks)) in
            (0..).zip([(10, 2), (10, 2), (14, 5), (6, 8), (17, 3), (200, 90), (195, 86)])
        {
            cpu += noise * 1000;
            instructions += noise * 100_000;
            busy += ticks;
            all.take(at * 1000, vec![figures(cpu, instructions, 0)]);
            let memory = Some((noise << 24, 1 << 34));
            host.take(HostSample { cpu: Some((busy, at as u64 * 200)), memory });
            shown.extend(all.rates("a").map(|rates| (rates.cpu_percent, host.cpu_percent, host.memory())));
        }
        assert!(shown[..4].iter().all(|figures| *figures == shown[0]), "{shown:?}");
        assert!(shown[4].0 > 15.0 && shown[4].1 > Some(40.0) && shown[4].2 > shown[0].2, "{shown:?}");
        all.take(8000, vec![figures(cpu, instructions, 0)]);
        assert_eq!(all.rates("a").map(|rates| rates.cpu_percent), Some(0.0), "nothing at all is nothing");
    }

    #[test]
    fn past_is_bounded_and_coarser_the_older() {
        let mut past = Past::default();
        for second in 0..100_000_u32 {
            let cpu_percent = if second.is_multiple_of(2) { 0.0 } else { 100.0 };
            past.push(Rates { cpu_percent, p99_micros: f32::from(second as u16), ..Rates::default() });
        }
        for (range, length) in [(Range::Minutes, 300), (Range::Hour, 240), (Range::Day, 288)] {
            assert_eq!(past.points(range).len(), length);
        }
        let day = past.points(Range::Day).back().expect("there is one");
        assert!((day.cpu_percent - 50.0).abs() < 1.0, "{day:?}");
    }

    #[test]
    fn host_is_busy_between_two_samples() {
        let mut host = Host::default();
        host.take(HostSample { cpu: Some((100, 1000)), memory: Some((1, 2)) });
        assert_eq!(host.cpu_percent, None);
        host.take(HostSample { cpu: Some((150, 1200)), memory: None });
        assert_eq!(host.cpu_percent, Some(25.0));
    }
}

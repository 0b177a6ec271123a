//! What this machine and this process' environment say: the clock, the host's figures, the locale.

use super::figures::HostSample;
use super::msg::Millis;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock, in milliseconds since 1970.
pub(super) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// The host now, out of files that never keep anybody waiting.
pub(super) fn host() -> HostSample {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    HostSample { cpu: processor_time(&read("/proc/stat")), memory: memory(&read("/proc/meminfo")) }
}

/// Busy and all time out of the first line of `/proc/stat` (proc_stat(5)): user, nice, system, idle, iowait, irq,
/// softirq, steal; guests' time is in user's already.
fn processor_time(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let times: Vec<u64> = line.split_whitespace().take(8).map_while(|time| time.parse().ok()).collect();
    let all: u64 = times.iter().sum();
    let idle = times.get(3)? + times.get(4)?;
    Some((all.saturating_sub(idle), all))
}

/// Memory in use and all of it, in bytes, out of `/proc/meminfo` (proc_meminfo(5)).
fn memory(meminfo: &str) -> Option<(u64, u64)> {
    let kilobytes = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    let all = kilobytes("MemTotal")?;
    let free = kilobytes("MemAvailable")?;
    Some((all.saturating_sub(free) << 10, all << 10))
}

/// A variable of the environment that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the locale has UTF-8.
pub(super) fn has_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
    locale.to_ascii_lowercase().replace('-', "").contains("utf8")
}

/// Whether the operator wants no colours (no-color.org).
pub(super) fn wants_no_color() -> bool {
    variable("NO_COLOR").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_out_of_the_hosts_files() {
        let stat = "cpu  100 10 50 800 40 5 5 10 70 0\ncpu0 1 2 3 4\n";
        assert_eq!(processor_time(stat), Some((180, 1020)));
        let meminfo = "MemTotal:        8000 kB\nMemFree:  100 kB\nMemAvailable:    6000 kB\n";
        assert_eq!(memory(meminfo), Some((2000 << 10, 8000 << 10)));
        assert_eq!((processor_time(""), memory("")), (None, None));
        let sample = host();
        assert!(sample.cpu.is_some() && sample.memory.is_some(), "as on any Linux: {sample:?}");
    }
}

//! `-r`: entitlement and use of processors and memory (hpvm.md 4.4.6), and `-s`: what the VSP has.
//!
//! Use is the average of the current run. Memory is what it was at the start: guests have no dynamic memory here, so the
//! columns about it say what HPVM says of a guest without.

use std::io::{self, Write};

use ipc::message::{GuestDetail, GuestSummary};

use crate::view::format;

/// Processors' use in the current run.
#[derive(Default)]
struct Usage {
    /// Of the virtual processors' time.
    guest_percent: f64,
    /// Of the host's.
    host_percent: f64,
    /// Processor time in microseconds.
    cumulative: u64,
    /// Instructions a second, in millions.
    rate: u64,
    seconds: u64,
}

impl Usage {
    fn of(guest: &GuestDetail, now_micros: i64) -> Usage {
        let (Some(stats), Some(since)) = (&guest.summary.stats, guest.summary.since_micros) else {
            return Usage::default();
        };
        let micros = u64::try_from(now_micros.saturating_sub(since)).unwrap_or(0).max(1);
        let share = |processors: f64| stats.cpu_micros as f64 * 100.0 / (micros as f64 * processors.max(1.0));
        Usage {
            guest_percent: share(f64::from(guest.summary.vcpus)),
            host_percent: share(processors() as f64),
            cumulative: stats.cpu_micros,
            rate: stats.instructions / micros,
            seconds: micros / 1_000_000,
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Entitlement, maximum, use in per cent, cumulative use.
fn cpu_columns(guest: &GuestDetail, usage: &Usage) -> String {
    format!(
        "{:>6} {:>11} {:>7} {:>7} {:>16}",
        guest.summary.vcpus,
        format::entitlement(guest.entitlement_percent.into()),
        format::entitlement(guest.entitlement_max_percent.into()),
        format::entitlement(usage.guest_percent),
        usage.cumulative
    )
}

fn memory_columns(guest: &GuestDetail) -> String {
    let bytes = guest.summary.memory_bytes;
    let mb = format!("{}MB", bytes >> 20);
    let total = format::memory_close(bytes);
    let none = "0MB";
    format!(
        "{mb:>7} {none:>7} {total:>7} {mb:>7} {mb:>7} {none:>7} {total:>7} {none:>7} {none:>7}   0   {none:>7} DISABLED"
    )
}

/// All guests.
pub(super) fn of_all(guests: &[GuestDetail], now_micros: i64, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "[Virtual Machine Resource Entitlement]")?;
    writeln!(out, "[Virtual CPU entitlement]")?;
    writeln!(out, " Percent       Cumulative")?;
    writeln!(out, "Virtual Machine Name VM #  #VCPUs Entitlement Maximum   Usage            Usage")?;
    writeln!(out, "==================== ===== ====== =========== ======= ======= ================")?;
    for guest in guests {
        let GuestSummary { name, number, .. } = &guest.summary;
        let usage = Usage::of(guest, now_micros);
        writeln!(out, "{name:<20} {number:>5} {}", cpu_columns(guest, &usage))?;
    }
    writeln!(out, "\n[Virtual Machine Memory Entitlement]")?;
    writeln!(
        out,
        " DynMem  Memory   DynMem  DynMem DynMem  Comfort Total    Free   Avail    Mem    AMR     AMR"
    )?;
    writeln!(
        out,
        "Virtual Machine Name  VM #   Min   Entitle   Max    Target Current   Min   Memory  Memory  Memory  Press  Chunk   State"
    )?;
    writeln!(
        out,
        "==================== ===== ======= ======= ======= ======= ======= ======= ======= ======= ======= ===== ======= ========"
    )?;
    for guest in guests {
        let GuestSummary { name, number, .. } = &guest.summary;
        writeln!(out, "{name:<20} {number:>5} {}", memory_columns(guest))?;
    }
    Ok(())
}

/// One guest.
pub(super) fn of_guest(guest: &GuestDetail, now_micros: i64, out: &mut dyn Write) -> io::Result<()> {
    let usage = Usage::of(guest, now_micros);
    writeln!(out, "[Virtual Machine entitlements]")?;
    writeln!(out, " Percent       Cumulative")?;
    writeln!(out, "#VCPUs Entitlement Maximum   Usage            Usage")?;
    writeln!(out, "====== =========== ======= ======= ================")?;
    writeln!(out, "{}", cpu_columns(guest, &usage))?;
    writeln!(out, "\n[Virtual CPU details]")?;
    writeln!(out, "vCPU Cumulative       Guest   Host    Cycles   Sampling")?;
    writeln!(out, "ID   Usage            percent percent achieved Interval")?;
    writeln!(out, "==== ================ ======= ======= ======== ===========")?;
    writeln!(
        out,
        "{:>4} {:>16} {:>7} {:>7} {:>8} {:>11}",
        "all",
        usage.cumulative,
        format::entitlement(usage.guest_percent),
        format::entitlement(usage.host_percent),
        format!("{}MHz", usage.rate),
        format!("{} seconds", usage.seconds)
    )?;
    writeln!(out, "\n[Virtual Machine Memory Entitlement]")?;
    writeln!(
        out,
        "DynMem  Memory   DynMem  DynMem DynMem  Comfort Total    Free   Avail    Mem    AMR     AMR"
    )?;
    writeln!(
        out,
        " Min   Entitle   Max    Target Current   Min   Memory  Memory  Memory  Press  Chunk   State"
    )?;
    writeln!(
        out,
        "======= ======= ======= ======= ======= ======= ======= ======= ======= ===== ======= ========"
    )?;
    writeln!(out, "{}", memory_columns(guest))
}

/// `-C`: guests with the type of their memory, cell-local or interleaved. HPVM's layout is not known.
pub(super) fn memory_types<'a>(
    guests: impl IntoIterator<Item = &'a GuestSummary>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "[Virtual Machine Memory Type]")?;
    writeln!(out, "Virtual Machine Name VM #  Memory  Memory Type")?;
    writeln!(out, "==================== ===== ======= ===========")?;
    for GuestSummary { name, number, memory_bytes, .. } in guests {
        // This host has no cell-local memory to give.
        writeln!(out, "{name:<20} {number:>5} {:>7} Interleaved", format::memory(*memory_bytes))?;
    }
    Ok(())
}

/// The VSP.
pub(super) fn of_server(guests: &[GuestSummary], out: &mut dyn Write) -> io::Result<()> {
    let info = rustix::system::sysinfo();
    let bytes = |units: u64| units.saturating_mul(info.mem_unit.into());
    let running: Vec<&GuestSummary> = guests.iter().filter(|guest| guest.state.is_on()).collect();
    let memory: u64 = running.iter().map(|guest| guest.memory_bytes).sum();
    let vcpus: u32 = running.iter().map(|guest| guest.vcpus).sum();
    let lines = [
        ("Processors", processors().to_string()),
        ("Memory", format::bytes(bytes(info.totalram))),
        ("Free memory", format::bytes(bytes(info.freeram))),
        ("Guests", guests.len().to_string()),
        ("Running guests", running.len().to_string()),
        ("vCPUs of running guests", vcpus.to_string()),
        ("Memory of running guests", format::bytes(memory)),
    ];
    writeln!(out, "[HPVM Server Resources]")?;
    lines.iter().try_for_each(|(label, value)| writeln!(out, "{label:<26}: {value}"))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{NOW, detail, running, text};
    use super::*;

    /// Rows of a transcript, with the values of this test's guests.
    #[test]
    fn tables_are_laid_out_as_hpvm_s() {
        let off = text(|out| of_all(&[detail()], NOW, out));
        for line in [
            "ivm1                     8      2       10.0%  100.0%    0.0%                0",
            "ivm1                     8  2048MB     0MB     2GB  2048MB  2048MB     0MB     2GB     0MB     0MB   0       0MB DISABLED",
        ] {
            assert!(off.lines().any(|found| found == line), "{line:?} is not in\n{off}");
        }
        let on = text(|out| of_all(&[running()], NOW, out));
        assert!(
            on.contains("ivm1                     8      2       10.0%  100.0%   25.0%         50000000\n"),
            "{on}"
        );
    }

    #[test]
    fn memory_of_every_guest_is_interleaved() {
        insta::assert_snapshot!(text(|out| memory_types([&detail().summary, &running().summary], out)));
    }

    #[test]
    fn one_guest_shows_the_use_of_its_processors() {
        let text = text(|out| of_guest(&running(), NOW, out));
        let line = text.lines().find(|line| line.trim_start().starts_with("all")).unwrap();
        assert!(line.starts_with(" all         50000000   25.0%"), "{line}");
        assert!(line.ends_with("%    40MHz 100 seconds"), "{line}");
    }
}

//! The operator console: a frame of the overview, output of guests, a key while a guest floods its console.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hpvm::testing::{Screen, emulate};
use std::hint::black_box;

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    for (columns, lines) in [(80, 24), (160, 50), (300, 80)] {
        let mut screen = Screen::overview(columns, lines, 200);
        group.bench_function(format!("overview of 200 guests, {columns}x{lines}"), |bencher| {
            bencher.iter(|| {
                screen.press('j');
                screen.draw();
            });
        });
    }
    group.finish();
}

/// Lines as a boot or a build prints them, with colours now and then.
fn log_like() -> Vec<u8> {
    let line = |n: u32| match n % 8 {
        0 => format!("[{n:>8}.{:06}] \x1b[1;32mok\x1b[0m device {n} is ready\r\n", n * 37),
        _ => {
            format!("[{n:>8}.{:06}] some driver: line {n} of what a guest prints while it boots\r\n", n * 37)
        }
    };
    (0..200_000).map(line).collect::<String>().into_bytes()
}

fn output(criterion: &mut Criterion) {
    let bytes = log_like();
    let mut group = criterion.benchmark_group("output");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(10);
    group.bench_function("terminal alone", |bencher| bencher.iter(|| emulate(black_box(&bytes))));
    let mut screen = Screen::console(80, 24);
    group.bench_function("console, a frame every 64 KiB", |bencher| {
        bencher.iter(|| {
            for (number, chunk) in bytes.chunks(4096).enumerate() {
                screen.print(chunk);
                if number % 16 == 0 {
                    screen.draw();
                }
            }
        });
    });
    group.finish();
}

/// A key has its effect drawn after the output that the loop takes in one turn before it (4 ms of it) at the latest;
/// this is the part that follows: the key itself and the frame.
fn key(criterion: &mut Criterion) {
    let bytes = log_like();
    let mut screen = Screen::console(160, 50);
    let mut chunks = bytes.chunks(4096).cycle();
    criterion.bench_function("key and frame after 64 KiB of output", |bencher| {
        bencher.iter(|| {
            (0..16).for_each(|_| screen.print(chunks.next().unwrap_or_default()));
            screen.press('x');
            screen.draw();
        });
    });
}

/// Resident memory of this process, in MiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or_default() >> 10
}

/// No time but memory: it is measured once and printed.
fn memory(_: &mut Criterion) {
    let mut screen = Screen::consoles(10, 10_000);
    screen.draw();
    println!("10 consoles of 10,000 lines, one of them looked back in: {} MiB resident", resident());
}

criterion_group!(benches, memory, frames, output, key);
criterion_main!(benches);

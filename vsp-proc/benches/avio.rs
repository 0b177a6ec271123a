//! Requests a second through a real ring, back-end and file, without a guest: `cargo bench -p vsp-proc --features testing`.
//!
//! One line a workload: name, operations a second, MB a second, mean latency. The file lies in the directory named by
//! `KITTSON_BENCH_DIR` (the system's directory for temporary files otherwise) and is in the page cache after its
//! creation, so what is measured is the way there and back, not the disk.

use std::error::Error;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::backing::{Access, RawFile};
use storage::identity::unit_id;
use storage::scsi::{Disk, Product};
use vsp_proc::avio::testing::{Driver, sealed_ram};
use vsp_proc::avio::{Adapter, RamPolicy, Targets};

/// Size of the file in bytes.
const DISK: u64 = 256 << 20;
const BLOCK: u64 = 512;
/// How long each workload runs.
const DURATION: Duration = Duration::from_secs(2);
const LUN: [u8; 8] = [1, 0, 0x40, 0, 0, 0, 0, 0];
const QUEUE: usize = 2;

struct Workload {
    name: &'static str,
    opcode: u8,
    len: u32,
    depth: u16,
    random: bool,
}

const READ_16: u8 = 0x88;
const WRITE_16: u8 = 0x8a;

#[rustfmt::skip]
const WORKLOADS: &[Workload] = &[
    Workload { name: "4k-random-read-qd1", opcode: READ_16, len: 4 << 10, depth: 1, random: true },
    Workload { name: "4k-random-read-qd32", opcode: READ_16, len: 4 << 10, depth: 32, random: true },
    Workload { name: "4k-random-write-qd1", opcode: WRITE_16, len: 4 << 10, depth: 1, random: true },
    Workload { name: "4k-random-write-qd32", opcode: WRITE_16, len: 4 << 10, depth: 32, random: true },
    Workload { name: "128k-sequential-read-qd4", opcode: READ_16, len: 128 << 10, depth: 4, random: false },
    Workload { name: "128k-sequential-write-qd4", opcode: WRITE_16, len: 128 << 10, depth: 4, random: false },
];

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::var_os("KITTSON_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let path = dir.join(format!("kittson-bench-{}", std::process::id()));
    RawFile::create(&path, DISK)?;
    std::fs::write(&path, vec![0x5a; DISK as usize])?;
    let store = Arc::new(RawFile::open(&path, Access::ReadWrite)?);
    // The open file is all that is needed.
    std::fs::remove_file(&path)?;

    let targets = Targets::new();
    targets.insert(0, Arc::new(Disk::new(store, Product::FileDisk, unit_id("bench"))))?;
    let (ours, theirs) = UnixStream::pair()?;
    let adapter = Adapter {
        name: "bench".to_owned(),
        targets: Arc::new(targets),
        request_queues: 1,
        ram: RamPolicy::SealedOnly,
    };
    let _adapter = adapter.serve(theirs)?;
    let mut driver = Driver::new(ours, sealed_ram(), 3, 128);
    driver.start()?;
    for workload in WORKLOADS {
        run(&mut driver, workload);
    }
    Ok(())
}

fn run(driver: &mut Driver, workload: &Workload) {
    let mut lbas = Lbas { state: 0x2545_f491_4f6c_dd1d, next: 0, workload };
    for head in 0..workload.depth {
        submit(driver, workload, head, lbas.next());
    }
    let begin = Instant::now();
    let mut done = 0u64;
    while begin.elapsed() < DURATION {
        let (head, _) = driver.wait_used(QUEUE);
        done += 1;
        submit(driver, workload, head, lbas.next());
    }
    let seconds = begin.elapsed().as_secs_f64();
    for _ in 0..workload.depth {
        driver.wait_used(QUEUE);
    }
    let rate = done as f64 / seconds;
    let megabytes = rate * f64::from(workload.len) / 1e6;
    let latency = f64::from(workload.depth) / rate * 1e6;
    println!("{:28} {rate:10.0} op/s {megabytes:9.1} MB/s {latency:9.1} us", workload.name);
}

fn submit(driver: &mut Driver, workload: &Workload, head: u16, lba: u64) {
    let blocks = workload.len / BLOCK as u32;
    let mut cdb = [0; 16];
    cdb[0] = workload.opcode;
    cdb[2..10].copy_from_slice(&lba.to_be_bytes());
    cdb[10..14].copy_from_slice(&blocks.to_be_bytes());
    let is_read = workload.opcode == READ_16;
    let (out, room) = if is_read { (0, workload.len) } else { (workload.len, 0) };
    driver.put_request_for(QUEUE, head, LUN, &cdb, out, room);
    driver.make_available(QUEUE, head);
}

/// Where the next request goes.
struct Lbas<'a> {
    state: u64,
    next: u64,
    workload: &'a Workload,
}

impl Lbas<'_> {
    fn next(&mut self) -> u64 {
        let places = DISK / u64::from(self.workload.len);
        let place = if self.workload.random {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            self.state % places
        } else {
            self.next += 1;
            self.next % places
        };
        place * u64::from(self.workload.len) / BLOCK
    }
}

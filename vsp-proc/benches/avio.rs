//! Requests a second through a real ring, back-end and file, without a guest, ours against `qemu-storage-daemon`:
//!
//!     cargo bench -p vsp-proc --features testing
//!
//! Both back-ends serve the same file at the same time, and each workload runs on the one and on the other in turns, which
//! of them first changing from turn to turn. One line a workload: operations a second of ours, of the other (Debian's
//! `qemu-system-common`; left out where it is not installed), each that of the median turn, their ratio, and our mean
//! latency. The file lies in the directory named by `KITTSON_BENCH_DIR` (the system's directory for temporary files
//! otherwise) and is in the page cache after its creation, so what is measured is the way there and back. With
//! `KITTSON_BENCH_COLD=1` it is larger, is dropped from there before each turn, and a turn of sequential reads ends with
//! the file: nothing is read twice. `KITTSON_BENCH_AIO=io_uring` has the other use io_uring, too, in place of threads;
//! words after `--` choose workloads by parts of their names.

use std::error::Error;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::backing::{Access, RawFile};
use storage::identity::unit_id;
use storage::scsi::{Disk, Product};
use vhost::vhost_user::message::VhostUserProtocolFeatures;
use vsp_proc::avio::testing::{Driver, sealed_ram};
use vsp_proc::avio::{Adapter, AdapterHandle, RamPolicy, Targets};

/// Size of the file in bytes, when it is in the page cache and when it is not.
const WARM_DISK: u64 = 256 << 20;
const COLD_DISK: u64 = 1 << 30;
const BLOCK: u64 = 512;
/// How long each workload runs on a back-end at a time, and how many times.
const TURN: Duration = Duration::from_millis(300);
const TURNS: usize = 8;
const LUN: [u8; 8] = [1, 0, 0x40, 0, 0, 0, 0, 0];

struct Workload {
    name: &'static str,
    reads: bool,
    len: u32,
    depth: u16,
    random: bool,
}

#[rustfmt::skip]
const WORKLOADS: &[Workload] = &[
    Workload { name: "4k-random-read-qd1", reads: true, len: 4 << 10, depth: 1, random: true },
    Workload { name: "4k-random-read-qd32", reads: true, len: 4 << 10, depth: 32, random: true },
    Workload { name: "4k-random-write-qd1", reads: false, len: 4 << 10, depth: 1, random: true },
    Workload { name: "4k-random-write-qd32", reads: false, len: 4 << 10, depth: 32, random: true },
    Workload { name: "128k-sequential-read-qd4", reads: true, len: 128 << 10, depth: 4, random: false },
    Workload { name: "128k-sequential-write-qd4", reads: false, len: 128 << 10, depth: 4, random: false },
];

fn main() -> Result<(), Box<dyn Error>> {
    let base = std::env::var_os("KITTSON_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let disk = match std::env::var_os("KITTSON_BENCH_COLD") {
        Some(_) => COLD_DISK,
        None => WARM_DISK,
    };
    let home = base.join(format!("kittson-bench-{}", std::process::id()));
    std::fs::create_dir(&home)?;
    let result = compare(&home, disk);
    std::fs::remove_dir_all(&home)?;
    result
}

fn compare(home: &Path, disk: u64) -> Result<(), Box<dyn Error>> {
    let path = home.join("disk");
    let mut file = std::fs::File::create(&path)?;
    std::io::copy(&mut std::io::repeat(0x5a).take(disk), &mut file)?;
    file.sync_all()?;
    let theirs = Theirs::start(home, &path);
    let (_adapter, driver) = serve(&path)?;
    let mut ours = Bench { driver, device: Device::Scsi, disk };
    let mut theirs = match theirs {
        Ok(mut theirs) => {
            theirs.bench.disk = disk;
            Some(theirs)
        }
        Err(reason) => {
            println!("skipped: no qemu-storage-daemon to compare with ({reason})");
            None
        }
    };
    println!("{:28} {:>10} {:>10} {:>6} {:>9}", "workload", "ours op/s", "qemu op/s", "ratio", "ours us");
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_chosen =
        |workload: &&Workload| chosen.is_empty() || chosen.iter().any(|word| workload.name.contains(word));
    for workload in WORKLOADS.iter().filter(is_chosen) {
        let (mut own, mut other) = (Rates::default(), Rates::default());
        for turn in 0..2 * TURNS {
            if disk == COLD_DISK {
                // What is dirty cannot be dropped.
                file.sync_data()?;
                rustix::fs::fadvise(file.as_fd(), 0, None, rustix::fs::Advice::DontNeed)?;
            }
            match &mut theirs {
                // Ours, theirs, theirs, ours, …
                Some(theirs) if matches!(turn % 4, 1 | 2) => theirs.bench.run(workload, turn / 2, &mut other),
                _ => ours.run(workload, turn / 2, &mut own),
            }
        }
        let (own, other) = (own.median(), other.median());
        let latency = f64::from(workload.depth) / own * 1e6;
        println!("{:28} {own:10.0} {other:10.0} {:6.2} {latency:9.1}", workload.name, own / other);
    }
    Ok(())
}

fn serve(path: &Path) -> Result<(AdapterHandle, Driver), Box<dyn Error>> {
    let store = Arc::new(RawFile::open(path, Access::ReadWrite)?);
    let targets = Targets::new();
    targets.insert(0, Arc::new(Disk::new(store, Product::FileDisk, unit_id("bench"))))?;
    let (ours, theirs) = UnixStream::pair()?;
    let adapter = Adapter {
        name: "bench".to_owned(),
        targets: Arc::new(targets),
        request_queues: 1,
        ram: RamPolicy::SealedOnly,
    };
    let adapter = adapter.serve(theirs)?;
    let mut driver = Driver::new(ours, sealed_ram(), 3, 128);
    driver.start()?;
    Ok((adapter, driver))
}

/// The other back-end, with its own thread for I/O as ours has.
struct Theirs {
    process: Child,
    bench: Bench,
}

impl Theirs {
    fn start(home: &Path, disk: &Path) -> Result<Theirs, Box<dyn Error>> {
        let socket = home.join("qemu.socket");
        let aio = std::env::var("KITTSON_BENCH_AIO").unwrap_or_else(|_| "threads".to_owned());
        let mut process = Command::new("qemu-storage-daemon")
            .args(["--object", "iothread,id=io"])
            .arg("--blockdev")
            .arg(format!("file,node-name=disk,filename={},locking=off,aio={aio}", disk.display()))
            .arg("--export")
            .arg(format!(
                "vhost-user-blk,id=export,node-name=disk,addr.type=unix,addr.path={},writable=on,iothread=io",
                socket.display()
            ))
            .stdin(Stdio::null())
            .spawn()?;
        let connected = connect(&socket, &mut process);
        let bench = connected.and_then(|connection| {
            let mut driver = Driver::new(connection, sealed_ram(), 1, 128);
            // VERSION_1, EVENT_IDX, INDIRECT_DESC: as ours.
            driver.features = 1 << 32 | 1 << 29 | 1 << 28;
            driver.protocol =
                VhostUserProtocolFeatures::REPLY_ACK | VhostUserProtocolFeatures::INFLIGHT_SHMFD;
            driver.start()?;
            Ok(Bench { driver, device: Device::Block, disk: WARM_DISK })
        });
        match bench {
            Ok(bench) => Ok(Theirs { process, bench }),
            Err(error) => {
                process.kill()?;
                process.wait()?;
                Err(error)
            }
        }
    }
}

fn connect(socket: &Path, process: &mut Child) -> Result<UnixStream, Box<dyn Error>> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match UnixStream::connect(socket) {
            Ok(connection) => return Ok(connection),
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => std::thread::yield_now(),
        }
        if let Some(status) = process.try_wait()? {
            return Err(format!("it ended: {status}").into());
        }
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        // It has nothing to lose.
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

#[derive(Clone, Copy)]
enum Device {
    Scsi,
    Block,
}

/// Operations a second of each turn.
#[derive(Default)]
struct Rates(Vec<f64>);

impl Rates {
    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

struct Bench {
    driver: Driver,
    device: Device,
    /// Size in bytes.
    disk: u64,
}

impl Bench {
    fn queue(&self) -> usize {
        match self.device {
            Device::Scsi => 2,
            Device::Block => 0,
        }
    }

    fn run(&mut self, workload: &Workload, turn: usize, rates: &mut Rates) {
        let places = self.disk / u64::from(workload.len);
        let mut lbas = Lbas { state: 0x2545_f491_4f6c_dd1d + turn as u64, next: 0, places, workload };
        let is_one_pass = self.disk == COLD_DISK && workload.reads && !workload.random;
        let queue = self.queue();
        for head in 0..workload.depth {
            self.submit(workload, head, lbas.next());
        }
        let begin = Instant::now();
        let mut done = 0;
        while if is_one_pass { lbas.next < places } else { begin.elapsed() < TURN } {
            let (head, _) = self.driver.wait_used(queue);
            done += 1;
            self.submit(workload, head, lbas.next());
        }
        rates.0.push(f64::from(done) / begin.elapsed().as_secs_f64());
        for _ in 0..workload.depth {
            let (head, _) = self.driver.wait_used(queue);
            self.check(head);
        }
    }

    fn submit(&mut self, workload: &Workload, head: u16, lba: u64) {
        let queue = self.queue();
        match self.device {
            Device::Block => {
                let kind = u32::from(!workload.reads);
                self.driver.put_block_request(queue, head, kind, lba, workload.len);
            }
            Device::Scsi => {
                const READ_16: u8 = 0x88;
                const WRITE_16: u8 = 0x8a;
                let mut cdb = [0; 16];
                cdb[0] = if workload.reads { READ_16 } else { WRITE_16 };
                cdb[2..10].copy_from_slice(&lba.to_be_bytes());
                cdb[10..14].copy_from_slice(&(workload.len / BLOCK as u32).to_be_bytes());
                let (out, room) = if workload.reads { (0, workload.len) } else { (workload.len, 0) };
                self.driver.put_request_for(queue, head, LUN, &cdb, out, room);
            }
        }
        self.driver.make_available(queue, head);
    }

    /// That the last request of a head was carried out at all.
    fn check(&self, head: u16) {
        let status = self.driver.read(self.driver.request_at(head) + 0x100, 12);
        match self.device {
            Device::Block => assert_eq!(status[0], 0, "virtio-blk status"),
            Device::Scsi => assert_eq!(status[10..], [0, 0], "SCSI status and response"),
        }
    }
}

/// Where the next request goes.
struct Lbas<'a> {
    state: u64,
    next: u64,
    places: u64,
    workload: &'a Workload,
}

impl Lbas<'_> {
    fn next(&mut self) -> u64 {
        let places = self.places;
        let place = if self.workload.random {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            self.state % places
        } else {
            let place = self.next % places;
            self.next += 1;
            place
        };
        place * u64::from(self.workload.len) / BLOCK
    }
}

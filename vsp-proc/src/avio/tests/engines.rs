//! The ways I/O is done, each against a file that is not in the host's cache: by io_uring and by threads.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use super::super::engine::Io;
use super::super::uring::Uring;
use super::*;

const BLOCKS: u32 = 4096;
const LUN: [u8; 8] = [1, 3, 0x40, 0, 0, 0, 0, 0];
const FUA: u8 = 0x08;

/// The ways this host allows.
fn ways() -> Vec<Io> {
    match Uring::new() {
        Ok(_) => {
            println!("checked: I/O by io_uring and by threads");
            vec![Io::Uring, Io::Threads]
        }
        Err(error) => {
            println!("skipped: I/O by io_uring, which this host refuses ({error})");
            vec![Io::Threads]
        }
    }
}

fn with_file(path: &Path, io: Io) -> (AdapterHandle, Driver) {
    let store = RawFile::open(path, Access::ReadWrite).unwrap();
    let targets = Arc::new(Targets::new());
    targets.insert(3, disk(Arc::new(store))).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let name = "test 0,1".to_owned();
    let adapter = Adapter { name, targets, request_queues: 2, ram: RamPolicy::SealedOnly };
    let handle = adapter.serve_by(theirs, io).unwrap();
    let mut driver = Driver::new(ours, sealed_ram(), 4, 128);
    driver.start().unwrap();
    (handle, driver)
}

/// Ends an adapter, so that its file is free.
fn end((adapter, driver): (AdapterHandle, Driver)) {
    drop(driver);
    assert!(adapter.wait(PATIENCE));
}

/// What block `n` holds.
fn pattern(n: u32) -> Vec<u8> {
    (0..512u32).map(|i| (n.wrapping_mul(0x9e37_79b9).wrapping_add(i * 7) >> 8) as u8).collect()
}

fn image(directory: &tempfile::TempDir) -> std::path::PathBuf {
    let path = directory.path().join("disk");
    std::fs::write(&path, (0..BLOCKS).flat_map(pattern).collect::<Vec<_>>()).unwrap();
    path
}

/// The host forgets what it has cached of a file, if it has nothing of it to write.
fn forget(path: &Path) {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

/// Keeps 32 requests in flight on two rings until `count` are done; `request` makes the nth, `check` looks at it.
fn keep_busy(
    driver: &mut Driver,
    count: u32,
    request: impl Fn(u32) -> (Vec<u8>, Vec<u8>, u32),
    check: impl Fn(u32, &Answer),
) {
    let mut running: BTreeMap<(usize, u16), (u32, u32)> = BTreeMap::new();
    let mut next = 0;
    let mut start = |driver: &mut Driver, running: &mut BTreeMap<_, _>, queue: usize, head: u16| {
        if next < count {
            let (cdb, out, room) = request(next);
            driver.put_request(queue, head, LUN, &cdb, &out, room);
            driver.make_available(queue, head);
            running.insert((queue, head), (next, room));
            next += 1;
        }
    };
    for head in 0..32u16 {
        start(driver, &mut running, 2 + usize::from(head % 2), head);
    }
    while let Some(queue) = running.keys().next().map(|(queue, _)| *queue) {
        let (head, written) = driver.wait_used(queue);
        let (number, room) = running.remove(&(queue, head)).expect("a request of ours, once");
        let answer = driver.answer(head, written, room);
        good(&answer);
        check(number, &answer);
        start(driver, &mut running, queue, head);
    }
}

#[test]
fn many_reads_at_once_return_each_its_own_blocks() {
    let directory = tempfile::tempdir().unwrap();
    let path = image(&directory);
    for io in ways() {
        forget(&path);
        let (adapter, mut driver) = with_file(&path, io);
        let place = |n: u32| n.wrapping_mul(2_654_435_761) % (BLOCKS - 8);
        let request = |n| (cdb(READ_10, place(n), 8).to_vec(), vec![], 4096);
        keep_busy(&mut driver, 600, request, |n, answer| {
            let expected: Vec<u8> = (place(n)..place(n) + 8).flat_map(pattern).collect();
            assert!(answer.data == expected, "{io:?}: read {n}");
        });
        let statistics = adapter.targets().statistics()[0].1;
        assert_eq!((statistics.reads, statistics.read_bytes), (600, 600 * 4096), "{io:?}");
        end((adapter, driver));
    }
}

#[test]
fn durable_writes_flushes_and_discards_reach_the_file() {
    for io in ways() {
        let directory = tempfile::tempdir().unwrap();
        let path = image(&directory);
        let (adapter, mut driver) = with_file(&path, io);
        let block = |n: u32| vec![n as u8 ^ 0x5a; 512];
        // Every third request is a flush; the others write, in turns with and without FUA.
        keep_busy(
            &mut driver,
            300,
            |n| match n % 3 {
                0 => (cdb(0x35, 0, 0).to_vec(), vec![], 0),
                turn => {
                    let mut write = cdb(WRITE_10, n, 1);
                    write[1] |= if turn == 1 { FUA } else { 0 };
                    (write.to_vec(), block(n), 0)
                }
            },
            |_, _| {},
        );
        let mut list = [0; 24];
        list[..8].copy_from_slice(&[0, 22, 0, 16, 0, 0, 0, 0]);
        list[8..16].copy_from_slice(&1024u64.to_be_bytes());
        list[16..20].copy_from_slice(&1024u32.to_be_bytes());
        let unmap = driver.command(3, &[0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], &list, 0);
        let content = std::fs::read(&path).unwrap();
        for n in 0..300 {
            let expected = if n % 3 == 0 { pattern(n) } else { block(n) };
            assert_eq!(content[n as usize * 512..][..512], expected, "{io:?}: block {n}");
        }
        let discarded = &content[1024 * 512..2048 * 512];
        match unmap.sense {
            None => assert!(unmap.residual == 0 && discarded.iter().all(|byte| *byte == 0)),
            Some(sense) => assert_eq!(sense, (5, 0x20, 0), "the file system gives no space back"),
        }
        let statistics = adapter.targets().statistics()[0].1;
        assert_eq!((statistics.flushes, statistics.writes, statistics.errors), (100, 200, 0), "{io:?}");
    }
}

#[test]
fn scattered_data_is_gathered() {
    let directory = tempfile::tempdir().unwrap();
    let path = image(&directory);
    for io in ways() {
        forget(&path);
        let (adapter, mut driver) = with_file(&path, io);
        // Request, response, and two pages of data in four pieces.
        driver.put_request(2, 0, LUN, &cdb(READ_10, 100, 16), &[], 0);
        let (high, table) = (testing::HIGH_RAM_AT, driver.queues[2].descriptors());
        let parts = [
            (driver.request_at(0), 51, testing::NEXT),
            (driver.request_at(0) + 0x100, 108, testing::NEXT | testing::WRITE),
            (high + 1, 1000, testing::NEXT | testing::WRITE),
            (high + 0x9000, 3096, testing::NEXT | testing::WRITE),
            (high + 0x4000, 4095, testing::NEXT | testing::WRITE),
            (high + 0x8000, 1, testing::WRITE),
        ];
        for (i, (address, len, flags)) in parts.into_iter().enumerate() {
            driver.put_descriptor(table, 10 + i as u16, (address, len, flags, 11 + i as u16));
        }
        driver.make_available(2, 10);
        assert_eq!(driver.wait_used(2), (10, 108 + 8192));
        let found = parts[2..].iter().flat_map(|(at, len, _)| driver.read(*at, *len as usize));
        let expected: Vec<u8> = (100..116).flat_map(pattern).collect();
        assert!(found.collect::<Vec<_>>() == expected, "{io:?}");
        end((adapter, driver));
    }
}

#[test]
fn resized_disk_is_announced_to_the_driver() {
    let directory = tempfile::tempdir().unwrap();
    let path = image(&directory);
    let (adapter, mut driver) = with_file(&path, Io::preferred());
    let buffer = 0x10_0000;
    driver.put_descriptor(driver.queues[1].descriptors(), 0, (buffer, 16, testing::WRITE, 0));
    driver.make_available(1, 0);
    assert_eq!(adapter.announce_resized(), [0u8; 0]);
    File::options().write(true).open(&path).unwrap().set_len(4 << 20).unwrap();
    assert_eq!(adapter.announce_resized(), [3]);
    assert_eq!(driver.wait_used(1), (0, 16));
    // A parameter change of target 3: additional sense code 2Ah, qualifier 09h.
    assert_eq!(driver.read(buffer, 16), [3, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0x2a, 0x09, 0, 0]);
    let attention = driver.command(3, &[0; 6], &[], 0);
    assert_eq!((attention.status, attention.sense), (CHECK_CONDITION, Some((6, 0x2a, 9))));
    let capacity = driver.command(3, &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[], 8);
    assert_eq!(capacity.data, [0, 0, 0x1f, 0xff, 0, 0, 2, 0]);
}

#[test]
fn file_that_ends_early_is_not_ready_however_it_is_read() {
    for io in ways() {
        let directory = tempfile::tempdir().unwrap();
        let path = image(&directory);
        let (_adapter, mut driver) = with_file(&path, io);
        File::options().write(true).open(&path).unwrap().set_len(4096).unwrap();
        let answer = driver.command(3, &cdb(READ_10, 100, 1), &[], 512);
        assert_eq!((answer.status, answer.sense), (CHECK_CONDITION, Some((2, 4, 0))), "{io:?}");
    }
}

//! What the host does meanwhile: resizing, and operations handed over to somebody else's engine.

use std::os::fd::AsFd;
use std::time::Duration;

use super::*;
use crate::backing::{Access, RawFile};

const READ_CAPACITY: [u8; 10] = [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn resized_disk_is_announced_to_everybody() {
    let bench = Bench::new();
    let other = bench.shared_with(2);
    assert_eq!(bench.disk.notice_resize(), None);
    bench.store.grow((2 * BLOCKS * BLOCK) as usize);
    assert_eq!(bench.sense(&extent(0x28, BLOCKS, 1), &[]), Sense::LBA_OUT_OF_RANGE);
    for bench in [&bench, &other] {
        assert_eq!(bench.disk.notice_resize(), Some(Sense::CAPACITY_CHANGED));
        assert_eq!(bench.disk.notice_resize(), None);
        assert_eq!(bench.sense(&[0; 6], &[]), Sense::CAPACITY_CHANGED);
        assert_eq!(bench.data(&READ_CAPACITY, 8), [0, 0, 15, 0xff, 0, 0, 2, 0]);
        assert_eq!(bench.data(&extent(0x28, BLOCKS, 1), 512).len(), 512);
    }
}

#[test]
fn capacity_is_always_that_of_the_moment() {
    let bench = Bench::new();
    bench.store.grow((2 * BLOCKS * BLOCK) as usize);
    assert_eq!(bench.data(&READ_CAPACITY, 8), [0, 0, 15, 0xff, 0, 0, 2, 0]);
    assert_eq!(bench.sense(&[0; 6], &[]), Sense::CAPACITY_CHANGED);
}

/// A disk on a real file, and one of memory.
fn on_file() -> (Disk, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("disk");
    RawFile::create(&path, 1 << 20).unwrap();
    let store = RawFile::open(&path, Access::ReadWrite).unwrap();
    (Disk::new(Arc::new(store), Product::FileDisk, Uuid::from_u128(1)), directory)
}

fn hand_over(disk: &Disk, cdb: &[u8], data_out: &[u8]) -> Execution {
    let (mut out, mut room) = (data_out.to_vec(), [0; 4096]);
    let (data_out, data_in) = (Segments::from_slice(&mut out), Segments::from_slice(&mut room));
    disk.execute(
        &Command { cdb, data_out: &data_out, data_in: &data_in, delivery: Delivery::default() },
        Patience::Handover,
    )
}

fn begun(disk: &Disk, cdb: &[u8], data_out: &[u8]) -> Begun {
    match hand_over(disk, cdb, data_out) {
        Execution::Begun(begun) => begun,
        other => panic!("{cdb:02x?}: {other:?}"),
    }
}

fn done(data_out: u64, data_in: u64) -> Execution {
    Execution::Done(Completion { sense: None, data_out, data_in })
}

#[test]
fn commands_of_one_host_operation_are_handed_over() {
    let (disk, _directory) = on_file();
    let read = begun(&disk, &extent(0x28, 4, 2), &[]);
    assert_eq!(read.operation(), Operation::Read { offset: 2048, len: 1024 });
    assert!(read.file().is_some_and(|file| file.as_fd().try_clone_to_owned().is_ok()));
    assert_eq!(disk.finish(read, Ok(1024)), done(0, 1024));
    let fua = with(extent(0x2a, 4, 2), 1, 8);
    let write = begun(&disk, &fua, &[1; 1024]);
    let durability = Durability::Durable;
    assert_eq!(write.operation(), Operation::Write { offset: 2048, len: 1024, durability });
    assert_eq!(disk.finish(write, Ok(1024)), done(1024, 0));
    let flush = begun(&disk, &extent(0x35, 0, 0), &[]);
    assert_eq!(flush.operation(), Operation::Flush);
    assert_eq!(disk.finish(flush, Ok(0)), done(0, 0));
    let unmap = [0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0];
    let list = unmap_list(&[(8, 8)]);
    if disk.unit.store.discard().is_some() {
        let discard = begun(&disk, &unmap, &list);
        assert_eq!(discard.operation(), Operation::Discard { offset: 4096, len: 4096 });
        assert_eq!(disk.finish(discard, Ok(0)), done(24, 0));
    }
    let statistics = disk.statistics();
    assert_eq!((statistics.reads, statistics.writes, statistics.flushes), (1, 1, 1));
    assert_eq!((statistics.read_bytes, statistics.written_bytes), (1024, 1024));

    assert_eq!(hand_over(&disk, &extent(0x2a, 4, 1), &block(1)), done(512, 0), "a short wait");
    assert_eq!(hand_over(&disk, &extent(0x41, 4, 1), &block(1)), Execution::WouldWait(Wait::Long));
    assert_eq!(hand_over(&disk, &[0; 6], &[]), done(0, 0));
    let memory = Bench::new();
    assert_eq!(hand_over(&memory.disk, &extent(0x28, 4, 2), &[]), Execution::WouldWait(Wait::Long));
}

#[test]
fn writes_are_handed_over_for_a_while_after_one_took_long() {
    let (disk, _directory) = on_file();
    let cdb = extent(0x2a, 4, 1);
    // Whoever is kept from running meanwhile tries again.
    let write = loop {
        disk.unit.pace.took(Duration::from_secs(1));
        if let Execution::Begun(write) = hand_over(&disk, &cdb, &block(1)) {
            break write;
        }
    };
    let durability = Durability::Cached;
    assert_eq!(write.operation(), Operation::Write { offset: 2048, len: 512, durability });
    assert_eq!(disk.finish(write, Ok(512)), done(512, 0));
}

#[test]
fn handed_over_operations_fail_or_are_done_anew() {
    let (disk, _directory) = on_file();
    let errno = io::Error::from_raw_os_error;
    let again = Execution::WouldWait(Wait::Long);
    let failed = |sense| Execution::Done(Completion { sense: Some(sense), data_out: 0, data_in: 0 });
    let read = || begun(&disk, &extent(0x28, 4, 2), &[]);
    assert_eq!(disk.finish(read(), Ok(512)), again, "in part");
    assert_eq!(disk.finish(read(), Err(errno(libc::EINTR))), again);
    assert_eq!(disk.finish(read(), Err(errno(libc::EIO))), failed(Sense::READ_ERROR));
    let write = || begun(&disk, &with(extent(0x2a, 4, 1), 1, 8), &block(1));
    assert_eq!(disk.finish(write(), Err(errno(libc::EOPNOTSUPP))), again);
    assert_eq!(disk.finish(write(), Err(errno(libc::ENOSPC))), failed(Sense::NO_SPACE));
    let flush = || begun(&disk, &extent(0x35, 0, 0), &[]);
    // A second flush would succeed although something was lost.
    assert_eq!(disk.finish(flush(), Err(errno(libc::EIO))), failed(Sense::WRITE_ERROR));
    assert_eq!(disk.finish(flush(), Err(errno(libc::EINTR))), failed(Sense::TARGET_FAILURE));
    assert_eq!(disk.statistics().errors, 4);
}

#[test]
fn write_that_was_handed_over_keeps_atomic_commands_out() {
    let (disk, _directory) = on_file();
    let write = begun(&disk, &with(extent(0x2a, 4, 1), 1, 8), &block(1));
    let disk = &disk;
    std::thread::scope(|scope| {
        let compare = scope.spawn(move || {
            let cdb = [0x89, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0];
            let (mut data, mut none) = ([0; 1024], []);
            let (data_out, data_in) = (Segments::from_slice(&mut data), Segments::from_slice(&mut none));
            let command =
                Command { cdb: &cdb, data_out: &data_out, data_in: &data_in, delivery: Delivery::default() };
            disk.execute(&command, Patience::Unlimited)
        });
        // New writes queue behind it as soon as it waits.
        while !matches!(
            hand_over(disk, &with(extent(0x2a, 9, 1), 1, 8), &block(1)),
            Execution::WouldWait(Wait::Long)
        ) {
            std::thread::yield_now();
        }
        assert!(!compare.is_finished());
        disk.finish(write, Ok(512));
        assert_eq!(compare.join().unwrap(), done(1024, 0));
    });
}

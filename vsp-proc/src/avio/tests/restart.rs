//! Back-ends that go and come: guest resets, reconnection, and a back-end killed in the middle of a request.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};

use super::*;
use vhost::VhostBackend;

#[test]
fn guest_may_reset_and_start_again_any_number_of_times() {
    let (_adapter, mut driver, _) = with_store();
    for round in 0..5 {
        for _ in 0..10 + round {
            good(&driver.command(3, &cdb(READ_10, 0, 1), &[], 512));
        }
        for index in 0..driver.queues.len() {
            let base = driver.front_end.get_vring_base(index).unwrap();
            assert_eq!(base, u32::from(driver.queues[index].available));
        }
        // A new life: empty rings, a new in-flight region.
        driver.forget_rings();
        driver.start().unwrap();
    }
}

#[test]
fn stopped_rings_go_on_where_they_were() {
    let (_adapter, mut driver, _) = with_store();
    for _ in 0..300 {
        good(&driver.command(3, &cdb(READ_10, 0, 1), &[], 512));
    }
    let base = driver.front_end.get_vring_base(2).unwrap();
    assert_eq!(base, 300);
    driver.set_base(2, 300);
    driver.start_ring(2).unwrap();
    good(&driver.command(3, &cdb(READ_10, 0, 1), &[], 512));
}

#[test]
fn requests_made_while_no_back_end_is_there_are_served_by_the_next() {
    let (adapter, mut driver, _) = with_store();
    good(&driver.command(3, &[0; 6], &[], 0));
    adapter.stop();
    assert!(adapter.wait(PATIENCE));
    driver.put_request(2, 9, [1, 3, 0x40, 0, 0, 0, 0, 0], &[0; 6], &[], 0);
    driver.make_available(2, 9);
    let targets = Arc::clone(adapter.targets());
    let (_next, connection) = serve(&targets);
    driver.reconnect(connection).unwrap();
    assert_eq!(driver.wait_used(2).0, 9);
}

/// The variable by which this test program knows that it is to be a back-end, and on which descriptor and file.
const CHILD: &str = "KITTSON_TEST_BACK_END";

/// Not a test of its own: the body of the back-end process that the tests below kill.
#[test]
fn back_end_process() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let (path, stalls) = arguments.split_once('|').unwrap();
    let connection = UnixStream::from(standard_input());
    let store: Arc<dyn BlockStore> = Arc::new(RawFile::open(Path::new(path), Access::ReadWrite).unwrap());
    let targets = Arc::new(Targets::new());
    let target: Arc<dyn Target> = match stalls {
        "stalls" => Arc::new(Slow::default()),
        _ => disk(store),
    };
    targets.insert(3, target).unwrap();
    let adapter =
        Adapter { name: "child".to_owned(), targets, request_queues: 2, ram: RamPolicy::SealedOnly };
    let handle = adapter.serve(connection).unwrap();
    handle.wait(PATIENCE * 10);
}

/// A back-end in a process of its own, which is killed when dropped.
struct BackEnd(Child);

impl BackEnd {
    fn start(path: &Path, behaviour: &str) -> (BackEnd, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let child = Process::new(std::env::current_exe().unwrap())
            .args(["--exact", "avio::tests::restart::back_end_process", "--nocapture"])
            .env(CHILD, format!("{}|{behaviour}", path.display()))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        (BackEnd(child), ours)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for BackEnd {
    fn drop(&mut self) {
        // It may be dead already.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Standard input, which is the connection in a back-end process.
fn standard_input() -> OwnedFd {
    rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3).unwrap()
}

fn image(dir: &tempfile::TempDir) -> std::path::PathBuf {
    let path = dir.path().join("disk");
    RawFile::create(&path, 8 << 20).unwrap();
    path
}

fn started(connection: UnixStream) -> Driver {
    let mut driver = Driver::new(connection, sealed_ram(), 4, 128);
    driver.start().unwrap();
    driver
}

#[test]
fn requests_in_flight_in_a_killed_back_end_are_done_by_the_next_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = image(&dir);
    let (first, connection) = BackEnd::start(&path, "stalls");
    let mut driver = started(connection);
    let lun = [1, 3, 0x40, 0, 0, 0, 0, 0];
    // Some are done, some are taken and never done.
    for _ in 0..5 {
        good(&driver.command(3, &[0; 6], &[], 0));
    }
    for head in 1..=8 {
        let block = [head as u8; 512];
        driver.put_request(2, head, lun, &cdb(WRITE_10, head.into(), 1), &block, 0);
        driver.make_available(2, head);
    }
    driver.wait_taken(2, 8);
    first.kill();
    // Some more are made available while nobody is there.
    for head in 9..=12 {
        let block = [head as u8; 512];
        driver.put_request(2, head, lun, &cdb(WRITE_10, head.into(), 1), &block, 0);
        driver.make_available(2, head);
    }
    let (_second, connection) = BackEnd::start(&path, "works");
    driver.reconnect(connection).unwrap();
    let mut heads: Vec<u16> = (0..12)
        .map(|_| {
            let (head, written) = driver.wait_used(2);
            good(&driver.answer(head, written, 0));
            head
        })
        .collect();
    heads.sort_unstable();
    assert_eq!(heads, (1..=12).collect::<Vec<_>>());
    good(&driver.command(3, &cdb(0x35, 0, 0), &[], 0));
    assert_eq!(driver.used(2), None);
    let content = std::fs::read(&path).unwrap();
    for block in 1..=12usize {
        assert_eq!(content[block * 512..][..512], [block as u8; 512]);
    }
}

#[test]
fn back_end_killed_at_random_moments_loses_and_repeats_nothing() {
    const ROUNDS: u64 = 12;
    let dir = tempfile::tempdir().unwrap();
    let path = image(&dir);
    let (mut back_end, connection) = BackEnd::start(&path, "works");
    let mut driver = started(connection);
    let lun = [1, 3, 0x40, 0, 0, 0, 0, 0];
    // What each block was last acknowledged to hold.
    let mut acknowledged = [0u8; 64];
    let mut random = 0x2545_f491_4f6c_dd1du64;
    for round in 0..ROUNDS {
        let value = round as u8 + 1;
        for head in 0..64 {
            driver.put_request(2, head, lun, &cdb(WRITE_10, head.into(), 1), &[value; 512], 0);
            driver.enter(2, head);
        }
        driver.kick_anyway(2);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let before_death = random % 64;
        for _ in 0..before_death {
            let (head, written) = driver.wait_used(2);
            good(&driver.answer(head, written, 0));
            assert_ne!(acknowledged[usize::from(head)], value, "head {head} returned twice");
            acknowledged[usize::from(head)] = value;
        }
        back_end.kill();
        let (next, connection) = BackEnd::start(&path, "works");
        back_end = next;
        driver.reconnect(connection).unwrap();
        for _ in before_death..64 {
            let (head, written) = driver.wait_used(2);
            good(&driver.answer(head, written, 0));
            assert_ne!(acknowledged[usize::from(head)], value, "head {head} returned twice");
            acknowledged[usize::from(head)] = value;
        }
        assert_eq!(driver.used(2), None);
        let content = std::fs::read(&path).unwrap();
        assert!(content[..64 * 512].iter().all(|byte| *byte == value));
    }
}

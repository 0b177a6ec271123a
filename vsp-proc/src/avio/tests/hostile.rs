//! Drivers and front-ends that break the rules: each harms itself alone.

use super::super::testing::{INDIRECT, NEXT, WRITE};
use super::*;
use rustix::fs::SealFlags;
use std::io::Write;
use vhost::VhostBackend;

/// Two guests on two adapters over the same kind of disk; the first does something, the second must not notice.
fn beside_a_good_guest(misbehave: impl FnOnce(&AdapterHandle, &mut Driver)) {
    let (bad_adapter, mut bad, _) = with_store();
    let (good_adapter, mut innocent, _) = with_store();
    misbehave(&bad_adapter, &mut bad);
    good(&innocent.command(3, &cdb(READ_10, 0, 1), &[], 512));
    assert!(!good_adapter.is_broken());
    drop(bad);
    assert!(bad_adapter.wait(PATIENCE), "the adapter of the bad guest can still be ended");
}

/// The ring is broken by these descriptors, the first being the head.
fn breaks(descriptors: &[(u16, testing::Descriptor)]) {
    beside_a_good_guest(|adapter, driver| {
        for (index, descriptor) in descriptors {
            driver.put_descriptor(driver.queues[2].descriptors(), *index, *descriptor);
        }
        driver.make_available(2, descriptors[0].0);
        driver.wait_error(2);
        assert!(adapter.is_broken());
        assert_eq!(driver.used(2), None, "nothing is returned by a broken ring");
        // The other rings of the adapter go on.
        driver.put_request(3, 0, [1, 3, 0x40, 0, 0, 0, 0, 0], &[0; 6], &[], 0);
        driver.make_available(3, 0);
        driver.wait_used(3);
    });
}

#[test]
fn chain_that_loops_breaks_its_ring() {
    breaks(&[(5, (0x20_0000, 51, NEXT, 6)), (6, (0x20_1000, 8, NEXT, 5))]);
}

#[test]
fn chain_outside_the_table_breaks_its_ring() {
    breaks(&[(5, (0x20_0000, 51, NEXT, 128))]);
}

#[test]
fn buffer_past_the_end_of_ram_breaks_its_ring() {
    breaks(&[(5, (testing::LOW_RAM - 16, 51, 0, 0))]);
    breaks(&[(5, (u64::MAX, u32::MAX, WRITE, 0))]);
}

#[test]
fn bad_indirect_table_breaks_its_ring() {
    breaks(&[(5, (0x20_0000, 17, INDIRECT, 0))]);
    breaks(&[(5, (testing::LOW_RAM, 32, INDIRECT, 0))]);
}

#[test]
fn head_outside_the_table_breaks_the_ring() {
    beside_a_good_guest(|_, driver| {
        driver.make_available(2, 0xffff);
        driver.wait_error(2);
    });
}

#[test]
fn available_index_that_runs_ahead_breaks_the_ring() {
    beside_a_good_guest(|_, driver| {
        driver.write(driver.queues[2].available_ring() + 2, &5000u16.to_le_bytes());
        driver.kick_anyway(2);
        driver.wait_error(2);
    });
}

#[test]
fn head_made_available_twice_breaks_the_ring() {
    let slow = Arc::new(Slow::default());
    let (adapter, mut driver) = with_target(slow.clone());
    driver.put_request(2, 1, [1, 3, 0x40, 0, 0, 0, 0, 0], &cdb(READ_10, 0, 1), &[], 512);
    driver.make_available(2, 1);
    slow.wait_for_waiting(1);
    driver.enter(2, 1);
    driver.kick_anyway(2);
    driver.wait_error(2);
    slow.let_go();
    drop(driver);
    assert!(adapter.wait(PATIENCE));
}

#[test]
fn headers_that_are_too_short_are_failures() {
    beside_a_good_guest(|adapter, driver| {
        let table = driver.queues[2].descriptors();
        // (request, response, expected length in the used ring)
        for (request, response, written) in
            [(50, 108, 12), (51, 107, 12), (0, 12, 12), (51, 11, 0), (51, 0, 0)]
        {
            driver.write(0x20_1000, &[0xee; 12]);
            driver.put_descriptor(table, 0, (0x20_0000, request, NEXT, 1));
            driver.put_descriptor(table, 1, (0x20_1000, response, WRITE, 0));
            driver.make_available(2, 0);
            assert_eq!(driver.wait_used(2), (0, written));
            if written > 0 {
                assert_eq!(driver.read(0x20_1000 + 11, 1), [9], "FAILURE");
            }
        }
        assert!(!adapter.is_broken());
        good(&driver.command(3, &[0; 6], &[], 0));
    });
}

#[test]
fn response_over_the_descriptors_themselves_harms_only_the_driver() {
    beside_a_good_guest(|_, driver| {
        let table = driver.queues[2].descriptors();
        driver.put_request(2, 1, [1, 3, 0x40, 0, 0, 0, 0, 0], &cdb(READ_10, 0, 16), &[], 8192);
        let request = 0x20_0000 + 0x400;
        driver.put_descriptor(table, 1, (request, 51, NEXT, 2));
        driver.put_descriptor(table, 2, (table, 108, NEXT | WRITE, 3));
        driver.put_descriptor(table, 3, (driver.queues[2].available_ring(), 8192, WRITE, 0));
        driver.make_available(2, 1);
        driver.wait_raised_or_used(2);
    });
}

#[test]
fn garbage_on_the_socket_ends_that_connection() {
    let (bad_adapter, connection) = serve(&Arc::new(Targets::new()));
    let (_adapter, mut innocent, _) = with_store();
    (&connection).write_all(&[0xa5; 4096]).unwrap();
    assert!(bad_adapter.wait(PATIENCE));
    good(&innocent.command(3, &[0; 6], &[], 0));
}

/// Any message of the protocol, and of none, with any descriptors: the connection goes on or ends, and nothing else does.
#[test]
fn any_messages_with_any_descriptors_are_survived() {
    use proptest::prelude::*;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    let (_adapter, mut innocent, _) = with_store();
    let descriptors: Vec<OwnedFd> = vec![
        std::fs::File::open("/dev/null").unwrap().into(),
        std::fs::File::open("/").unwrap().into(),
        std::fs::File::open("/proc/self/mem").unwrap().into(),
        rustix::fs::memfd_create("ram", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap(),
        rustix::event::eventfd(0, rustix::event::EventfdFlags::NONBLOCK).unwrap(),
        UnixStream::pair().unwrap().0.into(),
    ];
    // The requests of the protocol (vhost-user specification) and some more; version and flags mostly right.
    let flags = prop_oneof![4 => Just(1u32), 1 => Just(9), 1 => any::<u32>()];
    let payload = prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..64),
        // Small numbers are indices, sizes and counts that may be right.
        4 => prop::collection::vec(0u64..5, 0..9).prop_map(|words| words.iter().flat_map(|word| word.to_le_bytes()).collect()),
        1 => prop::collection::vec(any::<u8>(), 4000..6000),
    ];
    let size =
        prop_oneof![8 => Just(None), 1 => any::<u32>().prop_map(Some), 1 => (0u32..100).prop_map(Some)];
    let passed = prop::collection::vec(0..descriptors.len(), 0..10);
    let message = (0u32..46, flags, payload, size, passed);
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
        .run(&prop::collection::vec(message, 1..24), |messages| {
            let (adapter, connection) = serve(&Arc::new(Targets::new()));
            connection.set_write_timeout(Some(PATIENCE)).unwrap();
            for (request, flags, payload, size, passed) in messages {
                let size = size.unwrap_or(payload.len() as u32);
                let header = [request, flags, size].map(u32::to_le_bytes).concat();
                let passed: Vec<BorrowedFd<'_>> =
                    passed.into_iter().map(|which| descriptors[which].as_fd()).collect();
                // Fails when it has hung up, as it may.
                if send_with(&connection, &[header, payload].concat(), &passed).is_err() {
                    break;
                }
            }
            drop(connection);
            prop_assert!(adapter.wait(PATIENCE), "it ends");
            Ok(())
        })
        .unwrap();
    good(&innocent.command(3, &[0; 6], &[], 0));
}

fn send_with(
    stream: &UnixStream,
    bytes: &[u8],
    descriptors: &[std::os::fd::BorrowedFd<'_>],
) -> std::io::Result<()> {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    let mut space = [std::mem::MaybeUninit::uninit(); 256];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    let sent = sendmsg(stream, &[std::io::IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
    (&*stream).write_all(&bytes[sent..])
}

#[test]
fn unsealed_memory_is_refused_unless_allowed() {
    let start = |policy| {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let targets = Arc::new(Targets::new());
        let adapter = Adapter { name: "test".to_owned(), targets, request_queues: 1, ram: policy };
        let adapter = adapter.serve(theirs).unwrap();
        let mut driver = Driver::new(ours, ram(SealFlags::empty()), 3, 16);
        (adapter, driver.start())
    };
    assert!(start(RamPolicy::SealedOnly).1.is_err());
    assert!(start(RamPolicy::AllowUnsealed).1.is_ok());
}

#[test]
fn impossible_rings_are_refused_and_the_connection_lives() {
    let (_adapter, connection) = serve(&Arc::new(Targets::new()));
    let mut driver = Driver::new(connection, sealed_ram(), 3, 16);
    driver.negotiate().unwrap();
    let place = vhost::VringConfigData {
        queue_max_size: 16,
        queue_size: 16,
        flags: 0,
        desc_table_addr: 0x1000,
        used_ring_addr: 0x2000,
        avail_ring_addr: 0x3000,
        log_addr: None,
    };
    assert!(driver.front_end.set_vring_addr(0, &place).is_err(), "before there is memory");
    driver.share_ram().unwrap();
    assert!(driver.front_end.set_vring_addr(0, &place).is_err(), "not an address of ours");
    for size in [0, 3, 2048, 0x8000] {
        assert!(driver.front_end.set_vring_num(0, size).is_err(), "{size}");
    }
    driver.start_ring(0).unwrap();
    assert!(driver.front_end.set_vring_num(0, 16).is_err(), "while the ring is served");
    assert!(driver.front_end.set_vring_base(0, 1).is_err());
}

#[test]
fn any_content_of_ring_and_requests_is_survived() {
    use proptest::prelude::*;
    let random = proptest::collection::vec(any::<u8>(), 0x3000..0x3001);
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
        .run(&(random, any::<u16>()), |(bytes, index)| {
            let (adapter, driver, _) = with_store();
            for queue in [0, 1, 2] {
                driver.write(driver.queues[queue].descriptors(), &bytes[..0x800]);
                driver.write(driver.queues[queue].available_ring() + 4, &bytes[0x800..0x900]);
                // Within what is allowed, so that chains are looked at.
                let index = index % 128;
                driver.write(driver.queues[queue].available_ring() + 2, &index.to_le_bytes());
                driver.kick_anyway(queue);
            }
            // Asking for the base waits until all is done.
            for queue in [0, 1, 2] {
                driver.front_end.get_vring_base(queue).unwrap();
            }
            drop(driver);
            prop_assert!(adapter.wait(PATIENCE));
            Ok(())
        })
        .unwrap();
}

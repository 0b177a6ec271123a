//! Two guests at one disk.

use super::*;
use crate::scsi::reservation::{Power, Reservations};

fn out(action: u8, kind: u8) -> Vec<u8> {
    vec![0x5f, action, kind, 0, 0, 0, 0, 0, 24, 0]
}

fn list(key: u64, action_key: u64, flags: u8) -> Vec<u8> {
    [&key.to_be_bytes()[..], &action_key.to_be_bytes(), &[0; 4], &[flags], &[0; 3]].concat()
}

fn report(action: u8) -> Vec<u8> {
    vec![0x5e, action, 0, 0, 0, 0, 0, 1, 0, 0]
}

fn conflicts(bench: &Bench, cdb: &[u8], data_out: &[u8]) {
    assert_eq!(bench.run(cdb, data_out, 4096).execution, Execution::Conflict, "{cdb:02x?}");
}

/// Two guests, registered with keys 10 and 11; the first holds a reservation of this type.
fn two(kind: u8) -> (Bench, Bench) {
    let one = Bench::new();
    let other = one.shared_with(0x1234_5678_9abc_def0_0fed_cba9_8765_4321);
    one.good(&out(0, 0), &list(0, 10, 0));
    other.good(&out(0, 0), &list(0, 11, 0));
    one.good(&out(1, kind), &list(10, 0, 0));
    (one, other)
}

#[test]
fn exclusive_access_leaves_only_what_touches_no_data() {
    let (one, other) = two(3);
    for cdb in [&extent(0x28, 0, 1)[..], &[0x1a, 0, 0x3f, 0, 255, 0], &extent(0x2f, 0, 1)] {
        conflicts(&other, cdb, &[]);
    }
    conflicts(&other, &extent(0x2a, 0, 1), &block(1));
    conflicts(&other, &extent(0x35, 0, 1), &[]);
    other.good(&[0; 6], &[]);
    other.data(&[0x12, 0, 0, 0, 96, 0], 96);
    other.data(&[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8);
    one.good(&extent(0x2a, 0, 1), &block(1));
    one.good(&out(2, 3), &list(10, 0, 0));
    other.good(&extent(0x2a, 0, 1), &block(2));
}

#[test]
fn write_exclusive_lets_others_read() {
    let (one, other) = two(1);
    other.data(&extent(0x28, 0, 1), 512);
    for (cdb, data_out) in [
        (extent(0x8a, 0, 1), block(1)),
        (extent(0x93, 0, 1), block(1)),
        (extent(0x2e, 0, 1), block(1)),
        (vec![0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], unmap_list(&[(0, 1)])),
        (vec![0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], vec![0; 1024]),
    ] {
        conflicts(&other, &cdb, &data_out);
    }
    assert_eq!(one.store.content(0, 512), block(0));
}

#[test]
fn reports_have_their_fields_where_spc_puts_them() {
    let (one, other) = two(5);
    assert_eq!(
        one.data(&report(0), 256),
        [0, 0, 0, 2, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 11]
    );
    #[rustfmt::skip]
    let held = [
        0, 0, 0, 2, 0, 0, 0, 16,
        0, 0, 0, 0, 0, 0, 0, 10,    // key of the holder
        0, 0, 0, 0, 0, 5, 0, 0,     // LU scope, write exclusive to registrants
    ];
    assert_eq!(other.data(&report(1), 256), held);
    assert_eq!(one.data(&report(2), 256), [0, 8, 0, 0x80, 0xea, 0x01, 0, 0]);
    let status = one.data(&report(3), 256);
    assert_eq!(status.len(), 8 + 2 * 48);
    assert_eq!(status[8..16], [0, 0, 0, 0, 0, 0, 0, 10]);
    assert_eq!(
        status[20..32],
        [1, 5, 0, 0, 0, 0, 0, 1, 0, 0, 0, 24],
        "R_HOLDER, type, port 1, 24 more bytes"
    );
    assert_eq!(status[32..36], [6, 0, 0, 0], "a SAS TransportID");
    assert_eq!((status[36] >> 4, status[56 + 12]), (3, 0));
    assert_eq!(one.data(&[0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0], 8).len(), 8, "cut");
}

#[test]
fn preempted_guest_is_told_and_kept_out() {
    let (one, other) = two(1);
    other.good(&out(5, 3), &list(11, 10, 0));
    assert_eq!(one.sense(&[0; 6], &[]), Sense::REGISTRATIONS_PREEMPTED);
    conflicts(&one, &extent(0x28, 0, 1), &[]);
    conflicts(&one, &out(1, 1), &list(10, 0, 0));
    other.good(&extent(0x2a, 0, 1), &block(1));
}

#[test]
fn wrong_parameters_are_refused_by_field() {
    let (one, _) = two(1);
    let short = [0x5f, 0, 0, 0, 0, 0, 0, 0, 23, 0];
    assert_eq!(one.sense(&short, &[0; 23]), Sense::PARAMETER_LIST_LENGTH);
    for flags in [0x08, 0x04, 0x01] {
        let refusal = one.sense(&out(0, 0), &list(10, 5, flags));
        assert_eq!(refusal, Sense::parameter_field(20), "SPEC_I_PT, ALL_TG_PT, APTPL without a file");
    }
    assert_eq!(one.sense(&out(1, 2), &list(10, 0, 0)), Sense::cdb_field(2, 3), "no such type");
    assert_eq!(one.sense(&out(1, 0x11), &list(10, 0, 0)), Sense::cdb_field(2, 7), "no such scope");
    assert_eq!(one.sense(&out(2, 3), &list(10, 0, 0)), Sense::INVALID_RELEASE);
    assert_eq!(one.sense(&out(7, 0), &list(10, 0, 0)), Sense::cdb_field(1, 4), "REGISTER AND MOVE");
    conflicts(&one, &out(3, 0), &list(9, 0, 0));
}

#[test]
fn reservation_of_old_lasts_until_reset() {
    let one = Bench::new();
    let other = one.shared_with(2);
    one.good(&[0x16, 0, 0, 0, 0, 0], &[]);
    conflicts(&other, &[0; 6], &[]);
    conflicts(&other, &[0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]);
    conflicts(&other, &out(0, 0), &list(0, 1, 0));
    other.data(&[0x12, 0, 0, 0, 96, 0], 96);
    other.good(&[0x17, 0, 0, 0, 0, 0], &[]);
    conflicts(&other, &[0; 6], &[]);
    other.disk.reset(Reset::Nexus);
    assert_eq!(other.sense(&[0x17, 0, 0, 0, 0, 0], &[]), Sense::NEXUS_LOSS);
    conflicts(&other, &[0; 6], &[]);
    other.disk.reset(Reset::LogicalUnit);
    assert_eq!(other.sense(&[0; 6], &[]), Sense::RESET_OCCURRED);
    assert_eq!(one.sense(&[0; 6], &[]), Sense::RESET_OCCURRED);
    other.good(&[0; 6], &[]);
}

#[test]
fn kept_registrations_are_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("reservations");
    let store = Arc::new(MemoryStore::new(4096));
    let disk = || {
        let kept = Reservations::kept_in(&file, Power::Lost).unwrap();
        let disk = Disk::with_reservations(
            store.clone(),
            Product::FileDisk,
            Uuid::nil(),
            Initiator(Uuid::max()),
            kept,
        );
        Bench { disk, store: store.clone() }
    };
    let before = disk();
    assert_eq!(before.data(&report(2), 8)[2..4], [1, 0x80], "PTPL_C");
    before.good(&out(6, 0), &list(0, 77, 1));
    before.good(&out(1, 3), &list(77, 0, 0));
    drop(before);
    let after = disk();
    assert_eq!(after.data(&report(2), 8)[3], 0x81, "PTPL_A");
    conflicts(&after.shared_with(5), &extent(0x28, 0, 1), &[]);
    after.data(&extent(0x28, 0, 1), 512);
}

#[test]
fn changed_mode_is_told_to_the_others_alone() {
    let one = Bench::new();
    let other = one.shared_with(2);
    one.good(&[0x15, 0x10, 0, 0, 24, 0], &caching_list(0));
    one.good(&[0; 6], &[]);
    assert_eq!(other.sense(&[0; 6], &[]), Sense::MODE_CHANGED);
}

#[test]
fn a_guest_that_starts_leaves_the_others_what_they_have() {
    let one = Bench::new();
    let other = one.shared_with(7);
    one.good(&[0x16, 0, 0, 0, 0, 0], &[]);
    for reset in [Reset::PowerOn, Reset::Adapter] {
        other.disk.reset(reset);
        assert!(matches!(other.run(&[0; 6], &[], 0).execution, Execution::Conflict | Execution::Done(_)));
        conflicts(&other, &extent(0x28, 0, 1), &[]);
    }
    one.disk.reset(Reset::PowerOn);
    one.run(&[0; 6], &[], 0);
    other.run(&[0; 6], &[], 0);
    other.data(&extent(0x28, 0, 1), 512);
}

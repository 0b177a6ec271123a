//! Task management: what is ended, what is waited for, and what is answered (virtio 1.2 clause 5.6.6.2).

use std::sync::atomic::Ordering;

use super::*;

const ABORT_TASK: u32 = 0;
const ABORT_TASK_SET: u32 = 1;
const CLEAR_ACA: u32 = 2;
const LOGICAL_UNIT_RESET: u32 = 5;
const QUERY_TASK: u32 = 6;

const COMPLETE: [u8; 1] = [0];
const SUCCEEDED: [u8; 1] = [10];

fn request(function: u32, lun: [u8; 8], id: u64) -> Vec<u8> {
    [&0u32.to_le_bytes()[..], &function.to_le_bytes(), &lun, &id.to_le_bytes()].concat()
}

const LUN: [u8; 8] = [1, 3, 0x40, 0, 0, 0, 0, 0];

fn slow() -> (Arc<Slow>, AdapterHandle, Driver) {
    let slow = Arc::new(Slow::default());
    let (adapter, driver) = with_target(slow.clone());
    (slow, adapter, driver)
}

fn read(driver: &mut Driver, head: u16) {
    driver.put_request(2, head, LUN, &cdb(READ_10, 0, 1), &[], 512);
    driver.make_available(2, head);
}

#[test]
fn reset_waits_for_running_tasks_and_reaches_the_target() {
    let (slow, _adapter, mut driver) = slow();
    read(&mut driver, 1);
    slow.wait_for_waiting(1);
    driver.send_control(&request(LOGICAL_UNIT_RESET, LUN, 0), 1);
    // The reset waits; the adapter does not. What is in the ring at the moment of the reset is aborted, later ones run.
    while driver.command(3, &[0; 6], &[], 0).response != 0 {}
    assert_eq!((slow.resets.load(Ordering::SeqCst), driver.used(0)), (0, None));
    slow.let_go();
    driver.wait_used(0);
    assert_eq!(driver.used(2).map(|(head, _)| head), Some(1), "the task came back before the answer");
    assert_eq!(driver.control_answer(1), COMPLETE);
    assert_eq!(slow.resets.load(Ordering::SeqCst), 1);
}

/// A device of the host that has forgotten its commands until it is reset.
struct Forgetful(Slow);

impl Target for Forgetful {
    fn execute(&self, command: &Command<'_>, patience: Patience) -> Execution {
        self.0.execute(command, patience)
    }

    fn reset(&self, reset: storage::scsi::Reset) {
        self.0.reset(reset);
    }

    fn recall(&self) -> bool {
        self.0.let_go();
        true
    }

    fn statistics(&self) -> StatisticsSnapshot {
        self.0.statistics()
    }
}

#[test]
fn forgotten_task_comes_back_by_a_reset_of_the_device() {
    let forgetful = Arc::new(Forgetful(Slow::default()));
    let (_adapter, mut driver) = with_target(forgetful.clone());
    read(&mut driver, 1);
    forgetful.0.wait_for_waiting(1);
    // An abort can only wait, which it does not do for ever.
    let id = driver.id_of(1);
    assert_eq!(driver.control(&request(ABORT_TASK, LUN, id), 1), [9]);
    assert_eq!(driver.used(2), None);
    assert_eq!(driver.control(&request(LOGICAL_UNIT_RESET, LUN, 0), 1), COMPLETE);
    assert_eq!(driver.used(2).map(|(head, _)| head), Some(1), "the task came back before the answer");
    assert_eq!(forgetful.0.resets.load(Ordering::SeqCst), 1);
}

#[test]
fn reset_is_a_unit_attention_of_the_disk() {
    let (_adapter, mut driver, _) = with_store();
    assert_eq!(driver.control(&request(LOGICAL_UNIT_RESET, LUN, 0), 1), COMPLETE);
    let answer = driver.command(3, &[0; 6], &[], 0);
    assert_eq!((answer.status, answer.sense), (CHECK_CONDITION, Some((6, 0x29, 3))));
    good(&driver.command(3, &[0; 6], &[], 0));
}

#[test]
fn tasks_that_wait_in_the_ring_are_returned_as_aborted() {
    let (slow, _adapter, mut driver) = slow();
    // As many as there are threads are executed; the last ones cannot be.
    for head in 1..=60 {
        read(&mut driver, head);
    }
    slow.wait_for_waiting(20);
    let id = driver.id_of(60);
    driver.send_control(&request(ABORT_TASK, LUN, id), 1);
    // A thread must come free to look at the control ring.
    slow.let_go();
    driver.wait_used(0);
    assert_eq!(driver.control_answer(1), COMPLETE);
    let mut answers: Vec<(u16, u8)> = (0..60)
        .map(|_| {
            let (head, written) = driver.wait_used(2);
            (head, driver.answer(head, written, 0).response)
        })
        .collect();
    answers.sort_unstable();
    assert_eq!(answers.len(), 60);
    for (expected, (head, response)) in (1..=60).zip(answers) {
        assert_eq!(head, expected);
        assert!(response == 0 || (head == 60 && response == 2), "{head}: {response}");
    }
}

#[test]
fn running_task_is_found_until_it_ends() {
    let (slow, _adapter, mut driver) = slow();
    read(&mut driver, 4);
    slow.wait_for_waiting(1);
    let id = driver.id_of(4);
    assert_eq!(driver.control(&request(QUERY_TASK, LUN, id), 1), SUCCEEDED);
    assert_eq!(driver.control(&request(QUERY_TASK, LUN, id + 1), 1), COMPLETE);
    assert_eq!(driver.control(&request(ABORT_TASK, LUN, id + 1), 1), COMPLETE, "no such task");
    slow.let_go();
    driver.wait_used(2);
    assert_eq!(driver.control(&request(QUERY_TASK, LUN, id), 1), COMPLETE);
    assert_eq!(driver.control(&request(ABORT_TASK_SET, LUN, 0), 1), COMPLETE);
}

#[test]
fn functions_that_make_no_sense_are_refused() {
    let (_adapter, mut driver, _) = with_store();
    let other_target = [1, 9, 0x40, 0, 0, 0, 0, 0];
    let other_lun = [1, 3, 0x40, 5, 0, 0, 0, 0];
    assert_eq!(driver.control(&request(LOGICAL_UNIT_RESET, other_target, 0), 1), [3]);
    assert_eq!(driver.control(&request(LOGICAL_UNIT_RESET, other_lun, 0), 1), [12]);
    assert_eq!(driver.control(&request(CLEAR_ACA, LUN, 0), 1), [11]);
    assert_eq!(driver.control(&request(99, LUN, 0), 1), [11]);
    assert_eq!(driver.control(&99u32.to_le_bytes(), 1), [11]);
    assert_eq!(driver.control(&request(ABORT_TASK, LUN, 0)[..23], 1), [11], "cut short");
    assert_eq!(driver.control(&[0, 0], 1), [0u8; 0]);
    let subscribe = |lun: [u8; 8]| [&2u32.to_le_bytes()[..], &lun, &[0xff; 4]].concat();
    assert_eq!(driver.control(&subscribe(LUN), 5), [0, 0, 0, 0, 0]);
    assert_eq!(driver.control(&subscribe(other_target), 5), [0, 0, 0, 0, 3]);
}

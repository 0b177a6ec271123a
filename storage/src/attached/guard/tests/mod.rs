//! What guests see of a device that another one has.

mod fight;

use uuid::Uuid;

use super::*;
use crate::scsi::{Completion, Delivery, Status};
use crate::segments::Segments;
use crate::testing::attached::FakeTape;

const TEST_UNIT_READY: [u8; 6] = [0; 6];
const INQUIRY: [u8; 6] = [0x12, 0, 0, 0, 36, 0];
const READ: [u8; 6] = [0x08, 0, 0, 0, 0, 0];
const REWIND: [u8; 6] = [0x01, 0, 0, 0, 0, 0];
const RESERVE: [u8; 6] = [0x16, 0, 0, 0, 0, 0];

fn initiator(number: u128) -> Initiator {
    Initiator(Uuid::from_u128(number))
}

fn send(target: &Arc<dyn Target>, cdb: &[u8]) -> Execution {
    let mut room = [0; 64];
    let none = Segments::from_slice(&mut []);
    let data_in = Segments::from_slice(&mut room);
    let command = Command { cdb, data_out: &none, data_in: &data_in, delivery: Delivery::default() };
    target.execute(&command, Patience::Unlimited)
}

fn is_good(execution: &Execution) -> bool {
    matches!(execution, Execution::Done(done) if done.status() == Status::Good)
}

type Remembered = Option<(Initiator, Claims)>;

struct Bench {
    tape: Arc<FakeTape>,
    shared: Arc<Shared>,
    kept: Arc<Mutex<Vec<Remembered>>>,
}

impl Bench {
    fn new(arbiter: Arbiter) -> Bench {
        let tape = FakeTape::new("naa.3000000000000001");
        let kept = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&kept);
        let shared = Shared::new(
            Arc::clone(&tape) as _,
            arbiter,
            Box::new(move |remembered| list.lock().unwrap().push(remembered)),
        );
        Bench { tape, shared, kept }
    }

    fn port(&self, number: u128, denial: Denial) -> Arc<dyn Target> {
        self.shared.port(initiator(number), denial)
    }
}

#[test]
fn the_loser_is_told_in_the_way_of_its_system_until_the_tape_is_rewound() {
    let bench = Bench::new(Arbiter::default());
    let [one, two, three] = [(1, Denial::Busy), (2, Denial::Busy), (3, Denial::NoDevice)]
        .map(|(n, denial)| bench.port(n, denial));
    assert!(is_good(&send(&one, &TEST_UNIT_READY)) && is_good(&send(&two, &TEST_UNIT_READY)));
    assert!(is_good(&send(&one, &READ)));
    for cdb in [&TEST_UNIT_READY[..], &READ, &RESERVE, &REWIND] {
        assert_eq!(send(&two, cdb), Execution::Conflict);
        assert_eq!(send(&three, cdb), Execution::Absent);
    }
    assert!(is_good(&send(&two, &INQUIRY)) && is_good(&send(&three, &INQUIRY)));
    assert_eq!(bench.shared.hold().err(), Some(Busy(Party::Guest(initiator(1)))));
    assert!(is_good(&send(&one, &REWIND)));
    assert!(is_good(&send(&two, &READ)));
    assert_eq!(send(&one, &READ), Execution::Conflict);
}

#[test]
fn what_the_vsp_holds_no_guest_gets() {
    let bench = Bench::new(Arbiter::default());
    let one = bench.port(1, Denial::Busy);
    let (first, second) = (bench.shared.hold().unwrap(), bench.shared.hold().unwrap());
    assert_eq!(send(&one, &READ), Execution::Conflict);
    drop(first);
    assert_eq!(send(&one, &READ), Execution::Conflict);
    drop(second);
    assert!(is_good(&send(&one, &READ)));
}

#[test]
fn another_program_of_the_host_keeps_guests_out_too() {
    let bench = Bench::new(Arbiter::default());
    let one = bench.port(1, Denial::Busy);
    bench.tape.open_on_host(true);
    assert_eq!((send(&one, &READ), bench.shared.hold().is_err()), (Execution::Conflict, true));
    bench.tape.open_on_host(false);
    assert!(is_good(&send(&one, &READ)));
    // To look is to send the device commands: who only asks whether it is ready does not cause that.
    send(&one, &REWIND);
    let looks = bench.tape.looks();
    assert!(is_good(&send(&one, &TEST_UNIT_READY)));
    assert_eq!(bench.tape.looks(), looks);
    assert!(is_good(&send(&one, &READ)));
    assert_eq!(bench.tape.looks(), looks + 1);
    // Who has it keeps it, and that our own device file is open then does not count.
    bench.tape.open_on_host(true);
    assert!(is_good(&send(&one, &READ)));
}

#[test]
fn a_guest_that_is_reset_or_gone_holds_nothing() {
    let bench = Bench::new(Arbiter::default());
    let (one, two) = (bench.port(1, Denial::Busy), bench.port(2, Denial::Busy));
    send(&one, &RESERVE);
    two.reset(Reset::LogicalUnit);
    assert_eq!(bench.tape.resets(), [(initiator(2), Reset::Nexus)], "the holder is not disturbed");
    one.reset(Reset::Adapter);
    assert_eq!(bench.tape.resets()[1], (initiator(1), Reset::Adapter));
    assert!(is_good(&send(&two, &READ)));
    drop(two);
    assert_eq!(bench.shared.holder(), None);
    assert!(is_good(&send(&one, &READ)));
}

#[test]
fn a_guest_that_is_left_holds_what_it_held() {
    let bench = Bench::new(Arbiter::default());
    let one = bench.port(1, Denial::Busy);
    send(&one, &READ);
    assert_eq!(bench.tape.holder(), Some(Party::Guest(initiator(1))), "the device is told");
    one.leave();
    drop(one);
    assert_eq!(bench.kept.lock().unwrap().last(), Some(&Some((initiator(1), Claims::SESSION))));
}

#[test]
fn the_last_port_of_a_guest_is_its_end() {
    let bench = Bench::new(Arbiter::default());
    let (one, again) = (bench.port(1, Denial::Busy), bench.port(1, Denial::Busy));
    send(&one, &READ);
    drop(one);
    assert_eq!(bench.shared.holder(), Some(Party::Guest(initiator(1))));
    drop(again);
    assert_eq!(bench.shared.holder(), None);
}

#[test]
fn a_later_vsp_knows_who_holds_it_as_long_as_the_guest_is_there() {
    let bench = Bench::new(Arbiter::default());
    let one = bench.port(1, Denial::Busy);
    send(&one, &TEST_UNIT_READY);
    send(&one, &READ);
    send(&one, &REWIND);
    let session = Some((initiator(1), Claims::SESSION));
    assert_eq!(*bench.kept.lock().unwrap(), [session, None]);

    let later = Bench::new(Arbiter::held_by(initiator(1), Claims::SESSION));
    let two = later.port(2, Denial::Busy);
    later.shared.forget_unless(|guest| guest == initiator(1));
    assert_eq!(send(&two, &READ), Execution::Conflict);
    later.shared.forget_unless(|_| false);
    assert!(is_good(&send(&two, &READ)));
    assert_eq!(*later.kept.lock().unwrap(), [None, Some((initiator(2), Claims::SESSION))]);
}

//! A VSP that is killed and comes back: nobody notices, and nothing is done twice.

use std::fs::File;
use std::os::unix::fs::FileExt;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

impl Bench {
    /// A drive that keeps its state, with the cartridge `a.tap`, which is made if it is not there.
    fn kept() -> Bench {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let bench = Bench::of(Bench::keeping(&directory), directory);
        bench.load_new("a", "");
        bench
    }

    fn keeping(directory: &tempfile::TempDir) -> Arc<TapeDrive> {
        let file = directory.path().join("state");
        Arc::new(TapeDrive::kept_in(Uuid::from_u128(0xd), &file, Reservations::new()).unwrap())
    }

    /// The process is gone, and another one has come.
    fn killed(self) -> Bench {
        let Bench { drive, port, directory } = self;
        drive.leave();
        drop((drive, port));
        let drive = Bench::keeping(&directory);
        let port = drive.nexus(initiator(1));
        Bench { drive, port, directory }
    }

    fn image(&self) -> Vec<u8> {
        std::fs::read(self.directory.path().join("a.tap")).unwrap()
    }
}

fn first(number: u64) -> Delivery {
    Delivery { queue: 2, number, again: false }
}

fn again(number: u64) -> Delivery {
    Delivery { again: true, ..first(number) }
}

#[test]
fn drive_goes_on_where_it_was() {
    let bench = Bench::kept();
    bench.write(b"one");
    bench.filemarks(1);
    bench.write(b"two");
    bench.set_block_len(512);
    bench.good(&[0x1e, 0, 0, 0, 1, 0], &[]);
    bench.good(&[0x16, 0, 0, 0, 0, 0], &[]);
    bench.good(&sized(0x11, 1, 0xff_ffff), &[]);
    bench.port.attentions.establish(Sense::MODE_CHANGED);
    assert_eq!(bench.sense(&sized(0x08, 0, 1)), Sense::MODE_CHANGED);
    bench.port.attentions.establish(Sense::CAPACITY_CHANGED);
    bench.drive.keep(None);

    let bench = bench.killed();
    assert_eq!(bench.sense(&[0; 6]), Sense::CAPACITY_CHANGED, "what was not told yet, and nothing else");
    assert_eq!(bench.position(), 1);
    assert_eq!(bench.data(&[0x1a, 0, 0, 0, 12, 0], 12)[9..], [0, 2, 0]);
    assert!(bench.drive.is_prevented());
    let other = bench.drive.nexus(initiator(2));
    assert_eq!(other.attentions.take(), Some(Sense::POWER_ON), "a new one");
    drop(other);
    let other = bench.shared_with(3);
    assert_eq!(other.run(&REWIND, &[], 0).execution, Execution::Conflict);
    assert_eq!(bench.sense(&sized(0x08, 0, 3)), Sense::FILEMARK_DETECTED.with_residue(3));
    assert_eq!(bench.data(&sized(0x08, 0, 3), 3), b"two");
    drop(other);

    bench.good(&[0x1e, 0, 0, 0, 0, 0], &[]);
    bench.good(&[0x1b, 0, 0, 0, 0, 0], &[]);
    let bench = bench.killed();
    assert_eq!(bench.sense(&[0; 6]), Sense::STOPPED);
    bench.drive.unload(false).unwrap().unwrap();
    let bench = bench.killed();
    assert_eq!(bench.sense(&[0; 6]), Sense::MEDIUM_NOT_PRESENT);
}

#[test]
fn ports_that_went_before_are_forgotten() {
    let bench = Bench::kept();
    let other = bench.shared_with(2);
    other.good(&[0x1e, 0, 0, 0, 1, 0], &[]);
    drop(other);
    let bench = bench.killed();
    assert!(!bench.drive.is_prevented());
    assert_eq!(bench.drive.nexus(initiator(2)).attentions.take(), Some(Sense::POWER_ON));
}

#[test]
fn persistent_reservation_is_not_made_twice() {
    let bench = Bench::kept();
    let register = [0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0];
    let list = [&0u64.to_be_bytes()[..], &5u64.to_be_bytes(), &[0; 8]].concat();
    let answer = bench.deliver(&register, &list, 0, first(1));
    let bench = bench.killed();
    assert_eq!(bench.deliver(&register, &list, 0, again(1)), answer);
    assert_eq!(bench.deliver(&register, &list, 0, first(2)).execution, Execution::Conflict);
    let keys = bench.data(&[0x5e, 0, 0, 0, 0, 0, 0, 0, 255, 0], 255);
    assert_eq!(keys, [0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5]);
}

#[test]
fn unit_attention_that_was_told_to_nobody_is_told_again() {
    let bench = Bench::kept();
    bench.port.attentions.establish(Sense::MODE_CHANGED);
    bench.drive.keep(None);
    let answer = bench.deliver(&[0; 6], &[], 0, first(7));
    let bench = bench.killed();
    assert_eq!(bench.deliver(&[0; 6], &[], 0, again(7)), answer);
    bench.good(&[0; 6], &[]);
}

#[test]
fn state_that_is_damaged_is_left_and_older_state_is_used() {
    let bench = Bench::kept();
    bench.write(b"a");
    bench.write(b"b");
    let state = bench.directory.path().join("state");
    let file = File::options().read(true).write(true).open(&state).unwrap();
    let newest = locked(&bench.drive.inner).keeper.as_ref().unwrap().newest_slot();
    // Torn in the middle of being written.
    file.write_all_at(b"0000000000", newest + 60).unwrap();
    let bench = bench.killed();
    assert_eq!(bench.position(), 1);
    drop(bench);
    for garbage in
        [&b"kittson tape drive 1 9 99999 0\n"[..], &[0xff; 200_000], b"kittson tape drive 2", b"\n"]
    {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("state"), garbage).unwrap();
        assert!(Bench::keeping(&directory).cartridge().is_none());
    }
}

#[test]
fn cartridge_that_was_changed_meanwhile_is_rewound() {
    let bench = Bench::kept();
    bench.write(b"abcdefgh");
    let path = bench.directory.path().join("a.tap");
    std::fs::write(&path, b"").unwrap();
    let bench = bench.killed();
    assert_eq!(bench.position(), 0);
    std::fs::remove_file(&path).unwrap();
    let bench = bench.killed();
    assert_eq!(bench.sense(&[0; 6]), Sense::MEDIUM_NOT_PRESENT);
}

#[derive(Clone, Debug)]
struct Step {
    cdb: Vec<u8>,
    data_out: Vec<u8>,
    room: usize,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Survives,
    /// Killed before the command was begun.
    DiesBefore,
    /// Killed when the tape was written and the state was not.
    DiesBetween,
    /// Killed before the answer went out.
    DiesAfter,
}

fn step() -> impl Strategy<Value = Step> {
    let command = prop_oneof![
        4 => vec(any::<u8>(), 1..40).prop_map(|data| (sized(0x0a, 0, data.len() as u32).to_vec(), data, 0)),
        2 => (0u8..4, 1u32..3).prop_map(|(flags, count)| (sized(0x10, flags | 1, count).to_vec(), vec![], 0)),
        4 => (1u32..50).prop_map(|len| (sized(0x08, 0, len).to_vec(), vec![], len as usize)),
        3 => (0u8..5, -4i32..5).prop_map(|(code, count)| {
            (sized(0x11, code, count.cast_unsigned() & 0xff_ffff).to_vec(), vec![], 0)
        }),
        1 => Just((vec![0x19, 0, 0, 0, 0, 0], vec![], 0)),
        1 => Just((vec![0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0], vec![], 20)),
        1 => Just((vec![0x1b, 0, 0, 0, 0, 0], vec![], 0)),
        2 => Just((vec![0x1b, 0, 0, 0, 1, 0], vec![], 0)),
    ];
    let fate = prop_oneof![
        3 => Just(Fate::Survives),
        1 => Just(Fate::DiesBefore),
        1 => Just(Fate::DiesBetween),
        1 => Just(Fate::DiesAfter),
    ];
    (command, fate).prop_map(|((cdb, data_out, room), fate)| Step { cdb, data_out, room, fate })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
    #[test]
    fn killed_drive_and_one_that_lives_are_alike(steps in vec(step(), 1..40)) {
        let (alive, mut bench) = (Bench::kept(), Bench::kept());
        for (step, number) in steps.into_iter().zip(1..) {
            let Step { cdb, data_out, room, fate } = step;
            let run = |bench: &Bench, delivery| bench.deliver(&cdb, &data_out, room, delivery);
            let expected = run(&alive, first(number));
            let found = match fate {
                Fate::Survives => run(&bench, first(number)),
                Fate::DiesBefore => {
                    bench = bench.killed();
                    run(&bench, again(number))
                }
                Fate::DiesBetween => {
                    bench.drive.leave();
                    run(&bench, first(number));
                    bench = bench.killed();
                    run(&bench, again(number))
                }
                Fate::DiesAfter => {
                    run(&bench, first(number));
                    bench = bench.killed();
                    // It may happen again while it is being recovered.
                    run(&bench, again(number));
                    bench = bench.killed();
                    run(&bench, again(number))
                }
            };
            prop_assert_eq!(found, expected, "{:02x?} {:?}", cdb, fate);
            prop_assert_eq!(bench.image(), alive.image(), "{:02x?} {:?}", cdb, fate);
        }
    }
}

//! A VSP that is killed at any moment of a burn: the guest goes on as if nothing had been, and gets the same disc.

use std::path::Path;

use super::*;
use crate::scsi::Delivery;
use crate::scsi::reservation::Power;
use crate::segments::Segments;

const GUEST: Initiator = Initiator(Uuid::from_u128(1));
const OTHER: Initiator = Initiator(Uuid::from_u128(2));

/// A drive in the hands of one process.
struct Process {
    burner: Arc<Burner>,
    port: Arc<BurnerPort>,
}

impl Process {
    fn begin(directory: &Path, power: Power) -> Process {
        let disc = Disc::open(&directory.join("disc.iso")).unwrap();
        let burner = Burner::new(Some(disc), Uuid::from_u128(7));
        let burner = Arc::new(burner.kept_in(&directory.join("state"), power).unwrap());
        let port = burner.port(GUEST);
        Process { burner, port }
    }

    /// Nothing that happens from now on is written down.
    fn leave(&self) {
        self.port.leave();
    }

    fn killed(self, directory: &Path) -> Process {
        self.leave();
        drop(self);
        Process::begin(directory, Power::Kept)
    }

    fn deliver(&self, step: &Step, number: u64, again: bool) -> (Execution, Vec<u8>) {
        let (mut out, mut room) = (step.data.clone(), vec![0; 64]);
        let (data_out, data_in) = (Segments::from_slice(&mut out), Segments::from_slice(&mut room));
        let delivery = Delivery { queue: 2, number, again };
        let command = Command { cdb: &step.cdb, data_out: &data_out, data_in: &data_in, delivery };
        let execution = self.port.execute(&command, Patience::Unlimited);
        drop(data_in);
        (execution, room)
    }
}

fn blank(kind: Kind) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    drop(Disc::create(&directory.path().join("disc.iso"), kind, Some(50_000)).unwrap());
    directory
}

#[derive(Clone)]
struct Step {
    cdb: Vec<u8>,
    data: Vec<u8>,
}

fn step(cdb: &[u8]) -> Step {
    Step { cdb: cdb.to_vec(), data: Vec::new() }
}

fn parameters(bytes: [u8; 3]) -> Step {
    let mut data = vec![0; 8];
    data.extend([0x05, 50]);
    data.extend(bytes);
    data.resize(8 + 52, 0);
    data[8 + 15] = 150;
    Step { cdb: vec![0x55, 0x10, 0, 0, 0, 0, 0, 0, 60, 0], data }
}

/// Writes of 10 sectors each, from a sector on, which have a content of their own.
fn writes(from: i32, count: i32) -> impl Iterator<Item = Step> {
    (0..count).map(move |n| {
        let lba = (from + n * 10).cast_unsigned();
        Step { cdb: write_10(lba, 10), data: vec![(lba / 10) as u8 | 1; 10 * 2048] }
    })
}

fn reserve_track(sectors: u16) -> Step {
    let [high, low] = sectors.to_be_bytes();
    step(&[0x53, 0, 0, 0, 0, 0, 0, high, low, 0])
}

/// Each way programs record a disc, with what they ask in between.
fn burns() -> Vec<(&'static str, Kind, Vec<Step>)> {
    const LOCK: [u8; 6] = [0x1e, 0, 0, 0, 1, 0];
    const UNLOCK: [u8; 6] = [0x1e, 0, 0, 0, 0, 0];
    const DISC_INFORMATION: [u8; 10] = [0x51, 0, 0, 0, 0, 0, 0, 0, 34, 0];
    const NEXT_TRACK: [u8; 10] = [0x52, 1, 0, 0, 0, 0xff, 0, 0, 36, 0];
    const TEST: u8 = 0x10;
    let [lock, unlock, information, next, synchronize, close_track, close_session] =
        [&LOCK[..], &UNLOCK, &DISC_INFORMATION, &NEXT_TRACK, &SYNCHRONIZE, &CLOSE_TRACK, &CLOSE_SESSION]
            .map(step);
    let blank = step(&[0xa1, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let format = Step {
        cdb: vec![0x04, 0x11, 0, 0, 0, 0],
        data: vec![0, 2, 0, 8, 0xff, 0xff, 0xff, 0xff, 0x26 << 2, 0, 0, 0],
    };
    #[rustfmt::skip]
    let sheet = Step {
        cdb: vec![0x5d, 0, 0, 0, 0, 0, 0, 0, 48, 0],
        data: [
            [0x41, 0x00, 0, 0x14, 0, 0, 0, 0],
            [0x41, 0x01, 0, 0x10, 0, 0, 0, 0],
            [0x41, 0x01, 1, 0x10, 0, 0, 2, 0],
            // Sectors 0 to 99 and 250 to 299, with the gap that tracks of CDs have between them.
            [0x41, 0x02, 0, 0x10, 0, 0, 3, 25],
            [0x41, 0x02, 1, 0x10, 0, 0, 5, 25],
            [0x41, 0xaa, 1, 0x14, 0, 0, 6, 0],
        ].concat(),
    };
    let at_once = |test| {
        [lock.clone(), parameters([SESSION_AT_ONCE | test, MULTI_SESSION, 8]), sheet.clone()]
            .into_iter()
            .chain(writes(-150, 45))
            .chain([synchronize.clone(), information.clone(), unlock.clone()])
    };
    let tracks = |test: u8| {
        [lock.clone(), parameters([TRACK_AT_ONCE | test, MULTI_SESSION, 8]), next.clone()]
            .into_iter()
            .chain(writes(0, 4))
            .chain([synchronize.clone(), close_track.clone(), next.clone()])
            .chain(writes(190, 3))
            .chain([synchronize.clone(), close_track.clone(), close_session.clone(), information.clone()])
    };
    vec![
        ("tracks at once", Kind::CdRw, tracks(0).chain([blank.clone(), information.clone()]).collect()),
        ("tracks for a test", Kind::CdR, tracks(TEST).chain(writes(0, 2)).collect()),
        ("session at once", Kind::CdR, at_once(0).collect()),
        ("session for a test", Kind::CdR, at_once(TEST).collect()),
        (
            "increments",
            Kind::DvdMinusR,
            [parameters([INCREMENTAL, FINAL, 8]), reserve_track(50)]
                .into_iter()
                .chain(writes(0, 5))
                .chain([synchronize.clone(), close_track, close_session, information.clone()])
                .collect(),
        ),
        (
            "tracks that take turns",
            Kind::DvdPlusR,
            [reserve_track(32), reserve_track(48)]
                .into_iter()
                .chain(writes(32, 2).zip(writes(0, 2)).flat_map(|(second, first)| [second, first]))
                .chain([synchronize.clone(), information.clone(), next])
                .collect(),
        ),
        (
            "formatted",
            Kind::DvdPlusRw,
            [format].into_iter().chain(writes(300, 2)).chain(writes(0, 2)).chain([information]).collect(),
        ),
    ]
}

/// What is on the disc in the end, to whoever reads it.
fn result(directory: &Path) -> (Vec<u8>, String) {
    let read = |name| std::fs::read(directory.join(name)).unwrap();
    (read("disc.iso"), String::from_utf8(read("disc.iso.disc")).unwrap())
}

#[test]
fn burn_during_which_the_vsp_was_killed_goes_on_and_gives_the_same_disc() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Death {
        Before,
        /// When it was recorded, and not written down.
        Between,
        After,
    }
    for (name, kind, steps) in burns() {
        let answers = |death: Option<(usize, Death)>| {
            let directory = blank(kind);
            let mut process = Process::begin(directory.path(), Power::Lost);
            let mut answers = Vec::new();
            for (step, number) in steps.iter().zip(0..) {
                let again = match death.filter(|(at, _)| *at == number) {
                    Some((_, Death::Before)) => true,
                    Some((_, death)) => {
                        if death == Death::Between {
                            process.leave();
                        }
                        process.deliver(step, number as u64, false);
                        true
                    }
                    None => false,
                };
                if again {
                    process = process.killed(directory.path());
                }
                answers.push(process.deliver(step, number as u64, again));
            }
            let locked = process.burner.is_locked();
            process.leave();
            (answers, locked, result(directory.path()))
        };
        let (expected, is_locked, disc) = answers(None);
        for (answer, step) in expected.iter().zip(&steps) {
            let good = matches!(answer.0, Execution::Done(done) if done.sense.is_none());
            assert!(good, "{name} {:02x?}: {:?}", step.cdb, answer.0);
        }
        let is_test = name.ends_with("test");
        assert_eq!(disc.0.is_empty(), is_test || name == "tracks at once", "{name}");
        for at in 0..steps.len() {
            for death in [Death::Before, Death::Between, Death::After] {
                let (found, was_locked, found_disc) = answers(Some((at, death)));
                for ((found, expected), step) in found.iter().zip(&expected).zip(&steps) {
                    assert_eq!(found, expected, "{name}, {death:?} {at}: {:02x?}", step.cdb);
                }
                assert!(found_disc == disc && was_locked == is_locked, "{name}, {death:?} {at}");
            }
        }
    }
}

#[test]
fn locks_parameters_and_news_survive_the_vsp_and_not_the_power() {
    let directory = blank(Kind::CdR);
    let process = Process::begin(directory.path(), Power::Lost);
    let other = process.burner.port(OTHER);
    select(&process.port, [TRACK_AT_ONCE, FINAL, 8]);
    data(&*process.port, &cdb(0x1e, &[(4, 1)]));
    process.burner.tell(Happened::Arrived);
    let poll = cdb(0x4a, &[(1, 1), (4, 0x10), (8, 8)]);
    assert_eq!(data(&*process.port, &poll)[4], 2);
    assert_eq!(refusal(&*process.port, &[0; 6], &[]), Sense::MEDIUM_CHANGED);
    data(&*process.port, &[0; 6]);
    process.leave();
    drop(other);
    let process = process.killed(directory.path());
    assert_eq!(process.burner.eject(false), Err(EjectError::Locked));
    assert_eq!(data(&*process.port, &poll)[4], 1, "what has happened since");
    data(&*process.port, &[0; 6]);
    let page = |process: &Process| data(&*process.port, &cdb(0x5a, &[(2, 0x05), (8, 60)]))[8 + 3];
    assert_eq!(page(&process), FINAL);
    let other = process.burner.port(OTHER);
    assert_eq!(refusal(&*other, &[0; 6], &[]), Sense::MEDIUM_CHANGED, "it was not told yet");
    data(&*process.port, &cdb(0x1e, &[]));
    data(&*process.port, &cdb(0x1b, &[(4, 2)]));
    drop(other);
    let process = process.killed(directory.path());
    assert_eq!(process.burner.disc_state(), DiscState::TrayOpen);
    process.leave();
    drop(process);
    let process = Process::begin(directory.path(), Power::Lost);
    assert_eq!((process.burner.disc_state(), page(&process)), (DiscState::Present, MULTI_SESSION));
}

#[test]
fn guest_that_goes_takes_its_lock_and_its_test_with_it() {
    let directory = blank(Kind::CdR);
    let process = Process::begin(directory.path(), Power::Lost);
    let other = process.burner.port(OTHER);
    data(&*other, &cdb(0x1e, &[(4, 1)]));
    select(&other, [TRACK_AT_ONCE | 0x10, MULTI_SESSION, 8]);
    record(&other, 0, &[7; 10 * 2048]);
    assert_eq!(data(&*process.port, &cdb(0x51, &[(8, 34)]))[2] & 0x03, 1, "as if something were recorded");
    drop(other);
    assert!(!process.burner.is_locked());
    assert_eq!(data(&*process.port, &cdb(0x51, &[(8, 34)]))[2] & 0x03, 0, "blank");
}

#[test]
fn what_a_file_says_of_another_disc_is_not_believed() {
    let directory = blank(Kind::CdR);
    let process = Process::begin(directory.path(), Power::Lost);
    select(&process.port, [TRACK_AT_ONCE | 0x10, MULTI_SESSION, 8]);
    record(&process.port, 0, &[7; 10 * 2048]);
    process.leave();
    drop(process);
    let path = directory.path().join("disc.iso");
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(directory.path().join("disc.iso.disc")).unwrap();
    drop(Disc::create(&path, Kind::CdRw, Some(1000)).unwrap());
    let process = Process::begin(directory.path(), Power::Kept);
    assert_eq!(data(&*process.port, &cdb(0x51, &[(8, 34)]))[2] & 0x03, 0, "blank");
    for text in ["planned 0 1 0 4294967295", "planned -150 0 0 0", "planned 5 0", "simulated kind", "planned"]
    {
        let words: Vec<&str> = text.split(' ').collect();
        let mut disc = process.burner.tray.lying().map(|disc| locked(&disc).resume(words[0], &words[1..]));
        assert_eq!(disc.take(), Some(None), "{text}");
    }
}

//! Recording from beginning to end, in any order, and what is left of it when a process dies.

use proptest::prelude::*;

use super::*;

struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        Bench { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("disc.iso")
    }

    fn blank(&self, kind: Kind) -> Disc {
        Disc::create(&self.path(), kind, Some(100_000)).unwrap()
    }

    fn open(&self) -> Disc {
        Disc::open(&self.path()).unwrap()
    }
}

fn write(disc: &mut Disc, sector: i64, content: u8, sectors: usize) -> Result<(), RecordError> {
    let mut data = vec![content; sectors * SECTOR as usize];
    disc.write(sector, &Segments::from_slice(&mut data), false)
}

fn read(disc: &Disc, sector: u32) -> Result<u8, RecordError> {
    let mut data = vec![0xee; SECTOR as usize];
    disc.read(sector, &Segments::from_slice(&mut data))?;
    assert!(data.iter().all(|byte| *byte == data[0]));
    Ok(data[0])
}

/// Number, session, first, len, recorded and state of each track.
fn tracks(disc: &Disc) -> Vec<(u8, u8, u32, u32, u32, TrackState)> {
    let view = |t: TrackView| (t.number, t.session, t.first, t.len, t.recorded, t.state);
    disc.tracks().into_iter().map(view).collect()
}

use TrackState::{Closed, Invisible, Open};

#[test]
fn cd_is_recorded_track_by_track_and_session_by_session() {
    let bench = Bench::new();
    let mut disc = bench.blank(Kind::CdR);
    assert_eq!((disc.status(), tracks(&disc)), (Status::Blank, vec![(1, 1, 0, 100_000, 0, Invisible)]));
    write(&mut disc, 0, 1, 20).unwrap();
    assert!(matches!(write(&mut disc, 19, 9, 1), Err(RecordError::Address)), "once is once");
    assert!(matches!(write(&mut disc, 21, 9, 1), Err(RecordError::Address)));
    write(&mut disc, 20, 2, 10).unwrap();
    assert_eq!(tracks(&disc), [(1, 1, 0, 100_000, 30, Open)]);
    disc.close_track(None).unwrap();
    assert_eq!(tracks(&disc), [(1, 1, 0, 30, 30, Closed), (2, 1, 180, 99_820, 0, Invisible)]);
    write(&mut disc, 180, 3, 5).unwrap();
    disc.close_session(true).unwrap();
    let next = 185 + 11_400;
    assert_eq!(tracks(&disc)[2], (3, 2, next, 100_000 - next, 0, Invisible));
    assert_eq!((disc.status(), disc.sessions(), disc.readable()), (Status::Appendable, (1, true), 185));
    write(&mut disc, next.into(), 4, 1).unwrap();
    disc.close_session(false).unwrap();
    assert_eq!((disc.status(), disc.tracks().len()), (Status::Finalised, 3));
    assert!(matches!(write(&mut disc, i64::from(next) + 1, 5, 1), Err(RecordError::Finalised)));
    assert!(matches!(disc.blank(), Err(RecordError::Unsuitable)));
    let before = tracks(&disc);
    drop(disc);
    let disc = bench.open();
    assert_eq!(tracks(&disc), before);
    let content = [0, 25, 100, 184, next].map(|sector| read(&disc, sector).unwrap());
    assert_eq!(content, [1, 2, 0, 3, 4], "zeros between the tracks");
    assert!(matches!(read(&disc, next + 1), Err(RecordError::Address)));
}

#[test]
fn killed_process_leaves_what_is_in_the_image() {
    let bench = Bench::new();
    let mut disc = bench.blank(Kind::DvdMinusR);
    write(&mut disc, 0, 1, 16).unwrap();
    // Neither synchronised nor closed.
    drop(disc);
    let mut disc = bench.open();
    assert_eq!(tracks(&disc), [(1, 1, 0, 100_000, 16, Open)]);
    // The write that was under way is delivered again, with more than had come through.
    let mut data = vec![2; 32 * SECTOR as usize];
    disc.write(0, &Segments::from_slice(&mut data), true).unwrap();
    assert_eq!((read(&disc, 0).unwrap(), disc.readable()), (2, 32));
    disc.close_session(true).unwrap();
    assert_eq!(tracks(&disc)[1].2, 2080, "a multiple of 16");
}

#[test]
fn reserved_tracks_are_filled_in_any_order() {
    let bench = Bench::new();
    let mut disc = bench.blank(Kind::DvdPlusR);
    disc.reserve(64, false).unwrap();
    disc.reserve(32, false).unwrap();
    write(&mut disc, 64, 2, 32).unwrap();
    assert!(matches!(write(&mut disc, 96, 9, 200_000), Err(RecordError::Full)));
    assert!(matches!(write(&mut disc, 0, 1, 65), Err(RecordError::Full)));
    write(&mut disc, 0, 1, 63).unwrap();
    assert_eq!(tracks(&disc)[..2], [(1, 1, 0, 64, 63, Open), (2, 1, 64, 32, 32, Open)]);
    disc.close_session(true).unwrap();
    assert_eq!(tracks(&disc)[..2], [(1, 1, 0, 63, 63, Closed), (2, 1, 64, 32, 32, Closed)]);
    assert!(matches!(disc.reserve(200_000, false), Err(RecordError::Full)));
}

#[test]
fn session_at_once_begins_with_a_pre_gap_and_closes_itself() {
    let bench = Bench::new();
    let mut disc = bench.blank(Kind::CdRw);
    assert!(disc.plan(vec![(10, 5)], false).is_err() && disc.plan(vec![(0, 5), (3, 5)], false).is_err());
    disc.plan(vec![(0, 20), (170, 10)], false).unwrap();
    assert_eq!(disc.planned(), Some(-150));
    assert!(matches!(write(&mut disc, 0, 9, 1), Err(RecordError::Address)));
    write(&mut disc, -150, 0xff, 140).unwrap();
    write(&mut disc, -10, 1, 20).unwrap();
    write(&mut disc, 10, 2, 160).unwrap();
    disc.sync().unwrap();
    assert_eq!(disc.sessions(), (1, false));
    write(&mut disc, 170, 3, 10).unwrap();
    assert!(matches!(write(&mut disc, 180, 9, 1), Err(RecordError::Full)));
    disc.sync().unwrap();
    assert_eq!((disc.status(), disc.planned()), (Status::Finalised, None));
    assert_eq!(tracks(&disc), [(1, 1, 0, 20, 20, Closed), (2, 1, 170, 10, 10, Closed)]);
    assert_eq!([0, 9, 10, 170].map(|sector| read(&disc, sector).unwrap()), [1, 1, 2, 3]);
    disc.blank().unwrap();
    assert_eq!((disc.status(), disc.readable()), (Status::Blank, 0));
    write(&mut disc, 0, 7, 1).unwrap();
    assert_eq!(std::fs::metadata(bench.path()).unwrap().len(), SECTOR, "nothing is left from before");
}

#[test]
fn formatted_discs_are_written_in_any_order() {
    let bench = Bench::new();
    let mut disc = bench.blank(Kind::DvdPlusRw);
    assert!(matches!(write(&mut disc, 0, 1, 1), Err(RecordError::Unsuitable)), "not formatted");
    assert!(matches!(disc.format(100_001), Err(RecordError::Full)));
    disc.format(50_000).unwrap();
    write(&mut disc, 49_999, 5, 1).unwrap();
    write(&mut disc, 3, 4, 1).unwrap();
    assert!(matches!(write(&mut disc, 50_000, 5, 1), Err(RecordError::Address)));
    assert_eq!([3, 4, 49_999].map(|sector| read(&disc, sector).unwrap()), [4, 0, 5]);
    assert_eq!((disc.status(), tracks(&disc)), (Status::Formatted, vec![(1, 1, 0, 50_000, 50_000, Closed)]));
    disc.format(100_000).unwrap();
    assert_eq!(read(&disc, 3).unwrap(), 4, "grown, not erased");
    drop(disc);
    assert_eq!(bench.open().readable(), 100_000);
}

#[test]
fn discs_are_made_once_and_open_once() {
    let bench = Bench::new();
    let disc = bench.blank(Kind::CdR);
    assert!(matches!(Disc::create(&bench.path(), Kind::CdR, None), Err(DiscError::Exists(_))));
    assert!(matches!(Disc::open(&bench.path()), Err(DiscError::InUse(_))));
    drop(disc);
    let description = bench.directory.path().join("disc.iso.disc");
    let good = std::fs::read_to_string(&description).unwrap();
    assert!(good.contains("kind = \"CD-R\"") && good.contains("capacity = 100000"), "{good}");
    for (bad, message) in [
        (good.replace("format = 1", "format = 3"), "format 3 is not known"),
        (good.replace("CD-R", "CD-X"), "unknown variant"),
        (good.clone() + "[[session]]\nclosed = true\n", "no such disc"),
        (good.clone() + "formatted = 5\n", "no such disc"),
        (
            good.clone()
                + "[[session]]\nclosed = true\n[[session.track]]\nfirst = 5\nrecorded = 4294967295\nclosed = true\n",
            "track 1 does not fit",
        ),
    ] {
        std::fs::write(&description, bad).unwrap();
        let Err(error) = Disc::open(&bench.path()) else { panic!("{message}") };
        assert!(error.to_string().contains(message), "{error}");
    }
    std::fs::remove_file(&description).unwrap();
    assert!(matches!(Disc::open(&bench.path()), Err(DiscError::Missing(_))));
    assert!(matches!(
        Disc::create(&bench.path().with_extension("x"), Kind::CdR, Some(0)),
        Err(DiscError::Size)
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever is asked for: what was recorded stays as it is, until all of it is erased.
    #[test]
    fn what_is_recorded_stays(steps in proptest::collection::vec((0u8..8, 0u32..40, 1usize..20), 1..25)) {
        let bench = Bench::new();
        let mut disc = bench.blank(Kind::DvdMinusRw);
        let mut model = std::collections::BTreeMap::new();
        for (step, place, count) in steps {
            let content = place as u8 + 1;
            match step {
                0..3 => {
                    let next = disc.tracks().last().and_then(TrackView::next_writable).unwrap_or(place);
                    if write(&mut disc, next.into(), content, count).is_ok() {
                        model.extend((next..next + count as u32).map(|sector| (sector, content)));
                    }
                }
                3 => _ = disc.close_track(None),
                4 => _ = disc.close_session(place < 38),
                5 => _ = disc.reserve(place, false),
                6 if place == 0 => {
                    disc.blank().unwrap();
                    model.clear();
                }
                _ => {
                    drop(disc);
                    disc = bench.open();
                }
            }
            for (sector, content) in &model {
                prop_assert_eq!(read(&disc, *sector).unwrap(), *content, "sector {}", sector);
            }
        }
    }
}

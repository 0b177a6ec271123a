//! Winding to places, and telling where one is.

use super::*;

fn space(code: u8, count: i32) -> [u8; 6] {
    sized(0x11, code, count.cast_unsigned() & 0xff_ffff)
}

/// b0 b1 FM b2 FM FM b3 SM b4 FM: objects 0 to 9.
fn recorded() -> Bench {
    let bench = Bench::new();
    bench.write(b"b0");
    bench.write(b"b1");
    bench.filemarks(1);
    bench.write(b"b2");
    bench.filemarks(2);
    bench.write(b"b3");
    bench.good(&sized(0x10, 2, 1), &[]);
    bench.write(b"b4");
    bench.filemarks(1);
    bench
}

impl Bench {
    fn at(&self, object: u32) -> &Bench {
        let [a, b, c, d] = object.to_be_bytes();
        self.good(&[0x2b, 0, 0, a, b, c, d, 0, 0, 0], &[]);
        assert_eq!(self.position(), object);
        self
    }
}

#[test]
fn spacing_goes_so_far_and_tells_what_it_met() {
    let bench = recorded();
    let filemark = |left| Some(Sense::FILEMARK_DETECTED.with_residue(left));
    let setmark = |left| Some(Sense::SETMARK_DETECTED.with_residue(left));
    let beginning = |left| Some(Sense::BEGINNING_DETECTED.with_residue(left));
    let end = |left| Some(Sense::END_OF_DATA.with_residue(left));
    for (from, code, count, to, met) in [
        // Blocks.
        (0, 0, 2, 2, None),
        (0, 0, 3, 3, filemark(1)),
        (6, 0, 2, 8, setmark(1)),
        (8, 0, 3, 10, filemark(2)),
        (10, 0, 3, 10, end(3)),
        (2, 0, -2, 0, None),
        (2, 0, -3, 0, beginning(1)),
        (3, 0, -1, 2, filemark(1)),
        (4, 0, -3, 2, filemark(2)),
        (9, 0, -2, 7, setmark(1)),
        (0, 0, 0, 0, None),
        // Filemarks.
        (0, 1, 1, 3, None),
        (0, 1, 3, 6, None),
        (0, 1, 4, 8, setmark(1)),
        (8, 1, 1, 10, None),
        (8, 1, 2, 10, end(1)),
        (6, 1, -1, 5, None),
        (6, 1, -3, 2, None),
        (6, 1, -4, 0, beginning(1)),
        (10, 1, -1, 9, None),
        (10, 1, -2, 7, setmark(1)),
        (8, 1, -1, 7, setmark(1)),
        // Sequential filemarks.
        (0, 2, 1, 3, None),
        (0, 2, 2, 6, None),
        (3, 2, 2, 6, None),
        (0, 2, 3, 10, end(3)),
        (10, 2, -2, 4, None),
        (5, 2, -2, 0, beginning(2)),
        (10, 2, -1, 9, None),
        // End of data.
        (0, 3, 0, 10, None),
        // Setmarks.
        (0, 4, 1, 8, None),
        (0, 4, 2, 10, end(1)),
        (10, 4, -1, 7, None),
        (10, 4, -2, 0, beginning(1)),
        (0, 5, 1, 8, None),
        (10, 5, -2, 0, beginning(2)),
    ] {
        let what = format!("{count} of {code} from {from}");
        bench.at(from);
        match met {
            None => bench.good(&space(code, count), &[]),
            Some(sense) => assert_eq!(bench.sense(&space(code, count)), sense, "{what}"),
        }
        assert_eq!(bench.position(), to, "{what}");
        // The same of 64 bits.
        bench.at(from);
        let count = i64::from(count).to_be_bytes();
        let long = [&[0x91, code, 0, 0][..], &count, &[0; 4]].concat();
        match met {
            None => bench.good(&long, &[]),
            Some(sense) => assert_eq!(bench.sense(&long), sense, "{what}"),
        }
        assert_eq!(bench.position(), to, "{what}");
    }
    assert_eq!(bench.sense(&space(6, 1)), Sense::cdb_field(1, 3));
    assert_eq!(bench.sense(&space(6, 0)), Sense::cdb_field(1, 3));
    let far = [&[0x91, 1, 0, 0][..], &i64::MIN.to_be_bytes(), &[0; 4]].concat();
    assert!(bench.at(6).sense(&far).is(Sense::BEGINNING_DETECTED));
    let far = [&[0x91, 1, 0, 0][..], &i64::MAX.to_be_bytes(), &[0; 4]].concat();
    assert!(bench.at(8).sense(&far).is(Sense::END_OF_DATA));
    assert_eq!(bench.sense(&[0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0]), Sense::cdb_field(12, 7));
}

#[test]
fn setmarks_that_are_not_reported_are_passed_over() {
    let bench = recorded();
    let mut page = bench.data(&[0x1a, 8, 0x10, 0, 20, 0], 20);
    (page[0], page[4 + 8]) = (0, page[4 + 8] & !0x20);
    bench.good(&[0x15, 0x10, 0, 0, 20, 0], &page);
    bench.at(6).good(&space(0, 2), &[]);
    assert_eq!(bench.position(), 9);
    bench.good(&space(0, -2), &[]);
    assert_eq!(bench.read(), b"b3");
    assert_eq!(bench.read(), b"b4");
    bench.at(0).good(&space(1, 4), &[]);
    assert_eq!(bench.position(), 10);
    bench.good(&space(1, -2), &[]);
    assert_eq!(bench.position(), 5);
    let sense = bench.at(9).sense(&space(0, -3));
    assert_eq!((sense, bench.position()), (Sense::FILEMARK_DETECTED.with_residue(1), 5));
}

#[test]
fn objects_files_and_the_end_are_located() {
    let bench = recorded();
    let locate =
        |kind: u8, number: u64| [&[0x92, kind << 3, 0, 0][..], &number.to_be_bytes(), &[0; 4]].concat();
    for (kind, number, to) in [(0, 7, 7), (1, 0, 0), (1, 1, 3), (1, 3, 6), (3, 99, 10), (0, 0, 0)] {
        bench.good(&locate(kind, number), &[]);
        assert_eq!(bench.position(), to);
    }
    assert_eq!(bench.sense(&locate(0, 11)), Sense::END_OF_DATA);
    assert_eq!(bench.position(), 10);
    bench.at(0);
    assert_eq!(bench.sense(&locate(1, 5)), Sense::END_OF_DATA);
    assert_eq!(bench.sense(&locate(2, 0)), Sense::cdb_field(1, 4));
    assert_eq!(bench.sense(&[0x2b, 2, 0, 0, 0, 0, 1, 0, 1, 0]), Sense::cdb_field(8, 7), "partition 1");
    // BT: the vendor's numbers, which are the same.
    bench.good(&[0x2b, 4, 0, 0, 0, 0, 4, 0, 0, 0], &[]);
    assert_eq!(bench.position(), 4);
}

#[test]
fn position_is_told_in_all_forms() {
    let bench = recorded();
    let form = |action: u8, len: u8| bench.data(&[0x34, action, 0, 0, 0, 0, 0, 0, len, 0], 32);
    bench.at(9);
    let short = [0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!((form(0, 0), form(1, 0)), (short.to_vec(), short.to_vec()));
    let long = form(6, 0);
    let numbers = |data: &[u8]| -> Vec<u64> {
        data[8..].chunks(8).map(|n| u64::from_be_bytes(n.try_into().unwrap())).collect()
    };
    assert_eq!((long[0], numbers(&long)), (0, vec![9, 3, 1]));
    let extended = form(8, 32);
    assert_eq!((extended[3], numbers(&extended)), (28, vec![9, 9, 0]));
    assert_eq!(form(8, 12).len(), 12);
    bench.at(0);
    assert_eq!([form(0, 0)[0], form(6, 0)[0]], [0x80; 2], "BOP");
    assert_eq!(bench.sense(&[0x34, 0, 0, 0, 0, 0, 0, 0, 20, 0]), Sense::cdb_field(7, 7));
    assert_eq!(bench.sense(&[0x34, 2, 0, 0, 0, 0, 0, 0, 0, 0]), Sense::cdb_field(1, 4));
}

#[test]
fn reading_meets_marks() {
    let bench = recorded();
    let read = sized(0x08, 0, 2);
    bench.at(2);
    assert_eq!(bench.sense(&read), Sense::FILEMARK_DETECTED.with_residue(2));
    assert_eq!(bench.position(), 3);
    bench.at(7);
    assert_eq!(bench.sense(&read), Sense::SETMARK_DETECTED.with_residue(2));
    assert_eq!(bench.read(), b"b4");
}

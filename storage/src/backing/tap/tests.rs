//! Images as SIMH's document describes them, damaged ones, and those written here as another reader sees them.

use std::fmt::Write as _;
use std::process::Command;

use super::*;

struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    fn new(bytes: &[u8]) -> Bench {
        let bench = Bench { directory: tempfile::tempdir().unwrap() };
        std::fs::write(bench.path(), bytes).unwrap();
        bench
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("tape.tap")
    }

    fn open(&self) -> Image {
        Image::open(&self.path(), Access::ReadWrite).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }
}

fn record(data: &[u8]) -> Vec<u8> {
    let word = (data.len() as u32).to_le_bytes();
    [&word, data, &vec![0; data.len() % 2], &word].concat()
}

fn write(image: &mut Image, place: Place, data: &[u8], record_len: u32) -> Place {
    image.write_records(place, &Segments::from_slice(&mut data.to_vec()), record_len).unwrap()
}

fn data(image: &Image, found: &Found) -> Vec<u8> {
    let Object::Record { len, .. } = found.object else { panic!("{found:?}") };
    let mut data = vec![0; len as usize];
    image.read(found, 0, &Segments::from_slice(&mut data)).unwrap();
    data
}

/// All objects as text, and how the walk ended.
fn listing(image: &mut Image) -> String {
    let (mut text, mut place) = (String::new(), Place::BEGINNING);
    loop {
        match image.next(place) {
            Ok(Some(found)) => {
                _ = match found.object {
                    Object::Record { len, bad } => {
                        write!(text, "{len}{} ", if bad { "?" } else { "" })
                    }
                    Object::Mark(Mark::Filemark) => write!(text, "FM "),
                    Object::Mark(Mark::Setmark) => write!(text, "SM "),
                };
                place = found.behind;
            }
            Ok(None) => return text + "end",
            Err(fault) => return text + &format!("{fault:?}"),
        }
    }
}

const GAP: [u8; 4] = [0xfe, 0xff, 0xff, 0xff];
const END: [u8; 4] = [0xff; 4];
const MARK: [u8; 4] = [0; 4];

#[test]
fn objects_of_the_format_are_told_apart() {
    let bad = [&[4, 0, 0, 0x80][..], b"abcd", &[4, 0, 0, 0x80]].concat();
    let nothing_recovered = [0, 0, 0, 0x80, 0, 0, 0, 0x80];
    let described = [&[3, 0, 0, 0xe0][..], b"hi!\0", &[3, 0, 0, 0xe0]].concat();
    let private = [&[2, 0, 0, 0x30][..], b"xx", &[2, 0, 0, 0x30]].concat();
    let marker = [1, 2, 3, 0x71];
    let setmark = 0x7053_4d4bu32.to_le_bytes();
    // A record of 6 bytes over the first 14 bytes of gaps leaves half of a marker.
    let half_gap = [&record(b"123456")[..], &GAP[2..], &GAP, &GAP].concat();
    let long_gap = GAP.repeat(40_000);
    for (parts, expected) in [
        (vec![], "end"),
        (vec![&record(b"abc")[..], &record(b"abcd"), &MARK, &MARK], "3 4 FM FM end"),
        (vec![&bad, &nothing_recovered, &MARK], "4? 0? FM end"),
        (vec![&described, &record(b"a"), &private, &marker, &setmark, &MARK], "1 SM FM end"),
        (vec![&record(b"a"), &long_gap, &record(b"b"), &GAP], "1 1 end"),
        (vec![&half_gap, &record(b"bb")], "6 2 end"),
        (vec![&record(b"a"), &END, &record(b"b")], "1 end"),
    ] {
        assert_eq!(listing(&mut Bench::new(&parts.concat()).open()), expected);
    }
}

#[test]
fn damage_is_told_and_nothing_before_it_is_lost() {
    let whole = [record(&[1; 100]), MARK.to_vec(), record(&[2; 33])].concat();
    for cut in 0..whole.len() {
        let expected = match cut {
            0 => "end",
            1..108 => "Truncated",
            108 => "100 end",
            109..112 => "100 Truncated",
            112 => "100 FM end",
            _ => "100 FM Truncated",
        };
        assert_eq!(listing(&mut Bench::new(&whole[..cut]).open()), expected, "cut at {cut}");
    }
    let with = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        listing(&mut Bench::new(&bytes).open())
    };
    assert_eq!(with(0, 98), "Damaged", "length in front");
    assert_eq!(with(104, 99), "Damaged", "length behind");
    assert_eq!(with(3, 0x0f), "Truncated", "a record longer than the file");
    assert_eq!(with(50, 9), "100 FM 33 end", "data are not checked");
    let illegal = [&record(b"a")[..], &[0, 0, 0xff, 0xff], &record(b"b")].concat();
    assert_eq!(listing(&mut Bench::new(&illegal).open()), "1 Damaged");
}

#[test]
fn any_bytes_are_read_without_panic() {
    let mut seed = 7u64;
    for _ in 0..500 {
        let mut bytes = Vec::new();
        for _ in 0..20 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match seed >> 61 {
                0 => bytes.extend((seed >> 20).to_le_bytes()),
                1 => bytes.extend(MARK),
                2 => bytes.extend(GAP),
                3 => bytes.extend(&GAP[..2]),
                4 => bytes.extend(((seed >> 29) as u32).to_le_bytes()),
                _ => bytes.extend(record(&vec![3; (seed >> 40) as usize % 40])),
            }
        }
        let bench = Bench::new(&bytes);
        let mut image = bench.open();
        listing(&mut image);
        let end = image.find_end(Place::BEGINNING).unwrap_or_else(|(at, _)| at);
        assert!(image.is_plausible(end), "{end:?}");
        let behind = write(&mut image, end, b"new", 3);
        assert!(matches!(image.next(behind), Ok(None)));
        drop(image);
        let (mut image, place) = (bench.open(), end);
        let found = image.next(place).unwrap().unwrap();
        assert_eq!(data(&image, &found), b"new");
    }
}

#[test]
fn what_is_written_has_the_bytes_of_the_document() {
    let bench = Bench::new(&[]);
    let mut image = bench.open();
    let one = write(&mut image, Place::BEGINNING, b"abcde", 2);
    let two = image.write_marks(one, Mark::Setmark, 1).unwrap();
    let three = image.write_marks(two, Mark::Filemark, 2).unwrap();
    assert_eq!(three, Place { object: 6, filemarks: 2, setmarks: 1, offset: 42 });
    let setmark = 0x7053_4d4bu32.to_le_bytes();
    let expected = [&record(b"ab")[..], &record(b"cd"), &record(b"e"), &setmark, &MARK, &MARK].concat();
    assert_eq!(bench.bytes(), expected);
    let four = write(&mut image, one, &[7; 1000], 1000);
    assert_eq!(bench.bytes()[30..], record(&[7; 1000]), "what followed is gone");
    assert_eq!(image.find_end(Place::BEGINNING).unwrap(), four);
    image.erase(Place::BEGINNING).unwrap();
    assert_eq!(bench.bytes(), b"");
}

#[test]
fn many_records_go_in_batches_and_come_back() {
    let bench = Bench::new(&[]);
    let mut image = bench.open();
    let bytes: Vec<u8> = (0..100_000u32).map(|i| ((i * 7) >> 3) as u8).collect();
    let end = write(&mut image, Place::BEGINNING, &bytes, 33);
    assert_eq!(end.object, 100_000u64.div_ceil(33));
    let mut place = image.find_object(1234, end).unwrap();
    for part in bytes[1234 * 33..].chunks(33) {
        let found = image.next(place).unwrap().unwrap();
        assert_eq!(data(&image, &found), part);
        place = found.behind;
    }
    assert_eq!(place, end);
}

#[test]
fn places_are_found_from_anywhere_with_a_fresh_map_and_a_full_one() {
    let bench = Bench::new(&[]);
    let mut image = bench.open();
    let (mut place, mut places) = (Place::BEGINNING, vec![Place::BEGINNING]);
    for number in 0..3000u32 {
        place = match number % 50 {
            47 => image.write_marks(place, Mark::Setmark, 1).unwrap(),
            48 | 49 => image.write_marks(place, Mark::Filemark, 1).unwrap(),
            len => write(&mut image, place, &vec![1; len as usize + 1], 100),
        };
        places.push(place);
    }
    for fresh in [false, true] {
        for from in [0, 1, 1499, 3000].map(|object| places[object]) {
            if fresh {
                drop(image);
                image = bench.open();
            }
            for object in [0, 1, 63, 64, 65, 1500, 2999, 3000] {
                assert_eq!(image.find_object(object, from).unwrap(), places[object as usize]);
            }
            let halt = image.find_object(3001, from).unwrap_err();
            assert!(halt.at == place && matches!(halt.why, Why::End));
            let (before, behind) = image.find_mark(Mark::Filemark, 5, from).unwrap();
            assert_eq!((before, behind), (places[148], places[149]));
            let (before, _) = image.find_mark(Mark::Setmark, 60, from).unwrap();
            assert_eq!(before, places[2997]);
            assert!(image.find_mark(Mark::Setmark, 61, from).is_err());
        }
        assert_eq!(image.find_marks_in_row(Mark::Filemark, 2, places[49]).unwrap(), places[100]);
        assert!(image.find_marks_in_row(Mark::Filemark, 3, places[0]).is_err());
        let mut before =
            |mark, count, object: usize| image.find_marks_in_row_before(mark, count, places[object]).unwrap();
        assert_eq!(before(Mark::Filemark, 2, 1020), Some(places[998]));
        assert_eq!(before(Mark::Filemark, 2, 999), Some(places[948]));
        assert_eq!(before(Mark::Filemark, 1, 999), Some(places[998]));
        assert_eq!(before(Mark::Filemark, 2, 49), None);
        assert_eq!(before(Mark::Setmark, 2, 3000), None);
    }
}

#[test]
fn images_are_locked_and_protected_by_their_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new(&record(b"a"));
    let image = bench.open();
    let refusal = Image::open(&bench.path(), Access::ReadOnly).err().unwrap().to_string();
    assert_eq!(refusal, format!("Device '{}' is in use.", bench.path().display()));
    drop(image);
    std::fs::set_permissions(bench.path(), std::fs::Permissions::from_mode(0o444)).unwrap();
    let mut image = bench.open();
    assert!(image.read_only());
    let refused = image.write_marks(Place::BEGINNING, Mark::Filemark, 1).unwrap_err();
    assert_eq!(refused.kind(), crate::backing::IoErrorKind::ReadOnly);
    assert_eq!(listing(&mut image), "1 end");
    let missing = Image::open(&bench.directory.path().join("none"), Access::ReadOnly).err().unwrap();
    assert!(missing.to_string().ends_with("does not exist."));
}

/// Written from the document alone: prints each object of the standard format, skips all others.
const READER: &str = r#"
import hashlib, struct, sys
image, at = open(sys.argv[1], "rb").read(), 0
while at < len(image):
    word, = struct.unpack_from("<L", image, at)
    kind, length = word >> 28, word & 0xfffffff
    if word == 0:
        print("tape mark"); at += 4
    elif word == 0xffffffff:
        break
    elif kind in (7, 15):
        at += 2 if word == 0xfffeffff else 4
    else:
        last, = struct.unpack_from("<L", image, at + 4 + (length + 1) // 2 * 2)
        assert last == word, at
        if kind in (0, 8):
            print(length, hashlib.sha256(image[at + 4:at + 4 + length]).hexdigest())
        at += 8 + (length + 1) // 2 * 2
"#;

#[test]
fn another_reader_finds_the_same_records_and_marks() {
    let bench = Bench::new(&[]);
    let mut image = bench.open();
    let mut place = Place::BEGINNING;
    let mut expected = String::new();
    for len in [1u32, 2, 3, 511, 512, 10_240, 65_535, 1 << 20] {
        place = write(&mut image, place, &vec![b'a'; len as usize], MAX_RECORD);
        expected += &format!("{len} ");
        if len % 2 == 1 {
            place = image.write_marks(place, Mark::Filemark, 1).unwrap();
            place = image.write_marks(place, Mark::Setmark, 1).unwrap();
            expected += "tape mark ";
        }
    }
    let hash = |len: &str| {
        let script = format!("import hashlib; print(hashlib.sha256(b'a' * {len}).hexdigest())");
        python(&["-c", &script])
    };
    let shown = python(&["-c", READER, bench.path().to_str().unwrap()]);
    let mut objects = String::new();
    for line in shown.lines() {
        if let Some((len, found)) = line.split_once(' ').filter(|(len, _)| len.parse::<u32>().is_ok()) {
            assert_eq!(found, hash(len).trim(), "{len} bytes");
            objects += &format!("{len} ");
        } else {
            objects += &format!("{line} ");
        }
    }
    assert_eq!(objects, expected);
}

fn python(arguments: &[&str]) -> String {
    let output = Command::new("python3").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

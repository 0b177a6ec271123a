//! Blocks on their way to the tape and back.

use super::*;

#[test]
fn blocks_of_any_length_come_back() {
    let blocks: [&[u8]; 4] = [b"a", b"bcd", &[7; 65_536], &[9; 10_240]];
    let bench = Bench::with_blocks(&blocks);
    for block in blocks {
        assert_eq!(bench.read(), block);
    }
    assert_eq!(bench.sense(&sized(0x08, 0, 100)), Sense::END_OF_DATA.with_residue(100));
    assert_eq!(bench.position(), 4);
}

#[test]
fn largest_block_is_16_mib_less_one() {
    let bench = Bench::new();
    let most = 0xff_ffff;
    bench.write(&vec![3; most]);
    bench.good(&REWIND, &[]);
    assert_eq!(bench.data(&sized(0x08, 0, most as u32), most).len(), most);
}

#[test]
fn other_lengths_are_told_unless_suppressed() {
    let bench = Bench::with_blocks(&[&[1; 100], &[2; 100], &[3; 100], &[4; 100], &[5; 100]]);
    let shorter = bench.run(&sized(0x08, 0, 60), &[], 60);
    let sense = Some(Sense::INCORRECT_LENGTH.with_residue(-40));
    assert_eq!(shorter.execution, Execution::Done(Completion { sense, data_out: 0, data_in: 60 }));
    assert_eq!(shorter.data, [1; 60]);
    let longer = bench.run(&sized(0x08, 0, 200), &[], 200);
    let sense = Some(Sense::INCORRECT_LENGTH.with_residue(100));
    assert_eq!(longer.execution, Execution::Done(Completion { sense, data_out: 0, data_in: 100 }));
    assert_eq!(bench.data(&sized(0x08, SILI, 200), 200), [3; 100]);
    assert_eq!(bench.data(&sized(0x08, SILI, 10), 10), [4; 10]);
    bench.set_block_len(100);
    let (sense, moved) = bench.partly(&sized(0x08, SILI, 10), &[], 10);
    assert_eq!((sense, moved), (Sense::INCORRECT_LENGTH.with_residue(-90), 10), "a block length is set");
    assert_eq!(bench.position(), 5, "behind the block in all cases");
}

#[test]
fn fixed_blocks_are_counted() {
    let bench = Bench::new();
    assert_eq!(bench.sense(&sized(0x0a, FIXED, 1)), Sense::cdb_field(1, 0), "no block length");
    bench.set_block_len(512);
    let bytes: Vec<u8> = (0..512 * 700u32).map(|i| (i / 512) as u8).collect();
    bench.good(&sized(0x0a, FIXED, 700), &bytes);
    bench.filemarks(1);
    bench.write(&[9; 300]);
    assert_eq!(bench.position(), 702);
    bench.good(&REWIND, &[]);
    assert_eq!(bench.data(&sized(0x08, FIXED, 500), 512 * 500), bytes[..512 * 500]);
    let answer = bench.run(&sized(0x08, FIXED, 300), &[], 512 * 300);
    let sense = Some(Sense::FILEMARK_DETECTED.with_residue(100));
    let completion = Completion { sense, data_out: 0, data_in: 512 * 200 };
    assert_eq!(answer.execution, Execution::Done(completion));
    assert_eq!(answer.data, bytes[512 * 500..]);
    let (sense, moved) = bench.partly(&sized(0x08, FIXED, 2), &[], 1024);
    assert_eq!((sense, moved), (Sense::INCORRECT_LENGTH.with_residue(2), 0));
    assert_eq!(bench.sense(&sized(0x08, FIXED, 2)), Sense::END_OF_DATA.with_residue(2));
    assert_eq!(bench.sense(&sized(0x08, FIXED | SILI, 1)), Sense::cdb_field(1, 1));
}

#[test]
fn nothing_asked_for_is_nothing_done() {
    let bench = Bench::with_blocks(&[b"abc"]);
    bench.good(&sized(0x08, 0, 0), &[]);
    bench.good(&sized(0x0a, 0, 0), &[]);
    bench.good(&sized(0x10, 0, 0), &[]);
    assert_eq!(bench.read(), b"abc");
}

#[test]
fn buffers_too_small_are_an_overrun() {
    let bench = Bench::with_blocks(&[b"abc"]);
    assert_eq!(bench.run(&sized(0x08, 0, 3), &[], 2).execution, Execution::Overrun);
    assert_eq!(bench.run(&sized(0x0a, 0, 3), &[1, 2], 0).execution, Execution::Overrun);
    assert_eq!(bench.position(), 0);
}

#[test]
fn writing_in_the_middle_ends_the_tape_there() {
    let bench = Bench::with_blocks(&[b"a", b"b", b"c"]);
    bench.read();
    bench.write(b"x");
    assert_eq!(bench.sense(&sized(0x08, 0, 1)), Sense::END_OF_DATA.with_residue(1));
    bench.good(&REWIND, &[]);
    assert_eq!([bench.read(), bench.read()], [b"a", b"x"]);
    bench.good(&REWIND, &[]);
    bench.read();
    bench.filemarks(1);
    bench.good(&[0x11, 3, 0, 0, 0, 0], &[]);
    assert_eq!(bench.position(), 2);
}

#[test]
fn end_is_announced_and_met() {
    // 2 MiB, of which the last 64 KiB are behind early warning. A block takes 16 KiB and 8 bytes.
    let bench = Bench::labelled("capacity 2M");
    let block = [5; 16 << 10];
    let write = sized(0x0a, 0, block.len() as u32);
    (0..123).for_each(|_| bench.write(&block));
    for _ in 123..127 {
        let (sense, moved) = bench.partly(&write, &block, 0);
        assert_eq!((sense, moved), (Sense::EARLY_WARNING.with_residue(0), block.len() as u64));
    }
    let (sense, moved) = bench.partly(&write, &block, 0);
    assert_eq!((sense, moved), (Sense::OVERFLOW.with_residue(block.len() as i64), 0));
    assert_eq!(bench.sense(&sized(0x10, 0, 2)), Sense::EARLY_WARNING.with_residue(0));
    assert_eq!(bench.position(), 129, "the file can still be ended");
    assert_eq!(bench.data(&[0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0], 20)[0], 0x40, "EOP");
    let end = Sense::END_OF_DATA.with_end_of_medium();
    assert_eq!(bench.sense(&sized(0x08, 0, 1)), end.with_residue(1));
    let (sense, _) = bench.partly(&sized(0x10, 0, 30_000), &[], 0);
    assert_eq!(sense, Sense::OVERFLOW.with_residue(30_000));
}

#[test]
fn fixed_blocks_that_do_not_fit_are_told() {
    let bench = Bench::labelled("capacity 64K");
    bench.set_block_len(1000);
    let (sense, moved) = bench.partly(&sized(0x0a, FIXED, 100), &[1; 100_000], 0);
    assert_eq!((sense, moved), (Sense::OVERFLOW.with_residue(35), 65_000));
    bench.good(&REWIND, &[]);
    assert_eq!(bench.data(&sized(0x08, FIXED, 65), 65_000), [1; 65_000]);
}

#[test]
fn protected_cartridges_refuse_changes() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let path = directory.path().join("a.tap");
    std::fs::write(&path, [3, 0, 0, 0, 1, 2, 3, 0, 3, 0, 0, 0]).unwrap();
    std::fs::write(directory.path().join("a.cartridge"), "write-protected").unwrap();
    let bench = Bench::of(Arc::new(TapeDrive::new(Uuid::from_u128(0xd))), directory);
    bench.drive.load(Cartridge::at(&path).unwrap()).unwrap();
    assert_eq!(bench.attention(), Sense::MEDIUM_CHANGED);
    assert_eq!(bench.data(&[0x1a, 0, 0, 0, 12, 0], 12)[2], 0x90, "WP");
    for (cdb, data) in [
        (sized(0x0a, 0, 1), &[1][..]),
        (sized(0x10, 0, 1), &[]),
        (sized(0x19, 0, 0), &[]),
        (sized(0x04, 0, 0), &[]),
    ] {
        assert_eq!(bench.partly(&cdb, data, 0), (Sense::WRITE_PROTECTED, 0), "{cdb:02x?}");
    }
    assert_eq!(bench.read(), [1, 2, 3]);
    // Software write protection.
    let bench = Bench::new();
    let mut page = bench.data(&[0x1a, 8, 0x10, 0, 20, 0], 20);
    (page[0], page[4 + 10]) = (0, page[4 + 10] | 4);
    bench.good(&[0x15, 0x10, 0, 0, 20, 0], &page);
    assert_eq!(bench.partly(&sized(0x0a, 0, 1), &[1], 0).0, Sense::WRITE_PROTECTED);
}

#[test]
fn blocks_are_verified_with_and_without_comparing() {
    let block: Vec<u8> = (0..600_000u32).map(|i| (i / 3) as u8).collect();
    let bench = Bench::with_blocks(&[&block, &block, b"abc"]);
    let verify = |flags, len: u32| sized(0x13, flags, len);
    bench.good(&verify(0, 600_000), &[]);
    bench.good(&REWIND, &[]);
    bench.good(&verify(2, 600_000), &block);
    let mut other = block.clone();
    other[599_999] ^= 1;
    assert_eq!(bench.partly(&verify(2, 600_000), &other, 0).0, Sense::MISCOMPARE.with_residue(600_000));
    let (sense, _) = bench.partly(&verify(0, 100), &[], 0);
    assert_eq!(sense, Sense::INCORRECT_LENGTH.with_residue(97));
}

#[test]
fn erasing_and_formatting_end_the_tape() {
    let bench = Bench::with_blocks(&[b"a", b"b"]);
    bench.read();
    bench.good(&[0x19, 1, 0, 0, 0, 0], &[]);
    assert_eq!(bench.sense(&sized(0x08, 0, 1)), Sense::END_OF_DATA.with_residue(1));
    assert_eq!(bench.sense(&[0x04, 0, 0, 0, 0, 0]), Sense::PAST_BEGINNING);
    bench.good(&REWIND, &[]);
    bench.good(&[0x04, 0, 0, 0, 0, 0], &[]);
    assert_eq!(bench.sense(&sized(0x08, 0, 1)), Sense::END_OF_DATA.with_residue(1));
}

#[test]
fn damaged_cartridges_are_medium_errors() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let bench = Bench::of(Arc::new(TapeDrive::new(Uuid::from_u128(0xd))), directory);
    let record = |data: &[u8]| {
        let word = (data.len() as u32).to_le_bytes();
        [&word, data, &word].concat()
    };
    let load = |bytes: &[u8]| {
        let path = bench.directory.path().join("a.tap");
        std::fs::write(&path, bytes).unwrap();
        bench.drive.unload(true).unwrap();
        bench.drive.load(Cartridge::at(&path).unwrap()).unwrap();
        bench.attention();
    };
    let read = sized(0x08, SILI, 10);
    let whole = [record(b"ab"), record(b"cd")].concat();
    load(&whole[..17]);
    assert_eq!(bench.read(), b"ab");
    assert_eq!(bench.sense(&read), Sense::END_OF_DATA_NOT_FOUND.with_residue(10));
    bench.good(&[0x11, 3, 0, 0, 0, 0], &[]);
    bench.write(b"again");
    bench.good(&REWIND, &[]);
    assert_eq!([bench.read(), bench.read()], [b"ab".to_vec(), b"again".to_vec()]);

    let mut broken = whole.clone();
    broken[10] = 1;
    load(&broken);
    bench.read();
    assert_eq!(bench.sense(&read), Sense::FORMAT_CORRUPTED.with_residue(10));
    assert_eq!(bench.sense(&[0x11, 3, 0, 0, 0, 0]), Sense::FORMAT_CORRUPTED);
    assert_eq!(bench.sense(&[0x11, 0, 0, 0, 5, 0]), Sense::FORMAT_CORRUPTED.with_residue(5));
    assert_eq!(bench.sense(&[0x2b, 0, 0, 0, 0, 0, 9, 0, 0, 0]), Sense::FORMAT_CORRUPTED);
    assert_eq!(bench.position(), 1);

    let bad = [&[2, 0, 0, 0x80][..], b"ab", &[2, 0, 0, 0x80], &record(b"cd")].concat();
    load(&bad);
    assert_eq!(bench.sense(&read), Sense::READ_ERROR.with_residue(10));
    assert_eq!(bench.read(), b"cd", "the next one is whole");
    assert_eq!(bench.data(&[0x4d, 0, 0x6e, 0, 0, 0, 0, 4, 0, 0], 1024)[4 + 5 * 4 + 4], 1, "flag 5");
}

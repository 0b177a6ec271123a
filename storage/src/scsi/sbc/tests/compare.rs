//! Commands that compare.

use super::*;

#[test]
fn verify_compares_when_asked() {
    let bench = Bench::new();
    for opcode in VERIFIES {
        bench.good(&extent(opcode, 0, 4), &[]);
        let compare = with(extent(opcode, 0, 2), 1, 0x02);
        bench.good(&compare, &[block(0), block(0)].concat());
        let mut wrong = [block(0), block(0)].concat();
        wrong[700] = 1;
        assert_eq!(bench.sense(&compare, &wrong), Sense::miscompare_at(700));
        assert_eq!(bench.run(&compare, &block(0), 0).execution, Execution::Overrun);
    }
}

#[test]
fn verify_reads_more_than_one_chunk() {
    let bench = Bench::new();
    let mut all = vec![0; (BLOCKS * BLOCK) as usize];
    let compare = with(extent(0x8f, 0, BLOCKS as u32), 1, 0x02);
    bench.good(&compare, &all);
    let last = all.len() - 1;
    all[last] = 1;
    assert_eq!(bench.sense(&compare, &all), Sense::miscompare_at(last as u64));
}

#[test]
fn verify_compares_each_block_with_one() {
    let bench = Bench::new();
    bench.good(&extent(0x8a, 8, 3), &[block(4), block(4), block(4)].concat());
    for opcode in VERIFIES {
        let compare = |blocks| with(extent(opcode, 8, blocks), 1, 0x06);
        bench.good(&compare(3), &block(4));
        assert_eq!(bench.sense(&compare(4), &block(4)), Sense::miscompare_at(3 * 512));
        assert_eq!(bench.sense(&with(extent(opcode, 8, 1), 1, 0x04), &block(4)), Sense::cdb_field(1, 2));
    }
}

#[test]
fn written_and_verified_blocks_are_on_stable_storage() {
    let bench = Bench::new();
    for (n, opcode) in [0x2e, 0xae, 0x8e].into_iter().enumerate() {
        bench.good(&extent(opcode, 3, 2), &[block(n as u8 + 1), block(9)].concat());
        assert_eq!(bench.store.content(3 * 512, 1024), [block(n as u8 + 1), block(9)].concat());
        assert_eq!(bench.store.durable_writes(), n as u64 + 1);
        assert_eq!(bench.sense(&with(extent(opcode, 3, 1), 1, 0x06), &block(1)), Sense::cdb_field(1, 2));
    }
    let protected = Bench::on(MemoryStore::read_only(4096));
    assert_eq!(protected.sense(&extent(0x2e, 0, 1), &block(1)), Sense::WRITE_PROTECTED);
}

fn compare_and_write(lba: u64, blocks: u8) -> Vec<u8> {
    let mut cdb = vec![0; 16];
    cdb[0] = 0x89;
    cdb[2..10].copy_from_slice(&lba.to_be_bytes());
    cdb[13] = blocks;
    cdb
}

#[test]
fn compare_and_write_writes_only_what_compared_equal() {
    let bench = Bench::new();
    bench.good(&compare_and_write(5, 2), &[vec![0; 1024], vec![7; 1024]].concat());
    assert_eq!(bench.store.content(5 * 512, 1024), vec![7; 1024]);
    let mut wrong = [vec![7; 1024], vec![8; 1024]].concat();
    wrong[600] = 0;
    assert_eq!(bench.sense(&compare_and_write(5, 2), &wrong), Sense::miscompare_at(600));
    assert_eq!(bench.store.content(5 * 512, 1024), vec![7; 1024]);
    bench.good(&with(compare_and_write(5, 1), 1, 0x08), &[block(7), block(1)].concat());
    assert_eq!(bench.store.durable_writes(), 1, "FUA");
    assert_eq!(bench.run(&compare_and_write(5, 2), &[7; 2047], 0).execution, Execution::Overrun);
    assert_eq!(bench.sense(&compare_and_write(0, 129), &[]), Sense::cdb_field(13, 7));
    assert_eq!(bench.sense(&compare_and_write(BLOCKS, 1), &[0; 1024]), Sense::LBA_OUT_OF_RANGE);
}

#[test]
fn compare_and_write_of_many_threads_counts_right() {
    let bench = Bench::new();
    let number = |n: u32| [&n.to_le_bytes()[..], &[0; 508]].concat();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    // Adds one, as a cluster file system would change its lock.
                    loop {
                        let before = bench.data(&extent(0x28, 0, 1), 512);
                        let after =
                            number(u32::from_le_bytes([before[0], before[1], before[2], before[3]]) + 1);
                        let answer = bench.run(&compare_and_write(0, 1), &[before, after].concat(), 0);
                        match answer.execution {
                            Execution::Done(Completion { sense: None, .. }) => break,
                            Execution::Done(Completion { sense: Some(sense), .. }) => {
                                assert!(sense.is(Sense::MISCOMPARE));
                            }
                            other => panic!("{other:?}"),
                        }
                    }
                }
            });
        }
    });
    assert_eq!(bench.store.content(0, 512), number(800));
}

//! Expected values are computed by hand from the encodings of SDM volume 2, chapter 11.

use super::super::call::testing::Fake;
use super::super::testing::firmware;
use super::*;

fn call(index: u64, arguments: [u64; 3]) -> ([u64; 4], Convention) {
    let mut caller = Fake::new();
    answer(&mut caller, index, arguments)
}

fn answer(caller: &mut Fake, index: u64, arguments: [u64; 3]) -> ([u64; 4], Convention) {
    caller.registers[28] = index;
    let first = if index < 256 { 29 } else { 33 };
    caller.registers[first..first + 3].copy_from_slice(&arguments);
    match super::call(&firmware(), caller).unwrap() {
        (Reply::Return(values), convention) => (values, convention),
        other => panic!("{other:?}"),
    }
}

#[test]
fn frequencies_agree_with_the_clock() {
    let ([status, base, ..], _) = call(13, [0; 3]);
    let ([_, _, _, itc], _) = call(14, [0; 3]);
    assert_eq!((status, base * (itc >> 32) / (itc & 0xffff_ffff)), (0, ITC_HZ));
}

#[test]
fn vm_summary_lets_linux_build_its_page_tables() {
    let ([status, r9, r10, _], convention) = call(8, [0; 3]);
    assert_eq!((status, convention), (0, Convention::Static));
    assert_eq!((r9 & 1, r9 >> 1 & 0x7f, r9 >> 32 & 0xff), (1, 50, 31));
    assert_eq!((r10 & 0xff, r10 >> 8 & 0xff, r10 >> 16 & 0xffff), (60, 24, 0xffff));
    assert_eq!(call(34, [0; 3]).0, [0, 0x1_5555_7000, 0x1_5555_7000, 0]);
    assert_eq!(call(6, [0; 3]).0, [0, 0, 0x1_0000_0001, 0]);
}

#[test]
fn caches_are_described_by_level_and_type() {
    assert_eq!(call(4, [0; 3]).0, [0, 3, 5, 0]);
    let ([status, r9, r10, _], _) = call(2, [2, 2, 0]);
    assert_eq!((status, r9 & 0xffff_ffff, r10 & 0xffff_ffff), (0, 0x0707_0c03, 12 << 20));
    assert_eq!(call(2, [2, 1, 0]).0[0] as i64, -2, "level 3 is unified");
    assert_eq!(call(2, [3, 2, 0]).0[0] as i64, -2);
}

#[test]
fn stacked_procedures_take_their_arguments_from_the_frame() {
    let mut caller = Fake::new();
    let base = caller.base;
    let ([status, ..], convention) = answer(&mut caller, 274, [0, base, 0]);
    assert_eq!((status, convention), (0, Convention::Stacked));
    assert!(caller.memory.starts_with(b"Dual-Core Intel(R) Itanium(R)"));
    let ([status, ..], _) = answer(&mut caller, 257, [base, 0, 0]);
    assert_eq!((status, caller.memory[7] >> 4), (0, 3));
}

#[test]
fn unmapped_buffer_is_reported_and_nothing_is_written() {
    let mut caller = Fake::new();
    caller.registers[28] = 274;
    caller.registers[34] = 0x1000;
    assert_eq!(super::call(&firmware(), &mut caller), Err(Unmapped { address: 0x1000, write: true }));
}

#[test]
fn unknown_procedures_are_unimplemented_and_feature_sets_end() {
    assert_eq!(call(200, [0; 3]).0[0] as i64, -1);
    assert_eq!(call(300, [0; 3]), ([u64::MAX, 0, 0, 0], Convention::Stacked));
    assert_eq!(call(17, [0, 0, 0]).0[0], 0);
    assert!((call(17, [0, 1, 0]).0[0] as i64) < 0);
}

#[test]
fn table_is_sorted_and_free_of_duplicates() {
    assert!(SERVICES.windows(2).all(|pair| pair[0].index < pair[1].index));
}

use super::*;
use crate::op::{LdType, Op, Rel};
use crate::table::ROWS;

/// A bundle with template MII, MLX and so on from its slots.
fn bundle(template: u64, slots: [u64; 3]) -> Bundle {
    let word = u128::from(template)
        | u128::from(slots[0]) << 5
        | u128::from(slots[1]) << 46
        | u128::from(slots[2]) << 87;
    Bundle::from_bytes(word.to_le_bytes())
}

/// Small deterministic generator (SplitMix64).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[test]
fn any_bits_decode_or_are_classified() {
    let mut state = 1;
    for _ in 0..200_000 {
        let bundle = Bundle([random(&mut state), random(&mut state)]);
        if let Ok(bundle) = decode_bundle(bundle) {
            for insn in bundle.iter().filter_map(|(_, insn)| insn.ok()) {
                assert_eq!(ROWS[usize::from(insn.row)].op, insn.op);
            }
        }
    }
}

#[test]
fn every_row_decodes_to_its_operation() {
    for (number, row) in ROWS.iter().enumerate() {
        for unit in
            [Unit::M, Unit::I, Unit::B, Unit::F, Unit::X].into_iter().filter(|&unit| row.format.is_for(unit))
        {
            let insn = decode(row.value, unit, 0, Some(0)).expect("a row decodes");
            assert_eq!((usize::from(insn.row), insn.op), (number, row.op), "{}", row.name);
        }
    }
}

#[test]
fn long_instruction_takes_its_immediate_from_both_slots() {
    // movl r8 = 0x123456789abcdef0, as assembled by GNU as.
    let imm: u64 = 0x1234_5678_9abc_def0;
    let x = 6 << 37
        | (imm >> 63) << 36
        | (imm >> 7 & 0x1ff) << 27
        | (imm >> 16 & 0x1f) << 22
        | (imm >> 21 & 1) << 21
        | (imm & 0x7f) << 13
        | 8 << 6;
    let pair = bundle(0x05, [1 << 27, imm >> 22 & 0x1ff_ffff_ffff, x]);
    let decoded = decode_bundle(pair).expect("a valid template");
    let insn = decoded.slots[1].expect("slot 1 holds the pair").expect("movl decodes");
    assert_eq!((insn.op, insn.r1, insn.imm as u64, insn.slot), (Op::Movl, 8, imm, 1));
    assert_eq!(decoded.slots[2], None);
}

#[test]
fn completers_come_typed() {
    let ld8_acq = decode(4 << 37 | 0x17 << 30 | 12 << 20 | 33 << 6 | 5, Unit::M, 0, None).expect("ld8.acq");
    assert_eq!((ld8_acq.op, ld8_acq.x1, ld8_acq.x2), (Op::Ld, 8, LdType::Acq as u8));
    assert_eq!((ld8_acq.r1, ld8_acq.r3, ld8_acq.qp), (33, 12, 5));
    let cmp4_ltu = decode(0xd << 37 | 1 << 34 | 7 << 27 | 4 << 20 | 5 << 13 | 6 << 6, Unit::I, 1, None)
        .expect("cmp4.ltu");
    assert_eq!((cmp4_ltu.op, cmp4_ltu.x1, cmp4_ltu.p1, cmp4_ltu.p2), (Op::Cmp4, Rel::Ltu as u8, 6, 7));
}

#[test]
fn deposited_constant_is_ready_to_use() {
    // dep.z r9 = -1, 60, 8: the four bits beyond bit 63 are lost.
    let insn = decode(
        5 << 37 | 1 << 36 | 1 << 34 | 1 << 33 | 7 << 27 | 1 << 26 | 3 << 20 | 0x7f << 13 | 9 << 6,
        Unit::I,
        0,
        None,
    )
    .expect("dep.z");
    assert_eq!((insn.op, insn.imm as u64, insn.x1, insn.x2), (Op::DepZImm, 0xf << 60, 8, 60));
}

#[test]
fn unlisted_encodings_are_what_the_manual_says() {
    assert_eq!(decode(2 << 37 | 5, Unit::I, 0, None), Err(Undecoded::IllegalIfPredicated(5)));
    assert_eq!(decode(0x22 << 27, Unit::B, 2, None), Err(Undecoded::Illegal));
    assert_eq!(decode(0x03 << 27 | 6, Unit::B, 2, None), Err(Undecoded::IllegalIfPredicated(6)));
    assert_eq!(decode(3 << 37, Unit::B, 2, None), Err(Undecoded::Ignored));
    assert_eq!(decode(9 << 37, Unit::B, 2, None), Err(Undecoded::Illegal));
    assert_eq!(decode(0, Unit::L, 1, None), Err(Undecoded::Illegal));
    assert_eq!(decode_bundle(Bundle([0x06, 0])), Err(crate::bundle::ReservedTemplate(6)));
}

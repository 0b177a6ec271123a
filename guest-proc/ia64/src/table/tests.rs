use std::collections::BTreeMap;

use super::*;

#[test]
fn no_encoding_has_two_rows() {
    for unit in [Unit::M, Unit::I, Unit::B, Unit::F, Unit::X] {
        let rows: Vec<&Row> = ROWS.iter().filter(|row| row.format.is_for(unit)).collect();
        for (index, one) in rows.iter().enumerate() {
            for other in &rows[index + 1..] {
                let distinct = (one.value ^ other.value) & one.mask & other.mask != 0;
                assert!(
                    distinct,
                    "{} ({:?}) and {} ({:?}) overlap",
                    one.name, one.format, other.name, other.format
                );
            }
        }
    }
}

#[test]
fn fixed_bits_lie_under_their_mask_and_inside_a_slot() {
    for row in &ROWS {
        assert_eq!(row.value & !row.mask, 0, "{}", row.name);
        assert_eq!(row.mask >> crate::bundle::SLOT_BITS, 0, "{}", row.name);
    }
}

/// Instructions of each format in SDM volume 3, chapter 4, with hints and status fields left out.
#[test]
fn every_format_has_as_many_rows_as_the_manual() {
    use Format::*;
    #[rustfmt::skip] // One unit a paragraph.
    let manual = [
        (A1, 9), (A2, 2), (A3, 5), (A4, 2), (A5, 1), (A6, 24), (A7, 24), (A8, 24), (A9, 30), (A10, 2),
        (I1, 2), (I2, 24), (I3, 1), (I4, 1), (I5, 6), (I6, 4), (I7, 3), (I8, 2), (I9, 2), (I10, 1), (I11, 2), (I12, 1),
        (I13, 1), (I14, 1), (I15, 1), (I16, 8), (I17, 8), (I18, 2), (I19, 1), (I20, 1), (I21, 2), (I22, 1), (I23, 1),
        (I24, 1), (I25, 2), (I26, 1), (I27, 1), (I28, 1), (I29, 10), (I30, 8),
        (M1, 39), (M2, 37), (M3, 37), (M4, 11), (M5, 9), (M6, 25), (M7, 25), (M8, 25), (M9, 5), (M10, 5), (M11, 18),
        (M12, 18), (M13, 4), (M14, 4), (M15, 4), (M16, 14), (M17, 4), (M18, 4), (M19, 4), (M20, 1), (M21, 1), (M22, 2),
        (M23, 2), (M24, 7), (M25, 2), (M26, 1), (M27, 1), (M28, 2), (M29, 1), (M30, 1), (M31, 1), (M32, 1), (M33, 1),
        (M34, 1), (M35, 2), (M36, 2), (M37, 1), (M38, 2), (M39, 2), (M40, 3), (M41, 2), (M42, 8), (M43, 7), (M44, 4),
        (M45, 5), (M46, 4), (M47, 1), (M48, 2),
        (B1, 3), (B2, 3), (B3, 1), (B4, 3), (B5, 1), (B6, 1), (B7, 2), (B8, 9), (B9, 3),
        (F1, 12), (F2, 3), (F3, 1), (F4, 8), (F5, 2), (F6, 2), (F7, 2), (F8, 16), (F9, 19), (F10, 8), (F11, 1), (F12, 1),
        (F13, 1), (F14, 1), (F15, 1), (F16, 2),
        (X1, 1), (X2, 1), (X3, 1), (X4, 1), (X5, 2),
    ];
    let mut counts = BTreeMap::new();
    for row in &ROWS {
        *counts.entry(row.format).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from(manual));
}

#[test]
fn the_index_finds_every_row_by_its_fixed_bits() {
    for (number, row) in ROWS.iter().enumerate() {
        for unit in [Unit::M, Unit::I, Unit::B, Unit::F, Unit::X] {
            let found = find(unit, row.value).map(|(number, _)| usize::from(number));
            if row.format.is_for(unit) {
                assert_eq!(found, Some(number), "{} on {unit:?}", row.name);
            }
        }
    }
}

#[test]
fn every_operation_has_an_encoding() {
    let mut missing: Vec<u8> = (0..=Op::Fchkf as u8).collect();
    missing.retain(|&op| ROWS.iter().all(|row| row.op as u8 != op));
    assert_eq!(missing, [0u8; 0]);
}

#[test]
fn loads_with_post_increment_write_the_target_and_the_base() {
    let row = ROWS.iter().find(|row| row.name == "ld8" && row.format == Format::M3).expect("the row exists");
    assert!(row.r1().is_some_and(Role::is_written));
    assert!(row.r3().is_some_and(|base| base.is_read() && base.is_written()));
    assert!(row.writes_base());
}

#[test]
fn instructions_with_an_effect_under_a_clear_predicate_say_so() {
    let names: Vec<&str> =
        ROWS.iter().filter(|row| row.props.contains(Props::READS_QP)).map(|row| row.name).collect();
    let expected = |name: &str| {
        name.ends_with(".unc")
            || matches!(name, "frcpa" | "fprcpa" | "frsqrta" | "fprsqrta" | "br.wtop" | "br.wexit")
    };
    assert!(names.iter().all(|name| expected(name)), "{names:?}");
    assert_eq!(names.len(), ROWS.iter().filter(|row| expected(row.name)).count());
}

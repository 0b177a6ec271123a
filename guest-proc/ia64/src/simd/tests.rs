//! Each operation against the manual's pseudo-code, transcribed element by element with unbounded integers, over all
//! pairs of nasty and random values; and digests of results that another IA-64 implementation computed.

use super::*;

/// Elements of a register, the least significant first, as unsigned or signed numbers.
fn split(bits: u32, word: u64) -> Vec<i128> {
    (0..64 / bits).map(|n| i128::from(word >> (n * bits)) & ((1 << bits) - 1)).collect()
}

fn split_signed(bits: u32, word: u64) -> Vec<i128> {
    split(bits, word).into_iter().map(|x| if x >> (bits - 1) == 1 { x - (1 << bits) } else { x }).collect()
}

/// `concatenate8(x[7], ..., x[0])` and the like: only the low bits of each element count.
fn concatenate(bits: u32, elements: &[i128]) -> u64 {
    assert_eq!(elements.len() as u32 * bits, 64);
    elements.iter().rev().fold(0u128, |word, &x| word << bits | (x & ((1 << bits) - 1)) as u128) as u64
}

fn map(bits: u32, a: &[i128], b: &[i128], f: impl Fn(i128, i128) -> i128) -> u64 {
    concatenate(bits, &a.iter().zip(b).map(|(&x, &y)| f(x, y)).collect::<Vec<_>>())
}

fn limit(value: i128, low: i128, high: i128) -> i128 {
    if value > high {
        high
    } else if value < low {
        low
    } else {
        value
    }
}

/// Values that sit at the edges of elements of every size, and some that do not.
fn values() -> Vec<u64> {
    let mut values = vec![
        0,
        1,
        u64::MAX,
        0x8000_0000_0000_0000,
        0x7fff_ffff_ffff_ffff,
        0x8080_8080_8080_8080,
        0x7f7f_7f7f_7f7f_7f7f,
        0x8000_8000_8000_8000,
        0x7fff_7fff_7fff_7fff,
        0x8000_0000_8000_0000,
        0x7fff_ffff_7fff_ffff,
        0x00ff_00ff_00ff_00ff,
        0xff00_ff00_ff00_ff00,
        0x0123_4567_89ab_cdef,
        0xfedc_ba98_7654_3210,
        0x0000_00ff_ffff_0000,
        0x0001_ffff_8001_7ffe,
        0x1234_0000_00ff_0100,
        15,
        16,
        17,
        31,
        32,
        33,
        64,
    ];
    let mut state = 0x5eed_u64;
    values.extend((0..60).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 29
    }));
    values
}

fn for_each_pair(check: impl Fn(u64, u64)) {
    let values = values();
    for &a in &values {
        for &b in &values {
            check(a, b);
        }
    }
}

/// `padd` and `psub` of the manual: saturation limits by the result's sign, sources by theirs.
#[test]
fn sums_and_differences_saturate_as_their_completer_says() {
    for_each_pair(|a, b| {
        for bytes in [1, 2, 4] {
            let bits = 8 * u32::from(bytes);
            let (max_signed, max_unsigned) = ((1 << (bits - 1)) - 1, (1 << bits) - 1);
            type Ours = fn(u8, u8, u64, u64) -> u64;
            type Apply = fn(i128, i128) -> i128;
            let cases: [(Ours, Apply); 2] = [(padd, |x, y| x + y), (psub, |x, y| x - y)];
            for (ours, apply) in cases {
                let modulo = map(bits, &split(bits, a), &split(bits, b), apply);
                assert_eq!(ours(bytes, Saturation::Modulo as u8, a, b), modulo);
                if bytes == 4 {
                    continue;
                }
                let sss = map(bits, &split_signed(bits, a), &split_signed(bits, b), |x, y| {
                    limit(apply(x, y), -max_signed - 1, max_signed)
                });
                assert_eq!(ours(bytes, Saturation::Sss as u8, a, b), sss, "{a:#x} {b:#x}");
                let uuu =
                    map(bits, &split(bits, a), &split(bits, b), |x, y| limit(apply(x, y), 0, max_unsigned));
                assert_eq!(ours(bytes, Saturation::Uuu as u8, a, b), uuu, "{a:#x} {b:#x}");
                let uus = map(bits, &split(bits, a), &split_signed(bits, b), |x, y| {
                    limit(apply(x, y), 0, max_unsigned)
                });
                assert_eq!(ours(bytes, Saturation::Uus as u8, a, b), uus, "{a:#x} {b:#x}");
            }
        }
    });
}

#[test]
fn averages_keep_the_carry_and_round_as_told() {
    for_each_pair(|a, b| {
        for bytes in [1, 2] {
            let bits = 8 * u32::from(bytes);
            let (x, y) = (split(bits, a), split(bits, b));
            // Bits above the element are the carry; the low bit is the OR of the two low bits of the sum.
            let to_odd = |sum: i128| sum >> 1 | (sum & 1);
            assert_eq!(pavg(bytes, 0, a, b), map(bits, &x, &y, |x, y| to_odd(x + y)));
            assert_eq!(pavg(bytes, 1, a, b), map(bits, &x, &y, |x, y| (x + y + 1) / 2));
            assert_eq!(pavgsub(bytes, a, b), map(bits, &x, &y, |x, y| to_odd(x - y)));
        }
    });
}

#[test]
fn compares_minima_and_maxima_have_the_right_signedness() {
    for_each_pair(|a, b| {
        for bytes in [1, 2, 4] {
            let bits = 8 * u32::from(bytes);
            let (x, y) = (split_signed(bits, a), split_signed(bits, b));
            assert_eq!(pcmp_eq(bytes, a, b), map(bits, &x, &y, |x, y| if x == y { -1 } else { 0 }));
            assert_eq!(pcmp_gt(bytes, a, b), map(bits, &x, &y, |x, y| if x > y { -1 } else { 0 }));
        }
        assert_eq!(pmin(1, a, b), map(8, &split(8, a), &split(8, b), i128::min));
        assert_eq!(pmax(1, a, b), map(8, &split(8, a), &split(8, b), i128::max));
        assert_eq!(pmin(2, a, b), map(16, &split_signed(16, a), &split_signed(16, b), i128::min));
        assert_eq!(pmax(2, a, b), map(16, &split_signed(16, a), &split_signed(16, b), i128::max));
        let differences: i128 = split(8, a).iter().zip(split(8, b)).map(|(x, y)| (x - y).abs()).sum();
        assert_eq!(i128::from(psad1(a, b)), differences);
    });
}

#[test]
fn shifts_with_addition_saturate_after_each_step() {
    for_each_pair(|a, b| {
        for count in 1..=3 {
            let (x, y) = (split_signed(16, a), split_signed(16, b));
            let left = map(16, &x, &y, |x, y| {
                let shifted = x * (1 << count);
                if limit(shifted, -0x8000, 0x7fff) != shifted {
                    limit(shifted, -0x8000, 0x7fff)
                } else {
                    limit(shifted + y, -0x8000, 0x7fff)
                }
            });
            assert_eq!(pshladd2(count, a, b), left, "{a:#x} {b:#x}");
            let right = map(16, &x, &y, |x, y| limit(x.div_euclid(1 << count) + y, -0x8000, 0x7fff));
            assert_eq!(pshradd2(count, a, b), right, "{a:#x} {b:#x}");
        }
    });
}

#[test]
fn shifts_beyond_the_element_leave_only_the_sign() {
    for_each_pair(|a, count| {
        for bytes in [2, 4] {
            let bits = 8 * u32::from(bytes);
            let divisor = 1i128 << count.min(u64::from(bits));
            let zeros = split(bits, 0);
            let signed = map(bits, &split_signed(bits, a), &zeros, |x, _| x.div_euclid(divisor));
            assert_eq!(pshr(bytes, 0, a, count), signed);
            assert_eq!(pshr(bytes, 1, a, count), map(bits, &split(bits, a), &zeros, |x, _| x / divisor));
            assert_eq!(pshl(bytes, a, count), map(bits, &split(bits, a), &zeros, |x, _| x * divisor));
        }
    });
}

#[test]
fn products_are_taken_from_the_right_elements() {
    for_each_pair(|a, b| {
        let (x, y) = (split_signed(16, a), split_signed(16, b));
        assert_eq!(pmpy2_r(a, b), concatenate(32, &[x[0] * y[0], x[2] * y[2]]));
        assert_eq!(pmpy2_l(a, b), concatenate(32, &[x[1] * y[1], x[3] * y[3]]));
        for count in [0, 7, 15, 16] {
            assert_eq!(pmpyshr2(count, 0, a, b), map(16, &x, &y, |x, y| (x * y) >> count));
            assert_eq!(
                pmpyshr2(count, 1, a, b),
                map(16, &split(16, a), &split(16, b), |x, y| (x * y) >> count)
            );
        }
        let (x, y) = (split(32, a), split(32, b));
        assert_eq!(i128::from(mpy4(a, b)), x[0] * y[0]);
        assert_eq!(mpyshl4(a, b), concatenate(32, &[0, x[1] * y[0]]));
        // The three steps of a 64-bit product.
        let product = mpy4(a, b).wrapping_add(mpyshl4(a, b)).wrapping_add(mpyshl4(b, a));
        assert_eq!(product, a.wrapping_mul(b));
    });
}

/// The operand lists of the manual's `concatenate` calls, most significant first: register and element.
#[test]
fn mixing_and_unpacking_follow_the_manuals_element_lists() {
    for_each_pair(|a, b| {
        for bytes in [1, 2, 4] {
            let bits = 8 * u32::from(bytes);
            let (x, y) = (split(bits, a), split(bits, b));
            let count = x.len();
            let pick = |indices: &mut dyn Iterator<Item = usize>| {
                let mut listed: Vec<i128> = indices.flat_map(|n| [x[n], y[n]]).collect();
                listed.reverse();
                concatenate(bits, &listed)
            };
            assert_eq!(mix_l(bytes, a, b), pick(&mut (0..count).rev().filter(|n| n % 2 == 1)));
            assert_eq!(mix_r(bytes, a, b), pick(&mut (0..count).rev().filter(|n| n % 2 == 0)));
            assert_eq!(unpack_h(bytes, a, b), pick(&mut (count / 2..count).rev()));
            assert_eq!(unpack_l(bytes, a, b), pick(&mut (0..count / 2).rev()));
        }
    });
}

#[test]
fn packing_clips_to_the_narrow_element() {
    for_each_pair(|a, b| {
        let words: Vec<i128> = split_signed(16, a).into_iter().chain(split_signed(16, b)).collect();
        let doubles: Vec<i128> = split_signed(32, a).into_iter().chain(split_signed(32, b)).collect();
        let clip =
            |elements: &[i128], low, high| elements.iter().map(|&x| limit(x, low, high)).collect::<Vec<_>>();
        assert_eq!(pack2_uss(a, b), concatenate(8, &clip(&words, 0, 0xff)));
        assert_eq!(pack_sss(2, a, b), concatenate(8, &clip(&words, -0x80, 0x7f)));
        assert_eq!(pack_sss(4, a, b), concatenate(16, &clip(&doubles, -0x8000, 0x7fff)));
    });
}

#[test]
fn permutations_follow_the_manuals_figures() {
    let a = 0x0706_0504_0302_0100;
    assert_eq!(mux1(0x0, a), 0x0000_0000_0000_0000);
    assert_eq!(mux1(0x0, !a), 0xffff_ffff_ffff_ffff);
    assert_eq!(mux1(0x8, a), 0x0703_0501_0602_0400);
    assert_eq!(mux1(0x9, a), 0x0703_0602_0501_0400);
    assert_eq!(mux1(0xa, a), 0x0705_0301_0604_0200);
    assert_eq!(mux1(0xb, a), 0x0001_0203_0405_0607);
    let words = 0x3333_2222_1111_0000;
    assert_eq!(mux2(0b11_10_01_00, words), words);
    assert_eq!(mux2(0b00_01_10_11, words), 0x0000_1111_2222_3333);
    assert_eq!(mux2(0x8d, words), 0x2222_0000_3333_1111);
}

#[test]
fn zero_searches_count_elements_from_either_end() {
    for_each_pair(|a, mask| {
        // Clearing elements by another value makes zeros frequent.
        let a = a & mask;
        for bytes in [1, 2] {
            let elements = split(8 * u32::from(bytes), a);
            let left = elements.iter().rev().position(|&x| x == 0).unwrap_or(elements.len());
            let right = elements.iter().position(|&x| x == 0).unwrap_or(elements.len());
            assert_eq!((czx_l(bytes, a), czx_r(bytes, a)), (left as u64, right as u64), "{a:#x}");
        }
    });
}

/// Digests of each instruction's results over all pairs of [`values`], computed by the instructions themselves: a C
/// program with one `asm` statement an operation, run on HP's Ski simulator. Signed saturation is missing here, because
/// Ski takes all positive values for too small ones.
#[test]
#[rustfmt::skip] // One instruction a line.
fn results_are_those_of_another_implementation() {
    type Apply = fn(u64, u64) -> u64;
    let instructions: &[(&str, u64, Apply)] = &[
        ("padd1", 0xd775_e180_e1d2_01b3, |a, b| padd(1, Saturation::Modulo as u8, a, b)),
        ("psub1", 0xdce8_d640_b928_43d5, |a, b| psub(1, Saturation::Modulo as u8, a, b)),
        ("padd2", 0x87e4_9d34_a3ec_b836, |a, b| padd(2, Saturation::Modulo as u8, a, b)),
        ("psub2", 0x7f06_f6ed_e78f_7712, |a, b| psub(2, Saturation::Modulo as u8, a, b)),
        ("padd4", 0x9296_d359_e298_1fed, |a, b| padd(4, Saturation::Modulo as u8, a, b)),
        ("psub4", 0x18bf_b374_9c95_7dcf, |a, b| psub(4, Saturation::Modulo as u8, a, b)),
        ("padd1.uuu", 0x303d_cc6f_0d41_6708, |a, b| padd(1, Saturation::Uuu as u8, a, b)),
        ("psub1.uuu", 0xd3bb_757e_9a50_eb48, |a, b| psub(1, Saturation::Uuu as u8, a, b)),
        ("padd2.uuu", 0x9788_27d2_53e7_ddbb, |a, b| padd(2, Saturation::Uuu as u8, a, b)),
        ("psub2.uuu", 0x8361_d8ba_258b_c652, |a, b| psub(2, Saturation::Uuu as u8, a, b)),
        ("padd1.uus", 0xe33a_eed7_384c_a81d, |a, b| padd(1, Saturation::Uus as u8, a, b)),
        ("psub1.uus", 0x7da9_8105_629c_88eb, |a, b| psub(1, Saturation::Uus as u8, a, b)),
        ("padd2.uus", 0xb15e_dbe7_2486_2246, |a, b| padd(2, Saturation::Uus as u8, a, b)),
        ("psub2.uus", 0x0c85_2d98_4274_83da, |a, b| psub(2, Saturation::Uus as u8, a, b)),
        ("pavg1", 0xb26b_e153_ba3b_0e7f, |a, b| pavg(1, 0, a, b)),
        ("pavg1.raz", 0xdf99_a61e_7bde_b2c0, |a, b| pavg(1, 1, a, b)),
        ("pavgsub1", 0xf37c_9467_49d7_c168, |a, b| pavgsub(1, a, b)),
        ("pavg2", 0x92fe_0443_48f4_5706, |a, b| pavg(2, 0, a, b)),
        ("pavg2.raz", 0xbbb1_68de_8e95_a668, |a, b| pavg(2, 1, a, b)),
        ("pavgsub2", 0xc4f1_cb68_4dad_bf3d, |a, b| pavgsub(2, a, b)),
        ("pcmp1.eq", 0x44c9_9785_7262_6155, |a, b| pcmp_eq(1, a, b)),
        ("pcmp1.gt", 0x2a95_9b75_90e7_c70b, |a, b| pcmp_gt(1, a, b)),
        ("mix1.r", 0x0f1c_cdbd_2b49_8dd0, |a, b| mix_r(1, a, b)),
        ("mix1.l", 0xc291_f8b4_7e23_c0f8, |a, b| mix_l(1, a, b)),
        ("unpack1.h", 0xf004_d464_f463_fed9, |a, b| unpack_h(1, a, b)),
        ("unpack1.l", 0x2cb2_0e2e_6327_61a7, |a, b| unpack_l(1, a, b)),
        ("pcmp2.eq", 0x6bb4_2765_eaf1_2ff6, |a, b| pcmp_eq(2, a, b)),
        ("pcmp2.gt", 0xcf5d_f347_49b1_5f9d, |a, b| pcmp_gt(2, a, b)),
        ("mix2.r", 0xa707_b52c_462a_6b02, |a, b| mix_r(2, a, b)),
        ("mix2.l", 0x8561_6317_47bf_9c9f, |a, b| mix_l(2, a, b)),
        ("unpack2.h", 0x18fe_b50d_1ada_7f0f, |a, b| unpack_h(2, a, b)),
        ("unpack2.l", 0xed13_3f04_1594_c908, |a, b| unpack_l(2, a, b)),
        ("pcmp4.eq", 0xbeca_b6c3_c9df_944c, |a, b| pcmp_eq(4, a, b)),
        ("pcmp4.gt", 0xc7fd_227a_d04d_5b15, |a, b| pcmp_gt(4, a, b)),
        ("mix4.r", 0xe095_a5fc_9f5f_ffe4, |a, b| mix_r(4, a, b)),
        ("mix4.l", 0xc320_f2c6_0eda_e36d, |a, b| mix_l(4, a, b)),
        ("unpack4.h", 0xc320_f2c6_0eda_e36d, |a, b| unpack_h(4, a, b)),
        ("unpack4.l", 0xe095_a5fc_9f5f_ffe4, |a, b| unpack_l(4, a, b)),
        ("pmin1.u", 0xe8fd_661c_b257_0849, |a, b| pmin(1, a, b)),
        ("pmax1.u", 0x1f0f_45a3_938e_e860, |a, b| pmax(1, a, b)),
        ("pmin2", 0x936e_3ded_df20_8b0e, |a, b| pmin(2, a, b)),
        ("pmax2", 0x505f_5708_2a69_170a, |a, b| pmax(2, a, b)),
        ("psad1", 0xc71d_0b54_225e_9f1f, |a, b| psad1(a, b)),
        ("pack2.uss", 0x4060_7287_b711_dd0e, |a, b| pack2_uss(a, b)),
        ("pmpy2.r", 0xdade_9ac4_dbb5_0b5b, |a, b| pmpy2_r(a, b)),
        ("pmpy2.l", 0xaf3b_743f_f843_fab1, |a, b| pmpy2_l(a, b)),
        ("pmpyshr2 0", 0x2a65_eb11_b10b_ad72, |a, b| pmpyshr2(0, 0, a, b)),
        ("pmpyshr2 7", 0xc08c_8097_8961_e026, |a, b| pmpyshr2(7, 0, a, b)),
        ("pmpyshr2 15", 0x7008_d350_f70f_4be0, |a, b| pmpyshr2(15, 0, a, b)),
        ("pmpyshr2 16", 0xdd9f_7f2a_de8a_2d6a, |a, b| pmpyshr2(16, 0, a, b)),
        ("pmpyshr2.u 0", 0x2a65_eb11_b10b_ad72, |a, b| pmpyshr2(0, 1, a, b)),
        ("pmpyshr2.u 7", 0x6de4_e0ca_7dd1_0123, |a, b| pmpyshr2(7, 1, a, b)),
        ("pmpyshr2.u 15", 0x5ec6_3251_dda2_d621, |a, b| pmpyshr2(15, 1, a, b)),
        ("pmpyshr2.u 16", 0x0753_87ff_0cae_cb3f, |a, b| pmpyshr2(16, 1, a, b)),
        ("pshr2", 0x7180_6734_1564_3deb, |a, b| pshr(2, 0, a, b)),
        ("pshr2.u", 0x9203_69a2_ee26_931d, |a, b| pshr(2, 1, a, b)),
        ("pshr4", 0x277c_eedd_1e2d_d057, |a, b| pshr(4, 0, a, b)),
        ("pshr4.u", 0x6a8e_7bfc_6af8_ceed, |a, b| pshr(4, 1, a, b)),
        ("pshl2", 0x9a86_b08f_854b_f898, |a, b| pshl(2, a, b)),
        ("pshl4", 0xdad1_4e5b_3412_9e12, |a, b| pshl(4, a, b)),
        ("mux1 @brcst", 0x170f_1c59_bc86_2c51, |a, _| mux1(0x0, a)),
        ("mux1 @mix", 0xb976_1925_25d7_a484, |a, _| mux1(0x8, a)),
        ("mux1 @shuf", 0x054c_66d1_9030_9735, |a, _| mux1(0x9, a)),
        ("mux1 @alt", 0xe668_bbee_09dd_9171, |a, _| mux1(0xa, a)),
        ("mux1 @rev", 0xc72b_b908_7145_7c8e, |a, _| mux1(0xb, a)),
        ("mux2 0x8d", 0x3a9e_b6f5_778c_da0f, |a, _| mux2(0x8d, a)),
        ("mux2 0x1b", 0x42ac_c9cf_68d2_1b94, |a, _| mux2(0x1b, a)),
        ("czx1.l", 0x63a3_d209_ceb5_b62b, |a, b| czx_l(1, a & b)),
        ("czx1.r", 0x314c_1426_9690_6f45, |a, b| czx_r(1, a & b)),
        ("czx2.l", 0x15c4_ff67_b145_baa1, |a, b| czx_l(2, a & b)),
        ("czx2.r", 0x2d1e_fba5_4ed4_a4e2, |a, b| czx_r(2, a & b)),
    ];
    for &(name, digest, apply) in instructions {
        let values = values();
        let pairs = values.iter().flat_map(|&a| values.iter().map(move |&b| (a, b)));
        let ours = pairs.fold(0u64, |digest, (a, b)| {
            (digest.rotate_left(5) ^ apply(a, b)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        assert_eq!(ours, digest, "{name}");
    }
}

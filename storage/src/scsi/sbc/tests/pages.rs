//! What a disk says about itself, and what of that can be set: INQUIRY, vital product data, mode pages, its commands.

use super::*;

#[test]
fn inquiry_data_is_that_of_a_disk() {
    let data = Bench::new().data(&[0x12, 0, 0, 0, 255, 0], 255);
    #[rustfmt::skip]
    let header = [
        0x00,   // connected, direct access block device
        0x00,   // not removable
        0x06,   // SPC-4
        0x12,   // HISUP, response data format 2
        91,     // ADDITIONAL LENGTH: 96 bytes in all
        0x00, 0x00, 0x02, // CMDQUE
    ];
    assert_eq!(data[..8], header);
    assert_eq!(&data[8..36], b"KITTSON Virtual FileDisk0001");
    // SAM-5, SPC-4, SBC-3 without version.
    assert_eq!(data[58..64], [0x00, 0xa0, 0x04, 0x60, 0x04, 0xc0]);
    assert_eq!(data.len(), 96);
}

#[test]
fn inquiry_is_cut_to_the_allocation_length() {
    let bench = Bench::new();
    assert_eq!(bench.data(&[0x12, 0, 0, 0, 5, 0], 96).len(), 5);
    assert_eq!(bench.data(&[0x12, 0, 0, 0, 0, 0], 0).len(), 0);
    assert_eq!(bench.run(&[0x12, 0, 0, 0, 96, 0], &[], 95).execution, Execution::Overrun);
    assert_eq!(bench.sense(&[0x12, 0, 0x80, 0, 96, 0], &[]), Sense::cdb_field(2, 7), "page without EVPD");
    assert_eq!(bench.sense(&[0x12, 1, 0x84, 0, 96, 0], &[]), Sense::cdb_field(2, 7), "page not supported");
}

fn vpd(bench: &Bench, code: u8) -> Vec<u8> {
    bench.data(&[0x12, 1, code, 1, 0, 0], 256)
}

#[test]
fn vital_product_data_names_the_unit() {
    let bench = Bench::new();
    assert_eq!(vpd(&bench, 0x00), [0, 0x00, 0, 6, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2]);
    let serial = vpd(&bench, 0x80);
    assert_eq!(serial[..4], [0, 0x80, 0, 32]);
    assert_eq!(&serial[4..], b"0123456789ab4cde8f0123456789abcd");
    let identification = vpd(&bench, 0x83);
    #[rustfmt::skip]
    let naa = [
        0, 0x83, 0, 56,
        0x01, 0x03, 0x00, 8, // binary, NAA of the logical unit
    ];
    assert_eq!(identification[..8], naa);
    assert_eq!(identification[8] >> 4, 3, "NAA 3: locally assigned");
    assert_eq!(identification[16..20], [0x02, 0x01, 0x00, 40], "ASCII, T10 vendor identification");
    assert_eq!(&identification[20..60], b"KITTSON 0123456789ab4cde8f0123456789abcd");
}

#[test]
fn units_have_different_names() {
    let store = || Arc::new(MemoryStore::new(512));
    let name = |id| super::super::pages::vpd(id, true)[1].1[4..12].to_vec();
    let ids = [1u128, 2, 1 << 64, 1 << 127, (1 << 64) + 1].map(Uuid::from_u128);
    let names: std::collections::HashSet<_> = ids.iter().map(|id| name(*id)).collect();
    assert_eq!(names.len(), ids.len());
    assert_ne!(store().identity(), store().identity());
}

#[test]
fn block_pages_have_their_fields_where_sbc_puts_them() {
    let bench = Bench::new();
    let limits = vpd(&bench, 0xb0);
    assert_eq!(limits.len(), 64);
    assert_eq!(limits[..6], [0, 0xb0, 0, 60, 1, 128], "WSNZ, MAXIMUM COMPARE AND WRITE LENGTH");
    assert_eq!(limits[6..8], [0, 8], "OPTIMAL TRANSFER LENGTH GRANULARITY");
    assert_eq!(limits[20..24], [0xff; 4], "MAXIMUM UNMAP LBA COUNT");
    assert_eq!(limits[24..28], [0, 0, 1, 0], "MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT");
    assert_eq!(limits[28..36], [0, 0, 0, 8, 0x80, 0, 0, 0], "unmap granularity, alignment valid");
    assert_eq!(limits[36..44], (0x40000u64).to_be_bytes(), "MAXIMUM WRITE SAME LENGTH: 128 MiB");
    let characteristics = vpd(&bench, 0xb1);
    assert_eq!((characteristics.len(), &characteristics[..6]), (64, &[0, 0xb1, 0, 60, 0, 1][..]));
    assert_eq!(vpd(&bench, 0xb2), [0, 0xb2, 0, 4, 0, 0xe4, 0x02, 0]);
}

#[test]
fn disk_that_cannot_unmap_does_not_say_so() {
    let bench = Bench::on(MemoryStore::read_only(4096));
    assert_eq!(vpd(&bench, 0xb2), [0, 0xb2, 0, 4, 0, 0, 0, 0]);
    assert_eq!(vpd(&bench, 0xb0)[20..36], [0; 16]);
    assert_eq!(bench.data(&[0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0], 32)[14], 0);
    assert_eq!(bench.sense(&[0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[]), Sense::WRITE_PROTECTED);
    assert_eq!(bench.sense(&with(extent(0x93, 0, 1), 1, 8), &block(0)), Sense::cdb_field(1, 3));
}

#[test]
fn report_luns_names_lun_0_alone() {
    let bench = Bench::new();
    let luns = |select, allocation| vec![0xa0, 0, select, 0, 0, 0, 0, 0, 0, allocation, 0, 0];
    assert_eq!(bench.data(&luns(0, 64), 64), [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bench.data(&luns(1, 16), 16), [0; 8], "well known ones: none");
    assert_eq!(bench.data(&luns(2, 16), 16).len(), 16);
    assert_eq!(bench.sense(&luns(3, 16), &[]), Sense::cdb_field(2, 7));
    assert_eq!(bench.sense(&luns(0, 15), &[]), Sense::cdb_field(6, 7), "SPC-4: at least 16");
}

#[test]
fn mode_sense_shows_the_write_cache() {
    let bench = Bench::new();
    #[rustfmt::skip]
    let caching = [
        23, 0, 0x10, 0,         // mode data length, medium type, DPOFUA, no block descriptor
        0x08, 18, 0x04, 0,      // caching page, WCE
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(bench.data(&[0x1a, 0x08, 0x08, 0, 255, 0], 255), caching);
    let all = bench.data(&[0x5a, 0x00, 0x3f, 0, 0, 0, 0, 1, 0, 0], 256);
    assert_eq!(usize::from(all[0]) * 256 + usize::from(all[1]) + 2, all.len());
    assert_eq!(all[2..8], [0, 0x10, 0, 0, 0, 8]);
    assert_eq!(all[8..16], [0, 0, 8, 0, 0, 0, 2, 0], "2048 blocks of 512 bytes");
    let pages = [all[16], all[16 + 12], all[16 + 12 + 20], all[16 + 12 + 20 + 12]];
    assert_eq!((pages, all.len()), ([0x01, 0x08, 0x0a, 0x1c], 16 + 12 + 20 + 12 + 12));
    let long = bench.data(&[0x5a, 0x10, 0x08, 0, 0, 0, 0, 1, 0, 0], 256);
    assert_eq!(long[4..8], [1, 0, 0, 16], "LONGLBA");
    assert_eq!(long[8..24], [0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
    assert_eq!(bench.data(&[0x1a, 0x08, 0x48, 0, 255, 0], 255)[6], 0x04, "changeable");
    assert_eq!(bench.data(&[0x1a, 0x08, 0xbf, 0xff, 255, 0], 255).len(), 4 + 56, "defaults, all subpages");

    assert_eq!(bench.sense(&[0x1a, 0, 0xc8, 0, 255, 0], &[]), Sense::SAVING_NOT_SUPPORTED);
    assert_eq!(bench.sense(&[0x1a, 0, 0x02, 0, 255, 0], &[]), Sense::cdb_field(2, 5));
    assert_eq!(bench.sense(&[0x1a, 0, 0x08, 1, 255, 0], &[]), Sense::cdb_field(3, 7));
    assert_eq!(bench.run(&[0x1a, 0x08, 0x08, 0, 24, 0], &[], 23).execution, Execution::Overrun);
}

#[test]
fn mode_select_changes_the_write_cache_and_nothing_else() {
    let bench = Bench::new();
    let select = |len: u8| [0x15, 0x10, 0, 0, len, 0];
    let wce = || bench.data(&[0x1a, 0x08, 0x08, 0, 255, 0], 255)[6];
    bench.good(&select(24), &caching_list(0));
    assert_eq!(wce(), 0);
    let ten = [&[0; 8], &caching_list(4)[4..]].concat();
    bench.good(&[0x55, 0x10, 0, 0, 0, 0, 0, 0, 28, 0], &ten);
    assert_eq!(wce(), 4);
    bench.good(&select(0), &[]);

    let with_descriptor =
        |descriptor: [u8; 8]| [&[0, 0, 0, 8], &descriptor[..], &caching_list(0)[4..]].concat();
    bench.good(&select(32), &with_descriptor([0, 0, 0, 0, 0, 0, 2, 0]));
    bench.good(&select(32), &with_descriptor([0, 0, 8, 0, 0, 0, 2, 0]));
    assert_eq!(
        bench.sense(&select(32), &with_descriptor([0, 0, 8, 0, 0, 0, 4, 0])),
        Sense::parameter_field(10)
    );
    assert_eq!(
        bench.sense(&select(32), &with_descriptor([0, 0, 9, 0, 0, 0, 2, 0])),
        Sense::parameter_field(6)
    );

    assert_eq!(bench.sense(&select(24), &caching_list(0x05)), Sense::parameter_field(6), "RCD");
    let mut unknown = caching_list(4);
    unknown[4] = 0x05;
    assert_eq!(bench.sense(&select(24), &unknown), Sense::parameter_field(4));
    let mut wrong_len = caching_list(4);
    wrong_len[5] = 17;
    assert_eq!(bench.sense(&select(24), &wrong_len), Sense::parameter_field(5));
    for len in [1, 3, 5, 23] {
        assert_eq!(bench.sense(&select(len), &caching_list(4)), Sense::PARAMETER_LIST_LENGTH);
    }
    assert_eq!(bench.sense(&[0x15, 0, 0, 0, 24, 0], &caching_list(4)), Sense::cdb_field(1, 4), "PF");
    assert_eq!(bench.run(&select(24), &[0; 23], 0).execution, Execution::Overrun);
    assert_eq!(wce(), 0);
}

#[test]
fn supported_operation_codes_come_from_the_table() {
    let bench = Bench::new();
    let report = |options, opcode, action| vec![0xa3, 0x0c, options, opcode, 0, action, 0, 0, 4, 0, 0, 0];
    let all = bench.data(&report(0, 0, 0), 1024);
    assert_eq!(all.len(), 4 + 8 * rows::<Disk>().count());
    assert_eq!(u32::from_be_bytes([all[0], all[1], all[2], all[3]]) as usize, 8 * rows::<Disk>().count());
    assert_eq!(all[4..12], [0x00, 0, 0, 0, 0, 0, 0, 6]);
    let capacity = all[4..].chunks(8).find(|d| d[0] == 0x9e).unwrap();
    assert_eq!(capacity, [0x9e, 0, 0, 0x10, 0, 0x01, 0, 16]);
    assert_eq!(bench.data(&report(0x80, 0, 0), 1024).len(), 4 + 20 * rows::<Disk>().count(), "with timeouts");

    let one = bench.data(&report(1, 0x28, 0), 64);
    assert_eq!(one, [0, 3, 0, 10, 0x28, 0x18, 0xff, 0xff, 0xff, 0xff, 0x1f, 0xff, 0xff, 0]);
    assert_eq!(bench.data(&report(0x81, 0x28, 0), 64).len(), 14 + 12);
    assert_eq!(bench.data(&report(1, 0x04, 0), 64), [0, 1, 0, 0], "FORMAT UNIT is not there");
    assert_eq!(bench.data(&[0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0], 4), [0xdc, 0x03, 0, 0]);
    assert_eq!(bench.data(&report(2, 0x9e, 0x10), 64)[..6], [0, 3, 0, 16, 0x9e, 0x10]);
    assert_eq!(bench.data(&report(2, 0x9e, 0x12), 64), [0, 1, 0, 0]);
    assert_eq!(bench.data(&report(3, 0x9e, 0x10), 64)[1], 3);
    assert_eq!(bench.data(&report(3, 0x28, 0), 64)[1], 3);
    assert_eq!(bench.data(&report(3, 0x28, 1), 64)[1], 1);
    assert_eq!(bench.sense(&report(1, 0x9e, 0), &[]), Sense::cdb_field(4, 7));
    assert_eq!(bench.sense(&report(2, 0x28, 0), &[]), Sense::cdb_field(4, 7));
    assert_eq!(bench.sense(&report(4, 0, 0), &[]), Sense::cdb_field(2, 2));
}

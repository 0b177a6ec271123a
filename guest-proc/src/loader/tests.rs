use std::io::Write;

use super::elf::ElfError;
use super::*;

/// A minimal executable: one segment of `file` bytes in memory of `memory` bytes at physical `address`.
fn executable(address: u64, entry: u64, file: &[u8], memory: u64) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([2, 0, 50, 0, 1, 0, 0, 0]); // ET_EXEC, EM_IA_64, version
    bytes.extend([entry, 64, 0].iter().flat_map(|word: &u64| word.to_le_bytes()));
    bytes.extend([0x10, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 0, 0, 0, 0]);
    bytes.extend([1, 0, 0, 0, 7, 0, 0, 0]); // PT_LOAD, RWX
    let (offset, virtual_address) = (120u64, 0xa000_0001_0000_0000u64);
    for word in [offset, virtual_address, address, file.len() as u64, memory, 0x1_0000] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(file);
    bytes
}

fn image(bytes: &[u8]) -> Image {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Image::new("kernel".into(), file)
}

fn source(kernel: &[u8], initrd: Option<&[u8]>) -> BootSource {
    BootSource { kernel: image(kernel), initrd: initrd.map(image), command_line: String::new() }
}

fn ram() -> GuestRam {
    GuestRam::new(64 << 20).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn message(result: Result<Loaded, LoadError>) -> String {
    let error = result.unwrap_err().to_string();
    assert!(!error.contains('\n'));
    error
}

#[test]
fn segments_go_to_their_physical_addresses_and_the_initrd_to_the_end() {
    let kernel = executable(0x200_0000, 0x200_0010, b"0123456789abcdefENTRY", 0x2_0000);
    for bytes in [kernel.clone(), gzip(&kernel)] {
        let ram = ram();
        let loaded = source(&bytes, Some(&[0xaa; 70_000])).load(&ram).unwrap();
        assert_eq!(loaded.entry, 0x200_0010);
        let mut entry = [0; 6];
        assert!(ram.memory.read(0x200_0010, &mut entry));
        assert_eq!(&entry, b"ENTRY\0");
        assert_eq!(loaded.initrd, Some((0x4fe_0000, 70_000)), "64 KiB aligned below the end at 0x500_0000");
        let kernel = Region { kind: Kind::LoaderData, start: 0x200_0000, end: 0x202_0000 };
        let initrd = Region { kind: Kind::LoaderData, start: 0x4fe_0000, end: 0x4ff_2000 };
        assert_eq!(loaded.regions, [kernel, initrd]);
    }
}

#[test]
fn foreign_and_damaged_files_are_refused_with_one_line() {
    let good = executable(0x200_0000, 0x200_0000, &[1; 64], 64);
    let mut x86 = good.clone();
    x86[18] = 62;
    let mut shared_object = good.clone();
    shared_object[16] = 3;
    let mut big_endian = good.clone();
    big_endian[5] = 2;
    let cases: &[(&[u8], ElfError)] = &[
        (b"", ElfError::NotElf),
        (b"#!/bin/sh\n", ElfError::NotElf),
        (&good[..5], ElfError::Truncated),
        (&good[..40], ElfError::Truncated),
        (&good[..100], ElfError::Truncated),
        (&good[..good.len() - 1], ElfError::Truncated),
        (&x86, ElfError::Machine(62)),
        (&shared_object, ElfError::Kind),
        (&big_endian, ElfError::Kind),
        (&executable(0x200_0000, 0x300_0000, &[1; 64], 64), ElfError::Entry(0x300_0000)),
        (&executable(0x200_0000, 0x200_0008, &[1; 64], 64), ElfError::Entry(0x200_0008)),
        (&executable(u64::MAX - 8, 0, &[1; 64], 64), ElfError::Truncated),
        (&executable(0x200_0000, 0x200_0000, &[1; 64], 16), ElfError::Truncated),
        (&executable(0x200_0000, 0x200_0000, &[], 0), ElfError::Empty),
    ];
    for (bytes, expected) in cases {
        match source(bytes, None).load(&ram()) {
            Err(LoadError::Image { reason, .. }) => assert_eq!(reason, *expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
}

#[test]
fn truncated_compressed_kernel_is_damaged() {
    let packed = gzip(&executable(0x200_0000, 0x200_0000, &[7; 5000], 5000));
    let error = message(source(&packed[..packed.len() / 2], None).load(&ram()));
    assert_eq!(error, "kernel is damaged: it does not decompress");
}

#[test]
fn a_kernel_without_ram_at_its_place_does_not_fit() {
    for (address, memory) in
        [(0x400_0000, 0x200_0000), (0x20_0000, 64), (0x8_0000_0000, 64), (0x200_0000, 1 << 62)]
    {
        let kernel = executable(address, address, &[1; 64], memory);
        let error = message(source(&kernel, None).load(&ram()));
        assert!(error.starts_with("kernel does not fit into guest memory: it needs physical 0x"), "{error}");
    }
}

#[test]
fn a_ram_disk_beside_which_there_is_no_room_is_refused() {
    let kernel = executable(0x200_0000, 0x200_0000, &[1; 64], 64);
    let error = message(source(&kernel, Some(&vec![0; 49 << 20])).load(&ram()));
    assert_eq!(error, "RAM disk kernel (51380224 bytes) does not fit into guest memory beside the kernel");
}

#[test]
fn too_long_a_command_line_is_refused() {
    let mut source = source(&executable(0x200_0000, 0x200_0000, &[1; 64], 64), None);
    source.command_line = "x".repeat(2048);
    assert_eq!(
        message(source.load(&ram())),
        "the kernel command line has 2048 bytes; at most 2047 are possible"
    );
}

#[test]
fn the_real_kernel_loads() {
    let shared = std::env::var_os("KITTSON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), std::path::PathBuf::from);
    let path = shared.join("guests/vmlinux.gz");
    if !path.exists() {
        println!("skipped: {} is missing", path.display());
        return;
    }
    let kernel = Image::open(&path).unwrap();
    let ram = GuestRam::new(128 << 20).unwrap();
    let loaded =
        BootSource { kernel, initrd: None, command_line: "console=ttyS0".into() }.load(&ram).unwrap();
    assert_eq!(loaded.entry, 0x560_1520);
    assert_eq!(loaded.regions[0].start, 0x400_0000);
    assert_eq!(loaded.regions.last().unwrap().end, 0x638_c000);
}

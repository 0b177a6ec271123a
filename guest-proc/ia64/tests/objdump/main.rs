//! The disassembly equals GNU objdump's: over the kernel, over every program of the guest images, and over random
//! bundles. Since the text comes from the same rows as decoding, this checks opcodes, operands and immediates against
//! an independent description of the instruction set.

mod differences;
mod generator;
mod listing;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use object::{Object, ObjectSection, SectionFlags, elf};

use generator::Generator;

/// Bundles given to one objdump at a time.
const CHUNK: usize = 100_000;

/// Random bundles when `KITTSON_RANDOM_BUNDLES` does not say otherwise.
const RANDOM_BUNDLES: usize = 200_000;

/// The shared guest images, or `None` (and a line that says so) where they or objdump are missing.
fn images() -> Option<PathBuf> {
    let shared = std::env::var_os("KITTSON_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let guests = shared.join("guests");
    if !guests.is_dir() {
        println!("skipped: no guest images at {}", guests.display());
        return None;
    }
    listing::objdump_is_installed().then_some(guests)
}

/// Compares all executable sections of an ELF file.
fn check_elf(name: &str, file: &[u8]) {
    let elf = object::File::parse(file).expect("an ELF file");
    let mut bundles = 0;
    for section in elf.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
        if sh_flags.0 & elf::SHF_EXECINSTR.0 == 0 {
            continue;
        }
        let data = section.data().expect("the section's bytes");
        for (index, chunk) in data.chunks(CHUNK * 16).enumerate() {
            let address = section.address() + (index * CHUNK * 16) as u64;
            listing::compare(name, &chunk[..chunk.len() & !15], address);
            bundles += chunk.len() / 16;
        }
    }
    assert!(bundles > 0, "{name} has no code");
    let name = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
    println!("checked: {name} reads as objdump reads it, {bundles} bundles");
}

#[test]
fn kernel_reads_as_objdump_reads_it() {
    let Some(guests) = images() else { return };
    let gzip = Command::new("gzip").arg("-dc").arg(guests.join("vmlinux.gz")).output().expect("gzip runs");
    assert!(gzip.status.success(), "gzip failed");
    check_elf("vmlinux", &gzip.stdout);
}

#[test]
fn programs_read_as_objdump_reads_them() {
    let Some(guests) = images() else { return };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(guests.join("programs"))
        .expect("the programs")
        .map(|entry| entry.expect("a program").path())
        .collect();
    paths.sort();
    for path in paths {
        check_elf(&path.display().to_string(), &std::fs::read(&path).expect("the program's bytes"));
    }
}

#[test]
fn random_bundles_read_as_objdump_reads_them() {
    if !listing::objdump_is_installed() {
        return;
    }
    let count = match std::env::var("KITTSON_RANDOM_BUNDLES") {
        Ok(number) => number.parse().expect("KITTSON_RANDOM_BUNDLES is a number"),
        Err(_) => RANDOM_BUNDLES,
    };
    let chunks = count.div_ceil(CHUNK);
    let workers = thread::available_parallelism().map_or(1, usize::from).min(chunks);
    thread::scope(|scope| {
        for worker in 0..workers {
            scope.spawn(move || {
                for chunk in (worker..chunks).step_by(workers) {
                    let bytes = Generator::new(chunk as u64).bundles(CHUNK.min(count - chunk * CHUNK));
                    // Every other chunk lies at the top of the address space, where targets wrap around.
                    let address =
                        if chunk % 2 == 0 { 0x1_0000_0000 } else { 0u64.wrapping_sub(bytes.len() as u64) };
                    listing::compare(&format!("random chunk {chunk}"), &bytes, address);
                }
            });
        }
    });
    println!("checked: {count} random bundles read as objdump reads them");
}

//! The parts of an ELF64 ia64 executable that loading needs. Every number in it is hostile.

use object::LittleEndian;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

/// Why a file is not a bootable ELF image.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ElfError {
    /// No ELF signature.
    #[error("it is not an ELF file (nor a gzip-compressed one)")]
    NotElf,
    /// Another class, byte order or type.
    #[error("it is not a 64-bit little-endian executable")]
    Kind,
    /// Another processor's.
    #[error("it is for another processor (ELF machine {0}, Itanium is 50)")]
    Machine(u16),
    /// A header or segment ends behind the end of the file.
    #[error("it is truncated or damaged")]
    Truncated,
    /// Nothing to load.
    #[error("it has nothing to load")]
    Empty,
    /// The entry point is not in anything loaded.
    #[error("its entry point {0:#x} is outside of what it loads")]
    Entry(u64),
    /// Two segments overlap in memory.
    #[error("its segments overlap at physical {0:#x}")]
    Overlap(u64),
}

/// A range of physical memory and the file's bytes for its start.
#[derive(Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Physical address.
    pub address: u64,
    /// Bytes of memory, not fewer than `bytes`; the rest is zero. `address + memory_size` does not overflow.
    pub memory_size: u64,
    /// Contents.
    pub bytes: &'a [u8],
}

/// An image ready to be placed.
#[derive(Debug, PartialEq, Eq)]
pub struct ElfImage<'a> {
    /// Physical address of the first bundle.
    pub entry: u64,
    /// Segments by ascending address, none empty, none overlapping.
    pub segments: Vec<Segment<'a>>,
}

/// Takes an executable apart.
pub fn parse(data: &[u8]) -> Result<ElfImage<'_>, ElfError> {
    if !data.starts_with(&elf::ELFMAG) {
        return Err(ElfError::NotElf);
    }
    let is_64_bit_little_endian = data.get(4..6) == Some(&[elf::ELFCLASS64.0, elf::ELFDATA2LSB.0]);
    if data.len() >= 6 && !is_64_bit_little_endian {
        return Err(ElfError::Kind);
    }
    let header = FileHeader64::<LittleEndian>::parse(data).map_err(|_| ElfError::Truncated)?;
    let endian = header.endian().map_err(|_| ElfError::Kind)?;
    if header.e_machine(endian) != elf::EM_IA_64 {
        return Err(ElfError::Machine(header.e_machine(endian).0));
    }
    if header.e_type(endian) != elf::ET_EXEC {
        return Err(ElfError::Kind);
    }
    let mut segments = Vec::new();
    for program in header.program_headers(endian, data).map_err(|_| ElfError::Truncated)? {
        let memory_size = program.p_memsz(endian);
        if program.p_type(endian) != elf::PT_LOAD || memory_size == 0 {
            continue;
        }
        let bytes = program.data(endian, data).map_err(|()| ElfError::Truncated)?;
        let address = program.p_paddr(endian);
        if bytes.len() as u64 > memory_size || address.checked_add(memory_size).is_none() {
            return Err(ElfError::Truncated);
        }
        segments.push(Segment { address, memory_size, bytes });
    }
    segments.sort_by_key(|segment| segment.address);
    if segments.is_empty() {
        return Err(ElfError::Empty);
    }
    if let Some(pair) =
        segments.windows(2).find(|pair| pair[0].address + pair[0].memory_size > pair[1].address)
    {
        return Err(ElfError::Overlap(pair[1].address));
    }
    let entry = header.e_entry(endian);
    let is_inside = |segment: &Segment<'_>| entry.wrapping_sub(segment.address) < segment.memory_size;
    if entry % 16 != 0 || !segments.iter().any(is_inside) {
        return Err(ElfError::Entry(entry));
    }
    Ok(ElfImage { entry, segments })
}

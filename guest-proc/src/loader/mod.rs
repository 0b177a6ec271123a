//! Direct boot: puts a kernel and an initial RAM disk into guest memory and describes them as a boot loader does.
//!
//! The kernel is an ELF64 executable for ia64, perhaps gzip-compressed, loaded by physical addresses and entered at its
//! physical entry with r28 pointing to the parameter block ([`boot_param`]).

pub mod boot_param;
pub mod elf;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::GzDecoder;

use crate::firmware::efi::memory_map::{Kind, Region};
use crate::map;
use crate::memory::GuestRam;

/// Most bytes of a kernel file, and of what it unpacks to.
const KERNEL_LIMIT: u64 = 1 << 30;
/// Alignment of the RAM disk: the largest page an OS uses for it.
const INITRD_ALIGN: u64 = 64 << 10;

/// Why an image cannot be booted.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read {name}")]
    Read {
        /// The file.
        name: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file, or what it unpacks to, is larger than any kernel.
    #[error("{0} is larger than 1 GiB: not a kernel")]
    TooLarge(String),
    /// The compressed data is damaged.
    #[error("{name} is damaged: it does not decompress")]
    Gzip {
        /// The file.
        name: String,
        /// What the decompressor found.
        source: std::io::Error,
    },
    /// The image is not one this machine can boot.
    #[error("{name} cannot be booted: {reason}")]
    Image {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: elf::ElfError,
    },
    /// Part of the image has no RAM where it wants to be.
    #[error("{name} does not fit into guest memory: it needs physical {start:#x} to {end:#x}")]
    DoesNotFit {
        /// The file.
        name: String,
        /// First physical address.
        start: u64,
        /// Address behind the last.
        end: u64,
    },
    /// No room for the RAM disk.
    #[error("RAM disk {name} ({size} bytes) does not fit into guest memory beside the kernel")]
    InitrdDoesNotFit {
        /// The file.
        name: String,
        /// Its size.
        size: u64,
    },
    /// The command line is too long.
    #[error("the kernel command line has {0} bytes; at most 2047 are possible")]
    CommandLine(usize),
}

/// An open file with the name the operator knows it by.
#[derive(Debug)]
pub struct Image {
    name: String,
    file: File,
}

impl Image {
    /// Opens `path`.
    pub fn open(path: &Path) -> Result<Image, LoadError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Ok(Image { name, file }),
            Err(source) => Err(LoadError::Read { name, source }),
        }
    }

    /// A file already open.
    pub fn new(name: String, file: File) -> Image {
        Image { name, file }
    }

    /// The whole contents, from the start whatever has been read before.
    fn contents(&self, limit: u64) -> Result<Vec<u8>, LoadError> {
        let failed = |source| LoadError::Read { name: self.name.clone(), source };
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit {
            return Err(LoadError::TooLarge(self.name.clone()));
        }
        Ok(bytes)
    }

    /// The contents, unpacked if they are gzip'd.
    fn unpacked(&self) -> Result<Vec<u8>, LoadError> {
        let bytes = self.contents(KERNEL_LIMIT)?;
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return Ok(bytes);
        }
        let mut unpacked = Vec::new();
        GzDecoder::new(&bytes[..])
            .take(KERNEL_LIMIT + 1)
            .read_to_end(&mut unpacked)
            .map_err(|source| LoadError::Gzip { name: self.name.clone(), source })?;
        if unpacked.len() as u64 > KERNEL_LIMIT {
            return Err(LoadError::TooLarge(self.name.clone()));
        }
        Ok(unpacked)
    }
}

/// What to boot.
#[derive(Debug)]
pub struct BootSource {
    /// The kernel.
    pub kernel: Image,
    /// The initial RAM disk.
    pub initrd: Option<Image>,
    /// The kernel's command line.
    pub command_line: String,
}

/// What has been loaded.
#[derive(Debug)]
pub struct Loaded {
    /// Physical address of the first bundle.
    pub entry: u64,
    /// The RAM disk: physical address and bytes.
    pub initrd: Option<(u64, u64)>,
    /// Everything loaded, for the memory map.
    pub regions: Vec<Region>,
}

impl BootSource {
    /// Puts kernel and RAM disk into `ram`.
    pub fn load(&self, ram: &GuestRam) -> Result<Loaded, LoadError> {
        if self.command_line.len() >= boot_param::COMMAND_LINE_SIZE {
            return Err(LoadError::CommandLine(self.command_line.len()));
        }
        let (entry, mut regions) = self.load_kernel(ram)?;
        let initrd = self.initrd.as_ref().map(|image| load_initrd(image, ram, &regions)).transpose()?;
        if let Some((start, size)) = initrd {
            regions.push(Region::around(Kind::LoaderData, start, size));
        }
        Ok(Loaded { entry, initrd, regions })
    }

    fn load_kernel(&self, ram: &GuestRam) -> Result<(u64, Vec<Region>), LoadError> {
        let name = &self.kernel.name;
        let bytes = self.kernel.unpacked()?;
        let image = elf::parse(&bytes).map_err(|reason| LoadError::Image { name: name.clone(), reason })?;
        let mut regions: Vec<Region> = Vec::new();
        for segment in &image.segments {
            let (start, end) = (segment.address, segment.address + segment.memory_size);
            let fits = start >= map::RAM_BASE && ram.memory.host(start, segment.memory_size).is_some();
            if !fits {
                return Err(LoadError::DoesNotFit { name: name.clone(), start, end });
            }
            // Memory is zero already, so what lies behind the file's part needs nothing.
            ram.memory.write(start, segment.bytes);
            let region = Region::around(Kind::LoaderData, start, segment.memory_size);
            match regions.last_mut() {
                Some(last) if region.start <= last.end => last.end = last.end.max(region.end),
                _ => regions.push(region),
            }
        }
        Ok((image.entry, regions))
    }
}

/// Puts the RAM disk at the end of the RAM below 4 GiB, above everything in `taken`.
fn load_initrd(image: &Image, ram: &GuestRam, taken: &[Region]) -> Result<(u64, u64), LoadError> {
    let (base, len) = ram.ranges()[0];
    let end = base + len;
    let bytes = image.contents(len).map_err(|error| match error {
        LoadError::TooLarge(name) => LoadError::InitrdDoesNotFit { name, size: len },
        other => other,
    })?;
    let size = bytes.len() as u64;
    let floor = taken
        .iter()
        .filter(|region| region.start < end)
        .map(|region| region.end)
        .max()
        .unwrap_or(map::RAM_BASE);
    let start = end.saturating_sub(size) & !(INITRD_ALIGN - 1);
    if start < floor || !ram.memory.write(start, &bytes) {
        return Err(LoadError::InitrdDoesNotFit { name: image.name.clone(), size });
    }
    Ok((start, size))
}

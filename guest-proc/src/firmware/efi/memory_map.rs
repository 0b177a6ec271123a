//! The EFI memory map. EFI specification 1.10, "GetMemoryMap()".

use crate::map;

/// What memory is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs, reason = "the specification's own names")]
pub enum Kind {
    Reserved = 0,
    LoaderData = 2,
    RuntimeServicesCode = 5,
    RuntimeServicesData = 6,
    Conventional = 7,
    AcpiReclaim = 9,
    AcpiNvs = 10,
    IoPortSpace = 12,
    PalCode = 13,
}

/// Attributes: capabilities of the memory, and whether the OS must map it for EFI.
pub mod attribute {
    /// Uncacheable.
    pub const UC: u64 = 1;
    /// Write-back cacheable.
    pub const WB: u64 = 8;
    /// Needed by runtime services.
    pub const RUNTIME: u64 = 1 << 63;
}

/// Bytes of a page in the map.
pub const PAGE: u64 = 4096;
/// Bytes from one descriptor to the next.
pub const STRIDE: u64 = 48;
/// The only version of descriptors.
pub const VERSION: u32 = 1;

/// A range of physical addresses with one use; page aligned, `end` not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its use.
    pub kind: Kind,
    /// First byte.
    pub start: u64,
    /// First byte behind it.
    pub end: u64,
}

impl Region {
    /// The region of whole pages around `len` bytes at `start`.
    pub fn around(kind: Kind, start: u64, len: u64) -> Region {
        Region { kind, start: start & !(PAGE - 1), end: (start + len).next_multiple_of(PAGE) }
    }

    fn attributes(&self) -> u64 {
        match self.kind {
            Kind::IoPortSpace => attribute::UC,
            Kind::RuntimeServicesCode | Kind::RuntimeServicesData | Kind::PalCode => {
                attribute::WB | attribute::RUNTIME
            }
            _ => attribute::WB,
        }
    }
}

/// What the firmware keeps of its first 16 MiB, in address order.
const FIRMWARE: &[Region] = &[
    Region { kind: Kind::PalCode, start: map::PAL_CODE, end: map::SAL_CODE },
    Region { kind: Kind::RuntimeServicesCode, start: map::SAL_CODE, end: map::FIRMWARE_CODE_END },
    Region { kind: Kind::RuntimeServicesData, start: map::TABLES, end: map::TABLES_END },
    Region { kind: Kind::AcpiReclaim, start: map::ACPI_TABLES, end: map::ACPI_TABLES_END },
    Region { kind: Kind::AcpiNvs, start: map::ACPI_NVS, end: map::ACPI_NVS_END },
    Region { kind: Kind::LoaderData, start: map::BOOT_DATA, end: map::BOOT_DATA_END },
];

/// The whole map in address order: RAM in `ranges` (base, length) with what the firmware and the loader (`loaded`, inside
/// RAM, not overlapping) occupy taken out of it, and the port space.
pub fn map(ranges: &[(u64, u64)], loaded: &[Region]) -> Vec<Region> {
    let mut taken: Vec<Region> = FIRMWARE.iter().chain(loaded).copied().collect();
    taken.sort_by_key(|region| region.start);
    let mut map = Vec::new();
    for &(base, len) in ranges {
        let end = base + len;
        let mut at = base;
        for region in taken.iter().filter(|region| region.start >= base && region.end <= end) {
            free(&mut map, at, region.start);
            map.push(*region);
            at = region.end;
        }
        free(&mut map, at, end);
    }
    map.push(Region {
        kind: Kind::IoPortSpace,
        start: map::IO_PORTS,
        end: map::IO_PORTS + map::IO_PORTS_SIZE,
    });
    map
}

/// Adds what nobody occupies: RAM, but below it the firmware's own memory, which it keeps to itself.
fn free(map: &mut Vec<Region>, start: u64, end: u64) {
    let border = end.min(map::RAM_BASE.max(start));
    if start < border {
        map.push(Region { kind: Kind::Reserved, start, end: border });
    }
    if border < end {
        map.push(Region { kind: Kind::Conventional, start: border, end });
    }
}

/// The map as descriptors of [`STRIDE`] bytes.
pub fn bytes(map: &[Region]) -> Vec<u8> {
    let descriptor = |region: &Region| {
        let mut bytes = [0; STRIDE as usize];
        bytes[0..4].copy_from_slice(&(region.kind as u32).to_le_bytes());
        bytes[8..16].copy_from_slice(&region.start.to_le_bytes());
        bytes[24..32].copy_from_slice(&((region.end - region.start) / PAGE).to_le_bytes());
        bytes[32..40].copy_from_slice(&region.attributes().to_le_bytes());
        bytes
    };
    map.iter().flat_map(descriptor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAM: &[(u64, u64)] = &[(0x10_0000, 0xbff0_0000), (0x1_0000_0000, 0x4000_0000)];

    fn loaded() -> [Region; 2] {
        [
            Region::around(Kind::LoaderData, 0xbf12_3000, 0x12_3456),
            Region::around(Kind::LoaderData, 0x400_0000, 0x238_b510),
        ]
    }

    #[test]
    fn ram_is_covered_without_gap_or_overlap() {
        let map = map(RAM, &loaded());
        let inside = |base: u64, len: u64| -> Vec<Region> {
            map.iter().filter(|r| r.start >= base && r.end <= base + len).copied().collect()
        };
        for &(base, len) in RAM {
            let regions = inside(base, len);
            assert_eq!((regions[0].start, regions[regions.len() - 1].end), (base, base + len));
            assert!(regions.windows(2).all(|pair| pair[0].end == pair[1].start), "{regions:x?}");
        }
        assert_eq!(map.iter().filter(|region| region.kind == Kind::PalCode).count(), 1);
        assert!(map.windows(2).all(|pair| pair[0].end <= pair[1].start), "sorted, as Linux wants it");
    }

    #[test]
    fn linux_finds_its_first_free_range_above_the_firmware() {
        // Linux puts its own map at the start of the first available range (types 1, 3, 4, 7) without looking.
        let map = map(RAM, &loaded());
        let first = map.iter().find(|region| region.kind == Kind::Conventional).unwrap();
        assert_eq!((first.start, first.end), (0x100_0000, 0x400_0000));
    }

    #[test]
    fn descriptors_have_the_layout_of_the_specification() {
        let bytes = bytes(&[Region { kind: Kind::PalCode, start: 0x10_0000, end: 0x11_0000 }]);
        assert_eq!(bytes.len(), 48);
        assert_eq!((bytes[0], bytes[10], bytes[24], bytes[32], bytes[39]), (13, 0x10, 0x10, 8, 0x80));
    }
}

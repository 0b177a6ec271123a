//! Regions, page sizes, and where the VHPT keeps a translation. SDM volume 2, 4.1.2 and 4.1.5 to 4.1.6.

/// Highest implemented virtual address bit below the region bits: all of them (PAL_VM_SUMMARY impl_va_msb).
pub const IMPL_VA_MSB: u32 = 60;
/// Bits of a region identifier and of a protection key (PAL_VM_SUMMARY rid_size, key_size).
pub const RID_BITS: u32 = 24;
/// Page sizes that can be inserted and purged, one bit each (PAL_VM_PAGE_SIZE): 4K 8K 16K 64K 256K 1M 4M 16M 64M 256M
/// 1G 4G.
pub const PAGE_SIZES: u64 = 0x1_5555_7000;
/// Virtual address bits within a region.
pub const OFFSET_MASK: u64 = (1 << (IMPL_VA_MSB + 1)) - 1;

/// Can pages of 2^`ps` bytes be inserted?
#[inline]
pub const fn is_page_size(ps: u8) -> bool {
    ps < 64 && PAGE_SIZES >> ps & 1 != 0
}

/// The region register that a virtual address selects.
#[inline]
pub const fn region_of(va: u64) -> usize {
    (va >> 61) as usize
}

/// A region register's value. SDM volume 2, figure 4-3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegionRegister(pub u64);

impl RegionRegister {
    /// Bits that must be written as zero.
    pub const RESERVED: u64 = !0xffff_fffd;

    /// VHPT walker enable.
    #[inline]
    pub const fn ve(self) -> bool {
        self.0 & 1 != 0
    }
    /// Preferred page size: log2 of bytes.
    #[inline]
    pub const fn ps(self) -> u8 {
        (self.0 >> 2 & 0x3f) as u8
    }
    /// Region identifier.
    #[inline]
    pub const fn rid(self) -> u32 {
        (self.0 >> 8 & 0xff_ffff) as u32
    }
    /// The ITIR that describes a page of this region by default: its page size, and the identifier as key.
    #[inline]
    pub const fn default_itir(self) -> u64 {
        self.0 & 0xffff_fffc
    }
}

/// CR.PTA. SDM volume 2, figure 3-9.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pta(pub u64);

impl Pta {
    /// Bits that must be written as zero.
    pub const RESERVED: u64 = 0x7e02;

    /// VHPT walker enable.
    #[inline]
    pub const fn ve(self) -> bool {
        self.0 & 1 != 0
    }
    /// Size of the table: log2 of bytes.
    #[inline]
    pub const fn size(self) -> u32 {
        (self.0 >> 2 & 0x3f) as u32
    }
    /// Long format: a hash table of 32-byte entries.
    #[inline]
    pub const fn long_format(self) -> bool {
        self.0 >> 8 & 1 != 0
    }

    /// The address of the VHPT entry for `va` in a region described by `rr`: `thash`, CR.IHA. SDM volume 2, 4.1.6.
    ///
    /// The long-format hash is model-specific; ours is the page number mixed with the region identifier.
    pub const fn hash(self, rr: RegionRegister, va: u64) -> u64 {
        let page = (va & OFFSET_MASK) >> rr.ps();
        let (region, offset) = if self.long_format() {
            (self.0 & !OFFSET_MASK, (page ^ rr.rid() as u64) << 5)
        } else {
            (va & !OFFSET_MASK, page << 3)
        };
        let mask = (1u64 << self.size()) - 1;
        // Bits 14:0 always come from the hash: no table is smaller than 32 KB.
        let mask = mask | 0x7fff;
        region | (self.0 & OFFSET_MASK & !mask) | (offset & mask)
    }
}

/// The tag of a long-format entry for `va`: `ttag`. SDM volume 2, 4.1.6.2; model-specific.
///
/// The smallest table has 2^10 entries, so the index alone gives the ten low bits of the page number back (the region
/// identifier is in the tag): index and tag together name one page of one region. Bit 63 (ti) is clear.
pub const fn tag(rr: RegionRegister, va: u64) -> u64 {
    (rr.rid() as u64) << 39 | (va & OFFSET_MASK) >> rr.ps() >> 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_format_hash_is_the_linear_table_linux_expects() {
        // 64 KB pages, a table of 2^48 bytes at the top of each region.
        let pta = Pta(0x1fff_0000_0000_00c1);
        let rr = RegionRegister(0x541);
        assert_eq!(pta.hash(rr, 0xa000_0000_0000_0000), 0xbfff_0000_0000_0000);
        assert_eq!(
            pta.hash(rr, 0xa000_0002_0001_0000),
            0xbfff_0000_0000_0000 + (0x2_0001_0000u64 >> 16 << 3)
        );
    }

    #[test]
    fn long_format_index_and_tag_name_one_page() {
        let pta = Pta(0xe000_0000_0100_0000 | 1 << 8 | 15 << 2 | 1);
        let mut seen = std::collections::HashSet::new();
        for rid in [0u64, 1, 2, 0x400, 0xff_ffff] {
            let rr = RegionRegister(rid << 8 | 12 << 2 | 1);
            for page in (0..5000u64).chain([1 << 40, (1 << 48) + 7]) {
                let va = page << 12;
                let address = pta.hash(rr, va);
                assert_eq!(address & !0x7fff, 0xe000_0000_0100_0000);
                assert_eq!(address & 31, 0);
                assert!(seen.insert((address, tag(rr, va))));
            }
        }
    }

    #[test]
    fn default_itir_is_page_size_and_region_identifier() {
        assert_eq!(RegionRegister(0x1234 << 8 | 16 << 2 | 1).default_itir(), 0x1234 << 8 | 16 << 2);
    }
}

//! What a reference wants, and what a page allows. SDM volume 2, 4.1.1.5 to 4.1.1.6 and table 5-1.

use crate::fault::isr;

/// One reference to memory, or a question about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What its faults carry in ISR: r, w, x, sp, rs, na and the code of a non-access instruction.
    pub isr: u64,
    /// The privilege level it is made at, 0..=3.
    pub pl: u8,
    /// Is the address virtual?
    pub translated: bool,
    /// May the VHPT be searched for it?
    pub walks: bool,
}

impl Access {
    /// Reads?
    #[inline]
    pub const fn reads(self) -> bool {
        self.isr & isr::R != 0
    }
    /// Writes?
    #[inline]
    pub const fn writes(self) -> bool {
        self.isr & isr::W != 0
    }
    /// A speculative load?
    #[inline]
    pub const fn speculative(self) -> bool {
        self.isr & isr::SP != 0
    }
    /// The rights it needs of a page.
    #[inline]
    pub const fn needs(self) -> u8 {
        (if self.isr & isr::X != 0 { EXECUTE } else { 0 })
            | (if self.reads() { READ } else { 0 })
            | (if self.writes() { WRITE } else { 0 })
    }
}

/// ISR bits of the non-access instructions. SDM volume 2, table 5-1.
pub mod non_access {
    use crate::fault::isr::{NA, R};
    /// `tpa`.
    pub const TPA: u64 = NA;
    /// `fc`, `fc.i`.
    pub const FC: u64 = NA | R | 1;
    /// `probe`; r and w as it asks.
    pub const PROBE: u64 = NA | 2;
    /// `tak`.
    pub const TAK: u64 = NA | 3;
    /// `lfetch`, `lfetch.fault`.
    pub const LFETCH: u64 = NA | R | 4;
    /// `probe.fault`; r and w as it asks.
    pub const PROBE_FAULT: u64 = NA | 5;
}

/// Right to read.
pub const READ: u8 = 1;
/// Right to write.
pub const WRITE: u8 = 2;
/// Right to execute.
pub const EXECUTE: u8 = 4;

/// What code at privilege level `cpl` may do with a page of access rights `ar` (0..=7) and level `pl`. SDM volume 2,
/// table 4-2.
pub const fn rights(ar: u8, pl: u8, cpl: u8) -> u8 {
    const R: u8 = READ;
    const RW: u8 = READ | WRITE;
    const RX: u8 = READ | EXECUTE;
    const RWX: u8 = READ | WRITE | EXECUTE;
    // Promotion pages can be executed from every level; below `pl` they promote.
    if ar == 7 {
        return if cpl == 0 { RX } else { EXECUTE };
    }
    if cpl > pl {
        return 0;
    }
    match ar {
        0 => R,
        1 => RX,
        2 => RW,
        3 => RWX,
        4 if cpl == pl && pl != 0 => R,
        4 => RW,
        5 if cpl == 0 => RWX,
        5 => RX,
        6 if cpl == pl && pl != 0 => RWX,
        _ => RW,
    }
}

/// A translation's first word: the format of `itc` and `itr` sources and of VHPT entries. SDM volume 2, table 4-3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pte(pub u64);

/// Memory attribute of a page, as encoded. SDM volume 2, table 4-11.
pub mod attribute {
    /// Write back.
    pub const WB: u8 = 0;
    /// Uncacheable.
    pub const UC: u8 = 4;
    /// Uncacheable, fetchadd exported.
    pub const UCE: u8 = 5;
    /// Write coalescing.
    pub const WC: u8 = 6;
    /// Not a Thing.
    pub const NATPAGE: u8 = 7;
}

impl Pte {
    /// Present.
    #[inline]
    pub const fn p(self) -> bool {
        self.0 & 1 != 0
    }
    /// Memory attribute: one of [`attribute`].
    #[inline]
    pub const fn ma(self) -> u8 {
        (self.0 >> 2 & 7) as u8
    }
    /// Accessed.
    #[inline]
    pub const fn a(self) -> bool {
        self.0 >> 5 & 1 != 0
    }
    /// Dirty.
    #[inline]
    pub const fn d(self) -> bool {
        self.0 >> 6 & 1 != 0
    }
    /// Privilege level.
    #[inline]
    pub const fn pl(self) -> u8 {
        (self.0 >> 7 & 3) as u8
    }
    /// Access rights.
    #[inline]
    pub const fn ar(self) -> u8 {
        (self.0 >> 9 & 7) as u8
    }
    /// Exception deferral, of a code page.
    #[inline]
    pub const fn ed(self) -> bool {
        self.0 >> 52 & 1 != 0
    }
    /// The physical address of `va` in a page of 2^`ps` bytes.
    #[inline]
    pub const fn physical(self, va: u64, ps: u8) -> u64 {
        let within = (1u64 << ps) - 1;
        (self.0 & 0x3_ffff_ffff_f000 & !within) | (va & within)
    }
    /// What code at privilege level `cpl` may do.
    #[inline]
    pub const fn rights(self, cpl: u8) -> u8 {
        rights(self.ar(), self.pl(), cpl)
    }
    /// Does it set a reserved bit or use a reserved encoding? A page that is not present may hold anything.
    pub const fn is_reserved(self) -> bool {
        const RESERVED: u64 = 1 << 1 | 3 << 50;
        self.p() && (self.0 & RESERVED != 0 || matches!(self.ma(), 1..=3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SDM volume 2, table 4-2: for each ar, for each pl from 3 to 0, the rights at levels 3, 2, 1, 0. Promotion
    /// ("XPn") is execution here.
    #[rustfmt::skip]
    const TABLE: [[[&str; 4]; 4]; 8] = [
        [["R", "R", "R", "R"], ["", "R", "R", "R"], ["", "", "R", "R"], ["", "", "", "R"]],
        [["RX", "RX", "RX", "RX"], ["", "RX", "RX", "RX"], ["", "", "RX", "RX"], ["", "", "", "RX"]],
        [["RW", "RW", "RW", "RW"], ["", "RW", "RW", "RW"], ["", "", "RW", "RW"], ["", "", "", "RW"]],
        [["RWX", "RWX", "RWX", "RWX"], ["", "RWX", "RWX", "RWX"], ["", "", "RWX", "RWX"], ["", "", "", "RWX"]],
        [["R", "RW", "RW", "RW"], ["", "R", "RW", "RW"], ["", "", "R", "RW"], ["", "", "", "RW"]],
        [["RX", "RX", "RX", "RWX"], ["", "RX", "RX", "RWX"], ["", "", "RX", "RWX"], ["", "", "", "RWX"]],
        [["RWX", "RW", "RW", "RW"], ["", "RWX", "RW", "RW"], ["", "", "RWX", "RW"], ["", "", "", "RW"]],
        [["X", "X", "X", "RX"], ["X", "X", "X", "RX"], ["X", "X", "X", "RX"], ["X", "X", "X", "RX"]],
    ];

    #[test]
    fn rights_are_those_of_the_manual() {
        for (ar, rows) in (0u8..).zip(TABLE) {
            for (pl, row) in (0u8..4).rev().zip(rows) {
                for (cpl, letters) in (0u8..4).rev().zip(row) {
                    let expected = letters.bytes().fold(0, |bits, letter| {
                        bits | match letter {
                            b'R' => READ,
                            b'W' => WRITE,
                            _ => EXECUTE,
                        }
                    });
                    assert_eq!(rights(ar, pl, cpl), expected, "ar {ar} pl {pl} cpl {cpl}");
                }
            }
        }
    }

    #[test]
    fn writable_pages_are_readable() {
        for bits in 0..128u8 {
            let rights = rights(bits & 7, bits >> 3 & 3, bits >> 5);
            assert!(rights & WRITE == 0 || rights & READ != 0);
        }
    }

    #[test]
    fn the_page_offset_comes_from_the_virtual_address() {
        let pte = Pte(0x0010_0000_0400_0661);
        assert_eq!(pte.physical(0xa000_0001_0160_1520, 26), 0x0560_1520);
    }
}

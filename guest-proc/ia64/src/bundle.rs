//! Bundles: 128 bits holding a template and three instruction slots of 41 bits. SDM volume 3, section 4.1 ("Format
//! summary") and table 4-3 ("Template field encoding and instruction slot mapping"); volume 1, section 3.3.

use crate::bits::field;

/// Bits in an instruction slot.
pub const SLOT_BITS: u32 = 41;

/// Bytes in a bundle; bundles are aligned to this.
pub const BUNDLE_BYTES: u64 = 16;

/// The kind of execution unit that a slot is dispatched to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Memory (and integer ALU).
    M,
    /// Integer, multimedia, shifts (and integer ALU).
    I,
    /// Branch.
    B,
    /// Floating point.
    F,
    /// The immediate half of a long instruction: never an instruction of its own.
    L,
    /// A long instruction, which takes its other half from the preceding L slot.
    X,
}

/// The 5-bit template of a bundle: which unit each slot goes to and after which slots an instruction group ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Template(u8);

/// A bundle whose template is one of the eight reserved ones: executing it is an illegal operation fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bundle template {0:#04x} is reserved")]
pub struct ReservedTemplate(pub u8);

use Unit::{B, F, I, L, M, X};

/// Units of each pair of templates (the lowest template bit is the stop after slot 2) and whether a stop follows slot
/// 0 or slot 1.
#[rustfmt::skip] // One template pair a line, as in the manual's table.
const TEMPLATES: [Option<([Unit; 3], [bool; 2])>; 16] = [
    Some(([M, I, I], [false, false])), // 00 01
    Some(([M, I, I], [false, true])),  // 02 03
    Some(([M, L, X], [false, false])), // 04 05
    None,                              // 06 07
    Some(([M, M, I], [false, false])), // 08 09
    Some(([M, M, I], [true, false])),  // 0a 0b
    Some(([M, F, I], [false, false])), // 0c 0d
    Some(([M, M, F], [false, false])), // 0e 0f
    Some(([M, I, B], [false, false])), // 10 11
    Some(([M, B, B], [false, false])), // 12 13
    None,                              // 14 15
    Some(([B, B, B], [false, false])), // 16 17
    Some(([M, M, B], [false, false])), // 18 19
    None,                              // 1a 1b
    Some(([M, F, B], [false, false])), // 1c 1d
    None,                              // 1e 1f
];

impl Template {
    /// The template with these five bits; higher bits are ignored.
    pub const fn new(bits: u8) -> Self {
        Self(bits & 0x1f)
    }

    /// The five bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The unit of each slot, or `None` for a reserved template.
    pub const fn units(self) -> Option<[Unit; 3]> {
        match TEMPLATES[(self.0 >> 1) as usize] {
            Some((units, _)) => Some(units),
            None => None,
        }
    }

    /// Whether an instruction group ends after `slot` (0..=2).
    pub const fn stop_after(self, slot: usize) -> bool {
        match (TEMPLATES[(self.0 >> 1) as usize], slot) {
            (Some(_), 2) => self.0 & 1 == 1,
            (Some((_, stops)), 0 | 1) => stops[slot],
            _ => false,
        }
    }
}

/// 128 bits of instructions, as two little-endian words: the one at the lower address first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bundle(pub [u64; 2]);

impl Bundle {
    /// The bundle in these 16 bytes, as they lie in memory.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        let word = u128::from_le_bytes(bytes);
        Self([word as u64, (word >> 64) as u64])
    }

    /// The template, in the lowest five bits.
    pub const fn template(self) -> Template {
        Template::new(self.0[0] as u8)
    }

    /// The 41 bits of `slot` (0, 1; anything else is 2).
    pub const fn slot(self, slot: usize) -> u64 {
        match slot {
            0 => field(self.0[0], 5, SLOT_BITS),
            1 => (self.0[0] >> 46) | (field(self.0[1], 0, 23) << 18),
            _ => self.0[1] >> 23,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_cut_where_the_manual_says() {
        let bundle = Bundle::from_bytes(
            (0x1d_u128 | (0x0155_5555_5555 << 5) | (0x123_4567_89ab << 46) | (0xa_bcde << 87)).to_le_bytes(),
        );
        assert_eq!(bundle.template().bits(), 0x1d);
        assert_eq!([0, 1, 2].map(|slot| bundle.slot(slot)), [0x155_5555_5555, 0x123_4567_89ab, 0xa_bcde]);
    }

    #[test]
    fn eight_templates_are_reserved_and_have_no_stops() {
        let reserved: Vec<u8> = (0..32).filter(|&bits| Template::new(bits).units().is_none()).collect();
        assert_eq!(reserved, [0x06, 0x07, 0x14, 0x15, 0x1a, 0x1b, 0x1e, 0x1f]);
        assert!(reserved.iter().all(|&bits| (0..3).all(|slot| !Template::new(bits).stop_after(slot))));
    }
}

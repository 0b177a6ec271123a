//! Random bundles that reach every row of the table, and the special operands that have names of their own.

use ia64::bundle::{Template, Unit};
use ia64::table::{ROWS, Row};

/// Places of register fields, and of the qualifying predicate.
const FIELDS: [(u32, u32); 5] = [(6, 7), (13, 7), (20, 7), (27, 7), (0, 6)];

/// A deterministic stream of bundles.
pub(crate) struct Generator {
    state: u64,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0xd134_2543_de82_ef95) }
    }

    /// `count` bundles as bytes.
    pub(crate) fn bundles(&mut self, count: usize) -> Vec<u8> {
        (0..count).flat_map(|_| self.bundle().to_le_bytes()).collect()
    }

    fn bundle(&mut self) -> u128 {
        let template = loop {
            let template = Template::new(self.next() as u8);
            // One in sixty-four of the reserved ones is enough.
            if template.units().is_some() || self.below(64) == 0 {
                break template;
            }
        };
        let units = template.units().unwrap_or([Unit::L; 3]);
        let slots = units.map(|unit| u128::from(self.slot(unit)));
        u128::from(template.bits()) | slots[0] << 5 | slots[1] << 46 | slots[2] << 87
    }

    /// Three in four slots encode a row, the others are anything.
    fn slot(&mut self, unit: Unit) -> u64 {
        let random = self.next() >> (64 - 41);
        if unit == Unit::L || self.below(4) == 0 {
            return random;
        }
        let row = self.row(unit);
        let mut bits = random;
        for (lo, len) in FIELDS {
            let mask = ((1 << len) - 1) << lo;
            bits = match self.below(8) {
                0 | 1 => bits & !mask,
                2 => bits & !mask | 1 << lo,
                // The same register as in another place.
                3 => {
                    let (other, _) = FIELDS[self.below(4) as usize];
                    bits & !mask | (bits >> other) << lo & mask
                }
                _ => bits,
            };
        }
        (bits & !row.mask | row.value) & ((1 << 41) - 1)
    }

    fn row(&mut self, unit: Unit) -> &'static Row {
        loop {
            let row = &ROWS[self.below(ROWS.len() as u64) as usize];
            if row.format.is_for(unit) {
                return row;
            }
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

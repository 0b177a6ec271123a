//! Random operands, heavy on everything that is hard.

use ia64::state::Fr;

/// SplitMix64: small, seedable, the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    pub(crate) fn flip(&mut self) -> bool {
        self.bits() & 1 != 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A significand with the integer bit set: dense, sparse, long runs, or cut to a narrower format.
    pub(crate) fn significand(&mut self) -> u64 {
        let dense = self.bits();
        let bits = match self.below(8) {
            0 | 1 => dense,
            2 => dense & self.bits() & self.bits() & self.bits(),
            3 => !(dense & self.bits() & self.bits() & self.bits()),
            4 => dense & !0x7ff,
            5 => dense & !0xff_ffff_ffff,
            6 => u64::MAX << self.below(64),
            _ => u64::MAX >> self.below(64),
        };
        bits | 1 << 63
    }

    /// A biased exponent: near one, near the edges of every format, or anywhere.
    pub(crate) fn exponent(&mut self) -> u32 {
        let near = |edge: u32, spread: u64, this: &mut Random| {
            (edge as i64 + this.below(2 * spread + 1) as i64 - spread as i64).clamp(1, 0x1fffe) as u32
        };
        match self.below(10) {
            0..=4 => near(0xffff, 70, self),
            5 => near(0xffff, 1100, self),
            6 => {
                let edge = self.pick(&EDGES);
                near(edge, 70, self)
            }
            // Halves of the edges: squares and products reach them.
            7 => {
                let edge = self.pick(&EDGES);
                near((edge + 0xffff) / 2, 40, self)
            }
            _ => 1 + self.below(0x1fffe) as u32,
        }
    }

    /// A normalised number.
    pub(crate) fn normal(&mut self) -> Fr {
        Fr::from_parts(self.flip(), self.exponent(), self.significand())
    }

    /// A finite number, seldom zero or not normalised, or infinity.
    pub(crate) fn number(&mut self) -> Fr {
        match self.below(24) {
            0 => Fr::zero(self.flip()),
            1 => Fr::infinity(self.flip()),
            // Denormals of the narrower formats, of the register format and of memory, pseudo-denormals.
            2 => {
                let exponent = self.pick(&[0xff81, 0xfc01, 0xc001, 1, 0]);
                Fr::from_parts(self.flip(), exponent, self.significand() >> self.below(64))
            }
            // Unnormalised, integers, pseudo-zeros.
            3 => {
                let significand = self.significand() >> self.below(64);
                Fr::from_parts(self.flip(), self.exponent(), significand)
            }
            4 => Fr::from_significand(self.bits() >> self.below(64)),
            5 => match self.below(4) {
                0 => Fr::from_parts(self.flip(), self.exponent().min(0x1fffd), 0),
                _ => Fr::ONE,
            },
            _ => self.normal(),
        }
    }

    /// Three operands whose product and addend interfere: cancel, nearly cancel, or lie just apart.
    pub(crate) fn interfering(&mut self) -> [Fr; 3] {
        let (mut a, mut b) = (self.normal(), self.normal());
        match self.below(4) {
            // The low half of the product is chosen: ties, and bits just off a tie.
            0 => {
                a.significand |= 1;
                let low = self.pick(&[1, 1 << 63, 1 << 63 | 1, (1 << 63) - 1, u64::MAX, 0x400]);
                b.significand = low.wrapping_mul(inverse(a.significand)) | 1 << 63;
            }
            // The product is just below a power of two.
            1 => {
                a.significand = u64::MAX - self.below(3);
                b.significand = u64::MAX - self.below(3);
            }
            _ => {}
        }
        let product = u128::from(a.significand) * u128::from(b.significand);
        let zeros = product.leading_zeros();
        let significand = ((product << zeros) >> 64) as u64;
        let significand = match self.below(6) {
            0 => significand,
            1 => significand.wrapping_add(self.below(5)).wrapping_sub(2),
            2 => significand & !0x7ff,
            3 => (significand & !0x7ff).wrapping_add(0x800),
            4 => 1 << 63,
            _ => self.significand(),
        };
        let distance = match self.below(4) {
            0 => 0,
            1 => self.below(5) as i64 - 2,
            2 => self.below(260) as i64 - 130,
            _ => 64 + self.below(5) as i64 - 2,
        };
        let exponent = a.exponent() as i64 + b.exponent() as i64 - 0xffff + 1 - zeros as i64 + distance;
        let exponent = exponent.clamp(1, 0x1fffe) as u32;
        [a, b, Fr::from_parts(self.flip(), exponent, significand | 1 << 63)]
    }
}

/// The inverse of an odd number modulo 2^64.
fn inverse(odd: u64) -> u64 {
    // Right in the last three bits; each step doubles their number.
    (0..5).fold(odd, |x, _| x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x))))
}

/// Biased exponents at the ends of single, double, double-extended and register range.
const EDGES: [u32; 8] =
    [0xffff - 126, 0xffff + 127, 0xffff - 1022, 0xffff + 1023, 0xc001, 0xffff + 16383, 1, 0x1fffe];

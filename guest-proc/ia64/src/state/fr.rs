//! An 82-bit floating-point register as stored: no arithmetic (that is [`crate::fp`]). SDM volume 1, 5.1.

/// Register format: 64-bit significand with explicit integer bit, and sign and 17-bit biased exponent together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Fr {
    /// Significand, integer bit in bit 63.
    pub significand: u64,
    /// Exponent in bits 16:0 (bias 65535), sign in bit 17; other bits zero. The layout of `getf.exp`.
    pub sign_exponent: u32,
}

impl Fr {
    /// Positive zero: f0.
    pub const ZERO: Fr = Fr { significand: 0, sign_exponent: 0 };
    /// One: f1.
    pub const ONE: Fr = Fr { significand: 1 << 63, sign_exponent: 0xffff };
    /// Not a Thing Value.
    pub const NATVAL: Fr = Fr { significand: 0, sign_exponent: 0x1fffe };
    /// The exponent of integers (`setf.sig`, `ldf8`): significand read as a 64-bit integer.
    pub const INTEGER_EXPONENT: u32 = 0x1003e;

    /// Biased exponent.
    #[inline]
    pub const fn exponent(self) -> u32 {
        self.sign_exponent & 0x1ffff
    }
    /// Sign bit: set is negative.
    #[inline]
    pub const fn sign(self) -> bool {
        self.sign_exponent >> 17 & 1 != 0
    }
    /// Is this exactly the NaTVal encoding?
    #[inline]
    pub const fn is_natval(self) -> bool {
        self.significand == 0 && self.sign_exponent == 0x1fffe
    }
    /// A 64-bit integer in a floating-point register.
    #[inline]
    pub const fn from_significand(significand: u64) -> Fr {
        Fr { significand, sign_exponent: Fr::INTEGER_EXPONENT }
    }
}

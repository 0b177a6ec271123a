//! Current Frame Marker. SDM volume 1, 3.1.6; layout of CFM, CR.IFS.ifm and AR.PFS.pfm (38 bits).

/// Frame marker: size of frame, locals and rotating part, and the three rename bases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cfm(pub u64);

impl Cfm {
    /// The 38 bits that exist.
    pub const MASK: u64 = (1 << 38) - 1;

    /// Size of frame, 0..=96.
    #[inline]
    pub const fn sof(self) -> u32 {
        (self.0 & 0x7f) as u32
    }
    /// Size of locals, 0..=96.
    #[inline]
    pub const fn sol(self) -> u32 {
        (self.0 >> 7 & 0x7f) as u32
    }
    /// Size of rotating portion in registers (a multiple of 8).
    #[inline]
    pub const fn sor(self) -> u32 {
        (self.0 >> 14 & 0xf) as u32 * 8
    }
    /// Rename base of the general registers, 0..sor.
    #[inline]
    pub const fn rrb_gr(self) -> u32 {
        (self.0 >> 18 & 0x7f) as u32
    }
    /// Rename base of the floating-point registers, 0..96.
    #[inline]
    pub const fn rrb_fr(self) -> u32 {
        (self.0 >> 25 & 0x7f) as u32
    }
    /// Rename base of the predicates, 0..48.
    #[inline]
    pub const fn rrb_pr(self) -> u32 {
        (self.0 >> 32 & 0x3f) as u32
    }
    /// The marker with other rename bases.
    #[inline]
    #[must_use]
    pub const fn with_rrb(self, gr: u32, fr: u32, pr: u32) -> Cfm {
        Cfm(self.0 & 0x3_ffff | (gr as u64) << 18 | (fr as u64) << 25 | (pr as u64) << 32)
    }
    /// A marker with the given sizes (`sor` in registers) and zero rename bases.
    #[inline]
    pub const fn new(sof: u32, sol: u32, sor: u32) -> Cfm {
        Cfm(sof as u64 | (sol as u64) << 7 | (sor as u64 / 8) << 14)
    }
}

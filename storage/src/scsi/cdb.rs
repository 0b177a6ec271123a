//! Reading fields of a command descriptor block. A field that lies beyond the block reads as zero.

/// A CDB whose length has been checked against its command.
#[derive(Clone, Copy)]
pub(super) struct Cdb<'a>(pub(super) &'a [u8]);

impl Cdb<'_> {
    pub(super) fn byte(self, at: usize) -> u8 {
        self.0.get(at).copied().unwrap_or(0)
    }

    pub(super) fn bit(self, at: usize, bit: u8) -> bool {
        self.byte(at) >> bit & 1 != 0
    }

    pub(super) fn be16(self, at: usize) -> u16 {
        u16::from_be_bytes(self.array(at))
    }

    pub(super) fn be32(self, at: usize) -> u32 {
        u32::from_be_bytes(self.array(at))
    }

    pub(super) fn be64(self, at: usize) -> u64 {
        u64::from_be_bytes(self.array(at))
    }

    fn array<const N: usize>(self, at: usize) -> [u8; N] {
        std::array::from_fn(|i| self.byte(at + i))
    }
}

//! What the processor needs from the world around it: RAM by host pointer, everything else by [`Bus`].

/// The platform beyond RAM: device registers, the interrupt block, the clock. Called from the vCPU's thread; several
/// vCPUs share one.
pub trait Bus: Send + Sync {
    /// Reads `size` (1, 2, 4, 8) bytes, naturally aligned, at physical address `pa`, which is not RAM. Unclaimed
    /// addresses read as all ones.
    fn read(&self, pa: u64, size: u8) -> u64;
    /// Writes the low `size` (1, 2, 4, 8) bytes of `value` at physical address `pa`, which is not RAM. Unclaimed
    /// writes are lost.
    fn write(&self, pa: u64, size: u8, value: u64);
    /// The interval time counter common to all processors, in ITC ticks; never goes back.
    fn itc(&self) -> u64;
}

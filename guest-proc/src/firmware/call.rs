//! What a native service sees of its caller, and what it can answer.

/// An address the guest gave cannot be reached: there is no translation for it at the moment. The processor raises the
/// miss at the service's entry point, as the service's own instructions would have, and the call is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// The guest's address.
    pub address: u64,
    /// Was it to be written?
    pub write: bool,
}

/// The processor that called.
pub trait Caller {
    /// Which one, 0 for the boot processor.
    fn number(&self) -> usize;
    /// General register `r` (0 to 127) of the current frame; 0 beyond the frame.
    fn register(&self, r: u8) -> u64;
    /// Reads guest memory at an address as the calling program means it: virtual while it runs translated.
    fn read(&mut self, address: u64, to: &mut [u8]) -> Result<(), Unmapped>;
    /// Writes guest memory likewise.
    fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Unmapped>;
}

/// Reads a little-endian 64-bit word of guest memory.
pub fn read_u64(caller: &mut dyn Caller, address: u64) -> Result<u64, Unmapped> {
    let mut bytes = [0; 8];
    caller.read(address, &mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// What happens after a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Back to the caller with r8 to r11.
    Return([u64; 4]),
    /// The processor halts until an interrupt is pending for it, then r8 = 0.
    HaltLight,
    /// The processor halts for good; interrupts may let it return to the caller with r8 = 0.
    Halt,
    /// The processor waits in the rendezvous.
    Rendezvous,
    /// The program in the min-state save area at this physical address is taken up again.
    TakeUp(u64),
    /// The machine has ended; nothing returns.
    Leave,
}

impl Reply {
    /// Only a status.
    pub const fn status(status: i64) -> Reply {
        Reply::Return([status as u64, 0, 0, 0])
    }
    /// Success with r9 to r11.
    pub const fn values(r9: u64, r10: u64, r11: u64) -> Reply {
        Reply::Return([0, r9, r10, r11])
    }
}

/// One procedure of a firmware interface.
pub struct Service {
    /// Its index, by which it is called.
    pub index: u64,
    /// Its name in the specification.
    pub name: &'static str,
    /// Arguments it takes, for the trace.
    pub arguments: usize,
    /// The procedure. Nothing may have been changed when it returns `Err`: it runs again after the miss is resolved.
    pub run: Handler,
}

/// A procedure's body: firmware, caller, arguments.
pub type Handler = fn(&super::Firmware, &mut dyn Caller, &[u64; 8]) -> Result<Reply, Unmapped>;

/// A row of a service table.
pub const fn service(index: u64, name: &'static str, arguments: usize, run: Handler) -> Service {
    Service { index, name, arguments, run }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A caller without a processor: registers and a little memory at one address.

    use super::*;

    pub(crate) struct Fake {
        pub(crate) registers: [u64; 128],
        pub(crate) base: u64,
        pub(crate) memory: Vec<u8>,
    }

    impl Fake {
        pub(crate) fn new() -> Fake {
            Fake { registers: [0; 128], base: 0xa000_0001_0000_0000, memory: vec![0; 0x1_0000] }
        }
        fn range(&self, address: u64, len: usize, write: bool) -> Result<std::ops::Range<usize>, Unmapped> {
            let start = address.wrapping_sub(self.base) as usize;
            let end = start.checked_add(len).filter(|end| *end <= self.memory.len());
            end.map(|end| start..end).ok_or(Unmapped { address, write })
        }
    }

    impl Caller for Fake {
        fn number(&self) -> usize {
            0
        }
        fn register(&self, r: u8) -> u64 {
            self.registers[r as usize]
        }
        fn read(&mut self, address: u64, to: &mut [u8]) -> Result<(), Unmapped> {
            let range = self.range(address, to.len(), false)?;
            to.copy_from_slice(&self.memory[range]);
            Ok(())
        }
        fn write(&mut self, address: u64, from: &[u8]) -> Result<(), Unmapped> {
            let range = self.range(address, from.len(), true)?;
            self.memory[range].copy_from_slice(from);
            Ok(())
        }
    }
}

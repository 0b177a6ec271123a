//! The firmware's code in guest memory: a `break` that calls the host at each entry point, and the ways back to the
//! caller. Everything else of the firmware is native.

use crate::map;

/// Immediates of the `break` instructions: which entry point was called.
pub mod entry {
    /// PAL_PROC, both conventions.
    pub const PAL: u64 = 0x1000;
    /// SAL_PROC.
    pub const SAL: u64 = 0x1001;
    /// The rendezvous loop: a processor waits here until the OS wakes it.
    pub const RENDEZVOUS: u64 = 0x1002;
    /// An interruption before the OS has set up vectors of its own.
    pub const INTERRUPTION: u64 = 0x1003;
    /// Where OS_INIT returns to.
    pub const INIT_RETURN: u64 = 0x1004;
    /// First EFI runtime service; the others follow in the order of the table.
    pub const EFI: u64 = 0x1100;
}

/// Bytes of an instruction bundle.
pub const BUNDLE: u64 = 16;
/// Behind an entry's `break`: the return for entries that were reached by a branch (PAL's static convention).
pub const STATIC_RETURN: u64 = BUNDLE;
/// Behind an entry's `break`: the return for entries that were called.
pub const STACKED_RETURN: u64 = 2 * BUNDLE;
/// Bytes of one entry point.
const ENTRY_SIZE: u64 = 4 * BUNDLE;

/// PAL_PROC.
pub const PAL_PROC: u64 = map::PAL_CODE;
/// SAL_PROC.
pub const SAL_PROC: u64 = map::SAL_CODE;
/// The rendezvous loop; also the return address the OS finds in b0.
pub const RENDEZVOUS: u64 = map::SAL_CODE + ENTRY_SIZE;
/// Where OS_INIT returns to.
pub const INIT_RETURN: u64 = map::SAL_CODE + 2 * ENTRY_SIZE;
const EFI_SERVICES: u64 = map::SAL_CODE + 3 * ENTRY_SIZE;

/// Entry point of EFI runtime service `n` (0 is GetTime).
pub const fn efi_service(n: u64) -> u64 {
    EFI_SERVICES + n * ENTRY_SIZE
}

/// `{ break.m immediate; nop.i 0; nop.i 0;; }`
const fn break_bundle(immediate: u64) -> [u8; 16] {
    let slot0 = (immediate & 0xf_ffff) << 6 | (immediate >> 20 & 1) << 36;
    let low = 0x0000_0000_0000_0001 | slot0 << 5;
    (low as u128 | NOP_I_NOP_I).to_le_bytes()
}

/// `nop.i 0` in slots 1 and 2.
const NOP_I_NOP_I: u128 = 0x0004_0000_0000_0200_0000_0000_0000_0000;
/// `{ nop.m 0; nop.i 0; br.cond.sptk.many b0;; }`
const BRANCH_B0: [u8; 16] = [0x11, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 8, 0, 0x80, 0];
/// `{ nop.m 0; nop.i 0; br.ret.sptk.many b0;; }`
const RETURN_B0: [u8; 16] = [0x11, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0x80, 8, 0, 0x84, 0];

/// Bytes between interruption vectors: every vector of the table lies on a multiple.
const VECTOR_STRIDE: u64 = 0x100;
const IVT_SIZE: u64 = 0x8000;

/// All of the firmware's code: `(physical address, bytes)`.
pub fn image() -> Vec<(u64, [u8; 16])> {
    let mut code = Vec::new();
    let mut put = |address: u64, immediate: u64| {
        code.push((address, break_bundle(immediate)));
        code.push((address + STATIC_RETURN, BRANCH_B0));
        code.push((address + STACKED_RETURN, RETURN_B0));
    };
    put(PAL_PROC, entry::PAL);
    put(SAL_PROC, entry::SAL);
    put(RENDEZVOUS, entry::RENDEZVOUS);
    put(INIT_RETURN, entry::INIT_RETURN);
    for n in 0..super::efi::SERVICES.len() as u64 {
        put(efi_service(n), entry::EFI + n);
    }
    for vector in (0..IVT_SIZE).step_by(VECTOR_STRIDE as usize) {
        code.push((map::FIRMWARE_IVT + vector, break_bundle(entry::INTERRUPTION)));
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes by GNU as: `break.m imm; nop.i 0; nop.i 0 ;;` and the two returns.
    #[test]
    fn bundles_are_those_of_the_gnu_assembler() {
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
        };
        assert_eq!(break_bundle(0x1101).to_vec(), bytes("01088800000000000002000000000400"));
        assert_eq!(break_bundle(0x1f_ffff).to_vec(), bytes("01f8ff7f000200000002000000000400"));
        assert_eq!(BRANCH_B0.to_vec(), bytes("11000000010000000002000008008000"));
        assert_eq!(RETURN_B0.to_vec(), bytes("11000000010000000002008008008400"));
    }

    #[test]
    fn code_lies_inside_the_ranges_that_call_the_host_and_does_not_overlap() {
        let mut addresses: Vec<u64> = image().iter().map(|(address, _)| *address).collect();
        addresses.sort();
        assert!(addresses.windows(2).all(|pair| pair[0] + BUNDLE <= pair[1]));
        assert!(addresses.iter().all(|a| (map::PAL_CODE..map::FIRMWARE_CODE_END).contains(a)));
        assert!(efi_service(super::super::efi::SERVICES.len() as u64) <= map::FIRMWARE_IVT);
        assert_eq!(map::FIRMWARE_IVT % 0x8000, 0);
    }
}

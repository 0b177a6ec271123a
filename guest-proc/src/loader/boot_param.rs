//! The parameter block an ia64 boot loader hands to its kernel: `struct ia64_boot_param` of Linux's
//! `include/uapi/asm/setup.h`. All addresses are physical.

use super::Loaded;
use crate::firmware::efi::memory_map;
use crate::map;
use crate::memory::GuestRam;

/// Bytes for the command line, its final 0 included.
pub const COMMAND_LINE_SIZE: usize = 2048;

const BLOCK: u64 = map::BOOT_DATA;
const COMMAND_LINE: u64 = map::BOOT_DATA + 0x1000;
const MEMORY_MAP: u64 = map::BOOT_DATA + 0x2000;

/// Columns, rows, and the cursor at the start: a serial console has no screen, but Linux wants numbers.
const CONSOLE: [u16; 4] = [80, 25, 0, 0];

/// The block's bytes.
fn bytes(system_table: u64, map_size: u64, initrd: Option<(u64, u64)>) -> Vec<u8> {
    let mut block = Vec::new();
    for word in [COMMAND_LINE, system_table, MEMORY_MAP, map_size, memory_map::STRIDE] {
        block.extend(word.to_le_bytes());
    }
    block.extend(memory_map::VERSION.to_le_bytes());
    block.extend(CONSOLE.iter().flat_map(|field| field.to_le_bytes()));
    block.extend([0; 4]);
    let (start, size) = initrd.unwrap_or((0, 0));
    // No FPSWA: the processor handles every floating-point operand itself.
    for word in [0, start, size] {
        block.extend(u64::to_le_bytes(word));
    }
    block
}

/// Writes parameter block, command line and memory map for what is `loaded`. Returns the block's address.
pub fn install(ram: &GuestRam, system_table: u64, loaded: &Loaded, command_line: &str) -> u64 {
    let map = memory_map::bytes(&memory_map::map(ram.ranges(), &loaded.regions));
    ram.memory.write(BLOCK, &bytes(system_table, map.len() as u64, loaded.initrd));
    ram.memory.write(COMMAND_LINE, command_line.as_bytes());
    ram.memory.write(MEMORY_MAP, &map);
    BLOCK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_has_linuxs_layout() {
        let block = bytes(0x20_0000, 0x1e0, Some((0x3f85_0000, 3_708_582)));
        let word = |at: usize| u64::from_le_bytes(block[at..at + 8].try_into().unwrap());
        assert_eq!(block.len(), 0x50);
        assert_eq!((word(8), word(0x18), word(0x20)), (0x20_0000, 0x1e0, 48));
        assert_eq!((block[0x28], block[0x2c], block[0x2e]), (1, 80, 25));
        assert_eq!((word(0x38), word(0x40), word(0x48)), (0, 0x3f85_0000, 3_708_582));
    }
}

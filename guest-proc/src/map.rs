//! Where everything lies in the guest's physical address space.
//!
//! ```text
//!  0000_0010_0000  firmware code, tables, runtime data (to 16 MiB: one granule, so the OS loses no RAM to it)
//!  0000_0100_0000  RAM, up to 3 GiB
//!  0000_c000_0000  PCI memory windows, 64 MiB a bus
//!  0000_fec0_0000  IOSAPIC
//!  0000_fee0_0000  interrupt block of the local SAPICs (IPIs, MSIs)
//!  0000_ff5e_0000  UART
//!  0001_0000_0000  the RAM that did not fit below 3 GiB
//!  03ff_fc00_0000  I/O ports, sparse
//! ```

/// Start of the memory that belongs to the firmware. Nothing is below: the VGA window must not look like memory.
pub const FIRMWARE_BASE: u64 = 0x10_0000;
/// PAL code: one 64 KiB block, aligned on its size as `efi_map_pal_code` wants it.
pub const PAL_CODE: u64 = 0x10_0000;
/// SAL and EFI code and the firmware's interruption vectors.
pub const SAL_CODE: u64 = 0x11_0000;
/// The firmware's interruption vector table (32 KiB aligned).
pub const FIRMWARE_IVT: u64 = 0x11_8000;
/// End of firmware code: `break` instructions from [`PAL_CODE`] to here call the host.
pub const FIRMWARE_CODE_END: u64 = 0x12_0000;
/// Tables the OS reads: EFI system table, SAL system table, HCDP.
pub const TABLES: u64 = 0x20_0000;
/// End of [`TABLES`].
pub const TABLES_END: u64 = 0x22_0000;
/// ACPI tables.
pub const ACPI_TABLES: u64 = 0x22_0000;
/// End of [`ACPI_TABLES`].
pub const ACPI_TABLES_END: u64 = 0x24_0000;
/// The FACS: ACPI NVS memory.
pub const ACPI_NVS: u64 = 0x24_0000;
/// End of [`ACPI_NVS`].
pub const ACPI_NVS_END: u64 = 0x25_0000;
/// Boot parameter block, command line and memory map: the boot loader's data.
pub const BOOT_DATA: u64 = 0x25_0000;
/// End of [`BOOT_DATA`].
pub const BOOT_DATA_END: u64 = 0x28_0000;
/// Min-state save area each processor has unless the OS registers another one, [`MIN_STATE_SIZE`] bytes a processor.
pub const MIN_STATES: u64 = 0x28_0000;
/// Bytes of one processor's min-state save area.
pub const MIN_STATE_SIZE: u64 = 0x1000;
/// Register-stack backing store each processor starts on, [`BACKING_STORE_SIZE`] bytes a processor.
pub const BACKING_STORES: u64 = 0x30_0000;
/// Bytes of one processor's first backing store.
pub const BACKING_STORE_SIZE: u64 = 0x4000;

/// Start of RAM.
pub const RAM_BASE: u64 = 0x100_0000;
/// End of what can be RAM below 4 GiB.
pub const LOW_RAM_END: u64 = 0xc000_0000;
/// Start of the RAM that does not fit below [`LOW_RAM_END`].
pub const HIGH_RAM_BASE: u64 = 0x1_0000_0000;

/// PCI buses, each a root bus with a host bridge of its own.
pub const PCI_BUSES: u8 = 8;
/// Slots of a bus that can hold a function.
pub const PCI_SLOTS: u8 = 8;
/// Memory window of bus 0; those of the others follow.
pub const PCI_MEMORY_BASE: u64 = 0xc000_0000;
/// Bytes of one bus's memory window.
pub const PCI_MEMORY_SIZE: u64 = 0x400_0000;
/// First I/O port of bus 0's window; those of the others follow.
pub const PCI_IO_BASE: u64 = 0x1000;
/// Ports of one bus's window.
pub const PCI_IO_SIZE: u64 = 0x1000;

/// The IOSAPIC's registers.
pub const IOSAPIC: u64 = 0xfec0_0000;
/// Bytes the IOSAPIC decodes.
pub const IOSAPIC_SIZE: u64 = 0x1000;
/// The processors' interrupt block.
pub const INTERRUPT_BLOCK: u64 = 0xfee0_0000;
/// Bytes of the interrupt block.
pub const INTERRUPT_BLOCK_SIZE: u64 = 0x20_0000;
/// The console UART.
pub const UART: u64 = 0xff5e_0000;
/// Bytes the UART decodes.
pub const UART_SIZE: u64 = 8;
/// Port space in memory: 64 KiB of ports, four to each 4 KiB page.
pub const IO_PORTS: u64 = 0x3ff_fc00_0000;
/// Bytes of the port space.
pub const IO_PORTS_SIZE: u64 = 0x400_0000;

/// First port of the ACPI power-management block.
pub const PM_PORTS: u16 = 0x500;

/// Global system interrupt of the UART.
pub const UART_GSI: u32 = 4;
/// Global system interrupt of ACPI events.
pub const SCI_GSI: u32 = 9;
/// Global system interrupt of INTA of bus 0, slot 0; every slot has its own, so none is shared.
pub const PCI_GSI_BASE: u32 = 16;
/// Pins of the IOSAPIC.
pub const GSI_COUNT: u32 = PCI_GSI_BASE + PCI_BUSES as u32 * PCI_SLOTS as u32;

/// Global system interrupt of INTA of the function at `bus` and `slot`.
pub const fn pci_gsi(bus: u8, slot: u8) -> u32 {
    PCI_GSI_BASE + bus as u32 * PCI_SLOTS as u32 + slot as u32
}

/// Most processors a guest can have.
pub const MAX_VCPUS: usize = 16;
/// Least RAM a guest can have, in bytes.
pub const MIN_RAM: u64 = 64 << 20;
/// Most RAM a guest can have, in bytes.
pub const MAX_RAM: u64 = 64 << 30;

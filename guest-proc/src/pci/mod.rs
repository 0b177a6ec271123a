//! PCI: what a function offers ([`PciFunction`]), what it may ask of the platform ([`Interrupts`]), the configuration
//! space and MSI-X every function needs ([`config`], [`msix`]).
//!
//! Configuration cycles and BAR accesses come from vCPU threads, several at a time; a function guards its own state.

pub mod config;
pub mod host;
pub mod msix;

pub use config::{ConfigSpace, Identity};
pub use host::{Location, PciHost, PlaceError};
pub use msix::Msix;

/// What a base address register decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BarKind {
    /// I/O ports.
    Io,
    /// Memory, placed below 4 GiB.
    Memory32,
    /// Memory with a 64-bit address: takes two registers.
    Memory64,
}

/// One base address register and the space behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Register number, 0 to 5 (to 4 for [`BarKind::Memory64`]).
    pub index: u8,
    /// Bytes decoded: a power of two, at least 16 for memory and 4 for I/O.
    pub size: u64,
    /// What it decodes.
    pub kind: BarKind,
}

/// One function of a PCI device. All offsets and values come from the guest and may be anything.
pub trait PciFunction: Send + Sync {
    /// Reads `size` (1, 2, 4) bytes of configuration space at `offset` (0 to 255, naturally aligned).
    fn config_read(&self, offset: u16, size: u8) -> u32;
    /// Writes `size` (1, 2, 4) bytes of configuration space at `offset` (0 to 255, naturally aligned).
    fn config_write(&self, offset: u16, size: u8, value: u32);
    /// The base address registers; the same list for the function's whole life.
    fn bars(&self) -> Vec<Bar>;
    /// Reads `size` (1, 2, 4, 8) bytes at `offset`, which lies inside the space of BAR `bar`.
    fn bar_read(&self, bar: u8, offset: u64, size: u8) -> u64;
    /// Writes the low `size` (1, 2, 4, 8) bytes of `value` at `offset` inside the space of BAR `bar`.
    fn bar_write(&self, bar: u8, offset: u64, size: u8, value: u64);
    /// The machine is reset: back to the state after power-on, no request outstanding, no interrupt asserted.
    fn reset(&self);
}

/// How a device interrupts. Both calls are quick and come from any thread.
pub trait Interrupts: Send + Sync {
    /// A message-signalled interrupt: the device writes `data` at physical `address`.
    fn msi(&self, address: u64, data: u32);
    /// Sets the state of the wire with global system interrupt number `gsi`. Whoever shares a wire asserts it through
    /// a number of his own; see `Identity::interrupt_pin` for PCI's INTx.
    fn line(&self, gsi: u32, asserted: bool);
}

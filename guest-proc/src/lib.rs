//! The guest machine: everything an Itanium guest sees beyond its processors, and the process that runs one guest.

pub mod avio;
pub mod bus;
pub mod clock;
pub mod control;
pub mod devices;
pub mod firmware;
#[cfg(test)]
mod golden;
pub mod loader;
pub mod map;
pub mod memory;
pub mod pci;

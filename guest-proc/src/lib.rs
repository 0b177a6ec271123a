//! The guest machine: everything an Itanium guest sees beyond its processors, and the process that runs one guest.

pub mod avio;
pub mod bus;
mod cli;
pub mod clock;
mod console;
pub mod control;
pub mod devices;
pub mod firmware;
pub mod gdb;
#[cfg(test)]
mod golden;
pub mod loader;
pub mod machine;
pub mod map;
pub mod memory;
pub mod pci;

pub use cli::main;

//! The guest machine: everything an Itanium guest sees beyond its processors, and the process that runs one guest.
//!
//! ```text
//!   cli (run, managed) ──► machine ──► one thread a vCPU: ia64::Cpu::run ──► firmware calls, halts, debugger's gate
//!      │ console, gdb          │
//!      │                       ├── memory    RAM: a sealed memfd
//!      │                       ├── loader    kernel, RAM disk, boot parameters
//!      │                       ├── firmware  EFI, SAL, PAL (native, entered through real bundles), ACPI tables
//!      └── control ◄───────────┼── bus ──► devices (uart, iosapic, pm, router), pci ──► avio ══ vhost-user ══ VSP
//!          how it ends         └── clock     the ITC, which stands still with the machine
//! ```
//!
//! [`map`] says where everything lies. Devices are pure cores with wiring around them; whatever a guest does to them is
//! an answer, never an error or a panic. A guest process opens no storage: disks are behind a socket.

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
mod sandbox;

pub use cli::main;

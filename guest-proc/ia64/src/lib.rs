//! The Itanium processor: decode, disassemble, execute, translate, interrupt. It knows a [`Bus`] and RAM, and no device,
//! no firmware and no operating system.
//!
//! ```text
//!   table ──► decode ──► Insn ──► disasm
//!                         │
//!                         ▼
//!   engine (decoded blocks) ──► exec (one function an operation) ──► state, rse, alat, fp
//!                         │                │
//!                         ▼                ▼
//!                     mmu (fetch)      mmu (load, store) ──► memory (RAM), bus (the rest)
//!                         └──► interruption ◄──┘
//! ```
//!
//! References are to the *Intel Itanium Architecture Software Developer's Manual*, revision 2.3 ("SDM").

pub mod alat;
pub mod bits;
pub mod bundle;
pub mod bus;
pub mod cpu;
pub mod decode;
pub mod disasm;
mod engine;
mod exec;
pub mod fault;
pub mod fp;
pub mod insn;
pub mod interruption;
pub mod link;
pub mod memory;
pub mod mmu;
pub mod op;
pub mod rse;
pub mod sapic;
pub mod simd;
pub mod state;
pub mod table;

pub use bus::Bus;
pub use insn::Insn;
pub use memory::Memory;
pub use op::Op;
